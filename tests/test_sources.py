"""Source files: read whole, refused with a reason, and rules that hold for every one there is."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from archive.errors import SourceFileError
from archive.sources import (
    BUNDLED,
    PageContext,
    date_in_address,
    document_id,
    load_sources,
    own_sources,
    read_source,
)
from archive.storage.ingest import bulletin_slug
from crawler.platforms import PLATFORMS

GOOD = """
name = "样例部"
home = "https://www.sample.example/"
rhythm_days = 7
[channels.news]
name = "新闻"
path = "/news/index.html"
platform = "numbered"
"""
HEX = "0d144cfa624e415b932c0f5950c2105a"


def write(folder: Path, text: str, name: str = "sample") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("folder", [BUNDLED, Path("sample/sources")])
def test_every_source_keeps_the_rules(folder: Path) -> None:
    root = Path(__file__).parent.parent
    files = sorted((root / folder).glob("*.toml"))
    assert files
    for path in files:
        source = read_source(path)
        assert source.delay >= 1
        assert 1 <= source.rhythm_days <= 60
        assert source.home.startswith("https://")
        assert any(not channel.retired for channel in source.channels)
        assert {channel.platform for channel in source.channels} <= set(PLATFORMS)
        assert all(channel.path.startswith("/") for channel in source.channels)


def test_ten_lines_make_a_source(tmp_path: Path) -> None:
    source = read_source(write(tmp_path, GOOD))
    assert (source.slug, source.home, source.delay) == ("sample", "https://www.sample.example", 2)
    assert source.channel("news").rows == "li"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = ", "Invalid value"),
        (GOOD.replace("rhythm_days = 7", ""), "rhythm_days is missing"),
        (GOOD.replace('path = "/news/index.html"', ""), "path is missing"),
        ("dealy = 3\n" + GOOD, "unknown setting dealy"),
        (GOOD.replace("https://www.sample.example/", "sample"), "is no address"),
        (GOOD + '[[layouts]]\nname = "a"\nbody = ["p"]\nbdoy = ["p"]\n', "unknown setting bdoy"),
        (GOOD.replace('"numbered"', '"wordpress"'), "no platform 'wordpress'"),
        (GOOD.replace("rhythm_days = 7", "rhythm_days = 'x'"), "invalid literal"),
        (GOOD + 'rows = "li["\n', "no CSS selector"),
    ],
)
def test_a_bad_file_is_refused_with_its_name_and_the_reason(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(SourceFileError, match=says) as caught:
        read_source(write(tmp_path, text))
    assert "sample.toml" in str(caught.value)


def test_own_sources_replace_those_that_ship(tmp_path: Path) -> None:
    folder = tmp_path / "sources"
    folder.mkdir()
    write(folder, GOOD, "mohurd")
    assert load_sources(own_sources(tmp_path))["mohurd"].name == "样例部"
    assert own_sources(tmp_path / "nowhere") == ()
    with pytest.raises(SourceFileError, match="no folder"):
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
        ("/xinwen/index.html", None),
        ("/n2588335/c31372608/content.html", None),
    ],
)
def test_document_ids(path: str, found: str | None) -> None:
    assert document_id("https://www.mohurd.gov.cn" + path) == found


def test_slugs() -> None:
    source = load_sources()["mohurd"]
    home = source.home
    assert bulletin_slug(source, f"{home}/xwfb/202005/t20200528_245619.html") == "mohurd-245619"
    # The SHA-256 of /n/c31372608/content.html begins so.
    assert bulletin_slug(source, f"{home}/n/c31372608/content.html") == "mohurd-88ea14297149"


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


def test_dates_in_addresses() -> None:
    assert date_in_address("https://x/xwfb/202005/t20200528_1.html") == date(2020, 5, 28)
    assert date_in_address("https://x/xwfb/202005/t20209928_1.html") is None
    assert date_in_address("https://x/art_304_245619.html") is None


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


def test_an_era_is_a_date(tmp_path: Path) -> None:
    layout = '[[layouts]]\nname = "a"\nbody = ["p"]\nsince = "2024"\n'
    with pytest.raises(SourceFileError, match="write 2024-10-01, unquoted"):
        read_source(write(tmp_path, GOOD + layout))
