"""Table pages with rewritten SQL: results are the same, and Datasette's SQL is as expected."""

from __future__ import annotations

import asyncio
import csv
import io
import random
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.search import differences
from archive.serving import steady_database, table_queries
from archive.serving.application import application
from archive.serving.entry_search import parse_entries
from archive.serving.table_queries import rewritten, tie_broken
from archive.storage.database import ENTRIES_INDEX, connect

# All texts are 样例, made up of few words, so that most searches find many rows.
WORDS = ("危房改造", "危房", "农村", "建设", "房", "村", "2月1日", "建房")
PROVINCES = ("110000", "230000", "420000", "610000")
DAYS = [f"20{year}-{month:02d}-01" for year in (19, 20) for month in range(1, 13)]
# Days that only rows of the tail have: before, between and after all others.
ODD_DAYS = ["2018-03-03", "2019-06-15", "2021-07-09"]
SORTED, ADDED, TOUCHED = 500, 60, 90
COLUMNS = ("text", "title", "heading")

Row = dict[str, Any]


def made(rng: random.Random, number: int, days: list[str]) -> Row:
    return {
        "id": number,
        "slug": f"x-{number}",
        "date": rng.choice(days),
        "text": "，".join(rng.choices(WORDS, k=rng.randint(1, 4))),
        "title": rng.choice(WORDS) + "样例",
        "heading": rng.choice([None, "湖北：", "村"]),
        "source": rng.choice(("mohurd", "mee")),
        "kind": rng.choice(("lead", "item")),
        "provinces": rng.sample(PROVINCES, rng.choice((0, 1, 1, 1, 2, 3))),
    }


def write(conn: sqlite3.Connection, row: Row) -> None:
    conn.execute("DELETE FROM entry_provinces WHERE entry = :id", {"id": row["id"]})
    conn.execute(
        "INSERT OR REPLACE INTO entries (id, slug, bulletin, seq, kind, heading, province, date,"
        " open_end, text, title, source, url, published, status) VALUES (:id, :slug, 1, 1, :kind,"
        " :heading, :province, :date, 0, :text, :title, :source, 'http://x', :date, 'live')",
        {**row, "province": (row["provinces"] or [None])[0], "provinces": None},
    )
    conn.executemany(
        "INSERT INTO entry_provinces VALUES (?, ?, ?, 'heading')",
        [(row["id"], seq, code) for seq, code in enumerate(row["provinces"], start=1)],
    )


def texts(row: Row) -> dict[str, str | None]:
    return {column: row[column] for column in COLUMNS}


def filled(path: Path, seed: int) -> dict[int, Row]:
    """Write a database whose index has sorted rows and a tail; returns the rows that are in it."""
    rng = random.Random(seed)
    with closing(connect(path).conn) as conn:
        conn.execute("PRAGMA foreign_keys = OFF")
        conn.execute(
            "INSERT INTO sources (slug, name, home, rhythm_days, digest)"
            " VALUES ('mohurd', '住房部', '', 1, ''), ('mee', '环境部', '', 1, '')"
        )
        rows = {number: made(rng, number, DAYS) for number in range(1, SORTED + 1)}
        for row in rows.values():
            write(conn, row)
        ENTRIES_INDEX.rebuild(conn)
        last = SORTED + 1
        for _ in range(TOUCHED):
            old = rows.pop(rng.choice([*rows]))
            kind = rng.choice(("remove", "text", "all"))
            if kind == "remove":
                ENTRIES_INDEX.remove(conn, old["id"], texts(old))
                conn.execute("DELETE FROM entries WHERE id = ?", (old["id"],))
                continue
            new = made(rng, old["id"], DAYS + ODD_DAYS)
            if kind == "text":  # it keeps its place
                new = {**old, "text": new["text"], "provinces": new["provinces"]}
            write(conn, new)
            ENTRIES_INDEX.replace(conn, old["id"], texts(old), texts(new))
            rows[old["id"]] = new
        # Two days are left to the tail alone, the first and one in between.
        for row in [row for row in rows.values() if row["date"] in (DAYS[0], DAYS[4])]:
            ENTRIES_INDEX.remove(conn, row["id"], texts(row))
            conn.execute("DELETE FROM entries WHERE id = ?", (row["id"],))
            del rows[row["id"]]
        for number in range(last, last + ADDED):
            row = made(rng, number, DAYS + ODD_DAYS)
            write(conn, row)
            ENTRIES_INDEX.add(conn, number, texts(row))
            rows[number] = row
        assert differences(conn, ENTRIES_INDEX) == []
    return rows


class Archive:
    """Datasette over such a database, with and without the rewriting."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = filled(path, seed=5)
        self.datasette = application(path)
        asyncio.run(self.datasette.invoke_startup())

    def get(self, path: str, asked: dict[str, Any], *, plainly: bool = False) -> Any:
        with pytest.MonkeyPatch.context() as patched:
            # Few rows are to fall into several pieces too.
            patched.setattr(table_queries, "PIECE", 50)
            if plainly:
                patched.setattr(steady_database, "rewritten", lambda sql, _: tie_broken(sql))
            return asyncio.run(self.datasette.client.get(f"{path}?{urlencode(asked, doseq=True)}"))

    def page(self, asked: dict[str, Any], *, plainly: bool = False) -> Any:
        response = self.get("/bulletins/entries.json", asked, plainly=plainly)
        assert response.status_code == 200, response.text
        return {**response.json(), "query_ms": 0}

    def asked_sql(self, asked: dict[str, Any]) -> list[str]:
        """The SQL about entries that Datasette asks for a page."""
        seen: list[str] = []

        def noted(sql: str, values: dict[str, Any]) -> str:
            seen.append(sql)
            return rewritten(sql, values)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(steady_database, "rewritten", noted)
            path = f"/bulletins/entries.json?{urlencode(asked, doseq=True)}"
            assert asyncio.run(self.datasette.client.get(path)).status_code == 200
        return [sql for sql in seen if "from entries where" in sql]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    made_archive = Archive(tmp_path_factory.mktemp("tables") / "bulletins.db")
    yield made_archive
    for database in made_archive.datasette.databases.values():
        database.close()


# What Datasette runs

SOME = {"search_0": '"危房"'}


@pytest.mark.parametrize(
    "typed", ["危房改造", "房", "危房 村", "“农村” 或 -房", "标题:建设", "房 省:湖北", "-村"]
)
@pytest.mark.parametrize("sort", [{}, {"_sort_desc": "date"}, {"_sort": "date"}])
def test_every_query_of_a_search_on_a_table_page_is_recognised(
    archive: Archive, typed: str, sort: dict[str, str]
) -> None:
    page, count, facet = archive.asked_sql({"_search": typed, **sort})
    assert "order by" in page
    assert "count(*)" in count
    assert "group by province" in facet
    for sql in (page, count, facet):
        assert rewritten(sql, SOME) != tie_broken(sql)
    [following] = archive.asked_sql(
        {"_search": typed, **sort, "_next": "2020-02-01,3", "_nofacet": 1, "_nocount": 1}
    )
    assert rewritten(following, SOME) != tie_broken(following)


@pytest.mark.parametrize(
    ("filters", "all_known"),
    [
        ({"date__gte": "2020-01-01"}, True),
        ({"date__gt": "2020-01-01", "date__lte": "2020-05-01", "province": "420000"}, True),
        ({"date__date": "2020-05-01"}, True),
        ({"date": "2020-05-01", "source": "mee"}, True),
        ({"province": "420000"}, False),  # the page alone; the index finds few hits by its label
        ({"source": "mee"}, False),
    ],
)
def test_filters_by_date_province_and_source_are_recognised_too(
    archive: Archive, filters: dict[str, str], all_known: bool
) -> None:
    page, count, facet = archive.asked_sql({"_search": "危房", **filters})
    assert rewritten(page, SOME) != tie_broken(page)
    for sql in (count, facet):
        assert (rewritten(sql, SOME) != sql) == all_known


@pytest.mark.parametrize(
    ("filters", "labels"),
    [
        ({"province": "420000"}, ["p420000"]),
        ({"province__exact": "420000", "source": "mee"}, ["p420000", "smee"]),
        ({"province__not": "420000", "kind": "item"}, []),
        ({"province": '"'}, []),
    ],
)
def test_the_index_is_asked_for_the_labels_of_filters_too(
    archive: Archive, filters: dict[str, str], labels: list[str]
) -> None:
    """Otherwise SQLite would compare every hit of a common word with the filter."""
    values = archive.page({"_search": "危房", **filters})["query"]["params"]
    match = values["search_0"]
    assert re.findall(r'"\x80([^"]+)"', match) == labels


@pytest.mark.parametrize(
    "asked",
    [
        {"_search": "危房", "kind": "item"},
        {"_search": "危房", "text__contains": "房"},
        {"_search": "危房", "_where": "id > 3"},
        {"_search": "危房", "_search_title": "房"},
        {"_search": "危房", "_sort": "published"},
        {"province": "420000"},
    ],
)
def test_other_table_pages_run_datasettes_own_sql(archive: Archive, asked: dict[str, str]) -> None:
    page, *_ = archive.asked_sql(asked)
    assert rewritten(page, SOME) == tie_broken(page)


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from entries",
        "select count(*) from entries where id in (select 1)",
        'select count(*) from entries where id in (select "entries_fts_rows".key from x) ',
        "select id, a from entries where id in (select 1) order by date desc, id limit 3",
        "",
    ],
)
def test_other_sql_is_left_alone(sql: str) -> None:
    assert rewritten(sql, {}) == sql


# What it returns

SEARCHES = [
    "危房改造", "危房", "房", "村", "建设 农村", "危房 -建设", "-危房", "房 或 村", "标题:房",
    "2月1日", "没有这样的词", "省:湖北", "房 日期:2020-05..", "来源:mee 农村", "样例",
]  # fmt: skip
DATES = st.sampled_from([*DAYS, *ODD_DAYS, "2019-06", "2020", "2020-13-45", "x", "1000-01-01"])
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "province": st.sampled_from([*PROVINCES, "820000", "湖北", "*", 'x"']),
        "source": st.sampled_from(["mee", "mohurd", "x-1", ""]),
        "kind": st.just("item"),
        "date__gte": DATES,
        "date__gt": DATES,
        "date__lte": DATES,
        "date__lt": DATES,
        "date": DATES,
        "date__date": DATES,
        "_search_title": st.just("房"),
    },
)
SHAPES = st.fixed_dictionaries(
    {"_size": st.sampled_from([1, 2, 5, 50, "max"])},
    optional={
        "_sort": st.sampled_from(["date", "id", "published"]),
        "_col": st.sampled_from(["title", "date", "province"]),
        "_facet": st.sampled_from(["source", "kind"]),
        "_facet_date": st.just("date"),
        "_facet_size": st.sampled_from([1, 2]),
        "_labels": st.just("on"),
    },
)  # Datasette 0.65 answers 500 where labels are asked for, but not the column it sorts by.
SHAPES = SHAPES.filter(lambda shape: not {"_col", "_labels"} <= set(shape))


def compare(archive: Archive, typed: str, filters: Row, shape: Row) -> None:
    asked = {"_search": typed, **filters, **shape}
    for _ in range(3):
        page = archive.page(asked)
        assert page == archive.page(asked, plainly=True)
        if page["next"] is None:
            break
        asked["_next"] = page["next"]


@settings(max_examples=min(1_500, settings().max_examples))  # each asks up to six pages
@given(typed=st.sampled_from(SEARCHES), filters=FILTERS, shape=SHAPES)
def test_pages_are_the_same(archive: Archive, typed: str, filters: Row, shape: Row) -> None:
    compare(archive, typed, filters, shape)


@pytest.mark.parametrize(
    "asked", [{"_search": "房"}, {"_search": "房", "_sort": "date"}, {"province": "230000"}, {}]
)
def test_facets_are_of_all_pages(archive: Archive, asked: dict[str, str]) -> None:
    asked |= {"_size": "20", "_facet": "kind", "_facet_date": "date"}
    first = archive.get("/bulletins/entries.json", asked).json()
    asked["_next"] = first["next"]
    second = archive.get("/bulletins/entries.json", asked).json()
    assert len(second["rows"]) == 20
    counted = [
        {
            name: [(value["value"], value["count"]) for value in facet["results"]]
            for name, facet in page["facet_results"].items()
        }
        for page in (first, second)
    ]
    assert counted[0] == counted[1]
    assert sum(number for _, number in counted[0]["kind"]) == first["filtered_table_rows_count"]


@pytest.mark.parametrize("columns", [{"_nocol": "date"}, {"_col": "province", "_search": "房"}])
def test_pages_without_the_column_that_sorts_them(
    archive: Archive, columns: dict[str, str]
) -> None:
    page, data, table = (
        archive.get(f"/bulletins/entries{form}", columns | {"_size": "5"})
        for form in ("", ".json", ".csv")
    )
    assert page.status_code == 200
    assert page.text.count('<td class="col-province') == 5
    assert len(data.json()["rows"]) == table.text.count("\r\n") - 1 == 5


@pytest.mark.parametrize("typed", SEARCHES)
@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({}, lambda row: True),
        ({"_sort": "date", "_size": 7}, lambda row: True),
        ({"_size": 7, "date__lt": "2020-05-01"}, lambda row: row["date"] < "2020-05-01"),
        ({"_size": 7, "province": "420000"}, lambda row: row["provinces"][:1] == ["420000"]),
    ],
)
def test_all_pages_together_are_what_a_scan_finds(
    archive: Archive, typed: str, asked: Row, wanted: Any
) -> None:
    query = parse_entries(typed, {"mee": "环境部", "mohurd": "住房部"})
    found = [
        row for row in archive.rows.values() if query.holds(texts(row), labels(row)) and wanted(row)
    ]
    found.sort(key=lambda row: row["id"])
    found.sort(key=lambda row: row["date"], reverse="_sort" not in asked)
    streamed = archive.get(
        "/bulletins/entries.csv", {"_search": typed, "_size": "max", **asked, "_stream": "on"}
    )
    ids = [int(row["id"]) for row in csv.DictReader(io.StringIO(streamed.text))]
    assert ids == [row["id"] for row in found]
    answer = archive.page({"_search": typed, **asked})
    assert answer["filtered_table_rows_count"] == len(found)
    facet = {f["value"]: f["count"] for f in answer["facet_results"]["province"]["results"]}
    first = [row["provinces"][0] for row in found if row["provinces"]]
    assert facet == {code: first.count(code) for code in set(first)}


@pytest.mark.parametrize("typed", ["建房 2月1日", "危房改造 建房 -村", "标题:2月1日 村 -农村"])
@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("sort", ["_sort", "_sort_desc"])
def test_pages_that_end_with_a_day_lose_nothing(
    archive: Archive, typed: str, size: int, sort: str
) -> None:
    """With words so rare that a page often has all entries of a day."""
    query = parse_entries(typed)
    found = [row for row in archive.rows.values() if query.holds(texts(row), labels(row))]
    assert 5 < len(found) < 100
    found.sort(key=lambda row: row["id"])
    found.sort(key=lambda row: row["date"], reverse=sort == "_sort_desc")
    asked = {"_search": typed, "_size": size, sort: "date", "_stream": "on"}
    streamed = archive.get("/bulletins/entries.csv", asked)
    ids = [int(row["id"]) for row in csv.DictReader(io.StringIO(streamed.text))]
    assert ids == [row["id"] for row in found]


def labels(row: Row) -> list[str]:
    day = row["date"].replace("-", "")
    return [f"@{day}", f"s{row['source']}", *(f"p{code}" for code in row["provinces"])]


ALSO = (
    'select "entries_fts_rows".key from "entries_fts" cross join "entries_fts_rows" '
    'on "entries_fts_rows".docid = "entries_fts".rowid where "entries_fts" match :search_0 '
    'and +"entries_fts_rows".docid in '
    '(select rowid from "entries_units" where "entries_units" match :search_1)'
)
ALSO_MATCH = {"房": '"房"', "-村": '("\x80" NOT "村")', "没": '"没"'}
FACET = """
                select province as value, count(*) as count from (
                    select id, province from entries where id in ({}) 
                )
                where province is not null
                group by province order by count desc, value limit 41
            """  # noqa: W291


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from entries where id in ({}) ",
        "select id, date from entries where id in ({}) order by date desc, id limit 9",
        'select id, date from entries where "date" > :p1 and id in ({}) order by date, id limit 9',
        "select id, date from entries where id in ({}) and (date < :p1 or date is null or "
        "(date = :p1 and ((id > :p2)))) order by date desc, id limit 9",
        "select id, date from entries where id in ({}) and (date > :p1 or "
        "(date = :p1 and ((id > :p2)))) order by date, id limit 9",
        FACET,
    ],
)
@pytest.mark.parametrize("also", ALSO_MATCH)
def test_conditions_on_the_table_of_units_stay(archive: Archive, sql: str, also: str) -> None:
    """Common single characters beside longer words."""
    sql = sql.format(ALSO)
    values = {
        "search_0": '"建设"',
        "search_1": ALSO_MATCH[also],
        "p1": "2020-02-01",
        "p2": 30,
    }
    assert rewritten(sql, values) != sql
    with closing(sqlite3.connect(archive.path)) as conn:
        found = conn.execute(sql, values).fetchall()
        assert conn.execute(rewritten(sql, values), values).fetchall() == found
        assert bool(found) == (also != "没" or "select count" in sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select id, a" + " from a" * 150_000,
        "select id, a from a " + "order by x " * 100_000,
        "select id" + ", a" * 300_000 + " from entries where ",
        "select 1 from entries where " + '"date" = :p0 and ' * 60_000,
        " from entries where " * 50_000,
        "select id, a from a where " + "1 and " * 2000 + "1 order by a limit 5",
        *("select id, a" + " from a" * 1400, "select id, a from a " + "order by x " * 850),
        *("select id" + ", a" * 3300 + " from", " from entries where " * 450),
    ],
)
def test_recognising_any_sql_takes_no_time(sql: str) -> None:
    """It happens before any time limit applies, in the thread that answers all requests."""
    start = time.perf_counter()
    assert rewritten(sql, {}) == sql
    assert time.perf_counter() - start < 0.2
