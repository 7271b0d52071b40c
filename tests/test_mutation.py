"""The files of ``make mutate`` agree with each other; the mutants are run by it, not here."""

from __future__ import annotations

import json
import runpy
import tomllib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "tests" / "mutation"
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
LISTED = tomllib.loads((FOLDER / "survivors.toml").read_text(encoding="utf-8"))
SURVIVORS = LISTED.get("survivor", [])
FLOORS = json.loads((FOLDER / "floor.json").read_text(encoding="utf-8"))
TOOL = runpy.run_path(str(ROOT / "tools" / "mutate.py"))


def mutated() -> list[Path]:
    """The modules that carry promises."""
    return [path for pattern in CONFIG["only_mutate"] for path in sorted(ROOT.glob(pattern))]


def test_every_pattern_names_modules_and_every_test_file_is_there() -> None:
    for pattern in CONFIG["only_mutate"]:
        assert list(ROOT.glob(pattern)), pattern
    for name in CONFIG["pytest_add_cli_args_test_selection"] + CONFIG["also_copy"]:
        assert (ROOT / name).exists(), name


def test_every_folder_has_a_floor_of_at_least_85_in_a_hundred() -> None:
    folders = {str(path.parent.relative_to(ROOT)) for path in mutated() if path.suffix == ".py"}
    assert set(FLOORS) == folders
    for folder, floor in FLOORS.items():
        # Nothing is measured of a folder until the first run with --write.
        measured = floor["measured"]
        assert TOOL["AIM"] <= floor["share"] <= (1 if measured is None else measured) <= 1, folder


@pytest.mark.parametrize("key", ["module", "function", "before", "after", "reason"])
def test_every_survivor_says_what_it_is_and_why_it_may_be(key: str) -> None:
    for survivor in SURVIVORS:
        assert survivor[key], survivor
        assert len(survivor["reason"]) > 20, survivor


def test_survivors_are_of_modules_that_are_mutated_and_listed_once() -> None:
    modules = {str(path.relative_to(ROOT)) for path in mutated()}
    assert {survivor["module"] for survivor in SURVIVORS} <= modules
    times = Counter(
        (survivor["module"], survivor["function"], survivor["before"], after)
        for survivor in SURVIVORS
        for after in survivor["after"]
    )
    assert [once for once, number in times.items() if number > 1] == []


def test_a_sample_stays_the_same_when_the_code_around_it_changes() -> None:
    mutant, sample, size = TOOL["Mutant"], TOOL["sample"], TOOL["SAMPLE"]
    made = {f"m{n}": mutant("archive/a.py", "f", f"x = {n}", f"x = {n + 1}") for n in range(2000)}
    chosen = set(sample(made).values())
    assert len(chosen) == size
    renamed = {f"other{name}": one for name, one in reversed(made.items())}
    assert set(sample(renamed).values()) == chosen
    fewer = {name: one for name, one in made.items() if one not in list(chosen)[:10]}
    assert len(chosen - set(sample(fewer).values())) == 10


def test_writing_raises_floors_and_drops_survivors_that_a_test_has_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant, write = TOOL["Mutant"], TOOL["write"]
    folder, module = "archive/search", "archive/search/index.py"
    killed, kept, new = (mutant(module, "f", f"x = {n}", f"x = {n + 1}") for n in range(3))
    floors, survivors = tmp_path / "floor.json", tmp_path / "survivors.toml"
    monkeypatch.setitem(write.__globals__, "FLOORS", floors)
    monkeypatch.setitem(write.__globals__, "SURVIVORS", survivors)
    floors.write_text(json.dumps({folder: {"share": 0.9, "measured": 0.91}}), encoding="utf-8")
    survivors.write_text("# Head.\n", encoding="utf-8")
    TOOL["write_survivors"]({killed: "was listed", kept: "is equivalent"})
    for share, floor in [(0.95, 0.94), (0.92, 0.94)]:
        write({folder: share}, {kept, new}, {kept, new})
        assert json.loads(floors.read_text(encoding="utf-8"))[folder]["share"] == floor
    assert survivors.read_text(encoding="utf-8").startswith("# Head.\n")
    assert TOOL["listed"]() == {kept: "is equivalent", new: ""}


def test_changes_of_nothing_but_case_are_left_out() -> None:
    mutant = TOOL["Mutant"]
    assert mutant("m.py", "f", 'x = "SELECT 1"', 'x = "select 1"').is_only_case
    assert not mutant("m.py", "f", 'x = "SELECT 1"', 'x = "XXSELECT 1XX"').is_only_case
