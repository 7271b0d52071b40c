"""Rebuild: the database again from captures alone, put in place whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from archive.captures import read_captures, warc_files
from archive.database import connect
from archive.errors import CannotWrite
from archive.ingest import Ingester
from archive.sources import Source
from archive.store import lock

_BATCH = 500


def rebuild(
    folder: Path, sources: Mapping[str, Source], progress: Callable[[int], None] = lambda _: None
) -> int:
    """Derive ``bulletins.db`` of a data folder again from its WARC files; how many captures.

    ``progress`` is told the number of captures read so far. What no capture tells (the lines of
    ``crawls``, incidents without a response) is carried over from the database that was there.
    Readers keep the old database until the new one is whole. Raises Damaged, Locked, CannotWrite.
    """
    with lock(folder):
        path, fresh = folder / "bulletins.db", folder / "bulletins.db.new"
        for leftover in folder.glob("bulletins.db.new*"):
            leftover.unlink()
        database = connect(fresh)
        count = 0
        ingester = Ingester(database, sources)
        database.conn.execute("BEGIN IMMEDIATE")
        for warc in warc_files(folder / "warc"):
            for location, capture in read_captures(warc):
                ingester.ingest(capture, location)
                count += 1
                if count % _BATCH == 0:
                    database.conn.execute("COMMIT")
                    database.conn.execute("BEGIN IMMEDIATE")
                    progress(count)
        database.conn.execute("COMMIT")
        if path.exists():
            _carry_over(path, database.conn)
        _put_in_place(database.conn, fresh, path)
        return count


def _carry_over(old: Path, conn: sqlite3.Connection) -> None:
    """Copy what no capture tells; an old database that cannot be read has nothing to give."""
    try:
        conn.execute("ATTACH ? AS old", (str(old),))
        conn.execute("BEGIN IMMEDIATE")
        conn.execute("INSERT INTO crawls SELECT * FROM old.crawls")
        conn.execute("INSERT INTO incidents SELECT * FROM old.incidents WHERE capture IS NULL")
        conn.execute("COMMIT")
        conn.execute("DETACH old")
    except sqlite3.DatabaseError:
        if conn.in_transaction:
            conn.execute("ROLLBACK")


def _put_in_place(conn: sqlite3.Connection, fresh: Path, path: Path) -> None:
    """Replace the contents of the live file, which readers may hold open, in one transaction.

    A new file renamed under a running Datasette gave mixed answers in our measurements; the
    backup API into the live file gave none. A live file that is no database is replaced whole.
    """
    try:
        try:
            with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as live:
                conn.backup(live)
                live.execute("PRAGMA journal_mode = WAL")
            conn.close()
            fresh.unlink()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            conn.close()
            for beside in ("-wal", "-shm"):
                path.with_name(path.name + beside).unlink(missing_ok=True)
            fresh.replace(path)
    except (sqlite3.Error, OSError) as error:
        raise CannotWrite(f"cannot write {path}: {error}; the new database is {fresh}") from error
