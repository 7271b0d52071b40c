"""The bulletins of the sample site: texts in ``content/*.txt``, loaded as pages.

样例: every text is written for this sample; the people, the events and the figures are invented,
the places are real.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Literal, cast

from sample.page import Era, File, Page, Style

_FIRST_OF_B = date(2021, 1, 1)
_FIRST_OF_C = date(2021, 9, 1)
_B_KEPT_SINCE = date(2020, 9, 1)
# The move to era C left a summer behind, as such moves do.
_C_LACKS = (date(2020, 7, 1), date(2020, 8, 31))
_LAST_NIGHT = 99


@dataclass(frozen=True, slots=True)
class Edition:
    """One text of a bulletin and the nights on which the site shows it, both inclusive.

    Two editions with one id are a page that was changed; one that ends is a page taken down.
    """

    page: Page
    since: int
    until: int


@cache
def editions() -> tuple[Edition, ...]:
    """All texts, in the order of the content files."""
    folder = files("sample") / "content"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".txt"))
    texts = [(folder / name).read_text(encoding="utf-8") for name in names]
    return tuple(edition for text in texts for edition in parse(text))


def parse(text: str) -> Iterator[Edition]:
    """Read the texts of a content file.

    A text begins with ``== <id> <title>`` (a ``|`` is a line break in the title), then lines
    ``key: value``, a blank line, and a paragraph a line. Keys: date, time, column, source,
    encoding, style, box, wrapped, file (``label.extension``), from, until, revised.
    Raises ValueError for an unknown key.
    """
    for block in text.split("\n== ")[1:]:
        head, _, rest = block.partition("\n\n")
        first, *settings = head.split("\n")
        key, _, title = first.partition(" ")
        given = dict(line.split(": ", 1) for line in settings)
        paragraphs = tuple(line for line in rest.split("\n") if line.strip())
        yield _edition(int(key), title.replace("|", "\n"), given, paragraphs)


def _edition(key: int, title: str, given: dict[str, str], paragraphs: tuple[str, ...]) -> Edition:
    published = date.fromisoformat(given.pop("date"))
    label, _, extension = given.pop("file", "").rpartition(".")
    revised = given.pop("revised", None)
    page = Page(
        id=key,
        title=title,
        published=published,
        paragraphs=paragraphs,
        column=given.pop("column", "gzdt"),
        time=given.pop("time", "09:00"),
        source=given.pop("source", None),
        attachments=(File(label, extension),) if label else (),
        hard_wrapped=given.pop("wrapped", "no") == "yes",
        style=cast(Style, given.pop("style", "plain")),
        box=cast(Literal["union", "info"], given.pop("box", "union")),
        encoding=given.pop("encoding", "utf-8"),
        guid=_guid(key) if published >= _FIRST_OF_C else None,
        revised=date.fromisoformat(revised) if revised else None,
    )
    edition = Edition(page, int(given.pop("from", 1)), int(given.pop("until", _LAST_NIGHT)))
    if given:
        raise ValueError(f"unknown keys in text {key}: {sorted(given)}")
    return edition


def _guid(key: int) -> str:
    return hashlib.sha256(f"sample {key}".encode()).hexdigest()[:32]


def on_night(night: int) -> list[Page]:
    """The pages as they read on a night, whatever era shows them."""
    return [e.page for e in editions() if e.since <= night <= e.until]


def shown(era: Era, night: int) -> list[Page]:
    """The pages that an era's site shows on a night, in that era's columns.

    Era A has the one column xwfb; era B has gzdt and dfxx; era C has those and jsyw.
    """
    return [
        replace(page, column=_column(page, era))
        for page in on_night(night)
        if _is_shown(page.published, era)
    ]


def _is_shown(day: date, era: Era) -> bool:
    if era == "A":
        return day < _FIRST_OF_B
    if era == "B":
        return _B_KEPT_SINCE <= day < _FIRST_OF_C
    return not _C_LACKS[0] <= day <= _C_LACKS[1]


def _column(page: Page, era: Era) -> str:
    if era == "A":
        return "xwfb"
    return "gzdt" if era == "B" and page.column == "jsyw" else page.column


def file_bytes(file: File) -> bytes:
    """An attachment's bytes: the head and tail of its kind of file around a line of text."""
    magic = {
        "pdf": b"%PDF-1.4\n",
        "doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "xlsx": b"PK\x03\x04",
    }
    return magic.get(file.extension, b"") + f"样例附件：{file.label}\n".encode() + b"%%EOF\n"
