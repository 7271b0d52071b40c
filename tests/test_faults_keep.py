"""Faults that a year brings: after each, nothing finished is lost and the next run completes."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import pytest

from archive.captures.warc import warc_files
from archive.errors import CannotWrite, Damaged
from archive.storage import backup, rebuild, restore
from archive.storage.store import Store
from archive.storage.verify import problems
from sample import bulletins
from sample.server import SampleSite, serve
from tests.crawling import crawl, rows, run, tables
from tests.test_backup import DAY, contents, pages
from tests.test_kills import slow_site
from tests.test_store import SOURCES, capture, page_html, record

NIGHT_2 = "2026-11-02T18:00:00Z"

# ``bulletins`` that says when it begins its work, so that a kill falls into that.
READY = """
import sys
import archive.storage.backup, archive.storage.restore, archive.storage.rebuild
from crawler.cli import main
print("ready", flush=True)
main(sys.argv[1:])
"""


def cut(words: Sequence[str | Path], after: float | None) -> tuple[float, int]:
    """Run ``bulletins`` and kill it that long after it begins; how long it ran, its exit code."""
    with subprocess.Popen(
        [sys.executable, "-c", READY, *map(str, words)],
        env=os.environ | {"BULLETINS_NOW": NIGHT_2},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        begun = time.monotonic()
        if after is not None:
            time.sleep(after)
            process.send_signal(signal.SIGKILL)
        process.stdout.read()
        code = process.wait()
    return time.monotonic() - begun, code


def is_whole(folder: Path) -> bool:
    return list(problems(folder)) == []


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    folder = tmp_path / "kept"
    folder.mkdir()
    return folder


def archive_of(tmp_path: Path) -> Path:
    """An archive with four WARC files."""
    data = tmp_path / "data"
    for first in range(0, 80, 20):
        pages(data, *range(first, first + 20))
    return data


def kill_backups(tmp_path: Path, kept: Path, kills: int, seed: int) -> None:
    """After each kill a restore brings what was backed up before, or what was to be."""
    data, chance = archive_of(tmp_path), random.Random(seed)
    words = ["backup", "--to", kept, "--data", data]
    took, code = cut(words, None)
    assert code == 0
    for number in range(kills):
        before = tables(data)
        pages(data, 100 + 2 * number, 101 + 2 * number)
        after = tables(data)
        cut(words, chance.uniform(0, took))
        drill = tmp_path / f"drill{number}"
        restore.restore(kept, drill)
        assert tables(drill) in (before, after)
        with Store(drill, SOURCES):
            pass
        assert is_whole(drill)
        backup.back_up(data, kept, date(2026, 11, 3))
        again = tmp_path / f"again{number}"
        restore.restore(kept, again)
        assert tables(again) == after
    assert not list(kept.rglob("*.new*"))
    assert [p.read_bytes() for p in warc_files(kept / "warc")] == [
        p.read_bytes() for p in warc_files(data / "warc")
    ]


def kill_restores(tmp_path: Path, kept: Path, kills: int, seed: int) -> None:
    """A restore that was killed is simply run again."""
    data, chance = archive_of(tmp_path), random.Random(seed)
    backup.back_up(data, kept, DAY)
    took, code = cut(["restore", kept, "--data", tmp_path / "first"], None)
    assert code == 0
    for number in range(kills):
        again = tmp_path / f"again{number}"
        cut(["restore", kept, "--data", again], chance.uniform(0, took))
        finished = (again / "bulletins.db").exists() and not (again / ".restored").exists()
        done = run("restore", kept, "--data", again)
        assert done.returncode == (2 if finished else 0), done.stderr
        assert tables(again) == tables(data)
        assert is_whole(again)
        assert not list(again.glob(".rest*"))


def kill_rebuilds(tmp_path: Path, kills: int, seed: int) -> None:
    """The old database stays until the new one is whole."""
    data, chance = archive_of(tmp_path), random.Random(seed)
    before = tables(data)
    took, code = cut(["rebuild", "--data", data], None)
    assert code == 0
    for _ in range(kills):
        cut(["rebuild", "--data", data], chance.uniform(0, took))
        assert tables(data) == before
        assert is_whole(data)
    assert run("rebuild", "--data", data).returncode == 0
    assert tables(data) == before
    assert not list(data.glob("*.new*"))


def test_one_kill_in_a_backup(tmp_path: Path, kept: Path) -> None:
    kill_backups(tmp_path, kept, 1, seed=1)


@pytest.mark.long
def test_nine_kills_in_backups(tmp_path: Path, kept: Path) -> None:
    kill_backups(tmp_path, kept, 9, seed=2)


@pytest.mark.long
def test_eight_kills_in_restores(tmp_path: Path, kept: Path) -> None:
    kill_restores(tmp_path, kept, 8, seed=3)


@pytest.mark.long
def test_eight_kills_in_rebuilds(tmp_path: Path) -> None:
    kill_rebuilds(tmp_path, 8, seed=4)


# Each step of a backup and of a restore, cut exactly there


class Cut(BaseException):
    """What a kill is to the code: nothing after it runs. Not caught as an error."""


def steps(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> int:
    """How many renames, removals and new folders a piece of work makes."""
    return _cut_at(monkeypatch, work, 10_000)


def _cut_at(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object], at: int) -> int:
    done = 0

    def counted(function: Callable[..., object]) -> Callable[..., object]:
        def step(*args: object, **kwargs: object) -> object:
            nonlocal done
            done += 1
            if done > at:
                raise Cut
            return function(*args, **kwargs)

        return step

    with monkeypatch.context() as patch:
        for name in ("rename", "replace", "unlink", "mkdir", "rmdir"):
            patch.setattr(Path, name, counted(getattr(Path, name)))
        for name in ("rmtree",):
            patch.setattr(shutil, name, counted(getattr(shutil, name)))
        with suppress(Cut):
            work()
    return done


def test_a_restore_that_is_cut_at_any_step_is_run_again(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    pages(data, 1, 2)
    (data / "nightly.toml").touch()
    backup.back_up(data, kept, DAY)
    count = steps(monkeypatch, lambda: restore.restore(kept, tmp_path / "first"))
    assert count > 10
    for at in range(count):
        again = tmp_path / f"again{at}"
        _cut_at(monkeypatch, lambda to=again: restore.restore(kept, to), at)  # type: ignore[misc]
        assert restore.restore(kept, again).captures == 2
        assert tables(again) == tables(data)
        assert (again / "nightly.toml").exists()
        assert not list(again.glob(".rest*"))


def test_a_backup_that_is_cut_at_any_step_leaves_a_good_one(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    pages(data, 1, 2)
    backup.back_up(data, kept, DAY)
    # Of the same day and in the same file: both copies are there already.
    record(data, capture(body=page_html("又一号。")))
    first, day = tmp_path / "first", DAY
    shutil.copytree(kept, first)
    count = steps(monkeypatch, lambda: backup.back_up(data, first, day))
    assert count > 6
    for at in range(count):
        into = Path(shutil.copytree(kept, tmp_path / f"kept{at}"))
        _cut_at(monkeypatch, lambda to=into: backup.back_up(data, to, day), at)  # type: ignore[misc]
        assert restore.restore(into, tmp_path / f"drill{at}").captures in (2, 3)
        assert backup.back_up(data, into, day).captures == 3
        assert restore.restore(into, tmp_path / f"again{at}").captures == 3


# A full disk, by the system's own refusal


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A disk of that many bytes, in memory; skips where this user may not mount one."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(words, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.long
@pytest.mark.parametrize("percent", [1, 30, 60, 85, 95, 99, 300])
def test_a_disk_that_fills_up_in_a_backup_a_restore_or_a_rebuild(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, percent: int
) -> None:
    data = archive_of(tmp_path)
    before = tables(data)
    for module in (backup, restore, rebuild):
        monkeypatch.setattr(module, "require_room", lambda folder, needed: None)
    kept = tmp_path / "kept"
    kept.mkdir()
    backup.back_up(data, kept, DAY)
    whole = sum(len(content) for content in contents(kept).values())
    fits = []
    with small_disk(tmp_path / "disk", whole * percent // 100) as disk:
        try:
            fits.append(backup.back_up(data, disk, DAY).captures)
        except CannotWrite:
            assert not [name for name in contents(disk) if name.startswith("db/")]
    with small_disk(tmp_path / "disk2", whole * percent // 100) as disk:
        try:
            fits.append(restore.restore(kept, disk).captures)
            assert tables(disk) == before
        except CannotWrite:
            assert contents(disk) == {}
    assert fits == ([80, 80] if percent == 300 else [])
    # Disks count in blocks, and an open database needs a little more than its file.
    blocks = sum(-(-len(content) // 4096) for content in contents(data).values()) + 30
    with small_disk(tmp_path / "disk3", 4096 * blocks + whole * percent // 100) as disk:
        shutil.copytree(data, disk, dirs_exist_ok=True)
        try:
            rebuild.rebuild(disk, SOURCES)
            assert percent > 100
        except CannotWrite:
            assert not list(disk.glob("*.new*"))
        assert tables(disk) == before
        assert is_whole(disk)


# A reader that stays


@pytest.mark.long
def test_a_reader_that_holds_the_database_all_night_keeps_nobody_out(
    tmp_path: Path, kept: Path
) -> None:
    data = tmp_path / "data"
    assert crawl(SampleSite("C", bulletins.shown("C", 1)), data).returncode == 0
    reader = sqlite3.connect(data / "bulletins.db", isolation_level=None)
    reader.execute("BEGIN")
    seen = reader.execute("SELECT id, text FROM entries ORDER BY id").fetchall()
    done = crawl(SampleSite("C", bulletins.shown("C", 9)), data, now=NIGHT_2)
    assert done.returncode == 0, done.stderr
    for words in (["backup", "--to", kept], ["rebuild"], ["verify", "--full"]):
        done = run(*words, "--data", data, now=NIGHT_2)
        assert done.returncode == 0, done.stderr
        assert reader.execute("SELECT id, text FROM entries ORDER BY id").fetchall() == seen
    reader.execute("COMMIT")
    now = reader.execute("SELECT id, text FROM entries ORDER BY id").fetchall()
    reader.close()
    assert len(now) > len(seen)
    assert run("restore", kept, "--data", tmp_path / "again").returncode == 0
    assert tables(tmp_path / "again") == tables(data)


@pytest.mark.long
def test_backups_beside_a_crawl_are_each_one_moment(tmp_path: Path, kept: Path) -> None:
    data, site = tmp_path / "data", slow_site()
    with serve(site) as base:
        words = ["crawl", "mohurd", "--channel", "xwfb", "--base-url", base, "--delay", "0"]
        with subprocess.Popen(
            [sys.executable, "-m", "crawler", *words, "--data", str(data)],
            env=os.environ | {"BULLETINS_NOW": NIGHT_2},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            seen = set()
            while len(site.log) < 3 and process.poll() is None:
                time.sleep(0.01)
            while process.poll() is None:
                again = tmp_path / f"again{len(seen)}"
                seen.add(backup.back_up(data, kept, DAY).captures)
                restore.restore(kept, again)
                # What was captured and not committed is in the backup too.
                with Store(again, SOURCES):
                    pass
                assert is_whole(again)
                shutil.rmtree(again)
    assert process.returncode == 0
    backup.back_up(data, kept, DAY)
    restore.restore(kept, tmp_path / "last")
    assert tables(tmp_path / "last") == tables(data)


# A damaged database


def overwrite(data: Path, start: int, size: int) -> bytes:
    """Overwrite a part of the database with noise; what the file is then."""
    for file in data.glob("bulletins.db-*"):
        file.unlink()
    path = data / "bulletins.db"
    raw = bytearray(path.read_bytes())
    raw[start : start + size] = random.Random(start).randbytes(min(size, len(raw) - start))
    path.write_bytes(raw)
    return bytes(raw)


@pytest.mark.parametrize(
    ("start", "size"), [(0, 1 << 30), (0, 50), (4096 * 6, 1 << 30), (4096 * 60, 4096 * 9)]
)
def test_a_database_overwritten_with_noise_is_derived_again_and_kept(
    tmp_path: Path, start: int, size: int
) -> None:
    pages(tmp_path, *range(9))
    before = tables(tmp_path)
    noise = overwrite(tmp_path, start, size)
    said: list[str] = []
    with Store(tmp_path, SOURCES, said.append):
        pass
    assert len(said) == 1
    assert "is damaged (" in said[0]
    assert "deriving it again from the captures" in said[0]
    [aside] = tmp_path.glob("bulletins.db.damaged-*")
    assert aside.read_bytes() == noise
    assert tables(tmp_path) == before
    assert is_whole(tmp_path)
    # A second time, in the same second, keeps the first.
    overwrite(tmp_path, start, size)
    assert rebuild.rebuild(tmp_path, SOURCES) == 9
    assert len(list(tmp_path.glob("bulletins.db.damaged-*"))) == 2
    assert tables(tmp_path) == before


@pytest.mark.long
def test_a_night_on_a_database_of_noise_completes(tmp_path: Path) -> None:
    site = SampleSite("C", bulletins.shown("C", 1))
    assert crawl(site, tmp_path).returncode == 0
    before = tables(tmp_path, ["crawls"])
    # The pages that hold the log of crawls are good, others are not: the log is kept.
    log = rows(tmp_path, "SELECT * FROM crawls")
    size = (tmp_path / "bulletins.db").stat().st_size
    overwrite(tmp_path, size - 4096 * 20, 4096 * 20)
    done = crawl(site, tmp_path, now=NIGHT_2)
    assert done.returncode == 0, done.stderr
    assert "is damaged (" in done.stderr
    assert rows(tmp_path, "SELECT * FROM crawls")[: len(log)] == log
    assert run("verify", "--data", tmp_path).returncode == 0
    overwrite(tmp_path, 0, 1 << 30)
    done = crawl(site, tmp_path, now="2026-11-03T18:00:00Z")
    assert done.returncode == 0, done.stderr
    assert len(rows(tmp_path, "SELECT * FROM crawls")) == len(log)
    assert run("verify", "--data", tmp_path).returncode == 0
    for table in ("bulletins", "revisions", "entries"):
        assert len(tables(tmp_path)[table]) == len(before[table])
    whole = tables(tmp_path)
    assert run("rebuild", "--data", tmp_path).returncode == 0
    assert tables(tmp_path) == whole


# A WARC file cut in its last record


@pytest.mark.parametrize("cut_by", [1, 100, "record"])
def test_a_file_cut_in_a_capture_that_the_database_knows(tmp_path: Path, cut_by: int | str) -> None:
    pages(tmp_path, 1, 2)
    two = tables(tmp_path)
    pages(tmp_path, 3)
    with Store(tmp_path, SOURCES) as store:
        store.warc.rotate_bytes = 1 << 30
    with sqlite3.connect(tmp_path / "bulletins.db") as conn:
        [(length,)] = conn.execute("SELECT length FROM captures WHERE id = 3")
    newest = warc_files(tmp_path / "warc")[-1]
    newest.write_bytes(newest.read_bytes()[: -(length if cut_by == "record" else int(cut_by))])
    said: list[str] = []
    with Store(tmp_path, SOURCES, said.append):
        pass
    assert len(said) == 1
    assert "ends within its last capture, which is asked for again" in said[0]
    assert tables(tmp_path) == two
    [aside] = tmp_path.glob("bulletins.db.damaged-*")
    with sqlite3.connect(aside) as conn:
        assert conn.execute("SELECT count(*) FROM captures").fetchone() == (3,)
    pages(tmp_path, 3)
    assert is_whole(tmp_path)
    whole = tables(tmp_path)
    assert rebuild.rebuild(tmp_path, SOURCES) == 3
    assert tables(tmp_path) == whole


def test_nothing_is_appended_where_more_than_one_capture_is_missing(tmp_path: Path) -> None:
    pages(tmp_path, 1, 2, 3)
    [warc] = warc_files(tmp_path / "warc")
    cut_short = warc.read_bytes()[: len(warc.read_bytes()) // 2]
    before = tables(tmp_path)
    for harm in (lambda: warc.write_bytes(cut_short), warc.unlink):
        harm()
        with pytest.raises(Damaged, match="restore the file from a backup before the next crawl"):
            Store(tmp_path, SOURCES)
        assert tables(tmp_path) == before
        assert not warc.exists() or warc.read_bytes() == cut_short


# A clock that is wrong


@pytest.mark.long
def test_a_clock_set_back_a_day_and_ahead_a_year(tmp_path: Path, kept: Path) -> None:
    data = tmp_path / "data"
    nights = {
        "2026-11-01T18:00:00Z": 1,
        "2026-10-31T18:00:00Z": 2,
        "2027-11-02T18:00:00Z": 3,
        "2026-11-03T18:00:00Z": 4,
        "2026-11-04T18:00:00Z": 5,
    }
    finished: dict[str, set[tuple[object, ...]]] = {"captures": set(), "revisions": set()}
    for at, night in nights.items():
        done = crawl(SampleSite("C", bulletins.shown("C", night)), data, now=at)
        assert done.returncode == 0, done.stderr
        done = run("verify", "--data", data, "--full", now=at)
        assert done.returncode == 0, done.stderr
        done = run("backup", "--to", kept, "--data", data, now=at)
        assert done.returncode == 0, done.stderr
        for table, before in finished.items():
            now = set(rows(data, f"SELECT * FROM {table}"))
            assert before <= now
            finished[table] = now
    before = tables(data)
    assert run("rebuild", "--data", data).returncode == 0
    assert tables(data) == before
    # Whatever the clocks said, the backup that was made last is the one that is restored.
    assert run("restore", kept, "--data", tmp_path / "again").returncode == 0
    assert tables(tmp_path / "again") == before
