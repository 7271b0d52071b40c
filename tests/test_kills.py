"""SIGKILL at random moments: no finished capture is lost, and the next run completes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from archive.captures.reading import read_captures, recover
from archive.captures.warc import warc_files
from archive.errors import Damaged
from sample import bulletins
from sample.answers import Request, Response
from sample.server import SampleSite, serve
from tests.crawling import NIGHT_1, rows, run, tables

PAGES = 45


def slow_site() -> SampleSite:
    """A site that takes a little time over each page, so that kills fall between them."""
    site = SampleSite("A", [replace(p, column="xwfb") for p in bulletins.on_night(1)[:PAGES]])

    class Slow(dict[str, object]):
        def get(self, key: str, default: object = None) -> object:
            def route(request: Request) -> Response | None:
                time.sleep(0.01)
                return None

            return route if key.startswith("/xwfb/2") else default

    site.routes = Slow()  # type: ignore[assignment]
    return site


def finished(data: Path) -> list[tuple[str, int]]:
    """The whole captures on disk right after a kill."""
    found = []
    for path in warc_files(data / "warc"):
        try:
            for location, _ in read_captures(path):
                found.append((location.file, location.offset))
        except Damaged:
            continue
    return found


def kill_and_go_on(data: Path, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    site = slow_site()
    with serve(site) as base:
        command = ["crawl", "mohurd", "--channel", "xwfb", "--base-url", base, "--delay", "0"]
        kept: set[tuple[str, int]] = set()
        for _ in range(kills):
            process = subprocess.Popen(
                [sys.executable, "-m", "crawler", *command, "--data", str(data)],
                env=os.environ | {"BULLETINS_NOW": NIGHT_1},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            asked = len(site.log)
            # Start-up takes most of a run: wait for the crawl itself, then for a random moment.
            while len(site.log) == asked and process.poll() is None:
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.8))
            process.send_signal(signal.SIGKILL)
            process.wait()
            now = set(finished(data))
            assert kept <= now
            kept = now
        answered = sum(e.status == 200 and e.path.startswith("/xwfb/2") for e in site.log)
        captured = sum("/xwfb/2" in c.url for p in warc_files(data / "warc") for _, c in recover(p))
        # One answer may be on its way at each kill; what was written is never less than that.
        assert captured >= answered - kills
        done = run(*command, "--data", data)
        assert done.returncode == 0, done.stderr
    assert kept <= {
        (str(f), int(str(o))) for f, o in rows(data, "SELECT file, offset FROM captures")
    }
    assert rows(data, "SELECT count(*) FROM bulletins") == [(PAGES,)]
    *cut_off, last = rows(data, "SELECT outcome, message LIKE 'cut off: killed%' FROM crawls")
    assert last == ("good", None)
    assert set(cut_off) <= {("stopped", 1), last}
    assert rows(data, "SELECT max(number) FROM revisions") == [(1,)]
    assert run("verify", "--data", data, "--full").returncode == 0
    before = tables(data)
    assert run("rebuild", "--data", data).returncode == 0
    assert tables(data) == before


@pytest.mark.long
def test_two_kills(tmp_path: Path) -> None:
    kill_and_go_on(tmp_path, kills=2, seed=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_ten_kills(tmp_path: Path, seed: int) -> None:
    kill_and_go_on(tmp_path, kills=10, seed=seed)


@pytest.mark.long
def test_a_torn_record_is_cut_off_and_asked_for_again(tmp_path: Path) -> None:
    site = slow_site()
    with serve(site) as base:
        command = [
            "crawl",
            "mohurd",
            "--channel",
            "xwfb",
            "--base-url",
            base,
            "--delay",
            "0",
            "--data",
            str(tmp_path),
        ]
        assert run(*command).returncode == 0
        [warc] = warc_files(tmp_path / "warc")
        whole = warc.read_bytes()
        # As a kill leaves it: the database does not know the last record, which is torn.
        for file in tmp_path.glob("bulletins.db*"):
            file.unlink()
        warc.write_bytes(whole[:-100])
        assert run("verify", "--data", tmp_path).returncode == 2
        done = run(*command)
    assert done.returncode == 0, done.stderr
    assert "took in" in done.stderr
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(PAGES,)]
    assert run("verify", "--data", tmp_path).returncode == 0
