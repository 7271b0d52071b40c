"""Lists that a service answers as JSON: which keys have what, a source file says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from archive.clock import CHINA
from archive.errors import Unreadable
from archive.parse.html import parse, text_of
from archive.parse.list_page import Row
from archive.parse.pagers import Pager
from archive.parse.written_dates import read_date
from archive.sources import PageContext

# The whole answer, where it is an array by itself.
WHOLE = "."
_KEY = re.compile(r"\{(\w+)\}")
# Of a shape that is not the expected one, a message names as many keys.
_SHOWN_KEYS = 12


@dataclass(frozen=True, slots=True)
class JsonShape:
    """Where the rows of an answer are, as keys set apart by dots, and what a row's keys are.

    ``items`` can name several places set apart by ``|``, of which the first that is there counts.
    ``address`` is a key, or an address with keys in braces; ``total`` the number of all rows.
    """

    items: str
    title: str
    address: str
    date: str
    total: str = ""

    @classmethod
    def of(cls, options: Mapping[str, str]) -> JsonShape | None:
        """The shape that a channel's options describe; None where it has no JSON list."""
        if "items" not in options:
            return None
        names = ("items", "title", "address", "date", "total")
        return cls(*(options.get(name, "") for name in names))


def read_json_list(
    text: str, shape: JsonShape, context: PageContext
) -> tuple[list[Row], Pager | None]:
    """The rows of an answer, in its order, once each, and how many pages of them there are.

    Rows that lead off the site are left out. Raises Unreadable ``list-refused`` where the answer
    is of another shape: no array in its place, or rows without one of the keys.
    """
    answer = _answer(text)
    items = _items(answer, shape)
    found: dict[str, Row] = {}
    for item in items:
        if row := _row(item, shape, context):
            found.setdefault(row.address, row)
    total = _at(answer, shape.total) if shape.total else None
    pages = isinstance(total, int) and items and -(-total // len(items))
    return list(found.values()), Pager(pages) if pages else None


def _answer(text: str) -> Any:
    try:
        return json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise _refused("is no JSON") from error


def _items(answer: Any, shape: JsonShape) -> list[Any]:
    for place in shape.items.split("|"):
        items = _at(answer, place)
        if isinstance(items, list):
            return items
    raise _refused(f"has no array at {shape.items}, but {', '.join(_keys(answer)) or 'no keys'}")


def _at(answer: Any, place: str) -> Any:
    """What is at a place, None where nothing is."""
    for key in () if place == WHOLE else place.split("."):
        answer = answer.get(key) if isinstance(answer, dict) else None
    return answer


def _keys(answer: Any) -> list[str]:
    """The keys of an answer and those one level down, as places."""

    def places() -> Iterator[str]:
        for key, value in answer.items() if isinstance(answer, dict) else ():
            yield key
            yield from (f"{key}.{inner}" for inner in value) if isinstance(value, dict) else ()

    return list(places())[:_SHOWN_KEYS]


def _row(item: Any, shape: JsonShape, context: PageContext) -> Row | None:
    wanted = {shape.title, shape.date, *(_KEY.findall(shape.address) or [shape.address])}
    if not isinstance(item, dict) or (lacking := wanted - item.keys()):
        there = ", ".join(list(item)[:_SHOWN_KEYS]) if isinstance(item, dict) else "no keys"
        named = ", ".join(sorted(lacking if isinstance(item, dict) else wanted))
        raise _refused(f"has rows without {named}; they have {there}")
    written = shape.address
    if _KEY.search(written):
        href = _KEY.sub(lambda key: str(item[key[1]]), written)
    else:
        href = str(item[written] or "")
    address, title = context.canonical(href) if href else None, _title(item[shape.title])
    return Row(address, title, _day(item[shape.date])) if address and title else None


def _title(value: Any) -> str:
    """A title, which some services mark up."""
    root = parse(f"<p>{value or ''}</p>")
    return text_of(root) if root is not None else ""


def _day(value: Any) -> date | None:
    """The civil day of a date as text, or of an instant in milliseconds."""
    if isinstance(value, int) and 0 < value < 10**13:
        return datetime.fromtimestamp(value / 1000, UTC).astimezone(CHINA).date()
    return read_date(str(value))


def _refused(found: str) -> Unreadable:
    return Unreadable(
        "list-refused",
        f"the list's answer {found}: the service may have changed; compare the channel's items, "
        "title, address and date in the source file with the answer",
    )
