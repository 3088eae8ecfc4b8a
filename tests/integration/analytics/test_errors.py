"""Errors of spans in the database: counted once, where they began, whatever comes first and whoever stores it."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from analytics.spans.failures import errors_of
from analytics.spans.span import Span, SpanEvent, Status
from analytics.storage import error_rows, sql
from analytics.storage.database import Database
from analytics.storage.partitions import Partitions
from drishti.settings import Secret
from rigs import otlp_spans as making
from rigs.analytics import Rig
from rigs.spans import span

SECOND_NS = 1_000_000_000


async def groups(world: Rig) -> dict[str, asyncpg.Record]:
    """The groups of the tenant by their titles."""
    connection = await asyncpg.connect(world.database_url)
    try:
        found = await connection.fetch("SELECT * FROM error_groups WHERE tenant = $1 AND count > 0", world.tenant)
    finally:
        await connection.close()
    return {record["title"]: record for record in found}


async def prepare(world: Rig) -> None:
    """The tables, for today."""
    database, partitions = Database(Secret(world.database_url)), Partitions()
    await database.migrate()
    async with await database.connect(name="test") as session:
        now = datetime.now(UTC)
        await partitions.make(session, partitions.missing([(error_rows.ERRORS, now - timedelta(hours=n)) for n in (0, 2)]))


async def put(world: Rig, spans: Sequence[Span], limits: tuple[int, int] = error_rows.LIMITS) -> int:
    """As a replica does that has stored ``spans``; returns how many were counted as `other`."""
    rows = error_rows.rows([(world.tenant, datetime.fromtimestamp(one.start_ns / 1e9, UTC), one) for one in spans])
    if not rows:
        return 0
    connection = await asyncpg.connect(world.database_url)
    try:
        async with connection.transaction():
            return int(
                await connection.fetchval(sql.queries()["put_span_errors"], *map(list, zip(*rows, strict=True)), *limits)
            )
    finally:
        await connection.close()


def failed(kind: str, message: str = "", *, at_s: float = 0.0, **fields: Any) -> Span:
    """A span of just now that an exception ended, ``at_s`` seconds later."""
    start = fields.pop("start_ns", time.time_ns())
    at = start + int(at_s * SECOND_NS)
    event = SpanEvent(at, "exception", {"exception.type": kind, "exception.message": message})
    fields.setdefault("trace_id", random.randbytes(16))
    fields.setdefault("span_id", random.randbytes(8))
    return span(status=Status.ERROR, events=(event,), start_ns=start, duration_ns=10 * SECOND_NS, **fields)


def error_message(trace: bytes, number: int, kind: str, **fields: Any) -> Any:
    message = making.span(trace, bytes([number] * 8), error="failed", **fields)
    event = message.events.add(name="exception", time_unix_nano=message.end_time_unix_nano)
    event.attributes.extend(making.pairs({"exception.type": kind, "exception.message": f"item {number} is gone"}))
    return message


async def test_an_error_is_counted_where_it_began_and_once_whatever_is_sent_again(world: Rig) -> None:
    trace, now = random.randbytes(16), time.time_ns()
    ids = [bytes([n] * 8) for n in range(5)]
    web = error_message(trace, 1, "Upstream", name="GET /cart", duration_ms=50, start_ns=now)
    call = making.span(
        trace,
        ids[2],
        "GET",
        parent=ids[1],
        kind="client",
        duration_ms=40,
        start_ns=now,
        error="",
        attributes={"http.response.status_code": 500},
    )
    shop = error_message(
        trace, 3, "NoStock", parent=ids[2], name="GET /stock/{id}", duration_ms=30, start_ns=now, attributes={"user.id": "u1"}
    )
    messages = [
        making.resource_spans("web", [web]),
        making.resource_spans("web", [call]),
        making.resource_spans("Shop", [shop], **{"service.version": "1.2"}),
    ]
    random.shuffle(messages)
    async with world.running(), world.running():
        for message in [*messages, *messages]:
            await world.admin.publish(f"spans.v1.{world.tenant}.shop", message.SerializeToString())
            await world.wait_settled()
        found = await groups(world)
    assert list(found) == ["NoStock: item <*> is gone"]
    (group,) = found.values()
    assert (group["count"], group["service"], group["status"]) == (1, "shop", "open")
    assert group["culprit"] == "GET /stock/{id}"
    row = await world.fetchval(
        "SELECT (entry, version, user_id, passed_on)::text FROM span_errors WHERE tenant = $1 AND span_id = $2",
        world.tenant,
        ids[3],
    )
    assert row == '("GET /stock/{id}",1.2,u1,f)'


async def test_whatever_order_spans_come_in_the_database_agrees_with_the_rule(world: Rig) -> None:
    chance = random.Random(5)
    await prepare(world)
    now = time.time_ns()
    spans: list[Span] = []
    for trace in range(120):
        ids = [bytes([n + 1] * 8) for n in range(6)]
        for n, span_id in enumerate(ids):
            if chance.random() < 0.75:
                one = failed(
                    f"E{chance.randrange(3)}",
                    at_s=chance.randrange(4),
                    trace_id=trace.to_bytes(16, "big"),
                    span_id=span_id,
                    parent_id=None if n == 0 else ids[chance.randrange(n)],
                    service=f"s{chance.randrange(2)}",
                    start_ns=now,
                )
                if chance.random() < 0.2:
                    one.status = Status.UNSET
                spans.append(one)
    expected = Counter((error.service, error.type) for _, error in errors_of(spans))
    chance.shuffle(spans)
    batches = [spans[n : n + 7] for n in range(0, len(spans), 7)]
    await asyncio.gather(*(put_all(world, batches[n::3]) for n in range(3)))
    found = Counter()
    connection = await asyncpg.connect(world.database_url)
    for record in await connection.fetch("SELECT service, type, count FROM error_groups WHERE tenant = $1", world.tenant):
        found[record["service"], record["type"]] = record["count"]
    await connection.close()
    assert found == expected


async def put_all(world: Rig, batches: Sequence[Sequence[Span]]) -> None:
    for batch in batches:
        await put(world, batch)


async def test_kinds_beyond_the_limits_are_counted_together(world: Rig) -> None:
    await prepare(world)
    limits = (5, 3)
    assert await put(world, [failed("A", "word " * (n + 1)) for n in range(10)], limits) == 0
    found = await groups(world)
    assert sorted(record["count"] for record in found.values()) == [1, 1, 1, 7]
    assert "A in work" in found
    assert await put(world, [failed(f"B{chr(65 + n)}") for n in range(6)], limits) == 5
    assert await put(world, [failed(f"B{chr(65 + n)}") for n in range(6)], limits) == 5
    found = await groups(world)
    assert found["other errors"]["count"] == 10
    assert sum(record["count"] for record in found.values()) == 22


async def test_an_error_after_it_was_resolved_reopens_and_ignored_stays(world: Rig) -> None:
    await prepare(world)
    past = time.time_ns() - 3_600 * SECOND_NS
    await put(world, [failed("A", start_ns=past), failed("B", start_ns=past)])
    at = datetime.now(UTC) - timedelta(minutes=30)
    connection = await asyncpg.connect(world.database_url)
    update = "UPDATE error_groups SET status = $3, status_at = $4 WHERE tenant = $1 AND type = $2"
    await connection.execute(update, world.tenant, "A", "resolved", at)
    await connection.execute(update, world.tenant, "B", "ignored", at)
    await connection.close()
    await put(world, [failed("A", start_ns=past), failed("B")])
    found = await groups(world)
    assert (found["A"]["status"], found["A"]["regressions"], found["A"]["count"]) == ("resolved", 0, 2)
    assert found["B"]["status"] == "ignored"
    await put(world, [failed("A")])
    found = await groups(world)
    assert (found["A"]["status"], found["A"]["regressions"]) == ("open", 1)
    assert found["A"]["regressed_at"] > at
