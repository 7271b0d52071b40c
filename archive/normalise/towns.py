"""Towns, townships and villages in running text, which no table lists.

They are read from their last character (镇, 乡, 街道, 村, 社区, 嘎查) back to a boundary: a place
already read, punctuation, a verb of going or inspecting. What is between must look like a name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from archive.model import Level, PlaceMention
from archive.normalise.gazetteer import PEOPLES

_HAN = re.compile(r"[\u3400-\u9fff]")
_ALL_HAN = re.compile(r"[\u3400-\u9fff]+")

# Few characters of a text begin one of these; to try all of them at each takes three times as long.
_FIRST = "".join(sorted({people[0] for people in PEOPLES.split("|")})) + "民街苏镇乡嘎社村"
_TOWN_END = re.compile(
    rf"(?=[{_FIRST}])(?:(?P<town>(?:(?:{PEOPLES})族){{1,4}}乡|民族乡|街道(?!两[侧旁]|路面|清扫|绿化)|苏木"
    r"|镇(?![江静定压痛区容镇]|上的)|乡(?![村镇亲土愁间下贤音试风情]|（镇))"
    r"|(?P<village>嘎查|社区|村(?![庄落镇容级规屯寨企])))"
)
_EDGE = re.compile(
    r"深入|走进|走访|来到|前往|赶赴|奔赴|抵达|位于|地处|考察|调研|察看|查看|视察|检查|督导|督查"
    r"|指导|参观|慰问"
    r"|看望|召开|举办|举行|承办|主办|实地|先后|分别|现场|以及|其中|涉及|包括|覆盖|例如|比如|途经|邻近|靠近|联合|会同|帮扶"
    r"|联系|驻点|包联"
    r"|(?P<and>[和与及或暨])|[该全本我][省市县区州旗镇乡村]"
    r"|[在赴到往抵访至从驻的了兼任、，。；：！？（）()“”《》—\s\d]|(?<=\d)[年月日]"
)
_TOWN_STOP = re.compile(
    r"[个该各全本每某这那其我他们是有要使让把被将已并而但等所着做说称]|[村镇乡](?!$)|乡$"
    r"|加强|推进|建设|建成|新增|农|^[小县市]?城$|城[中边郊]$|空心|贫困|示范|试点|重点|中心|行政"
    r"|自然|建制|自治|脱贫|特色|传统|美丽|文明|先进|薄弱"
    r"|宜居|和美|移民|搬迁|安置|易地|边远|边境|小康|偏远|山区|沿海|试验|服务|老旧|智慧|完整|绿色"
    r"|养老|平安|未来"
    r"|居民|小区|国际|街区|人民|干部|代表|负责|同志|党员|党群|党组|启动|开展|实施|改造|提升|整治"
    r"|许多|一些|不少|大量|部分|其他|周边|周围|附近|偏僻|落后|富裕|专业|生态|合格|首富|困|灾|地球"
    r"|奥林匹克|奥运|亚运"
    r"|度假|民俗|位|书记|主任|发动|动员|组织|明确|公布|成立|成为|绿化|帮助|资助|统一|强化|实行"
    r"|实现|无辜|普通|面对"
    r"|^[一二两三四][^十里]{1,2}[一二三四]$|^[一二两三四五六七八九十百多几数小古名强集驻进入下整新老]$|入驻|[进驻下]$"
)
# 新市镇 is a town after its county, else 新市 may be what stands before one.
_UPPER = re.compile(r"[省市县]")
_HOME = re.compile(r"(?:家|故|返|回|下|还|侨|水|思|城|老|异|离|入|出|进|爱|之|同)$")
_WEAK_STOP = re.compile(r"[和与及为由于从不可能会就也都还更最好入出来去起用得以给奖]|重$")
_KEEP_HE = re.compile(r"和(?:[平顺睦谐合丰兴庄安龙林田乐义悦气善桥溪川]{1,2}$|平)")


def find_towns(text: str, taken: Sequence[tuple[int, int]]) -> list[PlaceMention]:
    """Towns and villages between the names already read (``taken``: start, end), in text order.

    They have no code. Linear in the length of the text; never raises.
    """
    found: list[PlaceMention] = []
    at = 0
    floor, floor_is_place = 0, False
    for match in _TOWN_END.finditer(text):
        while at < len(taken) and taken[at][0] < match.end():
            if taken[at][1] > floor:
                floor, floor_is_place = taken[at][1], True
            at += 1
        if match.start() < floor:
            continue
        start = _town_start(text, floor, match.start(), floor_is_place, match.group())
        if start is None:
            continue
        level: Level = "town" if match["town"] else "village"
        found.append(PlaceMention(text[start : match.end()], start, level, None, "suffix"))
        floor, floor_is_place = match.end(), True
    return found


def _town_start(text: str, floor: int, end: int, after_place: bool, kind: str) -> int | None:
    """Where the town's own name begins, or None when the words before its kind name nothing."""
    low = max(floor, end - 9)
    start, strong = low, low == floor and after_place
    for edge in _EDGE.finditer(text, low, end):
        if edge["and"] and (_KEEP_HE.match(text[edge.start() : end]) or edge.end() + 1 >= end):
            continue
        start = edge.end()
        if edge["and"] or edge.group() == "、":
            strong = after_place
        else:
            strong = edge.group()[-1] not in "，。；：！？（）()“”《》— \u3000\n0123456789年月日"
    core = text[start:end]
    joined = start == floor and after_place
    least = 1 if joined and kind != "社区" else 2
    if not least <= len(core) <= (4 if kind == "社区" else 7):
        return None
    if not _ALL_HAN.fullmatch(core) or _TOWN_STOP.search(core):
        return None
    if not joined and _UPPER.search(core):
        return None
    if kind == "乡" and _HOME.search(core):
        return None
    if kind == "村" and not joined and text[end + 1 : end + 2] in ("民", "里", "务", "干"):
        return None
    if not strong:
        boundary = start == 0 or start == floor or not _HAN.match(text[start - 1])
        if not boundary or len(core) > 4 or kind == "社区" or _WEAK_STOP.search(core):
            return None
    return start
