"""Which earlier capture an answer only repeats, as the store asks its database."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from archive.captures.reading import read_captures
from archive.captures.warc import Capture, warc_files
from archive.storage.rebuild import rebuild
from tests.crawling import rows, tables
from tests.test_store import HOME, SOURCES, capture, page_html, record

A, B = page_html("甲。"), page_html("乙。")
OTHER = f"{HOME}/xwfb/202005/t20200529_2.html"


def asking(one: Capture, **headers: str) -> Capture:
    """The capture, with what was sent for it."""
    sent = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return replace(one, request=sent)


def unchanged(**headers: str) -> Capture:
    return asking(capture(status=304), **headers)


def referring(data: Path) -> list[int | None]:
    """For each capture the id of the one that it refers to."""
    ids = {place[:2]: place[2] for place in rows(data, "SELECT file, offset, id FROM captures")}
    found: list[int | None] = []
    for path in warc_files(data / "warc"):
        with path.open("rb") as stream:
            for one in ArchiveIterator(stream):
                if one.rec_type in ("response", "revisit"):
                    file = one.rec_headers.get_header("Bulletins-Refers-To-File")
                    offset = one.rec_headers.get_header("Bulletins-Refers-To-Offset")
                    found.append(ids[file, int(offset)] if file else None)  # type: ignore[arg-type]
    return found


def test_the_same_bytes_refer_to_the_first_time(tmp_path: Path) -> None:
    record(tmp_path, capture(body=A), capture(body=A), capture(body=B), capture(body=A))
    # In a later run too; and a third time not to a revisit.
    record(tmp_path, capture(body=A), capture(body=B))
    assert referring(tmp_path) == [None, 1, None, 1, 1, 3]
    assert rows(tmp_path, "SELECT max(number) FROM revisions") == [(4,)]


def test_what_is_empty_or_an_error_refers_to_nothing(tmp_path: Path) -> None:
    answers = [capture(body=b""), capture(status=404, body=A), capture(status=500, body=A)]
    record(tmp_path, *answers, *answers, capture(body=A), capture(status=404, body=A))
    assert referring(tmp_path) == [None] * 8


def test_after_damage_the_next_copy_is_referred_to(tmp_path: Path) -> None:
    record(tmp_path, capture(body=A))
    [path] = warc_files(tmp_path / "warc")
    raw = path.read_bytes()
    path.write_bytes(raw[:-20] + bytes(20))
    record(tmp_path, capture(body=A), capture(body=A))
    path.write_bytes(raw + path.read_bytes()[len(raw) :])
    assert referring(tmp_path) == [None, None, 2]


def test_another_address_has_its_own_bytes(tmp_path: Path) -> None:
    record(tmp_path, capture(body=A), capture(OTHER, body=A), capture(OTHER, body=A))
    assert referring(tmp_path) == [None, None, 2]


def test_a_mirror_sends_the_same_page(tmp_path: Path) -> None:
    """The canonical address decides, and the record names the address that answered first."""
    mirror = replace(capture(body=A), url="http://127.0.0.1:8000/xwfb/1.html")
    record(tmp_path, mirror, capture(body=A))
    assert referring(tmp_path) == [None, 1]


def test_a_304_confirms_the_answer_whose_validators_were_sent(tmp_path: Path) -> None:
    """Also after a block page with 200, whose bytes are not what was confirmed."""
    wall = capture(body=b"<html><script>captcha</script></html>")
    record(
        tmp_path,
        capture(body=A, ETag='"1"', Last_Modified="x"),
        replace(capture(body=B, ETag='"2"'), headers=(("ETag", '"2"'), ("Last-Modified", "now"))),
        wall,
        unchanged(If_None_Match='"1"'),
        unchanged(If_None_Match='"2"', If_Modified_Since="then"),
        unchanged(If_Modified_Since="now"),
        unchanged(If_None_Match='"3"'),
        unchanged(If_Modified_Since="then"),
    )
    assert referring(tmp_path) == [None, None, None, 1, 2, 2, None, None]
    # What was sent is not known: then it is the last content that was sent or confirmed.
    record(tmp_path, unchanged(), wall, capture(body=b""), unchanged())
    assert referring(tmp_path)[-4:] == [2, 3, None, 3]


def test_a_304_with_another_etag_is_found_by_the_next_one(tmp_path: Path) -> None:
    renamed = replace(unchanged(If_None_Match='"1"'), headers=(("ETag", '"2"'),))
    record(tmp_path, capture(body=A, ETag='"1"'), renamed, unchanged(If_None_Match='"2"'))
    assert referring(tmp_path) == [None, 1, 1]


def test_a_304_of_what_was_the_same_refers_to_the_first_time(tmp_path: Path) -> None:
    again = capture(body=A, ETag='"2"')
    record(tmp_path, capture(body=A, ETag='"1"'), again, unchanged(If_None_Match='"2"'))
    assert referring(tmp_path) == [None, 1, 1]


def test_a_304_without_anything_before_it_refers_to_nothing(tmp_path: Path) -> None:
    record(tmp_path, unchanged(), capture(OTHER, body=A), unchanged())
    assert referring(tmp_path) == [None] * 3
    # With a body it says something of its own.
    record(tmp_path, capture(body=A), replace(unchanged(), body=b"x"))
    assert referring(tmp_path)[3:] == [None, None]


@pytest.mark.parametrize("missing", [False, True])
def test_rows_are_those_of_a_rebuild(tmp_path: Path, missing: bool) -> None:
    """And what is read is what was sent."""
    captures = [capture(body=A), capture(body=A), unchanged(), capture(body=B), unchanged()]
    record(tmp_path, *captures)
    [path] = warc_files(tmp_path / "warc")
    assert [one for _, one in read_captures(path)] == captures
    before = tables(tmp_path)
    assert [kind for (kind,) in rows(tmp_path, "SELECT revisit FROM captures ORDER BY id")] == [
        None,
        "identical-payload-digest",
        "server-not-modified",
        None,
        "server-not-modified",
    ]
    if missing:
        (tmp_path / "bulletins.db").unlink()
        record(tmp_path)
    else:
        rebuild(tmp_path, SOURCES)
    assert tables(tmp_path) == before
