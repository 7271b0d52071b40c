"""The civil days of a moment whose years, months and days are all numbers."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from typing import NamedTuple

from archive.model import Precision
from archive.normalise.dates.holidays import holiday
from archive.normalise.dates.parts import Moment, Rel, When


class Extent(NamedTuple):
    """Civil days from start to end, both inclusive."""

    start: date
    end: date
    precision: Precision


def extent_of(when: When, anchor: date) -> Extent | None:
    """The days of a moment or a range whose year, month and day are numbers.

    None where they are not known or run backwards. Raises ValueError for a day that does not exist.
    """
    first = _of_moment(when.first, anchor)
    if first is None or when.last is None:
        return first
    last = _of_moment(when.last, anchor)
    if last is None or last.end < first.start:
        return None
    return Extent(first.start, last.end, first.precision)


def _of_moment(m: Moment, anchor: date) -> Extent | None:
    """The days of a filled moment; raises ValueError for a day that does not exist."""
    if m.plan is not None:
        # The eleventh plan ran from 2006 to 2010.
        start = 1951 + 5 * m.plan
        end = date(start + 4, 12, 31)
        return Extent(end if m.part else date(start, 1, 1), end, "plan")
    if m.week is not None:
        return _of_week(m.week, m.weekday, anchor)
    year, month, day = m.year, m.month, m.day
    if not isinstance(year, int) or isinstance(month, Rel) or isinstance(day, Rel):
        return None
    if m.holiday is not None:
        festival = holiday(m.holiday, year)
        eve = festival - timedelta(days=1) if festival else None
        return Extent(eve, eve, "day") if eve else None
    if day is not None and month is not None:
        exact = date(year, month, day)
        return Extent(exact, exact, "day")
    return _of_part(m, year, month)


def _of_week(week: int, weekday: int | None, anchor: date) -> Extent:
    monday = anchor + timedelta(days=7 * week - anchor.weekday())
    if weekday is None:
        return Extent(monday, monday + timedelta(days=6), "week")
    start = monday + timedelta(days=min(weekday, 5) if weekday == 7 else weekday)
    return Extent(start, monday + timedelta(days=min(weekday, 6)), "day")


def _of_part(m: Moment, year: int, month: int | None) -> Extent:
    """A month or a year, or the part of it that is named."""
    part = m.part
    if month is not None:
        days = calendar.monthrange(year, month)[1]
        start = date(year, month, part.first if part else 1)
        end = date(year, month, min(part.last, days) if part else days)
    else:
        last = part.last if part else 12
        start = date(year, part.first if part else 1, 1)
        end = date(year, last, calendar.monthrange(year, last)[1])
    if part is not None and part.close:
        start = end
    precision: Precision = part.precision if part else "month" if month is not None else "year"
    return Extent(start, end, precision)
