"""The index against a plain reading of the same texts. All texts are samples of our own (样例)."""

from __future__ import annotations

import json
import random
import re
import sqlite3
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive.search import VERSION, Difference, Index, IndexMismatch, InvalidQuery, fold, parse

COLUMNS = ("text", "title", "heading")
ENTRIES = Index("entries", COLUMNS)
Row = dict[str, str | None]

HAN = "危房改造湖北省武汉市年月日万户龍龙於于臺台𠮷𠮷〇々①½㎡m2℃…—·、，。（）《》“”"
WORDS = "危房改造 农村危房 脱贫攻坚 脫貧攻堅 决战 70天决战 住房和城乡建设厅 非住宅 或 非"
NUMBERS = "12月1日 2月1日 2020年 ２０２０年 1.2万户 701 70 7 5G 5g 15G COVID-19 covid OVID BIM"
FOREIGN = "ＢＩＭ a b ab ß ss é e\u0301 ｶﾞ ガ 한글 ㄅㄆ ٣٤ 😀 👨\u200d👩"
RARE = "葛\U000e0100 ⻓江 長江 Ⅲ级 \x00 \u200b"
SIGNS = """ " "" * : ^ ( ) - + { } NEAR( AND OR NOT ' ; % _ \\ , . ＂ ＊ ： ． text: """
PIECES = (*HAN, *" ".join([WORDS, NUMBERS, FOREIGN, RARE, SIGNS]).split())
BLANKS = (" ", "\u3000", "\n", "\u00a0", "\t", " \u2003")


def sample_text(rng: random.Random, length: int) -> str:
    return "".join(
        rng.choice(BLANKS) if rng.random() < 0.06 else rng.choice(PIECES) for _ in range(length)
    )


def sample_row(rng: random.Random) -> Row:
    return {
        "title": sample_text(rng, rng.randint(1, 5)),
        "heading": rng.choice([None, "", "湖北", "黑龙江", sample_text(rng, 2)]),
        "text": sample_text(rng, rng.choice([0, 1, 3, 10, 40])),
    }


def sample_query(rng: random.Random, texts: list[str]) -> str:
    """A piece cut from a text, as it is or spoilt, or pieces at random; of one to four words."""
    words = []
    for _ in range(rng.choice([1, 1, 1, 1, 2, 2, 3, 4])):
        text = rng.choice(texts)
        start = rng.randrange(len(text))
        word = text[start : start + rng.choice([1, 1, 2, 2, 3, 4, 5, 7, 10, 30])]
        if rng.random() < 0.2:
            at = rng.randrange(len(word))
            word = word[:at] + rng.choice(PIECES) + word[at + rng.randint(0, 1) :]
        if rng.random() < 0.15:
            word = sample_text(rng, rng.randint(1, 3))
        words.append(word)
    return rng.choice(BLANKS).join(words)


def kind(character: str) -> str:
    """What a character is by its Unicode name, not by the module's own tables."""
    if character.isdecimal():
        return "digit"
    alone = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "YI ")
    if character.isalpha() and not unicodedata.name(character).startswith(alone):
        return "letter"
    return "alone"


def occurs(word: str, text: str) -> bool:
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        cut_left = at > 0 and kind(word[0]) == kind(text[at - 1]) != "alone"
        cut_right = end < len(text) and kind(word[-1]) == kind(text[end]) != "alone"
        if not cut_left and not cut_right:
            return True
        at = text.find(word, at + 1)
    return False


def scan(rows: Mapping[int, list[str]], typed: str) -> set[int]:
    """The rows, by their folded texts, that a query means, found by reading them."""
    words = fold(typed).split()
    return {
        rowid
        for rowid, texts in rows.items()
        if all(any(occurs(word, text) for text in texts) for word in words)
    }


def folded(rows: Mapping[int, Row]) -> dict[int, list[str]]:
    return {rowid: [fold(text) for text in row.values() if text] for rowid, row in rows.items()}


def search(db: sqlite3.Connection, typed: str, index: Index = ENTRIES) -> set[int]:
    sql, values = parse(typed).sql(index)
    found = [row[0] for row in db.execute(sql, values)]
    assert len(found) == len(set(found))
    return set(found)


def insert(db: sqlite3.Connection, rowid: int, row: Row) -> None:
    db.execute(
        "insert into entries values (:id, :title, :heading, :text)",
        {"id": rowid, **row},
    )


def database(rows: Mapping[int, Row]) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:")
    db.execute(
        "create table entries (id integer primary key, title text, heading text, text text) strict"
    )
    for rowid, row in rows.items():
        insert(db, rowid, row)
    return db


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = database({})
    ENTRIES.create(connection)
    yield connection
    connection.close()


def put(db: sqlite3.Connection, rowid: int, text: str, title: str = "样例") -> Row:
    row: Row = {"title": title, "heading": None, "text": text}
    insert(db, rowid, row)
    ENTRIES.add(db, rowid, row)
    return row


def compare(
    db: sqlite3.Connection, rows: Mapping[int, Row], queries: Iterable[str]
) -> tuple[int, int]:
    """Compare both searches; returns how many queries found rows, and how many found none."""
    texts = folded(rows)
    hits = misses = 0
    for typed in queries:
        expected = scan(texts, typed)
        assert search(db, typed) == expected, typed
        hits, misses = hits + bool(expected), misses + (not expected)
    return hits, misses


def differential(seed: int, size: int, queries: int) -> None:
    rng = random.Random(seed)
    rows = {rng.randrange(10**6): sample_row(rng) for _ in range(size)}
    texts = [text for row in rows.values() for text in row.values() if text]
    db = database(rows)
    assert ENTRIES.rebuild(db) == len(rows)
    asked = [sample_query(rng, texts) for _ in range(queries)]
    hits, misses = compare(db, rows, asked)
    assert hits > queries // 3
    assert misses > queries // 20
    assert ENTRIES.check(db) == []
    assert ENTRIES.check(db, sample=50) == []


def test_index_equals_a_scan() -> None:
    differential(seed=1, size=400, queries=2500)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 12))
def test_index_equals_a_scan_long(seed: int) -> None:
    differential(seed, size=1000, queries=5000)


def test_index_stays_true_through_inserts_revisions_and_removals() -> None:
    rng = random.Random(4)
    rows: dict[int, Row] = {}
    db = database(rows)
    ENTRIES.create(db)
    texts = ["样例"]
    for step in range(900):
        rowid = rng.randint(1, 150)
        new = sample_row(rng)
        if rowid not in rows:
            insert(db, rowid, new)
            ENTRIES.add(db, rowid, new)
            rows[rowid] = new
        elif rng.random() < 0.5:
            db.execute(
                "update entries set title = :title, heading = :heading, text = :text "
                "where id = :id",
                {"id": rowid, **new},
            )
            ENTRIES.replace(db, rowid, rows[rowid], new)
            rows[rowid] = new
        else:
            db.execute("delete from entries where id = ?", (rowid,))
            ENTRIES.remove(db, rowid, rows.pop(rowid))
        texts += [text for text in new.values() if text]
        if step % 300 == 299:
            hits, _ = compare(db, rows, [sample_query(rng, texts) for _ in range(400)])
            assert hits > 100
            assert ENTRIES.check(db) == []
    before = [search(db, word) for word in PIECES]
    ENTRIES.optimize(db)
    assert [search(db, word) for word in PIECES] == before
    assert ENTRIES.rebuild(db) == len(rows)
    assert [search(db, word) for word in PIECES] == before


@pytest.mark.parametrize(
    ("text", "found", "not_found"),
    [
        ("农村危房改造", "农 村 农村 村危 危房改造 农村危房改造", "危改 房危 危房造"),
        ("截至12月1日", "12月1日 12 月1日 12月1", "2月1日 2月 121"),
        ("抗击COVID-19疫情", "covid COVID-19 -19疫 covid-", "ovid covi 9 d-1 covid19"),
        ("70天决战，701户", "70天决战 70 701 天决", "7 0天 01户 70户"),
        ("建成5G基站1.2万户", "5g 5G基站 1.2万户 .2 2万 G基", "15G 1.2万人 12万"),
        ("２０２０年 脫貧攻堅", "2020年 脱贫攻坚 脫貧 ２０２０", "2020年脱 年脱贫"),
        ("甲乙 丙丁", "甲乙 丙丁 甲 丁", "乙丙 甲乙丙丁"),
        ("甲乙 乙丙", "甲乙 乙丙", "甲乙丙 乙乙"),
        ("𠮷野家😀《通知》", "𠮷 𠮷野 😀 😀《 《通知》 》", "吉 野𠮷 ））"),
        ("①2020年②面积120㎡", "2020年 ① 120m2 ㎡ m² 120m", "12020 20m2"),
        ('他说"好"*:^-(a)', '" "好" "*:^-( (a) * a', '"" ** -a a*'),
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
    """What ranking and searching in one column will rest on: each unit begins one token."""
    rng = random.Random(9)
    rows = {number: sample_row(rng) for number in range(200)}
    db = database(rows)
    ENTRIES.rebuild(db)
    asked = 0
    for typed in PIECES:
        sql, values = parse(typed).sql(ENTRIES)
        if "entries_fts" in sql or not values:
            continue
        asked += 1
        for column, scope in (("text", "{text} : "), (None, "")):
            found = db.execute(
                "select rowid from entries_fts where entries_fts match ?",
                (f"{scope}{values[0]} *",),
            )
            texts = {n: {column: row[column]} if column else row for n, row in rows.items()}
            assert {rowid for (rowid,) in found} == scan(folded(texts), typed), typed
    assert asked > 80


def test_words_in_several_columns(db: sqlite3.Connection) -> None:
    row: Row = {"title": "要闻危房", "heading": "陕西", "text": "改造完成"}
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


TERM = r'"(?:[^\x00-\x20\x7f-\x9f!-/:-@\[-`{-~]|\x80)+'
MATCH = re.compile(rf'{TERM}(?: {TERM[1:]})*"(?: AND {TERM}(?: {TERM[1:]})*")*')
SYNTAX = st.sampled_from(
    ['"', "*", ":", "^", "NEAR(", "-", "(", ")", "{text}:", " AND ", " OR ", " NOT ", "+", "\x00",
     "\ud800", "\udfff", "'", ";", "危房", "a", "70", "\u3000", " ", "＂", "＊", ",", "\x80", "⁠"]
)  # fmt: skip
HOSTILE = st.one_of(
    st.lists(SYNTAX, max_size=12).map("".join),
    st.text(st.characters(exclude_categories=()), max_size=30),
    st.text("\"*:^-()+{}' \x00aA1１危\u3000\u200b\ud800", max_size=20),
)


@pytest.fixture(scope="module")
def hostile() -> Iterator[tuple[sqlite3.Connection, dict[int, list[str]]]]:
    rng = random.Random(6)
    rows = {i: sample_row(rng) for i in range(30)}
    connection = database(rows)
    ENTRIES.rebuild(connection)
    yield connection, folded(rows)
    connection.close()


def check_hostile(db: sqlite3.Connection, texts: dict[int, list[str]], typed: str) -> None:
    query = parse(typed)
    sql, values = query.sql(ENTRIES)
    assert all(MATCH.fullmatch(value) for value in values), values
    assert re.fullmatch(r'[a-z_."? ]+', sql)
    found = {row[0] for row in db.execute(sql, values)}
    assert found == {rowid for rowid, row in texts.items() if query.matches(*row)}
    assert query.describe()


@settings(
    max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(typed=HOSTILE)
def test_whatever_is_typed(
    hostile: tuple[sqlite3.Connection, dict[int, list[str]]], typed: str
) -> None:
    check_hostile(*hostile, typed)


@pytest.mark.long
@settings(max_examples=20_000, deadline=None)
@given(typed=HOSTILE)
def test_whatever_is_typed_long(
    hostile: tuple[sqlite3.Connection, dict[int, list[str]]], typed: str
) -> None:
    check_hostile(*hostile, typed)


@settings(max_examples=300, deadline=None)
@given(
    text=st.text(st.characters(exclude_categories=()), min_size=1, max_size=40),
    start=st.integers(0, 39),
    length=st.integers(1, 12),
)
def test_any_text_is_found_by_what_is_in_it(text: str, start: int, length: int) -> None:
    """Rows have the folded text where SQLite could not store the original."""
    row: Row = {"title": None, "heading": None, "text": fold(text)}
    db = database({1: row})
    ENTRIES.rebuild(db)
    query = parse(text[start % len(text) :][:length])
    sql, values = query.sql(ENTRIES)
    assert bool(db.execute(sql, values).fetchall()) is query.matches(row["text"])
    assert ENTRIES.check(db) == []
    db.close()


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
    """What INSERT OR REPLACE does: the row has its old tokens beside the new ones."""
    db.execute("insert into entries_fts (rowid, text) values (2, '抗旱')")


def stale_unit(db: sqlite3.Connection) -> None:
    db.execute("insert into entries_units (rowid, units) values (2, '旱')")


def revised(db: sqlite3.Connection) -> None:
    db.execute("update entries set text = '脱贫攻坚完成' where id = 2")


def removed(db: sqlite3.Connection) -> None:
    db.execute("delete from entries where id = 2")


def added(db: sqlite3.Connection) -> None:
    insert(db, 9, {"title": "新", "heading": None, "text": "新"})


@pytest.mark.parametrize(
    ("harm", "rowid", "problem", "sampled"),
    [
        (stale, 2, "has other units in the index than in its text", True),
        (stale_unit, 2, "has other units in the index than in its text", False),
        (revised, 2, "has other units in the index than in its text", True),
        (removed, 2, "is in the index but not in the table", True),
        (added, 9, "is not in the index", True),
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
    assert ENTRIES.check(db) == ENTRIES.check(db, sample=4) == []
    harm(db)
    assert ENTRIES.check(db) == [Difference(rowid, problem)]
    assert [found.rowid for found in ENTRIES.check(db, sample=4)] == ([rowid] if sampled else [])
    assert ENTRIES.rebuild(db) in (3, 4, 5)
    assert ENTRIES.check(db) == ENTRIES.check(db, sample=4) == []


def test_a_sample_takes_turns(db: sqlite3.Connection) -> None:
    for number in range(1, 8):
        put(db, number, "农村危房改造")
    db.execute("update entries set text = '农村' where id = 7")
    seen = [[found.rowid for found in ENTRIES.check(db, sample=2, turn=turn)] for turn in range(8)]
    assert seen == [[], [], [], [7], [], [], [], [7]]


@pytest.mark.parametrize("at", [0, 47, 48, 49, 50, 51, 120, 197, 198])
def test_a_sample_sees_two_characters_exchanged(db: sqlite3.Connection, at: int) -> None:
    text = "".join(chr(0x4E00 + number) for number in range(200))
    put(db, 1, text)
    exchanged = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    db.execute("update entries set text = ?", (exchanged,))
    problem = "lacks units of its text in the index"
    assert ENTRIES.check(db, sample=1) == [Difference(1, problem)]


def test_check_sees_damage(db: sqlite3.Connection) -> None:
    put(db, 1, "农村危房改造")
    db.commit()
    db.execute("delete from entries_fts_data where id > 10")
    db.commit()
    [found] = ENTRIES.check(db)
    assert found.rowid is None
    assert found.problem.startswith("entries_fts: ")


def test_a_locked_database_is_no_difference(tmp_path: Path) -> None:
    path = tmp_path / "样例.db"
    writer, reader = sqlite3.connect(path), sqlite3.connect(path, timeout=0)
    writer.execute("create table entries (id integer primary key, text, title, heading)")
    ENTRIES.rebuild(writer)
    writer.execute("begin immediate")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        ENTRIES.check(reader)
    writer.close()
    reader.close()


def test_version(db: sqlite3.Connection) -> None:
    put(db, 1, "危房")
    assert ENTRIES.is_current(db)
    assert db.execute("select name, version from search_index").fetchall() == [("entries", VERSION)]
    db.execute("update search_index set version = '0'")
    assert not ENTRIES.is_current(db)
    assert ENTRIES.check(db) == [Difference(None, "the index is missing or made by other rules")]
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
    assert ENTRIES.check(db) == []


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
        number: {"title": "样例", "heading": None, "text": f"第{number}户危房"}
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
    assert ENTRIES.check(db) == []
    db.close()


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
    assert notes.check(db) == notes.check(db, sample=1) == []
    notes.remove(db, 5, {"bo'dy": "危房改造", "标题": "通知"})
    assert search(db, "危房", notes) == set()
    db.close()


def test_too_long_never_reaches_sqlite() -> None:
    with pytest.raises(InvalidQuery):
        parse("危房 " * 2000)


def test_every_piece_of_a_real_bulletin_is_found(shared: Path) -> None:
    gold = json.loads((shared / "bulletins" / "lianbo-2.gold.json").read_text(encoding="utf-8"))
    rows: dict[int, Row] = {
        entry["seq"]: {"title": gold["title"], "heading": entry["heading"], "text": entry["text"]}
        for entry in gold["entries"]
    }
    db = database(rows)
    ENTRIES.rebuild(db)
    queries = {
        text[start : start + length]
        for row in rows.values()
        for text in row.values()
        if text
        for length in (1, 2, 3, 5, 9)
        for start in range(0, len(text), 3)
    }
    hits, _ = compare(db, rows, sorted(queries))
    assert hits > 1000
    assert ENTRIES.check(db) == []
    db.close()
