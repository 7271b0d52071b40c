"""The index finds exactly what a plain reading of the same texts finds. All texts are 样例."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from archive.search import (
    differences,
    find,
    hits,
)
from tests.search_samples import (
    ENTRIES,
    PIECES,
    Row,
    all_of,
    all_texts,
    any_of,
    compare,
    database,
    insert,
    sample_query,
    sample_row,
    search,
    spelled,
    word_check,
)


def differential(seed: int, size: int, queries: int) -> None:
    rng = random.Random(seed)
    rows = {rng.randrange(10**6): sample_row(rng) for _ in range(size)}
    db = database(rows)
    assert ENTRIES.rebuild(db) == len(rows)
    asked = [sample_query(rng, all_texts(rows.values())) for _ in range(queries)]
    hits, misses = compare(db, rows, asked)
    compare(db, rows, asked[::5], everything=True)
    assert hits > queries // 3
    assert misses > queries // 20
    assert differences(db, ENTRIES) == []
    assert differences(db, ENTRIES, sample=50) == []


# Hypothesis cannot make a failing seed simpler, so it need not try.
@settings(max_examples=max(1, settings().max_examples // 1_000), phases=[Phase.generate])
@given(seed=st.integers(0, 10**6))
def test_index_equals_a_scan(seed: int) -> None:
    differential(seed, size=250, queries=2500)


@pytest.mark.parametrize("sparse", [0, 100])
def test_common_units_beside_longer_words(monkeypatch: pytest.MonkeyPatch, sparse: int) -> None:
    """Looking up units in the table of units, in small pieces, finds the same."""
    monkeypatch.setattr(hits, "_SPARSE", sparse)
    monkeypatch.setattr(hits, "MANY", 5)
    monkeypatch.setattr(find, "MANY", 5)
    monkeypatch.setattr(hits, "_CHUNK", 2)
    monkeypatch.setattr(hits, "_GROUPED", 7)
    monkeypatch.setattr(hits, "_ALIKE", 3)
    rng = random.Random(8)
    rows = {rng.randrange(10**6): sample_row(rng) for _ in range(150)}
    db = database(dict(list(rows.items())[:100]))
    ENTRIES.rebuild(db)
    for rowid, row in list(rows.items())[100:]:
        insert(db, rowid, row)
        ENTRIES.add(db, rowid, row)
    asked = []
    for _ in range(150):
        words = ["危房", rng.choice("改造户年月a"), rng.choice(("湖北", "房", "2020年", "日"))]
        typed, check = " ".join(words), all_of([word_check(word) for word in words])
        if rng.random() < 0.4:
            without = word_check(unit := rng.choice("省市日b"))
            typed += f" -{unit}"
            check = all_of([check, lambda texts, row, w=without: not w(texts, row)])
        elif rng.random() < 0.5:
            other = rng.choice(("户", "龙 万", "(a 或 年)"))
            typed = f"{words[0]} ({words[1]} 或 {words[2]} 或 {other})"
            others = [word_check(word) for word in ("a", "年")]
            if other != "(a 或 年)":
                others = [all_of([word_check(word) for word in other.split()])]
            either = any_of([*map(word_check, words[1:]), *others])
            check = all_of([word_check(words[0]), either])
        asked.append((typed, check))
    found, _ = compare(db, rows, asked, everything=True)
    assert found > 50


def test_index_stays_true_through_inserts_revisions_and_removals() -> None:
    rng = random.Random(4)
    rows: dict[int, Row] = {}
    db = database(rows)
    ENTRIES.create(db)
    texts = ["样例"]
    for step in range(900):
        rowid = rng.randint(1, 150)
        new = sample_row(rng)
        if rowid not in rows:
            insert(db, rowid, new)
            ENTRIES.add(db, rowid, new)
            rows[rowid] = new
        elif rng.random() < 0.5:
            if rng.random() < 0.5:
                new["day"] = rows[rowid]["day"]
            db.execute(
                "update entries set title = :title, heading = :heading, text = :text, day = :day, "
                "tags = :tags where id = :id",
                {"id": rowid, **new},
            )
            ENTRIES.replace(db, rowid, rows[rowid], new)
            rows[rowid] = new
        else:
            db.execute("delete from entries where id = ?", (rowid,))
            ENTRIES.remove(db, rowid, rows.pop(rowid))
        texts += all_texts([new])
        if step % 300 == 299:
            queries = [sample_query(rng, texts) for _ in range(400)]
            hits, _ = compare(db, rows, queries[:300])
            compare(db, rows, queries[300:], everything=True)
            assert hits > 100
            assert differences(db, ENTRIES) == []
            if step == 299:
                ENTRIES.rebuild(db)
    before = [search(db, word) for word in PIECES]
    ENTRIES.optimize(db)
    assert [search(db, word) for word in PIECES] == before
    assert ENTRIES.rebuild(db) == len(rows)
    assert [search(db, word) for word in PIECES] == before


def test_every_piece_of_a_real_bulletin_is_found(shared: Path) -> None:
    gold = json.loads((shared / "bulletins" / "lianbo-2.gold.json").read_text(encoding="utf-8"))
    rows: dict[int, Row] = {
        entry["seq"]: {
            "title": gold["title"],
            "heading": entry["heading"],
            "text": entry["text"],
            "day": 20200528,
            "tags": None,
        }
        for entry in gold["entries"]
    }
    db = database(rows)
    ENTRIES.rebuild(db)
    queries = {
        text[start : start + length]
        for row in rows.values()
        for text in row.values()
        if isinstance(text, str)
        for length in (1, 2, 3, 5, 9)
        for start in range(0, len(text), 3)
    }
    rng = random.Random(1)
    asked = [(spelled(rng, word), word_check(word)) for word in sorted(queries) if word.strip()]
    hits, _ = compare(db, rows, asked)
    assert hits > 1000
    assert differences(db, ENTRIES) == []
    db.close()
