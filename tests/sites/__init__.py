"""Detail pages of many government sites, written for the tests, and how well each is read.

A file of ``first/`` or ``second/`` is what must be read from a page, in TOML, then ``+++`` and the
page as its publishing system serves it, with invented words (样例). In the page ``{title}`` and
``{1}``, ``{2}`` … stand for the expected title and paragraphs; ``{menu}``, ``{links}`` and
``{footer}`` for what is around a text on every site. The pages of ``second/`` were written after
the rules for those of ``first/``, and without looking at either again.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from archive.errors import Unreadable
from archive.parse.detail_page import read_page
from tests.pages import context

FOLDER = Path(__file__).parent
SETS = ("first", "second")
FIELDS = ("title", "published", "source", "right", "exact", "attachments")

_COLUMNS = ("首页", "政务公开", "政务服务", "互动交流", "数据发布", "走进样例", "专题专栏", "繁體")
_NEWS = (
    "样例市召开全市经济运行分析会", "样例县推进农村公路养护", "全市河长制工作会议召开",
    "样例区举办秋季招聘会", "样例局发布高温天气出行提示", "关于征集民生实事项目的公告",
)  # fmt: skip
MENU = (
    '<div class="top"><a href="/login">登录</a> | <a href="/wza">无障碍浏览</a></div>'
    '<div class="nav"><ul>'
    + "".join(f'<li><a href="/c{n}/">{name}</a></li>' for n, name in enumerate(_COLUMNS))
    + "</ul></div>"
)
LINKS = "".join(
    f'<li><a href="/xw/t{n}.html">{title}</a> <span>2019-0{n}-11</span></li>'
    for n, title in enumerate(_NEWS, start=1)
)
FOOTER = (
    '<div class="footer"><p><a href="/map.html">网站地图</a> | <a href="/us.html">关于我们</a></p>'
    "<p>主办：样例单位办公室　承办：样例信息中心　网站标识码：0000000000</p>"
    "<p>地址：样例市样例路1号，邮编：000000，建议使用1280×768以上分辨率浏览。</p></div>"
)


@dataclass(frozen=True)
class Reading:
    """What a page says, or what was read from it; ``published`` as YYYY-MM-DD, "" for none."""

    title: str = ""
    published: str = ""
    source: str = ""
    lines: tuple[str, ...] = ()
    attachments: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Site:
    """One page, its address, and what must be read from it."""

    name: str
    url: str
    html: str
    says: Reading


def sites(folder: str) -> list[Site]:
    """The pages of one set, in the order of their names."""
    return [_site(path) for path in sorted((FOLDER / folder).glob("*.html"))]


def _site(path: Path) -> Site:
    expected, _, html = path.read_text(encoding="utf-8").partition("\n+++\n")
    table = tomllib.loads(expected)
    lines = tuple(table["lines"])
    named = {"title": table["title"], "menu": MENU, "links": LINKS, "footer": FOOTER}
    named |= {str(number): line for number, line in enumerate(lines, start=1)}
    html = re.sub(r"\{(\w+)\}", lambda found: named[found[1]], html)
    files = tuple((url, text) for url, text in table.get("attachments", ()))
    says = Reading(table["title"], table["published"], table["source"], lines, files)
    return Site(path.stem, table["url"], html, says)


def read_by_us(site: Site) -> Reading:
    """A page as the archive reads it, of a source whose layouts it does not know."""
    try:
        page = read_page(site.html, context(site.url))
    except Unreadable:
        return Reading()
    return Reading(
        page.title,
        page.published.isoformat() if page.published else "",
        page.credit or "",
        tuple(line.text for line in page.lines),
        tuple((file.url, file.text) for file in page.attachments),
    )


def corpus_hash(folder: str) -> str:
    """SHA-256 over the names and pages of a set, as they are read, in the order of their names."""
    digest = hashlib.sha256()
    for site in sites(folder):
        digest.update(repr(site).encode() + b"\0")
    return digest.hexdigest()


def judged(says: Reading, found: Reading) -> dict[str, bool]:
    """Which fields are right.

    ``exact`` is the whole text without whitespace; it is ``right`` when all paragraphs are there
    and what is there besides is no more than a tenth of it, or twenty characters.
    """
    wanted, text = _squeezed(says.lines), _squeezed(found.lines)
    whole = all(_squeezed([line]) in text for line in says.lines)
    return {
        "title": found.title == says.title,
        "published": found.published == says.published,
        "source": found.source == says.source,
        "right": whole and len(text) - len(wanted) <= max(20, len(wanted) // 10),
        "exact": text == wanted,
        "attachments": found.attachments == says.attachments,
    }


def _squeezed(lines: Iterable[str]) -> str:
    return "".join("".join(lines).split())


def measure(folder: str, read: Callable[[Site], Reading]) -> dict[str, int]:
    """How many pages of a set have each field right."""
    found = [judged(site.says, read(site)) for site in sites(folder)]
    return {field: sum(fields[field] for fields in found) for field in FIELDS}


def faults(folder: str, read: Callable[[Site], Reading]) -> Mapping[str, list[str]]:
    """The fields that are read wrongly, by page."""
    found = ((site.name, judged(site.says, read(site))) for site in sites(folder))
    return {name: wrong for name, ok in found if (wrong := [f for f in FIELDS if not ok[f]])}
