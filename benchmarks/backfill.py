"""The history of a KPI, filled from stored events, against the plain GROUP BY of the same rows; and what storing live events
loses meanwhile.

The rows lie as analytics stores them, 10 million spread evenly over 30 days and fewer over as much less, vacuumed, and all of
the type that the KPI is about. The clock of ours runs from the definition until the history of both terms of the KPI is filled,
with seconds of the last two days, minutes and hours; the reference counts by the minute and keeps nothing. Each round has a KPI
of its own.

Live: a backlog in the stream is stored with nothing beside, and while another KPI's history is filled, in turn.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import UTC, datetime, timedelta

import asyncpg

from benchmarks import figures
from benchmarks.figures import Round
from benchmarks.payloads import Events
from benchmarks.processes import BenchmarkFailed, until
from benchmarks.services import House, house
from benchmarks.session import Session
from benchmarks.storage import DURABLE, MESSAGE_EVENTS, PER_S, STREAM, database, fill, first_delivery, settled
from benchmarks.table import Result
from drishti.measures.definitions import Kind, MetricDefinition
from drishti.measures.registry import MetricRegistry, opened
from drishti.messages.catalogue import ANALYTICS
from drishti.messages.subjects import DEFAULT_TENANT
from drishti_local.servers import PostgresServer

AT_MOST, LIVE_AT_LEAST = 2.0, 0.8
PER_DAY = 10_000_000 / 30
TYPE = "feedback"
FILLED_WITHIN_S = 1800.0

_ROWS = """
INSERT INTO events (tenant, event_id, event_type, time, user_id, session_id, service, version, data)
SELECT $1, 'stored-' || n, $2, $3::timestamptz + n * $4::interval, 'user-' || n % 5000, 'session-' || n % 20000, 'wisdom',
       '1.4.2', jsonb_build_object(
           'satisfaction', n % 50 / 10.0, 'topic', 'topic-' || n % 12, 'query', 'how do I begin', 'helpful', n % 3 = 0
       )
FROM generate_series($5::bigint, $6::bigint) AS n
"""
_GROUP_BY = """
SELECT date_trunc('minute', time) AS minute, count(*) FILTER (WHERE (data ->> 'satisfaction')::float8 >= $3) AS good, count(*)
FROM events WHERE tenant = $1 AND event_type = $2 GROUP BY 1
"""
_COUNTED = """
SELECT DISTINCT sum(r.count)::bigint AS count
FROM rollups AS r JOIN event_metrics AS m ON r.writer = m.writer
WHERE NOT m.ended AND r.resolution IN ('1m', '1h') GROUP BY r.resolution, r.metric ORDER BY 1
"""
_GOOD = "SELECT count(*) FROM events WHERE event_type = $1 AND (data ->> 'satisfaction')::float8 >= $2"
_UNFILLED = "SELECT count(*) FROM event_metrics WHERE NOT ended AND NOT filled"


async def backfill(session: Session) -> Result:
    options = session.options
    folder = session.folder("backfill")
    postgres = PostgresServer(folder / "postgres")
    ours: list[float] = []
    plain: list[float] = []
    live: list[Round] = []
    try:
        await asyncio.to_thread(postgres.start)
        async with house(folder / "nats") as home, database(postgres) as url, opened(home.admin) as known:
            program = home.program(ANALYTICS, database_url=url, environ={"OTEL_METRICS_EXPORTER": "none"})
            async with home.service(program):
                connection = await asyncpg.connect(url, server_settings={"jit": "off"})
                try:
                    await _store(connection, options.backfill_events)
                    session.say(f"backfill: {options.backfill_events:,} rows are stored")
                    for number in range(1, options.backfill_rounds + 1):
                        plain.append(await _plain(connection, _least(number)))
                        ours.append(await _filled(connection, known, number, options.backfill_events))
                        session.say(f"backfill {number}: {ours[-1]:.1f} s, the GROUP BY {plain[-1]:.1f} s")
                    for number in range(1, options.backfill_rounds + 1):
                        live.append(await _live(home, connection, known, 10 + number, options.backfill_live_events))
                        session.say(
                            f"live {number}: {live[-1].ours:,.0f} events/s while filling, {live[-1].reference:,.0f} else"
                        )
                finally:
                    await connection.close()
    finally:
        await asyncio.to_thread(postgres.stop)
    rate = figures.compare([Round(a, b) for a, b in zip(ours, plain, strict=True)])
    stored = figures.compare(live)
    return Result(
        name="backfill",
        what="history of a KPI out of stored events",
        sizes=f"{options.backfill_events:,} events of one type over {options.backfill_events / PER_DAY:.1f} days; "
        f"{len(ours)} KPIs of two terms, one by one",
        ours=f"{rate.ours:.1f} s = {options.backfill_events / rate.ours:,.0f} events/s",
        reference=f"the plain GROUP BY of the same rows by minute, one process: {rate.reference:.1f} s",
        ratio=f"{rate.ratio:.2f} × ({rate.lowest:.2f} to {rate.highest:.2f}); live {stored.ratio:.2f} ×",
        must_be=f"≤ {AT_MOST:g} ×; live ≥ {LIVE_AT_LEAST:g} ×",
        met=rate.ratio <= AT_MOST and stored.ratio >= LIVE_AT_LEAST,
        notes=[
            f"live, a backlog of {options.backfill_live_events:,} events: {stored.ours:,.0f} events/s while history is filled, "
            f"{stored.reference:,.0f} with nothing beside ({stored.lowest:.2f} to {stored.highest:.2f} ×)",
        ],
    )


def _least(number: int) -> float:
    """Every round has another condition, and so other metrics."""
    return 2.0 + number / 10


async def _define(known: MetricRegistry, number: int) -> str:
    name = f"good answers {number}"
    expression = f"100 * count({TYPE} where satisfaction >= {_least(number)}) / count({TYPE})"
    kpi = MetricDefinition(name=name, kind=Kind.DERIVED, unit="%", expression=expression)
    await known.put(DEFAULT_TENANT, kpi, known.revision(DEFAULT_TENANT, kpi.token))
    return kpi.token


async def _filled(connection: asyncpg.Connection, known: MetricRegistry, number: int, events: int) -> float:
    """How long the history of a new KPI takes, in seconds."""
    began = time.perf_counter()
    token = await _define(known, number)

    async def filled() -> bool:
        done = "SELECT count(*) FILTER (WHERE filled AND filled_rows = $1) = 2 FROM event_metrics WHERE NOT ended"
        return bool(await connection.fetchval(done, events))

    await until(filled, "the history is filled", within_s=FILLED_WITHIN_S, every_s=0.05)
    seconds = time.perf_counter() - began
    await _check(connection, number, events)
    await _delete(connection, known, token)
    return seconds


async def _check(connection: asyncpg.Connection, number: int, events: int) -> None:
    """The minutes say what the rows say, or the figure means nothing."""
    found = [record["count"] for record in await connection.fetch(_COUNTED)]
    wanted = [await connection.fetchval(_GOOD, TYPE, _least(number)), events]
    if found != wanted:
        raise BenchmarkFailed(f"the history came to {found}, and not to {wanted}")


async def _delete(connection: asyncpg.Connection, known: MetricRegistry, token: str) -> None:
    await known.delete(DEFAULT_TENANT, token, known.revision(DEFAULT_TENANT, token))

    async def gone() -> bool:
        return not await connection.fetchval("SELECT count(*) FROM event_metrics WHERE NOT ended")

    await until(gone, "the KPI is not counted any more")


async def _live(home: House, connection: asyncpg.Connection, known: MetricRegistry, number: int, count: int) -> Round:
    """Events stored in a second, with a history that is filled meanwhile, and without."""
    alone = await _stored(home, connection, count)
    token = await _define(known, number)
    begun = "SELECT coalesce(sum(filled_rows), 0) > 0 FROM event_metrics WHERE NOT ended"
    await until(lambda: connection.fetchval(begun), "history begins to be filled", every_s=0.02)
    beside = await _stored(home, connection, count)
    if not await connection.fetchval(_UNFILLED):
        raise BenchmarkFailed("the history was filled before the backlog was stored: take more events for it")
    await _delete(connection, known, token)
    return Round(beside, alone)


async def _stored(home: House, connection: asyncpg.Connection, count: int) -> float:
    js = home.admin.js
    events = Events(f"bench-{uuid.uuid4().hex[:8]}")
    messages = list(events.history(count, size=MESSAGE_EVENTS, per_s=PER_S, until=datetime.now(UTC) - timedelta(seconds=5)))
    later = datetime.now(UTC) + timedelta(hours=1)
    await js.pause_consumer(STREAM, DURABLE, later.strftime("%Y-%m-%dT%H:%M:%SZ"))
    await fill(home, messages)
    await js.resume_consumer(STREAM, DURABLE)
    began = await first_delivery(home, STREAM, DURABLE, len(messages))
    await until(lambda: settled(home, STREAM, DURABLE), "everything is stored and acked", every_s=0.01)
    return count / (time.perf_counter() - began)


async def _plain(connection: asyncpg.Connection, least: float) -> float:
    began = time.perf_counter()
    await connection.fetch(_GROUP_BY, DEFAULT_TENANT, TYPE, least)
    return time.perf_counter() - began


async def _store(connection: asyncpg.Connection, count: int) -> None:
    end = datetime.now(UTC) - timedelta(hours=1)
    days = count / PER_DAY
    begins = end - timedelta(days=days) + timedelta(hours=2)
    for n in range(int(days) + 2):
        day = (begins + timedelta(days=n)).replace(hour=0, minute=0, second=0, microsecond=0)
        await connection.execute(
            "SELECT make_partition('events', $1, $2, $3, '')", f"events_{day:%Y%m%d}", day, day + timedelta(days=1)
        )
    step = (end - begins) / count
    chunk = 250_000
    for first in range(0, count, chunk):
        last = min(count, first + chunk) - 1
        await connection.execute(_ROWS, DEFAULT_TENANT, TYPE, begins, step, first, last, timeout=600)
    await connection.execute("VACUUM (ANALYZE) events", timeout=600)
    await connection.execute("CHECKPOINT", timeout=600)
