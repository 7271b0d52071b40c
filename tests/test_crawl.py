"""Whole crawls: a real server on loopback, real WARC files, the real command line."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from archive.captures.warc import warc_files
from sample import bulletins
from sample.layouts import Era, Page
from sample.server import SampleSite
from tests.crawling import asked, crawl, rows, run, tables

ERAS: list[tuple[Era, str, str]] = [
    ("A", "xwfb", "xwfb"),
    ("B", "gzdt", "gzdt-2021"),
    ("C", "gzdt", "gzdt"),
]
NIGHT_2 = "2026-11-02T18:00:00Z"


def site_of(era: Era, column: str, *more: Page) -> SampleSite:
    """45 sample pages and some more in one column of an era's site.

    Era C's other two columns get a page each, since a live list without rows is a failure.
    """
    pages = bulletins.on_night(1)
    fillers = [replace(page, column=column) for page in (*pages[:45], *more)]
    others = [replace(pages[45], column="dfxx"), replace(pages[46], column="jsyw")]
    return SampleSite(era, [*fillers, *(others if era == "C" else ())])


def words(era: Era, channel: str) -> list[str]:
    return [] if era == "C" else ["--channel", channel]


def real_page(shared: Path, *, hard_wrapped: bool) -> Page:
    """The real bulletin: its lines as they are, or the paragraphs of its annotation."""
    folder = shared / "bulletins"
    lines = (folder / "lianbo-2.txt").read_text(encoding="utf-8").split("\n")
    gold = json.loads((folder / "lianbo-2.gold.json").read_text(encoding="utf-8"))
    paragraphs = [gold["lead"]["text"]]
    for entry in gold["entries"]:
        if entry["heading"] not in paragraphs:
            paragraphs.append(entry["heading"])
        paragraphs.append(entry["text"])
    paragraphs.append(gold["origin"]["literal"])
    return Page(
        id=245619,
        title=lines[0],
        published=date(2020, 5, 28),
        paragraphs=("\n".join(lines[2:]),) if hard_wrapped else tuple(paragraphs),
        hard_wrapped=hard_wrapped,
    )


@pytest.mark.parametrize("hard_wrapped", [False, True], ids=["paragraphs", "hard-wrapped"])
@pytest.mark.parametrize(("era", "column", "channel"), ERAS)
def test_real_bulletin_among_45_others(
    shared: Path, tmp_path: Path, era: Era, column: str, channel: str, hard_wrapped: bool
) -> None:
    site = site_of(era, column, real_page(shared, hard_wrapped=hard_wrapped))
    done = crawl(site, tmp_path, *words(era, channel))
    assert done.returncode == 0, done.stderr
    pages = [target for target in asked(site) if "245619" in target]
    assert len(pages) == 1

    gold = json.loads((shared / "bulletins" / "lianbo-2.gold.json").read_text(encoding="utf-8"))
    [(bulletin, published, series, issue, origin_date)] = rows(
        tmp_path,
        "SELECT id, published, series, issue, origin_date FROM bulletins WHERE slug = ?",
        "mohurd-245619",
    )
    assert (published, series, issue, origin_date) == (
        "2020-05-28",
        "脱贫攻坚战况联播",
        2,
        "2020-05-13",
    )
    found = rows(
        tmp_path,
        "SELECT seq, kind, heading, text, province, event_start, event_end, open_end FROM entries"
        " WHERE bulletin = ? ORDER BY seq",
        bulletin,
    )
    assert found == [
        (0, "lead", None, gold["lead"]["text"], None, None, None, 0),
        *(
            (
                e["seq"],
                e["kind"],
                e["heading"],
                e["text"],
                e["provinces"][0]["code"],
                e["event_start"],
                e["event_end"],
                int(e["open_end"]),
            )
            for e in gold["entries"]
        ),
    ]
    assert len({row[4] for row in found[1:]}) == 15


@pytest.mark.parametrize(
    ("era", "column", "channel"),
    [*(pytest.param(*era, marks=pytest.mark.long) for era in ERAS[:2]), ERAS[2]],
)
def test_second_crawl_changes_nothing_and_rebuild_makes_the_same_rows(
    tmp_path: Path, era: Era, column: str, channel: str
) -> None:
    site = site_of(era, column)
    first = crawl(site, tmp_path, *words(era, channel))
    assert first.returncode == 0, first.stderr
    total = len(list(site.pages))
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(total,)]
    details = Counter(target for target in asked(site, 200) if "_" in target.rpartition("/")[2])
    pages = {target: n for target, n in details.items() if "index" not in target}
    pages = {target: n for target, n in pages.items() if "build/unit" not in target}
    assert len(pages) == total
    assert set(pages.values()) == {1}

    before = tables(tmp_path)
    site.log.clear()
    second = crawl(site, tmp_path, *words(era, channel), now=NIGHT_2)
    assert second.returncode == 0, second.stderr
    after = tables(tmp_path)
    for name in ("bulletins", "entries", "revisions", "entry_dates", "attachments"):
        assert after[name] == before[name], name
    assert len(asked(site, 304)) == total
    found = rows(tmp_path, "SELECT sum(new), sum(same) FROM crawls GROUP BY started_at")
    assert found == [(len(pages), 0), (0, len(pages))]

    built = run("rebuild", "--data", tmp_path)
    assert built.returncode == 0, built.stderr
    assert tables(tmp_path) == after
    # Without the old database too: nothing but crawls is lost.
    for file in tmp_path.glob("bulletins.db*"):
        file.unlink()
    assert run("rebuild", "--data", tmp_path).returncode == 0
    assert tables(tmp_path, ["crawls"]) == {k: v for k, v in after.items() if k != "crawls"}


def test_demo_nights_revise_and_mark_gone_and_rebuild_alike(demo: Path) -> None:
    changed = rows(
        demo,
        "SELECT number FROM revisions JOIN bulletins ON bulletins.id = bulletin"
        " WHERE slug = 'sample-249601' ORDER BY number",
    )
    assert changed == [(1,), (2,)]
    gone = "SELECT channel, count(*) FROM bulletins WHERE status = 'gone' GROUP BY channel"
    # One that today's site took down, and those of 2020 that came through no redesign.
    assert rows(demo, gone) == [("dfxx", 1), ("xwfb", 7)]
    assert rows(
        demo,
        "SELECT DISTINCT entries.status FROM entries JOIN bulletins"
        " ON bulletins.id = bulletin WHERE bulletins.status = 'gone'",
    ) == [("gone",)]
    before = tables(demo)
    assert run("rebuild", "--data", demo).returncode == 0
    assert tables(demo) == before


def test_demo_says_what_it_promises(demo: Path) -> None:
    assert rows(demo, "SELECT count(*) >= 60 FROM bulletins") == [(1,)]
    assert rows(demo, "SELECT count(DISTINCT province) FROM entry_provinces") == [(31,)]
    [(first, last)] = rows(demo, "SELECT min(published), max(published) FROM bulletins")
    assert str(first)[:4] == "2020"
    assert str(last)[:4] == "2022"
    assert rows(demo, "SELECT count(*) FROM addresses WHERE bulletin IS NULL") == [(0,)]
    [(count,)] = rows(
        demo,
        "SELECT count(*) FROM timeline WHERE province = '230000' AND text LIKE '%危房改造%'"
        " AND date BETWEEN '2020-05-01' AND '2020-05-31'",
    )
    assert count >= 1
    gb = rows(demo, "SELECT text FROM entries WHERE text LIKE '%镕%'")
    assert gb
    assert rows(demo, "SELECT count(*) > 0 FROM attachments") == [(1,)]


def test_warcio_check_passes(demo: Path) -> None:
    from warcio.checker import Checker

    files = [str(path) for path in warc_files(demo / "warc")]
    checker = Checker(SimpleNamespace(inputs=files, verbose=False))
    checker.process_all()
    assert checker.exit_value == 0


def test_user_agent_is_honest_and_robots_comes_first(tmp_path: Path) -> None:
    site = SampleSite("C", [])
    site.robots = "User-agent: *\nDisallow: /xinwen/gzdt/\n"
    site.pages = [replace(page, column="dfxx") for page in bulletins.on_night(1)[:3]]
    done = crawl(site, tmp_path, "--channel", "gzdt")
    assert done.returncode == 3
    assert "robots.txt" in done.stderr
    assert [entry.path for entry in site.log] == ["/robots.txt"]
    assert site.log[0].headers["user-agent"].startswith("ministry-bulletin-archive/")
    assert rows(tmp_path, "SELECT kind FROM incidents") == [("forbidden",)]


@pytest.mark.long
def test_since_and_channel_leave_the_rest_out(tmp_path: Path) -> None:
    site = site_of("C", "gzdt")
    newest = sorted((page.published for page in site.pages), reverse=True)[9]
    done = crawl(site, tmp_path, "--channel", "gzdt", "--since", newest.isoformat())
    assert done.returncode == 0, done.stderr
    column = [page for page in site.pages if page.column == "gzdt"]
    wanted = sum(page.published >= newest for page in column)
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(wanted,)]
    assert rows(tmp_path, "SELECT walked FROM crawls") == [(0,)]
    # What --since left out comes with the next whole crawl.
    assert crawl(site, tmp_path, "--channel", "gzdt").returncode == 0
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(45,)]


@pytest.mark.long
def test_old_pages_are_asked_for_ever_more_rarely_unless_full(tmp_path: Path) -> None:
    site = site_of("A", "xwfb")
    assert crawl(site, tmp_path, "--channel", "xwfb").returncode == 0
    later = "2026-12-15T18:00:00Z"
    assert crawl(site, tmp_path, "--channel", "xwfb", now=later).returncode == 0
    site.log.clear()
    later = "2026-12-17T18:00:00Z"
    assert crawl(site, tmp_path, "--channel", "xwfb", now=later).returncode == 0
    assert not [target for target in asked(site) if "index" not in target]
    site.log.clear()
    assert crawl(site, tmp_path, "--channel", "xwfb", "--full", now=later).returncode == 0
    assert len(asked(site, 304)) == 45


def test_a_to_b_to_a_is_three_revisions(tmp_path: Path) -> None:
    page = bulletins.on_night(1)[0]
    for night, text in enumerate(["共改造120户。", "共改造102户。", "共改造120户。"], start=1):
        shown = replace(
            page,
            column="gzdt",
            paragraphs=(*page.paragraphs[:1], text),
            revised=date(2026, 11, night),
        )
        site = SampleSite("A", [replace(shown, column="xwfb")])
        now = f"2026-11-0{night}T18:00:00Z"
        assert crawl(site, tmp_path, "--channel", "xwfb", now=now).returncode == 0
    found = rows(tmp_path, "SELECT number, digest FROM revisions ORDER BY number")
    assert [number for number, _ in found] == [1, 2, 3]
    assert found[0][1] == found[2][1] != found[1][1]
    assert rows(tmp_path, "SELECT revision FROM bulletins") == [(3,)]


def test_same_document_under_three_addresses_is_one_bulletin(tmp_path: Path) -> None:
    page = next(p for p in bulletins.on_night(1) if not p.attachments and not p.guid)
    for era, column, channel in ERAS:
        site = SampleSite(era, [replace(page, column=column, source=None)])
        assert crawl(site, tmp_path, "--channel", channel).returncode == 0
    assert rows(tmp_path, "SELECT slug, revision FROM bulletins") == [(f"mohurd-{page.id}", 1)]
    assert rows(tmp_path, "SELECT count(*) FROM addresses WHERE bulletin = 1") == [(3,)]


def test_redirected_page_is_followed_and_kept_under_its_new_address(tmp_path: Path) -> None:
    from sample import hostile
    from sample.layouts import address

    old, new = bulletins.on_night(1)[:2]
    site = SampleSite("A", [replace(old, column="xwfb")])
    moved = SampleSite("A", [replace(new, column="xwfb")])
    target = address(replace(new, column="xwfb"), "A")
    site.routes[address(replace(old, column="xwfb"), "A")] = hostile.redirect(target, 301)
    site.routes[target] = moved.answer(target)
    done = crawl(site, tmp_path, "--channel", "xwfb")
    assert done.returncode == 0, done.stderr
    assert rows(tmp_path, "SELECT url FROM bulletins") == [("https://www.mohurd.gov.cn" + target,)]
    assert rows(tmp_path, "SELECT count(DISTINCT bulletin) FROM addresses") == [(1,)]
