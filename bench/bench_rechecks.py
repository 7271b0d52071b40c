"""Re-checks: how late a simulated year's changes are found, and what each schedule asks for.

The pages are invented, the rule is the archive's own. Most pages never change; of those that do,
most are corrected in their first days, some once at any time, and a few go on changing. Cho and
Garcia-Molina (The Evolution of the Web and Implications for an Incremental Crawler, VLDB 2000,
section 3) found more than half of the pages of .gov unchanged over four months, and changes that
come as a Poisson process; bulletins, which are news, change less. The shares below are our own
assumption in that shape. Two archives, both over the last of some years: one that found its backlog
on the first night of that year, and one that has captured each page when it came out.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import mean

from archive.storage.rechecks import PageHistory, choose

YEAR, YEARS = 365, 4
NEW_A_DAY = 6
BUDGET = 500
# A new archive's first month is no measure of its nights: all its pages are new.
FIRST_MONTH = 30
# Shares of the pages that change, and how.
CORRECTED, CORRECTED_DAYS = 0.10, 3.0
ONCE = 0.04
LIVING, LIVING_DAYS = 0.01, 20.0
# Within how many nights after it happened a change counts as found in time.
LIMITS = (1, 7, 30, 91)

Rule = Callable[[list["Simulated"], int], Iterable["Simulated"]]


@dataclass
class Simulated:
    """A page: when it was published and first captured, and on which days it changes."""

    name: str
    published: int
    captured: int
    changes: Sequence[float]
    kind: str
    asked: float = 0
    checks: int = 0
    found: int = 0
    found_on: list[tuple[float, int]] = field(default_factory=list)

    def history(self) -> PageHistory:
        """What the archive knows of the page."""
        return PageHistory(
            address=self.name,
            channel="news",
            etag="",
            last_modified="",
            captured=1,
            first_met=float(self.captured),
            last_asked=float(self.asked),
            last_good=float(self.asked),
            checks=self.checks,
            changes=self.found,
            listed=float(self.published),
            nights_missed=0,
            first_missed=None,
            moved=0,
            held=0,
            replaced=0,
            doubted=0,
        )

    def ask(self, night: int) -> None:
        """Look at the page: all changes since the last look are one change found."""
        unseen = [day for day in self.changes if self.asked < day <= night]
        self.found_on += [(day, night) for day in unseen]
        self.asked, self.checks = night, self.checks + 1
        self.found += bool(unseen)


def pages_of(seed: int, *, seasoned: bool) -> list[Simulated]:
    """The pages of YEARS years, published on five days of seven; day 0 begins the last year.

    ``seasoned``: captured on the day that they came out; else all of the backlog on day 0.
    """
    chance = random.Random(seed)  # noqa: S311 (no secret)
    days = [day for day in range(YEAR - YEAR * YEARS, YEAR) if day % 7 < 5]
    return [
        _page(chance, f"{day}/{number}", day, day if seasoned else max(day, 0))
        for day in days
        for number in range(NEW_A_DAY)
    ]


def _page(chance: random.Random, name: str, published: int, captured: int) -> Simulated:
    drawn, kind, changes = chance.random(), "never", list[float]()
    if drawn < CORRECTED:
        kind, changes = "corrected soon", [published + chance.expovariate(1 / CORRECTED_DAYS)]
    elif drawn < CORRECTED + ONCE:
        kind, changes = "once, at any time", [chance.uniform(published, YEAR)]
    elif drawn < CORRECTED + ONCE + LIVING:
        kind, day = "again and again", float(published)
        while (day := day + chance.expovariate(1 / LIVING_DAYS)) < YEAR:
            changes.append(day)
    return Simulated(
        name, published, captured, [d for d in changes if d > captured], kind, captured
    )


def archives_rule(pages: list[Simulated], night: int) -> Iterable[Simulated]:
    """The schedule of ``archive.storage.rechecks`` with a nightly budget."""
    by_name = {page.name: page for page in pages}
    histories = (page.history() for page in pages)
    return [by_name[history.address] for history in choose(histories, float(night), BUDGET)]


def thirty_days(pages: list[Simulated], night: int) -> Iterable[Simulated]:
    """Every night for thirty days after the first capture, then never."""
    return [page for page in pages if night - page.captured <= 30]


def in_turn(share: int) -> Rule:
    """All pages in turn, so many a night, the longest unasked first."""

    def rule(pages: list[Simulated], night: int) -> Iterable[Simulated]:
        return sorted(pages, key=lambda page: (page.asked, page.name))[:share]

    return rule


@dataclass(frozen=True, slots=True)
class Measured:
    """Shares of the changes found within each of LIMITS nights, and requests a night."""

    changes: int
    within: tuple[float, ...]
    never: float
    requests: float
    most: int


def simulate(rule: Rule, *, seasoned: bool, seed: int = 1) -> dict[str, Measured]:
    """The last year by a rule, for all changes (``all``) and for each kind of them."""
    pages, counts = pages_of(seed, seasoned=seasoned), dict[int, int]()
    by_capture = sorted(pages, key=lambda page: page.captured)
    known = 0
    for night in range(by_capture[0].captured + 1, YEAR + 1):
        while known < len(by_capture) and by_capture[known].captured < night:
            known += 1
        asked = list(rule(by_capture[:known], night))
        for page in asked:
            page.ask(night)
        counts[night] = len(asked)
    kinds = ("corrected soon", "once, at any time", "again and again")
    groups = {"all": pages} | {kind: [p for p in pages if p.kind == kind] for kind in kinds}
    usual = [count for night, count in counts.items() if night > FIRST_MONTH]
    return {kind: _measured(group, usual) for kind, group in groups.items()}


def _measured(pages: Sequence[Simulated], counts: Sequence[int]) -> Measured:
    late = [night - day for page in pages for day, night in page.found_on if day > 0]
    total = sum(day > 0 for page in pages for day in page.changes)
    within = tuple(sum(delay <= limit for delay in late) / total for limit in LIMITS)
    return Measured(total, within, 1 - len(late) / total, mean(counts), max(counts))


def run() -> None:
    """Print the shares for the archive's rule, by kind of change too, and for its rivals."""
    for seasoned in (False, True):
        ours = simulate(archives_rule, seasoned=seasoned)
        share = round(ours["all"].requests)
        rivals = {
            "thirty days, then never": simulate(thirty_days, seasoned=seasoned)["all"],
            "all in turn, as many": simulate(in_turn(share), seasoned=seasoned)["all"],
        }
        print("captured as they came out" if seasoned else "all found on the first night", end=": ")
        print(f"{len(pages_of(1, seasoned=seasoned))} pages at the end of the year")
        heads = "".join(f"{f'{limit} nights':>11}" for limit in LIMITS)
        print(f"{'':30}{'changes':>8}{heads}{'not found':>11}{'a night':>9}{'at most':>9}")
        for name, found in {**ours, **rivals}.items():
            _print("the archive: " + name if name in ours else name, found)


def _print(name: str, found: Measured) -> None:
    shares = "".join(f"{share:>11.1%}" for share in found.within)
    asked = f"{found.requests:>9.0f}{found.most:>9}"
    print(f"{name:<30}{found.changes:>8}{shares}{found.never:>11.1%}{asked}")
