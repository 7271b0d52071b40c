"""The facets of Datasette's table pages: counted over all pages, once each, never silently missing.

Datasette 0.65 counts the facets of a later page without the rows of the pages before it, counts a
facet twice that both the metadata and the address ask for, and leaves a facet that ran out of time
out of its JSON without a word. Facet classes are part of its plugin interface, and these take the
place of its own (see ``register_facet_classes`` in :mod:`archive.serving.plugin`). They build on
what that interface documents: the constructor's arguments, ``get_configs`` and ``facet_results``.
"""

from __future__ import annotations

from copy import copy
from typing import Any, TypedDict

from datasette.facets import ArrayFacet, ColumnFacet, DateFacet, Facet

from archive.serving.search_request import too_slow
from archive.serving.table_queries import of_all_pages


class Config(TypedDict):
    """One facet that is asked for: by the table's "metadata", or by the "request"."""

    source: str
    config: dict[str, str]


Results = list[dict[str, Any]]
"""Facets as Datasette shows them."""


class _WholeFacet(Facet):  # type: ignore[misc]  # Datasette has no types
    """What the three classes below add to Datasette's own facet of the same type."""

    alone: Config | None = None
    """The one facet to count; None for all that are asked for."""

    def __init__(self, *args: Any, sql: str, **kwargs: Any) -> None:
        super().__init__(*args, sql=of_all_pages(sql), **kwargs)

    def get_configs(self) -> list[Config]:
        """The facets to count, as Datasette reads them from the metadata and the address."""
        configs: list[Config] = super().get_configs() if self.alone is None else [self.alone]
        return configs

    async def facet_results(self) -> tuple[Results, list[str]]:
        """The facets that were counted, and the names of those that ran out of time.

        Raises DatasetteError (status 400) if one ran out of time and the answer is data, which
        has no place to say so.
        """
        is_data = bool(self.request.url_vars.get("format"))
        counted: dict[str, tuple[Results, list[str]]] = {}
        results: Results = []
        late: list[str] = []
        for asked in self.get_configs():
            column = asked["config"].get("column") or asked["config"]["simple"]
            if column not in counted:
                one = copy(self)
                one.alone = asked
                counted[column] = await super(_WholeFacet, one).facet_results()
            found, missing = counted[column]
            if missing and is_data:
                raise too_slow()
            results += [{**facet, "hideable": asked["source"] != "metadata"} for facet in found]
            late += missing
        return results, late


class WholeColumnFacet(_WholeFacet, ColumnFacet):  # type: ignore[misc]
    """How often each value of a column occurs: ``_facet=``."""


class WholeDateFacet(_WholeFacet, DateFacet):  # type: ignore[misc]
    """How often each day of a column occurs: ``_facet_date=``."""


class WholeArrayFacet(_WholeFacet, ArrayFacet):  # type: ignore[misc]
    """How often each value in the JSON arrays of a column occurs: ``_facet_array=``."""


REPLACED: dict[type, type] = {
    ColumnFacet: WholeColumnFacet,
    DateFacet: WholeDateFacet,
    ArrayFacet: WholeArrayFacet,
}
"""Datasette's class of each type of facet, and ours in its place."""
