"""Sources as plain values, and where a page of one comes from; source_files.py reads them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urljoin, urlsplit, urlunsplit

from archive.clock import civil_day
from archive.errors import UsageError
from archive.hrefs import read_href

# Document ids as the publishing systems write them into addresses, first match wins:
# TRS and MOHURD era A `t20200528_245619.html`, era B `20200528_245619.html`, Hanweb jpaas and
# JCMS `art_304_245619.html` (column, document), jpaas since 2024 `art_<32 hex>.html`.
_DOCUMENT_IDS = (
    re.compile(r"/t?\d{8}_(\d+)\.s?html?$"),
    re.compile(r"/art_\d+_(\d+)\.s?html?$"),
    re.compile(r"/art_([0-9a-f]{32})\.s?html?$"),
)
_URL_DATE = re.compile(r"/t?((?:19|20)\d{2})(\d{2})(\d{2})_\d+\.s?html?$")


@dataclass(frozen=True, slots=True)
class Channel:
    """One list (栏目) of a source; a retired one is a list of an earlier era."""

    slug: str
    name: str
    path: str
    platform: str
    rows: str
    retired: bool
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Layout:
    """CSS selectors for the detail pages of one era, each tried in turn.

    ``since`` and ``until`` are the first and last day on which the site served it, None where
    that is open.
    """

    name: str
    title: tuple[str, ...]
    published: tuple[str, ...]
    body: tuple[str, ...]
    attachments: tuple[str, ...]
    since: date | None = None
    until: date | None = None

    def was_served(self, day: date) -> bool:
        """Whether a page captured on this day can have the layout."""
        return (self.since or date.min) <= day <= (self.until or date.max)


@dataclass(frozen=True, slots=True)
class Source:
    """A ministry site: ``delay`` in seconds, ``rhythm_days`` how long silence stays normal."""

    slug: str
    name: str
    home: str
    hosts: tuple[str, ...]
    delay: float
    rhythm_days: int
    nightly_pages: int
    nightly_rechecks: int
    enabled: bool
    channels: tuple[Channel, ...]
    layouts: tuple[Layout, ...]

    def digest(self) -> str:
        """The SHA-256 of all in the source's file that rows are derived by; manners are not."""
        channels = [
            (c.slug, c.name, c.path, c.platform, c.rows, c.retired, sorted(c.options.items()))
            for c in self.channels
        ]
        read_by = (self.name, self.home, self.hosts, self.rhythm_days, channels, self.layouts)
        return hashlib.sha256(repr(read_by).encode()).hexdigest()

    def channel(self, slug: str) -> Channel:
        """The channel of that slug; raises UsageError naming those there are."""
        for channel in self.channels:
            if channel.slug == slug:
                return channel
        known = ", ".join(c.slug for c in self.channels)
        raise UsageError(f"{self.slug} has no channel {slug!r}; it has {known}")


@dataclass(frozen=True, slots=True)
class PageContext:
    """Where a page comes from: its source and canonical address, and where it was served from.

    ``captured`` is the civil date of its capture, None for a file whose day is not known.
    """

    source: Source
    address: str
    served: str
    captured: date | None = None

    def layouts(self) -> list[Layout]:
        """The source's layouts, those first that it served on the day of the capture.

        The others follow: mirrors serve a site's earlier eras on any day.
        """
        day = self.captured
        if day is None:
            return list(self.source.layouts)
        return sorted(self.source.layouts, key=lambda layout: not layout.was_served(day))

    def canonical(self, href: str) -> str | None:
        """The address at the ministry that a link leads to; None when it leaves the site.

        Scheme and host become the home's, whatever host served the page; the fragment is dropped.
        The link is read as a browser reads it (``read_href``).
        """
        try:
            parts = urlsplit(urljoin(self.address, read_href(href)))
            known = parts.hostname in self.source.hosts
        except ValueError:
            return None
        known = known or parts.netloc == urlsplit(self.served).netloc
        if parts.scheme not in ("http", "https") or not known:
            return None
        home = urlsplit(self.source.home)
        return urlunsplit((home.scheme, home.netloc, parts.path or "/", parts.query, ""))


def document_id(address: str) -> str | None:
    """The publishing system's document id in an address, None where it holds none."""
    path = urlsplit(address).path
    for pattern in _DOCUMENT_IDS:
        if found := pattern.search(path):
            return found[1]
    return None


def date_in_address(address: str) -> date | None:
    """The civil date that eras A and B and TRS write into a page's address."""
    found = _URL_DATE.search(urlsplit(address).path)
    return civil_day(int(found[1]), int(found[2]), int(found[3])) if found else None
