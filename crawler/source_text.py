"""A proposal as the text of a source file, its evidence beside each line."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator
from datetime import date
from textwrap import wrap

from archive.source_files import source_of
from archive.sources import Source
from crawler.proposal import Key, Proposal, Value
from crawler.sources import KEYS

# As wide as the source files that people write.
_WIDTH = 100
REASON = "proposed by bulletins new-source, and not yet reviewed"


def source_from(proposal: Proposal, slug: str) -> Source:
    """The source that the proposal's file describes; raises UsageError where it is not one."""
    return source_of(slug, tomllib.loads(source_text(proposal, date.min)), KEYS)


def source_text(proposal: Proposal, day: date) -> str:
    """The source file of a proposal that was made on a day."""
    head = (
        f"Proposed by `bulletins new-source` on {day.isoformat()}. The comment above a line is the "
        "evidence for it. Correct what is wrong, write down what you know, and take enabled and "
        "reason away when the pages are reviewed."
    )
    lines = [
        *_comment(head),
        *_keys(proposal.source),
        'verified = "captured"',
        f"verified_on = {day.isoformat()}",
        "enabled = false",
        f"reason = {quoted(REASON)}",
        "",
        f"[channels.{proposal.slug}]",
        *_keys(proposal.channel),
    ]
    for layout in proposal.layouts:
        lines += ["", "[[layouts]]", *_keys(layout)]
    return "\n".join(lines) + "\n"


def _keys(keys: Iterable[Key]) -> Iterator[str]:
    for key in keys:
        if key.because:
            yield from _comment(key.because)
        yield f"{key.name} = {toml_value(key.value)}"


def _comment(text: str) -> list[str]:
    """Comment lines; control characters, which no comment may have, are left out."""
    return [f"# {line}" for line in wrap(_printable(text), _WIDTH - 2, break_on_hyphens=False)]


def toml_value(value: Value) -> str:
    """A value as TOML writes it."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(quoted, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else str(value)


def quoted(text: str) -> str:
    """A text as TOML writes it, in quotes."""
    return json.dumps(_printable(text), ensure_ascii=False)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() or char == "\u3000" else " " for char in text)
