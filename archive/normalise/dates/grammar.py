"""Productions of the date grammar: what a run of tokens says, before any calendar is asked.

expression := now | [截至|自|从|到] when [以来|起|后|前] | when （when）
when       := moment [dash (moment|clock)]
moment     := [year] (holiday | plan | quarter | half | edge | month [xun|edge|day]) | year
            | week [weekday] | day-word | day | xun | iso; a day may be followed by a clock
year       := 2020年 | 二〇二〇年 | 2018—2020年 | 今年 | 同年
month      := 5月[份] | 3—5月 | 元月 | 本月 | 同月
day        := 8日 | 8—10日 | 8、9日

Each production looks at a bounded number of tokens, so the whole is linear in the text. Those
from ``when`` down are in :mod:`moments` and :mod:`numbers`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from archive.normalise.dates.moments import gloss_at, moment_at, when_at
from archive.normalise.dates.numbers import Read, Tokens, before, is_a
from archive.normalise.dates.parts import Expression, Moment, Rel, When
from archive.normalise.dates.tokens import runs

_RECURRENT = re.compile(r"(?:每年|每月|历年|往年|常年|每周|农历|阴历)的?$")
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
_CLAUSE_START = re.compile(
    r"(?:^|[\s，。；：、！？“（(—]|力争|确保|计划|争取|要求|提出|明确|目标|预计|规划|并|即|我国|全省|全市|全区|全国|期[限间]?)$"
)


def expression(ts: Tokens, i: int, text: str) -> Read[Expression]:
    """The date expression that begins with token i."""
    first = ts[i]
    if first.kind in ("now", "from-now"):
        moment = Moment(first.text, day=Rel("anchor", 0))
        if is_a(ts, i + 1, "dash", "to") and (until := moment_at(ts, i + 2, text)):
            return _finish(ts, i, i, i, "", (When(moment, until[0].first), until[1]), text)
        return Expression(When(moment), first.start, first.end, first.kind), i + 1
    if first.kind == "vague":
        return Expression(When(Moment(first.text, vague=True)), first.start, first.end), i + 1
    lead, j = "", i
    if first.kind in ("as-of", "from", "to") or first.text == "至":
        lead, j = first.kind if first.text != "至" else "to", i + 1
        if lead == "to" and not _CLAUSE_START.search(before(ts, i, text)):
            return None
        if lead == "from" and is_a(ts, j, "to"):
            return None
    quoted = j < len(ts) and ts[j].kind == "quote"
    at = j + 1 if quoted else j
    if quoted and not (is_a(ts, at, "plan", "holiday", "han")):
        return None
    read = when_at(ts, at, text)
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
    if gloss := gloss_at(ts, j, text):
        inner, after = gloss
        tail = ts[after].kind if is_a(ts, after, "since", "before") else ""
        tail_text = ts[after].text if tail else ""
        lead = "as-of" if lead == "to" and text[ts[after - 1].end :][:1] == "时" else lead
        span = (ts[j + 1].start, ts[after - 2].end)
        return Expression(inner, *span, lead, tail, tail_text, when), after
    k = j + 1 if quoted and when.first.part is None and is_a(ts, j, "unquote", "quote") else j
    if is_a(ts, k, "since", "before") and (ts[k].text != "来" or when.first.month is None):
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


_NUMBERS = frozenset(("number", "han"))
_AFTER_NUMBER = frozenset(
    (
        *("year", "month", "quarter", "day", "dash", "list"),  # of numbers_at
        *("before", "quote", "unquote", "season"),  # of a holiday that is a number: 十一
    )
)
# The kinds of token that begin an expression, and those that the next token must be of, None for
# any: most numbers of a text count something else, and to try every production at each of them
# takes half of the time.
_BEGINNINGS: Mapping[str, frozenset[str] | None] = {
    **dict.fromkeys(("now", "from-now", "vague", "as-of", "from", "to", "dash", "iso", "plan")),
    **dict.fromkeys(("year-word", "same-year", "month-word", "same-month", "january", "part")),
    **dict.fromkeys(("week-word", "day-word", "same-day", "holiday")),
    **dict.fromkeys(("number", "han"), _AFTER_NUMBER),
    **dict.fromkeys(("ordinal", "before"), _NUMBERS),
    **dict.fromkeys(("year", "month"), frozenset(("edge",))),
    "quote": frozenset(("plan", "holiday", "han")),
}


def _may_begin(ts: Tokens, i: int) -> bool:
    """Whether an expression can begin with token i, as far as it and the next one tell."""
    kind = ts[i].kind
    if kind not in _BEGINNINGS:
        return False
    following = _BEGINNINGS[kind]
    return following is None or (i + 1 < len(ts) and ts[i + 1].kind in following)


def expressions(text: str) -> Iterator[Expression]:
    """All date expressions of a text from left to right, except those in a title 《…》."""
    for ts in runs(text):
        i = 0
        while i < len(ts):
            read = expression(ts, i, text) if _may_begin(ts, i) else None
            if read is None:
                i += 1
            else:
                if not _RECURRENT.search(before(ts, i, text)):
                    yield read[0]
                i = read[1]
