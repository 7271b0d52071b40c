"""Places below the province in running text: prefectures, counties, towns and villages.

Three readings, each with its own evidence: full names from the gazetteer (饶河县) count wherever
they stand, short names of prefectures (西安) unless a facility, a river or a product is named after
them, short names of counties (昆山) only beside other places. Towns and villages are in no table:
they are read from their last character back to a boundary.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple

from archive.model import Level, PlaceMention
from archive.normalise.gazetteer import Division, choose, is_timely
from archive.normalise.place_evidence import (
    Given,
    Spot,
    is_bare_county,
    is_bound,
    is_enclosed,
    is_evident,
    is_facility,
    is_known_city,
    is_listed,
    is_part_of_word,
    is_person,
    is_thing,
    list_runs,
    spot_of,
)
from archive.normalise.place_names import WORD_LISTS, Match, Name, names_in
from archive.normalise.place_resolution import ReadSoFar, Ref, resolve
from archive.normalise.provinces import XPCC, names_a_province
from archive.normalise.towns import find_towns

_COMMON, _WORDS, _NEVER_SHORT = (WORD_LISTS[key] for key in ("common", "words", "never-short"))


class _Outcome(NamedTuple):
    """What became of a name: whether its text is used up, and what it was read as."""

    used: bool
    read_as: Ref | None = None
    mention: PlaceMention | None = None


_LEFT, _USED = _Outcome(False), _Outcome(True)


def find_places(
    text: str, provinces: Collection[str] = (), *, on: date | None = None
) -> list[PlaceMention]:
    """Every mention of a place below the province, in text order, without overlaps.

    ``provinces`` are the codes of the section's provinces, ``on`` the day of the bulletin: names
    in force then are preferred. The code is that of the name as written, never its successor's;
    a name that nothing decides (鼓楼区 alone) keeps its span and has no code. ``rule`` says what
    decided: the city or province just named, one named before, the section's province, uniqueness.
    """
    found = names_in(text)
    given = Given(text, frozenset(provinces), on, list_runs(text, found))
    read = ReadSoFar()
    mentions: list[PlaceMention] = []
    taken: list[tuple[int, int]] = []
    position = 0
    for match in found:
        if match.start < position:
            continue
        outcome = _read_name(given, match, read)
        if outcome.used:
            position = match.end
        if ref := outcome.read_as:
            taken.append((ref.start, ref.end))
            province = match.name.province if match.name.kind == "province" else ""
            read = read.and_province(ref, province) if province else read.and_place(ref)
        if outcome.mention:
            mentions.append(outcome.mention)
    return sorted([*mentions, *find_towns(text, taken)], key=lambda m: m.offset)


def _read_name(given: Given, match: Match, read: ReadSoFar) -> _Outcome:
    start, end, name = match
    if name.kind == "trap":
        return _USED
    if name.kind == "province":
        joined = read.last is not None and read.last.end == start
        if names_a_province(given.text, start, end, joined):
            return _Outcome(True, Ref(start, end, name.province, None))
        return _USED
    if name.kind == "xpcc":
        mention = PlaceMention(XPCC, start, "xpcc", None, "xpcc")
        return _Outcome(True, Ref(start, end, name.province, None), mention)
    if name.kind == "full":
        return _read_full(given, match, read)
    return _read_short(given, match, read)


def _read_full(given: Given, match: Match, read: ReadSoFar) -> _Outcome:
    """Take a full name unless it is part of a word (广州市民) or of a facility's name."""
    _, end, name = match
    if is_part_of_word(name.text, given.text, end):
        return _LEFT
    if is_facility(given.text, end):
        return _USED
    if name.text.endswith("新区") and not any(is_timely(d, given.on) for d in name.counties):
        return _USED  # 两江新区 was a zone for years before it was a district
    spot = spot_of(given, match, read)
    division, rule = _resolve(name.cities + name.counties, spot)
    near = rule in ("city-just-named", "province-just-named")
    if not near:
        listed = spot.link == "listed" and rule == "city-named-before"
        two = len(name.text) == 2
        if (name.text in _COMMON or (two and name.text[1] == "区")) and not listed:
            return _LEFT
        if name.text.endswith("山区") and not is_bound(spot):
            return _LEFT  # 祁连山区 and 粤西山区 are not districts
        if two and not is_bare_county(spot, name.counties):
            return _LEFT
    return _taken(given.text, match, division, rule)


def _read_short(given: Given, match: Match, read: ReadSoFar) -> _Outcome:
    """Take a short name where the evidence suffices; a facility's name is used up whole."""
    start, end, name = match
    if is_person(given.text, start):
        return _LEFT
    spot = spot_of(given, match, read)
    if spot.link != "route" and is_thing(given.text, end, given.runs):
        return _USED if name.cities and name.text not in _WORDS else _LEFT
    division, rule = _short_of(name, spot)
    if division is None and name.text not in _NEVER_SHORT:
        division, rule = read.spoken_of.get(name.text), "full name before"
    if division is None:
        return _LEFT
    return _taken(given.text, match, division, "short, " + rule)


def _short_of(name: Name, spot: Spot) -> tuple[Division | None, str]:
    """The division that a short name means, and the rule; None where the evidence is too thin."""
    never = name.text in _NEVER_SHORT
    if spot.link == "joined" and not any(spot.extends(d) for d in name.cities) and not never:
        division = choose((d for d in name.counties if spot.extends(d)), spot.given.on)
        if division:
            of_city = spot.read.last and spot.read.last.division
            return division, "city-just-named" if of_city else "province-just-named"
    if name.cities:
        division, rule = _resolve(name.cities, spot)
        if division and name.text in _WORDS and not is_evident(spot, division):
            division = None
        return division, rule
    if not never or spot.link == "route" or is_enclosed(spot):
        division, rule = _resolve(name.counties, spot)
        if division and (is_listed(spot) or is_known_city(spot, division)):
            return division, rule
    return None, ""


def _resolve(found: Sequence[Division], spot: Spot) -> tuple[Division | None, str]:
    joined = spot.link == "joined"
    return resolve(found, spot.read, joined=joined, section=spot.given.section, on=spot.given.on)


def _taken(text: str, match: Match, division: Division | None, rule: str) -> _Outcome:
    start, end, name = match
    if division is not None:
        level: Level = "city" if division.level == "city" else "county"
    else:
        level = "county" if name.counties else "city"
    code = division.code if division else None
    mention = PlaceMention(text[start:end], start, level, code, rule)
    return _Outcome(True, Ref(start, end, None, division), mention)
