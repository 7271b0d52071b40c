"""The questions that the search benchmarks ask, the same in every run, and their p95."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterable
from statistics import quantiles

from archive.serving import entry_search
from bench.search_rivals import Asked

# One common word of each length; middling and rare words are taken from the texts.
COMMON = (
    "房", "住房", "保障性", "危房改造", "保障性住房", "房和城乡建设", "住房和城乡建设",
    "住房和城乡建设厅",
)  # fmt: skip


def words_of(conn: sqlite3.Connection) -> Iterable[str]:
    """Thirty words of 1 to 10 characters: common, middling (some 1%) and rare of each length."""
    rng = random.Random(7)  # noqa: S311 (the same words every time)
    [(top,)] = conn.execute("SELECT max(id) FROM entries").fetchall()
    common = dict(zip(range(1, 9), COMMON, strict=True))
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


def questions(words: Iterable[str]) -> Iterable[Asked]:
    """Each word alone, in a province (a common and a rare one), in half a year, and in both."""
    for number, word in enumerate(words):
        province = ("110000", "420000", "820000")[number % 3]
        months = (201500 + 100 * (number % 9) + 3, 201500 + 100 * (number % 9) + 8)
        yield Asked(word)
        yield Asked(word, province)
        yield Asked(word, None, months)
        yield Asked(word, province, months)


def p95(times: list[float]) -> float:
    """The value that 19 of 20 times do not exceed."""
    return quantiles(times, n=20)[-1]
