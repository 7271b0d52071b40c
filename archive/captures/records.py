"""From a capture to its WARC records: request, and response or revisit, as gzip members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import urlsplit

from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive import __version__
from archive.captures.warc import Capture, RevisitKind

PROFILE = "http://netpreserve.org/warc/1.1/revisit/"
"""What the name of a revisit profile begins with."""

_VERSION = "1.1"
_FORMAT = {
    "software": f"ministry-bulletin-archive/{__version__}",
    "format": "WARC File Format 1.1",
    "conformsTo": "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
}


@dataclass(frozen=True, slots=True)
class Original:
    """A record that a revisit refers to, with its payload."""

    file: str
    offset: int
    record_id: str
    url: str
    fetched_at: str
    digest: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Exchange:
    """A capture as gzip members; ``request`` is empty where no request is known."""

    request: bytes
    answer: bytes
    digest: str
    revisit: RevisitKind | None


def file_head(name: str, fields: Mapping[str, str]) -> bytes:
    """The ``warcinfo`` record that begins a file, with further fields of WARC 1.1, 6.2."""
    made = WARCWriter(BytesIO(), warc_version=_VERSION)
    return _member(made.create_warcinfo_record(name, _FORMAT | dict(fields)))


def exchange(capture: Capture, original: Original | None = None) -> Exchange:
    """The records of a capture.

    With an original whose payload is the same, or for a 304, the answer is a revisit of it.
    """
    kind = revisit_kind(capture, original)
    if kind is None or original is None:
        answer = _answer(capture, "response", {}, capture.body)
    else:
        answer = _answer(capture, "revisit", _referring(kind, original), b"")
    answer_id = str(answer.rec_headers.get_header("WARC-Record-ID"))
    digest = str(answer.rec_headers.get_header("WARC-Payload-Digest"))
    request = _member(_request(capture, answer_id)) if capture.request else b""
    return Exchange(request, _member(answer), digest, kind)


def revisit_kind(capture: Capture, original: Original | None) -> RevisitKind | None:
    """Which revisit of the original a capture is; None where it says something of its own."""
    if original is None:
        return None
    if capture.status == 304 and not capture.body:
        return "server-not-modified"
    if capture.status == 200 and capture.body == original.body:
        return "identical-payload-digest"
    return None


def _referring(kind: RevisitKind, original: Original) -> dict[str, str]:
    """The headers of a revisit; those of our own say where the original lies, without an index."""
    return {
        "WARC-Profile": PROFILE + kind,
        "WARC-Refers-To": original.record_id,
        "WARC-Refers-To-Target-URI": original.url,
        "WARC-Refers-To-Date": original.fetched_at,
        "WARC-Payload-Digest": original.digest,
        "Bulletins-Refers-To-File": original.file,
        "Bulletins-Refers-To-Offset": str(original.offset),
    }


def _answer(capture: Capture, kind: str, fields: Mapping[str, str], body: bytes) -> ArcWarcRecord:
    # The transfer coding was undone on the way in, so its header would now be untrue.
    headers = [(key, value) for key, value in capture.headers if key.lower() != "transfer-encoding"]
    return WARCWriter(BytesIO(), warc_version=_VERSION).create_warc_record(
        capture.url,
        kind,
        payload=BytesIO(body),
        length=len(body),
        warc_headers_dict=_fields(capture) | dict(fields),
        http_headers=StatusAndHeaders(str(capture.status), headers, protocol="HTTP/1.1"),
    )


def _fields(capture: Capture) -> dict[str, str]:
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
    if capture.origin is not None:
        fields["Bulletins-Origin"] = capture.origin
    return fields


def _request(capture: Capture, answer_id: str) -> ArcWarcRecord:
    parts = urlsplit(capture.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = list(capture.request)
    # The HTTP client adds it on the wire.
    if not capture.asked("Host"):
        headers.insert(0, ("Host", parts.netloc))
    return WARCWriter(BytesIO(), warc_version=_VERSION).create_warc_record(
        capture.url,
        "request",
        warc_headers_dict={"WARC-Date": capture.fetched_at, "WARC-Concurrent-To": answer_id},
        http_headers=StatusAndHeaders(f"GET {target} HTTP/1.1", headers, is_http_request=True),
    )


def _member(record: ArcWarcRecord) -> bytes:
    out = BytesIO()
    WARCWriter(out, gzip=True, warc_version=_VERSION).write_record(record)
    return out.getvalue()
