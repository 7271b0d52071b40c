"""The Datasette plugin: Chinese search on Datasette's own pages, the start page, wording."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode
from zlib import crc32

import datasette.hookspecs
from datasette.filters import FilterArguments
from datasette.views.base import DatasetteError
from markupsafe import Markup

from archive.normalise.provinces import PROVINCES
from archive.search import Filter, InvalidQuery, Query, parse, snippet
from archive.search import plugin as search
from archive.serving import health, middleware, search_routes
from archive.serving.entry_search import kinds_of, parse_entries, sources_of
from archive.serving.facets import REPLACED
from archive.serving.repeats import bulletin_also_at, entry_also_at
from archive.serving.search_request import TOO_SLOW, TOO_SLOW_TITLE
from archive.serving.start_page import start_page
from archive.storage.database import ENTRIES_INDEX

F = TypeVar("F", bound=Callable[..., Any])
hookimpl: Callable[..., Callable[[F], F]] = datasette.hookimpl

DATABASE = search_routes.DATABASE
ASSETS = "assets"
STYLE = Path(__file__).parent / "static" / "archive.css"
MAX_VALUE_BYTES = 32 * 1024 * 1024
"""The largest value that SQL may read or create: four times the text of the largest page."""

_ELSEWHERE = {"bulletins": bulletin_also_at, "entries": entry_also_at}
_COLUMN = "_search_"
_CODE = re.compile(r"[\w-]+")
# Arguments for one page or download, which do not belong in the link for Excel.
_OF_THE_PAGE = ("_next", "_size", "_stream", "_dl", "_bom", "_labels", "_nofacet", "_nocount")


@hookimpl()
def asgi_wrapper() -> Callable[[middleware.Asgi], middleware.Asgi]:
    """Clean query strings, security headers, a byte order mark in CSV files for Excel."""
    return middleware.wrapped


@hookimpl()
def register_routes() -> list[tuple[str, Callable[..., Any]]]:
    """The search pages, and the address for monitors."""
    return [*search_routes.routes(), *health.routes()]


@hookimpl(hookwrapper=True)
def register_facet_classes() -> Generator[None, Any, None]:
    """Our facet classes in place of Datasette's; those of other plugins stay."""
    outcome = yield
    outcome.force_result(
        [[REPLACED.get(kind, kind) for kind in kinds] for kinds in outcome.get_result()]
    )


@hookimpl()
def prepare_connection(conn: sqlite3.Connection) -> None:
    """A limit for values, and the SQL functions ``search_matches`` and ``search_snippet``."""
    conn.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
    search.prepare_connection(conn)


@hookimpl()
def prepare_jinja2_environment(env: Any, datasette: Any) -> None:
    """Variables for all templates, error pages included."""
    style = f"/{ASSETS}/{STYLE.name}?{crc32(STYLE.read_bytes()):08x}"
    env.globals["archive_style"] = datasette.urls.path(style)
    env.globals["province_names"] = {p.code: p.short for p in PROVINCES.values()}
    env.globals["excerpt"] = excerpt
    env.globals["excerpt_length"] = search.SNIPPET


@hookimpl()
def extra_template_vars(
    template: str, datasette: Any, database: str, table: str, view_name: str, request: Any
) -> Callable[[], Awaitable[dict[str, Any]]]:
    """The data of the start page, and where else the text of a bulletin or an entry stands."""

    async def gathered() -> dict[str, Any]:
        if template == "index.html":
            return await start_page(datasette.get_database(DATABASE))
        elsewhere = _ELSEWHERE.get(table)
        number = request.url_vars.get("pks", "") if request and view_name == "row" else ""
        if database != DATABASE or elsewhere is None or not number.isdecimal():
            return {}
        found = partial(elsewhere, number=int(number))
        return {"elsewhere": await datasette.get_database(DATABASE).execute_fn(found)}

    return gathered


@hookimpl()
def render_cell(value: object, column: str) -> Markup | None:
    """Add 原网页已撤下 to the status of rows whose page is gone."""
    if column == "status" and value == "gone":
        return Markup('gone<br><span class="gone">原网页已撤下</span>')
    return None


@hookimpl()
def handle_exception(exception: Exception) -> None:
    """Explain a query that took too long in plain words; Datasette's HTML has a script in it."""
    if isinstance(exception, DatasetteError) and exception.title == "SQL Interrupted":
        exception.title, exception.message = TOO_SLOW_TITLE, " ".join(TOO_SLOW)
        exception.message_is_html = False


@hookimpl(trylast=True)
def filters_from_request(request: Any, database: str, table: str, datasette: Any) -> Any:
    """Answer ``_search`` on the table of entries; runs last, to override Datasette's own search.

    Raises DatasetteError (status 400) for a query that is refused.
    """
    if (database, table) != (DATABASE, ENTRIES_INDEX.table):
        return None

    async def searched() -> FilterArguments:
        excel = excel_url(request.query_string, datasette)
        try:
            return await datasette.get_database(DATABASE).execute_fn(
                lambda conn: search_filter(conn, request.args, excel)
            )
        except InvalidQuery as error:
            raise DatasetteError(str(error), title="检索式太长", status=400) from error

    return searched


def search_filter(conn: sqlite3.Connection, args: Any, excel: str) -> FilterArguments:
    """The conditions for ``_search`` and ``_search_<column>``, all of which must hold.

    ``_search_<column>`` searches in that one column; in a column that is not indexed nothing is
    found. Raises InvalidQuery.
    """
    typed = " ".join(args.getlist("_search"))
    query = parse_entries(typed, sources_of(conn), kinds_of(conn))
    wheres: list[str] = []
    params: dict[str, str] = {}
    said: list[str] = []
    if query.terms:
        wheres.append(search.condition(conn, ENTRIES_INDEX, _narrowed(query, args), params))
        said.append(query.describe())
    for key in sorted(key for key in args if key.startswith(_COLUMN)):
        column, words = key.removeprefix(_COLUMN), " ".join(args.getlist(key))
        within = parse(words)
        if column not in ENTRIES_INDEX.columns:
            wheres.append("0")
            said.append(f"（没有可检索的栏目“{column}”）")
        elif within.terms:
            asked = within.within(column, column)
            wheres.append(search.condition(conn, ENTRIES_INDEX, asked, params))
            said.append(f"{column} {within.describe()}")
    context = {
        "supports_search": True,
        "search": typed,
        "search_query": query,
        "search_words": "；".join(said),
        "excel_url": excel,
    }
    return FilterArguments(wheres, params, said, context)


def _narrowed(query: Query, args: Any) -> Query:
    """The query with labels added for the province and source that Datasette's filters ask for.

    The index then returns few hits; without, SQLite would compare every hit with the filter. The
    filter itself still applies.
    """
    labels = [
        f"{initial}{value}"
        for column, initial in (("province", "p"), ("source", "s"))
        for key in (column, f"{column}__exact")
        for value in args.getlist(key)
        if _CODE.fullmatch(value)
    ]
    return Query((*query.terms, *(Filter((label,), label) for label in dict.fromkeys(labels))))


def excel_url(query_string: str, datasette: Any) -> str:
    """The address of everything that a table page lists, as CSV that Excel reads as UTF-8."""
    kept = [
        (key, value)
        for key, value in parse_qsl(query_string, keep_blank_values=True)
        if key not in _OF_THE_PAGE and not key.startswith("_facet")
    ]
    # Datasette streams page by page; without _size the pages would be small.
    asked = [*kept, ("_size", "max"), ("_stream", "on"), ("_dl", "1"), ("_bom", "1")]
    # Datasette 0.65 fails if labels are asked for without the column that it sorts by.
    if not any(key in ("_col", "_nocol") for key, _ in kept):
        asked.append(("_labels", "on"))
    path = datasette.urls.table(DATABASE, ENTRIES_INDEX.table, format="csv")
    return f"{path}?{urlencode(asked)}"


def excerpt(text: str, query: Query | None) -> Markup:
    """The part of an entry's text that a list shows, with the words that were found marked."""
    return Markup(snippet(text, query or Query(()), search.SNIPPET))  # noqa: S704 (escaped by snippet)
