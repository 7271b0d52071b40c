"""The nightly run and status: bounded, honest about freshness, and in words."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from sample import bulletins, hostile
from sample.server import SampleSite, serve
from tests.crawling import rows, run, switch_off

SOURCE = """
name = "样例部"
home = "https://www.sample.example"
rhythm_days = 5
nightly_pages = 10
[channels.news]
name = "新闻"
path = "/xwfb/index.html"
platform = "numbered"
rows = "tr"
[[layouts]]
name = "a"
title = ["td.tit"]
body = ["div.union", "div.info"]
"""


NAMED = "样例部 (mohurd):"
NEWEST = "newest of 2026-11-01"


def nightly(site: SampleSite, data: Path, now: str) -> tuple[int, str]:
    """A night of an archive whose own source replaces the one that ships."""
    switch_off(data)
    (data / "sources" / "mohurd.toml").write_text(SOURCE, encoding="utf-8")
    with serve(site) as base:
        done = run("nightly", "--data", data, "--base-url", base, "--delay", "0", now=now)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def site_until(day: date, count: int = 25) -> SampleSite:
    """A list whose newest page is of that day."""
    pages = [
        replace(page, column="xwfb", published=day - timedelta(days=n))
        for n, page in enumerate(bulletins.on_night(1)[:count])
    ]
    return SampleSite("A", pages)


@pytest.mark.long
def test_backfill_is_bounded_and_goes_on(tmp_path: Path) -> None:
    site = site_until(date(2026, 11, 1))
    for night, total, waiting in ((1, 10, 15), (2, 20, 5), (3, 25, 0)):
        code, said = nightly(site, tmp_path, f"2026-11-0{night}T18:00:00Z")
        assert code == 0, said
        assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(total,)]
        assert (f"{waiting} listed pages still to fetch" in said) == bool(waiting)
    # The newest came first.
    [(newest,)] = rows(tmp_path, "SELECT max(published) FROM bulletins WHERE id <= 10")
    assert newest == "2026-11-01"


@pytest.mark.long
def test_silence_past_the_rhythm_is_stale(tmp_path: Path) -> None:
    site = site_until(date(2026, 11, 1), count=5)
    assert nightly(site, tmp_path, "2026-11-05T18:00:00Z")[0] == 0
    code, said = nightly(site, tmp_path, "2026-11-07T18:00:00Z")
    assert code == 4
    assert "nothing new for 7 days, 5 are normal" in said
    status = run("status", "--data", tmp_path, now="2026-11-07T18:00:00Z")
    assert status.returncode == 4
    assert "nothing new for 7 days" in status.stdout
    # `crawl` never judges freshness.
    with serve(site) as base:
        done = run(
            "crawl",
            "mohurd",
            "--data",
            tmp_path,
            "--base-url",
            base,
            "--delay",
            "0",
            now="2026-11-08T18:00:00Z",
        )
    assert done.returncode == 0, done.stderr


def test_a_date_that_lies_ahead_does_not_count_as_news(tmp_path: Path) -> None:
    site = site_until(date(2026, 11, 1), count=5)
    first = next(iter(site.pages))
    site.pages = [replace(first, published=date(2062, 1, 1), id=999999), *site.pages]
    code, said = nightly(site, tmp_path, "2026-11-08T18:00:00Z")
    assert code == 4
    assert "newest of 2026-11-01" in said


def test_a_crawl_that_was_cut_off_is_said_to_be(tmp_path: Path) -> None:
    site = site_until(date(2026, 11, 1), count=3)
    assert nightly(site, tmp_path, "2026-11-01T18:00:00Z")[0] == 0
    with closing(sqlite3.connect(tmp_path / "bulletins.db")) as conn, conn:
        conn.execute("UPDATE crawls SET outcome = 'running', finished_at = NULL")
    done = run("status", "--data", tmp_path, now="2026-11-02T18:00:00Z")
    assert done.returncode == 3
    assert "was cut off" in done.stdout


def test_a_failed_source_says_what_and_exits_3(tmp_path: Path) -> None:
    site = site_until(date(2026, 11, 1), count=3)
    site.routes["/xwfb/index.html"] = hostile.wall_521()
    code, said = nightly(site, tmp_path, "2026-11-01T18:00:00Z")
    assert code == 3
    assert "block page" in said
    assert "样例部 (mohurd)" in said
    assert run("status", "--data", tmp_path).returncode == 3


def test_what_is_held_is_said_with_the_command_that_lists_it(tmp_path: Path) -> None:
    site = site_until(date(2026, 11, 1), count=3)
    assert nightly(site, tmp_path, "2026-11-01T18:00:00Z")[0] == 0
    code, said = nightly(site, tmp_path, "2026-11-02T18:00:00Z")
    assert code == 0
    assert "bulletins review" not in said
    victim = max(site.pages, key=lambda page: len(page.paragraphs))
    path = f"/xwfb/{victim.published:%Y%m}/t{victim.published:%Y%m%d}_{victim.id}.html"
    # The page lost most of its text.
    page = site.answer(path).body.decode()
    others = re.findall(r"<p[ >].*?</p>", page, re.DOTALL)[1:]
    body = page
    for paragraph in others:
        body = body.replace(paragraph, "")
    site.routes[path] = replace(site.answer(path), body=body.encode(), etag='"other"')
    code, said = nightly(site, tmp_path, "2026-11-03T18:00:00Z")
    assert "1 held (`bulletins review` lists them)" in said


def test_three_missed_nights_and_a_return(tmp_path: Path) -> None:
    site = site_until(date(2026, 11, 1), count=3)
    victim = next(iter(site.pages))
    path = f"/xwfb/{victim.published:%Y%m}/t{victim.published:%Y%m%d}_{victim.id}.html"
    url = "https://www.sample.example" + path
    status = "SELECT status FROM bulletins WHERE url = ?"
    assert nightly(site, tmp_path, "2026-11-01T18:00:00Z")[0] == 0
    site.routes[path] = hostile.not_found()
    code, said = nightly(site, tmp_path, "2026-11-02T18:00:00Z")
    assert (code, said.partition(";")[0]) == (0, f"{NAMED} 1 newly missing, {NEWEST}")
    # A second crawl in the same night does not count as a second night.
    assert nightly(site, tmp_path, "2026-11-02T20:00:00Z")[0] == 0
    code, said = nightly(site, tmp_path, "2026-11-03T18:00:00Z")
    assert (code, said.partition(";")[0]) == (0, f"{NAMED} no news, 1 still missing, {NEWEST}")
    assert rows(tmp_path, status, url) == [("live",)]
    # A block page is not a miss.
    site.routes[path] = hostile.wall_412()
    code, said = nightly(site, tmp_path, "2026-11-04T18:00:00Z")
    assert (code, f"{NAMED} 0 new bulletins, {NEWEST}" in said) == (3, True)
    assert rows(tmp_path, status, url) == [("live",)]
    site.routes[path] = hostile.not_found()
    code, said = nightly(site, tmp_path, "2026-11-05T18:00:00Z")
    assert (code, said.partition(";")[0]) == (0, f"{NAMED} 1 now gone, 1 still missing, {NEWEST}")
    assert rows(tmp_path, status, url) == [("gone",)]
    [(text, last_seen)] = rows(
        tmp_path,
        "SELECT text, last_seen FROM entries JOIN bulletins ON bulletins.id = bulletin"
        " WHERE bulletins.url = ? AND entries.status = 'gone' LIMIT 1",
        url,
    )
    assert text
    assert last_seen == "2026-11-01T18:00:00Z"
    del site.routes[path]
    assert nightly(site, tmp_path, "2026-11-06T18:00:00Z")[0] in (0, 4)
    assert rows(tmp_path, status, url) == [("live",)]
    assert rows(tmp_path, "SELECT max(number) FROM revisions") == [(1,)]
