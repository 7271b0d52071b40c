"""Block pages are told apart by kind; bulletins about captchas are not block pages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.captures.block_pages import block_page_kind
from archive.parse.html import shown_pieces


def kind(status: int, set_cookie: str, text: str) -> str | None:
    return block_page_kind(status, set_cookie, text, shown_pieces(text))


CHALLENGE = "<html><head><script>$_ts={};$_ts.cd='x';</script></head><body></body></html>"
JSL = "<script>document.cookie=('_')+('_')+'jsl_clearance_s=1';location.href='/'</script>"
REFUSED = "<html><head><title>403 Forbidden</title></head><body><h1>403</h1>openresty</body></html>"
CAPTCHA = (
    "<html><head><title>安全验证</title></head><body><p>您的访问过于频繁，请输入验证码后继续。</p>"
    '<form action="/check"><img src="/code.jpg"><input name="code"></form></body></html>'
)
SLIDER = '<body><div id="nc">请完成安全验证，拖动滑块到最右边</div><script src="/s.js"></script>'
BARE_CAPTCHA = '<html><body><form><img src="/captcha?1"><input name="v"></form></body></html>'
SHELL = (
    "<html><head><title>中华人民共和国住房和城乡建设部</title></head><body><noscript>请开启脚本"
    "并刷新本页，以便继续访问本网站的全部内容和服务。</noscript><script>go()</script></body></html>"
)
WZWS = '<html><body>请稍候<script src="/wzws-waf-cgi/sample.js"></script></body></html>'
LOGIN = (
    "<html><head><title>样例部统一身份认证</title></head><body><form>用户名<input name=u>"
    '<input type="password" name=p><button>登录</button></form></body></html>'
)
# 样例: the frame of a site around one line.
FRAME = (
    "<html><head><title>{}</title></head><body><div>首页 机构 新闻 公开 服务 互动</div><p>{}</p>"
    "<div>网站地图 联系我们 样例部主办</div></body></html>"
)
JSL_BY_LETTERS = (
    "<script>document.cookie=('_')+('_')+('j')+('s')+('l')+('_')+('c')+'=1';"
    "location.href=location.pathname</script>"
)
STATUS_SUM = (
    "<html><script>var a=1;document.cookie='__tst_status='+(a+2+3);</script>正在加载</html>"
)
NEWS = "<html><head>{}</head><body>{}<h1>谨防电信诈骗</h1><p>{}</p></body></html>"
WARNING = "各地提醒住户不要向陌生人透露验证码。"


@pytest.mark.parametrize(
    ("status", "cookie", "text", "expected"),
    [
        (521, "__jsluid_s=0a; path=/", JSL, "wall-521"),
        (521, "", "", "wall-521"),
        (403, "__jsluid_s=0a; path=/", REFUSED, "wall-521"),
        (412, "", CHALLENGE, "wall-412"),
        (412, "", "", "wall-412"),
        (202, "", CHALLENGE, "wall-412"),
        (202, "", "accepted", None),
        (403, "", REFUSED, None),
        (403, "", CAPTCHA, "wall-captcha"),
        (200, "", CAPTCHA, "wall-captcha"),
        (200, "", SLIDER, "wall-captcha"),
        (200, "", BARE_CAPTCHA, "wall-captcha"),
        (200, "", CHALLENGE, "wall-wzws"),
        (200, "", WZWS, "wall-wzws"),
        (200, "", JSL, "wall-jsl"),
        (200, "", JSL_BY_LETTERS, "wall-jsl"),
        (200, "", LOGIN, "login"),
        (200, "", FRAME.format("样例部", "网站维护中，敬请谅解。"), "maintenance"),
        (200, "", FRAME.format("样例部", "本网站正在进行升级改版，暂停访问。"), "maintenance"),
        (200, "", FRAME.format("样例部", "您访问的页面已删除"), "soft-404"),
        (200, "", FRAME.format("样例部", "对不起，页面不存在！"), "soft-404"),
        (200, "", FRAME.format("404 样例部", "返回首页"), "soft-404"),
        (200, "", FRAME.format("样例部", "样例通知全文另行公布"), None),
        (503, "", FRAME.format("样例部", "网站维护中"), None),
        (200, "", SHELL, "wall-script"),
        (200, "", STATUS_SUM, "wall-script"),
        (200, "", "", None),
        (200, "", "<html><body></body></html>", None),
        (404, "", CHALLENGE, None),
        (500, "", CAPTCHA, None),
    ],
)
def test_kinds(status: int, cookie: str, text: str, expected: str | None) -> None:
    assert kind(status, cookie, text) == expected


def test_a_plain_refusal_is_not_a_block_page(shared: Path) -> None:
    page = (shared / "pages" / "mofcom_403_1.html").read_text()
    assert kind(403, "", page) is None


@pytest.mark.parametrize(
    "text",
    [
        NEWS.format('<meta name="PubDate" content="2021-03-04">', "<form><input></form>", WARNING),
        NEWS.format("<meta name=ArticleTitle content=x>", "", "平台提示请输入验证码后登录。"),
        NEWS.format("", "发布时间：2021-03-04 <input>", WARNING),
        NEWS.format('<meta name="PubDate" content="2021-03-04">', "", "系统正在升级，暂停服务。"),
        NEWS.format("", "发布日期：2021-03-04", "旧版页面已下线，您访问的页面不存在时请告知。"),
        NEWS.format("", "", "甲地正在维护。乙地改版中。丙地升级中。丁地暂停服务。"),
        NEWS.format("<script src=x.js></script>", "<input>", WARNING * 12),
        NEWS.format("<script src=x.js></script>", "<input>", "拖动滑块即可报名。住户很满意。" * 3),
        NEWS.format("", "", WARNING),
        NEWS.format("<script>captcha()</script>", "", "老旧小区改造今年五月开工。" * 9),
    ],
)
def test_bulletins_about_captchas(text: str) -> None:
    assert kind(200, "", text) is None


@pytest.mark.parametrize(
    "hiding", ['<div style="display: none">{}</div>', "<template>{}</template>"]
)
def test_hidden_text_does_not_make_a_block_page_a_page(hiding: str) -> None:
    hidden = hiding.format("老旧小区改造今年五月开工。" * 90)
    assert kind(200, "", f"<body>{hidden}请输入验证码<input></body>") == "wall-captcha"


def test_no_more_text_is_read_than_decides() -> None:
    read = 0

    def shown() -> Iterator[str]:
        nonlocal read
        while True:
            read += 1
            yield " 改造 "

    assert block_page_kind(200, "", "", shown()) is None
    assert read < 1000


@pytest.mark.parametrize(
    "part", ["<script", "<script>", "<!--", "<", "<p ", "</script", "<title>", "< ", "<style"]
)
def test_broken_markup_costs_linear_time(part: str) -> None:
    began = time.process_time()
    kind(200, "", part * (2_000_000 // len(part)))
    assert time.process_time() - began < 5


@given(
    st.sampled_from([200, 202, 403, 412, 521]),
    st.lists(st.sampled_from(["<script>", "</script>", "<!--", "-->", "<p>", "验证码", "甲", "<"])),
)
def test_any_page_has_an_answer(status: int, parts: list[str]) -> None:
    assert kind(status, "", "".join(parts)) in (
        None, "wall-412", "wall-521", "wall-captcha", "wall-script",
    )  # fmt: skip
