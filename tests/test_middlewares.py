"""Scrapy's hooks one by one, in this process: robots.txt's rules, and answers made captures.

tests/test_politeness.py has the same promises as a server sees them.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy import Spider
from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.http import Request, Response
from scrapy.utils.test import get_crawler

from archive.captures.warc import Capture
from archive.errors import CannotWrite
from archive.storage.ingest import Outcome
from archive.storage.robots import MAX_BYTES
from crawler.middlewares import (
    TARGET,
    CaptureMiddleware,
    RobotsMiddleware,
    RobotsUnavailable,
    Target,
    to_capture,
)
from crawler.patience import Patience
from tests.test_store import SOURCES

PAGE = "https://www.sample.example/xwfb/1.html"
RULES = b"User-agent: *\nDisallow: /closed/\n"


class Engine:
    """Answers requests for robots.txt, and counts those under way."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0

    async def download_async(self, request: Request) -> Response:
        self.asked.append(request.url)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.01)
        self.at_once -= 1
        return self.answer(request)


def robots(
    status: int = 200, body: bytes = RULES, error: Exception | None = None, **headers: str
) -> tuple[RobotsMiddleware, Engine]:
    """The middleware of a crawl whose hosts all answer so for robots.txt."""

    def answer(request: Request) -> Response:
        if error is not None:
            raise error
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Response(request.url, status=status, body=body, headers=named)

    crawler = get_crawler(
        Spider, {"ROBOTSTXT_OBEY": True, "ROBOTSTXT_USER_AGENT": "ministry-bulletin-archive"}
    )
    crawler.stats = SimpleNamespace(inc_value=lambda *_: None)  # type: ignore[assignment]
    crawler.spider = None
    engine = Engine(answer)
    crawler.engine = engine  # type: ignore[assignment]
    return RobotsMiddleware.from_crawler(crawler), engine


def ask(middleware: RobotsMiddleware, *urls: str) -> list[str]:
    """What becomes of requests made at the same time: allowed, or the reason why not."""

    async def one(url: str) -> str:
        try:
            await middleware.process_request(Request(url))
        except RobotsUnavailable as error:
            return f"unavailable: {error}"
        except IgnoreRequest:
            return "forbidden"
        return "allowed"

    async def all_of_them() -> list[str]:
        return list(await asyncio.gather(*map(one, urls)))

    return asyncio.run(all_of_them())


def test_requests_that_wait_for_robots_txt_are_judged_by_it_too() -> None:
    middleware, engine = robots()
    closed = [f"https://www.sample.example/closed/{n}.html" for n in range(6)]
    assert ask(middleware, *closed, PAGE) == ["forbidden"] * 6 + ["allowed"]
    assert engine.asked == ["https://www.sample.example/robots.txt"]


def test_every_host_has_rules_of_its_own() -> None:
    middleware, engine = robots()
    other = "https://other.example:8443/closed/1.html"
    assert ask(middleware, PAGE, other) == ["allowed", "forbidden"]
    assert engine.asked == [
        "https://www.sample.example/robots.txt",
        "https://other.example:8443/robots.txt",
    ]


@pytest.mark.parametrize("status", [429, 500, 503, 520, 522, 599])
def test_no_rules_for_now_means_nothing_may_be_asked(status: int) -> None:
    middleware, engine = robots(status)
    said, again = ask(middleware, PAGE, PAGE)
    assert said == again
    assert said.startswith(f"unavailable: robots.txt is answered with {status}: nothing is asked")
    # The answer stands for the rest of the crawl.
    assert ask(middleware, PAGE) == [said]
    # Before that it was asked for three times.
    assert len(engine.asked) == 3


@pytest.mark.parametrize("status", [204, 301, 401, 403, 404, 410, 428, 430, 499])
def test_no_rules_at_all_allow_everything(status: int) -> None:
    """RFC 9309, 2.3.1.3; the body of such an answer is no list of rules."""
    middleware, _ = robots(status, b"User-agent: *\nDisallow: /\n")
    assert ask(middleware, PAGE) == ["allowed"]


@pytest.mark.parametrize(
    ("error", "said"), [(OSError("refused"), "refused"), (TimeoutError(), "TimeoutError")]
)
def test_no_answer_means_nothing_may_be_asked(error: Exception, said: str) -> None:
    middleware, _ = robots(error=error)
    assert ask(middleware, PAGE, PAGE) == [f"unavailable: {said}"] * 2


def test_packed_rules_are_unpacked_and_broken_ones_forbid_everything() -> None:
    packed = gzip.compress(RULES)
    middleware, _ = robots(body=packed, Content_Encoding="gzip")
    assert ask(middleware, PAGE, "https://www.sample.example/closed/1") == ["allowed", "forbidden"]
    middleware, _ = robots(body=RULES, Content_Encoding="gzip")
    [said] = ask(middleware, PAGE)
    assert said.startswith("unavailable: robots.txt cannot be read (the compressed body is broken")
    middleware, _ = robots(body=RULES, Content_Encoding="br")
    assert "'br'" in ask(middleware, PAGE)[0]


def test_the_first_half_megabyte_of_rules_is_read() -> None:
    """RFC 9309, 2.5."""
    start = b"User-agent: *\n"
    filler = b"#" * (MAX_BYTES - len(start) - 1 - len(b"Disallow: /in/\n")) + b"\n"
    rules = start + filler + b"Disallow: /in/\n" + b"Disallow: /beyond/\n"
    assert rules.index(b"Disallow: /beyond") == MAX_BYTES == 500 * 1024
    middleware, _ = robots(body=rules)
    urls = [f"https://www.sample.example/{folder}/1.html" for folder in ("in", "beyond")]
    assert ask(middleware, *urls) == ["forbidden", "allowed"]


# Captures


def respond(**changes: Any) -> Response:
    values: dict[str, Any] = {
        "url": "http://127.0.0.1:8000/xwfb/1.html",
        "status": 404,
        "headers": {"ETag": '"1"', "Set-Cookie": ["a=1", "b=2"], "X-Place": "样".encode()},
        "body": b"\x1f\x8b packed",
    }
    return Response(**(values | changes))


TO_PAGE = Target(PAGE, "xwfb", "page")


def test_an_answer_becomes_a_capture_as_it_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BULLETINS_NOW", "2026-11-01T18:00:00Z")
    request = Request(PAGE, headers={"If-None-Match": '"1"', "X-Place": "样".encode()})
    capture = to_capture(request, respond(), "sample", TO_PAGE)
    assert capture.request == (("If-None-Match", '"1"'), ("X-Place", "%E6%A0%B7"))
    assert capture.asked("if-none-match") == '"1"'
    assert capture.asked("Accept") == ""
    assert capture.url == "http://127.0.0.1:8000/xwfb/1.html"
    assert (capture.address, capture.source) == (PAGE, "sample")
    assert (capture.channel, capture.role) == ("xwfb", "page")
    assert capture.fetched_at == "2026-11-01T18:00:00Z"
    assert capture.status == 404
    assert capture.body == b"\x1f\x8b packed"
    assert not capture.truncated
    assert sorted(capture.headers) == [
        ("Etag", '"1"'),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("X-Place", "%E6%A0%B7"),
    ]


@pytest.mark.parametrize(("flag", "cut"), [("dataloss", True), ("partial", True), ("x", False)])
def test_a_body_that_ended_early_is_marked(flag: str, cut: bool) -> None:
    assert to_capture(Request(PAGE), respond(flags=[flag]), "sample", TO_PAGE).truncated is cut


class Keeper(Spider):
    """A spider that records answers, or fails to."""

    name = "keeper"
    source = SOURCES["mohurd"]
    patience = Patience(0)

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error = error
        self.kept: list[Capture] = []
        self.given_up: list[BaseException] = []
        self.requested: list[Target] = []

    def sent(self, target: Target) -> None:
        self.requested.append(target)

    async def record(self, capture: Capture) -> asyncio.Future[Outcome]:
        if self.error is not None:
            raise self.error
        self.kept.append(capture)
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        outcome.set_result(Outcome("new"))
        return outcome

    def give_up(self, error: BaseException) -> None:
        self.given_up.append(error)


def keeping(spider: Spider) -> CaptureMiddleware:
    return CaptureMiddleware.from_crawler(SimpleNamespace(spider=spider))  # type: ignore[arg-type]


def passes(spider: Spider, request: Request, response: Response) -> Response:
    """What becomes of an answer in the middleware."""
    return asyncio.run(keeping(spider).process_response(request, response))


def test_an_answer_is_kept_before_anybody_sees_it() -> None:
    spider, response = Keeper(), respond()
    request = Request(response.url, meta={TARGET: TO_PAGE})
    assert passes(spider, request, response) is response
    assert request.cb_kwargs["outcome"].result() == Outcome("new")
    [capture] = spider.kept
    assert (capture.source, capture.address, capture.channel) == ("mohurd", PAGE, "xwfb")
    assert (capture.url, capture.body) == (response.url, response.body)


def test_a_request_without_a_target_is_for_robots_txt() -> None:
    spider = Keeper()
    request = Request("http://127.0.0.1:8000/robots.txt")
    passes(spider, request, respond(url=request.url))
    [capture] = spider.kept
    assert capture.address == f"{spider.source.home}/robots.txt"
    assert (capture.channel, capture.role) == (None, "robots")


def test_an_answer_that_cannot_be_kept_ends_the_crawl() -> None:
    full = CannotWrite("cannot write")
    spider = Keeper(full)
    with pytest.raises(CannotWrite):
        passes(spider, Request(PAGE, meta={TARGET: TO_PAGE}), respond())
    assert spider.given_up == [full]


def test_a_spider_that_keeps_nothing_does_without() -> None:
    with pytest.raises(NotConfigured):
        keeping(Spider(name="shell"))


@pytest.mark.parametrize(
    ("error", "said"), [(OSError("refused"), "refused"), (TimeoutError(), "TimeoutError")]
)
def test_only_robots_txt_without_an_answer_is_named(error: Exception, said: str) -> None:
    middleware, _ = robots()
    middleware.process_exception(Request(PAGE), error)
    asked = Request(PAGE, meta={"dont_obey_robotstxt": True})
    with pytest.raises(RobotsUnavailable) as raised:
        middleware.process_exception(asked, error)
    assert str(raised.value) == said
