"""Analytics waits for what it needs, survives its restart, gives way in order, and stays exact through all of it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from analytics.publish.shares import PARTITIONS
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer, PostgresServer
from rigs.analytics import Rig, answers, event, load, request, rig, status_of
from rigs.waiting import wait_until


@pytest.fixture
async def fragile(own_nats: NatsServer, own_postgres: PostgresServer) -> AsyncIterator[Rig]:
    """A world whose PostgreSQL may be stopped."""
    async with rig(own_nats, own_postgres.url()) as found:
        yield found


async def _more_rows(world: Rig, than: int) -> Callable[[], Awaitable[bool]]:
    async def more() -> bool:
        return await world.rows() > than

    return more


async def test_nats_restart_in_mid_stream_loses_and_doubles_nothing(world: Rig) -> None:
    await world.redeliver_after(2)
    await load(world, 100, 40)
    async with world.running(batch_items=400):
        await wait_until(await _more_rows(world, 0))
        await asyncio.to_thread(world.nats.kill)
        await asyncio.to_thread(world.nats.start)
        await wait_until(lambda: world.admin.nc.is_connected)
        await load(world, 5, 10, prefix="after")
        await world.wait_exact(events=4050, requests=4050)
        assert await world.total("events", "count") == 4050


async def test_postgresql_crash_in_mid_stream_loses_and_doubles_nothing(fragile: Rig, own_postgres: PostgresServer) -> None:
    await load(fragile, 100, 40)
    async with fragile.running(batch_items=400) as port:
        await wait_until(await _more_rows(fragile, 0))
        await asyncio.to_thread(own_postgres.kill)
        status, body = await wait_until(lambda: status_of(port, "/readyz", 503))
        assert list(body["failing"]) == ["postgresql"]
        assert (await status_of(port, "/healthz"))[0] == 200
        await load(fragile, 5, 10, prefix="meanwhile")
        await asyncio.to_thread(own_postgres.start)
        await fragile.wait_exact(events=4050, requests=4050)
        await wait_until(lambda: answers(port))
        assert await fragile.total("events", "count") == 4050
    assert status == 503


async def test_it_starts_before_nats_and_postgresql_and_waits_for_both(
    own_nats: NatsServer, own_postgres: PostgresServer
) -> None:
    async with rig(own_nats, own_postgres.url()) as world:
        await world.publish(event("early"))
        own_postgres.stop()
        own_nats.stop()
        port = free_port()
        async with world.process(wait=False, ANALYTICS_HEALTH_PORT=str(port)) as process:
            _, body = await wait_until(lambda: status_of(port, "/readyz", 503))
            assert sorted(body["failing"]) == ["nats", "postgresql"]
            await asyncio.to_thread(own_postgres.start)
            await wait_until(lambda: _fails_only(port, "nats"))
            await asyncio.to_thread(own_nats.start)
            await wait_until(lambda: answers(port))
            await wait_until(lambda: world.admin.nc.is_connected)
            await world.wait_exact(events=1)
            assert process.returncode is None


async def _fails_only(port: int, name: str) -> bool:
    found = await status_of(port, "/readyz")
    return found is not None and list(found[1].get("failing", [])) == [name]


async def test_sigterm_while_it_waits_ends_it_at_once(own_nats: NatsServer, own_postgres: PostgresServer) -> None:
    async with rig(own_nats, own_postgres.url()) as world:
        own_postgres.stop()
        port = free_port()
        async with world.process(wait=False, ANALYTICS_HEALTH_PORT=str(port)) as process:
            await wait_until(lambda: status_of(port, "/healthz", 200))
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(5):
                assert await process.wait() == 0


async def test_sigterm_drains_and_leaves_nothing_to_wait_for(world: Rig) -> None:
    """What was taken is stored and acked, what was not taken is given back: the next one need not wait for any time-out."""
    messages = 3000  # more than it can store before the signal comes
    await load(world, messages, 5)
    async with world.process(ANALYTICS_BATCH_ITEMS="400") as process:
        await wait_until(await _more_rows(world, 0))
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await process.wait() == 0
    assert not await world.settled(), "ended too late to prove anything"
    assert await world.rows() + await world.rows("requests") < 10 * messages
    async with world.running():
        await wait_until(world.settled, within=25)  # the bus by itself delivers again after 30 s
        await world.check_exact(events=5 * messages, requests=5 * messages)


async def publishes(port: int) -> bool:
    """Whether the analytics with this health port publishes all metrics."""
    _, found = await status_of(port, "/statistics") or (0, {})
    return bool(found.get("partitions") == PARTITIONS)


async def test_what_a_drained_replica_stored_is_published(world: Rig) -> None:
    async with world.aggregates(metric="events") as seen:
        async with world.running(publish_every_s=60.0) as port:
            await wait_until(lambda: publishes(port))
            await world.publish(event("one"), event("two"))
            await world.wait_settled()
        await wait_until(lambda: any(a.series[0].count == 2 for a, _ in seen), seen=seen)


async def test_another_replica_takes_over_publishing(world: Rig) -> None:
    await world.redeliver_after(1)
    async with world.process() as first, world.running(), world.aggregates(metric="requests") as seen:
        await world.publish_requests(request("a"))
        await wait_until(lambda: any(a.series[0].count == 1 for a, _ in seen), seen=seen)
        first.kill()
        await first.wait()
        await world.publish_requests(request("b"), request("c"))
        await wait_until(lambda: any(a.series[0].count >= 2 for a, _ in seen), seen=seen)


async def test_a_wrong_setting_ends_the_start_with_every_problem(world: Rig) -> None:
    async with world.process(wait=False, ANALYTICS_BATCH_ITEMS="many", ANALYTICS_HEALTH_PORT="x", DATABASE_URL="") as process:
        async with asyncio.timeout(60):
            assert await process.wait() == 2
