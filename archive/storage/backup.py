"""Back up: a consistent copy of a data folder, also while it is served and crawled."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from archive.captures.reading import whole_length
from archive.captures.warc import is_imported, warc_files
from archive.errors import CannotWrite, Damaged, UsageError
from archive.storage.backup_folder import (
    MANIFEST,
    NEW,
    BackupFolder,
    Version,
    cannot_write,
    copy_file,
    database_name,
    hash_file,
)
from archive.storage.database import NAME, explain, open_readonly, readonly
from archive.storage.lock import lock
from archive.storage.space import in_units, require_room
from archive.storage.verify import Part

# Databases that are kept: the newest of each of the last days, weeks and months that have one.
DAILY, WEEKLY, MONTHLY = 7, 4, 12
# Bytes of a WARC file that hold its first record, the ``warcinfo`` with its identity, or the most.
_HEAD = 512
_OWN = ("sources/*.toml", "nightly.toml")


@dataclass(frozen=True, slots=True)
class BackUp:
    """What a backup did: the database's name, its captures, the files and bytes copied.

    ``kept`` is how many databases are there now.
    """

    database: str
    captures: int
    copied: tuple[str, ...]
    bytes: int
    kept: int

    @property
    def in_words(self) -> str:
        """One line for a person."""
        databases = "1 database" if self.kept == 1 else f"{self.kept} databases"
        files = "1 file" if len(self.copied) == 1 else f"{len(self.copied)} files"
        return (
            f"{self.database} with {self.captures} captures; {files} copied, "
            f"{in_units(self.bytes)}; {databases} kept"
        )


@dataclass(frozen=True, slots=True)
class _Database:
    """A copy of the database that is not in its place yet, and what it knows."""

    made: Path
    captures: int
    ends: dict[str, int]


def to_keep(days: Iterable[date]) -> set[date]:
    """The days whose databases are kept: 7 daily, 4 weekly, 12 monthly.

    Days, weeks (ISO 8601) and months that have no database do not count, so that a time without
    nights thins out nothing.
    """
    ordered = sorted(set(days))
    weeks = {day.isocalendar()[:2]: day for day in ordered}
    months = {(day.year, day.month): day for day in ordered}
    return {
        *ordered[-DAILY:],
        *list(weeks.values())[-WEEKLY:],
        *list(months.values())[-MONTHLY:],
    }


def back_up(
    data: Path,
    into: Path,
    day: date,
    *,
    part: Part | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> BackUp:
    """Back a data folder up into a folder that is there already.

    ``day`` is the civil day in China, which has one database. All copies of captures are read
    again and compared with their hashes, or with ``part`` those whose turn it is. ``say`` is told
    what had to be copied anew. Needs no lock of the data folder: the database's copy is one moment
    of it, and whatever that moment knows of was in the WARC files before.

    Raises UsageError for folders that cannot be meant, Locked while another backup is written,
    CannotWrite where the folder is not there or refuses, Damaged where captures or database are
    not what they were: what is in the backup is then kept, and the rest is backed up.
    """
    _check(data, into)
    with lock(into, "back up to another folder or correct its permissions"):
        folder = BackupFolder(into)
        try:
            return _back_up(data, folder, day, part, say)
        finally:
            folder.clear()


def _back_up(
    data: Path, folder: BackupFolder, day: date, part: Part | None, say: Callable[[str], None]
) -> BackUp:
    _refuse_another_archive(data, folder)
    require_room(folder.path, _needed(data, folder))
    problems: list[str] = []
    # The database first: what it knows is then in the WARC files.
    database = _copy_database(data, folder.path / (database_name(day) + NEW), problems)
    copied = _copy_captures(data, folder, database, part, problems, say)
    _copy_own_files(data, folder)
    if database is not None:
        _put_database(folder, database, day, problems)
    folder.save()
    if problems or database is None:
        raise Damaged("; ".join(problems))
    return BackUp(
        Path(database_name(day)).name,
        database.captures,
        tuple(copied),
        folder.copied,
        len(folder.days()),
    )


def _check(data: Path, into: Path) -> None:
    """Refuse folders that cannot be meant, before anything is written."""
    if not (data / NAME).is_file():
        # Says what is missing.
        open_readonly(data).close()
    try:
        others = [p for p in into.iterdir() if p.name[0] != "." and p.name != "lost+found"]
    except FileNotFoundError as error:
        raise CannotWrite(f"there is no folder {into}: mount its disk, or make it") from error
    except NotADirectoryError as error:
        raise UsageError(f"{into} is a file: name a folder to back up to") from error
    except OSError as error:
        raise cannot_write(into, error) from error
    inside, outside = into.resolve(), data.resolve()
    if inside == outside or outside in inside.parents:
        raise UsageError(
            f"{into} is in the data folder {data}, and would be lost with it: back up to another "
            "disk"
        )
    if others and not (into / MANIFEST).exists():
        raise UsageError(f"{into} is neither empty nor a backup: choose an empty folder")


def _refuse_another_archive(data: Path, folder: BackupFolder) -> None:
    """Raise Damaged before anything is written where the backup is of other captures.

    The first record of each WARC file has an identity of its own, so one file that is the same here
    and there shows that the archive is; what else is damaged is another matter, and the rest is
    still backed up then.
    """
    copied = [name for name in folder.manifest.files if name.startswith("warc/")]
    here = [name for name in copied if (data / name).is_file()]
    if not copied or any(_begins_alike(data, folder, name) for name in here):
        return
    # A copy that was spoilt is copied anew.
    if any(hash_file(data / name, v.bytes) == v for name in here for v in folder.versions(name)):
        return
    if here:
        raise Damaged(
            _not_its_copy(data / here[0], folder.path / here[0]) + "; nothing was backed up"
        )
    raise Damaged(
        f"{folder.path} is a backup of another archive, whose {copied[0]} is not in {data}: name "
        "another folder to back up to; nothing was backed up"
    )


def _begins_alike(data: Path, folder: BackupFolder, name: str) -> bool:
    copy = folder.path / name
    return copy.is_file() and _head(data / name) == _head(copy)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _not_its_copy(path: Path, copy: Path) -> str:
    return (
        f"{path} does not begin with what {copy} was copied from: it is damaged, or the backup is "
        "of another archive; the copy is kept"
    )


def _needed(data: Path, folder: BackupFolder) -> int:
    """How many bytes a backup writes at most: the database, and each WARC file that grew."""
    sizes = {f"warc/{path.name}": path.stat().st_size for path in warc_files(data / "warc")}
    needed = (data / NAME).stat().st_size
    for name, size in sizes.items():
        there = folder.look_at(name, read=False)
        needed += 0 if there and there.bytes == size else size
    return needed


def _copy_database(data: Path, made: Path, problems: list[str]) -> _Database | None:
    """Copy the database as it is at one moment, and check the copy; None where it is damaged."""
    try:
        captures, ends = _copied(data / NAME, made)
    except sqlite3.OperationalError as error:
        raise explain(made.with_name(made.name.removesuffix(NEW)), error) from error
    except sqlite3.DatabaseError as error:
        problems.append(
            f"{data / NAME} is damaged ({error}) and was not backed up, only its captures were; "
            "the databases in the backup are kept: run `bulletins rebuild`"
        )
        return None
    return _Database(made, captures, ends)


def _copied(path: Path, made: Path) -> tuple[int, dict[str, int]]:
    """Copy a database; the number of its captures, and where they end in each WARC file."""
    with closing(readonly(path)) as conn, closing(sqlite3.connect(made)) as copy:
        # Without this a database in WAL mode needs shared memory, which network disks do not have.
        copy.execute("PRAGMA locking_mode = EXCLUSIVE")
        conn.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
        (line,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        if line != "ok":
            raise sqlite3.DatabaseError(str(line).splitlines()[-1])
        found = copy.execute(
            "SELECT file, max(offset + length), count(*) FROM captures GROUP BY file"
        ).fetchall()
    with made.open("rb") as written:
        os.fsync(written.fileno())
    return sum(count for _, _, count in found), {file: end for file, end, _ in found}


def _copy_captures(
    data: Path,
    folder: BackupFolder,
    database: _Database | None,
    part: Part | None,
    problems: list[str],
    say: Callable[[str], None],
) -> list[str]:
    """Copy the WARC files that are new or have grown; their names."""
    copied = []
    files = warc_files(data / "warc")
    own = [path for path in files if not is_imported(path.name)]
    for turn, path in enumerate(files):
        read = part is None or turn % part[1] == part[0]
        # Only the newest of our own crawls can be in the middle of a record.
        known = database.ends.get(path.name, 0) if database else 0
        length = whole_length(path, known) if path in own[-1:] else path.stat().st_size
        try:
            if _copy_warc(path, length, folder, read, say):
                copied.append(path.name)
        except Damaged as error:
            problems.append(str(error))
    return copied


def _copy_warc(
    path: Path, length: int, folder: BackupFolder, read: bool, say: Callable[[str], None]
) -> bool:
    """Copy a WARC file where the backup has less of it; whether that was so.

    Files only grow. One that does not begin with what was backed up is damaged, or another
    archive's; then the copy is kept.
    """
    name = f"warc/{path.name}"
    there = folder.look_at(name, read=read)
    before = there or next(iter(folder.versions(name)), None)
    if before and not there:
        say(f"{folder.path / name} is not what was backed up: copying it anew")
    if there and length == there.bytes and not read:
        return False
    if before and hash_file(path, before.bytes) != before:
        raise Damaged(_not_its_copy(path, folder.path / name))
    if there and length <= there.bytes:
        return False
    made = folder.path / (name + NEW)
    folder.put(name, made, copy_file(path, made, length))
    return True


def _copy_own_files(data: Path, folder: BackupFolder) -> None:
    """Copy the archive's own source files and its nightly.toml, where they are new or changed."""
    for path in sorted(path for pattern in _OWN for path in data.glob(pattern)):
        name = str(path.relative_to(data))
        if not path.is_file() or folder.look_at(name, read=True) == hash_file(path):
            continue
        made = folder.path / (name + NEW)
        folder.put(name, made, copy_file(path, made))


def _put_database(
    folder: BackupFolder, database: _Database, day: date, problems: list[str]
) -> None:
    """Put the copied database in its place, where all that it knows is in the copied WARC files.

    Older databases are then thinned out.
    """
    for file, end in database.ends.items():
        there: Version | None = folder.look_at(f"warc/{file}", read=False)
        if there is None or there.bytes < end:
            problems.append(
                f"the database knows captures of {file} that could not be backed up, so it was not "
                "backed up either: run `bulletins verify`"
            )
            return
    folder.put(database_name(day), database.made, hash_file(database.made))
    folder.manifest.newest = database_name(day)
    folder.save()
    days = folder.days()
    for old in set(days) - to_keep(days) - {day}:
        folder.drop(days[old])
