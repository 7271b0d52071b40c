"""Dates in digits, in all the shapes that pages use."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.clock import civil_day
from archive.parse.written_dates import full_dates, read_date, read_date_time

DAY = date(2020, 5, 8)


@pytest.mark.parametrize(
    "text",
    ["2020-05-08", "2020.5.8", "2020/5/08", "2020年5月8日", "2020年5月8", "2020 年 5 月 8 日",
     "摘自《样例报》2020.05.08，第2版", "2020-05-08 2021-01-01", "2020-05-0812"],
)  # fmt: skip
def test_read_date(text: str) -> None:
    assert read_date(text) == DAY


@pytest.mark.parametrize(
    "text",
    ["", "2020-05", "1820-05-08", "2020-13-08", "2020-02-30 2020-05-08", "20200508", "5月8日"],
)
def test_what_is_not_a_date(text: str) -> None:
    assert read_date(text) is None
    assert read_date_time(text) is None


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2020-05-08", None),
        ("2020-05-08 09:05", "2020-05-08T01:05:00Z"),
        ("2020-05-08T00:30:01", "2020-05-07T16:30:01Z"),
        ("2020年5月8日09时32分10", "2020-05-08T01:32:10Z"),
        ("2020年5月8日09：32", "2020-05-08T01:32:00Z"),
        ("2020-05-0809:32", None),
        ("2020-05-08 25:00", None),
        ("2020-05-08 09:05:61", None),
    ],
)
def test_read_date_time(text: str, instant: str | None) -> None:
    assert read_date_time(text) == (DAY, instant)


def test_full_dates_have_year_month_and_day_in_words() -> None:
    text = "2020年5月7日至2020年5月8日，2020年2月30日，2020-05-09，2020年5-8日"
    assert list(full_dates(text)) == [date(2020, 5, 7), DAY]


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)), st.sampled_from(["年月日", "---", "../"]))
def test_any_day(day: date, marks: str) -> None:
    written = f"{day.year}{marks[0]}{day.month}{marks[1]}{day.day}{marks[2]}"
    assert read_date(f"见{written}。") == day
    assert civil_day(day.year, day.month, day.day) == day
    assert civil_day(day.year, day.month, 32) is None
