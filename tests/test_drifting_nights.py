"""Nights on which many pages are unlike the others: the source has failed, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from scrapy import Spider
from scrapy.statscollectors import MemoryStatsCollector
from scrapy.utils.test import get_crawler

from crawler.runs import MANY_UNLIKE, ChannelRun
from crawler.walk import Walk
from sample.server import SampleSite
from tests.crawling import crawl, rows
from tests.test_drift import FOUND, captured, made, night_of
from tests.test_store import SOURCES, record, same_after_rebuild


@pytest.mark.parametrize(
    ("new", "changed", "unlike", "told"),
    [(5, 0, 5, True), (4, 0, 4, False), (5, 5, 5, False), (4, 5, 5, True), (0, 0, 0, False)],
)
def test_many_pages_of_a_night_are_a_trouble_of_the_source(
    new: int, changed: int, unlike: int, *, told: bool
) -> None:
    stats = MemoryStatsCollector(get_crawler(Spider))
    run_ = ChannelRun(SOURCES["mohurd"].channel("dfxx"), 1, Walk(), stats, frozenset())
    run_.count("new", new)
    run_.count("changed", changed)
    run_.unlike += [f"样例{n}" for n in range(unlike)]
    said = f"{unlike} of {new + changed} new or changed pages are unlike the others: 样例4"
    assert run_.drifted() == (said if told else None)
    assert MANY_UNLIKE == 5


def test_a_template_that_loses_a_field_is_told_by_the_night(tmp_path: Path) -> None:
    known = [made(number) for number in range(1, 36)]
    more = [made(number, source=None) for number in range(36, 42)]
    record(tmp_path, *(captured(page, night=36) for page in known))
    site = SampleSite("C", [*known, *more])
    done = crawl(site, tmp_path, "--channel", "dfxx", now=night_of(42))
    assert done.returncode == 3, done.stderr
    [(outcome, message)] = rows(
        tmp_path, "SELECT outcome, message FROM crawls ORDER BY id DESC LIMIT 1"
    )
    assert outcome == "failed"
    assert str(message).startswith(
        "6 of 6 new or changed pages are unlike the others: it has no source (来源), where 35 of"
    )
    assert f"mohurd dfxx: {message}" in done.stderr
    assert rows(tmp_path, FOUND) == [
        ("origin-missing", "dfxx", 6, night_of(42), night_of(42), None)
    ]
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(41,)]
    same_after_rebuild(tmp_path)
