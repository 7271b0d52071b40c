"""Bytes to text, by rule: byte order mark, strict UTF-8, then every GB label as GB 18030.

Headers and meta tags of ministry pages often name the wrong charset (gb2312 for UTF-8; gb2312 for
characters that it does not have), so only the bytes decide.
"""

from __future__ import annotations

import codecs
import zlib

from archive.errors import Unreadable

# The largest page found so far, a regulation exported by Word, has 0.13 MB; a page sixty times as
# large is not a bulletin.
MAX_PAGE_BYTES = 8 * 1024 * 1024
# One unreadable character in a thousand is damage to a page; more means the wrong charset.
MAX_REPLACED_SHARE = 0.001
# Kinds of files by their first bytes.
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
    # A page without a byte order mark still begins with an ASCII character.
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)


def unpack(body: bytes, content_encoding: str) -> bytes:
    """The body without its Content-Encoding (gzip, deflate or none), at most MAX_PAGE_BYTES.

    Of a compressed body that was cut, the part that is there is returned. Raises Unreadable
    ``too-large``, or ``undecodable`` for another coding or broken data.
    """
    for coding in reversed([c.strip().lower() for c in content_encoding.split(",") if c.strip()]):
        if coding in ("gzip", "x-gzip"):
            body = _inflate(body, zlib.MAX_WBITS + 32)
        elif coding == "deflate":
            raw = not _is_zlib(body)
            body = _inflate(body, -zlib.MAX_WBITS if raw else zlib.MAX_WBITS)
        elif coding != "identity":
            raise Unreadable(
                "undecodable",
                f"the site sent content encoding {coding!r}, which it was not asked for",
            )
    if len(body) > MAX_PAGE_BYTES:
        raise Unreadable(
            "too-large",
            f"the page has {len(body) / 2**20:.0f} MB, more than the {MAX_PAGE_BYTES / 2**20:.0f} "
            "MB that a bulletin can have; its bytes are kept: look at the page in a browser",
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
    """The text of a page, whatever headers or meta tags say of its charset.

    Raises Unreadable ``not-html`` for binary files, ``undecodable`` where the bytes are
    neither UTF-8 nor GB 18030.
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
            return _if_mostly_readable(body.decode(codec, errors="replace"))
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        damaged = body.decode("utf-8", errors="replace")
    # Damaged UTF-8 can be decoded as GB 18030 too, to nonsense. It is UTF-8 where nearly everything
    # beyond ASCII is well formed, which does not happen by chance.
    errors = damaged.count("\ufffd")
    beyond_ascii = len(damaged) - len(damaged.encode("ascii", "ignore"))
    if beyond_ascii > 20 * errors and errors <= max(1, len(damaged) * MAX_REPLACED_SHARE):
        return damaged
    try:
        return body.decode("gb18030")
    except UnicodeDecodeError:
        return _if_mostly_readable(body.decode("gb18030", errors="replace"))


def _if_mostly_readable(text: str) -> str:
    if text.count("\ufffd") > max(1, len(text) * MAX_REPLACED_SHARE):
        raise Unreadable("undecodable", "the bytes are neither UTF-8 nor GB 18030")
    return text
