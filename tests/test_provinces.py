"""Provinces by key, headings in every style, titles and issuers (all lines are 样例)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.normalise.provinces import PROVINCES, province_of, provinces_in_title, read_heading


def test_there_are_34_provinces_in_code_order() -> None:
    assert len(PROVINCES) == 34
    assert list(PROVINCES) == sorted(PROVINCES)
    assert [p.short for p in PROVINCES.values()][:6] == [
        "北京",
        "天津",
        "河北",
        "山西",
        "内蒙古",
        "辽宁",
    ]
    assert [p.name for p in PROVINCES.values()][-4:] == [
        "新疆维吾尔自治区",
        "台湾省",
        "香港特别行政区",
        "澳门特别行政区",
    ]


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("黑龙江", "230000"),
        ("黑龙江省", "230000"),
        ("230000", "230000"),
        ("230524", "230000"),
        ("内蒙古", "150000"),
        ("内蒙古自治区", "150000"),
        ("广西", "450000"),
        ("广西壮族自治区", "450000"),
        ("广西自治区", "450000"),
        ("新疆维吾尔自治区", "650000"),
        ("新疆生产建设兵团", "650000"),
        ("兵团", "650000"),
        ("香港", "810000"),
        ("澳门特别行政区", "820000"),
        ("重庆市", "500000"),
        (" 西藏 ", "540000"),
        ("吉林", "220000"),
        ("海南", "460000"),
    ],
)
def test_province_of(key: str, code: str) -> None:
    province = province_of(key)
    assert province is not None
    assert province.code == code


@pytest.mark.parametrize(
    "key", ["", "东北", "吉林市", "黑龙江市", "990000", "23", "２３００００", "省"]
)
def test_province_of_nothing(key: str) -> None:
    assert province_of(key) is None


@pytest.mark.parametrize(
    ("line", "codes", "level"),
    [
        ("黑龙江：", ("230000",), "province"),
        ("　四川：", ("510000",), "province"),
        ("  　陕西省 \r\n", ("610000",), "province"),
        ("河北:", ("130000",), "province"),
        ("【江苏】", ("320000",), "province"),
        ("[江西]", ("360000",), "province"),
        ("〖福建省〗", ("350000",), "province"),
        ("《安徽》", ("340000",), "province"),
        ("（一）四川省", ("510000",), "province"),
        ("(二)贵州", ("520000",), "province"),
        ("一、广西壮族自治区", ("450000",), "province"),
        ("十二、宁夏回族自治区：", ("640000",), "province"),
        ("1. 北京", ("110000",), "province"),
        ("2．天津市", ("120000",), "province"),
        ("3、上海：", ("310000",), "province"),
        ("①内蒙古", ("150000",), "province"),
        ("■辽宁", ("210000",), "province"),
        ("◆浙江◆", ("330000",), "province"),
        ("● 甘 肃", ("620000",), "province"),
        ("▲河　南", ("410000",), "province"),
        ("★海南★", ("460000",), "province"),
        ("◎吉林", ("220000",), "province"),
        ("※西藏自治区", ("540000",), "province"),
        ("四川、重庆：", ("510000", "500000"), "province"),
        ("上海市和江苏省", ("310000", "320000"), "province"),
        ("北京　天津", ("110000", "120000"), "province"),
        ("广东/广西", ("440000", "450000"), "province"),
        ("湖北·湖南", ("420000", "430000"), "province"),
        ("青海及甘肃：", ("630000", "620000"), "province"),
        ("新疆生产建设兵团：", ("650000",), "xpcc"),
        ("兵团：", ("650000",), "xpcc"),
        ("新疆、新疆生产建设兵团", ("650000",), "province"),
        ("哈尔滨：", ("230000",), "city"),
        ("【广州市】", ("440000",), "city"),
        ("杭州市", ("330000",), "city"),
        ("吉林市", ("220000",), "city"),
        ("海南州", ("630000",), "city"),
        ("恩施土家族苗族自治州", ("420000",), "city"),
        ("锡林郭勒盟：", ("150000",), "city"),
        ("喀什地区", ("650000",), "city"),
        ("西安：", ("610000",), "city"),
        ("安康：", ("610000",), "city"),
        ("深圳、佛山", ("440000",), "city"),
        ("浙江杭州：", ("330000",), "city"),
        ("广西南宁市", ("450000",), "city"),
        ("湖北省宜昌市夷陵区：", ("420000",), "city"),
        ("石河子市", ("650000",), "city"),
        ("仙桃市：", ("420000",), "city"),
        ("襄樊市", ("420000",), "city"),
    ],
)
def test_headings(line: str, codes: tuple[str, ...], level: str) -> None:
    heading = read_heading(line)
    assert heading is not None
    assert (heading.codes, heading.level) == (codes, level)
    assert heading.literal == line.strip(" \t\r\n\u3000")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "　　",
        "：",
        "一、",
        "和",
        "城关",
        "朝阳",
        "朝阳：",
        "中山",
        "鼓楼区",
        "安康",
        "日照",
        "旬邑县",
        "京津冀",
        "东北",
        "华东：",
        "110000",
        "2020",
        "河南：省住房和城乡建设厅召开会议",
        "四川省住房和城乡建设厅",
        "北京、天津、雄安",
        "黑龙江，5月8日",
        "全国",
        "广东河南",
        "浙江、" * 20,
    ],
)
def test_lines_that_are_not_headings(line: str) -> None:
    assert read_heading(line) is None


@pytest.mark.parametrize(
    ("title", "codes"),
    [
        ("哈尔滨市住建局召开供热工作会议", ("230000",)),
        ("河北省住房和城乡建设厅", ("130000",)),
        ("江西、湖南两省联合治水", ("360000", "430000")),
        ("河南湖北湖南三省会商", ("410000", "420000", "430000")),
        ("广东海南两省签约", ("440000", "460000")),
        ("其中山东、河南进展较快", ("370000", "410000")),
        ("新疆生产建设兵团部署春耕", ("650000",)),
        ("关于福建省厦门市申报的批复", ("350000",)),
        ("吉林市推进棚户区改造", ("220000",)),
        ("河南蒙古族自治县草原保护", ("630000",)),
        ("海南州抓好草畜平衡", ("630000",)),
        ("青海南部牧区雪灾救助", ("630000",)),
        ("山西部分地区降雨", ("140000",)),
        ("双鸭山市饶河县危房改造", ("230000",)),
        ("湟中县农牧民居住条件", ("630000",)),
        ("西安地铁", ("610000",)),
        ("上海合作组织成员国水利部长会议", ()),
        ("参加上合组织会议", ()),
        ("北京时间5月8日8时", ()),
        ("上海合作组织青岛峰会在山东举行", ("370000",)),
        ("北京合作项目", ("110000",)),
        ("上海组织合作社培训", ("310000",)),
        ("北京冬奥会场馆建设", ("110000",)),
        ("西藏自治区", ("540000",)),
        ("黄河南岸治理", ()),
        ("长江西岸护坡", ()),
        ("大运河北段疏浚", ()),
        ("太行山西麓造林", ()),
        ("天山西段巡护", ()),
        ("中山西路积水点整治", ()),
        ("南京路步行街", ()),
        ("长白山东部", ()),
        ("朝阳区", ()),
        ("鼓楼区老旧小区改造", ()),
        ("京津冀协同发展", ()),
        ("东北地区、华东地区", ()),
        ("", ()),
    ],
)
def test_provinces_in_titles(title: str, codes: tuple[str, ...]) -> None:
    assert provinces_in_title(title) == codes


NAMES = st.sampled_from(
    [p.short for p in PROVINCES.values()] + [p.name for p in PROVINCES.values()]
)
PIECES = st.sampled_from(list("一二1（）()【】[]：:、 　■◆和与河北江南山市省区县路岸")) | NAMES


@given(st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=60))
def test_any_text_is_read_without_an_error(text: str) -> None:
    heading = read_heading(text)
    if heading is not None:
        assert heading.codes
        assert set(heading.codes) <= set(PROVINCES)
        assert heading.literal in text
    assert set(provinces_in_title(text)) <= set(PROVINCES)


@given(NAMES, st.sampled_from(["", "：", ":"]), st.sampled_from(["", "一、", "■", "（三）", "【"]))
def test_every_province_is_a_heading_in_every_form(name: str, colon: str, start: str) -> None:
    heading = read_heading(f"{start}{name}{'】' if start == '【' else ''}{colon}")
    assert heading is not None
    assert PROVINCES[heading.codes[0]].name.startswith(PROVINCES[heading.codes[0]].short)
    assert name.startswith(PROVINCES[heading.codes[0]].short)


def test_a_long_line_of_brackets_is_read_quickly() -> None:
    assert read_heading("（" * 100_000) is None
    assert provinces_in_title("河南" * 50_000) == ("410000",)
