"""A site of prepared bytes in a process of its own, so that what is measured is who asks it.

``python -m bench.quick_site PAGES light|heavy`` serves that many pages on loopback and prints its
address; ``/bench/total`` answers what it has sent so far. One list, twenty rows a page. It keeps
connections, and answers 304 where If-None-Match has a page's ETag.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.heavy_pages import html, page
from sample.layouts import detail
from sample.page import Page

ROWS = 20
SOURCE = """name = "样例站"
home = "https://www.bench.example"
rhythm_days = 10
nightly_pages = 1000000

[channels.news]
name = "新闻（样例）"
path = "/news/index.html"
platform = "numbered"
rows = "li.date"

[[layouts]]
name = "bench"
body = ["div.editor-content"]
"""


def path_of(number: int) -> str:
    """The path of the page of a number from 0."""
    return f"/news/art/2020/art_1_{number + 1}.html"


def light(number: int) -> bytes:
    """A page of about 2 kB, which says what no other says."""
    made = page(number)
    text = (f"{made.paragraphs[1]}全年共办理{number}件。",)
    return detail(Page(made.id, made.title, made.published, text, time=made.time), "C").encode()


def heavy(number: int) -> bytes:
    """A page of real weight."""
    return html(page(number)).encode()


def list_page(number: int, pages: int) -> bytes:
    """The list's page of a number from 1."""
    shown = range((number - 1) * ROWS, min(number * ROWS, pages))
    rows = "".join(
        f'<li class="date"><a href="{path_of(n)}">{page(n).title}</a>'
        f"<span>{page(n).published}</span></li>"
        for n in shown
    )
    notice = "样例：本页由测量用的站点生成，人物、事情和数字均属虚构。" * 5
    return f"<html><body><p>{notice}</p><ul>{rows}</ul></body></html>".encode()


class QuickSite:
    """Answers by path, made when first asked for where they are light, and at once else."""

    def __init__(self, pages: int, weight: str) -> None:
        self.pages = pages
        self.make = heavy if weight == "heavy" else light
        self.sent: Counter[str] = Counter()
        self.prepared: dict[str, bytes] = {}
        if weight == "heavy":
            self.prepared = {path_of(n): self.make(n) for n in range(pages)}

    def body(self, path: str) -> bytes | None:
        """The body at a path, None where there is none."""
        if path in self.prepared:
            return self.prepared[path]
        name = path.rpartition("/")[2].removesuffix(".html")
        if path.startswith("/news/index"):
            number = int(name.partition("_")[2] or 1)
            return list_page(number, self.pages) if (number - 1) * ROWS < self.pages else None
        if path.startswith("/news/art/"):
            return self.make(int(name.rpartition("_")[2]) - 1)
        return json.dumps(self.sent).encode() if path == "/bench/total" else None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                writer.write(self.answer(head))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def answer(self, head: bytes) -> bytes:
        """The whole answer to a request's head."""
        path = head.split(b" ", 2)[1].decode()
        etag = f'"{path}"'
        status, body = "200 OK", self.body(path)
        if body is None:
            status, body = "404 Not Found", b"not found"
        elif f"If-None-Match: {etag}".encode() in head:
            status, body = "304 Not Modified", b""
        size = "" if status.startswith("304") else f"Content-Length: {len(body)}\r\n"
        mark = f"ETag: {etag}\r\n" if path.startswith("/news/art/") else ""
        kind = "Content-Type: text/html; charset=utf-8\r\n"
        answer = f"HTTP/1.1 {status}\r\n{kind}{mark}{size}\r\n".encode() + body
        if path != "/bench/total":
            self.sent["requests"] += 1
            self.sent["bytes"] += len(answer)
            self.sent[status[:3]] += 1
        return answer


@contextmanager
def quick_site(pages: int, weight: str) -> Iterator[str]:
    """The address of a site in a process of its own, which ends with the block."""
    command = [sys.executable, "-m", "bench.quick_site", str(pages), weight]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.kill()


def total(address: str) -> dict[str, int]:
    """What a site has sent so far: requests, bytes, and answers by status."""
    with urllib.request.urlopen(f"{address}/bench/total") as answer:  # noqa: S310 - our own
        found: dict[str, int] = json.load(answer)
    return found


def source_folder(folder: Path) -> Path:
    """A folder with the source file of the site, whose slug is ``bench``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.toml").write_text(SOURCE, encoding="utf-8")
    return folder


async def _main(pages: int, weight: str) -> None:
    site = QuickSite(pages, weight)
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), sys.argv[2]))
