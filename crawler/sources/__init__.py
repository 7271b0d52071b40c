"""The source files that ship with the crawler, and the reading of all files for its platforms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from archive import source_files
from archive.sources import Source
from crawler.platforms import PLATFORMS

BUNDLED = Path(__file__).parent
KEYS = {name: platform.Keys for name, platform in PLATFORMS.items()}


def load_sources(folders: Sequence[Path] = ()) -> dict[str, Source]:
    """All sources, bundled first, then those of ``folders``; raises SourceFileError."""
    return source_files.load_sources((BUNDLED, *folders), KEYS)
