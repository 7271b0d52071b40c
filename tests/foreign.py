"""Files as other archives' tools write them, made here with invented pages (样例)."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from warcio.warcwriter import WARCWriter

from tests.test_store import HOME, PAGE, page_html

HTML = ("Content-Type", "text/html; charset=utf-8")
IMAGE = f"{HOME}/images/logo.png"


@dataclass(frozen=True)
class Record:
    """A response, or a revisit where it says what it refers to."""

    url: str = PAGE
    date: str = "2020-06-01T00:00:00Z"
    body: bytes = page_html("5月8日，改造危房120户。")
    status: str = "200 OK"
    headers: tuple[tuple[str, str], ...] = (HTML,)
    protocol: str = "HTTP/1.1"
    # Instead of the others: the block as it stands in the record.
    block: bytes | None = None
    fields: tuple[tuple[str, str], ...] = ()
    kind: str = "response"
    record_id: str = ""

    def bytes(self) -> bytes:
        """The HTTP answer."""
        if self.block is not None:
            return self.block
        lines = [f"{self.protocol} {self.status}", *(": ".join(pair) for pair in self.headers)]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def member(record: Record, version: str = "1.0") -> bytes:
    """One record, unpacked."""
    block = record.bytes()
    fields = {
        "WARC-Type": record.kind,
        "WARC-Target-URI": record.url,
        "WARC-Date": record.date,
        "WARC-Record-ID": record.record_id or f"<urn:uuid:{abs(hash((record.url, record.date)))}>",
        "Content-Type": "application/http; msgtype=response",
        "Content-Length": str(len(block)),
    } | dict(record.fields)
    head = [f"WARC/{version}", *(f"{name}: {value}" for name, value in fields.items() if value)]
    return "\r\n".join([*head, "", ""]).encode() + block + b"\r\n\r\n"


def warcinfo(software: str) -> bytes:
    out = BytesIO()
    made = WARCWriter(out, gzip=False)
    made.write_record(made.create_warcinfo_record("x.warc", {"software": software}))
    return out.getvalue()


def warc(path: Path, *records: Record, software: str = "Sample/1.0", pack: str = "each") -> Path:
    """A WARC file: each record a gzip member, all in one, or plain."""
    members = [warcinfo(software), *map(member, records)]
    if pack == "each":
        path.write_bytes(b"".join(map(gzip.compress, members)))
    else:
        plain = b"".join(members)
        path.write_bytes(gzip.compress(plain) if pack == "one" else plain)
    return path


def chunked(body: bytes, size: int = 50) -> bytes:
    parts = [body[n : n + size] for n in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"


def digest_of(body: bytes) -> str:
    from archive.captures.warc import payload_digest

    return payload_digest(body)


def identical(first: Record, date: str, **changes: object) -> Record:
    """A revisit as crawlers write it: headers only, and where the first one was."""
    head = "\r\n".join(["HTTP/1.1 200 OK", *(": ".join(p) for p in first.headers), "", ""])
    values: dict[str, object] = {
        "url": first.url,
        "date": date,
        "block": head.encode(),
        "kind": "revisit",
        "fields": (
            ("WARC-Profile", "http://netpreserve.org/warc/1.0/revisit/identical-payload-digest"),
            ("WARC-Refers-To-Target-URI", first.url),
            ("WARC-Refers-To-Date", first.date),
            ("WARC-Payload-Digest", digest_of(first.body)),
        ),
    }
    return Record(**(values | changes))  # type: ignore[arg-type]


def like_wget(path: Path, *bodies: bytes) -> Path:
    """Wget 1.2x: addresses in angle brackets, chunks kept as sent, its log as a resource."""
    records = [
        Record(
            url=f"<{PAGE}>",
            date=f"2019-0{number}-01T08:00:00Z",
            headers=(HTML, ("Transfer-Encoding", "chunked")),
            body=chunked(body),
        )
        for number, body in enumerate(bodies, 1)
    ]
    log = Record(
        url="metadata://gnu.org/software/wget/warc/wget.log",
        kind="resource",
        block=b"saved",
        fields=(("Content-Type", "text/plain"),),
    )
    return warc(path, *records, log, software="Wget/1.21.3 (linux-gnu)")


def like_heritrix(path: Path, *bodies: bytes) -> Path:
    """A download from a large web archive: names looked up, other hosts, images, revisits."""
    first = Record(date="2018-01-01T08:00:00Z", body=bodies[0], protocol="HTTP/1.0")
    records = [
        Record(url="dns:www.mohurd.gov.cn", block=b"20180101\nwww.mohurd.gov.cn. 60 IN A 10.0.0.1"),
        first,
        Record(url=IMAGE, headers=(("Content-Type", "image/png"),), body=b"\x89PNG"),
        Record(url="http://www.news.cn/2018/1.html"),
        identical(first, "2018-02-01T08:00:00Z"),
        *(
            Record(date=f"2018-0{number}-01T08:00:00Z", body=body)
            for number, body in enumerate(bodies[1:], 3)
        ),
    ]
    return warc(path, *records, software="Heritrix/3.4.0 http://crawler.archive.example")


def like_browsertrix(path: Path, *bodies: bytes) -> Path:
    """A WACZ: fractions of a second, HTTP/2, a coding named that is undone, by file in the ZIP."""
    records = [
        Record(
            date=f"2021-0{number}-01T08:00:00.{number}23Z",
            protocol="HTTP/2",
            status="200",
            headers=(HTML, ("Content-Encoding", "gzip")),
            body=body,
        )
        for number, body in enumerate(bodies, 1)
    ]
    return wacz(path, [records], software="Browsertrix-Crawler 1.5.0 (with warcio.js 2.4.0)")


def wacz(path: Path, files: Sequence[Sequence[Record]], software: str = "Sample/1.0") -> Path:
    inner = path.with_suffix(".inner")
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("datapackage.json", '{"profile": "data-package"}')
        out.writestr("pages/pages.jsonl", '{"format": "json-pages-1.0", "id": "pages"}\n')
        for number, records in enumerate(files):
            out.writestr(
                f"archive/rec-{number}.warc.gz",
                warc(inner, *records, software=software).read_bytes(),
            )
    inner.unlink(missing_ok=True)
    return path
