"""From the stream to committed rows and rollups, against raw SQL that only stores the same rows once.

Ours: analytics is ready and idle, its consumer paused; the stream is filled; the consumer is resumed. The clock runs from the
last instant at which nothing was delivered yet (a resumed consumer may take a heartbeat to notice) until every message is
acked, which analytics does after its commit. It decodes, dedupes, rolls up at three resolutions and publishes
aggregates meanwhile. Then rows and rollups are counted.

The reference: the same events' rows, ready as tuples, in batches of analytics' size: COPY into a temporary table, INSERT …
ON CONFLICT DO NOTHING into a table partitioned by day with a key and a block range index; one transaction each. Same server,
same driver; each round of both has a database of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import asyncpg
import msgspec
import psutil

from benchmarks import figures
from benchmarks.figures import Round
from benchmarks.payloads import TYPES, Events
from benchmarks.processes import BenchmarkFailed, until
from benchmarks.services import House, house
from benchmarks.session import Session
from benchmarks.table import Result
from drishti.events import AnalyticsEvent
from drishti.measures.definitions import EventSource, Kind, MetricDefinition
from drishti.measures.registry import opened
from drishti.messages import catalogue, subjects
from drishti.messages.catalogue import ANALYTICS
from drishti.messages.subjects import DEFAULT_TENANT
from drishti_local.servers import PostgresServer

AT_LEAST = 0.55
AT_LEAST_DEFINED = 0.4
"""With metrics out of events and KPIs defined."""
MESSAGE_EVENTS = 100
PER_S = 2_000
"""As which the events' times lie: a backlog of some minute."""

BATCH_ROWS = 10_000
STREAM, DURABLE = catalogue.consumer(catalogue.ANALYTICS, "event")
IN_FLIGHT = 64

_COLUMNS = ("tenant", "event_id", "event_type", "time", "user_id", "session_id", "service", "version", "data", "trace_id")
_TABLE = """
CREATE TABLE raw (
    tenant text NOT NULL, event_id text NOT NULL, event_type text NOT NULL, time timestamptz NOT NULL, user_id text,
    session_id text, service text, version text, data jsonb, trace_id text, PRIMARY KEY (tenant, event_id, time)
) PARTITION BY RANGE (time);
CREATE INDEX ON raw USING brin (time) WITH (pages_per_range = 32);
CREATE TEMPORARY TABLE staging (LIKE raw) ON COMMIT DELETE ROWS;
"""

_decoder = msgspec.json.Decoder(list[AnalyticsEvent])


class Measured(NamedTuple):
    """``cpu_us`` of the client, ``postgres_us`` of all of PostgreSQL's processes; both for each event."""

    per_s: float
    cpu_us: float
    postgres_us: float


async def storage(session: Session) -> Result:
    return await _compared(session, "storage", (), AT_LEAST)


async def storage_defined(session: Session) -> Result:
    """The same with 20 metrics out of events and 10 KPIs."""
    return await _compared(session, "storage-defined", _definitions(), AT_LEAST_DEFINED)


async def _compared(session: Session, name: str, defined: Sequence[MetricDefinition], at_least: float) -> Result:
    options = session.options
    ours: list[Measured] = []
    reference: list[Measured] = []
    folder = session.folder(name)
    postgres = PostgresServer(folder / "postgres")
    try:
        await asyncio.to_thread(postgres.start)
        async with house(folder / "nats") as home:
            for number in range(1, options.stored_rounds + 1):
                events = Events(f"bench-{uuid.uuid4().hex[:8]}")
                until_ = datetime.now(UTC) - timedelta(seconds=5)
                messages = list(events.history(options.stored_events, size=MESSAGE_EVENTS, per_s=PER_S, until=until_))
                for turn in ("ours", "raw") if number % 2 else ("raw", "ours"):
                    if turn == "ours":
                        ours.append(await _ours(home, postgres, messages, options.stored_events, defined))
                    else:
                        reference.append(await _raw(postgres, messages))
                session.say(
                    f"{name} {number}/{options.stored_rounds}: analytics {ours[-1].per_s:,.0f} events/s, "
                    f"raw SQL {reference[-1].per_s:,.0f} rows/s"
                )
    finally:
        await asyncio.to_thread(postgres.stop)
    wall = figures.compare([Round(a.per_s, b.per_s) for a, b in zip(ours, reference, strict=True)])
    cpu = figures.compare([Round(a.cpu_us, b.cpu_us) for a, b in zip(ours, reference, strict=True)])
    there = figures.compare([Round(a.postgres_us, b.postgres_us) for a, b in zip(ours, reference, strict=True)])
    return Result(
        name=name,
        what="stream to committed rows and rollups" + (", 20 event metrics and 10 KPIs defined" if defined else ""),
        sizes=f"{len(ours)} × {options.stored_events:,} events in messages of {MESSAGE_EVENTS}, "
        f"{options.stored_events / PER_S:.0f} s of 5 event types; PostgreSQL {postgres.cluster.binaries.version}",
        ours=f"{wall.ours:,.0f} events/s, {cpu.ours:.0f} µs CPU of analytics each",
        reference=f"temporary-staging COPY + INSERT … ON CONFLICT of the rows alone, {BATCH_ROWS:,} a transaction: "
        f"{wall.reference:,.0f} rows/s",
        ratio=f"{wall.ratio:.2f} × ({wall.lowest:.2f} to {wall.highest:.2f})",
        must_be=f"≥ {at_least} ×",
        met=wall.ratio >= at_least,
        notes=[
            f"processor time of PostgreSQL: {there.ours:.0f} µs an event; the reference's {there.reference:.0f} µs a row",
            f"processor time of the reference's client: {cpu.reference:.1f} µs a row; its tuples are made beforehand",
        ],
    )


async def _ours(
    home: House,
    postgres: PostgresServer,
    messages: Sequence[tuple[str, bytes]],
    count: int,
    defined: Sequence[MetricDefinition],
) -> Measured:
    js = home.admin.js
    if defined:
        async with opened(home.admin) as known:
            for metric in defined:
                await known.put(DEFAULT_TENANT, metric, known.revision(DEFAULT_TENANT, metric.token))
    await js.purge_stream(STREAM)
    async with database(postgres) as url:
        # Nobody takes its metrics here: the gateway does not run.
        program = home.program(ANALYTICS, database_url=url, environ={"OTEL_METRICS_EXPORTER": "none"})
        async with home.service(program) as analytics:
            later = datetime.now(UTC) + timedelta(hours=1)
            await js.pause_consumer(STREAM, DURABLE, later.strftime("%Y-%m-%dT%H:%M:%SZ"))
            await fill(home, messages)
            connection = await asyncpg.connect(url)
            try:
                await until(lambda: _drawn(connection, len(defined)), "the metrics are drawn from events")
                await connection.execute("CHECKPOINT")
                before, before_there = analytics.cpu_s(), cpu_s(postgres)
                await js.resume_consumer(STREAM, DURABLE)
                began = await first_delivery(home, STREAM, DURABLE, len(messages))
                await until(lambda: settled(home, STREAM, DURABLE), "everything is stored and acked", every_s=0.01)
                seconds = time.perf_counter() - began
                spent_s, there_s = analytics.cpu_s() - before, cpu_s(postgres) - before_there
                await _check(connection, count)
            finally:
                await connection.close()
    return Measured(count / seconds, spent_s / count * 1e6, there_s / count * 1e6)


_NUMBERS = {"llm_call": "duration_ms", "wisdom_generated": "wisdom_score", "feedback": "satisfaction"}
"""A numeric property of each type of event that has one."""


def _definitions() -> list[MetricDefinition]:
    """Four metrics out of each type of event, a count under a condition, a distribution, distinct users, and a count by label;
    and two KPIs over other terms."""
    metrics: list[MetricDefinition] = []
    for kind in TYPES:
        number = _NUMBERS.get(kind, "length")
        some = EventSource(event=kind, where='topic != "none" and user_id exists')
        metrics += [
            MetricDefinition(name=f"{kind} some", kind=Kind.COUNTER, source=some),
            MetricDefinition(name=f"{kind} spread", kind=Kind.DISTRIBUTION, source=EventSource(event=kind, value=number)),
            MetricDefinition(name=f"{kind} users", kind=Kind.UNIQUE, source=EventSource(event=kind, unique="user_id")),
            MetricDefinition(
                name=f"{kind} versions", kind=Kind.COUNTER, dimensions=("version",), source=EventSource(event=kind)
            ),
            MetricDefinition(
                name=f"{kind} share", kind=Kind.DERIVED, expression=f"count({kind} where topic exists) / count({kind})"
            ),
            MetricDefinition(
                name=f"{kind} mean", kind=Kind.DERIVED, expression=f"avg({kind}.{number}) / uniques({kind}.session_id)"
            ),
        ]
    return metrics


async def _drawn(connection: asyncpg.Connection, defined: int) -> bool:
    """Whether as many metrics as are defined, or more, are counted, and their empty history is filled."""
    drawn = "SELECT count(*) FROM event_metrics WHERE NOT ended AND filled"
    return not defined or bool(await connection.fetchval(drawn) >= defined)


async def fill(home: House, messages: Sequence[tuple[str, bytes]]) -> None:
    """Publishes events' messages, each of one type."""
    for start in range(0, len(messages), IN_FLIGHT):
        await asyncio.gather(
            *(
                home.admin.publish(subjects.events("default", kind), payload)
                for kind, payload in messages[start : start + IN_FLIGHT]
            )
        )


async def first_delivery(home: House, stream: str, durable: str, waiting: int) -> float:
    """The last instant at which all ``waiting`` messages were still to be delivered."""
    last = time.perf_counter()

    async def delivers() -> bool:
        nonlocal last
        asked = time.perf_counter()
        info = await home.admin.js.consumer_info(stream, durable)
        if info.num_pending == waiting:
            last = asked
        return bool(info.num_pending != waiting)

    await until(delivers, "analytics gets messages", every_s=0.002)
    return last


async def settled(home: House, stream: str, durable: str) -> bool:
    info = await home.admin.js.consumer_info(stream, durable)
    return not info.num_pending and not info.num_ack_pending


async def _check(connection: asyncpg.Connection, count: int) -> None:
    """Everything is there exactly once, in rows and in rollups, or the figure means nothing."""
    counts = {
        "rows": await connection.fetchval("SELECT count(*) FROM events"),
        **{
            f"rollups by {resolution}": await connection.fetchval(
                "SELECT sum(count)::bigint FROM rollups WHERE resolution = $1 AND metric = 'events'", resolution
            )
            for resolution in ("1s", "1m", "1h")
        },
    }
    wrong = {name: value for name, value in counts.items() if value != count}
    if wrong:
        raise BenchmarkFailed(f"analytics stored {wrong} of {count} events")


async def _raw(postgres: PostgresServer, messages: Sequence[tuple[str, bytes]]) -> Measured:
    rows = [_row(event) for _, payload in messages for event in _decoder.decode(payload)]
    async with database(postgres) as url:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(_TABLE)
            for day in sorted({row[3].date() for row in rows}):
                following = day + timedelta(days=1)
                await connection.execute(
                    f"CREATE TABLE raw_{day:%Y%m%d} PARTITION OF raw FOR VALUES FROM ('{day}') TO ('{following}')"
                )
            await connection.execute("CHECKPOINT")
            cpu, there, began = time.process_time(), cpu_s(postgres), time.perf_counter()
            for start in range(0, len(rows), BATCH_ROWS):
                async with connection.transaction():
                    await connection.copy_records_to_table(
                        "staging", records=rows[start : start + BATCH_ROWS], columns=_COLUMNS
                    )
                    await connection.execute("INSERT INTO raw SELECT * FROM staging ON CONFLICT DO NOTHING")
            seconds = time.perf_counter() - began
            spent_s, there_s = time.process_time() - cpu, cpu_s(postgres) - there
            stored = await connection.fetchval("SELECT count(*) FROM raw")
            if stored != len(rows):
                raise BenchmarkFailed(f"raw SQL stored {stored} of {len(rows)} rows")
        finally:
            await connection.close()
    return Measured(len(rows) / seconds, spent_s / len(rows) * 1e6, there_s / len(rows) * 1e6)


def cpu_s(postgres: PostgresServer) -> float:
    """Processor time of all its processes that are there now."""
    if postgres.process is None:
        raise BenchmarkFailed("postgresql is not there")
    root = psutil.Process(postgres.process.pid)
    times = [process.cpu_times() for process in (root, *root.children(recursive=True))]
    return float(sum(t.user + t.system for t in times))


def _row(event: AnalyticsEvent) -> tuple[Any, ...]:
    return (
        "default",
        event.event_id,
        event.event_type,
        event.timestamp,
        event.user_id,
        event.session_id,
        event.service,
        event.version,
        msgspec.json.encode(event.data).decode(),
        None,
    )


@contextlib.asynccontextmanager
async def database(postgres: PostgresServer) -> AsyncIterator[str]:
    """The address of an empty database, dropped at the end."""
    name = f"bench_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(postgres.url())
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        yield postgres.url(name)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()
