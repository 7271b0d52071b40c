"""Titles: what a page is called, without the names of column and site."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import unescape

from archive.parse.html import Element, brief_text_of, fold, select
from archive.parse.lines import WHITESPACE

# A longer text is not a title.
MAX_TITLE = 300
_GENERIC = ("h1", "h2", "h3", ".title")
_MAX_HEADINGS = 50
_HAN = r"[\u3400-\u9fff\uf900-\ufaff，。、；：？！“”‘’《》（）【】]"
_SPACE_IN_HAN = re.compile(rf"(?<={_HAN}) (?={_HAN})")
_SITE_WORDS = re.compile(
    r"(?:网|网站|门户|部|委|局|署|厅|会|院|政府|办公室|平台|频道|客户端|\w\.(?:cn|com|net|org|example))$"
)
_SITE_NAME = re.compile(r".{0,20}(?:网|网站|门户|平台|部|委员会|局|政府|厅|署)")
# What stands between a title, the column's name and the site's; the groups keep the separators.
_TITLE_PARTS = re.compile(
    r"(\s?(?:_{1,3}|\|{1,3}|－{1,3}|(?<!-)--(?!-)|\s[-–—]\s|(?<=[^\x00-\x7f])-(?=[^\x00-\x7f]))\s?)"
)
_MAX_COLUMN = 6
# Markup that an editor wrote into a title's field, and that the page then shows escaped.
_MARKUP = re.compile(
    r"</?(?:a|b|br|div|em|font|h[1-6]|i|p|small|span|strong|sub|sup|u)\b[^<>]{0,200}>", re.I
)
_NO_TITLES = frozenset(
    ("附件下载", "附件", "相关文章", "相关链接", "当前位置", "扫一扫", "无标题文档")
)


def title_of(
    root: Element, metas: Mapping[str, str], selectors: Sequence[str], above: Sequence[str] = ()
) -> str:
    """The title: the meta tag's, else the source's own, the heading that <title> repeats, <title>.

    ``metas`` by lower-case name; ``selectors`` are the source's own, for its headings; ``above``
    are the lines that stand where a title does, above the byline, the likeliest first. They count
    as headings where <title> repeats them, and where it has nothing but the site's name.
    """
    sites = [metas[name] for name in ("sitename", "columnname") if name in metas]
    tag = next(iter(root.iter("title")), None)
    whole = _plain((tag.text or "")[:MAX_TITLE]) if tag is not None else ""
    own = _headings(root, selectors)
    headings = [*own, *_headings(root, _GENERIC)]
    named = _plain(metas.get("articletitle", "")[:MAX_TITLE])
    if named and clean_title(named) not in sites:
        return _as_shown(named, [*headings, *above, whole])
    if named_here := next((heading for heading in own if heading not in _NO_TITLES), None):
        return named_here
    in_title_tag = squeezed(whole)
    shown = [h for h in headings if h not in sites and h.strip("：:") not in _NO_TITLES]
    repeated = [
        h for h in (*shown, *above)
        if len(h) > 4 and squeezed(h) in in_title_tag and not _SITE_NAME.fullmatch(h)
    ]  # fmt: skip
    if repeated:
        return max(repeated, key=len)
    title = _without_site(whole, sites)
    if title and title not in (*sites, *_NO_TITLES) and not _SITE_NAME.fullmatch(title):
        return title
    shown = [h for h in shown if not _SITE_NAME.fullmatch(h)] or shown
    return next((h for h in (*(a for a in above if a in shown), *above, *shown)), title)


def _headings(root: Element, selectors: Sequence[str]) -> list[str]:
    found = (e for selector in selectors for e in select(root, selector)[:_MAX_HEADINGS])
    return [text for heading in found if (text := _plain(brief_text_of(heading, MAX_TITLE)))]


def _plain(text: str) -> str:
    """A title without the markup that was escaped with it."""
    if "&" in text:
        text = unescape(text)
    return fold(_MARKUP.sub("\n", text) if "<" in text else text).strip(WHITESPACE)


def squeezed(text: str) -> str:
    """A text without its whitespace, to compare what was broken into lines differently."""
    return "".join(text.split())


def _as_shown(named: str, shown: Sequence[str]) -> str:
    """A meta tag's title with the spaces that the page itself shows in it.

    Meta tags have spaces where the title had line breaks; the page's own headings tell those
    from spaces that the ministry wrote.
    """
    wanted = squeezed(named)
    for text in shown:
        if squeezed(text).startswith(wanted):
            taken, end = 0, 0
            while taken < len(wanted):
                taken += not text[end].isspace()
                end += 1
            return text[:end]
    return clean_title(named)


def _without_site(whole: str, sites: Sequence[str]) -> str:
    """<title> without the names of column and site that stand after the page's own."""
    parts = _TITLE_PARTS.split(whole)
    kept = len(parts)
    while kept > 2 and (
        parts[kept - 1] in sites
        or _SITE_WORDS.search(parts[kept - 1])
        or (kept < len(parts) and len(parts[kept - 1]) <= _MAX_COLUMN)
    ):
        kept -= 2
    return "".join(parts[:kept])


def clean_title(raw: str) -> str:
    """A meta tag's title in one line, without the spaces that line breaks left between Han.

    A full-width space (U+3000) is one that the ministry wrote.
    """
    return _SPACE_IN_HAN.sub("", fold(raw).strip(WHITESPACE))
