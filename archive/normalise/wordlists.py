"""Lists of words kept as data beside the gazetteer."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources


def word_lists(file: str) -> Mapping[str, frozenset[str]]:
    """The lists of a file of ``archive/data`` by name.

    ``[name]`` on a line begins a list of words separated by whitespace; lines with ``#``
    are comments.
    """
    text = (resources.files("archive.data") / file).read_text(encoding="utf-8")
    lists: dict[str, list[str]] = {}
    words: list[str] = []
    for line in text.splitlines():
        if line.startswith("["):
            words = lists.setdefault(line.strip("[]"), [])
        elif not line.startswith("#"):
            words += line.split()
    return {name: frozenset(found) for name, found in lists.items()}
