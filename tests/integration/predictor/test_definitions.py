"""Definitions of a tenant decide, live, what two replicas watch: what came by OpenTelemetry, events, and KPIs."""

from __future__ import annotations

import time
import uuid

import msgspec

from conftest import NatsServer
from drishti.bus.connection import Bus, connect
from drishti.events import Aggregate, AggregateSeries, AnomalyInsight
from drishti.measures.definitions import OTLP, EventSource, Kind, MetricDefinition
from drishti.measures.registry import opened
from predictor.app import Predictor
from rigs.predictor_service import insights_of, predictor_on, publish
from rigs.waiting import DEADLINE_S, wait_until

GAUGE = MetricDefinition(name="room.temperature", kind=Kind.GAUGE, unit="Cel", origin=OTLP, watched=True)
COUNTER = MetricDefinition(name="network.io", kind=Kind.COUNTER, unit="By", origin=OTLP, watched=True)
ORDERS = MetricDefinition(name="orders", kind=Kind.COUNTER, unit="{order}", source=EventSource(event="order"), watched=True)
QUIET = MetricDefinition(name="visits", kind=Kind.COUNTER, unit="{visit}", source=EventSource(event="visit"), watched=True)
KPI = MetricDefinition(
    name="conversion", kind=Kind.DERIVED, unit="%", expression="100 * count(event.order) / count(event.visit)", watched=True
)
ALL = (GAUGE, COUNTER, ORDERS, QUIET, KPI)

HISTORY_S = 200


def seconds_of(definition: MetricDefinition, second: int, fault: bool) -> AggregateSeries:
    wobble = second % 5
    if definition is GAUGE:
        value = (45.0 if fault else 20.0) + 0.1 * wobble
        return AggregateSeries(count=1, sum=value, min=value, max=value)
    if definition is COUNTER:
        return AggregateSeries(count=1, errors=0, sum=(9e6 if fault else 1e6) + 1e4 * wobble)
    if definition is KPI:
        return AggregateSeries(value=(5.0 if fault else 40.0) + 0.2 * wobble)
    return AggregateSeries(count=(40 if fault else 8) + wobble, errors=0, sum=0.0)


def window(tenant: str, definition: MetricDefinition, second: int, *, fault: bool = False) -> Aggregate:
    return Aggregate(
        tenant=tenant,
        metric=definition.token,
        unit=definition.unit,
        resolution="1s",
        window_start=second * 1000,
        revision=1,
        final=True,
        published_at=second * 1000 + 1500,
        series=[seconds_of(definition, second, fault)],
    )


async def test_any_metric_is_watched_by_its_definition_and_no_longer_when_it_says_so(own_nats: NatsServer, admin: Bus) -> None:
    tenant = f"t{uuid.uuid4().hex[:10]}"
    bus = await connect(own_nats.settings("predictor"), name="predictor")
    second_bus = await connect(own_nats.settings("predictor"), name="predictor")
    async with (
        opened(admin) as registry,
        insights_of(admin, tenant) as came,
        predictor_on(bus, forecast_every_s=3600) as one,
        predictor_on(second_bus, forecast_every_s=3600) as other,
    ):

        def reported(definition: MetricDefinition, *phases: str | None) -> list[AnomalyInsight]:
            anomalies = [i for i, _ in came if isinstance(i, AnomalyInsight) and i.metric == definition.token]
            return [i for i in anomalies if i.phase in phases]

        def alarms(definition: MetricDefinition) -> list[AnomalyInsight]:
            return reported(definition, "opened", "ongoing")

        await wait_until(
            lambda: one.partitions.owned and other.partitions.owned and not one.partitions.owned & other.partitions.owned
        )
        revisions = {definition.token: await registry.put(tenant, definition, 0) for definition in ALL}
        for predictor in (one, other):
            await wait_until(lambda p=predictor: {d.token for d in ALL} <= p.watched_metrics(), seen=one.watched_metrics)
        # history first, as fast as it goes, of which nothing is reported; then each second as it is over
        now = int(time.time())
        await publish(admin, [window(tenant, d, now - HISTORY_S + i) for i in range(HISTORY_S) for d in ALL])
        await wait_until(lambda: all(reported(d, None) for d in ALL), seen=came)
        last = await catch_up(admin, tenant, now, fault=False)
        began, expected = last, (GAUGE, COUNTER, ORDERS, KPI)
        while not all(alarms(d) for d in expected) and last < began + DEADLINE_S:
            last = await catch_up(admin, tenant, last, fault=True)
        assert all(alarms(d) for d in expected), came
        by_metric = {d.name: alarms(d)[0] for d in expected}
        assert {name: (i.field, i.direction) for name, i in by_metric.items()} == {
            "room.temperature": ("avg", "up"),
            "network.io": ("sum_rate", "up"),
            "orders": ("rate", "up"),
            "conversion": ("value", "down"),
        }
        for name, unit in (("room.temperature", "Cel"), ("network.io", "By/s"), ("orders", "orders/s"), ("conversion", "%")):
            message = by_metric[name].message or ""
            assert message.startswith(f"{name} ")
            assert f" {unit}" in message
        assert alarms(QUIET) == [], "what is steady raises no alarm"

        holders = {d.token: [p is one for p in (one, other) if holds(p, tenant, d.token)] for d in ALL}
        assert all(len(held) == 1 for held in holders.values()), "each metric is one replica's"

        await registry.put(tenant, msgspec.structs.replace(GAUGE, watched=False), revisions[GAUGE.token])
        (over,) = await wait_until(lambda: reported(GAUGE, "resolved"), seen=came)
        assert over.unjudged == "it is not watched any more"
        await wait_until(lambda: not holds(one, tenant, GAUGE.token) and not holds(other, tenant, GAUGE.token))
        assert reported(ORDERS, "resolved") == [], "the others go on"
    await bus.close()
    await second_bus.close()


async def catch_up(bus: Bus, tenant: str, last: int, *, fault: bool) -> int:
    """Publishes the windows from second ``last`` on that are over by now; returns the second after them."""
    await wait_until(lambda: time.time() >= last + 1)
    until = int(time.time())
    await publish(
        bus, [window(tenant, d, second, fault=fault and d is not QUIET) for second in range(last, until) for d in ALL]
    )
    return until


def holds(predictor: Predictor, tenant: str, metric: str) -> bool:
    partitions = predictor.partitions.held
    return any((key.tenant, key.metric) == (tenant, metric) for p in partitions for key in p.engine.table.keys)
