"""What a crawl shows while it runs, on a terminal and in a log file."""

from __future__ import annotations

import logging
from io import StringIO

import pytest

from crawler.progress import Progress, log_lines


class Terminal(StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _bars_are_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TQDM_DISABLE", raising=False)


def crawl(out: StringIO, pages: int) -> Progress:
    progress = Progress(out)
    progress.listed("mohurd", "gzdt", 1, pages)
    progress.due("mohurd", "gzdt", pages)
    for _ in range(pages):
        progress.page("mohurd", "gzdt")
    return progress


def test_a_log_file_gets_plain_lines_now_and_then() -> None:
    out = StringIO()
    crawl(out, 120).close()
    assert out.getvalue().splitlines() == [
        "mohurd gzdt: 120 pages to ask for",
        "mohurd gzdt: 50/120 pages",
        "mohurd gzdt: 100/120 pages",
        "mohurd gzdt: 120/120 pages",
    ]


def test_a_terminal_gets_one_line_that_moves_and_goes_away() -> None:
    out = Terminal()
    progress = crawl(out, 4)
    progress.bar.refresh()
    shown = out.getvalue()
    assert "mohurd gzdt: list page 1, 4 rows" in shown
    assert "mohurd gzdt: 100%" in shown
    assert "4/4" in shown
    assert "\n" not in shown
    progress.close()
    assert out.getvalue().endswith("\r")


@pytest.mark.parametrize("out", [StringIO(), Terminal()], ids=["log file", "terminal"])
def test_failures_and_log_records_stay_as_lines_of_their_own(out: StringIO) -> None:
    progress = crawl(out, 2)
    progress.say("a failure")
    with log_lines(progress):
        logging.getLogger("scrapy.core.engine").warning("a warning of %s", "Scrapy")
        logging.getLogger("scrapy.core.engine").info("not this")
    logging.getLogger("scrapy.core.engine").warning("nor this")
    progress.close()
    lines = out.getvalue().replace("\r", "\n").splitlines()
    assert "a failure" in lines
    assert "a warning of Scrapy" in lines
    assert "not this" not in out.getvalue()
    assert "nor this" not in out.getvalue()
