"""What an answer for robots.txt says: rules, that there are none, or that nothing may be asked."""

from __future__ import annotations

from archive.captures.block_pages import block_page_kind
from archive.captures.decode import unpack
from archive.errors import Unreadable
from archive.parse.html import shown_pieces

# RFC 9309, 2.5: at least so much of a long one is read.
MAX_BYTES = 500 * 1024
_ADVICE = (
    "nothing is asked of the site without it; wait for the next night, and write to the site if it "
    "stays"
)


def read_rules(status: int, set_cookie: str, coding: str, body: bytes) -> bytes:
    """The rules in an answer, none where the site has none (RFC 9309, 2.3.1.3).

    ``coding`` is its Content-Encoding. Raises Unreadable for a block page, by its name, and
    ``unreachable`` for a server error, 429 and a body that cannot be unpacked: then nothing may be
    asked of the host (2.3.1.4).
    """
    if (status >= 500 and status != 521) or status == 429:
        raise Unreadable("unreachable", f"robots.txt is answered with {status}: {_ADVICE}")
    try:
        rules = unpack(body, coding)[:MAX_BYTES]
    except Unreadable as error:
        if status == 200:
            said = f"robots.txt cannot be read ({error}): {_ADVICE}"
            raise Unreadable("unreachable", said) from error
        rules = b""
    shown = rules.decode("utf-8", errors="replace")
    # Rules may name a path with "captcha" in it; it takes a page to ask for one.
    is_page = shown.lstrip("\ufeff \t\r\n").startswith("<")
    block = block_page_kind(status, set_cookie, shown, shown_pieces(shown) if is_page else ())
    if block and block.startswith("wall-") and (is_page or status != 200):
        raise Unreadable(
            block, f"robots.txt is answered with a block page (status {status}): {_ADVICE}"
        )
    return rules if status == 200 else b""
