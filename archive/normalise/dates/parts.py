"""What a date expression says, as the grammar hands it on: what the text leaves out is None."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from archive.model import Precision


class Rel(NamedTuple):
    """A year, month, week or day that is counted from another one.

    ``base`` is ``anchor`` for the reference date or ``before`` for the nearest date before;
    ``shift`` is in years, months, weeks or days, whichever the field is.
    """

    base: str
    shift: int


class Part(NamedTuple):
    """A part of a month (days ``first`` to ``last``) or of a year (months ``first`` to ``last``).

    ``close`` is set where only its last day is meant (3月底).
    """

    first: int
    last: int
    precision: Precision
    close: bool = False


class Moment(NamedTuple):
    """One point or period as written; what the text leaves out is None.

    ``rule`` names the production that read it. ``week`` is counted from the week of the reference
    date, ``weekday`` is 0 for Monday to 6 for Sunday, and 7 for a weekend; ``plan`` is the number
    of a five-year plan; ``vague`` is set for 近日, ``clock`` where a time of day follows.
    """

    rule: str
    year: int | Rel | None = None
    month: int | Rel | None = None
    day: int | Rel | None = None
    part: Part | None = None
    week: int | None = None
    weekday: int | None = None
    plan: int | None = None
    holiday: str | None = None
    vague: bool = False
    clock: bool = False


class When(NamedTuple):
    """A moment, or the first and the last of a range."""

    first: Moment
    last: Moment | None = None


@dataclass(frozen=True, slots=True)
class Expression:
    """A date expression as written, from the code point ``start`` to before ``end``.

    ``lead`` and ``tail`` are the kinds of words around it (``from``, ``since``), ``tail_text`` is
    the word after it. ``outer`` is the date that a bracketed one explains: 4月下半月 in
    4月下半月（16日至30日）.
    """

    when: When
    start: int
    end: int
    lead: str = ""
    tail: str = ""
    tail_text: str = ""
    outer: When | None = None


XUN: dict[str, Part] = {
    "上旬": Part(1, 10, "xun"),
    "中旬": Part(11, 20, "xun"),
    "下旬": Part(21, 31, "xun"),
    "上中旬": Part(1, 20, "xun"),
    "中上旬": Part(1, 20, "xun"),
    "中下旬": Part(11, 31, "xun"),
    "上半月": Part(1, 15, "half"),
    "下半月": Part(16, 31, "half"),
}
HALF: dict[str, Part] = {"上半年": Part(1, 6, "half"), "下半年": Part(7, 12, "half")}
MONTH_EDGE: dict[str, Part] = {
    "初": Part(1, 10, "xun"),
    "底": Part(1, 31, "day", close=True),
    "末": Part(1, 31, "day", close=True),
    "内": Part(1, 31, "month"),
}
YEAR_EDGE: dict[str, Part] = {
    "初": Part(1, 1, "month"),
    "底": Part(1, 12, "day", close=True),
    "末": Part(1, 12, "day", close=True),
    "内": Part(1, 12, "year"),
}
