"""Backup and restore: consistent, checked, kept as promised, and never worse than before."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.captures.warc import warc_files
from archive.errors import ArchiveError, CannotWrite, Damaged, Locked
from archive.storage import space
from archive.storage.backup import back_up, to_keep
from archive.storage.backup_folder import read_manifest
from archive.storage.lock import lock
from archive.storage.rebuild import rebuild
from archive.storage.restore import restore
from archive.storage.store import Store
from archive.storage.verify import problems
from crawler.cli import main
from tests.crawling import tables
from tests.foreign import Record, warc
from tests.test_flush import room_for
from tests.test_import import bring
from tests.test_store import HOME, SOURCES, capture, page_html

DAY = date(2026, 11, 25)
TOML = 'name = "样例"\n'


def pages(folder: Path, *numbers: int) -> None:
    """Add captures of pages of these numbers; each opening begins a WARC file of its own."""
    with Store(folder, SOURCES) as store:
        store.warc.rotate_bytes = 1
        for number in numbers:
            address = f"{HOME}/xwfb/202005/t20200529_{number}.html"
            store.record(capture(address, page_html(f"第{number}号。")))
            store.warc.rotate_bytes = 1 << 30


def run(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with three WARC files and files of its own; not to be changed."""
    folder = tmp_path_factory.mktemp("made") / "data"
    for numbers in ((1, 2), (3, 4), (5, 6)):
        pages(folder, *numbers)
    (folder / "sources").mkdir()
    (folder / "sources" / "own.toml").write_text(TOML, encoding="utf-8")
    (folder / "nightly.toml").write_text("# 样例\n", encoding="utf-8")
    (folder / "nightly.toml").chmod(0o600)
    return folder


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    """A copy of that archive."""
    return Path(shutil.copytree(made, tmp_path / "data"))


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """An empty folder for backups."""
    folder = tmp_path / "kept"
    folder.mkdir()
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a folder, the manifest and the lock left out."""
    found = {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_file()}
    return {k: p.read_bytes() for k, p in found.items() if k not in ("manifest.json", ".lock")}


def spoil(path: Path) -> None:
    """Turn a byte in the middle of a file."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    path.write_bytes(raw)


# Which databases are kept


def test_seven_days_four_weeks_and_twelve_months_are_kept() -> None:
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(3 * 366)]
    kept = sorted(to_keep(days), reverse=True)
    assert kept[:7] == days[:-8:-1]
    # 2027-01-02 is the last day. Sundays end weeks, and the last days of months end those.
    assert [str(day) for day in kept[7:]] == [
        *("2026-12-20", "2026-12-13", "2026-11-30", "2026-10-31", "2026-09-30", "2026-08-31"),
        *("2026-07-31", "2026-06-30", "2026-05-31", "2026-04-30", "2026-03-31", "2026-02-28"),
    ]


DAYS = st.sets(st.dates(date(2024, 1, 1), date(2027, 12, 31)))


@given(DAYS)
def test_what_is_kept_is_bounded_and_has_the_newest_of_each_period(days: set[date]) -> None:
    kept = to_keep(days)
    assert kept <= days
    assert len(kept) <= 7 + 4 + 12
    assert to_keep(kept) == kept
    assert set(sorted(days)[-7:]) <= kept
    for many, period in ((4, lambda d: d.isocalendar()[:2]), (12, lambda d: (d.year, d.month))):
        for one in sorted({period(day) for day in days})[-many:]:
            assert max(day for day in days if period(day) == one) in kept


@given(DAYS)
@settings(max_examples=min(2_000, settings().max_examples))
def test_thinning_out_every_night_keeps_what_thinning_out_once_would(days: set[date]) -> None:
    there: set[date] = set()
    for day in sorted(days):
        there = to_keep(there | {day})
    assert there == to_keep(days)


@pytest.mark.long
def test_a_backup_thins_out_databases_and_no_captures(data: Path, kept: Path) -> None:
    days = [DAY + timedelta(days=7 * n) for n in range(20)]
    for day in days:
        done = back_up(data, kept, day)
    there = {path.name for path in (kept / "db").iterdir()}
    assert there == {f"bulletins-{day}.db" for day in to_keep(days)}
    assert done.kept == len(there)
    assert len(warc_files(kept / "warc")) == 3


def test_a_clock_set_back_does_not_cost_the_backup_just_made(data: Path, kept: Path) -> None:
    for number in range(13):
        back_up(data, kept, DAY + timedelta(days=31 * number))
    pages(data, 7)
    back_up(data, kept, DAY - timedelta(days=400))
    again = kept.parent / "again"
    assert restore(kept, again).captures == 7
    assert tables(again) == tables(data)


# A backup


def test_a_restore_drill_ends_with_equal_rows_and_nothing_to_complain_of(
    data: Path, kept: Path, tmp_path: Path
) -> None:
    code, said = run("backup", "--to", kept, "--data", data)
    assert code == 0, said
    assert "6 captures; 3 files copied" in said
    again = tmp_path / "again"
    code, said = run("restore", kept, "--data", again)
    assert code == 0, said
    assert "is restored and whole" in said
    assert tables(again) == tables(data)
    assert run("verify", "--data", again, "--full") == (0, f"{again} is whole\n")
    assert (again / "sources" / "own.toml").read_text(encoding="utf-8") == TOML
    assert (again / "nightly.toml").stat().st_mode & 0o777 == 0o600
    assert contents(again / "warc") == contents(data / "warc")
    assert rebuild(again, SOURCES) == 6
    assert tables(again) == tables(data)
    # Nothing but the archive is left there.
    assert not list(again.glob(".rest*"))


def test_only_what_is_new_is_copied_again(data: Path, kept: Path) -> None:
    assert back_up(data, kept, DAY).copied == tuple(f"captures-00000{n}.warc.gz" for n in (1, 2, 3))
    assert back_up(data, kept, DAY).copied == ()
    with Store(data, SOURCES) as store:
        store.record(capture(body=page_html("又一号。")))
    assert back_up(data, kept, DAY).copied == ("captures-000003.warc.gz",)
    pages(data, 7)
    done = back_up(data, kept, DAY)
    assert done.copied == ("captures-000004.warc.gz",)
    assert (done.captures, done.kept) == (8, 1)


def test_the_copy_of_the_newest_file_ends_with_a_whole_record(data: Path, kept: Path) -> None:
    """Whoever is writing now may be in the middle of one."""
    newest = warc_files(data / "warc")[-1]
    whole = newest.read_bytes()
    newest.write_bytes(whole + warc_files(data / "warc")[0].read_bytes()[:50])
    back_up(data, kept, DAY)
    assert (kept / "warc" / newest.name).read_bytes() == whole


def test_a_backup_beside_a_writer_and_a_reader_is_one_moment(
    data: Path, kept: Path, tmp_path: Path
) -> None:
    before = tables(data)
    reader = sqlite3.connect(data / "bulletins.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM entries").fetchone()
    with Store(data, SOURCES) as store:
        store.record(capture(body=page_html("还没有提交。")))
        back_up(data, kept, DAY)
        restore(kept, tmp_path / "again")
        assert tables(tmp_path / "again") == before
    reader.close()
    # What had been captured and not been committed was copied too.
    with Store(tmp_path / "again", SOURCES) as store:
        assert store.recovered == 1
    assert tables(tmp_path / "again") == tables(data)


@pytest.mark.parametrize("harm", [spoil, Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_copy_that_is_not_what_was_copied_is_copied_anew(
    data: Path, kept: Path, harm: Callable[[Path], object]
) -> None:
    back_up(data, kept, DAY)
    before = contents(kept)
    harm(kept / "warc" / "captures-000002.warc.gz")
    said: list[str] = []
    assert back_up(data, kept, DAY, say=said.append).copied == ("captures-000002.warc.gz",)
    assert said == [
        f"{kept}/warc/captures-000002.warc.gz is not what was backed up: copying it anew"
    ]
    assert contents(kept) == before


def test_a_part_of_the_copies_is_read_again_each_night(data: Path, kept: Path) -> None:
    back_up(data, kept, DAY)
    spoil(kept / "warc" / "captures-000002.warc.gz")
    assert back_up(data, kept, DAY, part=(0, 2)).copied == ()
    assert back_up(data, kept, DAY, part=(1, 2)).copied == ("captures-000002.warc.gz",)


@pytest.mark.parametrize("number", [1, 3])
def test_captures_that_were_damaged_here_never_replace_their_copy(
    data: Path, kept: Path, number: int
) -> None:
    back_up(data, kept, DAY)
    before = contents(kept)
    spoil(data / "warc" / f"captures-00000{number}.warc.gz")
    with pytest.raises(Damaged, match=r"does not begin with what .* the copy is kept"):
        back_up(data, kept, DAY)
    assert contents(kept).keys() == before.keys()
    for name in (n for n in before if n.startswith("warc/")):
        assert contents(kept)[name] == before[name]
    # The person restores the file from there, as they are told.
    shutil.copy(kept / "warc" / f"captures-00000{number}.warc.gz", data / "warc")
    assert list(problems(data)) == []
    assert back_up(data, kept, DAY).copied == ()


def test_another_archive_is_not_backed_up_over_this_one(
    data: Path, kept: Path, tmp_path: Path
) -> None:
    back_up(data, kept, DAY)
    before = contents(kept)
    pages(tmp_path / "other", *range(20, 40))
    with pytest.raises(Damaged, match="or the backup is of another archive"):
        back_up(tmp_path / "other", kept, DAY + timedelta(days=1))
    assert contents(kept) == before


def test_a_smaller_archive_of_the_same_day_leaves_database_and_own_files_as_they_are(
    data: Path, kept: Path, tmp_path: Path
) -> None:
    """Its database knows nothing beyond what the copies have, and is not theirs all the same."""
    back_up(data, kept, DAY)
    before = contents(kept)
    pages(tmp_path / "other", 20)
    pages(tmp_path / "other", 21)
    (tmp_path / "other" / "nightly.toml").write_text("# 另一个样例\n", encoding="utf-8")
    with pytest.raises(Damaged, match=r"another archive.*nothing was backed up"):
        back_up(tmp_path / "other", kept, DAY)
    assert contents(kept) == before


def test_an_archive_that_shares_no_file_name_with_the_backup_is_another_one(
    data: Path, kept: Path, tmp_path: Path
) -> None:
    """As one is that began with an import, or has no captures yet."""
    back_up(data, kept, DAY)
    before = contents(kept)
    pages(tmp_path / "other", *range(20, 23))
    for path in warc_files(tmp_path / "other" / "warc"):
        path.rename(path.with_name(path.name.replace(".warc", "-imported.warc")))
    with Store(tmp_path / "new", SOURCES):
        pass
    for other in ("other", "new"):
        with pytest.raises(Damaged, match="is a backup of another archive, whose warc/captures-"):
            back_up(tmp_path / other, kept, DAY + timedelta(days=1))
        assert contents(kept) == before


def test_an_archive_whose_first_file_is_damaged_is_the_same_still(data: Path, kept: Path) -> None:
    back_up(data, kept, DAY)
    first, *_ = warc_files(data / "warc")
    copy = (kept / "warc" / first.name).read_bytes()
    first.write_bytes(b"noise" * (len(copy) // 5))
    pages(data, 7)
    with pytest.raises(Damaged, match="does not begin with what"):
        back_up(data, kept, DAY + timedelta(days=1))
    assert (kept / "warc" / first.name).read_bytes() == copy
    assert len(warc_files(kept / "warc")) == len(warc_files(data / "warc")) == 4


def test_a_damaged_database_is_not_backed_up_and_the_captures_are(data: Path, kept: Path) -> None:
    back_up(data, kept, DAY)
    good = (kept / "db" / f"bulletins-{DAY}.db").read_bytes()
    pages(data, 7)
    for file in data.glob("bulletins.db-*"):
        file.unlink()
    (data / "bulletins.db").write_bytes(os.urandom(50_000))
    code, said = run("backup", "--to", kept, "--data", data)
    assert code == 6
    assert "was not backed up, only its captures were" in said
    assert [path.read_bytes() for path in (kept / "db").iterdir()] == [good]
    assert len(warc_files(kept / "warc")) == 4


def test_a_database_with_a_damaged_page_is_not_backed_up(data: Path, kept: Path) -> None:
    back_up(data, kept, DAY)
    with closing(sqlite3.connect(data / "bulletins.db")) as conn:
        [(page,)] = conn.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'entries_by_date'"
        )
    raw = bytearray((data / "bulletins.db").read_bytes())
    raw[4096 * (page - 1) : 4096 * page] = os.urandom(4096)
    (data / "bulletins.db").write_bytes(raw)
    with pytest.raises(Damaged, match="was not backed up, only its captures were"):
        back_up(data, kept, DAY + timedelta(days=1))
    assert [path.name for path in (kept / "db").iterdir()] == [f"bulletins-{DAY}.db"]


def test_a_database_that_knows_lost_captures_is_not_backed_up(data: Path, kept: Path) -> None:
    """All that a database in a backup knows is in the backup's captures."""
    (data / "warc" / "captures-000002.warc.gz").unlink()
    with pytest.raises(Damaged, match="knows captures of captures-000002"):
        back_up(data, kept, DAY)
    assert list((kept / "db").iterdir()) == []


def test_files_of_its_own_follow_their_changes(data: Path, kept: Path) -> None:
    back_up(data, kept, DAY)
    (data / "sources" / "own.toml").write_text("name = '另一个'\n", encoding="utf-8")
    back_up(data, kept, DAY)
    assert "另一个" in (kept / "sources" / "own.toml").read_text(encoding="utf-8")


# Requests that are refused


def test_folders_that_cannot_be_meant_are_refused(data: Path, kept: Path, tmp_path: Path) -> None:
    (data / "inside").mkdir()
    (tmp_path / "file").touch()
    (kept / "something").touch()
    (tmp_path / "empty").mkdir()
    refused: dict[tuple[Path, Path], tuple[int, str]] = {
        (data, data / "inside"): (2, "is in the data folder"),
        (data, data): (2, "is in the data folder"),
        (data, kept): (2, "is neither empty nor a backup"),
        (data, tmp_path / "file"): (2, "is a file"),
        (data, tmp_path / "missing"): (7, "there is no folder"),
        (data, tmp_path / "file" / "below"): (2, "is a file"),
        (tmp_path / "nothing", tmp_path / "empty"): (2, "no archive in"),
    }
    for (of, into), (code, words) in refused.items():
        got, said = run("backup", "--to", into, "--data", of)
        assert (got, said.count("\n")) == (code, 1), said
        assert words in said
    assert list((data / "inside").iterdir()) == list((tmp_path / "empty").iterdir()) == []


def test_two_backups_at_once_are_one_too_many(data: Path, kept: Path) -> None:
    back_up(data, kept, DAY)
    with lock(kept):
        with pytest.raises(Locked):
            back_up(data, kept, DAY)
        with pytest.raises(Locked):
            restore(kept, kept.parent / "again")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 2}', '{"files": {"../x": []}}', '{"files": {"warc": 1}}']
)
def test_a_manifest_that_is_none_is_damage_and_costs_no_copy(
    data: Path, kept: Path, text: str
) -> None:
    back_up(data, kept, DAY)
    (kept / "manifest.json").write_text(text, encoding="utf-8")
    before = contents(kept)
    for words in (("backup", "--to", kept), ("restore", kept)):
        code, said = run(*words, "--data", data if words[0] == "backup" else kept.parent / "new")
        assert (code, said.count("\n")) == (6, 1), said
    assert contents(kept) == before


def test_a_folder_with_an_archive_is_not_restored_over(data: Path, kept: Path) -> None:
    back_up(data, kept, DAY)
    before = contents(data)
    code, said = run("restore", kept, "--data", data)
    assert code == 2
    assert "has an archive already" in said
    (data / "bulletins.db").unlink()
    assert run("restore", kept, "--data", data)[0] == 2
    assert contents(data) == {k: v for k, v in before.items() if k != "bulletins.db"}


def test_what_a_person_put_there_before_is_left_as_it_is(
    data: Path, kept: Path, tmp_path: Path
) -> None:
    back_up(data, kept, DAY)
    again = tmp_path / "again"
    (again / "sources").mkdir(parents=True)
    (again / "sources" / "own.toml").write_text("mine", encoding="utf-8")
    code, said = run("restore", kept, "--data", again)
    assert code == 0, said
    assert "own.toml is left as it is" in said
    assert (again / "sources" / "own.toml").read_text(encoding="utf-8") == "mine"
    assert (again / "nightly.toml").exists()


def test_no_backup_and_no_such_day_are_refused(data: Path, kept: Path, tmp_path: Path) -> None:
    back_up(data, kept, DAY)
    for words, says in (
        ([tmp_path / "nowhere"], "holds no backup"),
        ([data], "holds no backup"),
        ([kept, "--day", "2020-01-01"], f"has no database of 2020-01-01: there are {DAY}"),
        ([kept, "--day", "2026-02-30"], "does not match the format"),
    ):
        code, said = run("restore", *words, "--data", tmp_path / "again")
        assert code == 2, said
        assert says in said
    assert not (tmp_path / "again").exists()


# Restoring


def test_the_database_of_an_earlier_day_learns_of_the_later_captures(
    data: Path, kept: Path, tmp_path: Path
) -> None:
    back_up(data, kept, DAY)
    earlier = tables(data)
    pages(data, 7, 8)
    back_up(data, kept, DAY + timedelta(days=1))
    again = tmp_path / "again"
    code, said = run("restore", kept, "--data", again, "--day", str(DAY))
    assert code == 0, said
    assert tables(again) == earlier
    assert list(problems(again)) == []
    with Store(again, SOURCES) as store:
        assert store.recovered == 2
    assert tables(again) == tables(data)


def test_imported_captures_are_backed_up_and_an_earlier_database_learns_of_them(
    data: Path, kept: Path, tmp_path: Path
) -> None:
    back_up(data, kept, DAY)
    # It is no source, which reading commands refuse.
    (data / "sources" / "own.toml").unlink()
    bring(data, warc(tmp_path / "theirs.warc", Record(body=page_html("从前。"))))
    pages(data, 7)
    assert back_up(data, kept, DAY + timedelta(days=1)).copied == (
        "captures-000004-imported.warc.gz",
        "captures-000005.warc.gz",
    )
    for number, day in enumerate((None, DAY)):
        again = tmp_path / f"again{number}"
        restore(kept, again, day)
        assert contents(again / "warc").keys() == contents(data / "warc").keys()
        with Store(again, SOURCES):
            pass
        assert tables(again) == tables(data)
        assert list(problems(again)) == []


@pytest.mark.parametrize("name", ["db/bulletins-2026-11-25.db", "warc/captures-000001.warc.gz"])
@pytest.mark.parametrize("harm", [spoil, Path.unlink])
def test_a_copy_that_is_not_what_was_backed_up_is_not_restored(
    data: Path, kept: Path, tmp_path: Path, name: str, harm: Callable[[Path], object]
) -> None:
    back_up(data, kept, DAY)
    harm(kept / name)
    again = tmp_path / "again"
    with pytest.raises(ArchiveError, match=r"is not what was backed up|is missing|no database"):
        restore(kept, again)
    assert contents(again) == {} if again.exists() else True


def test_captures_that_were_damaged_before_they_were_backed_up_are_not_restored(
    data: Path, kept: Path, tmp_path: Path
) -> None:
    spoil(data / "warc" / "captures-000001.warc.gz")
    back_up(data, kept, DAY)
    with pytest.raises(Damaged, match=r"cannot be restored whole, .*captures-000001"):
        restore(kept, tmp_path / "again")
    assert contents(tmp_path / "again") == {}


def test_readers_and_writers_go_on_in_a_restored_folder(
    data: Path, kept: Path, tmp_path: Path
) -> None:
    """The copy is made in another mode, in which a reader would keep a crawl out."""
    back_up(data, kept, DAY)
    restore(kept, tmp_path / "again")
    reader = sqlite3.connect(tmp_path / "again" / "bulletins.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM entries").fetchone()
    pages(tmp_path / "again", 7)
    reader.close()


# A full disk


@contextmanager
def left(monkeypatch: pytest.MonkeyPatch, free: int) -> Iterator[None]:
    """A disk with that much room, as the system says it."""
    usage = shutil.disk_usage("/")
    with monkeypatch.context() as patch:
        patch.setattr(space.shutil, "disk_usage", lambda _: usage._replace(free=free))
        yield


def test_a_disk_with_too_little_room_is_not_begun_on(
    data: Path, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(data, kept, DAY)
    pages(data, 7)
    before = contents(kept)
    with left(monkeypatch, 10_000):
        code, said = run("backup", "--to", kept, "--data", data)
        assert code == 7
        assert f"the disk of {kept} has 10 kB left and" in said
        assert contents(kept) == before
        code, said = run("restore", kept, "--data", tmp_path / "again")
        assert code == 7
        assert contents(tmp_path / "again") == {}
    assert back_up(data, kept, DAY).captures == 7
    assert restore(kept, tmp_path / "again").captures == 7


@pytest.mark.parametrize("size", [10, 600, 2_000, 100_000])
def test_a_disk_that_fills_on_the_way_costs_nothing(
    data: Path, kept: Path, tmp_path: Path, size: int
) -> None:
    """The manifest, a WARC file or the database is the one that does not fit."""
    back_up(data, kept, DAY)
    pages(data, 7)
    again = tmp_path / "again"
    before = contents(kept)
    with room_for(size):
        with pytest.raises(CannotWrite, match="cannot write"):
            back_up(data, kept, DAY + timedelta(days=1))
        with pytest.raises(CannotWrite, match="cannot write"):
            restore(kept, again)
    assert contents(again) == {}
    after = contents(kept)
    assert {name: after[name] for name in before} == before
    assert not [name for name in after if name.endswith(".new")]
    assert restore(kept, tmp_path / "other").captures == 6
    assert back_up(data, kept, DAY + timedelta(days=1)).captures == 7
    assert restore(kept, again).captures == 7
    manifest = read_manifest(kept)
    assert manifest is not None
    assert all(len(versions) == 1 for versions in manifest.files.values())
