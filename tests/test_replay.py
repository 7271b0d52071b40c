"""Other programs replay the folder of captures as it is: pywb, from its own package.

It is installed into a folder of its own, never into the environment of the archive.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from sample import bulletins, layouts
from sample.server import SampleSite, serve
from tests.crawling import rows, run

# pywb 2.10 asks for pkg_resources, which setuptools 81 no longer has.
PACKAGES = ("pywb==2.10.0", "setuptools<81")
NIGHTS = ("2026-11-01T18:00:00Z", "2026-11-02T18:00:00Z")


@pytest.fixture(scope="session")
def wayback(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """pywb's server; skipped where its package cannot be had, unless CI wants it."""
    folder = tmp_path_factory.mktemp("pywb")
    venv.create(folder, with_pip=True)
    done = subprocess.run(
        [folder / "bin" / "python", "-m", "pip", "install", "--quiet", *PACKAGES],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if done.returncode != 0:
        if os.environ.get("BULLETINS_BROWSER_REQUIRED") == "1":
            pytest.fail(f"pywb cannot be installed: {done.stderr}")
        pytest.skip("pywb cannot be installed here")
    return folder / "bin" / "wayback"


@contextmanager
def replaying(wayback: Path, folder: Path, captures: Path) -> Iterator[Callable[[str, str], bytes]]:
    """pywb over a folder of captures; asks it for an address at a time, as it was sent."""
    (folder / "config.yaml").write_text(
        f"collections:\n  ours:\n    index_paths: {captures / 'index.cdxj'}\n"
        f"    archive_paths: {captures}/\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [wayback, "--port", str(port), "--bind", "127.0.0.1"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def ask(url: str, at: str) -> bytes:
        moment = "".join(filter(str.isdigit, at))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ours/{moment}id_/{url}") as answer:
            assert answer.status == 200
            return bytes(answer.read())

    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/").close()
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                assert process.poll() is None, "pywb did not start"
                time.sleep(0.1)
        yield ask
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.mark.long
def test_pywb_replays_what_was_crawled(wayback: Path, tmp_path: Path) -> None:
    """A page that was sent again whole, one confirmed by a 304, and one that changed."""
    data = tmp_path / "data"
    site = SampleSite("A", bulletins.shown("A", 1)[:3])
    again, confirmed, changed = (layouts.address(page, "A") for page in site.pages)
    bare = replace(site.answer(again), etag=None, modified=None)
    site.routes[again] = bare
    bodies = {path: site.answer(path).body for path in (again, confirmed, changed)}
    with serve(site) as base:
        for night in NIGHTS:
            words = ("--channel", "xwfb", "--base-url", base, "--delay", "0", "--data", data)
            done = run("crawl", "mohurd", *words, now=night, BULLETINS_CONTACT="me@sample.example")
            assert done.returncode == 0, done.stderr
            site.routes[changed] = replace(bare, body=bodies[changed] + b"<!-- 2 -->")
    found = rows(data, "SELECT url, status, revisit FROM captures WHERE role = 'page' ORDER BY id")
    assert {(url.removeprefix(base), status, revisit) for url, status, revisit in found[3:]} == {
        (again, 200, "identical-payload-digest"),
        (confirmed, 304, "server-not-modified"),
        (changed, 200, None),
    }
    with replaying(wayback, tmp_path, data / "warc") as ask:
        first, second = ([ask(base + path, night) for path in bodies] for night in NIGHTS)
    assert first == list(bodies.values())
    assert second == [*first[:2], bodies[changed] + b"<!-- 2 -->"]
    assert run("verify", "--data", data).returncode == 0
