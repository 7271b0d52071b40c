"""The data of the start page: the newest bulletins, the provinces, how fresh each source is."""

from __future__ import annotations

import sqlite3
from datetime import date
from functools import partial
from typing import Any

from archive.clock import CHINA, civil_date, now, parse_stamp
from archive.storage.freshness import freshness

NEWEST = 15
"""Bulletins on the start page."""

_BULLETINS = """
SELECT bulletins.id, bulletins.title, bulletins.url, bulletins.published, bulletins.status,
       bulletins.slug, bulletins.revision, sources.name AS source,
       (SELECT count(*) FROM entries WHERE entries.bulletin = bulletins.id) AS entries
FROM bulletins JOIN sources ON sources.slug = bulletins.source
ORDER BY bulletins.published DESC, bulletins.id DESC LIMIT :limit
"""
# A province's link finds entries by any of their provinces, so all of them are counted; what it
# shows once is counted once.
_PROVINCES = """
SELECT provinces.code, provinces.name, provinces.short,
       coalesce(counted.entries, 0) - coalesce(repeated.entries, 0) AS entries
FROM provinces LEFT JOIN
     (SELECT province, count(*) AS entries FROM entry_provinces GROUP BY province) AS counted
     ON counted.province = provinces.code
LEFT JOIN
     (SELECT one.province, count(*) AS entries FROM entries
      JOIN entry_provinces AS one ON one.entry = entries.id
      WHERE same_as IS NOT NULL AND EXISTS
            (SELECT 1 FROM entry_provinces AS two
             WHERE two.entry = same_as AND two.province = one.province)
      GROUP BY one.province) AS repeated
     ON repeated.province = provinces.code
ORDER BY provinces.code
"""
# A rebuilt database has no crawls; then the time of its latest capture is shown. If one live
# channel failed last time, that is shown even if others did not.
_SOURCES = """
SELECT slug, name, home, rhythm_days,
       (SELECT count(*) FROM bulletins WHERE source = sources.slug) AS bulletins,
       coalesce((SELECT max(coalesce(finished_at, started_at)) FROM crawls
                 WHERE source = sources.slug),
                (SELECT max(fetched_at) FROM captures WHERE source = sources.slug)) AS crawled,
       (SELECT outcome FROM crawls
        WHERE id IN (SELECT max(crawls.id) FROM crawls JOIN channels
                     ON channels.source = crawls.source AND channels.slug = crawls.channel
                     WHERE crawls.source = sources.slug AND NOT retired GROUP BY crawls.channel)
        ORDER BY outcome IN ('failed', 'stopped') DESC, id DESC LIMIT 1) AS outcome
FROM sources ORDER BY slug
"""
_TOTALS = """
SELECT (SELECT count(*) FROM bulletins) AS bulletins, (SELECT count(*) FROM entries) AS entries,
       (SELECT min(published) FROM bulletins) AS oldest,
       (SELECT max(published) FROM bulletins) AS newest
"""

OUTCOMES = {"running": "进行中", "good": "正常", "failed": "失败", "stopped": "中断"}


async def start_page(database: Any) -> dict[str, Any]:
    """The variables of the start page, read from a Datasette database."""
    today = date.fromisoformat(civil_date(now().isoformat()))
    return {
        "totals": (await _rows(database, _TOTALS))[0],
        "newest_bulletins": await _rows(database, _BULLETINS, {"limit": NEWEST}),
        "provinces": await _rows(database, _PROVINCES),
        "sources": await database.execute_fn(partial(source_rows, today=today)),
    }


def source_rows(conn: sqlite3.Connection, today: date) -> list[dict[str, Any]]:
    """Every source with its last crawl and how fresh it is, judged as ``bulletins status`` does."""
    cursor = conn.execute(_SOURCES)
    names = [column[0] for column in cursor.description]
    return [
        _source_row(conn, dict(zip(names, row, strict=True)), today) for row in cursor.fetchall()
    ]


def _source_row(conn: sqlite3.Connection, source: dict[str, Any], today: date) -> dict[str, Any]:
    fresh = freshness(conn, source["slug"], source["rhythm_days"], today)
    return {
        **source,
        "newest": fresh.newest,
        "days": fresh.age_days,
        "late": fresh.late,
        "crawled": china_time(source["crawled"]) if source["crawled"] else None,
        "outcome": OUTCOMES.get(source["outcome"] or ""),
    }


def china_time(stamp: str) -> str:
    """An instant in China's time zone, as YYYY-MM-DD HH:MM."""
    return parse_stamp(stamp).astimezone(CHINA).strftime("%Y-%m-%d %H:%M")


async def _rows(
    database: Any, sql: str, params: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    return [dict(row) for row in await database.execute(sql, params or {})]
