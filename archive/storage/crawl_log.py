"""The crawl log: the table ``crawls``, and what a crawl has to know before it asks for anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlite_utils import Database

from archive.clock import days_before, julian_day
from archive.storage.expectations import expected
from archive.storage.rechecks import PageHistory, choose

# A page that was never captured is asked for every night for so long, then ever more rarely.
RECENT_DAYS = 30

# A page that was never captured and is not given up yet. ``:recent`` is RECENT_DAYS ago; a page
# that was asked for and never answered has only incidents to show for it.
_WAITING = (
    "first_captured IS NULL AND coalesce(first_asked,"
    " (SELECT min(first_seen) FROM incidents WHERE incidents.url = addresses.url), :recent)"
    " >= :recent"
)
# A page that was never captured and is given up for now may have nothing but incidents.
_HISTORIES = (
    "SELECT url, channel, etag, last_modified, first_captured IS NOT NULL,"
    # A bulletin that a redesign moved is as old as it was.
    " julianday(CASE WHEN first_captured IS NOT NULL THEN min(first_captured, coalesce((SELECT"
    " first_seen FROM bulletins WHERE id = bulletin), first_captured)) ELSE coalesce(first_asked,"
    " (SELECT min(first_seen) FROM incidents WHERE incidents.url = addresses.url)) END),"
    " julianday(CASE WHEN first_captured IS NOT NULL THEN coalesce(last_asked, first_captured)"
    " ELSE max(coalesce(last_asked, ''), coalesce((SELECT max(last_seen) FROM incidents"
    " WHERE incidents.url = addresses.url), '')) END),"
    " julianday(last_good), checks, changes, julianday(listed), nights_missed,"
    " julianday(first_missed), moved_to IS NOT NULL,"
    " url IN (SELECT address FROM holds WHERE source = :source AND settled_at IS NULL"
    " AND held_at >= :recent),"
    " CASE WHEN nights_missed THEN EXISTS (SELECT 1 FROM addresses AS other"
    " WHERE other.bulletin = addresses.bulletin AND other.url <> addresses.url"
    " AND other.last_good >= addresses.first_missed) ELSE 0 END,"
    # After a redesign the old address is seen to be dead, or to live on, without a year's wait.
    " EXISTS (SELECT 1 FROM addresses AS other WHERE other.bulletin = addresses.bulletin"
    " AND other.url <> addresses.url AND (other.first_captured > addresses.last_asked"
    " OR other.first_missed > addresses.last_asked))"
    f" FROM addresses WHERE source = :source AND NOT ({_WAITING})"
)


@dataclass(frozen=True, slots=True)
class DuePage:
    """A page to ask for, for a channel: its canonical address, and the last answer's validators."""

    address: str
    channel: str
    etag: str | None = None
    last_modified: str | None = None


class CrawlLog:
    """Questions about crawls and their pages, and the lines of ``crawls``.

    Writes belong to the caller's transaction; the questions work on a read-only database too.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def begin_crawl(self, source: str, channel: str, at: str) -> int:
        """Add a line to ``crawls``, ``running`` until the crawl says how it ended; its id.

        What is usual for such a night is written at once.
        """
        row: dict[str, str | int] = {
            "source": source,
            "channel": channel,
            "started_at": at,
            "outcome": "running",
        }
        if usual := expected(self.database.conn, source, channel, at):
            row |= {
                "expected": int(usual.middle),
                "expected_low": int(usual.low),
                "expected_high": int(usual.high),
            }
        self.database.table("crawls").insert(row)
        return self.last_crawl()

    def finish_crawl(self, crawl: int, values: Mapping[str, str | float | None]) -> None:
        """Write how a crawl ended."""
        self.database.table("crawls").update(crawl, dict(values))

    def close_cut_off(self, at: str) -> None:
        """Close the lines that are still ``running`` though no crawl is: it was killed.

        When it ended, and with what counts, nobody knows.
        """
        self.database.conn.execute(
            "UPDATE crawls SET outcome = 'stopped', message = ? WHERE outcome = 'running'",
            (f"cut off: killed, or the machine stopped; found by the run at {at}",),
        )

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

    def listed_before(self, source: str, at: str) -> frozenset[str]:
        """The addresses that were on a list of the source at the instant ``at`` or before."""
        found = self.database.conn.execute(
            "SELECT url FROM addresses WHERE source = ? AND first_listed <= ?", (source, at)
        )
        return frozenset(url for (url,) in found)

    def walks(self, source: str, channel: str) -> int:
        """How many walks through a channel's list were completed."""
        return int(
            self._one(
                "SELECT count(*) FROM crawls WHERE source = ? AND channel = ? AND walked = 1",
                source,
                channel,
            )
        )

    def waiting(self, source: str, at: str) -> int:
        """How many pages of a source were listed and never captured, and are still asked for."""
        return int(
            self.database.conn.execute(
                f"SELECT count(*) FROM addresses WHERE source = :source AND {_WAITING}",
                {"source": source, "recent": days_before(at, RECENT_DAYS)},
            ).fetchone()[0]
        )

    def never_captured(
        self,
        source: str,
        channel: str,
        at: str,
        *,
        full: bool = False,
        since: date | None = None,
        limit: int | None = None,
    ) -> list[DuePage]:
        """The pages of a channel that wait to be captured at the instant ``at``, newest first.

        Those listed on ``since`` or later, at most ``limit`` of them, and not given up for the
        nights to come: those are re-checks. With ``full``, however long ago they were first asked
        for.
        """
        found = self.database.conn.execute(
            f"SELECT url, channel, NULL, NULL FROM addresses WHERE source = :source"
            f" AND channel = :channel AND {_WAITING} AND (listed IS NULL OR listed >= :since)"
            " ORDER BY listed DESC, rowid LIMIT :limit",
            {
                "source": source,
                "channel": channel,
                "recent": "" if full else days_before(at, RECENT_DAYS),
                "since": since.isoformat() if since else "",
                "limit": -1 if limit is None else limit,
            },
        )
        return [DuePage(*row) for row in found.fetchall()]

    def rechecks(
        self, source: str, channels: Collection[str], at: str, budget: int | None
    ) -> list[DuePage]:
        """The known pages of these channels to ask for again at the instant ``at``.

        By the schedule of ``archive.storage.rechecks`` and at most ``budget`` of them; without a
        budget every page that was ever captured, newest listed first.
        """
        if budget is None:
            found = self.database.conn.execute(
                "SELECT url, channel, etag, last_modified FROM addresses WHERE source = ?"
                " AND first_captured IS NOT NULL ORDER BY listed DESC, rowid",
                (source,),
            )
            return [page for row in found.fetchall() if (page := DuePage(*row)).channel in channels]
        asked = {"source": source, "recent": days_before(at, RECENT_DAYS)}
        found = self.database.conn.execute(_HISTORIES, asked)
        histories = (PageHistory(*row) for row in found)
        mine = (page for page in histories if page.channel in channels)
        chosen = choose(mine, julian_day(at), budget)
        return [
            DuePage(page.address, page.channel, page.etag, page.last_modified) for page in chosen
        ]

    def newly_missing(self, source: str, since: str) -> int:
        """How many pages of a source are missing that were first met so at ``since`` or later."""
        return int(
            self._one(
                "SELECT count(*) FROM addresses WHERE source = ? AND nights_missed > 0"
                " AND first_missed >= ?",
                source,
                since,
            )
        )

    def gone(self, source: str, channels: Collection[str]) -> frozenset[int]:
        """The ids of the bulletins of some channels that are gone."""
        found = self.database.conn.execute(
            "SELECT id, channel FROM bulletins WHERE source = ? AND status = 'gone'", (source,)
        )
        return frozenset(bulletin for bulletin, channel in found if channel in channels)

    def _one(self, sql: str, *values: str) -> Any:
        """The first column of a query's first row, None where there is no row."""
        row = self.database.conn.execute(sql, values).fetchone()
        return row[0] if row else None
