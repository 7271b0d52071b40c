"""What somebody who knows Scrapy expects: its commands, its stats, its log."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sample import bulletins
from sample.server import SampleSite, serve
from tests.crawling import crawl, rows

ROOT = Path(__file__).parent.parent


def scrapy(*words: str) -> subprocess.CompletedProcess[str]:
    """A command of Scrapy's in the checkout."""
    return subprocess.run(
        [sys.executable, "-m", "scrapy", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def small_site() -> SampleSite:
    return SampleSite("A", [replace(page, column="xwfb") for page in bulletins.on_night(1)[:3]])


@pytest.mark.parametrize(
    ("words", "says"),
    [(["list"], "bulletins\n"), (["settings", "--get", "BOT_NAME"], "ministry-bulletin-archive\n")],
)
def test_scrapy_knows_the_project(words: list[str], says: str) -> None:
    done = scrapy(*words)
    assert (done.returncode, done.stdout, done.stderr) == (0, says, "")


def test_scrapy_shell_fetches_a_page_and_keeps_nothing() -> None:
    site = small_site()
    with serve(site) as base:
        done = scrapy("shell", f"{base}/xwfb/index.html", "-c", "len(response.css('tr a')) >= 3")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "True\n"
    assert [entry.path for entry in site.log] == ["/robots.txt", "/xwfb/index.html"]


def test_scrapy_crawl_names_the_right_command() -> None:
    done = scrapy("crawl", "bulletins")
    assert done.returncode != 0
    assert done.stderr == (
        "scrapy: this spider needs a store: run `bulletins crawl SOURCE` instead\n"
    )


# A crawl in a process of its own, with one line of Python before it.
CRAWL = """
import crawler.cli, crawler.crawl, crawler.pages, crawler.spider, logging, os, resource
{before}
crawler.cli.main()
"""


def crawl_after(before: str, data: Path) -> subprocess.CompletedProcess[str]:
    words = ["crawl", "mohurd", "--channel", "xwfb", "--delay", "0", "--data", str(data)]
    with serve(small_site()) as base:
        return subprocess.run(
            [sys.executable, "-c", CRAWL.format(before=before), *words, "--base-url", base],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def test_the_counts_are_scrapys_stats(tmp_path: Path) -> None:
    before = (
        "closed = crawler.spider.BulletinSpider.closed\n"
        "def shown(self, reason):\n"
        "    print(self.crawler.stats.get_stats())\n"
        "    closed(self, reason)\n"
        "crawler.spider.BulletinSpider.closed = shown"
    )
    done = crawl_after(before, tmp_path)
    assert done.returncode == 0, done.stderr
    counts = "lists, asked, new, failed"
    assert rows(tmp_path, f"SELECT {counts} FROM crawls") == [(2, 3, 3, 0)]
    assert "'bulletins/xwfb/lists': 2" in done.stdout
    assert "'bulletins/xwfb/asked': 3" in done.stdout
    assert "'bulletins/xwfb/new': 3" in done.stdout


def test_a_disk_that_is_full_when_the_crawl_is_closed_is_7(tmp_path: Path) -> None:
    """From the moment Scrapy closes the spider, no file may grow any more."""
    before = (
        "closed = crawler.spider.BulletinSpider.closed\n"
        "def full(self, reason):\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, -1))\n"
        "    closed(self, reason)\n"
        "crawler.spider.BulletinSpider.closed = full"
    )
    done = crawl_after(before, tmp_path)
    assert done.returncode == 7, done.stderr
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_ordinary_crawl_is_quiet(tmp_path: Path) -> None:
    done = crawl(small_site(), tmp_path, "--channel", "xwfb")
    assert done.stderr.splitlines() == ["mohurd xwfb: 3 pages to ask for", "mohurd xwfb: 3/3 pages"]


@pytest.mark.parametrize(("level", "shown"), [("INFO", False), ("WARNING", True), ("ERROR", True)])
def test_warnings_and_errors_of_scrapy_reach_standard_error(
    tmp_path: Path, level: str, shown: bool
) -> None:
    before = (
        "done = crawler.pages.PageReader._done\n"
        "def logged(self, run):\n"
        f"    logging.getLogger('scrapy.core').log(logging.{level}, 'heard of %s', 'this')\n"
        "    done(self, run)\n"
        "crawler.pages.PageReader._done = logged"
    )
    done = crawl_after(before, tmp_path)
    assert done.returncode == 0, done.stderr
    assert ("heard of this\n" in done.stderr) == shown
