"""Productions of the date grammar: what a run of tokens says, before any calendar is asked.

expression := now | [截至|自|从|到] when [以来|起|后|前] | when （when）
when       := moment [dash (moment|clock)]
moment     := [year] (holiday | plan | quarter | half | edge | month [xun|edge|day]) | year
            | week [weekday] | day-word | day | xun | iso; a day may be followed by a clock
year       := 2020年 | 二〇二〇年 | 2018—2020年 | 今年 | 同年
month      := 5月[份] | 3—5月 | 元月 | 本月 | 同月
day        := 8日 | 8—10日 | 8、9日

Each production takes the tokens and a position, and gives what it read and the position after
it, or None. It looks at a bounded number of tokens, so the whole is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

from archive.date_tokens import Token, runs
from archive.lunar import HOLIDAYS
from archive.model import Precision


class Rel(NamedTuple):
    """A year, month, week or day counted from the anchor or from the date before."""

    base: str
    shift: int


class Part(NamedTuple):
    """Days first to last of a month, or months first to last of a year; ``close``: its end."""

    first: int
    last: int
    precision: Precision
    close: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """One point or period as written; what the text leaves out is None."""

    rule: str
    year: int | Rel | None = None
    month: int | Rel | None = None
    day: int | Rel | None = None
    part: Part | None = None
    week: int | None = None
    weekday: int | None = None
    plan: int | None = None
    holiday: str | None = None
    vague: bool = False
    clock: bool = False


class When(NamedTuple):
    """A moment, or the first and the last of a range."""

    first: Moment
    last: Moment | None = None


@dataclass(frozen=True, slots=True)
class Expression:
    """A date expression as written: ``lead`` and ``tail`` are the kinds of words around it."""

    when: When
    start: int
    end: int
    lead: str = ""
    tail: str = ""
    tail_text: str = ""
    outer: When | None = None


T = TypeVar("T")
Read = tuple[T, int] | None
Tokens = list[Token]

XUN: dict[str, Part] = {
    "上旬": Part(1, 10, "xun"),
    "中旬": Part(11, 20, "xun"),
    "下旬": Part(21, 31, "xun"),
    "上中旬": Part(1, 20, "xun"),
    "中下旬": Part(11, 31, "xun"),
    "上半月": Part(1, 15, "half"),
    "下半月": Part(16, 31, "half"),
}
HALF: dict[str, Part] = {"上半年": Part(1, 6, "half"), "下半年": Part(7, 12, "half")}
MONTH_EDGE: dict[str, Part] = {
    "初": Part(1, 10, "xun"),
    "底": Part(1, 31, "day", close=True),
    "末": Part(1, 31, "day", close=True),
    "内": Part(1, 31, "month"),
}
YEAR_EDGE: dict[str, Part] = {
    "初": Part(1, 1, "month"),
    "底": Part(1, 12, "day", close=True),
    "末": Part(1, 12, "day", close=True),
    "内": Part(1, 12, "year"),
}
# A number of days, not a day of the month: 15日内, 公示7日, 连续3日.
_DURATION_BEFORE = re.compile(
    r"(?:[第每近前后满逾达超余未]|连续|未来|最近|为期|历时|持续|期限|工期|公示期?|不少于|不超过|不得|超过|提前"
    r"|至少|累计|仅|停|共)[为是]?$"
)
_DURATION_AFTER = re.compile(r"[内均产龄游元后]|以[内上下]|之[内后]|无理由|攻坚|行动")
_RECURRENT = re.compile(r"(?:每年|每月|历年|往年|常年|每周|农历|阴历)的?$")
_DOCUMENT = re.compile(r"第[0-9]{1,4}号|历史|代(?![表理码])")
_NOT_MONTH = re.compile(r"[龄饼嫂薪球牙租供票]|革命")
# A verb or noun between 自 and 起, as in 9月27日开幕以来.
_SINCE_AFTER = re.compile(
    r"(?:《[^《》]{1,40}》|[^，。；、：！？\s（）()《》“”0-9]){1,14}?(?:以来|之日起)"
)
_FROM_AFTER = re.compile(
    r"(?:《[^《》]{1,40}》|[^，。；、：！？\s（）()《》“”0-9]){1,14}?(?:以来|之日起|(?<![一引发提掀])起|开始)(?![草步火])"
)
# A remark in brackets, such as the day of the week, may part a date from its 起 or 前.
_REMARK_TAIL = re.compile(
    r"[（(][^（）()，。；\n]{1,12}[）)](起(?![草步火])|以来|前(?![往后来去])|之前|以前)"
)
_DATELINE = re.compile(r"[电讯](?=[\s（(：:，,]|记者|$)")


def _is(ts: Tokens, i: int, *kinds: str) -> bool:
    return i < len(ts) and ts[i].kind in kinds


def _before(ts: Tokens, i: int, text: str) -> str:
    return text[max(0, ts[i].start - 8) : ts[i].start]


def _numbers(ts: Tokens, i: int, unit: str, low: int, high: int) -> Read[tuple[int, int | None]]:
    """Numbers that share a unit (5月, 3—5月, 8、9日); the position is after the unit."""
    first, last = ts[i].value, None
    if not low <= first <= high:
        return None
    j = i + 1
    while _is(ts, j, "dash", "list") and _is(ts, j + 1, "number", "han") and j - i < 12:
        last = ts[j + 1].value
        if not first < last <= high:
            return None
        if ts[j].kind == "list" and not _is(ts, j + 2, "list", unit):
            return None
        j += 2
    if not _is(ts, j, unit):
        return None
    return (first, last), j + 1


def _clock(ts: Tokens, i: int) -> int:
    """The position after a time of day (上午9时30分, 晚, 0—24时, 8:00—12:00), or i."""
    j = i + 1 if _is(ts, i, "daypart") else i
    k = _hour(ts, j)
    if k == j:
        return j
    if _is(ts, k, "dash"):
        second = k + 2 if _is(ts, k + 1, "daypart") else k + 1
        end = _hour(ts, second)
        if end > second:
            return end
    return k


def _hour(ts: Tokens, i: int) -> int:
    if _is(ts, i, "clock"):
        return i + 2 if _is(ts, i + 1, "minute") else i + 1
    if not _is(ts, i, "number", "han") or not 0 <= ts[i].value <= 24:
        return i
    j = i + 1
    if _is(ts, j, "dash") and _is(ts, j + 1, "number") and 0 <= ts[j + 1].value <= 24:
        j += 2
    if not _is(ts, j, "hour"):
        return i
    j += 1
    if _is(ts, j, "half"):
        return j + 1
    for unit in ("minute", "second"):
        if _is(ts, j, "number", "han") and _is(ts, j + 1, unit):
            j += 2
    return j


def _with_clock(moment: Moment, ts: Tokens, i: int) -> tuple[Moment, int]:
    if _is(ts, i, "same-day") and ts[i].text in ("当天", "当日", "当晚"):
        i += 1
    j = _clock(ts, i)
    return (replace(moment, clock=True), j) if j > i else (moment, i)


def _day_word(ts: Tokens, i: int) -> Read[When]:
    base = "anchor" if ts[i].kind == "day-word" else "before"
    moment = Moment(ts[i].text, day=Rel(base, ts[i].value))
    moment, j = _with_clock(moment, ts, i + 1)
    return When(moment), j


def _iso(ts: Tokens, i: int) -> Read[When]:
    year, month, day = map(int, re.split(r"[./-]", ts[i].text))
    moment, j = _with_clock(Moment("dotted date", year, month, day), ts, i + 1)
    return When(moment), j


def _week(ts: Tokens, i: int, text: str) -> Read[When]:
    """上周, 本周五, 本周末 (weekday 7)."""
    moment = Moment("week", week=ts[i].value)
    if i + 1 >= len(ts) or len(ts[i + 1].text) > 1:
        return When(moment), i + 1
    weekday = "一二三四五六日末".find(ts[i + 1].text)
    if weekday < 0 or text[ts[i + 1].end : ts[i + 1].end + 1] in ("均", "常"):
        return When(moment), i + 1
    moment, j = _with_clock(replace(moment, rule="weekday", weekday=weekday), ts, i + 2)
    return When(moment), j


def _plan(ts: Tokens, i: int) -> Read[When]:
    moment = Moment("plan", plan=ts[i].value)
    if _is(ts, i + 1, "unquote", "quote") and _is(ts, i + 2, "edge") and ts[i + 2].text == "末":
        return When(replace(moment, part=YEAR_EDGE["末"])), i + 3
    if _is(ts, i + 1, "edge") and ts[i + 1].text == "末":
        return When(replace(moment, part=YEAR_EDGE["末"])), i + 2
    return When(moment), i + 1


def _holiday(ts: Tokens, i: int, year: int | Rel | None) -> Read[When]:
    """A holiday with 前; alone it is no date."""
    if ts[i].kind == "han" and ts[i].text not in HOLIDAYS:
        return None
    j = i + 1
    for kind in ("unquote", "quote", "season"):
        if _is(ts, j, kind):
            j += 1
    if not _is(ts, j, "before"):
        return None
    return When(Moment("holiday", year, holiday=ts[i].text)), j


def _quarter(ts: Tokens, i: int) -> Read[tuple[Part, str]]:
    """一季度, 第一季度, 前三季度, 一至三季度; with 末 its last day."""
    ahead = _is(ts, i, "before") and ts[i].text == "前"
    j = i + 1 if ahead or _is(ts, i, "ordinal") else i
    if not _is(ts, j, "number", "han"):
        return None
    read = _numbers(ts, j, "quarter", 1, 4)
    if read is None:
        return None
    (first, last), j = read
    if ahead:
        first, last = 1, first
    part = Part(3 * first - 2, 3 * (last or first), "quarter")
    if _is(ts, j, "edge") and ts[j].text in "末底":
        return (part._replace(precision="day", close=True), "quarter end"), j + 1
    return (part, "quarter"), j


def _within_year(ts: Tokens, i: int) -> Read[tuple[Part, str]]:
    """What may follow a year: half, quarter, edge, 前4个月."""
    if i >= len(ts):
        return None
    if ts[i].kind == "part" and ts[i].text in HALF:
        return (HALF[ts[i].text], "half"), i + 1
    j = i + 1 if ts[i].kind == "year" else i
    if _is(ts, j, "edge"):
        return (YEAR_EDGE[ts[j].text], f"年{ts[j].text}"), j + 1
    if (
        ts[i].text == "前"
        and _is(ts, i + 1, "number", "han")
        and _is(ts, i + 2, "months", "month")
        and 1 <= ts[i + 1].value <= 12
    ):
        return (Part(1, ts[i + 1].value, "month"), "first months"), i + 3
    return _quarter(ts, i)


def _year(ts: Tokens, i: int, text: str) -> Read[When]:
    if ts[i].kind == "year-word":
        return When(Moment("year", Rel("anchor", ts[i].value))), i + 1
    if ts[i].kind == "same-year":
        j = i + 2 if _is(ts, i + 1, "degree") else i + 1
        return When(Moment("year", Rel("before", ts[i].value))), j
    if ts[i].kind == "number" and ts[i].end - ts[i].start == 2:
        # 19年12月: a short year needs its month.
        if _is(ts, i + 1, "year") and _is(ts, i + 2, "number") and _is(ts, i + 3, "month"):
            return When(Moment("year", 2000 + ts[i].value)), i + 2
        return None
    read = _numbers(ts, i, "year", 1900, 2099)
    if read is None:
        return None
    (first, last), j = read
    if _DOCUMENT.match(text, ts[j - 1].end):
        return None
    if _is(ts, j, "degree"):
        j += 1
    return When(Moment("year", first), Moment("year", last) if last else None), j


def _from_year(ts: Tokens, i: int, text: str) -> Read[When]:
    read = _year(ts, i, text)
    if read is None:
        return None
    when, j = read
    if when.last is not None:
        return read
    year = when.first.year
    if _is(ts, j, "holiday", "han", "quote"):
        k = j + 1 if ts[j].kind == "quote" else j
        if _is(ts, k, "holiday", "han") and (festival := _holiday(ts, k, year)):
            return festival
    if inside := _within_year(ts, j):
        (part, rule), j = inside
        return When(Moment(rule, year, part=part)), j
    if _is(ts, j, "number", "han", "month-word", "january") and (
        month := _month(ts, j, text, year)
    ):
        return month
    if ts[i].text in ("当年", "同年", "次年", "翌年"):
        return None
    return read


def _month(ts: Tokens, i: int, text: str, year: int | Rel | None) -> Read[When]:
    first: int | Rel
    last: int | None = None
    if ts[i].kind in ("month-word", "same-month"):
        base = "anchor" if ts[i].kind == "month-word" else "before"
        first, j = Rel(base, ts[i].value), i + 1
    elif ts[i].kind == "january":
        first, j = 1, i + 1
    else:
        read = _numbers(ts, i, "month", 1, 12)
        if read is None or _NOT_MONTH.match(text, ts[read[1] - 1].end):
            return None
        (first, last), j = read
        if last and _is(ts, i + 1, "list") and (_is(ts, j, "number") or not _inline(text, ts[i])):
            return None
    made = Moment("month", year, first)
    if last is not None:
        until = Moment("month", year, last)
        return When(made, until), j + 1 if _is(ts, j, "share") else j
    if _is(ts, j, "share"):
        j += 1
    if _is(ts, j, "part") and ts[j].text in XUN:
        return When(replace(made, rule="xun", part=XUN[ts[j].text])), j + 1
    k = j + 1 if _is(ts, j, "month") else j
    if _is(ts, k, "edge") and ts[k].text != "内":
        return When(replace(made, rule=f"月{ts[k].text}", part=MONTH_EDGE[ts[k].text])), k + 1
    if _is(ts, j, "number", "han"):
        days = _days(ts, j, made)
        # 13月 is nothing, neither is 5月 before 32日, and 三月三 is a feast.
        if days is not None or _is(ts, j + 1, "day") or ts[i].kind == ts[j].kind == "han":
            return days
    return None if ts[i].kind == "same-month" else (When(made), j)


def _inline(text: str, token: Token) -> bool:
    """Whether a number stands inside a sentence, where 3、 is no item number."""
    before = text[token.start - 1 : token.start]
    return bool(before) and before not in "。；;\n\r\u3000 ：:"


def _days(ts: Tokens, i: int, month: Moment) -> Read[When]:
    """8日, 8—10日, 8、9日, after a month."""
    read = _numbers(ts, i, "day", 1, 31)
    if read is None:
        return None
    (first, last), j = read
    rule = "date" if month.year is not None else "month and day"
    made = replace(month, rule=rule, day=first)
    until = None
    if last is not None:
        until = replace(made, rule="day", day=last)
        until, j = _with_clock(until, ts, j)
    else:
        made, j = _with_clock(made, ts, j)
    return When(made, until), j


def _bare_day(ts: Tokens, i: int, text: str) -> Read[When]:
    read = _numbers(ts, i, "day", 1, 31)
    if read is None:
        return None
    (first, last), j = read
    if ts[j - 1].text == "号" or _is(ts, i, "ordinal"):
        return None
    if _DURATION_BEFORE.search(_before(ts, i, text)):
        return None
    if _DURATION_AFTER.match(text, ts[j - 1].end):
        return None
    made = Moment("day", day=first)
    if last is not None:
        return When(made, Moment("day", day=last)), j
    made, j = _with_clock(made, ts, j)
    return When(made), j


_NOT_BEFORE_EDGE = "〇零一二三四五六七八九十个每逐几数多半两近学财全常季末整"


def _bare_edge(ts: Tokens, i: int, text: str) -> Read[When]:
    """年底, 月末, 年内, of the year or month in hand."""
    if not _is(ts, i + 1, "edge"):
        return None
    before = text[ts[i].start - 1 : ts[i].start]
    if before and (before.isdigit() or before in _NOT_BEFORE_EDGE):
        return None
    edge = ts[i + 1].text
    if ts[i].kind == "year":
        return When(Moment(f"年{edge}", part=YEAR_EDGE[edge])), i + 2
    moment = Moment(f"月{edge}", month=Rel("before", 0), part=MONTH_EDGE[edge])
    return When(moment), i + 2


def _moment(ts: Tokens, i: int, text: str) -> Read[When]:
    """One moment at token i, or a range that shares its unit (8—10日)."""
    if i >= len(ts):
        return None
    kind = ts[i].kind
    if kind in ("day-word", "same-day"):
        return _day_word(ts, i)
    if kind == "iso":
        return _iso(ts, i)
    if kind == "week-word":
        return _week(ts, i, text)
    if kind == "plan":
        return _plan(ts, i)
    if kind == "holiday":
        return _holiday(ts, i, None)
    if kind in ("year-word", "same-year"):
        return _from_year(ts, i, text)
    if kind in ("month-word", "same-month", "january"):
        return _month(ts, i, text, None)
    if kind == "part":
        if ts[i].text in HALF:
            return When(Moment("half", part=HALF[ts[i].text])), i + 1
        return When(Moment("xun", month=Rel("before", 0), part=XUN[ts[i].text])), i + 1
    if kind in ("year", "month"):
        return _bare_edge(ts, i, text)
    if kind in ("ordinal", "before"):
        if quarter := _quarter(ts, i):
            return When(Moment(quarter[0][1], part=quarter[0][0])), quarter[1]
        return None
    if kind in ("number", "han"):
        return _numbered(ts, i, text)
    return None


def _numbered(ts: Tokens, i: int, text: str) -> Read[When]:
    if _before(ts, i, text).endswith("第") or _follows_unit(ts, i):
        return None
    if read := _from_year(ts, i, text):
        return read
    if read := _month(ts, i, text, None):
        return read
    if ts[i].kind == "han" and ts[i].text in HOLIDAYS and (read := _holiday(ts, i, None)):
        return read
    if quarter := _quarter(ts, i):
        return When(Moment(quarter[0][1], part=quarter[0][0])), quarter[1]
    return _bare_day(ts, i, text) if ts[i].kind == "number" else None


def _follows_unit(ts: Tokens, i: int) -> bool:
    """Whether this number is the rest of an impossible date such as 13月5日."""
    return i > 1 and ts[i - 1].kind in ("year", "month") and ts[i - 2].kind in ("number", "han")


def _when(ts: Tokens, i: int, text: str) -> Read[When]:
    """A moment or a range of two."""
    read = _moment(ts, i, text)
    if read is None:
        return None
    when, j = read
    if _is(ts, j, "since") and ts[j].text == "起" and _is(ts, j + 1, "dash", "to"):
        j += 1
    if when.last is not None or not _is(ts, j, "dash", "to"):
        return read
    second = _moment(ts, j + 1, text)
    if second is None and _is(ts, j + 1, "han") and when.first.day is not None:
        second = _days(ts, j + 1, Moment("day"))
    if second is not None and second[0].last is None:
        return When(when.first, second[0].first), second[1]
    if when.first.clock and (end := _clock(ts, j + 1)) > j + 1:
        return When(when.first), end
    return read


def _gloss(ts: Tokens, i: int, text: str) -> Read[When]:
    """（16日至30日） straight after a date: the position is after the closing bracket."""
    if not _is(ts, i, "open"):
        return None
    read = _when(ts, i + 1, text)
    if read is None or not _is(ts, read[1], "close"):
        return None
    return read[0], read[1] + 1


_CLAUSE_START = re.compile(
    r"(?:^|[\s，。；：、！？“（(—]|力争|确保|计划|争取|要求|提出|明确|目标|预计|规划|并|即|我国|全省|全市|全区|全国)$"
)


def expression(ts: Tokens, i: int, text: str) -> Read[Expression]:
    """The date expression that begins with token i."""
    first = ts[i]
    if first.kind in ("now", "from-now"):
        moment = Moment(first.text, day=Rel("anchor", 0))
        if _is(ts, i + 1, "dash", "to") and (until := _moment(ts, i + 2, text)):
            return _finish(ts, i, i, i, "", (When(moment, until[0].first), until[1]), text)
        return Expression(When(moment), first.start, first.end, first.kind), i + 1
    if first.kind == "vague":
        return Expression(When(Moment(first.text, vague=True)), first.start, first.end), i + 1
    lead, j = "", i
    if first.kind in ("as-of", "from", "to") or first.text == "至":
        lead, j = first.kind if first.text != "至" else "to", i + 1
        if lead == "to" and not _CLAUSE_START.search(_before(ts, i, text)):
            return None
        if lead == "from" and _is(ts, j, "to"):
            return None
    quoted = j < len(ts) and ts[j].kind == "quote"
    at = j + 1 if quoted else j
    if quoted and not (_is(ts, at, "plan", "holiday", "han")):
        return None
    read = _when(ts, at, text)
    if read is None:
        return None
    return _finish(ts, i, j if quoted else at, at, lead, read, text)


def _finish(
    ts: Tokens, i: int, opening: int, at: int, lead: str, read: tuple[When, int], text: str
) -> Read[Expression]:
    """Reads the words after the moment, and settles where the span begins and ends."""
    when, j = read
    quoted = opening < at
    if quoted and when.first.plan is None and when.first.holiday is None:
        return None
    start, end = ts[at].start, ts[j - 1].end
    if gloss := _gloss(ts, j, text):
        inner, after = gloss
        tail = ts[after].kind if _is(ts, after, "since", "before") else ""
        tail_text = ts[after].text if tail else ""
        lead = "as-of" if lead == "to" and text[ts[after - 1].end :][:1] == "时" else lead
        span = (ts[j + 1].start, ts[after - 2].end)
        return Expression(inner, *span, lead, tail, tail_text, when), after
    k = j + 1 if quoted and when.first.part is None and _is(ts, j, "unquote", "quote") else j
    if _is(ts, k, "since", "before") and (ts[k].text != "来" or when.first.month is None):
        start = ts[i].start if lead else ts[opening].start
        return Expression(when, start, ts[k].end, lead, ts[k].kind, ts[k].text), k + 1
    if remark := _REMARK_TAIL.match(text, end):
        tail = "before" if "前" in remark[1] else "since"
        return Expression(when, start, end, "", tail, remark[1]), j
    if lead == "from":
        if _FROM_AFTER.match(text, ts[k - 1].end):
            return Expression(when, start, end, "", "since", "以来"), j
        if when.last is None and ts[i].text == "从":
            return Expression(when, start, end), j
    elif lead == "" and _SINCE_AFTER.match(text, ts[k - 1].end):
        return Expression(when, start, end, "", "since", "以来"), j
    if lead or when.first.holiday or (quoted and when.first.part is not None):
        start = ts[i].start if lead else ts[opening].start
        end, j = ts[k - 1].end, k
    if not lead and _DATELINE.match(text, end):
        return Expression(when, start, end, "dateline"), j
    return Expression(when, start, end, lead), j


# Frequent kinds of token that begin no expression.
_NEVER_FIRST = frozenset(
    ("day", "open", "close", "unquote", "list", "stop", "title", "edge", "since", "daypart")
)


def expressions(text: str) -> Iterator[Expression]:
    """All date expressions of a text from left to right; none lies in a title 《…》."""
    for ts in runs(text):
        i = 0
        while i < len(ts):
            read = None if ts[i].kind in _NEVER_FIRST else expression(ts, i, text)
            if read is None:
                i += 1
            else:
                if not _RECURRENT.search(_before(ts, i, text)):
                    yield read[0]
                i = read[1]
