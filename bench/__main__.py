"""Run the benches named on the command line, or all of them."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent


def benches() -> list[str]:
    """The names of all benches, in order."""
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def main(wanted: list[str]) -> None:
    """Run benches one after another, each under its name and its first line of documentation."""
    unknown = [name for name in wanted if name not in benches()]
    if unknown:
        sys.exit(f"no bench {', '.join(unknown)}; there are: {', '.join(benches())}")
    for name in wanted or benches():
        module = import_module(f"bench.bench_{name}")
        print(f"== {name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        module.run()
        print(flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
