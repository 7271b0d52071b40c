"""Tokens: what the index has in place of texts, and what a query asks for.

At each unit's position (see :func:`archive.search.fold.units`) there is one token: the unit and
the one after it, or the unit alone where a blank or the end follows. A run of letters or digits
ends with :data:`RUN_END` in a token, so that 70 is not the beginning of 701, and ASCII signs are
written as their full-width forms, which folded text never has: no token holds a character that
means something to FTS5. What begins with RUN_END is a label: a property of the row that a query
can ask for.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Sequence
from functools import lru_cache
from operator import add

from archive.search.fold import LETTER, TRADITIONAL, units

RUN_END = "\x80"
"""Closes a run in a token; a control character, which folding turns into a blank."""

VERSION = (
    f"3.{zlib.crc32(repr(sorted(TRADITIONAL.items())).encode()):08x}.{unicodedata.unidata_version}"
)
"""What the tokens depend on: these modules' rules, the character table, Python's Unicode."""

_RUN = re.compile(rf"\d|{LETTER}")
_SIGNS = {code: code + 0xFEE0 for code in range(0x21, 0x7F) if not chr(code).isalnum()}
# Texts are folded; labels are not, and FTS5 would write their capitals small.
_SIGNS_AND_CAPITALS = _SIGNS | {code: code + 0xFEE0 for code in range(0x41, 0x5B)}


def written_units(folded: str) -> list[list[str]]:
    """The units of each stretch of a folded text, as they are written in tokens."""
    return [list(map(_written, stretch)) for stretch in units(folded)]


@lru_cache(maxsize=1 << 16)
def _written(unit: str) -> str:
    return unit + RUN_END if _RUN.match(unit) else unit.translate(_SIGNS)


def label_token(label: str) -> str:
    """A label as it is written in tokens; the empty one is on every row."""
    return RUN_END + label.translate(_SIGNS_AND_CAPITALS)


def order_label(sort: int | str) -> str:
    """The label that every row has for its place in the order: a day finds its rows by it."""
    return f"@{sort}"


def pairs(stretch: Sequence[str]) -> list[str]:
    """The tokens of one stretch of written units: each with the next, the last alone."""
    return [*map(add, stretch, stretch[1:]), stretch[-1]]
