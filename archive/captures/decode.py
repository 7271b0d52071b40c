"""Bytes to text, by rule: byte order mark, strict UTF-8, then every GB label as GB 18030.

Headers and meta tags of ministry pages lie about their charset often enough (gb2312 over UTF-8
bytes; gb2312 for bytes beyond it) that the bytes themselves are asked first.
"""

from __future__ import annotations

import codecs
import zlib

from archive.errors import Unreadable

# The largest page met so far, a regulation exported by Word, has 0.13 MB; a page sixty times as
# large is no bulletin.
MAX_PAGE_BYTES = 8 * 1024 * 1024
# One unreadable character in a thousand is a scar in a page; more is a wrong charset.
MAX_REPLACED_SHARE = 0.001
# Names of files by their first bytes.
_FILES = {
    b"%PDF-": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"PK\x03\x04": "ZIP or Office",
    b"\xd0\xcf\x11\xe0": "old Office",
    b"Rar!": "RAR",
    b"7z\xbc\xaf": "7z",
    b"\x1f\x8b": "gzip",
}

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    # A page without a mark still begins with a sign of ASCII.
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)


def unpack(body: bytes, content_encoding: str) -> bytes:
    """The body without its Content-Encoding (gzip, deflate or none), at most MAX_PAGE_BYTES.

    A cut compressed body gives what it holds. Raises Unreadable ``too-large``, or
    ``undecodable`` for another coding or broken data.
    """
    for coding in reversed([c.strip().lower() for c in content_encoding.split(",") if c.strip()]):
        if coding in ("gzip", "x-gzip"):
            body = _inflate(body, zlib.MAX_WBITS + 32)
        elif coding == "deflate":
            raw = not _is_zlib(body)
            body = _inflate(body, -zlib.MAX_WBITS if raw else zlib.MAX_WBITS)
        elif coding != "identity":
            raise Unreadable("undecodable", f"content encoding {coding!r} was never asked for")
    if len(body) > MAX_PAGE_BYTES:
        raise Unreadable(
            "too-large",
            f"the page has {len(body) / 2**20:.0f} MB, more than the {MAX_PAGE_BYTES / 2**20:.0f} "
            "MB that a bulletin can have; its bytes are kept, look at the address by hand",
        )
    return body


def _is_zlib(body: bytes) -> bool:
    return len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0


def _inflate(body: bytes, wbits: int) -> bytes:
    try:
        return zlib.decompressobj(wbits).decompress(body, MAX_PAGE_BYTES + 1)
    except zlib.error as error:
        raise Unreadable("undecodable", f"the compressed body is broken: {error}") from error


def decode(body: bytes) -> str:
    """The text of a page; never depends on what headers or meta tags claim.

    Raises Unreadable ``not-html`` for binary files, ``undecodable`` where neither UTF-8 nor
    GB 18030 reads the bytes.
    """
    for magic, name in _FILES.items():
        if body.startswith(magic):
            raise Unreadable("not-html", f"a file ({name}), not a page")
    text = _text(body)
    nulls = text.count("\0")
    if nulls > max(1, len(text) * MAX_REPLACED_SHARE):
        raise Unreadable("not-html", "a binary file (unknown kind), not a page")
    return text.replace("\0", "") if nulls else text


def _text(body: bytes) -> str:
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return _unscarred(body.decode(codec, errors="replace"))
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        scarred = body.decode("utf-8", errors="replace")
    # UTF-8 with a scar reads as GB 18030 too, as nonsense: it is UTF-8 where nearly all that is
    # beyond ASCII is well formed, which chance does not bring about.
    scars = scarred.count("\ufffd")
    beyond = len(scarred) - len(scarred.encode("ascii", "ignore"))
    if beyond > 20 * scars and scars <= max(1, len(scarred) * MAX_REPLACED_SHARE):
        return scarred
    try:
        return body.decode("gb18030")
    except UnicodeDecodeError:
        return _unscarred(body.decode("gb18030", errors="replace"))


def _unscarred(text: str) -> str:
    if text.count("\ufffd") > max(1, len(text) * MAX_REPLACED_SHARE):
        raise Unreadable("undecodable", "the bytes are neither UTF-8 nor GB 18030")
    return text
