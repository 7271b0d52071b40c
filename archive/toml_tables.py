"""TOML files that a person writes, read into tables whose keys and types a schema checks.

The schema library is msgspec: imported and used once it costs 0.05 s where pydantic costs 0.2 s,
which every command would pay, and it weighs 0.7 MB against 10 MB (both measured in 2026-11).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, TypeVar, get_args

import msgspec
from msgspec import Meta

from archive.errors import UsageError

Hook = Callable[[type, object], Any]
"""Makes a value of a type that msgspec does not know itself; raises ValueError or TypeError."""

# The longest that a message quotes of a value.
_SHOWN = 60


class Table(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One table of a TOML file: its keys, their types and defaults."""


T = TypeVar("T")
TableT = TypeVar("TableT", bound=Table)


def read_toml(path: Path, read: Callable[[dict[str, Any]], T], error: type[UsageError]) -> T:
    """What ``read`` makes of a TOML file.

    Whatever is wrong with the file, the UsageError of ``read`` included, is raised as ``error``,
    with the file named, in one line.
    """
    try:
        # Windows editors begin a UTF-8 file with a byte order mark.
        return read(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except OSError as reason:
        problem = f"cannot be read: {reason.strerror}"
    except UnicodeDecodeError:
        problem = "is not UTF-8 text: save it in that encoding"
    except RecursionError:
        problem = "is nested too deep"
    except UsageError as reason:
        problem = str(reason)
    except ValueError as reason:  # tomllib also lets those of its numbers and dates through
        problem = f"is not TOML: {reason}"
    raise error(" ".join(f"{path}: {problem}".split()))


def checked(
    kind: type[TableT], raw: Mapping[str, Any], where: str, hook: Hook | None = None
) -> TableT:
    """The table, or a UsageError that says which key is wrong and what it can be."""
    try:
        return _converted(raw, kind, hook)
    except msgspec.ValidationError:
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        for key in raw:
            if key not in fields:
                raise UsageError(
                    f"{where}unknown key {shown(key)}: the keys are {', '.join(fields)}"
                ) from None
        for key, field in fields.items():
            if key not in raw and field.required:
                raise UsageError(f"{where}{key} is missing: write {allowed(kind, key)}") from None
        for key, value in raw.items():
            try:
                _converted(value, fields[key].type, hook)
            except msgspec.ValidationError as error:
                reason = str(error.__cause__ or "")
                raise UsageError(wrong(kind, key, raw, where, reason)) from None
        raise


def _converted(value: object, kind: type[T], hook: Hook | None) -> T:
    return msgspec.convert(value, kind, builtin_types=(date, datetime, time), dec_hook=hook)


def wrong(kind: type[Table], key: str, raw: Mapping[str, Any], where: str, reason: str = "") -> str:
    """What is said of a key whose value cannot be used; a secret is not repeated."""
    because = f" ({reason})" if reason else ""
    secret = any((meta.extra or {}).get("secret") for meta in _metas(kind, key))
    given = " is wrong" if secret else f" = {shown(raw[key])}"
    return f"{where}{key}{given}: write {allowed(kind, key)}{because}"


def allowed(kind: type[Table], key: str) -> str:
    """What a key can be, in the words of error messages and of the documentation."""
    metas = _metas(kind, key)
    return (metas[0].description if metas else None) or "text in quotes"


def _metas(kind: type[Table], key: str) -> list[Meta]:
    [field] = [field for field in msgspec.structs.fields(kind) if field.encode_name == key]
    # A type that can be None too carries its Meta one level down.
    return [
        part
        for outer in (field.type, *get_args(field.type))
        for part in get_args(outer)
        if isinstance(part, Meta)
    ]


def shown(value: object) -> str:
    """A value roughly as TOML writes it, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
