"""OTLP: one message a resource, with the bytes that came; what cannot be taken is counted and said."""

from __future__ import annotations

import json
import math
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData, ResourceLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData, ResourceMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from drishti.errors import InvalidPayload
from drishti.events import arrival_ns
from gateway.otlp import exports as otlp
from gateway.otlp import wire as otlp_wire


def request(*services: str, spans: int = 3, text: str = "v") -> ExportTraceServiceRequest:
    message = ExportTraceServiceRequest()
    for number, service in enumerate(services):
        resource = message.resource_spans.add(schema_url="https://example.org/1")
        resource.resource.attributes.add(key="service.name").value.string_value = service
        scope = resource.scope_spans.add()
        scope.scope.name = "lib"
        for i in range(spans):
            span = scope.spans.add(
                trace_id=bytes([number + 1] * 16),
                span_id=(i + 1).to_bytes(8, "big"),
                name=f"op {i}",
                start_time_unix_nano=1,
                end_time_unix_nano=2,
            )
            span.attributes.add(key="k").value.string_value = text
    return message


def test_each_resource_becomes_a_message_with_the_bytes_that_came() -> None:
    sent = request("Shop API", "", "b")
    export = otlp.read("traces", sent.SerializeToString(), json=False)
    assert [p.service for p in export.parts] == ["shop-api", "unknown", "b"]
    assert [p.payload for p in export.parts] == [r.SerializeToString() for r in sent.resource_spans]


def test_unknown_fields_survive() -> None:
    resource = request("a").resource_spans[0].SerializeToString() + b"\xfa\x3e\x03new"
    body = b"\x0a" + bytes([len(resource)]) + resource if len(resource) < 128 else _framed(resource)
    assert otlp.read("traces", body, json=False).parts[0].payload == resource


def _framed(payload: bytes) -> bytes:
    length = len(payload)
    return b"\x0a" + bytes([length & 0x7F | 0x80, length >> 7]) + payload


def test_empty_request_is_fine() -> None:
    for json_form, body in ((False, b""), (True, b"{}"), (True, b'{"resourceSpans": []}')):
        export = otlp.read("traces", body, json=json_form)
        assert export == otlp.Export([])
        assert otlp.response("traces", export, json=json_form) == (b"{}" if json_form else b"")


@pytest.mark.parametrize("spoil", [{"trace_id": bytes(16)}, {"span_id": b"short"}, {"trace_id": b""}, {"span_id": bytes(8)}])
def test_span_without_valid_ids_is_rejected_and_the_others_kept(spoil: dict[str, bytes]) -> None:
    sent = request("a")
    for name, value in spoil.items():
        setattr(sent.resource_spans[0].scope_spans[0].spans[1], name, value)
    export = otlp.read("traces", sent.SerializeToString(), json=False)
    kept = ResourceSpans.FromString(export.parts[0].payload)
    assert [s.name for s in kept.scope_spans[0].spans] == ["op 0", "op 2"]
    answer = ExportTraceServiceResponse.FromString(otlp.response("traces", export, json=False))
    assert answer.partial_success.rejected_spans == 1
    assert "1 without" in answer.partial_success.error_message
    assert json.loads(otlp.response("traces", export, json=True))["partialSuccess"]["rejectedSpans"] == "1"


LIMITS = {
    (1, 2): "",
    (2, 2): "",
    (2**63 - 1, 2**63 - 1): "",
    (3, 2): "whose end_time_unix_nano is before start_time_unix_nano",
    (0, 2): "whose start_time_unix_nano is not set",
    (0, 0): "whose start_time_unix_nano is not set",
    (1, 0): "whose end_time_unix_nano is not set",
    (2**63, 2**63): "whose start_time_unix_nano is beyond the year 2262",
    (1, 2**64 - 1): "whose end_time_unix_nano is beyond the year 2262",
}


@pytest.mark.parametrize("times", LIMITS)
def test_span_that_has_a_time_that_cannot_be_is_rejected_and_the_others_kept(times: tuple[int, int]) -> None:
    sent = request("a", spans=3)
    span = sent.resource_spans[0].scope_spans[0].spans[1]
    span.start_time_unix_nano, span.end_time_unix_nano = times
    export = otlp.read("traces", sent.SerializeToString(), json=False)
    kept = ResourceSpans.FromString(export.parts[0].payload).scope_spans[0].spans
    assert [span.name for span in kept] == (["op 0", "op 2"] if LIMITS[times] else ["op 0", "op 1", "op 2"])
    assert (export.rejected, export.reason) == ((1, f"1 {LIMITS[times]}") if LIMITS[times] else (0, ""))


NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * 10**9
WHEN = arrival_ns(NOW_NS, margin_ns=30 * 10**9)
OLD, LATE = "more than 30 days before its arrival", "more than 10 minutes after its arrival"
TIMES = {
    NOW_NS: "",
    NOW_NS - 29 * 86_400 * 10**9: "",
    NOW_NS + 9 * 60 * 10**9: "",
    1_544_712_660_000_000_000: OLD,
    1: OLD,
    NOW_NS - 31 * 86_400 * 10**9: OLD,
    NOW_NS + 86_400 * 10**9: LATE,
    2**63 - 1: LATE,
    2**63: "beyond the year 2262",
    2**64 - 1: "beyond the year 2262",
}


def items_at(signal: otlp.Signal, times: list[int], field: str = "time_unix_nano") -> bytes:
    """A request with an item at each of ``times``, in two scopes."""
    if signal == "traces":
        spans = ExportTraceServiceRequest()
        resource = spans.resource_spans.add()
        for number, at in enumerate(times):
            given = {"start_time_unix_nano": at, "end_time_unix_nano": max(at, NOW_NS)}
            ids = {"trace_id": b"t" * 16, "span_id": (number + 1).to_bytes(8, "big")}
            resource.scope_spans.add().spans.add(name=str(number), **ids, **given)
        return spans.SerializeToString()
    if signal == "logs":
        logs = LogsData()
        for number, at in enumerate(times):
            record = logs.resource_logs.add() if number == 0 else logs.resource_logs[0]
            record.scope_logs.add().log_records.add(event_name=str(number), **{field: at})
        return logs.SerializeToString()
    metrics = MetricsData()
    scope = metrics.resource_metrics.add().scope_metrics.add()
    for number, at in enumerate(times):
        metric = scope.metrics.add(name=str(number))
        data = getattr(metric, ("gauge", "sum", "histogram", "exponential_histogram", "summary")[number % 5])
        data.data_points.add(time_unix_nano=at)
        data.data_points.add(time_unix_nano=at)
    return metrics.SerializeToString()


def names(signal: otlp.Signal, export: otlp.Export) -> list[str]:
    read = {"traces": ResourceSpans, "logs": ResourceLogs, "metrics": ResourceMetrics}[signal]
    found: list[Any] = [read.FromString(part.payload) for part in export.parts]
    if signal == "traces":
        return [span.name for one in found for scope in one.scope_spans for span in scope.spans]
    if signal == "logs":
        return [record.event_name for one in found for scope in one.scope_logs for record in scope.log_records]
    return [metric.name for one in found for scope in one.scope_metrics for metric in scope.metrics]


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
@pytest.mark.parametrize("at", TIMES)
def test_what_happened_too_long_ago_or_is_still_to_come_is_rejected_and_the_others_kept(signal: otlp.Signal, at: int) -> None:
    for place in range(6):
        times = [NOW_NS] * 6
        times[place] = at
        export = otlp.read(signal, items_at(signal, times), json=False, when=WHEN)
        kept = [str(number) for number in range(6) if number != place or not TIMES[at]]
        assert names(signal, export) == kept
        points = 2 if signal == "metrics" else 1
        field = "start_time_unix_nano" if signal == "traces" else "time_unix_nano"
        said = (points, f"{points} whose {field} is {TIMES[at]}") if TIMES[at] else (0, "")
        assert (export.rejected, export.reason) == said


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_where_nothing_is_left_the_answer_says_so_and_nothing_is_stored(signal: otlp.Signal) -> None:
    export = otlp.read(signal, items_at(signal, [1, 2**64 - 1, NOW_NS * 2]), json=False, when=WHEN)
    count = 6 if signal == "metrics" else 3
    assert (export.parts, export.rejected) == ([], count)
    assert [reason.partition(" is ")[2] for reason in export.reason.split("; ")] == ["beyond the year 2262", LATE, OLD]


@pytest.mark.parametrize("signal", ["logs", "metrics"])
def test_item_without_a_time_has_that_of_its_arrival(signal: otlp.Signal) -> None:
    body = items_at(signal, [0, NOW_NS, 0])
    assert otlp.read(signal, body, json=False, when=WHEN).rejected == 0
    written = body.replace(fixed64(NOW_NS), fixed64(0))
    assert written != body
    export = otlp.read(signal, written, json=False, when=WHEN)
    assert (names(signal, export), export.rejected) == (["0", "1", "2"], 0)


def test_record_without_a_time_has_that_at_which_it_was_observed() -> None:
    observed = items_at("logs", [NOW_NS, 1, 0], field="observed_time_unix_nano")
    export = otlp.read("logs", observed, json=False, when=WHEN)
    assert (names("logs", export), export.reason) == (["0", "2"], f"1 whose observed_time_unix_nano is {OLD}")
    both = LogsData()
    records = both.resource_logs.add().scope_logs.add().log_records
    records.add(event_name="0", time_unix_nano=NOW_NS, observed_time_unix_nano=1)
    records.add(event_name="1", time_unix_nano=1, observed_time_unix_nano=NOW_NS)
    assert names("logs", otlp.read("logs", both.SerializeToString(), json=False, when=WHEN)) == ["0"]


def fixed64(value: int) -> bytes:
    return value.to_bytes(8, "little")


def test_resource_too_large_for_a_message_is_split_and_keeps_every_span() -> None:
    sent = request("a", spans=300, text="v" * 4000)
    export = otlp.read("traces", sent.SerializeToString(), json=False)
    assert len(export.parts) > 1
    assert max(len(p.payload) for p in export.parts) <= otlp.MESSAGE_BYTES
    pieces = [ResourceSpans.FromString(p.payload) for p in export.parts]
    assert [s.name for p in pieces for s in p.scope_spans[0].spans] == [f"op {i}" for i in range(300)]
    assert {(p.schema_url, p.resource.attributes[0].value.string_value, p.scope_spans[0].scope.name) for p in pieces} == {
        ("https://example.org/1", "a", "lib")
    }


def test_span_too_large_for_any_message_is_rejected() -> None:
    sent = request("a", spans=2)
    sent.resource_spans[0].scope_spans[0].spans[0].attributes[0].value.string_value = "v" * otlp.MESSAGE_BYTES
    export = otlp.read("traces", sent.SerializeToString(), json=False)
    assert export.rejected == 1
    assert "larger than" in export.reason
    assert len(export.parts) == 1


def test_metric_too_large_for_a_message_is_split_by_its_points() -> None:
    sent = MetricsData()
    metric = sent.resource_metrics.add().scope_metrics.add().metrics.add(name="m", unit="By", description="d")
    metric.sum.is_monotonic = True
    for size in (300_000, 200_000, 10, otlp.MESSAGE_BYTES, 20):
        metric.sum.data_points.add(as_int=size).attributes.add(key="k").value.string_value = "v" * size
    metric.sum.aggregation_temporality = 2
    export = otlp.read("metrics", sent.SerializeToString(), json=False)
    answer = ExportMetricsServiceResponse.FromString(otlp.response("metrics", export, json=False))
    assert answer.partial_success.rejected_data_points == 1
    result = [m for p in export.parts for s in ResourceMetrics.FromString(p.payload).scope_metrics for m in s.metrics]
    assert [p.as_int for m in result for p in m.sum.data_points] == [300_000, 200_000, 10, 20]
    assert {(m.name, m.unit, m.description, m.sum.is_monotonic, m.sum.aggregation_temporality) for m in result} == {
        ("m", "By", "d", True, 2)
    }


@pytest.mark.parametrize("scopes", [1, 300])
def test_pieces_share_their_scope_and_do_not_multiply_the_bytes(scopes: int) -> None:
    sent = ExportTraceServiceRequest()
    resource = sent.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "a"
    resource.resource.attributes.add(key="about").value.string_value = "r" * 100_000
    for number in range(scopes):
        scope = resource.scope_spans.add(schema_url="s")
        scope.scope.name = f"scope {number}"
        for i in range(600 // scopes):
            ident = (number * 600 + i + 1).to_bytes(8, "big")
            span = scope.spans.add(trace_id=b"t" * 16, span_id=ident, start_time_unix_nano=1, end_time_unix_nano=2)
            span.attributes.add(key="k").value.string_value = "v" * 5_000
    body = sent.SerializeToString()
    export = otlp.read("traces", body, json=False)
    assert export.rejected == 0
    assert sum(len(p.payload) for p in export.parts) < 2 * len(body)
    pieces = [ResourceSpans.FromString(p.payload) for p in export.parts]
    assert [s.span_id for p in pieces for c in p.scope_spans for s in c.spans] == [
        s.span_id for c in resource.scope_spans for s in c.spans
    ]
    assert {c.scope.name for p in pieces for c in p.scope_spans} == {f"scope {n}" for n in range(scopes)}


def test_spans_of_a_resource_that_is_itself_too_large_are_rejected_and_counted() -> None:
    sent = request("a", spans=5)
    sent.resource_spans[0].resource.attributes.add(key="k").value.string_value = "v" * otlp.MESSAGE_BYTES
    export = otlp.read("traces", sent.SerializeToString(), json=False)
    assert (export.parts, export.rejected) == ([], 5)


def test_resources_are_counted_before_any_is_built() -> None:
    tracemalloc.start()
    try:
        for body, json_form in (
            (b"\x0a\x00" * 5_000_000, False),
            (b'{"resourceSpans":[' + b"{}," * 900_000 + b"{}]}", True),
        ):
            with pytest.raises(InvalidPayload, match="more than 1000 resources"):
                otlp.read("traces", body, json=json_form)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200e6


@pytest.mark.parametrize(("signal", "level"), [("traces", 0), ("traces", 1), ("metrics", 0), ("metrics", 1), ("metrics", 2)])
def test_a_body_full_of_nothing_is_refused_before_it_is_built(signal: otlp.Signal, level: int) -> None:
    body = b"\x12\x00" * 2_500_000
    for _ in range(level):
        body = otlp_wire.frame(2, len(body)) + body
    tracemalloc.start()
    try:
        with pytest.raises(InvalidPayload, match="send smaller batches"):
            otlp.read(signal, otlp_wire.frame(1, len(body)) + body, json=False)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12 * len(body)


def test_json_of_too_many_values_is_refused_before_it_is_read() -> None:
    with pytest.raises(InvalidPayload, match="more than 1000000 objects and arrays"):
        otlp.read("traces", b'{"resourceSpans":[' + b"[]," * 1_100_000 + b"[]]}", json=True)
    with pytest.raises(InvalidPayload, match="more than 2100000 texts"):
        otlp.read("traces", b'{"resourceSpans":[' + b'"a",' * 2_200_000 + b'""]}', json=True)


def test_official_examples_read_the_same_in_json_and_protobuf(drishti_data: Path) -> None:
    trace = (drishti_data / "otlp-examples" / "trace.json").read_bytes()
    resource = ResourceSpans.FromString(otlp.read("traces", trace, json=True).parts[0].payload)
    span = resource.scope_spans[0].spans[0]
    assert span.trace_id.hex() == "5b8efff798038103d269b633813fc60c"
    assert span.parent_span_id.hex() == "eee19b7ec3c1b173"
    assert (span.name, span.kind, span.end_time_unix_nano) == ("I'm a server span", 2, 1544712661000000000)
    metrics = otlp.read("metrics", (drishti_data / "otlp-examples" / "metrics.json").read_bytes(), json=True)
    assert [p.service for p in metrics.parts] == ["my-service"]
    result = ResourceMetrics.FromString(metrics.parts[0].payload).scope_metrics[0].metrics
    kinds = {m.WhichOneof("data") for m in result}
    assert {"sum", "gauge", "histogram", "exponential_histogram"} <= kinds
    again = MetricsData(resource_metrics=[ResourceMetrics.FromString(metrics.parts[0].payload)]).SerializeToString()
    assert otlp.read("metrics", again, json=False).parts == metrics.parts


@pytest.mark.parametrize(
    ("span", "field"),
    [
        ({"traceId": "xyz"}, "traceId"),
        ({"traceId": 5}, "traceId"),
        ({"kind": "SPAN_KIND_SERVER"}, "kind"),
        ({"startTimeUnixNano": "soon"}, "startTimeUnixNano"),
        ({"startTimeUnixNano": -1}, "startTimeUnixNano"),
        ({"name": 5}, "name"),
        ({"attributes": {}}, "attributes"),
        ({"attributes": [{"value": {"doubleValue": "much"}}]}, "attributes.0.value.doubleValue"),
        ({"attributes": [{"value": {"boolValue": 1}}]}, "attributes.0.value.boolValue"),
        ({"attributes": [{"value": {"bytesValue": "*"}}]}, "attributes.0.value.bytesValue"),
        ({"status": {"code": 2**40}}, "status.code"),
    ],
)
def test_wrong_json_names_the_field(span: dict[str, Any], field: str) -> None:
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    with pytest.raises(InvalidPayload) as invalid:
        otlp.read("traces", body, json=True)
    assert invalid.value.field == f"resourceSpans.0.scopeSpans.0.spans.0.{field}"


GOOD_SPAN = {"traceId": "01" * 16, "spanId": "02" * 8, "startTimeUnixNano": 1, "endTimeUnixNano": "2"}


def json_traces(*spans: Any, attributes: Any = None, more: Any = ()) -> bytes:
    scope_spans = [{"spans": list(spans)}, *more]
    return json.dumps({"resourceSpans": [{"resource": {"attributes": attributes or []}, "scopeSpans": scope_spans}]}).encode()


def spans_of(export: otlp.Export) -> int:
    resources = [ResourceSpans.FromString(part.payload) for part in export.parts]
    return sum(len(scope.spans) for resource in resources for scope in resource.scope_spans)


def nested_value(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"stringValue": "x"}
    for _ in range(levels):
        value = {"arrayValue": {"values": [value]}}
    return value


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "span",
        [],
        {**GOOD_SPAN, "traceId": "zz" * 16},
        {**GOOD_SPAN, "kind": "SPAN_KIND_SERVER"},
        {**GOOD_SPAN, "startTimeUnixNano": 10**30},
        {**GOOD_SPAN, "attributes": [{"key": "k", "value": {"intValue": "4_2"}}]},
        {**GOOD_SPAN, "attributes": [None]},
        {**GOOD_SPAN, "attributes": [{"key": "k", "value": nested_value(200)}]},
        {**GOOD_SPAN, "events": [{"timeUnixNano": float("inf")}]},
    ],
)
def test_a_span_that_cannot_be_read_costs_no_other(bad: Any) -> None:
    other = {"resource": {}, "scopeSpans": [{"spans": [GOOD_SPAN]}]}
    document = json.loads(json_traces(GOOD_SPAN, bad, GOOD_SPAN, more=[{"spans": [GOOD_SPAN]}]))
    document["resourceSpans"].append(other)
    export = otlp.read("traces", json.dumps(document).encode(), json=True)
    assert (spans_of(export), export.rejected) == (4, 1)
    assert "resourceSpans.0.scopeSpans.0.spans.1" in export.reason


def test_a_resource_or_scope_that_cannot_be_read_costs_its_own_spans() -> None:
    bad = json.loads(json_traces(GOOD_SPAN, {"kind": "x"}, more=[{"spans": [GOOD_SPAN]}], attributes=[{"key": 5}]))
    good = json.loads(json_traces(GOOD_SPAN, more=[{"scope": 5, "spans": [GOOD_SPAN, GOOD_SPAN]}]))
    body = json.dumps({"resourceSpans": [*bad["resourceSpans"], *good["resourceSpans"], "resource"]}).encode()
    export = otlp.read("traces", body, json=True)
    assert (spans_of(export), export.rejected) == (1, 3 + 2 + 1)


def test_a_point_that_cannot_be_read_costs_no_other() -> None:
    points = [{"asDouble": 1.0}, {"asDouble": "much"}, {"asInt": "3"}]
    named = [{"name": "a", "gauge": {"dataPoints": points}}, {"name": 5, "sum": {"dataPoints": points}}, {"name": "b"}]
    body = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": named}]}]}).encode()
    export = otlp.read("metrics", body, json=True)
    result = ResourceMetrics.FromString(export.parts[0].payload).scope_metrics[0].metrics
    assert ([m.name for m in result], len(result[0].gauge.data_points), export.rejected) == (["a", "b"], 2, 1 + 3)


def test_so_many_that_cannot_be_read_are_refused_whole() -> None:
    """Finding each of them costs time, and nobody sends them by mistake."""
    with pytest.raises(InvalidPayload, match="more than 1000 spans or data points"):
        otlp.read("traces", json_traces(GOOD_SPAN, *[None] * 1001), json=True)
    assert otlp.read("traces", json_traces(GOOD_SPAN, *[None] * 1000), json=True).rejected == 1000
    times = b"\x39" + fixed64(1) + b"\x41" + fixed64(2)
    good, bad = b"\x12\x2e\x0a\x10" + b"\1" * 16 + b"\x12\x08" + b"\2" * 8 + times, b"\x12\x02\x0a\xff"
    for each, refused in ((500, False), (501, True)):
        scope = (bad + good) * each
        resource = otlp_wire.frame(2, len(scope)) + scope
        body = (otlp_wire.frame(1, len(resource)) + resource) * 2
        if refused:
            with pytest.raises(InvalidPayload, match="more than 1000 spans or data points"):
                otlp.read("traces", body, json=False)
        else:
            export = otlp.read("traces", body, json=False)
            assert (spans_of(export), export.rejected) == (1000, 1000)


def test_a_large_resource_that_cannot_be_read_costs_no_other_in_protobuf() -> None:
    sent = request("a", "b", "c", spans=1200)
    for resource, target in zip(sent.resource_spans, ("resource", "span", ""), strict=True):
        holder = {"resource": resource.resource, "span": resource.scope_spans[0].spans[0]}.get(target)
        if holder is not None:
            value = holder.attributes.add(key="deep").value
            for _ in range(200):
                value = value.array_value.values.add()
    export = otlp.read("traces", sent.SerializeToString(), json=False)
    assert (spans_of(export), export.rejected) == (1199 + 1200, 1200 + 1)


def test_nan_as_some_programs_write_it_costs_nothing() -> None:
    span = {**GOOD_SPAN, "attributes": [{"key": "k", "value": {"doubleValue": float("nan")}}]}
    export = otlp.read("traces", json_traces(span, GOOD_SPAN), json=True)
    value = ResourceSpans.FromString(export.parts[0].payload).scope_spans[0].spans[0].attributes[0].value.double_value
    assert (math.isnan(value), spans_of(export), export.rejected) == (True, 2, 0)
    with pytest.raises(InvalidPayload, match="not JSON"):
        otlp.read("traces", b'{"resourceSpans": [NaN, ', json=True)


def test_a_reason_quotes_no_value() -> None:
    for value in ({"intValue": "secret"}, {"doubleValue": "secret"}, {"bytesValue": "secret*"}, {"intValue": 10**25}):
        bad = {**GOOD_SPAN, "attributes": [{"key": "k", "value": value}]}
        reason = otlp.read("traces", json_traces(GOOD_SPAN, bad), json=True).reason
        assert "secret" not in reason
        assert "000" not in reason


def test_in_protobuf_an_item_that_is_no_message_costs_no_other() -> None:
    sent = request("a", "b", spans=3)
    value = sent.resource_spans[0].scope_spans[0].spans[1].attributes.add(key="deep").value
    for _ in range(200):
        value = value.array_value.values.add()
    value.string_value = "x"
    whole = otlp.read("traces", request("a", "b", spans=3).SerializeToString(), json=False)
    export = otlp.read("traces", sent.SerializeToString(), json=False)
    assert (spans_of(export), export.rejected) == (spans_of(whole) - 1, 1)
    assert "opentelemetry.proto.trace.v1.Span" in export.reason


def test_json_takes_numbers_as_text_and_ignores_unknown_names() -> None:
    span = {
        "traceId": "01" * 16,
        "spanId": "02" * 8,
        "startTimeUnixNano": 5,
        "endTimeUnixNano": "9223372036854775807",
        "newField": {},
        "flags": None,
        "attributes": [
            {"key": "i", "value": {"intValue": "-5"}},
            {"key": "d", "value": {"doubleValue": "NaN"}},
            {"key": "l", "value": {"arrayValue": {"values": [{"boolValue": True}, {"bytesValue": "AQI="}]}}},
            {"key": "empty", "value": {"kvlistValue": {}}},
        ],
    }
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    read = ResourceSpans.FromString(otlp.read("traces", body, json=True).parts[0].payload).scope_spans[0].spans[0]
    values = {a.key: a.value for a in read.attributes}
    assert (read.start_time_unix_nano, read.end_time_unix_nano, values["i"].int_value) == (5, 2**63 - 1, -5)
    assert values["l"].array_value.values[1].bytes_value == b"\x01\x02"
    assert values["empty"].WhichOneof("value") == "kvlist_value"


def test_deep_nesting_is_refused() -> None:
    value: dict[str, Any] = {"stringValue": "x"}
    for _ in range(200):
        value = {"arrayValue": {"values": [value]}}
    body = json.dumps({"resourceSpans": [{"resource": {"attributes": [{"key": "k", "value": value}]}}]}).encode()
    with pytest.raises(InvalidPayload, match="too deeply"):
        otlp.read("traces", body, json=True)


VALID = request("a", "b").SerializeToString()


@given(
    st.one_of(st.binary(max_size=200), st.builds(lambda i, b: VALID[:i] + b, st.integers(0, len(VALID)), st.binary(max_size=9)))
)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for signal in ("traces", "metrics"):
        for json_form in (False, True):
            try:
                export = otlp.read(signal, body, json=json_form)
            except InvalidPayload:
                continue
            assert otlp.response(signal, export, json=json_form) is not None


def _with_text(bad: bytes) -> bytes:
    """A request of one span, in which some texts have been replaced by ``bad`` bytes."""
    whole = request("Shop XXXX", spans=3, text="YYYY")
    whole.resource_spans[0].scope_spans[0].spans[1].name = "ZZZZ"
    body = whole.SerializeToString()
    for text in (b"XXXX", b"YYYY", b"ZZZZ"):
        body = body.replace(text, bad)
    return body


@pytest.mark.parametrize("bad", [b"a\xffbc", b"\xed\xa0\x80d", b"\xc0\x80ab", b"abc\xe2"])
def test_text_that_is_not_utf8_is_mended_and_costs_no_span(bad: bytes) -> None:
    (part,) = otlp.read("traces", _with_text(bad), json=False).parts
    spans = ResourceSpans.FromString(part.payload).scope_spans[0].spans
    assert len(spans) == 3
    assert spans[1].name == "".join(chr(byte) if byte < 128 else "?" for byte in bad)
    assert part.service.startswith("shop-")
    assert len(part.payload) == len(ResourceSpans.FromString(part.payload).SerializeToString())


def test_text_of_metrics_is_mended_too() -> None:
    whole = ExportMetricsServiceRequest()
    metric = whole.resource_metrics.add().scope_metrics.add().metrics.add(name="XXXX")
    metric.gauge.data_points.add(as_double=1).attributes.add(key="k").value.string_value = "XXXX"
    body = whole.SerializeToString().replace(b"XXXX", b"\xff\xfe\xfdx")
    (part,) = otlp.read("metrics", body, json=False).parts
    assert ResourceMetrics.FromString(part.payload).scope_metrics[0].metrics[0].name == "???x"


@pytest.mark.parametrize("text", [b"\\ud800", b"\\udc00", b"\xff"])
def test_json_that_holds_no_text_is_mended_and_costs_no_span(text: bytes) -> None:
    ids = b'"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","startTimeUnixNano":1,"endTimeUnixNano":2'
    body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{%s,"name":"a%s\\\\ud800"},{%s,"name":"b"}]}]}]}' % (ids, text, ids)
    (part,) = otlp.read("traces", body, json=True).parts
    spans = ResourceSpans.FromString(part.payload).scope_spans[0].spans
    assert [span.name for span in spans] == ["a\N{REPLACEMENT CHARACTER}\\ud800", "b"]


def logs_request(*texts: str) -> ExportLogsServiceRequest:
    message = ExportLogsServiceRequest()
    resource = message.resource_logs.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "Shop"
    scope = resource.scope_logs.add()
    for number, text in enumerate(texts):
        scope.log_records.add(severity_number=9, time_unix_nano=number + 1).body.string_value = text
    return message


def records_of(export: otlp.Export) -> list[str]:
    resources = [ResourceLogs.FromString(part.payload) for part in export.parts]
    return [record.body.string_value for r in resources for scope in r.scope_logs for record in scope.log_records]


def test_log_records_go_out_as_they_came() -> None:
    sent = logs_request("started", "stopped")
    export = otlp.read("logs", sent.SerializeToString(), json=False)
    assert export == otlp.Export([otlp.Part("shop", sent.resource_logs[0].SerializeToString())])
    assert otlp.response("logs", export, json=False) == b""
    assert otlp.response("logs", export, json=True) == b"{}"


def test_log_records_too_large_for_a_message_are_split_and_one_too_large_for_any_is_counted() -> None:
    sent = logs_request(*(f"{n} " + "v" * 4000 for n in range(300)), "v" * otlp.MESSAGE_BYTES)
    export = otlp.read("logs", sent.SerializeToString(), json=False)
    assert len(export.parts) > 2
    assert [text.partition(" ")[0] for text in records_of(export)] == [str(n) for n in range(300)]
    answer = ExportLogsServiceResponse.FromString(otlp.response("logs", export, json=False))
    assert answer.partial_success.rejected_log_records == 1
    assert json.loads(otlp.response("logs", export, json=True))["partialSuccess"]["rejectedLogRecords"] == "1"


def test_more_short_log_records_than_a_reader_takes_are_split() -> None:
    sent = logs_request(*("x" for _ in range(6_000)))
    for number in range(3):
        scope = sent.resource_logs[0].scope_logs.add()
        scope.scope.name = f"scope {number}"
        scope.log_records.extend(sent.resource_logs[0].scope_logs[0].log_records)
    export = otlp.read("logs", sent.SerializeToString(), json=False)
    counts = [
        [(scope.scope.name, len(scope.log_records)) for scope in ResourceLogs.FromString(part.payload).scope_logs]
        for part in export.parts
    ]
    own = sent.resource_logs[0].scope_logs[0].scope.name
    assert counts == [
        [(own, 6_000), ("scope 0", 4_000)], [("scope 0", 2_000), ("scope 1", 6_000), ("scope 2", 2_000)], [("scope 2", 4_000)],
    ]  # fmt: skip
    assert len(records_of(export)) == 24_000
    assert {part.service for part in export.parts} == {"shop"}


def test_more_short_spans_or_points_than_a_reader_takes_are_split() -> None:
    sent = request("a", spans=0)
    scope = sent.resource_spans[0].scope_spans[0]
    for number in range(1, 25_001):
        scope.spans.add(trace_id=b"t" * 16, span_id=number.to_bytes(8, "big"), start_time_unix_nano=1, end_time_unix_nano=2)
    parts = [ResourceSpans.FromString(p.payload) for p in otlp.read("traces", sent.SerializeToString(), json=False).parts]
    assert max(len(s.spans) for p in parts for s in p.scope_spans) == 10_000
    found = [int.from_bytes(span.span_id, "big") for p in parts for s in p.scope_spans for span in s.spans]
    assert found == list(range(1, 25_001))
    points = MetricsData()
    metrics = points.resource_metrics.add().scope_metrics.add().metrics
    metrics.add(name="empty")
    for name in ("a", "b"):
        metric = metrics.add(name=name, unit="s")
        metric.sum.is_monotonic, metric.sum.aggregation_temporality = True, 2
        for number in range(15_000):
            metric.sum.data_points.add(as_int=number)
    export = otlp.read("metrics", points.SerializeToString(), json=False)
    held = [m for p in export.parts for s in ResourceMetrics.FromString(p.payload).scope_metrics for m in s.metrics]
    assert [(m.name, len(m.sum.data_points)) for m in held] == [
        ("empty", 0), ("a", 9_999), ("a", 5_001), ("b", 4_999), ("b", 10_000), ("b", 1),
    ]  # fmt: skip
    assert {(m.unit, m.sum.is_monotonic, m.sum.aggregation_temporality) for m in held[1:]} == {("s", True, 2)}
    assert [p.as_int for m in held if m.name == "b" for p in m.sum.data_points] == list(range(15_000))


@pytest.mark.parametrize(
    "bad", [None, "record", {"traceId": "zz" * 16}, {"severityNumber": "high"}, {"body": nested_value(200)}]
)
def test_a_log_record_that_cannot_be_read_costs_no_other(bad: Any) -> None:
    good = {"body": {"stringValue": "good"}, "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174"}
    document = {"resourceLogs": [{"scopeLogs": [{"logRecords": [good, bad, good]}, {"logRecords": [good]}]}]}
    export = otlp.read("logs", json.dumps(document).encode(), json=True)
    assert (records_of(export), export.rejected) == (["good"] * 3, 1)
    assert "resourceLogs.0.scopeLogs.0.logRecords.1" in export.reason
    record = ResourceLogs.FromString(export.parts[0].payload).scope_logs[0].log_records[0]
    assert record.trace_id.hex() == "5b8efff798038103d269b633813fc60c"


def test_what_is_no_export_of_logs_is_refused() -> None:
    for body, is_json in ((b"\xff\xff", False), (b"[]", True), (b'{"resourceLogs": [5]}', True)):
        with pytest.raises(InvalidPayload):
            otlp.read("logs", body, json=is_json)
