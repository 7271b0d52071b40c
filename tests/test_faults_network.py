"""A network that fails in the middle: each night ends, says what, and the next one completes.

The time limit of a request is a second here, in place of a minute; the tests have a limit of their
own, after which a night that does not end has failed.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sample import bulletins
from sample.layouts import address
from sample.server import SampleSite, newest_first, serve
from tests import faulty_server as faulty
from tests.crawling import NIGHT_1, rows, run, tables
from tests.faulty_server import Fault, FaultySite, serve_faulty

# The command line, with a second for each request.
_QUICK = (
    "import crawler.settings\n"
    "crawler.settings.DOWNLOAD_TIMEOUT = 1\n"
    "from crawler.cli import main\n"
    "main(prog_name='bulletins')"
)
_BOMB = faulty.packed(gzip.compress(bytes(100_000_000)))
_MINUTES = 3

PAGES: dict[str, tuple[Fault, str]] = {
    "stalls": (faulty.stall, "unreachable"),
    "stalls in the body": (faulty.stall_in_body, "unreachable"),
    "drips": (faulty.drip, "unreachable"),
    "drips headers": (faulty.drip_head, "unreachable"),
    "endless": (faulty.endless, "too-large"),
    "endless header": (faulty.endless_head, "unreachable"),
    "another protocol": (faulty.other_protocol, "unreachable"),
    "closes": (faulty.close_at_once, "unreachable"),
}
LISTS: dict[str, tuple[Fault, str]] = {
    "stalls": (faulty.stall, "unreachable"),
    "drips": (faulty.drip, "unreachable"),
    "closes": (faulty.close_at_once, "unreachable"),
    "redirects to itself": (faulty.redirect("/xwfb/index_2.html"), "moved"),
    "redirects in a circle": (faulty.redirect("/xwfb/index_1000.html"), "moved"),
    "is a bomb": (_BOMB, "too-large"),
    "is cut": (faulty.with_length(b"<html><body><table><tr>", 5000), "truncated"),
    "has no end": (faulty.endless, "too-large"),
}
ROBOTS: dict[str, Fault] = {
    "stalls": faulty.stall,
    "drips": faulty.drip,
    "closes": faulty.close_at_once,
    "redirects to itself": faulty.redirect("/robots.txt"),
    "has no end": faulty.endless,
}


def site_of(pages: int) -> SampleSite:
    """A list of some pages."""
    return SampleSite("A", [replace(p, column="xwfb") for p in bulletins.on_night(1)[:pages]])


def crawl(site: FaultySite, data: Path) -> tuple[int, str]:
    """A crawl with little patience; its exit code and what it said."""
    with serve_faulty(site) as base:
        options = ["--base-url", base, "--data", str(data), "--delay", "0", "--channel", "xwfb"]
        done = subprocess.run(
            [sys.executable, "-c", _QUICK, "crawl", "mohurd", *options],
            env={**os.environ, "BULLETINS_NOW": NIGHT_1},
            capture_output=True,
            text=True,
            check=False,
            timeout=60 * _MINUTES,
        )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stderr


def heals(site: SampleSite, data: Path, total: int) -> None:
    """The next night finds everything, and nothing was lost or broken."""
    kept = rows(data, "SELECT id, digest FROM captures")
    with serve(site) as base:
        loopback = ("--base-url", base, "--data", data, "--delay", "0", "--channel", "xwfb")
        done = run("crawl", "mohurd", *loopback, now="2026-11-02T18:00:00Z")
    assert done.returncode == 0, done.stderr
    assert rows(data, "SELECT count(*) FROM bulletins") == [(total,)]
    assert rows(data, "SELECT kind FROM incidents WHERE resolved_at IS NULL") == []
    assert rows(data, "SELECT id, digest FROM captures")[: len(kept)] == kept
    assert run("verify", "--full", "--data", data, now="2026-11-02T18:00:00Z").returncode == 0


@pytest.mark.long
@pytest.mark.parametrize("name", PAGES)
def test_a_page_that_fails_in_the_middle(tmp_path: Path, name: str) -> None:
    fault, kind = PAGES[name]
    site = site_of(4)
    victim = "/xwfb/" + address(newest_first(site.pages)[1], "A").split("/", 2)[2]
    code, said = crawl(FaultySite(site, {victim: fault}), tmp_path)
    assert code == 3
    url = "https://www.mohurd.gov.cn" + victim
    assert rows(tmp_path, "SELECT kind, url FROM incidents") == [(kind, url)]
    assert url in said
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(3,)]
    heals(site, tmp_path, 4)


@pytest.mark.long
@pytest.mark.parametrize("name", LISTS)
def test_a_list_that_fails_in_the_middle_of_the_walk(tmp_path: Path, name: str) -> None:
    fault, kind = LISTS[name]
    site = site_of(30)
    faults = {"/xwfb/index_2.html": fault}
    if "circle" in name:
        faults["/xwfb/index_1000.html"] = faulty.redirect("/xwfb/index_2.html")
    code, said = crawl(FaultySite(site, faults), tmp_path)
    assert code == 3
    assert {found for (found,) in rows(tmp_path, "SELECT kind FROM incidents")} == {kind}
    assert "list" in said
    # What was listed before is there, and the walk counts as not finished.
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(20,)]
    assert rows(tmp_path, "SELECT outcome, walked FROM crawls") == [("failed", 0)]
    heals(site, tmp_path, 30)


@pytest.mark.long
@pytest.mark.parametrize("name", ROBOTS)
def test_robots_txt_that_never_comes_forbids_everything(tmp_path: Path, name: str) -> None:
    site = FaultySite(site_of(4), {"/robots.txt": ROBOTS[name]})
    code, said = crawl(site, tmp_path)
    assert code == 3
    assert set(site.asked) == {"/robots.txt"}
    assert "robots.txt" in said
    assert {found for (found,) in rows(tmp_path, "SELECT kind FROM incidents")} == {"unreachable"}
    heals(site.site, tmp_path, 4)


@pytest.mark.long
def test_a_length_that_is_too_small_cuts_the_page_and_not_the_next_one(tmp_path: Path) -> None:
    site = site_of(4)
    victim = address(newest_first(site.pages)[1], "A")
    body = site.answer(victim).body
    code, _ = crawl(FaultySite(site, {victim: faulty.with_length(body, len(body) // 2)}), tmp_path)
    assert code == 3
    assert rows(tmp_path, "SELECT kind FROM incidents") == [("truncated",)]
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(3,)]
    heals(site, tmp_path, 4)


@pytest.mark.long
def test_a_host_that_stalls_everywhere_is_left_alone(tmp_path: Path) -> None:
    site = site_of(30)
    faults = {address(page, "A"): faulty.stall for page in site.pages}
    stalled = FaultySite(site, faults)
    code, said = crawl(stalled, tmp_path)
    assert code == 3
    assert "in a row" in said
    # Five in a row, a pause, five, a longer pause, five; one more may be on its way.
    assert sum(path in faults for path in stalled.asked) in (15, 16)
    heals(site, tmp_path, 30)


@pytest.mark.long
def test_a_page_that_was_there_before_stays_as_it_was(tmp_path: Path) -> None:
    site = site_of(4)
    assert crawl(FaultySite(site), tmp_path)[0] == 0
    left_out = ["crawls", "incidents", "captures", "addresses"]
    before = tables(tmp_path, left_out)
    faults = [faulty.stall, faulty.drip, faulty.close_at_once, faulty.other_protocol]
    paths = [address(page, "A") for page in site.pages]
    code, _ = crawl(FaultySite(site, dict(zip(paths, faults, strict=True))), tmp_path)
    assert code == 3
    assert tables(tmp_path, left_out) == before
    heals(site, tmp_path, 4)
