"""Terms: what a query is made of once it has been read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Filter:
    """A property of rows that a field word asks for.

    A row has it if it has one of ``labels``; a label that ends with ``*`` stands for all that begin
    with what is before it. ``span`` is the same as an inclusive range of the index's order, if it
    is one: that is faster. ``said`` is how pages write it (省份：黑龙江), ``typed`` how people
    type it (省:黑龙江).
    """

    labels: tuple[str, ...]
    said: str
    span: tuple[int, int] | None = None
    typed: str = ""

    def holds(self, labels: Iterable[str]) -> bool:
        """Whether a row with these labels has the property."""
        return any(
            label.startswith(asked[:-1]) if asked.endswith("*") else label == asked
            for label in labels
            for asked in self.labels
        )


@dataclass(frozen=True, slots=True)
class Not:
    """Rows for which the term does not hold."""

    term: Term


@dataclass(frozen=True, slots=True)
class All:
    """Rows for which all terms hold; two or more terms."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Rows for which one of the terms holds; two or more terms."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Within:
    """Rows for which a term of words holds in one column, which is called ``said`` in messages."""

    column: str
    said: str
    term: Term


Term: TypeAlias = "str | Filter | Not | All | Either | Within"
"""A folded word or phrase, or one of the classes above."""


@dataclass(frozen=True, slots=True)
class Column:
    """A field that is a column of the index, which people know as ``said``."""

    name: str
    said: str


Field: TypeAlias = Column | Callable[[str], Filter | None]
"""What a field name stands for; a function returns None for a value that it cannot read."""
