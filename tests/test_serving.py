"""Datasette over a small archive: search, facets, CSV, canned query, start page, headers."""

from __future__ import annotations

import asyncio
import base64
import csv
import hashlib
import io
import json
import re
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from datasette import hookimpl
from datasette.database import Database
from datasette.facets import Facet
from datasette.plugins import pm
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.errors import Damaged, UsageError
from archive.serving.application import METADATA, application
from archive.serving.middleware import clean_query
from archive.serving.server import check, escaped, listen
from archive.serving.table_queries import tie_broken
from archive.storage.database import ENTRIES_INDEX, connect

# All texts are 样例, written for these tests.
SCRIPT = "<script>alert(1)</script>"
BULLETINS = [
    # id, title, published, status
    (1, "住房安全保障联播样例", "2020-05-14", "live"),
    (2, "危房改造进度通报样例", "2020-02-03", "gone"),
    (3, f"标题里的标记{SCRIPT}样例", "2021-01-05", "live"),
    (4, "供热管网检修样例", "2021-01-05", "live"),
]
ENTRIES = [
    # bulletin, seq, kind, heading, provinces, text, date mentions (kind, start, end)
    (
        1,
        0,
        "lead",
        None,
        [],
        "6月30日前全面完成农村危房改造任务。",
        [("deadline", None, "2020-06-30")],
    ),
    (
        1,
        1,
        "section",
        "陕西：",
        ["610000"],
        "5月8日，副省长督导危房改造。",
        [("event", "2020-05-08", "2020-05-08")],
    ),
    (
        1,
        2,
        "section",
        "湖北：",
        ["420000"],
        "5月6日至12日抽查危房改造，脫貧攻堅进展顺利。",
        [("event", "2020-05-06", "2020-05-12"), ("event", "2020-05-06", "2020-05-12")],
    ),
    (
        1,
        3,
        "section",
        "湖北：",
        ["420000"],
        "自5月1日起启用新系统，防控COVID-19。",
        [("since", "2020-05-01", None)],
    ),
    (
        2,
        1,
        "article",
        None,
        ["420000", "610000"],
        "截至12月1日，两省老旧小区改造开工。",
        [("as_of", "2019-12-01", "2019-12-01")],
    ),
    (
        3,
        1,
        "item",
        None,
        ["230000"],
        f"2月1日，哈尔滨市{SCRIPT}除雪。",
        [("event", "2021-02-01", "2021-02-01")],
    ),
    *[(4, n, "item", None, ["230000"], f"第{n}段管网检修。", []) for n in range(1, 8)],
]
DATES = {
    "mohurd-1.0": "2020-05-14", "mohurd-1.1": "2020-05-08", "mohurd-1.2": "2020-05-06",
    "mohurd-1.3": "2020-05-01", "mohurd-2.1": "2020-02-03", "mohurd-3.1": "2021-02-01",
    **{f"mohurd-4.{n}": "2021-01-05" for n in range(1, 8)},
}  # fmt: skip


def write_archive(path: Path) -> None:
    """The archive of this file's samples, as a crawl would leave it."""
    db = connect(path).conn
    db.execute("BEGIN")
    db.execute("INSERT INTO sources VALUES ('mohurd', '住房部样例', 'https://mohurd.example', 10)")
    db.execute(
        "INSERT INTO channels VALUES"
        " ('mohurd', 'xwfb', '新闻', 'https://mohurd.example/x', 'numbered', 0)"
    )
    db.execute(
        "INSERT INTO crawls (source, channel, started_at, finished_at, outcome)"
        " VALUES ('mohurd', 'xwfb', '2021-02-01T18:00:00Z', '2021-02-01T18:05:00Z', 'good')"
    )
    for number, title, published, status in BULLETINS:
        db.execute(
            "INSERT INTO bulletins (id, slug, source, channel, url, title, published, anchor,"
            " status, revision, body_rule, first_seen, last_seen) VALUES"
            " (?, ?, 'mohurd', 'xwfb', ?, ?, ?, ?, ?, 1, 'layout', ?, ?)",
            (number, f"mohurd-{number}", f"https://mohurd.example/{number}.html", title, published,
             published, status, "2021-02-01T18:00:00Z", "2021-02-01T18:00:00Z"),
        )  # fmt: skip
    known = {row[0]: row for row in BULLETINS}
    for entry, (number, seq, kind, heading, provinces, text, dates) in enumerate(ENTRIES, start=1):
        slug = f"mohurd-{number}.{seq}"
        events = [d for d in dates if d[0] in ("event", "since") and d[1]]
        db.execute(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'mohurd', ?, ?, ?)",
            (entry, slug, number, seq, kind, heading, provinces[0] if provinces else None,
             DATES[slug], events[0][1] if events else None, events[0][2] if events else None, 0,
             text, known[number][1], f"https://mohurd.example/{number}.html", known[number][2],
             known[number][3]),
        )  # fmt: skip
        for n, code in enumerate(provinces, start=1):
            db.execute("INSERT INTO entry_provinces VALUES (?, ?, ?, 'heading')", (entry, n, code))
        for n, (sense, start, end) in enumerate(dates, start=1):
            db.execute(
                "INSERT INTO entry_dates VALUES (?, ?, '日', 0, ?, ?, ?, 'day')",
                (entry, n, sense, start, end),
            )
    db.execute("COMMIT")
    ENTRIES_INDEX.rebuild(db)
    db.close()


class Client:
    """Datasette in this process, asked like a server."""

    def __init__(self, path: Path) -> None:
        self.datasette = application(path)
        asyncio.run(self.datasette.invoke_startup())

    def get(self, path: str, **asked: Any) -> Any:
        query = urlencode(asked, doseq=True, errors="surrogatepass")
        return asyncio.run(self.datasette.client.get(f"{path}?{query}" if query else path))

    def json(self, path: str, **asked: Any) -> Any:
        response = self.get(path, _shape="objects", **asked)
        assert response.status_code == 200, response.text
        return response.json()

    def slugs(self, **asked: Any) -> list[str]:
        return [row["slug"] for row in self.json("/bulletins/entries.json", **asked)["rows"]]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("served") / "bulletins.db"
    write_archive(place)
    return place


@pytest.fixture(scope="module")
def client(path: Path) -> Iterator[Client]:
    served = Client(path)
    yield served
    for database in served.datasette.databases.values():
        database.close()


# Search on Datasette's own pages


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("危房改造", {"1.0", "1.1", "1.2", "2.1"}),
        ("危房改造 湖北", {"1.2"}),
        ("危房改造　湖北", {"1.2"}),
        ("陕西", {"1.1"}),  # only its heading says so
        ("脱贫攻坚", {"1.2"}),
        ("脫貧攻堅", {"1.2"}),
        ("2月1日", {"3.1"}),  # not 12月1日
        ("COVID-19", {"1.3"}),
        ("covid", {"1.3"}),
        ("OVID", set()),
        ("雪", {"3.1"}),
        ("危房改造样例", set()),
        ("没有这样的词", set()),
        ("", {slug.removeprefix("mohurd-") for slug in DATES}),
        ("\u3000", {slug.removeprefix("mohurd-") for slug in DATES}),
    ],
)
def test_search_means_what_the_design_says(client: Client, typed: str, found: set[str]) -> None:
    assert {slug.removeprefix("mohurd-") for slug in client.slugs(_search=typed)} == found


def test_search_with_filter_facet_and_labels(client: Client) -> None:
    answer = client.json(
        "/bulletins/entries.json",
        _search="危房改造",
        province="420000",
        _labels="on",
        _facet=["source", "kind", "status"],
        _facet_date="date",
    )
    assert [row["slug"] for row in answer["rows"]] == ["mohurd-1.2", "mohurd-2.1"]
    assert answer["rows"][0]["province"] == {"value": "420000", "label": "湖北省"}
    assert answer["rows"][0]["source"] == {"value": "mohurd", "label": "住房部样例"}
    assert answer["filtered_table_rows_count"] == 2
    assert answer["human_description_en"].startswith("where 包含：“危房改造” and province = 420000")
    facets = {name: facet["results"] for name, facet in answer["facet_results"].items()}
    assert set(facets) == {"province", "source", "kind", "status", "date"}
    assert [(f["label"], f["count"]) for f in facets["province"]] == [("湖北省", 2)]
    assert {f["value"]: f["count"] for f in facets["status"]} == {"live": 1, "gone": 1}
    assert {f["value"] for f in facets["date"]} == {"2020-05-06", "2020-02-03"}


def test_facets_are_one_click_away(client: Client) -> None:
    data = client.json("/bulletins/entries.json", _search="危房改造")
    assert list(data["facet_results"]) == ["province"]
    page = client.get("/bulletins/entries", _search="危房改造", _size=2).text
    links = re.findall(r'<a href="([^"]+)#facets">', page)
    assert [link.rpartition("&amp;")[2] for link in links] == [
        "_facet=source", "_facet=kind", "_facet=status", "_facet_date=date",
    ]  # fmt: skip
    for link in links:
        name = link.rpartition("=")[2]
        shown = client.get(link.replace("&amp;", "&")).text
        assert f'id="facet-{name}"' in shown
        assert f"={name}#facets" not in shown
        assert shown.count('#facets">') == 4
    everything = "&".join(link.rpartition("&amp;")[2] for link in links)
    assert 'more-facets"></p>' in client.get(f"/bulletins/entries?{everything}").text


def test_a_facet_asked_for_twice_is_counted_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    execute = Database.execute

    async def noted(self: Database, sql: str, *args: Any, **kwargs: Any) -> Any:
        counted.append(sql)
        return await execute(self, sql, *args, **kwargs)

    monkeypatch.setattr(Database, "execute", noted)
    once = client.json("/bulletins/entries.json", _search="危房改造")["facet_results"]
    twice = client.json("/bulletins/entries.json", _search="危房改造", _facet="province")
    counts = [[f["count"] for f in facet["results"]] for facet in twice["facet_results"].values()]
    assert counts == [[f["count"] for f in once["province"]["results"]]] * 2
    assert sum("as value" in sql for sql in counted) == 2


# Datasette has made the other facets' coroutines already; nobody waits for them after an error.
@pytest.mark.filterwarnings("ignore:coroutine '.*Facet:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_facet_that_is_late_is_never_just_missing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Facets have a time limit of their own; no facet can keep this one.
    monkeypatch.setitem(client.datasette._settings, "facet_time_limit_ms", 0.0001)
    data = client.get("/bulletins/entries.json", _search="危房改造")
    assert data.status_code == 400
    assert data.json()["error"].startswith("查询用时超过上限")
    other = client.get("/bulletins/bulletins.json", _facet="status")
    assert other.status_code == 400
    page = client.get("/bulletins/entries", _search="危房改造")
    assert page.status_code == 200
    assert "来不及归类：province" in page.text
    assert client.get("/bulletins/entries.csv", _search="危房改造").status_code == 200
    asked = {"_search": "危房改造", "_nofacet": 1}
    assert client.get("/bulletins/entries.json", **asked).status_code == 200


class OtherPlugin:
    """A plugin with a facet class of its own."""

    @hookimpl
    def register_facet_classes(self) -> list[type]:
        return [OtherFacet]


class OtherFacet(Facet):  # type: ignore[misc]
    type = "other"

    async def facet_results(self) -> tuple[list[Any], list[str]]:
        return [{"name": "other", "results": []}], []


def test_facets_of_other_plugins_stay(client: Client) -> None:
    plugin = OtherPlugin()
    pm.register(plugin)
    try:
        facets = client.json("/bulletins/entries.json", _facet="kind", _facet_date="date")
    finally:
        pm.unregister(plugin)
    assert set(facets["facet_results"]) == {"province", "kind", "date", "other"}


def test_several_searches_must_all_hold(client: Client) -> None:
    assert client.slugs(_search=["危房改造", "湖北"]) == ["mohurd-1.2"]
    assert client.slugs(_search="湖北", _search_text="危房改造") == ["mohurd-1.2"]


@pytest.mark.parametrize(
    ("column", "typed", "found"),
    [
        ("title", "危房改造", ["mohurd-2.1"]),
        ("text", "危房改造", ["mohurd-1.0", "mohurd-1.1", "mohurd-1.2"]),
        ("text", "房 湖北", []),
        ("title", "房", ["mohurd-1.0", "mohurd-1.1", "mohurd-1.2", "mohurd-1.3", "mohurd-2.1"]),
        ("heading", "湖", ["mohurd-1.2", "mohurd-1.3"]),
        ("nix", "危房改造", []),
        ('text" --', "危房改造", []),
    ],
)
def test_search_in_one_column(client: Client, column: str, typed: str, found: list[str]) -> None:
    assert client.slugs(**{f"_search_{column}": typed}) == found


HOSTILE = [
    '"', "'", "“", "*", "a*", "NEAR(", "AND", "OR NOT", "title:房", "{title}: 房", "^房", "-房",
    "(", ")", "房)", "1=1; --", "%", "\\", "《危房》", "C.C", "\x00", "🏚", "\ud800", "é", "?",
    "??房改", ":search", ":search_0",
    " ".join(map(chr, range(0x4E00, 0x4E00 + 500))),  # 500 words of one character
    " ".join(f"{chr(n)}房" for n in range(0x4E00, 0x4E00 + 333)),
]  # fmt: skip
ARGUMENTS = [
    {},
    {"_searchmode": "raw"},
    {"_searchmode": "raw", "_fts_table": "entries_fts"},
    {"_fts_table": "nix"},
    {"_fts_pk": "nix", "_fts_table": "entries_units"},
]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
@pytest.mark.parametrize("key", ["_search", "_search_title", "_search_nix"])
def test_nothing_typed_is_an_error(client: Client, key: str, arguments: dict[str, str]) -> None:
    for typed in HOSTILE:
        response = client.get(
            "/bulletins/entries.json", **{key: typed}, **arguments, _nofacet=1, _nocount=1
        )
        assert response.status_code == 200, (typed, response.text)


@settings(max_examples=min(2_000, settings().max_examples))  # each asks the server
@given(typed=st.text(max_size=40))
def test_any_text_is_searched_for(client: Client, typed: str) -> None:
    for row in client.json("/bulletins/entries.json", _search=typed, _nofacet=1)["rows"]:
        assert row["slug"]


@pytest.mark.parametrize("ending", ["", ".json", ".csv"])
def test_too_long_a_query_is_refused_in_words(client: Client, ending: str) -> None:
    response = client.get(f"/bulletins/entries{ending}", _search="长" * 1001)
    assert response.status_code == 400
    said = response.json()["error"] if ending == ".json" else response.text
    assert "检索式太长：最多 1,000 个字符" in said
    assert client.get("/bulletins/entries.json", _search="长" * 1000).status_code == 200


def test_search_page_shows_what_was_asked_and_marks_it(client: Client) -> None:
    page = client.get("/bulletins/entries", _search="脱贫攻坚").text
    assert 'name="_search" value="脱贫攻坚"' in page
    assert "包含：“脱贫攻坚”" in page
    assert "<mark>脫貧攻堅</mark>" in page
    nothing = client.get("/bulletins/entries", _search="没有这样的词")
    assert nothing.status_code == 200
    assert "没有这样的条目" in nothing.text
    assert "包含：“没有这样的词”" in nothing.text


def test_a_gone_bulletin_is_found_and_says_so(client: Client) -> None:
    assert client.slugs(_search="老旧小区") == ["mohurd-2.1"]
    for path in ("/bulletins/entries?_search=老旧小区", "/bulletins/entries?_layout=table", "/"):
        assert "原网页已撤下" in client.get(path).text


@pytest.mark.parametrize("layout", [{}, {"_layout": "table"}, {"_col": ["title", "text"]}])
def test_table_page_in_every_layout(client: Client, layout: dict[str, str]) -> None:
    response = client.get("/bulletins/entries", _search="哈尔滨市", **layout)
    assert response.status_code == 200
    assert "哈尔滨市" in response.text
    assert SCRIPT not in response.text


def test_a_long_entry_is_cut_where_it_was_found_and_leads_to_its_whole(tmp_path: Path) -> None:
    write_archive(tmp_path / "bulletins.db")
    db = connect(tmp_path / "bulletins.db").conn
    db.execute("UPDATE entries SET text = ? WHERE id = 7", ("开头" + "字" * 500 + "末尾要找的话",))
    ENTRIES_INDEX.rebuild(db)
    db.close()
    client = Client(tmp_path / "bulletins.db")
    page = client.get("/bulletins/entries", _search="要找的").text
    assert "末尾<mark>要找的</mark>话" in page
    assert "开头" not in page
    assert 'href="/bulletins/entries/7">全文</a>' in page
    assert "开头" + "字" * 500 + "末尾" in client.get("/bulletins/entries/7").text


# Order and pages


def test_newest_first_and_every_row_once(client: Client) -> None:
    expected = sorted(DATES, key=lambda slug: DATES[slug], reverse=True)
    for asked in ({}, {"_sort_desc": "date"}, {"_search": "样例"}, {"status__in": "live,gone"}):
        seen: list[str] = []
        following: dict[str, Any] = {}
        while True:
            page = client.json("/bulletins/entries.json", _size=2, **asked, **following)
            seen += [row["slug"] for row in page["rows"]]
            if page["next"] is None:
                break
            following = {"_next": page["next"]}
        assert [DATES[slug] for slug in seen] == [DATES[slug] for slug in expected]
        assert sorted(seen) == sorted(DATES)


def test_ties_come_in_the_same_order_on_every_page(client: Client) -> None:
    first = client.slugs(province="230000", _size=3)
    assert first == ["mohurd-3.1", "mohurd-4.1", "mohurd-4.2"]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select id, a from t order by a limit 3", "select id, a from t order by a, id limit 3"),
        (
            "select id, [from] from t where x = :p0 order by b desc limit 101",
            "select id, [from] from t where x = :p0 order by b desc, id limit 101",
        ),
        ("select id, a from t order by id limit 3", None),
        ("select id, a from t order by a, b limit 3", None),
        ("select a from t order by a limit 3", None),
        ("select count(*) from t", None),
    ],
)
def test_ties_are_broken_in_table_pages_only(sql: str, expected: str | None) -> None:
    assert tie_broken(sql) == (expected or sql)


# CSV


def test_csv_has_a_byte_order_mark_only_when_asked(client: Client) -> None:
    plain = client.get("/bulletins/entries.csv", _search="危房改造")
    excel = client.get("/bulletins/entries.csv", _search="危房改造", _bom=1, _dl=1)
    assert plain.content[:3] != b"\xef\xbb\xbf"
    assert excel.content == b"\xef\xbb\xbf" + plain.content
    assert excel.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(plain.text)))
    assert [row["slug"] for row in rows] == ["mohurd-1.0", "mohurd-1.1", "mohurd-1.2", "mohurd-2.1"]
    assert client.get("/bulletins/nix.csv", _bom=1).content[:3] != b"\xef\xbb\xbf"


def test_the_excel_link_downloads_all_that_is_listed(client: Client) -> None:
    page = client.get("/bulletins/entries", _search="样例", province="230000", _size=2).text
    found = re.search(r'href="([^"]+)">CSV（Excel）', page)
    assert found
    response = client.get(found[1].replace("&amp;", "&"))
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert [row["slug"] for row in rows] == ["mohurd-3.1", *(f"mohurd-4.{n}" for n in range(1, 8))]
    assert {row["province_label"] for row in rows} == {"黑龙江省"}


# The canned query


@pytest.mark.parametrize(
    ("province", "first", "last", "expected"),
    [
        (
            "420000",
            "",
            "",
            ["2020-05-06 2020-05-12 1.2", "2020-05-01 2020-05-01 1.3", "2020-02-03 2020-02-03 2.1"],
        ),
        ("湖北省", "2020-05-12", "2020-05-12", ["2020-05-06 2020-05-12 1.2"]),
        ("湖北", "2020-05-09", "2020-05-10", ["2020-05-06 2020-05-12 1.2"]),
        ("湖北", "2020-05-13", "", []),
        ("湖北", "2020-05-02", "2020-05-05", []),
        (" 湖北 ", " 2020-05-01", "2020-05-05 ", ["2020-05-01 2020-05-01 1.3"]),
        ("湖北", "", "2020-05-01", ["2020-05-01 2020-05-01 1.3", "2020-02-03 2020-02-03 2.1"]),
        ("陕西", "", "", ["2020-05-08 2020-05-08 1.1", "2020-02-03 2020-02-03 2.1"]),
        ("陕西", "2019-12-01", "2019-12-01", []),
        ("湖北", "2020-05-32", "", []),
        ("湖北", "", "2020-02-30", []),
        ("湖北", "now", "", []),
        ("湖北", "", "tomorrow", []),
        ("湖北", "2020-05-12", "2020-05-01", []),
        ("nix", "", "", []),
        ("", "2020-01-01", "", []),
        ("';--", "'", '"', []),
    ],
)
def test_by_province_and_date(
    client: Client, province: str, first: str, last: str, expected: list[str]
) -> None:
    answer = client.json(
        "/bulletins/by_province_and_date.json", province=province, **{"from": first, "to": last}
    )
    assert [
        f"{row['date']} {row['end_date']} {row['slug'].removeprefix('mohurd-')}"
        for row in answer["rows"]
    ] == expected
    for row in answer["rows"]:
        assert set(row) >= {"title", "text", "url", "date", "end_date"}


def test_the_canned_query_without_arguments_and_as_a_page(client: Client) -> None:
    assert client.json("/bulletins/by_province_and_date.json")["rows"] == []
    assert "先填省份" in client.get("/bulletins/by_province_and_date").text
    page = client.get("/bulletins/by_province_and_date", province="湖北").text
    assert "脫貧攻堅进展顺利" in page
    assert "原网页已撤下" in page
    assert "CSV（Excel）" in page


# Start page


def test_start_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BULLETINS_NOW", "2021-01-12T16:00:00Z")  # the 13th in China
    page = client.get("/").text
    assert 'action="/bulletins/entries"' in page
    assert 'formaction="/search"' in page
    assert "空格隔开的词须全部出现" in page
    assert "All words must occur" in page
    order = [
        page.index(f'href="/bulletins/entries?bulletin={n}&amp;_sort=seq"') for n in (4, 3, 1, 2)
    ]
    assert order == sorted(order)
    assert 'href="https://mohurd.example/4.html"' in page
    assert "&lt;script&gt;alert(1)" in page
    assert SCRIPT not in page
    assert re.search(
        r"/search\?q=%E7%9C%81%3A%E9%BB%91[^<]+>黑龙江</a> <span class=\"count\">8<", page
    )
    assert re.search(
        r"/search\?q=%E7%9C%81%3A%E6%B9%96[^<]+>湖北</a> <span class=\"count\">3<", page
    )
    assert page.count('class="none"') == 34 - 3
    assert "2021-02-02 02:05" in page  # the crawl of 18:05 UTC, in China
    assert "8 天前" in page
    assert "久无更新" not in page
    for link in ("by_province_and_date", "entries.json?_shape=objects", "entries.csv?", "_bom=1"):
        assert link in page


def test_start_page_says_when_a_source_is_late(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BULLETINS_NOW", "2021-01-15T16:00:00Z")  # 11 days after, 10 are usual
    assert "久无更新" in client.get("/").text


def test_start_page_says_when_one_channel_failed(tmp_path: Path) -> None:
    write_archive(tmp_path / "bulletins.db")
    db = connect(tmp_path / "bulletins.db").conn
    for channel, retired, outcome in (("bad", 0, "failed"), ("new", 0, "good"), ("old", 1, "good")):
        db.execute(
            "INSERT INTO channels VALUES ('mohurd', ?, '样例', 'https://x.example', 'numbered', ?)",
            (channel, retired),
        )
        db.execute(
            "INSERT INTO crawls (source, channel, started_at, outcome)"
            " VALUES ('mohurd', ?, '2021-02-02T18:00:00Z', ?)",
            (channel, outcome),
        )
    page = Client(tmp_path / "bulletins.db").get("/").text
    assert '<span class="late">失败</span>' in page
    db.execute("UPDATE channels SET retired = 1 WHERE slug = 'bad'")
    db.close()
    page = Client(tmp_path / "bulletins.db").get("/").text
    assert '<span class="aside">正常</span>' in page


def test_an_empty_archive_has_a_start_page_too(tmp_path: Path) -> None:
    connect(tmp_path / "bulletins.db").conn.close()
    client = Client(tmp_path / "bulletins.db")
    assert "还没有公报" in client.get("/").text
    assert client.slugs(_search="危房改造") == []
    assert client.get("/bulletins/entries").status_code == 200
    assert client.json("/bulletins/by_province_and_date.json", province="湖北")["rows"] == []


# Headers


PAGES = [
    "/", "/bulletins", "/bulletins/entries", "/bulletins/entries?_layout=table",
    "/bulletins/entries/1", "/bulletins/bulletins", "/bulletins?sql=select+1",
    "/bulletins/by_province_and_date?province=湖北", "/bulletins/timeline",
    "/bulletins/entries.json", "/bulletins/entries.csv", "/nix", "/assets/archive.css",
    "/-/static/app.css",
]  # fmt: skip


def test_the_policy_is_as_strict_as_the_pages_allow(client: Client) -> None:
    response = client.get("/")
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in response.headers["content-security-policy"].split(";")
    )
    digests = policy.pop("script-src").split(" ")
    assert policy == {
        "default-src": "'self'",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert digests[0] == "'self'"
    assert all(re.fullmatch(r"'sha256-[\w+/]{43}='", digest) for digest in digests[1:])


@pytest.mark.parametrize("page", PAGES)
def test_every_answer_has_a_policy_that_its_scripts_keep(client: Client, page: str) -> None:
    response = client.get(page)
    assert response.status_code == (404 if page == "/nix" else 200)
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers.get_list("referrer-policy") == ["same-origin"]
    policy = response.headers["content-security-policy"]
    scripts = re.search(r"script-src ([^;]+);", policy)
    assert scripts
    assert "unsafe" not in scripts[1]
    if not response.headers["content-type"].startswith("text/html"):
        return
    for script in re.findall(r"<script>(.*?)</script>", response.text, re.DOTALL):
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in scripts[1], script
    assert not re.search(r"<[^>]+ on\w+=", response.text)
    assert not re.search(
        r'(?:src|href)="https?://(?!mohurd\.example|datasette\.io|localhost)', response.text
    )


@pytest.mark.parametrize(
    ("query", "cleaned"),
    [
        (b"_search=%E6%88%BF", b"_search=%E6%88%BF"),
        (b"_searchmode=raw&a=1&_fts_table=x&_fts_pk=y", b"a=1"),
        (b"", b""),
    ],
)
def test_queries_are_cleaned(query: bytes, cleaned: bytes) -> None:
    assert clean_query(query) == cleaned


@pytest.mark.parametrize(
    ("data", "handed_on"),
    [
        ("GET /x?q=房 HTTP/1.1\r\nA: é\r\n\r\n", "GET /x?q=%E6%88%BF HTTP/1.1\r\nA: é\r\n\r\n"),
        ("GET /x?q=%E6%88%BF HTTP/1.1\r\n\r\n", None),
        ("POST /x?q=房 HTTP/1.1\r\n\r\n房", None),
        ("房 GET", None),
    ],
)
def test_addresses_may_be_typed_as_they_are(data: str, handed_on: str | None) -> None:
    assert escaped(data.encode()) == (handed_on or data).encode()


# Metadata, SQL


def test_metadata_describes_every_table_and_column(path: Path) -> None:
    described = json.loads(METADATA.read_text(encoding="utf-8"))["databases"]["bulletins"]["tables"]
    db = sqlite3.connect(path)
    names = [
        name
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
        if not name.startswith(("sqlite_", "entries_fts", "entries_units"))
        and name != "search_index"
    ]
    for name in names:
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({name})")]
        assert list(described[name]["columns"]) == columns
        for text in (described[name]["description"], *described[name]["columns"].values()):
            assert re.search(r"[一-鿿]", text) or text in ("ETag", "Last-Modified")
            assert re.search(r"[A-Za-z]", text)
    db.close()
    assert {name for name in described if described[name].get("hidden")} == {
        "search_index", ENTRIES_INDEX.fts, ENTRIES_INDEX.units,
    }  # fmt: skip
    assert set(described) == {*names, "search_index", ENTRIES_INDEX.fts, ENTRIES_INDEX.units}


def test_helper_tables_are_hidden_and_all_others_open(client: Client) -> None:
    tables = client.json("/bulletins.json")["tables"]
    for table in tables:
        helper = table["name"].startswith(
            ("entries_fts", "entries_units", "search_index", "sqlite_")
        )
        assert table["hidden"] == helper, table["name"]
        if not helper:
            assert client.get(f"/bulletins/{table['name']}").status_code == 200


def test_sql_functions(client: Client) -> None:
    sql = "select search_matches(:q, title, text) as m, search_snippet(text, :q) as s from entries"
    rows = client.json("/bulletins.json", sql=sql + " where slug = 'mohurd-1.2'", q="脱贫攻坚 联播")
    assert rows["rows"] == [{"m": 1, "s": "5月6日至12日抽查危房改造，脫貧攻堅进展顺利。"}]
    assert client.json("/bulletins.json", sql=sql, q="长" * 2000)["rows"][0]["m"] == 0
    assert (
        client.json("/bulletins.json", sql="select search_snippet(null, null) as s")["ok"] is True
    )


def test_a_query_that_takes_too_long_says_so(client: Client) -> None:
    sql = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n"
    response = client.get("/bulletins.json", sql=sql, _timelimit=20)
    assert response.status_code == 400
    assert response.json()["error"].startswith("查询用时超过上限")


# A writer beside, and starting


def test_what_a_writer_commits_is_served_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bulletins.db"
    write_archive(path)
    client = Client(path)
    assert client.slugs(_search="新来的") == []
    writer = connect(path).conn
    writer.execute("BEGIN IMMEDIATE")
    ENTRIES_INDEX.remove(
        writer, 7, {"title": BULLETINS[3][1], "heading": None, "text": ENTRIES[6][5]}
    )
    writer.execute("UPDATE entries SET text = '新来的一段。' WHERE id = 7")
    ENTRIES_INDEX.add(
        writer, 7, {"title": BULLETINS[3][1], "heading": None, "text": "新来的一段。"}
    )
    assert client.slugs(_search="新来的") == []
    assert len(client.slugs(_search="管网检修")) == 7
    writer.execute("COMMIT")
    assert client.slugs(_search="新来的") == ["mohurd-4.1"]
    writer.close()


def test_check_wants_a_database_of_this_version(tmp_path: Path) -> None:
    path = tmp_path / "bulletins.db"
    with pytest.raises(UsageError, match="make demo-data"):
        check(path)
    path.write_bytes(b"no database, but long enough to be looked at by SQLite" * 20)
    with pytest.raises(Damaged, match="bulletins rebuild"):
        check(path)
    path.unlink()
    connect(path).conn.close()
    check(path)
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(Damaged, match="schema 99"):
        check(path)


def test_an_address_that_is_taken_is_one_line() -> None:
    with listen("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"^cannot serve at 127\.0\.0\.1:{port} \(.+\): .+$"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("no.such.host.invalid", 0), ("127.0.0.1", 70000)])
def test_an_address_that_is_none_is_one_line(host: str, port: int) -> None:
    with pytest.raises(UsageError, match="choose another address"):
        listen(host, port)


def test_listening_on_all_addresses_of_the_other_family() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with listen("::1", 0) as listening:
        assert listening.family is socket.AF_INET6
