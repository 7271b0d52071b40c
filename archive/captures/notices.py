"""Notices: what a site itself says in place of a page: log in, under maintenance, no such page.

News about these is none of them: it has more text around the words, names its source, or is titled
as a paper.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

NoticeKind = Literal["login", "maintenance", "soft-404"]

_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{0,200})", re.I)
_PASSWORD = re.compile(r"""<input[^>]{0,300}\btype\s*=\s*["']?password\b""", re.I)
_LOGIN = re.compile(r"登[录陆]|身份认证|log ?in", re.I)
# What stands beside a text that somebody wrote, and beside none of these notices.
_CREDIT = re.compile(r"摘自|来源[:：]|作者[:：]|记者|编辑[:：]|浏览[次量]|字[号体][:：【]|打印")
_PAGE = r"(?:页面|网页|文章|内容|链接|网址)"
_GONE = re.compile(
    rf"{_PAGE}(?:可能|或许|已经?|并|被|或)*(?:不存在|删除|下[线架]|移除|撤下|失效|丢失|未找到|找不到|走丢)"
    rf"|(?:找不到|未找到|无法找到|没有找到)(?:您|你|所|想|要)*(?:请求|访问|浏览|查看|查找|寻找)?的?{_PAGE}"
    r"|^404(?!\d)|(?:http|error|错误|状态码)[:：]?404(?!\d)|404(?:错误|页面|notfound|error)"
    r"|(?:page|url|file)(?:was|is|could|can|be)*notfound",
    re.I,
)
_SITE = r"(?:网站|本站|站点|系统|平台|门户|服务器|页面|栏目)"
_WORK = r"(?:升级|维护|改版|检修|调试)"
_NOTICE = re.compile(
    # A line or a title that is nothing else: 网站维护中, 系统升级维护公告, 正在升级.
    rf"^(?:{_SITE}|正在|目前|进行|全面|紧急|例行)*{_WORK}+(?:中|公告|通知|提示|期间|页面)*\W*$"
    rf"|{_SITE}.{{0,6}}(?:正在|正处于|现正|目前).{{0,6}}{_WORK}|{_SITE}.{{0,4}}{_WORK}+中"
    rf"|{_SITE}.{{0,30}}(?:暂停|停止|无法|不能|暂不)(?:对外|提供|正常|一切)*"
    r"(?:服务|访问|使用|开放|打开)|^暂停(?:服务|访问)\W*$|undermaintenance",
    re.I,
)
# A title of this kind is that of a paper about such things.
_PAPER = re.compile(r"公告|通告|通知|公示|关于|启事|办法|规定|方案")
_TITLE_PARTS = re.compile(r"[-_|–—]+")
_TITLE_MAX = 20
# A notice is a line or two of its own, and little else on its page. Of 38 captured pages of
# ministries most show more, and the others are articles and parts of lists.
_PIECE_MAX = 60
_MAX_TEXT = 600
_MAX_SENTENCES = 3
_LOGIN_MAX_TEXT = 150
_LISTED = re.compile(r"\d{4}[-./年]\d{1,2}[-./月]\d{1,2}")
# A list has a date in each of its rows, and a row may be titled as a notice is.
_MAX_DATES = 2


def notice_kind(text: str, pieces: Sequence[str]) -> NoticeKind | None:
    """The notice that a decoded answer is, or None.

    ``pieces`` is the text in it that a browser shows, without whitespace, at least its first 600
    characters. ``login`` (a password field and little else), ``maintenance`` (a short notice and
    little else) and ``soft-404`` (the same, or a title that says so above any text).
    """
    title = _title(text)
    parts = [part for part in _TITLE_PARTS.split(title) if len(part) <= _TITLE_MAX]
    if any(_GONE.search(part) for part in parts):
        return "soft-404"
    visible = "".join(pieces)
    if len(visible) > _MAX_TEXT or _is_written(visible):
        return None
    asks = _LOGIN.search(title if len(visible) > _LOGIN_MAX_TEXT else title + visible)
    if asks and _PASSWORD.search(text):
        return "login"
    if any(_NOTICE.search(part) for part in parts):
        return "maintenance"
    return None if _PAPER.search(title) else _said(pieces)


def _is_written(visible: str) -> bool:
    """Whether a short text is an article or a list rather than a notice."""
    return (
        visible.count("。") > _MAX_SENTENCES
        or _CREDIT.search(visible) is not None
        or len(_LISTED.findall(visible)) > _MAX_DATES
    )


def _said(pieces: Sequence[str]) -> NoticeKind | None:
    """What one of the short lines of a page says."""
    lines = [piece for piece in pieces if len(piece) <= _PIECE_MAX]
    if any(_GONE.search(line) for line in lines):
        return "soft-404"
    return "maintenance" if any(_NOTICE.search(line) for line in lines) else None


def _title(text: str) -> str:
    found = _TITLE.search(text)
    return "".join(found[1].split()) if found else ""
