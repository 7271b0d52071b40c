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

from archive.captures.warc import Capture
from archive.serving import entry_search, search_forms
from archive.serving.entry_search import labels_of, parse_entries
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
from tests.test_store import HOME, capture, page_html, record

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
    monkeypatch.setattr(search_forms, "learned", slow)
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
        conn.execute(
            "INSERT INTO sources (slug, name, home, rhythm_days, digest)"
            " VALUES ('mohurd', '住房部样例', '', 1, '')"
        )
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


# The order of the feed

NIGHTS = [f"2026-11-0{n}T18:00:00Z" for n in range(1, 10)]
PLANS = {"few hits are sorted": (3000, 200), "read": (0, 200), "index": (0, 0), "both": (0, 10)}


def fed(path: Path, typed: str = "") -> list[tuple[int, str]]:
    """The id and time of each entry of the feed, in its order."""
    client = Client(path)
    feed = ElementTree.fromstring(client.get("/search.atom", q=typed).content)
    client.close()
    found = []
    for entry in feed.findall(f"{ATOM}entry"):
        [own] = [link for link in entry.findall(f"{ATOM}link") if link.get("rel") == "alternate"]
        number = (own.get("href") or "").rpartition("/")[2]
        found.append((int(number), entry.findtext(f"{ATOM}updated") or ""))
    assert feed.findtext(f"{ATOM}updated") == (found[0][1] if found else search_forms.EPOCH)
    return found


def learned_by_reading(path: Path, typed: str) -> list[tuple[int, str]]:
    """What a plain reading of all entries and revisions finds, the last learned first.

    What repeats an entry that is found too is left out.
    """
    with closing(sqlite3.connect(path)) as conn:
        query = parse_entries(typed, dict(conn.execute("SELECT slug, name FROM sources")))
        versions = conn.execute("SELECT bulletin, captured_at FROM revisions ORDER BY number")
        latest = dict(versions.fetchall())
        found = {
            entry: (latest[bulletin], same_as)
            for entry, bulletin, same_as, text, title, heading in conn.execute(
                "SELECT id, bulletin, same_as, text, title, heading FROM entries"
            )
            if query.holds(
                {"text": text, "title": title, "heading": heading}, labels_of(conn, entry)
            )
        }
    shown = [(entry, at) for entry, (at, same_as) in found.items() if same_as not in found]
    return sorted(shown, key=lambda each: (each[1], each[0]), reverse=True)


def titles(path: Path, typed: str = "") -> list[str]:
    """The titles of the feed's entries, in its order."""
    with closing(sqlite3.connect(path)) as conn:
        known = dict(conn.execute("SELECT id, title FROM entries").fetchall())
    return [known[entry] for entry, _ in fed(path, typed)]


def page(number: int, day: str, at: str, text: str) -> Capture:
    """A page that was published on a day and fetched at an instant."""
    address = f"{HOME}/xwfb/{day[:6]}/t{day}_{number}.html"
    return capture(address, page_html(text, f"样例{number}"), at=at)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_atom_has_what_the_archive_learned_last_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plan: tuple[int, int]
) -> None:
    """An old event that is learned of today comes first, and so does a page revised today."""
    monkeypatch.setattr(entry_search, "FEW", plan[0])
    monkeypatch.setattr(entry_search, "READ", plan[1])
    path = tmp_path / "bulletins.db"
    record(
        tmp_path,
        page(1, "20260601", NIGHTS[0], "6月1日，改造危房120户。"),
        page(2, "20260501", NIGHTS[1], "5月1日，改造危房80户。"),
        page(3, "20200528", NIGHTS[2], "5月8日，改造危房60户。"),
    )
    assert titles(path, "危房") == ["样例3", "样例2", "样例1"]
    record(tmp_path, page(2, "20260501", NIGHTS[3], "5月1日，改造危房88户。"))
    record(tmp_path, page(3, "20200528", NIGHTS[4], "5月8日，改造危房60户。"))  # the same
    assert titles(path, "危房") == titles(path) == ["样例2", "样例3", "样例1"]
    assert [at for _, at in fed(path)] == [NIGHTS[3], NIGHTS[2], NIGHTS[0]]
    assert titles(path, "120户") == ["样例1"]
    assert titles(path, "80户") == []


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_atom_equals_a_plain_reading_of_the_demo(
    demo_made: Path, monkeypatch: pytest.MonkeyPatch, plan: tuple[int, int]
) -> None:
    monkeypatch.setattr(entry_search, "FEW", plan[0])
    monkeypatch.setattr(entry_search, "READ", plan[1])
    path = demo_made / "bulletins.db"
    asked = [
        "", "危房改造", "改造", "房", "危房改造 或 房", "-危房改造", "危房 省:黑龙江", "日期:2020",
        "日期:2020-05..2021 改造", "标题:联播", "来源:sample 改造 -房", "没有这样的词", "房 -房",
    ]  # fmt: skip
    for typed in asked:
        assert fed(path, typed) == learned_by_reading(path, typed)[:20], typed
    assert len(learned_by_reading(path, "改造")) > 20
    assert len(learned_by_reading(path, "日期:2020")) > 20


def test_atom_keeps_the_entries_of_a_bulletin_that_is_gone(path: Path) -> None:
    assert titles(path, "老旧小区") == ["危房改造进度通报样例"]


def test_the_order_of_the_feed_is_read_from_an_index_and_not_from_the_contents(path: Path) -> None:
    with closing(sqlite3.connect(path)) as conn:
        sql = entry_search._LEARNED.format(entry_search._FROM_REVISIONS, ENTRIES_INDEX.every_row)
        plan = [row[3] for row in conn.execute(f"EXPLAIN QUERY PLAN {sql}", ("[]", 20))]
    assert plan[0] == "SCAN revisions USING COVERING INDEX revisions_by_time"
    # Only entries of the same instant are sorted, so that reading ends after the first twenty.
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan
