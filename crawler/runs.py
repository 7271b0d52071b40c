"""What one source's crawl is to do, and what became of each of its channels."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import date

from scrapy.statscollectors import StatsCollector

from archive.clock import now, stamp
from archive.parse.pagers import Pager
from archive.sources import Channel, Source
from crawler.intake import Intake
from crawler.platforms.step import Step
from crawler.progress import Progress
from crawler.walk import Walk

# The columns of ``crawls`` that a crawl counts up.
COUNTS = (
    "lists",
    "asked",
    "not_modified",
    "same",
    "new",
    "changed",
    "held",
    "missing",
    "failed",
    "requests",
    "bytes",
)


# So many pages of a night that are unlike the others, and more than half, are the site's doing.
MANY_UNLIKE = 5


@dataclass(frozen=True, slots=True)
class SourceJob:
    """What one source's crawl is to do.

    ``base_url`` replaces scheme and host of what is fetched; ``since`` leaves out what was listed
    before; ``full`` walks every list to its end and asks for every page; ``max_new`` bounds the
    pages never captured before, for each channel.
    """

    source: Source
    channels: tuple[Channel, ...]
    intake: Intake
    progress: Progress
    base_url: str | None = None
    since: date | None = None
    full: bool = False
    max_new: int | None = None


@dataclass(slots=True)
class ChannelRun:
    """One channel's part of a crawl, as it will stand in ``crawls``.

    The counts are Scrapy's stats ``bulletins/<channel>/<count>``. ``first`` is the request of the
    list's first page, once it is known; ``pager`` is what the list last said of itself, and
    ``pager_doubted`` that this was remarked upon; ``gone_before`` are the bulletins that were gone
    at the start; ``unlike`` says of each page that is unlike the channel's others how it is.
    """

    channel: Channel
    crawl: int
    walk: Walk
    stats: StatsCollector
    gone_before: frozenset[int]
    first: Step | None = None
    pager: Pager | None = None
    pager_doubted: bool = False
    # Until its walk is over a channel has at least its list to ask for.
    due: int = 1
    done: int = 0
    problem: str | None = None
    unlike: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    ended: float = field(default_factory=time.monotonic)

    def count(self, name: str, more: int = 1) -> int:
        """Count so many more of ``name``; how many there are now."""
        self.stats.inc_value(self._key(name), more)
        self.ended = time.monotonic()
        return self.counted(name)

    def counted(self, name: str) -> int:
        """How many of ``name`` there are."""
        return int(self.stats.get_value(self._key(name), 0))

    def _key(self, name: str) -> str:
        return f"bulletins/{self.channel.slug}/{name}"

    def drifted(self) -> str | None:
        """What is said where most pages that say something new are unlike the channel's others."""
        said, unlike = self.counted("new") + self.counted("changed"), len(self.unlike)
        if unlike < MANY_UNLIKE or 2 * unlike <= said:
            return None
        return f"{unlike} of {said} new or changed pages are unlike the others: {self.unlike[-1]}"

    def outcome(self, reason: str) -> str:
        """How the crawl ended, for Scrapy's ``reason``."""
        if reason not in ("finished", "failing"):
            return "stopped"
        if self.counted("failed") or self.problem:
            return "failed"
        return "stopped" if reason != "finished" and self.done < self.due else "good"

    def row(self, reason: str, gone: frozenset[int]) -> dict[str, str | float | None]:
        """The channel's row of ``crawls``; ``gone`` are the bulletins that are gone now."""
        return {
            "finished_at": stamp(now()),
            "outcome": self.outcome(reason),
            "walked": int(self.walk.done),
            "listed": len(self.walk.seen),
            "gone": len(gone - self.gone_before),
            "seconds": round(self.ended - self.began, 3),
            "message": self.problem,
            **{name: self.counted(name) for name in COUNTS},
        }
