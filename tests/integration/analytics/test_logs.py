"""Log records are stored and counted exactly once, and so are the events that some of them are."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import asyncpg
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs

from drishti.messages import subjects
from rigs.analytics import Rig
from rigs.log_records import TOKEN, message, pair, record
from rigs.waiting import wait_until

MESSAGES, RECORDS = 120, 40
EVENTS_OF_MESSAGE = RECORDS // 4


def export(number: int, at_ns: int) -> bytes:
    """A message of which every fourth record is an event, and every fifth an error; two of its records are equal."""
    records = [
        record(
            f"Order {n // 2} of message {number} done",
            time_unix_nano=at_ns + (number + n // 2) * 1_000_000,
            severity_number=17 if n % 5 == 0 else 9,
            event_name="order.done" if n % 4 == 0 else "",
            trace_id=number.to_bytes(16, "big") if number else b"",
            attributes=[pair("user.id", string_value=f"u{n}")],
        )
        for n in range(RECORDS)
    ]
    return message(*records).SerializeToString()


async def send(world: Rig, *payloads: bytes) -> None:
    for payload in payloads:
        await world.admin.publish(subjects.logs(world.tenant, TOKEN), payload)


async def check(world: Rig, messages: int) -> None:
    """So many messages are stored, each record once, and the counts say what the rows say."""
    records, errors, events = messages * RECORDS, messages * RECORDS // 5, messages * EVENTS_OF_MESSAGE
    assert await world.rows("log_records") == records
    assert await world.fetchval("SELECT count(DISTINCT id) FROM log_records WHERE tenant = $1", world.tenant) == records
    assert await world.total("log_records", "count") == records
    assert await world.total("log_records", "errors") == errors
    assert await world.total("log_records", "count", filters={"severity": "error", "service": TOKEN}) == errors
    await world.check_exact(events=events)
    assert await world.total("events", "count", filters={"event_type": "order-done"}) == events


async def test_kill_9_in_mid_stream_loses_and_doubles_neither_records_nor_events(world: Rig) -> None:
    await world.redeliver_after(1)
    sending: asyncio.Task[None] | None = None
    stored = killed_amid = 0

    async def more() -> bool:
        return await world.rows("log_records") > stored or await world.settled()

    for _ in range(3):
        async with world.process(ANALYTICS_BATCH_ITEMS="200") as process:
            if sending is None:
                at_ns = time.time_ns() - 5_000_000_000
                sending = asyncio.create_task(send(world, *(export(n, at_ns) for n in range(MESSAGES))))
            await wait_until(more)
            process.kill()
            await process.wait()
        killed_amid += not await world.settled()
        stored = await world.rows("log_records")
    assert sending is not None
    assert killed_amid, "killed too late to prove anything"
    await sending
    async with AsyncExitStack() as replicas:
        for _ in range(2):
            await replicas.enter_async_context(world.process())
        await world.wait_settled()
        await check(world, MESSAGES)


async def test_an_export_that_is_sent_again_counts_once_in_two_replicas(world: Rig) -> None:
    async with AsyncExitStack() as replicas:
        for _ in range(2):
            await replicas.enter_async_context(world.running())
        at_ns = time.time_ns() - 5_000_000_000
        exports = [export(n, at_ns) for n in range(6)]
        await asyncio.gather(*(send(world, exports[n]) for n in (0, 1, 0, 2, 3, 3, 4, 5, 0, 5)))
        await world.wait_settled()
        await check(world, 6)


async def test_a_row_says_what_its_record_said(world: Rig) -> None:
    async with world.running():
        said = message(
            record(
                "Order 17 shipped", severity_text="INFO", trace_id=b"t" * 16, span_id=b"s" * 8, event_name="order.shipped",
                attributes=[pair("n", int_value=2**60), pair("user.id", string_value="alice")],
            )
        )  # fmt: skip
        await send(world, said.SerializeToString())
        await world.wait_settled()
        connection = await asyncpg.connect(world.database_url)
        try:
            row = await connection.fetchrow("SELECT * FROM log_records WHERE tenant = $1", world.tenant)
            event = await connection.fetchrow("SELECT * FROM events WHERE tenant = $1", world.tenant)
        finally:
            await connection.close()
        assert (row["body"], row["structured"], row["service"], row["scope"]) == (
            "Order 17 shipped",
            False,
            TOKEN,
            "app.orders",
        )
        assert (row["trace_id"], row["span_id"], row["event_name"]) == (b"t" * 16, b"s" * 8, "order.shipped")
        assert row["attributes"] == '{"n": 1152921504606846976, "user.id": "alice"}'
        assert (event["event_type"], event["user_id"], event["trace_id"]) == ("order-shipped", "alice", (b"t" * 16).hex())
        assert (event["time"], event["data"]) == (row["time"], row["attributes"])


async def test_a_bad_record_is_a_dead_letter_that_can_be_sent_again(world: Rig) -> None:
    async with world.running():
        old = record("old", time_unix_nano=1)
        await send(world, message(record("good"), old).SerializeToString(), b"\xffgarbage")
        await world.wait_settled()
        assert await world.rows("log_records") == 1
        garbage, letter = sorted(await world.dead(), key=lambda one: "ResourceLogs" not in one.reason)
        assert garbage.reason.startswith("not OTLP ResourceLogs")
        assert letter.reason == "time_unix_nano: more than 30 days before its arrival"
        mended = ResourceLogs.FromString(letter.payload)
        mended.scope_logs[0].log_records[0].time_unix_nano = time.time_ns()
        await send(world, mended.SerializeToString())
        await world.wait_settled()
        assert await world.rows("log_records") == 2
