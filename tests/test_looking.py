"""A look at an unknown site: what is asked for, what is named, with which manners."""

from __future__ import annotations

import re
import time
import tomllib
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from archive import __version__
from archive.captures.warc import Capture
from archive.errors import SourceFailed, Unreadable
from archive.source_files import read_source, source_of
from crawler.cli import main
from crawler.looking import Looked, look
from crawler.proposal import site_of
from crawler.settings import BOT_NAME
from crawler.skeleton import skeleton
from crawler.source_crawl import MAX_HOPS
from crawler.sources import KEYS
from sample import layouts
from sample.answers import Request, Response, request, text
from sample.bulletins import shown
from sample.server import SampleSite, demo_site, serve
from tests.crawling import run

HOME = "https://www.sample.example"
LIST = "/xinwen/dfxx/index.html"
LONG_LIST = "/xinwen/gzdt/index.html"
CHANNEL = {"name": "x", "path": "/x/index.html", "platform": "numbered"}
CAPTCHA = "<html><body><form><input>请输入验证码</form></body></html>"
SCRIPT = b"<script>x()</script>"


def answered(
    site: SampleSite, path: str = LIST, without: dict[str, Unreadable] | None = None
) -> Looked:
    """A look whose requests the sample site answers, without a network."""
    steps = look(HOME + path)
    site.log.clear()
    ask = next(steps)
    while True:
        try:
            if error := (without or {}).get(ask.role):
                ask = steps.throw(error)
                continue
            asked = request(ask.address.removeprefix(HOME))
            answer = site.respond(asked)
            site.record(asked, answer.status)
            headers = (("Content-Type", answer.content_type or ""), *answer.headers)
            where = (ask.address, ask.address, "sample", None, ask.role, "2026-11-01T18:00:00Z")
            ask = steps.send(Capture(*where, answer.status, headers, answer.body))
        except StopIteration as done:
            looked: Looked = done.value
            return looked


def online(base: str, path: str, folder: Path, *words: str, **env: str) -> tuple[int, str, str]:
    """One look over the network: exit code, standard output and standard error."""
    options = ("--name", "mine", "--to", str(folder), *(words or ("--delay", "0")))
    done = run("new-source", base + path, *options, **env)
    return done.returncode, done.stdout, done.stderr


def targets(site: SampleSite) -> list[str]:
    return [entry.target for entry in site.log]


def check(folder: Path) -> str:
    words = ["check-source", "mine", "--sources", str(folder)]
    return CliRunner().invoke(main, words).output


@dataclass
class TimedSite(SampleSite):
    """The sample site with the time of each request."""

    times: list[float] = field(default_factory=list)

    def record(self, request: Request, status: int) -> None:
        self.times.append(time.monotonic())
        super().record(request, status)


def test_a_site_is_asked_for_its_list_its_second_page_and_two_pages(tmp_path: Path) -> None:
    """One request at a time with the pause between two, under the archive's name, no cookie."""
    site = TimedSite("B", shown("B", 1))
    with serve(site) as base:
        code, said, wrong = online(
            *(base, LONG_LIST, tmp_path, "--delay", "0.4"), BULLETINS_CONTACT="you@example.org"
        )
    assert (code, wrong.strip()) == (0, "")
    first, listed, second, *pages = targets(site)
    assert (first, listed, second) == ("/robots.txt", LONG_LIST, "/xinwen/gzdt/index_2.html")
    assert len(pages) == 2
    # Scrapy counts a pause from when it sent a request, the site from when it had it.
    assert all(after - before > 0.3 for before, after in pairwise(site.times[1:]))
    assert {entry.headers["user-agent"] for entry in site.log} == {
        f"{BOT_NAME}/{__version__} (+you@example.org)"
    }
    assert all("cookie" not in entry.headers for entry in site.log)
    assert "index_2.html: 4 rows that page 1 has not" in said
    channel = read_source(tmp_path / "mine.toml", KEYS).channels[0]
    assert (channel.platform, channel.path) == ("numbered", LONG_LIST)
    assert "≠" not in check(tmp_path)


def test_the_pause_where_none_is_named_is_that_of_every_source() -> None:
    table = {"name": "x", "home": HOME, "rhythm_days": 9, "channels": {"x": CHANNEL}}
    assert site_of(HOME).delay == source_of("mine", table, KEYS).delay >= 1


def test_robots_txt_is_obeyed(tmp_path: Path) -> None:
    site = demo_site("B")
    site.robots = "User-agent: *\nDisallow: /xinwen/dfxx/"
    with serve(site) as base:
        code, said, wrong = online(base, LIST, tmp_path)
    assert (code, said, len(wrong.splitlines())) == (3, "", 1)
    assert "forbidden: robots.txt of the site forbids this address" in wrong
    assert targets(site) == ["/robots.txt"]
    assert list(tmp_path.iterdir()) == []


def test_a_block_page_is_one_line_and_the_last_thing_that_is_asked_for(tmp_path: Path) -> None:
    site = demo_site("B")
    cookie = (("Set-Cookie", "__jsluid_s=sample"),)
    site.routes[LIST] = Response(521, SCRIPT, "text/html", headers=cookie)
    with serve(site) as base:
        code, said, wrong = online(base, LIST, tmp_path)
    assert (code, said, len(wrong.splitlines())) == (3, "", 1), wrong
    assert "wall-521: the site sent a block page" in wrong
    assert targets(site) == ["/robots.txt", LIST]
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_does_not_answer(tmp_path: Path) -> None:
    with serve(demo_site("B")) as base:
        pass
    code, said, wrong = online(base, LIST, tmp_path)
    assert (code, said, len(wrong.splitlines())) == (3, "", 1), wrong
    assert "unreachable: " in wrong
    assert list(tmp_path.iterdir()) == []


def test_a_list_service_is_asked_as_its_column_page_says() -> None:
    site = demo_site("C")
    looked = answered(site)
    column, listed, second, *pages = targets(site)
    assert column == LIST
    assert listed.startswith(layouts.UNIT_PATH)
    assert second.startswith(listed + "&paramJson=")
    assert len(pages) == 2
    assert looked.column is not None
    assert (looked.proposal.platform, looked.proposal.key("path")) == ("jpaas", LIST)


def test_of_several_list_services_the_one_with_rows_is_named() -> None:
    """The service that is taken without a name refuses; another one has the list."""
    site = demo_site("C")
    column = site.respond(request(LIST)).body.decode()
    assert column.count(layouts.LIST_TAG) == 1
    site.routes[LIST] = text(column.replace(layouts.LIST_TAG, "栏目-列表"))

    def unit(asked: Request) -> Response | None:
        if asked.query["tagId"] != "栏目-列表":
            return None
        return site._unit(request(asked.target.replace("%E5%88%97%E8%A1%A8", "list")))

    site.routes[layouts.UNIT_PATH] = unit
    looked = answered(site)
    assert looked.proposal.key("tag") == "栏目-列表"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Response(412, SCRIPT, "text/html"), "wall-412"),
        (Response(521, SCRIPT, "text/html"), "wall-521"),
        (text(CAPTCHA), "wall-captcha"),
        (text("<html><script>location='/x'</script></html>"), "wall-script"),
        (Response(403, b"<h1>403</h1>", "text/html"), "http-403"),
        (Response(404, b"<h1>404</h1>", "text/html"), "http-404"),
        (text("<html><body><p>样例部的一段话，没有列表。</p></body></html>"), "list-empty"),
        (Response(302, headers=(("Location", "https://other.example/"),)), "moved"),
        (Response(302, headers=(("Location", LIST),)), "moved"),
    ],
)
def test_what_is_in_the_way_of_a_list_is_named(answer: Response, kind: str) -> None:
    site = demo_site("B")
    site.routes[LIST] = answer
    with pytest.raises(SourceFailed, match=f"{kind}: ") as caught:
        answered(site)
    assert "\n" not in str(caught.value)
    in_a_circle = ("Location", LIST) in answer.headers
    assert targets(site) == [LIST] * (MAX_HOPS + 1 if in_a_circle else 1)


def test_a_redirect_within_the_site_is_followed() -> None:
    site = demo_site("B")
    site.routes["/old/"] = Response(302, headers=(("Location", LIST),))
    assert answered(site, "/old/").proposal.key("path") == LIST


def test_pages_that_robots_txt_forbids_are_left_alone_and_named() -> None:
    forbidden = Unreadable("forbidden", "robots.txt of the site forbids this address")
    looked = answered(demo_site("B"), without={"page": forbidden})
    assert looked.details == ()
    assert sum("forbidden: robots.txt" in line for line in looked.said) == 4
    assert any(note.startswith("layouts: no detail") for note in looked.proposal.undecided)


def test_a_blocked_page_is_kept_as_an_answer_that_is_an_error() -> None:
    site = demo_site("B")
    newest = urlsplit(answered(site).proposal.rows[0].address).path
    site.routes[newest] = Response(412, SCRIPT, "text/html")
    looked = answered(site)
    assert [one.status for one in looked.others] == [412]
    assert len(looked.details) == 2
    made = skeleton(looked, "mine", date(2026, 11, 25))
    written = tomllib.loads(made.pages["expected.toml"].decode())
    assert [error["kind"] for error in written["errors"]] == ["wall-412"]


def test_where_the_second_page_has_another_number_the_offset_says_so() -> None:
    """A list of TRS whose page 2 is index_2: index_1, tried first, is answered 404."""
    site = demo_site("B")
    page = site.respond(request(LONG_LIST)).body.decode()
    page = re.sub(r"<a [^>]*index_2[^>]*>.*?</a>", "", page)
    call = "<script>createPageHTML(2, 0, 'index', 'html');</script>"
    site.routes[LONG_LIST] = text(page.replace("</body>", call + "</body>"))
    looked = answered(site, LONG_LIST)
    assert targets(site)[1:3] == ["/xinwen/gzdt/index_1.html", "/xinwen/gzdt/index_2.html"]
    assert (looked.proposal.platform, looked.proposal.key("offset")) == ("trs", 0)


def test_a_list_without_a_second_page_is_left_to_a_person() -> None:
    looked = answered(demo_site("B"))
    assert any(note.startswith("paging: no second page") for note in looked.proposal.undecided)
