"""What a capture is, said from its bytes alone: no database, no network."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from archive.errors import Unreadable
from archive.storage.classify import (
    Classified,
    Column,
    ListEnd,
    ListRows,
    Missing,
    Page,
    Redirect,
    Robots,
    Unchanged,
    classify,
)
from crawler.sources import load_sources
from tests.test_store import HOME, PAGE, capture, page_html

MOHURD = load_sources()["mohurd"]
LIST = f"{HOME}/xwfb/index.html"
LISTED = f"<table><tr><td><a href='{PAGE}'>甲</a></td><td>[2020.05.28]</td></tr></table>".encode()
UNIT = f"<script url='{HOME}/unit' querydata=\"{{'tagId':'栏目-list'}}\"></script>"


@pytest.mark.parametrize(
    ("role", "status", "body", "expected"),
    [
        ("robots", 404, b"", Robots()),
        ("robots", 200, b"User-agent: *\nDisallow: /captcha/\n", Robots()),
        ("page", 404, b"", Missing()),
        ("page", 410, b"", Missing()),
        ("page", 304, b"", Unchanged()),
        ("more", 404, b"", ListEnd()),
        ("more", 200, b"<table></table>", ListEnd()),
    ],
)
def test_answers_that_need_no_reading(
    role: str, status: int, body: bytes, expected: Classified
) -> None:
    assert classify(capture(role=role, status=status, body=body), MOHURD) == expected


def list_of(titles: str, day: str) -> bytes:
    """A list with a row for each title."""
    rows = (
        f"<tr><td><a href='{PAGE.replace('_1', f'_{n}')}'>{title}</a></td><td>{day}</td></tr>"
        for n, title in enumerate(titles.split(), 1)
    )
    return f"<table>{''.join(rows)}</table>".encode()


@pytest.mark.parametrize(
    ("titles", "day", "refused"),
    [
        ("详情 " * 5, "[2020.05.28]", True),
        ("详情 " * 4, "[2020.05.28]", False),
        ("样例督察通报典型案例 " * 15, "[2020.05.28]", False),
        ("样例督察通报典型案例 " * 15, "", True),
        ("详情 " * 5 + "样例", "[2020.05.28]", False),
    ],
)
def test_a_list_whose_titles_say_nothing_is_a_trouble(titles: str, day: str, refused: bool) -> None:
    listing = capture(LIST, list_of(titles, day), role="list")
    if refused:
        with pytest.raises(Unreadable) as error:
            classify(listing, MOHURD)
        assert error.value.kind == "list-titles-same"
    else:
        assert isinstance(classify(listing, MOHURD), ListRows)


def test_lists_and_columns() -> None:
    found = classify(capture(LIST, LISTED, role="list"), MOHURD)
    assert isinstance(found, ListRows)
    assert [(row.address, row.listed) for row in found.rows] == [(PAGE, date(2020, 5, 28))]
    page = f"<html><body><p>工作动态</p>{UNIT}</body></html>".encode()
    column = classify(
        capture(f"{HOME}/xinwen/gzdt/index.html", page, role="column", channel="gzdt"), MOHURD
    )
    assert isinstance(column, Column)
    assert column.location.startswith(f"{HOME}/unit")


def test_a_page_is_read_with_the_date_of_its_list() -> None:
    undated = capture(f"{HOME}/xwfb/news.html", page_html("改造危房120户。"))
    found = classify(undated, MOHURD, date(2020, 5, 28))
    assert isinstance(found, Page)
    assert found.bulletin.published == date(2020, 5, 28)
    assert len(found.digest) == 64
    with pytest.raises(Unreadable, match="date of publication"):
        classify(undated, MOHURD)


def test_redirects_within_the_site() -> None:
    moved = capture(status=301, Location="/xwfb/202005/t20200529_2.html")
    assert classify(moved, MOHURD) == Redirect(f"{HOME}/xwfb/202005/t20200529_2.html")


def test_without_a_document_id_a_redirect_stays_in_its_folder() -> None:
    def moved(location: str) -> Classified:
        return classify(capture(f"{HOME}/news/a.html", status=301, Location=location), MOHURD)

    assert moved("b.html") == Redirect(f"{HOME}/news/b.html")
    with pytest.raises(Unreadable, match=r"leads to /other/b\.html, which is not a page"):
        moved("/other/b.html")


def test_a_page_whose_connection_ended_early_says_what_to_do() -> None:
    cut = replace(capture(body=page_html("甲。")), truncated=True)
    with pytest.raises(Unreadable) as raised:
        classify(cut, MOHURD)
    assert raised.value.kind == "truncated"
    assert str(raised.value) == "the connection ended before the page did: ask again"


@pytest.mark.parametrize(
    ("role", "status", "body", "kind"),
    [
        ("robots", 503, b"", "unreachable"),
        ("robots", 521, b"", "wall-521"),
        ("robots", 412, b"<script>1</script>", "wall-412"),
        ("page", 412, b"<script>1</script>", "wall-412"),
        ("list", 200, b"<html><body><script>1</script></body></html>", "wall-script"),
        ("page", 503, b"", "http-503"),
        ("list", 304, b"", "http-304"),
        ("page", 200, b" \n", "empty"),
        ("page", 200, b"%PDF-1.4", "not-html"),
        ("list", 404, b"", "list-missing"),
        ("list", 200, b"<table></table>" + b"<p>x</p>" * 20, "list-empty"),
    ],
)
def test_what_stands_in_for_a_page_has_a_kind(
    role: str, status: int, body: bytes, kind: str
) -> None:
    with pytest.raises(Unreadable) as raised:
        classify(capture(role=role, status=status, body=body), MOHURD)
    assert raised.value.kind == kind


@pytest.mark.parametrize(
    "location", ["/", "/index.html", "/xwfb/index.html", "/404.html", "/public/error.jsp"]
)
def test_what_leads_to_a_front_page_or_an_error_page_is_not_there(location: str) -> None:
    found = classify(capture(status=302, Location=location), MOHURD)
    assert found == Missing(f"leads to {HOME}{location}", leads_away=True)


@pytest.mark.parametrize("location", ["", "https://www.news.cn/", PAGE, "/xinwen/list.html"])
def test_redirects_that_are_not_followed(location: str) -> None:
    with pytest.raises(Unreadable) as raised:
        classify(capture(status=302, Location=location), MOHURD)
    assert raised.value.kind == "moved"
