"""Drift: pages that are believed and unlike their channel's others, and real variation, silent."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from archive.captures.warc import Capture
from archive.errors import MissingKind
from archive.normalise.bulletin_json import to_json
from archive.normalise.bulletins import read_bulletin
from archive.sources import PageContext
from archive.storage import watch
from archive.storage.database import readonly
from archive.storage.drift import FEWEST, KNOWN, Traits, Troubles, drifts, traits_of
from archive.storage.incidents import Incident, Incidents
from archive.storage.ingest import Outcome
from archive.storage.store import Store
from archive.storage.watch import Watch
from crawler.cli import main
from sample import bulletins, layouts, living_texts
from sample.layouts import Era, File, Page
from tests import test_removals
from tests.crawling import NIGHT_1, rows
from tests.test_store import HOME, SOURCES, record, same_after_rebuild
from tests.test_store import capture as capture_of

DAY = date(2026, 11, 2)
FOUND = "SELECT kind, channel, count, first_seen, last_seen, resolved_at FROM incidents"


# The judgement


def traits(
    characters: int = 700, *lacks: MissingKind, day: date = DAY, layout: str = "a"
) -> Traits:
    return Traits(day, layout, math.log1p(characters), frozenset(lacks))


def kinds(
    page: Traits,
    known: Sequence[Traits],
    before: Traits | None = None,
    troubles: Troubles = Troubles(),  # noqa: B008 (it cannot be changed)
) -> list[str]:
    return [found.kind for found in drifts(page, known, before, troubles)]


# Of 500 to 900 characters, with all fields.
ALIKE = [traits(500 + 10 * n) for n in range(41)]
# The same without files.
BARE = [traits(500 + 10 * n, "attachments-missing") for n in range(41)]


@pytest.mark.parametrize(
    ("characters", "odd"),
    [(1, True), (34, True), (36, False), (250, False), (5000, False), (13_900, False),
     (14_100, True), (400_000, True)],
)  # fmt: skip
def test_a_text_20_times_longer_or_shorter_than_the_median_is_told(
    characters: int, *, odd: bool
) -> None:
    page = traits(characters, "attachments-missing")
    assert kinds(page, BARE) == (["size-unusual"] if odd else [])
    assert kinds(page, BARE[: FEWEST - 1]) == []


def test_it_is_told_with_what_is_usual_and_what_to_do() -> None:
    [found] = drifts(traits(9, "attachments-missing"), BARE, None, Troubles())
    assert found.message == (
        "its text has 9 characters, where the channel's 41 newest pages with a text have 500 to "
        "900, and half of them more than 700: look whether the page is whole, and whether the "
        "layouts in the source file still find its text"
    )


def test_where_texts_differ_much_a_longer_one_is_usual() -> None:
    # From 20 to 50,000 characters: the range is that of their logarithms' spread.
    wide = [traits(round(20 * 2500 ** (n / 40))) for n in range(41)]
    assert kinds(traits(200_000), wide) == []
    # One in ten is a whole standard: none longer than twice the longest was there before.
    few = [traits(60_000 if n % 10 == 9 else 500 + n) for n in range(40)]
    assert kinds(traits(110_000), few) == []
    assert kinds(traits(130_000), few) == ["size-unusual"]


def test_a_text_beside_attachments_may_be_short() -> None:
    assert kinds(traits(5), BARE) == []
    assert kinds(traits(90_000), BARE) == ["size-unusual"]


def test_a_page_of_nothing_but_pictures_is_told_by_the_third_in_a_row() -> None:
    picture = traits(0, "attachments-missing")
    assert kinds(picture, BARE) == kinds(picture, [*BARE, picture]) == []
    [found] = drifts(picture, [*BARE, picture, picture], None, Troubles())
    assert found.message.startswith("its text has 0 characters, where the channel's 41 newest")
    # It does not make a short text usual.
    assert kinds(traits(9, "attachments-missing"), [*BARE, picture]) == ["size-unusual"]
    assert kinds(picture, [picture] * 40) == []


FIELDS: tuple[MissingKind, ...] = (
    "attachments-missing",
    "origin-missing",
    "published-missing",
    "time-missing",
)


@pytest.mark.parametrize("kind", FIELDS)
def test_a_field_that_all_pages_of_the_layout_had(kind: MissingKind) -> None:
    assert kinds(traits(700, kind), ALIKE) == [kind]
    assert kinds(traits(700, kind), ALIKE[: FEWEST - 1]) == []
    # Pages of another layout say nothing, and fields that no page has are not missed.
    assert kinds(traits(700, kind, layout="b"), ALIKE) == []
    assert kinds(traits(700, kind), [traits(700, kind)] * 40) == []
    assert kinds(traits(700), [traits(700, kind)] * 40) == []


def test_it_is_told_by_the_name_of_the_field_and_of_the_layout() -> None:
    [found] = drifts(traits(700, "origin-missing"), ALIKE, None, Troubles())
    assert found.message == (
        "it has no source (来源), where 41 of the channel's 41 newest pages in the layout a have: "
        "look at the page; if it shows one, the layouts in the source file no longer find it"
    )


def test_all_fields_that_a_page_lacks_are_told() -> None:
    assert kinds(traits(3, *FIELDS), ALIKE) == ["size-unusual", *FIELDS]


def test_a_field_that_few_pages_lack_is_missed_by_the_third_in_a_row() -> None:
    few = [*ALIKE, traits(700, "origin-missing"), *ALIKE]
    lacks = traits(700, "origin-missing")
    assert kinds(lacks, few) == []
    assert kinds(lacks, [*few, lacks]) == []
    assert kinds(lacks, [*few, lacks, lacks]) == ["origin-missing"]
    # One in ten that lacks it: three in a row are nothing new.
    often = [*ALIKE, *[lacks] * 5, *ALIKE[:9], lacks, lacks]
    assert kinds(lacks, often) == []


def test_a_page_that_was_so_before_does_not_drift() -> None:
    long, without = traits(90_000), traits(700, "origin-missing")
    assert kinds(long, ALIKE, before=traits(700)) == ["size-unusual"]
    assert kinds(long, ALIKE, before=traits(80_000)) == []
    assert kinds(without, ALIKE, before=traits(700)) == ["origin-missing"]
    assert kinds(without, ALIKE, before=without) == []


def test_a_page_older_than_all_others_shows_how_the_site_was() -> None:
    old = traits(9, *FIELDS, day=DAY - timedelta(days=1))
    assert kinds(old, ALIKE) == []
    assert kinds(old, [traits(700, day=old.published), *ALIKE]) == ["size-unusual", *FIELDS]
    # What was changed on it was changed now.
    assert kinds(old, ALIKE, before=traits(700)) == ["size-unusual", *FIELDS]
    assert kinds(old, []) == []


@pytest.mark.parametrize(
    ("troubles", "odd", "is_new", "told"),
    [
        (Troubles(), [0] * 40, True, True),
        (Troubles(), [0] * 40, False, False),
        (Troubles(), [0] * 39 + [1], False, False),
        (Troubles(), [0] * 38 + [1, 1], False, True),
        (Troubles(), [0] * 30 + [1] * 10, False, False),
        (Troubles(open={"time-missing"}), [0] * 39 + [1], False, True),
        (Troubles(open={"time-missing"}), [1] + [0] * 39, False, False),
        (Troubles(open={"time-missing"}), [0] * 30 + [1] * 10, False, True),
        (Troubles(open={"time-missing"}), [1, 1, 1, 1] * 9 + [0, 0, 0, 1], False, False),
        (Troubles(open={"origin-missing"}), [0] * 39 + [1], False, False),
        (Troubles(lately={"time-missing"}), [0] * 40, True, False),
        (Troubles(lately={"time-missing"}), [0] * 38 + [1, 1], False, True),
        (Troubles(lately={"origin-missing"}), [0] * 40, True, True),
    ],
    ids=[
        "the first",
        "one now and then",
        "two in a row",
        "three in a row",
        "a quarter of all",
        "the next of a trouble",
        "one apart from it",
        "of a trouble that lasts",
        "one of many now and then",
        "another trouble",
        "one where one came and went",
        "three where one came and went",
        "another trouble that ended",
    ],
)
def test_when_a_person_is_told(
    troubles: Troubles, odd: list[int], *, is_new: bool, told: bool
) -> None:
    assert troubles.notice("time-missing", [bool(n) for n in odd], is_new=is_new) == told


# What is compared of a page


def made(number: int, **changes: object) -> Page:
    """A page of era C with all fields; every number is another day."""
    day = DAY + timedelta(days=number - 40)
    page = Page(
        id=number,
        title=living_texts.title(day, number),
        published=day,
        paragraphs=living_texts.paragraphs(day, number),
        column="dfxx",
        time="09:30",
        source="样例司",
        attachments=(File("样例附件"),),
        guid=f"{number:032x}",
    )
    return replace(page, **changes)  # type: ignore[arg-type]


def read_traits(page: Page, era: Era = "C", without: str = "") -> Traits:
    """The traits of a page as an era shows it, without some words."""
    source = SOURCES["mohurd"]
    address = HOME + layouts.address(page, era)
    served = date(2026, 11, 2) if era == "C" else date(2021, 5, 1)
    where = PageContext(source, address, address, served)
    html = layouts.detail(page, era).replace(without, "")
    return traits_of(to_json(read_bulletin(html, where, page.published)))


def test_the_traits_of_a_page() -> None:
    page = made(1, paragraphs=("甲、乙。", "丙 丁。"))
    assert read_traits(page) == Traits(page.published, "mohurd-c", math.log1p(7), frozenset())
    bare = read_traits(replace(page, source=None, attachments=()))
    assert bare.lacks == {"attachments-missing", "origin-missing"}
    # Era B has the day alone.
    early = replace(page, guid=None, published=date(2021, 5, 3))
    assert read_traits(early, "B").lacks >= {"time-missing"}
    assert "published-missing" not in read_traits(early, "B").lacks
    assert "published-missing" not in read_traits(early, "A").lacks
    undated = read_traits(early, "A", "发布日期")
    # Its address has the day.
    assert (undated.published, undated.layout) == (early.published, "mohurd-a")
    assert "published-missing" in undated.lacks
    elsewhere = to_json(read_bulletin(layouts.detail(page, "C"), None))
    assert traits_of(elsewhere).layout == "known:div.editor-content"


@pytest.mark.parametrize("era", ["A", "B", "C"])
def test_no_page_of_the_sample_is_unlike_the_others(era: Era) -> None:
    """Each page of a column against all others, though a real one is compared with earlier ones."""
    columns: dict[str, list[Traits]] = {}
    for page in sorted(bulletins.shown(era, 1), key=lambda page: page.published):
        columns.setdefault(page.column, []).append(read_traits(page, era))
    assert max(map(len, columns.values())) > FEWEST or era == "B"
    for pages in columns.values():
        for place, page in enumerate(pages):
            newest = replace(page, published=date.max)
            assert kinds(newest, [*pages[:place], *pages[place + 1 :]]) == []


# Rows


def night_of(number: int) -> str:
    """The instant of the night after a page was published."""
    return f"{DAY + timedelta(days=number - 40)}T18:30:00Z"


def captured(page: Page, night: int = 0, html: str = "") -> Capture:
    body = (html or layouts.detail(page, "C")).encode()
    at = night_of(night or page.id)
    return capture_of(HOME + layouts.address(page, "C"), body, at=at, channel="dfxx")


def nights(folder: Path, *captures: Capture) -> list[Outcome]:
    """A store of its own for each capture, as on as many nights."""
    return [outcome for each in captures for outcome in record(folder, each)]


def test_a_trouble_is_one_row_for_the_channel_and_ends_after_a_quiet_month(tmp_path: Path) -> None:
    record(tmp_path, *(captured(made(number)) for number in range(1, 34)))
    bare = [captured(made(number, source=None)) for number in (34, 35, 36)]
    told = nights(tmp_path, *bare)
    assert [outcome.kind for outcome in told] == ["new"] * 3
    assert [[each.kind for each in outcome.unlike] for outcome in told] == [["origin-missing"]] * 3
    trouble = ("origin-missing", "dfxx", 3, night_of(34), night_of(36))
    assert rows(tmp_path, FOUND) == [(*trouble, None)]
    [(url, message, first, last)] = rows(
        tmp_path, "SELECT url, message, capture, last_capture FROM incidents"
    )
    assert (url, first, last) == (HOME, 34, 36)
    assert str(message).startswith(f"{bare[-1].address}: it has no source (来源), where 33 of the")
    same_after_rebuild(tmp_path)
    # Pages as they were do not end it at once.
    nights(tmp_path, captured(made(37)), captured(made(67)))
    assert rows(tmp_path, FOUND) == [(*trouble, None)]
    nights(tmp_path, captured(made(68)))
    assert rows(tmp_path, FOUND) == [(*trouble, night_of(68))]
    same_after_rebuild(tmp_path)


def test_where_one_came_and_went_another_one_is_no_news_for_a_year(tmp_path: Path) -> None:
    pages = [made(number) for number in range(1, 33)]
    record(tmp_path, *map(captured, pages))
    # Thirty times the usual text, then usual ones again.
    nights(tmp_path, captured(made(33, paragraphs=long(1600))), captured(made(70)))
    [first] = rows(tmp_path, FOUND)
    assert first == ("size-unusual", "dfxx", 1, night_of(33), night_of(33), night_of(70))
    nights(tmp_path, captured(made(300, paragraphs=long(3400))))
    assert rows(tmp_path, FOUND) == [first]
    nights(tmp_path, captured(made(500, paragraphs=long(7000))))
    assert len(rows(tmp_path, FOUND)) == 2
    same_after_rebuild(tmp_path)


def long(sentences: int) -> tuple[str, ...]:
    return ("样例文字。" * sentences,)


def test_a_known_page_that_loses_a_field_is_told_too(tmp_path: Path) -> None:
    record(tmp_path, *(captured(made(number)) for number in range(1, 34)))
    bare = made(5, attachments=())
    [found] = record(tmp_path, captured(bare, night=40))
    assert found.kind == "revised"
    assert [each.kind for each in found.unlike] == ["attachments-missing"]
    # As it is now it may be changed as often as one likes.
    again = replace(bare, paragraphs=(*bare.paragraphs, "样例：补充。"))
    assert record(tmp_path, captured(again, night=41))[0].unlike == ()
    assert rows(tmp_path, FOUND) == [
        ("attachments-missing", "dfxx", 1, night_of(40), night_of(40), None)
    ]
    same_after_rebuild(tmp_path)


def test_what_is_held_is_told_once_it_is_believed(tmp_path: Path) -> None:
    record(tmp_path, *(captured(made(number)) for number in range(1, 34)))
    page = made(5)
    bare = replace(page, source=None, paragraphs=page.paragraphs[:1])
    first, second = nights(tmp_path, captured(bare, night=40), captured(bare, night=41))
    assert (first.kind, first.incident, first.unlike) == ("held", "shrunk", ())
    assert (second.kind, [each.kind for each in second.unlike]) == ("revised", ["origin-missing"])
    assert [row[0] for row in rows(tmp_path, f"{FOUND} ORDER BY kind")] == [
        "origin-missing", "shrunk",
    ]  # fmt: skip
    same_after_rebuild(tmp_path)


def test_what_a_person_accepts_is_not_told(tmp_path: Path) -> None:
    record(tmp_path, *(captured(made(number)) for number in range(1, 34)))
    page = made(5)
    bare = replace(page, source=None, paragraphs=page.paragraphs[:1])
    record(tmp_path, captured(bare, night=40))
    done = CliRunner().invoke(
        main, ["review", "accept", "34", "--data", str(tmp_path)], env={"BULLETINS_NOW": NIGHT_1}
    )
    assert done.exit_code == 0, done.output
    assert rows(tmp_path, "SELECT max(revision) FROM bulletins") == [(2,)]
    assert [row[0] for row in rows(tmp_path, FOUND)] == ["shrunk"]
    same_after_rebuild(tmp_path)


def test_known_pages_that_lose_a_field_one_after_the_other(tmp_path: Path) -> None:
    """In a row are pages that were read one after the other, whatever their dates."""
    record(tmp_path, *(captured(made(number)) for number in range(1, 34)))
    bare = [captured(made(number, attachments=()), night=40) for number in (30, 5, 20, 11)]
    assert [len(outcome.unlike) for outcome in nights(tmp_path, *bare)] == [1] * 4
    assert rows(tmp_path, FOUND) == [
        ("attachments-missing", "dfxx", 4, night_of(40), night_of(40), None)
    ]
    same_after_rebuild(tmp_path)


def test_a_rebuild_compares_with_as_many_as_a_crawl(tmp_path: Path) -> None:
    short = ("样例：甲。",)
    first = made(1, paragraphs=short, source=None)
    others = [made(number, paragraphs=short) for number in range(2, KNOWN + 2)]
    record(tmp_path, *(captured(page, night=250) for page in (first, *others)))
    last = made(KNOWN + 2, paragraphs=short, source=None)
    [found] = record(tmp_path, captured(last, night=251))
    assert [each.kind for each in found.unlike] == ["origin-missing"]
    same_after_rebuild(tmp_path)


def test_pages_that_came_before_those_known_are_not_told(tmp_path: Path) -> None:
    """A first crawl goes from the newest page to the oldest, which may have been otherwise."""
    new = [captured(made(number), night=60) for number in range(60, 20, -1)]
    old = [captured(made(number, source=None), night=60) for number in range(20, 0, -1)]
    record(tmp_path, *new, *old)
    assert rows(tmp_path, FOUND) == []


def test_other_troubles_at_the_same_address_are_kept_apart(tmp_path: Path) -> None:
    at = "2026-11-01T18:00:00Z"
    with Store(tmp_path, SOURCES) as store:
        store.incident(Incident(at, "mohurd", "xwfb", HOME, "size-unusual", "样例"))
        incidents = store.ingester.incidents
        assert incidents.at("mohurd", "xwfb", HOME, at) == [("size-unusual", at, True)]
        assert incidents.at("mohurd", "gzdt", HOME, at) == []
    numbers = range(1, 9)
    test_removals.night_of(tmp_path, 1, (), numbers)
    for night in (2, 3, 4):
        test_removals.night_of(tmp_path, night, numbers)
    test_removals.night_of(tmp_path, 5, (), numbers)
    ended = rows(tmp_path, "SELECT kind, resolved_at IS NOT NULL FROM incidents ORDER BY kind")
    assert ended == [("many-missing", 1), ("size-unusual", 0)]


def test_what_is_followed_in_memory_is_what_the_database_has(tmp_path: Path) -> None:
    """More pages than are kept, in no order, with dates and texts that are corrected."""
    numbers = [(7 * n) % 230 + 1 for n in range(230)]
    pages = [made(number, paragraphs=(f"样例：第{number}户。" * 9,)) for number in numbers]
    corrected = [
        replace(made(n), published=DAY - timedelta(days=days))
        for n, days in ((230, 900), (31, 500), (1, 1), (100, 41), (229, 36))
    ]
    with Store(tmp_path, SOURCES) as store:
        followed = store.ingester.watch
        for turn, page in enumerate([*pages, *corrected, made(400)]):
            store.record(captured(page, night=500))
            if turn in (199, 200, 201, 202) or turn >= 229:
                conn = store.database.conn
                fresh = Watch(conn, Incidents(store.database)).newest("mohurd", "dfxx")
                assert followed.newest("mohurd", "dfxx") == fresh
        assert len(fresh) == KNOWN + 1
    assert rows(tmp_path, "SELECT count(*) FROM revisions WHERE number = 2") == [(5,)]


def test_the_newest_pages_are_found_by_an_index(tmp_path: Path) -> None:
    record(tmp_path, captured(made(1)))
    with closing(readonly(tmp_path / "bulletins.db")) as conn:
        plan = _plan(conn, watch._NEWEST, "mohurd", "dfxx")
    assert plan == [
        "SEARCH bulletins USING INDEX bulletins_by_source (source=?)",
        "SEARCH revisions USING INDEX sqlite_autoindex_revisions_1 (bulletin=? AND number=?)",
    ]


def _plan(conn: sqlite3.Connection, sql: str, *values: str) -> list[str]:
    return [str(row[3]) for row in conn.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
