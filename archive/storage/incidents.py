"""Incidents: what could not be fetched, decoded or believed; one row for a trouble that lasts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from sqlite_utils import Database

from archive.errors import IncidentKind

# A trouble without a capture is kept apart from one with captures: only the latter is derived.
_OPEN = (
    "SELECT slug FROM incidents WHERE url = :url AND source = :source AND kind = :kind"
    " AND channel IS :channel AND resolved_at IS NULL AND (capture IS NULL) = :bare"
)


@dataclass(frozen=True, slots=True)
class Incident:
    """What went wrong at an address at an instant; ``capture`` is None where nothing came back."""

    at: str
    source: str
    channel: str | None
    url: str
    kind: IncidentKind
    message: str
    capture: int | None = None


class Incidents:
    """Keeps the table ``incidents``; transactions are the caller's."""

    def __init__(self, database: Database) -> None:
        self.conn = database.conn
        self._table = database.table("incidents")

    def add(self, incident: Incident) -> None:
        """Write down a trouble, in the row of the same one where that is still open."""
        found = self.conn.execute(
            _OPEN,
            {
                "url": incident.url,
                "source": incident.source,
                "kind": incident.kind,
                "channel": incident.channel,
                "bare": incident.capture is None,
            },
        ).fetchone()
        if found:
            self.conn.execute(
                "UPDATE incidents SET last_seen = ?, last_capture = ?, message = ?,"
                " count = count + 1 WHERE slug = ?",
                (incident.at, incident.capture, incident.message, found[0]),
            )
            return
        self._table.upsert(
            {
                "slug": _slug(incident),
                "source": incident.source,
                "channel": incident.channel,
                "url": incident.url,
                "kind": incident.kind,
                "message": incident.message,
                "first_seen": incident.at,
                "last_seen": incident.at,
                "count": 1,
                "capture": incident.capture,
                "last_capture": incident.capture,
                "resolved_at": None,
            },
            pk="slug",
        )

    def last_seen(self, kind: IncidentKind, source: str, url: str) -> str | None:
        """When a trouble that is still open was last met, None where there is none."""
        row = self.conn.execute(
            "SELECT last_seen FROM incidents WHERE source = ? AND kind = ? AND url = ?"
            " AND resolved_at IS NULL",
            (source, kind, url),
        ).fetchone()
        return str(row[0]) if row else None

    def at(self, source: str, channel: str, url: str, since: str) -> list[tuple[str, str, bool]]:
        """The troubles of a channel at an address that are open or ended at ``since`` or later.

        The kind of each, when it was last met, and whether it is open.
        """
        found = self.conn.execute(
            "SELECT kind, last_seen, resolved_at IS NULL FROM incidents WHERE url = ?"
            " AND source = ? AND channel = ? AND coalesce(resolved_at, ?4) >= ?4 ORDER BY slug",
            (url, source, channel, since),
        )
        return [(kind, last_seen, bool(is_open)) for kind, last_seen, is_open in found]

    def end(self, at: str, source: str, channel: str | None, url: str, kind: str) -> None:
        """A trouble of one kind is over."""
        self.conn.execute(
            "UPDATE incidents SET resolved_at = ? WHERE source = ? AND channel IS ? AND url = ?"
            " AND kind = ? AND resolved_at IS NULL",
            (at, source, channel, url, kind),
        )

    def settle(self, at: str, source: str, addresses: Iterable[str]) -> None:
        """A good answer settles what was wrong at these addresses before."""
        # sqlite-utils updates by primary key only.
        self.conn.executemany(
            "UPDATE incidents SET resolved_at = ?"
            " WHERE url = ? AND source = ? AND resolved_at IS NULL",
            [(at, address, source) for address in addresses],
        )

    def settle_retired(self, at: str, source: str, channels: Iterable[str]) -> None:
        """What is wrong with lists that are no longer read, or with pages they once named.

        A page that has been captured is settled by an answer of its own.
        """
        self.conn.executemany(
            "UPDATE incidents SET resolved_at = ?"
            " WHERE source = ? AND channel = ? AND resolved_at IS NULL AND NOT EXISTS"
            " (SELECT 1 FROM addresses WHERE addresses.url = incidents.url"
            " AND first_captured IS NOT NULL)",
            [(at, source, channel) for channel in channels],
        )


def _slug(incident: Incident) -> str:
    """A name that is the same whenever the captures are derived again."""
    parts = (incident.at, incident.source, incident.channel, incident.kind, incident.url)
    bare = " bare" if incident.capture is None else ""
    return hashlib.sha256(f"{' '.join(map(str, parts))}{bare}".encode()).hexdigest()[:16]
