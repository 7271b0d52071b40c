"""China's working days: weekends, public holidays, and the weekends worked to make up for them.

The holidays are those that the State Council announces each autumn for the year after, as
lunar_python carries them; a release of it knows them up to a last year.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

# The first year of which lunar_python knows all holidays; of 2001 it has the last three days.
FIRST_COVERED_YEAR = 2002
_SATURDAY = 5
_DAY = timedelta(days=1)


def is_working_day(day: date) -> bool:
    """Whether offices in China work on a day; outside the covered years, Monday to Friday."""
    return _announced(day.year).get(day, day.weekday() < _SATURDAY)


def is_public_holiday(day: date) -> bool:
    """Whether a day is free as a part of a public holiday; a weekend alone is none."""
    return _announced(day.year).get(day) is False


def working_days_between(earlier: date, later: date) -> int:
    """How many working days lie between two days, neither of them counted; 0 where none do."""
    return sum(is_working_day(day) for day in _between(earlier, later))


def public_holidays_between(earlier: date, later: date) -> int:
    """How many days of public holidays lie between two days, neither of them counted."""
    return sum(is_public_holiday(day) for day in _between(earlier, later))


@cache
def last_covered_year() -> int:
    """The last year whose holidays are known; after it only weekends are."""
    year = FIRST_COVERED_YEAR
    while _announced(year + 1):
        year += 1
    return year


def out_of_date(today: date) -> str | None:
    """One line for the person who runs the archive once the holidays known are past, else None."""
    if today.year <= last_covered_year():
        return None
    return (
        f"China's public holidays are known up to {last_covered_year()} only, so weekends alone "
        "count as free days: update the archive, or its library lunar_python"
    )


def _between(earlier: date, later: date) -> list[date]:
    return [earlier + _DAY * step for step in range(1, (later - earlier).days)]


@cache
def _announced(year: int) -> dict[date, bool]:
    """The days of a year that were announced, and whether they are worked."""
    if year < FIRST_COVERED_YEAR:
        return {}
    # Imported where it is needed: few commands ask for working days.
    from lunar_python.util import HolidayUtil

    return {
        date.fromisoformat(holiday.getDay()): bool(holiday.isWork())
        for holiday in HolidayUtil.getHolidays(year)
    }
