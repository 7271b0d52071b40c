"""Rebuild: pages of real weight a second, with one process and two, beside BeautifulSoup's tree.

The rival only makes BeautifulSoup's tree of each page, on one core; nothing is read from it and
nothing is written. All are run in turns, so that another process slows each alike.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bs4 import BeautifulSoup

from archive.captures.writing import WarcWriter
from archive.sources import Source
from archive.storage.rebuild import rebuild
from archive.storage.workers import readers
from bench.heavy_pages import captures
from crawler.sources import load_sources
from sample.demo import SOURCES

PAGES = 2000
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds by the clock, of this process on the processor, and of those it started."""

    clock: float
    own: float
    others: float


def run() -> None:
    """Print pages a second and the two ratios."""
    source = load_sources([SOURCES])["sample"]
    with TemporaryDirectory() as name:
        folder = Path(name)
        size = _write(folder, source)
        works = {
            "BeautifulSoup(page, 'lxml')": lambda: _soup(source),
            "rebuild --workers 1": lambda: _rebuild(folder, source, 1),
            "rebuild --workers 2": lambda: _rebuild(folder, source, 2),
        }
        taken: dict[str, list[Spent]] = {what: [] for what in works}
        for _ in range(ROUNDS):
            for what, work in works.items():
                taken[what].append(_spent(work))
    print(f"{PAGES} pages of {size / PAGES / 1000:.1f} kB, medians of {ROUNDS} in turns")
    for what, rounds in taken.items():
        clock = median(each.clock for each in rounds)
        processor = median(each.own + each.others for each in rounds)
        print(
            f"  {what:<28} {PAGES / clock:6.1f} pages/s by the clock,"
            f" {PAGES / processor:6.1f} of processor time"
        )
    soup, one, two = taken.values()
    by_soup = median(s.own for s in soup) / median(s.own for s in one)
    print(f"  one process beside BeautifulSoup {by_soup:5.2f} of processor time")
    by_clock = median(a.clock / b.clock for a, b in zip(one, two, strict=True))
    idle = median(a.own / max(b.own, (b.own + b.others) / 2) for a, b in zip(one, two, strict=True))
    print(
        f"  two beside one {by_clock:5.2f} by the clock; {idle:.2f} where nothing else runs on two"
        " cores, by processor time (at least 1.7)",
        flush=True,
    )


def _write(folder: Path, source: Source) -> int:
    """Captures of pages that are each another's; how many bytes they have."""
    writer = WarcWriter(folder / "warc")
    size = 0
    for capture in islice(captures(source), PAGES):
        writer.append(capture)
        size += len(capture.body)
    writer.close()
    return size


def _soup(source: Source) -> None:
    for capture in islice(captures(source), PAGES):
        BeautifulSoup(capture.body.decode(), "lxml")


def _rebuild(folder: Path, source: Source, workers: int) -> None:
    with readers(folder / "warc", workers) as executor:
        rebuild(folder, {source.slug: source}, executor=executor)


def _spent(work: Callable[[], None]) -> Spent:
    gc.collect()
    start, before = time.perf_counter(), os.times()
    work()
    after = os.times()
    return Spent(
        time.perf_counter() - start,
        after.user + after.system - before.user - before.system,
        after.children_user + after.children_system - before.children_user - before.children_system,
    )
