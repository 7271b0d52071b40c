"""What single words, many words, orders and labels find in the index. All texts are 样例."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterable, Iterator

import pytest

from archive.search import (
    Filter,
    Index,
    Query,
    differences,
    fold,
    parse,
    units,
)
from archive.search.find import count, facets, newest
from archive.search.hits import Place
from tests.search_samples import (
    ENTRIES,
    FIELDS,
    PIECES,
    Row,
    database,
    empty_index,
    folded,
    insert,
    put,
    sample_row,
    search,
    word_check,
)


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    yield from empty_index()


@pytest.mark.parametrize(
    ("text", "found", "not_found"),
    [
        ("农村危房改造", "农 村 农村 村危 危房改造 农村危房改造", "危改 房危 危房造"),
        ("截至12月1日", "12月1日 12 月1日 12月1", "2月1日 2月 121"),
        ("抗击COVID-19疫情", "covid COVID-19 “-19疫” covid-", "ovid covi 9 d-1 covid19"),
        ("70天决战，701户", "70天决战 70 701 天决", "7 0天 01户 70户"),
        ("建成5G基站1.2万户", "5g 5G基站 1.2万户 .2 2万 G基", "15G 1.2万人 12万"),
        ("２０２０年 脫貧攻堅", "2020年 脱贫攻坚 脫貧 ２０２０", "2020年脱 年脱贫"),
        ("甲乙 丙丁", "甲乙 丙丁 甲 丁", "乙丙 甲乙丙丁"),
        ("甲乙 乙丙", "甲乙 乙丙", "甲乙丙 乙乙"),
        ("𠮷野家😀《通知》", "𠮷 𠮷野 😀 😀《 《通知》 》", "吉 野𠮷 ））"),
        ("①2020年②面积120㎡", "2020年 ① 120m2 ㎡ m² 120m", "12020 20m2"),
        ('他说"好"*:^-(a)', '* a “(a)” " “"好"” "*:^-(', '"" ** “-a” a*'),
    ],
)
def test_words(db: sqlite3.Connection, text: str, found: str, not_found: str) -> None:
    put(db, 7, text)
    put(db, 8, "别的")
    assert {word: search(db, word) for word in found.split()} == {
        word: {7} for word in found.split()
    }
    assert [word for word in not_found.split() if search(db, word)] == []
    assert search(db, " ".join(found.split()[:3])) == {7}


def test_a_prefix_of_pairs_finds_single_units_too() -> None:
    """Needed for words of one uncommon unit or in one column: a unit begins exactly one token."""
    rng = random.Random(9)
    rows = {number: sample_row(rng) for number in range(200)}
    db = database(rows)
    ENTRIES.rebuild(db)
    asked = 0
    for typed in PIECES:
        query = parse(typed)
        if sum(map(len, units(fold(typed)))) != 1:
            continue
        asked += 1
        in_pairs, match = query.match(())
        assert in_pairs
        for column, scope in (("text", "{text} : "), (None, "")):
            found = db.execute(
                "select rowid from entries_fts where entries_fts match ?",
                (f"{scope}{match}",),
            )
            check = word_check(typed, column)
            texts = folded(rows)
            assert numbers(db, found) == {n for n in rows if check(texts[n], rows[n])}, typed
    assert asked > 80


def numbers(db: sqlite3.Connection, found: Iterable[tuple[int]]) -> set[int]:
    """Numbers the rows by their own keys instead of the index's numbers."""
    keys = dict(db.execute("select docid, key from entries_fts_rows"))
    return {keys[docid] for (docid,) in found}


def test_common_units_are_found_by_a_rebuild(db: sqlite3.Connection) -> None:
    """Those that a sixth of the rows have; before a rebuild, and for other units, pairs do."""
    for number in range(1, 13):
        put(db, number, "户" if number <= 2 else "房" if number == 3 else "村2", title="甲")
    queries = {word: parse(word) for word in ("村", "户", "房", "甲", "2", "村 房", "户 -房")}
    found = {word: search(db, word) for word in queries}
    assert ENTRIES.common(db) == frozenset()
    assert all(query.match(())[0] for query in queries.values())
    ENTRIES.rebuild(db)
    common = ENTRIES.common(db)
    assert common == {"村", "户", "甲", "2\x80"}
    db.execute("create virtual table temp.held using fts5vocab(main, 'entries_units', 'row')")
    held = {term for (term,) in db.execute("select term from held") if term[0] != "\x80"}
    assert held == common
    in_units = {word: not query.match(common)[0] for word, query in queries.items()}
    assert in_units == {
        "村": True, "户": True, "房": False, "甲": True, "2": True, "村 房": False, "户 -房": False
    }  # fmt: skip
    assert {word: search(db, word) for word in queries} == found
    assert found["户 -房"] == {1, 2}
    put(db, 13, "户房")
    assert search(db, "户") == {1, 2, 13}
    assert differences(db, ENTRIES) == []


@pytest.mark.parametrize(
    ("typed", "apart"),
    [
        ("房 或 危房改造", ["房", "危房改造"]),
        ("湖北 (房 或 省 或 危房 或 -农房)", ["湖北 (房 或 省)", "湖北 (危房 或 -农房)"]),
        ("(房 省) 或 (房 危房)", ["房 省", "房 危房"]),
        ("房 或 省", []),
        ("危房 或 农房", []),
        ("省:湖北 或 危房", []),
        ("(房 或 危房) (省 或 湖北)", []),
        ("房 危房", []),
    ],
)
def test_alternatives_are_searched_separately(typed: str, apart: list[str]) -> None:
    found = parse(typed, FIELDS).alternatives({"房", "省"})
    assert [query.describe() for query in found] == [
        parse(each, FIELDS).describe() for each in apart
    ]


@pytest.mark.parametrize(
    ("typed", "contradicts"),
    [
        ("危房 -房", True),
        ("危房改造 省 -改造", True),
        ("70天 -70", True),
        ("70天 -7", False),
        ("危房 -农房", False),
        ("危房 -危房改造", False),
        ("-危房 -房", False),
        ("危房 -(房 湖北)", False),
    ],
)
def test_contradictions(typed: str, *, contradicts: bool) -> None:
    assert parse(typed).contradicts is contradicts


def test_words_in_several_columns(db: sqlite3.Connection) -> None:
    row: Row = {"title": "要闻危房", "heading": "陕西", "text": "改造完成", "day": 1, "tags": ""}
    insert(db, 1, row)
    ENTRIES.add(db, 1, row)
    assert search(db, "陕西 要闻 完成") == {1}
    assert search(db, "陕 危房 成") == {1}
    assert search(db, "危房改造") == set()
    assert search(db, "陕西改造") == set()
    assert search(db, "") == search(db, "\u3000\u200b") == {1}


@pytest.mark.parametrize(
    "typed", ["危" * 1000, "危 " * 500, "a1" * 500, "1 a " * 250, "\u00df" * 1000]
)
def test_long_queries(db: sqlite3.Connection, typed: str) -> None:
    put(db, 1, typed)
    put(db, 2, "危房a1")
    assert 1 in search(db, typed)
    assert search(db, typed[:999] + "危造"[1]) == set()


def test_queries_of_many_words(db: sqlite3.Connection) -> None:
    typed = " ".join(chr(0x4E00 + i) for i in range(500))
    pairs = " ".join(chr(0x4E00 + i) + "房" for i in range(333))
    put(db, 1, typed + pairs)
    assert search(db, typed) == search(db, pairs) == {1}


def test_a_very_long_run_of_letters(db: sqlite3.Connection) -> None:
    put(db, 1, "a" * 100_000 + "危房")
    assert search(db, "a" * 1000) == set()
    assert search(db, "危房") == {1}
    assert search(db, "房") == {1}


def test_any_table_with_any_names() -> None:
    notes = Index('my "notes"', ("bo'dy", "标题"), key="编号")
    db = sqlite3.connect(":memory:")
    db.execute(
        'create table "my ""notes""" ("编号" integer primary key, "bo\'dy" text, "标题" text)'
    )
    db.execute('insert into "my ""notes""" values (5, ?, ?)', ("危房改造", "通知"))
    db.row_factory = sqlite3.Row
    assert notes.rebuild(db) == 1
    assert search(db, "危房 通知", notes) == search(db, "", notes) == {5}
    assert differences(db, notes) == differences(db, notes, sample=1) == []
    query = parse("危房 通 -户")
    assert newest(db, notes, query, 5) == [Place(0, 5)]
    assert count(db, notes, query) == (1, True)
    assert facets(db, notes, query).total == 1
    notes.remove(db, 5, {"bo'dy": "危房改造", "标题": "通知"})
    assert search(db, "危房", notes) == set()
    db.close()


@pytest.mark.parametrize("order", [-1, 1 << 32, "新"])
def test_an_invalid_order_is_refused(order: object) -> None:
    db = sqlite3.connect(":memory:")
    db.execute("create table notes (id integer primary key, body text, year)")
    years = [(1, 0), (2, 2020), (4, None), (5, 0)]
    db.executemany("insert into notes values (?, '危房', ?)", years)
    notes = Index("notes", ("body",), order="notes.year")
    assert notes.rebuild(db) == 4
    found = [Place(2020, 2), Place(0, 5), Place(0, 4), Place(0, 1)]
    assert newest(db, notes, parse("危房"), 9) == found
    assert newest(db, notes, parse("危房"), 3) == found[:3]
    assert newest(db, notes, parse("危房"), 9, found[2]) == found[3:]
    db.execute("insert into notes values (3, '危房', ?)", (order,))
    said = "order of notes 3 is .*: it must be an integer from 0 to 4,294,967,295"
    with pytest.raises(ValueError, match=said):
        notes.rebuild(db)
    with pytest.raises(ValueError, match=said):
        notes.add(db, 3, {"body": "危房"})
    assert newest(db, notes, parse("危房"), 9) == found
    db.close()


def test_labels_keep_their_capitals() -> None:
    db = database({1: {"title": "", "heading": None, "text": "甲", "day": 1, "tags": "BIM bim-A"}})
    ENTRIES.rebuild(db)
    assert differences(db, ENTRIES) == differences(db, ENTRIES, sample=1) == []
    asked = {label: Query((Filter((label,), label),)) for label in ("BIM", "bim", "bim-A", "B*")}
    found = {label: bool(newest(db, ENTRIES, query, 1)) for label, query in asked.items()}
    assert found == {"BIM": True, "bim": False, "bim-A": True, "B*": True}
    db.close()
