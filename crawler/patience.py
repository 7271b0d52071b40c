"""Patience with a host: pauses between requests, before it is asked again, and their bounds.

Waits are real time by a clock that only goes forward, whatever BULLETINS_NOW says.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from scrapy.exceptions import IgnoreRequest

# Before a temporary failure is asked for again, the first and the second time, the host is left
# alone for so many times the pause between two requests.
PAUSES = (30, 150)
# The longest wait, and all of a night's together, in seconds. With more the night ends in the
# morning, when people use the site.
LONGEST_WAIT = 15 * 60
ALL_WAITS = 60 * 60
# With an hour or more between requests not even the lists would be read in a night.
LONGEST_CRAWL_DELAY = 3600
# A longer pause between two requests, in seconds, is waited for here: in Scrapy's own queue, which
# waits for the shorter ones, a request is not let go when the crawl is stopped.
LONGEST_IN_QUEUE = 5.0
# How often a wait looks whether the crawl was stopped meanwhile.
_LOOK = 0.5


class LeftAlone(IgnoreRequest):
    """The host asks for more patience than a night has: it is left alone until the next one."""


class Stopped(IgnoreRequest):
    """The crawl was stopped while a request waited."""


class Patience:
    """How long each host is still to be left alone; ``delay`` is the usual pause in seconds."""

    def __init__(self, delay: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.delay = delay
        self._clock = clock
        self._until: dict[str, float] = {}
        self._least: dict[str, float] = {}
        self._last: dict[str, float] = {}
        self._waited: dict[str, float] = {}
        self._round: dict[str, int] = {}
        self._given_up: dict[str, str] = {}

    def at_least(self, host: str, seconds: float) -> None:
        """Let at least so much time pass between two requests to the host."""
        self._least[host] = seconds

    def wait(self, host: str, seconds: float) -> None:
        """Leave the host alone for so long, or for the night where that is too long."""
        now = self._clock()
        more = now + seconds - max(now, self._until.get(host, now))
        if more <= 0:
            return
        waited = self._waited.get(host, 0.0) + more
        if seconds > LONGEST_WAIT:
            self._given_up[host] = f"it asks for a wait of {seconds:.0f} seconds"
        elif waited > ALL_WAITS:
            self._given_up[host] = "an hour of this night was spent waiting for it"
        else:
            self._waited[host] = waited
            self._until[host] = now + seconds

    def pause(self, host: str, number: int) -> None:
        """Leave the host alone before something is asked for the second time (0) or third (1)."""
        self.wait(host, min(LONGEST_WAIT, PAUSES[number] * self.delay))

    def why_left_alone(self, host: str) -> str | None:
        """Why nothing more is asked of the host this night, in words; None where it is."""
        return self._given_up.get(host)

    def remaining(self, host: str) -> float:
        """For how many seconds the host is still to be left alone."""
        until = self._until.get(host, 0.0)
        usual = self.delay if self.delay > LONGEST_IN_QUEUE else 0.0
        least = max(usual, self._least.get(host, 0.0))
        if least and host in self._last:
            until = max(until, self._last[host] + least)
        return max(0.0, until - self._clock())

    async def turn(self, host: str, round_: int, goes_on: Callable[[], bool]) -> None:
        """Wait until the host may be asked; ``round_`` counts how often all was asked before.

        Raises LeftAlone, or Stopped once ``goes_on`` says that the crawl does not.
        """
        if round_ > self._round.get(host, 0):
            self._round[host] = round_
            self.pause(host, round_ - 1)
        while (remaining := self.remaining(host)) > 0:
            if not goes_on():
                raise Stopped
            await asyncio.sleep(min(remaining, _LOOK))
        if why := self.why_left_alone(host):
            raise LeftAlone(why)
        self.used(host)

    def used(self, host: str) -> None:
        """Note that a request to the host begins or ends now."""
        self._last[host] = self._clock()


def retry_after(value: str, date: str) -> float:
    """The seconds of a Retry-After header (RFC 9110, 10.2.3); 0 where it says nothing.

    A time of day counts from the server's own, which ``date`` is, where it says it.
    """
    if value.strip().isdecimal():
        return float(value.strip())
    then = _instant(value)
    if then is None:
        return 0.0
    return max(0.0, (then - (_instant(date) or datetime.now(UTC))).total_seconds())


def _instant(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
