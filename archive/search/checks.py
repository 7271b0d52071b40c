"""Checks: whether the index still holds exactly the tokens of the texts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from archive.search.index import TAIL, Index
from archive.search.tables import atomic, quoted

_PHRASE = 50  # tokens in one phrase when a row is looked up


@dataclass(frozen=True, slots=True)
class Difference:
    """One error in the index: of one row, or of the whole index if ``rowid`` is None."""

    rowid: int | None
    problem: str


def differences(
    db: sqlite3.Connection, index: Index, sample: int | None = None, turn: int = 0
) -> list[Difference]:
    """Compare the index with the texts and return what differs; an empty list if nothing does.

    Without ``sample`` every token of every row is compared, in both directions. With it, at most
    that many rows, spread evenly over the table, are looked up in the index; another ``turn`` (the
    number of a day, for example) looks at other rows. A sample does not notice tokens left over
    from text that a row no longer has, unless the number of its units differs. Both kinds include
    FTS5's own integrity check and a comparison of the two sets of rows. The connection must be
    able to write; raises sqlite3.OperationalError if the database is locked.
    """
    if not index.is_readable(db):
        return [Difference(None, "the index is missing or made by other rules")]
    if found := list(_unsound(db, index)) or list(_rows_apart(db, index)):
        return found
    return _check_all(db, index) if sample is None else _check_some(db, index, sample, turn)


def _unsound(db: sqlite3.Connection, index: Index) -> Iterator[Difference]:
    for name in (index.fts, index.units):
        table = quoted(name)
        try:
            with atomic(db):
                db.execute(f"insert into {table}({table}) values ('integrity-check')")
        except sqlite3.OperationalError:  # locked or read-only, which is no damage
            raise
        except sqlite3.DatabaseError as error:
            yield Difference(None, f"{name}: {error}")


def _rows_apart(db: sqlite3.Connection, index: Index) -> Iterator[Difference]:
    rows = quoted(index.rows)
    known = f"select key from {rows}"
    for sql, problem in (
        (f"{index.every_row} except {known}", "is not in the index"),
        (f"{known} except {index.every_row}", "is in the index but not in the table"),
        (
            f"select key from (select key, sort, lead(sort) over (order by docid) as next from "
            f"{rows} where docid < {TAIL}) where sort > next",
            "is out of order in the index",
        ),
    ):
        for (rowid,) in db.execute(sql):
            yield Difference(rowid, problem)


def _check_all(db: sqlite3.Connection, index: Index) -> list[Difference]:
    """For each row, subtract the hashes of the tokens it has from those it should have."""
    sums: dict[int, int] = {}
    keys: dict[int, int] = {}
    found = []
    common = index.common(db)
    for key, values, *properties in index.read(db):
        row = index.indexed(db, key)
        if row is None or [*row.properties] != properties:
            found.append(Difference(key, "has other properties in the index"))
            continue
        columns, singles = index.tokens(common, values, *row.properties)
        total = sum(hash((unit, None, None)) for unit in singles)
        for name, tokens in zip(index.columns, columns, strict=True):
            total += sum(hash((token, name, at)) for at, token in enumerate(tokens))
        sums[row.docid], keys[row.docid] = total, key
    if found:
        return found
    for name in (index.fts, index.units):
        with _vocabulary(db, name) as instances:
            for term, docid, column, offset in instances:
                sums[docid] = sums.get(docid, 0) - hash((term, column, offset))
    return [
        Difference(keys.get(docid), "has other units in the index than in its text")
        for docid, total in sums.items()
        if total
    ]


def _check_some(db: sqlite3.Connection, index: Index, sample: int, turn: int) -> list[Difference]:
    found = []
    common = index.common(db)
    for rowid, values, *properties in index.read(db, index.spread(db, sample, turn)):
        row = index.indexed(db, rowid)
        if row is None or [*row.properties] != properties:
            found.append(Difference(rowid, "has other properties in the index"))
            continue
        columns, singles = index.tokens(common, values, *row.properties)
        if row.tokens != sum(map(len, columns)):
            found.append(Difference(rowid, "has another number of units in the index"))
        elif not _holds(db, index, row.docid, columns, singles):
            found.append(Difference(rowid, "lacks units of its text in the index"))
    return found


def _holds(
    db: sqlite3.Connection, index: Index, docid: int, columns: list[list[str]], singles: list[str]
) -> bool:
    asked = [
        (index.fts, f'{{{quoted(name)}}} : "{" ".join(tokens[at : at + _PHRASE])}"')
        for name, tokens in zip(index.columns, columns, strict=True)
        # Each phrase begins with the last token of the one before, so the order of all is checked.
        for at in range(0, len(tokens), _PHRASE - 1)
    ]
    asked += [
        (index.units, " ".join(f'"{unit}"' for unit in singles[at : at + _PHRASE]))
        for at in range(0, len(singles), _PHRASE)
    ]
    return all(
        db.execute(
            f"select 1 from {quoted(name)} where {quoted(name)} match ? and rowid = ?",
            (match, docid),
        ).fetchone()
        for name, match in asked
    )


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
