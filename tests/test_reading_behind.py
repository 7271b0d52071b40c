"""Reading behind the next request: how far, and never so that a host is asked once more for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import cache
from io import StringIO

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scrapy import Spider
from scrapy.crawler import Crawler
from scrapy.exceptions import CloseSpider
from scrapy.http import Request, Response
from scrapy.statscollectors import MemoryStatsCollector
from scrapy.utils.test import get_crawler

from archive.captures.warc import Capture
from archive.errors import CannotWrite
from archive.storage.ingest import Outcome
from archive.storage.store import Store
from crawler.intake import Intake
from crawler.middlewares import TARGET, Target
from crawler.pages import PageReader
from crawler.progress import Progress
from crawler.runs import SourceJob
from crawler.spider import AHEAD, BulletinSpider
from tests.test_store import HOME, SOURCES, capture

# What an answer turns out to be, with its status.
KINDS: dict[str, tuple[Outcome | Exception, int]] = {
    ".": (Outcome("new"), 200),
    "m": (Outcome("missing"), 404),
    "h": (Outcome("held", message="样例"), 200),
    "w": (Outcome("failed", incident="wall-captcha", message="样例"), 200),
    "u": (Outcome("failed", incident="unrecognised", message="样例"), 200),
    "t": (Outcome("failed", incident="truncated", message="样例"), 200),
    "5": (Outcome("failed", incident="http-503", message="样例"), 503),
    "!": (CannotWrite("样例"), 200),
}
GOOD_AND_BAD = "..mhwut5"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """What the crawls write to; none of their answers gets there."""
    with Store(tmp_path_factory.mktemp("data"), SOURCES) as opened:
        yield opened


class Late(Intake):
    """Reads an answer as late as it can, or, where it is not ``late``, at once."""

    def __init__(self, store: Store, late: bool) -> None:
        self.store = store
        self.late = late
        self.unread: list[asyncio.Future[Outcome]] = []
        self.found: list[Outcome | Exception] = []
        self.most = 0

    def take(self, capture: Capture) -> asyncio.Task[Outcome]:
        waiting: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.unread.append(waiting)
        self.most = max(self.most, len(self.unread))
        if not self.late:
            self.read_next()

        async def read() -> Outcome:
            return await waiting

        return asyncio.create_task(read())

    def read_next(self) -> None:
        """Read the oldest answer."""
        waiting, found = self.unread.pop(0), self.found.pop(0)
        if isinstance(found, Exception):
            waiting.set_exception(found)
        else:
            waiting.set_result(found)


class Played:
    """A crawl of pages whose answers are known before; how many of them were asked for."""

    def __init__(self, store: Store, *, late: bool) -> None:
        self.intake = Late(store, late)
        source = SOURCES["mohurd"]
        job = SourceJob(source, (source.channel("xwfb"),), self.intake, Progress(StringIO()))
        self.spider = BulletinSpider(job, 0)
        self.crawl = self.spider.crawl
        self.crawl.begin(MemoryStatsCollector(crawler()))
        [self.run] = self.crawl.runs.values()
        self.run.due = 1000
        self.asked = 0
        self.closed = False

    def play(self, kinds: str) -> int:
        """How many answers of these kinds come before the source is left alone."""
        asyncio.run(self._play(kinds))
        return self.asked

    async def _play(self, kinds: str) -> None:
        reader = PageReader(self.crawl)
        calls = []
        for kind in kinds:
            if self.closed:
                break
            outcome, status = KINDS[kind]
            self.asked += 1
            self.intake.found.append(outcome)
            answer = capture(f"{HOME}/{self.asked}.html", status=status)
            target = Target(answer.address, "xwfb", "page")
            request = self.crawl.request(
                target, reader.read, reader.no_answer, {"run": self.run, "listed": "", "hops": 0}
            )
            self.crawl.sent(target)
            calls.append(asyncio.create_task(self._called(request, await self._recorded(answer))))
            await settled()
        while self.intake.unread:
            self.intake.read_next()
            await settled()
        await asyncio.gather(*calls)

    async def _recorded(self, answer: Capture) -> asyncio.Future[Outcome]:
        """What the spider makes of an answer; older ones are read only where it waits for them."""
        recording = asyncio.create_task(self.spider.record(answer))
        await settled()
        while not recording.done():
            self.intake.read_next()
            await settled()
        return await recording

    async def _called(self, request: Request, outcome: asyncio.Future[Outcome]) -> None:
        response = Response(request.url, request=request)
        assert request.callback is not None
        assert request.meta[TARGET].role == "page"
        try:
            found = await request.callback(response, outcome=outcome, **request.cb_kwargs)
            list(found)
        except CloseSpider:
            self.closed = True


@cache
def crawler() -> Crawler:
    """What a collector of counts asks for; it takes a while to make."""
    return get_crawler(Spider)


async def settled() -> None:
    """The time that a request takes, in which everything else is done that can be done."""
    for _ in range(20):
        await asyncio.sleep(0)


@settings(max_examples=min(400, settings().max_examples // 10))
@given(kinds=st.text(alphabet=GOOD_AND_BAD, max_size=60))
@example(kinds="....wwwww....")
@example(kinds="wwww.wwwww....")
@example(kinds="hhhhhhhh")
@example(kinds="." * 10 + "hh." * 12)
@example(kinds="w." * 12 + "w....")
@example(kinds="55555.55555.55555....")
@example(kinds="wtwtwtwtw")
def test_no_more_is_asked_for_than_where_each_answer_is_read_at_once(
    store: Store, kinds: str
) -> None:
    asked = Played(store, late=False).play(kinds)
    assert Played(store, late=True).play(kinds) == asked


def test_while_all_is_well_two_answers_wait_to_be_read(store: Store) -> None:
    played = Played(store, late=True)
    assert played.play("." * 20) == 20
    assert played.intake.most == AHEAD + 1 == 3


@pytest.mark.parametrize("kind", ["m", "5"])
def test_what_is_no_good_page_by_its_status_is_read_before_anything_else_is_asked_for(
    store: Store, kind: str
) -> None:
    played = Played(store, late=True)
    played.play(f".{kind}.")
    assert played.intake.most == 2


def test_an_answer_that_cannot_be_written_closes_the_crawl(store: Store) -> None:
    played = Played(store, late=True)
    with pytest.raises(CannotWrite):
        played.play(".!......")
    assert played.asked == 4
