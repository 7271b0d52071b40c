"""Old Hanweb (JCMS): one program answers any stretch of records, as XML.

The column page asks it with a form; it takes the same values in the address (other crawlers' notes
of 2020 to 2026).
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from archive.source_files import ChannelTable
from archive.sources import Channel, Source
from archive.storage.ingest import Outcome
from crawler.platforms.step import Size, Step


class Keys(ChannelTable, kw_only=True):
    """``path`` is the program, ``query`` says which list, ``size`` how many records to ask for."""

    query: Annotated[
        str,
        Meta(
            pattern=r"^[^\s#?]+\Z",
            description='the list\'s values, such as "col=1&webid=3&columnid=314&unitid=424388"',
        ),
    ]
    size: Size = 15


def first(source: Source, channel: Channel) -> Step:
    """The first records."""
    return _step(1, source, channel)


def after(step: Step, source: Source, channel: Channel, outcome: Outcome) -> Step:
    """The next records; the end of the list is an answer without any."""
    return _step(step.number + 1, source, channel)


def _step(number: int, source: Source, channel: Channel) -> Step:
    size = int(channel.options["size"])
    stretch = f"startrecord={(number - 1) * size + 1}&endrecord={number * size}&perpage={size}"
    address = f"{source.home}{channel.path}?{stretch}&{channel.options['query']}"
    return Step(address, "list" if number == 1 else "more", number)
