"""Provinces: found by code or name, in headings, in titles and in the names of issuers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from ahocorasick_rs import AhoCorasick, MatchKind

from archive.model import Province
from archive.normalise.gazetteer import Division, by_name, by_short_name, divisions

HeadingLevel = Literal["province", "city", "xpcc"]

_SHORT = re.compile(r"(省|市|(壮族|回族|维吾尔)?自治区|特别行政区)$")
PROVINCES: Mapping[str, Province] = {
    d.code: Province(d.code, d.name, _SHORT.sub("", d.name))
    for d in divisions()
    if d.level == "province"
}
"""The 34 provinces by code, in the order of their codes."""

XPCC = "新疆生产建设兵团"
XPCC_NAMES = (XPCC, "新疆兵团", "生产建设兵团", "兵团")

# Prefectures whose short name also means a county elsewhere, or is an everyday word.
SHARED_SHORT_NAMES = frozenset({"朝阳", "中山", "兴安", "巴州", "吉林", "海南"})
WORD_SHORT_NAMES = frozenset(
    {"安康", "来宾", "日照", "大同", "长治", "白银", "山南", "甘南", "资阳"}
)

_MAX_HEADING = 40
_ORDINAL = (
    r"(?:第[一二三四五六七八九十]+[、.．,，]?|[(（][一二三四五六七八九十\d]{1,3}[)）]"
    r"|[一二三四五六七八九十]{1,3}[、.．,，:：]|\d{1,2}[、.．)）]|[①-⑳⑴-⒇⒈-⒛㈠-㈩])"
)
_FRAME = "■□◆◇●○◎▲△▼★☆※◤◥▶►·•‣\\-—–―*#|｜"
_OPENING = re.compile(rf"^(?:{_ORDINAL}|[\s{_FRAME}]|[【\[［〖〔《〈「『(（<＜“\"])*")
_CLOSING = re.compile(rf"(?:[\s{_FRAME}]|[】\]］〗〕》〉」』)）>＞”\"]|[:：。.])*$")
_SEPARATOR = re.compile(r"[、，,/／·•|｜;；—–\-【】（）()]|\s+|和|及|与|暨")


@dataclass(frozen=True, slots=True)
class Heading:
    """A line that only names provinces: the line stripped, the codes in order, what was named.

    ``level`` is ``city`` when a city stands for its province, ``xpcc`` for 新疆生产建设兵团.
    """

    literal: str
    codes: tuple[str, ...]
    level: HeadingLevel


@cache
def _keys() -> Mapping[str, Province]:
    keys = dict.fromkeys(XPCC_NAMES, PROVINCES["650000"]) | {"内蒙": PROVINCES["150000"]}
    for province in PROVINCES.values():
        for kind in ("", "省", "市", "自治区", "特别行政区"):
            if kind != "市" or province.name.endswith("市"):
                keys[province.short + kind] = province
        keys[province.code] = keys[province.name] = province
    return keys


def province_of(key: str) -> Province | None:
    """The province with this code, short or full name; or with that of a division in it.

    兵团 and 新疆生产建设兵团 are Xinjiang. None for a key that does not name a province.
    """
    key = key.strip()
    if len(key) == 6 and key.isascii() and key.isdigit():
        return PROVINCES.get(key[:2] + "0000")
    return _keys().get(key)


def read_heading(line: str) -> Heading | None:
    """Read a line as a heading; None when it holds anything else than names of places.

    Whitespace (ASCII and U+3000) at the ends does not count; brackets, bullets, ordinals and
    a colon may stand around the names. Names are provinces, 兵团, prefectures, and the counties
    that belong to no prefecture; a province may be followed by its city.
    """
    literal = line.strip(" \t\r\n\f\v\u3000\u00a0\ufeff\u200b")
    if not literal or len(literal) > _MAX_HEADING:
        return None
    opening = _OPENING.match(literal)
    core = literal[opening.end() if opening else 0 :]
    core = _CLOSING.sub("", core)
    framed = core != literal
    whole = re.sub(r"\s+", "", core)
    names = [whole] if _read_name(whole, framed) else [s for s in _SEPARATOR.split(core) if s]
    found = [_read_name(name, framed) for name in names]
    if not found or not all(found):
        return None
    read = [pair for pair in found if pair]
    levels = {level for _, level in read}
    codes = tuple(dict.fromkeys(code for code, _ in read))
    return Heading(literal, codes, levels.pop() if len(levels) == 1 else "province")


def _read_name(name: str, framed: bool) -> tuple[str, HeadingLevel] | None:
    """Province code and level of one name; ``framed`` lets everyday words be cities."""
    if name in XPCC_NAMES:
        return "650000", "xpcc"
    province = None if name.isascii() else province_of(name)
    if province:
        return province.code, "province"
    if name in SHARED_SHORT_NAMES or (name in WORD_SHORT_NAMES and not framed):
        return None
    city = _city_province(name)
    if city:
        return city, "city"
    for length in range(min(8, len(name) - 2), 1, -1):
        head = province_of(name[:length])
        if head and not name.isascii() and _lies_in(name[length:], head.code):
            return head.code, "city"
    return None


@cache
def _city_names() -> Mapping[str, tuple[Division, ...]]:
    """Prefectures, and counties of no prefecture, by full and short name."""
    index: dict[str, tuple[Division, ...]] = {}
    for names in (by_name(), by_short_name()):
        for name, found in names.items():
            cities = tuple(d for d in found if _is_citylike(d))
            if cities and len(name) >= 2:
                index[name] = index.get(name, ()) + cities
    return index


def _is_citylike(division: Division) -> bool:
    direct = division.parent == division.province and division.name.endswith("市")
    return division.level == "city" or (direct and division.valid_to is None)


def _city_province(name: str) -> str | None:
    """The one province in which a city of this name lies or lay last; None if there are more."""
    cities = _city_names().get(name, ())
    living = [d for d in cities if d.valid_to is None] or cities
    codes = {d.province for d in living}
    return codes.pop() if len(codes) == 1 else None


def _lies_in(chain: str, province: str) -> bool:
    """Whether the text is one division of the province, or a city and a county of it."""

    def known(name: str) -> bool:
        found = by_name().get(name, ()) + _city_names().get(name, ())
        return any(d.province == province for d in found)

    cuts = range(2, len(chain) - 1)
    return known(chain) or any(
        chain[:i] in _city_names() and known(chain[:i]) and known(chain[i:]) for i in cuts
    )


# What may follow a province's name where it is part of another name: a road's, a lake's.
_NO_PROVINCE_AFTER = re.compile(
    r"(?:中|东|西|南|北|环)?[路街]|大街|大道|海峡|湖(?![南北])|半岛|高原|丘陵"
)
# Names of things that begin with a province's name: an organisation, a time zone.
_NOT_THE_PROVINCE = re.compile("上海合作组织|北京(?:标准)?时间")
_COMPASS = frozenset({"河南", "河北", "湖南", "湖北", "江西", "山西", "山东", "海南"})
_SIDE = re.compile(r"[岸麓坡缘侧翼端段支]|部(?!分|署|门)")
_WATERS = re.compile(
    r"(?:[黄淮渭汾辽海洛汉泾洮滦沙颍永运]河|[长珠嫩赣湘漓澜怒岷嘉乌闽瓯钱甬松西东北沧]江"
    r"|[太巢西东南北庭阳]湖|[天泰华衡恒嵩黄阴祁连庐行燕兰仑]山|[黄渤东南]海)$"
)
_NO_PLACES = ("长白山", "黄山", "井冈山", "武当山", "大兴安岭", "小兴安岭", "南海", "其中")


@cache
def _title_names() -> tuple[AhoCorasick, list[tuple[str, str]]]:
    """A matcher of every name a title may hold, with (name, province code or empty)."""
    names: dict[str, str] = {}
    for name, found in by_name().items():
        living = [d for d in found if d.valid_to is None] or list(found)
        codes = {d.province for d in living}
        names[name] = codes.pop() if len(codes) == 1 else ""
    for name, found in by_short_name().items():
        if any(d.level == "city" for d in found) and len(name) >= 2:
            plain = name not in SHARED_SHORT_NAMES | WORD_SHORT_NAMES
            names.setdefault(name, (_city_province(name) or "") if plain else "")
        elif len(name) > 2 and name[-1] in "县旗":
            names.setdefault(name, "")
    for name, province in _keys().items():
        if not name.isascii() and name != "兵团":
            names[name] = province.code
    items = list((names | dict.fromkeys(_NO_PLACES, "")).items())
    return AhoCorasick([n for n, _ in items], matchkind=MatchKind.LeftmostLongest), items


def names_a_province(text: str, start: int, end: int, joined: bool) -> bool:
    """Whether the province's name at ``start`` to ``end`` means the province.

    Not in the name of a road, a lake or another thing (南京路, 青海湖, 上海合作组织), and not where
    河南 is cut out of 黄河 and 南岸. ``joined``: another name ends at ``start`` (河南湖北两省).
    """
    if _NO_PROVINCE_AFTER.match(text, end) or _NOT_THE_PROVINCE.match(text, start):
        return False
    if text[start:end] not in _COMPASS or joined:
        return True
    return not (_WATERS.search(text[max(0, start - 1) : start + 1]) or _SIDE.match(text, end))


def provinces_in_title(text: str) -> tuple[str, ...]:
    """Codes of the provinces that a title or an issuer's name mentions, in order.

    A province is mentioned by its own name, or by that of a prefecture or county that lies in no
    other province. A region (东北, 京津冀) mentions none.
    """
    matcher, names = _title_names()
    codes: dict[str, None] = {}
    last_end = -1
    for index, start, end in matcher.find_matches_as_indexes(text):
        code = names[index][1]
        if code and names_a_province(text, start, end, start == last_end):
            codes[code] = None
        last_end = end
    return tuple(codes)
