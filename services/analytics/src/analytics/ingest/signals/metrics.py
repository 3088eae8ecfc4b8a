"""METRICS: what services measure of themselves, as OTLP; of it, the CPU and memory of their processes. Pure.

A point is identified by tenant, resource, metric, attributes and time: the same export sent twice counts once. Metrics that
Drishti draws nothing from are passed over.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from google.protobuf.message import DecodeError
from msgspec import Struct
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import DataPointFlags, Metric, NumberDataPoint, ResourceMetrics

from analytics.ingest import refusals
from analytics.ingest.items import Decoded, Item, Refusal, wrong_time
from analytics.ingest.signal import Exemplars, Signal
from analytics.rollup.observations import LARGEST, Observations, Series
from drishti.events import MAX_ITEMS
from drishti.messages import attributes, catalogue, subjects

NAMES = {
    attributes.PROCESS_CPU_UTILIZATION: "cpu_utilization",
    attributes.PROCESS_MEMORY_USAGE: "memory_usage_bytes",
}

_NO_VALUE = DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK


class Point(Struct, frozen=True, gc=False):
    """One measured value, already under its metric's name."""

    metric: str
    service: str
    value: float
    service_name: str | None = None


def decode(tenant: str, payload: bytes, arrived: datetime, _traceparent: str | None) -> Decoded:
    """The points of one message of METRICS."""
    try:
        resource_metrics = ResourceMetrics.FromString(payload)
    except DecodeError as error:
        return [], [Refusal(f"not OTLP ResourceMetrics: {error}", None)]
    resource = resource_metrics.resource.attributes
    name = subjects.name_of(resource)
    service, given = subjects.token(name), subjects.given_name(name)
    identity = hashlib.blake2b(f"metrics\0{tenant}".encode(), digest_size=16)
    _update(identity, resource)
    items: list[Item] = []
    bad: list[tuple[str, Metric, NumberDataPoint]] = []
    arrived_ms = arrived.timestamp() * 1000
    points = list(itertools.islice(_points(resource_metrics), MAX_ITEMS + 1))
    if len(points) > MAX_ITEMS:
        return [], [refusals.too_many(sum(1 for _ in _points(resource_metrics)), ())]
    for metric, point in points:
        nanoseconds = point.time_unix_nano
        at_ms = nanoseconds / 1_000_000 if nanoseconds else arrived_ms
        if (reason := wrong_time(at_ms / 1000, arrived_ms / 1000)) is not None:
            bad.append((f"{metric.name}: {reason}", metric, point))
            continue
        value = float(point.as_int) if point.HasField("as_int") else point.as_double
        if not abs(value) <= LARGEST:  # nor NaN
            continue
        own = identity.copy()
        own.update(f"\0{metric.name}\0{nanoseconds or int(arrived_ms)}\0".encode())
        _update(own, point.attributes)
        time = datetime.fromtimestamp(at_ms / 1000, UTC)
        body = Point(NAMES[metric.name], service, value, given)
        items.append(Item(own.digest(), tenant, time, int(at_ms // 1000), body, None))
    return items, _letters(resource_metrics, bad, len(points))


def dead_letters(_payload: bytes, bad: Sequence[tuple[Item, str]]) -> list[Refusal]:
    """The whole message: those of its points that are stored count once, also when it is sent again."""
    return [Refusal(bad[0][1], None)]


def observe(items: Sequence[Item], _exemplars: Exemplars, observations: Observations) -> None:
    """Each point is an observation of its metric."""
    for item in items:
        point: Point = item.body
        observations.values(Series(item.tenant, point.metric, (point.service,), item.second), [point.value])


def _letters(message: ResourceMetrics, bad: list[tuple[str, Metric, NumberDataPoint]], points: int) -> list[Refusal]:
    """As :func:`refusals.letters`: many bad points share one letter, which is no larger than the message was."""
    if not bad:
        return []
    if len(bad) == points:
        return [Refusal(refusals.summary([reason for reason, _, _ in bad], points), None)]
    if len(bad) <= refusals.MAX_LETTERS:
        return [Refusal(reason, _only(message, [(metric, point)])) for reason, metric, point in bad]
    reasons = [reason for reason, _, _ in bad]
    return [Refusal(refusals.summary(reasons, points), _only(message, [(metric, point) for _, metric, point in bad]))]


def _points(message: ResourceMetrics) -> Iterator[tuple[Metric, NumberDataPoint]]:
    for scope in message.scope_metrics:
        for metric in scope.metrics:
            if metric.name in NAMES:
                points = metric.sum.data_points if metric.HasField("sum") else metric.gauge.data_points
                for point in points:
                    if not point.flags & _NO_VALUE and point.WhichOneof("value") is not None:
                        yield metric, point


def _update(digest: hashlib.blake2b, pairs: Sequence[KeyValue]) -> None:
    """Adds attributes to an identity; their order does not matter."""
    for part in sorted(pair.SerializeToString(deterministic=True) for pair in pairs):
        digest.update(len(part).to_bytes(4, "little") + part)


def _only(message: ResourceMetrics, points: Iterable[tuple[Metric, NumberDataPoint]]) -> bytes:
    """``points`` (in the order of ``message``) as a message of their own, which can be sent again by itself."""
    alone = ResourceMetrics(resource=message.resource)
    scope = alone.scope_metrics.add()
    for _, group in itertools.groupby(points, key=lambda pair: id(pair[0])):
        for position, (metric, point) in enumerate(group):
            if position == 0:
                copied = scope.metrics.add(name=metric.name, unit=metric.unit)
            (copied.sum if metric.HasField("sum") else copied.gauge).data_points.append(point)
    return alone.SerializeToString()


SIGNAL = Signal(
    message=catalogue.message("metrics"),
    decode=decode,
    dead_letters=dead_letters,
    observe=observe,
)
