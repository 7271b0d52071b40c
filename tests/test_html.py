"""One way to read HTML: its selectors, its rule for hidden text, its limits."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from archive.parse.html import (
    SILENT,
    SelectorError,
    check_selector,
    parse,
    pieces,
    select,
    shown_pieces,
    xml_texts,
)
from crawler.sources import load_sources
from sample import bulletins, layouts
from sample.demo import SOURCES

ARCHIVE = Path(__file__).parent.parent / "archive"


def shown(text: str) -> str:
    return "".join("".join(shown_pieces(text)).split())


def test_one_module_knows_the_html_libraries() -> None:
    named = re.compile(r"^\s*(?:from|import) (?:lxml|cssselect|bs4|soupsieve)\b", re.M)
    users = [path.name for path in ARCHIVE.rglob("*.py") if named.search(path.read_text("utf-8"))]
    assert users == ["html.py"]


# Selectors


@pytest.mark.parametrize(
    "selector",
    ["li", "li.date", "ul#div > li", "li:not([style])", "table[bgcolor='#ffffff']", "h1, .title",
     "div:nth-child(2n+1) ~ p", "a[href$='.pdf']", "*"],
)  # fmt: skip
def test_selectors_that_can_be_read(selector: str) -> None:
    check_selector(selector)


@pytest.mark.parametrize(
    "selector",
    [
        "",
        " ",
        "li[",
        "div..x",
        "li >",
        "#",
        ":nosuch",
        "li::before",
        "o|p",
        ":not(" * 5000,
    ],
)
def test_selectors_that_cannot_be_read(selector: str) -> None:
    with pytest.raises(SelectorError, match="CSS selector") as raised:
        check_selector(selector)
    assert repr(selector) in str(raised.value)
    root = parse("<p>甲")
    assert root is not None
    with pytest.raises(SelectorError):
        select(root, selector)


def test_the_selectors_of_all_sources_match_what_another_engine_matches() -> None:
    sources = load_sources([SOURCES]).values()
    selectors = {channel.rows for source in sources for channel in source.channels}
    for source in sources:
        for layout in source.layouts:
            selectors |= {*layout.title, *layout.published, *layout.body, *layout.attachments}
    eras: tuple[layouts.Era, ...] = ("A", "B", "C")
    pages = [layouts.detail(next(iter(bulletins.shown(era, 1))), era) for era in eras]
    pages.append("<ul><li class='a date'>甲</li><li class=date style=x>乙</li></ul><tr><td>丙")
    matched = 0
    for page in pages:
        root, soup = parse(page), BeautifulSoup(page, "lxml")
        assert root is not None
        for selector in selectors:
            names = [str(element.tag) for element in select(root, selector)]
            assert names == [element.name for element in soup.select(selector)], selector
            matched += len(names)
    assert matched > 10


# Text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("<p>甲 乙</p>丙", "甲乙丙"),
        ("甲<script>var a='<b>'</script>乙<style>p{}</style>丙<!-- <p>丁 -->戊", "甲乙丙戊"),
        ("<title>题</title>甲<noscript>乙</noscript>", "甲"),
        ("甲<script>没有结束", "甲"),
        ("甲<!-- 没有结束", "甲"),
        ("3 < 5 甲", "3<5甲"),
        ("甲<p", "甲"),
        ("<STYLE>x</STYLE>甲", "甲"),
        ("甲<div style='color:red; DISPLAY : none'>乙<p>丙</p></div>丁", "甲丁"),
        ("甲<textarea>乙</textarea><template><p>丙</p></template>丁", "甲丁"),
        ("", ""),
        ("<!-- 甲 -->", ""),
    ],
)
def test_hidden_text(text: str, seen: str) -> None:
    assert shown(text) == seen


def test_a_hidden_root_is_hidden_unless_it_is_asked_for() -> None:
    root = parse("<div style='display:none'>甲<p style='display:none'>乙</p></div>")
    assert root is not None
    hidden = select(root, "div")[0]
    assert list(pieces(hidden)) == []
    assert list(pieces(hidden, even_if_hidden=True)) == ["甲"]


def test_the_tree_holds_the_text_that_beautifulsoup_reads() -> None:
    count = 0
    eras: tuple[layouts.Era, ...] = ("A", "B", "C")
    for era in eras:
        for page in bulletins.shown(era, 1):
            text = layouts.detail(page, era)
            soup = BeautifulSoup(text, "lxml")
            for silent in soup.find_all(list(SILENT)):
                silent.decompose()
            assert shown(text) == "".join(soup.get_text().split())
            count += 1
    assert count > 60


@pytest.mark.parametrize("tag", ["div", "span", "td", "x-y"])
def test_no_word_is_lost_below_the_depth_that_libxml2_reads(tag: str) -> None:
    assert shown(f"甲{f'<{tag}>乙' * 5000}{f'</{tag}>丙' * 5000}丁") == (
        "甲" + "乙" * 5000 + "丙" * 5000 + "丁"
    )


@pytest.mark.parametrize(
    "part",
    ["<div>", "</div>甲", "<b>", "</b>甲", "<!--", "<![", "<![CDATA[", "<", "</", "&", "<p "],
)
def test_hostile_markup_costs_linear_time(part: str) -> None:
    def seconds(size: int) -> float:
        began = time.process_time()
        shown("<div>" * 3000 + part * (size // len(part)))
        return time.process_time() - began

    seconds(1000)
    assert seconds(800_000) < 7 * seconds(200_000) + 0.3


# XML


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<a><r>甲</r><r><![CDATA[<b>]]></r></a>", ["甲", "<b>"]),
        ("<?xml version='1.0' encoding='GB2312'?><a><r>镕</r>", ["镕"]),
        ("<a><r>甲", ["甲"]),
        ("<html><p>甲</html>", []),
        ("", []),
    ],
)
def test_xml_texts(text: str, expected: list[str]) -> None:
    assert xml_texts(text, "r") == expected
