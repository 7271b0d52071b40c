"""Dates that a page writes in digits: 2020-05-13, 2020.5.13, 2020/5/13, 2020年5月13日."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from archive.clock import china_instant, civil_day

# To build other patterns with; it has no groups.
WRITTEN_DATE = (
    r"(?:19|20)\d{2}\s{0,3}[-./年]\s{0,3}\d{1,2}\s{0,3}[-./月]\s{0,3}\d{1,2}(?:\s{0,3}日)?"
)
# The ratio (U+2236) stands for a colon on some sites: 10∶08.
CLOCK = r"\d{1,2}[:：∶时]\d{2}(?:[:：∶分](?:\d{2}秒?)?)?"
"""A time of day, to build other patterns with; it has no groups."""
_DATE = re.compile(WRITTEN_DATE)
_DATE_TIME = re.compile(
    rf"(?P<date>{WRITTEN_DATE})"
    r"(?:(?:\s{1,3}|T|(?<=日))(?P<hour>\d{1,2})[:：∶时](?P<minute>\d{2})"
    r"(?:[:：∶分](?P<second>\d{2}))?)?"
)
_NUMBER = re.compile(r"\d+")


def read_date(text: str) -> date | None:
    """The first date written in a text; None without one, or where it is not a day (2月30日)."""
    found = _DATE.search(text)
    return _day(found[0]) if found else None


def read_date_time(text: str) -> tuple[date, str | None] | None:
    """The first date written in a text, and its instant as a UTC stamp where a time follows."""
    found = _DATE_TIME.search(text)
    day = _day(found["date"]) if found else None
    if found is None or day is None:
        return None
    if found["hour"] is None:
        return day, None
    try:
        hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
        return day, china_instant(day, hour, minute, second)
    except ValueError:
        return day, None


def full_dates(text: str) -> Iterator[date]:
    """All days that a text writes with 年, 月 and 日, in its order."""
    for found in _DATE.finditer(text):
        literal = found[0]
        if (
            "年" in literal
            and "月" in literal
            and literal.endswith("日")
            and (day := _day(literal))
        ):
            yield day


def _day(literal: str) -> date | None:
    year, month, day = map(int, _NUMBER.findall(literal))
    return civil_day(year, month, day)
