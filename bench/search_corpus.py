"""A generated corpus to measure search on: any number of entries, the same in every run (样例).

Words follow Zipf's law, as natural ones do: phrases of the bundled sample texts, names of the
gazetteer's places, and compounds of characters drawn as often as those texts use them. A few
words are set to how common the worst words of ministries are: 危房改造 stands in some 39% of
entries, 住房 in more, 房 in most. Every second clause is out of a stock, again by Zipf's law: what
ministries publish repeats itself.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from archive.normalise.gazetteer import divisions
from archive.normalise.provinces import PROVINCES

SEED = 20200528
LENGTH = 120
"""Characters of an entry's text, on average."""
FIRST_DAY, DAYS = date(2014, 1, 1), 4000
ENTRIES_PER_BULLETIN = 12

_SAMPLE = Path(__file__).parents[1] / "sample" / "content"
_COMPOUNDS = 60_000
_STOCK = 200_000
_CLAUSES = 10  # in an entry, on average
_COMMON = (("危房改造", 0.38), ("住房和城乡建设厅", 0.33), ("保障性住房", 0.22), ("农房", 0.17))
_MARKS = ("，", "，", "，", "、", "。", "。", "；", "：")

_Drawn = tuple[list[str], list[float]]


class Made(NamedTuple):
    """One entry of the corpus; ``bulletin`` counts from 1, ``date`` is YYYY-MM-DD."""

    bulletin: int
    title: str
    heading: str | None
    provinces: tuple[str, ...]
    date: str
    published: str
    text: str


def entries(count: int, seed: int = SEED) -> Iterator[Made]:
    """The first ``count`` entries, the newest bulletin first, in the order of a backfill."""
    rng = random.Random(seed)  # noqa: S311 (the same in every run is intended)
    words, weights = vocabulary(rng)
    stock = ["".join(rng.choices(words, cum_weights=weights, k=4)) for _ in range(_STOCK)]
    stocked = list(accumulate(1 / (rank + 30) for rank in range(_STOCK)))
    codes = list(PROVINCES)
    shares = list(accumulate(1 / (rank + 4) for rank in range(len(codes))))
    bulletins = -(-count // ENTRIES_PER_BULLETIN)
    made = 0
    for bulletin in range(1, bulletins + 1):
        published = FIRST_DAY + timedelta(DAYS - 1 - bulletin * (DAYS - 1) // bulletins)
        title = "".join(rng.choices(words, cum_weights=weights, k=4)) + f"（{bulletin}期）"
        for code in rng.choices(codes, cum_weights=shares, k=ENTRIES_PER_BULLETIN):
            if made == count:
                return
            made += 1
            more = (rng.choice(codes),) if rng.random() < 0.08 else ()
            yield Made(
                bulletin,
                title,
                PROVINCES[code].short if rng.random() < 0.9 else None,
                tuple(dict.fromkeys((code, *more))),
                _event(rng, published).isoformat(),
                published.isoformat(),
                _text(rng, (words, weights), (stock, stocked)),
            )


def vocabulary(rng: random.Random) -> tuple[list[str], list[float]]:
    """All words, the commonest first, and their cumulative weights."""
    runs = re.findall(
        r"[\u4e00-\u9fff]+",
        "".join(path.read_text(encoding="utf-8") for path in sorted(_SAMPLE.glob("*.txt"))),
    )
    phrases = Counter(
        run[at : at + length] for run in runs for length in (2, 3, 4) for at in range(len(run))
    )
    common = [phrase for phrase, times in phrases.most_common(4000) if "房" not in phrase]
    rare = [run for run in dict.fromkeys(runs) if 2 <= len(run) <= 9]
    rare += [division.name for division in divisions()]
    characters, times = zip(*Counter("".join(runs)).most_common(), strict=True)
    for _ in range(_COMPOUNDS):
        rare.append("".join(rng.choices(characters, weights=times, k=rng.choice((2, 2, 2, 3, 4)))))
    rng.shuffle(rare)
    words = list(dict.fromkeys([*common, *rare]))
    return words, list(accumulate(1 / (rank + 30) for rank in range(len(words))))


def _event(rng: random.Random, published: date) -> date:
    """Days of events; many fall on the first of a month or of a year."""
    chance = rng.random()
    if chance < 0.03:
        return published.replace(month=1, day=1)
    if chance < 0.15:
        return published.replace(day=1)
    return published - timedelta(int(rng.expovariate(1 / 12)))


def _text(rng: random.Random, words: _Drawn, stock: _Drawn) -> str:
    clauses = max(1, round(rng.gauss(_CLAUSES, _CLAUSES / 3)))
    old = sum(rng.random() < 0.5 for _ in range(clauses))
    pieces = rng.choices(stock[0], cum_weights=stock[1], k=old)
    fresh = rng.choices(words[0], cum_weights=words[1], k=4 * (clauses - old))
    pieces += ["".join(fresh[at : at + 4]) for at in range(0, len(fresh), 4)]
    pieces += [word for word, chance in _COMMON if rng.random() < chance]
    if rng.random() < 0.5:
        pieces.append(f"{rng.randint(1, 12)}月{rng.randint(1, 28)}日")
    if rng.random() < 0.4:
        pieces.append(f"{rng.randint(1, 99_999) / rng.choice((1, 10))}万户")
    if rng.random() < 0.03:
        pieces.append(rng.choice(("5G", "COVID-19", "70天决战", "BIM", "PM2.5")))
    rng.shuffle(pieces)
    return "".join(piece + rng.choice(_MARKS) for piece in pieces[:-1]) + pieces[-1] + "。"
