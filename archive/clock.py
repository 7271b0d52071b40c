"""Time: the one place where instants become China's civil dates, and the one clock.

Nothing that derives rows from captures asks the clock; captures carry their own time.
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from archive.errors import UsageError

# Mainland China has kept one zone without summer time since 1992 (tz database, Asia/Shanghai).
CHINA = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The present instant in UTC, whole seconds; BULLETINS_NOW sets it for tests and the demo.

    Raises UsageError when BULLETINS_NOW is not an ISO instant with a zone.
    """
    given = os.environ.get("BULLETINS_NOW")
    if not given:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        instant = datetime.fromisoformat(given)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise UsageError(f"BULLETINS_NOW={given!r} is no instant: write 2022-05-01T18:00:00Z")
    return instant.astimezone(UTC).replace(microsecond=0)


def stamp(instant: datetime) -> str:
    """An instant as the archive writes it: UTC with Z, whole seconds."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_stamp(text: str) -> datetime:
    """The instant that ``stamp`` wrote."""
    return datetime.fromisoformat(text)


def civil_date(text: str) -> str:
    """The civil date in China (YYYY-MM-DD) of an instant as ``stamp`` writes it."""
    return parse_stamp(text).astimezone(CHINA).date().isoformat()


def night_of(text: str) -> tuple[str, str]:
    """The civil date in China of an instant as two instants: its beginning, and the next one's."""
    day = date.fromisoformat(civil_date(text))
    return china_instant(day, 0, 0), china_instant(day + timedelta(days=1), 0, 0)


def civil_day(year: int, month: int, day: int) -> date | None:
    """The day of that number; None where the calendar has no such day."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def china_instant(day: date, hour: int, minute: int, second: int = 0) -> str:
    """A ministry's local time as a UTC stamp."""
    local = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=CHINA)
    return stamp(local)


def days_before(text: str, days: int) -> str:
    """The stamp ``days`` days before a stamp."""
    return stamp(parse_stamp(text) - timedelta(days=days))


def julian_day(text: str) -> float:
    """A stamp in days, as SQLite's ``julianday`` counts them."""
    return parse_stamp(text).timestamp() / 86_400 + 2_440_587.5
