"""Writes docs/coverage.md from the source files: ``python docs/make_coverage.py``."""

from __future__ import annotations

from pathlib import Path

from archive.normalise.provinces import PROVINCES
from archive.source_files import load_sources
from archive.sources import Channel, Source
from crawler.sources import BUNDLED, KEYS

ROOT = Path(__file__).parent.parent
HEAD = """# Coverage

Made by `docs/make_coverage.py` from the files in `crawler/sources/`. *captured*: the layout was
read from captured pages; *reported*: two other crawlers or more say the same; *guessed*: concluded
from less. A source that is not enabled is crawled only by its name.
"""
KINDS = {
    "ministry": "Ministries",
    "agency": "Other bodies of the centre",
    "provincial": "Departments of provinces",
    None: "Others",
}


def page() -> str:
    """The whole page: a table for each kind of body, a line for each source."""
    parts = [HEAD]
    sources = load_sources((BUNDLED,), KEYS).values()
    for kind, title in KINDS.items():
        mine = [source for source in sources if source.about.kind == kind]
        if mine:
            head = (
                "| source | body | live channels | retired channels | platform | sure | nightly |"
            )
            lines = [f"## {title}", "", head, "|---|---|---|---|---|---|---|", *map(line, mine)]
            parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def line(source: Source) -> str:
    """A source's line of its table."""
    live = [channel for channel in source.channels if not channel.retired]
    retired = [channel for channel in source.channels if channel.retired]
    about = source.about
    name = f"{source.name} ({PROVINCES[about.province].short})" if about.province else source.name
    cells = (
        f"`{source.slug}`",
        name,
        named(live),
        named(retired),
        ", ".join(dict.fromkeys(f"`{channel.platform}`" for channel in live)),
        about.sureness,
        "yes" if source.enabled else f"no: {about.reason}",
    )
    return f"| {' | '.join(cells)} |"


def named(channels: list[Channel]) -> str:
    """Channels by slug and name."""
    return ", ".join(f"`{channel.slug}` {channel.name}" for channel in channels)


if __name__ == "__main__":
    (ROOT / "docs" / "coverage.md").write_text(page(), encoding="utf-8")
