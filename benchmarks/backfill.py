"""The history of a KPI, filled from stored events, against the plain GROUP BY of the same rows; and what storing live events
loses meanwhile.

The rows lie as analytics stores them, 10 million spread evenly over 30 days and fewer over as much less, vacuumed, and all of
the type that the KPI is about. The clock of ours runs from the definition until the history of both terms of the KPI is filled,
with seconds of the last two days, minutes and hours; the reference counts by the minute and keeps nothing. Each round has a KPI
of its own.

Live: a backlog in the stream is stored once the history of a KPI is filled, and again while that of another one is, with as
many metrics to count.
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
from benchmarks.processes import BenchmarkFailed, Running, until
from benchmarks.services import House, house
from benchmarks.session import Session
from benchmarks.storage import DURABLE, MESSAGE_EVENTS, PER_S, STREAM, database, fill, first_delivery, settled
from benchmarks.table import Result
from drishti.measures.definitions import Kind, MetricDefinition, token_of
from drishti.measures.registry import MetricRegistry, opened
from drishti.messages.catalogue import ANALYTICS
from drishti.messages.subjects import DEFAULT_TENANT
from drishti_local.servers import PostgresServer

AT_MOST, LIVE_AT_LEAST = 2.0, 0.8
AT_MOST_FROM = 10_000_000
"""Events. Of fewer the two days with cells by the second are most of what is written, and the reference writes nothing."""

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
_ALL = "SELECT count(*) FROM events WHERE event_type = $1"
_FILLED = "SELECT count(*) FILTER (WHERE filled AND filled_rows = $1) = 2 FROM event_metrics WHERE NOT ended"
_BEGUN = "SELECT coalesce(sum(filled_rows), 0) > 0 FROM event_metrics WHERE NOT ended"
_UNFILLED = "SELECT count(*) FROM event_metrics WHERE NOT ended AND NOT filled"
_NONE = "SELECT count(*) = 0 FROM event_metrics WHERE NOT ended"


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
            async with home.service(program) as analytics:
                connection = await asyncpg.connect(url, server_settings={"jit": "off"})
                bench = _Bench(home, analytics, connection, known)
                try:
                    await _store(connection, options.backfill_events)
                    session.say(f"backfill: {options.backfill_events:,} rows are stored")
                    for number in range(1, options.backfill_rounds + 1):
                        plain.append(await _plain(connection, _least(number)))
                        ours.append(await bench.filled(number))
                        session.say(f"backfill {number}: {ours[-1]:.1f} s, the GROUP BY {plain[-1]:.1f} s")
                        live.append(await bench.live(number, options.backfill_live_events))
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
        must_be=f"≤ {AT_MOST:g} × (of {AT_MOST_FROM:,} events); live ≥ {LIVE_AT_LEAST:g} ×",
        met=(rate.ratio <= AT_MOST or options.backfill_events < AT_MOST_FROM) and stored.ratio >= LIVE_AT_LEAST,
        notes=[
            f"live, a backlog of {options.backfill_live_events:,} events: {stored.ours:,.0f} events/s while history is filled, "
            f"{stored.reference:,.0f} with nothing beside ({stored.lowest:.2f} to {stored.highest:.2f} ×)",
        ],
    )


def _least(number: float) -> float:
    """Every KPI has another condition, and so other metrics."""
    return 2.0 + number / 10


def _name(number: float) -> str:
    return f"good answers {number:g}"


class _Bench:
    """Analytics on a database with rows of events, and KPIs that are defined and deleted again."""

    def __init__(self, home: House, analytics: Running, connection: asyncpg.Connection, known: MetricRegistry) -> None:
        self._home = home
        self._analytics = analytics
        self._connection = connection
        self._known = known

    async def filled(self, number: int) -> float:
        """How long the history of a new KPI takes, in seconds. The KPI stays."""
        events = await self._connection.fetchval(_ALL, TYPE)
        began = time.perf_counter()
        await self._define(number)
        await self._until(_FILLED, "the history is filled", events, within_s=FILLED_WITHIN_S, every_s=0.05)
        seconds = time.perf_counter() - began
        counted = [record["count"] for record in await self._connection.fetch(_COUNTED)]
        wanted = [await self._connection.fetchval(_GOOD, TYPE, _least(number)), events]
        if counted != wanted:  # then the figure means nothing
            raise BenchmarkFailed(f"the history came to {counted}, and not to {wanted}")
        return seconds

    async def live(self, number: int, count: int) -> Round:
        """Events stored in a second beside the KPI of before, which goes, and while the history of another one is filled."""
        await self._fill_stream(count)
        alone = count / await self._store()
        await self._delete(number)
        await self._fill_stream(count)
        await self._define(number + 0.5)
        await self._until(_BEGUN, "history begins to be filled", every_s=0.02)
        beside = count / await self._store()
        if not await self._connection.fetchval(_UNFILLED):
            raise BenchmarkFailed("the history was filled before the backlog was stored: take more events for it")
        await self._delete(number + 0.5)
        return Round(beside, alone)

    async def _define(self, number: float) -> None:
        expression = f"100 * count({TYPE} where satisfaction >= {_least(number)}) / count({TYPE})"
        kpi = MetricDefinition(name=_name(number), kind=Kind.DERIVED, unit="%", expression=expression)
        await self._known.put(DEFAULT_TENANT, kpi, self._known.revision(DEFAULT_TENANT, kpi.token))

    async def _delete(self, number: float) -> None:
        token = token_of(_name(number))
        await self._known.delete(DEFAULT_TENANT, token, self._known.revision(DEFAULT_TENANT, token))
        await self._until(_NONE, "the KPI is not counted any more")

    async def _fill_stream(self, count: int) -> None:
        """A backlog that waits until :meth:`_store`."""
        events = Events(f"bench-{uuid.uuid4().hex[:8]}")
        until_ = datetime.now(UTC) - timedelta(seconds=5)
        messages = list(events.history(count, size=MESSAGE_EVENTS, per_s=PER_S, until=until_))
        later = datetime.now(UTC) + timedelta(hours=1)
        await self._home.admin.js.pause_consumer(STREAM, DURABLE, later.strftime("%Y-%m-%dT%H:%M:%SZ"))
        await fill(self._home, messages)
        self._waiting = len(messages)

    async def _store(self) -> float:
        """How long the backlog takes, in seconds."""
        await self._home.admin.js.resume_consumer(STREAM, DURABLE)
        began = await first_delivery(self._home, STREAM, DURABLE, self._waiting)
        await until(lambda: settled(self._home, STREAM, DURABLE), "everything is stored and acked", every_s=0.01)
        return time.perf_counter() - began

    async def _until(
        self, condition: str, what: str, *parameters: object, within_s: float = 60.0, every_s: float = 0.05
    ) -> None:
        async def holds() -> bool:
            self._analytics.check()
            return bool(await self._connection.fetchval(condition, *parameters))

        await until(holds, what, within_s=within_s, every_s=every_s)


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
