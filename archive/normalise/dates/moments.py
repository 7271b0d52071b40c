"""Productions of the date grammar for one moment or a range of two; see :mod:`grammar`.

Each takes the tokens and a position, and returns what it read and the position after it, or None.
It looks at a bounded number of tokens.
"""

from __future__ import annotations

import re

from archive.normalise.dates.holidays import HOLIDAYS
from archive.normalise.dates.numbers import Read, Tokens, after_clock, before, is_a, numbers_at
from archive.normalise.dates.parts import HALF, MONTH_EDGE, XUN, YEAR_EDGE, Moment, Part, Rel, When
from archive.normalise.dates.tokens import Token

# A number of days, not a day of the month: 15日内, 公示7日, 连续3日.
_DURATION_BEFORE = re.compile(
    r"(?:[第每近前后满逾达超余未]|连续|未来|最近|为期|历时|持续|期限|工期|公示期?|不少于|不超过|不得|超过|提前"
    r"|至少|累计|仅|停|共)[为是]?$"
)
_DURATION_AFTER = re.compile(r"[内均产龄游元后]|以[内上下]|之[内后]|无理由|攻坚|行动")
_DOCUMENT = re.compile(r"第[0-9]{1,4}号|历史|代(?![表理码])")
_HOW_OFTEN = re.compile(r"一[报调通督汇评讲会查考议碰研结清点巡检访晒分主]")  # 一季度一通报
_NOT_MONTH = re.compile(r"[龄饼嫂薪球牙租供票]|革命")


def _with_clock(moment: Moment, ts: Tokens, i: int) -> tuple[Moment, int]:
    if is_a(ts, i, "same-day") and ts[i].text in ("当天", "当日", "当晚"):
        i += 1
    j = after_clock(ts, i)
    return (moment._replace(clock=True), j) if j > i else (moment, i)


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
    moment, j = _with_clock(moment._replace(rule="weekday", weekday=weekday), ts, i + 2)
    return When(moment), j


def _plan(ts: Tokens, i: int) -> Read[When]:
    moment = Moment("plan", plan=ts[i].value)
    if is_a(ts, i + 1, "unquote", "quote") and is_a(ts, i + 2, "edge") and ts[i + 2].text == "末":
        return When(moment._replace(part=YEAR_EDGE["末"])), i + 3
    if is_a(ts, i + 1, "edge") and ts[i + 1].text == "末":
        return When(moment._replace(part=YEAR_EDGE["末"])), i + 2
    return When(moment), i + 1


def _holiday(ts: Tokens, i: int, year: int | Rel | None) -> Read[When]:
    """A holiday with 前; alone it is not a date."""
    if ts[i].kind == "han" and ts[i].text not in HOLIDAYS:
        return None
    j = i + 1
    for kind in ("unquote", "quote", "season"):
        if is_a(ts, j, kind):
            j += 1
    if not is_a(ts, j, "before"):
        return None
    return When(Moment("holiday", year, holiday=ts[i].text)), j


def _quarter(ts: Tokens, i: int, text: str) -> Read[tuple[Part, str]]:
    """一季度, 第一季度, 前三季度, 一至三季度; with 末 its last day."""
    ahead = is_a(ts, i, "before") and ts[i].text == "前"
    j = i + 1 if ahead or is_a(ts, i, "ordinal") else i
    if not is_a(ts, j, "number", "han"):
        return None
    read = numbers_at(ts, j, "quarter", 1, 4)
    if read is None:
        return None
    (first, last), j = read
    if _HOW_OFTEN.match(text, ts[j - 1].end):
        return None
    if ahead:
        first, last = 1, first
    part = Part(3 * first - 2, 3 * (last or first), "quarter")
    if is_a(ts, j, "edge") and ts[j].text in "末底":
        return (part._replace(precision="day", close=True), "quarter end"), j + 1
    return (part, "quarter"), j


def _within_year(ts: Tokens, i: int, text: str) -> Read[tuple[Part, str]]:
    """What may follow a year: half, quarter, edge, 前4个月."""
    if i >= len(ts):
        return None
    if ts[i].kind == "part" and ts[i].text in HALF:
        return (HALF[ts[i].text], "half"), i + 1
    j = i + 1 if ts[i].kind == "year" else i
    if is_a(ts, j, "edge"):
        return (YEAR_EDGE[ts[j].text], f"年{ts[j].text}"), j + 1
    return _first_months(ts, i) or _quarter(ts, i, text)


def _first_months(ts: Tokens, i: int) -> Read[tuple[Part, str]]:
    """前4个月, 前两个月."""
    if (
        ts[i].text == "前"
        and is_a(ts, i + 1, "number", "han")
        and is_a(ts, i + 2, "months", "month")
        and 1 <= ts[i + 1].value <= 12
    ):
        return (Part(1, ts[i + 1].value, "month"), "first months"), i + 3
    return None


def _year(ts: Tokens, i: int, text: str) -> Read[When]:
    if ts[i].kind == "year-word":
        return When(Moment("year", Rel("anchor", ts[i].value))), i + 1
    if ts[i].kind == "same-year":
        j = i + 2 if is_a(ts, i + 1, "degree") else i + 1
        return When(Moment("year", Rel("before", ts[i].value))), j
    if ts[i].kind == "number" and ts[i].end - ts[i].start == 2:
        # 19年12月: a short year needs its month.
        if is_a(ts, i + 1, "year") and is_a(ts, i + 2, "number") and is_a(ts, i + 3, "month"):
            return When(Moment("year", 2000 + ts[i].value)), i + 2
        return None
    read = numbers_at(ts, i, "year", 1900, 2099)
    if read is None:
        return None
    (first, last), j = read
    if _DOCUMENT.match(text, ts[j - 1].end):
        return None
    if is_a(ts, j, "degree"):
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
    if is_a(ts, j, "holiday", "han", "quote"):
        k = j + 1 if ts[j].kind == "quote" else j
        if is_a(ts, k, "holiday", "han") and (festival := _holiday(ts, k, year)):
            return festival
    if inside := _within_year(ts, j, text):
        (part, rule), j = inside
        return When(Moment(rule, year, part=part)), j
    if is_a(ts, j, "number", "han", "month-word", "january") and (
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
        read = numbers_at(ts, i, "month", 1, 12)
        if read is None or _NOT_MONTH.match(text, ts[read[1] - 1].end):
            return None
        (first, last), j = read
        if last and is_a(ts, i + 1, "list") and (is_a(ts, j, "number") or not _inline(text, ts[i])):
            return None
    made = Moment("month", year, first)
    if last is not None:
        until = Moment("month", year, last)
        return When(made, until), j + 1 if is_a(ts, j, "share") else j
    if is_a(ts, j, "share"):
        j += 1
    if is_a(ts, j, "part") and ts[j].text in XUN:
        return When(made._replace(rule="xun", part=XUN[ts[j].text])), j + 1
    k = j + 1 if is_a(ts, j, "month") else j
    if is_a(ts, k, "edge") and ts[k].text != "内":
        return When(made._replace(rule=f"月{ts[k].text}", part=MONTH_EDGE[ts[k].text])), k + 1
    if is_a(ts, j, "number", "han"):
        days = _days(ts, j, made)
        # 13月 is not a month, 5月 before 32日 not a date, and 三月三 is a feast.
        if days is not None or is_a(ts, j + 1, "day") or ts[i].kind == ts[j].kind == "han":
            return days
    return None if ts[i].kind == "same-month" else (When(made), j)


def _opens_clause(text: str, start: int) -> bool:
    return start == 0 or text[start - 1] in "，。；：！？\n\u3000 “"


def _inline(text: str, token: Token) -> bool:
    """Whether a number stands inside a sentence, where 3、 is not the number of an item."""
    before = text[token.start - 1 : token.start]
    return bool(before) and before not in "。；;\n\r\u3000 ：:"


def _days(ts: Tokens, i: int, month: Moment) -> Read[When]:
    """8日, 8—10日, 8、9日, after a month."""
    read = numbers_at(ts, i, "day", 1, 31)
    if read is None:
        return None
    (first, last), j = read
    rule = "date" if month.year is not None else "month and day"
    made = month._replace(rule=rule, day=first)
    until = None
    if last is not None:
        until = made._replace(rule="day", day=last)
        until, j = _with_clock(until, ts, j)
    else:
        made, j = _with_clock(made, ts, j)
    return When(made, until), j


def _bare_day(ts: Tokens, i: int, text: str) -> Read[When]:
    read = numbers_at(ts, i, "day", 1, 31)
    if read is None:
        return None
    (first, last), j = read
    if ts[j - 1].text == "号" or is_a(ts, i, "ordinal"):
        return None
    if _DURATION_BEFORE.search(before(ts, i, text)):
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
    """年底, 月末, 年内, of the current year or month."""
    if not is_a(ts, i + 1, "edge"):
        return None
    before = text[ts[i].start - 1 : ts[i].start]
    if before and (before.isdigit() or before in _NOT_BEFORE_EDGE):
        return None
    edge = ts[i + 1].text
    if ts[i].kind == "year":
        return When(Moment(f"年{edge}", part=YEAR_EDGE[edge])), i + 2
    moment = Moment(f"月{edge}", month=Rel("before", 0), part=MONTH_EDGE[edge])
    return When(moment), i + 2


def moment_at(ts: Tokens, i: int, text: str) -> Read[When]:
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
        # 前4个月 inside a clause counts back: 较前4个月.
        months = _first_months(ts, i) if _opens_clause(text, ts[i].start) else None
        if quarter := months or _quarter(ts, i, text):
            return When(Moment(quarter[0][1], part=quarter[0][0])), quarter[1]
        return None
    if kind in ("number", "han"):
        return _numbered(ts, i, text)
    return None


def _numbered(ts: Tokens, i: int, text: str) -> Read[When]:
    if before(ts, i, text).endswith("第") or _follows_unit(ts, i):
        return None
    if read := _from_year(ts, i, text):
        return read
    if read := _month(ts, i, text, None):
        return read
    if ts[i].kind == "han" and ts[i].text in HOLIDAYS and (read := _holiday(ts, i, None)):
        return read
    if quarter := _quarter(ts, i, text):
        return When(Moment(quarter[0][1], part=quarter[0][0])), quarter[1]
    return _bare_day(ts, i, text) if ts[i].kind == "number" else None


def _follows_unit(ts: Tokens, i: int) -> bool:
    """Whether this number is the rest of an impossible date such as 13月5日."""
    return i > 1 and ts[i - 1].kind in ("year", "month") and ts[i - 2].kind in ("number", "han")


def when_at(ts: Tokens, i: int, text: str) -> Read[When]:
    """A moment or a range of two."""
    read = moment_at(ts, i, text)
    if read is None:
        return None
    when, j = read
    if is_a(ts, j, "since") and ts[j].text == "起" and is_a(ts, j + 1, "dash", "to"):
        j += 1
    if when.last is not None or not is_a(ts, j, "dash", "to"):
        return read
    second = moment_at(ts, j + 1, text)
    if second is None and is_a(ts, j + 1, "han") and when.first.day is not None:
        second = _days(ts, j + 1, Moment("day"))
    if second is not None and second[0].last is None:
        return When(when.first, second[0].first), second[1]
    if when.first.clock and (end := after_clock(ts, j + 1)) > j + 1:
        return When(when.first), end
    return read


def gloss_at(ts: Tokens, i: int, text: str) -> Read[When]:
    """（16日至30日） straight after a date: the position is after the closing bracket."""
    if not is_a(ts, i, "open"):
        return None
    read = when_at(ts, i + 1, text)
    if read is None or not is_a(ts, read[1], "close"):
        return None
    return read[0], read[1] + 1
