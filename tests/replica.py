"""Replicas: a source's kept pages made into a site of several list pages, served on loopback.

Every list page has the rows of the kept one in its own markup, with other document ids on each;
every address in them is answered with a kept detail under the row's title. The pager's numbers are
made those of the replica. Nothing of this knows a ministry: a new source is its own files.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from archive.captures.decode import decode
from archive.parse.pagers import Pager, read_pager
from archive.source_files import read_source
from archive.sources import Channel, Source
from archive.storage.ingest import Outcome
from crawler.page_expectations import DetailTable, Expectations, ListTable, read_expectations
from crawler.platforms import PLATFORMS
from crawler.platforms.step import Step
from crawler.sources import KEYS
from sample.answers import Logged, Request, Response, not_found
from sample.server import conditional, serve
from tests.crawling import run

# A first page, one between, and a last one.
PAGES = 3
NIGHTS = ("2026-11-01T18:00:00Z", "2026-11-02T18:00:00Z")
# What may stand between two characters of a title, in a meta tag or a heading.
_TITLE_BREAKS = r"(?:\s|<br\s*/?>)*"
_CHARACTERS = "山水木林石桥路街房屋门窗井沟渠坝田地麦稻茶果花草牛羊马鱼鸟云雨风雪雷光灯火电车船站台"
_TOKEN = re.compile(r"[0-9a-f]{32}|\d{4,}")
# The numbers of a pager, and what is in their place: of `{pages}`, the page's own, counted from 0
# or from 1, and of all rows.
_PAGER = (
    (r"(createPageHTML\(\s*)\d+(\s*,\s*)\d+", r"\g<1>{pages}\g<2>{from0}"),
    (r"(createPageHTML\(\s*['\"][\w#.-]*['\"]\s*,\s*)\d+(\s*,\s*)\d+", r"\g<1>{pages}\g<2>{from1}"),
    (r"(\bcountPage\s*=\s*)\d+", r"\g<1>{pages}"),
    (r"(\bcurrentPage\s*=\s*)\d+", r"\g<1>{from0}"),
    (r"(\bmaxPageNum\s*=\s*)[1-9]\d*", r"\g<1>{pages}"),
    (r"(\bcount\s*[:=]\s*\\?['\"]?)\d+", r"\g<1>{count}"),
    (r"(\bpageNo\s*[:=]\s*\\?['\"]?)\d+", r"\g<1>{from1}"),
    (r"(<totalpage>\s*)\d+", r"\g<1>{pages}"),
    (r"(class=['\"]red['\"][^<>]*>\s*)\d+", r"\g<1>{pages}"),
)


@dataclass
class Replica:
    """A site for ``sample.server.serve``; ``pages`` are the paths of all bulletins, by channel."""

    source: Source
    kept: Expectations
    answers: dict[str, Response] = field(default_factory=dict)
    pages: dict[str, list[str]] = field(default_factory=dict)
    log: list[Logged] = field(default_factory=list)

    def __post_init__(self) -> None:
        for channel in self.source.channels:
            if not channel.retired:
                self.pages[channel.slug] = list(self._channel(channel))

    def respond(self, request: Request) -> Response:
        """The answer to a request: a page that is there, 304 where it is known, 404."""
        found = self.answers.get(unquote(request.target))
        return conditional(request, found) if found else not_found()

    def record(self, request: Request, status: int) -> None:
        """Add a request to the log."""
        self.log.append(Logged(request.method, request.target, status, dict(request.headers)))

    def _channel(self, channel: Channel) -> Iterator[str]:
        """Make a channel's answers; the paths of its bulletins."""
        for column in self.kept.columns:
            if column.channel == channel.slug:
                body = self.kept.body(column, self.source)
                self._put(channel.path, body, column.headers)
        [kept] = (p for p in self.kept.lists if p.channel == channel.slug and p.page == 1)
        text = decode(self.kept.body(kept, self.source))
        for number in range(1, PAGES + 1):
            made = _numbered(_with_ids(text, kept, number), len(kept.rows), number, channel)
            if number == 1:
                step: Step | None = Step(
                    self.source.home + kept.path, "list", 1, _pager(made, channel)
                )
                first = step
            else:
                before = Step(first.address, "list", number - 1, first.pager)
                step = PLATFORMS[channel.platform].after(
                    before, self.source, channel, Outcome("list")
                )
            if step is None:
                return
            self._put(
                step.address.removeprefix(self.source.home), _encoded(made, kept), kept.headers
            )
            for row, (address, title, _) in enumerate(kept.rows):
                path = _other_id(address, number)
                self._detail(path, title, len(self.pages) * 100 + number * 10 + row)
                yield path

    def _detail(self, path: str, title: str, number: int) -> None:
        """Answer a path with one of the kept details, under this title, its text made its own."""
        details = [detail for detail in self.kept.details if detail.text or detail.first]
        detail = details[number % len(details)]
        text = decode(self.kept.body(detail, self.source))
        made = _TITLE_BREAKS.join(map(re.escape, detail.title))
        assert re.search(made, text), f"the title of {detail.file} does not stand in it"
        made = re.sub(made, lambda _: title, text)
        # Not one that repeats the title. The longest, since a short one can stand before the text
        # too, such as a paper's number.
        parts = (*detail.text, detail.first, detail.last)
        paragraph = max((part for part in parts if part in made), key=len)
        assert paragraph, f"no paragraph of {detail.file} stands in it without markup inside"
        made = made.replace(paragraph, paragraph + _own_text(number), 1)
        self._put(path, _encoded(made, detail), detail.headers)

    def _put(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        others = {name: value for name, value in headers.items() if name != "content-type"}
        self.answers[unquote(path)] = Response(
            200,
            body,
            headers.get("content-type"),
            etag=f'"{hashlib.sha256(body).hexdigest()[:16]}"',
            modified=datetime(2026, 1, 1, tzinfo=UTC),
            headers=tuple(others.items()),
        )


def _own_text(number: int) -> str:
    """Words that no other page has: with texts nearly alike, two pages are one bulletin."""
    chosen = random.Random(number)
    return "".join(chosen.choices(_CHARACTERS, k=300)) + "。"


def _pager(text: str, channel: Channel) -> Pager | None:
    """What a list page says of the list; that of JSON is a key's, which no platform needs."""
    return None if "items" in channel.options else read_pager(text)


def _encoded(text: str, page: ListTable | DetailTable) -> bytes:
    """The text in the encoding that the kept page is in, as far as its headers say it."""
    gb = re.search(r"charset=(gb\w*)", page.headers.get("content-type", ""), re.I)
    return text.encode("gb18030" if gb else "utf-8")


def _other_id(address: str, number: int) -> str:
    """An address with another document id, one for each page; that of the first page stays."""
    tokens = list(_TOKEN.finditer(address))
    assert tokens, f"{address} holds no id of four digits or more"
    last = tokens[-1]
    return address[: last.start()] + _other(last[0], number) + address[last.end() :]


def _other(token: str, number: int) -> str:
    if number == 1:
        return token
    digest = hashlib.sha256(f"{token} {number}".encode()).hexdigest()
    if len(token) == 32:
        return digest[:32]
    return token[0] + str(int(digest, 16))[-len(token) + 1 :]


def _with_ids(text: str, kept: ListTable, number: int) -> str:
    for address, _, _ in kept.rows:
        token = list(_TOKEN.finditer(address))[-1][0]
        assert token in text, f"{token} of {address} is not in {kept.file}"
        text = text.replace(token, _other(token, number))
    return text


def _numbered(text: str, rows: int, number: int, channel: Channel) -> str:
    """A list page whose pager says what is so in the replica."""
    pager = _pager(text, channel)
    count = PAGES * (pager.size if pager and pager.size else rows)
    values = {"pages": PAGES, "from0": number - 1, "from1": number, "count": count}
    for pattern, made in _PAGER:
        text = re.sub(pattern, made.format(**values), text)
    if total := channel.options.get("total"):
        key = json.dumps(total.rsplit(".", 1)[-1])
        text = re.sub(rf"({key}\s*:\s*)\d+", rf"\g<1>{count}", text)
    return text


class Crawled:
    """A data folder with two nights of sources, each from its replica, in one process a night.

    ``sources`` has their files, ``pages`` a folder of pages for each. A replica has an address of
    its own in 127.0.0.0/8, since two sources may not have one host.
    """

    def __init__(self, folder: Path, sources: Path, pages: Path) -> None:
        self.data = folder / "data"
        self.replicas: dict[str, Replica] = {}
        files = folder / "sources"
        files.mkdir()
        with ExitStack() as servers:
            slugs = sorted(path.stem for path in sources.glob("*.toml"))
            for number, slug in enumerate(slugs, start=2):
                site = _Waiting()
                home = servers.enter_context(serve(site, host=f"127.0.0.{number}"))
                text = (sources / f"{slug}.toml").read_text(encoding="utf-8")
                text = re.sub(r'(?m)^home = ".*"$', f'home = "{home}"', text, count=1)
                (files / f"{slug}.toml").write_text(text, encoding="utf-8")
                source = read_source(files / f"{slug}.toml", KEYS)
                site.replica = Replica(source, read_expectations(pages / slug))
                self.replicas[slug] = site.replica
            options = ("--sources", files, "--data", self.data, "--delay", "0")
            self.first = run("crawl", *slugs, *options, now=NIGHTS[0])
            self.asked = {slug: len(site.log) for slug, site in self.replicas.items()}
            self.second = run("crawl", *slugs, *options, "--full", now=NIGHTS[1])

    def statuses_of_the_second_night(self, slug: str) -> dict[str, int]:
        """What each bulletin's path was answered with, the first bulletin's path first."""
        replica = self.replicas[slug]
        paths = {path for pages in replica.pages.values() for path in pages}
        night = replica.log[self.asked[slug] :]
        return {entry.target: entry.status for entry in night if entry.target in paths}


class _Waiting:
    """A site whose address has to be known before its pages can be made."""

    replica: Replica

    def respond(self, request: Request) -> Response:
        return self.replica.respond(request)

    def record(self, request: Request, status: int) -> None:
        self.replica.record(request, status)
