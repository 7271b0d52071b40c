"""Verify: whether captures, database and search index still are what they were when written."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from archive.captures.warc import read_captures, warc_files
from archive.clock import now
from archive.errors import Damaged
from archive.search import differences
from archive.storage.database import ENTRIES_INDEX
from archive.storage.status import open_readonly
from archive.storage.store import lock

# Entries whose index is compared with their text; the full mode compares all.
SAMPLE = 300
_MEND = "run `bulletins rebuild`"


def problems(folder: Path, *, full: bool = False) -> Iterator[str]:
    """What is wrong in a data folder, one line each; nothing where all is well.

    Raises UsageError where there is no archive, Locked while one is being written.
    """
    open_readonly(folder).close()
    with lock(folder), closing(sqlite3.connect(folder / "bulletins.db")) as conn:
        try:
            yield from _captures(folder, conn)
            yield from _database(conn)
            # Another sample every day, so that every entry has its turn.
            sample = None if full else SAMPLE
            for difference in differences(conn, ENTRIES_INDEX, sample, turn=now().toordinal()):
                row = f"entry {difference.rowid} " if difference.rowid else ""
                yield f"search index: {row}{difference.problem}; {_MEND}"
        except sqlite3.DatabaseError as error:
            yield f"bulletins.db: {error}; {_MEND}"


def _captures(folder: Path, conn: sqlite3.Connection) -> Iterator[str]:
    known = {
        (file, offset): digest
        for file, offset, digest in conn.execute("SELECT file, offset, digest FROM captures")
    }
    for path in warc_files(folder / "warc"):
        try:
            for location, capture in read_captures(path):
                digest = base64.b32encode(hashlib.sha1(capture.body).digest()).decode()  # noqa: S324
                recorded = known.pop((location.file, location.offset), None)
                if f"sha1:{digest}" != location.digest or recorded not in (None, location.digest):
                    yield (
                        f"{path}: the record at byte {location.offset} is not what was captured: "
                        "restore the file from a backup"
                    )
        except Damaged as error:
            yield str(error)
    for file, offset in list(known)[:10]:
        yield (
            f"the capture at byte {offset} of {file} is recorded but not there: restore the file "
            "from a backup"
        )


def _database(conn: sqlite3.Connection) -> Iterator[str]:
    for (line,) in conn.execute("PRAGMA integrity_check(10)"):
        if line != "ok":
            yield f"bulletins.db: {line}; {_MEND}"
    for table, row, parent, _ in conn.execute("PRAGMA foreign_key_check"):
        yield f"bulletins.db: row {row} of {table} points to nothing in {parent}; {_MEND}"
