"""Writing captures: gzip WARC files, appended and never rewritten.

One record is one gzip member; a record is complete on disk before anything else knows of it. A
capture's request goes to the file before its answer, in one write: a kill between them leaves a
request without an answer, which nothing reads.
"""

from __future__ import annotations

import os
import shutil
from io import FileIO
from pathlib import Path

from archive.captures.decisions import Decision, decision_record
from archive.captures.reading import read_original
from archive.captures.records import Original, exchange, file_head
from archive.captures.warc import (
    Capture,
    Location,
    cannot_write,
    is_imported,
    warc_files,
    warc_name,
    warc_number,
)
from archive.errors import Damaged

# A file of this size copies in seconds and keeps some 20,000 bulletins.
ROTATE_BYTES = 256 * 1024 * 1024
# Where imported captures wait until all of them are written.
STAGING = ".import"


class WarcWriter:
    """Appends captures to the newest file of a folder, starting another past ``rotate_bytes``.

    ``contact`` (an e-mail or web address) is written into the head of each file. No file of
    imported captures is appended to. Raises CannotWrite when the folder or its disk refuses; a
    record cut short by that is taken back.
    """

    def __init__(
        self, folder: Path, rotate_bytes: int = ROTATE_BYTES, contact: str | None = None
    ) -> None:
        self.folder = folder
        self.rotate_bytes = rotate_bytes
        self._head = {"robots": "obey"} | ({"operator": contact} if contact else {})
        self._out: FileIO | None = None
        _make(folder)

    def append(self, capture: Capture, earlier: Location | None = None) -> Location:
        """Write one capture; returns where its record is.

        Where the capture repeats the one at ``earlier``, which is read and compared first, it
        becomes a revisit of that record.
        """
        written = exchange(capture, self._original(earlier))
        out = self._open()
        start = out.tell() + len(written.request)
        _write_whole(out, written.request + written.answer)
        return Location(
            Path(str(out.name)).name, start, len(written.answer), written.digest, written.revisit
        )

    def append_decision(self, decision: Decision) -> None:
        """Write a person's decision about a capture that is in this folder."""
        member = decision_record(decision)
        _write_whole(self._open(), member)

    def sync(self) -> None:
        """Flush everything appended so far to the disk."""
        if self._out is not None:
            try:
                os.fsync(self._out.fileno())
            except OSError as error:
                raise cannot_write(Path(str(self._out.name)), error) from error

    def close(self) -> None:
        """Close the file; appending opens it again."""
        if self._out is not None:
            self.sync()
            self._out.close()
            self._out = None

    def _original(self, earlier: Location | None) -> Original | None:
        if earlier is None:
            return None
        try:
            return read_original(self.folder, earlier.file, earlier.offset)
        except Damaged:
            # Then the bytes at hand are the better ones; `bulletins verify` names the damage.
            return None

    def _open(self) -> FileIO:
        if self._out is not None and self._out.tell() < self.rotate_bytes:
            return self._out
        self.close()
        path = self._newest()
        try:
            self._out = path.open("ab", buffering=0)
        except OSError as error:
            raise cannot_write(path, error) from error
        if self._out.tell() == 0:
            _write_whole(self._out, file_head(path.name, self._head))
        return self._out

    def _newest(self) -> Path:
        """The file to append to, which may not be there yet."""
        files = warc_files(self.folder)
        if not files:
            return self.folder / warc_name(1)
        newest = files[-1]
        if is_imported(newest.name) or newest.stat().st_size >= self.rotate_bytes:
            return self.folder / warc_name(warc_number(newest.name) + 1)
        return newest


class ImportWriter(WarcWriter):
    """Writes imported captures into files of their own, which appear in the folder all at once.

    Until ``publish`` they wait in a folder beside the others; what an import that was cut off left
    there is removed first. ``note`` says in the head of each file what it holds.
    """

    def __init__(self, folder: Path, note: str, rotate_bytes: int = ROTATE_BYTES) -> None:
        staging = folder / STAGING
        shutil.rmtree(staging, ignore_errors=True)
        super().__init__(staging, rotate_bytes)
        self._head = {"description": note}
        self._target = folder

    def publish(self) -> list[Path]:
        """Move the files to where captures are read from; returns them.

        Those they refer to come first, so that a kill in between leaves nothing unresolved.
        """
        self.close()
        moved = []
        try:
            for path in warc_files(self.folder):
                moved.append(path.rename(self._target / path.name))
            sync_folder(self._target)
            self.folder.rmdir()
        except OSError as error:
            raise cannot_write(self._target, error) from error
        return moved

    def discard(self) -> None:
        """Remove what was written and not published."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _newest(self) -> Path:
        files = [*warc_files(self._target), *warc_files(self.folder)]
        number = warc_number(files[-1].name) + 1 if files else 1
        return self.folder / warc_name(number, imported=True)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of names to the disk, so that a rename outlives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_whole(out: FileIO, data: bytes) -> None:
    """Append records to an unbuffered file, all of them or nothing."""
    start, written = out.tell(), 0
    try:
        while written < len(data):
            written += out.write(memoryview(data)[written:]) or 0
    except OSError as error:
        out.truncate(start)
        raise cannot_write(Path(str(out.name)), error) from error
