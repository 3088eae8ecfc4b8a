"""Spans that are sent to the gateway are in a real Jaeger beside it, whenever that is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp

from drishti_local.servers import NatsServer
from gateway.settings import ForwardSettings
from rigs import jaeger
from rigs.gateway import Rig, running
from rigs.waiting import wait_until

GOLDEN = "jaeger/cmd/jaeger/internal/extension/jaegerquery/internal/fixture"


def otlp(trace_id: str, *names: str) -> dict[str, Any]:
    """One span of each name, each the parent of the next, of a service of its own."""
    resources = []
    for number, name in enumerate(names):
        span = {
            "traceId": trace_id,
            "spanId": f"{number + 1:016x}",
            "parentSpanId": f"{number:016x}" if number else "",
            "name": name,
            "startTimeUnixNano": str(1_760_000_000_000_000_000 + number),
            "endTimeUnixNano": str(1_760_000_001_000_000_000),
        }
        service = {"key": "service.name", "value": {"stringValue": f"{name} service"}}
        resources.append({"resource": {"attributes": [service]}, "scopeSpans": [{"spans": [span]}]})
    return {"resourceSpans": resources}


async def send(rig: Rig, body: Any) -> None:
    assert (await rig.post("/v1/traces", body))[0] == 200


async def test_golden_pair_comes_through_the_gateway(own_nats: NatsServer, jaeger_program: Path, drishti_data: Path) -> None:
    sent, wanted = (json.loads((drishti_data / GOLDEN / f"otlp2jaeger-{name}.json").read_text()) for name in ("in", "out"))
    (wanted,) = wanted["data"]
    async with jaeger.running(jaeger_program) as beside, running(own_nats, forward=ForwardSettings(url=beside.otlp)) as rig:
        await send(rig, sent)
        found = await wait_until(lambda: beside.trace(rig.http, wanted["traceID"]))
    # The pair holds the same span twice; Jaeger's API gives it once.
    assert {_canonical(span) for span in found["spans"]} == {_canonical(span) for span in wanted["spans"]}
    assert list(found["processes"].values()) == list(wanted["processes"].values())


def _canonical(span: dict[str, Any]) -> str:
    """The span's text, whatever the order of its tags; ``warnings`` are about the way that it was found."""
    tags = sorted(span["tags"], key=lambda tag: str(tag["key"]))
    return json.dumps({**span, "tags": tags, "warnings": None, "processID": None}, sort_keys=True)


async def test_jaeger_that_is_killed_and_started_again_gets_what_came_meanwhile(
    own_nats: NatsServer, jaeger_program: Path
) -> None:
    beside = jaeger.Jaeger(jaeger_program)
    async with running(own_nats, forward=ForwardSettings(url=beside.otlp)) as rig, aiohttp.ClientSession() as http:
        with beside.running() as process:
            await beside.wait_ready(http)
            await send(rig, otlp("a" * 32, "before"))
            await wait_until(lambda: beside.trace(http, "a" * 32))
            process.kill()
        await send(rig, otlp("b" * 32, "shop", "payment"))
        with beside.running():
            await beside.wait_ready(http)
            found = await wait_until(lambda: beside.trace(http, "b" * 32))
            assert {span["operationName"] for span in found["spans"]} == {"shop", "payment"}
            assert await beside.services_of(http, "b" * 32) == {"shop service", "payment service"}


async def test_metrics_and_logs_that_jaeger_does_not_take_keep_no_traces_back(
    own_nats: NatsServer, jaeger_program: Path
) -> None:
    log = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "said"}}]}]}]}
    async with jaeger.running(jaeger_program) as beside, running(own_nats, forward=ForwardSettings(url=beside.otlp)) as rig:
        assert rig.gateway is not None
        forwarder = rig.gateway.admission.forwarder
        assert (await rig.post("/v1/logs", log))[0] == 200
        await wait_until(lambda: forwarder.statistics()["logs"].get("refused"), equals=1)
        await send(rig, otlp("c" * 32, "after"))
        await wait_until(lambda: beside.trace(rig.http, "c" * 32))
