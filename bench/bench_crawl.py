"""Crawling: against a bare Scrapy spider, a night on an unchanged site, memory of a long crawl.

The site is in a process of its own on loopback and serves prepared bytes. Both sides obey
robots.txt, have one connection and no delay, and are run in turns, each as a process; seconds of
processor time are those of the crawling process, with those of the process that reads for it.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from subprocess import DEVNULL, Popen
from tempfile import TemporaryDirectory

from bench.quick_site import quick_site, source_folder, total

PAGES = 1000
ROUNDS = 3
NIGHT = 2000
LONG = 50_000
_KEPT = ("bulletins", "entries", "revisions")


@dataclass(frozen=True, slots=True)
class Spent:
    """What a process took: seconds by the clock and of the processor, MB at its largest."""

    seconds: float
    processor: float
    megabytes: float


def run() -> None:
    """Print the three measures."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        _against_bare(folder)
        _unchanged(folder)
        _long(folder)


def spent(command: list[str], **env: str) -> Spent:
    """Run a process of Python to its end, which must be good."""
    start = time.perf_counter()
    process = Popen([sys.executable, *command], env=os.environ | env, stderr=DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} exits with {process.returncode}")
    # The kernel counts in KiB here, and in bytes on macOS.
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Spent(
        time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit
    )


def crawl(folder: Path, address: str, data: str, night: str = "2020-06-01") -> Spent:
    """One crawl of the site by the archive."""
    sources = source_folder(folder / "sources")
    command = ["-m", "crawler", "crawl", "bench", "--base-url", address, "--delay", "0"]
    return spent(
        [*command, "--data", str(folder / data), "--sources", str(sources)],
        BULLETINS_NOW=f"{night}T18:00:00Z",
    )


def _against_bare(folder: Path) -> None:
    ours, bare = [], []
    with quick_site(PAGES, "heavy") as address:
        for turn in range(ROUNDS):
            bare.append(spent(["-m", "bench.bare_spider", address, str(folder / f"{turn}.jsonl")]))
            ours.append(crawl(folder, address, f"full-{turn}"))
    print(f"a full crawl of {PAGES} pages of 20 kB, start included, medians of {ROUNDS} in turns")
    for name, taken in (("bare spider, JSON lines", bare), ("bulletins crawl", ours)):
        clock, processor = _medians(taken)
        print(
            f"  {name:<25} {PAGES / clock:6.1f} pages/s by the clock,"
            f" {PAGES / processor:6.1f} of processor time"
        )
    (bare_clock, bare_processor), (clock, processor) = _medians(bare), _medians(ours)
    ratios = f"{bare_clock / clock:.2f} by the clock, {bare_processor / processor:.2f}"
    print(f"  ratio                     {ratios} of processor time (at least 0.5)", flush=True)


def _medians(taken: list[Spent]) -> tuple[float, float]:
    return median(one.seconds for one in taken), median(one.processor for one in taken)


def _unchanged(folder: Path) -> None:
    with quick_site(NIGHT, "heavy") as address:
        crawl(folder, address, "night")
        before = total(address)
        with _counted(folder / "night" / "bulletins.db") as written:
            taken = crawl(folder, address, "night", night="2020-06-02")
        asked = {key: value - before.get(key, 0) for key, value in total(address).items()}
    print(f"a night on an unchanged site of {NIGHT} pages, {taken.seconds:.0f} s")
    print(f"  requests {asked['requests']}, of which answered 304: {asked.get('304', 0)}")
    print(f"  bytes sent by the site {asked['bytes']:,}")
    print(f"  rows written to {', '.join(f'{k} {v}' for k, v in written.items())}", flush=True)


@contextmanager
def _counted(database: Path) -> Iterator[dict[str, int]]:
    """How many rows of the tables that must not change were written meanwhile, by triggers."""
    written: dict[str, int] = {}
    with closing(sqlite3.connect(database)) as conn, conn:
        conn.execute("CREATE TABLE written (name TEXT, changes INTEGER)")
        for table in _KEPT:
            for verb in ("INSERT", "UPDATE", "DELETE"):
                conn.execute(
                    f"CREATE TRIGGER {table}_{verb} AFTER {verb} ON {table} BEGIN"
                    f" INSERT INTO written VALUES ('{table}', 1); END"
                )
    yield written
    with closing(sqlite3.connect(database)) as conn:
        for table in _KEPT:
            counted = "SELECT count(*) FROM written WHERE name = ?"
            written[table] = conn.execute(counted, (table,)).fetchone()[0]


def _long(folder: Path) -> None:
    with quick_site(LONG, "light") as address:
        taken = crawl(folder, address, "long")
        sent = total(address)
    size = sent["bytes"] / sent["requests"] / 1000
    print(f"a crawl of {LONG} pages, {size:.1f} kB an answer, {taken.seconds:.0f} s")
    print(f"  the process had {taken.megabytes:.0f} MB at its largest (at most 250)", flush=True)
