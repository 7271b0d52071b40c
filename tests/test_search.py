"""Folding, queries and snippets. All texts are written by us (样例)."""

from __future__ import annotations

import doctest
import html
import importlib
import re
import sqlite3
import sys
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.search import (
    Index,
    InvalidQuery,
    Query,
    fold,
    fold_with_map,
    parse,
    plain,
    snippet,
    units,
)
from archive.search.fold import TRADITIONAL, original_span
from archive.search.tokens import units_of, written_units

MODULES = ("", ".find", ".fold", ".grammar", ".index", ".query", ".snippet", ".terms")
ANY_TEXT = st.text(st.characters(exclude_categories=()))
# What folding finds hard: marks, jamo, half-width kana, joiners, expansions, surrogates.
HARD = st.text(
    "aeAİIßΣς\u0301\u0307\u0323\u0345\u200b\u200d\ufe0f\U000e0100ｶﾞﾟかが\u3099한\u1112\u1161\u11ab"
    "\u1160\u3164㎡①½ﷺ℃ﬁ…⻓⼀龍𠮷豈\ud800\udc00\x00\n\u3000 \u09c7\u09be10１"
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name: str) -> None:
    importlib.import_module(f"archive.search{name}")
    assert doctest.testmod(sys.modules[f"archive.search{name}"]).failed == 0


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("２０２０年５月", "2020年5月"),
        ("ＣＯＶＩＤ－１９", "covid-19"),
        ("龍", "龙"),
        ("脫貧攻堅", "脱贫攻坚"),
        ("乾隆年間於臺灣", "干隆年间于台湾"),
        ("薴", "苎"),
        ("120㎡、25℃", "120m2、25°c"),
        ("PM₂.₅", "pm2.5"),
        ("ＰＭ２．５", "pm2.5"),
        ("①2020年½", "①2020年½"),
        ("⑴⒈㈠㊀", "(1)1.(一)一"),
        ("Ⅲ级", "iii级"),
        ("Windows™", "windows™"),
        ("ﷺ´", "ﷺ´"),
        ("ﬁne Straße", "fine strasse"),
        ("İstanbul", "istanbul"),
        ("ΑΣ ας", "ας ας".replace("ς", "σ")),
        ("e\u0301", "é"),
        ("e\u200d\u0301", "é"),
        ("ｶﾞｽ", "ガス"),
        ("\u1112\u1161\u11ab글", "한글"),
        ("⻓江⺠生⼀⻰", "长江民生一龙"),
        ("豈\uf900", "岂岂"),
        ("危房\u200b改\u00ad造\ufeff", "危房改造"),
        ("葛\U000e0100城", "葛城"),
        ("𠮷野家", "𠮷野家"),
        ("甲\u3000乙\u00a0丙\n丁\t戊\x00己\u0085庚", "甲 乙 丙 丁 戊 己 庚"),
        ("甲\ud800乙", "甲 乙"),
        ("（《“‘’”》）：；，。", "(《“‘’”》):;,。"),
        ("", ""),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_fold_of_every_character() -> None:
    """Folding again changes nothing, whitespace is spaces, and characters of tokens are free."""
    taken = {chr(code + 0xFEE0) for code in range(0x21, 0x7F)} | {"\x80"}
    for code in (*range(0x32000), *range(0xE0000, 0xE0200), 0xF0000, 0x10FFFF):
        folded = fold(chr(code))
        assert fold(folded) == folded, hex(code)
        assert folded == " " or not any(c.isspace() for c in folded), hex(code)
        assert taken.isdisjoint(folded), hex(code)


def test_traditional_table() -> None:
    assert len(TRADITIONAL) == 4105
    assert TRADITIONAL["龍"] == "龙"
    assert TRADITIONAL.keys().isdisjoint(TRADITIONAL.values())
    assert all(len(k) == len(v) == 1 for k, v in TRADITIONAL.items())


@given(st.one_of(ANY_TEXT, HARD))
def test_folding_holds(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    mapped, positions = fold_with_map(text)
    assert mapped == folded
    assert len(positions) == len(folded) + 1
    assert positions == sorted(positions)
    assert positions[-1] == len(text)
    for start in range(len(folded)):
        left, right = original_span(positions, start, start + 1)
        assert folded[start] in fold(text[left:right])
        assert left < right
    assert "".join("".join(stretch) for stretch in units(folded)) == folded.replace(" ", "")


def test_fold_agrees_with_nfkc_on_width_and_composition() -> None:
    for code in (*range(0xFF01, 0xFFDD), *range(0xAC00, 0xAD00), *range(0x2F800, 0x2FA1E)):
        plain_form = unicodedata.normalize("NFKC", chr(code))
        if unicodedata.category(chr(code)) != "Cn" and plain_form.strip("\u1160"):
            assert fold(chr(code)) == fold(plain_form), hex(code)


def test_fold_speed() -> None:
    text = "2020年5月，全省召开農村危房改造推进会，计划完成1.2万户（COVID-19期间）。样例" * 20_000
    start = time.perf_counter()
    fold(text)
    assert time.perf_counter() - start < 1.0  # 2 MB; measured at 50 MB/s


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("70天决战", [["70", "天", "决", "战"]]),
        ("covid-19 5g", [["covid", "-", "19"], ["5", "g"]]),
        ("1.2万户", [["1", ".", "2", "万", "户"]]),
        ("ガス한글ㄅ〇々", [["ガ", "ス", "한", "글", "ㄅ", "〇", "々"]]),
        ("①②½a", [["①", "②", "½", "a"]]),
        ("𠮷😀_x", [["𠮷", "😀", "_", "x"]]),
        ("été ٣٤", [["été"], ["٣٤"]]),
        ("  ", []),
    ],
)
def test_units(text: str, expected: list[list[str]]) -> None:
    assert units(text) == expected


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("危房改造", ("危房改造",)),
        ("  危房改造\u3000湖北\t", ("危房改造", "湖北")),
        ("龍 龙 危", ("龙", "危")),
        ("COVID-19", ("covid-19",)),
        ("NEAR(c)", ("near(c)",)),
        ("甲\x00乙", ("甲", "乙")),
        ("", ()),
        ("\u3000\u200b\ufeff\n", ()),
    ],
)
def test_parse(typed: str, words: tuple[str, ...]) -> None:
    assert parse(typed) == Query(words)


def test_a_query_that_is_too_long_is_refused_with_a_reason() -> None:
    assert parse("危" * 1000).words == ("危" * 1000,)
    with pytest.raises(InvalidQuery, match=r"最多 1,000 个字符，现有 10,000 个"):
        parse("危" * 10_000)


@pytest.mark.parametrize(
    ("typed", "text", "expected"),
    [
        ("2月1日", "截至12月1日", False),
        ("2月1日", "截至2月1日", True),
        ("2月1", "截至2月12日", False),
        ("OVID", "抗击COVID-19", False),
        ("covid", "抗击COVID-19", True),
        ("D-1", "抗击COVID-19", False),
        ("“-19”", "抗击COVID-19", True),
        ("-19", "抗击COVID-19", False),
        ("5G", "建成5G基站", True),
        ("G基", "建成5G基站", True),
        ("70天决战", "打响70天决战", True),
        ("0天", "打响70天决战", False),
        ("2万户", "1.2万户", True),
        ("2020年", "①2020年", True),
        ("m2", "面积120㎡。", True),
        ("脫貧攻堅", "决战脱贫攻坚", True),
        ("脱贫攻坚", "決戰脫貧攻堅", True),
        ("危房改造", "危房 改造", False),
        ("危房 改造", "改造危房", True),
        ("", "", True),
    ],
)
def test_matches(typed: str, text: str, *, expected: bool) -> None:
    assert parse(typed).matches(text) is expected


def test_as_many_levels_of_brackets_as_documented() -> None:
    """docs/search.md: more than 30 levels are words."""
    deep, too_deep = ("(甲 或 " * levels + "乙" + ")" * levels for levels in (30, 31))
    assert parse(deep).words == ("甲", "乙")
    assert "或" in parse(too_deep).words


def test_no_word_spans_two_texts() -> None:
    assert not parse("危房改造").matches("危房", "改造")
    assert parse("危房 改造").matches("危房", None, "改造")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("危房改造 湖北", "全部包含：“危房改造”“湖北”"),
        ("脫貧", "包含：“脱贫”"),
        ("\u3000", "没有检索词，显示全部"),
    ],
)
def test_describe(typed: str, said: str) -> None:
    assert parse(typed).describe() == said


def test_sql() -> None:
    db, index = sqlite3.connect(":memory:"), Index("entries", columns=("text", "title"))
    index.create(db)
    assert parse("危房 房屋 1.2").sql(db, index) == (
        'select "entries_fts_rows".key from "entries_fts" cross join "entries_fts_rows" '
        'on "entries_fts_rows".docid = "entries_fts".rowid where "entries_fts" match ?',
        ['("危房" AND "房屋" AND "1\x80． ．2\x80")'],
    )
    assert parse(" ").sql(db, index) == ('select "entries"."id" from "entries"', [])


SAMPLE = (
    "样例：一季度各地有序复工。黑龙江省召开农村危房改造推进会，要求６月底前完成。"
    "湖北省新开工1.2万户，质量安全<受控>。会议强调，脫貧攻堅&危房改造两手抓。"
)


@pytest.mark.parametrize(
    ("typed", "width", "shown"),
    [
        (  # begins with a sentence, because no match is lost by it
            "危房改造",
            30,
            "…黑龙江省召开农村<mark>危房改造</mark>推进会，要求６月底前完成。湖北省新开…",
        ),
        ("6月", 12, "…进会，要求<mark>６月</mark>底前完成。…"),
        ("脱贫攻坚 危房改造", 14, "…调，<mark>脫貧攻堅</mark>&amp;<mark>危房改造</mark>两手抓…"),
        ("<受控>", 8, "…安全<mark>&lt;受控&gt;</mark>。会…"),
        ("不在其中", 10, "样例：一季度各地有序…"),
        ("", 10, "样例：一季度各地有序…"),
        ("一季度", 200, None),
    ],
)
def test_snippet(typed: str, width: int, shown: str | None) -> None:
    if shown is None:
        shown = html.escape(SAMPLE).replace("一季度", "<mark>一季度</mark>")
    assert snippet(SAMPLE, parse(typed), width) == shown


def test_snippet_marks_several_words_and_overlaps() -> None:
    assert snippet("危房改造", parse("危房改 房改造 改造")) == (
        "<mark>危房改</mark><mark>造</mark>"
    )
    assert snippet("面积㎡与㎡。", parse("m2")) == "面积<mark>㎡</mark>与<mark>㎡</mark>。"
    assert snippet("面积㎡", parse("2")) == "面积<mark>㎡</mark>"


def test_snippet_is_one_line_and_plain_has_no_marks() -> None:
    assert snippet("甲\n乙\x00\ud800<丙>", parse("丙")) == "甲 乙  &lt;<mark>丙</mark>&gt;"
    assert plain("甲\n<丙>&", parse("丙")) == "甲 <丙>&"
    assert snippet(None, parse("丙")) == plain("", parse("丙")) == ""


@given(st.one_of(ANY_TEXT, HARD), st.one_of(ANY_TEXT, HARD), st.integers(1, 30))
def test_snippet_shows_the_text_and_only_marks_matches(text: str, typed: str, width: int) -> None:
    query = parse(typed[:5])
    shown = snippet(text, query, width)
    bare = shown.replace("<mark>", "").replace("</mark>", "")
    assert html.unescape(bare) == html.unescape(html.escape(plain(text, query, width)))
    assert not re.search(r"<(?!/?mark>)", shown)
    assert len(plain(text, query, width)) <= width + 2
    shown.encode()  # nothing that a page cannot carry
    if query.words == query.terms != () and query.matches(text):
        assert "<mark>" in shown
    if not query.matches(text) and query.words == query.terms and len(query.words) <= 1:
        assert "<mark>" not in shown


@settings(max_examples=min(4_000, settings().max_examples))
@given(st.lists(st.one_of(st.none(), ANY_TEXT, HARD), max_size=5))
def test_units_are_the_same_for_a_title_met_before(texts: list[str | None]) -> None:
    for text in (*texts, *texts):
        assert units_of(text) == written_units(fold(text or ""))
