"""Metrics that Drishti does not know itself: what arrives by OpenTelemetry, is drawn from events, or is computed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import numpy as np
import pytest

from drishti.events import Aggregate, AggregateSeries, AnomalyInsight
from drishti.measures.definitions import OTLP, EventSource, Kind, MetricDefinition
from predictor.anomalies import insights
from predictor.anomalies.engine import Engine
from predictor.series.policies import Policies

T0 = 1_790_000_000
BEFORE, FAULT = 700, 120

TEMPERATURE = MetricDefinition(name="room.temperature", kind=Kind.GAUGE, unit="Cel", origin=OTLP, watched=True)
THREADS = MetricDefinition(name="jvm.thread.count", kind=Kind.GAUGE, unit="{thread}", origin=OTLP, watched=True)
TRAFFIC = MetricDefinition(name="network.io", kind=Kind.COUNTER, unit="By", origin=OTLP, watched=True)
ORDERS = MetricDefinition(
    name="orders", kind=Kind.COUNTER, unit="{order}", source=EventSource(event="order"), dimensions=("shop",), watched=True
)
SPENT = MetricDefinition(
    name="llm.cost", kind=Kind.COUNTER, unit="USD", source=EventSource(event="call", value="usd"), watched=True
)
WAIT = MetricDefinition(name="checkout.wait", kind=Kind.DISTRIBUTION, unit="s", origin=OTLP, watched=True)
CONVERSION = MetricDefinition(
    name="conversion", kind=Kind.DERIVED, unit="%", expression="100 * count(order) / count(visit)", watched=True
)
USERS = MetricDefinition(name="people", kind=Kind.UNIQUE, unit="{user}", watched=True)

Second = Iterable[AggregateSeries]


def engine_of(*definitions: MetricDefinition) -> Engine:
    known = {definition.token: definition for definition in definitions}
    return Engine(Policies(lambda _tenant: known).watches)


def aggregate(definition: MetricDefinition, second: int, series: Second, *, version: int = 1) -> Aggregate:
    start = (T0 + second) * 1000
    return Aggregate(
        tenant="acme",
        metric=definition.token,
        unit=definition.unit,
        resolution="1s",
        window_start=start,
        revision=1,
        final=True,
        published_at=start + 1500,
        series=list(series),
        version=version,
    )


def reported(
    engine: Engine, definition: MetricDefinition, seconds: Iterable[Second | None], begin: int = 0
) -> list[AnomalyInsight]:
    """What is said of incidents; ``None`` is a second without a message."""
    said = []
    for second, series in enumerate(seconds, begin):
        if series is not None:
            said += [insights.anomaly(finding) for finding in engine.take(aggregate(definition, second, series))]
    return [insight for insight in said if insight.phase is not None]


def gauge(values: Iterable[float], every: int) -> Iterator[Second | None]:
    for second, value in enumerate(values):
        yield [AggregateSeries(count=1, sum=value, min=value, max=value)] if second % every == 0 else None


def sums(values: Iterable[float], every: int) -> Iterator[Second]:
    """Deltas of a counter, each of ``every`` seconds; silence in between is published."""
    waiting = 0.0
    for second, value in enumerate(values):
        waiting += value
        due = second % every == every - 1
        yield [AggregateSeries(count=int(due), errors=0, sum=waiting if due else 0.0)]
        waiting = 0.0 if due else waiting


def counts(values: Iterable[float]) -> Iterator[Second]:
    for value in values:
        yield [AggregateSeries(count=int(value), errors=0, sum=0.0)]


def values(amounts: Iterable[float]) -> Iterator[Second | None]:
    for amount in amounts:
        yield [AggregateSeries(value=float(amount))] if np.isfinite(amount) else []


def waits(means: Iterable[float], rng: np.random.Generator) -> Iterator[Second]:
    for mean in means:
        seen = mean * rng.lognormal(0, 0.3, 8)
        p50, p95, p99 = np.quantile(seen, (0.5, 0.95, 0.99)).tolist()
        total, least, most = float(seen.sum()), float(seen.min()), float(seen.max())
        yield [AggregateSeries(count=8, errors=0, sum=total, min=least, max=most, p50=p50, p95=p95, p99=p99)]


def drawn(name: str, seed: int, fault: float) -> tuple[MetricDefinition, list[Second | None]]:
    """The metric of that name: steady for :data:`BEFORE` seconds, and then as it is with a ``fault`` (1: none) for
    :data:`FAULT`."""
    rng = np.random.default_rng(seed)
    size = np.r_[np.ones(BEFORE), np.full(FAULT, fault)]
    n = len(size)
    if name == "temperature":
        return TEMPERATURE, list(gauge(-12.0 + rng.normal(0, 0.4, n) + 14.0 * (size - 1), 5))
    if name == "threads":
        return THREADS, list(gauge(np.round((40 + rng.integers(-2, 3, n)) * size), 10))
    if name == "traffic":
        return TRAFFIC, list(sums(rng.gamma(20, 5e4, n) * size, 1))
    if name == "traffic in lumps":
        return TRAFFIC, list(sums(rng.gamma(20, 5e4, n) * size, 10))
    if name == "orders":
        return ORDERS, list(counts(rng.poisson(6 * size)))
    if name == "spent":
        return SPENT, list(sums(rng.poisson(4 * size) * rng.gamma(2, 0.005, n), 1))
    if name == "wait":
        return WAIT, list(waits(0.08 * size, rng))
    if name == "users":
        return USERS, [[AggregateSeries(count=9, uniques=float(v))] for v in rng.poisson(30 * size)]
    assert name == "conversion"
    visits = rng.poisson(40, n)
    return CONVERSION, list(values(100 * rng.binomial(visits, np.clip(0.4 * size, 0, 1)) / np.maximum(visits, 1)))


FAULTS = {
    "temperature": (2.0, "avg", "up", "Cel"),
    "threads": (3.0, "avg", "up", "threads"),
    "traffic": (4.0, "sum_rate", "up", "By/s"),
    "traffic in lumps": (4.0, "sum_rate", "up", "By/s"),
    "orders": (4.0, "rate", "up", "orders/s"),
    "spent": (6.0, "sum_rate", "up", "USD/s"),
    "wait": (4.0, "avg", "up", "s"),
    "users": (2.5, "uniques", "up", "users"),
    "conversion": (0.3, "value", "down", "%"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_reported_with_its_unit_and_name(name: str) -> None:
    fault, field, direction, unit = FAULTS[name]
    definition, seconds = drawn(name, 1, fault)
    alarms = [insight for insight in reported(engine_of(definition), definition, seconds) if insight.phase == "opened"]
    alarm = next(insight for insight in alarms if insight.field == field)
    assert (alarm.tenant, alarm.metric, alarm.direction) == ("acme", definition.token, direction)
    assert 0 <= alarm.at / 1000 - T0 - BEFORE <= 60
    assert alarm.message is not None
    assert alarm.message.startswith(f"{definition.name} {field} is ")
    assert f" {unit}" in alarm.message
    # a gauge and a KPI are in their own unit, not in a share of it
    assert alarm.value is not None
    assert alarm.upper is None or alarm.lower is None or not alarm.lower <= alarm.value <= alarm.upper


@pytest.mark.parametrize("name", FAULTS)
def test_a_steady_metric_raises_no_alarm(name: str) -> None:
    for seed in range(2):
        definition, seconds = drawn(name, seed, 1.0)
        assert reported(engine_of(definition), definition, seconds) == []


def test_a_queue_that_is_nearly_always_empty_raises_no_alarm() -> None:
    rng = np.random.default_rng(3)
    lengths = np.where(rng.random(1500) < 0.02, rng.integers(1, 4, 1500), 0).astype(float)
    assert reported(engine_of(THREADS), THREADS, gauge(lengths, 1)) == []


def test_a_gauge_that_crosses_zero_is_judged_by_its_own_size() -> None:
    rng = np.random.default_rng(4)
    steady = rng.normal(0.0, 2.0, 800)
    assert reported(engine_of(TEMPERATURE), TEMPERATURE, gauge(steady, 2)) == []
    steady[700:] += 25.0
    assert [i.direction for i in reported(engine_of(TEMPERATURE), TEMPERATURE, gauge(steady, 2)) if i.phase == "opened"] == [
        "up"
    ]


def test_windows_of_another_version_of_a_kpi_are_other_numbers() -> None:
    engine = engine_of(msgspec.structs.replace(CONVERSION, version=2))
    for second in range(100):
        engine.take(aggregate(CONVERSION, second, [AggregateSeries(value=40.0)]))
    assert len(engine.table) == 0
    engine.take(aggregate(CONVERSION, 101, [AggregateSeries(value=40.0)], version=2))
    assert len(engine.table) == 1


class Changing:
    """Definitions that change."""

    def __init__(self, *definitions: MetricDefinition) -> None:
        self.known = {definition.token: definition for definition in definitions}
        self.engine = Engine(Policies(lambda _tenant: self.known).watches)

    def change(self, definition: MetricDefinition, **about: object) -> None:
        self.known = {**self.known, definition.token: msgspec.structs.replace(definition, **about)}


def with_open_incident() -> Changing:
    """Of the threads; orders are calm beside it. All that was reported of it was announced."""
    there = Changing(THREADS, ORDERS)
    for (definition, seconds), fault in ((drawn("orders", 1, 1.0), False), (drawn("threads", 1, 3.0), True)):
        phases = [insight.phase for insight in reported(there.engine, definition, seconds)]
        assert phases[:1] == (["opened"] if fault else [])
    there.engine.incidents.cycle.announce(next(r for r, k in enumerate(there.engine.table.keys) if k.metric == THREADS.token))
    return there


@pytest.mark.parametrize("about", [{"watched": False}, {"enabled": False}, {"watched": False, "forecast": True}])
def test_what_is_not_watched_any_more_ends_its_incidents_and_says_why(about: dict[str, bool]) -> None:
    there = with_open_incident()
    there.change(THREADS, **about)
    (ended,) = [insights.anomaly(finding) for finding in there.engine.rewatch(T0 + 900)]
    assert (ended.phase, ended.metric, ended.at, ended.severity) == ("resolved", THREADS.token, (T0 + 900) * 1000, "info")
    assert ended.unjudged == "it is not watched any more"
    assert ended.message is not None
    assert "jvm.thread.count avg is not judged any more: it is not watched any more" in ended.message
    assert there.engine.rewatch(T0 + 901) == []
    kept = {ORDERS.token} | ({THREADS.token} if "forecast" in about else set())
    assert {key.metric for key in there.engine.table.keys} == kept
    there.change(THREADS)
    assert there.engine.rewatch(T0 + 902) == []
    assert reported(there.engine, THREADS, drawn("threads", 2, 1.0)[1], begin=1000) == []
    assert {key.metric for key in there.engine.table.keys} == {ORDERS.token, THREADS.token}


def test_the_others_go_on_as_if_nothing_had_happened() -> None:
    whole, there = engine_of(ORDERS), with_open_incident()
    definition, seconds = drawn("orders", 1, 1.0)
    reported(whole, definition, seconds)
    there.change(THREADS, watched=False)
    there.engine.rewatch(T0 + 900)
    after = list(counts([30.0] * 60))
    assert reported(there.engine, ORDERS, after, begin=len(seconds)) == reported(whole, ORDERS, after, begin=len(seconds)) != []


def test_a_metric_that_is_measured_otherwise_is_learnt_anew() -> None:
    there = with_open_incident()
    there.change(THREADS, version=2)
    (ended,) = there.engine.take(aggregate(THREADS, 900, [AggregateSeries(count=1, sum=120.0)]))[:1]
    assert ended.reason == "it is measured or judged in another way from now on"
    (fresh,) = [row for row, key in enumerate(there.engine.table.keys) if key.metric == THREADS.token]
    assert there.engine.table.watches[fresh].version == 2
    assert there.engine.table.seconds.planes["weight"][fresh].sum() == 1


def test_what_was_saved_of_a_metric_that_is_watched_no_more_ends_when_it_is_loaded() -> None:
    there = with_open_incident()
    keys, state = there.engine.state()
    there.change(THREADS, watched=False)
    loaded = Engine(Policies(lambda _tenant: there.known).watches)
    loaded.restore(keys, {name: array.copy() for name, array in state.items()})
    (ended,) = loaded.rewatch(T0 + 900)
    assert (ended.key.metric, ended.reason) == (THREADS.token, "it is not watched any more")
    assert {key.metric for key in loaded.table.keys} == {ORDERS.token}
