"""The smallest productions of the date grammar: numbers with a unit, and times of day."""

from __future__ import annotations

from typing import TypeVar

from archive.normalise.dates.tokens import Token

T = TypeVar("T")
Read = tuple[T, int] | None
Tokens = list[Token]


def is_a(ts: Tokens, i: int, *kinds: str) -> bool:
    """Whether there is a token at i, of one of these kinds."""
    return i < len(ts) and ts[i].kind in kinds


def before(ts: Tokens, i: int, text: str) -> str:
    """The few characters before token i."""
    return text[max(0, ts[i].start - 8) : ts[i].start]


def numbers_at(ts: Tokens, i: int, unit: str, low: int, high: int) -> Read[tuple[int, int | None]]:
    """Numbers that share a unit (5月, 3—5月, 8、9日); the position is after the unit."""
    first, last = ts[i].value, None
    if not low <= first <= high:
        return None
    j = i + 1
    while is_a(ts, j, "dash", "list") and is_a(ts, j + 1, "number", "han") and j - i < 12:
        last = ts[j + 1].value
        if not first < last <= high:
            return None
        if ts[j].kind == "list" and not is_a(ts, j + 2, "list", unit):
            return None
        j += 2
    if not is_a(ts, j, unit):
        return None
    return (first, last), j + 1


def after_clock(ts: Tokens, i: int) -> int:
    """The position after a time of day (上午9时30分, 晚, 0—24时, 8:00—12:00), or i."""
    j = i + 1 if is_a(ts, i, "daypart") else i
    k = _after_hour(ts, j)
    if k == j:
        return j
    if is_a(ts, k, "dash"):
        second = k + 2 if is_a(ts, k + 1, "daypart") else k + 1
        end = _after_hour(ts, second)
        if end > second:
            return end
    return k


def _after_hour(ts: Tokens, i: int) -> int:
    if is_a(ts, i, "clock"):
        return i + 2 if is_a(ts, i + 1, "minute") else i + 1
    if not is_a(ts, i, "number", "han") or not 0 <= ts[i].value <= 24:
        return i
    j = i + 1
    if is_a(ts, j, "dash") and is_a(ts, j + 1, "number") and 0 <= ts[j + 1].value <= 24:
        j += 2
    if not is_a(ts, j, "hour"):
        return i
    j += 1
    if is_a(ts, j, "half"):
        return j + 1
    for unit in ("minute", "second"):
        if is_a(ts, j, "number", "han") and is_a(ts, j + 1, unit):
            j += 2
    return j
