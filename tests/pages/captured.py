"""Facts about captured pages, read by eye; the pages are not part of the project.

Of a text, the start of the SHA-256 of its lines joined by line feeds is kept. The text itself was
compared with the whole text of its container by another parser.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True)
class Facts:
    """What a detail page says: title as length, first and last words; the text as its number of
    lines, their first and last words and digest; ``files`` how many attachments it has; ``faults``
    as a Sample has them.
    """

    file: str
    container: str
    title: tuple[int, str, str]
    published: str
    published_at: str | None
    credit: str
    lines: int
    ends: tuple[str, str]
    digest: str
    files: int
    faults: Mapping[str, list[str]] = field(default_factory=dict)
    written: bool = False


class ListFacts(NamedTuple):
    """What a list at ``host`` and ``path`` says: how many rows, and of the first one the path, the
    length of its title and the date.
    """

    file: str
    host: str
    path: str
    selector: str
    rows: int
    first: str
    title: int
    listed: str | None


def digest(lines: tuple[str, ...]) -> str:
    """The start of the SHA-256 of a text's lines."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


CAPTURED = [
    Facts(
        "csrc_detail_2.html", ".content-body", (31, "证券基金", "管理办法"),
        "2025-10-25", "2025-10-25T03:32:23Z", "中国证监会",
        172, ("(2022年2月18日", "同时废止。"), "fe07f1e036b883e5", 2, {"bare": ["published"]},
    ),
    Facts(
        "ndrc_detail_1.html", ".article_con", (34, "《电力", "第41号令"),
        "2026-04-09", "2026-04-09T01:39:08Z", "国家能源局",
        5, ("中华人民共和国国家发展", "2026年3月18日"), "eb364ec9de2fd9d6", 2,
    ),
    Facts(
        "most_detail_1.html", "#Zoom", (25, "科学技术部令第23号 科技部", "的决定"),
        "2025-08-05", "2025-08-04T19:11:00Z", "科学技术部",
        11, ("《科技部关于", "公布之日起施行。"), "2c405bcf7c5d628d", 0,
    ),
    Facts(
        "sasac_detail_2.html", ".zsy_comain", (28, "关于改进和加强", "若干意见"),
        "2024-12-17", None, "产权局",
        21, ("国资发产权规〔2024〕100号", "严肃追究责任。"), "5916bf9af30df9b9", 0,
    ),
    Facts(
        "people-gb2312_detail_1.html", "#rwb_zw", (17, "女儿出嫁，", "当嫁妆"),
        "2019-06-15", "2019-06-15T00:18:00Z", "人民网-文化频道",
        27, ("父亲的教诲", "对儿子的爱。"), "cfe479c88c6190fd", 0,
    ),
    Facts(
        "mohurd_detail_1.html", "div.editor-content", (40, "住房城乡建设部关于", "意见的通知"),
        "2026-09-04", None, "法规司",
        6, ("为进一步规范", "{{CN_DATE-6}}"), "24e5eb07d249c5ad", 1,
    ),
    Facts(
        "mohurd_detail_2.html", "div.editor-content", (47, "住房城乡建设部办公厅", "意见的通知"),
        "2026-09-04", None, "标准定额司",
        7, ("根据《国家标准化", "{{CN_DATE-20}}"), "67c371b249de87fa", 1,
    ),
    Facts(
        "miit_detail_1.html", "#con_con", (41, "关于公开征求《饲料", "意见的公示"),
        "2026-09-04", "2026-09-04T02:06:00Z", "科技司",
        7, ("根据标准化工作", "（正文其余段落已裁剪）"), "5d9aeea03c339f07", 2,
    ),
    Facts(
        "nfra_detail_1.json", ".Section0", (31, "国家金融监督管理总局关于", "的批复"),
        "2026-04-24", "2026-04-24T09:32:00Z", "金融机构准入司",
        6, ("平安理财有限责任公司：", "2026年4月20日"), "6b0c94ce603d9f63", 0,
    ),
    Facts(
        "moe_detail_1.html", "#downloadContent", (38, "教育部办公厅", "活动的通知"),
        "2024-06-13", "2024-06-13T06:54:00Z", "教育部",
        40, ("教思政厅函〔2024〕10号", "2024年5月30日"), "b1c26e4804766066", 3,
    ),
    Facts(
        "jiangxi_detail_3.html", "#zoom", (14, "江西省消保委", "消费提示"),
        "2020-02-06", "2020-02-06T01:49:00Z", "江西省市场监督管理局",
        11, ("目前，", "通讯员：某某"), "87442165a90a4d73", 0,
    ),
    Facts(
        "zjjyt_detail_1.html", "#zoom", (19, "全省教育系统", "培训班举办"),
        "2024-10-21", "2024-10-21T04:51:00Z", "新闻办",
        5, ("10月17日，", "30人参加培训。"), "89a8824036700c9a", 0,
    ),
    Facts(
        "gxzf_detail_1.html", "div.pages_content", (15, "下六甲灌区", "全面开工"),
        "2024-10-17", "2024-10-17T00:03:00Z", "广西日报",
        3, ("广西来宾市", "某某）"), "63f338e6a53b5df4", 0,
    ),
    Facts(
        "gzby_detail_1.html", "#zoomcon", (15, "潘志军", "座谈会"),
        "2024-10-08", "2024-10-08T09:38:55Z", "白云时事",
        5, ("9月27日，", "白云时事讯（某某）"), "74b034249517ac13", 0,
    ),
    Facts(
        "bjfgw_detail_1.html", ".xl_content", (32, "【组团式帮扶】", "援助行动"),
        "2024-07-22", "2024-07-22T10:57:00Z", "北京市援青微信公众号",
        6, ("近日，", "跨越式发展。"), "3b0b2e8255d87e07", 0,
    ),
    Facts(
        "miit_detail_2.html", "#con_con", (35, "北京通管局", "安全运行"),
        "2009-09-30", "2009-09-30T02:53:00Z", "北京通信管理局",
        3, ("为确保国庆", "年网络与信息安全。"), "eefda119d26724bf", 0,
    ),
]  # fmt: skip


CAPTURED_LISTS = [
    ListFacts(
        "mohurd_home_1.html", "www.mohurd.gov.cn", "/", "li.date", 27,
        "/xinwen/jsyw/art/2026/art_c69231131ce64b6e8ef0e3946338e648.html", 26, "2026-08-29",
    ),
    ListFacts(
        "mohurd_list_1.json", "www.mohurd.gov.cn", "/", "ul li", 3,
        "/gongkai/zc/wjk/art/2026/art_0d144cfa624e415b932c0f5950c2105a.html", 40, None,
    ),
    ListFacts(
        "mee_list_1.html", "www.mee.gov.cn", "/ywgz/zysthjbhdc/dcjl/", "ul#div li", 15,
        "/ywgz/zysthjbhdc/dcjl/202606/t20260602_1157667.shtml", 18, "2026-06-02",
    ),
    ListFacts(
        "cnta_list_1.html", "www.cnta.gov.cn", "/zdgz/", "ul li", 35,
        "/zdgz/qyly/201710/t20171010_842040.shtml", 18, "2017-10-11",
    ),
    ListFacts(
        "miit_list_1.json", "www.miit.gov.cn", "/", ".clist_con li", 4,
        "/gzcy/yjzj/art/2026/art_03d6631242cd45c5bef6e8d62571beff.html", 47, "2026-09-20",
    ),
    ListFacts(
        "miit_home_1.html", "www.miit.gov.cn", "/", "li, .tabbox-bd-con > p", 8,
        "/zwgk/zcjd/art/2026/art_ef24128ee7304a63b6777d7023631e94.html", 43, "2026-08-05",
    ),
    ListFacts(
        "samr_list_1.json", "www.samr.gov.cn", "/", "li.zjnav04Left02_content", 5,
        "/hd/zjdc/art/2026/art_7690dba6fb90477cae8299c67f7966d9.html", 50, None,
    ),
    ListFacts(
        "ndrc_list_1.html", "www.ndrc.gov.cn", "/xxgk/zcfb/fzggwl/", "ul.u-list > li", 25,
        "/xxgk/zcfb/fzggwl/202604/t20260409_1404577.html", 34, "2026-04-09",
    ),
    ListFacts(
        "most_list_1.html", "www.most.gov.cn", "/xxgk/fgzc/", "ul.list_common li", 17,
        "/xxgk/fgzc/flfg/202412/t20241226_192778.html", 23, "2024-12-25",
    ),
    ListFacts(
        "csrc_list_1.html", "www.csrc.gov.cn", "/csrc/c106256/fg.shtml", "td.info", 20,
        "/csrc/c106256/c3217074/content.shtml", 89, None,
    ),
    ListFacts(
        "sasac_list_1.html", "www.sasac.gov.cn", "/n1/n2/n3/", ".zsy_conlist li:not([style])", 29,
        "/n2588035/n2588320/n2588335/c35128064/content.html", 18, "2025-12-18",
    ),
    ListFacts(
        "sasac_list_2.html", "www.sasac.gov.cn", "/n1/n2/n3/", "li:not([style])", 30,
        "/n2588035/n2588320/n2588335/c4260392/content.html", 30, "2003-09-08",
    ),
    ListFacts(
        "mnr_list_1.html", "www.mnr.gov.cn", "/dt/ywbb/", "li", 9,
        "/dt/ywbb/202609/t20260912_2938231.html", 16, "2026-09-12",
    ),
    ListFacts(
        "js-gxt_list_1.xml", "gxt.jiangsu.gov.cn", "/module/", "li", 76,
        "/art/2025/10/29/art_80179_11664839.html", 37, "2025-10-29",
    ),
    ListFacts(
        "shwsjkw_list_1.html", "wsjkw.sh.gov.cn", "/yqtb/index.html", "ul.list-date li", 9,
        "/xwfb/20220426/d4d847dcf3f64fcab102cf5a65656891.html", 79, "2022-04-26",
    ),
    ListFacts(
        "ynzrzy_list_1.html", "dnr.yn.gov.cn", "/html/index.html", "li", 4,
        "/html/2026/jieguogongshi_0819/4053596.html", 14, "2026-08-19",
    ),
]  # fmt: skip
