"""What is usual: ranges of numbers, and new bulletins on nights, from history alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.clock import stamp
from archive.storage.calendar import is_working_day
from archive.storage.expectations import (
    UsualRange,
    expected,
    news_day,
    usual_count,
    usual_range,
)
from archive.storage.store import Store
from tests.test_status import LIVE, page_of, status
from tests.test_store import SOURCES, capture, page_html, record

# Half past two in China, on a Tuesday: what it finds is Monday's.
FIRST = datetime(2026, 10, 12, 18, 30, tzinfo=UTC)


def test_a_usual_range_reaches_three_and_a_half_deviations() -> None:
    assert usual_range([10.0] * 7) is None
    assert usual_range([10.0] * 8) == UsualRange(10, 10, 10)
    assert usual_range([10.0] * 8, least_reach=2) == UsualRange(10, 8, 12)
    found = usual_range([8, 9, 9, 10, 10, 11, 11, 12], least_reach=2)
    assert found is not None
    assert (found.middle, found.low, found.high) == pytest.approx((10, 4.8109, 15.1891))
    assert usual_range([3.0], fewest=1) == UsualRange(3, 3, 3)
    assert usual_range([], fewest=0) is None
    # Outliers, nearly half of all, do not move it.
    assert usual_range([10.0] * 5 + [900.0] * 4) == UsualRange(10, 10, 10)


def test_usual_counts() -> None:
    assert usual_count([]) is None
    assert usual_count([5] * 7) is None
    assert usual_count([0] * 8) == UsualRange(0, 0, 2)
    assert usual_count([1] * 8) == UsualRange(1, 0, 3)
    assert usual_count([25] * 8) == UsualRange(25, 15, 35)
    assert usual_count([20, 30] * 4) == UsualRange(25, 0, 51)


@given(st.lists(st.integers(0, 500), min_size=8))
def test_the_middle_is_usual(history: list[int]) -> None:
    found = usual_count(history)
    assert found is not None
    assert 0 <= found.low <= found.middle <= found.high
    assert found.holds(found.middle)
    assert found == usual_count(sorted(history))
    assert not found.holds(found.high + 1)
    assert not found.holds(found.low - 1)


def test_a_night_finds_the_news_of_the_half_day_before() -> None:
    assert news_day("2026-10-12T18:30:00Z") == date(2026, 10, 12)
    assert news_day("2026-10-13T03:59:59Z") == date(2026, 10, 12)
    assert news_day("2026-10-13T04:00:00Z") == date(2026, 10, 13)


def night(folder: Path, number: int, new: int, **values: object) -> None:
    """A finished crawl, so many nights after the first."""
    at = stamp(FIRST + timedelta(days=number))
    counts = {"outcome": "good", "finished_at": at, "walked": 1, "listed": 40, "new": new}
    with Store(folder, SOURCES) as store:
        crawl = store.begin_crawl("mohurd", LIVE[0], at)
        store.finish_crawl(crawl, counts | values)  # type: ignore[arg-type]


def usual(folder: Path, number: int) -> UsualRange | None:
    with Store(folder, SOURCES) as store:
        conn = store.database.conn
        return expected(conn, "mohurd", LIVE[0], stamp(FIRST + timedelta(days=number)))


def test_working_days_and_free_ones_have_their_own_history(tmp_path: Path) -> None:
    record(tmp_path)
    night(tmp_path, -1, 40)  # the first walk
    for number in range(30):
        works = is_working_day(date(2026, 10, 12) + timedelta(days=number))
        night(tmp_path, number, 25 if works else 1)
    assert usual(tmp_path, 30) == UsualRange(25, 15, 35)  # of Wednesday, 11 November
    assert usual(tmp_path, 33) == UsualRange(1, 0, 3)  # of Saturday
    assert usual(tmp_path, 0) is None
    with Store(tmp_path, SOURCES) as store:
        lines = list(store.database.table("crawls").rows_where(order_by="id"))
        assert expected(store.database.conn, "mohurd", LIVE[1], stamp(FIRST)) is None
    # Written with the line itself, once there are eight such nights before it.
    assert [line["expected"] for line in lines[:9]] == [None] * 9
    found = lines[-1]
    assert (found["expected"], found["expected_low"], found["expected_high"]) == (25, 15, 35)
    # Three months later nothing of it counts.
    assert usual(tmp_path, 130) is None


def test_what_does_not_count_as_a_night(tmp_path: Path) -> None:
    record(tmp_path)
    night(tmp_path, -1, 40)
    working = [n for n in range(14) if is_working_day(date(2026, 10, 12) + timedelta(days=n))]
    for number in working[:7]:
        night(tmp_path, number, 25)
    assert usual(tmp_path, 30) is None
    night(tmp_path, working[7], 25, outcome="failed")
    night(tmp_path, working[8], 41)  # more than its lists have: a backlog
    assert usual(tmp_path, 30) is None
    # Two runs of a night are one night; their bulletins add up.
    night(tmp_path, working[6], 0)
    assert usual(tmp_path, 30) is None
    night(tmp_path, working[7], 0)
    assert usual(tmp_path, 30) == UsualRange(25, 15, 35)


def scarce(folder: Path, number: int, new: int) -> None:
    night(folder, number, new, expected=25, expected_low=15, expected_high=35)


def test_an_unusual_night_is_a_remark_and_three_scarce_ones_are_a_trouble(tmp_path: Path) -> None:
    record(tmp_path, capture(page_of("2026-10-14"), page_html("甲。")))
    scarce(tmp_path, 0, 15)
    assert status(tmp_path, "2026-10-15").remarks == ()
    scarce(tmp_path, 1, 36)
    assert status(tmp_path, "2026-10-15").remarks == (f"{LIVE[0]}: 36 new, 15–35 are usual",)
    scarce(tmp_path, 2, 14)
    scarce(tmp_path, 3, 0)
    found = status(tmp_path, "2026-10-16")
    assert found.remarks == (f"{LIVE[0]}: 0 new, 15–35 are usual",)
    assert found.problem is None
    scarce(tmp_path, 4, 3)
    found = status(tmp_path, "2026-10-17")
    assert found.problem == (
        f"{LIVE[0]}: fewer new bulletins than usual for 3 nights (14, 0, 3): look at its list"
    )
    assert found.stale
    scarce(tmp_path, 5, 20)
    assert status(tmp_path, "2026-10-18").problem is None
