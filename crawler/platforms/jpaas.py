"""Hanweb jpaas: a column page names a list service, which is paged by a JSON parameter.

Only ``paramJson`` pages the service; bare page parameters are ignored (other crawlers' notes of
2026). The service's parameters are read from the column page each time, never written down here.
"""

from __future__ import annotations

import json
from typing import Annotated
from urllib.parse import quote

from msgspec import Meta

from archive.source_files import ChannelTable
from archive.sources import Channel, Source
from archive.storage.ingest import Outcome
from crawler.platforms.step import Size, Step


class Keys(ChannelTable):
    """``tag`` is the tagId of the list, where a column page has several.

    ``size`` is how many rows the service answers when it is not told, as on the first page: 20 at
    MOHURD and SAMR, 24 at MIIT. Where a page says its size itself, that counts.
    """

    tag: Annotated[
        str, Meta(min_length=1, description='the list\'s tagId in quotes, such as "栏目-list"')
    ] = ""
    size: Size = 20


def first(source: Source, channel: Channel) -> Step:
    """The column page, which holds no rows but names the service that has them."""
    return Step(source.home + channel.path, "column", 0)


def after(step: Step, source: Source, channel: Channel, outcome: Outcome) -> Step | None:
    """The service's first page after the column page, then one page further each time."""
    if step.role == "column":
        return Step(outcome.location, "list", 1) if outcome.location else None
    number = step.number + 1
    size = (step.pager and step.pager.size) or int(channel.options["size"])
    page = json.dumps({"pageNo": number, "pageSize": size}, separators=(",", ":"))
    service = step.address.split("&paramJson=")[0]
    return Step(f"{service}&paramJson={quote(page)}", "more", number)
