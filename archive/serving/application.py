"""The Datasette application over one archive: its settings, metadata, plugin and database."""

from __future__ import annotations

import json
from pathlib import Path

from datasette.app import Datasette
from datasette.plugins import pm

from archive.errors import UsageError
from archive.serving import plugin
from archive.serving.steady_database import SteadyDatabase

HERE = Path(__file__).parent
METADATA = HERE.parents[1] / "datasette_metadata.json"

SETTINGS = {
    # Suggestions cost four to eight times the rest of a page and fill it with noise.
    "suggest_facets": False,
    # Anybody's SQL runs here: a slow query holds one of eight threads for five seconds.
    "sql_time_limit_ms": 5_000,
    "facet_time_limit_ms": 5_000,
    "num_sql_threads": 8,
    # Enough for a notebook to page quickly; everything at once is available as streamed CSV.
    "max_returned_rows": 5_000,
    "max_csv_mb": 0,  # no limit
    "default_page_size": 50,
    # 34 provinces fit into one facet.
    "default_facet_size": 40,
    "truncate_cells_html": 400,
    # For each thread; four times as much is no faster.
    "cache_size_kb": 8_192,
}


def application(path: Path) -> Datasette:
    """Datasette over one database file; mutable, since the nightly run writes while it serves.

    Raises UsageError if the metadata file is missing beside the packages.
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
