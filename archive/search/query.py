"""Queries: what a person types, what was understood, and the SQL that finds it.

A query is words apart by blanks (U+3000 and every other Unicode blank included). A row matches
when each word occurs in one of its texts; no word spans two texts. Words and texts are compared
folded (:func:`archive.search.fold.fold`). A word occurs where the folded text contains it and,
if it begins with a letter, no letter stands before it, if it ends with one, none behind it; and
the same for digits: ``2月1日`` is not in ``12月1日``. A query without a word, because it is
empty or has only blanks and invisible characters, restricts nothing: every row matches.

>>> query = parse("危房改造　湖北")
>>> query.words
('危房改造', '湖北')
>>> query.describe()
'全部包含：“危房改造”“湖北”'
>>> parse("2月1日").matches("截至12月1日")
False
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from archive.search.fold import LETTER, fold
from archive.search.index import Index, pairs, quoted, written_units

MAX_LENGTH = 1000
"""Characters a query may have, before folding."""


class InvalidQuery(ValueError):
    """A query that is refused; its text says why, for the person who typed it."""


@dataclass(frozen=True, slots=True)
class Query:
    """The words that must all occur, folded, each once, in the order they were typed."""

    words: tuple[str, ...]

    def sql(self, index: Index) -> tuple[str, list[str]]:
        """A select of the rowids that match, in no order, and its parameters.

        >>> parse("危房改造").sql(Index("entries", columns=("text",)))
        ('select rowid from "entries_fts" where "entries_fts" match ?', ['"危房 房改 改造"'])
        """
        phrases: list[str] = []
        singles: list[str] = []
        for word in self.words:
            [units] = written_units(word)
            if len(units) == 1:
                singles.append(f'"{units[0]}"')
            else:
                phrases.append(f'"{" ".join(pairs(units)[:-1])}"')
        if not self.words:
            return index.every_row, []
        asked = [(index.fts, phrases), (index.units, singles)]
        selects = [
            f"select rowid from {quoted(name)} where {quoted(name)} match ?"
            for name, terms in asked
            if terms
        ]
        return " intersect ".join(selects), [" AND ".join(terms) for _, terms in asked if terms]

    def matches(self, *texts: str | None) -> bool:
        """Whether each word occurs in one of ``texts``, found by reading them."""
        folded = [fold(text) for text in texts if text]
        return all(any(_pattern(word).search(text) for text in folded) for word in self.words)

    def occurrences(self, folded: str) -> Iterator[tuple[int, int, str]]:
        """Start, end and word of each place in a folded text where a word occurs."""
        for word in self.words:
            for match in _pattern(word).finditer(folded):
                yield match.start(), match.end(), word

    def describe(self) -> str:
        """What was understood, in Chinese words; as plain text, not HTML.

        >>> parse("龍").describe()
        '包含：“龙”'
        >>> parse(" ").describe()
        '没有检索词，显示全部'
        """
        if not self.words:
            return "没有检索词，显示全部"
        quoted = "".join(f"“{word}”" for word in self.words)
        return f"全部包含：{quoted}" if len(self.words) > 1 else f"包含：{quoted}"


def parse(text: str) -> Query:
    """Read a query; raises InvalidQuery if it is longer than MAX_LENGTH, else never."""
    if len(text) > MAX_LENGTH:
        raise InvalidQuery(
            f"检索式太长：最多 {MAX_LENGTH:,} 个字符，现有 {len(text):,} 个，请缩短后再试。"
        )
    return Query(tuple(dict.fromkeys(fold(text).split())))


@lru_cache(maxsize=1024)
def _pattern(word: str) -> re.Pattern[str]:
    """A word where it is not cut out of a longer run of letters or digits."""
    pattern = re.escape(word)
    for kind in (LETTER, r"\d"):
        if re.match(kind, word[0]):
            pattern = f"(?<!{kind}){pattern}"
        if re.match(kind, word[-1]):
            pattern = f"{pattern}(?!{kind})"
    return re.compile(pattern)
