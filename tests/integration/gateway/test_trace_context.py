"""W3C Trace Context through the gateway and across the bus, with spans and without, as the route for test suites shows it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from faststream.nats import NatsRouter

from analytics.overflow import Overflows
from analytics.query.api import broker
from analytics.query.calling import answer_calls
from analytics.query.replies import reply_middleware
from drishti.bus.connection import connect
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from gateway.asking import ask as ask_analytics
from gateway.errors import Refused
from rigs.gateway import Rig, event, running, running_process
from rigs.otlp_receiver import Receiver
from rigs.trace_contexts import CASES, DROPPED, KEPT, Case, check
from rigs.waiting import DEADLINE_S, wait_until

ROUTE = "/test/trace-context"


class Called:
    """What the worker behind the bus calls: keeps the headers of each request."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.bodies.append(await request.read())
        return web.Response(status=204)


@contextlib.asynccontextmanager
async def called() -> AsyncIterator[Called]:
    port = free_port()
    calls = Called(port)
    app = web.Application()
    app.router.add_post("/{path:.*}", calls.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield calls
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def worker(nats: NatsServer) -> AsyncIterator[None]:
    """What analytics has behind the bus for this route."""
    bus = await connect(nats.settings("analytics"), name="analytics")
    router = NatsRouter(middlewares=[reply_middleware(Overflows())])
    answer_calls(router)
    answering = broker(bus.nc, router)
    await answering.start()
    await bus.ping()
    try:
        yield
    finally:
        await answering.stop()
        await bus.close()


async def ask(rig: Rig, calls: Called, case: Case) -> list[dict[str, str]]:
    """The headers of three calls for a request with the headers of ``case``, which go out as they are written."""
    calls.headers.clear()
    calls.bodies.clear()
    body = json.dumps([{"url": f"{calls.url}/{n}", "arguments": [n]} for n in range(3)]).encode()
    host, port = rig.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = [f"POST {ROUTE} HTTP/1.1", f"host: {host}", "connection: close", f"content-length: {len(body)}"]
    head += [f"{name}: {value}" for name, value in case.headers]
    writer.write("\r\n".join([*head, "", ""]).encode() + body)
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    assert json.loads(answer.rpartition(b"\r\n\r\n")[2]) == {"statuses": [204, 204, 204]}
    assert [json.loads(sent) for sent in calls.bodies] == [[0], [1], [2]]
    return calls.headers


async def test_every_context_crosses_the_bus_where_nothing_is_recorded(own_nats: NatsServer) -> None:
    async with called() as calls, worker(own_nats), running(own_nats, test_routes=True) as rig:
        for case in CASES:
            check(case, await ask(rig, calls, case))


async def test_every_context_crosses_the_bus_beside_the_gateways_spans(own_nats: NatsServer, receiver: Receiver) -> None:
    environ = {"DRISHTI_TEST_ROUTES": "1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{receiver.url}/v1/traces"}
    async with called() as calls, worker(own_nats), running_process(own_nats, **environ) as (rig, _):
        for case in CASES:
            check(case, await ask(rig, calls, case))


async def test_calls_wait_for_a_worker_that_starts_after_the_gateway(
    own_nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals: list[Refused] = []

    async def ask_and_note(*question: Any) -> bytes:
        try:
            return await ask_analytics(*question)
        except Refused as refused:
            refusals.append(refused)
            raise

    monkeypatch.setattr("gateway.questions.calling.WORKER_S", DEADLINE_S)
    monkeypatch.setattr("gateway.questions.calling.ask", ask_and_note)
    async with called() as calls, running(own_nats, test_routes=True) as rig:
        asked = asyncio.create_task(rig.post(ROUTE, [{"url": f"{calls.url}/late", "arguments": []}]))
        await wait_until(lambda: refusals)
        async with worker(own_nats):
            assert await asked == (200, {"statuses": [204]})


async def test_the_route_is_not_there_unless_it_is_asked_for(own_nats: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.questions.calling.WORKER_S", 0.0)
    async with running(own_nats) as rig, rig.http.post(rig.url + ROUTE, json=[]) as answer:
        assert answer.status == 404
    async with running(own_nats, test_routes=True) as rig:
        status, answer = await rig.post(ROUTE, [{"url": "file:///etc/passwd", "arguments": 1}])
        assert (status, "must be a list of calls" in answer["error"]) == (400, True)
        assert (await rig.post(ROUTE, b"x" * 70_000))[0] == 413
        assert (await rig.post(ROUTE, []))[0] == 503, "nobody is behind the bus"


@pytest.mark.parametrize(
    ("sent", "stored"),
    [([KEPT], KEPT), ([KEPT, KEPT], None), ([f"cc{KEPT[2:]}-more"], KEPT), ([DROPPED], None), ([KEPT.upper()], None)],
)
async def test_an_event_takes_its_context_from_the_request_by_the_same_rules(
    own_nats: NatsServer, sent: list[str], stored: str | None
) -> None:
    """Where the gateway records no spans."""
    async with running(own_nats) as rig:
        headers = [("authorization", f"Bearer {rig.admin}"), *(("traceparent", value) for value in sent)]
        async with rig.http.post(f"{rig.url}/api/events", json=event("one"), headers=headers) as answer:
            assert answer.status == 202
        (result,) = await rig.events()
        assert result.get("traceparent") == stored
