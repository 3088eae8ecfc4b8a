"""Consumers and streams that somebody deletes, pauses, changes or makes again: reading goes on, or the reason is reported."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nats.aio.msg import Msg
from nats.js import api
from nats.js.errors import NotFoundError

from drishti.bus import keys, replay, stream_health, streams
from drishti.bus.connection import Bus, BusUnavailable, connect
from drishti.bus.key_ring import KeyRing
from drishti.bus.stream_health import StreamHealth
from drishti.messages import catalogue
from drishti.messages.catalogue import GATEWAY
from drishti_local.servers import NatsServer
from rigs.analytics import Rig, event, load, status_of
from rigs.waiting import wait_until

EVENTS, DURABLE = "EVENTS", "analytics-events"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def quick_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked every few seconds is asked more often here."""
    monkeypatch.setattr(stream_health, "CHECK_S", 0.2)
    monkeypatch.setattr(stream_health, "MISSING_S", 0.5)
    monkeypatch.setattr(replay, "CHECK_S", 0.2)


async def pause(bus: Bus, stream: str, consumer: str, seconds: float) -> None:
    """As ``nats consumer pause`` does it; 0 seconds resume."""
    until_ = datetime.now(UTC) + timedelta(seconds=seconds)
    body = {"pause_until": until_.isoformat()} if seconds else {}
    answer = await bus.request(f"$JS.API.CONSUMER.PAUSE.{stream}.{consumer}", json.dumps(body).encode(), timeout_s=5)
    assert b'"error"' not in answer.data, answer.data


async def rows(world: Rig, wanted: int, requests: int = 0) -> None:
    """Waits until so many events and requests are stored, each once."""
    seen: list[tuple[int, int]] = []

    async def stored() -> bool:
        seen.append((await world.rows(), await world.rows("requests")))
        return seen[-1][0] >= wanted and seen[-1][1] >= requests

    await wait_until(stored, seen=lambda: seen[-1])
    await world.check_exact(events=wanted, requests=requests)


async def failing(port: int, check: str) -> str:
    """The reason that readiness gives for ``check``; empty where it gives none."""
    _, body = await status_of(port, "/readyz") or (0, {})
    return str(body.get("failing", {}).get(check, ""))


async def test_consumers_deleted_with_messages_in_flight_lose_and_double_nothing(world: Rig) -> None:
    """Several times, once while NATS restarts. Each time everything is read again, and counts once all the same."""
    await load(world, 60, 20)
    async with world.running(batch_items=200) as port:
        for round_ in range(3):
            await load(world, 5, 10, prefix=f"round{round_}")
            for stream, durable in catalogue.durables():
                with contextlib.suppress(NotFoundError):  # not made again yet
                    await world.admin.js.delete_consumer(stream, durable.name)
        await asyncio.to_thread(world.nats.kill)
        await asyncio.to_thread(world.nats.start)
        await wait_until(lambda: world.admin.nc.is_connected)
        with contextlib.suppress(NotFoundError):
            await world.admin.js.delete_consumer(EVENTS, DURABLE)
        await load(world, 5, 10, prefix="after")
        await rows(world, 1400, requests=1400)
        await wait_until(world.settled)
        await world.check_exact(events=1400, requests=1400)
        assert await world.total("events", "count") == 1400
        assert await wait_until(lambda: status_of(port, "/readyz", 200))


async def test_a_stream_that_is_missing_is_named_and_carried_on_once_it_is_there_again(world: Rig) -> None:
    async with world.running() as port:
        await world.publish(event("before"))
        await rows(world, 1)
        await world.admin.js.delete_stream(EVENTS)
        reason = await wait_until(lambda: failing(port, "consumers"))
        assert "the stream EVENTS does not exist" in reason
        assert "drishti bus declare" in reason
        await streams.declare(world.admin.js)
        await world.publish(event("after"), event("before"))
        await rows(world, 2)
        await wait_until(lambda: status_of(port, "/readyz", 200))


async def test_a_consumer_that_delivers_otherwise_is_declared_again(world: Rig) -> None:
    """Only new messages, only some subjects, each once at most: whoever made it so, nothing may be passed over."""
    await world.publish(event("early"))
    await world.admin.js.delete_consumer(EVENTS, DURABLE)
    other = api.ConsumerConfig(
        durable_name=DURABLE,
        deliver_policy=api.DeliverPolicy.NEW,
        filter_subject="events.v1.nobody.>",
        max_deliver=1,
        ack_policy=api.AckPolicy.NONE,
    )
    await world.admin.js.add_consumer(EVENTS, other)
    async with world.running():
        await world.publish(event("late"))
        await rows(world, 2)
        config = (await world.admin.js.consumer_info(EVENTS, DURABLE)).config
        config.filter_subject = "events.v1.nobody.>"
        await world.admin.js.add_consumer(EVENTS, config)
        await world.publish(event("later"))
        await rows(world, 3)


async def test_a_paused_consumer_is_reported_and_stays_as_somebody_wanted_it(world: Rig) -> None:
    async with world.running() as port:
        await pause(world.admin, EVENTS, DURABLE, 600)
        reason = await wait_until(lambda: failing(port, "consumers"))
        assert "analytics does not read EVENTS: its consumer analytics-events is paused until" in reason
        assert "nats consumer resume EVENTS analytics-events" in reason
        await world.publish(event("one"))
        await pause(world.admin, EVENTS, DURABLE, 0)
        await rows(world, 1)
        await wait_until(lambda: status_of(port, "/readyz", 200))


async def test_a_backlog_that_nobody_works_on_is_reported_with_numbers(
    own_nats: NatsServer, admin: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the gateway sees it, whose rights are enough for that and for nothing more."""
    monkeypatch.setattr("drishti.bus.backlog.STALLED_S", 1.0)
    gateway = await connect(own_nats.settings(GATEWAY), name=GATEWAY)
    health = StreamHealth(gateway, needs=catalogue.needed_streams(GATEWAY), durables=catalogue.durables())
    stop = asyncio.Event()
    running = asyncio.create_task(health.run(stop))
    try:
        for number in range(3):
            await gateway.publish("events.v1.default.x", str(number).encode())
        reported = (await wait_until(health.unread))[0]
        assert "analytics makes no progress with EVENTS: 3 messages wait" in reported
        assert "nobody asks for them: is analytics running?" in reported

        durable = catalogue.durable(DURABLE)
        assert durable is not None
        taking = await admin.js.pull_subscribe_bind(DURABLE, EVENTS)
        for msg in await taking.fetch(3):
            await msg.ack_sync()
        await wait_until(lambda: not health.unread())

        await admin.js.delete_consumer(EVENTS, DURABLE)
        assert "its consumer analytics-events does not exist" in (await wait_until(health.unread))[0]
        await streams.ensure_consumer(admin.js, EVENTS, durable)
        await wait_until(lambda: not health.unread())

        await admin.js.delete_stream("SPANS")
        await wait_until(lambda: _refused(health))
        await streams.declare(admin.js)
        await wait_until(lambda: _well(health))
    finally:
        stop.set()
        await running
        await gateway.close()


async def _refused(health: StreamHealth) -> bool:
    try:
        await health.ping()
    except BusUnavailable as error:
        return "SPANS does not exist" in str(error)
    return False


async def _well(health: StreamHealth) -> bool:
    try:
        await health.ping()
    except BusUnavailable:
        return False
    return True


@contextlib.asynccontextmanager
async def reading(bus: Bus, stream: str, subjects: list[str], seen: list[bytes], **more: Any) -> AsyncIterator[None]:
    """A replay of ``stream`` from its beginning until the block ends."""

    async def take(msg: Msg) -> None:
        seen.append(msg.data)

    stop = asyncio.Event()
    task = asyncio.create_task(bus.replay(stream, subjects=subjects, start=LONG_AGO, handler=take, stop=stop, **more))
    try:
        yield
    finally:
        stop.set()
        await task


async def test_a_reader_goes_on_after_its_consumer_is_deleted_or_paused(admin: Bus) -> None:
    seen: list[bytes] = []
    async with reading(admin, EVENTS, ["events.v1.>"], seen):
        for number, interfere in enumerate((None, "delete", "pause", "delete")):
            names = [info.name for info in await admin.js.consumers_info(EVENTS) if info.name != DURABLE]
            if interfere == "delete":
                await admin.js.delete_consumer(EVENTS, names[0])
            elif interfere == "pause":
                await pause(admin, EVENTS, names[0], 600)
            await admin.publish("events.v1.default.x", str(number).encode())
            await wait_until(lambda n=number: len(seen) > n, seen=seen)
    assert seen == [b"0", b"1", b"2", b"3"]


async def test_a_reader_begins_anew_with_a_stream_that_was_made_again(admin: Bus) -> None:
    """Its numbers begin at 1 again: whoever waits for the next one after the last would wait for ever."""
    seen: list[bytes] = []
    again: list[int] = []
    async with reading(admin, EVENTS, ["events.v1.>"], seen, restarted=lambda: again.append(len(seen))):
        for number in range(5):
            await admin.publish("events.v1.default.x", str(number).encode())
        await wait_until(lambda: len(seen) == 5)
        await admin.js.delete_stream(EVENTS)
        reason = await wait_until(admin.unreadable)
        assert reason == {EVENTS: streams.missing_stream(EVENTS)}
        await streams.declare(admin.js)
        await admin.publish("events.v1.default.x", b"new")
        await wait_until(lambda: len(seen) == 6, seen=seen)
        assert (seen[5], again, admin.unreadable()) == (b"new", [5], {})


async def test_keys_that_were_purged_open_nothing(own_nats: NatsServer, admin: Bus) -> None:
    """A purge leaves no sign in the bucket, and a bucket that was made again has other keys."""
    gateway = await connect(own_nats.settings(GATEWAY), name=GATEWAY)
    ring, stop = KeyRing(), asyncio.Event()
    following = asyncio.create_task(ring.follow(gateway, stop))

    async def new_key() -> str:
        kv = await admin.kv(catalogue.API_KEYS_BUCKET)
        _, text = await keys.create(kv, name="k", tenant="default", role="admin", now=datetime.now(UTC))
        await wait_until(lambda: ring.check(text) is not None)
        return text

    bucket = f"KV_{catalogue.API_KEYS_BUCKET}"
    try:
        first, second = await new_key(), await new_key()
        await admin.js.purge_stream(bucket)
        await wait_until(lambda: ring.check(first) is None and ring.check(second) is None)
        third = await new_key()
        await admin.js.delete_stream(bucket)
        await wait_until(gateway.unreadable)
        await streams.declare(admin.js)
        await wait_until(lambda: ring.check(third) is None)
        await new_key()
    finally:
        stop.set()
        await following
        await gateway.close()
