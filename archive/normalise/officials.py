"""People named with a title: who did it, in the words of the bulletin.

There is no dictionary of people and no word segmentation. A title is found by the word it ends in
(厅长, 书记, 巡视员), a name by its surname, its length and what follows it, and the beginning of
the title by the nearest punctuation or word on its left that is not part of an organisation's
name. Each of the three must hold, or nothing is reported: a wrong person is worse than a missing
one.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator
from typing import NamedTuple

from archive.model import Official
from archive.normalise.wordlists import word_lists

_LISTS = word_lists("official_words.txt")

# The 300 commonest surnames of the mainland (household register of 2008, after Bao's
# ChineseNames) and rarer ones of the Hundred Family Surnames. Left out are those that are
# nearly always another word after a title: 和 国 水 从 来 过 能 都 后 有 公 位 原 自.
SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙朱马胡郭何高罗林郑梁谢宋唐韩许冯邓曹彭曾肖田董袁于潘蒋杜蔡余程魏叶吕丁苏"
    "任沈姚姜卢崔钟谭汪范陆金石廖贾夏付方韦邹白熊孟秦邱尹江薛闫侯段雷史龙陶顾贺黎郝毛邵龚万钱武严戴孔"
    "向覃常汤莫康文温牛代赖洪葛施邢安樊齐乔易庞倪伍鲁聂章岳颜殷翟申耿欧庄左焦兰关俞柳甘祝傅包尚毕舒宁"
    "曲梅童阮纪季苗单裴符谷凌成霍盛詹冉路骆辛靳柯涂蓝柴管翁祁鲍喻游蒙华蒲房滕屈饶解艾牟候时尤阳穆司吉"
    "车项缪芦农卓窦褚娄古景宫戚连费冷卜晏米席柏卫宗岑佟边瞿麦桂沙臧全闵普姬师苟邬卞应桑隋栾仇商刁简荣"
    "寇郎丛仲明查巫占甄巩虞丘佘苑迟麻池阎敖封鞠谈惠匡官荆郁胥冀乐南邝栗储楚鄢谌劳皮蔺奚闻粟满楼盘海伊"
    "阚冼强仝索鹿习郗嵇钮咸籍屠鄂阙厉糜井花狄贝伏茅昝宣贲邰杭诸羊於芮羿汲邴松富乌巴弓牧隗山郜蓟薄宿怀"
    "逄扶堵宰郦雍璩濮寿扈郏浦慕茹宦鱼容慎戈庾暨居衡禄沃利蔚夔隆厍晁勾融訾那毋乜丰蒯相荀权逯盖益桓布敬"
    "揭库操晋矫呼律信苍门凤邸智撒仉豆逢银巨朴青么旷忻檀帅缑亢况郄郅舍支燕"
    "区岩纳卿哈虎妥拜锁勉喇党衣亓綦"
)
COMPOUND = _LISTS["compound-surnames"]

# Elements of Tibetan and Mongolian names: two of them in a row are a person.
ELEMENTS = (
    "扎西|多吉|洛桑|江村|次仁|旦增|丹增|尼玛|达瓦|平措|顿珠|坚才|罗布|格桑|边巴|普布|巴桑|拉巴|米玛|卓玛|"
    "央金|德吉|白玛|贡嘎|嘎玛|索朗|索南|才让|仁增|桑吉|旺堆|旺久|次珠|群培|加措|嘉措|加布|赤林|向巴|坚赞|"
    "朗杰|曲珍|拉姆|卓嘎|桑珠|朗加|仁青|昂旺|阿旺|呼和|巴特尔|额尔敦|朝鲁|那顺|孟克|乌兰|苏和|布和|"
    "巴图|吉日格勒|斯琴|高娃|毕力格|图雅|其其格|格日勒|宝力高|满都拉|朝克图|孟和|多杰|泽仁|泽旺|措姆|玉珍|"
    "卓嘎|益西|强巴|土登|塔青|根秋|四郎|阿旺|俄色|尕藏|久美|丹珠|班玛|华旦|拉毛|娘毛|宗吉|苏荣|宝音|"
    "敖日格勒|青格勒|乌日图|萨仁|哈斯|特木尔|巴雅尔|达来|娜仁|托娅|其木格|额日敦|吉格木德"
)
LEXICAL_NAME = re.compile(
    rf"(?:{ELEMENTS}){{2,3}}|(?:{ELEMENTS})措|巴特尔|齐扎拉|图雅|高娃|苏和|朝鲁|孟克|布和|呼和|宝音"
)
# Uygur, Kazakh and foreign names. The name of a column is not one: 书记访谈·基层治理.
DOTS = "·•・‧．"
DOTTED_NAME = re.compile(rf"[一-鿿]{{2,6}}(?<![谈话说讲坛访篇录])(?:[{DOTS}][一-鿿]{{1,8}}){{1,3}}")

NOT_NAMES = _LISTS["not-names"]
# Prepositions that are surnames too: what follows them when they are prepositions.
PREPOSITION = re.compile(
    r"于(?:近|日|今|昨|当|上|下|每|明[天日年]|次|同|本|年|月|[\d一二三四五六七八九十]|是|此|前|后|其|"
    r"不|去|晚|凌晨|第|现场)"
    r"|向(?:大家|群众|全|社|媒|记者|他|她|你|我|广|各|有|与会|参|代表|企|公|基层|职工|员工|居|学|师|"
    r"干部|国|上|下|前|中|组|督|调|对|客|来|外|受|困|家|一|老|其|获|新|现|这|该|本|两|往|纵|好)"
)
# Characters that are not in given names, and those that are not at their end.
NOT_GIVEN = frozenset(
    "在到赴对从就等与及将并被的了是区县省市厅局镇乡村部委处们这那他她它我你很最各每把使着或且即但所地"
)
NOT_GIVEN_WORDS = _LISTS["not-given-names"]
NOT_LAST = frozenset("向同由因于以称说也又还已曾率给跟会让受带任")

# 市 and 长江大桥, not 市长 and a person named 江.
_LONG = (
    r"(?!江(?:大桥|水利|流域|经济|沿|航|干|中|上游|下游|两岸|委|生态|保护|大保护|口|段|隧|路|岸|禁|源)"
    r"|安[街汽镇路]|安大学|宁路|乐[机国路]|丰汽|[期效远制])"
)
ROLE = re.compile(
    rf"(?:部|省|市|州|县|区|旗|盟|镇|乡|村|厅|局|司|处|科|院|校|组|所|站|行|会|馆|署|台|社|团|队|园|"
    rf"关|庭|河|湖|林|董事|理事|监事|秘书|检察|审判|指挥|委员)长{_LONG}"
    r"(?:助理)?"
    r"|总书记|书记(?![处员])|主席(?![团台令会国])(?:助理)?|总理(?!事)|国务委员"
    r"|主任(?:委员|医师|科员|编辑|记者|检察官|法官)?(?![务])|政协委员|委员(?![会])|常委(?![会])"
    r"|(?:党组|党委|党工委|专班|领导小组)成员"
    r"|巡视员|调研员|督察员|督学|(?:督察)?专员|研究员(?![们])|教授(?![级])|院士(?![工团])|发言人"
    r"|(?:工程|农艺|经济|会计|统计|兽医|畜牧|规划|建筑|设计|审计|检验|督察)师"
    r"|总工(?![程会作])|支书|总指挥|总监|参事|政委|司令员"
    r"|总经理(?:助理)?|经理|总裁|董事(?!会)|大使|总领事|参赞|首席专家|首席[一-鿿]{2}官|负责人"
    r"|(?:人大|党|人民|职工|首席|特别|常驻|谈判|全权|副|高级)代表(?![团们大会])"
)
COMRADE = re.compile(r"同志(?![们])")

_HAN_VERBS = (
    "主持|出席|列席|带队|带领|率队|率领|一行|深入|强调|指出|要求|表示|介绍|参加|参会|会见|会谈|检查(?!组|团)|调研(?!组|团)|"
    "督导(?!组|团)|督查(?!组|团)|督战(?!组|团)|督办|督促|督察(?!组|团)|走访|慰问|看望|考察(?!组|团)|视察(?!组|团)|讲话|讲授|讲解|讲述|"
    "致辞|致信|致电|致欢迎|宣布|宣读|宣讲|传达|通报|汇报|发言|发表|发布|部署|召开|召集|陪同|前往|来到|来京|来访|先后|"
    "分别|实地|现场|亲自|亲临|亲切|随机|随后|随即|随同|采取|针对|围绕|结合|通过|同志|先生|女士|教授|研究员|院士|博士|"
    "签署|签订|签约|签发|会同|组织|听取|查看|查访|察看|了解|询问|认为|告诉|透露|坦言|回应|回答|回顾|提出|提到|提醒|"
    "建议|呼吁|代表|主讲|作出|指导|指挥|指示|调度|安排|研究|分析|总结|点评|授课|揭牌|颁奖|见证|担任|当选|接受|"
    "应邀|受邀|受|牵头|负责|协调|连线|连夜|坐镇|进村|入户|暗访|明察|约谈|座谈|交流|解读|解释|批示|撰文|开展|启动|"
    "观摩|巡查|巡河|巡林|夜查|参观|访问|抵达|赶赴|赶到|奔赴|专程|专题|首先|最后|再次|多次|日前|近日|今天|昨天|"
    "上午|下午|当天|当日|今年|进行|进一步|十分|高度|充分|详细|认真|仔细|全程|共同|一起|一同|联合|分头|带头|带着|"
    "批评|肯定|说明|评价|阐述|答记者|答复|委托|勉励|鼓励|叮嘱|希望|期待|坚持|关于|有关|重要|为组长|为团长|为大家|"
    "驻守|上周|本周|上月|本月|昨晚|当晚|冒雨|冒雪|冒着|顶着|率先|表态|算了|算起|坦承|直言|感慨|感叹|笑|谈|回忆|补充|挂帅|挂点|包联|包抓|驻点|蹲点|徒步|步行|"
    "辗转|驱车|乘车|乘船|登上|踏|沿着|穿|边走|手持|拿着|拿起|指着|翻开|打开|站在|一早|连续|继续|正在|已经|立即|立刻|迅速|"
    "第一时间|紧急|火速|星夜|核查|核实|抽查|查验|问|听|讲|写道|拍板|签字|抓住|请|约|送|迎|用|按|借|利用|"
    "为其|为他|会上|会后|会前|推动|推进|审议|验收|检阅|慰勉|下沉|驻村|参与|主动|不久|没有|宣誓|逐一|详解|展示|"
    "引用|任组长|任团长|任主任|任总指挥|做|作|赴|到|在|率|等|与|和|及|说|称|就|对|向|从|以|将|已|并|又|还|也|则|"
    "于|由|把|给|跟|同|的|是|曾|正|都|其|因|一边|边|见|为|来"
)
CLOSING = re.compile(r"\W|\Z")
FOLLOW = re.compile(rf"\W|\Z|[0-9]|{_HAN_VERBS}")
# What may stand between a name and the rest of the sentence: 院长甲教授.
RANK = re.compile(r"同志|先生|女士|教授|研究员|院士|博士")
GAP = re.compile(r"[：:]?[ \t　]*")

_FIELDS = (
    "住房|湖泊|城乡建设|城市建设|建设|工业|信息化|科技|发展|改革|人力资源|社会保障|卫生|计划生育|健康|文化|旅游|"
    "广播电视|体育|教育|林业|草原|自然资源|国土资源|规划|经济|商务|粮食|物资储备|农业|农村|畜牧|水利|渔业|"
    "环境|资源|宪法|法律|监察|司法|内务|财政|市场监管|知识产权|城市管理|综合执法|行政执法|交通|运输|应急|"
    "安全|生态|环境保护|民族|宗教|外事|侨务|法制|政策|法规|人事|老干部|审批|政务|数据|国防|合作|贸易|投资|"
    "能源|统计|监测|技术|质量|标准|培训|劳动|退休|机关|保障|管理|开发|评估|服务|产业|房地产|扶贫|援助|协作"
)
# What a cue looks like inside the name of an organisation or a place, then the words that no
# title has, so that it begins after the last of them.
LEFT = re.compile(
    rf"(?:{_FIELDS})[和与及](?={_FIELDS})"
    r"|呼和浩特|和田|和平区|和县|和政|和龙|和顺|和静|和硕|和布克|和林格尔|政和|平和县|泰和|太和|西和|"
    r"共和|兴和|仁和|云和|永和|自由|数据|大同|同江|同心|同仁|合同|共同|协同|方向|向阳|对外|对口|对台|"
    r"将乐|从江|从化|上海|在线|请示|从业|为民|无为|华为|"
    r"国有|有限|有色|有关|有轨|有机|有线|私有|所有|公有|等级|高等|平等|到期|从事|以色列|联合国|申请|到会|同济|同安|社会上"
    r"|(?P<cue>以及|要求|邀请|陪同|会见|听取|任命|免去|聘请|聘任|选举|推举|时任|现任|新任|担任|带领|率领|会同|"
    r"委托|接待|拜会|感谢|围绕|贯彻|落实|学习|传达|按照|根据|通过|采访|看望|慰问|授予|追授|提名|随同|跟随|"
    r"指派|期间|会上|会后|随后|当天|近日|日前|当日|今天|昨天|上午|下午|晚上|出席|表示|指出|强调|参加|主持|召开|"
    r"前往|赶赴|来到|联系|同志|\d[年月日时]|和|与|及|由|在|据|同|向|对|请|让|为|是|的|了|将|把|被|从|到|赴|"
    r"称|并|有|以|经研究|经批准|经同意|给|等|随|见|陪|于)"
)
ASIDE = re.compile(r"(?<=[一-鿿])(?:（[一-鿿]{1,10}）|“[一-鿿+\d]{1,10}”)\Z")
HAN = re.compile(r"[一-鿿]")
STOP = re.compile(r"\W")
BEFORE_NAME = frozenset("由对与和同向在及照实彻习据按了的请为是把以让给听随跟见到并遵循神记达")
OFFICE_ENDS = frozenset("厅局委府司处")  # 省水利厅张建德副厅长
MAX_TITLE = 60  # characters; the longest honest chains of offices stay below 50

PLACE_ROLES = frozenset("省市州县区旗盟镇乡村厅局")
# A title cut out of these belongs to the institution (银行长沙分行), not to a name before it.
SPLIT_INSTITUTIONS = frozenset({"银行", "医院", "学院", "法院", "学校", "学会", "公司"})


# 任命甲、乙为省水利厅副厅长，丙为总工程师；免去丁的某职务: the title follows the name.
_APPOINTED = re.compile(r"任命|聘任|聘请|选举|推选|补选|增选|提名|推举|免去")
_TO_POST = re.compile(
    r"(?P<names>[一-鿿]{2,4}(?:、[一-鿿]{2,4}){0,7})(?:同志)?[为的](?P<post>[^，。；：\n]{2,60})"
)


class _Name(NamedTuple):
    start: int
    end: int


def find_officials(text: str) -> list[Official]:
    """People named with a title, in text order, each once a paragraph (a line of ``text``).

    Name and title are exactly as written; the offset is the name's, in code points. A title
    shared by a list of names (副部长甲、乙) is given to each of them. Linear in the length of
    the text; never raises.
    """
    found = _titled(text)
    appointed = list(_appointed(text))
    if not appointed:
        return found
    breaks = [match.start() for match in re.finditer("\n", text)]
    people: dict[tuple[int, str], Official] = {}
    for official in sorted((*appointed, *found), key=lambda official: official.offset):
        people.setdefault((bisect(breaks, official.offset), official.name), official)
    return list(people.values())


def _appointed(text: str) -> Iterator[Official]:
    """The people who are given or lose a post, to the end of the sentence that says so."""
    end = 0
    for verb in _APPOINTED.finditer(text):
        at = max(end, verb.end())
        while post := _TO_POST.match(text, at):
            roles = list(ROLE.finditer(text, post.start("post"), post.end()))
            names = [
                _Name(*part.span())
                for part in re.finditer(r"[一-鿿]+", post["names"])
                if _is_name(part[0])
            ]
            if not roles or len(names) != post["names"].count("、") + 1:
                break
            title = text[post.start("post") : roles[-1].end()]
            for name in names:
                word = post["names"][name.start : name.end]
                yield Official(word, title, post.start("names") + name.start)
            end = at = post.end() + 1


def _titled(text: str) -> list[Official]:
    """The people whose name stands beside their title."""
    roles = sorted([*ROLE.finditer(text), *COMRADE.finditer(text)], key=lambda match: match.start())
    starts = {match.start() for match in roles}
    ends = {match.end() for match in roles}
    found: list[Official] = []
    seen: set[str] = set()
    floor = 0  # no title or name reaches left of the one before
    line = 0
    for role in roles:
        if role.start() < floor:
            continue
        if "\n" in text[line : role.start()]:
            seen.clear()
        line = role.start()
        names: list[_Name] = []
        title = ""
        if role[0] != "同志":
            names, end = _names_after(text, role.end(), starts)
            if names:
                start = _title_start(text, role.start(), floor, ends)
                title = text[start : role.end()]
                floor = end
        if not names:
            before = _name_before(text, role, floor, starts)
            if before is None:
                continue
            names = [before]
            title = text[before.end : role.end()]
            floor = role.end()
        if len(title) > MAX_TITLE:
            continue
        for name in names:
            word = text[name.start : name.end]
            if word not in seen:
                seen.add(word)
                found.append(Official(word, title, name.start))
    return found


def _names_after(text: str, position: int, roles: set[int]) -> tuple[list[_Name], int]:
    """The names that follow a title ending at ``position`` and bear it, and where they end.

    An empty list: no name follows the title.
    """
    gap = GAP.match(text, position)
    start = gap.end() if gap else position
    # Set apart from its title, a name must be set apart from what follows as well.
    follow = FOLLOW if start == position else CLOSING
    names: list[_Name] = []
    end = position
    name = _name_at(text, start, follow, roles)
    while name is not None:
        names.append(name)
        rank = RANK.match(text, name.end)
        end = rank.end() if rank else name.end
        if text[end : end + 1] not in ("、", "和"):
            break
        name = _name_at(text, end + 1, FOLLOW, roles)
    return names, end


def _name_at(text: str, start: int, follow: re.Pattern[str], roles: set[int]) -> _Name | None:
    """The longest name at ``start`` after which the text allows a name to end."""
    dotted = DOTTED_NAME.match(text, start)
    if dotted:
        last_dot = max(dotted[0].rfind(dot) for dot in DOTS)
        for end in range(start + last_dot + 3, dotted.end() + 1):
            verb = follow.match(text, end)
            # 都, 也 and the like are syllables here.
            if verb and (
                len(verb[0]) != 1 or not HAN.match(verb[0]) or verb[0] in "到赴在率作等与和及"
            ):
                return _Name(start, end)
        return None
    lexical = LEXICAL_NAME.match(text, start)
    if lexical and follow.match(text, lexical.end()):
        return _Name(start, lexical.end())
    ends = [
        end
        for end in range(start + 4, start + 1, -1)
        if end <= len(text)
        and _is_name(text[start:end])
        and not any(at in roles for at in range(start, end))
        and follow.match(text, end)
    ]
    if not ends:
        return None
    longest, shortest = ends[0], ends[-1]
    # 徐望来到: the last character belongs to a verb rather than to the name.
    verb = FOLLOW.match(text, longest - 1) if shortest == longest - 1 else None
    return _Name(start, shortest if verb and len(verb[0]) > 1 else longest)


def _is_name(word: str) -> bool:
    surname = 2 if word[:2] in COMPOUND and len(word) > 2 else 1
    given = word[surname:]
    return (
        1 <= len(given) <= 2
        and (surname == 2 or word[0] in SURNAMES)
        and all("一" <= character <= "鿿" for character in given)
        and word[:2] not in NOT_NAMES
        and given not in NOT_GIVEN_WORDS
        and not NOT_GIVEN.intersection(given)
        and not (len(given) == 2 and given[-1] in NOT_LAST)
        and not PREPOSITION.match(word)
    )


def _title_start(text: str, role: int, floor: int, ends: set[int]) -> int:
    """Where the title whose last word begins at ``role`` begins, not left of ``floor``."""
    start = role
    limit = max(floor, role - MAX_TITLE - 20)
    while start > limit:
        character = text[start - 1]
        if STOP.match(character) and not (character == "、" and floor < start - 1 in ends):
            aside = ASIDE.search(text, max(limit, start - 14), start)
            if aside is None:
                break
            start = aside.start()
            continue
        start -= 1
    for match in LEFT.finditer(text, start, role):
        if match["cue"]:
            start = match.end()
    # A cue may leave the tail of an aside or a bare 、 behind.
    while start < role and text[start] != "“" and STOP.match(text[start]):
        start = text.find("）", start, role) + 1 or start + 1
    return start


def _name_before(text: str, role: re.Match[str], floor: int, roles: set[int]) -> _Name | None:
    """The name that stands just before a title, alone after punctuation or a preposition."""
    end = role.start()
    for prefix in ("常务副", "副总", "副", "总"):
        if text.endswith(prefix, floor, end):
            end -= len(prefix)
            break
    for length in (4, 3, 2):
        start = end - length
        if start < floor or not _is_name(text[start:end]):
            continue
        if any(at in roles for at in range(start, end)):
            continue
        # A bare 温州市长 looks like a person of two characters.
        if length == 2 and role[0][0] in PLACE_ROLES:
            continue
        if text[end - 1] in NOT_LAST | {"为"} or text[end - 1 : end + 1] in SPLIT_INSTITUTIONS:
            continue
        before = text[start - 1 : start]
        if (
            role[0] == "总书记"
            or not before
            or STOP.match(before)
            or before in BEFORE_NAME
            or (
                length == 3
                and before in OFFICE_ENDS
                and role[0] != "同志"
                and not text.endswith("公司", 0, start)
            )
        ):
            return _Name(start, end)
    return None
