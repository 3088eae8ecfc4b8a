"""One variable, and the whole of a trace is in Jaeger: the application's spans through the gateway, and the services' own."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import aiohttp

from drishti.messages import catalogue
from drishti_local.ports import free_port
from rigs import jaeger
from rigs.local_run import PORTS, Running
from rigs.product import Product
from rigs.waiting import wait_until


async def test_trace_of_an_application_and_the_four_services_is_in_jaeger(jaeger_program: Path, server_folder: Path) -> None:
    passed = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    ports = {name: str(free_port()) for name in PORTS}
    trace, parent = uuid.uuid4().hex, uuid.uuid4().hex[:16]
    span = {
        "traceId": trace,
        "spanId": parent,
        "name": "ask",
        "kind": 2,
        "startTimeUnixNano": "1760000000000000000",
        "endTimeUnixNano": "1760000001000000000",
        "attributes": [{"key": "gen_ai.prompt", "value": {"stringValue": "a prompt"}}],
    }
    service = {"key": "service.name", "value": {"stringValue": "the application"}}
    sent = {"resourceSpans": [{"resource": {"attributes": [service]}, "scopeSpans": [{"spans": [span]}]}]}
    async with jaeger.running(jaeger_program) as beside, aiohttp.ClientSession() as http:
        environment = {
            **passed,
            **ports,
            "DRISHTI_HOME": str(server_folder / "home-jaeger"),
            "DRISHTI_FORWARD_OTLP": beside.otlp,
        }
        with Running(environment) as running:
            running.ready()
            product = Product(running, environment, http)
            assert (await product.post("/v1/traces", sent))[0] == 200
            async with product.socket("user_analytics") as socket:
                event = {"event_id": uuid.uuid4().hex, "event_type": "dharma_query", "user_id": "traced"}
                status, _ = await product.post("/api/events", event, traceparent=f"00-{trace}-{parent}-01")
                assert status == 202

                async def services() -> set[str]:
                    await socket.recv()
                    return await beside.services_of(http, trace)

                await wait_until(services, equals={"the application", *catalogue.SERVICES})
            found = await beside.trace(http, trace)
    (root,) = [each for each in found["spans"] if each["operationName"] == "ask"]
    assert "gen_ai.prompt" not in {tag["key"] for tag in root["tags"]}
