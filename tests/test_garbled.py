"""Pages whose characters were lost are garbled; no page with words is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.captures.garbled import MAX_FOREIGN, MIN_TEXT, is_garbled

SAID = "样例：黑龙江省改造农村危房一百二十户，青海省开工四十户。"


@pytest.mark.parametrize(
    "text",
    [
        "\ufffd" * 40,
        "????" * 20,
        SAID + "\ufffd\ufffd\ufffd",
        SAID.encode().decode("latin-1"),
        SAID.encode("gb18030").decode("latin-1"),
        "锟斤拷锟斤拷锟斤拷锟斤拷锟斤拷",
    ],
)
def test_lost_characters(text: str) -> None:
    assert is_garbled(text)


@pytest.mark.parametrize(
    "text",
    [
        SAID,
        SAID + "怎么办?",
        "2020 1,234.5 67.8% 90",
        "Ministry of samples: progress report for May",
        "??",
        SAID * 3 + "\ufffd",
    ],
)
def test_words(text: str) -> None:
    assert not is_garbled(text)


@given(st.text("样例省市县危房改造，。0123456789", min_size=1))
def test_nothing_written_in_chinese_is_garbled(text: str) -> None:
    assert not is_garbled(text)


@given(st.text("样例省，\x7f\x80é\xff\u024f\u0250 ", min_size=MIN_TEXT))
def test_letters_with_accents_are_counted_one_by_one(text: str) -> None:
    said = "".join(text.split())
    foreign = sum("\x80" <= character <= "\u024f" for character in said)
    assert is_garbled(text) == (len(said) >= MIN_TEXT and foreign > len(said) * MAX_FOREIGN)
