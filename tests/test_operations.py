"""What docs/operations.md promises to the person who runs an archive, unless tested elsewhere."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from archive.search import differences
from archive.sources import Source
from archive.storage.database import ENTRIES_INDEX
from archive.storage.rebuild import rebuild
from archive.storage.store import Store
from crawler.sources import load_sources
from sample import bulletins
from sample.server import SampleSite
from tests.crawling import asked, crawl, rows, run, tables
from tests.test_store import HOME, SOURCES, capture, page_html, record


def read(data: Path, sql: str) -> list[tuple[object, ...]]:
    """What a reader sees that waits for nobody."""
    with closing(sqlite3.connect(data / "bulletins.db", timeout=0)) as conn:
        return conn.execute(sql).fetchall()


OTHER = f"{HOME}/xwfb/202005/t20200529_2.html"
LISTS = ["/xwfb/index.html", "/xwfb/index_2.html", "/xwfb/index_3.html"]


def short_lists() -> SampleSite:
    """Seven pages on three list pages."""
    pages = [replace(page, column="xwfb") for page in bulletins.on_night(1)[:7]]
    return SampleSite("A", pages, rows=3)


def test_a_copy_of_a_live_database_is_whole(tmp_path: Path) -> None:
    """With the command that docs/operations.md names, while a crawl writes."""
    data, copy = tmp_path / "data", tmp_path / "copy"
    copy.mkdir()
    record(data, capture(body=page_html("甲。")), capture(body=page_html("乙。")))
    with Store(data, SOURCES) as store:
        store.record(capture(body=page_html("丙。")))
        with closing(sqlite3.connect(data / "bulletins.db")) as conn:
            conn.execute("VACUUM INTO ?", [str(copy / "bulletins.db")])
            before = tables(data)
    # The last commit, not what is being written; the same ids, and an index that still finds.
    assert tables(copy) == before
    assert rows(copy, "SELECT text FROM entries") == [("乙。",)]
    (copy / "warc").symlink_to(data / "warc")
    assert run("verify", "--data", copy, "--full").returncode == 0


def test_readers_and_the_writer_never_wait_for_each_other(tmp_path: Path) -> None:
    """A reader in the middle of a query, and a writer that commits meanwhile."""
    record(tmp_path, capture(body=page_html("甲。")))
    count = "SELECT count(*) FROM captures"
    with (
        Store(tmp_path, SOURCES) as store,
        closing(
            sqlite3.connect(tmp_path / "bulletins.db", timeout=0, isolation_level=None)
        ) as reader,
    ):
        reader.execute("BEGIN")
        assert reader.execute(count).fetchall() == [(1,)]
        store.record(capture(body=page_html("乙。")))
        assert read(tmp_path, count) == [(1,)]
        store.commit()
        # Each sees the last commit there was when it began to read.
        assert reader.execute(count).fetchall() == [(1,)]
        assert read(tmp_path, count) == [(2,)]


def lists_of(site: SampleSite, data: Path, *words: str, night: int = 1) -> list[str]:
    """The list pages that a night asks for."""
    site.log.clear()
    now = f"2026-11-{night:02d}T18:00:00Z"
    done = crawl(site, data, "--channel", "xwfb", *words, now=now)
    assert done.returncode == 0, done.stderr
    return [target for target in asked(site) if "index" in target]


@pytest.mark.long
def test_a_first_walk_and_a_full_one_go_to_the_end_of_the_list(tmp_path: Path) -> None:
    site = short_lists()
    # Past the last page, and back over the borders of those before it.
    whole = [*LISTS, "/xwfb/index_4.html", LISTS[1], LISTS[0]]
    assert lists_of(site, tmp_path) == whole
    # Two pages of rows that were listed before, and this night's share of the others.
    assert lists_of(site, tmp_path, night=2) == [LISTS[0], LISTS[1], LISTS[2], "/xwfb/index_8.html"]
    assert lists_of(site, tmp_path, "--full", night=3) == whole


@pytest.mark.long
def test_a_walk_goes_on_until_two_list_pages_in_a_row_are_all_known(tmp_path: Path) -> None:
    pages = [replace(page, column="xwfb") for page in bulletins.on_night(1)[:19]]
    site = SampleSite("A", pages, rows=3)
    everything = list(site.pages)
    site.pages = everything[4:]
    lists_of(site, tmp_path)
    site.pages = everything
    found = lists_of(site, tmp_path, night=2)
    assert found[:6] == [LISTS[0], LISTS[1], LISTS[2], "/xwfb/index_4.html", LISTS[1], LISTS[0]]
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(len(everything),)]


def test_both_validators_of_the_last_answer_are_sent(tmp_path: Path) -> None:
    site = short_lists()
    site.pages = list(site.pages)[:2]
    assert crawl(site, tmp_path, "--channel", "xwfb").returncode == 0
    first = {entry.target: entry.headers for entry in site.log}
    site.log.clear()
    later = "2026-11-02T18:00:00Z"
    assert crawl(site, tmp_path, "--channel", "xwfb", now=later).returncode == 0
    again = {entry.target: entry.headers for entry in site.log}
    known = rows(tmp_path, "SELECT url, etag, last_modified FROM addresses")
    assert len(known) == 2
    for url, etag, modified in known:
        path = str(url).removeprefix(HOME)
        assert (etag, modified) != (None, None)
        assert "if-none-match" not in first[path]
        assert "if-modified-since" not in first[path]
        assert again[path]["if-none-match"] == etag
        assert again[path]["if-modified-since"] == modified


RULES = """
name = "样例部"
home = "https://www.mohurd.gov.cn"
rhythm_days = 5
[channels.xwfb]
name = "新闻"
path = "/xwfb/index.html"
platform = "numbered"
[[layouts]]
name = "a"
title = ["td.tit"]
body = ["{body}"]
"""


def test_rebuild_reads_every_page_with_the_new_rules(tmp_path: Path) -> None:
    folder = tmp_path / "sources"
    folder.mkdir()

    def rules(body: str) -> Path:
        (folder / "mohurd.toml").write_text(RULES.format(body=body), encoding="utf-8")
        return folder

    page = page_html("甲事。").replace(b"</body>", b"<div class='other'><p>y</p></div></body>")
    page = page.replace(b"<p>y</p>", "<p>5月8日，乙事。</p>".encode())
    with Store(tmp_path, load_sources([rules("div.union")])) as store:
        store.record(capture(body=page))
    assert rows(tmp_path, "SELECT text FROM entries") == [("甲事。",)]
    rebuild(tmp_path, load_sources([rules("div.other")]))
    assert rows(tmp_path, "SELECT text FROM entries") == [("5月8日，乙事。",)]
    # Another reading of the same page is no new version of it.
    assert rows(tmp_path, "SELECT number FROM revisions") == [(1,)]


class Watched(dict[str, Source]):
    """Source files that look at the archive whenever a rebuild asks for one of them."""

    def __init__(self, sources: dict[str, Source], data: Path) -> None:
        super().__init__(sources)
        self.data = data
        self.seen: list[list[tuple[object, ...]]] = []

    def __getitem__(self, slug: str) -> Source:
        self.seen.append(read(self.data, "SELECT text FROM entries ORDER BY id"))
        return super().__getitem__(slug)


def test_readers_keep_the_old_database_until_the_new_one_is_whole(tmp_path: Path) -> None:
    record(tmp_path, capture(body=page_html("甲。")), capture(OTHER, page_html("乙。")))
    with closing(sqlite3.connect(tmp_path / "bulletins.db")) as conn, conn:
        conn.execute("UPDATE entries SET text = 'of old'")
    with closing(sqlite3.connect(tmp_path / "bulletins.db")) as reader:
        watched = Watched(SOURCES, tmp_path)
        rebuild(tmp_path, watched)
        assert len(watched.seen) > 2
        assert all(seen == [("of old",), ("of old",)] for seen in watched.seen)
        # A reader that had it open all the time goes on with the new one.
        assert reader.execute("SELECT text FROM entries ORDER BY id").fetchall() == [
            ("甲。",),
            ("乙。",),
        ]


def test_the_same_captures_make_the_same_rows_at_any_time_and_place(tmp_path: Path) -> None:
    """No clock, time zone, locale or order of hashes has a part in what is derived."""
    assert crawl(short_lists(), tmp_path, "--channel", "xwfb").returncode == 0
    found = []
    for now, zone, seed, language in (
        ("2026-11-01T18:00:00Z", "Asia/Shanghai", "1", "C"),
        ("2019-02-03T04:05:06Z", "America/New_York", "77", "zh_CN.UTF-8"),
    ):
        settings = {"TZ": zone, "PYTHONHASHSEED": seed, "LC_ALL": language}
        for file in tmp_path.glob("bulletins.db*"):
            file.unlink()
        done = run("rebuild", "--data", tmp_path, now=now, **settings)
        assert done.returncode == 0, done.stderr
        found.append(tables(tmp_path))
    assert found[0] == found[1]
    assert len(found[0]["bulletins"]) == 7


def test_opening_for_writing_makes_an_index_of_another_version_anew(tmp_path: Path) -> None:
    record(tmp_path, capture(body=page_html("甲。")))
    with closing(sqlite3.connect(tmp_path / "bulletins.db")) as conn, conn:
        conn.execute("UPDATE search_index SET version = '1'")
    with Store(tmp_path, SOURCES) as store:
        assert ENTRIES_INDEX.is_current(store.database.conn)
        assert not list(differences(store.database.conn, ENTRIES_INDEX))
