"""`bulletins new-source` with saved pages: what it writes, and what it refuses."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archive.source_files import read_source
from crawler.check_source import SHIPPED
from crawler.cli import main
from crawler.sources import KEYS, load_sources
from tests.crawling import rows
from tests.replica import Crawled

HOME = "https://www.sample.example"
URL = f"{HOME}/ywdt/hjywnews/index.shtml"
LIST = SHIPPED / "mee" / "hjywnews.html"
DETAILS = (SHIPPED / "mee" / "detail-1.html", SHIPPED / "mee" / "detail-2.html")


def new_source(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["new-source", *map(str, words)])


def check(name: str, folder: Path) -> Result:
    return CliRunner().invoke(main, ["check-source", name, "--sources", str(folder)])


def saved(page: Path, folder: Path, home: str = HOME) -> Path:
    """A page as somebody saves it: with the site's own address in it."""
    folder.mkdir(exist_ok=True)
    copy = folder / f"{page.parent.name}-{page.name}"
    copy.write_bytes(page.read_bytes().replace(b"{home}", home.encode()))
    return copy


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "own"


def put_a_name_to_it(folder: Path, name: str) -> None:
    """What a person does in the end: an error's answer, and their name."""
    expected = folder / name / "expected.toml"
    written = expected.read_text(encoding="utf-8")
    (folder / name / "gone.html").write_text("<p>样例</p>", encoding="utf-8")
    error = '\n[[errors]]\nfile = "gone.html"\nstatus = 404\nkind = "missing"\n'
    reviewed = written.replace('reviewed = ""', 'reviewed = "2026-11-25 by 样例"')
    assert reviewed != written
    expected.write_text(reviewed + error, encoding="utf-8")


def test_saved_pages_become_a_source_that_fails_until_somebody_reviews_it(
    tmp_path: Path, own: Path
) -> None:
    pages = [saved(page, tmp_path / "saved") for page in (LIST, *DETAILS)]
    done = new_source(URL, *pages, "--name", "mine", "--to", own)
    assert done.exit_code == 0, done.output
    files = {path.name for path in (own / "mine").iterdir()}
    assert files == {"list.html", "detail-1.html", "detail-2.html", "expected.toml"}
    source = read_source(own / "mine.toml", KEYS)
    channel = source.channels[0]
    assert (channel.platform, channel.path) == ("trs", "/ywdt/hjywnews/index.shtml")
    assert (channel.rows, channel.name) == ("ul.cjcx_danduimg_list > li", "样例要闻")
    assert source.layouts[0].title == ("h2.neiright_Title",)
    assert source.enabled is False
    checked = check("mine", own)
    assert checked.exit_code == 3
    assert "≠" not in checked.output
    assert 'lacks an answer that is an error, reviewed = "' in checked.output
    put_a_name_to_it(own, "mine")
    assert check("mine", own).exit_code == 0


def test_the_evidence_stands_above_each_line_and_is_printed(tmp_path: Path, own: Path) -> None:
    pages = [saved(page, tmp_path / "saved") for page in (LIST, *DETAILS)]
    done = new_source(URL, *pages, "--name", "mine", "--to", own)
    lines = (own / "mine.toml").read_text(encoding="utf-8").splitlines()
    for key in ("name", "home", "rhythm_days", "platform", "path", "rows", "title", "body"):
        at = next(n for n, line in enumerate(lines) if line.startswith(f"{key} = "))
        assert lines[at - 1].startswith("# "), key
    assert "3 rows, 3 with a date beside them, 3 with a document id" in done.output
    assert "Still to decide:" in done.output
    decide = done.output.split("Still to decide:")[1]
    for said in ("kind:", "rhythm_days:", "paging:", "an error", "expected.toml", "check-source"):
        assert said in decide, said


def test_a_column_page_its_list_and_pages_of_the_list_service(tmp_path: Path, own: Path) -> None:
    kept = SHIPPED / "mohurd"
    names = ("gzdt-column.html", "gzdt.json", "detail-1.html", "detail-2.html", "refused.json")
    pages = [saved(kept / name, tmp_path / "saved") for name in names]
    url = f"{HOME}/xinwen/gzdt/index.html"
    done = new_source(url, *pages, "--name", "mine", "--to", own)
    assert done.exit_code == 0, done.output
    channel = read_source(own / "mine.toml", KEYS).channels[0]
    assert (channel.platform, channel.path) == ("jpaas", "/xinwen/gzdt/index.html")
    written = tomllib.loads((own / "mine" / "expected.toml").read_text(encoding="utf-8"))
    [column], [lists] = written["columns"], written["lists"]
    assert column["list"] == lists["path"]
    assert len(lists["rows"]) == 3
    assert "paramJson" in lists["second"]
    assert [error["kind"] for error in written["errors"]] == ["not-html"]
    assert "≠" not in check("mine", own).output


def test_a_column_page_without_its_list_says_which_answer_to_save(own: Path) -> None:
    column = SHIPPED / "mohurd" / "gzdt-column.html"
    done = new_source(f"{HOME}/xinwen/gzdt/index.html", column, "--to", own)
    assert done.exit_code == 2
    assert "/build/unit?parseType=bulidstatic" in done.output
    assert len(done.output.splitlines()) == 1


LISTS = {"mem": "yjyw.html", "mohurd": "gzdt.json"}


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    """Two nights of replicas of sources that were proposed from the pages of two that ship."""
    folder = tmp_path_factory.mktemp("proposed")
    for slug, name in LISTS.items():
        names = [name, "detail-1.html", "detail-2.html"]
        if name.endswith(".json"):
            names.insert(0, name.replace(".json", "-column.html"))
        home = f"https://www.{slug}.example"
        pages = [saved(SHIPPED / slug / one, folder / "saved", home) for one in names]
        done = new_source(f"{home}/xw/yw/", *pages, "--name", slug + "-x", "--to", folder / "own")
        assert done.exit_code == 0, done.output
    (folder / "crawled").mkdir()
    return Crawled(folder / "crawled", folder / "own", folder / "own")


@pytest.mark.parametrize("slug", LISTS)
def test_a_proposed_source_crawls_its_replica_without_losing_a_row(
    slug: str, crawled: Crawled
) -> None:
    name = f"{slug}-x"
    replica, said = crawled.replicas[name], crawled.first.stderr
    assert rows(crawled.data, f"SELECT kind FROM incidents WHERE source = '{name}'") == [], said
    kept = {
        url for (url,) in rows(crawled.data, f"SELECT url FROM bulletins WHERE source = '{name}'")
    }
    wanted = [replica.source.home + path for paths in replica.pages.values() for path in paths]
    assert kept == set(wanted), said
    assert len(wanted) == 3 * len(replica.kept.lists[0].rows)
    assert set(crawled.statuses_of_the_second_night(name).values()) == {304}


def test_without_a_contact_nothing_but_loopback_is_asked(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BULLETINS_CONTACT", raising=False)
    done = new_source(f"{HOME}/xwfb/", "--to", own)
    assert (done.exit_code, "set BULLETINS_CONTACT" in done.output) == (2, True)
    monkeypatch.setenv("BULLETINS_CONTACT", "you@example.org")
    done = new_source(f"{HOME}/xwfb/", "--to", own, "--delay", "0")
    assert (done.exit_code, "--delay is for servers on this" in done.output) == (2, True)
    assert not own.exists()


@pytest.mark.parametrize(
    "url", ["样例", "www.sample.example/xwfb/", "ftp://a.example/", "https://"]
)
def test_an_address_that_is_none_is_one_line(url: str, own: Path) -> None:
    done = new_source(url, "--to", own)
    assert (done.exit_code, len(done.output.splitlines())) == (2, 1)
    assert "is not an address" in done.output


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (b"%PDF-1.7 \x00\x01", 2, "not-html: a file (PDF)"),
        (b"\x89PNG\r\n\x1a\n", 2, "not-html"),
        (b"\x00\x01\x02\x03" * 50, 2, "not-html"),
        (b"", 2, "empty"),
        ("只有一些字，没有标记".encode(), 2, "is no HTML, JSON or XML"),
        (b'{"a": 1}', 3, "list-empty"),
        ("<p>样例部的一段话</p>".encode(), 3, "list-empty"),
        ("<form><input>请输入验证码</form>".encode(), 3, "wall-captcha"),
    ],
)
def test_files_that_are_no_list_are_one_line(
    body: bytes, code: int, said: str, tmp_path: Path, own: Path
) -> None:
    (tmp_path / "page").write_bytes(body)
    done = new_source(URL, tmp_path / "page", "--to", own)
    assert (done.exit_code, len(done.output.splitlines())) == (code, 1), done.output
    assert said in done.output
    assert not own.exists()


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path, own: Path) -> None:
    done = new_source(URL, tmp_path / "none.html", "--to", own)
    assert done.exit_code == 2
    assert "cannot read" in done.output
    assert len(done.output.splitlines()) == 1


@pytest.mark.parametrize("there", ["mine.toml", "mine"])
def test_what_is_there_is_never_overwritten(
    there: str, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.mkdir()
    if there == "mine":
        (own / there).mkdir()
    else:
        (own / there).write_text("enabled = false\n", encoding="utf-8")
    done = new_source(URL, LIST, "--name", "mine", "--to", own)
    assert (done.exit_code, len(done.output.splitlines())) == (2, 1)
    assert "is there already and is not overwritten" in done.output
    assert [path.name for path in own.iterdir()] == [there]
    # That is found out before a site is asked: else its contact would be missed first.
    monkeypatch.delenv("BULLETINS_CONTACT", raising=False)
    assert "is there already" in new_source(URL, "--name", "mine", "--to", own).output


@pytest.mark.parametrize(
    ("url", "name", "said"),
    [
        (URL, "mee", "mee is a source that ships"),
        (URL, "Mine!", "its slug in lower-case letters"),
        (URL, "../mine", "its slug in lower-case letters"),
    ],
)
def test_a_name_that_cannot_be_taken(url: str, name: str, said: str, own: Path) -> None:
    done = new_source(url, LIST, "--name", name, "--to", own)
    assert (done.exit_code, len(done.output.splitlines())) == (2, 1), done.output
    assert said in done.output
    assert not own.exists()


def test_the_host_of_a_source_that_ships_is_refused(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = replace(next(iter(load_sources().values())), hosts=("www.sample.example",))
    monkeypatch.setattr("crawler.new_source.load_sources", lambda: {shipped.slug: shipped})
    done = new_source(URL, LIST, "--name", "mine", "--to", own)
    assert done.exit_code == 2
    assert "is the source" in done.output


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = new_source(URL, saved(LIST, tmp_path / "saved"), "--to", tmp_path / "file" / "x")
    assert (done.exit_code, len(done.output.splitlines())) == (7, 1), done.output
    assert "cannot be written" in done.output
