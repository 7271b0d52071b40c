"""``bulletins verify``: each kind of damage is named, and nothing else is."""

from __future__ import annotations

import base64
import gzip
import hashlib
import random
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

import pytest
from click.testing import CliRunner

from archive.captures.warc import warc_files
from archive.clock import stamp
from archive.storage.store import Store
from archive.storage.verify import problems, tonight
from crawler.cli import main
from tests.test_store import HOME, SOURCES, capture, page_html, record


def archive(folder: Path) -> Path:
    """Three captures of two pages; the capture file."""
    record(
        folder,
        capture(body=page_html("甲事。")),
        capture(body=page_html("乙事。")),
        capture(f"{HOME}/xwfb/202005/t20200529_2.html", page_html("丙事。")),
    )
    [path] = warc_files(folder / "warc")
    return path


def verify(folder: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["verify", "--data", str(folder), *words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def members(path: Path) -> list[bytes]:
    """The records of a capture file, unpacked."""
    raw, found = path.read_bytes(), []
    starts = [n for n in range(len(raw)) if raw.startswith(b"\x1f\x8b\x08", n)]
    for start, end in zip(starts, [*starts[1:], len(raw)], strict=True):
        found.append(gzip.decompress(raw[start:end]))
    return found


def rewrite(folder: Path, change: Callable[[bytes], bytes]) -> None:
    """Change the records of the capture file, each a whole gzip member and known to the database.

    What is left to notice is only that the records say something else.
    """
    [path] = warc_files(folder / "warc")
    packed = [gzip.compress(change(one), mtime=0) for one in members(path)]
    path.write_bytes(b"".join(packed))
    ends = list(accumulate(map(len, packed)))
    with closing(sqlite3.connect(folder / "bulletins.db")) as conn, conn:
        # The first record describes the file; offsets are unique, so they are negative on the way.
        for number, (start, member) in enumerate(zip(ends, packed[1:], strict=False), 1):
            conn.execute(
                "UPDATE captures SET offset = ?, length = ? WHERE id = ?",
                (-start, len(member), number),
            )
        conn.execute("UPDATE captures SET offset = -offset")


def execute(folder: Path, sql: str) -> None:
    with closing(sqlite3.connect(folder / "bulletins.db")) as conn, conn:
        conn.execute("PRAGMA writable_schema = ON")
        conn.execute(sql)


def test_a_good_archive_has_no_problems(tmp_path: Path) -> None:
    archive(tmp_path)
    code, said = verify(tmp_path)
    assert code == 0, said
    assert verify(tmp_path, "--full")[0] == 0


def test_a_record_that_was_altered_and_is_still_a_good_record_is_damage(tmp_path: Path) -> None:
    """The same length, valid gzip, valid WARC: only the digest of the payload tells."""
    archive(tmp_path)
    rewrite(tmp_path, lambda record: record)
    assert verify(tmp_path)[0] == 0
    rewrite(tmp_path, lambda record: record.replace("乙事".encode(), "丁事".encode()))
    code, said = verify(tmp_path)
    assert code == 6
    assert said.count("is not what was captured: restore the file from a backup") == 1


def test_a_record_that_was_altered_with_its_digest_is_damage(tmp_path: Path) -> None:
    """The record agrees with itself: only the digest in the database tells."""
    archive(tmp_path)
    before, after = page_html("乙事。"), page_html("丁事。")
    rewrite(
        tmp_path,
        lambda record: record.replace(before, after).replace(digest(before), digest(after)),
    )
    code, said = verify(tmp_path)
    assert code == 6
    assert said.count("is not what was captured: restore the file from a backup") == 1


def digest(body: bytes) -> bytes:
    """A payload's digest as WARC writes it."""
    return b"sha1:" + base64.b32encode(hashlib.sha1(body).digest())


def _flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    path.write_bytes(raw)


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a capture file that is gone": (
        lambda folder: warc_files(folder / "warc")[0].unlink(),
        "is in the database but not in the file",
    ),
    "a byte of a capture file": (
        lambda folder: _flip(warc_files(folder / "warc")[0]),
        "is damaged at byte",
    ),
    "a row that points to nothing": (
        lambda folder: execute(folder, "DELETE FROM captures WHERE id = 1"),
        "refers to a missing row of captures",
    ),
    "an index that does not hold": (
        lambda folder: (
            execute(folder, "CREATE INDEX wrong ON bulletins (title)")
            or execute(
                folder,
                "UPDATE sqlite_master SET sql = 'CREATE INDEX wrong ON bulletins (slug)'"
                " WHERE name = 'wrong'",
            )
        ),
        "bulletins.db: ",
    ),
    "an entry that the search index does not know": (
        lambda folder: execute(folder, "UPDATE entries SET text = text || '戊' WHERE id = 1"),
        "search index: entry 1 ",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_each_kind_of_damage_is_named(tmp_path: Path, name: str) -> None:
    archive(tmp_path)
    assert verify(tmp_path)[0] == 0
    damage, says = DAMAGE[name]
    damage(tmp_path)
    code, said = verify(tmp_path)
    assert code == 6, said
    assert says in said


def test_what_a_revisit_refers_to_is_looked_at(tmp_path: Path) -> None:
    """By all of verify, and by the part whose turn it is."""
    record(tmp_path, capture(body=page_html("甲。")), capture(body=page_html("乙。")))
    record(tmp_path, capture(body=page_html("甲。")), capture(status=304))
    assert verify(tmp_path)[0] == 0
    rewrite(
        tmp_path,
        lambda one: one.replace(b"-ID: <urn", b"-ID: <URN") if "甲。".encode() in one else one,
    )
    code, said = verify(tmp_path)
    assert code == 6
    assert "the revisit at byte" in said
    assert "another record is there" in said
    found = [line for number in range(4) for line in problems(tmp_path, part=(number, 4))]
    assert len(found) == 2
    assert all("the revisit at byte" in line for line in found)


def many(folder: Path, count: int) -> Path:
    """An archive with that many captures in one file; the file."""
    record(folder, *(capture(body=page_html(f"第{n}号。")) for n in range(count)))
    [path] = warc_files(folder / "warc")
    return path


def places(folder: Path) -> list[tuple[int, int]]:
    """Offset and length of each capture."""
    with closing(sqlite3.connect(folder / "bulletins.db")) as conn:
        return conn.execute("SELECT offset, length FROM captures ORDER BY id").fetchall()


def test_each_part_reads_its_captures_and_no_others(tmp_path: Path) -> None:
    """Whatever a part reads is damaged in turn; what it does not read may be anything."""
    path = many(tmp_path, 9)
    whole = path.read_bytes()
    for offset, length in places(tmp_path):
        raw = bytearray(whole)
        raw[offset : offset + length] = bytes(length)
        path.write_bytes(raw)
        found = {n: list(problems(tmp_path, part=(n, 4))) for n in range(4)}
        assert {n for n, lines in found.items() if lines} == {offset % 4}
        [line] = found[offset % 4]
        assert f"is damaged at byte {offset}" in line or f"is torn at byte {offset}" in line


def test_a_part_notices_what_was_altered_and_is_still_a_good_record(tmp_path: Path) -> None:
    archive(tmp_path)
    rewrite(tmp_path, lambda record: record.replace("乙事".encode(), "丁事".encode()))
    assert [len(noticed(tmp_path, offset)) for offset, _ in places(tmp_path)] == [0, 1, 0]
    before, after = page_html("丙事。"), page_html("戊事。")
    rewrite(
        tmp_path,
        lambda record: record.replace(before, after).replace(digest(before), digest(after)),
    )
    assert [len(noticed(tmp_path, offset)) for offset, _ in places(tmp_path)] == [0, 1, 1]


def noticed(folder: Path, offset: int) -> list[str]:
    """The problems found by the part that only the capture at that offset is in."""
    return list(problems(folder, part=(offset, 1 << 30)))


def test_every_part_notices_a_file_that_is_gone_or_shorter(tmp_path: Path) -> None:
    path = many(tmp_path, 3)
    path.write_bytes(path.read_bytes()[:-1])
    for number in range(4):
        [line] = problems(tmp_path, part=(number, 4))
        assert "is in the database but not in the file: restore the file from a backup" in line
    path.unlink()
    assert len(list(problems(tmp_path, part=(0, 4)))) == 1


def test_a_part_checks_the_database_and_the_index_as_all_do(tmp_path: Path) -> None:
    archive(tmp_path)
    execute(tmp_path, "UPDATE entries SET text = text || '戊' WHERE id = 1")
    [line] = problems(tmp_path, part=(0, 28))
    assert "search index: entry 1 " in line


@pytest.mark.parametrize(
    "nights",
    [
        pytest.param(range(60), id="every night"),
        pytest.param(range(0, 420, 7), id="once a week"),
        pytest.param(sorted(random.Random(1).sample(range(400), 90)), id="nights left out"),
    ],
)
def test_any_28_nights_that_run_read_every_capture(tmp_path: Path, nights: Sequence[int]) -> None:
    turns = []
    with Store(tmp_path, SOURCES) as store:
        for night in nights:
            begun = datetime(2026, 1, 1, 18, 30, tzinfo=UTC) + timedelta(days=night)
            # Two channels a night, one of them past midnight in UTC: a night is one turn.
            for hours in (0, 8):
                at = stamp(begun + timedelta(hours=hours))
                store.begin_crawl("mohurd", "xwfb", at)
            turns.append(tonight(tmp_path))
    assert {of for _, of in turns} == {28}
    for first in range(len(turns) - 27):
        assert {number for number, _ in turns[first : first + 28]} == set(range(28))
