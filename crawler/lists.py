"""The lists of a source's channels, read page by page as each channel's walk asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import cast

from scrapy.http import Request, Response
from twisted.python.failure import Failure

from archive.errors import Unreadable
from archive.storage.ingest import Outcome
from crawler.middlewares import RobotsUnavailable, Target
from crawler.platforms import PLATFORMS
from crawler.platforms.step import Step
from crawler.runs import ChannelRun
from crawler.source_crawl import MAX_HOPS, SourceCrawl

# The longest list known, of 地方信息, had 670 pages in 2026.
MAX_LISTS = 5000


class ListReader:
    """Reads lists; ``pages`` makes the requests that follow when a channel's walk is over."""

    def __init__(
        self, crawl: SourceCrawl, pages: Callable[[ChannelRun], Iterator[Request]]
    ) -> None:
        self.crawl = crawl
        self.pages = pages

    def first(self, run: ChannelRun) -> Request:
        """The request with which a channel's walk begins."""
        step = PLATFORMS[run.channel.platform].first(self.crawl.source, run.channel)
        return self._request(run, step)

    def _request(
        self, run: ChannelRun, step: Step, hops: int = 0, listed: str | None = None
    ) -> Request:
        # Lists come before pages, so that all is known before the first page is asked for.
        return self.crawl.request(
            Target(step.address, run.channel.slug, step.role),
            self.read,
            self.no_answer,
            {"run": run, "step": step, "hops": hops, "listed": listed or step.address},
            priority=10,
        )

    def read(
        self,
        response: Response,
        run: ChannelRun,
        step: Step,
        hops: int,
        listed: str,
        outcome: Outcome,
    ) -> Iterator[Request]:
        """Go on through the list, or to its pages where the walk is over.

        ``listed`` is the address that was asked for before ``hops`` redirects.
        """
        run.count("lists")
        if outcome.kind == "failed":
            yield from self._failed(cast("Request", response.request), run, outcome)
            return
        self.crawl.answered()
        if outcome.kind == "moved" and outcome.location:
            if hops < MAX_HOPS:
                moved = Step(outcome.location, step.role, step.number)
                yield self._request(run, moved, hops + 1, listed)
            else:
                yield from self._passed_over(run, self.crawl.endless(run, listed))
            return
        try:
            following = self._following(run, step, outcome)
        except Unreadable as error:
            self.crawl.failure(run, "list", self.crawl.cannot_go_on(run, step.address, error))
            following = None
        if following is None:
            yield from self.pages(run)
        elif run.counted("lists") >= MAX_LISTS:
            self.crawl.failure(run, "list", self.crawl.endless(run, step.address))
            yield from self.pages(run)
        else:
            yield self._request(run, following)

    def _following(self, run: ChannelRun, step: Step, outcome: Outcome) -> Step | None:
        """The list page after an answer, None where the walk is over."""
        platform = PLATFORMS[run.channel.platform]
        if outcome.kind == "column":
            return platform.after(step, self.crawl.source, run.channel, outcome)
        if step.number == 1:
            run.first = replace(step, pager=outcome.pager)
        self._compare_pager(run, step, outcome)
        self.crawl.progress.listed(
            self.crawl.source.slug, run.channel.slug, run.counted("lists"), len(outcome.rows)
        )
        number = run.walk.read(frozenset(row.address for row in outcome.rows))
        since = self.crawl.job.since
        if since and outcome.rows and all(r.listed and r.listed < since for r in outcome.rows):
            return None
        return self._step(run, number, outcome)

    def _step(self, run: ChannelRun, number: int | None, outcome: Outcome) -> Step | None:
        """The request for the page that the walk wants; what has no address lies past the end."""
        platform = PLATFORMS[run.channel.platform]
        while number is not None and number > 1 and run.first is not None:
            before = replace(run.first, number=number - 1)
            if step := platform.after(before, self.crawl.source, run.channel, outcome):
                return step
            number = run.walk.read(frozenset())
        return None if number is None else run.first

    def _compare_pager(self, run: ChannelRun, step: Step, outcome: Outcome) -> None:
        """Say once a night that a list has another number of pages than its pager says.

        Nothing hangs on it: the walk goes by the rows. The list may have grown since its first page
        was read, so that a later page's own pager counts where it has one.
        """
        if step.number == 1 or (outcome.pager and outcome.pager.number):
            run.pager = outcome.pager
        if run.pager is None or run.pager_doubted or run.first is None:
            return
        pages = run.pager.pages
        if bool(outcome.rows) is (step.number <= pages):
            return
        run.pager_doubted = True
        found = "there are rows" if outcome.rows else "there is nothing"
        self.crawl.remark(
            run,
            run.first.address,
            "list-pager",
            f"the list says that it has {pages} pages, and {found} on page {step.number}: what is "
            "there is read; look whether the list is whole",
        )

    def no_answer(self, failure: Failure) -> Iterator[Request]:
        """There was no response: go on with what is left."""
        outcome = self.crawl.unanswered(failure)
        request: Request = failure.request  # type: ignore[attr-defined]
        run: ChannelRun = request.cb_kwargs["run"]
        if outcome and isinstance(failure.value, RobotsUnavailable):
            yield from self._passed_over(run, outcome)
        elif outcome:
            yield from self._failed(request, run, outcome)

    def _failed(self, request: Request, run: ChannelRun, outcome: Outcome) -> Iterator[Request]:
        if self._lies_past_the_end(request, run):
            # Whatever a site answers there is not one of the list's pages.
            if step := self._step(run, run.walk.read(frozenset()), outcome):
                yield self._request(run, step)
            else:
                yield from self.pages(run)
            return
        if again := self.crawl.again(request, outcome.incident):
            yield again
            return
        yield from self._passed_over(run, outcome, request)

    @staticmethod
    def _lies_past_the_end(request: Request, run: ChannelRun) -> bool:
        """Whether a list page has a higher number than the list's pager says that there are."""
        step: Step = request.cb_kwargs["step"]
        return run.pager is not None and step.number > run.pager.pages

    def _passed_over(
        self, run: ChannelRun, outcome: Outcome, request: Request | None = None
    ) -> Iterator[Request]:
        """Go on without a list page: to the next of the night's share, or to the pages.

        A channel whose list cannot be read at all is left for another night: after a redesign, or
        with a notice in place of everything, its pages would be no others.
        """
        self.crawl.failure(run, "list", outcome, request)
        if run.first is None:
            run.done = run.due
            yield from self.crawl.next_round()
        elif run.walk.in_share and (step := self._step(run, run.walk.read(None), outcome)):
            yield self._request(run, step)
        else:
            yield from self.pages(run)
