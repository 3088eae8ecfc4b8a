"""Viewers of one dashboard share a connection to dashboard-stream, and nobody notices: both services, for real."""

from __future__ import annotations

import asyncio
import socket as sockets
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from conftest import BusFor
from dashboard_stream.boards.ready import ready
from drishti.bus import keys
from drishti.bus.connection import Bus
from drishti.events import Frame
from drishti.measures.built_in import FED
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from rigs import dashboard_service, gateway
from rigs.aggregates import aggregate
from rigs.dashboard_service import close_code, frame, frame_with, has_point, has_value, now_second, publish
from rigs.gateway import Rig
from rigs.waiting import wait_until

pytestmark = pytest.mark.usefixtures("nats_url")
"""The streams are declared."""

USER = "dashboard-stream"
MANY = 300
SLOW_S = 2.0


@pytest.fixture
async def analytics(bus_for: BusFor) -> Bus:
    return await bus_for("analytics")


@asynccontextmanager
async def both(nats: NatsServer, **settings: Any) -> AsyncIterator[Rig]:
    """A gateway before a dashboard-stream with these settings."""
    async with dashboard_service.running(nats.settings(USER), **settings) as stream:
        await dashboard_service.wait_ready(stream)
        async with gateway.running(nats, dashboard_url=f"http://127.0.0.1:{stream.port}") as rig:
            yield rig


@pytest.fixture
async def rig(nats_server: NatsServer) -> AsyncIterator[Rig]:
    async with both(nats_server, slow_s=60.0, max_clients=MANY + 10) as rig:
        yield rig


def watch(
    rig: Rig, name: str = "system_overview", key: str = "", since: str = "", hz: str = "", panels: str = "", **more: Any
) -> Any:
    """A viewer, of the rig's tenant."""
    asked = {"since": since, "hz": hz, "panels": panels}
    query = urlencode({name: value for name, value in asked.items() if value})
    url = f"{rig.url.replace('http', 'ws', 1)}/api/dashboard/ws/{name}?{query}"
    headers = {"Authorization": f"Bearer {key or rig.admin}"} | more.pop("headers", {})
    return connect(url, **{"additional_headers": headers, "compression": None, "open_timeout": 30} | more)


def requests(tenant: str, start: int, count: int, **more: Any) -> Any:
    return aggregate("requests", start, {"count": count}, tenant=tenant, published_at=int(time.time() * 1000), **more)


async def test_many_viewers_share_one_connection_and_each_gets_a_snapshot_and_then_the_same_updates(
    rig: Rig, analytics: Bus
) -> None:
    start = now_second()
    async with AsyncExitStack() as stack:
        viewers = await asyncio.gather(*(stack.enter_async_context(watch(rig)) for _ in range(MANY)))
        firsts = await asyncio.gather(*(frame(viewer) for viewer in viewers))
        assert {first.type for first in firsts} == {"snapshot"}
        await publish(analytics, requests(rig.tenant, start, 7))
        shown = await asyncio.gather(*(frame_with(viewer, has_point("requests.rate", start, 7)) for viewer in viewers))
        assert {f.data.values["stream.clients"] for f in shown} == {1}
        # Somebody who comes late begins with a snapshot, and goes on with the others.
        late = await stack.enter_async_context(watch(rig))
        assert (await frame(late)).type == "snapshot"
        await publish(analytics, requests(rig.tenant, start + 1000, 8))
        both = await asyncio.gather(*(frame_with(v, has_point("requests.rate", start + 1000, 8)) for v in (late, viewers[0])))
        assert both[0] == both[1]


async def test_what_viewers_send_is_ignored_and_the_last_one_ends_the_connection(rig: Rig, analytics: Bus) -> None:
    async with watch(rig) as viewer:
        await frame(viewer)
        await viewer.send("hello")
        await viewer.ping()
        await publish(analytics, requests(rig.tenant, now_second(), 7))
        await frame_with(viewer, lambda f: bool(f.data.series))
    assert rig.gateway is not None
    async with watch(rig) as again:
        assert (await frame(again)).data.values["stream.clients"] in (1, 2)


def slow_socket(rig: Rig) -> sockets.socket:
    """A connection with a small receive buffer: what is not read soon stays with the gateway."""
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", int(rig.url.rpartition(":")[2])))
    raw.setblocking(False)
    return raw


async def flood(bus: Bus, tenant: str, revision: int) -> int:
    """New numbers for five minutes of sixteen services: some hundred kilobytes in the next frames."""
    start = now_second()
    series: list[tuple[dict[str, str], dict[str, Any]]] = [({}, {"count": revision})]
    series += [({"service": f"a-service-with-a-long-name-{n}"}, {"count": revision * 16 + n}) for n in range(15)]
    for first in range(0, 300, 50):
        offsets = range(first, first + 50)
        windows = [aggregate("requests", start - n * 1000, series, revision=revision, tenant=tenant) for n in offsets]
        await publish(bus, *windows)
    return start


async def test_a_viewer_that_stops_reading_slows_nobody_and_is_closed(nats_server: NatsServer, analytics: Bus) -> None:
    async with AsyncExitStack() as stack:
        rig = await stack.enter_async_context(both(nats_server, slow_s=SLOW_S))
        slow = await stack.enter_async_context(watch(rig, sock=slow_socket(rig), max_queue=1, max_size=None))
        others = [await stack.enter_async_context(watch(rig, max_size=None)) for _ in range(3)]
        assert rig.gateway is not None
        feeds = rig.gateway.proxy.feeds
        revision = 0
        deadline = time.monotonic() + 60
        while not feeds.counts.closed_slow:
            assert time.monotonic() < deadline, "the slow viewer was never closed"
            revision += 1
            start = await flood(analytics, rig.tenant, revision)
            await asyncio.gather(*(frame_with(other, has_point("requests.rate", start, revision)) for other in others))
        assert feeds.counts.skipped > 0
        assert await close_code(slow) == 4408


async def test_a_viewer_that_reads_again_has_missed_nothing(rig: Rig, analytics: Bus) -> None:
    async with (
        watch(rig, sock=slow_socket(rig), max_queue=1, max_size=None) as slow,
        watch(rig, max_size=None) as other,
    ):
        assert rig.gateway is not None
        revision = 0
        counts = rig.gateway.proxy.feeds.counts
        while not counts.skipped:
            revision += 1
            start = await flood(analytics, rig.tenant, revision)
            await frame_with(other, has_point("requests.rate", start, revision))
        expected = await state(rig)
        seen: dict[tuple[str, int], float | None] = {}
        while not all(seen.get(("requests.rate", at)) == value for at, value in expected.data.series["requests.rate"]):
            take(seen, await frame(slow))


def take(seen: dict[tuple[str, int], float | None], f: Frame) -> None:
    if f.type == "snapshot":
        seen.clear()
    for name, points in f.data.series.items():
        seen |= {(name, at): value for at, value in points}


async def state(rig: Rig, name: str = "system_overview") -> Frame:
    path = f"{rig.url}/api/dashboard/state/{name}"
    async with rig.http.get(path, headers={"authorization": f"Bearer {rig.admin}"}) as answer:
        return msgspec.json.decode(await answer.read(), type=Frame)


async def test_a_viewer_goes_on_from_the_frame_that_it_has(rig: Rig, analytics: Bus) -> None:
    start = now_second()
    async with watch(rig) as viewer:
        await publish(analytics, requests(rig.tenant, start - 5000, 3))
        had = await frame_with(viewer, has_point("requests.rate", start - 5000, 3))
    await publish(analytics, requests(rig.tenant, start - 4000, 4))
    async with watch(rig, since=f"{had.epoch}:{had.seq}") as viewer:
        # Nobody else watched meanwhile, and still nothing is missed and nothing comes twice.
        since = await frame_with(viewer, lambda f: bool(f.data.series))
        assert (since.type, since.epoch) == ("update", had.epoch)
        assert since.data.series["requests.rate"] == [(start - 4000, 4)]
        # What is not known, or of another dashboard, is a snapshot; what is nonsense is refused with its own code.
        for position in (f"another:{had.seq}", f"{had.epoch}:999999"):
            async with watch(rig, since=position) as other:
                assert (await frame(other)).type == "snapshot"
        async with watch(rig, "user_analytics", since=f"{had.epoch}:{had.seq}") as other:
            assert (await frame(other)).type == "snapshot"
        for wrong in ({"since": "1"}, {"hz": "100"}):
            async with watch(rig, **wrong) as refused:
                assert await close_code(refused) == 4400


async def test_a_viewer_gets_no_more_frames_than_it_asked_for_and_misses_nothing(rig: Rig, analytics: Bus) -> None:
    start, began = now_second(), time.monotonic()
    async with watch(rig, hz="1") as slow, watch(rig) as fast:
        await asyncio.gather(frame(slow), frame(fast))
        fast_seen: dict[tuple[str, int], float | None] = {}
        slow_seen: dict[tuple[str, int], float | None] = {}
        for number in range(25):
            await publish(analytics, requests(rig.tenant, start - number * 1000, number + 1))
            while fast_seen.get(("requests.rate", start - number * 1000)) != number + 1:
                take(fast_seen, await frame(fast))
        frames = 0
        while slow_seen != fast_seen:
            take(slow_seen, await frame(slow))
            frames += 1
        assert frames <= time.monotonic() - began + 2, "one a second, and a snapshot before them"


async def test_viewers_of_the_same_panels_share_frames_that_hold_only_what_these_ask(rig: Rig, analytics: Bus) -> None:
    async with (
        watch(rig, panels="errors,llm-calls") as one,
        watch(rig, panels="llm-calls,errors,llm-calls") as other,
        watch(rig) as everything,
    ):
        epoch = (await frame(one)).epoch
        assert (await frame(other)).epoch == epoch
        assert (await frame(everything)).epoch != epoch
        start = now_second()
        await publish(analytics, aggregate("requests", start, {"count": 8, "errors": 2}, tenant=rig.tenant))
        await frame_with(everything, has_point("requests.rate", start, 8))
        for viewer in (one, other):
            some = await frame_with(viewer, lambda f: f.data.values.get("requests.error_rate") is not None)
            assert not {name for name in (*some.data.series, *some.data.values) if name.startswith("requests.rate")}
        assert rig.gateway is not None
        assert len(rig.gateway.proxy.feeds._keys) == 2
    ids = [panel.id for panel in ready(FED)[0].panels]
    state_path = f"{rig.url}/api/dashboard/state/system_overview"
    async with rig.http.get(f"{state_path}?panels=nobody", headers={"authorization": f"Bearer {rig.admin}"}) as answer:
        text = await answer.text()
        assert answer.status == 400
        assert all(str(name) in text for name in ids)
    async with watch(rig, panels="nobody") as wrong:
        assert await close_code(wrong) == 4400
        assert "no panel 'nobody'" in str(wrong.close_reason)
    url = f"{rig.url.replace('http', 'ws', 1)}/api/dashboard/ws/system_overview?panel=a"
    async with connect(url, additional_headers={"Authorization": f"Bearer {rig.admin}"}, open_timeout=30) as wrong:
        assert await close_code(wrong) == 4400
        assert "panels" in str(wrong.close_reason)


async def test_frames_are_compressed_for_who_reads_that_and_are_the_same(rig: Rig, analytics: Bus) -> None:
    start = now_second()
    async with watch(rig, compression="deflate") as small, watch(rig) as plain:
        assert small.response is not None
        assert "server_no_context_takeover" in small.response.headers["Sec-WebSocket-Extensions"]
        await publish(analytics, requests(rig.tenant, start, 7))
        both = await asyncio.gather(*(frame_with(v, has_point("requests.rate", start, 7)) for v in (small, plain)))
        assert both[0] == both[1]
        await small.send("x" * 10_000)  # read, and ignored
        await small.ping()


async def test_viewers_outlive_a_restart_of_dashboard_stream(nats_server: NatsServer, analytics: Bus) -> None:
    port, start = free_port(), now_second()
    bus = nats_server.settings(USER)
    async with AsyncExitStack() as stack:
        async with dashboard_service.running(bus, port=port, epoch="e1") as stream:
            await dashboard_service.wait_ready(stream)
            rig = await stack.enter_async_context(gateway.running(nats_server, dashboard_url=f"http://127.0.0.1:{port}"))
            viewers = [await stack.enter_async_context(watch(rig)) for _ in range(20)]
            await publish(analytics, requests(rig.tenant, start, 7))
            shown = await asyncio.gather(*(frame_with(viewer, has_point("requests.rate", start, 7)) for viewer in viewers))
            assert {f.epoch for f in shown} == {"e1.1"}
        await publish(analytics, requests(rig.tenant, start + 1000, 8))
        async with dashboard_service.running(bus, port=port, epoch="e2"):
            for viewer in viewers:
                anew = await frame_with(viewer, lambda f: f.epoch == "e2.1")
                assert anew.type == "snapshot"
                assert has_point("requests.rate", start + 1000, 8)(anew), "it waited for the history"


async def test_tenants_are_apart_and_so_are_pages_of_other_sites(rig: Rig, analytics: Bus) -> None:
    other = f"o{uuid.uuid4().hex[:8]}"
    theirs, start = await rig.key("viewer", other), now_second()
    async with watch(rig) as ours, watch(rig, key=theirs) as foreign:
        await publish(analytics, requests(rig.tenant, start, 7), requests(other, start, 9))
        await frame_with(ours, has_point("requests.rate", start, 7))
        await frame_with(foreign, has_point("requests.rate", start, 9))
        assert (await state(rig)).data.series["requests.rate"][-1] == (start, 7)
        with pytest.raises(InvalidStatus) as refused:
            await watch(rig, origin="https://evil.example")
        assert refused.value.response.status_code == 403
        async with watch(rig, origin=rig.url) as page:
            assert (await frame(page)).type == "snapshot"


async def test_a_deleted_dashboard_and_an_unknown_one_close_with_their_code(rig: Rig) -> None:
    document = {"name": "short", "title": "Short", "panels": []}
    document["panels"] = [{"kind": "time_series", "title": "Lines", "lines": [{"metric": "requests", "field": "rate"}]}]
    path, key = f"{rig.url}/api/dashboard/dashboards/short", {"authorization": f"Bearer {rig.admin}"}
    async with rig.http.put(path, json=document, headers=key) as answer:
        assert answer.status in (200, 201), await answer.text()
    async with watch(rig, "short") as one, watch(rig, "short") as two:
        await asyncio.gather(frame(one), frame(two))
        async with rig.http.delete(path, headers=key | {"if-match": "*"}) as answer:
            assert answer.status == 204
        assert await close_code(one) == await close_code(two) == 4404
    async with watch(rig, "short") as viewer:
        assert await close_code(viewer) == 4404


async def test_a_viewer_whose_key_is_revoked_is_closed_and_the_others_stay(rig: Rig, analytics: Bus) -> None:
    text = await rig.key("viewer")
    assert rig.gateway is not None
    principal = rig.gateway.ring.check(text)
    assert principal is not None
    # On loopback somebody without a valid key is the default tenant: another one than that of the key.
    async with watch(rig, key=text) as viewer, watch(rig) as other:
        await asyncio.gather(frame(viewer), frame(other))
        await keys.revoke(await rig.bus.kv("api_keys"), principal.id, now=datetime.now(UTC))
        assert await close_code(viewer) == 4401
        await publish(analytics, requests(rig.tenant, now_second(), 7))
        await frame_with(other, lambda f: bool(f.data.series))


async def test_a_viewer_whose_key_expires_is_closed_and_learns_why(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    expires_at = datetime.now(UTC) + timedelta(hours=1)
    text = await rig.key_until(expires_at, "viewer")
    async with watch(rig, key=text) as viewer, watch(rig) as other:
        await asyncio.gather(frame(viewer), frame(other))
        rig.advance(monkeypatch, 3_600)
        assert await close_code(viewer) == 4401
        await frame(other)
    async with rig.http.get(f"{rig.url}/api/analytics/query", headers={"x-api-key": text}) as answer:
        assert answer.status == 401
        assert f"expired at {expires_at:%Y-%m-%d}" in await answer.text()


async def test_one_viewer_too_many_is_told_so(rig: Rig) -> None:
    async with AsyncExitStack() as stack:
        viewers: list[ClientConnection] = []
        for _ in range(0, MANY + 10, 62):
            viewers += await asyncio.gather(*(stack.enter_async_context(watch(rig)) for _ in range(62)))
        async with watch(rig) as viewer:
            assert await close_code(viewer) == 4429
        await viewers.pop().close()

        await wait_until(lambda: rig.gateway is not None and len(rig.gateway.proxy.feeds) < MANY + 10)
        async with watch(rig) as viewer:
            assert has_value("stream.clients", 1)(await frame(viewer))
