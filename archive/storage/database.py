"""Opening bulletins.db: its schema, its versions, its pragmas, its fixed tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from sqlite_utils import Database

from archive.captures.warc import is_imported, warc_files
from archive.errors import CannotWrite, Damaged, Locked, UsageError
from archive.normalise.gazetteer import divisions
from archive.normalise.provinces import PROVINCES
from archive.search import Index
from archive.sources import Source

NAME = "bulletins.db"
# Raise with every change of schema.sql.
SCHEMA_VERSION = 6
# Raise whenever other rows follow from the same captures; tests/test_derivation.py notices.
# A database of another schema or derivation is derived again when it is next opened for writing:
# without that, unchanged pages that are now read differently would look revised.
DERIVATION = 1
# Search reads three texts of an entry: its bulletin's title, its heading and its own text.
# The longest column first is stored smallest. The newest is the one with the latest date, as a
# number; archive/serving/entry_search.py has the fields that ask for dates and labels. The label x
# marks entries that repeat another or are repeated, which a search shows once.
ENTRIES_INDEX = Index(
    "entries",
    columns=("text", "title", "heading"),
    order="cast(replace(entries.date, '-', '') as integer)",
    labels=(
        "coalesce((select group_concat('p' || p.province, ' ') from entry_provinces p "
        "where p.entry = entries.id), '') || ' s' || entries.source || case when entries.same_as "
        "is not null or exists (select 1 from entries other where other.same_as = entries.id) "
        "then ' x' else '' end"
    ),
)
# Readers never wait in WAL mode and the lock excludes other writers: this is for backups.
BUSY_MS = 10_000


def connect(path: Path) -> Database:
    """Open a database for writing, creating it where there is none; foreign keys on, WAL.

    Raises CannotWrite when the file cannot be opened for writing, Damaged when it is not a
    database of this schema.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        conn = sqlite3.connect(path, isolation_level=None, timeout=BUSY_MS / 1000)
        try:
            return _prepared(conn, path)
        except BaseException:
            conn.close()
            raise
    except sqlite3.DatabaseError as error:
        raise explain(path, error) from error
    except OSError as error:
        raise CannotWrite(
            f"cannot write {path}: {error.strerror}; check the folder and its permissions"
        ) from error


def _prepared(conn: sqlite3.Connection, path: Path) -> Database:
    version = _check_schema(conn, path)
    conn.execute("PRAGMA journal_mode = WAL")
    conn.execute("PRAGMA synchronous = NORMAL")
    conn.execute("PRAGMA foreign_keys = ON")
    database = Database(conn)
    if version == 0:
        create(database)
    elif not ENTRIES_INDEX.is_current(conn):
        ENTRIES_INDEX.rebuild(conn)
    return database


def open_readonly(folder: Path) -> sqlite3.Connection:
    """Open the database of a data folder for reading only.

    Raises UsageError where there is no database, Damaged where it is not one of this schema.
    """
    path = folder / NAME
    if not path.is_file():
        if warc_files(folder / "warc"):
            raise UsageError(
                f"{folder} has captures but no database: run `bulletins rebuild --data {folder}`"
            )
        raise UsageError(
            f"no archive in {folder}: name its folder with --data (the demo's is data/demo), or "
            "run `bulletins crawl` or `make demo-data` first"
        )
    try:
        conn = readonly(path)
        try:
            _check_schema(conn, path)
        except BaseException:
            conn.close()
            raise
    except sqlite3.Error as error:
        raise Damaged(
            f"cannot read {path} ({error}): check its permissions, or run `bulletins rebuild`"
        ) from error
    return conn


def readonly(path: Path, *, check_same_thread: bool = True) -> sqlite3.Connection:
    """Open any database file for reading only, whatever characters its path has."""
    return sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=ro",
        uri=True,
        timeout=BUSY_MS / 1000,
        check_same_thread=check_same_thread,
    )


def outdated(conn: sqlite3.Connection) -> str | None:
    """One line for readers of a database that another version of the program derived, else None.

    A writer derives such a database again by itself.
    """
    if derivation(conn) == DERIVATION:
        return None
    return (
        "this database was derived by another version of the program: the next crawl derives it "
        "again, or run `bulletins rebuild`"
    )


def derivation(conn: sqlite3.Connection) -> int:
    """The derivation that a database's rows were made by, 0 where it does not say."""
    row = conn.execute("SELECT version FROM derivation").fetchone()
    return int(row[0]) if row else 0


def needs_rebuild(path: Path) -> bool:
    """Whether there is a database of another schema or derivation than this program's.

    Raises CannotWrite or Damaged, as ``connect`` does, where the file cannot be read.
    """
    if not path.is_file():
        return False
    try:
        with closing(readonly(path)) as conn:
            schema = _schema(conn)
            return schema != 0 and (schema != SCHEMA_VERSION or derivation(conn) != DERIVATION)
    except sqlite3.DatabaseError as error:
        raise explain(path, error) from error


def sources_changed(path: Path, sources: Mapping[str, Source]) -> list[str]:
    """The sources whose files say something else than when the database was derived.

    Raises CannotWrite or Damaged, as ``connect`` does, where the file cannot be read.
    """
    if not path.is_file():
        return []
    try:
        with closing(readonly(path)) as conn:
            known = conn.execute("SELECT slug, digest FROM sources ORDER BY slug").fetchall()
    except sqlite3.DatabaseError as error:
        raise explain(path, error) from error
    return [slug for slug, digest in known if slug in sources and sources[slug].digest() != digest]


def lacks_imports(folder: Path) -> bool:
    """Whether a data folder has imported captures that its database does not know.

    A kill between the writing of their file and the derivation leaves it so. Raises Damaged.
    """
    imported = {path.name for path in warc_files(folder / "warc") if is_imported(path.name)}
    path = folder / NAME
    if not imported or not path.is_file():
        return bool(imported)
    try:
        with closing(readonly(path)) as conn:
            if _schema(conn) == 0:
                return True
            known = conn.execute("SELECT DISTINCT file FROM captures WHERE origin IS NOT NULL")
            return not imported <= {file for (file,) in known}
    except sqlite3.DatabaseError as error:
        raise explain(path, error) from error


def _schema(conn: sqlite3.Connection) -> int:
    return int(conn.execute("PRAGMA user_version").fetchone()[0])


def _check_schema(conn: sqlite3.Connection, path: Path) -> int:
    """The schema version of a database, 0 for an empty file; raises Damaged for another's."""
    version = _schema(conn)
    if version not in (0, SCHEMA_VERSION):
        raise Damaged(
            f"{path} has schema {version}, this program uses {SCHEMA_VERSION}: the next crawl "
            "derives it again, or run `bulletins rebuild`"
        )
    return version


def explain(path: Path, error: sqlite3.DatabaseError) -> Locked | CannotWrite | Damaged:
    """The archive's error for one of SQLite's while a database is opened or derived."""
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return Locked(f"another program holds {path}: close it and try again")
    if isinstance(error, sqlite3.OperationalError):
        return CannotWrite(
            f"cannot write {path}: {error}; check the folder, its permissions and the disk"
        )
    return Damaged(f"{path} is damaged ({error}): run `bulletins rebuild`")


def create(database: Database) -> None:
    """Create all tables, the search index and the fixed rows in one transaction."""
    schema = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
    database.conn.executescript(f"BEGIN IMMEDIATE;\n{schema}")
    database.table("provinces").insert_all(
        {"code": p.code, "name": p.name, "short": p.short} for p in PROVINCES.values()
    )
    database.table("divisions").insert_all(
        {
            "code": d.code,
            "name": d.name,
            "level": d.level,
            "parent": d.parent,
            "valid_from": d.valid_from.isoformat() if d.valid_from else None,
            "valid_to": d.valid_to.isoformat() if d.valid_to else None,
            "successor": d.successor,
        }
        for d in divisions()
    )
    database.table("derivation").insert({"id": 1, "version": DERIVATION})
    ENTRIES_INDEX.create(database.conn)
    database.conn.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    database.conn.execute("COMMIT")
