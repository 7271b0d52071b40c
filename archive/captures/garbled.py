"""Garbled text: what is left of a page whose characters were lost before it was sent."""

from __future__ import annotations

import re

# Of 33 captured pages of ministries (2026) the worst has one damaged character in 1,400, and none
# has less than two Han characters in three.
MAX_DAMAGED = 0.05
MAX_FOREIGN = 0.3
# A shorter text may be a list of figures.
MIN_TEXT = 12
# What U+FFFD in UTF-8 becomes when it is read as GBK.
_TWICE_LOST = "锟斤拷"
_FOREIGN = re.compile("[\x80-\u024f]+")


def is_garbled(text: str) -> bool:
    """Whether so much of a text is damage that nothing of it can be believed.

    Damage is U+FFFD, a question mark without a sentence, and Latin letters with accents, which is
    how bytes of a Chinese charset look when they are read as a Western one.
    """
    said = "".join(text.split())
    if len(said) < MIN_TEXT:
        return False
    damaged = said.count("\ufffd") + said.count("?") + said.count(_TWICE_LOST) * 3
    foreign = sum(map(len, _FOREIGN.findall(said)))
    return damaged > len(said) * MAX_DAMAGED or foreign > len(said) * MAX_FOREIGN
