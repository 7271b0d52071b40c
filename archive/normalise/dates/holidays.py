"""The eve of a Chinese public holiday, for deadlines such as 春节前.

Days of the lunar festivals are civil days in UTC+8 as GB/T 33661-2017 fixes them; the table was
drawn up from two independent calendar packages (lunardate, zhdate), which agree on every row
with a third (lunar-python), the last also on the 61 days of 清明.
"""

from __future__ import annotations

from datetime import date, timedelta

# Year: 春节, 端午, 中秋 as MMDD.
_FESTIVALS: dict[int, tuple[int, int, int]] = {
    1990: (127, 528, 1003),
    1991: (215, 616, 922),
    1992: (204, 605, 911),
    1993: (123, 624, 930),
    1994: (210, 613, 920),
    1995: (131, 602, 909),
    1996: (219, 620, 927),
    1997: (207, 609, 916),
    1998: (128, 530, 1005),
    1999: (216, 618, 924),
    2000: (205, 606, 912),
    2001: (124, 625, 1001),
    2002: (212, 615, 921),
    2003: (201, 604, 911),
    2004: (122, 622, 928),
    2005: (209, 611, 918),
    2006: (129, 531, 1006),
    2007: (218, 619, 925),
    2008: (207, 608, 914),
    2009: (126, 528, 1003),
    2010: (214, 616, 922),
    2011: (203, 606, 912),
    2012: (123, 623, 930),
    2013: (210, 612, 919),
    2014: (131, 602, 908),
    2015: (219, 620, 927),
    2016: (208, 609, 915),
    2017: (128, 530, 1004),
    2018: (216, 618, 924),
    2019: (205, 607, 913),
    2020: (125, 625, 1001),
    2021: (212, 614, 921),
    2022: (201, 603, 910),
    2023: (122, 622, 929),
    2024: (210, 610, 917),
    2025: (129, 531, 1006),
    2026: (217, 619, 925),
    2027: (206, 609, 915),
    2028: (126, 528, 1003),
    2029: (213, 616, 922),
    2030: (203, 605, 912),
    2031: (123, 624, 1001),
    2032: (211, 612, 919),
    2033: (131, 601, 908),
    2034: (219, 620, 927),
    2035: (208, 610, 916),
    2036: (128, 530, 1004),
    2037: (215, 618, 924),
    2038: (204, 607, 913),
    2039: (124, 527, 1002),
    2040: (212, 614, 920),
    2041: (201, 603, 910),
    2042: (122, 622, 928),
    2043: (210, 611, 917),
    2044: (130, 531, 1005),
    2045: (217, 619, 925),
    2046: (206, 608, 915),
    2047: (126, 529, 1004),
    2048: (214, 615, 922),
    2049: (202, 604, 911),
    2050: (123, 623, 930),
}

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
_LUNAR: dict[str, tuple[int, int]] = {
    # column of the table, days to add
    "除夕": (0, -1),
    "春节": (0, 0),
    "元宵": (0, 14),
    "端午": (1, 0),
    "中秋": (2, 0),
}

HOLIDAYS: tuple[str, ...] = (*_FIXED, *_LUNAR, "清明")


def holiday(name: str, year: int) -> date | None:
    """The civil day of a holiday (one of HOLIDAYS); None outside 1990–2050 for those that move."""
    if name in _FIXED:
        return date(year, *_FIXED[name])
    if year not in _FESTIVALS:
        return None
    if name == "清明":
        return date(year, 4, _qingming(year))
    column, shift = _LUNAR[name]
    month, day = divmod(_FESTIVALS[year][column], 100)
    return date(year, month, day) + timedelta(days=shift)


def _qingming(year: int) -> int:
    """Day of April of the solar term; the usual linear rule, checked for 1990–2050."""
    short = year % 100
    return int(short * 0.2422 + (4.81 if year >= 2000 else 5.59)) - short // 4
