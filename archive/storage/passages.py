"""Passages: how much of one text stands in another, whoever published the two.

What several sites publish is cut, given another headline or another beginning; what is left stands
word for word. Notices written to one form are alike too, but name other places and numbers. Both
are measured here; docs/republished.md has the thresholds beside others, and beside other measures.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# Of the shorter text's characters, those in passages that the other has too. Of the pairs of
# tests/republished, a text republished with another beginning has 0.75 at least, a form whose
# numbers and places say nothing 0.69 at most.
SHARE = 0.7
# Of the numbers of the text that has fewer, those that the other has too; of places the same.
FACTS = 0.6
# The shorter text's length beside the longer's: a section of a round-up is no version of it.
LENGTH = 0.4
# Fewer characters are a formula (附件见下) that many pages share.
LEAST = 30
# A text cut in half keeps half of its longest passages, so one of eight is nearly always left.
MARKS = 8
# Shorter passages (现将有关情况通知如下) stand in many texts.
_MARK = 10

# Whatever stands between two punctuation marks or line breaks.
_PASSAGE = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+(?:\.\d+)?|第[一二三四五六七八九十百零〇]+")
_SPACE = re.compile(r"[^\S\n]+")


@dataclass(frozen=True, slots=True)
class Said:
    """A text's passages, how often each occurs, its facts, and its length in characters.

    Places are codes, or words where a place has none.
    """

    passages: Mapping[str, int]
    numbers: frozenset[str]
    places: frozenset[str]
    length: int


def said(texts: Iterable[str], places: Iterable[str] = ()) -> Said:
    """What the texts of a bulletin's entries say, whatever their whitespace and punctuation."""
    whole = _squeezed(texts)
    passages = Counter(map(_folded, _PASSAGE.findall(whole)))
    numbers = frozenset(_NUMBER.findall(_folded(whole)))
    length = sum(len(passage) * times for passage, times in passages.items())
    return Said(passages, numbers, frozenset(places), length)


def marks(texts: Iterable[str]) -> list[int]:
    """Numbers by which a text's other versions can be looked up: of its longest passages.

    The CRC-32 of each: two passages with one number only cost a comparison.
    """
    long = {found for found in _PASSAGE.findall(_squeezed(texts)) if len(found) >= _MARK}
    longest = sorted(long, key=lambda found: (-len(found), found))[:MARKS]
    # Folded last, since that takes most of the time.
    return sorted({zlib.crc32(_folded(passage).encode()) for passage in longest})


def _squeezed(texts: Iterable[str]) -> str:
    return _SPACE.sub("", "\n".join(texts))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def share(one: Said, other: Said) -> float:
    """The share of the shorter text that stands in the other, from 0 to 1."""
    shorter = min(one.length, other.length)
    return common(one, other) / shorter if shorter else 0.0


def common(one: Said, other: Said) -> int:
    """How many characters are in passages that both texts have."""
    few, many = sorted((one.passages, other.passages), key=len)
    return sum(len(p) * min(times, many[p]) for p, times in few.items() if p in many)


def agree(one: Said, other: Said) -> bool:
    """Whether the numbers and places of two texts can be those of one."""
    return _meet(one.numbers, other.numbers) and _meet(one.places, other.places)


def _meet(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= FACTS * min(len(one), len(other))


def is_version(one: Said, other: Said) -> bool:
    """Whether two texts are one, republished whole, cut, or with another beginning."""
    shorter, longer = sorted((one.length, other.length))
    return (
        shorter >= LEAST
        and shorter >= LENGTH * longer
        and agree(one, other)
        and share(one, other) >= SHARE
    )
