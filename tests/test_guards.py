"""Guards: what is believed to be the bulletin of its address, and what is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.model import Attachment, Bulletin, Entry
from archive.storage.guards import (
    LIKE_TEXT,
    Elsewhere,
    Said,
    doubt,
    has_own_rule,
    is_like_title,
    share,
)
from archive.storage.identity import plain, text_of

TEXT = (
    "样例：5月8日，黑龙江省改造农村危房一百二十户，省住房城乡建设厅到现场检查，要求年底前全部完工。"
    "各市县要把安全放在首位，做好冬季施工的准备，对质量不合格的房屋一律返工，费用由施工单位承担。"
    "青海省同日召开会议，部署下半年的工作。"
)
TITLE = "黑龙江省农村危房改造进展顺利"
OTHER = "为向您提供更好的服务，本站将于今晚对机房设备进行例行检修，届时无法打开，敬请谅解。"


def bulletin(title: str = TITLE, text: str = TEXT, rule: str = "a:div.x") -> Bulletin:
    return Bulletin(
        url="https://www.sample.example/1.html",
        title=title,
        series=None,
        issue=None,
        published=date(2020, 5, 28),
        published_at="2020-05-28T02:00:00Z",
        origin=None,
        issuer=None,
        anchor=date(2020, 5, 28),
        lead=None,
        entries=(Entry(1, "article", None, text),),
        attachments=(Attachment("https://www.sample.example/1.pdf", "附件"),),
        body_rule=rule,
    )


BEFORE = Said(TITLE, TEXT, "a:div.x", "2020-05-28", "2020-05-28T02:00:00Z")


def reason(
    page: Bulletin,
    listed: tuple[str, ...] = (TITLE,),
    before: Said | None = BEFORE,
    elsewhere: tuple[Elsewhere, ...] = (),
) -> str | None:
    found = doubt(page, listed, before, elsewhere)
    return found.reason if found else None


@pytest.mark.parametrize(
    "page",
    [
        bulletin(),
        bulletin(title="关于冬季施工安全的通报"),
        bulletin(text=TEXT.replace("一百二十户", "一百零二户")),
        bulletin(text="全文重新写过，与原来的没有一句相同。" * 6),
        bulletin(title="黑龙江农村危房改造进展", text=OTHER * 3),
        bulletin(text=TEXT[: len(TEXT) * 2 // 3]),
        bulletin(rule="a:div.y"),
        replace(bulletin(text=TEXT + "完。"), published=date(2020, 5, 29)),
        replace(bulletin(), published_at=None),
    ],
    ids=[
        "as it was",
        "retitled",
        "corrected",
        "rewritten under its title",
        "rewritten under nearly its title",
        "a third less",
        "another selector of the same layout",
        "another date",
        "without a time of day, on its day",
    ],
)
def test_what_is_believed(page: Bulletin) -> None:
    assert reason(page) is None


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (bulletin("系统例行检修公告", OTHER * 3), "title-unlike"),
        (bulletin("住房和城乡建设部", OTHER * 3), "title-unlike"),
        (bulletin(text=TEXT[: len(TEXT) // 3]), "shrunk"),
        (bulletin("关于工程质量的通报", TEXT[: len(TEXT) // 3]), "shrunk"),
        (bulletin(text=TEXT + "完。", rule="generic"), "layout-missing"),
        (bulletin(text=TEXT + "完。", rule="known:#zoom"), "layout-missing"),
        (replace(bulletin(), published=date(2020, 5, 1), published_at=None), "date-missing"),
    ],
)
def test_what_is_held(page: Bulletin, expected: str) -> None:
    assert reason(page) == expected


def test_a_text_that_is_there_still_may_have_any_title() -> None:
    before = replace(BEFORE, title="样例一览")
    assert reason(bulletin("简讯若干", TEXT + "完。"), ("样例一览",), before) is None
    assert reason(bulletin("简讯若干", OTHER * 3), ("样例一览",), before) == "title-unlike"


def test_a_text_of_a_few_words_cannot_shrink() -> None:
    assert (
        reason(bulletin(text="附件见下。"), before=replace(BEFORE, text="附件见下，请查收。"))
        is None
    )
    short = replace(BEFORE, text=TEXT[:100])
    assert reason(bulletin(text=TEXT[:49]), before=replace(short, text=TEXT[:99])) is None


def test_half_a_text_is_not_shrunk_and_less_is() -> None:
    whole = plain(TEXT)[:100]
    before = replace(BEFORE, text=whole)
    assert reason(bulletin(text=whole[:50]), before=before) is None
    assert reason(bulletin(text=whole[:49]), before=before) == "shrunk"
    # Punctuation is no text.
    assert reason(bulletin(text=whole[:49] + "，。" * 9), before=before) == "shrunk"


@pytest.mark.parametrize(
    ("title", "listed", "text", "expected"),
    [
        (TITLE, TITLE, TEXT, None),
        ("黑龙江省农村危房改造进展 顺利（图）", TITLE, OTHER, None),
        ("样例一图读懂", TITLE, TEXT, None),  # the text has the words of the list's title
        ("系统例行检修公告", TITLE, OTHER, "title-unlike"),
        ("系统例行检修公告", "更多", OTHER, None),  # such a list says nothing
    ],
)
def test_a_page_that_was_never_captured_is_what_its_list_says(
    title: str, listed: str, text: str, expected: str | None
) -> None:
    assert reason(bulletin(title, text), (listed,), before=None) == expected


def test_of_a_page_that_no_list_names_nothing_is_expected() -> None:
    assert reason(bulletin("系统例行检修公告", OTHER), (), before=None) is None


def test_the_list_knows_the_new_title_too() -> None:
    assert reason(bulletin("冬季施工安全通报", OTHER * 3), ("冬季施工安全通报",)) is None


def test_one_text_under_two_titles_is_one_page_for_two_addresses() -> None:
    other = (Elsewhere("https://www.sample.example/2.html", "青海省召开全省工作会议"),)
    assert reason(bulletin(), before=None, elsewhere=other) == "same-body"
    # Words that many pages share are no evidence.
    assert reason(bulletin(text="附件见下。"), before=None, elsewhere=other) is None


def test_one_document_may_stand_in_two_columns() -> None:
    for title in (TITLE, f"{TITLE}（图）", "黑龙江省农村危房改造…"):
        other = (Elsewhere("https://www.sample.example/2.html", title),)
        assert reason(bulletin(), before=None, elsewhere=other) is None
    # A series has titles that are much alike, and texts that are not.
    other = (Elsewhere("https://www.sample.example/2.html", TITLE.replace("黑龙江", "青海")),)
    assert reason(bulletin(), before=None, elsewhere=other) == "same-body"


def test_one_title_and_text_for_all_addresses_is_none_of_them() -> None:
    page = bulletin("公告", OTHER)
    other = (Elsewhere("https://www.sample.example/2.html", "公告"),)
    assert reason(page, before=None, elsewhere=other) == "same-body"
    # Where no list says what it should be, a page that names its hour of publication is believed.
    assert reason(page, (), before=None, elsewhere=other) is None
    assert reason(replace(page, published_at=None), (), None, other) == "same-body"
    few = replace(bulletin("公告", "附件见下。"), published_at=None)
    assert reason(few, (), None, other) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TITLE, TITLE),
        (TITLE, "黑龙江省农村危房改造…"),
        ("黑龙江省农村危房...", TITLE),
        (TITLE, "黑龙江省 农村危房改造进展顺利"),
        ("Ｈ１《通知》", "H1通知"),
        (
            "住房城乡建设部关于印发《甲》的通知",
            "住房城乡建设部关于印发〈甲〉的通知（建办〔2020〕1号）",
        ),
        ("一图读懂｜黑龙江省农村危房改造进展顺利", TITLE),
    ],
)
def test_titles_of_one_document(one: str, other: str) -> None:
    assert is_like_title(one, other)
    assert is_like_title(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TITLE, "住房和城乡建设部"),
        ("住房和城乡建设部", "住房和城乡建设一周要闻5月第1周"),
        ("中华人民共和国住房和城乡建设部", "住房和城乡建设部关于公布第三批城市名单的通知"),
        (TITLE, ""),
        ("", ""),
        ("，。", "，。"),
        ("系统提示…", TITLE),
        ("黑龙江", TITLE),
        ("甲", "乙"),
    ],
)
def test_titles_that_are_not_alike(one: str, other: str) -> None:
    assert not is_like_title(one, other)
    assert not is_like_title(other, one)


def test_how_much_of_a_text_another_has() -> None:
    assert share(plain(TEXT), plain(OTHER)) < LIKE_TEXT
    assert share(plain(TEXT), plain(TEXT)[:60]) == 1.0
    assert share("", "甲乙") == share("甲乙", "") == 0.0


def test_rules_of_the_source_s_own_layouts() -> None:
    assert has_own_rule("mohurd-c:div.editor-content")
    assert not has_own_rule("known:#zoom")
    assert not has_own_rule("generic")


@given(st.text(max_size=80), st.text(max_size=80))
def test_likeness_is_symmetric_and_total(one: str, other: str) -> None:
    assert is_like_title(one, other) == is_like_title(other, one)
    assert 0.0 <= share(one, other) == share(other, one) <= 1.0
    assert is_like_title(one, one) == bool(plain(one))


@given(st.text(max_size=120), st.text(max_size=40), st.sampled_from(["a:x", "generic", "known:#z"]))
def test_every_page_is_judged(text: str, title: str, rule: str) -> None:
    page = bulletin(title, text, rule)
    for before in (None, BEFORE):
        found = doubt(page, ("样例的标题",), before, (Elsewhere("https://x/", title),))
        assert found is None or (found.reason and found.message)
    # What is said already is never doubted.
    said = Said(title, text_of(page), rule, "2020-05-28", None)
    assert doubt(page, (), said, ()) is None
