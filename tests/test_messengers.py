"""The ways to tell a person: real web and mail servers on loopback, and real programs."""

from __future__ import annotations

import base64
import json
import ssl
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from archive.clock import stamp
from crawler import messengers
from crawler.messengers import (
    CommandMessenger,
    MailMessenger,
    Message,
    NotTold,
    ToldTrouble,
    WebhookMessenger,
    ping,
)
from crawler.nightly_settings import Mail, Webhook
from tests.certificates import self_signed
from tests.receivers import Hook, Mailroom, hook, mailroom

KEY = b"0123456789abcdefghijklmn"
MESSAGE = Message(
    state="trouble",
    subject="bulletins: 样例部 failed",
    body="样例部 failed\nWhat to do: look.\n",
    at="2026-11-01T18:00:00Z",
    troubles=(
        ToldTrouble("sample", "failed", "news: block page", "2026-11-01T18:00:00Z"),
        ToldTrouble("", "backup", "the disk is full", "2026-10-31T18:00:00Z"),
    ),
    summary="样例部 (sample): 0 new bulletins",
)


def mail_to(room: Mailroom, **changes: object) -> MailMessenger:
    values: dict[str, object] = {
        "host": "localhost",
        "port": room.port,
        "tls": False,
        "starttls": False,
        "user": None,
        "password": None,
        "sender": "archive@example.org",
        "to": ("you@example.org", "she@example.org"),
    }
    return MailMessenger(Mail(**(values | changes)))  # type: ignore[arg-type]


def program(folder: Path, text: str) -> tuple[str, ...]:
    path = folder / "program.py"
    path.write_text(text, encoding="utf-8")
    return (sys.executable, str(path))


def test_a_command_gets_the_message_and_its_fields(tmp_path: Path) -> None:
    text = (
        "import os, sys, json\n"
        "fields = {k: v for k, v in os.environ.items() if k.startswith('BULLETINS_')}\n"
        f"json.dump([sys.stdin.read(), fields], open({str(tmp_path / 'got')!r}, 'w'))\n"
    )
    CommandMessenger(program(tmp_path, text)).send(MESSAGE)
    body, fields = json.loads((tmp_path / "got").read_text())
    assert body == MESSAGE.body
    assert fields["BULLETINS_STATE"] == "trouble"
    assert fields["BULLETINS_SUBJECT"] == "bulletins: 样例部 failed"
    assert fields["BULLETINS_KINDS"] == "failed backup"
    assert fields["BULLETINS_SOURCES"] == "sample -"


def test_what_a_command_prints_does_not_mix_with_the_summary(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    CommandMessenger(program(tmp_path, "print('sent')")).send(MESSAGE)
    assert capfd.readouterr() == ("", "sent\n")


def test_a_command_that_reads_nothing_is_no_failure(tmp_path: Path) -> None:
    message = Message("trouble", "s", "x" * 1_000_000, MESSAGE.at, (), "")
    CommandMessenger(program(tmp_path, "")).send(message)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("/nowhere/tell",), "/nowhere/tell cannot be run (No such file or directory)"),
        (("/",), "/ cannot be run (Permission denied)"),
        (("sh", "-c", "exit 9"), "sh ended with exit code 9"),
        (("sh", "-c", "kill -9 $$"), "sh ended with exit code -9"),
    ],
)
def test_a_command_that_fails_is_named(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(NotTold) as raised:
        CommandMessenger(words).send(MESSAGE)
    assert str(raised.value) == said


def test_a_command_that_hangs_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messengers, "COMMAND_SECONDS", 0.5)
    beat = tmp_path / "beat"
    words = ("sh", "-c", f"(while :; do date >> {beat}; sleep 0.05; done) & wait")
    with pytest.raises(NotTold, match=r"not done in 0\.5 seconds"):
        CommandMessenger(words).send(MESSAGE)
    before = beat.stat().st_size
    time.sleep(0.3)
    assert beat.stat().st_size == before > 0


def test_a_webhook_is_json_that_the_receiver_can_verify() -> None:
    with hook() as found:
        WebhookMessenger(Webhook(f"{found.base}/in?x=1", KEY)).send(MESSAGE)
    [got] = found.got
    assert (got.method, got.path) == ("POST", "/in?x=1")
    assert got.headers["content-type"] == "application/json"
    said = json.loads(got.body)
    assert said == {
        "state": "trouble",
        "at": "2026-11-01T18:00:00Z",
        "subject": MESSAGE.subject,
        "text": MESSAGE.body,
        "troubles": [
            {
                "source": "sample",
                "kind": "failed",
                "message": "news: block page",
                "since": "2026-11-01T18:00:00Z",
            },
            {
                "source": None,
                "kind": "backup",
                "message": "the disk is full",
                "since": "2026-10-31T18:00:00Z",
            },
        ],
        "summary": MESSAGE.summary,
    }


def verified(found: Hook, secret: bytes) -> object:
    """What a receiver's own library makes of the last request."""
    got = found.got[-1]
    return Verifier(base64.b64encode(secret).decode()).verify(got.body, got.headers)


def test_the_signature_is_what_the_standard_library_of_receivers_accepts() -> None:
    fresh = replace(MESSAGE, at=stamp(datetime.now(UTC)))
    with hook() as found:
        WebhookMessenger(Webhook(found.base, KEY)).send(fresh)
        assert verified(found, KEY) == json.loads(found.got[-1].body)
        with pytest.raises(WebhookVerificationError):
            verified(found, b"another secret, as long as it")
        found.got[-1].body = found.got[-1].body.replace(b"trouble", b"recover")
        with pytest.raises(WebhookVerificationError):
            verified(found, KEY)
        # The time is signed too: what was sent on another day is refused.
        old = replace(MESSAGE, at=stamp(datetime.now(UTC) - timedelta(days=1)))
        WebhookMessenger(Webhook(found.base, KEY)).send(old)
        with pytest.raises(WebhookVerificationError):
            verified(found, KEY)


def test_the_same_troubles_have_the_same_id_on_another_night_and_others_have_not() -> None:
    with hook() as found:
        send = WebhookMessenger(Webhook(found.base, None)).send
        send(MESSAGE)
        send(replace(MESSAGE, at="2026-11-02T18:00:00Z", body="another night"))
        send(replace(MESSAGE, state="recovered"))
        send(replace(MESSAGE, troubles=MESSAGE.troubles[:1]))
    ids = [got.headers["webhook-id"] for got in found.got]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert not any("webhook-signature" in got.headers for got in found.got)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"status": 500}, "answered 500"),
        ({"status": 404}, "answered 404"),
        ({"hang": True}, r"did not answer within 0\.3 seconds"),
        ({"drip": True}, r"did not answer within 0\.3 seconds"),
    ],
)
def test_a_webhook_that_does_not_take_it_is_named_without_its_path(
    settings: dict[str, object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messengers, "HTTP_SECONDS", 0.3)
    with hook(**settings) as found, pytest.raises(NotTold, match=said) as raised:
        WebhookMessenger(Webhook(f"{found.base}/token-of-mine", None)).send(MESSAGE)
    assert "token-of-mine" not in str(raised.value)
    assert "127.0.0.1" in str(raised.value)


def test_a_webhook_is_not_followed_to_where_it_redirects() -> None:
    with hook() as other, hook(status=307, location=other.base) as found:
        with pytest.raises(NotTold, match="answered 307"):
            WebhookMessenger(Webhook(found.base, KEY)).send(MESSAGE)
        assert len(found.got) == 1
        assert other.got == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://127.0.0.1:99999/",
        "https://127.0.0.1:1/",
        "http://\x7f/",
        "http://a..b/",
    ],
)
def test_an_address_that_nobody_answers_at_is_one_line(url: str) -> None:
    with pytest.raises(NotTold) as raised:
        ping(url)
    assert "\n" not in str(raised.value)


def test_the_ping_is_a_plain_get() -> None:
    with hook(status=200) as found:
        ping(f"{found.base}/abc?d=e")
    [got] = found.got
    assert (got.method, got.path, got.body) == ("GET", "/abc?d=e", b"")
    with hook(status=503) as found, pytest.raises(NotTold, match="answered 503"):
        ping(found.base)


def test_a_mail_arrives_as_written() -> None:
    with mailroom() as room:
        mail_to(room).send(MESSAGE)
    [mail], [envelope] = room.got, room.envelopes
    assert mail["subject"] == "bulletins: 样例部 failed"
    assert mail["from"] == "archive@example.org"
    assert mail["to"] == "you@example.org, she@example.org"
    assert mail["date"].datetime.isoformat() == "2026-11-01T18:00:00+00:00"
    assert mail["message-id"].endswith("@example.org>")
    assert mail["auto-submitted"] == "auto-generated"
    assert mail.get_content().replace("\r\n", "\n") == MESSAGE.body
    assert envelope.mail_from == "archive@example.org"
    assert envelope.rcpt_tos == ["you@example.org", "she@example.org"]


@pytest.mark.parametrize("starttls", [True, False])
def test_a_mail_server_with_a_certificate_and_a_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, starttls: bool
) -> None:
    pem = self_signed(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    with mailroom(**{"starttls" if starttls else "tls": context}) as room:
        login = {"tls": not starttls, "starttls": starttls, "user": "me", "password": "right"}
        # Nobody has signed the certificate: the password is not sent.
        with pytest.raises(NotTold, match="certificate"):
            mail_to(room, **login).send(MESSAGE)
        assert room.logins == []
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        mail_to(room, **login).send(MESSAGE)
        assert room.logins == [("me", "right")]
        assert len(room.got) == 1
        with pytest.raises(NotTold, match=r"535 .*invalid"):
            mail_to(room, **login | {"password": "wrong"}).send(MESSAGE)
        assert len(room.got) == 1


def test_a_mail_server_that_refuses_is_quoted() -> None:
    with mailroom(refuse="550 5.1.1 no such user") as room:
        with pytest.raises(NotTold, match=r"550 5\.1\.1 no such user"):
            mail_to(room).send(MESSAGE)
        with pytest.raises(NotTold, match="does not take it"):
            mail_to(room, starttls=True).send(MESSAGE)
        with pytest.raises(NotTold, match="does not take it"):
            mail_to(room, user="me", password="right").send(MESSAGE)
    with pytest.raises(NotTold, match="Connection refused"):
        mail_to(room).send(MESSAGE)


def test_a_mail_that_only_some_may_get_is_told_and_said() -> None:
    with mailroom(refuse="550 no", refused=["she@example.org"]) as room:
        said = mail_to(room).send(MESSAGE)
    assert said.endswith("took it, but not for she@example.org: 550 no")
    assert room.envelopes[0].rcpt_tos == ["you@example.org"]


def test_a_mail_server_that_hangs_or_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messengers, "SMTP_SECONDS", 0.3)
    with hook(drip=True) as found:
        port = int(found.base.rpartition(":")[2])
        with pytest.raises(NotTold, match=r"did not answer within 0\.3 seconds"):
            mail_to(Mailroom(port=port)).send(MESSAGE)


def test_a_title_of_several_lines_becomes_no_header_of_its_own() -> None:
    with mailroom() as room, pytest.raises(NotTold):
        mail_to(room).send(replace(MESSAGE, subject="a\nBcc: all@example.org"))
    assert room.got == []
