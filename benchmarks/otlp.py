"""OTLP data points from the stream to committed rollups, against parsing the same bytes alone.

As ``storage``: analytics is ready and idle, its consumer paused; the stream is filled with the exports of 100 services; the
consumer is resumed, and the clock runs from the last instant at which nothing was delivered yet until every message is
acknowledged, which is after the commit. Each point is decoded, counted once, compared with the last point of its stream,
and rolled up at three resolutions. Then counters, distributions and streams are compared with what was sent.

The reference is protobuf's own parser (upb) on the payloads, in one process: the least that any receiver in Python does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics

from benchmarks import figures, storage
from benchmarks.figures import Round
from benchmarks.otlp_payloads import METRICS, POINTS_EACH, Sent, messages
from benchmarks.processes import BenchmarkFailed, until
from benchmarks.services import House, house
from benchmarks.session import Session
from benchmarks.storage import Measured
from benchmarks.table import Result
from drishti.messages import catalogue, subjects
from drishti.messages.catalogue import ANALYTICS
from drishti_local.servers import PostgresServer

AT_LEAST = 15_000
SERVICES = 100
EVERY_S = 10.0
ASKED_EVERY_S = 0.05
"""How often is asked whether everything is stored: each time costs what storing some points does."""

STREAM, DURABLE = catalogue.consumer(catalogue.ANALYTICS, "metrics")


async def metrics(session: Session) -> Result:
    options = session.options
    ours: list[Measured] = []
    parsed: list[float] = []
    folder = session.folder("otlp-metrics")
    postgres = PostgresServer(folder / "postgres")
    count = SERVICES * METRICS * POINTS_EACH * options.metric_exports
    try:
        await asyncio.to_thread(postgres.start)
        async with house(folder / "nats") as home:
            for number in range(1, options.metric_rounds + 1):
                sent = messages(
                    services=SERVICES,
                    exports=options.metric_exports,
                    every_s=EVERY_S,
                    until=datetime.now(UTC) - timedelta(seconds=5),
                )
                parsed.append(_parse_us(sent) / count)
                ours.append(await _ours(home, postgres, sent, count))
                session.say(
                    f"otlp-metrics {number}/{options.metric_rounds}: {ours[-1].per_s:,.0f} points/s, "
                    f"{ours[-1].cpu_us:.0f} µs a point; parsing alone {parsed[-1]:.2f} µs"
                )
    finally:
        await asyncio.to_thread(postgres.stop)
    cpu = figures.compare([Round(a.cpu_us, b) for a, b in zip(ours, parsed, strict=True)])
    per_s = sorted(one.per_s for one in ours)[len(ours) // 2]
    there = sorted(one.postgres_us for one in ours)[len(ours) // 2]
    return Result(
        name="otlp-metrics",
        what="OTLP data points to committed rollups",
        sizes=f"{len(ours)} × {count:,} points: {SERVICES} services, {METRICS} metrics of every type, "
        f"{options.metric_exports} exports {EVERY_S:.0f} s apart",
        ours=f"{per_s:,.0f} points/s, {cpu.ours:.0f} µs CPU of analytics each",
        reference=f"protobuf's parser on the same bytes alone: {1e6 / cpu.reference:,.0f} points/s, "
        f"{cpu.reference:.2f} µs each",
        ratio=f"{cpu.ratio:.0f} × the CPU of parsing ({cpu.lowest:.0f} to {cpu.highest:.0f})",
        must_be=f"≥ {AT_LEAST:,} points/s",
        met=per_s >= AT_LEAST,
        notes=[
            f"processor time of PostgreSQL: {there:.0f} µs a point. A replica has one core at most: with that and another for "
            f"PostgreSQL, which do nothing else, it would be {min(1e6 / cpu.ours, 2e6 / (cpu.ours + there)):,.0f} points/s",
            "the payloads are made and in the stream before the clock runs",
        ],
    )


def _parse_us(sent: Sequence[Sent]) -> float:
    began = time.process_time()
    for one in sent:
        ResourceMetrics.FromString(one.payload)
    return (time.process_time() - began) * 1e6


async def _ours(home: House, postgres: PostgresServer, sent: Sequence[Sent], count: int) -> Measured:
    js = home.admin.js
    await js.purge_stream(STREAM)
    async with storage.database(postgres) as url:
        program = home.program(ANALYTICS, database_url=url, environ={"OTEL_METRICS_EXPORTER": "none"})
        async with home.service(program) as analytics:
            later = datetime.now(UTC) + timedelta(hours=1)
            await js.pause_consumer(STREAM, DURABLE, later.strftime("%Y-%m-%dT%H:%M:%SZ"))
            for start in range(0, len(sent), storage.IN_FLIGHT):
                await asyncio.gather(
                    *(
                        home.admin.publish(subjects.metrics("default", service), payload)
                        for service, payload in sent[start : start + storage.IN_FLIGHT]
                    )
                )
            connection = await asyncpg.connect(url)
            try:
                await connection.execute("CHECKPOINT")
                before, before_there = analytics.cpu_s(), storage.cpu_s(postgres)
                await js.resume_consumer(STREAM, DURABLE)
                began = await storage.first_delivery(home, STREAM, DURABLE, len(sent))
                stored = "everything is stored and acked"
                await until(lambda: storage.settled(home, STREAM, DURABLE), stored, every_s=ASKED_EVERY_S)
                seconds = time.perf_counter() - began
                spent_s, there_s = analytics.cpu_s() - before, storage.cpu_s(postgres) - before_there
                await _check(connection, count)
            finally:
                await connection.close()
    return Measured(count / seconds, spent_s / count * 1e6, there_s / count * 1e6)


async def _check(connection: asyncpg.Connection, count: int) -> None:
    """Every point is there: each of another second has a row by the second, but for the first one of a cumulative stream."""
    keys = await connection.fetchval("SELECT count(*) FROM seen")
    rows = await connection.fetchval("SELECT count(*) FROM rollups WHERE resolution = '1s'")
    streams = await connection.fetchval("SELECT count(*) FROM metric_streams")
    if (keys, rows + streams) != (count, count):
        raise BenchmarkFailed(f"analytics stored {keys} points in {rows} rows and {streams} streams, of {count} points")
