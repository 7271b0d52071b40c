"""``bulletins review``: what is held is listed, shown, accepted or rejected; a rebuild keeps it."""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archive.captures.decisions import Decision, decision_of, decision_record
from archive.captures.reading import read_record
from archive.captures.warc import Location, warc_files
from archive.captures.writing import WarcWriter
from archive.errors import Damaged
from archive.storage.rebuild import rebuild
from archive.storage.store import Store
from crawler.cli import main
from tests.crawling import rows, tables
from tests.test_holds import MENDING, address, holds, lists, open_incidents, page, record, text
from tests.test_store import SOURCES, same_after_rebuild

SHORT = text(1)[:60]
NOW = "2026-11-10T02:00:00Z"


def review(folder: Path, *words: str | int) -> Result:
    return CliRunner().invoke(
        main,
        ["review", *map(str, words), "--data", str(folder)],
        env={"BULLETINS_NOW": NOW, "BULLETINS_CONTACT": "you@example.org"},
    )


def held(folder: Path) -> int:
    """One page with a held answer, at capture 2."""
    record(folder, page(1, 1), page(1, 2, SHORT))
    return 2


def test_what_is_held_is_listed(tmp_path: Path) -> None:
    record(tmp_path, page(1, 1))
    assert review(tmp_path).output == "nothing is held\n"
    record(tmp_path, page(1, 2, SHORT), lists(range(1, 3), 2))
    record(tmp_path, page(2, 2, MENDING, "致各位读者"))
    heading, first, second = review(tmp_path).output.splitlines()
    assert heading.split() == ["capture", "bulletin", "title", "reason", "since", "nights"]
    assert first.split()[0:2] == ["2", "mohurd-1"]
    assert first.split()[-3:] == ["shrunk", "2026-11-02T18:00:00Z", "1"]
    assert second.split()[0:3] == ["4", "(new)", "致各位读者"]
    found = json.loads(review(tmp_path, "--json").output)
    assert [(one["capture"], one["reason"], one["address"]) for one in found] == [
        (2, "shrunk", address(1)),
        (4, "title-unlike", address(2)),
    ]


def test_a_held_page_is_shown_beside_the_current_revision(tmp_path: Path) -> None:
    shown = review(tmp_path, "show", held(tmp_path)).output.splitlines()
    assert shown[0] == address(1)
    assert shown[1].startswith("the text has ")
    assert f"-{text(1)}" in shown
    assert f"+{SHORT}" in shown


def test_a_held_page_that_is_new_is_shown_whole(tmp_path: Path) -> None:
    record(tmp_path, lists(range(1, 2), 1), page(1, 1, MENDING, "致各位读者"))
    shown = review(tmp_path, "show", 2).output.splitlines()
    assert shown[3:] == [
        "in the list: 青海农村危房改造进展顺利",
        "致各位读者",
        "2020-05-28",
        MENDING,
    ]


def test_what_was_decided_is_shown_with_when_and_by_whom(tmp_path: Path) -> None:
    record(tmp_path, page(1, 1), page(2, 1), page(1, 2, SHORT), page(2, 2, text(2)[:60]))
    assert review(tmp_path, "reject", 3).exit_code == 0
    assert review(tmp_path, "accept", 4).exit_code == 0
    # Later answers and decisions about others change nothing of it.
    record(tmp_path, page(1, 3, SHORT), page(3, 3), page(3, 4, text(3)[:60]))
    for capture, verdict in ((3, "rejected"), (4, "accepted")):
        shown = review(tmp_path, "show", capture).output.splitlines()
        assert shown[1].startswith("the text has ")
        assert shown[2] == f"{verdict} on {NOW} by you@example.org"
    assert review(tmp_path, "show", 7).output.splitlines()[2] == ""
    record(tmp_path, page(3, 5))
    shown = review(tmp_path, "show", 7).output.splitlines()
    assert shown[2] == "withdrawn on 2026-11-05T18:00:00Z: its address answered otherwise"


def test_what_is_accepted_is_a_revision(tmp_path: Path) -> None:
    capture = held(tmp_path)
    record(tmp_path, page(2, 2), page(1, 2, SHORT, ETag='"late"'))
    done = review(tmp_path, "accept", capture)
    assert (done.exit_code, done.output) == (0, f"{address(1)}: accepted\n")
    assert holds(tmp_path) == [(address(1), "shrunk", 1, "accepted")]
    assert rows(tmp_path, "SELECT settled_at FROM holds") == [(NOW,)]
    # The revision is of the last capture that says so.
    assert rows(tmp_path, "SELECT number, capture FROM revisions WHERE bulletin = 1") == [
        (1, 1),
        (2, 4),
    ]
    assert rows(tmp_path, "SELECT text FROM entries WHERE bulletin = 1") == [(SHORT,)]
    assert rows(tmp_path, "SELECT etag FROM addresses WHERE bulletin = 1") == [('"late"',)]
    assert rows(tmp_path, "SELECT resolved_at FROM incidents") == [(NOW,)]
    assert review(tmp_path).output == "nothing is held\n"
    same_after_rebuild(tmp_path)
    assert record(tmp_path, page(1, 3, SHORT)) == ["same"]
    same_after_rebuild(tmp_path)


def test_what_is_accepted_may_be_a_new_bulletin(tmp_path: Path) -> None:
    record(tmp_path, lists(range(1, 2), 1), page(1, 1, MENDING, "致各位读者"))
    assert review(tmp_path, "accept", 2).exit_code == 0
    assert rows(tmp_path, "SELECT slug, title, revision FROM bulletins") == [
        ("mohurd-1", "致各位读者", 1)
    ]
    same_after_rebuild(tmp_path)


def test_what_is_rejected_is_never_believed_until_it_changes(tmp_path: Path) -> None:
    capture = held(tmp_path)
    assert review(tmp_path, "reject", capture).output == f"{address(1)}: rejected\n"
    assert open_incidents(tmp_path) == []
    for night in (3, 4, 5):
        assert record(tmp_path, page(1, night, SHORT)) == ["held"]
    assert holds(tmp_path) == [(address(1), "shrunk", 4, "rejected")]
    assert open_incidents(tmp_path) == []
    assert review(tmp_path).output == "nothing is held\n"
    assert record(tmp_path, page(1, 6, SHORT[:50])) == ["held"]
    assert record(tmp_path, page(1, 7, SHORT[:50])) == ["revised"]
    same_after_rebuild(tmp_path)


def test_several_are_decided_in_one_go_or_none(tmp_path: Path) -> None:
    record(tmp_path, page(1, 1), page(2, 1), page(1, 2, SHORT), page(2, 2, text(2)[:60]))
    done = review(tmp_path, "accept", 3, 4, 99)
    assert done.exit_code == 2
    assert "capture 99 is not held: see `bulletins review`" in done.output
    assert [verdict for *_, verdict in holds(tmp_path)] == [None, None]
    done = review(tmp_path, "accept", 3, 4, 3)
    assert done.exit_code == 0
    assert done.output.splitlines()[-1] == f"{address(1)}: decided already"
    assert rows(tmp_path, "SELECT revision FROM bulletins") == [(2,), (2,)]
    done = review(tmp_path, "reject", 3)
    assert done.exit_code == 2
    assert f"capture 3 is no longer held (accepted on {NOW})" in done.output


@pytest.mark.long
@pytest.mark.parametrize("words", [("show", 1), ("accept", 1), ("reject", 7)])
def test_a_capture_that_is_not_held_is_named(tmp_path: Path, words: tuple[str, int]) -> None:
    record(tmp_path, page(1, 1))
    done = review(tmp_path, *words)
    assert done.exit_code == 2
    assert done.output.count("\n") == 1
    assert f"capture {words[1]} is not held" in done.output


@pytest.mark.long
@pytest.mark.parametrize("words", [(), ("show", 1), ("accept", 1), ("reject", 1)])
def test_without_an_archive_nothing_is_made(tmp_path: Path, words: tuple[str, int]) -> None:
    done = review(tmp_path / "none", *words)
    assert done.exit_code == 2
    assert "no archive in" in done.output
    assert not (tmp_path / "none").exists()


def test_the_decision_is_a_record_beside_the_captures(tmp_path: Path) -> None:
    capture = held(tmp_path)
    assert review(tmp_path, "reject", capture).exit_code == 0
    raw = b"".join(path.read_bytes() for path in warc_files(tmp_path / "warc"))
    said = gzip.decompress(raw).split(b"WARC/1.1\r\n")[-1]
    assert b"WARC-Type: metadata" in said
    assert b"WARC-Refers-To: <urn:uuid:" in said
    assert f"WARC-Date: {NOW}".encode() in said
    assert b'"by": "you@example.org"' in said
    # A database that is gone is made again, with what was decided.
    before = tables(tmp_path)
    (tmp_path / "bulletins.db").unlink()
    rebuild(tmp_path, SOURCES)
    assert tables(tmp_path) == before


def test_a_decision_that_the_database_missed_is_taken_in(tmp_path: Path) -> None:
    capture = held(tmp_path)
    saved = (tmp_path / "bulletins.db").read_bytes()
    assert review(tmp_path, "accept", capture).exit_code == 0
    after = tables(tmp_path)
    (tmp_path / "bulletins.db").write_bytes(saved)
    for _ in range(2):
        with Store(tmp_path, SOURCES):
            pass
        assert tables(tmp_path) == after


DECISION = Decision(
    verdict="accepted",
    at=NOW,
    by="样例",
    source="mohurd",
    url="https://www.sample.example/1.html",
    address="https://www.sample.example/1.html",
    fetched_at="2026-11-02T18:00:00Z",
    digest="sha1:A",
    record_id="<urn:uuid:1>",
)


def test_a_decision_is_read_as_it_was_written(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path)
    writer.append_decision(DECISION)
    start = (tmp_path / "captures-000001.warc.gz").stat().st_size
    other = replace(DECISION, verdict="rejected")
    writer.append_decision(other)
    writer.close()
    place = Location("captures-000001.warc.gz", start, len(decision_record(other)), "")
    assert read_record(tmp_path, place) == other


@pytest.mark.parametrize(
    "block", [b"", b"[]", b"{}", b'{"verdict": "accepted"}', b"\xff", b"null", b'"x"']
)
def test_a_record_that_is_no_decision_is_damage(block: bytes) -> None:
    with pytest.raises(Damaged, match="byte 7"):
        decision_of(block, "a.warc.gz, byte 7")


def test_a_decision_of_another_kind_is_damage() -> None:
    for change in ({"verdict": "perhaps"}, {"by": 3}):
        block = json.dumps(asdict(DECISION) | change).encode()
        with pytest.raises(Damaged, match="a value that is none"):
            decision_of(block, "here")
