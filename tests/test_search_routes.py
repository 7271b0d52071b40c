"""The search pages /search and /search.json, and what holds for every form. All texts are 样例."""

from __future__ import annotations

import asyncio
import html
import re
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit
from xml.etree import ElementTree

import pytest
import uvicorn

from archive.search import Filter
from archive.serving import middleware, search_forms, search_request, search_routes
from archive.serving.application import application
from archive.serving.entry_search import facets, parse_entries
from archive.serving.search_request import Asked, Found, find
from archive.serving.server import LenientProtocol, listen
from archive.storage.database import ENTRIES_INDEX, connect
from tests.served_archive import (
    HOSTILE,
    SCRIPT,
    SOURCES,
    Client,
    answer,
    scan,
    slugs,
    write_archive,
    write_heating,
)
from tests.test_entry_search import add

ATOM = "{http://www.w3.org/2005/Atom}"
NASTY = [
    *HOSTILE, SCRIPT, '"><script>alert(1)</script>', "'><img src=x onerror=alert(1)>",
    "<mark>危房</mark>", "&lt;script&gt;", "{{ 7*7 }}", "{% raw %}", "${7*7}", "javascript:x",
    "危房改造 或 (湖北 -陕西)", "-危房", "省:乌托邦", "省:", "日期:9999-99..0000", "来源:<b>", "或",
    "((((((", "))))))", "“", "标题:“<script>”", "\r\nSet-Cookie: a=b", "]]>", "<!--", "\ufffe",
    "省:黑龙江" * 50, "a' OR '1'='1", "'; DROP TABLE entries; --", "../../etc/passwd", "%00",
    "\x1b", "\u202e",
]  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_heating(tmp_path_factory.mktemp("searched") / "bulletins.db")


@pytest.fixture(scope="module")
def client(path: Path) -> Iterator[Client]:
    served = Client(path)
    yield served
    served.close()


# Data


def test_json_says_what_was_asked_understood_and_found(client: Client) -> None:
    found = answer(client, q="脫貧攻堅 湖北")
    assert found["query"] == "脫貧攻堅 湖北"
    assert found["understood"] == "全部包含：“脱贫攻坚”“湖北”"
    assert found["total"] == {"number": 1, "exact": True}
    assert slugs(found) == ["mohurd-1.2"]
    assert "<mark>脫貧攻堅</mark>" in found["entries"][0]["snippet"]
    assert found["entries"][0]["url"] == "https://mohurd.example/1.html"
    assert found["facets"] == {
        "province": {"420000": 1},
        "source": {"mohurd": 1},
        "kind": {"ministry": 1},
        "month": {"2020-05": 1},
    }
    assert found["next"] is None
    assert found["suggestions"] == []


def test_several_q_must_all_hold(client: Client) -> None:
    assert slugs(answer(client, q=["危房改造", "湖北"])) == ["mohurd-1.2"]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Suggestions are found however busy the machine is."""
    monkeypatch.setattr("archive.serving.suggestions.SECONDS", 60)


@pytest.fixture
def counted_to_100(monkeypatch: pytest.MonkeyPatch) -> None:
    """Totals are exact up to 100 hits, and beyond that facets are left out."""
    monkeypatch.setattr(search_request.count, "__defaults__", (100,))


@pytest.mark.usefixtures("counted_to_100")
def test_facets_left_out_of_json_have_an_address(client: Client, path: Path) -> None:
    found = answer(client, q="热力 管网", sort="relevance")
    assert found["facets"] is None
    assert found["total"] == {"number": 100, "exact": False}
    asked = {"q": "热力 管网", "sort": "relevance", "facets": "1"}
    assert found["facets_url"] == f"http://localhost/search.json?{urlencode(asked)}"
    whole = client.get(found["facets_url"].removeprefix("http://localhost")).json()
    assert whole["total"] == {"number": 1234, "exact": True}
    assert whole["facets"]["province"] == {"230000": 412, "420000": 411, "610000": 411}
    assert whole["facets"]["source"] == {"mohurd": 1234}
    assert whole["facets"]["month"]["2022-01"] == 103
    assert whole["facets_url"] is None
    assert whole["entries"] == found["entries"]
    assert whole["next"].endswith("&facets=1")
    few = answer(client, q="危房改造")
    assert len(scan(path, "危房改造 省:陕西")) == 2
    assert few["facets"]["province"] == {"420000": 2, "610000": 2}
    assert few["facets_url"] is None


@pytest.mark.usefixtures("counted_to_100")
def test_facets_that_are_not_wanted_are_left_out(client: Client) -> None:
    for typed, total in (("危房改造", {"number": 4, "exact": True}),
                         ("热力", {"number": 100, "exact": False})):  # fmt: skip
        found = answer(client, q=typed, facets=0)
        assert found["facets"] is None
        assert found["facets_url"].endswith("&facets=1")
        assert found["total"] == total
        page = client.get("/search", q=typed, facets=0).text
        assert 'id="facets"' not in page
        assert f'<a href="/search?{urlencode({"q": typed})}">按省份、来源、月份归类</a>' in page
    assert found["next"].endswith("&facets=0")
    assert "至少 100 条" in page


@pytest.mark.parametrize(
    "typed", ["危房改造", "脱贫攻坚 或 老旧小区", "热力 省:陕西 日期:2022-03-02", "第7段", "乌有"]
)
def test_the_facets_of_a_single_page_are_those_of_the_index(client: Client, typed: str) -> None:
    found = answer_of(client, typed)
    assert found.page.after is None

    async def read() -> None:
        database = client.datasette.get_database("bulletins")
        counted = await database.execute_fn(lambda conn: facets(conn, found.query))
        assert found.facets == counted
        for ours, theirs in (("provinces", "provinces"), ("months", "months")):
            assert list(getattr(found.facets, ours)) == list(getattr(counted, theirs))

    asyncio.run(read())


@pytest.mark.parametrize("sort", ["date", "relevance"])
@pytest.mark.parametrize("typed", ["管网", "热力 省:湖北", "热力 日期:2022-03", "-热力"])
def test_pages_are_complete_and_repeat_nothing(
    client: Client, path: Path, typed: str, sort: str
) -> None:
    found = answer(client, q=typed, sort=sort)
    seen = slugs(found)
    while found["next"]:
        found = client.get(found["next"].removeprefix("http://localhost")).json()
        seen += slugs(found)
    expected = scan(path, typed)
    assert len(expected) > 5
    assert sorted(seen) == sorted(expected)
    assert sort == "relevance" or seen == expected


def test_following_the_next_link_of_the_page(client: Client, path: Path) -> None:
    at: str | None = "/search?" + urlencode({"q": "热力 日期:2022-03"})
    seen: list[str] = []
    while at:
        page = client.get(at).text
        seen += re.findall(r'<h3><a href="/bulletins/entries/(\d+)"', page)
        found = re.search(r'<p class="next"><a href="([^"]+)"', page)
        at = html.unescape(found[1]) if found else None
    assert [f"s-{number}" for number in seen] == scan(path, "热力 日期:2022-03")


def test_an_invalid_cursor_starts_again_and_one_beyond_the_end_finds_nothing(
    client: Client,
) -> None:
    first = slugs(answer(client, q="危房改造"))
    for after in ("x", "1~", "'--", "999999999999999~999999999999999999", "-1~-1", "٣~٣"):
        assert slugs(answer(client, q="危房改造", after=after)) == first
    assert slugs(answer(client, q="危房改造", after="1~1")) == []
    page = client.get("/search", q="危房改造", after="1~1").text
    assert "回到第一页" in page
    assert "4 条" in page


# The page


def test_the_page_shows_results_and_links(client: Client) -> None:
    page = client.get("/search", q="脱贫攻坚 或 老旧小区").text
    assert 'name="q" value="脱贫攻坚 或 老旧小区"' in page
    assert "2 条" in page
    assert "“脱贫攻坚”或“老旧小区”" in page
    assert "<mark>脫貧攻堅</mark>" in page
    assert "<mark>老旧小区</mark>" in page
    assert page.count("原网页已撤下") == 1
    assert 'href="https://mohurd.example/1.html">原网页</a>' in page
    assert 'href="/bulletins/entries/3"' in page
    for name in (
        "/search.json?q=",
        "/search.csv?q=",
        "_bom=1",
        "/search.atom?q=",
        "sort=relevance",
    ):
        assert name in page, name


@pytest.mark.parametrize(
    ("typed", "label", "wanted", "number"),
    [
        ("危房改造", "湖北", "危房改造 省:湖北", 2),
        ("危房改造", "2020-05", "危房改造 日期:2020-05", 3),
        ("危房改造", "住房部样例", "危房改造 来源:mohurd", 4),
        ("", "湖北", "省:湖北", 414),
        ("脫貧攻堅 或 除雪", "黑龙江", "(脱贫攻坚 或 除雪) 省:黑龙江", 1),
        ("危房改造 省:420000", "湖北", "危房改造", 4),  # taken away again
    ],
)
def test_facets_add_to_the_query(
    client: Client, typed: str, label: str, wanted: str, number: int
) -> None:
    found = answer_of(client, typed)
    links = {
        choice.label: choice
        for values in search_routes.choices(found, Asked(typed), client.datasette).values()
        for choice in values
    }
    assert links[label].url == "/search?" + urlencode({"q": wanted})
    assert answer(client, q=wanted)["total"]["number"] == number
    taken = len(wanted) < len(typed)
    assert links[label].chosen is taken
    if not taken:
        assert links[label].number == number


def answer_of(client: Client, typed: str) -> Found:
    async def read() -> Found:
        database = client.datasette.get_database("bulletins")
        found: Found = await database.execute_fn(lambda conn: find(conn, Asked(typed, facets=True)))
        return found

    return asyncio.run(read())


def test_relevance_says_when_only_the_newest_are_ranked(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    label = "只给最新的 1,000 条排相关度"
    assert label not in client.get("/search", q="热力", sort="relevance").text
    newest = search_request.Page([], "1.0~1~1", exact=False)
    monkeypatch.setattr(search_request, "relevance", lambda *_: newest)
    assert label in client.get("/search", q="热力", sort="relevance").text
    assert answer(client, q="热力", sort="relevance")["sort_exact"] is False


def test_nothing_found_says_what_was_searched_and_offers_the_nearest(client: Client) -> None:
    page = client.get("/search", q="危房改造 没有这样的词").text
    assert "全部包含：“危房改造”“没有这样的词”" in page
    assert "没有这样的条目" in page
    assert f'href="/search?{urlencode({"q": "危房改造"})}">危房改造</a>' in page
    assert "去掉一个条件 · 4 条" in page


def test_nothing_found_and_nothing_near_says_what_to_try(client: Client) -> None:
    page = client.get("/search", q="乌有 龘 省:青海 日期:2031-05").text
    assert "全部包含：“乌有”“龘”；省份：青海省；日期：2031年5月" in page
    assert "减少词语" in page
    wanted = urlencode({"q": "省:青海 日期:2031-05"})
    assert f'看<a href="/search?{wanted}">省份：青海省；日期：2031年5月</a>的全部条目' in page
    assert 'href="/bulletins/entries?_sort_desc=date">档案的全部条目</a>' in page
    assert "不限词语" not in client.get("/search", q="乌有").text


def test_words_that_find_nothing_are_left_out_together(client: Client) -> None:
    found = answer(client, q="乌有 危房改造 龘")
    assert [(each["query"], each["why"]) for each in found["suggestions"]] == [
        ("危房改造", "去掉没有结果的条件")
    ]
    assert "去掉没有结果的条件 · 4 条" in client.get("/search", q="乌有 危房改造 龘").text


def test_a_query_of_many_words_gets_no_suggestions(client: Client) -> None:
    ten = "危房改造 湖北 抽查 进展 顺利 脱贫 攻坚 5月 12日"
    assert answer(client, q=f"{ten} 乌有")["suggestions"][0]["why"] == "去掉一个条件"
    assert answer(client, q=f"{ten} 6日 乌有")["suggestions"] == []


def test_a_query_that_is_too_long_is_refused_with_a_reason(client: Client) -> None:
    said = "检索式太长：最多 1,000 个字符，现有 1,001 个，请缩短后再试。"
    english = "Too long: at most 1,000 characters; shorten it and try again."
    typed = "长" * 1000
    page = client.get("/search", q=f"{typed}度")
    assert page.status_code == 400
    assert f"<p>{said}</p>" in page.text
    assert f'lang="en">{english}</p>' in page.text
    assert Elements(page.text).open == []
    assert f'name="q" value="{typed}"' in page.text
    data = client.get("/search.json", q=f"{typed}度")
    assert data.status_code == 400
    assert data.json() == {"error": f"{said} {english}"}
    for ending in (".csv", ".atom"):
        answered = client.get(f"/search{ending}", q=f"{typed}度", _bom=1)
        assert answered.status_code == 400
        assert answered.text == f"{said} {english}"
        assert answered.headers["content-type"] == "text/plain; charset=utf-8"
    for ending in ("", ".json", ".csv", ".atom"):
        assert client.get(f"/search{ending}", q=typed).status_code == 200


def test_a_search_ends_at_the_time_limit(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(client.datasette._settings, "sql_time_limit_ms", 0)
    page = client.get("/search", q="热力")
    assert page.status_code == 400
    assert "查询用时超过上限，已停止。请缩小范围" in page.text
    assert 'name="q" value="热力"' in page.text
    for ending in (".json", ".csv", ".atom"):
        said = client.get(f"/search{ending}", q="热力")
        assert said.status_code == 400
        assert "narrow it down" in said.text


def test_the_breadcrumbs_are_in_chinese(client: Client) -> None:
    for path in ("/search", "/bulletins/entries", "/bulletins/entries/1", "/bulletins"):
        assert '<a href="/">首页</a>' in client.get(path).text, path
    assert ' / <a href="/bulletins">bulletins</a> / ' in client.get("/bulletins/entries/1").text


# Facets that come after the results


@contextmanager
def serving(path: Path) -> Iterator[Callable[[str], socket.socket]]:
    """A real server, as a function that sends a request and returns the connection."""
    server = uvicorn.Server(
        uvicorn.Config(application(path).app(), http=LenientProtocol, log_level="warning")
    )
    with listen("127.0.0.1", 0) as listening:
        listening.listen()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()

        def asked(line: str) -> socket.socket:
            wire = socket.create_connection(listening.getsockname(), timeout=20)
            wire.sendall(f"{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            return wire

        try:
            yield asked
        finally:
            server.should_exit = True
            thread.join()


def received(wire: socket.socket, until: bytes = b"\0") -> str:
    """What is received on a connection, up to a piece that contains ``until`` or to the end."""
    got = b""
    while until not in got and (piece := wire.recv(65536)):
        got += piece
    return got.decode(errors="replace")


def test_results_are_sent_before_facets_are_counted(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = threading.Event()

    def counted(*args: Any) -> Any:
        assert seen.wait(20)
        return facets(*args)

    monkeypatch.setattr(search_routes, "facets", counted)
    with serving(path) as asked:
        for method in ("HEAD", "GET"):
            with asked(f"{method} /search?q={quote('热力')}") as wire:
                if method == "HEAD":  # facets are not even begun
                    head, body = received(wire).split("\r\n\r\n")
                    assert body == ""
                else:
                    first = received(wire, '<aside id="facets" aria-label="归类">'.encode())
                    assert first.count("<li>\n<h3>") == 20
                    assert "黑龙江</a> <span" not in first
                    assert "</html>" not in first
                    seen.set()
                    rest = received(wire)
                    assert "黑龙江</a> <span" in rest
                    assert rest.endswith("</html>\r\n0\r\n\r\n")
                    head = first.partition("\r\n\r\n")[0]
                assert head.startswith("HTTP/1.1 200 ")
                for name, value in middleware.headers().items():
                    assert f"{name.decode()}: {value.decode()}" in head
                assert "x-accel-buffering: no" in head
                assert "content-type: text/html; charset=utf-8" in head


def test_a_page_is_the_same_however_its_facets_come(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = client.get("/search", q="热力 -第7段")
    monkeypatch.setattr(search_request, "FACETS_AT_ONCE", 2000)
    at_once = client.get("/search", q="热力 -第7段")
    assert "x-accel-buffering" in late.headers
    assert "x-accel-buffering" not in at_once.headers
    assert late.text == at_once.text
    assert "1,233 条" in late.text


@pytest.mark.usefixtures("counted_to_100")
def test_late_facets_bring_the_exact_total(client: Client) -> None:
    page = client.get("/search", q="热力").text
    assert '<h2 class="count">至少 100 条' in page
    assert '<p class="counted">共 <strong>1,234</strong> 条</p>' in page
    assert page.index('<ol class="found">') < page.index('class="counted"')
    assert "<!--" not in page


@pytest.mark.parametrize(
    ("setting", "said"),
    [(0, "查询用时超过上限，已停止。"), (20_000, "归类没有完成，结果不受影响；请稍后重试。")],
)
def test_a_page_is_complete_without_its_facets(
    client: Client, monkeypatch: pytest.MonkeyPatch, setting: int, said: str
) -> None:
    def broken(*_: Any) -> None:
        raise sqlite3.DatabaseError("样例")

    monkeypatch.setitem(client.datasette._settings, "facet_time_limit_ms", setting)
    if setting:
        monkeypatch.setattr(search_routes, "facets", broken)
    response = client.get("/search", q="热力")
    assert response.status_code == 200
    assert f'<aside id="facets" aria-label="归类"><p class="missing">{said}' in response.text
    assert response.text.count("<li>\n<h3>") == 20
    assert response.text.rstrip().endswith("</html>")
    assert Elements(response.text).open == []


@pytest.mark.parametrize(
    "typed",
    ["热力", "热力 或 危房", "热力 -", "热力 省:", "“热力", "(热力", "热力 或", "-热力", "标题:",
     "热力 日期:2022-03..", "省:湖北 热力", "省:(湖北 或 陕西)", "热力 非", "热 力" * 250],
)  # fmt: skip
def test_a_facet_link_only_adds_to_the_query(client: Client, typed: str) -> None:
    found = answer_of(client, typed)
    seen = 0
    for values in search_routes.choices(found, Asked(typed), client.datasette).values():
        for value in values:
            if value.url is None:
                continue
            (asked,) = parse_qs(urlsplit(value.url).query).get("q", [""])
            terms = parse_entries(asked, SOURCES).terms
            if value.chosen:
                assert len(terms) == len(found.query.terms) - 1
                assert set(terms) < set(found.query.terms)
            else:
                assert terms[:-1] == found.query.terms
                assert isinstance(terms[-1], Filter)
            seen += 1
    assert seen > 5 or not found.total.number or len(typed) > 700


class Elements(HTMLParser):
    """The names of a page's elements and attributes, and the elements that are not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("meta", "link", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("typed", NASTY, ids=range(len(NASTY)))
def test_nothing_typed_causes_an_error_or_becomes_markup(client: Client, typed: str) -> None:
    for ending in ("", ".json", ".csv", ".atom"):
        response = client.get(f"/search{ending}", q=typed, sort=typed[:9], after=typed[:9])
        assert response.status_code == 200, ending
        assert "set-cookie" not in response.headers
        if ending == ".atom":
            ElementTree.fromstring(response.content)
        elif ending == "":
            page = Elements(response.text)
            assert not page.names & {"script", "img", "b", "iframe"}
            assert not [name for name in page.attributes if name.startswith("on")]


@pytest.mark.parametrize("typed", ["除雪", "标题里的标记", "script", "alert(1)"])
def test_a_script_in_a_title_stays_text(client: Client, typed: str) -> None:
    page = client.get("/search", q=typed).text
    assert "script" in page
    assert "script" not in Elements(page).names
    found = answer(client, q=typed)
    assert found["total"]["number"] == 1
    assert "<script" not in found["entries"][0]["snippet"]


def test_the_database_is_not_read_on_the_event_loops_thread(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[int] = set()

    def noted(*args: Any, **more: Any) -> Any:
        threads.add(threading.get_ident())
        return parse_entries(*args, **more)

    monkeypatch.setattr(search_request, "parse_entries", noted)
    monkeypatch.setattr(search_forms, "parse_entries", noted)
    for ending in (".json", ".csv", ".atom"):
        assert client.get(f"/search{ending}", q="热力").status_code == 200
    assert threads
    assert threading.get_ident() not in threads


def test_what_the_writer_adds_is_found(tmp_path: Path) -> None:
    write_archive(tmp_path / "bulletins.db")
    client = Client(tmp_path / "bulletins.db")
    assert answer(client, q="新来的")["total"]["number"] == 0
    conn = connect(tmp_path / "bulletins.db").conn
    conn.execute("UPDATE entries SET text = '新来的样例' WHERE id = 1")
    ENTRIES_INDEX.rebuild(conn)
    conn.close()
    assert slugs(answer(client, q="新来的")) == ["mohurd-1.0"]


@pytest.mark.parametrize("sort", ["date", "relevance"])
def test_results_total_and_facets_are_of_one_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    """A writer commits after the entries were read, and before they are counted."""
    write_archive(tmp_path / "bulletins.db")
    client = Client(tmp_path / "bulletins.db")

    def write(numbers: range, date: str, province: str) -> None:
        with closing(connect(tmp_path / "bulletins.db").conn) as writer:
            writer.execute("BEGIN IMMEDIATE")
            for number in numbers:
                add(writer, number, "新来的一段。", date=date, provinces=(province,))
            writer.execute("COMMIT")

    write(range(100, 130), "2022-03-01", "230000")
    listed = getattr(search_request, "newest" if sort == "date" else "relevance")

    def interrupted(*args: Any) -> Any:
        page = listed(*args)
        write(range(200, 201), "2022-03-02", "420000")
        return page

    with monkeypatch.context() as patched:
        patched.setattr(search_request, listed.__name__, interrupted)
        found = answer(client, q="新来的", sort=sort, facets=1)
    assert found["total"] == {"number": 30, "exact": True}
    assert found["facets"]["province"] == {"230000": 30}
    assert found["facets"]["month"] == {"2022-03": 30}
    assert "s-200" not in slugs(found)
    assert answer(client, q="新来的", sort=sort, facets=1)["total"]["number"] == 31
