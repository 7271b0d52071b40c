"""Incidents: one row for a trouble that lasts, settled by a good answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from archive.storage.database import SCHEMA_VERSION, sources_changed
from archive.storage.incidents import Incident
from archive.storage.store import Store
from crawler.sources import load_sources
from tests.crawling import rows
from tests.test_store import HOME, capture, page_html, record

SOURCES = load_sources()
FOUND = "SELECT kind, count, first_seen, last_seen, capture, last_capture, resolved_at"


def night(number: int) -> str:
    return f"2026-11-{number:02}T18:00:00Z"


def test_a_trouble_that_lasts_is_one_row(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        record(tmp_path, capture(status=500, at=night(number)))
    assert rows(tmp_path, f"{FOUND} FROM incidents") == [
        ("http-500", 3, night(1), night(3), 1, 3, None)
    ]
    record(tmp_path, capture(body=page_html("甲。"), at=night(4)))
    record(tmp_path, capture(status=500, at=night(5)))
    assert rows(tmp_path, f"{FOUND} FROM incidents ORDER BY first_seen") == [
        ("http-500", 3, night(1), night(3), 1, 3, night(4)),
        ("http-500", 1, night(5), night(5), 5, 5, None),
    ]


def test_another_kind_at_the_same_address_is_another_trouble(tmp_path: Path) -> None:
    record(
        tmp_path,
        capture(status=500, at=night(1)),
        capture(status=521, at=night(2)),
        capture(status=500, at=night(3)),
    )
    assert rows(tmp_path, "SELECT kind, count FROM incidents ORDER BY kind") == [
        ("http-500", 2),
        ("wall-521", 1),
    ]


def test_a_trouble_without_an_answer_has_a_row_of_its_own(tmp_path: Path) -> None:
    with Store(tmp_path, SOURCES) as store:
        for number in (1, 2):
            store.incident(Incident(night(number), "mohurd", "gzdt", HOME, "moved", "in a circle"))
    assert rows(tmp_path, f"{FOUND} FROM incidents") == [
        ("moved", 2, night(1), night(2), None, None, None)
    ]


def test_a_changed_source_file_is_noticed_and_the_rows_derived_again(tmp_path: Path) -> None:
    record(tmp_path, capture(body=page_html("甲。")))
    changed = {slug: replace(source, rhythm_days=3) for slug, source in SOURCES.items()}
    slower = {slug: replace(source, delay=9.0) for slug, source in SOURCES.items()}
    path = tmp_path / "bulletins.db"
    assert sources_changed(path, SOURCES) == []
    assert sources_changed(path, slower) == []
    assert sources_changed(path, changed) == ["mohurd"]
    said: list[str] = []
    with Store(tmp_path, changed, said.append):
        pass
    assert [line.split(":")[0] for line in said] == ["the source file of mohurd has changed"]
    assert rows(tmp_path, "SELECT slug, rhythm_days FROM sources") == [("mohurd", 3)]
    assert rows(tmp_path, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
