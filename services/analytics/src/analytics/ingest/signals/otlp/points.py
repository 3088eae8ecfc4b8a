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

A **stream** is what the data model tells apart: resource, scope, name, unit, type, temporality and attributes. Streams are
remembered, because the next message has the same ones.

A value that is no number (NaN, infinite), or the flag "no recorded value", is no observation and no error. Everything else that
cannot be right makes the point bad, with the reason.
"""

from __future__ import annotations

import enum
import hashlib
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, DataPointFlags, Metric, ResourceMetrics

from analytics.ingest.signals.otlp import dimensions
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
from analytics.recent import Recent
from analytics.rollup.observations import LARGEST, Labels
from drishti.measures.definition_checks import check
from drishti.measures.definitions import Kind, MetricDefinition
from drishti.messages import attributes, subjects

MAX_COUNT = 2**50
"""Observations of one point: so many points as an hour has seconds still fit the column of their sum."""

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


class _BadPoint(ValueError):
    """Says what is wrong with a point."""


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
                    except _BadPoint as wrong:
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


def _number(point: Any, grows: bool) -> State | None:
    kind = point.WhichOneof("value")
    if kind is None:
        return None
    value = getattr(point, kind)
    if not abs(value) <= LARGEST:  # nor NaN
        return None
    if grows and value < 0:
        raise _BadPoint(f"value: a monotonic sum is never negative, as {value:g} is")
    if grows and value > MAX_COUNT and kind == "as_double":
        value = float(value)
    return State(point.start_time_unix_nano, point.time_unix_nano, 0, value)


def _histogram(point: Any, _grows: bool) -> State:
    counts, bounds = point.bucket_counts[:], point.explicit_bounds[:]
    buckets: Buckets | None = None
    if counts:
        if len(counts) > MAX_BUCKETS:
            raise _BadPoint(f"bucket_counts: {len(counts)} are more than {MAX_BUCKETS}")
        if len(counts) != len(bounds) + 1:
            raise _BadPoint(f"explicit_bounds: {len(counts)} buckets have {len(counts) - 1} bounds, not {len(bounds)}")
        buckets = Explicit(_bounds(tuple(bounds)), tuple(counts))
        _adds_up(point.count, sum(counts))
    elif bounds:
        raise _BadPoint(f"bucket_counts: none for {len(bounds)} bounds")
    return _distribution(point, buckets)


def _exponential(point: Any, _grows: bool) -> State:
    scale, threshold = point.scale, point.zero_threshold
    if not -MAX_SCALE <= scale <= MAX_SCALE:
        raise _BadPoint(f"scale: {scale} is not between -{MAX_SCALE} and {MAX_SCALE}")
    if not 0 <= threshold <= LARGEST:
        raise _BadPoint("zero_threshold: must be a number from 0 on")
    positive = _indices(point.positive, scale, "positive")
    negative = _indices(point.negative, scale, "negative")
    _adds_up(point.count, point.zero_count + sum(positive.values()) + sum(negative.values()))
    return _distribution(point, Exponential(scale, point.zero_count, threshold, positive, negative))


def _summary(point: Any, _grows: bool) -> State:
    found = point.quantile_values
    if len(found) > MAX_BUCKETS:
        raise _BadPoint(f"quantile_values: {len(found)} are more than {MAX_BUCKETS}")
    known = sorted((one.quantile, one.value) for one in found if not math.isnan(one.value))
    if any(not 0 <= part <= 1 for part, _ in known):
        raise _BadPoint("quantile_values: a quantile lies between 0 and 1")
    values = tuple(value for _, value in known)
    if any(not abs(value) <= LARGEST for value in values) or any(b < a for a, b in itertools.pairwise(values)):
        raise _BadPoint("quantile_values: must be finite and ascend with their quantiles")
    buckets = Quantiles(tuple(part for part, _ in known), values) if known else None
    if point.count > MAX_COUNT:
        raise _BadPoint(f"count: {point.count} is more than {MAX_COUNT}")
    total = _sum(point)
    return State(point.start_time_unix_nano, point.time_unix_nano, point.count, total, None, None, buckets)


def _distribution(point: Any, buckets: Buckets | None) -> State:
    if point.count > MAX_COUNT:
        raise _BadPoint(f"count: {point.count} is more than {MAX_COUNT}")
    total = _sum(point) if point.HasField("sum") else None
    low = _finite(point.min, "min") if point.HasField("min") and point.count else None
    high = _finite(point.max, "max") if point.HasField("max") and point.count else None
    if low is not None and high is not None and low > high:
        raise _BadPoint(f"min: {low:g} is more than max, {high:g}")
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
            raise _BadPoint(f"explicit_bounds: must be finite and ascend, unlike {bound:g} at {place}")
        before = bound
    return bounds


def _indices(side: Any, scale: int, name: str) -> dict[int, int]:
    counts = side.bucket_counts[:]
    if not counts:
        return {}
    if len(counts) > MAX_BUCKETS:
        raise _BadPoint(f"{name}.bucket_counts: {len(counts)} are more than {MAX_BUCKETS}")
    offset = side.offset
    found = held(range(offset, offset + len(counts)), counts)
    if found:
        first, last = next(iter(found)), next(reversed(found))
        lowest, highest = math.ldexp(first + 1, -scale), math.ldexp(last, -scale)
        if lowest <= SMALLEST_EXPONENT or highest >= LARGEST_EXPONENT:
            raise _BadPoint(f"{name}: at scale {scale} no number falls into the buckets from {first} to {last}")
    return found


def _adds_up(count: int, in_buckets: int) -> None:
    if count != in_buckets:
        raise _BadPoint(f"count: is {count}, and the buckets hold {in_buckets}")


def _finite(value: float, name: str) -> float:
    if not abs(value) <= LARGEST:
        raise _BadPoint(f"{name}: {value:g} is no number that can be added up")
    return value


_GAUGE = Type("gauge", Kind.GAUGE, Mode.VALUE, _number)
_LEVEL = Type("level", Kind.GAUGE, Mode.VALUE, _number)
_SUMMARY = Type("summary", Kind.DISTRIBUTION, Mode.CUMULATIVE, _summary)
_TYPES: dict[tuple[str, bool, bool], Type] = {
    ("sum", True, True): Type("sum", Kind.COUNTER, Mode.CUMULATIVE, _number),
    ("sum", False, True): Type("sum", Kind.COUNTER, Mode.VALUE, _number),
    ("sum", True, False): _LEVEL,
    ("sum", False, False): Type("level", Kind.GAUGE, Mode.LEVEL, _number),
    ("histogram", True, True): Type("histogram", Kind.DISTRIBUTION, Mode.CUMULATIVE, _histogram),
    ("histogram", False, True): Type("histogram", Kind.DISTRIBUTION, Mode.VALUE, _histogram),
    ("exponential_histogram", True, True): Type("exponential", Kind.DISTRIBUTION, Mode.CUMULATIVE, _exponential),
    ("exponential_histogram", False, True): Type("exponential", Kind.DISTRIBUTION, Mode.VALUE, _exponential),
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
