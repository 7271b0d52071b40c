"""A schedule of our own, for containers: wait for the night, run ``bulletins nightly``, repeat."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from types import FrameType

from archive.clock import CHINA, now, parse_stamp
from archive.errors import ArchiveError
from archive.storage.database import open_readonly
from crawler.schedule import LONGEST_NIGHT, NIGHT, RANDOM_SECONDS

# A clock that is set, or a machine that slept, is noticed after so long.
SLICE = timedelta(minutes=1)
# How long a night that was told to stop may take for its last page and commit, as systemd has it.
_STOP_SECONDS = 90


def next_night(after: datetime) -> datetime:
    """The first 02:30 in China after an instant."""
    local = after.astimezone(CHINA)
    tonight = datetime.combine(local.date(), NIGHT, tzinfo=CHINA)
    return tonight if tonight > local else tonight + timedelta(days=1)


def is_missed(data: Path, at: datetime) -> bool:
    """Whether no crawl has begun since the last night should have: the machine was off, or new.

    The same as ``Persistent`` of a systemd timer.
    """
    try:
        with closing(open_readonly(data)) as conn:
            (last,) = conn.execute("SELECT max(started_at) FROM crawls").fetchone()
    except (ArchiveError, sqlite3.Error):
        return True
    return last is None or parse_stamp(last) < next_night(at) - timedelta(days=1)


@dataclass
class EveryNight:
    """Runs a command once a night until it is told to stop.

    ``clock`` tells the time, ``wait`` waits for so many seconds or until the event is set, and
    ``delay`` chooses how many seconds after 02:30 a night begins.
    """

    command: Sequence[str]
    data: Path
    say: Callable[[str], None]
    clock: Callable[[], datetime] = now
    wait: Callable[[Event, float], object] = Event.wait
    delay: Callable[[], float] = lambda: random.uniform(0, RANDOM_SECONDS)  # noqa: S311
    stop: Event = field(default_factory=Event)
    _night: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Run until ``end`` is called; a night that was missed begins at once."""
        if is_missed(self.data, self.clock()):
            self._run_night()
        while not self.stop.is_set():
            begins = self._next()
            self.say(f"the next night begins at {begins:%Y-%m-%d %H:%M} in China")
            self._wait_for(begins)
            if not self.stop.is_set():
                self._run_night()

    def end(self, signum: int = 0, frame: FrameType | None = None) -> None:
        """Stop waiting, or have the night that is running stop; a signal handler."""
        self.stop.set()
        if self._night is not None:
            self._night.terminate()

    def end_on_signals(self) -> None:
        """Call ``end`` on SIGTERM, which container engines send, and on Ctrl-C."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.end)

    def _next(self) -> datetime:
        return next_night(self.clock()) + timedelta(seconds=self.delay())

    def _wait_for(self, begins: datetime) -> None:
        while not self.stop.is_set() and (present := self.clock()) < begins:
            # After the clock was set back, the night that then comes first is waited for.
            latest = next_night(present) + timedelta(seconds=RANDOM_SECONDS)
            begins = min(begins, latest)
            self.wait(self.stop, min(begins - present, SLICE).total_seconds())

    def _run_night(self) -> None:
        self._night = subprocess.Popen(self.command)
        if self.stop.is_set():
            self._night.terminate()
        try:
            self._night.wait(LONGEST_NIGHT.total_seconds())
        except subprocess.TimeoutExpired:
            self.say(f"the night is ended: not done in {LONGEST_NIGHT}")
            self._night.terminate()
            self._kill_after_a_while(self._night)
        self._night = None

    def _kill_after_a_while(self, night: subprocess.Popen[bytes]) -> None:
        try:
            night.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            night.kill()
            night.wait()
