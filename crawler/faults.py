"""Faults of the program: what nobody foresaw becomes one line, and its traceback is kept."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

from archive.clock import now, stamp
from archive.errors import Fault

NAME = "faults.log"
# A message can be a whole page that was not understood.
_LONGEST = 200


def in_words(error: BaseException) -> str:
    """The kind of an error and its message, in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:_LONGEST]}".removesuffix(": ")


def keep(data: Path, error: Exception, say: Callable[[str], None]) -> Fault:
    """Add an error's traceback to ``faults.log`` in the data folder; the fault that it is.

    Where the folder refuses, ``say`` gets the traceback, which would be lost otherwise.
    """
    path = data / NAME
    what = in_words(error)
    said = "".join(traceback.format_exception(error))
    try:
        data.mkdir(parents=True, exist_ok=True)
        # For its owner alone: an error can have an address in it that holds a secret.
        path.touch(mode=0o600)
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{stamp(now())}\n{said}\n")
    except OSError as refused:
        say(said.rstrip())
        return Fault(f"a fault of the program ({what}), and {path} refuses ({refused.strerror})")
    return Fault(f"a fault of the program ({what}): please report it, the traceback is in {path}")
