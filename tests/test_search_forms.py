"""Searches for other programs: /search.csv and /search.atom. All texts are our own (样例)."""

from __future__ import annotations

import asyncio
import csv
import html
import io
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import pytest

from archive.serving import search_forms
from archive.serving.search_forms import CSV_COLUMNS
from archive.storage.database import ENTRIES_INDEX, connect
from tests.served_archive import (
    SCRIPT,
    Client,
    answer,
    scan,
    write_archive,
    write_heating,
)

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_heating(tmp_path_factory.mktemp("searched") / "bulletins.db")


@pytest.fixture(scope="module")
def client(path: Path) -> Iterator[Client]:
    served = Client(path)
    yield served
    served.close()


def rows(client: Client, **asked: Any) -> list[dict[str, str]]:
    response = client.get("/search.csv", **asked)
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.text, newline="")))


@pytest.mark.parametrize(
    "typed", ["热力", "危房改造", "", "热力 省:(湖北 或 黑龙江) -第7段", "没有这样的词"]
)
def test_csv_is_all_that_a_scan_finds(client: Client, path: Path, typed: str) -> None:
    assert [row["slug"] for row in rows(client, q=typed)] == scan(path, typed)


def test_csv_is_streamed_in_batches_and_can_begin_with_a_byte_order_mark(client: Client) -> None:
    sent: list[bytes] = []

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    async def download() -> None:
        query = urlencode({"q": "热力"}).encode()
        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "path": "/search.csv",
            "raw_path": b"/search.csv", "query_string": query, "headers": [], "scheme": "http",
        }  # fmt: skip
        await client.datasette.app()(scope, None, send)

    asyncio.run(download())
    sizes = [body.count(b"\r\n") for body in sent if body]
    assert sizes == [1, 500, 500, 234]
    plain = client.get("/search.csv", q="COVID-19")
    excel = client.get("/search.csv", q="COVID-19", _bom=1)
    assert plain.text.startswith(",".join(CSV_COLUMNS) + "\r\n")
    assert excel.content == b"\xef\xbb\xbf" + plain.content
    assert plain.headers["content-type"] == "text/csv; charset=utf-8"
    assert plain.headers["content-disposition"] == 'attachment; filename="search.csv"'


def test_a_download_that_takes_too_long_is_refused_before_it_begins(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: Any, **__: Any) -> Any:
        raise sqlite3.OperationalError("interrupted")

    monkeypatch.setattr(search_forms, "newest", slow)
    for form in ("csv", "atom"):
        refused = client.get(f"/search.{form}", q="热力")
        assert refused.status_code == 400
        assert refused.text.startswith("查询用时超过上限")


def test_atom_has_stable_ids_and_the_times_of_the_data(client: Client) -> None:
    response = client.get("/search.atom", q="除雪")
    assert response.headers["content-type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(response.content)
    assert feed.tag == f"{ATOM}feed"
    assert feed.findtext(f"{ATOM}updated") == "2021-02-01T18:00:00Z"
    assert feed.findtext(f"{ATOM}title") == "部委公报档案 · 包含：“除雪”"
    assert feed.findtext(f"{ATOM}author/{ATOM}name")
    links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
    assert links == {
        "self": "http://localhost/search.atom?q=%E9%99%A4%E9%9B%AA",
        "alternate": "http://localhost/search?q=%E9%99%A4%E9%9B%AA",
    }
    (entry,) = feed.findall(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}title") == f"标题里的标记{SCRIPT}样例"
    assert entry.findtext(f"{ATOM}updated") == "2021-02-01T18:00:00Z"
    assert entry.findtext(f"{ATOM}published") == "2021-01-05T00:00:00+08:00"
    assert entry.findtext(f"{ATOM}id") == "urn:uuid:2eb1051b-2a3b-50a1-9670-9878284f5daa"
    hrefs = [link.get("href") for link in entry.findall(f"{ATOM}link")]
    assert hrefs == ["http://localhost/bulletins/entries/6", "https://mohurd.example/3.html"]


def test_atom_is_valid_when_empty(client: Client) -> None:
    feed = ElementTree.fromstring(client.get("/search.atom", q="没有\x0b这样的词").content)
    assert feed.findall(f"{ATOM}entry") == []
    assert feed.findtext(f"{ATOM}updated") == "1970-01-01T00:00:00Z"
    for name in ("id", "title"):
        assert feed.findtext(f"{ATOM}{name}")
    assert len(feed.findall(f"{ATOM}link")) == 2


def test_atom_shows_the_part_that_was_found_without_characters_xml_forbids(tmp_path: Path) -> None:
    write_archive(tmp_path / "bulletins.db")
    with closing(connect(tmp_path / "bulletins.db").conn) as conn:
        text = "开头" + "字" * 500 + "要找的\x0b话" + "字" * 500
        conn.execute("UPDATE entries SET text = ?, url = url || ? WHERE id = 7", (text, "\x0b"))
        ENTRIES_INDEX.rebuild(conn)
    client = Client(tmp_path / "bulletins.db")
    feed = ElementTree.fromstring(client.get("/search.atom", q="要找的").content)
    (entry,) = feed.findall(f"{ATOM}entry")
    summary = entry.findtext(f"{ATOM}summary") or ""
    assert "要找的 话" in summary
    assert 150 < len(summary) <= search_forms.SUMMARY + len("……")
    (via,) = [link.get("href") for link in entry.findall(f"{ATOM}link") if link.get("rel") == "via"]
    assert via == "https://mohurd.example/4.html"
    client.close()


def test_head_of_a_download_reads_one_batch_and_sends_no_body(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[str | None] = []
    newest = search_forms.newest

    def noted(*args: Any, **more: Any) -> Any:
        batches.append(more.get("cursor"))
        return newest(*args, **more)

    monkeypatch.setattr(search_forms, "newest", noted)
    response = asyncio.run(client.datasette.client.head("/search.csv?q=" + quote("热力")))
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.content == b""
    assert batches == [None]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """10,001 entries with 甲; of these 10,000 have 乙, 1,001 have 丙 and 1,000 have 丁."""
    path = tmp_path_factory.mktemp("many") / "bulletins.db"
    with closing(connect(path).conn) as conn:
        conn.execute("PRAGMA foreign_keys = OFF")
        conn.execute("BEGIN")
        conn.execute("INSERT INTO sources VALUES ('mohurd', '住房部样例', '', 1)")
        conn.executemany(
            "INSERT INTO entries (id, slug, bulletin, seq, kind, date, open_end, text, title,"
            " source, url, published, status) VALUES (?, ?, 1, ?, 'item', '2022-01-01', 0, ?,"
            " '样例', 'mohurd', 'http://x', '2022-01-01', 'live')",
            [
                (n, f"m-{n}", n, "甲" + "乙" * (n > 1) + "丙" * (n < 1002) + "丁" * (n < 1001))
                for n in range(1, 10_002)
            ],
        )
        ENTRIES_INDEX.rebuild(conn)
        conn.execute("COMMIT")
    client = Client(path)
    yield client
    client.close()


def test_totals_and_facets_are_exact_up_to_the_documented_numbers(many: Client) -> None:
    """docs/search-http.md: totals up to 10,000 hits, facets in the response up to 1,000."""
    totals = {typed: answer(many, q=typed)["total"] for typed in "甲乙"}
    assert totals == {
        "甲": {"number": 10_000, "exact": False},
        "乙": {"number": 10_000, "exact": True},
    }
    assert answer(many, q="甲", facets=1)["total"] == {"number": 10_001, "exact": True}
    assert answer(many, q="丙")["facets"] is None
    assert answer(many, q="丁")["facets"]["source"] == {"mohurd": 1000}


def test_the_excel_link_downloads_more_than_one_page(many: Client) -> None:
    page = many.get("/bulletins/entries", _search="甲").text
    found = re.search(r'href="([^"]+)">CSV（Excel）', page)
    assert found
    assert many.get(html.unescape(found[1])).text.count("\r\n") == 1 + 10_001


def test_atom_is_updated_by_a_revision(tmp_path: Path) -> None:
    write_archive(tmp_path / "bulletins.db")
    conn = connect(tmp_path / "bulletins.db").conn
    conn.execute("PRAGMA foreign_keys = OFF")
    conn.execute("INSERT INTO revisions VALUES (1, 3, 1, 1, '2021-03-01T18:00:00Z', '', '', '')")
    conn.execute("INSERT INTO revisions VALUES (2, 3, 2, 2, '2021-04-01T18:00:00Z', '', '', '')")
    conn.close()
    feed = ElementTree.fromstring(Client(tmp_path / "bulletins.db").get("/search.atom").content)
    assert feed.findtext(f"{ATOM}updated") == "2021-04-01T18:00:00Z"
    stamps = {entry.findtext(f"{ATOM}updated") for entry in feed.findall(f"{ATOM}entry")}
    assert stamps == {"2021-04-01T18:00:00Z", "2021-02-01T18:00:00Z"}
