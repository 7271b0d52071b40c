"""The named errors of the archive; each message says what to do, each carries its exit code."""

from __future__ import annotations

from typing import ClassVar


class ArchiveError(Exception):
    """Anything that the archive refuses to do, said in one line for the person at the terminal."""

    exit_code: ClassVar[int] = 2


class UsageError(ArchiveError):
    """A request that cannot be carried out as given: an unknown source, a date that is none."""


class SourceFileError(UsageError):
    """A source file that does not say what it has to."""


class SourceFailed(ArchiveError):
    """A source could not be crawled whole."""

    exit_code = 3


class Stale(ArchiveError):
    """A source brought nothing for longer than its rhythm allows."""

    exit_code = 4


class Locked(ArchiveError):
    """Another process is writing to the same data folder."""

    exit_code = 5


class Damaged(ArchiveError):
    """Captures or the database are not what they were when written."""

    exit_code = 6


class CannotWrite(ArchiveError):
    """The data folder cannot be written: no permission, no space, no folder."""

    exit_code = 7


class Unreadable(ArchiveError):
    """A page that cannot become a bulletin; ``kind`` is the incident's name.

    Kinds: ``empty``, ``truncated``, ``too-large``, ``not-html``, ``undecodable``,
    ``unrecognised``, ``wall-412``, ``wall-521``, ``wall-captcha``, ``wall-script``.
    """

    exit_code = 3

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
