"""When a page says that it came out: what is asked, and what need not be asked any more."""

from __future__ import annotations

from itertools import product

import pytest

from archive.parse import detail_page
from archive.parse.detail_page import read_page
from archive.parse.html import parse
from archive.parse.publication import credit_of, published_at
from archive.parse.written_dates import read_date_time

WRITTEN = ("", "2020-05-28", "2020-05-28 10:00", "2020-05-29 08:00", "样例")
BODY = "<div class='TRS_Editor'><p>样例：黑龙江省改造农村危房一百二十户。</p></div>"


def not_asked() -> str:
    raise AssertionError("the text around was asked for")


@pytest.mark.parametrize(("first", "second", "shown"), [*product(WRITTEN, repeat=3)])
def test_the_first_date_and_its_first_time_of_day(first: str, second: str, shown: str) -> None:
    root = parse(f"<html><body>{BODY}</body></html>")
    assert root is not None
    metas = {"pubdate": first, "publishdate": second}
    read = [pair for text in (first, second, shown) if (pair := read_date_time(text))]
    day = read[0][0] if read else None
    instant = next((at for other, at in read if other == day and at), None)
    assert published_at(root, metas, (), lambda: f"发布时间：{shown}") == (day, instant)


def test_what_stands_around_is_not_asked_for_what_meta_tags_say() -> None:
    root = parse(f"<html><body>{BODY}</body></html>")
    assert root is not None
    found = published_at(root, {"pubdate": "2020-05-28 10:00"}, (), not_asked)
    assert found[1] == "2020-05-28T02:00:00Z"
    assert credit_of({"contentsource": "样例 建设报"}, not_asked) == "样例 建设报"


@pytest.mark.parametrize(("meta", "readings"), [("2020-05-28 10:00", 1), ("2020-05-28", 2)])
def test_a_page_s_surroundings_are_read_at_most_once(
    meta: str, readings: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    lines_of = detail_page.lines_of
    monkeypatch.setattr(
        detail_page,
        "lines_of",
        lambda *given, **named: asked.append(1) or lines_of(*given, **named),
    )
    head = f"<title>样例</title><meta name='PubDate' content='{meta}'>"
    head += "<meta name='ContentSource' content='样例建设报'>" if readings == 1 else ""
    read = read_page(f"<html><head>{head}</head><body><p>时间</p>{BODY}</body></html>", None)
    assert read.published is not None
    assert len(asked) == readings
