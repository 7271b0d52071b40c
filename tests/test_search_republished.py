"""What several sources published is found once, with where else it stands; facets count so too."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest

from archive.captures.warc import Capture
from archive.serving import entry_search
from archive.serving.entry_search import kinds_of, labels_of, learned, parse_entries, sources_of
from archive.sources import About
from archive.storage.store import Store
from tests.served_archive import Client
from tests.test_republished import night, page, sources

__all__ = ["sources"]

ATOM = "{http://www.w3.org/2005/Atom}"
NAMES = ("黑龙江", "青海", "甘肃", "云南")
# One text for each month of two years, of a province each; no two are versions of each other.
TEXTS = [
    f"{month}月{day}日，{NAMES[day % 4]}省通报第{day * 7}号样例工程："
    f"清淤{day * 131}米，更换井盖{day * 17}套，"
    f"{'甲乙丙丁戊己庚辛壬癸'[day % 10]}标段的{day + 40}名工人轮班作业。"
    f"现场负责人说，{'东南西北中'[day % 5]}段第{day}次验收时"
    f"{'量尺寸看图纸数构件查台账'[day % 9 :][:4]}，发现的{day + 3}处毛病都已改好。"
    for day, month in ((day, day % 12 + 1) for day in range(1, 25))
]
SECTIONS = [f"{name}：</p><p>{text}" for name, text in zip(NAMES, TEXTS[::-1], strict=False)]
QUERIES = [
    "",
    "样例工程",
    "清淤 省:青海",
    "转载",
    "清淤 -转载",
    "清淤 来源:two",
    "清淤 来源:(two 或 three)",
    "标题:通报 井盖",
    "清淤 机构:省级部门",
    "清淤 -kind:ministry",
    "日期:2020",
    "日期:2020-05..2020-09 或 转载",
    "没有这样的词",
]


def scene() -> Iterator[Capture]:
    """Source one's bulletins; what two took over with another headline; what three took of both."""
    for key, text in enumerate(TEXTS, start=1):
        month = key % 12 + 1
        day = f"2020-{month:02}-{key:02}"
        yield page("one", text, key=key, day=day, at=night(1), title=f"样例通报第{key}号")
        if key % 2:
            yield page("two", text, key=key, day=f"2020-{month:02}-28", at=night(2), title="转载")
        if key % 3 == 0:
            longer = f"{text}（四川省样例供稿，限{key}日内转发）"
            day = f"2020-{month + 1:02}-01" if month < 12 else "2021-01-01"
            yield page("three", longer, key=key, day=day, at=night(1), title=f"转载通报第{key}号")
    whole, cut = "</p><p>".join(SECTIONS), "</p><p>".join(SECTIONS[1:])
    yield page("one", whole, key=90, day="2020-12-01", title="样例工程联播（一）")
    yield page("two", cut, key=90, day="2020-12-02", title="各地样例工程联播")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, sources: Any) -> Path:
    folder = tmp_path_factory.mktemp("republished")
    provincial = About(kind="provincial", province="510000")
    sources = {**sources, "three": replace(sources["three"], about=provincial)}
    with Store(folder, sources) as store:
        kinds = {store.record(capture).kind for capture in scene()}
    assert kinds == {"new"}
    return folder / "bulletins.db"


@pytest.fixture(scope="module")
def client(path: Path) -> Iterator[Client]:
    served = Client(path)
    yield served
    served.close()


@pytest.fixture
def conn(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as conn:
        yield conn


def expected(conn: sqlite3.Connection, typed: str) -> list[str]:
    """By a plain reading of all entries: those that match, but not what they repeat."""
    query = parse_entries(typed, sources_of(conn), kinds_of(conn))
    rows = conn.execute(
        "SELECT id, slug, same_as, text, title, heading FROM entries ORDER BY date DESC, id DESC"
    ).fetchall()
    matching = {
        row[0]
        for row in rows
        if query.holds(
            dict(zip(("text", "title", "heading"), row[3:], strict=True)), labels_of(conn, row[0])
        )
    }
    return [row[1] for row in rows if row[0] in matching and row[2] not in matching]


def answers(client: Client, typed: str, **asked: Any) -> list[Any]:
    """Every page of an answer."""
    found = [client.get("/search.json", q=typed, **asked).json()]
    while found[-1]["next"]:
        found.append(client.get(found[-1]["next"].removeprefix("http://localhost")).json())
    return found


def slugs(found: list[Any]) -> list[str]:
    return [entry["slug"] for each in found for entry in each["entries"]]


def test_the_scene_has_what_the_tests_are_about(conn: sqlite3.Connection) -> None:
    sql = "SELECT count(*), count(same_as) FROM"
    assert conn.execute(f"{sql} bulletins").fetchone() == (46, 21)
    assert conn.execute(f"{sql} entries").fetchone() == (51, 23)
    assert len(expected(conn, "")) > 20, "more than a page"


@pytest.mark.parametrize("typed", QUERIES)
def test_what_repeats_another_result_is_left_out(
    client: Client, conn: sqlite3.Connection, typed: str
) -> None:
    wanted = expected(conn, typed)
    by_date = answers(client, typed)
    assert slugs(by_date) == wanted
    assert {each["total"]["number"] for each in by_date} == {len(wanted)}
    by_relevance = slugs(answers(client, typed, sort="relevance"))
    assert sorted(by_relevance) == sorted(wanted)
    rows = csv.DictReader(io.StringIO(client.get("/search.csv", q=typed).text, newline=""))
    assert [row["slug"] for row in rows] == wanted


@pytest.mark.parametrize("typed", QUERIES)
def test_the_number_of_a_facet_is_that_of_the_results_it_leads_to(
    client: Client, conn: sqlite3.Connection, typed: str
) -> None:
    found = client.get("/search.json", q=typed, facets=1).json()
    assert found["total"]["number"] == len(expected(conn, typed))
    words = {"province": "省", "source": "来源", "kind": "机构", "month": "日期"}
    query = f"({typed})" if typed else ""
    for title, values in found["facets"].items():
        for value, number in values.items():
            assert len(expected(conn, f"{query} {words[title]}:{value}")) == number, value
    if typed == "样例工程":
        assert sum(found["facets"]["source"].values()) > found["total"]["number"]
        assert [*found["facets"]["kind"]] == ["ministry", "provincial"]


def test_the_page_offers_kinds_where_there_are_two(client: Client) -> None:
    text = client.get("/search", q="样例工程").text
    assert f'<a href="/search?{urlencode({"q": "样例工程 机构:provincial"})}">省级部门</a>' in text
    chosen = client.get("/search", q="样例工程 机构:provincial").text
    assert "<strong>省级部门</strong>" in chosen
    assert "<strong>样例three</strong>" not in chosen, "a kind is not its only source"


def test_a_copy_is_found_by_what_only_it_says(client: Client) -> None:
    [found] = client.get("/search.json", q="四川省样例供稿 标题:第21号").json()["entries"]
    assert found["slug"] == "three-21.1"
    assert [(each["slug"], each["name"]) for each in found["also_at"]] == [
        ("one-21.1", "样例one"), ("two-21.1", "样例two"),
    ]  # fmt: skip


def test_an_original_says_where_else_it_stands(client: Client) -> None:
    [found] = client.get("/search.json", q="标题:样例通报第9号").json()["entries"]
    assert found["also_at"] == [
        {
            "source": source,
            "name": f"样例{source}",
            "id": found["also_at"][at]["id"],
            "slug": f"{source}-9.1",
            "title": title,
            "published": published,
            "url": f"https://{source}.example/news/202009/t20200901_9.html",
            "status": "live",
        }
        for at, (source, title, published) in enumerate(
            (("two", "转载", "2020-10-28"), ("three", "转载通报第9号", "2020-11-01"))
        )
    ]


def test_sections_are_matched_one_by_one(client: Client) -> None:
    found = client.get("/search.json", q="标题:联播").json()["entries"]
    elsewhere = {entry["slug"]: [e["slug"] for e in entry["also_at"]] for entry in found}
    assert elsewhere == {
        "one-90.1": [], "one-90.2": ["two-90.1"], "one-90.3": ["two-90.2"],
        "one-90.4": ["two-90.3"],
    }  # fmt: skip


def test_the_page_links_the_other_sources(client: Client) -> None:
    text = client.get("/search", q="标题:样例通报第9号").text
    found = client.get("/search.json", q="标题:样例通报第9号").json()["entries"][0]["also_at"]
    assert "同文另见：" in text
    for other in found:
        assert f'<a href="/bulletins/entries/{other["id"]}">{other["name"]}</a>' in text
    assert "同文另见" not in client.get("/search", q="标题:样例通报第2号").text


def test_csv_and_atom_name_the_other_sources(client: Client) -> None:
    text = client.get("/search.csv", q="标题:样例通报第9号").text
    [row] = csv.DictReader(io.StringIO(text, newline=""))
    assert row["also_at"] == (
        "样例two https://two.example/news/202009/t20200901_9.html；"
        "样例three https://three.example/news/202009/t20200901_9.html"
    )
    feed = ElementTree.fromstring(client.get("/search.atom", q="标题:样例通报第9号").text)
    links = feed.findall(f"{ATOM}entry/{ATOM}link[@rel='related']")
    assert [(link.get("title"), link.get("href")) for link in links] == [
        ("同文另见：样例two", "https://two.example/news/202009/t20200901_9.html"),
        ("同文另见：样例three", "https://three.example/news/202009/t20200901_9.html"),
    ]


@pytest.mark.parametrize("few", [(1000, 200), (5, 4), (5, 40)], ids=["few", "many", "recent"])
@pytest.mark.parametrize("typed", ["样例工程", "清淤 省:青海", "转载"])
def test_the_feed_has_what_the_search_has(
    conn: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, few: tuple[int, int], typed: str
) -> None:
    monkeypatch.setattr(entry_search, "FEW", few[0])
    monkeypatch.setattr(entry_search, "READ", few[1])
    wanted = expected(conn, typed)
    found = [entry["slug"] for entry, _ in learned(conn, parse_entries(typed), 8)]
    assert len(found) == min(8, len(wanted))
    assert {*found} <= {*wanted}


def test_totals_that_are_not_exact_count_no_copies(conn: sqlite3.Connection) -> None:
    """At least so many is true of what is shown, not only of what matches."""
    query = parse_entries("样例工程", sources_of(conn))
    shown = len(expected(conn, "样例工程"))
    assert entry_search.count(conn, query, shown) == (shown, True)
    assert entry_search.count(conn, query, shown - 1) == (shown - 1, False)


def test_rows_of_datasette_say_where_else_a_text_stands(
    client: Client, conn: sqlite3.Connection
) -> None:
    sql = "SELECT id FROM {} WHERE slug = ?"
    ids = {
        slug: conn.execute(sql.format("bulletins"), (slug,)).fetchone()[0]
        for slug in ("one-9", "two-9", "three-9", "one-2")
    }
    first = client.get(f"/bulletins/bulletins/{ids['one-9']}").text
    for slug in ("two-9", "three-9"):
        assert f'<a href="/bulletins/bulletins/{ids[slug]}">样例{slug[:-2]}</a>' in first
    copy = client.get(f"/bulletins/bulletins/{ids['two-9']}").text
    assert f'<a href="/bulletins/bulletins/{ids["one-9"]}">样例one</a>' in copy
    assert "同文另见" not in client.get(f"/bulletins/bulletins/{ids['one-2']}").text
    (entry,) = conn.execute(sql.format("entries"), ("two-9.1",)).fetchone()
    (other,) = conn.execute(sql.format("entries"), ("one-9.1",)).fetchone()
    assert f'<a href="/bulletins/entries/{other}">样例one</a>' in client.get(
        f"/bulletins/entries/{entry}"
    ).text  # fmt: skip


def test_the_numbers_of_the_start_page_are_those_of_the_results(
    client: Client, conn: sqlite3.Connection
) -> None:
    text = client.get("/").text
    for name in NAMES:
        [number] = re.findall(rf'>{name}</a> <span class="count">([\d,]+)</span>', text)
        assert int(number) == len(expected(conn, f"省:{name}"))
