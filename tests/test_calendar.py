"""China's working days: holidays, the weekends worked for them, and the years that are known."""

from __future__ import annotations

from datetime import date

import pytest

from archive.storage.calendar import (
    is_public_holiday,
    is_working_day,
    last_covered_year,
    out_of_date,
    public_holidays_between,
    working_days_between,
)


@pytest.mark.parametrize(
    ("day", "works", "holiday"),
    [
        (date(2026, 10, 1), False, True),
        (date(2026, 10, 3), False, True),  # a Saturday within 国庆
        (date(2026, 10, 8), True, False),
        (date(2026, 10, 10), True, False),  # a Saturday that is worked
        (date(2026, 10, 11), False, False),
        (date(2026, 11, 2), True, False),
        (date(2026, 11, 1), False, False),
        (date(2020, 1, 31), False, True),  # 春节 as it was prolonged in 2020
        (date(2002, 2, 12), False, True),
        # Years that are not covered, or not wholly: Monday to Friday.
        (date(2001, 12, 29), False, False),
        (date(2001, 10, 1), True, False),
        (date(2095, 10, 1), False, False),
        (date(2095, 10, 3), True, False),
    ],
)
def test_days(day: date, works: bool, holiday: bool) -> None:
    assert (is_working_day(day), is_public_holiday(day)) == (works, holiday)


def test_working_days_between_two_days() -> None:
    assert working_days_between(date(2026, 11, 2), date(2026, 11, 2)) == 0
    assert working_days_between(date(2026, 11, 2), date(2026, 11, 3)) == 0
    assert working_days_between(date(2026, 11, 2), date(2026, 11, 5)) == 2
    assert working_days_between(date(2026, 11, 6), date(2026, 11, 9)) == 0
    assert working_days_between(date(2026, 11, 5), date(2026, 11, 2)) == 0
    # The seven days of 国庆 are free, and the Saturday after it is not.
    assert working_days_between(date(2026, 9, 30), date(2026, 10, 8)) == 0
    assert working_days_between(date(2026, 10, 9), date(2026, 10, 12)) == 1
    assert public_holidays_between(date(2026, 9, 30), date(2026, 10, 8)) == 7
    assert public_holidays_between(date(2026, 10, 1), date(2026, 10, 7)) == 5


def test_the_last_covered_year_is_checked() -> None:
    """When this fails the library is older than the year before: update the pin."""
    year = last_covered_year()
    assert year >= 2026
    assert any(is_public_holiday(date(year, 10, day)) for day in range(1, 8))
    assert not any(is_public_holiday(date(year + 1, 10, day)) for day in range(1, 8))
    assert out_of_date(date(year, 12, 31)) is None
    line = out_of_date(date(year + 1, 1, 1))
    assert line is not None
    assert line.startswith(f"China's public holidays are known up to {year} only")
