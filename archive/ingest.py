"""Ingest: from captures, in the order they were made, to rows; the same rows every time.

The crawl hands each capture over as it is written, ``rebuild`` hands over all of them again. No
clock is read here: every time in a row is a capture's own.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlite_utils import Database

from archive.bulletins import read_bulletin
from archive.captures import Capture, Location
from archive.clock import civil_date
from archive.decode import decode, unpack
from archive.errors import SourceFileError, Unreadable
from archive.listing import Row, list_unit, read_list
from archive.render import content_digest
from archive.revisions import RevisionWriter
from archive.sources import Links, Source, document_id
from archive.walls import wall_of

# A page is gone when it was missing on this many nights with no good answer between them: one
# night is an outage, two a slow redesign.
NIGHTS_UNTIL_GONE = 3
GONE_STATUSES = (404, 410)

OutcomeKind = Literal[
    "aside", "list", "end", "new", "revised", "same", "moved", "missing", "failed"
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a capture turned out to be, for the crawl to go on from.

    ``list`` carries rows, ``moved`` the canonical address to follow, a column page that of its
    list; ``failed`` and ``missing`` the incident's kind and message. ``end`` is a list page past
    the last one.
    """

    kind: OutcomeKind
    rows: tuple[Row, ...] = ()
    location: str | None = None
    incident: str | None = None
    message: str = ""


class Ingester:
    """Writes captures into a database; transactions are the caller's."""

    def __init__(self, database: Database, sources: Mapping[str, Source]) -> None:
        self.database = database
        self.sources = sources
        self.revisions = RevisionWriter(database)
        self._known: set[str] = set()

    def ingest(self, capture: Capture, location: Location) -> Outcome:
        """Write the rows that follow from one capture.

        Raises SourceFileError or UsageError for a source or a channel that no file declares.
        """
        self.know(capture.source)
        if capture.channel is not None:
            self.sources[capture.source].channel(capture.channel)
        capture_id = self._insert_capture(capture, location)
        if capture.role == "page":
            self._asked(capture)
        try:
            with self.database.atomic():
                outcome = self._read(capture, capture_id)
        except Unreadable as error:
            outcome = Outcome("failed", incident=error.kind, message=str(error))
        except sqlite3.Error:
            raise
        except Exception as error:  # a page that trips the parser must not stop the others
            outcome = Outcome(
                "failed",
                incident="parser-error",
                message=f"the parser failed ({type(error).__name__}: {error}): please report it "
                "with this address; the page is kept and read again by the next version",
            )
        if outcome.incident:
            self.incident(
                capture.fetched_at,
                capture.source,
                capture.channel,
                capture.address,
                outcome.incident,
                outcome.message,
                capture_id,
            )
        elif outcome.kind != "aside":
            self._resolve(capture)
        return outcome

    def incident(
        self,
        at: str,
        source: str,
        channel: str | None,
        url: str,
        kind: str,
        message: str,
        capture: int | None = None,
    ) -> None:
        """Write down what went wrong; the same thing at the same second is one incident."""
        self.know(source)
        slug = hashlib.sha256(f"{at} {source} {channel} {kind} {url}".encode()).hexdigest()[:16]
        self.database.table("incidents").upsert(
            {
                "slug": slug,
                "at": at,
                "source": source,
                "channel": channel,
                "url": url,
                "kind": kind,
                "message": message,
                "capture": capture,
            },
            pk="slug",
        )

    def know(self, slug: str) -> None:
        """Write a source and its channels once."""
        if slug in self._known:
            return
        if slug not in self.sources:
            raise SourceFileError(
                f"there are captures of {slug!r} but no source file for it: put {slug}.toml into "
                "the data folder's sources/, or name its folder with --sources"
            )
        source = self.sources[slug]
        self.database.table("sources").upsert(
            {
                "slug": slug,
                "name": source.name,
                "home": source.home,
                "rhythm_days": source.rhythm_days,
            },
            pk="slug",
        )
        self.database.table("channels").upsert_all(
            (
                {
                    "source": slug,
                    "slug": channel.slug,
                    "name": channel.name,
                    "url": source.home + channel.path,
                    "platform": channel.platform,
                    "retired": int(channel.retired),
                }
                for channel in source.channels
            ),
            pk=("source", "slug"),
        )
        self._known.add(slug)

    def _insert_capture(self, capture: Capture, location: Location) -> int:
        cursor = self.database.conn.execute(
            "INSERT INTO captures (url, address, source, channel, role, fetched_at, status,"
            " content_type, etag, last_modified, file, offset, length, digest)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (
                capture.url,
                capture.address,
                capture.source,
                capture.channel,
                capture.role,
                capture.fetched_at,
                capture.status,
                capture.header("Content-Type") or None,
                capture.header("ETag") or None,
                capture.header("Last-Modified") or None,
                location.file,
                location.offset,
                location.length,
                location.digest,
            ),
        )
        return int(cursor.fetchone()[0])

    def _read(self, capture: Capture, capture_id: int) -> Outcome:
        source = self.sources[capture.source]
        if capture.role == "robots":
            return Outcome("aside")
        if capture.status in (301, 302, 303, 307, 308):
            return self._redirect(capture, source)
        if capture.status == 304 and capture.role == "page":
            self._good(capture)
            return Outcome("same")
        if capture.status in GONE_STATUSES:
            return self._missing(capture) if capture.role == "page" else _past_the_end(capture)
        text = self._text(capture)
        if capture.role == "column":
            unit = list_unit(text, source.channel(capture.channel or "").options.get("tag"))
            return Outcome("moved", location=_links(capture, source).canonical(unit))
        if capture.role in ("list", "more"):
            return self._list(capture, source, text)
        return self._page(capture, capture_id, source, text)

    def _text(self, capture: Capture) -> str:
        """The decoded body of a good answer; raises Unreadable for every other kind."""
        raw = unpack(capture.body, capture.header("Content-Encoding"))
        if capture.status != 200:
            shown = raw[:100_000].decode("utf-8", errors="replace")
            if wall := wall_of(capture.status, capture.header("Set-Cookie"), shown):
                raise Unreadable(wall, _WALLED.format(capture.status))
            raise Unreadable(
                f"http-{capture.status}",
                f"the site answered {capture.status}; ask again later, or look at it in a browser",
            )
        if capture.truncated:
            raise Unreadable("truncated", "the connection ended before the page did: ask again")
        if not raw.strip():
            raise Unreadable("empty", "the answer has no content: ask again, or look by hand")
        text = decode(raw)
        wall = wall_of(200, "", text) if capture.role != "page" else None
        # A column page may be nothing but the script that asks for its list.
        if wall and not (capture.role == "column" and wall == "wall-script"):
            raise Unreadable(wall, _WALLED.format(200))
        return text

    # Lists

    def _list(self, capture: Capture, source: Source, text: str) -> Outcome:
        channel = source.channel(capture.channel or "")
        rows = read_list(text, channel.rows, _links(capture, source))
        self.database.conn.executemany(
            "INSERT INTO addresses (url, source, channel, title, listed, first_listed, last_listed)"
            " VALUES (:url, :source, :channel, :title, :listed, :at, :at)"
            " ON CONFLICT (url) DO UPDATE SET title = excluded.title,"
            " listed = coalesce(excluded.listed, listed),"
            " first_listed = coalesce(first_listed, excluded.first_listed),"
            " last_listed = excluded.last_listed",
            [
                {
                    "url": row.address,
                    "source": source.slug,
                    "channel": channel.slug,
                    "title": row.title,
                    "listed": row.listed.isoformat() if row.listed else None,
                    "at": capture.fetched_at,
                }
                for row in rows
            ],
        )
        return Outcome("list", rows=tuple(rows)) if rows else _past_the_end(capture)

    # Pages

    def _asked(self, capture: Capture) -> None:
        self.database.conn.execute(
            "INSERT INTO addresses (url, source, channel, first_asked, last_asked)"
            " VALUES (:url, :source, :channel, :at, :at)"
            " ON CONFLICT (url) DO UPDATE SET last_asked = excluded.last_asked,"
            " first_asked = coalesce(first_asked, excluded.first_asked)",
            {
                "url": capture.address,
                "source": capture.source,
                "channel": capture.channel,
                "at": capture.fetched_at,
            },
        )

    def _redirect(self, capture: Capture, source: Source) -> Outcome:
        target = _links(capture, source).canonical(capture.header("Location"))
        named = document_id(capture.address) is None or document_id(target or "") is not None
        lost = target is None or (capture.role == "page" and not named)
        if target is None or lost or self._leads_back(target, capture.address):
            raise Unreadable(
                "moved",
                f"the address now leads to {capture.header('Location') or 'nowhere'}, which is no "
                "page of this source: look where the page went",
            )
        if capture.role == "page":
            self.database.conn.execute(
                "UPDATE addresses SET moved_to = :target, last_good = :at,"
                " first_captured = coalesce(first_captured, :at) WHERE url = :url",
                {"target": target, "at": capture.fetched_at, "url": capture.address},
            )
        return Outcome("moved", location=target)

    def _leads_back(self, target: str, address: str) -> bool:
        """Whether following redirects from ``target`` ends up at ``address`` again."""
        seen: set[str | None] = set()
        at: str | None = target
        while at is not None and at not in seen and at != address:
            seen.add(at)
            row = self.database.conn.execute(
                "SELECT moved_to FROM addresses WHERE url = ?", (at,)
            ).fetchone()
            at = row[0] if row else None
        return at == address

    def _missing(self, capture: Capture) -> Outcome:
        """A page that is not there: counted once a night, and gone after enough of them."""
        night = civil_date(capture.fetched_at)
        self.database.conn.execute(
            "UPDATE addresses SET nights_missed = nights_missed + 1,"
            " first_missed = coalesce(first_missed, :at), last_missed = :at"
            " WHERE url = :url AND (last_missed IS NULL OR date(last_missed, '+8 hours') < :night)",
            {"url": capture.address, "at": capture.fetched_at, "night": night},
        )
        bulletin, nights, first_missed = self.database.conn.execute(
            "SELECT bulletin, nights_missed, first_missed FROM addresses WHERE url = ?",
            (capture.address,),
        ).fetchone()
        if bulletin is None:
            return Outcome(
                "missing",
                incident="missing",
                message=f"listed, but the site answers {capture.status}: it may never have been up",
            )
        if nights >= NIGHTS_UNTIL_GONE:
            self._mark_gone(bulletin, first_missed)
        return Outcome("missing")

    def _mark_gone(self, bulletin: int, first_missed: str) -> None:
        seen = self.database.conn.execute(
            "SELECT max(last_good) FROM addresses WHERE bulletin = ?", (bulletin,)
        ).fetchone()[0]
        if seen >= first_missed:
            return
        self.database.conn.execute(
            "UPDATE bulletins SET status = 'gone', last_seen = ? WHERE id = ? AND status = 'live'",
            (seen, bulletin),
        )
        self.database.conn.execute(
            "UPDATE entries SET status = 'gone' WHERE bulletin = ?", (bulletin,)
        )

    def _good(self, capture: Capture) -> None:
        """The page is there: whatever was missed is over, and its validators are the newest."""
        self.database.conn.execute(
            "UPDATE addresses SET last_good = :at, nights_missed = 0, first_missed = NULL,"
            " last_missed = NULL, moved_to = NULL, first_captured = coalesce(first_captured, :at),"
            " etag = coalesce(:etag, etag), last_modified = coalesce(:modified, last_modified)"
            " WHERE url = :url",
            {
                "at": capture.fetched_at,
                "url": capture.address,
                "etag": capture.header("ETag") or None,
                "modified": capture.header("Last-Modified") or None,
            },
        )
        for table, key in (("bulletins", "id"), ("entries", "bulletin")):
            self.database.conn.execute(
                f"UPDATE {table} SET status = 'live' WHERE status = 'gone' AND {key} ="
                " (SELECT bulletin FROM addresses WHERE url = ?)",
                (capture.address,),
            )

    def _page(self, capture: Capture, capture_id: int, source: Source, text: str) -> Outcome:
        listed, last_digest = self.database.conn.execute(
            "SELECT listed, digest FROM addresses WHERE url = ?", (capture.address,)
        ).fetchone()
        bulletin = read_bulletin(
            text, _links(capture, source), date.fromisoformat(listed) if listed else None
        )
        if bulletin.published is None:
            raise Unreadable(
                "unrecognised",
                "no date of publication found, on the page or in its list: the site may have a "
                "new layout",
            )
        digest = content_digest(bulletin)
        slug = bulletin_slug(source, capture.address)
        current = self.database.conn.execute(
            "SELECT bulletins.id, revision, digest FROM bulletins JOIN revisions"
            " ON revisions.bulletin = bulletins.id AND number = revision WHERE slug = ?",
            (slug,),
        ).fetchone()
        # An address that says what it said before has not changed, whatever the bulletin's other
        # addresses say meanwhile.
        changed = current is None or (digest != current[2] and digest != last_digest)
        if changed:
            number = current[1] + 1 if current else 1
            bulletin_id = self.revisions.write(bulletin, slug, number, digest, capture, capture_id)
        else:
            bulletin_id = current[0]
        self.database.conn.execute(
            "UPDATE addresses SET bulletin = ?, digest = ? WHERE url = ?",
            (bulletin_id, digest, capture.address),
        )
        self.database.conn.execute(
            "UPDATE addresses SET bulletin = ? WHERE moved_to = ?", (bulletin_id, capture.address)
        )
        self._good(capture)
        if not changed:
            return Outcome("same")
        return Outcome("revised" if current else "new")

    def _resolve(self, capture: Capture) -> None:
        """A good answer settles what was wrong at that address before."""
        self.database.conn.execute(
            "UPDATE incidents SET resolved_at = ?"
            " WHERE url = ? AND source = ? AND resolved_at IS NULL",
            (capture.fetched_at, capture.address, capture.source),
        )


def bulletin_slug(source: Source, address: str) -> str:
    """``<source>-<document id>``, or twelve hex digits of the SHA-256 of the canonical path."""
    found = document_id(address)
    if found is None:
        path = address.removeprefix(source.home)
        found = hashlib.sha256(path.encode()).hexdigest()[:12]
    return f"{source.slug}-{found}"


def _links(capture: Capture, source: Source) -> Links:
    return Links(source, capture.address, capture.url)


def _past_the_end(capture: Capture) -> Outcome:
    """A list page without rows: the end after pages with rows, a failure where it is the first.

    Raises Unreadable ``list-missing`` or ``list-empty``.
    """
    if capture.role == "more":
        return Outcome("end")
    if capture.status in GONE_STATUSES:
        raise Unreadable(
            "list-missing",
            f"the list answers {capture.status}: the site may have moved it; compare the channel's "
            "path in the source file with the site's navigation",
        )
    raise Unreadable(
        "list-empty",
        "the list's first page has no rows: the site may have a new layout; compare the channel's "
        "rows selector in the source file with the page",
    )


_WALLED = (
    "the site put up a wall (status {}) in place of the page; nothing is bypassed: wait for the "
    "next night, and write to the site if it stays"
)
