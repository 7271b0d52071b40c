"""Tables of any SQLite database: their names and keys, and changes that are all or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager


def primary_key(db: sqlite3.Connection, table: str) -> str | None:
    """The integer primary key of a table; None if it has none, or there is no such table."""
    sql = "select name, type from pragma_table_info(?) where pk"
    keys = [(name, kind.upper()) for name, kind in db.execute(sql, (table,))]
    return str(keys[0][0]) if len(keys) == 1 and keys[0][1] == "INTEGER" else None


def named(db: sqlite3.Connection, table: str) -> str:
    """A table's name with the capitals that its database has; SQLite itself ignores case."""
    sql = "select name from sqlite_master where type = 'table' and name = ? collate nocase"
    found = db.execute(sql, (table,)).fetchone()
    return str(found[0]) if found else table


def quoted(name: str) -> str:
    """The name of a table or column, quoted for SQL whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def has_table(db: sqlite3.Connection, name: str, *columns: str) -> bool:
    """Whether there is a table with (at least) these columns."""
    found = {column for (column,) in db.execute("select name from pragma_table_info(?)", (name,))}
    return bool(found) and found.issuperset(columns)


@contextmanager
def atomic(db: sqlite3.Connection) -> Iterator[None]:
    """Changes that are all made or none, inside the caller's transaction or outside of any."""
    db.execute("savepoint search_index")
    try:
        yield
    except BaseException:
        if db.in_transaction:  # Some errors, such as a full disk, have rolled back everything.
            db.execute("rollback to search_index")
            db.execute("release search_index")
        raise
    db.execute("release search_index")
