"""Answers that a crawler meets on a bad night, for ``SampleSite.routes`` and ``.lists``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from threading import Lock

from sample import layouts
from sample.answers import HTML, Request, Response, json_text, not_found, text
from sample.layouts import Era

__all__ = [
    "captcha",
    "drop",
    "empty",
    "empty_list",
    "first",
    "huge",
    "not_found",
    "pdf_as_html",
    "redirect",
    "slow",
    "text",
    "truncated",
    "unit_failure",
    "unreadable_list",
    "wall_403",
    "wall_412",
    "wall_521",
    "wrong_charset",
]


def wall_412() -> Response:
    """A block page that asks the browser to run a script: 412 with nothing but the script."""
    return text("<html><head><script>$_ts={};$_ts.nsd=9;</script></head><body></body></html>", 412)


def wall_521() -> Response:
    """A block page that asks for a computed cookie: 521, a cookie and a script."""
    page = "<script>document.cookie='__jsl_clearance_s=1;path=/';location.reload()</script>"
    headers = (("Set-Cookie", "__jsluid_s=0123456789abcdef; path=/; HttpOnly"), ("X-Via-JSL", "1"))
    return replace(text(page, 521), headers=headers)


def wall_403() -> Response:
    """A firewall's short refusal."""
    return text("<html><head><title>403 Forbidden</title></head><body>403</body></html>", 403)


def captcha() -> Response:
    """A page with status 200 that asks for a captcha."""
    return text(
        "<html><head><title>安全验证</title></head><body><p>访问过于频繁，请输入验证码后继续</p>"
        '<form><img src="/captcha.jpg"><input name="code"></form></body></html>'
    )


def truncated(response: Response, keep: float = 0.5) -> Response:
    """The same answer cut off: the whole length declared, the first part sent."""
    body = response.body[: int(len(response.body) * keep)]
    return replace(response, body=body, declared=len(response.body))


def empty() -> Response:
    """Status 200 and no body."""
    return Response()


def wrong_charset(response: Response, charset: str = "iso-8859-1") -> Response:
    """The same bytes under another charset in the header."""
    return replace(response, content_type=f"text/html; charset={charset}")


def huge(size: int = 30_000_000) -> Response:
    """A page of ``size`` bytes."""
    line = "<p>样例</p>\n".encode()
    return Response(200, (line * (size // len(line) + 1))[:size], HTML)


def pdf_as_html() -> Response:
    """A PDF file that says it is HTML."""
    return Response(200, b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj<<>>endobj\n%%EOF\n", HTML)


def drop() -> Response:
    """The connection closed without an answer."""
    return Response(drop=True)


def redirect(to: str, status: int = 302) -> Response:
    """A redirect; to the address it stands at, it is a loop."""
    return Response(status, b"", HTML, headers=(("Location", to),))


def slow(response: Response, seconds: float) -> Response:
    """The same answer after a wait."""
    return replace(response, delay=seconds)


def first(bad: Response, times: int = 1) -> Callable[[Request], Response | None]:
    """``bad`` for the first requests, then the site's ordinary answer."""
    lock, left = Lock(), [times]

    def route(request: Request) -> Response | None:
        with lock:
            left[0] -= 1
            return bad if left[0] >= 0 else None

    return route


def empty_list(column: str, era: Era) -> Response:
    """A list page in good shape but without rows."""
    if era == "C":
        return json_text(layouts.unit_answer(column, [], 1))
    return text(layouts.list_page(column, [], 1, era))


def unit_failure() -> Response:
    """Era C's ``success: false``, with status 200."""
    return json_text(layouts.unit_failure())


def unreadable_list(era: Era) -> Response:
    """A list whose layout has changed: rows that the known selectors do not find."""
    html = '<section class="news2"><a href="/x/1.html">样例</a><time>2022-04-01</time></section>'
    if era == "C":
        answer = {"code": "200", "success": True, "data": {"html": html}}
        return json_text(json.dumps(answer))
    return text(f"<html><body>{html}</body></html>")
