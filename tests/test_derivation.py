"""The derivation's version: a change is noticed, and old databases are derived again."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from archive.captures.warc import Capture, Role
from archive.errors import Damaged
from archive.model import Bulletin
from archive.normalise.bulletins import read_bulletin
from archive.serving.server import check
from archive.sources import Source
from archive.storage import classify, database
from archive.storage.database import DERIVATION, SCHEMA_VERSION, connect, open_readonly, outdated
from archive.storage.lock import lock
from archive.storage.rebuild import rebuild
from archive.storage.store import Store
from crawler.cli import main
from crawler.sources import load_sources
from sample import bulletins, layouts
from sample.layouts import Era
from sample.server import SampleSite
from tests.crawling import crawl, rows, tables

# DERIVATION, and the digest of what the bundled sample derives to.
RECORDED = (1, "be64271ef8c52be9ea42d3c73a3c7fe2f504c448e397951713edfe62036fd686")

SAMPLE = load_sources([Path(__file__).parent.parent / "sample" / "sources"])
MOHURD = load_sources()
PAGE = "https://www.mohurd.gov.cn/xwfb/202005/t20200528_1.html"


def sample_captures(source: Source) -> Iterator[Capture]:
    """A list page and all pages of each era of the sample site, as a crawl would capture them."""

    def capture(path: str, role: Role, channel: str, html: str) -> Capture:
        address = source.home + path
        return Capture(
            address, address, source.slug, channel, role, "2022-05-01T18:00:00Z", 200, (),
            html.encode(),
        )  # fmt: skip

    eras: dict[Era, str] = {"A": "", "B": "-2021", "C": ""}
    for era, suffix in eras.items():
        pages = [replace(page, encoding="utf-8") for page in bulletins.shown(era, 1)]
        column = pages[0].column
        channel = column + suffix
        mine = [page for page in pages if page.column == column]
        if era == "C":
            listed = layouts.unit_answer(column, mine, 1)
        else:
            listed = layouts.list_page(column, mine, 1, era)
        yield capture(layouts.list_address(column, 1, era), "list", channel, listed)
        for page in pages:
            html = layouts.detail(page, era)
            yield capture(layouts.address(page, era), "page", page.column + suffix, html)


def sample_digest(folder: Path) -> str:
    """The SHA-256 of every row that the sample derives to, but where its captures lie."""
    with Store(folder, SAMPLE) as store:
        outcomes = [store.record(capture) for capture in sample_captures(SAMPLE["sample"])]
    assert not [outcome for outcome in outcomes if outcome.incident]
    derived = tables(folder, ["captures", "derivation", "search_index"])
    return hashlib.sha256(json.dumps(derived, ensure_ascii=False).encode()).hexdigest()


def test_the_derivation_is_the_recorded_one(tmp_path: Path) -> None:
    found = (DERIVATION, sample_digest(tmp_path))
    assert found == RECORDED, (
        "the sample derives to other rows than recorded: raise DERIVATION in "
        "archive/storage/database.py (once between two releases is enough), so that databases "
        f"are derived again by themselves, and record it here: RECORDED = ({DERIVATION + 1}, "
        f'"{found[1]}")'
    )


def reworded(*given: Any) -> Bulletin:
    """A parser of a later version, which writes 户 as 家."""
    read = read_bulletin(*given)
    entries = tuple(replace(entry, text=entry.text.replace("户", "家")) for entry in read.entries)
    return replace(read, entries=entries)


def test_the_digest_notices_another_parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classify, "read_bulletin", reworded)
    assert sample_digest(tmp_path) != RECORDED[1]


def page(at: str) -> Capture:
    html = (
        "<html><body><table><tr><td class='tit'>样例</td></tr></table>"
        "<div class='union'><p>5月8日，改造危房120户。</p></div></body></html>"
    )
    return Capture(PAGE, PAGE, "mohurd", "xwfb", "page", at, 200, (), html.encode())


def crawl_unchanged(folder: Path, at: str) -> tuple[str, list[str]]:
    """One more night on which the page is as it was: what came of it, and what was said."""
    said: list[str] = []
    with Store(folder, MOHURD, said.append) as store:
        return store.record(page(at)).kind, said


def test_an_upgrade_writes_no_false_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert crawl_unchanged(tmp_path, "2026-11-01T18:00:00Z") == ("new", [])
    with Store(tmp_path, MOHURD) as store:
        store.begin_crawl("mohurd", "xwfb", "2026-11-01T18:00:00Z")
    monkeypatch.setattr(classify, "read_bulletin", reworded)
    monkeypatch.setattr(database, "DERIVATION", DERIVATION + 1)
    kind, said = crawl_unchanged(tmp_path, "2026-11-02T18:00:00Z")
    assert kind == "same"
    assert said == [
        f"{tmp_path / 'bulletins.db'} is of another version of the program: deriving it again ..."
    ]
    assert rows(tmp_path, "SELECT max(number) FROM revisions") == [(1,)]
    assert rows(tmp_path, "SELECT text FROM entries") == [("5月8日，改造危房120家。",)]
    assert rows(tmp_path, "SELECT count(*) FROM crawls") == [(1,)]
    assert crawl_unchanged(tmp_path, "2026-11-03T18:00:00Z") == ("same", [])


def test_without_a_new_version_the_same_page_would_look_revised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the version guards against is real."""
    crawl_unchanged(tmp_path, "2026-11-01T18:00:00Z")
    monkeypatch.setattr(classify, "read_bulletin", reworded)
    assert crawl_unchanged(tmp_path, "2026-11-02T18:00:00Z") == ("revised", [])


def change(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "bulletins.db")) as conn, conn:
        for statement in statements:
            conn.execute(statement)


def test_a_database_of_another_schema_is_derived_again_too(tmp_path: Path) -> None:
    crawl_unchanged(tmp_path, "2026-11-01T18:00:00Z")
    before = tables(tmp_path)
    change(tmp_path, "PRAGMA user_version = 1", "DROP TABLE derivation")
    with pytest.raises(Damaged, match=f"schema 1, this program uses {SCHEMA_VERSION}"):
        open_readonly(tmp_path)
    with pytest.raises(Damaged, match="run `bulletins rebuild`"):
        connect(tmp_path / "bulletins.db")
    said: list[str] = []
    with Store(tmp_path, MOHURD, said.append) as store:
        assert store.recovered == 0
    assert len(said) == 1
    assert tables(tmp_path) == before


def test_readers_say_that_the_rows_are_of_another_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crawl_unchanged(tmp_path, "2026-11-01T18:00:00Z")
    words = ("--data", str(tmp_path))
    assert "another version" not in CliRunner().invoke(main, ["status", *words]).stderr
    assert CliRunner().invoke(main, ["verify", *words]).stderr == ""
    change(tmp_path, "UPDATE derivation SET version = version + 1")
    with closing(open_readonly(tmp_path)) as conn:
        line = outdated(conn)
    assert line is not None
    assert "bulletins rebuild" in line
    for command in ("status", "verify"):
        assert CliRunner().invoke(main, [command, *words]).stderr.startswith(f"{line}\n")
    check(tmp_path / "bulletins.db")  # as `serve` does first
    assert capsys.readouterr().out == f"{line}\n"
    assert CliRunner().invoke(main, ["rebuild", *words]).exit_code == 0
    assert "another version" not in CliRunner().invoke(main, ["status", *words]).stderr


def test_a_crawl_derives_again_before_it_goes_on(tmp_path: Path) -> None:
    site = SampleSite("A", bulletins.shown("A", 1)[:3])
    words = ("--channel", "xwfb")
    assert crawl(site, tmp_path, *words).returncode == 0
    change(tmp_path, "UPDATE derivation SET version = 0", "UPDATE entries SET text = '旧'")
    done = crawl(site, tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("deriving it again") == 1
    assert rows(tmp_path, "SELECT count(*) FROM entries WHERE text = '旧'") == [(0,)]
    assert rows(tmp_path, "SELECT max(number) FROM revisions") == [(1,)]


def test_rows_whose_captures_are_gone_are_not_derived_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database may be the last that is left of its captures; it is kept, and said so."""
    crawl_unchanged(tmp_path, "2026-11-01T18:00:00Z")
    for file in (tmp_path / "warc").iterdir():
        file.unlink()
    with pytest.raises(Damaged, match="knows 1 captures, the WARC files hold 0: restore"):
        rebuild(tmp_path, MOHURD)
    monkeypatch.setattr(database, "DERIVATION", DERIVATION + 1)
    with pytest.raises(Damaged, match=r"or move bulletins\.db away"):
        Store(tmp_path, MOHURD)
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(1,)]
    with lock(tmp_path):
        assert not list(tmp_path.glob("bulletins.db.new*"))
