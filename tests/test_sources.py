"""Source files: read whole, refused with a reason, and rules that hold for every one there is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import source_files, toml_tables
from archive.errors import SourceFileError, UsageError
from archive.source_files import own_sources
from archive.sources import About, PageContext, Source, date_in_address, document_id
from archive.storage.ingest import bulletin_slug
from crawler.crawl import CrawlOptions, choose, crawl
from crawler.platforms import PLATFORMS
from crawler.sources import BUNDLED, KEYS, load_sources
from tests.crawling import run, switch_off

ROOT = Path(__file__).parent.parent
GOOD = """
name = "样例部"
home = "https://www.sample.example/"
rhythm_days = 7
[channels.news]
name = "新闻"
path = "/news/index.html"
platform = "numbered"
"""
LAYOUT = """
[[layouts]]
name = "a"
body = ["p"]
"""
SLUG = "lower-case letters from a to z, digits, - and _"
HEX = "0d144cfa624e415b932c0f5950c2105a"
UUID = "01234567-89ab-cdef-0123-456789abcdef"


def write(folder: Path, text: str, name: str = "sample") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def read_source(path: Path) -> Source:
    return source_files.read_source(path, KEYS)


def read_or_refusal(path: Path) -> Source | str:
    """What a file says, or why it is refused; no other exception is let through."""
    try:
        return read_source(path)
    except SourceFileError as error:
        return str(error)


def top(line: str) -> str:
    """The good file with one more line in front of its tables."""
    return f"{line}\n{GOOD}"


@pytest.mark.parametrize("folder", [BUNDLED, ROOT / "sample" / "sources"])
def test_every_source_keeps_the_rules(folder: Path) -> None:
    files = sorted(folder.glob("*.toml"))
    assert files
    for path in files:
        source = read_source(path)
        assert source.rhythm_days <= 60
        # A site that is asked without encryption has the reason above its address.
        reasoned = re.search(r"(?m)^# .+\nhome = \"http://", path.read_text(encoding="utf-8"))
        assert source.home.startswith("https://") or reasoned
        assert any(not channel.retired for channel in source.channels)
        assert {channel.platform for channel in source.channels} <= set(PLATFORMS)
        about = source.about
        assert folder != BUNDLED or (about.kind and about.verified and about.verified_on)
        assert source.enabled or about.reason


def test_a_byte_order_mark_in_front_of_a_file_is_no_error(tmp_path: Path) -> None:
    plain = read_source(write(tmp_path, GOOD))
    assert read_source(write(tmp_path, "\ufeff" + GOOD)) == plain


def test_ten_lines_make_a_source(tmp_path: Path) -> None:
    source = read_source(write(tmp_path, GOOD))
    assert (source.slug, source.home, source.delay) == ("sample", "https://www.sample.example", 2)
    assert source.hosts == ("www.sample.example",)
    assert source.channel("news").rows == "li"
    assert source.channel("news").options == {}


def test_every_key_is_read(tmp_path: Path) -> None:
    source = read_source(
        write(
            tmp_path,
            """
name = "样例部"
home = "http://www.sample.example:8080"
hosts = ["sample.example", "住建部.中国"]
delay = 1
rhythm_days = 7
nightly_pages = 20
enabled = false
reason = "样例"
kind = "provincial"
province = "230000"
body_code = "2300000001"
contact = "/lxwm/"
verified = "guessed"
verified_on = 2026-11-01
[channels.news]
name = "新闻"
path = "/news/index.html"
platform = "numbered"
rows = "tr:has(td)"
retired = true
offset = 1
[channels.more]
name = "更多"
path = "/more/"
platform = "jpaas"
tag = "栏目-list"
[[layouts]]
name = "a"
title = ["td.tit", ".tit"]
published = ["#date"]
body = ["table[bgcolor='#ffffff']"]
attachments = ["div.files"]
since = 2020-01-01
until = 2021-12-31
""",
        )
    )
    assert source.hosts == ("www.sample.example", "sample.example", "住建部.中国")
    assert (source.delay, source.nightly_pages, source.enabled) == (1.0, 20, False)
    assert source.about == About(
        "provincial", "230000", "2300000001", "/lxwm/", "guessed", date(2026, 11, 1), "样例"
    )
    news, more = source.channels
    assert (news.rows, news.retired, news.options) == ("tr:has(td)", True, {"offset": "1"})
    assert more.options == {"size": "20", "tag": "栏目-list"}
    [layout] = source.layouts
    assert (layout.title, layout.published) == (("td.tit", ".tit"), ("#date",))
    assert (layout.body, layout.attachments) == (("table[bgcolor='#ffffff']",), ("div.files",))
    assert (layout.since, layout.until) == (date(2020, 1, 1), date(2021, 12, 31))


# What is written, and what the message has to say of it: where, which key, and what is allowed.
BAD: dict[str, tuple[str, str]] = {
    "no value": ("name = ", "is not TOML: Invalid value"),
    "bad date": (top("hosts = 2024-13-41"), "is not TOML: "),
    "long number": (top("delay = " + "9" * 5000), "is not TOML: "),
    "deep": (top("hosts = " + "[" * 2000), "is nested too deep"),
    "deep key": (top("enabled." + ".".join("a" * 9000) + " = 1"), "is nested too deep"),
    "missing": (
        GOOD.replace("rhythm_days = 7", ""),
        "rhythm_days is missing: write a whole number",
    ),
    "no path": (GOOD.replace('path = "/news/index.html"', ""), "channel news: path is missing: "),
    "no platform": (
        GOOD.replace('platform = "numbered"', ""),
        'channel news: platform is missing: write one of "countdown", "govcn", "jcms", '
        '"json", "jpaas", "numbered", "trs"',
    ),
    "no channels": ("channels = {}\n" + GOOD.split("[channels")[0], "write at least one table"),
    "channel": (top("") + "[channels]\nnews = 3", "is not TOML"),
    "channel is text": (
        'channels = {news = "x"}\n' + GOOD.split("[channels")[0],
        "channels = ",
    ),
    "unknown key": (top("dealy = 3"), 'unknown key "dealy": the keys are name, home, '),
    "unknown key of a channel": (
        GOOD + "retried = true",
        'channel news: unknown key "retried": the keys are ',
    ),
    "another platform's key": (
        GOOD + 'tag = "x"',
        'channel news: unknown key "tag": the keys are ',
    ),
    "unknown key of a layout": (GOOD + LAYOUT + 'bdoy = ["p"]', 'layout 1: unknown key "bdoy"'),
    "home": (
        GOOD.replace("https://www.sample.example/", "sample"),
        'home = "sample": write scheme and host',
    ),
    "home with a path": (GOOD.replace("example/", "example/a"), "home = "),
    "hosts": (top('hosts = "b.example"'), 'hosts = "b.example": write a list of host names'),
    "hosts of numbers": (top("hosts = [1]"), "hosts = [1]: write a list of host names"),
    "host in capitals": (top('hosts = ["B.example"]'), "in lower case"),
    "host with scheme": (top('hosts = ["https://b.example"]'), "write a list of host names"),
    "host twice": (top('hosts = ["b.example", "b.example"]'), "each once"),
    "home's host again": (top('hosts = ["www.sample.example"]'), "each once"),
    "delay -1": (top("delay = -1"), "delay = -1: write a number of seconds from 1 to 3600"),
    "delay 0": (top("delay = 0"), "delay = 0: write a number of seconds from 1"),
    "delay under a second": (
        top("delay = 0.999"),
        "delay = 0.999: write a number of seconds from 1",
    ),
    "delay inf": (top("delay = inf"), "delay = Infinity: write a number of seconds"),
    "delay nan": (top("delay = nan"), "delay = NaN: write a number of seconds"),
    "delay true": (top("delay = true"), "delay = true: write a number of seconds"),
    "delay text": (top('delay = "2"'), 'delay = "2": write a number of seconds'),
    "rhythm 0": (
        GOOD.replace("rhythm_days = 7", "rhythm_days = 0"),
        "rhythm_days = 0: write a whole number of days from 1 to 3660",
    ),
    "rhythm text": (GOOD.replace("rhythm_days = 7", "rhythm_days = 'x'"), 'rhythm_days = "x"'),
    "rhythm 1.5": (GOOD.replace("rhythm_days = 7", "rhythm_days = 1.5"), "rhythm_days = 1.5"),
    "nightly_pages": (top("nightly_pages = 0"), "nightly_pages = 0: write a whole number from 1"),
    "enabled": (top("enabled = 1"), "enabled = 1: write true or false, without quotes"),
    "kind": (top('kind = "province"'), 'kind = "province": write "ministry", "agency" or'),
    "province": (
        top('kind = "provincial"\nprovince = "黑龙江"'),
        'province = "黑龙江": write six digits',
    ),
    "province of a ministry": (
        top('kind = "ministry"\nprovince = "230000"'),
        'province and kind = "provincial" go together',
    ),
    "department of no province": (top('kind = "provincial"'), "go together: write both or none"),
    "body_code": (top('body_code = "18"'), 'body_code = "18": write its SiteIDCode'),
    "contact": (top('contact = "x"'), 'contact = "x": write an address on the site'),
    "verified": (top('verified = "sure"'), 'verified = "sure": write "captured", "reported" or'),
    "verified_on": (top('verified_on = "2026"'), 'verified_on = "2026": write a date without'),
    "reason": (top('reason = ""'), 'reason = "": write text in quotes'),
    "retired": (GOOD + 'retired = "false"', 'retired = "false": write true or false, without'),
    "name": (GOOD.replace("样例部", ""), 'name = "": write text in quotes'),
    "path": (
        GOOD.replace('"/news/index.html"', '"news/index.html"'),
        'channel news: path = "news/index.html": write ',
    ),
    "numbered path": (
        GOOD.replace("/news/index.html", "/news/"),
        'path = "/news/": write the first page\'s file',
    ),
    "platform": (GOOD.replace('"numbered"', '"wordpress"'), 'platform = "wordpress": write one of'),
    "platform 3": (GOOD.replace('"numbered"', "3"), "platform = 3: write one of"),
    "offset": (GOOD + 'offset = "1"', 'offset = "1": write a whole number from 0'),
    "offset -1": (GOOD + "offset = -1", "offset = -1: write a whole number from 0"),
    "size": (
        GOOD.replace("numbered", "jpaas") + "size = 0",
        "size = 0: write a whole number from 1",
    ),
    "more": (
        GOOD.replace("numbered", "trs") + 'more = "/news/list.html"',
        'more = "/news/list.html": write an address with {page}',
    ),
    "undated": (GOOD + "undated = 1", "undated = 1: write true or false"),
    "items": (
        GOOD.replace("numbered", "json") + 'items = "a..b"\ntitle = "t"\naddress = "u"\ndate = "d"',
        'items = "a..b": write where the array of rows is',
    ),
    "no items": (GOOD.replace("numbered", "json"), "channel news: items is missing: write where"),
    "no query": (
        GOOD.replace("numbered", "jcms"),
        "channel news: query is missing: write the list",
    ),
    "tag": (GOOD.replace("numbered", "jpaas") + 'tag = ""', 'tag = "": write the list\'s tagId'),
    "rows": (GOOD + 'rows = "li["', 'channel news: rows = "li[": write a CSS selector'),
    "rows is a list": (GOOD + 'rows = ["li"]', "write a CSS selector"),
    "body": (GOOD + LAYOUT.replace('["p"]', '"div.x"'), 'layout 1: body = "div.x": write a list'),
    "no body": (
        GOOD + LAYOUT.replace('body = ["p"]', ""),
        "layout 1: body is missing: write a list",
    ),
    "empty body": (GOOD + LAYOUT.replace('["p"]', "[]"), "layout 1: body = []: write a list"),
    "bad selector": (
        GOOD + LAYOUT + LAYOUT + 'title = ["h1", "h1..a"]',
        'layout 2: title = ["h1", "h1..a"]: write a list of CSS selectors',
    ),
    "since": (GOOD + LAYOUT + 'since = "2024-10-01"', 'since = "2024-10-01": write a date without'),
    "since year": (GOOD + LAYOUT + "since = 2024", "since = 2024: write a date without quotes"),
    "until": (GOOD + LAYOUT + "until = 2024-10-01T00:00:00", "write a date without quotes"),
    "until before since": (
        GOOD + LAYOUT + "since = 2024-10-02\nuntil = 2024-10-01",
        "layout 1: since = 2024-10-02 is after until = 2024-10-01: swap them",
    ),
    "layouts": (top('layouts = ["a"]'), "write tables that begin with [[layouts]]"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_file_key_and_what_is_allowed(tmp_path: Path, name: str) -> None:
    text, says = BAD[name]
    path = write(tmp_path, text)
    with pytest.raises(SourceFileError) as caught:
        read_source(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sample.toml"
    path.write_bytes(GOOD.encode("gb18030"))
    with pytest.raises(SourceFileError, match="is not UTF-8 text"):
        read_source(path)
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(SourceFileError, match="cannot be read"):
        read_source(tmp_path / "folder.toml")


@pytest.mark.parametrize("name", ["hosts", "body", "retired", "bad selector", "no value", "rows"])
@pytest.mark.parametrize("command", ["parse", "crawl", "nightly", "rebuild"])
def test_every_command_refuses_a_bad_file_with_exit_2(
    tmp_path: Path, name: str, command: str
) -> None:
    folder = tmp_path / "sources"
    folder.mkdir()
    write(folder, BAD[name][0])
    (tmp_path / "warc").mkdir()
    (tmp_path / "page.html").write_text("<p>页面</p>", encoding="utf-8")
    words = [tmp_path / "page.html"] if command == "parse" else ["--data", tmp_path]
    done = run(command, *words, "--sources", folder, BULLETINS_CONTACT="")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith(f"bulletins: {folder / 'sample.toml'}: ")
    assert BAD[name][1] in line


_SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.sampled_from(["numbered", "jpaas", "https://a.example", "/a.html", "li[", "p", ["p"]]),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def as_toml(value: object) -> str:
    """A value as an inline TOML value."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{as_toml(k)} = {as_toml(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(as_toml, value)) + "]"
        case datetime() | date() | time():
            return value.isoformat()
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case _:
            return str(value)


@given(
    key=st.sampled_from(
        [*source_files.SourceTable.__struct_fields__]
        + [f"channels.news.{key}" for kind in KEYS.values() for key in kind.__struct_fields__]
        + [f"layouts.{key}" for key in source_files.LayoutTable.__struct_fields__]
    ),
    value=_VALUES,
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_value_anywhere_is_a_source_or_a_clear_refusal(
    tmp_path: Path, key: str, value: Any
) -> None:
    fields: dict[str, Any] = {
        "name": "样例部",
        "home": "https://www.sample.example",
        "rhythm_days": 7,
        "channels": {"news": {"name": "新闻", "path": "/a.html", "platform": "numbered"}},
        "layouts": [{"name": "a", "body": ["p"]}],
    }
    *tables, last = key.split(".")
    table = fields
    for name in tables:
        table = table[name][0] if name == "layouts" else table[name]
    table[last] = value
    text = "\n".join(f"{name} = {as_toml(inner)}" for name, inner in fields.items())
    path = tmp_path / "sample.toml"
    # As bytes: a line end that stands for itself must not be translated.
    path.write_bytes(text.encode())
    found = read_or_refusal(path)
    if isinstance(found, Source):
        assert 1 <= found.delay <= 3600
    else:
        assert found.startswith(f"{path}: ")
        assert len(found.splitlines()) == 1
        assert "is not TOML" not in found


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_are_refused_in_one_line(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "sample.toml"
    path.write_bytes(body)
    with pytest.raises(SourceFileError) as caught:
        read_source(path)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["a b", "样例部", "Sample", "-a", "a\nb", ".toml"])
def test_a_source_s_name_is_fit_for_addresses_labels_and_headers(tmp_path: Path, name: str) -> None:
    refusal = read_or_refusal(write(tmp_path, GOOD, name))
    assert isinstance(refusal, str)
    assert refusal.endswith("name the file <slug>.toml, its slug in " + SLUG)


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "a\r\nX: y", " a", "新闻"])
def test_a_channel_s_name_is_fit_for_addresses_labels_and_headers(
    tmp_path: Path, name: str
) -> None:
    """A line break in it would end the header in the WARC file that keeps it."""
    text = GOOD.replace("[channels.news]", f"[channels.{json.dumps(name)}]")
    refusal = read_or_refusal(write(tmp_path, text))
    assert isinstance(refusal, str)
    shown = json.dumps(name, ensure_ascii=False)
    assert refusal.endswith(f": channel {shown}: write its slug in {SLUG}")


def test_a_home_that_is_no_address_is_refused_as_such(tmp_path: Path) -> None:
    refusal = read_or_refusal(write(tmp_path, GOOD.replace("www.sample", "www\u2100sample")))
    assert isinstance(refusal, str)
    assert ': home = "https://www℀sample.example/": write scheme and host' in refusal


@pytest.mark.parametrize("enabled", [True, False])
def test_a_file_of_one_line_switches_a_source_that_ships_on_or_off(
    tmp_path: Path, enabled: bool
) -> None:
    ships, own = tmp_path / "ships", tmp_path / "own"
    for folder in (ships, own):
        folder.mkdir()
    (ships / "sample.toml").write_text(GOOD, encoding="utf-8")
    before = source_files.load_sources([ships], KEYS)["sample"]
    (own / "sample.toml").write_text(f"enabled = {str(enabled).lower()}\n")
    after = source_files.load_sources([ships, own], KEYS)["sample"]
    assert after == replace(before, enabled=enabled)
    # Its rows are not derived again for that.
    assert after.digest() == before.digest()


def test_a_file_of_one_line_for_no_source_or_with_another_value_is_refused(tmp_path: Path) -> None:
    assert "name is missing" in str(read_or_refusal(write(tmp_path, "enabled = false\n")))
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "mohurd.toml").write_text("enabled = 0\n")
    with pytest.raises(SourceFileError, match="enabled = 0: write true or false"):
        load_sources([folder])


def test_a_mirror_of_one_source_says_how_the_others_are_switched_off(tmp_path: Path) -> None:
    source = load_sources()["mohurd"]
    other = replace(source, slug="other", home="https://www.other.example", hosts=("b.example",))
    options = CrawlOptions(tmp_path, base_url="http://127.0.0.1:1", delay=0)
    with pytest.raises(UsageError) as refused:
        crawl([source, other], {}, options)
    said = str(refused.value)
    assert "2 are chosen (mohurd, other)" in said
    assert f"enabled = false in a file of each, such as {tmp_path}/sources/other.toml;" in said
    # That it says so is true.
    switch_off(tmp_path, keep="none of them")
    assert choose(load_sources([tmp_path / "sources"]), ()) == []
    with pytest.raises(UsageError, match="no source is enabled: name one"):
        crawl([], {}, options)


def documented() -> set[tuple[str, str]]:
    """Each key in docs/sources.md and what is allowed, as its tables have it."""
    page = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    rows: set[tuple[str, str]] = set()
    for table in page.split("\n\n"):
        head, *lines = (line.strip("| ").split(" | ") for line in table.splitlines())
        if head[0] == "key":
            allowed = head.index("allowed")
            rows |= {(line[0].strip("`"), line[allowed]) for line in lines[1:]}
    return rows


def test_every_key_is_documented_with_what_is_allowed() -> None:
    tables = [source_files.SourceTable, source_files.LayoutTable, *KEYS.values()]
    wanted = {
        (field.name, toml_tables.allowed(table, field.name))
        for table in tables
        for field in msgspec.structs.fields(table)
        if field.name != "platform"
    }
    assert documented() == wanted | {("platform", "a name of the table below, in quotes")}


def test_nothing_in_the_archive_reaches_into_the_crawler() -> None:
    """Neither an import nor a path: the program hands its source files and platforms in."""
    reaching = re.compile(r"(?:from|import)\s+crawler\b|[\"'/]crawler[\"'/.]|crawler[./]\w")
    assert reaching.search('Path("crawler") / "sources"')
    for path in (ROOT / "archive").rglob("*"):
        if path.suffix in (".py", ".toml", ".html", ".sql"):
            found = reaching.search(path.read_text(encoding="utf-8"))
            assert found is None, f"{path}: {found}"


def test_the_offline_half_works_without_scrapy(tmp_path: Path) -> None:
    """With Scrapy away, one page is still parsed, by the archive alone and by the whole program."""
    page = tmp_path / "page.html"
    page.write_text("<h1>关于样例的通知</h1><div class='TRS_Editor'>正文。</div>", encoding="utf-8")
    for module in ("archive.cli", "crawler.cli"):
        code = (
            "import sys; sys.modules['scrapy'] = sys.modules['twisted'] = None\n"
            f"from {module} import main\nmain()"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, "parse", str(page)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["title"] == "关于样例的通知"


def test_own_sources_replace_those_that_ship(tmp_path: Path) -> None:
    folder = tmp_path / "sources"
    folder.mkdir()
    write(folder, GOOD, "mohurd")
    assert load_sources(own_sources(tmp_path))["mohurd"].name == "样例部"
    assert own_sources(tmp_path / "nowhere") == ()
    with pytest.raises(SourceFileError, match="is not a folder"):
        load_sources([tmp_path / "nowhere"])


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/xwfb/202005/t20200528_245619.html", "245619"),
        ("/xinwen/gzdt/202005/20200528_245619.html", "245619"),
        ("/xinwen/gzdt/art/2020/art_304_245619.html", "245619"),
        (f"/xinwen/gzdt/art/2026/art_{HEX}.html", HEX),
        ("/ywdt/202004/t20260409_1404577.shtml", "1404577"),
        ("/art/2019/1/15/art_1461_93105.html", "93105"),
        ("/zzqzyxx/t19100001.shtml", "19100001"),
        ("/2021-03/04/c_1619999999999999.htm", "1619999999999999"),
        ("/xinwen/2021-03/04/content_5590001.htm", "5590001"),
        ("/lianbo/bumen/202405/content_6950001.htm", "6950001"),
        ("/ywdt/content/post_9901188.html", "9901188"),
        ("/fabu/xiangqing/400001.html", "400001"),
        (f"/20240311/{HEX}/c.html", HEX),
        (f"/jcws2/20240511/{HEX}.html", HEX),
        (f"/xcs/yqtb/202202/{HEX}.shtml", HEX),
        (f"/10462/10464/2020/9/15/{HEX}.shtml", HEX),
        ("/2022/08-11/2550001.html", "2550001"),
        (f"/columns/{UUID}/202405/08/{UUID}.html", UUID),
        ("/web/ywdt/2024050812345678901/index.shtml", "2024050812345678901"),
        ("/bjjs/xxgk/436360001/index.shtml", "436360001"),
        ("/gongzuodongtai/2024-05-08/30001.html", "30001"),
        ("/safe/2024/0508/24001.html", "24001"),
        ("/lcyw/20240508/560001.html", "560001"),
        ("/xinwen/index.html", None),
        ("/xinwen/2024/index.html", None),
        ("/xwfb/12.html", None),
        ("/n2588335/c31372608/content.html", "31372608"),
        ("/cn/static/data/DocInfo/SelectByDocId/data_docId=1250001.json", "1250001"),
        ("/gk/c304/index.html", None),
        ("/tzgg/t1.html", None),
    ],
)
def test_document_ids(path: str, found: str | None) -> None:
    assert document_id("https://www.mohurd.gov.cn" + path) == found


def test_slugs() -> None:
    source = load_sources()["mohurd"]
    home = source.home
    assert bulletin_slug(source, f"{home}/xwfb/202005/t20200528_245619.html") == "mohurd-245619"
    # The SHA-256 of /n/about.html begins so.
    assert bulletin_slug(source, f"{home}/n/about.html") == "mohurd-5fec0b0f82fa"


@pytest.mark.parametrize(
    ("href", "found"),
    [
        ("../art/1.html", "https://www.mohurd.gov.cn/xinwen/art/1.html"),
        ("/a/b.html?x=1#top", "https://www.mohurd.gov.cn/a/b.html?x=1"),
        ("http://www.mohurd.gov.cn/a.html", "https://www.mohurd.gov.cn/a.html"),
        ("http://mohurd.gov.cn/a.html", "https://www.mohurd.gov.cn/a.html"),
        ("http://127.0.0.1:8000/a.html", "https://www.mohurd.gov.cn/a.html"),
        ("\n/a\n.html ", "https://www.mohurd.gov.cn/a.html"),
        ("https://www.news.cn/a.html", None),
        ("javascript:void(0)", None),
        ("http://[broken", None),
        ("mailto:a@b.cn", None),
    ],
)
def test_links_lead_to_the_ministry_or_nowhere(href: str, found: str | None) -> None:
    source = load_sources()["mohurd"]
    links = PageContext(
        source,
        "https://www.mohurd.gov.cn/xinwen/gzdt/index.html",
        "http://127.0.0.1:8000/xinwen/gzdt/index.html",
    )
    assert links.canonical(href) == found


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/art/2024/3/15/art_6278_11190001.html", "2024-03-15"),
        ("/2021-03/04/c_1619999999999999.htm", "2021-03-04"),
        (f"/20240311/{HEX}/c.html", "2024-03-11"),
        (f"/jcws2/20240511/{HEX}.html", "2024-05-11"),
        (f"/10462/10464/2020/9/15/{HEX}.shtml", "2020-09-15"),
        ("/2022/08-11/2550001.html", "2022-08-11"),
        (f"/columns/{UUID}/202405/08/{UUID}.html", "2024-05-08"),
        ("/web/ywdt/2024050812345678901/index.shtml", "2024-05-08"),
        ("/gongzuodongtai/2024-05-08/30001.html", "2024-05-08"),
        ("/safe/2024/0508/24001.html", "2024-05-08"),
        ("/lcyw/20240508/560001.html", "2024-05-08"),
        (f"/xinwen/art/2026/art_{HEX}.html", None),
        (f"/xcs/yqtb/202202/{HEX}.shtml", None),
        ("/lianbo/bumen/202405/content_6950001.htm", None),
        ("/bjjs/xxgk/436360001/index.shtml", None),
        ("/n2588035/c31372608/content.html", None),
        ("/ywdt/content/post_9901188.html", None),
        ("/zzqzyxx/t19100001.shtml", None),
        ("/2022/13-41/2550001.html", None),
    ],
)
def test_a_day_in_an_address(path: str, found: str | None) -> None:
    day = date_in_address("https://www.sample.example" + path)
    assert (day.isoformat() if day else None) == found


def test_dates_in_addresses() -> None:
    assert date_in_address("https://x/xwfb/202005/t20200528_1.html") == date(2020, 5, 28)
    assert date_in_address("https://x/xwfb/202005/t20209928_1.html") is None
    assert date_in_address("https://x/art_304_245619.html") is None
    assert date_in_address("https://x/art/2020/2/6/art_1_2.html") == date(2020, 2, 6)
    assert date_in_address(f"https://x/2020/9/15/{HEX}.shtml") == date(2020, 9, 15)
    assert date_in_address("https://x/2026-03/04/c_1.htm") == date(2026, 3, 4)
    assert date_in_address(f"https://x/jcws2/20240511/{HEX}.html") == date(2024, 5, 11)
    # A month is no day, and a year alone is that of a migration.
    assert date_in_address(f"https://x/202412/{HEX}.shtml") is None
    assert date_in_address(f"https://x/art/2026/art_{HEX}.html") is None


def test_layouts_of_the_captures_time_come_first() -> None:
    source = load_sources()["mohurd"]
    address = f"{source.home}/xinwen/gzdt/art/2020/art_304_245619.html"

    def names(day: date | None) -> list[str]:
        links = PageContext(source, address, address, day)
        return [layout.name[-1] for layout in links.layouts()]

    assert names(date(2020, 5, 28)) == ["a", "c", "b"]
    assert names(date(2023, 1, 1)) == ["b", "c", "a"]
    assert names(date(2026, 11, 1)) == ["c", "b", "a"]
    assert names(None) == ["c", "b", "a"]
