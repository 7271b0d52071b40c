"""Every source that ships: its kept pages are read as expected, and it crawls a replica of them.

A source is its file in crawler/sources/ and its folder in tests/sources/; nothing here names one.
"""

from __future__ import annotations

import re

import pytest

from crawler.check_source import SHIPPED, compare, problems
from crawler.page_expectations import read_expectations
from crawler.sources import BUNDLED, load_sources
from tests.crawling import rows
from tests.replica import Crawled

SOURCES = load_sources()


@pytest.fixture(params=SOURCES)
def slug(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_its_kept_pages_are_read_as_a_person_read_them(slug: str) -> None:
    source, expected = SOURCES[slug], read_expectations(SHIPPED / slug)
    lines = compare(source, expected)
    assert [line for line in lines if line.differs] == []
    assert problems(lines, source, expected) == ""


def test_its_texts_are_ours(slug: str) -> None:
    """Each page says 样例, and none names an address that somebody has."""
    real = re.compile(rb"https?://[\w.-]+\.(?!example\b)(?:cn|com|net|org)\b")
    for path in (SHIPPED / slug).iterdir():
        body = path.read_bytes()
        kept = path.suffix in (".html", ".htm", ".shtml", ".xml") and len(body) > 300
        assert not kept or any("样例".encode(code) in body for code in ("utf-8", "gbk")), path
        # The names of mark-up languages are addresses too.
        assert not real.search(re.sub(rb"https?://www\.w3\.org/", b"", body)), path


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    return Crawled(tmp_path_factory.mktemp("replicas"), BUNDLED, SHIPPED)


def test_it_crawls_its_replica_without_losing_a_row(slug: str, crawled: Crawled) -> None:
    replica, home = crawled.replicas[slug], crawled.replicas[slug].source.home
    said = crawled.first.stderr + crawled.second.stderr
    of = f"FROM {{}} WHERE source = '{slug}'"
    incidents = rows(crawled.data, f"SELECT channel, url, kind, message {of.format('incidents')}")
    assert incidents == [], said
    first = f"{of.format('crawls')} ORDER BY id LIMIT {len(replica.pages)}"
    found = rows(crawled.data, f"SELECT channel, outcome, walked, listed, failed {first}")
    assert found == [
        (channel, "good", 1, len(set(pages)), 0) for channel, pages in replica.pages.items()
    ], said
    wanted = {home + path for pages in replica.pages.values() for path in pages}
    assert len(wanted) == sum(map(len, replica.pages.values()))
    kept = {str(url) for (url,) in rows(crawled.data, f"SELECT url {of.format('bulletins')}")}
    assert kept == wanted
    dates = {
        str(url): day
        for url, day in rows(crawled.data, f"SELECT url, listed {of.format('addresses')}")
    }
    # A date without a year may be read otherwise where it has other rows beside it: not here.
    for page in replica.kept.lists:
        for path, _, day in page.rows if page.page == 1 else ():
            assert (dates[home + path] or "") == day


def test_its_second_night_is_nothing_but_304(slug: str, crawled: Crawled) -> None:
    replica = crawled.replicas[slug]
    paths = {path for pages in replica.pages.values() for path in pages}
    assert crawled.statuses_of_the_second_night(slug) == dict.fromkeys(paths, 304)
    revisions = f"SELECT max(revision) FROM bulletins WHERE source = '{slug}'"
    assert rows(crawled.data, revisions) == [(1,)]
