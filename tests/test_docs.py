"""The documentation says what the code does: commands, tables, settings, incidents."""

from __future__ import annotations

import dataclasses
import re
import runpy
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import get_args

import click
import msgspec
import pytest

from archive import errors
from archive.model import Bulletin, Entry
from archive.sources import About, Layout, Source
from archive.storage.database import connect
from crawler.cli import main
from crawler.page_expectations import (
    ColumnTable,
    DetailTable,
    ErrorTable,
    ExpectedTable,
    ListTable,
)
from crawler.platforms import PLATFORMS
from crawler.sources import load_sources

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(group: click.Group, prefix: str = "bulletins") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= commands(command, f"{prefix} {name}")
        if not isinstance(command, click.Group) or command.invoke_without_command:
            found[f"{prefix} {name}"] = command
    return found


@pytest.mark.parametrize("name", commands(main))
def test_every_command_is_documented_with_its_options_and_an_example(name: str) -> None:
    page = read("docs/commands.md")
    command = commands(main)[name]
    assert f"`{name}" in page
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert f"`{parameter.opts[0]}" in page, parameter.opts[0]
            assert parameter.help
    assert command.help
    assert re.search(r"Examples?:\n\s+(\S+=\S+ )?bulletins ", command.help)


def test_no_command_is_documented_that_is_not_there() -> None:
    named = set(
        re.findall(
            r"`(bulletins [a-z-]+(?: (?:install|run|show|remove|accept|reject))?)",
            read("docs/commands.md"),
        )
    )
    assert named <= set(commands(main))


def test_the_tables_page_is_the_schema(tmp_path: Path) -> None:
    made = runpy.run_path(str(DOCS / "make_tables.py"))["page"]()
    assert read("docs/tables.md") == made, "run `python docs/make_tables.py`"
    connect(tmp_path / "x.db").conn.close()
    with closing(sqlite3.connect(tmp_path / "x.db")) as conn:
        names = conn.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
            " AND name NOT LIKE 'entries!_%' ESCAPE '!' AND name NOT LIKE 'sqlite%'"
            " AND name != 'search_index'"
        ).fetchall()
        for (name,) in names:
            assert f"## {name}\n" in made
            section = made.split(f"## {name}\n")[1].split("\n## ")[0]
            for column in conn.execute(f"PRAGMA table_info({name})"):
                assert f"| `{column[1]}` |" in section, f"{name}.{column[1]}"


def test_every_source_setting_platform_and_source_is_documented() -> None:
    page = read("docs/sources.md")
    for setting in (*dataclasses.fields(Source), *dataclasses.fields(About)):
        if setting.name not in ("slug", "channels", "layouts", "about"):
            assert f"| `{setting.name}` |" in page, setting.name
    for setting in dataclasses.fields(Layout):
        assert f"`{setting.name}`" in page, setting.name
    for platform in PLATFORMS:
        assert f"| `{platform}` |" in page


def test_the_coverage_page_is_made_of_the_source_files() -> None:
    made = runpy.run_path(str(DOCS / "make_coverage.py"))["page"]()
    assert read("docs/coverage.md") == made, "run `python docs/make_coverage.py`"
    for source in load_sources().values():
        assert f"| `{source.slug}` | {source.name} " in made
        for channel in source.channels:
            assert f"`{channel.slug}` {channel.name}" in made


def test_the_page_about_adding_a_source_names_every_key_of_its_expectations() -> None:
    page = read("docs/adding-a-source.md")
    tables = (ColumnTable, ListTable, DetailTable, ErrorTable, ExpectedTable)
    for table in tables:
        for key in msgspec.structs.fields(table):
            assert f"`{key.name}`" in page or f"`[[{key.name}]]`" in page, key.name


def test_every_incident_is_documented() -> None:
    page = read("docs/operations.md")
    table = page.split("| kind | means |")[1].split("\n\n")[0]
    documented = re.findall(r"^\| `([^`]+)` \|", table, re.M)
    assert sorted(documented) == sorted([*get_args(errors.NamedKind), "http-NNN"])


def test_every_exit_code_and_variable_is_documented() -> None:
    page = read("docs/commands.md")
    codes = {
        value.exit_code
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.ArchiveError)
    }
    assert codes == {1, 2, 3, 4, 5, 6, 7}
    for code in codes:
        assert f"| {code} |" in page
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("archive", "crawler", "tests", "sample")
        for path in (ROOT / folder).rglob("*.py")
    )
    for variable in set(re.findall(r"\bBULLETINS_[A-Z_]+\b", text)):
        assert f"| `{variable}` |" in page, variable


def test_the_json_page_has_every_key() -> None:
    page = read("docs/json.md")
    for model in (Bulletin, Entry):
        for field in dataclasses.fields(model):
            assert f"`{field.name}`" in page, field.name


def test_readme_and_makefile_agree() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", read("Makefile"), re.M))
    assert {
        "demo",
        "demo-data",
        "crawl",
        "serve",
        "schedule",
        "test",
        "test-long",
        "lint",
        "bench",
    } <= targets
    for target in re.findall(r"\bmake ([a-z-]+)\b", read("README.md")):
        assert target in targets
    for link in re.findall(r"\]\(([^)#:]+)\)", read("README.md")):
        assert (ROOT / link).exists(), link


def test_every_page_of_docs_is_linked() -> None:
    """From the README, or from a page that it links."""
    readme = read("README.md")
    linked = [read(f"docs/{p.name}") for p in DOCS.glob("*.md") if f"docs/{p.name}" in readme]
    for page in DOCS.glob("*.md"):
        there = f"docs/{page.name}" in readme or any(f"]({page.name}" in text for text in linked)
        assert there, page.name


def test_nothing_speaks_of_the_workplace() -> None:
    """Constraints name packages and versions only, and no file a machine's path or a host."""
    for line in read("constraints.txt").splitlines():
        assert re.fullmatch(r"#.*|[\w.-]+==[\w.]+", line), line
    suspicious = re.compile("/(?:" + "work|root" + r")/|pypi\.org|index-url")
    for folder in ("archive", "crawler", "sample", "docs", "bench", "deploy", ".ci"):
        for path in (ROOT / folder).rglob("*"):
            written = path.suffix in (".py", ".md", ".toml", ".txt", ".html", ".css", "")
            if written and path.is_file():
                assert not suspicious.search(path.read_text(encoding="utf-8")), path
