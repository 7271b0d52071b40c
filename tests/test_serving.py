"""The application over a small archive: the canned query, metadata, SQL, time limits."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from archive.serving.application import METADATA
from archive.storage.database import ENTRIES_INDEX, connect
from tests.served_archive import ENTRIES, Client, write_archive

DOCS = Path(__file__).parents[1] / "docs"

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


# Metadata, SQL


def test_metadata_describes_every_table_and_column(served_path: Path) -> None:
    described = json.loads(METADATA.read_text(encoding="utf-8"))["databases"]["bulletins"]["tables"]
    db = sqlite3.connect(served_path)
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


def test_limits_of_time_are_those_of_the_documentation(client: Client) -> None:
    page = (DOCS / "search-http.md").read_text(encoding="utf-8")
    assert "longer than five seconds" in page
    assert client.datasette.setting("sql_time_limit_ms") == 5_000
    assert client.datasette.setting("facet_time_limit_ms") == 5_000


def test_sql_cannot_create_a_value_that_fills_the_memory(client: Client) -> None:
    for size, status in ((1 << 20, 200), (40 << 20, 400)):
        answer = client.get("/bulletins.json", sql=f"select length(zeroblob({size})) as n")
        assert answer.status_code == status
    assert "too big" in answer.json()["error"]


def test_errors_in_anybodys_sql_do_not_fill_the_log(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    assert client.get("/bulletins.json", sql="select nix from entries").status_code == 400
    assert client.get("/bulletins").status_code == 200  # counts tables that cannot be scanned
    assert capsys.readouterr().err == ""


def test_a_download_is_whole_however_large(tmp_path: Path) -> None:
    """Four megabytes here; Datasette stops at 100 by default, the archive never."""
    write_archive(tmp_path / "bulletins.db")
    with closing(connect(tmp_path / "bulletins.db").conn) as conn:
        conn.execute("UPDATE entries SET text = ?", ("字" * 100_000,))
        ENTRIES_INDEX.rebuild(conn)
    client = Client(tmp_path / "bulletins.db")
    whole = client.get("/bulletins/entries.csv", _stream="on", _size="max")
    assert whole.text.count("字") == 100_000 * len(ENTRIES)
    assert client.datasette.setting("max_csv_mb") == 0
    client.close()
