"""What is usual, learned from history: new bulletins on a night, and how long silence lasts."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from archive.clock import CHINA, days_before, parse_stamp
from archive.storage.calendar import is_working_day

# Fewer values than this say nothing about what is usual.
FEWEST = 8
# How many spreads from the median a value may lie, and what makes the median absolute deviation
# a standard deviation: Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993).
_CUT = 3.5
_SIGMA = 1.4826
# Nights looked back on: long enough for eight weekends, short enough to follow the seasons.
HISTORY_DAYS = 90
# What a night finds was published in the half day before it or earlier.
_HALF_DAY = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class UsualRange:
    """A median, and the lowest and highest value that are still usual."""

    middle: float
    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether a value is usual."""
        return self.low <= value <= self.high


def usual_range(
    history: Sequence[float], *, fewest: int = FEWEST, least_reach: float = 0.0
) -> UsualRange | None:
    """The usual range of a number, from the values that it had; None for fewer than ``fewest``.

    3.5 standard deviations around the median, estimated by the median absolute deviation, so that
    nearly half of the values may be outliers. ``least_reach`` is how far from the median a value
    may lie at least, for values that hardly differ.
    """
    if len(history) < max(fewest, 1):
        return None
    middle = median(history)
    reach = max(_CUT * _SIGMA * median(abs(value - middle) for value in history), least_reach)
    return UsualRange(middle, middle - reach, middle + reach)


def usual_count(history: Sequence[int], *, fewest: int = FEWEST) -> UsualRange | None:
    """``usual_range`` of a count, in whole numbers from 0 on.

    It reaches at least two standard deviations of Poisson's distribution with that median.
    """
    least = 2 * math.sqrt(max(1.0, median(history))) if history else 0.0
    found = usual_range(history, fewest=fewest, least_reach=least)
    if found is None:
        return None
    return UsualRange(round(found.middle), max(0, math.floor(found.low)), math.ceil(found.high))


def expected(conn: sqlite3.Connection, source: str, channel: str, at: str) -> UsualRange | None:
    """How many new bulletins a crawl of a channel usually finds that begins at an instant.

    ``middle``, ``low`` and ``high`` are what ``crawls`` has as expected, expected_low and
    expected_high. Learned from good nights of the last HISTORY_DAYS whose day before was as this
    one's: a working day, or a free one. None while there are fewer than FEWEST such nights.
    """
    works = is_working_day(news_day(at))
    nights = _nights(conn, source, channel, days_before(at, HISTORY_DAYS), at)
    return usual_count([new for day, new in nights if is_working_day(day) == works])


def news_day(at: str) -> date:
    """The civil day in China whose news a crawl finds: of a run at 02:30, the day before."""
    return (parse_stamp(at) - _HALF_DAY).astimezone(CHINA).date()


def _nights(
    conn: sqlite3.Connection, source: str, channel: str, since: str, before: str
) -> list[tuple[date, int]]:
    """News days with the new bulletins of their crawls, where one was good.

    Left out are the first walk of all, and crawls with more new pages than rows on their lists:
    those fetched what an earlier night had found, as long as there is a backlog.
    """
    rows = conn.execute(
        "SELECT started_at, outcome, new FROM crawls WHERE source = :source AND channel = :channel"
        " AND started_at >= :since AND started_at < :before AND new <= listed"
        " AND id > (SELECT min(id) FROM crawls WHERE source = :source AND channel = :channel"
        " AND walked) ORDER BY id",
        {"source": source, "channel": channel, "since": since, "before": before},
    )
    found: dict[date, int] = {}
    good: set[date] = set()
    for started_at, outcome, new in rows:
        day = news_day(started_at)
        found[day] = found.get(day, 0) + new
        if outcome == "good":
            good.add(day)
    return [(day, new) for day, new in found.items() if day in good]
