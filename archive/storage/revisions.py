"""Revisions: one bulletin's rows, written as its current revision; earlier ones never change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlite_utils import Database

from archive.captures.warc import Capture
from archive.model import Bulletin, Entry
from archive.normalise.bulletin_json import text_digest, to_json
from archive.search import Index
from archive.storage.database import ENTRIES_INDEX

# Written for every page, so in SQL: through sqlite-utils a page takes four times as long.
_MENTIONS = {
    "entry_provinces": ("province", "basis"),
    "entry_dates": ("text", "offset", "kind", "start", "end", "precision"),
    "entry_places": ("text", "offset", "level", "code"),
    "entry_officials": ("name", "title", "offset"),
}


def _insert(table: str, columns: Sequence[str], more: str = "") -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join("?" * len(columns))
    return f'INSERT INTO "{table}" ({names}) VALUES ({values}){more}'


_BULLETIN = (
    "title", "series", "issue", "published", "published_at", "issuer", "origin",
    "origin_publication", "origin_date", "anchor", "status", "revision", "body_rule", "last_seen",
)  # fmt: skip
_INSERT_BULLETIN = _insert(
    "bulletins",
    (*_BULLETIN, "slug", "source", "channel", "url", "first_seen"),
    " RETURNING id",
)
_UPDATE_BULLETIN = (
    f"UPDATE bulletins SET {', '.join(f'{name} = ?' for name in _BULLETIN)}"
    " WHERE slug = ? RETURNING id"
)
_ENTRY = (
    "slug", "bulletin", "seq", "kind", "heading", "province", "date", "event_start", "event_end",
    "open_end", "text", "title", "source", "url", "published", "status",
)  # fmt: skip
_UPSERT_ENTRY = _insert(
    "entries",
    _ENTRY,
    " ON CONFLICT (slug) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _ENTRY[1:])
    + " RETURNING id",
)
_INSERT_REVISION = _insert(
    "revisions",
    (
        "bulletin",
        "number",
        "capture",
        "captured_at",
        "title",
        "digest",
        "text_digest",
        "content",
    ),
)
_INSERT_ATTACHMENT = _insert("attachments", ("bulletin", "seq", "url", "text"))
_INSERT_MENTION = {
    table: _insert(table, ("entry", "seq", *columns)) for table, columns in _MENTIONS.items()
}


@dataclass(frozen=True, slots=True)
class Current:
    """A bulletin's id, and the number and digest of its current revision."""

    bulletin: int
    number: int
    digest: str


_UNINDEXED_TEXTS = (
    "SELECT id, title, heading, text FROM temp.unindexed JOIN entries ON id = entry ORDER BY id"
)
# The entries written since the last commit, which are not in the index yet. As a table it goes back
# together with the rows where a page is taken back.
_UNINDEXED = "CREATE TEMP TABLE IF NOT EXISTS unindexed (entry INTEGER PRIMARY KEY)"


class RevisionWriter:
    """Writes bulletins with their entries, mentions and attachments, and the search index.

    ``index`` is None where the caller builds the whole index when all rows are there.
    """

    def __init__(self, database: Database, index: Index | None = ENTRIES_INDEX) -> None:
        self.database = database
        self.index = index
        if index is not None:
            database.conn.execute(_UNINDEXED)

    def index_written(self) -> None:
        """Add the entries written since the last call to the index, in one go.

        The index gathers in memory what it is given, and writes it out at every savepoint. Each
        page has some, so that by itself it would cost half as much again as all its other rows.
        """
        conn = self.database.conn
        found = () if self.index is None else conn.execute(_UNINDEXED_TEXTS).fetchall()
        if self.index is not None and found:
            self.index.add_all(
                conn,
                {
                    key: {"title": title, "heading": heading, "text": text}
                    for key, title, heading, text in found
                },
            )
            conn.execute("DELETE FROM temp.unindexed")

    def current(self, slug: str) -> Current | None:
        """The current revision of the bulletin of that name, None where there is none yet."""
        row = self.database.conn.execute(
            "SELECT bulletins.id, revision, digest FROM bulletins JOIN revisions"
            " ON revisions.bulletin = bulletins.id AND number = revision WHERE slug = ?",
            (slug,),
        ).fetchone()
        return Current(*row) if row else None

    def write(
        self,
        bulletin: Bulletin,
        slug: str,
        number: int,
        digest: str,
        capture: Capture,
        capture_id: int,
    ) -> int:
        """Write revision ``number`` and make it the current one; returns the bulletin's id."""
        conn = self.database.conn
        bulletin_id = self._write_bulletin(bulletin, slug, number, capture)
        content = json.dumps(to_json(bulletin), ensure_ascii=False)
        conn.execute(
            _INSERT_REVISION,
            (
                bulletin_id, number, capture_id, capture.fetched_at, bulletin.title, digest,
                text_digest(bulletin), content,
            ),
        )  # fmt: skip
        conn.execute("DELETE FROM attachments WHERE bulletin = ?", (bulletin_id,))
        conn.executemany(
            _INSERT_ATTACHMENT,
            [
                (bulletin_id, seq, a.url, a.text)
                for seq, a in enumerate(bulletin.attachments, start=1)
            ],
        )
        self._write_entries(bulletin, bulletin_id, slug, capture.source)
        return bulletin_id

    def _write_bulletin(self, bulletin: Bulletin, slug: str, number: int, capture: Capture) -> int:
        """Insert or update the bulletin's row; source, channel, address and first_seen stay."""
        origin = bulletin.origin
        row = (
            bulletin.title,
            bulletin.series,
            bulletin.issue,
            _iso(bulletin.published),
            bulletin.published_at,
            bulletin.issuer,
            origin.literal if origin else None,
            origin.publication if origin else None,
            _iso(origin.date) if origin else None,
            _iso(bulletin.anchor),
            "live",
            number,
            bulletin.body_rule,
            capture.fetched_at,
            slug,
        )
        conn = self.database.conn
        if number > 1:
            written = conn.execute(_UPDATE_BULLETIN, row)
        else:
            first = (capture.source, capture.channel, capture.address, capture.fetched_at)
            written = conn.execute(_INSERT_BULLETIN, (*row, *first))
        return int(written.fetchone()[0])

    def _write_entries(self, bulletin: Bulletin, bulletin_id: int, slug: str, source: str) -> None:
        """Replace a bulletin's entries; an entry that keeps its place keeps its id."""
        conn = self.database.conn
        old = self._unindex(bulletin_id)
        (url,) = conn.execute("SELECT url FROM bulletins WHERE id = ?", (bulletin_id,)).fetchone()
        entries = [*([bulletin.lead] if bulletin.lead else []), *bulletin.entries]
        ids = []
        for entry in entries:
            row = (
                f"{slug}.{entry.seq}",
                bulletin_id,
                entry.seq,
                entry.kind,
                entry.heading,
                entry.provinces[0].province.code if entry.provinces else None,
                _iso(entry.event_start or bulletin.anchor),
                _iso(entry.event_start),
                _iso(entry.event_end),
                int(entry.open_end),
                entry.text,
                bulletin.title,
                source,
                url,
                _iso(bulletin.published),
                "live",
            )
            ids.append(int(conn.execute(_UPSERT_ENTRY, row).fetchone()[0]))
        gone = sorted(old - {entry.seq for entry in entries})
        conn.executemany(
            "DELETE FROM entries WHERE bulletin = ? AND seq = ?",
            [(bulletin_id, seq) for seq in gone],
        )
        self._write_mentions(list(zip(ids, entries, strict=True)))
        if self.index is not None:
            new = [(key,) for key in ids]
            conn.executemany("INSERT INTO temp.unindexed VALUES (?)", new)

    def _unindex(self, bulletin_id: int) -> set[int]:
        """Remove a bulletin's entries from the index, and their mentions; returns their seqs."""
        conn = self.database.conn
        rows = conn.execute(
            "SELECT id, seq, title, heading, text FROM entries WHERE bulletin = ?", (bulletin_id,)
        ).fetchall()
        for entry, _, title, heading, text in rows:
            if self.index is not None and not self._forgotten(entry):
                self.index.remove(conn, entry, {"title": title, "heading": heading, "text": text})
            for table in _MENTIONS:
                conn.execute(f"DELETE FROM {table} WHERE entry = ?", (entry,))
        return {row[1] for row in rows}

    def _forgotten(self, entry: int) -> bool:
        """Whether an entry was still to be indexed, and now is not."""
        forget = "DELETE FROM temp.unindexed WHERE entry = ?"
        return self.database.conn.execute(forget, (entry,)).rowcount > 0

    def _write_mentions(self, entries: Sequence[tuple[int, Entry]]) -> None:
        mentions: dict[str, list[tuple[Any, ...]]] = {table: [] for table in _MENTIONS}
        for entry_id, entry in entries:
            for table, rows in _mentions_of(entry).items():
                mentions[table] += [(entry_id, seq, *row) for seq, row in enumerate(rows, start=1)]
        for table, numbered in mentions.items():
            self.database.conn.executemany(_INSERT_MENTION[table], numbered)


def _mentions_of(entry: Entry) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of an entry's mentions, as _MENTIONS names their columns."""
    return {
        "entry_provinces": [(p.province.code, p.basis) for p in entry.provinces],
        "entry_dates": [
            (d.text, d.offset, d.kind, _iso(d.start), _iso(d.end), d.precision) for d in entry.dates
        ],
        "entry_places": [(p.text, p.offset, p.level, p.code) for p in entry.places],
        "entry_officials": [(o.name, o.title, o.offset) for o in entry.officials],
    }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
