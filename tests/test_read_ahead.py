"""Rebuild with other processes that read: the same rows for any number, and clear ends."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from archive.captures.warc import Capture, warc_files
from archive.captures.writing import WarcWriter
from archive.errors import Damaged, ReaderFailed, Unreadable
from archive.storage.classify import Page, read
from archive.storage.read_ahead import in_turn, read_ahead
from archive.storage.rebuild import rebuild
from archive.storage.store import Store
from archive.storage.workers import cores
from bench.heavy_pages import captures as heavy_captures
from crawler.cli import main
from crawler.sources import load_sources
from tests.crawling import NIGHT_1, rows, run, tables
from tests.test_derivation import SAMPLE, sample_captures
from tests.test_store import HOME, SOURCES, capture, page_html, record

SHIPPED = Path(__file__).parent.parent / "sample" / "sources"
LISTED_ONLY = f"{HOME}/xwfb/wj.html"
LIST = f"<table><tr><td><a href='{LISTED_ONLY}'>甲</a></td><td>[2020.05.29]</td></tr></table>"


def of_many_kinds() -> list[Capture]:
    """A page that only its list dates, before and after it was listed, and answers of all kinds."""
    undated = page_html("样例：修好房屋12户，验收合格。")
    return [
        capture(LISTED_ONLY, undated),
        capture(f"{HOME}/xwfb/index.html", LIST.encode(), role="list"),
        capture(LISTED_ONLY, undated),
        capture(f"{HOME}/xwfb/other.html", undated),
        capture(body=page_html("5月8日，改造危房120户。")),
        capture(body=page_html("5月8日，改造危房102户。")),
        capture(status=304),
        capture(status=412, body=b"<script>1</script>"),
        capture(status=302, Location="/xwfb/202005/t20200529_2.html"),
        capture(f"{HOME}/xwfb/202005/t20200529_2.html", status=404),
    ]


def test_rows_are_the_same_whoever_reads(tmp_path: Path) -> None:
    outcomes = record(tmp_path, *of_many_kinds())
    assert [outcome.kind for outcome in outcomes[:4]] == ["failed", "list", "new", "failed"]
    before = tables(tmp_path)
    with ThreadPoolExecutor(2) as executor:
        assert rebuild(tmp_path, SOURCES, executor=executor) == len(outcomes)
    assert tables(tmp_path) == before
    rebuild(tmp_path, SOURCES)
    assert tables(tmp_path) == before


def test_what_comes_back_has_a_body_only_where_it_is_needed(tmp_path: Path) -> None:
    record(tmp_path, *of_many_kinds())
    with ThreadPoolExecutor(2) as executor:
        found = list(read_ahead(tmp_path / "warc", SOURCES, executor))
    records = [one.record for one in found if isinstance(one.record, Capture)]
    with_body = [record.address for record in records if record.body]
    assert with_body == [LISTED_ONLY, LISTED_ONLY, f"{HOME}/xwfb/other.html"]


def test_a_source_without_a_file_is_named_as_ever(tmp_path: Path) -> None:
    record(tmp_path, capture(body=page_html("5月8日，甲。")))
    with ThreadPoolExecutor(1) as executor, pytest.raises(Exception, match="no source file"):
        rebuild(tmp_path, {}, executor=executor)


def test_a_damaged_record_is_damage_in_another_process_too(tmp_path: Path) -> None:
    record(tmp_path, *of_many_kinds())
    before = tables(tmp_path)
    [warc] = warc_files(tmp_path / "warc")
    raw = bytearray(warc.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    warc.write_bytes(raw)
    with ThreadPoolExecutor(2) as executor, pytest.raises(Damaged, match="damaged at byte"):
        rebuild(tmp_path, SOURCES, executor=executor)
    assert tables(tmp_path) == before


class Counting(ThreadPoolExecutor):
    """Counts the tasks that are under way."""

    most = 0
    taken = 0

    def submit(self, *given: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = super().submit(*given, **named)
        Counting.most = max(Counting.most, next(self.numbers) - Counting.taken)
        return future

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self.numbers = iter(range(1, 10**6))


def test_a_bounded_number_of_tasks_is_under_way() -> None:
    with Counting(2) as executor:
        for result in in_turn(executor)(str, range(500)):
            assert result == str(Counting.taken)
            Counting.taken += 1
    assert Counting.taken == 500
    assert Counting.most == 32


class Broken(Executor):
    """An executor whose processes have ended, as a full memory ends them."""

    def submit(self, *given: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(MemoryError("样例"))
        return future


def test_a_process_that_fails_leaves_the_old_database(tmp_path: Path) -> None:
    record(tmp_path, *of_many_kinds())
    before = tables(tmp_path)
    with pytest.raises(ReaderFailed, match=r"MemoryError: 样例.*the database is as it was"):
        rebuild(tmp_path, SOURCES, executor=Broken())
    assert tables(tmp_path) == before
    assert not list(tmp_path.glob("*.new*"))


def test_an_incident_keeps_its_kind_on_the_way_between_processes() -> None:
    sent = pickle.loads(pickle.dumps(Unreadable("wall-412", "样例")))
    assert (sent.kind, str(sent)) == ("wall-412", "样例")


def test_workers_is_a_number_of_processes(tmp_path: Path) -> None:
    record(tmp_path, *of_many_kinds())
    for wrong in ("0", "-1", "two"):
        words = ["rebuild", "--data", str(tmp_path), "--workers", wrong]
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 2
        assert "--workers" in done.output
    assert 1 <= cores() <= (os.cpu_count() or 1)


def heavy_folder(folder: Path, pages: int) -> None:
    """A data folder with captures of pages of real weight, and no database yet."""
    writer = WarcWriter(folder / "warc")
    source = load_sources([SHIPPED])["sample"]
    for one in islice(heavy_captures(source), pages):
        writer.append(one)
    writer.close()


def rebuilding(folder: Path, workers: int) -> subprocess.Popen[str]:
    """``bulletins rebuild`` in a process group of its own, as a terminal starts it."""
    command = ["rebuild", "--data", str(folder), "--sources", str(SHIPPED)]
    return subprocess.Popen(
        [sys.executable, "-m", "crawler", *command, "--workers", str(workers)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell starts what runs in the background deaf to Ctrl-C, and the tests with it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        env=os.environ | {"BULLETINS_NOW": NIGHT_1},
    )


def children(process: subprocess.Popen[str], count: int = 2) -> list[int]:
    """The processes that read for it, once there are so many; the tracker of resources is none."""
    while process.poll() is None:
        found = [
            int(path.name)
            for path in Path("/proc").glob("[0-9]*")
            if (line := said_by(path / "stat")).rpartition(") ")[2].split()[1:2]
            == [str(process.pid)]
            and "spawn_main" in said_by(path / "cmdline")
            and line
        ]
        if len(found) >= count:
            return found
        time.sleep(0.01)
    raise AssertionError(process.communicate())


def said_by(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return ""


def is_there(process: int) -> bool:
    return said_by(Path(f"/proc/{process}/stat")).rpartition(") ")[2][:1] not in ("", "Z")


@pytest.mark.long
@pytest.mark.parametrize("workers", [2, 3])
def test_rows_are_the_same_for_any_number_of_processes(tmp_path: Path, workers: int) -> None:
    heavy_folder(tmp_path, 300)
    with Store(tmp_path, SAMPLE) as store:
        for one in sample_captures(SAMPLE["sample"]):
            store.record(one)
    before = tables(tmp_path)
    process = rebuilding(tmp_path, workers)
    assert len(children(process)) >= 2
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert "derived again from" in out
    assert tables(tmp_path) == before
    assert run("verify", "--data", tmp_path, "--full").returncode == 0


@pytest.mark.long
def test_ctrl_c_ends_all_processes_without_a_traceback(tmp_path: Path) -> None:
    heavy_folder(tmp_path, 400)
    process = rebuilding(tmp_path, 2)
    reading = children(process)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert not any(map(is_there, reading))
    assert {path.name for path in tmp_path.iterdir()} - {".lock"} == {"warc"}


@pytest.mark.long
def test_a_killed_reader_is_named_and_the_old_database_stays(tmp_path: Path) -> None:
    heavy_folder(tmp_path, 400)
    with Store(tmp_path, SAMPLE):
        pass
    before = rows(tmp_path, "SELECT count(*) FROM captures")
    process = rebuilding(tmp_path, 2)
    os.kill(children(process)[0], signal.SIGKILL)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 7
    assert "a process that reads captures failed" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert rows(tmp_path, "SELECT count(*) FROM captures") == before


@pytest.mark.long
def test_no_reader_outlives_a_killed_rebuild(tmp_path: Path) -> None:
    heavy_folder(tmp_path, 400)
    process = rebuilding(tmp_path, 2)
    reading = children(process)
    process.kill()
    process.communicate(timeout=600)
    for _ in range(1000):
        if not any(map(is_there, reading)):
            break
        time.sleep(0.02)
    assert not any(map(is_there, reading))
    again = rebuilding(tmp_path, 1)
    again.communicate(timeout=600)
    assert again.returncode == 0


_ON_A_CLUSTER = """
import sys
from pathlib import Path

from distributed import Client, LocalCluster

from archive.source_files import load_sources
from archive.storage.rebuild import rebuild
from crawler.sources import load_sources

if __name__ == "__main__":
    folder, sources = Path(sys.argv[1]), load_sources([Path(sys.argv[2])])
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster, Client(cluster) as client:
        count = rebuild(folder, sources, executor=client.get_executor())
        print(count, len(client.scheduler_info()["workers"]))
"""


@pytest.mark.long
def test_a_dask_cluster_reads_and_the_rows_are_the_same(tmp_path: Path) -> None:
    """In an environment of its own: Datasette's errors change where Dask's packages are."""
    data, place = tmp_path / "data", tmp_path / "venv"
    heavy_folder(data, 100)
    with Store(data, SAMPLE) as store:
        for one in sample_captures(SAMPLE["sample"]):
            store.record(one)
    before = tables(data)
    root = Path(__file__).parent.parent
    made = subprocess.run(
        ["sh", "deploy/make-venv", place, "cluster"], cwd=root, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    script = tmp_path / "on_a_cluster.py"
    script.write_text(_ON_A_CLUSTER, encoding="utf-8")
    done = subprocess.run(
        [place / "bin" / "python", script, data, SHIPPED], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    captures = before["captures"]
    assert done.stdout.split() == [str(len(captures)), "2"]
    assert tables(data) == before


def test_what_is_handed_back_is_whole() -> None:
    found = [read(made, SOURCES[made.source]) for made in of_many_kinds()]
    pages = [each.bulletin for each in found if isinstance(each, Page)]
    assert len(pages) == 2
    for bulletin in pages:
        again = pickle.loads(pickle.dumps(bulletin))
        # Names of rules have no part in whether two mentions are equal.
        assert asdict(again) == asdict(bulletin)
