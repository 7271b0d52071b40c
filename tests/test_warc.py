"""WARC files: what is written is read again, byte for byte, and a torn end is survived."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from archive.captures.reading import read_captures, recover
from archive.captures.warc import Capture, Location, header_text, warc_files
from archive.captures.writing import WarcWriter
from archive.errors import CannotWrite, Damaged


def capture(number: int = 1, **changes: object) -> Capture:
    values: dict[str, object] = {
        "url": f"http://127.0.0.1:8000/xwfb/{number}.html",
        "address": f"https://www.sample.example/xwfb/{number}.html",
        "source": "sample",
        "channel": "xwfb",
        "role": "page",
        "fetched_at": "2026-11-01T18:00:00Z",
        "status": 200,
        "headers": (("Content-Type", "text/html; charset=gb2312"), ("ETag", '"1"')),
        "body": f"<p>样例{number}</p>".encode("gb18030"),
    }
    return Capture(**(values | changes))  # type: ignore[arg-type]


def read_all(folder: Path) -> list[tuple[Location, Capture]]:
    return [pair for path in warc_files(folder) for pair in read_captures(path)]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    written = [
        capture(1),
        capture(2, status=304, body=b"", headers=()),
        capture(3, truncated=True, headers=(("Content-Encoding", "gzip"),), body=b"\x1f\x8b\x08"),
        capture(4, role="robots", channel=None, status=404),
        capture(5, headers=(("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X", "a b"))),
    ]
    writer = WarcWriter(tmp_path)
    places = [writer.append(one) for one in written]
    writer.close()
    assert read_all(tmp_path) == list(zip(places, written, strict=True))


def test_a_record_is_a_gzip_member_that_other_tools_read(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path)
    place = writer.append(capture(7))
    writer.close()
    raw = (tmp_path / place.file).read_bytes()
    member = gzip.decompress(raw[place.offset : place.offset + place.length])
    assert member.startswith(b"WARC/1.1\r\n")
    assert b"WARC-Type: response" in member
    with (tmp_path / place.file).open("rb") as stream:
        types = [record.rec_type for record in ArchiveIterator(stream)]
    assert types == ["warcinfo", "response"]


def test_transfer_encoding_is_not_claimed(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path)
    writer.append(capture(headers=(("Transfer-Encoding", "chunked"), ("Server", "sample"))))
    writer.close()
    [(_, read)] = read_all(tmp_path)
    assert read.header("Transfer-Encoding") == ""
    assert read.body == capture().body
    assert [name for name, _ in read.headers] == ["Server"]


def test_header_bytes_beyond_ascii_are_percent_encoded() -> None:
    assert header_text("/样.html".encode()) == "/%E6%A0%B7.html"
    assert header_text(b"a\r\nb: c") == "a%0D%0Ab: c"


def test_files_rotate_by_size_and_stay_in_order(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path, rotate_bytes=2000)
    for number in range(20):
        writer.append(capture(number))
    writer.close()
    # A later process goes on where this one ended.
    writer = WarcWriter(tmp_path, rotate_bytes=2000)
    for number in range(20, 30):
        writer.append(capture(number))
    writer.close()
    files = warc_files(tmp_path)
    assert len(files) > 3
    assert [c.url for _, c in read_all(tmp_path)] == [capture(n).url for n in range(30)]


@pytest.mark.parametrize("cut", [1, 5, 60, 200])
def test_a_torn_end_is_named_and_cut_off(tmp_path: Path, cut: int) -> None:
    writer = WarcWriter(tmp_path)
    for number in range(3):
        place = writer.append(capture(number))
    writer.close()
    path = tmp_path / place.file
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(Damaged, match=f"torn at byte {place.offset}"):
        list(read_captures(path))
    assert len(list(recover(path))) == 2
    assert path.stat().st_size == place.offset
    writer = WarcWriter(tmp_path)
    writer.append(capture(9))
    writer.close()
    assert [c.url[-6:] for _, c in read_captures(path)] == ["0.html", "1.html", "9.html"]


def test_a_changed_byte_inside_is_damage_and_never_cut(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path)
    first = writer.append(capture(1))
    writer.append(capture(2))
    writer.close()
    path = tmp_path / first.file
    raw = bytearray(path.read_bytes())
    raw[first.offset + first.length // 2] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises(Damaged):
        list(read_captures(path))
    with pytest.raises(Damaged):
        list(recover(path))
    assert path.read_bytes() == raw


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="check the folder"):
        WarcWriter(tmp_path / "file" / "warc")


@settings(max_examples=min(2_000, settings().max_examples))  # each writes a file
@given(body=st.binary(max_size=5000), header=st.binary(max_size=50), cut=st.integers(0, 400))
def test_any_body_any_header_any_cut(
    tmp_path_factory: pytest.TempPathFactory, body: bytes, header: bytes, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("warc")
    value = header_text(header).strip()
    writer = WarcWriter(folder)
    writer.append(capture(1, body=body, headers=(("X", value),)))
    place = writer.append(capture(2, body=body))
    writer.close()
    [path] = warc_files(folder)
    cut = min(cut, place.length)
    path.write_bytes(path.read_bytes()[: place.offset + place.length - cut])
    found = [c for _, c in recover(path)]
    assert found[0].header("X") == value
    assert [c.body for c in found] == [body] * (2 if cut == 0 else 1)
