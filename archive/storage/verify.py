"""Verify: check that captures, database and search index are complete and unchanged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from archive.captures.reading import read_capture, read_captures
from archive.captures.warc import Capture, Location, payload_digest, warc_files
from archive.clock import now
from archive.errors import Damaged
from archive.search import differences
from archive.storage.database import ENTRIES_INDEX, NAME, open_readonly
from archive.storage.lock import lock

# How many entries are compared with the index; the full mode compares all.
SAMPLE = 300
# The nights in which every capture is read once: the shortest month.
NIGHTS = 28
_REBUILD = "run `bulletins rebuild`"
_RESTORE = "restore the file from a backup"

Part = tuple[int, int]
"""(number, of): the captures whose offset leaves ``number`` when divided by ``of``.

Offsets stay when captures get other ids, as they do when some are imported.
"""


def tonight(data: Path) -> Part:
    """The part of the captures whose turn it is: the nights on which a crawl began, counted.

    A night that does not run is no turn, so that any 28 nights that run read every capture.
    """
    with closing(open_readonly(data)) as conn:
        (nights,) = conn.execute(
            "SELECT count(DISTINCT date(started_at, '+8 hours')) FROM crawls"
        ).fetchone()
    return int(nights) % NIGHTS, NIGHTS


def problems(data: Path, *, full: bool = False, part: Part | None = None) -> Iterator[str]:
    """The problems of a data folder, one line each.

    Every capture is read, or with ``part`` those of that part; the rest is checked alike.
    Raises UsageError where there is no archive, Damaged where the database cannot be opened,
    Locked while another process writes.
    """
    # Opened for reading first, so that no database is created where there is none.
    open_readonly(data).close()
    with lock(data), closing(sqlite3.connect(data / NAME)) as conn:
        try:
            yield from _captures(data, conn) if part is None else _part(data, conn, part)
            yield from _database(conn)
            # Another sample every day, so that in time every entry is compared.
            sample = None if full else SAMPLE
            for difference in differences(conn, ENTRIES_INDEX, sample, turn=now().toordinal()):
                row = f"entry {difference.rowid} " if difference.rowid else ""
                yield f"search index: {row}{difference.problem}; {_REBUILD}"
        except sqlite3.DatabaseError as error:
            yield f"bulletins.db: {error}; {_REBUILD}"


def _captures(folder: Path, conn: sqlite3.Connection) -> Iterator[str]:
    """Read all WARC files from end to end, and compare them with the database."""
    known = {
        (file, offset): digest
        for file, offset, digest in conn.execute("SELECT file, offset, digest FROM captures")
    }
    for path in warc_files(folder / "warc"):
        try:
            for location, capture in read_captures(path):
                recorded = known.pop((location.file, location.offset), location.digest)
                if not _is_as_captured(capture, location, recorded):
                    yield _altered(path, location.offset)
        except Damaged as error:
            yield str(error)
    for file, offset in list(known)[:10]:
        yield _lost(file, offset)


def _part(folder: Path, conn: sqlite3.Connection, part: Part) -> Iterator[str]:
    """Read the records of a part of the captures, and see that no file is gone or shorter."""
    number, of = part
    short = {
        str(file): int(last)
        for file, last, end in conn.execute(
            "SELECT file, max(offset), max(offset + length) FROM captures GROUP BY file"
        )
        if not (path := folder / "warc" / file).is_file() or path.stat().st_size < end
    }
    yield from (_lost(file, last) for file, last in short.items())
    for row in conn.execute(
        "SELECT file, offset, length, digest, revisit FROM captures"
        " WHERE offset % ? = ? ORDER BY file, offset",
        (of, number),
    ):
        location = Location(*row)
        if location.file in short:
            continue
        try:
            capture = read_capture(folder / "warc", location)
        except Damaged as error:
            yield str(error)
            continue
        if not _is_as_captured(capture, location, location.digest):
            yield _altered(folder / "warc" / location.file, location.offset)


def _is_as_captured(capture: Capture, location: Location, recorded: str) -> bool:
    """Whether a record's payload has the digest that it states, and the database too."""
    # A 304 has no payload; the one that it refers to was compared as it was read.
    unchanged = location.revisit == "server-not-modified"
    digest = location.digest if unchanged else payload_digest(capture.body)
    return digest == location.digest == recorded


def _altered(path: Path, offset: int) -> str:
    return f"{path}: the record at byte {offset} is not what was captured: {_RESTORE}"


def _lost(file: str, offset: int) -> str:
    return (
        f"the capture at byte {offset} of {file} is in the database but not in the file: {_RESTORE}"
    )


def _database(conn: sqlite3.Connection) -> Iterator[str]:
    for (line,) in conn.execute("PRAGMA integrity_check(10)"):
        if line != "ok":
            yield f"bulletins.db: {line}; {_REBUILD}"
    for table, row, parent, _ in conn.execute("PRAGMA foreign_key_check"):
        yield f"bulletins.db: row {row} of {table} refers to a missing row of {parent}; {_REBUILD}"
