"""Folding: normalising texts and queries to one form before they are compared.

>>> fold("２０２０年 脫貧攻堅 COVID-19")
'2020年 脱贫攻坚 covid-19'

Folding applies NFKC to letters, digits and punctuation, turns Traditional characters into
Simplified ones (one to one) and capitals into lower case. Each whitespace or control character
becomes one space, the only whitespace in folded text; invisible characters (zero-width space, soft
hyphen, variation selectors) are removed. Not folded, because that would hide or invent words:

* ``①`` and ``½``: as ``1`` and ``1⁄2`` they would join the digits beside them, and ``①2020年``
  would no longer contain ``2020年``; the same holds for ``™`` and letters. (``㎡`` and ``²`` do
  become ``m2`` and ``2``, because people type them so; they join a digit that follows.)
* ``´`` and ``ﷺ``: NFKC puts spaces into them, but one character is not two words.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

# Radicals that NFKC does not change although they look like whole characters; text copied from
# PDF files has them instead of the characters. (NFKC maps the Kangxi radicals, from U+2F00 on.)
_RADICALS = dict(
    zip(
        "⺠⺩⺬⺻⺽⻁⻄⻅⻆⻉⻋⻑⻓⻔⻗⻘⻙⻚⻛⻜⻝⻡⻢⻣⻤⻥⻦⻧⻨⻩⻪⻬⻮⻯⻰",
        "民王示聿臼虎西见角贝车长长门雨青韦页风飞食首马骨鬼鱼鸟卤麦黄黾齐齿龙龙",
        strict=True,
    )
)
_TRADITIONAL_FILE = Path(__file__).with_name("traditional.txt")
TRADITIONAL = {
    row[0]: row[1]
    for row in _TRADITIONAL_FILE.read_text(encoding="utf-8").splitlines()
    if not row.startswith("#")
}
"""Traditional to Simplified, one character to one; no target is itself a key."""

_WHITESPACE = {"Cc", "Cs", "Zl", "Zp", "Zs"}
# Invisible by Unicode's Default_Ignorable_Code_Point, in addition to category Cf.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)

# Scripts written without spaces between words: each character is a unit. All of CJK from the
# radicals to the Yi syllables, Hangul, compatibility ideographs, Tangut to Nüshu, planes 2 and 3.
_SOLITARY = (
    "\u1100-\u11ff\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
    "\U00016fe0-\U0001b2ff\U00020000-\U0003ffff"
)
# Numerals that are neither letters nor decimal digits, those that texts use: ½ ⅓ Ↄ ① ❶.
_NUMERALS = "\u00b2\u00b3\u00b9\u00bc-\u00be\u2070-\u2094\u2150-\u218b\u2460-\u24ff\u2776-\u2793"
LETTER = rf"[^\W\d_{_SOLITARY}{_NUMERALS}]"
"""Regular expression for one letter of a script that separates words with spaces."""

# Han characters come first because nearly all are; they would also be found last.
_UNIT = re.compile(rf"[\u4e00-\u9fff]|\d+|{LETTER}+|[^ ]")
# Characters that may combine with the one before them: vowels and finals of Hangul, half-width
# voiced marks. Folding one cluster (see _clusters) never depends on the next.
_JOINING = "\u1160-\u11ff\uffa0-\uffdc\uff9e\uff9f"


class _Table(dict[int, str]):
    """What each character folds to; computed on first use, since few of a million occur."""

    def __missing__(self, code: int) -> str:
        before, folded = "", chr(code)
        while folded != before:
            before = folded
            folded = unicodedata.normalize("NFC", "".join(map(_fold_character, before)))
        self[code] = folded
        return folded


def _fold_character(character: str) -> str:
    category = unicodedata.category(character)
    if category in _WHITESPACE:
        return " "
    if category == "Cf" or _INVISIBLE.match(character):
        return ""
    if character == "İ":
        return "i"  # Case folding would leave a combining dot that nobody types.
    plain = unicodedata.normalize("NFKC", character)
    if " " in plain or _would_run_together(character, category, plain):
        plain = character
    folded = plain.casefold()
    return "".join(TRADITIONAL.get(c, c) for c in (_RADICALS.get(c, c) for c in folded))


def _would_run_together(character: str, category: str, plain: str) -> bool:
    tag = unicodedata.decomposition(character).partition(" ")[0]
    encircled = tag == "<circle>" and re.fullmatch(rf"[{_SOLITARY}]", plain) is None
    return encircled or tag == "<fraction>" or (tag == "<super>" and category.startswith("S"))


_TABLE = _Table()


def fold(text: str) -> str:
    """``text`` as search compares it; folding it again changes nothing.

    >>> fold("危房\\u3000改造 ㎡ ①")
    '危房 改造 m2 ①'
    """
    if unicodedata.is_normalized("NFC", text):
        folded = text.translate(_TABLE)
        if unicodedata.is_normalized("NFC", folded):
            return folded
    return "".join(map(_fold_cluster, _clusters(text)))


def fold_with_map(text: str) -> tuple[str, list[int]]:
    """The folded text, and for each of its characters the offset in ``text`` it comes from.

    The list ends with one more offset, the length of ``text``; see :func:`original_span`.
    """
    folded: list[str] = []
    positions: list[int] = []
    offset = 0
    for cluster in _clusters(text):
        piece = _TABLE[ord(cluster)] if len(cluster) == 1 else _fold_cluster(cluster)
        folded.append(piece)
        positions.extend([offset] * len(piece))
        offset += len(cluster)
    positions.append(offset)
    return "".join(folded), positions


def original_span(positions: list[int], start: int, end: int) -> tuple[int, int]:
    """The span of the original text that holds ``folded[start:end]``, whole characters only."""
    last = positions[end - 1]
    while positions[end] == last:
        end += 1
    return positions[start], positions[end]


def units(folded: str) -> list[list[str]]:
    """The units of each stretch of a folded text, which spaces separate.

    A unit is a run of letters, a run of decimal digits, or any other single character: Han
    characters, kana, bopomofo, Hangul and Yi syllables, punctuation marks.

    >>> units("70天决战 covid-19")
    [['70', '天', '决', '战'], ['covid', '-', '19']]
    """
    return [_UNIT.findall(stretch) for stretch in folded.split()]


def _fold_cluster(cluster: str) -> str:
    before, folded = None, cluster
    while folded != before:
        before = folded
        folded = unicodedata.normalize("NFC", before).translate(_TABLE)
        folded = unicodedata.normalize("NFC", folded)
    return folded


_JOINS = re.compile(f"[{_JOINING}]")


class _Joins(dict[str, bool]):
    """Whether a character may combine with the one before it."""

    def __missing__(self, character: str) -> bool:
        joins = (
            unicodedata.category(character).startswith("M")
            or not _TABLE[ord(character)]
            or _JOINS.match(character) is not None
        )
        self[character] = joins
        return joins


_COMBINES = _Joins()


def _clusters(text: str) -> list[str]:
    starts = [i for i, character in enumerate(text) if not _COMBINES[character]]
    if not starts or starts[0] != 0:
        starts.insert(0, 0)
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
