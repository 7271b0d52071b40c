"""Pages that a person kept of a source, and what stands in each: a folder with ``expected.toml``.

docs/adding-a-source.md describes the file. Addresses in it are paths on the site, and ``{home}`` in
a page is the site's address, so that a page can be served from anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from archive.captures.warc import Capture, Role
from archive.errors import SourceFileError
from archive.source_files import ListPath, Text
from archive.sources import Source
from archive.toml_tables import Table, TableT, checked, read_toml

NAME = "expected.toml"
_REVIEWED = re.compile(r"(\d{4}-\d{2}-\d{2}) by \S.*")
# At one in the morning there, so that the civil date of a capture is its own.
_AT = "T17:00:00Z"

Words = Annotated[str, Meta(description="text in quotes")]
OnSite = Annotated[
    str, Meta(pattern=r"^(?:/|https?://)[^\s#]*\Z", description="an address that begins with '/'")
]
Headers = Annotated[
    dict[str, str], Meta(description='a table such as { content-type = "text/html" }')
]
Pairs = Annotated[
    tuple[tuple[str, str], ...], Meta(description='a list such as [["/a.pdf", "附件"]]')
]
Rows = Annotated[
    tuple[tuple[str, str, str], ...],
    Meta(description='a list such as [["/a.html", "title", "2026-05-13"]]'),
]
Paragraphs = Annotated[tuple[str, ...], Meta(description="a list of texts in quotes")]
OnDay = Annotated[date | None, Meta(description="a date without quotes, such as 2026-09-30")]


class PageTable(Table, kw_only=True):
    """What every page has: its file, its path on the site, and the answer's headers."""

    file: Text
    headers: Headers = msgspec.field(default_factory=dict)
    status: Annotated[int, Meta(ge=100, le=599, description="an HTTP status")] = 200
    captured: OnDay = None


class ColumnTable(PageTable, kw_only=True):
    """``[[columns]]``: a column page, and the list that it asks for."""

    channel: Text
    list: OnSite


class ListTable(PageTable, kw_only=True):
    """``[[lists]]``: a list page; ``second`` is the path of the list's second page, if it has one.

    ``page`` is its own number; those from 2 on are fragments, or in another shape than the first.
    """

    channel: Text
    path: ListPath
    rows: Rows
    second: OnSite = ""
    page: Annotated[int, Meta(ge=1, description="a whole number from 1")] = 1


class DetailTable(PageTable, kw_only=True):
    """``[[details]]``: a bulletin's page.

    ``text`` has all its paragraphs, or ``first`` and ``last`` the first and the last. ``listed`` is
    the date that its list has, for a page that has none itself.
    """

    path: ListPath
    title: Text
    published: Text
    listed: Words = ""
    published_at: Words = ""
    origin: Words = ""
    issuer: Words = ""
    text: Paragraphs = ()
    first: Words = ""
    last: Words = ""
    attachments: Pairs = ()


class ErrorTable(PageTable, kw_only=True):
    """``[[errors]]``: an answer in place of a page, and the name that it gets."""

    kind: Text
    path: ListPath = "/"
    channel: Words = ""
    role: Annotated[
        Literal["column", "list", "more", "page"],
        Meta(description='"column", "list", "more" or "page"'),
    ] = "page"


class ExpectedTable(Table):
    """The whole file."""

    reviewed: Words = ""
    lists: tuple[dict[str, Any], ...] = ()
    columns: tuple[dict[str, Any], ...] = ()
    details: tuple[dict[str, Any], ...] = ()
    errors: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Expectations:
    """What a folder's file says; ``reviewed`` is empty where no person has put a name to it."""

    folder: Path
    reviewed: str
    columns: tuple[ColumnTable, ...]
    lists: tuple[ListTable, ...]
    details: tuple[DetailTable, ...]
    errors: tuple[ErrorTable, ...]

    def body(self, page: PageTable, source: Source) -> bytes:
        """A page's bytes; raises SourceFileError where the file cannot be read."""
        try:
            body = (self.folder / page.file).read_bytes()
        except OSError as error:
            raise SourceFileError(f"{self.folder / page.file}: {error.strerror}") from error
        return body.replace(b"{home}", source.home.encode())

    def capture(
        self, page: PageTable, source: Source, role: Role, channel: str, path: str
    ) -> Capture:
        """A page as a crawl would have captured it."""
        address = path if path.startswith("http") else source.home + path
        day = page.captured.isoformat() if page.captured else self.reviewed[:10] or "2000-01-01"
        headers = tuple(page.headers.items())
        body = self.body(page, source)
        return Capture(
            address, address, source.slug, channel, role, day + _AT, page.status, headers, body
        )


def read_expectations(folder: Path) -> Expectations:
    """What stands in a folder's pages; raises SourceFileError with the file and the key."""
    return read_toml(folder / NAME, lambda raw: _expectations(folder, raw), SourceFileError)


def _expectations(folder: Path, raw: Mapping[str, Any]) -> Expectations:
    table = checked(ExpectedTable, raw, "")
    reviewed = _REVIEWED.fullmatch(table.reviewed)
    return Expectations(
        folder=folder,
        reviewed=reviewed[0] if reviewed else "",
        columns=_tables(ColumnTable, "columns", table.columns),
        lists=_tables(ListTable, "lists", table.lists),
        details=_tables(DetailTable, "details", table.details),
        errors=_tables(ErrorTable, "errors", table.errors),
    )


def _tables(kind: type[TableT], name: str, raw: Sequence[Mapping[str, Any]]) -> tuple[TableT, ...]:
    return tuple(checked(kind, one, f"{name} {at}: ") for at, one in enumerate(raw, start=1))
