"""Block pages, and whatever else a site sends in place of a page, each kind with its own name.

The features are those reported for ministry sites: 瑞数 and other firewalls answer 412 or 202 with
a script, 加速乐 answers 521 with a cookie; captcha pages, scripts, login pages, notices of
maintenance and pages that say that there is no page come with 200.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from archive.captures.notices import notice_kind
from archive.errors import StandInKind

_SCRIPT = re.compile(r"<script\b", re.I)
# Words that only a captcha page says to its reader.
_DEMAND = re.compile(
    r"请?输入验证码|请(?:先)?(?:完成|通过|进行)(?:安全|人机|滑动|身份)?(?:验证|校验)|拖动滑块|滑动(?:滑块|验证)"
    r"|访问(?:过于|太)频繁|请求过于频繁|人机验证|verify you are (?:a )?human|complete the captcha",
    re.I,
)
# News may mention these too.
_MENTION = re.compile(r"验证码|安全验证|访问验证|身份验证|滑块|captcha|geetest", re.I)
_FORM = re.compile(r"<(?:form|input|canvas)\b|captcha|geetest|verify", re.I)
# The meta tags of 《政府网站发展指引》 and the line under a title: a page of the ministry itself.
_ARTICLE = re.compile(
    r"""name\s*=\s*["']?(?:ArticleTitle|PubDate|ContentSource)\b|发布(?:日期|时间)\s*[:：]""", re.I
)
# The cookie's name, also put together from its letters.
_JSL = re.compile(r"__jsl|jsl_clearance|\('j'\)\s*\+\s*\('s'\)\s*\+\s*\('l'\)", re.I)
_WZWS = re.compile(r"wzws|\$_ts\b", re.I)
# A captcha page has little other text; a bulletin about captchas has more, or full sentences.
_CAPTCHA_MAX_TEXT = 600
_CAPTCHA_MAX_SENTENCES = 3
_MENTION_MAX_TEXT = 150
_SHELL_MAX_TEXT = 30
# Of the text that a script page shows; a bulletin's page may load a firewall's script too.
_SCRIPT_MAX_TEXT = 200

BLOCKED = (
    "the site sent a block page in place of the page; nothing is bypassed: wait for the next "
    "night, and write to the site if it stays"
)
STAND_INS: Mapping[StandInKind, str] = MappingProxyType(
    {
        "login": "the site asks for a login in place of the page: look whether it is still public",
        "maintenance": "the site says that it is being maintained: wait for the next night",
        "soft-404": "the site says that there is no such page, with status 200",
    }
)
"""What is said of each kind that is no block page."""


def block_page_kind(
    status: int, set_cookie: str, text: str, shown: Iterable[str]
) -> StandInKind | None:
    """What an answer is that stands in for a page, or None for a page.

    ``text`` is the decoded answer and ``shown`` the text in it that a browser shows, in pieces; it
    is read only for an answer with status 200, and no further than the decision needs.

    ``wall-412`` (412, or 202 with a script), ``wall-521`` (521, or 403 with 加速乐's cookie),
    ``wall-captcha`` (200 or 403 that asks for a captcha), ``wall-wzws`` and ``wall-jsl`` (the
    scripts of 瑞数 and 加速乐 with 200), ``wall-script`` (200 with other scripts and almost no
    text), ``login``, ``maintenance`` and ``soft-404`` (200 that says so).
    """
    if status in (202, 412):
        return "wall-412" if status == 412 or _SCRIPT.search(text) else None
    if status == 521:
        return "wall-521"
    if status == 403:
        if _MENTION.search(text) or _DEMAND.search(text):
            return "wall-captcha"
        return "wall-521" if "__jsl" in set_cookie else None
    if status != 200 or _ARTICLE.search(text):
        return None
    pieces = _beginning(shown)
    visible = "".join(pieces)
    if len(visible) > _CAPTCHA_MAX_TEXT:
        return notice_kind(text, pieces)
    if visible.count("。") <= _CAPTCHA_MAX_SENTENCES and _asks_for_captcha(text, visible):
        return "wall-captcha"
    if wall := _script_kind(text, visible):
        return wall
    return notice_kind(text, pieces)


def _script_kind(text: str, visible: str) -> StandInKind | None:
    if len(visible) > _SCRIPT_MAX_TEXT or not _SCRIPT.search(text):
        return None
    if _JSL.search(text):
        return "wall-jsl"
    if _WZWS.search(text):
        return "wall-wzws"
    return "wall-script" if len(visible) <= _SHELL_MAX_TEXT else None


def _asks_for_captcha(text: str, visible: str) -> bool:
    if _DEMAND.search(visible):
        return True
    if len(visible) > _MENTION_MAX_TEXT or not _FORM.search(text):
        return False
    return _MENTION.search(text) is not None


def _beginning(shown: Iterable[str]) -> list[str]:
    """The text shown in pieces, without whitespace, cut once it is longer than every limit."""
    found: list[str] = []
    size = 0
    for piece in shown:
        words = "".join(piece.split())
        found.append(words)
        size += len(words)
        if size > _CAPTCHA_MAX_TEXT:
            break
    return found
