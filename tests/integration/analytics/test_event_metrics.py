"""Metrics that tenants draw from events: counted live in every replica, each event once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from drishti.measures.definitions import EventSource, Kind, MetricDefinition, token_of
from drishti.measures.registry import MetricRegistry, opened
from rigs.analytics import Rig, event
from rigs.waiting import wait_until

AT = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=3)

SIGNUPS = MetricDefinition(
    name="paid.signups",
    kind=Kind.COUNTER,
    dimensions=("country",),
    published=((), ("country",)),
    source=EventSource(event="signup", where='plan = "pro" and seats >= 2', dimensions={"country": "geo country"}),
)
PRICES = MetricDefinition(
    name="order value", unit="EUR", kind=Kind.DISTRIBUTION, source=EventSource(event="order", value="price")
)
BUYERS = MetricDefinition(name="buyers", kind=Kind.UNIQUE, source=EventSource(event="order", unique="user_id"))
REVENUE = MetricDefinition(name="revenue", unit="EUR", kind=Kind.COUNTER, source=EventSource(event="order", value="price"))


@contextlib.asynccontextmanager
async def registry(world: Rig) -> AsyncIterator[MetricRegistry]:
    async with opened(world.admin) as known:
        yield known


async def counted(world: Rig, token: str) -> bool:
    return bool(
        await world.fetchval(
            "SELECT count(*) FROM event_metrics WHERE tenant = $1 AND token = $2 AND NOT ended", world.tenant, token
        )
    )


async def define(world: Rig, known: MetricRegistry, *metrics: MetricDefinition) -> None:
    for metric in metrics:
        await known.put(world.tenant, metric, known.revision(world.tenant, metric.token))
        await wait_until(lambda metric=metric: counted(world, metric.token))


async def value(world: Rig, metric: str, aggregate: str) -> float | None:
    return await world.total(token_of(metric), aggregate)


async def test_a_metric_is_drawn_from_events_and_can_be_asked(world: Rig) -> None:
    async with world.running(), registry(world) as known:
        await define(world, known, SIGNUPS, PRICES, BUYERS, REVENUE)
        good = {"plan": "pro", "seats": 2, "geo country": "IN"}
        await world.publish(
            event("s1", "signup", data=good, timestamp=AT),
            event("s2", "signup", data=good | {"geo country": 7.0}, timestamp=AT),
            event("s3", "signup", data=good | {"seats": 1}, timestamp=AT),
            event("s4", "signup", data=good | {"seats": "many"}, timestamp=AT),
            event("s1", "signup", data=good, timestamp=AT),
        )
        prices = [12.5, 0, -3, "free", None, True, 10**400, 7.25]
        orders = [
            event(f"o{n}", "order", data={"price": price}, user_id=f"u{n % 3}", timestamp=AT) for n, price in enumerate(prices)
        ]
        await world.publish(*orders)
        await world.publish(*orders)
        await world.wait_exact(events=4 + len(orders))
        assert await value(world, "paid.signups", "count") == 2
        by_country = (await world.ask(SIGNUPS.token, "count", group_by=["country"])).series
        assert {one.labels["country"]: one.total for one in by_country} == {"IN": 1, "7": 1}
        assert await value(world, "order value", "count") == 4
        assert [await value(world, "order value", name) for name in ("sum", "min", "max")] == [16.75, -3, 12.5]
        assert await value(world, "revenue", "sum") == 16.75
        assert round(await value(world, "buyers", "uniques") or 0) == 3


async def test_replicas_count_each_event_once_from_the_same_transaction_on(world: Rig) -> None:
    """Definitions come while two replicas store; what was stored before is not counted, everything after is."""
    sent = 0
    async with world.running(batch_items=20), world.running(batch_items=20), registry(world) as known:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(define(world, known, REVENUE))
            for _ in range(40):
                await world.publish(*(event(None, "order", data={"price": 1}, timestamp=AT) for _ in range(10)))
                sent += 10
                await asyncio.sleep(0.02)
        await world.publish(*(event(None, "order", data={"price": 1}, timestamp=AT) for _ in range(10)))
        await world.wait_exact(events=sent + 10)
        after = await world.fetchval(
            "SELECT count(*) FROM events AS e, event_metrics AS m WHERE e.tenant = $1 AND m.tenant = $1 "
            "AND age(e.xmin) < age(m.cut::xid)",
            world.tenant,
        )
        assert after >= 10
        assert await value(world, "revenue", "sum") == after
