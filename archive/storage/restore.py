"""Restore: a data folder from a backup, complete and checked before any of it is in its place."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from archive.captures.warc import warc_files
from archive.captures.writing import sync_folder
from archive.errors import Damaged, Locked, UsageError
from archive.storage.backup_folder import (
    Manifest,
    cannot_write,
    copy_file,
    database_day,
    kept_days,
    read_manifest,
)
from archive.storage.database import NAME, needs_rebuild, readonly
from archive.storage.lock import is_locked, lock
from archive.storage.replay import write_index
from archive.storage.space import require_room
from archive.storage.verify import problems

# Where the copies are made and checked, and what that folder is called once they are.
_MAKING, _MADE, _CHOSEN = ".restoring", ".restored", "database"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: the database's name, how many captures it knows, how many WARC files."""

    database: str
    captures: int
    files: int


def restore(
    backup: Path,
    data: Path,
    day: date | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Restored:
    """Restore a data folder that has no archive yet from a backup, and verify it.

    ``day`` chooses a database, by default the one that was written last; the captures are always
    all there are, and those that an older database does not know are taken in by the next crawl.
    A restore that was cut off can be run again. ``say`` is told what was left as it was.

    Raises UsageError where there is no backup, no database of that day, or an archive already;
    Damaged where a copy is not what was backed up, Locked, CannotWrite.
    """
    manifest = _manifest(backup)
    _check(backup, data)
    name = _chosen(backup, manifest, day)
    with lock(data), _writing(data):
        if (data / _MADE).is_dir():
            say(f"going on with the restore of {data} that was cut off")
        else:
            try:
                _make(backup, manifest, name, data, say)
            finally:
                shutil.rmtree(data / _MAKING, ignore_errors=True)
        return _put_in_place(data, name, say)


def _manifest(backup: Path) -> Manifest:
    manifest = read_manifest(backup) if backup.is_dir() else None
    if manifest is None:
        raise UsageError(
            f"{backup} holds no backup: name the folder that `bulletins backup` wrote to"
        )
    return manifest


def _check(backup: Path, data: Path) -> None:
    """Refuse to touch an archive, and to read a backup while it is written."""
    if data.exists() and not data.is_dir():
        raise UsageError(f"{data} is a file: name a folder with --data")
    made = data / _MADE
    cut_off = made.is_dir() and not ((made / NAME).exists() and (data / NAME).exists())
    if not cut_off and ((data / NAME).exists() or warc_files(data / "warc")):
        raise UsageError(
            f"{data} has an archive already: name a new folder with --data, or move that one away"
        )
    if is_locked(backup):
        raise Locked(f"a backup is being written to {backup}: wait until it is done")


def _chosen(backup: Path, manifest: Manifest, day: date | None) -> str:
    """The path of the database to restore."""
    days = kept_days(backup, manifest)
    if not days:
        raise UsageError(
            f"{backup} holds no database: copy its folder warc into a data folder and run "
            "`bulletins rebuild`"
        )
    if day is None:
        newest = manifest.newest or ""
        return newest if newest in days.values() else days[max(days)]
    if day not in days:
        there = ", ".join(str(one) for one in days)
        raise UsageError(f"{backup} has no database of {day}: there are {there}")
    return days[day]


def _make(
    backup: Path, manifest: Manifest, name: str, data: Path, say: Callable[[str], None]
) -> None:
    """Copy everything into a folder beside its place, check it, and rename that folder."""
    making = data / _MAKING
    if making.exists():
        shutil.rmtree(making)
    wanted = {name, *(one for one in manifest.files if database_day(one) is None)}
    require_room(data, sum(max(v.bytes for v in manifest.files[one]) for one in wanted))
    for folder in (making, making / "warc", making / "sources"):
        folder.mkdir()
    # For a restore that goes on where this one was cut off.
    (making / _CHOSEN).write_text(name, encoding="utf-8")
    for one in sorted(wanted):
        if one == name or (backup / one).is_file():
            _copy(backup, manifest, one, making / (NAME if one == name else one))
        else:
            # A backup that was cut off names a file before it is there.
            say(f"{backup / one} is missing: left out")
    _check_made(backup, making)
    (making / ".lock").unlink(missing_ok=True)
    sync_folder(making)
    making.rename(data / _MADE)
    sync_folder(data)


def _copy(backup: Path, manifest: Manifest, name: str, to: Path) -> None:
    """Copy one file and compare it with its hash."""
    if copy_file(backup / name, to) not in manifest.files[name]:
        other = ", or choose another day with --day" if database_day(name) else ""
        raise Damaged(
            f"{backup / name} is not what was backed up: take it from another backup{other}"
        )


def _check_made(backup: Path, making: Path) -> None:
    """Verify the copies as the data folder that they will be; raises Damaged."""
    path = making / NAME
    with closing(sqlite3.connect(path)) as conn:
        # Set here, since it could not be set while readers hold the file.
        conn.execute("PRAGMA journal_mode = WAL")
        files = conn.execute("SELECT DISTINCT file FROM captures ORDER BY file").fetchall()
    for (file,) in files:
        if not (making / "warc" / file).is_file():
            raise Damaged(f"{backup / 'warc' / file} is missing: take it from another backup")
    # The database of an older version of the program is derived again before it is used.
    if needs_rebuild(path):
        return
    if found := next(problems(making), None):
        raise Damaged(
            f"{backup} cannot be restored whole, take another or copy its files by hand: {found}"
        )
    with closing(readonly(path)) as conn:
        write_index(conn, making / "warc")


def _put_in_place(data: Path, name: str, say: Callable[[str], None]) -> Restored:
    """Move what was made and checked to its place, the database last; may be cut off anywhere."""
    made = data / _MADE
    for folder in (made / "warc", made / "sources", made):
        for path in sorted(folder.glob("*")):
            to = data / path.relative_to(made)
            if path.is_dir() or path.name in (NAME, _CHOSEN):
                continue
            if to.exists() and folder.name != "warc":
                say(f"{to} is left as it is: the backup's is not restored over it")
                path.unlink()
                continue
            to.parent.mkdir(exist_ok=True)
            path.replace(to)
            sync_folder(to.parent)
    if (made / NAME).exists():
        (made / NAME).replace(data / NAME)
        sync_folder(data)
    if (made / _CHOSEN).exists():
        name = (made / _CHOSEN).read_text(encoding="utf-8")
    shutil.rmtree(made)
    with closing(readonly(data / NAME)) as conn:
        (captures,) = conn.execute("SELECT count(*) FROM captures").fetchone()
    return Restored(Path(name).name, int(captures), len(warc_files(data / "warc")))


@contextmanager
def _writing(data: Path) -> Iterator[None]:
    """Raise what the disk of the data folder refuses as the archive's error."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise cannot_write(data, OSError(0, str(error))) from error
    except OSError as error:
        raise cannot_write(data, error) from error
