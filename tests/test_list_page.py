"""Rows of lists, in all the shapes that ministries use."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.errors import Unreadable
from archive.parse.html import SelectorError
from archive.parse.list_page import list_html, list_unit, read_list
from archive.sources import PageContext, Source

HOST = "www.example.gov.cn"


def context(path: str = "/xw/index.html", host: str = HOST) -> PageContext:
    home = f"https://{host}"
    source = Source("样例", "样例部", home, (host,), 1, 1, 1, 1, True, (), ())
    return PageContext(source, home + path, "http://127.0.0.1:9" + path)


def rows(html: str, selector: str = "li") -> list[tuple[str, str, str | None]]:
    return [
        (
            row.address.removeprefix(f"https://{HOST}"),
            row.title,
            row.listed.isoformat() if row.listed else None,
        )
        for row in read_list(html, selector, context())
    ]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        # after the link, before it, inside it, twice, in brackets, with slashes, with a time
        ("<a href=./1.html>甲</a><span>2021-03-04\n </span>", ("/xw/1.html", "甲", "2021-03-04")),
        ("<span>2021年3月4日</span><a href=1.html>甲</a>", ("/xw/1.html", "甲", "2021-03-04")),
        ("<a href=1.html>甲<i>2021/03/04</i></a>", ("/xw/1.html", "甲", "2021-03-04")),
        (
            "<i>2021-3-4</i><a href=1.html>甲</a><i>2021-3-4</i>",
            ("/xw/1.html", "甲", "2021-03-04"),
        ),
        ("<a href=1.html>甲</a>[2021.03.04]", ("/xw/1.html", "甲", "2021-03-04")),
        ("发布时间：2021-03-04 08:30 <a href=1.html>甲</a>", ("/xw/1.html", "甲", "2021-03-04")),
        # without a year: the address has it, or the year before it
        (
            "<a href=t20171010_1.shtml>甲<i>10.11</i></a>",
            ("/xw/t20171010_1.shtml", "甲", "2017-10-11"),
        ),
        ("<a href=t20171231_1.shtml>甲</a>01-02", ("/xw/t20171231_1.shtml", "甲", "2018-01-02")),
        ("<a href=art_1_22.html>甲</a>10.11", ("/xw/art_1_22.html", "甲", None)),
        # a period, a deadline, a date that belongs to the title
        (
            "<a href=art_1_22.html>甲（2021年3月1日至3月4日）</a><i>2021-03-05</i>",
            ("/xw/art_1_22.html", "甲（2021年3月1日至3月4日）", "2021-03-05"),
        ),
        ("<a href=art_1_22.html>甲</a>2021-03-04至2021-04-04", ("/xw/art_1_22.html", "甲", None)),
        ("<a href=art_1_22.html>甲</a>截止日期 2021-03-04", ("/xw/art_1_22.html", "甲", None)),
        (
            "<a href=1.html>甲（2021年3月4日公布）</a>",
            ("/xw/1.html", "甲（2021年3月4日公布）", None),
        ),
        ("<a href=art_1_22.html>甲</a>2021-02-30", ("/xw/art_1_22.html", "甲", None)),
        # titles: empty, cut, with a line break, with spaces that are meant
        ('<a href=1.html title="">甲</a>2021-03-04', ("/xw/1.html", "甲", "2021-03-04")),
        ('<a href=1.html title="甲乙丙">甲…</a>2021-03-04', ("/xw/1.html", "甲乙丙", "2021-03-04")),
        ('<a href=1.html title="甲\n 乙">甲</a>2021-03-04', ("/xw/1.html", "甲乙", "2021-03-04")),
        ("<a href=1.html>甲　乙 丙</a>2021-03-04", ("/xw/1.html", "甲　乙 丙", "2021-03-04")),
        # scripts in rows, hidden stamps, line breaks in addresses
        (
            "<a href='1.\nhtml'>甲</a><script>var d='2020-01-01'</script>2021-03-04",
            ("/xw/1.html", "甲", "2021-03-04"),
        ),
        (
            "<a href=1.html>甲</a>2021-03-04<b style='display:none'>2022-01-01</b>",
            ("/xw/1.html", "甲", "2021-03-04"),
        ),
    ],
)
def test_shapes_of_rows(html: str, expected: tuple[str, str, str | None]) -> None:
    assert rows(f"<ul><li>{html}</li></ul>") == [expected]


@pytest.mark.parametrize(
    "html",
    [
        "<a href=https://news.elsewhere.cn/1.html>甲</a>2021-03-04",
        "<a href=/about.html>关于</a>",
        "<a href=1.html> </a>2021-03-04",
        "<a>甲</a>2021-03-04",
        "<a href='javascript:;'>甲</a>2021-03-04",
        "<a href='http://[::1/'>甲</a>2021-03-04",
        "2021-03-04",
        "",
    ],
)
def test_what_is_not_a_row(html: str) -> None:
    assert rows(f"<li>{html}</li>") == []


def test_dates_without_a_year_are_near_those_beside_them() -> None:
    """Newest first: the year falls between two rows, and the first rows go by those below."""
    html = "".join(
        f"<li><a href=/n{number}/index.html>甲</a><span>{day}</span></li>"
        for number, day in enumerate(
            ("01-03", "2021-01-02", "12-30", "02.29", "7月1日", "06-01", "2016-05-01", "04-30")
        )
    )
    assert [listed for _, _, listed in rows(html)] == [
        "2021-01-03", "2021-01-02", "2020-12-30", "2020-02-29", "2020-07-01", "2020-06-01",
        "2016-05-01", "2016-04-30",
    ]  # fmt: skip
    # Where no row has a year there is nothing to go by.
    html = "<li><a href=/n1/index.html>甲</a>01-03</li><li><a href=/about/>乙</a>01-02</li>"
    assert rows(html) == [("/n1/index.html", "甲", None)]


def test_rows_that_a_script_writes() -> None:
    row = "<li><a href='/t20210304_{0}.html'>{1}</a><span>2021-03-04</span></li>"
    script = f'<ul><script>document.write("{row.format(1, "甲")}")</script></ul>'
    assert rows(script) == [("/t20210304_1.html", "甲", "2021-03-04")]
    # What scripts write beside rows of the page itself is not among them.
    assert rows(row.format(2, "乙") + script) == [("/t20210304_2.html", "乙", "2021-03-04")]


def test_a_hidden_row_counts_and_hidden_text_in_a_row_does_not() -> None:
    row = "<li {}><a href=t20210304_1.html>甲<i style='display:none'>乙</i></a>2021-03-04</li>"
    assert rows(row.format("style='display:none'")) == rows(row.format("")) == [
        ("/xw/t20210304_1.html", "甲", "2021-03-04")
    ]  # fmt: skip


def test_a_row_can_be_the_link_itself() -> None:
    html = "<a href=1.html>甲<i>2021-03-04</i></a><a href=/about.html>关于</a>"
    assert rows(html, "a") == [("/xw/1.html", "甲", "2021-03-04")]


def test_spaces_in_an_address_stay() -> None:
    html = "<li><a href=' 通知 1.html '>甲</a>2021-03-04</li>"
    assert rows(html) == [("/xw/通知%201.html", "甲", "2021-03-04")]


def test_a_selector_that_cannot_be_read() -> None:
    with pytest.raises(SelectorError, match=r"'li\['"):
        rows("<li>甲</li>", "li[")


def test_order_and_repeats() -> None:
    html = "".join(f"<li><a href={n}.html>{n}</a>2021-03-0{n}</li>" for n in (2, 1, 2))
    assert rows(html) == [("/xw/2.html", "2", "2021-03-02"), ("/xw/1.html", "1", "2021-03-01")]


def test_the_innermost_element_is_the_row() -> None:
    inner = "".join(f"<tr><td><a href={n}.html>甲</a></td><td>2021-03-04</td></tr>" for n in (1, 2))
    html = f"<table><tr><td>位置</td></tr><tr><td><table>{inner}</table></td></tr></table>"
    assert [address for address, _, _ in rows(html, "tr")] == ["/xw/1.html", "/xw/2.html"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<ul></ul>", "<ul></ul>"),
        ('{"success":true,"data":{"html":"<li>甲</li>"}}', "<li>甲</li>"),
        (
            "<datastore><recordset><record><![CDATA[<li>甲</li>]]></record>\n<record><![CDATA["
            "<li>乙</li>]]></record></recordset></datastore>",
            "<li>甲</li><li>乙</li>",
        ),
        # Escaped in place of CDATA, with an attribute, in pieces, cut off.
        (
            '<?xml version="1.0" encoding="GB2312"?><datastore><recordset>'
            '<record id="1">&lt;li&gt;甲&lt;/li&gt;</record>'
            "<record><![CDATA[<li>]]><![CDATA[乙</li>]]></record><record><![CDATA[<li>丙</li>]]>",
            "<li>甲</li><li>乙</li><li>丙</li>",
        ),
        ("<?xml version='1.0'?><html><li>甲</li></html>",) * 2,
    ],
)
def test_envelopes(text: str, expected: str) -> None:
    assert list_html(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        '{"code":"200","success":false,"data":{}}',
        '{"success":true,"data":{}}',
        '{"success":true,"data":null}',
        '{"success":true,"data":{"html":null}}',
        "{",
        '{"a":' * 100_000,
    ],
)
def test_refusals_are_named(text: str) -> None:
    with pytest.raises(Unreadable, match="column") as raised:
        read_list(text, "li", context())
    assert raised.value.kind == "list-refused"


UNITS = "".join(
    f"""<script url="/api/unit" {name}="{{'tagId':'{tag}','pageId':'{tag}1'}}"></script>"""
    for name, tag in (("querydata", "当前位置"), ("querydata", "栏目-list"), ("queryData", "内容1"))
)


@pytest.mark.parametrize(
    ("tag", "expected"), [(None, "栏目-list1"), ("内容1", "内容11"), ("当前位置", "当前位置1")]
)
def test_list_unit(tag: str | None, expected: str) -> None:
    unit = urlsplit(list_unit(UNITS, tag))
    assert unit.path == "/api/unit"
    assert parse_qs(unit.query)["pageId"] == [expected]


def test_the_only_list_needs_no_tag() -> None:
    """The spelling of parseType is the site's own, and is asked for as it stands."""
    unit = list_unit(
        "<script url='/u' queryData=\"{'parseType':'bulidstatic','tagId':'内容区域'}\"></script>",
        None,
    )
    assert parse_qs(urlsplit(unit).query) == {"parseType": ["bulidstatic"], "tagId": ["内容区域"]}
    json = """<script url='/u' querydata='{"tagId":"右侧内容","editType":null}'></script>"""
    assert parse_qs(urlsplit(list_unit(json, None)).query)["tagId"] == ["右侧内容"]
    with pytest.raises(Unreadable, match="its tags are 当前位置, 当前位置, 内容1"):
        list_unit(UNITS.replace("栏目-list", "当前位置"), None)


@pytest.mark.parametrize("text", ["", "<p>x</p>", '<script url="/u" querydata="{((">', UNITS])
def test_no_list_unit(text: str) -> None:
    with pytest.raises(Unreadable) as raised:
        list_unit(text, "别的")
    assert raised.value.kind == "list-refused"


def test_a_long_list_costs_linear_time() -> None:
    def seconds(count: int) -> float:
        html = "".join(f"<div><p><a href=t20210304_{n}.html>甲</a></p>" for n in range(count))
        began = time.process_time()
        assert rows(html, "p")
        rows(html, "div")
        return time.process_time() - began

    seconds(100)
    assert seconds(1600) < 8 * seconds(400) + 0.3


@pytest.mark.parametrize(
    "nested",
    [
        lambda n: "<li>" * n + "</li>甲" * n,
        lambda n: "<b>" * n + "</b>甲" * n,
        lambda n: "<datastore>" + "<record>" * n + "</record>甲" * n,
        lambda n: "<datastore>" + "<a>" * n + "</a>甲" * n,
    ],
)
def test_a_deep_list_costs_linear_time(nested: Callable[[int], str]) -> None:
    def seconds(count: int) -> float:
        text = nested(count)
        began = time.process_time()
        rows(text)
        return time.process_time() - began

    seconds(100)
    assert seconds(16_000) < 8 * seconds(4000) + 0.3


PIECES = [
    "<li>", "</li>", "<a href=1.html>", "<a href='t20210304_1.html'>", "</a>", "<ul>", "</ul>",
    "甲", "2021-03-04", "03.04", "{", "<![CDATA[", "截止", "<", " ",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_any_list(parts: list[str]) -> None:
    text = "".join(parts)
    if not text.lstrip().startswith("{"):
        for row in read_list(text, "li", context()):
            assert row.title
            assert row.address.startswith(f"https://{HOST}/")
            assert row.listed in (None, date(2021, 3, 4))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("opening", ["(", "发布日期", "日期：", "(2020-05-13", ""])
def test_a_row_with_much_whitespace_is_read_at_once(opening: str) -> None:
    row = f"<li><a href='/t20200513_1.html'>样例</a>{opening}{' ' * 200_000}x</li>"
    [(_, title, _)] = rows(row)
    assert title == "样例"


@pytest.mark.parametrize(
    "written",
    [
        "( 2020-05-13 )",
        "发布日期 ： 2020-05-13",
        "时间2020.05.13 10:30",
        "：2020年5月13日",
        "[2020-05-13",
    ],
)
def test_dates_that_stand_by_themselves(written: str) -> None:
    [(_, _, listed)] = rows(f"<li><a href='/a.html'>样例</a>{written}</li>")
    assert listed == "2020-05-13"
