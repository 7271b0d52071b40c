"""The store and the ingest below it, without a network: captures in, rows out."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from archive.captures.warc import Capture, warc_files
from archive.errors import CannotWrite, Damaged, Locked, SourceFileError, UsageError
from archive.search import differences
from archive.storage.database import ENTRIES_INDEX
from archive.storage.incidents import Incident
from archive.storage.ingest import Outcome
from archive.storage.rebuild import rebuild
from archive.storage.store import Store
from crawler.sources import load_sources
from tests.crawling import rows, tables

SOURCES = load_sources()
HOME = "https://www.mohurd.gov.cn"
PAGE = f"{HOME}/xwfb/202005/t20200528_1.html"


def page_html(text: str, title: str = "样例") -> bytes:
    return (
        f"<html><body><table><tr><td class='tit'>{title}</td></tr></table>"
        f"<div class='union'><p>{text}</p></div></body></html>"
    ).encode()


def capture(
    address: str = PAGE,
    body: bytes = b"",
    *,
    at: str = "2026-11-01T18:00:00Z",
    status: int = 200,
    role: str = "page",
    channel: str = "xwfb",
    source: str = "mohurd",
    **headers: str,
) -> Capture:
    return Capture(
        url=address,
        address=address,
        source=source,
        channel=channel,
        role=role,  # type: ignore[arg-type]
        fetched_at=at,
        status=status,
        headers=tuple(headers.items()),
        body=body,
    )


def record(folder: Path, *captures: Capture) -> list[Outcome]:
    with Store(folder, SOURCES) as store:
        return [store.record(one) for one in captures]


def test_a_page_is_new_then_the_same_then_revised(tmp_path: Path) -> None:
    outcomes = record(
        tmp_path,
        capture(body=page_html("5月8日，改造危房120户。")),
        capture(body=page_html("5月8日，改造危房120户。")),
        capture(body=page_html("5月8日，改造危房102户。")),
        capture(status=304),
    )
    assert [outcome.kind for outcome in outcomes] == ["new", "same", "revised", "same"]
    assert rows(tmp_path, "SELECT revision FROM bulletins") == [(2,)]
    assert rows(tmp_path, "SELECT text FROM entries") == [("5月8日，改造危房102户。",)]


def test_entries_keep_their_ids_and_those_dropped_leave_no_trace(tmp_path: Path) -> None:
    three = "</p><p>黑龙江：</p><p>5月8日，甲。</p><p>青海：</p><p>5月9日，乙。</p><p>5月10日，丙。"
    record(
        tmp_path,
        capture(body=page_html("导语。" + three)),
        capture(f"{HOME}/xwfb/202005/t20200529_2.html", page_html("5月9日，别的。")),
    )
    ids = dict(rows(tmp_path, "SELECT slug, id FROM entries"))
    record(tmp_path, capture(body=page_html("</p><p>黑龙江：</p><p>丁。</p><p>青海：</p><p>乙。")))
    left = dict(rows(tmp_path, "SELECT slug, id FROM entries"))
    assert left == {slug: ids[slug] for slug in ("mohurd-1.1", "mohurd-1.2", "mohurd-2.1")}
    for table in ("entry_dates", "entry_provinces", "entry_places", "entry_officials"):
        orphans = f"SELECT count(*) FROM {table} WHERE entry NOT IN (SELECT id FROM entries)"
        assert rows(tmp_path, orphans) == [(0,)]


def test_an_old_revision_keeps_its_whole_content(tmp_path: Path) -> None:
    record(tmp_path, capture(body=page_html("甲。")), capture(body=page_html("乙。")))
    found = rows(
        tmp_path, "SELECT number, json_extract(content, '$.entries[0].text') FROM revisions"
    )
    assert found == [(1, "甲。"), (2, "乙。")]


def test_broken_answers_change_nothing_of_a_known_page(tmp_path: Path) -> None:
    record(tmp_path, capture(body=page_html("5月8日，改造危房120户。")))
    leave_out = ["captures", "addresses", "incidents"]
    before = tables(tmp_path, leave_out)
    kinds = [
        outcome.incident
        for outcome in record(
            tmp_path,
            capture(status=412, body=b"<script>1</script>"),
            capture(status=521),
            capture(body=b"<html><body>\xe8\xaf\xb7\xe8\xbe\x93\xe5\x85\xa5captcha</body></html>"),
            capture(body=b""),
            capture(body=b"%PDF-1.4"),
            capture(body=page_html("x")[:-30]),
            capture(status=500),
            capture(status=403),
            capture(status=302, Location="https://www.news.cn/"),
        )
    ]
    assert kinds == [
        "wall-412",
        "wall-521",
        "wall-captcha",
        "empty",
        "not-html",
        "truncated",
        "http-500",
        "http-403",
        "moved",
    ]
    assert tables(tmp_path, leave_out) == before
    # A good answer settles them all.
    record(tmp_path, capture(status=304, at="2026-11-02T18:00:00Z"))
    assert rows(tmp_path, "SELECT DISTINCT resolved_at FROM incidents") == [
        ("2026-11-02T18:00:00Z",)
    ]


def test_a_parser_that_trips_is_an_incident_and_leaves_no_half_bulletin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trip(*_: object) -> None:
        raise ZeroDivisionError("trip")

    monkeypatch.setattr("archive.storage.revisions.to_json", trip)
    [outcome] = record(tmp_path, capture(body=page_html("甲。")))
    assert outcome.incident == "parser-error"
    assert outcome.message.startswith(
        "the parser failed (ZeroDivisionError: trip): please report it with this address"
    )
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(0,)]
    monkeypatch.undo()
    rebuild(tmp_path, SOURCES)
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(1,)]


def test_pages_of_pictures_are_bulletins_without_text(tmp_path: Path) -> None:
    """Two of them have the same text, none, and neither is held for it."""

    def pictured(title: str) -> bytes:
        return (
            f'<html><head><meta name="ArticleTitle" content="{title}"></head><body>'
            "<p>发布时间：2026-11-02</p>"
            '<div class="editor-content"><img src="1.jpg"></div></body></html>'
        ).encode()

    other = "https://www.mohurd.gov.cn/xinwen/gzdt/art/2026/art_304_900002.html"
    outcomes = record(
        tmp_path,
        capture(body=pictured("一图看懂样例办法")),
        capture(other, body=pictured("样例标准图解")),
    )
    assert [outcome.incident for outcome in outcomes] == [None, None]
    found = rows(tmp_path, "SELECT title, kind, text, date FROM entries ORDER BY title")
    assert found == [
        ("一图看懂样例办法", "article", "", "2026-11-02"),
        ("样例标准图解", "article", "", "2026-11-02"),
    ]
    lost = pictured("一图看懂样例办法").replace(b'<img src="1.jpg">', b"")
    [outcome] = record(tmp_path, capture(body=lost, at="2026-11-03T18:00:00Z"))
    assert outcome.incident == "unrecognised"


def indexed(store: Store) -> list[int]:
    """The entries in the search index."""
    found = store.database.conn.execute(f"SELECT key FROM {ENTRIES_INDEX.rows} ORDER BY key")
    return [key for (key,) in found.fetchall()]


def test_a_commit_indexes_what_was_written_revised_and_not_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trip(*_: object) -> None:
        raise ZeroDivisionError("trip")

    other = f"{HOME}/xwfb/202005/t20200529_2.html"
    with Store(tmp_path, SOURCES) as store:
        store.record(capture(body=page_html("5月8日，改造危房120户。")))
        store.record(capture(body=page_html("5月8日，改造危房102户。")))
        assert indexed(store) == []
        with monkeypatch.context() as patch:
            # After the entries were written: all of it is taken back.
            patch.setattr(store.ingester.addresses, "holds", trip)
            taken_back = store.record(capture(other, page_html("甲。", "另一号")))
        assert taken_back.incident == "parser-error"
        store.commit()
        assert indexed(store) == [1]
        # Revised again after the commit, and again before the next one.
        store.record(capture(body=page_html("5月8日，改造危房210户。")))
        store.record(capture(body=page_html("5月8日，改造危房201户。")))
        store.record(capture(other, page_html("乙。", "另一号")))
        store.commit()
        assert indexed(store) == [1, 2]
        assert list(differences(store.database.conn, ENTRIES_INDEX)) == []


def test_the_civil_date_is_chinas(tmp_path: Path) -> None:
    """Half past midnight in China is the evening before in UTC; the page's date stays."""
    body = page_html("甲。").replace(
        b"<body>", b'<head><meta name="PubDate" content="2026-11-02 00:30"></head><body>'
    )
    record(tmp_path, capture(body=body))
    assert rows(tmp_path, "SELECT published, published_at FROM bulletins") == [
        ("2026-11-02", "2026-11-01T16:30:00Z")
    ]


def test_unknown_sources_and_channels_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceFileError, match=r"put nobody\.toml into"):
        record(tmp_path, capture(source="nobody"))
    (tmp_path / "b").mkdir()
    with pytest.raises(UsageError, match="it has gzdt"):
        record(tmp_path / "b", capture(channel="nothing"))


def test_one_writer(tmp_path: Path) -> None:
    with Store(tmp_path, SOURCES), pytest.raises(Locked), Store(tmp_path, SOURCES):
        pass
    with Store(tmp_path, SOURCES):
        pass


def test_a_reader_never_waits_for_the_writer(tmp_path: Path) -> None:
    with Store(tmp_path, SOURCES) as store:
        store.record(capture(body=page_html("甲。")))
        store.commit()
        store.record(capture(f"{HOME}/xwfb/202005/t20200529_2.html", page_html("乙。")))
        assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(1,)]
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(2,)]


def test_strict_tables_foreign_keys_and_no_replace(tmp_path: Path) -> None:
    record(tmp_path, capture(body=page_html("甲。")))
    loose = rows(
        tmp_path,
        "SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT strict"
        " AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'entries!_%' ESCAPE '!'"
        " AND name != 'search_index'",
    )
    assert loose == []
    assert rows(tmp_path, "PRAGMA foreign_key_check") == []
    assert rows(tmp_path, "PRAGMA journal_mode") == [("wal",)]
    code = Path(__file__).parent.parent / "archive"
    assert not [p for p in code.rglob("*.py") if "OR REPLACE" in p.read_text(encoding="utf-8")]


@pytest.mark.parametrize("damage", [b"this is no database" * 100, b""])
def test_rebuild_mends_a_damaged_database(tmp_path: Path, damage: bytes) -> None:
    record(tmp_path, capture(body=page_html("甲。")))
    before = tables(tmp_path, ["crawls"])
    for file in tmp_path.glob("bulletins.db-*"):
        file.unlink()
    (tmp_path / "bulletins.db").write_bytes(damage)
    assert rebuild(tmp_path, SOURCES) == 1
    assert tables(tmp_path, ["crawls"]) == before
    assert [path.name for path in tmp_path.glob("*.new*")] == []


def test_rebuild_serves_readers_throughout(tmp_path: Path) -> None:
    record(tmp_path, capture(body=page_html("甲。")))
    with closing(sqlite3.connect(tmp_path / "bulletins.db")) as reader:
        assert reader.execute("SELECT count(*) FROM entries").fetchone() == (1,)
        rebuild(tmp_path, SOURCES)
        assert reader.execute("SELECT text FROM entries").fetchone() == ("甲。",)


def test_a_rebuild_that_fails_leaves_the_old_database(tmp_path: Path) -> None:
    record(tmp_path, capture(body=page_html("甲。")))
    [warc] = warc_files(tmp_path / "warc")
    raw = warc.read_bytes()
    warc.write_bytes(raw[:-60] + b"XX" + raw[-58:] + raw)
    with pytest.raises(Damaged):
        rebuild(tmp_path, SOURCES)
    assert list(tmp_path.glob("*.new*")) == []
    assert rows(tmp_path, "SELECT text FROM entries") == [("甲。",)]


def test_a_page_that_neither_page_nor_list_dates_is_an_incident(tmp_path: Path) -> None:
    undated = page_html("甲。" * 30)
    [outcome] = record(tmp_path, capture(f"{HOME}/xwfb/news.html", undated))
    assert outcome.incident == "unrecognised"
    assert "date of publication" in outcome.message
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(0,)]


def nights(folder: Path, *answers: tuple[int, bytes | str]) -> None:
    """One answer for the page on each night: a status and its body, or where it leads."""
    for night, (status, said) in enumerate(answers, start=1):
        at = f"2026-11-{night:02}T18:00:00Z"
        if isinstance(said, str):
            record(folder, capture(status=status, at=at, Location=said))
        else:
            record(folder, capture(body=said, status=status, at=at))


def same_after_rebuild(folder: Path) -> None:
    before = tables(folder)
    rebuild(folder, SOURCES)
    assert tables(folder) == before


def test_a_redirect_between_misses_starts_the_count_again(tmp_path: Path) -> None:
    body = page_html("甲。")
    moved = (301, "/xwfb/202005/t20200528_1.shtml")
    nights(tmp_path, (200, body), (404, b""), (404, b""), moved, (404, b""), (404, b""))
    assert rows(tmp_path, "SELECT status FROM bulletins") == [("live",)]
    record(tmp_path, capture(status=404, at="2026-11-07T18:00:00Z"))
    # Nobody looked where it led, so the page was last seen on the first night.
    assert rows(tmp_path, "SELECT status, last_seen FROM bulletins") == [
        ("gone", "2026-11-01T18:00:00Z")
    ]
    same_after_rebuild(tmp_path)


OTHER = f"{HOME}/xwfb/202005/t20200529_2.html"
FURTHER = f"{HOME}/xwfb/202005/t20200530_3.html"


def moved_then(folder: Path, night: int, *at_the_end: Capture) -> None:
    """A night on which the page leads to OTHER, that to FURTHER, and what is captured there."""
    at = f"2026-11-{night:02}T18:00:00Z"
    chain = [capture(status=301, at=at, Location=OTHER)]
    chain.append(capture(OTHER, status=302, at=at, Location=FURTHER))
    record(folder, *chain, *(replace(one, fetched_at=at) for one in at_the_end))


def test_a_page_is_gone_when_the_end_of_its_redirects_is_missing(tmp_path: Path) -> None:
    status = "SELECT bulletins.status, entries.status, last_seen FROM bulletins, entries"
    record(tmp_path, capture(body=page_html("甲。")))
    for night in (2, 3):
        moved_then(tmp_path, night, capture(FURTHER, status=404))
        moved_then(tmp_path, night, capture(FURTHER, status=404))  # the same night counts once
    assert rows(tmp_path, status) == [("live", "live", "2026-11-01T18:00:00Z")]
    moved_then(tmp_path, 4, capture(FURTHER, status=404))
    gone = [("gone", "gone", "2026-11-01T18:00:00Z")]
    assert rows(tmp_path, status) == gone
    for night in range(5, 9):
        moved_then(tmp_path, night, capture(FURTHER, status=404))
    assert rows(tmp_path, status) == gone
    assert rows(tmp_path, "SELECT count(*) FROM incidents") == [(0,)]
    same_after_rebuild(tmp_path)
    moved_then(tmp_path, 9, capture(FURTHER, page_html("甲。")))
    assert rows(tmp_path, "SELECT DISTINCT status FROM bulletins") == [("live",)]
    assert rows(tmp_path, "SELECT DISTINCT status FROM entries") == [("live",)]
    same_after_rebuild(tmp_path)


def test_a_good_answer_between_misses_at_the_end_of_redirects_starts_the_count_again(
    tmp_path: Path,
) -> None:
    record(tmp_path, capture(body=page_html("甲。")))
    answers = [404, 404, 200, 404, 404]
    for night, status in enumerate(answers, start=2):
        body = page_html("乙。") if status == 200 else b""
        moved_then(tmp_path, night, capture(FURTHER, body, status=status))
    assert rows(tmp_path, "SELECT DISTINCT status FROM bulletins") == [("live",)]
    moved_then(tmp_path, 7, capture(FURTHER, status=404))
    assert rows(tmp_path, "SELECT status, last_seen FROM bulletins ORDER BY id") == [
        ("gone", "2026-11-04T18:00:00Z"),
    ]
    same_after_rebuild(tmp_path)


def test_a_bulletin_that_another_address_still_shows_is_not_gone(tmp_path: Path) -> None:
    today = f"{HOME}/xinwen/gzdt/202005/20200528_1.html"
    record(tmp_path, capture(body=page_html("甲。")), capture(today, page_html("甲。")))
    for night in range(2, 9):
        at = f"2026-11-{night:02}T18:00:00Z"
        moved_then(tmp_path, night, capture(FURTHER, status=404))
        record(tmp_path, capture(today, page_html("甲。"), at=at))
    assert rows(tmp_path, "SELECT status FROM bulletins") == [("live",)]
    same_after_rebuild(tmp_path)


def test_an_address_that_is_missing_itself_leads_nowhere_any_more(tmp_path: Path) -> None:
    """Its old target answers well every night and must not bring it back."""
    record(tmp_path, capture(body=page_html("甲。")), capture(OTHER, page_html("乙。")))
    record(tmp_path, capture(status=301, Location=OTHER))
    for night in range(2, 6):
        at = f"2026-11-{night:02}T18:00:00Z"
        record(tmp_path, capture(status=404, at=at), capture(OTHER, page_html("乙。"), at=at))
    assert rows(tmp_path, "SELECT url, status FROM bulletins ORDER BY id") == [
        (PAGE, "gone"),
        (OTHER, "live"),
    ]
    same_after_rebuild(tmp_path)


UNSETTLED = "SELECT url FROM incidents WHERE resolved_at IS NULL ORDER BY url"


def test_only_a_good_answer_settles(tmp_path: Path) -> None:
    record(tmp_path, capture(body=page_html("甲。")), capture(status=503))
    record(tmp_path, capture(status=404))
    assert rows(tmp_path, UNSETTLED) == [(PAGE,)]
    record(tmp_path, capture(status=304))
    assert rows(tmp_path, UNSETTLED) == []


def test_where_a_page_moved_the_answer_there_settles(tmp_path: Path) -> None:
    record(tmp_path, capture(body=page_html("甲。")), capture(status=503))
    moved_then(tmp_path, 2, capture(FURTHER, status=404))
    moved_then(tmp_path, 3, capture(FURTHER, status=500))
    assert rows(tmp_path, UNSETTLED) == [(PAGE,), (FURTHER,)]
    moved_then(tmp_path, 4, capture(FURTHER, page_html("甲。")))
    assert rows(tmp_path, UNSETTLED) == []
    same_after_rebuild(tmp_path)


def test_a_list_that_moved_has_nothing_unsettled(tmp_path: Path) -> None:
    address = f"{HOME}/xwfb/index.html"
    record(tmp_path, capture(address, status=503, role="list"))
    assert rows(tmp_path, UNSETTLED) == [(address,)]
    record(tmp_path, capture(address, status=301, role="list", Location="/xwfb/list.html"))
    assert rows(tmp_path, UNSETTLED) == []


def test_an_address_that_is_led_elsewhere_keeps_its_own_bulletin(tmp_path: Path) -> None:
    other = f"{HOME}/xwfb/202005/t20200529_2.html"
    record(
        tmp_path,
        capture(body=page_html("甲。")),
        capture(other, page_html("乙。")),
        capture(status=301, Location=other),
        capture(other, page_html("丙。")),
    )
    found = rows(tmp_path, "SELECT url, bulletin FROM addresses ORDER BY url")
    assert found == [(PAGE, 1), (other, 2)]
    same_after_rebuild(tmp_path)


def test_an_address_that_was_never_read_has_the_bulletin_it_leads_to(tmp_path: Path) -> None:
    other = f"{HOME}/xwfb/202005/t20200529_2.html"
    record(tmp_path, capture(other, page_html("乙。")), capture(status=301, Location=other))
    assert rows(tmp_path, "SELECT DISTINCT bulletin FROM addresses") == [(1,)]
    same_after_rebuild(tmp_path)


@pytest.mark.parametrize("target", ["/", "/news/index.html", "/news/error.html", "/404.html"])
def test_no_front_page_or_error_page_becomes_a_bulletin(tmp_path: Path, target: str) -> None:
    [outcome] = record(tmp_path, capture(f"{HOME}/news/a.html", status=302, Location=target))
    assert outcome.incident == "moved"
    assert rows(tmp_path, "SELECT count(*) FROM addresses WHERE moved_to NOT NULL") == [(0,)]


def test_unchanged_says_nothing_of_a_page_that_was_never_read(tmp_path: Path) -> None:
    [outcome] = record(tmp_path, capture(status=304))
    assert outcome.kind == "failed"
    assert rows(tmp_path, "SELECT first_captured, etag FROM addresses") == [(None, None)]


def test_a_column_page_must_name_a_list_of_the_site(tmp_path: Path) -> None:
    script = "<script url='https://www.news.cn/unit' querydata=\"{'tagId':'栏目-list'}\"></script>"
    page = f"<html><body><p>工作动态</p>{script}</body></html>".encode()
    [outcome] = record(
        tmp_path, capture(f"{HOME}/xinwen/gzdt/index.html", page, role="column", channel="gzdt")
    )
    assert outcome.incident == "list-refused"


def test_a_new_way_to_divide_a_text_is_no_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = page_html("</p><p>黑龙江：</p><p>甲事，已经办完。</p><p>青海：</p><p>乙事，已经办完。")
    record(tmp_path, capture(body=body))
    assert rows(tmp_path, "SELECT count(*) FROM entries") == [(2,)]
    monkeypatch.setattr("archive.normalise.segments.read_heading", lambda line: None)
    [outcome] = record(tmp_path, capture(body=body))
    assert outcome.kind == "same"


def test_rebuild_keeps_what_no_capture_tells_even_of_a_source_that_never_answered(
    tmp_path: Path,
) -> None:
    record(tmp_path, capture(body=page_html("甲。")))
    (tmp_path / "sources").mkdir()
    source = (Path(__file__).parent.parent / "sample" / "sources" / "sample.toml").read_bytes()
    (tmp_path / "sources" / "sample.toml").write_bytes(source)
    sources = load_sources([tmp_path / "sources"])
    with Store(tmp_path, sources) as store:
        crawl = store.begin_crawl("sample", "gzdt", "2026-11-01T18:00:00Z")
        store.incident(
            Incident("2026-11-01T18:00:01Z", "sample", "gzdt", HOME, "unreachable", "no answer")
        )
        store.finish_crawl(crawl, {"outcome": "failed", "finished_at": "2026-11-01T18:00:02Z"})
    before = tables(tmp_path)
    rebuild(tmp_path, sources)
    assert tables(tmp_path) == before
    assert rows(tmp_path, "SELECT count(*) FROM crawls") == [(1,)]


def test_a_torn_file_beside_an_unusable_database_is_mended_by_rebuild(tmp_path: Path) -> None:
    record(tmp_path, capture(body=page_html("甲。")), capture(body=page_html("乙。")))
    [warc] = warc_files(tmp_path / "warc")
    warc.write_bytes(warc.read_bytes()[:-50])
    for file in tmp_path.glob("bulletins.db*"):
        file.write_bytes(b"this is no database")
    assert rebuild(tmp_path, SOURCES) == 1
    assert rows(tmp_path, "SELECT text FROM entries") == [("甲。",)]


def test_after_a_failure_nothing_more_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Captures that the database missed are found only if they are the last ones."""
    with Store(tmp_path, SOURCES) as store:
        store.record(capture(body=page_html("甲。")))

        def full(*_: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(store.ingester, "ingest", full)
        with pytest.raises(CannotWrite, match="disk is full"):
            store.record(capture(body=page_html("乙。")))
        monkeypatch.undo()
        with pytest.raises(CannotWrite, match="disk is full"):
            store.record(capture(body=page_html("丙。")))
    with Store(tmp_path, SOURCES) as store:
        assert store.recovered == 2
    assert rows(tmp_path, "SELECT revision FROM bulletins") == [(2,)]


def test_a_page_without_any_answer_is_asked_for_nightly_for_a_month_then_more_rarely(
    tmp_path: Path,
) -> None:
    record(tmp_path, capture(body=page_html("甲。")))
    other = f"{HOME}/xwfb/202005/t20200529_2.html"
    listed = f"<table><tr><td><a href='{other}'>乙</a></td><td>[2020.05.29]</td></tr></table>"
    record(tmp_path, capture(f"{HOME}/xwfb/index.html", listed.encode(), role="list"))
    with Store(tmp_path, SOURCES) as store:

        def waits(at: str) -> bool:
            pages = store.crawls.never_captured("mohurd", "xwfb", at)
            return other in [page.address for page in pages]

        def asked_again(at: str) -> bool:
            pages = store.crawls.rechecks("mohurd", ["xwfb"], at, 9)
            return other in [page.address for page in pages]

        assert waits("2026-11-01T18:00:00Z")
        for at in ("2026-11-01T18:00:00Z", "2026-12-01T18:00:00Z"):
            store.incident(Incident(at, "mohurd", "xwfb", other, "forbidden", "robots"))
            assert waits(at)
            assert not asked_again(at)
        assert not waits("2026-12-02T18:00:00Z")
        # An eighth of the month later, at the latest.
        assert not asked_again("2026-12-02T18:00:00Z")
        assert asked_again("2026-12-05T12:00:00Z")


def test_two_addresses_that_differ_do_not_revise_each_other_every_night(tmp_path: Path) -> None:
    today = f"{HOME}/xinwen/gzdt/202005/20200528_1.html"
    record(tmp_path, capture(body=page_html("甲。")), capture(today, page_html("乙。")))
    assert rows(tmp_path, "SELECT revision FROM bulletins") == [(2,)]
    outcomes = record(tmp_path, capture(body=page_html("甲。")), capture(today, page_html("乙。")))
    assert [outcome.kind for outcome in outcomes] == ["same", "same"]
    record(tmp_path, capture(body=page_html("丙。")))
    assert rows(tmp_path, "SELECT revision FROM bulletins") == [(3,)]
    same_after_rebuild(tmp_path)
