"""Attachments: the files that a detail page offers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urlsplit

from archive.hrefs import read_href
from archive.model import Attachment
from archive.parse.html import Element, text_of
from archive.sources import PageContext

_FILE = re.compile(
    r"\.(?:pdf|docx?|xlsx?|wps|et|ofd|zip|rar|7z|pptx?|ceb|txt|csv)(?:$|[?#&;])|document/download\?",
    re.I,
)
_FILE_BOX = re.compile(r"attach|download|annex|append|fujian|(?:^|[\s_-])fj(?:$|[\s_-])", re.I)


def attachments_of(
    root: Element, areas: Iterable[Element], context: PageContext | None
) -> Iterator[Attachment]:
    """Files offered in one of the areas or in a box for them, once each, in page order.

    A file of another site keeps its own address; without a context all addresses are as written.
    """
    inside = set(areas)
    seen: set[str] = set()
    for link in root.iter("a"):
        href = read_href(link.get("href") or "")
        if not _FILE.search(href) or not _offers_file(link, inside):
            continue
        address = (context.canonical(href) if context else None) or href
        if address not in seen:
            seen.add(address)
            yield Attachment(address, _label(link, href))


def _offers_file(link: Element, areas: set[Element]) -> bool:
    if link.get("download") is not None:
        return True
    for ancestor in link.iterancestors():
        names = f"{ancestor.get('class') or ''} {ancestor.get('id') or ''}"
        if ancestor in areas or (ancestor.tag != "body" and _FILE_BOX.search(names)):
            return True
    return False


def _label(link: Element, href: str) -> str:
    label = text_of(link) or " ".join((link.get("title") or "").split())
    if label:
        return label
    try:
        return unquote(urlsplit(href).path.rsplit("/", 1)[-1].partition(";")[0])
    except ValueError:
        return ""
