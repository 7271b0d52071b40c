"""A small archive for the tests of serving, and a client for it. All texts are 样例."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from archive.serving.application import application
from archive.serving.entry_search import labels_of, parse_entries
from archive.storage.database import ENTRIES_INDEX, connect
from tests.test_entry_search import add

# All texts are 样例, written for these tests.
SCRIPT = "<script>alert(1)</script>"
LEARNED = "2021-02-01T18:00:00Z"
BULLETINS = [
    # id, title, published, status
    (1, "住房安全保障联播样例", "2020-05-14", "live"),
    (2, "危房改造进度通报样例", "2020-02-03", "gone"),
    (3, f"标题里的标记{SCRIPT}样例", "2021-01-05", "live"),
    (4, "供热管网检修样例", "2021-01-05", "live"),
]
ENTRIES = [
    # bulletin, seq, kind, heading, provinces, text, date mentions (kind, start, end)
    (
        1,
        0,
        "lead",
        None,
        [],
        "6月30日前全面完成农村危房改造任务。",
        [("deadline", None, "2020-06-30")],
    ),
    (
        1,
        1,
        "section",
        "陕西：",
        ["610000"],
        "5月8日，副省长督导危房改造。",
        [("event", "2020-05-08", "2020-05-08")],
    ),
    (
        1,
        2,
        "section",
        "湖北：",
        ["420000"],
        "5月6日至12日抽查危房改造，脫貧攻堅进展顺利。",
        [("event", "2020-05-06", "2020-05-12"), ("event", "2020-05-06", "2020-05-12")],
    ),
    (
        1,
        3,
        "section",
        "湖北：",
        ["420000"],
        "自5月1日起启用新系统，防控COVID-19。",
        [("since", "2020-05-01", None)],
    ),
    (
        2,
        1,
        "article",
        None,
        ["420000", "610000"],
        "截至12月1日，两省老旧小区改造开工。",
        [("as_of", "2019-12-01", "2019-12-01")],
    ),
    (
        3,
        1,
        "item",
        None,
        ["230000"],
        f"2月1日，哈尔滨市{SCRIPT}除雪。",
        [("event", "2021-02-01", "2021-02-01")],
    ),
    *[(4, n, "item", None, ["230000"], f"第{n}段管网检修。", []) for n in range(1, 8)],
]
DATES = {
    "mohurd-1.0": "2020-05-14", "mohurd-1.1": "2020-05-08", "mohurd-1.2": "2020-05-06",
    "mohurd-1.3": "2020-05-01", "mohurd-2.1": "2020-02-03", "mohurd-3.1": "2021-02-01",
    **{f"mohurd-4.{n}": "2021-01-05" for n in range(1, 8)},
}  # fmt: skip


def write_archive(path: Path) -> None:
    """The archive of this file's samples, as a crawl would leave it."""
    db = connect(path).conn
    db.execute("BEGIN")
    db.execute(
        "INSERT INTO sources (slug, name, home, rhythm_days, digest)"
        " VALUES ('mohurd', '住房部样例', 'https://mohurd.example', 10, '')"
    )
    db.execute(
        "INSERT INTO channels VALUES"
        " ('mohurd', 'xwfb', '新闻', 'https://mohurd.example/x', 'numbered', 0)"
    )
    db.execute(
        "INSERT INTO crawls (source, channel, started_at, finished_at, outcome)"
        " VALUES ('mohurd', 'xwfb', '2021-02-01T18:00:00Z', '2021-02-01T18:05:00Z', 'good')"
    )
    db.execute(
        "INSERT INTO captures (id, url, address, source, channel, role, fetched_at, status, file,"
        " offset, length, digest) VALUES (1, 'https://mohurd.example/', 'https://mohurd.example/',"
        " 'mohurd', 'xwfb', 'page', ?, 200, '1.warc.gz', 0, 1, '')",
        (LEARNED,),
    )
    for number, title, published, status in BULLETINS:
        db.execute(
            "INSERT INTO bulletins (id, slug, source, channel, url, title, published, anchor,"
            " status, revision, body_rule, first_seen, last_seen) VALUES"
            " (?, ?, 'mohurd', 'xwfb', ?, ?, ?, ?, ?, 1, 'layout', ?, ?)",
            (number, f"mohurd-{number}", f"https://mohurd.example/{number}.html", title, published,
             published, status, LEARNED, LEARNED),
        )  # fmt: skip
        db.execute(
            "INSERT INTO revisions (bulletin, number, capture, captured_at, title, digest,"
            " text_digest, content) VALUES (?, 1, 1, ?, ?, '', '', '')",
            (number, LEARNED, title),
        )
    _write_entries(db)
    db.execute("COMMIT")
    ENTRIES_INDEX.rebuild(db)
    db.close()


def _write_entries(db: sqlite3.Connection) -> None:
    known = {row[0]: row for row in BULLETINS}
    for entry, (number, seq, kind, heading, provinces, text, dates) in enumerate(ENTRIES, start=1):
        slug = f"mohurd-{number}.{seq}"
        events = [d for d in dates if d[0] in ("event", "since") and d[1]]
        db.execute(
            "INSERT INTO entries VALUES"
            " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'mohurd', ?, ?, ?, NULL)",
            (entry, slug, number, seq, kind, heading, provinces[0] if provinces else None,
             DATES[slug], events[0][1] if events else None, events[0][2] if events else None, 0,
             text, known[number][1], f"https://mohurd.example/{number}.html", known[number][2],
             known[number][3]),
        )  # fmt: skip
        for n, code in enumerate(provinces, start=1):
            db.execute("INSERT INTO entry_provinces VALUES (?, ?, ?, 'heading')", (entry, n, code))
        for n, (sense, start, end) in enumerate(dates, start=1):
            db.execute(
                "INSERT INTO entry_dates VALUES (?, ?, '日', 0, ?, ?, ?, 'day')",
                (entry, n, sense, start, end),
            )


class Client:
    """Datasette in this process, asked like a server."""

    def __init__(self, path: Path) -> None:
        self.datasette = application(path)
        asyncio.run(self.datasette.invoke_startup())

    def close(self) -> None:
        """Close the connections of the application."""
        for database in self.datasette.databases.values():
            database.close()

    def get(self, path: str, **asked: Any) -> Any:
        query = urlencode(asked, doseq=True, errors="surrogatepass")
        return asyncio.run(self.datasette.client.get(f"{path}?{query}" if query else path))

    def json(self, path: str, **asked: Any) -> Any:
        response = self.get(path, _shape="objects", **asked)
        assert response.status_code == 200, response.text
        return response.json()

    def slugs(self, **asked: Any) -> list[str]:
        return [row["slug"] for row in self.json("/bulletins/entries.json", **asked)["rows"]]


HOSTILE = [
    '"', "'", "“", "*", "a*", "NEAR(", "AND", "OR NOT", "title:房", "{title}: 房", "^房", "-房",
    "(", ")", "房)", "1=1; --", "%", "\\", "《危房》", "C.C", "\x00", "🏚", "\ud800", "é", "?",
    "??房改", ":search", ":search_0",
    " ".join(map(chr, range(0x4E00, 0x4E00 + 500))),  # 500 words of one character
    " ".join(f"{chr(n)}房" for n in range(0x4E00, 0x4E00 + 333)),
]  # fmt: skip


def write_heating(path: Path) -> Path:
    """The same archive, and 1,234 entries of 2022 about 热力 in three provinces."""
    write_archive(path)
    with closing(connect(path).conn) as conn:
        conn.execute("BEGIN")
        for n in range(1234):
            provinces = (("230000",), ("420000", "610000"), ())[n % 3]
            date = f"2022-{n % 12 + 1:02d}-{n % 7 + 1:02d}"
            add(conn, 1000 + n, f"第{n}段热力管网改造。", date=date, provinces=provinces)
        conn.execute("COMMIT")
    return path


SOURCES = {"mohurd": "住房部样例"}


def answer(client: Client, **asked: Any) -> Any:
    response = client.get("/search.json", **asked)
    assert response.status_code == 200, response.text
    return response.json()


def slugs(found: Any) -> list[str]:
    return [entry["slug"] for entry in found["entries"]]


def scan(path: Path, typed: str) -> list[str]:
    """What a plain reading of all entries finds, the newest first."""
    conn = sqlite3.connect(path)
    query = parse_entries(typed, SOURCES)
    listed = conn.execute(
        "SELECT id, slug, text, title, heading FROM entries ORDER BY date DESC, id DESC"
    ).fetchall()
    found = [
        slug
        for entry, slug, text, title, heading in listed
        if query.holds({"text": text, "title": title, "heading": heading}, labels_of(conn, entry))
    ]
    conn.close()
    return found
