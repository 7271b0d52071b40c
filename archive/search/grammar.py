"""The grammar of queries: from what was typed to terms (see :mod:`archive.search.query`)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from archive.search.fold import fold
from archive.search.terms import All, Column, Either, Field, Not, Term, Within

MAX_DEPTH = 30
"""Nested brackets and negations that are read; FTS5 accepts some 250 levels."""

_QUOTES = {"“": "”", "‘": "’", "「": "」", "『": "』", '"': '"', "'": "'", "＂": "＂", "＇": "＇"}
_OPEN, _CLOSE, _MINUS = "(（", ")）", "-－"
_EMPTY = re.compile(r"[(（]\s*[)）]")
_FIELD = re.compile(r"([^\W\d_]+)[:：]")

Kind = Literal["word", "phrase", "or", "and", "not", "minus", "field", "(", ")"]
_OPERATORS: Mapping[str, Kind] = {
    "OR": "or", "|": "or", "｜": "or", "或": "or", "AND": "and", "NOT": "not", "非": "not",
}  # fmt: skip
_STARTS = frozenset({"word", "phrase", "not", "minus", "field", "("})


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Kind
    text: str


def read(text: str, fields: Mapping[str, Field]) -> tuple[Term, ...]:
    """The terms that must all hold; if they are nested too deeply, the plain words of the text."""
    tokens, loose = _tokens(text, fields, frozenset())
    while loose:  # Brackets that are never closed belong to words.
        tokens, more = _tokens(text, fields, loose)
        loose = loose | more if more else more
    try:
        term = _Reader(tokens, fields).either(0)
    except _TooDeepError:
        return tuple(fold(text).split())
    return term.terms if isinstance(term, All) else () if term is None else (term,)


def _is_whitespace(character: str) -> bool:
    return fold(character) == " "


def _tokens(
    text: str, fields: Mapping[str, Field], literal: Collection[int]
) -> tuple[list[_Token], frozenset[int]]:
    """The tokens of a query, and the offsets of brackets that were opened and not closed.

    Brackets at the offsets ``literal`` are part of words.
    """
    tokens: list[_Token] = []
    opened: list[int] = []
    at = 0
    while at < len(text):
        character, end = text[at], at + 1
        if _is_whitespace(character):
            pass
        elif character in _QUOTES and (close := text.find(_QUOTES[character], at + 1)) > at + 1:
            end = close + 1
            tokens.append(_Token("phrase", text[at + 1 : close]))
        elif character in _OPEN and at not in literal and not _EMPTY.match(text, at):
            opened.append(at)
            tokens.append(_Token("(", character))
        elif character in _CLOSE and opened:
            opened.pop()
            tokens.append(_Token(")", character))
        elif character in _MINUS and end < len(text) and not _is_whitespace(text[end]):
            tokens.append(_Token("minus", character))
        elif (name := _FIELD.match(text, at)) and fold(name[1]) in fields:
            end = name.end()
            tokens.append(_Token("field", name[0]))
        else:
            end = _end_of_word(text, at, len(opened))
            run = text[at:end]
            tokens.append(_Token(_OPERATORS.get(run, "word"), run))
        at = end
    return tokens, frozenset(opened)


def _end_of_word(text: str, start: int, opened: int) -> int:
    """Where the word that begins at ``start`` ends: before whitespace or a closing bracket."""
    end = start
    while end < len(text) and not _is_whitespace(text[end]):
        end += 1
    while opened and end > start + 1 and text[end - 1] in _CLOSE:
        run = text[start:end]
        if _count(run, _OPEN) >= _count(run, _CLOSE):
            break
        opened, end = opened - 1, end - 1
    return end


def _count(run: str, characters: str) -> int:
    return sum(map(run.count, characters))


class _TooDeepError(Exception):
    """More levels than MAX_DEPTH."""


class _Reader:
    """Reads tokens into terms; an operator without an operand is a word."""

    def __init__(self, tokens: list[_Token], fields: Mapping[str, Field]) -> None:
        self.tokens = tokens
        self.fields = fields
        self.at = 0

    def either(self, depth: int, name: str | None = None) -> Term | None:
        """Terms with OR between them, up to a closing bracket or the end of the query."""
        if depth > MAX_DEPTH:
            raise _TooDeepError
        alternatives = [self._together(depth, name)]
        while self._kind() == "or":
            self.at += 1
            alternatives.append(self._together(depth, name))
        return _joined(Either, alternatives)

    def _together(self, depth: int, name: str | None) -> Term | None:
        """Terms separated by whitespace; at least one token is read."""
        terms: list[Term | None] = []
        while (kind := self._kind()) not in (None, ")"):
            if kind in ("or", "and") and terms and self._kind(1) in _STARTS:
                if kind == "or":
                    break
                self.at += 1
            terms.append(self._single(depth, name))
        return _joined(All, terms)

    def _single(self, depth: int, name: str | None) -> Term | None:
        if depth > MAX_DEPTH:
            raise _TooDeepError
        token, following = self.tokens[self.at], self._kind(1)
        self.at += 1
        if token.kind == "(":
            term = self.either(depth + 1, name)
            self.at += 1
            return term
        if token.kind in ("not", "minus") and following in _STARTS:
            inner = self._single(depth + 1, name)
            return None if inner is None else Not(inner)
        if token.kind == "field" and name is None and following in ("word", "phrase", "("):
            return self._field(token, depth)
        return self._leaf(token, name)

    def _field(self, token: _Token, depth: int) -> Term | None:
        field = self.fields[fold(token.text[:-1])]
        if not isinstance(field, Column):
            return self._single(depth, token.text)
        # Properties belong to rows, not to columns: inside, only words are read.
        inner = self._single(depth, "")
        return None if inner is None else Within(field.name, field.said, inner)

    def _leaf(self, token: _Token, name: str | None) -> Term | None:
        words = fold(token.text).split()
        if name and token.kind in ("word", "phrase"):
            field = self.fields[fold(name[:-1])]
            found = None if isinstance(field, Column) or not words else field(" ".join(words))
            if found is not None:
                value = f'"{" ".join(words)}"' if len(words) > 1 else words[0]
                return replace(found, typed=fold(name) + value)
            words = fold(name + token.text).split()
        if token.kind == "phrase":
            return " ".join(words) or None
        return _joined(All, words)

    def _kind(self, ahead: int = 0) -> Kind | None:
        at = self.at + ahead
        return self.tokens[at].kind if at < len(self.tokens) else None


def _joined(kind: type[All] | type[Either], terms: Iterable[Term | None]) -> Term | None:
    """The terms as one term, without repetitions and needless brackets."""
    flat: dict[Term, None] = {}
    for term in terms:
        if isinstance(term, kind):
            flat.update(dict.fromkeys(term.terms))
        elif term is not None:
            flat[term] = None
    return kind(tuple(flat)) if len(flat) > 1 else next(iter(flat), None)
