"""Captures reach the disk whole, and before the database knows of them."""

from __future__ import annotations

import errno
import os
import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from archive.captures.reading import read_captures
from archive.captures.warc import warc_files
from archive.captures.writing import WarcWriter
from archive.errors import CannotWrite
from archive.storage.rebuild import rebuild
from archive.storage.store import Store
from tests.crawling import tables
from tests.test_store import SOURCES, capture, page_html, record
from tests.test_warc import capture as sample_capture


@pytest.mark.parametrize("count", [1, 250])
def test_every_commit_comes_after_a_flush_of_all_captures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Seen from outside: real calls of fsync on the real file, and SQLite's own trace."""
    flushed: list[int] = [0]
    commits: list[tuple[int, int]] = []
    fsync = os.fsync

    def noted_fsync(descriptor: int) -> None:
        fsync(descriptor)
        now = os.fstat(descriptor)
        if any(os.path.samestat(now, path.stat()) for path in warc_files(tmp_path / "warc")):
            flushed.append(now.st_size)

    def traced(sql: str) -> None:
        if sql.strip().upper().startswith("COMMIT"):
            [path] = warc_files(tmp_path / "warc")
            commits.append((flushed[-1], path.stat().st_size))

    monkeypatch.setattr(os, "fsync", noted_fsync)
    with Store(tmp_path, SOURCES) as store:
        store.database.conn.set_trace_callback(traced)
        for number in range(count):
            store.record(capture(body=page_html(f"第{number}号。")))
    # A batch may be committed on the way; the last commit is that of the closing store.
    assert len(commits) > count // 200
    for on_disk, written in commits:
        assert on_disk == written > 0


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let no file of this process grow past a size, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [1, 1000, 50_000])
def test_a_record_that_does_not_fit_on_the_disk_leaves_no_half(tmp_path: Path, room: int) -> None:
    writer = WarcWriter(tmp_path)
    writer.append(sample_capture(1))
    [path] = warc_files(tmp_path)
    before = path.read_bytes()
    large = sample_capture(2, body=random.Random(1).randbytes(100_000))
    with room_for(len(before) + room), pytest.raises(CannotWrite, match="check the folder"):
        writer.append(large)
    assert path.read_bytes() == before
    # The same writer goes on where it was, once there is room.
    writer.append(large)
    writer.append(sample_capture(3))
    writer.close()
    assert [one.body for _, one in read_captures(path)] == [
        sample_capture(1).body,
        large.body,
        sample_capture(3).body,
    ]


@pytest.mark.parametrize("room", [50_000, 900_000])
def test_a_disk_that_fills_while_deriving_leaves_the_old_database(
    tmp_path: Path, room: int
) -> None:
    """It is full as the new file is created, or later; nothing of that file stays."""
    record(tmp_path, capture(body=page_html("甲。" * 200_000)))
    before = tables(tmp_path)
    with room_for(room), pytest.raises(CannotWrite, match="check the folder"):
        rebuild(tmp_path, SOURCES)
    assert list(tmp_path.glob("*.new*")) == []
    assert tables(tmp_path) == before


def test_a_disk_that_cannot_flush_is_one_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Store(tmp_path, SOURCES) as store:
        store.record(capture(body=page_html("甲。")))
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(
            CannotWrite, match=r"000001\.warc\.gz: No space left on device; check the folder"
        ):
            store.commit()
        monkeypatch.undo()
    with Store(tmp_path, SOURCES) as store:
        assert store.recovered == 1
