"""The sample's second ministry: its lists lead to its pages, and one question is for both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.normalise.bulletins import read_bulletin
from archive.sources import PageContext
from crawler.sources import load_sources
from sample import rural
from sample.bulletins import editions
from sample.demo import SOURCES
from sample.layouts import NOTE
from tests.crawling import rows
from tests.served_archive import Client

SOURCE = load_sources([SOURCES])["rural"]


def test_half_of_it_is_its_own_and_half_taken_over() -> None:
    own = {page.id for page in rural.pages()} - {taken.id for taken in rural.TAKEN}
    assert len(own) == 5
    assert len(rural.TAKEN) == 6
    assert not {page.id for page in rural.pages()} & {edition.page.id for edition in editions()}


def test_lists_lead_to_every_page_and_end_with_404() -> None:
    site = rural.RuralSite()
    for column in rural.COLUMNS:
        number, found = 1, []
        while (answer := site.answer(rural.list_address(column, number))).status == 200:
            found += [page for page in rural.pages() if rural.address(page) in answer.body.decode()]
            number += 1
        assert answer.status == 404
        assert found == [page for page in rural.pages() if page.column == column]
    assert site.answer("/").status == 200


@pytest.mark.parametrize("page", rural.pages(), ids=lambda page: str(page.id))
def test_every_page_is_read_by_its_layout_and_says_that_it_is_a_sample(page: rural.Page) -> None:
    address = SOURCE.home + rural.address(page)
    answer = rural.RuralSite().answer(rural.address(page))
    read = read_bulletin(answer.body.decode(), PageContext(SOURCE, address, address))
    assert (read.title, read.published) == (page.name, page.published)
    assert read.body_rule == "rural:div.article-text"
    assert NOTE in answer.body.decode()
    assert NOTE not in "".join(entry.text for entry in read.entries)


def test_the_demo_links_what_was_taken_over(demo_made: Path) -> None:
    found = rows(
        demo_made,
        "SELECT b.slug, o.slug FROM bulletins b JOIN bulletins o ON o.id = b.same_as ORDER BY 1",
    )
    first = dict(rows(demo_made, "SELECT title, slug FROM bulletins WHERE source = 'sample'"))
    names = {edition.page.id: edition.page.name for edition in editions()}
    assert dict(found) == {
        **{f"rural-{t.id}": first[names[t.of]] for t in rural.TAKEN if t.days >= 0},
        **{str(first[names[t.of]]): f"rural-{t.id}" for t in rural.TAKEN if t.days < 0},
    }


@pytest.fixture(scope="module")
def client(demo_made: Path) -> Iterator[Client]:
    served = Client(demo_made / "bulletins.db")
    yield served
    served.close()


def test_one_question_is_answered_across_both(client: Client) -> None:
    """docs/search.md asks it: the public toilets, of which one page is gone at the first site."""
    found = client.get("/search.json", q="公厕").json()
    assert found["facets"]["source"] == {"rural": 3, "sample": 3}
    assert found["total"]["number"] == 4
    elsewhere = {
        (entry["source"], entry["status"], entry["title"][:4]): [
            other["slug"] for other in entry["also_at"]
        ]
        for entry in found["entries"]
    }
    assert elsewhere == {
        ("sample", "gone", "西藏那曲"): ["rural-6341251.1"],
        ("rural", "live", "湖南省衡"): [],
        ("sample", "live", "宁夏吴忠"): ["rural-6340407.1"],
        ("sample", "live", "全国住房"): [],
    }


def test_what_the_pictures_and_the_first_queries_show_is_of_the_first_ministry(
    client: Client,
) -> None:
    found = client.get("/search.json", q="危房改造").json()
    assert found["facets"]["source"] == {"sample": found["total"]["number"]}
    assert not any(entry["also_at"] for entry in found["entries"])
