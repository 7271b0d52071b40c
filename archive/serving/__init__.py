"""Publishing: the archive's database as a Datasette application, with its plugin and pages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from datasette.app import Datasette
from datasette.database import Database
from datasette.plugins import pm

from archive.errors import UsageError
from archive.serving import plugin

HERE = Path(__file__).parent
METADATA = HERE.parents[1] / "datasette_metadata.json"

SETTINGS = {
    # Suggestions cost four to eight times the rest of a page and fill it with noise.
    "suggest_facets": False,
    # Facets that run out of time vanish from JSON without a word, so time is given generously.
    "facet_time_limit_ms": 20_000,
    # Anybody's SQL runs here: a slow query holds one of eight threads for five seconds.
    "sql_time_limit_ms": 5_000,
    "num_sql_threads": 8,
    # Enough for a notebook to page quickly; the whole is had as streamed CSV.
    "max_returned_rows": 5_000,
    "default_page_size": 50,
    # 34 provinces fit into one facet.
    "default_facet_size": 40,
    "truncate_cells_html": 400,
    "cache_size_kb": 32_768,
}

_SORTED = re.compile(
    r"(select id(?:, [^,()]+)* from \S+ .*order by (?!id )\S+(?: desc)?)( limit \d+)", re.DOTALL
)


class SteadyDatabase(Database):  # type: ignore[misc]  # Datasette has no types
    """A database whose table pages are sorted the same on the first page as on all others.

    Datasette 0.65 breaks ties by primary key only from the second page on, where it also asks
    for rows behind the last one seen: of many rows with one date some would come twice in a
    listing, and some never.
    """

    async def execute(self, sql: str, *args: Any, **kwargs: Any) -> Any:
        """Run a query as Datasette does, with ties of a sorted listing in order of id."""
        # Errors are answered to whoever asked; anybody's SQL would fill the log with them, and
        # so would Datasette by counting the index's tables, which cannot be scanned.
        kwargs.setdefault("log_sql_errors", False)
        return await super().execute(tie_broken(sql), *args, **kwargs)


def tie_broken(sql: str) -> str:
    """The SQL of a sorted table page with ``id`` as its last term; other SQL as it is."""
    found = _SORTED.fullmatch(sql)
    return f"{found[1]}, id{found[2]}" if found else sql


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
