"""The walk through one channel's list: which page is read next, decided from what pages held.

Nothing here asks a server or a database, so that a list that changes while it is read can be tried
against the rule (``tests/test_walk.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from itertools import chain, count

# One page without anything new may be nothing but pinned items.
QUIET_PAGES = 2
# What a page repeats of those before it was pushed there by new items on top, or the site answers
# every number with the same page. 30 items at once repeat five pages of six rows.
REPEATED_PAGES = 6
# How often a night goes down a list whose first page goes on to show something new.
ROUNDS = 3
# Of the pages from 2 to 35 a fifth is read each night, of those beyond a seventieth. Items that
# come in on top push a back-dated one on, away from the pages that are read next: with the fifth it
# is found within seven nights as long as the list grows by less than a quarter of a page a night,
# and with the seventieth within ninety-one. A list of 670 pages, the longest known in 2026, costs
# 7 and 9 or 10 requests a night for it, a fortieth of the list.
NEAR_PAGES = 35
NEAR_NIGHTS = 5
FAR_NIGHTS = 70

# The addresses on a list page; none where the page lies past the last one.
Rows = frozenset[str]


class Walk:
    """One night's reading of one list: ``next`` is the page to read, from 1, None at the end.

    ``known`` says whether an address was listed before the last completed walk; without it the walk
    goes to the end of the list. ``rotation``, the number of walks completed before, chooses this
    night's share of the deeper pages; None leaves them out. ``done`` says that the walk, share
    included, was completed; ``seen`` has all addresses met.
    """

    def __init__(
        self, known: Callable[[str], bool] | None = None, rotation: int | None = None
    ) -> None:
        self._known = known or (lambda address: False)
        self._rotation = rotation
        self.seen: set[str] = set()
        self.done = False
        self.in_share = False
        self._read: set[int] = set()
        self._end: int | None = None
        self._steps = self._walk()
        self.next: int | None = next(self._steps)

    def read(self, rows: Rows | None) -> int | None:
        """Take in what page ``next`` held; which page to read now.

        No rows mean that the list ends before this page. None, for a page that could not be read,
        is for the share of the deeper pages only.
        """
        try:
            self.next = self._steps.send(rows)
        except StopIteration:
            self.next, self.done = None, True
        return self.next

    def _walk(self) -> Generator[int, Rows | None, None]:
        start = 1
        for _ in range(ROUNDS):
            lowest = yield from self._down(start)
            if not (yield from self._up(lowest)):
                break
            start = 2
        self.in_share = True
        yield from self._share()

    def _down(self, start: int) -> Generator[int, Rows | None, int]:
        """Read on until enough pages hold nothing new; from where it has to be read upwards."""
        quiet = repeated = lowest = 0
        number = start
        while quiet < QUIET_PAGES and repeated < REPEATED_PAGES:
            rows = yield number
            if not rows:
                self._end = number
                # Nothing can have moved up onto the last page.
                return lowest - 1 if lowest == number - 1 else lowest
            if self._take(number, rows):
                lowest, repeated = number, 0
            else:
                repeated += 1
            quiet = quiet + 1 if all(map(self._known, rows)) else 0
            number += 1
        return lowest

    def _up(self, lowest: int) -> Generator[int, Rows | None, bool]:
        """Read the pages again upwards; whether the first one shows anything not seen before.

        What was removed meanwhile moved items up over page borders that lay behind the walk.
        """
        grown = False
        for number in range(min(lowest, NEAR_PAGES), 0, -1):
            rows = yield number
            grown = self._take(number, rows or frozenset())
        return grown

    def _share(self) -> Generator[int, Rows | None, None]:
        """This night's share of the pages that the walk did not reach."""
        for number in self._deeper():
            if self._end is not None and number >= self._end:
                return
            if number in self._read:
                continue
            rows = yield number
            if rows is None:
                continue
            if rows <= self.seen:
                return
            self._take(number, rows)

    def _deeper(self) -> Iterator[int]:
        if self._rotation is None:
            return iter(())
        near = range(2 + self._rotation % NEAR_NIGHTS, NEAR_PAGES + 1, NEAR_NIGHTS)
        far = count(NEAR_PAGES + 1 + self._rotation % FAR_NIGHTS, FAR_NIGHTS)
        return chain(near, far)

    def _take(self, number: int, rows: Rows) -> bool:
        """Note what a page held; whether any of it is neither known nor met this night."""
        fresh = any(row not in self.seen and not self._known(row) for row in rows)
        self._read.add(number)
        self.seen |= rows
        return fresh
