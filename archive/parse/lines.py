"""Lines: from a page's markup to the paragraphs that its author wrote."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from archive.parse.html import Element, fold, marked_ancestors, text_of, walk

# fmt: off
BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "div",
        "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4",
        "h5", "h6", "header", "hr", "html", "li", "main", "nav", "ol", "p", "pre", "section",
        "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
    }
)
# fmt: on
WHITESPACE = " \t\r\n\f\v\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""Whitespace at the ends of a line, U+3000 and the typographic spaces too."""

_SENTENCE_ENDS = tuple("。！？；：…”』」）)!?;:")
_PARAGRAPH_ENDS = tuple("。！？…”』」）)!?")
_OPENING = re.compile(
    r"[一二三四五六七八九十]{1,3}、|[（(][一二三四五六七八九十]{1,3}[）)]|[【■●◆▲★]"
)
_STRONG = frozenset(("b", "strong"))
_BOLD = re.compile(r"font-weight:\s*(?:bold|[6-9]00)")
# A cell with more characters than this serves the layout of the page and is not data. Chosen, not
# measured: the longest cells of ministries' work tables have about 500 characters.
_MAX_CELL = 800

# Hard-wrapped text is set to a fixed measure: many lines within three full-width characters of
# the longest, most of them ending inside a sentence, none beyond 65 characters.
_MAX_MEASURE = 130
_NEAR = 6
_MIN_FULL_LINES = 3
# A word that may not be broken leaves a line short, though never by as much as this share.
_CERTAINLY_SHORT = 0.6


@dataclass(frozen=True, slots=True)
class Line:
    """One line as shown, without whitespace at its ends.

    ``opens`` says that it begins a block rather than follows a ``<br>``, ``row`` that it is a
    table row, ``linked`` that it is nothing but links; ``bold`` is how many characters at its
    start are bold, as long as not all are.
    """

    text: str
    indented: bool = False
    opens: bool = True
    row: bool = False
    linked: bool = False
    bold: int = 0


def lines_of(body: Element, without: Element | None = None) -> list[Line]:
    """The lines of an element in reading order, none empty; ``without`` is passed over.

    There is one for each block, cut at ``<br>``, and one for each table row with two or more
    cells, separated by U+3000. Inline markup is dropped without leaving a space, since Word export
    splits words and numbers.
    """
    before, after = lines_around(body, without)
    return [*before, *after]


def lines_around(root: Element, body: Element | None) -> tuple[list[Line], list[Line]]:
    """The lines of an element before and after a part of it, which is passed over.

    Without the part all are before it.
    """
    collector = _Collector(breaks_count=len(root) == 0)
    rows = _data_rows(root)
    before: int | None = None
    for step, element in walk(root, body):
        if step == "begins":
            collector.begin(element, element in rows)
        elif step == "ends":
            collector.end(element)
        elif element is body:
            collector.edge(opens=True)
            before = len(collector.lines)
        if step != "begins" and element is not root and element.tail:
            collector.add(element.tail)
    collector.edge(opens=True)
    lines = collector.lines
    return (lines, []) if before is None else (lines[:before], lines[before:])


def _data_rows(body: Element) -> set[Element]:
    """Table rows with two or more cells of data; a row with a table inside lays the page out."""
    trs = list(body.iter("tr"))
    layout = marked_ancestors([*trs, *body.iter("table")]) if trs else set()
    rows = set()
    for row in trs:
        if row not in layout:
            sizes = [len(text_of(cell)) for cell in row if cell.tag in ("td", "th")]
            if sum(size > 0 for size in sizes) >= 2 and max(sizes) <= _MAX_CELL:
                rows.add(row)
    return rows


@dataclass(slots=True)
class _Collector:
    """Gathers text until a line ends; ``breaks_count`` where the source's line breaks end lines."""

    breaks_count: bool
    lines: list[Line] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    parts: list[tuple[str, bool, bool]] = field(default_factory=list)
    row: Element | None = None
    opens: bool = True
    bolds: list[Element] = field(default_factory=list)
    linked: int = 0
    pre: int = 0

    def begin(self, element: Element, is_row: bool) -> None:
        tag = element.tag
        if self.row is None:
            if tag in BLOCKS:
                self.edge(opens=True)
            if is_row:
                self.row, self.cells = element, []
        if tag in _STRONG or ((style := element.get("style")) and _BOLD.search(style)):
            self.bolds.append(element)
        if tag == "a":
            self.linked += 1
        elif tag == "pre":
            self.pre += 1
        if element.text:
            self.add(element.text)

    def end(self, element: Element) -> None:
        tag = element.tag
        if tag in BLOCKS or tag == "br":
            self._leave(element, tag)
        if self.bolds and self.bolds[-1] is element:
            self.bolds.pop()
        if tag == "a":
            self.linked -= 1
        elif tag == "pre":
            self.pre -= 1

    def _leave(self, element: Element, tag: str) -> None:
        if self.row is None:
            self.edge(opens=tag != "br")
        elif element is self.row:
            self._end_cell()
            self.lines.append(Line("\u3000".join(self.cells), row=True))
            self.row, self.opens = None, True
        elif tag in ("td", "th"):
            self._end_cell()
        else:
            self.parts.append((" ", False, False))

    def _end_cell(self) -> None:
        text = fold("".join(text for text, _, _ in self.parts)).strip(WHITESPACE)
        self.parts.clear()
        if text:
            self.cells.append(text)

    def add(self, text: str) -> None:
        if not self.parts and text.isascii() and text.isspace():
            return  # the space between two tags is at no line's beginning
        bold, linked = bool(self.bolds), self.linked > 0
        if (self.breaks_count or self.pre) and self.row is None and ("\n" in text or "\r" in text):
            first, *rest = re.split(r"\r\n?|\n", text)
            self.parts.append((first, bold, linked))
            for line in rest:
                self.edge(opens=False)
                self.parts.append((line, bold, linked))
        else:
            self.parts.append((text, bold, linked))

    def edge(self, opens: bool) -> None:
        """End the line, if there is one; ``opens`` says that the next one begins a block."""
        if self.parts:
            whole = "".join([text for text, _, _ in self.parts])
            text = "" if whole.isspace() else fold(whole).strip(WHITESPACE)
            if text:
                self.lines.append(self._line(whole, text))
                self.opens = opens
            self.parts.clear()
        self.opens = self.opens or opens

    def _line(self, whole: str, text: str) -> Line:
        indent = whole[: len(whole) - len(whole.lstrip(WHITESPACE))]
        indented = indent.count("\u3000") >= 2 or indent.count("\xa0") >= 4
        if len(self.parts) == 1:  # as most have, and then its parts tell nothing
            return Line(text, indented, self.opens, linked=self.parts[0][2])
        head = []
        for piece, bold, _ in self.parts:
            if not bold and piece.strip(WHITESPACE):
                break
            head.append(piece)
        strong = len(fold("".join(head)).strip(WHITESPACE))
        return Line(
            text,
            indented,
            self.opens,
            linked=all(linked or not piece.strip(WHITESPACE) for piece, _, linked in self.parts),
            bold=strong if strong < len(text) else 0,
        )


def width(text: str) -> int:
    """The width of a line in half-width cells; ambiguous characters count as full-width."""
    return sum(2 if unicodedata.east_asian_width(char) in "WFA" else 1 for char in text)


def is_hard_wrapped(lines: Sequence[Line]) -> bool:
    """Whether the lines are one text set to a fixed measure rather than paragraphs."""
    if any(len(line.text) > _MAX_MEASURE for line in lines if not line.row):
        return False
    widths = [width(line.text) for line in lines if not line.row]
    measure = max(widths, default=0)
    if not 20 <= measure <= _MAX_MEASURE:
        return False
    full = [line for line in lines if not line.row and width(line.text) >= measure - _NEAR]
    broken = sum(not line.text.endswith(_SENTENCE_ENDS) for line in full)
    return broken >= _MIN_FULL_LINES and 2 * broken > len(full) and 4 * len(full) > len(widths)


def paragraphs_of(lines: Sequence[Line], stands_alone: Callable[[str], bool]) -> list[Line]:
    """The paragraphs: the lines themselves, or what hard-wrapped lines were before wrapping.

    ``stands_alone`` knows the lines that are never joined: headings and the origin line. A joined
    paragraph ends where a line ends a sentence clearly short of the measure or is far too short
    to have been broken, before a number or a bracket that follows a sentence, before an indented
    line where the text indents its paragraphs, and before a block where ``<br>`` breaks lines.
    """
    if not is_hard_wrapped(lines):
        return list(lines)
    measure = max(width(line.text) for line in lines if not line.row)
    indents = 0 < sum(line.indented for line in lines) < len(lines) / 2
    blocks = _blocks_are_paragraphs(lines, measure)
    joined: list[list[Line]] = []
    joins = False
    for line in lines:
        alone = line.row or stands_alone(line.text)
        begins = alone or (indents and line.indented) or (blocks and line.opens)
        if joins and not begins and _OPENING.match(line.text):
            begins = joined[-1][-1].text.endswith(_PARAGRAPH_ENDS)
        if joins and not begins:
            joined[-1].append(line)
        else:
            joined.append([line])
        cells = width(line.text)
        ended = cells < measure - _NEAR and line.text.endswith(_PARAGRAPH_ENDS)
        joins = not alone and not ended and cells >= _CERTAINLY_SHORT * measure
    return [replace(group[0], text="".join(line.text for line in group)) for group in joined]


def _blocks_are_paragraphs(lines: Sequence[Line], measure: int) -> bool:
    """Whether lines broken at the full measure go on after a ``<br>`` rather than in a block."""
    after = [
        following.opens
        for line, following in pairwise(lines)
        if not line.row
        and width(line.text) >= measure - _NEAR
        and not line.text.endswith(_SENTENCE_ENDS)
    ]
    return 2 * sum(after) < len(after)
