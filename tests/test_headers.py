"""Security headers of every response, and query strings without what would bypass the search."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from archive.serving.middleware import clean_query
from tests.served_archive import Client

# Headers


PAGES = [
    "/", "/bulletins", "/bulletins/entries", "/bulletins/entries?_layout=table",
    "/bulletins/entries/1", "/bulletins/bulletins", "/bulletins?sql=select+1",
    "/bulletins/by_province_and_date?province=湖北", "/bulletins/timeline",
    "/bulletins/entries.json", "/bulletins/entries.csv", "/nix", "/assets/archive.css",
    "/-/static/app.css",
]  # fmt: skip


def test_the_whole_policy(client: Client) -> None:
    response = client.get("/")
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in response.headers["content-security-policy"].split(";")
    )
    digests = policy.pop("script-src").split(" ")
    assert policy == {
        "default-src": "'self'",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert digests[0] == "'self'"
    assert all(re.fullmatch(r"'sha256-[\w+/]{43}='", digest) for digest in digests[1:])


@pytest.mark.parametrize("page", PAGES)
def test_every_response_has_a_policy_that_allows_its_scripts(client: Client, page: str) -> None:
    response = client.get(page)
    assert response.status_code == (404 if page == "/nix" else 200)
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers.get_list("referrer-policy") == ["same-origin"]
    policy = response.headers["content-security-policy"]
    scripts = re.search(r"script-src ([^;]+);", policy)
    assert scripts
    assert "unsafe" not in scripts[1]
    if not response.headers["content-type"].startswith("text/html"):
        return
    for script in re.findall(r"<script>(.*?)</script>", response.text, re.DOTALL):
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in scripts[1], script
    assert not re.search(r"<[^>]+ on\w+=", response.text)
    assert not re.search(
        r'(?:src|href)="https?://(?!mohurd\.example|datasette\.io|localhost)', response.text
    )


@pytest.mark.parametrize(
    ("query", "cleaned"),
    [
        (b"_search=%E6%88%BF", b"_search=%E6%88%BF"),
        (b"_searchmode=raw&a=1&_fts_table=x&_fts_pk=y", b"a=1"),
        (b"%5fsearchmode=raw&a=1&_fts%5Ftable=x&%5F%66ts_pk", b"a=1"),
        (b"", b""),
    ],
)
def test_queries_are_cleaned(query: bytes, cleaned: bytes) -> None:
    assert clean_query(query) == cleaned
