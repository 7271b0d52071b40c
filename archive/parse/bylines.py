"""Bylines: the line of date and source under a title, and the table of a paper's particulars.

``日期：2021/09/06 来源：画报社 字号：[大 中 小]`` and ``2022-02-13 09:57 某网`` are bylines; the
particulars (索引号, 发文机关, 成文日期 …) stand in a table before the text of policy papers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from archive.parse.lines import WHITESPACE, Line
from archive.parse.written_dates import CLOCK, WRITTEN_DATE, read_date_time

# The longest byline found by hand has 130 characters, its longest source 30.
_MAX_LENGTH = 200
_MAX_SOURCE = 40
_DAY = r"(?:日\s{0,4}期|时\s{0,4}间)"


def _any(*words: str) -> str:
    """A pattern for words that templates stretch with whitespace: 索 引 号."""
    return "|".join(r"\s{0,4}".join(word) for word in words)


_TITLE = _any("标题", "信息名称", "文件名称", "名称")
_ISSUER = _any("发布机构", "发布单位", "发文机关", "发文机构", "发文单位", "公开机构", "制发机关")
# Only a paper's particulars have these.
_DECISIVE = _any(
    "索引号", "索取号", "信息索引", "发文机关", "发文机构", "发文字号", "文件编号", "主题分类",
    "组配分类", "信息类别", "公开方式", "公开形式", "生成日期", "成文日期", "信息分类",
)  # fmt: skip
_MINOR = _any(
    "文号", "分类", "体裁分类", "有效性", "时效性", "有效期", "关键词", "主题词", "内容概述",
    "内容概要", "公开范围", "公开时限", "服务对象", "实施日期", "施行日期", "废止日期", "失效日期",
    "生效日期", "备注", "语种", "所属主题", "所属机构",
)  # fmt: skip
_OTHER = (
    r"字\s{0,4}[体号](?:大小)?|浏览字号|视力保护色?|保护视力色?|(?:浏览|阅读|点击|访问)(?:次数|人数|数|率|量)?"
    r"|作\s{0,4}者|记者|通讯员|撰稿|(?:责任)?编辑|责编|审核|校对|分享(?:到|至)?|扫码浏览"
)
# The label of a field, and what it says; the order is the precedence where two begin together.
_FIELD = re.compile(
    rf"(?:(?P<published>(?:发布|发表|公开|上网|刊发|刊登|发稿)\s{{0,4}}{_DAY}|(?:时间|日期)发布)"
    rf"|(?P<updated>(?:更新|修改)\s{{0,4}}{_DAY})"
    rf"|(?P<signed>(?:成文|印发|发文|生成|签发|制发|公布)\s{{0,4}}{_DAY})"
    rf"|(?P<source>(?:信息|文章|稿件|资料|新闻|内容|消息)?来\s{{0,4}}源|稿源|供稿单位)"
    rf"|(?P<issuer>{_ISSUER})|(?P<title>{_TITLE})|(?P<particular>{_DECISIVE}|{_MINOR})"
    rf"|(?P<dated>{_DAY})|(?P<other>{_OTHER}))\s{{0,3}}[:：]\s{{0,3}}"
    r"|(?P<source_of>来源于)\s{0,3}[:：]?\s{0,3}"
    r"|(?P<button>[【\[［(（]?(?:打印|关闭|收藏|纠错|分享|语音播报|听全文|下载)(?:本页|文章|窗口)?[】\]］)）]?\s?"
    rf"(?=$|[【\[［\s|]|{_OTHER}|来源|打印))"
)
# What a line with a field cannot be without.
_HINT = re.compile(r"[:：]|来源于|打印|关闭|收藏|纠错|分享|听全文|语音播报|下载")
_LABELS = re.compile(
    rf"(?:{_DECISIVE}|{_MINOR}|{_ISSUER}|{_TITLE}|(?:发布|公开|发文){_DAY})\s{{0,3}}[:：]?"
)
_DECISIVE_LABEL = re.compile(rf"(?<![\u3400-\u9fff])(?:{_DECISIVE})(?![\u3400-\u9fff])")
_HAN_BEFORE = re.compile(r"[\u3400-\u9fff]$")
_WHEN = rf"(?P<when>{WRITTEN_DATE}(?:\s{{0,3}}(?:{CLOCK}))?)"
_NAME = r"(?P<name>(?!星期|周[一二三四五六日])[\u3400-\u9fffA-Za-z·]{2,25})"
_BARE = re.compile(rf"[(（\[]?\s?{_WHEN}(?:\s{{1,9}}{_NAME})?\s?[)）\]]?")
_NAMED_FIRST = re.compile(rf"{_NAME}\s{{1,9}}(?P<when>{WRITTEN_DATE}\s{{0,3}}{CLOCK})")
_DATE = re.compile(_WHEN)
_PERIOD = re.compile(r"\s?(?:至|到|起|止|前|—|–|~|～|-)")
_SENTENCE = re.compile(r"[，。；！？]")
_EDGES = WHITESPACE + "|｜丨[]【】()（）·•,，;；"
_STOP = re.compile(r"[\s|｜丨\[\]【】:：；;，,。]")


@dataclass(frozen=True, slots=True)
class Byline:
    """What one line says of the page: its date with the UTC stamp, its source, and more.

    ``labelled`` says that the date is the day of publication by its label; ``updated``, ``signed``,
    ``issuer`` and ``title`` are other fields of a paper's particulars.
    """

    published: tuple[date, str | None] | None = None
    labelled: bool = False
    updated: tuple[date, str | None] | None = None
    signed: date | None = None
    source: str | None = None
    issuer: str | None = None
    title: str | None = None


_NOTHING = Byline()


def read_byline(text: str) -> Byline:
    """The fields of a line, none of them where the line has no labels and is not date and name."""
    text = text[: 2 * _MAX_LENGTH]
    if bare := _bare(text):
        return bare
    if len(_fields(text)) == 1:
        return _NOTHING
    values: dict[str, str] = {}
    for kind, value in _fields(text):
        values.setdefault(kind, value)
    when = _time(values.get("published", ""))
    source = values.get("source", values.get("source_of", ""))
    loose = _time(values.get("dated", ""))
    if loose is None and source:
        loose = _time_in(values[""]) or _time_in(source)
    signed = _time(values.get("signed", ""))
    return Byline(
        published=when or loose,
        labelled=when is not None,
        updated=_time(values.get("updated", "")),
        signed=signed[0] if signed else None,
        source=_name(source),
        issuer=_name(values.get("issuer", "")),
        title=values.get("title", "").strip(_EDGES) or None,
    )


def _bare(text: str) -> Byline | None:
    """A line of a date and perhaps a name, without any label."""
    found = _BARE.fullmatch(text) or _NAMED_FIRST.fullmatch(text)
    if not found:
        return None
    return Byline(published=read_date_time(found["when"]), source=found["name"])


def is_bare(text: str) -> bool:
    """Whether a line is a date, with or without a name, and no label."""
    return len(text) <= _MAX_LENGTH and _bare(text) is not None


@lru_cache(maxsize=256)
def _fields(text: str) -> tuple[tuple[str, str], ...]:
    """The fields in their order, first what stands before all labels, with the kind ``""``.

    Kept, since several questions are asked of each line in turn.
    """
    return tuple(_cut(text)) if _HINT.search(text) else (("", text),)


def _cut(text: str) -> Iterator[tuple[str, str]]:
    kind, begin, sourced = "", 0, False
    for found in _FIELD.finditer(text):
        label = found.lastgroup or ""
        # 会议时间：, 截止日期：, but 来源：某局时间：2021-03-04
        if label == "dated" and not sourced and _HAN_BEFORE.search(text[: found.start()]):
            continue
        yield kind, text[begin : found.start()]
        kind, begin = label, found.end()
        sourced = sourced or label in ("source", "source_of")
    yield kind, text[begin:]


def _time(value: str) -> tuple[date, str | None] | None:
    """The date that a value begins with, unless it begins a period."""
    value = value.lstrip(_EDGES)
    found = _DATE.match(value)
    if found is None or _PERIOD.match(value, found.end()):
        return None
    return read_date_time(found[0])


def _time_in(text: str) -> tuple[date, str | None] | None:
    found = _DATE.search(text)
    return read_date_time(found[0]) if found else None


def _name(value: str) -> str | None:
    """A name at the head of a value, without dates, buttons and what follows whitespace."""
    value = _DATE.split(value.lstrip(_EDGES), maxsplit=1)[0]
    name = _STOP.split(value, maxsplit=1)[0].strip(_EDGES)
    return name if 2 <= len(name) <= _MAX_SOURCE else None


def is_byline(text: str) -> bool:
    """Whether a whole line is date and source, with counters and buttons, and nothing else."""
    if len(text) > _MAX_LENGTH:
        return False
    if bare := _bare(text):
        # 2021年3月4日 is the day that a paper was signed; with a time of day it is not.
        return "年" not in text or bool(bare.published and bare.published[1])
    found = read_byline(text)
    # 时间：2023年5月8日 with no other field is when a press conference was.
    if "年" in text and {kind for kind, _ in _fields(text) if kind} == {"dated"}:
        return False
    return (found.published or found.updated) is not None and _has_no_text(text)


def is_dated(text: str) -> bool:
    """Whether a line labels its date or its source, or has a time of day."""
    bare = _bare(text)
    if bare and bare.published:
        return bare.published[1] is not None
    labels = ("published", "updated", "dated", "source", "source_of")
    return any(kind in labels for kind, _ in _fields(text))


def is_part_of_byline(text: str) -> bool:
    """Whether a line is what bylines have besides the date: a source, a counter, a button."""
    if len(text) > _MAX_LENGTH:
        return False
    kinds = [kind for kind, _ in _fields(text)]
    return len(kinds) > 1 and kinds[-1] != "title" and _has_no_text(text)


def _has_no_text(text: str) -> bool:
    for kind, value in _fields(text):
        left = _DATE.sub("", value).strip(_EDGES)
        if _SENTENCE.search(left) or len(left) > _MAX_SOURCE:
            return False
        if kind == "published" and len(left) > _MAX_SOURCE // 2:
            return False
    return True


def particulars_end(lines: Sequence[Line], start: int) -> int:
    """Where a table or list of a paper's particulars ends that begins at ``start``.

    ``start`` itself where none begins there. A row of nothing but labels has its values below it.
    """
    end, decisive = start, False
    while end < len(lines) and _is_particular(lines[end]):
        decisive = decisive or _DECISIVE_LABEL.search(lines[end].text) is not None
        end += 1 + (lines[end].row and _is_header(lines[end].text))
    return min(end, len(lines)) if decisive else start


def _is_particular(line: Line) -> bool:
    found = _LABELS.match(line.text)
    if found is None:
        return False
    return line.row or (found[0].rstrip()[-1:] in ":：" and len(line.text) <= _MAX_LENGTH)


def _is_header(row: str) -> bool:
    cells = row.split("\u3000")
    return len(cells) > 2 and all(_LABELS.fullmatch(c) and c[-1] not in ":：" for c in cells)
