"""Decisions: what a person said of a capture that was held, kept beside the captures.

A decision is a WARC ``metadata`` record (WARC 1.1, 6.6) that refers to the capture's record, with
JSON as its block. Rows are derived from captures and decisions alike, so that a rebuild comes to
the same rows.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Literal, get_args

from warcio.warcwriter import WARCWriter

from archive.errors import Damaged

# The WARC header that tells a decision from other programs' metadata.
DECISION = b"Bulletins-Decision"

Verdict = Literal["accepted", "rejected"]


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word on a held capture: ``accepted`` as what the page says, or ``rejected``.

    The capture is named by its canonical ``address``, its ``fetched_at`` and its payload's
    ``digest``; ``url`` is what was fetched and ``record_id`` its WARC record. ``at`` is a UTC
    stamp, ``by`` whoever decided.
    """

    verdict: Verdict
    at: str
    by: str
    source: str
    url: str
    address: str
    fetched_at: str
    digest: str
    record_id: str


def decision_record(decision: Decision) -> bytes:
    """The gzip member of a decision's record."""
    block = json.dumps(asdict(decision), ensure_ascii=False).encode()
    out = BytesIO()
    writer = WARCWriter(out, gzip=True, warc_version="1.1")
    writer.write_record(
        writer.create_warc_record(
            decision.url,
            "metadata",
            payload=BytesIO(block),
            length=len(block),
            warc_content_type="application/json",
            warc_headers_dict={
                "WARC-Date": decision.at,
                "WARC-Refers-To": decision.record_id,
                DECISION.decode(): decision.verdict,
            },
        )
    )
    return out.getvalue()


def decision_of(block: bytes, where: str) -> Decision:
    """The decision in a record's block; raises Damaged, naming ``where``, for anything else."""
    try:
        found = Decision(**json.loads(block))
    except (ValueError, TypeError) as error:
        raise Damaged(f"{where}: the record is no decision: restore it from a backup") from error
    if found.verdict not in get_args(Verdict) or not all(
        isinstance(value, str) for value in asdict(found).values()
    ):
        raise Damaged(f"{where}: the decision has a value that is none")
    return found
