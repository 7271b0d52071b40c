"""The schedule: a systemd user timer, or a crontab line on machines without systemd."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from datetime import datetime, time, timedelta
from pathlib import Path

from archive.clock import CHINA, now
from archive.errors import CannotWrite, UsageError

NAME = "bulletins-nightly"
# When ministries' servers and their readers sleep; up to an hour later, so that archives with
# the same schedule do not ask at the same minute.
NIGHT = time(2, 30)
RANDOM_SECONDS = 3600
# A night that takes longer hangs; the next one would find the folder locked.
LONGEST_NIGHT = timedelta(hours=8)

SERVICE = """\
[Unit]
Description=Crawl the ministries' bulletins
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory={folder}
Environment={environment}
ExecStart={command}
TimeoutStartSec={longest}s
Nice=10
"""
TIMER = f"""\
[Unit]
Description=Crawl the ministries' bulletins every night

[Timer]
OnCalendar=*-*-* {NIGHT:%H:%M}:00 Asia/Shanghai
RandomizedDelaySec={RANDOM_SECONDS}
Persistent=true

[Install]
WantedBy=timers.target
"""


def units(data: Path) -> dict[str, str]:
    """The two unit files by name, for a data folder."""
    contact = os.environ.get("BULLETINS_CONTACT", "")
    return {
        f"{NAME}.service": SERVICE.format(
            folder=str(Path.cwd()).replace("%", "%%"),
            longest=int(LONGEST_NIGHT.total_seconds()),
            environment=_systemd_quote(f"BULLETINS_CONTACT={contact}"),
            # A dollar has a meaning only in commands.
            command=" ".join(
                _systemd_quote(word).replace("$", "$$") for word in nightly_command(data)
            ),
        ),
        f"{NAME}.timer": TIMER,
    }


def cron_line(data: Path) -> str:
    """The crontab line: the night in China as this machine's clock shows it today.

    It makes the data folder, since the shell opens the log there before anything runs.
    """
    night = datetime.combine(now().astimezone(CHINA).date(), NIGHT, tzinfo=CHINA).astimezone()
    folder, log = shlex.quote(str(data)), shlex.quote(str(data / "nightly.log"))
    words = [*nightly_command(data), "--random-delay", str(RANDOM_SECONDS)]
    contact = shlex.quote(os.environ.get("BULLETINS_CONTACT", ""))
    line = (
        f"{night.minute} {night.hour} * * * cd {shlex.quote(str(Path.cwd()))} && "
        f"mkdir -p {folder} && BULLETINS_CONTACT={contact} {shlex.join(words)} >> {log} 2>&1 "
        f"# {NAME}"
    )
    # In a crontab a bare % is a line end.
    return line.replace("%", "\\%")


def install(data: Path) -> str:
    """Install the schedule and say how; raises UsageError, CannotWrite."""
    if not os.environ.get("BULLETINS_CONTACT", "").strip().isprintable():
        raise UsageError("BULLETINS_CONTACT must be one line")
    if not os.environ.get("BULLETINS_CONTACT", "").strip():
        raise UsageError(
            "set BULLETINS_CONTACT to your e-mail or web address first: the nightly run tells the "
            "ministries who asks"
        )
    data = data.absolute()
    if not f"{data}{Path.cwd()}".isprintable():
        raise UsageError(
            f"the schedule cannot name {str(data)!r}: choose a folder whose path is one line"
        )
    if _has_systemd():
        folder = _unit_folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in units(data).items():
                (folder / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise CannotWrite(f"cannot write {folder}: {error.strerror}") from error
        _run("systemctl", "--user", "daemon-reload")
        _run("systemctl", "--user", "enable", "--now", f"{NAME}.timer")
        return (
            f"{NAME}.timer runs every night at {NIGHT:%H:%M} in China, up to an hour later. For it "
            "to run while you are logged out: loginctl enable-linger"
        )
    _write_crontab([*_other_lines(), cron_line(data)])
    return f"no systemd here: the crontab has a line for {NAME}"


def show() -> str:
    """What is installed, as text."""
    timer = _unit_folder() / f"{NAME}.timer"
    if timer.is_file():
        state = ""
        if _has_systemd():
            state = _run("systemctl", "--user", "list-timers", "--no-pager", f"{NAME}.timer")
        return f"{timer}\n{timer.read_text(encoding='utf-8')}{state}".rstrip()
    mine = [line for line in _crontab() if line.endswith(f"# {NAME}")]
    return "\n".join(mine) or "no schedule is installed: `bulletins schedule install`"


def remove() -> str:
    """Take the schedule away, wherever it is; raises UsageError if nothing is installed."""
    done = []
    folder = _unit_folder()
    if (folder / f"{NAME}.timer").is_file():
        if _has_systemd():
            _run("systemctl", "--user", "disable", "--now", f"{NAME}.timer")
        for name in (f"{NAME}.timer", f"{NAME}.service"):
            (folder / name).unlink(missing_ok=True)
        done.append(f"{NAME}.timer")
    others = _other_lines()
    if len(others) < len(_crontab()):
        _write_crontab(others)
        done.append("the crontab line")
    if not done:
        raise UsageError("no schedule is installed")
    return f"removed {' and '.join(done)}"


def nightly_command(data: Path) -> list[str]:
    """The words that run a night of a data folder with the program that is running now."""
    return [str(Path(sys.executable).parent / "bulletins"), "nightly", "--data", str(data)]


def _systemd_quote(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _unit_folder() -> Path:
    config = os.environ.get("XDG_CONFIG_HOME")
    return (Path(config) if config else Path.home() / ".config") / "systemd" / "user"


def _has_systemd() -> bool:
    if shutil.which("systemctl") is None:
        return False
    asked = subprocess.run(
        ["systemctl", "--user", "show-environment"], capture_output=True, check=False
    )
    return asked.returncode == 0


def _crontab() -> list[str]:
    if shutil.which("crontab") is None:
        return []
    listed = subprocess.run(["crontab", "-l"], capture_output=True, text=True, check=False)
    return listed.stdout.splitlines() if listed.returncode == 0 else []


def _other_lines() -> list[str]:
    return [line for line in _crontab() if not line.endswith(f"# {NAME}")]


def _write_crontab(lines: list[str]) -> None:
    if shutil.which("crontab") is None:
        raise UsageError(
            "neither systemd nor cron is here; have your own scheduler run this each night:\n"
            + "\n".join(lines)
        )
    _run("crontab", "-", given="".join(f"{line}\n" for line in lines))


def _run(*command: str, given: str | None = None) -> str:
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotWrite(f"`{shlex.join(command)}` failed: {done.stderr.strip()}")
    return done.stdout
