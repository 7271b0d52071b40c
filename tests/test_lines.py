"""From markup to the lines shown, and from hard-wrapped lines back to paragraphs (样例)."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archive.normalise.bulletins import stands_alone
from archive.parse.html import fold, parse, select, text_of
from archive.parse.lines import Line, is_hard_wrapped, lines_of, paragraphs_of, width

PARAGRAPHS = [
    "5月8日，样例省住房和城乡建设厅在甲市召开老旧小区改造现场会，要求各地紧盯年度任务，压实各方责任，"
    "确保10月底前全部开工。会前，与会人员查看了两处小区的管线改造。",
    "一、抓住重点。各地要先改地下、后改地上，把供水、排水、燃气、供热管网一次改到位，"
    "防止马路反复开挖，方便群众出行，让住户满意。",
    "会议还通报了第1批“红黑榜”名单，2.5万户居民参与评议。",
]


def lines(html: str) -> list[Line]:
    root = parse(f"<html><body>{html}</body></html>")
    assert root is not None
    return lines_of(select(root, "body")[0])


def texts(html: str) -> list[str]:
    return [line.text for line in lines(html)]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>甲</p><p>乙</p>", ["甲", "乙"]),
        ("<p>甲<br>乙<br/><br />丙</p>", ["甲", "乙", "丙"]),
        ("甲<div>乙<p>丙</p>丁</div>戊", ["甲", "乙", "丙", "丁", "戊"]),
        ("<h1>题</h1><ul><li>一<li>二<ol><li>三</ol></ul>尾", ["题", "一", "二", "三", "尾"]),
        ("<p>&nbsp;</p><p>　</p><p>&ensp;\u200b</p><p>甲</p>", ["甲"]),
        ("<p>　　甲　乙　</p>", ["甲　乙"]),
        ("<pre>甲\n乙</pre>", ["甲", "乙"]),
        ("甲\r\n乙\n\n丙", ["甲", "乙", "丙"]),
        ("<p>甲\n乙</p>", ["甲乙"]),
        ("<p>GB/T\n   50300 and\nmore</p>", ["GB/T 50300 and more"]),
        ("<p>共 3\n  户，<a>5\n</a>人</p>", ["共 3户，5人"]),
        ("<p>甲<script>x()</script><style>p{}</style>乙<noscript>丙</noscript></p>", ["甲乙"]),
        (
            "<p>甲<span style='DISPLAY: none'>乙</span>丙</p><p style='display:none'>丁</p>",
            ["甲丙"],
        ),
        ("<p>甲<!-- 乙 -->丙<![if !vml]>丁<![endif]></p>", ["甲丙丁"]),
        ("<p>2<sup>3</sup>㎡</p>", ["23㎡"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_lines(html: str, expected: list[str]) -> None:
    assert texts(html) == expected


def test_word_markup_leaves_no_space() -> None:
    html = (
        '<p class="MsoNormal" style="text-indent:32pt"><b><span>自</span></b><span lang="EN-US">20'
        '</span><span lang="EN-US">20</span><span>年</span><span>5</span>月起<o:p></o:p></p>\n'
        "<!--[if gte mso 9]><xml><w:Compatibility/></xml><![endif]-->"
        '<p class="MsoNormal"><span lang="EN-US"><o:p>&nbsp;</o:p></span></p>'
    )
    assert texts(html) == ["自2020年5月起"]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (
            "<table><tr><td>省份</td><td>户数</td></tr><tr><td>河南省</td><td>12</td></tr></table>",
            ["省份　户数", "河南省　12"],
        ),
        (
            "<table><tr><td><p>河南省</p></td><td>\n<p>12</p>\n</td><td><div>好<br>转</div></td></tr>",
            ["河南省　12　好 转"],
        ),
        ("<table><tr><th>合计<td></td><td>&nbsp;</td><td>9</td></tr></table>", ["合计　9"]),
        ("<table><tr><td colspan=2>表一</td></tr><tr><td>甲<td>乙</table>", ["表一", "甲　乙"]),
        ("<table><tr><td><p>一段。</p><p>二段。</p></td></tr></table>", ["一段。", "二段。"]),
        ("<table><tr><td></td><td>甲<br>乙</td></tr></table>", ["甲", "乙"]),
        (
            "<table><tr><td>栏目</td><td><p>一段。</p><table><tr><td>甲</td><td>乙</td></tr></table>"
            "<p>二段。</p></td></tr></table>",
            ["栏目", "一段。", "甲　乙", "二段。"],
        ),
        (
            f"<table><tr><td>栏目</td><td><p>{'长' * 500}。<p>{'文' * 500}。</td></tr></table>",
            ["栏目", "长" * 500 + "。", "文" * 500 + "。"],
        ),
    ],
)
def test_tables(html: str, expected: list[str]) -> None:
    assert texts(html) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p><strong>黑龙江</strong>5月8日开会。</p>", 3),
        ("<p><b>黑</b><span style='font-weight: bold'>龙江：</span> 开会。</p>", 4),
        ("<p><strong>黑龙江</strong></p>", 0),
        ("<p>开会<strong>黑龙江</strong></p>", 0),
    ],
)
def test_bold_at_the_start(html: str, expected: int) -> None:
    assert [line.bold for line in lines(html)] == [expected]


def test_flags_of_lines() -> None:
    found = lines(
        "<p>　　甲<br>&nbsp;&nbsp;&nbsp;&nbsp;乙</p><p><a>丙</a> <a>丁</a></p><p>附：<a>戊</a></p>"
        "<table><tr><td>己</td><td>庚</td></tr></table>辛"
    )
    assert [(x.text, x.indented, x.opens, x.row, x.linked) for x in found] == [
        ("甲", True, True, False, False),
        ("乙", True, False, False, False),
        ("丙 丁", False, True, False, True),
        ("附：戊", False, True, False, False),
        ("己　庚", False, True, True, False),
        ("辛", False, True, False, False),
    ]


@pytest.mark.parametrize(
    ("raw", "folded"),
    [
        ("a  b\t\n c", "a b c"),
        ("甲\n  乙", "甲乙"),
        ("甲\n a", "甲a"),
        ("甲  乙", "甲 乙"),
        ("甲\xa0\xa0乙", "甲 乙"),
        ("甲\u3000乙", "甲\u3000乙"),
        ("甲\u200b乙\ufeff丙\u00ad", "甲乙丙"),
    ],
)
def test_fold(raw: str, folded: str) -> None:
    assert fold(raw) == folded


# Hard-wrapped text


def wrapped(measure: int) -> list[list[str]]:
    """The sample paragraphs broken after at most ``measure`` cells, never inside a number."""
    broken = []
    for paragraph in PARAGRAPHS:
        rows = [""]
        for char in paragraph:
            if width(rows[-1] + char) > measure and not (char.isdigit() and rows[-1][-1].isdigit()):
                rows.append("")
            rows[-1] += char
        broken.append(rows)
    return broken


@pytest.mark.parametrize("measure", [50, 58, 70])
@pytest.mark.parametrize(
    "markup",
    ["{}<br>", "<p>{}</p>", "<div>{}</div>", "<p><span>{}</span></p><p>&nbsp;</p>", "　{} <br>\n"],
)
def test_hard_wrapped_lines_are_joined(measure: int, markup: str) -> None:
    rows = [row for rows in wrapped(measure) for row in rows]
    found = lines("".join(markup.format(row) for row in ["黑龙江：", *rows, "摘自《样例报》"]))
    assert is_hard_wrapped(found)
    joined = [line.text for line in paragraphs_of(found, stands_alone)]
    assert joined == ["黑龙江：", *PARAGRAPHS, "摘自《样例报》"]


def test_blocks_end_paragraphs_where_lines_are_broken_with_br() -> None:
    full = "字" * 24 + "，"
    html = "".join(f"<p>{full}<br>{full}<br>{full}</p>" for _ in range(3))
    assert [len(line.text) for line in paragraphs_of(lines(html), stands_alone)] == [75, 75, 75]


def test_indents_begin_paragraphs() -> None:
    full = "字" * 23
    html = "<br>".join(["　　" + full, full + "字字", full + "字字", "　　" + full, full + "字。"])
    joined = paragraphs_of(lines(html), stands_alone)
    assert [len(line.text) for line in joined] == [73, 48]


def test_a_line_far_too_short_was_not_broken() -> None:
    full = "字" * 24 + "，"
    html = "<br>".join(["部里开展督查", full, full, full, "完。", "厅里召开会议", full, "完。"])
    assert [line.text[:2] for line in paragraphs_of(lines(html), stands_alone)] == [
        "部里", "字字", "厅里", "字字",
    ]  # fmt: skip


def test_paragraphs_stay_as_they_are() -> None:
    html = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
    assert [line.text for line in paragraphs_of(lines(html), stands_alone)] == PARAGRAPHS


def test_rows_are_never_joined() -> None:
    full = "字" * 24 + "，"
    row = f"<table><tr><td>{'甲' * 10}</td><td>{'乙' * 13}</td></tr></table>"
    html = f"<p>{full}<br>{full}<br>{full}<br>完。</p>{row}{row}"
    assert [line.row for line in paragraphs_of(lines(html), stands_alone)] == [False, True, True]


# Anything at all

TAGS = ("p", "div", "span", "b", "a", "table", "tr", "td", "br", "ul", "li", "pre", "script", "h1")
PARTS = st.lists(
    st.one_of(
        st.sampled_from([f"<{tag}>" for tag in TAGS] + [f"</{tag}>" for tag in TAGS]),
        st.sampled_from(["甲", "二〇", " ", "\n", "　", "&nbsp;", "<", ">", "&lt;", "<!--", "-->"]),
    ),
    max_size=60,
)


def check_nesting(parts: list[str]) -> None:
    root = parse("".join(parts))
    if root is None:
        return
    found = lines_of(root)
    assert all(line.text and line.text == line.text.strip() for line in found)
    assert not any("\n" in line.text for line in found)
    shown = "".join("".join(line.text.split()) for line in found)
    assert shown == "".join(text_of(root).split())
    assert "".join(line.text for line in paragraphs_of(found, stands_alone)) == "".join(
        line.text for line in found
    )


@given(PARTS)
def test_any_nesting(parts: list[str]) -> None:
    check_nesting(parts)


@pytest.mark.parametrize("tag", ["span", "div", "b", "a", "table", "td", "ul", "font", "p"])
def test_deep_nesting_loses_no_word(tag: str) -> None:
    html = f"甲{f'<{tag}>乙' * 10_000}{f'</{tag}>' * 10_000}丙"
    began = time.process_time()
    shown = "".join(texts(html)).replace("　", "")
    assert shown == "甲" + "乙" * 10_000 + "丙"
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "part",
    [
        "<p>字字，字</p>",
        "<br>",
        "字",
        "<td>字</td>",
        "<tr><td>字<td>字</tr>",
        "<b>字",
        "</p>",
        "\n ",
    ],
)
def test_large_bodies_cost_linear_time(part: str) -> None:
    def seconds(size: int) -> float:
        began = time.process_time()
        texts("<table>" + part * (size // len(part.encode())))
        return time.process_time() - began

    seconds(100_000)
    assert seconds(800_000) < 7 * seconds(200_000) + 0.3


WRITTEN = st.text("甲乙，a \u3000\xa0\u200b\n", min_size=1, max_size=6)
BLOCKS = st.lists(
    st.tuples(st.sampled_from(["p", "div", "li"]), st.sampled_from(["i", "b", "a"]), WRITTEN),
    min_size=1,
    max_size=4,
)


@settings(max_examples=min(100, settings().max_examples))
@given(BLOCKS, st.integers(0, 6))
@example([("p", "i", "\u3000\u3000甲")], 2)
def test_text_cut_into_pieces_makes_the_same_lines(
    blocks: list[tuple[str, str, str]], cut: int
) -> None:
    whole = "".join(f"<{tag}><{mark}>{text}</{mark}></{tag}>" for tag, mark, text in blocks)
    pieces = "".join(
        f"<{tag}><{mark}><u>{text[:cut]}</u><u>{text[cut:]}</u></{mark}></{tag}>"
        for tag, mark, text in blocks
    )
    assert lines(pieces) == lines(whole)


@settings(max_examples=min(100, settings().max_examples))
@given(BLOCKS)
def test_space_between_blocks_makes_no_difference(blocks: list[tuple[str, str, str]]) -> None:
    made = [f"<{tag}><{mark}>{text}</{mark}></{tag}>" for tag, mark, text in blocks]
    assert lines("\n \t".join(made)) == lines("".join(made))
