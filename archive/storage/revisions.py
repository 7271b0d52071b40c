"""Revisions: one bulletin's rows, written as its current revision; earlier ones never change."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlite_utils import Database

from archive.captures.warc import Capture
from archive.model import Bulletin, Entry
from archive.normalise.bulletin_json import to_json
from archive.storage.database import ENTRIES_INDEX

_MENTIONS = ("entry_provinces", "entry_dates", "entry_places", "entry_officials")


@dataclass(frozen=True, slots=True)
class Current:
    """A bulletin's id, and the number and digest of its current revision."""

    bulletin: int
    number: int
    digest: str


class RevisionWriter:
    """Writes bulletins with their entries, mentions, attachments and search index."""

    def __init__(self, database: Database) -> None:
        self.database = database

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
        bulletin_id = self._write_bulletin(bulletin, slug, number, capture)
        self.database.table("revisions").insert(
            {
                "bulletin": bulletin_id,
                "number": number,
                "capture": capture_id,
                "captured_at": capture.fetched_at,
                "title": bulletin.title,
                "digest": digest,
                "content": json.dumps(to_json(bulletin), ensure_ascii=False),
            }
        )
        self.database.table("attachments").delete_where("bulletin = ?", [bulletin_id])
        self.database.table("attachments").insert_all(
            {"bulletin": bulletin_id, "seq": seq, "url": a.url, "text": a.text}
            for seq, a in enumerate(bulletin.attachments, start=1)
        )
        self._write_entries(bulletin, bulletin_id, slug, capture.source)
        return bulletin_id

    def _write_bulletin(self, bulletin: Bulletin, slug: str, number: int, capture: Capture) -> int:
        """Insert or update the bulletin's row; source, channel, address and first_seen stay."""
        row = {
            "slug": slug,
            "title": bulletin.title,
            "series": bulletin.series,
            "issue": bulletin.issue,
            "published": _iso(bulletin.published),
            "published_at": bulletin.published_at,
            "issuer": bulletin.issuer,
            "origin": bulletin.origin.literal if bulletin.origin else None,
            "origin_publication": bulletin.origin.publication if bulletin.origin else None,
            "origin_date": _iso(bulletin.origin.date) if bulletin.origin else None,
            "anchor": _iso(bulletin.anchor),
            "status": "live",
            "revision": number,
            "body_rule": bulletin.body_rule,
            "last_seen": capture.fetched_at,
        }
        table = self.database.table("bulletins")
        if number == 1:
            first = {
                "source": capture.source,
                "channel": capture.channel,
                "url": capture.address,
                "first_seen": capture.fetched_at,
            }
            table.insert(row | first)
        bulletin_id = int(
            self.database.conn.execute(
                "SELECT id FROM bulletins WHERE slug = ?", (slug,)
            ).fetchone()[0]
        )
        if number > 1:
            table.update(bulletin_id, row)
        return bulletin_id

    def _write_entries(self, bulletin: Bulletin, bulletin_id: int, slug: str, source: str) -> None:
        """Replace a bulletin's entries; an entry that keeps its place keeps its id."""
        old = self._unindex(bulletin_id)
        (url,) = self.database.conn.execute(
            "SELECT url FROM bulletins WHERE id = ?", (bulletin_id,)
        ).fetchone()
        entries = [*([bulletin.lead] if bulletin.lead else []), *bulletin.entries]
        self.database.table("entries").upsert_all(
            (
                {
                    "slug": f"{slug}.{entry.seq}",
                    "bulletin": bulletin_id,
                    "seq": entry.seq,
                    "kind": entry.kind,
                    "heading": entry.heading,
                    "province": entry.provinces[0].province.code if entry.provinces else None,
                    "date": _iso(entry.event_start or bulletin.anchor),
                    "event_start": _iso(entry.event_start),
                    "event_end": _iso(entry.event_end),
                    "open_end": int(entry.open_end),
                    "text": entry.text,
                    "title": bulletin.title,
                    "source": source,
                    "url": url,
                    "published": _iso(bulletin.published),
                    "status": "live",
                }
                for entry in entries
            ),
            pk="slug",
        )
        ids = dict(
            self.database.conn.execute(
                "SELECT seq, id FROM entries WHERE bulletin = ?", (bulletin_id,)
            ).fetchall()
        )
        kept = {entry.seq for entry in entries}
        for seq in sorted(old - kept):
            self.database.table("entries").delete_where(
                "bulletin = ? AND seq = ?", [bulletin_id, seq]
            )
        for entry in entries:
            self._write_mentions(ids[entry.seq], entry)
            ENTRIES_INDEX.add(
                self.database.conn,
                ids[entry.seq],
                {"title": bulletin.title, "heading": entry.heading, "text": entry.text},
            )

    def _unindex(self, bulletin_id: int) -> set[int]:
        """Remove a bulletin's entries from the index, and their mentions; returns their seqs."""
        rows = self.database.conn.execute(
            "SELECT id, seq, title, heading, text FROM entries WHERE bulletin = ?", (bulletin_id,)
        ).fetchall()
        for entry, _, title, heading, text in rows:
            ENTRIES_INDEX.remove(
                self.database.conn, entry, {"title": title, "heading": heading, "text": text}
            )
            for table in _MENTIONS:
                self.database.table(table).delete_where("entry = ?", [entry])
        return {row[1] for row in rows}

    def _write_mentions(self, entry_id: int, entry: Entry) -> None:
        self._insert_numbered(
            "entry_provinces",
            entry_id,
            ({"province": p.province.code, "basis": p.basis} for p in entry.provinces),
        )
        self._insert_numbered(
            "entry_dates",
            entry_id,
            (
                {
                    "text": d.text,
                    "offset": d.offset,
                    "kind": d.kind,
                    "start": _iso(d.start),
                    "end": _iso(d.end),
                    "precision": d.precision,
                }
                for d in entry.dates
            ),
        )
        self._insert_numbered(
            "entry_places",
            entry_id,
            (
                {"text": p.text, "offset": p.offset, "level": p.level, "code": p.code}
                for p in entry.places
            ),
        )
        self._insert_numbered(
            "entry_officials",
            entry_id,
            ({"name": o.name, "title": o.title, "offset": o.offset} for o in entry.officials),
        )

    def _insert_numbered(self, table: str, entry_id: int, rows: Iterable[dict[str, Any]]) -> None:
        self.database.table(table).insert_all(
            {"entry": entry_id, "seq": seq, **row} for seq, row in enumerate(rows, start=1)
        )


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
