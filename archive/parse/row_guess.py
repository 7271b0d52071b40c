"""Which elements of an unknown list page are its rows: a selector, for a person to confirm.

Rows of one list stand in the same place of the markup: their elements have the same path of tags
and classes. Of all such groups the one with the most dated rows is the list.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archive.parse.html import Element, parse, select
from archive.parse.list_page import Row, list_html, rows_in
from archive.parse.written_html import written_by_scripts
from archive.sources import PageContext, date_in_address, document_id

# The most links that a row can have: title, files, articles about it.
_LINKS_IN_ROW = 12
# How far above a link its row can begin, and how far above a row its container.
_ABOVE_LINK = 6
_ABOVE_ROW = 6
# 更多, 详情: words of a link that names nothing.
_SHORT_TITLE = 4
# The elements that rows are, the likeliest first.
_ROW_TAGS = ("li", "tr", "dl", "dd", "dt", "div", "p", "a")
_NAME = re.compile(r"-?[A-Za-z_][\w-]*")
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class RowGuess:
    """A selector of rows, the rows that it matches, and those of the page's other lists.

    ``others`` has the selector and the number of rows of each list that shows dates too.
    """

    selector: str
    rows: tuple[Row, ...]
    others: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class _Group:
    """Elements in the same place of the markup, and the rows that they are."""

    elements: tuple[Element, ...]
    rows: tuple[Row, ...]

    @property
    def addresses(self) -> frozenset[str]:
        return frozenset(row.address for row in self.rows)


def guess_rows(text: str, context: PageContext) -> RowGuess | None:
    """The likeliest rows of a list page, or of an answer that wraps one; None where there are none.

    Raises Unreadable ``list-refused``.
    """
    html = list_html(text)
    return _guess(html, context) or _guess(written_by_scripts(html), context)


def _guess(html: str, context: PageContext) -> RowGuess | None:
    root = parse(html) if html.strip() else None
    groups = sorted(_groups(root, context), key=_worth, reverse=True) if root is not None else []
    if root is None or not groups or _worth(groups[0])[0] <= 0:
        return None
    best = groups[0]
    selector, rows = _selector(root, best, context)
    others: list[_Group] = []
    for group in groups[1:]:
        taken = frozenset().union(best.addresses, *(other.addresses for other in others))
        if not taken & group.addresses and len(group.rows) > 1 and _dated(group.rows):
            others.append(group)
    named = tuple((_selector(root, other, context)[0], len(other.rows)) for other in others[:5])
    return RowGuess(selector, rows, named)


def _groups(root: Element, context: PageContext) -> Iterator[_Group]:
    """The groups of elements that have links, with the rows in them."""
    counts: Counter[Element] = Counter()
    links = [link for link in root.iter("a") if link.get("href")]
    for link in links:
        counts.update(link.iterancestors())
    places: dict[str, dict[Element, None]] = {}
    for link in links:
        for above, element in enumerate((link, *link.iterancestors())):
            if above > _ABOVE_LINK or counts[element] > _LINKS_IN_ROW or element is root:
                break
            places.setdefault(_place(element), {})[element] = None
    for elements in places.values():
        if rows := rows_in(list(elements), context):
            yield _Group(tuple(elements), tuple(rows))


def _place(element: Element) -> str:
    """The path of tags and classes above an element.

    A row's own classes may differ (odd, last), and those of its container but for the first, where
    a list is set in blocks (MOST, 2026); digits count blocks.
    """
    above = list(element.iterancestors())
    names = [_classes(one)[:1] if one is above[0] else sorted(_classes(one)) for one in above]
    pairs = zip(above, names, strict=True)
    path = (f"{one.tag}.{_DIGITS.sub('', ' '.join(each))}" for one, each in pairs)
    return "/".join((element.tag, *path))


def _worth(group: _Group) -> tuple[float, int, int]:
    """How much a group is like a list of bulletins: by its dates, then by its tag."""
    tag = group.elements[0].tag
    likely = -_ROW_TAGS.index(tag) if tag in _ROW_TAGS else -len(_ROW_TAGS)
    return sum(map(_weight, group.rows)), sum(bool(row.listed) for row in group.rows), likely


def _weight(row: Row) -> float:
    if len(row.title) <= _SHORT_TITLE:
        return 0.0
    if row.listed:
        return 1.0
    if row.has_date or date_in_address(row.address):
        return 0.7
    return 0.3 if document_id(row.address) else 0.0


def _dated(rows: Sequence[Row]) -> bool:
    return any(row.listed for row in rows)


def _selector(root: Element, group: _Group, context: PageContext) -> tuple[str, tuple[Row, ...]]:
    """The first selector that matches the rows of a group and no other; else the closest one."""
    closest = (-1.0, "", group.rows)
    wanted = group.addresses
    for selector in _row_selectors(group.elements):
        rows = tuple(rows_in(select(root, selector), context))
        found = {row.address for row in rows}
        if rows == group.rows:
            return selector, rows
        alike = len(found & wanted) / len(found | wanted)
        if alike > closest[0]:
            closest = alike, selector, rows
    return closest[1], closest[2]


def _row_selectors(elements: Sequence[Element]) -> Iterator[str]:
    """Selectors for rows, as a person would write them: the container's class first."""
    first = elements[0]
    shared = set(_classes(first)).intersection(*map(_classes, elements))
    own = [f"{first.tag}.{name}" for name in _classes(first) if name in shared]
    above = list(first.iterancestors())[:_ABOVE_ROW]
    for row in (first.tag, *own):
        for depth, container in enumerate(above):
            between = " > " if depth == 0 else " "
            yield from (f"{name}{between}{row}" for name in names_of(container))
        if row in own:
            yield row
    yield first.tag
    parents = " > ".join(one.tag for one in reversed(above))
    yield f"{parents} > {first.tag}"


def names_of(element: Element) -> list[str]:
    """Selectors that name an element by its id or by its classes, the classes first."""
    classes = _classes(element)
    names = [f"{element.tag}.{name}" for name in classes]
    if len(classes) > 1:
        names.append(f"{element.tag}.{'.'.join(classes)}")
    own = element.get("id") or ""
    if _NAME.fullmatch(own) and len(_DIGITS.sub("", own)) > len(own) / 2:
        names.append(f"#{own}")
    return names


def _classes(element: Element) -> list[str]:
    """The classes of an element that a selector can name without escapes."""
    return [name for name in (element.get("class") or "").split() if _NAME.fullmatch(name)]
