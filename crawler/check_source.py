"""Whether a source's pages are read as a person read them, said side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import takewhile
from pathlib import Path

from archive.captures.warc import Capture, Role
from archive.errors import Unreadable, UsageError
from archive.model import Bulletin
from archive.sources import Channel, Source
from archive.storage import classify
from archive.storage.classify import Classified, Column, ListRows, Page
from archive.storage.ingest import Outcome
from crawler.page_expectations import (
    NAME,
    ColumnTable,
    DetailTable,
    ErrorTable,
    Expectations,
    ListTable,
)
from crawler.platforms import PLATFORMS
from crawler.platforms.step import Step

# The pages of the sources that ship; they are in a checkout only.
SHIPPED = Path(__file__).parent.parent / "tests" / "sources"
# How many characters are shown on either side of a place where two values part.
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Compared:
    """One value of a page: what is expected, and what is read."""

    file: str
    what: str
    expected: str
    read: str

    @property
    def differs(self) -> bool:
        """Whether it is read otherwise than expected."""
        return self.expected != self.read

    @property
    def apart(self) -> str:
        """Where the two part, in words: what both have up to there, and what follows in each."""
        pairs = zip(self.expected, self.read, strict=False)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        both = self.expected[max(same - _SHOWN, 0) : same]
        sides = (side[same : same + _SHOWN] or "nothing" for side in (self.expected, self.read))
        after = f"after {both} " if both else ""
        return "{}, {}: {}expected {}, read {}".format(self.file, self.what, after, *sides)


def folder_of(slug: str, folders: Sequence[Path]) -> Path:
    """The folder of a source's pages: NAME in one of these, or where those that ship have it.

    Raises UsageError where there is none.
    """
    for folder in (*folders, SHIPPED):
        if (folder / slug / NAME).is_file():
            return folder / slug
    looked = ", ".join(str(folder / slug) for folder in folders)
    raise UsageError(
        f"there are no pages of {slug} to check: for a source of your own, put them and {NAME} "
        f"into {looked or f'a folder {slug}'}, or name its parent with --pages; those of the "
        "sources that ship are in tests/sources of a checkout and are not installed"
    )


def compare(source: Source, expected: Expectations) -> list[Compared]:
    """Every value that the expectations name, beside what is read from the pages.

    Raises SourceFileError where a page cannot be read, UsageError where a channel is unknown.
    """
    return [
        *(line for page in expected.columns for line in _column(page, source, expected)),
        *(line for page in expected.lists for line in _list(page, source, expected)),
        *(line for page in expected.details for line in _detail(page, source, expected)),
        *(line for page in expected.errors for line in _error(page, source, expected)),
    ]


def problems(lines: Sequence[Compared], source: Source, expected: Expectations) -> str:
    """What is wrong, in words: values that differ, what the folder lacks; else empty."""
    differing = sum(line.differs for line in lines)
    said = [f"{differing} of {len(lines)} values are read otherwise"] if differing else []
    if lacks := _lacking(source, expected):
        said.append(f"{expected.folder} lacks {', '.join(lacks)}")
    return "; ".join(said)


def _lacking(source: Source, expected: Expectations) -> list[str]:
    live = [channel.slug for channel in source.channels if not channel.retired]
    covered = {page.channel for page in expected.lists}
    found = [f"a list page of {slug}" for slug in live if slug not in covered]
    if sum(bool(detail.text or detail.first) for detail in expected.details) < 2:
        found.append("two details with text")
    if not expected.errors:
        found.append("an answer that is an error")
    if not expected.reviewed:
        found.append('reviewed = "YYYY-MM-DD by …", written by whoever read the pages')
    return found


def _read(capture: Capture, source: Source, listed: str = "") -> Classified | Unreadable:
    return classify.read(capture, source, date.fromisoformat(listed) if listed else None)


def _column(page: ColumnTable, source: Source, expected: Expectations) -> Iterator[Compared]:
    channel = source.channel(page.channel)
    found = _read(expected.capture(page, source, "column", channel.slug, channel.path), source)
    shown = on_site(found.location, source) if isinstance(found, Column) else named(found)
    yield Compared(page.file, "list", page.list, shown)


def _list(page: ListTable, source: Source, expected: Expectations) -> Iterator[Compared]:
    channel = source.channel(page.channel)
    role: Role = "list" if page.page == 1 else "more"
    found = _read(expected.capture(page, source, role, channel.slug, page.path), source)
    if not isinstance(found, ListRows):
        yield Compared(page.file, "rows", str(len(page.rows)), named(found))
        return
    read = [
        (on_site(row.address, source), row.title, row.listed.isoformat() if row.listed else "")
        for row in found.rows
    ]
    yield Compared(page.file, "rows", str(len(page.rows)), str(len(read)))
    for number in range(max(len(read), len(page.rows))):
        for at, what in enumerate(("address", "title", "date")):
            sides = (rows[number][at] if number < len(rows) else "" for rows in (page.rows, read))
            yield Compared(page.file, f"row {number + 1} {what}", *sides)
    if page.page == 1:
        yield Compared(
            page.file, "second page", page.second, second_page(page.path, channel, source, found)
        )


def second_page(path: str, channel: Channel, source: Source, found: ListRows) -> str:
    """Where the channel's platform looks for the second page; empty where there is none."""
    first = Step(source.home + path, "list", 1, found.pager)
    outcome = Outcome("list", rows=found.rows, pager=found.pager)
    try:
        step = PLATFORMS[channel.platform].after(first, source, channel, outcome)
    except Unreadable as error:
        return named(error)
    return on_site(step.address, source) if step else ""


def _detail(page: DetailTable, source: Source, expected: Expectations) -> Iterator[Compared]:
    capture = expected.capture(page, source, "page", source.channels[0].slug, page.path)
    found = _read(capture, source, page.listed)
    if not isinstance(found, Page):
        yield Compared(page.file, "title", page.title, named(found))
        return
    bulletin = found.bulletin
    origin = bulletin.origin.publication if bulletin.origin else None
    yield Compared(page.file, "title", page.title, bulletin.title)
    yield Compared(page.file, "published", page.published, str(bulletin.published))
    yield Compared(page.file, "published at", page.published_at, bulletin.published_at or "")
    yield Compared(page.file, "origin", page.origin, origin or "")
    yield Compared(page.file, "issuer", page.issuer, bulletin.issuer or "")
    text = paragraphs(bulletin)
    if page.text:
        for number in range(max(len(text), len(page.text))):
            sides = (side[number] if number < len(side) else "" for side in (page.text, text))
            yield Compared(page.file, f"paragraph {number + 1}", *sides)
    else:
        yield Compared(page.file, "first paragraph", page.first, text[0])
        yield Compared(page.file, "last paragraph", page.last, text[-1])
    files = [(on_site(file.url, source), file.text) for file in bulletin.attachments]
    for number in range(max(len(files), len(page.attachments))):
        both = (
            " ".join(side[number]) if number < len(side) else ""
            for side in (page.attachments, files)
        )
        yield Compared(page.file, f"attachment {number + 1}", *both)


def paragraphs(bulletin: Bulletin) -> list[str]:
    """The paragraphs of a bulletin's entries, the lead's first; headings are not among them."""
    entries = ([bulletin.lead] if bulletin.lead else []) + list(bulletin.entries)
    return [line for entry in entries for line in entry.text.split("\n")]


def _error(page: ErrorTable, source: Source, expected: Expectations) -> Iterator[Compared]:
    channel = source.channel(page.channel).slug if page.channel else source.channels[0].slug
    found = _read(expected.capture(page, source, page.role, channel, page.path), source)
    yield Compared(page.file, "named", page.kind, named(found).partition(":")[0])


def named(found: Classified | Unreadable) -> str:
    """What an answer is called: an incident's kind and message, or what it was taken for."""
    if isinstance(found, Unreadable):
        return f"{found.kind}: {found}"
    name = type(found).__name__
    return {"ListEnd": "end", "ListRows": "list"}.get(name, name.lower())


def on_site(address: str, source: Source) -> str:
    """An address as expectations have it: a path on the site, or whole where it leads elsewhere."""
    return address.removeprefix(source.home)
