"""The nightly run: look at the disk, crawl, verify, back up, judge, tell, call the ping address.

A step that fails is named, and the later ones still do what they can. The exit code is that of the
gravest failure.
"""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database

from archive.clock import CHINA, now, stamp
from archive.errors import (
    ArchiveError,
    CannotWrite,
    Damaged,
    Fault,
    Locked,
    SourceFailed,
    Stale,
    UsageError,
)
from archive.sources import Source
from archive.storage.backup import back_up
from archive.storage.crawl_log import CrawlLog
from archive.storage.database import NAME, open_readonly
from archive.storage.space import needed_for_a_night, require_room
from archive.storage.status import SourceStatus, statuses
from archive.storage.verify import Part, problems, tonight
from crawler import faults
from crawler.crawl import CrawlOptions, choose, crawl
from crawler.messengers import NotTold, messengers, ping
from crawler.nightly_settings import NightSettings, readable_secrets
from crawler.telling import Night, tell
from crawler.told import Trouble

T = TypeVar("T")
Say = Callable[[str], None]

# The gravest first: what cannot be written or is damaged gets worse with each night, what a source
# does is seen again the next night.
GRAVITY = (CannotWrite, Damaged, Fault, Locked, UsageError, SourceFailed, Stale)
# What a step's failure is called, in ``told.json`` and in messages.
_KINDS: dict[type[ArchiveError], str] = {
    CannotWrite: "cannot-write",
    Damaged: "damaged",
    Fault: "fault",
    Locked: "locked",
    UsageError: "settings",
    SourceFailed: "failed",
}
_CRAWL_KINDS = ("settings", "locked", "cannot-write", "damaged", "fault", "failed")
STOPPED = "stopped by a signal; what came is kept, and the next run goes on from there"
# How many problems of a damaged archive the summary lists.
_PROBLEMS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class NightReport:
    """How a night went: its summary in words, and the exit code."""

    summary: str
    exit_code: int


@dataclass
class _Steps:
    """What the steps of a night have found so far.

    ``lines`` are what the summary says besides the sources; ``judged`` pairs a source ("" for the
    run itself) with each kind of trouble that was looked for. ``keep`` keeps the traceback of an
    error that nobody foresaw.
    """

    keep: Callable[[Exception], Fault]

    found: dict[tuple[str, str], Trouble] = field(default_factory=dict)
    judged: set[tuple[str, str]] = field(default_factory=set)
    failures: set[type[ArchiveError]] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)

    def run(self, step: Callable[[], T], kinds: Collection[str], name: str = "") -> T | None:
        """Do a step; its error becomes a trouble of the run, and the night goes on.

        ``kinds`` are the troubles that a step which succeeds has shown not to be there; ``name`` is
        what a failure of the step is called, where that is not the error's own kind.
        """
        try:
            result = step()
        except ArchiveError as error:
            self._failed(error, name)
            return None
        except sqlite3.DatabaseError as error:
            self._failed(Damaged(f"bulletins.db: {error}: run `bulletins rebuild`"), name)
            return None
        except Exception as error:
            self._failed(self.keep(error), name)
            return None
        self.judged.update(("", kind) for kind in kinds)
        return result

    def _failed(self, error: ArchiveError, name: str) -> None:
        cause = next((each for each in GRAVITY if isinstance(error, each)), UsageError)
        kind = name if name and cause not in (Locked, Fault) else _KINDS[cause]
        self.trouble(Trouble("", kind, str(error)), cause)
        self.lines.append(str(error))

    def trouble(self, trouble: Trouble, cause: type[ArchiveError]) -> None:
        """Note what is wrong, once for each source and kind."""
        self.failures.add(cause)
        self.judged.add((trouble.source, trouble.kind))
        self.found.setdefault((trouble.source, trouble.kind), trouble)

    @property
    def exit_code(self) -> int:
        """That of the gravest failure, 0 without any."""
        return next((each.exit_code for each in GRAVITY if each in self.failures), 0)


def nightly(
    read_sources: Callable[[], Mapping[str, Source]],
    options: CrawlOptions,
    settings: NightSettings,
    say: Say,
) -> NightReport:
    """Do all steps of a night and say how it went; ``say`` gets lines for standard error.

    What fails is in the report, faults of the program too: nothing is raised.
    """
    steps = _Steps(lambda error: faults.keep(options.data, error, say))
    for line in steps.run(lambda: list(readable_secrets(options.data)), ()) or ():
        say(line)
    sources = steps.run(read_sources, ())
    rows: list[dict[str, Any]] | None = None
    judged: list[SourceStatus] = []
    if sources is not None:
        with _signal_handlers_kept() as stopped:
            rows = steps.run(partial(_crawl, sources, options), _CRAWL_KINDS)
        if stopped():
            return NightReport(STOPPED, SourceFailed.exit_code)
        if not steps.failures & {Locked, UsageError} and (options.data / NAME).exists():
            _look_after(steps, options.data, settings, say)
            judged = steps.run(partial(_judge, steps, sources, options, rows), ()) or []
    found = steps.run(lambda: _sentences(options.data, judged, rows or ()), ()) or []
    summary = "\n".join([*found, *steps.lines])
    steps.run(partial(_tell, steps, sources, options, settings, summary, say), ())
    return NightReport("\n".join([*found, *steps.lines]), steps.exit_code)


@contextmanager
def _signal_handlers_kept() -> Iterator[Callable[[], bool]]:
    """Take Scrapy's signal handlers away after a crawl; the function says whether they were used.

    They stay after the crawl has ended, when they end nothing any more.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    used = False
    try:
        yield lambda: used
    finally:
        # After the first signal a second one would stop the crawl harder.
        last = signal.getsignal(signal.SIGTERM)
        harder = last is signal.SIG_IGN or getattr(last, "__name__", "") == "_signal_kill"
        used = harder and last is not before[signal.SIGTERM]
        for number, handler in before.items():
            signal.signal(number, handler)


def _crawl(sources: Mapping[str, Source], options: CrawlOptions) -> list[dict[str, Any]]:
    require_room(options.data, needed_for_a_night(options.data))
    return crawl(choose(sources, ()), sources, options)


def _look_after(steps: _Steps, data: Path, settings: NightSettings, say: Say) -> None:
    """Verify the night's part of the archive, and back it up where a folder is set."""
    part = steps.run(partial(tonight, data), (), "verify")
    if part is not None:
        steps.run(partial(_verify, steps, data, part), ("verify",), "verify")
    if (into := settings.backup) is None:
        steps.judged.add(("", "backup"))
        return
    day = now().astimezone(CHINA).date()
    done = steps.run(lambda: back_up(data, into, day, part=part, say=say), ("backup",), "backup")
    if done:
        steps.lines.append(done.in_words)


def _verify(steps: _Steps, data: Path, part: Part) -> None:
    """Check the night's part; raises Damaged with the first problem, the others become lines."""
    found = list(problems(data, part=part))
    if found:
        steps.lines += found[1:_PROBLEMS_SHOWN]
        raise Damaged(f"{len(found)} problems in {data}: {found[0]}")
    steps.lines.append(f"verified part {part[0] + 1} of {part[1]} of {data}: whole")


def _judge(
    steps: _Steps,
    sources: Mapping[str, Source],
    options: CrawlOptions,
    rows: Sequence[Mapping[str, Any]] | None,
) -> list[SourceStatus]:
    """Note which sources failed and which are stale; the status of all that are enabled.

    Without a crawl tonight (``rows`` is None) nothing is known of failures.
    """
    with closing(open_readonly(options.data)) as conn:
        judged = [each for each in statuses(conn, sources, now()) if each.enabled]
    for status in judged:
        bad = [row for row in rows or () if row["source"] == status.source and not _good(row)]
        failed = rows is not None and (status.failed or bool(bad))
        if rows is not None:
            steps.judged.add((status.source, "failed"))
        if failed:
            message = status.problem or f"{bad[0]['channel']}: {bad[0]['message']}"
            steps.trouble(Trouble(status.source, "failed", message), SourceFailed)
            # A list that could not be read does not show whether it has anything new.
            continue
        steps.judged.add((status.source, "stale"))
        if status.stale:
            message = status.problem or "nothing new for longer than is normal"
            steps.trouble(Trouble(status.source, "stale", message), Stale)
    return judged


def _good(row: Mapping[str, Any]) -> bool:
    return bool(row["outcome"] == "good")


def _tell(
    steps: _Steps,
    sources: Mapping[str, Source] | None,
    options: CrawlOptions,
    settings: NightSettings,
    summary: str,
    say: Say,
) -> None:
    """Tell what is new, and call the ping address after a good night."""
    night = Night(
        data=options.data,
        at=stamp(now()),
        found=list(steps.found.values()),
        judged=steps.judged,
        names=None
        if sources is None
        else {slug: source.name for slug, source in sources.items() if source.enabled},
        summary=summary,
    )
    tell(night, messengers(settings), say)
    if settings.ping and steps.exit_code == 0:
        try:
            ping(settings.ping)
        except NotTold as error:
            say(f"could not call the ping address: {error}")


def _sentences(
    data: Path, judged: Sequence[SourceStatus], rows: Sequence[Mapping[str, Any]]
) -> list[str]:
    """One sentence for each source."""
    if not judged:
        return []
    with closing(open_readonly(data)) as conn:
        log = CrawlLog(Database(conn))
        said = []
        for status in judged:
            mine = [row for row in rows if row["source"] == status.source]
            began = min((row["started_at"] for row in mine), default=None)
            missing = log.newly_missing(status.source, began) if began else 0
            said.append(_sentence(status, mine, missing))
    return said


def _sentence(status: SourceStatus, mine: Sequence[Mapping[str, Any]], newly_missing: int) -> str:
    """One sentence for a source: what came, what is waiting, what is wrong.

    ``mine`` are tonight's rows of its channels. What was missing before is asked for again and
    counts again, so it is no news.
    """
    counts = ("new", "changed", "missing", "gone", "held")
    total = {key: sum(row[key] for row in mine) for key in counts}
    news = {
        "new bulletins": total["new"],
        "revised": total["changed"],
        "newly missing": newly_missing,
        "now gone": total["gone"],
    }
    parts = [f"{count} {what}" for what, count in news.items() if count]
    if not parts:
        # Of what could not be read nobody knows whether it has news.
        parts = ["no news" if mine and all(map(_good, mine)) else "0 new bulletins"]
    if still := max(0, total["missing"] - newly_missing):
        parts.append(f"{still} still missing")
    if total["held"]:
        parts.append(f"{total['held']} held (`bulletins review` lists them)")
    if status.waiting:
        parts.append(f"{status.waiting} listed pages still to fetch")
    if status.newest:
        parts.append(f"newest of {status.newest}")
    verdict = status.problem or "all well"
    return f"{status.name} ({status.source}): {', '.join(parts)}; {verdict}"
