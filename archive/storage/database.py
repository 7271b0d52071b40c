"""Opening bulletins.db: its schema, its pragmas, its fixed tables."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlite_utils import Database

from archive.errors import CannotWrite, Damaged
from archive.normalise.gazetteer import divisions
from archive.normalise.provinces import PROVINCES
from archive.search import Index

# Raised with every change of schema.sql; a database of another version is rebuilt from captures.
SCHEMA_VERSION = 1
# What a search reads: an entry's bulletin's title, its heading and its own text.
# The longest column first is stored smallest. The newest is the one with the latest date, as a
# number; archive/serving/entry_search.py has the fields that ask for dates and labels.
ENTRIES_INDEX = Index(
    "entries",
    columns=("text", "title", "heading"),
    order="cast(replace(entries.date, '-', '') as integer)",
    labels=(
        "coalesce((select group_concat('p' || p.province, ' ') from entry_provinces p "
        "where p.entry = entries.id), '') || ' s' || entries.source"
    ),
)
# Readers never wait in WAL mode; a second writer is kept out by the lock, this is for backups.
BUSY_MS = 10_000


def connect(path: Path) -> Database:
    """Open (and create where it is not) a database for writing; foreign keys on, WAL.

    Raises CannotWrite when the file cannot be opened for writing, Damaged when it is no
    database of this version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        conn = sqlite3.connect(path, isolation_level=None, timeout=BUSY_MS / 1000)
        version = conn.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, SCHEMA_VERSION):
            raise Damaged(
                f"{path} has schema {version}, this program writes {SCHEMA_VERSION}: "
                "run `bulletins rebuild`"
            )
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("PRAGMA synchronous = NORMAL")
        conn.execute("PRAGMA foreign_keys = ON")
        database = Database(conn)
        if version == 0:
            create(database)
        elif not ENTRIES_INDEX.is_current(conn):
            ENTRIES_INDEX.rebuild(conn)
    except sqlite3.DatabaseError as error:
        raise _explain(path, error) from error
    except OSError as error:
        raise CannotWrite(
            f"cannot write {path}: {error.strerror}; check folder and rights"
        ) from error
    return database


def _explain(path: Path, error: sqlite3.DatabaseError) -> CannotWrite | Damaged:
    if isinstance(error, sqlite3.OperationalError):
        return CannotWrite(f"cannot write {path}: {error}; check the folder, its rights, the disk")
    return Damaged(f"{path} is damaged ({error}): run `bulletins rebuild`")


def create(database: Database) -> None:
    """Lay all tables, the search index and the fixed rows, all or nothing."""
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
    ENTRIES_INDEX.create(database.conn)
    database.conn.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    database.conn.execute("COMMIT")
