"""The table that an index is of: its rows as the index reads them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from archive.search.tables import quoted

_ORDERS = 1 << 32  # places in the order: a facet counts by both labels and order in one number

Values = Mapping[str, "str | None"]


class IndexMismatch(Exception):
    """The index does not hold what the caller says it holds; rebuild it."""


@dataclass(frozen=True, slots=True)
class IndexedTable:
    """A table with ``columns`` of text and an integer primary key, ``key``.

    ``order`` is an SQL expression over the table, an integer below 2**32 that is higher for newer
    rows (20200528, for example; NULL is 0, other values raise ValueError); ``labels`` is one for a
    row's labels, separated by spaces. Texts are passed by column name; None is an empty text.
    """

    table: str
    columns: tuple[str, ...]
    key: str = "id"
    order: str = "0"
    labels: str = "''"

    @property
    def every_row(self) -> str:
        """A select of the key of every row of the table."""
        return f"select {self._column(self.key)} from {quoted(self.table)}"

    def read(
        self, db: sqlite3.Connection, where: str = "", *, in_order: bool = False
    ) -> Iterator[tuple[int, Values, int, str]]:
        """Each row's key, texts, order and labels."""
        key, table = self._column(self.key), quoted(self.table)
        texts = (f"cast({self._column(name)} as text)" for name in self.columns)
        names = ", ".join((self._column(self.key), *texts, self.order, self.labels))
        source = f"{table} {where}"
        if (
            in_order
        ):  # Only keys go through the sorter; the limit keeps SQLite from merging the two selects.
            sort = (
                f"select {key} as sorted, coalesce({self.order}, 0) as place from {table} "
                "order by place, sorted limit -1"
            )
            source = f"({sort}) cross join {table} on {key} = sorted"
        cursor = db.execute(f"select {names} from {source}")
        cursor.row_factory = None
        for rowid, *texts, order, labels in cursor:
            values = dict(zip(self.columns, texts, strict=True))
            yield rowid, values, self._place(rowid, order), _tidy(labels)

    def properties(self, db: sqlite3.Connection, key: int) -> tuple[int, str]:
        """A row's order and labels in the table; raises IndexMismatch if there is no such row."""
        cursor = db.execute(
            f"select {self.order}, {self.labels} from {quoted(self.table)} "
            f"where {self._column(self.key)} = ?",
            (key,),
        )
        cursor.row_factory = None
        found = cursor.fetchone()
        if found is None:
            raise IndexMismatch(f"{self.table} {key} is not in the table")
        return self._place(key, found[0]), _tidy(found[1])

    def spread(self, db: sqlite3.Connection, number: int, turn: int = 0) -> str:
        """A where clause for at most ``number`` rows, spread evenly over the table."""
        table, key = quoted(self.table), self._column(self.key)
        (count,) = db.execute(f"select count(*) from {table}").fetchone()
        step = max(1, -(-count // number))
        numbered = f"select {key} as k, row_number() over (order by {key}) as n from {table}"
        chosen = f"select k from ({numbered}) where n % {step} = {turn % step}"
        return f"where {key} in ({chosen}) order by {key}"

    def _place(self, key: int, order: object) -> int:
        if order is None:
            return 0
        if not isinstance(order, int) or not 0 <= order < _ORDERS:
            raise ValueError(
                f"order of {self.table} {key} is {order!r}: it must be an integer from 0 to "
                f"{_ORDERS - 1:,}"
            )
        return order

    def _column(self, name: str) -> str:
        # Qualified by the table, because SQLite reads an unknown "name" alone as a string.
        return f"{quoted(self.table)}.{quoted(name)}"


def _tidy(labels: str | None) -> str:
    """Labels sorted, without repetitions."""
    return " ".join(sorted(set((labels or "").split())))
