"""Write traditional.txt from OpenCC's table of Traditional characters.

    python tools/make_traditional.py TSCharacters.txt > archive/search/traditional.txt

The input is ``opencc/dictionary/TSCharacters.txt`` of opencc-python-reimplemented 0.1.7 on PyPI
(SHA-256 6b5a0a79…ecf09a): a Traditional character, a tab, its Simplified characters, the usual
one first. NOTICE.txt holds the licence.
"""

from __future__ import annotations

import sys
from pathlib import Path

HEADER = """\
# Traditional to Simplified, one character to one: two characters a line, by code point.
# Made by tools/make_traditional.py from OpenCC's TSCharacters.txt; licence in NOTICE.txt.
"""


def traditional(table: str) -> dict[str, str]:
    """The usual Simplified character of each Traditional one, chains followed to their end.

    Characters whose usual form is themselves (覆, 藉, 瞭) are left out: without a word around
    them nothing says that they should change. Raises ValueError on a row that is not one
    character to one, or on a circle.
    """
    usual: dict[str, str] = {}
    for row in table.splitlines():
        source, _, targets = row.partition("\t")
        target = targets.split()[0]
        if len(source) != 1 or len(target) != 1:
            raise ValueError(f"not one character to one: {row!r}")
        if source != target:
            usual[source] = target
    return {source: _end(source, usual) for source in sorted(usual)}


def _end(source: str, usual: dict[str, str]) -> str:
    seen = {source}
    character = usual[source]
    while character in usual:
        if character in seen:
            raise ValueError(f"a circle at {character!r}")
        seen.add(character)
        character = usual[character]
    return character


def main(path: str) -> None:
    """Print the table made from the file at ``path``."""
    pairs = traditional(Path(path).read_text(encoding="utf-8"))
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    sys.stdout.write(HEADER)
    sys.stdout.writelines(f"{source}{target}\n" for source, target in pairs.items())


if __name__ == "__main__":
    main(sys.argv[1])
