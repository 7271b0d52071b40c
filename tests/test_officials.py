"""People named with a title. Every sentence and every person here is invented (样例).

The samples are marked up as they are read: ``[title](name)`` where the title comes first,
``(name)[title]`` where it follows, ``<title>(name)`` where a title further left is shared.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.model import Official
from archive.normalise.officials import NOT_NAMES, SURNAMES, find_officials

MARK = re.compile(
    r"\[(?P<before>[^\]]+)\](?P<gap>[：\s]*)\((?P<first>[^)]+)\)"
    r"|\((?P<second>[^)]+)\)\[(?P<after>[^\]]+)\]"
    r"|<(?P<shared>[^>]+)>\((?P<third>[^)]+)\)"
)


def read_markup(marked: str) -> tuple[str, list[Official]]:
    """The plain text of a marked sample, and the officials marked in it."""
    plain = ""
    officials: list[Official] = []
    last = 0
    for match in MARK.finditer(marked):
        plain += marked[last : match.start()]
        last = match.end()
        if match["first"]:
            plain += match["before"] + match["gap"]
            officials.append(Official(match["first"], match["before"], len(plain)))
            plain += match["first"]
        elif match["second"]:
            officials.append(Official(match["second"], match["after"], len(plain)))
            plain += match["second"] + match["after"]
        else:
            officials.append(Official(match["third"], match["shared"], len(plain)))
            plain += match["third"]
    return plain + marked[last:], officials


HOUSING = (
    "3月2日，[湖岭省住房和城乡建设厅党组书记、厅长](孟庆岩)主持召开老旧小区改造调度会。"
    "[厅党组成员、副厅长](洪波)，[一级巡视员](欧阳建平)，[总工程师](尹素珍)参加会议，"
    "各处室主要负责同志列席。",
    "3月4日至6日，[住房城乡建设部总经济师](裴长顺)率调研组一行赴河西市调研保障性租赁住房工作，"
    "[副省长](汤海燕)陪同。调研组听取了[河西市委副书记、市长](窦志强)关于项目进展的汇报，"
    "并与企业代表座谈。裴长顺强调，要把好事办好。",
    "厅长办公会研究了春季开复工安全生产工作。会议要求，各市住建局局长要亲自抓，分管副局长具体抓，"
    "组长单位每周报送进度，市长热线反映的问题三日内办结。",
    "在启动仪式上，[市住房公积金管理中心主任](冯雪)介绍了有关政策，[市人大代表](龚文彬)、"
    "[社区党委书记](颜秀兰)先后发言。省厅有关处室负责人，各县（市、区）住建局主要负责人参加。",
    "3月9日，[省委常委、常务副省长](邬国栋)到省住房和城乡建设厅调研时强调，要深入学习贯彻"
    "(习近平)[总书记]重要讲话精神，落实(李克强)[总理]批示要求。邬国栋指出，住房问题是民生之要。",
    "3月10日，由[省住房城乡建设厅二级巡视员](上官明)带队的第三督导组进驻南屏市长岭区，"
    "先后查看了长江路、长安街沿线的12个工地。督导组组长要求，问题整改要见底。",
    "3月11日，[云台县县长](支建军)、[副县长](和晓燕)带队检查危旧房搬迁，县委书记作出批示。",
    "3月12日，全省房地产市场工作座谈会召开，[厅党组副书记、副厅长](解永红)出席并讲话，"
    "[省财政厅副厅长](费明)、[省自然资源厅总规划师](时光荣)和[人民银行省分行副行长](全胜利)"
    "分别作了发言。",
)

ENVIRONMENT = (
    "2018年7月18日，[生态环境部副部长](黎树华)在北京会见了来访的外方代表团一行。"
    "双方就大气污染防治合作交换了意见。",
    "中央第四生态环境保护督察组近日进驻。[督察组组长](阚宏)、[副组长](焦立平)与"
    "[自治区党委书记](巴特尔)、[自治区主席](阿不都热依木·买买提)进行了沟通，"
    "[自治区党委副书记、政法委书记](向东)主持动员会。",
    "[生态环境部环境监察局局长](田国安)表示，强化督查不是一阵风。"
    "据[宣传教育司巡视员、新闻发言人](柳芳)介绍，7月共交办问题1200个，主任医师参与了健康宣讲。",
    "[西海州州长](多吉才让)主持召开州政府常务会议，专题研究湟水流域治理。"
    "州长、副州长分片包干，县委书记和县长任双组长，乡镇长任河长。",
    "7月20日，[省生态环境厅党组书记、厅长](邓伟雄)同志带队赴临川县暗访，"
    "[厅环境执法局局长](褚卫)等陪同。在听取[县委书记](单永奎)汇报后，邓伟雄要求限期整改。",
    "会议由(于长河)[主任]主持，(郎咸庆)[副局长]通报了情况，(苗圃元)[院士]应邀作专题报告。"
    "与会委员一致认为，方案切实可行。",
    "监测站站长应当对数据真实性负责；局长要求立即停产。院长安全培训班结业，校长能力提升工程启动。",
    "为贯彻落实全国生态环境保护大会精神，以(习近平)[同志]为核心的党中央作出部署，"
    "各级党委书记强化担当，主席团听取了报告，秘书长会议审议了议程。",
)

WATER = (
    "6月8日，[水利部部长](凌志远)主持召开专题会商，分析研判珠江流域汛情。"
    "[水利部党组成员、副部长](谷润生)、<水利部党组成员、副部长>(乐民)，[总工程师](仲平)参加会商。",
    "[水利部长江水利委员会主任](骆秋生)在武汉市主持防汛会商，[副主任](路遥)汇报了水库调度情况。",
    "6月9日上午，[自治区农业农村厅厅长](买买提江·吾买尔)深入喀河县调研冬小麦收获，"
    "[县委副书记、县长](库尔班江·艾山)一同调研。",
    "6月10日，[江右省委书记、省人大常委会主任](尉迟安民)，[省委副书记、省长](叶知秋)"
    "到一线检查指导抗洪抢险，[省委常委、秘书长](甘霖)，[副省长、省公安厅厅长](马骁)参加检查。",
    "[国家防总副总指挥、水利部部长](凌志远)要求，盯紧薄弱环节。[应急管理部副部长兼水利部副部长](周学锋)连线了受灾地区。",
    "6月11日，[中国农业科学院副院长](梅旭东)研究员率专家组赴麦区指导，"
    "[省农科院研究员](席文静)、[河口农业大学教授](岳峰)现场讲解。",
    "[国务院副总理](国清源)近日在河口省考察。(胡定邦)[国务委员]出席会议。",
    "[村党支部书记](宗福来)告诉调研组，水渠修好了。[镇长](燕飞)说，下一步还要修路。"
    "局长高度重视，书记常抓不懈，主任查看了台账，会长单位安排了捐赠，处长解决了难题。",
    "根据《河长制规定》，省级总河长令已印发。市长江大桥管理处负责巡查，华星银行长沙分行提供贷款。",
    "[主任]：(郭茂林)\n2023年6月12日",
)

# Annotated like the bulletins above but each about one thing: where the title begins.
TITLES = (
    "由[省住建厅厅长](梁文举)带队赴基层。",
    "[省委副书记](乔振国)，[省委常委、常务副省长](柏松林)到会。",
    "5月2日[岭南市副市长](钱玉成)调研供水。",
    "调研组听取[县农业农村局局长](费长青)汇报。",
    "[发展和改革委员会副主任](祝英)主持会议。",
    "[省文化和旅游厅一级巡视员](凌云)出席。",
    "[工业和信息化部总工程师](田玉)介绍情况。",
    "[呼和浩特市市长](贺海东)发言。",
    "[和田地区行署专员](麦合木提·艾力)陪同调研。",
    "[数据局局长](翁佳)说。",
    "[省委组织部副部长](屈平)宣布任命。",
    "[市场监督管理总局副局长](蒲淳)主持召开会议。",
    "[省纪委监委驻省住房和城乡建设厅纪检监察组组长](葛伟)列席，[厅党组成员、副厅长](童山)主持。",
    "据[中国气象局新闻发言人](宋善允)介绍，降雨将持续。",
    "会见了[国家能源局党组成员、副局长](任京东)一行。",
    "[中国工程院院士](钱七)在会上作报告。",
    "在[副省长](黎明)陪同下，专家组考察了水库。",
    "[县住建局（人防办）局长](彭川)汇报。",
    "[市“一网通办”领导小组组长](崔岩)检查了大厅。",
    "[商务部部长助理](李飞)率团访问。",
    "[省供销社理事会主任](侯成)，[监事会主任](马骥)参加。",
    "会议传达了[国务院总理](李克强)重要批示精神。",
    "[市水利和湖泊局局长](赵厚)强调，要守住底线。",
    "[国务委员兼公安部部长](王平)在会上发言。",
    "[全国人大常委会副委员长](司马义·阿布都)应邀出席。",
)
# Where the name ends, and titles that follow it.
NAMES = (
    "[青海省副省长](才让多杰)深入县乡。[副厅长](哈玉林)表示支持。[县长](次仁顿珠)介绍情况。",
    "[凉山州副州长](泽仁措)检查工程。[州委常委、副州长](阿什老轨)现场办公。",
    "[自治区卫生健康委主任](图雅)要求，[旗长](巴图孟和)到苏木调研。[县委书记](岩温扁)在会上发言。",
    "[县委书记](区志航)在现场，区域协调小组组长区别对待。[局长](饶光华)算了一笔账。",
    "[省委副书记](孙培元)冒雨赶到。[副省长](纳文龙)率队检查。[市长](白建国)表态。",
    "[副省长](万勇)召开会议。",
    "[厅长](鹿山)和厅领导班子成员陆续下沉。",
    "[市长](李和平)主持会议。",
    "[市长](徐望)来到社区。",
    "[副市长](王大为)出席仪式。",
    "[局长](张强)强调三点。",
    "[局长](欧阳锋)与[书记](司马光远)座谈。",
    "[州长](扎西平措)讲话。",
    "[副主席](白玛赤林)介绍情况。",
    "[政协主席](努尔兰·阿不都满江)作报告。",
    "[主席](艾尔肯·吐尼亚孜)到现场指挥。",
    "[院长](陈立)等参加。",
    "[副主任](周蜜)，[秘书长](金山)。",
    "[副主任](于占海)于6月1日赴基层调研。",
    "[副厅长](向阳)带领工作组下乡。",
    "[处长](林森)（女）汇报。",
    "[厅长](董平)同志讲话。",
    "[局长](曾敏)、[副局长](时立)检查工地。",
    "[副局长](朱伟)、<副局长>(徐岭)，[副巡视员](吴平)参加会议。",
    "[院长](丁健)教授、[副院长](赵文)教授等6人调研。",
    "出席会议的有[县科技局局长](吴曙)。",
    "[副局长](吴曙)来我市调研。",
    "[副部长](李伟国)、财务司(王家忠)[司长]到场。",
    "[市科协副主席](林凡)和[市政协经科委主任](魏振)座谈。",
    "[书记](罗永昌)在会上要求限期完成。",
    "(刘伟平)[总工程师]主持会议。",
    "会后，省水利厅(张建功)[副厅长]提出要求。",
    "请(张育才)[副厅长]介绍情况。",
    "学习(习近平)[总书记]重要讲话，落实习近平总书记要求。",
    "以(习近平)[同志]为核心。",
    "[主任]：(王仲明)",
    "[组长](张三立)同志、<组长>(李四维)同志到场。",
    "[大使](安东·伊万·彼得)来访。",
    "[州长](艾力·库尔班)介绍说。",
    "[部长]　(黄秋生)\n2021年3月1日",
    "[厅长](刘成)讲话，厅长刘成又检查了工地。",
    "[厅长](刘成)讲话。\n[厅长](刘成)检查工地。",
)
NOBODY = (
    "",
    "厅党组召开会议，厅领导班子成员分片包干。",
    "市长热线受理投诉，书记处召开会议。",
    "副厅长主持召开调度会，局长要求限期整改。",
    "组长单位牵头，成员单位配合。",
    "主任医师应邀坐诊，主任科员职级晋升。",
    "省长办公会研究决定，市长专题会议部署。",
    "书记表示感谢，县长高度重视，镇长全程陪同。",
    "各部门负责同志、各处室主要负责人汇报。",
    "全体同志参加，有关同志列席。",
    "上海市长宁区、福州市长乐区、山西省长治市、湖南省长沙市、吉林省长春市。",
    "南京市长江大桥、武汉市长江路、水利部长江水利委员会。",
    "水利部长期坚持节水优先，部队长期驻守。",
    "华星银行长沙分行，东山银行长江支行。",
    "河长制、林长制、田长制；总河长令；路长。",
    "代表省委讲话，代表团抵达，人大代表建议办理。",
    "委员会全体会议，委员提出建议，常委会审议。",
    "局长于近日赴京，书记向群众承诺，厅长向大家介绍。",
    "石家庄市长、温州市长、江西省长、张家口市长参加论坛。",
    "水利部长、商务部长、农业部长会议，财政厅长座谈。",
    "工程师项目、教授级高工、院士工作站、研究员系列。",
    "主席团会议、主席台就座、主席令第三号、主席国。",
    "校长能力提升，院长安全培训，处长解决难题。",
    "习近平新时代中国特色社会主义思想。",
    "徐大彤来到贫困户家中，王志介绍了情况。",
    "总书记强调，总理指出，部长说。",
    "县委书记和县长任双组长，由市长任总指挥。",
    "行长江源，队长全国性，校长张榜公布。",
    "主任务书、部长级会议、厅局长会、司局长培训。",
    "委员沈阳视察团成行，市长谈民生，书记主任齐上阵，厅长信箱开通，市长温和地说。",
    "书记访谈·基层治理，局长·听民声。",
    "市长江岸线、重庆市长安汽车、福州市长乐机场。",
    "局长：高度重视。书记：强化责任。",
    "同志们，大家上午好！",
    "厅长张",
    "书记、局长、主任、",
)


# 和 and 国 are surnames, but after a title nearly always something else.
KNOWN_MISSES = {"和晓燕", "国清源"}


def plain(found: list[Official]) -> list[tuple[str, str, int]]:
    return [(official.name, official.title, official.offset) for official in found]


@pytest.mark.parametrize("marked", TITLES + NAMES + HOUSING + ENVIRONMENT + WATER)
def test_reads_names_and_titles(marked: str) -> None:
    text, officials = read_markup(marked)
    officials = [official for official in officials if official.name not in KNOWN_MISSES]
    assert plain(find_officials(text)) == plain(officials)


@pytest.mark.parametrize(
    ("text", "people"),
    [
        (
            "任命单伟、查道成为省疾控中心副主任，试用期一年。",
            [("单伟", "省疾控中心副主任", 2), ("查道成", "省疾控中心副主任", 5)],
        ),
        (
            "任命王立群同志为省水利厅党组成员、副厅长，李小平为总工程师；免去赵东的副厅长职务。",
            [
                ("王立群", "省水利厅党组成员、副厅长", 2),
                ("李小平", "总工程师", 21),
                ("赵东", "副厅长", 32),
            ],
        ),
        ("选举刘大伟为会长。会长刘大伟讲话。", [("刘大伟", "会长", 2)]),
        ("任命为副厅长的决定，推选为代表。聘请专家为顾问组组长。", []),
    ],
)
def test_a_post_given_or_taken(text: str, people: list[tuple[str, str, int]]) -> None:
    assert plain(find_officials(text)) == people


@pytest.mark.parametrize("text", NOBODY)
def test_finds_nobody(text: str) -> None:
    assert find_officials(text) == []


def test_word_list_holds_only_words_that_need_it() -> None:
    assert [word for word in NOT_NAMES if word[0] not in SURNAMES] == []


def test_the_real_bulletin(shared: Path) -> None:
    gold = json.loads((shared / "bulletins" / "lianbo-2.gold.json").read_text("utf-8"))
    count = 0
    for entry in [gold["lead"], *gold["entries"]]:
        wanted = [(o["name"], o["title"], o["offset"]) for o in entry.get("officials", [])]
        assert plain(find_officials(entry["text"])) == wanted
        count += len(wanted)
    assert count == 18


WORDS = (
    "省 住房和城乡建设厅 党组书记 、 厅长 副 王 予 波 ， 。 和 同志 出席 带队 · 习近平 总书记 ： "
    "由 市长 江 （ ） “ ” 欧阳 5月8日 扎西 𠀀 a 主任 局 来到 为 \n"
)
PIECES = st.sampled_from([*WORDS.split(" "), " "])
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join))


def check_invariants(text: str) -> None:
    found = find_officials(text)
    offsets = [official.offset for official in found]
    assert offsets == sorted(set(offsets))
    for official in found:
        start, end = official.offset, official.offset + len(official.name)
        assert text[start:end] == official.name
        assert len(official.name) >= 2
        assert official.title
        assert official.title in text
        assert official.title[0] == "“" or not re.match(r"\W", official.title)
        assert "\n" not in official.title
        line = text.count("\n", 0, start)
        assert [o.name for o in found if text.count("\n", 0, o.offset) == line].count(
            official.name
        ) == 1
    assert find_officials(text) == found


@given(TEXTS)
def test_invariants(text: str) -> None:
    check_invariants(text)


@pytest.mark.parametrize(
    "unit",
    [
        "厅长",
        "、厅长",
        "厅长王",
        "省住房和城乡建设厅",
        "王·",
        "厅长阿·",
        "（厅）长",
        "副市长李明、",
        "任命王强为",
        "任命王强、",
        "扎西",
        "总",
        "\n",
    ],
)
def test_time_is_linear(unit: str) -> None:
    def seconds(times: int) -> float:
        text = unit * (times // len(unit))
        return min(_clocked(text) for _ in range(3))

    assert seconds(80_000) < 16 * seconds(10_000) + 0.05


def _clocked(text: str) -> float:
    start = time.process_time()
    find_officials(text)
    return time.process_time() - start
