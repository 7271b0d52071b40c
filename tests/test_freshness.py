"""Status and what it is judged by: freshness, waiting pages, folders of any name."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archive.clock import stamp
from archive.serving.application import application
from archive.serving.start_page import source_rows
from archive.storage.database import open_readonly
from archive.storage.freshness import freshness
from archive.storage.incidents import Incident
from archive.storage.status import SourceStatus, statuses
from archive.storage.store import Store
from crawler.cli import main
from crawler.sources import load_sources
from tests.crawling import rows
from tests.test_store import HOME, PAGE, capture, page_html, record

SOURCES = load_sources()
ODD_NAMES = ["ministry #1", "what?", "100%41", "两 部 委", "a&mode=rwc", "#?"]


def invoke(command: str, folder: Path) -> Result:
    """A command of ``bulletins`` for a data folder."""
    return CliRunner().invoke(main, [command, "--data", str(folder)])


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_data_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    record(folder, capture(body=page_html("甲。")))
    for command in ("status", "verify", "rebuild"):
        done = invoke(command, folder)
        assert done.exit_code == (4 if command == "status" else 0), done.stderr
    assert rows(folder, "SELECT count(*) FROM bulletins") == [(1,)]
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_data_folder_of_any_name_is_served(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    record(folder, capture(body=page_html("甲。")))
    database = application(folder / "bulletins.db").get_database("bulletins")
    with closing(database.connect()) as conn:
        assert conn.execute("SELECT count(*) FROM bulletins").fetchone()[0] == 1
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            conn.execute("DELETE FROM crawls")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("command", ["status", "verify", "serve"])
def test_captures_without_a_database_say_what_to_do(tmp_path: Path, command: str) -> None:
    record(tmp_path, capture(body=page_html("甲。")))
    for file in tmp_path.glob("bulletins.db*"):
        file.unlink()
    done = invoke(command, tmp_path)
    assert done.exit_code == 2
    assert done.stderr == (
        f"bulletins: {tmp_path} has captures but no database: run `bulletins rebuild --data "
        f"{tmp_path}`\n"
    )
    shutil.rmtree(tmp_path / "warc")
    assert "no archive in" in invoke(command, tmp_path).stderr


def dated(day: date, number: int) -> tuple[str, bytes]:
    """A page's address and content, published on a day."""
    return f"{HOME}/xwfb/{day:%Y%m}/t{day:%Y%m%d}_{number}.html", page_html(f"第{number}篇。")


def mohurd(folder: Path, now: datetime) -> SourceStatus:
    with closing(open_readonly(folder)) as conn:
        return next(s for s in statuses(conn, SOURCES, now) if s.source == "mohurd")


def test_status_and_start_page_judge_freshness_alike(tmp_path: Path) -> None:
    """A bulletin dated ahead does not show that the source is alive, on either."""
    for number, day in enumerate((date(2026, 11, 1), date(2062, 1, 1)), start=1):
        record(tmp_path, capture(*dated(day, number)))
    rhythm = SOURCES["mohurd"].rhythm_days
    on_time = datetime(2026, 11, 1 + rhythm, 12, tzinfo=UTC)
    late = datetime(2026, 11, 2 + rhythm, 12, tzinfo=UTC)
    for now, is_late in ((on_time, False), (late, True)):
        status = mohurd(tmp_path, now)
        with closing(open_readonly(tmp_path)) as conn:
            [row] = source_rows(conn, now.date())
        assert (status.newest, status.age_days, status.stale) == (
            "2026-11-01",
            now.day - 1,
            is_late,
        )
        assert (row["newest"], row["days"], row["late"]) == ("2026-11-01", now.day - 1, is_late)


def test_a_source_without_bulletins_is_late(tmp_path: Path) -> None:
    record(tmp_path)
    with closing(open_readonly(tmp_path)) as conn:
        found = freshness(conn, "mohurd", 3, date(2026, 11, 1))
    assert (found.newest, found.age_days, found.late) == (None, None, True)


def test_waiting_is_what_a_crawl_asks_for(tmp_path: Path) -> None:
    """A page that robots.txt forbids has no answer, only incidents: it is given up like others."""
    other = f"{HOME}/xwfb/202005/t20200529_2.html"
    listed = "".join(
        f"<tr><td><a href='{url}'>甲</a></td><td>[2020.05.29]</td></tr>" for url in (PAGE, other)
    )
    page = f"<table>{listed}</table>".encode()
    record(tmp_path, capture(f"{HOME}/xwfb/index.html", page, role="list"))
    record(tmp_path, capture(status=404))
    with Store(tmp_path, SOURCES) as store:
        store.incident(
            Incident("2026-11-01T18:00:00Z", "mohurd", "xwfb", other, "forbidden", "robots")
        )
    for days, expected in ((0, 2), (30, 2), (31, 0)):
        now = datetime(2026, 11, 1, 18, tzinfo=UTC) + timedelta(days=days)
        with Store(tmp_path, SOURCES) as store:
            due = store.crawls.never_captured("mohurd", "xwfb", stamp(now))
        assert mohurd(tmp_path, now).waiting == len(due) == expected, days


def test_a_source_without_a_file_is_named(tmp_path: Path) -> None:
    """Its bulletins stay in the archive, and status does not leave it out without a word."""
    record(tmp_path, capture(body=page_html("甲。")))
    with closing(sqlite3.connect(tmp_path / "bulletins.db")) as conn, conn:
        conn.execute(
            "INSERT INTO sources (slug, name, home, rhythm_days, digest)"
            " VALUES ('left', '样例部', 'https://left.example', 7, '')"
        )
    done = invoke("status", tmp_path)
    assert "left is in the archive and has no source file: put left.toml into" in done.stderr
    assert "left" not in done.stdout
