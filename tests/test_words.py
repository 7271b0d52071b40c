"""The words of the field in comments, docstrings, messages and documents.

A reader who knows HTML, WARC and full-text search should meet the terms that they already know.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# What stands in prose, and what is written in its place. Names of the contract in backticks, such
# as the column `anchor` and the incident `wall-412`, keep their spelling.
INSTEAD = {
    r"blanks?": "whitespace",
    r"signs?": "character, or punctuation mark",
    r"anchor(?:s|ed)?": "reference date",
    r"walls?(?!-)": "block page",
    r"walled": "blocked",
    r"furniture": "boilerplate",
    r"gives?": "returns",
}
QUAINT = re.compile("|".join(rf"\b(?:{word})\b" for word in INSTEAD), re.IGNORECASE)
# What `bulletins parse --explain` prints names the key of the JSON.
KEYS = re.compile(r"``?[^`]*``?|^ *anchor {2,}.*$", re.MULTILINE)

SUFFIXES = (".py", ".md", ".toml", ".sql", ".html", ".css")
FOLDERS = ("archive", "crawler", "sample", "tools", "bench", "tests", "docs", "deploy")


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Line number and text of what a file says to a person."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield from prose_of_code(text)
    elif path.suffix == ".md":
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.startswith("    "):
                yield number, line
    else:
        for number, line in enumerate(text.splitlines(), start=1):
            if comment := re.search(r"\{#(.*?)#\}|(?:#|--|/\*)(.*)", line):
                yield number, comment[1] or comment[2] or ""


def prose_of_code(text: str) -> Iterator[tuple[int, str]]:
    """Comments, docstrings, names of tests, and strings of three English words or more.

    SQL and HTML are left out.
    """
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.lineno, node.name.replace("_", " ")
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words = re.findall(r"[A-Za-z]{2,}", node.value)
            if len(words) >= 3 and not re.search(r"select |insert |<\w+", node.value, re.I):
                yield node.lineno, node.value


def quaint(text: str) -> list[str]:
    """The words of a text that have a plainer term."""
    return QUAINT.findall(KEYS.sub("", text))


def files() -> list[Path]:
    found = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*"))]
    found += sorted(ROOT.glob("*.md"))
    # Pages for the tests speak as ministries do, in their encodings.
    found = [path for path in found if ROOT / "tests" / "pages" not in path.parents]
    return [path for path in found if path.suffix in SUFFIXES and path != Path(__file__)]


def test_prose_is_found_in_every_kind_of_file(tmp_path: Path) -> None:
    samples = {
        "a.py": '# a blank\nx = "three words: a sign"\ny = "anchor"\ndef test_walls(): ...\n',
        "a.md": "a wall of `wall-412`\n\n    give it\n",
        "a.sql": "select 1; -- furniture\n",
        "a.html": "{# gives #}<p>blank</p>\n",
    }
    found = []
    for name, text in samples.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        found += [word for _, line in prose(tmp_path / name) for word in quaint(line)]
    assert found == ["blank", "walls", "sign", "wall", "furniture", "gives"]


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_terms_of_the_field_are_used(path: Path) -> None:
    found = [(line, word) for line, text in prose(path) for word in quaint(text)]
    assert not found, f"{path}: use instead: {INSTEAD}"
