"""Publication: when a page says that it came out, and whom it names as its source.

The prescribed meta tags come first, then the source's own selectors, then labels in the text
around the main text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

from archive.parse.html import Element, first_with_text, text_of
from archive.parse.written_dates import WRITTEN_DATE, read_date_time

_META_DATES = ("pubdate", "firstpublishedtime", "publishdate")
# More characters than a date with a time of day has.
_MAX_DATE_TIME = 30
_STARTS_DATE = r"\s{0,9}(?=(?:19|20)\d{2})"
# The best first; 成文 is the day a paper was signed, some days before its publication.
_LABELLED_DATES = (
    re.compile(rf"(?:发布|发表|发文|上网|刊发)(?:日期|时间)\s{{0,3}}[:：]{_STARTS_DATE}"),
    re.compile(rf"(?<![\u4e00-\u9fff])(?:时间|日期)\s{{0,3}}[:：]{_STARTS_DATE}"),
    re.compile(rf"(?:成文|印发)(?:日期|时间)\s{{0,3}}[:：]{_STARTS_DATE}"),
    # No label, but a source after it, as news sites write it.
    re.compile(rf"(?={WRITTEN_DATE}\s?(?:\d{{1,2}}:\d{{2}}\S{{0,3}})?\s{{0,9}}来源)"),
)
_LABELLED_SOURCE = re.compile(
    r"(?:信息|文章|稿件|资料)?来源\s{0,3}[:：]\s{0,3}([^\s|｜\[\]【】:：；;，,]{2,40})"
)


def published_at(
    root: Element, metas: Mapping[str, str], selectors: Sequence[str], surroundings: str
) -> tuple[date | None, str | None]:
    """The civil date of publication and, where the page has a time for that date, the instant.

    ``metas`` by lower-case name; ``selectors`` are the source's own; ``surroundings`` is the text
    of the page around the main text.
    """
    candidates = [metas.get(name, "") for name in _META_DATES]
    if found := first_with_text(root, selectors):
        candidates.append(text_of(found[0], " "))
    for label in _LABELLED_DATES:
        if match := label.search(surroundings):
            candidates.append(surroundings[match.end() : match.end() + _MAX_DATE_TIME])
    read = [pair for candidate in candidates if (pair := read_date_time(candidate))]
    if not read:
        return None, None
    day = read[0][0]
    return day, next((instant for other, instant in read if other == day and instant), None)


def credit_of(metas: Mapping[str, str], surroundings: str) -> str | None:
    """What the page names as its source (来源), None where it names nothing."""
    if named := metas.get("contentsource"):
        return " ".join(named.split())
    if found := _LABELLED_SOURCE.search(surroundings):
        return found[1]
    found = _LABELLED_SOURCE.search(metas.get("source", ""))
    return found[1] if found else None
