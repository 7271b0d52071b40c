"""The addresses in links, read as a browser reads them."""

from __future__ import annotations

import re

_C0_AND_SPACE = "".join(map(chr, range(0x21)))
_TAB_OR_NEWLINE = re.compile(r"[\t\r\n]")
_OTHER_SCHEME = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*:", re.I)


def read_href(href: str) -> str:
    """An ``href`` attribute or a Location header as an address, relative or not.

    The steps are those of the WHATWG URL Standard (basic URL parser): control characters and
    spaces at the ends are dropped, so are tabs and line breaks inside; a space inside becomes
    ``%20``; before the query a backslash becomes a slash, unless the scheme is not the web's.
    """
    href = _TAB_OR_NEWLINE.sub("", href.strip(_C0_AND_SPACE)).replace(" ", "%20")
    if _OTHER_SCHEME.match(href):
        return href
    path = re.split(r"[?#]", href, maxsplit=1)[0]
    return path.replace("\\", "/") + href[len(path) :]
