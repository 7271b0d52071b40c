"""Repeats: which earlier capture an answer only repeats, so that its bytes are not kept twice."""

from __future__ import annotations

import sqlite3

from archive.captures.warc import Capture, Location, payload_digest

_NOTHING = payload_digest(b"")
# What a 304 confirms: the last answer with the validator that was sent. A revisit has the digest
# of the payload that it stands for, so that a 304 with a new ETag is found by the next one.
_CONFIRMED = (
    "SELECT digest FROM captures WHERE address = :address"
    " AND (status = 200 OR revisit IS NOT NULL) AND digest != :nothing"
    " AND CASE WHEN :etag != '' THEN etag = :etag"
    " WHEN :modified != '' THEN last_modified = :modified ELSE 1 END ORDER BY id DESC LIMIT 1"
)
_LAST_WITH = (
    "SELECT file, offset, length, digest FROM captures WHERE address = :address"
    " AND digest = :digest AND status = 200 AND revisit IS NULL ORDER BY id DESC LIMIT 1"
)


def earlier(conn: sqlite3.Connection, capture: Capture) -> Location | None:
    """Where the payload lies that a capture repeats, at the same canonical address.

    For a 200 with content the last answer with the same digest; for a 304 the last good answer
    that the validators sent belong to, or the last one where it is not known what was sent. None
    for every other answer, and where there is no such payload.
    """
    digest = None
    if capture.status == 200 and capture.body:
        digest = payload_digest(capture.body)
    elif capture.status == 304:
        digest = _confirmed(conn, capture)
    if digest is None:
        return None
    row = conn.execute(_LAST_WITH, {"address": capture.address, "digest": digest}).fetchone()
    return Location(*row) if row else None


def _confirmed(conn: sqlite3.Connection, capture: Capture) -> str | None:
    row = conn.execute(
        _CONFIRMED,
        {
            "address": capture.address,
            "nothing": _NOTHING,
            "etag": capture.asked("If-None-Match"),
            "modified": capture.asked("If-Modified-Since"),
        },
    ).fetchone()
    return str(row[0]) if row else None
