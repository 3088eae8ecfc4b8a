"""How long spans are kept: some hours, or fewer where they take more than their share of the disk."""

from __future__ import annotations

from datetime import datetime, timedelta

from analytics.storage.database import Session
from analytics.storage.span_rows import SPANS
from analytics.storage.tables import Partition, partition_named

MIB = 1024 * 1024

LATE_HOURS = 24.0
"""Spans that come so long after their time is over are stored all the same, until their hour goes: they count in the sums of
their minutes, and of those that failed some are kept. Still older ones count in the metrics alone."""


async def spans_kept_from(session: Session, now: datetime, *, hours: float, megabytes: int) -> datetime:
    """The instant before which spans may go. The hour of ``now`` stays whatever it takes."""
    records = await session.fetch("partition_sizes", SPANS.name)
    sizes = [(partition, row["bytes"]) for row in records if (partition := partition_named(SPANS, row["partition"]))]
    return kept_from(sizes, now, hours=hours, most=megabytes * MIB)


def kept_from(sizes: list[tuple[Partition, int]], now: datetime, *, hours: float, most: int) -> datetime:
    """The same, of partitions with their bytes."""
    oldest = now - timedelta(hours=hours)
    taken = 0
    for partition, size in sorted(sizes, key=lambda one: one[0].starts, reverse=True):
        taken += size
        if taken > most and partition.ends <= now:
            return max(oldest, partition.ends)
    return oldest
