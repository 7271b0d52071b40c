"""Texts of the living site: a bulletin for any day and number, different from every other.

样例: the places are real; what is said of them, the people and the figures are invented.
"""

from __future__ import annotations

import hashlib
from datetime import date

_PLACES = (
    ("河北省", "邯郸市", "武安市"),
    ("山西省", "长治市", "平顺县"),
    ("辽宁省", "丹东市", "凤城市"),
    ("吉林省", "白城市", "洮南市"),
    ("黑龙江省", "双鸭山市", "饶河县"),
    ("江苏省", "盐城市", "东台市"),
    ("浙江省", "衢州市", "开化县"),
    ("安徽省", "六安市", "金寨县"),
    ("福建省", "三明市", "沙县区"),
    ("江西省", "赣州市", "于都县"),
    ("山东省", "潍坊市", "青州市"),
    ("河南省", "信阳市", "新县"),
    ("湖北省", "恩施土家族苗族自治州", "利川市"),
    ("湖南省", "怀化市", "溆浦县"),
    ("广东省", "梅州市", "蕉岭县"),
    ("海南省", "三沙市", "西沙区"),
    ("四川省", "雅安市", "芦山县"),
    ("贵州省", "遵义市", "湄潭县"),
    ("云南省", "楚雄彝族自治州", "姚安县"),
    ("陕西省", "汉中市", "宁强县"),
    ("甘肃省", "定西市", "陇西县"),
    ("青海省", "海东市", "化隆回族自治县"),
)
_TOPICS = (
    ("老旧小区加装电梯", "部电梯", "楼道太窄，图纸改了三稿才放得下一部担架电梯"),
    ("燃气管道更新改造", "公里管道", "旧管埋得比图上深半米，只好先挖探坑再下料"),
    ("农房抗震加固", "户农房", "雨季土路难走，水泥靠骡子驮上山"),
    ("城市内涝点整治", "处易涝点", "泵站夜里值守，闸门每两小时试开一次"),
    ("传统村落测绘建档", "座老宅", "屋主不认得梁上的字，测绘队请来村里的老木匠"),
    ("保障性租赁住房配租", "套房源", "摇号结果贴在社区门口，三天里无人提出异议"),
    ("建筑工地扬尘治理", "个工地", "雾炮开得太勤，路面结冰，改成了定时喷淋"),
    ("口袋公园建设", "个口袋公园", "居民要树荫不要雕塑，方案当场改了"),
    ("生活垃圾分类", "个投放点", "晚班工人碰不上开放时间，投放点延长到夜里十点"),
    ("城镇供水管网检漏", "处漏点", "听漏员只在凌晨两点到五点出门，那时街上最静"),
    ("危险住房搬迁安置", "户家庭", "有三户不愿离开老井，新址旁补打了一口"),
    ("历史建筑挂牌保护", "处历史建筑", "牌子做小了一号，免得遮住门楣上的砖雕"),
    ("公共停车位挖潜", "个停车位", "夜间借用机关大院，早上七点半前驶离"),
)
_VERBS = ("推进", "督导", "部署", "收尾", "抽查", "回访")
_OPENINGS = (
    "{day}，{province}住房和城乡建设厅到{city}{county}了解{topic}进展，随行的还有{n}名技术人员。",
    "{day}，{city}召开{topic}现场会，{county}交流了{n}条做法，其余县区带着各自的难题来听。",
    "{city}{county}{day}公布{topic}半年账，{n}个乡镇（街道）逐项列出完成数和欠账数。",
    "{province}{topic}工作组{day}走进{city}，第一站是{county}的{n}号片区。",
)
_MIDDLES = (
    "截至目前，全市累计完成{m}{unit}，占年度任务的{p}%，比上月多{k}个百分点。",
    "今年计划{m}{unit}，已开工{p}%，余下的排在{k}个批次里，每批不超过二十天。",
    "登记在册的{m}{unit}中，{p}%已经验收，另有{k}处因雨停工，待天晴复工。",
    "账本上写着{m}{unit}，核对后删去重复登记{k}处，实际完成率{p}%。",
)
_VOICES = (
    "“{detail}。”负责现场的技术员说，这一条已写进第{k}版操作手册。",
    "记者在{county}看到，{detail}。当地住房和城乡建设局把它列为第{k}号提醒。",
    "难处也不少：{detail}。专班为此开了{k}次短会，每次不超过半小时。",
)
_ENDINGS = (
    "下一步，{province}将把{county}的做法编成{p}页的图册，年底前发到每个乡镇。",
    "{city}表示，欠账在{k}月底前还清，做不到的逐户说明原因。",
    "验收由居民代表签字，{county}第一批签字率为{p}%，没签的下周再上门。",
    "相关经费{m}万元已经拨付，{city}审计部门每{k}周抽查一次。",
)


def title(day: date, number: int) -> str:
    """The title of a day's bulletin of that number."""
    pick = _Picker(day, number)
    _, city, county = _PLACES[pick("place", len(_PLACES))]
    topic = _TOPICS[pick("topic", len(_TOPICS))][0]
    return f"{city}{county}{_VERBS[pick('verb', len(_VERBS))]}{topic}（{day.month}月第{number}号）"


def paragraphs(day: date, number: int) -> tuple[str, ...]:
    """Four to six paragraphs, of some 300 characters together."""
    pick = _Picker(day, number)
    province, city, county = _PLACES[pick("place", len(_PLACES))]
    topic, unit, detail = _TOPICS[pick("topic", len(_TOPICS))]
    words = {"province": province, "city": city, "county": county, "topic": topic, "unit": unit}
    texts = [
        _OPENINGS[pick("opening", len(_OPENINGS))],
        _MIDDLES[pick("middle", len(_MIDDLES))],
        _VOICES[pick("voice", len(_VOICES))],
        _MIDDLES[pick("second middle", len(_MIDDLES))],
        _ENDINGS[pick("ending", len(_ENDINGS))],
        _ENDINGS[pick("second ending", len(_ENDINGS))],
    ]
    return tuple(
        text.format(
            **words,
            detail=detail,
            day=f"{day.month}月{day.day}日",
            n=3 + pick(f"n{place}", 40),
            m=100 + pick(f"m{place}", 9000),
            p=20 + pick(f"p{place}", 79),
            k=2 + pick(f"k{place}", 9),
        )
        for place, text in enumerate(dict.fromkeys(texts))
    )


class _Picker:
    """Numbers that follow from a day, a number and a word, alike on every machine."""

    def __init__(self, day: date, number: int) -> None:
        self._seed = f"{day} {number}"

    def __call__(self, word: str, size: int) -> int:
        digest = hashlib.sha256(f"{self._seed} {word}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % size
