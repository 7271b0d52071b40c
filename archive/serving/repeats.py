"""Entries that several sources published: a search shows each once, with where else it stands.

An entry that repeats another (``entries.same_as``) is left out of the results where the other one
matches too, and only there: what is found in one of them alone is still found. The number beside a
facet is that of the results which it leads to, so that a source counts its own entries whether or
not another one had them first.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from archive.search import Filter, Query
from archive.search.find import count as count_hits
from archive.search.hits import Count
from archive.storage.database import ENTRIES_INDEX

# Entries that repeat another or are repeated have this label, so that few need to be looked at.
_LINKED = Filter(("x",), "")
_REPEATING = """
SELECT entries.id, same_as FROM json_each(?) AS found CROSS JOIN entries ON entries.id = found.value
WHERE same_as IS NOT NULL
"""
# Of the entries left out, those that share a property with the entry that they repeat: the facet
# that leads to both leads to one result.
_BY_PROVINCE = """
SELECT one.province, count(DISTINCT entries.id) FROM json_each(?) AS hidden
CROSS JOIN entries ON entries.id = hidden.value
JOIN entry_provinces AS one ON one.entry = entries.id
JOIN entry_provinces AS two ON two.entry = same_as AND two.province = one.province
GROUP BY one.province
"""
_BY_MONTH = """
SELECT substr(entries.date, 1, 7), count(*) FROM json_each(?) AS hidden
CROSS JOIN entries ON entries.id = hidden.value JOIN entries AS other ON other.id = entries.same_as
WHERE substr(entries.date, 1, 7) = substr(other.date, 1, 7) GROUP BY 1
"""
_BY_KIND = """
SELECT one.kind, count(*) FROM json_each(?) AS hidden
CROSS JOIN entries ON entries.id = hidden.value JOIN entries AS other ON other.id = entries.same_as
JOIN sources AS one ON one.slug = entries.source
JOIN sources AS two ON two.slug = other.source AND two.kind = one.kind GROUP BY 1
"""
_ELSEWHERE = """
WITH shown(id, bulletin, repeated) AS (
    SELECT entries.id, bulletin, coalesce(same_as, entries.id)
    FROM json_each(?) AS found CROSS JOIN entries ON entries.id = found.value
), versions(shown, entry) AS (
    SELECT shown.id, repeated FROM shown WHERE repeated <> shown.id
    UNION SELECT shown.id, entries.id FROM shown JOIN entries ON entries.same_as = repeated
    WHERE entries.bulletin <> shown.bulletin
)
SELECT versions.shown, min(entries.id), entries.slug, sources.slug, sources.name, entries.title,
       entries.published, entries.url, entries.status
FROM versions JOIN entries ON entries.id = versions.entry JOIN sources ON sources.slug = source
GROUP BY versions.shown, entries.bulletin ORDER BY entries.published, sources.name, entries.id
"""
_BULLETINS_ELSEWHERE = """
SELECT bulletins.id, bulletins.slug, sources.slug, sources.name, bulletins.title,
       bulletins.published, bulletins.url, bulletins.status
FROM bulletins JOIN sources ON sources.slug = source
WHERE bulletins.id <> :id AND coalesce(same_as, bulletins.id) =
      (SELECT coalesce(same_as, id) FROM bulletins WHERE id = :id)
ORDER BY published, sources.name, bulletins.id
"""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The same text at another source: an entry, or a whole bulletin, by its number here."""

    id: int
    slug: str
    source: str
    name: str
    title: str
    published: str
    url: str
    status: str

    def as_json(self) -> dict[str, str | int]:
        """As ``also_at`` of a search's JSON has it; the keys are a contract."""
        return {
            "source": self.source,
            "name": self.name,
            "id": self.id,
            "slug": self.slug,
            "title": self.title,
            "published": self.published,
            "url": self.url,
            "status": self.status,
        }


def repeats(conn: sqlite3.Connection, query: Query) -> frozenset[int]:
    """The entries that match and repeat one that matches too."""
    if not conn.execute("SELECT 1 FROM entries WHERE same_as IS NOT NULL LIMIT 1").fetchone():
        return frozenset()
    sql, values = Query((*query.terms, _LINKED)).sql(conn, ENTRIES_INDEX)
    linked = {key for (key,) in _rows(conn, sql, *values)}
    found = _rows(conn, _REPEATING, json.dumps(sorted(linked)))
    return frozenset(entry for entry, same_as in found if same_as in linked)


def count(
    conn: sqlite3.Connection,
    query: Query,
    at_most: int | None = None,
    hidden: Collection[int] | None = None,
) -> Count:
    """How many entries a search shows; beyond ``at_most`` only that there are at least so many.

    ``hidden`` is the result of :func:`repeats`, if the caller has it.
    """
    left_out = len(repeats(conn, query) if hidden is None else hidden)
    limit = None if at_most is None else at_most + left_out
    found = count_hits(conn, ENTRIES_INDEX, query, limit)
    return Count(found.number - left_out, found.exact)


def by_province(conn: sqlite3.Connection, hidden: Iterable[int]) -> dict[str, int]:
    """Of the entries left out, how many have each province as the entry they repeat has it."""
    return dict(_rows(conn, _BY_PROVINCE, json.dumps(sorted(hidden))))


def by_month(conn: sqlite3.Connection, hidden: Iterable[int]) -> dict[str, int]:
    """Of the entries left out, how many are of each month as the entry they repeat is."""
    return dict(_rows(conn, _BY_MONTH, json.dumps(sorted(hidden))))


def by_kind(conn: sqlite3.Connection, hidden: Iterable[int]) -> dict[str, int]:
    """Of the entries left out, how many are of each kind of source as those they repeat are."""
    return dict(_rows(conn, _BY_KIND, json.dumps(sorted(hidden))))


def also_at(conn: sqlite3.Connection, entries: Iterable[int]) -> Mapping[int, list[Elsewhere]]:
    """Where else each of these entries was published, the earliest first, once for a bulletin."""
    found: dict[int, list[Elsewhere]] = {}
    for shown, *columns in _rows(conn, _ELSEWHERE, json.dumps(list(entries))):
        found.setdefault(shown, []).append(Elsewhere(*columns))
    return found


def bulletin_also_at(conn: sqlite3.Connection, number: int) -> list[Elsewhere]:
    """Where else a bulletin was published, the earliest first."""
    cursor = conn.execute(_BULLETINS_ELSEWHERE, {"id": number})
    return [Elsewhere(*row) for row in cursor.fetchall()]


def entry_also_at(conn: sqlite3.Connection, number: int) -> list[Elsewhere]:
    """Where else an entry was published, the earliest first."""
    return also_at(conn, [number]).get(number, [])


def _rows(conn: sqlite3.Connection, sql: str, *values: str) -> list[Any]:
    cursor = conn.execute(sql, values)
    cursor.row_factory = None
    return cursor.fetchall()
