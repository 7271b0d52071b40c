"""Which division a name of a place means: the nearest evidence decides, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple

from archive.normalise.gazetteer import Division, choose, is_timely


class Ref(NamedTuple):
    """A name that was read: of a division below the province, else of a province.

    ``division`` is None for a province, and for a name that could not be resolved, which has no
    ``province`` either.
    """

    start: int
    end: int
    province: str | None
    division: Division | None

    def holds(self, division: Division) -> bool:
        """Whether the division lies in this city or province."""
        if self.division is None:
            return division.province == self.province
        return self.division.level == "city" and division.code[:4] == self.division.code[:4]


_NOTHING: Mapping[str, Any] = MappingProxyType({})


class ReadSoFar(NamedTuple):
    """What the names before a place in the text have told; a new value for each name read.

    ``cities`` are the first four digits of the codes of prefectures, with where each was last
    named; ``provinces`` the codes of provinces named; ``spoken_of`` the county-level cities named
    in full, by their short names (胶州 after 胶州市).
    """

    last: Ref | None = None
    cities: Mapping[str, int] = _NOTHING
    provinces: frozenset[str] = frozenset()
    spoken_of: Mapping[str, Division] = _NOTHING

    def and_place(self, ref: Ref) -> ReadSoFar:
        """With one more name that is not a province's."""
        division = ref.division
        if division and division.level == "city":
            cities = {**self.cities, division.code[:4]: ref.start}
            return ReadSoFar(ref, cities, self.provinces, self.spoken_of)
        if division and division.name.endswith("市"):
            spoken_of = {**self.spoken_of, division.name[:-1]: division}
            return ReadSoFar(ref, self.cities, self.provinces, spoken_of)
        return ReadSoFar(ref, self.cities, self.provinces, self.spoken_of)

    def and_province(self, ref: Ref, code: str) -> ReadSoFar:
        """With one more name of a province."""
        return ReadSoFar(ref, self.cities, self.provinces | {code}, self.spoken_of)


def resolve(
    found: Sequence[Division],
    read: ReadSoFar,
    *,
    joined: bool,
    section: Collection[str],
    on: date | None,
) -> tuple[Division | None, str]:
    """Which of the divisions with a name is meant, and the rule that chose it.

    In this order: the city or province just before the name (``joined`` says that one ends where
    the name begins), the city named last, the provinces of the section, those named before, and
    that there is only one. None and ``unresolved`` where these leave several.
    """
    last = read.last
    if joined and last:
        division = choose((d for d in found if last.holds(d)), on)
        if division:
            return division, "city-just-named" if last.division else "province-just-named"
        if last.division and last.division.level == "city":
            near = [d for d in found if d.province == last.division.province]
            return choose(near, on), "province-of-city" if near else "unresolved"
    # 公主岭市 after 四平市 is not of 四平 any more: what is at home elsewhere now comes first.
    if len(found) > 1:
        homes = {d.province for d in found if is_timely(d, on)}
        found = [d for d in found if is_timely(d, on) or d.province not in homes]
    named = {code for d in found if (code := d.code[:4]) in read.cities}
    if named:
        nearest = max(named, key=lambda code: read.cities[code])
        division = choose((d for d in found if d.code[:4] == nearest), on)
        if division:
            return division, "city-named-before"
    for codes, rule in (
        (section, "section-province"),
        (read.provinces, "province-named-before"),
    ):
        at_home = [d for d in found if d.province in codes]
        if at_home:
            division = choose(at_home, on)
            return division, rule if division else "unresolved"
    division = choose(found, on)
    return division, "unique" if division else "unresolved"
