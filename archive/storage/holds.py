"""Holds: answers that are not believed yet, in the table ``holds``.

A held answer makes no bulletin and no revision. It is withdrawn by the next good answer, confirmed
where it may be met again on another night, or decided by a person.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from archive.captures.decisions import Decision
from archive.captures.warc import Capture
from archive.clock import civil_date
from archive.normalise.bulletin_json import text_digest
from archive.storage.addresses import Addresses
from archive.storage.classify import Page
from archive.storage.guards import Doubt, Elsewhere, Said, doubt
from archive.storage.revisions import Current

# A page shows a text that shrank on purpose on the next night too.
_NIGHTS_TO_CONFIRM = 2
# Pages that show the same text: revisions of other bulletins, and what is held at other addresses.
_ELSEWHERE = (
    "SELECT url, revisions.title FROM revisions JOIN bulletins ON bulletins.id = bulletin"
    " WHERE text_digest = :text AND source = :source AND bulletin IS NOT :bulletin"
    " UNION ALL SELECT address, title FROM holds WHERE text_digest = :text AND source = :source"
    " AND address <> :address AND (bulletin IS NULL OR bulletin IS NOT :bulletin)"
)


@dataclass(frozen=True, slots=True)
class Held:
    """An answer that is not believed; ``decided`` where a person has rejected it already."""

    doubt: Doubt
    decided: bool


class Holds:
    """Keeps the table ``holds``; transactions are the caller's."""

    def __init__(self, database: Database, addresses: Addresses) -> None:
        self.conn = database.conn
        self.addresses = addresses
        self._table = database.table("holds")

    def judge(
        self, page: Page, capture: Capture, capture_id: int, current: Current | None
    ) -> Held | None:
        """Whether a page that says something new is held; None where it is believed.

        ``current`` is the revision that it would follow.
        """
        bulletin = current.bulletin if current else None
        before = self._said(bulletin)
        text = text_digest(page.bulletin)
        listed = self.addresses.listed_titles(capture.address)
        others = [] if before and before[1] == text else self._elsewhere(text, capture, bulletin)
        found = doubt(page.bulletin, listed, before[0] if before else None, others)
        if found is None:
            return None
        values = {
            "address": capture.address,
            "source": capture.source,
            "channel": capture.channel,
            "bulletin": bulletin,
            "title": page.bulletin.title,
            "digest": page.digest,
            "text_digest": text,
            "reason": found.reason,
            "message": found.message,
        }
        return self._hold(values, capture, capture_id, found)

    def _hold(
        self, values: dict[str, Any], capture: Capture, capture_id: int, found: Doubt
    ) -> Held | None:
        """Write a held answer down, in the row of the same one where the site still shows it."""
        row = self._last(capture.address)
        if row is None or row["digest"] != values["digest"]:
            self.withdraw([capture.address], capture.fetched_at)
            self._table.insert(
                values
                | {
                    "capture": capture_id,
                    "held_at": capture.fetched_at,
                    "last_held_at": capture.fetched_at,
                    "last_capture": capture_id,
                    "nights": 1,
                }
            )
            return Held(found, decided=False)
        another = civil_date(row["last_held_at"]) < civil_date(capture.fetched_at)
        seen = {
            "last_held_at": capture.fetched_at,
            "last_capture": capture_id,
            "nights": row["nights"] + another,
        }
        self._table.update(row["capture"], seen)
        if row["verdict"] == "rejected" or not self._is_confirmed(row, seen["nights"], capture):
            # The kind of its incident stays, whatever else is known of it by now.
            first = Doubt(row["reason"], row["message"])
            return Held(first, decided=row["verdict"] == "rejected")
        self._settle(row["capture"], capture.fetched_at, "confirmed")
        return None

    def _is_confirmed(self, row: dict[str, Any], nights: int, capture: Capture) -> bool:
        """Whether what is met again is believed: a shrunk text, or a new page under another title.

        Of a page that was never captured nothing but its list tells what it should be; that list
        must then have been read on the same night, as it is not while a site is being mended.
        """
        if nights < _NIGHTS_TO_CONFIRM or self._elsewhere(
            row["text_digest"], capture, row["bulletin"]
        ):
            return False
        if row["reason"] == "title-unlike" and row["bulletin"] is None:
            return self.addresses.was_listed_on(capture)
        return bool(row["reason"] == "shrunk")

    def withdraw(self, addresses: Iterable[str], at: str) -> None:
        """A good answer from these addresses: what was held there is no longer shown."""
        self.conn.executemany(
            "UPDATE holds SET settled_at = ?, verdict = 'withdrawn'"
            " WHERE address = ? AND verdict IS NULL",
            [(at, address) for address in addresses],
        )

    def decided(self, decision: Decision) -> dict[str, Any] | None:
        """Write a person's decision down; the hold it settles, None where that is settled already.

        A store that was cut off reads its last decisions again.
        """
        row = self.conn.execute(
            "SELECT holds.capture FROM holds JOIN captures ON captures.id = holds.capture"
            " WHERE holds.address = ? AND verdict IS NULL AND captures.fetched_at = ?"
            " AND captures.digest = ?",
            (decision.address, decision.fetched_at, decision.digest),
        ).fetchone()
        if row is None:
            return None
        self._settle(row[0], decision.at, decision.verdict)
        return dict(self._table.get(row[0]))

    def _settle(self, capture: int, at: str, verdict: str) -> None:
        self._table.update(capture, {"settled_at": at, "verdict": verdict})

    def _last(self, address: str) -> dict[str, Any] | None:
        """What was held last at an address, if it is open or a person has rejected it."""
        found = self._table.rows_where("address = ?", [address], order_by="capture DESC", limit=1)
        row = next(iter(found), None)
        return row if row and row["verdict"] in (None, "rejected") else None

    def _elsewhere(self, text: str, capture: Capture, bulletin: int | None) -> list[Elsewhere]:
        found = self.conn.execute(
            _ELSEWHERE,
            {
                "text": text,
                "source": capture.source,
                "address": capture.address,
                "bulletin": bulletin,
            },
        )
        return [Elsewhere(*row) for row in found.fetchall()]

    def _said(self, bulletin: int | None) -> tuple[Said, str] | None:
        """What a bulletin's current revision says, and the digest of its text."""
        if bulletin is None:
            return None
        title, content, text = self.conn.execute(
            "SELECT revisions.title, content, text_digest FROM bulletins JOIN revisions"
            " ON revisions.bulletin = bulletins.id AND number = revision WHERE bulletins.id = ?",
            (bulletin,),
        ).fetchone()
        said = json.loads(content)
        entries = [*([said["lead"]] if said["lead"] else []), *said["entries"]]
        whole = "".join(entry["text"] for entry in entries)
        before = Said(title, whole, said["body_rule"], said["published"], said["published_at"])
        return before, text
