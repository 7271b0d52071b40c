"""Ranking: the rows that a query matches by relevance, computed from the texts themselves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from itertools import islice
from math import log
from typing import NamedTuple

from archive.search.find import count, newest
from archive.search.fold import fold
from archive.search.hits import MANY, TOP, Place, last_number
from archive.search.index import TAIL, Index
from archive.search.query import Query, pattern
from archive.search.tables import quoted

RANKED_WHOLE = 3000
"""Up to so many hits, all of them are ranked by relevance."""
RANKED = 1000
"""If there are more, so many are ranked: the newest ones."""

_K1, _B = 1.2, 0.75  # the usual constants of BM25
_FETCHED = 500  # rows read by one statement


class Ranked(NamedTuple):
    """A row with its score."""

    score: float
    place: Place


def relevance(
    db: sqlite3.Connection,
    index: Index,
    query: Query,
    weights: Mapping[str, float],
    whole: int = RANKED_WHOLE,
    ranked: int = RANKED,
) -> tuple[list[Ranked], bool]:
    """The rows that match, the most relevant first, and whether these are all rows that match.

    The score is BM25 over exact occurrences; one in a column counts ``weights[column]`` times. Rows
    with equal scores are sorted newest first. If more than ``whole`` rows match, only the newest
    ``ranked`` are ranked.
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
    """The inverse document frequency of a word; any constant does if it is the only one."""
    if len(query.words) == 1:
        return 1.0
    total = last_number(db, index, 0, TAIL) + max(0, last_number(db, index, TAIL, TOP) - TAIL + 1)
    having = count(db, index, Query((word,)), MANY).number
    return log(1 + (max(total, having) - having + 0.5) / (having + 0.5))


def _texts(db: sqlite3.Connection, index: Index, places: list[Place]) -> Iterator[list[str]]:
    """The folded texts of rows, in the order of ``places``."""
    texts = (f"cast({quoted(name)} as text)" for name in index.columns)
    names = ", ".join((quoted(index.key), *texts))
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
