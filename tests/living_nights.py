"""Playing the living site's nights through the command line, and what the log tells of each.

A night is a process of ``bulletins nightly`` at BULLETINS_NOW against a server on loopback. What is
read afterwards is what anybody can read: rows of the database, the exit code, the server's log.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sample import living_story as story
from sample.answers import Logged
from sample.layouts import COLUMNS, address
from sample.living import living_site
from sample.server import serve
from tests.crawling import rows, run, switch_off

SOURCES = Path(__file__).with_name("nights")
# Nobody listens on this port of loopback.
CLOSED = "http://127.0.0.1:9"
_PASSING = "first_seen = ?1 AND resolved_at = ?1"


@dataclass(frozen=True)
class Night:
    """What one night left: its exit code, its rows, what changed in the archive, what was asked.

    Documents are called by their ids (26091802), incidents ``kind where``, with ``xN`` for how
    often a trouble was met.
    """

    night: int
    exit: int
    said: str
    crawls: dict[str, dict[str, Any]]
    new: list[str]
    changed: list[str]
    missing: list[str]
    gone: list[str]
    back: list[str]
    opened: list[str]
    again: list[str]
    settled: list[str]
    passing: list[str]
    held: list[str]
    verdicts: list[str]
    log: list[tuple[str, int]]
    cookies: int


def prepare(data: Path) -> None:
    """A data folder with the living site's source file alone."""
    # The sources that ship are for the network: a mirror serves one source.
    switch_off(data, keep="living")
    folder = data / "sources"
    before = (SOURCES / "era-a.toml").read_text(encoding="utf-8")
    (folder / "living.toml").write_text(before, encoding="utf-8")


def redescribe(data: Path) -> None:
    """What the operator does after the redesign: another source file."""
    after = (SOURCES / "era-c.toml").read_text(encoding="utf-8")
    (data / "sources" / "living.toml").write_text(after, encoding="utf-8")


def play(data: Path, nights: Iterable[int], oldest: date = story.OLDEST) -> list[Night]:
    """Play nights in order into a prepared folder, of a smaller site if it is to be."""
    played = []
    for night in nights:
        if night >= story.NEW_SOURCE:
            redescribe(data)
        played.append(play_one(data, night, oldest))
    return played


def play_one(data: Path, night: int, oldest: date = story.OLDEST) -> Night:
    """Play one night; ``story.TRIAL`` is a crawl by hand."""
    before = _gone(data)
    site = living_site(night, oldest)
    if night == story.REFUSED:
        done = _run(data, night, CLOSED)
    else:
        with serve(site) as base:
            done = _run(data, night, base)
    return _told(data, night, done, before, site.log)


def _run(data: Path, night: int, base: str) -> tuple[int, str]:
    words = ("crawl", "living") if night == story.TRIAL else ("nightly",)
    loopback = ("--data", data, "--base-url", base, "--delay", "0")
    done = run(*words, *loopback, now=story.instant(night))
    said = done.stdout + done.stderr
    # Neither a fault of ours nor a warning of Scrapy belongs into the mail of a night.
    assert "Traceback" not in said, said
    assert "internal meta keys" not in said, said
    return done.returncode, said


def _told(
    data: Path, night: int, done: tuple[int, str], before: set[str], log: Sequence[Logged]
) -> Night:
    now, after = story.instant(night), _gone(data)
    return Night(
        night=night,
        exit=done[0],
        said=done[1],
        crawls=_crawls(data, now),
        new=_named(data, "SELECT slug FROM bulletins WHERE first_seen = ?", now),
        changed=[
            f"{name_of(str(slug))} {number}"
            for slug, number in rows(
                data,
                "SELECT slug, number FROM revisions JOIN bulletins ON bulletins.id = bulletin"
                " WHERE captured_at = ? AND number > 1 ORDER BY slug, number",
                now,
            )
        ],
        missing=_missing(data, night, now),
        gone=sorted(name_of(slug) for slug in after - before),
        back=sorted(name_of(slug) for slug in before - after),
        opened=_incidents(data, "first_seen = ?1 AND resolved_at IS NOT ?1", now),
        again=_incidents(data, "first_seen < ?1 AND last_seen = ?1", now, counted=True),
        settled=_incidents(data, "first_seen < ?1 AND resolved_at = ?1", now, counted=True),
        passing=sorted({name.split()[0] for name in _incidents(data, _PASSING, now)}),
        held=_holds(data, "reason", "last_held_at = ?", now),
        verdicts=_holds(data, "verdict", "settled_at = ?", now),
        log=[(entry.target, entry.status) for entry in log],
        cookies=sum("cookie" in {name.lower() for name in entry.headers} for entry in log),
    )


def _gone(data: Path) -> set[str]:
    if not (data / "bulletins.db").exists():
        return set()
    return {str(slug) for (slug,) in rows(data, "SELECT slug FROM bulletins WHERE status = 'gone'")}


def _crawls(data: Path, now: str) -> dict[str, dict[str, Any]]:
    names = [str(row[1]) for row in rows(data, "PRAGMA table_info(crawls)")]
    found = rows(data, "SELECT * FROM crawls WHERE started_at = ? ORDER BY id", now)
    return {str(row[2]): dict(zip(names, row, strict=True)) for row in found}


def _named(data: Path, sql: str, now: str) -> list[str]:
    return sorted(name_of(str(found)) for (found,) in rows(data, sql, now))


def _missing(data: Path, night: int, now: str) -> list[str]:
    """The documents that were not there, ``old`` by an address of before the redesign."""
    found = rows(data, "SELECT url FROM addresses WHERE last_missed = ?", now)
    old = "" if night < story.REDESIGN else " old"
    paths = [urlsplit(str(url)).path for (url,) in found]
    return sorted(name_of(path) + ("" if path.startswith("/xinwen/") else old) for path in paths)


def _incidents(data: Path, where: str, now: str, *, counted: bool = False) -> list[str]:
    found = rows(data, f"SELECT kind, url, count FROM incidents WHERE {where}", now)
    return sorted(
        f"{kind} {name_of(str(url))}" + (f" x{count}" if counted else "")
        for kind, url, count in found
    )


def _holds(data: Path, what: str, where: str, now: str) -> list[str]:
    found = rows(data, f"SELECT {what}, address FROM holds WHERE {where}", now)
    return sorted(f"{said} {name_of(str(url))}" for said, url in found)


def name_of(found: str) -> str:
    """The short name of a slug or an address: a document's id, ``dfxx list``, ``robots.txt``."""
    if found.startswith("living-"):
        found = found.removeprefix("living-")
        return _slugs().get(found, found)
    parts = urlsplit(found)
    if name := _paths().get(parts.path):
        return name
    if asked := parse_qs(parts.query).get("pageId"):
        [column] = [name for name in COLUMNS if COLUMNS[name].page_id == asked[0]]
        return f"{column} list"
    if listed := re.fullmatch(r"/(?:xinwen/)?(\w+)/index(_\d+)?\.html", parts.path):
        return f"{listed[1]} list"
    return parts.path.removeprefix("/")


@cache
def _slugs() -> dict[str, str]:
    """Documents by what stands in their bulletins' slugs."""
    found = {page.guid: str(page.id) for page in story.documents(story.NIGHTS) if page.guid}
    return {slug: name for slug, name in found.items() if slug}


@cache
def _paths() -> dict[str, str]:
    """Documents by the paths of their addresses, in either era."""
    nights = (1, story.ARRIVING[0], story.REDESIGN - 1, story.NIGHTS)
    return {
        address(page, story.era_of(night)): str(page.id)
        for night in nights
        for page in story.documents(night)
    }


# What is kept between the processes of one test run.


def dump(played: Sequence[Night]) -> str:
    """Nights as JSON."""
    return json.dumps([asdict(night) for night in played], ensure_ascii=False)


def load(text: str) -> list[Night]:
    """The nights that ``dump`` wrote."""
    found = [Night(**night) for night in json.loads(text)]
    return [replace(night, log=[(str(a), int(b)) for a, b in night.log]) for night in found]


def asked_twice(night: Night) -> list[str]:
    """Addresses that were asked for again after an answer that is no temporary failure."""
    settled = Counter(target for target, status in night.log if 0 < status < 500 and status != 429)
    return sorted(target for target, times in settled.items() if times > 1)
