"""Status: what each source last brought, whether that is as fresh as its rhythm promises."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from archive.clock import CHINA, days_before, stamp
from archive.errors import UsageError
from archive.sources import Source
from archive.storage.store import RECENT_DAYS

_IN_WORDS = {
    "failed": "the last crawl failed",
    "stopped": "the last crawl was stopped",
    "running": "the last crawl was cut off",
}


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One source as the person who runs the archive sees it.

    ``newest`` is the civil date of the newest bulletin, ``age_days`` its distance from today;
    ``waiting`` counts pages listed and never captured, ``open_incidents`` those not settled by a
    later good answer. ``problem`` says in words what is wrong, None when all is well.
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


def open_readonly(folder: Path) -> sqlite3.Connection:
    """The database of a data folder for reading; raises UsageError where there is none."""
    path = folder / "bulletins.db"
    if not path.is_file():
        raise UsageError(
            f"no archive in {folder}: name its folder with --data (the demo's is data/demo), or "
            "run `bulletins crawl` or `make demo-data` first"
        )
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)


def statuses(
    conn: sqlite3.Connection,
    sources: Mapping[str, Source],
    now: datetime,
    *,
    writing: bool = False,
) -> list[SourceStatus]:
    """Every source there is, crawled or not, in name order.

    ``writing`` says that a crawl is under way; without one, a crawl that never finished was cut
    off.
    """
    return [_status(conn, source, now, writing) for source in sources.values()]


def _status(conn: sqlite3.Connection, source: Source, now: datetime, writing: bool) -> SourceStatus:
    slug, today = source.slug, now.astimezone(CHINA).date()
    # A date that lies ahead is a slip of the ministry's and no sign of life.
    bulletins, newest = conn.execute(
        "SELECT count(*), max(published) FILTER (WHERE published <= ?) FROM bulletins"
        " WHERE source = ?",
        (today.isoformat(), slug),
    ).fetchone()
    live = [channel.slug for channel in source.channels if not channel.retired]
    marks = ",".join("?" * len(live))
    mine = f"source = ? AND channel IN ({marks})"
    latest = f"SELECT max(id) FROM crawls WHERE {mine} GROUP BY channel"
    crawls = conn.execute(
        "SELECT channel, outcome, message, coalesce(finished_at, started_at) FROM crawls"
        f" WHERE id IN ({latest}) ORDER BY id",
        (slug, *live),
    ).fetchall()
    (waiting,) = conn.execute(
        "SELECT count(*) FROM addresses WHERE source = ? AND first_captured IS NULL"
        " AND coalesce(first_asked, ?) >= ?",
        (slug, stamp(now), days_before(stamp(now), RECENT_DAYS)),
    ).fetchone()
    (incidents,) = conn.execute(
        "SELECT count(*) FROM incidents WHERE source = ? AND resolved_at IS NULL", (slug,)
    ).fetchone()
    age = (today - date.fromisoformat(newest)).days if newest else None
    bad = {"failed", "stopped"} if writing else {"failed", "stopped", "running"}
    failed = [
        f"{channel}: {message or _IN_WORDS[outcome]}"
        for channel, outcome, message, _ in crawls
        if outcome in bad
    ]
    stale = source.enabled and (age is None or age > source.rhythm_days)
    return SourceStatus(
        source=slug,
        name=source.name,
        enabled=source.enabled,
        bulletins=bulletins,
        newest=newest,
        age_days=age,
        rhythm_days=source.rhythm_days,
        last_crawl=max((row[3] for row in crawls), default=None),
        waiting=waiting,
        open_incidents=incidents,
        failed=bool(failed),
        stale=stale,
        problem=_problem(failed, source, age, stale, bool(crawls)),
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
