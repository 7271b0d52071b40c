"""Publishing: the archive's database as a Datasette application, with its plugin and pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from datasette.app import Datasette
from datasette.database import Database, QueryInterrupted
from datasette.plugins import pm
from datasette.utils import CustomRow
from datasette.views.base import DatasetteError

from archive.errors import UsageError
from archive.serving import plugin
from archive.serving.table_queries import of_all_pages, rewritten

HERE = Path(__file__).parent
METADATA = HERE.parents[1] / "datasette_metadata.json"

FACET_MS = 4_999
"""Milliseconds for a facet: all that any SQL has, and a number that nothing else is given."""

SETTINGS = {
    # Suggestions cost four to eight times the rest of a page and fill it with noise.
    "suggest_facets": False,
    # Anybody's SQL runs here: a slow query holds one of eight threads for five seconds.
    "sql_time_limit_ms": 5_000,
    "facet_time_limit_ms": FACET_MS,
    "num_sql_threads": 8,
    # Enough for a notebook to page quickly; the whole is had as streamed CSV.
    "max_returned_rows": 5_000,
    "max_csv_mb": 0,  # no limit
    "default_page_size": 50,
    # 34 provinces fit into one facet.
    "default_facet_size": 40,
    "truncate_cells_html": 400,
    # For each thread; four times as much is no faster.
    "cache_size_kb": 8_192,
}


class SteadyDatabase(Database):  # type: ignore[misc]  # Datasette has no types
    """A database that answers Datasette's questions about entries from the search's index."""

    async def execute(self, sql: str, params: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Run a query as Datasette does, where it can be in a form that is fast, or true.

        Raises DatasetteError (status 400) for a facet that ran out of time, in answers that
        would leave it out without a word.
        """
        # Errors are answered to whoever asked; anybody's SQL would fill the log with them, and
        # so would Datasette by counting the index's tables, which cannot be scanned.
        kwargs.setdefault("log_sql_errors", False)
        values = params if isinstance(params, dict) else {}
        answer = plugin.ANSWER.get()
        if answer is None or kwargs.get("custom_time_limit") != FACET_MS:
            return await super().execute(rewritten(sql, values), params, *args, **kwargs)
        asked = rewritten(of_all_pages(sql), values)
        try:
            if sql not in answer.facets:
                answer.facets[sql] = await super().execute(asked, params, *args, **kwargs)
        except QueryInterrupted as error:
            if answer.data_only:
                raise DatasetteError("", title=plugin.INTERRUPTED, status=400) from error
            raise
        return answer.facets[sql]


def _no_such_column(row: CustomRow, column: str) -> None:
    raise IndexError(column)


# A table page without the column that it is sorted by: Datasette 0.65 expects this error from its
# rows, and they raise another.
CustomRow.__missing__ = _no_such_column


def application(path: Path) -> Datasette:
    """Datasette over one database file; mutable, since the nightly run writes while it serves.

    Raises UsageError where the metadata file is missing beside the packages.
    """
    try:
        metadata = json.loads(METADATA.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {METADATA}: run from a checkout of the project") from error
    if not pm.is_registered(plugin):
        pm.register(plugin, name="bulletins")
    datasette = Datasette(
        files=[str(path)],
        metadata=metadata,
        settings=SETTINGS,
        template_dir=str(HERE / "templates"),
        static_mounts=[(plugin.ASSETS, str(HERE / "static"))],
    )
    name = datasette.get_database().name
    datasette.remove_database(name)
    datasette.add_database(SteadyDatabase(datasette, str(path)), name=plugin.DATABASE)
    return datasette
