"""Static lists in numbered files: ``index.html``, then ``index_N.html``.

MOHURD until 2024 numbers page N as N; TRS WCM as N - 1, which the channel says with
``offset = 1``.
"""

from __future__ import annotations

from archive.source_files import ChannelTable
from archive.sources import Channel, Source
from archive.storage.ingest import Outcome
from crawler.platforms.step import ListFile, Offset, Step, file_of_page


class Keys(ChannelTable):
    """``path`` names the file to number; ``offset`` is page number minus file number."""

    path: ListFile
    offset: Offset = 0


def first(source: Source, channel: Channel) -> Step:
    """The list's first page is the channel's own address."""
    return Step(source.home + channel.path, "list", 1)


def after(step: Step, source: Source, channel: Channel, outcome: Outcome) -> Step:
    """The next number; the end of the list is an answer without rows, or 404."""
    number = step.number + 1
    file_number = number - int(channel.options.get("offset", "0"))
    return Step(source.home + file_of_page(channel.path, file_number), "more", number)
