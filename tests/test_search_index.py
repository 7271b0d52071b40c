"""Keeping the index: adding, removing, rebuilding and checking it. All texts are 样例."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archive.search import (
    VERSION,
    Difference,
    Index,
    IndexMismatch,
    differences,
)
from archive.search.index import TAIL
from archive.search.tokens import written_units
from tests.search_samples import ENTRIES, Row, database, empty_index, insert, put, search


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    yield from empty_index()


def test_a_row_is_added_once_and_removed_as_it_was(db: sqlite3.Connection) -> None:
    row = put(db, 1, "危房改造")
    with pytest.raises(IndexMismatch, match="entries 1 is in the index already"):
        ENTRIES.add(db, 1, row)
    with pytest.raises(IndexMismatch, match="entries 1 is not in the index with this text"):
        ENTRIES.remove(db, 1, {**row, "text": "危房"})
    with pytest.raises(IndexMismatch, match="entries 2 is not in the index"):
        ENTRIES.remove(db, 2, row)
    ENTRIES.remove(db, 1, row)
    assert search(db, "危房") == search(db, "危") == set()


def stale(db: sqlite3.Connection) -> None:
    """What INSERT OR REPLACE does: the row has its old tokens as well as the new ones."""
    db.execute("insert into entries_fts (rowid, text) values (?, '抗旱')", (TAIL + 1,))


def stale_unit(db: sqlite3.Connection) -> None:
    db.execute("insert into entries_units (rowid, units) values (?, '旱')", (TAIL + 1,))


def revised(db: sqlite3.Connection) -> None:
    db.execute("update entries set text = '脱贫攻坚完成' where id = 2")


def removed(db: sqlite3.Connection) -> None:
    db.execute("delete from entries where id = 2")


def added(db: sqlite3.Connection) -> None:
    insert(db, 9, {"title": "新", "heading": None, "text": "新", "day": 1, "tags": ""})


def redated(db: sqlite3.Connection) -> None:
    db.execute("update entries set day = 20200101 where id = 2")


def retagged(db: sqlite3.Connection) -> None:
    db.execute("update entries set tags = '湖北' where id = 2")


def disordered(db: sqlite3.Connection) -> None:
    ENTRIES.rebuild(db)
    db.execute("update entries_fts_rows set sort = 20300101 where key = 2")


@pytest.mark.parametrize(
    ("harm", "rowid", "problem", "sampled"),
    [
        (stale, 2, "has other units in the index than in its text", False),
        (stale_unit, 2, "has other units in the index than in its text", False),
        (revised, 2, "has other units in the index than in its text", True),
        (removed, 2, "is in the index but not in the table", True),
        (added, 9, "is not in the index", True),
        (redated, 2, "has other properties in the index", True),
        (retagged, 2, "has other properties in the index", True),
        (disordered, 2, "is out of order in the index", True),
    ],
)
def test_check_names_the_row(
    db: sqlite3.Connection,
    harm: Callable[[sqlite3.Connection], None],
    rowid: int,
    problem: str,
    *,
    sampled: bool,
) -> None:
    for number in range(1, 5):
        put(db, number, "农村危房改造")
    assert differences(db, ENTRIES) == differences(db, ENTRIES, sample=4) == []
    harm(db)
    assert differences(db, ENTRIES) == [Difference(rowid, problem)]
    assert [found.rowid for found in differences(db, ENTRIES, sample=4)] == (
        [rowid] if sampled else []
    )
    assert ENTRIES.rebuild(db) in (3, 4, 5)
    assert differences(db, ENTRIES) == differences(db, ENTRIES, sample=4) == []


def test_a_sample_takes_turns(db: sqlite3.Connection) -> None:
    for number in range(1, 8):
        put(db, number, "农村危房改造")
    db.execute("update entries set text = '农村' where id = 7")
    seen = [
        [found.rowid for found in differences(db, ENTRIES, sample=2, turn=turn)]
        for turn in range(8)
    ]
    assert seen == [[], [], [], [7], [], [], [], [7]]


@pytest.mark.parametrize("at", [0, 47, 48, 49, 50, 51, 120, 197, 198])
def test_a_sample_notices_two_characters_exchanged(db: sqlite3.Connection, at: int) -> None:
    text = "".join(chr(0x4E00 + number) for number in range(200))
    put(db, 1, text)
    exchanged = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    db.execute("update entries set text = ?", (exchanged,))
    problem = "lacks units of its text in the index"
    assert differences(db, ENTRIES, sample=1) == [Difference(1, problem)]


def test_a_sample_notices_two_parts_exchanged(db: sqlite3.Connection) -> None:
    """Parts of as many tokens as one phrase of the check: with two labels before the first."""
    characters = [chr(0x4E00 + number) for number in range(148)]
    parts = ["".join(characters[at:end]) for at, end in ((0, 48), (48, 98), (98, 148))]
    put(db, 1, " ".join(parts))
    assert differences(db, ENTRIES, sample=1) == []
    db.execute("update entries set text = ?", (" ".join((parts[0], parts[2], parts[1])),))
    problem = "lacks units of its text in the index"
    assert differences(db, ENTRIES, sample=1) == [Difference(1, problem)]


def test_the_check_notices_damage(db: sqlite3.Connection) -> None:
    put(db, 1, "农村危房改造")
    db.commit()
    db.execute("delete from entries_fts_data where id > 10")
    db.commit()
    [found] = differences(db, ENTRIES)
    assert found.rowid is None
    assert found.problem.startswith("entries_fts: ")


def test_a_locked_database_is_an_error_not_a_difference(tmp_path: Path) -> None:
    path = tmp_path / "样例.db"
    writer, reader = sqlite3.connect(path), sqlite3.connect(path, timeout=0)
    writer.execute("create table entries (id integer primary key, text, title, heading, day, tags)")
    ENTRIES.rebuild(writer)
    writer.execute("begin immediate")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        differences(reader, ENTRIES)
    writer.close()
    reader.close()


def test_version(db: sqlite3.Connection) -> None:
    put(db, 1, "危房")
    assert ENTRIES.is_current(db)
    assert db.execute("select name, version from search_index").fetchall() == [("entries", VERSION)]
    db.execute("update search_index set version = '0'")
    assert not ENTRIES.is_current(db)
    assert differences(db, ENTRIES) == [
        Difference(None, "the index is missing or made by other rules")
    ]
    assert ENTRIES.rebuild(db) == 1
    assert ENTRIES.is_current(db)
    ENTRIES.drop(db)
    assert not ENTRIES.is_current(db)
    ENTRIES.drop(db)
    assert not ENTRIES.is_current(sqlite3.connect(":memory:"))


def test_rebuild_is_all_or_nothing_and_commits_nothing_of_the_caller(
    db: sqlite3.Connection,
) -> None:
    row = put(db, 1, "危房")
    db.commit()
    insert(db, 2, row)
    assert ENTRIES.rebuild(db) == 2
    assert search(db, "危房") == {1, 2}
    db.rollback()
    assert search(db, "危房") == {1}
    wrong = Index("entries", ("text", "no_such_column"))
    with pytest.raises(sqlite3.OperationalError):
        wrong.rebuild(db)
    assert not db.in_transaction
    assert search(db, "危房") == {1}
    assert differences(db, ENTRIES) == []


def test_a_rebuild_determines_which_units_are_common(db: sqlite3.Connection) -> None:
    """Those that a sixth of the rows have, however often each row has them."""
    for key in range(1, 13):
        put(db, key, {1: "房房", 2: "房", 3: "水水水"}.get(key, "路"))
    assert ENTRIES.common(db) == frozenset()
    ENTRIES.rebuild(db)
    title = {unit for stretch in written_units("样例") for unit in stretch}
    of_texts = {unit for stretch in written_units("房路") for unit in stretch}
    assert ENTRIES.common(db) == title | of_texts
    assert search(db, "房") == {1, 2}
    assert search(db, "水") == {3}


def test_rebuild_leaves_the_usual_settings(db: sqlite3.Connection) -> None:
    ENTRIES.rebuild(db)
    for name in ("entries_fts_config", "entries_units_config"):
        assert dict(db.execute(f"select k, v from {name} where k != 'version'")) == {
            "automerge": 4,
            "hashsize": 1 << 20,
        }


def test_it_writes_no_triggers_and_survives_vacuum(tmp_path: Path) -> None:
    path = tmp_path / "样例.db"
    rows: dict[int, Row] = {
        number: {
            "title": "样例",
            "heading": None,
            "text": f"第{number}户危房",
            "day": number,
            "tags": "",
        }
        for number in (3, 7, 9)
    }
    source = database(rows)
    ENTRIES.rebuild(source)
    source.commit()
    source.execute("vacuum into ?", (str(path),))
    source.close()
    db = sqlite3.connect(path)
    assert db.execute("select count(*) from sqlite_master where type = 'trigger'").fetchone() == (
        0,
    )
    assert search(db, "第7户") == {7}
    assert differences(db, ENTRIES) == []
    db.close()
