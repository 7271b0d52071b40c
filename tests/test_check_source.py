"""``bulletins check-source``: what is expected beside what is read, and what is wrong in words."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crawler import check_source
from crawler.cli import main

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "tests" / "sources"


def check(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["check-source", *map(str, words)])


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A data folder with a source of one's own, its pages beside its file."""
    folder = tmp_path / "data" / "sources"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "crawler" / "sources" / "mohurd.toml", folder / "mine.toml")
    shutil.copytree(KEPT / "mohurd", folder / "mine")
    return folder


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_pages_that_are_read_as_expected() -> None:
    done = check("mohurd")
    assert done.exit_code == 0, done.output
    assert "≠" not in done.output
    assert "values are read as expected, reviewed 20" in done.output
    line = next(line for line in done.output.splitlines() if "row 1 date" in line)
    assert line.split()[-2:] == ["2026-03-12", "2026-03-12"]


def test_the_users_own_are_beside_their_file_or_where_an_option_says(own: Path) -> None:
    data = own.parent
    assert check("mine", "--data", data).exit_code == 0
    moved = data / "pages"
    moved.mkdir()
    (own / "mine").rename(moved / "mine")
    done = check("mine", "--data", data)
    assert done.exit_code == 2
    assert f"put them and expected.toml into {own / 'mine'}" in done.output
    assert check("mine", "--data", data, "--pages", moved).exit_code == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("三百户危房", "三百户楼房", "3 of "),
        ('"2026-03-12"]', '"2026-03-13"]', "1 of "),
        ('published = "2026-03-11"', 'published = "2026-03-10"', "1 of "),
        ("签字。", "按手印。", "1 of "),
        ('kind = "wall-412"', 'kind = "wall-521"', "1 of "),
        ("pageSize%22%3A3", "pageSize%22%3A20", "3 of "),
        ('reviewed = "2026-11-25 by the author of the pages"', "", "lacks reviewed ="),
        ("by the author of the pages", "by ", "lacks reviewed ="),
        ('channel = "jsyw"\nfile = "jsyw.json"', 'channel = "gzdt"\nfile = "jsyw.json"', "of jsyw"),
    ],
)
def test_what_differs_or_lacks_is_said(own: Path, old: str, new: str, said: str) -> None:
    replace(own / "mine" / "expected.toml", old, new)
    done = check("mine", "--data", own.parent)
    assert done.exit_code == 3
    assert said in done.output.splitlines()[-1]
    assert ("≠" in done.output) is ("of " in said and "of jsyw" not in said)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "在验收单上签字。",
            "在验收单上按手印。",
            "≠ detail-1.html, paragraph 3: after 再修开裂的，每修完一户，由邻居在验收单上 "
            "expected 按手印。, read 签字。",
        ),
        ("每修完一户，由邻居在验收单上签字。", "", "每修完一户，由邻居在验收单上签字。"),
        ('issuer = "黑龙江省样例厅"', "", "issuer: expected nothing, read 黑龙江省样例厅"),
        ("2026-03-09T01:05", "2027-03-09T01:05", "after 202 expected 7-03-09T01:05:00Z, read 6-"),
        (
            '    ["/xinwen/gzdt/art/2026/art_304_900101.html", "样例部检查城镇燃气管道更新工程", '
            '"2026-03-12"],\n',
            "",
            "≠ gzdt.json, rows: expected 2, read 3",
        ),
    ],
)
def test_where_a_value_begins_to_differ_is_said_below_the_table(
    own: Path, old: str, new: str, said: str
) -> None:
    replace(own / "mine" / "expected.toml", old, new)
    lines = check("mine", "--data", own.parent).output.splitlines()
    below = lines.index(next(line for line in lines if line.startswith("≠ ") and line[2] != " "))
    assert all(line.startswith("≠ ") for line in lines[below:-1])
    assert any(said in line for line in lines[below:-1])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("reviewed =", "reviewd =", 'unknown key "reviewd": the keys are'),
        ('file = "dfxx.json"', 'file = "gone.json"', "gone.json: No such file"),
        ('channel = "dfxx"', 'channel = "none"', "mine has no channel 'none'"),
        ('kind = "wall-412"', "", "errors 2: kind is missing"),
        ("reviewed =", "reviewed = = ", "is not TOML"),
    ],
)
def test_a_mistake_in_the_expectations_is_one_line(
    own: Path, old: str, new: str, said: str
) -> None:
    replace(own / "mine" / "expected.toml", old, new)
    done = check("mine", "--data", own.parent)
    assert done.exit_code == 2
    assert said in done.output
    assert len(done.output.splitlines()) == 1


def test_a_layout_that_no_longer_fits_is_seen(own: Path) -> None:
    """The other way round: the pages are right, and the source file is wrong."""
    replace(own / "mine.toml", 'rows = "li.date"', 'rows = "li.none"')
    done = check("mine", "--data", own.parent)
    assert done.exit_code == 3
    assert "list-empty" in done.output


def test_without_a_checkout_it_is_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_source, "SHIPPED", tmp_path / "tests" / "sources")
    done = check("mohurd", "--data", tmp_path)
    assert done.exit_code == 2
    assert "in tests/sources of a checkout and are not installed" in done.output


def test_a_source_that_is_not_there() -> None:
    done = check("nowhere")
    assert (done.exit_code, "no source 'nowhere'" in done.output) == (2, True)
