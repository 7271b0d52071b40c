"""Identity: which bulletin a page is, whatever address it is found at, and where it lives now.

After a redesign documents have new addresses. Most keep the publishing system's document id; the
others are known again by where their old address leads, or by title, date and text.
"""

from __future__ import annotations

import json
import re
import unicodedata
from difflib import SequenceMatcher

from sqlite_utils import Database

from archive.captures.warc import Capture
from archive.model import Bulletin
from archive.storage.addresses import Addresses

# Two texts of the same document differ by a corrected figure or a dropped line; two documents of
# one series with equal titles share phrases only. Of 3,000 pairs of the sample's texts the most
# alike reach 0.28.
SAME_TEXT = 0.9
# Shorter texts are formulas (附件见下) that many pages share.
MIN_TEXT = 30
# SequenceMatcher takes time by the square of the length; the beginning decides.
_COMPARED = 2000
# All but letters and numbers, the categories L and N of Unicode.
_NO_WORD = re.compile(r"[\W_]+")
# The end of a text that only names its attachments.
_ATTACHMENTS = re.compile(r"附件[:：][^。；]{0,200}$|附件[:：]?$")


class Identity:
    """Answers which bulletin a page is, and keeps each bulletin's address a living one."""

    def __init__(self, database: Database, addresses: Addresses) -> None:
        self.conn = database.conn
        self.addresses = addresses

    def slug(self, capture: Capture, bulletin: Bulletin, by_address: str, held: int | None) -> str:
        """The slug of the bulletin that this page is; ``by_address`` where it is a new one.

        ``held`` is the id of the bulletin that the address has held so far, if any.
        """
        if self._slug_of("slug = ?", by_address) or bulletin.published is None:
            return by_address
        if held is not None and self.addresses.known(capture.address).digest is not None:
            return self._slug_of("id = ?", held) or by_address
        return self._led_here(capture, bulletin) or self._alike(capture, bulletin) or by_address

    def _led_here(self, capture: Capture, bulletin: Bulletin) -> str | None:
        """The bulletin of an address that redirects here, if title or text say so too."""
        leading = self.addresses.leading_to(capture.address)[1:]
        marks = ", ".join("?" * len(leading))
        found = self.conn.execute(
            "SELECT DISTINCT bulletins.id, slug FROM addresses JOIN bulletins ON bulletins.id ="
            f" addresses.bulletin WHERE addresses.url IN ({marks}) ORDER BY bulletins.id",
            leading,
        )
        for number, slug in found.fetchall():
            title, text = self._said(number)
            if plain(title) == plain(bulletin.title) or alike(text, text_of(bulletin)):
                return str(slug)
        return None

    def _alike(self, capture: Capture, bulletin: Bulletin) -> str | None:
        """The bulletin of the source with the same title and date, and a text like this one."""
        text = text_of(bulletin)
        if len(text) < MIN_TEXT or bulletin.published is None:
            return None
        found = self.conn.execute(
            "SELECT id, slug, title FROM bulletins WHERE source = ? AND published = ? ORDER BY id",
            (capture.source, bulletin.published.isoformat()),
        )
        for number, slug, title in found.fetchall():
            if plain(title) == plain(bulletin.title) and alike(self._said(number)[1], text):
                return str(slug)
        return None

    def restates(self, bulletin: Bulletin, current: int) -> bool:
        """Whether a page of another layout says what the current revision says, set differently.

        A new template names a source or sets attachments apart where the old one did not; title,
        date and text are what the ministry said.
        """
        rule, published = self.conn.execute(
            "SELECT body_rule, published FROM bulletins WHERE id = ?", (current,)
        ).fetchone()
        if rule == bulletin.body_rule or bulletin.published is None:
            return False
        title, text = self._said(current)
        return (
            plain(title) == plain(bulletin.title)
            and published == bulletin.published.isoformat()
            and _without_attachments(text) == _without_attachments(text_of(bulletin))
        )

    def settle_address(self, bulletin: int) -> None:
        """Let a bulletin's address be one where it is, if it is no longer where it was.

        Of several that answer, the one with the latest good answer.
        """
        here = self.conn.execute(
            "SELECT addresses.nights_missed, addresses.moved_to, bulletins.url FROM bulletins"
            " LEFT JOIN addresses ON addresses.url = bulletins.url WHERE bulletins.id = ?",
            (bulletin,),
        ).fetchone()
        if here is None or not (here[0] or here[1]):
            return
        found = self.conn.execute(
            "SELECT url FROM addresses WHERE bulletin = ? AND nights_missed = 0"
            " AND moved_to IS NULL AND digest IS NOT NULL AND url <> ?"
            " ORDER BY last_good DESC, url LIMIT 1",
            (bulletin, here[2]),
        ).fetchone()
        if found:
            self.conn.execute("UPDATE bulletins SET url = ? WHERE id = ?", (found[0], bulletin))
            self.conn.execute("UPDATE entries SET url = ? WHERE bulletin = ?", (found[0], bulletin))

    def all_addresses(self, bulletin: int) -> list[str]:
        """Every address that a bulletin was found at or is led to from."""
        found = self.conn.execute("SELECT url FROM addresses WHERE bulletin = ?", (bulletin,))
        return [url for (url,) in found.fetchall()]

    def _slug_of(self, where: str, value: str | int) -> str | None:
        row = self.conn.execute(f"SELECT slug FROM bulletins WHERE {where}", (value,)).fetchone()
        return str(row[0]) if row else None

    def _said(self, bulletin: int) -> tuple[str, str]:
        """Title and text of a bulletin's current revision."""
        row = self.conn.execute(
            "SELECT revisions.title, content FROM bulletins JOIN revisions ON revisions.bulletin ="
            " bulletins.id AND number = revision WHERE bulletins.id = ?",
            (bulletin,),
        ).fetchone()
        content = json.loads(row[1])
        entries = [*([content["lead"]] if content["lead"] else []), *content["entries"]]
        return str(row[0]), "".join("".join(e["text"] for e in entries).split())


def plain(title: str) -> str:
    """A title without what a redesign changes: whitespace, width of characters, punctuation."""
    return _NO_WORD.sub("", unicodedata.normalize("NFKC", title))


def text_of(bulletin: Bulletin) -> str:
    """All that a bulletin's entries say, without white space."""
    entries = [*([bulletin.lead] if bulletin.lead else []), *bulletin.entries]
    return "".join("".join(entry.text for entry in entries).split())


def _without_attachments(text: str) -> str:
    """A text without its last words, where those only list attachments."""
    return _ATTACHMENTS.sub("", text)


def alike(one: str, other: str) -> bool:
    """Whether two texts are versions of one document."""
    if one == other:
        return len(one) >= MIN_TEXT
    shorter, longer = sorted((len(one), len(other)))
    if shorter < MIN_TEXT or shorter < longer * SAME_TEXT:
        return False
    match = SequenceMatcher(None, one[:_COMPARED], other[:_COMPARED], autojunk=False)
    return match.quick_ratio() >= SAME_TEXT and match.ratio() >= SAME_TEXT
