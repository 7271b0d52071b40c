"""Searching entries: the field words of queries, and the results that the search pages show.

>>> parse_entries("危房改造 省:黑龙江 日期:2020-05..2020-06").describe()
'包含：“危房改造”；省份：黑龙江省；日期：2020年5月至2020年6月'
"""

from __future__ import annotations

import calendar
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice

from archive.normalise.provinces import province_of
from archive.search import Column, Field, Filter, Query, parse
from archive.search.find import Facets
from archive.search.find import facets as count_facets
from archive.search.find import newest as newest_hits
from archive.search.fold import fold
from archive.search.hits import Count, Place
from archive.search.rank import Ranked
from archive.search.rank import relevance as ranked_hits
from archive.search.tokens import order_label
from archive.serving.repeats import by_kind as alike_by_kind
from archive.serving.repeats import by_month, by_province, repeats
from archive.serving.repeats import count as count_shown
from archive.serving.suggestions import Suggestion as Suggestion
from archive.serving.suggestions import suggest as suggest
from archive.serving.suggestions import typed as typed
from archive.storage.database import ENTRIES_INDEX

WEIGHTS = {"title": 4.0, "heading": 2.0, "text": 1.0}
"""How much an occurrence in a column counts for relevance."""

COUNTED = 10_000
"""Hits up to which the total on a page is exact; beyond that it is "at least"."""

FEW = 3000
"""Hits up to which all of them are sorted by when the archive learned of them."""

READ = 200
"""If there are more hits, so many of the last learned entries are read first, without the index.

That takes some 10 ms, and finds twenty entries with a word that a tenth of all have. For other
words the index then lists all hits, which takes about a second for a million of them.
"""

_LAST_SORT = 99_999_999
_DAY = re.compile(r"(\d{4})(?:[-/年](\d{1,2})(?:[-/月](\d{1,2})日?|月?)|年?)")
_COLUMNS = (
    "id, slug, bulletin, seq, kind, heading, province, date, event_start, event_end, open_end, "
    "text, title, source, url, published, status, same_as"
)

# The archive learned of an entry with the latest revision of its bulletin. CROSS JOIN is SQLite's
# way to say which table is read first: entries if there are few hits, revisions if there are many.
_LEARNED = """
SELECT entries.id, revisions.captured_at FROM {}
WHERE entries.id IN ({}) AND entries.id NOT IN (SELECT value FROM json_each(?))
ORDER BY revisions.captured_at DESC, entries.id DESC LIMIT ?
"""
_FROM_ENTRIES = """
entries CROSS JOIN bulletins ON bulletins.id = entries.bulletin
CROSS JOIN revisions ON revisions.bulletin = bulletins.id AND revisions.number = bulletins.revision
"""
_FROM_REVISIONS = """
revisions CROSS JOIN bulletins
ON bulletins.id = revisions.bulletin AND bulletins.revision = revisions.number
CROSS JOIN entries ON entries.bulletin = bulletins.id
"""

KINDS = {"ministry": "部委", "agency": "直属机构", "provincial": "省级部门"}
"""What a source is: a ministry, another body of the centre, a department of a province."""

Entry = dict[str, "str | int | None"]
"""One row of entries, by column."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, and the cursor of the next page, None at the end.

    ``exact`` is False if only the newest hits were ranked (relevance).
    """

    entries: list[Entry]
    after: str | None
    exact: bool = True


@dataclass(frozen=True, slots=True)
class EntryFacets:
    """How many entries match: in total, by province code, source, kind of source, month YYYY-MM.

    An entry with two provinces counts for both.
    """

    total: int
    provinces: Mapping[str, int]
    sources: Mapping[str, int]
    kinds: Mapping[str, int]
    months: Mapping[str, int]


def province_filter(value: str) -> Filter | None:
    """Entries with a province, named by its code, short or full name."""
    province = province_of(value)
    return Filter((f"p{province.code}",), f"省份：{province.name}") if province else None


def date_filter(value: str) -> Filter | None:
    """Entries by date: a day, a month, a year, or a range a..b of them; a or b may be left out.

    A range ends with the last day of its month or year; one in the wrong order is reversed. Returns
    None for anything that is not a date.
    """
    first, dots, last = value.partition("..")
    if not dots:
        last = first
    days = [_day(piece.strip()) if piece.strip() else None for piece in (first, last)]
    if any(piece.strip() and day is None for piece, day in zip((first, last), days, strict=True)):
        return None
    begin, end = days
    if begin is None and end is None:
        return None
    if begin and end and begin[0] > end[0]:
        begin, end = end, begin
    span = (begin[0] if begin else 0, end[1] if end else _LAST_SORT)
    if begin and end:
        said = begin[2] if begin == end else f"{begin[2]}至{end[2]}"
    else:
        said = f"{begin[2]}以来" if begin else f"{end[2] if end else ''}以前（含）"
    return Filter(tuple(map(order_label, _prefixes(*span))), f"日期：{said}", span)


def kind_filter(value: str, kinds: Mapping[str, str]) -> Filter | None:
    """Entries of the sources of a kind, named by its word or in Chinese; ``kinds`` by slug."""
    named = {fold(name): kind for kind, name in KINDS.items()} | {kind: kind for kind in KINDS}
    kind = named.get(fold(value))
    labels = tuple(f"s{slug}" for slug, its in sorted(kinds.items()) if its == kind)
    # The first label, which no entry has, tells a kind from its only source.
    return Filter((f"k{kind}", *labels), f"机构：{KINDS[kind]}") if kind else None


def fields(sources: Mapping[str, str], kinds: Mapping[str, str]) -> Mapping[str, Field]:
    """The field words of entries; by each source's slug, ``sources`` has names, ``kinds`` kinds."""
    slugs = {fold(name): slug for slug, name in sources.items()} | {slug: slug for slug in sources}

    def source_filter(value: str) -> Filter | None:
        slug = slugs.get(fold(value))
        return Filter((f"s{slug}",), f"来源：{sources[slug]}") if slug else None

    return {
        **dict.fromkeys(("标题", "title"), Column("title", "标题")),
        **dict.fromkeys(("正文", "text"), Column("text", "正文")),
        **dict.fromkeys(("省", "省份", "province"), province_filter),
        **dict.fromkeys(("来源", "source"), source_filter),
        **dict.fromkeys(("机构", "kind"), partial(kind_filter, kinds=kinds)),
        **dict.fromkeys(("日期", "date"), date_filter),
    }


def parse_entries(
    typed: str,
    sources: Mapping[str, str] | None = None,
    kinds: Mapping[str, str] | None = None,
) -> Query:
    """Parse a query with the field words of entries; raises InvalidQuery if it is too long."""
    return parse(typed, fields(sources or {}, kinds or {}))


def sources_of(conn: sqlite3.Connection) -> dict[str, str]:
    """The name of each source by its slug."""
    return dict(conn.execute("SELECT slug, name FROM sources"))


def kinds_of(conn: sqlite3.Connection) -> dict[str, str]:
    """The kind of each source by its slug."""
    return dict(conn.execute("SELECT slug, kind FROM sources"))


def by_kind(sources: Mapping[str, int], kinds: Mapping[str, str]) -> Counter[str]:
    """The numbers of sources, by slug, added up by kind."""
    found: Counter[str] = Counter()
    for slug, number in sources.items():
        found[kinds.get(slug, "ministry")] += number
    return found


def newest(
    conn: sqlite3.Connection,
    query: Query,
    limit: int = 20,
    cursor: str | None = None,
    hidden: Collection[int] | None = None,
) -> Page:
    """Entries that match, the latest date first, within a date the highest id first.

    ``cursor`` is the ``after`` of the page before; an invalid one starts at the beginning. While a
    writer adds entries, the pages neither repeat nor lose one. Here and below ``hidden`` is the
    result of :func:`archive.serving.repeats.repeats`, if the caller has it.
    """
    hidden = repeats(conn, query) if hidden is None else hidden
    before, shown = _place(cursor), list[Place]()
    while len(shown) <= limit:
        places = newest_hits(conn, ENTRIES_INDEX, query, limit + 1, before)
        shown += [place for place in places if place.key not in hidden]
        if len(places) <= limit:
            break
        before = places[-1]
    after = f"{shown[limit - 1].sort}~{shown[limit - 1].key}" if len(shown) > limit else None
    return Page(_entries(conn, [place.key for place in shown[:limit]]), after)


def learned(conn: sqlite3.Connection, query: Query, limit: int = 20) -> list[tuple[Entry, str]]:
    """Entries that match, each with the instant at which the archive learned of it as it is now.

    The last learned is first; of those learned at one moment, the one with the highest id.
    """
    hidden = repeats(conn, query)
    left_out = json.dumps(sorted(hidden))
    places = newest_hits(conn, ENTRIES_INDEX, query, FEW + 1)
    if len(places) <= FEW:
        keys = json.dumps([place.key for place in places])
        values = (keys, left_out, limit)
        return _learned(conn, _FROM_ENTRIES, "SELECT value FROM json_each(?)", values)
    latest = _learned(conn, _FROM_REVISIONS, ENTRIES_INDEX.every_row, (left_out, READ))
    found = list(islice((each for each in latest if _holds(conn, query, each[0])), limit))
    if len(found) == limit:
        return found
    hits, asked = query.sql(conn, ENTRIES_INDEX)
    return _learned(conn, _FROM_REVISIONS, hits, (*asked, left_out, limit))


def relevance(
    conn: sqlite3.Connection,
    query: Query,
    limit: int = 20,
    cursor: str | None = None,
    hidden: Collection[int] | None = None,
) -> Page:
    """Entries that match, the best BM25 first (title and heading count more), then the newest.

    If more than :data:`archive.search.rank.RANKED_WHOLE` match, only the newest
    :data:`archive.search.rank.RANKED` are ranked and the page is not ``exact``.
    """
    hidden = repeats(conn, query) if hidden is None else hidden
    ranked, exact = ranked_hits(conn, ENTRIES_INDEX, query, WEIGHTS)
    ranked = [hit for hit in ranked if hit.place.key not in hidden]
    score, _, rest = (cursor or "").partition("~")
    place = _place(rest)
    if place and re.fullmatch(r"\d{1,9}\.\d{1,6}", score):
        last = Ranked(float(score), place)
        ranked = [hit for hit in ranked if hit < last]
    shown = ranked[:limit]
    more = len(ranked) > limit
    after = f"{shown[-1].score:f}~{shown[-1].place.sort}~{shown[-1].place.key}" if more else None
    return Page(_entries(conn, [hit.place.key for hit in shown]), after, exact)


def count(
    conn: sqlite3.Connection,
    query: Query,
    at_most: int | None = COUNTED,
    *,
    hidden: Collection[int] | None = None,
) -> Count:
    """How many entries match; beyond ``at_most`` only that there are at least so many."""
    return count_shown(conn, query, at_most, hidden)


def facets(
    conn: sqlite3.Connection,
    query: Query,
    counted: Count | None = None,
    hidden: Collection[int] | None = None,
) -> EntryFacets:
    """Exact numbers of the entries that a facet leads to, by province, source and month.

    Provinces and sources are sorted by number, the largest first; months by time, the latest first.
    It is faster if the caller passes the result of :func:`count` as ``counted``.
    """
    hidden = repeats(conn, query) if hidden is None else hidden
    hits = Count(counted.number + len(hidden), counted.exact) if counted else None
    found: Facets = count_facets(conn, ENTRIES_INDEX, query, divisor=100, counted=hits)
    by_label = Counter(found.labels)
    months = Counter(
        {f"{month // 100:04d}-{month % 100:02d}": n for month, n in found.order.items()}
    )
    if hidden:
        by_label.subtract({f"p{code}": n for code, n in by_province(conn, hidden).items()})
        months.subtract(by_month(conn, hidden))
    labels = sorted(by_label.items(), key=_largest_first)
    sources = {label[1:]: number for label, number in labels if label[0] == "s"}
    kinds = by_kind(sources, kinds_of(conn))
    kinds.subtract(alike_by_kind(conn, hidden) if hidden else {})
    return EntryFacets(
        found.total - len(hidden),
        {label[1:]: number for label, number in labels if label[0] == "p"},
        sources,
        dict(sorted(kinds.items(), key=_largest_first)),
        dict(sorted(months.items(), reverse=True)),
    )


def _largest_first(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def labels_of(conn: sqlite3.Connection, entry: int) -> list[str]:
    """The labels that an entry has for filters, computed from the tables."""
    provinces = conn.execute("SELECT province FROM entry_provinces WHERE entry = ?", (entry,))
    labels = [f"p{code}" for (code,) in provinces]
    for day, source in conn.execute("SELECT date, source FROM entries WHERE id = ?", (entry,)):
        labels += [order_label(day.replace("-", "")), f"s{source}"]
    linked = "SELECT 1 FROM entries WHERE same_as = ? OR id = ? AND same_as IS NOT NULL"
    return [*labels, "x"] if conn.execute(linked, (entry, entry)).fetchone() else labels


def _learned(
    conn: sqlite3.Connection, tables: str, hits: str, values: tuple[str | int, ...]
) -> list[tuple[Entry, str]]:
    """The entries that the select ``hits`` lists, last learned first; ``values`` end in a limit."""
    at = dict(conn.execute(_LEARNED.format(tables, hits), values).fetchall())
    return [(entry, at[int(entry["id"] or 0)]) for entry in _entries(conn, list(at))]


def _holds(conn: sqlite3.Connection, query: Query, entry: Entry) -> bool:
    """Whether an entry matches, by reading it without the index."""
    texts = {name: str(entry[name] or "") for name in ENTRIES_INDEX.columns}
    return query.holds(texts, labels_of(conn, int(entry["id"] or 0)))


def _day(value: str) -> tuple[int, int, str] | None:
    """The first and last place in the order, and the Chinese words, of a day, month or year."""
    found = _DAY.fullmatch(value)
    if not found:
        return None
    year, month, day = (int(group) if group else 0 for group in found.groups())
    if year == 0 or (found[2] and not 1 <= month <= 12):
        return None
    if found[3] and not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    start = year * 10_000 + month * 100 + day
    if found[3]:
        return start, start, f"{year}年{month}月{day}日"
    # No day or month is 99, so these are beyond the end of any month and any year.
    if found[2]:
        return start, start + 99, f"{year}年{month}月"
    return start, start + 9999, f"{year}年"


def _prefixes(first: int, last: int, length: int = 8) -> list[str]:
    """The fewest prefixes that cover exactly a range of numbers of ``length`` digits."""
    found: list[str] = []
    while first <= last:
        step = 1
        while first % (step * 10) == 0 and first + step * 10 - 1 <= last and step < 10**length:
            step *= 10
        digits = len(str(step)) - 1
        found.append(f"{first // step:0{length - digits}d}"[: length - digits] + "*" * (step > 1))
        first += step
    return found


def _place(cursor: str | None) -> Place | None:
    found = re.fullmatch(r"(\d{1,15})~(\d{1,18})", cursor or "", re.ASCII)
    return Place(int(found[1]), int(found[2])) if found else None


def _entries(conn: sqlite3.Connection, keys: list[int]) -> list[Entry]:
    """The rows of entries in this order; an entry that was removed meanwhile is left out."""
    marks = ", ".join("?" * len(keys))
    cursor = conn.execute(f"SELECT {_COLUMNS} FROM entries WHERE id IN ({marks})", keys)
    cursor.row_factory = None
    names = [column[0] for column in cursor.description]
    rows = {row[0]: dict(zip(names, row, strict=True)) for row in cursor}
    return [rows[key] for key in keys if key in rows]
