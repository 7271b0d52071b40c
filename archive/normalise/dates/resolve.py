"""Dates as written in a bulletin, and the civil days that they mean.

The grammar says what was written; here it meets the calendar: years that the text leaves out,
days that count from a date before, and the kind of each expression.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from archive.model import DateKind, DateMention
from archive.normalise.dates.extents import Extent, extent_of
from archive.normalise.dates.grammar import expressions
from archive.normalise.dates.holidays import holiday
from archive.normalise.dates.parts import Expression, Moment, Rel, When

_SLACK = timedelta(days=31)
_HALF_YEAR = timedelta(days=183)
_LONG_PAST = timedelta(days=270)

# Words straight before or after a date that make it a planned one, which may lie ahead.
_EXPECTED_BEFORE = re.compile(r"(?:将|拟|定|预计|有望|预期|原定)[于在到至]?$")
_PLANNED_BEFORE = re.compile(r"(?:计划|力争|争取|确保|规划)[于在到至]?$")
_PLANNED_AFTER = re.compile(r"[，,]?(?:将(?!军)|拟(?!定))|止")
_EFFECTIVE = re.compile(r"(?:正式|全面)?(?:施行|实施|执行|生效|起征|启用)")
_TASK = re.compile(r"要求|确保|力争|争取|必须|务必|计划|提出|应|须|目标|限")
_LIMIT_BEFORE = re.compile(
    r"(?:不迟于|不晚于|最[迟晚][于在]?|截止(?:时间|日期)[为是：:]?|限期?[于至]?)$"
)
# A month that is reviewed, scheduled or measured is a reference, not something that happened.
_REVIEWED_BEFORE = re.compile(
    r"(?:对|把|比|较|做好|抓好|总结|部署|安排|谋划|研究|通报|公布|发布|下达|落实|完成|制定|编制|听取|围绕|上述)$"
)
_REVIEWED_AFTER = re.compile(
    r"的?(?:重点|主要|有关|相关|各项|全省|全市|全国)?"
    r"(?:监测|统计|工作|任务|计划|数据|情况|目标|报表|月报|简报|指标|调度|财政|预算|物价)"
)
_MEASURED = re.compile(r"同比|环比|增长|下降|上涨|下跌|回落|[%％]|指数|均价|降水量|平均气温")
_TALLIED = re.compile(r"，?[^，。；：、！？\n]{0,10}(?:累计|平均|偏[多少高低])")
_COMPARED = re.compile(r"[^，。；：、！？\n]{0,10}(?:平均|偏[多少高低]|同比)")
_CLAUSE = re.compile(r"[，。；！？\n]")
_SENTENCE = re.compile(r"[。；！？\n]")


@dataclass(slots=True)
class _Context:
    """What a date that is not complete counts from.

    ``day`` and ``month`` are the nearest dates before that name a day or at least a month;
    ``last`` is the nearest of any kind, for lists; ``year`` holds within one sentence, from
    its month ``year_month`` on; ``named`` is the last year that the sentence names at all;
    ``ahead`` is set where the date before in it lies after the reference date (``anchor``),
    ``planned`` where a word such as 计划 or 将 stands in it; ``seen`` is where the last expression
    ended.
    """

    anchor: date
    title_year: int | None
    day: date | None
    month: date | None
    last: date | None = None
    year: int | None = None
    year_month: int = 0
    named: int | None = None
    ahead: bool = False
    planned: bool = False
    seen: int = 0


class _Around(NamedTuple):
    """The clause before an expression and the sentence after it, each cut to a few words."""

    before: str
    after: str


def find_dates(
    text: str, anchor: date, *, title_year: int | None = None, antecedent: date | None = None
) -> list[DateMention]:
    """The date expressions of one paragraph, in the order of the text; they never overlap.

    ``anchor`` is the reference date: the civil day that expressions without a year count from;
    ``title_year`` the year in the bulletin's title, which wins over it; ``antecedent`` the day in
    the paragraph before that 当日 and 15日 count from. Time is linear in the text; no text raises.
    """
    context = _Context(anchor, title_year, antecedent, antecedent)
    found = (_mention(expression, text, context) for expression in expressions(text))
    return [mention for mention in found if mention is not None]


def antecedent_of(mentions: Sequence[DateMention]) -> date | None:
    """The day that 当日, 次日 or 15日 in the next paragraph counts from, None if there is none."""
    for mention in reversed(mentions):
        if _leaves_day(mention):
            return mention.end or mention.start
    return None


def _leaves_day(mention: DateMention) -> bool:
    return mention.precision == "day" and mention.kind != "deadline" and mention.rule != "now"


def _mention(expression: Expression, text: str, context: _Context) -> DateMention | None:
    """One expression against the calendar; None for a day that does not exist."""
    first = expression.when.first
    written = text[expression.start : expression.end]
    around = _around(text, expression)
    gap = text[context.seen : expression.start]
    context.seen = expression.end
    if _SENTENCE.search(gap):
        context.year = context.named = None
        context.ahead = context.planned = False
    if first.vague or (_is_before(first) and context.day is None):
        return DateMention(written, expression.start, "event", None, None, "vague", "vague")
    if gap in ("、", "和", "及", "以及", "与") and context.last is not None:
        context.month = context.last
    try:
        # 4月1日开工，10月底完工: what follows the start of a plan in its sentence is planned too.
        slack = None if context.ahead else _may_lie_ahead(expression, around)
        when = _fill(expression, context, slack)
        extent = extent_of(when, context.anchor)
        if extent is None:
            return None
        kind = _kind(expression, extent, around, context)
    except (ValueError, OverflowError):
        return None
    period = kind == "deadline" and when.last is not None
    mention = DateMention(
        written,
        expression.start,
        kind,
        extent.start if period or kind not in ("deadline", "as_of") else None,
        extent.end if kind != "since" else None,
        extent.precision,
        _rule(expression),
    )
    _remember(context, expression, when, extent, mention, around)
    return mention


def _is_before(moment: Moment) -> bool:
    """当日, 次日: a day that counts from the date before."""
    return isinstance(moment.day, Rel) and moment.day.base == "before"


def _around(text: str, expression: Expression) -> _Around:
    before = text[max(0, expression.start - 24) : expression.start]
    after = text[expression.end : expression.end + 48]
    return _Around(_CLAUSE.split(before)[-1], _SENTENCE.split(after)[0])


def _rule(expression: Expression) -> str:
    """The name of the reading, as --explain shows it: month and day – day + since."""
    if expression.lead in ("now", "from-now"):
        return "now"
    when = expression.when
    words = [when.first.rule] + (["–", when.last.rule] if when.last else [])
    if expression.outer is not None:
        words = [*words, "in", "gloss"]
    marks = [mark for mark in (expression.lead, expression.tail) if mark]
    return " + ".join([" ".join(words), *marks])


# --- years, months and days that the text leaves out


def _may_lie_ahead(expression: Expression, around: _Around) -> timedelta | None:
    """How far after the reference date a date without a year may lie; None for any distance."""
    first = expression.when.first
    if (
        expression.tail == "before"
        or expression.lead == "to"
        or first.holiday
        or _EXPECTED_BEFORE.search(around.before)
        or _PLANNED_BEFORE.search(around.before)
        or _LIMIT_BEFORE.search(around.before)
        or _PLANNED_AFTER.match(around.after)
        or (first.part is not None and first.part.close and _TASK.search(around.before))
    ):
        return None
    if expression.tail == "since" and expression.tail_text not in ("以来", "至今", "迄今", "来"):
        return None if _EFFECTIVE.match(around.after) else _HALF_YEAR
    if first.part is not None and first.month is None:
        return _HALF_YEAR
    return _SLACK


def _fill(expression: Expression, context: _Context, slack: timedelta | None) -> When:
    """The same moments with every year, month and day in numbers."""
    when = expression.when
    if expression.outer is not None:
        outer = _fill_one(expression.outer.first, context, slack, None)
        first = _fill_one(when.first, context, slack, None if when.first.year else outer)
    else:
        first = _fill_first(when, context, slack)
    if when.last is None:
        return When(first)
    return When(first, _fill_one(when.last, context, slack, first))


def _fill_first(when: When, context: _Context, slack: timedelta | None) -> Moment:
    first, last = when
    if (
        last is not None
        and first.year is None
        and isinstance(first.month, int)
        and isinstance(last.month, int)
    ):
        crosses = first.month > last.month
        if isinstance(last.year, int):
            return first._replace(year=last.year - crosses)
        if crosses and context.title_year is not None:
            lies_ahead = date(context.title_year, first.month, 1) > context.anchor + _SLACK
            return first._replace(year=context.title_year - lies_ahead)
    return _fill_one(first, context, slack, None)


def _fill_one(m: Moment, c: _Context, slack: timedelta | None, lead: Moment | None) -> Moment:
    """``lead`` is the filled first moment of a range, or the date that a bracket explains."""
    if m.plan is not None or m.week is not None:
        return m
    if isinstance(m.day, Rel):
        base = c.anchor if m.day.base == "anchor" else _lead_day(lead) or c.day or c.anchor
        day = base + timedelta(days=m.day.shift)
        return m._replace(year=day.year, month=day.month, day=day.day)
    if isinstance(m.month, Rel):
        near = c.anchor if m.month.base == "anchor" else _lead_day(lead) or c.month or c.anchor
        months = near.year * 12 + near.month - 1 + m.month.shift
        year = m.year if isinstance(m.year, int) else months // 12
        return m._replace(year=year, month=months % 12 + 1)
    if m.day is not None and m.month is None:
        return _fill_day(m, m.day, c, lead)
    if isinstance(m.year, int):
        return m
    return m._replace(year=_year_of(m, c, slack, lead))


def _lead_day(lead: Moment | None) -> date | None:
    if lead is None or not isinstance(lead.year, int) or not isinstance(lead.month, int):
        return None
    return date(lead.year, lead.month, lead.day if isinstance(lead.day, int) else 1)


def _fill_day(m: Moment, day: int, c: _Context, lead: Moment | None) -> Moment:
    """15日: of the month last named, or of the month next to it when that is nearer."""
    near = _lead_day(lead) or c.month or c.anchor
    following = (near.replace(day=1) + timedelta(days=31)).replace(day=1)
    preceding = near.replace(day=1) - timedelta(days=1)
    month = near
    if lead is not None:
        month = following if day < near.day else near
    elif near.day - day > 20 and following.replace(day=day) <= c.anchor:
        month = following
    elif day - near.day > 20 and (near.year, near.month, day) > (
        c.anchor.year,
        c.anchor.month,
        c.anchor.day,
    ):
        month = preceding if day <= preceding.day else near
    return m._replace(year=month.year, month=month.month)


def _year_of(m: Moment, c: _Context, slack: timedelta | None, lead: Moment | None) -> int:
    month = m.month if isinstance(m.month, int) else m.part.first if m.part else 1
    if isinstance(m.year, Rel):
        if m.year.base == "anchor":
            return c.anchor.year + m.year.shift
        if lead is not None and isinstance(lead.year, int):
            return lead.year + m.year.shift
        near = c.named or (c.month.year if c.month and m.month is not None else c.anchor.year)
        return near + m.year.shift
    if lead is not None and isinstance(lead.year, int):
        return lead.year + (isinstance(lead.month, int) and month < lead.month)
    if c.year is not None and month >= c.year_month:
        return c.year
    if c.title_year is not None:
        return c.title_year
    return _nearest_year(m, month, c.anchor, slack)


def _nearest_year(m: Moment, month: int, anchor: date, slack: timedelta | None) -> int:
    """The reference date's year, or the year next to it when the date would lie too far away."""
    year = anchor.year
    if m.holiday is not None:
        eve = holiday(m.holiday, year)
        return year + (eve is not None and anchor - eve > _LONG_PAST)
    day = m.day if isinstance(m.day, int) else 1
    start = date(year, month, min(day, calendar.monthrange(year, month)[1]))
    if slack is None:
        return year + (anchor - start > _LONG_PAST and not (m.part and m.month is None))
    return year - (start > anchor + slack)


# --- kinds


def _kind(e: Expression, extent: Extent, around: _Around, context: _Context) -> DateKind:
    """What the expression says of its days; the words around it decide."""
    if e.lead in ("now", "as-of"):
        return "as_of"
    if e.lead == "dateline":
        return "reference"
    if e.lead == "from-now" or e.tail == "since" or (e.lead == "from" and e.when.last is None):
        return "since"
    first = e.when.first
    if e.tail == "before" or first.holiday or _LIMIT_BEFORE.search(around.before):
        return "deadline"
    if e.lead == "to":
        return "deadline" if extent.end >= context.anchor else "as_of"
    if first.part is not None and e.when.last is None:
        if first.rule.endswith("内"):
            return "deadline"
        if first.part.close:
            return _kind_of_close(extent, around, context.anchor)
    expected = _is_expected(around) or (context.ahead and context.planned)
    if extent.start > context.anchor and extent.precision == "month" and not expected:
        return "reference"  # a month scheduled
    return _kind_of_period(e.when, around)


def _is_expected(around: _Around) -> bool:
    return bool(_EXPECTED_BEFORE.search(around.before) or _PLANNED_BEFORE.search(around.before))


def _kind_of_close(extent: Extent, around: _Around, anchor: date) -> DateKind:
    """3月底: a deadline where it is a task or lies ahead, else the day on which it happened."""
    if _EXPECTED_BEFORE.search(around.before):
        return "event"
    return "deadline" if extent.end >= anchor or _TASK.search(around.before) else "event"


def _kind_of_period(when: When, around: _Around) -> DateKind:
    first = when.first
    if first.rule.startswith("前一"):
        return "reference"
    if when.last is not None and first.day is not None and _COMPARED.match(around.after):
        return "reference"
    if first.day is not None or first.week is not None:
        return "event"
    if first.plan is not None or (first.month is None and first.part is None):
        return "reference"
    if _is_expected(around):
        return "event"
    if first.month is None and first.rule != "年初":
        return "reference"
    if when.last is not None and first.month == 1 and first.part is None:
        return "reference"
    reviewed = (
        _REVIEWED_BEFORE.search(around.before)
        or _REVIEWED_AFTER.match(around.after)
        or _MEASURED.search(around.after)
        or _TALLIED.match(around.after)
    )
    return "reference" if reviewed else "event"


def _remember(
    context: _Context,
    expression: Expression,
    when: When,
    extent: Extent,
    mention: DateMention,
    around: _Around,
) -> None:
    """Keeps what later expressions count from: the nearest day and month, the sentence's year."""
    if mention.rule == "now":
        return
    last = when.last or when.first
    near = extent.start if mention.kind == "since" else extent.end
    context.planned |= _is_expected(around)
    context.ahead = mention.kind in ("event", "deadline") and extent.start > context.anchor
    dated = last.month is not None or last.week is not None
    context.last = near if dated else None
    if dated and mention.kind != "deadline":
        context.month = near
        if _leaves_day(mention):
            context.day = near
    if isinstance(last.year, int) and last.holiday is None:
        context.named = last.year
        # 计划3月开工，12月完工: what is planned keeps its year as if it were written.
        explicit = expression.when.first.year is not None or (_is_expected(around) and dated)
        first = when.first
        year = first.year if isinstance(first.year, int) else last.year
        if explicit and (around.after.startswith("，") or (dated and "的" not in around.after)):
            context.year, context.year_month = year, 0
        if context.year is not None and isinstance(first.month, int):
            context.year, context.year_month = year, first.month
