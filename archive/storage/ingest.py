"""Ingest: from captures, in the order they were made, to rows; the same rows every time.

The crawl hands each capture over as it is written, ``rebuild`` hands over all of them again. No
clock is read here: every time in a row is a capture's own. ``classify`` says what a capture is;
here that becomes rows.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlite_utils import Database

from archive.captures.decisions import Decision
from archive.captures.reading import read_capture
from archive.captures.warc import Capture, Location
from archive.errors import IncidentKind, SourceFileError, Unreadable
from archive.normalise.bulletin_json import are_other_files, files_digest, to_json
from archive.parse.list_page import Row
from archive.parse.pagers import Pager
from archive.search import Index
from archive.sources import Source, document_id
from archive.storage.addresses import Addresses, KnownAddress
from archive.storage.classify import (
    Classified,
    Column,
    ListEnd,
    ListRows,
    Missing,
    Page,
    Reading,
    Redirect,
    Robots,
    Unchanged,
    moved_away,
    needs_the_list,
    parser_error,
    read,
)
from archive.storage.database import ENTRIES_INDEX
from archive.storage.drift import Drift, traits_of
from archive.storage.holds import Holds
from archive.storage.identity import Identity
from archive.storage.incidents import Incident, Incidents
from archive.storage.removals import Removals
from archive.storage.republished import Republished
from archive.storage.revisions import Current, RevisionWriter
from archive.storage.watch import Watch

OutcomeKind = Literal[
    "aside",
    "column",
    "list",
    "end",
    "new",
    "revised",
    "same",
    "held",
    "moved",
    "missing",
    "failed",
]
# One for each capture, so in SQL: through sqlite-utils a rebuild takes 4 % longer.
_INSERT_CAPTURE = (
    "INSERT INTO captures (url, address, source, channel, role, fetched_at, status, content_type,"
    " etag, last_modified, file, offset, length, digest, revisit, origin) VALUES (:url, :address,"
    " :source, :channel, :role, :fetched_at, :status, :content_type, :etag, :last_modified, :file,"
    " :offset, :length, :digest, :revisit, :origin) RETURNING id"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a capture, for the crawl to go on from.

    ``list`` carries rows and the page's pager, ``moved`` the canonical address to follow,
    ``column`` that of its list; ``failed``, ``held`` and ``missing`` the incident's kind and
    message. ``end`` is a list page past the last one. ``unlike`` is how a page that is believed is
    unlike the others.
    """

    kind: OutcomeKind
    rows: tuple[Row, ...] = ()
    location: str | None = None
    incident: IncidentKind | None = None
    message: str = ""
    pager: Pager | None = None
    unlike: tuple[Drift, ...] = ()


class Ingester:
    """Writes captures into a database; transactions are the caller's.

    Before a commit the caller lets ``revisions.index_written`` bring the search index up to date.

    ``warc`` is the folder of the captures, for those that a person has accepted; ``index`` is None
    where the caller builds the search index when all rows are there.
    """

    def __init__(
        self,
        database: Database,
        sources: Mapping[str, Source],
        warc: Path,
        index: Index | None = ENTRIES_INDEX,
    ) -> None:
        self.database = database
        self.sources = sources
        self.warc = warc
        self.addresses = Addresses(database)
        self.revisions = RevisionWriter(database, index)
        self.incidents = Incidents(database)
        self.identity = Identity(database, self.addresses)
        self.holds = Holds(database, self.addresses)
        self.removals = Removals(database.conn, self.addresses, self.incidents)
        self.republished = Republished(database.conn, index)
        self.watch = Watch(database.conn, self.incidents)
        self._known: set[str] = set()

    def ingest(self, capture: Capture, location: Location, found: Reading = None) -> Outcome:
        """Write the rows that follow from one capture; ``found`` is what it was read as, if it was.

        Raises SourceFileError or UsageError for a source or a channel that no file declares.
        """
        self.know(capture.source)
        if capture.channel is not None:
            self.sources[capture.source].channel(capture.channel)
        capture_id = self._insert_capture(capture, location)
        if capture.role == "page":
            self.addresses.asked(capture)
        outcome = self._outcome(capture, capture_id, found)
        if outcome.incident:
            self.incidents.add(
                Incident(
                    capture.fetched_at,
                    capture.source,
                    capture.channel,
                    capture.address,
                    outcome.incident,
                    outcome.message,
                    capture_id,
                )
            )
        elif capture.role not in ("page", "robots"):
            self._list_is_good(capture)
        elif capture.role == "robots":
            self.incidents.settle(capture.fetched_at, capture.source, [capture.address])
        return outcome

    def incident(self, incident: Incident) -> None:
        """Write down what went wrong."""
        self.know(incident.source)
        self.incidents.add(incident)

    def know(self, slug: str) -> None:
        """Write a source and its channels once; raises SourceFileError where it has no file."""
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
                "kind": source.about.kind or "ministry",
                "enabled": int(source.enabled),
                "digest": source.digest(),
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

    def note_enabled(self) -> None:
        """Write which known sources are crawled at night; those without a file are not."""
        enabled = [slug for slug, source in self.sources.items() if source.enabled]
        marks = ", ".join("?" * len(enabled))
        self.database.conn.execute(f"UPDATE sources SET enabled = slug IN ({marks})", enabled)

    def _insert_capture(self, capture: Capture, location: Location) -> int:
        row = {
            "url": capture.url,
            "address": capture.address,
            "source": capture.source,
            "channel": capture.channel,
            "role": capture.role,
            "fetched_at": capture.fetched_at,
            "status": capture.status,
            "content_type": capture.header("Content-Type") or None,
            "etag": capture.header("ETag") or None,
            "last_modified": capture.header("Last-Modified") or None,
            "file": location.file,
            "offset": location.offset,
            "length": location.length,
            "digest": location.digest,
            "revisit": location.revisit,
            "origin": capture.origin,
        }
        return int(self.database.conn.execute(_INSERT_CAPTURE, row).fetchone()[0])

    def _outcome(
        self, capture: Capture, capture_id: int, found: Reading, *, accepted: bool = False
    ) -> Outcome:
        """Classify a capture and write what it is, all or nothing; what fails is an incident.

        ``accepted`` says that a person has looked at it, so that it is not held.
        """
        try:
            with self.database.atomic():
                known = self.addresses.known(capture.address)
                if found is None or (known.listed and needs_the_list(found)):
                    found = read(capture, self.sources[capture.source], known.listed)
                if isinstance(found, Unreadable):
                    raise found
                return self._write(found, capture, capture_id, known, accepted)
        except Unreadable as error:
            return Outcome("failed", incident=error.kind, message=str(error))
        except sqlite3.Error:
            raise
        except Exception as error:
            failed = parser_error(error)
            return Outcome("failed", incident=failed.kind, message=str(failed))

    def _write(
        self,
        found: Classified,
        capture: Capture,
        capture_id: int,
        known: KnownAddress,
        accepted: bool,
    ) -> Outcome:
        match found:
            case Robots():
                return Outcome("aside")
            case Column(location):
                return Outcome("column", location=location)
            case ListRows(rows, pager):
                self.addresses.listed(rows, capture)
                return Outcome("list", rows=rows, pager=pager)
            case ListEnd():
                return Outcome("end")
            case Redirect(target):
                return self._redirect(capture, target)
            case Missing():
                return self._missing(found, capture, capture_id)
            case Unchanged():
                return self._unchanged(capture, known)
            case Page():
                return self._page(found, capture, capture_id, known, accepted)

    def _redirect(self, capture: Capture, target: str) -> Outcome:
        if capture.role == "page":
            if self.addresses.leads_back(target, capture.address):
                raise moved_away(capture)
            self.addresses.moved(capture, target)
            if (bulletin := self.addresses.known(capture.address).bulletin) is not None:
                self.identity.settle_address(bulletin)
        return Outcome("moved", location=target)

    def _missing(self, missing: Missing, capture: Capture, capture_id: int) -> Outcome:
        if missing.leads_away and not self.addresses.bulletins_at(capture.address):
            raise moved_away(capture)
        source = self.sources[capture.source]
        if bulletins := self.removals.missing(capture, capture_id, source):
            for bulletin in bulletins:
                self.identity.settle_address(bulletin)
            return Outcome("missing")
        said = missing.said or f"answers {capture.status}"
        return Outcome(
            "missing",
            incident="missing",
            message=f"listed, but the site {said}: it may never have been there",
        )

    def _unchanged(self, capture: Capture, known: KnownAddress) -> Outcome:
        if known.bulletin is None:
            raise Unreadable(
                "empty",
                "the site says unchanged (304) of a page that was never captured: ask again",
            )
        self._good(capture)
        return Outcome("same")

    def _page(
        self,
        page: Page,
        capture: Capture,
        capture_id: int,
        known: KnownAddress,
        accepted: bool,
    ) -> Outcome:
        slug = self.identity.slug(
            capture,
            page.bulletin,
            bulletin_slug(self.sources[capture.source], capture.address),
            known.bulletin,
        )
        current = self.revisions.current(slug)
        files = files_digest(page.bulletin)
        if current and self._says_the_same(page, files, current, known):
            self.addresses.holds(capture.address, current.bulletin, page.digest, files)
            self._good(capture)
            return Outcome("same")
        if not accepted and (held := self.holds.judge(page, capture, capture_id, current)):
            incident = None if held.decided else held.doubt.reason
            return Outcome("held", incident=incident, message=held.doubt.message)
        number = current.number + 1 if current else 1
        versions = self.republished.forget(current.bulletin) if current else []
        bulletin = self.revisions.write(
            page.bulletin, slug, number, page.digest, capture, capture_id
        )
        self.addresses.holds(capture.address, bulletin, page.digest, files)
        self.republished.written(bulletin, page.bulletin, capture.source, versions)
        self._good(capture, changed=current is not None)
        source, traits = self.sources[capture.source], traits_of(to_json(page.bulletin))
        given = (bulletin, capture, capture_id, source, current)
        unlike = () if accepted else self.watch.compare(traits, *given)
        self.watch.learn(traits, bulletin, source)
        return Outcome("revised" if current else "new", unlike=unlike)

    def _says_the_same(self, page: Page, files: str, current: Current, known: KnownAddress) -> bool:
        """Whether a page says what the bulletin's current revision or this address said before.

        If this address returns what it returned before, nothing changed, even if another address
        of the bulletin differs. A file of another name in the same layout is another file.
        """
        if page.digest == known.digest and are_other_files(known.files, files):
            return False
        if page.digest in (current.digest, known.digest):
            return True
        return self.identity.restates(page.bulletin, current.bulletin)

    def decide(self, decision: Decision) -> None:
        """Write the rows that follow from a person's decision about a held capture.

        One that was written before changes nothing. Raises SourceFileError.
        """
        self.know(decision.source)
        hold = self.holds.decided(decision)
        if hold is None:
            return
        self.incidents.settle(decision.at, decision.source, [decision.address])
        if decision.verdict == "accepted":
            capture_id = int(hold["last_capture"])
            self._outcome(self._capture(capture_id), capture_id, None, accepted=True)

    def _capture(self, capture_id: int) -> Capture:
        row = self.database.conn.execute(
            "SELECT file, offset, length, digest, revisit FROM captures WHERE id = ?",
            (capture_id,),
        ).fetchone()
        return read_capture(self.warc, Location(*row))

    def _list_is_good(self, capture: Capture) -> None:
        """A live list that can be read also settles what was wrong with the retired ones."""
        self.incidents.settle(capture.fetched_at, capture.source, [capture.address])
        channels = self.sources[capture.source].channels
        if any(channel.slug == capture.channel and not channel.retired for channel in channels):
            retired = [channel.slug for channel in channels if channel.retired]
            self.incidents.settle_retired(capture.fetched_at, capture.source, retired)

    def _good(self, capture: Capture, *, changed: bool = False) -> None:
        """The page is there: for its address, those that lead to it, and those it had before."""
        found = self.addresses.good(capture, changed=changed)
        bulletin = self.addresses.known(capture.address).bulletin
        if bulletin is not None:
            self.identity.settle_address(bulletin)
            found = list(dict.fromkeys([*found, *self.identity.all_addresses(bulletin)]))
        self.incidents.settle(capture.fetched_at, capture.source, found)
        self.holds.withdraw(found, capture.fetched_at)
        self.removals.settle(capture.fetched_at, self.sources[capture.source])


def bulletin_slug(source: Source, address: str) -> str:
    """``<source>-<document id>``, or twelve hex digits of the SHA-256 of the canonical path."""
    found = document_id(address)
    if found is None:
        path = address.removeprefix(source.home)
        found = hashlib.sha256(path.encode()).hexdigest()[:12]
    return f"{source.slug}-{found}"
