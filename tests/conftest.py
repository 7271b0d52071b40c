"""Fixtures that several test files share."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.served_archive import Client

# `--hypothesis-profile=long` chooses the other one. A test whose examples are slow limits their
# number itself: @settings(max_examples=min(1_000, settings().max_examples)).
settings.register_profile("default", max_examples=300, deadline=None)
settings.register_profile("long", max_examples=20_000, deadline=None)
settings.load_profile("default")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the real bulletin and captured pages; not part of the project."""
    given = os.environ.get("BULLETINS_SHARED")
    if not given:
        pytest.skip("BULLETINS_SHARED is not set")
    folder = Path(given)
    assert (folder / "bulletins" / "lianbo-2.txt").is_file(), f"BULLETINS_SHARED={given} is wrong"
    return folder


# Files that take longest, begun first so that no process waits for another in the end.
SLOWEST = (
    "test_hostile.py",
    "test_crawl.py",
    "test_entry_search.py",
    "test_nightly.py",
    "test_thirty_nights.py",
    "test_patience.py",
    "test_politeness.py",
    "test_operations.py",
    "test_nights_told.py",
    "test_kills.py",
    "test_bad_lists.py",
    "test_every_source.py",
    "test_drifting_nights.py",
    "test_browser.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slowest files first; the order within a file stays."""
    order = {name: number for number, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(SLOWEST)))


@pytest.fixture(scope="session")
def demo_made(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The demo's data folder, made once by the first process that wants it; not to be changed."""
    from sample.demo import make

    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    folder = shared / "demo" / "data"
    with (shared / "demo.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (shared / "demo.made").exists():
            make(folder)
            (shared / "demo.made").touch()
    return folder


@pytest.fixture
def demo(demo_made: Path, tmp_path: Path) -> Path:
    """A copy of the demo's data folder."""
    return Path(shutil.copytree(demo_made, tmp_path / "demo"))


@pytest.fixture(scope="module")
def served_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of the small archive that the tests of serving share; not to be changed."""
    from tests.served_archive import write_archive

    path = tmp_path_factory.mktemp("served") / "bulletins.db"
    write_archive(path)
    return path


@pytest.fixture(scope="module")
def client(served_path: Path) -> Iterator[Client]:
    """A client for the application over that archive."""
    from tests.served_archive import Client

    client = Client(served_path)
    yield client
    client.close()
