"""Verify: check that captures, database and search index are complete and unchanged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from archive.captures.reading import read_captures
from archive.captures.warc import payload_digest, warc_files
from archive.clock import now
from archive.errors import Damaged
from archive.search import differences
from archive.storage.database import ENTRIES_INDEX, NAME, open_readonly
from archive.storage.lock import lock

# How many entries are compared with the index; the full mode compares all.
SAMPLE = 300
_REBUILD = "run `bulletins rebuild`"


def problems(folder: Path, *, full: bool = False) -> Iterator[str]:
    """The problems of a data folder, one line each.

    Raises UsageError where there is no archive, Damaged where the database cannot be opened,
    Locked while another process writes.
    """
    # Opened for reading first, so that no database is created where there is none.
    open_readonly(folder).close()
    with lock(folder), closing(sqlite3.connect(folder / NAME)) as conn:
        try:
            yield from _captures(folder, conn)
            yield from _database(conn)
            # Another sample every day, so that in time every entry is compared.
            sample = None if full else SAMPLE
            for difference in differences(conn, ENTRIES_INDEX, sample, turn=now().toordinal()):
                row = f"entry {difference.rowid} " if difference.rowid else ""
                yield f"search index: {row}{difference.problem}; {_REBUILD}"
        except sqlite3.DatabaseError as error:
            yield f"bulletins.db: {error}; {_REBUILD}"


def _captures(folder: Path, conn: sqlite3.Connection) -> Iterator[str]:
    known = {
        (file, offset): digest
        for file, offset, digest in conn.execute("SELECT file, offset, digest FROM captures")
    }
    for path in warc_files(folder / "warc"):
        try:
            for location, capture in read_captures(path):
                # A 304 has no payload; the one that it refers to was compared as it was read.
                unchanged = location.revisit == "server-not-modified"
                digest = location.digest if unchanged else payload_digest(capture.body)
                recorded = known.pop((location.file, location.offset), None)
                if digest != location.digest or recorded not in (None, location.digest):
                    yield (
                        f"{path}: the record at byte {location.offset} is not what was captured: "
                        "restore the file from a backup"
                    )
        except Damaged as error:
            yield str(error)
    for file, offset in list(known)[:10]:
        yield (
            f"the capture at byte {offset} of {file} is in the database but not in the file: "
            "restore the file from a backup"
        )


def _database(conn: sqlite3.Connection) -> Iterator[str]:
    for (line,) in conn.execute("PRAGMA integrity_check(10)"):
        if line != "ok":
            yield f"bulletins.db: {line}; {_REBUILD}"
    for table, row, parent, _ in conn.execute("PRAGMA foreign_key_check"):
        yield f"bulletins.db: row {row} of {table} refers to a missing row of {parent}; {_REBUILD}"
