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

from archive.captures.decode import unpack
from archive.captures.warc import Capture, Role, header_text
from archive.clock import now, stamp
from archive.errors import Unreadable
from archive.sources import Source
from archive.storage.ingest import Outcome

MAX_ROBOTS_BYTES = 500 * 1024
# The key of ``Request.meta`` under which a request has its Target.
TARGET = "target"


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

    def record(self, capture: Capture) -> Outcome:
        """Keep an answer and say what it is."""

    def give_up(self, error: BaseException) -> None:
        """End the crawl with this error."""


class RobotsUnavailable(IgnoreRequest):
    """robots.txt could not be read, so nothing may be asked of the host for now."""


class RobotsMiddleware(RobotsTxtMiddleware):
    """Scrapy's robots.txt middleware with two holes closed.

    Scrapy 2.18 and 2.19 let requests through that wait while robots.txt is on its way; here they
    queue for it. A robots.txt that cannot be fetched, or is answered with a server error or 429,
    forbids everything (RFC 9309, 2.3.1.4) instead of nothing. Of a long one the first 500 KB are
    read, as the same standard says (2.5). The delay is the source file's, at least a second.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._one_at_a_time = asyncio.Lock()
        self._why_not: dict[str, str] = {}

    async def robot_parser(self, request: Request) -> RobotParser | None:
        """The host's rules; raises RobotsUnavailable when they cannot be had."""
        async with self._one_at_a_time:
            parser = await super().robot_parser(request)
        netloc = urlsplit(request.url).netloc
        if netloc in self._why_not:
            raise RobotsUnavailable(self._why_not[netloc])
        return parser

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Name a robots.txt without an answer, which Scrapy would log with a traceback."""
        if request.meta.get("dont_obey_robotstxt"):
            raise RobotsUnavailable(str(exception) or type(exception).__name__) from exception

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        if response.status >= 500 or response.status == 429:
            raise RobotsUnavailable(f"robots.txt is answered with {response.status}")
        body = b""
        if response.status == 200:
            coding = header_text(response.headers.get("Content-Encoding") or b"")
            try:
                body = unpack(response.body, coding)[:MAX_ROBOTS_BYTES]
            except Unreadable as error:
                raise RobotsUnavailable(f"robots.txt cannot be read: {error}") from error
        response = response.replace(body=body)
        await super()._parse_robots(response, netloc, request)

    def _robots_error(self, exc: Exception, netloc: str) -> None:
        self._why_not[netloc] = str(exc) or type(exc).__name__
        super()._robots_error(exc, netloc)


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

    def process_response(self, request: Request, response: Response) -> Response:
        """Record the answer; what it turned out to be is the callback's argument ``outcome``."""
        # Only robots.txt is asked for by somebody else, a middleware.
        target = request.meta.get(TARGET) or Target(
            self.spider.source.home + urlsplit(request.url).path, None, "robots"
        )
        capture = to_capture(request, response, self.spider.source.slug, target)
        try:
            request.cb_kwargs["outcome"] = self.spider.record(capture)
        except Exception as error:
            # Whatever it is, it is not the page: the crawl ends and says so.
            self.spider.give_up(error)
            raise
        return response


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
