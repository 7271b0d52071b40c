"""Platforms: which address each asks for next, and what their list pages say of themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from archive.errors import Unreadable
from archive.parse.json_list import JsonShape, read_json_list
from archive.parse.pagers import Pager, read_pager
from archive.parse.platform_marks import platform_of
from archive.parse.written_html import written_by_scripts
from archive.source_files import read_source
from archive.sources import Channel, Source
from archive.storage.ingest import Outcome
from crawler.platforms import PLATFORMS
from crawler.platforms.step import Step
from crawler.sources import KEYS
from tests.test_list_page import context

HOME = "https://www.sample.example"


def source_of(folder: Path, channel: str) -> Source:
    """A source with one channel, of which these lines say the platform's keys."""
    path = folder / "sample.toml"
    head = f'name = "样例部"\nhome = "{HOME}"\nrhythm_days = 7\n[channels.news]\nname = "新闻"\n'
    path.write_text(head + channel, encoding="utf-8")
    return read_source(path, KEYS)


def addresses(source: Source, count: int, pager: Pager | None = None) -> list[str | None]:
    """What is asked for the first pages of a list, None from where there are no more."""
    channel: Channel = source.channel("news")
    platform = PLATFORMS[channel.platform]
    first = replace(platform.first(source, channel), pager=pager)
    steps: list[Step | None] = [first]
    for number in range(1, count):
        before = replace(first, number=number)
        steps.append(platform.after(before, source, channel, Outcome("list")))
    assert all(step.number == n for n, step in enumerate(steps, 1) if step)
    return [step.address.removeprefix(HOME) if step else None for step in steps]


PAGED: dict[str, tuple[str, Pager | None, list[str | None]]] = {
    "trs": (
        'platform = "trs"\npath = "/gk/index.shtml"',
        None,
        ["/gk/index.shtml", "/gk/index_1.shtml", "/gk/index_2.shtml"],
    ),
    "trs without an offset": (
        'platform = "trs"\npath = "/gk/index.htm"\noffset = 0',
        None,
        ["/gk/index.htm", "/gk/index_2.htm", "/gk/index_3.htm"],
    ),
    "trs with names of its own": (
        'platform = "trs"\npath = "/gk/index.html"\noffset = 0\nmore = "/gk/11040-{page}.html"',
        None,
        ["/gk/index.html", "/gk/11040-2.html", "/gk/11040-3.html"],
    ),
    "numbered": (
        'platform = "numbered"\npath = "/gk/index.html"\noffset = 1',
        None,
        ["/gk/index.html", "/gk/index_1.html", "/gk/index_2.html"],
    ),
    "govcn": (
        'platform = "govcn"\npath = "/lianbo/bumen/home.htm"',
        None,
        ["/lianbo/bumen/home.htm", "/lianbo/bumen/home_1.htm", "/lianbo/bumen/home_2.htm"],
    ),
    "govcn by its folder": (
        'platform = "govcn"\npath = "/lianbo/difang/"',
        None,
        ["/lianbo/difang/", "/lianbo/difang/home_1.htm"],
    ),
    "countdown": (
        'platform = "countdown"\npath = "/n1/n2/index.html"',
        Pager(3, stem="../../n1/n2/index_77"),
        ["/n1/n2/index.html", "/n1/n2/index_77_2.html", "/n1/n2/index_77_1.html", None],
    ),
    "countdown of one page": (
        'platform = "countdown"\npath = "/n1/index.html"',
        Pager(1),
        ["/n1/index.html", None],
    ),
    "jcms": (
        'platform = "jcms"\npath = "/module/web/jpage/dataproxy.jsp"\nquery = "col=1&columnid=3"'
        "\nsize = 25",
        None,
        [
            "/module/web/jpage/dataproxy.jsp?startrecord=1&endrecord=25&perpage=25&col=1&columnid=3",
            "/module/web/jpage/dataproxy.jsp?startrecord=26&endrecord=50&perpage=25&col=1&columnid=3",
        ],
    ),
    "json": (
        'platform = "json"\npath = "/data/i=1,n=18.json"\nmore = "/data/i={page},n=18.json"\n'
        'items = "data.rows"\ntitle = "t"\naddress = "u"\ndate = "d"',
        None,
        ["/data/i=1,n=18.json", "/data/i=2,n=18.json"],
    ),
    "json of one file": (
        'platform = "json"\npath = "/ALL.json"\nitems = "."\n'
        'title = "t"\naddress = "u"\ndate = "d"',
        None,
        ["/ALL.json", None],
    ),
}


@pytest.mark.parametrize("name", PAGED)
def test_the_addresses_of_a_list(tmp_path: Path, name: str) -> None:
    channel, pager, expected = PAGED[name]
    assert addresses(source_of(tmp_path, channel), len(expected), pager) == expected


@pytest.mark.parametrize(
    ("pager", "size"), [(None, 24), (Pager(9), 24), (Pager(9, 1, 15), 15)], ids=str
)
def test_a_jpaas_service_is_asked_for_pages_of_its_own_size(
    tmp_path: Path, pager: Pager | None, size: int
) -> None:
    """Another size than that of the first page, which is not told, would leave rows out."""
    source = source_of(tmp_path, 'platform = "jpaas"\npath = "/xw/"\nsize = 24')
    step = Step(f"{HOME}/unit?a=b", "list", 1, pager)
    following = PLATFORMS["jpaas"].after(step, source, source.channels[0], Outcome("list"))
    assert following is not None
    assert following.address.endswith(f"%7B%22pageNo%22%3A2%2C%22pageSize%22%3A{size}%7D")


@pytest.mark.parametrize("pager", [None, Pager(4)])
def test_a_countdown_without_its_number_is_said(tmp_path: Path, pager: Pager | None) -> None:
    source = source_of(tmp_path, 'platform = "countdown"\npath = "/n1/index.html"')
    with pytest.raises(Unreadable, match="maxPageNum") as raised:
        addresses(source, 2, pager)
    assert raised.value.kind == "list-pager"


PAGERS: dict[str, tuple[str, Pager | None]] = {
    "trs": (
        '<script>createPageHTML(9, 0, "index", "html");</script>',
        Pager(9, 1, None, "index", "html"),
    ),
    "trs with a box": (
        "createPageHTML('page_div',5, 2,'fg','shtml',89)",
        Pager(5, 2, None, "fg", "shtml"),
    ),
    "call behind a comment": (
        '//createPageHTML(31, 0, "index", "shtml");\nvar currentPage = 2;\n'
        "var countPage = 31//共多少页",
        Pager(31, 3),
    ),
    "a call in the line of an address": (
        '<a href="https://x/">甲</a><script>createPageHTML(2, 1, "index", "htm")</script>',
        Pager(2, 2, None, "index", "htm"),
    ),
    "a commented call alone": ('//createPageHTML(31, 0, "index", "shtml");', None),
    "countdown": (
        'var purl="../../n1/index_77"\nvar maxPageNum=0;\nmaxPageNum = 16;',
        Pager(16, stem="../../n1/index_77", extension="html"),
    ),
    "layui": (
        'oLayPageRender("x", {rows:"20", count:"585", pageNo:"2"})',
        Pager(30, 2, 20),
    ),
    "jpaas attributes in JSON": (
        '{"success":true,"data":{"html":"<div class=\\"pagination\\" count=\\"48\\" rows=\\"24\\" '
        'pageNo=\\"1\\"></div>"}}',
        Pager(2, 1, 24),
    ),
    "no rows a page": ('oLayPageRender("x", {rows:"0", count:"585"})', None),
    "jcms": ("<datastore><totalrecord>756</totalrecord><totalpage>31</totalpage>", Pager(31)),
    "govcn": ('共<span class="red">40</span>页', Pager(40)),
    "two numbers in red": ('<span class="red">1</span><span class="red">40</span>', None),
    "no pages": ('createPageHTML(0, 0, "index", "html")', None),
    "nothing": ("<ul><li>甲</li></ul>", None),
}


@pytest.mark.parametrize("name", PAGERS)
def test_what_a_list_says_of_itself(name: str) -> None:
    text, expected = PAGERS[name]
    assert read_pager(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<script url=/u queryData=\"{'tagId':'内容1'}\"></script>", "jpaas"),
        ("<datastore><recordset/></datastore>", "jcms"),
        ("proxyUrl:'/module/web/jpage/dataproxy.jsp'", "jcms"),
        ("var maxPageNum = 16;", "countdown"),
        ("createPageHTML(9, 0, 'index', 'html')", "trs"),
        ("var countPage = 9", "trs"),
        ("<a href=home_1.htm>2</a>", "govcn"),
        (' {"data":{"rows":[]}}', "json"),
        ("[]", "json"),
        ("<ul><li>甲</li></ul>", None),
    ],
)
def test_marks_of_platforms(text: str, expected: str | None) -> None:
    assert platform_of(text) == expected
    assert expected is None or expected in PLATFORMS


SHAPE = JsonShape("data.rows|data.lists", "docSubtitle", "/doc/{docId}.json", "day", "data.total")


def json_rows(text: str, shape: JsonShape = SHAPE) -> list[tuple[str, str, str | None]]:
    rows, _ = read_json_list(text, shape, context("/"))
    home = context("/").source.home
    return [
        (r.address.removeprefix(home), r.title, r.listed.isoformat() if r.listed else None)
        for r in rows
    ]


def test_rows_that_are_json() -> None:
    text = (
        '{"data":{"total":37,"lists":[{"docId":12,"docSubtitle":"甲<em>乙</em>","day":'
        '"2026-04-21 15:30:00"},{"docId":"13","docSubtitle":" 丙 &amp; 丁","day":1777046973000},'
        '{"docId":"13","docSubtitle":"戊","day":null},{"docId":"14","docSubtitle":null,"day":""}]}}'
    )
    assert json_rows(text) == [
        ("/doc/12.json", "甲乙", "2026-04-21"),
        # One in the morning there is the day after the one in Greenwich.
        ("/doc/13.json", "丙 & 丁", "2026-04-25"),
    ]
    assert read_json_list(text, SHAPE, context("/"))[1] == Pager(10)


def test_an_array_by_itself_with_whole_addresses() -> None:
    shape = JsonShape(".", "TITLE", "URL", "DAY")
    home = context("/").source.home
    text = (
        f'[{{"TITLE":"甲","URL":"{home}/a\\n.htm","DAY":"2026-09-11"}},'
        '{"TITLE":"乙","URL":"https://elsewhere.example/b.htm","DAY":"2026-09-11"},'
        '{"TITLE":"丙","URL":null,"DAY":""}]'
    )
    assert json_rows(text, shape) == [("/a.htm", "甲", "2026-09-11")]
    assert read_json_list(text, shape, context("/"))[1] is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<html>", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        (
            '{"rptCode":200,"data":{"list":[]}}',
            "data.rows|data.lists, but rptCode, data, data.list",
        ),
        ('{"data":null}', "has no array at"),
        ("3", "but no keys"),
        (
            '{"data":{"rows":[{"id":1,"title":"甲"}]}}',
            "without day, docId, docSubtitle; they have id",
        ),
        ('{"data":{"rows":["甲"]}}', "they have no keys"),
    ],
)
def test_json_of_another_shape_is_refused_in_a_clear_line(text: str, said: str) -> None:
    with pytest.raises(Unreadable) as raised:
        json_rows(text)
    assert raised.value.kind == "list-refused"
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "document.write('<li>甲</li>');document.writeln(\"<li>乙</li>\")",
            "<li>甲</li><li>乙</li>",
        ),
        ("var t = '甲\\'\\u4e59';\ndocument.write('<li>' + t + '</li>')", "<li>甲'乙</li>"),
        ("document.write('<li>' + f(x) + '</li>')", ""),
        ("document.write('<li>' + unknown + '</li>')", "<li></li>"),
        ("write('<li>甲</li>')", ""),
    ],
)
def test_what_scripts_write(script: str, expected: str) -> None:
    assert written_by_scripts(f"<ul><script>{script}</script></ul>") == expected
    assert written_by_scripts(f"<ul>{script}</ul>") == ""
