"""The shape of a page: its markup without its words, so that two pages can be compared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from bs4 import BeautifulSoup
from bs4.element import Tag

# How publishing systems write their pages, each quirk with a pattern that finds it: first those
# inside scripts, then those outside.
SCRIPTED = {
    "document.write": r"document\.write",
    "a pager by script": r"(?<!/)createPageHTML\(",
    "a pager in a comment": r"//createPageHTML\(",
    "pages that count down": r"maxPageNum = \d",
    "a pager in base64": r"window\.atob",
}
QUIRKS = {
    "closing tags of metas": "</meta>",
    "closing tags of line breaks": r"(?i)</br>",
    "closing tag without an opening one": r"</NFC_POST_VISIT>",
    "classes without quotes": r"<[a-z]+ [^<>]*\bclass=[\w.]",
    "attributes without whitespace between them": r'<meta name="\w+"content=',
    "attributes in single quotes": r"<meta name='",
    "a name in full-width quotes": 'name="”',
    "tags in upper case": r"<(?:BR|TD|TABLE|META)\b",
    "whitespace inside a closing tag": r"</a\s+>",
    "elements hidden by style": r"display:\s?none",
    "conditional comments": r"<!--\[if ",
    "markup of Word": r"<o:p>",
    "metas inside the text": r'<meta name="ContentStart"',
    "the text twice": r"(?s)<UCAPCONTENT>.*<UCAPCONTENT>",
    "one id twice": r'(?s)id="zoomcon".*id="zoomcon"',
    "an element after the page's end": r"(?s)</html>\s*<(?:div|script)",
    "a comment between metas": r"<meta [^<>]*><!--",
    "no page around the rows": r"(?i)\A\s*<(?!!doctype|html|datastore)",
    "records": r"<record><!\[CDATA\[",
    "empty title attributes": r'<a [^<>]*title=""',
    "titles cut short": r"\.\.\.(?=</a>|<span)",
    "whitespace in addresses": r'href="\s|href="[^"\s]*\n',
    "line breaks in title attributes": r'title="[^"\n]*\n[^"]*">[^<\n]*</a></div>',
    "dates without a year": r">\s*\d\d\.\d\d</span>",
    "dates in brackets": r">\[\d{4}-\d\d-\d\d\]<",
    "dates before a line break": r"(?:\d{4}-\d\d-\d\d|\}\}) ?\n\s*</span>",
    "dates after a line break": r">\n\d\d\.\d\d",
    "dates inside links": r'<span class="time">[^<]*</span></a>',
    "dates with slashes": r">(?:发布时间：)?\d{4}/\d\d/\d\d<",
    "the end of a period as the date": "截止日期",
    "a period as the date": r"(?:\}\}|\d)至(?:\{\{|\d)",
    "buttons for the size of letters": r"字体",
    "a notice for phones": "扫一扫在手机打开当前页",
    "pages related to it": r"相关(?:文章|阅读|信息|文档|政策与解读)",
    "the editor": r"责任编辑|责编",
}

_HAN = re.compile(r"[\u3400-\u9fff]+")
_SCRIPT = re.compile(r"(?is)(<(?:script|style)\b[^>]*>).*?(</(?:script|style)>)")
_CODES = re.compile(r"[0-9a-f]{16,}|\d{3,}")


def markup(text: str) -> str:
    """The HTML of an answer: itself, or what its envelope of JSON holds."""
    if not text.startswith("{"):
        return text
    data = json.loads(text)["data"]
    return str(data.get("docClob") or data.get("html") or "")


def doctype(text: str) -> str:
    """The document type as written, empty where there is none."""
    found = re.match(r"\s*(<!doctype[^>]*>)", text, re.I)
    return found[1] if found else ""


def label(text: str) -> str:
    """The charset that the page claims, as written."""
    found = re.search(r"<meta[^<>]*charset=[\"']?([\w-]+)", text, re.I)
    return found[1] if found else ""


def metas(text: str) -> list[str]:
    """The names of the metas in page order, spelt as they are; those in comments do not count."""
    return [str(tag["name"]) for tag in _soup(text).find_all("meta", attrs={"name": True})]


def path(text: str, selector: str) -> str:
    """The elements from the body to the text's container, each with its id and classes."""
    found = _soup(text).select(selector)[0]
    chain = [found, *found.parents][:-1]
    return " > ".join(_name(tag) for tag in reversed(chain))


def names(text: str) -> set[str]:
    """Every element of the page that has an id or a class, once."""
    return {_name(tag) for tag in _soup(text).find_all(True) if tag.get("id") or tag.get("class")}


def row_shapes(text: str, selector: str) -> list[str]:
    """The shape of each row of a list: its nested elements, and the attributes of its links."""
    return [_nested(tag) for tag in _soup(text).select(selector) if tag.find("a")]


def quirks(text: str) -> set[str]:
    """The quirks that a page has."""
    still = _SCRIPT.sub(r"\1\2", text)
    return {quirk for quirk, pattern in SCRIPTED.items() if re.search(pattern, text)} | {
        quirk for quirk, pattern in QUIRKS.items() if re.search(pattern, still)
    }


def phrases(text: str, length: int) -> Iterator[str]:
    """All runs of so many Han characters in a page."""
    for run in _HAN.findall(text):
        for start in range(len(run) - length + 1):
            yield run[start : start + length]


def _soup(text: str) -> BeautifulSoup:
    # The parser of the standard library, because the archive reads pages with another one.
    return BeautifulSoup(re.sub(r"<!\[CDATA\[|\]\]>", "", text), "html.parser")


def _name(tag: Tag) -> str:
    identity = f"#{tag['id']}" if tag.get("id") else ""
    classes = "".join(f".{name}" for name in tag.get_attribute_list("class") if name)
    return _CODES.sub("N", f"{tag.name}{identity}{classes}")


def _nested(tag: Tag) -> str:
    carries = f"[{','.join(sorted(tag.attrs))}]" if tag.name == "a" else ""
    inside = ",".join(_nested(child) for child in tag.find_all(True, recursive=False))
    return _name(tag) + carries + (f"({inside})" if inside else "")
