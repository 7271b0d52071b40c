"""A document of the sample site, and the addresses that each of three eras gave it.

Era A is the static site with nested tables (to about 2021), era B its server-rendered
successor (to autumn 2024), era C the jpaas platform whose lists come from a unit call.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Literal
from urllib.parse import quote

Era = Literal["A", "B", "C"]
Style = Literal["plain", "word"]

DOWNLOAD_PATH = "/api-gateway/jpaas-web-server/front/document/download"


@dataclass(frozen=True, slots=True)
class Column:
    """One news column: its label, its id in the old system and its page id in era C."""

    label: str
    old_id: int
    page_id: str


# Page ids and the old ids 303 and 304 are the ministry's; 305 and the last row are invented.
COLUMNS = {
    "jsyw": Column("部门动态", 303, "f317736c953f43b893310d52b48aadaa"),
    "gzdt": Column("工作动态", 304, "919e942639b5477d96e4c97471c61d9f"),
    "dfxx": Column("地方信息", 305, "13f214f3a89147ea859e47aab5f60d72"),
    "xwfb": Column("新闻发布", 302, "5a1e0000000000000000000000005a1e"),
}


@dataclass(frozen=True, slots=True)
class File:
    """An attachment: its label on the page and its extension without the dot."""

    label: str
    extension: str = "pdf"


@dataclass(frozen=True, slots=True)
class Page:
    """One document of the sample site, whatever era shows it.

    A heading is a paragraph of its own and the origin line is the last one, if there is one.
    A paragraph with tabs is a row of a table. ``title`` may hold one line break. With
    ``hard_wrapped`` the body is lines ended by ``<br>``: broken as they are where a paragraph
    holds line breaks, else after ``WIDTH`` full-width characters. ``guid`` is the 32 hex
    digits of documents born in era C. ``encoding`` is what the page declares; every label of
    the GB family is served as GB18030 bytes.
    """

    id: int
    title: str
    published: date
    paragraphs: tuple[str, ...]
    column: str = "gzdt"
    time: str = "09:00"
    source: str | None = None
    attachments: tuple[File, ...] = ()
    hard_wrapped: bool = False
    style: Style = "plain"
    box: Literal["union", "info"] = "union"
    encoding: str = "utf-8"
    guid: str | None = None
    revised: date | None = None

    @property
    def name(self) -> str:
        """The title without its line break."""
        return self.title.replace("\n", "")


def address(page: Page, era: Era) -> str:
    """The path of a page's detail address in an era."""
    day = page.published
    if era == "A":
        return f"/{page.column}/{day:%Y%m}/t{day:%Y%m%d}_{page.id}.html"
    if era == "B":
        return f"/xinwen/{page.column}/{day:%Y%m}/{day:%Y%m%d}_{page.id}.html"
    key = page.guid or f"{COLUMNS[page.column].old_id}_{page.id}"
    return f"/xinwen/{page.column}/art/{day:%Y}/art_{key}.html"


def list_address(column: str, number: int, era: Era) -> str:
    """The path of a list's n-th page (from 1); era C has one column page for all of them."""
    folder = f"/{column}" if era == "A" else f"/xinwen/{column}"
    return f"{folder}/index.html" if number == 1 or era == "C" else f"{folder}/index_{number}.html"


def file_address(page: Page, file: File, era: Era) -> str:
    """The address that a detail page links an attachment by; era C's answers with a redirect."""
    if era == "C":
        opaque = hashlib.sha256(f"{page.id} {file.label}".encode()).hexdigest() + "="
        return f"{DOWNLOAD_PATH}?fileUrl={quote(opaque)}&fileName={quote(file.label)}"
    return stored_file(page, file, era)


def stored_file(page: Page, file: File, era: Era) -> str:
    """The path where an attachment's bytes are."""
    day = page.published
    token = hashlib.sha256(f"{page.id}/{file.label}".encode()).hexdigest()
    if era == "C":
        folder = f"/cms_files/filemanager/1150240553/attach/{day:%Y}{day.month}"
        return f"{folder}/{token[:32]}.{file.extension}"
    digits = f"{int(token[:16], 16):020d}"[-12:]
    folder = address(page, era).rpartition("/")[0]
    return f"{folder}/W0{day:%Y%m%d}{digits}.{file.extension}"
