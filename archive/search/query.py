"""Queries: what a person types, what was understood, and the SQL that finds it.

Terms separated by whitespace (any Unicode whitespace, U+3000 included) must all hold. A term is

* a word: it occurs where the folded text contains it, but not inside a longer run of letters or
  digits: if it begins with a letter, no letter stands before it; if it ends with one, none follows
  it; the same for digits: ``2月1日`` is not in ``12月1日``. No word spans two texts of a row;
* a phrase in quotes (“” ‘’ 「」 『』 "" ''): the same, and it may contain spaces;
* ``(…)``, and ``-term``, ``NOT term`` or ``非 term`` for rows without it;
* ``term OR term``, also with ``|`` or ``或`` as a separate word; it binds weaker than whitespace;
* ``name:term`` for a name in the caller's fields: in one column, or a property of the row.

Anything that does not fit these rules is a word as written: a lone 非, ``非住宅``, ``a-b``, an
unpaired bracket. A query without terms matches every row. The only query that is refused is one
longer than :data:`MAX_LENGTH`.

>>> query = parse("危房改造 (湖北 或 湖南) -样例")
>>> query.words
('危房改造', '湖北', '湖南')
>>> query.describe()
'包含：“危房改造”；“湖北”或“湖南”；不含“样例”'
>>> query.matches("湖南省危房改造")
True
>>> parse("2月1日").matches("截至12月1日")
False
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from archive.search.expression import EVERY, expression, needs_pairs
from archive.search.fold import LETTER, fold
from archive.search.grammar import read
from archive.search.index import Index
from archive.search.tables import quoted
from archive.search.terms import All, Either, Field, Filter, Not, Term, Within

MAX_LENGTH = 1000
"""Characters a query may have, before folding."""


class InvalidQuery(ValueError):
    """A query that is refused; its message tells the person who typed it why."""


@dataclass(frozen=True, slots=True)
class Query:
    """The terms that must all hold, each once, in the order they were typed."""

    terms: tuple[Term, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The words and phrases by which a row may be found, folded, for marking them."""
        return tuple(dict.fromkeys(word for term in self.terms for word in _words(term)))

    def within(self, column: str, said: str) -> Query:
        """The same query with its words in one column, which is called ``said`` in messages.

        Conditions on properties stay as they are.

        >>> parse("危房 或 农房").within("title", "标题").describe()
        '标题含（“危房”或“农房”）'
        """
        return Query(
            tuple(
                term if isinstance(term, (Filter, Within)) else Within(column, said, term)
                for term in self.terms
            )
        )

    def sql(self, db: sqlite3.Connection, index: Index) -> tuple[str, list[str]]:
        """A select of the keys of the rows that match, in no order, and its parameters.

        It is valid until the index is rebuilt.

        >>> db, notes = sqlite3.connect(":memory:"), Index("notes", columns=("text",))
        >>> notes.create(db)
        >>> sql, values = parse("危房改造").sql(db, notes)
        >>> values
        ['"危房 房改 改造"']
        """
        if not self.terms:
            return index.every_row, []
        common = index.common(db)
        rest, singles = self.without_common(common)
        in_pairs, match = rest.match(common)
        table, rows = quoted(index.fts if in_pairs else index.units), quoted(index.rows)
        sql = (
            f"select {rows}.key from {table} cross join {rows} on {rows}.docid = {table}.rowid "
            f"where {table} match ?"
        )
        if not singles:
            return sql, [match]
        # The unary plus stops SQLite from looking up each of them in the other table.
        units = quoted(index.units)
        also = f" and +{rows}.docid in (select rowid from {units} where {units} match ?)"
        return sql + also, [match, Query(singles).match(common)[1]]

    def without_common(self, common: Container[str]) -> tuple[Query, tuple[Term, ...]]:
        """The query without the common units that stand beside other words, and those units.

        As prefixes in the table of pairs they are slow. A unit that one of the longer words
        contains is left out. ``common`` are the index's common units.
        """
        if len(self.terms) < 2 or not self.match(common)[0]:
            return self, ()
        singles = tuple(t for t in self.terms if _worded(t) and not needs_pairs(t, common))
        longer = [t for t in self.terms if isinstance(t, str) and needs_pairs(t, common)]
        asked = tuple(
            term
            for term in singles
            if not isinstance(term, str) or not any(pattern(term).search(w) for w in longer)
        )
        return Query(tuple(term for term in self.terms if term not in singles)), asked

    def alternatives(self, common: Container[str]) -> tuple[Query, ...]:
        """Two queries that together find what this one finds, if that is faster; else none.

        It is faster if one term has both common units and longer words as alternatives: in a query
        of their own, the units need not be prefixes in the table of pairs.
        """
        mixed = []
        for at, term in enumerate(self.terms):
            if isinstance(term, Either):
                light = tuple(t for t in term.terms if not needs_pairs(t, common))
                heavy = tuple(t for t in term.terms if needs_pairs(t, common))
                if heavy and any(map(_worded, light)):
                    mixed.append((at, light, heavy))
        if len(mixed) != 1:
            return ()
        [(at, *parts)] = mixed
        before, behind = self.terms[:at], self.terms[at + 1 :]
        queries = []
        for part in parts:
            alone = part[0].terms if isinstance(part[0], All) else part
            wanted = (Either(part),) if len(part) > 1 else alone
            queries.append(Query(tuple(dict.fromkeys((*before, *wanted, *behind)))))
        return tuple(queries)

    @property
    def contradicts(self) -> bool:
        """Whether a word that must occur contains one that must not."""
        words = [term for term in self.terms if isinstance(term, str)]
        refused = [t.term for t in self.terms if isinstance(t, Not) and isinstance(t.term, str)]
        return any(pattern(each).search(word) for each in refused for word in words)

    def match(self, common: Container[str]) -> tuple[bool, str]:
        """Whether the table of pairs is searched (or that of units), and FTS5's expression for it.

        A query with common units only, or without words, is for the small table of units.
        """
        terms = _all(self.terms)
        in_pairs = terms is not None and needs_pairs(terms, common)
        return in_pairs, EVERY if terms is None else expression(terms, in_pairs)

    def holds(self, texts: Mapping[str, str | None], labels: Iterable[str] = ()) -> bool:
        """Whether a row with these texts (by column) and labels matches, without the index."""
        folded = {name: fold(text) for name, text in texts.items() if text}
        having = frozenset(labels)
        return all(_holds(term, folded, having) for term in self.terms)

    def matches(self, *texts: str | None) -> bool:
        """Whether each word occurs in one of ``texts``; columns and properties are ignored."""
        folded = {str(number): fold(text) for number, text in enumerate(texts) if text}
        return all(_holds(term, folded, None) for term in self.terms)

    def occurrences(self, folded: str) -> Iterator[tuple[int, int, str]]:
        """Start, end and word of each occurrence of a word in a folded text."""
        for word in self.words:
            for match in pattern(word).finditer(folded):
                yield match.start(), match.end(), word

    def describe(self) -> str:
        """What was understood, in Chinese; as plain text, not HTML.

        >>> parse("龍").describe()
        '包含：“龙”'
        >>> parse(" ").describe()
        '没有检索词，显示全部'
        >>> parse("-龙").describe()
        '全部条目，不含“龙”'
        """
        if not self.terms:
            return "没有检索词，显示全部"
        quoted_words = [f"“{term}”" for term in self.terms if isinstance(term, str)]
        contain = "全部包含" if len(quoted_words) > 1 else "包含"
        said = [f"{contain}：{''.join(quoted_words)}"] if quoted_words else []
        said += [_said(term) for term in self.terms if not isinstance(term, str)]
        if all(isinstance(term, Not) for term in self.terms):
            return f"全部条目，{'；'.join(said)}"
        return "；".join(said)


def parse(text: str, fields: Mapping[str, Field] | None = None) -> Query:
    """Read a query; raises InvalidQuery if it is longer than MAX_LENGTH, else never.

    ``fields`` has a lower-case name for each field word (标题, title); without it there are none.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidQuery(
            f"检索式太长：最多 {MAX_LENGTH:,} 个字符，现有 {len(text):,} 个，请缩短后再试。"
        )
    return Query(read(text, fields or {}))


def _worded(term: Term) -> bool:
    """Whether a term has words, required or excluded."""
    match term:
        case Filter():
            return False
        case All(terms) | Either(terms):
            return any(map(_worded, terms))
        case Not(inner):
            return _worded(inner)
        case _:
            return True


def _all(terms: tuple[Term, ...]) -> Term | None:
    return All(terms) if len(terms) > 1 else terms[0] if terms else None


def _words(term: Term) -> Iterator[str]:
    match term:
        case str():
            yield term
        case All(terms) | Either(terms):
            for each in terms:
                yield from _words(each)
        case Within(term=inner):
            yield from _words(inner)
        case _:
            return


def _holds(
    term: Term,
    folded: Mapping[str, str],
    labels: frozenset[str] | None,
    column: str | None = None,
) -> bool:
    """Whether a term holds, in one column or any; if ``labels`` is None, only words are checked."""
    match term:
        case str():
            texts = folded.values() if column is None else [folded.get(column, "")]
            return any(pattern(term).search(text) for text in texts)
        case Filter():
            return labels is None or term.holds(labels)
        case Not(Filter()) if labels is None:
            return True
        case Not(inner):
            return not _holds(inner, folded, labels, column)
        case All(terms):
            return all(_holds(each, folded, labels, column) for each in terms)
        case Either(terms):
            return any(_holds(each, folded, labels, column) for each in terms)
        case Within(column=name, term=inner):
            return _holds(inner, folded, labels, column if labels is None else name)


def _said(term: Term) -> str:
    match term:
        case str():
            return f"“{term}”"
        case Filter(said=said):
            return said
        case Not(str() as word):
            return f"不含“{word}”"
        case Not(inner):
            return f"除去（{_said(inner)}）"
        case Either(terms):
            return "或".join(map(_part, terms))
        case All(terms):
            return "且".join(map(_part, terms))
        case Within(said=said, term=inner):
            return f"{said}含{_part(inner)}"


def _part(term: Term) -> str:
    said = _said(term)
    return f"（{said}）" if isinstance(term, (All, Either)) else said


@lru_cache(maxsize=1024)
def pattern(word: str) -> re.Pattern[str]:
    """A pattern for a word that is not part of a longer run of letters or digits."""
    found = re.escape(word).replace(r"\ ", " +")
    for kind in (LETTER, r"\d"):
        if re.match(kind, word[0]):
            found = f"(?<!{kind}){found}"
        if re.match(kind, word[-1]):
            found = f"{found}(?!{kind})"
    return re.compile(found)
