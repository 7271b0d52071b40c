"""A database file that is damaged: found before it is written to, and kept when it is replaced."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from archive.captures.writing import sync_folder
from archive.clock import now
from archive.errors import Damaged
from archive.storage.database import explain, readonly

# What SQLite keeps beside a database; the log of writes goes with the database that it belongs to.
BESIDE = ("-wal", "-shm", "-journal")


def damage(path: Path) -> str | None:
    """What is wrong with a database file, in SQLite's words; None where it is whole or not there.

    1 GB is read in half a second. Raises CannotWrite or Locked where the file cannot be read.
    """
    if not path.is_file():
        return None
    try:
        with closing(readonly(path)) as conn:
            (line,) = conn.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        raise explain(path, error) from error
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if line == "ok" else str(line).splitlines()[-1]


def cut_off(path: Path) -> str | None:
    """The WARC file that ends within the last capture that a database knows, None where none does.

    A disk that lost what it had flushed leaves this. Raises Damaged where more than one capture is
    missing from the file that the last one is in: appending to it would hide that for ever.
    """
    if not path.is_file():
        return None
    with closing(readonly(path)) as conn:
        last = conn.execute(
            "SELECT file, offset, offset + length FROM captures WHERE origin IS NULL"
            " ORDER BY id DESC LIMIT 1"
        ).fetchone()
    if last is None:
        return None
    file, offset, end = last
    warc = path.parent / "warc" / file
    size = warc.stat().st_size if warc.is_file() else 0
    if size >= end:
        return None
    if size < offset or size == 0:
        raise Damaged(
            f"{warc} is missing, or shorter than {path.name} knows it: restore the file from a "
            "backup before the next crawl"
        )
    return str(file)


def keep_copy(path: Path) -> Path:
    """Copy a database aside before rows are lost from it; returns the copy."""
    kept = _free_name(path)
    with closing(readonly(path)) as conn, closing(sqlite3.connect(kept)) as copy:
        conn.backup(copy)
    return kept


def replace_damaged(fresh: Path, path: Path) -> Path:
    """Put a whole, closed database in place of a damaged one; returns what that is called now.

    The damaged file is kept beside it. A kill on the way leaves the one or the other in place.
    """
    kept = _free_name(path)
    for suffix in BESIDE:
        beside = path.with_name(path.name + suffix)
        # The shared memory of a log of writes is made anew from it.
        if suffix == "-shm" or (beside.exists() and beside.stat().st_size == 0):
            beside.unlink(missing_ok=True)
        elif beside.exists():
            beside.rename(kept.with_name(kept.name + suffix))
    try:
        os.link(path, kept)
    except OSError:
        # Not every file system has links.
        path.rename(kept)
    fresh.replace(path)
    sync_folder(path.parent)
    return kept


def _free_name(path: Path) -> Path:
    first = path.with_name(f"{path.name}.damaged-{now():%Y%m%dT%H%M%SZ}")
    found, number = first, 1
    while found.exists():
        number += 1
        found = first.with_name(f"{first.name}-{number}")
    return found


def remove_database(path: Path) -> None:
    """Delete a database with the files that SQLite keeps beside it."""
    for suffix in ("", *BESIDE):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
