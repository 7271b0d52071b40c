"""What a capture is, and where its record lies: the values and the names of WARC files.

``writing.py`` appends them, ``reading.py`` reads them again, ``cdxj.py`` lists them for replay.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from archive.errors import CannotWrite

# A column page names its list; ``list`` is a list's first page, ``more`` any later one.
Role = Literal["robots", "column", "list", "more", "page"]

# The revisit profiles of WARC 1.1 (6.7.2, 6.7.3): the same bytes again, or a 304.
RevisitKind = Literal["identical-payload-digest", "server-not-modified"]

_NAME = re.compile(r"captures-(\d{6})(-imported)?\.warc\.gz")


@dataclass(frozen=True, slots=True)
class Capture:
    """One HTTP response: what was asked, when, for whom, and what came back as sent.

    ``url`` is what was fetched, ``address`` the canonical address at the ministry, ``fetched_at``
    a UTC stamp. ``body`` still has its Content-Encoding; ``truncated`` says that the connection
    ended before the body did. ``origin`` is None for a capture of our own crawls, else JSON that
    says which file and record of another archive it was imported from. ``request`` has the
    headers that were sent; they are kept in a record of their own and not read again.
    """

    url: str
    address: str
    source: str
    channel: str | None
    role: Role
    fetched_at: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    truncated: bool = False
    origin: str | None = None
    request: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    def header(self, name: str) -> str:
        """The first header of that name, "" where there is none."""
        return _first(self.headers, name)

    def asked(self, name: str) -> str:
        """The first header of that name in the request, "" where there is none or none is known."""
        return _first(self.request, name)


def _first(headers: tuple[tuple[str, str], ...], name: str) -> str:
    name = name.lower()
    return next((value for key, value in headers if key.lower() == name), "")


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """Where a capture's record lies: file name, byte offset and length of its gzip member.

    ``digest`` is that of the payload, which for a revisit lies in an earlier record; ``revisit``
    is None for a record that holds its payload itself.
    """

    file: str
    offset: int
    length: int
    digest: str
    revisit: RevisitKind | None = None


def header_text(raw: bytes) -> str:
    """A header's value as it is kept: ASCII as sent, every other byte percent-encoded.

    A WARC file has no one way for other bytes, and a Location that holds them means just this.
    """
    return re.sub(rb"[^\x20-\x7e]", lambda byte: b"%%%02X" % byte[0][0], raw).decode("ascii")


def payload_digest(body: bytes) -> str:
    """A payload's digest as WARC files write it: ``sha1:`` and base 32."""
    return f"sha1:{base64.b32encode(hashlib.sha1(body).digest()).decode()}"  # noqa: S324


def warc_files(folder: Path) -> list[Path]:
    """The capture files of a folder in the order of their numbers."""
    return sorted(path for path in folder.glob("captures-*.warc.gz") if is_capture_file(path.name))


def warc_name(number: int, *, imported: bool = False) -> str:
    """The name of the capture file of that number, from 1."""
    return f"captures-{number:06d}{'-imported' * imported}.warc.gz"


def warc_number(name: str) -> int:
    """The number in the name of a capture file."""
    return int(name.removeprefix("captures-")[:6])


def is_capture_file(name: str) -> bool:
    """Whether a file's name is that of a capture file."""
    return _NAME.fullmatch(name) is not None


def is_imported(name: str) -> bool:
    """Whether a capture file holds imported captures; no file holds both kinds."""
    found = _NAME.fullmatch(name)
    return found is not None and found[2] is not None


def cannot_write(path: Path, error: OSError) -> CannotWrite:
    """The archive's error for a capture file or its folder that cannot be written."""
    return CannotWrite(f"cannot write {path}: {error.strerror}; check the folder, rights and disk")
