"""What the archive knows of a page once it has been read: its bulletin, entries and mentions.

Offsets count code points from 0 in the text of the entry they belong to, and
``text[offset:offset + len(mention)] == mention`` holds for every mention.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

DateKind = Literal["event", "since", "deadline", "as_of", "reference"]
Precision = Literal["day", "week", "xun", "month", "quarter", "half", "year", "plan", "vague"]
Level = Literal["city", "county", "town", "village", "xpcc"]
Basis = Literal["heading", "title", "issuer", "place"]
PublishedBasis = Literal["shown", "meta", "address", "signed", "list"]
EntryKind = Literal["lead", "section", "item", "article"]


class _Packed:
    """A value that another process reads back as a call of its class.

    What ``dataclass`` does for frozen classes with slots, field by field, takes twice as long, and
    every page has some hundred of these.
    """

    __slots__: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return type(self), tuple([getattr(self, name) for name in self.__slots__])


@dataclass(frozen=True, slots=True)
class DateMention(_Packed):
    """A date expression as written, and the civil days (Asia/Shanghai) that it means.

    ``start`` and ``end`` are both inclusive; either is None where the words leave it open.
    ``rule`` names the grammar rule that read it.
    """

    text: str
    offset: int
    kind: DateKind
    start: date | None
    end: date | None
    precision: Precision
    rule: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class PlaceMention(_Packed):
    """A place below the province as written; ``code`` is GB/T 2260, None when not resolved."""

    text: str
    offset: int
    level: Level
    code: str | None
    rule: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Official(_Packed):
    """A person with a title, both exactly as written; the offset is the name's."""

    name: str
    title: str
    offset: int


@dataclass(frozen=True, slots=True)
class Province(_Packed):
    """One of the 34 province-level divisions, keyed by its GB/T 2260 code."""

    code: str
    name: str
    short: str


@dataclass(frozen=True, slots=True)
class EntryProvince(_Packed):
    """A province that an entry carries, and what it was read from."""

    province: Province
    basis: Basis


@dataclass(frozen=True, slots=True)
class Entry(_Packed):
    """The smallest piece of a bulletin that stands by itself.

    ``seq`` counts from 1, the lead has 0. ``event_start`` and ``event_end`` are the first and last
    day of its dates of kind event and since; ``open_end`` is set where a since leaves the end
    open.
    """

    seq: int
    kind: EntryKind
    heading: str | None
    text: str
    provinces: tuple[EntryProvince, ...] = ()
    dates: tuple[DateMention, ...] = ()
    event_start: date | None = None
    event_end: date | None = None
    open_end: bool = False
    places: tuple[PlaceMention, ...] = ()
    officials: tuple[Official, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin(_Packed):
    """Where the ministry took the text from: ``摘自 《报•版》 YYYY.MM.DD``."""

    literal: str
    publication: str | None
    section: str | None
    date: date | None


@dataclass(frozen=True, slots=True)
class Attachment(_Packed):
    """A file offered beside the text: its canonical address and its label."""

    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Bulletin(_Packed):
    """One published page, read whole.

    ``published`` is the civil date of publication, None where neither the page nor the list has
    one; the archive does not store such a bulletin. ``published_at`` is the instant in UTC with Z,
    None where the page has no time of day; ``published_basis`` is what the date was read from: the
    page as shown, its meta tags, its address, the day on which the paper was signed, or the list.
    ``anchor`` is the reference date, from which expressions without a year count: the origin's
    date, else ``published``, else the last full date in the text. Without a reference date no dates
    are read. ``body_rule`` names the rule that found the text; a generic one is a fallback, and its
    result should be checked. The text of a page that has only pictures is empty.
    """

    url: str | None
    title: str
    series: str | None
    issue: int | None
    published: date | None
    published_at: str | None
    origin: Origin | None
    issuer: str | None
    anchor: date | None
    lead: Entry | None
    entries: tuple[Entry, ...]
    attachments: tuple[Attachment, ...]
    body_rule: str
    published_basis: PublishedBasis | None = None
