"""Division: what makes a page a round-up, and where its entries begin and end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from archive.model import EntryKind
from archive.normalise.provinces import provinces_in_title, read_heading
from archive.parse.lines import Line

# Titles of round-ups, as ministries name them; 动态 begins other words too (动态管理).
_ROUND_UP = re.compile(
    r"联播|播报|[一每]周(?:要闻|动态|信息|工作|新闻|资讯|简讯|回顾|大事|政务|综述|快)"
    # 各地 alone is in titles of single articles too: 要求各地做好防汛工作.
    r"|各地(?:工作)?(?:信息|新闻|资讯|见闻|传真|快递|速递|掠影|采风|巡礼|综述)(?=[（(〔\[：:]|第|$)"
    r"|动态(?=[（(〔\[]|第|$)|简报|简讯|快讯|快报|要闻|摘编|摘登|集锦|荟萃|汇编"
)
# A document about round-ups is not one.
_PAPER = re.compile(r"(?:通知|意见|办法|规定|公告|公示|批复|决定|细则|方案|的函|令)(?:（.*）)?$")
_HAN_NUMBER = r"[一二三四五六七八九十]{1,3}"
_STYLES = re.compile(
    rf"(?P<bracket>[【〖［\[])|(?P<han>{_HAN_NUMBER}\s?[、.．])|(?P<paren>[（(]{_HAN_NUMBER}[）)])"
    r"|(?P<digit>\d{1,2}\s?(?:、|[.．](?!\d(?!\d?月))))|(?P<ring>[①-⑳])|(?P<mark>[●■◆▲★◇□○▶►])"
)
_NUMBERS = ("han", "paren", "digit", "ring", "mark")
_IN_BRACKETS = re.compile(r"[【〖［\[][^【】〖〗［］\[\]]{1,20}[】〗］\]]")
# Where a run-in heading can end (【黑龙江】5月8日…, 黑龙江：5月8日…).
_RUN_IN_END = re.compile(r"[】〗］\]）)][：:]?|[：:]|\u3000+")
_MAX_RUN_IN = 30
# After nothing but whitespace a heading is accepted only where a whole sentence follows.
_MIN_SENTENCE = 20
_STOPS = tuple("。！？；…”）)!?;")
_SENTENCE_END = tuple("。！？；：，、…;:!?,.")
# A set-off heading is shorter than any line of text around it; titles of news items reach 36.
_MAX_SET_OFF = 40


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a body before it is normalised: what will be one entry.

    ``codes`` are the provinces that the heading names.
    """

    kind: EntryKind
    heading: str | None
    codes: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class _Mark:
    """A paragraph as its heading, if it has one, and the text that is not heading."""

    heading: str | None
    codes: tuple[str, ...]
    text: str
    row: bool = False


def divide(title: str, paragraphs: Sequence[Line]) -> tuple[Piece | None, list[Piece]]:
    """The lead and the pieces of a body.

    Two or more headings that are provinces (or cities that map to provinces) divide it into one
    ``section`` for each paragraph below them (with the table that follows it); one is enough where
    the title announces a round-up. Where it does, numbered or set-off headings divide it into
    ``item``s. Else the body is one ``article``. Every paragraph that is not a heading is in
    exactly one piece.
    """
    round_up = _ROUND_UP.search(title) is not None and _PAPER.search(title) is None
    marks = [_province_mark(paragraph) for paragraph in paragraphs]
    if _is_divided_by(marks, 1 if round_up else 2):
        return _sections(_with_like_headings(paragraphs, marks))
    if round_up:
        for starts in (_numbered_starts(paragraphs), _set_off_starts(paragraphs)):
            if len(starts) >= 2:
                return _items(paragraphs, starts)
    return None, [Piece("article", None, (), _joined(paragraphs))]


def _joined(paragraphs: Sequence[Line]) -> str:
    return "\n".join(paragraph.text for paragraph in paragraphs)


def _province_mark(paragraph: Line) -> _Mark:
    text = paragraph.text
    if not paragraph.row:
        if heading := read_heading(text):
            return _Mark(heading.literal, heading.codes, "")
        for end in _run_in_ends(paragraph):
            if heading := read_heading(text[:end]):
                return _Mark(heading.literal, heading.codes, text[end:].lstrip(" \u3000：:"))
    return _Mark(None, (), text, paragraph.row)


def _run_in_ends(paragraph: Line) -> Iterator[int]:
    """Where a heading at the head of a paragraph may end, so that text is left after it."""
    text = paragraph.text
    for found in _RUN_IN_END.finditer(text, 0, _MAX_RUN_IN):
        left = len(text) - found.end()
        believed = left >= _MIN_SENTENCE if found[0].isspace() else left > 0
        # 黑龙江：启动改造 is the title of what follows, not a heading with its text.
        if found.start() and believed and (text.endswith(_STOPS) or left > _MAX_SET_OFF):
            yield found.end()
    if paragraph.bold and len(text) - paragraph.bold >= _MIN_SENTENCE:
        yield paragraph.bold


def _is_divided_by(marks: Sequence[_Mark], needed: int) -> bool:
    """Whether enough headings have text below them; a mere list of names does not divide a text."""
    headings = [i for i, mark in enumerate(marks) if mark.heading is not None]
    ends = [*headings[1:], len(marks)] if headings else []
    filled = sum(
        any(mark.text for mark in marks[start:end])
        for start, end in zip(headings, ends, strict=True)
    )
    return filled >= needed and 2 * filled >= len(headings)


def _with_like_headings(paragraphs: Sequence[Line], marks: Sequence[_Mark]) -> list[_Mark]:
    """The marks, with the headings that look like provinces' but name none (【部机关】)."""
    styles = {_style(mark.heading) for mark in marks if mark.heading} - {None}
    changed: list[_Mark] = []
    for paragraph, mark in zip(reversed(paragraphs), reversed(marks), strict=True):
        if mark.heading is None and not paragraph.row and _style(paragraph.text) in styles:
            below = changed[-1] if changed else None
            mark = _like_heading(paragraph, below) or mark
        changed.append(mark)
    return changed[::-1]


def _like_heading(paragraph: Line, below: _Mark | None) -> _Mark | None:
    """A bracketed or set-off line as a heading, if it has text after or below it."""
    text = paragraph.text
    bracketed = _IN_BRACKETS.match(text)
    end = bracketed.end() if bracketed else len(text) if _is_set_off(paragraph) else 0
    rest = text[end:].lstrip(" \u3000：:")
    if not end or not (rest or (below and below.text and below.heading is None)):
        return None
    return _Mark(text[:end], provinces_in_title(text[:end]), rest)


def _style(text: str) -> str | None:
    found = _STYLES.match(text)
    return found.lastgroup if found else None


def _sections(marks: Sequence[_Mark]) -> tuple[Piece | None, list[Piece]]:
    """A piece for each paragraph below a heading; a table belongs to the paragraph before it."""
    before: list[str] = []
    pieces: list[Piece] = []
    current: _Mark | None = None
    opened = False
    for mark in marks:
        if mark.heading is not None:
            current, opened = mark, False
        if not mark.text:
            continue
        if current is None:
            before.append(mark.text)
        elif mark.row and opened:
            pieces[-1] = replace(pieces[-1], text=f"{pieces[-1].text}\n{mark.text}")
        else:
            pieces.append(Piece("section", current.heading, current.codes, mark.text))
            opened = True
    return _lead("\n".join(before)), pieces


def _lead(text: str) -> Piece | None:
    return Piece("lead", None, (), text) if text else None


def _numbered_starts(paragraphs: Sequence[Line]) -> list[int]:
    """Indexes of paragraphs numbered in the outermost style: the first met that comes twice.

    Numbers of another style lie inside the items.
    """
    styled = [(i, _style(p.text)) for i, p in enumerate(paragraphs) if not p.row]
    for wanted in dict.fromkeys(style for _, style in styled if style in _NUMBERS):
        starts = [i for i, style in styled if style == wanted]
        if len(starts) >= 2:
            return starts
    return []


def _set_off_starts(paragraphs: Sequence[Line]) -> list[int]:
    """Indexes of short lines before a longer paragraph that do not end like a sentence."""
    return [
        i
        for i, (paragraph, below) in enumerate(pairwise(paragraphs))
        if _is_set_off(paragraph)
        and len(below.text) > len(paragraph.text)
        and not (_is_set_off(below) or below.row)
    ]


def _is_set_off(paragraph: Line) -> bool:
    text = paragraph.text
    return len(text) <= _MAX_SET_OFF and not paragraph.row and not text.endswith(_SENTENCE_END)


def _items(paragraphs: Sequence[Line], starts: Sequence[int]) -> tuple[Piece | None, list[Piece]]:
    pieces = []
    for start, end in zip(starts, [*starts[1:], len(paragraphs)], strict=True):
        first, rest = paragraphs[start], paragraphs[start + 1 : end]
        if rest and _is_set_off(first):
            codes = provinces_in_title(first.text)
            pieces.append(Piece("item", first.text, codes, _joined(rest)))
        else:
            pieces.append(Piece("item", None, (), _joined(paragraphs[start:end])))
    return _lead(_joined(paragraphs[: starts[0]])), pieces
