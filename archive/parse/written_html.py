"""Markup that a page's scripts write into it, read without running them.

Only what stands in the script as text is read: strings, and variables that hold a string, put
together with ``+`` inside ``document.write``.
"""

from __future__ import annotations

import re

_SCRIPT = re.compile(r"<script\b[^<>]*>(.*?)</script>", re.I | re.S)
_STRING = r"\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\\\n]|\\.)*+'"
_WRITE = re.compile(rf"document\.write(?:ln)?\(\s*((?:{_STRING}|[\w$]+|[\s+])*+)\)", re.S)
_VARIABLE = re.compile(rf"\b([\w$]+)\s*=\s*({_STRING})\s*(?=[;,\n])")
_PART = re.compile(rf"{_STRING}|[\w$]+")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.S)
_MEANT = {"n": "\n", "t": "\t", "r": "\r"}


def written_by_scripts(html: str) -> str:
    """What the ``document.write`` calls of a page's scripts write, in their order."""
    if "document.write" not in html:
        return ""
    return "".join(_written(script[1]) for script in _SCRIPT.finditer(html))


def _written(script: str) -> str:
    variables = {name: _value(literal) for name, literal in _VARIABLE.findall(script)}
    return "".join(
        variables.get(part, "") if part[0] not in "\"'" else _value(part)
        for call in _WRITE.finditer(script)
        for part in _PART.findall(call[1])
    )


def _value(literal: str) -> str:
    def meant(found: re.Match[str]) -> str:
        escaped = found[1]
        return chr(int(escaped[1:], 16)) if len(escaped) == 5 else _MEANT.get(escaped, escaped)

    return _ESCAPE.sub(meant, literal[1:-1])
