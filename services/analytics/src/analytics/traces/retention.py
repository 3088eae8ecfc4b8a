"""How long spans are kept: some hours, or fewer where they take more than their share of the disk."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from analytics.storage.database import Session
from analytics.storage.span_lookups import lookup_bytes
from analytics.storage.span_rows import KEPT_SPANS, SPANS
from analytics.storage.tables import Partition, Table, partition_named

MIB = 1024 * 1024

LATE_HOURS = 24.0
"""Spans that come so long after their time is over are stored all the same, until their hour goes: they count in the sums of
their minutes, and of those that failed some are kept. Still older ones count in the metrics alone."""


KEPT_SHARE = 0.5
"""Of the bytes, which kept traces may take at most."""


class KeptFrom(NamedTuple):
    """The instants before which spans, and those of kept traces, may go."""

    spans: datetime
    kept: datetime


async def spans_kept_from(session: Session, now: datetime, *, hours: float, days: float, megabytes: int) -> KeptFrom:
    """What may go, so that all spans, kept traces and what both refer to take ``megabytes`` on disk. The hour of ``now`` stays
    whatever it takes, and so does its day of kept traces."""
    most = megabytes * MIB
    kept_sizes = await _sizes(session, KEPT_SPANS)
    kept = kept_from(kept_sizes, now, hours=days * 24, most=int(most * KEPT_SHARE))
    taken = sum(size for partition, size in kept_sizes if partition.ends > kept) + await lookup_bytes(session)
    return KeptFrom(kept_from(await _sizes(session, SPANS), now, hours=hours, most=most - taken), kept)


async def _sizes(session: Session, table: Table) -> list[tuple[Partition, int]]:
    records = await session.fetch("partition_sizes", table.name)
    return [(partition, row["bytes"]) for row in records if (partition := partition_named(table, row["partition"]))]


def kept_from(sizes: list[tuple[Partition, int]], now: datetime, *, hours: float, most: int) -> datetime:
    """The same, of partitions with their bytes."""
    oldest = now - timedelta(hours=hours)
    taken = 0
    for partition, size in sorted(sizes, key=lambda one: one[0].starts, reverse=True):
        taken += size
        if taken > most and partition.ends <= now:
            return max(oldest, partition.ends)
    return oldest
