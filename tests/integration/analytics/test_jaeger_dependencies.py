"""The service map has the calls between services that a real Jaeger counts of the same spans."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import aiohttp
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, TracesData

from analytics.spans.peers import NodeKind
from analytics.spans.service_calls import service_map
from analytics.spans.span import Span, SpanKind
from rigs import jaeger, jaeger_dump, otlp_spans
from rigs.span_trees import span
from rigs.waiting import wait_until

MS = 1_000_000
SYNCHRONOUS = (SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT)


async def test_the_map_of_recorded_traces_is_that_of_jaeger(jaeger_program: Path, drishti_data: Path) -> None:
    (dump,) = (drishti_data / "deathstarbench").glob("*.json.gz")
    await assert_equal(jaeger_program, jaeger_dump.read(dump))


async def test_the_map_of_random_traces_is_that_of_jaeger(jaeger_program: Path) -> None:
    """Calls of four services by each other and by themselves, with parents that are missing."""
    chance = random.Random(7)
    spans = []
    for trace in range(1, 121):
        for number in range(1, chance.randrange(2, 30)):
            parent = None if number == 1 else 999 if chance.random() < 0.05 else chance.randrange(1, number)
            start = number * MS
            kind = chance.choice(SYNCHRONOUS)
            spans.append(
                span(number, parent, start, start + 40 * MS, trace=trace, service=f"s{chance.randrange(4)}", kind=kind)
            )
    await assert_equal(jaeger_program, spans)


async def assert_equal(program: Path, spans: list[Span]) -> None:
    found = service_map(spans)
    ours = {
        (caller.name, callee.name): counted.calls
        for (caller, callee), counted in found.edges.items()
        if caller.kind is NodeKind.SERVICE is callee.kind and caller != callee
    }
    assert ours
    async with jaeger.running(program) as beside, aiohttp.ClientSession() as http:
        body = TracesData(resource_spans=otlp(spans)).SerializeToString()
        headers = {"content-type": "application/x-protobuf"}
        async with http.post(f"{beside.otlp}/v1/traces", data=body, headers=headers) as answer:
            assert answer.status == 200

        async def theirs() -> dict[tuple[str, str], int] | None:
            calls = await beside.dependencies(http, int(time.time() * 1000) + 3_600_000, 7_200_000)
            # Jaeger also counts every span whose parent is of the same service, which is no call.
            calls = {edge: count for edge, count in calls.items() if edge[0] != edge[1]}
            return calls if sum(calls.values()) >= sum(ours.values()) else None

        assert await wait_until(theirs, "Jaeger has all spans") == ours


def otlp(spans: Iterable[Span]) -> list[ResourceSpans]:
    """The spans as they would have been sent if the last of them had begun just now."""
    by_service = defaultdict(list)
    spans = list(spans)
    later = time.time_ns() - max(one.start_ns for one in spans)
    for one in spans:
        by_service[one.service_name or one.service].append(
            otlp_spans.span(
                one.trace_id,
                one.span_id,
                one.name,
                parent=one.parent_id or b"",
                kind="internal" if one.kind is SpanKind.UNSPECIFIED else one.kind.name.lower(),
                start_ns=one.start_ns + later,
                duration_ms=one.duration_ns / MS,
            )
        )
    return [otlp_spans.resource_spans(service, some) for service, some in by_service.items()]
