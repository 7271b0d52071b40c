"""Pages of real weight: about 20 kB of HTML with a dozen paragraphs, made of the sample's texts.

Half are round-ups with a heading for each province, half are articles; every third is pasted from
a word processor. Around the text stand the menus, styles and scripts of a ministry's page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import count

from archive.captures.warc import Capture
from archive.sources import Source
from sample.body import is_heading, is_origin
from sample.bulletins import editions
from sample.layouts import detail
from sample.page import Page, address

PARAGRAPHS = 12
A_DAY = 5
_PROVINCES = (
    "黑龙江",
    "青海",
    "甘肃",
    "云南",
    "四川",
    "宁夏",
    "贵州",
    "新疆",
    "西藏",
    "广西",
    "吉林",
    "河北",
)
_FIRST_ID = 700_001


@cache
def _texts() -> tuple[str, ...]:
    """All whole paragraphs of the sample's texts."""
    return tuple(
        text
        for edition in editions()
        for text in edition.page.paragraphs
        if len(text) >= 60 and "\t" not in text and not is_heading(text) and not is_origin(text)
    )


def page(number: int) -> Page:
    """The page of a number from 0; no two have the same text in the same order."""
    texts = _texts()
    turn, start = divmod(number, len(texts))
    step = 1 + turn % (len(texts) - 1)
    # Two of the sample's short paragraphs make one of the usual length.
    taken = [texts[(start + step * i) % len(texts)] for i in range(2 * PARAGRAPHS)]
    body = [first + second for first, second in zip(taken[::2], taken[1::2], strict=True)]
    body[-1] += f"全年共办理{number}件。"
    title = f"样例建设各地情况第{number}号"
    if number % 2 == 0:
        title = f"样例建设联播（第{number}期）"
        heads = [f"{_PROVINCES[(number + i) % len(_PROVINCES)]}：" for i in range(PARAGRAPHS)]
        body = [line for pair in zip(heads, body, strict=True) for line in pair]
    model = editions()[0].page
    return replace(
        model,
        id=_FIRST_ID + number,
        title=title,
        published=model.published + timedelta(days=number // A_DAY),
        paragraphs=(*body, "摘自　《样例建设报》　2020.05.07"),
        style="word" if number % 3 == 0 else "plain",
        guid=None,
        encoding="utf-8",
        hard_wrapped=False,
    )


def html(page: Page) -> str:
    """The page as the site serves it, menus and scripts included."""
    menus, head = _frame()
    light = detail(page, "C")
    return light.replace("</head>", f"{head}</head>", 1).replace("<form", f"{menus}<form", 1)


@cache
def _frame() -> tuple[str, str]:
    """What a ministry's page has around its text: menus, and what belongs into its head."""
    menus = "".join(
        f'<div class="menu" id="menu_{place}"><h2>{name}省</h2><ul>'
        + "".join(
            f'<li class="item"><a href="/xinwen/{place}/{n}/index.html" target="_blank"'
            f' title="样例栏目{n}">样例栏目{n}</a></li>'
            for n in range(3)
        )
        + "</ul></div>\n"
        for place, name in enumerate(_PROVINCES)
    )
    style = "".join(
        f".menu_{n} li a:hover {{ color: #0{n % 10}5; margin: 0 {n}px; }}\n" for n in range(25)
    )
    script = "".join(
        f"$('#menu_{n}').mouseover(function () {{ $(this).addClass('on'); }});\n" for n in range(15)
    )
    return menus, f"<style>\n{style}</style>\n<script>\n{script}</script>\n"


def captures(source: Source) -> Iterator[Capture]:
    """Captures without end, each of another page at an address of its own."""
    for number in count():
        made = page(number)
        there = source.home + address(made, "C")
        yield Capture(
            url=there,
            address=there,
            source=source.slug,
            channel=made.column,
            role="page",
            fetched_at="2026-01-01T18:00:00Z",
            status=200,
            headers=(("Content-Type", "text/html; charset=utf-8"),),
            body=html(made).encode(),
        )
