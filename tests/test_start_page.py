"""The start page: the newest bulletins, provinces, how fresh each source is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archive.storage.database import connect
from tests.served_archive import SCRIPT, Client, write_archive

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
