"""Terms: what a query is made of once it has been read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Filter:
    """A property of rows that a field word asks for.

    A row has it when it has one of ``labels``; one that ends with ``*`` stands for all that begin
    so. ``span`` says the same as an inclusive range of the index's order, where it is one: that
    is faster. ``said`` says it to people (省份：黑龙江), ``typed`` is how it is typed (省:黑龙江).
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
    """Rows for which all terms hold; there are two or more."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Rows for which one of the terms holds; there are two or more."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Within:
    """Rows for which a term of words holds in one column; ``said`` names it to people."""

    column: str
    said: str
    term: Term


Term: TypeAlias = "str | Filter | Not | All | Either | Within"
"""A folded word or phrase, or one of the classes above."""


@dataclass(frozen=True, slots=True)
class Column:
    """A field that is a column of the index; ``said`` names it to people."""

    name: str
    said: str


Field: TypeAlias = Column | Callable[[str], Filter | None]
"""What a field name stands for; a function reads the value, None where it cannot."""
