"""Ingest: from captures, in the order they were made, to rows; the same rows every time.

The crawl hands each capture over as it is written, ``rebuild`` hands over all of them again. No
clock is read here: every time in a row is a capture's own.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlite_utils import Database

from archive.captures.block_pages import block_page_kind
from archive.captures.decode import decode, unpack
from archive.captures.warc import Capture, Location
from archive.clock import civil_date
from archive.errors import SourceFileError, Unreadable
from archive.normalise.bulletin_json import content_digest
from archive.normalise.bulletins import read_bulletin
from archive.parse.html import shown_pieces
from archive.parse.list_page import Row, list_unit, read_list
from archive.sources import PageContext, Source, document_id
from archive.storage.addresses import Addresses
from archive.storage.revisions import RevisionWriter

GONE_STATUSES = (404, 410)
# File names of front pages and error pages.
_FRONT = re.compile(r"$|(?:index|default|main|home|error|err|404|notfound)\b", re.I)

OutcomeKind = Literal[
    "aside", "column", "list", "end", "new", "revised", "same", "moved", "missing", "failed"
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a capture turned out to be, for the crawl to go on from.

    ``list`` carries rows, ``moved`` the canonical address to follow, ``column`` that of its list;
    ``failed`` and ``missing`` the incident's kind and message. ``end`` is a list page past
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
        self.addresses = Addresses(database)
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
            self.addresses.asked(capture)
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
            return self._unchanged(capture)
        if capture.status in GONE_STATUSES:
            return self._missing(capture) if capture.role == "page" else _past_the_end(capture)
        text = self._text(capture)
        if capture.role == "column":
            unit = list_unit(text, source.channel(capture.channel or "").options.get("tag"))
            return self._column(capture, source, unit)
        if capture.role in ("list", "more"):
            return self._list(capture, source, text)
        return self._page(capture, capture_id, source, text)

    def _text(self, capture: Capture) -> str:
        """The decoded body of a good answer; raises Unreadable for every other kind."""
        raw = unpack(capture.body, capture.header("Content-Encoding"))
        if capture.status != 200:
            shown = raw[:100_000].decode("utf-8", errors="replace")
            if wall := block_page_kind(capture.status, capture.header("Set-Cookie"), shown):
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
        wall = None
        if capture.role != "page":
            wall = block_page_kind(200, "", text, shown_pieces(text))
        # A column page may be nothing but the script that asks for its list.
        if wall and not (capture.role == "column" and wall == "wall-script"):
            raise Unreadable(wall, _WALLED.format(200))
        return text

    # Lists

    def _column(self, capture: Capture, source: Source, unit: str) -> Outcome:
        location = _links(capture, source).canonical(unit)
        if location is None:
            raise Unreadable(
                "list-refused",
                f"the column page takes its list from {unit}, which is not the site's: look at it",
            )
        return Outcome("column", location=location)

    def _list(self, capture: Capture, source: Source, text: str) -> Outcome:
        channel = source.channel(capture.channel or "")
        rows = read_list(text, channel.rows, _links(capture, source))
        self.database.conn.executemany(
            "INSERT INTO addresses (url, source, channel, title, listed, first_listed, last_listed)"
            " VALUES (:url, :source, :channel, :title, :listed, :at, :at)"
            " ON CONFLICT (url) DO UPDATE SET title = excluded.title,"
            " listed = coalesce(excluded.listed, listed),"
            # A page that nobody has yet is the last channel's that listed it to ask for.
            " channel = CASE WHEN first_captured IS NULL THEN excluded.channel ELSE channel END,"
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

    def _redirect(self, capture: Capture, source: Source) -> Outcome:
        target = _links(capture, source).canonical(capture.header("Location"))
        is_page = capture.role == "page"
        if (
            target is None
            or target == capture.address
            or (is_page and not _may_be_the_page(capture.address, target))
            or (is_page and self.addresses.leads_back(target, capture.address))
        ):
            raise Unreadable(
                "moved",
                f"the address now leads to {capture.header('Location') or 'nowhere'}, which is no "
                "page of this source: look where the page went",
            )
        if is_page:
            self.addresses.moved(capture, target)
        return Outcome("moved", location=target)

    def _missing(self, capture: Capture) -> Outcome:
        if self.addresses.missing(capture):
            return Outcome("missing")
        return Outcome(
            "missing",
            incident="missing",
            message=f"listed, but the site answers {capture.status}: it may never have been up",
        )

    def _unchanged(self, capture: Capture) -> Outcome:
        if self.addresses.bulletin_at(capture.address) is None:
            raise Unreadable(
                "empty",
                "the site says unchanged (304) of a page that was never taken in: ask again",
            )
        self.addresses.good(capture)
        return Outcome("same")

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
        self.addresses.holds(capture.address, bulletin_id, digest)
        self.addresses.good(capture)
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


def _links(capture: Capture, source: Source) -> PageContext:
    captured = date.fromisoformat(civil_date(capture.fetched_at))
    return PageContext(source, capture.address, capture.url, captured)


def _may_be_the_page(address: str, target: str) -> bool:
    """Whether a redirect can lead to the same page rather than to an error or the front page.

    A document's page leads to a document's page; where addresses hold no document id, it stays
    in its folder.
    """
    if document_id(address) or document_id(target):
        return document_id(target) is not None
    folder, name = target.rsplit("/", 1)
    return folder == address.rsplit("/", 1)[0] and not _FRONT.match(name)


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
