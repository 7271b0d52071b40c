"""The index for replay, brought up to date from the table ``captures``."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from archive.captures.cdxj import add_to_index, cdxj_line, count_lines, replace_index
from archive.captures.warc import Location

# pywb replays a 304 as an empty answer even where its payload is known: listed, it would hide the
# capture that it confirms, which is the closest one without it.
_INDEXED = "FROM captures WHERE status != 304"


def write_index(conn: sqlite3.Connection, folder: Path) -> None:
    """Write the index of a folder of captures anew; raises CannotWrite."""
    if folder.is_dir():
        replace_index(folder, _lines(conn, -1))


def update_index(conn: sqlite3.Connection, folder: Path) -> None:
    """Add the captures that the index of a folder lacks, which are the last of the table.

    Where it is missing, or lists more than there is, it is written anew. Raises CannotWrite.
    """
    (there,) = conn.execute(f"SELECT count(*) {_INDEXED}").fetchone()
    listed = count_lines(folder)
    if listed is None or listed > there:
        write_index(conn, folder)
    elif listed < there:
        add_to_index(folder, _lines(conn, there - listed))


def _lines(conn: sqlite3.Connection, last: int) -> Iterator[bytes]:
    """The lines of the last captures, -1 for all."""
    rows = conn.execute(
        "SELECT url, fetched_at, status, content_type, file, offset, length, digest, revisit"
        f" {_INDEXED} ORDER BY id DESC LIMIT ?",
        (last,),
    )
    for url, fetched_at, status, content_type, *place in rows:
        yield cdxj_line(url, fetched_at, status, content_type, Location(*place))
