"""A crawl with a second process that reads: the same rows and requests, and no end of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from archive.captures.reading import recover
from archive.captures.warc import Capture, Location, warc_files
from archive.errors import CannotWrite
from archive.storage import second_reader
from archive.storage.classify import Reading
from archive.storage.ingest import Outcome
from archive.storage.rebuild import rebuild
from archive.storage.second_reader import LEAST_BYTES, MOST_BYTES, SecondReader
from archive.storage.store import Store
from bench.quick_site import quick_site, source_folder, total
from crawler.intake import Intake
from tests.crawling import NIGHT_1, rows, run, tables
from tests.test_read_ahead import children, is_there, of_many_kinds
from tests.test_store import HOME, SOURCES, capture, page_html, record

PLACE = Location("bulletins-000001.warc.gz", 0, 1, "sha1:A", None)


def large(number: int = 1) -> Capture:
    """A page that is worth handing over."""
    text = f"5月8日，改造危房{number}户。" + "样例：修好房屋，验收合格。" * (LEAST_BYTES // 12)
    address = f"{HOME}/xwfb/202005/t20200529_80000{number}.html"
    return capture(address, page_html(text, f"样例第{number}号"))


class Threads:
    """Stands for processes: how many were asked for, and what they read."""

    def __init__(self) -> None:
        self.pools: list[ThreadPoolExecutor] = []

    def started(self, workers: int) -> Executor:
        self.pools.append(ThreadPoolExecutor(workers))
        return self.pools[-1]


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Threads:
    made = Threads()
    monkeypatch.setattr(second_reader, "started", made.started)
    monkeypatch.setattr(second_reader, "cores", lambda: 2)
    return made


@contextmanager
def reading(folder: Path, said: list[str] | None = None) -> Iterator[SecondReader]:
    """A reader that has been found worth its while."""
    said = [] if said is None else said
    with closing(SecondReader(folder / "warc", SOURCES, said.append)) as reader:
        reader.spent(1000)
        yield reader


def warm(reader: SecondReader, store: Store, one: Capture) -> None:
    """Let the reader read its first capture, which is read by the caller too."""
    location = store.append(one)
    assert reader.read(one, location) is None
    store.ingest(one, location)
    while reader.read(one, location) is None:
        time.sleep(0.001)


@pytest.mark.parametrize(
    ("seconds", "spent", "pools"),
    [
        # A start costs more than a few pages.
        (0.5, 0.4, 0),
        (1.0, 0.6, 1),
        # A crawl that pauses for a second between pages has time enough to read.
        (1000.0, 20.0, 0),
        (1000.0, 240.0, 0),
        (1000.0, 260.0, 1),
    ],
)
def test_a_process_is_started_where_reading_takes_much_of_the_time(
    tmp_path: Path,
    threads: Threads,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    spent: float,
    pools: int,
) -> None:
    clock = [100.0]
    monkeypatch.setattr(second_reader.time, "monotonic", lambda: clock[0])
    with closing(SecondReader(tmp_path, SOURCES, lambda line: None)) as reader:
        reader.read(large(), PLACE)
        clock[0] += seconds
        reader.spent(spent)
        reader.read(large(), PLACE)
        reader.read(large(), PLACE)
        assert len(threads.pools) == pools


def test_on_one_core_none_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_reader, "cores", lambda: 1)
    monkeypatch.delattr(second_reader, "started")
    with reading(tmp_path) as reader:
        assert reader.read(large(), PLACE) is None


@pytest.mark.parametrize("size", [LEAST_BYTES - 1, MOST_BYTES + 1])
def test_a_small_page_and_a_very_large_one_are_read_at_once(
    tmp_path: Path, threads: Threads, size: int
) -> None:
    with reading(tmp_path) as reader:
        assert reader.read(capture(body=b"x" * size), PLACE) is None
    assert not threads.pools


def intake(store: Store, reader: SecondReader, *captures: Capture) -> list[Outcome]:
    """What comes of captures that are taken in as they come, as a crawl asks for them.

    It asks for no address again while an answer from it is still to be read.
    """

    async def all_of_them() -> list[Outcome]:
        taking = Intake(store, reader)
        tasks: list[asyncio.Task[Outcome]] = []
        unread: set[str] = set()
        for one in captures:
            if one.address in unread:
                await asyncio.wait(tasks)
                unread.clear()
            unread.add(one.address)
            tasks.append(taking.take(one))
        return [await task for task in tasks]

    return asyncio.run(all_of_them())


def test_rows_are_the_same_whoever_reads_in_a_crawl(tmp_path: Path, threads: Threads) -> None:
    many = [large(1), *of_many_kinds(), *map(large, range(2, 6)), *of_many_kinds(), large(2)]
    expected = record(tmp_path / "alone", *many)
    with Store(tmp_path / "two", SOURCES) as store, reading(tmp_path / "two") as reader:
        warm(reader, store, many[0])
        assert intake(store, reader, *many[1:]) == expected[1:]
    before = tables(tmp_path / "two")
    left_out = ["captures"]  # each record has another id, and so another length
    assert {name: before[name] for name in before if name not in left_out} == tables(
        tmp_path / "alone", left_out
    )
    rebuild(tmp_path / "two", SOURCES)
    assert tables(tmp_path / "two") == before
    [pool] = threads.pools
    with pytest.raises(RuntimeError):
        pool.submit(os.getpid)


class Late(SecondReader):
    """Reads when it is told to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, SOURCES, lambda line: None)
        self.waiting: list[Future[Reading]] = []

    def read(self, capture: Capture, location: Location) -> Future[Reading] | None:
        if len(capture.body) < LEAST_BYTES:
            return None
        self.waiting.append(Future())
        return self.waiting[-1]


def test_rows_wait_for_their_turn_and_the_capture_is_on_disk_before(tmp_path: Path) -> None:
    small = capture(f"{HOME}/xwfb/202005/t20200529_9.html", page_html("5月8日，甲。"))

    async def taken(store: Store) -> list[str]:
        late = Late(tmp_path / "warc")
        taking = Intake(store, late)
        tasks = [taking.take(one) for one in (large(1), small, large(2))]
        assert [one.address for one in kept(tmp_path)] == [
            large(1).address, small.address, large(2).address
        ]  # fmt: skip
        late.waiting[1].set_result(None)
        await asyncio.sleep(0.01)
        assert not any(task.done() for task in tasks)
        assert store.database.table("captures").count == 0
        late.waiting[0].set_result(None)
        return [(await task).kind for task in tasks]

    with Store(tmp_path, SOURCES) as store:
        assert asyncio.run(taken(store)) == ["new", "new", "new"]
    order = rows(tmp_path, "SELECT address FROM captures ORDER BY id")
    assert order == [(large(1).address,), (small.address,), (large(2).address,)]


def kept(folder: Path) -> list[Capture]:
    """The captures on disk."""
    found = [one for path in warc_files(folder / "warc") for _, one in recover(path)]
    return [one for one in found if isinstance(one, Capture)]


def test_what_the_other_process_cannot_read_is_read_here(tmp_path: Path, threads: Threads) -> None:
    said: list[str] = []
    with Store(tmp_path, SOURCES) as store, reading(tmp_path, said) as reader:
        warm(reader, store, large(1))
        threads.pools[0].shutdown()
        outcomes = intake(store, reader, large(2), large(3))
        late = Late(tmp_path / "warc")
        late.say = said.append
        task_outcomes = asyncio.run(failing(store, late))
    assert [outcome.kind for outcome in outcomes + task_outcomes] == ["new"] * 4
    assert len(said) == 2
    assert all("the crawl goes on without it" in line for line in said)


async def failing(store: Store, late: Late) -> list[Outcome]:
    """What comes of two pages whose readings fail."""
    taking = Intake(store, late)
    tasks = [taking.take(large(4)), taking.take(large(5))]
    for reading_ in late.waiting:
        reading_.set_exception(MemoryError("样例"))
    return [await task for task in tasks]


def test_after_a_failed_write_nothing_more_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: object) -> Outcome:
        raise CannotWrite("样例")

    async def taken(store: Store) -> list[BaseException | Outcome]:
        late = Late(tmp_path / "warc")
        taking = Intake(store, late)
        tasks = [taking.take(large(1)), taking.take(large(2))]
        monkeypatch.setattr(store.ingester, "ingest", full)
        late.waiting[0].set_result(None)
        late.waiting[1].set_result(None)
        found = await asyncio.gather(*tasks, return_exceptions=True)
        with pytest.raises(CannotWrite):
            taking.take(large(3))
        return found

    with Store(tmp_path, SOURCES) as store:
        assert [type(one) for one in asyncio.run(taken(store))] == [CannotWrite, CannotWrite]
    monkeypatch.undo()
    # Both are on disk, and the next opening writes their rows.
    with Store(tmp_path, SOURCES) as store:
        assert store.recovered == 2


# With a real process

_EAGER = (
    "import archive.storage.second_reader as s\n"
    "s.ENOUGH_SECONDS = s.ENOUGH_SHARE = 0.0\n"
    "s.cores = lambda: 2\n"
    "from crawler.cli import main\n"
    "main(prog_name='bulletins')"
)
PAGES = 160


def crawling(folder: Path, address: str) -> subprocess.Popen[str]:
    """A crawl that starts its reader at once, in a process group of its own."""
    sources, data = source_folder(folder / "own"), folder / "data"
    words = ["crawl", "bench", "--base-url", address, "--delay", "0"]
    return subprocess.Popen(
        [sys.executable, "-c", _EAGER, *words, "--data", data, "--sources", sources],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        env=os.environ | {"BULLETINS_NOW": NIGHT_1},
    )


def is_whole(folder: Path, address: str) -> None:
    """The next crawl finishes what is left, and a rebuild ends with the same rows."""
    data, words = folder / "data", ("--sources", folder / "own")
    done = run("crawl", "bench", "--base-url", address, "--delay", "0", "--data", data, *words)
    assert done.returncode == 0, done.stderr
    assert rows(data, "SELECT count(*), max(revision) FROM bulletins") == [(PAGES, 1)]
    assert rows(data, "SELECT count(*) FROM incidents") == [(0,)]
    assert run("verify", "--full", "--data", data).returncode == 0
    before = tables(data)
    assert run("rebuild", "--data", data, *words, "--workers", "1").returncode == 0
    assert tables(data) == before


def busy(process: subprocess.Popen[str], address: str, pages: int) -> list[int]:
    """The readers of a crawl once it has asked for so many pages."""
    found = children(process, 1)
    while total(address).get("requests", 0) < pages and process.poll() is None:
        time.sleep(0.01)
    return found


@pytest.mark.long
def test_a_crawl_with_two_processes_is_whole(tmp_path: Path) -> None:
    with quick_site(PAGES, "heavy") as address:
        process = crawling(tmp_path, address)
        found = busy(process, address, 10)
        _, said = process.communicate(timeout=600)
        assert process.returncode == 0, said
        assert "goes on without" not in said
        assert not any(map(is_there, found))
        assert rows(tmp_path / "data", "SELECT new, outcome FROM crawls") == [(PAGES, "good")]
        is_whole(tmp_path, address)


def on_the_crawl(process: subprocess.Popen[str], found: list[int]) -> None:
    process.kill()


def on_the_reader(process: subprocess.Popen[str], found: list[int]) -> None:
    os.kill(found[0], signal.SIGKILL)


def on_all(sent: signal.Signals) -> Callable[[subprocess.Popen[str], list[int]], None]:
    return lambda process, found: os.killpg(process.pid, sent)


@pytest.mark.long
@pytest.mark.parametrize(
    ("blow", "code", "pages"),
    [
        (on_the_crawl, -signal.SIGKILL, 20),
        (on_the_crawl, -signal.SIGKILL, 100),
        (on_the_reader, 0, 20),
        (on_the_reader, 0, 100),
        (on_all(signal.SIGTERM), 3, 100),
        (on_all(signal.SIGINT), 3, 100),
    ],
    ids=["crawl killed", "crawl killed later", "reader", "reader later", "SIGTERM", "Ctrl-C"],
)
def test_whatever_ends_early_nothing_is_lost(
    tmp_path: Path,
    blow: Callable[[subprocess.Popen[str], list[int]], None],
    code: int,
    pages: int,
) -> None:
    with quick_site(PAGES, "heavy") as address:
        process = crawling(tmp_path, address)
        found = busy(process, address, pages)
        blow(process, found)
        _, said = process.communicate(timeout=600)
        assert process.returncode == code, said
        assert "Traceback" not in said
        for _ in range(1000):
            if not any(map(is_there, found)):
                break
            time.sleep(0.02)
        assert not any(map(is_there, found))
        asked = total(address)["requests"]
        assert len(kept(tmp_path / "data")) >= asked - 1
        is_whole(tmp_path, address)
