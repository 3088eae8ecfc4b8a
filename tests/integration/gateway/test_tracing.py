"""The gateway's spans, as an OTLP receiver sees them: one per request, in the caller's trace, handed on with the events."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from drishti.bus import keys
from drishti.bus.connection import connect
from drishti.events import BatchDecoder, RequestEvent
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from rigs.gateway import event, running_process
from rigs.otlp_receiver import Receiver, attributes_of
from rigs.waiting import wait_until

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
KEPT = f"00-{TRACE}-{PARENT}-01"


async def test_one_span_a_request_in_the_callers_trace_and_the_events_go_on_in_it(
    own_nats: NatsServer, receiver: Receiver
) -> None:
    async with running_process(own_nats, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{receiver.url}/v1/traces") as (rig, _):
        own = "00-" + "c" * 32 + "-" + "d" * 16 + "-01"
        await rig.post("/api/events", event("single"), traceparent=KEPT)
        await rig.post("/api/events", [event("first", "b"), event("second", "b", traceparent=own)], traceparent=KEPT)
        await rig.post("/api/events", event("dropped", "c"), traceparent=KEPT[:-1] + "0")
        await rig.post("/api/events", b"{")
        async with rig.http.get(f"{rig.url}/readyz"):
            pass
        await wait_until(lambda: len(receiver.named("POST /api/events")) >= 3, seen=lambda: [s.name for s in receiver.spans])
        events = {e["event_id"]: e.get("traceparent") for e in await rig.events()}
        (single,) = await rig.messages("EVENTS", f"events.v1.{rig.tenant}.dharma_query")

        async def recorded() -> list[RequestEvent]:
            result = await rig.messages("REQUESTS", f"requests.v1.{rig.tenant}.drishti--gateway")
            return [e for m in result for e in BatchDecoder(RequestEvent).decode(m.data) if e.route == "/api/events"]

        requests = await wait_until(recorded)
    servers = receiver.named("POST /api/events")
    ours = [s for s in servers if s.trace_id.hex() == TRACE]
    assert len(ours) == 2
    assert {s.parent_span_id.hex() for s in ours} == {PARENT}
    assert {s.kind for s in ours} == {Span.SPAN_KIND_SERVER}
    about = attributes_of(ours[0])
    assert about["http.request.method"] == "POST"
    assert about["http.route"] == "/api/events"
    assert about["http.response.status_code"] == 202
    assert about["drishti.tenant"] == rig.tenant
    publishes = {s.span_id.hex(): s for s in receiver.named("publish EVENTS")}
    for event_id in ("single", "first"):
        _, trace, span, flags = str(events[event_id]).split("-")
        assert (trace, flags) == (TRACE, "01")
        assert publishes[span].kind == Span.SPAN_KIND_PRODUCER
        assert publishes[span].parent_span_id in {s.span_id for s in ours}
    assert events["second"] == own, "an event's own context stays"
    assert [link.trace_id.hex() for s in publishes.values() for link in s.links].count("c" * 32) == 1
    assert events["dropped"] is None, "a trace that is not kept is not handed on"
    assert single.headers["traceparent"] == events["single"]
    assert not [s for s in receiver.spans if "readyz" in s.name or (s.trace_id.hex() == TRACE and s.name.startswith("GET"))]
    assert {r.traceparent.split("-")[1] for r in requests if r.traceparent} >= {TRACE}


async def test_gateway_that_exports_to_itself_comes_to_rest(own_nats: NatsServer) -> None:
    port = str(free_port())
    endpoint = f"http://127.0.0.1:{port}/v1/traces"
    environ = {"GATEWAY_PORT": port, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    async with running_process(own_nats, **environ) as (rig, _):
        for _ in range(3):
            assert (await rig.post("/v1/traces", {"resourceSpans": []}))[0] == 200
        await rig.post("/api/events", event())

        async def recorded() -> list[RequestEvent]:
            result = await rig.messages("REQUESTS", f"requests.v1.{rig.tenant}.drishti--gateway")
            return [e for m in result for e in BatchDecoder(RequestEvent).decode(m.data) if e.method == "POST"]

        async def all_four() -> list[RequestEvent]:
            result = await recorded()
            return result if len(result) >= 4 else []

        requests = await wait_until(all_four, seen=recorded)
    traced = [r.route for r in requests if r.traceparent]
    assert traced == ["/api/events"], "telemetry intake starts no trace of its own"


async def test_its_last_metrics_go_through_its_own_port_before_it_closes(
    own_nats: NatsServer, capfd: pytest.CaptureFixture[str]
) -> None:
    text = "dk_services_" + "s" * 32
    bus = await connect(own_nats.settings("admin"), name="admin")
    await keys.create(
        await bus.kv("api_keys"), name="services", tenant="default", role="producer", now=datetime.now(UTC), text=text
    )
    await bus.close()
    port = str(free_port())
    environ = {
        "GATEWAY_PORT": port,
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"http://127.0.0.1:{port}/v1/metrics",
        "OTEL_EXPORTER_OTLP_HEADERS": f"x-api-key={text}",
        "OTEL_METRIC_EXPORT_INTERVAL": "3600000",  # none but the last
    }
    async with running_process(own_nats, **environ) as (rig, process):
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 15) == 0
        assert await rig.messages("METRICS", "metrics.v1.default.>")
    reported = capfd.readouterr().err
    assert "stopped service=gateway" in reported
    assert not [line for line in reported.splitlines() if " INFO " not in line]
