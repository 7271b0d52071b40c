"""Which keys of an unknown JSON answer have a list's rows: a shape, for a person to confirm."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from archive.parse.json_list import WHOLE, JsonShape
from archive.parse.written_dates import read_date

_HAN = re.compile(r"[\u3400-\u9fff]")
_TITLE = re.compile(r"title", re.I)
_DATE = re.compile(r"publish|pub|date|time|day", re.I)
_PUBLISHED = re.compile(r"pub", re.I)
_ADDRESS = re.compile(r"^(?:https?://|\.{0,2}/)\S+$")
_ID = re.compile(r"(?:^|[a-z])(?:id|Id|ID)$")
_TOTAL = re.compile(r"total|count", re.I)
# Answers nested deeper than this are none of a list service.
_DEEPEST = 6


def guess_shape(text: str) -> JsonShape | None:
    """The shape of an answer whose rows have a title and a date; None where there is no such.

    ``address`` is a key whose values are addresses, else ``/{key}`` of the likeliest id, which a
    person has to complete: where a document with that id is, the list does not say.
    """
    try:
        answer = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None
    found = (shape for place, rows in _arrays(answer, ()) if (shape := _shape(answer, place, rows)))
    return next(found, None)


def _arrays(value: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """All arrays of objects in an answer with where they are, the longest first."""
    found: list[tuple[tuple[str, ...], list[Any]]] = []

    def look(value: Any, place: tuple[str, ...]) -> None:
        if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
            found.append((place, value))
        elif isinstance(value, dict) and len(place) < _DEEPEST:
            for key, inner in value.items():
                look(inner, (*place, key))

    look(value, place)
    yield from sorted(found, key=lambda one: len(one[1]), reverse=True)


def _shape(answer: Any, place: tuple[str, ...], rows: list[Any]) -> JsonShape | None:
    keys = [key for key in rows[0] if all(key in row for row in rows)]
    title = _best(keys, lambda key: _title_like(key, rows))
    date = _best(keys, lambda key: _date_like(key, rows))
    address = _best(keys, lambda key: _address_like(key, rows))
    number = _best(keys, lambda key: _id_like(key, rows))
    if title is None or date is None or not (address or number):
        return None
    holder, total = answer, ""
    for key in place[:-1]:
        holder = holder[key]
    if isinstance(holder, Mapping):
        totals = (k for k, v in holder.items() if _TOTAL.search(k) and isinstance(v, int))
        total = ".".join((*place[:-1], name)) if (name := next(totals, "")) else ""
    return JsonShape(".".join(place) or WHOLE, title, address or f"/{{{number}}}", date, total)


def _best(keys: list[str], worth: Any) -> str | None:
    """The key of the greatest worth, the first of equals; None where none is worth anything."""
    return max((key for key in keys if worth(key) > 0), key=worth, default=None)


def _title_like(key: str, rows: list[Any]) -> float:
    """Titles are Chinese, differ from row to row, and say so in their key."""
    values = [str(row[key] or "") for row in rows]
    if not all(_HAN.search(value) for value in values):
        return 0.0
    plain = all("\n" not in value and "<" not in value for value in values)
    return len(set(values)) / len(values) + 2 * bool(_TITLE.search(key)) + plain


def _date_like(key: str, rows: list[Any]) -> float:
    """A day of each row: that of publication before others."""
    if not all(_is_date(row[key]) for row in rows):
        return 0.0
    return 1.0 + bool(_DATE.search(key)) + bool(_PUBLISHED.search(key))


def _is_date(value: Any) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        # Milliseconds from 1990 on.
        return 631_000_000_000 < value < 4_000_000_000_000
    return isinstance(value, str) and len(value) <= 30 and read_date(value) is not None


def _address_like(key: str, rows: list[Any]) -> float:
    values = [str(row[key] or "") for row in rows]
    named = all(_ADDRESS.match(value.strip()) for value in values)
    return len(set(values)) / len(values) if named else 0.0


def _id_like(key: str, rows: list[Any]) -> float:
    """A key of an id whose values all differ; one of documents before others."""
    values = [str(row[key] or "") for row in rows]
    if not _ID.search(key) or len(set(values)) < len(values) or not all(values):
        return 0.0
    return 1.0 + ("doc" in key.lower())
