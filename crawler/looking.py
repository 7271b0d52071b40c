"""Looking at an unknown site: which pages are asked for, one after the other, and what they tell.

``look`` asks for a page by yielding an ``Ask`` and is sent the capture; who fetches it is not its
affair. ``look_at`` does the same with pages that somebody saved.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from archive.captures.warc import Capture, Role
from archive.clock import now, stamp
from archive.errors import SourceFailed, Unreadable, UsageError
from archive.parse.detail_page import Page, metas_of, read_page
from archive.parse.html import parse
from archive.parse.list_page import Row, list_unit, list_units
from archive.parse.platform_marks import platform_of
from archive.parse.titles import squeezed
from archive.sources import PageContext, Source
from archive.storage import classify
from archive.storage.classify import REDIRECT_STATUSES, ListRows, text_of_answer
from archive.storage.ingest import Outcome
from crawler.platforms import PLATFORMS
from crawler.platforms.step import Step
from crawler.proposal import ColumnPage, Key, Proposal, guess, site_of, with_details
from crawler.source_crawl import ENDLESS, MAX_HOPS
from crawler.source_text import source_from

# How many detail pages are wanted, and how many are asked for at most.
DETAILS = 2
_TRIES = 4
# A column page has a handful of list services at most: menus, the list, files beside it.
_UNITS = 4
# What a second page that is there settles.
_PAGING_NOTES = ("offset:", "how the list goes on:")
_FILE = re.compile(r"\.(?:pdf|docx?|xlsx?|pptx?|zip|rar|wps|ofd|jpe?g|png|mp4)$", re.I)
_MARKUP = re.compile(r"<[a-z!?][^<>]*>", re.I)
_SAVED_FROM = re.compile(r"<!--\s*saved from url=(?:\(\d+\))?(\S+?)\s*-->")


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: a canonical address, and what is expected there."""

    address: str
    role: Role


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen of a site: a proposal, and the pages that it was made from.

    ``others`` are answers that are no list and no bulletin; ``said`` is what was tried, in words.
    """

    proposal: Proposal
    column: Capture | None
    list: Capture
    details: tuple[Capture, ...]
    others: tuple[Capture, ...] = ()
    said: tuple[str, ...] = ()


Look = Generator[Ask, Capture, Looked]


def look(url: str) -> Look:
    """Look at a list of a site: its pages one by one, those that need not be there included.

    Raises UsageError for an address that is none, SourceFailed with the name of what is in the way
    of the list: a block page, an error, no list.
    """
    site = site_of(url)
    front = yield from _followed(url, "list", site)
    site = site_of(front.address)
    text = _opened(front)
    if platform_of(text) == "jpaas" and list_units(text):
        column, answer, proposal = yield from _from_service(front, text, site)
    else:
        column, answer, proposal = None, front, _guess(text, front.address, None)
    proposal, answer, said = yield from _first_page(proposal, answer, site)
    proposal, more = yield from _second_page(proposal, answer)
    details, others, tried = yield from _details(proposal, site)
    return _looked(proposal, column, answer, details, others, (*said, *more, *tried), site)


def _looked(
    proposal: Proposal,
    column: Capture | None,
    answer: Capture,
    details: Sequence[Capture],
    others: Sequence[Capture],
    said: Sequence[str],
    site: Source,
) -> Looked:
    read = [(text_of_answer(one), _page(one, site, proposal)) for one in details]
    proposal = with_details(proposal, [(text, page) for text, page in read if page])
    answer = replace(answer, role="list")
    return Looked(proposal, column, answer, tuple(details), tuple(others), tuple(said))


def _followed(address: str, role: Role, site: Source) -> Generator[Ask, Capture, Capture]:
    """The answer at an address, or where the site says that it is; raises SourceFailed."""
    for _ in range(MAX_HOPS + 1):
        capture = yield Ask(address, role)
        if capture.status not in REDIRECT_STATUSES:
            return capture
        target = urljoin(address, capture.header("Location"))
        if (urlsplit(target).hostname or "").removeprefix("www.") not in site.hosts:
            raise SourceFailed(
                f"{address}: moved: it leads to {target or 'nowhere'}, another site: look at that "
                "one, and name its list"
            )
        address = target
    raise SourceFailed(f"{address}: moved: {ENDLESS}")


def _opened(capture: Capture) -> str:
    """The text of an answer; raises SourceFailed with the name of what is in its place."""
    try:
        return text_of_answer(capture)
    except Unreadable as error:
        raise SourceFailed(f"{capture.address}: {error.kind}: {error}") from error


def _guess(text: str, address: str, column: ColumnPage | None) -> Proposal:
    try:
        return guess(text, address, column)
    except Unreadable as error:
        raise SourceFailed(f"{address}: {error.kind}: {error}") from error


def _from_service(
    front: Capture, text: str, site: Source
) -> Generator[Ask, Capture, tuple[Capture, Capture, Proposal]]:
    """The list of a column page of jpaas: the first of its services that answers rows."""
    problem = None
    for tag, unit in _likeliest_first(text)[:_UNITS]:
        address = PageContext(site, front.address, front.url).canonical(unit)
        if address is None:
            continue
        try:
            answer = yield Ask(address, "list")
            found = guess(text_of_answer(answer), address, ColumnPage(text, front.address, tag))
            return front, answer, found
        except Unreadable as error:
            problem = problem or SourceFailed(f"{address}: {error.kind}: {error}")
    raise problem or SourceFailed(f"{front.address}: its list services are on other sites")


def _likeliest_first(text: str) -> list[tuple[str, str]]:
    """The list services of a column page, that which is taken without a ``tag`` first."""
    units = list_units(text)
    try:
        usual = list_unit(text, None)
    except Unreadable:
        return units
    return sorted(units, key=lambda unit: unit[1] != usual)


def _first_page(
    proposal: Proposal, answer: Capture, site: Source
) -> Generator[Ask, Capture, tuple[Proposal, Capture, list[str]]]:
    """The list as the proposed channel asks for it, where that is not the address given."""
    source = source_from(proposal, site.slug)
    step = PLATFORMS[proposal.platform].first(source, source.channels[0])
    if step.role == "column" or step.address == answer.address:
        return proposal, answer, []
    try:
        found = yield Ask(step.address, "list")
        rows = _rows(found, source)
        if {row.address for row in rows} & {row.address for row in proposal.rows}:
            again = replace(proposal, rows=tuple(rows))
            again = _decided(again, ("path:",), f"{step.address} has the same list")
            return again, found, [f"asked for {step.address}: the same list"]
        why = "it has other rows"
    except Unreadable as error:
        why = f"{error.kind}: {error}"
    note = f"path: {step.address} is not the list that was looked at ({why})"
    return _undecided(proposal, note), answer, []


def _second_page(
    proposal: Proposal, answer: Capture
) -> Generator[Ask, Capture, tuple[Proposal, list[str]]]:
    """The proposal, with the offset at which the list's second page is, if it is at one."""
    tried: list[str] = []
    for varied in _offsets(proposal):
        source = source_from(varied, "new")
        try:
            step = _after(answer, source, proposal.rows)
            if step is None:
                return _undecided(proposal, "paging: the list seems to have one page"), tried
            found = yield Ask(step.address, "more")
            new = {row.address for row in _rows(found, source)}
            new -= {row.address for row in proposal.rows}
        except Unreadable as error:
            tried.append(f"asked for page 2: {error.kind}: {error}")
            continue
        tried.append(f"asked for {step.address}: {len(new)} rows that page 1 has not")
        if new:
            return _decided(varied, _PAGING_NOTES, tried[-1]), tried
    return _undecided(proposal, "paging: no second page was found where it was looked for"), tried


def _offsets(proposal: Proposal) -> list[Proposal]:
    """The proposal, and with the other offset where its platform counts from 0 or from 1."""
    if proposal.platform not in ("numbered", "trs"):
        return [proposal]
    written = proposal.key("offset")
    offset = (1 if proposal.platform == "trs" else 0) if written is None else written
    if offset not in (0, 1):
        return [proposal]
    other = 0 if offset == 1 else 1
    others = tuple(key for key in proposal.channel if key.name != "offset")
    key = Key("offset", other, f"page 2 is number {2 - other}")
    return [proposal, replace(proposal, channel=(*others, key))]


def _after(answer: Capture, source: Source, rows: Sequence[Row]) -> Step | None:
    """Where a source's platform has the second page of a list; raises Unreadable."""
    channel = source.channels[0]
    first = classify.classify(replace(answer, role="list", channel=channel.slug), source)
    pager = first.pager if isinstance(first, ListRows) else None
    step = Step(answer.address, "list", 1, pager)
    outcome = Outcome("list", rows=tuple(rows), pager=pager)
    return PLATFORMS[channel.platform].after(step, source, channel, outcome)


def _details(
    proposal: Proposal, site: Source
) -> Generator[Ask, Capture, tuple[list[Capture], list[Capture], list[str]]]:
    """Some pages of the list that can be read, and the answers that cannot."""
    details: list[Capture] = []
    others: list[Capture] = []
    said: list[str] = []
    pages = [row.address for row in proposal.rows if not _FILE.search(urlsplit(row.address).path)]
    for address in pages[:_TRIES]:
        if len(details) == DETAILS:
            break
        try:
            found = yield Ask(address, "page")
        except Unreadable as error:
            said.append(f"asked for {address}: {error.kind}: {error}")
            continue
        if _page(found, site, proposal):
            details.append(found)
        else:
            others.append(found)
            said.append(f"asked for {address}: it cannot be read as a bulletin")
    return details, others, said


def _page(capture: Capture, site: Source, proposal: Proposal) -> Page | None:
    """What a detail page is read as without any layout; None where it is none."""
    listed = next((r.listed for r in proposal.rows if r.address == capture.address), None)
    try:
        text = text_of_answer(capture)
        return read_page(text, PageContext(site, capture.address, capture.url), listed)
    except Unreadable:
        return None


def _rows(capture: Capture, source: Source) -> Sequence[Row]:
    """The rows of a list page as the proposed source reads them; raises Unreadable."""
    found = classify.classify(replace(capture, channel=source.channels[0].slug), source)
    return found.rows if isinstance(found, ListRows) else ()


def _undecided(proposal: Proposal, note: str) -> Proposal:
    return replace(proposal, undecided=(*proposal.undecided, note))


def _decided(proposal: Proposal, about: tuple[str, ...], because: str) -> Proposal:
    """The proposal without the doubts that an answer has settled; the answer is the evidence."""
    left = tuple(note for note in proposal.undecided if not note.startswith(about))
    channel = tuple(
        replace(key, because=f"{key.because}; {because}") if key.name == "path" else key
        for key in proposal.channel
    )
    return replace(proposal, channel=channel, undecided=left)


def look_at(url: str, files: Sequence[tuple[str, bytes]]) -> Looked:
    """Look at saved pages, each its file's name and bytes: the list's first, then others of it.

    The column page of jpaas comes before its list. Raises UsageError for files that are no pages,
    SourceFailed where the first is no list.
    """
    site = site_of(url)
    captures = [_saved(name, body, url, site) for name, body in files]
    first = captures[0]
    text = _opened(first)
    column, rest = None, captures[1:]
    units = list_units(text) if platform_of(text) == "jpaas" else []
    if units:
        tag, unit = _likeliest_first(text)[0]
        address = PageContext(site, url, url).canonical(unit) or url
        if not rest:
            raise UsageError(
                f"{files[0][0]} is a column page that asks {address} for its rows: save that "
                "answer too, and name it second"
            )
        column, answer = replace(first, role="column"), replace(rest[0], address=address)
        proposal = _guess(_opened(answer), address, ColumnPage(text, url, tag))
        rest = rest[1:]
    else:
        proposal = _guess(text, url, None)
        source = source_from(proposal, site.slug)
        address = PLATFORMS[proposal.platform].first(source, source.channels[0]).address
        answer = replace(first, address=address)
    placed = [_placed(one, proposal, site) for one in rest]
    details = [one for one in placed if _page(one, site, proposal)]
    others = [one for one in placed if one not in details]
    for name, capture in zip([name for name, _ in files][-len(placed) :], placed, strict=False):
        if capture.address == f"{site.home}/":
            proposal = _undecided(proposal, f"the address of {name}: neither it nor the list says")
    note = "paging: no second page was looked at; compare what the evidence says with the site"
    return _looked(_undecided(proposal, note), column, answer, details, others, (), site)


def _saved(name: str, body: bytes, url: str, site: Source) -> Capture:
    """A saved page as the answer to a request for the list's address; raises UsageError."""
    coding = (("Content-Encoding", "gzip"),) if body.startswith(b"\x1f\x8b") else ()
    capture = Capture(url, url, site.slug, None, "list", stamp(now()), 200, coding, body)
    try:
        text = text_of_answer(replace(capture, role="page"))
    except Unreadable as error:
        raise UsageError(f"{name}: {error.kind}: {error}") from error
    if not _MARKUP.search(text) and text.lstrip("\ufeff \t\r\n")[:1] not in ("{", "["):
        raise UsageError(f"{name} is no HTML, JSON or XML: save the page as the site sent it")
    return capture


def _placed(capture: Capture, proposal: Proposal, site: Source) -> Capture:
    """A saved page under its address: its row's, or what it says itself; else the site's home."""
    text, page = text_of_answer(replace(capture, role="page")), _page(capture, site, proposal)
    title = squeezed(page.title) if page else ""
    for row in proposal.rows:
        shown = squeezed(row.title).rstrip(".…")
        if title and (shown == title or (len(shown) > 8 and title.startswith(shown))):
            return replace(capture, address=row.address, url=row.address, role="page")
    root = parse(text)
    metas = metas_of(root) if root is not None else {}
    said = _SAVED_FROM.search(text)
    written = said[1] if said else metas.get("url", "")
    address = PageContext(site, capture.address, capture.url).canonical(written) if written else ""
    address = address or f"{site.home}/"
    return replace(capture, address=address, url=address, role="page")
