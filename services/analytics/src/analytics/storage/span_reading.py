"""Reads rows of many spans within a bound of bytes: a few thousand of them may have attributes of hundreds of megabytes."""

from __future__ import annotations

from typing import Any

from analytics.storage.database import Session
from analytics.storage.rows import Record

MAX_BYTES = 64 * 1024 * 1024
"""Of attributes, events and links of spans that are read at once, as JSON: what comes behind is left out."""


async def read_spans(session: Session, name: str, *parameters: Any) -> tuple[list[Record], bool]:
    """The rows of the statement ``name`` of spans, and whether some are left out. Raises :class:`DatabaseAway`."""
    return await session.fetch_within(name, *parameters, weigh=_bytes, most=MAX_BYTES)


def _bytes(record: Record) -> int:
    return len(record["attributes"] or "") + len(record["more"] or "") + len(record["common_attributes"])
