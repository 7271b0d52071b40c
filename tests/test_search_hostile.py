"""Any query is answered without an error and finds what it says it finds. All texts are 样例."""

from __future__ import annotations

import random
import re
import sqlite3
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.search import (
    InvalidQuery,
    differences,
    fold,
    parse,
)
from archive.search.find import newest
from tests.search_samples import COLUMNS, ENTRIES, FIELDS, PIECES, Row, database, sample_row

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


@settings(max_examples=min(20_000, 3 * settings().max_examples))
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
def test_extreme_queries_are_fast_and_not_errors(
    hostile: tuple[sqlite3.Connection, dict[int, Row]], typed: str
) -> None:
    check_hostile(*hostile, typed)


@settings(max_examples=min(5_000, settings().max_examples))  # each builds an index
@given(
    text=st.text(st.characters(exclude_categories=()), min_size=1, max_size=40),
    start=st.integers(0, 39),
    length=st.integers(1, 12),
)
def test_any_text_is_found_by_what_is_in_it(text: str, start: int, length: int) -> None:
    """The rows have folded text, since SQLite cannot store every original (surrogates)."""
    row: Row = {"title": None, "heading": None, "text": fold(text), "day": 1, "tags": None}
    db = database({1: row})
    ENTRIES.rebuild(db)
    query = parse(text[start % len(text) :][:length])
    sql, values = query.sql(db, ENTRIES)
    assert bool(db.execute(sql, values).fetchall()) is query.holds({"text": row["text"]})
    assert differences(db, ENTRIES) == []
    db.close()


def test_a_query_that_is_too_long_never_reaches_sqlite() -> None:
    with pytest.raises(InvalidQuery):
        parse("危房 " * 2000)
