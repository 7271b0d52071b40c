"""Suggestions for a search that finds nothing: similar queries that do find something."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from time import perf_counter

from archive.normalise.gazetteer import by_name, by_short_name, divisions
from archive.normalise.numerals import with_digits, with_han
from archive.normalise.provinces import PROVINCES
from archive.search import Filter, Query
from archive.search.fold import fold
from archive.search.hits import Count
from archive.search.terms import All, Either, Not, Term, Within
from archive.serving.repeats import count


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A similar query: as people type it, what was changed, and how many entries it finds."""

    typed: str
    why: str
    count: Count


_SUGGESTED = 1000
"""Hits up to which the number of a suggestion is exact."""
_TRIED = 12  # similar place names that are tried for a word; those with the most hits are offered
SECONDS = 0.5
"""How long suggestions are looked for: variants of a query of many short words are slow."""
_MOST_TERMS = 10
"""A query with more terms gets no suggestions: each variant is counted, and there are many."""
_UNQUOTED = re.compile(r"(?!(?:or|and|not|或|非)$)[^\W_][\w.%℃·-]*")


def suggest(conn: sqlite3.Connection, query: Query, limit: int = 5) -> list[Suggestion]:
    """Similar queries that do find something, for a page that would otherwise be empty.

    In this order: numbers in the other script, places with similar or later names, a long word cut
    in two, one term left out; within a kind those with the most hits first. If none of these finds
    anything: the query without all terms that find nothing by themselves, else a single term.
    Returns what is found within :data:`SECONDS`; nothing for more than ten terms.
    """
    until = perf_counter() + SECONDS
    if len(query.terms) > _MOST_TERMS:
        return []
    found: list[Suggestion] = []
    tried = {query}
    for why, candidates in (
        ("另一种数字写法", _other_numbers(query)),
        ("相近的地名", _similar_places(query)),
        ("拆成两个词", _cut_in_two(query)),
        ("去掉一个条件", _one_left_out(query)),
    ):
        found += _that_find(conn, why, candidates, tried, until)
    for why, candidates in (
        ("去掉没有结果的条件", _with_hits(conn, query)),
        ("只查其中一个词", _one_alone(query)),
    ):
        found = found or _that_find(conn, why, candidates, tried, until)
    return found[:limit]


def _that_find(
    conn: sqlite3.Connection,
    why: str,
    candidates: Iterable[Query],
    tried: set[Query],
    until: float,
) -> list[Suggestion]:
    """The three candidates with the most hits, of those that were not tried before."""
    kind = []
    for candidate in candidates:
        if candidate in tried or not candidate.terms:
            continue
        if perf_counter() > until:
            break
        tried.add(candidate)
        number = count(conn, candidate, _SUGGESTED)
        if number.number:
            kind.append(Suggestion(typed(candidate), why, number))
    return sorted(kind, key=lambda each: -each.count.number)[:3]


def typed(query: Query) -> str:
    """A query as people type it; parsing this returns the same query."""
    return " ".join(map(_typed, query.terms))


def _typed(term: Term) -> str:
    match term:
        case str():
            return term if _UNQUOTED.fullmatch(term) else _in_quotes(term)
        case Filter():
            return term.typed
        case Not(inner):
            return f"-{_typed(inner)}"
        case Either(terms):
            return f"({' 或 '.join(map(_typed, terms))})"
        case All(terms):
            return f"({' '.join(map(_typed, terms))})"
        case Within(said=said, term=Not() as inner):
            return f"{said}:({_typed(inner)})"
        case Within(said=said, term=inner):
            return f"{said}:{_typed(inner)}"


def _in_quotes(word: str) -> str:
    pairs = ("“”", '""', "「」", "『』", "‘’", "''")
    pair = next((pair for pair in pairs if pair[1] not in word), pairs[0])
    return f"{pair[0]}{word}{pair[1]}"


def _replaced(query: Query, at: int, *terms: Term) -> Query:
    return Query((*query.terms[:at], *terms, *query.terms[at + 1 :]))


def _words_at(query: Query) -> Iterator[tuple[int, str]]:
    """The words among the terms, with their places."""
    return ((at, term) for at, term in enumerate(query.terms) if isinstance(term, str))


def _other_numbers(query: Query) -> Iterator[Query]:
    for at, word in _words_at(query):
        for other in (with_digits(word), with_han(word)):
            if other != word:
                yield _replaced(query, at, other)


def _similar_places(query: Query) -> Iterator[Query]:
    for at, word in _words_at(query):
        later = _later_names(word)
        near = [name for name in _place_names() if _is_near(word, name)] if len(word) > 1 else []
        for name in [*later, *sorted(near, key=lambda name: (len(name) != len(word), name))][
            :_TRIED
        ]:
            yield _replaced(query, at, fold(name))


def _later_names(word: str) -> list[str]:
    """The later names of places that had this name."""
    codes = {
        division.successor
        for names in (by_name(), by_short_name())
        for division in names.get(word, ())
        if division.successor
    }
    return [division.name for division in divisions() if division.code in codes]


@cache
def _place_names() -> tuple[str, ...]:
    """Full and short names of provinces and prefectures, and full names of counties."""
    short = {
        name
        for name, found in by_short_name().items()
        if any(division.level == "city" for division in found)
    }
    provinces = {name for p in PROVINCES.values() for name in (p.name, p.short)}
    return tuple(sorted({*provinces, *by_name(), *short}))


def _is_near(word: str, name: str) -> bool:
    """Whether two names differ in one character: replaced, missing or added."""
    if word == name or abs(len(word) - len(name)) > 1:
        return False
    long, short = sorted((word, name), key=len, reverse=True)
    same = next((at for at, character in enumerate(short) if character != long[at]), len(short))
    return long[same + 1 :] == short[same + (len(long) == len(short)) :]


def _cut_in_two(query: Query) -> Iterator[Query]:
    for at, word in _words_at(query):
        if " " in word:
            yield _replaced(query, at, *word.split())
        elif len(word) >= 4:
            for cut in range(2, min(len(word) - 1, 10)):
                yield _replaced(query, at, word[:cut], word[cut:])


def _one_left_out(query: Query) -> Iterator[Query]:
    if len(query.terms) > 1:
        for at in range(len(query.terms)):
            yield _replaced(query, at)


def _with_hits(conn: sqlite3.Connection, query: Query) -> Iterator[Query]:
    """The query without the terms that find nothing by themselves."""
    left = [term for term in query.terms if count(conn, Query((term,)), 1).number]
    if not all(isinstance(term, Not) for term in left):
        yield Query(tuple(left))


def _one_alone(query: Query) -> Iterator[Query]:
    return (Query((term,)) for term in query.terms if not isinstance(term, Not))
