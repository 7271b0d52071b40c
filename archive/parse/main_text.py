"""The main text: where a page of an unknown site has it, found by density."""

from __future__ import annotations

import re
from collections.abc import Mapping

from archive.parse.html import Element, hide, walk
from archive.parse.lines import BLOCKS

# The shares of a text at which the rule moves to a part or to the container; tried on all pages
# of the tests.
_GREATEST_PART = 0.7
_MOST_OF = 0.8


# What publishing systems' templates call the foot of a page; its sentences are no text.
_FOOT = re.compile(
    r"(?:^|\s)(?:(?:[\w-]*[_-])?foot(?:er)?\d*|bottom|copyright|banquan|dibu)(?:$|\s)", re.I
)
# Pictures that are buttons and codes rather than what a page shows.
_ICON = re.compile(r"icon|logo|share|fenxiang|qr_?code|erweima|ewm|print|close|spacer|dot\b", re.I)
# A shorter text is not looked for twice, and a copy is at least a fourth of what is there.
_MIN_COPY = 50
_COPY_SHARE = 4
_CONTAINERS = frozenset(("article", "div", "section", "td"))


def has_pictures(element: Element) -> bool:
    """Whether an element shows pictures other than icons."""
    sources = (image.get("src") or image.get("data-src") or "" for image in element.iter("img"))
    return any(source and not _ICON.search(source) for source in sources)


def picture_box(root: Element) -> Element | None:
    """The container with most of a page's pictures, None without any; links and icons are none."""
    boxes: dict[Element, int] = {}
    for image in root.iter("img"):
        source = image.get("src") or image.get("data-src") or ""
        if not source or _ICON.search(source) or next(image.iterancestors("a"), None) is not None:
            continue
        box = next(image.iterancestors("div", "td", "section", "article"), None)
        if box is not None:
            boxes[box] = boxes.get(box, 0) + 1
    return max(boxes, key=lambda box: boxes[box], default=None)


def hide_foot(body: Element) -> None:
    """Take the foot of the page out of a text that was found by density."""
    for element in body.iter():
        if element is not body and _is_foot(element):
            hide(element)


def hide_copies(body: Element) -> int:
    """Leave one of several containers with the same text; how many were hidden.

    Sites keep a second copy for elderly readers and hide it by its class, in a style sheet.
    """
    hidden = 0
    whole, spans = _spans(body)
    by_length: dict[int, list[tuple[int, Element]]] = {}
    least = max(_MIN_COPY, len(whole) // _COPY_SHARE)
    for element, (start, end) in spans.items():
        if end - start >= least:
            by_length.setdefault(end - start, []).append((start, element))
    for length, found in by_length.items():
        first, model = found[0]
        text = whole[first : first + length]
        for start, element in found[1:]:
            apart = start >= first + length and _name(element) != _name(model)
            if apart and whole.startswith(text, start):
                hide(element)
                hidden += 1
    return hidden


def _spans(body: Element) -> tuple[str, dict[Element, tuple[int, int]]]:
    """The text without whitespace, and where in it each named container begins and ends."""
    pieces: list[str] = []
    length = 0
    begun: dict[Element, int] = {}
    spans: dict[Element, tuple[int, int]] = {}
    for step, element in walk(body):
        if step == "begins":
            begun[element] = length
            text = element.text
        else:
            if step == "ends" and element.tag in _CONTAINERS and _name(element):
                spans[element] = (begun[element], length)
            text = element.tail if element is not body else None
        if text and (squeezed := "".join(text.split())):
            pieces.append(squeezed)
            length += len(squeezed)
    return "".join(pieces), dict(sorted(spans.items(), key=lambda item: item[1]))


def _name(element: Element) -> str:
    return f"{element.get('class') or ''} {element.get('id') or ''}".strip()


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
    block, depth, foot = [root], 0, 0

    def add(text: str | None) -> None:
        if text and not foot and not text.isspace():
            if depth:
                linked[block[-1]] = linked.get(block[-1], 0) + len(text.strip())
            else:
                plain.setdefault(block[-1], []).append(text.strip())

    for step, element in walk(root):
        if step == "begins":
            if element.tag in BLOCKS:
                block.append(element)
            depth += element.tag == "a"
            foot += _is_foot(element)
            add(element.text)
        else:
            foot -= step == "ends" and _is_foot(element)
            if step == "ends" and element.tag in BLOCKS:
                block.pop()
            depth -= step == "ends" and element.tag == "a"
            add(element.tail if element is not root else None)
    return plain, linked


def _is_foot(element: Element) -> bool:
    name = _name(element)
    return element.tag == "footer" or (name != "" and _FOOT.search(name) is not None)


def _worth(plain: str, linked: int) -> float:
    marks = sum(plain.count(mark) for mark in "，。；、！？")
    return (len(plain) + 10 * marks if marks else -0.2 * len(plain)) - 3 * linked
