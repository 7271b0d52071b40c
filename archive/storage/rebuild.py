"""Rebuild: derive the database again from captures alone, and replace it in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import closing
from pathlib import Path

from sqlite_utils import Database

from archive.captures.decisions import Decision
from archive.captures.reading import in_order
from archive.captures.warc import Capture, Location
from archive.errors import CannotWrite, Damaged
from archive.sources import Source
from archive.storage.classify import Reading
from archive.storage.damage import damage, remove_database, replace_damaged
from archive.storage.database import BUSY_MS, ENTRIES_INDEX, NAME, connect, explain, readonly
from archive.storage.ingest import Ingester
from archive.storage.lock import lock
from archive.storage.read_ahead import in_turn, read_ahead
from archive.storage.replay import write_index
from archive.storage.space import require_room

_BATCH = 500
# A bulletin's rows go to a dozen tables and indexes; SQLite's usual 2 MB hold few of their pages.
_CACHE_KIB = 64 * 1024


def rebuild(
    folder: Path,
    sources: Mapping[str, Source],
    progress: Callable[[int], None] = lambda _: None,
    executor: Executor | None = None,
) -> int:
    """Derive ``bulletins.db`` again from a data folder's WARC files; returns how many captures.

    ``progress`` is told the number of captures read so far. Any ``executor`` may read them, in
    other processes or on other machines that see the folder under the same path; without one this
    process does. This process writes in any case, and the rows are the same. What no capture tells
    (the lines of ``crawls``, incidents without a response) is carried over from the database that
    was there. Readers keep the old database until the new one is complete. Raises Damaged, Locked,
    CannotWrite, ReaderFailed, SourceFileError.
    """
    with lock(folder):
        return derive_again(folder, sources, progress, executor)


def derive_again(
    folder: Path,
    sources: Mapping[str, Source],
    progress: Callable[[int], None] = lambda _: None,
    executor: Executor | None = None,
    *,
    lost: int = 0,
) -> int:
    """What ``rebuild`` does, for a caller that holds the lock already.

    ``lost`` is how many captures of the old database the caller knows to be in no file any more.
    """
    path, fresh = folder / NAME, folder / f"{NAME}.new"
    remove_database(fresh)
    damaged = damage(path) is not None
    if path.exists():
        # The new file, and what the log of writes of the old one grows by.
        require_room(folder, 2 * path.stat().st_size)
    try:
        database = connect(fresh)
        with closing(database.conn):
            _unsafe(database.conn)
            count = _derive(folder, database, sources, progress, executor)
            if damaged:
                _carry_over_what_is_left(path, database, sources)
            elif path.exists():
                _check_none_is_lost(path, count + lost)
                _carry_over(path, database, sources)
            write_index(database.conn, folder / "warc")
            if damaged:
                # So that it can be renamed: a log of writes would stay behind.
                database.conn.execute("PRAGMA journal_mode = DELETE")
            else:
                _put_in_place(database.conn, path)
        if damaged:
            _replace(fresh, path)
    except sqlite3.OperationalError as error:
        raise explain(fresh, error) from error
    finally:
        remove_database(fresh)
    return count


def _unsafe(conn: sqlite3.Connection) -> None:
    """Flush nothing to the disk: a file that is not finished is thrown away in any case."""
    conn.execute("PRAGMA journal_mode = MEMORY")
    conn.execute("PRAGMA synchronous = OFF")
    conn.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")


def _derive(
    folder: Path,
    database: Database,
    sources: Mapping[str, Source],
    progress: Callable[[int], None],
    executor: Executor | None,
) -> int:
    count = 0
    ingester = Ingester(database, sources, folder / "warc", index=None)
    database.conn.execute("BEGIN IMMEDIATE")
    for location, record, found in _records(folder / "warc", sources, executor):
        if isinstance(record, Decision):
            ingester.decide(record)
            continue
        ingester.ingest(record, location, found)
        count += 1
        if count % _BATCH == 0:
            database.conn.execute("COMMIT")
            database.conn.execute("BEGIN IMMEDIATE")
            progress(count)
    database.conn.execute("COMMIT")
    # Built in one go it is smaller, faster, and costs less than row by row.
    ENTRIES_INDEX.rebuild(database.conn, in_turn(executor) if executor else map)
    return count


def _records(
    folder: Path, sources: Mapping[str, Source], executor: Executor | None
) -> Iterator[tuple[Location, Capture | Decision, Reading]]:
    """All that rows are derived from, in order, with what it is where an executor reads it."""
    if executor is None:
        yield from ((location, record, None) for location, record in in_order(folder))
    else:
        for ahead in read_ahead(folder, sources, executor):
            yield ahead.location, ahead.record, ahead.found


def _check_none_is_lost(old: Path, count: int) -> None:
    """Raise Damaged where the old database knows more captures than the WARC files hold.

    Its rows may then be the last that is left of them.
    """
    try:
        with closing(readonly(old)) as conn:
            (known,) = conn.execute("SELECT count(*) FROM captures").fetchone()
    except sqlite3.DatabaseError:
        return
    if known > count:
        raise Damaged(
            f"{old} knows {known} captures, the WARC files hold {count}: restore the files from a "
            f"backup, or move {old.name} away to derive from what there is"
        )


def _carry_over(old: Path, database: Database, sources: Mapping[str, Source]) -> None:
    """Copy what no capture tells, column by column as both databases have them.

    Nothing comes from an old database that cannot be read, nor from a source whose file is gone.
    """
    kept = {"crawls": "", "incidents": " WHERE capture IS NULL"}
    try:
        with closing(readonly(old)) as conn:
            conn.row_factory = sqlite3.Row
            found = {
                table: [dict(row) for row in conn.execute(f"SELECT * FROM {table}{where}")]
                for table, where in kept.items()
            }
    except sqlite3.DatabaseError:
        return
    ingester = Ingester(database, sources, old.parent / "warc")
    database.conn.execute("BEGIN IMMEDIATE")
    for table, rows in found.items():
        columns = database.table(table).columns_dict
        for row in rows:
            if row["source"] in sources:
                ingester.know(row["source"])
                database.table(table).insert({k: v for k, v in row.items() if k in columns})
    database.conn.execute("COMMIT")


def _carry_over_what_is_left(
    damaged: Path, database: Database, sources: Mapping[str, Source]
) -> None:
    """``_carry_over`` from a damaged database: all of it, or nothing where a row makes no sense."""
    try:
        _carry_over(damaged, database, sources)
    except (sqlite3.DatabaseError, TypeError, ValueError):
        database.conn.rollback()


def _put_in_place(conn: sqlite3.Connection, path: Path) -> None:
    """Replace the contents of the live file, which readers may hold open, in one transaction.

    A new file renamed under a running Datasette gave mixed answers in our measurements; the
    backup API into the live file gave none.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=BUSY_MS / 1000)) as live:
            # The backup would wait for another writer without end.
            live.execute("BEGIN IMMEDIATE")
            live.execute("ROLLBACK")
            conn.backup(live)
            live.execute("PRAGMA journal_mode = WAL")
    except sqlite3.DatabaseError as error:
        raise explain(path, error) from error


def _replace(fresh: Path, path: Path) -> None:
    """Put the new database in place of a damaged one, which is kept beside it."""
    try:
        replace_damaged(fresh, path)
        with closing(sqlite3.connect(path)) as live:
            live.execute("PRAGMA journal_mode = WAL")
    except OSError as error:
        raise CannotWrite(
            f"cannot write {path}: {error.strerror}; check the folder and the disk"
        ) from error
