"""What ``bulletins status`` says of a source: fresh, late, failed, cut off, never crawled."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from archive.cli import in_words, main
from archive.sources import About
from archive.storage.database import open_readonly
from archive.storage.status import SourceStatus, as_json, statuses
from archive.storage.store import Store
from tests.test_store import HOME, SOURCES, capture, page_html, record

LIVE = [channel.slug for channel in SOURCES["mohurd"].channels if not channel.retired]


def status(folder: Path, day: str, hour: int = 1, *, writing: bool = False) -> SourceStatus:
    """What is said at an hour (UTC) of a day."""
    at = datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC)
    conn = open_readonly(folder)
    try:
        return next(s for s in statuses(conn, SOURCES, at, writing=writing) if s.source == "mohurd")
    finally:
        conn.close()


def page_of(day: str, number: int = 1) -> str:
    """The address of a page that its address dates."""
    year, month, date = day.split("-")
    return f"{HOME}/xwfb/{year}{month}/t{year}{month}{date}_{number}.html"


def crawled(folder: Path, channel: str, outcome: str, message: str | None = None) -> None:
    """A line in ``crawls``."""
    with Store(folder, SOURCES) as store:
        crawl = store.begin_crawl("mohurd", channel, "2026-11-01T18:00:00Z")
        if outcome != "running":
            values = {"outcome": outcome, "message": message, "finished_at": "2026-11-01T18:30:00Z"}
            store.finish_crawl(crawl, values)


def test_never_crawled_then_nothing_came(tmp_path: Path) -> None:
    record(tmp_path)
    found = status(tmp_path, "2026-11-02")
    assert found.problem == "never crawled"
    assert (found.bulletins, found.newest, found.age_days, found.last_crawl) == (
        0,
        None,
        None,
        None,
    )
    assert found.stale
    assert not found.failed
    crawled(tmp_path, LIVE[0], "good")
    found = status(tmp_path, "2026-11-02")
    assert found.problem == "crawled, but nothing came"
    assert found.last_crawl == "2026-11-01T18:30:00Z"
    assert found.stale


def test_silence_is_late_on_the_day_after_the_rhythm_by_chinas_date(tmp_path: Path) -> None:
    record(tmp_path, capture(page_of("2026-11-01"), page_html("甲。")))
    crawled(tmp_path, LIVE[0], "good")
    rhythm = SOURCES["mohurd"].rhythm_days
    assert rhythm == 10
    on_time = status(tmp_path, "2026-11-11", 15)
    assert (on_time.newest, on_time.age_days, on_time.rhythm_days) == ("2026-11-01", 10, 10)
    assert on_time.problem is None
    assert not on_time.stale
    # 16:00 UTC is midnight in China.
    late = status(tmp_path, "2026-11-11", 16)
    assert late.age_days == 11
    assert late.problem == "nothing new for 11 days, 10 are normal: look at the site"
    assert late.stale
    assert not late.failed


def test_a_date_ahead_of_today_counts_as_a_bulletin_and_not_as_the_newest(tmp_path: Path) -> None:
    record(
        tmp_path,
        capture(page_of("2026-11-01"), page_html("甲。")),
        capture(page_of("2062-11-01", 2), page_html("乙。")),
    )
    found = status(tmp_path, "2026-11-01")
    assert (found.bulletins, found.newest, found.age_days) == (2, "2026-11-01", 0)
    assert not found.stale


@pytest.mark.parametrize(
    ("outcome", "message", "writing", "said"),
    [
        ("good", None, False, None),
        ("failed", "a block page", False, "a block page"),
        ("failed", None, False, "the last crawl failed"),
        ("stopped", None, True, "the last crawl was stopped"),
        ("running", None, False, "the last crawl was cut off"),
        ("running", None, True, None),
    ],
)
def test_the_last_crawl_of_each_live_channel_is_judged(
    tmp_path: Path, outcome: str, message: str | None, writing: bool, said: str | None
) -> None:
    record(tmp_path, capture(page_of("2026-11-01"), page_html("甲。")))
    crawled(tmp_path, LIVE[0], "failed", "an older failure")
    crawled(tmp_path, LIVE[1], "good")
    crawled(tmp_path, "xwfb", "failed", "a retired channel")
    # The last one, since the next opening closes the line of a crawl that was cut off.
    crawled(tmp_path, LIVE[0], outcome, message)
    found = status(tmp_path, "2026-11-02", writing=writing)
    assert found.problem == (f"{LIVE[0]}: {said}" if said else None)
    assert found.failed is (said is not None)
    assert not found.stale


def test_two_failed_channels_are_both_named(tmp_path: Path) -> None:
    record(tmp_path)
    crawled(tmp_path, LIVE[0], "failed", "one")
    crawled(tmp_path, LIVE[1], "failed", "two")
    assert status(tmp_path, "2026-11-02").problem == f"{LIVE[0]}: one; {LIVE[1]}: two"


def test_what_waits_and_what_is_open_is_counted(tmp_path: Path) -> None:
    listed = "".join(
        f"<tr><td><a href='{page_of('2026-11-01', n)}'>样例</a></td><td>[2026.11.01]</td></tr>"
        for n in (1, 2, 3)
    )
    record(
        tmp_path,
        capture(f"{HOME}/xwfb/index.html", f"<table>{listed}</table>".encode(), role="list"),
        capture(page_of("2026-11-01", 1), page_html("甲。")),
        capture(page_of("2026-11-01", 2), b"busy", status=500),
    )
    found = status(tmp_path, "2026-11-02")
    assert (found.bulletins, found.waiting, found.open_incidents) == (1, 2, 1)
    # What failed for a month is given up, and still open; what was never asked for waits on.
    found = status(tmp_path, "2026-12-20")
    assert (found.waiting, found.open_incidents) == (1, 1)


def test_what_is_wrong_with_several_channels_alike_is_said_once(tmp_path: Path) -> None:
    for channel in LIVE[:2]:
        crawled(tmp_path, channel, "failed", "no answer")
    assert status(tmp_path, "2026-11-02").problem == f"{LIVE[0]}, {LIVE[1]}: no answer"


def test_a_source_that_no_night_crawls_is_not_said_to_be_well(tmp_path: Path) -> None:
    record(tmp_path)
    found = replace(status(tmp_path, "2026-11-02"), enabled=False, stale=False, problem=None)
    assert "not crawled at night" in in_words([found])
    assert "not crawled at night: 样例" in in_words([replace(found, about=About(reason="样例"))])
    assert "all well" in in_words([replace(found, enabled=True)])


def test_how_sure_a_layout_is_stands_beside_its_source(tmp_path: Path) -> None:
    record(tmp_path)
    found = status(tmp_path, "2026-11-02")
    about = About(verified="captured", verified_on=date(2026, 9, 20))
    assert "captured 2026-09-20" in in_words([replace(found, about=about)])
    assert SOURCES["mohurd"].about.sureness in in_words([found])
    [told] = as_json([found], datetime(2026, 11, 2, tzinfo=UTC), [])["sources"]
    assert told["verified_on"] == str(SOURCES["mohurd"].about.verified_on)
    assert "2026-09" not in in_words([replace(found, about=About())])


def test_nights_that_do_not_happen_are_said_as_the_monitor_says_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(tmp_path, capture(page_of("2026-11-01"), page_html("甲。")))
    crawled(tmp_path, LIVE[0], "good")
    for at, said in (("2026-11-03T18:30:00Z", False), ("2026-11-03T18:30:01Z", True)):
        monkeypatch.setenv("BULLETINS_NOW", at)
        done = CliRunner().invoke(main, ["status", "--data", str(tmp_path)])
        assert ("no crawl has ended since 2026-11-01T18:30:00Z" in done.output) == said
