"""From OTLP to points: every data type, which streams are distinct, and what cannot be right."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.metrics.v1.metrics_pb2 import DataPointFlags, Metric, ResourceMetrics

from analytics.ingest.signals.otlp import dimensions
from analytics.ingest.signals.otlp.buckets import MAX_BUCKETS, Explicit, Exponential, Quantiles
from analytics.ingest.signals.otlp.points import Bad, Mode, Point, Read, Streams
from analytics.storage import rows
from drishti.measures.definitions import MAX_DIMENSIONS, Kind

DELTA, CUMULATIVE = 1, 2


def message(*metrics: Metric, service: str = "shop", **resource: str) -> ResourceMetrics:
    found = ResourceMetrics()
    found.resource.attributes.extend(attributes({"service.name": service, **resource}))
    found.scope_metrics.add().metrics.extend(metrics)
    return found


def attributes(of: dict[str, str]) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in of.items()]


def metric(field: str, name: str = "m", *, temporality: int = 0, monotonic: bool | None = None, **point: Any) -> Metric:
    found = Metric(name=name, unit="s", description="d")
    data = getattr(found, field)
    if temporality:
        data.aggregation_temporality = temporality
    if monotonic is not None:
        data.is_monotonic = monotonic
    data.data_points.add(time_unix_nano=20, start_time_unix_nano=10, **point)
    return found


def read(*metrics: Metric) -> list[Point | Bad]:
    return [found if isinstance(found, Bad) else found.point for found in Streams().read("t", message(*metrics))]


def one(found: Metric) -> Point:
    (point,) = read(found)
    assert isinstance(point, Point), point
    return point


def reason(found: Metric) -> str:
    (bad,) = read(found)
    assert isinstance(bad, Bad), bad
    return bad.reason


@pytest.mark.parametrize(
    ("found", "kind", "mode"),
    [
        (metric("gauge", as_double=1.5), Kind.GAUGE, Mode.VALUE),
        (metric("sum", temporality=CUMULATIVE, monotonic=True, as_int=3), Kind.COUNTER, Mode.CUMULATIVE),
        (metric("sum", temporality=DELTA, monotonic=True, as_int=3), Kind.COUNTER, Mode.VALUE),
        (metric("sum", temporality=CUMULATIVE, monotonic=False, as_int=-3), Kind.GAUGE, Mode.VALUE),
        (metric("sum", temporality=DELTA, monotonic=False, as_int=-3), Kind.GAUGE, Mode.LEVEL),
        (metric("histogram", temporality=CUMULATIVE, count=0), Kind.DISTRIBUTION, Mode.CUMULATIVE),
        (metric("histogram", temporality=DELTA, count=0), Kind.DISTRIBUTION, Mode.VALUE),
        (metric("exponential_histogram", temporality=DELTA, count=0), Kind.DISTRIBUTION, Mode.VALUE),
        (metric("exponential_histogram", temporality=CUMULATIVE, count=0), Kind.DISTRIBUTION, Mode.CUMULATIVE),
        (metric("summary", count=0), Kind.DISTRIBUTION, Mode.CUMULATIVE),
    ],
)
def test_every_data_type_has_a_kind(found: Metric, kind: Kind, mode: Mode) -> None:
    stream = one(found).stream
    assert (stream.kind, stream.mode, stream.name, stream.unit, stream.description) == (kind, mode, "m", "s", "d")
    assert (stream.tenant, stream.service) == ("t", "shop")


def test_numbers_of_each_type() -> None:
    assert one(metric("sum", temporality=DELTA, monotonic=True, as_int=2**62)).state.sum == 2**62
    explicit = metric(
        "histogram", temporality=DELTA, count=3, sum=7.0, min=1.0, max=4.0, explicit_bounds=[1, 5], bucket_counts=[1, 2, 0]
    )
    state = one(explicit).state
    assert (state.start, state.time, state.count, state.sum, state.low, state.high) == (10, 20, 3, 7.0, 1.0, 4.0)
    assert state.buckets == Explicit((1.0, 5.0), (1, 2, 0))
    exponential = metric("exponential_histogram", temporality=DELTA, count=6, scale=1, zero_count=1, zero_threshold=0.1)
    point = exponential.exponential_histogram.data_points[0]
    point.positive.offset, point.negative.offset = -2, 3
    point.positive.bucket_counts.extend([1, 0, 2])
    point.negative.bucket_counts.extend([2])
    assert one(exponential).state.buckets == Exponential(1, 1, 0.1, {-2: 1, 0: 2}, {3: 2})
    assert one(exponential).state.sum is None
    summary = metric("summary", count=4, sum=8.0)
    summary.summary.data_points[0].quantile_values.add(quantile=0.5, value=2.0)
    assert one(summary).state.buckets == Quantiles((0.5,), (2.0,))


def test_what_tells_streams_apart() -> None:
    def key(found: Metric, **resource: str) -> bytes:
        (read_,) = Streams().read("t", message(found, **resource))
        assert isinstance(read_, Read)
        return read_.point.stream.key

    base = metric("sum", temporality=DELTA, monotonic=True, as_int=1)
    others = [
        key(base, host="a"),
        key(base, host="b"),
        key(metric("sum", temporality=CUMULATIVE, monotonic=True, as_int=1)),
        key(metric("sum", "n", temporality=DELTA, monotonic=True, as_int=1)),
        key(metric("sum", temporality=DELTA, monotonic=True, as_int=1, attributes=attributes({"a": "1"}))),
        key(metric("sum", temporality=DELTA, monotonic=False, as_int=1)),
    ]
    assert len({key(base), *others}) == 7
    one_way = metric("gauge", as_int=1, attributes=attributes({"a": "1", "b": "2"}))
    another = metric("gauge", as_int=2, attributes=attributes({"b": "2", "a": "1"}))
    assert key(one_way) == key(another)


def test_an_exemplar_gives_its_trace() -> None:
    found = metric("gauge", as_int=1)
    exemplars = found.gauge.data_points[0].exemplars
    exemplars.add(as_int=1, trace_id=b"t" * 16, span_id=b"s" * 8)
    exemplars.add(as_int=1)
    exemplars.add(as_int=1, trace_id=bytes(16), span_id=b"s" * 8)
    exemplars.add(as_int=1, trace_id=b"short", span_id=b"s" * 8)
    assert one(found).exemplar == f"00-{b'tttttttttttttttt'.hex()}-{b'ssssssss'.hex()}-01"


@pytest.mark.parametrize(
    "found",
    [
        metric("gauge", as_double=math.nan),
        metric("gauge", as_double=math.inf),
        metric("gauge"),
        metric("gauge", as_int=1, flags=DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK),
        metric("sum", temporality=DELTA, monotonic=True, as_double=math.nan),
    ],
)
def test_no_value_is_no_point(found: Metric) -> None:
    assert read(found) == []


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (metric("gauge", "", as_int=1), "name"),
        (metric("sum", monotonic=True, as_int=1), "aggregation_temporality"),
        (metric("sum", temporality=7, monotonic=True, as_int=1), "aggregation_temporality"),
        (metric("sum", temporality=DELTA, monotonic=True, as_int=-1), "never negative"),
        (metric("histogram", temporality=DELTA, count=5, explicit_bounds=[1], bucket_counts=[1, 2]), "buckets hold 3"),
        (metric("histogram", temporality=DELTA, count=3, explicit_bounds=[1, 2], bucket_counts=[1, 2]), "explicit_bounds"),
        (metric("histogram", temporality=DELTA, count=3, explicit_bounds=[1, 2]), "bucket_counts"),
        (metric("histogram", temporality=DELTA, count=3, explicit_bounds=[2, 1], bucket_counts=[1, 1, 1]), "ascend"),
        (metric("histogram", temporality=DELTA, count=3, explicit_bounds=[1, 1], bucket_counts=[1, 1, 1]), "ascend"),
        (metric("histogram", temporality=DELTA, count=2, explicit_bounds=[math.nan], bucket_counts=[1, 1]), "ascend"),
        (metric("histogram", temporality=DELTA, count=2, explicit_bounds=[math.inf], bucket_counts=[1, 1]), "ascend"),
        (metric("histogram", temporality=DELTA, count=1, sum=math.nan), "sum"),
        (metric("histogram", temporality=DELTA, count=1, min=2, max=1), "min"),
        (metric("histogram", temporality=DELTA, count=2**63), "count"),
        (metric("histogram", temporality=DELTA, count=10_000, explicit_bounds=range(9_999), bucket_counts=[1] * 10_000),
         f"more than {MAX_BUCKETS}"),
        (metric("exponential_histogram", temporality=DELTA, count=1, scale=101), "scale"),
        (metric("exponential_histogram", temporality=DELTA, count=1, scale=-(2**31)), "scale"),
        (metric("exponential_histogram", temporality=DELTA, count=1, zero_threshold=-1), "zero_threshold"),
        (metric("exponential_histogram", temporality=DELTA, count=1, scale=0,
                positive={"offset": 2**31 - 1, "bucket_counts": [1]}), "no number falls"),
        (metric("exponential_histogram", temporality=DELTA, count=1, scale=-11,
                negative={"offset": 5, "bucket_counts": [1]}), "no number falls"),
        (metric("exponential_histogram", temporality=DELTA, count=9, scale=0,
                positive={"offset": 0, "bucket_counts": [1]}), "buckets hold 1"),
        (metric("summary", count=1, quantile_values=[{"quantile": 1.5, "value": 1}]), "between 0 and 1"),
        (metric("summary", count=1, quantile_values=[{"quantile": 0.5, "value": 2}, {"quantile": 0.9, "value": 1}]), "ascend"),
        (metric("summary", count=1, sum=math.inf), "sum"),
    ],
)  # fmt: skip
def test_what_cannot_be_right_says_why(found: Metric, says: str) -> None:
    assert says in reason(found)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (AnyValue(string_value="x"), "x"),
        (AnyValue(string_value="a\0b"), "a\ufffdb"),
        (AnyValue(int_value=-5), "-5"),
        (AnyValue(double_value=0.1), "0.1"),
        (AnyValue(bool_value=True), "true"),
        (AnyValue(bytes_value=b"\xff\0"), "/wA="),
        (AnyValue(array_value=ArrayValue(values=[AnyValue(string_value="a"), AnyValue(int_value=1)])), '["a","1"]'),
        (AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="k", value=AnyValue(bool_value=False))])), '{"k":"false"}'),
        (AnyValue(string_value="x" * 10_000), "x" * 128),
    ],
)
def test_attributes_of_every_type_are_labels(value: AnyValue, text: str) -> None:
    assert dimensions.pairs([KeyValue(key="a", value=value)]) == (("a", text),)


def test_a_deeply_nested_attribute_is_cut() -> None:
    value = AnyValue(string_value="deep")
    for _ in range(20):
        value = AnyValue(array_value=ArrayValue(values=[value]))
    assert dimensions.pairs([KeyValue(key="a", value=value)]) == (("a", '[[[[[[[[""]]]]]]]]'),)


def test_the_first_attributes_are_dimensions() -> None:
    many = tuple((f"k{n}", "v") for n in range(20))
    found = dimensions.extended(("service",), many)
    assert len(found) == MAX_DIMENSIONS
    assert found[:3] == ("service", "k0", "k1")
    assert dimensions.extended(found, (("other", "v"),)) == found
    for name in ("", "x" * 10_000, "a\0b", " a", "a\u202eb"):
        assert dimensions.extended(("service",), ((name, "v"),)) == ("service",)


def test_labels_are_the_same_whenever_a_dimension_is_added() -> None:
    before = dimensions.labels("shop", (("a", "1"),), ("service", "a"))
    after = dimensions.labels("shop", (("a", "1"),), ("service", "a", "b"))
    assert before == after == (msgspec.json.encode({"a": "1", "service": "shop"}).decode(),)
    assert rows.values_of("m", ("service", "b", "a"), before[0]) == ("shop", "", "1")


def test_an_attribute_called_service_is_not_the_service() -> None:
    assert dimensions.pairs(attributes({"service": "x", "a": "y"})) == (("a", "y"),)
