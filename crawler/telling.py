"""Telling a person: what is new since the last night, in words, once; see ``told.py``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from archive.clock import civil_date
from crawler import faults, told
from crawler.messengers import Message, Messenger, NotTold, State, ToldTrouble
from crawler.told import Record, Trouble

# What to do about each kind of trouble; docs/operations.md says more.
ADVICE = {
    "failed": "see `bulletins status`, and the rows of `incidents` for the answers that came",
    "stale": "look at the ministry's site: is it quiet, or is the archive looking at a dead list?",
    "settings": "correct what is named; until then no night runs",
    "locked": "see which process holds the folder (`fuser -v DATA/.lock`), and end it if it hangs",
    "cannot-write": "make room, or correct the folder's permissions",
    "damaged": "run `bulletins verify`, then what it says",
    "fault": "report it, with what `faults.log` has of it; a later version may mend it",
    "verify": "run `bulletins verify`, then what it says",
    "backup": "look at the backup folder: is it there, is it full, may this user write to it?",
}
_OTHER = "see `bulletins status`"


@dataclass(frozen=True, slots=True)
class Night:
    """What a night has to tell: what it found, what it looked at, and its summary in words.

    ``judged`` has a pair of source and kind for all that was looked at; ``names`` are those of the
    enabled sources by slug, None where they are not known; ``at`` is a UTC stamp.
    """

    data: Path
    at: str
    found: Sequence[Trouble]
    judged: Collection[tuple[str, str]]
    names: Mapping[str, str] | None
    summary: str


def tell(night: Night, messengers: Sequence[Messenger], say: Callable[[str], None]) -> None:
    """Tell each messenger what is new to it; ``say`` gets one line for each that failed."""
    if not messengers and not night.data.is_dir():
        return
    with told.open_told(night.data, say) as records:
        if night.names is not None:
            told.keep_sources(records, night.names)
        told.note(records, night.found, night.judged, night.at)
        for messenger in messengers:
            for state in get_args(State):
                _tell(night, records, messenger, state, say)
        told.forget(records, [messenger.name for messenger in messengers])


def _tell(
    night: Night,
    records: Sequence[Record],
    messenger: Messenger,
    state: State,
    say: Callable[[str], None],
) -> None:
    due = told.due(records, messenger.name, state)
    if not due:
        return
    try:
        remark = messenger.send(compose(night, due, state))
    except NotTold as error:
        _not_told(messenger, error, say)
        return
    except Exception as error:
        # Whatever it is, the other messengers have to tell.
        _not_told(messenger, faults.keep(night.data, error, say), say)
        return
    told.delivered(due, messenger.name, state)
    if remark:
        say(f"{messenger.name}: {remark}")


def _not_told(messenger: Messenger, why: Exception, say: Callable[[str], None]) -> None:
    say(f"could not tell by {messenger.name}: {why}; it is tried again the next night")


def compose(night: Night, records: Sequence[Record], state: State) -> Message:
    """The message about these records, in words and in fields."""
    what = [_named(night, record) for record in records]
    shown = ", ".join(what[:3]) + (f" and {len(what) - 3} more" if len(what) > 3 else "")
    subject = f"bulletins: {shown}" + (" is over" if state == "recovered" else "")
    lines = [_paragraph(night, record) for record in records]
    after = (
        "This is told once; when it is over, you are told so."
        if state == "trouble"
        else "It is over; nothing has to be done."
    )
    body = "\n\n".join([*lines, after, f"The night of {night.data}:\n{night.summary}"]) + "\n"
    return Message(
        state=state,
        subject=" ".join(subject.split()),
        body=body,
        at=night.at,
        troubles=tuple(
            ToldTrouble(record.source, record.kind, record.message, record.since)
            for record in records
        ),
        summary=night.summary,
    )


def _named(night: Night, record: Record) -> str:
    if not record.source:
        return f"{record.kind} (the run itself)"
    return f"{(night.names or {}).get(record.source, record.source)} {record.kind}"


def _paragraph(night: Night, record: Record) -> str:
    since = civil_date(record.since)
    if record.over is not None:
        return (
            f"{_named(night, record)}, from {since} to {civil_date(record.over)}: {record.message}"
        )
    advice = ADVICE.get(record.kind, _OTHER)
    advice += "" if advice.endswith("?") else "."
    return f"{_named(night, record)}, since {since}: {record.message}\nWhat to do: {advice}"
