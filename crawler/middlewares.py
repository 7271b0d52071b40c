"""Downloader middlewares: every answer becomes a capture, and robots.txt is obeyed in full."""

from __future__ import annotations

import asyncio
from typing import Any, Self

from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request, Response
from scrapy.robotstxt import RobotParser

from archive.captures.decode import unpack
from archive.captures.warc import Capture, header_text
from archive.clock import now, stamp
from archive.errors import Unreadable

MAX_ROBOTS_BYTES = 500 * 1024


class RobotsUnavailable(IgnoreRequest):
    """robots.txt could not be had, so nothing may be asked of the host for now."""


class RobotsMiddleware(RobotsTxtMiddleware):
    """Scrapy's robots.txt middleware with two holes closed.

    Scrapy 2.18 and 2.19 let requests through that wait while robots.txt is under way; here they
    queue for it. A robots.txt that cannot be fetched, or is answered with a server error or 429,
    forbids everything (RFC 9309, 2.3.1.4) instead of nothing. Of a long one the first 500 KB are
    read, as the same standard has it (2.5). The delay is the source file's, at least a second.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._one_at_a_time = asyncio.Lock()
        self._why_not: dict[str, str] = {}

    async def robot_parser(self, request: Request) -> RobotParser | None:
        """The host's rules; raises RobotsUnavailable when they cannot be had."""
        async with self._one_at_a_time:
            parser = await super().robot_parser(request)
        netloc = request.url.split("/")[2]
        if netloc in self._why_not:
            raise RobotsUnavailable(self._why_not[netloc])
        return parser

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
    """Hands every answer to the spider's store as a capture, before anything else sees it."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def process_response(self, request: Request, response: Response) -> Response:
        """Record the answer and leave what it turned out to be in ``request.meta``."""
        spider: Any = self.crawler.spider
        capture = to_capture(request, response, spider.source.slug, spider.address_of(request))
        try:
            request.meta["outcome"] = spider.record(capture)
        except Exception as error:
            # Whatever it is, it is not the page: the crawl ends and says so.
            spider.give_up(error)
            raise
        return response


def to_capture(request: Request, response: Response, source: str, address: str) -> Capture:
    """A Scrapy response as a capture; header names are as Scrapy spells them."""
    return Capture(
        url=response.url,
        address=address,
        source=source,
        channel=request.meta.get("channel"),
        role=request.meta.get("role", "robots"),
        fetched_at=stamp(now()),
        status=response.status,
        headers=tuple(
            (header_text(name), header_text(value))
            for name, values in response.headers.items()
            for value in values
        ),
        body=response.body,
        truncated="dataloss" in response.flags or "partial" in response.flags,
    )
