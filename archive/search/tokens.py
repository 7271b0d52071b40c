"""Tokens: what the index stores of texts, and what a query asks for.

There is one token at the position of each unit (see :func:`archive.search.fold.units`): the unit
and the next one, or the unit alone before a space or the end. In a token a run of letters or digits
ends with :data:`RUN_END`, so that 70 is not the beginning of 701, and ASCII punctuation is written
in its full-width form, which folded text never has: no token has a character that means something
to FTS5. A token that begins with RUN_END is a label: a property of the row that a query can ask
for.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Sequence
from functools import lru_cache
from operator import add

from archive.search.fold import LETTER, TRADITIONAL, fold, units

RUN_END = "\x80"
"""Ends a run in a token; it is a control character, which folding turns into a space."""

VERSION = (
    f"3.{zlib.crc32(repr(sorted(TRADITIONAL.items())).encode()):08x}.{unicodedata.unidata_version}"
)
"""What the tokens depend on: the rules here, the table of characters, Python's Unicode."""

_RUN = re.compile(rf"\d|{LETTER}")
_PUNCTUATION = {code: code + 0xFEE0 for code in range(0x21, 0x7F) if not chr(code).isalnum()}
# Texts are folded; labels are not, and FTS5 would turn their capitals into lower case.
_PUNCTUATION_AND_CAPITALS = _PUNCTUATION | {code: code + 0xFEE0 for code in range(0x41, 0x5B)}


_SHORT = 64  # characters; a text as short may well be a title that many rows have


def written_units(folded: str) -> list[list[str]]:
    """The units of each stretch of a folded text, in the form they have in tokens."""
    return [list(map(_written, stretch)) for stretch in units(folded)]


def units_of(text: str | None) -> list[list[str]]:
    """The units of each stretch of any text as ``written_units`` has them; not to be changed."""
    if not text:
        return []
    return _units_of_short(text) if len(text) <= _SHORT else written_units(fold(text))


@lru_cache(maxsize=1 << 12)
def _units_of_short(text: str) -> list[list[str]]:
    return written_units(fold(text))


@lru_cache(maxsize=1 << 16)
def _written(unit: str) -> str:
    return unit + RUN_END if _RUN.match(unit) else unit.translate(_PUNCTUATION)


def label_token(label: str) -> str:
    """A label in the form it has in tokens; every row has the empty one."""
    return RUN_END + label.translate(_PUNCTUATION_AND_CAPITALS)


def order_label(sort: int | str) -> str:
    """The label that every row has for its place in the order; a day is searched by it."""
    return f"@{sort}"


def pairs(stretch: Sequence[str]) -> list[str]:
    """The tokens of one stretch of written units: each with the next, the last alone."""
    return [*map(add, stretch, stretch[1:]), stretch[-1]]
