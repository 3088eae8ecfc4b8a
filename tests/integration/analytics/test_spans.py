"""Spans from the bus to rows, on real servers: whole, once, whatever happens to those who store them."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import asyncpg
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from analytics.spans import otlp
from analytics.spans.span import Span
from analytics.storage import span_rows, sql
from drishti.events import DeadLetter
from drishti.messages import subjects
from rigs import otlp_spans as making
from rigs.analytics import Rig, status_of
from rigs.waiting import wait_until


async def send(world: Rig, *messages: ResourceSpans) -> None:
    for message in messages:
        await world.admin.publish(subjects.spans(world.tenant, "shop"), message.SerializeToString())


async def stored(world: Rig, trace_id: bytes) -> list[Span]:
    connection = await asyncpg.connect(world.database_url)
    try:
        records = await connection.fetch(sql.queries()["spans_of_trace"], world.tenant, trace_id, 1_000)
    finally:
        await connection.close()
    return [span_rows.span_of(record) for record in records]


async def count(world: Rig) -> int:
    connection = await asyncpg.connect(world.database_url)
    query = "SELECT count(*) FROM spans AS s JOIN span_operations AS o ON o.id = s.operation WHERE o.tenant = $1"
    try:
        return int(await connection.fetchval(query, world.tenant))
    finally:
        await connection.close()


def read(message: ResourceSpans) -> list[Span]:
    return [span for span in otlp.read(message) if isinstance(span, Span)]


def traces(seed: int, messages: int, spans: int) -> list[ResourceSpans]:
    """Messages of root spans, each of another trace, in the seconds around now."""
    ids = making.random_ids(seed, messages * spans)
    now = time.time_ns()
    return [
        making.resource_spans(
            "shop",
            (making.span(*ids[n * spans + at], f"GET /{at % 7}", start_ns=now - at * making.MS) for at in range(spans)),
        )
        for n in range(messages)
    ]


async def test_a_span_comes_back_as_it_was_sent(world: Rig) -> None:
    trace = b"\x01" * 16
    root = making.span(
        trace, b"\x02" * 8, "POST /cart", error="no stock", attributes={"user.id": "u\0one", "n": 2**60, "b": True}
    )
    root.start_time_unix_nano += 7
    root.trace_state, root.flags = "vendor=1", 0x301
    root.events.add(name="exception", time_unix_nano=root.start_time_unix_nano + 5).attributes.extend(
        making.pairs({"exception.type": "KeyError"})
    )
    root.links.add(trace_id=b"\x03" * 16, span_id=b"\x04" * 8, trace_state="a=b")
    child = making.span(trace, b"\x05" * 8, "SELECT", parent=b"\x02" * 8, kind="client", attributes={"ratio": 0.25})
    message = making.resource_spans("Tea Shop", [root, child], **{"host.name": "h1"})
    async with world.running():
        await send(world, message)
        await world.wait_settled()
        found = await stored(world, trace)
        assert await stored(world, b"\x09" * 16) == []
    resource = {"service.name": "Tea Shop", "host.name": "h1"}
    assert [span.resource.attributes for span in found] == [resource, resource]
    assert [(span.service, span.service_name) for span in found] == [("tea-shop", "Tea Shop")] * 2
    sent = {span.span_id: span for span in read(message)}
    for span in found:
        wanted = sent.pop(span.span_id)
        span.resource = wanted.resource
        assert span == wanted
    assert not sent


async def test_spans_sent_again_in_other_messages_count_once(world: Rig) -> None:
    (message,) = traces(1, 1, 20)
    halves = [making.resource_spans("shop", message.scope_spans[0].spans[at : at + 10]) for at in (0, 10)]
    async with AsyncExitStack() as replicas:
        for _ in range(2):
            await replicas.enter_async_context(world.running())
        await asyncio.gather(send(world, message, message), send(world, *halves), send(world, message))
        await world.wait_settled()
        assert await count(world) == 20


async def test_kill_9_loses_and_doubles_no_span(world: Rig) -> None:
    await world.redeliver_after(1)
    messages = traces(2, 120, 50)
    sending = asyncio.create_task(send(world, *messages, *messages[:20]))
    killed_amid = before = 0

    async def more() -> bool:
        return await count(world) > before or await world.settled()

    for _ in range(3):
        async with world.process(ANALYTICS_BATCH_ITEMS="250") as process:
            await wait_until(more)
            process.kill()
            await process.wait()
        killed_amid += not await world.settled()
        before = await count(world)
    assert killed_amid, "killed too late to prove anything"
    await sending
    async with AsyncExitStack() as replicas:
        for _ in range(2):
            await replicas.enter_async_context(world.process())
        await world.wait_settled()
    assert await count(world) == 120 * 50


async def test_bad_spans_become_dead_letters_that_can_be_sent_again_and_the_rest_is_kept(world: Rig) -> None:
    (message,) = traces(3, 1, 5)
    bad = [message.scope_spans[0].spans.add() for _ in range(2)]
    for n, span in enumerate(bad):
        span.CopyFrom(message.scope_spans[0].spans[0])
        span.span_id = bytes([n + 1] * 8)
        span.end_time_unix_nano = span.start_time_unix_nano - 1
    async with world.running():
        await send(world, message)
        await world.admin.publish(subjects.spans(world.tenant, "shop"), b"\xff\xff\xff")
        await world.wait_settled()
        letters = await wait_until(lambda: _dead(world, 3))
        assert await count(world) == 5
    reasons = sorted(letter.reason for letter in letters)
    assert reasons[0].startswith("end_time_unix_nano: is before start_time_unix_nano")
    assert reasons[2].startswith("not OTLP ResourceSpans")
    again = [read_bad(letter.payload) for letter in letters if letter.reason.startswith("end_time")]
    assert sorted(again) == [bytes([1] * 8), bytes([2] * 8)]


async def _dead(world: Rig, letters: int) -> list[DeadLetter] | None:
    found = await world.dead()
    return found if len(found) == letters else None


def read_bad(payload: bytes) -> bytes:
    message = ResourceSpans.FromString(payload)
    assert message.resource.attributes[0].value.string_value == "shop"
    (span,) = message.scope_spans[0].spans
    return span.span_id


async def test_spans_of_a_month_count_and_make_no_partitions_for_hours_that_are_long_over(world: Rig) -> None:
    now = time.time_ns()
    ids = making.random_ids(now, 600)
    old = making.resource_spans(
        "shop", [making.span(*one, "GET /old", start_ns=now - (n + 60) * 3_600 * 10**9) for n, one in enumerate(ids)]
    )
    late = making.resource_spans("shop", [making.span(b"\7" * 16, b"\7" * 8, "GET /late", start_ns=now - 30 * 3_600 * 10**9)])
    hours = (
        "SELECT count(*) FROM pg_class WHERE relkind = 'r'"
        " AND relname ~ '^(spans|span_changes)_[0-9]{10}$' AND right(relname, 10) < $1"
    )
    long_over = f"{datetime.now(UTC) - timedelta(hours=50):%Y%m%d%H}"
    counted = (
        "SELECT coalesce(sum(c.count), 0)::int FROM cells_1h AS c JOIN metric_ids AS m ON m.id = c.metric"
        " WHERE m.tenant = $1 AND m.metric = 'span_duration_ms'"
    )
    async with world.running() as port:
        before = await world.fetchval(hours, long_over)
        await send(world, old, late)
        await world.wait_settled()
        assert await count(world) == 1
        _, found = await status_of(port, "/statistics") or (0, {})
        assert found["overflow_old_spans"] == 600
        assert await world.fetchval(hours, long_over) == before
        assert await world.fetchval(counted, world.tenant) == 601
