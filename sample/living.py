"""The living site: the sample site over thirty nights, each as ``living_story`` tells it.

``living_site(night)`` is the whole site of a night, for ``sample.server.serve``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from sample import hostile, layouts
from sample import living_story as story
from sample.answers import Request, Response, not_found
from sample.layouts import Era, Page, address
from sample.server import SampleSite, newest_first

HOME = "https://www.living.example"


@dataclass
class LivingSite(SampleSite):
    """The sample site on one night of the story.

    ``arrivals`` are documents that reach the list of 地方信息 five at a time, after each list page
    that is asked for.
    """

    arrivals: list[Page] = field(default_factory=list)
    _refused: set[str] = field(default_factory=set, repr=False)

    def column(self, name: str) -> list[Page]:
        """The rows of a column's list, in the order of the night."""
        also = story.LISTED_TOO
        waiting = {page.id for page in self.arrivals}
        rows = newest_first(
            page
            for page in self.pages
            if name in (page.column, also.get(page.id)) and self._is_listed(page, waiting)
        )
        if name != "dfxx":
            return rows
        nights, key = story.PINNED
        if self.night == story.BY_TITLE:
            rows.sort(key=lambda page: page.title)
        if self.night in story.CUT:
            rows = rows[:60]
        pinned = [page for page in rows if page.id == key] if self.night in nights else []
        return pinned + rows

    def _is_listed(self, page: Page, waiting: set[int]) -> bool:
        """Documents that answer 404 or 410 are off the lists too, soft ones are not."""
        if page.id in waiting:
            return False
        return not any(
            page.id == key and self.night in nights and answer(self.era).status in (404, 410)
            for nights, key, answer in story.TAKEN_DOWN
        )

    def respond(self, request: Request) -> Response:
        """The night's trouble where there is one, else the site's own answer."""
        if trouble := story.EVERYWHERE.get(self.night):
            return trouble(self.era)
        if self.night == story.BUSY and self._refuses(request.target):
            busy = hostile.text("<html><title>503</title><body>繁忙</body></html>", 503)
            return replace(busy, headers=(("Retry-After", "1"),))
        if self.night == story.RENUMBERED and "/dfxx/index" in request.path:
            request = _renumbered(request)
        if request.path == "/404.html":
            return replace(not_found(), status=200)
        return super().respond(request)

    def _refuses(self, target: str) -> bool:
        """Whether an address is of the share that is busy, and asked for the first time."""
        with self._lock:
            if sum(target.encode()) % story.BUSY_SHARE or target in self._refused:
                return False
            self._refused.add(target)
            return True

    def _list(self, request: Request) -> Response | None:
        answer = super()._list(request)
        if answer is not None and "/dfxx/" in request.path:
            with self._lock:
                del self.arrivals[:5]
        return answer

    def _page(self, page: Page) -> Response:
        """A page as its template shows it tonight, in the charset and with the validators of it."""
        html = layouts.detail(page, self.era, "" if self.era == "A" else self._made())
        shown = story.shown_day(page, self.night)
        html = html.replace(f"{page.published:%Y-%m-%d}", f"{shown:%Y-%m-%d}")
        for since, until, change in COSMETICS:
            if since <= self.night <= until:
                html = change(html, page, self.night)
        stable = re.sub(r'"MakeTime" content="[^"]*"', "", html)
        answer = self._static(stable.encode(), "", page.revised or page.published)
        answer = replace(answer, body=html.encode(), content_type=_content_type(self.era))
        if self.night in story.WRONG_CHARSET:
            answer = wrong_charset(answer, page.id)
        return self._validated(answer)

    def _validated(self, answer: Response) -> Response:
        if self.night in story.NO_VALIDATORS:
            return replace(answer, etag=None, modified=None)
        if self.night in story.NEW_VALIDATORS:
            day = story.day_of(self.night)
            self._made()
            changed = datetime(day.year, day.month, day.day, tzinfo=UTC)
            return replace(answer, etag=f'"{self.night}-{self.builds}"', modified=changed)
        return answer

    def _tonight(self) -> date:
        return story.day_of(self.night)


def _content_type(era: Era) -> str:
    """The Content-Type of an era's pages; era A's server names no charset."""
    return "text/html" if era == "A" else "text/html; charset=utf-8"


def wrong_charset(answer: Response, key: int) -> Response:
    """The same page under charsets that contradict each other, in one of four ways."""
    html = answer.body.decode()
    declared = html.replace('charset="utf-8"', 'charset="gb2312"')
    # 镕 is a character that GB 2312 does not have.
    ways = (
        ("text/html; charset=gb2312", html.encode("gb18030")),
        ("text/html; charset=gb2312", html.encode()),
        ("text/html", declared.replace("样例页面", "镕样例页面").encode("gb18030")),
        ("text/html; charset=iso-8859-1", declared.encode()),
    )
    content_type, body = ways[key % 4]
    return replace(answer, content_type=content_type, body=body)


def _renumbered(request: Request) -> Request:
    """index_1 for the second page: one less than the number asked for."""
    found = re.search(r"index_(\d+)", request.path)
    if not found:
        return request
    path = request.path.replace(found[0], f"index_{int(found[1]) + 1}")
    return replace(request, path=path, target=path)


# Changes of the template that say nothing: first and last night, and the change.


def _skin(html: str, page: Page, night: int) -> str:
    html = html.replace("/images/css.css", f"/images/css_{night}.css")
    return html.replace("<body>", '<body class="skin-red">')


def _footer(html: str, page: Page, night: int) -> str:
    return html.replace("版权所有，", "版权所有 © 2018—2026，")


def _font_bar(html: str, page: Page, night: int) -> str:
    return html.replace("字体：", "【字号】").replace('"javascript:doZoom(16)"', '"#big"')


def _attributes(html: str, page: Page, night: int) -> str:
    html = html.replace('<td class="tit" align="center">', '<td align="center" class="tit">')
    return html.replace('<div class="union">', '<div style="font-size:14px" class="union" id="z">')


def _counter(html: str, page: Page, night: int) -> str:
    shown = f"浏览次数：<span id='hits'>{page.id % 977 + night * 13}</span>　【字号】"
    return html.replace("【字号】", shown)


def _token(html: str, page: Page, night: int) -> str:
    token = f'<input type="hidden" name="_csrf" value="{page.id * night:x}">'
    return html.replace("</body>", token + "</body>")


def _advertisement(html: str, page: Page, night: int) -> str:
    block = '<div class="gg"><a href="/zt/2026/"><img src="/zt/gg.gif" alt="专题"></a></div>'
    return html.replace('<div class="foot">', f'{block}<div class="foot">')


def _links(html: str, page: Page, night: int) -> str:
    """Attachments by a whole address, first http, later https, with a session id that changes."""
    scheme = "http" if night < 16 else "https"
    whole = rf'href="{scheme}://www.living.example\1;jsessionid={page.id * (night + 1):X}"'
    return re.sub(r'href="(/[^"?]+\.(?:pdf|xlsx))"', whole, html)


COSMETICS: tuple[tuple[int, int, Callable[[str, Page, int], str]], ...] = (
    (3, 4, lambda html, page, night: _skin(html, page, 3)),
    (5, 99, _footer),
    (6, 99, _font_bar),
    (6, 99, _attributes),
    (8, 10, _counter),
    (8, 10, _token),
    (11, 99, _advertisement),
    (15, 17, _links),
)


def living_site(night: int, oldest: date = story.OLDEST) -> LivingSite:
    """The site as it is on a night, 1 to 30, or 0 for the crawl six weeks before.

    A smaller one has documents of the day ``oldest`` or later only.
    """
    era = story.era_of(night)
    pages = story.documents(night, oldest)
    site = LivingSite(era, pages, night)
    arriving, late = story.ARRIVING
    if night == arriving:
        site.arrivals = [page for page in pages if page.id in late]
    for page in pages:
        if (answer := _in_place(page, night)) is not None:
            site.routes[address(page, era)] = answer(era)
    return site


def _in_place(page: Page, night: int) -> story.Answer | None:
    if night in story.EVERY_PAGE:
        return story.EVERY_PAGE[night]
    for nights, key, answer in story.TAKEN_DOWN:
        if key == page.id and night in nights:
            return answer
    return story.IN_PLACE.get(night, {}).get(page.id)
