"""The index: two contentless FTS5 tables beside the table whose text they index.

``<table>_fts`` has, at each unit's position (see :func:`archive.search.fold.units`), one token:
the unit and the one after it, or the unit alone where a blank or the end follows. A word of two
or more units is a phrase of such pairs, so it is found exactly as it stands, and never across a
blank or two columns. ``<table>_units`` has the set of all units of a row, for words of one unit:
as a prefix of pairs (``"房" *``, exact too, and in one column if need be) they are slow.

A run of letters or digits ends with :data:`RUN_END` in a token, so that 70 is not the beginning
of 701, and ASCII signs are written as their full-width forms, which folded text never has: no
token holds a character that means something to FTS5.

SQLite before 3.43 cannot delete from such tables by rowid: a removal hands over the old text.
The index is kept by the application; triggers would need its functions in every writer.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from operator import add

from archive.search.fold import LETTER, TRADITIONAL, fold, units

RUN_END = "\x80"
"""Closes a run in a token; a control character, which folding turns into a blank."""

VERSION = (
    f"1.{zlib.crc32(repr(sorted(TRADITIONAL.items())).encode()):08x}.{unicodedata.unidata_version}"
)
"""What the tokens depend on: this module's rules, the character table, Python's Unicode."""

_RUN = re.compile(rf"\d|{LETTER}")
_SIGNS = {code: code + 0xFEE0 for code in range(0x21, 0x7F) if not chr(code).isalnum()}
_BATCH = 1000
_BULK_HASH = 32 << 20  # bytes that FTS5 gathers before it writes, while building
_USUAL_HASH = 1 << 20  # FTS5's own value
_USUAL_AUTOMERGE = 4  # FTS5's own value
_PHRASE = 50  # tokens of one phrase while checking a row

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


def pairs(stretch: Sequence[str]) -> list[str]:
    """The tokens of one stretch of written units: each with the next, the last alone."""
    return [*map(add, stretch, stretch[1:]), stretch[-1]]


@dataclass(frozen=True, slots=True)
class Index:
    """The search index of ``columns`` of ``table``, whose integer primary key is ``key``.

    Name the column with the longest texts first: FTS5 stores the first one smallest. Values are
    handed over by column name; None is an empty text. Rows are added, replaced and removed in the
    transaction that writes them to the table; no method commits what the caller began.
    """

    table: str
    columns: tuple[str, ...]
    key: str = "id"

    @property
    def fts(self) -> str:
        """The name of the table of pairs."""
        return f"{self.table}_fts"

    @property
    def units(self) -> str:
        """The name of the table of sets of units."""
        return f"{self.table}_units"

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
                f"({columns}, content='', tokenize='ascii')"
            )
            db.execute(
                f"create virtual table {quoted(self.units)} using fts5"
                "(units, content='', tokenize='ascii', detail=none, columnsize=0)"
            )
            db.execute(
                "create table if not exists search_index "
                "(name text primary key, version text not null) strict"
            )
            db.execute("insert into search_index values (?, ?)", (self.table, VERSION))

    def drop(self, db: sqlite3.Connection) -> None:
        """Remove the index, as far as there is one."""
        with _atomic(db):
            db.execute(f"drop table if exists {quoted(self.fts)}")
            db.execute(f"drop table if exists {quoted(self.units)}")
            if _has_table(db, "search_index"):
                db.execute("delete from search_index where name = ?", (self.table,))

    def is_current(self, db: sqlite3.Connection) -> bool:
        """Whether there is an index and it was made by these rules; if not, rebuild it."""
        return self._version(db) == VERSION

    def add(self, db: sqlite3.Connection, rowid: int, values: Values) -> None:
        """Index a new row.

        Raises IndexMismatch where the index has the row already: FTS5 would keep the old
        tokens beside the new ones for ever.
        """
        if self._sizes(db, rowid) is not None:
            raise IndexMismatch(f"{self.table} {rowid} is in the index already")
        columns, singles = self._tokens(values)
        db.execute(self._command(self.fts, self.columns), (rowid, *map(" ".join, columns)))
        db.execute(self._command(self.units, ("units",)), (rowid, " ".join(singles)))

    def remove(self, db: sqlite3.Connection, rowid: int, old: Values) -> None:
        """Take a row out of the index; ``old`` is the text it was indexed with.

        Raises IndexMismatch where the index lacks the row, or has it with another number of
        units: FTS5 would take out the wrong tokens without a word.
        """
        columns, singles = self._tokens(old)
        if self._sizes(db, rowid) != [len(tokens) for tokens in columns]:
            raise IndexMismatch(f"{self.table} {rowid} is not in the index with this text")
        delete = self._command(self.fts, self.columns, "delete")
        db.execute(delete, (rowid, *map(" ".join, columns)))
        db.execute(self._command(self.units, ("units",), "delete"), (rowid, " ".join(singles)))

    def replace(self, db: sqlite3.Connection, rowid: int, old: Values, new: Values) -> None:
        """Index a row's new text in place of ``old``; raises as :meth:`remove` does."""
        if self._tokens(old) != self._tokens(new):
            self.remove(db, rowid, old)
            self.add(db, rowid, new)

    def rebuild(self, db: sqlite3.Connection) -> int:
        """Make the index anew from its table, all or nothing, and return the number of rows.

        Memory does not grow with the table: some 110 MB for FTS5 and a batch of rows.
        """
        rows = 0
        with _atomic(db):
            self.drop(db)
            self.create(db)
            self._configure(db, hashsize=_BULK_HASH, automerge=0)
            source = self._rows(db)
            while batch := [
                (rowid, *self._tokens(values)) for rowid, values in islice(source, _BATCH)
            ]:
                rows += len(batch)
                db.executemany(
                    self._command(self.fts, self.columns),
                    [(rowid, *map(" ".join, columns)) for rowid, columns, _ in batch],
                )
                db.executemany(
                    self._command(self.units, ("units",)),
                    [(rowid, " ".join(singles)) for rowid, _, singles in batch],
                )
            self.optimize(db)
            self._configure(db, hashsize=_USUAL_HASH, automerge=_USUAL_AUTOMERGE)
        return rows

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
        return row[0] if row and _has_table(db, self.fts) and _has_table(db, self.units) else None

    def _tokens(self, values: Values) -> tuple[list[list[str]], list[str]]:
        """The tokens of each column, in the order of ``columns``, and the row's set of units."""
        columns: list[list[str]] = []
        singles: dict[str, None] = {}
        for name in self.columns:
            tokens: list[str] = []
            for stretch in written_units(fold(values[name] or "")):
                tokens += pairs(stretch)
                singles.update(dict.fromkeys(stretch))
            columns.append(tokens)
        return columns, list(singles)

    def _rows(self, db: sqlite3.Connection, where: str = "") -> Iterator[tuple[int, Values]]:
        names = ", ".join(map(self._column, (self.key, *self.columns)))
        cursor = db.execute(f"select {names} from {quoted(self.table)} {where}")
        cursor.row_factory = None
        for rowid, *texts in cursor:
            yield rowid, dict(zip(self.columns, texts, strict=True))

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

    def _sizes(self, db: sqlite3.Connection, rowid: int) -> list[int] | None:
        """The number of tokens FTS5 has counted in each column of a row, None without it."""
        docsize = quoted(f"{self.fts}_docsize")
        row = db.execute(f"select sz from {docsize} where id = ?", (rowid,)).fetchone()
        return None if row is None else _varints(row[0])

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
        rows = self.every_row
        docs = f"select id from {quoted(self.fts + '_docsize')}"
        for sql, problem in (
            (f"{rows} except {docs}", "is not in the index"),
            (f"{docs} except {rows}", "is in the index but not in the table"),
        ):
            for (rowid,) in db.execute(sql):
                yield Difference(rowid, problem)

    def _check_all(self, db: sqlite3.Connection) -> list[Difference]:
        """Sum up, for each row, hashes of what it should have less those of what it has."""
        sums: dict[int, int] = {}
        for rowid, values in self._rows(db):
            columns, singles = self._tokens(values)
            total = sum(hash((unit, None, None)) for unit in singles)
            for name, tokens in zip(self.columns, columns, strict=True):
                total += sum(hash((token, name, at)) for at, token in enumerate(tokens))
            sums[rowid] = total
        for name in (self.fts, self.units):
            with _vocabulary(db, name) as instances:
                for term, rowid, column, offset in instances:
                    sums[rowid] = sums.get(rowid, 0) - hash((term, column, offset))
        return [
            Difference(rowid, "has other units in the index than in its text")
            for rowid, total in sums.items()
            if total
        ]

    def _check_some(self, db: sqlite3.Connection, sample: int, turn: int) -> list[Difference]:
        table, key = quoted(self.table), self._column(self.key)
        count = db.execute(f"select count(*) from {table}").fetchone()[0]
        step = max(1, -(-count // sample))
        numbered = f"select {key} as k, row_number() over (order by {key}) as n from {table}"
        chosen = f"select k from ({numbered}) where n % {step} = {turn % step}"
        found = []
        for rowid, values in self._rows(db, f"where {key} in ({chosen}) order by {key}"):
            columns, singles = self._tokens(values)
            if self._sizes(db, rowid) != [len(tokens) for tokens in columns]:
                found.append(Difference(rowid, "has another number of units in the index"))
            elif not self._holds(db, rowid, columns, singles):
                found.append(Difference(rowid, "lacks units of its text in the index"))
        return found

    def _holds(
        self, db: sqlite3.Connection, rowid: int, columns: list[list[str]], singles: list[str]
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
                (match, rowid),
            ).fetchone()
            for name, match in asked
        )


def quoted(name: str) -> str:
    """A name of a table or column, as SQL takes it whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def _has_table(db: sqlite3.Connection, name: str) -> bool:
    found = db.execute("select 1 from sqlite_master where type = 'table' and name = ?", (name,))
    return found.fetchone() is not None


def _varints(blob: bytes) -> list[int]:
    """SQLite's variable-length integers, below 2^56: seven bits a byte, the highest first."""
    numbers, number = [], 0
    for byte in blob:
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            numbers.append(number)
            number = 0
    return numbers


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
