"""The program ``bulletins``: the offline commands, and those that need the network.

Scrapy is imported by the commands that crawl, not here: it takes half a second.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import click

from archive import __version__
from archive.cli import DATA, SOURCES, as_table, exits, read_sources
from archive.cli import main as offline
from archive.cli_keep import backup, restore
from archive.cli_review import review
from archive.errors import SourceFailed
from archive.source_files import own_sources
from crawler import schedule as plan
from crawler.sources import load_sources


@click.group(
    help=offline.help,
    commands={**offline.commands, "backup": backup, "restore": restore, "review": review},
    context_settings={**offline.context_settings, "obj": load_sources},
)
@click.version_option(__version__, prog_name="bulletins")
def main() -> None:
    pass


def _date(context: click.Context, parameter: click.Parameter, value: str | None) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a date: write 2020-05-13") from error


@main.command()
@click.argument("source", nargs=-1)
@click.option("--channel", help="Only this channel, a retired one included.")
@DATA
@click.option("--base-url", help="Fetch from this mirror instead of the site: http://host:port.")
@SOURCES
@click.option("--since", callback=_date, help="Leave out what was listed before (YYYY-MM-DD).")
@click.option("--full", is_flag=True, help="Walk every list to its end, ask for every page again.")
@click.option("--delay", type=float, help="Seconds between requests, for loopback mirrors only.")
@exits
def crawl(
    source: tuple[str, ...],
    channel: str | None,
    data: Path,
    base_url: str | None,
    folders: tuple[Path, ...],
    since: date | None,
    full: bool,
    delay: float | None,
) -> None:
    """Crawl the live channels of the sources named, or of all enabled ones, once.

    \b
    Examples:
      bulletins crawl mohurd
      bulletins crawl mohurd --channel dfxx --since 2026-01-01
    """
    from crawler.crawl import CrawlOptions, choose
    from crawler.crawl import crawl as run

    sources = read_sources((*folders, *own_sources(data)))
    options = CrawlOptions(data, channel, base_url, since, full, delay)
    rows = run(choose(sources, source), sources, options)
    click.echo(report(rows))
    if failed := [row for row in rows if row["outcome"] != "good"]:
        raise SourceFailed(
            "; ".join(f"{row['source']} {row['channel']} {row['outcome']}" for row in failed)
        )


@main.command("check-source")
@click.argument("name")
@click.option(
    "--pages",
    type=click.Path(path_type=Path, file_okay=False),
    multiple=True,
    help="A folder with a folder NAME of pages and expected.toml.",
)
@DATA
@SOURCES
@exits
def check_source(name: str, pages: tuple[Path, ...], data: Path, folders: tuple[Path, ...]) -> None:
    """Read a source's kept pages and print what is expected beside what is read.

    The pages are in NAME/ beside the source file. Exits with 3 where they are read otherwise than
    NAME/expected.toml says, or where nobody has put a name to it.

    \b
    Examples:
      bulletins check-source mohurd
      bulletins check-source mine --sources my-sources
    """
    from crawler.check_source import compare, folder_of, problems
    from crawler.crawl import choose
    from crawler.page_expectations import read_expectations

    own = (*folders, *own_sources(data))
    [source] = choose(read_sources(own), [name])
    expected = read_expectations(folder_of(name, (*pages, *own)))
    lines = compare(source, expected)
    shown = [["≠" if c.differs else "", c.file, c.what, c.expected, c.read] for c in lines]
    widths = (None, None, None, 40, 40)
    click.echo(as_table(["", "file", "value", "expected", "read"], shown, widths))
    for line in lines:
        if line.differs:
            click.echo(f"≠ {line.apart}")
    if wrong := problems(lines, source, expected):
        raise SourceFailed(f"{name}: {wrong}")
    click.echo(f"{name}: {len(lines)} values are read as expected, reviewed {expected.reviewed}")


@main.command("new-source")
@click.argument("url")
@click.argument("files", metavar="[FILE]...", type=click.Path(path_type=Path), nargs=-1)
@click.option("--name", help="The source's name (slug); made from the host by default.")
@click.option("--to", type=click.Path(path_type=Path), help="Write here, not to DATA/sources.")
@DATA
@click.option("--delay", type=float, help="Seconds between requests, for loopback mirrors only.")
@exits
def new_source(
    url: str,
    files: tuple[Path, ...],
    name: str | None,
    to: Path | None,
    data: Path,
    delay: float | None,
) -> None:
    """Look at a list of a new site, and propose its source file and its pages for the tests.

    With FILEs nothing is asked of the site: they are saved pages, the list at URL first (on jpaas
    the column page, then the list), then pages of it. Prints the evidence, and what is left to you.

    \b
    Examples:
      bulletins new-source https://www.example.gov.cn/xwfb/index.html
      bulletins new-source https://www.example.gov.cn/xwfb/ list.html page-1.html page-2.html
    """
    from crawler.new_source import propose

    for line in propose(url, files, name, to or data / "sources", delay):
        click.echo(line)


# What ``bulletins crawl`` shows of a row of ``crawls``: the heading and the column.
_REPORTED = {
    "source": "source",
    "channel": "channel",
    "outcome": "outcome",
    "lists": "lists",
    "asked": "asked",
    "new": "new",
    "changed": "changed",
    "same": "same",
    "held": "held",
    "missing": "missing",
    "failed": "failed",
}


def report(rows: Sequence[dict[str, Any]]) -> str:
    """Rows of ``crawls`` as a table for a person."""
    return as_table(
        list(_REPORTED), [[row[column] for column in _REPORTED.values()] for row in rows]
    )


@main.command()
@DATA
@SOURCES
@click.option("--base-url", help="Fetch from this mirror: http://host:port (one source only).")
@click.option("--delay", type=float, help="Seconds between requests, for loopback mirrors only.")
@click.option(
    "--random-delay",
    type=click.IntRange(min=0),
    default=0,
    help="Wait up to this many seconds before starting.",
)
@click.option("--backup", type=click.Path(path_type=Path), help="Back up into this folder.")
@click.option("--tell-command", help="Run this on trouble, and when it is over.")
@click.option("--webhook", help="Post JSON to this address on trouble, and when it is over.")
@click.option("--mail", help="Write to this e-mail address on trouble, and when it is over.")
@click.option("--ping", help="Call this address after each good night.")
@exits
def nightly(
    data: Path,
    folders: tuple[Path, ...],
    base_url: str | None,
    delay: float | None,
    random_delay: int,
    backup: Path | None,
    tell_command: str | None,
    webhook: str | None,
    mail: str | None,
    ping: str | None,
) -> None:
    """What the schedule runs: crawl all enabled sources, look after the archive, tell of trouble.

    While a source is still backfilling, a bounded number of its pages is fetched each night. Whom
    to tell, and where to back up, can also stand in DATA/nightly.toml (docs/operations.md).

    \b
    Examples:
      bulletins nightly --data data
      bulletins nightly --data data --backup /mnt/backup --mail you@example.org
    """
    from crawler.crawl import CrawlOptions
    from crawler.nightly import nightly as run
    from crawler.nightly_settings import NightOptions, read_settings

    settings = read_settings(data, NightOptions(backup, tell_command, webhook, mail, ping))
    if random_delay:
        time.sleep(random.uniform(0, random_delay))  # noqa: S311 (no secret)
    options = CrawlOptions(data, base_url=base_url, delay=delay, nightly=True)
    report = run(
        lambda: read_sources((*folders, *own_sources(data))),
        options,
        settings,
        lambda line: click.echo(line, err=True),
    )
    if report.exit_code:
        click.echo(f"bulletins: {report.summary}", err=True)
        sys.exit(report.exit_code)
    click.echo(report.summary)


@main.group()
def schedule() -> None:
    """Have the archive crawl every night by itself (systemd user timer, or crontab).

    \b
    Example:
      BULLETINS_CONTACT=you@example.org bulletins schedule install
    """


@schedule.command("install")
@DATA
@exits
def schedule_install(data: Path) -> None:
    """Install the nightly run for a data folder.

    \b
    Example:
      BULLETINS_CONTACT=you@example.org bulletins schedule install --data data
    """
    click.echo(plan.install(data))


@schedule.command("show")
@exits
def schedule_show() -> None:
    """Show what is installed.

    \b
    Example:
      bulletins schedule show
    """
    click.echo(plan.show())


@schedule.command("run")
@DATA
@click.argument("option", nargs=-1, type=click.UNPROCESSED)
@exits
def schedule_run(data: Path, option: tuple[str, ...]) -> None:
    """Stay, and run a night at 02:30 in China, up to an hour later; for containers.

    A night that was missed begins at once. What follows -- are options of `bulletins nightly`.

    \b
    Examples:
      bulletins schedule run --data /data
      bulletins schedule run --data /data -- --backup /backup
    """
    from crawler.every_night import EveryNight

    nights = EveryNight(
        [*plan.nightly_command(data), *option], data, lambda line: click.echo(line, err=True)
    )
    nights.end_on_signals()
    nights.run()


@schedule.command("remove")
@exits
def schedule_remove() -> None:
    """Take the nightly run away again.

    \b
    Example:
      bulletins schedule remove
    """
    click.echo(plan.remove())
