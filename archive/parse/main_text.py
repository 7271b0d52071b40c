"""The main text: where a page of an unknown site has it, found by density."""

from __future__ import annotations

from collections.abc import Mapping

from archive.parse.html import Element, walk
from archive.parse.lines import BLOCKS

# The shares of a text at which the rule moves to a part or to the container; tried on all pages
# of the tests.
_GREATEST_PART = 0.7
_MOST_OF = 0.8


def densest(root: Element) -> Element | None:
    """The element with the most sentences and the fewest links; None without sentences.

    Each element is rated with everything in it and the best is taken. Then its greatest part
    replaces it where that part has fewer links, and its container where that has no more links.
    """
    own, linked = _own_texts(root)
    elements = list(root.iter())
    sums = {e: _worth("".join(own.get(e, ())), linked.get(e, 0)) for e in elements}
    links = {e: linked.get(e, 0) for e in elements}
    for element in reversed(elements):
        parent = element.getparent()
        if parent is not None:
            sums[parent] += sums[element]
            links[parent] += links[element]
    best = max(elements, key=lambda element: sums[element])
    if sums[best] <= 0:
        return None
    part = _greatest_part(best, sums)
    while part is not None:
        best = part if links[part] < links[best] else best
        part = _greatest_part(part, sums)
    around = best.getparent()
    if best.tag == "p" and around is not None and any(sums[e] > 0 for e in around if e is not best):
        return around
    while around is not None and links[around] == links[best]:
        if around.tag == "html" or sums[around] < _MOST_OF * sums[best]:
            break
        best, around = around, around.getparent()
    return best


def _greatest_part(element: Element, sums: Mapping[Element, float]) -> Element | None:
    for part in element:
        if part.tag in BLOCKS and part.tag != "p" and sums[part] >= _GREATEST_PART * sums[element]:
            return part
    return None


def _own_texts(root: Element) -> tuple[dict[Element, list[str]], dict[Element, int]]:
    """The text of each block outside links, and how many characters it has inside links."""
    plain: dict[Element, list[str]] = {}
    linked: dict[Element, int] = {}
    block, depth = [root], 0

    def add(text: str | None) -> None:
        if text and not text.isspace():
            if depth:
                linked[block[-1]] = linked.get(block[-1], 0) + len(text.strip())
            else:
                plain.setdefault(block[-1], []).append(text.strip())

    for step, element in walk(root):
        if step == "begins":
            if element.tag in BLOCKS:
                block.append(element)
            depth += element.tag == "a"
            add(element.text)
        else:
            if step == "ends" and element.tag in BLOCKS:
                block.pop()
            depth -= step == "ends" and element.tag == "a"
            add(element.tail if element is not root else None)
    return plain, linked


def _worth(plain: str, linked: int) -> float:
    marks = sum(plain.count(mark) for mark in "，。；、！？")
    return (len(plain) + 10 * marks if marks else -0.2 * len(plain)) - 3 * linked
