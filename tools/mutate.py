"""Break the code that carries promises, a little at a time, and see that the tests notice.

    python tools/mutate.py            a sample of the mutants of each folder
    python tools/mutate.py --all      every mutant
    python tools/mutate.py --write    take the shares as floors and list new survivors

mutmut makes the mutants and runs, for each, the tests that reach its function; what it mutates
and with which tests stands in pyproject.toml. This program chooses the mutants, and compares what
survived with tests/mutation/: ``floor.json`` has the share that must be noticed in each folder,
``survivors.toml`` every mutant that is known not to be noticed, with the reason. It exits with 1
when a share is below its floor or when a survivor is not listed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import ndiff
from pathlib import Path

ROOT = Path(__file__).parent.parent
FLOORS = ROOT / "tests" / "mutation" / "floor.json"
SURVIVORS = ROOT / "tests" / "mutation" / "survivors.toml"
# So many of a folder's mutants are a share to within four in a hundred; all take an hour or more.
SAMPLE = 100
AIM = 0.85
# A mutant that writes without end must not fill the disk: past this size it meets an error.
MAX_FILE_BYTES = 1 << 28
NOTICED = ("killed", "timeout", "segfault", "caught by type check")


@dataclass(frozen=True, order=True)
class Mutant:
    """One small change: the lines of a function as they are and as they would be.

    It has no line number, so that it stays the same one when the code around it changes.
    """

    module: str
    function: str
    before: str
    after: str

    @property
    def folder(self) -> str:
        """The folder of its module, which has a floor of its own."""
        return str(Path(self.module).parent)

    @property
    def rank(self) -> str:
        """Where it stands in the order that samples are drawn in: by chance, yet always there."""
        return hashlib.sha256(repr(self).encode()).hexdigest()

    @property
    def is_only_case(self) -> bool:
        """Whether it changes nothing but the case of letters in a string.

        SQL, the names of codecs and of header fields have no case, and messages are for people.
        """
        return self.before.lower() == self.after.lower()


def main() -> None:
    """Make the mutants, run those asked for, compare; see the module."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--all", action="store_true", help="run every mutant, not a sample")
    parser.add_argument("--write", action="store_true", help="write floors and new survivors")
    parser.add_argument("--only", metavar="FOLDER", help="run the mutants of one folder")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once")
    options = parser.parse_args()
    os.chdir(ROOT)
    # The same tests for everybody: those on pages that are not part of the project are left out.
    os.environ.pop("BULLETINS_SHARED", None)
    made = {name: one for name, one in generate(options.jobs) if not one.is_only_case}
    asked = {name: one for name, one in made.items() if options.only in (None, one.folder)}
    if not asked:
        parser.error(
            f"no folder {options.only}: {', '.join({one.folder for one in made.values()})}"
        )
    chosen = asked if options.all else sample(asked)
    statuses = run(list(chosen), options.jobs)
    survivors = {chosen[name] for name, status in statuses.items() if status not in NOTICED}
    shares = report(chosen, survivors)
    if options.write:
        killed = {chosen[name] for name, status in statuses.items() if status == "killed"}
        write(shares, survivors, set(made.values()) - killed)
    sys.exit(0 if judge(shares, survivors) else 1)


def generate(jobs: int) -> Iterator[tuple[str, Mutant]]:
    """Write the mutated modules into ``mutants/``; mutmut's name for each mutant, and what it is.

    The functions are those that ``mutmut run`` calls first: it has no command for this alone.
    """
    from mutmut import __main__ as mutmut
    from mutmut.mutation.trampoline import set_mutant_under_test
    from mutmut.utils import file_utils

    shutil.rmtree("mutants", ignore_errors=True)
    Path("mutants").mkdir()
    set_mutant_under_test("mutant_generation")
    with mutmut.CatchOutput(spinner_title="Making mutants"):
        file_utils.copy_src_dir()
        file_utils.copy_also_copy_files()
        file_utils.setup_source_paths()
        mutmut.create_mutants(jobs)
    found, _ = mutmut.collect_source_file_mutation_data(mutant_names=())
    modules: dict[str, list[str]] = defaultdict(list)
    for data, name, _ in found:
        modules[str(data.path)].append(name)
    for module, names in modules.items():
        yield from zip(names, described(module, names), strict=True)


def described(module: str, names: list[str]) -> Iterator[Mutant]:
    """What each mutant of a module changes: mutmut writes them all into one file, side by side."""
    from mutmut.mutation.data import MutantLineSpans

    lines = (Path("mutants") / module).read_text(encoding="utf-8").splitlines()
    index = MutantLineSpans.load(module)
    if index is None:
        raise RuntimeError(f"mutmut wrote no index for {module}")
    spans = index.span_by_function_name

    def text(name: str, plain: str) -> list[str]:
        span = spans[name]
        return [line.strip().replace(name, plain) for line in lines[span.start - 1 : span.end]]

    for full in names:
        name = full.rpartition(".")[2]
        mangled = name.rpartition("__mutmut_")[0]
        function = mangled.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
        original = text(f"{mangled}__mutmut_orig", function)
        changes = [c for c in ndiff(original, text(name, function)) if c[0] in "-+"]
        before, after = (" ".join(c[2:] for c in changes if c[0] == mark) for mark in "-+")
        yield Mutant(module, function, before, after)


def sample(made: dict[str, Mutant]) -> dict[str, Mutant]:
    """The first SAMPLE mutants of each folder in the order of their rank."""
    folders: dict[str, list[tuple[str, Mutant]]] = defaultdict(list)
    for name, one in sorted(made.items(), key=lambda item: item[1].rank):
        folders[one.folder].append((name, one))
    return dict(pair for pairs in folders.values() for pair in pairs[:SAMPLE])


def run(names: list[str], jobs: int) -> dict[str, str]:
    """Run the tests against each mutant; what mutmut says of it."""
    from mutmut import __main__ as mutmut
    from mutmut.stats import status_by_exit_code

    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, MAX_FILE_BYTES))
    mutmut._run(names, jobs)
    found, _ = mutmut.collect_source_file_mutation_data(mutant_names=names)
    return {name: status_by_exit_code[code] for _, name, code in found}


def report(chosen: dict[str, Mutant], survivors: set[Mutant]) -> dict[str, float]:
    """Print how many mutants of each module were noticed; the share of each folder."""
    modules = Counter(one.module for one in chosen.values())
    left = Counter(one.module for one in chosen.values() if one in survivors)
    for module, count in sorted(modules.items()):
        print(f"{1 - left[module] / count:7.1%}  of {count:4}  {module}")
    folders = Counter(one.folder for one in chosen.values())
    left = Counter(one.folder for one in chosen.values() if one in survivors)
    shares = {name: 1 - left[name] / count for name, count in sorted(folders.items())}
    for folder, share in shares.items():
        print(f"{share:7.1%}  of {folders[folder]:4}  {folder}/")
    return shares


def judge(shares: dict[str, float], survivors: set[Mutant]) -> bool:
    """Print what is wrong: shares below their floor, survivors that nobody has explained."""
    floors = json.loads(FLOORS.read_text(encoding="utf-8"))
    good = True
    for folder, share in shares.items():
        floor = floors.get(folder, {}).get("share", AIM)
        if share < floor:
            print(f"{folder}: {share:.1%} noticed, the floor is {floor:.1%}: write a test")
            good = False
    for one in sorted(survivors - set(listed())):
        print(f"not noticed: {one.module} {one.function}\n  - {one.before}\n  + {one.after}")
        good = False
    if not good:
        print("Write a test; or, where no test can tell, run with --write and state the reason.")
    return good


def listed() -> dict[Mutant, str]:
    """The survivors of ``survivors.toml`` and the reason of each."""
    entries = tomllib.loads(SURVIVORS.read_text(encoding="utf-8")).get("survivor", [])
    return {
        Mutant(entry["module"], entry["function"], entry["before"], after): entry["reason"]
        for entry in entries
        for after in entry["after"]
    }


def write(shares: dict[str, float], survivors: set[Mutant], left: set[Mutant]) -> None:
    """Raise the floors; list new survivors without a reason, drop those that are not ``left``.

    Those are the mutants of lines that are no more, and those that a test has killed.

    A floor is a hundredth below the share that was measured, rounded down: a time-out on a busy
    machine is not a weaker test. It never falls, and is AIM at the least.
    """
    floors = json.loads(FLOORS.read_text(encoding="utf-8"))
    for folder, share in shares.items():
        before = floors.get(folder, {}).get("share", 0)
        floors[folder] = {
            "share": max(before, AIM, int(share * 100 - 1) / 100),
            "measured": round(share, 4),
            "modules": fingerprint(folder),
        }
    FLOORS.write_text(json.dumps(dict(sorted(floors.items())), indent=2) + "\n", encoding="utf-8")
    known = {one: reason for one, reason in listed().items() if one in left}
    write_survivors(known | {one: known.get(one, "") for one in survivors})


def fingerprint(folder: str) -> str:
    """The hash of the modules of a folder, which says what code a share was measured on."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / folder).glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def write_survivors(reasons: dict[Mutant, str]) -> None:
    """Write ``survivors.toml``; the mutants of one line that share a reason are one entry."""
    together: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for one, reason in sorted(reasons.items()):
        together[one.module, one.function, one.before, reason].append(one.after)
    head = SURVIVORS.read_text(encoding="utf-8").partition("[[survivor]]")[0].rstrip()
    SURVIVORS.write_text("\n".join([head, *_entries(together.items())]), encoding="utf-8")


def _entries(together: Iterable[tuple[tuple[str, str, str, str], list[str]]]) -> Iterator[str]:
    for (module, function, before, reason), afters in together:
        yield "\n[[survivor]]"
        yield f"module = {_quoted(module)}"
        yield f"function = {_quoted(function)}"
        yield f"before = {_quoted(before)}"
        yield f"after = [{', '.join(map(_quoted, afters))}]"
        yield f"reason = {_quoted(reason)}"
    yield ""


def _quoted(text: str) -> str:
    """A TOML string; JSON's escapes are TOML's too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


if __name__ == "__main__":
    main()
