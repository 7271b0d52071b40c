"""Normalising: a page's cost beside BeautifulSoup's, and input twice as long.

All times are processor time of one core. What is compared is run in turns, and medians are
taken, so that another process on the machine slows both sides alike.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from statistics import median

from bs4 import BeautifulSoup

from archive.normalise.bulletins import read_bulletin
from archive.normalise.gazetteer import divisions
from archive.sources import PageContext, Source
from crawler.sources import load_sources
from sample.bulletins import editions
from sample.demo import SOURCES
from sample.layouts import detail
from sample.page import Page, address

ROUNDS = 7
HALF, WHOLE = 500_000, 1_000_000  # bytes of UTF-8


def run() -> None:
    """Print the two measures."""
    source = load_sources([SOURCES])["sample"]
    _against_soup(source)
    _doubled()


def _pages() -> list[Page]:
    """The sample's pages, one edition of each."""
    return list({edition.page.id: edition.page for edition in editions()}.values())


def _timed(work: Callable[[], object]) -> float:
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start


def _in_turns(works: list[Callable[[], object]], rounds: int) -> list[float]:
    """The median of each piece of work, after one run that warms caches."""
    for work in works:
        work()
    times = [[_timed(work) for work in works] for _ in range(rounds)]
    return [median(row[i] for row in times) for i in range(len(works))]


def _against_soup(source: Source) -> None:
    pages = []
    for page in _pages():
        there = source.home + address(page, "C")
        pages.append((detail(page, "C"), PageContext(source, there, there)))
    size = sum(len(html.encode()) for html, _ in pages)
    soup, read = _in_turns(
        [
            lambda: [BeautifulSoup(html, "lxml") for html, _ in pages],
            lambda: [read_bulletin(html, links) for html, links in pages],
        ],
        ROUNDS,
    )
    print(f"{len(pages)} sample pages, {size / 1000:.0f} kB")
    print(f"  BeautifulSoup(page, 'lxml')   {1000 * soup / len(pages):6.2f} ms a page")
    print(f"  read_bulletin(page)           {1000 * read / len(pages):6.2f} ms a page")
    print(f"  ratio                         {read / soup:6.2f}    (at most 3)")


def _doubled() -> None:
    """The cost of one line twice as long; a page that is nothing else, read whole."""
    units = {
        "digits": "1234567890",
        "年月日": "年月日",
        "numbered days": "1年2月3日",
        "brackets": "（【“《",
        "county names": "".join(d.name for d in divisions() if d.level == "county"),
        "counties in a list": "".join(d.name + "、" for d in divisions() if d.level == "county"),
        "short names": "".join(d.name[:-1] + "、" for d in divisions() if d.level == "city"),
    }
    print("a page of one line, 0.5 MB and 1 MB (at most 2.5 times as long)")
    for name, unit in units.items():
        pages = [_line_page(unit, size) for size in (HALF, WHOLE)]
        half, whole = _in_turns([lambda p=page: read_bulletin(p, None) for page in pages], 3)  # type: ignore[misc]
        print(f"  {name:<20} {half:6.2f} s {whole:6.2f} s  {whole / half:5.2f}", flush=True)


def _line_page(unit: str, size: int) -> str:
    line = unit * (size // len(unit.encode()) + 1)
    line = line.encode()[:size].decode(errors="ignore")
    metas = '<meta name="ArticleTitle" content="样例"><meta name="PubDate" content="2020-05-28">'
    body = f'<div class="TRS_Editor"><p>{line}</p></div>'
    return f"<html><head>{metas}</head><body>{body}</body></html>"
