"""Engines to measure search against: LIKE, FTS5 with its trigram tokenizer, tantivy on bigrams.

Each offers what it can of ``newest`` (the ids of the newest 20), ``facets`` (numbers by province
and month) and ``relevance`` (the best 20); None is "cannot". Tantivy is an optional dependency.
"""

from __future__ import annotations

import importlib
import json
import sqlite3
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archive.search import fold
from archive.search.tokens import pairs, written_units
from archive.serving import entry_search
from archive.storage.database import ENTRIES_INDEX


@dataclass(frozen=True, slots=True)
class Asked:
    """One word, with a province's code and a range of months (201903, 201908) or without."""

    word: str
    province: str | None = None
    months: tuple[int, int] | None = None

    @property
    def typed(self) -> str:
        """The query as people type it."""
        parts = [f"“{self.word}”"]
        if self.province:
            parts.append(f"省:{self.province}")
        if self.months:
            first, last = (f"{month // 100}-{month % 100:02d}" for month in self.months)
            parts.append(f"日期:{first}..{last}")
        return " ".join(parts)


class Ours:
    """The functions that the routes call."""

    name = "archive.search"

    def __init__(self, path: Path) -> None:
        self.conn = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        self.conn.execute("PRAGMA cache_size = -32768")
        self.common = ENTRIES_INDEX.common(self.conn)

    def newest(self, asked: Asked) -> int | None:
        query = entry_search.parse_entries(asked.typed)
        return len(entry_search.newest(self.conn, query).entries)

    def facets(self, asked: Asked) -> int | None:
        return entry_search.facets(self.conn, entry_search.parse_entries(asked.typed)).total

    def relevance(self, asked: Asked) -> int | None:
        query = entry_search.parse_entries(asked.typed)
        return len(entry_search.relevance(self.conn, query).entries)


class Plain(Ours):
    """The same index, ranked by FTS5's own ORDER BY rank."""

    name = "ORDER BY rank"

    def newest(self, asked: Asked) -> int | None:
        return None

    def facets(self, asked: Asked) -> int | None:
        return None

    def relevance(self, asked: Asked) -> int | None:
        in_pairs, match = entry_search.parse_entries(asked.typed).match(self.common)
        if not in_pairs:
            return None
        return len(_all(self.conn, _RANK.format(ENTRIES_INDEX.fts), match))


_RANK = "SELECT rowid FROM {0} WHERE {0} MATCH ? ORDER BY rank LIMIT 20"


class Like:
    """No index for words: entries are read by date, the newest first."""

    name = "LIKE"

    def __init__(self, path: Path) -> None:
        self.conn = Ours(path).conn

    def newest(self, asked: Asked) -> int | None:
        return len(_all(self.conn, *_entries("1", asked, self._condition)))

    def _condition(self, asked: Asked) -> tuple[str, list[Any]]:
        like = "(text LIKE ? OR title LIKE ? OR heading LIKE ?)"
        return like, [f"%{asked.word}%"] * 3

    def facets(self, asked: Asked) -> int | None:
        return None

    relevance = facets


class Trigram:
    """FTS5's trigram tokenizer, contentless, in its own file; words of three characters or more."""

    name = "trigram"

    def __init__(self, path: Path) -> None:
        self.conn = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        self.conn.execute("PRAGMA cache_size = -32768")
        trigrams = path.with_suffix(".trigram").resolve().as_uri()
        self.conn.execute("ATTACH ? AS other", (f"{trigrams}?mode=ro",))

    @staticmethod
    def build(path: Path) -> float:
        """Make the index, with ids as rowids; returns the seconds it took."""
        other = path.with_suffix(".trigram")
        other.unlink(missing_ok=True)
        start = time.perf_counter()
        conn = sqlite3.connect(other, isolation_level=None)
        conn.execute("PRAGMA journal_mode = OFF")
        conn.execute("ATTACH ? AS main_db", (str(path),))
        conn.execute(
            "CREATE VIRTUAL TABLE tri USING fts5(text, title, heading, content='',"
            " tokenize='trigram')"
        )
        conn.execute("INSERT INTO tri(tri, rank) VALUES ('hashsize', 33554432)")
        conn.execute("BEGIN")
        conn.execute(
            "INSERT INTO tri(rowid, text, title, heading)"
            " SELECT id, text, title, heading FROM main_db.entries"
        )
        conn.execute("INSERT INTO tri(tri) VALUES ('optimize')")
        conn.execute("COMMIT")
        conn.close()
        return time.perf_counter() - start

    def newest(self, asked: Asked) -> int | None:
        if len(asked.word) < 3:
            return None
        return len(_all(self.conn, *_entries("1", asked, self._condition)))

    def _condition(self, asked: Asked) -> tuple[str, list[Any]]:
        return "id IN (SELECT rowid FROM tri WHERE tri MATCH ?)", [f'"{asked.word}"']

    def facets(self, asked: Asked) -> int | None:
        if len(asked.word) < 3:
            return None
        condition, values = self._condition(asked)
        total = 0
        for group in ("province", "substr(date, 1, 7)"):
            sql = f"SELECT {group}, count(*) FROM entries WHERE {condition} GROUP BY 1"
            total = sum(row[1] for row in _all(self.conn, sql, *values))
        return total

    def relevance(self, asked: Asked) -> int | None:
        if len(asked.word) < 3:
            return None
        return len(_all(self.conn, _RANK.format("tri"), f'"{asked.word}"'))


class Tantivy:
    """The same pairs and units as tokens, provinces and months as fast fields."""

    name = "tantivy"

    def __init__(self, path: Path) -> None:
        self.tantivy = importlib.import_module("tantivy")
        index = self.tantivy.Index.open(str(path.with_suffix(".tantivy")))
        self.schema = index.schema
        self.searcher = index.searcher()

    @staticmethod
    def build(path: Path) -> float:
        """Make the index; returns the seconds it took, most of them for passing the tokens."""
        tantivy = importlib.import_module("tantivy")
        folder = path.with_suffix(".tantivy")
        folder.mkdir(exist_ok=True)
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("body", tokenizer_name="whitespace", index_option="position")
        builder.add_text_field("units", tokenizer_name="whitespace", index_option="basic")
        for name in ("date", "month", "province"):
            builder.add_unsigned_field(name, fast=True, indexed=True)
        builder.add_unsigned_field("id", stored=True)
        start = time.perf_counter()
        index = tantivy.Index(builder.build(), path=str(folder))
        writer = index.writer(heap_size=128_000_000, num_threads=1)
        conn = sqlite3.connect(path)
        provinces: dict[int, list[int]] = {}
        for entry, code in conn.execute("SELECT entry, province FROM entry_provinces"):
            provinces.setdefault(entry, []).append(int(code))
        sql = "SELECT id, date, text, title, heading FROM entries"
        for number, day, *texts in conn.execute(sql):
            stretches = [s for text in texts for s in written_units(fold(text or ""))]
            document = tantivy.Document()
            document.add_text("body", " ".join(t for s in stretches for t in pairs(s)))
            document.add_text("units", " ".join({unit for s in stretches for unit in s}))
            document.add_unsigned("id", number)
            document.add_unsigned("date", int(day.replace("-", "")))
            document.add_unsigned("month", int(day[:7].replace("-", "")))
            for code in provinces.get(number, []):
                document.add_unsigned("province", code)
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        conn.close()
        return time.perf_counter() - start

    def _query(self, asked: Asked) -> Any:
        query, occur = self.tantivy.Query, self.tantivy.Occur.Must
        [units] = written_units(fold(asked.word))
        tokens = pairs(units)[:-1]
        if not tokens:
            words = query.term_query(self.schema, "units", units[0])
        elif len(tokens) == 1:
            words = query.term_query(self.schema, "body", tokens[0])
        else:
            words = query.phrase_query(self.schema, "body", tokens)
        must = [(occur, words)]
        if asked.province:
            term = query.term_query(self.schema, "province", int(asked.province))
            must.append((occur, query.const_score_query(term, 0.0)))
        if asked.months:
            kind = self.tantivy.FieldType.Unsigned
            ranged = query.range_query(self.schema, "month", kind, *asked.months)
            must.append((occur, query.const_score_query(ranged, 0.0)))
        return query.boolean_query(must) if len(must) > 1 else words

    def newest(self, asked: Asked) -> int | None:
        hits = self.searcher.search(
            self._query(asked), limit=20, count=False, order_by_field="date"
        ).hits
        return len([self.searcher.doc(address)["id"] for _, address in hits])

    def facets(self, asked: Asked) -> int | None:
        wanted = {name: {"terms": {"field": name, "size": 1000}} for name in ("province", "month")}
        found = self.searcher.aggregate(self._query(asked), wanted)
        found = json.loads(found) if isinstance(found, str) else found
        months = Counter({b["key"]: b["doc_count"] for b in found["month"]["buckets"]})
        return sum(months.values())

    def relevance(self, asked: Asked) -> int | None:
        return len(self.searcher.search(self._query(asked), limit=20, count=False).hits)


def _entries(columns: str, asked: Asked, condition: Any) -> tuple[Any, ...]:
    """The newest 20 entries that match a condition, a province and months."""
    where, values = condition(asked)
    if asked.province:
        where += " AND EXISTS (SELECT 1 FROM entry_provinces p WHERE p.entry = entries.id"
        where += " AND p.province = ?)"
        values.append(asked.province)
    if asked.months:
        where += " AND date BETWEEN ? AND ?"
        values += [f"{m // 100}-{m % 100:02d}-{day}" for m, day in zip(asked.months, ("00", "99"))]  # noqa: B905
    sql = f"SELECT {columns} FROM entries WHERE {where} ORDER BY date DESC LIMIT 20"
    return sql, *values


def _all(conn: sqlite3.Connection, sql: str, *values: Any) -> list[Any]:
    return conn.execute(sql, values).fetchall()
