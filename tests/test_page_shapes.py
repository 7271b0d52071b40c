"""Pages of each layout family, from the bytes as served to what they say.

The pages of ``tests/pages`` are written for the tests, in the shape of captured ones, and run
everywhere; with BULLETINS_SHARED set, the captured pages run through the same checks, and the
written ones are compared with them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from archive.captures.block_pages import block_page_kind
from archive.captures.decode import decode
from archive.errors import Unreadable
from archive.parse import detail_page
from archive.parse.detail_page import Page, read_page
from archive.parse.html import shown_pieces
from archive.parse.list_page import Row, read_list
from tests.pages import FOLDER, NOTE, Sample, context, samples
from tests.pages import shape as shapes
from tests.pages.captured import CAPTURED, CAPTURED_LISTS, Facts, ListFacts, digest

SAMPLES = samples()
DETAILS = [sample for sample in SAMPLES if sample.title]
LISTS = [sample for sample in SAMPLES if sample.found]
# Some captured pages have a token in place of their date; the list's date is used there.
LISTED = date(2026, 9, 4)


def by_name(file: str) -> Sample:
    return next(sample for sample in SAMPLES if sample.file == file)


def captured(shared: Path, file: str) -> str:
    return decode((shared / "pages" / file).read_bytes())


# All calls of the parser are here, so that a change of its interface is a change of these lines.


def read(text: str, url: str = "", body: str = "") -> Page:
    return read_page(text, context(url, body) if url else None, LISTED)


def rows_of(text: str, selector: str, url: str) -> list[Row]:
    return read_list(text, selector, context(url))


def without_known_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detail_page, "_ANY_KNOWN_BODY", "unknown")


def incident_of(sample: Sample) -> str:
    """The kind of incident that an answer is, empty for a page or a list that can be read."""
    text = sample.text()
    if wall := block_page_kind(sample.status, "", text, shown_pieces(text)):
        return wall
    if sample.status != 200:
        return f"http-{sample.status}"
    try:
        rows_of(text, sample.rows, sample.url) if sample.rows else read(text, sample.url)
    except Unreadable as error:
        return error.kind
    return ""


# What every page of the folder is


def test_every_page_says_what_it_must_be_read_as() -> None:
    files = {path.name for path in FOLDER.iterdir() if path.suffix in (".html", ".json", ".xml")}
    assert files == {sample.file for sample in SAMPLES}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)
def test_every_page_is_small_marked_and_names_no_real_host(sample: Sample) -> None:
    text = sample.text()
    assert len((FOLDER / sample.file).read_bytes()) < 12_000
    assert NOTE in text
    hosts = re.findall(r"//([\w-]+(?:\.[\w-]+)+)(?=[/:\"'?])", text)
    assert [host for host in hosts if not host.endswith((".example", "www.w3.org"))] == []


# Detail pages written here, field by field


def expected_fields(sample: Sample) -> dict[str, object]:
    return {
        "title": sample.title,
        "published": date.fromisoformat(sample.published),
        "published_at": sample.published_at or None,
        "credit": sample.credit,
        "lines": sample.lines,
        "attachments": sample.attachments,
    }


def fields(page: Page) -> dict[str, object]:
    return {
        "title": page.title,
        "published": page.published,
        "published_at": page.published_at,
        "credit": page.credit,
        "lines": tuple(line.text for line in page.lines),
        "attachments": tuple((file.url, file.text) for file in page.attachments),
    }


def check_fields(page: Page, sample: Sample, way: str) -> None:
    """All fields are as expected, except known faults; a fixed fault must leave expected.toml."""
    expected, found = expected_fields(sample), fields(page)
    for name in sample.faults.get(way, ()):
        assert found.pop(name) != expected.pop(name), f"{name} is right now: remove it"
    assert found == expected


@pytest.mark.parametrize("sample", DETAILS, ids=lambda sample: sample.file)
def test_what_a_page_of_an_unknown_source_says(sample: Sample) -> None:
    page = read(sample.text(), sample.url)
    check_fields(page, sample, "unknown")
    assert page.body_rule == sample.rule


@pytest.mark.parametrize("sample", DETAILS, ids=lambda sample: sample.file)
def test_what_a_page_of_a_known_source_says(sample: Sample) -> None:
    page = read(sample.text(), sample.url, sample.body)
    check_fields(page, sample, "known")
    assert page.body_rule == f"era:{sample.body}"


@pytest.mark.parametrize("sample", DETAILS, ids=lambda sample: sample.file)
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_page_says_the_same_in_other_bytes(sample: Sample, codec: str) -> None:
    """The charset label in the page does not change, so it is wrong for most of these."""
    again = read(decode(sample.text().encode(codec)), sample.url)
    assert again == read(sample.text(), sample.url)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)
def test_an_answer_is_readable_or_an_incident_with_a_name(sample: Sample) -> None:
    assert incident_of(sample) == sample.incident


def test_a_page_of_pictures_is_a_bulletin_without_text() -> None:
    sample = by_name("miit_detail_2.html")
    page = read(sample.text(), sample.url, sample.body)
    assert page.lines == ()
    assert page.title.startswith("一图看懂")
    assert (page.published, page.published_basis) == (date(2026, 3, 5), "shown")
    assert page.body_rule == "era:#con_con"
    bare = re.sub(r"<img[^>]*>", "", sample.text())
    with pytest.raises(Unreadable):
        read(bare, sample.url, sample.body)


# Detail pages, written and captured, by facts


def facts_of(sample: Sample) -> Facts:
    return Facts(
        sample.file,
        sample.body,
        (len(sample.title), sample.title, sample.title),
        sample.published,
        sample.published_at or None,
        sample.credit,
        len(sample.lines),
        (sample.lines[0], sample.lines[-1]),
        digest(sample.lines),
        len(sample.attachments),
        sample.faults,
        written=True,
    )


WRITTEN = [facts_of(sample) for sample in DETAILS]


def wrong(page: Page, facts: Facts) -> set[str]:
    """The fields in which a page is not what the facts say."""
    length, first, last = facts.title
    lines = tuple(line.text for line in page.lines)
    right = {
        "title": len(page.title) == length
        and page.title.startswith(first)
        and page.title.endswith(last),
        "published": page.published is not None and page.published.isoformat() == facts.published,
        "published_at": page.published_at == facts.published_at,
        "credit": page.credit == facts.credit,
        "lines": len(lines) == facts.lines
        and lines[0].startswith(facts.ends[0])
        and lines[-1].endswith(facts.ends[1])
        and digest(lines) == facts.digest,
        "attachments": len(page.attachments) == facts.files,
    }
    return {name for name, holds in right.items() if not holds}


def name_of(facts: Facts) -> str:
    return f"{'written' if facts.written else 'captured'}-{facts.file}"


@pytest.fixture(params=[*WRITTEN, *CAPTURED], ids=name_of)
def page_facts(request: pytest.FixtureRequest) -> Facts:
    facts: Facts = request.param
    return facts


@pytest.fixture
def text(page_facts: Facts, request: pytest.FixtureRequest) -> str:
    if page_facts.written:
        return by_name(page_facts.file).text()
    return captured(request.getfixturevalue("shared"), page_facts.file)


def check(page: Page, facts: Facts, way: str) -> None:
    assert wrong(page, facts) == set(facts.faults.get(way, ()))


def test_pages_of_unknown_sources(page_facts: Facts, text: str) -> None:
    check(read(text), page_facts, "unknown")


def test_pages_with_their_containers(page_facts: Facts, text: str) -> None:
    page = read(text, "https://www.site.example/xw/1.html", page_facts.container)
    check(page, page_facts, "known")
    assert page.body_rule == f"era:{page_facts.container}"


def test_pages_by_density_alone(
    page_facts: Facts, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_known_containers(monkeypatch)
    page = read(text)
    check(page, page_facts, "density")
    assert page.body_rule == "generic"


def test_pages_without_metas(page_facts: Facts, text: str) -> None:
    """Title, text and the shown date are found without the metas; time and source vary."""
    bare = read(re.sub(r"<meta\b[^>]*>", "", text, flags=re.I))
    found = wrong(bare, page_facts) & {"title", "lines", "published"}
    assert found == set(page_facts.faults.get("bare", ()))


# Lists, written and captured


@pytest.mark.parametrize("sample", LISTS, ids=lambda sample: sample.file)
def test_the_rows_of_a_list(sample: Sample) -> None:
    found = rows_of(sample.text(), sample.rows, sample.url)
    assert [
        (row.address, row.title, row.listed.isoformat() if row.listed else "") for row in found
    ] == list(sample.found)


@pytest.mark.parametrize("facts", CAPTURED_LISTS, ids=lambda facts: facts.file)
def test_captured_lists(facts: ListFacts, shared: Path) -> None:
    home = f"https://{facts.host}"
    found = rows_of(captured(shared, facts.file), facts.selector, home + facts.path)
    first = found[0]
    assert len(found) == facts.rows
    assert first.address == home + facts.first
    assert len(first.title) == facts.title
    assert (first.listed.isoformat() if first.listed else None) == facts.listed


@pytest.fixture(params=["written", "captured"])
def page_named(request: pytest.FixtureRequest) -> dict[str, str]:
    """The texts of the written or of the captured pages, by the captured page's file name."""
    if request.param == "written":
        return {sample.like: sample.text() for sample in SAMPLES}
    shared: Path = request.getfixturevalue("shared")
    return {sample.like: captured(shared, sample.like) for sample in SAMPLES}


def test_rows_agree_with_their_addresses(page_named: dict[str, str]) -> None:
    found = rows_of(page_named["mee_list_1.html"], "ul#div li", "https://www.mee.example/a/")
    written = [row.address.rsplit("/t", 1)[1][:8] for row in found]
    assert [row.listed.strftime("%Y%m%d") for row in found if row.listed] == written
    assert len({row.title for row in found}) < len({row.address for row in found})


def test_data_of_another_shape_is_not_a_list(page_named: dict[str, str]) -> None:
    with pytest.raises(Unreadable) as raised:
        rows_of(page_named["nfra_list_1.json"], "li", "https://www.nfra.example/")
    assert raised.value.kind == "list-refused"


@pytest.mark.parametrize("file", ["cnta_list_1.html", "sasac_list_2.html", "most_list_1.html"])
def test_a_list_is_not_a_bulletin(file: str, page_named: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        read(page_named[file])


def test_a_plain_refusal_is_not_a_block_page(page_named: dict[str, str]) -> None:
    assert block_page_kind(403, "", page_named["mofcom_403_1.html"], ()) is None


# The shape of the written pages, compared with the captured ones


@dataclass(frozen=True)
class Pair:
    """A written page and the captured one whose shape it has, both without envelopes."""

    sample: Sample
    ours: str
    theirs: str


@pytest.fixture(params=SAMPLES, ids=lambda sample: sample.file)
def pair(request: pytest.FixtureRequest, shared: Path) -> Pair:
    sample: Sample = request.param
    theirs = captured(shared, sample.like)
    return Pair(sample, shapes.markup(sample.text()), shapes.markup(theirs))


def test_shape_of_the_head(pair: Pair) -> None:
    assert shapes.doctype(pair.ours) == shapes.doctype(pair.theirs)
    assert shapes.label(pair.ours) == shapes.label(pair.theirs)
    assert shapes.metas(pair.ours) == shapes.metas(pair.theirs)


def test_shape_of_the_body(pair: Pair) -> None:
    """The way to the text is the same, and no id or class is invented."""
    if pair.sample.body:
        way = shapes.path(pair.ours, pair.sample.body)
        assert way == shapes.path(pair.theirs, pair.sample.body)
    assert shapes.names(pair.ours) <= shapes.names(pair.theirs)


@pytest.mark.parametrize("pair", LISTS, indirect=True, ids=lambda sample: sample.file)
def test_shape_of_the_rows(pair: Pair) -> None:
    """Each row has the shape of a captured row, and the shape of most of them is there."""
    ours = shapes.row_shapes(pair.ours, pair.sample.rows)
    theirs = shapes.row_shapes(pair.theirs, pair.sample.rows)
    assert set(ours) <= set(theirs)
    assert max(theirs, key=theirs.count) in ours


def test_quirks_of_the_markup(pair: Pair) -> None:
    assert shapes.quirks(pair.ours) == shapes.quirks(pair.theirs)


def test_every_quirk_is_met(shared: Path) -> None:
    """A pattern that no captured page matches would compare nothing."""
    met = {q for s in SAMPLES for q in shapes.quirks(shapes.markup(captured(shared, s.like)))}
    assert met == {*shapes.SCRIPTED, *shapes.QUIRKS}


def test_no_words_are_copied(shared: Path) -> None:
    """No nine Han characters in a row are in a captured page, except a notice of the template."""
    template = set(shapes.phrases("扫一扫在手机打开当前页", 9))
    pages = [decode(path.read_bytes()) for path in (shared / "pages").iterdir()]
    theirs = {phrase for page in pages for phrase in shapes.phrases(page, 9)}
    for sample in SAMPLES:
        ours = set(shapes.phrases(sample.text(), 9)) - template
        assert not ours & theirs, sample.file


def test_every_family_of_captured_pages_has_a_written_one(shared: Path) -> None:
    def kind(file: str) -> str:
        return re.sub(r"_\d+\.\w+$", "", file)

    there = {path.name for path in (shared / "pages").iterdir()} - {"INDEX.md"}
    assert {kind(file) for file in there} == {kind(sample.like) for sample in SAMPLES}
