"""Explain: a bulletin with every mention marked, what it was read as, and by which rule.

For a person who traces a wrong answer: ``bulletins parse FILE --explain``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from archive.model import Bulletin, DateMention, Entry, Official, PlaceMention
from archive.normalise.gazetteer import divisions
from archive.parse.lines import width

COLUMNS = 100
"""The width of a line in half-width cells; a Han character takes two."""

_INDENT = "    "
_WORDS_WIDTH = 24  # cells kept for the words of a mention, so that what they mean is aligned


class _Note(NamedTuple):
    """A mention: where its words stand, what it is, what it means, and why."""

    offset: int
    words: str
    what: str
    means: str
    rule: str


def explain(bulletin: Bulletin) -> str:
    """A bulletin as plain text for a terminal of 100 columns, ending in a line break.

    First what was read from the page, and the reference date; then each entry: its heading,
    its provinces with the basis of each, its text with the mentions as ``[1 5月8日]``, and a line
    for each number. A place without a code and a date without days say so.
    """
    entries = [bulletin.lead, *bulletin.entries] if bulletin.lead else bulletin.entries
    lines = [*_head(bulletin), ""]
    for entry in entries:
        lines += [*_entry(entry), ""] if entry else []
    return "\n".join(lines)


def _head(bulletin: Bulletin) -> Iterator[str]:
    yield from _wrapped(bulletin.title, "", "")
    origin = bulletin.origin
    reference = "none: no date is read"
    if bulletin.anchor:
        given = "the origin's date" if origin and origin.date else "the day of publication"
        reference = f"{bulletin.anchor}, {given}; dates without a year count from it"
    fallback = ", a fallback: check that it is the text" if "generic" in bulletin.body_rule else ""
    facts = {
        "address": bulletin.url or "not given",
        "series": f"{bulletin.series} no. {bulletin.issue}" if bulletin.series else "none",
        "published": bulletin.published_at or str(bulletin.published or "not given"),
        "origin": origin.literal if origin else "none",
        "issuer": bulletin.issuer or "none",
        "reference": reference,
        "body": f"{bulletin.body_rule}{fallback}",
    }
    for name, value in facts.items():
        yield from _wrapped(f"{name:<10} {value}", _INDENT, _INDENT + " " * 11)


def _entry(entry: Entry) -> Iterator[str]:
    heading = f"  {entry.heading}" if entry.heading else ""
    yield from _wrapped(f"--- {entry.seq} {entry.kind}{heading}", "", _INDENT)
    provinces = [
        f"{p.province.code} {p.province.name} (from the {p.basis})" for p in entry.provinces
    ]
    yield from _wrapped("provinces  " + (", ".join(provinces) or "none"), _INDENT, _INDENT)
    if entry.event_start:
        until = "open" if entry.open_end else entry.event_end
        yield f"{_INDENT}happened   {entry.event_start} to {until}"
    notes = sorted(_notes(entry), key=lambda note: (note.offset, -len(note.words)))
    for paragraph in _marked(entry.text, notes).split("\n"):
        yield from _wrapped(paragraph, "", "")
    for number, note in enumerate(notes, start=1):
        gap = " " * max(1, _WORDS_WIDTH - width(note.words))
        told = f"{number:>3} {note.words}{gap}{note.what}: {note.means}  <- {note.rule}"
        yield from _wrapped(told, "", " " * (5 + _WORDS_WIDTH))


def _notes(entry: Entry) -> Iterator[_Note]:
    for day in entry.dates:
        yield _Note(day.offset, day.text, day.kind, _days(day), day.rule)
    for place in entry.places:
        yield _Note(place.offset, place.text, place.level, _division(place), place.rule)
    for person in entry.officials:
        yield _official(person)


def _official(person: Official) -> _Note:
    return _Note(person.offset, person.name, "official", person.title, "name beside a title")


def _days(mention: DateMention) -> str:
    """The days of a date and its precision: 2020-04-14 to open (day)."""
    first, last = mention.start, mention.end
    if first is None and last is None:
        return f"no day ({mention.precision})"
    if first == last:
        return f"{first} ({mention.precision})"
    span = f"{first} to {last or 'open'}" if first else f"up to {last}"
    return f"{span} ({mention.precision})"


def _division(place: PlaceMention) -> str:
    if place.code:
        return f"{place.code} {_paths().get(place.code, '')}".rstrip()
    return "no code" if place.level in ("town", "village", "xpcc") else "no code, not decided"


@cache
def _paths() -> Mapping[str, str]:
    """The names from the province down to each division, by code, each by its last name."""
    names = {division.code: division.name for division in divisions()}
    return {
        division.code: "".join(
            names.get(code, "")
            for code in dict.fromkeys((division.province, division.code[:4] + "00", division.code))
        )
        for division in divisions()
    }


def _marked(text: str, notes: list[_Note]) -> str:
    """The text with ``[number words]`` around each mention; of two that end together, the inner
    bracket closes first."""
    marks: list[tuple[int, int, int, str]] = []
    for number, note in enumerate(notes, start=1):
        end = note.offset + len(note.words)
        marks += [(note.offset, 1, -end, f"[{number} "), (end, 0, -note.offset, "]")]
    pieces, last = [], 0
    for offset, _, _, mark in sorted(marks):
        pieces += [text[last:offset], mark]
        last = offset
    return "".join([*pieces, text[last:]])


def _wrapped(text: str, first: str, rest: str) -> Iterator[str]:
    """The text broken at the last cell, each line with its indent, control characters as spaces."""
    line, cells = first, len(first)
    for char in "".join(c if c.isprintable() or c == "\u3000" else " " for c in text):
        needed = 2 if unicodedata.east_asian_width(char) in "WFA" else 1
        if cells + needed > COLUMNS:
            yield line.rstrip()
            line, cells = rest, len(rest)
        line, cells = line + char, cells + needed
    yield line.rstrip()
