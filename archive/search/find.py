"""Finding: the newest, the most relevant, the number and the facets of what a query matches.

Everything here reads the index alone, without the table it indexes, except for relevance.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from math import log
from typing import NamedTuple

from archive.search.fold import fold
from archive.search.index import TAIL, Index, quoted
from archive.search.query import Query, pattern
from archive.search.terms import Filter, Not, Term

RANKED_WHOLE = 3000
"""Hits up to which all of them are ranked by relevance."""
RANKED = 1000
"""Hits that are ranked where there are more: the newest ones."""

# BM25 with its usual constants; beyond so many rows all words are equally common.
_K1, _B = 1.2, 0.75
_COMMON = 20_000
_CHUNK = 500  # hits looked up in the table of units at a time, to begin with
_GROUPED = 10_000
_FETCHED = 500  # rows of a statement that names their keys


class Place(NamedTuple):
    """Where a row stands in the index's order: higher is newer."""

    sort: int
    key: int


class Count(NamedTuple):
    """A number of rows; where it is not ``exact`` there are at least so many."""

    number: int
    exact: bool


class Ranked(NamedTuple):
    """A row with its score."""

    score: float
    place: Place


@dataclass(frozen=True, slots=True)
class Facets:
    """How many rows match in all, by label, and by the order divided by what was asked for."""

    total: int
    labels: Mapping[str, int]
    order: Mapping[int, int]


def newest(
    db: sqlite3.Connection, index: Index, query: Query, limit: int, before: Place | None = None
) -> list[Place]:
    """The rows that match, the newest first, those older than ``before`` where it is given.

    Rows that a writer adds or rebuilds between two pages neither repeat a row nor hide one.
    """
    asked = _Asked(db, index, query)
    if asked.nothing:
        return []
    found = list(islice(asked.sorted_hits(limit, before), limit))
    return sorted([*found, *asked.tail_hits(limit, before)], reverse=True)[:limit]


def count(db: sqlite3.Connection, index: Index, query: Query, at_most: int | None = None) -> Count:
    """How many rows match; with ``at_most`` the counting ends there."""
    asked = _Asked(db, index, query)
    if asked.nothing:
        return Count(0, True)
    number = asked.count(-1 if at_most is None else at_most + 1)
    if at_most is not None and number > at_most:
        return Count(at_most, False)
    return Count(number, True)


def facets(db: sqlite3.Connection, index: Index, query: Query, divisor: int = 1) -> Facets:
    """Exact numbers of the rows that match: by label, and by order // ``divisor``."""
    asked = _Asked(db, index, query)
    sets: Counter[int] = Counter()
    order: Counter[int] = Counter()
    if not asked.nothing:
        for labels, period, number in asked.groups(divisor):
            sets[labels] += number
            order[period] += number
    names = dict(db.execute(f"select id, labels from {quoted(index.label_sets)}").fetchall())
    by_label: Counter[str] = Counter()
    for labels, number in sets.items():
        for label in names[labels].split():
            by_label[label] += number
    return Facets(sum(sets.values()), by_label, order)


def relevance(
    db: sqlite3.Connection,
    index: Index,
    query: Query,
    weights: Mapping[str, float],
    whole: int = RANKED_WHOLE,
    ranked: int = RANKED,
) -> tuple[list[Ranked], bool]:
    """The rows that match, the most relevant first, and whether those are all that match.

    The score is BM25 over exact occurrences, those in a column counted ``weights`` times; equal
    rows stand newest first. Of more than ``whole`` rows only the ``ranked`` newest are looked at.
    """
    places = newest(db, index, query, whole + 1)
    exact = len(places) <= whole
    if not exact:
        places = places[:ranked]
    patterns = [(pattern(word), _rarity(db, index, word, query)) for word in query.words]
    occurrences: list[tuple[Place, list[float], int]] = []
    for place, texts in zip(places, _texts(db, index, places), strict=True):
        times = [
            sum(
                weights[name] * len(found.findall(text))
                for name, text in zip(index.columns, texts, strict=True)
            )
            for found, _ in patterns
        ]
        occurrences.append((place, times, sum(map(len, texts))))
    average = sum(length for _, _, length in occurrences) / max(1, len(occurrences)) or 1
    scored = [
        Ranked(
            round(
                sum(
                    rarity * n * (_K1 + 1) / (n + _K1 * (1 - _B + _B * length / average))
                    for n, (_, rarity) in zip(times, patterns, strict=True)
                ),
                6,
            ),
            place,
        )
        for place, times, length in occurrences
    ]
    return sorted(scored, reverse=True), exact


def _rarity(db: sqlite3.Connection, index: Index, word: str, query: Query) -> float:
    """The inverse document frequency of a word; of no consequence where it is the only one."""
    if len(query.words) == 1:
        return 1.0
    total = _last(db, index, 0, TAIL) + max(0, _last(db, index, TAIL, 1 << 62) - TAIL + 1)
    having = count(db, index, Query((word,)), _COMMON).number
    return log(1 + (max(total, having) - having + 0.5) / (having + 0.5))


def _last(db: sqlite3.Connection, index: Index, first: int, end: int) -> int:
    sql = f"select max(docid) from {quoted(index.rows)} where docid >= ? and docid < ?"
    return int(db.execute(sql, (first, end)).fetchone()[0] or 0)


def _texts(db: sqlite3.Connection, index: Index, places: list[Place]) -> Iterator[list[str]]:
    """The folded texts of rows."""
    names = ", ".join(map(quoted, (index.key, *index.columns)))
    titles: dict[str, str] = {}  # Texts that many rows share are folded once.
    keys = iter(places)
    while some := [place.key for place in islice(keys, _FETCHED)]:
        marks = ", ".join("?" * len(some))
        sql = f"select {names} from {quoted(index.table)} where {quoted(index.key)} in ({marks})"
        rows = {row[0]: row[1:] for row in db.execute(sql, some)}
        for key in some:
            long, *others = rows.get(key, [None] * len(index.columns))
            for text in others:
                if text and text not in titles:
                    titles[text] = fold(text)
            yield [fold(long or ""), *(titles[text] if text else "" for text in others)]


class _Asked:
    """A query taken apart into what is fast.

    The spans that all hits must lie in are ranges of numbers. Of single units asked for beside
    longer words, the common ones are no prefixes in the table of pairs, where they cost a second,
    but looked up in the table of units; those that a longer word contains are not asked at all.
    """

    def __init__(self, db: sqlite3.Connection, index: Index, query: Query) -> None:
        spans = [t.span for t in query.terms if isinstance(t, Filter) and t.span is not None]
        rest = [t for t in query.terms if not isinstance(t, Filter) or t.span is None]
        self.db, self.index, self.rows = db, index, quoted(index.rows)
        self.span = (
            max((s[0] for s in spans), default=0),
            min((s[1] for s in spans), default=_TOP),
        )
        self.narrow = bool(spans)
        self.nothing = self.span[0] > self.span[1]
        self.match: str | None = None
        self.also: str | None = None
        if not rest:
            return
        asked, singles = Query(tuple(rest)).apart()
        in_pairs, self.match = asked.match()
        self.table = quoted(index.fts if in_pairs else index.units)
        if singles:
            rare = [term for term in singles if not self._is_common(term)]
            self.match = Query((*asked.terms, *rare)).match()[1]
            if common := tuple(term for term in singles if term not in rare):
                self.also = Query(common).match()[1]

    def _is_common(self, term: Term) -> bool:
        word = term.term if isinstance(term, Not) else term
        return not count(self.db, self.index, Query((word,)), _COMMON).exact

    def sorted_hits(self, expected: int, before: Place | None = None) -> Iterator[Place]:
        """The hits among the sorted rows, the newest first; some ``expected`` will be asked for."""
        first, last = self.numbers(before)
        if self.also is None:
            source = self._source("docid between ? and ? order by docid desc limit ?", "sort, key")
            yield from map(Place._make, self._execute(source, (first, last, expected)))
            return
        source = self._source(
            "docid between ? and ? order by docid desc limit ?", "docid, sort, key"
        )
        units = quoted(self.index.units)
        also = f"select rowid from {units} where {units} match ? and rowid between ? and ?"
        size = max(_CHUNK, expected)
        while chunk := self._execute(source, (first, last, size)).fetchall():
            low, high = chunk[-1][0], chunk[0][0]
            having = {row[0] for row in self.db.execute(also, (self.also, low, high))}
            yield from (Place(sort, key) for docid, sort, key in chunk if docid in having)
            last, size = low - 1, min(4 * size, _COMMON)

    def tail_hits(self, limit: int, before: Place | None = None) -> list[Place]:
        """The newest hits among the rows of the tail."""
        bound = before or Place(1 << 62, 0)
        sql, also = self._both(
            f"docid >= {TAIL} and sort between ? and ? and (sort, key) < (?, ?)", "sort, key"
        )
        sql += " order by sort desc, key desc limit ?"
        return [Place(*row) for row in self._execute(sql, (*self.span, *bound, *also, limit))]

    def numbers(self, before: Place | None = None) -> tuple[int, int]:
        """The first and last number of the sorted rows in the span and older than ``before``."""
        first = self._position(Place(self.span[0], -_TOP)) if self.narrow else 1
        last = self._position(Place(self.span[1] + 1, -_TOP)) - 1 if self.narrow else TAIL - 1
        return first, last if before is None else min(last, self._position(before) - 1)

    def count(self, limit: int) -> int:
        """How many rows match; counting ends at ``limit`` where it is not negative."""
        first, last = self.numbers()
        if self.also is not None and limit >= 0:
            number = sum(1 for _ in islice(self.sorted_hits(limit), limit))
        else:
            number = self._count("docid between ? and ?", (first, last), limit)
        left = limit - number if limit >= 0 else -1
        return number + self._count(f"docid >= {TAIL} and sort between ? and ?", self.span, left)

    def _count(self, condition: str, values: tuple[int, ...], limit: int) -> int:
        columns = "1" if "sort" in condition else None
        sql, also = self._both(condition, columns)
        [(number,)] = self._execute(
            f"select count(*) from ({sql} limit ?)", (*values, *also, limit)
        )
        return int(number)

    def groups(self, divisor: int) -> Iterator[tuple[int, int, int]]:
        """Set of labels, order // divisor, and how many hits have them, in several pieces."""
        # Grouping is fastest by one number, and by some thousand rows at a time.
        both = f"labels << 32 | sort / {divisor:d}, count(*)"
        first, last = self.numbers()
        last = min(last, _last(self.db, self.index, 0, TAIL))
        step = _GROUPED if self.count(_COMMON) == _COMMON else max(1, last - first + 1)
        ranges = [(at, min(last, at + step - 1)) for at in range(first, last + 1, step)]
        for condition, values in (
            *(("docid between ? and ?", each) for each in ranges),
            (f"docid >= {TAIL} and sort between ? and ?", self.span),
        ):
            sql, also = self._both(condition, both)
            for group, number in self._execute(f"{sql} group by 1", (*values, *also)):
                yield group >> 32, group & 0xFFFFFFFF, number

    def _source(self, condition: str, columns: str | None) -> str:
        """A select of the hits for which a condition holds; without columns, they only count."""
        if self.match is None:
            return f"select {columns or 1} from {self.rows} where {condition}"
        number = f"{self.table}.rowid"
        condition = f"{self.table} match ? and {condition.replace('docid', number)}"
        if columns is None:
            return f"select 1 from {self.table} where {condition}"
        return (
            f"select {columns} from {self.table} cross join {self.rows} "
            f"on {self.rows}.docid = {number} where {condition}"
        )

    def _both(self, condition: str, columns: str | None) -> tuple[str, tuple[str, ...]]:
        """The same with what is looked up in the table of units, and its parameter."""
        if self.also is None:
            return self._source(condition, columns), ()
        units = quoted(self.index.units)
        # The plus keeps SQLite from looking each of those up in the other table.
        looked_up = f"+docid in (select rowid from {units} where {units} match ?)"
        return self._source(f"{condition} and {looked_up}", columns), (self.also,)

    def _execute(self, sql: str, values: tuple[int | str, ...]) -> sqlite3.Cursor:
        cursor = self.db.execute(sql, values if self.match is None else (self.match, *values))
        cursor.row_factory = None
        return cursor

    def _position(self, place: Place) -> int:
        """The number of the first sorted row that is not older than ``place``."""
        low, high = 1, _last(self.db, self.index, 0, TAIL) + 1
        sql = (
            f"select docid, sort, key from {self.rows} where docid >= ? and docid < {TAIL} "
            "order by docid limit 1"
        )
        while low < high:
            middle = (low + high) // 2
            row = self.db.execute(sql, (middle,)).fetchone()
            if row is None or (row[1], row[2]) >= place:
                high = middle
            else:
                low = row[0] + 1
        return low


_TOP = 1 << 60
