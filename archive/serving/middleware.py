"""ASGI middleware: cleans query strings, adds security headers, and starts a CSV file for Excel
with a byte order mark."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import datasette

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

BOM = b"\xef\xbb\xbf"
# They let a client choose the table for Datasette's own search, or pass raw FTS5 syntax to it.
_BYPASSES = {b"_fts_table", b"_fts_pk", b"_searchmode"}
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
# The templates of the pages that readers use which have inline scripts.
_SCRIPTED = ("_close_open_menus.html", "_codemirror_foot.html", "table.html")


def wrapped(app: Asgi) -> Asgi:
    """An ASGI application with this module's rules applied to requests and responses."""

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        query = clean_query(scope.get("query_string") or b"")
        as_excel = scope["path"].endswith(".csv") and _asks_for_bom(query)
        await app(
            {**scope, "query_string": query},
            receive,
            _with_bom(_with_policy(send)) if as_excel else _with_policy(send),
        )

    return outer


def clean_query(query: bytes) -> bytes:
    """A query string without the arguments that would bypass our search."""
    kept = (
        pair
        for pair in query.split(b"&")
        if unquote_to_bytes(pair.partition(b"=")[0]) not in _BYPASSES
    )
    return b"&".join(kept)


def _asks_for_bom(query: bytes) -> bool:
    return dict(parse_qsl(query.decode("latin-1"))).get("_bom") not in (None, "0", "off")


def _with_policy(send: Send) -> Send:
    async def policed(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = [(k, v) for k, v in message.get("headers", []) if k.lower() not in headers()]
            message = {**message, "headers": [*given, *headers().items()]}
        await send(message)

    return policed


def _with_bom(send: Send) -> Send:
    due = False

    async def marked(message: Message) -> None:
        nonlocal due
        if message["type"] == "http.response.start":
            kinds = [v for k, v in message["headers"] if k.lower() == b"content-type"]
            due = message["status"] == 200 and kinds[:1] != [b"text/html; charset=utf-8"]
        elif due:
            due = False
            message = {**message, "body": BOM + message.get("body", b"")}
        await send(message)

    return marked


@cache
def headers() -> dict[bytes, bytes]:
    """The security headers of every response.

    Scripts run only from our own files, or inline if Datasette ships their text. Styles may be
    inline, because Datasette's pages and its editor set them on elements. No site may show a page
    of ours in a frame.
    """
    scripts = " ".join(["'self'", *(f"'sha256-{digest}'" for digest in script_digests())])
    policy = (
        f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )
    return {
        b"content-security-policy": policy.encode(),
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"same-origin",
    }


def script_digests() -> Iterator[str]:
    """SHA-256, in Base64, of each inline script in the templates of the Datasette installed."""
    folder = Path(datasette.__file__).parent / "templates"
    for name in _SCRIPTED:
        for script in _INLINE_SCRIPT.findall((folder / name).read_text(encoding="utf-8")):
            # The one variable in these scripts; faceting is allowed here.
            text = script.replace("{{ datasette_allow_facet }}", "true")
            yield base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
