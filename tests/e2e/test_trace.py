"""One trace crosses the four services of the running product, and the hops over the bus are spans of it."""

from __future__ import annotations

import json
import uuid

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from drishti.messages import catalogue
from rigs.otlp_receiver import Receiver, attributes_of
from rigs.product import Product
from rigs.waiting import wait_until


async def test_one_event_is_followed_from_the_gateway_to_the_browsers_frame(product: Product, traces: Receiver) -> None:
    trace, parent = uuid.uuid4().hex, uuid.uuid4().hex[:16]
    async with product.socket("user_analytics") as socket:
        assert json.loads(await socket.recv())["type"] == "snapshot"
        event = {"event_id": uuid.uuid4().hex, "event_type": "dharma_query", "user_id": "traced"}
        status, _ = await product.post("/api/events", event, traceparent=f"00-{trace}-{parent}-01")
        assert status == 202

        async def whole() -> bool:
            """Spans of all services are here, and the parent of each: exporters do not wait for each other."""
            await socket.recv()
            result = [(service, span) for service, span in traces.received if span.trace_id.hex() == trace]
            known = {span.span_id for _, span in result} | {bytes.fromhex(parent)}
            services = {service for service, _ in result}
            return services == set(catalogue.SERVICES) and all(span.parent_span_id in known for _, span in result)

        await wait_until(whole, f"spans of all services in {trace}, and their parents")
    ours = [(service, span) for service, span in traces.received if span.trace_id.hex() == trace]
    by_id = {span.span_id: (service, span) for service, span in ours}

    def path(span: Span) -> list[str]:
        """The services from the gateway to ``span``."""
        service, _ = by_id[span.span_id]
        before = path(by_id[span.parent_span_id][1]) if span.parent_span_id in by_id else []
        return before if before[-1:] == [service] else [*before, service]

    ends = {service: path(span) for service, span in ours}
    assert ends["analytics"] == ["gateway", "analytics"]
    assert ends["predictor"] == ["gateway", "analytics", "predictor"]
    assert ends["dashboard-stream"] == ["gateway", "analytics", "dashboard-stream"]
    server = next(span for service, span in ours if service == "gateway" and span.kind == Span.SPAN_KIND_SERVER)
    assert server.parent_span_id.hex() == parent
    buses = [attributes_of(span) for _, span in ours if attributes_of(span).get("messaging.system") == "nats"]
    hops = {(about["messaging.destination.name"], about["messaging.operation.type"]) for about in buses}
    assert {("EVENTS", "send"), ("EVENTS", "process"), ("AGGREGATES", "process")} <= hops
