"""Wherever an attribute may be, what is named as a secret or as content gets nowhere: not onto the bus, not into the database,
not to whom the gateway forwards, not into logs or spans of ours. What is beside it gets everywhere."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import asyncpg
import grpc.aio
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from drishti.messages import catalogue
from drishti_local.servers import NatsServer
from rigs import analytics as analytics_rig
from rigs import gateway as gateway_rig
from rigs.otlp_receiver import Receiver
from rigs.otlp_spans import MS, pairs
from rigs.posts import PostServer
from rigs.waiting import wait_until

HIDDEN, SHOWN = "hiddenmark", "shownmark"
ENCODINGS = ("protobuf", "json", "grpc")
KINDS = ("gauge", "sum", "histogram", "exponential_histogram", "summary")
CALLS = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
}


def about(place: str) -> list[KeyValue]:
    """Attributes with marks: as they are, in objects, in objects of arrays, and in addresses."""
    hidden = f"{HIDDEN}-{place}"
    plain = pairs(
        {
            "x.shown": f"{SHOWN}-{place}",
            "http.request.header.authorization": f"Bearer {hidden}",
            "app.api_key": hidden,
            "gen_ai.prompt": hidden,
            "session.token": hidden,
            "url.full": f"https://ada:{hidden}@host/{SHOWN}?token={hidden}&page=1",
            "http.target": f"/x?sig={hidden}",
        }
    )
    nested, listed = KeyValue(key="nested"), KeyValue(key="listed")
    nested.value.kvlist_value.values.extend(pairs({"password": hidden, "kept": SHOWN}))
    within = listed.value.array_value.values.add().kvlist_value.values
    within.extend(pairs({"llm.prompts": hidden}))
    deeper = within.add(key="deeper")
    deeper.value.kvlist_value.values.extend(pairs({"set-cookie": hidden}))
    return [*plain, nested, listed]


def requests(encoding: str) -> dict[str, Any]:
    """An export of each signal, with marks in every place that can have attributes."""
    now = time.time_ns()
    service = pairs({"service.name": f"shop {encoding}"})
    traces, metrics, logs = ExportTraceServiceRequest(), ExportMetricsServiceRequest(), ExportLogsServiceRequest()
    resource: Any
    for resource in (traces.resource_spans.add(), metrics.resource_metrics.add(), logs.resource_logs.add()):
        resource.resource.attributes.extend([*service, *about("resource")])
    scope = traces.resource_spans[0].scope_spans.add()
    scope.scope.attributes.extend(about("scope"))
    ident = encoding.encode().ljust(16, b"-")
    span = scope.spans.add(trace_id=ident, span_id=ident[:8], name="ask", attributes=about("span"))
    span.start_time_unix_nano, span.end_time_unix_nano = now - 5 * MS, now
    span.events.add(name="exception", time_unix_nano=now, attributes=about("event"))
    span.links.add(trace_id=b"l" * 16, span_id=b"k" * 8, attributes=about("link"))
    held = metrics.resource_metrics[0].scope_metrics.add()
    held.scope.attributes.extend(about("scope of metrics"))
    for kind in KINDS:
        metric = held.metrics.add(name=f"{encoding}.{kind}", metadata=about("metadata"))
        point = getattr(metric, kind).data_points.add(time_unix_nano=now, attributes=about("point"))
        if kind in ("gauge", "sum"):
            point.as_int = 5
        if kind == "sum":
            metric.sum.aggregation_temporality = 1
        if kind != "summary":
            point.exemplars.add(time_unix_nano=now, as_int=1, filtered_attributes=about("exemplar"))
    scope_logs = logs.resource_logs[0].scope_logs.add()
    scope_logs.scope.attributes.extend(about("scope of logs"))
    record = scope_logs.log_records.add(time_unix_nano=now, severity_number=17, attributes=about("record"))
    record.body.kvlist_value.values.extend(about("body"))
    event = scope_logs.log_records.add(time_unix_nano=now, event_name="bought", attributes=about("event of a log"))
    event.body.string_value = SHOWN
    message = scope_logs.log_records.add(time_unix_nano=now, event_name="gen_ai.user.message")
    message.body.string_value = f"{HIDDEN}-message"
    return {"traces": traces, "metrics": metrics, "logs": logs}


def as_json(request: Any) -> bytes:
    """OTLP's JSON: ids in hexadecimal."""

    def with_ids(part: Any) -> Any:
        if isinstance(part, list):
            return [with_ids(each) for each in part]
        if not isinstance(part, dict):
            return part
        ids = ("traceId", "spanId")
        return {k: base64.b64decode(v).hex() if k in ids else with_ids(v) for k, v in part.items()}

    return json.dumps(with_ids(json_format.MessageToDict(request))).encode()


@pytest.fixture
def forwarded() -> Iterator[tuple[str, list[bytes]]]:
    """Where the gateway forwards to, and the bodies that came."""
    bodies: list[bytes] = []

    def take(path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], None]:
        bodies.append(body)
        return 200, {}, None

    server = PostServer(take)
    yield server.url, bodies
    server.close()


async def send(gateway: gateway_rig.Rig, grpc_target: str, encoding: str) -> None:
    traceparent = f"00-{'a' * 32}-{'b' * 16}-01"
    secret = {"traceparent": traceparent, "baggage": f"token={HIDDEN}", "cookie": HIDDEN}
    for signal, request in requests(encoding).items():
        if encoding == "grpc":
            async with grpc.aio.insecure_channel(grpc_target) as channel:
                call = channel.unary_unary(f"/{CALLS[signal]}/Export", request_serializer=type(request).SerializeToString)
                metadata = (("authorization", f"Bearer {gateway.admin}"), *secret.items())
                await call(request, metadata=metadata, timeout=30)
            continue
        body = as_json(request) if encoding == "json" else request.SerializeToString()
        kind = "application/json" if encoding == "json" else "application/x-protobuf"
        headers = {"authorization": f"Bearer {gateway.admin}", "content-type": kind, **secret}
        url = f"{gateway.url}/v1/{signal}?token={HIDDEN}"
        async with gateway.http.post(url, data=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()


async def rows_with(database: asyncpg.Connection, mark: str) -> list[str]:
    """Tables with a row that has ``mark``, as text or as bytes."""
    tables = await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = []
    for name in (row["tablename"] for row in tables):
        sql = f'SELECT EXISTS (SELECT FROM "{name}" t WHERE t::text LIKE $1 OR t::text LIKE $2)'
        if await database.fetchval(sql, f"%{mark}%", f"%{mark.encode().hex()}%"):
            found.append(name)
    return found


async def test_marked_secrets_and_content_get_nowhere(
    own_nats: NatsServer,
    postgres_url: str,
    receiver: Receiver,
    forwarded: tuple[str, list[bytes]],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    target, bodies = forwarded
    port = gateway_rig.free_port()
    environ = {
        "DRISHTI_FORWARD_OTLP": target,
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{receiver.url}/v1/traces",
        "GATEWAY_OTLP_GRPC_PORT": str(port),
        "LOG_LEVEL": "DEBUG",
    }
    caplog.set_level("DEBUG")
    async with (
        analytics_rig.rig(own_nats, postgres_url) as analytics,
        analytics.running(),
        gateway_rig.running_process(own_nats, **environ) as (gateway, _),
    ):
        for encoding in ENCODINGS:
            await send(gateway, f"127.0.0.1:{port}", encoding)
        status, _ = await gateway.post("/api/events", gateway_rig.event("e1", data={"shown": SHOWN}), cookie=HIDDEN)
        assert status == 202
        database = await asyncpg.connect(postgres_url)
        try:
            for count in ("spans", "log_records", "events"):
                least = 1 if count == "events" else len(ENCODINGS)

                async def stored(table: str = count, least: int = least) -> bool:
                    return await database.fetchval(f"SELECT count(*) FROM {table}") >= least

                await wait_until(stored, f"rows of {count}")
            kept = await rows_with(database, SHOWN)
            assert len(kept) >= 3, kept
            assert await rows_with(database, HIDDEN) == []
        finally:
            await database.close()
        await wait_until(lambda: sum(SHOWN.encode() in body for body in bodies) >= 3, "what is forwarded")
        for stream in sorted({message.stream for message in catalogue.MESSAGES if message.stream}):
            messages = await gateway.messages(stream, ">")
            held = [
                message.subject for message in messages if HIDDEN.encode() in message.data or HIDDEN in str(message.headers)
            ]
            assert held == [], stream
            if stream in ("SPANS", "METRICS", "LOGS"):
                assert sum(SHOWN.encode() in message.data for message in messages) >= len(ENCODINGS), stream
        await wait_until(lambda: len(receiver.spans) >= 9, "spans of the gateway")
    assert [body for body in bodies if HIDDEN.encode() in body] == []
    assert HIDDEN not in str(receiver.spans)
    assert HIDDEN not in caplog.text
    said = capfd.readouterr()
    assert HIDDEN not in said.out + said.err
