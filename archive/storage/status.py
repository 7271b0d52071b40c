"""Status: when each source last published, whether that is late, and what else is wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlite_utils import Database

from archive.clock import CHINA, stamp
from archive.sources import Source
from archive.storage.crawl_log import CrawlLog

# Outcomes in ``crawls`` that are failures, and what is said where the line has no message.
_FAILURES = {
    "failed": "the last crawl failed",
    "stopped": "the last crawl was stopped",
    "running": "the last crawl was cut off",
}


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """The state of one source, for the person who runs the archive.

    ``newest`` is the civil date of the newest bulletin, ``age_days`` its distance from today;
    ``waiting`` counts pages listed and not captured yet, ``open_incidents`` incidents that no later
    good answer has settled. ``problem`` says in words what is wrong, None when all is well.
    """

    source: str
    name: str
    enabled: bool
    bulletins: int
    newest: str | None
    age_days: int | None
    rhythm_days: int
    last_crawl: str | None
    waiting: int
    open_incidents: int
    failed: bool
    stale: bool
    problem: str | None


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old a source's newest bulletin is, in days, and whether its rhythm allows that.

    ``newest`` is its civil date; both are None where there is no bulletin, which is late too.
    """

    newest: str | None
    age_days: int | None
    late: bool


def freshness(conn: sqlite3.Connection, source: str, rhythm_days: int, today: date) -> Freshness:
    """Judge a source by the newest bulletin that is dated today or before.

    A later date is the ministry's mistake and does not show that the source is alive.
    """
    (newest,) = conn.execute(
        "SELECT max(published) FROM bulletins WHERE source = ? AND published <= ?",
        (source, today.isoformat()),
    ).fetchone()
    age = (today - date.fromisoformat(newest)).days if newest else None
    return Freshness(newest, age, age is None or age > rhythm_days)


def statuses(
    conn: sqlite3.Connection,
    sources: Mapping[str, Source],
    now: datetime,
    *,
    writing: bool = False,
) -> list[SourceStatus]:
    """The status of every source, crawled or not, in the order of ``sources``.

    ``writing`` says that a crawl is running now; otherwise a crawl that has not finished was cut
    off.
    """
    return [_status(conn, source, now, writing) for source in sources.values()]


def _status(conn: sqlite3.Connection, source: Source, now: datetime, writing: bool) -> SourceStatus:
    log, today = CrawlLog(Database(conn)), now.astimezone(CHINA).date()
    fresh = freshness(conn, source.slug, source.rhythm_days, today)
    (bulletins,) = conn.execute(
        "SELECT count(*) FROM bulletins WHERE source = ?", (source.slug,)
    ).fetchone()
    (incidents,) = conn.execute(
        "SELECT count(*) FROM incidents WHERE source = ? AND resolved_at IS NULL", (source.slug,)
    ).fetchone()
    live = {channel.slug for channel in source.channels if not channel.retired}
    crawls = [line for line in log.latest_crawls(source.slug) if line["channel"] in live]
    failed = [
        f"{line['channel']}: {line['message'] or _FAILURES[line['outcome']]}"
        for line in crawls
        if line["outcome"] in _FAILURES and not (writing and line["outcome"] == "running")
    ]
    stale = source.enabled and fresh.late
    return SourceStatus(
        source=source.slug,
        name=source.name,
        enabled=source.enabled,
        bulletins=bulletins,
        newest=fresh.newest,
        age_days=fresh.age_days,
        rhythm_days=source.rhythm_days,
        last_crawl=max(
            (line["finished_at"] or line["started_at"] for line in crawls), default=None
        ),
        waiting=log.waiting(source.slug, stamp(now)),
        open_incidents=incidents,
        failed=bool(failed),
        stale=stale,
        problem=_problem(failed, source, fresh.age_days, stale, bool(crawls)),
    )


def _problem(
    failed: list[str], source: Source, age: int | None, stale: bool, crawled: bool
) -> str | None:
    if failed:
        return "; ".join(failed)
    if not stale:
        return None
    if not crawled:
        return "never crawled"
    if age is None:
        return "crawled, but nothing came"
    return f"nothing new for {age} days, {source.rhythm_days} are normal: look at the site"
