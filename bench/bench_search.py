"""Search on a generated corpus, compared with named rivals, interleaved in one run.

``python -m bench.bench_search [ENTRIES] [FOLDER]``: by default 100,000 entries in a temporary
folder; what FOLDER already has is not made again. Prints the figures of docs/search-benchmarks.md.
"""

from __future__ import annotations

import multiprocessing
import random
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from archive.storage.database import ENTRIES_INDEX
from bench.search_corpus import Made, entries
from bench.search_database import build, filled, insert
from bench.search_questions import COMMON, p95, questions, words_of
from bench.search_rivals import Asked, Like, Ours, Plain, Tantivy, Trigram

ROUNDS = 3
LIKE_SECONDS = 240.0
"""LIKE takes seconds for a rare word; after this much time it is not asked any more."""

_NIGHT, _WRITTEN, _READERS = 500, 1000, 8
_SECONDS = 15.0


def run(count: int = 100_000, folder: Path | None = None) -> None:
    """Build what is missing, measure, print."""
    with filled(count, folder) as path:
        _run(path, count)


def _run(path: Path, count: int) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        built = build(conn)
        _sizes(conn, path, built)
        words = list(words_of(conn))
    asked = list(questions(words))
    engines: list[Any] = [Ours(path), Like(path), Trigram(path), Plain(path)]
    if find_spec("tantivy"):
        engines.append(Tantivy(path))
    for kind in ("newest", "facets", "relevance"):
        _compare(kind, engines, asked if kind == "newest" else [Asked(word) for word in words])
    _memory(path, asked)
    _night(path, count)
    _concurrency(path, count)


def _sizes(conn: sqlite3.Connection, path: Path, built: float) -> None:
    [(text, whole)] = conn.execute(
        "SELECT sum(length(CAST(text AS BLOB))), sum(length(CAST(text AS BLOB)) +"
        " length(CAST(title AS BLOB)) + coalesce(length(CAST(heading AS BLOB)), 0)) FROM entries"
    ).fetchall()
    [(ours,)] = conn.execute(
        "SELECT sum(pgsize) FROM dbstat WHERE (name LIKE '%entries!_fts%' ESCAPE '!'"
        " OR name LIKE 'entries!_units%' ESCAPE '!')"
    ).fetchall()
    print(f"text {text / 1e6:.0f} MB, with titles and headings {whole / 1e6:.0f} MB")
    rivals = [Trigram] + ([Tantivy] if find_spec("tantivy") else [])
    lines = [("archive.search", ours, built)]
    for rival in rivals:
        other = path.with_suffix(f".{rival.name}")
        seconds = 0.0 if other.exists() else rival.build(path)
        files = [other] if other.is_file() else [*other.iterdir()]
        lines.append((rival.name, sum(file.stat().st_size for file in files), seconds))
    trigram = lines[1][1]
    for name, size, seconds in lines:
        print(
            f"size {name}: {size / 1e6:.0f} MB, {size / whole:.3f} x text, "
            f"{size / trigram:.3f} x trigram; built in {seconds:.0f} s"
        )


def _compare(kind: str, engines: list[Any], asked: list[Asked]) -> None:
    """Time each query on each engine, in random order; print medians and p95 with their ratios."""
    rng = random.Random(11)  # noqa: S311 (an order, the same every time)
    times: dict[str, list[float]] = {engine.name: [] for engine in engines}
    common: dict[str, list[float]] = {engine.name: [] for engine in engines}
    patience = LIKE_SECONDS
    for turn in range(ROUNDS + 1):
        for each in rng.sample(asked, len(asked)):
            for engine in rng.sample(engines, len(engines)):
                if engine.name == "LIKE" and (patience < 0 or turn == 0):
                    continue
                start = time.perf_counter()
                found = getattr(engine, kind)(each)
                took = time.perf_counter() - start
                if engine.name == "LIKE":
                    patience -= took
                if found is not None and turn:  # the first round warms up
                    times[engine.name].append(took * 1000)
                    if each.word in COMMON:
                        common[engine.name].append(took * 1000)
    print(f"\n{kind}: ms p50 / p95 / worst, ratio of p95 to ours; the same for common words")
    ours = times["archive.search"], common["archive.search"]
    for engine in engines:
        if times[engine.name]:
            print(
                f"{engine.name:15} {_figures(times[engine.name], ours[0])}   "
                f"{_figures(common[engine.name], ours[1])}  n={len(times[engine.name])}"
            )


def _figures(times: list[float], ours: list[float]) -> str:
    ratio = p95(times) / p95(ours)
    return f"{median(times):8.1f} / {p95(times):8.1f} / {max(times):8.1f}  {ratio:6.2f}x"


def _apart(work: Callable[..., float], *values: Any) -> float:
    """The result of a function that runs in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return float(pool.apply(work, values))


def _peak(path: Path, asked: list[Asked]) -> float:
    ours = Ours(path)
    for each in asked:
        for kind in ("newest", "facets", "relevance"):
            getattr(ours, kind)(each)
    # Not getrusage: a child's peak begins with its parent's.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _memory(path: Path, asked: list[Asked]) -> None:
    print(f"\nmemory of a process that asks everything: {_apart(_peak, path, asked):.0f} MB")


def _write(conn: sqlite3.Connection, new: Iterable[Made]) -> None:
    """Add entries the way the nightly writer does, a bulletin at a time."""
    made = iter(new)
    at = conn.execute("SELECT max(id) FROM entries").fetchone()[0] + 1
    while batch := list(islice(made, 12)):
        conn.execute("BEGIN IMMEDIATE")
        numbered = list(enumerate(batch, start=at))
        insert(conn, iter(numbered))
        for key, entry in numbered:
            values = {"text": entry.text, "title": entry.title, "heading": entry.heading}
            ENTRIES_INDEX.add(conn, key, values)
        conn.execute("COMMIT")
        at += len(batch)


def _unwrite(conn: sqlite3.Connection, count: int) -> None:
    conn.execute("BEGIN IMMEDIATE")
    for key, *texts in conn.execute(
        "SELECT id, text, title, heading FROM entries WHERE id > ?", (count,)
    ).fetchall():
        ENTRIES_INDEX.remove(conn, key, dict(zip(("text", "title", "heading"), texts, strict=True)))
    for table, key in (("entry_provinces", "entry"), ("entries", "id")):
        conn.execute(f"DELETE FROM {table} WHERE {key} > ?", (count,))
    conn.execute("COMMIT")


def _night(path: Path, count: int) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        conn.execute("PRAGMA synchronous = NORMAL")
        new = list(entries(_NIGHT, seed=1))
        start = time.perf_counter()
        _write(conn, new)
        print(f"adding {_NIGHT} entries: {time.perf_counter() - start:.2f} s")
        start = time.perf_counter()
        _unwrite(conn, count)
        print(f"removing them: {time.perf_counter() - start:.2f} s")


def _reader(path: Path, seed: int, seconds: float) -> list[float]:
    """Milliseconds that queries took; an error ends the bench."""
    ours, rng = Ours(path), random.Random(seed)  # noqa: S311
    asked = [Asked(word) for word in COMMON] + [Asked(word, "230000") for word in COMMON]
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        ours.newest(rng.choice(asked))
        times.append((time.perf_counter() - start) * 1000)
        time.sleep(0.02)
    return times


def _concurrency(path: Path, count: int) -> None:
    context = multiprocessing.get_context("spawn")
    with (
        context.Pool(_READERS) as pool,
        closing(sqlite3.connect(path, isolation_level=None)) as conn,
    ):
        conn.execute("PRAGMA synchronous = NORMAL")
        measured = []
        new = list(entries(_WRITTEN, seed=2))
        for writing in (False, True):
            jobs = [(path, seed, _SECONDS) for seed in range(_READERS)]
            waiting = pool.starmap_async(_reader, jobs)
            if writing:
                time.sleep(2)
                _write(conn, new)
            measured.append([time_ for times in waiting.get() for time_ in times])
        _unwrite(conn, count)
    alone, beside = map(p95, measured)
    print(
        f"{_READERS} readers, p95: {alone:.1f} ms, {beside:.1f} ms while {_WRITTEN} entries are "
        f"added: {beside / alone:.1f}x"
    )


if __name__ == "__main__":
    run(
        int(sys.argv[1]) if len(sys.argv) > 1 else 100_000,
        Path(sys.argv[2]) if len(sys.argv) > 2 else None,
    )
