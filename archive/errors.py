"""The errors and incident kinds of the archive; each error says what to do and has an exit code."""

from __future__ import annotations

from typing import ClassVar, Literal, NewType

BlockPageKind = Literal[
    "wall-412", "wall-521", "wall-captcha", "wall-jsl", "wall-script", "wall-wzws"
]
"""The kinds of block page: an answer that a firewall sends in place of a page."""

StandInKind = Literal[BlockPageKind, "login", "maintenance", "soft-404"]
"""What an answer can be that the site sends in place of a page, with a status that is good."""

HoldReason = Literal["date-missing", "layout-missing", "same-body", "shrunk", "title-unlike"]
"""Why a page that can be read is not believed to be the bulletin of its address."""

MissingKind = Literal["attachments-missing", "origin-missing", "published-missing", "time-missing"]
"""What a page that is believed can lack that the others of its channel and layout have."""

DriftKind = Literal[MissingKind, "size-unusual"]
"""How a page that is believed can be unlike the others of its channel."""

NamedKind = Literal[
    StandInKind,
    HoldReason,
    DriftKind,
    "empty",
    "forbidden",
    "garbled",
    "list-empty",
    "list-missing",
    "list-pager",
    "list-refused",
    "list-titles-same",
    "list-undated",
    "many-missing",
    "missing",
    "moved",
    "not-html",
    "parser-error",
    "too-large",
    "truncated",
    "undecodable",
    "unreachable",
    "unrecognised",
]
"""Every kind of incident with a fixed name; docs/operations.md says what each means."""

StatusKind = NewType("StatusKind", str)
"""``http-<status>``, as only :func:`status_kind` makes it."""

IncidentKind = NamedKind | StatusKind
"""What an incident can be called."""


class ArchiveError(Exception):
    """The base of all errors: one line for the person at the terminal, who can act on it."""

    exit_code: ClassVar[int] = 2


class UsageError(ArchiveError):
    """A request that cannot be carried out as given: an unknown source, an impossible date."""


class SourceFileError(UsageError):
    """A source file that is incomplete or wrong."""


class Fault(ArchiveError):
    """The program itself failed, in a way that nobody foresaw; its traceback is kept."""

    exit_code = 1


class SourceFailed(ArchiveError):
    """A source could not be crawled completely."""

    exit_code = 3


class Stale(ArchiveError):
    """A source has had no new bulletin for longer than its rhythm allows."""

    exit_code = 4


class Locked(ArchiveError):
    """Another process is writing to the same data folder."""

    exit_code = 5


class Damaged(ArchiveError):
    """Captures or the database are no longer what was written."""

    exit_code = 6


class CannotWrite(ArchiveError):
    """The data folder cannot be written: no permission, no space, no folder."""

    exit_code = 7


class ReaderFailed(CannotWrite):
    """A process that was to read captures ended early, so the database could not be derived."""


class Unreadable(ArchiveError):
    """An answer that cannot become a list or a bulletin; ``kind`` is the incident's name."""

    exit_code = 3

    def __init__(self, kind: IncidentKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind

    def __reduce__(self) -> tuple[type[Unreadable], tuple[IncidentKind, str]]:
        """Both arguments go to another process with it, where the message alone would."""
        return type(self), (self.kind, str(self))


def status_kind(status: int) -> StatusKind:
    """The incident kind of an HTTP error status that has no name of its own: ``http-503``."""
    return StatusKind(f"http-{status}")
