"""Which known pages are asked for again on a night: schedule, budget, and what is found late."""

from __future__ import annotations

import math
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.clock import julian_day
from archive.storage.rechecks import (
    PageHistory,
    change_rate,
    choose,
    expected_changes,
    interval,
)
from archive.storage.store import Store
from tests.test_store import HOME, PAGE, SOURCES, capture, page_html, record

T = 1_000.0
_PLAIN = PageHistory(
    address="https://www.sample.example/1.html",
    channel="news",
    etag=None,
    last_modified=None,
    captured=1,
    first_met=T,
    last_asked=T,
    last_good=T,
    checks=0,
    changes=0,
    listed=None,
    nights_missed=0,
    first_missed=None,
    moved=0,
    held=0,
    replaced=0,
    doubted=0,
)


def page(**changes: object) -> PageHistory:
    return _PLAIN._replace(**changes)  # type: ignore[arg-type]


def nights_asked(history: PageHistory, nights: int) -> list[int]:
    """The nights on which a page is asked for, when nothing ever changes."""
    found = []
    for night in range(1, nights + 1):
        if choose([history], T + night, 1):
            found.append(night)
            history = history._replace(
                last_asked=T + night, last_good=T + night, checks=history.checks + 1
            )
    return found


def test_daily_for_a_week_then_at_growing_intervals_up_to_a_year() -> None:
    nights = nights_asked(page(), 6_000)
    assert nights[:8] == list(range(1, 9))
    for night, later in pairwise(nights):
        # An eighth, or down to seven tenths of that; a night comes once a day.
        assert 0.7 * night / 8 - 1 <= later - night <= max(1, night / 8 + 1) or night > 2_900
        assert later - night <= 365
    assert 255 <= nights[-1] - nights[-2] <= 365
    # In its first year a page costs some 45 requests.
    assert 40 < sum(night <= 365 for night in nights) < 50


def test_a_second_crawl_on_a_day_asks_for_fresh_pages_only() -> None:
    assert choose([page()], T + 0.1, 9)
    assert choose([page(last_asked=T + 6.8)], T + 6.9, 9)
    assert not choose([page(last_asked=T + 7)], T + 7.1, 9)
    old = page(last_asked=T + 60)
    assert not choose([old], T + 60.1, 9)


def test_nights_do_not_begin_to_the_minute() -> None:
    old = page(last_asked=T + 8)
    assert choose([old], T + 8.6, 9)


def test_the_estimator_is_the_one_of_the_paper() -> None:
    """Cho and Garcia-Molina 2003: n = 10 checks, 3 of them with a change, a day apart."""
    changed = page(checks=10, changes=3, last_good=T + 10)
    assert change_rate(changed) == pytest.approx(-math.log(7.5 / 10.5))
    # Where every check found a change the rate is high but not without bound.
    always = page(checks=10, changes=10, last_good=T + 10)
    assert change_rate(always) == pytest.approx(-math.log(0.5 / 10.5))
    assert change_rate(page(checks=10, last_good=T + 10)) == 0.0
    # Checks two days apart: half the rate.
    slower = page(checks=10, changes=3, last_good=T + 20)
    assert change_rate(slower) == pytest.approx(change_rate(changed) / 2)


def test_a_page_that_changed_before_is_asked_for_sooner() -> None:
    known = {"last_asked": T + 160, "last_good": T + 160, "checks": 40}
    never, once, often = (page(**known, changes=n) for n in (0, 1, 20))
    waits = [interval(p, T + 160) for p in (never, once, often)]
    assert waits[0] == waits[1] > waits[2]
    assert waits[2] < 4
    assert expected_changes(often, T + 165) > expected_changes(once, T + 165)


@pytest.mark.parametrize(
    ("state", "night_by_night"),
    [({"held": 1}, True), ({"nights_missed": 1, "first_missed": T + 399}, True)],
    ids=["held", "missing"],
)
def test_what_is_undecided_is_asked_for_on_the_next_night_before_all_else(
    state: dict[str, object], night_by_night: bool
) -> None:
    undecided = page(**state, last_asked=T + 400, address="https://www.sample.example/9.html")
    others = [page(last_asked=T, address=f"https://www.sample.example/{n}") for n in range(5)]
    assert choose([*others, undecided], T + 401, 1) == [undecided]
    assert night_by_night


def test_the_old_addresses_of_a_redesign_leave_half_of_the_budget_to_others() -> None:
    """A new source file puts all that is known in doubt at once."""
    site = "https://www.sample.example"
    old = [page(doubted=1, replaced=1, address=f"{site}/{n:02}") for n in range(50)]
    fresh = [page(address=f"{site}/new/{n}", first_met=T + 400, last_asked=T + 400) for n in "abcd"]
    chosen = choose([*old, *fresh], T + 401, 7)
    assert chosen == [*old[:4], *fresh[:3]]
    # Where fewer others are due, the old addresses have the rest; a page that is missing is first.
    assert choose([*old, *fresh], T + 401, 20) == [*old[:16], *fresh]
    missing = page(nights_missed=1, first_missed=T + 399, address=f"{site}/z", last_asked=T + 400)
    assert choose([*old, missing], T + 401, 3) == [missing, *old[:2]]


def test_a_gone_page_is_asked_for_ever_more_rarely() -> None:
    def gone(days: float) -> PageHistory:
        return page(nights_missed=3, first_missed=T + 400, last_asked=T + 400 + days)

    assert choose([gone(2)], T + 403, 1)
    assert not choose([gone(80)], T + 480 + 6, 1)
    assert choose([gone(80)], T + 480 + 10, 1)
    assert choose([gone(8_000)], T + 8_400 + 365, 1)
    assert interval(gone(80_000), T) <= 365


def test_addresses_that_tell_nothing_new_are_asked_for_rarely() -> None:
    moved = page(moved=1, last_asked=T + 20)
    assert 63 <= interval(moved, T + 21) <= 91
    replaced = page(nights_missed=2, first_missed=T + 19, replaced=1, last_asked=T + 20)
    assert 255 <= interval(replaced, T + 21) <= 365


def test_a_page_that_never_came_is_asked_for_ever_more_rarely_too() -> None:
    failed = page(captured=0, last_good=None, last_asked=T + 30)
    assert interval(failed, T + 31) < 4
    later = page(captured=0, last_good=None, last_asked=T + 3_650)
    assert 255 <= interval(later, T + 3_651) <= 365


def test_backfilled_pages_wait_behind_fresh_ones() -> None:
    old = [
        page(address=f"https://www.sample.example/a{n}", listed=T - 2_000 - n) for n in range(50)
    ]
    fresh = [page(address=f"https://www.sample.example/new{n}", listed=T - 1) for n in range(10)]
    assert set(choose([*old, *fresh], T + 1, 10)) == set(fresh)
    assert len(choose([*old, *fresh], T + 1, 60)) == 60


def test_pages_of_one_night_do_not_fall_due_on_one_night() -> None:
    cohort = [page(address=f"https://www.sample.example/{n}") for n in range(300)]
    due = Counter(night for p in cohort for night in nights_asked(p, 200) if night > 100)
    # An interval of two weeks: within it each page is due once or twice.
    assert max(due.values()) < 60
    assert sum(n > 0 for n in due.values()) > 80


def test_a_clock_that_was_ahead_does_not_silence_a_page() -> None:
    asked_in_the_future = page(first_met=T - 400, last_asked=T + 365)
    assert choose([asked_in_the_future], T, 1)


@given(
    st.lists(
        st.tuples(
            st.floats(0, 3_000),
            st.floats(0, 1),
            st.integers(0, 60),
            st.integers(0, 60),
            st.integers(0, 4),
            st.booleans(),
        ),
        max_size=30,
    ),
    st.integers(0, 20),
    st.randoms(use_true_random=False),
)
def test_the_choice_is_bounded_and_does_not_depend_on_order(
    past: list[tuple[float, float, int, int, int, bool]], budget: int, chance: random.Random
) -> None:
    pages = [
        page(
            address=f"https://www.sample.example/{number}",
            first_met=T - age,
            last_asked=T - age * part,
            last_good=T - age * part,
            checks=checks,
            changes=changes,
            nights_missed=missed,
            first_missed=T - age * part if missed else None,
            moved=int(moved),
        )
        for number, (age, part, checks, changes, missed, moved) in enumerate(past)
    ]
    chosen = choose(pages, T, budget)
    assert len(chosen) <= budget
    assert len(set(chosen)) == len(chosen)
    shuffled = pages[:]
    chance.shuffle(shuffled)
    assert choose(shuffled, T, budget) == chosen
    assert all(0 <= interval(p, T) <= 365 for p in pages)


# From the database


def asked_again(data: Path, at: str, budget: int | None = 99) -> list[str]:
    with Store(data, SOURCES) as store:
        return [p.address for p in store.crawls.rechecks("mohurd", ["xwfb"], at, budget)]


def day(number: int) -> str:
    return f"2026-11-{number:02d}T18:00:00Z"


def test_the_columns_are_those_that_the_schedule_reads(tmp_path: Path) -> None:
    page_1, page_2 = page_html("甲。"), page_html("乙。")
    other = f"{HOME}/xwfb/202005/t20200529_2.html"
    record(
        tmp_path,
        capture(body=page_1, at=day(1)),
        capture(body=page_1, at=day(2)),
        capture(body=page_2, at=day(3)),
        capture(other, page_html("丙。"), at=day(1)),
    )
    assert asked_again(tmp_path, day(4)) == [PAGE, other]
    assert asked_again(tmp_path, day(4), 1) == [PAGE]
    assert asked_again(tmp_path, "2027-11-04T18:00:00Z") == [PAGE, other]
    assert julian_day("2000-01-01T12:00:00Z") == 2_451_545.0


def test_a_missing_page_is_asked_for_until_it_is_gone_then_more_rarely(tmp_path: Path) -> None:
    record(tmp_path, capture(body=page_html("甲。"), at="2026-03-01T18:00:00Z"))
    for night in (1, 2, 3):
        assert asked_again(tmp_path, day(night)) == [PAGE]
        record(tmp_path, capture(status=404, at=day(night)))
    assert asked_again(tmp_path, day(4)) == [PAGE]
    record(tmp_path, capture(status=404, at=day(25)))
    assert asked_again(tmp_path, day(26)) == []
    assert asked_again(tmp_path, day(28)) == [PAGE]


def test_where_a_page_moved_is_asked_and_its_old_address_rarely(tmp_path: Path) -> None:
    target = f"{HOME}/xwfb/202005/t20200529_2.html"
    record(
        tmp_path,
        capture(body=page_html("甲。"), at=day(1)),
        capture(status=301, at=day(2), Location=target),
        capture(target, page_html("甲。"), at=day(2)),
    )
    assert asked_again(tmp_path, day(3)) == [target]
    assert set(asked_again(tmp_path, "2027-02-10T18:00:00Z")) == {PAGE, target}


def test_an_old_address_is_asked_for_as_soon_as_its_bulletin_is_met_elsewhere(
    tmp_path: Path,
) -> None:
    elsewhere = f"{HOME}/xinwen/gzdt/202005/20200528_1.html"
    record(tmp_path, capture(body=page_html("甲。"), at="2026-03-01T18:00:00Z"))
    record(tmp_path, capture(body=page_html("甲。"), at=day(1)))
    assert asked_again(tmp_path, day(4)) == []
    record(tmp_path, capture(elsewhere, page_html("甲。"), at=day(3), channel="gzdt-2021"))
    assert asked_again(tmp_path, day(4)) == [PAGE]
    record(tmp_path, capture(status=404, at=day(4)))
    # Which is asked for at once too, where the other one went missing.
    with Store(tmp_path, SOURCES) as store:
        chosen = store.crawls.rechecks("mohurd", ["gzdt-2021"], day(5), 9)
    assert [page.address for page in chosen] == [elsewhere]
    record(tmp_path, capture(elsewhere, page_html("甲。"), at=day(5), channel="gzdt-2021"))
    assert asked_again(tmp_path, day(6)) == []


def test_a_page_whose_answer_is_held_is_asked_for_each_night(tmp_path: Path) -> None:
    long = "".join(f"第{number}批改造危房，各县已报来进度。" for number in range(60))
    record(
        tmp_path,
        capture(body=page_html(long), at="2026-03-01T18:00:00Z"),
        capture(status=304, at="2026-10-25T18:00:00Z"),
    )
    assert asked_again(tmp_path, day(2)) == []
    [shrunk] = record(tmp_path, capture(body=page_html("改造危房。"), at=day(1)))
    assert shrunk.kind == "held"
    assert asked_again(tmp_path, day(2)) == [PAGE]
    # Nobody decides: after a month it waits its turn with the others.
    record(tmp_path, capture(status=304, at=day(2)))
    [again] = record(tmp_path, capture(body=page_html("别的。"), at=day(3)))
    assert again.kind == "held"
    record(tmp_path, capture(status=500, at="2026-12-10T18:00:00Z"))
    assert asked_again(tmp_path, "2026-12-11T18:00:00Z") == []


def test_a_bulletin_that_moved_is_as_old_as_it_was(tmp_path: Path) -> None:
    elsewhere = f"{HOME}/xwfb/202005/20200528_1.html"
    record(
        tmp_path,
        capture(body=page_html("甲。"), at="2026-03-01T18:00:00Z"),
        capture(elsewhere, page_html("甲。"), at=day(1)),
        capture(status=404, at=day(1)),
    )
    assert asked_again(tmp_path, day(2)) == []


def test_everything_that_was_captured_without_a_budget(tmp_path: Path) -> None:
    record(tmp_path, capture(body=page_html("甲。"), at=day(1)))
    assert asked_again(tmp_path, day(1), None) == [PAGE]
    with Store(tmp_path, SOURCES) as store:
        assert store.crawls.rechecks("mohurd", ["gzdt"], day(1), None) == []


# How many changes are found late


def found_after(nights: int, budget: int, seed: int = 1) -> tuple[list[float], float]:
    """The days until each change of a page that seldom changes was found; the requests a night.

    A source with ten new pages a day. One page in five changes once, at an age from an hour to a
    year, each factor of e as likely as the other: half of these changes in the first four days.
    One in fifty changes every ten days, so that there is something to do besides.
    """
    chance = random.Random(seed)
    pages: dict[str, PageHistory] = {}
    changes: dict[str, list[float]] = {}
    delays: list[float] = []
    asked = 0
    for night in range(nights):
        at = T + night
        for number in range(10):
            name = f"https://www.sample.example/{night}-{number}"
            pages[name] = page(address=name, first_met=at, last_asked=at, last_good=at)
            kind = chance.random()
            if kind < 0.02:
                changes[name] = [at + chance.expovariate(0.1) * n for n in range(1, 60)]
            elif kind < 0.22:
                changes[name] = [at + math.exp(chance.uniform(math.log(0.04), math.log(365)))]
        chosen = choose(pages.values(), at, budget)
        asked += len(chosen)
        for p in chosen:
            known = changes.get(p.address, [])
            news = [change for change in known if change <= at]
            if len(known) == 1:
                delays += [at - change for change in news]
            if news:
                changes[p.address] = [change for change in known if change > at]
            pages[p.address] = p._replace(
                last_asked=at, last_good=at, checks=p.checks + 1, changes=p.changes + bool(news)
            )
    return delays, asked / nights


@pytest.mark.long
def test_few_changes_are_found_late() -> None:
    delays, a_night = found_after(730, budget=500)
    late, very = (sum(d > days for d in delays) / len(delays) for days in (7, 31))
    print(f"{len(delays)} changes, {late:.1%} late, {very:.1%} very late, {a_night:.0f} a night")
    assert late < 0.15
    assert very < 0.03
    assert a_night <= 500
