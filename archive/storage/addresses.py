"""Addresses: when each was asked for and found, where it went, and when a bulletin is gone."""

from __future__ import annotations

from sqlite_utils import Database

from archive.captures.warc import Capture
from archive.clock import civil_date

# A page is gone when it was missing on this many nights with no good answer between them: one
# night is an outage, two a slow redesign.
NIGHTS_UNTIL_GONE = 3


class Addresses:
    """Keeps the table ``addresses``, and with it the status of the bulletins found there."""

    def __init__(self, database: Database) -> None:
        self.conn = database.conn

    def asked(self, capture: Capture) -> None:
        """An address was asked for and there was an answer, whatever it is."""
        self.conn.execute(
            "INSERT INTO addresses (url, source, channel, first_asked, last_asked)"
            " VALUES (:url, :source, :channel, :at, :at)"
            " ON CONFLICT (url) DO UPDATE SET last_asked = excluded.last_asked,"
            " first_asked = coalesce(first_asked, excluded.first_asked)",
            {
                "url": capture.address,
                "source": capture.source,
                "channel": capture.channel,
                "at": capture.fetched_at,
            },
        )

    def bulletin_at(self, address: str) -> int | None:
        """The id of the bulletin that an address holds, None while it holds none."""
        row = self.conn.execute(
            "SELECT bulletin FROM addresses WHERE url = ?", (address,)
        ).fetchone()
        return row[0] if row else None

    def holds(self, address: str, bulletin: int, digest: str) -> None:
        """A bulletin was read at an address; those that led here without one of their own have it
        too."""
        self.conn.execute(
            "UPDATE addresses SET bulletin = ?, digest = ? WHERE url = ?",
            (bulletin, digest, address),
        )
        self.conn.execute(
            "UPDATE addresses SET bulletin = ? WHERE moved_to = ? AND bulletin IS NULL",
            (bulletin, address),
        )

    def good(self, capture: Capture) -> None:
        """The page is there: whatever was missed is over, and its validators are the newest."""
        self.conn.execute(
            "UPDATE addresses SET last_good = :at, nights_missed = 0, first_missed = NULL,"
            " last_missed = NULL, moved_to = NULL, first_captured = coalesce(first_captured, :at),"
            " etag = coalesce(:etag, etag), last_modified = coalesce(:modified, last_modified)"
            " WHERE url = :url",
            {
                "at": capture.fetched_at,
                "url": capture.address,
                "etag": capture.header("ETag") or None,
                "modified": capture.header("Last-Modified") or None,
            },
        )
        for table, key in (("bulletins", "id"), ("entries", "bulletin")):
            self.conn.execute(
                f"UPDATE {table} SET status = 'live' WHERE status = 'gone' AND {key} ="
                " (SELECT bulletin FROM addresses WHERE url = ?)",
                (capture.address,),
            )

    def moved(self, capture: Capture, target: str) -> None:
        """The address leads to another page of the site, which says what is there."""
        self.conn.execute(
            "UPDATE addresses SET moved_to = :target, last_good = :at, nights_missed = 0,"
            " first_missed = NULL, last_missed = NULL,"
            " first_captured = coalesce(first_captured, :at),"
            " bulletin = coalesce(bulletin,"
            " (SELECT there.bulletin FROM addresses AS there WHERE there.url = :target))"
            " WHERE url = :url",
            {"target": target, "at": capture.fetched_at, "url": capture.address},
        )

    def leads_back(self, target: str, address: str) -> bool:
        """Whether following redirects from ``target`` ends up at ``address`` again."""
        seen: set[str | None] = set()
        at: str | None = target
        while at is not None and at not in seen and at != address:
            seen.add(at)
            row = self.conn.execute(
                "SELECT moved_to FROM addresses WHERE url = ?", (at,)
            ).fetchone()
            at = row[0] if row else None
        return at == address

    def missing(self, capture: Capture) -> bool:
        """The page is not there: counted once a night, and gone after enough of them.

        Gives whether a bulletin was ever read at the address.
        """
        bulletin, nights, first_missed, last_missed = self.conn.execute(
            "SELECT bulletin, nights_missed, first_missed, last_missed FROM addresses"
            " WHERE url = ?",
            (capture.address,),
        ).fetchone()
        if last_missed is None or civil_date(last_missed) < civil_date(capture.fetched_at):
            nights, first_missed = nights + 1, first_missed or capture.fetched_at
            self.conn.execute(
                "UPDATE addresses SET nights_missed = ?, first_missed = ?, last_missed = ?"
                " WHERE url = ?",
                (nights, first_missed, capture.fetched_at, capture.address),
            )
        if bulletin is not None and nights >= NIGHTS_UNTIL_GONE:
            self._mark_gone(bulletin, first_missed)
        return bulletin is not None

    def _mark_gone(self, bulletin: int, first_missed: str) -> None:
        """Unless another of its addresses has answered well since this one was first missed."""
        (seen,) = self.conn.execute(
            "SELECT max(last_good) FROM addresses WHERE bulletin = ?", (bulletin,)
        ).fetchone()
        if seen >= first_missed:
            return
        self.conn.execute(
            "UPDATE bulletins SET status = 'gone', last_seen = ? WHERE id = ? AND status = 'live'",
            (seen, bulletin),
        )
        self.conn.execute("UPDATE entries SET status = 'gone' WHERE bulletin = ?", (bulletin,))
