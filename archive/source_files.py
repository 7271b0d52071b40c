"""Source files: TOML tables whose keys and types a schema checks, made into plain values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from msgspec import Meta

from archive.errors import SourceFileError
from archive.parse.html import check_selector
from archive.sources import About, Channel, Layout, Source
from archive.toml_tables import Table, checked, read_toml, shown, wrong

# Reads the folders of source files that a command names, besides those that it has by itself.
LoadSources = Callable[[Sequence[Path]], dict[str, Source]]
# Slugs become parts of addresses, labels in the search index and headers of WARC files.
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]*")
_SLUG_ALLOWED = "lower-case letters from a to z, digits, - and _"


class Selector(str):
    """A CSS selector; one that nobody can read is refused with the file that has it."""

    __slots__ = ()


# The description of each type says in an error message, and to the reader of docs/sources.md, what
# can be written.
Text = Annotated[str, Meta(min_length=1, description='text in quotes, such as "新闻发布"')]
Flag = Annotated[bool, Meta(description="true or false, without quotes")]
Home = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s/:@?#\[\]]+(:\d{1,5})?/?\Z",
        description='scheme and host, such as "https://www.example.gov.cn"',
    ),
]
Host = Annotated[str, Meta(pattern=r"^[^\sA-Z/:@?#\[\]]+\Z")]
Hosts = Annotated[
    tuple[Host, ...],
    Meta(description='a list of host names in lower case, each once, such as ["example.gov.cn"]'),
]
# The least is an invariant of the archive: a second or more between two requests to a host. With
# more than an hour a list would never be finished.
Delay = Annotated[float, Meta(ge=1, le=3600, description="a number of seconds from 1 to 3600")]
Days = Annotated[int, Meta(ge=1, le=3660, description="a whole number of days from 1 to 3660")]
Pages = Annotated[int, Meta(ge=1, le=10**6, description="a whole number from 1 to 1000000")]
ListPath = Annotated[
    str,
    Meta(
        pattern=r"^/[^\s#]*\Z",
        description='an address on the site that begins with "/", such as "/xwfb/index.html"',
    ),
]
Rows = Annotated[Selector, Meta(description='a CSS selector, such as "li.date"')]
Selectors = Annotated[
    tuple[Selector, ...], Meta(description='a list of CSS selectors, such as ["td.tit", ".tit"]')
]
SomeSelectors = Annotated[
    tuple[Selector, ...],
    Meta(min_length=1, description='a list of CSS selectors, such as ["div.editor-content"]'),
]
Kind = Annotated[
    Literal["ministry", "agency", "provincial"] | None,
    Meta(description='"ministry", "agency" or "provincial"'),
]
Verified = Annotated[
    Literal["captured", "reported", "guessed"] | None,
    Meta(description='"captured", "reported" or "guessed"'),
]
# Empty only as a default.
Province = Annotated[
    str, Meta(pattern=r"^[1-8]\d0000\Z", description='six digits in quotes, such as "230000"')
]
BodyCode = Annotated[
    str,
    Meta(
        pattern=r"^[a-z]{2}\d{8}\Z|^\d{10}\Z",
        description='its SiteIDCode in quotes, such as "bm18000002"',
    ),
]
On = Annotated[date | None, Meta(description="a date without quotes, such as 2026-09-30")]
Day = Annotated[
    date | None, Meta(description="a date without quotes, such as 2024-10-01; since before until")
]


class ChannelTable(Table):
    """``[channels.SLUG]``: what every channel has; a platform adds its own keys to it."""

    name: Text
    path: ListPath
    platform: str
    rows: Rows = Selector("li")
    retired: Flag = False
    undated: Flag = False

    def options(self) -> dict[str, str]:
        """The values of the platform's own keys, those that are set."""
        own = set(self.__struct_fields__) - set(ChannelTable.__struct_fields__)
        return {key: str(value) for key in sorted(own) if (value := getattr(self, key))}


class LayoutTable(Table):
    """``[[layouts]]``."""

    name: Text
    body: SomeSelectors
    title: Selectors = ()
    published: Selectors = ()
    attachments: Selectors = ()
    since: Day = None
    until: Day = None


class SourceTable(Table):
    """The whole file."""

    name: Text
    home: Home
    rhythm_days: Days
    channels: Annotated[
        dict[str, dict[str, Any]],
        Meta(min_length=1, description="at least one table [channels.SLUG]"),
    ]
    hosts: Hosts = ()
    delay: Delay = 2.0
    nightly_pages: Pages = 500
    # A source with ten new pages a day needs some 430 re-checks a night after a year, and 600 after
    # eight (archive/storage/rechecks.py); at two seconds each, 500 take a quarter of an hour.
    nightly_rechecks: Pages = 500
    enabled: Flag = True
    reason: Text = ""
    kind: Kind = None
    province: Province = ""
    body_code: BodyCode = ""
    contact: ListPath = ""
    verified: Verified = None
    verified_on: On = None
    layouts: Annotated[
        tuple[dict[str, Any], ...], Meta(description="tables that begin with [[layouts]]")
    ] = ()


class SwitchTable(Table):
    """A file that says of a source of an earlier folder whether it is crawled, and nothing else."""

    enabled: Flag


def load_sources(
    folders: Sequence[Path], platforms: Mapping[str, type[ChannelTable]]
) -> dict[str, Source]:
    """All sources of these folders, by slug in name order.

    A later folder replaces a source of the same slug; where its file has the key ``enabled`` alone,
    nothing but that. ``platforms`` are the tables that channels can have, by the platform's name.
    Raises SourceFileError.
    """
    sources: dict[str, Source] = {}
    for folder in folders:
        if not folder.is_dir():
            raise SourceFileError(f"{folder} is not a folder of source files")
        for path in sorted(folder.glob("*.toml")):
            source = read_source(path, platforms, sources.get(path.stem))
            sources[source.slug] = source
    return dict(sorted(sources.items()))


def own_sources(data: Path) -> tuple[Path, ...]:
    """The folder of source files that a data folder has for itself, if it has one."""
    folder = data / "sources"
    return (folder,) if folder.is_dir() else ()


def read_source(
    path: Path, platforms: Mapping[str, type[ChannelTable]], earlier: Source | None = None
) -> Source:
    """One source file, which may switch an ``earlier`` source of its slug on or off.

    Raises SourceFileError with the file, the key and what is allowed.
    """

    def read(raw: dict[str, Any]) -> Source:
        if earlier is not None and raw.keys() == {"enabled"}:
            return replace(earlier, enabled=checked(SwitchTable, raw, "").enabled)
        return source_of(path.stem, raw, platforms)

    return read_toml(path, read, SourceFileError)


def source_of(
    slug: str, raw: dict[str, Any], platforms: Mapping[str, type[ChannelTable]]
) -> Source:
    """The source that a file's table describes; raises UsageError, which does not name the file."""
    if not _SLUG.fullmatch(slug):
        raise SourceFileError(f"name the file <slug>.toml, its slug in {_SLUG_ALLOWED}")
    table = checked(SourceTable, raw, "", _selector)
    home = table.home.rstrip("/")
    try:
        own = str(urlsplit(home).hostname)
    except ValueError as error:
        raise SourceFileError(wrong(SourceTable, "home", raw, "", str(error))) from error
    if bool(table.province) != (table.kind == "provincial"):
        raise SourceFileError('province and kind = "provincial" go together: write both or none')
    hosts = (own, *table.hosts)
    if len(set(hosts)) < len(hosts):
        raise SourceFileError(wrong(SourceTable, "hosts", raw, "", "home's own is one of them"))
    return Source(
        slug=slug,
        name=table.name,
        home=home,
        hosts=hosts,
        delay=table.delay,
        rhythm_days=table.rhythm_days,
        nightly_pages=table.nightly_pages,
        nightly_rechecks=table.nightly_rechecks,
        enabled=table.enabled,
        channels=tuple(_channel(*item, platforms) for item in table.channels.items()),
        layouts=tuple(_layout(*item) for item in enumerate(table.layouts, start=1)),
        about=About(
            kind=table.kind,
            province=table.province,
            body_code=table.body_code,
            contact=table.contact,
            verified=table.verified,
            verified_on=table.verified_on,
            reason=table.reason,
        ),
    )


def _channel(
    slug: str, raw: dict[str, Any], platforms: Mapping[str, type[ChannelTable]]
) -> Channel:
    if not _SLUG.fullmatch(slug):
        raise SourceFileError(f"channel {shown(slug)}: write its slug in {_SLUG_ALLOWED}")
    where = f"channel {slug}: "
    named = raw.get("platform")
    if not isinstance(named, str) or named not in platforms:
        given = f" = {shown(named)}" if "platform" in raw else " is missing"
        names = ", ".join(f'"{name}"' for name in platforms)
        raise SourceFileError(f"{where}platform{given}: write one of {names}")
    table = checked(platforms[named], raw, where, _selector)
    return Channel(
        slug=slug,
        name=table.name,
        path=table.path,
        platform=table.platform,
        rows=str(table.rows),
        retired=table.retired,
        undated=table.undated,
        options=table.options(),
    )


def _layout(number: int, raw: dict[str, Any]) -> Layout:
    where = f"layout {number}: "
    table = checked(LayoutTable, raw, where, _selector)
    layout = Layout(
        name=table.name,
        title=tuple(map(str, table.title)),
        published=tuple(map(str, table.published)),
        body=tuple(map(str, table.body)),
        attachments=tuple(map(str, table.attachments)),
        since=table.since,
        until=table.until,
    )
    if layout.since and layout.until and layout.since > layout.until:
        raise SourceFileError(
            f"{where}since = {layout.since} is after until = {layout.until}: swap them"
        )
    return layout


def _selector(kind: type, value: object) -> Selector:
    """What msgspec asks for the one type that it does not know itself."""
    if not isinstance(value, str):
        raise TypeError
    check_selector(value)
    return Selector(value)
