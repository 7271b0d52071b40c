"""Which texts are one text republished, measured on pairs of our own.

``tests/republished/floors.json`` has the hash of the pairs and how many are told right; after a
change of the pairs ``python -m tests.test_passages`` writes it again and prints the tables of
docs/republished.md. It never lowers a floor while the pairs are the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

from archive.model import Bulletin
from archive.storage import passages
from archive.storage.identity import alike, text_of
from archive.storage.passages import LEAST, Said, is_version, marks, said, share
from tests.republished_pairs import PAIRS, Pair, pairs, pairs_hash

FLOORS = PAIRS.with_name("floors.json")
DOCS = Path(__file__).parent.parent / "docs" / "republished.md"
RAISE = "write the new floors with: python -m tests.test_passages"
SHARES = (0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9)


def said_by(bulletin: Bulletin) -> Said:
    """What a bulletin says, as the archive compares it."""
    entries = [*([bulletin.lead] if bulletin.lead else []), *bulletin.entries]
    places = (place.code or place.text for entry in entries for place in entry.places)
    return said((entry.text for entry in entries), places)


def texts_of(bulletin: Bulletin) -> list[str]:
    return [e.text for e in [*([bulletin.lead] if bulletin.lead else []), *bulletin.entries]]


@cache
def read() -> list[tuple[Pair, Bulletin, Bulletin]]:
    return [(pair, pair.one.bulletin(), pair.other.bulletin()) for pair in pairs()]


def told(answers: Iterable[bool]) -> dict[str, int]:
    """How many republished texts are found, and how many others are taken for one."""
    both = list(zip((pair.same for pair, _, _ in read()), answers, strict=True))
    return {
        "found": sum(answer for same, answer in both if same),
        "wrong": sum(answer for same, answer in both if not same),
    }


def as_shipped() -> dict[str, int]:
    return told(is_version(said_by(one), said_by(other)) for _, one, other in read())


def test_the_pairs_are_those_that_the_floors_are_of() -> None:
    assert json.loads(FLOORS.read_text())["sha256"] == pairs_hash(pairs()), RAISE


def test_what_is_told_is_at_its_floor() -> None:
    floors = json.loads(FLOORS.read_text())
    assert as_shipped() == {"found": floors["found"], "wrong": floors["wrong"]}, RAISE


def test_the_pairs_are_many_and_of_both_kinds() -> None:
    same = [pair for pair, _, _ in read() if pair.same]
    assert len(same) >= 40
    assert len(read()) - len(same) >= 25


def test_every_text_republished_is_a_candidate() -> None:
    """The two have a mark in common; else they would never be compared."""
    missed = [
        pair.name
        for pair, one, other in read()
        if pair.same and not {*marks(texts_of(one))} & {*marks(texts_of(other))}
    ]
    assert not missed


def table(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The rows of the table of thresholds, as docs/republished.md has them."""
    lines = []
    for least in SHARES:
        monkeypatch.setattr(passages, "SHARE", least)
        with_facts = as_shipped()
        monkeypatch.setattr(passages, "FACTS", 0.0)
        without = as_shipped()
        monkeypatch.undo()
        numbers = (*with_facts.values(), *without.values())
        lines.append(f"| {least:.2f} | " + " | ".join(map(str, numbers)) + " |")
    by_identity = told(alike(text_of(one), text_of(other)) for _, one, other in read())
    lines.append(
        f"| `alike` of identity.py | {by_identity['found']} | {by_identity['wrong']} | | |"
    )
    return lines


def test_the_table_of_thresholds_is_the_measured_one(monkeypatch: pytest.MonkeyPatch) -> None:
    documented = DOCS.read_text(encoding="utf-8")
    missing = [line for line in table(monkeypatch) if line not in documented]
    assert not missing


def test_whitespace_width_and_punctuation_do_not_count() -> None:
    one = said(["5 月 8 日，改造“危房”１２０户；６月完工。"])
    other = said(["5月8日,改造「危房」120户。\n6月完工"])
    assert one == other
    assert one.numbers == {"5", "8", "120", "6"}


def test_passages_that_stand_twice_count_twice() -> None:
    once, twice = said(["改造危房一百二十户。"]), said(["改造危房一百二十户。" * 2])
    assert passages.common(once, twice) == once.length == 9
    assert passages.common(twice, twice) == 18


def test_an_empty_text_has_nothing_in_common() -> None:
    assert share(said([]), said(["改造危房一百二十户。"])) == 0.0


def test_what_is_shorter_than_a_formula_is_no_version_and_has_no_marks() -> None:
    text = "附件见下" * (LEAST // 4)
    assert len(text) < LEAST
    assert not is_version(said([text]), said([text]))
    assert is_version(said([text + "样例样例"]), said([text + "样例样例"]))


def test_marks_are_those_of_the_longest_passages_wherever_they_stand() -> None:
    long = [f"第{number}条样例段落写得比别的段落长" + "些" * number for number in range(12)]
    assert len(marks(["。".join(long)])) == passages.MARKS
    assert marks(["。".join(long)]) == marks(["\n".join(long[::-1]), "短句。"])
    assert marks(["。".join(long)]) == marks(["。".join(long[4:])])


def main() -> None:
    """Write the floors, unless they would sink for the same pairs, and print the table."""
    found = {"sha256": pairs_hash(pairs()), **as_shipped()}
    if FLOORS.exists():
        before = json.loads(FLOORS.read_text())
        sunk = found["found"] < before["found"] or found["wrong"] > before["wrong"]
        if before["sha256"] == found["sha256"] and sunk:
            raise SystemExit(f"sunk for the same pairs: {before} to {found}")
    FLOORS.write_text(json.dumps(found, indent=1) + "\n")
    print(found)
    with pytest.MonkeyPatch.context() as monkeypatch:
        print("\n".join(table(monkeypatch)))


if __name__ == "__main__":
    main()
