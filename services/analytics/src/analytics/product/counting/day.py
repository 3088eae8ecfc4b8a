"""What is counted: the days of one bucket of users. Pure."""

from __future__ import annotations

from typing import NamedTuple

from analytics.product.segments.segment import Segment

DAY_MS = 86_400_000


class Day(NamedTuple):
    """What one bucket has of a UTC day that begins at ``start_ms``."""

    start_ms: int
    segment: Segment
