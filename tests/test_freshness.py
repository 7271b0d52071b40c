"""Status and what it is judged by: freshness, waiting pages, folders of any name."""

from __future__ import annotations

import json
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
from archive.storage.calendar import is_working_day
from archive.storage.database import open_readonly
from archive.storage.freshness import Rhythm, freshness, learned
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


def published(folder: Path, days: list[date], channel: str = "dfxx", start: int = 1) -> None:
    """Bulletins of these days, straight into the table."""
    record(folder)
    with Store(folder, SOURCES) as store:
        store.ingester.know("mohurd")
        store.database.table("bulletins").insert_all(
            {
                "slug": f"mohurd-{number}",
                "source": "mohurd",
                "channel": channel,
                "url": f"{HOME}/{number}",
                "title": "样例",
                "published": day.isoformat(),
                "anchor": day.isoformat(),
                "status": "live",
                "revision": 1,
                "body_rule": "generic",
                "first_seen": "",
                "last_seen": "",
            }
            for number, day in enumerate(days, start=start)
        )


def working_days(first: date, last: date, every: int = 1) -> list[date]:
    """Every so-manieth working day of a span."""
    span = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [day for day in span if is_working_day(day)][::every]


def late_on(folder: Path, day: date, rhythm: int = 10) -> bool:
    with closing(open_readonly(folder)) as conn:
        return freshness(conn, "mohurd", rhythm, day).late


def test_three_quiet_working_days_of_a_daily_channel_are_late(tmp_path: Path) -> None:
    published(tmp_path, working_days(date(2026, 3, 2), date(2026, 11, 2)))
    with closing(open_readonly(tmp_path)) as conn:
        found = freshness(conn, "mohurd", 10, date(2026, 11, 6))
    assert (found.newest, found.age_days, found.quiet_days) == ("2026-11-02", 4, 3)
    assert found.rhythm == Rhythm(usual_gap=0, allowed=2)
    assert found.late
    assert not late_on(tmp_path, date(2026, 11, 5))
    assert mohurd(tmp_path, datetime(2026, 11, 6, 1, tzinfo=UTC)).stale


def test_no_news_in_the_week_of_guoqing_is_no_alarm(tmp_path: Path) -> None:
    published(tmp_path, working_days(date(2026, 3, 2), date(2026, 9, 30)))
    for day in range(1, 11):
        assert not late_on(tmp_path, date(2026, 10, day), rhythm=3)
    # The 8th, 9th and 10th are worked.
    assert late_on(tmp_path, date(2026, 10, 11), rhythm=30)


def test_holidays_do_not_count_where_the_rhythm_is_stated(tmp_path: Path) -> None:
    published(tmp_path, [date(2026, 9, 30)])
    assert not late_on(tmp_path, date(2026, 10, 10), rhythm=3)
    assert late_on(tmp_path, date(2026, 10, 11), rhythm=3)
    assert not late_on(tmp_path, date(2026, 10, 11), rhythm=4)


def test_a_slow_source_is_late_by_its_own_gaps(tmp_path: Path) -> None:
    days = working_days(date(2026, 1, 5), date(2026, 10, 30), every=5)
    published(tmp_path, days)
    with closing(open_readonly(tmp_path)) as conn:
        found = freshness(conn, "mohurd", 3, days[-1] + timedelta(days=1))
    assert found.rhythm == Rhythm(usual_gap=4, allowed=6)
    assert not found.late
    assert days[-1] == date(2026, 10, 28)
    assert not late_on(tmp_path, date(2026, 11, 6), rhythm=3)
    assert late_on(tmp_path, date(2026, 11, 7), rhythm=30)


def test_a_rhythm_takes_twenty_days_with_news_and_leaves_one_gap_in_fifty_out() -> None:
    days = working_days(date(2026, 3, 2), date(2026, 9, 30))
    assert learned(days[:19]) is None
    assert learned([*days[:19], days[0]]) is None
    assert learned(days[:20]) == Rhythm(0, 2)
    # Of 51 gaps the longest is left out, of 49 it is not.
    assert learned([*days[:51], days[80]]) == Rhythm(0, 2)
    assert learned([*days[:49], days[80]]) == Rhythm(31, 47)


def test_a_silent_channel_of_a_lively_source_is_late(tmp_path: Path) -> None:
    days = working_days(date(2026, 3, 2), date(2026, 11, 12))
    published(tmp_path, days, "gzdt", start=1000)
    published(tmp_path, [day for day in days if day <= date(2026, 11, 2)])
    found = mohurd(tmp_path, datetime(2026, 11, 12, 20, tzinfo=UTC))
    assert found.newest == "2026-11-12"
    assert not found.fresh.late
    assert found.problem == (
        "dfxx: nothing new for 8 working days, 0 at most are usual: look at its list"
    )
    assert found.stale
    by_channel = {each.channel: each.fresh for each in found.channels}
    assert by_channel["dfxx"] is not None
    assert by_channel["dfxx"].late
    assert by_channel["gzdt"] is not None
    assert not by_channel["gzdt"].late


def test_status_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BULLETINS_NOW", "2027-01-01T02:00:00Z")
    record(
        tmp_path,
        capture(PAGE, page_html("甲。")),
        capture(f"{HOME}/xwfb/202005/t20200529_2.html", b"", status=500),
    )
    done = CliRunner().invoke(main, ["status", "--json", "--data", str(tmp_path)])
    assert done.exit_code == 4
    found = json.loads(done.stdout)
    assert list(found) == ["at", "ok", "warnings", "sources"]
    assert (found["at"], found["ok"]) == ("2027-01-01T02:00:00Z", False)
    assert "holidays are known up to 2026" in found["warnings"][0]
    source = next(each for each in found["sources"] if each["source"] == "mohurd")
    assert list(source) == [
        "source", "name", "enabled", "reason", "verified", "verified_on", "bulletins", "newest",
        "age_days", "quiet_working_days", "rhythm", "last_crawl", "last_good_crawl", "waiting",
        "incidents", "failed", "stale", "problem", "remarks", "channels",
    ]  # fmt: skip
    assert source["rhythm"] == {
        "stated_days": 10,
        "usual_gap_working_days": None,
        "allowed_working_days": None,
    }
    [incident] = source["incidents"]
    assert list(incident) == ["kind", "open", "count", "first_seen", "last_seen", "what_to_do"]
    assert (incident["kind"], incident["open"], incident["count"]) == ("http-500", 1, 1)
    channel = source["channels"][0]
    assert list(channel) == [
        "channel", "name", "newest", "age_days", "quiet_working_days", "rhythm", "late",
        "last_crawl", "outcome", "new", "expected", "expected_low", "expected_high",
    ]  # fmt: skip
    said = invoke("status", tmp_path)
    assert said.exit_code == 4
    assert f"mohurd http-500: 1 open since {incident['first_seen']}: " in said.stdout
    assert "holidays are known up to 2026" in said.stderr
