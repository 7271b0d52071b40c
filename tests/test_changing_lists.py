"""Whole crawls of lists that change: from night to night, and while they are being read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from sample import bulletins, hostile, layouts
from sample.answers import Request, Response, json_text, text
from sample.layouts import Page
from sample.server import SampleSite, newest_first
from tests.crawling import asked, crawl, rows

# The sample's pages, in more copies than there are: each with a day and a number of its own.
_PAGES = [page for page in bulletins.on_night(1) if not page.attachments and not page.guid]


def pages(count: int, first: date = date(2026, 10, 31), column: str = "gzdt") -> list[Page]:
    """So many pages of a column, one a day back from the first."""
    return [
        replace(
            _PAGES[n % len(_PAGES)],
            id=300_000 + 1_000 * (first.toordinal() % 700) + n,
            title=f"样例第{n}号（{first:%m%d}）",
            paragraphs=(*_PAGES[n % len(_PAGES)].paragraphs, f"样例第{n}号，{first:%m%d}编。"),
            published=first - timedelta(days=n),
            column=column,
        )
        for n in range(count)
    ]


@dataclass
class ChangingSite(SampleSite):
    """Changes before it answers the request of that number for a list page, counted from 1."""

    changes: dict[int, Callable[[SampleSite], None]] = field(default_factory=dict)
    _lists: int = 0

    def respond(self, request: Request) -> Response:
        if "index" in request.path or "unit" in request.path:
            with self._lock:
                self._lists += 1
                change = self.changes.pop(self._lists, None)
            if change:
                change(self)
        return super().respond(request)


def night(site: SampleSite, data: Path, number: int, *words: str, code: int = 0) -> list[str]:
    """One night; the list pages that it asked for."""
    site.log.clear()
    when = date(2026, 11, 1) + timedelta(days=number - 1)
    done = crawl(site, data, "--channel", "gzdt-2021", *words, now=f"{when}T18:00:00Z")
    assert done.returncode == code, done.stderr
    return [target for target in asked(site) if "index" in target]


def lacking(site: SampleSite, data: Path) -> set[str]:
    """The titles on the site that the archive does not have."""
    return {page.title for page in site.pages} - {
        str(title) for (title,) in rows(data, "SELECT title FROM bulletins")
    }


def add(*more: Page) -> Callable[[SampleSite], None]:
    def change(site: SampleSite) -> None:
        site.pages = newest_first([*site.pages, *more])

    return change


@pytest.mark.long
@pytest.mark.parametrize("when", [2, 3])
def test_30_items_that_come_while_a_list_is_paged_are_all_found(tmp_path: Path, when: int) -> None:
    site = ChangingSite("B", pages(20), rows=5)
    night(site, tmp_path, 1)
    add(*pages(3, date(2026, 11, 3)))(site)
    site.changes = {site._lists + when: add(*pages(30, date(2027, 1, 1)))}
    night(site, tmp_path, 2)
    assert site.changes == {}
    assert lacking(site, tmp_path) == set()


@pytest.mark.long
def test_items_taken_off_while_a_list_is_paged_lose_no_other(tmp_path: Path) -> None:
    site = ChangingSite("B", pages(18), rows=5)

    def shorter(site: SampleSite) -> None:
        site.pages = list(site.pages)[2:]

    site.changes = {3: shorter}
    night(site, tmp_path, 1)
    assert lacking(site, tmp_path) == set()


@pytest.mark.long
def test_a_back_dated_item_deep_in_a_list_is_found_within_seven_nights(tmp_path: Path) -> None:
    site = ChangingSite("B", pages(60), rows=5)
    night(site, tmp_path, 1)
    [late] = pages(1, date(2026, 9, 20))
    add(late)(site)
    for number in range(2, 9):
        lists = night(site, tmp_path, number)
        assert len(lists) <= 2 + 4
        if not lacking(site, tmp_path):
            break
    assert lacking(site, tmp_path) == set()
    # Nothing but the lists, and the pages of the first week.
    assert rows(tmp_path, "SELECT count(*) FROM crawls WHERE outcome <> 'good'") == [(0,)]


@pytest.mark.long
def test_a_pinned_page_of_old_items_does_not_hide_new_ones(tmp_path: Path) -> None:
    site = SampleSite("B", pages(20), rows=3)
    night(site, tmp_path, 1)
    pinned = list(site.pages)[-3:]
    add(*pages(1, date(2026, 11, 1)))(site)
    shown = [*pinned, *list(site.pages)[:-3]]
    for number in range(1, layouts.page_count(len(shown), 3) + 1):
        site.lists["gzdt", number] = text(layouts.list_page("gzdt", shown, number, "B", 3))
    lists = night(site, tmp_path, 2)
    assert len(lists) >= 4
    assert lacking(site, tmp_path) == set()


@pytest.mark.long
def test_the_same_page_in_two_lists_is_asked_for_once(tmp_path: Path) -> None:
    both = pages(4)
    other = [replace(page, column="dfxx") for page in pages(3, date(2026, 6, 1))]
    site = SampleSite("C", [*both, *other, *pages(1, date(2026, 5, 1), "jsyw")])
    twice = [*both, *other]
    site.lists["dfxx", 1] = json_text(layouts.unit_answer("dfxx", newest_first(twice), 1, 20))
    done = crawl(site, tmp_path)
    assert done.returncode == 0, done.stderr
    details = [target for target in asked(site) if "/art/" in target]
    assert len(details) == len(set(details)) == 8
    assert rows(tmp_path, "SELECT sum(new), sum(asked) FROM crawls") == [(8, 8)]


@pytest.mark.long
def test_a_list_that_shrinks_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    site = SampleSite("B", pages(20), rows=5)
    night(site, tmp_path, 1)
    site.pages = list(site.pages)[:7]
    for number in (2, 3, 4):
        assert len(night(site, tmp_path, number)) <= 3
    assert rows(tmp_path, "SELECT DISTINCT outcome, walked FROM crawls") == [("good", 1)]


@pytest.mark.long
def test_a_deep_list_page_that_cannot_be_read_costs_no_other(tmp_path: Path) -> None:
    """The walk is over; the share of that night goes on, and the next night's is another."""
    site = SampleSite("B", pages(60), rows=5)
    night(site, tmp_path, 1)
    site.routes["/xinwen/gzdt/index_3.html"] = hostile.text("broken", 403)
    first = night(site, tmp_path, 2, code=3)
    assert [target.rpartition("_")[2] for target in first[2:]] == ["3.html", "8.html", "13.html"]
    assert rows(tmp_path, "SELECT walked, failed FROM crawls WHERE id = 2") == [(1, 1)]
    second = night(site, tmp_path, 3)
    assert "/xinwen/gzdt/index_4.html" in second


@pytest.mark.long
def test_a_first_walk_that_was_cut_off_begins_again_and_asks_for_no_page_twice(
    tmp_path: Path,
) -> None:
    site = SampleSite("B", pages(20), rows=5)
    site.routes["/xinwen/gzdt/index_3.html"] = hostile.wall_412()
    night(site, tmp_path, 1, code=3)
    assert len(lacking(site, tmp_path)) == 10
    site.routes.clear()
    lists = night(site, tmp_path, 2)
    assert [target.rpartition("/")[2] for target in lists] == [
        "index.html",
        *(f"index_{n}.html" for n in (2, 3, 4, 5, 3, 2)),
        "index.html",
    ]
    assert lacking(site, tmp_path) == set()
    assert len(asked(site, 304)) == 10
