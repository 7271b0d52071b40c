"""The hits of a query: its parts in the order that is fast, and its rows by number."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from archive.search.index import TAIL, Index
from archive.search.query import Query
from archive.search.tables import quoted
from archive.search.terms import Filter

TOP = 1 << 60
"""A number above those of all rows."""
MANY = 20_000
"""From so many rows on a word is common, and hits are counted and grouped by many at a time."""

_CHUNK = 100  # hits looked up in the table of units at a time, at first
_SPARSE = 100  # with so many rows for each hit, hits are looked up one by one
_GROUPED = 10_000  # rows grouped at a time
_ALIKE = 1000  # rows with one value of order // divisor that are grouped by themselves


class Place(NamedTuple):
    """Where a row stands in the index's order: higher is newer."""

    sort: int
    key: int


class Count(NamedTuple):
    """A number of rows; if it is not ``exact`` there are at least so many."""

    number: int
    exact: bool


class Hits:
    """A query divided into parts that are fast.

    Spans that all hits must lie in become ranges of numbers. Common units beside other words are
    not prefixes in the table of pairs but looked up in the table of units.
    """

    def __init__(self, db: sqlite3.Connection, index: Index, query: Query) -> None:
        spans = [t.span for t in query.terms if isinstance(t, Filter) and t.span is not None]
        rest = [t for t in query.terms if not isinstance(t, Filter) or t.span is None]
        self.db, self.index, self.rows = db, index, quoted(index.rows)
        self.span = (
            max((s[0] for s in spans), default=0),
            min((s[1] for s in spans), default=TOP),
        )
        self.narrow = bool(spans)
        self.has_tail = last_number(db, index, TAIL, TOP) > 0
        self.nothing = self.span[0] > self.span[1] or query.contradicts
        self.match: str | None = None
        self.also: str | None = None
        # Columns of the table of rows, qualified because a text column may have the same name.
        self.docid, self.key, self.sort, self.labels = (
            f"{self.rows}.{name}" for name in ("docid", "key", "sort", "labels")
        )
        self.within = f"and {self.sort} between ? and ?"
        if not rest:
            return
        common = index.common(db)
        asked, singles = Query(tuple(rest)).without_common(common)
        in_pairs, self.match = asked.match(common)
        self.table = quoted(index.fts if in_pairs else index.units)
        # By its own rowid, FTS5 goes through its list in the order asked for, and stops early.
        self.docid = f"{self.table}.rowid"
        if singles:
            self.also = Query(singles).match(common)[1]

    def sorted_hits(self, expected: int, before: Place | None = None) -> Iterator[Place]:
        """The hits among the sorted rows, newest first; about ``expected`` of them will be read."""
        first, last = self.numbers(before)
        newest_first = f"order by {self.docid} desc limit ?"
        if self.also is None:
            found = self._select(f"{self.sort}, {self.key}", first, last, newest_first, expected)
            yield from map(Place._make, found)
            return
        size = max(_CHUNK, expected)
        sql = self._sql(f"{self.docid}, {self.sort}, {self.key}", newest_first)
        while chunk := self._execute(sql, self.match, first, last, size).fetchall():
            having = self._having([docid for docid, *_ in chunk])
            yield from (Place(sort, key) for docid, sort, key in chunk if docid in having)
            last, size = chunk[-1][0] - 1, min(4 * size, MANY)

    def _having(self, docids: list[int]) -> set[int]:
        """Which of these numbers, given highest first, the table of units has a match for."""
        low, high = docids[-1], docids[0]
        sparse = high - low > _SPARSE * len(docids)
        ranges = [(docid, docid) for docid in docids] if sparse else [(low, high)]
        return {row[0] for each in ranges for row in self._execute(self._units, self.also, *each)}

    def tail_hits(self, limit: int, before: Place | None = None) -> list[Place]:
        """The newest hits among the rows of the tail."""
        if not self.has_tail:
            return []
        bound = before or Place(TOP, 0)
        place = f"{self.sort}, {self.key}"
        order = f"order by {self.sort} desc, {self.key} desc"
        more = f"{self.within} and ({place}) < (?, ?) {order} limit ?"
        found = self._select(place, TAIL, TOP, more, *self.span, *bound, limit)
        return [Place(*row) for row in found]

    def numbers(self, before: Place | None = None) -> tuple[int, int]:
        """The first and last number of the sorted rows in the span and older than ``before``."""
        first = self._position(Place(self.span[0], -TOP)) if self.narrow else 1
        last = self._position(Place(self.span[1] + 1, -TOP)) - 1 if self.narrow else TAIL - 1
        return first, last if before is None else min(last, self._position(before) - 1)

    def count(self, limit: int) -> int:
        """How many rows match; counting stops at ``limit`` if it is not negative."""
        first, last = self.numbers()
        if self.also is not None and limit >= 0:
            number = sum(1 for _ in islice(self.sorted_hits(limit), limit))
        else:
            number = self._count(first, last, "limit ?", limit)
        left = limit - number if limit >= 0 else -1
        if not self.has_tail:
            return number
        return number + self._count(TAIL, TOP, f"{self.within} limit ?", *self.span, left)

    def groups(self, divisor: int, counted: Count) -> Iterator[tuple[int, int, int]]:
        """Set of labels, order // divisor, and how many hits have both, in several pieces."""
        # Many hits are grouped fastest by some thousand rows at a time, and by their labels alone.
        # But each piece is a query of its own, and each collects a prefix from the whole index.
        prefix = '" *' in (self.match or "")
        whole = prefix or (counted.exact and counted.number < MANY)
        first, last = self.numbers()
        last = min(last, last_number(self.db, self.index, 0, TAIL))
        pieces = [(first, last, None)] if whole else self._pieces(first, last, divisor)
        for low, high, period in pieces:
            if period is None:
                yield from self._grouped(divisor, low, high)
            else:
                columns = f"{self.labels}, count(*)"
                for labels, number in self._select(columns, low, high, "group by 1"):
                    yield labels, period, number
        if self.has_tail:
            yield from self._grouped(divisor, TAIL, TOP, self.within, *self.span)

    def _grouped(
        self, divisor: int, first: int, last: int, more: str = "", *values: int
    ) -> Iterator[tuple[int, int, int]]:
        # Grouping by one number is faster than by two.
        both = f"{self.labels} << 32 | {self.sort} / {divisor:d}, count(*)"
        for group, number in self._select(both, first, last, f"{more} group by 1", *values):
            yield group >> 32, group & 0xFFFFFFFF, number

    def _pieces(self, first: int, last: int, divisor: int) -> Iterator[tuple[int, int, int | None]]:
        """Ranges of numbers to group at a time, with order // divisor if all rows share it."""
        while first <= last:
            period = self._sort_at(first) // divisor
            border = self._position(Place((period + 1) * divisor, -TOP)) - 1
            alike = border - first >= _ALIKE
            end = min(last, border if alike else first + _GROUPED - 1)
            yield first, end, period if alike else None
            first = end + 1

    def _count(self, first: int, last: int, more: str, *values: int) -> int:
        columns = self.sort if self.sort in more else "1"
        [(number,)] = self._select(columns, first, last, more, *values, around="count(*)")
        return int(number)

    def _select(
        self, columns: str, first: int, last: int, more: str = "", *values: int, around: str = ""
    ) -> sqlite3.Cursor:
        """Columns of the hits numbered ``first`` to ``last``, or ``around`` of those columns."""
        also = "" if self.also is None else f"and +{self.docid} in ({self._units}) "
        sql = self._sql(columns, also + more)
        if around:
            sql = f"select {around} from ({sql})"
        matches = [text for text in (self.match, self.also) if text is not None]
        asked = [value for text in matches for value in (text, first, last)] or [first, last]
        return self._execute(sql, *asked, *values)

    @property
    def _units(self) -> str:
        units = quoted(self.index.units)
        return f"select rowid from {units} where {units} match ? and rowid between ? and ?"

    def _sql(self, columns: str, more: str) -> str:
        between = f"{self.docid} between ? and ? {more}"
        if self.match is None:
            return f"select {columns} from {self.rows} where {between}"
        joined = f"cross join {self.rows} on {self.rows}.docid = {self.docid}"
        return (
            f"select {columns} from {self.table} {joined if columns != '1' else ''} "
            f"where {self.table} match ? and {between}"
        )

    def _execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        cursor = self.db.execute(sql, values)
        cursor.row_factory = None
        return cursor

    def _sort_at(self, docid: int) -> int:
        """The place in the order of the first row with this number or a higher one."""
        sql = f"select sort from {self.rows} where docid >= ? order by docid limit 1"
        return int(self._execute(sql, docid).fetchone()[0])

    def _position(self, place: Place) -> int:
        """The number of the first sorted row that is not older than ``place``."""
        low, high = 1, last_number(self.db, self.index, 0, TAIL) + 1
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


def last_number(db: sqlite3.Connection, index: Index, first: int, end: int) -> int:
    """The highest row number from ``first`` up to, not including, ``end``; 0 if there is none."""
    sql = f"select max(docid) from {quoted(index.rows)} where docid >= ? and docid < ?"
    return int(db.execute(sql, (first, end)).fetchone()[0] or 0)
