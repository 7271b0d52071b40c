"""The commands that keep an archive safe: backup and restore."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from archive.cli import DATA, exits
from archive.clock import CHINA, now


@click.command()
@click.option(
    "--to",
    "into",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder to back up to; it is there already, best on another disk.",
)
@DATA
@exits
def backup(into: Path, data: Path) -> None:
    """Copy the database and the captures to another folder, also while they are served or written.

    Databases of 7 days, 4 weeks and 12 months are kept, and every capture. Copies are compared with
    their hashes; one that is no longer what was copied is copied anew.

    \b
    Example:
      bulletins backup --to /mnt/other-disk/bulletins
    """
    from archive.storage.backup import back_up

    done = back_up(data, into, now().astimezone(CHINA).date(), say=_say)
    click.echo(f"{data} is backed up to {into}: {done.in_words}")


@click.command()
@click.argument("backup", metavar="FROM", type=click.Path(path_type=Path))
@DATA
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day of the database to restore, by default the newest.",
)
@exits
def restore(backup: Path, data: Path, day: datetime | None) -> None:
    """Restore a data folder that has no archive yet from a backup, and verify it.

    All captures are restored, whatever the day of the database; those that it does not know are
    taken in by the next crawl. A restore that was cut off can be run again.

    \b
    Example:
      bulletins restore /mnt/other-disk/bulletins --data data
    """
    from archive.storage.restore import restore as run

    done = run(backup, data, day.date() if day else None, _say)
    click.echo(
        f"{data} is restored and whole: {done.database} with {done.captures} captures, "
        f"WARC files: {done.files}"
    )


def _say(line: str) -> None:
    click.echo(line, err=True)
