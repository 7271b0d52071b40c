"""What a detail page says: title, dates, credit, text without boilerplate, files (样例)."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.errors import Unreadable
from archive.parse.detail_page import Page, read_page
from archive.parse.titles import clean_title
from archive.sources import Layout, PageContext, Source
from sample import bulletins, layouts

TEXT = (
    "5月8日，样例省住房和城乡建设厅召开老旧小区改造推进会，部署了下半年的工作，"
    "要求各地加快进度、确保质量。"
)
NAV = "".join(f'<a href="/{n}/">栏目{n}</a> ' for n in range(9))
FOOT = '<div class="foot">版权所有：样例部　<a href="/m">网站地图</a>　京ICP备00000000号</div>'


def page(body: str, head: str = "<title>样例标题一则</title>") -> str:
    return f"<html><head>{head}</head><body><div>{NAV}</div>{body}{FOOT}</body></html>"


def context(layout: Layout | None = None, path: str = "/xw/1.html") -> PageContext:
    home = "https://www.example.gov.cn"
    found = (layout,) if layout else ()
    source = Source("s", "样例部", home, ("www.example.gov.cn",), 1, 1, 1, 1, True, (), found)
    return PageContext(source, home + path, "http://127.0.0.1:9" + path)


def texts(read: Page) -> list[str]:
    return [line.text for line in read.lines]


def test_sample_pages_are_read_alike_with_and_without_their_layout() -> None:
    known = (
        Layout("c", ("h3",), (), ("div.editor-content",), ()),
        Layout("a", ("td.tit",), (), ("div.union", "div.info"), ()),
    )
    source = context().source
    different = total = 0
    eras: tuple[layouts.Era, ...] = ("A", "B", "C")
    for era in eras:
        for shown in bulletins.shown(era, 1):
            where = PageContext(
                replace(source, layouts=known), source.home + layouts.address(shown, era), ""
            )
            text = layouts.detail(shown, era)
            read = read_page(text, where)
            unknown = read_page(text, None, shown.published)
            assert read.title == unknown.title == shown.name
            assert read.published == unknown.published == shown.published
            assert not [line for line in texts(read) if "字体" in line or "当前位置" in line]
            total += 1
            different += texts(read) != texts(unknown)
    assert total > 120
    assert different <= total // 50


# Titles


@pytest.mark.parametrize(
    ("head", "body", "expected"),
    [
        ('<meta name="ArticleTitle" content="甲 乙">', "", "甲乙"),
        ('<meta name="articletitle" content="甲乙"><title>丙</title>', "", "甲乙"),
        ('<meta name="ArticleTitle" content=""><meta name="ArticleTitle" content="甲">', "", "甲"),
        ('<meta name="ArticleTitle" content="第23号 甲的决定">', "<h1>第23号 甲的决定</h1>",
         "第23号 甲的决定"),
        ('<meta name="ArticleTitle" content="甲的 通知"><title>甲的通知-样例部</title>', "",
         "甲的通知"),
        ('<meta name="ArticleTitle" content="甲令 关于乙"><title>甲令 关于乙_样例部</title>', "",
         "甲令 关于乙"),
        ('<meta name="SiteName" content="样例部"><meta name="ArticleTitle" content="样例部">',
         "<h1>改造工作会召开</h1>", "改造工作会召开"),
        ("<title>改造工作会召开_样例部</title>", "", "改造工作会召开"),
        ("<title>改造工作会召开--动态--样例网</title>", "", "改造工作会召开"),
        ("<title>改造工作会召开－样例委员会</title>", "", "改造工作会召开"),
        ("<title>改造工作会召开 - 样例部门户网站</title>", "", "改造工作会召开"),
        ("<title>北京-上海线路开通</title>", "", "北京-上海线路开通"),
        ("<title>改造——城市的新答卷</title>", "", "改造——城市的新答卷"),
        ("<title>样例部</title>", "<h2>改造工作会召开</h2>", "改造工作会召开"),
        ("<title>改造工作会召开_样例部</title>", "<h1>样例部</h1><h2>改造工作会召开</h2>",
         "改造工作会召开"),
        ("<title>【改造工作会召开】-样例部</title>", "<h2>改造工作会召开</h2>", "改造工作会召开"),
        ("<title>\n  改造工作\n  会召开\n</title>", "", "改造工作会召开"),
        ("<title>甲地改造　乙地督查</title>", "", "甲地改造　乙地督查"),
        ("", "<h3>附件下载</h3><h3>改造工作<br>会召开</h3>", "改造工作会召开"),
    ],
)  # fmt: skip
def test_titles(head: str, body: str, expected: str) -> None:
    assert read_page(page(f"{body}<p>{TEXT}</p>", head), None, date(2021, 3, 4)).title == expected


def test_clean_title() -> None:
    assert (
        clean_title(" 关于甲\n的 通知（试行 ）2021 年 A B　丙 ")
        == "关于甲的通知（试行）2021 年 A B　丙"
    )


# Dates


@pytest.mark.parametrize(
    ("head", "shown", "expected"),
    [
        ('<meta name="PubDate" content="2021-03-04">', "", ("2021-03-04", None)),
        ('<meta name="pubdate" content="2021-03-04 09:05">', "",
         ("2021-03-04", "2021-03-04T01:05:00Z")),
        ('<meta name="PubDate" content="2021-03-04 23:59:58">', "",
         ("2021-03-04", "2021-03-04T15:59:58Z")),
        ('<meta name="PubDate" content="2021/3/4 00:30">', "",
         ("2021-03-04", "2021-03-03T16:30:00Z")),
        ('<meta name="PubDate" content="2021-03-04 25:00">', "", ("2021-03-04", None)),
        ('<meta name="PubDate" content="2021-03-04T08:00:00">', "",
         ("2021-03-04", "2021-03-04T00:00:00Z")),
        ('<meta name="PubDate" content="2021-13-04">', "发布时间：2021-03-04",
         ("2021-03-04", None)),
        ('<meta name="PubDate" content="{{DATE}} 09:00">', "", ("2020-01-02", None)),
        ('<meta name="firstpublishedtime" content="2021-03-04 08:00:00">', "",
         ("2021-03-04", "2021-03-04T00:00:00Z")),
        ('<meta name="publishdate" content="2021-03-04">', "2021年03月04日08:18 来源：样例网",
         ("2021-03-04", "2021-03-04T00:18:00Z")),
        ("", "发布日期: 2021-03-04　字体：大 中 小", ("2021-03-04", None)),
        ("", "成文日期：2021年03月01日 发布日期：2021年03月04日", ("2021-03-04", None)),
        ("", "<table><tr><td>成文日期：<td>2021年3月4日</table>", ("2021-03-04", None)),
        ("", "时间：2021-03-04 08:00", ("2021-03-04", "2021-03-04T00:00:00Z")),
        ("", "公示时间：2021-03-04至2021-03-10", ("2020-01-02", None)),
        ("", "页面生成于2022-02-02", ("2020-01-02", None)),
    ],
)  # fmt: skip
def test_dates(head: str, shown: str, expected: tuple[str, str | None]) -> None:
    text = page(f"<h1>改造工作会召开</h1><div>{shown}</div><div><p>{TEXT}</p></div>", head)
    read = read_page(text, None, date(2020, 1, 2))
    assert (read.published.isoformat(), read.published_at) == expected


def test_a_date_in_the_address_beats_the_list() -> None:
    where = context(path="/xwfb/202103/t20210304_12.html")
    assert read_page(page(f"<p>{TEXT}</p>"), where, date(2020, 1, 2)).published == date(2021, 3, 4)


@pytest.mark.parametrize(
    ("meta", "shown", "path", "expected"),
    [
        ("2021-03-04 09:00", "", "/2020/9/15/1.html", ("2020-09-15", None, "address")),
        ("2020-09-15 09:00", "", "/2020/9/15/1.html",
         ("2020-09-15", "2020-09-15T01:00:00Z", "meta")),
        ("2020-09-14 09:00", "", "/2020/9/15/1.html",
         ("2020-09-14", "2020-09-14T01:00:00Z", "meta")),
        ("2021-03-04 09:00", "", "/202009/t20200915_1.html",
         ("2021-03-04", "2021-03-04T01:00:00Z", "meta")),
        ("", "", "/202009/t20200915_1.html", ("2020-09-15", None, "address")),
        ("2021-03-04 09:00", "日期：2020-09-16", "/2020/9/15/1.html",
         ("2020-09-16", None, "shown")),
        ("2021-03-04 09:00", "发布时间：2021-03-04 08:58", "/1.html",
         ("2021-03-04", "2021-03-04T00:58:00Z", "shown")),
        ("2021-03-04 09:00", "发布时间：2021-03-04", "/1.html",
         ("2021-03-04", "2021-03-04T01:00:00Z", "shown")),
        ("2021-03-04 09:00", "发布时间：2021-03-09", "/1.html",
         ("2021-03-04", "2021-03-04T01:00:00Z", "meta")),
        ("2021-03-04 09:00", "更新时间：2021-03-09", "/1.html",
         ("2021-03-04", "2021-03-04T01:00:00Z", "meta")),
        ("2021-03-04 09:00", "成文日期：2021-02-01", "/1.html",
         ("2021-03-04", "2021-03-04T01:00:00Z", "meta")),
        ("", "成文日期：2021-02-01", "/1.html", ("2021-02-01", None, "signed")),
        ("", "来源：样例网 10:08", "/1.html", ("2020-01-02", None, "list")),
        ("", "样例网 2021年3月4日 10∶08", "/1.html",
         ("2021-03-04", "2021-03-04T02:08:00Z", "shown")),
    ],
)  # fmt: skip
def test_the_day_shown_or_the_earlier_one_is_believed(
    meta: str, shown: str, path: str, expected: tuple[str, str | None, str]
) -> None:
    head = f'<meta name="PubDate" content="{meta}">'
    body = f"<h1>改造工作会召开</h1><div>{shown}</div><div><p>{TEXT}</p></div>"
    read = read_page(page(body, head), context(path=path), date(2020, 1, 2))
    found = (str(read.published), read.published_at, read.published_basis)
    assert found == expected


def test_the_time_of_a_press_conference_is_text() -> None:
    said = ["时间：2021年3月1日上午10时", "地点：样例市样例路1号", "主持人：甲某某"]
    body = "".join(f"<p>{line}</p>" for line in (*said, TEXT))
    head = '<meta name="PubDate" content="2021-03-04">'
    read = read_page(
        page(f'<h1>样例发布会实录</h1><div class="x">{body}</div>', head),
        context(Layout("l", (), (), ("div.x",), ())),
    )
    assert read.published == date(2021, 3, 4)
    assert texts(read) == [*said, TEXT]


def test_a_law_s_day_of_promulgation_is_not_the_page_s() -> None:
    head = '<meta name="PubDate" content="2021-03-04">'
    body = f"<h1>样例条例</h1><p>公布日期：2001-01-01</p><div><p>{TEXT}</p></div>"
    assert read_page(page(body, head), None).published == date(2021, 3, 4)


def test_a_date_in_the_text_is_not_the_page_s() -> None:
    body = f"<p>{TEXT}</p><p>这项办法的发布时间：2019-01-01，编号三。</p>"
    assert read_page(page(body), None, date(2020, 1, 2)).published == date(2020, 1, 2)


# Credits


@pytest.mark.parametrize(
    ("head", "shown", "expected"),
    [
        ('<meta name="ContentSource" content="中国建设报">', "来源：办公厅", "办公厅"),
        (
            '<meta name="ContentSource" content="中国建设报 记者">',
            "来源：中国建设报",
            "中国建设报 记者",
        ),
        ('<meta name="ContentSource" content="中国建设报">', "", "中国建设报"),
        ('<meta name="contentSource" content=" 法规司 ">', "", "法规司"),
        (
            '<meta name="ContentSource" content="">',
            "来源：<span>办公厅</span> 时间：2021-03-04",
            "办公厅",
        ),
        ("", "信息来源： 样例省住房和城乡建设厅　发布时间：2021-03-04", "样例省住房和城乡建设厅"),
        ("", "2021-03-04 来源：<a>人民网-文化频道</a>", "人民网-文化频道"),
        ('<meta name="source" content="来源：样例网 原创稿">', "", "样例网"),
        ("", "", None),
    ],
)
def test_credits(head: str, shown: str, expected: str | None) -> None:
    text = page(f"<h1>改造工作会召开</h1><div>{shown}</div><div><p>{TEXT}</p></div>", head)
    assert read_page(text, None, date(2021, 3, 4)).credit == expected


# Boilerplate


@pytest.mark.parametrize(
    "boilerplate",
    [
        "发布日期：2021-03-04 08:00", "字体：大 中 小", "【字体：大 中 小】",
        "[大 中 小]", "打印", "【打印】【关闭】", "[打印本页] [关闭窗口]", "打印本页 | 关闭窗口",
        "分享到：微信 微博",
        "扫一扫在手机打开当前页", "【责任编辑：某某】", "(责编：某某、某人)", "上一篇：别的事",
        "下一条：无", "您现在的位置：首页 > 新闻 > 正文", "当前位置：首页", "浏览次数：12",
        "<a href=2.html>【1】</a><a href=3.html>【2】</a>", "<a href=/x/>点击进入专栏>></a>",
        "住房部 版权所有，如需转载，请注明来源", "附件下载：", "返回顶部",
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["{0}{1}{1}", "{1}{1}{0}"])
def test_boilerplate_is_dropped(boilerplate: str, place: str) -> None:
    body = place.format(f"<p>{boilerplate}</p>", f"<p>{TEXT}</p>")
    known = context(Layout("l", (), (), ("div.x",), ()))
    read = read_page(page(f'<div class="x">{body}</div>'), known, date(2021, 3, 4))
    assert texts(read) == [TEXT, TEXT]


def test_the_title_is_dropped_at_the_top_only() -> None:
    known = context(Layout("l", (), (), ("div.x",), ()))
    repeated = f"<div class='x'><p>样例标题一则</p><p>{TEXT}</p><p>样例标题一则</p></div>"
    read = read_page(page(repeated), known, date(2021, 3, 4))
    assert texts(read) == [TEXT, "样例标题一则"]


@pytest.mark.parametrize(
    "line",
    [
        "来源：中国建设报 2021-03-04", "打印店也要改造", "大中小城市协调发展", "附件：1.名单",
        "字体清晰的门牌",
        "一、当前位置不清的管线", "相关链接的管理单位", "责任编辑制度", "各地分享到了经验",
        "【1】号楼",
    ],
)  # fmt: skip
def test_text_stays(line: str) -> None:
    known = context(Layout("l", (), (), ("div.x",), ()))
    body = f'<div class="x"><p>{TEXT}</p><p>{line}</p><p>{TEXT}</p></div>'
    assert texts(read_page(page(body), known, date(2021, 3, 4))) == [TEXT, line, TEXT]


def test_related_pages_go() -> None:
    more = "<div>相关文章</div><ul><li><a href=2.html>另一件事</a></li></ul>"
    known = context(Layout("l", (), (), ("div.x",), ()))
    read = read_page(page(f'<div class="x"><p>{TEXT}</p>{more}</div>'), known, date(2021, 3, 4))
    assert texts(read) == [TEXT]
    kept = read_page(page(f'<div class="x">{more}<p>{TEXT}</p></div>'), known, date(2021, 3, 4))
    assert texts(kept) == ["相关文章", "另一件事", TEXT]


def test_a_title_over_two_lines_is_still_the_title() -> None:
    known = context(Layout("l", (), (), ("div.x",), ()))
    body = f'<div class="x"><p>样例标题</p><p>一则</p><p>{TEXT}</p></div>'
    assert texts(read_page(page(body), known, date(2021, 3, 4))) == [TEXT]


# Files


def test_files_of_body_and_boxes() -> None:
    body = (
        f'<div class="x"><p>{TEXT}</p><p><a href="./P02.pdf">名单</a> <a href="2.html">页</a></p>'
        '<p><a href="\n./P02.pdf">名单</a></p></div>'
        '<div class="attachment"><a href="a/b.DOCX"></a></div>'
        '<div><a download href="/f/c%E7%94%B2.xls?x=1"></a><a href="/other.pdf">年报</a></div>'
        '<ul class="dl"><a href="/front/document/download?fileUrl=1&amp;n=2" title="表"></a></ul>'
    )
    known = context(Layout("l", (), (), ("div.x",), (".dl",)))
    read = read_page(page(body), known, date(2021, 3, 4))
    home = "https://www.example.gov.cn"
    assert [(a.url.removeprefix(home), a.text) for a in read.attachments] == [
        ("/xw/P02.pdf", "名单"),
        ("/xw/a/b.DOCX", "b.DOCX"),
        ("/f/c%E7%94%B2.xls?x=1", "c甲.xls"),
        ("/front/document/download?fileUrl=1&n=2", "表"),
    ]


def test_spaces_in_a_file_s_address_stay() -> None:
    body = f'<p>{TEXT}<a href="\n ./附件\t 1.\r\ndoc ">附件</a><a href="附件 2.doc"></a></p>'
    home = "https://www.example.gov.cn"
    read = read_page(page(body), context(), date(2021, 3, 4))
    assert [(a.url, a.text) for a in read.attachments] == [
        (f"{home}/xw/附件%201.doc", "附件"),
        (f"{home}/xw/附件%202.doc", "附件 2.doc"),
    ]
    unknown = read_page(page(body), None, date(2021, 3, 4))
    assert [a.url for a in unknown.attachments] == ["./附件%201.doc", "附件%202.doc"]


def test_files_elsewhere_keep_their_address() -> None:
    body = f'<p>{TEXT}<a href="https://other.cn/a.pdf">甲</a><a href="http://[x/b.pdf">乙</a></p>'
    read = read_page(page(body), context(), date(2021, 3, 4))
    assert [a.url for a in read.attachments] == ["https://other.cn/a.pdf", "http://[x/b.pdf"]


# Bodies


def test_layouts_are_tried_in_order() -> None:
    source = context().source
    both = (Layout("new", (), (), ("div.n",), ()), Layout("old", (), (), ("div.m", "div.o"), ()))
    where = replace(context(), source=replace(source, layouts=both))
    for name, rule in (("n", "new:div.n"), ("o", "old:div.o")):
        text = page(f'<div class="n"> </div><div class="{name}"><p>{TEXT}</p></div>')
        assert read_page(text, where, date(2021, 3, 4)).body_rule == rule


@pytest.mark.parametrize(
    "body",
    [
        "<div><p>{0}</p><p>{0}</p></div>",
        "<div>{0}<br>{0}</div>",
        "<table><tr><td><div><div>{0}</div><div>{0}</div></div></td></tr></table>",
        "<div><p><span>{0}</span></p></div><div><a href=/1>别的</a></div>",
        "<div><section><p>{0}</p></section><section><p>{0}</p></section></div>",
        "{0}",
    ],
)
def test_density_finds_all_of_the_text(body: str) -> None:
    read = read_page(page(body.format(TEXT)), None, date(2021, 3, 4))
    assert texts(read) == [TEXT] * body.count("{0}")
    assert read.body_rule == "generic"


# What is not a page


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "empty"),
        (" \r\n\u3000", "empty"),
        ("<!-- nothing -->", "empty"),
        (f"<html><body><h1>改造工作</h1><p>2021-03-04</p><p>{TEXT}", "truncated"),
        ('{"code":200}', "not-html"),
        ('{"data":{"docClob":5,"docSubtitle":"x","publishDate":"2021-03-04","docSource":""}}',
         "not-html"),
        ("[1,2]", "not-html"),
        ("[" * 100_000, "not-html"),
        ("<html><body><script>go()</script></body></html>", "wall-script"),
        ("<html><body><p>请输入验证码后继续访问</p><input></body></html>", "wall-captcha"),
        (page("<p>很短，没有别的。</p>"), "unrecognised"),
        (page(""), "unrecognised"),
        (f"<html><body><p>{TEXT}</p></body></html>", "unrecognised"),
        ("<html><body><p>样例样例样例样例样例样例样例样例样例样例样例样例样例</p></body></html>",
         "unrecognised"),
    ],
)  # fmt: skip
def test_what_is_not_a_page(text: str, kind: str) -> None:
    with pytest.raises(Unreadable) as raised:
        read_page(text, None, date(2021, 3, 4))
    assert raised.value.kind == kind


def test_a_page_without_any_date() -> None:
    undated = page(f"<h1>改造工作会召开</h1><p>{TEXT}</p>")
    assert read_page(undated, None).published is None
    assert read_page(undated, None, date(2021, 3, 4)).published == date(2021, 3, 4)


# Anything at all

PIECES = st.sampled_from(
    [f"<{tag}>" for tag in ("div", "p", "a", "table", "tr", "td", "h1", "title", "b", "script")]
    + [f"</{tag}>" for tag in ("div", "p", "a", "table", "html", "body", "title", "script")]
    + ["<html><body>", '<div class="editor-content">', '<meta name="ArticleTitle" content="甲">',
       '<meta name="PubDate" content="2021-99-04 99:99">', '<a href="x.pdf">', "<!--", "-->",
       "<![CDATA[", TEXT, "发布时间：2021-03-04", "来源：", "\0", "\ud800", "\u3000", "{", "&#0;",
       "&#x110000;", "<br>"]
)  # fmt: skip


def check_any_page(text: str) -> None:
    try:
        read = read_page(text, context(), date(2021, 3, 4))
    except Unreadable as error:
        assert str(error)  # noqa: PT017
    else:
        assert read.title
        assert read.lines


@given(st.lists(PIECES, max_size=40))
def test_any_page(parts: list[str]) -> None:
    check_any_page("".join(parts))


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    check_any_page(text)
    check_any_page(page(f"<p>{TEXT}</p>{text}"))


@pytest.mark.parametrize(
    "part",
    ["<div>", "<span>", "<p>字，字</p>", "<h1>", "<h1>字", "<a href=1.pdf>", "<script>", "<script ",
     "<meta name=a>", '<div class="zoom TRS_Editor">', "字", "　", "<tr><td>", "来源：",
     "2021-03-04 "],
)  # fmt: skip
def test_large_pages_cost_linear_time(part: str) -> None:
    def seconds(size: int) -> float:
        began = time.process_time()
        check_any_page(page(f"<p>{TEXT}</p>" + part * (size // len(part.encode()))))
        return time.process_time() - began

    seconds(50_000)
    assert seconds(400_000) < 7 * seconds(100_000) + 0.3
