"""Searching entries: field words, pages, facets, suggestions. All texts are our own (样例)."""

from __future__ import annotations

import random
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.search import Query, differences, fold
from archive.search.index import TAIL
from archive.serving import entry_search
from archive.serving.entry_search import (
    Page,
    count,
    date_filter,
    facets,
    fields,
    newest,
    parse_entries,
    province_filter,
    relevance,
    suggest,
    typed,
)
from archive.storage.database import ENTRIES_INDEX, connect

DOCS = Path(__file__).parents[1] / "docs" / "search.md"
SOURCES = {"mohurd": "住房和城乡建设部", "sample": "样例部"}


def add(
    conn: sqlite3.Connection,
    number: int,
    text: str,
    *,
    title: str = "样例",
    date: str = "2020-05-13",
    provinces: tuple[str, ...] = (),
    source: str = "mohurd",
) -> None:
    """Write an entry and index it, as the nightly writer does."""
    conn.execute(
        "INSERT INTO entries (id, slug, bulletin, seq, kind, province, date, open_end, text,"
        " title, source, url, published, status)"
        " VALUES (?, ?, 1, ?, 'section', ?, ?, 0, ?, ?, ?, 'http://127.0.0.1/', ?, 'live')",
        (number, f"s-{number}", number, provinces[0] if provinces else None, date, text, title,
         source, date),
    )  # fmt: skip
    conn.executemany(
        "INSERT INTO entry_provinces VALUES (?, ?, ?, 'heading')",
        [(number, seq, code) for seq, code in enumerate(provinces, start=1)],
    )
    ENTRIES_INDEX.add(conn, number, {"text": text, "title": title, "heading": None})


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / "bulletins.db").conn) as conn:
        conn.execute("PRAGMA foreign_keys = OFF")
        conn.executemany(
            "INSERT INTO sources (slug, name, home, rhythm_days, digest) VALUES (?, ?, '', 1, '')",
            SOURCES.items(),
        )
        yield conn


def ids(page: Page) -> list[object]:
    return [entry["id"] for entry in page.entries]


# Field words


@pytest.mark.parametrize(
    ("value", "said", "span"),
    [
        ("2020-05-13", "日期：2020年5月13日", (20200513, 20200513)),
        ("2020/5/3", "日期：2020年5月3日", (20200503, 20200503)),
        ("2020年5月3日", "日期：2020年5月3日", (20200503, 20200503)),
        ("2020-05", "日期：2020年5月", (20200500, 20200599)),
        ("2020年5月", "日期：2020年5月", (20200500, 20200599)),
        ("2020", "日期：2020年", (20200000, 20209999)),
        ("2020年", "日期：2020年", (20200000, 20209999)),
        ("2020-05..2020-06", "日期：2020年5月至2020年6月", (20200500, 20200699)),
        ("2020-06..2020-05", "日期：2020年5月至2020年6月", (20200500, 20200699)),
        ("2019..2020-02-29", "日期：2019年至2020年2月29日", (20190000, 20200229)),
        ("2020-05..", "日期：2020年5月以来", (20200500, 99999999)),
        ("..2020", "日期：2020年以前（含）", (0, 20209999)),
    ],
)
def test_dates(value: str, said: str, span: tuple[int, int]) -> None:
    found = date_filter(value)
    assert found
    assert (found.said, found.span) == (said, span)
    for sort in (20191231, 20200101, 20200229, 20200502, 20200503, 20200513, 20200630, 20210101):
        assert found.holds([f"@{sort}"]) is (span[0] <= sort <= span[1])


@pytest.mark.parametrize(
    "value", ["", "..", "abc", "2020-13", "2020-02-30", "0000", "2020-05...2020-06", "20", "5月"]
)
def test_what_is_not_a_date(value: str) -> None:
    assert date_filter(value) is None
    assert parse_entries(f"危房 日期:{value}").words[0] == "危房"


@pytest.mark.parametrize("value", ["230000", "黑龙江", "黑龙江省", "230103"])
def test_provinces(value: str) -> None:
    found = province_filter(value)
    assert found
    assert (found.labels, found.said) == (("p230000",), "省份：黑龙江省")


def test_sources_by_slug_and_name() -> None:
    for value in ("mohurd", "住房和城乡建设部", "住房和城鄉建設部"):
        query = parse_entries(f"来源:{value}", SOURCES)
        assert query.describe() == "来源：住房和城乡建设部"
    assert parse_entries("source:nix", SOURCES).words == ("source:nix",)
    assert set(fields(SOURCES, {})) >= {"标题", "省", "来源", "日期", "title", "province", "date"}


def documented() -> list[tuple[str, str]]:
    """Rows of the tables of examples in docs/search.md: what is typed, what is understood."""
    return re.findall(
        r"^\| `([^`]+)` \| ([^|]+?) \|[^|]*\|$", DOCS.read_text(encoding="utf-8"), re.M
    )


def test_the_examples_in_the_documentation() -> None:
    examples = [(one.replace("\\|", "|"), said) for one, said in documented()]
    assert len(examples) >= 25
    for example, said in examples:
        assert parse_entries(example, SOURCES).describe() == said, example


# Pages


def test_newest_is_by_date_not_by_the_order_of_writing(conn: sqlite3.Connection) -> None:
    days = ["2020-05-13", "2019-01-01", "2021-12-31", "2020-05-13", "2020-05-14"]
    for number, day in enumerate(days, start=1):
        add(conn, number, "农村危房改造", date=day)
    assert ids(newest(conn, parse_entries("危房"))) == [3, 5, 4, 1, 2]
    ENTRIES_INDEX.rebuild(conn)
    add(conn, 6, "城镇危房改造", date="2020-05-13")
    add(conn, 7, "城镇危房改造", date="2018-05-13")
    assert ids(newest(conn, parse_entries("危房"))) == [3, 5, 6, 4, 1, 2, 7]
    assert ids(newest(conn, parse_entries("危房 日期:2020"))) == [5, 6, 4, 1]
    assert ids(newest(conn, parse_entries("日期:2019..2020-05-13"))) == [6, 4, 1, 2]
    assert ids(newest(conn, parse_entries("危房 -日期:2020"))) == [3, 2, 7]
    assert ids(newest(conn, parse_entries(""), limit=2)) == [3, 5]


def test_pages_neither_repeat_nor_lose_while_a_writer_adds(conn: sqlite3.Connection) -> None:
    rng = random.Random(3)
    for number in range(1, 101):
        add(
            conn, number, "危房改造", date=f"2020-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
        )
    ENTRIES_INDEX.rebuild(conn)
    query = parse_entries("危房")
    seen: list[object] = []
    cursor = None
    for turn in range(100):
        page = newest(conn, query, 7, cursor)
        seen += ids(page)
        cursor = page.after
        if cursor is None:
            break
        add(conn, 1000 + turn, "危房改造", date=f"2020-{rng.randint(1, 12):02d}-15")
        if turn == 5:
            ENTRIES_INDEX.rebuild(conn)
    assert len(seen) == len(set(seen))
    assert set(range(1, 101)) <= set(seen)


@pytest.mark.parametrize(
    "cursor", ["", "x", "1", "~", "1~", "-1~2", "9" * 99 + "~1", "1~2~3", "½~1"]
)
def test_an_invalid_cursor_starts_again(conn: sqlite3.Connection, cursor: str) -> None:
    add(conn, 1, "危房")
    assert ids(newest(conn, parse_entries("危房"), cursor=cursor)) == [1]
    assert ids(relevance(conn, parse_entries("危房"), cursor=cursor)) == [1]


def test_relevance(conn: sqlite3.Connection) -> None:
    add(conn, 1, "危房改造" + "其他" * 40)
    add(conn, 2, "危房改造、危房改造" + "其他" * 38)
    add(conn, 3, "各地动态" + "其他" * 40, title="危房改造")
    add(conn, 4, "危房" + "其他" * 41, date="2021-01-01")
    add(conn, 5, "危房改造" + "其他" * 40, date="2020-06-01")
    page = relevance(conn, parse_entries("危房改造"))
    assert (ids(page), page.exact) == ([3, 2, 5, 1], True)
    pages, cursor = [], None
    while True:
        page = relevance(conn, parse_entries("危房改造"), 1, cursor)
        pages += ids(page)
        if (cursor := page.after) is None:
            break
    assert pages == [3, 2, 5, 1]
    assert ids(relevance(conn, parse_entries("危房 或 各地"))) == [3, 2, 4, 5, 1]


def test_a_rare_word_weighs_more_than_a_common_one(conn: sqlite3.Connection) -> None:
    for number in range(1, 30):
        add(conn, number, "住房" * 2 + "样例" * 20, date="2021-01-01")
    add(conn, 30, "抗旱" + "样例" * 21)
    assert ids(relevance(conn, parse_entries("住房 或 抗旱"), 1)) == [30]


def test_relevance_says_when_it_ranks_the_newest_only(
    conn: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry_search.ranked_hits, "__defaults__", (4, 3))
    for number in range(1, 6):
        add(conn, number, "危房", date=f"2020-01-{number:02d}")
    page = relevance(conn, parse_entries("危房"))
    assert (ids(page), page.exact) == ([5, 4, 3], False)


def test_counts_and_facets(conn: sqlite3.Connection) -> None:
    add(conn, 1, "危房改造", provinces=("230000", "420000"), date="2020-05-13")
    add(conn, 2, "危房改造", provinces=("230000",), date="2020-05-31", source="sample")
    add(conn, 3, "危房改造", date="2019-12-01")
    add(conn, 4, "其他", provinces=("230000",))
    ENTRIES_INDEX.rebuild(conn)
    add(conn, 5, "危房改造", provinces=("420000",), date="2020-06-01")
    found = facets(conn, parse_entries("危房"))
    assert found.total == 4
    assert list(found.provinces.items()) == [("230000", 2), ("420000", 2)]
    assert dict(found.sources) == {"mohurd": 3, "sample": 1}
    assert list(found.months.items()) == [("2020-06", 1), ("2020-05", 2), ("2019-12", 1)]
    assert count(conn, parse_entries("危房")) == (4, True)
    assert count(conn, parse_entries("危房"), 3) == (3, False)
    assert ids(newest(conn, parse_entries("危房 省:湖北"))) == [5, 1]
    assert ids(newest(conn, parse_entries("省:(黑龙江 湖北)"))) == [1]
    assert ids(newest(conn, parse_entries("危房 来源:样例部", SOURCES))) == [2]


def test_a_revision_moves_an_entry(conn: sqlite3.Connection) -> None:
    add(conn, 1, "危房改造", provinces=("230000",))
    ENTRIES_INDEX.rebuild(conn)
    text = {"text": "危房改造", "title": "样例", "heading": None}
    conn.execute("UPDATE entries SET date = '2021-01-01' WHERE id = 1")
    conn.execute("UPDATE entry_provinces SET province = '420000'")
    ENTRIES_INDEX.replace(conn, 1, text, text)
    assert ids(newest(conn, parse_entries("省:湖北 日期:2021"))) == [1]
    assert ids(newest(conn, parse_entries("省:黑龙江 或 日期:2020"))) == []
    assert differences(conn, ENTRIES_INDEX) == []


def test_a_long_tail_asks_for_a_rebuild(
    conn: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.search.index._LONG_TAIL", 3)
    for number in range(1, 4):
        add(conn, number, "危房")
    assert ENTRIES_INDEX.is_current(conn)
    add(conn, 4, "危房")
    assert not ENTRIES_INDEX.is_current(conn)
    assert differences(conn, ENTRIES_INDEX) == []
    ENTRIES_INDEX.rebuild(conn)
    assert ENTRIES_INDEX.is_current(conn)
    assert conn.execute(
        f"SELECT count(*) FROM entries_fts_rows WHERE docid >= {TAIL}"
    ).fetchone() == (0,)


# Against plain readings of a whole archive


def compare_archive(conn: sqlite3.Connection, queries: int, seed: int) -> None:
    """Generated queries with all fields find what a plain reading of all rows finds, in order.

    What repeats another row that is found is left out, and counted by months that only it has.
    """
    rng = random.Random(seed)
    cursor = conn.execute("SELECT id, date, title, heading, text FROM entries")
    provinces: dict[int, set[str]] = {}
    for entry, code in conn.execute("SELECT entry, province FROM entry_provinces"):
        provinces.setdefault(entry, set()).add(code)
    rows = [
        # No word contains the separator between the texts.
        (day, number, "\0".join(fold(text or "") for text in texts), provinces.get(number, set()))
        for number, day, *texts in cursor
    ]
    sources = entry_search.sources_of(conn)
    repeated = dict(conn.execute("SELECT id, same_as FROM entries WHERE same_as IS NOT NULL"))
    hits = 0
    for _ in range(queries):
        words = []
        while len(words) < rng.choice((1, 1, 2, 3)):
            text = rng.choice(rows)[2]
            at = rng.randrange(len(text) + 1)
            word = text[at : at + rng.choice((1, 2, 2, 3, 4, 6, 10))]
            if re.fullmatch("[\u4e00-\u9fff]+", word) and word not in ("或", "非"):
                words.append(word)
        code = rng.choice(("230000", "420000", "110000", None, None))
        month = rng.choice(("2020-05", "2020-01", "2019-11", None, None))
        without = rng.random() < 0.2
        either = len(words) > 1 and rng.random() < 0.3
        asked = " 或 ".join(words) if either else " ".join(words)
        if without:
            asked = f"-({asked})"
        asked = f"({asked})" + f" 省:{code}" * bool(code) + f" 日期:{month}.." * bool(month)
        some = any if either else all
        expected = sorted(
            (
                (day, number)
                for day, number, texts, codes in rows
                if (code is None or code in codes)
                and (month is None or day >= month)
                and some([word in texts for word in words]) is not without
            ),
            reverse=True,
        )
        days = {number: day for day, number in expected}
        shown = [number for number in days if repeated.get(number) not in days]
        query = parse_entries(asked, sources)
        assert ids(newest(conn, query, len(rows))) == shown, asked
        assert count(conn, query, None) == (len(shown), True)
        once = set(shown)
        months = Counter(
            day[:7]
            for number, day in days.items()
            if number in once or day[:7] != days[repeated[number]][:7]
        )
        assert facets(conn, query).months == months
        hits += bool(expected)
    assert hits > queries // 3


def test_the_demo_archive_against_a_plain_reading(demo_made: Path) -> None:
    with closing(sqlite3.connect(f"file:{demo_made / 'bulletins.db'}?mode=ro", uri=True)) as conn:
        compare_archive(conn, 2000, seed=5)


@pytest.mark.long
def test_a_hundred_thousand_entries_against_a_plain_reading(tmp_path: Path) -> None:
    from bench.search_database import fill

    fill(tmp_path / "x.db", 100_000)
    with closing(connect(tmp_path / "x.db").conn) as conn:
        ENTRIES_INDEX.rebuild(conn)
        rng = random.Random(9)
        for number in rng.sample(range(1, 100_001), 500):
            names = "text, title, heading"
            row = conn.execute(f"SELECT {names} FROM entries WHERE id = ?", (number,)).fetchone()
            old = dict(zip(("text", "title", "heading"), row, strict=True))
            ENTRIES_INDEX.remove(conn, number, old)
            if rng.random() < 0.5:
                conn.execute("UPDATE entries SET text = '危房' || text WHERE id = ?", (number,))
                ENTRIES_INDEX.add(conn, number, {**old, "text": f"危房{old['text']}"})
            else:
                conn.execute("DELETE FROM entry_provinces WHERE entry = ?", (number,))
                conn.execute("PRAGMA foreign_keys = OFF")
                conn.execute("DELETE FROM entries WHERE id = ?", (number,))
        compare_archive(conn, 2000, seed=6)
        assert differences(conn, ENTRIES_INDEX) == []


# Suggestions


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        ("黑笼江", [("黑龙江", "相近的地名", 1)]),
        ("襄樊市 危房改造", [("襄阳市 危房改造", "相近的地名", 1)]),
        ("危房改造加固", [("危房改造 加固", "拆成两个词", 1)]),
        ("五月十二日", [("5月12日", "另一种数字写法", 1)]),
        ("二〇二〇年", [("2020年", "另一种数字写法", 1)]),
        ("3月", [("三月", "另一种数字写法", 1)]),
        ("加固 抗旱", [("加固", "去掉一个条件", 1)]),
        ("加固 省:北京", [("加固", "去掉一个条件", 1)]),
        ("-标题:样例 加固", [("加固", "去掉一个条件", 1)]),
        ("“危房 改造”", [("危房 改造", "拆成两个词", 2)]),
        ("加固 龘 靐", [("加固", "去掉没有结果的条件", 1)]),
        ("改造 龘 2020年 靐 -加固", [("改造 2020年 -加固", "去掉没有结果的条件", 1)]),
        ("危房 三月 2020年 龘", [("危房", "只查其中一个词", 2)]),
        ("三月 加固 2020年", [("三月", "只查其中一个词", 1)]),
        ("龘 靐 -加固", []),
        ("龘", []),
        ("", []),
    ],
)
def test_suggestions(
    conn: sqlite3.Connection, asked: str, offered: list[tuple[str, str, int]]
) -> None:
    add(conn, 1, "黑龙江省危房改造，先加固。")
    add(conn, 2, "襄阳市危房改造，2020年5月12日。")
    add(conn, 3, "三月")
    found = suggest(conn, parse_entries(asked))
    told = [(each.typed, each.why, each.count.number) for each in found]
    assert told[: len(offered)] == offered if offered else told == []
    for each in found:
        assert count(conn, parse_entries(each.typed)).number == each.count.number


def test_suggestions_end_in_time(conn: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    add(conn, 1, "危房")
    query = parse_entries("危房 乌有")
    assert [each.typed for each in suggest(conn, query)] == ["危房"]
    monkeypatch.setattr("archive.serving.suggestions.SECONDS", 0)
    assert suggest(conn, query) == []


@given(
    st.lists(
        st.sampled_from(
            ["危房", "a", " ", " ", "(", ")", "-", " 或 ", "非 ", "“甲 乙”", "标题:", "省:湖北",
             "日期:2020", "70", "'", "*", "NEAR", "："]
        ),
        max_size=14,
    ).map("".join)
)  # fmt: skip
def test_a_query_written_out_means_the_same_when_parsed(asked: str) -> None:
    query = parse_entries(asked)
    again = parse_entries(typed(query))
    assert again == query
    assert again.describe() == query.describe()


def test_an_empty_query_finds_every_entry(conn: sqlite3.Connection) -> None:
    add(conn, 1, "危房")
    assert count(conn, Query(())) == (1, True)
    assert facets(conn, Query(())).total == 1
    assert ids(relevance(conn, Query(()))) == [1]
