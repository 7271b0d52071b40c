"""nightly.toml: what it can say, and that each mistake is one line that names file and key."""

from __future__ import annotations

import base64
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.errors import UsageError
from crawler.nightly_settings import (
    Mail,
    NightOptions,
    NightSettings,
    Webhook,
    read_settings,
    readable_secrets,
)

KEY = bytes(range(32))
SECRET = base64.b64encode(KEY).decode()
WHOLE = f"""
backup = "/mnt/backup"
ping = "https://ping.example.org/abc"
[tell]
command = "/usr/local/bin/tell --to 'the desk'"
[tell.webhook]
url = "https://hooks.example.org/in?x=1"
secret = "whsec_{SECRET}"
[tell.mail]
smtp = "smtps://mail.example.org"
user = "me"
password = "geheim"
from = "archive@example.org"
to = "you@example.org, she@example.org"
"""


def read(
    folder: Path, text: str, options: NightOptions | None = None, **environment: str
) -> NightSettings:
    (folder / "nightly.toml").write_text(text, encoding="utf-8")
    return read_settings(folder, options or NightOptions(), environment)


def test_without_a_file_nothing_is_set(tmp_path: Path) -> None:
    assert read_settings(tmp_path, NightOptions(), {}) == NightSettings()
    assert read(tmp_path, "") == NightSettings()
    assert read_settings(tmp_path / "gone", NightOptions(), {}) == NightSettings()


def test_the_whole_file(tmp_path: Path) -> None:
    assert read(tmp_path, WHOLE) == NightSettings(
        backup=Path("/mnt/backup"),
        command=("/usr/local/bin/tell", "--to", "the desk"),
        webhook=Webhook("https://hooks.example.org/in?x=1", KEY),
        mail=Mail(
            host="mail.example.org",
            port=465,
            tls=True,
            starttls=False,
            user="me",
            password="geheim",
            sender="archive@example.org",
            to=("you@example.org", "she@example.org"),
        ),
        ping="https://ping.example.org/abc",
    )


def test_the_least_that_can_be_said(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        '[tell.webhook]\nurl = "http://localhost:1"\n[tell.mail]\nto = "you@example.org"\n',
    )
    assert found.webhook == Webhook("http://localhost:1", None)
    assert found.mail == Mail(
        host="localhost",
        port=25,
        tls=False,
        starttls=False,
        user=None,
        password=None,
        sender="you@example.org",
        to=("you@example.org",),
    )


def test_options_replace_what_the_file_says_and_the_environment_its_secrets(
    tmp_path: Path,
) -> None:
    options = NightOptions(
        backup=Path("elsewhere"),
        command="other",
        webhook="https://other.example.org/",
        mail="other@example.org",
        ping="https://other.example.org/ping",
    )
    other = base64.b64encode(KEY[::-1]).decode()
    found = read(
        tmp_path, WHOLE, options, BULLETINS_WEBHOOK_SECRET=other, BULLETINS_SMTP_PASSWORD="anders"
    )
    assert found.backup == Path("elsewhere")
    assert found.command == ("other",)
    assert found.webhook == Webhook("https://other.example.org/", KEY[::-1])
    assert found.mail is not None
    assert found.mail.to == ("other@example.org",)
    assert (found.mail.host, found.mail.password) == ("mail.example.org", "anders")
    assert found.ping == "https://other.example.org/ping"
    assert read(tmp_path, "", options).webhook == Webhook("https://other.example.org/", None)


BAD = {
    'backup = "here"': 'backup = "here": write a folder\'s whole path',
    "backup = 1": "backup = 1: write a folder's whole path",
    'ping = "example.org"': 'ping = "example.org": write an address in quotes',
    'ping = "http://[::1/"': 'ping = "http://[::1/": write an address',
    'ping = "http://a:99999/"': 'ping = "http://a:99999/": write an address',
    'pong = "https://example.org"': 'unknown key "pong": the keys are backup, ping, tell',
    "tell = 1": "tell = 1: write a table that begins with [tell]",
    '[tell]\ncommand = ""': '[tell] command = "": write a command in quotes',
    '[tell]\ncommand = " "': '[tell] command = " ": write a command in quotes',
    '[tell]\ncommand = "a \'b"': '[tell] command = "a \'b": no closing quotation',
    '[tell]\nmail = "you@example.org"': "write a table that begins with [tell.mail]",
    "[tell]\nfax = 1": '[tell] unknown key "fax"',
    "[tell.webhook]": "[tell.webhook] url is missing: write an address",
    '[tell.webhook]\nurl = "ftp://a"': '[tell.webhook] url = "ftp://a": write an address',
    '[tell.webhook]\nurl = "https://a b"': '[tell.webhook] url = "https://a b": write an address',
    "[tell.mail]": "[tell.mail] to is missing: write an e-mail address",
    '[tell.mail]\nto = "you"': '[tell.mail] to = "you": write an e-mail address',
    '[tell.mail]\nto = "a@b\\nBcc: c@d"': "[tell.mail] to = ",
    '[tell.mail]\nto = "a@b"\nfrom = "me"': '[tell.mail] from = "me": write an e-mail address',
    '[tell.mail]\nto = "a@b"\nsmtp = "mail.b"': '[tell.mail] smtp = "mail.b": write "smtp://',
    '[tell.mail]\nto = "a@b"\nsmtp = "smtp://b:99999"': "[tell.mail] smtp = ",
    '[tell.mail]\nto = "a@b"\nsmtp = "smtp://b:0"': "[tell.mail] smtp = ",
    '[tell.mail]\nto = "a@b"\nstarttls = 1': "[tell.mail] starttls = 1: write true or false",
    '[tell.mail]\nto = "a@b"\nsmtp = "smtps://b"\nstarttls = true': "[tell.mail] starttls is for",
    '[tell.mail]\nto = "a@b"\nsmtp = "smtp://b"\nuser = "u"\npassword = "p"': (
        "[tell.mail] user: a password is not sent in the clear"
    ),
    '[tell.mail]\nto = "a@b"\nsmtp = "smtps://b"\nuser = "u"': (
        "[tell.mail] password is missing: write it there, or set BULLETINS_SMTP_PASSWORD"
    ),
    "backup": "is not TOML",
    "[tell": "is not TOML",
}


@pytest.mark.parametrize("text", BAD)
def test_a_mistake_is_one_line_with_file_and_key(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(tmp_path, text)
    said = str(raised.value)
    assert BAD[text] in said
    assert str(tmp_path / "nightly.toml") in said
    assert "\n" not in said


@pytest.mark.parametrize("secret", ["geheim", "c2hvcnQ=", "not base64 at all, but long enough"])
def test_a_wrong_secret_is_refused_and_not_repeated(tmp_path: Path, secret: str) -> None:
    for text, environment in (
        (f'[tell.webhook]\nurl = "https://a"\nsecret = "{secret}"', {}),
        ('[tell.webhook]\nurl = "https://a"', {"BULLETINS_WEBHOOK_SECRET": secret}),
    ):
        with pytest.raises(UsageError, match=r"(?i)secret is wrong: write 16 to 64") as raised:
            read(tmp_path, text, **environment)
        assert secret not in str(raised.value)
        where = "BULLETINS_WEBHOOK_SECRET" if environment else "nightly.toml: [tell.webhook] secret"
        assert where in str(raised.value)
    with pytest.raises(UsageError) as raised:
        read(tmp_path, '[tell.mail]\nto = "a@b"\npassword = ["geheim"]')
    assert "password is wrong" in str(raised.value)
    assert "geheim" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (NightOptions(command="a 'b"), '--tell-command "a \'b": no closing quotation'),
        (NightOptions(command=""), '--tell-command "": write a command'),
        (NightOptions(webhook="example.org"), '--webhook "example.org": write an address'),
        (NightOptions(webhook="https://[a/"), '--webhook "https://[a/": write an address'),
        (NightOptions(mail="you"), '--mail "you": write an e-mail address'),
        (NightOptions(ping="ping"), '--ping "ping": write an address'),
    ],
)
def test_a_wrong_option_is_named(tmp_path: Path, options: NightOptions, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_settings(tmp_path, options, {})
    assert said in str(raised.value)


def test_a_password_may_go_in_the_clear_to_this_machine(tmp_path: Path) -> None:
    text = '[tell.mail]\nto = "a@b"\nsmtp = "smtp://{}"\nuser = "u"\npassword = "p"'
    for host in ("localhost", "127.0.0.1:2525", "[::1]"):
        assert read(tmp_path, text.format(host)).mail is not None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"tell = " + b"[" * 2_000, "is nested too deep"),
        (b"backup = 2026-02-30", "is not TOML"),
    ],
)
def test_a_file_that_nobody_can_read(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "nightly.toml").write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read_settings(tmp_path, NightOptions(), {})


@given(st.text(max_size=100))
def test_whatever_an_option_holds_is_taken_or_refused(text: str) -> None:
    for name in ("command", "webhook", "mail", "ping"):
        with suppress(UsageError):
            read_settings(Path("/nowhere"), NightOptions(**{name: text}), {})


def test_secrets_that_others_can_read_are_said(tmp_path: Path) -> None:
    read(tmp_path, WHOLE)
    path = tmp_path / "nightly.toml"
    for mode, said in ((0o600, False), (0o400, False), (0o640, True), (0o604, True)):
        path.chmod(mode)
        assert bool(list(readable_secrets(tmp_path))) == said, oct(mode)
    path.chmod(0o644)
    [line] = readable_secrets(tmp_path)
    assert line == f"others can read the secrets in {path}: chmod 600 {path}"
    path.write_text('backup = "/mnt/backup"\n')
    assert list(readable_secrets(tmp_path)) == []
    path.write_bytes(b"\xff")
    assert list(readable_secrets(tmp_path)) == []
    path.unlink()
    assert list(readable_secrets(tmp_path)) == []
