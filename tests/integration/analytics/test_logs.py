"""Log records are stored and counted exactly once, and so are the events that some of them are."""

from __future__ import annotations

import asyncio
import contextlib
import time
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs

from analytics.query.logs import search
from analytics.storage import log_counts
from drishti.events import QueryFailure, encode
from drishti.measures.definitions import EventSource, Kind, MetricDefinition
from drishti.measures.registry import opened
from drishti.messages import subjects
from drishti.messages.logs import FoundRecord, LogList, LogSearch, TemplateList, TemplateSearch
from drishti_local.servers import NatsServer, PostgresServer
from rigs.analytics import Rig, now_ms, rig
from rigs.log_records import TOKEN, message, pair, record
from rigs.otlp_spans import random_ids, resource_spans, span
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
    for hourly in (False, True):
        counted = "SELECT sum(count) FROM log_counts WHERE tenant = $1 AND hourly = $2"
        assert await world.fetchval(counted, world.tenant, hourly) == records
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


async def test_kills_of_replicas_and_of_postgresql_amid_logs_events_and_errors_of_spans(
    own_nats: NatsServer, own_postgres: PostgresServer
) -> None:
    """Everything is counted once: records, their templates, the events among them, and errors by their kinds."""
    async with rig(own_nats, own_postgres.url()) as world, AsyncExitStack() as replicas:
        await world.redeliver_after(2)
        messages = MESSAGES // 2
        at_ns = time.time_ns() - 5_000_000_000
        for number, (trace_id, _) in enumerate(random_ids(7, messages)):
            await send(world, export(number, at_ns))
            spans = [
                span(trace_id, bytes([n + 1] * 8), error=f"row {number} is missing" if n % 5 == 0 else None)
                for n in range(RECORDS)
            ]
            payload = resource_spans("shop", spans).SerializeToString()
            await world.admin.publish(subjects.spans(world.tenant, "shop"), payload)
        first, _second = [
            await replicas.enter_async_context(world.process(ANALYTICS_BATCH_ITEMS="100", wait=False)) for _ in range(2)
        ]

        async def more_than(rows: int) -> bool:
            with contextlib.suppress(asyncpg.PostgresError, OSError):
                return await world.rows("log_records") > rows
            return False

        await wait_until(lambda: more_than(0))
        first.kill()
        await first.wait()
        stored = await world.rows("log_records")
        await wait_until(lambda: more_than(stored))
        await asyncio.to_thread(own_postgres.kill)
        killed_amid = not await world.settled()
        await asyncio.to_thread(own_postgres.start)
        await replicas.enter_async_context(world.process())
        await world.wait_settled()
        assert killed_amid, "killed too late to prove anything"
        await check(world, messages)
        assert await world.fetchval("SELECT count(*) FROM spans") == messages * RECORDS
        groups = "SELECT array_agg(count) FROM error_groups WHERE tenant = $1"
        assert await world.fetchval(groups, world.tenant) == [messages * RECORDS // 5]
        assert await world.dead() == []


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


async def test_metrics_out_of_events_count_those_of_log_records_live_and_in_history(world: Rig) -> None:
    paid = MetricDefinition(name="paid", kind=Kind.COUNTER, source=EventSource(event="order-paid", value="amount"))

    def payment(amount: int) -> bytes:
        said = record(event_name="Order.Paid", attributes=[pair("amount", int_value=amount)])
        return message(record("no event"), said).SerializeToString()

    async def total(wanted: float) -> bool:
        answer = await world.ask("paid", "sum")
        return not isinstance(answer, QueryFailure) and answer.series[0].total == wanted

    async with world.running(), opened(world.admin) as registry:
        await send(world, payment(5))
        await world.wait_settled()
        await registry.put(world.tenant, paid, registry.revision(world.tenant, "paid"))
        await wait_until(lambda: total(5))
        await send(world, payment(7), payment(7))
        await wait_until(lambda: total(19))


async def test_records_are_kept_for_so_many_days(world: Rig) -> None:
    async with world.running(logs_days=10.0):
        old = record("old", time_unix_nano=time.time_ns() - 4 * 86_400_000_000_000)
        await send(world, message(old, record("new")).SerializeToString())
        await world.wait_settled()
        assert await world.rows("log_records") == 2
    async with world.running(logs_days=1.0):
        await wait_until(lambda: _only_one(world))
        assert [line.body for line in await found(world)] == ["new"]


async def _only_one(world: Rig) -> bool:
    return await world.rows("log_records") == 1


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


async def ask(world: Rig, name: str, **fields: Any) -> Any:
    """The answer to a question about this tenant, by default over the last hour."""
    model, answer = {
        "logs": (LogSearch, LogList),
        "log_templates": (TemplateSearch, TemplateList),
    }[name]
    asked = model(**{"tenant": world.tenant, "from_ms": now_ms() - 3_600_000, "to_ms": now_ms() + 60_000} | fields)
    reply = await world.gateway.request(subjects.query(name), encode(asked), timeout_s=10)
    ok = (reply.headers or {})["Drishti-Status"] == "ok"
    return msgspec.json.decode(reply.data, type=answer if ok else QueryFailure)


async def found(world: Rig, **fields: Any) -> list[FoundRecord]:
    """Every record, of all pages of three."""
    lines: list[FoundRecord] = []
    cursor = ""
    while True:
        page = await ask(world, "logs", limit=3, cursor=cursor, **fields)
        lines += page.records
        cursor = page.cursor
        if not cursor:
            return lines


async def test_records_are_found_by_everything_that_is_known_of_them(world: Rig) -> None:
    at_ns = time.time_ns() - 60_000_000_000
    trace = b"t" * 16
    said = [
        record(
            f"Order {n} shipped to 100%_of users",
            time_unix_nano=at_ns + n,
            severity_number=9 + 4 * (n % 3),
            trace_id=trace if n < 4 else b"",
        )
        for n in range(9)
    ]
    failed = record(
        "it failed", time_unix_nano=at_ns - 1_000_000,
        attributes=[pair("exception.type", string_value="KeyError"), pair("exception.message", string_value="no row 17")],
    )  # fmt: skip
    other = message(record("Kasse zu", time_unix_nano=at_ns - 2_000_000), service="Kasse", host_name="h1")
    async with world.running():
        await send(world, message(*said, failed).SerializeToString(), other.SerializeToString())
        await world.wait_settled()
        every = await found(world)
        assert [line.time for line in every] == sorted((line.time for line in every), reverse=True)
        assert len({line.id for line in every}) == len(every) == 11
        bodies = {line.body for line in every}
        assert bodies == {f"Order {n} shipped to 100%_of users" for n in range(9)} | {"it failed", "Kasse zu"}
        shipped = next(line for line in every if line.body.startswith("Order 5"))
        assert (shipped.service, shipped.severity, shipped.severity_number, shipped.scope) == (TOKEN, "error", 17, "app.orders")
        assert len(await found(world, template=[shipped.template])) == 9
        assert len(await found(world, severity="warn")) == 6
        assert len(await found(world, text="SHIPPED to 100%_OF")) == 9
        assert await found(world, text="100%%") == []
        assert [line.attributes["exception.type"] for line in await found(world, text="ROW 17")] == ["KeyError"]
        assert len(await found(world, trace_id=trace.hex())) == 4
        of_trace = await found(world, trace_id=trace.hex(), from_ms=now_ms() - 1_000)
        assert len(of_trace) == 4, "whatever the range"
        assert {line.trace_id for line in await found(world, trace_id=trace.hex(), severity="error")} == {trace.hex()}
        (kasse,) = await found(world, service="Kasse")
        assert (kasse.body, kasse.resource) == ("Kasse zu", {"host.name": "h1", "service.name": "Kasse"})
        assert (await ask(world, "logs", service="Kasse")).service_names == {"kasse": "Kasse"}
        assert await found(world, to_ms=at_ns // 1_000_000 - 60_000) == []
        refused = await ask(world, "logs", cursor="nonsense")
        assert (refused.code, refused.field) == ("invalid", "cursor")


async def test_a_search_that_takes_long_goes_on_where_it_stopped(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SEARCH_S", -1.0)
    monkeypatch.setattr(search, "FIRST_SLICE", timedelta(minutes=1))
    at_ns = time.time_ns() - 60_000_000_000
    async with world.running():
        lines = [record(f"line {n}", time_unix_nano=at_ns - n * 120_000_000_000) for n in range(12)]
        await send(world, message(*lines).SerializeToString())
        await world.wait_settled()
        first = await ask(world, "logs", text="line 11")
        assert (first.records, bool(first.cursor)) == ([], True)
        assert [line.body for line in await found(world, text="line 11")] == ["line 11"]
        assert [line.body for line in await found(world)] == [f"line {n}" for n in range(12)]


async def test_a_tenant_finds_its_own_records_alone(world: Rig) -> None:
    async with world.running():
        await send(world, message(record("mine", trace_id=b"t" * 16)).SerializeToString())
        await world.admin.publish(
            subjects.logs("globex", TOKEN), message(record("theirs", trace_id=b"t" * 16)).SerializeToString()
        )
        await world.wait_settled()
        assert [line.body for line in await found(world)] == ["mine"]
        assert [line.body for line in await found(world, trace_id=(b"t" * 16).hex())] == ["mine"]
        assert await found(world, trace_id=(b"t" * 16).hex(), without_service=[TOKEN]) == []
        assert [one.text for one in (await ask(world, "log_templates")).templates] == ["mine"]
        await world.fetchval("DELETE FROM log_records WHERE tenant = 'globex'")


async def test_large_records_come_on_more_pages_and_the_largest_is_cut(world: Rig) -> None:
    async with world.running():
        wide = [pair(f"a{n}", string_value="\x01" * 8_000) for n in range(20)]
        large = [record("x" * 30_000, attributes=[pair("n", int_value=n)]) for n in range(40)]
        await send(
            world,
            *(message(one).SerializeToString() for one in large),
            message(record("wide", attributes=wide)).SerializeToString(),
        )
        await world.wait_settled()
        page = await ask(world, "logs", limit=1000)
        assert page.cursor
        lines = page.records
        while page.cursor:
            page = await ask(world, "logs", limit=1000, cursor=page.cursor)
            lines += page.records
        assert len({line.id for line in lines}) == len(lines) == 41
        assert [(line.body, line.attributes) for line in lines if line.cut] == [("wide", {})]


async def test_templates_are_counted_over_time_with_an_example_of_each(world: Rig) -> None:
    minute = now_ms() // 60_000 * 60_000 - 600_000
    at_ns = minute * 1_000_000
    lines = [record(f"Order {n} shipped", time_unix_nano=at_ns + n * 30_000_000_000) for n in range(8)]
    lines += [
        record(f"User {name} logged in", time_unix_nano=at_ns + 1, severity_number=17) for name in ("alice", "bob", "carol")
    ]
    lines += [record("Order lost", time_unix_nano=at_ns + 2), record(event_name="order.paid", time_unix_nano=at_ns + 3)]
    async with world.running():
        await send(world, message(*lines).SerializeToString())
        await world.wait_settled()
        answer = await ask(world, "log_templates", from_ms=minute, to_ms=minute + 240_000, steps=4, limit=2)
        shipped, users = answer.templates
        assert (answer.count, answer.other, answer.step_ms) == (13, 2, 60_000)
        assert (shipped.text, shipped.count, shipped.counts) == ("Order <*> shipped", 8, [2, 2, 2, 2])
        assert (shipped.example, shipped.service, shipped.errors) == ("Order 7 shipped", TOKEN, 0)
        assert (shipped.last_seen - shipped.first_seen).total_seconds() == 210
        assert (users.text, users.count, users.counts, users.errors) == ("User <*> logged in", 3, [3, 0, 0, 0], 3)
        assert (users.severity, len(users.ids)) == ("error", 3)
        assert len(await found(world, template=users.ids, from_ms=minute)) == 3
        errors = await ask(world, "log_templates", from_ms=minute, to_ms=minute + 240_000, severity="error")
        assert [(one.text, one.count) for one in errors.templates] == [("User <*> logged in", 3)]
        every = await ask(world, "log_templates", from_ms=minute, to_ms=minute + 240_000)
        assert {one.text for one in every.templates} == {shipped.text, users.text, "Order lost", "order.paid"}
        assert (await ask(world, "log_templates", service="none")).templates == []
        without = await ask(world, "log_templates", without_service=[TOKEN])
        assert (without.count, without.templates) == (0, [])
        assert await found(world, without_service=[TOKEN], from_ms=minute) == []
        assert len(await found(world, without_service=["another"], from_ms=minute)) == 13


WORDS = [first + second for first in "abcdefghijklmnopqrstuvwxyz" for second in "abcdefghijklmnopqrstuvwxyz"]


async def test_what_has_templates_without_end_is_counted_within_bounds(world: Rig) -> None:
    """Every line of one service is of another template; those beyond the bound are counted together, and others' are not."""
    minute = now_ms() // 60_000 * 60_000 - 120_000
    at_ns = minute * 1_000_000
    noise = [
        message(
            *(record(f"{first} {second} {first}{second}", time_unix_nano=at_ns + n) for n, second in enumerate(WORDS)),
            service="noisy",
        )
        for first in ("one", "two", "three")
    ]
    lines = [record(f"Order {n} shipped", time_unix_nano=at_ns + n, severity_number=9 + n % 2 * 8) for n in range(50)]
    quiet = message(*lines)
    async with AsyncExitStack() as replicas:
        for _ in range(2):
            await replicas.enter_async_context(world.running())
        await send(world, *(one.SerializeToString() for one in noise), quiet.SerializeToString())
        await world.wait_settled()
        noisy = len(noise) * len(WORDS)
        for length in (60_000, 7 * 3_600_000):  # counted by minutes, and by hours
            answer = await ask(world, "log_templates", from_ms=minute, to_ms=minute + length, steps=1, limit=100)
            assert answer.count == noisy + 50
            assert sum(one.count for one in answer.templates) + answer.other == answer.count
            (shipped,) = [one for one in answer.templates if one.service == TOKEN]
            assert (shipped.text, shipped.count, shipped.errors, shipped.counts[0]) == ("Order <*> shipped", 50, 25, 50)
        of_noisy = await ask(world, "log_templates", from_ms=minute, to_ms=minute + 60_000, service="noisy")
        assert 0 < of_noisy.other < of_noisy.count == noisy
        rows = await world.fetchval("SELECT count(*) FROM log_counts WHERE tenant = $1 AND NOT hourly", world.tenant)
        assert rows <= 2 * log_counts.OF_SERVICE + 10, "as many as one batch of each replica may add at once"


async def test_a_long_range_is_counted_by_whole_hours(world: Rig) -> None:
    hour = (now_ms() // 3_600_000 - 9) * 3_600_000
    times = [hour + minutes * 60_000 for minutes in (0, 59, 60, 300, 479)]
    async with world.running():
        await send(world, message(*(record("done", time_unix_nano=at * 1_000_000) for at in times)).SerializeToString())
        await world.wait_settled()
        answer = await ask(world, "log_templates", from_ms=hour + 60_000, to_ms=hour + 480 * 60_000)
        assert (answer.from_ms, answer.to_ms, answer.step_ms) == (hour, hour + 8 * 3_600_000, 3_600_000)
        (done,) = answer.templates
        assert (done.count, done.counts) == (5, [2, 1, 0, 0, 0, 1, 0, 1])
        assert [int(at.timestamp() * 1000) for at in (done.first_seen, done.last_seen)] == [times[0], times[-1]]
        short = await ask(world, "log_templates", from_ms=hour + 59 * 60_000 + 30_000, to_ms=hour + 60 * 60_000 + 30_000)
        assert (short.templates[0].counts, short.step_ms) == ([1, 1], 60_000)
