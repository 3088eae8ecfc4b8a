"""Spans from the stream to committed rows, rates, errors and durations, against parsing and grouping the same bytes alone.

As ``storage``: analytics is ready and idle, its consumer paused; the stream is filled with the exports of 20 services; the
consumer is resumed, and the clock runs from the last instant at which nothing was delivered yet until every message is
acknowledged, which is after the commit. Each span is decoded, counted once, stored as a row and counted by service, operation
and kind at three resolutions. Then rows and rollups are compared with what was sent.

The reference is protobuf's own parser (upb) on the payloads and a count and sum of durations by service, name and kind, in one
process: the least that any receiver in Python does. It is measured before and after each round: where the host's processors are
shared with other machines, the same work takes up to 1.7 times the processor time from one minute to the next.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from benchmarks import figures, storage
from benchmarks.figures import Round
from benchmarks.processes import BenchmarkFailed, until
from benchmarks.services import House, house
from benchmarks.session import Session
from benchmarks.span_payloads import SERVICES, SPANS_EACH, Sent, messages
from benchmarks.storage import Measured
from benchmarks.table import Result
from drishti.messages import catalogue, subjects
from drishti.messages.catalogue import ANALYTICS
from drishti_local.servers import PostgresServer

AT_LEAST = 15_000
MOST_BYTES = 300
PER_S = 2_000
"""As which the spans' times lie."""

ASKED_EVERY_S = 0.05
STREAM, DURABLE = catalogue.consumer(catalogue.ANALYTICS, "spans")


async def spans(session: Session) -> Result:
    options = session.options
    ours: list[Measured] = []
    grouped: list[float] = []
    sizes: list[tuple[float, float]] = []
    folder = session.folder("spans")
    postgres = PostgresServer(folder / "postgres")
    count = options.stored_events // SPANS_EACH * SPANS_EACH
    try:
        await asyncio.to_thread(postgres.start)
        async with house(folder / "nats") as home:
            for number in range(1, options.stored_rounds + 1):
                sent = messages(count, seconds=count / PER_S, until_ns=time.time_ns() - 5_000_000_000, seed=number)
                before = _grouped_us(sent)
                measured, size = await _ours(home, postgres, sent, count)
                grouped.append((before + _grouped_us(sent)) / 2 / count)
                ours.append(measured)
                sizes.append(size)
                session.say(
                    f"spans {number}/{options.stored_rounds}: {measured.per_s:,.0f} spans/s, {measured.cpu_us:.0f} µs a span, "
                    f"PostgreSQL {measured.postgres_us:.0f} µs; parsing and grouping alone {grouped[-1]:.2f} µs; "
                    f"{size[0]:.0f} B a span, {size[1]:.0f} B of them its key"
                )
    finally:
        await asyncio.to_thread(postgres.stop)
    cpu = figures.compare([Round(a.cpu_us, b) for a, b in zip(ours, grouped, strict=True)])
    per_s = sorted(one.per_s for one in ours)[len(ours) // 2]
    there = sorted(one.postgres_us for one in ours)[len(ours) // 2]
    whole, keys = sorted(sizes)[len(sizes) // 2]
    return Result(
        name="spans",
        what="spans to committed rows, rates, errors and durations",
        sizes=f"{len(ours)} × {count:,} spans of {SERVICES} services in {count // SPANS_EACH:,} traces, {count / PER_S:.0f} s",
        ours=f"{per_s:,.0f} spans/s, {cpu.ours:.0f} µs CPU of analytics each; {whole:,.0f} MB a million",
        reference=f"protobuf's parser and a group-by of the same bytes alone: {1e6 / cpu.reference:,.0f} spans/s, "
        f"{cpu.reference:.2f} µs each",
        ratio=f"{cpu.ratio:.0f} × the CPU of parsing ({cpu.lowest:.0f} to {cpu.highest:.0f})",
        must_be=f"≥ {AT_LEAST:,} spans/s, ≤ {MOST_BYTES} B each",
        met=per_s >= AT_LEAST and whole <= MOST_BYTES,
        notes=[
            f"processor time of PostgreSQL: {there:.0f} µs a span",
            f"on disk, with indexes: {whole:.0f} B a span, of which {keys:.0f} B are the key by which it counts once",
        ],
    )


def _grouped_us(sent: Sequence[Sent]) -> float:
    began = time.process_time()
    groups: defaultdict[tuple[str, str, int], list[int]] = defaultdict(lambda: [0, 0])
    for one in sent:
        message = ResourceSpans.FromString(one.payload)
        service = one.service
        for scope in message.scope_spans:
            for span in scope.spans:
                group = groups[service, span.name, span.kind]
                group[0] += 1
                group[1] += span.end_time_unix_nano - span.start_time_unix_nano
    return (time.process_time() - began) * 1e6


async def _ours(
    home: House, postgres: PostgresServer, sent: Sequence[Sent], count: int
) -> tuple[Measured, tuple[float, float]]:
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
                        home.admin.publish(subjects.spans("default", service), payload)
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
                size = await _bytes(connection, "spans"), await _bytes(connection, "seen")
            finally:
                await connection.close()
    measured = Measured(count / seconds, spent_s / count * 1e6, there_s / count * 1e6)
    return measured, ((size[0] + size[1]) / count, size[1] / count)


async def _bytes(connection: asyncpg.Connection, table: str) -> int:
    """What the partitions of a table take on disk, with their indexes."""
    return int(
        await connection.fetchval(
            "SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0) FROM pg_inherits WHERE inhparent = $1::regclass", table
        )
    )


async def _check(connection: asyncpg.Connection, count: int) -> None:
    """Every span has a row, and is counted in each resolution."""
    rows = await connection.fetchval("SELECT count(*) FROM spans")
    counted = await connection.fetch(
        "SELECT resolution, sum(count)::bigint AS spans FROM rollups WHERE metric = 'span_duration_ms' GROUP BY 1"
    )
    if rows != count or {record["spans"] for record in counted} != {count}:
        raise BenchmarkFailed(f"analytics stored {rows} spans and counted {counted}, of {count}")
