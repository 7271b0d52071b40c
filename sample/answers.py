"""Requests and answers of the sample server, as plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, unquote, urlsplit

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """One request: ``target`` as sent, ``path`` decoded, header names in lower case."""

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Response:
    """One answer, and how badly it is delivered.

    ``declared`` is the Content-Length sent when it is not that of the body (the connection is
    then closed), ``delay`` seconds of waiting, ``drop`` closes the connection without an answer.
    """

    status: int = 200
    body: bytes = b""
    content_type: str | None = HTML
    etag: str | None = None
    modified: datetime | None = None
    headers: tuple[tuple[str, str], ...] = ()
    declared: int | None = None
    delay: float = 0.0
    drop: bool = False


Route = Response | Callable[[Request], Response | None]


@dataclass(frozen=True, slots=True)
class Logged:
    """One request as the log keeps it; the status is 0 for a dropped connection."""

    method: str
    target: str
    status: int
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        """The decoded path without the query."""
        return unquote(urlsplit(self.target).path)


def request(target: str, method: str = "GET", headers: Mapping[str, str] = {}) -> Request:
    """A request for a target, its path decoded and its query read as UTF-8."""
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    lower = {name.lower(): value for name, value in headers.items()}
    return Request(method, target, unquote(parts.path), query, lower)


def text(body: str, status: int = 200, content_type: str = HTML) -> Response:
    """An answer with a UTF-8 body."""
    return Response(status, body.encode(), content_type)


def not_found() -> Response:
    """The 404 page."""
    return text("<html><title>404</title><body><h1>您访问的页面不存在</h1></body></html>", 404)


def json_text(body: str) -> Response:
    """An answer with a JSON body."""
    return text(body, 200, "application/json;charset=UTF-8")
