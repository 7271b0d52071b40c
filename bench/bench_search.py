"""Search on a generated corpus against named rivals, all interleaved in one run.

``python -m bench.bench_search [ENTRIES] [FOLDER]``: 100,000 entries in a temporary folder, or
as said; what is in the folder already is not made again. Prints docs/search.md's table.
"""

from __future__ import annotations

import multiprocessing
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from archive import entry_search
from archive.database import ENTRIES_INDEX
from bench.search_corpus import Made, entries
from bench.search_database import fill, insert
from bench.search_rivals import Asked, Like, Ours, Plain, Tantivy, Trigram

ROUNDS = 3
LIKE_SECONDS = 240.0
"""LIKE takes seconds for a rare word; past this much time it is asked no more."""

# One common word of each length; middling and rare ones are cut out of the texts.
_COMMON = (
    "房", "住房", "保障性", "危房改造", "保障性住房", "房和城乡建设", "住房和城乡建设",
    "住房和城乡建设厅",
)  # fmt: skip
_NIGHT, _WRITTEN, _READERS = 500, 1000, 8
_SECONDS = 15.0


def run(count: int = 100_000, folder: Path | None = None) -> None:
    """Build what is missing, measure, print."""
    if folder is None:
        with tempfile.TemporaryDirectory() as made:
            return run(count, Path(made))
    path = folder / f"search-{count}.db"
    if not path.exists():
        fill(path, count)
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        built = _build(conn)
        _sizes(conn, path, built)
        words = list(_words(conn))
    asked = list(_asked(words))
    engines: list[Any] = [Ours(path), Like(path), Trigram(path), Plain(path)]
    if find_spec("tantivy"):
        engines.append(Tantivy(path))
    for kind in ("newest", "facets", "relevance"):
        _compare(kind, engines, asked if kind == "newest" else [Asked(word) for word in words])
    _memory(path, asked)
    _night(path, count)
    _concurrency(path, count)
    return None


def _build(conn: sqlite3.Connection) -> float:
    if conn.execute(f"SELECT count(*) FROM {ENTRIES_INDEX.rows}").fetchone()[0]:
        return 0.0
    start = time.perf_counter()
    conn.execute("BEGIN")
    ENTRIES_INDEX.rebuild(conn)
    conn.execute("COMMIT")
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return time.perf_counter() - start


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
    for name, size, seconds in lines:
        print(
            f"size {name}: {size / 1e6:.0f} MB, {size / whole:.2f} x text; built in {seconds:.0f} s"
        )


def _words(conn: sqlite3.Connection) -> Iterable[str]:
    """Thirty words of 1 to 10 characters: common, middling (some 1%) and rare of each length."""
    rng = random.Random(7)  # noqa: S311 (the same words every time)
    [(top,)] = conn.execute("SELECT max(id) FROM entries").fetchall()
    common = dict(zip(range(1, 9), _COMMON, strict=True))
    for length in range(1, 11):
        cut: dict[str, int] = {}
        while len(cut) < 40:
            [(text,)] = conn.execute(
                "SELECT text FROM entries WHERE id = ?", (rng.randint(1, top),)
            ).fetchall()
            at = rng.randrange(max(1, len(text) - length))
            word = text[at : at + length]
            if len(word) == length and all("\u4e00" <= c <= "\u9fff" for c in word):
                cut[word] = entry_search.count(conn, entry_search.parse_entries(word), top).number
        ranked = sorted(cut, key=lambda word: (cut[word], word))
        yield common.get(length, ranked[-1])
        yield min(ranked, key=lambda word: (abs(cut[word] - top // 100), word))
        yield ranked[0]


def _asked(words: Iterable[str]) -> Iterable[Asked]:
    """Each word alone, in a province (a common and a rare one), in half a year, and in both."""
    for number, word in enumerate(words):
        province = ("110000", "420000", "820000")[number % 3]
        months = (201500 + 100 * (number % 9) + 3, 201500 + 100 * (number % 9) + 8)
        yield Asked(word)
        yield Asked(word, province)
        yield Asked(word, None, months)
        yield Asked(word, province, months)


def _compare(kind: str, engines: list[Any], asked: list[Asked]) -> None:
    """Time each query on each engine, all mixed, and print medians and p95 with their ratios."""
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
                    if each.word in _COMMON:
                        common[engine.name].append(took * 1000)
    print(f"\n{kind}: ms p50 / p95 / worst, ratio of p95 to ours; the same for common words")
    ours = times["archive.search"], common["archive.search"]
    for engine in engines:
        if times[engine.name]:
            print(
                f"{engine.name:15} {_figures(times[engine.name], ours[0])}   "
                f"{_figures(common[engine.name], ours[1])}  n={len(times[engine.name])}"
            )


def _p95(times: list[float]) -> float:
    return quantiles(times, n=20)[-1]


def _figures(times: list[float], ours: list[float]) -> str:
    ratio = _p95(times) / _p95(ours)
    return f"{median(times):8.1f} / {_p95(times):8.1f} / {max(times):8.1f}  {ratio:6.2f}x"


def _apart(work: Callable[..., float], *values: Any) -> float:
    """A function's result from a process of its own."""
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
    asked = [Asked(word) for word in _COMMON] + [Asked(word, "230000") for word in _COMMON]
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
    alone, beside = map(_p95, measured)
    print(
        f"{_READERS} readers, p95: {alone:.1f} ms, {beside:.1f} ms while {_WRITTEN} entries are "
        f"added: {beside / alone:.1f}x"
    )


if __name__ == "__main__":
    run(
        int(sys.argv[1]) if len(sys.argv) > 1 else 100_000,
        Path(sys.argv[2]) if len(sys.argv) > 2 else None,
    )
