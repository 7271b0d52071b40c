"""Reading ahead: captures read in other processes, handed back in their order.

What a capture is depends on nothing but its bytes and its source (``classify``), so any number of
processes can read, as long as one writer takes what they read in order. A task is the places of a
few captures: each process opens the WARC files by itself, and what comes back has no bodies.
"""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from archive.captures.decisions import Decision
from archive.captures.reading import locations_in_order, read_record
from archive.captures.warc import Capture, Location
from archive.errors import ArchiveError, ReaderFailed
from archive.sources import Source
from archive.storage.classify import Reading, needs_the_list, read

T = TypeVar("T")
R = TypeVar("R")

# A task of so many pages takes a tenth of a second, beside which it costs nothing to hand it over.
_TASK = 16
# What was read and waits for its turn is bounded by this: some 6 MB of pages of the usual size.
_AHEAD = 32


@dataclass(frozen=True, slots=True)
class ReadCapture:
    """A capture with what it was read as; its body is empty where nobody will ask for it.

    A person's decision is read as nothing.
    """

    location: Location
    record: Capture | Decision
    found: Reading


def read_ahead(
    folder: Path, sources: Mapping[str, Source], executor: Executor
) -> Iterator[ReadCapture]:
    """All captures of a folder of WARC files in the order of derivation, read by ``executor``.

    Its processes must see the same files under the same path. Raises Damaged, and ReaderFailed
    where a process ends early.
    """
    known = pickle.dumps(dict(sources))
    places = locations_in_order(folder)
    tasks = iter(lambda: tuple(islice(places, _TASK)), ())
    for task in in_turn(executor)(partial(_read, folder, known), tasks):
        yield from task


def in_turn(executor: Executor) -> Callable[[Callable[[T], R], Iterable[T]], Iterator[R]]:
    """A ``map`` that lets ``executor`` work, a bounded number of tasks ahead of its caller."""

    def spread(work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        waiting: deque[Future[R]] = deque()
        try:
            for task in tasks:
                waiting.append(_submitted(executor, work, task))
                if len(waiting) >= _AHEAD:
                    yield _result(waiting.popleft())
            while waiting:
                yield _result(waiting.popleft())
        finally:
            for future in waiting:
                future.cancel()

    return spread


def _submitted(executor: Executor, work: Callable[[T], R], task: T) -> Future[R]:
    try:
        return executor.submit(work, task)
    except RuntimeError as error:  # the pool is broken already
        raise _failed(error) from error


def _result(future: Future[R]) -> R:
    try:
        return future.result()
    except ArchiveError:
        raise
    except Exception as error:
        raise _failed(error) from error


def _failed(error: Exception) -> ReaderFailed:
    return ReaderFailed(
        f"a process that reads captures failed ({type(error).__name__}: {error}); the database is "
        "as it was: try again, with --workers 1 where memory is short"
    )


def _read(folder: Path, known: bytes, places: Iterable[Location]) -> list[ReadCapture]:
    """What a process of the executor does: read the captures at a few places."""
    return [_read_one(folder, _sources(known), place) for place in places]


def _read_one(folder: Path, sources: Mapping[str, Source], place: Location) -> ReadCapture:
    capture = read_record(folder, place)
    if isinstance(capture, Decision):
        return ReadCapture(place, capture, None)
    source = sources.get(capture.source)
    # The writer names the source that has no file.
    found = None if source is None else read(capture, source)
    body = capture.body if needs_the_list(found) else b""
    return ReadCapture(place, replace(capture, body=body), found)


def read_place(folder: Path, known: bytes, place: Location) -> Reading:
    """What a process of an executor does for one capture: read what it is.

    ``known`` are the pickled sources by slug.
    """
    return _read_one(folder, _sources(known), place).found


@lru_cache(maxsize=2)
def _sources(known: bytes) -> Mapping[str, Source]:
    """The sources, unpacked once for each process rather than for each task."""
    found: Mapping[str, Source] = pickle.loads(known)  # noqa: S301 - from our own process
    return found
