"""One source's crawl: its requests, what failed, and when its host is left alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from scrapy.exceptions import CloseSpider, DownloadCancelledError, IgnoreRequest
from scrapy.http import Request, Response
from scrapy.statscollectors import StatsCollector
from twisted.python.failure import Failure

from archive.captures.warc import Capture
from archive.clock import now, stamp
from archive.errors import IncidentKind, Unreadable
from archive.sources import Channel
from archive.storage.crawl_log import DuePage
from archive.storage.incidents import Incident
from archive.storage.ingest import Outcome
from crawler.middlewares import ROUND, TARGET, RobotsUnavailable, Target
from crawler.patience import PAUSES, LeftAlone, Patience, Stopped
from crawler.runs import ChannelRun, SourceJob
from crawler.walk import Walk

# A host that fails this often in a row is down or blocks us: it is left alone until the next crawl.
FAILURES_IN_A_ROW = 5
# So many answers that are not the pages asked for, and more than half of all, are the site's doing.
STRANGE_ANSWERS = 10
MAX_HOPS = 5
# Enough lines for a mail from cron; a redesign can fail every page.
SHOWN_FAILURES = 20
# Incidents that asking again often mends: a site that is down for seconds, too busy, cut off.
_TEMPORARY = frozenset(
    {"truncated", "empty", "unreachable"}
    | {f"http-{status}" for status in (408, 429, 500, 502, 503, 504, 522, 524)}
)
# Incidents that are the host's doing rather than one page's.
_HOST_INCIDENTS = ("unreachable", "wall-", "http-", "maintenance", "login")
# Of these, answers that stand in for any page.
_STAND_INS = ("wall-", "maintenance", "login")
# How often a request was asked before, in its meta.
_ATTEMPT = "attempt"
ENDLESS = "one address leads to another without end: look where the site moved it"


class SourceCrawl:
    """What the parts of a source's crawl share."""

    def __init__(self, job: SourceJob, patience: Patience) -> None:
        self.job = job
        self.source = job.source
        self.store = job.intake.store
        self.progress = job.progress
        self.patience = patience
        self.runs: dict[str, ChannelRun] = {}
        self.rechecks: defaultdict[str, list[DuePage]] = defaultdict(list)
        # Addresses of pages that a request was made for.
        self.asked: set[str] = set()
        # The first error that is not one page's.
        self.fatal: BaseException | None = None
        self._sent: set[str] = set()
        # Pages that failed and are to be asked for again, with whose they are.
        self._postponed: dict[str, ChannelRun] = {}
        self._later: list[Request] = []
        self._robots_failed = False
        self._in_a_row = 0
        self._pauses = 0
        self._strange = 0

    # The channels

    def begin(self, stats: StatsCollector) -> None:
        """Begin each channel's row of ``crawls``; choose the pages to ask for again."""
        for channel in self.job.channels:
            self.runs[channel.slug] = self._run(channel, stats)
        budget = None if self.job.full else self.source.nightly_rechecks
        owners = self._owners()
        chosen = self.store.crawls.rechecks(self.source.slug, owners, stamp(now()), budget)
        for page in chosen:
            self.rechecks[owners[page.channel]].append(page)

    def _owners(self) -> dict[str, str]:
        """For each channel whose pages are asked for again, the one that asks for them.

        The lists of retired channels are not read any more; their pages are the first live one's.
        """
        owners = {channel.slug: channel.slug for channel in self.job.channels}
        live = [channel.slug for channel in self.source.channels if not channel.retired]
        if live and owners.keys() >= set(live):
            for channel in self.source.channels:
                owners.setdefault(channel.slug, live[0])
        return owners

    def _run(self, channel: Channel, stats: StatsCollector) -> ChannelRun:
        crawls, source = self.store.crawls, self.source.slug
        crawl = self.store.begin_crawl(source, channel.slug, stamp(now()))
        settled = None if self.job.full else crawls.settled_before(source, channel.slug)
        if settled is None:
            walk = Walk()
        else:
            # Before tonight's first answer, so that a clock that was set back changes nothing.
            known = crawls.listed_before(source, settled)
            rotation = None if self.job.since else crawls.walks(source, channel.slug)
            walk = Walk(known.__contains__, rotation)
        return ChannelRun(channel, crawl, walk, stats, self._gone(channel))

    def _gone(self, channel: Channel) -> frozenset[int]:
        """The bulletins that are gone, of a channel and of those whose pages it asks for."""
        mine = [slug for slug, owner in self._owners().items() if owner == channel.slug]
        return self.store.crawls.gone(self.source.slug, mine)

    def finish(self, reason: str, why: str | None = None) -> None:
        """Write each channel's row of ``crawls``, with ``why`` the whole crawl was stopped."""
        for run in self._postponed.values():
            run.count("failed")
        for run in self.runs.values():
            run.problem = why or run.problem
            if said := run.drifted():
                run.problem = run.problem or said
                self.progress.say(f"{self.source.slug} {run.channel.slug}: {said}")
            self.store.finish_crawl(run.crawl, run.row(reason, self._gone(run.channel)))

    # Requests and answers

    def request(
        self,
        target: Target,
        callback: Callable[..., Iterator[Request]],
        errback: Callable[..., Any],
        arguments: dict[str, Any],
        **extra: Any,
    ) -> Request:
        """A request for a target; ``callback`` is called once it is known what the answer is."""
        return Request(
            self._fetched(target.address),
            callback=partial(self._call, callback),
            errback=errback,
            cb_kwargs=arguments,
            meta={TARGET: target, "handle_httpstatus_all": True, "dont_redirect": True},
            dont_filter=True,
            **extra,
        )

    async def _call(
        self,
        callback: Callable[..., Iterator[Request]],
        response: Response,
        outcome: Awaitable[Outcome],
        **arguments: Any,
    ) -> Iterator[Request]:
        """Wait for what an answer is, then hand it on; raises CloseSpider where it is not known."""
        try:
            known = await outcome
        except Exception as error:
            self.fatal = self.fatal or error
            raise CloseSpider("fatal") from error
        return callback(response, outcome=known, **arguments)

    def again(self, request: Request, kind: IncidentKind | None) -> Request | None:
        """A list's request once more, after a pause.

        None where the failure is of no kind that passes, or the request was made three times.
        """
        again = self._once_more(request, kind)
        if again is not None:
            self.patience.pause(self._host(request), again.meta[_ATTEMPT] - 1)
        return again

    def postpone(self, request: Request, kind: IncidentKind | None) -> bool:
        """Keep a page's request for the next round, if asking again may mend its failure."""
        again = self._once_more(request, kind)
        if again is None:
            return False
        target: Target = request.meta[TARGET]
        self._postponed[target.address] = self._run_of(target.channel)
        self._later.append(again)
        self._trouble(request, kind or "")
        return True

    def next_round(self) -> Iterator[Request]:
        """The requests that were postponed, once all others were answered."""
        if sum(run.due - run.done for run in self.runs.values()) == len(self._later):
            requests, self._later = self._later, []
            yield from requests

    def _once_more(self, request: Request, kind: IncidentKind | None) -> Request | None:
        attempt = request.meta.get(_ATTEMPT, 0) + 1
        if kind not in _TEMPORARY or attempt > len(PAUSES):
            return None
        if self.patience.why_left_alone(self._host(request)):
            return None
        round_ = attempt if request.meta[TARGET].role == "page" else 0
        return request.replace(meta=request.meta | {_ATTEMPT: attempt, ROUND: round_})

    def sent(self, target: Target) -> None:
        """Count a request; those for robots.txt are the first channel's."""
        run = self._run_of(target.channel)
        run.count("requests")
        self._postponed.pop(target.address, None)
        if target.role == "page" and target.address not in self._sent:
            self._sent.add(target.address)
            run.count("asked")

    def received(self, capture: Capture) -> None:
        """Count an answer's bytes, headers and body as they were sent."""
        run = self._run_of(capture.channel)
        head = sum(len(name) + len(value) + 4 for name, value in capture.headers)
        run.count("bytes", head + len(capture.body))
        if capture.status == 304:
            run.count("not_modified")

    def _run_of(self, channel: str | None) -> ChannelRun:
        return self.runs[channel] if channel in self.runs else next(iter(self.runs.values()))

    def _fetched(self, address: str) -> str:
        """What is asked for in place of a canonical address: the same, or its mirror's."""
        if self.job.base_url is None:
            return address
        base, parts = urlsplit(self.job.base_url), urlsplit(address)
        return urlunsplit((base.scheme, base.netloc, parts.path, parts.query, ""))

    @staticmethod
    def _host(request: Request) -> str:
        return urlsplit(request.url).netloc

    # Failures

    def is_well(self) -> bool:
        """Whether some answers that are not the pages asked for would not yet end the crawl."""
        strange = self._strange + FAILURES_IN_A_ROW
        return self._in_a_row == 0 and (strange < STRANGE_ANSWERS or 2 * strange < len(self._sent))

    def answered(self, *, held: bool = False) -> None:
        """An answer that was no failure; one that is ``held`` may stand in for the page."""
        if not held:
            self._in_a_row = self._pauses = 0
            return
        self._in_a_row += 1
        self._stands_in()
        if self._in_a_row >= FAILURES_IN_A_ROW:
            self._leave_alone(
                f"{FAILURES_IN_A_ROW} answers in a row are not the pages asked for, left alone "
                "until the next crawl"
            )

    def unanswered(self, failure: Failure) -> Outcome | None:
        """What a request without a response came to, written down; None where it was not made.

        Raises CloseSpider after an error that ends the whole crawl.
        """
        if self.fatal is not None:
            raise CloseSpider("fatal")
        if isinstance(failure.value, Stopped):
            return None
        request: Request = failure.request  # type: ignore[attr-defined]
        target: Target = request.meta[TARGET]
        kind, message = incident_without_answer(failure.value, self._host(request))
        if isinstance(failure.value, RobotsUnavailable):
            # One for all channels; where there was an answer, it has its incident already.
            if not (failure.value.answered or self._robots_failed):
                self._incident(None, f"{self.source.home}/robots.txt", kind, message)
            self._robots_failed = True
        else:
            self._incident(target.channel, target.address, kind, message)
        return Outcome("failed", incident=kind, message=message)

    def endless(self, run: ChannelRun, address: str) -> Outcome:
        """More redirects than any site means: an incident without a response of its own."""
        self._incident(run.channel.slug, address, "moved", ENDLESS)
        return Outcome("failed", incident="moved", message=ENDLESS)

    def cannot_go_on(self, run: ChannelRun, address: str, error: Unreadable) -> Outcome:
        """A list whose further pages cannot be named: an incident without a response of its own."""
        self._incident(run.channel.slug, address, error.kind, str(error))
        return Outcome("failed", incident=error.kind, message=str(error))

    def remark(self, run: ChannelRun, address: str, kind: IncidentKind, message: str) -> None:
        """Write down and say what is odd about a list, but no failure."""
        self._incident(run.channel.slug, address, kind, message)
        self.progress.say(f"{self.source.slug} {run.channel.slug}: list: {message}")

    def _incident(
        self, channel: str | None, address: str, kind: IncidentKind, message: str
    ) -> None:
        """Write down what went wrong where there was no answer."""
        at, source = stamp(now()), self.source.slug
        self.store.incident(Incident(at, source, channel, address, kind, message))

    def failure(
        self, run: ChannelRun, what: str, outcome: Outcome, request: Request | None = None
    ) -> None:
        """Say and count what failed for good; ``request`` is the last one for it.

        Raises CloseSpider where enough of the host's own making failed in a row.
        """
        self._say_failure(run, what, outcome)
        kind = outcome.incident or ""
        if kind.startswith(_STAND_INS):
            self._stands_in()
        if kind in _TEMPORARY and request is not None:
            self._trouble(request, kind)
        elif not kind.startswith(_HOST_INCIDENTS):
            self._in_a_row = 0
        else:
            self._in_a_row += 1
            if self._in_a_row >= FAILURES_IN_A_ROW:
                self._leave_alone(_IN_A_ROW)

    def _say_failure(self, run: ChannelRun, what: str, outcome: Outcome) -> None:
        failures = run.count("failed")
        run.problem = run.problem or f"{what}: {outcome.message}"
        if failures <= SHOWN_FAILURES:
            where = f"{self.source.slug} {run.channel.slug}"
            self.progress.say(f"{where}: {what}: {outcome.message}")
        elif failures == SHOWN_FAILURES + 1:
            self.progress.say(f"{self.source.slug}: more failures are in the table incidents")

    def _trouble(self, request: Request, kind: str) -> None:
        """One more temporary failure: after enough in a row the host has a pause, twice."""
        if why := self.patience.why_left_alone(self._host(request)):
            self._leave_alone(f"{self._host(request)} is left alone until the next crawl: {why}")
        self._in_a_row = self._in_a_row + 1 if kind.startswith(_HOST_INCIDENTS) else 0
        if self._in_a_row < FAILURES_IN_A_ROW:
            return
        if self._pauses == len(PAUSES):
            self._leave_alone(_IN_A_ROW)
        self.patience.pause(self._host(request), self._pauses)
        self._pauses += 1
        self._in_a_row = 0

    def _stands_in(self) -> None:
        """One more answer that stands in for a page; enough of them end the crawl."""
        self._strange += 1
        if self._strange >= STRANGE_ANSWERS and 2 * self._strange > len(self._sent):
            self._leave_alone(
                f"{self._strange} of {len(self._sent)} answers are not the pages asked for, left "
                "alone until the next crawl"
            )

    def _leave_alone(self, said: str) -> None:
        """Close the source's crawl; what is unfinished, or was never believed, has failed."""
        for run in self.runs.values():
            held = run.counted("held")
            if run.done < run.due or held == run.counted("asked") > 0:
                run.problem = run.problem or said
        self.progress.say(f"{self.source.slug}: {said}")
        raise CloseSpider("failing")


_IN_A_ROW = f"{FAILURES_IN_A_ROW} failures in a row, left alone until the next crawl"


def incident_without_answer(error: BaseException | None, host: str) -> tuple[IncidentKind, str]:
    """The incident's kind and message for a request that brought no response."""
    if isinstance(error, RobotsUnavailable):
        if error.answered:
            return "unreachable", str(error)
        return "unreachable", (
            f"{host} cannot be asked for its robots.txt ({error}), so nothing is asked of it: "
            "check the connection, or wait for the next night"
        )
    if isinstance(error, LeftAlone):
        return "unreachable", f"{host} is left alone until the next crawl: {error}"
    if isinstance(error, IgnoreRequest):
        return "forbidden", "robots.txt of the site forbids this address; it is left alone"
    if isinstance(error, DownloadCancelledError):
        return "too-large", "the answer is larger than 64 MB and was not kept: look at it by hand"
    return "unreachable", (
        f"no answer from {host} ({_in_words(error)}): check the connection, or wait for the next "
        "night"
    )


def _in_words(error: BaseException | None) -> str:
    """What happened to the connection; of a failed answer the reasons, which Scrapy prints raw."""
    reasons = getattr(error.__cause__, "reasons", None) if error is not None else None
    if reasons:
        return "; ".join(str(getattr(reason, "value", reason)) for reason in reasons)
    return f"{type(error).__name__}: {error}"
