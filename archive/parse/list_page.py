"""List pages: the rows of a channel's list, whatever wraps them.

Lists are read with BeautifulSoup, which forgives any fragment; pages, of which a rebuild reads all
there ever were, with lxml alone (archive.markup), some ten times faster by measurement.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from bs4 import BeautifulSoup
from bs4.element import PreformattedString, Tag

from archive.errors import Unreadable
from archive.parse.html import SILENT, fold
from archive.sources import PageContext, date_in_address, document_id

_DATE = re.compile(
    r"((?:19|20)\d{2})\s{0,3}[-./年]\s{0,3}(\d{1,2})\s{0,3}[-./月]\s{0,3}(\d{1,2})\s{0,3}日?"
)
# A date that stands by itself, in brackets or after its label, with a time of day or not.
_OWN_DATE = re.compile(
    r"[\[(（【<]?\s*(?:发布(?:日期|时间)|日期|时间)?\s*[:：]?\s*"
    rf"{_DATE.pattern}(?:[\sT]+\d{{1,2}}:\d{{2}}(?::\d{{2}})?)?\s*[\])）】>]?"
)
_DAY_ONLY = re.compile(r"[\[(（]?\s*(\d{1,2})[-./月](\d{1,2})日?\s*[\])）]?")
# A period of consultation or its end says nothing of when the page came out.
_PERIOD = re.compile(rf"截止|{_DATE.pattern}\s{{0,3}}(?:至|到|—|–|~|～)")
_RECORD = re.compile(r"<record>\s*<!\[CDATA\[(.*?)\]\]>\s*</record>", re.S)


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
        return "".join(_RECORD.findall(text)) or text
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

    Several unit scripts can sit on a page; ``tag`` is the tagId of the list, by default the first
    that names itself one. Raises Unreadable ``list-refused`` where there is none.
    """
    for script in BeautifulSoup(text, "lxml").select("script[url][querydata]"):
        try:
            query = ast.literal_eval(str(script["querydata"]))
            found = str(query["tagId"])
        except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError):
            continue
        if found == tag if tag else "list" in found:
            return f"{script['url']}?{urlencode(query)}"
    raise Unreadable(
        "list-refused",
        f"the column page asks for no list tagged {tag or '…list'}: compare the channel's tag in "
        "the source file with the page's unitbuild scripts",
    )


def read_list(text: str, rows: str, links: PageContext) -> list[Row]:
    """The rows of a list page that the CSS selector ``rows`` meets, in page order, once each.

    Where the selector meets nested elements, the innermost is the row. A row counts when it
    holds a link that stays on the site, and a date or a document's address; its ``listed`` is a
    date that stands by itself. Raises Unreadable ``list-refused``.
    """
    elements = BeautifulSoup(list_html(text), "lxml").select(rows)
    outer = _ancestors(elements)
    found: dict[str, Row] = {}
    for element in elements:
        if id(element) not in outer and (row := _row(element, links)):
            found.setdefault(row.address, row)
    return list(found.values())


def _ancestors(elements: list[Tag]) -> set[int]:
    """The identities of all elements that hold one of these; none is passed twice."""
    found: set[int] = set()
    for element in elements:
        for ancestor in element.parents:
            if id(ancestor) in found:
                break
            found.add(id(ancestor))
    return found


def _row(element: Tag, links: PageContext) -> Row | None:
    shown = _pieces(element)
    dated = any(_DATE.search(piece) for piece in shown)
    for link in element.find_all("a", href=True):
        address = links.canonical(str(link["href"]))
        if address is None or not (dated or document_id(address)):
            continue
        title = fold(str(link.get("title") or "")).strip() or _link_text(link)
        if title:
            return Row(address, title, _listed(shown, address))
    return None


def _pieces(element: Tag) -> list[str]:
    """The text that a browser shows of an element, in pieces."""
    return [
        str(piece)
        for piece in element.find_all(string=True)
        if not isinstance(piece, PreformattedString)
        and (piece.parent is None or piece.parent.name not in SILENT)
    ]


def _link_text(link: Tag) -> str:
    own = (p for p in _pieces(link) if not (_OWN_DATE.fullmatch(p.strip()) or _is_day(p)))
    return fold("".join(own)).strip()


def _is_day(piece: str) -> bool:
    return _DAY_ONLY.fullmatch(piece.strip()) is not None


def _listed(shown: list[str], address: str) -> date | None:
    """The date in a row that stands by itself; without a year it is the address's next."""
    if _PERIOD.search("".join(shown)):
        return None
    for piece in shown:
        if found := _OWN_DATE.fullmatch(piece.strip()):
            return _civil(int(found[1]), int(found[2]), int(found[3]))
    written = date_in_address(address)
    for piece in shown if written else ():
        if written and (found := _DAY_ONLY.fullmatch(piece.strip())):
            turned = written.month == 12 and int(found[1]) == 1
            return _civil(written.year + turned, int(found[1]), int(found[2]))
    return None


def _civil(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
