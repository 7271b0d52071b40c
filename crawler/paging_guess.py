"""How an unknown list is paged: which platform's it is, and the keys that its channel needs.

What a page says comes first (its scripts, its links to page 2), then what its rows' addresses are
like; where neither says it, a person has to.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urljoin, urlsplit

from archive.parse.html import parse, text_of
from archive.parse.list_page import Row
from archive.parse.pagers import Pager
from archive.parse.platform_marks import platform_of

# The channel's keys, and for each why it has that value.
Keys = Mapping[str, tuple[str | int, str]]

_COUNTDOWN = re.compile(r"/index_\d{5,}_\d+\.html$")
_ROW_MARKS = (
    ("trs", re.compile(r"/t(?:19|20)\d{6}_\d+\.s?html?$"), "t<day>_<id>"),
    ("jcms", re.compile(r"/art/\d{4}/\d{1,2}/\d{1,2}/art_\d+_\d+\.html$"), "art_<column>_<id>"),
    ("jpaas", re.compile(r"/art_(?:[0-9a-f]{32}|\d+_\d+)\.html$"), "art_<32 hex>"),
    ("govcn", re.compile(r"/\d{6}/content_\d+\.htm$"), "content_<id>"),
)
# The page that a pager's script names from the number: 'index_'+i+'.html'.
_SCRIPTED = re.compile(r"['\"]([\w./-]*?)_?['\"]\s*\+\s*\w+\s*\+\s*['\"]\.(s?html?)['\"]")
_BASE64 = re.compile(r">\s*([A-Za-z0-9+/]{80,}={0,2})\s*<")
_NEXT = ("2", "下一页", "下页", "›", ">")
_NUMBER = re.compile(r"\d{1,4}(?=\D*$)")
_JCMS_KEYS = (
    "col", "appid", "webid", "path", "columnid", "sourceContentType", "unitid", "webname",
    "permissiontype",
)  # fmt: skip
_STRETCH = ("startrecord", "endrecord", "perpage")


@dataclass(frozen=True, slots=True)
class Paging:
    """A platform with its reason, the channel's keys with theirs, and what is not known."""

    platform: str
    because: str
    keys: Keys = field(default_factory=dict)
    undecided: tuple[str, ...] = ()


def guess_paging(text: str, address: str, rows: Sequence[Row], pager: Pager | None) -> Paging:
    """The paging of a list page that stands by itself; ``text`` is the page or the answer."""
    if _COUNTDOWN.search(urlsplit(address).path):
        return Paging(
            "countdown",
            "its own name counts down, index_<component>_<number>.html",
            {"path": (_path(address), "as given")},
            ("path is that of a further page: the list's first page has maxPageNum in a script",),
        )
    platform = platform_of(text)
    if platform == "trs":
        return _trs(text, address, pager)
    if platform == "jcms":
        return _jcms(text, address, rows)
    if platform in ("countdown", "govcn"):
        path = {"path": (_path(address), "as given")}
        return Paging(platform, "a script of the page has its marks", path)
    return _linked(text, address) or _by_rows(address, rows)


def _trs(text: str, address: str, pager: Pager | None) -> Paging:
    because = "a script of the page has createPageHTML or countPage"
    if pager:
        because += f": {pager.pages} pages"
    if pager is None or pager.stem is None or pager.extension is None:
        path, why = _file(address, "shtml" if ".shtml" in text else "html")
        return Paging("trs", because, {"path": (path, why)}, _folder_note(address, path))
    # With the pager's element named first, the numbers of the pages are made by another script.
    boxed = re.search(r"createPageHTML\(\s*['\"]", text)
    name = f"{pager.stem}_1.{pager.extension}"
    doubts = (f"offset: whether page 2 is {name} (1) or the next number (0)",) if boxed else ()
    first = urlsplit(urljoin(address, f"{pager.stem}.{pager.extension}")).path
    path, why = _file(address, pager.extension)
    if path.endswith(f"/{_name(first)}") or address.endswith("/"):
        return Paging("trs", because, {"path": (first, "the name in the pager's call")}, doubts)
    more = first.removesuffix(f".{pager.extension}") + f"_{{page}}.{pager.extension}"
    return Paging("trs", because, {"path": (path, why), "more": (more, "the pager's call")}, doubts)


def _jcms(text: str, address: str, rows: Sequence[Row]) -> Paging:
    parts = urlsplit(address)
    program = re.search(r"['\"=(\s](/[\w/]*jpage/dataproxy\.jsp)", text)
    path = parts.path if parts.path.endswith("dataproxy.jsp") else program[1] if program else ""
    given = [pair for pair in parts.query.split("&") if pair.partition("=")[0] in _JCMS_KEYS]
    written = re.compile(
        rf"\b({'|'.join(_JCMS_KEYS)})['\"]?\s*[:=]\s*['\"]?([^'\",;&}}\s<>]+)", re.I
    )
    near = text[max(0, text.find("dataproxy.jsp") - 4000) :] if "dataproxy.jsp" in text else ""
    found = given or list({k: f"{k}={v}" for k, v in written.findall(near[:8000])}.values())
    undecided = () if found else (
        "query: the values with which the column page asks dataproxy.jsp (col, webid, columnid, "
        "unitid …); see the requests of a browser",
    )  # fmt: skip
    keys: dict[str, tuple[str | int, str]] = {
        "path": (path or "/module/web/jpage/dataproxy.jsp", "the program that answers records"),
        "query": ("&".join(found) or "col=1", "as asked" if found else "NOT KNOWN"),
    }
    if rows:
        keys["size"] = (min(len(rows), 1000), "as many records as this answer has")
    return Paging("jcms", "it has a <datastore> or names dataproxy.jsp", keys, undecided)


def _linked(text: str, address: str) -> Paging | None:
    """The paging that a page's links, or its pager's script, say."""
    for second, because in _second_pages(text, address):
        before, number, after = _split(second)
        stem, extension = _file(address, "html")[0].rsplit(".", 1)
        path = f"{stem}.{extension}"
        if number is None or not 1 <= number <= 2:
            continue
        if (before, after) == (f"{stem}_", f".{extension}"):
            keys: dict[str, tuple[str | int, str]] = {"path": (path, "as given")}
            if number == 1:
                keys["offset"] = (1, "page 2 is number 1")
            return Paging("numbered", because, keys, _folder_note(address, path))
        if "?" not in second:
            return Paging(
                "trs",
                because,
                {
                    "path": (path, "as given"),
                    "more": (f"{before}{{page}}{after}", "the name of page 2"),
                    "offset": (2 - number, f"page 2 is number {number}"),
                },
                _folder_note(address, path),
            )
    return None


def _second_pages(text: str, address: str) -> Iterator[tuple[str, str]]:
    """Paths that may be the second page's, each with where it was read."""
    pagers = [text]
    for packed in _BASE64.findall(text):
        try:
            pagers.append(unquote(base64.b64decode(packed).decode("ascii")).replace("+", " "))
        except (binascii.Error, UnicodeDecodeError, ValueError):
            continue
    for number, markup in enumerate(pagers):
        root = parse(markup)
        for link in root.iter("a") if root is not None else ():
            if text_of(link).strip() in _NEXT and (href := link.get("href")):
                where = "in a pager packed as base64" if number else "of the page"
                path = urlsplit(urljoin(address, href)).path
                yield path, f"a link {where} leads to {path}"
    for stem, extension in _SCRIPTED.findall(text):
        path = urlsplit(urljoin(address, f"{stem}_2.{extension}")).path
        yield path, f"a script makes {stem}_<page>.{extension} of the page's number"


def _split(path: str) -> tuple[str, int | None, str]:
    found = _NUMBER.search(path)
    if found is None:
        return path, None, ""
    return path[: found.start()], int(found[0]), path[found.end() :]


def _by_rows(address: str, rows: Sequence[Row]) -> Paging:
    """The platform whose addresses the rows have; how it pages, nothing here says."""
    platform, because = "numbered", "the page has no marks of any platform"
    for name, mark, shape in _ROW_MARKS:
        count = sum(bool(mark.search(urlsplit(row.address).path)) for row in rows)
        if 2 * count > len(rows):
            platform = name
            because = f"{count} of {len(rows)} addresses are {shape}; the page has no pager"
            break
    if platform in ("jcms", "jpaas"):
        because += f" ({platform} by its addresses, but no list service is named)"
        platform = "numbered"
    extension = "shtml" if any(row.address.endswith(".shtml") for row in rows) else "html"
    path, why = _file(address, extension)
    if platform == "govcn":
        path = _path(address)
    note = f"how the list goes on: nothing on the page says it, {platform} is a guess"
    return Paging(platform, because, {"path": (path, why)}, (note, *_folder_note(address, path)))


def _path(address: str) -> str:
    parts = urlsplit(address)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _name(path: str) -> str:
    return path.rsplit("/", 1)[1]


def _file(address: str, extension: str) -> tuple[str, str]:
    """The path of a list's first file; that of a folder is its index, as servers have it."""
    path = urlsplit(address).path or "/"
    if "." in _name(path):
        return path, "as given"
    return f"{path.rstrip('/')}/index.{extension}", f"the index of the folder {path}"


def _folder_note(address: str, path: str) -> tuple[str, ...]:
    parts = urlsplit(address)
    if parts.query:
        return (f"the address asks ?{parts.query}, which the platform's path cannot have",)
    if path == parts.path:
        return ()
    return (f"path: whether {path} is the page of {parts.path}",)
