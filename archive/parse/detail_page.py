"""Detail pages: what a captured page says, before anything is normalised.

Each field is looked for in the meta tags that 《政府网站发展指引》 (国办发〔2017〕47号) prescribes,
then with the source's own selectors, then in general ways; ``body_rule`` names the way taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

from archive.captures.block_pages import BLOCKED, STAND_INS, block_page_kind
from archive.errors import Unreadable
from archive.model import Attachment, PublishedBasis
from archive.parse.attachments import attachments_of
from archive.parse.boilerplate import (
    byline_end,
    head_of,
    hide_advertisements,
    lines_above,
    without_boilerplate,
    without_menus,
)
from archive.parse.bylines import is_byline
from archive.parse.html import Element, first_with_text, parse, pieces, select, text_of
from archive.parse.lines import Line, lines_around, lines_of
from archive.parse.main_text import (
    densest,
    has_pictures,
    hide_copies,
    hide_foot,
    picture_box,
)
from archive.parse.publication import credit_of, published_at, shown_around
from archive.parse.titles import title_of
from archive.sources import Layout, PageContext

# A shorter text without a known container is not a bulletin; the shortest found by hand has 60.
_MIN_GENERIC_TEXT = 50
# How many lines a byline and its buttons take above an article.
_NEAR = 5
_GENERIC = Layout("generic", (), (), (), ())

# Containers that publishing systems share across ministries: Hanweb jpaas and JCMS, TRS WCM,
# gov.cn and their templates; the last five are those of 四川, 上海, 广东, 北京 and 教育部.
KNOWN_BODIES = (
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
    "#cmsArticleContent",
    "#ivs_content",
    "#zoomcon",
    ".xl_content",
    "#downloadContent",
)

_ANY_KNOWN_BODY = ", ".join(KNOWN_BODIES)


@dataclass(frozen=True, slots=True)
class Page:
    """The parts of a detail page: the text as lines, everything else as the page has it.

    ``published`` is None where neither page nor list has a date; ``published_at`` is a UTC stamp,
    None where the page shows no time of day; ``published_basis`` is what the date was read from;
    ``credit`` is what the page names as its source; ``body_rule`` is ``<layout>:<selector>``,
    ``known:<selector>`` or ``generic``. A page of nothing but pictures has no lines.
    """

    title: str
    published: date | None
    published_at: str | None
    credit: str | None
    lines: tuple[Line, ...]
    attachments: tuple[Attachment, ...]
    body_rule: str
    published_basis: PublishedBasis | None = None


def read_page(text: str, context: PageContext | None, listed: date | None = None) -> Page:
    """Read a decoded detail page.

    ``context`` has the page's source and address, None for a page of which nothing is known;
    ``listed`` is the date in its list, used where the page has none. Raises Unreadable
    ``empty``, ``truncated``, ``not-html``, ``wall-…`` or ``unrecognised``.
    """
    root = _opened(text)
    metas = metas_of(root)
    layout, body, rule = _body(root, context.layouts() if context else ())
    hide_advertisements(body)
    before, after = lines_around(root, body)
    shown = lines_of(body)
    shown = list(without_menus(shown)) if rule == "generic" else shown
    under = byline_end(shown)
    title = title_of(root, metas, layout.title, lines_above((*before, *shown[:under])))
    start = head_of(shown, title, under if rule == "generic" else 0)
    lines, boilerplate = without_boilerplate(shown[start:], title)
    said = shown_around(shown[:start], before, (*boilerplate, *after))
    address = context.address if context else None
    published = published_at(root, metas, layout.published, said, address, listed)
    if not title:
        raise Unreadable("unrecognised", "no title found: the site may have a new layout")
    if not lines and not has_pictures(body):
        raise Unreadable("unrecognised", "no text found: the site may have a new layout")
    boxes = (box for selector in layout.attachments for box in select(root, selector))
    return Page(
        title,
        published.day,
        published.instant,
        credit_of(metas, said),
        tuple(lines),
        tuple(attachments_of(root, (body, *boxes), context)),
        rule,
        published.basis,
    )


def _opened(text: str) -> Element:
    """The root of a page; raises Unreadable for an answer that is not a page."""
    if not text.strip():
        raise Unreadable("empty", "the answer has no content: ask again, or look by hand")
    if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        text = _from_json(text)
    if re.search(r"<html\b", text, re.I) and not re.search(r"</(?:html|body)\b", text, re.I):
        raise Unreadable("truncated", "the page breaks off before its end: ask again")
    root = parse(text)
    if kind := block_page_kind(200, "", text, pieces(root) if root is not None else ()):
        raise Unreadable(kind, STAND_INS.get(kind, BLOCKED))
    if root is None:
        raise Unreadable("empty", "the answer has markup but no content: ask again")
    return root


def _from_json(text: str) -> str:
    """The page that a document service of 金融监管总局 (NFRA) wraps in JSON: ``data.docClob``."""
    try:
        document = json.loads(text)["data"]
        fields = {
            "ArticleTitle": document["docSubtitle"] or document["docTitle"],
            "PubDate": document["publishDate"],
            "ContentSource": document["docSource"] or "",
        }
        metas = "".join(f'<meta name="{k}" content="{escape(v)}">' for k, v in fields.items())
        return f"<html><head>{metas}</head><body>{document['docClob'] + ''}</body></html>"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(
            "not-html", "the site answered with data of an unknown shape instead of a page"
        ) from error


def metas_of(root: Element) -> dict[str, str]:
    """Meta tags by lower-case name, the first that is not empty."""
    metas: dict[str, str] = {}
    for tag in root.iter("meta"):
        name = (tag.get("name") or "").strip().lower()
        content = (tag.get("content") or "").strip()
        if name and content:
            metas.setdefault(name, content)
    return metas


def _body(root: Element, layouts: Sequence[Layout]) -> tuple[Layout, Element, str]:
    """The container of the text, its layout, and the rule that found it.

    Raises Unreadable where there is none, and no known container that shows pictures instead.
    """
    for layout in layouts:
        if found := first_with_text(root, layout.body):
            return layout, found[0], f"{layout.name}:{found[1]}"
    known = select(root, _ANY_KNOWN_BODY)
    if known and (found := first_with_text(root, KNOWN_BODIES)):
        return _GENERIC, found[0], f"known:{found[1]}"
    for layout in layouts:
        if shown := _first_with_pictures(root, layout.body):
            return layout, shown[0], f"{layout.name}:{shown[1]}"
    if known and (shown := _first_with_pictures(root, KNOWN_BODIES)):
        return _GENERIC, shown[0], f"known:{shown[1]}"
    found_text = densest(root)
    if found_text is not None and hide_copies(found_text):
        found_text = densest(root)
    if found_text is None or len(text_of(found_text)) < _MIN_GENERIC_TEXT:
        if (box := picture_box(root)) is not None and _is_under_byline(root, box):
            return _GENERIC, box, "generic"
        raise Unreadable(
            "unrecognised", "no text of a bulletin found: the site may have a new layout"
        )
    hide_foot(found_text)
    return _GENERIC, found_text, "generic"


def _is_under_byline(root: Element, box: Element) -> bool:
    """Whether date and source stand above pictures: an article's, not those of a new layout."""
    before, _ = lines_around(root, box)
    return any(is_byline(line.text) for line in before[-_NEAR:])


def _first_with_pictures(root: Element, selectors: Sequence[str]) -> tuple[Element, str] | None:
    """The container of a page that explains something in pictures (一图读懂), and its selector."""
    found = ((e, selector) for selector in selectors for e in select(root, selector))
    return next(((e, selector) for e, selector in found if has_pictures(e)), None)
