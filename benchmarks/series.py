"""Memory of 50,000 live series: in analytics, which counts them, and in the predictor, which watches them.

Analytics is sent every series as an OTLP data point every 20 seconds (counters, gauges and histograms, a third each), through
PostgreSQL and all. The predictor is sent every series as a gauge every 10 seconds, as analytics publishes it. The resident
memory is read twice a second; once what comes at the beginning is over, it must stay as it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics

from benchmarks import storage
from benchmarks.processes import BenchmarkFailed, Running, until
from benchmarks.services import house
from benchmarks.session import Session
from benchmarks.table import Result
from drishti.bus.connection import Bus
from drishti.events import Aggregate, AggregateSeries
from drishti.measures.definitions import Kind, MetricDefinition, token_of
from drishti.measures.registry import opened
from drishti.messages import catalogue, subjects
from drishti.messages.catalogue import ANALYTICS, PREDICTOR
from drishti.messages.subjects import DEFAULT_TENANT
from drishti_local.servers import PostgresServer

ANALYTICS_AT_MOST_MB = 400.0
PREDICTOR_AT_MOST_KB = 16.0
GROWS_AT_MOST = 0.05
"""Of what it was after :data:`SETTLED` of the time."""

SETTLED = 0.4
SAMPLE_EVERY_S = 0.5

BEHIND_S = 300.0
"""How long what was sent may take on a busy machine."""

METRICS, SERVICES, ROUTES = 63, 20, 40
"""Each metric has less series than its limit, of which a fifth is kept for series that come alone."""

SENT_EVERY_S = 20.0
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)

WATCHED_METRICS, WATCHED_EACH = 25, 2_000
"""Series of a metric, its total among them."""

WATCHED_EVERY_S = 10
STREAM, DURABLE = catalogue.consumer(catalogue.ANALYTICS, "metrics")


async def counted(session: Session) -> Result:
    """In analytics."""
    seconds = session.options.series_seconds
    folder = session.folder("series")
    postgres = PostgresServer(folder / "postgres")
    try:
        await asyncio.to_thread(postgres.start)
        async with house(folder / "nats") as home, storage.database(postgres) as url:
            program = home.program(ANALYTICS, database_url=url, environ={"OTEL_METRICS_EXPORTER": "none"})
            async with home.service(program) as analytics:
                before = analytics.memory_mb()
                samples = await sampled(session, analytics, seconds, _Exports(home.admin).send)
                await until(lambda: storage.settled(home, STREAM, DURABLE), "every point is stored", within_s=BEHIND_S)
                series = await _stored_series(url)
    finally:
        await asyncio.to_thread(postgres.stop)
    if series != METRICS * SERVICES * ROUTES:
        raise BenchmarkFailed(f"analytics has rows of {series:,} series, of {METRICS * SERVICES * ROUTES:,}")
    most, median, growth = max(samples), statistics.median(samples), growth_of(samples)
    return Result(
        name="series",
        what="memory of analytics with 50,000 live series",
        sizes=f"{series:,} series of {METRICS} metrics, each every {SENT_EVERY_S:g} s for {seconds:g} s",
        ours=f"{most:.0f} MB at most, {median:.0f} MB in the median, {growth:+.1%} from {SETTLED:.0%} of the time to its end",
        reference=f"{before:.0f} MB without any",
        must_be=f"≤ {ANALYTICS_AT_MOST_MB:g} MB, ≤ {GROWS_AT_MOST:+.0%}",
        met=most <= ANALYTICS_AT_MOST_MB and growth <= GROWS_AT_MOST,
    )


async def watched(session: Session) -> Result:
    """In the predictor."""
    seconds = session.options.series_seconds
    total = WATCHED_METRICS * WATCHED_EACH
    async with house(session.folder("series-watched")) as home:
        definitions = [
            MetricDefinition(
                name=f"bench.watched.{number}",
                kind=Kind.GAUGE,
                dimensions=("service",),
                published=((), ("service",)),
                watched=True,
                max_series=WATCHED_EACH,
            )
            for number in range(WATCHED_METRICS)
        ]
        async with opened(home.admin) as registry:
            for definition in definitions:
                await registry.put(DEFAULT_TENANT, definition, 0)
        program = home.program(PREDICTOR, environ={"OTEL_METRICS_EXPORTER": "none"})
        async with home.service(program) as predictor, _insights(home.admin) as known:
            await asyncio.sleep(WATCHED_EVERY_S)
            before = predictor.memory_mb()
            samples = await sampled(session, predictor, seconds, _Aggregates(home.admin, definitions).send)
            await until(lambda: len(known) >= total, f"the predictor watches {total:,} series", within_s=BEHIND_S)
    most, median, growth = max(samples), statistics.median(samples), growth_of(samples)
    each_kb = (most - before) * 1e6 / 1024 / total
    return Result(
        name="series-watched",
        what="memory of the predictor with 50,000 live series",
        sizes=f"{total:,} series of {WATCHED_METRICS} metrics, each every {WATCHED_EVERY_S} s for {seconds:g} s",
        ours=f"{each_kb:.1f} kB a series ({most:.0f} MB at most, {median:.0f} MB in the median), "
        f"{growth:+.1%} from {SETTLED:.0%} of the time to its end",
        reference=f"{before:.0f} MB without any",
        must_be=f"≤ {PREDICTOR_AT_MOST_KB:g} kB a series, ≤ {GROWS_AT_MOST:+.0%}",
        met=each_kb <= PREDICTOR_AT_MOST_KB and growth <= GROWS_AT_MOST,
    )


async def sampled(session: Session, program: Running, seconds: float, send: Callable[[], Awaitable[float]]) -> list[float]:
    """The resident memory in MB over ``seconds``, while ``send`` is called again and again; it returns when it is next due."""
    ends = time.monotonic() + seconds

    async def sending() -> None:
        due = time.monotonic()
        while due < ends:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due = await send()

    task = asyncio.create_task(sending())
    samples: list[float] = []
    try:
        while time.monotonic() < ends:
            await asyncio.sleep(SAMPLE_EVERY_S)
            program.check()
            if task.done():
                task.result()
            samples.append(program.memory_mb())
            if len(samples) % 60 == 0:
                session.say(f"{program.name}: {samples[-1]:.0f} MB")
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    return samples


def growth_of(samples: list[float]) -> float:
    """How much more memory there is at the end than after :data:`SETTLED` of the time, each the most of a tenth of the time."""
    tenth = max(1, len(samples) // 10)
    settled = int(len(samples) * SETTLED)
    return max(samples[-tenth:]) / max(samples[settled : settled + tenth]) - 1


async def _stored_series(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(
            await connection.fetchval(
                "SELECT count(*) FROM (SELECT DISTINCT metric, labels FROM rollups WHERE resolution = '1h') AS series"
            )
        )
    finally:
        await connection.close()


class _Exports:
    """The services, which export one after the other."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._random = random.Random(7)
        self._began_ns = time.time_ns()
        self._next = 0
        self._due = time.monotonic()

    async def send(self) -> float:
        service = self._next % SERVICES
        self._next += 1
        message = ResourceMetrics()
        for key, value in (("service.name", f"service-{service}"), ("service.instance.id", f"i-{service}")):
            message.resource.attributes.add(key=key).value.string_value = value
        scope = message.scope_metrics.add()
        scope.scope.name = "bench"
        for number in range(METRICS):
            self._metric(scope.metrics.add(name=f"bench.live.{number}", unit="s"), number)
        await self._bus.publish(subjects.metrics(DEFAULT_TENANT, f"service-{service}"), message.SerializeToString())
        self._due = max(time.monotonic(), self._due + SENT_EVERY_S / SERVICES)
        return self._due

    def _metric(self, metric: Any, number: int) -> None:
        data = (metric.sum, metric.gauge, metric.histogram)[number % 3]
        now = time.time_ns()
        passed = (now - self._began_ns) // 1_000_000_000 + 1
        if number % 3 != 1:
            data.aggregation_temporality = 2
        if number % 3 == 0:
            data.is_monotonic = True
        for route in range(ROUTES):
            point = data.data_points.add(time_unix_nano=now, start_time_unix_nano=self._began_ns)
            point.attributes.add(key="http.route").value.string_value = f"/route/{route}"
            if number % 3 == 2:
                # the same observations again and again, others of each series
                counts = [passed * ((route + number + place) % 4) for place in range(len(BOUNDS) + 1)]
                point.explicit_bounds.extend(BOUNDS)
                point.bucket_counts.extend(counts)
                point.count, point.sum, point.min, point.max = sum(counts), passed * 1.5, 0.001, 20.0
            elif number % 3 == 1:
                point.as_double = self._random.gauss(100, 10)
            else:
                point.as_int = passed * (route + 1)


class _Aggregates:
    """What analytics publishes of the watched metrics, evenly over :data:`WATCHED_EVERY_S`."""

    def __init__(self, bus: Bus, definitions: list[MetricDefinition]) -> None:
        self._bus = bus
        self._definitions = definitions
        self._random = random.Random(8)
        self._next = 0
        self._due = time.monotonic()

    async def send(self) -> float:
        definition = self._definitions[self._next % len(self._definitions)]
        self._next += 1
        now = datetime.now(UTC).timestamp()
        start = math.floor(now - 3) * 1000
        count = WATCHED_EACH - 1
        series = [AggregateSeries(count=count, sum=count * 100.0, min=50.0, max=150.0)]
        for number in range(count):
            value = self._random.gauss(100, 10)
            labels = {"service": f"service-{number}"}
            series.append(AggregateSeries(labels=labels, count=1, sum=value, min=value, max=value))
        aggregate = Aggregate(
            tenant=DEFAULT_TENANT,
            metric=definition.token,
            unit=definition.unit,
            resolution="1s",
            window_start=start,
            revision=round(now * 1000),
            final=True,
            published_at=round(now * 1000),
            series=series,
        )
        subject = subjects.aggregates(DEFAULT_TENANT, "1s", definition.token)
        await self._bus.publish(subject, msgspec.json.encode(aggregate))
        self._due = max(time.monotonic(), self._due + WATCHED_EVERY_S / len(self._definitions))
        return self._due


@contextlib.asynccontextmanager
async def _insights(bus: Bus) -> AsyncIterator[set[tuple[str, ...]]]:
    """The series of which the predictor has said something, while the block lasts."""
    known: set[tuple[str, ...]] = set()
    prefix = token_of("bench.watched.")

    async def take(msg: Any) -> None:
        insight = msgspec.json.decode(msg.data)
        if insight.get("metric", "").startswith(prefix) and "field" in insight:
            known.add((insight["metric"], *insight.get("labels", {}).values()))

    subscription = await bus.nc.subscribe("insights.>", cb=take, pending_msgs_limit=-1, pending_bytes_limit=-1)
    try:
        yield known
    finally:
        await subscription.unsubscribe()
