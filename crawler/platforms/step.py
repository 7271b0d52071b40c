"""One request of a walk through a list, and what several platforms make its address of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from archive.captures.warc import Role
from archive.parse.pagers import Pager

ListFile = Annotated[
    str,
    Meta(
        pattern=r"^/[^\s#?]*\.\w+\Z",
        description='the first page\'s file on the site, such as "/xwfb/index.html"',
    ),
]
Offset = Annotated[int, Meta(ge=0, le=1000, description="a whole number from 0 to 1000")]
Size = Annotated[int, Meta(ge=1, le=1000, description="a whole number from 1 to 1000")]
# Empty only as a default: what is written has the braces.
More = Annotated[
    str,
    Meta(
        pattern=r"^/[^\s#]*\{page\}[^\s#]*\Z",
        description='an address with {page} for the number, such as "/xwfb/list-{page}.html"',
    ),
]


@dataclass(frozen=True, slots=True)
class Step:
    """A canonical address to ask for, what it is, and which page of the list, from 1.

    ``pager`` is what the list's first page says of the whole list, once it was read.
    """

    address: str
    role: Role
    number: int
    pager: Pager | None = None


def file_of_page(path: str, number: int) -> str:
    """The path of a list's further page: ``index.html`` and 2 make ``index_2.html``."""
    stem, _, extension = path.rpartition(".")
    return f"{stem}_{number}.{extension}"
