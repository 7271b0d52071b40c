"""The watch over drift: each channel's newest pages, and what is open of their troubles.

One row of ``incidents`` for each channel and kind, at the source's home, however many pages are
unlike the others. It ends when none was for a month, so that whoever looks once a month sees it.
"""

from __future__ import annotations

import json
import sqlite3
from bisect import insort
from operator import attrgetter
from typing import NamedTuple

from archive.captures.warc import Capture
from archive.clock import days_before
from archive.sources import Source
from archive.storage.drift import KNOWN, Drift, Traits, Troubles, drifts, traits_of
from archive.storage.incidents import Incident, Incidents
from archive.storage.revisions import Current

# The longest month, and the time for which it is known that such pages come and go.
QUIET_DAYS = 31
LATELY_DAYS = 365
# By an index, so that no more pages are read than there must be: those to compare with, and one
# that may be the page itself.
_KEPT = KNOWN + 1
_NEWEST = (
    "SELECT published, bulletins.id, revisions.id, content FROM bulletins JOIN revisions"
    " ON revisions.bulletin = bulletins.id AND number = revision"
    " WHERE source = ? AND channel = ?"
    f" ORDER BY published DESC, bulletins.id DESC LIMIT {_KEPT}"
)


class Known(NamedTuple):
    """A page that others are compared with: its bulletin's date, and its current revision."""

    published: str
    bulletin: int
    revision: int
    traits: Traits


class Watch:
    """Compares pages that are believed with their channel's; transactions are the caller's.

    The newest pages of a channel are read once and followed from there: what is kept in memory is
    what ``_NEWEST`` finds, so that a crawl and a rebuild compare with the same.
    """

    def __init__(self, conn: sqlite3.Connection, incidents: Incidents) -> None:
        self.conn = conn
        self.incidents = incidents
        self._newest: dict[tuple[str, str], list[Known]] = {}

    def compare(
        self,
        page: Traits,
        bulletin: int,
        capture: Capture,
        capture_id: int,
        source: Source,
        before: Current | None,
    ) -> tuple[Drift, ...]:
        """How a page whose revision was written is unlike the others, as incidents have it now.

        ``before`` is the revision that it follows.
        """
        channel, _, _ = self._place(bulletin)
        pages = self.newest(source.slug, channel)
        others = [each for each in pages if each.bulletin != bulletin][-KNOWN:]
        others.sort(key=attrgetter("revision"))
        was = self._traits(before) if before else None
        troubles = self._troubles(source, channel, capture.fetched_at)
        found = tuple(drifts(page, [each.traits for each in others], was, troubles))
        for drift in found:
            self.incidents.add(
                Incident(
                    capture.fetched_at,
                    source.slug,
                    channel,
                    source.home,
                    drift.kind,
                    f"{capture.address}: {drift.message}",
                    capture_id,
                )
            )
        return found

    def learn(self, page: Traits, bulletin: int, source: Source) -> None:
        """Let a page whose revision was written be one that later ones are compared with."""
        channel, published, revision = self._place(bulletin)
        pages = self.newest(source.slug, channel)
        others = [each for each in pages if each.bulletin != bulletin]
        was_kept = len(others) < len(pages)
        insort(others, Known(published, bulletin, revision, page))
        if was_kept and len(pages) == _KEPT and others[0].bulletin == bulletin:
            # Its date was corrected to one before all that are kept: others may come before it.
            del self._newest[source.slug, channel]
        else:
            self._newest[source.slug, channel] = others[-_KEPT:]

    def newest(self, source: str, channel: str) -> list[Known]:
        """The newest pages of a channel, oldest first."""
        found = self._newest.get((source, channel))
        if found is None:
            rows = self.conn.execute(_NEWEST, (source, channel)).fetchall()
            found = [
                Known(published, bulletin, revision, traits_of(json.loads(content)))
                for published, bulletin, revision, content in reversed(rows)
            ]
            self._newest[source, channel] = found
        return found

    def _place(self, bulletin: int) -> tuple[str, str, int]:
        """A bulletin's channel and date of publication, and the id of its current revision."""
        channel, published, revision = self.conn.execute(
            "SELECT channel, published, revisions.id FROM bulletins JOIN revisions"
            " ON revisions.bulletin = bulletins.id AND number = revision WHERE bulletins.id = ?",
            (bulletin,),
        ).fetchone()
        return channel, published, revision

    def _traits(self, revision: Current) -> Traits:
        (content,) = self.conn.execute(
            "SELECT content FROM revisions WHERE bulletin = ? AND number = ?",
            (revision.bulletin, revision.number),
        ).fetchone()
        return traits_of(json.loads(content))

    def _troubles(self, source: Source, channel: str, at: str) -> Troubles:
        """The troubles of a channel; those that were quiet for a month end now."""
        found = self.incidents.at(source.slug, channel, source.home, days_before(at, LATELY_DAYS))
        quiet = days_before(at, QUIET_DAYS)
        for kind, last_seen, is_open in found:
            if is_open and last_seen < quiet:
                self.incidents.end(at, source.slug, channel, source.home, kind)
        return Troubles(
            open={kind for kind, last_seen, is_open in found if is_open and last_seen >= quiet},
            lately={kind for kind, *_ in found},
        )
