"""Databases to measure search on: the archive's own schema, filled with a generated corpus."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from archive.database import connect
from bench.search_corpus import Made, entries

SOURCE = "sample"
_BATCH = 5000

_ENTRY = (
    "INSERT INTO entries (id, slug, bulletin, seq, kind, heading, province, date, open_end, text,"
    " title, source, url, published, status) VALUES (?, ?, ?, ?, 'section', ?, ?, ?, 0, ?, ?, ?,"
    " 'http://127.0.0.1/', ?, 'live')"
)


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
