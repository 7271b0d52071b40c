"""Pagers: what a list page says of the whole list, in the scripts and attributes of each system.

Whether that is true is for others to find out; some sites announce pages that are not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from archive.parse.list_page import list_html

# TRS: `createPageHTML(total, current from 0, "index", "shtml")`, or with the id of the pager's
# element first, and then with the current page from 1 and the number of rows last.
_CALL = re.compile(
    r"createPageHTML\(\s*(?P<box>['\"][\w#.-]*['\"]\s*,\s*)?(?P<pages>\d{1,6})\s*,\s*"
    r"(?P<current>\d{1,6})\s*,\s*['\"](?P<stem>[\w./-]*)['\"]\s*,\s*['\"](?P<extension>\w+)['\"]"
)
_COUNT_PAGE = re.compile(r"\bcountPage\s*=\s*(\d{1,6})")
_CURRENT_PAGE = re.compile(r"\bcurrentPage\s*=\s*(\d{1,6})")
# SASAC: the highest number is that of the first page, and the others count down from it.
_MAX_PAGE = re.compile(r"\bmaxPageNum\s*=\s*(\d{1,6})")
_DOWN_STEM = re.compile(r"\bpurl\s*=\s*['\"]([\w./-]+)['\"]")
# Hanweb jpaas: the arguments of a call, or the attributes of an element.
_LAYUI = re.compile(r"oLayPageRender\(([^()]*)\)")
_PAGINATION = re.compile(r"<\w+\b[^<>]*\bpagination\b[^<>]*>")
_PAIR = re.compile(r"\b(count|rows|pageNo)\s*[:=]\s*['\"]?(\d{1,9})", re.I)
# Old Hanweb: beside the records.
_TOTAL_PAGE = re.compile(r"<totalpage>\s*(\d{1,6})\s*</totalpage>", re.I)
# gov.cn: the only thing in red.
_RED = re.compile(r"<span\b[^<>]*class=['\"]red['\"][^<>]*>\s*(\d{1,6})\s*</span>", re.I)
_COMMENT = re.compile(r"(?<![:'\"])//")


@dataclass(frozen=True, slots=True)
class Pager:
    """The number of pages, the page's own number from 1, and how many rows a page has.

    ``stem`` and ``extension`` are what the further pages' file names are made of, as written. All
    but ``pages`` are None where the page does not say it.
    """

    pages: int
    number: int | None = None
    size: int | None = None
    stem: str | None = None
    extension: str | None = None


def read_pager(text: str) -> Pager | None:
    """The pager of a list page or of a list service's answer; None where it has none.

    Raises Unreadable ``list-refused``, as ``list_html`` does.
    """
    if "<totalpage>" not in text:
        text = list_html(text)
    found = (read(text) for read in _READERS)
    return next((pager for pager in found if pager and pager.pages), None)


def _in_force(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The first match that is not behind a comment's `//` in its line."""
    for found in pattern.finditer(text):
        line = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
        if not _COMMENT.search(line):
            return found
    return None


def _trs_call(text: str) -> Pager | None:
    found = _in_force(_CALL, text)
    if found is None:
        return None
    number = int(found["current"]) + (0 if found["box"] else 1)
    return Pager(int(found["pages"]), number, None, found["stem"], found["extension"])


def _trs_count(text: str) -> Pager | None:
    pages, current = _in_force(_COUNT_PAGE, text), _in_force(_CURRENT_PAGE, text)
    return Pager(int(pages[1]), int(current[1]) + 1 if current else None) if pages else None


def _countdown(text: str) -> Pager | None:
    pages, stem = [int(number) for number in _MAX_PAGE.findall(text)], _DOWN_STEM.search(text)
    return Pager(max(pages), stem=stem[1] if stem else None, extension="html") if pages else None


def _jpaas(text: str) -> Pager | None:
    for found in (_LAYUI.search(text), _PAGINATION.search(text)):
        values = {k.lower(): int(v) for k, v in _PAIR.findall(found[0])} if found else {}
        size = values.get("rows", 0)
        if size and "count" in values:
            return Pager(-(-values["count"] // size), values.get("pageno"), size)
    return None


def _jcms(text: str) -> Pager | None:
    found = _TOTAL_PAGE.search(text)
    return Pager(int(found[1])) if found else None


def _govcn(text: str) -> Pager | None:
    found = _RED.findall(text)
    return Pager(int(found[0])) if len(found) == 1 else None


_READERS: tuple[Callable[[str], Pager | None], ...] = (
    _trs_call, _trs_count, _countdown, _jpaas, _jcms, _govcn,
)  # fmt: skip
