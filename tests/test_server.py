"""The server as `bulletins serve` starts it, and what it checks before."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import pytest

from archive.errors import Damaged, Locked, UsageError
from archive.serving.server import check, escaped, listen, renew_index, serve
from archive.storage.database import ENTRIES_INDEX, connect
from archive.storage.lock import lock


def outdated(folder: Path) -> Path:
    """A data folder whose search index was made by a version before this one."""
    conn = connect(folder / "bulletins.db").conn
    ENTRIES_INDEX.drop(conn)
    conn.execute("insert into search_index values ('entries', '1')")
    conn.close()
    return folder


def test_an_index_of_another_version_is_rebuilt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = outdated(tmp_path)
    renew_index(folder)
    assert capsys.readouterr().out == (
        "the search index is of another version: rebuilding it ...\n"
    )
    # Not connect(), which would rebuild the index itself.
    with closing(sqlite3.connect(folder / "bulletins.db")) as conn:
        assert ENTRIES_INDEX.is_readable(conn)
    renew_index(folder)
    assert capsys.readouterr().out == ""


def test_it_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    folder = outdated(tmp_path)
    with lock(folder), pytest.raises(Locked, match="wait until it is done"):
        renew_index(folder)


def test_a_current_index_is_not_written(tmp_path: Path) -> None:
    connect(tmp_path / "bulletins.db").conn.close()
    with lock(tmp_path):
        renew_index(tmp_path)


def test_before_serving_the_database_is_checked_and_its_index_rebuilt(tmp_path: Path) -> None:
    nowhere = ("127.0.0.1", 70_000)  # no such port: serving ends before it begins
    with pytest.raises(UsageError, match="no archive in"):
        serve(tmp_path, *nowhere)
    outdated(tmp_path)
    with pytest.raises(UsageError, match="there is no such port"):
        serve(tmp_path, *nowhere)
    with closing(sqlite3.connect(tmp_path / "bulletins.db")) as conn:
        assert ENTRIES_INDEX.is_readable(conn)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("served")
    connect(folder / "bulletins.db").conn.close()
    words = ["-m", "crawler", "serve", "--data", str(folder), "--port", "0"]
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split("/  (")[0]
        process.terminate()


def get(address: str, path: str) -> tuple[int, bytes]:
    """Status and body; httpx itself refuses long addresses."""
    host = address.removeprefix("http://").strip("/")
    with closing(HTTPConnection(host, timeout=30)) as connection:
        connection.request("GET", quote(path, safe="/?=&"))
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.mark.parametrize("length", [1001, 10_000, 100_000])
def test_long_queries_are_refused_with_a_reason(address: str, length: int) -> None:
    for path in ("/search.json?q=", "/bulletins/entries.json?_search="):
        status, body = get(address, path + "危" * length)
        assert status == 400
        assert f"最多 1,000 个字符，现有 {length:,} 个" in json.loads(body)["error"]


def test_an_enormous_address_is_refused(address: str) -> None:
    """The HTTP library refuses it or closes the connection; other requests are answered."""
    with suppress(ConnectionError):
        assert get(address, "/search?q=" + "危" * 500_000)[0] == 400
    assert get(address, "/search.json")[0] == 200


@pytest.mark.parametrize("cut", [1, 5, 30, 200, 10_000])
def test_raw_addresses_in_pieces(address: str, cut: int) -> None:
    """Han characters as typed, however the bytes are split into packets."""
    line = f"GET /search.json?q={'危房' * 400} HTTP/1.1\r\n".encode()
    request = line + b"Host: 127.0.0.1\r\nConnection: close\r\n\r\n"
    host, port = address.removeprefix("http://").strip("/").split(":")
    with closing(socket.create_connection((host, int(port)), timeout=30)) as sender:
        sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sender.sendall(request[:cut])
        time.sleep(0.05)
        sender.sendall(request[cut : 2 * cut])
        time.sleep(0.05)
        sender.sendall(request[2 * cut :])
        answer = b"".join(iter(lambda: sender.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert "危房" * 400 in answer.decode()


def test_small_responses_are_sent_at_once() -> None:
    with listen("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP  # what asyncio sets TCP_NODELAY by


@pytest.mark.parametrize(
    ("data", "handed_on"),
    [
        ("GET /x?q=房 HTTP/1.1\r\nA: é\r\n\r\n", "GET /x?q=%E6%88%BF HTTP/1.1\r\nA: é\r\n\r\n"),
        ("GET /x?q=%E6%88%BF HTTP/1.1\r\n\r\n", None),
        ("POST /x?q=房 HTTP/1.1\r\n\r\n房", None),
        ("房 GET", None),
    ],
)
def test_addresses_may_be_typed_as_they_are(data: str, handed_on: str | None) -> None:
    assert escaped(data.encode()) == (handed_on or data).encode()


def test_check_wants_a_database_of_this_version(tmp_path: Path) -> None:
    path = tmp_path / "bulletins.db"
    with pytest.raises(UsageError, match="make demo-data"):
        check(path)
    path.write_bytes(b"no database, but long enough to be looked at by SQLite" * 20)
    with pytest.raises(Damaged, match="bulletins rebuild"):
        check(path)
    path.unlink()
    connect(path).conn.close()
    check(path)
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(Damaged, match="schema 99"):
        check(path)


def test_an_address_in_use_is_reported_in_one_line() -> None:
    with listen("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"^cannot serve at 127\.0\.0\.1:{port} \(.+\): .+$"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("no.such.host.invalid", 0), ("127.0.0.1", 70000)])
def test_an_invalid_address_is_reported_in_one_line(host: str, port: int) -> None:
    with pytest.raises(UsageError, match="choose another address"):
        listen(host, port)


def test_listening_on_all_addresses_of_the_other_family() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with listen("::1", 0) as listening:
        assert listening.family is socket.AF_INET6
