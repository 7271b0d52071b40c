"""Fixtures that several test files share."""

from __future__ import annotations

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


@pytest.fixture(scope="session")
def demo_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's data folder, made once; not to be changed."""
    from sample.demo import make

    folder = tmp_path_factory.mktemp("demo") / "data"
    make(folder)
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
