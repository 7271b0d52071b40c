"""Notices in place of a page are told apart by kind; news about such things is none of them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.captures.block_pages import block_page_kind
from archive.captures.decode import decode
from archive.captures.warc import Capture
from archive.errors import Unreadable
from archive.parse.html import shown_pieces
from archive.storage.classify import ListEnd, Missing, classify
from tests.pages import Sample, samples
from tests.test_store import HOME, SOURCES, capture

NAV = "<div>" + "".join(f"<a href='/{n}'>样例栏目</a>" for n in range(40)) + "</div>"


def kind(text: str) -> str | None:
    return block_page_kind(200, "", text, shown_pieces(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<title>网站维护中</title><h1>网站维护中</h1>", "maintenance"),
        ("<title>样例部 - 系统升级维护公告</title><p>请稍后再来</p>", "maintenance"),
        (f"<title>样例部</title>{NAV}<h1>系统维护</h1>", "maintenance"),
        ("<p>本网站升级改版，暂停服务，敬请谅解！</p>", "maintenance"),
        ("<p>系统正在升级，请稍后访问</p>", "maintenance"),
        ("<p>正在升级</p>", "maintenance"),
        ("<p>暂停服务</p>", "maintenance"),
        ("<p>本站正在改版，预计11月8日恢复。</p>", "maintenance"),
        ("<p>The site is under maintenance.</p>", "maintenance"),
        ("<title>提示</title><p>抱歉，您访问的页面已删除！</p>", "soft-404"),
        (f"<title>样例部</title>{NAV}<p>页面不存在</p>", "soft-404"),
        ("<p>找不到您要访问的页面</p>", "soft-404"),
        ("<p>内容已下线</p>", "soft-404"),
        (f"<title>404</title>{NAV * 9}", "soft-404"),
        (f"<title>页面不存在_样例部</title>{NAV * 9}", "soft-404"),
        (f"<title>404 Not Found</title>{NAV}", "soft-404"),
        ("<p>错误404</p>", "soft-404"),
        ("<title>用户登录</title>" + NAV + "<form><input type=password></form>", "login"),
        ("<form>登录<input type='password' name=p></form>", "login"),
        ("<title>样例</title>" + NAV + "登录<form><input type=password></form>", None),
        ("<title>用户登录</title>" + NAV + "<form><input type=text></form>", None),
        ("<title>样例</title><p>住户咨询<form><input type=password></form>", None),
        (f"<title>样例部</title>{NAV * 9}<h1>系统维护</h1>", None),
        (f"<title>样例部</title>{NAV * 9}<p>页面不存在</p>", None),
        ("", None),
    ],
)
def test_kinds(text: str, expected: str | None) -> None:
    assert kind(text) == expected


ARTICLE = "<title>{0}</title><h1>{0}</h1><p>{1}</p>"


@pytest.mark.parametrize(
    "text",
    [
        # With the meta tags of an article, or the line that names its source.
        "<meta name='ArticleTitle' content='系统维护'>" + ARTICLE.format("系统维护", "暂停服务"),
        ARTICLE.format("系统维护", "发布时间：2026-11-01 网站维护中"),
        ARTICLE.format("页面不存在怎么办", "页面不存在").replace("title>", "b>") + "来源：样例报",
        ARTICLE.format("网站维护中", "摘自《样例报》").replace("title>", "b>") + "摘自　样例报",
        # A paper about it; sentences; words of another trade.
        ARTICLE.format("关于做好系统维护工作的通知", "系统维护中"),
        ARTICLE.format(
            "样例市政务网站检查", "检查中有的页面不存在。有的网站暂停服务。已整改。今后再查。"
        ),
        ARTICLE.format("样例市电梯维护升级", "对一百部电梯进行维护升级，老旧电梯暂停服务"),
        ARTICLE.format("燃气系统升级改造完成", "惠及样例小区三千户"),
        ARTICLE.format("第404号样例令", "自发布之日起施行"),
        ARTICLE.format("样例市改造住房", "今年改造404套，剩余四百套"),
        ARTICLE.format("物业服务企业登录样例平台", "企业凭密码登录"),
        # A list, one of whose rows is titled so.
        "<li>网站维护公告 2026-11-01</li><li>网站维护公告</li><i>2026-10-01</i><i>2026-09-01</i>",
        ARTICLE.format("样例", "住户反映，点开办事指南后提示页面不存在，" + "样例市随即整改" * 9),
    ],
)
def test_news_about_them(text: str) -> None:
    assert kind(text) is None


def test_limits_of_a_notice() -> None:
    notice = "<p>系统维护</p><p>{}</p>"
    assert kind(notice.format("字" * 596)) == "maintenance"
    assert kind(notice.format("字" * 597)) is None
    assert kind(notice.format("字。" * 3)) == "maintenance"
    assert kind(notice.format("字。" * 4)) is None
    line = "页面不存在"
    assert kind(f"<p>{line + '字' * 55}</p>") == "soft-404"
    assert kind(f"<p>{line + '字' * 56}</p>") is None
    login = "<p>登录{}</p><input type=password>"
    assert kind(login.format("字" * 148)) == "login"
    assert kind(login.format("字" * 149)) is None
    titled = f"<title>页面不存在{{}}</title>{NAV * 9}"
    assert kind(titled.format("字" * 15)) == "soft-404"
    assert kind(titled.format("字" * 16)) is None


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.file)
def test_no_page_of_the_tests_is_one(sample: Sample) -> None:
    text = sample.text()
    assert kind(text) is None


def test_no_captured_page_is_one(shared: Path) -> None:
    pages = [path for path in (shared / "pages").iterdir() if path.suffix != ".md"]
    assert len(pages) > 30
    for path in pages:
        text = decode(path.read_bytes())
        assert kind(text) is None, path.name


def answered(body: str, status: int = 200, role: str = "page") -> Capture:
    address = (
        f"{HOME}/xwfb/index.html" if role != "page" else f"{HOME}/xwfb/202005/t20200528_1.html"
    )
    return capture(address, body.encode(), status=status, role=role)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "status", "role", "expected"),
    [
        ("<html><h1>网站维护中</h1></html>", 200, "page", "maintenance"),
        ("<html><h1>网站维护中</h1></html>", 503, "page", "http-503"),
        ("<html><h1>Busy</h1></html>", 503, "page", "http-503"),
        ("<html><h1>页面不存在</h1></html>", 503, "page", "http-503"),
        ("<html><h1>网站维护中</h1></html>", 500, "page", "http-500"),
        ("<html>登录<input type=password></html>", 200, "page", "login"),
        ("<html><h1>网站维护中</h1></html>", 200, "list", "maintenance"),
        ("<html><h1>网站维护中</h1></html>", 200, "more", "maintenance"),
        ("<html>登录<input type=password></html>", 200, "list", "login"),
        ("<html><h1>页面不存在</h1></html>", 200, "list", "list-missing"),
        ("<html><h1>样例</h1></html>", 200, "list", "list-empty"),
    ],
)
def test_a_stand_in_is_an_incident(body: str, status: int, role: str, expected: str) -> None:
    with pytest.raises(Unreadable) as raised:
        classify(answered(body, status, role), SOURCES["mohurd"])
    assert raised.value.kind == expected


def test_a_soft_404_is_a_missing_page_and_ends_a_list() -> None:
    gone = "<html><title>404</title><h1>您访问的页面已删除</h1></html>"
    assert isinstance(classify(answered(gone), SOURCES["mohurd"]), Missing)
    assert classify(answered(gone, role="more"), SOURCES["mohurd"]) == ListEnd()


@pytest.mark.parametrize(
    "part", ["<title", "<title>", "<input ", "<!--", "页面", "系统", "404", "升级"]
)
def test_broken_markup_costs_linear_time(part: str) -> None:
    began = time.process_time()
    kind(part * (1_000_000 // len(part)))
    assert time.process_time() - began < 5


@given(
    st.lists(st.sampled_from(["<title>", "</title>", "<p>", "页面", "不存在", "系统", "维护", "?"]))
)
def test_any_page_has_an_answer(parts: list[str]) -> None:
    assert kind("".join(parts)) in (None, "login", "maintenance", "soft-404")
