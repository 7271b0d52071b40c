"""The one spider: walks the lists of a source's channels, then asks for the pages that are due.

What an answer means is decided by the archive as it ingests it; the spider only goes on from
there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import scrapy
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.exceptions import CloseSpider, DownloadCancelledError, IgnoreRequest
from scrapy.http import Request, Response
from twisted.python.failure import Failure

from archive.captures.warc import Capture
from archive.clock import now, stamp
from archive.sources import Channel, Source
from archive.storage.ingest import Outcome
from archive.storage.store import DuePage, Store
from crawler.middlewares import RobotsUnavailable
from crawler.platforms import PLATFORMS
from crawler.platforms.step import Step
from crawler.progress import Progress

# A host that fails this often in a row is down or has shut us out: it is left alone till tomorrow.
FAILURES_IN_A_ROW = 5
MAX_HOPS = 5
# The longest list known, of 地方信息, had 670 pages in 2026.
MAX_LISTS = 5000
# Enough lines for a mail from cron; a redesign can fail every page.
SAID_FAILURES = 20
# Answers that a second try often mends.
_FLEETING = ("truncated", "empty")
# Incidents that are the host's doing rather than one page's.
_SHUT_OUT = ("unreachable", "wall-", "http-")
_CIRCLES = "one address leads to another without end: look where the site moved it"


COUNTS = ("lists", "pages", "unchanged", "new_bulletins", "new_revisions", "missing", "failures")
_COUNTED = {
    "new": "new_bulletins",
    "revised": "new_revisions",
    "same": "unchanged",
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
    """One channel's part of a crawl, as it will stand in ``crawls``."""

    channel: Channel
    crawl: int
    settled: str | None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    walked: bool = False
    asked: set[str] = field(default_factory=set)
    # Until its walk is over a channel has at least its list to ask for.
    due: int = 1
    listed: set[str] = field(default_factory=set)
    problem: str | None = None

    @property
    def failed(self) -> bool:
        """Whether anything of it failed."""
        return self.counts["failures"] > 0

    def count(self, name: str) -> None:
        """One more of ``name``."""
        self.counts[name] += 1


class BulletinSpider(scrapy.Spider):
    """Crawls the channels of one source into a store."""

    name = "bulletins"

    def __init__(self, job: SourceJob, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.source = job.source
        self.store = job.store
        self.runs: dict[str, ChannelRun] = {}
        self.failed_in_a_row = 0
        self.fatal: BaseException | None = None

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
            settled = self.store.settled_before(self.source.slug, channel.slug)
            self.runs[channel.slug] = ChannelRun(channel, crawl, None if self.job.full else settled)
            first = PLATFORMS[channel.platform].first(self.source, channel)
            yield self._step_request(channel, first)

    def give_up(self, error: BaseException | None) -> None:
        """Remember the first error that is no page's; ``crawl`` raises it when all has stopped."""
        if self.fatal is None and error is not None:
            self.fatal = error

    # What the capture middleware asks

    def record(self, capture: Capture) -> Outcome:
        """Keep an answer and say what it is."""
        return self.store.record(capture)

    def address_of(self, request: Request) -> str:
        """The canonical address of a request; robots.txt is asked for by a middleware."""
        address = request.meta.get("address")
        return str(address) if address else self.source.home + urlsplit(request.url).path

    # Lists

    def _step_request(self, channel: Channel, step: Step, hops: int = 0) -> Request:
        return self._request(
            step.address, channel, step.role, self.parse_list, priority=10, step=step, hops=hops
        )

    def parse_list(self, response: Response) -> Iterator[Request]:
        """Go on through the list, or to its pages where the walk is over."""
        run, outcome = self.runs[response.meta["channel"]], response.meta["outcome"]
        step: Step = response.meta["step"]
        run.count("lists")
        if outcome.kind == "failed":
            yield from self._retry(response) or self._list_failed(run, outcome)
            return
        self.failed_in_a_row = 0
        if outcome.kind == "moved":
            if response.meta["hops"] < MAX_HOPS:
                moved = Step(outcome.location, step.role, step.number)
                yield self._step_request(run.channel, moved, response.meta["hops"] + 1)
            else:
                yield from self._list_failed(run, self._in_circles(run, step.address))
            return
        platform = PLATFORMS[run.channel.platform]
        following = platform.after(step, self.source, run.channel, outcome)
        if self._walk_is_over(run, outcome) or following is None:
            yield from self._due_requests(run)
        elif run.counts["lists"] >= MAX_LISTS:
            yield from self._list_failed(run, self._in_circles(run, step.address))
        else:
            yield self._step_request(run.channel, following)

    def _walk_is_over(self, run: ChannelRun, outcome: Outcome) -> bool:
        """Whether the list ended, repeats itself, or reached what earlier crawls settled."""
        if outcome.kind == "column":
            return False
        rows = frozenset(row.address for row in outcome.rows)
        self.job.progress.listed(self.source.slug, run.channel.slug, run.counts["lists"], len(rows))
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
        first_listed = self.store.first_listed(address)
        return first_listed is not None and first_listed <= (run.settled or "")

    def _list_failed(self, run: ChannelRun, outcome: Outcome) -> Iterator[Request]:
        self._failure(run, "list", outcome)
        yield from self._due_requests(run)

    # Pages

    def _due_requests(self, run: ChannelRun) -> Iterator[Request]:
        due = self.store.due(
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
                yield self._page_request(run.channel, page)

    def _page_request(
        self, channel: Channel, page: DuePage, hops: int = 0, listed: str | None = None
    ) -> Request:
        headers = {"If-None-Match": page.etag, "If-Modified-Since": page.last_modified}
        return self._request(
            page.address,
            channel,
            "page",
            self.parse_page,
            headers={name: value for name, value in headers.items() if value},
            hops=hops,
            listed=listed or page.address,
        )

    def parse_page(self, response: Response) -> Iterator[Request]:
        """Count what a page turned out to be; follow where it moved within the site."""
        run, outcome = self.runs[response.meta["channel"]], response.meta["outcome"]
        if outcome.kind == "failed":
            if retry := self._retry(response):
                yield from retry
                return
            self._page_done(run)
            self._failure(run, response.meta["address"], outcome)
            return
        self.failed_in_a_row = 0
        if outcome.kind == "moved":
            target, hops = outcome.location, response.meta["hops"] + 1
            if hops > MAX_HOPS:
                listed = response.meta["listed"]
                self._failure(run, listed, self._in_circles(run, listed))
            elif target not in run.asked:
                run.asked.add(target)
                following = DuePage(target, None, None)
                yield self._page_request(run.channel, following, hops, response.meta["listed"])
                return
        if outcome.kind in _COUNTED:
            run.count(_COUNTED[outcome.kind])
        self._page_done(run)

    def _page_done(self, run: ChannelRun) -> None:
        run.count("pages")
        self.job.progress.page(self.source.slug, run.channel.slug)

    # Failures

    def _in_circles(self, run: ChannelRun, address: str) -> Outcome:
        """More redirects than any site means: an incident without a response of its own."""
        outcome = Outcome("failed", incident="moved", message=_CIRCLES)
        self.store.incident(
            stamp(now()), self.source.slug, run.channel.slug, address, "moved", _CIRCLES
        )
        return outcome

    def _retry(self, response: Response) -> list[Request]:
        outcome: Outcome = response.meta["outcome"]
        if outcome.incident not in _FLEETING or response.request is None:
            return []
        again = get_retry_request(response.request, spider=self, reason=outcome.incident)
        return [again] if again else []

    def no_answer(self, failure: Failure) -> Iterator[Request]:
        """There was no response: write the incident down and go on with what is left."""
        if self.fatal is not None:
            raise CloseSpider("fatal")
        request: Request = failure.request  # type: ignore[attr-defined]
        run = self.runs[request.meta["channel"]]
        kind, message = _explain(failure.value, urlsplit(request.url).netloc)
        self.store.incident(
            stamp(now()),
            self.source.slug,
            run.channel.slug,
            request.meta["address"],
            kind,
            message,
        )
        outcome = Outcome("failed", incident=kind, message=message)
        if request.meta["role"] != "page":
            yield from self._list_failed(run, outcome)
            return
        self._page_done(run)
        if kind == "forbidden":
            self.job.progress.say(f"{self.source.slug}: {request.meta['address']}: {message}")
        else:
            self._failure(run, request.meta["address"], outcome)

    def _failure(self, run: ChannelRun, what: str, outcome: Outcome) -> None:
        """Say and count a failure; enough of the host's own making in a row end the crawl."""
        run.count("failures")
        run.problem = run.problem or f"{what}: {outcome.message}"
        if run.counts["failures"] <= SAID_FAILURES:
            where = f"{self.source.slug} {run.channel.slug}"
            self.job.progress.say(f"{where}: {what}: {outcome.message}")
        elif run.counts["failures"] == SAID_FAILURES + 1:
            self.job.progress.say(f"{self.source.slug}: more failures are in the table incidents")
        shut_out = (outcome.incident or "").startswith(_SHUT_OUT)
        self.failed_in_a_row = self.failed_in_a_row + 1 if shut_out else 0
        if self.failed_in_a_row >= FAILURES_IN_A_ROW:
            self.job.progress.say(
                f"{self.source.slug}: {FAILURES_IN_A_ROW} failures in a row, left alone until the "
                "next crawl"
            )
            raise CloseSpider("failing")

    def _request(
        self, address: str, channel: Channel, role: str, callback: Any, **extra: Any
    ) -> Request:
        meta = {
            "address": address,
            "channel": channel.slug,
            "role": role,
            "handle_httpstatus_all": True,
            "dont_redirect": True,
            "hops": extra.pop("hops"),
            "step": extra.pop("step", None),
            "listed": extra.pop("listed", address),
        }
        return Request(
            self._fetched(address),
            callback=callback,
            errback=self.no_answer,
            meta=meta,
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
        """Write each channel's line in ``crawls``."""
        if self.fatal is not None:
            return
        for run in self.runs.values():
            unfinished = reason != "finished" and run.counts["pages"] < run.due
            stopped = reason not in ("finished", "failing") or (unfinished and not run.failed)
            outcome = "stopped" if stopped else "failed" if run.failed else "good"
            self.store.finish_crawl(
                run.crawl,
                {
                    "finished_at": stamp(now()),
                    "outcome": outcome,
                    "walked": int(run.walked),
                    "message": run.problem,
                    **run.counts,
                },
            )


def _explain(error: BaseException | None, host: str) -> tuple[str, str]:
    """An incident's kind and message for a request that brought no response."""
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
