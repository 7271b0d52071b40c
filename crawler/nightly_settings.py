"""The settings of the night: ``nightly.toml`` in the data folder, options, and the environment.

The file is read by the schedule's runs too, which have no options of their own. Secrets may stand
in it, or in the environment, which wins.
"""

from __future__ import annotations

import os
import re
import shlex
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from archive.errors import UsageError
from archive.toml_tables import Table, allowed, checked, read_toml, shown, wrong
from crawler.crawl import is_loopback

NAME = "nightly.toml"
WEBHOOK_SECRET = "BULLETINS_WEBHOOK_SECRET"  # noqa: S105 (the name of a variable)
SMTP_PASSWORD = "BULLETINS_SMTP_PASSWORD"  # noqa: S105
_WEBHOOK, _MAIL = "[tell.webhook] ", "[tell.mail] "
# The ports that mail servers listen on (RFC 5321, 4.5.4.2, and RFC 8314, 3.3).
_SMTP_PORT, _SMTPS_PORT = 25, 465
_SECRET = re.compile(r"^\s*(secret|password)\b", re.MULTILINE)

Command = Annotated[
    str,
    Meta(min_length=1, description='a command in quotes, such as "/usr/local/bin/tell --loud"'),
]
Url = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s/?#\\]+([/?#][^\s]*)?\Z",
        description='an address in quotes, such as "https://hooks.example.org/bulletins"',
    ),
]
Smtp = Annotated[
    str,
    Meta(
        pattern=r"^smtps?://([^\s/:@?#\[\]]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?/?\Z",
        description='"smtp://host:port" or "smtps://host:port"',
    ),
]
Mailbox = Annotated[
    str,
    Meta(
        pattern=r"^[^\s@<>,;\"()]+@[^\s@<>,;\"()]+\Z",
        description='an e-mail address in quotes, such as "you@example.org"',
    ),
]
Mailboxes = Annotated[
    str,
    Meta(
        pattern=r"^[^\s@<>,;\"()]+@[^\s@<>,;\"()]+(, *[^\s@<>,;\"()]+@[^\s@<>,;\"()]+)*\Z",
        description="an e-mail address in quotes, or several with commas between them, such as "
        '"you@example.org, she@example.org"',
    ),
]
Folder = Annotated[
    str, Meta(pattern=r"^/.*\Z", description='a folder\'s whole path, such as "/mnt/backup"')
]
Secret = Annotated[
    str,
    Meta(
        min_length=1,
        description="16 to 64 random bytes in Base64, such as `openssl rand -base64 32` prints",
        extra={"secret": True},
    ),
]
Password = Annotated[str, Meta(min_length=1, description="text in quotes", extra={"secret": True})]
Name = Annotated[str, Meta(min_length=1, description='text in quotes, such as "bulletins"')]
Flag = Annotated[bool, Meta(description="true or false, without quotes")]


class WebhookTable(Table):
    """``[tell.webhook]``."""

    url: Url
    secret: Secret | None = None


class MailTable(Table):
    """``[tell.mail]``."""

    to: Mailboxes
    sender: Mailbox | None = msgspec.field(default=None, name="from")
    smtp: Smtp = "smtp://localhost:25"
    starttls: Flag = False
    user: Name | None = None
    password: Password | None = None


class TellTable(Table):
    """``[tell]``."""

    command: Command | None = None
    webhook: Annotated[
        dict[str, Any] | None, Meta(description="a table that begins with [tell.webhook]")
    ] = None
    mail: Annotated[
        dict[str, Any] | None, Meta(description="a table that begins with [tell.mail]")
    ] = None


class NightTable(Table):
    """The whole file."""

    backup: Folder | None = None
    ping: Url | None = None
    tell: Annotated[dict[str, Any] | None, Meta(description="a table that begins with [tell]")] = (
        None
    )


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where messages are posted; with a ``key`` they are signed."""

    url: str
    key: bytes | None


@dataclass(frozen=True, slots=True)
class Mail:
    """The mail server and who writes to whom; ``tls`` is from the start or asked for (STARTTLS)."""

    host: str
    port: int
    tls: bool
    starttls: bool
    user: str | None
    password: str | None
    sender: str
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NightSettings:
    """What a night does besides crawling: where it backs up, whom it tells, what it calls."""

    backup: Path | None = None
    command: tuple[str, ...] | None = None
    webhook: Webhook | None = None
    mail: Mail | None = None
    ping: str | None = None


@dataclass(frozen=True, slots=True)
class NightOptions:
    """What ``bulletins nightly`` was told on its command line; each replaces one of the file."""

    backup: Path | None = None
    command: str | None = None
    webhook: str | None = None
    mail: str | None = None
    ping: str | None = None


@dataclass(frozen=True, slots=True)
class _File:
    """What ``nightly.toml`` says, checked."""

    night: NightTable
    tell: TellTable
    webhook: WebhookTable | None
    mail: MailTable | None


def read_settings(
    data: Path, options: NightOptions, environment: Mapping[str, str] = os.environ
) -> NightSettings:
    """The settings of a data folder's night.

    Raises UsageError that names the file and the key, the option or the variable that is wrong.
    """
    path = data / NAME
    file = read_toml(path, _file, UsageError) if path.exists() else _file({})
    command = _given("--tell-command", options.command, TellTable, "command") or file.tell.command
    url = _given("--webhook", options.webhook, WebhookTable, "url")
    to = _given("--mail", options.mail, MailTable, "to")
    return NightSettings(
        backup=options.backup or (Path(file.night.backup) if file.night.backup else None),
        command=_words(command, "--tell-command ") if command else None,
        webhook=_webhook(url, file.webhook, environment.get(WEBHOOK_SECRET)),
        mail=_mail(to, file.mail, environment.get(SMTP_PASSWORD), path),
        ping=_given("--ping", options.ping, NightTable, "ping") or file.night.ping,
    )


def _file(raw: dict[str, Any]) -> _File:
    """The tables of the file; raises UsageError for the first wrong key."""
    night = checked(NightTable, raw, "")
    tell = checked(TellTable, night.tell or {}, "[tell] ")
    webhook = checked(WebhookTable, tell.webhook, _WEBHOOK) if tell.webhook is not None else None
    mail = checked(MailTable, tell.mail, _MAIL) if tell.mail is not None else None
    if tell.command:
        _words(tell.command, "[tell] command = ")
    for url, where in ((night.ping, "ping"), (webhook and webhook.url, f"{_WEBHOOK}url")):
        if url:
            _check_url(url, f"{where} =")
    if webhook and webhook.secret:
        _key(webhook.secret, f"{_WEBHOOK}secret")
    if mail:
        _check_mail(mail)
    return _File(night, tell, webhook, mail)


def _given(option: str, value: str | None, kind: type[Table], key: str) -> str | None:
    """The value of an option, checked as the key of the file is."""
    if value is None:
        return None
    [field] = [field for field in msgspec.structs.fields(kind) if field.encode_name == key]
    try:
        given = str(msgspec.convert(value, field.type))
    except msgspec.ValidationError:
        raise UsageError(f"{option} {shown(value)}: write {allowed(kind, key)}") from None
    if field.type == Url or Url in get_args(field.type):
        _check_url(given, option)
    return given


def _check_url(url: str, where: str) -> None:
    """Refuse an address whose host or port nobody can read."""
    try:
        parts = urlsplit(url)
        if parts.hostname and parts.port != 0:
            return
    except ValueError:
        pass
    raise UsageError(f"{where} {shown(url)}: write {allowed(WebhookTable, 'url')}")


def _words(command: str, where: str) -> tuple[str, ...]:
    """The words of a command as a shell divides them; no shell runs it."""
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError(f"{where}{shown(command)}: {str(error).lower()}") from None
    if not words or "\0" in command:
        raise UsageError(f"{where}{shown(command)}: write {allowed(TellTable, 'command')}")
    return words


def _webhook(url: str | None, file: WebhookTable | None, secret: str | None) -> Webhook | None:
    url = url or (file.url if file else None)
    if url is None:
        return None
    if secret:
        return Webhook(url, _key(secret, WEBHOOK_SECRET))
    return Webhook(url, _key(file.secret, "secret") if file and file.secret else None)


def _key(secret: str, where: str) -> bytes:
    """The bytes of a secret as Standard Webhooks writes it: Base64, with ``whsec_`` or without."""
    try:
        key = b64decode(secret.removeprefix("whsec_"), validate=True)
    except (NotBase64, ValueError):
        key = b""
    if not 16 <= len(key) <= 64:
        raise UsageError(f"{where} is wrong: write {allowed(WebhookTable, 'secret')}")
    return key


def _mail(to: str | None, file: MailTable | None, password: str | None, path: Path) -> Mail | None:
    if to is None and file is None:
        return None
    table = file or MailTable(to=to or "")
    receivers = tuple(part.strip() for part in (to or table.to).split(","))
    parts = urlsplit(table.smtp)
    tls = parts.scheme == "smtps"
    if table.user and not (password or table.password):
        raise UsageError(
            f"{path}: {_MAIL}password is missing: write it there, or set {SMTP_PASSWORD}"
        )
    return Mail(
        host=parts.hostname or "",
        port=parts.port or (_SMTPS_PORT if tls else _SMTP_PORT),
        tls=tls,
        starttls=table.starttls,
        user=table.user,
        password=password or table.password,
        sender=table.sender or receivers[0],
        to=receivers,
    )


def _check_mail(mail: MailTable) -> None:
    """Refuse what contradicts itself, and a password that would be sent in the clear."""
    try:
        parts = urlsplit(mail.smtp)
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise UsageError(wrong(MailTable, "smtp", {"smtp": mail.smtp}, _MAIL))
    if parts.scheme == "smtps" and mail.starttls:
        raise UsageError(f"{_MAIL}starttls is for smtp://: smtps:// is encrypted from the start")
    clear = parts.scheme == "smtp" and not mail.starttls
    if mail.user and clear and not is_loopback(f"//{parts.netloc}"):
        raise UsageError(
            f"{_MAIL}user: a password is not sent in the clear: write smtps:// or starttls = true"
        )


def readable_secrets(data: Path) -> Iterator[str]:
    """A line where other users of the machine can read the file and a secret is in it."""
    path = data / NAME
    try:
        readable = path.stat().st_mode & 0o077
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return
    if readable and _SECRET.search(text):
        yield f"others can read the secrets in {path}: chmod 600 {shlex.quote(str(path))}"
