"""Databases to measure search on: the archive's own schema, filled with a generated corpus."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import islice
from pathlib import Path

from archive.storage.database import ENTRIES_INDEX, connect
from bench.search_corpus import Made, entries

SOURCE = "sample"
_BATCH = 5000

_ENTRY = (
    "INSERT INTO entries (id, slug, bulletin, seq, kind, heading, province, date, open_end, text,"
    " title, source, url, published, status) VALUES (?, ?, ?, ?, 'section', ?, ?, ?, 0, ?, ?, ?,"
    " 'http://127.0.0.1/', ?, 'live')"
)


@contextmanager
def filled(count: int, folder: Path | None) -> Iterator[Path]:
    """The database of ``count`` entries in a folder, made if it does not exist yet.

    Without a folder it is made in one that is removed afterwards.
    """
    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        path = place / f"search-{count}.db"
        if not path.exists():
            fill(path, count)
        yield path


def build(conn: sqlite3.Connection) -> float:
    """Make the search index if it does not exist yet; returns the seconds it took."""
    if conn.execute(f"SELECT count(*) FROM {ENTRIES_INDEX.rows}").fetchone()[0]:
        return 0.0
    start = time.perf_counter()
    conn.execute("BEGIN")
    ENTRIES_INDEX.rebuild(conn)
    conn.execute("COMMIT")
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return time.perf_counter() - start


def fill(path: Path, count: int) -> None:
    """Make a database of ``count`` entries without their search index; no bulletins are written."""
    with closing(connect(path).conn) as conn:
        conn.execute("PRAGMA foreign_keys = OFF")
        conn.execute("PRAGMA synchronous = OFF")
        made = enumerate(entries(count), start=1)
        while batch := list(islice(made, _BATCH)):
            conn.execute("BEGIN")
            insert(conn, iter(batch))
            conn.execute("COMMIT")
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def insert(conn: sqlite3.Connection, made: Iterator[tuple[int, Made]]) -> None:
    """Write numbered entries with their provinces."""
    for number, entry in made:
        conn.execute(
            _ENTRY,
            (
                number,
                f"{SOURCE}-{entry.bulletin}.{number}",
                entry.bulletin,
                number,
                entry.heading,
                entry.provinces[0],
                entry.date,
                entry.text,
                entry.title,
                SOURCE,
                entry.published,
            ),
        )
        conn.executemany(
            "INSERT INTO entry_provinces VALUES (?, ?, ?, 'heading')",
            [(number, seq, code) for seq, code in enumerate(entry.provinces, start=1)],
        )
