"""Which names of places stand where in a text: the first step of reading places.

All names of the gazetteer and of the word lists are looked for at once. Whether a match is meant
is decided later: :mod:`place_evidence` looks at what stands around it, :mod:`place_resolution`
chooses among the divisions that bear the name, and :mod:`places` puts the three together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal, NamedTuple

from ahocorasick_rs import AhoCorasick, MatchKind

from archive.normalise.gazetteer import Division, by_name, by_short_name, is_remembered
from archive.normalise.provinces import PROVINCES, XPCC
from archive.normalise.wordlists import word_lists

Kind = Literal["province", "full", "short", "trap", "xpcc"]
"""What a name is: a trap is a word that holds a place's name and is not a place."""

WORD_LISTS = word_lists("place_words.txt")
"""The lists of words; the file says what each is for."""

# A short name that ended before 2000 is not looked for, a full name that ended before 1990: short
# names of long-gone divisions are mostly other words by now.
_SHORT_SINCE, _FULL_SINCE = 2000, 1990


class Name(NamedTuple):
    """A string that is looked for: what it is, and the divisions that bear it.

    ``province`` is the code of the province that it names, else empty.
    """

    text: str
    kind: Kind
    cities: tuple[Division, ...] = ()
    counties: tuple[Division, ...] = ()
    province: str = ""


class Match(NamedTuple):
    """A name in a text, from the code point ``start`` to before ``end``."""

    start: int
    end: int
    name: Name


def names_in(text: str) -> list[Match]:
    """All names in a text, overlapping ones too, by their start, of one start the longest first."""
    matcher, names = _automaton()
    found = [
        (start, -end, index)
        for index, start, end in matcher.find_matches_as_indexes(text, overlapping=True)
    ]
    found.sort()
    return [Match(start, -minus_end, names[index]) for start, minus_end, index in found]


@cache
def _automaton() -> tuple[AhoCorasick, Sequence[Name]]:
    """The matcher of all names and traps; a string is the first of its possible kinds."""
    names: dict[str, Name] = {}
    for province in PROVINCES.values():
        for text in (province.name, province.short):
            names[text] = Name(text, "province", province=province.code)
    names["内蒙"] = Name("内蒙", "province", province="150000")
    names[XPCC] = Name(XPCC, "xpcc", province="650000")
    for text, found in by_name().items():
        known = _remembered(found, _FULL_SINCE)
        # 东乡县 was a county in 江西, and is the short name of 东乡族自治县.
        known += _remembered(by_short_name().get(text, ()), _FULL_SINCE)
        _add(names, text, known, "full")
    for text, found in by_short_name().items():
        plain = text[-1] in "县旗" or (len(text) > 2 and text[-1] == "州")
        _add(names, text, _remembered(found, _SHORT_SINCE), "full" if plain else "short")
    for trap in WORD_LISTS["traps"]:
        names.setdefault(trap, Name(trap, "trap"))
    items = list(names.values())
    return AhoCorasick([n.text for n in items], matchkind=MatchKind.Standard), items


def _add(names: dict[str, Name], text: str, known: tuple[Division, ...], kind: Kind) -> None:
    if len(text) >= 2 and text not in names and known:
        cities = tuple(d for d in known if d.level == "city")
        counties = tuple(d for d in known if d.level == "county")
        names[text] = Name(text, kind, cities, counties)


def _remembered(found: Sequence[Division], year: int) -> tuple[Division, ...]:
    return tuple(d for d in found if is_remembered(d, year))
