"""Import: captures of other archives become captures here, with their own time and a mark.

They go into WARC files of their own, and the database is derived again: what they show of the time
before the first night of ours comes first. Each file is read once, record by record.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote

from archive.captures.foreign import (
    Answer,
    Broken,
    Http,
    NotHttp,
    TooLarge,
    answers,
    check,
    file_digest,
)
from archive.captures.reading import read_capture
from archive.captures.warc import Capture, Location, payload_digest
from archive.captures.writing import ImportWriter
from archive.clock import now, stamp
from archive.errors import Damaged, UsageError
from archive.sources import Source
from archive.storage.candidates import Candidates, Place
from archive.storage.database import NAME
from archive.storage.rebuild import derive_again
from archive.storage.store import Store

# What becomes of a record, in the order in which a report has it.
IMPORTED = "imported"
LEFT_OUT = (
    KNOWN := "in the archive already",
    ELSEWHERE := "of other sites",
    NO_PAGE := "no pages or lists of the source",
    NO_ANSWER := "without an HTTP answer that can be read",
    REFUSED := "answered with an error",
    UNDATED := "without a date that can be read",
    AHEAD := "dated after today",
    UNRESOLVED := "revisits of records that are not there",
    LARGE := "larger than any bulletin",
)
# What a data folder has, one of which at least is in it before it has captures.
_OF_AN_ARCHIVE = (NAME, "warc", "sources", "nightly.toml", "nightly.log", "told.json", ".lock")
# Good answers, redirects, pages that are gone, and what is unchanged.
_KEPT_STATUSES = (200, 301, 302, 303, 304, 307, 308, 404, 410)


@dataclass(slots=True)
class FileReport:
    """What came of one file: how many records of each kind, and where it could not be read."""

    path: Path
    counts: Counter[str] = field(default_factory=Counter)
    broken: str = ""

    def line(self) -> str:
        """One line for a person."""
        left = [f"{self.counts[kind]} {kind}" for kind in LEFT_OUT if self.counts[kind]]
        said = f"{self.path}: {self.counts[IMPORTED]} captures imported"
        if left:
            said += f"; left out: {', '.join(left)}"
        if self.broken:
            said += f"; read only in part, what came before is kept: {self.broken}"
        return said


def import_files(
    folder: Path,
    sources: Mapping[str, Source],
    paths: Sequence[Path],
    source: str | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> list[FileReport]:
    """Import the pages of a source, or of all sources, that WARC and WACZ files have.

    ``say`` is told in lines how far it is. All or nothing: a kill or an error before the end leaves
    no capture behind, and a second import adds nothing. Raises UsageError for a file that is
    neither WARC nor WACZ, or a folder that is neither an archive nor empty, before anything is
    written; Locked, CannotWrite, Damaged.
    """
    if source is not None and source not in sources:
        raise UsageError(f"no source {source!r}; there are {', '.join(sources)}")
    for path in paths:
        check(path)
    if _is_new(folder):
        say(f"{folder} is empty: a new archive begins in it")
    wanted = [sources[source]] if source else list(sources.values())
    with Store(folder, sources, say) as store:
        note = "captures of other archives; Bulletins-Origin says of which"
        writer = ImportWriter(folder / "warc", note)
        try:
            importer = _Importer(folder / "warc", Candidates(store.database.conn, wanted), writer)
            reports = []
            for path in paths:
                say(f"reading {path} ...")
                reports.append(importer.read(path))
            if importer.written:
                writer.publish()
        finally:
            writer.discard()
        if importer.written:
            say("deriving the database again ...")
            derive_again(folder, sources, lambda count: say(f"{count} captures"))
    return reports


def _is_new(folder: Path) -> bool:
    """Whether a folder is empty; raises UsageError where it is neither that nor an archive.

    One that is not there is not made: it is more likely mistyped than meant.
    """
    if not folder.is_dir():
        raise UsageError(
            f"there is no folder {folder}: name that of your archive with --data; to begin a new "
            f"archive with these captures, make it first: mkdir -p {quote(str(folder))}"
        )
    others = [path.name for path in folder.iterdir() if path.name != "lost+found"]
    if others and not any(name in others for name in _OF_AN_ARCHIVE):
        raise UsageError(
            f"{folder} is neither an archive nor empty (it has {min(others)}): name the folder of "
            "your archive, or an empty one, with --data"
        )
    return not others


class _Importer:
    """Writes the records of foreign files that are wanted, each once."""

    def __init__(self, folder: Path, candidates: Candidates, writer: ImportWriter) -> None:
        self._folder = folder
        self._candidates = candidates
        self._writer = writer
        self._latest = stamp(now())
        # Payloads by what a revisit may name: record id, address and time, digest. For each its
        # digest as we count it, and as the file has it.
        self._digests: dict[str, tuple[str, str]] = {}
        self._places: dict[tuple[str, str], Location] = {}
        self.written = 0

    def read(self, path: Path) -> FileReport:
        """Read one file to its end, or as far as it can be read."""
        report = FileReport(path)
        digest = file_digest(path)
        try:
            for answer in answers(path):
                origin = _origin(path, digest, answer)
                report.counts[self._take(answer, origin)] += 1
        except Broken as error:
            report.broken = str(error)
        return report

    def _take(self, answer: Answer, origin: str) -> str:
        """Write one record, or not; what became of it."""
        found = self._candidates.address(answer.url)
        if found is None:
            return ELSEWHERE
        source, address = found
        if not self._candidates.may_be(address):
            return NO_PAGE
        date = answer.date
        if date is None or date > self._latest:
            return UNDATED if date is None else AHEAD
        try:
            http = self._http(answer, address)
        except NotHttp:
            return NO_ANSWER
        except TooLarge:
            return LARGE
        if http is None:
            return UNRESOLVED
        if http.status not in _KEPT_STATUSES:
            return REFUSED
        capture = Capture(
            url=answer.url,
            address=address,
            source=source.slug,
            channel=None,
            role="page",
            fetched_at=date,
            status=http.status,
            headers=http.headers,
            body=http.body,
            truncated=http.truncated,
            origin=origin,
        )
        place = self._candidates.place(capture)
        return NO_PAGE if place is None else self._write(capture, place, answer)

    def _write(self, capture: Capture, place: Place, answer: Answer) -> str:
        digest = payload_digest(capture.body)
        if not answer.revisits:
            self._remember(answer, digest)
        if not self._candidates.is_new(capture, digest):
            return KNOWN
        payload = self._referred(answer) if capture.status == 304 else digest
        earlier = self._places.get((capture.address, payload or ""))
        location = self._writer.append(place.of(capture), earlier)
        if location.revisit is None and capture.status == 200:
            self._places[capture.address, digest] = location
        self.written += 1
        return IMPORTED

    def _remember(self, answer: Answer, digest: str) -> None:
        names = (answer.record_id, f"{answer.date} {answer.url}", answer.declared)
        self._digests.update(dict.fromkeys(filter(None, names), (digest, answer.declared)))

    def _http(self, answer: Answer, address: str) -> Http | None:
        """The HTTP answer of a record, a revisit with its payload; None where that is not there."""
        own = answer.http
        if not answer.revisits:
            # A 304 that refers to nothing says nothing.
            return own if own and own.status != 304 else None
        digest = self._referred(answer)
        if digest is None:
            return None
        if answer.not_modified:
            return Http(304, own.headers if own else (), b"", False)
        original = self._payload(address, digest)
        if original is None:
            return None
        if own is None:
            return Http(original.status, original.headers, original.body, original.truncated)
        return Http(own.status, own.headers, original.body, own.truncated)

    def _referred(self, answer: Answer) -> str | None:
        """The digest of the payload that a revisit stands for, where it was met before."""
        record_id, url, date = answer.refers_to
        for name in (record_id, f"{date} {url}", answer.declared):
            found = self._digests.get(name)
            if found and answer.declared in ("", *found):
                return found[0]
        return None

    def _payload(self, address: str, digest: str) -> Capture | None:
        """A capture with that payload, from this import or from an earlier one."""
        if location := self._places.get((address, digest)):
            return read_capture(self._writer.folder, location)
        location = self._candidates.location(address, digest)
        try:
            return read_capture(self._folder, location) if location else None
        except Damaged:
            return None


def _origin(path: Path, digest: str, answer: Answer) -> str:
    """Where a capture came from, as the header Bulletins-Origin and the database have it."""
    fields = {"file": path.name, "sha256": digest, "record": answer.record_id}
    if answer.software:
        fields["software"] = answer.software
    return json.dumps(fields)
