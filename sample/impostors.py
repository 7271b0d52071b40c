"""Answers that stand in for a page: block pages of scripts, logins, maintenance, soft 404s, noise.

All with status 200 unless said otherwise, for ``SampleSite.routes`` and the living site. The shapes
follow what crawlers report of ministry sites; markup and words are written for this sample.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sample import layouts
from sample.answers import Response, text
from sample.page import Era, Page

_NO_DAY = date(2000, 1, 1)


def wzws() -> Response:
    """The page of 网站卫士 (WZWS): a packed script that computes a challenge and asks again."""
    page = text(
        "<html><head><title></title></head><body>"
        "<noscript><h1><strong>请开启JavaScript并刷新该页.</strong></h1></noscript>"
        '<script>var dynamicurl="/WZWSRELw==";var wzwschallenge="RANDOM_7102";'
        'var wzwsparams={"hostname":"","scheme":"http"};eval(function(p,a,c,k,e,r){return p})'
        "</script></body></html>"
    )
    headers = (("Set-Cookie", "wzws_cid=5a1e; path=/; HttpOnly"), ("WZWS-RAY", "114-1-sample"))
    return replace(page, headers=headers)


def jsl_script() -> Response:
    """加速乐's second step with status 200: a script that computes the cookie and reloads."""
    page = text(
        "<script>document.cookie=('_')+('_')+('j')+('s')+('l')+('_clearance_s=')+(+!+[]+[])"
        "+';Max-age=3600;Path=/';location.href=location.pathname+location.search</script>"
    )
    return replace(page, headers=(("Set-Cookie", "__jsluid_s=5a1e; path=/; HttpOnly"),))


def script_shell() -> Response:
    """A page that is nothing but scripts, of no known maker."""
    return text(
        "<!DOCTYPE html><html><head><title></title></head><body><div id='root'></div>"
        "<script>window.__boot={v:3}</script><script src='/static/chunk.5a1e.js'></script>"
        "</body></html>"
    )


def login() -> Response:
    """The login of a unified identity service in place of a page."""
    return text(
        "<html><head><title>统一身份认证平台</title></head><body><h2>用户登录</h2>"
        '<form action="/cas/login" method="post"><p>用户名：<input name="username"></p>'
        '<p>密码：<input name="password" type="password"></p><p><a href="/cas/forget">忘记密码</a>'
        ' <input type="submit" value="登录"></p></form><p>请使用政务外网账号登录后访问</p>'
        "</body></html>"
    )


def maintenance() -> Response:
    """A page of a few words that says so: 网站维护中."""
    return text(
        "<html><head><title>网站维护中</title></head><body><h1>网站维护中</h1>"
        "<p>为给您提供更好的服务，网站正在升级改版，预计明日8时恢复访问，不便之处敬请谅解。</p>"
        "</body></html>"
    )


def in_frame(era: Era, title: str, *lines: str, column: str = "gzdt") -> Response:
    """A message in the site's own frame, in the box where a bulletin's text would be."""
    message = Page(0, title, _NO_DAY, lines, column=column)
    html = layouts.detail(message, era)
    for shown in (
        "发布日期：2000-01-01",
        "发布时间：2000-01-01 09:00",
        "2000-01-01 09:00",
        "2000-01-01",
    ):
        html = html.replace(shown, "")
    return text(html)


def soft_404(era: Era) -> Response:
    """页面不存在 in the site's frame."""
    return in_frame(
        era,
        "页面不存在",
        "抱歉，您访问的页面不存在。可能是地址有误，也可能是页面已经移动，请检查地址是否正确。",
        "您可以返回首页，或者使用站内检索查找需要的内容。",
    )


def deleted() -> Response:
    """您访问的页面已删除, in a page of its own."""
    return text(
        "<html><head><title>提示信息</title></head><body><p>您访问的页面已删除！</p>"
        '<p><a href="/">返回首页</a></p></body></html>'
    )


def closed_for_moving(era: Era) -> Response:
    """A notice in the frame, in words that no list of words has; a good page by its layout."""
    return in_frame(
        era,
        "关于机房搬迁期间有关事项的说明",
        "因机房整体搬迁，自今日零时起，各栏目内容分批转运，转运期间仅能看到本说明。",
        "搬迁车队共有十二辆车，预计三天内往返完毕，届时各栏目按原样恢复，原有地址不变。",
        "如有急事，可拨打值班电话，工作人员将用传真发送所需材料。",
    )


def replacement_characters(era: Era) -> Response:
    """A page that a broken proxy decoded wrongly: every Han character became U+FFFD."""
    return _garbled(era, "\ufffd")


def question_marks(era: Era) -> Response:
    """A page that a broken database wrote: every Han character became a question mark."""
    return _garbled(era, "?")


def _garbled(era: Era, mark: str) -> Response:
    whole = in_frame(
        era, "市县推进老旧小区改造", *["各地有关部门推进老旧小区改造，进展顺利。" * 4] * 4
    )
    html = whole.body.decode()
    return text("".join(mark if "\u3400" <= char <= "\u9fff" else char for char in html))
