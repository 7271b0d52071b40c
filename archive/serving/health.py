"""``/-/health`` for uptime monitors: 200 while all is well, 503 with what is wrong in words.

It judges from the database alone, as ``bulletins status`` does from database and source files.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from datasette.utils.asgi import Response

from archive.clock import now, stamp
from archive.errors import ArchiveError
from archive.serving.search_request import DATABASE
from archive.storage.database import open_readonly, outdated
from archive.storage.judgement import Judged, judge, no_nights


def routes() -> list[tuple[str, Callable[..., Any]]]:
    """The pattern of the path, and the function that answers it."""
    return [(r"^/-/health$", health_page)]


async def health_page(datasette: Any) -> Any:
    """Answer with 200 or 503 and the same JSON; no cache may keep it."""
    found = await asyncio.to_thread(look, Path(datasette.get_database(DATABASE).path))
    return Response.json(
        found, status=200 if found["ok"] else 503, headers={"cache-control": "no-store"}
    )


def look(path: Path) -> dict[str, Any]:
    """The health of a database, opened anew so that a damaged or replaced file is seen.

    Never raises: what goes wrong is a problem too. ``problems`` are lines of words, ``sources``
    those that are crawled at night.
    """
    try:
        at = now()
        with closing(open_readonly(path.parent)) as conn:
            return health(conn, at)
    except (ArchiveError, sqlite3.Error, OSError) as error:
        return {"ok": False, "problems": [f"the database cannot be read: {error}"], "sources": []}


def health(conn: sqlite3.Connection, at: datetime) -> dict[str, Any]:
    """The health of an open database at an instant, as :func:`look` returns it."""
    problems = [line] if (line := outdated(conn)) else []
    if line := no_nights(conn, at):
        problems.append(line)
    sources = [_source(conn, judged, at) for judged in _judged(conn)]
    problems += [f"{each['source']}: {each['problem']}" for each in sources if not each["ok"]]
    return {"ok": not problems, "at": stamp(at), "problems": problems, "sources": sources}


def _judged(conn: sqlite3.Connection) -> list[Judged]:
    """The sources that are crawled at night, with their live channels."""
    rows = conn.execute("SELECT slug, rhythm_days FROM sources WHERE enabled ORDER BY slug")
    return [Judged(slug, True, rhythm, _live(conn, slug)) for slug, rhythm in rows.fetchall()]


def _live(conn: sqlite3.Connection, source: str) -> tuple[str, ...]:
    rows = conn.execute(
        "SELECT slug FROM channels WHERE source = ? AND NOT retired ORDER BY rowid", (source,)
    )
    return tuple(slug for (slug,) in rows)


def _source(conn: sqlite3.Connection, judged: Judged, at: datetime) -> dict[str, Any]:
    # A crawl that runs too long is noticed by the nights that do not end.
    found = judge(conn, judged, at, writing=True)
    return {
        "source": judged.slug,
        "ok": not (found.failed or found.stale),
        "newest": found.fresh.newest,
        "last_crawl": max(
            (c["finished_at"] or c["started_at"] for c in found.crawls), default=None
        ),
        "failed": found.failed,
        "stale": found.stale,
        "problem": found.problem,
    }
