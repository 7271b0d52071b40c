"""Cosmetic changes make no revision, every other change makes one; in the layout of each era."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from archive.captures.warc import Capture
from archive.hrefs import file_name
from archive.normalise.bulletin_json import are_other_files
from archive.storage.rebuild import rebuild
from archive.storage.store import Store
from crawler.sources import load_sources
from sample import bulletins, layouts
from sample.page import Era, Page
from tests.crawling import rows, tables

Change = Callable[[str], str]

SAMPLE = load_sources([Path(__file__).parent.parent / "sample" / "sources"])
ERAS: tuple[Era, ...] = ("A", "B", "C")
COUNTER = "<span id='hits'>浏览次数：<script>document.write(1)</script>{}</span>"


def put(before: str, new: str, *, after: bool = False) -> Change:
    """A change that writes ``new`` before, or after, the first place that a pattern matches."""

    def change(html: str) -> str:
        found = re.search(before, html)
        assert found, before
        place = found.end() if after else found.start()
        return html[:place] + new + html[place:]

    return change


def swap(pattern: str, new: str, count: int = 0) -> Change:
    def change(html: str) -> str:
        changed, found = re.subn(pattern, new, html, count=count)
        assert found, pattern
        return changed

    return change


# The end of the text's container, with the origin line before it.
END = r"(?:(?<=</p>)\n</div>)"
FIRST = r"<p[^>]*>"

COSMETIC: Mapping[str, Change] = {
    "counter in the text": put(END, f"\n<p>{COUNTER.format(128)}</p>"),
    "counter in words": put(END, "\n<p>（阅读次数：4096）</p>"),
    "counter of readers": put(END, "\n<p>已有 128 人浏览</p>"),
    "counter without a colon": put(END, "\n<p>阅读 128 次</p>"),
    "counter beside the date": put(r"字体：", "点击数：77　"),
    "font bar in the text": put(FIRST, "<p>字体：【大 中 小】 【打印】 【关闭】</p>\n"),
    "page number": put(END, "\n<p>【1】【2】 下一页</p>"),
    "share bar": put(END, "\n<div class='share'>分享到：<a>微信</a> <a>微博</a></div>"),
    "editor": put(END, "\n<p>责任编辑：样例</p>"),
    "related": put(END, "\n<p>相关文章</p><p><a href='/x.html'>样例：另一篇</a></p>"),
    "next page": put(END, "\n<p>下一篇：<a href='/x.html'>样例：另一篇文章</a></p>"),
    "skin": swap(r"<body>", '<body class="skin-red" style="filter: grayscale(1)">'),
    "footer": swap(r"转载须注明来源", "转载须注明来源 2001-2027", 1),
    "token": put(r"</head>", "<meta name='csrf-token' content='8f3a91'><script>var t=9</script>"),
    "script in the text": put(END, "\n<script>var stamp = 1764068400;</script><style>p{}</style>"),
    "comment": put(END, "<!-- made 2026-11-02 02:30:01 by node 7 -->"),
    "advertisement": put(END, "\n<div class='ad'><a href='/ad'><img src='/ad.gif'></a></div>"),
    "advertisement with words": put(
        END, "\n<div class='advert'><a href='/ad'>点击进入专题 &gt;&gt;</a></div>"
    ),
    "advertisement in sentences": put(
        FIRST, "<div id='ad_top'><p>样例：某某家居全场五折，欢迎选购。</p></div>\n"
    ),
    "notice above": put(
        r"<(?:div class=\"top\"|div class=\"header\")", "<p>今天是2026年11月2日</p>"
    ),
    "attributes": swap(
        r'<p style="text-align: right">', '<p  class="r"  STYLE="text-align:right">'
    ),
    "entities": swap(r"。</p>", "&#12290;</p>"),
    "https": swap(r'href="/', 'href="https://www.sample.example/'),
    "http": swap(r'href="/', 'href="http://www.sample.example/'),
    "session in an address": swap(r'(href="[^"]*W0\d+\.\w+|&amp;fileName=[^"]*)"', r'\1{}"'),
    "white space": swap(r"\n", "\r\n  "),
    "white space in the text": swap(r"，", "，\n"),
    "no-break space": put(FIRST, "&nbsp;&nbsp;", after=True),
    "zero width": swap(r"，", "，\u200b\ufeff"),
    "other division": swap(r"</p>\n<p[^>]*>(?=[^摘附])", "<br>\n"),
}
REAL: Mapping[str, Change] = {
    "title": swap(r"江苏、浙江|河南省开封市", "样例省"),
    "date": swap(r"(20\d\d-\d\d)-\d\d", r"\1-28"),
    "a digit of the text": swap(r"48小时|430米", "84小时"),
    "a sentence more": put(END, "\n<p>样例：另据统计，共有三处完工。</p>"),
    "a sentence less": swap(r"，[^，。]*。</p>", "。</p>", 1),
    "origin": swap(r"20\d\d\.(\d\d)\.\d\d", r"2019.\1.01"),
    "attachment's label": swap(r"(应急协作城市|开封古城修缮项目)(清单|名单)</a>", r"\1表</a>"),
    "attachment's file": swap(r'(href="[^"]*)W0\d+(\.\w+")|(fileName=)[^"]*', r"\1\3W02099\2"),
    "one attachment more": swap(
        r"(<a href=\"[^\"]*(?:W0|fileName)[^<]*</a>)", r"\1 <a href='/file/W01.pdf'>样例补充</a>"
    ),
    "no attachment": swap(r"<a href=\"[^\"]*(?:W0|fileName)[^<]*</a>", ""),
}


def sample_page(era: Era) -> Page:
    """A page with attachments that every era's layout shows."""
    found = next(page for page in bulletins.shown(era, 1) if page.attachments)
    return replace(found, encoding="utf-8")


def at(page: Page, era: Era, html: str, night: int) -> Capture:
    source = SAMPLE["sample"]
    address = source.home + layouts.address(page, era)
    channel = page.column + {"A": "", "B": "-2021", "C": ""}[era]
    when = f"2026-{9 + night // 28:02}-{night % 28 + 1:02}T18:00:00Z"
    return Capture(
        address, address, source.slug, channel, "page", when, 200, (), html.encode()
    )  # fmt: skip


@pytest.mark.parametrize("era", ERAS)
def test_cosmetic_changes_make_no_revision(tmp_path: Path, era: Era) -> None:
    page = sample_page(era)
    made = layouts.detail(page, era, "2026-09-01 01:01:01")
    session = {"A": ";jsessionid=8F3A91", "B": "?sid=8f3a91", "C": "&amp;token=8f3a91"}[era]
    with Store(tmp_path, SAMPLE) as store:
        assert store.record(at(page, era, made, 0)).kind == "new"
        made = layouts.detail(page, era, "2026-09-02 02:02:02")
        found = {"made again": store.record(at(page, era, made, 1)).kind}
        for night, (name, change) in enumerate(COSMETIC.items(), start=2):
            html = change(made).replace("{}", session)
            assert html != made, name
            found[name] = store.record(at(page, era, html, night)).kind
    assert {name: kind for name, kind in found.items() if kind != "same"} == {}
    assert rows(tmp_path, "SELECT count(*) FROM revisions") == [(1,)]
    same_after_rebuild(tmp_path)


@pytest.mark.parametrize(
    "counter",
    [
        swap(r"(摘自[^<]*)</p>", r"\1　浏览次数：{}次</p>"),
        swap(r"</p>", "（访问量：{}）</p>", 1),
        put(FIRST, "<p>来源：样例建设报　发布时间：2020-12-17　点击数: {}</p>"),
    ],
)
def test_a_counter_within_a_line_counts_without_a_revision(tmp_path: Path, counter: Change) -> None:
    page = sample_page("C")
    made = counter(layouts.detail(page, "C"))
    with Store(tmp_path, SAMPLE) as store:
        found = [
            store.record(at(page, "C", made.replace("{}", str(number)), number)).kind
            for number in (7, 8, 19)
        ]
    assert found == ["new", "same", "same"]


@pytest.mark.parametrize("said", ["网站访问量：{}万次", "阅读量：{}人"])
def test_a_figure_is_no_counter(tmp_path: Path, said: str) -> None:
    page = sample_page("C")
    made = put(r"。</p>", f"，{said}")(layouts.detail(page, "C"))
    with Store(tmp_path, SAMPLE) as store:
        found = [
            store.record(at(page, "C", made.replace("{}", str(number)), number)).kind
            for number in (7, 8)
        ]
    assert found == ["new", "revised"]


@pytest.mark.parametrize("era", ERAS)
def test_every_other_change_makes_one(tmp_path: Path, era: Era) -> None:
    page = sample_page(era)
    made = layouts.detail(page, era)
    with Store(tmp_path, SAMPLE) as store:
        assert store.record(at(page, era, made, 0)).kind == "new"
        found = {}
        for night, (name, change) in enumerate(REAL.items(), start=1):
            found[name] = store.record(at(page, era, change(made), 2 * night)).kind
            found[f"{name}, back"] = store.record(at(page, era, made, 2 * night + 1)).kind
    assert {name: kind for name, kind in found.items() if kind != "revised"} == {}
    assert rows(tmp_path, "SELECT count(*) FROM holds") == [(0,)]
    same_after_rebuild(tmp_path)


def same_after_rebuild(folder: Path) -> None:
    """The sample's own sources derive to the same rows again."""
    before = tables(folder)
    rebuild(folder, SAMPLE)
    assert tables(folder) == before


@pytest.mark.parametrize(
    ("before", "now", "other"),
    [
        ("a 1", "a 1", False),
        ("a 1", "a 2", True),
        ("a 1", "b 2", False),  # another layout: the site renamed all files
        (None, "a 2", False),
        ("", "a 2", False),  # a file more: its label says so
        ("a 1", "", False),
    ],
)
def test_files_are_compared_within_one_layout(before: str | None, now: str, other: bool) -> None:
    assert are_other_files(before, now) is other


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://x.example/a/W020200101.pdf", "W020200101.pdf"),
        ("http://x.example/b/W020200101.pdf;jsessionid=1?t=2", "W020200101.pdf"),
        ("/down.jsp?sid=3&file=/a/W020200101.pdf", "W020200101.pdf"),
        ("/down.jsp?fileid=7&sid=3", "down.jsp&fileid=7"),
        ("/down.do?id=7&token=3", "down.do&id=7"),
        ("/document/download?fileUrl=8f3a&fileName=%E8%A1%A8", "download&fileName=表"),
        ("/a/%E8%A1%A8.xls", "表.xls"),
        ("http://[", "http://["),
    ],
)
def test_a_file_s_name_is_what_a_session_does_not_change(address: str, name: str) -> None:
    assert file_name(address) == name
