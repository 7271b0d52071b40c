"""The gazetteer's integrity, its names, and the choice by validity."""

from datetime import date

import pytest

from archive.normalise.gazetteer import (
    Division,
    by_name,
    by_short_name,
    choose,
    divisions,
    short_names,
)


def one(code: str, name: str) -> Division:
    return next(d for d in divisions() if (d.code, d.name) == (code, name))


def test_codes_and_levels() -> None:
    for division in divisions():
        assert len(division.code) == 6
        assert division.code.isdigit()
        zeros = {"province": "0000", "city": "00", "county": ""}[division.level]
        assert division.code.endswith(zeros)
        assert division.name == division.name.strip()
        assert len(division.name) >= 2


def test_pairs_are_unique_and_sorted() -> None:
    pairs = [(d.code, d.name) for d in divisions()]
    assert len(set(pairs)) == len(pairs)
    assert [c for c, _ in pairs] == sorted(c for c, _ in pairs)


def test_living_codes_bear_one_name() -> None:
    living = [d.code for d in divisions() if d.valid_to is None]
    assert len(set(living)) == len(living)


def test_parents_exist_and_stand_one_level_up() -> None:
    levels = {d.code: d.level for d in divisions()}
    for division in divisions():
        if division.level == "province":
            assert division.parent is None
        else:
            assert division.parent is not None
            assert levels[division.parent] in ("province", "city")
            assert levels[division.parent] != division.level
            assert division.parent[:2] == division.code[:2]


def test_dates_are_ordered_and_successors_exist() -> None:
    codes = {d.code for d in divisions()}
    for division in divisions():
        if division.valid_from and division.valid_to:
            assert division.valid_from < division.valid_to
        assert division.successor is None or division.successor in codes
        assert division.successor is None or division.valid_to is not None


def test_counts_of_the_living() -> None:
    living = [d.level for d in divisions() if d.valid_to is None]
    assert living.count("province") == 34
    assert living.count("city") == 333
    assert 2840 <= living.count("county") <= 2870


@pytest.mark.parametrize(
    ("code", "name", "valid_to", "successor"),
    [
        ("630122", "湟中县", date(2019, 11, 6), "630106"),
        ("350625", "长泰县", date(2021, 2, 6), "350605"),
        ("371200", "莱芜市", date(2018, 12, 26), "370116"),
        ("220381", "公主岭市", date(2020, 6, 5), "220184"),
        ("331021", "玉环县", date(2017, 4, 9), "331083"),
        ("610322", "凤翔县", date(2021, 1, 29), "610305"),
        ("540530", "错那县", date(2023, 4, 3), "540581"),
        ("420600", "襄樊市", date(2010, 12, 9), "420600"),
        ("500105", "江北区", date(2025, 11, 6), "500157"),
        ("500112", "渝北区", date(2025, 11, 6), "500157"),
    ],
)
def test_known_changes(code: str, name: str, valid_to: date, successor: str) -> None:
    old = one(code, name)
    assert (old.valid_to, old.successor) == (valid_to, successor)
    assert any(d.code == successor and d.valid_from == valid_to for d in divisions())


@pytest.mark.parametrize(
    ("code", "name", "level", "parent"),
    [
        ("429004", "仙桃市", "county", "420000"),
        ("419001", "济源市", "county", "410000"),
        ("469028", "陵水黎族自治县", "county", "460000"),
        ("659001", "石河子市", "county", "650000"),
        ("110105", "朝阳区", "county", "110000"),
        ("500240", "石柱土家族自治县", "county", "500000"),
        ("232700", "大兴安岭地区", "city", "230000"),
        ("152500", "锡林郭勒盟", "city", "150000"),
        ("441900", "东莞市", "city", "440000"),
    ],
)
def test_places_in_the_tree(code: str, name: str, level: str, parent: str) -> None:
    division = one(code, name)
    assert (division.level, division.parent) == (level, parent)
    assert division.valid_to is None


@pytest.mark.parametrize(
    ("code", "name", "shorts"),
    [
        ("610100", "西安市", ["西安"]),
        ("653100", "喀什地区", ["喀什"]),
        ("152200", "兴安盟", ["兴安"]),
        ("152500", "锡林郭勒盟", ["锡林郭勒", "锡盟"]),
        ("654022", "察布查尔锡伯自治县", ["察布查尔自治县", "察布查尔县", "察布查尔"]),
        ("632500", "海南藏族自治州", ["海南州"]),
        ("422800", "恩施土家族苗族自治州", ["恩施州", "恩施"]),
        ("632324", "河南蒙古族自治县", ["河南自治县", "河南县", "河南"]),
        ("622926", "东乡族自治县", ["东乡县", "东乡"]),
        ("630222", "民和回族土族自治县", ["民和自治县", "民和县", "民和"]),
        ("150223", "达尔罕茂明安联合旗", ["达尔罕茂明安联合", "达茂旗"]),
        ("150724", "鄂温克族自治旗", ["鄂温克旗", "鄂温克"]),
        ("130133", "赵县", []),
        ("320583", "昆山市", ["昆山"]),
    ],
)
def test_short_names(code: str, name: str, shorts: list[str]) -> None:
    assert sorted(set(short_names(one(code, name)))) == sorted(shorts)


def test_homonyms_are_kept_apart() -> None:
    living = {d.code for d in by_name()["朝阳区"] if d.valid_to is None}
    assert living == {"110105", "220104"}
    assert {d.code for d in by_short_name()["西安"] if d.valid_to is None} >= {"610100", "220403"}


@pytest.mark.parametrize(
    ("name", "on", "code"),
    [
        ("寿县", date(2014, 1, 1), "341521"),
        ("寿县", date(2018, 1, 1), "340422"),
        ("湟中县", date(2020, 5, 13), "630122"),
        ("湟中县", date(2035, 1, 1), "630122"),
        ("湟中区", date(2018, 1, 1), "630106"),
        ("公主岭市", date(2019, 1, 1), "220381"),
        ("公主岭市", None, "220184"),
        ("和康县", date(2025, 3, 1), "653228"),
        ("和安县", date(2025, 3, 1), "653229"),
        ("鼓楼区", None, None),
    ],
)
def test_choice_by_validity(name: str, on: date | None, code: str | None) -> None:
    chosen = choose(by_name()[name], on)
    assert (chosen and chosen.code) == code


@pytest.mark.parametrize("on", [None, date(1985, 1, 1), date(2000, 7, 1), date(2030, 1, 1)])
def test_a_division_alone_is_the_one_meant_on_any_day(on: date | None) -> None:
    assert all(choose(iter([division]), on) is division for division in divisions())
