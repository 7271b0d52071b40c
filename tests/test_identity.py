"""One document is one bulletin, whatever addresses it has after a redesign."""

from __future__ import annotations

import json
import sys
import unicodedata
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from archive.captures.warc import Capture
from archive.storage.identity import SAME_TEXT, alike, plain
from archive.storage.rebuild import rebuild
from archive.storage.store import Store
from crawler.sources import load_sources
from sample import bulletins
from tests.crawling import rows, tables
from tests.test_store import HOME, capture

SOURCES = load_sources()
OLD = f"{HOME}/xwfb/202005/t20200528_1.html"
SAME_ID = f"{HOME}/xinwen/gzdt/art/2020/art_304_1.html"
HEX = f"{HOME}/xinwen/gzdt/art/2026/art_0123456789abcdef0123456789abcdef.html"
BARE = f"{HOME}/xinwen/gzdt/bulletin-one.html"
TEXT = (
    "样例：5月8日，黑龙江省改造农村危房一百二十户，省住房城乡建设厅到现场检查，要求年底前全部完工。"
)


def night(number: int) -> str:
    return f"2026-11-{number:02}T18:00:00Z"


def page(
    address: str, at: str, text: str = TEXT, title: str = "样例通报", day: str = ""
) -> Capture:
    """A page that both eras' layouts can read, dated by itself."""
    day = day or "2020-05-28 10:00"
    body = (
        f"<html><head><meta name='ArticleTitle' content='{title}'>"
        f"<meta name='PubDate' content='{day}'></head><body><h3>{title}</h3>"
        f"<table><tr><td class='tit'>{title}</td></tr></table>"
        f"<div class='union editor-content'><p>{text}</p></div></body></html>"
    ).encode()
    return capture(address, body, at=at, channel="xwfb" if address == OLD else "gzdt")


def record(folder: Path, *captures: Capture) -> list[str]:
    with Store(folder, SOURCES) as store:
        found = [store.record(one).kind for one in captures]
    before = tables(folder)
    rebuild(folder, SOURCES)
    assert tables(folder) == before
    return found


def living(folder: Path) -> list[tuple[object, ...]]:
    return rows(folder, "SELECT slug, url, status, revision FROM bulletins ORDER BY id")


@pytest.mark.parametrize("new", [SAME_ID, HEX, BARE])
def test_a_document_at_another_address_is_the_same_bulletin(tmp_path: Path, new: str) -> None:
    kinds = record(tmp_path, page(OLD, night(1)), page(new, night(2)), page(new, night(3)))
    assert kinds == ["new", "same", "same"]
    assert living(tmp_path) == [("mohurd-1", OLD, "live", 1)]
    assert rows(tmp_path, "SELECT count(DISTINCT bulletin), count(*) FROM addresses") == [(1, 2)]


@pytest.mark.parametrize("new", [SAME_ID, HEX, BARE])
def test_its_address_becomes_the_living_one(tmp_path: Path, new: str) -> None:
    record(
        tmp_path,
        page(OLD, night(1)),
        page(new, night(2)),
        *(capture(OLD, at=night(n), status=404) for n in (3, 4, 5, 6)),
    )
    assert living(tmp_path) == [("mohurd-1", new, "live", 1)]
    assert rows(tmp_path, "SELECT DISTINCT url FROM entries") == [(new,)]
    assert rows(tmp_path, "SELECT url FROM addresses ORDER BY url") == sorted([(OLD,), (new,)])


def test_the_old_address_may_be_missed_first(tmp_path: Path) -> None:
    record(
        tmp_path,
        page(OLD, night(1)),
        capture(OLD, at=night(2), status=404),
        page(HEX, night(2)),
    )
    assert living(tmp_path) == [("mohurd-1", HEX, "live", 1)]


def test_two_addresses_that_both_answer_leave_the_first(tmp_path: Path) -> None:
    nights = [page(address, night(n)) for n in (1, 2, 3) for address in (OLD, HEX)]
    assert record(tmp_path, *nights) == ["new", *["same"] * 5]
    assert living(tmp_path) == [("mohurd-1", OLD, "live", 1)]


def test_a_redirect_says_which_document_it_is_where_the_text_was_revised(tmp_path: Path) -> None:
    kinds = record(
        tmp_path,
        page(OLD, night(1)),
        capture(OLD, at=night(2), status=301, Location=HEX),
        page(HEX, night(2), text="样例：全文重新写过，与原来的没有几句相同。" * 3),
    )
    assert kinds == ["new", "moved", "revised"]
    assert living(tmp_path) == [("mohurd-1", HEX, "live", 2)]


@pytest.mark.parametrize(
    "other",
    [
        page(
            HEX,
            night(2),
            text="样例：6月1日，青海省召开全省住房保障工作会议，部署下半年各项任务。" * 2,
        ),
        page(HEX, night(2), title="样例通报（第二期）"),
        page(HEX, night(2), day="2020-05-29 10:00"),
    ],
    ids=["other text", "other title", "other day"],
)
def test_another_document_is_another_bulletin(tmp_path: Path, other: Capture) -> None:
    assert record(tmp_path, page(OLD, night(1)), other) == ["new", "new"]
    assert len(living(tmp_path)) == 2


def test_a_formula_is_no_evidence(tmp_path: Path) -> None:
    short = "样例：现将文件印发，见附件。"
    kinds = record(tmp_path, page(OLD, night(1), short), page(HEX, night(1), short))
    assert kinds == ["new", "new"]


def test_the_same_words_in_another_template_are_no_revision(tmp_path: Path) -> None:
    """Era A's template names no source, era C's does, and sets attachments apart."""

    def at(address: str, day: int, said: str) -> Capture:
        body, tail = ("union", "<p>附件：</p>") if address == OLD else ("editor-content", "")
        source = "" if address == OLD else "<meta name='ContentSource' content='样例建设报'>"
        html = (
            f"<html><head>{source}<meta name='PubDate' content='2020-05-28 10:00'></head><body>"
            "<h3>样例通报</h3><table><tr><td class='tit'>样例通报</td></tr></table>"
            f"<div class='{body}'><p>{said}</p>{tail}</div></body></html>"
        )
        channel = "xwfb" if address == OLD else "gzdt"
        return capture(address, html.encode(), at=night(day), channel=channel)

    kinds = record(
        tmp_path,
        at(OLD, 1, TEXT),
        at(SAME_ID, 2, TEXT),
        at(SAME_ID, 3, TEXT),
        at(SAME_ID, 4, TEXT + "另有十户。"),
        at(SAME_ID, 5, TEXT),
    )
    assert kinds == ["new", "same", "same", "revised", "revised"]


def test_troubles_of_an_old_address_end_when_the_new_one_answers(tmp_path: Path) -> None:
    record(
        tmp_path,
        page(OLD, night(1)),
        capture(OLD, at=night(2), status=500),
        page(HEX, night(3)),
    )
    assert rows(tmp_path, "SELECT kind, resolved_at FROM incidents") == [("http-500", night(3))]


def test_troubles_of_retired_lists_end_when_a_live_list_is_read(tmp_path: Path) -> None:
    lists = f"{HOME}/xwfb/index.html"
    row = '<li class="date"><a href="/xinwen/gzdt/art/2026/art_304_7.html">样例</a></li>'
    answer = json.dumps({"success": True, "data": {"html": row}}).encode()
    service = f"{HOME}/api-gateway/x"
    listing = capture(service, answer, at=night(3), role="list", channel="gzdt")
    record(
        tmp_path,
        capture(lists, at=night(2), status=404, role="list"),
        capture(f"{HOME}/xwfb/202005/t20200528_9.html", at=night(2), status=500),
        page(OLD, night(1)),
        capture(OLD, at=night(2), status=500),
        listing,
    )
    assert rows(tmp_path, "SELECT kind, resolved_at FROM incidents ORDER BY rowid") == [
        ("list-missing", night(3)),
        ("http-500", night(3)),
        ("http-500", None),
    ]


def test_different_pages_of_the_sample_are_not_alike() -> None:
    """The margin below SAME_TEXT, among pages of one day and one length."""
    texts = ["".join(one.paragraphs) for one in bulletins.on_night(1)]
    pairs = [(a, b) for i, a in enumerate(texts[:60]) for b in texts[i + 1 : 60] if a != b]
    assert not any(alike(a, b) for a, b in pairs)
    closest = max(SequenceMatcher(None, a, b, autojunk=False).quick_ratio() for a, b in pairs[:400])
    assert closest < SAME_TEXT


def test_a_title_is_compared_by_its_letters() -> None:
    assert plain(" 关于“样例”的 通报 ") == plain("关于「样例」的通报")
    assert plain("样例（一）") != plain("样例（二）")


def test_a_corrected_figure_leaves_a_document_alike() -> None:
    assert alike(TEXT, TEXT.replace("一百二十", "一百零二"))
    assert not alike(TEXT, TEXT[: len(TEXT) // 2])


def test_plain_keeps_every_letter_and_number_of_unicode_and_nothing_else() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    folded = unicodedata.normalize("NFKC", every)
    assert plain(every) == "".join(c for c in folded if unicodedata.category(c)[0] in "LN")
