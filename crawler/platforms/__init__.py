"""Platforms: how each publishing system pages its lists.

A platform is a module with a class and two functions: ``Keys`` are what a channel on it can have in
a source file, ``first(source, channel)`` returns the first step of a walk and
``after(step, source, channel, outcome)`` the one that follows an answer, None where the list has no
page of that number. When a walk goes on, and when it is over, is not the platform's affair.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Protocol

from archive.source_files import ChannelTable
from archive.sources import Channel, Source
from archive.storage.ingest import Outcome
from crawler.platforms import countdown, govcn, jcms, jpaas, json_lists, numbered, trs
from crawler.platforms.step import Step


class Platform(Protocol):
    """What a platform module offers."""

    @property
    def Keys(self) -> type[ChannelTable]:  # noqa: N802 (a class of the module)
        """The keys of a channel's table."""

    def first(self, source: Source, channel: Channel) -> Step:
        """The first request of a walk."""

    def after(self, step: Step, source: Source, channel: Channel, outcome: Outcome) -> Step | None:
        """The request for the page after a step's; None where the list has no such page."""


PLATFORMS: MappingProxyType[str, Platform] = MappingProxyType(
    {
        "countdown": countdown,
        "govcn": govcn,
        "jcms": jcms,
        "json": json_lists,
        "jpaas": jpaas,
        "numbered": numbered,
        "trs": trs,
    }
)
