"""The sample site keeps its promises: what it holds, how it lists, and how it misbehaves."""

from __future__ import annotations

import gzip
import http.client
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from email.message import Message
from urllib.parse import quote, urlencode, urlsplit

import pytest
from parsel import Selector, SelectorList

from sample import bulletins, hostile, layouts
from sample.answers import Response
from sample.body import wrap
from sample.layouts import Era, Page
from sample.server import SampleSite, demo_site, serve

ERAS: tuple[Era, ...] = ("A", "B", "C")
PROVINCES = [
    "北京", "天津", "河北", "山西", "内蒙古", "辽宁", "吉林", "黑龙江", "上海", "江苏", "浙江",
    "安徽", "福建", "江西", "山东", "河南", "湖北", "湖南", "广东", "广西", "海南", "重庆", "四川",
    "贵州", "云南", "西藏", "陕西", "甘肃", "青海", "宁夏", "新疆",
]  # fmt: skip
NEWS_KINDS = [
    "危房改造", "老旧小区改造", "污水处理", "垃圾分类", "保障性租赁住房", "历史文化", "节能",
    "物业", "城市更新", "农房安全", "工程质量", "海绵", "排水防涝", "供热", "公积金", "装配式",
]  # fmt: skip
MAIN_COLUMN = {"A": "xwfb", "B": "gzdt", "C": "gzdt"}
GB_PAGE, WORD_PAGE, ATTACHMENT_PAGE, BROKEN_TITLE = 245801, 249263, 762945, 762560


def all_pages() -> dict[int, Page]:
    return {edition.page.id: edition.page for edition in bulletins.editions()}


def filler(number: int, **changes: object) -> Page:
    page = Page(number, f"样例第{number}号", date(2021, 3, 1), (f"这是第{number}段。",))
    return replace(page, **changes)  # type: ignore[arg-type]


def fetch(
    base: str, target: str, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[int, Message, bytes]:
    """One request, no redirects followed."""
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=10)
    try:
        connection.request(method, target, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def unit_target(column: str, number: int, tag: str = layouts.LIST_TAG, **changes: str) -> str:
    query = {
        "parseType": "bulidstatic",
        "webId": layouts.WEB_ID,
        "tplSetId": layouts.TPL_SET_ID,
        "pageType": "column",
        "tagId": tag,
        "pageId": layouts.COLUMNS[column].page_id,
        "paramJson": json.dumps({"pageNo": number, "pageSize": 20}),
    } | changes
    return f"{layouts.UNIT_PATH}?{urlencode(query)}"


def listed(site: SampleSite, column: str) -> Iterator[tuple[str, str, str]]:
    """Walk a list to its end: address, title and date of every row."""
    for number in range(1, 50):
        if site.era == "C":
            answer = json.loads(site.answer(unit_target(column, number)).body)
            rows = Selector(answer["data"]["html"]).css("li.date")
        else:
            response = site.answer(layouts.list_address(column, number, site.era))
            if response.status == 404:
                return
            rows = list_rows(response.body.decode(), site.era)
        if not rows:
            return
        for row in rows:
            link = row.xpath("./td[2]/a | ./a")
            shown = text_of(row.xpath("./td[3] | ./span[@class='date-info']")).strip("[]")
            folder = f"/{column}/" if site.era == "A" else ""
            address = folder + link.attrib["href"].removeprefix("./")
            yield address, text_of(link), shown


def text_of(found: SelectorList[Selector]) -> str:
    return "".join(found.css("::text").getall()).strip()


def list_rows(text: str, era: Era) -> SelectorList[Selector]:
    if era == "A":
        return Selector(text).xpath("//table//tr[2]/td/table//tr[2]/td/table//tr[td[2]/a]")
    return Selector(text).css("div.linkList-section-wrapper ul > li.date")


def box_of(text: str, era: Era) -> SelectorList[Selector]:
    found = Selector(text).css("div.union, div.info" if era == "A" else "div.editor-content")
    assert len(found) == 1
    return found


# What the sample holds


def test_counts_and_two_years() -> None:
    pages = all_pages().values()
    assert len(pages) >= 64
    assert min(page.published for page in pages) == date(2020, 5, 8)
    assert max(page.published for page in pages) == date(2022, 4, 30)
    months = {(page.published.year, page.published.month) for page in pages}
    assert len(months - {(2022, 2)}) == 23


@pytest.mark.parametrize("province", PROVINCES)
def test_every_province_has_several_bulletins(province: str) -> None:
    begins = re.compile(rf"[【■]?(?:[一二三四五]、|（[一二三四五]）)?{province}")
    named = [
        page.id
        for page in all_pages().values()
        if any(begins.match(text) for text in page.paragraphs) or province in page.title
    ]
    assert len(named) >= 4


@pytest.mark.parametrize("kind", NEWS_KINDS)
def test_kinds_of_news(kind: str) -> None:
    assert sum(kind in page.title + "".join(page.paragraphs) for page in all_pages().values()) >= 2


def test_showcase_query_has_answers() -> None:
    texts = [
        text
        for page in all_pages().values()
        if page.published.isoformat().startswith("2020-05")
        for text in page.paragraphs
        if "黑龙江" in text and "危房改造" in text
    ]
    assert len(texts) >= 4


@pytest.mark.parametrize(
    "written",
    [
        "黑龙江：", "【青海】", "四川、重庆：", "哈尔滨：", "■安徽", "一、广东", "（一）河北",
        "山西", "5月8日", "4月14日至16日", "自4月15日以来", "6月底前", "截至目前", "去年11月下旬",
        "一季度", "“十四五”", "2020年12月28日至2021年1月5日", "二〇二一年三月五日", "上周", "昨日",
        "次日", "同日", "春节前", "0—24时", "上半年", "到2025年", "３.１万处", "4月中旬", "兵团",
    ],
)  # fmt: skip
def test_ways_of_writing_occur(written: str) -> None:
    assert any(written in text for page in all_pages().values() for text in page.paragraphs)


@pytest.mark.parametrize("words", ["联播（三）", "一周要闻", "各地动态", "座谈会"])
def test_kinds_of_titles_occur(words: str) -> None:
    assert any(words in page.title for page in all_pages().values())


def test_no_two_paragraphs_are_equal() -> None:
    seen = Counter(
        text for page in all_pages().values() for text in page.paragraphs if not is_frame(text)
    )
    assert [text for text, count in seen.items() if count > 1] == []


def is_frame(text: str) -> bool:
    return len(text) <= 24 or text.startswith("摘自")


def test_no_sentence_is_used_twice() -> None:
    sentences = Counter(
        sentence
        for page in all_pages().values()
        for text in page.paragraphs
        for sentence in re.split("[。；]", text)
        if len(sentence) > 8
    )
    assert [sentence for sentence, count in sentences.items() if count > 1] == []


def test_every_page_says_that_it_is_a_sample_outside_its_body() -> None:
    for era in ERAS:
        for page in bulletins.shown(era, 1):
            text = layouts.detail(page, era)
            assert layouts.NOTE in text
            assert "样例页面" not in text_of(box_of(text, era))


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown keys in text 7: \\['colum'\\]"):
        list(bulletins.parse("\n== 7 题\ndate: 2021-01-01\ncolum: gzdt\n\n正文。\n"))


# Eras, columns, nights


@pytest.mark.parametrize(
    ("era", "columns"), [("A", ["xwfb"]), ("B", ["gzdt", "dfxx"]), ("C", ["jsyw", "gzdt", "dfxx"])]
)
def test_columns_of_each_era(era: Era, columns: list[str]) -> None:
    site = demo_site(era, 1)
    assert site.columns == columns
    assert len(site.column(MAIN_COLUMN[era])) >= 24


def test_one_document_has_an_address_in_every_era() -> None:
    page = replace(all_pages()[246177], column="xwfb")
    assert [layouts.address(page, "A")] == ["/xwfb/202009/t20200924_246177.html"]
    moved = replace(page, column="gzdt")
    assert layouts.address(moved, "B") == "/xinwen/gzdt/202009/20200924_246177.html"
    assert layouts.address(moved, "C") == "/xinwen/gzdt/art/2020/art_304_246177.html"
    for era in ERAS:
        assert any(shown.id == 246177 for shown in bulletins.shown(era, 1))


def test_documents_born_in_era_c_have_hex_addresses() -> None:
    page = all_pages()[763241]
    assert re.fullmatch(r"/xinwen/gzdt/art/2022/art_[0-9a-f]{32}\.html", layouts.address(page, "C"))


@pytest.mark.parametrize(
    ("era", "gone", "new", "changed"),
    [
        ("A", [246084], [], [246033]),
        ("B", [], [], [249601]),
        ("C", [763302], [763361, 763384, 763399], [249601, 763275]),
    ],
)
def test_what_the_nights_change(
    era: Era, gone: list[int], new: list[int], changed: list[int]
) -> None:
    first, last = ({page.id: page for page in bulletins.shown(era, night)} for night in (1, 4))
    assert sorted(first.keys() - last.keys()) == gone
    assert sorted(last.keys() - first.keys()) == new
    assert sorted(key for key in first.keys() & last.keys() if first[key] != last[key]) == changed
    for key in changed:
        pairs = zip(first[key].paragraphs, last[key].paragraphs, strict=True)
        assert 1 <= sum(old != newer for old, newer in pairs) <= 2


def test_a_page_taken_down_leaves_list_and_address() -> None:
    address = layouts.address(all_pages()[763302], "C")
    first, second = demo_site("C", 1), demo_site("C", 2)
    assert first.answer(address).status == 200
    assert address in [row[0] for row in listed(first, "dfxx")]
    assert second.answer(address).status == 404
    assert address not in [row[0] for row in listed(second, "dfxx")]


# Lists


@pytest.mark.parametrize("era", ERAS)
def test_lists_lead_to_every_page(era: Era) -> None:
    site = demo_site(era, 1)
    rows = {row for column in site.columns for row in listed(site, column)}
    separator = "." if era == "A" else "-"
    assert rows == {
        (
            layouts.address(page, era),
            page.name,
            page.published.strftime(f"%Y{separator}%m{separator}%d"),
        )
        for page in bulletins.shown(era, 1)
    }
    assert all(site.answer(address).status == 200 for address, _, _ in rows)


@pytest.mark.parametrize(
    ("era", "path"),
    [
        ("A", "/xwfb/index_3.html"),
        ("A", "/xwfb/index_1.html"),
        ("B", "/xinwen/gzdt/index_3.html"),
        ("B", "/xinwen/dfxx/index_2.html"),
        ("C", "/xinwen/gzdt/index_2.html"),
        ("C", "/xwfb/index.html"),
    ],
)
def test_past_the_end_is_404(era: Era, path: str) -> None:
    assert demo_site(era, 1).answer(path).status == 404


def test_filler_lists_page_as_asked() -> None:
    pages = [filler(number) for number in range(1, 46)]
    for era in ERAS:
        site = SampleSite(era, [replace(page, column=MAIN_COLUMN[era]) for page in pages])
        assert len(list(listed(site, MAIN_COLUMN[era]))) == 45


def test_era_b_has_fourteen_pager_links_outside_rows() -> None:
    text = demo_site("B", 1).answer("/xinwen/dfxx/index.html").body.decode()
    wrapper = Selector(text).css("div.linkList-section-wrapper")
    anchors = wrapper.css("a")
    assert len(anchors) - len(wrapper.css("li.date a")) == 14
    assert "title" not in anchors[-14].attrib


def test_era_c_column_page_describes_its_unit_calls() -> None:
    text = demo_site("C", 1).answer("/xinwen/gzdt/index.html").body.decode()
    scripts = re.findall(r'url="([^"]+)" (querydata|queryData)="([^"]+)"', text)
    assert [spelling for _, spelling, _ in scripts] == ["querydata", "querydata", "queryData"]
    queries = [json.loads(pseudo.replace("'", '"')) for _, _, pseudo in scripts]
    assert [query["tagId"] for query in queries] == ["当前位置", "栏目-list", "右侧推荐"]
    assert {query["pageId"] for query in queries} == {"919e942639b5477d96e4c97471c61d9f"}
    assert not Selector(text).css("li.date")


@pytest.mark.parametrize(
    "target",
    [
        unit_target("gzdt", 1, tag="内容1"),
        unit_target("gzdt", 1, pageId="0" * 32),
        unit_target("gzdt", 1, parseType="buildstatic"),
        unit_target("gzdt", 1).replace(quote("栏目"), quote("栏目".encode("gbk"))),
    ],
)
def test_a_wrong_unit_call_fails_with_status_200(target: str) -> None:
    answer = demo_site("C", 1).answer(target)
    assert answer.status == 200
    assert json.loads(answer.body) == {"code": "200", "success": False, "data": {}}


def test_a_unit_call_past_the_end_has_no_rows() -> None:
    answer = json.loads(demo_site("C", 1).answer(unit_target("gzdt", 9)).body)
    assert answer["success"] is True
    assert 'class="date"' not in answer["data"]["html"]


# Detail pages


@pytest.mark.parametrize("era", ERAS)
def test_every_paragraph_arrives_in_the_box(era: Era) -> None:
    for page in bulletins.shown(era, 1):
        squeezed = re.sub(r"\s", "", text_of(box_of(layouts.detail(page, era), era)))
        for text in page.paragraphs:
            assert re.sub(r"\s", "", text) in squeezed


def test_gb_page_is_no_strict_gb2312() -> None:
    page = replace(all_pages()[GB_PAGE], column="xwfb")
    response = demo_site("A", 1).answer(layouts.address(page, "A"))
    assert response.content_type == "text/html"
    assert b"charset=gb2312" in response.body
    assert {"镕", "喆", "㙍"} <= set("".join(page.paragraphs))
    with pytest.raises(UnicodeDecodeError):
        response.body.decode("gb2312")
    with pytest.raises(UnicodeDecodeError):
        response.body.decode("gbk")
    with pytest.raises(UnicodeDecodeError):
        response.body.decode("utf-8")
    assert "退休工程师陈镕" in response.body.decode("gb18030")


def test_hard_wrapped_page_has_lines_of_one_width() -> None:
    page = next(page for page in all_pages().values() if page.hard_wrapped)
    body = layouts.detail(page, "A").partition('class="union">\n<p>')[2].partition("</p>")[0]
    lines = body.split("<br>\n")
    assert len(lines) > 20
    assert "黑龙江：" in lines
    assert max(len(line) for line in lines) == 53


def test_wrap() -> None:
    text = "住建" * 23 + "户，2020年5月，" + "完工" * 30 + "。"
    first, second = "住建" * 23 + "户，", "2020年5月，" + "完工" * 21
    assert wrap(text) == [first, second, "完工" * 9 + "。"]
    assert wrap("短。") == ["短。"]


def test_lines_that_are_broken_already_stay_so() -> None:
    page = filler(
        1, paragraphs=("甲行\n乙行：\n丙行。", "摘自　《样例报》　2021.02.28"), hard_wrapped=True
    )
    text = layouts.detail(page, "A")
    assert "甲行<br>\n乙行：<br>\n丙行。</p>" in text
    assert '<p style="text-align: right">摘自　《样例报》　2021.02.28</p>' in text


def test_word_paste_splits_numbers_and_keeps_the_table() -> None:
    text = layouts.detail(all_pages()[WORD_PAGE], "B")
    box = box_of(text, "B")
    assert len(box.css("table.MsoTableGrid tr")) == 5
    assert ">2021</span><span" in text
    assert "[if gte mso 9]" in text


def test_era_c_metas() -> None:
    page = next(page for page in bulletins.shown("C", 1) if page.time == "00:30")
    tree = Selector(layouts.detail(page, "C", "2022-05-01 08:00:01"))
    metas = {
        meta.attrib["name"]: meta.attrib["content"] for meta in tree.css("meta[name][content]")
    }
    assert metas["ArticleTitle"] == "绿色建造试点座谈会召开"
    assert metas["PubDate"] == "2021-11-26 00:30"
    assert metas["ContentSource"] == "样例建设报"
    assert metas["ColumnName"] == "部门动态"
    assert metas["SiteIDCode"] == "bm18000002"
    assert metas["MakeTime"] == "2022-05-01 08:00:01"


def test_a_broken_title_has_a_space_in_its_meta_only() -> None:
    page = all_pages()[BROKEN_TITLE]
    text = layouts.detail(page, "C")
    assert 'name="ArticleTitle" content="海南省海口市： 台风来临前' in text
    assert "<h3>海南省海口市：<br>台风来临前" in text
    assert "<title>海南省海口市：台风来临前" in text


def test_attachments_of_each_era_can_be_had() -> None:
    for era, key in (("A", 246071), ("B", 246370)):
        site = demo_site(era, 1)  # type: ignore[arg-type]
        page = next(page for page in site.pages if page.id == key)
        link = box_of(layouts.detail(page, site.era), site.era).css("a").attrib["href"]
        assert re.search(r"/W0\d{20}\.(xlsx|doc)$", link)
        assert site.answer(link).status == 200


def test_era_c_attachment_is_a_redirect_and_has_no_extension() -> None:
    site = demo_site("C", 1)
    page = next(page for page in site.pages if page.id == ATTACHMENT_PAGE)
    text = layouts.detail(page, "C")
    link = Selector(text).css("div.editorContent-download a").attrib["href"]
    assert link.endswith("&fileName=" + quote("番仔楼修缮工法图录"))
    moved = site.answer(link)
    assert moved.status == 302
    place = dict(moved.headers)["Location"]
    assert re.fullmatch(r"/cms_files/filemanager/1150240553/attach/202112/[0-9a-f]{32}\.pdf", place)
    assert site.answer(place).body.startswith(b"%PDF-1.4")


def test_traditional_characters_occur() -> None:
    assert any("龍眼樹" in text for text in all_pages()[ATTACHMENT_PAGE].paragraphs)


# The server


def test_validators_head_and_gzip() -> None:
    with serve(demo_site("C", 1)) as base:
        path = layouts.address(all_pages()[762945], "C")
        status, headers, body = fetch(base, path)
        assert status == 200
        assert headers["Content-Length"] == str(len(body))
        assert headers["Last-Modified"] == "Thu, 16 Dec 2021 00:00:00 GMT"
        zipped = fetch(base, path, headers={"Accept-Encoding": "gzip, deflate"})
        assert zipped[1]["Content-Encoding"] == "gzip"
        assert zipped[1]["ETag"] == headers["ETag"]
        assert without_make_time(gzip.decompress(zipped[2])) == without_make_time(body)
        assert gzip.decompress(zipped[2]) != body
        head = fetch(base, path, "HEAD")
        assert (head[0], head[1]["Content-Length"], head[2]) == (200, str(len(body)), b"")


def without_make_time(body: bytes) -> bytes:
    return re.sub(rb'(name="MakeTime" content=")[^"]*', rb"\1", body)


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("If-None-Match", "{etag}", 304),
        ("If-None-Match", 'W/{etag}, "other"', 304),
        ("If-None-Match", "*", 304),
        ("If-None-Match", '"other"', 200),
        ("If-Modified-Since", "{modified}", 304),
        ("If-Modified-Since", "Wed, 01 Jan 2020 00:00:00 GMT", 200),
        ("If-Modified-Since", "no date", 200),
    ],
)
def test_conditional_requests(name: str, value: str, status: int) -> None:
    path = layouts.address(all_pages()[763275], "C")
    with serve(demo_site("C", 1)) as base:
        given = fetch(base, path)[1]
        value = value.format(etag=given["ETag"], modified=given["Last-Modified"])
        answer = fetch(base, path, headers={name: value})
        assert answer[0] == status
        assert (answer[2] == b"") == (status == 304)


def test_if_none_match_outranks_if_modified_since() -> None:
    path = layouts.address(all_pages()[763275], "C")
    with serve(demo_site("C", 1)) as base:
        later = "Fri, 01 Jan 2027 00:00:00 GMT"
        headers = {"If-None-Match": '"other"', "If-Modified-Since": later}
        assert fetch(base, path, headers=headers)[0] == 200


@pytest.mark.parametrize("era", ERAS)
def test_a_changed_page_has_new_validators(era: Era) -> None:
    key = {"A": 246033, "B": 249601, "C": 763275}[era]
    answers = []
    for night in (1, 2, 3):
        site = demo_site(era, night)
        page = next(page for page in site.pages if page.id == key)
        answers.append(site.answer(layouts.address(page, era)))
    assert answers[0].etag == answers[1].etag != answers[2].etag
    assert answers[0].modified == answers[1].modified
    assert answers[2].modified is not None
    assert answers[2].modified.replace(tzinfo=None) == datetime(2022, 5, 3)  # noqa: DTZ001


def test_the_log_keeps_every_request() -> None:
    site = demo_site("A", 1)
    with serve(site) as base:
        fetch(base, "/xwfb/index.html", headers={"User-Agent": "probe"})
        fetch(base, "/nothing.html?q=1", "HEAD")
    assert [(entry.method, entry.path, entry.status) for entry in site.log] == [
        ("GET", "/xwfb/index.html", 200),
        ("HEAD", "/nothing.html", 404),
    ]
    assert site.log[0].headers["user-agent"] == "probe"


def test_robots() -> None:
    assert demo_site("C", 1).answer("/robots.txt").status == 404
    site = SampleSite("A", [], robots="User-agent: *\nDisallow: /xwfb/\n")
    assert site.answer("/robots.txt").body == b"User-agent: *\nDisallow: /xwfb/\n"


# Hostile answers


def probe_site() -> tuple[SampleSite, str, Response]:
    page = filler(1, column="xwfb", paragraphs=("样例正文。" * 200,))
    site = SampleSite("A", [page])
    path = layouts.address(page, "A")
    return site, path, site.answer(path)


@pytest.mark.parametrize(
    ("name", "status", "sign"),
    [
        ("wall_412", 412, b"<script>"),
        ("wall_521", 521, b"__jsl_clearance_s"),
        ("wall_403", 403, b"403 Forbidden"),
        ("captcha", 200, "验证码".encode()),
        ("empty", 200, b""),
        ("pdf_as_html", 200, b"%PDF-"),
        ("not_found", 404, "不存在".encode()),
        ("unit_failure", 200, b'"success": false'),
    ],
)
def test_plain_hostile_answers(name: str, status: int, sign: bytes) -> None:
    site, path, _ = probe_site()
    site.routes[path] = getattr(hostile, name)()
    with serve(site) as base:
        answer = fetch(base, path)
    assert answer[0] == status
    assert sign in answer[2]


def test_truncated_body_is_shorter_than_it_says() -> None:
    site, path, ordinary = probe_site()
    site.routes[path] = hostile.truncated(ordinary)
    with serve(site) as base, pytest.raises(http.client.IncompleteRead) as caught:
        fetch(base, path)
    assert len(caught.value.partial) == len(ordinary.body) // 2


def test_dropped_connection_and_its_log() -> None:
    site, path, _ = probe_site()
    site.routes[path] = hostile.drop()
    with serve(site) as base, pytest.raises(http.client.RemoteDisconnected):
        fetch(base, path)
    assert site.log[0].status == 0


def test_once_bad_then_good() -> None:
    site, path, ordinary = probe_site()
    site.routes[path] = hostile.first(hostile.text("", 500), times=2)
    with serve(site) as base:
        answers = [fetch(base, path) for _ in range(3)]
    assert [status for status, _, _ in answers] == [500, 500, 200]
    assert answers[2][2] == ordinary.body


def test_redirect_charset_size_and_wait() -> None:
    site, _, ordinary = probe_site()
    site.routes = {
        "/loop": hostile.redirect("/loop"),
        "/off": hostile.redirect("https://example.org/", 301),
        "/lie": hostile.wrong_charset(ordinary),
        "/big": hostile.huge(30_000_000),
        "/slow": hostile.slow(ordinary, 0.05),
    }
    with serve(site) as base:
        assert fetch(base, "/loop")[1]["Location"] == "/loop"
        assert fetch(base, "/off")[0] == 301
        assert fetch(base, "/lie")[1]["Content-Type"] == "text/html; charset=iso-8859-1"
        assert len(fetch(base, "/big")[2]) == 30_000_000
        assert fetch(base, "/slow")[2] == ordinary.body


@pytest.mark.parametrize("era", ERAS)
def test_one_page_of_one_list_can_be_broken(era: Era) -> None:
    column = MAIN_COLUMN[era]
    site = demo_site(era, 1)
    whole = list(listed(site, column))
    site.lists[column, 2] = hostile.empty_list(column, era)
    assert list(listed(site, column)) == whole[:20]
    site.lists[column, 1] = hostile.unreadable_list(era)
    assert list(listed(site, column)) == []
