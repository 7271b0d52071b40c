"""Fetches what a look at an unknown site asks for, with the manners of every crawl.

The same settings, middlewares and User-Agent: robots.txt is obeyed, one request at a time with the
pause between two, no cookie, nothing asked again. Nothing is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import scrapy
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import Request, Response
from twisted.python.failure import Failure

from archive.captures.warc import Capture
from archive.errors import SourceFailed, Unreadable
from archive.storage.ingest import Outcome
from crawler.crawl import check_manners, is_loopback, settings_with_contact
from crawler.looking import Ask, Look, Looked, look
from crawler.middlewares import TARGET, Target
from crawler.patience import LONGEST_IN_QUEUE, Patience
from crawler.progress import Progress, log_lines
from crawler.proposal import site_of
from crawler.source_crawl import incident_without_answer


class LookSpider(scrapy.Spider):
    """Sends a look the answers to what it asks for."""

    name = "look"
    custom_settings = {"COMPRESSION_ENABLED": False}  # noqa: RUF012 (declared by Scrapy)

    def __init__(self, url: str, delay: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source = site_of(url)
        self.patience = Patience(delay)
        self.steps: Look = look(url)
        self.looked: Looked | None = None
        self.error: BaseException | None = None
        self._answers: list[Capture] = []

    async def start(self) -> AsyncIterator[Request]:
        """The first page that is asked for."""
        for request in self._next(lambda: next(self.steps)):
            yield request

    def _next(self, step: Callable[[], Ask]) -> Iterator[Request]:
        try:
            ask = step()
        except StopIteration as done:
            self.looked = done.value
        except Exception as error:
            self.give_up(error)
        else:
            yield Request(
                ask.address,
                callback=self.answered,
                errback=self.unanswered,
                dont_filter=True,
                meta={
                    TARGET: Target(ask.address, None, ask.role),
                    "handle_httpstatus_all": True,
                    "dont_redirect": True,
                },
            )

    def answered(self, response: Response, outcome: asyncio.Future[Outcome]) -> Iterator[Request]:
        """Go on from an answer."""
        yield from self._next(lambda: self.steps.send(self._answers.pop()))

    def unanswered(self, failure: Failure) -> Iterator[Request]:
        """Go on where there was no answer: robots.txt forbids it, or nobody is there."""
        request: Request = failure.request  # type: ignore[attr-defined]
        kind, message = incident_without_answer(failure.value, urlsplit(request.url).netloc)
        unread = Unreadable(kind, message)
        yield from self._next(lambda: self.steps.throw(unread))

    # What the middlewares need of a spider

    def sent(self, target: Target) -> None:
        """Nothing is counted."""

    async def record(self, capture: Capture) -> asyncio.Future[Outcome]:
        """Hold an answer until the spider goes on from it."""
        if capture.role != "robots":
            self._answers.append(capture)
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        outcome.set_result(Outcome("same"))
        return outcome

    def give_up(self, error: BaseException) -> None:
        """Remember the first error; ``fetch`` raises it in the end."""
        self.error = self.error or error


def fetch(url: str, delay: float | None) -> Looked:
    """Look at a list of a site over the network.

    Raises UsageError without BULLETINS_CONTACT, SourceFailed where the list cannot be read.
    """
    site = site_of(url)
    check_manners(delay, local=is_loopback(site.home))
    pause = site.delay if delay is None else delay
    with closing(Progress()) as progress, log_lines(progress):
        process = AsyncCrawlerProcess(settings_with_contact())
        crawler = process.create_crawler(LookSpider)
        in_queue = min(pause, LONGEST_IN_QUEUE)
        crawler.settings.set("DOWNLOAD_DELAY", in_queue, priority="cmdline")
        process.crawl(crawler, url=url, delay=pause)
        process.start()
    spider = crawler.spider
    if not isinstance(spider, LookSpider) or not (spider.error or spider.looked):
        raise SourceFailed(f"{url}: the look ended before it was done")
    if isinstance(spider.error, Unreadable):
        raise SourceFailed(f"{url}: {spider.error.kind}: {spider.error}") from spider.error
    if spider.error or not spider.looked:
        raise spider.error or SourceFailed(url)
    return spider.looked
