"""Snippets: the part of a text that best shows why it was found.

Words are searched in the folded text and shown as they are written in the original.

>>> from archive.search.query import parse
>>> snippet("各地脫貧攻堅 <进展>", parse("脱贫攻坚"))
'各地<mark>脫貧攻堅</mark> &lt;进展&gt;'
"""

from __future__ import annotations

import re
from html import escape
from itertools import islice
from typing import NamedTuple

from archive.search.fold import fold_with_map, original_span
from archive.search.query import Query

CUT = "…"
_SENTENCE_END = re.compile(r"[。！？；\n]")
# Characters that a page cannot contain, and line breaks: a snippet is one line.
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


# More matches than any window shows; a text of one repeated word could have millions.
_MAX_MARKS = 1000


class _Mark(NamedTuple):
    start: int
    end: int
    word: str


def snippet(text: str | None, query: Query, width: int = 80) -> str:
    """HTML of at most ``width`` characters of ``text``, its matches in ``<mark>``.

    The window is the one with the most different words, then with the most matches, then the
    first; it begins at a sentence if no match is lost by that. ``…`` marks text left out. Without
    a match it is the beginning of the text.
    """
    return "".join(
        f"<mark>{escape(piece)}</mark>" if marked else escape(piece)
        for piece, marked in _pieces(text or "", query, width)
    )


def plain(text: str | None, query: Query, width: int = 80) -> str:
    """The same window as plain text, without marks: for feeds and tables, not for HTML."""
    return "".join(piece for piece, _ in _pieces(text or "", query, width))


def _pieces(text: str, query: Query, width: int) -> list[tuple[str, bool]]:
    marks = _marks(text, query)
    start, end = _window(text, marks, width)
    shown = _UNSHOWN.sub(" ", text)
    pieces = [(CUT if start else "", False)]
    at = start
    for mark in marks:
        left, right = max(mark.start, at), min(mark.end, end)
        if left < right:
            pieces += [(shown[at:left], False), (shown[left:right], True)]
            at = right
    pieces += [(shown[at:end], False), (CUT if end < len(text) else "", False)]
    return [(piece, marked) for piece, marked in pieces if piece]


def _marks(text: str, query: Query) -> list[_Mark]:
    if not query.words:
        return []
    folded, positions = fold_with_map(text)
    return sorted(
        _Mark(*original_span(positions, start, end), word)
        for start, end, word in islice(query.occurrences(folded), _MAX_MARKS)
    )


def _window(text: str, marks: list[_Mark], width: int) -> tuple[int, int]:
    """Start and end of the part of ``text`` to show."""
    if len(text) <= width:
        return 0, len(text)
    if not marks:
        return 0, width
    best, inside = (0, 0), marks[:1]
    for i, first in enumerate(marks):
        limit = max(first.start + width, first.end)
        group = [mark for mark in marks[i : i + width] if mark.end <= limit]
        worth = (len({mark.word for mark in group}), len(group))
        if worth > best:
            best, inside = worth, group
    first_start, last_end = inside[0].start, max(mark.end for mark in inside)
    spare = max(0, width - (last_end - first_start))
    start = min(max(0, first_start - spare // 2), len(text) - width)
    if start and (sentence := _SENTENCE_END.search(text, start - 1, first_start)):
        start = sentence.end()
    return start, min(len(text), start + width)
