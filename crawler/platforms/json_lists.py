"""Lists that are JSON, a file or a service's answer a page: NFRA, CSRC, one file of gov.cn."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from archive.source_files import ChannelTable
from archive.sources import Channel, Source
from archive.storage.ingest import Outcome
from crawler.platforms.step import More, Step

_Key = Annotated[
    str, Meta(min_length=1, description='a key of the rows in quotes, such as "docSubtitle"')
]
_PLACE = r"(?:\.|[^\s.|]+(?:\.[^\s.|]+)*)"


class Keys(ChannelTable, kw_only=True):
    """Where the rows are and what has what in them; ``more`` is the address of further pages."""

    items: Annotated[
        str,
        Meta(
            pattern=rf"^{_PLACE}(?:\|{_PLACE})*\Z",
            description='where the array of rows is, such as "data.rows", or several places set '
            'apart by "|"; "." for the whole answer',
        ),
    ]
    title: _Key
    address: Annotated[
        str,
        Meta(
            min_length=1,
            description='a key of the rows, such as "url", or an address with keys in braces, such '
            'as "/doc/{docId}.json"',
        ),
    ]
    date: _Key
    total: Annotated[
        str, Meta(description='where the number of all rows is, such as "data.total"')
    ] = ""
    more: More = ""


def first(source: Source, channel: Channel) -> Step:
    """The list's first page is the channel's own address."""
    return Step(source.home + channel.path, "list", 1)


def after(step: Step, source: Source, channel: Channel, outcome: Outcome) -> Step | None:
    """The next number; None where the list is one file."""
    number, more = step.number + 1, channel.options.get("more")
    return Step(source.home + more.replace("{page}", str(number)), "more", number) if more else None
