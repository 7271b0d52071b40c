"""Faults of the program in a night: one line, the traceback kept, somebody told, the rest done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.captures.reading import recover
from archive.captures.warc import Capture
from archive.storage.store import Store
from crawler import nightly as night
from crawler import telling, told
from crawler.crawl import CrawlOptions
from crawler.messengers import CommandMessenger, Message
from crawler.nightly_settings import NightSettings, Webhook
from sample.server import serve
from tests.receivers import hook
from tests.test_nights_told import NIGHT, own_source, small_site
from tests.test_store import HOME, SOURCES, capture, page_html

pytestmark = pytest.mark.usefixtures("one_clock")


@pytest.fixture
def one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BULLETINS_NOW", NIGHT.format(1))


def broken(*words: object, **named: object) -> Iterator[str]:
    """A function of ours with a mistake in it, which shows when it is called."""
    raise KeyError("a mistake\n of ours")


def one_night(folder: Path, settings: NightSettings) -> tuple[night.NightReport, list[str]]:
    """A night whose crawl brings nothing, of an archive of one page; what it said."""
    said: list[str] = []
    options = CrawlOptions(folder, base_url="http://127.0.0.1:1", delay=0, nightly=True)
    return night.nightly(lambda: SOURCES, options, settings, said.append), said


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with Store(tmp_path / "data", SOURCES) as store:
        store.record(capture(f"{HOME}/xwfb/202005/t20200529_1.html", page_html("第1号。")))
    monkeypatch.setattr(night, "crawl", lambda *words: [])
    (tmp_path / "backup").mkdir()
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("step", "verified", "backed_up"),
    [
        ("readable_secrets", True, True),
        ("choose", True, True),
        ("crawl", True, True),
        ("tonight", False, True),
        ("problems", False, True),
        ("back_up", True, False),
        ("statuses", True, True),
        ("_sentence", True, True),
    ],
)
def test_a_fault_in_any_step_is_a_line_and_told_and_the_other_steps_are_done(
    archive: Path, monkeypatch: pytest.MonkeyPatch, step: str, verified: bool, backed_up: bool
) -> None:
    backup = archive.parent / "backup"
    with hook() as web:
        settings = NightSettings(backup=backup, webhook=Webhook(web.base, None))
        with monkeypatch.context() as patched:
            patched.setattr(night, step, broken)
            report, said = one_night(archive, settings)
        assert said == []
        assert report.exit_code == 1
        [line] = [line for line in report.summary.splitlines() if "a fault of the program" in line]
        assert "KeyError: 'a mistake\\n of ours'" in line
        assert line.endswith(f"please report it, the traceback is in {archive / 'faults.log'}")
        assert ("verified part" in report.summary) == verified
        assert ("1 database kept" in report.summary) == backed_up
        kept = (archive / "faults.log").read_text(encoding="utf-8")
        assert kept.startswith("2026-11-01T18:00:00Z\nTraceback")
        assert "in broken\n" in kept
        assert (archive / "faults.log").stat().st_mode & 0o077 == 0
        # The next night is as it should be; that the program had a fault is over then.
        report, said = one_night(archive, settings)
        assert report.exit_code != 1
    found = [json.loads(got.body) for got in web.got]
    kinds = [(each["state"], {one["kind"] for one in each["troubles"]}) for each in found]
    assert ("trouble", {"fault"}) in [(state, kinds & {"fault"}) for state, kinds in kinds]
    assert kinds[-1] == ("recovered", {"fault"})


def test_a_fault_while_sources_are_read_ends_the_night_and_is_told(archive: Path) -> None:
    with hook() as web:
        settings = NightSettings(webhook=Webhook(web.base, None))
        options = CrawlOptions(archive, base_url="http://127.0.0.1:1", delay=0, nightly=True)
        report = night.nightly(broken, options, settings, [].append)  # type: ignore[arg-type]
    assert report.exit_code == 1
    assert json.loads(web.got[0].body)["troubles"][0]["kind"] == "fault"


def test_a_fault_of_one_messenger_is_said_and_the_others_tell(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(night, "crawl", broken)

    def send(messenger: CommandMessenger, message: Message) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(CommandMessenger, "send", send)
    with hook() as web:
        settings = NightSettings(command=("true",), webhook=Webhook(web.base, None))
        _, said = one_night(archive, settings)
        assert len(web.got) == 1
    [line] = said
    assert line.startswith("could not tell by command: a fault of the program (ZeroDivisionError)")
    assert (archive / "faults.log").read_text(encoding="utf-8").count("Traceback") == 2


@pytest.mark.parametrize("module", [night, told, telling])
def test_a_fault_while_telling_is_a_line_and_an_exit_code(
    archive: Path, monkeypatch: pytest.MonkeyPatch, module: object
) -> None:
    monkeypatch.setattr(module, {night: "tell", told: "note"}.get(module, "get_args"), broken)
    settings = NightSettings(command=("true",))
    report, said = one_night(archive, settings)
    assert (report.exit_code, said) == (1, [])
    assert "please report it" in report.summary.splitlines()[-1]


def test_a_folder_that_refuses_the_traceback_has_it_said(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (archive / "faults.log").mkdir()
    monkeypatch.setattr(night, "crawl", broken)
    report, [said] = one_night(archive, NightSettings())
    assert report.exit_code == 1
    assert said.startswith("Traceback")
    assert f"{archive / 'faults.log'} refuses (Is a directory)" in report.summary


FAULTY = """
import sys
from archive.storage.ingest import Ingester
real = Ingester.ingest
def ingest(self, capture, *words):
    if capture.role == "page":
        raise KeyError("a mistake")
    return real(self, capture, *words)
Ingester.ingest = ingest
from crawler.cli import main
main(sys.argv[1:])
"""


def test_a_fault_in_a_real_crawl_prints_no_traceback_and_keeps_what_came(tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    own_source(data)
    backup.mkdir()
    with serve(small_site()) as base:
        words = ["nightly", "--base-url", base, "--delay", "0", "--data", str(data)]
        done = subprocess.run(
            [sys.executable, "-c", FAULTY, *words, "--backup", str(backup)],
            env=os.environ | {"BULLETINS_NOW": NIGHT.format(1)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("please report it") == 1
    assert "1 database kept" in done.stderr
    assert "KeyError: 'a mistake'" in (data / "faults.log").read_text(encoding="utf-8")
    # The next run takes in what came before the fault, and the page that it lies in.
    kept = [record for _, record in recover(data / "warc" / "captures-000001.warc.gz", 0)]
    roles = [one.role for one in kept if isinstance(one, Capture)]
    assert roles == ["robots", "list", "more", "page"]
