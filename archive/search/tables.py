"""Tables of any SQLite database: their names, their keys, and changes that are all or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager


def primary_key(db: sqlite3.Connection, table: str) -> str | None:
    """The integer primary key of a table; None where it has none, or is no table."""
    sql = "select name, type from pragma_table_info(?) where pk"
    keys = [(name, kind.upper()) for name, kind in db.execute(sql, (table,))]
    return str(keys[0][0]) if len(keys) == 1 and keys[0][1] == "INTEGER" else None


def quoted(name: str) -> str:
    """A name of a table or column, as SQL takes it whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def has_table(db: sqlite3.Connection, name: str) -> bool:
    found = db.execute("select 1 from sqlite_master where type = 'table' and name = ?", (name,))
    return found.fetchone() is not None


@contextmanager
def atomic(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, inside the caller's transaction or outside of any."""
    db.execute("savepoint search_index")
    try:
        yield
    except BaseException:
        if db.in_transaction:  # Some errors, a full disk for one, have rolled back all of it.
            db.execute("rollback to search_index")
            db.execute("release search_index")
        raise
    db.execute("release search_index")
