"""Datasette's own pages over a small archive: search, facets, order, CSV."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from datasette import hookimpl
from datasette.database import Database
from datasette.facets import Facet
from datasette.plugins import pm
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.serving.table_queries import tie_broken
from archive.storage.database import ENTRIES_INDEX, connect
from tests.served_archive import (
    BULLETINS,
    DATES,
    ENTRIES,
    HOSTILE,
    SCRIPT,
    Client,
    write_archive,
)

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
def test_the_meaning_of_a_search(client: Client, typed: str, found: set[str]) -> None:
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


def test_only_facets_that_were_asked_for_can_be_taken_away(client: Client) -> None:
    asked = {"_facet": ["kind", "province"], "_facet_date": "date"}
    facets = client.json("/bulletins/entries.json", **asked)["facet_results"]
    assert {name: facet["hideable"] for name, facet in facets.items()} == {
        "province": False, "kind": True, "province_2": True, "date": True,
    }  # fmt: skip


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
def test_a_facet_that_ran_out_of_time_is_never_silently_missing(
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
    page = client.get("/bulletins/entries", _search=["危房改造", "湖北"]).text
    assert 'name="_search" value="危房改造 湖北"' in page


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


ARGUMENTS = [
    {},
    {"_searchmode": "raw"},
    {"_searchmode": "raw", "_fts_table": "entries_fts"},
    {"_fts_table": "nix"},
    {"_fts_pk": "nix", "_fts_table": "entries_units"},
]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
@pytest.mark.parametrize("key", ["_search", "_search_title", "_search_nix"])
def test_nothing_typed_causes_an_error(client: Client, key: str, arguments: dict[str, str]) -> None:
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
def test_a_query_that_is_too_long_is_refused_with_a_reason(client: Client, ending: str) -> None:
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
