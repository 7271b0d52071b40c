"""The store: a data folder opened for writing, captures first, then the database.

Rows are committed in batches; a kill between two commits loses rows, never captures, and the next
opening reads those captures again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from archive.captures.decisions import Decision
from archive.captures.reading import recover
from archive.captures.warc import Capture, Location, is_imported, warc_files
from archive.captures.writing import WarcWriter
from archive.clock import now, stamp
from archive.errors import CannotWrite, Damaged, Locked
from archive.sources import Source
from archive.storage.classify import Reading
from archive.storage.crawl_log import CrawlLog
from archive.storage.damage import cut_off, damage, keep_copy
from archive.storage.database import (
    NAME,
    connect,
    explain,
    lacks_imports,
    needs_rebuild,
    sources_changed,
)
from archive.storage.incidents import Incident
from archive.storage.ingest import Ingester, Outcome
from archive.storage.lock import lock
from archive.storage.rebuild import derive_again
from archive.storage.repeats import earlier
from archive.storage.replay import update_index
from archive.storage.space import LEAST_BYTES, require_room, room

# A hundred captures are a few minutes of polite crawling and commit in some milliseconds.
BATCH = 100


class Store:
    """A data folder opened for writing, with its lock.

    ``crawls`` answers questions; ``contact`` is who crawls, for the WARC files. A database that is
    damaged, of another version of the program, or lacks an imported file, is derived again first,
    which ``say`` is told in one line. Raises Locked when another process has the folder,
    CannotWrite when the folder refuses, Damaged when the captures are damaged.
    """

    def __init__(
        self,
        folder: Path,
        sources: Mapping[str, Source],
        say: Callable[[str], None] = lambda line: None,
        contact: str | None = None,
    ) -> None:
        self.folder = folder
        self._lock = lock(folder)
        try:
            path = folder / NAME
            if why := _why_derive_again(path, sources):
                say(why)
                derive_again(folder, sources)
            elif file := cut_off(path):
                kept = keep_copy(path)
                say(
                    f"{file} ends within its last capture, which is asked for again: deriving "
                    f"{path} again without it; the one that knew it is kept as {kept.name}"
                )
                derive_again(folder, sources, lost=1)
            self.warc = WarcWriter(folder / "warc", contact=contact)
            self.database = connect(path)
            self.ingester = Ingester(self.database, sources, folder / "warc")
            self.crawls = CrawlLog(self.database)
            self._pending = 0
            self._failed: Exception | None = None
            with self._writing():
                self.recovered = self._recover()
        except BaseException:
            self._lock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        with ExitStack() as at_last:
            at_last.callback(self._lock.close)
            at_last.callback(self.database.conn.close)
            at_last.callback(self.warc.close)
            if kind is None and self._failed is None:
                self.commit()
                update_index(self.database.conn, self.folder / "warc")
            elif self.database.conn.in_transaction:
                self.database.conn.execute("ROLLBACK")

    def record(self, capture: Capture) -> Outcome:
        """Append a capture to the WARC file, then write its rows; committed with the next batch.

        Raises CannotWrite before the disk is full, with all that was recorded committed.
        """
        return self.ingest(capture, self.append(capture))

    def append(self, capture: Capture) -> Location:
        """Append a capture to the WARC file, and nothing else.

        Its rows must follow in the order of the captures; where they do not, the next opening
        writes them. Raises CannotWrite before the disk is full, with all rows committed.
        """
        if room(self.folder) < LEAST_BYTES:
            self.commit()
            require_room(self.folder, LEAST_BYTES)
        with self._writing():
            return self.warc.append(capture, earlier(self.database.conn, capture))

    def ingest(self, capture: Capture, location: Location, found: Reading = None) -> Outcome:
        """Write the rows of a capture that was appended; ``found`` is what it was read as."""
        with self._writing():
            self._begin()
            outcome = self.ingester.ingest(capture, location, found)
            self._pending += 1
            if self._pending >= BATCH:
                self._commit()
        return outcome

    def decide(self, decision: Decision) -> None:
        """Append a person's decision to the WARC file, then write what follows from it."""
        with self._writing():
            self.warc.append_decision(decision)
            self._begin()
            self.ingester.decide(decision)
            self._commit()

    def incident(self, incident: Incident) -> None:
        """Write down what went wrong where there was no response to keep."""
        with self._writing():
            self._begin()
            self.ingester.incident(incident)

    def commit(self) -> None:
        """Flush all captures to disk, then commit the rows that refer to them."""
        with self._writing():
            self._commit()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Raise SQLite's errors as the archive's; after any failure nothing more is written.

        The next opening reads the captures after the last one that the database knows. If writing
        went on after a failure, the captures that failed would lie before that one.
        """
        if self._failed is not None:
            raise self._failed
        try:
            yield
        except Exception as error:
            self._failed = _named(error, self.folder / NAME)
            if self._failed is error:
                raise
            raise self._failed from error

    def _begin(self) -> None:
        if not self.database.conn.in_transaction:
            self.database.conn.execute("BEGIN IMMEDIATE")

    def _commit(self) -> None:
        self._pending = 0
        if self.database.conn.in_transaction:
            self.ingester.revisions.index_written()
            self.warc.sync()
            self.database.conn.execute("COMMIT")

    def _recover(self) -> int:
        """Ingest the captures that the database does not know; returns how many there were.

        The crawl that they are from is said to have been cut off.
        """
        last = self.database.conn.execute(
            "SELECT file, offset + length FROM captures WHERE origin IS NULL"
            " ORDER BY id DESC LIMIT 1"
        ).fetchone()
        known, end = last or ("", 0)
        count = 0
        self._begin()
        self.crawls.close_cut_off(stamp(now()))
        self.ingester.note_enabled()
        for path in warc_files(self.folder / "warc"):
            if path.name < known or is_imported(path.name):
                continue
            for location, record in recover(path, end if path.name == known else 0):
                if isinstance(record, Decision):
                    self.ingester.decide(record)
                    continue
                self.ingester.ingest(record, location)
                count += 1
        self._commit()
        return count

    def begin_crawl(self, source: str, channel: str, at: str) -> int:
        """Add and commit a line in ``crawls``, ``running`` until it is finished; its id."""
        with self._writing():
            self._begin()
            self.ingester.know(source)
            crawl = self.crawls.begin_crawl(source, channel, at)
            self._commit()
        return crawl

    def finish_crawl(self, crawl: int, values: Mapping[str, str | float | None]) -> None:
        """Write how a crawl ended, and commit all there is."""
        with self._writing():
            self._begin()
            self.crawls.finish_crawl(crawl, values)
            self._commit()


def _why_derive_again(path: Path, sources: Mapping[str, Source]) -> str | None:
    """Why a database must be derived again before it is written to, None where it need not be.

    Raises Damaged where it is damaged and no captures are there to derive it from.
    """
    if wrong := damage(path):
        if not warc_files(path.parent / "warc"):
            raise Damaged(
                f"{path} is damaged ({wrong}) and there are no captures to derive it from: use "
                "`bulletins restore`, or move the file away; `bulletins rebuild` needs captures"
            )
        return (
            f"{path} is damaged ({wrong}): deriving it again from the captures; the damaged file "
            f"is kept as {NAME}.damaged-…"
        )
    if needs_rebuild(path):
        return f"{path} is of another version of the program: deriving it again ..."
    if changed := sources_changed(path, sources):
        names = ", ".join(changed)
        return f"the source file of {names} has changed: deriving {path} again ..."
    if lacks_imports(path.parent):
        return f"{path} lacks captures that were imported: deriving it again ..."
    return None


def _named(error: Exception, path: Path) -> Exception:
    """The archive's error for one of SQLite's; any other error unchanged."""
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return Locked(f"another program holds {path}: close it; the captures are kept")
    if isinstance(error, sqlite3.OperationalError):
        return CannotWrite(
            f"cannot write {path}: {error}; the captures are kept, the next run takes them in"
        )
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.IntegrityError):
        return explain(path, error)
    return error
