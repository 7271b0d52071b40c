"""Removals: three nights for one page; many at once are the site's trouble and no removal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from archive.captures.warc import Capture
from archive.storage.removals import FEW
from tests.crawling import rows
from tests.test_holds import MENDING, address, page, record, text
from tests.test_store import HOME, capture, same_after_rebuild


def missing(number: int, night: int, month: int = 11, **answer: str) -> Capture:
    at = f"2026-{month:02}-{night:02}T18:00:00Z"
    return capture(address(number), at=at, status=302 if answer else 404, **answer)


def night_of(folder: Path, night: int, gone: Iterable[int], there: Iterable[int] = ()) -> None:
    record(folder, *(page(n, night) for n in there), *(missing(n, night) for n in gone))


def gone(folder: Path) -> int:
    [(count,)] = rows(folder, "SELECT count(*) FROM bulletins WHERE status = 'gone'")
    return int(str(count))


def many(folder: Path) -> list[tuple[object, ...]]:
    return rows(
        folder,
        "SELECT url, channel, count, first_seen, resolved_at FROM incidents"
        " WHERE kind = 'many-missing' ORDER BY first_seen",
    )


def test_a_redesign_is_no_removal(tmp_path: Path) -> None:
    numbers = range(1, 9)
    night_of(tmp_path, 1, (), numbers)
    for night in range(2, 8):
        night_of(tmp_path, night, numbers)
    assert gone(tmp_path) == 0
    # One incident for the source, from the third night on, a night at a time.
    first = "2026-11-04T18:00:00Z"
    assert many(tmp_path) == [(HOME, None, 4, first, None)]
    # A few that are still missing are no longer many: the trouble is over, their status stays.
    night_of(tmp_path, 8, range(4, 9), range(1, 4))
    assert many(tmp_path) == [(HOME, None, 4, first, "2026-11-08T18:00:00Z")]
    for night in range(9, 13):
        night_of(tmp_path, night, range(4, 9), range(1, 4))
    assert gone(tmp_path) == 0
    same_after_rebuild(tmp_path)


@pytest.mark.long
def test_what_is_found_elsewhere_settles_it_too(tmp_path: Path) -> None:
    numbers = range(1, 9)
    night_of(tmp_path, 1, (), numbers)
    for night in (2, 3, 4):
        night_of(tmp_path, night, numbers)
    assert [end for *_, end in many(tmp_path)] == [None]
    for number in numbers:
        moved = page(number, 5)
        there = f"{HOME}/xinwen/gzdt/202005/20200528_{number}.html"
        record(tmp_path, capture(there, moved.body, at=moved.fetched_at, channel="xwfb"))
    assert [end for *_, end in many(tmp_path)] == ["2026-11-05T18:00:00Z"]
    assert rows(tmp_path, "SELECT DISTINCT status, revision FROM bulletins") == [("live", 1)]
    same_after_rebuild(tmp_path)


@pytest.mark.long
def test_half_a_year_is_removal_enough(tmp_path: Path) -> None:
    numbers = range(1, 8)
    night_of(tmp_path, 1, (), numbers)
    for night in (2, 3, 4):
        night_of(tmp_path, night, numbers)
    record(tmp_path, missing(1, 30, month=4))
    assert gone(tmp_path) == 0
    later = [
        capture(address(n), status=404, at=f"2027-{when}T18:00:00Z")
        for n, when in ((1, "05-01"), (2, "05-02"))
    ]
    record(tmp_path, *later)
    assert rows(tmp_path, "SELECT slug FROM bulletins WHERE status = 'gone'") == [("mohurd-2",)]
    same_after_rebuild(tmp_path)


@pytest.mark.long
@pytest.mark.parametrize(
    ("lost", "there", "removed"),
    [(FEW, 1, FEW), (FEW + 1, 1, 0), (FEW + 1, 24, FEW + 1), (FEW + 1, 23, 0)],
    ids=["a few", "nearly all", "a fifth", "more than a fifth"],
)
def test_how_many_are_many(tmp_path: Path, lost: int, there: int, removed: int) -> None:
    numbers, others = range(1, lost + 1), range(100, 100 + there)

    def good_at(night: int, found: Iterable[int]) -> list[Capture]:
        return [page(n, night, text(n), f"样例{n}号通报") for n in found]

    record(tmp_path, *good_at(1, (*numbers, *others)))
    for night in (2, 3, 4):
        good = good_at(night, others)
        record(tmp_path, *(missing(n, night) for n in numbers), *good)
    assert gone(tmp_path) == removed
    assert bool(many(tmp_path)) == (removed == 0)


@pytest.mark.long
def test_pages_that_go_missing_one_by_one_are_removed_one_by_one(tmp_path: Path) -> None:
    numbers = range(1, 10)
    night_of(tmp_path, 1, (), numbers)
    for night in range(2, 24):
        lost = [n for n in numbers if n <= night // 2 and night - 2 * n <= 3]
        there = [n for n in numbers if n > night // 2]
        night_of(tmp_path, night, lost, there)
    assert gone(tmp_path) == 9
    assert many(tmp_path) == []
    same_after_rebuild(tmp_path)


@pytest.mark.long
def test_a_redesign_that_the_re_checks_meet_a_few_pages_a_night(tmp_path: Path) -> None:
    """Every page asked for is missing, three new ones a night."""
    numbers = range(1, 13)
    night_of(tmp_path, 1, (), numbers)
    for night in range(2, 9):
        night_of(tmp_path, night, range(1, min(12, 3 * (night - 1)) + 1))
    # Those of the first night alone could not be told from three removals.
    assert gone(tmp_path) == 3
    assert len(many(tmp_path)) == 1


@pytest.mark.long
def test_all_addresses_that_lead_to_pages_that_are_missing(tmp_path: Path) -> None:
    numbers = range(1, 9)
    night_of(tmp_path, 1, (), numbers)
    for night in range(2, 7):
        at = f"2026-11-{night:02}T18:00:00Z"
        answers: list[Capture] = []
        for number in numbers:
            there = f"{HOME}/xinwen/gzdt/art/2020/art_304_{900 + number}.html"
            answers.append(capture(address(number), at=at, status=301, Location=there))
            answers.append(capture(there, at=at, status=404, channel="gzdt"))
        record(tmp_path, *answers)
    assert gone(tmp_path) == 0
    assert len(many(tmp_path)) == 1
    same_after_rebuild(tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("location", ["/", "/404.html", "/public/error.jsp", "../index.html"])
def test_a_redirect_to_the_front_page_is_a_miss(tmp_path: Path, location: str) -> None:
    kinds = record(
        tmp_path, page(1, 1), *(missing(1, night, Location=location) for night in (2, 3, 4))
    )
    assert kinds == ["new", "missing", "missing", "missing"]
    assert gone(tmp_path) == 1
    assert rows(tmp_path, "SELECT count(*) FROM incidents") == [(0,)]
    same_after_rebuild(tmp_path)


def test_of_a_page_that_was_never_read_such_a_redirect_tells_nothing(tmp_path: Path) -> None:
    assert record(tmp_path, missing(1, 1, Location="/404.html")) == ["failed"]
    assert rows(tmp_path, "SELECT kind FROM incidents") == [("moved",)]


def test_a_page_that_says_with_200_that_it_is_not_there_is_a_miss(tmp_path: Path) -> None:
    said = "<html><head><title>提示</title></head><body><p>您访问的页面已删除</p></body></html>"
    answers = [
        capture(address(1), said.encode(), at=f"2026-11-0{night}T18:00:00Z") for night in (2, 3, 4)
    ]
    assert record(tmp_path, page(1, 1), *answers) == ["new", "missing", "missing", "missing"]
    assert gone(tmp_path) == 1
    unknown = capture(address(2), said.encode(), at="2026-11-05T18:00:00Z")
    assert record(tmp_path, unknown) == ["missing"]
    assert rows(tmp_path, "SELECT url, message FROM incidents") == [
        (
            address(2),
            "listed, but the site says that there is no such page: it may never have been there",
        )
    ]


def test_a_held_answer_is_no_miss(tmp_path: Path) -> None:
    odd = [page(1, night, MENDING * 3, "例行检修公告") for night in (3, 4)]
    record(tmp_path, page(1, 1), missing(1, 2), *odd, missing(1, 5))
    assert rows(tmp_path, "SELECT nights_missed FROM addresses") == [(2,)]
    assert gone(tmp_path) == 0
