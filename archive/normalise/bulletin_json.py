"""The JSON of a bulletin: what ``bulletins parse`` prints and a revision stores."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Any

from archive.model import Bulletin, Entry, Origin


def to_json(bulletin: Bulletin) -> dict[str, Any]:
    """A bulletin as plain values, dates as YYYY-MM-DD; the keys are a contract (docs/json.md)."""
    return {
        "url": bulletin.url,
        "title": bulletin.title,
        "series": bulletin.series,
        "issue": bulletin.issue,
        "published": _iso(bulletin.published),
        "published_at": bulletin.published_at,
        "origin": _origin(bulletin.origin),
        "issuer": bulletin.issuer,
        "anchor": _iso(bulletin.anchor),
        "lead": _entry(bulletin.lead) if bulletin.lead else None,
        "entries": [_entry(entry) for entry in bulletin.entries],
        "attachments": [{"url": a.url, "text": a.text} for a in bulletin.attachments],
        "body_rule": bulletin.body_rule,
    }


def _origin(origin: Origin | None) -> dict[str, Any] | None:
    if origin is None:
        return None
    return {
        "literal": origin.literal,
        "publication": origin.publication,
        "section": origin.section,
        "date": _iso(origin.date),
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "kind": entry.kind,
        "heading": entry.heading,
        "provinces": [
            {
                "code": p.province.code,
                "name": p.province.name,
                "short": p.province.short,
                "basis": p.basis,
            }
            for p in entry.provinces
        ],
        "text": entry.text,
        "dates": [
            {
                "text": d.text,
                "offset": d.offset,
                "kind": d.kind,
                "start": _iso(d.start),
                "end": _iso(d.end),
                "precision": d.precision,
            }
            for d in entry.dates
        ],
        "event_start": _iso(entry.event_start),
        "event_end": _iso(entry.event_end),
        "open_end": entry.open_end,
        "places": [
            {"text": p.text, "offset": p.offset, "level": p.level, "code": p.code}
            for p in entry.places
        ],
        "officials": [
            {"name": o.name, "title": o.title, "offset": o.offset} for o in entry.officials
        ],
    }


def content_digest(bulletin: Bulletin) -> str:
    """The SHA-256 of what the ministry said, so that two revisions differ when it does.

    Title, date, origin, headings, texts and attachments' labels count; the text counts as one
    string without whitespace, so that another division into entries changes nothing. The address,
    the time of day, attachments' addresses (which change with every move of a site) and what the
    archive derives do not count.
    """
    body, heading = [], None
    for entry in (*([bulletin.lead] if bulletin.lead else []), *bulletin.entries):
        if entry.heading != heading:
            body.append(entry.heading or "")
        heading = entry.heading
        body.append(entry.text)
    said = [
        bulletin.title,
        _iso(bulletin.published),
        bulletin.origin.literal if bulletin.origin else None,
        "".join("".join(body).split()),
        [a.text for a in bulletin.attachments],
    ]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
