"""Other archives' files: WARC, plain or gzip, and WACZ, read as they come and never trusted.

Nothing here knows a source. ``answers`` yields what a file has of HTTP answers; the caller chooses
by address, and only then is the body read.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from io import BufferedReader, BytesIO, RawIOBase
from pathlib import Path
from typing import IO, Any, cast

import brotli
from warcio.bufferedreaders import ChunkedDataReader
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord, ArcWarcRecordLoader
from warcio.statusandheaders import StatusAndHeadersParser, StatusAndHeadersParserException

from archive.captures.decode import MAX_PAGE_BYTES
from archive.captures.warc import header_text
from archive.clock import stamp
from archive.errors import UsageError

# Headers and the sizes of chunks come on top of the largest page.
_MAX_BLOCK = MAX_PAGE_BYTES + (1 << 20)
# The web has no page from before its first one.
_FIRST_YEAR = 1991
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_DIGITS = re.compile(r"\d{14}")
_MEMBER = re.compile(r"archive/[^/]+\.warc(?:\.gz)?")
_SCHEME = re.compile(r"^https?://", re.I)
# With ``id_`` in the address the Wayback Machine sends a page as it was archived: the time of the
# capture is in the address, the headers of then have names of their own.
_MEMENTO = re.compile(r"https?://web\.archive\.org/web/(\d{14})id_/(https?://.+)")
_OF_THEN = "x-archive-orig-"
# It warns of addresses with spaces, which it then corrects.
logging.getLogger("warcio").addHandler(logging.NullHandler())

# What a file that breaks off, or was never whole, can raise from below.
_BROKEN = (
    ArchiveLoadFailed,
    StatusAndHeadersParserException,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    zlib.error,
    zipfile.BadZipFile,
)


class Broken(Exception):
    """A file cannot be read beyond a record; what came before it is good."""


class NotHttp(Exception):
    """A record holds no HTTP answer that can be read."""


class TooLarge(Exception):
    """A record is larger than any page."""


@dataclass(frozen=True, slots=True)
class Http:
    """An HTTP answer without its transfer coding, as captures are kept."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    truncated: bool


class Answer:
    """One response or revisit of a foreign file; its body is there until the next one is read."""

    def __init__(self, record: ArcWarcRecord, software: str) -> None:
        self._record = record
        self.software = software
        self.url = _address(self._field("WARC-Target-URI"))
        self._date = self._field("WARC-Date")
        self._memento = _MEMENTO.fullmatch(self.url)
        if self._memento:
            self._date, self.url = self._memento[1], self._memento[2]
        self.record_id = self._field("WARC-Record-ID")
        self.revisits = record.rec_type == "revisit"

    def _field(self, name: str) -> str:
        return str(self._record.rec_headers.get_header(name) or "")

    @property
    def date(self) -> str | None:
        """When it was captured, as a UTC stamp; None where the file does not say it."""
        return read_date(self._date)

    @property
    def declared(self) -> str:
        """The digest of the payload as the file has it, "" where it has none."""
        return self._field("WARC-Payload-Digest")

    @property
    def not_modified(self) -> bool:
        """Whether it is a revisit that stands for a 304."""
        return self._field("WARC-Profile").endswith("/server-not-modified")

    @property
    def refers_to(self) -> tuple[str, str, str | None]:
        """Record id, address and time of the record that a revisit refers to."""
        url = _address(self._field("WARC-Refers-To-Target-URI"))
        return self._field("WARC-Refers-To"), url, read_date(self._field("WARC-Refers-To-Date"))

    @cached_property
    def http(self) -> Http | None:
        """The HTTP answer; None for a revisit without one.

        Raises NotHttp, TooLarge, or Broken where the file ends in the middle of it.
        """
        length = self._record.length
        if length > _MAX_BLOCK:
            raise TooLarge
        try:
            block = self._record.raw_stream.read()
        except _BROKEN:
            block = b""
        if len(block) < length:
            raise Broken("it ends in the middle of a record")
        if self.revisits and not block.strip():
            return None
        http = read_http(block, cut=bool(self._field("WARC-Truncated")))
        return as_archived(http) if self._memento else http


def _address(field: str) -> str:
    """An address as it is kept; only with a scheme in small letters does warcio read a record."""
    return _SCHEME.sub(lambda found: found[0].lower(), header_text(field.strip().encode()))


def read_http(block: bytes, *, cut: bool = False) -> Http:
    """An HTTP answer as a WARC record holds it, with chunks joined.

    Any status line of HTTP is read (``HTTP/2 200`` too); raises NotHttp where there is none.
    """
    stream = BytesIO(block)
    try:
        head = StatusAndHeadersParser([], verify=False).parse(stream)
    except (EOFError, ValueError) as error:
        raise NotHttp from error
    code = head.get_statuscode()
    if not head.protocol.upper().startswith("HTTP/") or not re.fullmatch(r"[1-5]\d\d", code):
        raise NotHttp
    headers = [
        (name, header_text(value.strip().encode("utf-8", errors="surrogateescape")))
        for name, value in head.headers
        if _TOKEN.fullmatch(name)
    ]
    named = {name.lower(): value.lower() for name, value in headers}
    if "chunked" in named.get("transfer-encoding", ""):
        body = ChunkedDataReader(stream).read()
        headers = [pair for pair in headers if pair[0].lower() != "transfer-encoding"]
    else:
        body = stream.read()
        declared = named.get("content-length", "")
        cut = cut or (declared.isascii() and declared.isdigit() and int(declared) > len(body))
    body, plain = _without_foreign_coding(body, named.get("content-encoding", ""))
    if len(body) > MAX_PAGE_BYTES:
        raise TooLarge
    if plain:
        headers = [pair for pair in headers if pair[0].lower() != "content-encoding"]
    return Http(int(code), tuple(headers), body, cut)


def as_archived(http: Http) -> Http:
    """An answer of the Wayback Machine as the site sent it; raises NotHttp for its own ones."""
    named = {name.lower(): value for name, value in http.headers}
    if "memento-datetime" not in named:
        raise NotHttp
    of_then = {
        name.removeprefix(_OF_THEN): value
        for name, value in named.items()
        if name.startswith(_OF_THEN)
    }
    of_then.pop("transfer-encoding", None)
    coding = named.get("content-encoding", "")
    if not coding and http.body.startswith(b"\x1f\x8b"):
        coding = of_then.get("content-encoding", "")
    of_then |= {"content-encoding": coding}
    of_then.setdefault("content-type", named.get("content-type", ""))
    headers = tuple((name, value) for name, value in of_then.items() if value)
    return Http(http.status, headers, http.body, http.truncated)


def _without_foreign_coding(body: bytes, coding: str) -> tuple[bytes, bool]:
    """The body, and whether its Content-Encoding is gone or was never there.

    Browsers' captures often keep the header and not the coding. Brotli, which our own crawls never
    ask for, is undone here.
    """
    if coding in ("gzip", "x-gzip"):
        return body, not body.startswith(b"\x1f\x8b")
    if coding == "br":
        try:
            unpacked = brotli.Decompressor().process(body, output_buffer_limit=MAX_PAGE_BYTES + 1)
        except brotli.error:
            return body, True
        return unpacked, True
    return body, False


def read_date(text: str) -> str | None:
    """A WARC-Date as a UTC stamp in whole seconds; None where it is no instant."""
    try:
        if _DIGITS.fullmatch(text):
            instant = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        else:
            instant = datetime.fromisoformat(text)
        instant = (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return stamp(instant) if instant.year >= _FIRST_YEAR else None


def answers(path: Path) -> Iterator[Answer]:
    """The responses and revisits of a WARC or WACZ file, in order.

    Raises UsageError for a file that is neither, Broken where it cannot be read to its end.
    """
    for name, stream in _warcs(path):
        with closing(stream):
            yield from _answers(name, stream)


def check(path: Path) -> None:
    """Raise UsageError, saying why, for a file that is neither WARC nor WACZ."""
    try:
        for name, stream in _warcs(path):
            with closing(stream):
                _check_begins(name, stream)
            return
    except Broken as error:
        raise UsageError(f"{path} is no WACZ: {error}") from error


def file_digest(path: Path) -> str:
    """The SHA-256 of a file; raises UsageError where it cannot be read."""
    try:
        with path.open("rb") as raw:
            return hashlib.file_digest(raw, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def _warcs(path: Path) -> Iterator[tuple[str, BufferedReader]]:
    """Name and unpacked bytes of each WARC that a file is or holds."""
    try:
        with path.open("rb") as raw:
            start = raw.read(4)
            raw.seek(0)
            if start == b"PK\x03\x04":
                yield from _members(path, raw)
            elif not start:
                raise UsageError(f"{path} is empty")
            else:
                yield str(path), _unpacked(raw)
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder: name the WARC files in it") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error


def _members(path: Path, raw: IO[bytes]) -> Iterator[tuple[str, BufferedReader]]:
    try:
        archive = zipfile.ZipFile(raw)
    except zipfile.BadZipFile as error:
        raise UsageError(f"{path} is no WACZ: {error}") from error
    names = sorted(name for name in archive.namelist() if _MEMBER.fullmatch(name))
    if not names:
        raise UsageError(f"{path} is no WACZ: it holds no archive/*.warc.gz")
    for name in names:
        try:
            stream = _unpacked(archive.open(name))
        except _BROKEN as error:
            raise Broken(f"{name} in it cannot be read ({error})") from error
        yield f"{path}:{name}", stream


def _unpacked(raw: IO[bytes]) -> BufferedReader:
    stream: BufferedReader = BufferedReader(cast(Any, raw))
    if stream.peek(2)[:2] == b"\x1f\x8b":
        return BufferedReader(_Unpacked(stream))
    return stream


class _Unpacked(RawIOBase):
    """The bytes of a gzip file, up to where it breaks off: none of those before is lost."""

    def __init__(self, packed: BufferedReader) -> None:
        self._file = gzip.GzipFile(fileobj=packed)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self._file.read1(len(buffer))
        buffer[: len(found)] = found
        return len(found)


def _check_begins(name: str, stream: BufferedReader) -> None:
    try:
        start = stream.peek(11)[:11]
    except _BROKEN as error:
        raise UsageError(f"{name} is no WARC file: {error}") from error
    if start.startswith(b"filedesc://"):
        raise UsageError(f"{name} is an ARC file: make a WARC of it with `warcio recompress`")
    if not start:
        raise UsageError(f"{name} is empty")
    if not start.startswith(b"WARC/"):
        raise UsageError(f"{name} is no WARC file: it does not begin with a WARC record")


def _answers(name: str, stream: BufferedReader) -> Iterator[Answer]:
    _check_begins(name, stream)
    loader, line, software, number = ArcWarcRecordLoader(verify_http=False), b"", "", 0
    while True:
        number += 1
        try:
            record = loader.parse_record_stream(
                stream, line or None, known_format="warc", no_record_parse=True
            )
            if record.length is None:
                raise ValueError("a record without Content-Length")
            if record.rec_type == "warcinfo":
                software = _software(record)
            elif record.rec_type in ("response", "revisit"):
                yield Answer(record, software)
            line = _next_line(record, stream)
        except _BROKEN as error:
            raise Broken(f"record {number} of {name} cannot be read") from error
        if not line:
            return


def _software(record: ArcWarcRecord) -> str:
    fields = record.raw_stream.read(min(record.length, 1 << 16)).decode("utf-8", errors="replace")
    found = re.search(r"^software: *(.+?)\s*$", fields, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else ""


def _next_line(record: ArcWarcRecord, stream: BufferedReader) -> bytes:
    """The first line of the next record, b"" at the end; raises EOFError in a torn record."""
    while record.raw_stream.read(1 << 16):
        pass
    if record.raw_stream.limit > 0:
        raise EOFError
    while line := stream.readline():
        if line.strip():
            return line
    return b""
