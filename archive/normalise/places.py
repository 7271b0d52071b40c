"""Places below the province in running text: prefectures, counties, towns and villages.

Three readings, each with its own evidence: full names from the gazetteer (饶河县) count wherever
they stand, short names of prefectures (西安) unless a facility, a river or a product is named after
them, short names of counties (昆山) only beside other places. Towns and villages are in no table:
they are read from their last character back to a boundary.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import chain
from typing import Literal, NamedTuple

from ahocorasick_rs import AhoCorasick, MatchKind

from archive.model import Level, PlaceMention
from archive.normalise.gazetteer import (
    Division,
    by_name,
    by_short_name,
    choose,
    is_remembered,
    is_timely,
)
from archive.normalise.officials import SURNAMES
from archive.normalise.provinces import PROVINCES, XPCC, names_a_province
from archive.normalise.towns import find_towns
from archive.normalise.wordlists import word_lists

Kind = Literal["province", "full", "short", "trap", "xpcc"]


# What each list is for stands in it.
_LISTS = word_lists("place_words.txt")
_TRAPS, _COMMON = _LISTS["traps"], _LISTS["common"]
_WORDS, _NEVER_SHORT = _LISTS["words"], _LISTS["never-short"]
_LIST_SIGN = re.compile(r"(?:、|和|与|及|以及|/|／|·)")
_LINK = re.compile(r"(?:、|和|与|及|以及|/|／|至|到|—+|－|-|–|～|~|→)")
_ROUTE = re.compile(r"(?:至|到|—+|－|-|–|～|~|→)")
_CUE = re.compile(
    r"等?(?:\d{1,3}|[一二两三四五六七八九十多几余各]{1,3})?个?(?:省辖|地级|设区)?"
    r"(?:[市县区州旗盟]|地(?![下面方理位点图震铁]))|等地|[（(][市县区州]"
)
_AT = re.compile(r"[在赴到抵至往访从驻于自由经向对将把]$")
_HAN = re.compile(r"[\u3400-\u9fff]")

# What follows a short name when it only names a thing: nature, roads, products, and
# organisations and facilities up to six characters on, with no verb or sign between.
_THING = re.compile(
    r"江(?!岸区|苏|西|段|津|北|南|都|宁|阴|油|夏|陵|山市)|河(?!长|道|湖|南|北|东|西|流|口|池|源)"
    r"|湖(?!长|南|北|泊|州|口)|海(?!关|事|洋|域|南|淀|珠|沧|曙|州|宁|盐|安|门|口|拉尔|东|西|北)"
    r"|山(?!洪|东|西|体|阳|亭|丹|南)|[岛湾峡关沟坡](?![头区])|岭(?!南)|路(?!政|段|面|网|灯|桥|长)"
    r"|街(?!道|头|区|巷)|[东南西北中一二三四五六环]路|大街|大道|半岛|[镇乡村屯](?!村|镇|江|庄|平"
    r"|赉|宁|海|坪|原|雄|沅|康|安|巴)"
    r"|门(?![户头诊源市类])|街道|社区|精神|拉面|牛肉面|炒饭|扒鸡|火腿|螺蛳粉|小吃|大闸蟹"
    r"|[瓜茶醋酒](?!业|叶|产|农|园|店|泉)|苹果|香梨|脐橙"
    r"|蜜柚|大米|米粉|热干面|烤鸭|板鸭|啤酒|时代(?!广)|报业|[东南西北]?站(?![点位台长])"
    r"|(?:[^，。、；：！？（）()“”《》\s建开召至到赴在的和与及将已对为由从向推进加强等一某两几多市县区省—－～]{0,6}?)"
    r"(?:大学(?!生|习)|学院|中学|小学|医院|研究院|研究所|博物馆|图书馆|体育馆|公司|集团|银行|日报"
    r"|晚报|时报|卫视"
    r"|电视台|交易所|局集团|发射中心|发射场|会展中心|博览中心|体育中心|科学中心|换流站|变电站"
    r"|水电站|核电站|电厂"
    r"|火车站|高铁站|客运站|水文站|枢纽|大桥|特大桥|隧道|水库|灌区|大坝|船闸|公园|保护区|风景区"
    r"|景区|机场|口岸"
    r"|开发区|工业园|产业园|科技园|园区|高新区|经开区|示范区|自贸区|自贸片区|保税区|综保区"
    r"|保税港区|新区|新城|试验区|港区"
    r"|高速|铁路|高铁|城际|地铁|轻轨|轨道交通|快速路|运河|盆地|平原|草原|高原|山脉|走廊"
    r"|都市圈|城市群|经济圈|经济区|经济带|三角洲|石化(?![企产行])|钢铁(?![企产行业]))"
    r"|[^，。、；的回进出归靠离到抵]{0,2}港(?![口澳币资商股城闸南北])"
)
# What follows a full name when the whole is one facility's name.
_FULL_THING = re.compile(
    r"(?:第[一二三四五六七八九十]+|国际|人民|中心|中医|妇幼保健|儿童|传染病|肿瘤|疾控)*"
    r"(?:小吃|医院|大学(?!生)|学院|机场|火车站|高铁站|口岸|博物馆|图书馆|换流站|变电站)"
)
_NOT_A_CITY = re.compile(
    r"民(?![政族主宗用办营间生兵航警委盟革建进]|.{1,3}[区县镇乡村街])|场(?!监|.?镇)|值"
    r"|容(?![积量县])"
    r"|长(?!.{1,3}[区县镇乡村街])"
)
_NOT_A_DISTRICT = re.compile(r"[域间划位段块]")
_COUNTY_WORD = re.compile(r"[委级域城区市乡镇长直里际外处人政]|两级|[、（][乡镇村区市县]")
_BEFORE_COUNTY = re.compile(
    r"(?:^|[\s，。、；：！？（）()“”《》\d在赴到抵往从对访察导研于至的]"
    r"|深入|走进|来到|赶赴|目前|包括|涉及|其中|带领|当前|近日|支援|援助)$"
)
# A title and a surname: 厅长 and a person named 哈玉林, not the city 玉林.
_PERSON = re.compile(
    r"(?:[厅局处县市区州盟旗乡镇村院司科队所部会]长|书记|主任|主席|常委|委员|巡视员|调研员|专员|[程济划计]师)"
    rf"(?![于向从自到在])[{SURNAMES}]$"
)
# County-level cities named after a mountain or a work: the short name may mean that.
_NAMED_AFTER = re.compile(r"[山池堰口岭河]$")


class _Name(NamedTuple):
    """One string of the automaton: what it is, and the divisions that bear it."""

    text: str
    kind: Kind
    cities: tuple[Division, ...]
    counties: tuple[Division, ...]
    province: str


@dataclass(frozen=True, slots=True)
class _Ref:
    """A name already read: a province has no division and is no mention."""

    start: int
    end: int
    province: str | None
    division: Division | None

    def holds(self, division: Division) -> bool:
        """Whether the division lies in this city or province."""
        if self.division is None:
            return division.province == self.province
        return self.division.level == "city" and division.code[:4] == self.division.code[:4]


@cache
def _automaton() -> tuple[AhoCorasick, Sequence[_Name]]:
    """The matcher of all names and traps; a string is the first of its possible kinds."""
    names: dict[str, _Name] = {}
    for province in PROVINCES.values():
        for text in (province.name, province.short):
            names[text] = _Name(text, "province", (), (), province.code)
    names["内蒙"] = _Name("内蒙", "province", (), (), "150000")
    names[XPCC] = _Name(XPCC, "xpcc", (), (), "650000")
    for table, kind in ((by_name(), "full"), (by_short_name(), "short")):
        for text, found in table.items():
            year = 2000 if kind == "short" else 1990
            known = tuple(d for d in found if is_remembered(d, year))
            if kind == "full":  # 东乡县 was a county in 江西, and is 东乡族自治县 for short
                known += tuple(d for d in by_short_name().get(text, ()) if is_remembered(d, year))
            if len(text) < 2 or text in names or not known:
                continue
            plain = kind == "full" or text[-1] in "县旗" or (len(text) > 2 and text[-1] == "州")
            names[text] = _Name(
                text,
                "full" if plain else "short",
                tuple(d for d in known if d.level == "city"),
                tuple(d for d in known if d.level == "county"),
                "",
            )
    for trap in _TRAPS:
        names.setdefault(trap, _Name(trap, "trap", (), (), ""))
    items = list(names.values())
    return AhoCorasick([n.text for n in items], matchkind=MatchKind.Standard), items


class _Reader:
    """One text being read from left to right, with what its names have told so far."""

    def __init__(self, text: str, provinces: Sequence[str], on: date | None) -> None:
        self.text = text
        self.on = on
        self.section = frozenset(provinces)
        self.refs: list[_Ref] = []
        self.mentions: list[PlaceMention] = []
        self.cities: dict[str, int] = {}
        self.spoken_of: dict[str, Division] = {}
        self.provinces: dict[str, int] = {}
        self.runs: Mapping[int, tuple[int, str]] = {}

    def read(self) -> list[PlaceMention]:
        """All mentions of prefectures and counties, in text order."""
        matcher, names = _automaton()
        found = [
            (start, -end, index)
            for index, start, end in matcher.find_matches_as_indexes(self.text, overlapping=True)
        ]
        found.sort()
        self.runs = self._list_runs(found)
        position = 0
        for start, minus_end, index in found:
            if start >= position:
                position = self._read_name(names[index], start, -minus_end) or position
        return self.mentions

    def _list_runs(self, found: list[tuple[int, int, int]]) -> Mapping[int, tuple[int, str]]:
        """By start: how many names stand in an enumeration from there, and its end (等市, 两县)."""
        runs: dict[int, tuple[int, str]] = {}
        names = _automaton()[1]
        for start, minus_end, index in reversed(found):
            if names[index].kind in ("trap", "province", "xpcc"):
                continue
            sign = _LIST_SIGN.match(self.text, -minus_end)
            rest = runs.get(sign.end()) if sign else None
            if rest:
                runs[start] = (rest[0] + 1, rest[1])
            else:
                cue = _CUE.match(self.text, -minus_end)
                runs[start] = (1, cue.group() if cue else "")
        return runs  # the longest name at a start came last

    def _read_name(self, name: _Name, start: int, end: int) -> int:
        """Take the name, or leave it; the end of what is used up, 0 when nothing is."""
        if name.kind == "trap":
            return end
        if name.kind == "province":
            joined = bool(self.refs) and self.refs[-1].end == start
            if names_a_province(self.text, start, end, joined):
                self.refs.append(_Ref(start, end, name.province, None))
                self.provinces[name.province] = start
            return end
        if name.kind == "xpcc":
            self.refs.append(_Ref(start, end, "650000", None))
            self.mentions.append(PlaceMention(XPCC, start, "xpcc", None, "xpcc"))
            return end
        if name.kind == "full":
            return self._read_full(name, start, end)
        return self._read_short(name, start, end)

    def _link(self, start: int) -> Literal["", "joined", "listed", "route"]:
        """How the name at ``start`` hangs on the name before it."""
        if not self.refs:
            return ""
        gap = self.text[self.refs[-1].end : start] if start - self.refs[-1].end <= 2 else "。"
        if not gap:
            return "joined"
        if _ROUTE.fullmatch(gap):
            return "route"
        return "listed" if _LIST_SIGN.fullmatch(gap) else ""

    def _read_full(self, name: _Name, start: int, end: int) -> int:
        """Take a full name unless it is part of a word (广州市民) or a facility's name."""
        text = self.text
        if name.text[-1] == "市" and _NOT_A_CITY.match(text, end):
            return 0
        if name.text[-1] == "区" and _NOT_A_DISTRICT.match(text, end):
            return 0
        if _FULL_THING.match(text, end):
            return end
        if name.text.endswith("新区") and not any(is_timely(d, self.on) for d in name.counties):
            return end  # 两江新区 was a zone for years before it was a district
        division, rule = self._resolve(name.cities + name.counties, start)
        near = rule in ("city-just-named", "province-just-named")
        listed = self._link(start) == "listed" and rule == "city-named-before"
        if (name.text in _COMMON or (len(name.text) == 2 and name.text[1] == "区")) and not (
            near or listed
        ):
            return 0
        left = text[max(0, start - 1) : start]
        bound = near or self._link(start) or _AT.search(left) or not _HAN.match(left)
        if name.text.endswith("山区") and not bound:
            return 0  # 祁连山区 and 粤西山区 are no districts
        if len(name.text) == 2 and not near and not self._is_bare_county(name, start, end):
            return 0
        level: Level = "county" if name.counties else "city"
        if division is not None:
            level = "city" if division.level == "city" else "county"
        self._take(start, end, level, division, rule)
        return end

    def _is_bare_county(self, name: _Name, start: int, end: int) -> bool:
        """Whether a two-character name such as 任县 or 和县 is a county and no chance meeting."""
        text = self.text
        if self._link(start) in ("listed", "route") and self.refs[-1].division is not None:
            return True
        if not _BEFORE_COUNTY.search(text[max(0, start - 2) : start]):
            return False
        at_home = not self.section or any(d.province in self.section for d in name.counties)
        return at_home and not _COUNTY_WORD.match(text, end)

    def _read_short(self, name: _Name, start: int, end: int) -> int:
        """Take a short name where the evidence suffices; a facility's name is used up whole."""
        text = self.text
        link = self._link(start)
        if text[start - 1 : start] in ("至", "—", "－", "～", "→"):
            link = "route"  # an end of a route counts, whatever is built there
        if _PERSON.search(text[max(0, start - 6) : start]):
            return 0
        if link != "route" and self._is_thing(end):
            sure = name.cities and name.text not in _WORDS
            return end if sure else 0
        division, rule = None, ""
        if link == "joined" and not any(self.refs[-1].holds(d) for d in name.cities):
            division = choose((d for d in name.counties if self.refs[-1].holds(d)), self.on)
            if name.text in _NEVER_SHORT:
                division = None
            rule = "city-just-named" if self.refs[-1].division else "province-just-named"
        if division is None and name.cities:
            division, rule = self._resolve(name.cities, start)
            if name.text in _WORDS and not self._is_evident(division, start, end, link):
                division = None
        elif division is None and (
            name.text not in _NEVER_SHORT or link == "route" or self._is_enclosed(start, link)
        ):
            division, rule = self._resolve(name.counties, start)
            if not self._is_listed(start, link) and not self._is_known_city(division, start, link):
                division = None
        if division is None and name.text in self.spoken_of and name.text not in _NEVER_SHORT:
            division, rule = self.spoken_of[name.text], "full name before"
        if division is None:
            return 0
        level: Level = "city" if division.level == "city" else "county"
        self._take(start, end, level, division, "short, " + rule)
        return end

    def _is_thing(self, end: int) -> bool:
        """Whether what follows makes the short name part of another name."""
        return bool(_THING.match(self.text, end)) and not (
            end in self.runs and bool(self._full_names(end))
        )

    def _full_names(self, end: int) -> list[Division]:
        """The divisions whose full names begin at ``end``."""
        return [d for n in (3, 4, 5) for d in by_name().get(self.text[end : end + n], ())]

    def _is_listed(self, start: int, link: str) -> bool:
        """Whether the name stands in an enumeration of places, or at the end of a route."""
        previous = self.refs[-1] if self.refs else None
        if link in ("listed", "route") and previous and previous.division is not None:
            return True
        count, cue = self.runs.get(start, (0, ""))
        return count >= 3 or cue.startswith("等") or (count == 2 and bool(cue))

    def _is_enclosed(self, start: int, link: str) -> bool:
        """Whether the name stands between two others of an enumeration in its own section."""
        previous = self.refs[-1].division if self.refs else None
        listed = link == "listed" and previous is not None and previous.province in self.section
        return listed and self.runs.get(start, (0, ""))[0] >= 2

    def _is_known_city(self, division: Division | None, start: int, link: str) -> bool:
        """Whether the short name of a county-level city can stand alone (格尔木; 在昆山)."""
        if division is None or not division.name.endswith("市"):
            return False
        short = division.name[:-1]
        if len(short) >= 3 and not _NAMED_AFTER.search(short):
            return True
        return self._is_evident(division, start, start + len(short), link, strict=True)

    def _is_evident(
        self,
        division: Division | None,
        start: int,
        end: int,
        link: str,
        *,
        strict: bool = False,
    ) -> bool:
        """Whether the surroundings make an everyday word a place: a list, a preposition, its own
        province before it, or (unless ``strict``) its province's section and clear boundaries."""
        if division is None:
            return False
        if self._is_listed(start, link):
            return True
        if link == "joined" and self.refs[-1].holds(division):
            return True
        if any(d.code[:4] == division.code[:4] for d in self._full_names(end)):
            return True
        left = self.text[max(0, start - 1) : start]
        home = division.province in (self.section or self.provinces)
        if _AT.search(left):
            return home or not self.section
        return home and not strict and not _HAN.search(left)

    def _resolve(self, found: Sequence[Division], start: int) -> tuple[Division | None, str]:
        """The division meant and the rule that chose it, by the nearest evidence first."""
        link = self._link(start)
        if link == "joined":
            ref = self.refs[-1]
            division = choose((d for d in found if ref.holds(d)), self.on)
            if division:
                return division, "city-just-named" if ref.division else "province-just-named"
            if ref.division and ref.division.level == "city":
                near = [d for d in found if d.province == ref.division.province]
                return choose(near, self.on), "province-of-city" if near else "unresolved"
        # 公主岭市 after 四平市 is not of 四平 any more: what is at home elsewhere now comes first.
        homes = {d.province for d in found if is_timely(d, self.on)}
        found = [d for d in found if is_timely(d, self.on) or d.province not in homes]
        cities = {d.code[:4]: self.cities[d.code[:4]] for d in found if d.code[:4] in self.cities}
        if cities:
            nearest = max(cities, key=lambda c: cities[c])
            division = choose((d for d in found if d.code[:4] == nearest), self.on)
            if division:
                return division, "city-named-before"
        for codes, rule in (
            (self.section, "section-province"),
            (self.provinces, "province-named-before"),
        ):
            at_home = [d for d in found if d.province in codes]
            if at_home:
                division = choose(at_home, self.on)
                return division, rule if division else "unresolved"
        division = choose(found, self.on)
        return division, "unique" if division else "unresolved"

    def _take(
        self, start: int, end: int, level: Level, division: Division | None, rule: str
    ) -> None:
        code = division.code if division else None
        self.mentions.append(PlaceMention(self.text[start:end], start, level, code, rule))
        self.refs.append(_Ref(start, end, None, division))
        if division and division.level == "city":
            self.cities[division.code[:4]] = start
        elif division and division.name.endswith("市"):
            self.spoken_of[division.name[:-1]] = division


def find_places(
    text: str, provinces: Sequence[str] = (), *, on: date | None = None
) -> list[PlaceMention]:
    """Every mention of a place below the province, in text order, without overlaps.

    ``provinces`` are the codes of the section's provinces, ``on`` the day of the bulletin: names
    in force then are preferred. The code is that of the name as written, never its successor's;
    a name that nothing decides (鼓楼区 alone) keeps its span and has no code. ``rule`` says what
    decided: the city or province just named, one named before, the section's province, uniqueness.
    """
    reader = _Reader(text, provinces, on)
    counties = reader.read()
    towns = find_towns(text, [(ref.start, ref.end) for ref in reader.refs])
    return sorted(chain(counties, towns), key=lambda m: m.offset)
