"""Judgement: what is wrong with a source, from the database alone; for status and for monitors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from archive.clock import CHINA, stamp
from archive.storage.crawl_log import CrawlLog
from archive.storage.freshness import Freshness, channel_freshness, freshness

# Outcomes in ``crawls`` that are failures, and what is said where the line has no message.
_FAILURES = {
    "failed": "the last crawl failed",
    "stopped": "the last crawl was stopped",
    "running": "the last crawl was cut off",
}
# So many nights in a row below the usual range are a trouble; one is remarked upon.
SCARCE_NIGHTS = 3
# A run starts within an hour of its time each night, so after two days one is missing.
SILENT_AFTER = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Judged:
    """A source to judge: what its file says, or what the database keeps of that.

    ``channels`` are the live ones.
    """

    slug: str
    enabled: bool
    rhythm_days: int
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found of a source.

    ``channels`` has the freshness of the live channels with bulletins of the last year, ``crawls``
    their last lines of ``crawls``, oldest first. ``remarks`` are no troubles: a night with fewer
    or more bulletins than usual. ``problem`` says in words what is wrong, None when all is well.
    """

    fresh: Freshness
    channels: Mapping[str, Freshness]
    crawls: tuple[Mapping[str, Any], ...]
    failed: bool
    stale: bool
    remarks: tuple[str, ...]
    problem: str | None


def judge(
    conn: sqlite3.Connection, source: Judged, now: datetime, *, writing: bool = False
) -> Judgement:
    """Judge a source at an instant.

    ``writing`` says that a crawl may be running now; otherwise a crawl that has not finished was
    cut off.
    """
    today = now.astimezone(CHINA).date()
    fresh = freshness(conn, source.slug, source.rhythm_days, today)
    channels = channel_freshness(conn, source.slug, source.channels, today)
    log = CrawlLog(Database(conn))
    crawls = [c for c in log.latest_crawls(source.slug) if c["channel"] in source.channels]
    failed = _failures(crawls, writing=writing)
    silent = _silences(source, fresh, channels, crawled=bool(crawls))
    silent += [line for crawl in crawls if (line := _scarcity(conn, crawl))]
    stale = source.enabled and bool(silent)
    return Judgement(
        fresh=fresh,
        channels=channels,
        crawls=tuple(crawls),
        failed=bool(failed),
        stale=stale,
        remarks=tuple(line for crawl in crawls if (line := _remark(crawl))),
        problem="; ".join(failed or (silent if stale else [])) or None,
    )


def _failures(crawls: Iterable[Mapping[str, Any]], *, writing: bool) -> list[str]:
    """What failed, said once for all channels of which the same is to be said."""
    said: dict[str, list[str]] = {}
    for line in crawls:
        if line["outcome"] in _FAILURES and not (writing and line["outcome"] == "running"):
            message = line["message"] or _FAILURES[line["outcome"]]
            said.setdefault(message, []).append(line["channel"])
    return [f"{', '.join(channels)}: {message}" for message, channels in said.items()]


def _silences(
    source: Judged,
    fresh: Freshness,
    channels: Mapping[str, Freshness],
    *,
    crawled: bool,
) -> list[str]:
    """What has been silent for too long: the source, or else some of its channels."""
    if fresh.late:
        if not crawled:
            return ["never crawled"]
        if fresh.age_days is None:
            return ["crawled, but nothing came"]
        if fresh.rhythm is None:
            said = f"nothing new for {fresh.age_days} days, {source.rhythm_days} are normal"
            return [f"{said}: look at the site"]
        return [f"{_quiet(fresh)}: look at the site"]
    return [
        f"{name}: {_quiet(each)}: look at its list" for name, each in channels.items() if each.late
    ]


def _quiet(fresh: Freshness) -> str:
    usual = fresh.rhythm.usual_gap if fresh.rhythm else 0
    return f"nothing new for {fresh.quiet_days} working days, {usual} at most are usual"


def _remark(crawl: Mapping[str, Any]) -> str | None:
    """What is said of a night that found fewer or more bulletins than usual."""
    low, high, new = crawl["expected_low"], crawl["expected_high"], crawl["new"]
    if low is None or high is None or crawl["finished_at"] is None or low <= new <= high:
        return None
    return f"{crawl['channel']}: {new} new, {low}–{high} are usual"


def _scarcity(conn: sqlite3.Connection, crawl: Mapping[str, Any]) -> str | None:
    """What is said of a channel whose last nights all found fewer bulletins than usual."""
    lines = conn.execute(
        "SELECT new, expected_low FROM crawls WHERE source = ? AND channel = ?"
        " AND finished_at IS NOT NULL ORDER BY id DESC LIMIT ?",
        (crawl["source"], crawl["channel"], SCARCE_NIGHTS),
    ).fetchall()
    if len(lines) < SCARCE_NIGHTS or any(low is None or new >= low for new, low in lines):
        return None
    found = ", ".join(str(new) for new, _ in reversed(lines))
    return (
        f"{crawl['channel']}: fewer new bulletins than usual for {SCARCE_NIGHTS} nights ({found}): "
        "look at its list"
    )


def no_nights(conn: sqlite3.Connection, at: datetime) -> str | None:
    """What is said where no crawl has ended for two days: the schedule itself may be dead."""
    (ended,) = conn.execute("SELECT max(finished_at) FROM crawls").fetchone()
    if ended is None:
        return "no crawl has ended yet: run `bulletins nightly`, or install its schedule"
    if ended >= stamp(at - SILENT_AFTER):
        return None
    return f"no crawl has ended since {ended}: look whether the nightly run is still scheduled"
