"""How long a host is left alone: Retry-After, Crawl-delay, pauses before asking again."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.captures.reading import read_captures
from archive.captures.warc import warc_files
from crawler.patience import (
    ALL_WAITS,
    LONGEST_WAIT,
    PAUSES,
    LeftAlone,
    Patience,
    Stopped,
    retry_after,
)
from sample import bulletins, hostile
from sample.answers import Response
from sample.layouts import address
from sample.server import SampleSite, newest_first, serve
from tests.crawling import asked, crawl, rows
from tests.test_politeness import HOME, TimedSite, site_with

HOST = "www.sample.example"
CRAWL_DELAY = hostile.text("User-agent: *\nCrawl-delay: 600\n", 200)
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def busy(seconds: object, status: int = 503) -> Response:
    """An answer of a server that says when to come again."""
    return replace(hostile.text("busy", status), headers=(("Retry-After", str(seconds)),))


# The rules


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("120", "", 120),
        (" 5 ", "", 5),
        ("0", "", 0),
        ("", "", 0),
        ("soon", "", 0),
        ("-3", "", 0),
        ("1.5", "", 0),
        (format_datetime(NOON + timedelta(seconds=90), usegmt=True), "now", 90),
        (format_datetime(NOON - timedelta(seconds=90), usegmt=True), "now", 0),
        ("Sun, 99 Nov 2026 12:00:00 GMT", "now", 0),
    ],
)
def test_retry_after_is_seconds_or_a_time_of_day(value: str, date: str, seconds: float) -> None:
    assert retry_after(value, date and format_datetime(NOON, usegmt=True)) == seconds


def test_a_time_of_day_counts_from_now_where_the_server_does_not_say_its_own() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True)
    assert 290 < retry_after(soon, "") <= 300


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_retry_after_is_an_error(value: str, date: str) -> None:
    assert retry_after(value, date) >= 0


@dataclass
class Clock:
    """A clock that is put forward by hand."""

    time: float = 1_000.0

    def __call__(self) -> float:
        return self.time


def patience(delay: float = 1.0) -> tuple[Patience, Clock]:
    clock = Clock()
    return Patience(delay, clock), clock


def test_a_wait_counts_from_when_it_was_asked_for_and_the_longest_counts() -> None:
    host, clock = patience()
    host.wait(HOST, 60)
    host.wait(HOST, 20)
    assert host.remaining(HOST) == 60
    assert host.remaining("other.example") == 0
    clock.time += 59
    assert host.remaining(HOST) == 1
    clock.time += 2
    assert host.remaining(HOST) == 0


def test_pauses_are_so_many_times_the_delay() -> None:
    for number, times in enumerate(PAUSES):
        host, _ = patience(2.0)
        host.pause(HOST, number)
        assert host.remaining(HOST) == 2 * times
    host, _ = patience(60)
    host.pause(HOST, 1)
    assert host.remaining(HOST) == LONGEST_WAIT
    host, _ = patience(0)
    host.pause(HOST, 1)
    assert host.remaining(HOST) == 0


def test_a_night_waits_an_hour_at_the_most() -> None:
    host, clock = patience()
    for _ in range(ALL_WAITS // LONGEST_WAIT):
        host.wait(HOST, LONGEST_WAIT)
        # The same wait again, while it lasts, is no other one.
        host.wait(HOST, LONGEST_WAIT)
        assert host.why_left_alone(HOST) is None
        clock.time += LONGEST_WAIT
    host.wait(HOST, 1)
    assert "an hour of this night" in str(host.why_left_alone(HOST))


def test_a_wait_that_is_too_long_is_none() -> None:
    host, _ = patience()
    host.wait(HOST, LONGEST_WAIT + 1)
    assert host.remaining(HOST) == 0
    assert "901 seconds" in str(host.why_left_alone(HOST))
    assert host.why_left_alone("other.example") is None
    with pytest.raises(LeftAlone):
        asyncio.run(host.turn(HOST, 0, lambda: True))


def test_crawl_delay_is_between_two_requests() -> None:
    host, clock = patience()
    host.at_least(HOST, 5)
    assert host.remaining(HOST) == 0
    asyncio.run(host.turn(HOST, 0, lambda: True))
    assert host.remaining(HOST) == 5
    clock.time += 5
    asyncio.run(host.turn(HOST, 0, lambda: True))
    assert host.remaining(HOST) == 5


@pytest.mark.parametrize(("delay", "waited"), [(5.0, 0.0), (3600.0, 3600.0)])
def test_a_long_pause_between_two_requests_is_waited_for_where_a_stop_is_noticed(
    delay: float, waited: float
) -> None:
    host, _ = patience(delay)
    asyncio.run(host.turn(HOST, 0, lambda: True))
    assert host.remaining(HOST) == waited
    host.at_least(HOST, 30)
    assert host.remaining(HOST) == max(30, waited)
    if waited:
        with pytest.raises(Stopped):
            asyncio.run(host.turn(HOST, 0, lambda: False))


def test_a_new_round_begins_with_a_pause() -> None:
    host, clock = patience()
    asyncio.run(host.turn(HOST, 0, lambda: True))
    for round_ in (1, 2):
        with pytest.raises(Stopped):
            asyncio.run(host.turn(HOST, round_, lambda: False))
        assert host.remaining(HOST) == PAUSES[round_ - 1]
        clock.time += PAUSES[round_ - 1]
        asyncio.run(host.turn(HOST, round_, lambda: True))
        asyncio.run(host.turn(HOST, round_, lambda: True))


# As a server sees it


def timed(count: int) -> tuple[TimedSite, list[str]]:
    site, paths = site_with(count)
    return TimedSite("A", site.pages), paths


def gap_before(site: TimedSite, number: int) -> float:
    return site.times[number] - site.times[number - 1]


def test_crawl_delay_of_robots_txt_is_kept_where_a_shorter_delay_is_asked_for(
    tmp_path: Path,
) -> None:
    site, _ = timed(1)
    site.robots = "User-agent: *\nCrawl-delay: 0.6\n"
    done = crawl(site, tmp_path, "--channel", "xwfb")
    assert done.returncode == 0, done.stderr
    assert len(site.times) == 4
    assert min(later - earlier for earlier, later in pairwise(site.times)) > 0.55


@pytest.mark.long
def test_with_an_hour_between_requests_nothing_is_asked(tmp_path: Path) -> None:
    site, _ = site_with(1)
    site.robots = "User-agent: *\nCrawl-delay: 7200\n"
    done = crawl(site, tmp_path, "--channel", "xwfb")
    assert done.returncode == 3
    assert "7200 seconds between two requests" in done.stderr
    assert asked(site) == []


@pytest.mark.parametrize(
    ("where", "status"),
    [
        ("page", 503),
        pytest.param("page", 429, marks=pytest.mark.long),
        pytest.param("list", 503, marks=pytest.mark.long),
        pytest.param("list", 429, marks=pytest.mark.long),
        pytest.param("robots", 503, marks=pytest.mark.long),
        pytest.param("robots", 429, marks=pytest.mark.long),
    ],
)
def test_retry_after_is_waited_for_and_then_asked_again(
    tmp_path: Path, where: str, status: int
) -> None:
    site, paths = timed(2)
    path = {"page": paths[0], "list": "/xwfb/index.html", "robots": "/robots.txt"}[where]
    site.routes[path] = hostile.first(busy(1, status))
    done = crawl(site, tmp_path, "--channel", "xwfb")
    assert done.returncode == 0, done.stderr
    [first, again] = [n for n, entry in enumerate(site.log) if entry.path == path]
    assert gap_before(site, first + 1) > 0.95
    # A page comes again when all others were asked for.
    assert again == (len(site.log) - 1 if where == "page" else first + 1)
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(2,)]
    assert rows(tmp_path, "SELECT outcome, failed FROM crawls") == [("good", 0)]


@pytest.mark.parametrize(
    "where",
    [
        "page",
        pytest.param("list", marks=pytest.mark.long),
        pytest.param("robots", marks=pytest.mark.long),
    ],
)
def test_a_host_that_wants_more_time_than_a_night_has_is_left_alone(
    tmp_path: Path, where: str
) -> None:
    site, paths = site_with(9)
    path = {"page": paths[1], "list": "/xwfb/index.html", "robots": "/robots.txt"}[where]
    site.routes[path] = busy(1_000)
    done = crawl(site, tmp_path, "--channel", "xwfb")
    assert done.returncode == 3
    assert "1000 seconds" in done.stderr
    assert site.log[-1].path == path
    assert rows(tmp_path, "SELECT outcome FROM crawls") == [("failed",)]


def test_what_is_still_not_answered_in_the_third_round_makes_the_night_not_good(
    tmp_path: Path,
) -> None:
    site, paths = site_with(6)
    site.routes[paths[1]] = hostile.text("later", 503)
    site.routes[paths[3]] = hostile.first(hostile.text("later", 502), 2)
    done = crawl(site, tmp_path, "--channel", "xwfb")
    assert done.returncode == 3
    pages = [target for target in asked(site) if "index" not in target]
    assert pages == [*paths, paths[1], paths[3], paths[1], paths[3]]
    assert rows(tmp_path, "SELECT asked, new, failed, outcome FROM crawls") == [(6, 5, 1, "failed")]
    open_ = "SELECT url, count FROM incidents WHERE resolved_at IS NULL"
    assert rows(tmp_path, open_) == [(HOME + paths[1], 3)]


def test_a_host_that_answers_nothing_is_left_alone_after_two_pauses(tmp_path: Path) -> None:
    site, paths = site_with(30)
    for path in paths:
        site.routes[path] = hostile.text("down", 500)
    done = crawl(site, tmp_path, "--channel", "xwfb")
    assert done.returncode == 3
    assert "5 failures in a row" in done.stderr
    pages = [target for target in asked(site) if "index" not in target]
    # One more may be on its way when the crawl is closed.
    assert pages in (paths[:15], paths[:16])
    [(failed, outcome)] = rows(tmp_path, "SELECT failed, outcome FROM crawls")
    assert (failed in (15, 16), outcome) == (True, "failed")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (hostile.wall_521(), "wall-521"),
        pytest.param(hostile.wall_412(), "wall-412", marks=pytest.mark.long),
        pytest.param(hostile.captcha(), "wall-captcha", marks=pytest.mark.long),
    ],
    ids=["521", "412", "captcha"],
)
def test_a_block_page_for_robots_txt_has_its_name_and_is_asked_for_once(
    tmp_path: Path, answer: Response, kind: str
) -> None:
    site, _ = site_with(2)
    site.routes["/robots.txt"] = answer
    done = crawl(site, tmp_path, "--channel", "xwfb")
    assert done.returncode == 3
    assert [entry.path for entry in site.log] == ["/robots.txt"]
    assert rows(tmp_path, "SELECT kind FROM incidents") == [(kind,)]


@pytest.mark.long
def test_rules_that_name_a_captcha_are_no_block_page(tmp_path: Path) -> None:
    site, paths = site_with(1)
    site.robots = "User-agent: *\nDisallow: /captcha/\nDisallow: /verify.html\n"
    assert crawl(site, tmp_path, "--channel", "xwfb").returncode == 0
    assert paths[0] in asked(site)


@pytest.mark.parametrize(
    ("delay", "robots", "number"),
    [
        ("3600", None, signal.SIGTERM),
        pytest.param("3600", None, signal.SIGINT, marks=pytest.mark.long),
        pytest.param("0", CRAWL_DELAY, signal.SIGTERM, marks=pytest.mark.long),
        pytest.param("0", CRAWL_DELAY, signal.SIGINT, marks=pytest.mark.long),
        pytest.param("0", busy(600), signal.SIGTERM, marks=pytest.mark.long),
    ],
    ids=["delay", "delay-sigint", "crawl-delay", "crawl-delay-sigint", "retry-after"],
)
def test_a_crawl_that_waits_can_be_stopped_within_seconds(
    tmp_path: Path, delay: str, robots: Response | None, number: signal.Signals
) -> None:
    site, _ = site_with(1)
    if robots:
        site.routes["/robots.txt"] = robots
    with serve(site) as base:
        words = ["crawl", "mohurd", "--base-url", base, "--delay", delay, "--channel", "xwfb"]
        process = subprocess.Popen(
            [sys.executable, "-m", "crawler", *words, "--data", str(tmp_path)],
            stderr=subprocess.PIPE,
            text=True,
        )
        while not site.log and process.poll() is None:
            time.sleep(0.02)
        time.sleep(0.5)
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 3
    assert "Traceback" not in said
    assert rows(tmp_path, "SELECT outcome FROM crawls") == [("stopped",)]
    # That it was stopped is no incident.
    assert rows(tmp_path, "SELECT count(*) FROM incidents WHERE capture IS NULL") == [(0,)]
    # What came before the pause is kept.
    assert rows(tmp_path, "SELECT role FROM captures") == [("robots",)]


# The row of a night


def test_a_nights_row_counts_what_was_asked_and_answered(tmp_path: Path) -> None:
    pages = [replace(page, column="xwfb") for page in bulletins.on_night(1)[:8]]
    site = SampleSite("A", pages, rows=3)
    paths = [address(page, "A") for page in newest_first(pages)]
    columns = (
        "listed, asked, not_modified, same, new, changed, held, missing, gone, failed, requests"
    )

    def night(number: int) -> dict[str, object]:
        site.log.clear()
        crawl(site, tmp_path, "--channel", "xwfb", now=f"2026-11-{number:02d}T18:00:00Z")
        [row] = rows(tmp_path, f"SELECT {columns} FROM crawls ORDER BY id DESC LIMIT 1")
        found = dict(zip(columns.split(", "), row, strict=True))
        assert found.pop("requests") == len(site.log)
        return {name: count for name, count in found.items() if count}

    assert night(1) == {"listed": 8, "asked": 8, "new": 8}
    assert night(2) == {"listed": 8, "asked": 8, "not_modified": 8, "same": 8}
    victim = next(iter(site.pages))
    changed = replace(victim, paragraphs=(*victim.paragraphs, "又及。"), revised=victim.published)
    site.pages = [changed, *list(site.pages)[1:]]
    site.routes[paths[1]] = hostile.not_found()
    site.routes[paths[2]] = hostile.wall_412()
    # The same text with other validators: it comes whole and says nothing new.
    site.routes[paths[3]] = replace(SampleSite("A", pages).answer(paths[3]), etag='"other"')
    assert night(3) == {
        "listed": 6,
        "asked": 8,
        "not_modified": 4,
        "same": 5,
        "changed": 1,
        "missing": 1,
        "failed": 1,
    }


@pytest.mark.long
def test_a_nights_row_counts_what_became_gone_in_it(tmp_path: Path) -> None:
    site, paths = site_with(3)
    counts = "SELECT missing, gone FROM crawls ORDER BY id"
    for number in range(1, 7):
        crawl(site, tmp_path, "--channel", "xwfb", now=f"2026-11-{number:02d}T18:00:00Z")
        site.routes[paths[1]] = hostile.not_found()
    assert rows(tmp_path, counts) == [(0, 0), (1, 0), (1, 0), (1, 1), (1, 0), (1, 0)]


def test_a_nights_row_has_bytes_and_seconds(tmp_path: Path) -> None:
    site, _ = site_with(2)
    assert crawl(site, tmp_path, "--channel", "xwfb").returncode == 0
    kept = [capture for path in warc_files(tmp_path / "warc") for _, capture in read_captures(path)]
    bodies = sum(len(capture.body) for capture in kept)
    [(size, seconds)] = rows(tmp_path, "SELECT bytes, seconds FROM crawls")
    assert bodies < int(str(size)) < bodies + 400 * len(kept)
    assert 0 < float(str(seconds)) < 100
