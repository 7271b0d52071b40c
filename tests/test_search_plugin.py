"""The search with any Datasette and a table that has no bulletins. All texts are 样例."""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from datasette.app import Datasette
from datasette.plugins import pm

import archive.search
from archive.search import Index, differences, parse
from archive.search.__main__ import main
from archive.search.find import count, facets, newest
from archive.search.hits import Place

ROOT = Path(__file__).parents[1]
NOTES = {
    1: ("农村危房改造进展", "样例一"),
    2: ("脫貧攻堅与危房改造", "样例二"),
    3: ("截至12月1日", "危房"),
    4: ("改造危房", None),
}


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.db"
    db = sqlite3.connect(path)
    db.execute("create table notes (nr integer primary key, body text, title text)")
    db.executemany("insert into notes values (?, ?, ?)", [(k, *v) for k, v in NOTES.items()])
    db.execute("create table others (nr text primary key, body text)")
    db.execute("insert into others values ('甲', '危房改造')")
    db.commit()
    db.close()
    return path


@pytest.fixture
def plugins(tmp_path: Path) -> Iterator[Path]:
    """A plugins folder as in docs/search-index.md; Datasette keeps plugins for all tests."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "chinese.py").write_text("from archive.search.plugin import *\n", encoding="utf-8")
    yield folder
    for plugin in pm.get_plugins():
        if getattr(plugin, "__name__", None) == "chinese.py":
            pm.unregister(plugin)


def get(datasette: Datasette, path: str) -> Any:
    return asyncio.run(datasette.client.get(path))


def found(datasette: Datasette, typed: str, table: str = "notes") -> list[int]:
    answer = get(datasette, f"/notes/{table}.json?_shape=objects&_search={typed}")
    assert answer.status_code == 200
    return [row["nr"] for row in answer.json()["rows"]]


def test_any_datasette(notes: Path, plugins: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(notes), "notes", "body", "title"]) is None
    assert capsys.readouterr().out == "notes: 4 rows indexed\n"
    datasette = Datasette([str(notes)], plugins_dir=str(plugins))
    asked = (
        "危房改造",
        "脱贫攻坚",
        "危",
        "2月1日",
        "危房 -改造",
        "样例 改造",
        "",
        "危房改造 或 12月",
    )
    assert {typed: found(datasette, typed) for typed in asked} == {
        "危房改造": [1, 2], "脱贫攻坚": [2], "危": [1, 2, 3, 4], "2月1日": [], "危房 -改造": [3],
        "样例 改造": [1, 2], "": [1, 2, 3, 4], "危房改造 或 12月": [1, 2, 3],
    }  # fmt: skip
    assert found(datasette, "危房改造", "others") == ["甲"]
    # Datasette itself would leave the box out: the plugin must come after its own search.
    assert 'type="search" name="_search"' in get(datasette, "/notes/notes").text
    page = get(datasette, "/notes/notes?_search=脫貧&_facet=title").text
    assert "包含：“脱贫”" in page
    assert 'name="_search" value="脫貧"' in page
    refused = get(datasette, f"/notes/notes.json?_search={'危' * 1001}")
    assert (refused.status_code, "请缩短" in refused.json()["error"]) == (400, True)
    sql = "select search_snippet(body, '脱贫') as s from notes where search_matches('脱贫', body)"
    answer = get(datasette, f"/notes.json?_shape=array&sql={sql}").json()
    assert answer == [{"s": "脫貧攻堅与危房改造"}]


def test_an_index_is_found_with_its_columns_and_key(notes: Path) -> None:
    db = sqlite3.connect(notes)
    assert Index.of(db, "notes") is None
    made = Index("notes", ("body", "title"), key="nr")
    made.rebuild(db)
    assert Index.of(db, "notes") == made
    assert [Index.of(db, name) for name in ("others", "no such table", "notes_fts")] == [None] * 3
    db.execute("update search_index set version = '0'")
    assert Index.of(db, "notes") is None
    db.close()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nowhere.db", "notes", "body"], "there is no file nowhere.db"),
        (["", "others", "body"], "others is not a table with an integer primary key"),
        (["", "no", "body"], "no is not a table with an integer primary key"),
        (["", "notes", "no"], "no such column: notes.no"),
        (["", "taken", "body"], 'table "taken_fts" already exists'),
    ],
)
def test_the_command_says_what_cannot_be_indexed(
    notes: Path, arguments: list[str], problem: str
) -> None:
    db = sqlite3.connect(notes)
    Index("notes", ("body",), key="nr").rebuild(db)
    db.execute("create table taken (nr integer primary key, body text)")
    db.execute("create virtual table taken_fts using fts5(body)")  # somebody else's
    db.execute("insert into taken_fts values ('abc')")
    db.commit()
    tables = "select name from sqlite_master"
    before = db.execute(tables).fetchall()
    said = main([arguments[0] or str(notes), *arguments[1:]])
    assert said is not None
    assert said.endswith(problem)
    assert db.execute(tables).fetchall() == before
    assert db.execute("select * from taken_fts").fetchall() == [("abc",)]
    db.close()


def test_the_program_in_the_documentation_runs(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "search-index.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    with closing(sqlite3.connect(tmp_path / "notes.db")) as db, db:
        db.execute("create table notes (id integer primary key, body, title, year, tag)")
        notes = [(1, "危房改造", 2019), (2, "危房改造样例", 2021), (3, "危房改造完成", 2020)]
        db.executemany("insert into notes values (?, ?, '', ?, '甲')", notes)
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert ran.stdout == "<mark>危房改造</mark>完成\n<mark>危房改造</mark>\n"


def test_the_search_needs_only_its_folder_and_the_standard_library(tmp_path: Path) -> None:
    """A copy of the folder alone, in an interpreter that has no installed packages."""
    shutil.copytree(Path(archive.search.__file__).parent, tmp_path / "archive" / "search")
    code = "import archive.search as s; print(s.__file__, s.parse('脫貧').describe())"
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.append('.'); {code}"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [str(tmp_path / "archive/search/__init__.py"), "包含：“脱贫”"]


def test_a_name_in_other_capitals_and_a_strange_search_index(notes: Path, plugins: Path) -> None:
    db = sqlite3.connect(notes)
    db.execute("create table search_index (foo)")  # somebody else's
    db.commit()
    assert get(Datasette([str(notes)], plugins_dir=str(plugins)), "/notes/notes").status_code == 200
    assert "search_index" in str(main([str(notes), "NOTES", "body"]))
    db.execute("drop table search_index")
    db.commit()
    assert main([str(notes), "NOTES", "body"]) is None
    assert Index.of(db, "notes") == Index("notes", ("body",), key="nr")
    assert main([str(notes), "notes", "body"]) is None
    db.close()


def test_columns_of_numbers_and_a_key_of_any_name(tmp_path: Path, plugins: Path) -> None:
    path = tmp_path / "notes.db"
    db = sqlite3.connect(path)
    db.execute('create table notes ("order" integer primary key, labels text, docid integer)')
    db.executemany("insert into notes values (?, ?, ?)", [(5, "危房", 2020), (6, None, 20)])
    db.commit()
    db.close()
    assert main([str(path), "notes", "labels", "docid"]) is None
    datasette = Datasette([str(path)], plugins_dir=str(plugins))
    assert get(datasette, "/notes/notes.json?_search=2020 危").json()["rows"] == [[5, "危房", 2020]]
    with closing(sqlite3.connect(path)) as db:
        index = Index.of(db, "notes")
        assert index is not None
        assert differences(db, index) == []
        assert [newest(db, index, parse(typed), 9) for typed in ("20", "危 2020")] == [
            [Place(0, 6)], [Place(0, 5)]
        ]  # fmt: skip
        assert facets(db, index, parse("危")).total == count(db, index, parse("危")).number == 1
