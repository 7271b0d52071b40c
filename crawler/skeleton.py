"""The files of a proposed source: its TOML, its pages, and expectations for a person to confirm."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from archive.captures.decode import unpack
from archive.captures.warc import Capture
from archive.errors import CannotWrite, Unreadable, UsageError
from archive.sources import Source
from archive.storage import classify
from archive.storage.classify import Classified, Column, ListRows, Page
from crawler.check_source import named, on_site, paragraphs, second_page
from crawler.looking import Looked
from crawler.page_expectations import NAME
from crawler.source_text import quoted, source_from, source_text

# Headers that say what an answer is; the others are the connection's.
_HEADERS = ("content-type", "set-cookie", "x-via-jsl")
_HEAD = """\
# Written by `bulletins new-source` on {day}: what the program read in these pages, not what a
# person did. Open each page, compare every value with it by eye, and correct it here; where the
# reading is wrong, correct the source file. Add an answer that is an error ([[errors]]). Only then
# put your name to it: reviewed = "YYYY-MM-DD by ...".
reviewed = ""
"""


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The texts and bytes to write: the source file, and the folder beside it by file name."""

    slug: str
    source: str
    pages: dict[str, bytes]


def skeleton(looked: Looked, slug: str, day: date) -> Skeleton:
    """The files of a source that was looked at on a day; raises UsageError for a wrong slug."""
    source = source_from(looked.proposal, slug)
    pages: dict[str, bytes] = {}
    tables = [_HEAD.format(day=day.isoformat())]
    channel = source.channels[0].slug
    if looked.column:
        column = replace(looked.column, channel=channel, role="column")
        found = classify.read(column, source)
        name = _keep(pages, "column", column, source)
        location = on_site(found.location, source) if isinstance(found, Column) else "/"
        keys = [("channel", quoted(channel)), *_page(name, column), ("list", quoted(location))]
        tables.append(_table("columns", keys))
    tables.append(_list(looked, source, pages))
    for capture in looked.details:
        tables.append(_detail(capture, looked, source, pages))
    for capture in looked.others:
        answer = replace(capture, channel=channel, role="page")
        name = _keep(pages, "error", answer, source)
        kind = named(classify.read(answer, source)).partition(":")[0]
        keys = [*_page(name, answer), _path(answer, source), ("kind", quoted(kind))]
        tables.append(_table("errors", keys))
    pages[NAME] = "\n".join(tables).encode()
    return Skeleton(slug, source_text(looked.proposal, day), pages)


def _list(looked: Looked, source: Source, pages: dict[str, bytes]) -> str:
    channel = source.channels[0]
    answer = replace(looked.list, channel=channel.slug, role="list")
    name = _keep(pages, "list", answer, source)
    found = classify.read(answer, source)
    rows = found.rows if isinstance(found, ListRows) else ()
    path = on_site(answer.address, source)
    keys = [("channel", quoted(channel.slug)), *_page(name, answer), ("path", quoted(path))]
    if isinstance(found, ListRows) and (second := second_page(path, channel, source, found)):
        keys.append(("second", quoted(second)))
    values = (
        (on_site(row.address, source), row.title, row.listed.isoformat() if row.listed else "")
        for row in rows
    )
    shown = "".join(f"    [{', '.join(map(quoted, row))}],\n" for row in values)
    return _table("lists", [*keys, ("rows", f"[\n{shown}]")])


def _detail(capture: Capture, looked: Looked, source: Source, pages: dict[str, bytes]) -> str:
    answer = replace(capture, channel=source.channels[0].slug, role="page")
    found: Classified | Unreadable = classify.read(answer, source)
    keys = [*_page(_keep(pages, "detail", answer, source), answer), _path(answer, source)]
    listed = next((r.listed for r in looked.proposal.rows if r.address == answer.address), None)
    if not isinstance(found, Page) and listed:
        found = classify.read(answer, source, listed)
        keys.append(("listed", quoted(listed.isoformat())))
    if not isinstance(found, Page):
        return _table("errors", [*keys, ("kind", quoted(named(found).partition(":")[0]))])
    bulletin = found.bulletin
    values = {
        "title": bulletin.title,
        "published": str(bulletin.published),
        "published_at": bulletin.published_at,
        "origin": bulletin.origin.publication if bulletin.origin else None,
        "issuer": bulletin.issuer,
    }
    keys += [(name, quoted(value)) for name, value in values.items() if value]
    text = "".join(f"    {quoted(line)},\n" for line in paragraphs(bulletin) if line)
    if text:
        keys.append(("text", f"[\n{text}]"))
    files = [(on_site(file.url, source), file.text) for file in bulletin.attachments]
    if files:
        shown = "".join(f"    [{', '.join(map(quoted, file))}],\n" for file in files)
        keys.append(("attachments", f"[\n{shown}]"))
    return _table("details", keys)


def _page(name: str, capture: Capture) -> Iterator[tuple[str, str]]:
    """The keys that every page has."""
    yield "file", quoted(name)
    headers = [(header, capture.header(header)) for header in _HEADERS if capture.header(header)]
    if headers:
        yield "headers", f"{{ {', '.join(f'{key} = {quoted(value)}' for key, value in headers)} }}"
    if capture.status != 200:
        yield "status", str(capture.status)


def _path(capture: Capture, source: Source) -> tuple[str, str]:
    return "path", quoted(on_site(capture.address, source))


def _table(name: str, keys: list[tuple[str, str]]) -> str:
    return "\n".join([f"[[{name}]]", *(f"{key} = {value}" for key, value in keys)]) + "\n"


def _keep(pages: dict[str, bytes], kind: str, capture: Capture, source: Source) -> str:
    """Take a page in, its site's own address made {home}; the name that its file gets."""
    body = unpack(capture.body, capture.header("Content-Encoding"))
    host = re.escape(urlsplit(source.home).netloc.encode())
    body = re.sub(rb"https?://" + host + rb"(?=[/\"'\s<>?#])", b"{home}", body)
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:10]
    extension = "html"
    if start[:1] in (b"{", b"["):
        extension = "json"
    elif start.startswith((b"<?xml", b"<datastore")):
        extension = "xml"
    number = sum(name.startswith(f"{kind}-") for name in pages) + 1
    name = f"{kind}-{number}.{extension}" if kind in ("detail", "error") else f"{kind}.{extension}"
    pages[name] = body
    return name


def check_free(folder: Path, slug: str) -> None:
    """Raise UsageError where a source's file or its folder of pages is there already."""
    for path in (folder / f"{slug}.toml", folder / slug):
        if path.exists():
            raise UsageError(
                f"{path} is there already and is not overwritten: choose another name with --name"
            )


def write(made: Skeleton, folder: Path) -> list[Path]:
    """Write the files into a folder of source files; the source file last. Raises CannotWrite."""
    check_free(folder, made.slug)
    files = {folder / made.slug / name: body for name, body in made.pages.items()}
    files[folder / f"{made.slug}.toml"] = made.source.encode()
    try:
        (folder / made.slug).mkdir(parents=True)
        for path, body in files.items():
            with path.open("xb") as out:
                out.write(body)
    except OSError as error:
        raise CannotWrite(
            f"{error.filename or folder} cannot be written: {error.strerror}"
        ) from error
    return list(files)
