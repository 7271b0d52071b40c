"""The schedule: real unit files and a real crontab line, written through stand-in programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crawler import schedule
from tests.crawling import run

SYSTEMCTL = """#!/bin/sh
echo "$@" >> "$HOME/systemctl.log"
"""
NO_SYSTEMD = """#!/bin/sh
exit 1
"""
CRONTAB = """#!/bin/sh
if [ "$1" = "-l" ]; then cat "$HOME/crontab" 2>/dev/null || exit 1; else cat > "$HOME/crontab"; fi
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    return tmp_path


def program(home: Path, name: str, text: str) -> None:
    path = home / "bin" / name
    path.write_text(text)
    path.chmod(0o755)


def schedule_(home: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    python = Path(sys.executable).parent
    return run(
        "schedule",
        *words,
        HOME=str(home),
        XDG_CONFIG_HOME=str(home / ".config"),
        PATH=f"{home / 'bin'}:{python}:/usr/bin:/bin"
        if not env.pop("BARE", None)
        else str(home / "bin"),
        **{"BULLETINS_CONTACT": "who@example.org", **env},
    )


def test_systemd_timer(home: Path) -> None:
    program(home, "systemctl", SYSTEMCTL)
    done = schedule_(home, "install", "--data", str(home / "my data"))
    assert done.returncode == 0, done.stderr
    folder = home / ".config" / "systemd" / "user"
    timer = (folder / "bulletins-nightly.timer").read_text()
    service = (folder / "bulletins-nightly.service").read_text()
    assert "OnCalendar=*-*-* 02:30:00 Asia/Shanghai" in timer
    assert "RandomizedDelaySec=3600" in timer
    assert f'"{home / "my data"}"' in service
    assert "BULLETINS_CONTACT=who@example.org" in service
    assert "enable --now bulletins-nightly.timer" in (home / "systemctl.log").read_text()
    assert "02:30:00 Asia/Shanghai" in schedule_(home, "show").stdout
    assert schedule_(home, "remove").returncode == 0
    assert list(folder.iterdir()) == []
    assert schedule_(home, "remove").returncode == 2


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_units_are_what_systemd_reads(home: Path) -> None:
    for name, text in schedule.units(home / "data").items():
        (home / name).write_text(text)
    for name in ("bulletins-nightly.timer", "bulletins-nightly.service"):
        done = subprocess.run(
            ["systemd-analyze", "verify", "--user", str(home / name)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"SYSTEMD_UNIT_PATH": f"{home}:", "XDG_RUNTIME_DIR": str(home)},
        )
        complaints = [line for line in done.stderr.splitlines() if "bulletins" in line]
        assert complaints == []


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "UTC", "America/New_York"])
def test_crontab_where_there_is_no_systemd(home: Path, zone: str) -> None:
    program(home, "systemctl", NO_SYSTEMD)
    program(home, "crontab", CRONTAB)
    (home / "crontab").write_text("0 5 * * * mine\n")
    done = schedule_(home, "install", "--data", str(home / "data"), TZ=zone)
    assert done.returncode == 0, done.stderr
    mine, line = (home / "crontab").read_text().splitlines()
    assert mine == "0 5 * * * mine"
    hours = {"Asia/Shanghai": "2", "UTC": "18", "America/New_York": "13"}
    assert line.startswith(f"30 {hours[zone]} * * * cd ")
    assert line.endswith("# bulletins-nightly")
    assert "--random-delay 3600" in line
    again = schedule_(home, "install", "--data", str(home / "data"), TZ=zone)
    assert again.returncode == 0
    assert (home / "crontab").read_text().splitlines() == [mine, line]
    assert line in schedule_(home, "show").stdout
    assert schedule_(home, "remove").returncode == 0
    assert (home / "crontab").read_text() == "0 5 * * * mine\n"


def test_neither_systemd_nor_cron_prints_the_line(home: Path) -> None:
    done = schedule_(home, "install", BARE="1")
    assert done.returncode == 2
    assert "have your own scheduler run" in done.stderr
    assert "30 " in done.stderr


def test_no_contact_no_schedule(home: Path) -> None:
    done = schedule_(home, "install", BULLETINS_CONTACT="")
    assert done.returncode == 2
    assert "BULLETINS_CONTACT" in done.stderr


@pytest.mark.parametrize("systemd", [True, False])
def test_a_folder_that_would_be_a_line_of_its_own_is_refused(home: Path, systemd: bool) -> None:
    program(home, "systemctl", SYSTEMCTL if systemd else NO_SYSTEMD)
    program(home, "crontab", CRONTAB)
    done = schedule_(home, "install", "--data", "a\n* * * * * b")
    assert done.returncode == 2
    assert "one line" in done.stderr
    assert not (home / "crontab").exists()
    assert not list(home.rglob("*.service"))


def run_line(home: Path, line: str) -> subprocess.CompletedProcess[str]:
    """Run a crontab line as cron does: its command by sh, after ``\\%`` has become ``%``."""
    command = line.split(maxsplit=5)[5].replace("\\%", "%")
    return subprocess.run(
        ["sh", "-c", command],
        cwd=home,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_crontab_line_runs_on_a_fresh_checkout(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has made the data folder yet, and its name has what a shell and cron trip over."""
    data = home / "100% $new 'data'"
    program(home, "bulletins", '#!/bin/sh\necho "$BULLETINS_CONTACT: $*; from $(pwd)"\n')
    monkeypatch.setattr(sys, "executable", str(home / "bin" / "python"))
    monkeypatch.setenv("BULLETINS_CONTACT", "50% <who@example.org>")
    monkeypatch.chdir(home)
    done = run_line(home, schedule.cron_line(data))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (data / "nightly.log").read_text() == (
        f"50% <who@example.org>: nightly --data {data} --random-delay 3600; from {home}\n"
    )


def test_the_crontab_line_runs_the_real_program(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets as far as the program's own refusal, since no contact is set: nothing is crawled."""
    monkeypatch.setattr(schedule, "RANDOM_SECONDS", 0)
    monkeypatch.setenv("BULLETINS_CONTACT", "")
    data = home / "data"
    done = run_line(home, schedule.cron_line(data))
    assert done.returncode == 2, done.stderr
    assert "set BULLETINS_CONTACT" in (data / "nightly.log").read_text()
