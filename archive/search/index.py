"""The index: two contentless FTS5 tables beside the table whose text they index.

``<table>_fts`` has, at each unit's position (see :func:`archive.search.fold.units`), one token:
the unit and the one after it, or the unit alone where a blank or the end follows. A word of two
or more units is a phrase of such pairs, so it is found exactly as it stands, and never across a
blank or two columns. A word of one unit is a prefix of pairs (``"房" *``), exact too; that costs
10 ms for each 100,000 rows that have it, so for the units that :data:`COMMON` of all rows have,
``<table>_units`` has the set of those in each row. Which they are is found out by a rebuild and
kept in ``<table>_units_common``; in an index that never was rebuilt there are none.

A run of letters or digits ends with :data:`RUN_END` in a token, so that 70 is not the beginning
of 701, and ASCII signs are written as their full-width forms, which folded text never has: no
token holds a character that means something to FTS5. What begins with RUN_END is a label: a
property of the row that a query can ask for, in both tables: before the text of the first column,
which FTS5 stores smallest, and which no phrase of a query can reach.

Both tables number rows in an order of their own, kept in ``<table>_fts_rows``: the highest number
is the newest row, so the newest twenty of a million hits are read without looking at the others,
and lists of numbers without holes are stored smallest. Rows that come in after a rebuild are
numbered from :data:`TAIL` as they come; a search sorts what it finds there and merges it in. When
the tail has grown long, :meth:`Index.is_current` asks for a rebuild.

SQLite before 3.43 cannot delete from such tables by rowid: a removal hands over the old text.
The index is kept by the application; triggers would need its functions in every writer.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
import zlib
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from operator import add
from typing import NamedTuple

from archive.search.fold import LETTER, TRADITIONAL, fold, units

RUN_END = "\x80"
"""Closes a run in a token; a control character, which folding turns into a blank."""

TAIL = 1 << 30
"""The first number of rows added since the index was last rebuilt."""

COMMON = 1 / 6
"""The share of rows that a unit is in to be looked up in the table of units.

At an eighth the table would be a quarter larger, at a quarter words of one unit half as slow again.
"""

VERSION = (
    f"3.{zlib.crc32(repr(sorted(TRADITIONAL.items())).encode()):08x}.{unicodedata.unidata_version}"
)
"""What the tokens depend on: this module's rules, the character table, Python's Unicode."""

_RUN = re.compile(rf"\d|{LETTER}")
_SIGNS = {code: code + 0xFEE0 for code in range(0x21, 0x7F) if not chr(code).isalnum()}
_BATCH = 1000
_BULK_HASH = 32 << 20  # bytes that FTS5 gathers before it writes, while building
_USUAL_HASH = 1 << 20  # FTS5's own value
_USUAL_AUTOMERGE = 4  # FTS5's own value
_PHRASE = 50  # tokens of one phrase while checking a row
_SAMPLE = 5000  # rows that are read to find out which units are common
# A tail of 20,000 costs a search of a common word some 10 ms; a short one is not worth a rebuild.
_LONG_TAIL = 20_000
_TAIL_SHARE = 50

Values = Mapping[str, "str | None"]


class IndexMismatch(Exception):
    """The index does not hold what the caller says it holds; rebuild it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the index has wrong: about a row, or about the whole where it is None."""

    rowid: int | None
    problem: str


def written_units(folded: str) -> list[list[str]]:
    """The units of each stretch of a folded text, as they are written in tokens."""
    return [list(map(_written, stretch)) for stretch in units(folded)]


@lru_cache(maxsize=1 << 16)
def _written(unit: str) -> str:
    return unit + RUN_END if _RUN.match(unit) else unit.translate(_SIGNS)


def label_token(label: str) -> str:
    """A label as it is written in tokens; the empty one is on every row."""
    return RUN_END + label.translate(_SIGNS)


def order_label(sort: int | str) -> str:
    """The label that every row has for its place in the order: a day finds its rows by it."""
    return f"@{sort}"


def pairs(stretch: Sequence[str]) -> list[str]:
    """The tokens of one stretch of written units: each with the next, the last alone."""
    return [*map(add, stretch, stretch[1:]), stretch[-1]]


class _Row(NamedTuple):
    """What the index has of a row beside its tokens, and how many those are."""

    docid: int
    sort: int
    labels: str
    tokens: int

    @property
    def properties(self) -> tuple[int, str]:
        return self.sort, self.labels


@dataclass(frozen=True, slots=True)
class Index:
    """The search index of ``columns`` of ``table``, whose integer primary key is ``key``.

    Name the column with the longest texts first: FTS5 stores the first one smallest. ``order`` is
    an SQL expression over the table, an integer that is higher for newer rows (20200528, say);
    ``labels`` one that gives a row's labels, blanks between them. Values are handed over by column
    name; None is an empty text. Rows are added, replaced and removed in the transaction that
    writes them to the table, after what ``order`` and ``labels`` read is written; no method
    commits what the caller began.
    """

    table: str
    columns: tuple[str, ...]
    key: str = "id"
    order: str = "0"
    labels: str = "''"

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
        """The name of the table that gives each number (docid) its row, its order, its labels."""
        return f"{self.fts}_rows"

    @property
    def label_sets(self) -> str:
        """The name of the table of the sets of labels that occur."""
        return f"{self.fts}_labels"

    @property
    def common_units(self) -> str:
        """The name of the table of the units that the table of units has."""
        return f"{self.units}_common"

    @property
    def every_row(self) -> str:
        """A select of the key of every row of the table."""
        return f"select {self._column(self.key)} from {quoted(self.table)}"

    def create(self, db: sqlite3.Connection) -> None:
        """Create the empty index; raises sqlite3.OperationalError where there is one."""
        columns = ", ".join(map(quoted, self.columns))
        with _atomic(db):
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
        """Remove the index, as far as there is one."""
        with _atomic(db):
            for name in self._tables:
                db.execute(f"drop table if exists {quoted(name)}")
            if _has_table(db, "search_index"):
                db.execute("delete from search_index where name = ?", (self.table,))

    @property
    def _tables(self) -> tuple[str, ...]:
        return self.fts, self.units, self.rows, self.label_sets, self.common_units

    def common(self, db: sqlite3.Connection) -> frozenset[str]:
        """The units, as they are written in tokens, that the table of units has."""
        cursor = db.execute(f"select unit from {quoted(self.common_units)}")
        cursor.row_factory = None
        return frozenset(unit for (unit,) in cursor)

    def is_current(self, db: sqlite3.Connection) -> bool:
        """Whether the index is there, made by these rules, its tail short; if not, rebuild it."""
        if self._version(db) != VERSION:
            return False
        rows = quoted(self.rows)
        (tail,) = db.execute(f"select count(*) from {rows} where docid >= ?", (TAIL,)).fetchone()
        if tail <= _LONG_TAIL:
            return True
        (total,) = db.execute(f"select count(*) from {rows}").fetchone()
        return bool(tail <= total // _TAIL_SHARE)

    def add(self, db: sqlite3.Connection, rowid: int, values: Values) -> None:
        """Index a new row.

        Raises IndexMismatch where the index has the row already (FTS5 would keep the old tokens
        beside the new ones for ever) or the table lacks it.
        """
        if self._row(db, rowid) is not None:
            raise IndexMismatch(f"{self.table} {rowid} is in the index already")
        sql = f"select coalesce(max(docid) + 1, {TAIL}) from {quoted(self.rows)}"
        docid = max(TAIL, db.execute(sql).fetchone()[0])
        self._add(db, docid, rowid, values, *self._properties(db, rowid))

    def remove(self, db: sqlite3.Connection, rowid: int, old: Values) -> None:
        """Take a row out of the index; ``old`` is the text it was indexed with.

        Raises IndexMismatch where the index lacks the row, or has it with another number of
        units: FTS5 would take out the wrong tokens without a word.
        """
        row = self._row(db, rowid)
        common = self.common(db)
        columns, singles = self._tokens(common, old, *row.properties) if row else ([], [])
        if row is None or row.tokens != sum(map(len, columns)):
            raise IndexMismatch(f"{self.table} {rowid} is not in the index with this text")
        delete = self._command(self.fts, self.columns, "delete")
        db.execute(delete, (row.docid, *map(" ".join, columns)))
        db.execute(self._command(self.units, ("units",), "delete"), (row.docid, " ".join(singles)))
        db.execute(f"delete from {quoted(self.rows)} where docid = ?", (row.docid,))

    def replace(self, db: sqlite3.Connection, rowid: int, old: Values, new: Values) -> None:
        """Index a row's new text in place of ``old``; raises as :meth:`remove` does."""
        row, properties = self._row(db, rowid), self._properties(db, rowid)
        same = row is not None and row.properties == properties
        if not same or self._tokens((), old) != self._tokens((), new):
            self.remove(db, rowid, old)
            if row is not None and row.sort == properties[0]:  # its place in the order stays
                self._add(db, row.docid, rowid, new, *properties)
            else:
                self.add(db, rowid, new)

    def rebuild(self, db: sqlite3.Connection) -> int:
        """Make the index anew from its table, all or nothing, and return the number of rows.

        Memory does not grow with the table: some 110 MB for FTS5 and a batch of rows.
        """
        count = 0
        sets: dict[str, int] = {}
        with _atomic(db):
            self.drop(db)
            self.create(db)
            self._configure(db, hashsize=_BULK_HASH, automerge=0)
            db.execute(f"drop index {quoted(self._key_index)}")
            common = self._find_common(db)
            source = enumerate(self._rows(db, in_order=True), start=1)
            while batch := list(islice(source, _BATCH)):
                count += len(batch)
                tokens = [
                    (docid, *self._tokens(common, values, sort, labels))
                    for docid, (_, values, sort, labels) in batch
                ]
                sizes = [sum(map(len, columns)) for _, columns, _ in tokens]
                db.executemany(
                    self._command(self.fts, self.columns),
                    [(docid, *map(" ".join, columns)) for docid, columns, _ in tokens],
                )
                db.executemany(
                    self._command(self.units, ("units",)),
                    [(docid, " ".join(singles)) for docid, _, singles in tokens],
                )
                db.executemany(
                    f"insert into {quoted(self.rows)} values (?, ?, ?, ?, ?)",
                    [
                        (docid, key, sort, sets.setdefault(labels, len(sets) + 1), size)
                        for (docid, (key, _, sort, labels)), size in zip(batch, sizes, strict=True)
                    ],
                )
            db.executemany(
                f"insert into {quoted(self.label_sets)} (labels, id) values (?, ?)", sets.items()
            )
            self._create_key_index(db)  # made at the end, it is half as large
            self.optimize(db)
            self._configure(db, hashsize=_USUAL_HASH, automerge=_USUAL_AUTOMERGE)
        return count

    def optimize(self, db: sqlite3.Connection) -> None:
        """Merge the index into its smallest and fastest form; rewrites all of it."""
        for name in (self.fts, self.units):
            db.execute(f"insert into {quoted(name)}({quoted(name)}) values ('optimize')")

    def check(
        self, db: sqlite3.Connection, sample: int | None = None, turn: int = 0
    ) -> list[Difference]:
        """Compare the index with the text and return what differs, nothing if it is true.

        Without ``sample`` every token of every row is compared, both ways. With it, at most that
        many rows, spread evenly over the table, are looked up in the index; another ``turn`` (a
        day's number, say) looks at other rows. A sample does not see tokens that are left over
        from text a row no longer has, unless the number of its units differs. FTS5's own
        integrity check and the comparison of the two sets of rows are part of both. It needs a
        connection that may write; raises sqlite3.OperationalError where that is locked.
        """
        if not self.is_current(db):
            return [Difference(None, "the index is missing or made by other rules")]
        if found := list(self._unsound(db)) or list(self._rows_apart(db)):
            return found
        return self._check_all(db) if sample is None else self._check_some(db, sample, turn)

    def _version(self, db: sqlite3.Connection) -> str | None:
        if not _has_table(db, "search_index"):
            return None
        found = db.execute("select version from search_index where name = ?", (self.table,))
        row = found.fetchone()
        whole = all(_has_table(db, name) for name in self._tables)
        return str(row[0]) if row and whole else None

    def _tokens(
        self, common: Container[str], values: Values, sort: int = 0, labels: str = ""
    ) -> tuple[list[list[str]], list[str]]:
        """The tokens of each column, labels before the first, and those of the table of units."""
        marks = [label_token(label) for label in ("", order_label(sort), *labels.split())]
        columns: list[list[str]] = []
        singles = dict.fromkeys(marks)
        for name in self.columns:
            tokens: list[str] = [] if columns else [*marks]
            for stretch in written_units(fold(values[name] or "")):
                tokens += pairs(stretch)
                singles.update(dict.fromkeys(unit for unit in stretch if unit in common))
            columns.append(tokens)
        return columns, [*singles]

    def _find_common(self, db: sqlite3.Connection) -> frozenset[str]:
        """Find out which units are common, from rows spread over the table, and keep them."""
        read, having = 0, Counter[str]()
        for _, values, *_ in self._rows(db, self._spread(db, _SAMPLE)):
            read += 1
            texts = (values[name] for name in self.columns)
            having.update(
                {unit for text in texts for s in written_units(fold(text or "")) for unit in s}
            )
        common = frozenset(unit for unit, times in having.items() if times >= read * COMMON)
        sql = f"insert into {quoted(self.common_units)} values (?)"
        db.executemany(sql, [(unit,) for unit in sorted(common)])
        return common

    def _spread(self, db: sqlite3.Connection, number: int, turn: int = 0) -> str:
        """The end of a select that has at most so many rows, spread evenly over the table."""
        table, key = quoted(self.table), self._column(self.key)
        (count,) = db.execute(f"select count(*) from {table}").fetchone()
        step = max(1, -(-count // number))
        numbered = f"select {key} as k, row_number() over (order by {key}) as n from {table}"
        chosen = f"select k from ({numbered}) where n % {step} = {turn % step}"
        return f"where {key} in ({chosen}) order by {key}"

    def _add(
        self, db: sqlite3.Connection, docid: int, key: int, values: Values, sort: int, labels: str
    ) -> None:
        columns, singles = self._tokens(self.common(db), values, sort, labels)
        insert = self._command(self.fts, self.columns)
        db.execute(insert, (docid, *map(" ".join, columns)))
        db.execute(self._command(self.units, ("units",)), (docid, " ".join(singles)))
        sets = quoted(self.label_sets)
        db.execute(f"insert or ignore into {sets} (labels) values (?)", (labels,))
        db.execute(
            f"insert into {quoted(self.rows)} select ?, ?, ?, id, ? from {sets} where labels = ?",
            (docid, key, sort, sum(map(len, columns)), labels),
        )

    @property
    def _key_index(self) -> str:
        return f"{self.rows}_by_key"

    def _create_key_index(self, db: sqlite3.Connection) -> None:
        name = quoted(self._key_index)
        db.execute(f"create unique index {name} on {quoted(self.rows)} (key)")

    def _row(self, db: sqlite3.Connection, key: int) -> _Row | None:
        """A row as it is indexed."""
        cursor = db.execute(
            f"select docid, sort, s.labels, tokens from {quoted(self.rows)} r "
            f"join {quoted(self.label_sets)} s on s.id = r.labels where r.key = ?",
            (key,),
        )
        cursor.row_factory = None
        found = cursor.fetchone()
        return None if found is None else _Row(*found)

    def _properties(self, db: sqlite3.Connection, key: int) -> tuple[int, str]:
        """A row's order and labels as the table has them now."""
        cursor = db.execute(
            f"select {self.order}, {self.labels} from {quoted(self.table)} "
            f"where {self._column(self.key)} = ?",
            (key,),
        )
        cursor.row_factory = None
        found = cursor.fetchone()
        if found is None:
            raise IndexMismatch(f"{self.table} {key} is not in the table")
        return int(found[0]), _tidy(found[1])

    def _rows(
        self, db: sqlite3.Connection, where: str = "", *, in_order: bool = False
    ) -> Iterator[tuple[int, Values, int, str]]:
        """Each row's key, texts, order and labels."""
        key, table = self._column(self.key), quoted(self.table)
        names = ", ".join((*map(self._column, (self.key, *self.columns)), self.order, self.labels))
        source = f"{table} {where}"
        if in_order:  # Only keys go through the sorter; the limit keeps them apart.
            sort = (
                f"select {key} as sorted, {self.order} as place from {table} "
                "order by place, sorted limit -1"
            )
            source = f"({sort}) cross join {table} on {key} = sorted"
        cursor = db.execute(f"select {names} from {source}")
        cursor.row_factory = None
        for rowid, *texts, order, labels in cursor:
            yield rowid, dict(zip(self.columns, texts, strict=True)), int(order), _tidy(labels)

    def _column(self, name: str) -> str:
        # With the table before it, for SQLite takes an unknown "name" alone for a text.
        return f"{quoted(self.table)}.{quoted(name)}"

    def _command(self, name: str, columns: Sequence[str], command: str = "") -> str:
        """An insert of a row's tokens, or with ``command`` the delete that FTS5 makes of one."""
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

    def _unsound(self, db: sqlite3.Connection) -> Iterator[Difference]:
        for name in (self.fts, self.units):
            table = quoted(name)
            try:
                with _atomic(db):
                    db.execute(f"insert into {table}({table}) values ('integrity-check')")
            except sqlite3.OperationalError:  # locked or read-only, which is no damage
                raise
            except sqlite3.DatabaseError as error:
                yield Difference(None, f"{name}: {error}")

    def _rows_apart(self, db: sqlite3.Connection) -> Iterator[Difference]:
        rows = quoted(self.rows)
        known = f"select key from {rows}"
        for sql, problem in (
            (f"{self.every_row} except {known}", "is not in the index"),
            (f"{known} except {self.every_row}", "is in the index but not in the table"),
            (
                f"select key from (select key, sort, lead(sort) over (order by docid) as next from "
                f"{rows} where docid < {TAIL}) where sort > next",
                "is out of order in the index",
            ),
        ):
            for (rowid,) in db.execute(sql):
                yield Difference(rowid, problem)

    def _check_all(self, db: sqlite3.Connection) -> list[Difference]:
        """Sum up, for each row, hashes of what it should have less those of what it has."""
        sums: dict[int, int] = {}
        keys: dict[int, int] = {}
        found = []
        common = self.common(db)
        for key, values, *properties in self._rows(db):
            row = self._row(db, key)
            if row is None or [*row.properties] != properties:
                found.append(Difference(key, "has other properties in the index"))
                continue
            columns, singles = self._tokens(common, values, *row.properties)
            total = sum(hash((unit, None, None)) for unit in singles)
            for name, tokens in zip(self.columns, columns, strict=True):
                total += sum(hash((token, name, at)) for at, token in enumerate(tokens))
            sums[row.docid], keys[row.docid] = total, key
        if found:
            return found
        for name in (self.fts, self.units):
            with _vocabulary(db, name) as instances:
                for term, docid, column, offset in instances:
                    sums[docid] = sums.get(docid, 0) - hash((term, column, offset))
        return [
            Difference(keys.get(docid), "has other units in the index than in its text")
            for docid, total in sums.items()
            if total
        ]

    def _check_some(self, db: sqlite3.Connection, sample: int, turn: int) -> list[Difference]:
        found = []
        common = self.common(db)
        for rowid, values, *properties in self._rows(db, self._spread(db, sample, turn)):
            row = self._row(db, rowid)
            if row is None or [*row.properties] != properties:
                found.append(Difference(rowid, "has other properties in the index"))
                continue
            columns, singles = self._tokens(common, values, *row.properties)
            if row.tokens != sum(map(len, columns)):
                found.append(Difference(rowid, "has another number of units in the index"))
            elif not self._holds(db, row.docid, columns, singles):
                found.append(Difference(rowid, "lacks units of its text in the index"))
        return found

    def _holds(
        self, db: sqlite3.Connection, docid: int, columns: list[list[str]], singles: list[str]
    ) -> bool:
        asked = [
            (self.fts, f'{{{quoted(name)}}} : "{" ".join(tokens[at : at + _PHRASE])}"')
            for name, tokens in zip(self.columns, columns, strict=True)
            # Each phrase begins with the last token of the one before: order is proven throughout.
            for at in range(0, len(tokens), _PHRASE - 1)
        ]
        asked += [
            (self.units, " ".join(f'"{unit}"' for unit in singles[at : at + _PHRASE]))
            for at in range(0, len(singles), _PHRASE)
        ]
        return all(
            db.execute(
                f"select 1 from {quoted(name)} where {quoted(name)} match ? and rowid = ?",
                (match, docid),
            ).fetchone()
            for name, match in asked
        )


def quoted(name: str) -> str:
    """A name of a table or column, as SQL takes it whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def _has_table(db: sqlite3.Connection, name: str) -> bool:
    found = db.execute("select 1 from sqlite_master where type = 'table' and name = ?", (name,))
    return found.fetchone() is not None


def _tidy(labels: str | None) -> str:
    """Labels in one order, each once."""
    return " ".join(sorted(set((labels or "").split())))


@contextmanager
def _atomic(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, inside the caller's transaction or outside of any."""
    db.execute("savepoint search_index")
    try:
        yield
    except BaseException:
        if db.in_transaction:  # Some errors, a full disk for one, have rolled back all of it.
            db.execute("rollback to search_index")
            db.execute("release search_index")
        raise
    db.execute("release search_index")


@contextmanager
def _vocabulary(db: sqlite3.Connection, name: str) -> Iterator[sqlite3.Cursor]:
    """Every token of an FTS5 table: term, rowid, column, offset."""
    db.execute(
        "create virtual table temp.search_check using fts5vocab"
        f"(main, '{name.replace(chr(39), chr(39) * 2)}', 'instance')"
    )
    try:
        cursor = db.execute('select term, doc, "col", "offset" from temp.search_check')
        cursor.row_factory = None
        yield cursor
        cursor.close()
    finally:
        db.execute("drop table temp.search_check")
