"""Lists whose files count down: after ``index.html`` comes the highest number but one.

SASAC's lists in 2026: a script of the first page has ``maxPageNum``, which that page would have
as its own number, and the name of the others, ``index_<component>_<number>.html``. They are bare
fragments.
"""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from archive.errors import Unreadable
from archive.source_files import ChannelTable as Keys
from archive.sources import Channel, Source
from archive.storage.ingest import Outcome
from crawler.platforms.step import Step

__all__ = ["Keys", "after", "first"]


def first(source: Source, channel: Channel) -> Step:
    """The list's first page is the channel's own address."""
    return Step(source.home + channel.path, "list", 1)


def after(step: Step, source: Source, channel: Channel, outcome: Outcome) -> Step | None:
    """One number less; None below 1. Raises Unreadable ``list-pager`` where none is known."""
    number, pager = step.number + 1, step.pager
    if pager is None or (pager.stem is None and pager.pages > 1):
        raise Unreadable(
            "list-pager",
            "the list's first page does not say how many pages there are (maxPageNum), so that the "
            "others cannot be named: the site may have a new pager; look at the page",
        )
    file_number = pager.pages - step.number
    if file_number < 1:
        return None
    path = urlsplit(urljoin(source.home + channel.path, f"{pager.stem}_{file_number}.html")).path
    return Step(source.home + path, "more", number)
