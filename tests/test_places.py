"""Places in running text: single traps (all 样例) and invariants.

A sentence marks its places as ``[饶河县:230524]``; ``t`` is a town, ``v`` a village, ``?`` a
county and ``xp`` the 兵团 without a code.
"""

import re
import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.model import PlaceMention
from archive.normalise.gazetteer import divisions
from archive.normalise.places import find_places

Found = list[tuple[str, int, str, str | None]]

MARK = re.compile(r"\[([^:\]]+):([^\]]+)\]")
LEVELS = {"t": "town", "v": "village", "?": "county", "xp": "xpcc"}


def read_marks(marked: str) -> tuple[str, Found]:
    """The plain text, and the places that are marked in it."""
    text, found, at = "", [], 0
    for mark in MARK.finditer(marked):
        text += marked[at : mark.start()]
        key = mark[2]
        level = LEVELS.get(key) or ("city" if key.endswith("00") else "county")
        found.append((mark[1], len(text), level, None if key in LEVELS else key))
        text, at = text + mark[1], mark.end()
    return text + marked[at:], found


def plain(mentions: list[PlaceMention]) -> Found:
    return [(m.text, m.offset, m.level, m.code) for m in mentions]


# The section's province (or none), the sentence; read as of 2020-05-13.
SENTENCES = [
    # A short name after a title and a surname is a person; between two places it is a place.
    ("450000", "副厅长哈玉林、局长张海口到[玉林:450900]调研"),
    (
        "460000",
        "[儋州:460400]、[万宁:469006]、[东方:469007]、[陵水黎族自治县:469028]同步开展，东方欲晓",
    ),
    ("370000", "[胶州市:370281]辣椒出口增长，[胶州:370281]不产辣椒"),
    ("370000", "胶州不产辣椒"),
    ("650000", "[察布查尔县:654022]、[塔什库尔干县:653131]和[木垒县:652328]"),
    ("150000", "[锡盟:152500][锡林浩特市:152502]、[阿盟:152900]牧民转场"),
    ("330000", "[德清县:330521][新市镇:t]建制村全部通车，全国建制镇"),
    ("440000", "召开城镇老旧小区改造推进会，举办社区工作者培训，“两旧一村”改造；[三合村:v]试点"),
    ("", "贵州[茅台镇:t]与四川[二郎镇:t]，河北农村、浙江古镇、海南乡镇"),
    # 两江新区 was a zone until 2025.
    ("500000", "两江新区与[渝北区:500112]签约"),
    # The city just named decides, then the section's province, then uniqueness; never a guess.
    ("", "[南京市:320100][鼓楼区:320106]与[福州市:350100][鼓楼区:350102]结对"),
    ("", "[鼓楼区:?]启动老旧小区改造"),
    ("350000", "[鼓楼区:350102]启动老旧小区改造"),
    ("320000", "[鼓楼区:?]启动老旧小区改造"),
    ("", "[苏州市:320500][鼓楼区:?]"),
    ("", "[长春市:220100]召开现场会，[朝阳区:220104]作了介绍"),
    ("", "北京市[朝阳区:110105]、[东城区:110101]"),
    ("", "[朝阳市:211300][朝阳县:211321]、[双塔区:211302]"),
    ("", "[大连市:210200][中山区:210202]"),
    ("", "[中山市:442000]火炬开发区"),
    ("", "[饶河县:230524]完成危房改造"),
    # Names that hold a province's, and names that only look like provinces.
    ("", "[吉林市:220200]与吉林省签订责任书"),
    ("", "海南省与青海省[海南州:632500]、[海南藏族自治州:632500][贵德县:632523]协作"),
    ("", "河南省援建青海[河南蒙古族自治县:632324]"),
    ("", "北京时间8时，[朝阳区:?]开工"),
    ("", "在上海合作组织会议上，[普陀区:?]"),
    ("", "其中山东、河南两省"),
    ("", "黄河南岸、长江西岸的湿地"),
    # Short names: prefectures mean themselves.
    ("610000", "[西安:610100]、[宝鸡:610300]、[咸阳:610400]、[渭南:610500]、[汉中:610700]等市"),
    ("", "[西安:610100]、[宝鸡:610300]"),
    ("", "[辽源市:220400][西安区:220403]"),
    ("430000", "[岳阳:430600]推进水环境治理"),
    ("650000", "[哈密:650500]—重庆直流工程"),
    ("", "安徽[黄山:341000]、[六安:341500]"),
    ("140000", "[大同:140200]、[长治:140400]两市"),
    ("450000", "[来宾:451300]、[河池:451200]等地"),
    ("", "浙江[安吉:330523]、[德清:330521]等县"),
    ("320000", "在[昆山:320583]召开座谈会"),
    ("", "[格尔木:632801]光伏基地"),
    ("", "[西安:610100]至[成都:510100]高速铁路通车"),
    # Everyday words and words that hold a name across their boundary.
    ("", "各地集中卫生整治，确保定期检查，推广安全用电"),
    ("", "完成都市更新，巩固原有成果，美丽水乡，创新乡村治理"),
    ("", "重大连续性工程，四平方公里，每天水量，长治久安"),
    ("", "日照时间长，来宾们，身体安康，世界大同，白银价格"),
    ("", "向云南通报情况，西南通道建设"),
    ("", "新建区域、老城区、城区、郊区、各市区"),
    ("", "时任县委书记，示范县、发达县和县级市，完成县乡换届"),
    ("", "大中城市郊区和祁连山区、沿海城市，适应城市发展"),
    ("", "劳动力市场与大城市"),
    # Facilities, nature, organisations, products.
    ("", "酒泉卫星发射中心、太原卫星发射中心"),
    ("", "合肥绕城高速、南京路、中山西路、成都天府国际机场"),
    ("", "珲春口岸、郑州东站、青岛港、宁波舟山港、丹江口水库"),
    ("", "武汉大学、南昌大学第一附属医院、济南市中心医院"),
    ("", "苏州工业园区、合肥经济技术开发区、兰州新区、雄安新区"),
    ("", "兰州牛肉面、金华火腿、德州扒鸡、普洱茶、哈密瓜、沙县小吃"),
    ("", "宁波银行、徐州工程机械集团、洛阳日报、成都平原、西安都市圈"),
    ("", "巢湖流域、伊犁河、嫩江流域、吕梁山区"),
    # A place in a department's or an official's title counts.
    ("450000", "[东兴市:450681]商务局联合[防城港市:450600]海关"),
    ("230000", "[哈尔滨市:230100]副市长、[双城区:230113]区长"),
    ("", "[广州:440100]市民踊跃参加"),
    # Abolished, renamed and new names, as written.
    ("630000", "[湟中县:630122]与[湟中区:630106]"),
    ("350000", "[漳州市:350600][长泰县:350625]、[龙海市:350681]"),
    ("", "[襄樊市:420600]更名[襄阳市:420600]"),
    ("340000", "原[居巢区:341402]"),
    ("370000", "[莱芜市:371200]并入[济南市:370100][莱芜区:370116]"),
    ("310000", "[闸北区:310108]、[静安区:310106]"),
    ("", "[四平市:220300][公主岭市:220381]"),
    ("630000", "[河南县:632324]、[循化县:630225]"),
    ("650000", "[胡杨河市:659010]、[石河子市:659001]"),
    ("420000", "[仙桃市:429004]、[神农架林区:429021]"),
    # Towns and villages.
    ("", "[遂溪县:440823][城月镇:t][吴村:v]、[迈坦村:v]"),
    ("", "在[土桥镇:t][丈八寺村:v]，他走进农户家中"),
    ("", "深入[湟中县:630122][多巴镇:t][洛尔洞村:v]和[拉卡山村:v]调研"),
    ("", "[和平县:441624][和平镇:t]、[太和镇:t]"),
    ("", "该县[城关镇:t][鳝塘村:v]"),
    ("", "[滕州市:370481][北辛街道:t][通盛社区:v]"),
    ("", "[双江县:530925][沙河乡:t]；[五峰县:420529][付家堰乡:t]"),
    ("", "[莎车县:653125][巴格阿瓦提乡:t]"),
    ("", "[巴林左旗:150422][查干哈达苏木:t][阿鲁召嘎查:v]"),
    ("", "[衡阳市:430400]、[南县:430921]、[沅江市:430981]"),
    ("", "农村、乡村、城镇、乡镇、集镇、村镇，19个贫困村、14个行政村、3个镇"),
    ("", "美丽乡村和新农村建设，全村、各乡、自然村、中心村、示范村、城中村"),
    ("", "走村入户，驻村干部返乡，街道办事处、老旧社区、智慧社区"),
    ("", "[镇江市:321100]、[景德镇市:360200]、[萍乡市:360300]"),
]


@pytest.mark.parametrize(("province", "marked"), SENTENCES)
def test_sentences(province: str, marked: str) -> None:
    text, expected = read_marks(marked)
    provinces = [province] if province else []
    assert plain(find_places(text, provinces, on=date(2020, 5, 13))) == expected


@pytest.mark.parametrize(
    ("text", "provinces", "rule"),
    [
        ("西宁市湟中县", [], "city-just-named"),
        ("北京市朝阳区", [], "province-just-named"),
        ("长春市的会议上，朝阳区", [], "city-named-before"),
        ("鼓楼区", ["350000"], "section-province"),
        ("饶河县", [], "unique"),
        ("鼓楼区", [], "unresolved"),
        ("在土桥镇", [], "suffix"),
    ],
)
def test_the_rule_says_what_decided(text: str, provinces: list[str], rule: str) -> None:
    assert find_places(text, provinces)[-1].rule == rule


@pytest.mark.parametrize(
    ("day", "code"),
    [(date(2015, 6, 1), "341521"), (date(2017, 6, 1), "340422"), (None, "340422")],
)
def test_a_name_in_force_on_the_day_is_preferred(day: date | None, code: str) -> None:
    assert [m.code for m in find_places("寿县水利局", on=day)] == [code]


NAMES = st.sampled_from([d.name for d in divisions()] + [d.name[:-1] for d in divisions()])
PIECES = st.sampled_from(list("、和与至在赴，。（）【】 \u3000村镇乡区县市省等路江的\n1年")) | NAMES
TEXTS = st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=80)


def check_invariants(text: str, provinces: list[str], day: date | None) -> None:
    end = 0
    for mention in find_places(text, provinces, on=day):
        assert text[mention.offset : mention.offset + len(mention.text)] == mention.text
        assert mention.text
        assert mention.offset >= end
        end = mention.offset + len(mention.text)
        assert mention.code is None or mention.code in CODES
        assert (mention.level in ("city", "county")) or mention.code is None


CODES = frozenset(d.code for d in divisions())
SECTIONS = st.lists(st.sampled_from(["110000", "220000", "320000", "650000"]), max_size=2)
DAYS = st.none() | st.dates(date(1980, 1, 1), date(2030, 1, 1))


@given(TEXTS, SECTIONS, DAYS)
def test_invariants(text: str, provinces: list[str], day: date | None) -> None:
    check_invariants(text, provinces, day)


@pytest.mark.parametrize(
    "piece",
    [
        "".join(d.name for d in divisions()),
        "（【",
        "村和",
        "回族维吾尔族",
        "朝阳、",
        "1234年",
        "湟中县多巴镇",
    ],
    ids=["names", "brackets", "villages", "peoples", "shorts", "digits", "towns"],
)
def test_time_grows_with_the_text(piece: str) -> None:
    def seconds(length: int) -> float:
        text = (piece * (length // len(piece) + 1))[:length]
        best = float("inf")
        for _ in range(2):
            start = time.process_time()
            find_places(text, ["320000"])
            best = min(best, time.process_time() - start)
        return best

    # Doubling takes about twice as long; four leaves room for a busy machine, not for a square.
    assert seconds(200_000) <= 4 * seconds(100_000) + 0.05
