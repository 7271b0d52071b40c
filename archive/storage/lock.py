"""The lock that lets only one process at a time write a data folder."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path
from typing import IO

from archive.errors import CannotWrite, Locked

_NAME = ".lock"
# A test whether the folder is locked takes some microseconds; a writer that meets one tries again.
_PAUSE_SECONDS = 0.005
_ATTEMPTS = 2000


def lock(
    folder: Path, advice: str = "choose another folder with --data or correct its permissions"
) -> IO[str]:
    """Take the lock of a data folder, creating the folder; it is held until the file is closed.

    Raises Locked when another process is writing, CannotWrite when the folder refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = (folder / _NAME).open("w")
    except OSError as error:
        raise CannotWrite(f"cannot write {folder}: {error.strerror}; {advice}") from error
    for _ in range(_ATTEMPTS):
        if _try(held, fcntl.LOCK_EX):
            return held
        if not _try(held, fcntl.LOCK_SH):
            break
        # Only is_locked can hold it shared, and only for a moment.
        fcntl.flock(held, fcntl.LOCK_UN)
        time.sleep(_PAUSE_SECONDS)
    held.close()
    raise Locked(
        f"another process is writing to {folder}: wait until it is done (`bulletins status`)"
    )


def is_locked(folder: Path) -> bool:
    """Whether a process is writing to a data folder now.

    flock cannot be queried without taking it, so this takes it shared for a moment: a writer
    that starts in that moment waits for it (see ``lock``) and is never refused.
    """
    try:
        with (folder / _NAME).open() as tested:
            return not _try(tested, fcntl.LOCK_SH)
    except OSError:
        return False


def _try(file: IO[str], operation: int) -> bool:
    try:
        fcntl.flock(file, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
