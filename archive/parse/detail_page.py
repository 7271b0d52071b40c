"""Pages: what a captured detail page says, before anything is normalised.

Each field is looked for in the meta tags that 《政府网站发展指引》 (国办发〔2017〕47号) prescribes,
then with the source's own selectors, then generically; a generic body is flagged by its rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from urllib.parse import unquote, urlsplit

from archive.captures.block_pages import wall_of
from archive.clock import china_instant
from archive.errors import Unreadable
from archive.model import Attachment
from archive.parse.html import Element, has_text, parse, select, text_of
from archive.parse.lines import Line, lines_of
from archive.parse.main_text import densest
from archive.parse.titles import MAX_TITLE, squeezed, title_of
from archive.sources import Layout, PageContext, date_in_address

# A shorter text without a known container is no bulletin; the shortest met by hand has 60.
_MIN_GENERIC_TEXT = 50
# Longer lines than this are no page furniture.
_MAX_FRAME = 220
_GENERIC = Layout("generic", (), (), (), ())

# Containers that publishing systems share across ministries: Hanweb jpaas and JCMS, TRS WCM,
# gov.cn and their templates.
_KNOWN_BODIES = (
    "div.editor-content",
    "#UCAP-CONTENT",
    ".TRS_UEDITOR",
    ".TRS_Editor",
    ".trs_editor_view",
    "#zoom",
    "#Zoom",
    "#con_con",
    ".ccontent",
    ".article_con",
    ".zsy_comain",
    ".detail-news",
    ".pages_content",
    ".my_doccontent",
    ".arc_body",
    ".gsj_htmlcon_bot",
    "#xw_box",
    ".Three_xilan_07",
    ".art-con",
)

_ANY_KNOWN_BODY = ", ".join(_KNOWN_BODIES)

_DATE_TIME = re.compile(
    r"((?:19|20)\d{2})\s{0,3}[-./年]\s{0,3}(\d{1,2})\s{0,3}[-./月]\s{0,3}(\d{1,2})(?:\s{0,3}日)?"
    r"(?:(?:\s{1,3}|T|(?<=日))(\d{1,2})[:：时](\d{2})(?:[:：分](\d{2}))?)?"
)
_STARTS_DATE = r"\s{0,9}(?=(?:19|20)\d{2})"
# In order of what they are worth; 成文 is when a paper was signed, some days before it came out.
_LABELLED_DATES = (
    re.compile(rf"(?:发布|发表|发文|上网|刊发)(?:日期|时间)\s{{0,3}}[:：]{_STARTS_DATE}"),
    re.compile(rf"(?<![\u4e00-\u9fff])(?:时间|日期)\s{{0,3}}[:：]{_STARTS_DATE}"),
    re.compile(rf"(?:成文|印发)(?:日期|时间)\s{{0,3}}[:：]{_STARTS_DATE}"),
    # No label but a source beside it, as news sites write.
    re.compile(
        r"(?=(?:19|20)\d{2}[-./年]\d{1,2}[-./月]\d{1,2}日?\s?(?:\d{1,2}:\d{2}\S{0,3})?\s{0,9}来源)"
    ),
)
_LABELLED_SOURCE = re.compile(
    r"(?:信息|文章|稿件|资料)?来源\s{0,3}[:：]\s{0,3}([^\s|｜\[\]【】:：；;，,]{2,40})"
)
_BUTTON = (
    r"(?:[【\[（(]?\s?(?:打印(?:本页|此页|文章|页面)?|关闭(?:窗口|本页|页面)?|返回(?:顶部|上一页|列表)?"
    r"|(?:加入)?收藏|分享(?:到)?|[放缩][大小]字[体号]|大|中|小|纠错|复制链接)"
    r"\s?[】\]）)]?[\s|｜　]*)"
)
# Lines that frame a text on the page and are none of it.
_FRAME = re.compile(
    r"(?:(?:发布|发文|发表|成文|更新)(?:日期|时间)\s?[:：].{0,80}"
    r"|(?:您(?:现在)?的?|当前|所在|现在的?)位置\s?[:：].{0,200}"
    r"|[【\[（(]?\s?字[体号]\s?[】\]]?\s?(?:[:：].{0,40}|(?:[\s|　]?[大中小特默认+-]){0,8}[】\]]?)"
    rf"|{_BUTTON}{{1,8}}"
    r"|(?:分享(?:到|至)|扫一扫|扫描二维码).{0,40}"
    r"|[【\[]?(?:上|下)一?[篇条页]\s?[:：].{0,120}"
    r"|相关附件|附件下载\s?[:：]?"
    r"|[【\[（(]?\s?(?:责任编辑|责编|编辑|审核|浏览次数|点击数?|点击率|阅读(?:次数|量)?|访问量)\s?[:：].{0,30}"
    r"|.{0,30}版权所有.{0,80}"
    r"|(?:[【\[]\d{1,3}[】\]]\s?)+(?:下一页)?)"
)
# Below these words a page offers other pages.
_RELATED = re.compile(
    r"[【\[]?(?:相关|延伸|推荐|扩展|热点)(?:文章|链接|阅读|新闻|信息|稿件|报道|文档|专题|解读)[】\]]?\s?[:：]?"
)
_TEASER = re.compile(r"(?:点击|更多|查看|>>).{0,30}|.{0,40}(?:>>|»|》》)")
_FILE = re.compile(
    r"\.(?:pdf|docx?|xlsx?|wps|et|ofd|zip|rar|7z|pptx?|ceb|txt|csv)(?:$|[?#&])|document/download\?",
    re.I,
)
_FILE_BOX = re.compile(r"attach|download|annex|append|fujian|(?:^|[\s_-])fj(?:$|[\s_-])", re.I)


@dataclass(frozen=True, slots=True)
class Page:
    """A detail page taken apart: the text as lines, everything else as the page gives it.

    ``published`` is None where neither page nor list has a date, ``published_at``, a UTC stamp,
    where the page shows no time of day; ``credit`` is what
    the page names as its source; ``body_rule`` is ``<layout>:<selector>``, ``known:<selector>``
    or ``generic``.
    """

    title: str
    published: date | None
    published_at: str | None
    credit: str | None
    lines: tuple[Line, ...]
    attachments: tuple[Attachment, ...]
    body_rule: str


def read_page(text: str, links: PageContext | None, listed: date | None = None) -> Page:
    """Take a decoded detail page apart.

    ``links`` knows the page's source and address, None for a page of which nothing is known;
    ``listed`` is the date its list gave, used where the page has none. Raises Unreadable
    ``empty``, ``truncated``, ``not-html``, ``wall-…`` or ``unrecognised``.
    """
    root = _opened(text)
    metas = _metas(root)
    layouts = links.layouts() if links else ()
    layout, body, rule = _body(root, layouts)
    around = lines_of(root, without=body)
    title = title_of(root, metas, layout.title)
    shown = lines_of(body)
    lines, furniture = _without_frame(_inner(shown) if rule == "generic" else shown, title)
    frame = "\n".join(line.text for line in (*around, *furniture))
    published, published_at = _published(root, layout, metas, frame, links, listed)
    if not title:
        raise Unreadable("unrecognised", "no title found: the site may have a new layout")
    if not lines:
        raise Unreadable("unrecognised", "no text found: the site may have a new layout")
    attachments = tuple(_attachments(root, layout, body, links))
    credit = _credit(metas, frame)
    return Page(title, published, published_at, credit, tuple(lines), attachments, rule)


def _opened(text: str) -> Element:
    """The root of a page that is one; raises Unreadable for all that stands in for a page."""
    if not text.strip():
        raise Unreadable("empty", "the answer has no content: ask again, or look by hand")
    if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        text = _from_json(text)
    if re.search(r"<html\b", text, re.I) and not re.search(r"</(?:html|body)\b", text, re.I):
        raise Unreadable("truncated", "the page breaks off before its end: ask again")
    if wall := wall_of(200, "", text):
        raise Unreadable(wall, "the site answered with a check for humans instead of the page")
    root = parse(text)
    if root is None:
        raise Unreadable("empty", "the answer has markup but no content: ask again")
    return root


def _from_json(text: str) -> str:
    """The page that a document service of 金融监管总局 (NFRA) wraps in JSON: ``data.docClob``."""
    try:
        told = json.loads(text)["data"]
        fields = {
            "ArticleTitle": told["docSubtitle"] or told["docTitle"],
            "PubDate": told["publishDate"],
            "ContentSource": told["docSource"] or "",
        }
        metas = "".join(f'<meta name="{k}" content="{escape(v)}">' for k, v in fields.items())
        return f"<html><head>{metas}</head><body>{told['docClob'] + ''}</body></html>"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(
            "not-html", "the site answered with data of an unknown shape instead of a page"
        ) from error


def _metas(root: Element) -> dict[str, str]:
    """Meta tags by lower-case name, the first that is not empty."""
    metas: dict[str, str] = {}
    for tag in root.iter("meta"):
        name = (tag.get("name") or "").strip().lower()
        content = (tag.get("content") or "").strip()
        if name and content:
            metas.setdefault(name, content)
    return metas


def _first(root: Element, selectors: Sequence[str]) -> tuple[Element, str] | None:
    for selector in selectors:
        for element in select(root, selector):
            if has_text(element):
                return element, selector
    return None


def _body(root: Element, layouts: Sequence[Layout]) -> tuple[Layout, Element, str]:
    for layout in layouts:
        if found := _first(root, layout.body):
            return layout, found[0], f"{layout.name}:{found[1]}"
    if select(root, _ANY_KNOWN_BODY) and (found := _first(root, _KNOWN_BODIES)):
        return _GENERIC, found[0], f"known:{found[1]}"
    found_text = densest(root)
    if found_text is None or len(text_of(found_text)) < _MIN_GENERIC_TEXT:
        raise Unreadable(
            "unrecognised", "no text of a bulletin found: the site may have a new layout"
        )
    return _GENERIC, found_text, "generic"


def _published(
    root: Element,
    layout: Layout,
    metas: dict[str, str],
    frame: str,
    links: PageContext | None,
    listed: date | None,
) -> tuple[date | None, str | None]:
    """Civil date and, where the page gives a time of day for that date, the instant."""
    candidates = [metas.get(name, "") for name in ("pubdate", "firstpublishedtime", "publishdate")]
    if found := _first(root, layout.published):
        candidates.append(text_of(found[0], " "))
    for label in _LABELLED_DATES:
        if match := label.search(frame):
            candidates.append(frame[match.end() : match.end() + 30])
    read = [pair for candidate in candidates if (pair := _date_time(candidate))]
    if not read:
        return (date_in_address(links.address) if links else None) or listed, None
    day = read[0][0]
    return day, next((instant for other, instant in read if other == day and instant), None)


def _date_time(text: str) -> tuple[date, str | None] | None:
    found = _DATE_TIME.search(text)
    if found is None:
        return None
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None
    if found[4] is None:
        return day, None
    try:
        return day, china_instant(day, int(found[4]), int(found[5]), int(found[6] or 0))
    except ValueError:
        return day, None


def _credit(metas: dict[str, str], frame: str) -> str | None:
    if named := metas.get("contentsource"):
        return " ".join(named.split())
    if found := _LABELLED_SOURCE.search(frame):
        return found[1]
    found = _LABELLED_SOURCE.search(metas.get("source", ""))
    return found[1] if found else None


def _without_frame(lines: Sequence[Line], title: str) -> tuple[list[Line], list[Line]]:
    """The lines that are text, and those that are page furniture.

    Furniture is the title repeated at the top, buttons and notices, and links to other pages.
    """
    end = first_of_links = len(lines)
    while first_of_links and lines[first_of_links - 1].linked:
        first_of_links -= 1
    for index, line in enumerate(lines):
        if index >= first_of_links - 1 and _RELATED.fullmatch(line.text):
            end = index
            break
    kept: list[Line] = []
    furniture = list(lines[end:])
    for line in lines[:end]:
        (furniture if _is_furniture(line) else kept).append(line)
    return kept[_title_lines(kept, title) :], furniture


def _inner(lines: Sequence[Line]) -> Sequence[Line]:
    """The lines without those at both ends that are nothing but links: menus and the like."""
    start, end = 0, len(lines)
    while start < end and lines[start].linked:
        start += 1
    while start < end and lines[end - 1].linked:
        end -= 1
    return lines[start:end]


def _title_lines(lines: Sequence[Line], title: str) -> int:
    """How many lines at the top repeat the title."""
    wanted, read = squeezed(title), ""
    for count, line in enumerate(lines, start=1):
        read += squeezed(line.text[:MAX_TITLE])
        if read == wanted:
            return count
        if not wanted.startswith(read):
            break
    return 0


def _is_furniture(line: Line) -> bool:
    if line.row or len(line.text) > _MAX_FRAME:
        return False
    if line.linked and _TEASER.fullmatch(line.text):
        return True
    return _FRAME.fullmatch(line.text) is not None


def _attachments(
    root: Element, layout: Layout, body: Element, links: PageContext | None
) -> Iterator[Attachment]:
    """Files offered in the body or in a box for them, once each, in page order."""
    areas = {body, *(area for selector in layout.attachments for area in select(root, selector))}
    seen: set[str] = set()
    for link in root.iter("a"):
        href = re.sub(r"\s+", "", link.get("href") or "")
        if not _FILE.search(href) or not _offers_file(link, areas):
            continue
        try:
            address = (links.canonical(href) if links else None) or href
        except ValueError:
            continue
        if address not in seen:
            seen.add(address)
            yield Attachment(address, _label(link, href))


def _offers_file(link: Element, areas: set[Element]) -> bool:
    if link.get("download") is not None:
        return True
    for ancestor in link.iterancestors():
        names = f"{ancestor.get('class') or ''} {ancestor.get('id') or ''}"
        if ancestor in areas or (ancestor.tag != "body" and _FILE_BOX.search(names)):
            return True
    return False


def _label(link: Element, href: str) -> str:
    told = text_of(link) or " ".join((link.get("title") or "").split())
    if told:
        return told
    try:
        return unquote(urlsplit(href).path.rsplit("/", 1)[-1])
    except ValueError:
        return ""
