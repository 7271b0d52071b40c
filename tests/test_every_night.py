"""The schedule of our own: nights by a simulated clock, and the real program told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.clock import CHINA
from crawler import every_night, schedule
from crawler.every_night import EveryNight, is_missed, next_night
from sample.server import serve
from tests.crawling import crawl
from tests.test_nightly import site_until
from tests.test_nights_told import own_source

# 02:30 in China.
NIGHT = datetime(2026, 11, 1, 18, 30, tzinfo=UTC)


@given(
    st.datetimes(
        min_value=datetime(2000, 1, 1),  # noqa: DTZ001 (the zone is the next argument's)
        max_value=datetime(2100, 1, 1),  # noqa: DTZ001
        timezones=st.sampled_from([UTC, CHINA]),
    )
)
def test_the_next_night_is_half_past_two_in_china_and_less_than_a_day_ahead(
    instant: datetime,
) -> None:
    night = next_night(instant)
    local = night.astimezone(CHINA)
    assert (local.hour, local.minute, local.second) == (2, 30, 0)
    assert timedelta(0) < night - instant <= timedelta(days=1)


@dataclass
class Simulated:
    """A clock that only waiting moves on; at ``jumps[0]`` it is set to ``jumps[1]``, once."""

    now: datetime
    jumps: tuple[datetime, datetime] | None = None

    def clock(self) -> datetime:
        return self.now

    def wait(self, stop: Event, seconds: float) -> None:
        assert 0 < seconds <= 60
        self.now += timedelta(seconds=seconds)
        if self.jumps and self.now >= self.jumps[0]:
            self.now, self.jumps = self.jumps[1], None


def nights_of(
    folder: Path, simulated: Simulated, *delays: float
) -> tuple[list[datetime], list[str]]:
    """When nights began, as many as delays are named; each is a real process.

    Nothing was ever crawled in the folder, so that one more begins at once.
    """
    log, choose = folder / "log", iter(delays)
    began: list[datetime] = []
    said: list[str] = []

    class Counted(EveryNight):
        def _run_night(self) -> None:
            began.append(simulated.now)
            super()._run_night()
            if len(began) > len(delays):
                self.end()

    begin = simulated.now
    Counted(
        ["sh", "-c", f"echo night >> {log}"],
        folder / "data",
        said.append,
        clock=simulated.clock,
        wait=simulated.wait,
        delay=lambda: next(choose),
    ).run()
    assert log.read_text().splitlines() == ["night"] * len(began)
    assert began.pop(0) == begin
    return began, said


def test_a_night_a_day_each_a_random_while_after_half_past_two(tmp_path: Path) -> None:
    began, said = nights_of(tmp_path, Simulated(NIGHT - timedelta(hours=5)), 0, 1234, 3600)
    assert began == [
        NIGHT,
        NIGHT + timedelta(days=1, seconds=1234),
        NIGHT + timedelta(days=2, seconds=3600),
    ]
    assert said == [
        "the next night begins at 2026-11-02 02:30 in China",
        "the next night begins at 2026-11-03 02:50 in China",
        "the next night begins at 2026-11-04 03:30 in China",
    ]


def test_a_clock_that_is_set_ahead_a_year_makes_one_night(tmp_path: Path) -> None:
    ahead = NIGHT + timedelta(days=365, hours=5)
    jumps = (NIGHT - timedelta(hours=1), ahead)
    began, _ = nights_of(tmp_path, Simulated(NIGHT - timedelta(hours=5), jumps), 0, 0)
    assert began == [ahead, NIGHT + timedelta(days=366)]


def test_a_clock_that_is_set_back_loses_no_night(tmp_path: Path) -> None:
    back = NIGHT - timedelta(days=30, hours=3)
    jumps = (NIGHT - timedelta(hours=1), back)
    began, _ = nights_of(tmp_path, Simulated(NIGHT - timedelta(hours=5), jumps), 0, 0)
    # What was waited for is a month ahead: the latest time of the first night counts.
    first = NIGHT - timedelta(days=30) + timedelta(seconds=schedule.RANDOM_SECONDS)
    assert began == [first, NIGHT - timedelta(days=29)]


@pytest.mark.long
def test_a_night_is_missed_where_none_began_since_the_last_half_past_two(tmp_path: Path) -> None:
    assert is_missed(tmp_path, NIGHT)
    done = crawl(site_until(NIGHT.date(), 1), tmp_path, now="2026-11-01T18:00:00Z")
    assert done.returncode in (0, 3)
    assert not is_missed(tmp_path, NIGHT - timedelta(minutes=1))
    assert is_missed(tmp_path, NIGHT)
    (tmp_path / "bulletins.db").write_bytes(b"noise" * 1000)
    assert is_missed(tmp_path, NIGHT)


@pytest.mark.long
def test_a_night_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(every_night, "LONGEST_NIGHT", timedelta(seconds=0.5))
    monkeypatch.setattr(every_night, "_STOP_SECONDS", 0.3)
    said: list[str] = []
    for command in ("exec sleep 50", "trap '' TERM; while :; do sleep 0.1; done"):
        nights = EveryNight(["sh", "-c", command], tmp_path, said.append)
        nights._run_night()
    assert said == ["the night is ended: not done in 0:00:00.500000"] * 2


def started(data: Path, *words: str, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "crawler", "schedule", "run", "--data", str(data), *words],
        env=os.environ | {"BULLETINS_CONTACT": "", "BULLETINS_NOW": ""} | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def line_of(running: subprocess.Popen[str]) -> str:
    assert running.stderr is not None
    return running.stderr.readline()


@pytest.mark.long
def test_the_real_program_makes_up_a_missed_night_and_ends_when_it_is_told_to(
    tmp_path: Path,
) -> None:
    """The night refuses, since no contact is set; the schedule goes on all the same."""
    with started(tmp_path / "data") as running:
        assert line_of(running).startswith("bulletins: set BULLETINS_CONTACT")
        assert line_of(running).startswith("the next night begins at ")
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=20) == 0


@pytest.mark.long
def test_a_night_that_is_running_is_told_to_stop_too(tmp_path: Path) -> None:
    site = site_until(NIGHT.date(), 1)
    site.routes["/xwfb/index.html"] = replace(site.answer("/xwfb/index.html"), delay=6)
    data = tmp_path / "data"
    own_source(data)
    with serve(site) as base:
        running = started(data, "--", "--base-url", base, "--delay", "0")
        while not (data / "bulletins.db").exists():
            assert running.poll() is None
            time.sleep(0.05)
        time.sleep(1)
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 0
    assert "stopped by a signal" in said
    assert "the next night" not in said


@pytest.mark.long
def test_options_after_the_dashes_are_those_of_the_night(tmp_path: Path) -> None:
    with started(tmp_path, "--", "--no-such-option") as running:
        assert "No such option" in "".join(line_of(running) for _ in range(4))
        running.terminate()
        assert running.wait(timeout=20) == 0
