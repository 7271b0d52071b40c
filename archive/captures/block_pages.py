"""Walls: answers that stand in for a page, each with a name of its own.

The signs are those reported for ministry sites: 瑞数 and other firewalls answer 412 or 202 with a
script, 加速乐 answers 521 with a cookie, captcha pages and script shells come with 200.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SCRIPT = re.compile(r"<script\b", re.I)
# Elements whose words no reader sees; the title is seen, but not on the page.
_HIDDEN = re.compile(r"<(script|style|noscript|title)\b", re.I)
# What only a wall says to its reader, and what news may speak of too.
_DEMAND = re.compile(
    r"请?输入验证码|请(?:先)?(?:完成|通过|进行)(?:安全|人机|滑动|身份)?(?:验证|校验)|拖动滑块|滑动(?:滑块|验证)"
    r"|访问(?:过于|太)频繁|请求过于频繁|人机验证|verify you are (?:a )?human|complete the captcha",
    re.I,
)
_MENTION = re.compile(r"验证码|安全验证|访问验证|身份验证|滑块|captcha|geetest", re.I)
_FORM = re.compile(r"<(?:form|input|canvas)\b|captcha|geetest|verify", re.I)
# The metas of 《政府网站发展指引》 and the line under a title: a page of the ministry's own.
_ARTICLE = re.compile(
    r"""name\s*=\s*["']?(?:ArticleTitle|PubDate|ContentSource)\b|发布(?:日期|时间)\s*[:：]""", re.I
)
# A captcha page says little else; a bulletin about captchas says more, or says it in sentences.
_CAPTCHA_MAX_TEXT = 600
_CAPTCHA_MAX_SENTENCES = 3
_MENTION_MAX_TEXT = 150
_SHELL_MAX_TEXT = 30


def wall_of(status: int, headers_set_cookie: str, text: str) -> str | None:
    """The name of the wall that an answer is, or None.

    ``wall-412`` (412, or 202 with a script), ``wall-521`` (521, or 403 with 加速乐's cookie),
    ``wall-captcha`` (200 or 403 that asks for a captcha) and ``wall-script`` (200 with scripts and
    next to no words).
    """
    if status in (202, 412):
        return "wall-412" if status == 412 or _SCRIPT.search(text) else None
    if status == 521:
        return "wall-521"
    if status == 403:
        if _MENTION.search(text) or _DEMAND.search(text):
            return "wall-captcha"
        return "wall-521" if "__jsl" in headers_set_cookie else None
    if status != 200:
        return None
    visible = visible_text(text, _CAPTCHA_MAX_TEXT + 1)
    if len(visible) > _CAPTCHA_MAX_TEXT or _ARTICLE.search(text):
        return None
    if visible.count("。") <= _CAPTCHA_MAX_SENTENCES and _asks_for_captcha(text, visible):
        return "wall-captcha"
    if len(visible) <= _SHELL_MAX_TEXT and _SCRIPT.search(text):
        return "wall-script"
    return None


def _asks_for_captcha(text: str, visible: str) -> bool:
    if _DEMAND.search(visible):
        return True
    if len(visible) > _MENTION_MAX_TEXT or not _FORM.search(text):
        return False
    return _MENTION.search(text) is not None


def visible_text(text: str, limit: int) -> str:
    """What a reader would see of a page, roughly, up to about ``limit`` characters.

    Without scripts, styles, title, comments, tags and blanks; linear however broken the markup.
    """
    found: list[str] = []
    size = 0
    for stretch in _shown(text):
        words = "".join(stretch.split())
        found.append(words)
        size += len(words)
        if size >= limit:
            break
    return "".join(found)


def _shown(text: str) -> Iterator[str]:
    """The stretches of a page between its tags; what is never closed hides the rest."""
    at = 0
    while (opens := text.find("<", at)) >= 0:
        yield text[at:opens]
        hidden = _HIDDEN.match(text, opens)
        if text.startswith("<!--", opens):
            at = _after(text, "-->", opens)
        elif hidden:
            at = _after_element(text, hidden[1], hidden.end())
        elif text[opens + 1 : opens + 2].isalpha() or text[opens + 1 : opens + 2] in "/!?":
            at = _after(text, ">", opens)
        else:
            yield "<"
            at = opens + 1
    yield text[at:]


def _after(text: str, mark: str, start: int) -> int:
    found = text.find(mark, start)
    return len(text) if found < 0 else found + len(mark)


def _after_element(text: str, name: str, start: int) -> int:
    closing = re.compile(rf"</{name}\b", re.I).search(text, start)
    return _after(text, ">", closing.end()) if closing else len(text)
