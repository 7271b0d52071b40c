"""Addresses: when each was asked for, found and missed, and where it leads.

What is found at an address counts for every address whose redirects lead there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlite_utils import Database

from archive.captures.warc import Capture
from archive.clock import civil_date
from archive.parse.list_page import Row
from archive.sources import document_id

# ``:url`` and the addresses whose redirects lead there, however many steps away.
_LEADING = (
    "WITH RECURSIVE leading (url) AS (SELECT :url UNION SELECT addresses.url FROM addresses"
    " JOIN leading ON addresses.moved_to = leading.url)"
)
# The bulletins of those addresses.
_HELD = "id IN (SELECT bulletin FROM addresses WHERE url IN (SELECT url FROM leading))"


@dataclass(frozen=True, slots=True)
class KnownAddress:
    """The id of the bulletin at an address, its date in a list, the digest of what it last said.

    ``files`` is what ``files_digest`` said of its attachments, None where nothing was read yet.
    """

    bulletin: int | None
    listed: date | None
    digest: str | None
    files: str | None = None


class Addresses:
    """Keeps the table ``addresses``, and with it the status of the bulletins found there.

    What is written for every page and every list row is SQL: sqlite-utils' ``update`` takes 106 µs
    where the statement takes 3, and its ``upsert`` cannot keep a value that is there already.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.conn = database.conn
        self._table = database.table("addresses")

    def listed(self, rows: tuple[Row, ...], capture: Capture) -> None:
        """Write the rows of a list page."""
        self.conn.executemany(
            "INSERT INTO addresses (url, source, channel, title, listed, first_listed, last_listed)"
            " VALUES (:url, :source, :channel, :title, :listed, :at, :at)"
            " ON CONFLICT (url) DO UPDATE SET title = excluded.title,"
            " listed = coalesce(excluded.listed, listed),"
            # A page that was never captured is asked for by the last channel that listed it.
            " channel = CASE WHEN first_captured IS NULL THEN excluded.channel ELSE channel END,"
            " first_listed = coalesce(first_listed, excluded.first_listed),"
            " last_listed = excluded.last_listed",
            [
                {
                    "url": row.address,
                    "source": capture.source,
                    "channel": capture.channel,
                    "title": row.title,
                    "listed": row.listed.isoformat() if row.listed else None,
                    "at": capture.fetched_at,
                }
                for row in rows
            ],
        )

    def asked(self, capture: Capture) -> None:
        """An address was asked for and there was an answer, whatever it is."""
        self.conn.execute(
            "INSERT INTO addresses (url, source, channel, first_asked, last_asked)"
            " VALUES (:url, :source, :channel, :at, :at)"
            " ON CONFLICT (url) DO UPDATE SET last_asked = excluded.last_asked,"
            " first_asked = coalesce(first_asked, excluded.first_asked)",
            {
                "url": capture.address,
                "source": capture.source,
                "channel": capture.channel,
                "at": capture.fetched_at,
            },
        )

    def known(self, address: str) -> KnownAddress:
        """What is known of an address before an answer from it is read."""
        row = self.conn.execute(
            "SELECT bulletin, listed, digest, files FROM addresses WHERE url = ?", (address,)
        ).fetchone()
        if row is None:
            return KnownAddress(None, None, None)
        listed = date.fromisoformat(row[1]) if row[1] else None
        return KnownAddress(row[0], listed, row[2], row[3])

    def listed_titles(self, address: str) -> list[str]:
        """What lists call the page at an address.

        A document's address is its own whatever leads there; a page without a document id must be
        what was led to it.
        """
        addresses = [address] if document_id(address) else self.leading_to(address)
        marks = ", ".join("?" * len(addresses))
        found = self.conn.execute(
            f"SELECT DISTINCT title FROM addresses WHERE url IN ({marks})"
            " AND title IS NOT NULL ORDER BY title",
            addresses,
        )
        return [title for (title,) in found.fetchall()]

    def was_listed_on(self, capture: Capture) -> bool:
        """Whether a list of the channel was read on the night of a capture."""
        (last,) = self.conn.execute(
            "SELECT max(last_listed) FROM addresses WHERE source = ? AND channel = ?",
            (capture.source, capture.channel),
        ).fetchone()
        return last is not None and civil_date(last) == civil_date(capture.fetched_at)

    def holds(self, address: str, bulletin: int, digest: str, files: str) -> None:
        """A bulletin was read at an address; those that redirect there get it if they have none."""
        self.conn.execute(
            "UPDATE addresses SET bulletin = ?, digest = ?, files = ? WHERE url = ?",
            (bulletin, digest, files, address),
        )
        self.conn.execute(
            "UPDATE addresses SET bulletin = ? WHERE moved_to = ? AND bulletin IS NULL",
            (bulletin, address),
        )

    def good(self, capture: Capture, *, changed: bool = False) -> list[str]:
        """The page is there: no night counts as missed any more, and its validators are new.

        ``changed`` says that it is another text than before. Returns its address and those that
        lead there, for which it is a good answer too.
        """
        self.conn.execute(
            "UPDATE addresses SET last_good = :at, nights_missed = 0, first_missed = NULL,"
            " last_missed = NULL, missed_with_many = 0, moved_to = NULL,"
            " changes = changes + :changed, checks = checks + (first_captured IS NOT NULL),"
            " first_captured = coalesce(first_captured, :at),"
            " etag = coalesce(:etag, etag), last_modified = coalesce(:modified, last_modified)"
            " WHERE url = :url",
            {
                "at": capture.fetched_at,
                "url": capture.address,
                "changed": int(changed),
                "etag": capture.header("ETag") or None,
                "modified": capture.header("Last-Modified") or None,
            },
        )
        leading = self.leading_to(capture.address)
        for address in leading[1:]:
            self._table.update(address, {"last_good": capture.fetched_at})
        back = self.conn.execute(
            f"{_LEADING} SELECT id FROM bulletins WHERE {_HELD} AND status = 'gone'",
            {"url": capture.address},
        )
        for (bulletin,) in back.fetchall():
            self.set_status(bulletin, "live")
        return leading

    def moved(self, capture: Capture, target: str) -> None:
        """The address leads to another page of the site; the answer there says what it is."""
        row = self._table.get(capture.address)
        self._table.update(
            capture.address,
            {
                "moved_to": target,
                "nights_missed": 0,
                "first_missed": None,
                "last_missed": None,
                "missed_with_many": 0,
                "first_captured": row["first_captured"] or capture.fetched_at,
                "bulletin": row["bulletin"] or self.known(target).bulletin,
            },
        )

    def leads_back(self, target: str, address: str) -> bool:
        """Whether following redirects from ``target`` ends up at ``address`` again."""
        return target in self.leading_to(address)

    def leading_to(self, address: str) -> list[str]:
        """The address itself, then those whose redirects lead to it."""
        found = self.conn.execute(f"{_LEADING} SELECT url FROM leading", {"url": address})
        return [url for (url,) in found.fetchall()]

    def missed(self, capture: Capture) -> dict[str, Any]:
        """The page is not there: counted once a night. Returns the address's row."""
        row = self._table.get(capture.address)
        updates: dict[str, Any] = {"moved_to": None}
        last = row["last_missed"]
        if last is None or civil_date(last) < civil_date(capture.fetched_at):
            updates["nights_missed"] = row["nights_missed"] + 1
            updates["first_missed"] = row["first_missed"] or capture.fetched_at
            updates["last_missed"] = capture.fetched_at
        self._table.update(capture.address, updates)
        return dict(row) | updates

    def went_with_many(self, address: str) -> None:
        """The page went missing together with many others of its source."""
        self._table.update(address, {"missed_with_many": 1})

    def is_elsewhere(self, bulletin: int) -> bool:
        """Whether a bulletin was read at an address that has not been missing since."""
        found = self.conn.execute(
            "SELECT 1 FROM addresses WHERE bulletin = ? AND digest IS NOT NULL"
            " AND nights_missed = 0 AND moved_to IS NULL LIMIT 1",
            (bulletin,),
        )
        return found.fetchone() is not None

    def bulletins_at(self, address: str) -> list[tuple[int, str, str]]:
        """The bulletins of an address and of those that lead to it.

        For each its id, its status and when any of its addresses last had a good answer.
        """
        return self.conn.execute(
            f"{_LEADING} SELECT id, status,"
            " (SELECT max(last_good) FROM addresses WHERE bulletin = bulletins.id)"
            f" FROM bulletins WHERE {_HELD} ORDER BY id",
            {"url": address},
        ).fetchall()

    def set_status(self, bulletin: int, status: str, **seen: str) -> None:
        """Write a bulletin's status, and ``last_seen``, into its row and those of its entries."""
        self.database.table("bulletins").update(bulletin, {"status": status, **seen})
        entries = self.database.table("entries")
        ids = [row["id"] for row in entries.rows_where("bulletin = ?", [bulletin], select="id")]
        for entry in ids:
            entries.update(entry, {"status": status})
