"""A loopback HTTP server for the sample site: validators, paging, nights, and bad answers.

``serve(site)`` runs it in a thread; ``python -m sample.server`` by hand.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Protocol

from sample import bulletins, layouts
from sample.answers import (
    HTML,
    Logged,
    Request,
    Response,
    Route,
    json_text,
    not_found,
    request,
    text,
)
from sample.layouts import COLUMNS, Era, Page

__all__ = [
    "FIRST_NIGHT",
    "Logged",
    "Request",
    "Response",
    "Route",
    "SampleSite",
    "demo_site",
    "serve",
]

FIRST_NIGHT = date(2022, 5, 1)


def newest_first(pages: Iterable[Page]) -> list[Page]:
    """Pages in the order of a list."""
    return sorted(pages, key=lambda page: (page.published, page.time, page.id), reverse=True)


@dataclass
class SampleSite:
    """What is served: one era's layout over a set of pages, with a log of the requests.

    ``routes`` overrides answers by the target or path asked for; ``lists`` by column and list
    page number, in era C too, where all columns share one address. A route that is a function
    may return None for the ordinary answer. A page's validators: its ETag is the hash of its
    content without MakeTime, its Last-Modified the day it was published or ``revised``.
    """

    era: Era
    pages: Iterable[Page]
    night: int = 1
    rows: int = layouts.ROWS
    robots: str | None = None
    routes: dict[str, Route] = field(default_factory=dict)
    lists: dict[tuple[str, int], Route] = field(default_factory=dict)
    log: list[Logged] = field(default_factory=list)
    builds: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        self.pages = newest_first(self.pages)

    def column(self, name: str) -> list[Page]:
        """The pages of one column, newest first."""
        return newest_first(page for page in self.pages if page.column == name)

    @property
    def columns(self) -> list[str]:
        """The columns that have pages."""
        return [name for name in COLUMNS if self.column(name)]

    def answer(self, target: str) -> Response:
        """The answer to a plain GET, to look at or to make a bad one of."""
        return self.respond(request(target))

    def respond(self, request: Request) -> Response:
        """The answer to a request, before delivery."""
        for key in (request.target, request.path):
            response = _routed(self.routes.get(key), request)
            if response is not None:
                return response
        return conditional(request, self._ordinary(request))

    def _ordinary(self, request: Request) -> Response:
        if request.path == "/robots.txt":
            return not_found() if self.robots is None else text(self.robots, 200, "text/plain")
        if request.path == "/":
            home = [(name, self.column(name)) for name in self.columns]
            return text(layouts.home_page(home, self.era))
        if self.era == "C" and request.path == layouts.UNIT_PATH:
            return self._unit(request)
        if self.era == "C" and request.path == layouts.DOWNLOAD_PATH:
            return self._download(request)
        return self._detail(request) or self._list(request) or self._file(request) or not_found()

    def _list(self, request: Request) -> Response | None:
        for name in self.columns:
            pages = self.column(name)
            for number in range(1, layouts.page_count(len(pages), self.rows) + 1):
                if request.path != layouts.list_address(name, number, self.era):
                    continue
                if self.era == "C":
                    return self._static(layouts.column_page(name).encode(), HTML, FIRST_NIGHT)
                html = layouts.list_page(name, pages, number, self.era, self.rows)
                ordinary = self._static(html.encode(), HTML, self._tonight())
                return _routed(self.lists.get((name, number)), request) or ordinary
        return self._beyond(request)

    def _beyond(self, request: Request) -> Response | None:
        """Overridden list pages past the end of the list."""
        for (name, number), route in self.lists.items():
            if self.era != "C" and request.path == layouts.list_address(name, number, self.era):
                return _routed(route, request)
        return None

    def _unit(self, request: Request) -> Response:
        query = request.query
        wanted = {
            "parseType": "bulidstatic",
            "webId": layouts.WEB_ID,
            "tplSetId": layouts.TPL_SET_ID,
            "tagId": layouts.LIST_TAG,
        }
        names = [name for name in COLUMNS if COLUMNS[name].page_id == query.get("pageId")]
        if not names or any(query.get(key) != value for key, value in wanted.items()):
            return json_text(layouts.unit_failure())
        asked = _param_json(query.get("paramJson", ""))
        number, rows = asked.get("pageNo", 1), asked.get("pageSize", self.rows)
        ordinary = json_text(layouts.unit_answer(names[0], self.column(names[0]), number, rows))
        return _routed(self.lists.get((names[0], number)), request) or ordinary

    def _detail(self, request: Request) -> Response | None:
        for page in self.pages:
            if layouts.address(page, self.era) == request.path:
                return self._page(page)
        return None

    def _page(self, page: Page) -> Response:
        made = self._made()
        body = layouts.encode(layouts.detail(page, self.era, made), page.encoding)
        stable = layouts.encode(layouts.detail(page, self.era), page.encoding)
        # Static servers of era A sent no charset: the meta tag is all there is to go by.
        content_type = "text/html" if self.era == "A" else f"text/html; charset={page.encoding}"
        response = self._static(stable, content_type, page.revised or page.published)
        return replace(response, body=body)

    def _file(self, request: Request) -> Response | None:
        for page in self.pages:
            for file in page.attachments:
                if layouts.stored_file(page, file, self.era) == request.path:
                    return self._static(
                        bulletins.file_bytes(file), "application/octet-stream", page.published
                    )
        return None

    def _download(self, request: Request) -> Response:
        for page in self.pages:
            for file in page.attachments:
                if layouts.file_address(page, file, "C").partition("?")[2] in request.target:
                    place = layouts.stored_file(page, file, "C")
                    return Response(302, headers=(("Location", place),))
        return not_found()

    def _static(self, body: bytes, content_type: str, day: date) -> Response:
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        modified = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return Response(200, body, content_type, etag, modified)

    def _tonight(self) -> date:
        return FIRST_NIGHT + timedelta(days=self.night - 1)

    def _made(self) -> str:
        """MakeTime: a new one with every build, without a clock."""
        with self._lock:
            self.builds += 1
            second = timedelta(hours=8, seconds=self.builds)
        night = self._tonight()
        return (
            f"{datetime(night.year, night.month, night.day, tzinfo=UTC) + second:%Y-%m-%d %H:%M:%S}"
        )

    def record(self, request: Request, status: int) -> None:
        """Add a request to the log."""
        with self._lock:
            self.log.append(Logged(request.method, request.target, status, dict(request.headers)))


def _routed(route: Route | None, request: Request) -> Response | None:
    return route if route is None or isinstance(route, Response) else route(request)


def _param_json(value: str) -> dict[str, int]:
    """The numbers of paramJson; anything else counts as not given, as on the real platform."""
    try:
        given: Any = json.loads(value)
        return {key: int(given[key]) for key in ("pageNo", "pageSize") if key in given}
    except (ValueError, TypeError):
        return {}


def conditional(request: Request, response: Response) -> Response:
    """304 where a validator matches; If-None-Match comes first (RFC 9110, 13.2.2)."""
    if response.status != 200 or response.etag is None or response.modified is None:
        return response
    tags = request.headers.get("if-none-match")
    since = request.headers.get("if-modified-since")
    if tags is not None:
        given = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        fresh = "*" in given or response.etag in given
    else:
        fresh = since is not None and _not_after(response.modified, since)
    return replace(response, status=304, body=b"", content_type=None) if fresh else response


def _not_after(modified: datetime, since: str) -> bool:
    try:
        return modified <= parsedate_to_datetime(since)
    except ValueError:
        return False


class Site(Protocol):
    """What can be served."""

    def respond(self, request: Request) -> Response:
        """The answer to a request, before delivery."""

    def record(self, request: Request, status: int) -> None:
        """Add a request to the log."""


class _Server(ThreadingHTTPServer):
    """A threading server that can close the idle connections that clients keep."""

    request_queue_size = 64

    def __init__(self, site: Site, host: str, port: int) -> None:
        super().__init__((host, port), _Handler)
        self.site = site
        self.open: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, peer = super().get_request()
        self.open.add(connection)
        return connection, peer

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error here."""

    def close_idle(self) -> None:
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._handle()

    def do_HEAD(self) -> None:
        self._handle()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """The site keeps the log."""

    def version_string(self) -> str:
        return "sample"

    def _handle(self) -> None:
        asked = request(self.path, self.command, dict(self.headers))
        site = self.server.site
        response = site.respond(asked)
        site.record(asked, 0 if response.drop else response.status)
        if response.delay:
            time.sleep(response.delay)
        if response.drop:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(asked, response)

    def _send(self, request: Request, response: Response) -> None:
        body, zipped = _compressed(request, response)
        self.send_response(response.status)
        for name, value in _head(response, zipped):
            self.send_header(name, value)
        if response.status != 304:
            self.send_header("Content-Length", str(response.declared or len(body)))
        if response.declared is not None:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if request.method != "HEAD" and response.status != 304:
            self.wfile.write(body)


def _compressed(request: Request, response: Response) -> tuple[bytes, bool]:
    """The body as sent: gzipped where the client takes it and it is worth it."""
    accepts = "gzip" in request.headers.get("accept-encoding", "")
    textual = (response.content_type or "").startswith(("text/", "application/json"))
    if not accepts or not textual or len(response.body) < 256 or response.declared is not None:
        return response.body, False
    return gzip.compress(response.body, compresslevel=1, mtime=0), True


def _head(response: Response, zipped: bool) -> Iterator[tuple[str, str]]:
    if response.content_type:
        yield "Content-Type", response.content_type
    if response.etag:
        yield "ETag", response.etag
    if response.modified:
        yield "Last-Modified", format_datetime(response.modified, usegmt=True)
    if zipped:
        yield "Content-Encoding", "gzip"
        yield "Vary", "Accept-Encoding"
    yield from response.headers


@contextmanager
def serve(site: Site, port: int = 0, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve a site on loopback in a thread; yields its base address, without a final slash."""
    server = _Server(site, host, port)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.close_idle()
        server.server_close()
        thread.join()


def demo_site(era: Era, night: int = 1) -> SampleSite:
    """The demonstration content as an era shows it on a night (1 to 4)."""
    return SampleSite(era, bulletins.shown(era, night), night)


def main() -> None:
    """Serve the demonstration content until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m sample.server", description=main.__doc__)
    parser.add_argument("--port", type=int, default=8101)
    parser.add_argument("--era", choices=("A", "B", "C"), default="C")
    parser.add_argument("--night", type=int, choices=(1, 2, 3, 4), default=1)
    options = parser.parse_args()
    with serve(demo_site(options.era, options.night), options.port) as base:
        print(f"{base}  (era {options.era}, night {options.night}; Ctrl-C stops)", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
