"""Boilerplate: the lines around a text that belong to the page and not to the text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from archive.parse.bylines import (
    is_byline,
    is_dated,
    is_part_of_byline,
    particulars_end,
    read_byline,
)
from archive.parse.html import Element, hide
from archive.parse.lines import Line
from archive.parse.titles import MAX_TITLE, squeezed

# A longer line is never boilerplate.
_MAX_LENGTH = 220
# The most lines above a text: a table of particulars has up to ten, a title three.
_MAX_HEAD = 30
_MOST_ABOVE = 8
_FAR = 40
_BUTTON = (
    r"(?:[【\[（(]?\s?(?:打印(?:本页|此页|文章|页面)?|关闭(?:窗口|本页|页面)?|返回(?:顶部|上一页|列表)?"
    r"|(?:加入)?收藏|分享(?:到)?\s?[:：]?|[放缩][大小]字[体号]|大|中|小|(?:我要|内容)?纠错|复制链接"
    r"|听全文|语音(?:播报|朗读)|朗读|扫码浏览|\+1|(?:信息发布|信息录入|发布人)\s?[:：][^】\]]{0,30})"
    r"\s?[】\]）)]?[\s|｜　]*)"
)
# Whole lines of dates, positions, buttons, notices and page numbers.
_BOILERPLATE = re.compile(
    r"(?:(?:发布|发文|发表|成文|更新)(?:日期|时间)\s?[:：].{0,80}"
    r"|(?:您(?:现在)?的?|当前|所在|现在的?)位置\s?[:：].{0,200}"
    r"|[【\[（(]?\s?字[体号]\s?[】\]]?\s?(?:[:：].{0,40}|(?:[\s|　]?[大中小特默认+-]){0,8}[】\]]?)"
    rf"|{_BUTTON}{{1,8}}"
    r"|(?:分享(?:到|至)|扫一扫|扫描二维码).{0,40}"
    r"|[▪·•]?\s?[【\[]?(?:上|下)一?[篇条页]\s?[:：].{0,120}"
    r"|相关附件|(?:附件|文件)下载\s?[:：]?"
    r"|[（(][^（()，。]{1,15}网?(?:责任)?编辑[\s:：][^（()，。]{1,20}[）)]"
    rf"|{_BUTTON}{{0,2}}"
    r"[【\[（(]?\s?(?:责任编辑|责编|编辑|审核|(?:浏览|点击|阅读|访问)(?:次数|人数|数|率|量)?)\s?[:：].{0,30}"
    r"|.{0,6}\d\s?(?:人|人?次)(?:浏览|阅读|访问|点击).{0,4}|.{0,6}(?:浏览|阅读|访问|点击)(?:量|了)?\s?\d{1,9}\s?人?次?"
    r"|.{0,30}版权所有.{0,80}"
    r"|(?:[【\[]\d{1,3}[】\]]\s?)+(?:下一页)?)"
)
# Under such a heading a page links to other pages.
_RELATED = re.compile(
    r"[【\[]?(?:相关|延伸|推荐|扩展|热点)(?:文章|链接|阅读|新闻|信息|稿件|报道|文档|专题|解读)[】\]]?\s?[:：]?"
)
# The same in one line, at the end of a text.
_RELATED_LINE = re.compile(
    r"[【\[]?(?:相关|关联)(?:文件|政策|解读|链接|阅读|稿件)[】\]]?\s?[:：][^。；]{1,80}"
)
_FILE_NAME = re.compile(r"^附\s?件|\.(?:pdf|docx?|xlsx?|wps|et|ofd|zip|rar|pptx?)\s?$", re.I)
_TEASER = re.compile(r"(?:点击|更多|查看|>>).{0,30}|.{0,40}(?:>>|»|》》)")


# What publishing systems' templates call the boxes of advertisements.
_ADVERTISEMENT = re.compile(r"(?:^|[\s_-])(?:ads?|adv|advert\w*|guanggao)(?:$|[\s_-])", re.I)


def hide_advertisements(body: Element) -> None:
    """Take the boxes of advertisements out of a text."""
    for box in body.iter("div", "p", "ins", "span", "ul", "aside", "table"):
        names = f"{box.get('class') or ''} {box.get('id') or ''}"
        if box is not body and names != " " and _ADVERTISEMENT.search(names):
            hide(box)


def head_of(lines: Sequence[Line], title: str, start: int = 0) -> int:
    """Where the text begins: after its title, byline, particulars and buttons.

    ``start`` is where a byline ends that stands further up. A line that is only a source is the
    origin of the text, and part of it, where no date stands beside it.
    """
    end = index = start
    dated = start > 0
    while index < min(len(lines), start + _MAX_HEAD):
        line = lines[index].text
        if taken := _title_lines(lines[index : index + _MAX_HEAD], title):
            index = end = index + taken
            continue
        after = particulars_end(lines, index)
        if after > index:
            index = end = after
            continue
        certain = _is_boilerplate(lines[index]) or is_byline(_without_title(line, title))
        if not certain and not is_part_of_byline(line) and line != "图集":
            break
        dated = dated or (certain and read_byline(line).published is not None)
        index += 1
        if certain or dated or line == "图集":
            end = index
    return end


def byline_end(lines: Sequence[Line]) -> int:
    """Where a byline ends that stands among the first lines of a text found by density, else 0.

    What stands above it, supertitles and positions on the site, is short and no sentence.
    """
    above, whole = 0, sum(len(line.text) for line in lines)
    for index, line in enumerate(lines[:_MOST_ABOVE]):
        above += len(line.text)
        if is_byline(line.text) and is_dated(line.text) and 4 * above < 3 * whole:
            return index + 1
        if "。" in line.text or len(line.text) > MAX_TITLE // 3:
            break
    return 0


def lines_above(lines: Sequence[Line]) -> list[str]:
    """The lines where a title stands, the likeliest first: above the byline, the nearest first.

    A title can be broken into two or three lines, and can stand in a table of particulars.
    ``lines`` end where the text begins.
    """
    last = range(len(lines) - 1, max(-1, len(lines) - _FAR), -1)
    end = next((index for index in last if is_byline(lines[index].text)), len(lines))
    found = [
        line.text
        for line in reversed(lines[max(0, end - _MOST_ABOVE) : end])
        if not (line.linked or line.row or len(line.text) > MAX_TITLE)
        and not (_is_boilerplate(line) or is_byline(line.text) or is_part_of_byline(line.text))
    ]
    broken = ["".join(reversed(found[:count])) for count in (3, 2) if count <= len(found)]
    rows = (read_byline(line.text).title for line in lines if line.row)
    return [*found[:3], *broken, *(title for title in rows if title)]


def _without_title(line: str, title: str) -> str:
    return line[len(title) :].lstrip() if title and line.startswith(title) else line


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
    while end and _RELATED_LINE.fullmatch(lines[end - 1].text):
        end -= 1
    kept: list[Line] = []
    boilerplate = list(lines[end:])
    for line in lines[:end]:
        (boilerplate if _is_boilerplate(line) else kept).append(line)
    return kept[_title_lines(kept, title) :], boilerplate


def without_menus(lines: Sequence[Line]) -> Sequence[Line]:
    """The lines without those at both ends that contain only links, such as menus.

    Links to files at the end of a text are its attachments.
    """
    start, end = 0, len(lines)
    while start < end and lines[start].linked:
        start += 1
    while start < end and lines[end - 1].linked and not _FILE_NAME.search(lines[end - 1].text):
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
