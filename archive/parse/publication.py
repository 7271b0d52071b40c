"""Publication: when a page says that it came out, and whom it names as its source.

What a page shows comes before the prescribed meta tags: those are set anew when a page is moved or
published again, and then name a later day than the one shown (seen on 8 of 78 pages, by a day to
14 years; never an earlier one). ContentSource can be the site itself where the page shows the
newspaper that it took the text from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from archive.model import PublishedBasis
from archive.parse.bylines import Byline, is_bare, read_byline
from archive.parse.html import Element, first_with_text, text_of
from archive.parse.lines import Line
from archive.parse.written_dates import read_date_time
from archive.sources import date_in_address, date_in_folders

_META_DATES = ("pubdate", "firstpublishedtime", "publishdate")
# How many lines away from the text a field of each kind still belongs to it: a date without a label
# can be today's, 日期 can be another article's, and below a text other articles are listed.
_NEAR = 5
_BESIDE = 20
_BELOW = 40

_NOTHING = Byline()

When = tuple[date, str | None]


@dataclass(frozen=True, slots=True)
class Published:
    """The civil date of publication, its UTC stamp if there is one, and what it was read from."""

    day: date | None = None
    instant: str | None = None
    basis: PublishedBasis | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What the lines around a text say of it; see ``Byline`` for the fields."""

    published: When | None = None
    updated: When | None = None
    signed: date | None = None
    source: str | None = None
    issuer: str | None = None
    title: str | None = None


def shown_around(head: Sequence[Line], before: Sequence[Line], after: Sequence[Line]) -> Shown:
    """What is shown nearest to a text: in its head, else before it, else after it.

    ``head`` are the lines at the top of the text's container that are not the text, ``before``
    those before the container, ``after`` those in it or after it; all in reading order.
    """
    above = [read_byline(line.text) for line in head]
    above += _nearest_first(before)
    below = [_read(line) for line in after[:_BELOW] if not is_bare(line.text)]
    published = next(_dates(above), None) or next((b.published for b in below if b.labelled), None)
    both = (*above, *below[:_BESIDE])
    return Shown(
        published=published or next((b.published for b in below[:_NEAR] if b.published), None),
        updated=next((b.updated for b in both if b.updated), None),
        signed=next((b.signed for b in both if b.signed), None),
        source=next((b.source for b in both if b.source), None),
        issuer=next((b.issuer for b in both if b.issuer), None),
        title=next((b.title for b in both if b.title), None),
    )


def _nearest_first(before: Sequence[Line]) -> list[Byline]:
    """The bylines before a text; what has no label counts only where it is near."""
    found = []
    for distance, line in enumerate(reversed(before)):
        if distance < _NEAR or not is_bare(line.text):
            found.append(_read(line))
    return found


def _read(line: Line) -> Byline:
    # A link leads to another article, with another date.
    return _NOTHING if line.linked else read_byline(line.text)


def _dates(above: Sequence[Byline]) -> Iterator[When]:
    for distance, byline in enumerate(above):
        if byline.published and (byline.labelled or distance < _BESIDE):
            yield byline.published


def published_at(
    root: Element,
    metas: Mapping[str, str],
    selectors: Sequence[str],
    shown: Shown,
    address: str | None,
    listed: date | None,
) -> Published:
    """When the page came out: the day shown, else the earlier of the meta tag and the address.

    ``metas`` by lower-case name; ``selectors`` are the source's own; ``listed`` is the date in its
    list. A day shown that is later than the meta tag's is that of a change. The day in the name of
    a file counts where nothing else is known; then the day on which a paper was signed.
    """
    own = first_with_text(root, selectors)
    seen = (read_date_time(text_of(own[0], " ")) if own else None) or shown.published
    read = (read_date_time(metas.get(name, "")) for name in _META_DATES)
    meta = next((when for when in read if when), None)
    if seen and (meta is None or seen[0] <= meta[0]):
        instant = seen[1] or (meta[1] if meta and meta[0] == seen[0] else None)
        return Published(seen[0], instant, "shown")
    found: list[Published] = []
    if meta:
        found.append(Published(*meta, "meta"))
    if shown.updated:
        found.append(Published(*shown.updated, "shown"))
    if address and (day := date_in_folders(address)):
        found.append(Published(day, None, "address"))
    if found:
        return min(found, key=lambda published: published.day or date.max)
    if address and (day := date_in_address(address)):
        return Published(day, None, "address")
    if shown.signed:
        return Published(shown.signed, None, "signed")
    return Published(listed, None, "list") if listed else Published()


def credit_of(metas: Mapping[str, str], shown: Shown) -> str | None:
    """What the page names as its source (来源), None where it names nothing.

    The meta tag is taken where it says the same in more words.
    """
    named = " ".join(metas.get("contentsource", "").split())
    if shown.source and not named.startswith(shown.source):
        return shown.source
    labelled = read_byline(metas.get("source", "")).source
    return named or labelled or shown.issuer
