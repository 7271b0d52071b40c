"""The gate: how well annotated bulletins are read, with floors that can only rise.

``tests/corpus`` holds bulletins of our own; ``floors.json`` beside them the hash of what is
annotated and the floor of each measure. After a change of the corpus, or when a measure has risen,
``python -m tests.test_gate`` writes both again; it never lowers a floor while the corpus is the
same.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from archive.normalise.bulletin_json import to_json
from archive.normalise.bulletins import read_bulletin
from archive.normalise.provinces import read_heading
from archive.sources import PageContext
from crawler.sources import load_sources
from tests.annotated import CORPUS, MEASURES, Annotated, corpus, measure

FLOORS = CORPUS / "floors.json"
RAISE = "write the new floors with: python -m tests.test_gate"


def corpus_hash() -> str:
    """SHA-256 over the names and contents of the corpus files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(CORPUS.glob("*.txt")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def measured() -> dict[str, float]:
    """The measures over the corpus, cut to four digits so that a floor can be reached again."""
    return {name: int(value * 10_000) / 10_000 for name, value in measure(corpus()).items()}


@pytest.fixture(scope="module")
def found() -> dict[str, float]:
    return measured()


def floors() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(FLOORS.read_text(encoding="utf-8"))
    return told


def test_the_corpus_is_the_one_that_the_floors_are_of() -> None:
    assert floors()["sha256"] == corpus_hash(), f"the corpus has changed; {RAISE}"


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_is_at_its_floor(name: str, found: dict[str, float]) -> None:
    floor = floors()["floors"][name]
    assert found[name] >= floor, f"{name} has sunk from {floor} to {found[name]}"
    assert found[name] == floor, f"{name} has risen from {floor} to {found[name]}; {RAISE}"


def test_the_corpus_is_large_and_of_every_kind() -> None:
    bulletins = corpus()
    entries = [entry for bulletin in bulletins for entry in bulletin.entries]
    assert sum(len(entry.dates) for entry in entries) >= 600
    assert sum(len(entry.places) for entry in entries) >= 1100
    assert sum(len(entry.officials) for entry in entries) >= 140
    assert {date.kind for entry in entries for date in entry.dates} == {
        "event", "since", "deadline", "as_of", "reference",
    }  # fmt: skip
    assert {date.precision for entry in entries for date in entry.dates} >= {
        "day", "week", "xun", "month", "quarter", "half", "year", "plan", "vague",
    }  # fmt: skip
    assert {place.level for entry in entries for place in entry.places} == {
        "city", "county", "town", "village", "xpcc",
    }  # fmt: skip


@pytest.mark.parametrize("bulletin", corpus(), ids=lambda bulletin: bulletin.name)
def test_the_marks_are_themselves_sound(bulletin: Annotated) -> None:
    for entry in bulletin.entries:
        spans = sorted(
            [(d.offset, d.text) for d in entry.dates] + [(p.offset, p.text) for p in entry.places]
        )
        assert all(entry.text.startswith(text, offset) for offset, text in spans)
        ends = [offset + len(text) for offset, text in spans]
        assert all(end <= start for end, (start, _) in zip(ends, spans[1:], strict=False))
        for name, title in entry.officials:
            assert name in entry.text
            assert title in entry.text


# The real bulletin

ADDRESS = "https://www.mohurd.gov.cn/xwfb/202005/t20200528_245619.html"


def page(lines: list[str], shape: str) -> str:
    body = "<br>\n".join(lines) if shape == "br" else "".join(f"<p>　　{t}</p>" for t in lines)
    return (
        '<html><body><div class="nav"><a href="/">首页</a></div><table><tr><td class="tit">'
        "脱贫攻坚战况联播（二）</td></tr><tr><td>发布日期：2020-05-28</td></tr></table>"
        f'<div class="union">{body}</div></body></html>'
    )


@pytest.mark.parametrize("shape", ["paragraphs", "br"])
def test_the_real_bulletin_is_read_whole(shape: str, shared: Path) -> None:
    folder = shared / "bulletins"
    gold = json.loads((folder / "lianbo-2.gold.json").read_text(encoding="utf-8"))
    entries = [gold["lead"], *gold["entries"]]
    lines = (folder / "lianbo-2.txt").read_text(encoding="utf-8").split("\n")[2:]
    if shape == "paragraphs":
        headings = [line.strip() for line in lines if read_heading(line)]
        texts = [entry["text"] for entry in entries]
        order = {entry["text"]: entry.get("heading") for entry in entries}
        lines = []
        for text in texts:
            if order[text] in headings:
                lines.append(headings.pop(0))
            lines.append(text)
        lines.append(gold["origin"]["literal"])
    links = PageContext(load_sources()["mohurd"], ADDRESS, ADDRESS)
    read = to_json(read_bulletin(page(lines, shape), links))
    for found, wanted in zip([read["lead"], *read["entries"]], entries, strict=True):
        assert {key: found[key] for key in wanted} == wanted
    for key in ("title", "series", "issue", "published", "origin", "anchor"):
        assert read[key] == gold[key]
    counts = [
        sum(len(entry.get(part, ())) for entry in entries)
        for part in ("dates", "places", "officials")
    ]
    assert counts == [31, 43, 18]


def raise_floors() -> None:
    """Write the hash and the measures of today; refuses to lower a floor of the same corpus."""
    now, today = measured(), corpus_hash()
    if FLOORS.exists():
        before = floors()
        sunk = [name for name in now if now[name] < before["floors"].get(name, 0)]
        if sunk and before["sha256"] == today:
            raise SystemExit(f"under their floors: {', '.join(sunk)}")
    FLOORS.write_text(
        json.dumps({"sha256": today, "floors": now}, indent=1) + "\n", encoding="utf-8"
    )
    print(FLOORS.read_text(encoding="utf-8"), end="")


if __name__ == "__main__":
    raise_floors()
