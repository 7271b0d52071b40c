"""Markup: a page as a tree, however broken or deep it is.

lxml reads a page some ten times faster than BeautifulSoup over lxml does; a page is small, but a
rebuild reads all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Literal, Protocol, cast

from lxml import etree
from lxml.cssselect import CSSSelector

Step = Literal["begins", "ends", "passed"]

# What a browser does not show as text of the page.
SILENT = frozenset(
    ("script", "style", "noscript", "template", "iframe", "button", "select", "textarea", "title")
)
# The C library stops reading at this depth (libxml2 2.14, with its limits lifted).
_TOO_DEEP = "Excessive depth"
_KEPT_FLAT = r"(?:html|head|body|title|meta|script|style|noscript|br|hr|img|p|h[1-6])\b"
_INLINE = re.compile(r"</?(?:a|b|i|u|em|font|span|strong|o:p|sub|sup|small|big)\b[^<>]*>", re.I)
_NESTING = re.compile(rf"</?(?!/?{_KEPT_FLAT})[a-z][^<>]*>", re.I)
_RUNS = re.compile(r"[ \t\r\n\f\v\xa0]+")
_ZERO_WIDTH = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
# East Asian wide and ambiguous signs, by block: a line end beside one is no blank.
_WIDE = re.compile(
    "[\u2010-\u2027\u2030-\u205e\u2100-\u24ff\u2500-\u27bf\u2e80-\ua4cf\uac00-\ud7a3"
    "\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\U00020000-\U0003ffff]"
)


class Element(Protocol):
    """What is used here of an lxml element; ``text`` and ``tail`` as lxml means them."""

    tag: str
    text: str | None
    tail: str | None

    def get(self, key: str) -> str | None: ...
    def iter(self, *tags: str) -> Iterator[Element]: ...
    def iterancestors(self, *tags: str) -> Iterator[Element]: ...
    def getparent(self) -> Element | None: ...
    def __iter__(self) -> Iterator[Element]: ...
    def __len__(self) -> int: ...


def parse(text: str) -> Element | None:
    """The root of a page, None where there is nothing to read.

    Comments are dropped. A page nested deeper than the C library reads (2048 elements) comes as
    flat paragraphs, without containers.
    """
    parser = _parser()
    root = _read(text, parser)
    if any(_TOO_DEEP in entry.message for entry in parser.error_log):
        root = _read(_NESTING.sub("<p>", _INLINE.sub("", text)), _parser())
    return root


def _parser() -> etree.HTMLParser:
    return etree.HTMLParser(
        encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True, no_network=True
    )


def _read(text: str, parser: etree.HTMLParser) -> Element | None:
    try:
        root = etree.fromstring(text.encode("utf-8", errors="replace"), parser)
    except etree.XMLSyntaxError:
        return None
    return cast("Element | None", root)


def select(root: Element, selector: str) -> list[Element]:
    """The elements that a CSS selector meets, in page order; the root itself can be one."""
    return cast("list[Element]", _compiled(selector)(root))


@cache
def _compiled(selector: str) -> CSSSelector:
    return CSSSelector(selector, translator="html")


def walk(root: Element, without: Element | None = None) -> Iterator[tuple[Step, Element]]:
    """Each element where it begins, and where it ends and its tail is to be read.

    Elements that a browser does not show, and ``without``, are passed over with all they hold:
    of them comes one step, ``passed``.
    """
    walker = etree.iterwalk(root, events=("start", "end"))
    over: Element | None = None
    for event, element in walker:
        if event == "end":
            yield ("passed" if element is over else "ends"), element
        elif element is without or element.tag in SILENT or _is_hidden(element):
            over = element
            walker.skip_subtree()
        else:
            yield "begins", element


def _is_hidden(element: Element) -> bool:
    style = element.get("style")
    return (
        style is not None and "none" in style and "display:none" in style.replace(" ", "").lower()
    )


def pieces(root: Element) -> Iterator[str]:
    """The text that a browser shows of an element, in pieces."""
    for step, element in walk(root):
        if step == "begins":
            if element.text:
                yield element.text
        elif element.tail and element is not root:
            yield element.tail


def text_of(root: Element, between: str = "") -> str:
    """The text that a browser shows of an element, in one line."""
    return fold(between.join(pieces(root))).strip()


def has_text(root: Element) -> bool:
    """Whether a browser shows anything of an element but blanks."""
    return any(not piece.isspace() for piece in pieces(root))


def brief_text_of(root: Element, limit: int) -> str:
    """``text_of``, given up after some ``limit`` characters."""
    found: list[str] = []
    for piece in pieces(root):
        found.append(piece[:limit])
        limit -= len(found[-1])
        if limit <= 0:
            break
    return fold("".join(found)).strip()


def fold(text: str) -> str:
    """Blanks as a browser shows them: one for each run, none where a line ends beside Han.

    No-break blanks count as blanks, U+3000 stays, signs without width vanish.
    """
    if _ZERO_WIDTH.search(text):
        text = _ZERO_WIDTH.sub("", text)

    def folded(found: re.Match[str]) -> str:
        run = found[0]
        if run == " " or not ("\n" in run or "\r" in run):
            return " "
        beside = (
            text[max(0, found.start() - 1) : found.start()],
            text[found.end() : found.end() + 1],
        )
        return "" if any(_WIDE.match(char) for char in beside) else " "

    return _RUNS.sub(folded, text)


def marked_ancestors(elements: Iterable[Element]) -> set[Element]:
    """All elements that hold one of these; linear, since no ancestor is passed twice."""
    marked: set[Element] = set()
    for element in elements:
        for ancestor in element.iterancestors():
            if ancestor in marked:
                break
            marked.add(ancestor)
    return marked
