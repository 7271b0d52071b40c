"""The ways to tell a person: command, signed webhook, e-mail; and the ping after a good night.

Each has a time limit, and whatever goes wrong is one line: telling never fails the night.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import smtplib
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from signal import SIGKILL
from threading import Thread
from typing import Literal, Protocol, TypeVar
from urllib.parse import urlsplit

import httpx

from archive import __version__
from archive.clock import parse_stamp
from crawler.nightly_settings import Mail, NightSettings, Webhook

COMMAND_SECONDS = 60
HTTP_SECONDS = 10
# A mail server may look up the sender and wait before it accepts; three times an HTTP call's limit.
SMTP_SECONDS = 30

T = TypeVar("T")

State = Literal["trouble", "recovered"]


class NotTold(Exception):
    """A messenger did not deliver; the reason in words."""


@dataclass(frozen=True, slots=True)
class ToldTrouble:
    """One trouble as a message has it; ``source`` is "" for one of the run itself."""

    source: str
    kind: str
    message: str
    since: str


@dataclass(frozen=True, slots=True)
class Message:
    """What is told: in words for people, in fields for programs; ``at`` is a UTC stamp."""

    state: State
    subject: str
    body: str
    at: str
    troubles: tuple[ToldTrouble, ...]
    summary: str


class Messenger(Protocol):
    """A way to tell; ``name`` is what its failures and ``told.json`` call it."""

    name: str

    def send(self, message: Message) -> str:
        """Deliver a message; what is to be said of it, "" for nothing. Raises NotTold."""


def messengers(settings: NightSettings) -> list[Messenger]:
    """The ways to tell that are set."""
    found: list[Messenger] = []
    if settings.command:
        found.append(CommandMessenger(settings.command))
    if settings.webhook:
        found.append(WebhookMessenger(settings.webhook))
    if settings.mail:
        found.append(MailMessenger(settings.mail))
    return found


class CommandMessenger:
    """Runs a program with the message on its standard input, and its fields in the environment.

    BULLETINS_STATE is ``trouble`` or ``recovered``; BULLETINS_KINDS and BULLETINS_SOURCES have one
    word for each trouble, in the same order; a trouble of the run itself has the source ``-``.
    """

    name = "command"

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words = words

    def send(self, message: Message) -> str:
        fields = {
            "BULLETINS_STATE": message.state,
            "BULLETINS_SUBJECT": message.subject,
            "BULLETINS_KINDS": " ".join(trouble.kind for trouble in message.troubles),
            "BULLETINS_SOURCES": " ".join(trouble.source or "-" for trouble in message.troubles),
        }
        try:
            # A group of its own, so that what the program has started ends with it; its output
            # goes where the night's own complaints go.
            running = subprocess.Popen(
                self.words,
                stdin=subprocess.PIPE,
                stdout=2,
                env=os.environ | fields,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise NotTold(f"{self.words[0]} cannot be run ({_reason(error)})") from error
        try:
            running.communicate(message.body.encode(), timeout=COMMAND_SECONDS)
        except subprocess.TimeoutExpired as error:
            os.killpg(running.pid, SIGKILL)
            running.wait()
            raise NotTold(
                f"{self.words[0]} was ended: not done in {COMMAND_SECONDS} seconds"
            ) from error
        if running.returncode:
            raise NotTold(f"{self.words[0]} ended with exit code {running.returncode}")
        return ""


class WebhookMessenger:
    """Posts JSON, signed as Standard Webhooks 1.0 says (symmetric, ``v1``) where there is a key.

    The signature is HMAC-SHA256 over ``id.timestamp.body``:
    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """

    name = "webhook"

    def __init__(self, webhook: Webhook) -> None:
        self.webhook = webhook

    def send(self, message: Message) -> str:
        body = as_json(message)
        headers = {"content-type": "application/json"} | self.signature(message, body)
        _ask("POST", self.webhook.url, body, headers)
        return ""

    def signature(self, message: Message, body: bytes) -> dict[str, str]:
        """The headers that let the receiver check who wrote, and that nothing was changed."""
        # Told again, the same troubles have the same id, so that a receiver can leave them out.
        told = [message.state, *((t.source, t.kind, t.since) for t in message.troubles)]
        name = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]
        at = str(int(parse_stamp(message.at).timestamp()))
        headers = {"webhook-id": name, "webhook-timestamp": at}
        if self.webhook.key is not None:
            signed = f"{name}.{at}.".encode() + body
            digest = hmac.new(self.webhook.key, signed, hashlib.sha256).digest()
            headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
        return headers


def as_json(message: Message) -> bytes:
    """The body of a webhook; ``text`` is what chat programs show of it."""
    return json.dumps(
        {
            "state": message.state,
            "at": message.at,
            "subject": message.subject,
            "text": message.body,
            "troubles": [
                {
                    "source": trouble.source or None,
                    "kind": trouble.kind,
                    "message": trouble.message,
                    "since": trouble.since,
                }
                for trouble in message.troubles
            ],
            "summary": message.summary,
        },
        ensure_ascii=False,
    ).encode()


class MailMessenger:
    """Sends an e-mail through a mail server, encrypted where the settings say so."""

    name = "mail"

    def __init__(self, mail: Mail) -> None:
        self.mail = mail

    def send(self, message: Message) -> str:
        return within(SMTP_SECONDS, lambda: self._send(message), self.mail.host)

    def _send(self, message: Message) -> str:
        mail, tls = self.mail, ssl.create_default_context()
        try:
            with (
                smtplib.SMTP_SSL(mail.host, mail.port, timeout=HTTP_SECONDS, context=tls)
                if mail.tls
                else smtplib.SMTP(mail.host, mail.port, timeout=HTTP_SECONDS)
            ) as server:
                if mail.starttls:
                    server.starttls(context=tls)
                if mail.user:
                    server.login(mail.user, mail.password or "")
                refused = server.send_message(self.compose(message))
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise NotTold(f"{mail.host}:{mail.port} does not take it ({_reason(error)})") from error
        # Some of the receivers have it: sent once more, they would have it twice.
        return (
            f"{mail.host}:{mail.port} took it, but not for {_refusals(refused)}" if refused else ""
        )

    def compose(self, message: Message) -> EmailMessage:
        """The e-mail, with what mail programs need to sort it."""
        mail = EmailMessage()
        mail["Subject"] = message.subject
        mail["From"] = self.mail.sender
        mail["To"] = ", ".join(self.mail.to)
        mail["Date"] = format_datetime(parse_stamp(message.at))
        mail["Message-ID"] = make_msgid(domain=self.mail.sender.rpartition("@")[2])
        # No vacation notice answers it (RFC 3834).
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.body)
        return mail


def ping(url: str) -> None:
    """Call the address that waits for a call after each good night; raises NotTold."""
    _ask("GET", url, None, {})


def _ask(method: str, url: str, body: bytes | None, headers: dict[str, str]) -> None:
    """One request whose answer must be 2xx; redirects are not followed, the answer is not read."""
    # The rest of the address may be a secret.
    host = urlsplit(url).netloc.rpartition("@")[2]

    def ask() -> None:
        with (
            _named(host),
            httpx.Client(timeout=HTTP_SECONDS, follow_redirects=False) as client,
            client.stream(
                method,
                url,
                content=body,
                headers={"user-agent": f"bulletins/{__version__}"} | headers,
            ) as answer,
        ):
            if not answer.is_success:
                raise NotTold(f"{host} answered {answer.status_code}")

    within(HTTP_SECONDS, ask, host)


@contextmanager
def _named(host: str) -> Iterator[None]:
    """Raise what a request can raise as NotTold."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise NotTold(f"{host} did not answer within {HTTP_SECONDS} seconds") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise NotTold(f"{host} cannot be asked ({_reason(error)})") from error


def within(seconds: float, send: Callable[[], T], host: str) -> T:
    """Do it, for so long and no longer, however slowly the other side answers; raises NotTold.

    The time-outs of sockets begin anew with each byte. A thread that is still waiting ends with
    the process.
    """
    result: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            result.append(send())
        except BaseException as error:
            raised.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise NotTold(f"{host} did not answer within {seconds:g} seconds")
    if raised:
        raise raised[0]
    return result[0]


def _reason(error: BaseException) -> str:
    """An error in one line."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _refusals(error.recipients)
    if isinstance(error, smtplib.SMTPResponseException):
        return _answer(error.smtp_code, error.smtp_error)
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return " ".join(text.split()) or type(error).__name__


def _refusals(refused: Mapping[str, tuple[int, bytes]]) -> str:
    """Whose mail a server does not take, and its answer for each."""
    return ", ".join(f"{whom}: {_answer(*answer)}" for whom, answer in refused.items())


def _answer(code: int, text: bytes | str) -> str:
    """An answer of a mail server in one line."""
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join(f"{code} {shown}".split())
