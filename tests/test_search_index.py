"""The index against a plain reading of the same texts. All texts are samples of our own (样例)."""

from __future__ import annotations

import json
import random
import re
import sqlite3
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from archive.search import (
    VERSION,
    Column,
    Difference,
    Field,
    Filter,
    Index,
    IndexMismatch,
    InvalidQuery,
    Query,
    differences,
    find,
    fold,
    hits,
    parse,
    units,
)
from archive.search.find import count, facets, newest
from archive.search.hits import Place
from archive.search.index import TAIL
from archive.search.rank import relevance
from archive.serving.entry_search import date_filter

COLUMNS = ("text", "title", "heading")
ENTRIES = Index("entries", COLUMNS, order="entries.day", labels="entries.tags")
TAGS = ("湖北", "北京", "p23", "s-a.b")
FIELDS: dict[str, Field] = {
    "标题": Column("title", "标题"),
    "title": Column("title", "标题"),
    "省": lambda value: Filter((value,), f"省份：{value}") if value in TAGS else None,
    "日期": date_filter,
}
Row = dict[str, Any]
Texts = dict[str, str]
Check = Callable[[Texts, Row], bool]
"""Whether a row matches, by its folded texts and itself; made beside the query, not from it."""

HAN = "危房改造湖北省武汉市年月日万户龍龙於于臺台𠮷𠮷〇々①½㎡m2℃…—·、，。（）《》“”"
WORDS = "危房改造 农村危房 脱贫攻坚 脫貧攻堅 决战 70天决战 住房和城乡建设厅 非住宅 或 非"
NUMBERS = "12月1日 2月1日 2020年 ２０２０年 1.2万户 701 70 7 5G 5g 15G COVID-19 covid OVID BIM"
FOREIGN = "ＢＩＭ a b ab ß ss é e\u0301 ｶﾞ ガ 한글 ㄅㄆ ٣٤ 😀 👨\u200d👩"
RARE = "葛\U000e0100 ⻓江 長江 Ⅲ级 \x00 \u200b"
SIGNS = """ " "" * : ^ ( ) - + { } NEAR( AND OR NOT ' ; % _ \\ , . ＂ ＊ ： ． text: 标题: 省： """
PIECES = (*HAN, *" ".join([WORDS, NUMBERS, FOREIGN, RARE, SIGNS]).split())
BLANKS = (" ", "\u3000", "\n", "\u00a0", "\t", " \u2003")
QUOTES = ("“”", "‘’", "「」", "『』", '""', "''", "＂＂")
PLAIN = re.compile(r"(?!(?:OR|AND|NOT|或|非)$)[\w.%，。、〇①½℃…·《》]+")
"""What is a word as it stands, without quotes."""


def sample_text(rng: random.Random, length: int) -> str:
    return "".join(
        rng.choice(BLANKS) if rng.random() < 0.06 else rng.choice(PIECES) for _ in range(length)
    )


def sample_row(rng: random.Random) -> Row:
    return {
        "title": sample_text(rng, rng.randint(1, 5)),
        "heading": rng.choice([None, "", "湖北", "黑龙江", sample_text(rng, 2)]),
        "text": sample_text(rng, rng.choice([0, 1, 3, 10, 40])),
        "day": rng.choice((2019, 2020)) * 10_000 + rng.randint(1, 12) * 100 + rng.randint(1, 28),
        "tags": " ".join(rng.sample(TAGS, rng.choice((0, 1, 1, 2)))),
    }


def sample_word(rng: random.Random, texts: list[str]) -> str:
    """A piece cut from a text, as it is or spoilt, or pieces at random."""
    text = rng.choice(texts)
    start = rng.randrange(len(text))
    word = text[start : start + rng.choice([1, 1, 2, 2, 3, 4, 5, 7, 10, 30])]
    if rng.random() < 0.2:
        at = rng.randrange(len(word))
        word = word[:at] + rng.choice(PIECES) + word[at + rng.randint(0, 1) :]
    return sample_text(rng, rng.randint(1, 3)) if rng.random() < 0.1 else word


def spelled(rng: random.Random, word: str) -> str:
    """A word as it is typed so that it is one: in quotes, but where it needs none."""
    if PLAIN.fullmatch(word) and rng.random() < 0.7:
        return word
    quotes = [pair for pair in QUOTES if pair[1] not in word]
    pair = rng.choice(quotes)
    return pair[0] + word + pair[1]


def all_of(checks: list[Check]) -> Check:
    return lambda texts, row: all(check(texts, row) for check in checks)


def any_of(checks: list[Check]) -> Check:
    return lambda texts, row: any(check(texts, row) for check in checks)


def word_check(word: str, column: str | None = None) -> Check:
    wanted = " ".join(fold(word).split())
    return lambda texts, row: any(
        occurs(wanted, text) for name, text in texts.items() if column in (None, name)
    )


def sample_term(rng: random.Random, texts: list[str], depth: int = 0) -> tuple[str, Check]:
    """A term as typed, and what it means."""
    chance = rng.random()
    if depth < 3 and chance < 0.15:
        typed, check = sample_query(rng, texts, depth + 1)
        return f"({typed})", check
    if depth < 3 and chance < 0.28:
        typed, check = sample_term(rng, texts, depth + 1)
        return rng.choice(("-", "NOT ", "非\u3000")) + typed, lambda t, row: not check(t, row)
    if chance < 0.36:
        tag = rng.choice(TAGS)
        return rng.choice(("省:", "省：")) + tag, lambda _, row: tag in row["tags"].split()
    if chance < 0.44:
        month = rng.randint(1, 12)
        low, high = 20190000 + month * 100, 20200005 + month * 100
        typed = f"日期:2019-{month:02d}..2020-{month}-05"
        return typed, lambda _, row: low <= row["day"] <= high
    word = next(w for w in iter(lambda: sample_word(rng, texts), None) if fold(w).split())
    if not any(pair[1] not in word for pair in QUOTES):
        word = "危房"
    if chance < 0.52:
        return rng.choice(("标题:", "Title：")) + spelled(rng, word), word_check(word, "title")
    return spelled(rng, word), word_check(word)


def sample_query(rng: random.Random, texts: list[str], depth: int = 0) -> tuple[str, Check]:
    """One to four terms, sometimes alternatives of them."""
    alternatives = []
    for _ in range(rng.choice((1, 1, 1, 1, 1, 2, 3))):
        terms = [sample_term(rng, texts, depth) for _ in range(rng.choice((1, 1, 1, 1, 2, 2, 3)))]
        blank = rng.choice(BLANKS)
        typed = blank.join(typed for typed, _ in terms)
        alternatives.append((typed, all_of([check for _, check in terms])))
    operator = rng.choice((" OR ", " | ", "\u3000或\u3000"))
    return (
        operator.join(typed for typed, _ in alternatives),
        any_of([check for _, check in alternatives]),
    )


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


def folded(rows: Mapping[int, Row]) -> dict[int, Texts]:
    """The folded texts of rows, with single blanks."""
    return {
        rowid: {name: " ".join(fold(row[name]).split()) for name in COLUMNS if row[name]}
        for rowid, row in rows.items()
    }


def scan(rows: Mapping[int, Row], words: Iterable[str]) -> set[int]:
    """The rows in which all words occur, found by reading them."""
    check = all_of([word_check(word) for word in words])
    return {rowid for rowid, texts in folded(rows).items() if check(texts, rows[rowid])}


def search(db: sqlite3.Connection, typed: str, index: Index = ENTRIES) -> set[int]:
    sql, values = parse(typed, FIELDS).sql(db, index)
    found = [row[0] for row in db.execute(sql, values)]
    assert len(found) == len(set(found))
    return set(found)


def insert(db: sqlite3.Connection, rowid: int, row: Row) -> None:
    db.execute(
        "insert into entries values (:id, :title, :heading, :text, :day, :tags)",
        {"id": rowid, **row},
    )


def database(rows: Mapping[int, Row]) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:")
    db.execute(
        "create table entries (id integer primary key, title text, heading text, text text, "
        "day integer, tags text) strict"
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


def put(
    db: sqlite3.Connection, rowid: int, text: str, title: str = "样例", day: int = 20200528
) -> Row:
    row = {"title": title, "heading": None, "text": text, "day": day, "tags": ""}
    insert(db, rowid, row)
    ENTRIES.add(db, rowid, row)
    return row


def compare(
    db: sqlite3.Connection,
    rows: Mapping[int, Row],
    queries: Iterable[tuple[str, Check]],
    everything: bool = False,
) -> tuple[int, int]:
    """Compare searches with readings; returns how many queries found rows, and how many none.

    With ``everything`` also order, pages, counts and facets.
    """
    texts = folded(rows)
    hits = misses = 0
    for typed, check in queries:
        expected = {rowid for rowid, row in rows.items() if check(texts[rowid], row)}
        assert search(db, typed) == expected, typed
        if everything:
            compare_everything(db, rows, typed, expected)
        hits, misses = hits + bool(expected), misses + (not expected)
    return hits, misses


def compare_everything(
    db: sqlite3.Connection, rows: Mapping[int, Row], typed: str, expected: set[int]
) -> None:
    query = parse(typed, FIELDS)
    places = sorted((Place(rows[key]["day"], key) for key in expected), reverse=True)
    assert newest(db, ENTRIES, query, len(rows) + 1) == places, typed
    page: list[Place] = []
    for _ in range(3):
        page += newest(db, ENTRIES, query, 7, page[-1] if page else None)
    assert page == places[: len(page)], typed
    assert len(page) == min(21, len(places))
    assert count(db, ENTRIES, query) == (len(places), True)
    assert count(db, ENTRIES, query, 5) == (min(5, len(places)), len(places) <= 5)
    found = facets(db, ENTRIES, query, divisor=100)
    assert found.total == len(places)
    assert found.order == Counter(place.sort // 100 for place in places)
    tags = Counter(tag for key in expected for tag in rows[key]["tags"].split())
    assert found.labels == tags
    ranked, whole = relevance(db, ENTRIES, query, dict.fromkeys(COLUMNS, 1.0))
    assert whole
    assert {hit.place for hit in ranked} == set(places)


def all_texts(rows: Iterable[Row]) -> list[str]:
    return [row[name] for row in rows for name in COLUMNS if row[name]]


def differential(seed: int, size: int, queries: int) -> None:
    rng = random.Random(seed)
    rows = {rng.randrange(10**6): sample_row(rng) for _ in range(size)}
    db = database(rows)
    assert ENTRIES.rebuild(db) == len(rows)
    asked = [sample_query(rng, all_texts(rows.values())) for _ in range(queries)]
    hits, misses = compare(db, rows, asked)
    compare(db, rows, asked[::5], everything=True)
    assert hits > queries // 3
    assert misses > queries // 20
    assert differences(db, ENTRIES) == []
    assert differences(db, ENTRIES, sample=50) == []


# A failing seed is its own smallest example: there is nothing to shrink.
@settings(max_examples=max(1, settings().max_examples // 1_000), phases=[Phase.generate])
@given(seed=st.integers(0, 10**6))
def test_index_equals_a_scan(seed: int) -> None:
    differential(seed, size=250, queries=2500)


@pytest.mark.parametrize("sparse", [0, 100])
def test_common_units_beside_longer_words(monkeypatch: pytest.MonkeyPatch, sparse: int) -> None:
    """What is looked up in the table of units, in small pieces, finds the same."""
    monkeypatch.setattr(hits, "_SPARSE", sparse)
    monkeypatch.setattr(hits, "MANY", 5)
    monkeypatch.setattr(find, "MANY", 5)
    monkeypatch.setattr(hits, "_CHUNK", 2)
    monkeypatch.setattr(hits, "_GROUPED", 7)
    monkeypatch.setattr(hits, "_ALIKE", 3)
    rng = random.Random(8)
    rows = {rng.randrange(10**6): sample_row(rng) for _ in range(150)}
    db = database(dict(list(rows.items())[:100]))
    ENTRIES.rebuild(db)
    for rowid, row in list(rows.items())[100:]:
        insert(db, rowid, row)
        ENTRIES.add(db, rowid, row)
    asked = []
    for _ in range(150):
        words = ["危房", rng.choice("改造户年月a"), rng.choice(("湖北", "房", "2020年", "日"))]
        typed, check = " ".join(words), all_of([word_check(word) for word in words])
        if rng.random() < 0.4:
            without = word_check(unit := rng.choice("省市日b"))
            typed += f" -{unit}"
            check = all_of([check, lambda texts, row, w=without: not w(texts, row)])
        elif rng.random() < 0.5:
            other = rng.choice(("户", "龙 万", "(a 或 年)"))
            typed = f"{words[0]} ({words[1]} 或 {words[2]} 或 {other})"
            others = [word_check(word) for word in ("a", "年")]
            if other != "(a 或 年)":
                others = [all_of([word_check(word) for word in other.split()])]
            either = any_of([*map(word_check, words[1:]), *others])
            check = all_of([word_check(words[0]), either])
        asked.append((typed, check))
    found, _ = compare(db, rows, asked, everything=True)
    assert found > 50


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
            if rng.random() < 0.5:
                new["day"] = rows[rowid]["day"]
            db.execute(
                "update entries set title = :title, heading = :heading, text = :text, day = :day, "
                "tags = :tags where id = :id",
                {"id": rowid, **new},
            )
            ENTRIES.replace(db, rowid, rows[rowid], new)
            rows[rowid] = new
        else:
            db.execute("delete from entries where id = ?", (rowid,))
            ENTRIES.remove(db, rowid, rows.pop(rowid))
        texts += all_texts([new])
        if step % 300 == 299:
            queries = [sample_query(rng, texts) for _ in range(400)]
            hits, _ = compare(db, rows, queries[:300])
            compare(db, rows, queries[300:], everything=True)
            assert hits > 100
            assert differences(db, ENTRIES) == []
            if step == 299:
                ENTRIES.rebuild(db)
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
    """Words of a unit that is not common, or in one column, rest on it: a unit begins one token."""
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
    """The rows' own keys in place of the index's numbers."""
    keys = dict(db.execute("select docid, key from entries_fts_rows"))
    return {keys[docid] for (docid,) in found}


def test_common_units_are_found_by_a_rebuild(db: sqlite3.Connection) -> None:
    """Those that a sixth of the rows have; before, and for all others, pairs are asked."""
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
def test_alternatives_are_asked_apart(typed: str, apart: list[str]) -> None:
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


UNIT = r"(?:[^\x00-\x20\x7f-\x9f!-/:-@\[-`{-~]|\x80)+"
PHRASE = rf'(?:\{{"title"\}} : )?"{UNIT}(?: {UNIT})*"(?: \*)?'
MATCH = re.compile(rf"(?:\(|\)| (?:AND|OR|NOT) |{PHRASE})+")
SYNTAX = st.sampled_from(
    ['"', "*", ":", "^", "NEAR(", "-", "(", ")", "{text}:", " AND ", " OR ", " NOT ", "+", "\x00",
     "\ud800", "\udfff", "'", ";", "危房", "a", "70", "\u3000", " ", "＂", "＊", ",", "\x80", "⁠",
     "“", "”", "「", "」", " 或 ", "非 ", "|", "（", "）", "标题:", "省:", "省：p23", "日期:2020..",
     "..", "2020-05", "--", "房"]
)  # fmt: skip
HOSTILE = st.one_of(
    st.lists(SYNTAX, max_size=12).map("".join),
    st.text(st.characters(exclude_categories=()), max_size=30),
    st.text("\"*:^-()+{}' \x00aA1１危\u3000\u200b\ud800", max_size=20),
    # What a browser sends in an address, read as it is there.
    st.binary(max_size=40).map(lambda sent: sent.decode("utf-8", "replace")),
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
)


@pytest.fixture(scope="module")
def hostile() -> Iterator[tuple[sqlite3.Connection, dict[int, Row]]]:
    rng = random.Random(6)
    rows = {i: sample_row(rng) for i in range(30)}
    connection = database(rows)
    ENTRIES.rebuild(connection)
    yield connection, rows
    connection.close()


def check_hostile(db: sqlite3.Connection, rows: dict[int, Row], typed: str) -> None:
    start = time.perf_counter()
    query = parse(typed, FIELDS)
    sql, values = query.sql(db, ENTRIES)
    assert all(MATCH.fullmatch(value) for value in values), values
    assert re.fullmatch(r'[a-z_."?+=() ]+', sql)
    found = {row[0] for row in db.execute(sql, values)}
    assert [place.key for place in newest(db, ENTRIES, query, 50)] == sorted(
        found, key=lambda key: (rows[key]["day"], key), reverse=True
    )
    assert time.perf_counter() - start < 2
    assert query.describe()
    assert found == {
        rowid
        for rowid, row in rows.items()
        if query.holds(
            {name: row[name] for name in COLUMNS}, [*row["tags"].split(), f"@{row['day']}"]
        )
    }


@settings(max_examples=3 * settings().max_examples)
@given(typed=HOSTILE)
def test_whatever_is_typed(hostile: tuple[sqlite3.Connection, dict[int, Row]], typed: str) -> None:
    check_hostile(*hostile, typed)


@pytest.mark.parametrize(
    "typed",
    [
        "(" * 1000, ")" * 1000, "-" * 1000, "(a " * 333, "((a) " * 200, "-(" * 500, "非 " * 500,
        "a OR " * 200, "(a 或 " * 166 + ")" * 4, "“" * 1000, '"' * 1000, "省:" * 500,
        "标题:(" * 250, "-a " * 333, "-危房 " * 250, "(" * 499 + "a" + ")" * 500,
        "日期:1..9999 " * 70, "a|" * 500,
        "(" * 25 + "a" + " -b)" * 25, "（a " * 200 + "）" * 200, "()" * 500, "( " * 500,
    ],
)  # fmt: skip
def test_extremes_are_fast_and_no_errors(
    hostile: tuple[sqlite3.Connection, dict[int, Row]], typed: str
) -> None:
    check_hostile(*hostile, typed)


@given(
    text=st.text(st.characters(exclude_categories=()), min_size=1, max_size=40),
    start=st.integers(0, 39),
    length=st.integers(1, 12),
)
def test_any_text_is_found_by_what_is_in_it(text: str, start: int, length: int) -> None:
    """Rows have the folded text where SQLite could not store the original."""
    row: Row = {"title": None, "heading": None, "text": fold(text), "day": 1, "tags": None}
    db = database({1: row})
    ENTRIES.rebuild(db)
    query = parse(text[start % len(text) :][:length])
    sql, values = query.sql(db, ENTRIES)
    assert bool(db.execute(sql, values).fetchall()) is query.holds({"text": row["text"]})
    assert differences(db, ENTRIES) == []
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
def test_a_sample_sees_two_characters_exchanged(db: sqlite3.Connection, at: int) -> None:
    text = "".join(chr(0x4E00 + number) for number in range(200))
    put(db, 1, text)
    exchanged = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    db.execute("update entries set text = ?", (exchanged,))
    problem = "lacks units of its text in the index"
    assert differences(db, ENTRIES, sample=1) == [Difference(1, problem)]


def test_check_sees_damage(db: sqlite3.Connection) -> None:
    put(db, 1, "农村危房改造")
    db.commit()
    db.execute("delete from entries_fts_data where id > 10")
    db.commit()
    [found] = differences(db, ENTRIES)
    assert found.rowid is None
    assert found.problem.startswith("entries_fts: ")


def test_a_locked_database_is_no_difference(tmp_path: Path) -> None:
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
def test_an_order_that_is_none_is_refused(order: object) -> None:
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


def test_too_long_never_reaches_sqlite() -> None:
    with pytest.raises(InvalidQuery):
        parse("危房 " * 2000)


def test_every_piece_of_a_real_bulletin_is_found(shared: Path) -> None:
    gold = json.loads((shared / "bulletins" / "lianbo-2.gold.json").read_text(encoding="utf-8"))
    rows: dict[int, Row] = {
        entry["seq"]: {
            "title": gold["title"],
            "heading": entry["heading"],
            "text": entry["text"],
            "day": 20200528,
            "tags": None,
        }
        for entry in gold["entries"]
    }
    db = database(rows)
    ENTRIES.rebuild(db)
    queries = {
        text[start : start + length]
        for row in rows.values()
        for text in row.values()
        if isinstance(text, str)
        for length in (1, 2, 3, 5, 9)
        for start in range(0, len(text), 3)
    }
    rng = random.Random(1)
    asked = [(spelled(rng, word), word_check(word)) for word in sorted(queries) if word.strip()]
    hits, _ = compare(db, rows, asked)
    assert hits > 1000
    assert differences(db, ENTRIES) == []
    db.close()
