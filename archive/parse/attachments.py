"""Attachments: the files that a detail page offers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urlsplit

from archive.hrefs import read_href
from archive.model import Attachment
from archive.parse.html import Element, brief_text_of, text_of, walk
from archive.sources import PageContext

_FILE = re.compile(
    r"\.(?:pdf|docx?|xlsx?|wps|et|ofd|zip|rar|7z|pptx?|ceb|txt|csv)(?:$|[?#&;])|document/download\?",
    re.I,
)
_FILE_BOX = re.compile(
    r"attach|download|annex|append|affix|fujian|boxdown|(?:^|[\s_-])(?:fj|down)\w{0,5}(?:$|[\s_-])",
    re.I,
)
# A label that says by itself that the file belongs to the page.
_LABELLED = re.compile(r"\s*附\s?[件表]\s?[\d一二三四五六七八九十]{0,2}\s?[:：.．、]")
_BRIEF = 20
# A heading above files, and what may stand between them.
_HEADING = re.compile(r"(?:相关)?(?:附\s{0,4}件|文件)(?:下载|列表)?\s?[:：]?")
_POINTS = " \t\r\n\xa0\u3000·•、；;|0123456789.（）()[]【】"


def attachments_of(
    root: Element, areas: Iterable[Element], context: PageContext | None
) -> Iterator[Attachment]:
    """Files offered in one of the areas or in a box for them, once each, in page order.

    A file of another site keeps its own address; without a context all addresses are as written.
    """
    inside = set(areas)
    seen: set[str] = set()
    links = [(link, read_href(link.get("href") or "")) for link in root.iter("a")]
    files = [(link, href) for link, href in links if _FILE.search(href)]
    headed = _under_headings(root) if files else set()
    for link, href in files:
        if link not in headed and not _offers_file(link, inside):
            continue
        address = (context.canonical(href) if context else None) or href
        if address not in seen:
            seen.add(address)
            yield Attachment(address, _label(link, href))


def _under_headings(root: Element) -> set[Element]:
    """The links that follow a line 附件： with no other words between."""
    found: set[Element] = set()
    headed, linked = False, 0
    for step, element in walk(root):
        if element.tag == "a" and step != "passed":
            linked += 1 if step == "begins" else -1
            if headed and step == "begins":
                found.add(element)
        text = (element.text if step == "begins" else element.tail) or ""
        if not linked and (words := text.strip(_POINTS)):
            headed = _HEADING.fullmatch(words) is not None
    return found


def _offers_file(link: Element, areas: set[Element]) -> bool:
    if link.get("download") is not None or _LABELLED.match(brief_text_of(link, _BRIEF)):
        return True
    for ancestor in link.iterancestors():
        names = f"{ancestor.get('class') or ''} {ancestor.get('id') or ''}"
        if ancestor in areas or (ancestor.tag != "body" and _FILE_BOX.search(names)):
            return True
    return False


def _label(link: Element, href: str) -> str:
    label = text_of(link) or " ".join((link.get("title") or "").split())
    if label:
        return label
    try:
        return unquote(urlsplit(href).path.rsplit("/", 1)[-1].partition(";")[0])
    except ValueError:
        return ""
