"""The search pages over HTTP, and rivals that answer the same on Datasette's own pages.

``python -m bench.bench_routes [ENTRIES] [FOLDER]``: by default 100,000 entries in a temporary
folder; what FOLDER already has is not made again. One process of ``bulletins serve`` and one of
plain Datasette, whose ``fts_table`` for entries is FTS5 with the trigram tokenizer (words of three
characters and more), answer the same words in one run, warm, in random order. LIKE is
Datasette's own filter ``text__contains``, which needs no index.
"""

from __future__ import annotations

import json
import random
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from archive.serving.application import SETTINGS
from bench.search_database import build, filled
from bench.search_questions import p95, questions, words_of
from bench.search_rivals import Asked, Trigram

ROUNDS = 3
LIKE_SECONDS = 120.0
"""LIKE takes seconds for a rare word; after this much time it is not asked any more."""

TABLE = "/bulletins/entries"
_ATTACH = """
from datasette import hookimpl

@hookimpl
def prepare_connection(conn):
    conn.execute("attach ? as other", [{uri!r}])
"""

Times = dict[str, list[tuple[str, float]]]
"""For each route, the words and milliseconds of its answers."""


@dataclass(frozen=True, slots=True)
class Route:
    """A page: its name, the address for each question, and which server answers.

    ``address`` returns None for a question that this page cannot answer; ``rival`` names the route
    that is compared with it.
    """

    name: str
    address: Callable[[Asked], str | None]
    server: str = "ours"
    rival: str | None = None


def run(count: int = 100_000, folder: Path | None = None) -> None:
    """Build what is missing, measure, print."""
    with filled(count, folder) as path:
        _run(path)


def _run(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        build(conn)
        asked = list(questions(words_of(conn)))
    if not path.with_suffix(".trigram").exists():
        Trigram.build(path)
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (place / "bulletins.db").symlink_to(path.resolve())
        servers = {
            "ours": stack.enter_context(_stopped(_ours(place))),
            "trigram": stack.enter_context(_stopped(_trigram(path, place))),
        }
        first, whole = _measure(servers, asked)
        _print(first, whole)
        for name, (process, _) in servers.items():
            print(f"memory of the server, {name}: {_peak(process):.0f} MB at most")


def _path(*parts: str, **more: str) -> str:
    return f"{''.join(parts)}?{urlencode(more)}"


def _alone(address: Callable[[str], str], least: int = 1) -> Callable[[Asked], str | None]:
    """A route for words without filters, of ``least`` characters or more."""

    def asked(each: Asked) -> str | None:
        wanted = each.province is None and each.months is None and len(each.word) >= least
        return address(each.word) if wanted else None

    return asked


def _filtered(each: Asked) -> str | None:
    """Datasette's own filters: a province, half a year, or both."""
    filters: dict[str, str] = {}
    if each.province:
        filters["province"] = each.province
    if each.months:
        first, last = (f"{month // 100}-{month % 100:02d}" for month in each.months)
        filters |= {"date__gte": f"{first}-01", "date__lte": f"{last}-31"}
    return _path(TABLE, ".json", _search=each.word, **filters) if filters else None


ROUTES = (
    Route("/search.json", lambda each: _path("/search.json", q=each.typed)),
    Route("/search", lambda each: _path("/search", q=each.typed)),
    Route(
        "table, rows and number",
        _alone(lambda word: _path(TABLE, ".json", _search=word, _nofacet="1")),
        rival="rows and number, trigram",
    ),
    Route(
        "table with _facet=province",
        _alone(lambda word: _path(TABLE, ".json", _search=word, _facet="province")),
        rival="with _facet=province, trigram",
    ),
    Route(
        "table with _facet=source too",
        _alone(lambda word: _path(TABLE, ".json", _search=word, _facet="source")),
    ),
    Route("table, facet and filters", _filtered),
    Route("table as a page", _alone(lambda word: _path(TABLE, _search=word))),
    Route(
        "rows and number, trigram",
        _alone(lambda word: _path(TABLE, ".json", _search=word, _nofacet="1"), least=3),
        "trigram",
    ),
    Route(
        "with _facet=province, trigram",
        _alone(lambda word: _path(TABLE, ".json", _search=word, _facet="province"), least=3),
        "trigram",
    ),
    Route(
        "rows and number, LIKE",
        _alone(lambda word: _path(TABLE, ".json", text__contains=word, _nofacet="1")),
    ),
)

Server = tuple["subprocess.Popen[bytes]", HTTPConnection]


def _ours(made: Path) -> Server:
    return _started([sys.executable, "-m", "crawler", "serve", "--data", str(made)])


def _trigram(path: Path, made: Path) -> Server:
    """Plain Datasette with our limits; entries stand in the same order."""
    uri = f"{path.with_suffix('.trigram').resolve().as_uri()}?mode=ro"
    plugins = made / "plugins"
    plugins.mkdir()
    (plugins / "attach.py").write_text(_ATTACH.format(uri=uri), encoding="utf-8")
    table = {"fts_table": "tri", "fts_pk": "id", "sort_desc": "date"}
    metadata = made / "metadata.json"
    metadata.write_text(json.dumps({"databases": {"bulletins": {"tables": {"entries": table}}}}))
    command = [sys.executable, "-m", "datasette", "serve", str(made / "bulletins.db")]
    command += ["--metadata", str(metadata), "--plugins-dir", str(plugins)]
    for name, value in SETTINGS.items():
        command += ["--setting", name, str(value).lower()]
    return _started(command)


def _started(command: list[str]) -> Server:
    """A server at a free port, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([*command, "--port", str(port)], stdout=quiet, stderr=quiet)
    connection = HTTPConnection("127.0.0.1", port)
    while process.poll() is None:
        try:
            connection.connect()
        except OSError:
            time.sleep(0.1)
        else:
            return process, connection
    raise SystemExit(f"{command}: ended with {process.returncode}")


@contextmanager
def _stopped(server: Server) -> Iterator[Server]:
    """The server; it is stopped at the end of the block."""
    try:
        yield server
    finally:
        server[1].close()
        server[0].terminate()
        server[0].wait()


def _measure(servers: Mapping[str, Server], asked: list[Asked]) -> tuple[Times, Times]:
    """Milliseconds to the first and to the last byte of each route."""
    rng = random.Random(11)  # noqa: S311 (an order, the same every time)
    first: Times = {route.name: [] for route in ROUTES}
    whole: Times = {route.name: [] for route in ROUTES}
    patience = LIKE_SECONDS
    for turn in range(ROUNDS + 1):
        for each in rng.sample(asked, len(asked)):
            for route in rng.sample(ROUTES, len(ROUTES)):
                address = route.address(each)
                if address is None or (route.name.endswith("LIKE") and patience < 0):
                    continue
                to_first, to_last = _ask(servers[route.server][1], address)
                if route.name.endswith("LIKE"):
                    patience -= to_last / 1000
                if turn or route.name.endswith("LIKE"):  # the first round warms up
                    first[route.name].append((each.word, to_first))
                    whole[route.name].append((each.word, to_last))
    return first, whole


def _ask(server: HTTPConnection, address: str) -> tuple[float, float]:
    start = time.perf_counter()
    server.request("GET", address)
    answer = server.getresponse()
    answer.read(1)
    first = time.perf_counter()
    body = answer.read()
    end = time.perf_counter()
    server.close()  # servers close it themselves while others are asked
    if answer.status != 200:
        raise SystemExit(f"{address}: {answer.status} {body.decode()[:500]}")
    return (first - start) * 1000, (end - start) * 1000


def _print(first: Times, whole: Times) -> None:
    print("ms p50 / p95 / worst; to the first byte; the rival's p95 over ours for its words")
    for route in ROUTES:
        if len(whole[route.name]) < 2:
            continue
        times, early = ([ms for _, ms in each[route.name]] for each in (whole, first))
        line = f"{route.name:30} {_figures(times)}  n={len(times):<4} {_figures(early)}"
        if route.rival and len(whole[route.rival]) > 1:
            words = {word for word, _ in whole[route.rival]}
            same = [ms for word, ms in whole[route.name] if word in words]
            line += f" {p95([ms for _, ms in whole[route.rival]]) / p95(same):6.1f}x"
        print(line)


def _figures(times: list[float]) -> str:
    return f"{median(times):8.1f} / {p95(times):8.1f} / {max(times):8.1f}"


def _peak(process: subprocess.Popen[bytes]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    run(
        int(sys.argv[1]) if len(sys.argv) > 1 else 100_000,
        Path(sys.argv[2]) if len(sys.argv) > 2 else None,
    )
