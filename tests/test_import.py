"""``bulletins import``: other archives' files, with the traps of the tools that write them."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import brotli
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.captures.foreign import Broken, NotHttp, TooLarge, answers, check
from archive.captures.reading import in_order, read_captures
from archive.captures.warc import is_imported, warc_files
from archive.errors import UsageError
from archive.storage.rebuild import rebuild
from archive.storage.store import Store
from crawler.cli import main
from tests.crawling import rows, tables
from tests.foreign import (
    HTML,
    IMAGE,
    Record,
    chunked,
    digest_of,
    identical,
    like_browsertrix,
    like_heritrix,
    like_wget,
    member,
    wacz,
    warc,
    warcinfo,
)
from tests.test_flush import room_for
from tests.test_store import HOME, PAGE, SOURCES, capture, page_html, record

NOW = "2026-11-20T00:00:00Z"
A, B, C = (page_html(f"5月8日，改造危房{number}户。") for number in (120, 121, 122))


def bring(data: Path, *words: str | Path, code: int = 0, now: str = NOW) -> str:
    """One run of the command; what it said, lines of standard error too."""
    data.mkdir(exist_ok=True)
    done: Result = CliRunner().invoke(
        main, ["import", *map(str, words), "--data", str(data)], env={"BULLETINS_NOW": now}
    )
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == code, done.output
    return done.output


def texts(data: Path) -> list[object]:
    """The text of each revision of the one page, in their order."""
    found = rows(
        data,
        "SELECT json_extract(content, '$.entries[0].text') FROM revisions ORDER BY id",
    )
    return [text for (text,) in found]


def said(body: bytes) -> str:
    """What a page of these tests says."""
    return body.decode().split("<p>")[1].split("</p>")[0]


def derived_alike(data: Path) -> None:
    """Rows and the index for replay are those of a rebuild."""
    before, index = tables(data), (data / "warc" / "index.cdxj").read_bytes()
    rebuild(data, SOURCES)
    assert tables(data) == before
    assert (data / "warc" / "index.cdxj").read_bytes() == index


# What comes in


@pytest.mark.parametrize(
    ("make", "software"),
    [
        (like_wget, "Wget/1.21.3 (linux-gnu)"),
        (like_heritrix, "Heritrix/3.4.0 http://crawler.archive.example"),
        (like_browsertrix, "Browsertrix-Crawler 1.5.0 (with warcio.js 2.4.0)"),
    ],
)
def test_what_other_tools_write_is_read_and_marked(
    tmp_path: Path, make: Any, software: str
) -> None:
    path = make(tmp_path / "theirs.warc.gz", A, B)
    data = tmp_path / "data"
    assert "imported" in bring(data, path)
    assert texts(data) == [said(A), said(B)]
    origin = json.loads(str(rows(data, "SELECT origin FROM captures")[0][0]))
    assert origin["file"] == "theirs.warc.gz"
    assert origin["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert origin["record"].startswith("<urn:uuid:")
    assert origin["software"] == software
    derived_alike(data)


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    path = warc(tmp_path / "x.warc.gz", Record())
    data = tmp_path / "my data"
    done = CliRunner().invoke(main, ["import", str(path), "--data", str(data)])
    assert done.exit_code == 2
    [line] = done.output.splitlines()
    assert line.startswith(f"bulletins: there is no folder {data}: name that of your archive")
    assert line.endswith(f"mkdir -p '{data}'")
    assert not data.exists()
    assert f"{data} is empty: a new archive begins in it" in bring(data, path)
    assert "empty" not in bring(data, path)


@pytest.mark.parametrize(
    "words",
    [
        *("status", "verify", "rebuild", "serve --port 0", "backup --to .", "import setup.warc"),
        *("review", "review show 1", "review accept 1", "review reject 1"),
    ],
)
def test_no_command_that_needs_an_archive_makes_one(
    tmp_path: Path, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    warc(tmp_path / "setup.warc", Record())
    before = sorted(tmp_path.iterdir())
    done = CliRunner().invoke(main, [*words.split(), "--data", "typo"])
    assert done.exit_code == 2
    [line] = done.output.splitlines()
    assert "--data" in line
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_of_other_things_is_no_archive(tmp_path: Path) -> None:
    path, data = warc(tmp_path / "x.warc.gz", Record()), tmp_path / "data"
    data.mkdir()
    (data / "thesis.odt").write_text("样例")
    [line] = bring(data, path, code=2).splitlines()
    assert "is neither an archive nor empty (it has thesis.odt)" in line
    assert [one.name for one in data.iterdir()] == ["thesis.odt"]
    # Source files and settings come before the first captures.
    (data / "nightly.toml").touch()
    assert "1 captures imported" in bring(data, path)


def test_the_past_comes_before_the_first_night(tmp_path: Path) -> None:
    """Two imports, the older one last, around a night of our own."""
    data = tmp_path / "data"
    record(data, capture(body=C))
    bring(data, warc(tmp_path / "b.warc", Record(body=B, date="2021-01-01T00:00:00Z")))
    assert texts(data) == [said(B), said(C)]
    bring(data, warc(tmp_path / "a.warc", Record(body=A, date="2020-01-01T00:00:00Z")))
    assert texts(data) == [said(A), said(B), said(C)]
    assert rows(data, "SELECT id, fetched_at FROM captures ORDER BY id") == [
        (1, "2020-01-01T00:00:00Z"),
        (2, "2021-01-01T00:00:00Z"),
        (3, "2026-11-01T18:00:00Z"),
    ]
    assert rows(data, "SELECT first_seen FROM bulletins") == [("2020-01-01T00:00:00Z",)]
    derived_alike(data)


def test_nights_go_on_after_an_import(tmp_path: Path) -> None:
    data = tmp_path / "data"
    record(data, capture(body=B))
    bring(data, warc(tmp_path / "a.warc", Record(body=A)))
    # A clock that was set back, to before what was imported, reorders nothing.
    kinds = [record(data, capture(body=C, at=at))[0].kind for at in ("2019-01-01T00:00:00Z", NOW)]
    assert kinds == ["revised", "same"]
    assert [path.name for path in warc_files(data / "warc")] == [
        "captures-000001.warc.gz",
        "captures-000002-imported.warc.gz",
        "captures-000003.warc.gz",
    ]
    assert texts(data) == [said(A), said(B), said(C)]
    derived_alike(data)


def test_a_second_import_adds_nothing(tmp_path: Path) -> None:
    path = like_heritrix(tmp_path / "theirs.warc.gz", A, B)
    data = tmp_path / "data"
    assert "3 captures imported; left out: 2 of other sites, 1 no pages" in bring(data, path)
    before = tables(data)
    files = [file.read_bytes() for file in warc_files(data / "warc")]
    assert "0 captures imported; left out: 3 in the archive already, 2 of other" in bring(
        data, path
    )
    assert tables(data) == before
    assert [file.read_bytes() for file in warc_files(data / "warc")] == files
    # Under another name and twice at once, together with one record more.
    again = Path(shutil.copy(path, tmp_path / "again.warc.gz"))
    more = warc(tmp_path / "more.warc.gz", Record(body=C, date="2022-01-01T00:00:00Z"))
    bring(data, again, more, more)
    assert rows(data, "SELECT count(*) FROM captures") == [(4,)]


def test_the_archives_own_captures_are_not_imported_into_it(tmp_path: Path) -> None:
    """But into another one they are, with their times."""
    record(tmp_path / "one", capture(body=A), capture(body=A, at="2026-11-02T18:00:00Z"))
    [path] = warc_files(tmp_path / "one" / "warc")
    assert "0 captures imported; left out: 2 in the archive" in bring(tmp_path / "one", path)
    assert "2 captures imported" in bring(tmp_path / "two", path)
    columns = "url, address, fetched_at, status, digest"
    for data in (tmp_path / "one", tmp_path / "two"):
        found = rows(data, f"SELECT {columns} FROM captures ORDER BY id")
        assert [row[2] for row in found] == ["2026-11-01T18:00:00Z", "2026-11-02T18:00:00Z"]
        assert {row[4] for row in found} == {digest_of(A)}


def test_what_is_no_page_of_a_source_is_counted_and_said(tmp_path: Path) -> None:
    path = warc(
        tmp_path / "x.warc.gz",
        Record(),
        Record(url="https://www.news.cn/202005/t20200528_1.html"),
        Record(url=IMAGE, body=b"\x89PNG", headers=(("Content-Type", "image/png"),)),
        Record(url=f"{HOME}/style.css"),
        Record(url=f"{HOME}/", body=b"<html><body>hello</body></html>"),
        Record(date="2026-11-20T00:00:01Z"),
        Record(date="yesterday"),
        Record(date="1990-12-31T23:59:59Z"),
        Record(status="503 Down"),
        Record(block=b"<html>no headers</html>", date="2020-06-02T00:00:00Z"),
        Record(block=b"", date="2020-06-03T00:00:00Z"),
        Record(kind="request", block=b"GET / HTTP/1.1\r\n\r\n"),
        identical(Record(body=b"unknown"), "2020-06-04T00:00:00Z"),
        Record(status="304 Not Modified", body=b"", date="2020-06-05T00:00:00Z"),
        Record(body=bytes(8 * 2**20 + 1), date="2020-06-06T00:00:00Z"),
        Record(body=bytes(12 * 2**20), date="2020-06-07T00:00:00Z"),
    )
    output = bring(tmp_path / "data", path)
    assert output.splitlines()[-1] == (
        f"{path}: 1 captures imported; left out: 1 of other sites, 3 no pages or lists of the "
        "source, 2 without an HTTP answer that can be read, 1 answered with an error, "
        "2 without a date that can be read, 1 dated after today, 2 revisits of records that are "
        "not there, 2 larger than any bulletin"
    )
    assert rows(tmp_path / "data", "SELECT count(*) FROM captures") == [(1,)]


def test_the_source_can_be_named(tmp_path: Path) -> None:
    path = warc(tmp_path / "x.warc.gz", Record())
    said_of_it = bring(tmp_path / "data", path, "--source", "nobody", code=2)
    assert "no source 'nobody'; there are" in said_of_it
    assert "mohurd" in said_of_it
    assert "1 captures imported" in bring(tmp_path / "data", path, "--source", "mohurd")


# Which page, which channel


def channel_of(tmp_path: Path, url: str, body: bytes = A) -> object:
    data = tmp_path / "data"
    bring(data, warc(tmp_path / "x.warc", Record(url=url, body=body)))
    found = rows(data, "SELECT role, channel FROM captures WHERE origin IS NOT NULL")
    return found[0] if found else None


def test_a_page_is_of_the_channel_with_the_nearest_folder(tmp_path: Path) -> None:
    channels = {
        "/xwfb/202005/t20200528_1.html": "xwfb",
        "/xinwen/dfxx/art/2022/art_304_2.html": "dfxx",
        "/xinwen/jsyw/202401/20240101_3.html": "jsyw",
        # Nothing in common: the first channel.
        "/zwgk/202005/t20200528_4.html": "gzdt",
    }
    data = tmp_path / "data"
    bring(data, warc(tmp_path / "x.warc", *(Record(url=HOME + path) for path in channels)))
    found = rows(data, "SELECT address, channel FROM captures WHERE role = 'page'")
    assert found == [(HOME + path, channel) for path, channel in channels.items()]


LIST = (
    "<html><body><table><tr><td><a href='/zwgk/202005/t20200528_1.html'>样例</a></td>"
    "<td>2020-05-28</td></tr></table></body></html>"
).encode()


def test_a_page_is_of_the_channel_that_lists_it(tmp_path: Path) -> None:
    record(tmp_path / "data", capture(f"{HOME}/xwfb/index.html", LIST, role="list"))
    url = "http://mohurd.gov.cn/zwgk/202005/t20200528_1.html?from=rss"
    assert channel_of(tmp_path, url.partition("?")[0]) == ("page", "xwfb")
    [(url, address)] = rows(
        tmp_path / "data", "SELECT url, address FROM captures WHERE origin > ''"
    )
    assert url == "http://mohurd.gov.cn/zwgk/202005/t20200528_1.html"
    assert address == f"{HOME}/zwgk/202005/t20200528_1.html"


def test_a_list_of_a_channel_comes_in_as_one(tmp_path: Path) -> None:
    assert channel_of(tmp_path, f"{HOME}/xwfb/index.html", LIST) == ("list", "xwfb")
    listed = rows(tmp_path / "data", "SELECT url, title, first_listed FROM addresses")
    assert listed == [(f"{HOME}/zwgk/202005/t20200528_1.html", "样例", "2020-06-01T00:00:00Z")]


def test_a_list_without_rows_is_none(tmp_path: Path) -> None:
    """Even if it reads as a page."""
    body = A.replace(b"<html>", b"<html><meta name='PubDate' content='2020-05-28'>")
    assert channel_of(tmp_path, f"{HOME}/xwfb/index.html", body) is None


@pytest.mark.parametrize(("body", "kept"), [(A, True), (b"<html><body>x</body></html>", False)])
def test_a_page_without_a_document_id_must_read_as_one(
    tmp_path: Path, body: bytes, kept: bool
) -> None:
    body = body.replace(b"<html>", b"<html><meta name='PubDate' content='2020-05-28'>")
    found = channel_of(tmp_path, f"{HOME}/xwfb/zhuanti/yangli.html", body)
    assert found == (("page", "xwfb") if kept else None)


# Traps of other tools


@pytest.mark.parametrize("pack", ["each", "one", "plain"])
def test_a_file_may_be_packed_in_any_way(tmp_path: Path, pack: str) -> None:
    path = warc(tmp_path / "x", Record(body=A), Record(body=B, date=NOW), pack=pack)
    bring(tmp_path / "data", path)
    assert texts(tmp_path / "data") == [said(A), said(B)]


SHAPES = {
    "chunks": Record(headers=(HTML, ("Transfer-Encoding", "chunked")), body=chunked(A)),
    "chunks of a packed body": Record(
        headers=(HTML, ("Transfer-Encoding", "chunked"), ("Content-Encoding", "gzip")),
        body=chunked(gzip.compress(A)),
    ),
    "chunks named and joined": Record(headers=(HTML, ("transfer-encoding", "Chunked"))),
    "gzip": Record(headers=(HTML, ("Content-Encoding", "gzip")), body=gzip.compress(A)),
    "gzip named and undone": Record(headers=(HTML, ("Content-Encoding", "gzip"))),
    "Brotli": Record(headers=(HTML, ("Content-Encoding", "br")), body=brotli.compress(A)),
    "Brotli named and undone": Record(headers=(HTML, ("Content-Encoding", "br"))),
    "HTTP/2": Record(protocol="HTTP/2", status="200"),
    "HTTP/2.0": Record(protocol="HTTP/2.0"),
    "HTTP/1.0": Record(protocol="HTTP/1.0"),
    "a status without a reason": Record(status="200"),
    "lines that end in a line feed": Record(
        block=b"HTTP/1.1 200 OK\nContent-Type: text/html\n\n" + A
    ),
    "a header in GB 18030": Record(
        block="HTTP/1.1 200 OK\r\nX-Title: 样例\r\n\r\n".encode("gb18030") + A
    ),
    "a header that is none": Record(block=b"HTTP/1.1 200 OK\r\na b: c\r\n: d\r\ne\r\n\r\n" + A),
    "an address in brackets": Record(url=f"<{PAGE}>"),
    "an address with a fragment": Record(url=f"{PAGE}#top"),
    "a port": Record(url=PAGE.replace(".cn/", ".cn:443/")),
    "http": Record(url=PAGE.replace("https", "http")),
    "a date in fourteen digits": Record(date="20200601000000"),
    "a date with a zone": Record(date="2020-06-01T08:00:00+08:00"),
    "a date without a zone": Record(date="2020-06-01T00:00:00"),
    "fractions of a second": Record(date="2020-06-01T00:00:00.999999Z"),
    "WARC/1.1": Record(fields=(("WARC-Block-Digest", "sha1:WRONG"),)),
}


def test_each_shape_says_the_same(tmp_path: Path) -> None:
    """Each under an address of its own."""
    shapes = {
        number: replace(shape, url=shape.url.replace("_1.html", f"_{number}.html"))
        for number, shape in enumerate(SHAPES.values(), 1)
    }
    data = tmp_path / "data"
    bring(data, warc(tmp_path / "x.warc.gz", *shapes.values()))
    found = rows(
        data,
        "SELECT bulletins.slug, address, fetched_at, captures.status, text FROM captures"
        " JOIN bulletins ON bulletins.url = address JOIN entries ON bulletin = bulletins.id",
    )
    for number, name in enumerate(SHAPES, 1):
        page = PAGE.replace("_1.html", f"_{number}.html")
        row = (f"mohurd-{number}", page, "2020-06-01T00:00:00Z", 200, said(A))
        assert row in found, name
    assert rows(data, "SELECT count(*) FROM incidents") == [(0,)]
    derived_alike(data)


def test_what_the_wayback_machine_sends_is_the_page_of_then(tmp_path: Path) -> None:
    """Asked for with id_, and saved by any tool; what it says for itself is left out."""
    memento = ("Memento-Datetime", "Mon, 01 Jun 2020 00:00:00 GMT")
    then = (("X-Archive-Orig-ETag", '"1"'), ("X-Archive-Orig-Transfer-Encoding", "chunked"))
    base = "https://web.archive.org/web/"
    other = PAGE.replace("_1.html", "_2.html")
    path = warc(
        tmp_path / "x.warc.gz",
        Record(
            url=f"{base}20200601000000id_/http://www.mohurd.gov.cn/xwfb/202005/t20200528_1.html",
            date="2026-10-01T00:00:00Z",
            headers=(HTML, memento, *then, ("Server", "nginx"), ("Content-Encoding", "gzip")),
            body=gzip.compress(A),
        ),
        Record(
            url=f"{base}20200602000000id_/{PAGE}",
            date="2026-10-01T00:00:00Z",
            headers=(memento, ("X-Archive-Orig-Content-Encoding", "gzip")),
            body=gzip.compress(B),
        ),
        Record(
            url=f"{base}20200603000000id_/{PAGE}",
            status="302 Found",
            headers=(memento, ("Location", f"/web/2/{other}"), ("x-archive-orig-location", other)),
            body=b"",
        ),
        Record(url=f"{base}20200604000000id_/{PAGE}", status="404 Not Found"),
        Record(url=f"{base}20200605000000/{PAGE}", headers=(HTML, memento)),
    )
    data = tmp_path / "data"
    output = bring(data, path)
    assert "3 captures imported; left out: 1 of other sites, 1 without an HTTP answer" in output
    assert texts(data) == [said(A), said(B)]
    columns = "fetched_at, status, etag, content_type"
    assert rows(data, f"SELECT {columns} FROM captures ORDER BY id") == [
        ("2020-06-01T00:00:00Z", 200, '"1"', "text/html; charset=utf-8"),
        ("2020-06-02T00:00:00Z", 200, None, None),
        ("2020-06-03T00:00:00Z", 302, None, None),
    ]
    assert rows(data, "SELECT moved_to FROM addresses WHERE url = ?", PAGE) == [(other,)]
    assert ("Server", "nginx") not in next(in_order(data / "warc"))[1].headers


def test_revisits_of_other_archives_are_resolved(tmp_path: Path) -> None:
    first = Record(body=A, record_id="<urn:uuid:1>")
    profile = "http://netpreserve.org/warc/1.1/revisit/"
    by_id = (("WARC-Profile", profile + "identical-payload-digest"),)
    by_id += (("WARC-Refers-To", "<urn:uuid:1>"),)
    by_digest = (*by_id[:1], ("WARC-Payload-Digest", "sha256:theirs"))
    unchanged = (("WARC-Profile", profile + "server-not-modified"), *by_id[1:])
    path = warc(
        tmp_path / "x.warc.gz",
        Record(body=A, record_id="<urn:uuid:1>", fields=by_digest[1:]),
        Record(body=B, date="2020-06-02T00:00:00Z"),
        identical(first, "2020-06-03T00:00:00Z"),
        Record(body=C, date="2020-06-04T00:00:00Z"),
        identical(first, "2020-06-05T00:00:00Z", fields=by_id),
        # Without HTTP headers: those of the first.
        identical(first, "2020-06-06T00:00:00Z", fields=by_digest, block=b""),
        identical(
            first,
            "2020-06-07T00:00:00Z",
            fields=unchanged,
            block=b"HTTP/1.1 304 Not Modified\r\n\r\n",
        ),
    )
    data = tmp_path / "data"
    assert "7 captures imported" in bring(data, path)
    assert texts(data) == [said(A), said(B), said(A), said(C), said(A)]
    assert [row[0] for row in rows(data, "SELECT revisit FROM captures ORDER BY id")] == [
        None,
        None,
        "identical-payload-digest",
        None,
        "identical-payload-digest",
        "identical-payload-digest",
        "server-not-modified",
    ]
    assert rows(data, "SELECT last_good FROM addresses") == [("2020-06-07T00:00:00Z",)]
    assert "0 captures imported" in bring(data, path)
    derived_alike(data)


def test_a_revisit_of_what_an_earlier_import_brought(tmp_path: Path) -> None:
    first, data = Record(body=A), tmp_path / "data"
    bring(data, warc(tmp_path / "a.warc.gz", first, Record(body=B, date="2020-06-02T00:00:00Z")))
    both = warc(tmp_path / "b.warc.gz", first, identical(first, "2020-06-03T00:00:00Z"))
    assert "1 captures imported; left out: 1 in the archive already" in bring(data, both)
    assert texts(data) == [said(A), said(B), said(A)]
    derived_alike(data)


@pytest.mark.long
def test_ten_thousand_records_of_one_address(tmp_path: Path) -> None:
    """All at one instant, each said once."""
    members = [warcinfo("x"), *[member(Record(body=A)), member(Record(body=B))] * 5000]
    (tmp_path / "x.warc").write_bytes(b"".join(members))
    output = bring(tmp_path / "data", tmp_path / "x.warc")
    assert "2 captures imported; left out: 9998 in the archive already" in output
    assert texts(tmp_path / "data") == [said(A), said(B)]


# Files that are none, or not whole


def test_what_is_no_warc_is_refused_in_one_line(tmp_path: Path) -> None:
    good = warc(tmp_path / "good.warc.gz", Record())
    (tmp_path / "folder").mkdir()
    files = {
        "empty.warc": (b"", "is empty"),
        "empty.warc.gz": (gzip.compress(b""), "is empty"),
        "page.html": (A, "is no WARC file: it does not begin with a WARC record"),
        "packed.html.gz": (gzip.compress(A), "is no WARC file: it does not begin with a WARC"),
        "torn.warc.gz": (good.read_bytes()[:12], "is no WARC file: "),
        "old.arc.gz": (gzip.compress(b"filedesc://x.arc 0.0.0.0 2005"), "is an ARC file: make a"),
        "none.wacz": (b"PK\x03\x04" + bytes(50), "is no WACZ: "),
    }
    for name, (raw, says) in files.items():
        (tmp_path / name).write_bytes(raw)
        output = bring(tmp_path / "data", good, tmp_path / name, code=2)
        assert len(output.splitlines()) == 1
        assert output.startswith(f"bulletins: {tmp_path / name} {says}"), output
    assert "is no WACZ: it holds no archive/*.warc.gz" in bring(
        tmp_path / "data", wacz(tmp_path / "hollow.wacz", []), code=2
    )
    assert "is a folder" in bring(tmp_path / "data", tmp_path / "folder", code=2)
    assert "No such file" in bring(tmp_path / "data", tmp_path / "nowhere", code=2)
    # Nothing of the good file either.
    assert not list((tmp_path / "data").iterdir())


@pytest.mark.parametrize(
    ("pack", "cut"), [("each", 20), ("each", 300), ("one", 40), ("plain", 5), ("plain", 300)]
)
def test_a_file_that_breaks_off_is_read_up_to_there(tmp_path: Path, pack: str, cut: int) -> None:
    path = warc(tmp_path / "x", Record(body=A), Record(body=B * 50, date=NOW), pack=pack)
    path.write_bytes(path.read_bytes()[:-cut])
    output = bring(tmp_path / "data", path)
    line = output.splitlines()[-1]
    assert line.startswith(f"{path}: 1 captures imported; read only in part, what came before is ")
    assert texts(tmp_path / "data") == [said(A)]


def test_damage_in_the_middle_ends_a_file_and_not_the_next(tmp_path: Path) -> None:
    path = warc(tmp_path / "x.warc", Record(body=A), Record(body=B, date=NOW), pack="plain")
    path.write_bytes(path.read_bytes().replace(b"WARC/1.0\r\nWARC-Type: response", b"x" * 29, 1))
    after = warc(tmp_path / "y.warc", Record(body=C))
    first, second = bring(tmp_path / "data", path, after).splitlines()[-2:]
    assert first.startswith(f"{path}: 0 captures imported; read only in part")
    assert "record 2 of" in first
    assert second == f"{after}: 1 captures imported"


def test_a_wacz_of_several_files(tmp_path: Path) -> None:
    path = wacz(tmp_path / "x.wacz", [[Record(body=A)], [Record(body=B, date=NOW)]])
    bring(tmp_path / "data", path)
    assert texts(tmp_path / "data") == [said(A), said(B)]


# The folder


def test_an_import_that_brings_nothing_writes_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    record(data, capture(body=A))
    before = {path: path.read_bytes() for path in (data / "warc").iterdir()}
    bring(data, warc(tmp_path / "x.warc", Record(url="https://www.news.cn/1.html")))
    assert {path: path.read_bytes() for path in (data / "warc").iterdir()} == before


def test_a_file_that_no_derivation_has_seen_is_derived_when_next_opened(tmp_path: Path) -> None:
    """As a kill leaves it between the file and the database."""
    data = tmp_path / "data"
    record(data, capture(body=B))
    shutil.copytree(data, tmp_path / "before")
    bring(data, warc(tmp_path / "x.warc", Record(body=A)))
    shutil.copy(tmp_path / "before" / "bulletins.db", data / "bulletins.db")
    lines: list[str] = []
    with Store(data, SOURCES, lines.append):
        assert texts(data) == [said(A), said(B)]
    assert lines == [
        f"{data / 'bulletins.db'} lacks captures that were imported: deriving it again ..."
    ]
    # And where there is no database at all.
    (data / "bulletins.db").unlink()
    with Store(data, SOURCES, lines.append):
        assert texts(data) == [said(A), said(B)]
    derived_alike(data)


def test_what_an_import_that_was_cut_off_left_is_removed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    left = data / "warc" / ".import" / "captures-000009-imported.warc.gz"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    bring(data, warc(tmp_path / "x.warc", Record(body=A)))
    assert [path.name for path in (data / "warc").iterdir() if path.suffix == ".gz"] == [
        "captures-000001-imported.warc.gz"
    ]
    assert not left.parent.exists()


@pytest.mark.parametrize("scheme", ["https//", "//", "https:", "ftp://", "x://", ""])
def test_what_is_no_whole_address_is_of_no_site(tmp_path: Path, scheme: str) -> None:
    url = Record().url.replace("https://", scheme)
    path = warc(tmp_path / "x.warc", Record(body=A), Record(url=url, body=B))
    assert "1 captures imported; left out: 1 of other sites" in bring(tmp_path / "data", path)
    derived_alike(tmp_path / "data")


def test_a_scheme_in_capitals_is_one(tmp_path: Path) -> None:
    url = Record().url.replace("https", "HTTPS")
    bring(tmp_path / "data", warc(tmp_path / "x.warc", Record(url=url, body=A)))
    assert texts(tmp_path / "data") == [said(A)]
    derived_alike(tmp_path / "data")


def test_imported_captures_are_ordered_by_their_time_within_files(tmp_path: Path) -> None:
    data = tmp_path / "data"
    dates = ["2020-03-01T00:00:00Z", "2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z"]
    path = warc(tmp_path / "x.warc", *(Record(date=date, body=A) for date in dates))
    bring(data, path)
    [file] = warc_files(data / "warc")
    assert is_imported(file.name)
    assert [one.fetched_at for _, one in read_captures(file)] == dates
    assert [one.fetched_at for _, one in in_order(data / "warc")] == sorted(dates)


# Anything at all, and kills


def whole(data: Path) -> bool:
    """Whether nothing is left of what was not finished, and what is there can be read."""
    names = {path.name for path in (data / "warc").iterdir()} if (data / "warc").exists() else set()
    return all(name.endswith((".warc.gz", ".cdxj")) for name in names) and all(
        one.origin for _, one in in_order(data / "warc")
    )


def survives(folder: Path, raw: bytes) -> None:
    """Bytes as a file: imported or refused in one line, and never a half."""
    path, data = folder / "x.warc", folder / "data"
    path.write_bytes(raw)
    data.mkdir(exist_ok=True)
    done = CliRunner().invoke(
        main, ["import", str(path), "--data", str(data)], env={"BULLETINS_NOW": NOW}
    )
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code in (0, 2), done.output
    if done.exit_code == 2:
        assert len(done.stderr.splitlines()) == 1
        assert done.stdout == ""
        assert not list(data.iterdir())
        return
    assert len(done.stdout.splitlines()) == 1
    assert whole(data)
    derived_alike(data)


STARTS = [b"", b"WARC/1.0\r\n", b"\x1f\x8b", b"PK\x03\x04"]
SEEDS = [Record(body=A), *SHAPES.values(), identical(Record(body=A), "2020-06-02T00:00:00Z")]


def mutated(raw: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for start, length, put in changes:
        at = start % (len(raw) or 1)
        raw = raw[:at] + put + raw[at + length :]
    return raw


FILES = st.tuples(
    st.lists(st.sampled_from(SEEDS), min_size=1, max_size=4),
    st.sampled_from(["each", "one", "plain", "wacz"]),
    st.lists(
        st.tuples(st.integers(0, 3000), st.integers(0, 30), st.binary(max_size=30)), max_size=4
    ),
)


def changed(folder: Path, records: list[Record], pack: str, changes: Any) -> bytes:
    """A file with bytes taken out and put in."""
    if pack == "wacz":
        path = wacz(folder / "seed.wacz", [records])
    else:
        path = warc(folder / "seed.warc", *records, pack=pack)
    return mutated(path.read_bytes(), changes)


@settings(max_examples=min(3_000, settings().max_examples))
@given(FILES | st.tuples(st.binary(max_size=500), st.sampled_from(STARTS)))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, given_file: tuple[Any, ...]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    path = folder / "x.warc"
    if len(given_file) == 2:
        path.write_bytes(given_file[1] + given_file[0])
    else:
        path.write_bytes(changed(folder, *given_file))
    try:
        check(path)
    except UsageError:
        return
    with suppress(Broken, UsageError):
        for answer in answers(path):
            assert answer.url.isascii()
            assert answer.date is None or len(answer.date) == 20
            with suppress(NotHttp, TooLarge):
                http = answer.http
                assert http is None or 100 <= http.status < 600


@pytest.mark.long
@settings(max_examples=min(150, settings().max_examples))
@given(FILES)
def test_a_file_with_any_bytes_changed(
    tmp_path_factory: pytest.TempPathFactory, given_file: tuple[Any, ...]
) -> None:
    folder = tmp_path_factory.mktemp("changed")
    survives(folder, changed(folder, *given_file))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_a_kill_at_any_moment(tmp_path: Path, seed: int) -> None:
    """A kill before the end leaves the archive as it was, or the next run finishes it."""
    chance, data = random.Random(seed), tmp_path / "data"
    record(data, capture(body=C))
    dates = [
        f"2020-{month:02d}-{day:02d}T00:00:00Z" for month in range(1, 13) for day in range(1, 29)
    ]
    records = [Record(date=at, body=(A, B)[n % 2]) for n, at in enumerate(dates)]
    path = warc(tmp_path / "x.warc.gz", *records)
    command = [sys.executable, "-m", "crawler", "import", str(path), "--data", str(data)]
    for _ in range(8):
        process = subprocess.Popen(
            command,
            env=os.environ | {"BULLETINS_NOW": NOW},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.uniform(0.2, 2.5))
        process.send_signal(signal.SIGKILL)
        process.wait()
        files = warc_files(data / "warc")
        assert len(files) in (1, 2)
        with Store(data, SOURCES):
            pass
        count = rows(data, "SELECT count(*) FROM captures WHERE origin IS NOT NULL")
        assert count == [(len(dates) * (len(files) - 1),)]
    bring(data, path)
    assert rows(data, "SELECT count(*) FROM captures") == [(len(dates) + 1,)]
    assert len(texts(data)) == len(dates) + 1
    derived_alike(data)
    assert list((data / "warc").glob(".import")) == []


def test_a_disk_that_fills_while_importing_leaves_no_capture(tmp_path: Path) -> None:
    data = tmp_path / "data"
    record(data, capture(body=C))
    before = tables(data)
    noise = Record(body=random.Random(1).randbytes(3_000_000))
    path = warc(tmp_path / "x.warc", Record(body=A), noise)
    with room_for(2_500_000):
        output = bring(data, path, code=7)
    assert "cannot write" in output
    assert [file.name for file in warc_files(data / "warc")] == ["captures-000001.warc.gz"]
    assert not (data / "warc" / ".import").exists()
    assert tables(data) == before
