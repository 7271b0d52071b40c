"""The commands for what is held: list it, look at it, accept or reject it."""

from __future__ import annotations

import getpass
import json
import os
from pathlib import Path

import click

from archive.captures.decisions import Verdict
from archive.cli import DATA, SOURCES, as_table, exits, read_sources
from archive.clock import now, stamp
from archive.source_files import own_sources

_CAPTURES = click.argument("captures", metavar="CAPTURE...", type=int, nargs=-1, required=True)
_COLUMNS = {
    "capture": "capture",
    "bulletin": "bulletin",
    "title": "title",
    "reason": "reason",
    "since": "held_at",
    "nights": "nights",
}


@click.group(invoke_without_command=True)
@DATA
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
@click.pass_context
@exits
def review(context: click.Context, data: Path, as_json: bool) -> None:
    """List the pages that are held: not recognised as what they were, so not believed.

    \b
    Examples:
      bulletins review --data data
      bulletins review show 1234 --data data
    """
    if context.invoked_subcommand is not None:
        return
    from archive.storage.review import held

    rows = held(data)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    elif not rows:
        click.echo("nothing is held")
    else:
        shown = [[row[column] or "(new)" for column in _COLUMNS.values()] for row in rows]
        click.echo(as_table(list(_COLUMNS), shown))


@review.command()
@click.argument("capture", type=int)
@DATA
@SOURCES
@exits
def show(capture: int, data: Path, folders: tuple[Path, ...]) -> None:
    """Show what a held page says, as the difference from the current revision.

    Of one that is no longer held, also what became of it, when, and by whom it was decided.

    \b
    Example:
      bulletins review show 1234 --data data
    """
    from archive.storage.review import change

    found = change(data, read_sources((*folders, *own_sources(data))), capture)
    settled = (found.settled,) if found.settled else ()
    click.echo("\n".join((found.address, found.message, *settled, "", *found.lines)))


@review.command()
@_CAPTURES
@DATA
@SOURCES
@exits
def accept(captures: tuple[int, ...], data: Path, folders: tuple[Path, ...]) -> None:
    """Accept held pages: each becomes its bulletin's next revision, or a new bulletin.

    \b
    Example:
      bulletins review accept 1234 1240 --data data
    """
    _decide("accepted", captures, data, folders)


@review.command()
@_CAPTURES
@DATA
@SOURCES
@exits
def reject(captures: tuple[int, ...], data: Path, folders: tuple[Path, ...]) -> None:
    """Reject held pages: they are not believed however often they are met again.

    \b
    Example:
      bulletins review reject 1234 --data data
    """
    _decide("rejected", captures, data, folders)


def _decide(
    verdict: Verdict, captures: tuple[int, ...], data: Path, folders: tuple[Path, ...]
) -> None:
    from archive.storage.database import open_readonly
    from archive.storage.review import decide

    # Opened for reading first, so that no archive is created where there is none.
    open_readonly(data).close()
    sources = read_sources((*folders, *own_sources(data)))
    for line in decide(data, sources, captures, verdict, at=stamp(now()), by=_person()):
        click.echo(line)


def _person() -> str:
    """Who decides: the archive's contact, else the login name, which a container may lack."""
    try:
        return os.environ.get("BULLETINS_CONTACT") or getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
