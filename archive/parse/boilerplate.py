"""Boilerplate: the lines around a text that belong to the page and not to the text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from archive.parse.html import Element, hide
from archive.parse.lines import Line
from archive.parse.titles import MAX_TITLE, squeezed

# A longer line is never boilerplate.
_MAX_LENGTH = 220
_BUTTON = (
    r"(?:[【\[（(]?\s?(?:打印(?:本页|此页|文章|页面)?|关闭(?:窗口|本页|页面)?|返回(?:顶部|上一页|列表)?"
    r"|(?:加入)?收藏|分享(?:到)?|[放缩][大小]字[体号]|大|中|小|纠错|复制链接)"
    r"\s?[】\]）)]?[\s|｜　]*)"
)
# Whole lines of dates, positions, buttons, notices and page numbers.
_BOILERPLATE = re.compile(
    r"(?:(?:发布|发文|发表|成文|更新)(?:日期|时间)\s?[:：].{0,80}"
    r"|(?:您(?:现在)?的?|当前|所在|现在的?)位置\s?[:：].{0,200}"
    r"|[【\[（(]?\s?字[体号]\s?[】\]]?\s?(?:[:：].{0,40}|(?:[\s|　]?[大中小特默认+-]){0,8}[】\]]?)"
    rf"|{_BUTTON}{{1,8}}"
    r"|(?:分享(?:到|至)|扫一扫|扫描二维码).{0,40}"
    r"|[【\[]?(?:上|下)一?[篇条页]\s?[:：].{0,120}"
    r"|相关附件|附件下载\s?[:：]?"
    r"|[【\[（(]?\s?(?:责任编辑|责编|编辑|审核|(?:浏览|点击|阅读|访问)(?:次数|人数|数|率|量)?)\s?[:：].{0,30}"
    r"|.{0,6}\d\s?(?:人|人?次)(?:浏览|阅读|访问|点击).{0,4}|.{0,6}(?:浏览|阅读|访问|点击)(?:量|了)?\s?\d{1,9}\s?人?次?"
    r"|.{0,30}版权所有.{0,80}"
    r"|(?:[【\[]\d{1,3}[】\]]\s?)+(?:下一页)?)"
)
# Under such a heading a page links to other pages.
_RELATED = re.compile(
    r"[【\[]?(?:相关|延伸|推荐|扩展|热点)(?:文章|链接|阅读|新闻|信息|稿件|报道|文档|专题|解读)[】\]]?\s?[:：]?"
)
_TEASER = re.compile(r"(?:点击|更多|查看|>>).{0,30}|.{0,40}(?:>>|»|》》)")


# What publishing systems' templates call the boxes of advertisements.
_ADVERTISEMENT = re.compile(r"(?:^|[\s_-])(?:ads?|adv|advert\w*|guanggao)(?:$|[\s_-])", re.I)


def hide_advertisements(body: Element) -> None:
    """Take the boxes of advertisements out of a text."""
    for box in body.iter("div", "p", "ins", "span", "ul", "aside", "table"):
        names = f"{box.get('class') or ''} {box.get('id') or ''}"
        if box is not body and names != " " and _ADVERTISEMENT.search(names):
            hide(box)


def without_boilerplate(lines: Sequence[Line], title: str) -> tuple[list[Line], list[Line]]:
    """The lines that are text, and the boilerplate: buttons, notices, links to other pages.

    The title repeated at the top is in neither.
    """
    end = first_of_links = len(lines)
    while first_of_links and lines[first_of_links - 1].linked:
        first_of_links -= 1
    for index, line in enumerate(lines):
        if index >= first_of_links - 1 and _RELATED.fullmatch(line.text):
            end = index
            break
    kept: list[Line] = []
    boilerplate = list(lines[end:])
    for line in lines[:end]:
        (boilerplate if _is_boilerplate(line) else kept).append(line)
    return kept[_title_lines(kept, title) :], boilerplate


def without_menus(lines: Sequence[Line]) -> Sequence[Line]:
    """The lines without those at both ends that contain only links, such as menus."""
    start, end = 0, len(lines)
    while start < end and lines[start].linked:
        start += 1
    while start < end and lines[end - 1].linked:
        end -= 1
    return lines[start:end]


def _title_lines(lines: Sequence[Line], title: str) -> int:
    """How many lines at the top repeat the title."""
    wanted, read = squeezed(title), ""
    for count, line in enumerate(lines, start=1):
        read += squeezed(line.text[:MAX_TITLE])
        if read == wanted:
            return count
        if not wanted.startswith(read):
            break
    return 0


def _is_boilerplate(line: Line) -> bool:
    if line.row or len(line.text) > _MAX_LENGTH:
        return False
    if line.linked and _TEASER.fullmatch(line.text):
        return True
    return _BOILERPLATE.fullmatch(line.text) is not None
