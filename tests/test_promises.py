"""The promises in docs/architecture.md: all are listed, and every test they name is there."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEST = re.compile(r"`(tests/test_\w+\.py::test_[^`]+)`")
INVARIANTS = {"1", "2", "3", "4", "5", "6", "7", "8"}


def read(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def sentences(page: str) -> Iterator[str]:
    """The sentences of a page: headings and examples left out, a table's row as one sentence."""
    page = re.sub(r"(?m)^    .*\n", "", page)
    for block in re.split(r"\n\s*\n", page):
        if block.startswith("|"):
            for row in block.strip().split("\n")[2:]:
                yield ": ".join(cells(row))
        elif not block.startswith("#"):
            for item in re.split(r"\n(?=(?:\d+\.|[*-]) )", block.strip()):
                words = " ".join(re.sub(r"^(?:\d+\.|[*-]) ", "", item).split())
                yield from filter(None, re.split(r"(?<=[.!?])\s+(?=[A-Z0-9`\u4e00-\u9fff])", words))


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split(" | ")]


def table(heading: str) -> list[list[str]]:
    """The rows of a section's table in docs/architecture.md."""
    section = (
        read("architecture.md").split(f"\n### {heading}\n")[1].split("\n## ")[0].split("\n### ")[0]
    )
    return [cells(row) for row in section.strip().split("\n")[2:]]


def test_every_invariant_has_its_promises() -> None:
    assert {row[0] for row in table("Invariants")} == INVARIANTS
    for number, promise, tests in table("Invariants"):
        assert promise.endswith("."), (number, promise)
        assert TEST.search(tests) or re.match("not yet: .", tests), promise


def test_every_sentence_of_operations_is_listed_word_for_word() -> None:
    said = list(sentences(read("operations.md")))
    assert len(said) > 40
    listed = [sentence for sentence, _ in table("operations.md")]
    assert [s for s in said if s not in listed] == [], "add them to docs/architecture.md"
    assert [s for s in listed if s not in said] == [], "docs/operations.md no longer says that"
    for sentence, tests in table("operations.md"):
        assert TEST.search(tests) or tests == "describes", sentence


def test_sentences_are_found_wherever_they_stand() -> None:
    page = (
        "# Title\n\nOne. `two` is\nlonger: much. In robots.txt, three?\n\n    an example. Not.\n\n"
        "1. Four.\n2. Five; six. Seven.\n\n| kind | means |\n|---|---|\n| `x` | eight, nine |\n"
    )
    assert list(sentences(page)) == [
        "One.",
        "`two` is longer: much.",
        "In robots.txt, three?",
        "Four.",
        "Five; six.",
        "Seven.",
        "`x`: eight, nine",
    ]


def test_every_test_that_is_named_is_run_with_the_short_or_the_long_ones() -> None:
    rows = [row[-1] for name in ("Invariants", "operations.md") for row in table(name)]
    named = {test for row in rows for test in TEST.findall(row)}
    # Nothing but tests stands in their column.
    for row in rows:
        assert (
            row == "describes" or row.startswith("not yet: ") or not TEST.sub("", row).strip(", ")
        )
    files = sorted({test.partition("::")[0] for test in named})
    listing = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "long or not long", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    collected = {line for line in listing if "::" in line}
    collected |= {line.partition("[")[0] for line in collected}
    assert named <= collected, sorted(named - collected)
