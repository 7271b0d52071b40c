"""The central government's site: ``home.htm``, then ``home_{N-1}.htm`` in the same folder.

A list that is one JSON file there, such as ZUIXINZHENGCE.json, is on the platform ``json``.
"""

from __future__ import annotations

from archive.source_files import ChannelTable as Keys
from archive.sources import Channel, Source
from archive.storage.ingest import Outcome
from crawler.platforms.step import Step

__all__ = ["Keys", "after", "first"]


def first(source: Source, channel: Channel) -> Step:
    """The list's first page is the channel's own address: a folder, or ``home.htm`` in it."""
    return Step(source.home + channel.path, "list", 1)


def after(step: Step, source: Source, channel: Channel, outcome: Outcome) -> Step:
    """The next number; the end of the list is an answer without rows, or 404."""
    folder = channel.path.rpartition("/")[0]
    return Step(f"{source.home}{folder}/home_{step.number}.htm", "more", step.number + 1)
