"""What a ministry's server sees of a crawl: pauses, robots.txt, certificates, and a way to stop."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from archive.captures.warc import warc_files
from sample import bulletins, hostile
from sample.answers import Request, Response
from sample.layouts import Page, address
from sample.server import SampleSite, _Server, newest_first, serve
from tests.certificates import self_signed
from tests.crawling import asked, crawl, rows, run

HOME = "https://www.mohurd.gov.cn"


def site_with(count: int) -> tuple[SampleSite, list[str]]:
    """A list of so many pages, and their paths in the order in which a crawl asks for them."""
    pages: list[Page] = [replace(p, column="xwfb") for p in bulletins.on_night(1)[:count]]
    return SampleSite("A", pages), [address(page, "A") for page in newest_first(pages)]


# Pauses


@dataclass
class TimedSite(SampleSite):
    """Notes when each request came, and how many were being answered at once."""

    wait: float = 0.0
    times: list[float] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0

    def respond(self, request: Request) -> Response:
        with self._lock:
            self.times.append(time.monotonic())
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        time.sleep(self.wait)
        with self._lock:
            self._at_once -= 1
        return super().respond(request)


SOURCE = f"""
name = "样例部"
home = "{HOME}"
rhythm_days = 5
delay = 1
[channels.xwfb]
name = "新闻"
path = "/xwfb/index.html"
platform = "numbered"
rows = "tr"
[[layouts]]
name = "a"
title = ["td.tit"]
body = ["div.union"]
"""


def test_requests_are_a_second_apart_at_the_shortest_delay_of_a_source_file(tmp_path: Path) -> None:
    site = TimedSite("A", site_with(2)[0].pages)
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "mohurd.toml").write_text(SOURCE, encoding="utf-8")
    with serve(site) as base:
        done = run("crawl", "mohurd", "--base-url", base, "--data", tmp_path)
    assert done.returncode == 0, done.stderr
    assert [entry.path for entry in site.log][:2] == ["/robots.txt", "/xwfb/index.html"]
    gaps = [later - earlier for earlier, later in pairwise(site.times)]
    assert len(gaps) == 4
    # A request may take longer to arrive than the next one does.
    assert min(gaps) > 0.9


def test_a_host_has_one_request_at_a_time(tmp_path: Path) -> None:
    site = TimedSite("A", site_with(6)[0].pages, wait=0.1)
    assert crawl(site, tmp_path, "--channel", "xwfb").returncode == 0
    assert len(site.times) == 9
    assert site.most_at_once == 1


def test_no_request_carries_a_cookie_or_another_page_as_its_referer(tmp_path: Path) -> None:
    site, paths = site_with(3)
    plain = site.answer(paths[0])
    site.routes[paths[0]] = replace(plain, headers=(("Set-Cookie", "a=1; path=/"),))
    with serve(site) as base:
        words = ["--base-url", base, "--delay", "0", "--channel", "xwfb", "--data", tmp_path]
        done = run("crawl", "mohurd", *words, BULLETINS_CONTACT="me@sample.example")
    assert done.returncode == 0, done.stderr
    assert len(site.log) == 6
    for entry in site.log:
        assert "cookie" not in entry.headers
        assert "referer" not in entry.headers
        assert entry.headers["user-agent"].endswith("(+me@sample.example)")


def test_what_was_sent_is_in_the_warc_file(tmp_path: Path) -> None:
    site, _ = site_with(2)
    with serve(site) as base:
        words = ["--base-url", base, "--delay", "0", "--channel", "xwfb", "--data", tmp_path]
        for night in ("2026-11-01T18:00:00Z", "2026-11-02T18:00:00Z"):
            run("crawl", "mohurd", *words, now=night, BULLETINS_CONTACT="me@sample.example")
    [path] = warc_files(tmp_path / "warc")
    with path.open("rb") as stream:
        records = ArchiveIterator(stream, no_record_parse=True)
        heads = [(one.rec_type, one.raw_stream.read().decode("latin-1")) for one in records]
    sent = [head for kind, head in heads if kind == "request"]
    assert len(sent) == len(site.log)
    for head, entry in zip(sent, site.log, strict=True):
        first, *lines = head.strip().splitlines()
        assert first == f"GET {entry.target} HTTP/1.1"
        headers = dict(line.lower().split(": ", 1) for line in lines)
        assert headers == {
            name: value.lower() for name, value in entry.headers.items() if name != "connection"
        }
    assert sum("If-None-Match" in head for head in sent) == 2
    assert heads[0][0] == "warcinfo"
    assert "operator: me@sample.example" in heads[0][1].splitlines()


# robots.txt


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (hostile.text("slow down", 429), "answered with 429"),
        (hostile.text("broken", 503), "answered with 503"),
        (hostile.drop(), "robots.txt"),
        (replace(hostile.text("User-agent: *"), headers=(("Content-Encoding", "br"),)), "robots"),
    ],
    ids=["429", "503", "no answer", "unreadable"],
)
def test_nothing_is_asked_while_robots_txt_cannot_be_had(
    tmp_path: Path, answer: Response, says: str
) -> None:
    site, _ = site_with(2)
    site.routes["/robots.txt"] = answer
    done = crawl(site, tmp_path, "--channel", "xwfb")
    assert done.returncode == 3
    assert says in done.stderr
    assert asked(site) == []
    assert rows(tmp_path, "SELECT kind FROM incidents") == [("unreachable",)]


def test_a_page_that_robots_txt_forbids_is_left_alone_and_the_others_are_read(
    tmp_path: Path,
) -> None:
    site, paths = site_with(3)
    site.robots = f"User-agent: ministry-bulletin-archive\nDisallow: {paths[1]}\n"
    done = crawl(site, tmp_path, "--channel", "xwfb")
    assert done.returncode == 0, done.stderr
    assert asked(site, 200) == ["/xwfb/index.html", paths[0], paths[2]]
    assert paths[1] not in asked(site)
    assert rows(tmp_path, "SELECT kind, url FROM incidents") == [("forbidden", HOME + paths[1])]


# Certificates


@contextmanager
def serve_https(site: SampleSite, pem: Path) -> Iterator[str]:
    """Serve a site over TLS on loopback; its base address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = _Server(site, "127.0.0.1", 0)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"https://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.close_idle()
        server.server_close()
        thread.join()


def test_a_site_whose_certificate_nobody_signed_is_not_crawled(tmp_path: Path) -> None:
    site, _ = site_with(2)
    pem = self_signed(tmp_path)
    words = ["crawl", "mohurd", "--channel", "xwfb", "--delay", "0", "--data", tmp_path / "data"]
    with serve_https(site, pem) as base:
        refused = run(*words, "--base-url", base)
        assert refused.returncode == 3
        assert "certificate" in refused.stderr
        assert site.log == []
        assert rows(tmp_path / "data", "SELECT kind FROM incidents") == [("unreachable",)]
        # The same site with the same certificate, once this machine trusts it.
        trusted = run(*words, "--base-url", base, SSL_CERT_FILE=str(pem))
        assert trusted.returncode == 0, trusted.stderr
    assert rows(tmp_path / "data", "SELECT count(*) FROM bulletins") == [(2,)]


# A host in trouble


GOOD_AFTER_ALL: dict[str, Callable[[SampleSite, str], Response]] = {
    "a good page": lambda site, path: site.answer(path),
    "a fault of one page": lambda site, path: hostile.pdf_as_html(),
}


@pytest.mark.parametrize("between", GOOD_AFTER_ALL)
def test_failures_with_something_else_between_them_do_not_end_a_crawl(
    tmp_path: Path, between: str
) -> None:
    site, paths = site_with(9)
    plain = SampleSite("A", site.pages)
    for path in paths:
        site.routes[path] = hostile.wall_412()
    site.routes[paths[4]] = GOOD_AFTER_ALL[between](plain, paths[4])
    done = crawl(site, tmp_path, "--channel", "xwfb")
    assert done.returncode == 3
    assert "in a row" not in done.stderr
    assert set(paths) <= set(asked(site))


@pytest.mark.parametrize(
    "failure",
    [hostile.wall_412(), hostile.wall_403()],
    ids=["a block page", "forbidden"],
)
def test_five_failures_in_a_row_end_a_crawl(tmp_path: Path, failure: Response) -> None:
    site, paths = site_with(9)
    for path in paths:
        site.routes[path] = failure
    done = crawl(site, tmp_path, "--channel", "xwfb")
    assert done.returncode == 3
    assert "5 failures in a row" in done.stderr
    assert set(paths[:5]) <= set(asked(site))
    assert not set(paths[6:]) & set(asked(site))


# Circles


@pytest.mark.parametrize("length", [1, 2, 3])
def test_pages_that_lead_to_one_another_are_an_incident(tmp_path: Path, length: int) -> None:
    site, paths = site_with(5)
    circle = paths[:length]
    for here, there in zip(circle, [*circle[1:], circle[0]], strict=True):
        site.routes[here] = hostile.redirect(there)
    done = crawl(site, tmp_path, "--channel", "xwfb")
    assert done.returncode == 3
    assert max(asked(site).count(path) for path in circle) <= 2
    found = {url for (url,) in rows(tmp_path, "SELECT url FROM incidents WHERE kind = 'moved'")}
    assert found
    assert found <= {HOME + path for path in circle}
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(5 - length,)]


@pytest.mark.parametrize("length", [1, pytest.param(2, marks=pytest.mark.long)])
def test_a_list_that_leads_in_circles_fails(tmp_path: Path, length: int) -> None:
    site, _ = site_with(2)
    circle = ["/xwfb/index.html", "/xwfb/other.html"][:length]
    for here, there in zip(circle, [*circle[1:], circle[0]], strict=True):
        site.routes[here] = hostile.redirect(there)
    done = crawl(site, tmp_path, "--channel", "xwfb")
    assert done.returncode == 3
    # One that leads to itself is asked once, a longer circle as often as five redirects lead.
    assert len(asked(site)) == (1 if length == 1 else 6)
    # It stands where the list is, so that a list that is well again settles it.
    assert rows(tmp_path, "SELECT kind, url FROM incidents") == [("moved", HOME + circle[0])]
    assert rows(tmp_path, "SELECT outcome FROM crawls") == [("failed",)]


@pytest.mark.parametrize(("hops", "read"), [(5, True), (6, False)])
def test_a_page_is_looked_for_behind_five_redirects(tmp_path: Path, hops: int, read: bool) -> None:
    site, [first] = site_with(1)
    chain = [first, *(first.replace(".html", f"{hop}0000.html") for hop in range(1, hops + 1))]
    site.routes[chain[-1]] = site.answer(first)
    for here, there in pairwise(chain):
        site.routes[here] = hostile.redirect(there)
    done = crawl(site, tmp_path, "--channel", "xwfb")
    assert done.returncode == (0 if read else 3), done.stderr
    assert rows(tmp_path, "SELECT count(*) FROM bulletins") == [(int(read),)]
