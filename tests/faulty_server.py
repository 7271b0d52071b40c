"""A server that keeps to no rule of HTTP at some addresses, and is the sample site at the others.

A fault is a function that is given the connection after the request was read; what it sends is
all that is sent, and the connection is closed when it returns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Event, Thread

from sample.answers import request
from sample.server import SampleSite

Send = Callable[[bytes], None]
# What a fault gets: the connection, and an event that is set when the server stops.
Fault = Callable[[Send, Event], None]


@dataclass
class FaultySite:
    """The sample site with faults by path; ``asked`` counts requests by path."""

    site: SampleSite
    faults: Mapping[str, Fault] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)


def stall(send: Send, stopped: Event) -> None:
    """Never answer."""
    stopped.wait()


def stall_in_body(send: Send, stopped: Event) -> None:
    """Half of a page, then nothing."""
    send(head("Content-Length: 9000") + b"<html><body>" + b"x" * 4000)
    stopped.wait()


def drip(send: Send, stopped: Event) -> None:
    """A byte now and then, without end."""
    send(head("Content-Length: 900000"))
    while not stopped.wait(0.1):
        send(b"x")


def drip_head(send: Send, stopped: Event) -> None:
    """A header line now and then, without end."""
    send(b"HTTP/1.1 200 OK\r\n")
    while not stopped.wait(0.1):
        send(b"X-More: yes\r\n")


def endless(send: Send, stopped: Event) -> None:
    """A page without a length and without an end, as fast as it is taken."""
    send(head("Connection: close") + b"<html><body>")
    while not stopped.is_set():
        send("<p>样例</p>\n".encode() * 10_000)


def endless_head(send: Send, stopped: Event) -> None:
    """One header line without end."""
    send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not stopped.is_set():
        send(b"x" * 65_536)


def other_protocol(send: Send, stopped: Event) -> None:
    """What another service says on this port."""
    send(b"SSH-2.0-OpenSSH_9.2p1\r\n" + bytes(range(256)) * 4)


def close_at_once(send: Send, stopped: Event) -> None:
    """Nothing at all."""


def with_length(body: bytes, length: int) -> Fault:
    """A body under another length than it has."""

    def fault(send: Send, stopped: Event) -> None:
        send(head(f"Content-Length: {length}") + body)

    return fault


def redirect(to: str) -> Fault:
    """A redirect to a path."""

    def fault(send: Send, stopped: Event) -> None:
        send(f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode())

    return fault


def packed(body: bytes) -> Fault:
    """A body that says that it is gzip."""

    def fault(send: Send, stopped: Event) -> None:
        send(head("Content-Encoding: gzip", f"Content-Length: {len(body)}") + body)

    return fault


def head(*lines: str) -> bytes:
    """The head of a good answer with an HTML page."""
    whole = ("HTTP/1.1 200 OK", "Content-Type: text/html; charset=utf-8", *lines)
    return "".join(f"{line}\r\n" for line in (*whole, "")).encode()


class _Handler(StreamRequestHandler):
    """One request a connection."""

    server: _Server

    def handle(self) -> None:
        line = self.rfile.readline().decode("latin-1").split()
        headers = {}
        while read := self.rfile.readline().decode("latin-1").strip():
            name, _, value = read.partition(":")
            headers[name] = value.strip()
        if len(line) != 3:
            return
        asked = request(line[1], line[0], headers)
        faulty = self.server.faulty
        faulty.asked[asked.path] += 1
        with suppress(OSError):
            if fault := faulty.faults.get(asked.path):
                fault(self.connection.sendall, self.server.stopped)
                return
            answer = faulty.site.respond(asked)
            length = len(answer.body)
            start = f"HTTP/1.1 {answer.status} x\r\nContent-Type: {answer.content_type}\r\n"
            rest = f"Content-Length: {length}\r\nConnection: close\r\n\r\n"
            self.connection.sendall((start + rest).encode() + answer.body)


class _Server(ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, faulty: FaultySite) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.faulty = faulty
        self.stopped = Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no error here."""


@contextmanager
def serve_faulty(faulty: FaultySite) -> Iterator[str]:
    """Serve on 127.0.0.1 in threads; yields the base address."""
    server = _Server(faulty)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
