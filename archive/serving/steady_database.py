"""A Datasette database that asks the search index where that has the answer."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from datasette.database import Database
from datasette.utils import CustomRow

from archive.serving.table_queries import rewritten
from archive.storage.database import readonly


class SteadyDatabase(Database):  # type: ignore[misc]  # Datasette has no types
    """A database that runs Datasette's queries about entries in a faster or more exact form."""

    def connect(self, write: bool = False) -> sqlite3.Connection:
        """Open the file for reading; Datasette 0.65 misreads a path with ``#``, ``?`` or ``%``."""
        conn = readonly(Path(self.path), check_same_thread=False)
        self._all_file_connections.append(conn)
        return conn

    async def execute(self, sql: str, params: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Run a query as Datasette does, after :func:`rewritten` has looked at its SQL."""
        # Errors are reported to whoever asked. Logging them too would let anybody's SQL fill the
        # log, and Datasette itself would: it counts the index's tables, which cannot be scanned.
        kwargs["log_sql_errors"] = False
        values = params if isinstance(params, dict) else {}
        return await super().execute(rewritten(sql, values), params, *args, **kwargs)


def _no_such_column(row: CustomRow, column: str) -> None:
    raise IndexError(column)


# For a table page without the column that it is sorted by, Datasette 0.65 expects an IndexError
# from its rows. sqlite3.Row raises that; CustomRow, used when labels are asked for, is a dictionary
# and raises KeyError.
CustomRow.__missing__ = _no_such_column
