"""A second reader: a process that reads captures beside one that takes them in, where that pays.

A crawl that pauses between requests has time enough to read; only one that would wait for its own
reading gets a second process. What is read, and so every row, is the same in either.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from pathlib import Path

from archive.captures.warc import Capture, Location
from archive.sources import Source
from archive.storage.classify import Reading
from archive.storage.read_ahead import read_place
from archive.storage.workers import cores, started

# To start a process takes most of a second on another core: not for a crawl of a hundred pages.
ENOUGH_SECONDS = 0.5
# The share of all time from which on reading is what a crawl waits for.
ENOUGH_SHARE = 0.25
# Smaller pages are read in less time than it takes to hand them over.
LEAST_BYTES = 2_000
# Larger ones are rare, and not worth the memory to keep several of them waiting.
MOST_BYTES = 2_000_000


class SecondReader:
    """Reads captures of a folder of WARC files in one more process, started when it is needed.

    ``say`` is told in one line when that process ended early; the caller reads by itself then.
    """

    def __init__(
        self, folder: Path, sources: Mapping[str, Source], say: Callable[[str], None]
    ) -> None:
        self.folder = folder
        self.sources = sources
        self.say = say
        self._known: dict[str, bytes] = {}
        self._began: float | None = None
        self._spent = 0.0
        self._process: Executor | None = None
        # The first capture read over there, which takes longer than all others.
        self._first: Future[Reading] | None = None
        self._alone = cores() < 2

    def read(self, capture: Capture, location: Location) -> Future[Reading] | None:
        """What a capture is, as soon as the other process has read it; None where it will not."""
        size = len(capture.body)
        if self._alone or not LEAST_BYTES <= size <= MOST_BYTES or not self._is_worth_it():
            return None
        if self._first is None:
            self._first = self._submitted(capture, location)
            return None
        return self._submitted(capture, location) if self._first.done() else None

    def spent(self, seconds: float) -> None:
        """Note that the caller read a capture by itself, in so many seconds of the processor."""
        self._spent += seconds

    def failed(self, error: BaseException) -> None:
        """Note that a reading was not to be had; from now on the caller reads by itself."""
        if not self._alone:
            self._alone = True
            self.say(
                f"the process that reads pages failed ({type(error).__name__}: {error}): the "
                "crawl goes on without it"
            )

    def close(self) -> None:
        """End the other process, if there is one."""
        if self._process is not None:
            self._process.shutdown(cancel_futures=True)

    def _is_worth_it(self) -> bool:
        now = time.monotonic()
        self._began = self._began or now
        return self._process is not None or (
            self._spent > max(ENOUGH_SECONDS, ENOUGH_SHARE * (now - self._began))
        )

    def _submitted(self, capture: Capture, location: Location) -> Future[Reading] | None:
        slug = capture.source
        if slug not in self._known:
            self._known[slug] = pickle.dumps({slug: self.sources[slug]})
        try:
            self._process = self._process or started(1)
            return self._process.submit(read_place, self.folder, self._known[slug], location)
        except (OSError, RuntimeError) as error:  # no process can be started, or it has ended
            self.failed(error)
            return None
