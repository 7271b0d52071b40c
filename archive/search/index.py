"""The index: two contentless FTS5 tables beside the table whose text they index.

``<table>_fts`` has the tokens of :mod:`archive.search.tokens`: pairs of units. A word of two or
more units is a phrase of such pairs, so it is found exactly as written, and never across a space or
two columns. A word of one unit is a prefix of pairs (``"房" *``), exact too; that costs 10 ms for
each 100,000 rows that have it. So ``<table>_units`` has, for each row, the set of its common units:
those that at least :data:`COMMON` of all rows have. A rebuild determines which these are and keeps
them in ``<table>_units_common``; an index that was never rebuilt has none.

Labels are in both tables: before the text of the first column, which FTS5 stores in the least
space, and where no phrase of a query can reach them.

Both tables number rows in an order of their own, kept in ``<table>_fts_rows``: the highest number
is the newest row, so the newest twenty of a million hits are read without looking at the others,
and lists of consecutive numbers take the least space. Rows added after a rebuild are numbered from
:data:`TAIL` on as they arrive; a search sorts what it finds there and merges it with the rest. When
this tail has grown long, :meth:`Index.is_current` returns False, which asks for a rebuild.

SQLite before 3.43 cannot delete from such tables by rowid, so a removal needs the old text. The
application keeps the index up to date: triggers would need its functions in every writer.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import NamedTuple, Protocol, TypeVar

from archive.search.indexed_table import IndexedTable, IndexMismatch, Values
from archive.search.tables import atomic, has_table, primary_key, quoted
from archive.search.tokens import VERSION, label_token, order_label, pairs, units_of

T = TypeVar("T")
R = TypeVar("R")

TAIL = 1 << 30
"""The first number for rows added after the last rebuild."""

COMMON = 1 / 6
"""The share of rows that have a unit from which on it is in the table of units.

With an eighth the table would be 13 % larger; with a quarter 18 % smaller, but words of one unit
would take half as long again.
"""

_BATCH = 1000
_BULK_HASH = 32 << 20  # bytes that FTS5 collects before it writes, during a rebuild
_USUAL_HASH = 1 << 20  # FTS5's default
_USUAL_AUTOMERGE = 4  # FTS5's default
_SAMPLE = 5000  # rows that are read to determine which units are common
# A tail of 20,000 costs a search of a common word some 10 ms; a short one is not worth a rebuild.
_LONG_TAIL = 20_000
_TAIL_SHARE = 50


class Indexed(NamedTuple):
    """What the index has of a row: its number, properties, and how many tokens."""

    docid: int
    sort: int
    labels: str
    tokens: int

    @property
    def properties(self) -> tuple[int, str]:
        return self.sort, self.labels


class _Tokenised(NamedTuple):
    """A row as it goes into the index: its tokens by column, its common units, how many tokens."""

    key: int
    sort: int
    labels: str
    columns: tuple[str, ...]
    units: str
    size: int


class Spread(Protocol):
    """A ``map`` over one iterable: results in the order of tasks, wherever the work is done."""

    def __call__(self, work: Callable[[T], R], tasks: Iterable[T], /) -> Iterable[R]: ...


@dataclass(frozen=True, slots=True)
class Index(IndexedTable):
    """The search index of a table's columns.

    Name the column with the longest texts first: FTS5 stores the first one in the least space. Add,
    replace and remove rows in the transaction that writes them to the table, after writing what
    ``order`` and ``labels`` read; no method commits a transaction that the caller began.
    """

    @classmethod
    def of(cls, db: sqlite3.Connection, table: str) -> Index | None:
        """The index that a table has, for searching it; None if there is none that can be read."""
        key = primary_key(db, table)
        index = cls(table, (), key or "")
        if key is None or not index.is_readable(db):
            return None
        columns = db.execute("select name from pragma_table_info(?)", (index.fts,))
        return cls(table, tuple(name for (name,) in columns), key)

    @property
    def fts(self) -> str:
        """The name of the table of pairs."""
        return f"{self.table}_fts"

    @property
    def units(self) -> str:
        """The name of the table of sets of units."""
        return f"{self.table}_units"

    @property
    def rows(self) -> str:
        """The name of the table that maps each number (docid) to its row, order and labels."""
        return f"{self.fts}_rows"

    @property
    def label_sets(self) -> str:
        """The name of the table of the sets of labels in use."""
        return f"{self.fts}_labels"

    @property
    def common_units(self) -> str:
        """The name of the table that lists which units are common."""
        return f"{self.units}_common"

    def create(self, db: sqlite3.Connection) -> None:
        """Create the empty index; raises sqlite3.OperationalError if there is one already."""
        columns = ", ".join(map(quoted, self.columns))
        with atomic(db):
            db.execute(
                f"create virtual table {quoted(self.fts)} using fts5"
                f"({columns}, content='', tokenize='ascii', columnsize=0)"
            )
            db.execute(
                f"create virtual table {quoted(self.units)} using fts5"
                "(units, content='', tokenize='ascii', detail=none, columnsize=0)"
            )
            db.execute(
                f"create table {quoted(self.rows)} (docid integer primary key,"
                " key integer not null, sort integer not null, labels integer not null,"
                " tokens integer not null) strict"
            )
            self._create_key_index(db)
            db.execute(
                f"create table {quoted(self.label_sets)} "
                "(id integer primary key, labels text not null unique) strict"
            )
            db.execute(
                f"create table {quoted(self.common_units)} "
                "(unit text primary key) strict, without rowid"
            )
            db.execute(
                "create table if not exists search_index "
                "(name text primary key, version text not null) strict"
            )
            db.execute("insert into search_index values (?, ?)", (self.table, VERSION))

    def drop(self, db: sqlite3.Connection) -> None:
        """Remove the index, if there is one; tables of the same names that are not its own stay."""
        if not has_table(db, "search_index", "name", "version"):
            return
        with atomic(db):
            deleted = db.execute("delete from search_index where name = ?", (self.table,))
            for name in self._tables if deleted.rowcount else ():
                db.execute(f"drop table if exists {quoted(name)}")

    @property
    def _tables(self) -> tuple[str, ...]:
        return self.fts, self.units, self.rows, self.label_sets, self.common_units

    def common(self, db: sqlite3.Connection) -> frozenset[str]:
        """The common units, in the form they have in tokens."""
        cursor = db.execute(f"select unit from {quoted(self.common_units)}")
        cursor.row_factory = None
        return frozenset(unit for (unit,) in cursor)

    def is_readable(self, db: sqlite3.Connection) -> bool:
        """Whether the index exists and was made by these rules, so that searches are right."""
        return self._version(db) == VERSION

    def is_current(self, db: sqlite3.Connection) -> bool:
        """Whether it is readable and its tail is short; if not, rebuild it."""
        if not self.is_readable(db):
            return False
        rows = quoted(self.rows)
        (tail,) = db.execute(f"select count(*) from {rows} where docid >= ?", (TAIL,)).fetchone()
        if tail <= _LONG_TAIL:
            return True
        (total,) = db.execute(f"select count(*) from {rows}").fetchone()
        return bool(tail <= total // _TAIL_SHARE)

    def add(self, db: sqlite3.Connection, rowid: int, values: Values) -> None:
        """Index a new row.

        Raises IndexMismatch if the index has the row already (FTS5 would keep the old tokens
        beside the new ones for ever) or if the table does not have it.
        """
        self.add_all(db, {rowid: values})

    def add_all(self, db: sqlite3.Connection, rows: Mapping[int, Values]) -> None:
        """Index new rows, by their keys; raises the same errors as :meth:`add`."""
        common = self.common(db)
        sql = f"select coalesce(max(docid) + 1, {TAIL}) from {quoted(self.rows)}"
        first = max(TAIL, db.execute(sql).fetchone()[0])
        for rowid in rows:
            if self._has(db, rowid):
                raise IndexMismatch(f"{self.table} {rowid} is in the index already")
        batch = [(rowid, values, *self.properties(db, rowid)) for rowid, values in rows.items()]
        self._add(db, first, self._tokenised(common, batch))

    def remove(self, db: sqlite3.Connection, rowid: int, old: Values) -> None:
        """Remove a row from the index; ``old`` is the text it was indexed with.

        Raises IndexMismatch if the index does not have the row, or has it with another number of
        units: FTS5 would remove the wrong tokens without an error.
        """
        row = self.indexed(db, rowid)
        common = self.common(db)
        columns, singles = self.tokens(common, old, *row.properties) if row else ([], [])
        if row is None or row.tokens != sum(map(len, columns)):
            raise IndexMismatch(f"{self.table} {rowid} is not in the index with this text")
        delete = self._command(self.fts, self.columns, "delete")
        db.execute(delete, (row.docid, *map(" ".join, columns)))
        db.execute(self._command(self.units, ("units",), "delete"), (row.docid, " ".join(singles)))
        db.execute(f"delete from {quoted(self.rows)} where docid = ?", (row.docid,))

    def replace(self, db: sqlite3.Connection, rowid: int, old: Values, new: Values) -> None:
        """Index a row's new text in place of ``old``; raises the same errors as :meth:`remove`."""
        row, properties = self.indexed(db, rowid), self.properties(db, rowid)
        same = row is not None and row.properties == properties
        if not same or self.tokens((), old) != self.tokens((), new):
            self.remove(db, rowid, old)
            if row is not None and row.sort == properties[0]:  # its place in the order stays
                batch = [(rowid, new, *properties)]
                self._add(db, row.docid, self._tokenised(self.common(db), batch))
            else:
                self.add(db, rowid, new)

    def rebuild(self, db: sqlite3.Connection, spread: Spread = map) -> int:
        """Build the whole index from its table, all or nothing, and return the number of rows.

        ``spread`` is how batches of texts become tokens: here, or as another ``map`` lets other
        processes do it. Memory does not grow with the table: some 110 MB for FTS5 and a batch of
        rows, and what ``spread`` takes ahead.
        """
        count = 0
        sets: dict[str, int] = {}
        with atomic(db):
            self.drop(db)
            self.create(db)
            self._configure(db, hashsize=_BULK_HASH, automerge=0)
            db.execute(f"drop index {quoted(self._key_index)}")
            common = self._find_common(db, spread)
            rows = _batches(self.read(db, in_order=True))
            for batch in spread(partial(self._tokenised, common), rows):
                self._insert(db, count + 1, batch, lambda s: sets.setdefault(s, len(sets) + 1))
                count += len(batch)
            db.executemany(
                f"insert into {quoted(self.label_sets)} (labels, id) values (?, ?)", sets.items()
            )
            self._create_key_index(db)  # created at the end, it is half as large
            self.optimize(db)
            self._configure(db, hashsize=_USUAL_HASH, automerge=_USUAL_AUTOMERGE)
        return count

    def _add(self, db: sqlite3.Connection, first: int, rows: Sequence[_Tokenised]) -> None:
        """Write rows, numbered from ``first`` on, with their sets of labels where they are new."""
        sets = quoted(self.label_sets)
        labels = [(labels,) for labels in {row.labels for row in rows}]
        db.executemany(f"insert or ignore into {sets} (labels) values (?)", sorted(labels))
        found = f"select id from {sets} where labels = ?"
        ids = {label: db.execute(found, (label,)).fetchone()[0] for (label,) in labels}
        self._insert(db, first, rows, ids.__getitem__)

    def _insert(
        self,
        db: sqlite3.Connection,
        first: int,
        rows: Sequence[_Tokenised],
        id_of: Callable[[str], int],
    ) -> None:
        """Write rows, numbered from ``first`` on; ``id_of`` is that of a set of labels."""
        db.executemany(
            self._command(self.fts, self.columns),
            [(docid, *row.columns) for docid, row in enumerate(rows, first)],
        )
        db.executemany(
            self._command(self.units, ("units",)),
            [(docid, row.units) for docid, row in enumerate(rows, first)],
        )
        db.executemany(
            f"insert into {quoted(self.rows)} values (?, ?, ?, ?, ?)",
            [
                (docid, row.key, row.sort, id_of(row.labels), row.size)
                for docid, row in enumerate(rows, first)
            ],
        )

    def _has(self, db: sqlite3.Connection, key: int) -> bool:
        found = db.execute(f"select 1 from {quoted(self.rows)} where key = ?", (key,))
        return found.fetchone() is not None

    def _tokenised(
        self, common: frozenset[str], batch: Iterable[tuple[int, Values, int, str]]
    ) -> list[_Tokenised]:
        made = []
        for key, values, sort, labels in batch:
            columns, singles = self.tokens(common, values, sort, labels)
            size = sum(map(len, columns))
            texts = tuple(map(" ".join, columns))
            made.append(_Tokenised(key, sort, labels, texts, " ".join(singles), size))
        return made

    def optimize(self, db: sqlite3.Connection) -> None:
        """Merge the index into its smallest and fastest form; this rewrites all of it."""
        for name in (self.fts, self.units):
            db.execute(f"insert into {quoted(name)}({quoted(name)}) values ('optimize')")

    def _version(self, db: sqlite3.Connection) -> str | None:
        if not has_table(db, "search_index", "name", "version"):
            return None
        found = db.execute("select version from search_index where name = ?", (self.table,))
        row = found.fetchone()
        whole = all(has_table(db, name) for name in self._tables)
        return str(row[0]) if row and whole else None

    def tokens(
        self, common: Container[str], values: Values, sort: int = 0, labels: str = ""
    ) -> tuple[list[list[str]], list[str]]:
        """The tokens of each column, labels before the first, and those of the table of units."""
        marks = [label_token(label) for label in ("", order_label(sort), *labels.split())]
        columns: list[list[str]] = []
        singles = dict.fromkeys(marks)
        for name in self.columns:
            tokens: list[str] = [] if columns else [*marks]
            for stretch in units_of(values[name]):
                tokens += pairs(stretch)
                singles.update(dict.fromkeys(filter(common.__contains__, stretch)))
            columns.append(tokens)
        return columns, [*singles]

    def _find_common(self, db: sqlite3.Connection, spread: Spread) -> frozenset[str]:
        """Determine which units are common, from rows spread over the table, and store them."""
        read, having = 0, Counter[str]()
        texts = (values for _, values, *_ in self.read(db, self.spread(db, _SAMPLE)))
        for rows, units in spread(self._units_of_rows, _batches(texts)):
            read += rows
            having.update(units)
        common = frozenset(unit for unit, times in having.items() if times >= read * COMMON)
        sql = f"insert into {quoted(self.common_units)} values (?)"
        db.executemany(sql, [(unit,) for unit in sorted(common)])
        return common

    def _units_of_rows(self, rows: Sequence[Values]) -> tuple[int, Counter[str]]:
        """How many rows these are, and how many of them have each unit."""
        having = Counter[str]()
        for values in rows:
            stretches = (s for name in self.columns for s in units_of(values[name]))
            having.update(set(chain.from_iterable(stretches)))
        return len(rows), having

    @property
    def _key_index(self) -> str:
        return f"{self.rows}_by_key"

    def _create_key_index(self, db: sqlite3.Connection) -> None:
        name = quoted(self._key_index)
        db.execute(f"create unique index {name} on {quoted(self.rows)} (key)")

    def indexed(self, db: sqlite3.Connection, key: int) -> Indexed | None:
        """What the index has of a row; None if it does not have it."""
        cursor = db.execute(
            f"select docid, sort, s.labels, tokens from {quoted(self.rows)} r "
            f"join {quoted(self.label_sets)} s on s.id = r.labels where r.key = ?",
            (key,),
        )
        cursor.row_factory = None
        found = cursor.fetchone()
        return None if found is None else Indexed(*found)

    def _command(self, name: str, columns: Sequence[str], command: str = "") -> str:
        """An insert of a row's tokens; with ``command`` the special insert that FTS5 deletes by."""
        names = ["rowid", *map(quoted, columns)]
        values = ["?"] * len(names)
        if command:
            names.insert(0, quoted(name))
            values.insert(0, f"'{command}'")
        return f"insert into {quoted(name)}({', '.join(names)}) values ({', '.join(values)})"

    def _configure(self, db: sqlite3.Connection, **settings: int) -> None:
        for name in (self.fts, self.units):
            table = quoted(name)
            db.executemany(f"insert into {table}({table}, rank) values (?, ?)", settings.items())


def _batches(rows: Iterator[T]) -> Iterator[list[T]]:
    return iter(lambda: list(islice(rows, _BATCH)), [])
