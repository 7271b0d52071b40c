"""Republished: which bulletins of several sources are one text, and which of them is repeated.

Bulletins are linked, never merged: each keeps its rows and revisions. What is linked follows from
the current revisions alone, in whatever order they were read. Of bulletins that are one text the
others repeat the one published first, then first seen, then first by slug; each repeats only what
it is a version of itself. Whether a page has moved or is gone changes nothing: it was published.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from archive.model import Bulletin
from archive.search import Index
from archive.storage.database import ENTRIES_INDEX
from archive.storage.passages import SHARE, Said, agree, common, is_version, marks, said, share

# Sites take over what was published in the last days or weeks. Forms return each year.
WITHIN_DAYS = 180

_CANDIDATES = (
    "SELECT DISTINCT bulletin FROM passages"
    " WHERE passage IN ({}) AND published BETWEEN ? AND ? AND source <> ? ORDER BY bulletin"
)
# Each bulletin that is connected with one of the given ones, the one to be repeated first.
_CONNECTED = """
WITH RECURSIVE connected(id) AS (
    SELECT value FROM json_each(?)
    UNION SELECT other FROM connected JOIN versions ON versions.bulletin = connected.id
)
SELECT bulletins.id, same_as FROM connected JOIN bulletins ON bulletins.id = connected.id
ORDER BY published, first_seen, slug
"""


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry as another one is compared with it."""

    id: int
    same_as: int | None
    said: Said


class Republished:
    """Links each bulletin that is written with those it is a version of.

    ``index`` is None where the caller builds the search index when all rows are there.
    """

    def __init__(self, conn: sqlite3.Connection, index: Index | None = ENTRIES_INDEX) -> None:
        self.conn = conn
        self.index = index

    def forget(self, number: int) -> list[int]:
        """Before a revision is written: drop what the current one is a version of; returns those.

        Pass them to ``written``, since what they repeat is decided again.
        """
        self.conn.executemany(
            "DELETE FROM passages WHERE passage = ? AND bulletin = ?",
            [(mark, number) for mark in marks(self._texts(number))],
        )
        others = self._others(number)
        self.conn.execute("DELETE FROM versions WHERE bulletin = ?", (number,))
        self.conn.executemany(
            "DELETE FROM versions WHERE bulletin = ? AND other = ?",
            [(other, number) for other in others],
        )
        return others

    def written(self, number: int, bulletin: Bulletin, source: str, before: list[int]) -> None:
        """Look for versions of a bulletin whose current revision was just written.

        ``before`` are those that its revision before was a version of.
        """
        if bulletin.published is None:
            return
        entries = [*([bulletin.lead] if bulletin.lead else []), *bulletin.entries]
        known = marks(entry.text for entry in entries)
        found = self._versions(number, known, bulletin.published, source)
        day = bulletin.published.isoformat()
        self.conn.executemany(
            "INSERT INTO passages VALUES (?, ?, ?, ?)",
            [(mark, day, source, number) for mark in known],
        )
        for other, percent in found:
            both = ((number, other, percent), (other, number, percent))
            self.conn.executemany("INSERT INTO versions VALUES (?, ?, ?)", both)
        if before or found:
            self._settle([number, *before], number)

    def _others(self, number: int) -> list[int]:
        found = self.conn.execute("SELECT other FROM versions WHERE bulletin = ?", (number,))
        return [other for (other,) in found]

    def _versions(
        self, number: int, known: list[int], published: date, source: str
    ) -> list[tuple[int, int]]:
        """Bulletins of other sources that are a version of this one, each with the share in %."""
        around = timedelta(days=WITHIN_DAYS)
        days = ((published - around).isoformat(), (published + around).isoformat())
        sql = _CANDIDATES.format(", ".join("?" * len(known)))
        candidates = self.conn.execute(sql, (*known, *days, source)).fetchall()
        if not candidates:
            return []
        text = self._said(number)
        others = [(other, self._said(other)) for (other,) in candidates]
        return [(o, int(100 * share(text, t))) for o, t in others if is_version(text, t)]

    def _settle(self, numbers: list[int], changed: int) -> None:
        """Decide again what is repeated among all bulletins connected with the given ones."""
        connected = self.conn.execute(_CONNECTED, (str(numbers),)).fetchall()
        repeats: dict[int, int | None] = {}
        for number, before in connected:
            others = set(self._others(number))
            # In the order of `connected`: the first that itself repeats none.
            repeats[number] = next(
                (o for o, same_as in repeats.items() if same_as is None and o in others), None
            )
            if repeats[number] != before:
                self.conn.execute(
                    "UPDATE bulletins SET same_as = ? WHERE id = ?", (repeats[number], number)
                )
            if repeats[number] != before or changed in (number, repeats[number]):
                self._link_entries(number, repeats[number])
        self._label(repeats)

    def _link_entries(self, number: int, repeated: int | None) -> None:
        """Link each entry of a bulletin with the one that it has most in common with."""
        others = [] if repeated is None else self._entries(repeated)
        for entry in self._entries(number):
            same_as = _most_alike(entry.said, others)
            if same_as != entry.same_as:
                self.conn.execute(
                    "UPDATE entries SET same_as = ? WHERE id = ?", (same_as, entry.id)
                )

    def _label(self, bulletins: Iterable[int]) -> None:
        """Index those entries again that now are, or no longer are, in a link."""
        if self.index is None:
            return
        for number in bulletins:
            rows = self.conn.execute(
                "SELECT id, title, heading, text FROM entries WHERE bulletin = ? ORDER BY seq",
                (number,),
            ).fetchall()
            for entry, title, heading, text in rows:
                values = {"title": title, "heading": heading, "text": text}
                found = self.index.indexed(self.conn, entry)
                if found and found.properties != self.index.properties(self.conn, entry):
                    self.index.replace(self.conn, entry, values, values)

    def _entries(self, bulletin: int) -> list[_Entry]:
        rows = self.conn.execute(
            "SELECT id, same_as, text FROM entries WHERE bulletin = ? ORDER BY seq", (bulletin,)
        ).fetchall()
        return [
            _Entry(entry, same_as, said([text], self._places("entry = ?", entry)))
            for entry, same_as, text in rows
        ]

    def _said(self, bulletin: int) -> Said:
        within = "entry IN (SELECT id FROM entries WHERE bulletin = ?)"
        return said(self._texts(bulletin), self._places(within, bulletin))

    def _texts(self, bulletin: int) -> list[str]:
        found = self.conn.execute(
            "SELECT text FROM entries WHERE bulletin = ? ORDER BY seq", (bulletin,)
        )
        return [text for (text,) in found]

    def _places(self, where: str, value: int) -> list[str]:
        sql = f"SELECT DISTINCT coalesce(code, text) FROM entry_places WHERE {where}"
        return [place for (place,) in self.conn.execute(sql, (value,))]


def _most_alike(text: Said, entries: list[_Entry]) -> int | None:
    """The entry with most of a text, None where none is a part of it or it of none."""
    best, most = None, 0
    for entry in entries:
        shared = common(text, entry.said)
        if shared > most and share(text, entry.said) >= SHARE and agree(text, entry.said):
            best, most = entry.id, shared
    return best
