"""Running the command line against the sample server, as a person or cron would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from archive.storage.database import readonly
from crawler.sources import load_sources
from sample.server import SampleSite, serve

NIGHT_1 = "2026-11-01T18:00:00Z"


def run(*words: str | Path, now: str = NIGHT_1, **env: str) -> subprocess.CompletedProcess[str]:
    """One run of ``bulletins`` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "crawler", *map(str, words)],
        env=os.environ | {"BULLETINS_NOW": now} | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def switch_off(data: Path, keep: str = "mohurd") -> None:
    """Let a data folder crawl one of the sources that ship by night, however many there are."""
    folder = data / "sources"
    folder.mkdir(parents=True, exist_ok=True)
    for slug in load_sources().keys() - {keep}:
        (folder / f"{slug}.toml").write_text("enabled = false\n", encoding="utf-8")


def crawl(
    site: SampleSite, data: Path, *words: str, now: str = NIGHT_1, source: str = "mohurd"
) -> subprocess.CompletedProcess[str]:
    """One crawl of a site served on loopback, without delay."""
    with serve(site) as base:
        return run(
            "crawl", source, "--base-url", base, "--data", data, "--delay", "0", *words, now=now
        )


def rows(data: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
    """What a query finds in a data folder's database."""
    with closing(readonly(data / "bulletins.db")) as conn:
        return conn.execute(sql, values).fetchall()


def tables(data: Path, leave_out: Sequence[str] = ()) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, in the tables' own order; search indexes' inner tables left out."""
    names = [
        str(name)
        for (name,) in rows(
            data,
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'entries!_%!_%'"
            " ESCAPE '!' AND name NOT IN ('entries_fts', 'entries_units')",
        )
        if name not in leave_out
    ]
    return {name: rows(data, f'SELECT * FROM "{name}" ORDER BY 1, 2') for name in names}


def asked(site: SampleSite, status: int | None = None) -> list[str]:
    """The targets that were asked for, robots.txt left out."""
    return [
        entry.target
        for entry in site.log
        if entry.path != "/robots.txt" and status in (None, entry.status)
    ]
