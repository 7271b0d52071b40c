"""What the text around a place's name says of it: lists, routes, facilities, words, boundaries.

All functions here depend only on the text and on what was read before.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Literal, NamedTuple

from archive.normalise.gazetteer import Division, by_name
from archive.normalise.officials import SURNAMES
from archive.normalise.place_names import Match
from archive.normalise.place_resolution import ReadSoFar, Ref

Link = Literal["", "joined", "listed", "route"]
"""How a name hangs on the one before it: not, directly, as of a list, as the end of a route."""

_LIST_MARK = re.compile(r"(?:、|和|与|及|以及|/|／|·)")
_ROUTE = re.compile(r"(?:至|到|—+|－|-|–|～|~|→)")
_ROUTE_ENDS = ("至", "—", "－", "～", "→")
_CUE = re.compile(
    r"等?(?:\d{1,3}|[一二两三四五六七八九十多几余各]{1,3})?个?(?:省辖|地级|设区)?"
    r"(?:[市县区州旗盟]|地(?![下面方理位点图震铁]))|等地|[（(][市县区州]"
)
_AT = re.compile(r"[在赴到抵至往访从驻于自由经向对将把]$")
_HAN = re.compile(r"[\u3400-\u9fff]")

# What follows a short name when it only names a thing: nature, roads, products, and
# organisations and facilities up to six characters on, with no verb or punctuation between.
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
_NOT_AFTER = {"市": _NOT_A_CITY, "区": _NOT_A_DISTRICT}
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


Run = tuple[int, str]
"""How many names stand in a list from one of them to the end, and what ends it (等市, 两县)."""

_NO_RUN: Run = (0, "")


class Given(NamedTuple):
    """What is the same for all names of a text.

    ``section`` are the codes of the section's provinces, ``on`` is the day of the bulletin,
    ``runs`` are the lists of names as :func:`list_runs` finds them.
    """

    text: str
    section: Collection[str]
    on: date | None
    runs: Mapping[int, Run]


class Spot(NamedTuple):
    """Where a name stands: in which text, after which names, and how it hangs on the last."""

    given: Given
    start: int
    end: int
    read: ReadSoFar
    link: Link

    @property
    def left(self) -> str:
        """The character before the name, empty at the beginning of the text."""
        return self.given.text[max(0, self.start - 1) : self.start]

    @property
    def run(self) -> Run:
        """The list that goes on from the name."""
        return self.given.runs.get(self.start, _NO_RUN)

    @property
    def hangs_on_a_place(self) -> bool:
        """Whether the name follows another in a list, or ends a route, and that one has a code."""
        last = self.read.last
        return self.link in ("listed", "route") and last is not None and last.division is not None

    def extends(self, division: Division) -> bool:
        """Whether the name directly follows that of a city or province that holds the division."""
        last = self.read.last
        return self.link == "joined" and last is not None and last.holds(division)


def spot_of(given: Given, match: Match, read: ReadSoFar) -> Spot:
    """What stands around one name."""
    start, end, name = match
    # An end of a route counts as a place, whatever is built there.
    if name.kind == "short" and given.text[start - 1 : start] in _ROUTE_ENDS:
        return Spot(given, start, end, read, "route")
    return Spot(given, start, end, read, _link(given.text, start, read.last))


def _link(text: str, start: int, last: Ref | None) -> Link:
    if last is None or start - last.end > 2:
        return ""
    gap = text[last.end : start]
    if not gap:
        return "joined"
    if _ROUTE.fullmatch(gap):
        return "route"
    return "listed" if _LIST_MARK.fullmatch(gap) else ""


def list_runs(text: str, found: Sequence[Match]) -> Mapping[int, Run]:
    """The lists of names, by where each of their names starts; the longest name there counts."""
    runs: dict[int, Run] = {}
    for start, end, name in reversed(found):  # of one start the longest comes last
        if name.kind not in ("full", "short"):
            continue
        mark = _LIST_MARK.match(text, end)
        rest = runs.get(mark.end()) if mark else None
        if rest:
            runs[start] = (rest[0] + 1, rest[1])
        else:
            cue = _CUE.match(text, end)
            runs[start] = (1, cue.group() if cue else "")
    return runs


# --- names that are part of something else


def is_part_of_word(name: str, text: str, end: int) -> bool:
    """Whether what follows a full name cuts it out of other words (广州市|民, 城区|域)."""
    word = _NOT_AFTER.get(name[-1])
    return word is not None and word.match(text, end) is not None


def is_facility(text: str, end: int) -> bool:
    """Whether what follows a full name makes the whole the name of a facility (济南市中心医院)."""
    return _FULL_THING.match(text, end) is not None


def is_thing(text: str, end: int, runs: Mapping[int, Run]) -> bool:
    """Whether what follows a short name makes it part of another name (南京路, 武汉大学)."""
    return bool(_THING.match(text, end)) and not (end in runs and bool(_full_names(text, end)))


def is_person(text: str, start: int) -> bool:
    """Whether a title and a surname stand before a short name (副厅长哈|玉林)."""
    return _PERSON.search(text[max(0, start - 6) : start]) is not None


def _full_names(text: str, at: int) -> list[Division]:
    """The divisions whose full names begin there."""
    return [d for n in (3, 4, 5) for d in by_name().get(text[at : at + n], ())]


# --- names that are everyday words too


def is_bound(spot: Spot) -> bool:
    """Whether the name has a clear beginning: a link, a preposition, no Han character before it."""
    return bool(spot.link or _AT.search(spot.left) or not _HAN.match(spot.left))


def is_bare_county(spot: Spot, counties: Sequence[Division]) -> bool:
    """Whether a two-character name such as 任县 or 和县 is a county, not a chance meeting."""
    text, section, *_ = spot.given
    if spot.hangs_on_a_place:
        return True
    if not _BEFORE_COUNTY.search(text[max(0, spot.start - 2) : spot.start]):
        return False
    at_home = not section or any(d.province in section for d in counties)
    return at_home and not _COUNTY_WORD.match(text, spot.end)


def is_listed(spot: Spot) -> bool:
    """Whether the name stands in a list of places, or at the end of a route."""
    if spot.hangs_on_a_place:
        return True
    length, cue = spot.run
    return length >= 3 or cue.startswith("等") or (length == 2 and bool(cue))


def is_enclosed(spot: Spot) -> bool:
    """Whether the name stands between two others of a list, the one before in its own section."""
    division = spot.read.last.division if spot.read.last else None
    at_home = division is not None and division.province in spot.given.section
    return spot.link == "listed" and at_home and spot.run[0] >= 2


def is_known_city(spot: Spot, division: Division) -> bool:
    """Whether the short name of a county-level city can stand alone (格尔木; 在昆山)."""
    if not division.name.endswith("市"):
        return False
    short = division.name[:-1]
    if len(short) >= 3 and not _NAMED_AFTER.search(short):
        return True
    return is_evident(spot, division, strict=True)


def is_evident(spot: Spot, division: Division, *, strict: bool = False) -> bool:
    """Whether the surroundings make an everyday word the place that ``division`` is.

    A list does, its own province or city directly before it, one of its counties directly after
    it, a preposition, or (unless ``strict``) its province's section and a clear beginning.
    """
    if is_listed(spot) or spot.extends(division):
        return True
    if any(d.code[:4] == division.code[:4] for d in _full_names(spot.given.text, spot.end)):
        return True
    section = spot.given.section
    home = division.province in (section or spot.read.provinces)
    if _AT.search(spot.left):
        return home or not section
    return home and not strict and not _HAN.search(spot.left)
