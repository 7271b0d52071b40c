"""The sample's second ministry, 农业农村样例站: static lists and plain pages of its own layout.

Half of its bulletins are taken over from the first site, as ministries do: whole, cut, with another
headline or beginning. One it published a day before the first site did.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from sample.answers import HTML, Request, Response, not_found, text
from sample.body import body
from sample.bulletins import editions, parse
from sample.layouts import NOTE, page_count
from sample.page import Page
from sample.server import SampleSite, newest_first

ROWS = 6
COLUMNS = {"xxdt": "信息动态（样例）", "dfdt": "地方动态（样例）"}


@dataclass(frozen=True, slots=True)
class Taken:
    """A bulletin of the first site as this one shows it, ``days`` later.

    ``kept`` are its paragraphs, from 1, or all; ``lead`` stands in place of the first, ``credit``
    below the last.
    """

    id: int
    of: int
    days: int
    title: str | None = None
    kept: tuple[int, ...] = ()
    lead: str | None = None
    credit: str | None = None


TAKEN = (
    Taken(6340021, 245640, 2, credit="转自　青海省住房和城乡建设厅网站"),
    Taken(
        6340082,
        246033,
        3,
        title="西藏推广农房加固“三道筋”",
        credit="摘自　《样例建设报》　2020.08.06",
    ),
    Taken(
        6340133,
        246311,
        1,
        lead="羌寨怎样防火？四川省阿坝藏族羌族自治州的办法，是在寨子最高处修消防水池。",
    ),
    Taken(6340407, 249215, 4, title="吴忠把公厕画进一张图", kept=(1, 3)),
    Taken(6340588, 249548, -1),
    Taken(
        6341251,
        763302,
        3,
        title="那曲：高原公厕冬天也开门",
        credit="摘自　《样例建设报》　2022.04.10",
    ),
)

_SHELL = Template("""<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>$title</title>
<meta name="SiteName" content="农业农村样例站">$metas</head>
<body><div class="banner"><a href="/">农业农村样例站</a></div>
$content
<div class="foot"><p>$note</p></div></body></html>
""")
_DETAIL = Template("""<div class="path">首页 &gt; <a href="/$column/index.htm">$label</a></div>
<div class="article">
<h1 class="article-title">$title</h1>
<div class="article-info"><span class="date">日期：$day</span> <span>来源：$source</span></div>
<div class="article-text">
$body
</div>
</div>""")
_ROW = Template(
    '<li><span class="day">$day</span><a href="$address" title="$title">$title</a></li>'
)


def address(page: Page) -> str:
    """The path of a detail page."""
    day = page.published
    return f"/{page.column}/{day:%Y%m}/t{day:%Y%m%d}_{page.id}.htm"


def list_address(column: str, number: int) -> str:
    """The path of a list's page, from 1; the second is ``index_1.htm``."""
    return f"/{column}/index.htm" if number == 1 else f"/{column}/index_{number - 1}.htm"


@cache
def pages() -> tuple[Page, ...]:
    """What the site shows, the newest first: its own bulletins, and those taken over."""
    own = (files("sample") / "rural.txt").read_text(encoding="utf-8")
    return tuple(newest_first([*(edition.page for edition in parse(own)), *_taken()]))


def _taken() -> Iterator[Page]:
    first: dict[int, Page] = {}
    for edition in editions():
        first.setdefault(edition.page.id, edition.page)
    for taken in TAKEN:
        page = first[taken.of]
        kept = taken.kept or range(1, len(page.paragraphs) + 1)
        paragraphs = [page.paragraphs[number - 1] for number in kept]
        if taken.lead:
            paragraphs[0] = taken.lead
        yield replace(
            page,
            id=taken.id,
            title=taken.title or page.name,
            published=page.published + timedelta(days=taken.days),
            paragraphs=(*paragraphs, *([taken.credit] if taken.credit else [])),
            column="dfdt",
        )


def detail(page: Page) -> str:
    """A whole detail page."""
    metas = "".join(
        f'\n<meta name="{name}" content="{escape(value)}">'
        for name, value in (("ArticleTitle", page.name), ("PubDate", f"{page.published}"))
    )
    content = _DETAIL.substitute(
        column=page.column,
        label=COLUMNS[page.column],
        title=escape(page.name),
        day=page.published,
        source=escape(page.source or "本站"),
        body=body(page, "B"),
    )
    return _SHELL.substitute(title=escape(page.name), metas=metas, content=content, note=NOTE)


def list_page(column: str, shown: Sequence[Page], number: int) -> str:
    """A page of a list, from 1."""
    rows = "\n".join(
        _ROW.substitute(day=page.published, address=address(page), title=escape(page.name))
        for page in shown[(number - 1) * ROWS : number * ROWS]
    )
    content = f'<h2>{COLUMNS[column]}</h2>\n<ul class="article-list">\n{rows}\n</ul>'
    return _SHELL.substitute(title=COLUMNS[column], metas="", content=content, note=NOTE)


class RuralSite(SampleSite):
    """The site on any night; it changes nothing."""

    def __init__(self) -> None:
        super().__init__("B", pages())

    def _ordinary(self, request: Request) -> Response:
        if request.path == "/":
            links = "".join(f'<a href="{list_address(c, 1)}">{n}</a>' for c, n in COLUMNS.items())
            return text(_SHELL.substitute(title="首页", metas="", content=links, note=NOTE))
        for name in COLUMNS:
            shown = self.column(name)
            for number in range(1, page_count(len(shown), ROWS) + 1):
                if request.path == list_address(name, number):
                    return self._static(
                        list_page(name, shown, number).encode(), HTML, self._tonight()
                    )
        for page in self.pages:
            if request.path == address(page):
                return self._static(detail(page).encode(), HTML, page.published)
        return not_found()
