"""The one spider: walks the lists of a source's channels, then asks for the pages that are due.

What an answer means is decided by the archive as it ingests it; the spider only goes on from
there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import Any, Self

import scrapy
from scrapy.crawler import Crawler
from scrapy.http import Request

from archive.captures.warc import Capture
from archive.errors import ArchiveError
from archive.storage.ingest import Outcome
from crawler import faults
from crawler.lists import ListReader
from crawler.middlewares import Target
from crawler.pages import PageReader
from crawler.patience import Patience
from crawler.runs import SourceJob
from crawler.source_crawl import SourceCrawl

# So many answers may wait to be read while the next one is asked for: enough that neither process
# waits for the other, and fewer than the failures in a row after which a host is left alone.
AHEAD = 2


class BulletinSpider(scrapy.Spider):
    """Crawls the channels of one source into a store."""

    name = "bulletins"
    # The archive unpacks answers by itself, within bounds, after they are kept as sent.
    custom_settings = {"COMPRESSION_ENABLED": False}  # noqa: RUF012 (declared by Scrapy)

    def __init__(self, job: SourceJob, delay: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source = job.source
        self.intake = job.intake
        self._unread: deque[asyncio.Future[Outcome]] = deque()
        self.patience = Patience(delay)
        self.crawl = SourceCrawl(job, self.patience)

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        if "job" not in kwargs:
            raise SystemExit(
                "scrapy: this spider needs a store: run `bulletins crawl SOURCE` instead"
            )
        return super().from_crawler(crawler, *args, **kwargs)

    async def start(self) -> AsyncIterator[Request]:
        """The first request of each channel's list."""
        try:
            requests = list(self._first())
        except Exception as error:
            self.give_up(error)
            return
        for request in requests:
            yield request

    def _first(self) -> Iterator[Request]:
        lists = ListReader(self.crawl, PageReader(self.crawl).due)
        self.crawl.begin(self.crawler.stats)
        for run in self.crawl.runs.values():
            yield lists.first(run)

    def give_up(self, error: BaseException | None) -> None:
        """Remember the first error that is not one page's; ``crawl`` raises it in the end."""
        if self.crawl.fatal is None:
            self.crawl.fatal = error

    def sent(self, target: Target) -> None:
        """Count a request; the capture middleware calls it."""
        self.crawl.sent(target)

    async def record(self, capture: Capture) -> asyncio.Future[Outcome]:
        """Keep an answer; the capture middleware calls it, and nothing is asked for meanwhile.

        Only pages are read behind the next request, and only while all is well: whether a host
        is asked once more never hangs on an answer that is still to be read.
        """
        outcome = self.intake.take(capture)
        self.crawl.received(capture)
        self._unread.append(outcome)
        while len(self._unread) > AHEAD:
            await self._unread.popleft()
        if capture.role != "page" or capture.status != 200 or not self.crawl.is_well():
            await outcome
        return outcome

    def closed(self, reason: str) -> None:
        """Write each channel's row of ``crawls``; an error here would be lost in Scrapy's log."""
        try:
            if self.crawl.fatal is None:
                self.crawl.finish(reason)
            else:
                self.crawl.finish("fatal", why=_why(self.crawl.fatal))
        except Exception as error:
            self.give_up(error)


def _why(error: BaseException) -> str:
    """Why a crawl was stopped, in one line."""
    if isinstance(error, ArchiveError):
        return str(error)
    return f"a fault of the program: {faults.in_words(error)}"
