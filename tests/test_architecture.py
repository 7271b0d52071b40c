"""docs/architecture.md is true: imports go one way, and what it names is there."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "architecture.md"

# From the bottom to the top: a package or module imports from itself and from those before it.
ROOMS = (
    "archive.errors",
    "archive.clock",
    "archive.model",
    "archive.hrefs",
    "archive.data",
    "archive.sources",
    "archive.toml_tables",
    "archive.search",
    "archive.captures",
    "archive.parse",
    "archive.source_files",
    "archive.normalise",
    "archive.storage",
    "archive.serving",
    "archive.cli",
    "archive.cli_keep",
    "archive.cli_review",
    "crawler",
    "sample",
)


def imports(path: Path) -> Iterator[str]:
    """The modules of the project that a file imports, those inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            module = node.module or ""
            # `from archive import errors` names a module, `from archive.clock import now` does not.
            names = [f"{module}.{a.name}" for a in node.names] if module == "archive" else [module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (n for n in names if n.split(".")[0] in ("archive", "crawler", "sample"))


def room(module: str) -> str | None:
    """The room that a module is in; None for the package `archive` itself."""
    return next((r for r in ROOMS if module == r or module.startswith(f"{r}.")), None)


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def files() -> list[Path]:
    return sorted(p for f in ("archive", "crawler", "sample") for p in (ROOT / f).rglob("*.py"))


@pytest.mark.parametrize("path", files(), ids=module_of)
def test_imports_go_from_a_room_to_those_before_it(path: Path) -> None:
    here = room(module_of(path))
    assert here or path == ROOT / "archive" / "__init__.py", f"{path} is in no room"
    for module in imports(path):
        there = room(module)
        if there and here:
            assert ROOMS.index(there) <= ROOMS.index(here), f"{path} imports {module}"


def test_the_search_needs_nothing_else_of_the_archive() -> None:
    for path in (ROOT / "archive" / "search").rglob("*.py"):
        assert {room(module) for module in imports(path)} <= {"archive.search"}, path


def test_the_archive_knows_neither_the_crawler_nor_scrapy() -> None:
    for path in (ROOT / "archive").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [getattr(node, "module", None) or "", *(a.name for a in node.names)]
                roots = {name.split(".")[0] for name in names}
                assert not roots & {"crawler", "scrapy", "twisted", "sample"}, path


def test_what_the_page_names_is_there() -> None:
    text = PAGE.read_text(encoding="utf-8")
    paths = re.findall(r"`((?:archive|crawler|sample|tools|tests|docs)/[\w./-]*)`", text)
    assert len(paths) > 20
    for path in paths:
        assert (ROOT / path).exists(), path
    functions = re.findall(r"`((?:archive|crawler)(?:\.[a-z_]\w*)+(?:\.[A-Z]\w*)?\.\w+)\(\)`", text)
    assert len(functions) > 10
    for name in functions:
        parts = name.split(".")
        depth = next(n for n, part in enumerate(parts) if part[0].isupper() or n == len(parts) - 1)
        found: object = importlib.import_module(".".join(parts[:depth]))
        for part in parts[depth:]:
            found = getattr(found, part)
        assert callable(found), name


def test_every_room_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in ROOMS:
        path = name.replace(".", "/")
        assert f"`{path}/`" in text or f"`{path}.py`" in text, name
