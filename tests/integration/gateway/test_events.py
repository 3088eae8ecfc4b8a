"""The gateway on a real NATS, as its own user: keys, limits, acks that mean something, and what ends up in the streams."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from drishti.bus import keys
from drishti.events import AnalyticsEvent, BatchDecoder, RequestEvent
from drishti_local.servers import NatsServer
from rigs import otlp_examples
from rigs.gateway import Rig, event, running
from rigs.waiting import wait_until


@pytest.fixture(scope="module")
async def served(nats_server: NatsServer, nats_url: str) -> AsyncIterator[Rig]:
    async with running(nats_server) as rig:
        yield rig


@pytest.fixture
async def rig(served: Rig) -> Rig:
    """The gateway, with a tenant of this test's own."""
    result = Rig(served.url, served.http, served.bus, served.gateway)
    result.admin = await result.key("admin")
    return result


async def test_accepted_means_stored(rig: Rig) -> None:
    sent = [event(str(i), data={"satisfaction": i}, timestamp=datetime.now(UTC).isoformat()) for i in range(100)]
    assert await rig.post("/api/events", sent) == (202, {"accepted": 100, "rejected": []})
    assert await rig.events() == sent
    assert len(await rig.messages("EVENTS", f"events.v1.{rig.tenant}.>")) == 1, "a micro-batch is one message"


async def test_single_event_is_stored_as_it_came(rig: Rig) -> None:
    body = b'{ "event_type": "feedback", "event_id": "1", "of_a_later_version": true }'
    assert (await rig.post("/api/events", body))[0] == 202
    (message,) = await rig.messages("EVENTS", f"events.v1.{rig.tenant}.feedback")
    assert message.data == body
    assert message.headers["ce-type"] == "events.v1"


async def test_events_of_several_types_go_to_their_subjects(rig: Rig) -> None:
    await rig.post("/api/events", [event("1", "a"), event("2", "b"), event("3", "a")])
    subjects = [m.subject for m in await rig.messages("EVENTS", f"events.v1.{rig.tenant}.>")]
    assert sorted(subjects) == [f"events.v1.{rig.tenant}.a", f"events.v1.{rig.tenant}.b"]


async def test_ndjson_with_bad_lines_stores_the_good_ones(rig: Rig) -> None:
    body = b'{"event_id":"1","event_type":"x"}\nnot json\n\n{"event_id":"2"}\n{"event_id":"3","event_type":"x"}\n'
    status, answer = await rig.post("/api/events", body, content_type="application/x-ndjson")
    assert (status, answer["accepted"]) == (202, 2)
    assert [(r["index"], r["field"]) for r in answer["rejected"]] == [(1, ""), (3, "event_type")]
    assert [e["event_id"] for e in await rig.events()] == ["1", "3"]


async def test_gzip_is_taken_and_a_bomb_is_not(rig: Rig) -> None:
    good = gzip.compress(json.dumps([event("1")]).encode())
    assert (await rig.post("/api/events", good, content_encoding="gzip"))[0] == 202
    bomb = gzip.compress(b"\0" * 100_000_000)
    assert len(bomb) < 1024 * 1024
    status, answer = await rig.post("/api/events", bomb, content_encoding="gzip")
    assert status == 413
    assert "inflated" in answer["error"]
    assert len(await rig.events()) == 1


async def test_oversize_bodies_are_refused_declared_or_not(rig: Rig) -> None:
    headers = {"x-api-key": rig.admin, "content-type": "application/json"}
    declared = io.BytesIO(b"[" + b" " * 1024 * 1024 + b"]")
    async with rig.http.post(f"{rig.url}/api/events", data=declared, headers=headers) as answer:
        assert answer.status == 413

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    async with rig.http.post(f"{rig.url}/api/events", data=pieces(), headers=headers) as answer:
        assert answer.status == 413
    assert await rig.events() == []


async def test_more_events_than_allowed_are_refused(rig: Rig) -> None:
    body = gzip.compress(json.dumps([event(str(i), "x") for i in range(10_001)]).encode())
    status, answer = await rig.post("/api/events", body, content_encoding="gzip")
    assert status == 413
    assert "10000" in answer["error"]


async def test_ten_thousand_events_in_one_request_are_all_stored(rig: Rig) -> None:
    body = gzip.compress(json.dumps([event(str(i), "xyz"[i % 3]) for i in range(10_000)]).encode())
    status, answer = await rig.post("/api/events", body, content_encoding="gzip")
    assert (status, answer["accepted"]) == (202, 10_000)
    assert sorted(int(e["event_id"]) for e in await rig.events()) == list(range(10_000))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[1]", b"null", b'{"event_id":"1"}', b"\xff\xfe", b"[" * 100_000])
async def test_body_without_a_valid_event_is_unprocessable(rig: Rig, body: bytes) -> None:
    status, answer = await rig.post("/api/events", body)
    assert (status, answer["accepted"]) == (422, 0)
    assert answer["rejected"][0]["error"]


async def test_wrong_key_and_wrong_role_are_told_apart(rig: Rig) -> None:
    viewer, producer = await rig.key("viewer"), await rig.key("producer")
    for headers, status in (
        ({"authorization": "Bearer nobody"}, 401),
        ({"authorization": ""}, 401),
        ({"authorization": f"Bearer {viewer}"}, 403),
        ({"authorization": f"Bearer {producer}"}, 202),
        ({"authorization": "", "x-api-key": producer}, 202),
    ):
        assert (await rig.post("/api/events", event(), **headers))[0] == status
    async with rig.http.get(f"{rig.url}/api/analytics/query", headers={"x-api-key": producer}) as answer:
        assert answer.status == 403


async def test_revoked_key_stops_working_while_the_gateway_runs(rig: Rig) -> None:
    text = await rig.key("producer")
    kv = await rig.bus.kv("api_keys")
    (key,) = [k for k in await keys.list_keys(kv) if k.tenant == rig.tenant and k.role == "producer"]
    assert (await rig.post("/api/events", event(), authorization=f"Bearer {text}"))[0] == 202
    revoked = await keys.revoke(kv, key.id, now=datetime.now(UTC))
    assert revoked == await keys.revoke(kv, key.id, now=datetime.now(UTC)), "a second time changes nothing"

    async def is_refused() -> bool:
        return (await rig.post("/api/events", event(), authorization=f"Bearer {text}"))[0] == 401

    await wait_until(is_refused)
    with pytest.raises(keys.KeyProblem):
        await keys.revoke(kv, "nokey", now=datetime.now(UTC))


async def test_key_with_a_given_text_is_made_once(rig: Rig) -> None:
    kv = await rig.bus.kv("api_keys")
    text = "dk_given123_" + rig.tenant * 4
    first = await keys.create(kv, name="x", tenant=rig.tenant, role="producer", now=datetime.now(UTC), text=text)
    again = await keys.create(kv, name="y", tenant=rig.tenant, role="producer", now=datetime.now(UTC), text=text)
    assert first == again
    assert first[0].id == "given123"
    with pytest.raises(keys.KeyProblem, match="exists as producer"):
        await keys.create(kv, name="x", tenant=rig.tenant, role="admin", now=datetime.now(UTC), text=text)
    with pytest.raises(keys.KeyProblem, match="24"):
        await keys.create(kv, name="x", tenant=rig.tenant, role="admin", now=datetime.now(UTC), text="short")


async def test_many_single_events_at_once_are_each_stored_once_in_few_messages(rig: Rig) -> None:
    answers = await asyncio.gather(*(rig.post("/api/events", event(str(i))) for i in range(500)))
    assert {status for status, _ in answers} == {202}
    assert sorted(int(e["event_id"]) for e in await rig.events()) == list(range(500))
    assert len(await rig.messages("EVENTS", f"events.v1.{rig.tenant}.>")) < 250


async def test_same_request_sent_again_is_stored_once(rig: Rig) -> None:
    body = [event("1"), event("2")]
    for _ in range(3):
        assert (await rig.post("/api/events", body))[0] == 202
    assert len(await rig.events()) == 2


async def test_tenants_with_equal_event_ids_do_not_take_each_others_events(rig: Rig) -> None:
    other = await rig.key("producer", tenant=f"{rig.tenant}b")
    for key in (rig.admin, other):
        assert (await rig.post("/api/events", event("same"), authorization=f"Bearer {key}"))[0] == 202
    assert len(await rig.messages("EVENTS", f"events.v1.{rig.tenant}.>")) == 1
    assert len(await rig.messages("EVENTS", f"events.v1.{rig.tenant}b.>")) == 1


async def test_served_requests_become_request_events_of_their_tenant(rig: Rig) -> None:
    await rig.post("/api/events", event())
    await rig.post("/api/events", b"{")

    async def recorded() -> list[RequestEvent]:
        result = await rig.messages("REQUESTS", f"requests.v1.{rig.tenant}.drishti--gateway")
        return [e for m in result for e in BatchDecoder(RequestEvent).decode(m.data)]

    async def both() -> Any:
        result = await recorded()
        return result if len(result) == 2 else None

    events = await wait_until(both, seen=recorded)
    assert [(e.method, e.route, e.status, e.service) for e in events] == [
        ("POST", "/api/events", 202, "drishti--gateway"),
        ("POST", "/api/events", 422, "drishti--gateway"),
    ]
    assert all(e.duration_ms > 0 and e.timestamp is not None for e in events)


async def test_otlp_examples_arrive_as_protobuf(rig: Rig, drishti_data: Any) -> None:
    def example(name: str) -> bytes:
        return otlp_examples.of_today((drishti_data / "otlp-examples" / name).read_bytes())

    assert await rig.post("/v1/traces", example("trace.json")) == (200, {})
    zipped = gzip.compress(example("metrics.json"))
    assert await rig.post("/v1/metrics", zipped, content_encoding="gzip") == (200, {})
    (spans,) = await rig.messages("SPANS", f"spans.v1.{rig.tenant}.my-service")
    assert ResourceSpans.FromString(spans.data).scope_spans[0].spans[0].name == "I'm a server span"
    assert await rig.post("/v1/logs", example("logs.json")) == (200, {})
    (logs,) = await rig.messages("LOGS", f"logs.v1.{rig.tenant}.my-service")
    assert ResourceLogs.FromString(logs.data).scope_logs[0].log_records[0].body.string_value == "Example log record"
    (metrics,) = await rig.messages("METRICS", f"metrics.v1.{rig.tenant}.my-service")
    assert len(ResourceMetrics.FromString(metrics.data).scope_metrics[0].metrics) > 1


async def test_real_exporters_are_served(rig: Rig) -> None:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult

    exporter = OTLPSpanExporter(f"{rig.url}/v1/traces", headers={"x-api-key": rig.admin}, compression=Compression.Gzip)
    provider = TracerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
    span = provider.get_tracer("t").start_span("checkout")
    span.end()
    assert await asyncio.to_thread(exporter.export, [span]) is SpanExportResult.SUCCESS
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    await asyncio.to_thread(provider.shutdown)
    (message,) = await rig.messages("SPANS", f"spans.v1.{rig.tenant}.shop")
    assert ResourceSpans.FromString(message.data).scope_spans[0].spans[0].name == "checkout"


async def test_a_real_exporter_of_logs_is_served(rig: Rig) -> None:
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
    from opentelemetry.sdk.resources import Resource

    exporter = OTLPLogExporter(f"{rig.url}/v1/logs", headers={"x-api-key": rig.admin})
    provider = LoggerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    record = LogRecord(body="no stock of tea", severity_text="ERROR", severity_number=SeverityNumber.ERROR)
    await asyncio.to_thread(provider.get_logger("shop").emit, record)
    await asyncio.to_thread(provider.shutdown)
    (message,) = await rig.messages("LOGS", f"logs.v1.{rig.tenant}.shop")
    sent = ResourceLogs.FromString(message.data).scope_logs[0].log_records[0]
    assert (sent.body.string_value, sent.severity_text) == ("no stock of tea", "ERROR")


async def test_gateway_says_what_it_needs_and_what_it_is(rig: Rig) -> None:
    for path in ("/healthz", "/readyz", "/openapi.json", "/api/openapi.json"):
        async with rig.http.get(rig.url + path) as answer:
            assert answer.status == 200, path
    for query in ("", "?token=a.b%2Bc"):
        async with rig.http.get(f"{rig.url}/{query}", allow_redirects=False) as answer:
            assert answer.headers["location"] == f"/api/dashboard/home{query}"
    async with rig.http.options(f"{rig.url}/api/events", headers={"origin": "https://a.example"}) as answer:
        assert "access-control-allow-origin" not in answer.headers, "CORS is off unless it is asked for"


async def test_allowed_origin_may_send_events(nats_server: NatsServer, nats_url: str) -> None:
    async with running(nats_server, cors_origins=("https://app.example",)) as rig:
        asked = {"origin": "https://app.example", "access-control-request-method": "POST"}
        async with rig.http.options(f"{rig.url}/api/events", headers=asked) as answer:
            assert answer.headers["access-control-allow-origin"] == "https://app.example"
        async with rig.http.options(f"{rig.url}/api/events", headers=asked | {"origin": "https://b.example"}) as answer:
            assert "access-control-allow-origin" not in answer.headers


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=2000),
    media_type=st.sampled_from(["application/json", "application/x-ndjson", "application/x-protobuf"]),
    coding=st.sampled_from(["identity", "gzip"]),
    path=st.sampled_from(["/api/events", "/v1/traces", "/v1/metrics"]),
)
async def test_arbitrary_bytes_get_an_answer_that_blames_the_sender(
    served: Rig, body: bytes, media_type: str, coding: str, path: str
) -> None:
    headers = {"x-api-key": served.admin, "content-type": media_type, "content-encoding": coding}
    async with served.http.post(served.url + path, data=body, headers=headers) as answer:
        assert answer.status in {200, 202, 400, 413, 415, 422}, await answer.text()


async def test_half_a_request_costs_nobody_else_anything(rig: Rig) -> None:
    port = int(rig.url.rsplit(":", 1)[1])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"POST /api/events HTTP/1.1\r\nHost: x\r\nX-API-Key: {rig.admin}\r\nContent-Length: 100\r\n\r\n[".encode())
    await writer.drain()
    assert rig.gateway is not None
    budget = rig.gateway.admission.budget
    await wait_until(lambda: budget.requests == 1)
    assert (await rig.post("/api/events", event()))[0] == 202
    writer.close()
    await wait_until(lambda: budget.requests == 0 and budget.bytes == 0)


async def test_consumers_can_decode_everything_that_was_accepted(rig: Rig) -> None:
    odd = [
        event("\u0001\r\n", data={"\u2028": "\ud83d\ude00", "n": 1e308, "deep": [[[{}]]]}),
        event("x" * 256, user_id="", session_id="s" * 256),
    ]
    assert (await rig.post("/api/events", odd))[0] == 202
    (message,) = await rig.messages("EVENTS", f"events.v1.{rig.tenant}.>")
    assert [e.event_id for e in BatchDecoder(AnalyticsEvent).decode(message.data)] == [e["event_id"] for e in odd]


async def test_client_that_sends_one_byte_at_a_time_is_served(rig: Rig) -> None:
    async def dribble() -> AsyncIterator[bytes]:
        for byte in json.dumps(event("slow")).encode():
            yield bytes([byte])

    headers = {"x-api-key": rig.admin, "content-type": "application/json"}
    async with rig.http.post(f"{rig.url}/api/events", data=dribble(), headers=headers) as answer:
        assert answer.status == 202
    assert isinstance(rig.http, aiohttp.ClientSession)
