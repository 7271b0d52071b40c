"""Guards: whether a page that could be read is the bulletin that is known at its address.

Pure judgements: what is known is handed in. An answer that fails one is held (``holds.py``): its
bytes are kept, and it becomes neither a bulletin nor a revision by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archive.errors import HoldReason
from archive.model import Bulletin
from archive.storage.identity import plain, text_of

# Shares of pairs of characters that two texts have in common. Of 6,000 pairs of pages in the sample
# and of the tests, titles of different documents reach 0.34 in 99 of 100 pairs (more where they
# belong to one series), a site's name as title 0.55; texts 0.32 in 999 of 1,000.
LIKE_TITLE = 0.6
LIKE_TEXT = 0.4
# How much of a title must be left for a part of it to count as the same title.
_PART_OF_TITLE = 0.5
# A shorter title in a list (更多, 详细) says nothing.
_MIN_LISTED = 4
# Shorter texts are formulas (附件见下) that pages share, and their lengths change by much.
MIN_TEXT = 30
MIN_SHRUNK = 100
# A text that lost more than half of its characters has shrunk.
SHRUNK = 0.5
_CUT_OFF = ("…", "...", "．．．", "。。。")


@dataclass(frozen=True, slots=True)
class Said:
    """What the current revision of a bulletin says: its title, its text, and how it was read."""

    title: str
    text: str
    body_rule: str
    published: str
    published_at: str | None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another page of the source with the same text; ``title`` is what that page calls it."""

    address: str
    title: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why an answer is not believed, as the kind of its incident, and in words."""

    reason: HoldReason
    message: str


def doubt(
    page: Bulletin, listed: Sequence[str], before: Said | None, elsewhere: Iterable[Elsewhere]
) -> Doubt | None:
    """Why a page that says something new is not believed; None where it is.

    ``listed`` are the titles that lists have for its address, ``before`` the current revision,
    None for a page that was never captured; ``elsewhere`` has other pages with the same text.
    """
    expected = [*([before.title] if before else []), *listed]
    expected = [title for title in expected if len(plain(title)) >= _MIN_LISTED]
    titled = any(is_like_title(page.title, title) for title in expected)
    return (
        _double(page, titled, expected, elsewhere)
        or (_layout_missing(page, before) if before else None)
        or (None if titled else _title_unlike(page, expected, before))
        or (_date_missing(page, before) if before else None)
        or (_shrunk(page, before) if before else None)
    )


def _double(
    page: Bulletin,
    titled: bool,
    expected: Sequence[str],
    elsewhere: Iterable[Elsewhere],
) -> Doubt | None:
    """The same text under quite another title, or under a title that nothing speaks for.

    One document may stand in two columns under its own title; and a page of which nothing is known
    but that it names the hour when it was published is believed.
    """
    others = list(elsewhere)
    text = _text(page) if others else ""
    for other in others:
        if is_part_of_title(other.title, page.title) and expected:
            stray = not titled
        elif is_part_of_title(other.title, page.title):
            stray = page.published_at is None and len(text) >= MIN_TEXT
        else:
            stray = len(text) >= MIN_TEXT
        if stray:
            return Doubt(
                "same-body",
                f"{other.address} shows the same text: the site answers several addresses with one "
                "page; look at it in a browser, and decide with `bulletins review`",
            )
    return None


def _layout_missing(page: Bulletin, before: Said) -> Doubt | None:
    if not has_own_rule(before.body_rule) or has_own_rule(page.body_rule):
        return None
    return Doubt(
        "layout-missing",
        f"the text used to be in {before.body_rule}, which the page no longer has: compare the "
        "layouts in the source file with the page",
    )


def has_own_rule(body_rule: str) -> bool:
    """Whether a text was found by a selector of the source's own, not by a fallback."""
    return ":" in body_rule and not body_rule.startswith("known:")


def _title_unlike(page: Bulletin, expected: Sequence[str], before: Said | None) -> Doubt | None:
    if not expected:
        return None
    text = _text(page)
    if before and share(text, plain(before.text)) >= LIKE_TEXT:
        return None
    if any(_words_are_in(title, text) for title in expected):
        return None
    return Doubt(
        "title-unlike",
        f"the page is titled {page.title[:60]!r} where {expected[-1][:60]!r} was expected, and its "
        "text is another one: look at it with `bulletins review`",
    )


def _date_missing(page: Bulletin, before: Said) -> Doubt | None:
    published = page.published.isoformat() if page.published else None
    if before.published_at is None or page.published_at is not None:
        return None
    if published == before.published:
        return None
    return Doubt(
        "date-missing",
        f"the page no longer says when it was published ({before.published}): compare the layouts "
        "in the source file with the page",
    )


def _shrunk(page: Bulletin, before: Said) -> Doubt | None:
    now, had = len(_text(page)), len(plain(before.text))
    if had < MIN_SHRUNK or now >= had * SHRUNK:
        return None
    return Doubt(
        "shrunk",
        f"the text has {now} characters and had {had}: it becomes a revision when "
        "it is met again on another night, or with `bulletins review accept`",
    )


def _text(page: Bulletin) -> str:
    """What a page says; most pages are believed for what is cheaper to know."""
    return plain(text_of(page))


def is_like_title(one: str, other: str) -> bool:
    """Whether two titles can be those of one document: equal, cut off, a part, or much alike."""
    if is_part_of_title(one, other):
        return True
    pairs, others = _pairs(plain(one)), _pairs(plain(other))
    common = sum((pairs & others).values())
    return common > 0 and 2 * common >= LIKE_TITLE * (pairs.total() + others.total())


def is_part_of_title(one: str, other: str) -> bool:
    """Whether two titles are equal, or one is the other cut off with …, or a good part of it."""
    first, second = plain(one), plain(other)
    if not first or not second:
        return False
    for cut, whole, shown in ((first, second, one), (second, first, other)):
        if shown.rstrip().endswith(_CUT_OFF) and len(cut) >= _MIN_LISTED and whole.startswith(cut):
            return True
    shorter, longer = sorted((first, second), key=len)
    return shorter in longer and len(shorter) >= _PART_OF_TITLE * len(longer)


def share(one: str, other: str) -> float:
    """The share of the shorter text's pairs of characters that the other has too, 0 to 1."""
    pairs, others = _pairs(one), _pairs(other)
    least = min(pairs.total(), others.total())
    return sum((pairs & others).values()) / least if least else 0.0


def _words_are_in(title: str, text: str) -> bool:
    """Whether a text has most of a title's pairs of characters."""
    pairs = set(_pairs(plain(title)))
    return 2 * sum(pair in text for pair in pairs) >= len(pairs)


def _pairs(text: str) -> Counter[str]:
    return Counter(text[i : i + 2] for i in range(max(1, len(text) - 1))) if text else Counter()
