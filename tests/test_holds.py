"""Holds: what is not recognised makes no bulletin and no revision, and heals by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.captures.warc import Capture
from archive.storage.store import Store
from tests.crawling import rows
from tests.test_store import HOME, SOURCES, capture, same_after_rebuild

PLACES = (
    "黑龙江",
    "青海",
    "云南",
    "贵州",
    "四川",
    "甘肃",
    "宁夏",
    "新疆",
    "江西",
    "安徽",
    "河北",
    "山西",
)
MENDING = (
    "各位读者：今夜此处无文可读，编者正在整理书架，改日再来，各篇照旧奉上，恕不逐一答复来信来电。"
)


def address(number: int) -> str:
    return f"{HOME}/xwfb/202005/t20200528_{number}.html"


def title(number: int) -> str:
    return f"{PLACES[number % len(PLACES)]}农村危房改造进展顺利"


def text(number: int) -> str:
    place = PLACES[number % len(PLACES)]
    return "".join(
        f"样例：{place}第{n}批危房改造{n * 7 + number}户，{place}建设厅到第{n}个县检查质量。"
        for n in range(1, 8)
    )


def page(
    number: int, night: int, said: str = "", named: str = "", box: str = "union", **headers: str
) -> Capture:
    html = (
        f"<html><title>{named or title(number)}</title><body><table><tr>"
        f"<td class='tit'>{named or title(number)}</td></tr></table>"
        f"<div class='{box}'><p>{said or text(number)}</p></div></body></html>"
    )
    at = f"2026-11-{night:02}T18:00:00Z"
    return capture(address(number), html.encode(), at=at, **headers)


def lists(numbers: range, night: int) -> Capture:
    found = "".join(
        f"<tr><td><a href='{address(n)}'>{title(n)}</a></td><td>[2020.05.28]</td></tr>"
        for n in numbers
    )
    at = f"2026-11-{night:02}T18:00:00Z"
    table = f"<table>{found}</table>".encode()
    return capture(f"{HOME}/xwfb/index.html", table, role="list", at=at)


def record(folder: Path, *captures: Capture) -> list[str]:
    """What becomes of each."""
    with Store(folder, SOURCES) as store:
        return [store.record(one).kind for one in captures]


@pytest.fixture(autouse=True)
def _rebuilt(tmp_path: Path) -> Iterator[None]:
    """After each test the same rows follow from a rebuild."""
    yield
    same_after_rebuild(tmp_path)


def holds(folder: Path) -> list[tuple[object, ...]]:
    return rows(folder, "SELECT address, reason, nights, verdict FROM holds ORDER BY capture")


def open_incidents(folder: Path) -> list[tuple[object, ...]]:
    return rows(folder, "SELECT url, kind FROM incidents WHERE resolved_at IS NULL ORDER BY url")


def test_an_unknown_notice_for_every_address_makes_nothing(tmp_path: Path) -> None:
    """Known pages, listed ones that were never captured, three nights, and not even the first."""
    known, new = range(1, 7), range(7, 13)
    record(tmp_path, lists(known, 1), *(page(n, 1) for n in known))
    before = rows(tmp_path, "SELECT id, title, revision, status FROM bulletins")
    notice = {"said": MENDING, "named": "致各位读者"}
    for night in (2, 3, 4):
        # A list of the night before the notice names the new pages.
        listed = [lists(range(1, 13), 2)] if night == 2 else []
        found = record(tmp_path, *listed, *(page(n, night, **notice) for n in (*known, *new)))
        assert found[len(listed) :] == ["held"] * 12
    assert rows(tmp_path, "SELECT id, title, revision, status FROM bulletins") == before
    assert rows(tmp_path, "SELECT count(*) FROM revisions") == [(6,)]
    reasons = [reason for _, reason, _, _ in holds(tmp_path)]
    assert reasons == ["title-unlike", *["same-body"] * 11]
    assert [nights for _, _, nights, _ in holds(tmp_path)] == [3] * 12
    assert len(open_incidents(tmp_path)) == 12
    # It passes, and everything is as if it had not been.
    assert record(tmp_path, *(page(n, 5) for n in (*known, *new))) == ["same"] * 6 + ["new"] * 6
    assert {verdict for *_, verdict in holds(tmp_path)} == {"withdrawn"}
    assert open_incidents(tmp_path) == []


def test_a_shrunk_text_is_a_revision_when_it_is_met_on_another_night(tmp_path: Path) -> None:
    short = text(1)[:60]
    record(tmp_path, page(1, 1, ETag='"whole"'))
    kinds = record(tmp_path, page(1, 2, short, ETag='"short"'), page(1, 2, short))
    assert kinds == ["held", "held"]
    assert rows(tmp_path, "SELECT etag, last_good, checks FROM addresses") == [
        ('"whole"', "2026-11-01T18:00:00Z", 0)
    ]
    assert holds(tmp_path) == [(address(1), "shrunk", 1, None)]
    assert open_incidents(tmp_path) == [(address(1), "shrunk")]
    assert record(tmp_path, page(1, 3, short, ETag='"short"')) == ["revised"]
    assert holds(tmp_path) == [(address(1), "shrunk", 2, "confirmed")]
    assert open_incidents(tmp_path) == []
    assert rows(tmp_path, "SELECT number, capture, captured_at FROM revisions") == [
        (1, 1, "2026-11-01T18:00:00Z"),
        (2, 4, "2026-11-03T18:00:00Z"),
    ]
    assert rows(tmp_path, "SELECT etag FROM addresses") == [('"short"',)]


def test_the_night_is_chinas(tmp_path: Path) -> None:
    """Before and after midnight in China are two nights, though one day in UTC."""
    short = text(1)[:60]

    def at(clock: str) -> Capture:
        made = page(1, 2, short)
        return capture(address(1), made.body, at=f"2026-11-02T{clock}:00Z")

    record(tmp_path, page(1, 1))
    assert record(tmp_path, at("02:00"), at("15:59"), at("16:00")) == ["held", "held", "revised"]


@pytest.mark.long
def test_what_shrinks_otherwise_on_the_next_night_is_not_confirmed(tmp_path: Path) -> None:
    record(tmp_path, page(1, 1))
    kinds = record(tmp_path, page(1, 2, text(1)[:60]), page(1, 3, text(1)[:50]))
    assert kinds == ["held", "held"]
    assert [verdict for *_, verdict in holds(tmp_path)] == ["withdrawn", None]


def test_a_304_means_the_last_good_content(tmp_path: Path) -> None:
    record(tmp_path, page(1, 1, ETag='"1"'), page(1, 2, text(1)[:60]))
    unchanged = capture(address(1), at="2026-11-03T18:00:00Z", status=304)
    assert record(tmp_path, unchanged) == ["same"]
    assert [verdict for *_, verdict in holds(tmp_path)] == ["withdrawn"]
    assert open_incidents(tmp_path) == []
    # What was held before and comes again is held anew.
    assert record(tmp_path, page(1, 4, text(1)[:60])) == ["held"]
    assert [(nights, verdict) for *_, nights, verdict in holds(tmp_path)] == [
        (1, "withdrawn"),
        (1, None),
    ]


@pytest.mark.long
def test_two_pages_that_shrink_to_one_text_are_not_confirmed(tmp_path: Path) -> None:
    same = "样例：本页暂时只有摘要，全文稍后刊登在这里，请各位读者改日再来浏览本页，谢谢。"
    record(tmp_path, page(1, 1), page(2, 1))
    for night in (2, 3, 4):
        assert record(tmp_path, page(1, night, same), page(2, night, same)) == ["held", "held"]
    assert [reason for _, reason, _, _ in holds(tmp_path)] == ["shrunk", "same-body"]


@pytest.mark.long
def test_another_document_at_a_known_address_is_never_confirmed_by_itself(tmp_path: Path) -> None:
    record(tmp_path, page(1, 1), lists(range(1, 2), 1))
    for night in range(2, 7):
        listed = lists(range(1, 2), night)
        odd = page(1, night, MENDING * 3, "致各位读者")
        assert record(tmp_path, listed, odd) == ["list", "held"]
    assert holds(tmp_path) == [(address(1), "title-unlike", 5, None)]
    assert rows(tmp_path, "SELECT max(number) FROM revisions") == [(1,)]


def test_a_new_page_under_another_title_is_believed_with_its_list(tmp_path: Path) -> None:
    """Lists shorten and reword titles; a notice in place of pages takes the place of lists too."""
    record(tmp_path, lists(range(1, 2), 1))
    odd = {"said": MENDING, "named": "机房检修的说明"}
    assert record(tmp_path, page(1, 1, **odd), page(1, 2, **odd)) == ["held", "held"]
    assert rows(tmp_path, "SELECT first_captured FROM addresses") == [(None,)]
    assert record(tmp_path, lists(range(1, 2), 3), page(1, 3, **odd)) == ["list", "new"]
    assert holds(tmp_path) == [(address(1), "title-unlike", 3, "confirmed")]


def test_a_page_that_lost_its_layout_is_held_until_it_has_it_again(tmp_path: Path) -> None:
    record(tmp_path, page(1, 1))
    lost = text(1) + "样例网站主办，备案编号一二三四。"
    for night in (2, 3, 4):
        assert record(tmp_path, page(1, night, lost, box="novel")) == ["held"]
    assert holds(tmp_path) == [(address(1), "layout-missing", 3, None)]
    assert record(tmp_path, page(1, 5, text(1) + "又：已完工。")) == ["revised"]
    assert open_incidents(tmp_path) == []


@pytest.mark.long
@pytest.mark.parametrize("status", [404, 500])
def test_what_is_no_page_leaves_a_hold_open(tmp_path: Path, status: int) -> None:
    record(tmp_path, page(1, 1), page(1, 2, text(1)[:60]))
    record(tmp_path, capture(address(1), status=status, at="2026-11-03T18:00:00Z"))
    assert [verdict for *_, verdict in holds(tmp_path)] == [None]


def test_ordinary_changes_are_revisions_at_once(tmp_path: Path) -> None:
    record(tmp_path, lists(range(1, 2), 1), page(1, 1))
    changed = [
        page(1, 2, text(1).replace("厅", "局")),
        page(1, 3, text(1).replace("厅", "局"), "关于冬季施工安全的通报"),
        page(1, 4, "全文重新写过，与原来没有一句相同，字数也差不多。" * 10),
        page(1, 5),
    ]
    assert record(tmp_path, *changed) == ["revised"] * 4
    assert holds(tmp_path) == []
