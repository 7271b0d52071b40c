"""Which publishing system a list page looks to be of: for advice, never to read it by."""

from __future__ import annotations

import re

# The platform's name, and what only its pages have; the first that matches counts. A column page
# of jpaas or old Hanweb can have a TRS pager in a script that it shares with other pages.
_MARKS = (
    ("jpaas", re.compile(r"<script\b[^<>]*\bquerydata\s*=|jpaas-publish-server", re.I)),
    ("jcms", re.compile(r"<datastore\b|/jpage/dataproxy\.jsp", re.I)),
    ("countdown", re.compile(r"\bmaxPageNum\s*=\s*\d")),
    ("trs", re.compile(r"\bcreatePageHTML\s*\(|\bcountPage\s*=\s*\d")),
    ("govcn", re.compile(r"\bhome_\d+\.htm\b|\bZUIXINZHENGCE\.json\b")),
)


def platform_of(text: str) -> str | None:
    """The platform whose marks a page has; None where it has none.

    A page may be the column page of a platform, or a page of its list.
    """
    found = next((name for name, mark in _MARKS if mark.search(text)), None)
    return "json" if found is None and text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[") else found
