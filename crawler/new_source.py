"""A new source proposed: from an address, or from saved pages, to its files and what is open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from archive.clock import civil_date, now, stamp
from archive.errors import UsageError
from crawler.looking import Looked, look_at
from crawler.proposal import Key, Proposal, site_of
from crawler.skeleton import check_free, skeleton, write
from crawler.source_text import toml_value
from crawler.sources import load_sources


def propose(
    url: str, files: Sequence[Path], name: str | None, folder: Path, delay: float | None
) -> Iterator[str]:
    """Look at a list and write the files of its source; what is said of it, line by line.

    Raises UsageError where nothing can be looked at or written, SourceFailed where the site sends
    no list, CannotWrite.
    """
    slug = name or site_of(url).slug
    check_free(folder, slug)
    _check_new(url, slug)
    if files:
        looked = look_at(url, [(str(path), _bytes(path)) for path in files])
    else:
        from crawler.look_spider import fetch

        looked = fetch(url, delay)
    made = skeleton(looked, slug, date.fromisoformat(civil_date(stamp(now()))))
    written = write(made, folder)
    yield from _said(looked)
    yield ""
    yield from (f"written: {path}" for path in written)
    yield ""
    yield "Still to decide:"
    yield from (f"- {note}" for note in _open(looked, slug, folder))


def _check_new(url: str, slug: str) -> None:
    """Raise UsageError where a source that ships has the name, or the host."""
    host = site_of(url).hosts[0]
    for source in load_sources().values():
        if source.slug == slug:
            raise UsageError(f"{slug} is a source that ships: choose another name with --name")
        if host in source.hosts:
            raise UsageError(
                f"{host} is the source {source.slug} already: copy its file into DATA/sources and "
                "add a channel to it"
            )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def _said(looked: Looked) -> Iterator[str]:
    """The proposal and its evidence."""
    proposal = looked.proposal
    yield "The source:"
    yield from map(_key, proposal.source)
    yield f"Its channel {proposal.slug}:"
    yield from map(_key, proposal.channel)
    yield from _rows(proposal)
    for layout in proposal.layouts:
        yield "A layout of its pages:"
        yield from map(_key, layout)
    if looked.said:
        yield "Asked besides:"
        yield from (f"  {line}" for line in looked.said)


def _key(key: Key) -> str:
    return f"  {key.name} = {toml_value(key.value)}" + (
        f"    ({key.because})" if key.because else ""
    )


def _rows(proposal: Proposal) -> Iterator[str]:
    for row in (*proposal.rows[:2], *proposal.rows[2:][-1:]):
        yield f"  {row.listed or '(no date)'}  {row.title}  {row.address}"


def _open(looked: Looked, slug: str, folder: Path) -> Iterator[str]:
    """What a person has to decide, the review last."""
    yield from looked.proposal.undecided
    if not looked.others:
        yield "an answer of the site that is an error: none was met"
    if len(looked.details) < 2:
        yield f"two pages of the list: {len(looked.details)} could be read"
    yield (
        f"every value in {folder / slug / 'expected.toml'}: they are what was read, not what is "
        "right; the pages hold the ministry's text, and a source that is to ship needs pages in "
        "words of your own (docs/adding-a-source.md)"
    )
    yield f"then `bulletins check-source {slug}`, with reviewed = your name, and enabled = true"
