"""Freshness: whether a source or channel has been silent for longer than its rhythm allows.

The rhythm is learned from the days on which bulletins were published, in working days; where there
is little history, the days that the source file states count.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from archive.storage.calendar import public_holidays_between, working_days_between

# What is learned from: the last year, so that each holiday and season is in it once.
YEAR = timedelta(days=365)
# Days with news from which a rhythm can be learned: a month of a daily channel.
FEWEST_NEWS_DAYS = 20
# One gap in fifty is left out, so that an outage of the year before does not excuse this year's.
_USUAL_SHARE = 0.98
# Silence is late when it is half as long again as the longest usual gap, and never before the
# third working day.
_SLACK = 1.5
LEAST_QUIET = 2


@dataclass(frozen=True, slots=True)
class Rhythm:
    """A learned rhythm in working days without news.

    ``usual_gap`` is the longest usual one, ``allowed`` how many may pass before it is late.
    """

    usual_gap: int
    allowed: int


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the newest bulletin is, and whether its rhythm allows that.

    ``newest`` is its civil date, ``age_days`` its distance from today in days and ``quiet_days``
    the working days between the two; all are None where there is no bulletin, which is late too.
    ``rhythm`` is None while there is too little history.
    """

    newest: str | None
    age_days: int | None
    quiet_days: int | None
    rhythm: Rhythm | None
    late: bool


def freshness(conn: sqlite3.Connection, source: str, rhythm_days: int, today: date) -> Freshness:
    """Judge a source by the newest bulletin that is dated today or before.

    A later date is the ministry's mistake and does not show that the source is alive. While its
    rhythm cannot be learned, ``rhythm_days`` may pass, and the days of public holidays with them.
    """
    (newest,) = conn.execute(
        "SELECT max(published) FROM bulletins WHERE source = ? AND published <= ?",
        (source, today.isoformat()),
    ).fetchone()
    if newest is None:
        return Freshness(None, None, None, None, late=True)
    days = conn.execute(
        "SELECT DISTINCT published FROM bulletins WHERE source = ? AND published BETWEEN ? AND ?",
        (source, (today - YEAR).isoformat(), today.isoformat()),
    )
    found = _judged(date.fromisoformat(newest), _dates(day for (day,) in days), today)
    if found.rhythm or found.age_days is None:
        return found
    holidays = public_holidays_between(date.fromisoformat(newest), today)
    late = found.age_days - holidays > rhythm_days
    return Freshness(newest, found.age_days, found.quiet_days, None, late)


def channel_freshness(
    conn: sqlite3.Connection, source: str, channels: Collection[str], today: date
) -> dict[str, Freshness]:
    """Judge channels by their own rhythm; one whose rhythm cannot be learned is never late.

    A channel without bulletins in the last year is left out.
    """
    days: dict[str, set[str]] = {}
    for channel, day in conn.execute(
        "SELECT DISTINCT channel, published FROM bulletins"
        " WHERE source = ? AND published BETWEEN ? AND ?",
        (source, (today - YEAR).isoformat(), today.isoformat()),
    ):
        days.setdefault(channel, set()).add(day)
    return {
        channel: _judged(date.fromisoformat(max(found)), _dates(found), today)
        for channel in channels
        if (found := days.get(channel))
    }


def learned(news_days: Iterable[date]) -> Rhythm | None:
    """The rhythm of a year's days with news; None for fewer than FEWEST_NEWS_DAYS."""
    days = sorted(set(news_days))
    if len(days) < FEWEST_NEWS_DAYS:
        return None
    gaps = sorted(working_days_between(*pair) for pair in pairwise(days))
    usual = gaps[math.ceil(_USUAL_SHARE * len(gaps)) - 1]
    return Rhythm(usual, max(LEAST_QUIET, math.ceil(_SLACK * usual)))


def _judged(newest: date, news_days: Iterable[date], today: date) -> Freshness:
    rhythm = learned(news_days)
    quiet = working_days_between(newest, today)
    late = rhythm is not None and quiet > rhythm.allowed
    return Freshness(newest.isoformat(), (today - newest).days, quiet, rhythm, late)


def _dates(days: Iterable[str]) -> list[date]:
    return [date.fromisoformat(day) for day in days]
