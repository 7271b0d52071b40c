"""Processes that read captures: as many as there are cores, none where few captures are read."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import wait
from pathlib import Path

from archive.captures.warc import warc_files

# To start processes takes a second, in which one reads captures of about this size.
_FEW_BYTES = 1 << 20


def cores() -> int:
    """How many cores this process may use."""
    count = getattr(os, "process_cpu_count", None)  # from Python 3.13 on
    if count is not None:
        return int(count() or 1)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def readers(folder: Path, workers: int) -> Iterator[Executor | None]:
    """So many processes for the captures of a folder, None where its own process is enough."""
    if workers < 2 or sum(path.stat().st_size for path in warc_files(folder)) < _FEW_BYTES:
        yield None
        return
    pool = started(workers)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def started(workers: int) -> Executor:
    """So many processes that read, which are on their way; the caller ends them.

    They leave Ctrl-C to the process that started them, and end when it does.
    """
    # A forked process would hold the folder's lock too; a spawned one holds nothing.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin)
    with _unheard_by_children():
        for _ in range(workers):
            pool.submit(os.getpid)
    return pool


@contextmanager
def _unheard_by_children() -> Iterator[None]:
    """Processes started meanwhile never hear Ctrl-C, this one hears it when all are started.

    A terminal sends it to all of them, and each would say in a traceback where it was.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the one that started it was killed; the pool would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
