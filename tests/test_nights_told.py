"""Whole nights as the schedule runs them: steps, exit codes, and what a person is told."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from archive.errors import (
    ArchiveError,
    CannotWrite,
    Damaged,
    Fault,
    Locked,
    SourceFailed,
    Stale,
    UsageError,
)
from archive.storage import space
from archive.storage.lock import lock
from archive.storage.store import Store
from crawler.crawl import CrawlOptions
from crawler.messengers import messengers
from crawler.nightly import _Steps, nightly
from crawler.nightly_settings import NightSettings, Webhook
from crawler.telling import Night, tell
from crawler.told import Trouble
from sample import hostile
from sample.server import SampleSite, serve
from tests.crawling import run, switch_off
from tests.receivers import hook, mailroom
from tests.test_nightly import SOURCE, site_until
from tests.test_store import HOME, SOURCES, capture, page_html

NIGHT = "2026-11-0{}T18:00:00Z"


def own_source(data: Path) -> None:
    """The archive's own source in place of those that ship."""
    switch_off(data)
    (data / "sources" / "mohurd.toml").write_text(SOURCE, encoding="utf-8")


def night(
    site: SampleSite, data: Path, number: int, *words: str | Path, **env: str
) -> subprocess.CompletedProcess[str]:
    """One night of a site on loopback, in a process of its own."""
    own_source(data)
    with serve(site) as base:
        done = run(
            "nightly",
            "--data",
            data,
            "--base-url",
            base,
            "--delay",
            "0",
            *words,
            now=NIGHT.format(number),
            **env,
        )
    assert "Traceback" not in done.stderr
    return done


def small_site() -> SampleSite:
    return site_until(date(2026, 11, 1), count=3)


def test_a_night_says_what_its_steps_did(tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    done = night(small_site(), tmp_path / "data", 1, "--backup", tmp_path / "backup")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("样例部 (mohurd): 3 new bulletins")
    assert lines[1].startswith("verified part ")
    assert "1 database kept" in lines[2]
    assert len(lines) == 3
    assert list((tmp_path / "backup").rglob("bulletins-2026-11-02.db"))


@pytest.mark.long
def test_a_month_of_trouble_is_told_twice_by_each_messenger_and_good_nights_ping(
    tmp_path: Path,
) -> None:
    data, site = tmp_path / "data", small_site()
    own_source(data)
    told = tmp_path / "told"
    with hook() as web, hook() as ping, mailroom() as room:
        (data / "nightly.toml").write_text(
            f"""ping = "{ping.base}/abc"
            [tell]
            command = "sh -c 'cat >> {told}; echo $BULLETINS_STATE $BULLETINS_SOURCES >> {told}'"
            [tell.webhook]
            url = "{web.base}/in"
            [tell.mail]
            smtp = "smtp://127.0.0.1:{room.port}"
            to = "you@example.org"
            """,
            encoding="utf-8",
        )
        assert night(site, data, 1).returncode == 0
        site.routes["/xwfb/index.html"] = hostile.wall_521()
        for number in (2, 3):
            assert night(site, data, number).returncode == 3
        del site.routes["/xwfb/index.html"]
        for number in (4, 5):
            assert night(site, data, number).returncode == 0
    assert [got.path for got in ping.got] == ["/abc"] * 3
    messages = [json.loads(got.body) for got in web.got]
    assert [(m["state"], m["at"][:10]) for m in messages] == [
        ("trouble", "2026-11-02"),
        ("recovered", "2026-11-04"),
    ]
    [trouble] = messages[0]["troubles"]
    assert (trouble["source"], trouble["kind"]) == ("mohurd", "failed")
    assert "block page" in trouble["message"]
    assert "样例部 (mohurd): 0 new bulletins" in messages[0]["summary"]
    assert [mail["subject"] for mail in room.got] == [
        "bulletins: 样例部 failed",
        "bulletins: 样例部 failed is over",
    ]
    text = told.read_text(encoding="utf-8")
    assert text.count("trouble mohurd\n") == text.count("recovered mohurd\n") == 1
    assert messages[0]["text"] in text


@pytest.mark.long
def test_telling_never_fails_the_night_nor_changes_its_exit_code(tmp_path: Path) -> None:
    """Each messenger fails in a way of its own, on a good night and on a bad one."""
    data, site = tmp_path / "data", small_site()
    site.routes["/xwfb/index.html"] = hostile.wall_521()
    with hook(status=500) as web, mailroom(refuse="550 no") as room:
        own_source(data)
        (data / "nightly.toml").write_text(
            f'ping = "{web.base}"\n[tell.mail]\nsmtp = "smtp://127.0.0.1:{room.port}"\n'
            'to = "you@example.org"\n'
        )
        words = ("--webhook", web.base, "--tell-command", "/nowhere/tell")
        bad = night(site, data, 1, *words)
        assert bad.returncode == 3
        for said in (
            "could not tell by command: /nowhere/tell cannot be run",
            f"could not tell by webhook: {web.base.removeprefix('http://')} answered 500",
            f"could not tell by mail: 127.0.0.1:{room.port} does not take it",
        ):
            assert len([line for line in bad.stderr.splitlines() if said in line]) == 1, said
        assert len(web.got) == 1
        # A good night, whose ping does not get through.
        del site.routes["/xwfb/index.html"]
        good = night(site, data, 2, *words)
        assert good.returncode == 0
        assert "could not call the ping address: " in good.stderr
        assert "all well" in good.stdout


@pytest.mark.long
def test_a_webhook_that_hangs_holds_the_night_up_for_ten_seconds_and_is_told_the_next(
    tmp_path: Path,
) -> None:
    data, site = tmp_path / "data", small_site()
    site.routes["/xwfb/index.html"] = hostile.wall_521()
    with hook(hang=True) as web:
        done = night(site, data, 1, "--webhook", web.base)
        assert done.returncode == 3
        assert "did not answer within 10 seconds; it is tried again the next night" in done.stderr
        web.hang = False
        assert night(site, data, 2, "--webhook", web.base).returncode == 3
        assert night(site, data, 3, "--webhook", web.base).returncode == 3
    assert len(web.got) == 2
    assert web.got[0].headers["webhook-id"] == web.got[1].headers["webhook-id"]


@pytest.mark.long
def test_the_second_of_two_nights_at_once_is_locked_and_does_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with hook() as web:
        for number in (1, 2):
            data.mkdir(exist_ok=True)
            with lock(data):
                done = night(small_site(), data, number, "--webhook", web.base)
            assert done.returncode == 5
            assert len(done.stderr.splitlines()) == 1
            assert "another process is writing" in done.stderr
            # For one night that is no trouble: somebody crawls by hand.
            assert len(web.got) == number - 1
        assert not (data / "bulletins.db").exists()
    assert json.loads(web.got[0].body)["troubles"][0]["kind"] == "locked"


def begun(data: Path, base: str, *words: str) -> subprocess.Popen[str]:
    """A night that has begun and holds the lock."""
    own_source(data)
    night = subprocess.Popen(
        [
            *(sys.executable, "-m", "crawler", "nightly", "--data", str(data)),
            *("--base-url", base, "--delay", "0", *words),
        ],
        env=os.environ | {"BULLETINS_NOW": NIGHT.format(1)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (data / "bulletins.db").exists():
        assert night.poll() is None
        time.sleep(0.05)
    return night


def slow_site() -> SampleSite:
    """A site whose list comes after a while, so that a signal finds a night that waits for it."""
    site = small_site()
    site.routes["/xwfb/index.html"] = replace(site.answer("/xwfb/index.html"), delay=8)
    return site


@pytest.mark.long
def test_a_lock_whose_process_was_killed_is_gone_with_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serve(slow_site()) as base:
        killed = begun(data, base)
        assert night(small_site(), data, 1).returncode == 5
        killed.kill()
        killed.communicate()
        assert (data / ".lock").exists()
        done = night(small_site(), data, 1)
    assert done.returncode == 0, done.stderr
    assert "3 new bulletins" in done.stdout


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_night_that_is_told_to_stop_does_so_and_tells_nobody(
    tmp_path: Path, number: signal.Signals
) -> None:
    data = tmp_path / "data"
    (tmp_path / "backup").mkdir()
    with serve(slow_site()) as base, hook() as web:
        stopped = begun(data, base, "--webhook", web.base, "--backup", str(tmp_path / "backup"))
        time.sleep(2)
        stopped.send_signal(number)
        _, said = stopped.communicate(timeout=60)
        assert stopped.returncode == 3
        assert "stopped by a signal" in said
        assert web.got == []
    assert not list((tmp_path / "backup").iterdir())


@pytest.mark.long
def test_after_the_crawl_a_signal_ends_the_night_at_once(tmp_path: Path) -> None:
    """Scrapy's handlers would swallow it."""
    data, site = tmp_path / "data", small_site()
    site.routes["/xwfb/index.html"] = hostile.wall_521()
    with serve(site) as base:
        telling = begun(
            data,
            base,
            "--tell-command",
            f"sh -c 'touch {tmp_path}/telling; exec sleep 30 > {tmp_path}/said 2>&1'",
        )
        while not (tmp_path / "telling").exists():
            assert telling.poll() is None
            time.sleep(0.05)
        telling.terminate()
        telling.communicate(timeout=20)
    assert telling.returncode == -signal.SIGTERM


@pytest.mark.long
def test_a_backup_that_fails_is_named_and_the_night_goes_on(tmp_path: Path) -> None:
    data, site = tmp_path / "data", small_site()
    (tmp_path / "file").write_text("a file")
    with hook() as web, hook() as ping:
        words = ("--webhook", web.base, "--ping", ping.base)
        done = night(site, data, 1, "--backup", tmp_path / "gone", *words)
        assert done.returncode == 7
        assert f"there is no folder {tmp_path / 'gone'}" in done.stderr
        assert "3 new bulletins" in done.stderr
        assert "verified part" in done.stderr
        done = night(site, data, 2, "--backup", tmp_path / "file", *words)
        assert done.returncode == 2
        assert "is a file" in done.stderr
        assert len(web.got) == 1
        assert json.loads(web.got[0].body)["troubles"][0]["kind"] == "backup"
        assert ping.got == []
        (tmp_path / "gone").mkdir()
        done = night(site, data, 3, "--backup", tmp_path / "gone", *words)
        assert done.returncode == 0, done.stderr
        assert [json.loads(got.body)["state"] for got in web.got] == ["trouble", "recovered"]
        assert len(ping.got) == 1


def test_before_the_disk_is_full_nothing_is_crawled_and_the_rest_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive's disk has no room, that of the backup has."""
    data, into = tmp_path / "data", tmp_path / "backup"
    into.mkdir()
    with Store(data, SOURCES) as store:
        store.record(capture(f"{HOME}/xwfb/202005/t20200529_1.html", page_html("第1号。")))
    usage = shutil.disk_usage("/")

    def free(path: Path) -> object:
        return usage._replace(free=10**6 if into not in (path, *path.parents) else 10**10)

    monkeypatch.setattr(space.shutil, "disk_usage", free)
    with hook() as web, hook() as ping:
        settings = NightSettings(backup=into, webhook=Webhook(web.base, None), ping=ping.base)
        said: list[str] = []
        slug = "mohurd"
        failed = Trouble(slug, "failed", "it failed the night before")
        before = Night(data, NIGHT.format(1), [failed], [(slug, "failed")], None, "")
        tell(before, messengers(settings), said.append)
        options = CrawlOptions(data, base_url="http://127.0.0.1:1", delay=0, nightly=True)
        report = nightly(lambda: {slug: SOURCES[slug]}, options, settings, said.append)
    assert report.exit_code == 7
    lines = report.summary.splitlines()
    assert "make room" in lines[1]
    assert lines[2].startswith("verified part ")
    assert "1 database kept" in lines[3]
    assert said == []
    # Nothing is said of failed sources, which were not asked: the one of before is not over.
    assert [json.loads(got.body)["state"] for got in web.got] == ["trouble", "trouble"]
    kinds = [trouble["kind"] for trouble in json.loads(web.got[1].body)["troubles"]]
    assert kinds == ["cannot-write", "stale"]
    assert ping.got == []


@pytest.mark.parametrize(
    ("failures", "code"),
    [
        ((), 0),
        ((Stale,), 4),
        ((Stale, SourceFailed), 3),
        ((SourceFailed, UsageError), 2),
        ((UsageError, Locked, Stale), 5),
        ((Locked, Fault, Stale), 1),
        ((Locked, Damaged, Fault, SourceFailed), 6),
        ((Stale, SourceFailed, UsageError, Locked, Fault, Damaged, CannotWrite), 7),
    ],
)
def test_the_exit_code_is_that_of_the_gravest_failure(
    failures: tuple[type[ArchiveError], ...], code: int
) -> None:
    steps = _Steps(lambda error: Fault(str(error)))
    for failure in failures:
        steps.trouble(Trouble("", failure.__name__, "it failed"), failure)
    assert steps.exit_code == code


@pytest.mark.long
def test_what_verification_finds_is_told_and_what_can_be_backed_up_is(tmp_path: Path) -> None:
    """The gravest failure decides the exit code: the source fails too."""
    data, site = tmp_path / "data", small_site()
    (tmp_path / "backup").mkdir()
    assert night(site, data, 1).returncode == 0
    with closing(sqlite3.connect(data / "bulletins.db")) as conn, conn:
        conn.execute("PRAGMA foreign_keys = OFF")
        conn.execute("UPDATE entries SET bulletin = 999 WHERE id = 1")
    site.routes["/xwfb/index.html"] = hostile.wall_521()
    with hook() as web:
        done = night(site, data, 2, "--webhook", web.base, "--backup", tmp_path / "backup")
    assert done.returncode == 6
    assert "refers to a missing row" in done.stderr
    assert "block page" in done.stderr
    assert "1 database kept" in done.stderr
    told = {(each["source"], each["kind"]) for each in json.loads(web.got[0].body)["troubles"]}
    assert told == {("mohurd", "failed"), (None, "verify")}


@pytest.mark.long
def test_a_mistake_in_a_source_file_is_told_since_no_night_runs_until_then(
    tmp_path: Path,
) -> None:
    data, site = tmp_path / "data", small_site()
    assert night(site, data, 1).returncode == 0
    with serve(site) as base, hook() as web:
        (data / "sources" / "other.toml").write_text('name = "他部"\n')
        for number in (2, 3):
            done = run(
                *("nightly", "--data", data, "--base-url", base, "--delay", "0"),
                *("--webhook", web.base),
                now=NIGHT.format(number),
            )
            assert done.returncode == 2
            [line] = done.stderr.splitlines()
            assert "other.toml: home is missing" in line
        (data / "sources" / "other.toml").unlink()
        assert night(site, data, 4, "--webhook", web.base).returncode == 0
    messages = [json.loads(got.body) for got in web.got]
    assert [message["state"] for message in messages] == ["trouble", "recovered"]
    assert messages[0]["troubles"][0]["kind"] == "settings"


@pytest.mark.long
def test_silence_is_told_once_and_so_is_its_end(tmp_path: Path) -> None:
    data, site = tmp_path / "data", small_site()
    with hook() as web:
        for number in (1, 7, 8):
            code = night(site, data, number, "--webhook", web.base).returncode
            assert code == (0 if number == 1 else 4)
        fresh = site_until(date(2026, 11, 9), count=1)
        newer = [replace(page, id=888888) for page in fresh.pages]
        site.pages = [*newer, *site.pages]
        assert night(site, data, 9, "--webhook", web.base).returncode == 0
    assert [
        (json.loads(got.body)["state"], json.loads(got.body)["troubles"][0]["kind"])
        for got in web.got
    ] == [("trouble", "stale"), ("recovered", "stale")]


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--webhook", "example.org"), "--webhook"),
        (("--mail", "you"), "--mail"),
        (("--ping", "ping"), "--ping"),
        (("--tell-command", "a 'b"), "--tell-command"),
    ],
)
def test_a_wrong_option_is_one_line_and_nothing_is_done(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done = run("nightly", "--data", tmp_path / "data", *words)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert said in line
    assert not (tmp_path / "data").exists()


@pytest.mark.long
def test_a_wrong_key_of_the_file_is_one_line_and_nothing_is_done(tmp_path: Path) -> None:
    (tmp_path / "nightly.toml").write_text("[tell.webhook]\nurl = 1\n")
    done = run("nightly", "--data", tmp_path)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith(f"bulletins: {tmp_path / 'nightly.toml'}: [tell.webhook] url = 1: ")
    assert [path.name for path in tmp_path.iterdir()] == ["nightly.toml"]


@pytest.mark.long
def test_secrets_that_others_can_read_are_said_each_night(tmp_path: Path) -> None:
    own_source(tmp_path)
    path = tmp_path / "nightly.toml"
    path.write_text(
        '[tell.webhook]\nurl = "http://127.0.0.1:1"\nsecret = "MDEyMzQ1Njc4OWFiY2RlZg=="\n'
    )
    path.chmod(0o644)
    assert "chmod 600" in night(small_site(), tmp_path, 1).stderr
    path.chmod(0o600)
    assert "chmod" not in night(small_site(), tmp_path, 2).stderr
