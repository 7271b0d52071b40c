"""The one spider: walks the lists of a source's channels, then asks for the pages that are due.

What an answer means is decided by the archive as it ingests it; the spider only goes on from
there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import scrapy
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.exceptions import CloseSpider, DownloadCancelledError, IgnoreRequest
from scrapy.http import Request, Response
from scrapy.statscollectors import StatsCollector
from twisted.python.failure import Failure

from archive.captures.warc import Capture
from archive.clock import now, stamp
from archive.errors import IncidentKind
from archive.sources import Channel, Source
from archive.storage.crawl_log import DuePage
from archive.storage.incidents import Incident
from archive.storage.ingest import Outcome
from archive.storage.store import Store
from crawler.middlewares import TARGET, RobotsUnavailable, Target
from crawler.platforms import PLATFORMS
from crawler.platforms.step import Step
from crawler.progress import Progress

# A host that fails this often in a row is down or blocks us: it is left alone until the next crawl.
FAILURES_IN_A_ROW = 5
MAX_HOPS = 5
# The longest list known, of 地方信息, had 670 pages in 2026.
MAX_LISTS = 5000
# Enough lines for a mail from cron; a redesign can fail every page.
SHOWN_FAILURES = 20
# Incidents that a second try often mends.
_TEMPORARY = ("truncated", "empty")
# Incidents that are the host's doing rather than one page's.
_HOST_INCIDENTS = ("unreachable", "wall-", "http-")
_ENDLESS = "one address leads to another without end: look where the site moved it"

# The columns of ``crawls`` that count something.
COUNTS = ("lists", "asked", "same", "new", "changed", "held", "missing", "failed")
_COUNTED = {
    "new": "new",
    "revised": "changed",
    "same": "same",
    "held": "held",
    "missing": "missing",
}


@dataclass(frozen=True, slots=True)
class SourceJob:
    """What one source's crawl is to do.

    ``base_url`` replaces scheme and host of what is fetched; ``since`` leaves out what was listed
    before; ``full`` walks every list to its end and asks for every page; ``max_new`` bounds the
    pages never captured before, for each channel.
    """

    source: Source
    channels: tuple[Channel, ...]
    store: Store
    progress: Progress
    base_url: str | None = None
    since: date | None = None
    full: bool = False
    max_new: int | None = None


@dataclass(slots=True)
class ChannelRun:
    """One channel's part of a crawl, as it will stand in ``crawls``.

    The counts are Scrapy's stats ``bulletins/<channel>/<count>``. ``settled`` is when the last
    crawl ended that walked the whole list, None if that does not matter or never happened.
    """

    channel: Channel
    crawl: int
    settled: str | None
    stats: StatsCollector
    walked: bool = False
    asked: set[str] = field(default_factory=set)
    # Until its walk is over a channel has at least its list to ask for.
    due: int = 1
    listed: set[str] = field(default_factory=set)
    problem: str | None = None

    def count(self, name: str) -> int:
        """Count one more of ``name``; how many there are now."""
        self.stats.inc_value(self._key(name))
        return self.counted(name)

    def counted(self, name: str) -> int:
        """How many of ``name`` there are."""
        return int(self.stats.get_value(self._key(name), 0))

    def _key(self, name: str) -> str:
        return f"bulletins/{self.channel.slug}/{name}"


class BulletinSpider(scrapy.Spider):
    """Crawls the channels of one source into a store."""

    name = "bulletins"
    # The archive unpacks answers by itself, within bounds, after they are kept as sent.
    custom_settings = {"COMPRESSION_ENABLED": False}  # noqa: RUF012 (declared by Scrapy)

    def __init__(self, job: SourceJob, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.source = job.source
        self.store = job.store
        self.runs: dict[str, ChannelRun] = {}
        self.failed_in_a_row = 0
        self.fatal: BaseException | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        if "job" not in kwargs:
            raise SystemExit(
                "scrapy: this spider needs a store: run `bulletins crawl SOURCE` instead"
            )
        return super().from_crawler(crawler, *args, **kwargs)

    async def start(self) -> AsyncIterator[Request]:
        """The first step of each channel's list."""
        try:
            steps = list(self._first_steps())
        except Exception as error:
            self.give_up(error)
            return
        for step in steps:
            yield step

    def _first_steps(self) -> Iterator[Request]:
        for channel in self.job.channels:
            crawl = self.store.begin_crawl(self.source.slug, channel.slug, stamp(now()))
            settled = self.store.crawls.settled_before(self.source.slug, channel.slug)
            run = ChannelRun(channel, crawl, None if self.job.full else settled, self.crawler.stats)
            self.runs[channel.slug] = run
            first = PLATFORMS[channel.platform].first(self.source, channel)
            yield self._list_request(run, first)

    def give_up(self, error: BaseException | None) -> None:
        """Remember the first error that is not one page's; ``crawl`` raises it in the end."""
        if self.fatal is None and error is not None:
            self.fatal = error

    def record(self, capture: Capture) -> Outcome:
        """Keep an answer and say what it is; the capture middleware calls it."""
        return self.store.record(capture)

    # Lists

    def _list_request(self, run: ChannelRun, step: Step, hops: int = 0) -> Request:
        target = Target(step.address, run.channel.slug, step.role)
        return self._request(
            target, self.parse_list, {"run": run, "step": step, "hops": hops}, priority=10
        )

    def parse_list(
        self, response: Response, run: ChannelRun, step: Step, hops: int, outcome: Outcome
    ) -> Iterator[Request]:
        """Go on through the list, or to its pages where the walk is over."""
        lists = run.count("lists")
        if outcome.kind == "failed":
            yield from self._retry(response, outcome) or self._list_failed(run, outcome)
            return
        self.failed_in_a_row = 0
        if outcome.kind == "moved" and outcome.location:
            if hops < MAX_HOPS:
                moved = Step(outcome.location, step.role, step.number)
                yield self._list_request(run, moved, hops + 1)
            else:
                yield from self._list_failed(run, self._endless(run, step.address))
            return
        platform = PLATFORMS[run.channel.platform]
        following = platform.after(step, self.source, run.channel, outcome)
        if self._walk_is_over(run, outcome) or following is None:
            yield from self._due_requests(run)
        elif lists >= MAX_LISTS:
            yield from self._list_failed(run, self._endless(run, step.address))
        else:
            yield self._list_request(run, following)

    def _walk_is_over(self, run: ChannelRun, outcome: Outcome) -> bool:
        """Whether the list ended, repeats itself, or reached what earlier crawls settled."""
        if outcome.kind == "column":
            return False
        rows = frozenset(row.address for row in outcome.rows)
        self.job.progress.listed(
            self.source.slug, run.channel.slug, run.counted("lists"), len(rows)
        )
        if outcome.kind == "end" or rows <= run.listed:
            run.walked = True
            return True
        run.listed |= rows
        if run.settled is not None and all(self._is_settled(run, row) for row in rows):
            run.walked = True
            return True
        since = self.job.since
        return since is not None and all(row.listed and row.listed < since for row in outcome.rows)

    def _is_settled(self, run: ChannelRun, address: str) -> bool:
        first_listed = self.store.crawls.first_listed(address)
        return first_listed is not None and first_listed <= (run.settled or "")

    def _list_failed(self, run: ChannelRun, outcome: Outcome) -> Iterator[Request]:
        self._failure(run, "list", outcome)
        yield from self._due_requests(run)

    # Pages

    def _due_requests(self, run: ChannelRun) -> Iterator[Request]:
        due = self.store.crawls.due(
            self.source.slug,
            run.channel.slug,
            stamp(now()),
            full=self.job.full,
            since=self.job.since,
            limit=self.job.max_new,
        )
        run.due = len(due)
        self.job.progress.due(self.source.slug, run.channel.slug, len(due))
        for page in due:
            if page.address not in run.asked:
                run.asked.add(page.address)
                yield self._page_request(run, page)

    def _page_request(
        self, run: ChannelRun, page: DuePage, hops: int = 0, listed: str | None = None
    ) -> Request:
        headers = {"If-None-Match": page.etag, "If-Modified-Since": page.last_modified}
        return self._request(
            Target(page.address, run.channel.slug, "page"),
            self.parse_page,
            {"run": run, "listed": listed or page.address, "hops": hops},
            headers={name: value for name, value in headers.items() if value},
        )

    def parse_page(
        self, response: Response, run: ChannelRun, listed: str, hops: int, outcome: Outcome
    ) -> Iterator[Request]:
        """Count what a page turned out to be; follow where it moved within the site.

        ``listed`` is the address that the list has for it, before ``hops`` redirects.
        """
        if outcome.kind == "failed":
            if retry := self._retry(response, outcome):
                yield from retry
                return
            target: Target = response.meta[TARGET]
            self._page_done(run)
            self._failure(run, target.address, outcome)
            return
        self.failed_in_a_row = 0
        if outcome.kind == "moved" and outcome.location:
            moved_to = outcome.location
            if hops >= MAX_HOPS:
                self._failure(run, listed, self._endless(run, listed))
            elif moved_to not in run.asked:
                run.asked.add(moved_to)
                yield self._page_request(run, DuePage(moved_to, None, None), hops + 1, listed)
                return
        if outcome.kind in _COUNTED:
            run.count(_COUNTED[outcome.kind])
        self._page_done(run)

    def _page_done(self, run: ChannelRun) -> None:
        run.count("asked")
        self.job.progress.page(self.source.slug, run.channel.slug)

    # Failures

    def _endless(self, run: ChannelRun, address: str) -> Outcome:
        """More redirects than any site means: an incident without a response of its own."""
        outcome = Outcome("failed", incident="moved", message=_ENDLESS)
        self._incident(run, address, "moved", _ENDLESS)
        return outcome

    def _incident(self, run: ChannelRun, address: str, kind: IncidentKind, message: str) -> None:
        self.store.incident(
            Incident(stamp(now()), self.source.slug, run.channel.slug, address, kind, message)
        )

    def _retry(self, response: Response, outcome: Outcome) -> list[Request]:
        if outcome.incident not in _TEMPORARY or response.request is None:
            return []
        again = get_retry_request(response.request, spider=self, reason=outcome.incident)
        return [again] if again else []

    def no_answer(self, failure: Failure) -> Iterator[Request]:
        """There was no response: write the incident down and go on with what is left."""
        if self.fatal is not None:
            raise CloseSpider("fatal")
        request: Request = failure.request  # type: ignore[attr-defined]
        run: ChannelRun = request.cb_kwargs["run"]
        target: Target = request.meta[TARGET]
        kind, message = incident_without_answer(failure.value, urlsplit(request.url).netloc)
        self._incident(run, target.address, kind, message)
        outcome = Outcome("failed", incident=kind, message=message)
        if target.role != "page":
            yield from self._list_failed(run, outcome)
            return
        self._page_done(run)
        if kind == "forbidden":
            self.job.progress.say(f"{self.source.slug}: {target.address}: {message}")
        else:
            self._failure(run, target.address, outcome)

    def _failure(self, run: ChannelRun, what: str, outcome: Outcome) -> None:
        """Say and count a failure; enough of the host's own making in a row end the crawl."""
        failures = run.count("failed")
        run.problem = run.problem or f"{what}: {outcome.message}"
        if failures <= SHOWN_FAILURES:
            where = f"{self.source.slug} {run.channel.slug}"
            self.job.progress.say(f"{where}: {what}: {outcome.message}")
        elif failures == SHOWN_FAILURES + 1:
            self.job.progress.say(f"{self.source.slug}: more failures are in the table incidents")
        is_the_hosts = (outcome.incident or "").startswith(_HOST_INCIDENTS)
        self.failed_in_a_row = self.failed_in_a_row + 1 if is_the_hosts else 0
        if self.failed_in_a_row >= FAILURES_IN_A_ROW:
            self.job.progress.say(
                f"{self.source.slug}: {FAILURES_IN_A_ROW} failures in a row, left alone until the "
                "next crawl"
            )
            raise CloseSpider("failing")

    def _request(
        self, target: Target, callback: Any, arguments: dict[str, Any], **extra: Any
    ) -> Request:
        return Request(
            self._fetched(target.address),
            callback=callback,
            errback=self.no_answer,
            cb_kwargs=arguments,
            meta={TARGET: target, "handle_httpstatus_all": True, "dont_redirect": True},
            dont_filter=True,
            **extra,
        )

    def _fetched(self, address: str) -> str:
        """What is asked for in place of a canonical address: the same, or its mirror's."""
        if self.job.base_url is None:
            return address
        base, parts = urlsplit(self.job.base_url), urlsplit(address)
        return urlunsplit((base.scheme, base.netloc, parts.path, parts.query, ""))

    def closed(self, reason: str) -> None:
        """Write each channel's row of ``crawls``; an error here would be lost in Scrapy's log."""
        try:
            for run in self.runs.values() if self.fatal is None else ():
                self.store.finish_crawl(run.crawl, _row(run, reason))
        except Exception as error:
            self.give_up(error)


def _row(run: ChannelRun, reason: str) -> dict[str, str | int | None]:
    """How a channel's crawl ended, as its row of ``crawls`` says it."""
    counts = {name: run.counted(name) for name in COUNTS}
    failed = counts["failed"] > 0
    unfinished = reason != "finished" and counts["asked"] < run.due
    stopped = reason not in ("finished", "failing") or (unfinished and not failed)
    return {
        "finished_at": stamp(now()),
        "outcome": "stopped" if stopped else "failed" if failed else "good",
        "walked": int(run.walked),
        "message": run.problem,
        **counts,
    }


def incident_without_answer(error: BaseException | None, host: str) -> tuple[IncidentKind, str]:
    """The incident's kind and message for a request that brought no response."""
    if isinstance(error, RobotsUnavailable):
        return "unreachable", (
            f"{host} cannot be asked for its robots.txt ({error}), so nothing is asked of it: "
            "check the connection, or wait for the next night"
        )
    if isinstance(error, IgnoreRequest):
        return "forbidden", "robots.txt of the site forbids this address; it is left alone"
    if isinstance(error, DownloadCancelledError):
        return "too-large", "the answer is larger than 64 MB and was not kept: look at it by hand"
    return "unreachable", (
        f"no answer from {host} ({type(error).__name__}: {error}): check the connection, or wait "
        "for the next night"
    )
