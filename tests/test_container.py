"""The container: linted, checked by a schema, and its commands run on what its image would hold."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from sample.server import serve
from tests.test_nights_told import NIGHT, own_source, small_site

ROOT = Path(__file__).parent.parent
CONTAINERFILE = ROOT / "deploy" / "Containerfile"
COMPOSE = ROOT / "deploy" / "compose.yaml"
BIN = Path(sys.executable).parent


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]
    return found


def instructions(name: str) -> list[str]:
    """The arguments of all instructions of a name, with continued lines joined."""
    text = CONTAINERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    return re.findall(rf"^{name} +(.*)$", text, re.MULTILINE)


def lint(*command: str | Path) -> str:
    done = subprocess.run(
        [str(BIN / str(command[0])), *map(str, command[1:])],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_the_containerfile_is_clean() -> None:
    assert lint("hadolint", CONTAINERFILE) == ""


def test_the_linter_would_say_what_is_wrong(tmp_path: Path) -> None:
    bad = tmp_path / "Containerfile"
    bad.write_text("FROM python\nRUN pip install scrapy\n")
    assert "DL3006" in lint("hadolint", bad)


@pytest.mark.long
def test_the_compose_file_is_what_the_schema_allows(tmp_path: Path) -> None:
    check = ("check-jsonschema", "--builtin-schema", "vendor.compose-spec")
    assert lint(*check, COMPOSE) == ""
    bad = tmp_path / "compose.yaml"
    bad.write_text(COMPOSE.read_text("utf-8").replace("read_only: true", "read_only: [1]"))
    assert "read_only" in lint(*check, bad)


def test_both_services_are_rootless_read_only_and_checked() -> None:
    assert set(services()) == {"nightly", "serve"}
    [user] = instructions("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    for service in services().values():
        assert service["read_only"] is True
        assert service["tmpfs"] == ["/tmp"]
        assert service["cap_drop"] == ["ALL"]
        assert service["volumes"] == ["data:/data"]
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] == "CMD"
        assert "user" not in service
    # Only this machine reaches the server, until somebody says otherwise.
    assert services()["serve"]["ports"] == ["127.0.0.1:8001:8001"]


def test_the_image_is_named_by_a_tag_and_no_host() -> None:
    [image] = instructions("FROM")
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", image)


def test_what_the_image_copies_is_there_and_let_through() -> None:
    allowed = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {word for line in instructions("COPY") for word in line.split()[:-1]}
    assert copied == allowed
    for name in copied:
        assert (ROOT / name).exists(), name


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """What the image's folder would hold, by the COPY lines."""
    folder = tmp_path / "image"
    folder.mkdir()
    for line in instructions("COPY"):
        *names, target = line.split()
        for name in names:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / target)
            else:
                shutil.copy(ROOT / name, folder / target)
    return folder


@contextmanager
def service(
    image: Path, command: list[str], data: Path, *more: str
) -> Iterator[subprocess.Popen[str]]:
    """A service's command with the volume and the program where they are here."""
    with subprocess.Popen(
        [*translated(command, data), *more],
        cwd=image,
        env=environment(image),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.send_signal(signal.SIGTERM)
            running.communicate(timeout=60)


def translated(command: list[str], data: Path) -> list[str]:
    """The words of a command of the container, for this machine."""
    programs = {"bulletins": [sys.executable, "-m", "crawler"], "python": [sys.executable]}
    first, *others = command
    return [*programs[first], *(str(data) if word == "/data" else word for word in others)]


def environment(image: Path) -> dict[str, str]:
    """As in the container: its own folder's packages, and a home that is not there."""
    return os.environ | {
        "PYTHONPATH": str(image),
        "HOME": "/nonexistent",
        "BULLETINS_NOW": NIGHT.format(1),
    }


def is_healthy(image: Path, check: list[str], data: Path, port: int = 8001) -> bool:
    """What a health check's command answers."""
    words = [word.replace(":8001/", f":{port}/") for word in translated(check[1:], data)]
    done = subprocess.run(words, cwd=image, env=environment(image), check=False)
    return done.returncode == 0


@pytest.mark.long
def test_the_commands_of_the_services_work_on_what_the_image_holds(
    tmp_path: Path, image: Path
) -> None:
    """A night, then the server, on one volume, each found healthy by its own check."""
    data = tmp_path / "volume"
    own_source(data)
    site = small_site()
    nightly, server = services()["nightly"], services()["serve"]
    [default] = instructions("CMD")
    assert json.loads(default) == nightly["command"]
    assert not is_healthy(image, nightly["healthcheck"]["test"], data)
    with serve(site) as base:
        more = ("--", "--base-url", base, "--delay", "0")
        with service(image, nightly["command"], data, *more) as running:
            assert running.stderr is not None
            while "the next night begins" not in (line := running.stderr.readline()):
                assert line, "it ended"
            port = free_port()
            words = [word.replace("8001", str(port)) for word in server["command"]]
            with service(image, words, data) as serving:
                assert serving.stdout is not None
                assert "http://0.0.0.0" in serving.stdout.readline()
                check = server["healthcheck"]["test"]
                assert is_healthy(image, check, data, port)
        assert is_healthy(image, nightly["healthcheck"]["test"], data)
    assert running.returncode == 0
    assert not is_healthy(image, server["healthcheck"]["test"], data, port)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def engine() -> str | None:
    """A container engine that answers and has the base image: nothing is pulled by a test."""
    [base] = instructions("FROM")
    for name in ("podman", "docker"):
        if shutil.which(name) is None:
            continue
        asked = subprocess.run([name, "image", "inspect", base], capture_output=True, check=False)
        if asked.returncode == 0:
            return name
    return None


@pytest.mark.long
@pytest.mark.skipif(engine() is None, reason="no container engine here that has the base image")
def test_the_image_is_built_and_says_its_version_with_a_root_that_cannot_be_written() -> None:
    name = str(engine())
    subprocess.run(
        [name, "build", "-f", str(CONTAINERFILE), "-t", "bulletins-test", str(ROOT)], check=True
    )
    limits = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--network", "none")
    limited = [name, "run", "--rm", "--init", *limits, "bulletins-test"]
    for command in (["bulletins", "--version"], services()["nightly"]["command"]):
        done = subprocess.run(
            [*limited, "timeout", "--preserve-status", "20", *command],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert "the next night begins" in done.stderr
