"""The content box of a detail page: paragraphs, hard line breaks, Word paste and tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from itertools import groupby

from sample.page import Era, Page, file_address

WIDTH = 48
_RIGHT = '<p style="text-align: right">'


def wrap(text: str, width: int = WIDTH) -> list[str]:
    """Break text after ``width`` full-width characters; digits and letters count half.

    A closing punctuation mark never begins a line, and a run of digits is never cut.
    """
    lines, line, used = [], "", 0.0
    for piece in re.findall(r"(?:[0-9A-Za-z.%]+|[^0-9A-Za-z])[，。、；：！？”’》）」]*", text):
        size = sum(0.5 if char.isascii() else 1.0 for char in piece)
        if line and used + size > width:
            lines.append(line)
            line, used = "", 0.0
        line, used = line + piece, used + size
    return [*lines, line]


def is_heading(paragraph: str) -> bool:
    """Whether a paragraph is shown in bold: short, and no sentence."""
    return len(paragraph) <= 24 and not paragraph.endswith(("。", "！", "？"))


def is_origin(paragraph: str) -> bool:
    """Whether a paragraph is an origin line, which stands at the right."""
    return paragraph.startswith(("摘自", "来源：", "转自"))


def body(page: Page, era: Era) -> str:
    """The inside of a page's content box."""
    return (_wrapped(page) if page.hard_wrapped else _blocks(page, era)) + _links(page, era)


def _blocks(page: Page, era: Era) -> str:
    parts: list[str] = []
    for is_row, group in groupby(page.paragraphs, key=lambda paragraph: "\t" in paragraph):
        if is_row:
            parts.append(_table(group))
        else:
            parts += [_paragraph(text, page, era) for text in group]
    return "\n".join(parts)


def _links(page: Page, era: Era) -> str:
    """Attachments, which eras A and B put under the text and era C in a box of its own."""
    files = () if era == "C" else page.attachments
    return "".join(
        f'\n<p>附件：<a href="{file_address(page, file, era)}">{escape(file.label)}</a></p>'
        for file in files
    )


def _wrapped(page: Page) -> str:
    texts = list(page.paragraphs)
    origin = f"\n{_RIGHT}{escape(texts.pop())}</p>" if texts and is_origin(texts[-1]) else ""
    lines = [line for text in texts for line in (text.split("\n") if "\n" in text else wrap(text))]
    return "<p>" + "<br>\n".join(escape(line, quote=False) for line in lines) + f"</p>{origin}"


def _paragraph(text: str, page: Page, era: Era) -> str:
    if is_origin(text):
        return f"{_RIGHT}{escape(text, quote=False)}</p>"
    if page.style == "word":
        return _word_paragraph(text)
    inner = escape(text, quote=False)
    inner = f"<strong>{inner}</strong>" if is_heading(text) else inner
    if era == "A":
        return f"<p>　　{inner}</p>"
    style = "text-indent: 2em;" if era == "B" else "text-align: justify; text-indent: 2em;"
    return f'<p style="{style}">{inner}</p>'


def _word_paragraph(text: str) -> str:
    """A paragraph as pasted from a word processor: numbers in spans of their own."""
    pieces = re.findall(r"[0-9.]+|[^0-9.]+", text)
    spans = "".join(
        f'<span lang="EN-US" style="font-size:16.0pt">{piece}</span>'
        if piece[0].isdigit()
        else f'<span style="font-size:16.0pt;font-family:仿宋_GB2312">{escape(piece)}</span>'
        for piece in pieces
    )
    return (
        f'<p class="MsoNormal" style="text-indent:32.0pt">{spans}<o:p></o:p></p>\n'
        "<!--[if gte mso 9]><xml><w:Compatibility/></xml><![endif]-->"
        '<p class="MsoNormal"><span lang="EN-US">&nbsp;</span></p>'
    )


def _table(rows: Iterable[str]) -> str:
    lines = "\n".join(
        "<tr>" + "".join(f"<td><p>{escape(cell)}</p></td>" for cell in row.split("\t")) + "</tr>"
        for row in rows
    )
    return (
        f'<table class="MsoTableGrid" border="1" cellspacing="0"><tbody>\n{lines}\n</tbody></table>'
    )
