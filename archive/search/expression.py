"""FTS5's expression for a term, for either of the index's two tables."""

from __future__ import annotations

from collections.abc import Container

from archive.search.tables import quoted
from archive.search.terms import All, Either, Filter, Not, Term, Within
from archive.search.tokens import label_token, pairs, written_units

EVERY = f'"{label_token("")}"'


def needs_pairs(term: Term, common: Container[str]) -> bool:
    """Whether the table of pairs must be asked: a single ``common`` unit has a table of its own."""
    match term:
        case str():
            units = [unit for stretch in written_units(term) for unit in stretch]
            return len(units) > 1 or units[0] not in common
        case All(terms) | Either(terms):
            return any(needs_pairs(each, common) for each in terms)
        case Not(inner):
            return needs_pairs(inner, common)
        case Within():
            return True
        case _:
            return False


def expression(term: Term, in_pairs: bool, column: str | None = None) -> str:
    """FTS5's expression for a term, in brackets if it has operators."""
    match term:
        case str():
            scope = f"{{{quoted(column)}}} : " if column is not None else ""
            return scope + _phrase(term, in_pairs)
        case Filter(labels=labels):
            return f"({' OR '.join(map(_label, labels))})"
        case Not(inner):
            return f"({EVERY} NOT {expression(inner, in_pairs, column)})"
        case Either(terms):
            return f"({' OR '.join(expression(each, in_pairs, column) for each in terms)})"
        case All(terms):
            wanted = [each for each in terms if not isinstance(each, Not)]
            asked = [expression(each, in_pairs, column) for each in wanted] or [EVERY]
            joined = f"({' AND '.join(asked)})"
            without = [each.term for each in terms if isinstance(each, Not)]
            if not without:
                return joined
            refused = [expression(each, in_pairs, column) for each in without]
            return f"({joined} NOT ({' OR '.join(refused)}))"
        case Within(column=name, term=inner):
            return expression(inner, in_pairs, name)


def _phrase(word: str, in_pairs: bool) -> str:
    """A word as a phrase of tokens; the last is a prefix if one unit stands alone at the end."""
    stretches = written_units(word)
    if not in_pairs:
        return f'"{stretches[0][0]}"'
    tokens = [token for stretch in stretches[:-1] for token in pairs(stretch)]
    last = pairs(stretches[-1])
    if len(last) == 1:
        return f'"{" ".join([*tokens, *last])}" *'
    return f'"{" ".join([*tokens, *last[:-1]])}"'


def _label(label: str) -> str:
    if label.endswith("*"):
        return f'"{label_token(label[:-1])}" *'
    return f'"{label_token(label)}"'
