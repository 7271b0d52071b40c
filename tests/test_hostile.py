"""Bad nights: block pages, drops, broken pages and lists, each an incident with its bytes kept."""

from __future__ import annotations

import gzip
import random
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from warcio.warcwriter import WARCWriter

from archive.captures.reading import read_captures
from archive.captures.warc import warc_files
from sample import bulletins, hostile
from sample.answers import Response, Route
from sample.layouts import Page, address
from sample.server import SampleSite, newest_first, serve
from tests.crawling import asked, crawl, rows, run, switch_off, tables

Mischief = Callable[[SampleSite, str], Route]

# What one page of a list does, and the incident that it becomes; None where it is read all the
# same.
PAGES: dict[str, tuple[Mischief, str | None]] = {
    "412": (lambda site, path: hostile.wall_412(), "wall-412"),
    "521": (lambda site, path: hostile.wall_521(), "wall-521"),
    "captcha": (lambda site, path: hostile.captcha(), "wall-captcha"),
    "403": (lambda site, path: hostile.wall_403(), "http-403"),
    "500": (lambda site, path: hostile.text("<html>500</html>", 500), "http-500"),
    "truncated": (lambda site, path: hostile.truncated(site.answer(path)), "truncated"),
    "empty": (lambda site, path: hostile.empty(), "empty"),
    "huge": (lambda site, path: hostile.huge(), "too-large"),
    "pdf": (lambda site, path: hostile.pdf_as_html(), "not-html"),
    "drop": (lambda site, path: hostile.drop(), "unreachable"),
    "off-site": (lambda site, path: hostile.redirect("https://www.news.cn/1.html"), "moved"),
    "loop": (lambda site, path: hostile.redirect(path), "moved"),
    "home": (lambda site, path: hostile.redirect("/"), "moved"),
    "404": (lambda site, path: hostile.not_found(), "missing"),
    "unpacked": (lambda site, path: _labelled(site.answer(path), "gzip"), "undecodable"),
    "never asked for": (lambda site, path: _labelled(site.answer(path), "br"), "undecodable"),
    "bomb": (lambda site, path: _bomb(), "too-large"),
    "unchanged": (lambda site, path: Response(304), "empty"),
    "chain": (lambda site, path: _chain(site, path), "moved"),
    "charset": (lambda site, path: hostile.wrong_charset(site.answer(path)), None),
    "once": (lambda site, path: hostile.first(hostile.text("later", 503)), None),
    "dropped once": (lambda site, path: hostile.first(hostile.drop()), None),
    "cut once": (lambda site, path: hostile.first(hostile.truncated(site.answer(path))), None),
}


def _labelled(answer: Response, coding: str) -> Response:
    """A plain body that says it is packed."""
    return replace(answer, headers=(("Content-Encoding", coding),), declared=len(answer.body))


def _bomb() -> Response:
    """A small body that would unpack to 100 MB."""
    body = gzip.compress(bytes(100_000_000))
    return Response(200, body, headers=(("Content-Encoding", "gzip"),), declared=len(body))


def _chain(site: SampleSite, path: str) -> Response:
    """The first of ten redirects, each to another document's address."""
    return hostile.redirect(path.replace(".html", "0.html"))


def hostile_site() -> tuple[SampleSite, dict[str, str]]:
    """A list on which every second page misbehaves, and the canonical address of each mischief."""
    pages = [replace(page, column="xwfb") for page in bulletins.on_night(1)[: 2 * len(PAGES)]]
    site = SampleSite("A", pages)
    victims: dict[str, str] = {}
    for page, name in zip(newest_first(pages)[::2], PAGES, strict=True):
        path = address(page, "A")
        site.routes[path] = PAGES[name][0](SampleSite("A", pages), path)
        victims[name] = "https://www.mohurd.gov.cn" + path
        if name == "chain":
            for _ in range(10):
                path = path.replace(".html", "0.html")
                site.routes[path] = hostile.redirect(path.replace(".html", "0.html"))
    return site, victims


@pytest.fixture(scope="module")
def bad_night(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str], str, int]:
    data = tmp_path_factory.mktemp("hostile")
    site, victims = hostile_site()
    done = crawl(site, data, "--channel", "xwfb")
    return data, victims, done.stderr, done.returncode


def test_the_exit_code_tells_cron(bad_night: tuple[Path, dict[str, str], str, int]) -> None:
    _, _, stderr, code = bad_night
    assert code == 3
    assert "Traceback" not in stderr


@pytest.mark.parametrize("name", PAGES)
def test_each_bad_page_is_its_incident(
    bad_night: tuple[Path, dict[str, str], str, int], name: str
) -> None:
    data, victims, stderr, _ = bad_night
    kind = PAGES[name][1]
    open_incidents = rows(
        data, "SELECT kind FROM incidents WHERE url = ? AND resolved_at IS NULL", victims[name]
    )
    bulletins_of = rows(data, "SELECT bulletin FROM addresses WHERE url = ?", victims[name])
    if kind is None:
        assert open_incidents == []
        assert bulletins_of != [(None,)]
    else:
        assert set(open_incidents) == {(kind,)}
        assert bulletins_of == [(None,)]
        assert victims[name] in stderr or kind == "missing"


def test_the_good_pages_are_all_there(bad_night: tuple[Path, dict[str, str], str, int]) -> None:
    data, *_ = bad_night
    read_anyway = sum(kind is None for _, kind in PAGES.values())
    assert rows(data, "SELECT count(*) FROM bulletins") == [(len(PAGES) + read_anyway,)]
    assert rows(data, "SELECT count(*) FROM entries WHERE text LIKE '%\ufffd%'") == [(0,)]


def test_the_bytes_of_every_answer_are_kept(
    bad_night: tuple[Path, dict[str, str], str, int],
) -> None:
    data, victims, *_ = bad_night
    kept = {}
    for path in warc_files(data / "warc"):
        for _, capture in read_captures(path):
            kept[capture.address] = capture
    assert len(kept[victims["huge"]].body) > 1000
    assert kept[victims["pdf"]].body.startswith(b"%PDF")
    assert kept[victims["truncated"]].truncated
    assert kept[victims["captcha"]].status == 200
    assert kept[victims["521"]].header("Set-Cookie").startswith("__jsluid_s")
    assert victims["drop"] not in kept


def test_block_pages_are_asked_once_and_temporary_errors_again(tmp_path: Path) -> None:
    site, victims = hostile_site()
    crawl(site, tmp_path, "--channel", "xwfb")
    times = {
        name: asked(site).count(url.removeprefix("https://www.mohurd.gov.cn"))
        for name, url in victims.items()
    }
    assert {name: times[name] for name in ("412", "521", "captcha", "403")} == dict.fromkeys(
        ("412", "521", "captcha", "403"), 1
    )
    assert times["500"] == 3
    assert times["once"] == 2
    # The rebuilt archive has the same incidents where there were answers.
    before = rows(tmp_path, "SELECT * FROM incidents ORDER BY slug")
    for file in tmp_path.glob("bulletins.db*"):
        file.unlink()
    assert run("rebuild", "--data", tmp_path).returncode == 0
    after = rows(tmp_path, "SELECT * FROM incidents ORDER BY slug")
    assert after == [row for row in before if row[9] is not None]


LISTS: dict[str, tuple[Callable[[], Response], str, str]] = {
    "empty": (lambda: hostile.empty_list("gzdt", "C"), "list-empty", "no rows"),
    "404": (hostile.not_found, "list-missing", "404"),
    "412": (hostile.wall_412, "wall-412", "block page"),
    "521": (hostile.wall_521, "wall-521", "block page"),
    "captcha": (hostile.captcha, "wall-captcha", "block page"),
    "refused": (hostile.unit_failure, "list-refused", "parameters"),
    "new layout": (lambda: hostile.unreadable_list("C"), "list-empty", "rows selector"),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_live_channel_without_a_list_fails_its_source(tmp_path: Path, name: str) -> None:
    answer, kind, words = LISTS[name]
    site = SampleSite("C", bulletins.shown("C", 1))
    site.lists["gzdt", 1] = answer()
    done = crawl(site, tmp_path, "--channel", "gzdt")
    assert done.returncode == 3
    assert rows(tmp_path, "SELECT kind FROM incidents") == [(kind,)]
    assert words in done.stderr
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(0,)]
    assert rows(tmp_path, "SELECT outcome, walked FROM crawls") == [("failed", 0)]


def test_a_block_page_in_the_middle_of_a_list_keeps_what_was_listed(tmp_path: Path) -> None:
    site = SampleSite("C", bulletins.shown("C", 1))
    site.lists["gzdt", 2] = hostile.captcha()
    assert crawl(site, tmp_path, "--channel", "gzdt").returncode == 3
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(20,)]
    del site.lists["gzdt", 2]
    assert crawl(site, tmp_path, "--channel", "gzdt").returncode == 0
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(36,)]
    assert rows(tmp_path, "SELECT count(*) FROM incidents WHERE resolved_at IS NULL") == [(0,)]


def test_a_host_that_shuts_us_out_is_left_alone(tmp_path: Path) -> None:
    pages: list[Page] = [replace(p, column="xwfb") for p in bulletins.on_night(1)[:30]]
    site = SampleSite("A", pages)
    for page in pages:
        site.routes[address(page, "A")] = hostile.wall_412()
    done = crawl(site, tmp_path, "--channel", "xwfb")
    assert done.returncode == 3
    assert "in a row" in done.stderr
    assert len([target for target in asked(site) if "/t20" in target]) in (5, 6)


@pytest.mark.parametrize("rounds", [2, pytest.param(3, marks=pytest.mark.long)])
def test_a_list_that_goes_round_ends(tmp_path: Path, rounds: int) -> None:
    pages = [replace(page, column="xwfb") for page in bulletins.on_night(1)[: 20 * rounds]]
    site = SampleSite("A", pages)
    for number in range(2, 40):
        again = (
            "/xwfb/index.html"
            if number % rounds == 1
            else f"/xwfb/index_{number % rounds or rounds}.html"
        )
        site.routes.setdefault(f"/xwfb/index_{number}.html", site.answer(again))
    assert crawl(site, tmp_path, "--channel", "xwfb").returncode == 0
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(20 * rounds,)]
    # What looks like the site going round may be new items that push the others down.
    assert len([target for target in asked(site) if "index" in target]) <= 2 * rounds + 6


def test_an_error_of_our_own_is_never_silent(tmp_path: Path) -> None:
    site = SampleSite("A", [replace(bulletins.on_night(1)[0], column="xwfb")])
    done = crawl(site, tmp_path, "--channel", "xwfb", now="nonsense")
    assert done.returncode == 2
    assert "BULLETINS_NOW" in done.stderr


def test_a_fault_in_the_spider_is_raised_where_scrapy_would_log_it(tmp_path: Path) -> None:
    site = SampleSite("A", [replace(bulletins.on_night(1)[0], column="xwfb")])
    faulty = (
        "import crawler.pages\n"
        "from crawler.cli import main\n"
        "crawler.pages.PageReader._done = lambda self, run: 1 / 0\n"
        "main()"
    )
    with serve(site) as base:
        command = ["crawl", "mohurd", "--base-url", base, "--data", str(tmp_path), "--delay", "0"]
        done = subprocess.run(
            [sys.executable, "-c", faulty, *command, "--channel", "xwfb"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode != 0
    assert "ZeroDivisionError" in done.stderr
    # What was captured before is kept, and the crawl's row says why it stopped.
    assert rows(tmp_path, "SELECT count(*) FROM captures") == [(4,)]
    assert rows(tmp_path, "SELECT outcome, message FROM crawls") == [
        ("stopped", "a fault of the program: ZeroDivisionError: division by zero")
    ]
    again = crawl(site, tmp_path, "--channel", "xwfb")
    assert again.returncode == 0, again.stderr
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(1,)]


@pytest.mark.long
def test_another_program_that_holds_the_database(tmp_path: Path) -> None:
    site = SampleSite("A", [replace(bulletins.on_night(1)[0], column="xwfb")])
    assert crawl(site, tmp_path, "--channel", "xwfb").returncode == 0
    with closing(sqlite3.connect(tmp_path / "bulletins.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = crawl(site, tmp_path, "--channel", "xwfb")
    assert done.returncode == 5, done.stderr
    assert "another program holds" in done.stderr


def test_unreachable_host(tmp_path: Path) -> None:
    done = run(
        "crawl",
        "mohurd",
        "--base-url",
        "http://127.0.0.1:9",
        "--data",
        tmp_path,
        "--delay",
        "0",
        "--channel",
        "gzdt",
    )
    assert done.returncode == 3
    assert "127.0.0.1:9" in done.stderr
    assert "check the connection" in done.stderr
    assert "Traceback" not in done.stderr
    assert rows(tmp_path, "SELECT kind, capture FROM incidents") == [("unreachable", None)]


def test_a_pause_without_end_is_refused(tmp_path: Path) -> None:
    switch_off(tmp_path)
    for delay in ("inf", "nan"):
        done = run(
            "nightly", "--data", tmp_path, "--base-url", "http://127.0.0.1:9", "--delay", delay
        )
        assert done.returncode == 2
        assert "--delay must be a number of seconds" in done.stderr


def test_a_mirror_without_such_a_port_is_refused(tmp_path: Path) -> None:
    done = run("nightly", "--data", tmp_path, "--base-url", "http://127.0.0.1:99999")
    assert done.returncode == 2
    assert "write scheme and host" in done.stderr


def test_a_contact_of_spaces_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BULLETINS_CONTACT", "  ")
    for words in (("crawl", "mohurd"), ("schedule", "install")):
        done = run(*words, "--data", tmp_path)
        assert done.returncode == 2
        assert "set BULLETINS_CONTACT" in done.stderr


def test_robots_that_fails_forbids_everything(tmp_path: Path) -> None:
    site = SampleSite("A", [replace(bulletins.on_night(1)[0], column="xwfb")])
    site.routes["/robots.txt"] = hostile.text("broken", 500)
    done = crawl(site, tmp_path, "--channel", "xwfb")
    assert done.returncode == 3
    assert asked(site) == []
    assert "robots.txt" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["crawl", "nobody"], 2, "no source 'nobody'; there are "),
        (["crawl", "mohurd", "--channel", "nothing"], 2, "it has gzdt, dfxx"),
        (["crawl", "mohurd"], 2, "BULLETINS_CONTACT"),
        (["crawl", "mohurd", "--delay", "0"], 2, "loopback"),
        (["crawl", "mohurd", "--base-url", "nonsense"], 2, "http://host:port"),
        (["crawl", "mohurd", "--since", "May"], 2, "not a date"),
        (["rebuild", "--data", "nowhere"], 2, "no captures"),
        (["status", "--data", "nowhere"], 2, "make demo-data"),
        (["parse", "nowhere.html"], 2, "cannot read"),
    ],
)
def test_usage_errors_say_what_to_do(
    tmp_path: Path, words: list[str], code: int, says: str
) -> None:
    data = [] if "--data" in words or words[0] == "parse" else ["--data", str(tmp_path / "d")]
    done = run(*words, *data, BULLETINS_CONTACT="")
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    done = run(
        "crawl",
        "mohurd",
        "--base-url",
        "http://127.0.0.1:9",
        "--delay",
        "0",
        "--data",
        tmp_path / "file" / "data",
    )
    assert done.returncode == 7
    assert "--data" in done.stderr
    assert (tmp_path / "file").read_text() == "no folder"


@pytest.mark.long
@pytest.mark.parametrize("size", [9_000_000, 3_000])
def test_a_full_disk_ends_the_crawl_with_7(tmp_path: Path, size: int) -> None:
    pages = [replace(page, column="xwfb") for page in bulletins.on_night(1)[:4]]
    site = SampleSite("A", pages)
    assert crawl(site, tmp_path, "--channel", "xwfb").returncode == 0
    before = tables(tmp_path)
    [warc] = warc_files(tmp_path / "warc")
    if size < 4_000_000:
        # What a disk nearly full of captures leaves: room for robots.txt's and no more.
        with warc.open("ab") as out:
            writer = WARCWriter(out, gzip=True)
            while out.tell() < 4_000_000 - 1_500:
                room = 4_000_000 - 1_500 - out.tell()
                filler = random.Random(2).randbytes(max(0, min(room - 600, 1_000_000)))
                writer.write_record(
                    writer.create_warc_record("urn:x", "metadata", BytesIO(filler), len(filler))
                )
    limit = 4_000_000
    # Bytes that gzip cannot shrink, more of them than a file may grow to.
    site.routes["/xwfb/index.html"] = hostile.text(random.Random(1).randbytes(size).hex())
    with serve(site) as base:
        command = ["crawl", "mohurd", "--base-url", base, "--data", str(tmp_path), "--delay", "0"]
        done = subprocess.run(
            [sys.executable, "-m", "crawler", *command, "--channel", "xwfb"],
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, -1)),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 7, done.stderr
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    # Nothing half-written stays: the same captures, and the next crawl is good.
    assert tables(tmp_path, ["crawls"]) == {k: v for k, v in before.items() if k != "crawls"}
    del site.routes["/xwfb/index.html"]
    assert crawl(site, tmp_path, "--channel", "xwfb").returncode == 0
    assert run("verify", "--data", tmp_path).returncode == 0


def test_a_second_writer_is_locked_out(tmp_path: Path) -> None:
    import fcntl

    with (tmp_path / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = run(
            "crawl",
            "mohurd",
            "--base-url",
            "http://127.0.0.1:9",
            "--delay",
            "0",
            "--data",
            tmp_path,
        )
    assert done.returncode == 5
    assert "another process" in done.stderr


def test_a_database_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "bulletins.db").write_bytes(b"this is no database" * 100)
    done = run(
        "crawl", "mohurd", "--base-url", "http://127.0.0.1:9", "--delay", "0", "--data", tmp_path
    )
    assert done.returncode == 6
    assert "bulletins rebuild" in done.stderr
    assert (tmp_path / "bulletins.db").stat().st_size == 1900
