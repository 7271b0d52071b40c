"""Numbers in Chinese characters: read, and written in place of digits.

Written by hand, for the few forms that dates and numbers of issues take: cn2an reads them too, but
takes 0.1 s to import and would be the slowest import of ``bulletins parse``.
"""

from __future__ import annotations

import re

HAN_DIGITS = "〇一二三四五六七八九"
"""The digits from 0 to 9, as a year is written with them."""

_VALUES = {digit: value for value, digit in enumerate(HAN_DIGITS)} | {"零": 0, "○": 0, "两": 2}
_DIGIT = "[一二三四五六七八九两]"
_COUNT = re.compile(rf"(?:({_DIGIT}?)百[零〇○]?)?(?:({_DIGIT}?)十)?({_DIGIT}?)")
_TENS = re.compile("[一二三四五六七八九]?十[一二三四五六七八九]?")
_IN_ARABIC = str.maketrans(HAN_DIGITS + "零", "01234567890")
_IN_HAN = str.maketrans("0123456789", HAN_DIGITS)
# Counted, not spelt digit by digit: the 12 of 12月, not the 2020 of 2020年.
_COUNTED = re.compile(r"\d{1,2}(?=[月日号周天])")


def number_of(numeral: str) -> int | None:
    """The number that a numeral stands for, None where it is not one.

    Digits (12), digit by digit (二〇二〇, 二〇), or counted up to 999 (二十八, 一百零三).
    """
    if numeral.isdecimal():
        return int(numeral)
    if numeral and all(char in _VALUES for char in numeral):
        return int("".join(str(_VALUES[char]) for char in numeral))
    read = _COUNT.fullmatch(numeral) if numeral else None
    if read is None:
        return None
    hundreds, tens, ones = read.groups()
    # 十 and 百 without a digit before them are one ten and one hundred.
    return (
        (100 * _VALUES.get(hundreds, 1) if hundreds is not None else 0)
        + (10 * _VALUES.get(tens, 1) if tens is not None else 0)
        + _VALUES.get(ones, 0)
    )


def with_digits(text: str) -> str:
    """五月十二日 as 5月12日, 二〇二〇年 as 2020年; the rest of the text as it is."""
    return _TENS.sub(lambda found: str(number_of(found[0])), text).translate(_IN_ARABIC)


def with_han(text: str) -> str:
    """5月12日 as 五月十二日, 2020年 as 二〇二〇年; the rest of the text as it is."""
    return _COUNTED.sub(lambda found: counted(int(found[0])), text).translate(_IN_HAN)


def counted(number: int) -> str:
    """A number from 0 to 999 as it is counted: 二十八, 一百零三."""
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    if hundreds:
        link = "零" if rest and not tens else ""
        ten = f"{HAN_DIGITS[tens]}十" if tens else link
        return f"{HAN_DIGITS[hundreds]}百{ten}{HAN_DIGITS[ones] if ones else ''}"
    ten = f"{HAN_DIGITS[tens] if tens > 1 else ''}十" if tens else ""
    return ten + (HAN_DIGITS[ones] if ones or not tens else "")
