"""Captures at their edges: limits to the byte, large records, damage that is hard to tell.

Most of these were found missing by ``make mutate``.
"""

from __future__ import annotations

import gzip
import random
import tracemalloc
import zlib
from pathlib import Path
from typing import IO, Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from archive import __version__
from archive.captures.block_pages import block_page_kind
from archive.captures.decode import MAX_PAGE_BYTES, decode, unpack
from archive.captures.reading import read_captures, recover
from archive.captures.warc import warc_files
from archive.captures.writing import WarcWriter
from archive.errors import CannotWrite, Damaged, Unreadable
from archive.parse.html import shown_pieces
from tests.test_warc import capture, read_all

FORM = "<form><img src='/captcha.jpg'></form>"
SCRIPT = "<script>go()</script>"


# Block pages


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        # A refusal that mentions a captcha asks for one; so does one that only demands.
        (403, "身份验证", "wall-captcha"),
        (403, "访问太频繁", "wall-captcha"),
        # Without a demand 150 characters about captchas are the page's own words.
        (200, FORM + "滑块" + "字" * 148, "wall-captcha"),
        (200, FORM + "滑块" + "字" * 149, None),
        # With one, 600 characters or three sentences.
        (200, "请输入验证码" + "字" * 594, "wall-captcha"),
        (200, "请输入验证码" + "字" * 595, None),
        (200, "请输入验证码。字。字。", "wall-captcha"),
        (200, "请输入验证码。字。字。字。", None),
        # A page of scripts has at most thirty characters to read.
        (200, SCRIPT + "字" * 30, "wall-script"),
        (200, SCRIPT + "字" * 31, None),
        # Whitespace is not read.
        (200, SCRIPT + "字 \n" * 30, "wall-script"),
        (200, SCRIPT + "字 \n" * 31, None),
    ],
)
def test_limits_of_block_pages(status: int, text: str, expected: str | None) -> None:
    assert block_page_kind(status, "", text, shown_pieces(text)) == expected


# Packed bodies


@pytest.mark.parametrize("coding", ["", "gzip", "deflate"])
def test_a_page_may_be_as_large_as_the_limit(coding: str) -> None:
    pack: dict[str, Any] = {"": bytes, "gzip": gzip.compress, "deflate": zlib.compress}
    body = b"x" * MAX_PAGE_BYTES
    assert unpack(pack[coding](body), coding) == body
    with pytest.raises(Unreadable, match="has 8 MB, more than the 8 MB that a bulletin can have"):
        unpack(pack[coding](body + b"x"), coding)


def test_a_bomb_costs_no_more_memory_than_the_largest_page() -> None:
    bomb = gzip.compress(bytes(16 * MAX_PAGE_BYTES), 1)
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable):
            unpack(bomb, "gzip")
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_PAGE_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("level", range(1, 10))
@pytest.mark.parametrize("bits", [9, 12, 15])
def test_deflate_with_a_head_and_without(level: int, bits: int) -> None:
    """RFC 9110 means zlib's format, and many servers send the bare one (RFC 1950, 1951)."""
    for body in (b"a", b"plain words " * 40, bytes(range(256)) * 9, bytes(1000)):
        packer = zlib.compressobj(level, wbits=bits)
        assert unpack(packer.compress(body) + packer.flush(), "deflate") == body
        packer = zlib.compressobj(level, wbits=-bits)
        assert unpack(packer.compress(body) + packer.flush(), "deflate") == body


def test_what_cannot_be_unpacked_says_why() -> None:
    with pytest.raises(Unreadable, match="the compressed body is broken: Error -3"):
        unpack(b"\xff" * 20, "deflate")
    assert unpack(b"", "deflate") == b""
    assert unpack(b"\x08", "deflate") == b""


def test_an_unknown_coding_is_named() -> None:
    with pytest.raises(Unreadable, match="content encoding 'br'"):
        unpack(b"x", "gzip, br")


@pytest.mark.parametrize(("scars", "read"), [(1, True), (2, False)])
def test_one_scar_in_a_thousand_characters_is_read(scars: int, read: bool) -> None:
    """In a page that says by its mark what it is, so that nothing else is tried."""
    body = b"\xef\xbb\xbf" + b"a" * (1000 - scars) + b"\xff" * scars
    if read:
        assert decode(body) == "a" * 999 + "\ufffd"
    else:
        with pytest.raises(Unreadable, match="the bytes are neither UTF-8 nor GB 18030"):
            decode(body)


def test_a_few_gb_characters_among_much_ascii_are_not_taken_for_damaged_utf_8() -> None:
    text = "a" * 4000 + "中"
    assert decode(text.encode("gb18030")) == text


# Records


LARGE = {
    "of noise": random.Random(1).randbytes(3_500_000),
    "of zeros": bytes(5_000_000),
    "of both": random.Random(2).randbytes(1_100_000) + bytes(4_000_000),
}


@pytest.mark.parametrize("kind", LARGE)
def test_records_larger_than_what_is_read_at_once(tmp_path: Path, kind: str) -> None:
    written = [capture(1), capture(2, body=LARGE[kind]), capture(3), capture(4, body=LARGE[kind])]
    writer = WarcWriter(tmp_path)
    places = [writer.append(one) for one in written]
    writer.close()
    assert read_all(tmp_path) == list(zip(places, written, strict=True))
    [path] = warc_files(tmp_path)
    # From the middle on, and with the last one torn.
    assert [one for _, one in read_captures(path, places[2].offset)] == written[2:]
    path.write_bytes(path.read_bytes()[:-1000])
    assert [one for _, one in recover(path)] == written[:3]
    assert path.stat().st_size == places[3].offset


def test_damage_and_a_torn_end_are_told_apart(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path)
    # What looks like the start of a packed record, and is none.
    false_start = b"\x1f\x8b\x08" + random.Random(3).randbytes(60)
    first = writer.append(capture(1, body=false_start * 20))
    last = writer.append(capture(2, body=LARGE["of noise"][:2000]))
    writer.close()
    path = tmp_path / first.file
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[first.offset + 10 : first.offset + 90] = false_start + b"\xff" * 17
    path.write_bytes(damaged)
    says = f"is damaged at byte {first.offset}: restore the file from a backup"
    for reading in (read_captures, recover):
        with pytest.raises(Damaged, match=says):
            list(reading(path))
    assert path.read_bytes() == damaged
    path.write_bytes(whole[:-1])
    says = f"is torn at byte {last.offset}, as an interrupted crawl leaves it: the next `bulletins"
    with pytest.raises(Damaged, match=says + " crawl` mends it$"):
        list(read_captures(path))


def test_what_is_packed_and_no_record_is_named(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path)
    place = writer.append(capture(1))
    writer.close()
    path = tmp_path / place.file
    end = path.stat().st_size
    path.write_bytes(path.read_bytes() + gzip.compress(b""))
    with pytest.raises(Damaged, match=f"holds no WARC record at byte {end}: restore it from a"):
        list(read_captures(path))


@pytest.mark.parametrize("missing", ["Bulletins-Address", "Bulletins-Source", "Bulletins-Role"])
def test_a_record_of_another_archive_is_named(tmp_path: Path, missing: str) -> None:
    writer = WarcWriter(tmp_path)
    place = writer.append(capture(1))
    writer.close()
    path = tmp_path / place.file
    lines = gzip.decompress(path.read_bytes()[place.offset :]).split(b"\r\n")
    left = [line for line in lines if not line.startswith(missing.encode())]
    assert len(left) == len(lines) - 1
    path.write_bytes(gzip.compress(b"\r\n".join(left)))
    with pytest.raises(Damaged, match=f"the record at byte 0 lacks {missing}$"):
        list(read_captures(path))


def test_a_torn_file_that_may_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The right is refused by hand: whoever runs the tests may have them all."""
    writer = WarcWriter(tmp_path)
    place = writer.append(capture(1))
    writer.close()
    path = tmp_path / place.file
    path.write_bytes(path.read_bytes()[:-1])
    opened = Path.open

    def refusing(self: Path, mode: str = "r", *rest: Any) -> IO[Any]:
        if "+" in mode:
            raise PermissionError(13, "Permission denied")
        return opened(self, mode, *rest)

    monkeypatch.setattr(Path, "open", refusing)
    says = f"cannot write {path}: Permission denied; check the folder, rights and disk"
    with pytest.raises(CannotWrite, match=says):
        list(recover(path))


@pytest.mark.parametrize("size", [1999, 2000, 2001])
def test_a_file_that_has_its_size_is_followed_by_another(tmp_path: Path, size: int) -> None:
    writer = WarcWriter(tmp_path, rotate_bytes=2000)
    writer.append(capture(1))
    [path] = warc_files(tmp_path)
    with path.open("ab") as out:
        out.write(bytes(size - path.stat().st_size))
    # The writer that has it open, and one that finds it.
    again = WarcWriter(tmp_path, rotate_bytes=2000)
    place = again.append(capture(2))
    again.close()
    assert place.file == ("captures-000001.warc.gz" if size < 2000 else "captures-000002.warc.gz")
    writer.close()


def test_other_files_in_the_folder_are_none_of_the_archives(tmp_path: Path) -> None:
    for name in ("captures-1.warc.gz", "captures-0000001.warc.gz", "captures-000002.warc.gz.bak"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "captures-000010.warc.gz").write_bytes(b"")
    (tmp_path / "captures-000009.warc.gz").write_bytes(b"")
    assert [path.name[9:15] for path in warc_files(tmp_path)] == ["000009", "000010"]


def test_the_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "warc"
    WarcWriter(folder).close()
    assert folder.is_dir()
    WarcWriter(folder).close()


def test_a_closed_writer_opens_its_file_again(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path)
    writer.append(capture(1))
    writer.close()
    writer.close()
    writer.sync()
    writer.append(capture(2))
    writer.close()
    assert [one for _, one in read_all(tmp_path)] == [capture(1), capture(2)]


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    path = tmp_path / "captures-000001.warc.gz"
    path.mkdir()
    says = f"cannot write {path}: Is a directory; check the folder, rights and disk"
    with pytest.raises(CannotWrite, match=says):
        WarcWriter(tmp_path).append(capture(1))


def test_a_file_begins_with_what_made_it_and_that_robots_txt_was_obeyed(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path, contact="operator@sample.example")
    place = writer.append(capture(1))
    writer.close()
    with (tmp_path / place.file).open("rb") as raw:
        head = next(iter(ArchiveIterator(raw)))
        assert head.rec_type == "warcinfo"
        lines = head.raw_stream.read().decode().splitlines()
    assert lines == [
        f"software: ministry-bulletin-archive/{__version__}",
        "format: WARC File Format 1.1",
        "conformsTo: https://iipc.github.io/warc-specifications/specifications/warc-format/"
        "warc-1.1/",
        "robots: obey",
        "operator: operator@sample.example",
    ]
