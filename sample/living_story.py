"""The story of the living site: what it publishes, changes and takes down, night by night.

样例: thirty nights from 2026-09-15, with 中秋节 (25 to 27 September), 国庆节 (1 to 7 October) and
their make-up working days (Sunday 20 September, Saturday 10 October; 国务院办公厅's notice on the
holidays of 2026). A night is the run at 02:30 in China on its day; it sees what was published until
the day before. A document's id is its day and number: 26091802 is the second of 18 September;
numbers from 51 belong to 工作动态, from 71 to 部门动态.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sample import hostile, impostors, living_texts
from sample.answers import Response
from sample.page import Era, File, Page

NIGHTS = 30
_FIRST = date(2026, 9, 15)
# A first crawl by hand, six weeks before the nights begin.
TRIAL = 0
_TRIAL_DAY = date(2026, 8, 3)
OLDEST = date(2026, 7, 1)
# Where a smaller site begins, with a week before the first night.
SMALL = date(2026, 9, 7)
REDESIGN = 21
NEW_SOURCE = 24

_HOLIDAYS = {date(2026, 9, 25) + timedelta(n) for n in range(3)} | {
    date(2026, 10, 1) + timedelta(n) for n in range(7)
}
_MAKE_UP = {date(2026, 9, 20), date(2026, 10, 10)}
# How many documents 地方信息 and 工作动态 publish on the days before the nights 2 to 30.
_NEWS = {
    date(2026, 9, 15): (3, 1),
    date(2026, 9, 16): (3, 1),
    date(2026, 9, 17): (3, 0),
    date(2026, 9, 18): (2, 0),
    date(2026, 9, 20): (3, 0),
    date(2026, 9, 21): (3, 1),
    date(2026, 9, 22): (3, 0),
    date(2026, 9, 23): (4, 1),
    date(2026, 9, 24): (30, 0),
    date(2026, 9, 28): (3, 1),
    date(2026, 9, 29): (2, 0),
    date(2026, 9, 30): (3, 1),
    # Thursday to Saturday after the holiday: three working days without a word.
    date(2026, 10, 12): (4, 0),
    date(2026, 10, 13): (4, 1),
}
# 30 on 24 September: the last twenty arrive while the list is being paged, on night 11.
ARRIVING = (11, frozenset(26092400 + number for number in range(11, 31)))
# An old document on top of 地方信息, beside its own place.
PINNED = (range(3, 21), 26081301)
# A document whose day lies weeks before it is put on the site: on the list's third page.
BACK_DATED = (5, 26081190)
# In the list of another column too.
LISTED_TOO = {26091651: "dfxx", 26092871: "gzdt"}
# What the redesign calls by another id, by none, and leaves behind.
NEW_IDS = {26090701, 26081201, 26072251}
NO_ID = {26081102: "loudao-jiance"}
LEFT_BEHIND = {26070301}

# Changes of what a page says: night, document, what changes. Each is a revision.
EDITS: tuple[tuple[int, int, Mapping[str, Any]], ...] = (
    (2, 26091401, {"title": "关于住房安全排查情况的通报（更正）"}),
    (3, 26091501, {"add": "补充：以上数据不含在建项目，后续将另行公布。"}),
    (4, 26091601, {"day": date(2026, 9, 15)}),
    (4, 26091502, {"file": "任务分解表（修订）"}),
    # A, B and A again.
    (5, 26091401, {"title": None}),
    # A page first captured six weeks before.
    (4, 26072001, {"add": "编者注：文中所列项目已于近期全部验收。"}),
    (11, 26092301, {"add": "更正：第二段所列比例有误，以本段说明为准，其余不变。"}),
    (16, 26092302, {"keep": 2}),
    (30, 26101201, {"add": "补充：验收名单附后，公示期五个工作日。"}),
)

Answer = Callable[[Era], Response]


def _gone(era: Era) -> Response:
    return hostile.not_found()


def _gone_410(era: Era) -> Response:
    return replace(hostile.not_found(), status=410)


def _soft(era: Era) -> Response:
    return impostors.soft_404(era)


# Documents taken down: the nights without it, and what the site answers in its place.
TAKEN_DOWN: tuple[tuple[range, int, Answer], ...] = (
    (range(4, 99), 26072101, _gone),
    (range(5, 99), 26091503, _gone),
    (range(5, 7), 26091602, _gone_410),
    (range(6, 99), 26091701, _soft),
    (range(8, 99), 26091801, lambda era: impostors.deleted()),
    (range(9, 99), 26092001, lambda era: hostile.redirect("/404.html")),
    (range(10, 11), 26092101, lambda era: hostile.redirect("/")),
)
# What stands in place of single pages on one night.
IN_PLACE: Mapping[int, Mapping[int, Answer]] = {
    7: {
        26091702: lambda era: hostile.wall_412(),
        26091802: lambda era: hostile.captcha(),
    },
    8: {
        26091703: lambda era: hostile.wall_521(),
        26092002: lambda era: impostors.wzws(),
    },
    9: {
        26092003: lambda era: impostors.script_shell(),
        26092102: lambda era: impostors.jsl_script(),
        26092103: lambda era: impostors.login(),
    },
    10: {
        26092201: lambda era: hostile.empty(),
        26092202: impostors.replacement_characters,
        26092203: impostors.question_marks,
    },
}
# Nights on which every address answers the same, robots.txt too.
EVERYWHERE: Mapping[int, Answer] = {
    13: lambda era: impostors.maintenance(),
    14: lambda era: hostile.wall_521(),
    20: lambda era: hostile.drop(),
}
# A night on which every page does, while robots.txt and the lists are as always.
EVERY_PAGE: Mapping[int, Answer] = {15: impostors.closed_for_moving}
# No server at all.
REFUSED = 19
# One in four addresses answers 503 with Retry-After, a second, the first time it is asked for.
BUSY, BUSY_SHARE = 17, 4
# 地方信息 is numbered from index_1 on one night, sorted by title on another, then cut to 60 rows.
RENUMBERED, BY_TITLE, CUT = 10, 18, range(26, 99)
# Since when pages of a document say another charset than their bytes have.
WRONG_CHARSET = range(25, 99)
# Validators that pages do not carry, or that are new with each answer.
NO_VALIDATORS, NEW_VALIDATORS = range(8, 11), range(11, 15)


def day_of(night: int) -> date:
    """The day in China on which a night's run is."""
    return _TRIAL_DAY if night == TRIAL else _FIRST + timedelta(night - 1)


def instant(night: int) -> str:
    """02:30 in China on that day, as BULLETINS_NOW has it."""
    return f"{day_of(night) - timedelta(1)}T18:30:00Z"


def era_of(night: int) -> Era:
    """The layout that the site has on a night."""
    return "C" if night >= REDESIGN else "A"


def is_working(day: date) -> bool:
    """Whether 地方信息 has news on a day."""
    return day in _MAKE_UP or (day.weekday() < 5 and day not in _HOLIDAYS)


def documents(night: int, oldest: date = OLDEST) -> list[Page]:
    """All documents of the day ``oldest`` or later that the site has on a night, as they read."""
    days = (oldest + timedelta(n) for n in range((day_of(night) - oldest).days))
    found = [page for day in days for page in _published(day, night >= REDESIGN)]
    if night >= BACK_DATED[0]:
        found.append(_document(BACK_DATED[1]))
    return [_on_night(page, night) for page in found if not _has_left(page.id, night)]


def _published(day: date, with_new_column: bool) -> list[Page]:
    local, work = _NEWS.get(day, (0, 0)) if day >= _FIRST else _history(day)
    numbers = [*range(1, local + 1), *range(51, 51 + work)]
    if with_new_column and day.weekday() == 0 and day < date(2026, 9, 29):
        numbers.append(71)
    return [_document(int(f"{day:%y%m%d}{number:02}")) for number in numbers]


def _history(day: date) -> tuple[int, int]:
    """One or two a working day, and one every other day."""
    if not is_working(day):
        return 0, 0
    return 1 + day.toordinal() % 2, day.toordinal() % 2


def _document(key: int) -> Page:
    day = date(2000 + key // 1000000, key // 10000 % 100, key // 100 % 100)
    number = key % 100
    return Page(
        id=key,
        title=living_texts.title(day, number),
        published=day,
        paragraphs=living_texts.paragraphs(day, number),
        column="dfxx" if number < 51 or number == 90 else "gzdt" if number < 71 else "jsyw",
        time=f"{9 + number % 8:02}:{number % 60:02}",
        source="样例建设报",
        attachments=(File("任务分解表"),) if number == 2 else (),
    )


def _has_left(key: int, night: int) -> bool:
    return night >= REDESIGN and (
        key in LEFT_BEHIND or any(key == taken and night in when for when, taken, _ in TAKEN_DOWN)
    )


def _on_night(page: Page, night: int) -> Page:
    for since, key, change in EDITS:
        if key == page.id and night >= since:
            page = replace(_changed(page, change), revised=day_of(since) - timedelta(1))
    if night >= REDESIGN:
        page = replace(page, guid=_guid(page))
    return page


def _changed(page: Page, change: Mapping[str, Any]) -> Page:
    if "title" in change:
        number = page.id % 100
        return replace(page, title=change["title"] or living_texts.title(page.published, number))
    if "add" in change:
        return replace(page, paragraphs=(*page.paragraphs, change["add"]))
    if "keep" in change:
        return replace(page, paragraphs=page.paragraphs[: change["keep"]])
    if "file" in change:
        return replace(page, attachments=(File(change["file"]),))
    return page


def shown_day(page: Page, night: int) -> date:
    """The day of publication that a page shows, which need not be the one in its address."""
    days = [c["day"] for since, key, c in EDITS if key == page.id and night >= since and "day" in c]
    return days[-1] if days else page.published


def _guid(page: Page) -> str | None:
    """What stands in era C's address: 32 hex digits, a name, or None for the old id."""
    if page.id in NO_ID:
        return NO_ID[page.id]
    is_new = page.published > date(2026, 10, 7)
    return hashlib.md5(str(page.id).encode()).hexdigest() if is_new or page.id in NEW_IDS else None  # noqa: S324
