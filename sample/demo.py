"""The demo: the sample's two sites crawled over a few simulated nights into a data folder.

``python -m sample.demo FOLDER`` makes it anew each time.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from sample.layouts import Era
from sample.rural import RuralSite
from sample.server import FIRST_NIGHT, SampleSite, demo_site, serve

SOURCES = Path(__file__).with_name("sources")
# Era, night and channel of each crawl: what earlier eras left, then four nights of today's site.
# On the second night a page changes and another is gone; three nights make that certain.
CRAWLS: tuple[tuple[Era, int, str | None], ...] = (
    ("A", 1, "xwfb"),
    ("B", 1, "gzdt-2021"),
    ("B", 1, "dfxx-2021"),
    ("C", 1, None),
    ("C", 2, None),
    ("C", 3, None),
    ("C", 4, None),
)
_MARKER = "样例数据.txt"


def make(folder: Path) -> None:
    """Crawl the sample site into ``folder``, replacing an earlier demo there.

    Raises SystemExit when the folder holds something else, or a crawl fails.
    """
    _clear(folder)
    shutil.copytree(SOURCES, folder / "sources")
    turns = len(CRAWLS) + 1
    for turn, (era, night, channel) in enumerate(CRAWLS, start=1):
        print(f"[{turn}/{turns}] night {night}, layout {era}", flush=True)
        _crawl(folder, "sample", demo_site(era, night), night, channel)
    # The second ministry changes nothing, so one night is enough.
    print(f"[{turns}/{turns}] night {night}, a second ministry", flush=True)
    _crawl(folder, "rural", RuralSite(), night)
    with closing(sqlite3.connect(folder / "bulletins.db")) as conn:
        total, revised, gone, repeated = conn.execute(
            "SELECT count(*), sum(revision > 1), sum(status = 'gone'), count(same_as)"
            " FROM bulletins"
        ).fetchone()
    print(
        f"{folder} holds {total} invented bulletins (样例) of 2020 to 2022, as four nights of May "
        f"2022 found them: {revised} were revised, {gone} are no longer on the site, {repeated} "
        "repeat one of the other ministry"
    )


def _crawl(
    folder: Path, source: str, site: SampleSite, night: int, channel: str | None = None
) -> None:
    """One crawl in a process of its own, at two in the morning in China of that night."""
    evening_before = FIRST_NIGHT + timedelta(days=night - 2)
    command = [sys.executable, "-m", "crawler", "crawl", source, "--delay", "0"]
    with serve(site) as base:
        command += ["--data", str(folder), "--base-url", base]
        done = subprocess.run(
            [*command, *(["--channel", channel] if channel else [])],
            env=os.environ | {"BULLETINS_NOW": f"{evening_before}T18:00:00Z"},
            check=False,
        )
    if done.returncode:
        sys.exit(done.returncode)


def _clear(folder: Path) -> None:
    marker = folder / _MARKER
    if folder.exists() and not marker.exists() and any(folder.iterdir()):
        sys.exit(f"{folder} holds something that is not a demo: choose another folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    marker.write_text("样例数据：由样例站生成，并非真实公报。\n", encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1] if len(sys.argv) > 1 else "data/demo"))
