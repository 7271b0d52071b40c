"""Rebuild the search index of a table: ``python -m archive.search DATABASE TABLE COLUMN …``."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from archive.search.index import Index
from archive.search.tables import named, primary_key


def main(arguments: list[str] | None = None) -> str | None:
    """Run the command; returns what went wrong, for ``sys.exit``, or None."""
    parser = argparse.ArgumentParser(
        prog="python -m archive.search",
        description="Rebuild the Chinese search index of a table from all its rows.",
        epilog="example: python -m archive.search notes.db notes body title",
    )
    parser.add_argument("database", type=Path, help="an SQLite file")
    parser.add_argument("table", help="a table with an integer primary key")
    parser.add_argument(
        "column", nargs="+", help="columns with text, the one with the longest texts first"
    )
    asked = parser.parse_args(arguments)
    if not asked.database.is_file():
        return f"there is no file {asked.database}"
    try:
        with closing(sqlite3.connect(asked.database)) as db, db:
            table = named(db, asked.table)
            key = primary_key(db, table)
            if key is None:
                return f"{table} is not a table with an integer primary key"
            rows = Index(table, tuple(asked.column), key).rebuild(db)
    except (sqlite3.Error, UnicodeError) as error:
        return f"cannot index {asked.table} in {asked.database}: {error}"
    print(f"{table}: {rows:,} rows indexed")
    return None


if __name__ == "__main__":
    sys.exit(main())
