"""Tokens of the date grammar: numbers, calendar units and the words that date or relate.

Everything that can take no part in a date expression is left out. Tokens come in runs without
other text between them, so that the grammar never reads across what it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from archive.normalise.dates.holidays import HOLIDAYS
from archive.normalise.numerals import number_of


class Token(NamedTuple):
    """A piece of text with its kind; ``value`` is a number, a shift in its unit, or -1."""

    kind: str
    text: str
    start: int
    end: int
    value: int


# kind -> {word: shift or 0}. A word of the same letters inside another one is kept out by GUARDS.
WORDS: dict[str, dict[str, int]] = {
    "year-word": {"今年": 0, "本年度": 0, "去年": -1, "前年": -2, "明年": 1, "后年": 2},
    "same-year": {"同年": 0, "当年": 0, "次年": 1, "翌年": 1, "上年": -1, "上一年": -1},
    "month-word": {"本月": 0, "上月": -1, "上个月": -1, "下月": 1, "下个月": 1},
    "january": {"元月": 1},
    "same-month": {"同月": 0, "当月": 0, "次月": 1},
    "week-word": {"本周": 0, "这周": 0, "上周": -1, "上一周": -1, "下周": 1, "下一周": 1},
    "day-word": {
        **dict.fromkeys(("今天", "今日", "今晚", "今晨", "今早", "今夜"), 0),
        **dict.fromkeys(("昨天", "昨日", "昨晚", "昨晨", "昨夜"), -1),
        **dict.fromkeys(("明天", "明日", "明晚", "明早", "明晨"), 1),
        "前天": -2,
        "后天": 2,
    },
    "same-day": {
        **dict.fromkeys(("当日", "当天", "同日", "同一天", "当晚", "当夜"), 0),
        **dict.fromkeys(("次日", "翌日"), 1),
        **dict.fromkeys(("前一日", "前一天"), -1),
    },
    "vague": {"近日": 0, "日前": 0},
    "part": dict.fromkeys(
        (
            "上旬",
            "中旬",
            "下旬",
            "上中旬",
            "中上旬",
            "中下旬",
            "上半月",
            "下半月",
            "上半年",
            "下半年",
        ),
        0,
    ),
    "edge": dict.fromkeys(("底", "末", "初", "内"), 0),
    "quarter": {"季度": 0},
    "months": {"个月": 0},
    "daypart": dict.fromkeys(
        ("凌晨", "清晨", "早晨", "早上", "上午", "中午", "正午", "午后", "下午", "傍晚"), 0
    )
    | dict.fromkeys(("晚上", "晚间", "夜间", "夜里", "深夜", "午夜", "晚", "早", "晨", "夜"), 0),
    "holiday": dict.fromkeys(tuple(h for h in HOLIDAYS if h[0] not in "一二三四五六七八九十"), 0),
    "now": dict.fromkeys(
        [a + b for a in ("截至", "截止", "截止到", "截至到") for b in ("目前", "当前", "现在")]
        + ["到目前为止", "截至发稿时"],
        0,
    ),
    "from-now": dict.fromkeys(("自即日起", "从即日起", "即日起"), 0),
    "as-of": dict.fromkeys(("截至", "截止", "截至到", "截止到"), 0),
    "from": dict.fromkeys(("自", "从", "自从"), 0),
    "to": {"到": 0},
    "dash": {"至": 0},
    "since": dict.fromkeys(("以来", "起", "开始", "以后", "之后", "后", "至今", "迄今", "来"), 0),
    "before": dict.fromkeys(("前", "之前", "以前"), 0),
    "list": {"、": 0},
    "year": {"年": 0},
    "degree": {"度": 0},
    "month": {"月": 0},
    "share": {"份": 0},
    "day": {"日": 0, "号": 0},
    "hour": {"时": 0, "点": 0},
    "minute": {"分": 0},
    "second": {"秒": 0},
    "half": {"半": 0, "整": 0},
    "ordinal": {"第": 0},
    "season": {"节": 0},
    "open": dict.fromkeys("（(", 0),
    "close": dict.fromkeys("）)", 0),
    "quote": dict.fromkeys('“‘"', 0),
    "unquote": dict.fromkeys("”’", 0),
    "stop": dict.fromkeys("。！？；\n", 0),
}

_NUMERAL = "0-9０-９〇○零一二三四五六七八九十两"

# What may not stand before (a set of characters) or after (a pattern) a word, because there it
# is a piece of others: 目|前天, 基|本周, 过|去年, 前|往, 起|草.
GUARDS: dict[str, tuple[str, str]] = {
    "今天": ("的", ""),
    "明天": ("的好", ""),
    "今日": ("", "头"),
    "去年": ("过失除", ""),
    "前年": ("目以提之", ""),
    "明年": ("说证声透表文", ""),
    "后年": ("今以之最", ""),
    "同年": ("不共相如", "[龄级]"),
    "次年": (_NUMERAL, ""),
    "上年": ("以线", "龄"),
    "本月": ("基成资", ""),
    "上月": ("以海线山", "球"),
    "下月": ("以天", ""),
    "本周": ("基成资文样", "[边期转]"),
    "上周": ("以线网路海", "[边密转期全围口]"),
    "下周": ("以线", "[边期转密]"),
    "前天": ("目当", ""),
    "后天": ("今以之先最", ""),
    "当日": ("每", "常|受理|办|申|清|达|就?[能可]|即可"),
    "当天": ("每", "受理|办|申|达|就?[能可]|即可"),
    "同日": ("不共如", "[常本]"),
    "次日": (_NUMERAL + "首每多依", "[常均]"),
    "近日": ("最附临接", "[来照]"),
    "日前": (_NUMERAL + "今昨明当次同翌作节生止记期末假休售发算截近每满", "后"),
    "至今": ("", "[年天日后明]"),
    "起": ("", "[草步火降飞诉义点到见来源伏重爆码薪因立吊居诱获床跑售初]"),
    "后": ("", "[续勤方备期者台天]|[0-9一二两三四五六七八九十几]{1,2}(?:年|个?月|天|日|周)"),
    "以后": ("", "年"),
    "来": ("", "[自源到华京访宾稿电函]"),
    "内": ("", "[蒙地部外容参科涝]"),
    "前": ("", "后|往|来|去|述|方|夕|沿|瞻|线|期(?!限)|进(?!行)|提(?:下|是|条件)"),
    "初": ("", f"[步级中审验定心{_NUMERAL}]"),
    "晚": ("", "[稻会宴报播熟期]"),
    "早": ("", "[稻期日已籼播餐在茬]"),
    "夜": ("", "[市查校巡班景]"),
    "晨": ("", "[光报曦]"),
    "自": ("来各亲独", ""),
    "从": ("服听", ""),
    "到": ("达来回得提高增长降低少推迟延伸看收受感做找遇", ""),
}


def _after_first(word: str) -> str:
    """The pattern of a word behind its first character, with what may not stand around it."""
    before, after = GUARDS.get(word, ("", ""))
    first = re.escape(word[0])
    return (
        (f"(?<![{before}]{first})" if before else "")
        + (f"(?<![{_NUMERAL}]\\s{first})" if word == "日前" else "")
        + re.escape(word[1:])
        + (f"(?!{after})" if after else "")
    )


def _any_of(words: Iterable[str]) -> str:
    """A pattern of all words, the longest first, by their first characters: few of them fit."""
    by_first: dict[str, list[str]] = {}
    for word in sorted(words, key=len, reverse=True):
        by_first.setdefault(word[0], []).append(_after_first(word))
    return "|".join(f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in by_first.items())


_KIND = {word: (kind, shift) for kind, words in WORDS.items() for word, shift in words.items()}

_DASHES = "-–—―－~～〜─"
# A set of all characters that a token can begin with. Most of a text is others, and to try every
# alternative at each of those takes twice as long.
_FIRST = f"{_DASHES}《{_NUMERAL}" + re.escape("".join(sorted({word[0] for word in _KIND})))

_LEXER = re.compile(
    rf"(?=[{_FIRST}])(?:"
    r"(?P<title>《[^《》]{1,120}》)"
    r"|(?=[0-9０-９])(?:"
    r"(?P<iso>(?<![0-9A-Za-z./])(?:19|20)[0-9]{2}(?P<sep>[-./])[0-9]{1,2}(?P=sep)[0-9]{1,2}(?![0-9]|(?P=sep)[0-9]))"
    r"|(?P<clock>(?<![0-9:：])[0-9]{1,2}[:：][0-9]{2}(?:[:：][0-9]{2})?(?![0-9]))"
    r"|(?P<number>[0-9０-９]+))"
    rf"|(?P<plan>(?<![{_NUMERAL}])十[一二三四五]五(?![{_NUMERAL}年]))"
    r"|(?P<han>[〇○零一二三四五六七八九十]+|两(?=个月))"
    rf"|(?P<dash>[{_DASHES}]{{1,2}})"
    rf"|(?P<word>{_any_of(_KIND)}))"
)


def _han_value(text: str) -> int:
    """二〇二一 → 2021, 二十八 → 28, 三 → 3; -1 for what is not a number of the calendar.

    Two or three digits without 十 are a guess (三五天 is three to five days).
    """
    if len(text) > 4 or ("十" not in text and len(text) not in (1, 4)):
        return -1
    number = number_of(text)
    return -1 if number is None else number


def _number_value(text: str, start: int, digits: str) -> int:
    """The number, or -1 when it is part of a decimal, a code, or too long for a calendar."""
    if len(digits) > 4:
        return -1
    before = text[start - 1 : start]
    if "\u3400" <= before <= "\u9fff":  # a Han character, as before most numbers
        return int(digits)
    if before and before in "〔[［.．+":
        return -1
    if before.isascii() and before.isalpha():
        return -1
    if before == "," and start > 1 and text[start - 2].isdigit():
        return -1
    return int(digits)


# No expression is as long; only text that is nothing but numbers and units has longer runs.
_LONGEST_RUN = 256


# What can be a date by itself. Half of a text's tokens stand alone, nearly all of them numbers.
_WHOLE = frozenset(
    (
        *("now", "from-now", "vague", "iso", "plan", "part", "week-word", "day-word", "same-day"),
        *("year-word", "same-year", "month-word", "same-month", "january"),
    )
)


def runs(text: str) -> Iterator[list[Token]]:
    """The tokens of a text in runs without other text between them; time is linear.

    A document's title 《…》 is one token that belongs to no expression. A token alone is left out
    where it needs another to be a date.
    """
    run: list[re.Match[str]] = []
    end = 0
    for found in _LEXER.finditer(text):
        start, after = found.span()
        gap = start - end
        parted = gap > 2 or (gap > 0 and text[end:start].strip())
        if run and (parted or len(run) >= _LONGEST_RUN):
            if _can_date(run):
                yield list(map(_token, run))
            run = []
        end = after
        run.append(found)
    if run and _can_date(run):
        yield list(map(_token, run))


def _can_date(run: list[re.Match[str]]) -> bool:
    if len(run) > 1:
        return True
    kind = run[0].lastgroup
    return (_KIND[run[0][0]][0] if kind == "word" else kind) in _WHOLE


def _token(found: re.Match[str]) -> Token:
    kind, word, value = found.lastgroup or "word", found[0], -1
    start, end = found.span()
    if kind == "word":
        kind, value = _KIND[word]
    elif kind == "number":
        value = _number_value(found.string, start, word)
    elif kind == "han":
        value = _han_value(word)
    elif kind == "plan":
        value = 10 + (number_of(word[1]) or 0)
    return Token(kind, word, start, end, value)
