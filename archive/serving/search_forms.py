"""Search results for other programs: all of them as streamed CSV, the latest as an Atom feed.

The feed is written with ElementTree. Of the libraries for it, feedgen (last release in 2023) needs
python-dateutil, and feedgenerator cannot write the link to the ministry's page (``via``); both
refuse text with characters that XML cannot hold, so most of these lines would stay.
"""

from __future__ import annotations

import csv
import io
import re
import sqlite3
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any
from xml.etree import ElementTree

from datasette.utils.asgi import AsgiStream, Response

from archive.search import Query, plain
from archive.serving.entry_search import (
    Entry,
    Page,
    kinds_of,
    learned,
    newest,
    parse_entries,
    sources_of,
    typed,
)
from archive.serving.repeats import Elsewhere, also_at, repeats
from archive.serving.search_request import DATABASE, PAGE, Asked, Refused, read

BATCH = 500
"""Entries that a download reads at a time; other requests are answered in between."""

SUMMARY = 160
"""Characters of an entry in a feed."""

EPOCH = "1970-01-01T00:00:00Z"
"""The ``updated`` of a feed without entries."""

CSV_COLUMNS = (
    "slug", "date", "province", "source", "title", "heading", "text", "kind", "event_start",
    "event_end", "published", "status", "url", "also_at",
)  # fmt: skip

Others = Mapping[int, list[Elsewhere]]
Batch = tuple[Page, Others]
"""Entries, and by their id where else they were published."""

ATOM = "http://www.w3.org/2005/Atom"
# Characters that XML may not contain, escaped or not (XML 1.0, section 2.2).
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


async def search_csv(request: Any, datasette: Any) -> Any:
    """All entries that match, by date; read in batches, so that memory stays small."""
    asked = Asked.of(request.args)

    def begun(conn: sqlite3.Connection) -> tuple[Query, frozenset[int], Batch]:
        query = parse_entries(asked.q, sources_of(conn), kinds_of(conn))
        hidden = repeats(conn, query)
        return query, hidden, _batch(conn, query, None, hidden)

    try:
        # A query that takes too long can only be refused before the response begins.
        query, hidden, (page, elsewhere) = await read(datasette, begun)
    except Refused as refused:
        return Response.text(refused, status=400)

    async def written(writer: Any) -> None:
        if request.method == "HEAD":
            return
        nonlocal page, elsewhere
        await writer.write(_csv_rows([CSV_COLUMNS]))
        await writer.write(_as_csv(page, elsewhere))
        while page.after is not None:
            page, elsewhere = await read(
                datasette, partial(_batch, query=query, cursor=page.after, hidden=hidden)
            )
            await writer.write(_as_csv(page, elsewhere))

    return AsgiStream(
        written,
        headers={"content-disposition": 'attachment; filename="search.csv"'},
        content_type="text/csv; charset=utf-8",
    )


async def search_atom(request: Any, datasette: Any) -> Any:
    """The entries that match as an Atom feed (RFC 4287), those that the archive learned of last.

    It is valid without entries too.
    """
    asked = Asked(Asked.of(request.args).q)

    def last_learned(conn: sqlite3.Connection) -> tuple[Query, list[tuple[Entry, str]], Others]:
        query = parse_entries(asked.q, sources_of(conn), kinds_of(conn))
        entries = learned(conn, query, PAGE)
        return query, entries, also_at(conn, [int(entry["id"] or 0) for entry, _ in entries])

    try:
        query, entries, elsewhere = await read(datasette, last_learned)
    except Refused as refused:
        return Response.text(refused, status=400)

    def link(path: str) -> str:
        return str(datasette.absolute_url(request, path))

    addresses = {
        entry["slug"]: link(datasette.urls.row(DATABASE, "entries", entry["id"]))
        for entry, _ in entries
    }
    feed = _feed(query, entries, addresses, elsewhere)
    for at, (rel, path, kind) in enumerate(
        (
            ("self", "/search.atom", "application/atom+xml"),
            ("alternate", "/search", "text/html"),
        )
    ):
        here = {"rel": rel, "type": kind, "href": link(asked.url(datasette, path))}
        feed.insert(at, ElementTree.Element("link", here))
    body = ElementTree.tostring(feed, encoding="unicode")
    return Response(
        f'<?xml version="1.0" encoding="utf-8"?>\n{body}',
        content_type="application/atom+xml; charset=utf-8",
    )


def _batch(
    conn: sqlite3.Connection, query: Query, cursor: str | None, hidden: frozenset[int]
) -> Batch:
    """The next entries of a download, and where else they were published."""
    page = newest(conn, query, BATCH, cursor, hidden)
    return page, also_at(conn, [int(entry["id"] or 0) for entry in page.entries])


def _as_csv(page: Page, elsewhere: Others) -> str:
    """Lines of CSV; ``also_at`` has names and addresses, separated by ；."""
    rows = []
    for entry in page.entries:
        others = elsewhere.get(int(entry["id"] or 0), [])
        also = "；".join(f"{other.name} {other.url}" for other in others)
        said = {**entry, "also_at": also}
        rows.append([said[column] for column in CSV_COLUMNS])
    return _csv_rows(rows)


def _csv_rows(rows: list[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def _feed(
    query: Query,
    entries: list[tuple[Entry, str]],
    addresses: Mapping[Any, str],
    elsewhere: Others,
) -> ElementTree.Element:
    """A feed without its links; ids are name-based (UUID 5), so they do not depend on the host."""
    feed = ElementTree.Element("feed", {"xmlns": ATOM, "xml:lang": "zh-CN"})
    _add(feed, "id", _named(f"search:{typed(query)}"))
    _add(feed, "title", f"部委公报档案 · {query.describe()}")
    _add(feed, "updated", entries[0][1] if entries else EPOCH)
    _add(ElementTree.SubElement(feed, "author"), "name", "部委公报档案 Ministry Bulletin Archive")
    for row, updated in entries:
        entry = ElementTree.SubElement(feed, "entry")
        _add(entry, "id", _named(f"entry:{row['slug']}"))
        _add(entry, "title", " ".join(filter(None, (_text(row, "title"), _text(row, "heading")))))
        _add(entry, "updated", updated)
        _add(entry, "published", f"{row['published']}T00:00:00+08:00")
        own, ministry = addresses[row["slug"]], _NOT_XML.sub("", _text(row, "url"))
        ElementTree.SubElement(entry, "link", {"rel": "alternate", "href": own})
        ElementTree.SubElement(entry, "link", {"rel": "via", "href": ministry})
        for other in elsewhere.get(int(row["id"] or 0), []):
            said = {"rel": "related", "href": _NOT_XML.sub("", other.url)}
            said["title"] = _NOT_XML.sub("", f"同文另见：{other.name}")
            ElementTree.SubElement(entry, "link", said)
        _add(entry, "summary", plain(_text(row, "text"), query, SUMMARY))
    return feed


def _text(entry: Entry, column: str) -> str:
    return str(entry[column] or "")


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = _NOT_XML.sub("", text)


def _named(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, name).urn
