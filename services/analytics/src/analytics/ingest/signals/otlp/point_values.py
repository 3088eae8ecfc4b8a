"""The numbers of one OTLP data point of each data type, checked. Pure.

Each function takes the point, and whether it is one of what only grows; it gives ``None`` where the point has no value, and
raises :class:`BadPoint` where it cannot be right.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import Any

from analytics.ingest.signals.otlp.buckets import (
    LARGEST_EXPONENT,
    MAX_BUCKETS,
    MAX_SCALE,
    SMALLEST_EXPONENT,
    Buckets,
    Explicit,
    Exponential,
    Quantiles,
    held,
)
from analytics.ingest.signals.otlp.temporality import State
from analytics.rollup.observations import LARGEST

MAX_COUNT = 2**50
"""Observations of one point: so many points as an hour has seconds still fit the column of their sum."""


class BadPoint(ValueError):
    """Says what is wrong with a point."""


def number(point: Any, grows: bool) -> State | None:
    kind = point.WhichOneof("value")
    if kind is None:
        return None
    value = getattr(point, kind)
    if not abs(value) <= LARGEST:  # nor NaN
        return None
    if grows and value < 0:
        raise BadPoint(f"value: a monotonic sum is never negative, as {value:g} is")
    if grows and value > MAX_COUNT and kind == "as_double":
        value = float(value)
    return State(point.start_time_unix_nano, point.time_unix_nano, 0, value)


def histogram(point: Any, _grows: bool) -> State:
    counts, bounds = point.bucket_counts[:], point.explicit_bounds[:]
    buckets: Buckets | None = None
    if counts:
        if len(counts) > MAX_BUCKETS:
            raise BadPoint(f"bucket_counts: {len(counts)} are more than {MAX_BUCKETS}")
        if len(counts) != len(bounds) + 1:
            raise BadPoint(f"explicit_bounds: {len(counts)} buckets have {len(counts) - 1} bounds, not {len(bounds)}")
        buckets = Explicit(_bounds(tuple(bounds)), tuple(counts))
        _adds_up(point.count, sum(counts))
    elif bounds:
        raise BadPoint(f"bucket_counts: none for {len(bounds)} bounds")
    return _distribution(point, buckets)


def exponential(point: Any, _grows: bool) -> State:
    scale, threshold = point.scale, point.zero_threshold
    if not -MAX_SCALE <= scale <= MAX_SCALE:
        raise BadPoint(f"scale: {scale} is not between -{MAX_SCALE} and {MAX_SCALE}")
    if not 0 <= threshold <= LARGEST:
        raise BadPoint("zero_threshold: must be a number from 0 on")
    positive = _indices(point.positive, scale, "positive")
    negative = _indices(point.negative, scale, "negative")
    _adds_up(point.count, point.zero_count + sum(positive.values()) + sum(negative.values()))
    return _distribution(point, Exponential(scale, point.zero_count, threshold, positive, negative))


def summary(point: Any, _grows: bool) -> State:
    found = point.quantile_values
    if len(found) > MAX_BUCKETS:
        raise BadPoint(f"quantile_values: {len(found)} are more than {MAX_BUCKETS}")
    known = sorted((one.quantile, one.value) for one in found if not math.isnan(one.value))
    if any(not 0 <= part <= 1 for part, _ in known):
        raise BadPoint("quantile_values: a quantile lies between 0 and 1")
    values = tuple(value for _, value in known)
    if any(not abs(value) <= LARGEST for value in values) or any(b < a for a, b in itertools.pairwise(values)):
        raise BadPoint("quantile_values: must be finite and ascend with their quantiles")
    buckets = Quantiles(tuple(part for part, _ in known), values) if known else None
    if point.count > MAX_COUNT:
        raise BadPoint(f"count: {point.count} is more than {MAX_COUNT}")
    total = _sum(point)
    return State(point.start_time_unix_nano, point.time_unix_nano, point.count, total, None, None, buckets)


def _distribution(point: Any, buckets: Buckets | None) -> State:
    if point.count > MAX_COUNT:
        raise BadPoint(f"count: {point.count} is more than {MAX_COUNT}")
    total = _sum(point) if point.HasField("sum") else None
    low = _finite(point.min, "min") if point.HasField("min") and point.count else None
    high = _finite(point.max, "max") if point.HasField("max") and point.count else None
    if low is not None and high is not None and low > high:
        raise BadPoint(f"min: {low:g} is more than max, {high:g}")
    return State(point.start_time_unix_nano, point.time_unix_nano, point.count, total, low, high, buckets)


def _sum(point: Any) -> float:
    """The sum of a distribution; 0 where it is one of nothing, whatever it says."""
    total = _finite(point.sum, "sum")
    return total if point.count else 0.0


@lru_cache(4_096)
def _bounds(bounds: tuple[float, ...]) -> tuple[float, ...]:
    before = -LARGEST
    for place, bound in enumerate(bounds):
        if not before <= bound <= LARGEST or (place and bound == before):
            raise BadPoint(f"explicit_bounds: must be finite and ascend, unlike {bound:g} at {place}")
        before = bound
    return bounds


def _indices(side: Any, scale: int, name: str) -> dict[int, int]:
    counts = side.bucket_counts[:]
    if not counts:
        return {}
    if len(counts) > MAX_BUCKETS:
        raise BadPoint(f"{name}.bucket_counts: {len(counts)} are more than {MAX_BUCKETS}")
    offset = side.offset
    found = held(range(offset, offset + len(counts)), counts)
    if found:
        first, last = next(iter(found)), next(reversed(found))
        lowest, highest = math.ldexp(first + 1, -scale), math.ldexp(last, -scale)
        if lowest <= SMALLEST_EXPONENT or highest >= LARGEST_EXPONENT:
            raise BadPoint(f"{name}: at scale {scale} no number falls into the buckets from {first} to {last}")
    return found


def _adds_up(count: int, in_buckets: int) -> None:
    if count != in_buckets:
        raise BadPoint(f"count: is {count}, and the buckets hold {in_buckets}")


def _finite(value: float, name: str) -> float:
    if not abs(value) <= LARGEST:
        raise BadPoint(f"{name}: {value:g} is no number that can be added up")
    return value
