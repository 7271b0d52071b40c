"""Review: what is held, what a held page says beside the current revision, and decisions about it.

Reading needs no lock; a decision is written through the store, captures first.
"""

from __future__ import annotations

import difflib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, get_args

from archive.captures.decisions import Decision, Verdict
from archive.captures.reading import decisions, read_capture, record_id
from archive.captures.warc import Capture, Location, is_imported, warc_files
from archive.errors import ArchiveError, Unreadable, UsageError
from archive.model import Bulletin
from archive.normalise.bulletin_json import to_json
from archive.sources import Source
from archive.storage.classify import Page, read
from archive.storage.database import open_readonly
from archive.storage.store import Store

_HELD = (
    "SELECT holds.capture, holds.source, holds.channel, holds.address, slug AS bulletin,"
    " holds.title, reason, message, held_at, last_held_at, nights FROM holds"
    " LEFT JOIN bulletins ON bulletins.id = holds.bulletin WHERE verdict IS NULL"
    " ORDER BY held_at, holds.capture"
)
_ONE = (
    "SELECT holds.*, captures.file, captures.offset, captures.length, captures.digest AS payload,"
    " captures.revisit, captures.url, captures.fetched_at, addresses.listed,"
    " addresses.title AS listed_title"
    " FROM holds JOIN captures ON captures.id = holds.capture"
    " LEFT JOIN addresses ON addresses.url = holds.address WHERE holds.capture = ?"
)
_CURRENT = (
    "SELECT content FROM bulletins JOIN revisions ON revisions.bulletin = bulletins.id"
    " AND number = revision WHERE bulletins.id = ?"
)

# What became of a held page by itself.
_SETTLED = {
    "confirmed": "it was met again on another night",
    "withdrawn": "its address answered otherwise",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A held page beside what is known: why it is held, and the difference line by line.

    ``settled`` says in words what became of it, and by whom it was decided; None while it is held.
    """

    address: str
    message: str
    settled: str | None
    lines: tuple[str, ...]


def held(folder: Path) -> list[dict[str, Any]]:
    """What is held and not decided, oldest first; raises UsageError, Damaged."""
    with closing(open_readonly(folder)) as conn:
        conn.row_factory = sqlite3.Row
        return [dict(row) for row in conn.execute(_HELD)]


def change(folder: Path, sources: Mapping[str, Source], capture: int) -> Change:
    """What a held page says, beside the current revision; raises UsageError, Damaged, Unreadable.

    The lines are a unified difference, or the page's own where it was never captured before.
    """
    with closing(open_readonly(folder)) as conn:
        conn.row_factory = sqlite3.Row
        row = _one(conn, capture)
        current = conn.execute(_CURRENT, (row["bulletin"],)).fetchone()
    settled = _settled(folder / "warc", row)
    page = to_json(_read(folder, sources, row))
    if current is None:
        listed = [f"in the list: {row['listed_title']}"] if row["listed_title"] else []
        return Change(row["address"], row["message"], settled, (*listed, *_paragraphs(page)))
    before = _paragraphs(json.loads(current[0]))
    lines = difflib.unified_diff(
        before, _paragraphs(page), "current", f"capture {capture}", lineterm="", n=1
    )
    return Change(row["address"], row["message"], settled, tuple(lines))


def _settled(folder: Path, row: Mapping[str, Any]) -> str | None:
    verdict = row["verdict"]
    if verdict is None:
        return None
    if verdict in get_args(Verdict):
        by = _decided_by(folder, row)
        return f"{verdict} on {row['settled_at']}" + (f" by {by}" if by else "")
    return f"{verdict} on {row['settled_at']}: {_SETTLED[verdict]}"


def _decided_by(folder: Path, row: Mapping[str, Any]) -> str | None:
    """Who decided about a capture, which only the decision's record says; None without one.

    The record lies behind that of the capture, days later at most as a rule.
    """
    asked = (row["address"], row["fetched_at"], row["payload"])
    own = [path for path in warc_files(folder) if not is_imported(path.name)]
    for path in own if is_imported(row["file"]) else [p for p in own if p.name >= row["file"]]:
        for decision in decisions(path, row["offset"] if path.name == row["file"] else 0):
            if (decision.address, decision.fetched_at, decision.digest) == asked:
                return decision.by
    return None


def decide(
    folder: Path,
    sources: Mapping[str, Source],
    captures: Sequence[int],
    verdict: Verdict,
    *,
    at: str,
    by: str,
) -> Iterator[str]:
    """Accept or reject held captures; says of each in words what became of it.

    Nothing is written where one of them is not held. Raises UsageError, Locked, CannotWrite.
    """
    with Store(folder, sources) as store:
        conn = store.database.conn
        rows = [_open_one(conn, capture) for capture in captures]
        for row in rows:
            if _one(conn, row["capture"])["verdict"] is not None:
                yield f"{row['address']}: decided already"
                continue
            store.decide(
                Decision(
                    verdict=verdict,
                    at=at,
                    by=by,
                    source=row["source"],
                    url=row["url"],
                    address=row["address"],
                    fetched_at=row["fetched_at"],
                    digest=row["payload"],
                    record_id=record_id(folder / "warc", _location(row)),
                )
            )
            yield f"{row['address']}: {verdict}"


def _open_one(conn: sqlite3.Connection, capture: int) -> dict[str, Any]:
    row = _one(conn, capture)
    if row["verdict"] is not None:
        raise UsageError(
            f"capture {capture} is no longer held ({row['verdict']} on {row['settled_at']}): see "
            "`bulletins review`"
        )
    return row


def _one(conn: sqlite3.Connection, capture: int) -> dict[str, Any]:
    cursor = conn.execute(_ONE, (capture,))
    names = [column[0] for column in cursor.description]
    found = cursor.fetchone()
    if found is None:
        raise UsageError(f"capture {capture} is not held: see `bulletins review`")
    return dict(zip(names, found, strict=True))


def _location(row: Mapping[str, Any]) -> Location:
    return Location(row["file"], row["offset"], row["length"], row["payload"], row["revisit"])


def _read(folder: Path, sources: Mapping[str, Source], row: Mapping[str, Any]) -> Bulletin:
    """The bulletin that a held capture shows."""
    capture: Capture = read_capture(folder / "warc", _location(row))
    source = sources.get(capture.source)
    if source is None:
        raise UsageError(f"{capture.source} has no source file: name its folder with --sources")
    listed = date.fromisoformat(row["listed"]) if row["listed"] else None
    found = read(capture, source, listed)
    if isinstance(found, Unreadable):
        raise found
    if not isinstance(found, Page):
        raise ArchiveError(f"capture {row['capture']} is no page any more: run `bulletins rebuild`")
    return found.bulletin


def _paragraphs(said: Mapping[str, Any]) -> list[str]:
    """Title, date, text and attachments of a bulletin's JSON, a line for each paragraph."""
    lines = [said["title"], said["published"] or ""]
    heading = None
    for entry in (*([said["lead"]] if said["lead"] else []), *said["entries"]):
        if entry["heading"] and entry["heading"] != heading:
            lines.append(entry["heading"])
        heading = entry["heading"]
        lines += entry["text"].split("\n")
    return lines + [f"[{file['text']}] {file['url']}" for file in said["attachments"]]
