"""A resource with more spans, data points or log records than a message may have, in several messages. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, ResourceMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

_FIELDS: dict[Any, tuple[str, str]] = {
    ResourceSpans: ("scope_spans", "spans"),
    ResourceLogs: ("scope_logs", "log_records"),
    ResourceMetrics: ("scope_metrics", "metrics"),
}
"""The field of a resource's scopes, and that of what they hold."""


def count_points(resource: ResourceMetrics) -> int:
    """The data points of ``resource``; a metric without any counts as one."""
    return sum(max(1, len(points_of(metric))) for scope in resource.scope_metrics for metric in scope.metrics)


def points_of(metric: Metric) -> Any:
    """The data points of ``metric``, of whatever type; none where it has no data."""
    field = metric.WhichOneof("data")
    return getattr(metric, field).data_points if field else ()


def with_fewer_items(resource: Any, most: int) -> Iterator[Any]:
    """Messages of ``most`` items, the last one of fewer, each with the resource and the scopes of what it holds, in order."""
    scopes, items = _FIELDS[type(resource)]
    part, room = _empty(resource), most
    for scope in getattr(resource, scopes):
        into: Any = None
        for group, count in _groups(getattr(scope, items)):
            at = 0
            while at < count:
                if room == 0:
                    yield part
                    part, room, into = _empty(resource), most, None
                if into is None:
                    into = getattr(part, scopes).add(scope=scope.scope, schema_url=scope.schema_url)
                taken = min(room, count - at)
                getattr(into, items).extend(_slice(group, at, at + taken))
                at, room = at + taken, room - taken
    yield part


def _groups(items: Any) -> list[tuple[Any, int]]:
    """What a scope holds, with how many items that is: all its spans or records, or one metric after the other."""
    if not items or not isinstance(items[0], Metric):
        return [(items, len(items))]
    return [(metric, max(1, len(points_of(metric)))) for metric in items]


def _slice(group: Any, start: int, stop: int) -> list[Any]:
    """Some items of a group; of a metric its data points, in a metric."""
    if not isinstance(group, Metric):
        return list(group[start:stop])
    points = points_of(group)
    if len(points) <= stop - start:
        return [group]
    field = str(group.WhichOneof("data"))
    piece = Metric(name=group.name, unit=group.unit, description=group.description, metadata=group.metadata)
    data, target = getattr(group, field), getattr(piece, field)
    for about in ("aggregation_temporality", "is_monotonic"):
        if hasattr(data, about):
            setattr(target, about, getattr(data, about))
    target.data_points.extend(points[start:stop])
    return [piece]


def _empty(resource: Any) -> Any:
    return type(resource)(resource=resource.resource, schema_url=resource.schema_url)
