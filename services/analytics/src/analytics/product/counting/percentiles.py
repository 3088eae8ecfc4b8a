"""Percentiles by the nearest rank. Pure."""

from __future__ import annotations

import math


def nearest_rank(share: float, count: int) -> int:
    """The place of the percentile ``share``, from 0 to 1, among ``count`` values in order, at least one."""
    return max(0, math.ceil(share * count) - 1)
