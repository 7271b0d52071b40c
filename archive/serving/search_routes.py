"""Pages of a search: /search, and the same as /search.json, /search.csv and /search.atom."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode
from xml.etree import ElementTree

from datasette.utils.asgi import AsgiStream, Response
from datasette.views.base import DatasetteError
from markupsafe import Markup

from archive.entry_search import (
    Entry,
    EntryFacets,
    Page,
    Suggestion,
    count,
    facets,
    newest,
    parse_entries,
    relevance,
    sources_of,
    suggest,
    typed,
)
from archive.provinces import PROVINCES
from archive.search import MAX_LENGTH, Filter, InvalidQuery, Query, plain, snippet
from archive.search.find import RANKED, Count

T = TypeVar("T")

DATABASE = "bulletins"

PAGE = 20
"""Entries on a page, in an answer in JSON, and in a feed."""

BATCH = 500
"""Entries that a download reads at a time, between which other requests have their turn."""

SNIPPET = 160
"""Characters of an entry that a result shows."""

EPOCH = "1970-01-01T00:00:00Z"
"""When a feed was updated that has no entry yet."""

CSV_COLUMNS = (
    "slug", "date", "province", "source", "title", "heading", "text", "kind", "event_start",
    "event_end", "published", "status", "url",
)  # fmt: skip

ATOM = "http://www.w3.org/2005/Atom"
# What no XML may hold, escaped or not (XML 1.0, section 2.2).
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# A revision changes an entry; a bulletin whose revisions are not there was seen first at least.
_UPDATED = """
SELECT bulletins.id, coalesce(max(revisions.captured_at), bulletins.first_seen)
FROM bulletins LEFT JOIN revisions ON revisions.bulletin = bulletins.id
WHERE bulletins.id IN ({}) GROUP BY bulletins.id
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for, as it was typed; ``after`` is a cursor or None."""

    q: str
    sort: Literal["date", "relevance"]
    after: str | None

    @classmethod
    def of(cls, args: Any) -> Asked:
        """Read a request's arguments; a sort that is none is by date.

        ``_search`` means the same as ``q``: the start page's box serves two pages.
        """
        sort: Literal["date", "relevance"] = (
            "relevance" if args.get("sort") == "relevance" else "date"
        )
        words = [*args.getlist("q"), *args.getlist("_search")]
        return cls(" ".join(words), sort, args.get("after") or None)

    def url(self, datasette: Any, path: str = "/search", **more: str) -> str:
        """The address of this search in another form; ``more`` are further arguments."""
        asked = {"q": self.q}
        if self.sort != "date":
            asked["sort"] = self.sort
        # What was typed may hold halves of characters, which no address can carry.
        query = urlencode(asked | more, errors="replace")
        return f"{datasette.urls.path(path)}?{query}"


@dataclass(frozen=True, slots=True)
class Found:
    """An answer, read from the database at one moment; ``query`` is what was understood."""

    query: Query
    sources: Mapping[str, str]
    page: Page
    total: Count
    facets: EntryFacets | None
    suggestions: list[Suggestion]


@dataclass(frozen=True, slots=True)
class Choice:
    """A facet's value; ``url`` adds it to the query, or takes it away where it is ``chosen``."""

    label: str
    number: int
    url: str | None
    chosen: bool


def routes() -> list[tuple[str, Callable[..., Any]]]:
    """Patterns of paths, and the functions that answer them."""
    return [
        (r"^/search$", search_page),
        (r"^/search\.json$", search_json),
        (r"^/search\.csv$", search_csv),
        (r"^/search\.atom$", search_atom),
    ]


async def search_page(request: Any, datasette: Any) -> Any:
    """A page of results, with the facets that narrow them down."""
    asked = Asked.of(request.args)
    found = await _read(datasette, lambda conn: find(conn, asked, _with_facets(request)))
    context = {
        "asked": asked,
        "understood": found.query.describe(),
        "found": found,
        "facets": choices(found, asked, datasette),
        "marked": lambda text: Markup(snippet(text, found.query, SNIPPET)),  # noqa: S704 (escaped)
        "long": SNIPPET,
        "ranked": RANKED,
        "orders": {
            sort: Asked(asked.q, sort, None).url(datasette) for sort in ("date", "relevance")
        },
        "next_url": asked.url(datasette, after=found.page.after) if found.page.after else None,
        "again": asked.url(datasette),
        "nearest": [
            (each, Asked(each.typed, asked.sort, None).url(datasette)) for each in found.suggestions
        ],
        "forms": {
            "JSON": asked.url(datasette, "/search.json"),
            "CSV": asked.url(datasette, "/search.csv"),
            "CSV（Excel）": asked.url(datasette, "/search.csv", _bom="1"),
            "Atom": Asked(asked.q, "date", None).url(datasette, "/search.atom"),
        },
    }
    return Response.html(await datasette.render_template("search.html", context, request=request))


async def search_json(request: Any, datasette: Any) -> Any:
    """The same as data; ``facets=0`` leaves the facets out, and the total may be "at least"."""
    asked = Asked.of(request.args)
    found = await _read(datasette, lambda conn: find(conn, asked, _with_facets(request)))
    after = found.page.after
    next_path = asked.url(datasette, "/search.json", after=after) if after else None
    if next_path and not _with_facets(request):
        next_path += "&facets=0"
    answer = {
        "query": asked.q,
        "understood": found.query.describe(),
        "sort": asked.sort,
        "sort_exact": found.page.exact,
        "total": found.total._asdict(),
        "entries": [
            {**entry, "snippet": snippet(_text(entry, "text"), found.query, SNIPPET)}
            for entry in found.page.entries
        ],
        "facets": found.facets
        and {
            "province": dict(found.facets.provinces),
            "source": dict(found.facets.sources),
            "month": dict(found.facets.months),
        },
        "suggestions": [
            {"query": each.typed, "why": each.why, "total": each.count._asdict()}
            for each in found.suggestions
        ],
        "next": datasette.absolute_url(request, next_path) if next_path else None,
    }
    return Response(
        json.dumps(answer, ensure_ascii=False), content_type="application/json; charset=utf-8"
    )


async def search_csv(request: Any, datasette: Any) -> Any:
    """All entries that match, by date; read in batches, so that nothing is held in memory."""
    asked = Asked.of(request.args)
    query = await _read(datasette, lambda conn: parse_entries(asked.q, sources_of(conn)))

    async def written(writer: Any) -> None:
        await writer.write(_csv_rows([CSV_COLUMNS]))
        page = Page([], "")
        while page.after is not None:
            page = await _read(
                datasette, partial(newest, query=query, limit=BATCH, cursor=page.after)
            )
            await writer.write(
                _csv_rows([[entry[column] for column in CSV_COLUMNS] for entry in page.entries])
            )

    return AsgiStream(
        written,
        headers={"content-disposition": 'attachment; filename="search.csv"'},
        content_type="text/csv; charset=utf-8",
    )


async def search_atom(request: Any, datasette: Any) -> Any:
    """The newest entries that match as an Atom feed (RFC 4287), valid without any too."""
    asked = Asked(Asked.of(request.args).q, "date", None)

    def read(conn: sqlite3.Connection) -> tuple[Query, Page, dict[int, str]]:
        query = parse_entries(asked.q, sources_of(conn))
        page = newest(conn, query, PAGE)
        bulletins = sorted({int(entry["bulletin"] or 0) for entry in page.entries})
        marks = ", ".join("?" * len(bulletins))
        rows = conn.execute(_UPDATED.format(marks), bulletins)
        return query, page, dict(rows)

    query, page, updated = await _read(datasette, read)

    def link(path: str) -> str:
        return str(datasette.absolute_url(request, path))

    addresses = {
        entry["slug"]: link(datasette.urls.row(DATABASE, "entries", entry["id"]))
        for entry in page.entries
    }
    feed = _feed(query, page.entries, updated, addresses)
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


def find(conn: sqlite3.Connection, asked: Asked, with_facets: bool) -> Found:
    """Answer a search; raises InvalidQuery if it is too long.

    With facets the total is exact. Suggestions are looked for where nothing was found.
    """
    sources = sources_of(conn)
    query = parse_entries(asked.q, sources)
    listed = relevance if asked.sort == "relevance" else newest
    page = listed(conn, query, PAGE, asked.after)
    counted = facets(conn, query) if with_facets else None
    total = Count(counted.total, True) if counted else count(conn, query)
    suggestions = suggest(conn, query) if query.terms and not total.number else []
    return Found(query, sources, page, total, counted, suggestions)


def choices(found: Found, asked: Asked, datasette: Any) -> dict[str, list[Choice]]:
    """The facets as links, by their titles."""
    if found.facets is None:
        return {}

    def chosen(field: str, value: str, label: str, number: int) -> Choice:
        word = f"{field}:{value}"
        (added,) = parse_entries(word, found.sources).terms
        kept = tuple(term for term in found.query.terms if not _same(term, added))
        taken = len(kept) < len(found.query.terms)
        if taken:
            changed = typed(Query(kept))
        else:
            # What a person typed stays as it is where the word just adds to it.
            wanted = (*found.query.terms, added)
            changed = f"{asked.q.strip()} {word}".strip()
            if len(changed) > MAX_LENGTH or parse_entries(changed, found.sources).terms != wanted:
                changed = typed(Query(wanted))
        url = Asked(changed, asked.sort, None).url(datasette)
        return Choice(label, number, url if len(changed) <= MAX_LENGTH else None, taken)

    short = {province.code: province.short for province in PROVINCES.values()}
    return {
        "省份": [
            chosen("省", short[code], short[code], number)
            for code, number in found.facets.provinces.items()
            if code in short
        ],
        "来源": [
            chosen("来源", slug, found.sources[slug], number)
            for slug, number in found.facets.sources.items()
            if slug in found.sources
        ],
        "月份": [
            chosen("日期", month, month, number) for month, number in found.facets.months.items()
        ],
    }


def _same(term: object, other: object) -> bool:
    """Whether two filters ask for the same, however they were typed."""
    return (
        isinstance(term, Filter)
        and isinstance(other, Filter)
        and set(term.labels) == set(other.labels)
    )


async def _read(datasette: Any, read: Callable[[sqlite3.Connection], T]) -> T:
    """Run ``read`` in one of Datasette's threads, on the database as it is at one moment.

    Raises DatasetteError (status 400) for a query that is refused.
    """

    def at_once(conn: sqlite3.Connection) -> T:
        conn.execute("BEGIN")
        try:
            return read(conn)
        finally:
            conn.rollback()

    try:
        found: T = await datasette.get_database(DATABASE).execute_fn(at_once)
    except InvalidQuery as error:
        raise DatasetteError(str(error), title="检索式太长", status=400) from error
    return found


def _with_facets(request: Any) -> bool:
    return request.args.get("facets") not in ("0", "off")


def _text(entry: Entry, column: str) -> str:
    return str(entry[column] or "")


def _csv_rows(rows: list[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def _feed(
    query: Query, entries: list[Entry], updated: Mapping[int, str], addresses: Mapping[Any, str]
) -> ElementTree.Element:
    """A feed without its links; ids are names (UUID 5), the same at whatever address it is read."""
    feed = ElementTree.Element("feed", {"xmlns": ATOM, "xml:lang": "zh-CN"})
    _add(feed, "id", _named(f"search:{typed(query)}"))
    _add(feed, "title", f"部委公报档案 · {query.describe()}")
    _add(feed, "updated", max(updated.values(), default=EPOCH))
    _add(ElementTree.SubElement(feed, "author"), "name", "部委公报档案 Ministry Bulletin Archive")
    for row in entries:
        entry = ElementTree.SubElement(feed, "entry")
        _add(entry, "id", _named(f"entry:{row['slug']}"))
        _add(entry, "title", " ".join(filter(None, (_text(row, "title"), _text(row, "heading")))))
        _add(entry, "updated", updated.get(int(row["bulletin"] or 0), EPOCH))
        _add(entry, "published", f"{row['published']}T00:00:00+08:00")
        own, ministry = addresses[row["slug"]], _NOT_XML.sub("", _text(row, "url"))
        ElementTree.SubElement(entry, "link", {"rel": "alternate", "href": own})
        ElementTree.SubElement(entry, "link", {"rel": "via", "href": ministry})
        _add(entry, "summary", plain(_text(row, "text"), query, SNIPPET))
    return feed


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = _NOT_XML.sub("", text)


def _named(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, name).urn
