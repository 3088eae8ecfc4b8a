"""What OTLP senders should not send, for every signal, by HTTP and gRPC: the answer of the specification, and the rest kept."""

from __future__ import annotations

import gzip
import io
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import grpc
import grpc.aio
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from drishti_local.servers import NatsServer
from rigs import otlp_examples
from rigs.gateway import Rig, running
from rigs.waiting import DEADLINE_S

TRACE, SPAN = bytes(range(0xA0, 0xB0)), bytes(range(0xF0, 0xF8))
NOW_NS = time.time_ns()
HEX_TRACE, HEX_SPAN = TRACE.hex().upper(), SPAN.hex().upper()


class Signal(NamedTuple):
    """One signal: how a request is built, an item of it, and where it goes."""

    path: str
    method: str
    request: Any
    response: Any
    rejected: str
    stream: str
    subject: str
    resource: Any
    add: Callable[[Any, int], Any]
    """Adds an item with a number to a request's scope, and gives what has its attributes."""
    items: Callable[[Any], list[str]]
    """What is in a stored message, by the items' attribute ``n``."""
    json: dict[str, Any]


def _add_span(scope: Any, number: int) -> Any:
    return scope.spans.add(
        trace_id=TRACE, span_id=number.to_bytes(8, "big"), start_time_unix_nano=NOW_NS, end_time_unix_nano=NOW_NS
    )


def _add_point(scope: Any, number: int) -> Any:
    return scope.metrics.add(name=f"m{number}").gauge.data_points.add(as_int=1, time_unix_nano=NOW_NS)


def _add_record(scope: Any, number: int) -> Any:
    return scope.log_records.add(time_unix_nano=NOW_NS)


def _numbers(items: Any) -> list[str]:
    return [pair.value.string_value for item in items for pair in item.attributes if pair.key == "n"]


SIGNALS = {
    "traces": Signal(
        "/v1/traces", "trace.v1.TraceService", ExportTraceServiceRequest, ExportTraceServiceResponse, "rejected_spans",
        "SPANS", "spans.v1", ResourceSpans, _add_span, lambda r: _numbers(s for scope in r.scope_spans for s in scope.spans),
        {"resources": "resourceSpans", "scopes": "scopeSpans", "items": "spans",
         "item": {"traceId": HEX_TRACE, "spanId": HEX_SPAN, "kind": 2,
                  "startTimeUnixNano": str(NOW_NS), "endTimeUnixNano": NOW_NS + 1}},
    ),
    "metrics": Signal(
        "/v1/metrics", "metrics.v1.MetricsService", ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        "rejected_data_points", "METRICS", "metrics.v1", ResourceMetrics, _add_point,
        lambda r: _numbers(p for scope in r.scope_metrics for m in scope.metrics for p in m.gauge.data_points),
        {"resources": "resourceMetrics", "scopes": "scopeMetrics", "items": "metrics",
         "item": {"name": "m", "gauge": {"dataPoints": [{"asInt": "1", "timeUnixNano": NOW_NS}]}}},
    ),
    "logs": Signal(
        "/v1/logs", "logs.v1.LogsService", ExportLogsServiceRequest, ExportLogsServiceResponse, "rejected_log_records",
        "LOGS", "logs.v1", ResourceLogs, _add_record,
        lambda r: _numbers(x for scope in r.scope_logs for x in scope.log_records),
        {"resources": "resourceLogs", "scopes": "scopeLogs", "items": "logRecords",
         "item": {"timeUnixNano": str(NOW_NS), "traceId": HEX_TRACE, "spanId": HEX_SPAN, "severityNumber": 9}},
    ),
}  # fmt: skip


class Answer(NamedTuple):
    """``ok``, or a refusal; ``rejected`` and ``reason`` of the partial success."""

    ok: bool
    status: int | str
    rejected: int = 0
    reason: str = ""


class Door:
    """One transport and one signal."""

    def __init__(self, rig: Rig, transport: str, signal: Signal) -> None:
        self.rig = rig
        self.transport = transport
        self.signal = signal

    async def send(self, body: bytes, *, gzipped: bool = False) -> Answer:
        return await (self._by_grpc if self.transport == "grpc" else self._by_http)(body, gzipped)

    async def _by_http(self, body: bytes, gzipped: bool) -> Answer:
        headers = {"x-api-key": self.rig.admin, "content-type": "application/x-protobuf"}
        if gzipped:
            headers["content-encoding"] = "gzip"
        async with self.rig.http.post(self.rig.url + self.signal.path, data=io.BytesIO(body), headers=headers) as answer:
            said = await answer.read()
            if answer.status != 200:
                return Answer(False, answer.status)
        return self._read(said, 200)

    async def _by_grpc(self, body: bytes, gzipped: bool) -> Answer:
        async with grpc.aio.insecure_channel(self.rig.grpc, options=[("grpc.max_send_message_length", -1)]) as channel:
            call = channel.unary_unary(f"/opentelemetry.proto.collector.{self.signal.method}/Export")
            # gRPC's client compresses by itself: what is no gzip is tried frame by frame elsewhere.
            options: dict[str, Any] = {"compression": grpc.Compression.Gzip} if gzipped else {}
            try:
                said = await call(body, metadata=(("x-api-key", self.rig.admin),), timeout=DEADLINE_S, **options)
            except grpc.aio.AioRpcError as error:
                return Answer(False, error.code().name)
        return self._read(said, "OK")

    def _read(self, said: bytes, status: int | str) -> Answer:
        partial = self.signal.response.FromString(said).partial_success
        return Answer(True, status, getattr(partial, self.signal.rejected), partial.error_message)

    async def stored(self) -> list[str]:
        """The numbers of all items that are in the stream."""
        stored = await self.rig.messages(self.signal.stream, f"{self.signal.subject}.{self.rig.tenant}.>")
        return [number for one in stored for number in self.signal.items(self.signal.resource.FromString(one.data))]


@pytest.fixture(scope="module")
async def served(nats_server: NatsServer, nats_url: str) -> AsyncIterator[Rig]:
    async with running(nats_server) as rig:
        yield rig


@pytest.fixture(params=[(transport, name) for transport in ("http", "grpc") for name in SIGNALS], ids="-".join)
async def door(served: Rig, request: pytest.FixtureRequest) -> Door:
    transport, name = request.param
    rig = Rig(served.url, served.http, served.bus, served.gateway)
    rig.admin = await rig.key("admin")
    rig.grpc = served.grpc
    return Door(rig, transport, SIGNALS[name])


def scope_of(signal: Signal, request: Any) -> Any:
    resource = getattr(request, next(iter(signal.request.DESCRIPTOR.fields_by_name))).add()
    return getattr(
        resource, next(name for name in signal.resource.DESCRIPTOR.fields_by_name if name.startswith("scope_"))
    ).add()


def request_of(signal: Signal, count: int, change: Callable[[int, Any], None] = lambda number, item: None) -> Any:
    """A request of ``count`` items; ``change`` makes of one what it should not be."""
    request = signal.request()
    scope = scope_of(signal, request)
    for number in range(1, count + 1):
        item = signal.add(scope, number)
        item.attributes.add(key="n").value.string_value = str(number)
        change(number, item)
    return request


def nested(value: Any, levels: int) -> None:
    for _ in range(levels):
        value = value.array_value.values.add()
    value.string_value = "x"


BAD = {"http": 400, "grpc": "INVALID_ARGUMENT"}


async def test_truncated_protobuf_is_refused(door: Door) -> None:
    whole = request_of(door.signal, 3).SerializeToString()
    for cut in (1, len(whole) // 2, len(whole) - 1):
        assert (await door.send(whole[:cut])).status == BAD[door.transport]
    assert await door.stored() == []


async def test_what_is_no_otlp_is_refused(door: Door) -> None:
    for body in (b"hello world", b"\xff" * 100, b"{}", b"\x08\x01", b"<html></html>", b"\x00\x00"):
        answer = await door.send(body)
        assert answer.ok is False, body
        assert answer.status == BAD[door.transport]
    assert await door.stored() == []


async def test_empty_requests_have_empty_answers(door: Door) -> None:
    signal = door.signal
    request = signal.request()
    scope_of(signal, request)
    for body in (b"", request.SerializeToString()):
        assert await door.send(body) == Answer(True, {"http": 200, "grpc": "OK"}[door.transport])
        assert (await door.send(gzip.compress(body) if door.transport == "http" else body, gzipped=True)).ok
    assert await door.stored() == []


async def test_text_that_is_not_utf8_costs_nothing(door: Door) -> None:
    request = request_of(
        door.signal,
        3,
        lambda n, item: item.attributes.add(key="k") and setattr(item.attributes[-1].value, "string_value", "XXXX"),
    )
    body = request.SerializeToString().replace(b"XXXX", b"a\xff\xfeb", 1)
    assert (await door.send(body))[2:] == (0, "")
    assert await door.stored() == ["1", "2", "3"]


async def test_nesting_without_an_end_costs_one_item(door: Door) -> None:
    request = request_of(door.signal, 3, lambda n, item: nested(item.attributes.add(key="k").value, 200) if n == 2 else None)
    answer = await door.send(request.SerializeToString())
    assert (answer.ok, answer.rejected) == (True, 1)
    assert await door.stored() == ["1", "3"]


async def test_item_larger_than_a_message_costs_itself(door: Door) -> None:
    def grow(number: int, item: Any) -> None:
        if number == 2:
            item.attributes.add(key="large").value.string_value = "x" * 1_000_000

    answer = await door.send(request_of(door.signal, 3, grow).SerializeToString())
    assert (answer.ok, answer.rejected) == (True, 1)
    assert "larger than" in answer.reason
    assert await door.stored() == ["1", "3"]


async def test_ten_thousand_attributes_are_taken(door: Door) -> None:
    def grow(number: int, item: Any) -> None:
        for name in range(10_000 if number == 2 else 0):
            item.attributes.add(key=f"a{name}").value.int_value = name

    assert (await door.send(request_of(door.signal, 3, grow).SerializeToString()))[2:] == (0, "")
    assert await door.stored() == ["1", "2", "3"]


async def test_a_hundred_thousand_items_in_one_request_are_all_stored(door: Door) -> None:
    request = request_of(door.signal, 100_000)
    assert (await door.send(request.SerializeToString()))[2:] == (0, "")
    assert await door.stored() == [str(number) for number in range(1, 100_001)]


async def test_resources_beyond_those_of_a_request_are_refused(door: Door) -> None:
    request = door.signal.request()
    for _ in range(1_001):
        scope_of(door.signal, request)
    assert (await door.send(request.SerializeToString())).status == BAD[door.transport]


WRONG_TIMES = {
    "of 2018": (1_544_712_660_000_000_000, "more than 30 days before its arrival"),
    "of tomorrow": (NOW_NS + 86_400_000_000_000, "more than 10 minutes after its arrival"),
    "beyond what is stored": (2**64 - 1, "beyond the year 2262"),
}


@pytest.mark.parametrize("when", WRONG_TIMES)
async def test_item_at_a_time_that_is_not_kept_is_rejected_with_the_limit_and_the_others_kept(door: Door, when: str) -> None:
    at_ns, why = WRONG_TIMES[when]

    def move(number: int, item: Any) -> None:
        if number == 2:
            for field in ("start_time_unix_nano", "end_time_unix_nano", "time_unix_nano"):
                if field in item.DESCRIPTOR.fields_by_name:
                    setattr(item, field, at_ns)

    answer = await door.send(request_of(door.signal, 3, move).SerializeToString())
    field = "start_time_unix_nano" if door.signal.stream == "SPANS" else "time_unix_nano"
    assert answer[2:] == (1, f"1 whose {field} is {why}")
    assert await door.stored() == ["1", "3"]


@pytest.mark.parametrize("name", list(SIGNALS))
async def test_wrong_types_and_codings_are_refused_by_http(served: Rig, name: str) -> None:
    signal = SIGNALS[name]
    body = request_of(signal, 1).SerializeToString()
    for headers, content, status in (
        ({"content-type": "text/plain"}, body, 415),
        ({"content-type": "application/grpc"}, body, 415),
        ({"content-type": "application/x-protobuf", "content-encoding": "br"}, body, 415),
        ({"content-type": "application/x-protobuf", "content-encoding": "gzip"}, body, 400),
        ({"content-type": "application/x-protobuf", "content-encoding": "gzip"}, gzip.compress(body)[:-5], 400),
        ({"content-type": "application/json"}, body, 400),
        ({"content-type": "application/json"}, b"{", 400),
        ({"content-type": "application/json"}, b"[]", 400),
        ({"content-type": "application/json"}, b'"text"', 400),
        ({"content-type": "application/json"}, json.dumps({signal.json["resources"]: 5}).encode(), 400),
    ):
        sent = {"x-api-key": served.admin, **headers}
        async with served.http.post(served.url + signal.path, data=content, headers=sent) as answer:
            assert answer.status == status, headers
            assert answer.content_type == (
                "application/json" if "json" in headers["content-type"] else "application/x-protobuf"
            )


def document(signal: Signal, *items: Any, **more: Any) -> bytes:
    names = signal.json
    return json.dumps(
        {names["resources"]: [{names["scopes"]: [{names["items"]: list(items), **more}], **more}], **more}
    ).encode()


@pytest.mark.parametrize("name", list(SIGNALS))
async def test_json_as_the_specification_has_it(served: Rig, name: str) -> None:
    signal = SIGNALS[name]
    rig = Rig(served.url, served.http, served.bus, served.gateway)
    rig.admin = await rig.key("admin")
    good = signal.json["item"]
    assert await rig.post(signal.path, document(signal)) == (200, {})
    assert await rig.post(signal.path, b"{}") == (200, {})
    assert await rig.post(signal.path, document(signal, {**good, "ofALaterVersion": {"a": [1]}}, alsoNew=[None])) == (200, {})
    (stored,) = await rig.messages(signal.stream, f"{signal.subject}.{rig.tenant}.>")
    resource = signal.resource.FromString(stored.data)
    if name != "metrics":
        scope = resource.scope_spans[0] if name == "traces" else resource.scope_logs[0]
        item = scope.spans[0] if name == "traces" else scope.log_records[0]
        assert (item.trace_id, item.span_id) == (TRACE, SPAN), "upper case is as good"
    status, answer = await rig.post(
        signal.path, document(signal, good, {**good, "attributes": 5, "name": 5, "severityNumber": "INFO"}, good)
    )
    assert status == 200
    rejected = "".join(part.title() for part in signal.rejected.split("_"))
    assert answer["partialSuccess"][rejected[0].lower() + rejected[1:]] == "1"


@pytest.mark.parametrize(
    "ids",
    [
        {"startTimeUnixNano": 0}, {"endTimeUnixNano": "0"}, {"endTimeUnixNano": str(NOW_NS - 1)}, {"startTimeUnixNano": None},
        {"startTimeUnixNano": "1544712660000000000"}, {"endTimeUnixNano": str(2**63)},
        {"traceId": "0" * 32}, {"spanId": "0" * 16}, {"traceId": "ab"}, {"spanId": "abcd" * 8}, {"traceId": ""},
        {"traceId": "g" * 32}, {"spanId": 5}, {"traceId": None}, {"traceId": "dHR0dHR0dHR0dHR0dHR0dA=="}, {"spanId": "73 " * 8},
    ],
)  # fmt: skip
async def test_span_with_ids_or_times_that_are_none_costs_no_other(served: Rig, ids: dict[str, Any]) -> None:
    signal = SIGNALS["traces"]
    rig = Rig(served.url, served.http, served.bus, served.gateway)
    rig.admin = await rig.key("admin")
    good = signal.json["item"]
    status, answer = await rig.post(signal.path, document(signal, good, {**good, **ids}, {**good, "spanId": "ab" * 8}))
    assert (status, answer["partialSuccess"]["rejectedSpans"]) == (200, "1")
    (stored,) = await rig.messages(signal.stream, f"{signal.subject}.{rig.tenant}.>")
    assert len(ResourceSpans.FromString(stored.data).scope_spans[0].spans) == 2


async def test_while_one_tenant_sends_nothing_but_junk_another_is_served(served: Rig) -> None:
    signal = SIGNALS["traces"]
    junk, other = (Rig(served.url, served.http, served.bus, served.gateway) for _ in range(2))
    for rig in (junk, other):
        rig.admin, rig.grpc = await rig.key("admin"), served.grpc
    bodies = [b"\xff" * 2_000_000, b"\x0a\x00" * 1_000_000, b"\x12\x00" * 1_000_000]
    for transport in ("http", "grpc"):
        bad, good = Door(junk, transport, signal), Door(other, transport, signal)
        for body in bodies:
            assert (await bad.send(body)).status in (*BAD.values(), 200, "OK")
            assert (await good.send(request_of(signal, 2).SerializeToString())).ok
    assert await Door(other, "http", signal).stored() == ["1", "2"]


async def test_examples_of_the_specification_are_stored_whole(served: Rig, drishti_data: Any) -> None:
    for name, file in (("traces", "trace.json"), ("metrics", "metrics.json"), ("logs", "logs.json"), ("logs", "events.json")):
        signal = SIGNALS[name]
        rig = Rig(served.url, served.http, served.bus, served.gateway)
        rig.admin, rig.grpc = await rig.key("admin"), served.grpc
        body = otlp_examples.of_today((drishti_data / "otlp-examples" / file).read_bytes())
        assert await rig.post(signal.path, body) == (200, {})
        first = await rig.messages(signal.stream, f"{signal.subject}.{rig.tenant}.>")
        assert first
        whole = signal.request()
        for message in first:
            getattr(whole, next(iter(signal.request.DESCRIPTOR.fields_by_name))).add().ParseFromString(message.data)
        assert await Door(rig, "grpc", signal).send(whole.SerializeToString()) == Answer(True, "OK")
        again = await rig.messages(signal.stream, f"{signal.subject}.{rig.tenant}.>")
        assert [message.data for message in again] == [message.data for message in first], "the same bytes are stored once"
