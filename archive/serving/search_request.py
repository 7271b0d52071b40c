"""The arguments of a search request, and the results as they are read from the database."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode

from datasette.utils import sqlite_timelimit
from datasette.views.base import DatasetteError

from archive.search import InvalidQuery, Query
from archive.search.hits import Count
from archive.serving.entry_search import (
    Entry,
    EntryFacets,
    Page,
    Suggestion,
    by_kind,
    count,
    facets,
    kinds_of,
    newest,
    parse_entries,
    relevance,
    sources_of,
    suggest,
)
from archive.serving.repeats import Elsewhere, also_at, repeats

T = TypeVar("T")

DATABASE = "bulletins"

PAGE = 20
"""Entries on a page, in a JSON response, and in a feed."""

FACETS_AT_ONCE = 1000
"""Hits up to which a response includes facets: some 2 ms; for ten times as many, some 15."""

TOO_SLOW = (
    "查询用时超过上限，已停止。请缩小范围：加上省份、日期或更多检索词。",
    "Stopped at the time limit: narrow it down by province, date or more words.",
)
TOO_SLOW_TITLE = "查询超时 Query took too long"
TOO_LONG = "Too long: at most 1,000 characters; shorten it and try again."


class Refused(Exception):
    """A search that is refused: why, and what to do, in Chinese and in English."""

    def __init__(self, said: str, english: str) -> None:
        super().__init__(said, english)
        self.said, self.english = said, english

    def __str__(self) -> str:
        return f"{self.said} {self.english}"


def too_slow() -> DatasetteError:
    """The error that a page of Datasette's own ends with when a query ran out of time."""
    return DatasetteError(" ".join(TOO_SLOW), title=TOO_SLOW_TITLE, status=400)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for, as typed; ``after`` is a cursor or None.

    Facets are counted always (True), never (False), or if that is cheap (None).
    """

    q: str
    sort: Literal["date", "relevance"] = "date"
    after: str | None = None
    facets: bool | None = None

    @classmethod
    def of(cls, args: Any) -> Asked:
        """Read a request's arguments; an unknown ``sort`` means by date.

        ``_search`` means the same as ``q``: the search box of the start page serves two pages.
        """
        words = [*args.getlist("q"), *args.getlist("_search")]
        return cls(
            " ".join(words),
            "relevance" if args.get("sort") == "relevance" else "date",
            args.get("after") or None,
            {"0": False, "off": False, "1": True, "on": True}.get(args.get("facets")),
        )

    def url(self, datasette: Any, path: str = "/search") -> str:
        """The address of this search at ``path``, which decides the format."""
        asked = {"q": self.q}
        if self.sort != "date":
            asked["sort"] = self.sort
        if self.after:
            asked["after"] = self.after
        if self.facets is not None:
            asked["facets"] = str(int(self.facets))
        # What was typed may contain lone surrogates, which cannot be encoded.
        return f"{datasette.urls.path(path)}?{urlencode(asked, errors='replace')}"


@dataclass(frozen=True, slots=True)
class Found:
    """Results, all read from the database at one moment; ``query`` is what was understood.

    With facets the total is exact.
    """

    query: Query
    sources: Mapping[str, str]
    kinds: Mapping[str, str]
    page: Page
    also_at: Mapping[int, list[Elsewhere]]
    total: Count
    facets: EntryFacets | None
    suggestions: list[Suggestion]


def find(conn: sqlite3.Connection, asked: Asked) -> Found:
    """Run a search; raises InvalidQuery if it is too long.

    Unless the request says otherwise, facets are counted for up to :data:`FACETS_AT_ONCE` hits. If
    nothing was found, suggestions are looked for.
    """
    sources, kinds = sources_of(conn), kinds_of(conn)
    query = parse_entries(asked.q, sources, kinds)
    listed = relevance if asked.sort == "relevance" else newest
    hidden = repeats(conn, query)
    page = listed(conn, query, PAGE, asked.after, hidden)
    # A rare phrase of common characters is slow to find, so it is searched only once.
    at_once = not asked.after and not page.after
    total = Count(len(page.entries), True) if at_once else count(conn, query, hidden=hidden)
    counted = None
    if asked.facets or (asked.facets is None and total.exact and total.number <= FACETS_AT_ONCE):
        whole = at_once and not hidden
        counted = facets_of(conn, page.entries) if whole else facets(conn, query, total, hidden)
        total = Count(counted.total, True)
    suggestions = suggest(conn, query) if query.terms and not total.number else []
    elsewhere = also_at(conn, [int(entry["id"] or 0) for entry in page.entries])
    return Found(query, sources, kinds, page, elsewhere, total, counted, suggestions)


def facets_of(conn: sqlite3.Connection, entries: list[Entry]) -> EntryFacets:
    """The facets of these entries, as :func:`archive.serving.entry_search.facets` returns them."""
    marks = ", ".join("?" * len(entries))
    provinces = conn.execute(
        "SELECT province, count(DISTINCT entry) FROM entry_provinces "
        f"WHERE entry IN ({marks}) GROUP BY province",
        [entry["id"] for entry in entries],
    )
    sources = Counter(str(entry["source"]) for entry in entries)
    months = Counter(str(entry["date"])[:7] for entry in entries)
    return EntryFacets(
        len(entries),
        dict(sorted(provinces, key=lambda each: (-each[1], each[0]))),
        dict(sorted(sources.items(), key=lambda each: (-each[1], each[0]))),
        dict(
            sorted(by_kind(sources, kinds_of(conn)).items(), key=lambda each: (-each[1], each[0]))
        ),
        dict(sorted(months.items(), reverse=True)),
    )


async def read(
    datasette: Any, reader: Callable[[sqlite3.Connection], T], limit: str = "sql_time_limit_ms"
) -> T:
    """Run ``reader`` in one of Datasette's threads, in one read transaction.

    So all its statements see the database at the same moment. ``limit`` names the setting for how
    long it may take. Raises Refused for a query that is too long or takes too long.
    """

    def at_once(conn: sqlite3.Connection) -> T:
        with sqlite_timelimit(conn, datasette.setting(limit)):
            conn.execute("BEGIN")
            try:
                return reader(conn)
            finally:
                conn.rollback()

    try:
        found: T = await datasette.get_database(DATABASE).execute_fn(at_once)
    except InvalidQuery as error:
        raise Refused(str(error), TOO_LONG) from error
    except sqlite3.OperationalError as error:
        if error.args != ("interrupted",):
            raise
        raise Refused(*TOO_SLOW) from error
    return found
