"""Annotated bulletins: the marked text of ``tests/corpus``, its page, and how well it is read.

All are written by us (样例). A file has a head (``title: …``, ``published: …``, ``anchor: …``, and
``only: dates`` or ``only: places`` where nothing else is annotated), a line ``---``, and a line
for each paragraph. The first character of a line says what it is:

    = 一、江苏省|320000          a heading and the provinces that it names
    & 320000,330000 place        the provinces where no heading names them, and their basis
    @ 沈建国|杭州市副市长         an official of the paragraph above: name and title
    ~ 摘自 《…》 2020.05.13       the origin line
    any other                    a paragraph, with its mentions marked in place

``{5月8日|event 2020-05-08}`` is a date: kind, then ``?`` (vague) or ``first..last``, where ``last``
may leave out what it shares with ``first``. 2020, 2020-05, 2020Q2, 2020H1 are whole periods, ~day
is the week that it lies in; ``/precision`` is given where it does not follow from the form.
``<饶河县|230524>`` is a place: a code, or t (town), v (village), x (兵团), c (county, unresolved).
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from html import escape
from pathlib import Path
from typing import cast

from archive.model import Bulletin, DateKind, DateMention, Entry, Level, PlaceMention, Precision
from archive.normalise.bulletins import read_bulletin

CORPUS = Path(__file__).parent / "corpus"

_MARK = re.compile(r"\{(?P<date>[^{}|]+)\|(?P<when>[^{}|]+)\}|<(?P<place>[^<>|]+)\|(?P<code>\w+)>")
_LEVELS: dict[str, Level] = {"t": "town", "v": "village", "x": "xpcc", "c": "county"}
_HALVES = {"Q1": (1, 3), "Q2": (4, 6), "Q3": (7, 9), "Q4": (10, 12), "H1": (1, 6), "H2": (7, 12)}
_FORMS: dict[int, Precision] = {4: "year", 7: "month", 10: "day"}


@dataclass(slots=True)
class Paragraph:
    """What a reader finds in one entry: the truth that an ``Entry`` is measured by."""

    text: str
    provinces: tuple[str, ...]
    basis: str | None
    dates: list[DateMention] = field(default_factory=list)
    places: list[PlaceMention] = field(default_factory=list)
    officials: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Annotated:
    """An annotated bulletin: its entries as a reader sees them, and the lines of its page."""

    name: str
    only: str | None
    title: str
    published: date
    anchor: date
    lines: tuple[str, ...]
    entries: tuple[Paragraph, ...]


@dataclass(slots=True)
class Score:
    """How many answers were right, how many there are, and how many were given."""

    hits: int = 0
    expected: int = 0
    found: int = 0

    def add(self, expected: Iterable[Hashable], found: Iterable[Hashable]) -> None:
        """Count two collections of answers against each other."""
        wanted, given = Counter(expected), Counter(found)
        self.hits += (wanted & given).total()
        self.expected += wanted.total()
        self.found += given.total()

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 1 where nothing is to be found."""
        both = self.found + self.expected
        return 2 * self.hits / both if both else 1.0


Side = Paragraph | Entry | None
Answers = Callable[[Side], list[Hashable]]


def corpus() -> list[Annotated]:
    """The bulletins of the corpus, by name."""
    return [read_annotated(path) for path in sorted(CORPUS.glob("*.txt"))]


def read_annotated(path: Path) -> Annotated:
    """Read one marked file; a mark that cannot be read raises ValueError or KeyError."""
    head, _, body = path.read_text(encoding="utf-8").partition("\n---\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    lines: list[str] = []
    entries: list[Paragraph] = []
    provinces: tuple[str, ...] = ()
    basis: str | None = None
    is_article = not re.search("^=", body, re.M)
    for line in filter(None, body.splitlines()):
        mark, rest = line[0], line[2:]
        if mark == "=":
            heading, codes = rest.rsplit("|", 1)
            provinces, basis = tuple(filter(None, codes.split(","))), None
            lines.append(heading)
        elif mark == "&":
            codes, basis = rest.split(" ")
            provinces = tuple(codes.split(","))
        elif mark == "@":
            name, title = rest.split("|")
            entries[-1].officials.append((name, title))
        elif mark == "~":
            lines.append(rest)
        else:
            if not (is_article and entries):
                entries.append(Paragraph("", provinces, basis))
            lines.append(_read_paragraph(line, entries[-1]))
    published = date.fromisoformat(fields["published"])
    anchor = date.fromisoformat(fields["anchor"])
    return Annotated(
        path.stem,
        fields.get("only"),
        fields["title"],
        published,
        anchor,
        tuple(lines),
        tuple(entries),
    )


def _read_paragraph(line: str, entry: Paragraph) -> str:
    """Add a marked paragraph to its entry, and return its plain text."""
    start = len(entry.text) + 1 if entry.text else 0
    plain, last = "", 0
    for mark in _MARK.finditer(line):
        plain += line[last : mark.start()]
        offset, last = start + len(plain), mark.end()
        if text := mark["date"]:
            entry.dates.append(_date(text, offset, mark["when"]))
        else:
            text, code = mark["place"], mark["code"]
            known = code if code.isdigit() else None
            level = _LEVELS[code] if known is None else "city" if code.endswith("00") else "county"
            entry.places.append(PlaceMention(text, offset, level, known))
        plain += text
    plain += line[last:]
    if re.search(r"[{}<>|]", plain):
        raise ValueError(f"a mark that cannot be read: {line}")
    entry.text = f"{entry.text}\n{plain}" if entry.text else plain
    return plain


def _date(text: str, offset: int, when: str) -> DateMention:
    kind, span = when.split(" ")
    if span == "?":
        return DateMention(text, offset, cast(DateKind, kind), None, None, "vague")
    span, _, precision = span.partition("/")
    first, _, last = span.partition("..")
    last = first[: len(first) - len(last)] + last
    start, end = _period(first)[0], _period(last)[1]
    form: Precision
    if first[0] == "~":
        form = "week"
    elif first[-2] in "QH":
        form = "quarter" if first[-2] == "Q" else "half"
    else:
        form = _FORMS[len(first)]
    return DateMention(
        text,
        offset,
        cast(DateKind, kind),
        None if kind in ("deadline", "as_of") else start,
        None if kind == "since" else end,
        cast(Precision, precision or form),
    )


def _period(form: str) -> tuple[date, date]:
    """First and last day of 2020, 2020-05, 2020-05-08, 2020Q2, 2020H1 or ~2020-05-08."""
    if form[0] == "~":
        day = date.fromisoformat(form[1:])
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    year, rest = int(form[:4]), form[4:]
    if rest in _HALVES:
        first, last = _HALVES[rest]
        return date(year, first, 1), date(year, last, monthrange(year, last)[1])
    if len(rest) == 6:
        return date.fromisoformat(form), date.fromisoformat(form)
    first, last = (int(rest[1:]), int(rest[1:])) if rest else (1, 12)
    return date(year, first, 1), date(year, last, monthrange(year, last)[1])


def page_of(bulletin: Annotated) -> str:
    """The bulletin as a page with the meta tags of the standard, a paragraph for each line."""
    body = "".join(f"<p>　　{escape(line)}</p>\n" for line in bulletin.lines)
    return (
        f'<html><head><meta name="ArticleTitle" content="{escape(bulletin.title)}">'
        f'<meta name="PubDate" content="{bulletin.published}"></head><body>'
        f'<h1>{escape(bulletin.title)}</h1><div class="TRS_Editor">{body}</div></body></html>'
    )


def measure(bulletins: Iterable[Annotated]) -> dict[str, float]:
    """The measures of the gate (F1, from 0 to 1), over all bulletins together.

    ``entries`` are found with exactly their text, ``provinces`` are those of each entry; dates
    are ``detected`` (span), ``resolved`` (and days), of the right ``kind`` and ``precision``;
    places are ``mentions`` (span and level) and ``codes``; ``officials`` are names with titles.
    """
    scores = {name: Score() for name in MEASURES}
    for bulletin in bulletins:
        for wanted, entry in paired(bulletin, read_bulletin(page_of(bulletin), None)):
            for name, (part, answers) in MEASURES.items():
                if part == "entries" or bulletin.only in (None, part):
                    scores[name].add(answers(wanted), answers(entry))
    return {name: score.f1 for name, score in scores.items()}


def paired(bulletin: Annotated, read: Bulletin) -> Iterator[tuple[Side, Side]]:
    """Each entry of either side with the other's of the same text, None where there is none."""
    left = [*([read.lead] if read.lead else []), *read.entries]
    for wanted in bulletin.entries:
        same = next((entry for entry in left if entry.text == wanted.text), None)
        if same:
            left.remove(same)
        yield wanted, same
    for entry in left:
        yield None, entry


def _provinces(side: Side) -> list[Hashable]:
    if isinstance(side, Entry):
        return [tuple(p.province.code for p in side.provinces)]
    return [side.provinces] if side else []


def _officials(side: Side) -> list[Hashable]:
    if isinstance(side, Entry):
        return [(official.name, official.title) for official in side.officials]
    return list(side.officials) if side else []


def _dates(*names: str) -> Answers:
    """The dates of a side by their span and these fields."""

    def answers(side: Side) -> list[Hashable]:
        found = side.dates if side else ()
        return [(d.offset, d.text, *(getattr(d, name) for name in names)) for d in found]

    return answers


def _mentions(side: Side) -> list[Hashable]:
    return [(p.offset, p.text, p.level) for p in (side.places if side else ())]


def _codes(side: Side) -> list[Hashable]:
    return [(p.offset, p.text, p.code) for p in (side.places if side else ()) if p.code]


MEASURES: dict[str, tuple[str, Answers]] = {
    "entries": ("entries", lambda side: ["entry"] if side else []),
    "provinces": ("provinces", _provinces),
    "detected": ("dates", _dates()),
    "resolved": ("dates", _dates("start", "end")),
    "kind": ("dates", _dates("kind")),
    "precision": ("dates", _dates("precision")),
    "mentions": ("places", _mentions),
    "codes": ("places", _codes),
    "officials": ("officials", _officials),
}
"""By name: the part of the annotation that it needs, and the answers that it counts."""
