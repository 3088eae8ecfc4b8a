"""The connection that every service shares, on a NATS that is killed, restarted and fed failures."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from nats.aio.msg import Msg

from drishti.bus.connection import Bus, connect
from drishti.bus.pull import MAX_BYTES, PullSource
from drishti.errors import BusRefused, BusUnavailable, DuplicateMessage, QueryError
from drishti_local.servers import NatsServer
from rigs.waiting import wait_until

SUBJECT = "events.v1.default.counted"


@contextlib.asynccontextmanager
async def running(work: Callable[[asyncio.Event], Any]) -> AsyncIterator[None]:
    """Runs ``work`` until the block ends; then it returns by itself."""
    stop = asyncio.Event()
    task = asyncio.create_task(work(stop))
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(20):
            await task


async def publish(bus: Bus, first: int, count: int) -> None:
    """Numbers as messages, each until the bus has it."""
    for number in range(first, first + count):
        while True:
            try:
                await bus.publish(SUBJECT, str(number).encode(), msg_id=f"n{number}")
                break
            except BusUnavailable:
                await asyncio.sleep(0.05)


async def test_a_batch_whose_handler_raises_comes_again_and_the_consumer_lives_on(admin: Bus) -> None:
    seen: list[int] = []
    failures = 2

    async def take(messages: list[Msg]) -> None:
        nonlocal failures
        if failures:
            failures -= 1
            raise RuntimeError("a bug")
        seen.extend(int(m.data) for m in messages)
        for msg in messages:
            await msg.ack()

    async with running(lambda stop: admin.consume("EVENTS", "analytics-events", take, stop=stop)):
        await publish(admin, 0, 10)
        await wait_until(lambda: len(seen) == 10, seen=seen)
    assert sorted(seen) == list(range(10))
    assert failures == 0


async def test_a_consumer_takes_up_where_it_was_after_a_killed_nats(own_nats: NatsServer, admin: Bus) -> None:
    seen: list[int] = []

    async def take(messages: list[Msg]) -> None:
        seen.extend(int(m.data) for m in messages)
        for msg in messages:
            await msg.ack_sync(timeout=20)

    async with running(lambda stop: admin.consume("EVENTS", "analytics-events", take, stop=stop)):
        await publish(admin, 0, 20)
        await wait_until(lambda: len(seen) == 20, seen=seen)
        own_nats.kill()
        await asyncio.to_thread(own_nats.start)
        await publish(admin, 20, 20)
        await wait_until(lambda: set(seen) >= set(range(40)), seen=lambda: sorted(seen))
    assert (await admin.js.consumer_info("EVENTS", "analytics-events")).num_pending == 0


async def test_a_replay_gives_history_and_news_in_order_without_a_gap_across_a_restart(
    own_nats: NatsServer, admin: Bus
) -> None:
    started = datetime.now(UTC)
    await publish(admin, 0, 300)
    seen: list[int] = []
    ready = asyncio.Event()

    async def take(msg: Msg) -> None:
        seen.append(int(msg.data))
        if seen[-1] == 7:
            raise RuntimeError("a bug with one message")

    replay = {"subjects": ["events.v1.default.*"], "start": started, "handler": take, "ready": ready}
    async with running(lambda stop: admin.replay("EVENTS", stop=stop, **replay)):
        await asyncio.wait_for(ready.wait(), 20)
        assert seen == list(range(300)), "ready means: the history is read"
        own_nats.stop()
        await asyncio.to_thread(own_nats.start)
        await publish(admin, 300, 50)
        await wait_until(lambda: len(seen) >= 350, seen=lambda: len(seen))
    assert seen == list(range(350))


async def test_a_replay_leaves_no_consumer_behind(admin: Bus) -> None:
    async def take(_msg: Msg) -> None:
        pass

    ready = asyncio.Event()
    start = datetime.now(UTC)
    async with running(
        lambda stop: admin.replay("INSIGHTS", subjects=["insights.>"], start=start, handler=take, stop=stop, ready=ready)
    ):
        await asyncio.wait_for(ready.wait(), 20)
        assert len(await admin.js.consumers_info("INSIGHTS")) == 1
    assert await admin.js.consumers_info("INSIGHTS") == []


async def test_a_message_whose_id_was_used_before_is_not_stored_and_nobody_can_miss_it(admin: Bus) -> None:
    first = await admin.publish(SUBJECT, b"1", msg_id="same")
    with pytest.raises(DuplicateMessage) as refused:
        await admin.publish(SUBJECT, b"2", msg_id="same")
    assert refused.value.sequence == first
    assert (await admin.js.stream_info("EVENTS")).state.messages == 1


async def test_without_an_ack_nothing_is_assumed(own_nats: NatsServer, admin: Bus) -> None:
    own_nats.stop()
    with pytest.raises(BusUnavailable):
        await admin.publish(SUBJECT, b"1", timeout_s=0.3)
    with pytest.raises(BusUnavailable):
        await admin.ping()
    await asyncio.to_thread(own_nats.start)

    async def answers() -> bool:
        with contextlib.suppress(BusUnavailable):
            await admin.ping()
            return True
        return False

    await wait_until(answers)


async def test_whoever_got_the_answer_of_the_server_has_been_heard_before(admin: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    transport: Any = admin.nc._transport
    written: list[bytes] = []
    write, writelines = transport.write, transport.writelines
    monkeypatch.setattr(transport, "write", lambda data: written.append(data) or write(data))
    monkeypatch.setattr(transport, "writelines", lambda lines: written.extend(lines) or writelines(lines))
    await admin.nc.subscribe("some.thing")
    await admin.ping()
    sent = b"".join(written)
    assert 0 <= sent.index(b"SUB some.thing") < sent.index(b"PING")


async def test_large_messages_wait_on_the_bus_and_not_in_memory(admin: Bus) -> None:
    size, count = 900_000, 60
    for number in range(count):
        await admin.publish(SUBJECT, number.to_bytes(4, "big") * (size // 4))
    source = PullSource(admin.nc, "EVENTS", "analytics-events", 200)
    await source.start()
    seen: list[int] = []
    most = 0
    while len(seen) < count:
        await asyncio.sleep(0.2)  # slower than they come
        for msg in (taken := await source.take(200)):
            seen.append(int.from_bytes(msg.data[:4], "big"))
            await msg.ack()
        most = max(most, sum(len(msg.data) for msg in taken))
    assert sorted(set(seen)) == list(range(count))
    assert most <= 3 * MAX_BYTES
    assert await source.close() == []


async def test_a_request_that_has_had_all_its_messages_is_followed_by_the_next(admin: Bus) -> None:
    source = PullSource(admin.nc, "EVENTS", "analytics-events", 10)
    await source.start()
    for start in range(0, 95, 5):
        await publish(admin, start, 5)
        taken = 0
        while taken < 5:
            for msg in await source.take(10):
                await msg.ack()
                taken += 1
    assert (await admin.js.consumer_info("EVENTS", "analytics-events")).num_redelivered == 0
    assert await source.close() == []


async def test_a_subject_that_no_stream_has_is_an_error_at_once(admin: Bus) -> None:
    with pytest.raises(BusUnavailable, match="no stream listens"):
        await admin.publish("nobody.listens", b"1", timeout_s=5)


async def test_what_the_bus_will_never_take_is_distinguished_from_an_outage_and_harms_nobody(own_nats: NatsServer) -> None:
    bus = await connect(own_nats.settings("gateway"), name="gateway")
    try:
        largest = b"x" * bus.nc.max_payload
        reconnects = bus.nc.stats["reconnects"]
        beside = asyncio.create_task(publish(bus, 0, 20))
        for subject, payload, headers, reason in (
            (SUBJECT, largest + b"x", None, "are more than"),
            (SUBJECT, largest, {"x-trail": "kept"}, "are more than"),  # the headers count too
            ("events.v1.default.two words", b"1", None, "subject"),
            ("aggregates.v1.default.1s.events", b"1", None, "may not publish there"),
            (SUBJECT, b"1", {"Nats-TTL": "soon"}, "(?i)ttl"),
        ):
            with pytest.raises(BusRefused, match=reason):
                await bus.publish(subject, payload, headers=headers, timeout_s=20)
        await beside
        assert bus.nc.stats["reconnects"] == reconnects
        assert await bus.publish(SUBJECT, largest[:-100]) == 21
    finally:
        await bus.close()


async def test_a_question_that_nobody_answers_says_which_of_both(admin: Bus) -> None:
    with pytest.raises(QueryError) as caught:
        await admin.request("query.v1.metrics", b"{}", timeout_s=5)
    assert caught.value.code == "unavailable"
    subscription = await admin.nc.subscribe("query.v1.metrics")
    with pytest.raises(QueryError) as caught:
        await admin.request("query.v1.metrics", b"{}", timeout_s=0.2)
    assert caught.value.code == "timeout"
    await subscription.unsubscribe()


async def test_messages_live_no_longer_than_told(admin: Bus) -> None:
    subject = "aggregates.v1.default.1s.requests"
    await admin.publish(subject, b"{}", ttl_s=1)
    await admin.publish(subject, b"{}")

    async def left() -> int:
        return int((await admin.js.stream_info("AGGREGATES")).state.messages)

    await wait_until(lambda: _equals(left, 1))


async def _equals(result: Callable[[], Any], wanted: int) -> bool:
    return bool(await result() == wanted)
