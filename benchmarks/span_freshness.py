"""How soon a span that was sent is shown by the API, idle and while two thousand others come each second.

Everything runs as ``make run`` starts it. A probe is a trace of one span: the clock runs from before its request until an
answer of ``GET /api/analytics/traces/{id}`` has it, asked for every 10 ms.
"""

from __future__ import annotations

import asyncio
import secrets
import time

import aiohttp
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from benchmarks import figures, stack
from benchmarks.processes import BenchmarkFailed
from benchmarks.session import Session
from benchmarks.span_payloads import messages
from benchmarks.table import Result

P50_MS, P99_MS = 300.0, 1_000.0
RATE = 2_000
ASKED_EVERY_S = 0.01
PROBE_EVERY_S = 0.1
GIVE_UP_S = 30.0
WARM_UP_S = 5.0


async def freshness(session: Session) -> Result:
    seconds = session.options.live_seconds
    async with stack.running(stack.local("run"), session.folder("span-freshness") / "home") as run:
        headers = {"authorization": f"Bearer {run.client_env()['DRISHTI_API_KEY']}"}
        url = f"http://127.0.0.1:{run.ports['GATEWAY_PORT']}"
        async with aiohttp.ClientSession(headers=headers) as http:
            idle = await _probes(http, url, seconds)
            session.say(f"span-freshness: idle p50 {figures.quantile(idle, 0.5):.0f} ms; {RATE:,} spans/s for {seconds:g} s")
            loading = asyncio.create_task(_load(http, url, WARM_UP_S + seconds))
            await asyncio.sleep(WARM_UP_S)
            busy = await _probes(http, url, seconds)
            sent = await loading
    return Result(
        name="span-freshness",
        what=f"span sent → shown by the API, at {RATE:,} spans/s",
        sizes=f"{len(busy)} probes among {sent:,} spans; {len(idle)} probes before, with nothing beside",
        ours=f"p50 {figures.quantile(busy, 0.5):.0f} ms, p99 {figures.quantile(busy, 0.99):.0f} ms",
        must_be=f"p50 ≤ {P50_MS:g} ms, p99 ≤ {P99_MS:g} ms",
        met=figures.quantile(busy, 0.5) <= P50_MS and figures.quantile(busy, 0.99) <= P99_MS,
        notes=[f"idle: p50 {figures.quantile(idle, 0.5):.0f} ms, p99 {figures.quantile(idle, 0.99):.0f} ms"],
    )


async def _probes(http: aiohttp.ClientSession, url: str, seconds: float) -> list[float]:
    """Milliseconds of each probe; one begins every :data:`PROBE_EVERY_S`."""
    probes = []
    for _ in range(int(seconds / PROBE_EVERY_S)):
        probes.append(asyncio.create_task(_probe(http, url)))
        await asyncio.sleep(PROBE_EVERY_S)
    return await asyncio.gather(*probes)


async def _probe(http: aiohttp.ClientSession, url: str) -> float:
    trace_id = secrets.token_bytes(16)
    resource = ResourceSpans()
    resource.resource.attributes.add(key="service.name").value.string_value = "probe"
    now = time.time_ns()
    resource.scope_spans.add().spans.add(
        trace_id=trace_id, span_id=secrets.token_bytes(8), name="probe", start_time_unix_nano=now, end_time_unix_nano=now + 1
    )
    body = ExportTraceServiceRequest(resource_spans=[resource]).SerializeToString()
    began = time.perf_counter()
    await _send(http, url, body)
    while time.perf_counter() < began + GIVE_UP_S:
        async with http.get(f"{url}/api/analytics/traces/{trace_id.hex()}") as answer:
            if answer.status == 200:
                return (time.perf_counter() - began) * 1000
        await asyncio.sleep(ASKED_EVERY_S)
    raise BenchmarkFailed(f"a span was not shown within {GIVE_UP_S:g} s")


async def _load(http: aiohttp.ClientSession, url: str, seconds: float) -> int:
    """Sends so many spans a second, in exports as services make them; returns how many."""
    sent = 0
    began = time.perf_counter()
    while (second := int(time.perf_counter() - began)) < seconds:
        exports = messages(RATE, seconds=1.0, until_ns=time.time_ns(), seed=second, exported=64)
        for place, export in enumerate(exports):
            due = began + second + place / len(exports)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            message = ResourceSpans.FromString(export.payload)
            await _send(http, url, ExportTraceServiceRequest(resource_spans=[message]).SerializeToString())
        sent += RATE
        await asyncio.sleep(max(0.0, began + second + 1 - time.perf_counter()))
    return sent


async def _send(http: aiohttp.ClientSession, url: str, body: bytes) -> None:
    headers = {"content-type": "application/x-protobuf"}
    async with http.post(f"{url}/v1/traces", data=body, headers=headers) as answer:
        if answer.status != 200:
            raise BenchmarkFailed(f"spans are not taken: {answer.status} {await answer.text()}")
