"""A backup folder: copies of files, each with its hash in a manifest, replaced only as a whole.

    manifest.json                      size and SHA-256 of every copy
    db/bulletins-2026-11-25.db …       one database for each day
    warc/captures-000001.warc.gz …     the captures
    sources/*.toml, nightly.toml       what the archive was told

A copy is written beside its place and renamed into it. The manifest names both versions while that
happens, so that a kill at any moment leaves a folder in which every file is one of those it names.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec

from archive.captures.warc import is_capture_file
from archive.captures.writing import sync_folder
from archive.errors import CannotWrite, Damaged

MANIFEST = "manifest.json"
FORMAT = 1
NEW = ".new"
_CHUNK = 1 << 20
_DATABASE = re.compile(r"db/bulletins-(\d{4}-\d\d-\d\d)\.db")
_OWN = re.compile(r"sources/[^/\0]+\.toml|nightly\.toml")


class Version(msgspec.Struct, frozen=True):
    """What a copy is, by its size in bytes and its SHA-256 in hex."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, forbid_unknown_fields=True):
    """What a backup folder holds: the versions that a file may have, by its path in the folder.

    ``newest`` is the database that was written last, whatever the clock said.
    """

    format: int = FORMAT
    newest: str | None = None
    files: dict[str, list[Version]] = {}


def database_name(day: date) -> str:
    """The path of a day's database in a backup folder."""
    return f"db/bulletins-{day.isoformat()}.db"


def database_day(name: str) -> date | None:
    """The day of a database by its path in a backup folder; None for any other file."""
    found = _DATABASE.fullmatch(name)
    return date.fromisoformat(found[1]) if found else None


def _is_ours(name: str) -> bool:
    """Whether a path is one that a backup writes, so that no manifest leads out of its folder."""
    folder, _, rest = name.partition("/")
    captures = folder == "warc" and is_capture_file(rest)
    return captures or bool(_DATABASE.fullmatch(name) or _OWN.fullmatch(name))


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a backup folder, None where there is none; raises Damaged."""
    path = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
        wrong = next((name for name in manifest.files if not _is_ours(name)), None)
        problem = f"it names {wrong!r}" if wrong else ""
        if manifest.format != FORMAT:
            problem = f"its format is {manifest.format}, this program knows {FORMAT}"
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Damaged(f"cannot read {path}: {error.strerror}; check its permissions") from error
    except (msgspec.MsgspecError, ValueError) as error:
        problem = str(error)
    if problem:
        raise Damaged(
            f"{path} is damaged ({problem}): keep this folder, the copies in it may be whole, and "
            "back up into another one"
        )
    return manifest


class BackupFolder:
    """A backup folder opened for writing by a caller that holds its lock.

    Raises CannotWrite where the folder or its disk refuses; what was there before stays whole.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest = read_manifest(path) or Manifest()
        self.copied = 0
        try:
            for folder in ("db", "warc", "sources"):
                (path / folder).mkdir(exist_ok=True)
        except OSError as error:
            raise cannot_write(path, error) from error
        self.clear()
        self.save()

    def clear(self) -> None:
        """Delete copies that were begun and are in no place, those that a kill left among them."""
        try:
            for unfinished in [*self.path.glob(f"*{NEW}*"), *self.path.glob(f"*/*{NEW}*")]:
                unfinished.unlink()
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def versions(self, name: str) -> list[Version]:
        """The versions that the file of that path may have; none where it was never copied."""
        return self.manifest.files.get(name, [])

    def look_at(self, name: str, *, read: bool) -> Version | None:
        """The version of a copy that is there, None where it is missing or not what was copied.

        ``read`` says whether its bytes are read and hashed, or only its size is looked at.
        """
        versions, path = self.versions(name), self.path / name
        if not path.is_file():
            return None
        if read:
            found = hash_file(path)
            return found if found in versions else None
        size = path.stat().st_size
        return next((version for version in versions if version.bytes == size), None)

    def put(self, name: str, made: Path, version: Version) -> None:
        """Rename a file that was written and flushed beside its place into it."""
        path = self.path / name
        try:
            self.manifest.files[name] = [*self.versions(name), version]
            self.save()
            made.replace(path)
            sync_folder(path.parent)
        except OSError as error:
            raise cannot_write(path, error) from error
        self.manifest.files[name] = [version]
        self.copied += version.bytes

    def drop(self, name: str) -> None:
        """Delete a copy."""
        try:
            (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(self.path / name, error) from error
        self.manifest.files.pop(name, None)

    def days(self) -> dict[date, str]:
        """The databases that are there, by day."""
        return kept_days(self.path, self.manifest)

    def save(self) -> None:
        """Write the manifest."""
        path = self.path / MANIFEST
        text = msgspec.json.format(msgspec.json.encode(self.manifest, order="sorted"), indent=1)
        made = path.with_name(MANIFEST + NEW)
        try:
            with made.open("wb") as out:
                out.write(text + b"\n")
                out.flush()
                os.fsync(out.fileno())
            made.replace(path)
            sync_folder(self.path)
        except OSError as error:
            made.unlink(missing_ok=True)
            raise cannot_write(path, error) from error


def kept_days(folder: Path, manifest: Manifest) -> dict[date, str]:
    """The paths of the databases in a backup folder by their days, the oldest first."""
    found = {day: name for name in manifest.files if (day := database_day(name))}
    return {day: found[day] for day in sorted(found) if (folder / found[day]).is_file()}


def hash_file(path: Path, length: int | None = None) -> Version:
    """The size and hash of a file, or of its first ``length`` bytes.

    Raises Damaged where it cannot be read.
    """
    digest, size = hashlib.sha256(), 0
    for chunk in _chunks(path, length):
        digest.update(chunk)
        size += len(chunk)
    return Version(size, digest.hexdigest())


def copy_file(source: Path, made: Path, length: int | None = None) -> Version:
    """Copy a file, or its first ``length`` bytes, flush the copy, and say what was copied.

    Raises Damaged where the file cannot be read, CannotWrite where the copy cannot be written.
    """
    digest, size = hashlib.sha256(), 0
    try:
        with made.open("wb") as out:
            os.fchmod(out.fileno(), _mode(source))
            for chunk in _chunks(source, length):
                out.write(chunk)
                digest.update(chunk)
                size += len(chunk)
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        made.unlink(missing_ok=True)
        raise cannot_write(made.with_name(made.name.removesuffix(NEW)), error) from error
    return Version(size, digest.hexdigest())


def _chunks(path: Path, length: int | None) -> Iterator[bytes]:
    left = length
    try:
        with path.open("rb") as raw:
            while chunk := raw.read(_CHUNK if left is None else min(_CHUNK, left)):
                yield chunk
                left = None if left is None else left - len(chunk)
    except OSError as error:
        raise cannot_read(path, error) from error


def _mode(path: Path) -> int:
    """The permissions of a file: one that holds a password stays its owner's."""
    try:
        return path.stat().st_mode & 0o777
    except OSError as error:
        raise cannot_read(path, error) from error


def cannot_read(path: Path, error: OSError) -> Damaged:
    """The archive's error for a file that cannot be read."""
    return Damaged(f"cannot read {path}: {error.strerror}; check its permissions and the disk")


def cannot_write(path: Path, error: OSError) -> CannotWrite:
    """The archive's error for a file that cannot be written."""
    return CannotWrite(
        f"cannot write {path}: {error.strerror}; check the folder, its permissions and the disk"
    )
