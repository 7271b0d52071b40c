"""The JSON of a bulletin: what ``bulletins parse`` prints and a revision stores."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date
from typing import Any

from archive.hrefs import file_name
from archive.model import Bulletin, Entry, Origin

# What a counter of visits shows, beside a source or in a text; 浏览量：120万 is said of something.
_COUNTER = re.compile(
    r"(?:浏览|点击|阅读|访问)(?:次数|人数|数|率|量)[:：]\d{1,9}(?:人次|次)?(?![\d万亿人])"
)


def to_json(bulletin: Bulletin) -> dict[str, Any]:
    """A bulletin as plain values, dates as YYYY-MM-DD; the keys are a contract (docs/json.md)."""
    return {
        "url": bulletin.url,
        "title": bulletin.title,
        "series": bulletin.series,
        "issue": bulletin.issue,
        "published": _iso(bulletin.published),
        "published_at": bulletin.published_at,
        "published_basis": bulletin.published_basis,
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

    Title, date, origin, headings, texts and attachments' labels count, each as one string without
    whitespace and counters, so that another division into entries or another line break changes
    nothing. The
    address, the time of day, attachments' addresses (see ``files_digest``) and what the archive
    derives do not count.
    """
    said = [
        _squeezed(bulletin.title),
        _iso(bulletin.published),
        _squeezed(bulletin.origin.literal) if bulletin.origin else None,
        _body(bulletin),
        [_squeezed(a.text) for a in bulletin.attachments],
    ]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def text_digest(bulletin: Bulletin) -> str:
    """The first 32 hex digits of the SHA-256 of a bulletin's text alone, without whitespace."""
    return hashlib.sha256(_body(bulletin).encode()).hexdigest()[:32]


def files_digest(bulletin: Bulletin) -> str:
    """The layout's name and a digest of the attachments' file names, "" where there are none.

    A file that is replaced is mostly uploaded under another name. Two such strings can be compared
    where they were read at the same address in the same layout: a redesign renames all files.
    """
    if not bulletin.attachments:
        return ""
    names = "\n".join(file_name(a.url) for a in bulletin.attachments)
    layout = bulletin.body_rule.partition(":")[0]
    return f"{layout} {hashlib.sha256(names.encode()).hexdigest()[:32]}"


def are_other_files(before: str | None, now: str) -> bool:
    """Whether two results of ``files_digest`` say that a file was replaced."""
    if not before or not now or before.split()[0] != now.split()[0]:
        return False
    return before != now


def _body(bulletin: Bulletin) -> str:
    body, heading = [], None
    for entry in (*([bulletin.lead] if bulletin.lead else []), *bulletin.entries):
        if entry.heading != heading:
            body.append(entry.heading or "")
        heading = entry.heading
        body.append(entry.text)
    return _squeezed("".join(body))


def _squeezed(text: str) -> str:
    return _COUNTER.sub("", "".join(text.split()))


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
