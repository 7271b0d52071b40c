"""Candidates: which answers of other archives are pages or lists of a source, and of which channel.

A page is what a list has named already, or has a document id in its address, or is a file in HTML
that reads as a bulletin. A list is what a channel has as its own address, where it has rows.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from archive.captures.warc import Capture, Location, Role, payload_digest
from archive.errors import Unreadable
from archive.sources import Channel, PageContext, Source, document_id
from archive.storage.classify import ListRows, Page, classify

_HTML = re.compile(r"\.s?html?$|\.(?:jsp|php|aspx?)$|/[^./]*$", re.I)


@dataclass(frozen=True, slots=True)
class Place:
    """What a capture is to its source: a page or a list of a channel."""

    channel: str
    role: Role

    def of(self, capture: Capture) -> Capture:
        """The capture, placed."""
        return replace(capture, channel=self.channel, role=self.role)


class Candidates:
    """Judges answers by what the database and the source files know."""

    def __init__(self, conn: sqlite3.Connection, sources: Sequence[Source]) -> None:
        self._conn = conn
        self._contexts = [PageContext(s, s.home + "/", s.home) for s in sources]
        self._sources = {source.slug: source for source in sources}
        self._seen: dict[str, set[tuple[str, str, str]]] = {}

    def address(self, url: str) -> tuple[Source, str] | None:
        """The source that an absolute address is of, and its canonical address."""
        if not url.startswith(("http://", "https://")):
            return None
        for context in self._contexts:
            if address := context.canonical(url):
                return context.source, address
        return None

    def may_be(self, address: str) -> bool:
        """Whether a canonical address can be that of a page or list, before its body is read."""
        path = urlsplit(address).path
        return bool(document_id(address) or _HTML.search(path)) or self._listed(address) is not None

    def place(self, capture: Capture) -> Place | None:
        """What an answer is to its source, None where it is neither page nor list.

        The channel of a page is the one that lists its address, else the one with which its
        address shares the most folders, else the first.
        """
        source = self._sources[capture.source]
        lists = [c for c in source.channels if source.home + c.path == capture.address]
        for channel in lists:
            if self._has_rows(replace(capture, channel=channel.slug, role="list"), source):
                return Place(channel.slug, "list")
        if lists:
            return None
        listed = self._listed(capture.address)
        place = Place(listed or _nearest(source, capture.address).slug, "page")
        if listed or document_id(capture.address) or self._reads(place.of(capture), source):
            return place
        return None

    def is_new(self, capture: Capture, digest: str) -> bool:
        """Whether no capture has this address, time and payload yet; from now on one has."""
        seen = self._seen.get(capture.address)
        if seen is None:
            known = self._conn.execute(
                "SELECT url, fetched_at, CASE WHEN status = 304 THEN ? ELSE digest END"
                " FROM captures WHERE address = ?",
                (payload_digest(b""), capture.address),
            )
            seen = self._seen[capture.address] = set(known.fetchall())
        key = (capture.url, capture.fetched_at, digest)
        if key in seen:
            return False
        seen.add(key)
        return True

    def location(self, address: str, digest: str) -> Location | None:
        """Where the archive has a payload of an address."""
        row = self._conn.execute(
            "SELECT file, offset, length, digest FROM captures"
            " WHERE address = ? AND digest = ? AND status = 200 AND revisit IS NULL",
            (address, digest),
        ).fetchone()
        return Location(*row) if row else None

    def _listed(self, address: str) -> str | None:
        row = self._conn.execute(
            "SELECT channel FROM addresses WHERE url = ? AND first_listed IS NOT NULL", (address,)
        ).fetchone()
        return str(row[0]) if row else None

    def _has_rows(self, capture: Capture, source: Source) -> bool:
        try:
            return isinstance(classify(capture, source), ListRows)
        except Unreadable:
            return False

    def _reads(self, capture: Capture, source: Source) -> bool:
        try:
            return isinstance(classify(capture, source), Page)
        except Unreadable:
            return False


def _nearest(source: Source, address: str) -> Channel:
    """The channel whose path shares the most folders with an address; the first of the best."""
    folders = _folders(urlsplit(address).path)

    def shared(channel: Channel) -> int:
        pairs = list(zip(folders, _folders(channel.path), strict=False))
        return next((n for n, (one, other) in enumerate(pairs) if one != other), len(pairs))

    return max(source.channels, key=shared)


def _folders(path: str) -> list[str]:
    return path.split("/")[1:-1]
