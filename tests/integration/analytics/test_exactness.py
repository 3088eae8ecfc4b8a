"""Nothing lost, nothing doubled: rows and rollups equal what was sent, whatever happens on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

from analytics.ingest.deliveries import Acknowledger
from analytics.ingest.handlers import Handlers
from analytics.ingest.items import Refusal
from analytics.ingest.registration import Registration
from analytics.ingest.registry import load_signals
from analytics.ingest.tenants import Tenants
from analytics.ingest.writer import Writer
from analytics.overflow import Overflows
from analytics.storage.database import Database
from analytics.storage.store import Store
from drishti.bus.connection import connect
from drishti.bus.deliveries import Message
from drishti.measures.registry import MetricRegistry
from drishti.settings import Secret
from drishti_local.servers import NatsServer
from rigs.analytics import Rig, event, load, request, rig
from rigs.waiting import wait_until


async def test_kill_9_in_mid_stream_loses_and_doubles_nothing(world: Rig) -> None:
    await world.redeliver_after(1)
    messages, size = 250, 40
    sending = None
    stored = killed_amid = 0
    for _ in range(3):
        async with world.process(ANALYTICS_BATCH_ITEMS="400") as process:
            sending = sending or asyncio.create_task(load(world, messages, size))
            await wait_until(lambda stored=stored: _more_rows(world, stored))
            process.kill()
            await process.wait()
        killed_amid += not await world.settled()
        stored = await world.rows()
    assert sending is not None
    assert killed_amid, "killed too late to prove anything"
    await sending
    async with world.process():
        await world.wait_exact(events=messages * size, requests=messages * size)
        assert await world.total("events", "count") == messages * size
        assert await world.total("request_duration_ms", "sum") == messages * sum(range(size))


async def _more_rows(world: Rig, than: int) -> bool:
    """Or all is stored, on a machine that is faster than the kills."""
    return await world.rows() > than or await world.settled()


class Forgetful(Acknowledger):
    """As if the process died after the commit: no ack is ever sent."""

    async def stored(self, msg: Message, refusals: Sequence[Refusal]) -> None:
        return


async def test_what_was_committed_but_not_acked_is_not_counted_again(world: Rig) -> None:
    await world.redeliver_after(1)
    await Database(Secret(world.database_url)).migrate()
    await load(world, 4, 10)
    bus = await connect(world.nats.settings("analytics"), name="analytics")
    store = Store(Database(Secret(world.database_url)), max_series=1000, kept_days={"1s": 2, "1m": 30, "1h": 730})
    overflows, signals = Overflows(), load_signals()
    acknowledger = Forgetful(bus, overflows)
    writer = Writer(store, acknowledger, overflows, batch_items=1000)
    handlers = Handlers(writer, acknowledger, overflows, Tenants(10), Registration(MetricRegistry(), Overflows()))
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(writer.run())
        for signal in signals:
            tasks.create_task(bus.consume(signal.stream, signal.durable, partial(handlers.take, signal), stop=stop))
        await wait_until(lambda: writer.stored >= 80)
        stop.set()
        await writer.finish()
    await store.close()
    await bus.close()
    await world.check_exact(events=40, requests=40)
    assert not await world.settled()
    async with world.running():
        await world.wait_exact(events=40, requests=40)


async def test_an_id_counts_once_in_one_message_and_over_messages_and_restarts(world: Rig) -> None:
    async with world.running():
        await world.publish(event("a"), event("b"), event("a"), event("a", data={"other": "content"}))
        await world.publish(event("b"), event("c"))
        await world.publish(event("c"), batch=False)
        await world.publish_requests(request("a"), request("a", duration_ms=1.0), request("b"))
        await world.wait_exact(events=3, requests=2)
    async with world.running():
        await world.publish(event("a"), event("b"), event("c"), event("d"))
        await world.publish_requests(request("b"), request("c"))
        await world.wait_exact(events=4, requests=3)
        assert await world.total("events", "count") == 4
        assert await world.total("requests", "count") == 3


async def test_an_id_counts_once_also_with_another_timestamp_and_on_another_day(world: Rig) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    midnight = now.replace(hour=0, minute=0, second=0)
    instants = [now, now - timedelta(seconds=90), midnight - timedelta(seconds=1), midnight, now - timedelta(days=29)]
    async with world.running():
        for at in instants:
            await world.publish(event("same", timestamp=at))
            await world.publish_requests(request("same", timestamp=at, duration_ms=1.0))
        await world.wait_exact(events=1, requests=1)
    async with world.running():
        await world.publish(*(event("same", timestamp=at) for at in reversed(instants)), event("new", timestamp=midnight))
        await world.wait_exact(events=2, requests=1)
        assert await world.fetchval("SELECT time FROM events WHERE event_id = 'same'") == now, "the first one stays"


async def test_two_replicas_give_the_numbers_of_one(own_nats: NatsServer, postgres_url: str) -> None:
    """The same traffic twice, for two tenants: through one replica, then through two that see each other's duplicates."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    seen = []
    for replicas in (1, 2):
        async with rig(own_nats, postgres_url) as world, AsyncExitStack() as stack:
            for _ in range(replicas):
                await stack.enter_async_context(world.running(batch_items=50))
            await wait_until(lambda world=world, replicas=replicas: _all_wait(world, replicas))
            await asyncio.gather(*(_send_overlapping(world, n, at) for n in range(60)))
            await world.wait_exact(events=79, requests=79)
            writers = await world.fetchval("SELECT count(DISTINCT writer) FROM rollups WHERE tenant = $1", world.tenant)
            assert writers == replicas
            seen.append([await world.ask(*question) for question in QUESTIONS])
    one, two = ([a.series for a in answers] for answers in seen)
    assert one == two
    assert [series[0].total for series in one[:2]] == [79, 67]


async def _all_wait(world: Rig, replicas: int) -> bool:
    """Whether every replica has asked for messages, so that each will get its share."""
    consumers = (("EVENTS", "analytics-events"), ("REQUESTS", "analytics-requests"))
    infos = [await world.admin.js.consumer_info(stream, durable) for stream, durable in consumers]
    return all((info.num_waiting or 0) >= replicas for info in infos)


QUESTIONS = [
    ("events", "count"),
    ("requests", "errors"),
    ("active_users", "uniques"),
    *(("request_duration_ms", aggregate) for aggregate in ("count", "sum", "min", "max", "p50", "p95", "p99")),
]


async def _send_overlapping(world: Rig, n: int, at: datetime) -> None:
    """Events and requests number n to n + 19; what is said of a number is always the same."""
    numbers = range(n, n + 20)
    await world.publish(*(event(f"e{i}", user_id=f"u{i % 30}", timestamp=at + timedelta(seconds=i % 3)) for i in numbers))
    await world.publish_requests(
        *(request(f"r{i}", duration_ms=i, status=500 if i % 7 else 200, timestamp=at, user_id=f"v{i % 9}") for i in numbers)
    )
