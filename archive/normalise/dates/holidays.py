"""The day of a Chinese public holiday, for deadlines such as 春节前.

The days of the lunar festivals and of 清明 are those of lunar_python, which computes them in UTC+8
as GB/T 33661-2017 fixes them. It was chosen over the others by measurement: chinesecalendar
reaches from 2004 to 2026 only, lunardate is under the GPL and has no 清明, LunarCalendar needs
three other packages, holidays takes four times as long to import.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

_FIXED: dict[str, tuple[int, int]] = {
    "元旦": (1, 1),
    "三八": (3, 8),
    "五一": (5, 1),
    "劳动节": (5, 1),
    "六一": (6, 1),
    "七一": (7, 1),
    "八一": (8, 1),
    "十一": (10, 1),
    "国庆": (10, 1),
}
_LUNAR: dict[str, tuple[int, int, int]] = {
    # month and day of the lunar year, days to add
    "除夕": (1, 1, -1),
    "春节": (1, 1, 0),
    "元宵": (1, 15, 0),
    "端午": (5, 5, 0),
    "中秋": (8, 15, 0),
}
_YEARS = range(1990, 2051)
"""The years for which a test compares the library with a table of two other libraries."""

HOLIDAYS: tuple[str, ...] = (*_FIXED, *_LUNAR, "清明")


@cache
def holiday(name: str, year: int) -> date | None:
    """The civil day of a holiday (one of HOLIDAYS); None outside 1990–2050 for those that move."""
    if name in _FIXED:
        return date(year, *_FIXED[name])
    if year not in _YEARS:
        return None
    # Imported where it is needed: few bulletins name a holiday, and it costs 13 ms and 3 MB.
    from lunar_python import Lunar

    if name == "清明":
        solar, shift = Lunar.fromYmd(year, 1, 1).getJieQiTable()["清明"], 0
    else:
        month, day, shift = _LUNAR[name]
        solar = Lunar.fromYmd(year, month, day).getSolar()
    found = date(solar.getYear(), solar.getMonth(), solar.getDay())
    return found + timedelta(days=shift)
