"""The search pages: /search, and the same results as /search.json, .csv and .atom."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from datasette.utils.asgi import AsgiStream, Response
from markupsafe import Markup

from archive.normalise.provinces import PROVINCES
from archive.search import MAX_LENGTH, Filter, Query, snippet
from archive.search.rank import RANKED
from archive.serving.entry_search import (
    KINDS,
    date_filter,
    facets,
    kind_filter,
    parse_entries,
    typed,
)
from archive.serving.search_forms import search_atom, search_csv
from archive.serving.search_request import DATABASE as DATABASE
from archive.serving.search_request import Asked, Found, Refused, find, read

SNIPPET = 160
"""Characters of an entry that a result shows."""

_LATE = Markup("<!-- facets -->")
"""Where a page is split in two; typed text is escaped, so this occurs nowhere else."""
_NOT_COUNTED = Refused(
    "归类没有完成，结果不受影响；请稍后重试。",
    "The facets could not be counted; the results are not affected. Try again later.",
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A facet's value; ``url`` adds it to the query, or removes it if it is ``chosen``."""

    label: str
    number: int
    url: str | None
    chosen: bool


def routes() -> list[tuple[str, Callable[..., Any]]]:
    """Patterns of paths, and the functions that answer them."""
    return [
        (r"^/search$", search_page),
        (r"^/search\.json$", search_json),
        (r"^/search\.csv$", search_csv),
        (r"^/search\.atom$", search_atom),
    ]


async def search_page(request: Any, datasette: Any) -> Any:
    """A page of results, with the facets that narrow them down.

    If counting facets takes long, the results are sent at once and the facets after them.
    """
    asked = Asked.of(request.args)
    try:
        found = await read(datasette, lambda conn: find(conn, asked))
    except Refused as refused:
        context = {"asked": replace(asked, q=asked.q[:MAX_LENGTH]), "refused": refused}
        page = await datasette.render_template("search.html", context, request=request)
        return Response.html(page, status=400)
    context = _context(found, asked, datasette)
    page = await datasette.render_template("search.html", context, request=request)
    if not context["late"]:
        return Response.html(page)

    async def written(writer: Any) -> None:
        if request.method == "HEAD":
            return
        results, _, rest = page.partition(_LATE)
        await writer.write(results)
        await writer.write(await _late_facets(found, asked, datasette) + rest)

    return AsgiStream(
        written,
        # A proxy that buffers the whole page would hold back the results.
        headers={"x-accel-buffering": "no"},
        content_type="text/html; charset=utf-8",
    )


async def search_json(request: Any, datasette: Any) -> Any:
    """The same as data; if facets are left out, ``facets_url`` is where to get them."""
    asked = Asked.of(request.args)
    try:
        found = await read(datasette, lambda conn: find(conn, asked))
    except Refused as refused:
        return _as_json({"error": str(refused)}, 400)

    def link(asked: Asked) -> str:
        return str(datasette.absolute_url(request, asked.url(datasette, "/search.json")))

    answer = {
        "query": asked.q,
        "understood": found.query.describe(),
        "sort": asked.sort,
        "sort_exact": found.page.exact,
        "total": found.total._asdict(),
        "entries": [
            {
                **entry,
                "snippet": snippet(str(entry["text"] or ""), found.query, SNIPPET),
                "also_at": [e.as_json() for e in found.also_at.get(int(entry["id"] or 0), [])],
            }
            for entry in found.page.entries
        ],
        "facets": found.facets
        and {
            "province": dict(found.facets.provinces),
            "source": dict(found.facets.sources),
            "kind": dict(found.facets.kinds),
            "month": dict(found.facets.months),
        },
        "facets_url": None if found.facets else link(replace(asked, facets=True)),
        "suggestions": [
            {"query": each.typed, "why": each.why, "total": each.count._asdict()}
            for each in found.suggestions
        ],
        "next": link(replace(asked, after=found.page.after)) if found.page.after else None,
    }
    return _as_json(answer)


def _as_json(answer: dict[str, Any], status: int = 200) -> Any:
    body = json.dumps(answer, ensure_ascii=False)
    return Response(body, status=status, content_type="application/json; charset=utf-8")


def _context(found: Found, asked: Asked, datasette: Any) -> dict[str, Any]:
    """The variables of the page; ``late`` marks the place for facets that are counted later."""
    plainly = Asked(asked.q, asked.sort)
    filters = Query(tuple(term for term in found.query.terms if isinstance(term, Filter)))

    def url(query: Query) -> str:
        return replace(plainly, q=typed(query)).url(datasette)

    return {
        "asked": asked,
        "understood": found.query.describe(),
        "found": found,
        "facets": choices(found, asked, datasette),
        "late": _LATE if found.facets is None and asked.facets is None else None,
        "marked": lambda text: Markup(snippet(text, found.query, SNIPPET)),  # noqa: S704 (escaped)
        "long": SNIPPET,
        "ranked": RANKED,
        "orders": {sort: Asked(asked.q, sort).url(datasette) for sort in ("date", "relevance")},
        "next_url": found.page.after and replace(asked, after=found.page.after).url(datasette),
        "again": plainly.url(datasette),
        "nearest": [
            (each, replace(plainly, q=each.typed).url(datasette)) for each in found.suggestions
        ],
        "filtered": [(filters.describe(), url(filters))] if filters.terms else [],
        "forms": {
            "JSON": plainly.url(datasette, "/search.json"),
            "CSV": plainly.url(datasette, "/search.csv"),
            "CSV（Excel）": plainly.url(datasette, "/search.csv") + "&_bom=1",
            "Atom": Asked(asked.q).url(datasette, "/search.atom"),
        },
    }


async def _late_facets(found: Found, asked: Asked, datasette: Any) -> str:
    """The facets as a part of the page, or the reason why they are missing."""
    context: dict[str, Any] = {}
    try:
        counted = await read(
            datasette,
            lambda conn: facets(conn, found.query, found.total),
            "facet_time_limit_ms",
        )
        context = {
            "facets": choices(replace(found, facets=counted), asked, datasette),
            "counted": None if found.total.exact else counted.total,
        }
    except Refused as refused:
        context = {"missing": refused}
    except Exception:
        # Part of the page is sent: the rest must be a valid page, whatever happened.
        logging.getLogger(__name__).exception("facets of %r", asked.q)
        context = {"missing": _NOT_COUNTED}
    template = datasette.jinja_env.get_template("_search_facets.html")
    return str(await template.render_async(context))


def choices(found: Found, asked: Asked, datasette: Any) -> dict[str, list[Choice]]:
    """The facets as links, by title."""
    if found.facets is None:
        return {}
    terms = found.query.terms
    filters = [term for term in terms if isinstance(term, Filter)]
    short = {province.code: province.short for province in PROVINCES.values()}
    words: dict[str, list[tuple[str, str, tuple[str, ...], int]]] = {
        "省份": [
            (f"省:{short[code]}", short[code], (f"p{code}",), number)
            for code, number in found.facets.provinces.items()
            if code in short
        ],
        "来源": [
            (f"来源:{slug}", found.sources[slug], (f"s{slug}",), number)
            for slug, number in found.facets.sources.items()
            if slug in found.sources
        ],
        "机构": [
            (f"机构:{kind}", KINDS[kind], asks.labels, number)
            for kind, number in found.facets.kinds.items()
            # Where all sources are of one kind, there is nothing to choose.
            if len({*found.kinds.values()}) > 1 and (asks := kind_filter(kind, found.kinds))
        ],
        "月份": [
            (f"日期:{month}", month, asks.labels, number)
            for month, number in found.facets.months.items()
            if (asks := date_filter(month))
        ],
    }
    before: str | None = None

    def choice(word: str, label: str, labels: tuple[str, ...], number: int) -> Choice:
        nonlocal before
        # Two filters mean the same, however they were typed, if their labels are the same.
        same = [term for term in filters if set(term.labels) == set(labels)]
        if same:
            changed = typed(Query(tuple(term for term in terms if term not in same)))
        else:
            if before is None:
                before = _open(word, asked, found)
            changed = f"{before} {word}".strip()
        url = Asked(changed, asked.sort).url(datasette)
        return Choice(label, number, url if len(changed) <= MAX_LENGTH else None, bool(same))

    return {title: [choice(*each) for each in listed] for title, listed in words.items()}


def _open(word: str, asked: Asked, found: Found) -> str:
    """The query in a form to which a field word can be appended; ``word`` is one to try.

    This is the query as it was typed, unless appending a word would change what it means: after an
    alternative (或), for example.
    """
    as_typed = asked.q.strip()
    longer = f"{as_typed} {word}"
    if len(longer) <= MAX_LENGTH:
        *before, added = parse_entries(longer, found.sources, found.kinds).terms
        if tuple(before) == found.query.terms and isinstance(added, Filter):
            return as_typed
    return typed(found.query)
