"""Data points that differ only in an attribute that was dropped, as the one point that they are then. Pure.

Two points of one metric with the same attributes would be read as one series that jumps back and forth: a cumulative counter
would seem to be reset again and again.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint, Metric, NumberDataPoint

from gateway.otlp.fewer_items import points_of


def merge(metric: Metric) -> int:
    """Adds up the points of equal attributes: those of sums, and histograms of the same bounds. Of others the first stays.

    Returns how many points are left out.
    """
    points = points_of(metric)
    if len(points) < 2:
        return 0
    kept: dict[tuple[bytes, ...], Any] = {}
    lost = 0
    for point in points:
        key = tuple(sorted(pair.SerializeToString() for pair in point.attributes))
        first = kept.setdefault(key, point)
        if first is not point and not _added(metric, first, point):
            lost += 1
    if len(kept) < len(points):
        merged = list(kept.values())
        del points[:]
        points.extend(merged)
    return lost


def _added(metric: Metric, into: Any, point: Any) -> bool:
    """Adds ``point`` to ``into``, where that has a meaning."""
    if metric.HasField("sum"):
        _add_numbers(into, point)
    elif metric.HasField("histogram") and list(into.explicit_bounds) == list(point.explicit_bounds):
        _add_buckets(into, point)
    else:
        return False
    into.start_time_unix_nano = min(into.start_time_unix_nano, point.start_time_unix_nano)
    into.time_unix_nano = max(into.time_unix_nano, point.time_unix_nano)
    into.exemplars.extend(point.exemplars)
    return True


def _add_numbers(into: NumberDataPoint, point: NumberDataPoint) -> None:
    if into.WhichOneof("value") == point.WhichOneof("value") == "as_int":
        into.as_int = max(-(2**63), min(2**63 - 1, into.as_int + point.as_int))
    else:
        into.as_double = _number(into) + _number(point)


def _number(point: NumberDataPoint) -> float:
    return point.as_double if point.WhichOneof("value") == "as_double" else float(point.as_int)


def _add_buckets(into: HistogramDataPoint, point: HistogramDataPoint) -> None:
    counts = [a + b for a, b in zip(into.bucket_counts, point.bucket_counts, strict=False)]
    del into.bucket_counts[:]
    into.bucket_counts.extend(min(count, 2**64 - 1) for count in counts)
    into.count = min(into.count + point.count, 2**64 - 1)
    into.sum += point.sum
    if into.HasField("min") and point.HasField("min"):
        into.min, into.max = min(into.min, point.min), max(into.max, point.max)
