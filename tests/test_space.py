"""Disk space is looked at first, and a crawl stops before the disk is full."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from archive.captures.warc import Capture
from archive.errors import CannotWrite
from archive.storage import space
from archive.storage.rebuild import rebuild
from archive.storage.space import (
    LEAST_BYTES,
    NIGHT_BYTES,
    in_units,
    needed_for_a_night,
    require_room,
    room,
)
from archive.storage.store import Store
from archive.storage.verify import problems
from sample import bulletins
from sample.server import SampleSite, serve
from tests.crawling import NIGHT_1, rows, run, tables
from tests.test_backup import left
from tests.test_store import HOME, SOURCES, capture, page_html, record


def test_the_room_is_what_the_system_lets_a_user_write(tmp_path: Path) -> None:
    seen = os.statvfs(tmp_path)
    # Others write to the same disk.
    assert abs(room(tmp_path) - seen.f_bavail * seen.f_frsize) < 1_000_000_000
    assert abs(room(tmp_path / "not" / "there") - room(tmp_path)) < 1_000_000_000


def test_one_byte_too_little_is_too_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with left(monkeypatch, 1_500_000_000):
        require_room(tmp_path, 1_500_000_000)
        with pytest.raises(CannotWrite, match=r"has 1.5 GB left and 1.5 GB are needed: make room"):
            require_room(tmp_path, 1_500_000_001)


def test_a_disk_that_does_not_answer_is_one_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stale(path: Path) -> None:
        raise OSError(116, "Stale file handle")

    monkeypatch.setattr(space.shutil, "disk_usage", stale)
    with pytest.raises(CannotWrite, match="Stale file handle; check the disk"):
        room(tmp_path)


def test_a_night_needs_a_gigabyte_or_twice_the_largest_of_the_last_month(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BULLETINS_NOW", "2026-11-25T18:00:00Z")
    assert needed_for_a_night(tmp_path) == NIGHT_BYTES
    # 17:00 and 23:00 UTC are one night in China, 15:00 UTC is the day before.
    for number, at in enumerate(("10-01T18", "11-10T15", "11-10T17", "11-10T23", "11-20T18")):
        address = f"{HOME}/xwfb/202005/t20200529_{number}.html"
        record(tmp_path, capture(address, page_html(f"第{number}号。"), at=f"2026-{at}:00:00Z"))
    assert needed_for_a_night(tmp_path) == NIGHT_BYTES
    with closing(sqlite3.connect(tmp_path / "bulletins.db", isolation_level=None)) as conn:
        for number, size in enumerate((9_000, 5_000, 600, 700, 1_200), 1):
            conn.execute("UPDATE captures SET length = ? WHERE id = ?", (size * 10**6, number))
        assert needed_for_a_night(tmp_path) == 2 * 5_000_000_000
        conn.execute("UPDATE captures SET length = 1 WHERE id = 2")
    assert needed_for_a_night(tmp_path) == 2 * 1_300_000_000
    for file in tmp_path.glob("bulletins.db*"):
        file.write_bytes(b"noise" * 5000)
    assert needed_for_a_night(tmp_path) == NIGHT_BYTES


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (1_540_000, "1.5 MB"),
        (2_000_000_000, "2 GB"),
        (30_000_000_000, "30 GB"),
    ],
)
def test_bytes_for_a_person(count: int, words: str) -> None:
    assert in_units(count) == words


def test_a_crawl_stops_before_the_disk_is_full_and_keeps_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with left(monkeypatch, LEAST_BYTES), Store(tmp_path, SOURCES) as store:
        store.record(capture(body=page_html("甲。")))
    with Store(tmp_path, SOURCES) as store:
        store.record(capture(body=page_html("乙。")))
        with left(monkeypatch, LEAST_BYTES - 1):
            for _ in range(2):
                with pytest.raises(CannotWrite, match="200 MB are needed: make room"):
                    store.record(capture(body=page_html("丙。")))
        # What came before is committed, and the store can still be written to the end.
        assert rows(tmp_path, "SELECT count(*) FROM revisions") == [(2,)]
    assert list(problems(tmp_path)) == []


def test_no_database_is_derived_where_it_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(tmp_path, capture(body=page_html("甲。")))
    before, size = tables(tmp_path), (tmp_path / "bulletins.db").stat().st_size
    with left(monkeypatch, 2 * size - 1), pytest.raises(CannotWrite, match="make room"):
        rebuild(tmp_path, SOURCES)
    with left(monkeypatch, 2 * size):
        rebuild(tmp_path, SOURCES)
    assert tables(tmp_path) == before


def record_all(folder: Path, captures: Iterable[Capture]) -> None:
    """Record captures, each in an opening of its own."""
    for one in captures:
        record(folder, one)


FULL_AFTER = """
import shutil, sys
from archive.storage import space
real, asked = shutil.disk_usage, 0
def usage(path):
    global asked
    asked += 1
    found = real(path)
    return found._replace(free=1) if asked > int(sys.argv[1]) else found
space.shutil.disk_usage = usage
from crawler.cli import main
main(sys.argv[2:])
"""


def crawl_until_full(base: str, data: Path, answers: int) -> tuple[int, str]:
    """A crawl whose disk is full after so many looks at it; its exit code and what it said."""
    words = ["crawl", "mohurd", "--base-url", base, "--delay", "0", "--data", str(data)]
    done = subprocess.run(
        [sys.executable, "-c", FULL_AFTER, str(answers), *words],
        env=os.environ | {"BULLETINS_NOW": NIGHT_1},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stderr


def test_a_crawl_that_stopped_for_lack_of_room_says_so_in_its_rows(tmp_path: Path) -> None:
    with serve(SampleSite("C", bulletins.shown("C", 1))) as base:
        code, said = crawl_until_full(base, tmp_path, 4)
    assert code == 7, said
    found = rows(tmp_path, "SELECT outcome, message, finished_at FROM crawls")
    assert len(found) > 1
    for outcome, message, ended in found:
        assert (outcome, ended) == ("stopped", NIGHT_1)
        assert "200 MB are needed: make room" in str(message)


@pytest.mark.long
def test_a_crawl_on_a_disk_that_fills_exits_with_7_and_the_next_one_completes(
    tmp_path: Path,
) -> None:
    site = SampleSite("C", bulletins.shown("C", 1))
    with serve(site) as base:
        words = ["crawl", "mohurd", "--base-url", base, "--delay", "0", "--data", str(tmp_path)]
        code, said = crawl_until_full(base, tmp_path, 30)
        assert code == 7, said
        assert said.count("make room") == 1
        assert "Traceback" not in said
        kept = rows(tmp_path, "SELECT id, url, file, offset FROM captures")
        assert len(kept) == 30
        assert run("verify", "--data", tmp_path).returncode == 0
        done = run(*words)
    assert done.returncode == 0, done.stderr
    assert rows(tmp_path, "SELECT id, url, file, offset FROM captures")[:30] == kept
    whole = tables(tmp_path)
    assert run("rebuild", "--data", tmp_path).returncode == 0
    assert tables(tmp_path) == whole


@pytest.mark.long
@pytest.mark.skipif(shutil.which("mount") is None or os.geteuid() != 0, reason="mounts a disk")
def test_a_real_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four megabytes of memory: the system's own numbers, and its own refusal."""
    disk = tmp_path / "disk"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    if subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        assert room(disk) <= 4 * 1024 * 1024
        with pytest.raises(CannotWrite, match="MB left and 200 MB are needed"):
            record(disk, capture(body=page_html("甲。")))
        monkeypatch.setattr("archive.storage.store.LEAST_BYTES", 0)
        many = (
            capture(f"{HOME}/xwfb/202005/t20200529_{n}.html", page_html(os.urandom(20_000).hex()))
            for n in range(500)
        )
        with pytest.raises(CannotWrite, match=r"No space left|disk is full"):
            record_all(disk, many)
        assert rows(disk, "SELECT count(*) FROM captures")[0] > (5,)
        copy = Path(shutil.copytree(disk, tmp_path / "copy"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    with Store(copy, SOURCES):
        pass
    assert list(problems(copy)) == []
