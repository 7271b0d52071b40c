"""What is proposed for unknown list and detail pages: platform, rows, paging, layout.

The truth about captured pages was written down by eye, in ``TRUTH``; that about the pages of the
sources that ship is their own expectations.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from archive.captures.decode import decode
from archive.errors import Unreadable, UsageError
from archive.parse.detail_page import read_page
from archive.parse.json_guess import guess_shape
from archive.parse.layout_guess import LayoutGuess, guess_layouts
from archive.parse.row_guess import guess_rows
from archive.sources import PageContext
from crawler.check_source import SHIPPED
from crawler.page_expectations import ListTable, read_expectations
from crawler.proposal import ColumnPage, guess, name_of, site_of
from crawler.source_text import source_from
from crawler.sources import load_sources

HOME = "https://www.sample.example"
# Of each captured list page: the path that it is taken from, its platform, how many rows lead to
# pages of the site, and the first one's address and date. Counted in the mark-up by eye. Of
# cnta_list_1 all seven boxes are its list; a row of sasac_list_1 and nine of shwsjkw_list_1 lead to
# other sites.
TRUTH = {
    "cnta_list_1.html": (
        "/zdgz/", "trs", 35, "/zdgz/qyly/201710/t20171010_842040.shtml", "2017-10-11",
    ),
    "csrc_list_1.html": (
        "/csrc/c106256/fg.shtml", "trs", 20, "/csrc/c106256/c3217074/content.shtml", "",
    ),
    "js-gxt_list_1.xml": (
        "/module/web/jpage/dataproxy.jsp", "jcms", 76,
        "/art/2025/10/29/art_80179_11664839.html", "2025-10-29",
    ),
    "mee_list_1.html": (
        "/ywgz/zysthjbhdc/dcjl/", "trs", 15,
        "/ywgz/zysthjbhdc/dcjl/202606/t20260602_1157667.shtml", "2026-06-02",
    ),
    "miit_list_1.json": (
        "/", "jpaas", 4,
        "/gzcy/yjzj/art/2026/art_03d6631242cd45c5bef6e8d62571beff.html", "2026-09-20",
    ),
    "mnr_list_1.html": (
        "/dt/ywbb/", "trs", 9, "/dt/ywbb/202609/t20260912_2938231.html", "2026-09-12",
    ),
    "mohurd_list_1.json": (
        "/", "jpaas", 3,
        "/gongkai/zc/wjk/art/2026/art_0d144cfa624e415b932c0f5950c2105a.html", "",
    ),
    "most_list_1.html": (
        "/xxgk/xinxifenlei/fdzdgknr/fgzc/", "trs", 17,
        "/xxgk/xinxifenlei/fdzdgknr/fgzc/flfg/202412/t20241226_192778.html", "2024-12-25",
    ),
    "ndrc_list_1.html": (
        "/xxgk/zcfb/fzggwl/", "trs", 25,
        "/xxgk/zcfb/fzggwl/202604/t20260409_1404577.html", "2026-04-09",
    ),
    "nfra_list_1.json": (
        "/cn/static/data/DocInfo/Select/data_itemId=1,pageIndex=1,pageSize=18.json", "json", 5,
        "/cn/static/data/DocInfo/SelectByDocId/data_docId=1255777.json", "2026-04-21",
    ),
    "samr_list_1.json": (
        "/", "jpaas", 5, "/hd/zjdc/art/2026/art_7690dba6fb90477cae8299c67f7966d9.html", "",
    ),
    "sasac_list_1.html": (
        "/n2588035/n2588320/n2588335/index.html", "countdown", 29,
        "/n2588035/n2588320/n2588335/c35128064/content.html", "2025-12-18",
    ),
    "sasac_list_2.html": (
        "/n2588035/n2588320/n2588335/index_2603340_2.html", "countdown", 30,
        "/n2588035/n2588320/n2588335/c4260392/content.html", "2003-09-08",
    ),
    "shwsjkw_list_1.html": (
        "/yqtb/index.html", "numbered", 9,
        "/xwfb/20220426/d4d847dcf3f64fcab102cf5a65656891.html", "2022-04-26",
    ),
    "ynzrzy_list_1.html": (
        "/html/shichangxinxi/kuangyeshichang/index.html", "trs", 4,
        "/html/2026/jieguogongshi_0819/4053596.html", "2026-08-19",
    ),
}  # fmt: skip
# Its boxes are of several templates, and the one with most rows is taken for the list: the others
# are named as undecided.
MISSED = {"cnta_list_1.html"}
SOURCES = load_sources()
LISTS = [
    (slug, page) for slug in SOURCES for page in read_expectations(SHIPPED / slug).lists
]  # fmt: skip


def captured(shared: Path, name: str) -> str:
    """A captured page, without the note with its address that a capturer wrote into the JSON."""
    text = decode((shared / "pages" / name).read_bytes())
    if '"_snapshot"' not in text:
        return text
    answer = {key: value for key, value in json.loads(text).items() if key != "_snapshot"}
    return json.dumps(answer, ensure_ascii=False)


def test_every_captured_list_page_has_its_truth(shared: Path) -> None:
    assert {path.name for path in (shared / "pages").glob("*_list_*")} == set(TRUTH)


def test_nine_in_ten_captured_list_pages_are_proposed_as_they_are(shared: Path) -> None:
    wrong = {}
    for name, (path, platform, count, address, day) in TRUTH.items():
        found = guess(captured(shared, name), HOME + path)
        first = found.rows[0]
        said = (
            found.platform,
            len(found.rows),
            first.address.removeprefix(HOME),
            first.listed.isoformat() if first.listed else "",
        )
        source_from(found, "new")  # what would be written can be read
        if said != (platform, count, address, day):
            wrong[name] = said
    assert wrong.keys() == MISSED
    assert len(wrong) * 10 <= len(TRUTH)


def test_the_documentation_says_how_many_are_right() -> None:
    page = (Path(__file__).parent.parent / "docs" / "sources.md").read_text(encoding="utf-8")
    sites = {name.partition("_")[0] for name in TRUTH}
    assert f"On {len(TRUTH)} captured list pages of {len(sites)} sites" in page
    assert f"are right on {len(TRUTH) - len(MISSED)} of {len(TRUTH)}" in page


def test_what_is_missed_is_named_as_undecided(shared: Path) -> None:
    found = guess(captured(shared, "cnta_list_1.html"), f"{HOME}/zdgz/")
    assert any("another list of 9 dated rows" in note for note in found.undecided)


@pytest.mark.parametrize(("slug", "page"), LISTS, ids=lambda one: getattr(one, "file", one))
def test_the_lists_of_the_sources_that_ship_are_proposed_as_their_files_say(
    slug: str, page: ListTable
) -> None:
    source, kept = SOURCES[slug], read_expectations(SHIPPED / slug)
    text = decode(kept.body(page, source))
    channel = source.channel(page.channel)
    column = next((one for one in kept.columns if one.channel == page.channel), None)
    asked = (
        ColumnPage(decode(kept.body(column, source)), source.home + channel.path, "")
        if column
        else None
    )
    found = guess(text, source.home + page.path, asked)
    # Further pages can be bare fragments, without a mark of their platform.
    assert found.platform == channel.platform or page.page > 1
    rows = [
        (
            row.address.removeprefix(source.home),
            row.title,
            row.listed.isoformat() if row.listed else "",
        )
        for row in found.rows
    ]
    assert rows == list(page.rows)


def layouts_of(slug: str) -> list[LayoutGuess]:
    """What is guessed of a source's kept details, read as if it had no layouts."""
    bare = replace(SOURCES[slug], layouts=())
    kept = read_expectations(SHIPPED / slug)
    pages = []
    for detail in kept.details:
        text, address = decode(kept.body(detail, bare)), bare.home + detail.path
        pages.append((text, read_page(text, PageContext(bare, address, address))))
    found = guess_layouts(pages)
    assert sum(layout.pages for layout in found) == len(pages)
    return found


@pytest.mark.parametrize("slug", SOURCES)
def test_the_text_of_their_detail_pages_is_found_in_a_named_element(slug: str) -> None:
    assert all(layout.body for layout in layouts_of(slug))


def test_titles_and_dates_of_most_detail_pages_are_found_in_a_named_element() -> None:
    found = [layout for slug in SOURCES for layout in layouts_of(slug)]
    assert sum(layout.title is not None for layout in found) >= 0.7 * len(found)
    assert sum(layout.published is not None for layout in found) >= 0.6 * len(found)


def test_an_answer_of_a_list_service_without_its_column_page_leaves_the_path_open() -> None:
    kept = read_expectations(SHIPPED / "mohurd")
    text = decode((SHIPPED / "mohurd" / "gzdt.json").read_bytes())
    found = guess(text, f"{HOME}{kept.lists[0].path}")
    assert (found.platform, len(found.rows)) == ("jpaas", 3)
    assert any(note.startswith("path: the column page") for note in found.undecided)


def context(path: str = "/xwfb/") -> PageContext:
    site = site_of(HOME + path)
    return PageContext(site, HOME + path, HOME + path)


def row(number: int, day: str = "2026-05-13", tag: str = "li") -> str:
    link = f'<a href="/xwfb/202605/t20260513_100000{number}.html">样例新闻的第{number}条</a>'
    return f"<{tag}>{link}<span>{day}</span></{tag}>"


def page(rows: str, more: str = "") -> str:
    return (
        "<html><head><title>样例栏目_样例部</title></head><body>"
        '<ul class="nav"><li><a href="/a/">首页</a></li><li><a href="/b/">新闻发布</a></li></ul>'
        f'<ul class="list">{rows}</ul>{more}</body></html>'
    )


def test_rows_are_named_by_their_containers_class() -> None:
    found = guess_rows(page(row(1) + row(2)), context())
    assert found
    assert (found.selector, len(found.rows)) == ("ul.list > li", 2)


def test_rows_of_different_classes_are_one_list() -> None:
    rows = row(1).replace("<li>", '<li class="odd">') + row(2).replace("<li>", '<li class="last">')
    found = guess_rows(page(rows), context())
    assert found
    assert len(found.rows) == 2


def test_a_list_in_several_blocks_is_one_list() -> None:
    classes = {1: "list last", 3: "list", 5: "list block5"}
    blocks = "".join(f'<ul class="{it}">{row(n)}{row(n + 1)}</ul>' for n, it in classes.items())
    found = guess_rows(page("", blocks), context())
    assert found
    assert (found.selector, len(found.rows)) == ("ul.list > li", 6)


def test_the_longer_dated_list_wins_over_a_shorter_one_which_is_named() -> None:
    side = f'<div class="hot"><p>{row(7, tag="b")}</p><p>{row(8, tag="b")}</p></div>'
    found = guess_rows(page(row(1) + row(2) + row(3), side), context())
    assert found
    assert (found.selector, len(found.rows)) == ("ul.list > li", 3)
    assert [count for _, count in found.others] == [2]


def test_links_without_dates_lose_against_a_few_with_dates() -> None:
    undated = "".join(
        f'<dd><a href="/zl/202605/t20260501_90000{n}.html">样例专栏的第{n}篇文章</a></dd>'
        for n in range(9)
    )
    rows = row(1) + row(2) + row(3) + row(4) + row(5) + row(6) + row(7)
    found = guess_rows(page(rows, f"<dl>{undated}</dl>"), context())
    assert found
    assert found.selector == "ul.list > li"


@pytest.mark.parametrize(
    ("more", "platform", "keys"),
    [
        ('<a href="index_2.html">下一页</a>', "numbered", {"path": "/xwfb/index.html"}),
        ('<a href="index_1.html">2</a>', "numbered", {"path": "/xwfb/index.html", "offset": 1}),
        (
            '<a href="/xwfb/list2.htm">2</a>',
            "trs",
            {"path": "/xwfb/index.html", "more": "/xwfb/list{page}.htm", "offset": 0},
        ),
        (
            "<script>createPageHTML(9, 0, 'index', 'shtml');</script>",
            "trs",
            {"path": "/xwfb/index.shtml"},
        ),
        (
            "<script>createPageHTML(9, 0, 'list_7', 'shtml');</script>",
            "trs",
            {"path": "/xwfb/list_7.shtml"},
        ),
        ("<script>maxPageNum = 9; purl='index_7'</script>", "countdown", {"path": "/xwfb/"}),
        ('<a href="home_1.htm">2</a>', "govcn", {"path": "/xwfb/"}),
        ("<script>location='index_'+n+'.html'</script>", "numbered", {"path": "/xwfb/index.html"}),
        ("", "trs", {"path": "/xwfb/index.html"}),
    ],
)
def test_how_a_list_is_paged(more: str, platform: str, keys: dict[str, str | int]) -> None:
    found = guess(page(row(1) + row(2), more), f"{HOME}/xwfb/")
    assert found.platform == platform
    names = ("path", "more", "offset")
    assert {name: value for name in names if (value := found.key(name)) is not None} == keys
    source_from(found, "new")
    assert any(note.startswith("how the list goes on") for note in found.undecided) is (more == "")


def test_the_name_of_a_pagers_file_that_is_not_the_lists_own() -> None:
    more = "<script>createPageHTML(9, 0, 'more', 'html');</script>"
    found = guess(page(row(1) + row(2), more), f"{HOME}/xwfb/index.html")
    assert (found.key("path"), found.key("more")) == ("/xwfb/index.html", "/xwfb/more_{page}.html")


def test_the_records_and_the_query_of_an_old_hanweb_column() -> None:
    record = row(1).replace("/xwfb/202605/t20260513_1000001", "/art/2026/5/13/art_7_1000001")
    column = page(
        "",
        "<script>$.ajax({url:'/module/web/jpage/dataproxy.jsp', data:{col:1, webid:'3', "
        "columnid:\"314\", unitid:'4'}})</script>"
        f"<script type='text/xml'><datastore><record><![CDATA[{record}]]></record></datastore>"
        "</script>",
    )
    found = guess(column, f"{HOME}/col/col314/index.html")
    assert (found.platform, found.key("path")) == ("jcms", "/module/web/jpage/dataproxy.jsp")
    assert found.key("query") == "col=1&webid=3&columnid=314&unitid=4"
    assert [one.title for one in found.rows] == ["样例新闻的第1条"]


def test_what_the_page_says_of_the_site() -> None:
    metas = (
        '<meta name="SiteName" content="样例厅"><meta name="ColumnName" content="样例动态">'
        '<meta name="SiteIDCode" content="2300000001">'
    )
    found = guess(metas + page(row(1) + row(2, "2026-05-03")), f"{HOME}/xwfb/")
    source = source_from(found, "new")
    assert (source.name, source.channels[0].name, source.channels[0].slug) == (
        "样例厅", "样例动态", "xwfb",
    )  # fmt: skip
    assert (source.about.kind, source.about.province) == ("provincial", "230000")
    assert (source.about.body_code, source.rhythm_days) == ("2300000001", 20)
    assert source.enabled is False
    assert not any(note.startswith("kind") for note in found.undecided)


@pytest.mark.parametrize(
    ("days", "rhythm"),
    [
        (("2026-05-13", "2026-05-12"), 10),
        (("2026-05-13", "2026-05-03"), 20),
        (("2026-05-13", "2006-05-13"), 3660),
        (("2026-05-13", "2026-05-13"), 30),
    ],
)
def test_how_long_silence_is_normal(days: tuple[str, str], rhythm: int) -> None:
    rows = "".join(row(number, day) for number, day in enumerate(days))
    source = source_from(guess(page(rows), f"{HOME}/xwfb/"), "new")
    assert source.rhythm_days == rhythm


def test_quotes_and_control_characters_in_a_name_make_no_broken_file() -> None:
    meta = '<meta name="SiteName" content="样例&quot;\\部\x07\n#x]">'
    source = source_from(guess(meta + page(row(1)), f"{HOME}/xwfb/"), "new")
    assert source.name.startswith('样例"\\部')


def test_the_shape_of_json() -> None:
    text = (
        '{"data":{"n":1,"total":40,"rows":[{"id":7,"docTitle":"样例一","made":"2026-01-02",'
        '"publishDate":"2026-05-13 10:00","url":"/a/7.html"},{"id":8,"docTitle":"样例二",'
        '"made":"2026-01-02","publishDate":"2026-05-12 10:00","url":"/a/8.html"}]}}'
    )
    shape = guess_shape(text)
    assert shape
    assert (shape.items, shape.title, shape.date) == ("data.rows", "docTitle", "publishDate")
    assert (shape.address, shape.total) == ("url", "data.total")
    found = guess(text, f"{HOME}/list?page=1&n=2")
    assert found.key("more") == "/list?page={page}&n=2"
    assert len(found.rows) == 2


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"a":[{"b":1}]}', "[" * 5000, '{"rows":[{"title":"甲"}]}']
)
def test_json_without_a_list(text: str) -> None:
    assert guess_shape(text) is None
    with pytest.raises(Unreadable, match="no list of bulletins"):
        guess(text, f"{HOME}/list.json")


@pytest.mark.parametrize("text", ["", "<p>样例</p>", page(""), "<ul></ul>"])
def test_a_page_without_a_list(text: str) -> None:
    with pytest.raises(Unreadable, match="no list of bulletins") as caught:
        guess(text, f"{HOME}/xwfb/")
    assert caught.value.kind == "list-empty"


@pytest.mark.parametrize(
    "url",
    ["", "样例", "www.sample.example/xwfb/", "ftp://a.example/", "https://", "https://[::1",
     "https://a.example:99999/", "https://a.example:0/", "https://a.example/x y"],
)  # fmt: skip
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(UsageError, match="is not an address"):
        site_of(url)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("www.sample.gov.cn", "sample"),
        ("zjt.sample.gov.cn", "sample-zjt"),
        ("sample.example", "sample"),
        ("127.0.0.1", "site-1"),
    ],
)
def test_the_name_made_of_a_host(host: str, name: str) -> None:
    assert name_of(host) == name


def test_a_site_has_its_host_and_the_one_without_www() -> None:
    assert site_of(f"{HOME}/").hosts == ("www.sample.example", "sample.example")
    assert site_of("http://127.0.0.1:8000/a").hosts == ("127.0.0.1",)
    assert site_of("http://127.0.0.1:8000/a").home == "http://127.0.0.1:8000"
