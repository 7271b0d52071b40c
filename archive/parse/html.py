"""HTML: a page as a tree, and the text that a browser shows of it.

The only module that knows which libraries read markup. The tree is lxml's, the selectors are
cssselect's; BeautifulSoup opens the XML that some lists come in. docs/architecture.md has the
measurements behind the choice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, Literal, Protocol, cast

import cssselect
from bs4 import BeautifulSoup
from lxml import etree
from lxml.cssselect import CSSSelector

Step = Literal["begins", "ends", "passed"]

# Elements that a browser does not show as text of the page.
SILENT = frozenset(
    ("script", "style", "noscript", "template", "iframe", "button", "select", "textarea", "title")
)
# libxml2 2.14 stops reading at this depth, even with its other limits lifted.
_TOO_DEEP = "Excessive depth"
_KEPT_FLAT = r"(?:html|head|body|title|meta|script|style|noscript|br|hr|img|p|h[1-6])\b"
_INLINE = re.compile(r"</?(?:a|b|i|u|em|font|span|strong|o:p|sub|sup|small|big)\b[^<>]*>", re.I)
_NESTING = re.compile(rf"</?(?!/?{_KEPT_FLAT})[a-z][^<>]*>", re.I)
# An envelope of records is four elements deep.
_MAX_XML_DEPTH = 32
_RUNS = re.compile(r"[ \t\r\n\f\v\xa0]+")
_ZERO_WIDTH = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
# East Asian wide and ambiguous characters, by block: a line end beside one is not shown.
_WIDE = re.compile(
    "[\u2010-\u2027\u2030-\u205e\u2100-\u24ff\u2500-\u27bf\u2e80-\ua4cf\uac00-\ud7a3"
    "\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\U00020000-\U0003ffff]"
)


class SelectorError(ValueError):
    """A CSS selector that cannot be read; the message names it and says why."""


class Element(Protocol):
    """The part of an lxml element that is used here; ``text`` and ``tail`` as lxml means them."""

    tag: str
    text: str | None
    tail: str | None

    def get(self, key: str) -> str | None: ...
    def set(self, key: str, value: str) -> None: ...
    def iter(self, *tags: str) -> Iterator[Element]: ...
    def iterancestors(self, *tags: str) -> Iterator[Element]: ...
    def getparent(self) -> Element | None: ...
    def __iter__(self) -> Iterator[Element]: ...
    def __len__(self) -> int: ...


def parse(text: str) -> Element | None:
    """The root of a page or a fragment, None where there is nothing to read.

    Comments are dropped. A page nested deeper than libxml2 reads (2048 elements) is read as flat
    paragraphs, without its containers, so that no word is lost and the cost stays linear.
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
    """The elements that match a CSS selector, in page order; the root itself can be one.

    Raises SelectorError.
    """
    return cast("list[Element]", _compiled(selector)(root))


def check_selector(selector: str) -> None:
    """Raise SelectorError where ``select`` could not use the selector."""
    _compiled(selector)


@cache
def _compiled(selector: str) -> CSSSelector:
    try:
        compiled = CSSSelector(selector, translator="html")
        # A namespace prefix is refused only when the selector is used.
        compiled(etree.Element("html"))
    except (cssselect.SelectorError, etree.XPathError, ValueError, RecursionError) as error:
        raise SelectorError(
            f"{selector!r} is not a CSS selector that can be used here: {error}"
        ) from error
    return compiled


def first_with_text(root: Element, selectors: Sequence[str]) -> tuple[Element, str] | None:
    """The first element with text that the first possible selector matches, and that selector."""
    for selector in selectors:
        for element in select(root, selector):
            if has_text(element):
                return element, selector
    return None


class _ShallowSoup(BeautifulSoup):
    """A soup whose elements past a depth stand side by side.

    BeautifulSoup's cost grows with the square of the depth; what arrives from the network must
    not be able to use that.
    """

    def pushTag(self, tag: Any) -> None:  # noqa: N802 - BeautifulSoup's name
        while len(self.tagStack) > _MAX_XML_DEPTH:
            self.popTag()
        super().pushTag(tag)


def xml_texts(text: str, name: str) -> list[str]:
    """The text of each XML element of that name, in order, however broken the XML is.

    BeautifulSoup reads CDATA sections and escaped text alike, takes text that has been decoded
    already whatever encoding its declaration claims, and raises nothing.
    """
    return [found.get_text() for found in _ShallowSoup(text, "xml").find_all(name)]


def walk(
    root: Element, without: Element | None = None, *, even_if_hidden: bool = False
) -> Iterator[tuple[Step, Element]]:
    """Each element where it begins, and where it ends and its tail is to be read.

    This is the one rule for hidden text: elements in SILENT and those with ``display:none`` are
    passed over with everything in them, and so is ``without``; each is one step, ``passed``.
    ``even_if_hidden`` makes an exception for the root.
    """
    walker = etree.iterwalk(root, events=("start", "end"))
    over: Element | None = None
    for event, element in walker:
        if event == "end":
            yield ("passed" if element is over else "ends"), element
        elif element is without or (
            _is_hidden(element) and not (even_if_hidden and element is root)
        ):
            over = element
            walker.skip_subtree()
        else:
            yield "begins", element


def _is_hidden(element: Element) -> bool:
    if element.tag in SILENT:
        return True
    style = element.get("style")
    return (
        style is not None and "none" in style and "display:none" in style.replace(" ", "").lower()
    )


def hide(element: Element) -> None:
    """Make an element one whose text is read no more; the text behind it stays."""
    element.set("style", "display:none")


def pieces(
    root: Element, *, without: Element | None = None, even_if_hidden: bool = False
) -> Iterator[str]:
    """The text that a browser shows of an element, in pieces; ``without`` is passed over."""
    for step, element in walk(root, without, even_if_hidden=even_if_hidden):
        if step == "begins":
            if element.text:
                yield element.text
        elif element.tail and element is not root:
            yield element.tail


def shown_pieces(text: str) -> Iterator[str]:
    """The text that a browser shows of a page, in pieces; none where there is nothing to read."""
    root = parse(text)
    return pieces(root) if root is not None else iter(())


def text_of(root: Element, between: str = "") -> str:
    """The text that a browser shows of an element, in one line."""
    return fold(between.join(pieces(root))).strip()


def has_text(root: Element) -> bool:
    """Whether a browser shows anything of an element but whitespace."""
    return any(not piece.isspace() for piece in pieces(root))


def brief_text_of(root: Element, limit: int) -> str:
    """``text_of``, cut after about ``limit`` characters."""
    found: list[str] = []
    for piece in pieces(root):
        found.append(piece[:limit])
        limit -= len(found[-1])
        if limit <= 0:
            break
    return fold("".join(found)).strip()


def fold(text: str) -> str:
    """Whitespace as a browser shows it: one space for a run, none where a line ends beside Han.

    No-break spaces count as spaces, U+3000 stays, characters without width are dropped.
    """
    if _ZERO_WIDTH.search(text):
        text = _ZERO_WIDTH.sub("", text)
    if "\n" not in text and "\r" not in text:
        return _RUNS.sub(" ", text)

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
    """All elements that contain one of these; linear, since no ancestor is visited twice."""
    marked: set[Element] = set()
    for element in elements:
        for ancestor in element.iterancestors():
            if ancestor in marked:
                break
            marked.add(ancestor)
    return marked
