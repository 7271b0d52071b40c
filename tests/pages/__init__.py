"""Pages written for the tests, one for each layout family, each in the shape of a captured page.

The markup, the metas and the quirks are those that the ministries' publishing systems serve; all
words, people, offices and addresses are invented (样例). ``expected.toml`` says of each file what
it must be read as and which page it is like.
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
    """One page as served, and what it says: the keys of its table in ``expected.toml``.

    ``like`` is the captured page whose shape it has; ``body`` the selector of its text, ``rule``
    how the text is found without it; ``rows`` the selector of a list's rows. ``incident`` is the
    kind of an answer that is not a page. ``faults`` names the fields that are read wrongly today:
    under ``unknown`` for a page of an unknown source, ``known`` where the source's selector of the
    text is known, ``density`` without all selectors, ``bare`` without metas.
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
        """The body of the answer; the file has it unpacked, so that it can be reviewed."""
        body = (FOLDER / self.file).read_bytes()
        packed = self.headers.get("content-encoding") == "gzip"
        return gzip.compress(body, mtime=0) if packed else body

    def text(self) -> str:
        """The decoded page, by the way that a capture takes."""
        return decode(unpack(self.served(), self.headers.get("content-encoding", "")))


def samples() -> list[Sample]:
    """All pages of ``expected.toml``; a key that it does not know is a TypeError."""
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
    """The context of a page of a source that has one layout or none: the place to adapt."""
    parts = urlsplit(url)
    home = f"{parts.scheme}://{parts.netloc}"
    layouts = (Layout("era", (), (), (body,), ()),) if body else ()
    source = Source("sample", "样例", home, (parts.netloc,), 1, 1, 1, True, (), layouts)
    return PageContext(source, url, url)
