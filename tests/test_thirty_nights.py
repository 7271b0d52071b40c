"""Thirty nights of a site that lives, played from outside; the log tells the story row by row.

The site is ``sample/living_story.py``, what must be told ``tests/nights/expected.toml``. Seven
nights of the same site, with an expectation of their own, are part of every test run.
"""

from __future__ import annotations

import fcntl
import re
import shutil
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import filter as matching
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sample import layouts
from sample import living_story as story
from sample.living import HOME, living_site
from tests.crawling import rows, run, tables
from tests.living_nights import Night, asked_twice, dump, load, name_of, play, prepare

FACTS = ("new", "changed", "missing", "gone")
COUNTS = ("new", "changed", "held", "missing", "gone", "failed")
LISTS = (
    "changed",
    "missing",
    "gone",
    "back",
    "opened",
    "again",
    "settled",
    "passing",
    "held",
    "verdicts",
)

Played = tuple[Path, list[Night]]


def played_once(base: Path, name: str, nights: Sequence[int]) -> Played:
    """The nights played, by the first of the test processes that wants them."""
    folder, story_of = base / name, base / f"{name}.json"
    with (base / f"{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not story_of.exists():
            prepare(folder)
            story_of.write_text(dump(play(folder, nights)), encoding="utf-8")
    return folder, load(story_of.read_text(encoding="utf-8"))


def shared_folder(factory: pytest.TempPathFactory, worker: str) -> Path:
    """A folder that the processes of one run have in common."""
    return factory.getbasetemp() if worker == "master" else factory.getbasetemp().parent


@pytest.fixture(scope="module")
def thirty(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Played:
    base = shared_folder(tmp_path_factory, worker_id)
    return played_once(base, "thirty-nights", range(story.NIGHTS + 1))


def expected(name: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The nights of an expectation, and what may come late."""
    text = Path(__file__).with_name("nights").joinpath(name).read_text(encoding="utf-8")
    told = tomllib.loads(text)
    return told["night"], told.get("late", [])


def differences(nights: Sequence[Night], name: str) -> list[str]:
    """Every difference between an expectation and what was found, a line each."""
    told, late = expected(name)
    assert [block["night"] for block in told] == [night.night for night in nights]
    found, gone = [], set[str]()
    for block, night in zip(told, nights, strict=True):
        assert block["day"] == story.day_of(night.night), night.night
        # A page that is gone may be asked for again, at any distance.
        allowed = {fact: _allowed(night, fact, late) for fact in (*LISTS, "new")}
        allowed["missing"] |= gone
        found += [f"night {night.night}{line}" for line in _night(block, night, allowed)]
        gone = (gone | set(night.gone)) - set(night.back)
    return [*found, *_late(nights, late)]


def _allowed(night: Night, fact: str, late: list[dict[str, Any]]) -> set[str]:
    """What may be met on a night that its own block does not tell."""
    if fact not in FACTS and fact not in LISTS:
        return set()
    return {
        name
        for entry in late
        if entry["what"] == fact and entry["nights"][0] <= night.night <= entry["nights"][1]
        for name in matching(getattr(night, fact), entry["name"])
    }


def _night(block: dict[str, Any], night: Night, allowed: dict[str, set[str]]) -> Iterator[str]:
    if night.exit != block["exit"]:
        yield f": exit {night.exit}, not {block['exit']}"
    for fact in LISTS:
        wanted, met = set(block.get(fact, [])), set(getattr(night, fact))
        yield from (f": {fact} lacks {name}" for name in sorted(wanted) if not matching(met, name))
        told = {name for pattern in wanted for name in matching(met, pattern)}
        yield from (f": {fact} has {name}" for name in sorted(met - told - allowed[fact]))
    channels = sorted(set(block) - {"night", "day", "story", "exit", *LISTS})
    if channels != sorted(night.crawls):
        yield f": rows of {sorted(night.crawls)}, not {channels}"
        return
    for channel in channels:
        extra = {
            fact: _in_channel(channel, fact, allowed[fact] & set(getattr(night, fact)))
            for fact in FACTS
        }
        yield from (
            f" {channel}{line}" for line in _row(block[channel], night.crawls[channel], extra)
        )


def _in_channel(channel: str, fact: str, names: set[str]) -> int:
    """How many of some documents a channel's row counts.

    Documents are in a column by their numbers; pages of retired lists count in the first live one.
    """
    if channel in ("work", "local", "ministry") and fact in ("missing", "gone"):
        return len(names) if channel == "work" else 0
    local = [name for name in names if int(name[6:8]) < 51 or name[6:8] == "90"]
    return len(local) if channel in ("dfxx", "local") else 0


def _row(wanted: str, row: dict[str, Any], extra: dict[str, int]) -> Iterator[str]:
    outcome, _, counts = wanted.partition(":")
    if row["outcome"] != outcome:
        yield f": {row['outcome']}, not {outcome} ({row['message']})"
    ranges = dict.fromkeys(COUNTS, (0, 0))
    for part in filter(None, counts.split(", ")):
        number, _, name = part.strip().partition(" ")
        low, _, high = number.strip("{}").partition("..")
        ranges[name] = (int(low), int(high or low))
    for name, (low, high) in ranges.items():
        more = extra.get(name, 0)
        if not low + more <= row[name] <= high + more:
            yield f": {row[name]} {name}, not {f'{low}..{high}' if high > low else low + more}"


def _late(nights: Sequence[Night], late: list[dict[str, Any]]) -> Iterator[str]:
    """What had to come within some nights and did not, or came more than once."""
    for entry in late:
        first, last = entry["nights"]
        name, what = entry["name"], entry["what"]
        times = [night.night for night in nights if matching(getattr(night, what), name)]
        inside = [night for night in times if first <= night <= last]
        if not inside or (len(times) > 1 and not entry.get("many")):
            yield f"late: {what} {name} on nights {times}, not {first}..{last}"


def test_seven_nights_of_a_smaller_site(tmp_path: Path) -> None:
    prepare(tmp_path / "data")
    nights = [block["night"] for block in expected("seven.toml")[0]]
    played = play(tmp_path / "data", nights, story.SMALL)
    assert "\n".join(differences(played, "seven.toml")) == ""


@pytest.mark.long
def test_the_log_tells_the_story(thirty: Played) -> None:
    assert "\n".join(differences(thirty[1], "expected.toml")) == ""


@pytest.mark.long
def test_each_row_counts_what_it_says(thirty: Played) -> None:
    for night in thirty[1]:
        facts = {fact: len(getattr(night, fact)) for fact in ("new", "changed", "gone")}
        totals = {fact: sum(row[fact] for row in night.crawls.values()) for fact in facts}
        assert totals == facts, night.night
        for row in night.crawls.values():
            told = sum(row[name] for name in ("new", "changed", "same", "held", "missing"))
            assert told <= row["asked"] <= told + row["failed"], (night.night, row)
            assert row["not_modified"] <= row["same"], (night.night, row)
        # robots.txt and the list pages are requests of the night too.
        if night.night != story.REFUSED:
            assert sum(row["requests"] for row in night.crawls.values()) == len(night.log)


@pytest.mark.long
def test_the_captures_are_all_the_answers(thirty: Played) -> None:
    data, nights = thirty
    answers = sum(status > 0 for night in nights for _, status in night.log)
    assert rows(data, "SELECT count(*) FROM captures") == [(answers,)]


@pytest.mark.long
def test_no_page_is_asked_for_twice_in_a_night_and_no_block_page_is_passed(thirty: Played) -> None:
    for night in thirty[1]:
        # An empty body is a temporary failure.
        empty = {"26092201": 10}
        # A walk reads list pages again upwards, so as to miss nothing that moved meanwhile.
        twice = [
            name
            for name in map(name_of, asked_twice(night))
            if not name.endswith(" list") and empty.get(name) != night.night
        ]
        assert twice == [], night.night
        assert night.cookies == 0
        paths = {urlsplit(target).path for target, _ in night.log}
        known = r"\d{8}|\w+ list|robots\.txt|404\.html|" + layouts.UNIT_PATH[1:]
        strange = [path for path in paths if not re.fullmatch(known, name_of(path))]
        assert strange == [], night.night


@pytest.mark.long
def test_after_the_redesign_every_bulletin_is_there_once_and_its_address_answers(
    thirty: Played,
) -> None:
    data, _ = thirty
    site = living_site(story.NIGHTS)
    found = rows(data, "SELECT slug, url, status FROM bulletins")
    documents = {page.id for n in range(story.NIGHTS + 1) for page in story.documents(n)}
    assert Counter(name_of(str(slug)) for slug, _, _ in found) == Counter(map(str, documents))
    live = [str(url).removeprefix(HOME) for _, url, status in found if status == "live"]
    assert [path for path in live if site.answer(path).status != 200] == []


@pytest.mark.long
def test_nothing_is_left_open_at_the_end(thirty: Played) -> None:
    assert rows(thirty[0], "SELECT kind, url FROM incidents WHERE resolved_at IS NULL") == []
    assert rows(thirty[0], "SELECT address FROM holds WHERE settled_at IS NULL") == []


@pytest.mark.long
def test_a_rebuild_makes_the_same_rows_and_all_is_sound(thirty: Played, tmp_path: Path) -> None:
    data = Path(shutil.copytree(thirty[0], tmp_path / "data"))
    before = tables(data)
    done = run("rebuild", "--data", data, now=story.instant(story.NIGHTS))
    assert done.returncode == 0, done.stderr
    assert tables(data) == before
    done = run("verify", "--full", "--data", data, now=story.instant(story.NIGHTS))
    assert done.returncode == 0, done.stdout + done.stderr
