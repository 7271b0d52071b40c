"""A Datasette plugin: ``_search`` on any table that has an index, and two SQL functions.

All it needs is a file in Datasette's plugins folder with ``from archive.search.plugin import *``.
Which tables have an index is recorded in the database (``python -m archive.search`` makes one).
``search_matches(query, text, …)`` and ``search_snippet(text, query)`` are for your own SQL.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import datasette.hookspecs
from datasette.filters import FilterArguments
from datasette.utils import escape_sqlite
from datasette.views.base import DatasetteError

from archive.search.index import Index
from archive.search.query import InvalidQuery, Query, parse
from archive.search.snippet import plain

__all__ = ["filters_from_request", "prepare_connection"]

F = TypeVar("F", bound=Callable[..., Any])
hookimpl: Callable[..., Callable[[F], F]] = datasette.hookimpl

SNIPPET = 220
"""Characters that ``search_snippet`` and Datasette's list of entries show of a text."""


@hookimpl()
def prepare_connection(conn: sqlite3.Connection) -> None:
    """Register the SQL functions."""
    conn.create_function("search_matches", -1, search_matches, deterministic=True)
    conn.create_function("search_snippet", 2, search_snippet, deterministic=True)


@hookimpl(trylast=True)
def filters_from_request(request: Any, database: str, table: str, datasette: Any) -> Any:
    """Answer ``_search`` if the table has an index; runs last, to override Datasette's own search.

    Raises DatasetteError (status 400) for a query that is refused.
    """
    typed = " ".join(request.args.getlist("_search"))

    def searched(conn: sqlite3.Connection) -> FilterArguments | None:
        index = Index.of(conn, table)
        if index is None:
            return None
        query = parse(typed)
        params: dict[str, str] = {}
        wheres = [condition(conn, index, query, params)] if query.terms else []
        said = [query.describe()] if query.terms else []
        return FilterArguments(wheres, params, said, {"supports_search": True, "search": typed})

    async def answered() -> FilterArguments | None:
        try:
            return await datasette.get_database(database).execute_fn(searched)
        except InvalidQuery as error:
            raise DatasetteError(str(error), title="检索式太长", status=400) from error

    return answered


def condition(conn: sqlite3.Connection, index: Index, query: Query, params: dict[str, str]) -> str:
    """An SQL condition for the rows that a query matches; its values are added to ``params``."""
    sql, values = query.sql(conn, index)
    for value in values:
        name = f"search_{len(params)}"
        params[name] = value
        sql = sql.replace("match ?", f"match :{name}", 1)
    return f"{escape_sqlite(index.key)} in ({sql})"


def search_matches(query: object, *texts: object) -> bool:
    """Whether each word of ``query`` occurs in one of ``texts``; False if it is refused."""
    asked = _parsed(str(query))
    return asked is not None and asked.matches(*(None if t is None else str(t) for t in texts))


def search_snippet(text: object, query: object) -> str:
    """The part of ``text`` that best shows where ``query`` occurs, as plain text."""
    return plain(str(text or ""), _parsed(str(query or "")) or Query(()), SNIPPET)


@lru_cache(maxsize=64)
def _parsed(text: str) -> Query | None:
    try:
        return parse(text)
    except InvalidQuery:
        return None
