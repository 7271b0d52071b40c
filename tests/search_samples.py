"""Sample texts and queries for the index (样例), and what a plain reading of the texts finds."""

from __future__ import annotations

import random
import re
import sqlite3
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from archive.search import (
    Column,
    Field,
    Filter,
    Index,
    fold,
    parse,
)
from archive.search.find import count, facets, newest
from archive.search.hits import Place
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
"""Whether a row matches, given its folded texts; made together with the query, not from it."""

HAN = "危房改造湖北省武汉市年月日万户龍龙於于臺台𠮷𠮷〇々①½㎡m2℃…—·、，。（）《》“”"
WORDS = "危房改造 农村危房 脱贫攻坚 脫貧攻堅 决战 70天决战 住房和城乡建设厅 非住宅 或 非"
NUMBERS = "12月1日 2月1日 2020年 ２０２０年 1.2万户 701 70 7 5G 5g 15G COVID-19 covid OVID BIM"
FOREIGN = "ＢＩＭ a b ab ß ss é e\u0301 ｶﾞ ガ 한글 ㄅㄆ ٣٤ 😀 👨\u200d👩"
RARE = "葛\U000e0100 ⻓江 長江 Ⅲ级 \x00 \u200b"
PUNCTUATION = (
    """ " "" * : ^ ( ) - + { } NEAR( AND OR NOT ' ; % _ \\ , . ＂ ＊ ： ． text: 标题: 省： """
)
PIECES = (*HAN, *" ".join([WORDS, NUMBERS, FOREIGN, RARE, PUNCTUATION]).split())
WHITESPACE = (" ", "\u3000", "\n", "\u00a0", "\t", " \u2003")
QUOTES = ("“”", "‘’", "「」", "『』", '""', "''", "＂＂")
PLAIN = re.compile(r"(?!(?:OR|AND|NOT|或|非)$)[\w.%，。、〇①½℃…·《》]+")
"""Matches a word that needs no quotes."""


def sample_text(rng: random.Random, length: int) -> str:
    return "".join(
        rng.choice(WHITESPACE) if rng.random() < 0.06 else rng.choice(PIECES) for _ in range(length)
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
    """A piece cut from a text, unchanged or with an error, or random pieces."""
    text = rng.choice(texts)
    start = rng.randrange(len(text))
    word = text[start : start + rng.choice([1, 1, 2, 2, 3, 4, 5, 7, 10, 30])]
    if rng.random() < 0.2:
        at = rng.randrange(len(word))
        word = word[:at] + rng.choice(PIECES) + word[at + rng.randint(0, 1) :]
    return sample_text(rng, rng.randint(1, 3)) if rng.random() < 0.1 else word


def spelled(rng: random.Random, word: str) -> str:
    """A word as people must type it: in quotes, sometimes without if it needs none."""
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
    """A term as typed, and a function for what it means."""
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
        space = rng.choice(WHITESPACE)
        typed = space.join(typed for typed, _ in terms)
        alternatives.append((typed, all_of([check for _, check in terms])))
    operator = rng.choice((" OR ", " | ", "\u3000或\u3000"))
    return (
        operator.join(typed for typed, _ in alternatives),
        any_of([check for _, check in alternatives]),
    )


def kind(character: str) -> str:
    """What a character is by its Unicode name, independent of the module's tables."""
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
    """The folded texts of rows, with single spaces."""
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


def put(
    db: sqlite3.Connection, rowid: int, text: str, title: str = "样例", day: int = 20200528
) -> Row:
    row = {"title": title, "heading": None, "text": text, "day": day, "tags": ""}
    insert(db, rowid, row)
    ENTRIES.add(db, rowid, row)
    return row


def empty_index() -> Iterator[sqlite3.Connection]:
    """A database with an empty table and its index, closed after use: for fixtures."""
    connection = database({})
    ENTRIES.create(connection)
    yield connection
    connection.close()


def compare(
    db: sqlite3.Connection,
    rows: Mapping[int, Row],
    queries: Iterable[tuple[str, Check]],
    everything: bool = False,
) -> tuple[int, int]:
    """Compare searches with plain readings; returns how many queries found rows and how many not.

    With ``everything`` also compare order, pages, counts and facets.
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
