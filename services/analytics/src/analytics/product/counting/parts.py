"""The users of one bucket, some after the other, so that little is in memory at once. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from analytics.product.counting.day import Day
from analytics.product.segments.segment import BUCKET_BITS, Ints, cut_at

ROWS = 130_000
"""About as many are counted at once: so many that the time is that of arrays, and as few as take little memory."""


def in_parts(days: Sequence[Day], others: Sequence[Day], rows: int = ROWS) -> Iterator[tuple[list[Day], list[Day]]]:
    """Both for some users after the other, the same users of each, with the days in which these have any row; not copied."""
    parts = -(-sum(day.segment.rows for day in (*days, *others)) // rows)
    if parts < 2:
        yield list(days), list(others)
        return
    first = (int(next(day for day in (*days, *others) if day.segment.rows).segment.users[0]) >> BUCKET_BITS) << BUCKET_BITS
    bounds = first + ((1 << BUCKET_BITS) // parts) * np.arange(1, parts)
    yield from zip(_cut(days, bounds), _cut(others, bounds), strict=True)


def _cut(days: Sequence[Day], bounds: Ints) -> list[list[Day]]:
    cut = [cut_at(day.segment, bounds) for day in days]
    return [
        [Day(day.start_ms, segments[part]) for day, segments in zip(days, cut, strict=True) if segments[part].rows]
        for part in range(len(bounds) + 1)
    ]
