"""Bytes become text by rule, whatever a header or meta tag claims."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.captures.decode import MAX_PAGE_BYTES, decode, unpack
from archive.errors import Unreadable

WORDS = "样例：朱镕基路的老旧小区改造，二〇二〇年五月八日开工。"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (WORDS.encode(), WORDS),
        (b"\xef\xbb\xbf" + WORDS.encode(), WORDS),
        (WORDS.encode("gb18030"), WORDS),
        (WORDS.encode("gbk"), WORDS),
        (WORDS.encode("utf-16"), WORDS),
        (b"\xfe\xff" + WORDS.encode("utf-16-be"), WORDS),
        (b"\xff\xfe\x00\x00" + WORDS.encode("utf-32-le"), WORDS),
        (f"<p>{WORDS}</p>".encode("utf-16-le"), f"<p>{WORDS}</p>"),
        (f"<p>{WORDS}</p>".encode("utf-16-be"), f"<p>{WORDS}</p>"),
        (b"plain words", "plain words"),
        (b"", ""),
        (b" \r\n\t ", " \r\n\t "),
        ("𠮷".encode("gb18030"), "𠮷"),
    ],
)
def test_reads(body: bytes, expected: str) -> None:
    assert decode(body) == expected


@pytest.mark.parametrize("label", ["gb2312", "utf-8", "iso-8859-1", "big5", "x-none"])
@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
def test_the_label_is_not_asked(label: str, codec: str) -> None:
    page = f'<meta charset="{label}"><p>{WORDS}</p>'
    assert decode(page.encode(codec)) == page


def test_a_scar_in_utf8_stays_a_scar() -> None:
    page = (WORDS * 40).encode()
    cut = decode(page[:-1])
    assert cut.endswith("\ufffd")
    assert cut[:-1] == (WORDS * 40)[:-1]
    hurt = decode(page[:99] + b"\xff" + page[99:])
    assert hurt.count("\ufffd") == 1
    assert hurt.replace("\ufffd", "") == WORDS * 40


def test_a_scar_in_gb18030_stays_a_scar() -> None:
    page = (WORDS * 40).encode("gb18030")
    hurt = decode(page + b"\x80")
    assert hurt == WORDS * 40 + "\ufffd"


def test_a_stray_null_goes() -> None:
    page = (WORDS * 40).encode()
    assert decode(page[:99] + b"\0" + page[99:]) == WORDS * 40


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"%PDF-1.4\n1 0 obj", "PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0", "PNG"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG"),
        (b"GIF89a\x01\0", "GIF"),
        (b"PK\x03\x04\x14\0", "ZIP"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Office"),
        (b"Rar!\x1a\x07", "RAR"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"\x01\0\x02\0" * 50, "unknown"),
    ],
)
def test_files_are_named(body: bytes, named: str) -> None:
    with pytest.raises(Unreadable, match=named) as raised:
        decode(body)
    assert raised.value.kind == "not-html"


@pytest.mark.parametrize(
    "body", [b"\xff\xff\xff\xff" * 40, b"\xc3\x28\xa0\xa1" * 60 + b"\xff" * 40]
)
def test_noise_is_undecodable(body: bytes) -> None:
    with pytest.raises(Unreadable) as raised:
        decode(body)
    assert raised.value.kind == "undecodable"


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("", lambda b: b),
        ("identity", lambda b: b),
        ("gzip", gzip.compress),
        ("X-GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda b: zlib.compress(b, wbits=-15)),
        ("deflate, gzip", lambda b: gzip.compress(zlib.compress(b))),
    ],
)
def test_unpack(coding: str, pack: object) -> None:
    body = WORDS.encode() * 20
    assert unpack(pack(body), coding) == body  # type: ignore[operator]


def test_a_cut_compressed_body_returns_what_it_holds() -> None:
    body = bytes(range(256)) * 400
    packed = gzip.compress(body)
    found = unpack(packed[: len(packed) // 2], "gzip")
    assert 0 < len(found) < len(body)
    assert body.startswith(found)


@pytest.mark.parametrize(
    ("body", "coding", "kind"),
    [
        (b"not gzip", "gzip", "undecodable"),
        (b"anything", "br", "undecodable"),
        (b"x" * (MAX_PAGE_BYTES + 1), "", "too-large"),
        (gzip.compress(b"x" * (MAX_PAGE_BYTES + 1)), "gzip", "too-large"),
    ],
)
def test_what_cannot_be_unpacked(body: bytes, coding: str, kind: str) -> None:
    with pytest.raises(Unreadable) as raised:
        unpack(body, coding)
    assert raised.value.kind == kind


def test_a_bomb_is_not_inflated() -> None:
    with pytest.raises(Unreadable, match="more than"):
        unpack(gzip.compress(b"\0" * (64 * MAX_PAGE_BYTES), 1), "gzip")


@given(st.text(min_size=1), st.sampled_from(["utf-8", "gb18030"]))
def test_text_comes_back(text: str, codec: str) -> None:
    page = f"<p>{WORDS}{text}".replace("\0", "").replace("\ufffd", "")
    assert decode(page.encode(codec, errors="ignore")) == page


def check_any_bytes(body: bytes) -> None:
    kind: str | None = None
    try:
        text = decode(body)
    except Unreadable as error:
        text, kind = "", error.kind
    assert kind in (None, "not-html", "undecodable")
    assert text.count("\ufffd") <= max(1, len(text) * 0.001)
    assert "\0" not in text


@given(st.binary(max_size=2000))
def test_any_bytes(body: bytes) -> None:
    check_any_bytes(body)
