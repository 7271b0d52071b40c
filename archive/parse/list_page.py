"""List pages: the rows of a channel's list, whatever markup they are in."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
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
from archive.parse.written_html import written_by_scripts
from archive.sources import PageContext, date_in_address, document_id

_DATE = re.compile(WRITTEN_DATE)
# A date that stands by itself, in brackets or after its label, with a time of day or not. No two
# runs of whitespace stand side by side: how long a site makes one must not matter.
_OWN_DATE = re.compile(
    r"[\[(（【<]?\s*(?:(?:发布(?:日期|时间)|日期|时间)\s*)?(?:[:：]\s*)?"
    rf"{WRITTEN_DATE}(?:[\sT]+\d{{1,2}}:\d{{2}}(?::\d{{2}})?)?\s*[\])）】>]?"
)
_DAY_ONLY = re.compile(r"[\[(（]?\s*(\d{1,2})[-./月](\d{1,2})日?\s*[\])）]?")
_PAGE = re.compile(r"\.s?html?$")
# A consultation's period or its end says nothing of when the page was published.
_PERIOD = re.compile(rf"截止|{WRITTEN_DATE}\s{{0,3}}(?:至|到|—|–|~|～)")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list: canonical address, title as listed, civil date as listed.

    ``has_date`` is also set where the row has only dates that say nothing of its publication.
    """

    address: str
    title: str
    listed: date | None
    has_date: bool = field(default=False, compare=False)


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
    with "list" in its tagId, or the only one there is. Raises Unreadable ``list-refused`` where
    there is none.
    """
    units = list_units(text)
    for found, unit in units:
        if found == tag if tag else "list" in found or len(units) == 1:
            return unit
    there = ", ".join(found for found, _ in units) or "none"
    raise Unreadable(
        "list-refused",
        f"the column page asks for no list tagged {tag or '…list'}, its tags are {there}: compare "
        "the channel's tag in the source file with the page's unitbuild scripts",
    )


def list_units(text: str) -> list[tuple[str, str]]:
    """The tagIds of a column page's unit scripts, each with the address that it asks.

    The sites write ``querydata`` and ``queryData``, which is one attribute in HTML, and
    ``bulidstatic`` and ``buildstatic`` in it, of which each takes its own only.
    """
    root = parse(text)
    units = []
    for script in select(root, "script[url][querydata]") if root is not None else ():
        try:
            query = _literal(script.get("querydata") or "")
            units.append((str(query["tagId"]), f"{script.get('url')}?{urlencode(query)}"))
        except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError):
            continue
    return units


def _literal(written: str) -> Any:
    """JSON, or what only looks like it: MOHURD writes it with single quotes, MIIT with double."""
    try:
        return json.loads(written)
    except ValueError:
        return ast.literal_eval(written)


def read_list(text: str, rows: str, context: PageContext) -> list[Row]:
    """The rows of a list page that the CSS selector ``rows`` matches, in page order, once each.

    Where the selector matches nested elements, the innermost is the row. A row counts when it
    has, or is, a link that stays on the site, and a date or a document's address; its ``listed``
    is a date that stands by itself, one without a year in the year of the address, or of the rows
    beside it. Where there are none, those count that a script writes into the page. Raises
    Unreadable ``list-refused``, SelectorError.
    """
    html = list_html(text)
    found = _rows(html, rows, context)
    if not found and (written := written_by_scripts(html)):
        found = _rows(written, rows, context)
    return _with_years(found)


def shows_dates(rows: Sequence[Row]) -> bool:
    """Whether any row of a list shows a date, or has one in its address."""
    return any(row.listed or row.has_date or date_in_address(row.address) for row in rows)


# A row, and the month and day of one that has a date without a year.
_Found = tuple[Row, tuple[int, int] | None]


def rows_in(elements: Sequence[Element], context: PageContext) -> list[Row]:
    """The rows that these elements of a list page are, as ``read_list`` reads them."""
    return _with_years(_found(elements, context))


def _rows(html: str, selector: str, context: PageContext) -> list[_Found]:
    root = parse(html)
    return _found(select(root, selector) if root is not None else (), context)


def _found(elements: Sequence[Element], context: PageContext) -> list[_Found]:
    outer = marked_ancestors(elements)
    found: dict[str, _Found] = {}
    for element in elements:
        if element not in outer and (row := _row(element, context)):
            found.setdefault(row[0].address, row)
    return list(found.values())


def _row(element: Element, context: PageContext) -> _Found | None:
    # Sites page through a list, and set it in tabs, by hiding rows.
    shown = list(pieces(element, even_if_hidden=True))
    dated = any(_DATE.search(piece) for piece in shown)
    has_day = any(_is_day(piece) for piece in shown)
    for link in element.iter("a"):
        href = link.get("href")
        address = context.canonical(href) if href is not None else None
        if address is None or not (
            dated or document_id(address) or (has_day and _is_page(address))
        ):
            continue
        title = fold(link.get("title") or "").strip() or _link_text(link)
        if title:
            beside = list(pieces(element, even_if_hidden=True, without=link))
            listed, day = _listed(shown, beside)
            return Row(address, title, listed, dated or has_day), day
    return None


def _link_text(link: Element) -> str:
    own = (p for p in pieces(link) if not (_OWN_DATE.fullmatch(p.strip()) or _is_day(p)))
    return fold("".join(own)).strip()


def _is_page(address: str) -> bool:
    """Whether an address is a page's by its name; files too stand beside a day without a year."""
    return _PAGE.search(address) is not None


def _is_day(piece: str) -> bool:
    return _DAY_ONLY.fullmatch(piece.strip()) is not None


def _listed(
    shown: Sequence[str], beside: Sequence[str]
) -> tuple[date | None, tuple[int, int] | None]:
    """The date in a row that stands by itself, or the month and day of one without a year.

    ``beside`` is what is shown beside the link: a period there is a consultation's, one in the
    title says nothing of the date beside it.
    """
    if _PERIOD.search("".join(beside)):
        return None, None
    for piece in shown:
        if _OWN_DATE.fullmatch(piece.strip()):
            return read_date(piece), None
    days = (found for piece in shown if (found := _DAY_ONLY.fullmatch(piece.strip())))
    day = next(days, None)
    return None, (int(day[1]), int(day[2])) if day else None


def _with_years(found: Sequence[_Found]) -> list[Row]:
    """The rows, each date without a year in the year that brings it closest to a known one.

    Known are the date in the row's own address, that of the row above, and for the first rows the
    first one below: lists are in the order of their dates.
    """
    known = [row.listed or date_in_address(row.address) for row, _ in found]
    near = next((day for day in known if day), None)
    rows = []
    for (row, day), own in zip(found, known, strict=True):
        near = own or near
        if day and near:
            row = replace(row, listed=_closest(day, near))
            near = row.listed or near
        rows.append(row)
    return rows


def _closest(day: tuple[int, int], near: date) -> date | None:
    days = (civil_day(near.year + more, *day) for more in (-1, 0, 1))
    return min((d for d in days if d), key=lambda d: abs(d - near), default=None)
