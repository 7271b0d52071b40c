"""Bulletins: from a page taken apart to entries with provinces, dates, places and officials."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

from archive.model import Bulletin, DateMention, Entry, EntryProvince, Origin
from archive.normalise.dates.resolve import antecedent_of, find_dates
from archive.normalise.numerals import number_of
from archive.normalise.officials import find_officials
from archive.normalise.places import find_places
from archive.normalise.provinces import PROVINCES, province_of, provinces_in_title, read_heading
from archive.normalise.segments import Piece, divide
from archive.parse.detail_page import Page, read_page
from archive.parse.lines import Line, paragraphs_of
from archive.parse.origins import is_publication, origin_of_credit, read_origin, take_origin
from archive.parse.written_dates import full_dates
from archive.sources import PageContext

# 联播（二）, 简报（第3期）, 简报第3期, 简报2020年第3期（总第40期）; a year in brackets is not the
# number of an issue.
_COUNT = r"(?:[一二三四五六七八九十百零〇]{1,5}|\d{1,4})"
_ISSUE = re.compile(
    r"\s*[（(〔\[]?(?:(?:19|20)\d{2}\s?年?\s?[）)〕\]]?\s?[，,]?)?第\s?(?P<plain>"
    + _COUNT
    + r")\s?[期辑号]"
    r"(?:[\s（(,，]*总第?\s?\d{1,5}\s?[期辑号])?\s?[）)〕\]]*$"
    r"|\s*[（(](?P<bracketed>[一二三四五六七八九十百零〇]{1,5}|\d{1,3})[）)]$"
)
_TITLE_YEAR = re.compile(r"((?:19|20)\d{2})\s*年")


def read_bulletin(text: str, context: PageContext | None, listed: date | None = None) -> Bulletin:
    """A decoded detail page as a bulletin; raises Unreadable where the page holds no bulletin."""
    return to_bulletin(read_page(text, context, listed), context.address if context else None)


def to_bulletin(page: Page, url: str | None) -> Bulletin:
    """Divide a page's text into entries and normalise each; see ``divide`` for the division."""
    paragraphs = paragraphs_of(page.lines, stands_alone)
    origin, issuer, paragraphs = _origin_and_issuer(paragraphs, page.credit)
    series, issue = series_and_issue(page.title)
    anchor = (origin.date if origin else None) or page.published or _last_full_date(paragraphs)
    lead, pieces = divide(page.title, paragraphs)
    normalise = _Normaliser(page.title, issuer, anchor)
    entries = ([normalise(0, lead)] if lead else []) + [
        normalise(seq, piece) for seq, piece in enumerate(pieces, start=1)
    ]
    return Bulletin(
        url=url,
        title=page.title,
        series=series,
        issue=issue,
        published=page.published,
        published_at=page.published_at,
        origin=origin,
        issuer=issuer,
        anchor=anchor,
        lead=entries[0] if lead else None,
        entries=tuple(entries[1:] if lead else entries),
        attachments=page.attachments,
        body_rule=page.body_rule,
        published_basis=page.published_basis,
    )


def _last_full_date(paragraphs: Sequence[Line]) -> date | None:
    """The last date with a year in a text: papers are signed and dated at their end."""
    for line in reversed(paragraphs):
        if days := list(full_dates(line.text)):
            return days[-1]
    return None


def _origin_and_issuer(
    paragraphs: Sequence[Line], credit: str | None
) -> tuple[Origin | None, str | None, list[Line]]:
    """The origin and the issuer: a publication is an origin, an office is an issuer.

    The text's own line comes before what the page credits."""
    origin, rest = take_origin(paragraphs)
    issuer = None
    if origin and origin.publication and not (origin.section or is_publication(origin.publication)):
        origin, issuer = (None, origin.publication) if origin.date is None else (origin, None)
    if credit:
        credited = origin_of_credit(credit)
        origin, issuer = origin or credited, issuer if credited else credit
    return origin, issuer, rest


def stands_alone(line: str) -> bool:
    """Whether a line is a paragraph by itself however the text is wrapped."""
    return read_heading(line) is not None or read_origin(line) is not None


def series_and_issue(title: str) -> tuple[str | None, int | None]:
    """``脱贫攻坚战况联播（二）`` → series and number; (None, None) for a title without a number."""
    found = _ISSUE.search(title)
    if found is None or not title[: found.start()]:
        return None, None
    series = title[: found.start()].strip(" \u3000—-")
    return series, number_of(found["bracketed"] or found["plain"])


class _Normaliser:
    """Reads the pieces of one bulletin in order, and remembers the day that 当日 counts from."""

    def __init__(self, title: str, issuer: str | None, anchor: date | None) -> None:
        self.title_codes = provinces_in_title(title)
        self.issuer_codes = provinces_in_title(issuer) if issuer else ()
        year = _TITLE_YEAR.search(title)
        self.title_year = int(year[1]) if year else None
        self.anchor = anchor
        self.antecedent: date | None = None

    def __call__(self, seq: int, piece: Piece) -> Entry:
        dates = self._dates(piece.text)
        self.antecedent = antecedent_of(dates) or self.antecedent
        context = piece.codes or self.title_codes or self.issuer_codes
        places = tuple(find_places(piece.text, context, on=self.anchor))
        provinces = tuple(self._provinces(piece, [p.code for p in places if p.code]))
        event_start, event_end, open_end = event_range(dates)
        return Entry(
            seq=seq,
            kind=piece.kind,
            heading=piece.heading,
            text=piece.text,
            provinces=provinces,
            dates=dates,
            event_start=event_start,
            event_end=event_end,
            open_end=open_end,
            places=places,
            officials=tuple(find_officials(piece.text)),
        )

    def _dates(self, text: str) -> tuple[DateMention, ...]:
        if self.anchor is None:
            return ()
        return tuple(
            find_dates(text, self.anchor, title_year=self.title_year, antecedent=self.antecedent)
        )

    def _provinces(self, piece: Piece, place_codes: Sequence[str]) -> Iterator[EntryProvince]:
        """The heading's provinces, else the title's, else the issuer's, else the places'."""
        if piece.codes:
            yield from (EntryProvince(PROVINCES[code], "heading") for code in piece.codes)
        elif self.title_codes:
            yield from (EntryProvince(PROVINCES[code], "title") for code in self.title_codes)
        elif self.issuer_codes:
            yield from (EntryProvince(PROVINCES[code], "issuer") for code in self.issuer_codes)
        else:
            named = [*provinces_in_title(piece.text), *place_codes]
            found = dict.fromkeys(p for code in named if (p := province_of(code)))
            yield from (EntryProvince(province, "place") for province in found)


def event_range(dates: Sequence[DateMention]) -> tuple[date | None, date | None, bool]:
    """First and last day over event and since, and whether a since leaves the end open."""
    events = [d for d in dates if d.kind in ("event", "since") and d.start is not None]
    starts = [d.start for d in events if d.start]
    ends = [d.end or d.start for d in events if d.start]
    open_end = any(d.kind == "since" for d in events)
    return min(starts, default=None), max((e for e in ends if e), default=None), open_end
