"""Spans of the OpenTelemetry SDK, through gateway and analytics and out of the explorer's routes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

from drishti_local.servers import NatsServer
from rigs import analytics as analytics_rig
from rigs import gateway as gateway_rig
from rigs.waiting import wait_until

JAEGER = "http://jaeger.example:16686"


@pytest.fixture
async def gateway(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[gateway_rig.Rig]:
    async with (
        analytics_rig.rig(own_nats, postgres_url) as analytics,
        analytics.running(),
        gateway_rig.running(own_nats, jaeger_ui_url=JAEGER) as gateway,
    ):
        yield gateway


async def get(gateway: gateway_rig.Rig, path: str, key: str | None = None, **parameters: Any) -> tuple[int, Any]:
    headers = {"authorization": f"Bearer {key or gateway.admin}"}
    async with gateway.http.get(gateway.url + path, params=parameters, headers=headers) as answer:
        return answer.status, await answer.json()


def send(gateway: gateway_rig.Rig) -> str:
    """One trace of two services, by the SDK's own exporter; returns its id."""
    providers = []
    for service in ("Web Shop", "payments"):
        exporter = OTLPSpanExporter(f"{gateway.url}/v1/traces", headers={"x-api-key": gateway.admin})
        provider = TracerProvider(resource=Resource.create({"service.name": service}))
        provider.add_span_processor(BatchSpanProcessor(exporter))
        providers.append(provider)
    web, payments = (provider.get_tracer("shop") for provider in providers)
    with web.start_as_current_span("POST /cart", kind=SpanKind.SERVER, attributes={"user.id": "ada"}) as root:
        with payments.start_as_current_span("charge", kind=SpanKind.SERVER) as charge:
            charge.record_exception(ValueError("card declined"))
        trace_id = f"{root.get_span_context().trace_id:032x}"
    for provider in providers:
        assert provider.force_flush()
        provider.shutdown()
    return trace_id


async def test_a_trace_of_the_sdk_is_found_and_shown(gateway: gateway_rig.Rig) -> None:
    trace_id = await asyncio.to_thread(send, gateway)
    deadline = asyncio.get_running_loop().time() + 30
    while True:
        status, found = await get(
            gateway, "/api/analytics/traces", text="declined", attribute=["resource.service.name=payments"]
        )
        assert status == 200, found
        if found["traces"] or asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.05)
    (trace,) = found["traces"]
    assert (trace["trace_id"], trace["service"], trace["operation"]) == (trace_id, "web-shop", "POST /cart")
    assert trace["matched"]["service"] == "payments"
    assert found["service_names"] == {"web-shop": "Web Shop"}
    status, whole = await get(gateway, f"/api/analytics/traces/{trace_id}")
    assert status == 200, whole
    assert [(span["service"], span["depth"]) for span in whole["spans"]] == [("web-shop", 0), ("payments", 1)]
    assert whole["spans"][1]["events"][0]["attributes"]["exception.message"] == "card declined"
    headers = {"authorization": f"Bearer {gateway.admin}"}
    async with gateway.http.get(f"{gateway.url}/api/analytics/traces/{trace_id}", headers=headers) as answer:
        assert str(answer.links["alternate"]["url"]) == f"{JAEGER}/trace/{trace_id}"
    async with gateway.http.get(f"{gateway.url}/api/analytics/traces", headers=headers) as answer:
        assert answer.headers["link-template"].startswith(f'"{JAEGER}/trace/{{trace_id}}"')
    status, facets = await get(gateway, "/api/analytics/traces/facets", service="payments")
    assert (status, facets["spans"]) == (200, 1)

    other = await gateway.key("viewer", tenant="another")
    assert (await get(gateway, f"/api/analytics/traces/{trace_id}", other))[0] == 404
    status, found = await get(gateway, "/api/analytics/traces", other)
    assert (status, found["traces"]) == (200, [])
    assert (await get(gateway, "/api/analytics/traces", "no-key"))[0] == 401
    producer = await gateway.key("producer")
    assert (await get(gateway, "/api/analytics/traces", producer))[0] == 403


async def test_the_trace_is_on_the_map_and_among_the_bottlenecks_at_once(gateway: gateway_rig.Rig) -> None:
    trace_id = await asyncio.to_thread(send, gateway)

    async def drawn() -> Any:
        status, found = await get(gateway, "/api/analytics/service-map")
        assert status == 200, found
        return found if len(found["edges"]) == 2 else None

    drawn_map = await wait_until(drawn, "both services are on the map")
    assert {(edge["caller"], edge["callee"]) for edge in drawn_map["edges"]} == {
        ("entry:user", "service:web-shop"),
        ("service:web-shop", "service:payments"),
    }
    assert drawn_map["service_names"] == {"web-shop": "Web Shop"}
    status, found = await get(gateway, "/api/analytics/service-map", service="payments")
    assert [edge["callee"] for edge in found["edges"]] == ["service:payments"]
    status, found = await get(gateway, "/api/analytics/bottlenecks", quantile=0.9)
    (root,) = found["roots"]
    assert (status, root["operation"]["operation"], root["examples"]) == (200, "POST /cart", [trace_id])
    assert sum(part["share"] for part in root["parts"]) == pytest.approx(1)

    other = await gateway.key("viewer", tenant="another")
    status, found = await get(gateway, "/api/analytics/service-map", other)
    assert (status, found["nodes"], found["edges"]) == (200, [], [])
    assert (await get(gateway, "/api/analytics/bottlenecks", other))[1]["roots"] == []
    assert (await get(gateway, "/api/analytics/service-map", "no-key"))[0] == 401
    for path, parameters, field in (
        ("bottlenecks", {"quantile": "2"}, "quantile"),
        ("bottlenecks", {"limit": "0"}, "limit"),
        ("service-map", {"from": "now", "to": "now-1h"}, "from"),
        ("service-map", {"servce": "x"}, "servce"),
    ):
        status, problem = await get(gateway, f"/api/analytics/{path}", **parameters)
        assert (status, problem["field"]) == (422, field), problem


async def test_a_wrong_parameter_is_named(gateway: gateway_rig.Rig) -> None:
    for parameters, field in (
        ({"servce": "x"}, "servce"),
        ({"limit": "1000"}, "limit"),
        ({"min_duration_ms": "slow"}, "min_duration_ms"),
        ({"from": "yesterday"}, "from"),
        ({"from": "now", "to": "now-1h"}, "from"),
        ({"kind": "srv"}, "kind"),
        ({"tenant": "another"}, "tenant"),
    ):
        status, problem = await get(gateway, "/api/analytics/traces", **parameters)
        assert (status, problem["field"]) == (422, field), problem
    status, problem = await get(gateway, "/api/analytics/traces/xyz")
    assert (status, problem["field"], problem["error"]) == (422, "trace_id", "must be 32 hexadecimal digits")
    status, problem = await get(gateway, "/api/analytics/traces", status="failed")
    assert (status, problem["field"]) == (422, "status")
    assert problem["error"] == "Invalid enum value 'failed'; there are error, ok, unset"
