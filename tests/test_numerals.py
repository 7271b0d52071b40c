"""Numbers in Chinese characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.normalise.numerals import HAN_DIGITS, counted, number_of, with_digits, with_han


@pytest.mark.parametrize(
    ("numeral", "number"),
    [
        ("3", 3),
        ("１２", 12),
        ("三", 3),
        ("两", 2),
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("二十八", 28),
        ("二〇", 20),
        ("二○二一", 2021),
        ("零三", 3),
        ("百", 100),
        ("百二十", 120),
        ("一百零三", 103),
        ("一百一十", 110),
        ("九百九十九", 999),
    ],
)
def test_numerals(numeral: str, number: int) -> None:
    assert number_of(numeral) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "十十",
        "二十十",
        "十二三",
        "二三十",
        "〇十",
        "百百",
        "一千",
        "几",
        "3十",
        "²",
        "-1",
        " 3",
    ],
)
def test_what_is_not_a_numeral(text: str) -> None:
    assert number_of(text) is None


@given(st.integers(0, 999))
def test_a_counted_number_is_read_back(number: int) -> None:
    assert number_of(counted(number)) == number


@given(st.integers(1, 10**6))
def test_a_number_in_han_digits_is_read_back(number: int) -> None:
    assert number_of("".join(HAN_DIGITS[int(digit)] for digit in str(number))) == number


@given(st.text(HAN_DIGITS + "零十百两几3期", max_size=8))
def test_any_text_is_a_number_or_none(text: str) -> None:
    number = number_of(text)
    assert number is None or number >= 0


@pytest.mark.parametrize(
    ("han", "digits"),
    [("五月十二日", "5月12日"), ("二〇二〇年", "2020年"), ("二十天", "20天"), ("周三", "周3")],
)
def test_numbers_are_written_with_digits(han: str, digits: str) -> None:
    assert with_digits(han) == digits


def test_numbers_are_written_in_han() -> None:
    assert with_han("2020年5月12日，30天") == "二〇二〇年五月十二日，三十天"


@given(st.integers(1900, 2099), st.integers(1, 12), st.integers(1, 31))
def test_a_date_in_either_script_is_the_same(year: int, month: int, day: int) -> None:
    written = f"{year}年{month}月{day}日"
    assert with_digits(with_han(written)) == written
