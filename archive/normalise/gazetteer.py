"""The divisions of China since 1980, by code and by every name they are written with.

The table is ``archive/data/divisions.csv``; ``tools/make_gazetteer.py`` says what it is made of.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Literal, cast

DivisionLevel = Literal["province", "city", "county"]

# Autonomous prefectures in everyday writing: the peoples' names are left out, 州 is kept or
# left out. Bare 海南 is the province; bare 红河 and 怒江 are rivers.
_PREFECTURES = {
    "152500": ("锡林郭勒", "锡盟"),
    "152900": ("阿拉善", "阿盟"),
    "222400": ("延边州", "延边"),
    "422800": ("恩施州", "恩施"),
    "433100": ("湘西州", "湘西"),
    "513200": ("阿坝州", "阿坝"),
    "513300": ("甘孜州", "甘孜"),
    "513400": ("凉山州", "凉山"),
    "522300": ("黔西南州", "黔西南"),
    "522600": ("黔东南州", "黔东南"),
    "522700": ("黔南州", "黔南"),
    "532300": ("楚雄州", "楚雄"),
    "532500": ("红河州",),
    "532600": ("文山州", "文山"),
    "532800": ("西双版纳州", "西双版纳"),
    "532900": ("大理州", "大理"),
    "533100": ("德宏州", "德宏"),
    "533300": ("怒江州",),
    "533400": ("迪庆州", "迪庆"),
    "622900": ("临夏州", "临夏"),
    "623000": ("甘南州", "甘南"),
    "632200": ("海北州", "海北"),
    "632300": ("黄南州", "黄南"),
    "632500": ("海南州",),
    "632600": ("果洛州", "果洛"),
    "632700": ("玉树州", "玉树"),
    "632800": ("海西州", "海西"),
    "652300": ("昌吉州", "昌吉"),
    "652700": ("博尔塔拉州", "博尔塔拉", "博州"),
    "652800": ("巴音郭楞州", "巴音郭楞", "巴州"),
    "653000": ("克孜勒苏州", "克孜勒苏", "克州"),
    "654000": ("伊犁州", "伊犁"),
}
# Counties and banners in everyday writing where the short form does not follow from the name.
_COUNTIES = {
    "150223": ("达茂旗",),
    "150421": ("阿旗",),
    "150722": ("莫旗",),
    "150725": ("陈旗",),
    "150726": ("新左旗",),
    "150727": ("新右旗",),
    "150926": ("察右前旗",),
    "150927": ("察右中旗",),
    "150928": ("察右后旗",),
    "152221": ("科右前旗",),
    "152222": ("科右中旗",),
    "152525": ("东乌旗",),
    "152526": ("西乌旗",),
    "210921": ("阜蒙县",),
    "211324": ("喀左县",),
    "220721": ("前郭县",),
    "230624": ("杜蒙县",),
    "653131": ("塔县",),
}
PEOPLES = (
    "蒙古|藏|回|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|拉祜|水|东乡|纳西"
    "|景颇|柯尔克孜|土|达斡尔|仫佬|羌|布朗|撒拉|毛南|仡佬|锡伯|阿昌|普米|塔吉克|怒|乌孜别克|俄罗斯|鄂温克"
    "|德昂|保安|裕固|京|塔塔尔|独龙|鄂伦春|赫哲|门巴|珞巴|基诺|各"
)
"""The names of the peoples in the names of autonomous places, without 族, as an alternation."""

# Five of Xinjiang's counties leave 族 out: 察布查尔锡伯自治县.
_PEOPLES = re.compile(
    rf"(?<=.)(?:(?:(?:{PEOPLES})族)+|(?<=..)(?:锡伯|塔吉克|哈萨克|蒙古))(?=自治[县旗]$)"
)


@dataclass(frozen=True, slots=True)
class Division:
    """A province, prefecture or county under one code and one name.

    ``valid_from`` is the first day and ``valid_to`` the first day no longer valid; None is
    open. ``parent`` and ``successor`` are codes, None where there is none.
    """

    code: str
    name: str
    level: DivisionLevel
    parent: str | None
    valid_from: date | None
    valid_to: date | None
    successor: str | None

    @property
    def province(self) -> str:
        """The code of the division's province."""
        return self.code[:2] + "0000"


@cache
def divisions() -> tuple[Division, ...]:
    """Every division of the table, abolished ones included, in the table's order."""
    table = (resources.files("archive.data") / "divisions.csv").read_text(encoding="utf-8")
    return tuple(
        Division(
            row["code"],
            row["name"],
            cast(DivisionLevel, row["level"]),
            row["parent"] or None,
            date.fromisoformat(row["valid_from"]) if row["valid_from"] else None,
            date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
            row["successor"] or None,
        )
        for row in csv.DictReader(table.splitlines())
    )


def short_names(division: Division) -> Iterator[str]:
    """The shorter names in use for a division, its own name left out.

    Counties keep 县 and 区: only a county-level city, banner or autonomous county has a shorter
    form here. Names of fewer than two characters are left out.
    """
    name = division.name
    yield from _COUNTIES.get(division.code, ())
    if division.code in _PREFECTURES and name.endswith(("自治州", "盟")):
        yield from _PREFECTURES[division.code]
    elif division.level == "city":
        short = re.sub(r"(市|地区|盟)$", "", name)
        if len(short) >= 2 and short != name:
            yield short
    elif name.endswith(("自治县", "自治旗")):
        short = _PEOPLES.sub("", name)
        stem = re.sub(r"族?自治[县旗]$", "", short)  # 东乡族自治县 is named after its people
        if short != name:
            yield short
        if len(stem) >= 2:
            yield stem + short[-1]
            yield stem
    elif len(name) >= 3 and name.endswith(("市", "县", "区", "旗")):
        yield name[:-1]


@cache
def by_name() -> Mapping[str, tuple[Division, ...]]:
    """Divisions below the province by full name."""
    return _index((d.name, d) for d in divisions() if d.level != "province")


@cache
def by_short_name() -> Mapping[str, tuple[Division, ...]]:
    """Divisions below the province by the shorter names of :func:`short_names`."""
    return _index((s, d) for d in divisions() if d.level != "province" for s in short_names(d))


def _index(pairs: Iterator[tuple[str, Division]]) -> Mapping[str, tuple[Division, ...]]:
    index: dict[str, list[Division]] = {}
    for name, division in pairs:
        index.setdefault(name, []).append(division)
    return {name: tuple(found) for name, found in index.items()}


# A name that ended before this year is not looked for: no bulletin online is that old, and
# the suburbs and rural counties of the 1980s would make living names ambiguous.
_FIRST_YEAR = 1990
# How long after its end, or before its beginning, a name is still written as if in force.
_SLACK_BEFORE, _SLACK_AFTER = timedelta(days=366), timedelta(days=3 * 366)


def is_remembered(division: Division, year: int = _FIRST_YEAR) -> bool:
    """Whether the name was in force in ``year`` or later."""
    return division.valid_to is None or division.valid_to.year > year


def choose(found: Iterable[Division], on: date | None) -> Division | None:
    """The one division meant, by validity on the day; None when two are equally in force.

    In force on the day comes before in force within the slack, and that before any other time.
    Without a day, the names in force today are preferred. Of names that all lie outside the
    slack, the one that ended last is taken when the code tells no other county.
    """
    found = list(found)
    if len(found) < 2:
        return found[0] if found else None
    tiers: tuple[list[Division], list[Division], list[Division]] = ([], [], [])
    for division in found:
        tiers[_tier(division, on)].append(division)
    for tier in tiers:
        if len({d.code for d in tier}) == 1:
            return tier[0]
        if tier:
            same_place = len({d.code[:4] for d in tier}) == 1 or tier is tiers[2]
            one_province = len({d.province for d in tier}) == 1
            if not (same_place and one_province):
                return None
            return max(tier, key=lambda d: (d.valid_to or date.max, d.code))
    return None


def is_timely(division: Division, on: date | None) -> bool:
    """Whether the name is in force on the day or within the slack around it."""
    return _tier(division, on) < 2


def _tier(division: Division, on: date | None) -> int:
    """0 in force on the day, 1 within the slack, 2 at another time."""
    if on is None:
        return 0 if division.valid_to is None else 2
    start, end = division.valid_from or date.min, division.valid_to or date.max
    if start <= on < end:
        return 0
    early = start - on if start > on else timedelta()
    late = on - end if on >= end else timedelta()
    return 1 if early <= _SLACK_BEFORE and late <= _SLACK_AFTER else 2
