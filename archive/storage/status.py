"""Status: when each source last published, whether that is late, and what else is wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from archive.clock import CHINA, stamp
from archive.sources import About, Channel, Source
from archive.storage.calendar import out_of_date
from archive.storage.crawl_log import CrawlLog
from archive.storage.freshness import Freshness
from archive.storage.judgement import Judged, judge


@dataclass(frozen=True, slots=True)
class OpenIncidents:
    """The incidents of one kind that no later good answer has settled.

    ``open`` rows, met ``count`` times in all between two instants; ``message`` is what the latest
    one says to do.
    """

    kind: str
    open: int
    count: int
    first_seen: str
    last_seen: str
    message: str


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """The state of a live channel: its rhythm, and its last line of ``crawls`` (None: no line)."""

    channel: str
    name: str
    fresh: Freshness | None
    crawl: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """The state of one source, for the person who runs the archive.

    ``newest`` is the civil date of the newest bulletin, ``age_days`` its distance from today;
    ``waiting`` counts pages listed and not captured yet, ``open_incidents`` incidents that no later
    good answer has settled. ``problem`` says in words what is wrong, None when all is well;
    ``remarks`` are nights with fewer or more bulletins than usual. ``about`` is what its source
    file says of itself: how sure it is, and why no night crawls the source.
    """

    source: str
    name: str
    enabled: bool
    about: About
    bulletins: int
    newest: str | None
    age_days: int | None
    rhythm_days: int
    fresh: Freshness
    last_crawl: str | None
    last_good_crawl: str | None
    waiting: int
    open_incidents: int
    incidents: tuple[OpenIncidents, ...]
    channels: tuple[ChannelStatus, ...]
    failed: bool
    stale: bool
    problem: str | None
    remarks: tuple[str, ...]


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
    live = [channel for channel in source.channels if not channel.retired]
    judged = Judged(
        source.slug, source.enabled, source.rhythm_days, tuple(channel.slug for channel in live)
    )
    found = judge(conn, judged, now, writing=writing)
    (bulletins,) = conn.execute(
        "SELECT count(*) FROM bulletins WHERE source = ?", (source.slug,)
    ).fetchone()
    incidents = _open_incidents(conn, source.slug)
    return SourceStatus(
        source=source.slug,
        name=source.name,
        enabled=source.enabled,
        about=source.about,
        bulletins=bulletins,
        newest=found.fresh.newest,
        age_days=found.fresh.age_days,
        rhythm_days=source.rhythm_days,
        fresh=found.fresh,
        last_crawl=max(
            (line["finished_at"] or line["started_at"] for line in found.crawls), default=None
        ),
        last_good_crawl=_last_good_crawl(conn, source.slug),
        waiting=CrawlLog(Database(conn)).waiting(source.slug, stamp(now)),
        open_incidents=sum(each.open for each in incidents),
        incidents=incidents,
        channels=tuple(_channel(channel, found.channels, found.crawls) for channel in live),
        failed=found.failed,
        stale=found.stale,
        problem=found.problem,
        remarks=found.remarks,
    )


def _channel(
    channel: Channel, fresh: Mapping[str, Freshness], crawls: Sequence[Mapping[str, Any]]
) -> ChannelStatus:
    crawl = next((line for line in crawls if line["channel"] == channel.slug), None)
    return ChannelStatus(channel.slug, channel.name, fresh.get(channel.slug), crawl)


def _last_good_crawl(conn: sqlite3.Connection, source: str) -> str | None:
    row = conn.execute(
        "SELECT max(finished_at) FROM crawls WHERE source = ? AND outcome = 'good'", (source,)
    ).fetchone()
    good: str | None = row[0]
    return good


def _open_incidents(conn: sqlite3.Connection, source: str) -> tuple[OpenIncidents, ...]:
    """By kind, in the order of their names."""
    rows = conn.execute(
        "SELECT kind, count(*), sum(count),"
        " (SELECT min(first_seen) FROM incidents AS first WHERE first.source = incidents.source"
        "  AND first.kind = incidents.kind AND first.resolved_at IS NULL),"
        # SQLite takes the message from the row that has the maximum.
        " max(last_seen), message FROM incidents WHERE source = ? AND resolved_at IS NULL"
        " GROUP BY kind ORDER BY kind",
        (source,),
    )
    return tuple(OpenIncidents(*row) for row in rows)


def as_json(
    found: Sequence[SourceStatus], now: datetime, warnings: Sequence[str]
) -> dict[str, Any]:
    """What ``bulletins status --json`` prints; its keys are a contract, docs/operations.md."""
    return {
        "at": stamp(now),
        "ok": not any(status.failed or status.stale for status in found),
        "warnings": list(warnings),
        "sources": [_source_json(status) for status in found],
    }


def warnings(now: datetime) -> list[str]:
    """What is not wrong with a source, and should be seen to."""
    line = out_of_date(now.astimezone(CHINA).date())
    return [line] if line else []


def _source_json(status: SourceStatus) -> dict[str, Any]:
    return {
        "source": status.source,
        "name": status.name,
        "enabled": status.enabled,
        "reason": status.about.reason,
        "verified": status.about.verified,
        "verified_on": str(status.about.verified_on) if status.about.verified_on else None,
        "bulletins": status.bulletins,
        **_fresh_json(status.fresh, status.rhythm_days),
        "last_crawl": status.last_crawl,
        "last_good_crawl": status.last_good_crawl,
        "waiting": status.waiting,
        "incidents": [
            {
                "kind": each.kind,
                "open": each.open,
                "count": each.count,
                "first_seen": each.first_seen,
                "last_seen": each.last_seen,
                "what_to_do": each.message,
            }
            for each in status.incidents
        ],
        "failed": status.failed,
        "stale": status.stale,
        "problem": status.problem,
        "remarks": list(status.remarks),
        "channels": [_channel_json(channel) for channel in status.channels],
    }


def _fresh_json(fresh: Freshness | None, stated: int | None = None) -> dict[str, Any]:
    rhythm = fresh.rhythm if fresh else None
    return {
        "newest": fresh.newest if fresh else None,
        "age_days": fresh.age_days if fresh else None,
        "quiet_working_days": fresh.quiet_days if fresh else None,
        "rhythm": {
            **({} if stated is None else {"stated_days": stated}),
            "usual_gap_working_days": rhythm.usual_gap if rhythm else None,
            "allowed_working_days": rhythm.allowed if rhythm else None,
        },
    }


def _channel_json(status: ChannelStatus) -> dict[str, Any]:
    crawl = status.crawl or {}
    return {
        "channel": status.channel,
        "name": status.name,
        **_fresh_json(status.fresh),
        "late": bool(status.fresh and status.fresh.late),
        "last_crawl": crawl.get("finished_at") or crawl.get("started_at"),
        "outcome": crawl.get("outcome"),
        "new": crawl.get("new"),
        "expected": crawl.get("expected"),
        "expected_low": crawl.get("expected_low"),
        "expected_high": crawl.get("expected_high"),
    }
