"""TRS WCM: ``index.shtml``, then ``index_{N-1}.shtml``, with the number of pages in a script.

The offset is 1 at nearly all ministries; SAFE and the govpublic lists of MARA have none. Past the
last page is a 404 or, at some, a broken page of 300 bytes with status 200 (other crawlers' notes
of 2026).
"""

from __future__ import annotations

from archive.source_files import ChannelTable
from archive.sources import Channel, Source
from archive.storage.ingest import Outcome
from crawler.platforms.step import ListFile, More, Offset, Step, file_of_page


class Keys(ChannelTable):
    """``offset`` is page number minus file number; ``more`` an address that is made otherwise."""

    path: ListFile
    offset: Offset = 1
    more: More = ""


def first(source: Source, channel: Channel) -> Step:
    """The list's first page is the channel's own address."""
    return Step(source.home + channel.path, "list", 1)


def after(step: Step, source: Source, channel: Channel, outcome: Outcome) -> Step:
    """The next number; the end of the list is an answer without rows, or 404."""
    number = step.number + 1
    file_number = number - int(channel.options.get("offset", "0"))
    more = channel.options.get("more", "").replace("{page}", str(file_number))
    return Step(source.home + (more or file_of_page(channel.path, file_number)), "more", number)
