"""The store: a data folder that one process writes, captures first, then the database.

Rows are committed in batches; a kill between two commits loses rows, never captures, and the next
opening reads those captures again.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from archive.captures.warc import Capture, WarcWriter, recover, warc_files
from archive.clock import days_before
from archive.errors import CannotWrite, Damaged, Locked
from archive.sources import Source
from archive.storage.database import connect
from archive.storage.ingest import Ingester, Outcome

# A hundred captures are a few minutes of polite crawling and commit in some milliseconds.
BATCH = 100
# A page is asked for again, and a failed one retried, for this long after it was first met.
RECENT_DAYS = 30


@dataclass(frozen=True, slots=True)
class DuePage:
    """A page to ask for: its canonical address and the validators of the last good answer."""

    address: str
    etag: str | None
    last_modified: str | None


class Store:
    """A data folder opened for writing, with the only lock on it.

    Raises Locked when another process has it, CannotWrite when the folder refuses, Damaged when
    the database is no database.
    """

    def __init__(self, folder: Path, sources: Mapping[str, Source]) -> None:
        self.folder = folder
        self._lock = lock(folder)
        try:
            self.warc = WarcWriter(folder / "warc")
            self.database = connect(folder / "bulletins.db")
            self.ingester = Ingester(self.database, sources)
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
        try:
            if kind is None and self._failed is None:
                self.commit()
            elif self.database.conn.in_transaction:
                self.database.conn.execute("ROLLBACK")
            self.warc.close()
            self.database.conn.close()
        finally:
            self._lock.close()

    def record(self, capture: Capture) -> Outcome:
        """Keep a capture on disk, then write its rows; committed with the next batch."""
        with self._writing():
            location = self.warc.append(capture)
            self._begin()
            outcome = self.ingester.ingest(capture, location)
            self._pending += 1
            if self._pending >= BATCH:
                self._commit()
        return outcome

    def incident(
        self, at: str, source: str, channel: str | None, url: str, kind: str, message: str
    ) -> None:
        """Write down what went wrong where there was no response to keep."""
        with self._writing():
            self._begin()
            self.ingester.incident(at, source, channel, url, kind, message)

    def commit(self) -> None:
        """Have the disk hold all captures, then commit the rows that know of them."""
        with self._writing():
            self._commit()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Name what the database refuses; after any failure nothing more is written.

        Captures that the database missed are read again when the folder is next opened, which
        goes on from the last one it knows: there must be none behind a gap.
        """
        if self._failed is not None:
            raise self._failed
        try:
            yield
        except Exception as error:
            self._failed = _named(error, self.folder / "bulletins.db")
            if self._failed is error:
                raise
            raise self._failed from error

    def _begin(self) -> None:
        if not self.database.conn.in_transaction:
            self.database.conn.execute("BEGIN IMMEDIATE")

    def _commit(self) -> None:
        self._pending = 0
        if self.database.conn.in_transaction:
            self.warc.sync()
            self.database.conn.execute("COMMIT")

    def _recover(self) -> int:
        """Read the finished captures that the database never learned of; how many there were."""
        last = self.database.conn.execute(
            "SELECT file, offset + length FROM captures ORDER BY id DESC LIMIT 1"
        ).fetchone()
        known, end = last or ("", 0)
        count = 0
        for path in warc_files(self.folder / "warc"):
            if path.name < known:
                continue
            for location, capture in recover(path, end if path.name == known else 0):
                self._begin()
                self.ingester.ingest(capture, location)
                count += 1
        self._commit()
        return count

    # What a crawl asks

    def due(
        self,
        source: str,
        channel: str,
        at: str,
        *,
        full: bool = False,
        since: date | None = None,
        limit: int | None = None,
    ) -> list[DuePage]:
        """The pages of a channel to ask for at the instant ``at``, newest listed first.

        Those never captured (a failing one for RECENT_DAYS after it was first asked for), listed
        on ``since`` or later, at most ``limit`` of them; and those first captured within
        RECENT_DAYS; with ``full`` all.
        """
        order = "ORDER BY listed DESC, rowid"
        asked = {
            "source": source,
            "channel": channel,
            "recent": "" if full else days_before(at, RECENT_DAYS),
            "since": since.isoformat() if since else "",
            "limit": -1 if limit is None else limit,
        }
        columns = "SELECT url, etag, last_modified FROM addresses"
        fresh = self.database.conn.execute(
            f"{columns} WHERE source = :source AND channel = :channel AND first_captured IS NULL"
            " AND coalesce(first_asked, (SELECT min(at) FROM incidents"
            " WHERE incidents.url = addresses.url), :recent) >= :recent"
            f" AND (listed IS NULL OR listed >= :since) {order} LIMIT :limit",
            asked,
        )
        again = self.database.conn.execute(
            f"{columns} WHERE source = :source AND channel = :channel AND first_captured >= :recent"
            f" {order}",
            asked,
        )
        return [DuePage(*row) for row in (*fresh.fetchall(), *again.fetchall())]

    def settled_before(self, source: str, channel: str) -> str | None:
        """When the last crawl ended that walked the channel's list as far as it had to."""
        row = self.database.conn.execute(
            "SELECT max(finished_at) FROM crawls WHERE source = ? AND channel = ? AND walked = 1",
            (source, channel),
        ).fetchone()
        return row[0] if row else None

    def first_listed(self, address: str) -> str | None:
        """When an address was first met on a list."""
        row = self.database.conn.execute(
            "SELECT first_listed FROM addresses WHERE url = ?", (address,)
        ).fetchone()
        return row[0] if row else None

    def begin_crawl(self, source: str, channel: str, at: str) -> int:
        """Open a line in ``crawls``, which stays ``running`` if the crawl is killed; its id."""
        with self._writing():
            self._begin()
            self.ingester.know(source)
            self.database.table("crawls").insert(
                {"source": source, "channel": channel, "started_at": at, "outcome": "running"}
            )
            self._commit()
        return self.last_crawl()

    def finish_crawl(self, crawl: int, values: Mapping[str, str | int | None]) -> None:
        """Write how a crawl ended."""
        with self._writing():
            self._begin()
            self.database.table("crawls").update(crawl, dict(values))
            self._commit()

    def last_crawl(self) -> int:
        """The id of the newest line in ``crawls``, 0 where there is none."""
        return int(
            self.database.conn.execute("SELECT coalesce(max(id), 0) FROM crawls").fetchone()[0]
        )

    def crawls_after(self, crawl: int) -> list[dict[str, Any]]:
        """The lines of ``crawls`` written after the one with this id."""
        return list(self.database.table("crawls").rows_where("id > ?", [crawl], order_by="id"))


def _named(error: Exception, path: Path) -> Exception:
    """An error of SQLite's as one of the archive's, any other as it is."""
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return Locked(f"another program holds {path}: close it; the captures are kept")
    if isinstance(error, sqlite3.OperationalError):
        return CannotWrite(
            f"cannot write {path}: {error}; the captures are kept, the next run takes them in"
        )
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.IntegrityError):
        return Damaged(f"{path} is damaged ({error}): run `bulletins rebuild`")
    return error


def is_locked(folder: Path) -> bool:
    """Whether a process is writing to a data folder now."""
    try:
        lock(folder).close()
    except Locked:
        return True
    except CannotWrite:
        return False
    return False


def lock(folder: Path) -> IO[str]:
    """The only lock on a data folder, held until closed; raises Locked, CannotWrite."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = (folder / ".lock").open("w")
    except OSError as error:
        raise CannotWrite(
            f"cannot write {folder}: {error.strerror}; choose another folder with --data or mend "
            "its rights"
        ) from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        held.close()
        raise Locked(
            f"another process is writing to {folder}: wait until it is done (`bulletins status`)"
        ) from error
    return held
