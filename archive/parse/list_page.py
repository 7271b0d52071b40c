"""List pages: the rows of a channel's list, whatever markup they are in."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from archive.clock import civil_day
from archive.errors import Unreadable
from archive.parse.html import (
    Element,
    fold,
    marked_ancestors,
    parse,
    pieces,
    select,
    xml_texts,
)
from archive.parse.written_dates import WRITTEN_DATE, read_date
from archive.sources import PageContext, date_in_address, document_id

_DATE = re.compile(WRITTEN_DATE)
# A date that stands by itself, in brackets or after its label, with a time of day or not. No two
# runs of whitespace stand side by side: how long a site makes one must not matter.
_OWN_DATE = re.compile(
    r"[\[(（【<]?\s*(?:(?:发布(?:日期|时间)|日期|时间)\s*)?(?:[:：]\s*)?"
    rf"{WRITTEN_DATE}(?:[\sT]+\d{{1,2}}:\d{{2}}(?::\d{{2}})?)?\s*[\])）】>]?"
)
_DAY_ONLY = re.compile(r"[\[(（]?\s*(\d{1,2})[-./月](\d{1,2})日?\s*[\])）]?")
# A consultation's period or its end says nothing of when the page was published.
_PERIOD = re.compile(rf"截止|{WRITTEN_DATE}\s{{0,3}}(?:至|到|—|–|~|～)")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list: canonical address, title as listed, civil date as listed."""

    address: str
    title: str
    listed: date | None


def list_html(text: str) -> str:
    """The HTML of a list answer: itself, or what an envelope holds.

    The envelopes are jpaas' JSON and old Hanweb's XML of records. Raises Unreadable
    ``list-refused`` when the JSON says that the call failed.
    """
    if text.lstrip().startswith(("<datastore", "<?xml")):
        return "".join(xml_texts(text, "record")) or text
    if not text.lstrip().startswith("{"):
        return text
    try:
        answer = json.loads(text)
        html = answer["data"]["html"] if answer.get("success") else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        html = None
    if not isinstance(html, str):
        raise Unreadable(
            "list-refused",
            "the list service answered without a list: the column's parameters may have changed, "
            "compare the source file with the column page",
        )
    return html


def list_unit(text: str, tag: str | None) -> str:
    """The address of the list service (jpaas ``build/unit``) that a column page asks for its rows.

    A page can have several unit scripts; ``tag`` is the tagId of the list, by default the first
    with "list" in its tagId. Raises Unreadable ``list-refused`` where there is none.
    """
    root = parse(text)
    for script in select(root, "script[url][querydata]") if root is not None else ():
        try:
            query = ast.literal_eval(script.get("querydata") or "")
            found = str(query["tagId"])
        except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError):
            continue
        if found == tag if tag else "list" in found:
            return f"{script.get('url')}?{urlencode(query)}"
    raise Unreadable(
        "list-refused",
        f"the column page asks for no list tagged {tag or '…list'}: compare the channel's tag in "
        "the source file with the page's unitbuild scripts",
    )


def read_list(text: str, rows: str, context: PageContext) -> list[Row]:
    """The rows of a list page that the CSS selector ``rows`` matches, in page order, once each.

    Where the selector matches nested elements, the innermost is the row. A row counts when it
    has, or is, a link that stays on the site, and a date or a document's address; its ``listed``
    is a date that stands by itself. Raises Unreadable ``list-refused``, SelectorError.
    """
    root = parse(list_html(text))
    elements = select(root, rows) if root is not None else []
    outer = marked_ancestors(elements)
    found: dict[str, Row] = {}
    for element in elements:
        if element not in outer and (row := _row(element, context)):
            found.setdefault(row.address, row)
    return list(found.values())


def _row(element: Element, context: PageContext) -> Row | None:
    # Sites page through a list, and set it in tabs, by hiding rows.
    shown = list(pieces(element, even_if_hidden=True))
    dated = any(_DATE.search(piece) for piece in shown)
    for link in element.iter("a"):
        href = link.get("href")
        address = context.canonical(href) if href is not None else None
        if address is None or not (dated or document_id(address)):
            continue
        title = fold(link.get("title") or "").strip() or _link_text(link)
        if title:
            beside = list(pieces(element, even_if_hidden=True, without=link))
            return Row(address, title, _listed(shown, beside, address))
    return None


def _link_text(link: Element) -> str:
    own = (p for p in pieces(link) if not (_OWN_DATE.fullmatch(p.strip()) or _is_day(p)))
    return fold("".join(own)).strip()


def _is_day(piece: str) -> bool:
    return _DAY_ONLY.fullmatch(piece.strip()) is not None


def _listed(shown: list[str], beside: list[str], address: str) -> date | None:
    """The date in a row that stands by itself; one without a year follows the address's date.

    ``beside`` is what is shown beside the link: a period there is a consultation's, one in the
    title says nothing of the date beside it.
    """
    if _PERIOD.search("".join(beside)):
        return None
    for piece in shown:
        if _OWN_DATE.fullmatch(piece.strip()):
            return read_date(piece)
    written = date_in_address(address)
    for piece in shown if written else ():
        if written and (found := _DAY_ONLY.fullmatch(piece.strip())):
            next_year = written.month == 12 and int(found[1]) == 1
            return civil_day(written.year + next_year, int(found[1]), int(found[2]))
    return None
