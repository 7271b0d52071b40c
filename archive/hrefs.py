"""The addresses in links, read as a browser reads them."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

_C0_AND_SPACE = "".join(map(chr, range(0x21)))
_ODD = re.compile(r"[\x00-\x20\\]")  # what no rule is about, most links have none of
_TAB_OR_NEWLINE = re.compile(r"[\t\r\n]")
_FILE_NAME = re.compile(r"[^/]+\.(?!jspx?$|do$|action$|php$|aspx?$)[a-z0-9]{1,5}$", re.I)
# Names of query values that say which file is meant; sid, jsessionid, token and the like say who
# asks, and so may jpaas's fileUrl, which is encrypted.
_FILE_ID = re.compile(r"(?:file|attach(?:ment)?|doc|annex)?_?(?:id|name)", re.I)
_OTHER_SCHEME = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*:", re.I)


def read_href(href: str) -> str:
    """An ``href`` attribute or a Location header as an address, relative or not.

    The steps are those of the WHATWG URL Standard (basic URL parser): control characters and
    spaces at the ends are dropped, so are tabs and line breaks inside; a space inside becomes
    ``%20``; before the query a backslash becomes a slash, unless the scheme is not the web's.
    """
    if not _ODD.search(href):
        return href
    href = _TAB_OR_NEWLINE.sub("", href.strip(_C0_AND_SPACE)).replace(" ", "%20")
    if _OTHER_SCHEME.match(href):
        return href
    path = re.split(r"[?#]", href, maxsplit=1)[0]
    return path.replace("\\", "/") + href[len(path) :]


def file_name(address: str) -> str:
    """The name of the file at an address, without what is new with every session.

    The last part of the path, or the value of the query that looks like a file's name; where a
    program is asked for a file by number, that program with the number.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    last = unquote(parts.path.rsplit("/", 1)[-1].partition(";")[0])
    asked = parse_qsl(parts.query)
    for name in (last, *(value.rsplit("/", 1)[-1] for _, value in asked)):
        if _FILE_NAME.fullmatch(name):
            return name
    return "&".join([last, *(f"{k}={v}" for k, v in asked if _FILE_ID.fullmatch(k))])
