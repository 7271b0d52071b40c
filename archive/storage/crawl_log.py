"""The crawl log: the table ``crawls``, and what a crawl has to know before it asks for anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlite_utils import Database

from archive.clock import days_before

# A page is asked for again, and a failed one retried, for this long after it was first met.
RECENT_DAYS = 30

# A page that was never captured and is not given up yet. ``:recent`` is RECENT_DAYS ago; a page
# that was asked for and never answered has only incidents to show for it.
_WAITING = (
    "first_captured IS NULL AND coalesce(first_asked,"
    " (SELECT min(first_seen) FROM incidents WHERE incidents.url = addresses.url), :recent)"
    " >= :recent"
)


@dataclass(frozen=True, slots=True)
class DuePage:
    """A page to ask for: its canonical address and the validators of the last good answer."""

    address: str
    etag: str | None
    last_modified: str | None


class CrawlLog:
    """Questions about crawls and their pages, and the lines of ``crawls``.

    Writes belong to the caller's transaction; the questions work on a read-only database too.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def begin_crawl(self, source: str, channel: str, at: str) -> int:
        """Add a line to ``crawls``, which stays ``running`` if the crawl is killed; its id."""
        row = {"source": source, "channel": channel, "started_at": at, "outcome": "running"}
        self.database.table("crawls").insert(row)
        return self.last_crawl()

    def finish_crawl(self, crawl: int, values: Mapping[str, str | int | None]) -> None:
        """Write how a crawl ended."""
        self.database.table("crawls").update(crawl, dict(values))

    def last_crawl(self) -> int:
        """The id of the newest line in ``crawls``, 0 where there is none."""
        return int(self._one("SELECT coalesce(max(id), 0) FROM crawls"))

    def crawls_after(self, crawl: int) -> list[dict[str, Any]]:
        """The lines of ``crawls`` written after the one with this id."""
        return list(self.database.table("crawls").rows_where("id > ?", [crawl], order_by="id"))

    def latest_crawls(self, source: str) -> list[dict[str, Any]]:
        """The newest line in ``crawls`` of each channel of a source, oldest first."""
        newest = "id IN (SELECT max(id) FROM crawls WHERE source = ? GROUP BY channel)"
        return list(self.database.table("crawls").rows_where(newest, [source], order_by="id"))

    def settled_before(self, source: str, channel: str) -> str | None:
        """When the last crawl ended that walked the channel's list as far as it had to."""
        settled: str | None = self._one(
            "SELECT max(finished_at) FROM crawls WHERE source = ? AND channel = ? AND walked = 1",
            source,
            channel,
        )
        return settled

    def first_listed(self, address: str) -> str | None:
        """When an address was first met on a list."""
        listed: str | None = self._one("SELECT first_listed FROM addresses WHERE url = ?", address)
        return listed

    def waiting(self, source: str, at: str) -> int:
        """How many pages of a source were listed and never captured, and are still asked for."""
        return int(
            self.database.conn.execute(
                f"SELECT count(*) FROM addresses WHERE source = :source AND {_WAITING}",
                {"source": source, "recent": days_before(at, RECENT_DAYS)},
            ).fetchone()[0]
        )

    def due(
        self,
        source: str,
        channel: str,
        at: str,
        *,
        full: bool = False,
        since: date | None = None,
        limit: int | None = None,
    ) -> list[DuePage]:
        """The pages of a channel to ask for at the instant ``at``, newest listed first.

        Those waiting, listed on ``since`` or later, at most ``limit`` of them; then those first
        captured within RECENT_DAYS. With ``full``, however long ago either was.
        """
        asked = {
            "source": source,
            "channel": channel,
            "recent": "" if full else days_before(at, RECENT_DAYS),
            "since": since.isoformat() if since else "",
            "limit": -1 if limit is None else limit,
        }
        pages = (
            "SELECT url, etag, last_modified FROM addresses"
            " WHERE source = :source AND channel = :channel"
        )
        order = "ORDER BY listed DESC, rowid"
        waiting = self.database.conn.execute(
            f"{pages} AND {_WAITING} AND (listed IS NULL OR listed >= :since) {order} LIMIT :limit",
            asked,
        )
        again = self.database.conn.execute(f"{pages} AND first_captured >= :recent {order}", asked)
        return [DuePage(*row) for row in (*waiting.fetchall(), *again.fetchall())]

    def _one(self, sql: str, *values: str) -> Any:
        """The first column of a query's first row, None where there is no row."""
        row = self.database.conn.execute(sql, values).fetchone()
        return row[0] if row else None
