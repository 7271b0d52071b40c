"""Rows of lists, in all the shapes that ministries use."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.captures.decode import decode
from archive.errors import Unreadable
from archive.parse.html import SelectorError
from archive.parse.list_page import list_html, list_unit, read_list
from archive.sources import PageContext, Source

HOST = "www.example.gov.cn"


def context(path: str = "/xw/index.html", host: str = HOST) -> PageContext:
    home = f"https://{host}"
    source = Source("样例", "样例部", home, (host,), 1, 1, 1, True, (), ())
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


@pytest.mark.parametrize("text", ["", "<p>x</p>", '<script url="/u" querydata="{((">', UNITS])
def test_no_list_unit(text: str) -> None:
    with pytest.raises(Unreadable) as raised:
        list_unit(text, "别的")
    assert raised.value.kind == "list-refused"


# Facts read by eye from the captured lists: rows, then the first row's address, title, date.
CAPTURED = [
    ("mohurd_home_1.html", "www.mohurd.gov.cn", "/", "li.date", 27,
     "/xinwen/jsyw/art/2026/art_c69231131ce64b6e8ef0e3946338e648.html", 26, "2026-08-29"),
    ("mohurd_list_1.json", "www.mohurd.gov.cn", "/", "ul li", 3,
     "/gongkai/zc/wjk/art/2026/art_0d144cfa624e415b932c0f5950c2105a.html", 40, None),
    ("mee_list_1.html", "www.mee.gov.cn", "/ywgz/zysthjbhdc/dcjl/", "ul#div li", 15,
     "/ywgz/zysthjbhdc/dcjl/202606/t20260602_1157667.shtml", 18, "2026-06-02"),
    ("cnta_list_1.html", "www.cnta.gov.cn", "/zdgz/", "ul li", 35,
     "/zdgz/qyly/201710/t20171010_842040.shtml", 18, "2017-10-11"),
    ("miit_list_1.json", "www.miit.gov.cn", "/", ".clist_con li", 4,
     "/gzcy/yjzj/art/2026/art_03d6631242cd45c5bef6e8d62571beff.html", 47, "2026-09-20"),
    ("samr_list_1.json", "www.samr.gov.cn", "/", "li.zjnav04Left02_content", 5,
     "/hd/zjdc/art/2026/art_7690dba6fb90477cae8299c67f7966d9.html", 50, None),
    ("ndrc_list_1.html", "www.ndrc.gov.cn", "/xxgk/zcfb/fzggwl/", "ul.u-list > li", 25,
     "/xxgk/zcfb/fzggwl/202604/t20260409_1404577.html", 34, "2026-04-09"),
    ("most_list_1.html", "www.most.gov.cn", "/xxgk/fgzc/", "ul.list_common li", 17,
     "/xxgk/fgzc/flfg/202412/t20241226_192778.html", 23, "2024-12-25"),
    ("csrc_list_1.html", "www.csrc.gov.cn", "/csrc/c106256/fg.shtml", "td.info", 20,
     "/csrc/c106256/c3217074/content.shtml", 89, None),
    ("sasac_list_1.html", "www.sasac.gov.cn", "/n1/n2/n3/", ".zsy_conlist li:not([style])", 29,
     None, 18, "2025-12-18"),
    ("sasac_list_2.html", "www.sasac.gov.cn", "/n1/n2/n3/", "li:not([style])", 30,
     None, 30, "2003-09-08"),
    ("js-gxt_list_1.xml", "gxt.jiangsu.gov.cn", "/module/", "li", 76,
     "/art/2025/10/29/art_80179_11664839.html", 37, "2025-10-29"),
]  # fmt: skip


@pytest.mark.parametrize("facts", CAPTURED, ids=[facts[0] for facts in CAPTURED])
def test_captured_lists(facts: tuple[str, str, str, str, int, str, int, str], shared: Path) -> None:
    file, host, path, selector, count, address, title_length, listed = facts
    text = decode((shared / "pages" / file).read_bytes())
    found = read_list(text, selector, context(path, host))
    first = found[0]
    assert len(found) == count
    assert address is None or first.address == f"https://{host}{address}"
    assert (len(first.title), first.listed and first.listed.isoformat()) == (title_length, listed)


def test_rows_of_a_captured_list_agree_with_its_addresses(shared: Path) -> None:
    text = decode((shared / "pages" / "mee_list_1.html").read_bytes())
    found = read_list(text, "ul#div li", context("/a/", "www.mee.gov.cn"))
    written = [row.address.rsplit("/t", 1)[1][:8] for row in found]
    assert [row.listed.strftime("%Y%m%d") for row in found if row.listed] == written
    assert len({row.title for row in found}) < len({row.address for row in found})


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


def test_json_that_is_not_a_list(shared: Path) -> None:
    text = (shared / "pages" / "nfra_list_1.json").read_text(encoding="utf-8")
    assert json.loads(text)["rptCode"] == 200
    with pytest.raises(Unreadable):
        read_list(text, "li", context())
