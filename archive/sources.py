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

# Document ids as the publishing systems write them into addresses, first match wins. The folder
# before an id without a name of its own must be a date, or any page would have one.
_HEX = r"[0-9a-f]{32}"
_YEAR, _MONTH, _DAY = r"(?:19|20)\d{2}", r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
_TWO = r"(?:0[1-9]|1[0-2])"
_DOCUMENT_IDS = tuple(
    re.compile(pattern)
    for pattern in (
        # The JSON of 金融监管总局.
        r"/data_docId=(\d+)\.json$",
        # TRS and MOHURD era A `t20200528_245619.html`, era B without the t; 广西 `t19107548`.
        r"/t?\d{8}_(\d+)\.s?html?$",
        r"/t(\d{5,})\.s?html?$",
        # Hanweb JCMS and jpaas: column and document, since 2024 32 hex digits.
        r"/art_\d+_(\d+)\.s?html?$",
        rf"/art_({_HEX})\.s?html?$",
        # gov.cn and 网信办, 广东, 最高法.
        r"/(?:content|c)_(\d+)\.s?html?$",
        r"/content/post_(\d+)\.s?html?$",
        r"/xiangqing/(\d+)\.s?html?$",
        # 上海, 四川, 卫健委 and others: 32 hex digits in a folder of a day or a month.
        rf"/{_YEAR}{_TWO}(?:\d\d)?/({_HEX})\.s?html?$",
        rf"/{_YEAR}/{_MONTH}/{_DAY}/({_HEX})\.s?html?$",
        rf"/{_YEAR}{_TWO}\d\d/([0-9a-f]{{16,64}})/c\.s?html?$",
        # 河北; 河南, 外汇局, 中医药局 and 林草局: a number in a folder of a day.
        rf"/{_YEAR}{_TWO}/\d\d/([0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})\.s?html?$",
        rf"/{_YEAR}(?:/{_TWO}-?\d\d|-{_TWO}-\d\d|{_TWO}\d\d)/(\d+)\.s?html?$",
        # 北京's districts and 辽宁, 国资委 and 证监会: a folder for each document.
        r"/(\d{5,})/index\.s?html?$",
        r"/c(\d{4,})/content\.s?html?$",
    )
)
# Days as they stand in addresses: in the file's name, or as its folders.
_NAME_DATE = re.compile(rf"/t?({_YEAR})(\d\d)(\d\d)_\d+\.s?html?$")
_FOLDER_DATES = (
    re.compile(rf"/({_YEAR})/({_MONTH})/({_DAY})/[^/]+\.s?html?$"),
    re.compile(rf"/({_YEAR})-({_TWO})/(\d\d)/[^/]+\.s?html?$"),
    re.compile(rf"/({_YEAR})-({_TWO})-(\d\d)/[^/]+\.s?html?$"),
    re.compile(rf"/({_YEAR})/({_TWO})-?(\d\d)/[^/]+\.s?html?$"),
    re.compile(rf"/({_YEAR})({_TWO})/?(\d\d)/(?:[^/]+|[0-9a-f]+/c)\.s?html?$"),
    re.compile(rf"/({_YEAR})({_TWO})(\d\d)\d{{4,}}/index\.s?html?$"),
)


@dataclass(frozen=True, slots=True)
class Channel:
    """One list (栏目) of a source; a retired one is a list of an earlier era.

    ``undated`` says that its rows show no dates, ``options`` has the platform's own keys.
    """

    slug: str
    name: str
    path: str
    platform: str
    rows: str
    retired: bool
    options: Mapping[str, str]
    undated: bool = False


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
class About:
    """What a source is and how sure its file is of that; nothing is derived or asked by it.

    ``province`` is the division's code of a provincial department, ``body_code`` the site's
    SiteIDCode, ``contact`` the path of the page with whom to write to, ``reason`` why a source is
    not enabled. Empty, or None, where the file does not say it.
    """

    kind: str | None = None
    province: str = ""
    body_code: str = ""
    contact: str = ""
    verified: str | None = None
    verified_on: date | None = None
    reason: str = ""

    @property
    def sureness(self) -> str:
        """How sure the file is and since when, in words; "" where it does not say."""
        return " ".join(str(said) for said in (self.verified, self.verified_on) if said)


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
    about: About = About()

    def digest(self) -> str:
        """The SHA-256 of all in the source's file that rows are derived by; manners are not."""
        channels = [
            (
                *(c.slug, c.name, c.path, c.platform, c.rows, c.retired, c.undated),
                sorted(c.options.items()),
            )
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
    """The civil date that a publishing system writes into a page's address, None without one.

    Where it is the file's name (TRS, MOHURD's eras A and B) it is the day on which the file was
    made, some days off the day of publication; see ``date_in_folders``.
    """
    found = _NAME_DATE.search(urlsplit(address).path)
    return _civil(found) if found else date_in_folders(address)


def date_in_folders(address: str) -> date | None:
    """The civil date in the folders of an address (/2020/9/15/), which is that of publication."""
    path = urlsplit(address).path
    found = next((match for pattern in _FOLDER_DATES if (match := pattern.search(path))), None)
    return _civil(found) if found else None


def _civil(found: re.Match[str]) -> date | None:
    return civil_day(int(found[1]), int(found[2]), int(found[3]))
