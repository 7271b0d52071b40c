"""Classify: what one capture is, from its own bytes and its source; no database is asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from archive.captures.block_pages import BLOCKED, STAND_INS, block_page_kind
from archive.captures.decode import decode, unpack
from archive.captures.garbled import is_garbled
from archive.captures.warc import Capture
from archive.clock import civil_date
from archive.errors import Unreadable, status_kind
from archive.model import Bulletin
from archive.normalise.bulletin_json import content_digest
from archive.normalise.bulletins import read_bulletin
from archive.parse.html import shown_pieces
from archive.parse.json_list import JsonShape, read_json_list
from archive.parse.list_page import Row, list_unit, read_list, shows_dates
from archive.parse.pagers import Pager, read_pager
from archive.parse.platform_marks import platform_of
from archive.parse.written_html import written_by_scripts
from archive.sources import Channel, PageContext, Source, document_id
from archive.storage.robots import read_rules

GONE_STATUSES = (404, 410)
# A list of a few rows may well repeat a title.
MIN_SAME_TITLES = 5
# Fewer rows without a date may be all there are this year.
MIN_UNDATED = 5
# 更多, 查看详情: the words of a link that is not the title.
SHORT_TITLE = 4
REDIRECT_STATUSES = (301, 302, 303, 307, 308)
# File names of front pages and error pages.
_FRONT = re.compile(r"$|(?:index|default|main|home|error|err|404|notfound)\b", re.I)


@dataclass(frozen=True, slots=True)
class Robots:
    """A site's robots.txt, or that it has none."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column page; ``location`` is the canonical address of the list that it shows."""

    location: str


@dataclass(frozen=True, slots=True)
class ListRows:
    """A list page with rows; ``pager`` is what it says of the whole list."""

    rows: tuple[Row, ...]
    pager: Pager | None = None


@dataclass(frozen=True, slots=True)
class ListEnd:
    """A list page past the last one with rows."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirect within the site; ``target`` is the canonical address that it leads to."""

    target: str


@dataclass(frozen=True, slots=True)
class Missing:
    """A page that is not there: 404 or 410, or what the site sends in place of that.

    ``said`` is what it says instead; ``leads_away`` is set where it leads to the front page or to
    an error page, which tells nothing of a page that was never captured.
    """

    said: str = ""
    leads_away: bool = False


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A page that is as it was when its validators were sent: 304."""


@dataclass(frozen=True, slots=True)
class Page:
    """A bulletin's page; ``digest`` is the SHA-256 of what it says."""

    bulletin: Bulletin
    digest: str


Classified = Robots | Column | ListRows | ListEnd | Redirect | Missing | Unchanged | Page

Reading = Classified | Unreadable | None
"""What a capture was read as ahead of its turn; None where it was not read."""


def read(capture: Capture, source: Source, listed: date | None = None) -> Classified | Unreadable:
    """``classify``, with what it raises as a value; a parser that trips is ``parser-error``."""
    try:
        return classify(capture, source, listed)
    except Unreadable as error:
        return error
    except Exception as error:  # a page that trips the parser must not stop the others
        return parser_error(error)


def parser_error(error: Exception) -> Unreadable:
    """The incident of a page that tripped the parser."""
    return Unreadable(
        "parser-error",
        f"the parser failed ({type(error).__name__}: {error}): please report it with this address; "
        "the page is kept and read again by the next version",
    )


def needs_the_list(found: Reading) -> bool:
    """Whether a capture that was read without a date from a list may be a page with one."""
    return isinstance(found, Unreadable) and found.kind == "unrecognised"


def classify(capture: Capture, source: Source, listed: date | None = None) -> Classified:
    """What a capture is; ``listed`` is the date that a list gave a page, if any did.

    Raises Unreadable for an answer that is none of these: a block page, an error status, a body
    that cannot be decoded or recognised, a first list page without rows, a redirect off the site.
    """
    if capture.role == "robots":
        cookie, coding = capture.header("Set-Cookie"), capture.header("Content-Encoding")
        read_rules(capture.status, cookie, coding, capture.body)
        return Robots()
    if capture.status in REDIRECT_STATUSES:
        return _redirect(capture, source)
    is_page = capture.role == "page"
    if capture.status == 304 and is_page:
        return Unchanged()
    if capture.status in GONE_STATUSES:
        return Missing() if is_page else _no_list(capture, f"answers {capture.status}")
    try:
        text = text_of_answer(capture)
        if is_page:
            return _page(capture, source, text, listed)
    except Unreadable as error:
        if error.kind == "soft-404":
            said = "says that there is no such page"
            return Missing(said) if is_page else _no_list(capture, said)
        raise
    if capture.role == "column":
        return _column(capture, source, text)
    return _list(capture, source, text)


def moved_away(capture: Capture) -> Unreadable:
    """The incident of a redirect that cannot be followed."""
    return Unreadable(
        "moved",
        f"the address now leads to {capture.header('Location') or 'nowhere'}, which is not a page "
        "of this source: look where the page went",
    )


def _redirect(capture: Capture, source: Source) -> Redirect | Missing:
    target = _context(capture, source).canonical(capture.header("Location"))
    if target is None or target == capture.address:
        raise moved_away(capture)
    if capture.role == "page" and not _may_be_the_page(capture.address, target):
        if document_id(target) is None and _FRONT.match(target.rsplit("/", 1)[1]):
            return Missing(f"leads to {target}", leads_away=True)
        raise moved_away(capture)
    return Redirect(target)


def _may_be_the_page(address: str, target: str) -> bool:
    """Whether a redirect can lead to the same page rather than to an error or the front page.

    A document's page leads to a document's page; where addresses hold no document id, it stays
    in its folder.
    """
    if document_id(address) or document_id(target):
        return document_id(target) is not None
    folder, name = target.rsplit("/", 1)
    return folder == address.rsplit("/", 1)[0] and not _FRONT.match(name)


def text_of_answer(capture: Capture) -> str:
    """The decoded body of a good answer; raises Unreadable for every other kind."""
    raw = unpack(capture.body, capture.header("Content-Encoding"))
    if capture.status != 200:
        raise _error_status(capture, raw)
    if capture.truncated:
        raise Unreadable("truncated", "the connection ended before the page did: ask again")
    if not raw.strip():
        raise Unreadable("empty", "the answer has no content: ask again, or look by hand")
    text = decode(raw)
    # The parser looks for block pages in place of a bulletin itself.
    block = None
    if capture.role != "page":
        block = block_page_kind(200, "", text, shown_pieces(text))
    if block == "wall-script" and (capture.role == "column" or _is_scripted_list(text)):
        block = None
    if block:
        raise Unreadable(block, STAND_INS.get(block, BLOCKED))
    return text


def _is_scripted_list(text: str) -> bool:
    """Whether a page that is nothing but scripts is a list's all the same.

    A column page may be the script that asks for its list, a list the scripts that write its rows,
    and a page past the last one the script of a pager.
    """
    return platform_of(text) is not None or "<a " in written_by_scripts(text)


def _error_status(capture: Capture, raw: bytes) -> Unreadable:
    shown = raw[:100_000].decode("utf-8", errors="replace")
    if block := block_page_kind(capture.status, capture.header("Set-Cookie"), shown, ()):
        return Unreadable(block, f"{BLOCKED} (status {capture.status})")
    return Unreadable(
        status_kind(capture.status),
        f"the site answered {capture.status}; ask again later, or look at it in a browser",
    )


def _column(capture: Capture, source: Source, text: str) -> Column:
    channel = source.channel(capture.channel or "")
    try:
        unit = list_unit(text, channel.options.get("tag"))
    except Unreadable as error:
        raise Unreadable(error.kind, f"{error}{_looks_like(text, channel)}") from error
    location = _context(capture, source).canonical(unit)
    if location is None:
        raise Unreadable(
            "list-refused",
            f"the column page takes its list from {unit}, which is not on this site: look at it",
        )
    return Column(location)


def _list(capture: Capture, source: Source, text: str) -> ListRows | ListEnd:
    channel = source.channel(capture.channel or "")
    rows, pager = _rows(text, channel, _context(capture, source))
    if not rows:
        return _without_rows(capture, text, channel, pager)
    if _say_nothing(rows):
        raise Unreadable(
            "list-titles-same",
            f"all {len(rows)} rows are titled {rows[0].title!r}: the site may have a new layout; "
            "compare the channel's rows selector in the source file with the page",
        )
    if len(rows) >= MIN_UNDATED and not channel.undated and not shows_dates(rows):
        raise Unreadable(
            "list-undated",
            f"none of the {len(rows)} rows has a date, such as {rows[0].title!r}: these may be "
            "other links than the list's; compare the channel's rows selector in the source file "
            "with the page, or write undated = true where the list has no dates",
        )
    return ListRows(tuple(rows), pager)


def _rows(text: str, channel: Channel, context: PageContext) -> tuple[Sequence[Row], Pager | None]:
    """The rows of a list page and its pager, as the channel's options say that they are written."""
    if shape := JsonShape.of(channel.options):
        return read_json_list(text, shape, context)
    return read_list(text, channel.rows, context), read_pager(text)


def _looks_like(text: str, channel: Channel) -> str:
    """What is said of a page that has the marks of another platform; nothing of one without."""
    found = platform_of(text)
    if found in (None, channel.platform):
        return ""
    return f"; the page looks like one of the platform {found}, the channel's is {channel.platform}"


def _say_nothing(rows: Sequence[Row]) -> bool:
    """Whether the titles of a list are words such as 详情, or equal where no row has a date.

    Lists of 生态环境部 have the same full title for many pages (督察集中通报典型案例), with dates.
    """
    if len(rows) < MIN_SAME_TITLES or len({row.title for row in rows}) > 1:
        return False
    return len(rows[0].title) <= SHORT_TITLE or all(row.listed is None for row in rows)


def _no_list(capture: Capture, said: str) -> ListEnd:
    """A list page that is not there: the end after pages with rows, ``list-missing`` else."""
    if capture.role == "more":
        return ListEnd()
    raise Unreadable(
        "list-missing",
        f"the list {said}: the site may have moved it; compare the channel's path in the source "
        "file with the site's navigation",
    )


def _without_rows(capture: Capture, text: str, channel: Channel, pager: Pager | None) -> ListEnd:
    """A list page without rows: the end after pages with rows, ``list-empty`` where it is first.

    One that calls itself a page among the list's own is no end, but ``list-pager``.
    """
    if capture.role != "more":
        raise Unreadable(
            "list-empty",
            "the list's first page has no rows: the site may have a new layout; compare the "
            f"channel's rows selector in the source file with the page{_looks_like(text, channel)}",
        )
    if pager and pager.number and 1 < pager.number <= pager.pages:
        raise Unreadable(
            "list-pager",
            f"the page calls itself page {pager.number} of {pager.pages} and has no rows: the site "
            "may have a new layout for it; look at it",
        )
    return ListEnd()


def _page(capture: Capture, source: Source, text: str, listed: date | None) -> Page:
    bulletin = read_bulletin(text, _context(capture, source), listed)
    if bulletin.published is None:
        raise Unreadable(
            "unrecognised",
            "no date of publication found, on the page or in its list: the site may have a new "
            "layout",
        )
    if is_garbled("".join([bulletin.title, *(entry.text for entry in bulletin.entries)])):
        raise Unreadable(
            "garbled",
            "the page's characters were lost before it was sent: wait until the site mends it",
        )
    return Page(bulletin, content_digest(bulletin))


def _context(capture: Capture, source: Source) -> PageContext:
    captured = date.fromisoformat(civil_date(capture.fetched_at))
    return PageContext(source, capture.address, capture.url, captured)
