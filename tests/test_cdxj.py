"""The index for replay: what it lists, in which order, and that it keeps up with the captures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surt import surt
from warcio.archiveiterator import ArchiveIterator

from archive.captures.cdxj import NAME, cdxj_line, count_lines, surt_key
from archive.captures.warc import Capture, Location, warc_files
from archive.errors import CannotWrite
from archive.storage.rebuild import rebuild
from archive.storage.store import Store
from tests.crawling import rows
from tests.foreign import Record, warc
from tests.test_import import bring
from tests.test_store import HOME, PAGE, SOURCES, capture, page_html, record

TYPE = {"Content-Type": "text/html; charset=utf-8"}
OTHER = f"{HOME}/xwfb/202005/t20200529_2.html"


def page(day: int, text: str, address: str = PAGE, **changes: object) -> Capture:
    at = f"2026-11-{day:02d}T18:00:00Z"
    return replace(capture(address, page_html(text), at=at), **changes)  # type: ignore[arg-type]


def index(data: Path) -> list[tuple[str, str, dict[str, str]]]:
    """Key, time and fields of each line."""
    found = []
    for line in (data / "warc" / NAME).read_text(encoding="utf-8").splitlines():
        key, time, fields = line.split(" ", 2)
        found.append((key, time, json.loads(fields)))
    return found


def listed_anew(data: Path) -> Iterator[tuple[str, str, dict[str, str]]]:
    """The same, read from the files by warcio."""
    for path in warc_files(data / "warc"):
        with path.open("rb") as stream:
            records = ArchiveIterator(stream)
            for record in records:
                if record.rec_type not in ("response", "revisit"):
                    continue
                head, http = record.rec_headers.get_header, record.http_headers
                if http.get_statuscode() == "304":
                    continue
                mime = (http.get_header("Content-Type") or "unk").split(";")[0]
                yield (
                    surt(head("WARC-Target-URI")),
                    "".join(filter(str.isdigit, head("WARC-Date"))),
                    {
                        "url": head("WARC-Target-URI"),
                        "mime": "warc/revisit" if record.rec_type == "revisit" else mime,
                        "status": http.get_statuscode(),
                        "digest": head("WARC-Payload-Digest").split(":")[1],
                        "length": str(records.get_record_length()),
                        "offset": str(records.get_record_offset()),
                        "filename": path.name,
                    },
                )


def is_whole(data: Path) -> bool:
    """Whether the index lists what the files hold, sorted by bytes."""
    lines = (data / "warc" / NAME).read_bytes().splitlines(keepends=True)
    by_time = sorted(listed_anew(data), key=lambda line: (line[:2], json.dumps(line[2])))
    return lines == sorted(lines) and index(data) == by_time


def test_a_line_has_the_fields_of_pywbs_own(tmp_path: Path) -> None:
    place = Location("captures-000001.warc.gz", 7, 8, "sha1:ABC")
    line = cdxj_line(PAGE, "2026-11-01T18:00:00Z", 200, "Text/HTML ; charset=x", place)
    assert line == (
        b"cn,gov,mohurd)/xwfb/202005/t20200528_1.html 20261101180000 "
        b'{"url": "https://www.mohurd.gov.cn/xwfb/202005/t20200528_1.html", "mime": "text/html", '
        b'"status": "200", "digest": "ABC", "length": "8", "offset": "7", '
        b'"filename": "captures-000001.warc.gz"}\n'
    )
    assert b'"mime": "unk"' in cdxj_line(PAGE, "2026-11-01T18:00:00Z", 404, None, place)
    again = replace(place, revisit="identical-payload-digest")
    assert b'"mime": "warc/revisit"' in cdxj_line(PAGE, "2026-11-01T18:00:00Z", 200, "x/y", again)


@settings(max_examples=min(3_000, settings().max_examples // 3))
@given(st.text() | st.builds("http://{}".format, st.text()))
def test_no_address_breaks_a_line(url: str) -> None:
    assert len(surt_key(url).split()) <= 1
    place = Location("captures-000001.warc.gz", 7, 8, "sha1:ABC")
    line = cdxj_line(url, "2026-11-01T18:00:00Z", 200, url, place)
    assert line.count(b"\n") == 1
    assert json.loads(line.split(b" ", 2)[2])["url"] == url


def test_the_index_lists_what_was_captured(tmp_path: Path) -> None:
    record(tmp_path, page(2, "甲。", headers=tuple(TYPE.items())), page(1, "乙。", OTHER))
    record(tmp_path, page(3, "甲。"), page(3, "", status=404), page(4, "丙。"))
    assert [(key[-6:], time[6:8], f["mime"]) for key, time, f in index(tmp_path)] == [
        ("1.html", "02", "text/html"),
        ("1.html", "03", "unk"),
        ("1.html", "03", "warc/revisit"),
        ("1.html", "04", "unk"),
        ("2.html", "01", "unk"),
    ]
    assert is_whole(tmp_path)


def test_a_304_is_not_listed(tmp_path: Path) -> None:
    """Neither one that refers to a payload nor one that does not: pywb would replay it empty."""
    record(tmp_path, page(1, "", body=b"", status=304), page(2, "甲。"))
    record(tmp_path, page(3, "", body=b"", status=304), page(4, "乙。", OTHER))
    assert rows(tmp_path, "SELECT revisit FROM captures WHERE status = 304 ORDER BY id") == [
        (None,),
        ("server-not-modified",),
    ]
    assert len(index(tmp_path)) == 2
    assert is_whole(tmp_path)


def test_a_capture_from_a_mirror_stands_under_the_address_that_answered(tmp_path: Path) -> None:
    record(tmp_path, page(1, "甲。", url="http://127.0.0.1:8000/xwfb/1.html"))
    [(key, _, fields)] = index(tmp_path)
    assert key == "127.0.0.1:8000)/xwfb/1.html" or key.startswith("1,0,0,127")
    assert fields["url"] == "http://127.0.0.1:8000/xwfb/1.html"


def test_a_missing_index_is_made_again(tmp_path: Path) -> None:
    record(tmp_path, page(1, "甲。"), page(2, "乙。"))
    path = tmp_path / "warc" / NAME
    whole = path.read_bytes()
    path.unlink()
    with Store(tmp_path, SOURCES):
        pass
    assert path.read_bytes() == whole
    # A rebuild writes it anew, whatever is there.
    path.write_bytes(whole[::-1])
    rebuild(tmp_path, SOURCES)
    assert path.read_bytes() == whole
    assert list(path.parent.glob("*.new")) == []


def test_an_index_that_lists_more_or_less_than_there_is_is_made_right(tmp_path: Path) -> None:
    record(tmp_path, page(1, "甲。"), page(2, "乙。"), page(3, "丙。"))
    path = tmp_path / "warc" / NAME
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    # A crawl that was killed committed its rows, and left the index as it was.
    for there in (lines[:1], [], [*lines, lines[-1]]):
        path.write_bytes(b"".join(there))
        with Store(tmp_path, SOURCES):
            pass
        assert path.read_bytes() == whole
    assert count_lines(tmp_path / "warc") == 3


def test_an_index_that_lacks_nothing_is_left_alone(tmp_path: Path) -> None:
    record(tmp_path, page(1, "甲。"))
    path = tmp_path / "warc" / NAME
    before = path.stat()
    with Store(tmp_path, SOURCES):
        pass
    assert path.stat().st_ino == before.st_ino


def test_imported_captures_are_listed_too(tmp_path: Path) -> None:
    data = tmp_path / "data"
    record(data, page(1, "甲。"))
    bring(data, warc(tmp_path / "x.warc", Record(), Record(date="2020-01-01T00:00:00Z")))
    assert [time[:6] for _, time, _ in index(data)] == ["202001", "202006", "202611"]
    assert is_whole(data)
    record(data, page(2, "甲。"), page(3, "乙。", OTHER))
    assert is_whole(data)


def test_an_index_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    record(tmp_path, page(1, "甲。"))
    path = tmp_path / "warc" / f"{NAME}.new"
    path.mkdir()
    with pytest.raises(CannotWrite, match=f"cannot write {tmp_path / 'warc' / NAME}: Is a direc"):
        record(tmp_path, page(2, "乙。"))
    # The rows are there, and the next time the index is too.
    assert rows(tmp_path, "SELECT count(*) FROM captures") == [(2,)]
    shutil.rmtree(path)
    with Store(tmp_path, SOURCES):
        pass
    assert is_whole(tmp_path)
