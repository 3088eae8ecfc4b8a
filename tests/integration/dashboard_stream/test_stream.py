"""Dashboard-stream against a real NATS, with real WebSockets."""

from __future__ import annotations

import asyncio
import os
import signal
import socket as sockets
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from conftest import BusFor
from drishti.bus.connection import Bus
from drishti.bus.connection import connect as bus_connect
from drishti.events import AnomalyInsight, ChangeInsight, Frame, encode
from drishti.messages import subjects
from drishti.telemetry import spans
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from rigs.aggregates import aggregate
from rigs.dashboard_service import (
    Service,
    close_code,
    frame,
    frame_with,
    has_point,
    has_value,
    now_second,
    publish,
    running,
    wait_ready,
)
from rigs.insights import HORIZONS_MS, STANDING, forecast, predict
from rigs.waiting import DEADLINE_S

USER = "dashboard-stream"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def tenant() -> str:
    """A tenant of this test's own: the streams are shared with other tests."""
    return f"t{uuid.uuid4().hex[:10]}"


@pytest.fixture
async def analytics(bus_for: BusFor) -> Bus:
    return await bus_for("analytics")


@pytest.fixture
async def service(nats_server: NatsServer, nats_url: str) -> AsyncIterator[Service]:
    async with running(nats_server.settings(USER)) as service:
        await wait_ready(service)
        yield service


def requests(tenant: str, start: int, count: int, **more: Any) -> Any:
    return aggregate("requests", start, {"count": count}, tenant=tenant, published_at=int(time.time() * 1000), **more)


async def test_a_snapshot_comes_first_and_then_updates_with_complete_values(
    service: Service, analytics: Bus, tenant: str
) -> None:
    start = now_second()
    await publish(analytics, requests(tenant, start - 5000, 4), requests(tenant, start - 4000, 6))
    async with service.connect(tenant=tenant) as socket:
        await publish(analytics, requests(tenant, start - 3000, 5))
        first = await frame(socket)
        latest = await frame_with(socket, has_point("requests.rate", start - 3000, 5))
        heartbeat = await frame_with(socket, lambda f: f.seq > latest.seq)
    assert (first.type, first.dashboard, first.epoch) == ("snapshot", "system_overview", "e1.1")
    assert latest.type == heartbeat.type == "update"
    assert set(first.data.values) <= set(latest.data.values) == set(heartbeat.data.values)
    assert latest.data.values["requests.rate"] == 4, "the newest second and the one before may still grow"
    assert heartbeat.data.series == {}
    assert (heartbeat.data.values["freshness_ms"] or 0) > (latest.data.values["freshness_ms"] or 0)


async def test_a_change_reaches_the_socket_at_once(service: Service, analytics: Bus, tenant: str) -> None:
    took = []
    async with service.connect(tenant=tenant) as socket:
        await frame(socket)
        for revision in range(1, 12):
            began = time.monotonic()
            await publish(analytics, requests(tenant, now_second(), 100 + revision, resolution="1h", revision=revision))
            await frame_with(socket, has_value("requests.count.1h", 100 + revision))
            took.append(time.monotonic() - began)
    assert sorted(took)[len(took) // 2] < 0.5


async def test_exact_counts_are_on_the_socket_and_tenants_are_apart(service: Service, analytics: Bus, tenant: str) -> None:
    hour = now_second()
    series: Any = [({}, {"count": 5000}), ({"event_type": "feedback"}, {"count": 1200})]
    await publish(analytics, aggregate("events", hour, series, resolution="1h", tenant=tenant))
    async with service.connect("user_analytics", tenant) as socket, service.connect("user_analytics", tenant + "x") as other:
        values = (await frame_with(socket, lambda f: "events.count.24h" in f.data.values)).data.values
        assert "events.count.24h" not in (await frame(other)).data.values
    assert values["events.count.24h"] == 5000
    assert values["events.count.24h{event_type=feedback}"] == 1200


async def test_insights_are_events_of_the_frame(service: Service, bus_for: BusFor, tenant: str) -> None:
    predictor = await bus_for("predictor")
    anomaly = AnomalyInsight(
        insight_id="anomaly-1",
        tenant=tenant,
        metric="requests",
        field="rate",
        labels={"service": "wisdom"},
        state="ready",
        at=now_second(),
        model="m",
        phase="opened",
    )
    async with service.connect(tenant=tenant) as socket:
        await frame(socket)
        await predictor.publish(subjects.insights(tenant, "anomaly", "requests"), encode(anomaly))
        reported = await frame_with(socket, lambda f: bool(f.data.events))
    async with service.connect(tenant=tenant) as socket:
        assert (await frame(socket)).data.events == reported.data.events
    assert reported.data.events[0]["series"] == "requests.rate{service=wisdom}"


async def test_insights_of_later_kinds_are_counted_and_those_about_a_system_are_shown(
    service: Service, bus_for: BusFor, tenant: str
) -> None:
    predictor = await bus_for("predictor")
    change = ChangeInsight(insight_id="change-1", tenant=tenant, at=now_second(), model="m", change="deployment")
    async with service.connect(tenant=tenant) as socket:
        await frame(socket)
        later = b'{"kind": "root_cause", "graph": [1]}'
        await predictor.publish(subjects.insights(tenant, "root_cause"), later)
        await predictor.publish(subjects.insights(tenant, "root_cause", "requests"), later)
        await predictor.publish(subjects.insights(tenant, change.kind), encode(change))
        shown = await frame_with(socket, lambda f: bool(f.data.events))
        await frame_with(socket, lambda f: f.data.values["stream.unknown_insights"] == 2)
    assert [event["insight_id"] for event in shown.data.events] == ["change-1"]


async def test_forecasts_of_every_horizon_are_reported_and_read_again_at_a_start(
    service: Service, nats_server: NatsServer, bus_for: BusFor, tenant: str
) -> None:
    reported = [forecast(horizon_ms, tenant=tenant, standing=STANDING) for horizon_ms in HORIZONS_MS]
    keys = {f"forecast:requests.rate@{horizon_ms}" for horizon_ms in HORIZONS_MS}

    def whole(seen: Frame) -> bool:
        return seen.type == "snapshot" and {event["key"] for event in seen.data.events} == keys

    result: dict[str, Any] = {}
    async with service.connect(tenant=tenant) as socket:
        await frame(socket)
        await predict(await bus_for("predictor"), *reported)
        while set(result) != keys:
            seen = await frame_with(socket, lambda f: bool(f.data.events))
            result |= {event["key"]: event for event in seen.data.events}
    assert {event["horizon_ms"] for event in result.values()} == set(HORIZONS_MS)
    async with running(nats_server.settings(USER), epoch="e2") as again:
        await wait_ready(again)
        async with again.connect(tenant=tenant) as socket:
            await frame_with(socket, whole)


async def flood(bus: Bus, tenant: str, revision: int) -> None:
    """New numbers for five minutes of sixteen services: some hundred kilobytes in the next frames."""
    start = now_second()
    for first in range(0, 300, 50):
        windows = []
        for offset in range(first, first + 50):
            series = [({"service": f"a-service-with-a-long-name-{n}"}, {"count": revision * 16 + n}) for n in range(16)]
            windows.append(aggregate("requests", start - offset * 1000, series, revision=revision, tenant=tenant))
        await publish(bus, *windows)


def slow_socket(port: int) -> sockets.socket:
    """A connection with a small receive buffer: what is not read soon stays with the server."""
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", port))
    raw.setblocking(False)
    return raw


async def test_a_client_that_stops_reading_does_not_slow_the_others_and_is_closed(
    nats_server: NatsServer, nats_url: str, analytics: Bus, tenant: str
) -> None:
    slow_s = 10.0
    async with running(nats_server.settings(USER), slow_s=slow_s) as service:
        await wait_ready(service)
        url = f"ws://127.0.0.1:{service.port}/api/dashboard/ws/system_overview"
        slow = await connect(
            url, sock=slow_socket(service.port), max_queue=1, max_size=None, additional_headers={"X-Drishti-Tenant": tenant}
        )
        async with service.connect(tenant=tenant) as one, service.connect(tenant=tenant) as two:
            blocked = False
            took: list[float] = []
            deadline = time.monotonic() + 2 * DEADLINE_S
            revision = 0
            while not blocked:  # until the slow client's buffers are full and the server gives it up
                assert time.monotonic() < deadline, "the slow client was never closed"
                revision += 1
                await flood(analytics, tenant, revision)
                began = time.monotonic()
                hour = requests(tenant, now_second(), revision, resolution="1h", revision=revision)
                await publish(analytics, hour)
                reported = has_value("requests.count.1h", revision)
                frames = await asyncio.gather(frame_with(one, reported), frame_with(two, reported))
                took.append(time.monotonic() - began)
                blocked = frames[0].data.values["stream.clients"] == 2
            code = await close_code(slow)
    assert max(took) < slow_s, "the others waited until the slow one was given up"
    assert code == 4408


@pytest.mark.parametrize(
    ("origin", "headers"),
    [
        ("https://evil.example", {}),
        ("null", {}),
        ("https://evil.example", {"X_Forwarded_Host": "drishti.example"}),
    ],
)
async def test_a_foreign_page_is_refused(service: Service, origin: str, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await service.connect(Origin=origin, **headers)
    assert refused.value.response.status_code == 403


async def test_our_own_page_an_allowed_one_and_a_program_are_let_in(nats_server: NatsServer, nats_url: str) -> None:
    async with running(nats_server.settings(USER), allowed_origins=("friend.example",)) as service:
        for headers in (
            {},
            {"Origin": f"http://127.0.0.1:{service.port}"},
            {"Origin": "https://drishti.example", "X_Forwarded_Host": "drishti.example"},
            {"Origin": "https://friend.example"},
        ):
            async with service.connect(**headers) as socket:
                assert (await frame(socket)).type == "snapshot"


async def test_an_unknown_dashboard_and_one_client_too_many_are_reported_by_code(
    nats_server: NatsServer, nats_url: str
) -> None:
    async with running(nats_server.settings(USER), max_clients=1) as service, service.connect() as first:
        await wait_ready(service)
        await frame(first)
        for name, code in (("nothing", 4404), ("user_analytics", 4429)):
            async with service.connect(name) as socket:
                assert await close_code(socket) == code


async def test_the_history_is_rebuilt_at_restart_and_a_client_that_reconnects_sees_it(
    nats_server: NatsServer, nats_url: str, analytics: Bus, tenant: str
) -> None:
    start = now_second()
    windows = [requests(tenant, start - 1000 * n, n) for n in range(1, 60)]
    minutes = [
        aggregate("active_users", start - 60_000 * n, {"uniques": 7.0}, resolution="1m", tenant=tenant) for n in range(9)
    ]
    await publish(analytics, *windows, *minutes, requests(tenant, start, 1770, resolution="1h"))
    frames = []
    for epoch in ("before", "after"):
        async with running(nats_server.settings(USER), epoch=epoch) as service:
            await wait_ready(service)
            async with service.connect(tenant=tenant) as socket:
                frames.append(await frame(socket))
    assert [f.epoch for f in frames] == ["before.1", "after.1"]
    assert frames[0].data.series == frames[1].data.series
    assert len(frames[1].data.series["requests.rate"]) == 59
    assert len(frames[1].data.series["active_users.uniques"]) == 9
    assert frames[1].data.values["requests.count.24h"] == 1770


async def test_a_nats_restart_keeps_the_history_and_the_sockets(own_nats: NatsServer) -> None:
    analytics = await bus_connect(own_nats.settings("analytics"), name="analytics")
    try:
        async with running(own_nats.settings(USER)) as service:
            start = now_second()
            await publish(analytics, requests("default", start - 3000, 3))
            await wait_ready(service)
            async with service.connect() as socket:
                await frame(socket)
                own_nats.stop()
                away = await frame_with(socket, has_value("stream.bus_connected", 0))
                status, _, body = await service.get("/readyz")
                own_nats.start()
                await frame_with(socket, has_value("stream.bus_connected", 1))
                await publish(analytics, requests("default", start - 2000, 2))
                new = await frame_with(socket, lambda f: "requests.rate" in f.data.series)
            assert "requests.rate" in away.data.values
            assert (status, b"nats" in body) == (503, True)
            assert new.data.series["requests.rate"] == [(start - 2000, 2)]
    finally:
        await analytics.close()


async def test_it_starts_before_nats_and_waits_for_it(own_nats: NatsServer) -> None:
    own_nats.stop()
    async with running(own_nats.settings(USER)) as service, service.connect() as socket:
        assert (await frame(socket)).data.values["stream.bus_connected"] == 0
        assert (await service.get("/healthz"))[0] == 200
        assert (await service.get("/readyz"))[0] == 503
        # Whether a tenant has such a dashboard is not known yet: so it is not said that there is none.
        for path in ("dashboard", "state"):
            assert (await service.get(f"/api/dashboard/{path}/checkout"))[0] == 503
        with pytest.raises(InvalidStatus) as refused:
            await service.connect("checkout")
        assert refused.value.response.status_code == 503
        own_nats.start()
        await frame_with(socket, has_value("stream.history_ready", 1))
        await wait_ready(service)


async def test_a_message_that_is_no_aggregate_goes_to_dead_and_stops_nobody(
    service: Service, analytics: Bus, nats_admin: Bus, tenant: str
) -> None:
    subject = subjects.aggregates(tenant, "1s", "requests")
    await analytics.publish(subject, b'{"tenant": 5}')
    await publish(analytics, requests(tenant, now_second() - 2000, 3))
    async with service.connect(tenant=tenant) as socket:
        await frame_with(socket, lambda f: "requests.rate" in f.data.values)
    result = await nats_admin.js.get_last_msg("DEAD", subjects.dead(subject))
    assert b"dashboard-stream" in (result.data or b"")


async def test_the_trace_of_an_aggregate_goes_on_to_the_frame(
    service: Service, analytics: Bus, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(spans, "_tracer", provider.get_tracer("test"))
    traced = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    async with service.connect(tenant=tenant) as socket:
        await frame(socket)
        await publish(analytics, requests(tenant, now_second(), 3), headers=traced)
        await frame_with(socket, lambda f: "requests.rate" in f.data.series)
        old = requests(tenant, now_second() - 60_000, 3)
        old.published_at -= 60_000
        await publish(analytics, old, headers=traced)
        await frame_with(socket, lambda f: "requests.rate" in f.data.series)
    finished = {span.name: span for span in exporter.get_finished_spans()}
    assert len(exporter.get_finished_spans()) == 2, "history read again has been reported already"
    process, push = finished["process AGGREGATES"], finished["push frame"]
    assert format(process.context.trace_id, "032x") == format(push.context.trace_id, "032x") == TRACE
    assert format(process.parent.span_id, "016x") == "b7ad6b7169203331"
    assert push.parent.span_id == process.context.span_id
    assert push.attributes["drishti.dashboard"] == "system_overview"


async def test_sigterm_closes_the_sockets_with_a_code_and_ends_the_process(nats_server: NatsServer, nats_url: str) -> None:
    settings = nats_server.settings(USER)
    port = free_port()
    environ = {
        **{k: v for k, v in os.environ.items() if not k.startswith("OTEL_")},
        "DRISHTI_NATS_URL": settings.url,
        "NATS_USER": settings.user,
        "NATS_PASSWORD": settings.password.reveal(),
        "DASHBOARD_STREAM_PORT": str(port),
    }
    command = [sys.executable, "-m", "dashboard_stream"]
    process = await asyncio.to_thread(subprocess.Popen, command, env=environ, stderr=subprocess.PIPE)
    try:
        service = Service(port, asyncio.Event())
        await wait_ready(service)
        async with service.connect() as socket:
            await frame(socket)
            process.send_signal(signal.SIGTERM)
            code = await close_code(socket)
        _, errors = await asyncio.to_thread(process.communicate, timeout=DEADLINE_S)
    finally:
        process.kill()
        process.wait()
    assert code in (1001, 1012)
    assert process.returncode == 0
    assert b"Traceback" not in errors
