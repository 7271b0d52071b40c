"""The store at its edges: what a crawl asks of it, and what it answers to each kind of answer.

Most of these were found missing by ``make mutate``.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from archive.captures.warc import Capture
from archive.errors import CannotWrite, Damaged, Locked, UsageError
from archive.storage.database import connect, open_readonly
from archive.storage.incidents import Incident
from archive.storage.ingest import Outcome
from archive.storage.lock import is_locked, lock
from archive.storage.rebuild import rebuild
from archive.storage.store import BATCH, Store
from archive.storage.verify import problems
from tests.crawling import rows
from tests.test_store import HOME, PAGE, SOURCES, capture, page_html, record, same_after_rebuild

AT = "2026-11-01T18:00:00Z"
OTHER = f"{HOME}/xwfb/202005/t20200529_2.html"
LIST = f"{HOME}/xwfb/index.html"


def one(folder: Path, made: Capture) -> Outcome:
    """What becomes of one capture."""
    [outcome] = record(folder, made)
    return outcome


def incident(folder: Path) -> tuple[object, ...]:
    """The only incident: source, channel, url, kind, message, capture."""
    [found] = rows(folder, "SELECT source, channel, url, kind, message, capture FROM incidents")
    return found


def list_page(*addresses: str, date: str = "2020.05.28") -> bytes:
    """A list page with a row for each address."""
    rows_ = "".join(f"<tr><td><a href='{a}'>样例</a></td><td>[{date}]</td></tr>" for a in addresses)
    return f"<table>{rows_}</table>".encode()


# What a crawl asks


def test_lines_of_crawls_are_opened_closed_and_read(tmp_path: Path) -> None:
    with Store(tmp_path, SOURCES) as store:
        assert store.crawls.last_crawl() == 0
        assert store.crawls.settled_before("mohurd", "gzdt") is None
        first = store.begin_crawl("mohurd", "gzdt", AT)
        assert (first, store.crawls.last_crawl()) == (1, 1)
        assert rows(tmp_path, "SELECT source, channel, started_at, outcome FROM crawls") == [
            ("mohurd", "gzdt", AT, "running")
        ]
        store.finish_crawl(first, {"outcome": "good", "walked": 1, "finished_at": "2026-11-01T1"})
        second = store.begin_crawl("mohurd", "dfxx", AT)
        third = store.begin_crawl("mohurd", "gzdt", AT)
        store.finish_crawl(third, {"outcome": "good", "walked": 0, "finished_at": "2026-11-01T3"})
        # Only a walk that was completed settles a list, and only its own channel's.
        assert store.crawls.settled_before("mohurd", "gzdt") == "2026-11-01T1"
        assert store.crawls.settled_before("mohurd", "dfxx") is None
        assert store.crawls.settled_before("mof", "gzdt") is None
        assert [row["id"] for row in store.crawls.crawls_after(first)] == [second, third]
        assert store.crawls.crawls_after(third) == []
        last = store.crawls.crawls_after(second)[0]
        assert (last["channel"], last["outcome"], last["walked"]) == ("gzdt", "good", 0)


def test_a_crawl_that_was_killed_is_closed_by_the_next_run_and_named(tmp_path: Path) -> None:
    with Store(tmp_path, SOURCES) as store:
        store.finish_crawl(store.begin_crawl("mohurd", "gzdt", AT), {"outcome": "good"})
        store.begin_crawl("mohurd", "gzdt", AT)
    for _ in range(2):
        with Store(tmp_path, SOURCES):
            pass
    good, killed = rows(tmp_path, "SELECT outcome, message, finished_at FROM crawls ORDER BY id")
    assert good == ("good", None, None)
    assert killed[0] == "stopped"
    assert str(killed[1]).startswith("cut off: killed, or the machine stopped; found by the run")
    assert killed[2] is None


def test_what_was_listed_by_an_instant(tmp_path: Path) -> None:
    later = "2026-11-05T18:00:00Z"
    record(tmp_path, capture(LIST, list_page(PAGE), role="list", at=AT))
    record(tmp_path, capture(LIST, list_page(PAGE, OTHER), role="list", at=later))
    with Store(tmp_path, SOURCES) as store:
        assert store.crawls.listed_before("mohurd", AT) == {PAGE}
        assert store.crawls.listed_before("mohurd", later) == {PAGE, OTHER}
        assert store.crawls.listed_before("mohurd", "2026-10-01T00:00:00Z") == set()
        assert store.crawls.listed_before("mof", later) == set()
    assert (
        rows(tmp_path, "SELECT last_listed, listed, title FROM addresses")
        == [(later, "2020-05-28", "样例")] * 2
    )


def test_a_page_is_due_to_the_last_channel_that_listed_it_until_it_is_had(tmp_path: Path) -> None:
    rows_ = "".join(
        f"<li class='date'><a href='{a}'>样例</a><span>[2020-05-28]</span></li>"
        for a in (PAGE, OTHER)
    )
    elsewhere = capture(
        f"{HOME}/xinwen/gzdt/index.html", rows_.encode(), role="list", channel="gzdt-2021"
    )
    record(
        tmp_path,
        capture(LIST, list_page(PAGE, OTHER), role="list"),
        capture(body=page_html("甲。")),
        elsewhere,
    )
    with Store(tmp_path, SOURCES) as store:
        found = store.crawls.rechecks("mohurd", ["xwfb", "gzdt-2021"], AT, 9)
        assert [(page.address, page.channel) for page in found] == [(PAGE, "xwfb")]
        assert store.crawls.never_captured("mohurd", "xwfb", AT) == []
        [waiting] = store.crawls.never_captured("mohurd", "gzdt-2021", AT)
        assert waiting.address == OTHER


def test_due_pages_are_bounded_by_date_and_number_the_newest_first(tmp_path: Path) -> None:
    pages = [f"{HOME}/xwfb/202005/t202005{day}_{day}.html" for day in (10, 11, 12)]
    for page, day in zip(pages, (10, 11, 12), strict=True):
        record(tmp_path, capture(LIST, list_page(page, date=f"2020.05.{day}"), role="list"))
    with Store(tmp_path, SOURCES) as store:

        def due(**bounds: object) -> list[int]:
            found = store.crawls.never_captured("mohurd", "xwfb", AT, **bounds)  # type: ignore[arg-type]
            return [int(page.address[-7:-5]) for page in found]

        assert due() == [12, 11, 10]
        assert due(limit=2) == [12, 11]
        assert due(limit=0) == []
        assert due(since=date(2020, 5, 11)) == [12, 11]
        assert due(since=date(2020, 5, 13)) == []
        assert store.crawls.never_captured("mohurd", "gzdt", AT) == []


# Incidents


def test_an_incident_without_an_answer_says_all_that_is_known(tmp_path: Path) -> None:
    with Store(tmp_path, SOURCES) as store:
        store.incident(Incident(AT, "mohurd", "xwfb", PAGE, "unreachable", "no answer"))
        store.incident(Incident(AT, "mohurd", "xwfb", PAGE, "unreachable", "no answer"))
    assert incident(tmp_path) == ("mohurd", "xwfb", PAGE, "unreachable", "no answer", None)


@pytest.mark.parametrize(
    ("made", "kind", "says"),
    [
        (capture(status=500, body=b"x"), "http-500", "the site answered 500; ask again later, or"),
        (capture(status=412), "wall-412", "412"),
        (capture(body=b" \n "), "empty", "the answer has no content: ask again, or look by hand"),
        (capture(status=404), "missing", "listed, but the site answers 404: it may never have"),
        (capture(status=410), "missing", "listed, but the site answers 410: it may never have"),
        (capture(status=304), "empty", "the site says unchanged (304) of a page that was never"),
        (
            capture(status=301, Location="https://www.news.cn/1.html"),
            "moved",
            "the address now leads to https://www.news.cn/1.html, which is",
        ),
        (capture(status=302), "moved", "the address now leads to nowhere, which is"),
        (
            capture(LIST, b"<table></table>", role="list"),
            "list-empty",
            "the list's first page has no rows: the site may have a new layout; compare the",
        ),
        (
            capture(LIST, status=404, role="list"),
            "list-missing",
            "the list answers 404: the site may have moved it; compare the channel's path",
        ),
        (capture(LIST, status=410, role="list"), "list-missing", "the list answers 410"),
    ],
)
def test_each_incident_says_what_happened_and_what_to_do(
    tmp_path: Path, made: Capture, kind: str, says: str
) -> None:
    outcome = one(tmp_path, made)
    assert (outcome.kind == "failed") == (kind != "missing")
    assert outcome.incident == kind
    assert says in outcome.message
    assert incident(tmp_path) == ("mohurd", "xwfb", made.address, kind, outcome.message, 1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_redirect_within_the_site_is_followed(tmp_path: Path, status: int) -> None:
    outcome = one(tmp_path, capture(status=status, Location="t20200529_2.html"))
    assert (outcome.kind, outcome.location) == ("moved", OTHER)
    assert rows(tmp_path, "SELECT count(*) FROM incidents") == [(0,)]


def test_a_later_list_page_without_rows_is_the_end(tmp_path: Path) -> None:
    for made in (
        capture(LIST, b"<table></table>", role="more"),
        capture(LIST, status=404, role="more"),
        capture(LIST, status=410, role="more"),
    ):
        assert one(tmp_path, made) == Outcome("end")
    assert rows(tmp_path, "SELECT count(*) FROM incidents") == [(0,)]


def test_robots_txt_is_kept_and_means_nothing_more(tmp_path: Path) -> None:
    record(tmp_path, capture(status=500))
    robots = capture(f"{HOME}/robots.txt", role="robots", body=b"User-agent: *\nDisallow:")
    assert one(tmp_path, robots) == Outcome("aside")
    # It settles nothing that is wrong with a page.
    assert rows(tmp_path, "SELECT resolved_at FROM incidents") == [(None,)]


def test_a_column_page_says_where_its_list_is(tmp_path: Path) -> None:
    script = (
        "<script url='/api-gateway/jpaas-publish-server/front/page/build/unit'"
        " querydata=\"{'tagId':'栏目-list','webId':'7'}\"></script>"
    )
    page = f"<html><body><p>工作动态</p>{script}</body></html>".encode()
    address = f"{HOME}/xinwen/gzdt/index.html"
    outcome = one(tmp_path, capture(address, page, role="column", channel="gzdt"))
    assert outcome.kind == "column"
    assert outcome.location is not None
    assert outcome.location.startswith(f"{HOME}/api-gateway/jpaas-publish-server/front/page/build")
    assert rows(tmp_path, "SELECT count(*) FROM incidents") == [(0,)]


def test_a_capture_s_row_says_where_it_lies_and_what_it_was(tmp_path: Path) -> None:
    headers = {"Content-Type": "text/html", "ETag": '"1"', "Last-Modified": "yesterday"}
    record(tmp_path, capture(body=page_html("甲。"), **headers), capture(LIST, status=404))
    found = rows(
        tmp_path,
        "SELECT url, address, source, channel, role, fetched_at, status, content_type, etag,"
        " last_modified, file, digest LIKE 'sha1:%', length > 300 FROM captures ORDER BY id",
    )
    file = "captures-000001.warc.gz"
    same = ("mohurd", "xwfb", "page", AT)
    assert found == [
        (PAGE, PAGE, *same, 200, "text/html", '"1"', "yesterday", file, 1, 1),
        (LIST, LIST, *same, 404, None, None, None, file, 1, 1),
    ]
    [(first, length), (second, _)] = rows(tmp_path, "SELECT offset, length FROM captures")
    assert int(str(first)) + int(str(length)) == second


# Addresses


def test_pages_that_lead_round_in_a_ring_are_an_incident(tmp_path: Path) -> None:
    third = f"{HOME}/xwfb/202005/t20200530_3.html"
    outcomes = record(
        tmp_path,
        capture(PAGE, status=302, Location=OTHER),
        capture(OTHER, status=302, Location=third),
        capture(third, status=302, Location=PAGE),
    )
    assert [outcome.kind for outcome in outcomes] == ["moved", "moved", "failed"]
    assert incident(tmp_path)[2:4] == (third, "moved")
    same_after_rebuild(tmp_path)


def test_a_bulletin_is_gone_only_when_all_its_addresses_are(tmp_path: Path) -> None:
    """Seen at the one address at the very moment when the other was first missed: not gone."""
    again = f"{HOME}/xinwen/gzdt/202005/20200528_1.html"
    record(tmp_path, capture(PAGE, page_html("甲。")), capture(again, page_html("甲。")))
    nights = [f"2026-11-0{n}T18:00:00Z" for n in (2, 3, 4)]
    record(tmp_path, capture(again, page_html("甲。"), at=nights[0]))
    for night in nights:
        record(tmp_path, capture(PAGE, status=404, at=night))
    assert rows(tmp_path, "SELECT status FROM bulletins") == [("live",)]
    for night in ("2026-11-05T18:00:00Z", "2026-11-06T18:00:00Z", "2026-11-07T18:00:00Z"):
        record(tmp_path, capture(again, status=410, at=night))
    assert rows(tmp_path, "SELECT status, last_seen FROM bulletins") == [("gone", nights[0])]
    assert rows(tmp_path, "SELECT DISTINCT status FROM entries") == [("gone",)]
    assert rows(tmp_path, "SELECT url, nights_missed, first_missed FROM addresses") == [
        (PAGE, 3, nights[0]),
        (again, 3, "2026-11-05T18:00:00Z"),
    ]
    same_after_rebuild(tmp_path)


def test_validators_are_those_of_the_last_answer_that_had_some(tmp_path: Path) -> None:
    record(tmp_path, capture(body=page_html("甲。"), ETag='"1"', **{"Last-Modified": "one"}))
    record(tmp_path, capture(status=304, at="2026-11-02T18:00:00Z"))
    record(tmp_path, capture(status=304, at="2026-11-03T18:00:00Z", ETag='"2"'))
    found = rows(
        tmp_path, "SELECT etag, last_modified, first_captured, last_good, last_asked FROM addresses"
    )
    last = "2026-11-03T18:00:00Z"
    assert found == [('"2"', "one", AT, last, last)]


def test_a_page_is_read_with_the_date_of_its_list(tmp_path: Path) -> None:
    page = f"{HOME}/xwfb/news.html"
    record(tmp_path, capture(LIST, list_page(page, date="2020.05.28"), role="list"))
    assert one(tmp_path, capture(page, page_html("改造危房120户。"))).kind == "new"
    assert rows(tmp_path, "SELECT published FROM bulletins") == [("2020-05-28",)]


def test_a_redirect_counts_as_the_first_capture_only_where_there_was_none(tmp_path: Path) -> None:
    for night in (1, 2):
        at = f"2026-11-0{night}T18:00:00Z"
        record(tmp_path, capture(status=301, at=at, Location=OTHER))
    assert rows(tmp_path, "SELECT first_captured, moved_to FROM addresses") == [
        ("2026-11-01T18:00:00Z", OTHER)
    ]


def test_a_place_is_a_row_with_its_code_and_offset(tmp_path: Path) -> None:
    record(tmp_path, capture(body=page_html("工作组到青海省西宁市调研。")))
    assert rows(tmp_path, "SELECT seq, text, offset, level, code FROM entry_places") == [
        (1, "西宁市", 7, "city", "630100")
    ]


# Opening, locking, committing


def test_rows_are_committed_a_batch_at_a_time(tmp_path: Path) -> None:
    with Store(tmp_path, SOURCES) as store:
        for _ in range(BATCH - 1):
            store.record(capture(status=500))
        assert rows(tmp_path, "SELECT count(*) FROM captures") == [(0,)]
        store.record(capture(status=500))
        assert rows(tmp_path, "SELECT count(*) FROM captures") == [(BATCH,)]
        store.record(capture(status=500))
        assert rows(tmp_path, "SELECT count(*) FROM captures") == [(BATCH,)]
        store.commit()
        assert rows(tmp_path, "SELECT count(*) FROM captures") == [(BATCH + 1,)]


def test_what_an_error_cuts_off_is_taken_in_by_the_next_opening(tmp_path: Path) -> None:
    def cut_off() -> None:
        with Store(tmp_path, SOURCES) as store:
            store.record(capture(body=page_html("甲。")))
            store.record(capture(body=page_html("乙。")))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cut_off()
    assert rows(tmp_path, "SELECT count(*) FROM captures") == [(0,)]
    with Store(tmp_path, SOURCES) as store:
        assert store.recovered == 2
    with Store(tmp_path, SOURCES) as store:
        assert store.recovered == 0
    assert rows(tmp_path, "SELECT revision FROM bulletins") == [(2,)]


def test_whether_somebody_writes(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "data")
    with Store(tmp_path / "data", SOURCES):
        assert is_locked(tmp_path / "data")
    assert not is_locked(tmp_path / "data")
    (tmp_path / "file").write_text("")
    assert not is_locked(tmp_path / "file")


def test_another_program_s_transaction_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.storage.database.BUSY_MS", 10)
    with Store(tmp_path, SOURCES) as store:
        store.commit()
        with closing(sqlite3.connect(tmp_path / "bulletins.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Locked, match=r"another program holds .*: close it; the captures"):
                store.record(capture(body=page_html("甲。")))
    with Store(tmp_path, SOURCES) as store:
        assert store.recovered == 1


def test_a_rebuild_waits_for_another_program_only_so_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(tmp_path, SOURCES) as store:
        store.record(capture(body=page_html("甲。")))
    monkeypatch.setattr("archive.storage.rebuild.BUSY_MS", 10)
    with closing(sqlite3.connect(tmp_path / "bulletins.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Locked, match=r"another program holds .*bulletins\.db: close it"):
            rebuild(tmp_path, SOURCES)
    assert rebuild(tmp_path, SOURCES) == 1


def test_a_database_of_another_version_or_none_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "bulletins.db"
    connect(path).conn.close()
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("PRAGMA user_version = 99")
    with pytest.raises(
        Damaged,
        match=rf"^{path} has schema 99, this program uses \d+: .* run `bulletins rebuild`",
    ):
        connect(path)
    path.write_bytes(b"this is not a database" * 100)
    with pytest.raises(Damaged, match=r"is damaged .*: run `bulletins rebuild`"):
        connect(path)
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="check the folder"):
        connect(tmp_path / "file" / "bulletins.db")
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(CannotWrite, match="check the folder"):
        connect(tmp_path / "folder.db")


def test_no_archive_says_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"no archive in {tmp_path}: name its folder with --data"):
        open_readonly(tmp_path)
    with pytest.raises(UsageError):
        list(problems(tmp_path))


def test_a_locked_archive_is_not_verified(tmp_path: Path) -> None:
    says = f"^another process is writing to {tmp_path}: wait until it is done"
    with Store(tmp_path, SOURCES), pytest.raises(Locked, match=says):
        list(problems(tmp_path))
    with Store(tmp_path, SOURCES), pytest.raises(Locked, match=says):
        lock(tmp_path)


def test_a_source_and_its_channels_are_rows(tmp_path: Path) -> None:
    record(tmp_path, capture(status=500))
    source = SOURCES["mohurd"]
    assert rows(tmp_path, "SELECT slug, name, home, rhythm_days FROM sources") == [
        ("mohurd", source.name, source.home, source.rhythm_days)
    ]
    found = rows(tmp_path, "SELECT source, slug, name, url, platform, retired FROM channels")
    assert sorted(map(str, found)) == sorted(
        str(("mohurd", c.slug, c.name, source.home + c.path, c.platform, int(c.retired)))
        for c in source.channels
    )


def test_a_file_that_is_not_a_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "bulletins.db").write_bytes(b"noise" * 1000)
    with pytest.raises(Damaged, match=r"bulletins\.db is damaged \(file is not a database\)"):
        Store(tmp_path, SOURCES)
