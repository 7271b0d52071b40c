"""Downloader middlewares: every answer becomes a capture, and robots.txt is obeyed in full."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable
from urllib.parse import urlsplit

from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.http import Headers, Request, Response
from scrapy.robotstxt import RobotParser

from archive.captures.warc import Capture, Role, header_text
from archive.clock import now, stamp
from archive.errors import Unreadable
from archive.sources import Source
from archive.storage.ingest import Outcome
from archive.storage.robots import read_rules
from crawler.patience import LONGEST_CRAWL_DELAY, PAUSES, Patience, Stopped, retry_after
from crawler.settings import BOT_NAME

# The key of ``Request.meta`` under which a request has its Target.
TARGET = "target"
# The key for how often everything else was asked for before this, in the same crawl.
ROUND = "round"


@dataclass(frozen=True, slots=True)
class Target:
    """What a request asks for: a canonical address, for a channel, and what is expected there."""

    address: str
    channel: str | None
    role: Role


@runtime_checkable
class Recorder(Protocol):
    """A spider that records every answer as a capture."""

    source: Source
    patience: Patience

    def sent(self, target: Target) -> None:
        """Count a request that is on its way."""

    async def record(self, capture: Capture) -> asyncio.Future[Outcome]:
        """Keep an answer; what it is may still have to be read when the next one is asked for."""

    def give_up(self, error: BaseException) -> None:
        """End the crawl with this error."""


class RobotsUnavailable(IgnoreRequest):
    """robots.txt could not be read, so nothing may be asked of the host for now.

    ``again`` says that a second try may mend it, ``answered`` that there was an answer, which is
    kept with what is wrong with it.
    """

    def __init__(self, message: str, *, again: bool = False, answered: bool = False) -> None:
        super().__init__(message)
        self.again = again
        self.answered = answered


class RobotsMiddleware(RobotsTxtMiddleware):
    """Scrapy's robots.txt middleware with two holes closed.

    Scrapy 2.18 and 2.19 let requests through that wait while robots.txt is on its way; here they
    queue for it. A robots.txt that cannot be fetched, or is answered with a server error, 429 or a
    block page, forbids everything (RFC 9309, 2.3.1.4) instead of nothing; but for block pages it
    is asked for three times. Of a long one the first 500 KB are read, as the same standard says
    (2.5). The pause between requests is the source file's, at least a second, or the Crawl-delay
    of robots.txt where that is longer.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._one_at_a_time = asyncio.Lock()
        self._why_not: dict[str, RobotsUnavailable | Stopped] = {}
        self.patience = patience_of(crawler)

    async def robot_parser(self, request: Request) -> RobotParser | None:
        """The host's rules; raises RobotsUnavailable when they cannot be had, or Stopped."""
        netloc = urlsplit(request.url).netloc
        async with self._one_at_a_time:
            parser = None
            if netloc not in self._why_not:
                parser = await self._ask(request, netloc)
        if netloc in self._why_not:
            raise self._why_not[netloc]
        return parser

    async def _ask(self, request: Request, netloc: str) -> RobotParser | None:
        parser = await super().robot_parser(request)
        for number in range(len(PAUSES)):
            why = self._why_not.get(netloc)
            if not (isinstance(why, RobotsUnavailable) and why.again):
                break
            self.patience.pause(netloc, number)
            del self._why_not[netloc], self._parsers[netloc]
            parser = await super().robot_parser(request)
        return parser

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Name a robots.txt without an answer, which Scrapy would log with a traceback."""
        if request.meta.get("dont_obey_robotstxt") and not isinstance(exception, IgnoreRequest):
            reason = str(exception) or type(exception).__name__
            raise RobotsUnavailable(reason, again=True) from exception

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        body = _rules(response)
        await super()._parse_robots(response.replace(body=body), netloc, request)
        parser = self._parsers[netloc]
        delay = parser.crawl_delay(BOT_NAME) if isinstance(parser, RobotParser) else None
        if delay is not None and delay > LONGEST_CRAWL_DELAY:
            self._why_not[netloc] = RobotsUnavailable(
                f"it wants {delay:.0f} seconds between two requests, with which no list is read "
                "in a night"
            )
        elif delay is not None:
            self.patience.at_least(netloc, delay)

    def _robots_error(self, exc: Exception, netloc: str) -> None:
        # That the crawl was stopped says nothing of the host.
        if not isinstance(exc, RobotsUnavailable | Stopped):
            exc = RobotsUnavailable(str(exc) or type(exc).__name__)
        self._why_not[netloc] = exc
        super()._robots_error(exc, netloc)


def _rules(response: Response) -> bytes:
    """The rules in an answer for robots.txt; raises RobotsUnavailable where none can be had."""
    cookie = header_text(response.headers.get("Set-Cookie") or b"")
    coding = header_text(response.headers.get("Content-Encoding") or b"")
    try:
        return read_rules(response.status, cookie, coding, response.body)
    except Unreadable as error:
        again = response.status >= 500 or response.status == 429
        raise RobotsUnavailable(
            str(error), again=again and error.kind == "unreachable", answered=True
        ) from error


def patience_of(crawler: Crawler) -> Patience:
    """The patience of a crawl, which its spider has; that of a shell has a new one."""
    if isinstance(crawler.spider, Recorder):
        return crawler.spider.patience
    return Patience(crawler.settings.getfloat("DOWNLOAD_DELAY"))


class PatienceMiddleware:
    """Lets a request wait until its host may be asked, and hears when a host asks for time."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.patience = patience_of(crawler)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Wait; raises LeftAlone or Stopped."""
        host, round_ = urlsplit(request.url).netloc, request.meta.get(ROUND, 0)
        await self.patience.turn(host, round_, lambda: self.crawler.crawling)

    def process_response(self, request: Request, response: Response) -> Response:
        """Honour Retry-After, whatever the error that it comes with."""
        # A request that took a while to be sent was not made when it began.
        self.patience.used(urlsplit(request.url).netloc)
        if response.status >= 400:
            value = header_text(response.headers.get("Retry-After") or b"")
            seconds = retry_after(value, header_text(response.headers.get("Date") or b""))
            self.patience.wait(urlsplit(request.url).netloc, seconds)
        return response


class CaptureMiddleware:
    """Hands every answer to the spider's store as a capture, before anything else sees it.

    Other spiders than the archive's, such as that of ``scrapy shell``, do without it.
    """

    def __init__(self, spider: Recorder) -> None:
        self.spider = spider

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        if not isinstance(crawler.spider, Recorder):
            raise NotConfigured
        return cls(crawler.spider)

    def process_request(self, request: Request) -> None:
        """Count the request."""
        self.spider.sent(self._target(request))

    async def process_response(self, request: Request, response: Response) -> Response:
        """Record the answer; what it turns out to be is the callback's argument ``outcome``."""
        target = self._target(request)
        capture = to_capture(request, response, self.spider.source.slug, target)
        try:
            request.cb_kwargs["outcome"] = await self.spider.record(capture)
        except Exception as error:
            # Whatever it is, it is not the page: the crawl ends and says so.
            self.spider.give_up(error)
            raise
        return response

    def _target(self, request: Request) -> Target:
        # Only robots.txt is asked for by somebody else, a middleware.
        found: Target | None = request.meta.get(TARGET)
        path = urlsplit(request.url).path
        return found or Target(self.spider.source.home + path, None, "robots")


def to_capture(request: Request, response: Response, source: str, target: Target) -> Capture:
    """A Scrapy response as a capture; header names are as Scrapy spells them."""
    return Capture(
        url=response.url,
        address=target.address,
        source=source,
        channel=target.channel,
        role=target.role,
        fetched_at=stamp(now()),
        status=response.status,
        headers=_header_pairs(response.headers),
        body=response.body,
        truncated="dataloss" in response.flags or "partial" in response.flags,
        request=_header_pairs(request.headers),
    )


def _header_pairs(headers: Headers) -> tuple[tuple[str, str], ...]:
    return tuple(
        (header_text(name), header_text(value))
        for name, values in headers.items()
        for value in values
    )
