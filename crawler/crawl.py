"""One crawl of one or more sources, from names to a report; sources run side by side."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from math import isfinite
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from scrapy import signals
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import Response
from scrapy.settings import Settings
from twisted.python.failure import Failure

from archive.errors import SourceFailed, UsageError
from archive.sources import Channel, Source
from archive.storage.second_reader import SecondReader
from archive.storage.store import Store
from crawler.intake import Intake
from crawler.patience import LONGEST_IN_QUEUE
from crawler.progress import Progress, log_lines
from crawler.runs import SourceJob
from crawler.spider import BulletinSpider


@dataclass(frozen=True, slots=True)
class CrawlOptions:
    """What a person or the schedule asks of a crawl; see the command's options."""

    data: Path
    channel: str | None = None
    base_url: str | None = None
    since: date | None = None
    full: bool = False
    delay: float | None = None
    nightly: bool = False


def choose(sources: Mapping[str, Source], names: Sequence[str]) -> list[Source]:
    """The sources named, or all enabled ones; raises UsageError for one that is not there."""
    for name in names:
        if name not in sources:
            raise UsageError(f"no source {name!r}; there are {', '.join(sources)}")
    named = [sources[name] for name in dict.fromkeys(names)]
    chosen = named or [source for source in sources.values() if source.enabled]
    hosts: dict[str, str] = {}
    for source in chosen:
        for host in source.hosts:
            if host in hosts:
                raise UsageError(
                    f"{hosts[host]} and {source.slug} both crawl {host}: one at a time, please"
                )
            hosts[host] = source.slug
    return chosen


def crawl(
    chosen: Sequence[Source], sources: Mapping[str, Source], options: CrawlOptions
) -> list[dict[str, Any]]:
    """Crawl the chosen sources; the rows of ``crawls`` that this wrote.

    Raises UsageError, Locked, CannotWrite, Damaged.
    """
    channels = {source.slug: _channels(source, options.channel) for source in chosen}
    _check(chosen, options)
    progress = Progress()
    with (
        closing(progress),
        log_lines(progress),
        Store(options.data, sources, progress.say, os.environ.get("BULLETINS_CONTACT")) as store,
        closing(SecondReader(options.data / "warc", sources, progress.say)) as reader,
    ):
        intake = Intake(store, reader)
        if store.recovered:
            progress.say(f"took in {store.recovered} captures of a crawl that was cut off")
        before = store.crawls.last_crawl()
        process = AsyncCrawlerProcess(settings_with_contact())
        crawlers = []
        for source in chosen:
            job = SourceJob(
                source=source,
                channels=channels[source.slug],
                intake=intake,
                progress=progress,
                base_url=options.base_url,
                since=options.since,
                full=options.full,
                max_new=source.nightly_pages if options.nightly else None,
            )
            crawler = process.create_crawler(BulletinSpider)
            delay = source.delay if options.delay is None else options.delay
            in_queue = min(delay, LONGEST_IN_QUEUE)
            crawler.settings.set("DOWNLOAD_DELAY", in_queue, priority="cmdline")
            crawler.signals.connect(_spider_failed, signal=signals.spider_error)
            process.crawl(crawler, job=job, delay=delay)
            crawlers.append(crawler)
        process.start()
        for crawler in crawlers:
            spider = crawler.spider
            if isinstance(spider, BulletinSpider) and spider.crawl.fatal:
                raise spider.crawl.fatal
        rows = store.crawls.crawls_after(before)
        started = sum(len(mine) for mine in channels.values())
        if len(rows) < started or any(row["outcome"] == "running" for row in rows):
            raise SourceFailed("the crawl ended before it was done: please report it")
        return rows


def _spider_failed(failure: Failure, response: Response, spider: BulletinSpider) -> None:
    """An error in the spider's own code, which Scrapy would only log, is raised in the end."""
    spider.give_up(failure.value)


def _channels(source: Source, name: str | None) -> tuple[Channel, ...]:
    if name is not None:
        return (source.channel(name),)
    return tuple(channel for channel in source.channels if not channel.retired)


def _has_port(parts: SplitResult) -> bool:
    """Whether an address has a port that exists, or none."""
    try:
        return parts.port != 0
    except ValueError:
        return False


def _check(chosen: Sequence[Source], options: CrawlOptions) -> None:
    """Refuse options that contradict each other, or that would load a ministry's server."""
    if options.base_url is not None:
        parts = urlsplit(options.base_url)
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.path not in ("", "/")
            or not _has_port(parts)
        ):
            raise UsageError(
                f"--base-url {options.base_url!r}: write scheme and host, http://host:port"
            )
        if not chosen:
            raise UsageError("no source is enabled: name one with `bulletins crawl SOURCE`")
        if len(chosen) > 1:
            names = ", ".join(source.slug for source in chosen)
            own = options.data / "sources" / f"{chosen[-1].slug}.toml"
            raise UsageError(
                f"--base-url serves one source, and {len(chosen)} are chosen ({names}): name one "
                "with `bulletins crawl SOURCE`, or switch the others off with the line enabled = "
                f"false in a file of each, such as {own}; of a source that ships with the program "
                "it needs no other line"
            )
    local = all(is_loopback(options.base_url or source.home) for source in chosen)
    check_manners(options.delay, local=local)


def check_manners(delay: float | None, *, local: bool) -> None:
    """Refuse a pause of one's own, and to ask without a contact, where a host is not ``local``.

    Raises UsageError.
    """
    if delay is not None and not local:
        raise UsageError("--delay is for servers on this machine: name a loopback --base-url too")
    if delay is not None and delay < 0:
        raise UsageError("--delay cannot be negative")
    if delay is not None and not isfinite(delay):
        raise UsageError("--delay must be a number of seconds, such as 0.5")
    if not local and not os.environ.get("BULLETINS_CONTACT", "").strip():
        raise UsageError(
            "set BULLETINS_CONTACT to your e-mail or web address first: ministries must be able "
            "to see who asks (it goes into the User-Agent)"
        )


def is_loopback(base_url: str | None) -> bool:
    """Whether an address is on this machine."""
    host = urlsplit(base_url).hostname if base_url else None
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def settings_with_contact() -> Settings:
    """The settings of every request that the archive makes: who asks is in the User-Agent."""
    settings = Settings()
    settings.setmodule("crawler.settings")
    # Its handler would write into the progress bar.
    settings.set("LOG_INSTALL_ROOT_HANDLER", False)
    if contact := os.environ.get("BULLETINS_CONTACT"):
        settings.set("USER_AGENT", f"{settings['USER_AGENT']} (+{contact})")
    return settings
