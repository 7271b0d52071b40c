"""Origins: the line that says from where a ministry took a text, in all its shapes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from archive.model import Origin
from archive.parse.lines import Line
from archive.parse.written_dates import WRITTEN_DATE, read_date

_PUBLICATION = re.compile(r"(?:报|网|社|刊|杂志|电视台|电台|客户端|频道|公众号|周报|日报)$")
_LABEL = r"(?:摘自|摘编自|选自|转自|转载自|原载于?|刊于|(?:信息|文章|稿件|资料)?来源|稿源)"
_DATE = rf"{WRITTEN_DATE}(?:\s{{0,2}}\d{{1,2}}:\d{{2}}(?::\d{{2}})?)?"
_NAME = r"(?!发布|发表|时间|日期|来源|编辑|责任)[\u3400-\u9fff·]{1,10}"
_TITLE = r"(?:本报|特约)?(?:记者|通讯员|作者|撰稿|责任编辑|编辑|文/)"
_ROLE = rf"{_TITLE}\s?[:：]?\s{{0,2}}{_NAME}(?:[、\s]{_NAME}){{0,5}}"
_EDITION = r"第?\s?[\dA-Za-z一二三四五六七八九十]{1,4}\s?[版期]"
_WHEN = rf"(?:(?:发布|发表)?(?:时间|日期)[:：])?\s?[（(]?{_DATE}[）)]?"
_REST = rf"(?:[\s，,；;、]|{_WHEN}|[（(]?{_EDITION}[）)]?|{_ROLE})*+"
_ORIGIN = re.compile(
    rf"(?P<open>[（(【\[〔]?)\s*(?P<label>{_LABEL}\s?[:：]?\s*)?(?P<before>{_DATE}\s*)?"
    r"(?:《(?P<quoted>[^《》]{1,40})》|(?P<plain>(?:\d{1,2}(?=世纪|财经))?[^\s\d《》（）()【】〔〕，,。；;：:、]{2,30}?))"
    rf"(?P<rest>{_REST})\s*[）)】\]〕]?"
)
_OURSELVES = frozenset(("本报", "本网", "本刊", "本社", "本站"))
_SECTION_MARK = re.compile(r"\s*[•·・‧∙]\s*")
# The longest origin line found by hand has 60 characters.
_MAX_LENGTH = 100
# It is among the last lines of a text, seldom its first.
_TAIL = 3


def read_origin(line: str) -> Origin | None:
    """The origin that a whole line is, or None; ``publication`` can be any name, as written.

    Shapes: ``摘自　《报•版》　2020.05.13``, ``来源：报 2020-05-13``,
    ``（《报》2020年5月13日 记者 某某）``.
    """
    literal = line.strip()
    if len(literal) > _MAX_LENGTH or not (found := _ORIGIN.fullmatch(literal)):
        return None
    publication, section = found["plain"], None
    if found["quoted"]:
        publication, *rest = _SECTION_MARK.split(found["quoted"], maxsplit=1)
        section = rest[0] if rest else None
    if not found["label"]:
        # Without a label only brackets or a date tell an origin from a title in its own line.
        dated = re.search(WRITTEN_DATE, found["before"] or found["rest"]) is not None
        credited = bool(found["open"]) and ("者" in found["rest"] or bool(found["quoted"]))
        if not (is_publication(publication) and (dated or credited)):
            return None
    if publication in _OURSELVES:
        return None
    return Origin(literal, publication, section, read_date(found["before"] or found["rest"]))


def is_publication(name: str) -> bool:
    """Whether a name is that of a newspaper, an agency or a site rather than of an office."""
    return _PUBLICATION.search(name) is not None


def origin_of_credit(credit: str) -> Origin | None:
    """The origin that a page's credit names (``中国建设报 2020-05-13``); None for an office."""
    found = read_origin(f"来源：{credit}")
    if found and found.publication and is_publication(found.publication):
        return Origin(credit, found.publication, found.section, found.date)
    return Origin(credit, credit, None, None) if is_publication(credit) else None


def take_origin(paragraphs: Sequence[Line]) -> tuple[Origin | None, list[Line]]:
    """The origin line, found among the last paragraphs or as the first, and the other lines."""
    last = len(paragraphs) - 1
    for index in dict.fromkeys((*range(last, max(last - _TAIL, -1), -1), 0)):
        if 0 <= index <= last and (found := read_origin(paragraphs[index].text)):
            return found, [*paragraphs[:index], *paragraphs[index + 1 :]]
    return None, list(paragraphs)
