"""What readers do, in a real Chromium with a real server, at the width of a desktop and a phone."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.served_archive import write_archive

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SERVE = """
import pathlib, sys
from archive.serving import suggestions
from archive.serving.server import serve
suggestions.SECONDS = 60  # however busy the machine is
serve(pathlib.Path(sys.argv[1]), "127.0.0.1", 0)
"""

# Facets are counted once there is a file that says so.
SERVE_LATE = """
import pathlib, sys, time
from archive.serving import search_request, search_routes
counted = search_routes.facets
def late(*given):
    for _ in range(400):
        if pathlib.Path(sys.argv[1], "counted").exists():
            break
        time.sleep(0.05)
    return counted(*given)
search_routes.facets, search_request.FACETS_AT_ONCE = late, 0
"""

pytestmark = pytest.mark.browser


@contextmanager
def served(data: Path, script: str = SERVE) -> Iterator[str]:
    """The address of a server process over a data folder."""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(data)], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split()[0].rstrip("/")
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server process over the sample archive."""
    data = tmp_path_factory.mktemp("served")
    write_archive(data / "bulletins.db")
    with served(data) as address:
        yield address


@pytest.fixture(scope="module")
def demo_base(demo_made: Path) -> Iterator[str]:
    """The address of a server process over the demo."""
    with served(demo_made) as address:
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    required = os.environ.get("BULLETINS_BROWSER_REQUIRED") == "1"
    if not required:
        pytest.importorskip("playwright")
        if shutil.which(CHROMIUM) is None:
            pytest.skip(f"there is no {CHROMIUM}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(params=[1280, 375], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, chromium: Any, base: str) -> Iterator[Any]:
    """A page whose every message on the console fails the test."""
    opened = chromium.new_page(
        viewport={"width": request.param, "height": 900}, base_url=base, locale="zh-CN"
    )
    opened.set_default_timeout(10_000)
    said: list[str] = []
    asked: list[str] = []
    opened.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    opened.on("pageerror", lambda error: said.append(f"error: {error}"))
    opened.on("dialog", lambda dialog: (said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    opened.on("request", lambda sent: asked.append(sent.url))
    yield opened
    opened.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("http://127.0.0.1:", "data:"))] == []


def fits(page: Any) -> bool:
    """Whether the page does not scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_search_on_the_table_page(page: Any) -> None:
    page.goto("/")
    assert fits(page)
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    page.locator("a", has_text="全部条目的表格").click()
    page.locator("input[name=_search]").fill("危房改造")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/bulletins/entries?*_search={quote('危房改造')}*")
    assert "_sort_desc=date" in page.url
    rows = page.locator("table.rows-and-columns tbody tr")
    assert rows.count() == 4
    dates = page.locator("td.col-date a").all_inner_texts()
    assert dates == ["2020-05-14", "2020-05-08", "2020-05-06", "2020-02-03"]
    assert page.locator("mark", has_text="危房改造").count() >= 4
    assert "原网页已撤下" in rows.nth(3).inner_text()
    assert fits(page)
    assert rows.first.locator("td.col-text").bounding_box()["width"] > 280

    page.locator("#facets a", has_text="湖北省").click()
    page.wait_for_url("**province=420000*")
    assert rows.count() == 2
    page.locator("#_search").fill("不存在的词")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{quote('不存在的词')}**")
    assert "没有这样的条目" in page.locator(".zero-results").inner_text()
    assert "province=420000" in page.url
    page.locator(".chips a").click()
    page.wait_for_url(lambda url: "province" not in url)


def test_the_start_pages_box_leads_to_the_entries(page: Any, demo_base: str) -> None:
    page.goto(demo_base)
    page.locator("input[name=_search]").fill("危房改造")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/bulletins/entries?_search={quote('危房改造')}*")
    assert page.locator("tbody mark", has_text="危房改造").count() > 5
    assert fits(page)


def test_a_result_says_where_else_it_stands(page: Any, demo_base: str) -> None:
    page.goto(f"{demo_base}/search?q={quote('公厕')}")
    assert page.locator("p.also").count() == 2
    assert fits(page)
    page.locator("p.also a").first.click()
    page.wait_for_url("**/bulletins/entries/*")
    also = page.locator("p.also")
    assert "原网页已撤下" in also.inner_text()
    assert fits(page)


def test_three_clicks_from_the_start_page(page: Any, demo_base: str) -> None:
    page.goto(demo_base)
    page.locator("input[name=_search]").fill("危房改造")
    page.locator("button", has_text="分省分月").click()
    page.wait_for_url(f"**/search?_search={quote('危房改造')}*")
    assert page.locator("h2.count").inner_text().startswith("19 条")
    assert fits(page)
    page.locator("#facets a", has_text="黑龙江").click()
    page.wait_for_url(f"**{quote('黑龙江')}*")
    assert page.locator("h2.count").inner_text().startswith("6 条")
    page.locator("#facets a", has_text="2020-05").click()
    page.wait_for_url("**2020-05*")
    assert page.locator("h2.count").inner_text() == (
        "5 条 包含：“危房改造”；省份：黑龙江省；日期：2020年5月"
    )
    results = page.locator("ol.found > li")
    assert results.count() == 5
    for said in results.all_inner_texts():
        assert "2020-05-" in said
        assert "黑龙江" in said
    assert page.locator("ol.found mark", has_text="危房改造").count() >= 5
    assert fits(page)
    page.locator("#facets a[aria-label]").first.click()
    page.wait_for_url(lambda url: quote("黑龙江") not in url)
    assert page.locator("h2.count").inner_text().startswith("10 条")


def test_an_empty_search_offers_another(page: Any) -> None:
    page.goto(f"/search?q={quote('危房改造 不存在的词')}")
    assert "没有这样的条目" in page.locator(".zero-results").inner_text()
    assert fits(page)
    page.locator(".nearest a").first.click()
    page.locator("ol.found li").first.wait_for()
    assert page.locator("input[name=q]").input_value() == "危房改造"


def test_late_facets_move_nothing_on_the_page(page: Any, tmp_path: Path) -> None:
    write_archive(tmp_path / "bulletins.db")
    with served(tmp_path, SERVE_LATE + SERVE) as address:
        page.goto(f"{address}/search", wait_until="commit")
        page.locator("ol.found > li").last.wait_for()
        # The results are not only in the page, they are painted.
        page.evaluate(
            "new Promise(seen => new PerformanceObserver(() => seen())"
            ".observe({type: 'paint', buffered: true}))"
        )
        facets = page.locator("#facets")
        before, results = facets.bounding_box(), page.locator(".results").bounding_box()
        said = facets.evaluate("box => getComputedStyle(box, '::before').content")
        assert said.startswith('"正在归类')
        assert page.locator("footer").count() == 0
        (tmp_path / "counted").touch()
        page.locator("footer").wait_for()
        assert facets.locator("a", has_text="湖北").count() == 1
        assert page.locator(".results").bounding_box() == results
        assert facets.bounding_box()["x"] == before["x"]
        assert facets.bounding_box()["y"] == before["y"]
        assert (before["x"] > 800) is (page.viewport_size["width"] == 1280)
        assert fits(page)


def test_a_script_in_a_title_stays_text(page: Any) -> None:
    for path in ("/", "/search?q=除雪", "/bulletins/entries?bulletin=3",
                 "/bulletins/entries?_layout=table", "/bulletins/entries/6",
                 "/bulletins/bulletins", "/bulletins/bulletins/3",
                 "/bulletins/by_province_and_date?province=230000",
                 "/bulletins?sql=select+title,text+from+entries"):  # fmt: skip
        page.goto(path)
        assert "<script>alert(1)</script>" in page.locator("body").inner_text(), path


@pytest.mark.parametrize(
    "path",
    ["/bulletins", "/bulletins/timeline", "/bulletins/provinces",
     "/bulletins/entries?_layout=table", "/bulletins/entries?province=420000",
     "/bulletins/entries/3", "/-/metadata"],
)  # fmt: skip
def test_pages_fit_without_console_messages(page: Any, path: str) -> None:
    page.goto(path)
    assert fits(page)


class Framing(BaseHTTPRequestHandler):
    """Another site, whose one page shows the address in its query in a frame."""

    def do_GET(self) -> None:
        framed = self.path.partition("?")[2]
        body = f'<title>frame</title><iframe src="{framed}"></iframe>'.encode()
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_no_other_site_shows_a_page_in_a_frame(chromium: Any, base: str) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Framing) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        opened = chromium.new_page()
        said: list[str] = []
        opened.on("console", lambda message: said.append(message.text))
        try:
            for path in ("/", "/search?q=1", "/bulletins/entries"):
                said.clear()
                opened.goto(f"http://127.0.0.1:{other.server_port}/?{base}{path}")
                (framed,) = opened.frames[1:]
                assert framed.url.startswith("chrome-error:"), path
                assert any("frame-ancestors 'none'" in line for line in said), said
        finally:
            opened.close()
            other.shutdown()
            thread.join()


def test_filters_by_column(page: Any) -> None:
    page.goto("/bulletins/entries")
    page.locator("summary", has_text="按栏目筛选").click()
    page.locator("select[name=_filter_column]").select_option("heading")
    page.locator("select[name=_filter_op]").select_option("contains")
    page.locator("input[name=_filter_value]").fill("湖北")
    page.locator(".filter-row button").click()
    page.wait_for_url("**heading__contains=*")
    assert page.locator("tbody tr").count() == 2


def test_datasettes_own_scripts_run(page: Any) -> None:
    page.goto("/bulletins?sql=select+1+as+one")
    page.locator(".CodeMirror").wait_for()
    page.locator("#sql-format").click()
    assert "SELECT" in page.locator(".CodeMirror").inner_text().upper()
    page.goto("/bulletins/bulletins")
    if page.viewport_size["width"] > 576:
        page.locator("th svg.dropdown-menu-icon").first.click()
        assert page.locator(".dropdown-menu").first.is_visible()


def test_by_province_and_date(page: Any) -> None:
    page.goto("/bulletins/by_province_and_date")
    page.locator("input[name=province]").fill("湖北")
    page.locator("input[name=from]").fill("2020-05-10")
    page.keyboard.press("Enter")
    page.wait_for_url("**from=2020-05-10**")
    assert page.locator("tbody tr").count() == 1
    assert fits(page)
    with page.expect_download() as started:
        page.locator("a", has_text="CSV（Excel）").click()
    assert Path(started.value.path()).read_bytes().startswith(b"\xef\xbb\xbfdate,")


def test_an_address_typed_for_curl_needs_no_escapes(base: str) -> None:
    host, port = base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as wire:
        wire.sendall(
            "GET /bulletins/entries.json?_search=雪&_shape=objects HTTP/1.1\r\n"
            "Host: archive\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: wire.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'"slug": "mohurd-3.1"' in answer
