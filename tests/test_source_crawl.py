"""When a source's host is left alone for the night: answers that stand in for pages, or none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pytest
from scrapy import Spider
from scrapy.exceptions import CloseSpider, DownloadFailedError
from scrapy.http import Request
from scrapy.statscollectors import MemoryStatsCollector
from scrapy.utils.test import get_crawler
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseFailed

from archive.storage.ingest import Outcome
from archive.storage.second_reader import SecondReader
from archive.storage.store import Store
from crawler.intake import Intake
from crawler.middlewares import Target
from crawler.patience import Patience
from crawler.progress import Progress
from crawler.runs import ChannelRun, SourceJob
from crawler.source_crawl import SourceCrawl, incident_without_answer
from tests.crawling import rows
from tests.test_store import HOME, PAGE, SOURCES, capture, page_html, record


def taking_in(store: Store) -> Intake:
    """The intake of a crawl that reads by itself."""
    return Intake(store, SecondReader(store.folder / "warc", SOURCES, lambda line: None))


@contextmanager
def crawling(data: Path, *channels: str) -> Iterator[tuple[SourceCrawl, ChannelRun, StringIO]]:
    """A crawl of channels that has begun, the run of the first, and what it says."""
    said = StringIO()
    with Store(data, SOURCES) as store:
        source = SOURCES["mohurd"]
        chosen = tuple(source.channel(name) for name in channels or ("xwfb",))
        job = SourceJob(source, chosen, taking_in(store), Progress(said))
        crawl = SourceCrawl(job, Patience(0))
        crawl.begin(MemoryStatsCollector(get_crawler(Spider)))
        run = next(iter(crawl.runs.values()))
        run.due = 100
        yield crawl, run, said


def ask(crawl: SourceCrawl, number: int) -> Request:
    """A page that is asked for."""
    target = Target(f"{HOME}/{number}.html", "xwfb", "page")
    crawl.sent(target)
    return crawl.request(target, lambda: None, lambda: None, {})


def answers(crawl: SourceCrawl, kinds: str) -> int:
    """How many answers are taken before the crawl is closed: h held, w a block page, . good."""
    for number, kind in enumerate(kinds):
        request = ask(crawl, number)
        try:
            if kind == "w":
                [run] = crawl.runs.values()
                wall = Outcome("failed", incident="wall-412", message="block page")
                crawl.failure(run, request.url, wall, request)
            else:
                crawl.answered(held=kind == "h")
        except CloseSpider:
            return number + 1
    return len(kinds)


@pytest.mark.parametrize(
    ("kinds", "taken"),
    [
        ("hhhhh.", 5),
        ("hhhh.hhhh.", 10),
        ("hwhwh.", 5),
        ("wwwww.", 5),
        # Ten, and more than half of all.
        ("hhhh.hhhh.hh.", 12),
        ("ww.ww.ww.ww.ww.ww", 14),
        # Ten, and half of all or less.
        (".h" * 30, 60),
        (".." * 10 + "hh." * 6, 38),
    ],
)
def test_enough_answers_that_stand_in_for_pages_close_the_source(
    tmp_path: Path, kinds: str, taken: int
) -> None:
    with crawling(tmp_path) as (crawl, _, said):
        assert answers(crawl, kinds) == taken
        closed = taken < len(kinds)
        assert ("left alone until the next crawl" in said.getvalue()) is closed
        crawl.finish("failing" if closed else "finished")
    found = rows(tmp_path, "SELECT outcome, message IS NOT NULL FROM crawls")
    assert found == [("failed" if closed or "w" in kinds else "good", int(closed or "w" in kinds))]
    # Each answer has its own incident or hold; the closing is none.
    assert rows(tmp_path, "SELECT count(*) FROM incidents") == [(0,)]


def test_what_was_to_be_asked_again_and_never_was_has_failed(tmp_path: Path) -> None:
    with crawling(tmp_path) as (crawl, run, _):
        for number in range(2):
            assert crawl.postpone(ask(crawl, number), "http-503")
        assert not crawl.postpone(ask(crawl, 2), "wall-412")
        # The second is asked again and on its way, the first is not.
        ask(crawl, 1)
        crawl.finish("shutdown")
        assert run.counted("failed") == 1
    assert rows(tmp_path, "SELECT outcome, asked, requests FROM crawls") == [("stopped", 3, 4)]


def test_a_request_is_made_three_times_at_the_most(tmp_path: Path) -> None:
    with crawling(tmp_path) as (crawl, run, _):
        request = ask(crawl, 1)
        run.due = 1
        for round_ in (1, 2):
            assert list(crawl.next_round()) == []
            assert crawl.postpone(request, "truncated")
            [request] = crawl.next_round()
            assert request.meta["round"] == round_
        assert not crawl.postpone(request, "truncated")


def test_postponed_pages_wait_until_all_others_were_asked_for(tmp_path: Path) -> None:
    with crawling(tmp_path) as (crawl, run, _):
        run.due = 3
        assert crawl.postpone(ask(crawl, 1), "http-503")
        assert list(crawl.next_round()) == []
        run.done = 2
        assert len(list(crawl.next_round())) == 1
        assert list(crawl.next_round()) == []


def test_pages_of_retired_lists_are_asked_for_by_the_first_live_channel(tmp_path: Path) -> None:
    record(tmp_path, capture(body=page_html("甲。"), at="2026-01-01T18:00:00Z"))
    with crawling(tmp_path, "gzdt", "dfxx", "jsyw") as (crawl, run, _):
        assert run.channel.slug == "gzdt"
        assert [page.address for page in crawl.rechecks["gzdt"]] == [PAGE]
    with crawling(tmp_path, "dfxx") as (crawl, _, _):
        assert not any(crawl.rechecks.values())


def test_a_cut_connection_is_said_in_words() -> None:
    error = DownloadFailedError("[<twisted.python.failure.Failure>]")
    error.__cause__ = ResponseFailed([Failure(ConnectionDone("Connection was closed."))])
    kind, said = incident_without_answer(error, "a.example")
    assert kind == "unreachable"
    assert said.startswith("no answer from a.example (Connection was closed")
    assert "Failure" not in said
