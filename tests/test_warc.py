"""WARC files: what is written is read again, byte for byte, and a torn end is survived."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator
from warcio.checker import Checker

from archive.captures.reading import in_order, locations_in_order, read_captures, recover
from archive.captures.warc import Capture, Location, header_text, warc_files
from archive.captures.writing import ImportWriter, WarcWriter
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


# Requests, revisits and the order of derivation

ASKED = (("User-Agent", "sample/1"), ("If-None-Match", '"1"'))


def records(path: Path) -> list[tuple[str, dict[str, str], bytes]]:
    """Type, WARC headers and block of each record, as another tool reads them."""
    with path.open("rb") as stream:
        return [
            (record.rec_type, dict(record.rec_headers.headers), record.raw_stream.read())
            for record in ArchiveIterator(stream, no_record_parse=True)
        ]


def test_a_request_comes_before_its_answer_and_names_it(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path)
    url = "http://127.0.0.1:8000/xwfb/1.html?a=1"
    place = writer.append(capture(1, url=url, request=ASKED))
    after = writer.append(capture(2, request=(("host", "www.sample.example"),)))
    writer.append(capture(3))
    writer.close()
    path = tmp_path / place.file
    found = records(path)
    types = ["warcinfo", "request", "response", "request", "response", "response"]
    assert [kind for kind, _, _ in found] == types
    (_, request, block), (_, response, _) = found[1:3]
    assert request["WARC-Concurrent-To"] == response["WARC-Record-ID"]
    assert request["WARC-Target-URI"] == response["WARC-Target-URI"] == url
    assert request["WARC-Date"] == response["WARC-Date"]
    assert request["Content-Type"] == "application/http; msgtype=request"
    assert block == (
        b"GET /xwfb/1.html?a=1 HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUser-Agent: sample/1\r\n"
        b'If-None-Match: "1"\r\n\r\n'
    )
    assert found[3][2] == b"GET /xwfb/2.html HTTP/1.1\r\nhost: www.sample.example\r\n\r\n"
    # What is read from the end of one answer on begins with the next request.
    assert next(read_captures(path, place.offset + place.length)) == (after, capture(2))


@pytest.mark.parametrize("left", [1, 200])
def test_a_request_without_its_answer_is_left_alone(tmp_path: Path, left: int) -> None:
    """As a kill in the middle of the answer leaves it, or one just before it."""
    writer = WarcWriter(tmp_path)
    writer.append(capture(1, request=ASKED))
    place = writer.append(capture(2, request=ASKED))
    writer.close()
    path = tmp_path / place.file
    path.write_bytes(path.read_bytes()[: place.offset + left - 1])
    assert [one.url for _, one in recover(path)] == [capture(1).url]
    assert path.stat().st_size == place.offset
    again = WarcWriter(tmp_path)
    again.append(capture(3, request=ASKED))
    again.close()
    assert [one.url for _, one in read_captures(path)] == [capture(1).url, capture(3).url]
    assert Checker(SimpleNamespace(inputs=[str(path)], verbose=False)).process_all() == 0


LATER = "2026-11-02T18:00:00Z"
SAME = capture(1, fetched_at=LATER, headers=(("ETag", '"2"'),), request=ASKED)
UNCHANGED = capture(1, fetched_at=LATER, status=304, body=b"", headers=(("ETag", '"1"'),))


@pytest.mark.parametrize("again", [SAME, UNCHANGED], ids=["the same", "unchanged"])
def test_what_repeats_an_earlier_record_is_a_revisit_of_it(tmp_path: Path, again: Capture) -> None:
    writer = WarcWriter(tmp_path, rotate_bytes=1)
    first = writer.append(capture(1))
    place = writer.append(again, first)
    writer.close()
    kind = "server-not-modified" if again.status == 304 else "identical-payload-digest"
    assert place == replace(place, revisit=kind, digest=first.digest)
    assert place.file == "captures-000002.warc.gz"
    assert read_all(tmp_path) == [(first, capture(1)), (place, again)]
    [original] = [head for kind, head, _ in records(tmp_path / first.file) if kind == "response"]
    _, head, block = records(tmp_path / place.file)[-1]
    assert {name: value for name, value in head.items() if "efers" in name or "Pro" in name} == {
        "WARC-Profile": f"http://netpreserve.org/warc/1.1/revisit/{kind}",
        "WARC-Refers-To": original["WARC-Record-ID"],
        "WARC-Refers-To-Target-URI": capture(1).url,
        "WARC-Refers-To-Date": capture(1).fetched_at,
        "Bulletins-Refers-To-File": first.file,
        "Bulletins-Refers-To-Offset": str(first.offset),
    }
    assert head["WARC-Payload-Digest"] == original["WARC-Payload-Digest"]
    assert block.startswith(b"HTTP/1.1 ")
    assert block.endswith(b'"\r\n\r\n')


@pytest.mark.parametrize(
    "changes",
    [
        {"body": b"another"},
        {"body": b"another", "status": 304},
        {"status": 404},
        {"status": 206},
    ],
)
def test_what_says_something_of_its_own_is_a_response(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    writer = WarcWriter(tmp_path)
    first = writer.append(capture(1))
    place = writer.append(capture(1, **changes), first)
    writer.close()
    assert place.revisit is None
    assert read_all(tmp_path)[1] == (place, capture(1, **changes))


def test_what_would_refer_to_a_damaged_record_is_a_response(tmp_path: Path) -> None:
    """The bytes at hand are then the only good ones."""
    writer = WarcWriter(tmp_path, rotate_bytes=1)
    first = writer.append(capture(1))
    revisit = writer.append(SAME, first)
    path = tmp_path / first.file
    whole = path.read_bytes()
    places = [Location("captures-000009.warc.gz", 0, 9, ""), Location("../x", 0, 9, ""), revisit]
    assert [writer.append(SAME, one).revisit for one in places] == [None, None, None]
    path.write_bytes(whole[: first.offset + 40])
    assert writer.append(SAME, first).revisit is None
    path.write_bytes(whole.replace(whole[first.offset + 40 : first.offset + 90], bytes(50)))
    assert writer.append(SAME, first).revisit is None
    writer.close()


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "torn": (lambda raw: raw[:-1], "is torn at byte"),
    "missing": (lambda raw: b"", "cannot read"),
    "another record": (
        lambda raw: raw.replace(b"WARC-Record-ID: <urn", b"WARC-Record-ID: <URN"),
        "another record is there",
    ),
    "another payload": (
        lambda raw: raw.replace("样例1".encode("gb18030"), "样例2".encode("gb18030")),
        "its payload is another one",
    ),
    "no response": (
        lambda raw: raw.replace(b"WARC-Type: response", b"WARC-Type: resource"),
        "holds no response at byte",
    ),
}


@pytest.mark.parametrize("again", [SAME, UNCHANGED], ids=["the same", "unchanged"])
@pytest.mark.parametrize("name", DAMAGE)
def test_a_revisit_of_what_is_not_there_is_damage_that_names_both(
    tmp_path: Path, again: Capture, name: str
) -> None:
    writer = WarcWriter(tmp_path, rotate_bytes=1)
    first = writer.append(capture(1))
    place = writer.append(again, first)
    writer.close()
    change, says = DAMAGE[name]
    path = tmp_path / first.file
    raw = path.read_bytes()
    member = gzip.compress(change(gzip.decompress(raw[first.offset :])))
    path.write_bytes(raw[: first.offset] + (change(member) if name == "torn" else member))
    if name == "missing":
        path.unlink()
    with pytest.raises(Damaged) as caught:
        list(read_captures(tmp_path / place.file))
    said = str(caught.value)
    assert said.startswith(
        f"{tmp_path / place.file}: the revisit at byte {place.offset} refers to byte "
        f"{first.offset} of {path}: "
    )
    assert says in said
    assert said.endswith("; restore both files from a backup")


def rewritten(path: Path, place: Location, before: bytes, after: bytes) -> None:
    """Change the last record of a file."""
    raw = path.read_bytes()
    member = gzip.decompress(raw[place.offset :])
    assert before in member
    path.write_bytes(raw[: place.offset] + gzip.compress(member.replace(before, after)))


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (b"identical-payload-digest", b"anything", "has the unknown profile 'anything'"),
        (b"Bulletins-Refers-To-File", b"X", "lacks Bulletins-Refers-To-File"),
        (b"Bulletins-Refers-To-Offset", b"X", "lacks Bulletins-Refers-To-Offset"),
        (b"WARC-Refers-To: ", b"X: ", "lacks WARC-Refers-To"),
        (b"Bulletins-Refers-To-Offset: ", b"Bulletins-Refers-To-Offset: x", "invalid literal"),
        (b": captures-000001", b": ../captures-000001", "is not the name of a capture file"),
        (b"WARC-Payload-Digest", b"X", "lacks WARC-Payload-Digest"),
        (b"WARC-Date", b"X", "lacks WARC-Date"),
    ],
)
def test_a_revisit_that_does_not_say_of_what_is_damage(
    tmp_path: Path, before: bytes, after: bytes, says: str
) -> None:
    writer = WarcWriter(tmp_path)
    place = writer.append(SAME, writer.append(capture(1)))
    writer.close()
    rewritten(tmp_path / place.file, place, before, after)
    with pytest.raises(Damaged, match=re.escape(says)):
        list(read_captures(tmp_path / place.file))


def times(folder: Path) -> list[str]:
    """The days of November of all captures, in the order of derivation."""
    found = list(in_order(folder))
    assert [place for place, _ in found] == list(locations_in_order(folder))
    return [one.fetched_at[8:10] for _, one in found]


def on(day: int, **changes: object) -> Capture:
    return capture(day, fetched_at=f"2026-11-{day:02d}T18:00:00Z", **changes)


def imported(folder: Path, *days: int, rotate_bytes: int = 1 << 20) -> list[Path]:
    writer = ImportWriter(folder, "captures of another archive", rotate_bytes)
    for day in days:
        writer.append(on(day, origin='{"file": "theirs.warc"}'))
    return writer.publish()


def test_captures_of_our_own_keep_their_order_whatever_the_clock_says(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path, rotate_bytes=1)
    for day in (5, 6, 2, 7):
        writer.append(on(day))
    writer.close()
    assert times(tmp_path) == ["05", "06", "02", "07"]


def test_imported_captures_stand_by_their_own_time_among_the_others(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path)
    for day in (5, 8, 3):
        writer.append(on(day))
    writer.close()
    assert [path.name for path in imported(tmp_path, 6, 1, 9)] == [
        "captures-000002-imported.warc.gz"
    ]
    # The one of the 3rd came after the 8th, so it counts as of the 8th: the 6th is before it.
    assert times(tmp_path) == ["01", "05", "06", "08", "03", "09"]
    # What is written after an import comes after it, even with a clock that was set back.
    writer.append(on(4))
    writer.append(on(2))
    assert times(tmp_path)[-3:] == ["09", "04", "02"]
    writer.close()
    # Files that came later, with captures between the others.
    assert [path.name[9:15] for path in imported(tmp_path, 7, 2, 5, rotate_bytes=1)] == [
        "000004",
        "000005",
        "000006",
    ]
    assert times(tmp_path) == ["01", "02", "05", "05", "06", "07", "08", "03", "09", "04", "02"]
    # At the same time: in the order of the files.
    assert [one.origin is None for _, one in in_order(tmp_path)][2:4] == [True, False]


def test_no_file_holds_both_kinds(tmp_path: Path) -> None:
    imported(tmp_path, 1)
    writer = WarcWriter(tmp_path)
    writer.append(on(2))
    writer.close()
    imported(tmp_path, 3)
    assert [path.name for path in warc_files(tmp_path)] == [
        "captures-000001-imported.warc.gz",
        "captures-000002.warc.gz",
        "captures-000003-imported.warc.gz",
    ]
    heads = [records(path)[0][2].decode() for path in warc_files(tmp_path)]
    assert ["robots: obey" in head for head in heads] == [False, True, False]
    assert "description: captures of another archive" in heads[0]


def test_only_the_newest_file_of_our_own_is_mended(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path)
    writer.append(on(1))
    place = writer.append(on(2))
    writer.close()
    path = tmp_path / place.file
    path.write_bytes(path.read_bytes()[:-1])
    [file] = imported(tmp_path, 3)
    assert times(tmp_path) == ["01", "03"]
    assert path.stat().st_size == place.offset
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(Damaged, match="is torn at byte"):
        list(locations_in_order(tmp_path))
    file.unlink()
    writer = WarcWriter(tmp_path, rotate_bytes=1)
    writer.append(on(4))
    writer.close()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Damaged, match=re.escape(f"{path} is torn at byte")):
        list(locations_in_order(tmp_path))


def test_an_empty_folder_has_no_captures(tmp_path: Path) -> None:
    assert list(locations_in_order(tmp_path)) == []
    assert imported(tmp_path) == []


def test_the_names_of_imported_files_reach_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        fsync(descriptor)
        flushed.append(os.path.samestat(os.fstat(descriptor), tmp_path.stat()))

    monkeypatch.setattr(os, "fsync", noted)
    imported(tmp_path, 1)
    assert flushed == [False, True]


def test_what_is_imported_appears_when_all_of_it_is_written(tmp_path: Path) -> None:
    writer = ImportWriter(tmp_path, "captures of another archive")
    writer.append(on(1))
    assert warc_files(tmp_path) == []
    writer.discard()
    assert list(tmp_path.iterdir()) == []
    writer = ImportWriter(tmp_path, "captures of another archive")
    first = writer.append(on(1))
    writer.append(on(2, body=on(1).body), first)
    [path] = writer.publish()
    assert [place.revisit for place, _ in read_captures(path)] == [None, "identical-payload-digest"]
    assert list(tmp_path.iterdir()) == [path]


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
