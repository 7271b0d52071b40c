"""Pages written for the tests, one for each layout family, each in the shape of a captured page.

The markup, the metas and the quirks are those that the ministries' publishing systems serve; all
words, people, offices and addresses are invented (样例). For each file, ``expected.toml`` says what
the parser must read from it, and which captured page it is like.
"""

from __future__ import annotations

import gzip
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from archive.captures.decode import decode, unpack
from archive.sources import Layout, PageContext, Source

FOLDER = Path(__file__).parent
NOTE = "样例：文字为测试而写，并非真实网页"


@dataclass(frozen=True)
class Sample:
    """One page as served, and what it says; the fields are the keys of ``expected.toml``.

    ``like`` is the captured page whose shape it has; ``body`` the selector of its text, ``rule``
    how the text is found without it; ``rows`` the selector of a list's rows. ``incident`` is the
    kind of an answer that is not a page. ``faults`` names the fields that are read wrongly today:
    under ``unknown`` for a page of an unknown source, ``known`` where the source's selector of the
    text is known, ``density`` without all selectors, ``bare`` without metas, where it can also be
    that the page does not show the date.
    """

    file: str
    like: str
    url: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    rule: str = ""
    title: str = ""
    published: str = ""
    published_at: str = ""
    credit: str = ""
    lines: tuple[str, ...] = ()
    attachments: tuple[tuple[str, str], ...] = ()
    rows: str = ""
    found: tuple[tuple[str, str, str], ...] = ()
    incident: str = ""
    faults: Mapping[str, list[str]] = field(default_factory=dict)

    def served(self) -> bytes:
        """The body of the answer; its file is not compressed, so that people can review it."""
        body = (FOLDER / self.file).read_bytes()
        packed = self.headers.get("content-encoding") == "gzip"
        return gzip.compress(body, mtime=0) if packed else body

    def text(self) -> str:
        """The decoded page, in the two steps that a capture goes through."""
        return decode(unpack(self.served(), self.headers.get("content-encoding", "")))


def samples() -> list[Sample]:
    """All pages of ``expected.toml``; raises TypeError for an unknown key."""
    tables = tomllib.loads((FOLDER / "expected.toml").read_text(encoding="utf-8"))
    return [Sample(file=file, **_frozen(table)) for file, table in tables.items()]


def _frozen(table: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: tuple(tuple(v) if isinstance(v, list) else v for v in value)
        if isinstance(value, list)
        else value
        for key, value in table.items()
    }


def context(url: str, body: str = "") -> PageContext:
    """The context of a page; ``body`` is the selector of its source's only layout, if any."""
    parts = urlsplit(url)
    home = f"{parts.scheme}://{parts.netloc}"
    layout = Layout(name="era", title=(), published=(), body=(body,), attachments=())
    source = Source(
        slug="sample",
        name="样例",
        home=home,
        hosts=(parts.netloc,),
        delay=1,
        rhythm_days=1,
        nightly_pages=1,
        nightly_rechecks=1,
        enabled=True,
        channels=(),
        layouts=(layout,) if body else (),
    )
    return PageContext(source, url, url)
