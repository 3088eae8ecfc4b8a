"""One segment in the database, read and rewritten by whoever holds the lock of compaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from datetime import date
from typing import Any

from analytics.product.segments.segment import (
    ROWS_OF_SEGMENT,
    Merging,
    Segment,
    StoredColumn,
    decode,
    decode_column,
    encode,
    encode_column,
    merge,
)
from analytics.storage.database import Session

VALUES_AT_ONCE = 500_000
"""Of a segment that gets rows, so many columns are in memory at once as have together so many values; one at least."""

_COLUMNS = ("tenant", "day", "bucket", "col", "rows", "data", "dictionary", "numbers")


async def read_segment(session: Session, tenant: str, day: date, bucket: int) -> Segment | None:
    """With all of its columns; ``None`` where there is none."""
    columns = await _read(session, tenant, day, bucket, None)
    return await asyncio.to_thread(decode, columns) if columns else None


async def put_segment(session: Session, tenant: str, day: date, bucket: int, segment: Segment) -> None:
    """In the place of what is there; one without rows is none."""
    await session.execute("delete_segment", tenant, day, bucket, None)
    if segment.rows:
        await _copy(session, tenant, day, bucket, segment.rows, encode(segment))


async def add_rows(session: Session, tenant: str, day: date, bucket: int, *parts: Segment) -> None:
    """To what is there, within a transaction. Takes as much memory as some columns, not as all of them."""
    newer = await asyncio.to_thread(merge_all, [*parts])
    there = {record["col"] for record in await session.fetch("names_of_segment", tenant, bucket, day)}.difference(
        ROWS_OF_SEGMENT
    )
    shared = await _read(session, tenant, day, bucket, ROWS_OF_SEGMENT)
    if not shared:
        await put_segment(session, tenant, day, bucket, newer)
        return
    older_rows, merging = await asyncio.to_thread(_merging, shared, there, newer)
    shared.clear()
    rows = merging.rows.rows
    await session.execute("delete_segment", tenant, day, bucket, ROWS_OF_SEGMENT)
    await _copy(session, tenant, day, bucket, rows, encode(merging.rows))
    every, at_once = sorted(there.union(merging.names)), max(1, VALUES_AT_ONCE // rows)
    for names in (every[first : first + at_once] for first in range(0, len(every), at_once)):
        older = await _read(session, tenant, day, bucket, names)
        await session.execute("delete_segment", tenant, day, bucket, names)
        await _copy(session, tenant, day, bucket, rows, _merged(merging, names, older, older_rows))


def _merging(shared: Sequence[StoredColumn], columns: Collection[str], newer: Segment) -> tuple[int, Merging]:
    older = decode(shared)
    return older.rows, Merging.of(older, columns, newer)


def _merged(merging: Merging, names: Sequence[str], older: list[StoredColumn], older_rows: int) -> Iterator[StoredColumn]:
    """Takes each of ``older`` as it comes to it."""
    stored = {column.name: column for column in older}
    older.clear()

    def merged(name: str) -> StoredColumn:
        column = stored.pop(name, None)
        return encode_column(name, merging.column(name, None if column is None else decode_column(column, older_rows)))

    return (merged(name) for name in names if name in merging.names)


async def _read(session: Session, tenant: str, day: date, bucket: int, names: Sequence[str] | None) -> list[StoredColumn]:
    records = await session.fetch("columns_of_segment", tenant, bucket, day, names)
    return [StoredColumn(row["col"], row["data"], row["dictionary"], row["numbers"]) for row in records]


async def _copy(session: Session, tenant: str, day: date, bucket: int, rows: int, columns: Iterator[StoredColumn]) -> None:
    async def one_after_the_other() -> AsyncIterator[tuple[Any, ...]]:
        while column := await asyncio.to_thread(next, columns, None):
            yield (tenant, day, bucket, column.name, rows, *column[1:])

    await session.copy("segments", _COLUMNS, one_after_the_other())


def merge_all(parts: list[Segment]) -> Segment:
    """The rows of all; at least one is given. Properties that an earlier one omits stay omitted."""
    merged = parts[0]
    for part in parts[1:]:
        merged = merge(merged, part)
    return merged
