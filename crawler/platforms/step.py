"""One request of a walk through a list."""

from __future__ import annotations

from dataclasses import dataclass

from archive.captures.warc import Role


@dataclass(frozen=True, slots=True)
class Step:
    """A canonical address to ask for, what it is, and which page of the list, from 1."""

    address: str
    role: Role
    number: int
