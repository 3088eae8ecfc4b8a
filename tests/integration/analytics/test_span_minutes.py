"""Minutes of spans: service map and bottlenecks are those of all spans, however many replicas stored them, and however late."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from analytics.errors import StatementTimeout
from analytics.storage.database import Session
from analytics.traces import minute_job
from analytics.traces.hour_sums import HOURLY
from analytics.traces.minute_reading import Counted, count_minute
from drishti.events import encode
from drishti.messages import subjects
from drishti.messages.bottlenecks import BottlenecksAnswer, BottlenecksQuery
from drishti.messages.queues import QueuesAnswer, QueuesQuery
from drishti.messages.service_maps import ServiceMapAnswer, ServiceMapQuery
from drishti_local.servers import NatsServer, PostgresServer
from rigs import otlp_spans as making
from rigs.analytics import Rig, now_ms, rig
from rigs.waiting import wait_until

MS = making.MS
A = TypeVar("A")
TRACES = 60


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Minutes are counted as soon as nothing has come for a moment."""
    for name, seconds in (("EVERY_S", 0.1), ("QUIET_S", 0.0), ("UNCHANGED_S", 0.2), ("HOURS_EVERY_S", 0.1)):
        monkeypatch.setattr(minute_job, name, seconds)


def messages(start_ns: int, traces: int = TRACES) -> Iterator[tuple[ResourceSpans, ResourceSpans]]:
    """Each trace: web (20 ms) asks shop (15 ms), which asks its database twice (5 ms each); every fifth fails there."""
    for place, (trace, root) in enumerate(making.random_ids(start_ns, traces)):
        at = start_ns + place * 200 * MS
        call, served, queries = b"\1" * 8, b"\2" * 8, (b"\3" * 8, b"\4" * 8)
        error = "no tea" if place % 5 == 0 else None
        web = [
            making.span(trace, root, "GET /tea", start_ns=at, duration_ms=20),
            making.span(trace, call, "GET", parent=root, kind="client", start_ns=at + MS, duration_ms=17),
        ]
        shop = [making.span(trace, served, "GET /stock", parent=call, start_ns=at + 2 * MS, duration_ms=15, error=error)]
        shop += [
            making.span(
                trace, query, "SELECT tea", parent=served, kind="client", start_ns=at + (3 + 6 * n) * MS, duration_ms=5,
                attributes={"db.system.name": "postgresql", "server.address": "db"},
            )
            for n, query in enumerate(queries)
        ]  # fmt: skip
        yield making.resource_spans("web", web), making.resource_spans("shop", shop)


async def send(world: Rig, *sent: ResourceSpans) -> None:
    await asyncio.gather(
        *(world.admin.publish(subjects.spans(world.tenant, "web"), message.SerializeToString()) for message in sent)
    )


async def ask(world: Rig, name: str, question: msgspec.Struct, answer: type[A]) -> A:
    msg = await world.gateway.request(subjects.query(name), encode(question), timeout_s=10)
    assert (msg.headers or {})["Drishti-Status"] == "ok", msg.data
    return msgspec.json.decode(msg.data, type=answer)


async def edges(world: Rig, from_ms: int, to_ms: int) -> dict[tuple[str, str], tuple[int, int]]:
    """Calls and errors by caller and callee."""
    found = await ask(
        world, "service_map", ServiceMapQuery(tenant=world.tenant, from_ms=from_ms, to_ms=to_ms), ServiceMapAnswer
    )
    return {(edge.caller, edge.callee): (edge.traffic.calls, edge.traffic.errors) for edge in found.edges}


def expected(traces: int = TRACES) -> dict[tuple[str, str], tuple[int, int]]:
    failed = len(range(0, traces, 5))
    return {
        ("entry:user", "service:web"): (traces, 0),
        ("service:web", "service:shop"): (traces, failed),
        ("service:shop", "database:postgresql db"): (2 * traces, 0),
    }


async def counted(world: Rig, minutes: set[datetime]) -> bool:
    waiting = await world.fetchval("SELECT count(*) FROM span_changes WHERE tenant = $1", world.tenant)
    done = await world.fetchval("SELECT count(DISTINCT minute) FROM span_minutes WHERE tenant = $1", world.tenant)
    return waiting == 0 and done == len(minutes)


@pytest.mark.parametrize("replicas", [1, 3])
async def test_a_past_minute_is_counted_once_from_all_its_spans(world: Rig, soon: None, replicas: int) -> None:
    minute = now_ms() // 60_000 * 60_000 - 300_000
    all_messages = list(messages(minute * MS))
    late = [shop for _, shop in all_messages[:10]]
    early = [web for web, _ in all_messages] + [shop for _, shop in all_messages[10:]]
    async with AsyncExitStack() as stack:
        for _ in range(replicas):
            await stack.enter_async_context(world.running())
        await send(world, *early, *early[:5])
        await world.wait_settled()
        minutes = {datetime.fromtimestamp(minute / 1000)}
        await wait_until(lambda: counted(world, minutes))
        partly = await edges(world, minute, minute + 60_000)
        assert partly["service:web", "service:shop"][0] == TRACES - 10
        await send(world, *late)
        await world.wait_settled()
        await wait_until(lambda: counted(world, minutes))
        assert await edges(world, minute, minute + 60_000) == expected()
        found = await ask(
            world,
            "bottlenecks",
            BottlenecksQuery(tenant=world.tenant, from_ms=minute, to_ms=minute + 60_000),
            BottlenecksAnswer,
        )
    assert (found.traces_seen, found.traces_walked) == (TRACES, TRACES)
    (root,) = found.roots
    assert (root.operation.service, root.operation.operation) == ("web", "GET /tea")
    shares = {(part.operation.service, part.operation.operation): part.share for part in root.parts}
    assert shares["shop", "SELECT tea"] == pytest.approx(10 / 20)
    assert sum(shares.values()) == pytest.approx(1)


async def test_minutes_and_hours_are_exact_after_postgresql_and_nats_died_amid_counting(
    own_nats: NatsServer, own_postgres: PostgresServer, soon: None
) -> None:
    hour = now_ms() // 3_600_000 * 3_600_000 - 2 * 3_600_000
    starts = [hour + n * 120_000 for n in range(8)]
    sent = [list(messages(start * MS)) for start in starts]
    async with rig(own_nats, own_postgres.url()) as world, AsyncExitStack() as replicas:
        await world.redeliver_after(2)
        for _ in range(2):
            await replicas.enter_async_context(world.running())

        async def begun() -> bool:
            return bool(await world.fetchval("SELECT count(*) FROM span_minutes WHERE tenant = $1", world.tenant))

        for pairs in sent[:4]:
            await send(world, *(one for pair in pairs for one in pair))
        await wait_until(begun)
        await asyncio.to_thread(own_postgres.kill)
        for pairs in sent[4:]:
            await send(world, *(one for pair in pairs for one in pair))
        await asyncio.to_thread(own_postgres.start)
        await asyncio.to_thread(own_nats.kill)
        await asyncio.to_thread(own_nats.start)
        await wait_until(lambda: world.admin.nc.is_connected)
        await send(world, *(one for pair in sent[0] for one in pair))  # again: they count once
        await world.wait_settled()
        minutes = {datetime.fromtimestamp(start / 1000) for start in starts}
        await wait_until(lambda: counted(world, minutes))

        async def added_up() -> bool:
            sums = "SELECT count(*) FROM span_hours WHERE tenant = $1 AND traces = $2"
            return bool(await world.fetchval(sums, world.tenant, 8 * TRACES) == len(HOURLY))

        await wait_until(added_up)
        every = {edge: (8 * calls, 8 * errors) for edge, (calls, errors) in expected().items()}
        assert await edges(world, hour, hour + 3_600_000) == every
        failed = "SELECT sum(count) FROM error_groups WHERE tenant = $1"
        assert await world.fetchval(failed, world.tenant) == 8 * len(range(0, TRACES, 5))


async def test_rates_of_the_map_are_by_the_time_in_which_there_were_spans(world: Rig, soon: None) -> None:
    minute = now_ms() // 60_000 * 60_000 - 300_000
    async with world.running():
        await send(world, *(one for pair in messages(minute * MS) for one in pair))
        await wait_until(lambda: counted(world, {datetime.fromtimestamp(minute / 1000)}))
        for begin in (minute - 3 * 3_600_000, minute + 30_000):  # hours before the first span, and amid its minute
            query = ServiceMapQuery(tenant=world.tenant, from_ms=begin, to_ms=minute + 90_000)
            found = await ask(world, "service_map", query, ServiceMapAnswer)
            assert found.covered_s == 120.0
            rates = {(edge.caller, edge.callee): edge.traffic.rate for edge in found.edges}
            assert rates["service:web", "service:shop"] == pytest.approx(TRACES / 120)


async def test_hours_are_the_sums_of_their_minutes_and_change_with_them(world: Rig, soon: None) -> None:
    hour = now_ms() // 3_600_000 * 3_600_000 - 2 * 3_600_000
    first, second = list(messages(hour * MS)), list(messages((hour + 20 * 60_000) * MS))
    late = second.pop()
    until_now = hour - 600_000, hour + 3_600_000 + 600_000
    doubled = {edge: (2 * calls, 2 * errors) for edge, (calls, errors) in expected().items()}

    async def stored_hours(traces: int) -> bool:
        sums = "SELECT count(*) FROM span_hours WHERE tenant = $1 AND traces = $2"
        return bool(await world.fetchval(sums, world.tenant, traces) == len(HOURLY))

    async with world.running():
        await send(world, *(one for pair in first + second for one in pair))
        await wait_until(lambda: stored_hours(2 * TRACES - 1))
        assert (await edges(world, *until_now))["service:web", "service:shop"][0] == 2 * TRACES - 1
        await send(world, *late)
        await wait_until(lambda: stored_hours(2 * TRACES))
        assert await edges(world, *until_now) == doubled
        assert await edges(world, hour, hour + 60_000) == expected()  # a part of the hour
        question = BottlenecksQuery(tenant=world.tenant, from_ms=until_now[0], to_ms=until_now[1])
        found = await ask(world, "bottlenecks", question, BottlenecksAnswer)
    assert (found.traces_seen, found.traces_walked) == (2 * TRACES, 2 * TRACES)


async def test_an_hour_that_cannot_be_added_up_keeps_no_other_one_waiting(world: Rig, soon: None) -> None:
    hour = now_ms() // 3_600_000 * 3_600_000 - 3 * 3_600_000

    async def added_up(at_ms: int) -> bool:
        sums = "SELECT count(*) FROM span_hours WHERE tenant = $1 AND hour = $2"
        return bool(await world.fetchval(sums, world.tenant, datetime.fromtimestamp(at_ms / 1000, UTC)) == len(HOURLY))

    async with world.running():
        await send(world, *(one for pair in messages(hour * MS, 2) for one in pair))
        await wait_until(lambda: added_up(hour))
        await world.fetchval("UPDATE span_minutes SET sums = '\\xff' WHERE tenant = $1", world.tenant)
        await world.fetchval("DELETE FROM span_hours WHERE tenant = $1", world.tenant)
        await send(world, *(one for pair in messages((hour - 3_600_000) * MS, 2) for one in pair))
        await wait_until(lambda: added_up(hour - 3_600_000))
        assert not await added_up(hour)
    await world.fetchval("DELETE FROM span_minutes WHERE tenant = $1", world.tenant)


async def test_the_minute_of_now_is_on_the_map_at_once(world: Rig) -> None:
    begun = time.time_ns() - TRACES * 200 * MS
    async with world.running():
        await send(world, *(one for pair in messages(begun) for one in pair))
        await world.wait_settled()
        assert await edges(world, now_ms() - 120_000, now_ms() + 60_000) == expected()
        assert await world.fetchval("SELECT count(*) FROM span_minutes WHERE tenant = $1", world.tenant) == 0


@pytest.mark.parametrize("queued_ms", [30, 7_200_000])
async def test_waits_of_messages_are_known_through_parents_and_links_to_other_traces(
    world: Rig, soon: None, queued_ms: int
) -> None:
    minute = now_ms() // 60_000 * 60_000 - 300_000
    start = minute * MS + 1_000 * MS
    kafka = {"messaging.system": "kafka", "messaging.destination.name": "orders"}
    sent, worked = [], []
    for place, (trace, root) in enumerate(making.random_ids(minute, 20)):
        at = start + place * 100 * MS
        began = at - (queued_ms + 2) * MS
        sent.append(making.span(trace, root, "send", kind="producer", start_ns=began, duration_ms=2, attributes=kafka))
        consumer = making.span(
            trace, b"\2" * 8, "process", parent=root, kind="consumer", start_ns=at, duration_ms=10, attributes=kafka
        )
        if place % 2:  # in a trace of its own, with a link
            consumer.links.add(trace_id=trace, span_id=root)
            consumer.trace_id, consumer.parent_span_id = bytes(reversed(trace)), b""
        worked.append(consumer)
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(world.running())
        await send(world, making.resource_spans("shop", sent), making.resource_spans("Billing", worked))
        await world.wait_settled()
        await wait_until(
            lambda: counted(
                world, {datetime.fromtimestamp(at / 1000) for at in (minute, minute - queued_ms // 60_000 * 60_000)}
            )
        )
        question = QueuesQuery(tenant=world.tenant, from_ms=minute, to_ms=minute + 60_000)
        answer = await ask(world, "queues", question, QueuesAnswer)
    (queue,) = answer.queues
    assert (queue.system, queue.destination, queue.service, queue.messages) == ("kafka", "orders", "billing", 20)
    assert (queue.wait.count, queue.wait.mean_ms, queue.work.mean_ms) == (20, queued_ms, 10.0)
    assert queue.wait_share == queued_ms / (queued_ms + 10)
    assert answer.service_names == {"billing": "Billing"}


async def test_a_minute_that_takes_too_long_keeps_no_other_one_waiting(
    world: Rig, soon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = now_ms() // 60_000 * 60_000 - 600_000
    heavy = datetime.fromtimestamp((first + 180_000) / 1000, UTC)
    tried: list[datetime] = []

    async def count(session: Session, tenant: str, start: datetime, *, most_spans: int) -> Counted:
        if start == heavy and tenant == world.tenant and len(tried) < 2:
            tried.append(start)
            raise StatementTimeout("canceling statement due to statement timeout")
        return await count_minute(session, tenant, start, most_spans=most_spans)

    monkeypatch.setattr(minute_job, "count_minute", count)
    monkeypatch.setattr(minute_job, "RETRY_S", 3.0)
    begins = [first + n * 60_000 for n in range(4)]
    done = "SELECT count(DISTINCT minute) FROM span_minutes WHERE tenant = $1"
    async with world.running():
        await send(world, *(one for begin in begins for pair in messages(begin * MS, 2) for one in pair))
        await world.wait_settled()

        async def others() -> bool:
            return bool(await world.fetchval(done, world.tenant) >= 3)

        await wait_until(others)
        await wait_until(lambda: counted(world, {datetime.fromtimestamp(begin / 1000) for begin in begins}))
    assert len(tried) == 2
