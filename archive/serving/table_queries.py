"""Rewriting Datasette's SQL about the table of entries into SQL that is faster or more exact.

For each table page, Datasette 0.65 runs one query for the rows, one for their number and one for
each facet. In a search all have the condition ``id in (S)``, where S is the index's select of keys.
SQLite then looks up every hit in the table of entries, which takes half a second for a word in a
third of a million of them. The functions here recognise these queries by their text and use the
index instead where it has the answer. The queries they know:

=============================================================  ==================================
Datasette's SQL                                                what is run instead
=============================================================  ==================================
``select count(*) from entries where id in (S)``               how many hits the index has
``select … where [F and] id in (S) [and A] order by date       the same of those hits alone that
[desc] limit n``                                               can be on the page
``select province as value, count(*) … where id in (S) …``     hits by their set of labels
``… where F and id in (S) …`` with a date in F                 the same of hits of those dates
``select id, … order by x limit n``, on any table              the same, ties in order of id
=============================================================  ==================================

F are conditions on province, source and date; A is ``_next``. All other SQL stays as it is, and
so do all results: the tests of this module compare them. The tests also fail if the installed
Datasette, or :meth:`archive.search.Query.sql`, no longer writes SQL of this form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from archive.search.index import TAIL
from archive.search.tables import quoted
from archive.storage.database import ENTRIES_INDEX

LONGEST = 10_000
"""Longer SQL is not looked at: Datasette's own is shorter, and anybody's could be written so that
matching it takes long."""

PIECES, PIECE = 8, 1 << 17
"""The number of pieces in which a facet's hits are counted, and their rows; the last has the rest.

SQLite sorts what it groups, and many small sorts are faster than a large one: 0.51 s for 840,000
hits in a million rows, and 0.75 s in one piece.
"""

_ROWS, _SETS = quoted(ENTRIES_INDEX.rows), quoted(ENTRIES_INDEX.label_sets)
_TABLES = f"(?:{quoted(ENTRIES_INDEX.fts)}|{quoted(ENTRIES_INDEX.units)})"
_LAST = 1 << 60  # above every number
_S = (
    rf"select {_ROWS}\.key from (?P<table>{_TABLES}) cross join {_ROWS} "
    rf"on {_ROWS}\.docid = (?P=table)\.rowid where (?P<match>(?P=table) match :search_\d+)"
    rf"(?P<also>(?: and \+{_ROWS}\.docid in "
    rf"\(select rowid from {_TABLES} where {_TABLES} match :search_\d+\))*)"
)
_F = r'(?:(?:"(?:province|source|date)"|date\("date"\)) (?:=|>|>=|<|<=) :p\d+ and )*'
_DATE = re.compile(r'(?:"date"|date\("date"\)) (=|>|>=|<|<=) (:p\d+) and ')
_BEHIND = (
    r"\(date [<>] (?P<day>:p\d+)(?: or date is null)? or "
    r"\(date = (?P=day) and \(\(id > :p\d+\)\)\)\)"
)
_A = f" and {_BEHIND}"
_NEXT = re.compile(f" (and|where) {_BEHIND}")
# Column names as Datasette quotes them.
_COLUMNS = r"(?:, (?:\w+|\[[^]]*\]))*"
_COUNT = re.compile(rf"select count\(\*\) from entries where id in \({_S}\) ")
_PAGE = re.compile(
    rf"(?P<head>select id{_COLUMNS} from entries where (?P<filters>{_F})id in )"
    rf"\({_S}\)(?P<tail>(?:{_A})? order by date(?P<desc> desc)?, id limit (?P<limit>\d+))"
)
_FACET = re.compile(
    r"\s+select province as value, count\(\*\) as count from \(\s+"
    rf"select id{_COLUMNS} from entries where id in \({_S}\) \s+\)\s+"
    r"where province is not null\s+group by province order by count desc, value limit "
    r"(?P<limit>\d+)\s+"
)
_DATED = re.compile(
    rf"(?P<head>.*? from entries where (?P<filters>{_F})id in )\({_S}\)(?P<tail>.*)", re.DOTALL
)
_VALUES = re.compile(r":(search_\d+)")
_ALSO = re.compile(r"(match :search_\d+)\)")
_SORTED = re.compile(
    rf"(select id{_COLUMNS} from \S+ .*order by (?!id )\S+(?: desc)?)( limit \d+)", re.DOTALL
)
_ENTRIES = f"cross join entries on entries.id = {_ROWS}.key"
# The province, which is the first label: labels are sorted, and p comes before s.
_PROVINCE = f"substr({_SETS}.labels, 2, instr({_SETS}.labels || ' ', ' ') - 2)"


def rewritten(sql: str, values: Mapping[str, object]) -> str:
    """The SQL to run instead of Datasette's, with the same ``values``; its result is the same.

    Only sorted pages differ: rows that are equal are sorted by id (see :func:`tie_broken`).
    """
    if len(sql) > LONGEST:
        return sql
    if found := _COUNT.fullmatch(sql):
        return _Hits.of(found).counted()
    if found := _FACET.fullmatch(sql):
        # Each piece would collect a prefix from the whole index again.
        has_prefix = any('" *' in str(values.get(name)) for name in _VALUES.findall(found["match"]))
        return _Hits.of(found).by_province(int(found["limit"]), 1 if has_prefix else PIECES)
    sql = tie_broken(sql)
    if found := _PAGE.fullmatch(sql):
        return f"{found['head']}({_on_page(found)}){found['tail']}"
    if (found := _DATED.fullmatch(sql)) and _DATE.search(found["filters"]):
        hits = _Hits.of(found).keys(*_numbers(found["filters"]))
        return f"{found['head']}({hits}){found['tail']}"
    return sql


def of_all_pages(sql: str) -> str:
    """The SQL of a facet without the condition that excludes the pages before (sorted by date).

    With it, Datasette 0.65 would count only the rows from this page on, next to the total of all.
    """
    return _NEXT.sub(lambda found: " where 1" if found[1] == "where" else "", sql)


def tie_broken(sql: str) -> str:
    """The SQL of a sorted table page with ``id`` as its last sort term; other SQL unchanged.

    Datasette 0.65 breaks ties by primary key only from the second page on, where it also asks for
    rows after the last one seen: if many rows share a date, a listing would show some of them twice
    and some never.
    """
    found = _SORTED.fullmatch(sql)
    return f"{found[1]}, id{found[2]}" if found else sql


@dataclass(frozen=True, slots=True)
class _Hits:
    """The hits of a search: the index's table, its match condition, and further conditions."""

    table: str
    match: str
    also: str

    @classmethod
    def of(cls, found: re.Match[str]) -> _Hits:
        return cls(found["table"], found["match"], found["also"])

    def select(
        self, columns: str, first: str | int, last: str | int, condition: str = "", more: str = ""
    ) -> str:
        """A select from the hits with these numbers, joined with the table of rows and ``more``."""
        between = f"rowid between {first} and {last}"
        # The further conditions are sets of numbers, which SQLite collects first.
        also = _ALSO.sub(rf"\1 and {between})", self.also)
        return (
            f"select {columns} from {self.table} "
            f"cross join {_ROWS} on {_ROWS}.docid = {self.table}.rowid {more} "
            f"where {self.match} and {self.table}.{between}{also}{condition}"
        )

    def keys(self, first: str, last: str) -> str:
        """A select of the keys of the hits with these numbers, and of all hits in the tail."""
        key = f"{_ROWS}.key"
        return (
            f"with ends(first, last) as materialized (select {first}, {last}) "
            f"{self.select(key, '(select first from ends)', '(select last from ends)')} "
            f"union all {self.select(key, TAIL, _LAST)}"
        )

    def counted(self) -> str:
        """How many hits there are; every entry is at most one hit."""
        also = self.also.replace(f"{_ROWS}.docid", f"{self.table}.rowid")
        return f"select count(*) from {self.table} where {self.match}{also}"

    def by_province(self, limit: int, pieces: int) -> str:
        """Hits by province, the most frequent first, counted in several pieces.

        A set of labels with one province says which it is. If it has several, the entry itself says
        which one comes first.
        """
        columns = f"{_ROWS}.labels as labels, count(*) as n"
        grouped = " union all ".join(
            f"{self.select(columns, first, behind - 1)} group by 1"
            for first, behind in pairwise([*range(0, pieces * PIECE, PIECE), _LAST])
        )
        several = f"select id from {_SETS} where labels glob 'p* p*'"
        shared = self.select(f"{_ROWS}.key", 0, _LAST, f" and +{_ROWS}.labels in ({several})")
        return (
            "select value, sum(n) as count from ("
            f"select {_PROVINCE} as value, n from ({grouped}) as groups "
            f"cross join {_SETS} on {_SETS}.id = groups.labels "
            f"where {_SETS}.labels glob 'p*' and {_SETS}.id not in ({several}) "
            "union all "
            f"select province, count(*) from entries where id in ({shared}) "
            "and province is not null group by province"
            f") group by value order by count desc, value limit {limit}"
        )


def _on_page(page: re.Match[str]) -> str:
    """A select of the keys of some hits that include all hits on a page.

    Numbers below TAIL follow the order of date and id. Take the hits with such numbers that come
    after A's day and satisfy F: the page ends with the n-th of them or earlier, so no hit of a
    later day can be on it. The tail is not in order, so all its hits are taken.
    """
    hits, day, backwards = _Hits.of(page), page["day"], bool(page["desc"])
    first, last = _numbers(page["filters"])
    start, end = first, last
    if day and backwards:
        end = f"min({last}, {_number('<', day)})"
        last = f"min({last}, {_number('<=', day)})"
    elif day:
        start = f"max({first}, {_number('>', day)})"
        first = f"max({first}, {_number('>=', day)})"
    filters = f" and {page['filters']}".removesuffix(" and ")
    nth = (
        hits.select("entries.date", start, end, filters, _ENTRIES)
        + f" order by {hits.table}.rowid{' desc' if backwards else ''}"
        + f" limit 1 offset {int(page['limit']) - 1}"
    )
    if backwards:
        first = f"max({first}, {_number('>=', f'({nth})', 0)})"
    else:
        last = f"min({last}, {_number('<=', f'({nth})', TAIL)})"
    return hits.keys(first, last)


def _numbers(filters: str) -> tuple[str, str]:
    """The first and the last number below TAIL that rows with F's dates can have."""
    first, last = ["0", "0"], [f"{TAIL - 1}"] * 2
    for comparison, day in _DATE.findall(filters):
        if comparison in (">", ">=", "="):
            first.append(_number(">=" if comparison == "=" else comparison, day))
        if comparison in ("<", "<=", "="):
            last.append(_number("<=" if comparison == "=" else comparison, day))
    return f"max({', '.join(first)})", f"min({', '.join(last)})"


def _number(comparison: str, day: str, otherwise: int | None = None) -> str:
    """The first number of the days that are > or >= a day, or the last of those < or <= it.

    If there are no such days, or the value is not a day, it is ``otherwise``: by default a number
    that excludes everything.
    """
    desc = " desc" if comparison.startswith("<") else ""
    if otherwise is None:
        otherwise = -1 if desc else TAIL
    return (
        f"coalesce((select {_ROWS}.docid from entries cross join {_ROWS} "
        f"on {_ROWS}.key = entries.id "
        f"where entries.date {comparison} {day} and {_ROWS}.docid < {TAIL} "
        f"order by entries.date{desc}, entries.id{desc} limit 1), {otherwise})"
    )
