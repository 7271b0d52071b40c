"""One bulletin at several sources: linked in whatever order, and anew after each change."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import pytest

from archive.captures.warc import Capture
from archive.sources import Source
from archive.storage.rebuild import rebuild
from archive.storage.store import Store
from crawler.sources import load_sources
from tests.crawling import rows, tables

PARTS = (
    "9月3日，甲省乙县住房和城乡建设局在12个村核对危房改造台账，共核对326户。",
    "核对中发现14户门窗尚未安装，当场要求施工队三天以内补齐，逾期扣减工程款。",
    "县局副局长说，账上写的竣工要和炉灶里的烟对得上，否则只能算在建。",
    "截至8月底，全县已经竣工2108户，余下的97户安排在10月20日以前完成。",
)
WHOLE = "".join(PARTS)
MORE = "核对结果已在各村公示栏张贴，村民可以拨打台账封底的电话更正，县里每周五汇总一次。" * 2
OTHER = "样例：9月9日，丁省召开供热准备工作会议，要求18个市在10月底前完成管网注水试压。" * 2
HOSTS = {"one": "one.example", "two": "two.example", "three": "three.example"}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Source]:
    folder = tmp_path_factory.mktemp("sources")
    for slug, host in HOSTS.items():
        (folder / f"{slug}.toml").write_text(
            f'name = "样例{slug}"\nhome = "https://{host}"\nrhythm_days = 10\n'
            '[channels.news]\nname = "新闻（样例）"\npath = "/news/index.html"\n'
            'platform = "numbered"\nrows = "li"\n'
        )
    return load_sources([folder])


def address(source: str, key: int) -> str:
    return f"https://{HOSTS[source]}/news/202009/t20200901_{key}.html"


def page(
    source: str,
    text: str = WHOLE,
    *,
    key: int = 1,
    day: str = "2020-09-04",
    at: str = "2020-09-10T18:00:00Z",
    title: str = "样例通报",
    status: int = 200,
) -> Capture:
    body = (
        f"<html><head><meta name='ArticleTitle' content='{title}'>"
        f"<meta name='PubDate' content='{day}'></head><body><h1>{title}</h1>"
        f"<div class='content'><p>{text}</p></div></body></html>"
    ).encode()
    where = address(source, key)
    return Capture(where, where, source, "news", "page", at, status, (), body)


def night(number: int) -> str:
    return f"2020-09-{10 + number}T18:00:00Z"


def record(folder: Path, sources: dict[str, Source], *captures: Capture) -> list[str]:
    """Record captures as a crawl does; a rebuild then must lead to the same rows."""
    with Store(folder, sources) as store:
        kinds = [store.record(capture).kind for capture in captures]
    before = tables(folder)
    indexed = labels(folder)
    rebuild(folder, sources)
    assert tables(folder) == before
    assert labels(folder) == indexed
    return kinds


def labels(folder: Path) -> list[tuple[object, ...]]:
    return rows(
        folder,
        "SELECT key, s.labels FROM entries_fts_rows r JOIN entries_fts_labels s ON s.id = r.labels"
        " ORDER BY key",
    )


def links(folder: Path) -> dict[object, object]:
    """Each bulletin that repeats another, by slug."""
    found = rows(
        folder,
        "SELECT b.slug, o.slug FROM bulletins b JOIN bulletins o ON o.id = b.same_as",
    )
    return {row[0]: row[1] for row in found}


def entry_links(folder: Path) -> dict[object, object]:
    found = rows(folder, "SELECT e.slug, o.slug FROM entries e JOIN entries o ON o.id = e.same_as")
    return {row[0]: row[1] for row in found}


def test_the_one_published_first_is_repeated_by_the_others(
    tmp_path: Path, sources: dict[str, Source]
) -> None:
    record(
        tmp_path,
        sources,
        page("one", day="2020-09-06"),
        page("two", day="2020-09-04", title="另一标题"),
        page("three", PARTS[0] + PARTS[2] + PARTS[3], day="2020-09-05"),
    )
    assert links(tmp_path) == {"one-1": "two-1", "three-1": "two-1"}
    assert entry_links(tmp_path) == {"one-1.1": "two-1.1", "three-1.1": "two-1.1"}
    assert rows(tmp_path, "SELECT DISTINCT share FROM versions") == [(100,)]


@pytest.mark.parametrize(
    ("days", "times", "first"),
    [
        (("2020-09-04", "2020-09-04"), (night(2), night(1)), "two-1"),
        (("2020-09-04", "2020-09-04"), (night(1), night(1)), "one-1"),
        (("2020-09-04", "2020-09-03"), (night(1), night(2)), "two-1"),
    ],
    ids=["first seen", "first by slug", "first published"],
)
def test_which_one_is_repeated(
    tmp_path: Path,
    sources: dict[str, Source],
    days: tuple[str, str],
    times: tuple[str, str],
    first: str,
) -> None:
    captures = [
        page(source, day=day, at=at)
        for source, day, at in zip(("one", "two"), days, times, strict=True)
    ]
    record(tmp_path, sources, *sorted(captures, key=lambda capture: capture.fetched_at))
    assert list(links(tmp_path).values()) == [first]


SCENE = (
    page("one", day="2020-09-05"),
    page("two", WHOLE + "（样例供稿）", day="2020-09-04"),
    page("three", PARTS[1] + PARTS[2] + PARTS[3], day="2020-09-06"),
    page("three", OTHER, key=2),
)


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_links_do_not_depend_on_the_order_of_sources(
    tmp_path: Path, sources: dict[str, Source], order: Sequence[int]
) -> None:
    record(tmp_path, sources, *(SCENE[number] for number in order))
    assert links(tmp_path) == {"one-1": "two-1", "three-1": "two-1"}
    assert entry_links(tmp_path) == {"one-1.1": "two-1.1", "three-1.1": "two-1.1"}


def test_two_pages_of_one_source_are_not_linked(tmp_path: Path, sources: dict[str, Source]) -> None:
    record(tmp_path, sources, page("one"), page("one", key=2, day="2020-09-08"))
    assert links(tmp_path) == {}


def test_what_is_too_far_apart_is_not_linked(tmp_path: Path, sources: dict[str, Source]) -> None:
    record(
        tmp_path,
        sources,
        page("one", day="2020-03-07"),
        page("two", day="2020-09-04"),
        page("three", day="2020-09-05"),
    )
    assert links(tmp_path) == {"three-1": "two-1"}


def test_a_revision_that_says_something_else_ends_the_link(
    tmp_path: Path, sources: dict[str, Source]
) -> None:
    kinds = record(
        tmp_path,
        sources,
        page("one", at=night(1)),
        page("two", day="2020-09-05", at=night(1)),
        page("two", OTHER, day="2020-09-05", at=night(2)),
    )
    assert kinds[2] in ("revised", "held")
    kinds = record(tmp_path, sources, page("two", OTHER, day="2020-09-05", at=night(3)))
    assert kinds == ["revised"] or rows(tmp_path, "SELECT 1 FROM bulletins WHERE revision = 2")
    assert links(tmp_path) == entry_links(tmp_path) == {}
    assert rows(tmp_path, "SELECT count(*) FROM versions") == [(0,)]


def test_a_revision_of_the_repeated_one_hands_it_on(
    tmp_path: Path, sources: dict[str, Source]
) -> None:
    """What others repeat says something else now: they repeat the next one."""
    first = [page(s, day=d, at=night(1)) for s, d in zip(HOSTS, DAYS, strict=True)]
    record(tmp_path, sources, *first)
    assert links(tmp_path) == {"two-1": "one-1", "three-1": "one-1"}
    record(
        tmp_path,
        sources,
        *(page("one", OTHER, day=DAYS[0], at=night(n)) for n in (2, 3)),
    )
    assert rows(tmp_path, "SELECT revision FROM bulletins WHERE slug = 'one-1'") == [(2,)]
    assert links(tmp_path) == {"three-1": "two-1"}
    assert entry_links(tmp_path) == {"three-1.1": "two-1.1"}


DAYS = ("2020-09-04", "2020-09-05", "2020-09-06")


def test_a_revision_with_a_corrected_word_keeps_the_link(
    tmp_path: Path, sources: dict[str, Source]
) -> None:
    record(
        tmp_path,
        sources,
        page("one", at=night(1)),
        page("two", day="2020-09-05", at=night(1)),
        page("one", WHOLE.replace("炉灶", "灶膛"), at=night(2)),
    )
    assert rows(tmp_path, "SELECT revision FROM bulletins WHERE slug = 'one-1'") == [(2,)]
    assert links(tmp_path) == {"two-1": "one-1"}
    assert rows(tmp_path, "SELECT DISTINCT share < 100 FROM versions") == [(1,)]


def test_a_revision_can_make_a_link(tmp_path: Path, sources: dict[str, Source]) -> None:
    record(
        tmp_path,
        sources,
        page("one", at=night(1)),
        page("two", OTHER, day="2020-09-05", at=night(1)),
        *(page("two", "".join(PARTS[:3]), day="2020-09-05", at=night(n)) for n in (2, 3)),
    )
    assert rows(tmp_path, "SELECT revision FROM bulletins WHERE slug = 'two-1'") == [(2,)]
    assert links(tmp_path) == {"two-1": "one-1"}


def test_a_page_that_is_gone_keeps_its_links(tmp_path: Path, sources: dict[str, Source]) -> None:
    """Who published first is a fact, whatever was taken down since."""
    record(
        tmp_path,
        sources,
        page("one", at=night(1)),
        page("two", day="2020-09-05", at=night(1)),
        *(page("one", status=404, at=night(n)) for n in (2, 3, 4, 5)),
    )
    assert rows(tmp_path, "SELECT status FROM bulletins WHERE slug = 'one-1'") == [("gone",)]
    assert links(tmp_path) == {"two-1": "one-1"}


def test_a_page_that_has_moved_keeps_its_links(tmp_path: Path, sources: dict[str, Source]) -> None:
    moved = Capture(
        address("one", 1), address("one", 1), "one", "news", "page", night(2), 301,
        (("Location", "/other/art/2020/art_304_1.html"),), b"",
    )  # fmt: skip
    new = "https://one.example/other/art/2020/art_304_1.html"
    there = page("one", at=night(2))
    record(
        tmp_path,
        sources,
        page("one", at=night(1)),
        page("two", day="2020-09-05", at=night(1)),
        moved,
        Capture(new, new, "one", "news", "page", night(2), 200, (), there.body),
    )
    assert rows(tmp_path, "SELECT url FROM bulletins WHERE slug = 'one-1'") == [(new,)]
    assert links(tmp_path) == {"two-1": "one-1"}


def test_who_is_like_a_copy_but_not_like_the_first_stands_alone(
    tmp_path: Path, sources: dict[str, Source]
) -> None:
    """Links lead to what is repeated itself, never along a chain."""
    record(
        tmp_path,
        sources,
        page("one", WHOLE + MORE, day=DAYS[0]),
        page("two", PARTS[0] + PARTS[1] + PARTS[2], day=DAYS[1]),
        page("three", PARTS[0] + PARTS[1], day=DAYS[2]),
    )
    assert links(tmp_path) == {"two-1": "one-1"}
    assert rows(tmp_path, "SELECT count(*) FROM versions") == [(4,)]


def test_sections_of_round_ups_are_linked_one_by_one(
    tmp_path: Path, sources: dict[str, Source]
) -> None:
    sections = [f"{name}：</p><p>{text}" for name, text in zip(NAMES, PARTS, strict=True)]
    first, cut = "</p><p>".join(sections), "</p><p>".join(sections[:0:-1])
    record(
        tmp_path,
        sources,
        page("one", first, title="住房安全联播（一）"),
        page("two", cut, title="住房安全联播（摘登）", day="2020-09-05"),
    )
    assert links(tmp_path) == {"two-1": "one-1"}
    assert entry_links(tmp_path) == {
        "two-1.1": "one-1.4", "two-1.2": "one-1.3", "two-1.3": "one-1.2",
    }  # fmt: skip
    marked = [key for key, label in labels(tmp_path) if "x" in str(label).split()]
    assert len(marked) == 6, "one-1.1, which the other left out, stands alone"


NAMES = ("黑龙江", "青海", "甘肃", "云南")
