"""Disk space: looked at before a night begins and while it runs, so that no disk fills up."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from archive.clock import days_before, now, stamp
from archive.errors import CannotWrite
from archive.storage.database import NAME, readonly

# A night asks for a few hundred pages of some 20 kB, and the first nights of a large source for a
# few thousand: 1 GB holds 50,000 of them even unpacked.
NIGHT_BYTES = 1_000_000_000
# What a crawl leaves free: the database's log of writes, and the largest answer kept (64 MB).
LEAST_BYTES = 200_000_000
# A night like the largest of the last month is likely; a site that grew since may bring double.
RECENT_DAYS = 30
SPARE = 2


def room(folder: Path) -> int:
    """How many bytes can still be written to the disk of a folder, or of the one it will be in.

    What the system keeps for its administrator does not count. Raises CannotWrite where the disk
    does not answer.
    """
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        return shutil.disk_usage(there).free
    except OSError as error:
        raise CannotWrite(
            f"cannot ask how full the disk of {folder} is: {error.strerror}; check the disk"
        ) from error


def require_room(folder: Path, needed: int) -> None:
    """Raise CannotWrite where the disk of a folder has less room than ``needed`` bytes."""
    if (free := room(folder)) < needed:
        raise CannotWrite(
            f"the disk of {folder} has {in_units(free)} left and {in_units(needed)} are needed: "
            "make room; all that was kept is still there"
        )


def needed_for_a_night(data: Path) -> int:
    """How many bytes a night may write to a data folder: 1 GB, or twice the largest recent night.

    A night's size is that of the records captured on one day; the last 30 days count. A database
    that cannot be read, or is not there yet, tells nothing.
    """
    if not (data / NAME).is_file():
        return NIGHT_BYTES
    try:
        with closing(readonly(data / NAME)) as conn:
            (largest,) = conn.execute(
                "SELECT max(bytes) FROM (SELECT sum(length) AS bytes FROM captures"
                " WHERE fetched_at >= ? GROUP BY date(fetched_at, '+8 hours'))",
                (days_before(stamp(now()), RECENT_DAYS),),
            ).fetchone()
    except sqlite3.DatabaseError:
        return NIGHT_BYTES
    return max(NIGHT_BYTES, SPARE * int(largest or 0))


def in_units(count: int) -> str:
    """A number of bytes for a person: ``1.5 GB``, ``20 MB``, ``3 kB``, ``17 bytes``."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{count} bytes"
