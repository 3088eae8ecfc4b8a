"""One segment in the database, read and rewritten whole, by whoever holds the lock of compaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

from analytics.product.segments.segment import Segment, StoredColumn, decode, encode, merge
from analytics.storage.database import Session

_COLUMNS = ("tenant", "day", "bucket", "col", "rows", "data", "dictionary", "numbers")


async def read_segment(session: Session, tenant: str, day: date, bucket: int) -> Segment | None:
    """With all of its columns; ``None`` where there is none."""
    records = await session.fetch("whole_segment", tenant, bucket, day)
    columns = [StoredColumn(row["col"], row["data"], row["dictionary"], row["numbers"]) for row in records]
    return await asyncio.to_thread(decode, columns) if columns else None


async def put_segment(session: Session, tenant: str, day: date, bucket: int, segment: Segment) -> None:
    """In the place of what is there; one without rows is none."""
    await session.execute("delete_segment", tenant, day, bucket)
    if segment.rows:
        await session.copy("segments", _COLUMNS, _rows(tenant, day, bucket, segment))


async def _rows(tenant: str, day: date, bucket: int, segment: Segment) -> AsyncIterator[tuple[Any, ...]]:
    """One column after the other: all of a large segment take as much memory as the segment."""
    columns = encode(segment)
    while column := await asyncio.to_thread(next, columns, None):
        yield (tenant, day, bucket, column.name, segment.rows, *column[1:])


async def add_rows(session: Session, tenant: str, day: date, bucket: int, *parts: Segment) -> None:
    """To what is there."""
    stored = await read_segment(session, tenant, day, bucket)
    merged = await asyncio.to_thread(merge_all, [*([] if stored is None else [stored]), *parts])
    del stored
    await put_segment(session, tenant, day, bucket, merged)


def merge_all(parts: list[Segment]) -> Segment:
    """The rows of all; at least one is given. Properties that an earlier one omits stay omitted."""
    merged = parts[0]
    for part in parts[1:]:
        merged = merge(merged, part)
    return merged
