"""Re-checks: which pages that are known already are asked for again on a night; no I/O here.

A page is asked for with every crawl of its first week, then whenever an eighth of its age has gone
by, and once a year at the least; sooner where it has changed before. Times are in days (SQLite's
julian days), so that 21,000 pages are judged in a tenth of a second.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import NamedTuple

from archive.storage.removals import NIGHTS_UNTIL_GONE

# Corrections come within days of publication.
FRESH_DAYS = 7.0
# One part of its age that a page may be unobserved, so that an edit at any age is met before the
# page is much older.
PART_OF_AGE = 8.0
YEAR = 365.0
# An address that only redirects tells nothing that its target does not, unless it is pointed anew.
MOVED_DAYS = 91.0
# A page that changes is asked for again when half a change is expected: in two of five cases there
# is one.
CHANGES_EXPECTED = 0.5
# How much of a change is expected of a page without any, in the time in which its age grows by a
# factor of e. It only orders the pages that are due: one of a week before one of ten years.
PRIOR_CHANGES = 0.02
# Nights do not begin to the minute.
TOLERANCE = 0.5
# The part of an interval by which pages of one night are spread over several.
SPREAD = 0.3


class PageHistory(NamedTuple):
    """What the archive knows of a page's past; times are julian days, None where there is none.

    ``first_met`` is when its bulletin was first captured, or it first asked for where it never was
    (``captured`` 0). ``checks`` counts the good answers after the first and ``changes`` those that
    said something else; ``nights_missed`` the nights on which it was missing, since
    ``first_missed``. ``moved``: it redirects. ``held``: for less than a month its answer has not
    been believed. ``replaced``: another address of its bulletin has had a good answer since.
    ``doubted``: since it was last asked for, its bulletin was first captured at another address, or
    went missing there.
    """

    address: str
    channel: str
    etag: str | None
    last_modified: str | None
    captured: int
    first_met: float
    last_asked: float
    last_good: float | None
    checks: int
    changes: int
    listed: float | None
    nights_missed: int
    first_missed: float | None
    moved: int
    held: int
    replaced: int
    doubted: int


def choose(pages: Iterable[PageHistory], at: float, budget: int) -> list[PageHistory]:
    """The pages to ask for again at ``at``, at most ``budget`` of them.

    First those about which a question is open (held, or missing and not gone yet, then old
    addresses that a new source file puts in doubt), then by the changes expected since each was
    last asked for. Of the budget half is left to the latter: after a redesign all that are known
    can be in doubt, and nothing new would be asked for again until they are through.
    """
    due = [page for page in pages if _is_due(page, at)]
    due.sort(key=lambda page: (_rank(page), -expected_changes(page, at), page.address))
    others = [page for page in due if not _is_open(page)]
    room = max((budget + 1) // 2, budget - len(others))
    first = [page for page in due if _is_open(page)][:room]
    return [*first, *others[: budget - len(first)]]


def interval(page: PageHistory, at: float) -> float:
    """How many days to leave a page alone after it was last asked for; 0 is every crawl."""
    if _is_open(page):
        return 0.0
    if page.replaced:
        return YEAR * _spread(page)
    if page.first_missed is not None:
        return _growing(page, page.first_missed)
    if page.moved:
        return MOVED_DAYS * _spread(page)
    if page.captured and at - page.first_met < FRESH_DAYS:
        return 0.0
    longest = _growing(page, page.first_met)
    rate = change_rate(page)
    return min(longest, max(1.0, CHANGES_EXPECTED / rate)) if rate else longest


def change_rate(page: PageHistory) -> float:
    """How often a page changes, in changes a day; 0 where none was ever seen.

    The estimator of J. Cho and H. Garcia-Molina, Estimating frequency of change, ACM Transactions
    on Internet Technology 3(3), 2003, section 4.2: ``-log((n - x + 0.5) / (n + 0.5))`` changes in
    an interval between two checks, of ``n`` checks that found ``x`` changes. Unlike ``x / n`` it
    allows for changes that fell into one interval. The mean interval stands for all.
    """
    checks = page.checks
    if not page.changes or not checks or page.last_good is None:
        return 0.0
    unchanged = max(0, checks - page.changes)
    between = max(TOLERANCE, (page.last_good - page.first_met) / checks)
    return -math.log((unchanged + 0.5) / (checks + 0.5)) / between


def expected_changes(page: PageHistory, at: float) -> float:
    """How many changes are expected of a page since it was last asked for.

    Without a change seen, the older the page the fewer: what was published long before it was
    first captured waits behind what is new.
    """
    published = min(page.listed or page.first_met, page.first_met)
    rate = max(change_rate(page), PRIOR_CHANGES / max(1.0, at - published))
    return rate * (at - page.last_asked)


def _is_due(page: PageHistory, at: float) -> bool:
    elapsed = at - page.last_asked
    # Asked in the future: the machine's clock was ahead, and says nothing about how long ago.
    return elapsed < -TOLERANCE or elapsed >= interval(page, at) - TOLERANCE


def _is_open(page: PageHistory) -> bool:
    """Whether tonight's answer decides something."""
    return bool(page.doubted) or _is_undecided(page)


def _is_undecided(page: PageHistory) -> bool:
    """Whether what the page is waits for tonight's answer: it is held, or missing."""
    return bool(page.held) or (
        0 < page.nights_missed < NIGHTS_UNTIL_GONE and not page.replaced and bool(page.captured)
    )


def _rank(page: PageHistory) -> int:
    """Which pages come first, whatever is expected of them."""
    return 0 if _is_undecided(page) else 1 if page.doubted else 2


def _growing(page: PageHistory, since: float) -> float:
    """A part of the time that a state lasted when the page was last asked for, up to a year."""
    part = (page.last_asked - since) / PART_OF_AGE
    return max(1.0, min(YEAR, part) * _spread(page))


def _spread(page: PageHistory) -> float:
    """A factor of the page's own, another after each time that it was asked for.

    So pages that were captured on one night soon fall due on many.
    """
    mixed = hashlib.sha256(f"{page.address} {page.last_asked:.0f}".encode()).digest()
    return 1.0 - SPREAD * int.from_bytes(mixed[:4]) / 2**32
