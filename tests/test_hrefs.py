"""Addresses in links are read as a browser reads them."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import hrefs
from archive.hrefs import read_href
from archive.sources import PageContext
from crawler.sources import load_sources


@pytest.mark.parametrize(
    ("href", "read"),
    [
        ("附件 1.doc", "附件%201.doc"),
        ("  a  b.doc\n", "a%20%20b.doc"),
        ("\t/a\r\n.html\0\x1f", "/a.html"),
        ("a\n\t\t b.html?x=1 2#c d", "a%20b.html?x=1%202#c%20d"),
        ("a%20b.doc", "a%20b.doc"),
        ("甲\u3000乙.doc", "甲\u3000乙.doc"),
        (" \r\n", ""),
        ("\\xwfb\\附件.doc?a=\\b#\\c", "/xwfb/附件.doc?a=\\b#\\c"),
        ("http:\\\\other.example\\a", "http://other.example/a"),
        ("D:\\附件.doc", "D:\\附件.doc"),
    ],
)
def test_read_href(href: str, read: str) -> None:
    assert read_href(href) == read


@pytest.mark.parametrize(
    ("href", "found"),
    [
        ("附件 1.doc", "/xinwen/附件%201.doc"),
        ("\n ./附件\n 1.doc ", "/xinwen/附件%201.doc"),
        ("/a.jsp?name=甲 乙", "/a.jsp?name=甲%20乙"),
        ("\\xwfb\\a.html", "/xwfb/a.html"),
    ],
)
def test_canonical_addresses_keep_their_spaces(href: str, found: str) -> None:
    home = "https://www.mohurd.gov.cn"
    context = PageContext(load_sources()["mohurd"], f"{home}/xinwen/index.html", home)
    assert context.canonical(href) == home + found
    assert urljoin(context.address, read_href(href)) == home + found


@pytest.mark.parametrize("href", ["\\\\other.example\\a.html", "/\\other.example/a.html"])
def test_backslashes_lead_off_the_site_as_slashes_do(href: str) -> None:
    home = "https://www.mohurd.gov.cn"
    assert PageContext(load_sources()["mohurd"], home, home).canonical(href) is None


@given(st.text("a甲/?#:.% \t\n\\\0\u3000", max_size=12))
def test_an_ordinary_link_is_read_as_every_other(href: str) -> None:
    read = read_href(href)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hrefs, "_ODD", re.compile(""))
        assert read_href(href) == read
