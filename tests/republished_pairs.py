"""Pairs of 样例 texts that two sites show, each known to be republished or merely alike."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from pathlib import Path
from typing import Any

from archive.model import Bulletin
from archive.normalise.bulletins import read_bulletin
from sample.bulletins import editions

PAIRS = Path(__file__).parent / "republished" / "pairs.toml"
DAY = date(2023, 6, 1)


@dataclass(frozen=True, slots=True)
class Shown:
    """A text as a site shows it."""

    title: str
    published: date
    paragraphs: tuple[str, ...]

    def page(self) -> str:
        """A page that holds it, readable without a layout."""
        body = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in self.paragraphs)
        return (
            f"<html><head><meta name='ArticleTitle' content='{escape(self.title, quote=True)}'>"
            f"<meta name='PubDate' content='{self.published}'></head>"
            f"<body><h1>{escape(self.title)}</h1><div class='content'>{body}</div></body></html>"
        )

    def bulletin(self) -> Bulletin:
        """The text as the archive reads it."""
        return read_bulletin(self.page(), None)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts, and whether the second is the first one republished."""

    name: str
    same: bool
    one: Shown
    other: Shown


def pairs() -> list[Pair]:
    """All pairs, in the order of their file; raises ValueError for an edit that changes nothing."""
    told = tomllib.loads(PAIRS.read_text(encoding="utf-8"))
    texts = {key: _own(text) for key, text in told["texts"].items()} | _sample()
    return [_pair(texts, given) for given in told["pairs"]]


def pairs_hash(made: Sequence[Pair]) -> str:
    """SHA-256 over the pairs, those parts included that are texts of the sample site."""
    return hashlib.sha256(repr(made).encode()).hexdigest()


def _own(text: Mapping[str, str]) -> Shown:
    return Shown(text["title"], DAY, tuple(text["paragraphs"].split("\n")[:-1]))


def _sample() -> dict[str, Shown]:
    pages = [edition.page for edition in editions()]
    return {str(p.id): Shown(p.name, p.published, p.paragraphs) for p in reversed(pages)}


def _pair(texts: Mapping[str, Shown], given: Mapping[str, Any]) -> Pair:
    one = texts[given["of"]]
    if "with" in given:
        found = texts[given["with"]]
        paragraphs, title = list(found.paragraphs), found.title
    else:
        paragraphs, title = _edited(one, given)
    day = one.published + timedelta(days=given.get("day", 0))
    name = f"{given['of']}: {given['how']}"
    return Pair(name, given["same"], one, Shown(title, day, tuple(paragraphs)))


def _edited(one: Shown, given: Mapping[str, Any]) -> tuple[list[str], str]:
    kept = given.get("keep", range(1, len(one.paragraphs) + 1))
    paragraphs = [one.paragraphs[number - 1] for number in kept]
    title = given.get("title", one.title)
    for old, new in given.get("edits", ()):
        if not any(old in text for text in (title, *paragraphs)):
            raise ValueError(f"{given['of']}: {old!r} is nowhere in it")
        paragraphs = [paragraph.replace(old, new) for paragraph in paragraphs]
        title = title.replace(old, new)
    if "lead" in given:
        paragraphs[0] = given["lead"]
    if given.get("joined"):
        paragraphs = ["".join(paragraphs)]
    before, after = given.get("before", ""), given.get("after", "")
    return [*before.splitlines(), *paragraphs, *after.splitlines()], title
