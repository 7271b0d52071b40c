"""Telling once: what is new to each messenger, over nights, kills of the file and failures."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.messengers import Message, NotTold
from crawler.telling import Night, tell
from crawler.told import Trouble

FAILED = Trouble("sample", "failed", "news: block page")
STALE = Trouble("other", "stale", "nothing new for 9 days")
LOCKED = Trouble("", "locked", "another process is writing")
KEYS = [(each.source, each.kind) for each in (FAILED, STALE, LOCKED)]
NAMES = {"sample": "样例部", "other": "他部"}


@dataclass
class Keeper:
    """A messenger that keeps what it is given, on the nights on which it works."""

    name: str = "keeper"
    works: bool = True
    got: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> str:
        if not self.works:
            raise NotTold("it does not work")
        self.got.append(message)
        return ""

    def heard(self) -> list[tuple[str, str, str]]:
        """State, source and kind of all that was told."""
        return [(m.state, t.source, t.kind) for m in self.got for t in m.troubles]


def night(
    folder: Path,
    number: int,
    found: Sequence[Trouble],
    keepers: Sequence[Keeper],
    judged: Collection[tuple[str, str]] = tuple(KEYS),
    hour: int = 18,
    names: dict[str, str] | None = NAMES,
) -> list[str]:
    """One night that looked at everything; the lines that were said."""
    said: list[str] = []
    at = f"2026-11-{number:02}T{hour:02}:00:00Z"
    tell(Night(folder, at, found, judged, names, "the summary"), keepers, said.append)
    return said


def test_advice_that_asks_ends_with_its_question(tmp_path: Path) -> None:
    keeper = Keeper()
    night(tmp_path, 1, [Trouble("", "backup", "there is no folder")], [keeper])
    assert "may this user write to it?\n" in keeper.got[0].body


def test_a_trouble_is_told_once_and_its_end_once(tmp_path: Path) -> None:
    keeper = Keeper()
    for number in (1, 2, 3):
        assert night(tmp_path, number, [FAILED], [keeper]) == []
    for number in (4, 5):
        assert night(tmp_path, number, [], [keeper]) == []
    assert keeper.heard() == [("trouble", "sample", "failed"), ("recovered", "sample", "failed")]
    begun, over = keeper.got
    assert begun.subject == "bulletins: 样例部 failed"
    assert over.subject == "bulletins: 样例部 failed is over"
    assert "样例部 failed, since 2026-11-02: news: block page\nWhat to do: see" in begun.body
    assert "样例部 failed, from 2026-11-02 to 2026-11-05: news: block page" in over.body
    assert "the summary" in begun.body
    assert json.loads((tmp_path / "told.json").read_text()) == {"troubles": []}
    # The next time it is told again.
    night(tmp_path, 6, [FAILED], [keeper])
    assert len(keeper.got) == 3


def test_each_trouble_of_a_source_and_of_the_run_is_one_of_its_own(tmp_path: Path) -> None:
    keeper = Keeper()
    night(tmp_path, 1, [FAILED, STALE], [keeper])
    night(tmp_path, 2, [FAILED, Trouble("", "backup", "the disk is full")], [keeper])
    assert keeper.heard() == [
        ("trouble", "sample", "failed"),
        ("trouble", "other", "stale"),
        ("trouble", "", "backup"),
        ("recovered", "other", "stale"),
    ]
    assert [message.subject for message in keeper.got] == [
        "bulletins: 样例部 failed, 他部 stale",
        "bulletins: backup (the run itself)",
        "bulletins: 他部 stale is over",
    ]


def test_what_a_night_did_not_look_at_is_not_over(tmp_path: Path) -> None:
    keeper = Keeper()
    night(tmp_path, 1, [FAILED], [keeper])
    night(tmp_path, 2, [], [keeper], judged=[("", "cannot-write")], names=None)
    assert [state for state, _, _ in keeper.heard()] == ["trouble"]
    night(tmp_path, 3, [], [keeper])
    assert [state for state, _, _ in keeper.heard()] == ["trouble", "recovered"]


def test_locked_is_told_on_the_second_night_in_a_row(tmp_path: Path) -> None:
    keeper = Keeper()
    only = [("", "locked")]
    night(tmp_path, 1, [LOCKED], [keeper], only)
    # The same night in China, once more by hand.
    night(tmp_path, 1, [LOCKED], [keeper], only, hour=20)
    night(tmp_path, 2, [], [keeper])
    night(tmp_path, 3, [LOCKED], [keeper], only)
    assert keeper.heard() == []
    night(tmp_path, 4, [LOCKED], [keeper], only)
    assert keeper.heard() == [("trouble", "", "locked")]
    night(tmp_path, 5, [LOCKED], [keeper], only)
    assert keeper.heard() == [("trouble", "", "locked")]
    assert "since 2026-11-04" in keeper.got[0].body
    night(tmp_path, 6, [], [keeper])
    assert keeper.heard()[1:] == [("recovered", "", "locked")]


def test_what_did_not_get_through_is_tried_the_next_night_by_that_messenger_alone(
    tmp_path: Path,
) -> None:
    good, bad = Keeper("good"), Keeper("bad", works=False)
    said = night(tmp_path, 1, [FAILED], [bad, good])
    assert said == [
        "could not tell by bad: it does not work; it is tried again the next night",
    ]
    bad.works = True
    assert night(tmp_path, 2, [FAILED], [bad, good]) == []
    assert good.heard() == bad.heard() == [("trouble", "sample", "failed")]
    bad.works = False
    assert len(night(tmp_path, 3, [], [bad, good])) == 1
    bad.works = True
    night(tmp_path, 4, [], [bad, good])
    night(tmp_path, 5, [], [bad, good])
    assert good.heard() == bad.heard()
    assert [state for state, _, _ in bad.heard()] == ["trouble", "recovered"]


def test_a_messenger_that_comes_later_learns_what_lasts(tmp_path: Path) -> None:
    night(tmp_path, 1, [FAILED], [])
    keeper = Keeper()
    night(tmp_path, 2, [FAILED, STALE], [keeper])
    assert [(t.kind, t.since[:10]) for t in keeper.got[0].troubles] == [
        ("failed", "2026-11-01"),
        ("stale", "2026-11-02"),
    ]


def test_a_trouble_that_nobody_was_told_of_is_over_without_a_word(tmp_path: Path) -> None:
    keeper = Keeper(works=False)
    night(tmp_path, 1, [FAILED], [keeper])
    keeper.works = True
    night(tmp_path, 2, [], [keeper])
    assert keeper.got == []


def test_a_source_that_is_taken_away_is_not_told_of_again(tmp_path: Path) -> None:
    keeper = Keeper()
    night(tmp_path, 1, [FAILED], [keeper])
    night(tmp_path, 2, [], [keeper], names={"other": "他部"})
    assert [state for state, _, _ in keeper.heard()] == ["trouble"]
    assert json.loads((tmp_path / "told.json").read_text()) == {"troubles": []}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[]", b'{"troubles": [{"source": 1}]}', b"[" * 100_000]
)
def test_a_broken_file_is_set_aside_and_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "told.json").write_bytes(content)
    keeper = Keeper()
    [said] = night(tmp_path, 1, [FAILED], [keeper])
    assert "set aside as" in said
    assert "\n" not in said
    assert (tmp_path / "told.json.broken").read_bytes() == content
    assert night(tmp_path, 2, [FAILED], [keeper]) == []
    assert keeper.heard() == [("trouble", "sample", "failed")]


@given(st.binary(max_size=200))
@settings(max_examples=min(2_000, settings().max_examples // 10))
def test_whatever_the_file_holds_the_trouble_is_told(content: bytes) -> None:
    with TemporaryDirectory() as name:
        (Path(name) / "told.json").write_bytes(content)
        keeper = Keeper()
        night(Path(name), 1, [FAILED], [keeper])
        assert keeper.heard() == [("trouble", "sample", "failed")]


def test_the_file_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    night(tmp_path, 1, [FAILED], [])
    before = (tmp_path / "told.json").read_bytes()

    def full(path: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    keeper = Keeper()
    [said] = night(tmp_path, 2, [STALE], [keeper])
    assert "cannot write" in said
    assert "No space left on device" in said
    assert keeper.heard() == [("trouble", "other", "stale")]
    assert (tmp_path / "told.json").read_bytes() == before


def test_a_folder_that_cannot_be_written_is_told_of(tmp_path: Path) -> None:
    """The data folder of a disk that is not there any more."""
    keeper = Keeper()
    trouble = Trouble("", "cannot-write", "cannot write the folder")
    said = night(tmp_path / "gone", 1, [trouble], [keeper])
    assert keeper.heard() == [("trouble", "", "cannot-write")]
    assert len(said) == 1
    assert night(tmp_path / "gone", 1, [trouble], []) == []
    assert not (tmp_path / "gone").exists()


def test_two_nights_at_once_take_turns(tmp_path: Path) -> None:
    """Each reads what the other has written: nothing is told twice."""
    keeper = Keeper()
    threads = [Thread(target=night, args=(tmp_path, 1, [FAILED], [keeper])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert keeper.heard() == [("trouble", "sample", "failed")]


NIGHTS = st.lists(
    st.tuples(
        st.sets(st.sampled_from([FAILED, STALE]), max_size=2),
        st.booleans(),
        st.booleans(),
    ),
    max_size=12,
)


@given(NIGHTS)
@settings(max_examples=min(2_000, settings().max_examples // 10))
def test_each_messenger_hears_beginning_and_end_in_turns(
    nights: list[tuple[set[Trouble], bool, bool]],
) -> None:
    """And in the end, once it works, it knows exactly what is wrong."""
    with TemporaryDirectory() as name:
        keepers = [Keeper("a"), Keeper("b")]
        found: set[Trouble] = set()
        for number, (found, a, b) in enumerate(nights, start=1):
            keepers[0].works, keepers[1].works = a, b
            night(Path(name), number, sorted(found, key=lambda t: t.kind), keepers)
        for keeper in keepers:
            keeper.works = True
        night(Path(name), 28, sorted(found, key=lambda t: t.kind), keepers)
        for keeper in keepers:
            for trouble in (FAILED, STALE):
                heard = [s for s, source, _ in keeper.heard() if source == trouble.source]
                turns = ["trouble", "recovered"] * len(heard)
                assert heard == turns[: len(heard)]
                assert (heard[-1:] == ["trouble"]) == (trouble in found)
