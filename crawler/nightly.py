"""The nightly run: crawl every enabled source within bounds, judge freshness, say it in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from archive.clock import now
from archive.errors import SourceFailed, Stale
from archive.sources import Source
from archive.storage.database import open_readonly
from archive.storage.status import SourceStatus, statuses
from crawler.crawl import CrawlOptions, choose, crawl


def nightly(sources: Mapping[str, Source], options: CrawlOptions) -> str:
    """Crawl all enabled sources and return the summary in words.

    Raises SourceFailed or Stale with that summary, and what ``crawl`` raises.
    """
    chosen = choose(sources, ())
    rows = crawl(chosen, sources, options)
    with closing(open_readonly(options.data)) as conn:
        judged = [s for s in statuses(conn, sources, now()) if s.enabled]
    summary = in_words(rows, judged)
    if any(row["outcome"] != "good" for row in rows):
        raise SourceFailed(summary)
    if any(status.stale for status in judged):
        raise Stale(summary)
    return summary


def in_words(rows: Sequence[Mapping[str, Any]], judged: Sequence[SourceStatus]) -> str:
    """One sentence for each source: what came, what is waiting, what is wrong."""
    return "\n".join(_sentence(status, rows) for status in judged)


def _sentence(status: SourceStatus, rows: Sequence[Mapping[str, Any]]) -> str:
    mine = [row for row in rows if row["source"] == status.source]
    total = {key: sum(row[key] for row in mine) for key in ("new", "changed", "missing")}
    parts = [
        f"{total['new']} new bulletins",
        f"{total['changed']} revised",
        f"{total['missing']} missing",
    ]
    if status.waiting:
        parts.append(f"{status.waiting} listed pages still to fetch")
    if status.newest:
        parts.append(f"newest of {status.newest}")
    verdict = status.problem or "all well"
    return f"{status.name} ({status.source}): {', '.join(parts)}; {verdict}"
