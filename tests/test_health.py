"""``/-/health`` as a monitor asks for it: 200 while all is well, 503 with what is wrong."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archive.serving.application import application
from archive.storage.store import Store
from tests.test_status import LIVE, page_of
from tests.test_store import SOURCES, capture, page_html, record


def crawl(folder: Path, outcome: str = "good", at: str = "2026-11-01T18:30:00Z") -> None:
    """A line in ``crawls`` of the first live channel that ended at an instant."""
    with Store(folder, SOURCES) as store:
        number = store.begin_crawl("mohurd", LIVE[0], "2026-11-01T18:00:00Z")
        store.finish_crawl(number, {"outcome": outcome, "finished_at": at, "walked": 1})


def ask(
    folder: Path, monkeypatch: pytest.MonkeyPatch, at: str, method: str = "GET"
) -> tuple[int, Mapping[str, str], bytes]:
    """What the served archive answers at an instant."""
    monkeypatch.setenv("BULLETINS_NOW", at)

    async def asked() -> Any:
        served = application(folder / "bulletins.db")
        await served.invoke_startup()
        return await served.client.request(method, "/-/health")

    answer = asyncio.run(asked())
    return answer.status_code, answer.headers, answer.content


def problems(folder: Path, monkeypatch: pytest.MonkeyPatch, at: str) -> list[str]:
    status, headers, body = ask(folder, monkeypatch, at)
    found = json.loads(body)
    assert headers["cache-control"] == "no-store"
    assert headers["content-type"].startswith("application/json")
    assert found["ok"] == (status == 200) == (not found["problems"])
    assert status in (200, 503)
    lines: list[str] = found["problems"]
    return lines


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An archive with one bulletin and one good crawl, of 1 November."""
    record(tmp_path, capture(page_of("2026-11-01"), page_html("甲。")))
    crawl(tmp_path)
    return tmp_path


def test_all_well(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status, headers, body = ask(folder, monkeypatch, "2026-11-02T01:00:00Z")
    assert status == 200
    assert json.loads(body) == {
        "ok": True,
        "at": "2026-11-02T01:00:00Z",
        "problems": [],
        "sources": [
            {
                "source": "mohurd",
                "ok": True,
                "newest": "2026-11-01",
                "last_crawl": "2026-11-01T18:30:00Z",
                "failed": False,
                "stale": False,
                "problem": None,
            }
        ],
    }
    assert "x-content-type-options" in headers
    assert ask(folder, monkeypatch, "2026-11-02T01:00:00Z", "HEAD")[0] == 200
    assert ask(folder, monkeypatch, "2026-11-09T01:00:00Z", "HEAD")[0] == 503


def test_nights_that_do_not_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems(folder, monkeypatch, "2026-11-03T18:30:00Z") == []
    assert problems(folder, monkeypatch, "2026-11-03T18:30:01Z") == [
        "no crawl has ended since 2026-11-01T18:30:00Z: look whether the nightly run is still "
        "scheduled"
    ]


def test_a_failed_crawl_and_a_stale_source(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crawl(folder, "failed")
    assert problems(folder, monkeypatch, "2026-11-02T01:00:00Z") == [
        f"mohurd: {LIVE[0]}: the last crawl failed"
    ]
    crawl(folder, "good", "2026-11-12T18:00:00Z")
    assert problems(folder, monkeypatch, "2026-11-12T19:00:00Z") == [
        "mohurd: nothing new for 12 days, 10 are normal: look at the site"
    ]


def test_a_crawl_that_runs_is_no_trouble(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(folder, SOURCES) as store:
        store.begin_crawl("mohurd", LIVE[0], "2026-11-02T18:00:00Z")
    assert problems(folder, monkeypatch, "2026-11-02T19:00:00Z") == []


def test_a_source_that_is_not_crawled_at_night_is_not_judged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crawl(folder, "good", "2026-12-31T18:00:00Z")
    late = "2027-01-01T01:00:00Z"
    assert len(problems(folder, monkeypatch, late)) == 1
    for others in ({"mohurd": replace(SOURCES["mohurd"], enabled=False)}, {}):
        with Store(folder, others):
            pass
        assert problems(folder, monkeypatch, late) == []
        with Store(folder, SOURCES):
            pass
        assert len(problems(folder, monkeypatch, late)) == 1


def test_nothing_crawled_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(tmp_path)
    assert problems(tmp_path, monkeypatch, "2026-11-02T01:00:00Z") == [
        "no crawl has ended yet: run `bulletins nightly`, or install its schedule"
    ]


def test_a_database_of_other_rules_or_schema_or_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = "2026-11-02T01:00:00Z"
    path = folder / "bulletins.db"
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("UPDATE derivation SET version = 0")
    assert "another version of the program" in problems(folder, monkeypatch, at)[0]
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("DROP TABLE crawls")
    assert "no such table: crawls" in problems(folder, monkeypatch, at)[0]
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("PRAGMA user_version = 99")
    assert "has schema 99" in problems(folder, monkeypatch, at)[0]
    for file in folder.glob("bulletins.db-*"):
        file.unlink()
    path.write_bytes(b"noise" * 9000)
    assert "the database cannot be read" in problems(folder, monkeypatch, at)[0]
    path.unlink()
    assert "the database cannot be read" in problems(folder, monkeypatch, at)[0]
