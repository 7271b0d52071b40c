"""Lists that are not what their source file says: each is named, in a line that says what to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from archive.errors import Unreadable
from archive.storage.classify import ListEnd, ListRows, classify
from crawler.sources import load_sources
from sample import bulletins
from sample.answers import Response, not_found, text
from sample.server import SampleSite
from tests.crawling import asked, crawl, rows
from tests.test_platforms import source_of
from tests.test_store import HOME, capture

MOHURD = load_sources()["mohurd"]
ROWS = "".join(f"<tr><td><a href=/a/t{n}/index.html>样例{n}</a></td></tr>" for n in range(5))
IDS = "".join(f"<tr><td><a href=/c{n}000/content.html>样例{n}</a></td></tr>" for n in range(5))


def refused(body: str, role: str = "list", channel: str = "xwfb") -> Unreadable:
    """Why a list page of the ministry is refused."""
    with pytest.raises(Unreadable) as raised:
        classify(capture(f"{HOME}/xwfb/", role=role, channel=channel, body=body.encode()), MOHURD)
    assert "\n" not in str(raised.value)
    return raised.value


# A channel's platform, what its list page holds, and the platform that it looks like.
LOOKS = {
    "a script shell of jpaas": (
        "xwfb",
        "<html><body><script url='/u' queryData=\"{'tagId':'栏目-list'}\"></script></body></html>",
        "jpaas",
    ),
    "TRS": ("xwfb", "<p>样例</p><script>createPageHTML(9,0,'index','html')</script>", "trs"),
    "old Hanweb": ("xwfb", "<datastore><recordset></recordset></datastore>", "jcms"),
    "a countdown": ("xwfb", "<p>样例</p><script>maxPageNum = 16;</script>", "countdown"),
    "a column page of TRS": ("gzdt", "<p>样例</p><script>var countPage = 9</script>", "trs"),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOKS)
def test_a_page_of_another_platform_is_said_to_be_one(name: str) -> None:
    channel, body, platform = LOOKS[name]
    error = refused(body, "column" if channel == "gzdt" else "list", channel)
    assert error.kind == ("list-refused" if channel == "gzdt" else "list-empty")
    assert f"looks like one of the platform {platform}, the channel's is" in str(error)


def test_a_page_of_no_other_platform_is_not() -> None:
    assert "looks like" not in str(refused("<ul><li>样例</li></ul>" * 20))


def test_a_list_without_any_date_is_refused(tmp_path: Path) -> None:
    error = refused(f"<table>{IDS}</table>")
    assert error.kind == "list-undated"
    assert "none of the 5 rows has a date, such as '样例0'" in str(error)
    # A file can say that its lists are so.
    source = source_of(
        tmp_path, 'platform = "numbered"\npath = "/a/index.html"\nrows = "tr"\nundated = true'
    )
    body = f"<table>{IDS}</table>".encode()
    page = capture(f"{source.home}/a/", role="list", channel="news", body=body)
    assert isinstance(classify(page, source), ListRows)


@pytest.mark.parametrize(
    "rows_with_dates",
    [
        # Four may be all there are, one date or one period is enough, or the addresses have them.
        IDS.replace("<tr><td><a href=/c0000/content.html>样例0</a></td></tr>", ""),
        IDS.replace("样例0</a>", "样例0</a>[2020.05.28]"),
        IDS.replace("样例0</a>", "样例0</a>截止日期 2020-05-28"),
        IDS.replace("/c0000/content", "/202005/t20200528_1"),
    ],
)
def test_lists_with_some_date_are_read(rows_with_dates: str) -> None:
    body = f"<table>{rows_with_dates}</table>".encode()
    assert isinstance(classify(capture(f"{HOME}/x/", role="list", body=body), MOHURD), ListRows)


# Past the last page, and among the list's own

STUB = f"<html><head><title>样例</title></head><body>{'<br>' * 60}</body></html>"


@pytest.mark.parametrize(
    "body",
    [
        STUB,
        f"{STUB}<script>createPageHTML(3, 3, 'index', 'html')</script>",
        "<html><body><script>var countPage = 3;</script></body></html>",
    ],
)
def test_a_stub_past_the_last_page_is_the_end(body: str) -> None:
    assert classify(capture(role="more", body=body.encode()), MOHURD) == ListEnd()


def test_a_page_among_the_lists_own_without_rows_is_no_end() -> None:
    error = refused(f"{STUB}<script>createPageHTML(40, 2, 'index', 'html')</script>", "more")
    assert error.kind == "list-pager"
    assert "calls itself page 3 of 40" in str(error)


def site_with_pager(pages: int, rows_a_page: int = 3) -> SampleSite:
    """A static list of four pages that says of itself that it has so many."""
    listed = [replace(page, column="xwfb") for page in bulletins.on_night(1)[:12]]
    site = SampleSite("A", listed, rows=rows_a_page)
    for number in range(1, 5):
        address = "/xwfb/index.html" if number == 1 else f"/xwfb/index_{number}.html"
        answer = site.answer(address)
        pager = f"<script>createPageHTML({pages}, {number - 1}, 'index', 'html')</script></body>"
        body = answer.body.replace(b"</body>", pager.encode())
        site.routes[address] = replace(answer, body=body)
    return site


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        (2, "it has 2 pages, and there are rows on page 3"),
        pytest.param(9, "it has 9 pages, and there is nothing on page 5", marks=pytest.mark.long),
        pytest.param(4, None, marks=pytest.mark.long),
    ],
)
def test_a_pager_that_lies_is_said_and_no_row_is_lost(
    tmp_path: Path, pages: int, said: str | None
) -> None:
    done = crawl(site_with_pager(pages), tmp_path, "--channel", "xwfb")
    assert done.returncode == 0
    found = rows(tmp_path, "SELECT kind, message, url FROM incidents")
    if said is None:
        assert found == []
    else:
        [(kind, message, address)] = found
        assert kind == "list-pager"
        assert said in str(message)
        assert said in done.stderr
        assert address == f"{HOME}/xwfb/index.html"
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(12,)]


@pytest.mark.parametrize(
    "beyond",
    [
        pytest.param(not_found(), id="404", marks=pytest.mark.long),
        pytest.param(text("样例", 403), id="403", marks=pytest.mark.long),
        pytest.param(text("样例", 500), id="500", marks=pytest.mark.long),
        pytest.param(text(STUB, 200), id="a stub"),
    ],
)
def test_past_the_number_of_pages_whatever_is_answered_is_the_end(
    tmp_path: Path, beyond: Response
) -> None:
    site = site_with_pager(4)
    site.routes["/xwfb/index_5.html"] = beyond
    done = crawl(site, tmp_path, "--channel", "xwfb")
    assert (done.returncode, asked(site).count("/xwfb/index_5.html")) == (0, 1), done.stderr
    assert rows(tmp_path, "SELECT outcome, walked FROM crawls") == [("good", 1)]
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(12,)]
