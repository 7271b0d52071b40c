"""The CDXJ index beside the capture files, from which pywb and others replay the folder.

One line a record: SURT key, 14-digit time, and JSON with the fields of pywb's own indexer, sorted
by bytes. Indexed is what was fetched: a capture from a mirror stands under the mirror's address,
since the ministry did not answer it.
"""

from __future__ import annotations

import heapq
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from archive.captures.warc import Location, cannot_write

NAME = "index.cdxj"


def cdxj_line(
    url: str, fetched_at: str, status: int, content_type: str | None, location: Location
) -> bytes:
    """The line of one capture, with its end; ``fetched_at`` is a UTC stamp."""
    kind = (content_type or "").partition(";")[0].strip().lower() or "unk"
    fields = {
        "url": url,
        "mime": kind if location.revisit is None else "warc/revisit",
        "status": str(status),
        "digest": location.digest.removeprefix("sha1:"),
        "length": str(location.length),
        "offset": str(location.offset),
        "filename": location.file,
    }
    time = "".join(filter(str.isdigit, fetched_at))
    return f"{surt_key(url)} {time} {json.dumps(fields)}\n".encode()


def surt_key(url: str) -> str:
    """The Sort-friendly URI Reordering Transform of an address: ``cn,gov,mohurd)/xwfb``.

    As the package ``surt`` makes it, which pywb looks addresses up with; what that cannot read
    stands under itself, whitespace encoded.
    """
    # It brings an HTTP client along, which takes a tenth of a second.
    from surt import surt

    try:
        key = surt(url)
    except (AttributeError, TypeError, ValueError):
        key = url
    return "".join(c if c.isprintable() and not c.isspace() else "%20" for c in key)


def count_lines(folder: Path) -> int | None:
    """How many captures the index of a folder lists; None where it has none."""
    try:
        with (folder / NAME).open("rb") as index:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: index.read(1 << 20), b""))
    except FileNotFoundError:
        return None


def replace_index(folder: Path, lines: Iterable[bytes]) -> None:
    """Write the index of a folder anew, sorted; raises CannotWrite."""
    with _new_index(folder) as out:
        out.writelines(sorted(lines))


def add_to_index(folder: Path, lines: Iterable[bytes]) -> None:
    """Put further lines into the index of a folder, which has one; raises CannotWrite."""
    with _new_index(folder) as out, (folder / NAME).open("rb") as index:
        out.writelines(heapq.merge(index, sorted(lines)))


@contextmanager
def _new_index(folder: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of the index when it is whole."""
    fresh = folder / f"{NAME}.new"
    try:
        with fresh.open("wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(folder / NAME)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink()
        raise cannot_write(folder / NAME, error) from error
