"""Detail pages of many government sites: how many are read right, with floors that can only rise.

``tests/sites/floors.json`` has for each set the hash of its pages, the floors, and what public
extractors reached on the same pages (``python -m bench sites``, in an environment that has them).
After a change of the pages, or when more are right, ``python -m tests.test_sites`` writes hashes
and floors again; it never lowers a floor of the same pages.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from tests.sites import (
    FIELDS,
    FOLDER,
    SETS,
    Reading,
    Site,
    corpus_hash,
    faults,
    judged,
    measure,
    read_by_us,
    sites,
)

FLOORS = FOLDER / "floors.json"
RAISE = "write the new floors with: python -m tests.test_sites"
# What public extractors read at all; readability has no date, and none names the source.
COMPARED = ("title", "published", "right", "exact")
ALL = [site for folder in SETS for site in sites(folder)]
TEXT = "样例市改造小区，惠及居民三千户，年底前全部完工。"


def floors() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(FLOORS.read_text(encoding="utf-8"))
    return told


@pytest.mark.parametrize("folder", SETS)
def test_the_pages_are_those_that_the_floors_are_of(folder: str) -> None:
    assert floors()[folder]["sha256"] == corpus_hash(folder), f"the pages have changed; {RAISE}"


@pytest.mark.parametrize("folder", SETS)
def test_as_many_pages_are_right_as_ever(folder: str) -> None:
    found = measure(folder, read_by_us)
    assert found == floors()[folder]["floors"], (faults(folder, read_by_us), RAISE)


@pytest.mark.parametrize("folder", SETS)
def test_public_extractors_read_fewer_pages_right(folder: str) -> None:
    ours, rivals = floors()[folder]["floors"], floors()[folder]["rivals"]
    assert {name.split()[0] for name in rivals} == {"trafilatura", "gne", "readability-lxml"}
    for counts in rivals.values():
        assert all(ours[field] > counts[field] for field in COMPARED)


def test_the_sets_are_large_enough() -> None:
    assert len(sites("first")) >= 30
    assert len(sites("second")) >= 15


@pytest.mark.parametrize("site", ALL, ids=lambda site: site.name)
def test_every_page_is_invented_and_names_no_real_host(site: Site) -> None:
    assert "样例" in site.html
    hosts = re.findall(r"//([\w-]+(?:\.[\w-]+)+)(?=[/:\"'?])", site.url + " " + site.html)
    assert [host for host in hosts if not host.endswith((".example", "www.w3.org"))] == []


def test_a_wrong_reading_is_judged_wrong() -> None:
    says = Reading("甲", "2021-03-04", "样例报", (TEXT, "第二段。"), (("a.pdf", "名单"),))
    assert all(judged(says, says).values())
    none = judged(says, Reading())
    assert not any(none.values())
    more = judged(says, Reading("甲", "2021-03-04", "样例报", (TEXT, "第二段。", "打印"), ()))
    assert (more["right"], more["exact"], more["attachments"]) == (True, False, False)
    less = judged(says, Reading("甲", "2021-03-04", "样例报", (TEXT,), ()))
    assert (less["right"], less["exact"]) == (False, False)


@pytest.mark.parametrize(
    "part",
    [
        "<p>来源：", "<p>发布时间：2021-03-04 来源：样例报 浏览次数：1</p>",
        "<p>2021-03-04 样例</p>",
        "<tr><td>索引号：</td><td>主题分类：</td></tr>", "<p>索 引 号：</p>", "<p>相关文件：甲</p>",
        '<div class="a"><div id="b">' + TEXT * 3 + "</div></div>", '<div class="a">' + TEXT,
        '<img src="1.jpg">', '<div class="foot">', "<p>附件：<a href=1.pdf>名单</a></p>",
        "&lt;div&gt;", "<h1>&amp;lt;br", "<p>【纠错】【打印】", "<p>样例网 编辑 ",
    ],
)  # fmt: skip
def test_large_pages_of_such_parts_cost_linear_time(part: str) -> None:
    def seconds(size: int) -> float:
        head = "<html><head><title>样例标题一则</title></head><body><h1>样例标题一则</h1>"
        rest = part * (size // len(part.encode()))
        page = Site("large", "https://www.site.example/1.html", "", Reading())
        html = f"{head}<div><p>{TEXT * 4}</p>{rest}</div></body></html>"
        began = time.process_time()
        read_by_us(Site(page.name, page.url, html, page.says))
        return time.process_time() - began

    seconds(20_000)
    assert seconds(200_000) < 7 * seconds(50_000) + 0.3


def raise_floors() -> None:
    """Write the hashes and the measures of today; refuses to lower a floor of the same pages."""
    told = floors()
    for folder in SETS:
        before, now, today = told[folder], measure(folder, read_by_us), corpus_hash(folder)
        sunk = [field for field in FIELDS if now[field] < before["floors"][field]]
        if sunk and before["sha256"] == today:
            raise SystemExit(f"{folder}: under their floors: {', '.join(sunk)}")
        told[folder] |= {"sha256": today, "pages": len(sites(folder)), "floors": now}
    FLOORS.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(FLOORS.read_text(encoding="utf-8"), end="")


if __name__ == "__main__":
    raise_floors()
