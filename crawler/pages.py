"""The pages of a source's channels: new ones, and those to ask for again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from types import MappingProxyType
from typing import cast

from scrapy.http import Request, Response
from twisted.python.failure import Failure

from archive.clock import now, stamp
from archive.storage.crawl_log import DuePage
from archive.storage.ingest import Outcome
from crawler.middlewares import TARGET, Target
from crawler.runs import ChannelRun
from crawler.source_crawl import MAX_HOPS, SourceCrawl

# The column of ``crawls`` that counts each kind of outcome.
_COUNTED = MappingProxyType(
    {"new": "new", "revised": "changed", "same": "same", "held": "held", "missing": "missing"}
)


class PageReader:
    """Asks for the pages of a channel once its list was read, and counts what they are."""

    def __init__(self, crawl: SourceCrawl) -> None:
        self.crawl = crawl

    def due(self, run: ChannelRun) -> Iterator[Request]:
        """The requests for all pages of a channel that are due tonight."""
        job, slug = self.crawl.job, run.channel.slug
        waiting = self.crawl.store.crawls.never_captured(
            self.crawl.source.slug,
            slug,
            stamp(now()),
            full=job.full,
            since=job.since,
            limit=job.max_new,
        )
        pages = [page for page in chain(waiting, self.crawl.rechecks[slug]) if self._is_first(page)]
        run.due = len(pages)
        self.crawl.progress.due(self.crawl.source.slug, slug, len(pages))
        for page in pages:
            yield self._request(run, page)
        yield from self.crawl.next_round()

    def _is_first(self, page: DuePage) -> bool:
        """Whether no request for this address was made before in this crawl."""
        if page.address in self.crawl.asked:
            return False
        self.crawl.asked.add(page.address)
        return True

    def _request(
        self, run: ChannelRun, page: DuePage, hops: int = 0, listed: str | None = None
    ) -> Request:
        headers = {"If-None-Match": page.etag, "If-Modified-Since": page.last_modified}
        return self.crawl.request(
            Target(page.address, run.channel.slug, "page"),
            self.read,
            self.no_answer,
            {"run": run, "listed": listed or page.address, "hops": hops},
            headers={name: value for name, value in headers.items() if value},
        )

    def read(
        self, response: Response, run: ChannelRun, listed: str, hops: int, outcome: Outcome
    ) -> Iterator[Request]:
        """Count what a page turned out to be; follow where it moved within the site.

        ``listed`` is the address that the list has for it, before ``hops`` redirects.
        """
        if outcome.kind == "failed":
            yield from self._failed(cast("Request", response.request), run, outcome)
            return
        if outcome.kind == "moved" and outcome.location:
            self.crawl.answered()
            moved_to = DuePage(outcome.location, run.channel.slug)
            if hops >= MAX_HOPS:
                self.crawl.failure(run, listed, self.crawl.endless(run, listed))
            elif self._is_first(moved_to):
                yield self._request(run, moved_to, hops + 1, listed)
                return
        if outcome.kind in _COUNTED:
            run.count(_COUNTED[outcome.kind])
        if outcome.unlike:
            run.unlike.append(outcome.unlike[0].message)
        self._done(run)
        self.crawl.answered(held=outcome.kind == "held")
        yield from self.crawl.next_round()

    def no_answer(self, failure: Failure) -> Iterator[Request]:
        """There was no response: go on with what is left."""
        outcome = self.crawl.unanswered(failure)
        request: Request = failure.request  # type: ignore[attr-defined]
        run: ChannelRun = request.cb_kwargs["run"]
        if outcome and outcome.incident == "forbidden":
            self._done(run)
            where = f"{self.crawl.source.slug}: {request.meta[TARGET].address}"
            self.crawl.progress.say(f"{where}: {outcome.message}")
            yield from self.crawl.next_round()
        elif outcome:
            yield from self._failed(request, run, outcome)

    def _failed(self, request: Request, run: ChannelRun, outcome: Outcome) -> Iterator[Request]:
        if not self.crawl.postpone(request, outcome.incident):
            self._done(run)
            target: Target = request.meta[TARGET]
            self.crawl.failure(run, target.address, outcome, request)
        yield from self.crawl.next_round()

    def _done(self, run: ChannelRun) -> None:
        run.done += 1
        self.crawl.progress.page(self.crawl.source.slug, run.channel.slug)
