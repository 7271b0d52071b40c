"""The rule for reading a list, against lists that change between two requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.walk import FAR_NIGHTS, NEAR_NIGHTS, NEAR_PAGES, Walk


@dataclass
class ListServer:
    """A list of numbered items, newest first, that can change before each answer."""

    items: list[str]
    rows: int = 5
    pinned: list[str] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    made: int = 0
    before: Callable[[ListServer], None] = lambda server: None

    def page(self, number: int) -> frozenset[str]:
        self.before(self)
        self.asked.append(number)
        shown = [*self.pinned, *self.items]
        return frozenset(shown[(number - 1) * self.rows : number * self.rows])

    @property
    def depth(self) -> int:
        return -(-(len(self.pinned) + len(self.items)) // self.rows)

    def insert(self, at: int = 0, count: int = 1) -> None:
        new = [f"n{self.made + number}" for number in range(count, 0, -1)]
        self.made += count
        at = min(at, len(self.items))
        self.items[at:at] = new

    def remove(self, at: int) -> None:
        if len(self.items) > 1:
            del self.items[at % len(self.items)]


def server(count: int, rows: int = 5) -> ListServer:
    return ListServer([f"o{number}" for number in range(count, 0, -1)], rows)


class Reader:
    """What an archive keeps of a list from night to night."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.walks = 0

    def night(self, site: ListServer, *, full: bool = False) -> Walk:
        first = self.walks == 0 or full
        known = frozenset(self.known)
        walk = Walk() if first else Walk(known.__contains__, self.walks)
        site.asked.clear()
        while walk.next is not None:
            walk.read(site.page(walk.next))
        assert walk.done
        self.known |= walk.seen
        self.walks += 1
        return walk

    def lacks(self, site: ListServer, pages: int | None = None) -> set[str]:
        """The items on the first pages of a list that were never met."""
        shown = [*site.pinned, *site.items][: None if pages is None else pages * site.rows]
        return set(shown) - self.known


def archive_of(site: ListServer) -> Reader:
    """One that has read the whole list once."""
    reader = Reader()
    reader.night(site)
    assert not reader.lacks(site)
    return reader


# One night


def test_a_first_walk_goes_to_the_end_and_back_over_the_page_borders() -> None:
    site = server(17)
    Reader().night(site)
    assert site.asked == [1, 2, 3, 4, 5, 3, 2, 1]


def test_a_first_walk_of_a_long_list_goes_back_over_its_first_35_pages() -> None:
    site = server(5 * 60)
    Reader().night(site)
    assert site.asked == [*range(1, 62), *range(NEAR_PAGES, 0, -1)]


def test_a_quiet_night_reads_two_pages_and_the_share_of_the_deeper_ones() -> None:
    site = server(5 * 670)
    reader = archive_of(site)
    for night in range(1, 2 * FAR_NIGHTS):
        reader.night(site)
        assert site.asked[:2] == [1, 2]
        deeper = [number for number in range(3, 36) if number % 5 == (2 + night) % 5]
        far = [number for number in range(36, 671) if (number - 36) % 70 == night % 70]
        assert site.asked[2:-1] == [*deeper, *far]
        assert site.asked[-1] > 670
        assert len(site.asked) <= 2 + 7 + 10 + 1


def test_new_items_are_read_with_two_pages_below_them_and_the_first_page_again() -> None:
    site = server(100)
    reader = archive_of(site)
    site.insert(count=3)
    reader.night(site)
    assert site.asked[:4] == [1, 2, 3, 1]
    assert not reader.lacks(site)


def test_pinned_items_do_not_end_a_walk() -> None:
    site = server(100)
    reader = archive_of(site)
    site.pinned = site.items[-5:]
    site.insert(count=2)
    reader.night(site)
    assert not reader.lacks(site)


def test_a_list_in_another_order_is_read_as_before() -> None:
    site = server(60)
    reader = archive_of(site)
    site.insert(count=2)
    site.items.reverse()
    for _ in range(NEAR_NIGHTS):
        reader.night(site)
    assert not reader.lacks(site)


def test_a_list_that_shrinks_ends_where_it_ends() -> None:
    site = server(60)
    reader = archive_of(site)
    del site.items[7:]
    for _ in range(NEAR_NIGHTS):
        reader.night(site)
        assert site.asked[:2] == [1, 2]
        assert len(site.asked) <= 3


@pytest.mark.parametrize("known", [False, True], ids=["first", "later"])
@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_a_list_without_an_end_ends(known: bool, rounds: int) -> None:
    """A site that answers every number, going round its pages again."""
    site = server(5 * rounds)
    real = site.page
    reader = archive_of(site) if known else Reader()

    def around(number: int) -> frozenset[str]:
        return real((number - 1) % rounds + 1)

    site.page = around  # type: ignore[method-assign]
    reader.night(site)
    assert not reader.lacks(site)
    assert len(site.asked) <= 2 * rounds + 6


def test_a_share_page_that_cannot_be_read_is_passed_over() -> None:
    walk = Walk(lambda address: True, 0)
    asked = []
    while walk.next is not None and walk.next < 30:
        asked.append(walk.next)
        walk.read(None if walk.next == 7 else frozenset({f"x{walk.next}"}))
    assert asked == [1, 2, 7, 12, 17, 22, 27]
    assert walk.in_share
    walk.read(frozenset())
    assert walk.done


# While the list is being read


@pytest.mark.parametrize("rows", [6, 7, 10, 15, 20])
@pytest.mark.parametrize("when", [1, 3, 8])
def test_30_items_at_once_do_not_look_like_the_end_of_a_list(rows: int, when: int) -> None:
    site = server(12 * rows, rows)

    def burst(site: ListServer) -> None:
        if len(site.asked) == when:
            site.insert(count=30)

    site.before = burst
    reader = Reader()
    reader.night(site)
    assert not reader.lacks(site)


@pytest.mark.parametrize("rows", [5, 10, 20])
@pytest.mark.parametrize("when", range(1, 7))
def test_30_items_at_once_while_a_list_is_read(rows: int, when: int) -> None:
    site = server(20 * rows, rows)
    reader = archive_of(site)
    site.insert(count=2 * rows + 1)

    def burst(site: ListServer) -> None:
        if len(site.asked) == when:
            site.insert(count=30)

    site.before = burst
    reader.night(site)
    if when < 4:
        # It came before the first page was read for the last time.
        assert not reader.lacks(site)
    site.before = lambda site: None
    reader.night(site)
    assert not reader.lacks(site)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("when", range(1, 12))
@pytest.mark.parametrize("where", [0, 4, 5, 9, 14])
def test_items_taken_off_while_a_list_is_read_lose_none_at_a_page_border(
    first: bool, when: int, where: int
) -> None:
    site = server(40)
    reader = Reader() if first else archive_of(site)
    site.insert(count=18)

    def taken(site: ListServer) -> None:
        if len(site.asked) == when:
            site.remove(where)

    site.before = taken
    reader.night(site)
    assert not reader.lacks(site)


# Nights and nights

changes = st.lists(
    st.tuples(
        st.sampled_from(["top", "deep", "remove", "move"]),
        st.integers(0, 400),
        st.integers(1, 40),
        st.integers(0, 12),
    ),
    max_size=8,
)


def shaken(site: ListServer, plan: Iterable[tuple[str, int, int, int]]) -> None:
    """Let the list change so, each change before one of a night's requests."""
    waiting = list(plan)

    def before(site: ListServer) -> None:
        for change in [change for change in waiting if change[3] <= len(site.asked)]:
            waiting.remove(change)
            kind, at, count, _ = change
            if kind == "top":
                site.insert(count=count)
            elif kind == "deep":
                site.insert(at, count)
            elif kind == "remove":
                for _ in range(count):
                    site.remove(at)
            else:
                site.items.insert(0, site.items.pop(at % len(site.items)))

    site.before = before


@settings(max_examples=min(2_000, settings().max_examples // 4))
@given(st.integers(1, 300), st.sampled_from([3, 5, 20]), st.lists(changes, max_size=4))
def test_after_five_quiet_nights_nothing_of_the_first_35_pages_is_lacking(
    count: int, rows: int, nights: list[list[tuple[str, int, int, int]]]
) -> None:
    site, reader = server(count, rows), Reader()
    for plan in nights:
        shaken(site, plan)
        reader.night(site)
    site.before = lambda site: None
    for _ in range(max(NEAR_NIGHTS, 1)):
        reader.night(site)
    assert not reader.lacks(site, NEAR_PAGES)
    beyond = -(-max(0, site.depth - NEAR_PAGES) // FAR_NIGHTS)
    reader.night(site)
    assert len(site.asked) <= 2 + 7 + beyond + 1


@settings(max_examples=min(500, settings().max_examples // 10))
@given(st.integers(1, 300), st.sampled_from([3, 5]), st.lists(changes, max_size=3))
def test_after_seventy_quiet_nights_nothing_is_lacking(
    count: int, rows: int, nights: list[list[tuple[str, int, int, int]]]
) -> None:
    site, reader = server(count, rows), Reader()
    for plan in nights:
        shaken(site, plan)
        reader.night(site)
    site.before = lambda site: None
    for _ in range(FAR_NIGHTS):
        reader.night(site)
    assert not reader.lacks(site)


@settings(max_examples=min(1_000, settings().max_examples // 4))
@given(st.integers(0, 34 * 20), st.integers(0, 4), st.integers(0, 10))
def test_a_back_dated_item_is_found_within_seven_nights_while_the_list_grows(
    at: int, a_night: int, before: int
) -> None:
    site = server(40 * 20, rows=20)
    reader = archive_of(site)
    for _ in range(before):
        reader.night(site)
    site.insert(at=at)
    for _ in range(7):
        site.insert(count=a_night)
        reader.night(site)
    assert not reader.lacks(site, NEAR_PAGES)


@settings(max_examples=min(200, settings().max_examples // 30))
@given(st.integers(34 * 20, 170 * 20), st.integers(0, 4), st.integers(0, FAR_NIGHTS))
def test_one_far_down_within_ninety_one_nights_while_the_list_grows(
    at: int, a_night: int, before: int
) -> None:
    site = server(171 * 20, rows=20)
    reader = archive_of(site)
    reader.walks += before
    site.insert(at=at)
    for _ in range(91):
        site.insert(count=a_night)
        reader.night(site)
    assert not reader.lacks(site)


@settings(max_examples=min(2_000, settings().max_examples // 4))
@given(
    st.integers(1, 120),
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 12)), max_size=2),
    st.integers(0, 60),
)
def test_what_comes_in_on_top_is_met_on_the_next_night_at_the_latest(
    count: int, bursts: list[tuple[int, int]], new: int
) -> None:
    site = server(count, rows=20)
    reader = archive_of(site)
    site.insert(count=new)
    shaken(site, [("top", 0, size, when) for size, when in bursts])
    reader.night(site)
    site.before = lambda site: None
    reader.night(site)
    assert not reader.lacks(site)
