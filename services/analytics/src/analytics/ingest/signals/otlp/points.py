"""OTLP metrics to points: what every data type of the protocol says, in one form. Pure.

=============================== ============== =================================================================
data type                       kind           a point is
=============================== ============== =================================================================
gauge                           gauge          the value
sum, not monotonic, cumulative  gauge          the value
sum, not monotonic, delta       gauge          a change of the level, which is the sum of all changes
sum, monotonic                  counter        an increase, or the total of which increases are made
histogram, exponential          distribution   what was observed since the last point, or since the start
summary                         distribution   count and sum since the start; quantiles of the recent past
=============================== ============== =================================================================

A **stream** is what the data model distinguishes: resource, scope, name, unit, type, temporality and attributes. Streams are
remembered, because the next message has the same ones.

A value that is no number (NaN, infinite), or the flag "no recorded value", is no observation and no error. Everything else that
cannot be right makes the point bad, with the reason.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, DataPointFlags, Metric, ResourceMetrics

from analytics.ingest.signals.otlp import dimensions, point_values
from analytics.ingest.signals.otlp.point_values import BadPoint
from analytics.ingest.signals.otlp.temporality import State
from analytics.recent import Recent
from analytics.rollup.observations import Labels
from drishti.measures.definition_checks import check
from drishti.measures.definitions import Kind, MetricDefinition
from drishti.messages import attributes, subjects

MAX_STREAMS = 50_000
"""Streams that are remembered; beyond, those not seen for longest are made again from their next points."""

_NO_VALUE = DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
_CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
_DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
_WITH_TEMPORALITY = frozenset({"sum", "histogram", "exponential_histogram"})
_blake2b = hashlib.blake2b
_NO_TRACE, _NO_SPAN = bytes(16), bytes(8)


BUILT_IN = {
    attributes.PROCESS_CPU_UTILIZATION: "cpu_utilization",
    attributes.PROCESS_MEMORY_USAGE: "memory_usage_bytes",
}
"""Levels that are metrics of Drishti itself, under its own names."""


class Mode(enum.Enum):
    """How the points of a stream become observations."""

    VALUE = "value"
    """Each is one, by itself."""
    CUMULATIVE = "cumulative"
    """Each holds everything since the start."""
    LEVEL = "level"
    """Each changes the level, which is what is observed."""


class Stream(Struct, frozen=True, gc=False):
    """Where points come from, and what they measure. ``name`` is the metric's as it was given; ``token`` what Drishti calls it.
    ``key`` tells the stream apart from all others, of other tenants too."""

    key: bytes
    tenant: str
    service: str
    service_name: str | None
    name: str
    token: str
    unit: str
    description: str
    kind: Kind
    mode: Mode
    attributes: dimensions.Pairs
    built_in: str | None = None
    """Which of Drishti's own metrics it is."""


class Point(Struct, gc=False):
    """One data point that can be right. The value of a sum or gauge is ``state.sum``; ``labels`` are those of its series, once
    its metric is known (:mod:`analytics.ingest.registration`)."""

    stream: Stream
    state: State
    exemplar: str | None
    labels: Labels = ()

    @property
    def service(self) -> str:
        return self.stream.service

    @property
    def service_name(self) -> str | None:
        return self.stream.service_name


class Bad(NamedTuple):
    """A data point that cannot be right, with the metric that it belongs to."""

    reason: str
    metric: Metric
    point: Any


class Read(NamedTuple):
    """A point, with the metric and the data point that it was read from."""

    point: Point
    metric: Metric
    data: Any


class Type(NamedTuple):
    """A data type, as a metric has it."""

    field: str
    kind: Kind
    mode: Mode
    read: Callable[[Any, bool], State | None]
    """The numbers of a data point (``True``: of one that only grows); ``None`` where it has no value."""


class _Described(NamedTuple):
    """A metric of one scope: its data type, or what is wrong with it, and what its streams have in common."""

    type: Type | str
    identity: bytes


class Streams:
    """The metrics and streams that were seen lately, by the bytes that say so."""

    def __init__(self) -> None:
        self._metrics: Recent[tuple[object, ...], _Described] = Recent(MAX_STREAMS)
        self._known: Recent[tuple[bytes, bytes], Stream] = Recent(MAX_STREAMS)

    def forget_quiet(self) -> None:
        """Forgets the metrics and streams that were not seen since the last call."""
        self._metrics.age()
        self._known.age()

    def read(self, tenant: str, message: ResourceMetrics) -> Iterator[Read | Bad]:
        """The points of one message; times that are not set are 0."""
        resource = message.resource.attributes
        given = subjects.name_of(resource)
        service, service_name = subjects.token(given), subjects.given_name(given)
        origin = _digest(tenant.encode(), _attributes(resource))
        for scope in message.scope_metrics:
            scoped = _digest(
                origin, scope.scope.name.encode(), scope.scope.version.encode(), _attributes(scope.scope.attributes)
            )
            for metric in scope.metrics:
                field = metric.WhichOneof("data")
                if field is None:
                    continue
                data = getattr(metric, field)
                found, identity = self._described(scoped, metric, field, data)
                if isinstance(found, str):
                    for point in data.data_points:
                        yield Bad(found, metric, point)
                    continue
                read_state, has_exemplars, grows = found.read, found is not _SUMMARY, found.kind is not Kind.GAUGE
                for point in data.data_points:
                    if point.flags & _NO_VALUE:
                        continue
                    try:
                        state = read_state(point, grows)
                    except BadPoint as wrong:
                        yield Bad(f"{_shown(metric.name)}: {wrong}", metric, point)
                        continue
                    if state is None:
                        continue
                    written = b"".join([pair.SerializeToString() for pair in point.attributes])
                    stream = self._known.get((identity, written))
                    if stream is None:
                        stream = Stream(
                            _digest(identity, _attributes(point.attributes)), tenant, service, service_name, metric.name,
                            subjects.token(metric.name), metric.unit, metric.description, found.kind, found.mode,
                            dimensions.pairs(point.attributes),
                            BUILT_IN.get(metric.name) if found is _GAUGE or found is _LEVEL else None,
                        )  # fmt: skip
                        self._known.put((identity, written), stream)
                    exemplar = _exemplar(point.exemplars) if has_exemplars and point.exemplars else None
                    yield Read(Point(stream, state, exemplar), metric, point)

    def _described(self, scoped: bytes, metric: Metric, field: str, data: Any) -> _Described:
        """What is known of ``metric`` without its points."""
        if field in _WITH_TEMPORALITY:
            monotonic = field != "sum" or data.is_monotonic
            said: tuple[object, ...] = (scoped, metric.name, metric.unit, field, data.aggregation_temporality, monotonic)
        else:
            said = (scoped, metric.name, metric.unit, field)
        known = self._metrics.get(said)
        if known is None:
            found = type_of(metric)
            kind = found if isinstance(found, str) else f"{found.field} {found.mode}"
            identity = _digest(scoped, metric.name.encode(), metric.unit.encode(), kind.encode())
            known = _Described(found, identity)
            self._metrics.put(said, known)
        return known


def count_points(message: ResourceMetrics) -> int:
    """How many data points ``message`` holds."""
    return sum(len(_data_points(metric)) for scope in message.scope_metrics for metric in scope.metrics)


def point_key(point: Point) -> bytes:
    """What makes a point count once."""
    return _blake2b(point.stream.key + point.state.time.to_bytes(8, "little"), digest_size=16).digest()


def type_of(metric: Metric) -> Type | str:
    """The data type of ``metric``, or what is wrong with it."""
    field = metric.WhichOneof("data")
    if error := _name_error(metric.name):
        return f"{_shown(metric.name)}: name: {error}"
    if field is None:
        return f"{_shown(metric.name)}: has no data of a known type"
    if field == "gauge":
        return _GAUGE
    if field == "summary":
        return _SUMMARY
    data = getattr(metric, field)
    temporality = data.aggregation_temporality
    if not temporality and field == "sum" and not data.is_monotonic:
        return _LEVEL
    if temporality not in (_CUMULATIVE, _DELTA):
        return f"{_shown(metric.name)}: aggregation_temporality: must be delta or cumulative"
    monotonic = field != "sum" or data.is_monotonic
    return _TYPES[field, temporality == _CUMULATIVE, monotonic]


_GAUGE = Type("gauge", Kind.GAUGE, Mode.VALUE, point_values.number)
_LEVEL = Type("level", Kind.GAUGE, Mode.VALUE, point_values.number)
_SUMMARY = Type("summary", Kind.DISTRIBUTION, Mode.CUMULATIVE, point_values.summary)
_TYPES: dict[tuple[str, bool, bool], Type] = {
    ("sum", True, True): Type("sum", Kind.COUNTER, Mode.CUMULATIVE, point_values.number),
    ("sum", False, True): Type("sum", Kind.COUNTER, Mode.VALUE, point_values.number),
    ("sum", True, False): _LEVEL,
    ("sum", False, False): Type("level", Kind.GAUGE, Mode.LEVEL, point_values.number),
    ("histogram", True, True): Type("histogram", Kind.DISTRIBUTION, Mode.CUMULATIVE, point_values.histogram),
    ("histogram", False, True): Type("histogram", Kind.DISTRIBUTION, Mode.VALUE, point_values.histogram),
    ("exponential_histogram", True, True): Type("exponential", Kind.DISTRIBUTION, Mode.CUMULATIVE, point_values.exponential),
    ("exponential_histogram", False, True): Type("exponential", Kind.DISTRIBUTION, Mode.VALUE, point_values.exponential),
}


def _data_points(metric: Metric) -> Sequence[Any]:
    field = metric.WhichOneof("data")
    return getattr(metric, field).data_points if field else ()


def _exemplar(exemplars: Sequence[Any]) -> str | None:
    """The trace context of the last exemplar that has one."""
    for exemplar in reversed(exemplars):
        trace, span = exemplar.trace_id, exemplar.span_id
        if len(trace) == 16 and len(span) == 8 and trace != _NO_TRACE and span != _NO_SPAN:
            return f"00-{trace.hex()}-{span.hex()}-01"
    return None


def _attributes(pairs: Sequence[KeyValue]) -> bytes:
    """Attributes as bytes that do not depend on their order."""
    return b"".join(
        len(part).to_bytes(4, "little") + part for part in sorted(pair.SerializeToString(deterministic=True) for pair in pairs)
    )


def _digest(*parts: bytes) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(4, "little"))
        digest.update(part)
    return digest.digest()


@lru_cache(16_384)
def _name_error(name: str) -> str:
    """What is wrong with the name of a metric; empty where nothing is."""
    faults = check(MetricDefinition(name=name, kind=Kind.GAUGE))
    return faults[0].error if faults else ""


def _shown(name: str) -> str:
    shown = name if len(name) <= 100 else name[:99] + "…"
    return shown if shown and shown.isprintable() else repr(shown)
