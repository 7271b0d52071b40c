"""Removals: when a page that is missing counts as removed, and when the site is to blame.

A page that is missing on three nights is gone. Many that go missing at once are a redesign or a
fault of the site; their bulletins stay live, and one incident says so.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from archive.captures.warc import Capture
from archive.clock import civil_date, days_before, night_of
from archive.sources import Source
from archive.storage.addresses import Addresses
from archive.storage.incidents import Incident, Incidents

# A page is gone when it was missing on this many nights with no good answer between them: one
# night is an outage, two a slow redesign.
NIGHTS_UNTIL_GONE = 3
# More pages than FEW, and more than one in SHARE of those asked for on the night when a page was
# first missed, are many: a ministry withdraws pages one by one. Those of the days before count too:
# known pages are asked for again over many nights.
FEW = 5
SHARE = 5
_RECENT_DAYS = 7
# Pages that went missing with many others count as removed after half a year: by then somebody has
# looked, and what moved has been found where it is now.
DAYS_WITH_MANY = 180

# Addresses whose bulletin was read nowhere else since.
_WITHOUT_PAGE = (
    "EXISTS (SELECT 1 FROM bulletins WHERE id IN (SELECT bulletin"
    " FROM addresses AS own WHERE own.url = missed.url OR own.moved_to = missed.url)"
    " AND NOT EXISTS (SELECT 1 FROM addresses AS other WHERE other.bulletin = bulletins.id"
    " AND other.digest IS NOT NULL AND other.nights_missed = 0 AND other.moved_to IS NULL))"
)
_MISSING = (
    "SELECT count(*) FROM (SELECT 1 FROM addresses AS missed WHERE source = :source"
    " AND nights_missed > 0 AND first_missed < :until AND first_missed >= :recent"
    f" AND {_WITHOUT_PAGE} LIMIT :limit)"
)
_STILL_MISSING = (
    "SELECT count(*) FROM (SELECT 1 FROM addresses AS missed WHERE source = :source"
    f" AND nights_missed > 0 AND missed_with_many = 1 AND {_WITHOUT_PAGE} LIMIT :limit)"
)
_ASKED = (
    "SELECT count(DISTINCT address) FROM captures WHERE fetched_at >= :since"
    " AND fetched_at < :until AND source = :source AND role = 'page'"
)


class Removals:
    """Judges what is missing; transactions are the caller's."""

    def __init__(
        self, conn: sqlite3.Connection, addresses: Addresses, incidents: Incidents
    ) -> None:
        self.conn = conn
        self.addresses = addresses
        self.incidents = incidents
        self._asked: dict[tuple[str, str], int] = {}

    def missing(self, capture: Capture, capture_id: int, source: Source) -> list[int]:
        """A page is not there; its bulletins are gone when that has lasted.

        Returns the bulletins that were read here, or at an address that leads here.
        """
        row = self.addresses.missed(capture)
        bulletins = self.addresses.bulletins_at(capture.address)
        lost = [
            (bulletin, seen)
            for bulletin, status, seen in bulletins
            if status == "live" and not self.addresses.is_elsewhere(bulletin)
        ]
        if lost and row["nights_missed"] >= NIGHTS_UNTIL_GONE:
            with_many = self._went_with_many(row)
            if with_many and not _is_long_ago(row["first_missed"], capture):
                self.addresses.went_with_many(capture.address)
                if not row["missed_with_many"] or self._left(source) > FEW:
                    self._many(capture, capture_id, source)
            else:
                for bulletin, seen in lost:
                    self.addresses.set_status(bulletin, "gone", last_seen=seen)
                self.settle(capture.fetched_at, source)
        return [bulletin for bulletin, _, _ in bulletins]

    def _went_with_many(self, row: dict[str, Any]) -> bool:
        """Whether more pages were missing on the night of the first miss than are ever removed."""
        if row["missed_with_many"]:
            return True
        asked = self._asked_on(row["source"], row["first_missed"])
        most = max(FEW, asked // SHARE)
        _, until = night_of(row["first_missed"])
        recent = days_before(row["first_missed"], _RECENT_DAYS)
        (found,) = self.conn.execute(
            _MISSING,
            {"source": row["source"], "until": until, "recent": recent, "limit": most + 1},
        ).fetchone()
        return int(found) > most

    def _asked_on(self, source: str, at: str) -> int:
        """How many pages were asked for on a night that is over."""
        key = source, civil_date(at)
        if key not in self._asked:
            since, until = night_of(at)
            row = self.conn.execute(_ASKED, {"source": source, "since": since, "until": until})
            self._asked[key] = int(row.fetchone()[0])
        return self._asked[key]

    def _many(self, capture: Capture, capture_id: int, source: Source) -> None:
        """Write down, once a night, that many pages of the source are missing."""
        last = self.incidents.last_seen("many-missing", source.slug, source.home)
        if last is not None and civil_date(last) == civil_date(capture.fetched_at):
            return
        self.incidents.add(
            Incident(
                capture.fetched_at,
                source.slug,
                None,
                source.home,
                "many-missing",
                "many pages are missing at once, so none of them counts as removed: the site may "
                "have been rebuilt; compare the source file with the site",
                capture_id,
            )
        )

    def settle(self, at: str, source: Source) -> None:
        """After a good answer: most of what was missing may be back, or found elsewhere."""
        if self.incidents.last_seen("many-missing", source.slug, source.home) is None:
            return
        if self._left(source) <= FEW:
            self.incidents.end(at, source.slug, None, source.home, "many-missing")

    def _left(self, source: Source) -> int:
        """How many pages that went missing with many others still are, counted to FEW + 1."""
        found = self.conn.execute(_STILL_MISSING, {"source": source.slug, "limit": FEW + 1})
        return int(found.fetchone()[0])


def _is_long_ago(first_missed: str, capture: Capture) -> bool:
    return first_missed < days_before(capture.fetched_at, DAYS_WITH_MANY)
