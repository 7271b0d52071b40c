"""Each platform's lists from end to end: kept pages checked, a replica of them crawled.

The sources here are made up; those that ship have the same done to them in test_every_source.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crawler.check_source import compare, problems
from crawler.page_expectations import read_expectations
from tests.crawling import rows
from tests.replica import Crawled

SOURCE = """
name = "样例部"
home = "https://{slug}.example"
rhythm_days = 7
[channels.news]
name = "新闻"
{keys}
[[layouts]]
name = "now"
body = ["#zoom"]
"""
DETAIL = """<html><head><meta charset="{charset}"><title>{title}</title>
<meta name="ArticleTitle" content="{title}"><meta name="PubDate" content="2026-03-0{day} 09:00">
</head><body><h1>{title}</h1><div id="zoom"><p>样例{day}：甲地的水渠修好了，两岸的田都浇上了水。</p>
<p>下一步把闸门也换掉。</p></div></body></html>
"""
ROW = '<li><span>{date}</span><a href="{href}" title="">{title}</a></li>'
TITLES = ("样例甲地修好水渠", "样例乙地修好石桥")


def html_rows(hrefs: tuple[str, str], date: str = "2026-03-0{}") -> str:
    return "".join(
        ROW.format(date=date.format(n), href=href, title=title)
        for n, href, title in zip((2, 1), hrefs, TITLES, strict=True)
    )


# For each platform: the keys of its channel, the path asked for, its list page and the path of the
# second one, and the addresses of two rows.
TRS = ("/gk/202603/t20260302_100001.shtml", "/gk/202603/t20260301_100002.shtml")
HREFS = tuple(f".{path.removeprefix('/gk')}" for path in TRS)
SASAC = ("/n1/n2/c1000001/content.html", "/n1/n2/c1000002/content.html")
GOVCN = ("/lianbo/202603/content_1000001.htm", "/lianbo/202603/content_1000002.htm")
ART = ("/art/2026/3/2/art_1_1000001.html", "/art/2026/3/1/art_1_1000002.html")
DOC = ("/doc/data_docId=1000001.json", "/doc/data_docId=1000002.json")
PROXY = "/module/web/jpage/dataproxy.jsp"
JSON_KEYS = 'title = "docSubtitle"\ndate = "day"\n'

CASES: dict[str, tuple[str, str, str, str, tuple[str, str]]] = {
    "numbered": (
        'platform = "numbered"\npath = "/gk/index.html"',
        "/gk/index.html",
        f"<ul>{html_rows(TRS)}</ul>",
        "/gk/index_2.html",
        TRS,
    ),
    "trs": (
        'platform = "trs"\npath = "/gk/index.shtml"',
        "/gk/index.shtml",
        f"<ul>{html_rows((HREFS[0], HREFS[1]))}</ul><script>\n//createPageHTML(31, 0, 'index', "
        "'shtml');\nvar currentPage = 0;\nvar countPage = 31//共多少页\n</script>",
        "/gk/index_1.shtml",
        TRS,
    ),
    "trs-gbk": (
        'platform = "trs"\npath = "/gk/fg.html"\noffset = 0',
        "/gk/fg.html",
        f"<ul>{html_rows(TRS)}</ul><script>createPageHTML('page_div',5, 1,'fg','html',89)</script>",
        "/gk/fg_2.html",
        TRS,
    ),
    "written": (
        'platform = "trs"\npath = "/gk/index.html"',
        "/gk/index.html",
        "<ul>"
        + "".join(
            f"<script>document.write({json.dumps(row, ensure_ascii=False)})</script>"
            for row in (html_rows(TRS).replace("</li><li>", "</li>\n<li>")).split("\n")
        )
        + "</ul>",
        "/gk/index_1.html",
        TRS,
    ),
    "countdown": (
        'platform = "countdown"\npath = "/n1/n2/index.html"',
        "/n1/n2/index.html",
        f"<ul>{html_rows(SASAC, '[2026-03-0{}]')}</ul><script>var maxPageNum=0;\n"
        'var purl="../../n1/n2/index_2600001"\nmaxPageNum = 16;</script>',
        "/n1/n2/index_2600001_15.html",
        SASAC,
    ),
    "govcn": (
        'platform = "govcn"\npath = "/lianbo/home.htm"\nrows = "h4"',
        "/lianbo/home.htm",
        html_rows(("{home}" + GOVCN[0], "{home}" + GOVCN[1]))
        .replace("<li>", "<h4>")
        .replace("</li>", "</h4>")
        + '共<span class="red">40</span>页',
        "/lianbo/home_1.htm",
        GOVCN,
    ),
    "jcms": (
        f'platform = "jcms"\npath = "{PROXY}"\nquery = "col=1&columnid=3"\nsize = 2',
        f"{PROXY}?startrecord=1&endrecord=2&perpage=2&col=1&columnid=3",
        "<datastore><totalrecord>756</totalrecord><totalpage>378</totalpage><recordset>"
        + "".join(
            f"<record><![CDATA[{row}</li>]]></record>"
            for row in html_rows(ART).split("</li>")
            if row
        )
        + "</recordset></datastore>",
        f"{PROXY}?startrecord=3&endrecord=4&perpage=2&col=1&columnid=3",
        ART,
    ),
    "json": (
        'platform = "json"\npath = "/cn/data_pageIndex=1,pageSize=2.json"\n'
        'more = "/cn/data_pageIndex={page},pageSize=2.json"\nitems = "data.rows|data.lists"\n'
        f'{JSON_KEYS}address = "/doc/data_docId={{docId}}.json"\ntotal = "data.total"',
        "/cn/data_pageIndex=1,pageSize=2.json",
        json.dumps(
            {
                "data": {
                    "total": 16255,
                    "lists": [
                        {"docId": f"100000{n}", "docSubtitle": title, "day": f"2026-03-0{3 - n}"}
                        for n, title in enumerate(TITLES, start=1)
                    ],
                }
            },
            ensure_ascii=False,
        ),
        "/cn/data_pageIndex=2,pageSize=2.json",
        DOC,
    ),
    "one-file": (
        f'platform = "json"\npath = "/ALL.json"\nitems = "."\n{JSON_KEYS}address = "URL"',
        "/ALL.json",
        json.dumps(
            [
                {"URL": "{home}" + path, "docSubtitle": title, "day": f"2026-03-0{2 - n}"}
                for n, (path, title) in enumerate(zip(GOVCN, TITLES, strict=True))
            ],
            ensure_ascii=False,
        ),
        "",
        GOVCN,
    ),
}


def keep(folder: Path, slug: str) -> None:
    """Write a source and the pages that are kept of it."""
    keys, path, page, second, addresses = CASES[slug]
    source = SOURCE.replace("{slug}", slug).replace("{keys}", keys)
    if slug == "one-file":
        # It is crawled by its name all the same.
        source = f'enabled = false\nreason = "样例"\n{source}'
    (folder / f"{slug}.toml").write_text(source, encoding="utf-8")
    kept = folder / slug
    kept.mkdir()
    charset = "gbk" if slug == "trs-gbk" else "utf-8"
    (kept / "list").write_bytes(page.encode(charset))
    (kept / "blocked").write_text("样例", encoding="utf-8")
    headers = {"content-type": f"text/html; charset={charset}"}
    table = f"headers = {{ content-type = {json.dumps(headers['content-type'])} }}"
    listed = [[a, t, f"2026-03-0{d}"] for a, t, d in zip(addresses, TITLES, (2, 1), strict=True)]
    lines = ['reviewed = "2026-11-25 by the tests"', "[[lists]]", 'channel = "news"']
    lines += [
        'file = "list"',
        table,
        f"path = {json.dumps(path)}",
    ]
    lines += [f"second = {json.dumps(second)}"] if second else []
    lines += [f"rows = {json.dumps(listed, ensure_ascii=False)}"]
    lines += ["[[errors]]", 'file = "blocked"', "status = 403", 'kind = "http-403"']
    for number, (address, title, day) in enumerate(zip(addresses, TITLES, (2, 1), strict=True)):
        detail = DETAIL.format(charset=charset, title=title, day=day)
        (kept / f"detail-{number}").write_bytes(detail.encode(charset))
        lines += ["[[details]]", f'file = "detail-{number}"', table, f'path = "{address}"']
        lines += [f'title = "{title}"', f'published = "2026-03-0{day}"']
        lines += [f'published_at = "2026-03-0{day}T01:00:00Z"', 'last = "下一步把闸门也换掉。"']
        lines += [f'first = "样例{day}：甲地的水渠修好了，两岸的田都浇上了水。"']
    (kept / "expected.toml").write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    folder = tmp_path_factory.mktemp("made")
    for slug in CASES:
        keep(folder, slug)
    return Crawled(tmp_path_factory.mktemp("replicas"), folder, folder)


@pytest.mark.parametrize("slug", CASES)
def test_pages_of_every_platform_are_read_as_expected(slug: str, crawled: Crawled) -> None:
    replica = crawled.replicas[slug]
    lines = compare(replica.source, replica.kept)
    assert [line for line in lines if line.differs] == []
    assert problems(lines, replica.source, read_expectations(replica.kept.folder)) == ""


@pytest.mark.parametrize("slug", CASES)
def test_every_platform_is_walked_to_the_end_of_its_list(slug: str, crawled: Crawled) -> None:
    replica = crawled.replicas[slug]
    said = crawled.first.stderr + crawled.second.stderr
    of = f"WHERE source = '{slug}'"
    assert rows(crawled.data, f"SELECT kind, message FROM incidents {of}") == [], said
    kept = {str(url) for (url,) in rows(crawled.data, f"SELECT url FROM bulletins {of}")}
    assert kept == {replica.source.home + path for path in replica.pages["news"]}
    assert len(kept) == (2 if slug == "one-file" else 6)
    assert crawled.statuses_of_the_second_night(slug) == dict.fromkeys(replica.pages["news"], 304)
