"""What is proposed for an unknown site: the keys of a source file, each with its evidence.

``guess`` and ``with_details`` are pure: pages in, proposal out. Nothing proposed is believed: what
nobody can read off the pages is in ``undecided``, in words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from urllib.parse import urlsplit

from archive.errors import Unreadable, UsageError
from archive.parse.detail_page import Page, metas_of
from archive.parse.html import parse, select, text_of
from archive.parse.json_guess import guess_shape
from archive.parse.json_list import JsonShape, read_json_list
from archive.parse.layout_guess import guess_layouts
from archive.parse.list_page import Row, list_unit, list_units, shows_dates
from archive.parse.pagers import Pager, read_pager
from archive.parse.platform_marks import platform_of
from archive.parse.row_guess import guess_rows
from archive.sources import PageContext, Source, document_id
from crawler.paging_guess import guess_paging

# A file's own: the longest public holidays last eight or nine days.
_LEAST_RHYTHM = 10
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]*")
_BODY_CODE = re.compile(r"[a-z]{2}\d{8}|\d{10}")
_PROVINCE = re.compile(r"([1-8]\d)0000\d{4}")
_HOST_WORDS = frozenset(("www", "gov", "com", "org", "net", "cn", "example"))
_PARTS = re.compile(r"\s*[-_|－–—]+\s*")
# Where the document service of 金融监管总局 has what its lists name by docId.
_NFRA = (
    "/cn/static/data/DocInfo/",
    "/cn/static/data/DocInfo/SelectByDocId/data_docId={docId}.json",
)
_FIRST_PAGE = re.compile(r"(page(?:Index|No|Num|Number)?=)1\b", re.I)

Value = str | int | float | bool | date | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """One line of a source file, and the evidence for it."""

    name: str
    value: Value
    because: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A source with one channel: its keys, what stands in its list, what a person must decide."""

    source: tuple[Key, ...]
    slug: str
    channel: tuple[Key, ...]
    rows: tuple[Row, ...]
    undecided: tuple[str, ...]
    layouts: tuple[tuple[Key, ...], ...] = ()

    def key(self, name: str) -> Value | None:
        """The channel's value of a key; None where it has none."""
        return next((key.value for key in self.channel if key.name == name), None)

    @property
    def platform(self) -> str:
        """The channel's platform."""
        return str(self.key("platform"))


@dataclass(frozen=True, slots=True)
class ColumnPage:
    """The page that asks a list service for its rows: its text and address, and the tagId asked."""

    text: str
    address: str
    tag: str


def site_of(url: str) -> Source:
    """The site that an address is on, as a source that has no channels yet; raises UsageError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{url!r} is not an address: {error}") from error
    if parts.scheme not in ("http", "https") or not host or port == 0 or re.search(r"\s", url):
        raise UsageError(f"{url!r} is not an address: write https://www.example.gov.cn/xwfb/")
    home = f"{parts.scheme}://{host}" + (f":{port}" if port else "")
    bare = host.removeprefix("www.")
    hosts = (host, bare) if bare != host else (host,)
    return Source(name_of(host), host, home, hosts, 2.0, _LEAST_RHYTHM, 500, 500, True, (), ())


def name_of(host: str) -> str:
    """A source's slug made from its host: www.mee.gov.cn is mee, zjt.hubei.gov.cn hubei-zjt."""
    words = [word for word in host.split(".") if word not in _HOST_WORDS]
    return "-".join(reversed(words)) if not host.replace(".", "").isdigit() else f"site-{host[-1]}"


def guess(html: str, url: str, column: ColumnPage | None = None) -> Proposal:
    """What is proposed for the list at an address.

    ``html`` is the decoded page or answer that has the rows, ``column`` the page that asked for it
    where that is another one (jpaas). Raises UsageError for an address that is none, Unreadable
    ``list-empty`` for a page without a list.
    """
    site = site_of(url)
    context = PageContext(site, url, url)
    rows: Sequence[Row]
    if shape := _json_shape(html, url):
        rows, _ = read_json_list(html, shape, context)
        channel, undecided = _json_channel(shape, url)
        if not rows:
            raise _no_list(url)
    else:
        rows, channel, undecided = _html_channel(html, url, context, column)
    facts = _facts(column.text if column else html)
    path = urlsplit(column.address if column else url).path
    if not shows_dates(rows):
        channel.append(Key("undated", True, f"none of the {len(rows)} rows shows a date"))
        undecided.append("undated: whether the rows have no dates, or these are other links")
    name = facts.get("columnname", "")
    head = [Key("name", name or _channel_slug(path), "meta ColumnName, or <title>" if name else "")]
    if not name:
        undecided.append("the channel's name: the page does not say what its column is called")
    said, more = _source_keys(site, facts, rows)
    return Proposal(said, _channel_slug(path), (*head, *channel), tuple(rows), (*more, *undecided))


def _no_list(url: str) -> Unreadable:
    return Unreadable(
        "list-empty",
        f"no list of bulletins is on {url}: no links that stand side by side with dates or "
        "document ids; open the site's column page and name its address",
    )


def _json_shape(html: str, url: str) -> JsonShape | None:
    """The shape of a list that is JSON; None for a page, and for HTML that JSON wraps (jpaas)."""
    if platform_of(html) != "json":
        return None
    shape = guess_shape(html)
    if shape and shape.address == "/{docId}" and _NFRA[0] in url:
        shape = replace(shape, address=_NFRA[1])
    return shape


def _json_channel(shape: JsonShape, url: str) -> tuple[list[Key], list[str]]:
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    keys = [
        Key("path", path, "as given"),
        Key("platform", "json", "the answer is JSON with an array of rows"),
        Key("items", shape.items, "the longest array of objects with titles and dates"),
        Key("title", shape.title, "Chinese in every row, another in each"),
        Key("address", shape.address, "a key of addresses, or of ids"),
        Key("date", shape.date, "a day in every row"),
    ]
    if shape.total:
        keys.append(Key("total", shape.total, "a number beside the array"))
    undecided = []
    if re.fullmatch(r"/\{\w+\}", shape.address):
        undecided.append(f"address: where the page of {shape.address[1:]} is, no row says")
    more = _FIRST_PAGE.sub(r"\g<1>{page}", path, count=1)
    if more != path:
        keys.append(Key("more", more, "the number of the page in the address"))
    else:
        undecided.append("more: how further pages are asked for; without it the first page is all")
    return keys, undecided


def _html_channel(
    html: str, url: str, context: PageContext, column: ColumnPage | None
) -> tuple[Sequence[Row], list[Key], list[str]]:
    inner = _records(html)
    try:
        found = guess_rows(inner, context)
    except Unreadable:  # JSON that is neither a list nor the envelope of one
        found = None
    if found is None:
        raise _no_list(url)
    rows = found.rows
    pager = read_pager(inner)
    # Other systems do not wrap HTML in JSON, and without a mark an answer is nothing but that.
    if column or platform_of(html) in ("jpaas", "json"):
        keys, undecided = _jpaas_channel(rows, pager, column)
    else:
        paging = guess_paging(html, url, rows, pager)
        keys = [Key("platform", paging.platform, paging.because)]
        keys += [Key(name, value, why) for name, (value, why) in paging.keys.items()]
        undecided = list(paging.undecided)
    keys.append(Key("rows", found.selector, _rows_said(rows)))
    undecided += [
        f"another list of {count} dated rows is on the page, {selector}: whether it is the column's"
        for selector, count in found.others
    ]
    return rows, keys, undecided


def _records(html: str) -> str:
    """The records of an old Hanweb list where they stand in a page, else the page itself."""
    start, end = html.find("<datastore"), html.rfind("</datastore>")
    return html[start : end + len("</datastore>")] if 0 < start < end else html


def _jpaas_channel(
    rows: Sequence[Row], pager: Pager | None, column: ColumnPage | None
) -> tuple[list[Key], list[str]]:
    platform = Key("platform", "jpaas", "an answer of its list service, or its unitbuild script")
    size = pager.size if pager else None
    sized = [] if size else [Key("size", len(rows), "the first answer's rows; it has no pager")]
    undecided = [] if size else ["size: how many rows the service answers when it is not told"]
    if column is None:
        undecided.append("path: the column page, whose unitbuild script asks for this list")
        return [Key("path", "/", "NOT KNOWN"), platform, *sized], undecided
    keys = [Key("path", urlsplit(column.address).path, "the column page"), platform]
    if column.tag != _usual_tag(column.text):
        keys.append(Key("tag", column.tag, "the unit script whose answer has the rows"))
    return keys + sized, undecided


def _usual_tag(text: str) -> str | None:
    """The tagId of the list that a column page is taken to ask for without a ``tag``."""
    try:
        usual = list_unit(text, None)
    except Unreadable:
        return None
    return next(tag for tag, unit in list_units(text) if unit == usual)


def _rows_said(rows: Sequence[Row]) -> str:
    dated = sum(bool(row.listed) for row in rows)
    ids = sum(document_id(row.address) is not None for row in rows)
    first = rows[0].listed.isoformat() if rows[0].listed else "no date"
    said = f"{len(rows)} rows, {dated} with a date beside them, {ids} with a document id"
    return f"{said}; the first: {first}, {rows[0].title}"


def _facts(text: str) -> dict[str, str]:
    """What a page says of its site: meta tags by lower-case name; <title> where they lack."""
    root = parse(text) if "<" in text else None
    if root is None:
        return {}
    facts = metas_of(root)
    titles = [text_of(tag) or (tag.text or "").strip() for tag in select(root, "title")[:1]]
    parts = [part for part in _PARTS.split(titles[0]) if part] if titles else []
    if len(parts) > 1:
        facts.setdefault("columnname", parts[0])
        facts.setdefault("sitename", parts[-1])
    return {name: " ".join(value.split()) for name, value in facts.items()}


def _source_keys(
    site: Source, facts: Mapping[str, str], rows: Sequence[Row]
) -> tuple[tuple[Key, ...], list[str]]:
    name, undecided = facts.get("sitename", ""), []
    keys = [Key("name", name or site.name, "meta SiteName, or <title>" if name else "the host")]
    if not name:
        undecided.append("name: what body it is; the page does not say it")
    keys.append(Key("home", site.home, "the address that was given"))
    if len(site.hosts) > 1:
        keys.append(Key("hosts", site.hosts[1:], "links may lead to it without www"))
    code = facts.get("siteidcode", "")
    if _BODY_CODE.fullmatch(code):
        if province := _PROVINCE.fullmatch(code):
            keys.append(
                Key("kind", "provincial", f"SiteIDCode {code} begins with a province's code")
            )
            keys.append(Key("province", f"{province[1]}0000", f"SiteIDCode {code}"))
        keys.append(Key("body_code", code, "meta SiteIDCode"))
    if not any(key.name == "kind" for key in keys):
        undecided.append('kind: "ministry", "agency" or "provincial" (then its province too)')
    rhythm, why = _rhythm([row.listed for row in rows if row.listed])
    keys.append(Key("rhythm_days", rhythm, why))
    keys.append(Key("delay", site.delay, "the archive's usual pause between two requests"))
    undecided.append(f"rhythm_days: {why}")
    undecided.append("delay: the archive's usual pause; longer where the site asks for it")
    return tuple(keys), undecided


def _rhythm(days: Sequence[date]) -> tuple[int, str]:
    """How many days of silence are normal: twice the longest on the list, ten at least."""
    ordered = sorted(set(days))
    if len(ordered) < 2:
        return 30, "the rows do not show how often the column has something new"
    longest = max((after - before).days for before, after in pairwise(ordered))
    said = f"the longest silence among the rows of {ordered[0]} to {ordered[-1]} is {longest} days"
    return min(3660, max(_LEAST_RHYTHM, 2 * longest)), said


def _channel_slug(path: str) -> str:
    """The last folder of a path that can be a slug."""
    folders = [part.lower() for part in path.split("/")[:-1]]
    good = [part for part in folders if _SLUG.fullmatch(part)]
    return good[-1] if good else "list"


def with_details(proposal: Proposal, pages: Sequence[tuple[str, Page]]) -> Proposal:
    """The proposal with the layouts of some pages: their texts, and what these were read as."""
    if not pages:
        note = "layouts: no detail page was looked at; their texts are read by general rules"
        return replace(proposal, undecided=(*proposal.undecided, note))
    layouts, undecided = [], []
    for number, found in enumerate(guess_layouts(pages), start=1):
        name = proposal.slug if number == 1 else f"{proposal.slug}-{number}"
        if found.body is None:
            undecided.append(f"layouts: of {found.pages} pages no container of the text has a name")
            continue
        seen = f"on {found.pages} of {len(pages)} pages"
        layouts.append(tuple(_layout_keys(name, found.title, found.published, found.body, seen)))
        missing = [
            part for part, it in (("title", found.title), ("published", found.published)) if not it
        ]
        if missing:
            undecided.append(f"layout {name}: {' and '.join(missing)}, found {seen} in no element")
    undecided.append("layouts: whether all pages of the column are laid out as these are")
    return replace(proposal, layouts=tuple(layouts), undecided=(*proposal.undecided, *undecided))


def _layout_keys(
    name: str, title: str | None, published: str | None, body: str, seen: str
) -> Iterator[Key]:
    yield Key("name", name)
    if title:
        yield Key("title", (title,), f"says the page's title {seen}")
    if published:
        yield Key("published", (published,), f"shows the date of publication {seen}")
    yield Key("body", (body,), f"has all the text {seen}")
