"""The command line's offline half: all that needs captures or a file, never the network."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click
from tabulate import tabulate

from archive import __version__
from archive.captures.decode import decode, unpack
from archive.clock import now
from archive.errors import ArchiveError, Damaged, SourceFailed, Stale, UsageError
from archive.normalise.bulletin_json import to_json
from archive.normalise.bulletins import read_bulletin
from archive.source_files import LoadSources, load_sources, own_sources
from archive.sources import PageContext, Source

if TYPE_CHECKING:
    from archive.storage.status import SourceStatus

P = ParamSpec("P")
R = TypeVar("R")

DATA = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    show_default=True,
    help="The data folder.",
)
SOURCES = click.option(
    "--sources",
    "folders",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A further folder of source files.",
)


def exits(command: Callable[P, R]) -> Callable[P, R]:
    """Turn the archive's errors into one line on standard error and their exit code."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except ArchiveError as error:
            click.echo(f"bulletins: {error}", err=True)
            sys.exit(error.exit_code)
        except sqlite3.DatabaseError as error:
            click.echo(f"bulletins: bulletins.db: {error}: run `bulletins rebuild`", err=True)
            sys.exit(Damaged.exit_code)

    return run


def read_sources(folders: Sequence[Path]) -> dict[str, Source]:
    """The sources of these folders, and those of the program that has these commands.

    The program hands its own reader in as click's ``obj``, since the archive knows no platform and
    ships no source file. Raises SourceFileError.
    """
    load: LoadSources | None = click.get_current_context().obj
    return load(folders) if load else load_sources(folders, {})


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bulletins")
def main() -> None:
    """Collect ministries' bulletins, keep every version, search them by word, province and day.

    Exit codes: 0 good, 1 a fault of the program, 2 usage, 3 a source failed, 4 stale, 5 locked, 6
    damaged, 7 cannot write.
    """


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--url", help="The page's address at the ministry.")
@click.option("--explain", is_flag=True, help="Print the marked text and the rules, not JSON.")
@SOURCES
@exits
def parse(file: Path, url: str | None, explain: bool, folders: tuple[Path, ...]) -> None:
    """Read one saved page and print what it says as JSON.

    \b
    Example:
      bulletins parse page.html --url https://www.mohurd.gov.cn/xwfb/202005/t20200528_245619.html
    """
    try:
        body = file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    encoding = "gzip" if body.startswith(b"\x1f\x8b") else ""
    bulletin = read_bulletin(
        decode(unpack(body, encoding)), _page_context(url, read_sources(folders))
    )
    if explain:
        from archive.normalise.explain import explain as explained

        click.echo(explained(bulletin), nl=False)
    else:
        click.echo(json.dumps(to_json(bulletin), ensure_ascii=False, indent=1))


def _page_context(url: str | None, sources: dict[str, Source]) -> PageContext | None:
    """The source whose host the address is on; an address of no source is read generically."""
    if url is None:
        return None
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"--url {url!r} is not an address: write https://www.mohurd.gov.cn/…")
    for source in sources.values():
        if address := PageContext(source, source.home + "/", source.home).canonical(url):
            return PageContext(source, address, address)
    click.echo(f"no source has the host of {url}: the page is read without one", err=True)
    return None


@main.command()
@DATA
@SOURCES
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=None,
    show_default="the machine's cores",
    help="How many processes read captures; with 1 none is started.",
)
@exits
def rebuild(data: Path, folders: tuple[Path, ...], workers: int | None) -> None:
    """Derive the database again from the captures, row by row as the crawls built it.

    \b
    Example:
      bulletins rebuild --data data
    """
    from archive.storage.rebuild import rebuild as derive
    from archive.storage.workers import cores, readers

    if not (data / "warc").is_dir():
        raise UsageError(f"{data} has no captures: name the data folder with --data")
    sources = read_sources((*folders, *own_sources(data)))
    with readers(data / "warc", workers or cores()) as executor:
        count = derive(data, sources, lambda n: click.echo(f"{n} captures", err=True), executor)
    click.echo(f"{data}/bulletins.db derived again from {count} captures")


@main.command("import")
@click.argument(
    "files", metavar="FILE...", type=click.Path(path_type=Path), nargs=-1, required=True
)
@click.option("--source", metavar="NAME", help="Only pages of this source.")
@DATA
@SOURCES
@exits
def import_(
    files: tuple[Path, ...], source: str | None, data: Path, folders: tuple[Path, ...]
) -> None:
    """Take in the pages of known sources from WARC or WACZ files of other archives.

    They keep their own time, so the revisions before the first night of ours are there too.

    \b
    Example:
      bulletins import mohurd-2020.warc.gz crawl.wacz --data data
    """
    from archive.storage.imports import import_files

    sources = read_sources((*folders, *own_sources(data)))
    for report in import_files(data, sources, files, source, lambda s: click.echo(s, err=True)):
        click.echo(report.line())


@main.command()
@DATA
@click.option("--full", is_flag=True, help="Compare every entry with the index, not a sample.")
@exits
def verify(data: Path, full: bool) -> None:
    """Check captures, database and search index against each other.

    \b
    Example:
      bulletins verify --data data
    """
    from archive.storage.database import open_readonly, outdated
    from archive.storage.verify import problems

    with closing(open_readonly(data)) as conn:
        if line := outdated(conn):
            click.echo(line, err=True)
    found = 0
    for problem in problems(data, full=full):
        found += 1
        click.echo(problem, err=True)
    if found:
        raise Damaged(f"{found} problems in {data}")
    click.echo(f"{data} is whole")


@main.command()
@DATA
@SOURCES
@click.option("--json", "as_data", is_flag=True, help="Print all of it as JSON.")
@exits
def status(data: Path, folders: tuple[Path, ...], as_data: bool) -> None:
    """Say for each source what it last brought and what is wrong.

    Exits with 3 when the last crawl of a source failed, with 4 when one is stale.

    \b
    Example:
      bulletins status --data data
    """
    from archive.storage.database import open_readonly, outdated
    from archive.storage.judgement import no_nights
    from archive.storage.lock import is_locked
    from archive.storage.status import as_json, statuses, warnings

    at = now()
    with closing(open_readonly(data)) as conn:
        sources = read_sources((*folders, *own_sources(data)))
        found = statuses(conn, sources, at, writing=is_locked(data))
        lines = (outdated(conn), *warnings(at), no_nights(conn, at))
        said = [line for line in lines if line]
        known = [slug for (slug,) in conn.execute("SELECT slug FROM sources ORDER BY slug")]
    said += [
        f"{slug} is in the archive and has no source file: put {slug}.toml into "
        f"{data / 'sources'}, or name its folder with --sources"
        for slug in known
        if slug not in sources
    ]
    if as_data:
        click.echo(json.dumps(as_json(found, at, said), ensure_ascii=False, indent=1))
    else:
        for line in said:
            click.echo(line, err=True)
        click.echo(in_words(found))
    if any(s.failed for s in found):
        sys.exit(SourceFailed.exit_code)
    if any(s.stale for s in found):
        sys.exit(Stale.exit_code)


def in_words(found: Sequence[SourceStatus]) -> str:
    """A table of the sources, then a line for each kind of open incident and each remark."""
    columns: dict[str, Callable[[SourceStatus], object]] = {
        "source": lambda s: s.source,
        "bulletins": lambda s: s.bulletins,
        "newest": lambda s: s.newest,
        "rhythm": _rhythm,
        "last crawl": lambda s: s.last_crawl,
        "waiting": lambda s: s.waiting,
        "incidents": lambda s: s.open_incidents,
        "layout": lambda s: s.about.sureness,
        "problem": lambda s: s.problem or ("all well" if s.enabled else _switched_off(s)),
    }
    lines = [as_table(list(columns), [[read(s) for read in columns.values()] for s in found])]
    for status in found:
        lines += [f"{status.source} {remark}" for remark in status.remarks]
        lines += [
            f"{status.source} {each.kind}: {each.open} open since {each.first_seen}: {each.message}"
            for each in status.incidents
        ]
    return "\n".join(lines)


def _switched_off(status: SourceStatus) -> str:
    return "not crawled at night" + (f": {status.about.reason}" if status.about.reason else "")


def _rhythm(status: SourceStatus) -> str:
    """The learned rhythm, or the stated one while there is too little to learn from."""
    if rhythm := status.fresh.rhythm:
        return f"{rhythm.allowed} working days"
    return f"{status.rhythm_days} days"


@main.command()
@DATA
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=int, default=8001, show_default=True, help="The port to listen on.")
@exits
def serve(data: Path, host: str, port: int) -> None:
    """Publish the archive with Datasette: search, tables, JSON and CSV.

    \b
    Example:
      bulletins serve --data data/demo --port 8001
    """
    from archive.serving.server import serve as publish

    publish(data, host, port)


def as_table(
    headers: Sequence[str], rows: Sequence[Sequence[object]], widths: Sequence[int | None] = ()
) -> str:
    """Rows of text in columns, for a person; Han characters count two cells.

    What is longer than its column's width, where that has one, is broken into lines.
    """
    longest = list(widths) or None
    table = tabulate(rows, headers, tablefmt="plain", disable_numparse=True, maxcolwidths=longest)
    return str(table)
