"""Reading captures: file by file, one by one, or all of a folder in the order of derivation.

After a kill the last member of the newest file may be torn: ``recover`` cuts it off, and returns
the complete records. A revisit is read together with the record that it refers to.
"""

from __future__ import annotations

import heapq
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import get_args

from warcio.archiveiterator import ArchiveIterator
from warcio.recordloader import ArcWarcRecord

from archive.captures.decisions import DECISION, Decision, decision_of
from archive.captures.records import PROFILE, Original
from archive.captures.warc import (
    Capture,
    Location,
    RevisitKind,
    cannot_write,
    is_capture_file,
    is_imported,
    payload_digest,
    warc_files,
)
from archive.errors import Damaged

_CHUNK = 1 << 20
# A record that a revisit refers to is mostly smaller than this.
_PIECE = 1 << 15
_HEAD_END = b"\r\n\r\n"
# The types of the records that captures are, and of all that rows are derived from.
_CAPTURES = ("response", "revisit")
_DERIVED = (*_CAPTURES, "metadata")


def read_captures(path: Path, start: int = 0) -> Iterator[tuple[Location, Capture]]:
    """The captures of a file from a byte offset on, in order.

    Raises Damaged, with file and offset, where a record cannot be read.
    """
    for _, location in _locations(path, start, _refuse):
        yield location, read_capture(path.parent, location)


def recover(path: Path, start: int = 0) -> Iterator[tuple[Location, Capture | Decision]]:
    """The captures and decisions of a file; a torn last member is cut off the file.

    Nothing is cut where records follow: that is damage, not an interrupted write.
    """
    for _, location in _locations(path, start, _cut, _DERIVED):
        yield location, read_record(path.parent, location)


def decisions(path: Path, start: int = 0) -> Iterator[Decision]:
    """The decisions of a file from a byte offset on, in order, as far as it is written."""
    for _, location in _locations(path, start, lambda path, offset: None, ("metadata",)):
        record = read_record(path.parent, location)
        if isinstance(record, Decision):
            yield record


def in_order(folder: Path) -> Iterator[tuple[Location, Capture | Decision]]:
    """All that rows are derived from, in the order of derivation; see ``locations_in_order``."""
    for location in locations_in_order(folder):
        yield location, read_record(folder, location)


def locations_in_order(folder: Path) -> Iterator[Location]:
    """Where all captures and decisions lie, in the order of derivation; no body is kept in memory.

    Captures of our own keep the order of the files. Each counts at the latest time met up to its
    record, in any file: a clock that was set back reorders nothing. Imported ones stand by their
    own time and come before those of our own at a later one; what has the same time stands in the
    order of the files. A torn last member of the newest file of our own is cut off, so the caller
    holds the folder's lock. Raises Damaged.
    """
    files = warc_files(folder)
    imported: list[tuple[str, Location]] = []
    latest: dict[str, str] = {}
    for path in files:
        if is_imported(path.name):
            found = list(_locations(path, 0, _refuse))
            latest[path.name] = max((at for at, _ in found), default="")
            imported += found
    for _, location in heapq.merge(_own(files, latest), sorted(imported)):
        yield location


def _own(files: list[Path], latest: Mapping[str, str]) -> Iterator[tuple[str, Location]]:
    """The captures of our own, each with the latest time up to it; ``latest`` has the imports'."""
    at = ""
    own = [path for path in files if not is_imported(path.name)]
    for path in files:
        if is_imported(path.name):
            at = max(at, latest[path.name])
            continue
        # Only the newest file can have been torn by a kill.
        for fetched_at, location in _locations(
            path, 0, _cut if path == own[-1] else _refuse, _DERIVED
        ):
            at = max(at, fetched_at)
            yield at, location


def read_record(folder: Path, location: Location) -> Capture | Decision:
    """The capture or the decision at a location; raises Damaged where there is neither."""
    record, body = _record_at(folder / location.file, location.offset)
    if record.rec_type == "metadata":
        return decision_of(body, f"{folder / location.file}, byte {location.offset}")
    return _capture(record, body, folder, location)


def record_id(folder: Path, location: Location) -> str:
    """The WARC-Record-ID of the record at a location."""
    record, _ = _record_at(folder / location.file, location.offset)
    return _Fields(record, folder / location.file, location.offset)("WARC-Record-ID")


def read_capture(folder: Path, location: Location) -> Capture:
    """The capture at a location; raises Damaged where there is none that can be read.

    The body of a revisit is that of the record it refers to, and empty for a 304; whether that
    record is there and has the payload referred to is looked at for both.
    """
    record, body = _record_at(folder / location.file, location.offset)
    return _capture(record, body, folder, location)


def _capture(record: ArcWarcRecord, body: bytes, folder: Path, location: Location) -> Capture:
    path = folder / location.file
    if location.revisit is not None:
        original = _referred_to(record, path, location)
        body = b"" if location.revisit == "server-not-modified" else original.body
    field = _Fields(record, path, location.offset)
    http = record.http_headers
    return Capture(
        url=field("WARC-Target-URI"),
        address=field("Bulletins-Address"),
        source=field("Bulletins-Source"),
        channel=record.rec_headers.get_header("Bulletins-Channel"),
        role=field("Bulletins-Role"),  # type: ignore[arg-type]
        fetched_at=field("WARC-Date"),
        status=int(http.get_statuscode()),
        headers=tuple((str(key), str(value)) for key, value in http.headers),
        body=body,
        truncated=record.rec_headers.get_header("WARC-Truncated") is not None,
        origin=record.rec_headers.get_header("Bulletins-Origin"),
    )


def whole_length(path: Path, start: int = 0) -> int:
    """How many bytes of a file are whole records, counted from a byte where a record begins.

    Another process may be appending to the file: what it adds meanwhile may count or not.
    """
    end = start
    for offset, length, head in _members(path, start):
        if head is None:
            break
        end = offset + length
    return end


def read_original(folder: Path, file: str, offset: int) -> Original:
    """The response at a place that a revisit can refer to; raises Damaged where there is none."""
    path = folder / file
    if not is_capture_file(file):
        raise Damaged(f"{file!r} is not the name of a capture file")
    record, body = _record_at(path, offset)
    field = _Fields(record, path, offset)
    if record.rec_type != "response":
        raise Damaged(f"{path} holds no response at byte {offset}")
    return Original(
        file=file,
        offset=offset,
        record_id=field("WARC-Record-ID"),
        url=field("WARC-Target-URI"),
        fetched_at=field("WARC-Date"),
        digest=payload_digest(body),
        body=body,
    )


def _referred_to(record: ArcWarcRecord, path: Path, location: Location) -> Original:
    field = _Fields(record, path, location.offset)
    file, at = field("Bulletins-Refers-To-File"), field("Bulletins-Refers-To-Offset")
    try:
        original = read_original(path.parent, file, int(at))
        if original.record_id != field("WARC-Refers-To"):
            raise Damaged("another record is there")
        if original.digest != location.digest:
            raise Damaged("its payload is another one")
    except (Damaged, ValueError) as error:
        raise Damaged(
            f"{path}: the revisit at byte {location.offset} refers to byte {at} of "
            f"{path.parent / file}: {error}; restore both files from a backup"
        ) from error
    return original


@dataclass(frozen=True, slots=True)
class _Fields:
    """The WARC headers of a record; one that is not there is damage."""

    record: ArcWarcRecord
    path: Path
    offset: int

    def __call__(self, name: str) -> str:
        value = self.record.rec_headers.get_header(name)
        if value is None:
            raise Damaged(f"{self.path}: the record at byte {self.offset} lacks {name}")
        return str(value)


def _record_at(path: Path, offset: int) -> tuple[ArcWarcRecord, bytes]:
    """The record of the gzip member at a byte, and its payload."""
    member, pieces = zlib.decompressobj(zlib.MAX_WBITS + 16), []
    try:
        with path.open("rb") as raw:
            raw.seek(offset)
            while not member.eof and (piece := raw.read(_PIECE)):
                pieces.append(member.decompress(piece))
    except OSError as error:
        raise Damaged(f"cannot read {path} ({error.strerror})") from error
    except zlib.error as error:
        raise _damaged(path, offset) from error
    if not member.eof:
        raise _damaged(path, offset)
    for record in ArchiveIterator(BytesIO(b"".join(pieces))):
        return record, record.raw_stream.read()
    raise Damaged(f"{path} holds no WARC record at byte {offset}: restore it from a backup")


def _locations(
    path: Path,
    start: int,
    torn: Callable[[Path, int], None],
    kinds: Sequence[str] = _CAPTURES,
) -> Iterator[tuple[str, Location]]:
    """Time and place of each record of these types in a file, from the heads of its records.

    ``torn`` is told of a member that does not end, or is none.
    """
    for offset, length, head in _members(path, start):
        if head is None:
            torn(path, offset)
            return
        kind = _field(head, b"WARC-Type")
        if kind is None:
            raise Damaged(f"{path} holds no WARC record at byte {offset}: restore it from a backup")
        if kind not in kinds or (kind == "metadata" and _field(head, DECISION) is None):
            continue
        named = b"WARC-Block-Digest" if kind == "metadata" else b"WARC-Payload-Digest"
        at, digest = _field(head, b"WARC-Date"), _field(head, named)
        if at is None or digest is None:
            lacking = "WARC-Date" if at is None else named.decode()
            raise Damaged(f"{path}: the record at byte {offset} lacks {lacking}")
        revisit = _revisit(head, path, offset) if kind == "revisit" else None
        yield at, Location(path.name, offset, length, digest, revisit)


def _field(head: bytes, name: bytes) -> str | None:
    found = re.search(rb"^%s: *([^\r\n]*)" % name, head, re.MULTILINE)
    return found[1].decode("utf-8", errors="replace") if found else None


def _revisit(head: bytes, path: Path, offset: int) -> RevisitKind:
    profile = (_field(head, b"WARC-Profile") or "").removeprefix(PROFILE)
    for kind in get_args(RevisitKind):
        if profile == kind:
            return kind  # type: ignore[no-any-return]
    raise Damaged(f"{path}: the revisit at byte {offset} has the unknown profile {profile!r}")


def _refuse(path: Path, offset: int) -> None:
    raise _damaged(path, offset)


def _cut(path: Path, offset: int) -> None:
    if _records_follow(path, offset):
        raise _damaged(path, offset)
    try:
        with path.open("r+b") as out:
            out.truncate(offset)
    except OSError as error:
        raise cannot_write(path, error) from error


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


def _members(path: Path, start: int) -> Iterator[tuple[int, int, bytes | None]]:
    """(offset, length, what it begins with) of each gzip member.

    A torn or foreign one has None to begin with, and ends the walk.
    """
    with path.open("rb") as raw:
        raw.seek(start)
        offset, buffer = start, b""
        while buffer or (buffer := raw.read(_CHUNK)):
            length, head, member = 0, b"", zlib.decompressobj(zlib.MAX_WBITS + 16)
            while not member.eof:
                if not buffer and not (buffer := raw.read(_CHUNK)):
                    yield offset, length, None
                    return
                try:
                    found = member.decompress(buffer, _CHUNK)
                    if _HEAD_END not in head:
                        head += found
                    while not member.eof and member.unconsumed_tail:
                        member.decompress(member.unconsumed_tail, _CHUNK)
                except zlib.error:
                    yield offset, length, None
                    return
                length += len(buffer) - len(member.unused_data)
                buffer = member.unused_data
            yield offset, length, head.partition(_HEAD_END)[0]
            offset += length
