"""Drift: whether a page that is believed is unlike the pages that its channel had so far.

Pure judgements, learned from the archive's own rows: how long texts are, and which fields the pages
of a layout always had. What is found is a notice to a person; the page stays what it is.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import takewhile
from typing import Any

from archive.errors import DriftKind, MissingKind
from archive.storage.expectations import usual_range
from archive.storage.guards import has_own_rule

# How many of a channel's newest pages are compared with, and how many there must be at least.
KNOWN = 200
FEWEST = 30
# A text is odd beyond 20 times the median or a 20th of it, and beyond 3.5 standard deviations:
# lengths of texts are lognormal (Sobkowicz et al., EPJ Data Science 2:2, 2013), so that logarithms
# are compared. Of the captured pages of 18 sites, taken as if they were one channel, the longest
# has 16 times the median, the shortest a 7th.
_REACH = math.log(20)
# Lists of names and whole standards are longer still: what is new is twice the longest so far.
_FARTHER = math.log(2)
# Where a few pages are odd now and then, the third in a row is more than an oversight.
_SOME = 0.05
_IN_A_ROW = 3

# What ``published_basis`` is where the page itself says when it was published.
_ITS_OWN = ("shown", "meta")
_LACKS: Mapping[MissingKind, str] = {
    "attachments-missing": "no attachments",
    "origin-missing": "no source (来源)",
    "published-missing": "no date of publication of its own",
    "time-missing": "no time of publication",
}


@dataclass(frozen=True, slots=True)
class Traits:
    """What is compared of a page.

    ``layout`` is the source's own, or the fallback that found the text; ``length`` the natural
    logarithm of one more than the text's characters, 0 where there is no text; ``lacks`` the fields
    that it does not have.
    """

    published: date
    layout: str
    length: float
    lacks: frozenset[MissingKind]


@dataclass(frozen=True, slots=True)
class Drift:
    """How a page is unlike the others, as the kind of its incident, and in words."""

    kind: DriftKind
    message: str


@dataclass(frozen=True, slots=True)
class Troubles:
    """The kinds of drift of which a channel has a trouble that is open, and had one lately.

    One odd page is a trouble where there was none like it; where one came lately, it is known that
    there are such pages now and then.
    """

    open: Collection[str] = ()
    lately: Collection[str] = ()

    def notice(self, kind: DriftKind, odd: Sequence[bool], *, is_new: bool) -> bool:
        """Whether a person is told of an odd page.

        ``odd`` says which of the others are odd in the same way, in the order in which they were
        read; ``is_new`` whether none is. Else it must be the third in a row, where nearly all
        others are not odd or a trouble is open, or the second where both are so.
        """
        if is_new and kind not in self.lately:
            return True
        alone, lasts = sum(odd) <= _SOME * len(odd), kind in self.open
        in_a_row = sum(takewhile(bool, reversed(odd)))
        return (alone or lasts) and in_a_row >= (1 if alone and lasts else _IN_A_ROW - 1)


def traits_of(content: Mapping[str, Any]) -> Traits:
    """The traits of a bulletin in JSON, as a revision stores it."""
    entries = [*([content["lead"]] if content["lead"] else []), *content["entries"]]
    characters = sum(len("".join(entry["text"].split())) for entry in entries)
    rule = content["body_rule"]
    has: Mapping[MissingKind, object] = {
        "attachments-missing": content["attachments"],
        "origin-missing": content["origin"] or content["issuer"],
        "published-missing": content.get("published_basis") in _ITS_OWN,
        "time-missing": content["published_at"],
    }
    return Traits(
        date.fromisoformat(content["published"]),
        rule.partition(":")[0] if has_own_rule(rule) else rule,
        math.log1p(characters),
        frozenset(kind for kind, value in has.items() if not value),
    )


def drifts(
    page: Traits, known: Sequence[Traits], before: Traits | None, troubles: Troubles
) -> Iterator[Drift]:
    """How a page is unlike ``known``, the channel's other pages in the order they were read in.

    ``before`` is what the page was before, None for a new one: it can lack only what it had. A page
    that is older than all others shows how the site was, not that it changes.
    """
    oldest = min((each.published for each in known), default=date.max)
    if before is None and page.published < oldest:
        return
    if found := _length(page, known, before, troubles):
        yield found
    for kind in sorted(page.lacks - (before.lacks if before else frozenset())):
        same = [each for each in known if each.layout == page.layout]
        if found := _field(kind, page.layout, same, troubles):
            yield found


def _length(
    page: Traits, known: Sequence[Traits], before: Traits | None, troubles: Troubles
) -> Drift | None:
    lengths = [each.length for each in known if each.length]
    if not lengths or max(lengths) - _REACH <= page.length <= min(lengths) + _REACH:
        return None  # the median is nearer still, and most pages need no more than this
    usual = usual_range(lengths, fewest=FEWEST, least_reach=_REACH)
    if usual is None or usual.holds(page.length) or (before and not usual.holds(before.length)):
        return None
    if page.length < usual.low and "attachments-missing" not in page.lacks:
        return None  # what it says is in its files
    is_new = not min(lengths) - _FARTHER <= page.length <= max(lengths) + _FARTHER
    odd = [not usual.holds(each.length) for each in known]
    # A page of nothing but pictures has no text, and there are such pages now and then.
    if not troubles.notice("size-unusual", odd, is_new=is_new and page.length > 0):
        return None
    return Drift(
        "size-unusual",
        f"its text has {_characters(page.length)} characters, where the channel's {len(lengths)} "
        f"newest pages with a text have {_characters(min(lengths))} to "
        f"{_characters(max(lengths))}, and half of them more than {_characters(usual.middle)}: "
        "look whether the page is whole, and whether the layouts in the source file still find its "
        "text",
    )


def _field(
    kind: MissingKind, layout: str, same: Sequence[Traits], troubles: Troubles
) -> Drift | None:
    odd = [kind in each.lacks for each in same]
    if len(odd) < FEWEST or all(odd):
        return None
    if not troubles.notice(kind, odd, is_new=not any(odd)):
        return None
    return Drift(
        kind,
        f"it has {_LACKS[kind]}, where {odd.count(False)} of the channel's {len(odd)} newest pages "
        f"in the layout {layout} have: look at the page; if it shows one, the layouts in the "
        "source file no longer find it",
    )


def _characters(length: float) -> int:
    return round(math.expm1(length))
