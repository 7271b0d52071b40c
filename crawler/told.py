"""What was told already: ``told.json`` in the data folder, one record for each open trouble.

A trouble is a source, or the run itself, and a kind. It is told once, and its end is told once, to
each messenger; what did not get through is tried again the next night.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

import msgspec

from archive.clock import civil_date
from crawler.messengers import State

NAME = "told.json"
_LOCK = ".told.lock"

# A night that finds the folder locked may have met a run by hand, or a first crawl that takes more
# than a day; the second one in a row has not.
NIGHTS_BEFORE_TOLD = {"locked": 2}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a night found wrong; ``source`` is "" for the run itself, ``message`` one line."""

    source: str
    kind: str
    message: str


class Record(msgspec.Struct, kw_only=True):
    """One trouble that was met and, as far as somebody has still to be told, its end.

    ``since`` and ``over`` are UTC stamps, ``last`` the latest night on which it was met, a civil
    date in China, ``nights`` how many those were; ``told`` and ``told_over`` name messengers.
    """

    source: str
    kind: str
    message: str
    since: str
    last: str
    nights: int = 1
    over: str | None = None
    told: list[str] = []
    told_over: list[str] = []


class _Told(msgspec.Struct):
    troubles: list[Record]


@contextmanager
def open_told(folder: Path, say: Callable[[str], None]) -> Iterator[list[Record]]:
    """The records, to be changed; written when the block ends, one process at a time.

    A file that cannot be read is set aside; that, and a folder that cannot be written, is said, and
    never raised: a trouble is rather told twice than not at all.
    """
    with closing(_locked(folder)):
        before = _read(folder / NAME, say)
        records = list(before)
        try:
            yield records
        finally:
            if records or before:
                _write(folder / NAME, records, say)


def _locked(folder: Path) -> IO[bytes]:
    """Hold the lock, or nothing where the folder cannot be written."""
    try:
        held = (folder / _LOCK).open("wb")
    except OSError:
        return BytesIO()
    fcntl.flock(held, fcntl.LOCK_EX)
    return held


def _read(path: Path, say: Callable[[str], None]) -> list[Record]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Told).troubles
    except FileNotFoundError:
        return []
    except OSError as error:
        say(f"{path} cannot be read ({error.strerror}): troubles are told once more")
        return []
    except (msgspec.DecodeError, RecursionError) as error:
        return _set_aside(path, f"{path} cannot be read ({error})", say)


def _set_aside(path: Path, why: str, say: Callable[[str], None]) -> list[Record]:
    aside = path.with_name(f"{path.name}.broken")
    try:
        path.replace(aside)
    except OSError as error:
        say(f"{why}, nor set aside ({error.strerror}): troubles are told once more")
    else:
        say(f"{why}: set aside as {aside}, troubles are told once more")
    return []


def _write(path: Path, records: Sequence[Record], say: Callable[[str], None]) -> None:
    """Replace the file whole, so that a kill leaves the old one or the new one."""
    new = path.with_name(f"{path.name}.new")
    try:
        with new.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(_Told(list(records)))) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        say(f"cannot write {path} ({error.strerror}): what was told tonight may be told once more")


def keep_sources(records: list[Record], sources: Collection[str]) -> None:
    """Drop what belongs to sources that are no longer there: nobody will ever see its end."""
    records[:] = [record for record in records if not record.source or record.source in sources]


def note(
    records: list[Record], found: Collection[Trouble], judged: Collection[tuple[str, str]], at: str
) -> None:
    """Bring the records up to date with what a night found.

    ``judged`` are the sources and kinds that the night looked at: one that is among them and was
    not found is over. What the night did not come to stays as it is.
    """
    known = {(record.source, record.kind): record for record in records}
    for trouble in found:
        record = known.get((trouble.source, trouble.kind))
        if record is None:
            records.append(
                Record(
                    source=trouble.source,
                    kind=trouble.kind,
                    message=trouble.message,
                    since=at,
                    last=civil_date(at),
                )
            )
        else:
            _met_again(record, trouble, at)
    present = {(trouble.source, trouble.kind) for trouble in found}
    for record in records:
        key = (record.source, record.kind)
        if key in judged and key not in present and record.over is None:
            record.over = at


def _met_again(record: Record, trouble: Trouble, at: str) -> None:
    record.message = trouble.message
    if record.over is not None:
        # Whoever was told that it is over has to be told anew.
        record.told = [name for name in record.told if name not in record.told_over]
        record.told_over = []
        record.over, record.since, record.nights, record.last = None, at, 1, civil_date(at)
    elif record.last != civil_date(at):
        record.last, record.nights = civil_date(at), record.nights + 1


def due(records: Sequence[Record], messenger: str, state: State) -> list[Record]:
    """The records that a messenger has still to tell, as a trouble or as its end."""
    if state == "trouble":
        return [
            record
            for record in records
            if record.over is None
            and messenger not in record.told
            and record.nights >= NIGHTS_BEFORE_TOLD.get(record.kind, 1)
        ]
    return [
        record
        for record in records
        if record.over is not None
        and messenger in record.told
        and messenger not in record.told_over
    ]


def delivered(records: Sequence[Record], messenger: str, state: State) -> None:
    """Remember that a messenger has told these records."""
    for record in records:
        (record.told if state == "trouble" else record.told_over).append(messenger)


def forget(records: list[Record], messengers: Collection[str]) -> None:
    """Drop the records that are over and of which nobody has to be told any more."""
    records[:] = [
        record
        for record in records
        if record.over is None
        or any(name in messengers and name not in record.told_over for name in record.told)
    ]
