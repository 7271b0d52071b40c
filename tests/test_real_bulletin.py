"""The real bulletin from a ministry's list to a reader's query: crawled, served, asked for."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from warcio.checker import Checker

from archive.captures.warc import warc_files
from archive.search import fold
from archive.serving.application import application
from tests.crawling import asked, crawl, rows, run, tables
from tests.test_crawl import NIGHT_2, real_page, site_of


@pytest.fixture(scope="module")
def archive(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real bulletin among 45 others in today's layout."""
    data = tmp_path_factory.mktemp("real")
    site = site_of("C", "gzdt", real_page(shared, hard_wrapped=True))
    assert crawl(site, data).returncode == 0
    before = tables(data)
    site.log.clear()
    assert crawl(site, data, now=NIGHT_2).returncode == 0
    after = tables(data)
    for name in ("bulletins", "entries", "revisions"):
        assert after[name] == before[name]
    assert len(asked(site, 304)) == len(list(site.pages))
    assert run("rebuild", "--data", data).returncode == 0
    assert tables(data) == after
    return data


def get(data: Path, path: str) -> Any:
    """What Datasette answers, as JSON."""

    async def fetched() -> Any:
        datasette = application(data / "bulletins.db")
        response = await datasette.client.get(path)
        assert response.status_code == 200, response.text
        return response.json()

    return asyncio.run(fetched())


@pytest.mark.parametrize("typed", ["危房改造", "房", "挂牌督战", "湖北 危房"])
def test_search_finds_exactly_what_a_scan_finds(archive: Path, typed: str) -> None:
    path = f"/bulletins/entries.json?_search={quote(typed)}&_shape=objects&_size=max"
    found = get(archive, path)["rows"]
    scanned = {
        entry
        for entry, *texts in rows(archive, "SELECT id, title, heading, text FROM entries")
        if all(any(fold(word) in fold(str(text or "")) for text in texts) for word in typed.split())
    }
    assert {row["id"] for row in found} == scanned
    assert len(found) == len(scanned) > 0


def asked_for(data: Path, province: str, begin: str, end: str) -> list[tuple[str, str]]:
    """Date and first words of what by_province_and_date returns of the real bulletin."""
    path = f"/bulletins/by_province_and_date.json?_shape=objects&province={quote(province)}"
    answered = get(data, f"{path}&from={begin}&to={end}")["rows"]
    return [(r["date"], r["text"][:6]) for r in answered if r["slug"].startswith("mohurd-245619")]


@pytest.mark.parametrize("province", ["230000", "黑龙江", "黑龙江省"])
def test_a_province_by_code_and_names(archive: Path, province: str) -> None:
    assert asked_for(archive, province, "2020-05-01", "2020-05-31") == [
        ("2020-05-11", "5月11日，"),
        ("2020-05-08", "5月8日，黑"),
    ]


def test_a_range_matches_each_of_its_days_and_a_since_its_first(archive: Path) -> None:
    assert asked_for(archive, "广东", "2020-04-22", "2020-04-22") == [
        ("2020-04-22", "4月22日至"),
        ("2020-04-21", "为深入落实全"),
    ]
    assert asked_for(archive, "湖南", "2020-04-14", "2020-04-14") == [("2020-04-14", "4月14日以")]
    assert asked_for(archive, "湖南", "2020-04-20", "2020-04-25") == []
    assert asked_for(archive, "湖北", "2020-05-08", "2020-05-10") == []


def test_an_entry_without_a_date_stands_on_its_origins(archive: Path) -> None:
    assert asked_for(archive, "陕西", "2020-05-13", "2020-05-13") == [
        ("2020-05-13", "在土桥镇丈八")
    ]


def test_provinces_and_dates_as_annotated(archive: Path, shared: Path) -> None:
    gold = json.loads((shared / "bulletins" / "lianbo-2.gold.json").read_text(encoding="utf-8"))
    where = "JOIN entries ON entries.id = entry WHERE entries.slug LIKE 'mohurd-245619.%'"
    assert rows(
        archive,
        f"SELECT entries.seq, entry_provinces.province, basis FROM entry_provinces {where}"
        " ORDER BY 1",
    ) == [(e["seq"], p["code"], p["basis"]) for e in gold["entries"] for p in e["provinces"]]
    assert rows(
        archive,
        'SELECT entries.seq, entry_dates.text, offset, entry_dates.kind, start, "end", precision'
        f" FROM entry_dates {where} ORDER BY 1, entry_dates.seq",
    ) == [
        (e.get("seq", 0), d["text"], d["offset"], d["kind"], d["start"], d["end"], d["precision"])
        for e in (gold["lead"], *gold["entries"])
        for d in e["dates"]
    ]


def test_the_captures_pass_warcios_own_check(archive: Path) -> None:
    files = [str(path) for path in warc_files(archive / "warc")]
    checker = Checker(SimpleNamespace(inputs=files, verbose=False))
    checker.process_all()
    assert checker.exit_value == 0
