"""Finding: the newest, the number and the facets of the rows that a query matches.

Everything here reads the index alone, without the table it indexes; relevance, which reads the
texts, is in :mod:`archive.search.rank`.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from archive.search.hits import MANY, Count, Hits, Place
from archive.search.index import Index
from archive.search.query import Query
from archive.search.tables import quoted


@dataclass(frozen=True, slots=True)
class Facets:
    """How many rows match: in total, by label, and by order // divisor."""

    total: int
    labels: Mapping[str, int]
    order: Mapping[int, int]


def newest(
    db: sqlite3.Connection, index: Index, query: Query, limit: int, before: Place | None = None
) -> list[Place]:
    """The rows that match, newest first; with ``before`` only those older than it.

    If a writer adds rows or rebuilds the index between two pages, no row is repeated or lost.
    """
    if alternatives := query.alternatives(index.common(db)):
        found = {p for each in alternatives for p in newest(db, index, each, limit, before)}
        return sorted(found, reverse=True)[:limit]
    asked = Hits(db, index, query)
    if asked.nothing:
        return []
    hits = list(islice(asked.sorted_hits(limit, before), limit))
    return sorted([*hits, *asked.tail_hits(limit, before)], reverse=True)[:limit]


def count(db: sqlite3.Connection, index: Index, query: Query, at_most: int | None = None) -> Count:
    """How many rows match; with ``at_most`` counting stops at that number."""
    asked = Hits(db, index, query)
    if asked.nothing:
        return Count(0, True)
    if at_most is not None and query.alternatives(index.common(db)):
        number = len(newest(db, index, query, at_most + 1))
    else:
        number = asked.count(-1 if at_most is None else at_most + 1)
    if at_most is not None and number > at_most:
        return Count(at_most, False)
    return Count(number, True)


def facets(
    db: sqlite3.Connection,
    index: Index,
    query: Query,
    divisor: int = 1,
    counted: Count | None = None,
) -> Facets:
    """Exact numbers of the rows that match: by label, and by order // ``divisor``.

    It is faster if the caller already has the result of :func:`count` and passes it as ``counted``.
    """
    asked = Hits(db, index, query)
    sets: Counter[int] = Counter()
    order: Counter[int] = Counter()
    if not asked.nothing:
        for labels, period, number in asked.groups(
            divisor, counted or count(db, index, query, MANY)
        ):
            sets[labels] += number
            order[period] += number
    names = dict(db.execute(f"select id, labels from {quoted(index.label_sets)}").fetchall())
    by_label: Counter[str] = Counter()
    for labels, number in sets.items():
        for label in names[labels].split():
            by_label[label] += number
    return Facets(sum(sets.values()), by_label, order)
