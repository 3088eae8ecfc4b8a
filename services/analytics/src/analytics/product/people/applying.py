"""Puts what edges say about who is who into ``person_ids`` and segments, in the background.

How this works
--------------
An edge is pending from when it is stored, or changed. In one REPEATABLE READ transaction, under the lock of compaction, some
pending edges are read with all that is connected with them; rows of ids that have another person now are moved from the
segments of the one to those of the other; and ``person_ids`` says so. Until then, questions do the same in memory
(:mod:`analytics.product.segments.reading`). To undo an edge is to make it pending again: then the rows move back, since each
keeps the id under which it was sent.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import date
from itertools import groupby
from typing import Any

import numpy as np

from analytics.product.people.changes import Moved, moved
from analytics.product.segments.own_ids import Moves, own_ids, rows_of
from analytics.product.segments.segment import BUCKETS, Segment, StoredColumn, bucket_of, decode
from analytics.product.segments.stored import add_rows, put_segment, read_segment
from analytics.storage.database import Session

EDGES_AT_ONCE = 2_000
"""Pending edges of one transaction."""

MOST_IDS = 10_000_000

DAYS_AT_ONCE = 30
"""Columns of days that are read at once to find whose rows they have."""


async def apply_edges(session: Session, tenant: str, *, at_once: int = EDGES_AT_ONCE) -> int:
    """Applies the first pending edges of ``tenant``; returns how many. The session holds the lock."""
    async with session.snapshot(readonly=False):
        pending = await session.fetch("pending_edges", tenant, at_once)
        touched = {one for edge in pending for one in (edge["from_id"], edge["to_id"])}
        changed = await moved(session, tenant, touched, most=MOST_IDS)
        if changed:
            await _move_rows(session, tenant, changed)
            await session.execute("put_person_ids", tenant, [m.user_id for m in changed], [m.person_id for m in changed])
        keys = [(edge["kind"], edge["from_id"], edge["to_id"]) for edge in pending]
        if keys:
            await session.execute("settle_edges", tenant, *map(list, zip(*keys, strict=True)))
    return len(pending)


async def _move_rows(session: Session, tenant: str, changed: Sequence[Moved]) -> None:
    stored = {row["hash"] for row in await session.fetch("user_ids", tenant, [one.hash for one in changed])}
    moves = Moves.of((one.hash, one.before, one.person) for one in changed if one.hash in stored)
    if not len(moves.ids):
        return
    days: defaultdict[date, list[int]] = defaultdict(list)
    for bucket in sorted(set(bucket_of(moves.before).tolist())):
        async for found in _days_with(session, tenant, bucket, moves):
            days[found].append(bucket)
    for day, buckets in sorted(days.items()):
        await _move_rows_of_day(session, tenant, day, buckets, moves)


async def _days_with(session: Session, tenant: str, bucket: int, moves: Moves) -> AsyncIterator[date]:
    """The days in which segments have rows of any of the ids."""
    rest: list[tuple[Any, ...]] = []
    async for read in session.batches("users_of_bucket", tenant, bucket, at_once=3 * DAYS_AT_ONCE):
        rows = [*rest, *map(tuple, read)]
        last = rows[-1][0]
        rest = [row for row in rows if row[0] == last]  # the next rows may be of the same day
        for day in await asyncio.to_thread(_with_rows, [row for row in rows if row[0] != last], moves):
            yield day
    for day in await asyncio.to_thread(_with_rows, rest, moves):
        yield day


def _with_rows(rows: Sequence[tuple[Any, ...]], moves: Moves) -> list[date]:
    found = []
    for day, columns in groupby(rows, key=lambda row: row[0]):
        of_day = {col: StoredColumn(col, data, dictionary) for _, col, data, dictionary in columns}
        users = np.frombuffer(of_day["users"].data, "<i8")
        if np.isin(moves.before, users).any():
            counts = np.frombuffer(of_day["counts"].data, "<u4")
            t = StoredColumn("t", bytes(4 * int(counts.sum())))  # of no interest here
            if np.isin(own_ids(decode([*of_day.values(), t])), moves.ids).any():
                found.append(day)
    return found


async def _move_rows_of_day(session: Session, tenant: str, day: date, buckets: Sequence[int], moves: Moves) -> None:
    arriving: defaultdict[int, list[Segment]] = defaultdict(list)
    for bucket in buckets:
        segment = await read_segment(session, tenant, day, bucket)
        if segment is not None:
            staying, leaving = await asyncio.to_thread(_parted, segment, moves)
            await put_segment(session, tenant, day, bucket, staying)
            for to, part in leaving.items():
                arriving[to].append(part)
    for bucket, parts in arriving.items():
        await add_rows(session, tenant, day, bucket, *parts)


def _parted(segment: Segment, moves: Moves) -> tuple[Segment, dict[int, Segment]]:
    """The rows whose person stays who it is, and the others by their new bucket."""
    own = own_ids(segment)
    leaves = np.isin(own, moves.ids)
    persons = moves.persons(segment, own)
    buckets = bucket_of(persons)
    leaving = {
        bucket: rows_of(segment, leaves & (buckets == bucket), persons, own)
        for bucket in range(BUCKETS)
        if (leaves & (buckets == bucket)).any()
    }
    return rows_of(segment, ~leaves, segment.of_rows(), own), leaving
