"""From a page's lines to a bulletin: origin, division into entries, provinces (样例)."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.captures.decode import decode
from archive.errors import Unreadable
from archive.normalise.bulletin_json import content_digest, to_json
from archive.normalise.bulletins import read_bulletin, series_and_issue
from archive.normalise.provinces import read_heading
from archive.normalise.segments import divide
from archive.parse.lines import Line
from archive.parse.origins import origin_of_credit, read_origin

SENTENCE = "5月8日，召开推进会，部署工作。"
OTHER = "5月9日，检查工地，督促整改。"

Shape = tuple[str, str | None, tuple[str, ...], str]


def shapes(title: str, *paragraphs: str | Line) -> tuple[str | None, list[Shape]]:
    given_lines = [Line(p) if isinstance(p, str) else p for p in paragraphs]
    lead, pieces = divide(title, given_lines)
    short: list[Shape] = [
        (piece.kind, piece.heading, tuple(code[:2] for code in piece.codes), piece.text)
        for piece in pieces
    ]
    return lead.text if lead else None, short


# Sections


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("黑龙江：", "吉林："),
        ("黑龙江", "吉林省"),
        ("【黑龙江】", "【吉林】"),
        ("一、黑龙江省", "二、吉林省"),
        ("■黑龙江", "■吉林"),
        ("（一）黑龙江", "（二）长春市"),
        ("哈尔滨：", "长春："),
    ],
)
@pytest.mark.parametrize("title", ["工作联播（二）", "全省工作推进会"])
def test_headings_in_lines_of_their_own(title: str, first: str, second: str) -> None:
    found = shapes(title, "导语。", first, SENTENCE, OTHER, second, SENTENCE)
    assert found == (
        "导语。",
        [
            ("section", first, ("23",), SENTENCE),
            ("section", first, ("23",), OTHER),
            ("section", second, ("22",), SENTENCE),
        ],
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("【黑龙江】", "【吉林】"),
        ("黑龙江：", "吉林："),
        ("1.黑龙江：", "2.吉林："),
        ("（黑龙江）", "（吉林）"),
        ("■黑龙江省：", "■吉林省："),
    ],
)
def test_run_in_headings(first: str, second: str) -> None:
    found = shapes("推进会", first + SENTENCE, OTHER, second + SENTENCE)
    assert found == (
        None,
        [
            ("section", first, ("23",), SENTENCE),
            ("section", first, ("23",), OTHER),
            ("section", second, ("22",), SENTENCE),
        ],
    )


def test_bold_run_in_headings() -> None:
    text = "全省老旧小区改造推进会召开，部署下半年重点工作。"
    found = shapes("联播", Line("黑龙江" + text, bold=3), Line("吉林" + text, bold=2))
    assert [(heading, body) for _, heading, _, body in found[1]] == [
        ("黑龙江", text),
        ("吉林", text),
    ]


def test_a_heading_followed_by_whitespace() -> None:
    text = "全省老旧小区改造推进会召开，部署下半年重点工作。"
    found = shapes("联播", "黑龙江　" + text, "吉林　　" + text)
    assert [(heading, body) for _, heading, _, body in found[1]] == [
        ("黑龙江", text),
        ("吉林", text),
    ]


def test_two_provinces_in_one_heading() -> None:
    _, found = shapes("联播", "四川、重庆：", SENTENCE)
    assert found == [("section", "四川、重庆：", ("51", "50"), SENTENCE)]


def test_headings_like_the_provinces_end_their_sections() -> None:
    _, found = shapes(
        "联播", "【黑龙江】", SENTENCE, "【部机关】", OTHER, "【长三角】" + OTHER, "【吉林】", OTHER
    )
    assert [(heading, codes) for _, heading, codes, _ in found] == [
        ("【黑龙江】", ("23",)),
        ("【部机关】", ()),
        ("【长三角】", ()),
        ("【吉林】", ("22",)),
    ]


def test_a_table_belongs_to_the_paragraph_before_it() -> None:
    row = Line("河北　石家庄", row=True)
    _, found = shapes("联播", "黑龙江：", SENTENCE, row, row, OTHER, "吉林：", row, SENTENCE)
    assert [text for _, _, _, text in found] == [
        f"{SENTENCE}\n河北　石家庄\n河北　石家庄", OTHER, "河北　石家庄", SENTENCE,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("title", "paragraphs"),
    [
        ("推进会", ["黑龙江：", SENTENCE]),
        ("推进会", [SENTENCE, "北京市", "天津市", "河北省"]),
        ("推进会", ["一、总体要求", SENTENCE, "二、重点任务", OTHER]),
        ("关于报送工作简报的通知", ["一、总体要求", SENTENCE, "二、重点任务", OTHER]),
        ("住房城乡建设部要求各地做好防汛工作", ["一、总体要求", SENTENCE, "二、重点任务", OTHER]),
        ("各地新闻发布工作", ["一、总体要求", SENTENCE, "二、重点任务", OTHER]),
        ("危房改造动态管理", ["一、总体要求", SENTENCE, "二、重点任务", OTHER]),
        ("一周要闻（5月第1周）", [SENTENCE, OTHER]),
        ("联播", ["一、甲地召开会议", SENTENCE]),
    ],
)
def test_articles(title: str, paragraphs: list[str]) -> None:
    assert shapes(title, *paragraphs) == (None, [("article", None, (), "\n".join(paragraphs))])


# Items


@pytest.mark.parametrize(
    "title",
    [
        "住建一周要闻",
        "各地动态",
        "各地信息",
        "水利各地快递（第3期）",
        "工作简报（第3期）",
        "信息摘编",
        "水利联播",
        "地方动态（二）",
    ],
)
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("一、部里召开会议", "二、厅里召开会议"),
        ("1.部里召开会议", "2.厅里召开会议"),
        ("①部里召开会议", "②厅里召开会议"),
        ("（一）部里召开会议", "（二）厅里召开会议"),
        ("●部里召开会议", "●厅里召开会议"),
        ("部里召开会议", "厅里召开会议"),
    ],
)
def test_items(title: str, first: str, second: str) -> None:
    assert shapes(title, "导语。", first, SENTENCE, OTHER, second, OTHER) == (
        "导语。",
        [("item", first, (), f"{SENTENCE}\n{OTHER}"), ("item", second, (), OTHER)],
    )


def test_numbers_inside_items_do_not_split_them() -> None:
    _, found = shapes(
        "一周要闻",
        "一、甲事",
        "（一）小事",
        SENTENCE,
        "1.更小的事",
        "（二）小事",
        OTHER,
        "二、乙事",
        OTHER,
    )
    assert [text for _, _, _, text in found] == [
        f"（一）小事\n{SENTENCE}\n1.更小的事\n（二）小事\n{OTHER}", OTHER,
    ]  # fmt: skip


def test_items_without_headings_of_their_own() -> None:
    _, found = shapes("简讯", "1." + SENTENCE, OTHER, "2." + OTHER)
    assert found == [
        ("item", None, (), f"1.{SENTENCE}\n{OTHER}"), ("item", None, (), f"2.{OTHER}"),
    ]  # fmt: skip


def test_a_title_with_a_province_heads_an_item() -> None:
    _, found = shapes("各地动态", "一、黑龙江：启动改造", SENTENCE, "二、长春市开展检查", OTHER)
    assert found == [
        ("item", "一、黑龙江：启动改造", ("23",), SENTENCE),
        ("item", "二、长春市开展检查", ("22",), OTHER),
    ]


# All of the text is in exactly one piece

BLOCKS = st.one_of(
    st.sampled_from(
        ["黑龙江：", "【吉林】", "一、四川", "■北京", "河南", "一、要闻", "（一）小节", "2.事项",
         "甲地开会", "【综合】", "【浙江】" + SENTENCE,
         "安徽：" + OTHER, "湖南：好", "●" + SENTENCE,
         SENTENCE, OTHER]
    ),
    st.text(alphabet="甲乙丙。，：、一二【】（）1.黑龙江吉林省　 ", min_size=1, max_size=30).map(
        lambda text: text.strip(" \u3000") or "甲"
    ),
)  # fmt: skip
BODIES = st.lists(st.builds(Line, BLOCKS, row=st.booleans(), bold=st.integers(0, 3)), max_size=14)
TITLES = st.sampled_from(["推进会", "工作联播（二）", "一周要闻", "各地动态", "关于简报的通知"])


def check_division(title: str, body: list[Line]) -> None:
    lead, pieces = divide(title, body)
    parts = [part for piece in [lead, *pieces] if piece for part in piece.text.split("\n")]
    headings = {piece.heading for piece in pieces if piece.heading}
    names = {heading.rstrip(" \u3000：:") for heading in headings}
    assert pieces
    assert {piece.kind for piece in pieces} <= {"section", "item", "article"}
    for line in body:
        if parts and parts[0] == line.text:
            parts.pop(0)
        elif line.text not in headings and read_heading(line.text) is None:
            before = line.text.removesuffix(parts.pop(0))
            assert before.rstrip(" \u3000：:") in names
    assert parts in ([], [""])


@given(TITLES, BODIES)
def test_every_word_is_in_one_piece(title: str, body: list[Line]) -> None:
    check_division(title, body)


# Origins


@pytest.mark.parametrize(
    ("line", "publication", "section", "day"),
    [
        ("摘自　《样例报•脱贫攻坚》　2020.05.13", "样例报", "脱贫攻坚", "2020-05-13"),
        ("摘自《样例报·城建》2020年5月13日", "样例报", "城建", "2020-05-13"),
        ("来源：中国建设报 2020-05-13", "中国建设报", None, "2020-05-13"),
        ("来源: 中国政府网 2021-03-05 09:30", "中国政府网", None, "2021-03-05"),
        ("（来源：新华社）", "新华社", None, None),
        ("【来源：科技日报】", "科技日报", None, None),
        ("转自：《农民日报》", "农民日报", None, None),
        ("稿源：光明网", "光明网", None, None),
        ("（《样例报》2020年5月13日 记者 某某）", "样例报", None, "2020-05-13"),
        ("（摘自《样例报》2020年5月13日第3版 记者 某某、某某某）", "样例报", None, "2020-05-13"),
        ("（摘自 2020年5月13日《样例报》）", "样例报", None, "2020-05-13"),
        ("《样例报》（2020年5月13日 第1版）", "样例报", None, "2020-05-13"),
        ("（样例报记者 某某）", "样例报", None, None),
        ("来源：样例报 作者：某某 发布时间：2020-05-13", "样例报", None, "2020-05-13"),
        ("来源：样例省住房和城乡建设厅", "样例省住房和城乡建设厅", None, None),
        ("来源：21世纪经济报道", "21世纪经济报道", None, None),
        ("摘自《样例报》2020.02.30", "样例报", None, None),
    ],
)
def test_origins(line: str, publication: str, section: str | None, day: str | None) -> None:
    found = read_origin(f"　{line} ")
    assert found is not None
    assert (found.literal, found.publication, found.section) == (line, publication, section)
    assert (found.date and found.date.isoformat()) == day


@pytest.mark.parametrize(
    "line",
    [
        "《中华人民共和国城乡规划法》", "《样例报》", "样例报", "（本报记者 某某）",
        "据新华社报道，5月13日开工。",
        "来源：所称来源是指水源、气源，下同。", "资金来源：财政拨款", "摘自", "2020年5月13日", "",
        "来源" * 60,
    ],
)  # fmt: skip
def test_what_is_not_an_origin(line: str) -> None:
    assert read_origin(line) is None


@pytest.mark.parametrize(
    ("credit", "publication", "day"),
    [
        ("中国建设报", "中国建设报", None),
        ("中国建设报 2020-05-13", "中国建设报", date(2020, 5, 13)),
        ("人民网-文化频道", "人民网-文化频道", None),
        ("法规司", None, None),
        ("国家能源局", None, None),
    ],
)
def test_credits(credit: str, publication: str | None, day: date | None) -> None:
    found = origin_of_credit(credit)
    assert (found.publication, found.date) == (publication, day) if found else publication is None


# Series


@pytest.mark.parametrize(
    ("title", "series", "issue"),
    [
        ("战况联播（二）", "战况联播", 2),
        ("战况联播（二十一）", "战况联播", 21),
        ("地方动态(12)", "地方动态", 12),
        ("工作简报（第3期）", "工作简报", 3),
        ("工作简报第一百零三期", "工作简报", 103),
        ("工作简报第二〇期", "工作简报", 20),
        ("住建简报2020年第3期", "住建简报", 3),
        ("住建简报（2020年第3期）", "住建简报", 3),
        ("工作简报〔2020〕第12期（总第345期）", "工作简报", 12),
        ("水利简报 2021年第5期 总第101期", "水利简报", 5),
        ("年鉴（2020）", None, None),
        ("一周要闻（5月第1周）", None, None),
        ("管理办法（试行）", None, None),
        ("第3期", None, None),
        ("（二）", None, None),
        ("", None, None),
    ],
)
def test_series_and_issue(title: str, series: str | None, issue: int | None) -> None:
    assert series_and_issue(title) == (series, issue)


# Whole bulletins


def page(title: str, body: str, source: str = "") -> str:
    return (
        f'<html><head><meta name="ArticleTitle" content="{title}"><meta name="PubDate" content='
        f'"2020-05-28"><meta name="ContentSource" content="{source}"></head><body>'
        f'<div class="editor-content">{body}</div></body></html>'
    )


def bulletin(title: str, body: str, source: str = "") -> dict[str, Any]:
    return to_json(read_bulletin(page(title, body, source), None))


@pytest.mark.parametrize(
    ("source", "body", "publication", "issuer", "anchor"),
    [
        ("", "<p>摘自《样例报》2020.05.13</p>", "样例报", None, "2020-05-13"),
        ("办公厅", "<p>摘自《样例报》2020.05.13</p>", "样例报", "办公厅", "2020-05-13"),
        ("中国建设报", "", "中国建设报", None, "2020-05-28"),
        ("中国建设报", "<p>来源：样例报 2020-05-13</p>", "样例报", None, "2020-05-13"),
        ("", "<p>来源：样例省水利厅</p>", None, "样例省水利厅", "2020-05-28"),
        ("法规司", "", None, "法规司", "2020-05-28"),
        ("", "", None, None, "2020-05-28"),
    ],
)
def test_origin_and_issuer(
    source: str, body: str, publication: str | None, issuer: str | None, anchor: str
) -> None:
    found = bulletin("推进会召开", f"<p>{SENTENCE}</p>{body}", source)
    assert (found["origin"] and found["origin"]["publication"]) == publication
    assert (found["issuer"], found["anchor"]) == (issuer, anchor)
    assert [entry["text"] for entry in found["entries"]] == [SENTENCE]


@pytest.mark.parametrize(
    ("title", "source", "body", "expected"),
    [
        ("推进会", "", "<p>一、黑龙江</p><p>甲。</p><p>二、吉林</p><p>乙。</p>",
         [["黑龙江", "heading"], ["吉林", "heading"]]),
        ("哈尔滨市推进会", "吉林省水利厅", f"<p>{SENTENCE}</p>", [["黑龙江", "title"]]),
        ("推进会", "吉林省水利厅", f"<p>{SENTENCE}</p>", [["吉林", "issuer"]]),
        ("推进会", "法规司", "<p>5月8日，四川省甘孜县召开会议。</p>", [["四川", "place"]]),
        ("推进会", "", f"<p>{SENTENCE}</p>", []),
        ("参加上海合作组织会议", "", f"<p>北京时间8时开幕。{SENTENCE}</p>", []),
        ("防汛", "上海合作组织秘书处", f"<p>{SENTENCE}</p>", []),
        ("各地动态", "", f"<p>一、青海省推进会</p><p>{SENTENCE}</p><p>二、推进会</p><p>{OTHER}</p>",
         [["青海", "heading"]]),
    ],
)  # fmt: skip
def test_provinces_by_basis(title: str, source: str, body: str, expected: list[list[str]]) -> None:
    found = bulletin(title, body, source)
    assert [
        [province["short"], province["basis"]]
        for entry in found["entries"]
        for province in entry["provinces"]
    ] == expected


def test_seq_and_lead() -> None:
    body = f"<p>导语。</p><p>青海：</p><p>{SENTENCE}</p><p>{OTHER}</p>"
    found = bulletin("联播（二）", body)
    assert (found["series"], found["issue"]) == ("联播", 2)
    assert (found["lead"]["seq"], found["lead"]["kind"], found["lead"]["text"]) == (
        0,
        "lead",
        "导语。",
    )
    assert [(entry["seq"], entry["kind"]) for entry in found["entries"]] == [
        (1, "section"), (2, "section"),
    ]  # fmt: skip


def test_a_digest_follows_what_the_ministry_said() -> None:
    def digest(*args: str) -> str:
        return content_digest(read_bulletin(page(*args), None))

    said = digest("推进会", f"<p>{SENTENCE}</p>")
    assert said == digest("推进会", f"<div>{SENTENCE}</div><script>1</script>", "法规司")
    assert said != digest("推进会议", f"<p>{SENTENCE}</p>")
    assert said != digest("推进会", f"<p>{OTHER}</p>")
    assert said != digest("推进会", f"<p>{SENTENCE}</p><p>来源：样例报</p>")


# The real bulletin


def real_bodies(shared: Path) -> dict[str, str]:
    lines = (shared / "bulletins" / "lianbo-2.txt").read_text(encoding="utf-8").split("\n")[2:]
    gold = gold_of(shared)
    paragraphs = [gold["lead"]["text"]]
    heading = None
    for entry in gold["entries"]:
        if entry["heading"] != heading:
            heading = entry["heading"]
            paragraphs.append(heading)
        paragraphs.append(entry["text"])
    paragraphs.append(gold["origin"]["literal"])
    return {
        "br": "<br>\n".join(lines),
        "p each": "".join(f"<p>{line}</p>\n" for line in lines),
        "div each": "".join(f"<div><span>{line}</span></div>" for line in lines),
        "pre": "<pre>" + "\n".join(lines) + "</pre>",
        "paragraphs": "".join(f"<p>　　{text}</p>" for text in paragraphs),
        "bold": "".join(f"<p><b>{t}</b></p>" if len(t) < 9 else f"<p>{t}</p>" for t in paragraphs),
        "run-in": "".join(f"<p>{t}" if len(t) < 9 else f"{t}</p>" for t in paragraphs),
    }


def gold_of(shared: Path) -> dict[str, Any]:
    gold: dict[str, Any] = json.loads((shared / "bulletins" / "lianbo-2.gold.json").read_bytes())
    return gold


@pytest.mark.parametrize(
    "shape", ["br", "p each", "div each", "pre", "paragraphs", "bold", "run-in"]
)
def test_the_real_bulletin(shape: str, shared: Path) -> None:
    gold = gold_of(shared)
    found = bulletin(gold["title"], real_bodies(shared)[shape])
    for key in ("title", "series", "issue", "published", "origin", "anchor"):
        assert found[key] == gold[key]
    for key in ("heading", "text", "provinces", "kind"):
        assert [e[key] for e in found["entries"]] == [e[key] for e in gold["entries"]]
    assert found["lead"]["text"] == gold["lead"]["text"]


# Anything at all


def check_any_bytes(body: bytes) -> None:
    try:
        found = read_bulletin(decode(body), None, date(2020, 5, 28))
    except Unreadable:
        return
    assert found.entries
    for entry in found.entries:
        spans = [(m.offset, m.text) for m in entry.dates]
        spans += [(m.offset, m.text) for m in entry.places]
        assert all(entry.text.startswith(text, offset) for offset, text in spans)


WRAPPED = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=200).map(
        lambda text: page("联播", f"<p>{text}</p>").encode("utf-8", "ignore")
    ),
    st.lists(BLOCKS, max_size=12).map(
        lambda blocks: page("联播", "".join(f"<p>{b}</p>" for b in blocks)).encode("gb18030")
    ),
)


@given(WRAPPED)
def test_any_bytes_are_a_bulletin_or_a_named_error(body: bytes) -> None:
    check_any_bytes(body)


def test_a_page_without_a_date_counts_from_the_date_it_is_signed_with() -> None:
    text = "5月8日召开会议，研究农村危房改造工作，部署下一步任务，要求各地抓紧推进。"
    body = f"<html><body><h1>样例会议召开</h1><div id='zoom'><p>{text}</p>%s</div></body></html>"
    signed = read_bulletin(body % "<p>2020年5月13日</p>", None)
    assert (signed.published, signed.anchor) == (None, date(2020, 5, 13))
    assert signed.entries[0].event_start == date(2020, 5, 8)
    unsigned = read_bulletin(body % "", None)
    assert (unsigned.anchor, unsigned.entries[0].dates) == (None, ())
