"""Where title, date and text stand on a site's unknown detail pages: selectors, to be confirmed.

A page is first read without any layout, then the elements are looked for that say what was read.
A selector counts where it finds that on every page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from archive.parse.detail_page import KNOWN_BODIES, Page
from archive.parse.html import Element, first_with_text, parse, text_of
from archive.parse.main_text import densest
from archive.parse.row_guess import names_of
from archive.parse.titles import squeezed
from archive.parse.written_dates import read_date_time

# A longer text has a date in it, and is not the line of date and source.
_DATE_TEXT = 80
_ABOVE = 4

_Says = Callable[[Element, Page], bool]


@dataclass(frozen=True, slots=True)
class LayoutGuess:
    """A selector for each part of a detail page, None where none was found on all its pages."""

    title: str | None
    published: str | None
    body: str | None
    pages: int


def guess_layouts(pages: Sequence[tuple[str, Page]]) -> list[LayoutGuess]:
    """The layouts of some detail pages; each is its decoded text, and what that was read as.

    Pages whose text was found by the same rule have one layout.
    """
    opened = [(root, page) for text, page in pages if (root := parse(text)) is not None]
    by_rule: dict[str, list[tuple[Element, Page]]] = {}
    for root, page in opened:
        by_rule.setdefault(page.body_rule, []).append((root, page))
    return [_layout(some) for some in by_rule.values()]


def _layout(opened: Sequence[tuple[Element, Page]]) -> LayoutGuess:
    # A page of nothing but pictures says nothing of where a text would be.
    worded = [(root, page) for root, page in opened if page.lines]
    return LayoutGuess(
        title=_first(_that_say(opened[0], _is_title), opened, _is_title),
        published=_first(_that_say(opened[0], _is_date), opened, _is_date),
        body=_first(_bodies(*worded[0]), worded, _is_body) if worded else None,
        pages=len(opened),
    )


def _first(
    selectors: Iterable[str], opened: Sequence[tuple[Element, Page]], says: _Says
) -> str | None:
    """The first selector whose first match with text says the right thing on every page."""
    for selector in selectors:
        found = [(first_with_text(root, (selector,)), page) for root, page in opened]
        if all(match is not None and says(match[0], page) for match, page in found):
            return selector
    return None


def _that_say(opened: tuple[Element, Page], says: _Says) -> Iterator[str]:
    """Selectors of the elements of a page that say something, the innermost elements first."""
    root, page = opened
    matches = [element for element in root.iter() if says(element, page)]
    for element in sorted(matches, key=lambda one: len(text_of(one)) * 100 + len(one)):
        yield from _selectors(element)


def _selectors(element: Element) -> Iterator[str]:
    """Selectors that name an element, by itself or within a container that has a name."""
    own = sorted(names_of(element), key=lambda name: not name.startswith("#"))
    yield from own
    above = [one for one in element.iterancestors() if isinstance(one.tag, str)][:_ABOVE]
    for depth, container in enumerate(above):
        between = " > " if depth == 0 else " "
        for name in names_of(container):
            yield from (f"{name}{between}{one}" for one in own or [element.tag])
    if element.tag in ("h1", "h2", "h3"):
        yield element.tag


def _is_title(element: Element, page: Page) -> bool:
    if not isinstance(element.tag, str) or element.tag in ("html", "head", "title", "meta", "a"):
        return False
    wanted = squeezed(page.title)
    return bool(wanted) and squeezed(text_of(element)) == wanted


def _is_date(element: Element, page: Page) -> bool:
    if not isinstance(element.tag, str) or element.tag in ("html", "head", "title", "meta", "a"):
        return False
    text = text_of(element) if page.published else ""
    found = read_date_time(text) if 0 < len(text) <= _DATE_TEXT else None
    # A meta tag's time of day has seconds, and is often some minutes off the one that is shown.
    return found is not None and found[0] == page.published


def _bodies(root: Element, page: Page) -> Iterator[str]:
    """Selectors of the container of a page's text: the rule's that found it, or the densest's."""
    rule = page.body_rule.partition(":")[2]
    if rule in KNOWN_BODIES:
        yield rule
        return
    found = densest(root)
    for element in () if found is None else (found, *list(found.iterancestors())[:_ABOVE]):
        yield from _selectors(element)


def _is_body(element: Element, page: Page) -> bool:
    """Whether an element has all the lines of a page, and not twice as much besides."""
    text, lines = squeezed(text_of(element)), [squeezed(line.text) for line in page.lines]
    length = sum(map(len, lines))
    return bool(lines) and all(line in text for line in lines) and len(text) <= 2 * length + 200
