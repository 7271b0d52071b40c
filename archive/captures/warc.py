"""Captures: HTTP responses kept as served in gzip WARC files, appended and never rewritten.

One record is one gzip member; a record is complete on disk before anything else knows of it. After
a kill the last member may be torn: ``recover`` cuts it off, and returns the complete records that
the database does not have.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO, FileIO
from pathlib import Path
from typing import Literal

from warcio.archiveiterator import ArchiveIterator
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive import __version__
from archive.errors import CannotWrite, Damaged

# A column page names its list; ``list`` is a list's first page, ``more`` any later one.
Role = Literal["robots", "column", "list", "more", "page"]

# A file of this size copies in seconds and keeps some 20,000 bulletins.
ROTATE_BYTES = 256 * 1024 * 1024
_CHUNK = 1 << 20
_NAME = re.compile(r"captures-(\d{6})\.warc\.gz")


@dataclass(frozen=True, slots=True)
class Capture:
    """One HTTP response: what was asked, when, for whom, and what came back as sent.

    ``url`` is what was fetched, ``address`` the canonical address at the ministry, ``fetched_at``
    a UTC stamp. ``body`` still has its Content-Encoding; ``truncated`` says that the connection
    ended before the body did.
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

    def header(self, name: str) -> str:
        """The first header of that name, "" where there is none."""
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), "")


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """Where a capture's record lies: file name, byte offset and length of its gzip member."""

    file: str
    offset: int
    length: int
    digest: str


def header_text(raw: bytes) -> str:
    """A header's value as it is kept: ASCII as sent, every other byte percent-encoded.

    A WARC file has no one way for other bytes, and a Location that holds them means just this.
    """
    return re.sub(rb"[^\x20-\x7e]", lambda byte: b"%%%02X" % byte[0][0], raw).decode("ascii")


class WarcWriter:
    """Appends captures to the newest file of a folder, starting another past ``rotate_bytes``.

    Raises CannotWrite when the folder or its disk refuses; a record cut short by that is taken
    back.
    """

    def __init__(self, folder: Path, rotate_bytes: int = ROTATE_BYTES) -> None:
        self.folder = folder
        self.rotate_bytes = rotate_bytes
        self._out: FileIO | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _cannot_write(folder, error) from error

    def append(self, capture: Capture) -> Location:
        """Write one capture; returns where its record is."""
        record = _record(capture)
        digest = str(record.rec_headers.get_header("WARC-Payload-Digest"))
        out = self._open()
        start = out.tell()
        length = _write_whole(out, _member(record))
        return Location(Path(out.name).name, start, length, digest)

    def sync(self) -> None:
        """Flush everything appended so far to the disk."""
        if self._out is not None:
            try:
                os.fsync(self._out.fileno())
            except OSError as error:
                raise _cannot_write(Path(str(self._out.name)), error) from error

    def close(self) -> None:
        """Close the file; appending opens it again."""
        if self._out is not None:
            self.sync()
            self._out.close()
            self._out = None

    def _open(self) -> FileIO:
        if self._out is not None and self._out.tell() < self.rotate_bytes:
            return self._out
        self.close()
        files = warc_files(self.folder)
        path = files[-1] if files else self.folder / "captures-000001.warc.gz"
        if path.exists() and path.stat().st_size >= self.rotate_bytes:
            number = int(path.name.removeprefix("captures-")[:6]) + 1
            path = self.folder / f"captures-{number:06d}.warc.gz"
        try:
            self._out = path.open("ab", buffering=0)
        except OSError as error:
            raise _cannot_write(path, error) from error
        if self._out.tell() == 0:
            _write_whole(self._out, _member(_file_head(path.name)))
        return self._out


def _member(record: ArcWarcRecord) -> bytes:
    out = BytesIO()
    WARCWriter(out, gzip=True, warc_version="1.1").write_record(record)
    return out.getvalue()


def _write_whole(out: FileIO, member: bytes) -> int:
    """Append a record to an unbuffered file, all of it or nothing; its length."""
    start, written = out.tell(), 0
    try:
        while written < len(member):
            written += out.write(memoryview(member)[written:]) or 0
    except OSError as error:
        out.truncate(start)
        raise _cannot_write(Path(str(out.name)), error) from error
    return written


def _file_head(name: str) -> ArcWarcRecord:
    return WARCWriter(BytesIO(), warc_version="1.1").create_warcinfo_record(
        name,
        {
            "software": f"ministry-bulletin-archive/{__version__}",
            "format": "WARC File Format 1.1",
            "robots": "obey",
        },
    )


def warc_files(folder: Path) -> list[Path]:
    """The capture files of a folder in the order they were written."""
    return sorted(path for path in folder.glob("captures-*.warc.gz") if _NAME.fullmatch(path.name))


def read_captures(path: Path, start: int = 0) -> Iterator[tuple[Location, Capture]]:
    """The captures of a file from a byte offset on, in order.

    Raises Damaged, with file and offset, where a record cannot be read.
    """
    for offset, length, whole in _members(path, start):
        if not whole:
            raise _damaged(path, offset)
        found = _read_record(path, offset, length)
        if found is not None:
            yield found


def recover(path: Path, start: int = 0) -> Iterator[tuple[Location, Capture]]:
    """Like ``read_captures``, but a torn last member is cut off the file.

    Nothing is cut where records follow: that is damage, not an interrupted write.
    """
    for offset, length, whole in _members(path, start):
        if not whole:
            if _records_follow(path, offset):
                raise _damaged(path, offset)
            try:
                with path.open("r+b") as out:
                    out.truncate(offset)
            except OSError as error:
                raise _cannot_write(path, error) from error
            return
        found = _read_record(path, offset, length)
        if found is not None:
            yield found


def _damaged(path: Path, offset: int) -> Damaged:
    if _records_follow(path, offset):
        return Damaged(f"{path} is damaged at byte {offset}: restore the file from a backup")
    return Damaged(
        f"{path} is torn at byte {offset}, as an interrupted crawl leaves it: the next "
        "`bulletins crawl` mends it"
    )


def _records_follow(path: Path, offset: int) -> bool:
    """Whether a WARC record begins anywhere behind a byte."""
    with path.open("rb") as raw:
        raw.seek(offset)
        rest = raw.read()
    for found in re.finditer(rb"\x1f\x8b\x08", rest[1:]):
        start = found.start() + 1
        try:
            head = zlib.decompressobj(zlib.MAX_WBITS + 16).decompress(rest[start : start + 512], 5)
        except zlib.error:
            continue
        if head == b"WARC/":
            return True
    return False


def _members(path: Path, start: int) -> Iterator[tuple[int, int, bool]]:
    """(offset, length, whole?) of each gzip member; a torn or foreign one ends the walk."""
    with path.open("rb") as raw:
        raw.seek(start)
        offset, buffer = start, b""
        while buffer or (buffer := raw.read(_CHUNK)):
            length, member = 0, zlib.decompressobj(zlib.MAX_WBITS + 16)
            while not member.eof:
                if not buffer and not (buffer := raw.read(_CHUNK)):
                    yield offset, length, False
                    return
                try:
                    member.decompress(buffer, _CHUNK)
                    while not member.eof and member.unconsumed_tail:
                        member.decompress(member.unconsumed_tail, _CHUNK)
                except zlib.error:
                    yield offset, length, False
                    return
                length += len(buffer) - len(member.unused_data)
                buffer = member.unused_data
            yield offset, length, True
            offset += length


def _read_record(path: Path, offset: int, length: int) -> tuple[Location, Capture] | None:
    with path.open("rb") as raw:
        raw.seek(offset)
        data = raw.read(length)
    for record in ArchiveIterator(BytesIO(data)):
        if record.rec_type != "response":
            return None
        return _capture(record, path, offset, length)
    raise Damaged(f"{path} holds no WARC record at byte {offset}: restore it from a backup")


def _capture(
    record: ArcWarcRecord, path: Path, offset: int, length: int
) -> tuple[Location, Capture]:
    def field(name: str) -> str:
        value = record.rec_headers.get_header(name)
        if value is None:
            raise Damaged(f"{path}: the record at byte {offset} lacks {name}")
        return str(value)

    http = record.http_headers
    location = Location(path.name, offset, length, field("WARC-Payload-Digest"))
    return location, Capture(
        url=field("WARC-Target-URI"),
        address=field("Bulletins-Address"),
        source=field("Bulletins-Source"),
        channel=record.rec_headers.get_header("Bulletins-Channel"),
        role=field("Bulletins-Role"),  # type: ignore[arg-type]
        fetched_at=field("WARC-Date"),
        status=int(http.get_statuscode()),
        headers=tuple((str(key), str(value)) for key, value in http.headers),
        body=record.raw_stream.read(),
        truncated=record.rec_headers.get_header("WARC-Truncated") is not None,
    )


def _record(capture: Capture) -> ArcWarcRecord:
    # The transfer coding was undone on the way in, so its header would now be untrue.
    headers = [(key, value) for key, value in capture.headers if key.lower() != "transfer-encoding"]
    fields = {
        "WARC-Date": capture.fetched_at,
        "Bulletins-Address": capture.address,
        "Bulletins-Source": capture.source,
        "Bulletins-Role": capture.role,
    }
    if capture.channel is not None:
        fields["Bulletins-Channel"] = capture.channel
    if capture.truncated:
        fields["WARC-Truncated"] = "disconnect"
    return WARCWriter(BytesIO(), warc_version="1.1").create_warc_record(
        capture.url,
        "response",
        payload=BytesIO(capture.body),
        length=len(capture.body),
        warc_headers_dict=fields,
        http_headers=StatusAndHeaders(str(capture.status), headers, protocol="HTTP/1.1"),
    )


def _cannot_write(path: Path, error: OSError) -> CannotWrite:
    return CannotWrite(f"cannot write {path}: {error.strerror}; check the folder, rights and disk")
