"""Those who are told, on loopback: a web server for webhooks and pings, and a mail server."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Received:
    """One request: its method and path, its headers with names in lower case, its body."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Hook:
    """A web server that keeps what it gets and answers ``status``; it can hang, or drip."""

    base: str
    status: int = 204
    location: str | None = None
    hang: bool = False
    drip: bool = False
    got: list[Received] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)


@contextmanager
def hook(**settings: Any) -> Iterator[Hook]:
    """A web server on a free port, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("content-length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(length)
            found.got.append(Received(self.command, self.path, headers, body))
            if found.hang:
                found.release.wait(30)
            while found.drip and not found.release.wait(0.05):
                self.wfile.write(b"H")
            self.send_response(found.status)
            if found.location:
                self.send_header("Location", found.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET  # noqa: N815 (the name that the server calls)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Nothing is printed."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that hangs up is no error here."""

    server = Server(("127.0.0.1", 0), Handler)
    found = Hook(f"http://127.0.0.1:{server.server_port}", **settings)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        found.release.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Mailroom:
    """A mail server that keeps what it gets; with ``refuse`` it answers that, to all or some."""

    refuse: str | None = None
    refused: list[str] | None = None
    port: int = 0
    got: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 (the name that the mail server calls)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuse and address in (self.refused or [address]):
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.got.append(mail)
        self.envelopes.append(envelope)
        return "250 OK"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password == b"right", handled=False)


def _free_port() -> int:
    """The mail server cannot choose one itself."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def mailroom(
    tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None, **settings: Any
) -> Iterator[Mailroom]:
    """A mail server on a free port; with ``tls`` or ``starttls`` it is encrypted and asks who."""
    found = Mailroom(port=_free_port(), **settings)
    encrypted = tls is not None or starttls is not None
    controller = Controller(
        found,
        hostname="127.0.0.1",
        port=found.port,
        ssl_context=tls,
        tls_context=starttls,
        require_starttls=starttls is not None,
        authenticator=found.authenticate if encrypted else None,
        auth_required=starttls is not None,
        auth_require_tls=starttls is not None,
    )
    controller.start()
    try:
        yield found
    finally:
        controller.stop()
