"""The lock of a data folder: one writer, and questions about it that keep no writer out."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from archive.errors import Locked
from archive.storage.lock import is_locked, lock

ASKS = """
import sys
from pathlib import Path
from archive.storage.lock import is_locked
print("ready", flush=True)
while True:
    is_locked(Path(sys.argv[1]))
"""
WRITES = """
import sys, time
from pathlib import Path
from archive.storage.lock import lock
with lock(Path(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(60)
"""


@contextmanager
def process(code: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A Python process that has printed its first line."""
    words = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "ready\n"
        try:
            yield started
        finally:
            started.kill()


def test_questions_in_a_loop_never_keep_a_writer_out(tmp_path: Path) -> None:
    lock(tmp_path).close()
    with process(ASKS, tmp_path), process(ASKS, tmp_path):
        until, taken = time.monotonic() + 3, 0
        while time.monotonic() < until:
            lock(tmp_path).close()
            taken += 1
    assert taken > 100


def test_a_writer_waits_for_a_question_and_is_not_refused(tmp_path: Path) -> None:
    """is_locked holds the lock for a moment while the writer waits for it."""
    lock(tmp_path).close()
    asks = f"""
import fcntl, sys, time
with open({str(tmp_path / ".lock")!r}) as tested:
    fcntl.flock(tested, fcntl.LOCK_SH)
    print("ready", flush=True)
    time.sleep(0.5)
"""
    with process(asks, tmp_path):
        lock(tmp_path).close()


def test_it_is_locked_while_another_process_writes(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    assert list(tmp_path.iterdir()) == []  # asking leaves no file behind
    with process(WRITES, tmp_path) as writer:
        assert is_locked(tmp_path)
        with pytest.raises(Locked, match="another process is writing"):
            lock(tmp_path)
        writer.kill()
        writer.wait()
        assert not is_locked(tmp_path)
    with lock(tmp_path):
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)


def test_a_lock_that_is_shared_for_ever_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.storage.lock._ATTEMPTS", 3)
    lock(tmp_path).close()
    with (tmp_path / ".lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        with pytest.raises(Locked):
            lock(tmp_path)
