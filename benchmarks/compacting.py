"""What storing live events loses while as many are compacted: a backlog in the stream is stored while nobody may compact, and
another one while analytics puts the first one into segments, by turns. The clock is that of the row `storage`.
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
from benchmarks.processes import until
from benchmarks.services import House, house
from benchmarks.session import Session
from benchmarks.storage import DURABLE, MESSAGE_EVENTS, PER_S, STREAM, database, fill, first_delivery, settled
from benchmarks.table import Result
from drishti.messages.catalogue import ANALYTICS
from drishti_local.servers import PostgresServer

AT_LEAST = 0.9
WITHIN_S = 300.0

_LOCK = "SELECT pg_advisory_lock(hashtext('drishti.segments.rewrite'))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtext('drishti.segments.rewrite'))"
_WAITS = """
SELECT count(*) > 0 FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'analytics segments' AND wait_event = 'advisory'
"""
_COMPACTED = "SELECT coalesce(sum(rows), 0)::bigint FROM segments WHERE col = 'users'"


async def compacting(session: Session) -> Result:
    count, rounds = session.options.backfill_live_events, session.options.backfill_rounds
    folder = session.folder("compacting")
    postgres = PostgresServer(folder / "postgres")
    turns: list[Round] = []
    try:
        await asyncio.to_thread(postgres.start)
        async with house(folder / "nats") as home, database(postgres) as url:
            program = home.program(ANALYTICS, database_url=url, environ={"OTEL_METRICS_EXPORTER": "none"})
            async with home.service(program):
                connection = await asyncpg.connect(url)
                try:
                    for number in range(1, rounds + 1):
                        turns.append(await _round(home, connection, count))
                        session.say(
                            f"compacting {number}: {turns[-1].ours:,.0f} events/s beside it, {turns[-1].reference:,.0f} alone"
                        )
                finally:
                    await connection.close()
    finally:
        await asyncio.to_thread(postgres.stop)
    stored = figures.compare(turns)
    return Result(
        name="compacting",
        what="storing live events while as many are compacted",
        sizes=f"{rounds} × {count:,} events, of one day",
        ours=f"{stored.ours:,.0f} events/s",
        reference=f"with nothing beside: {stored.reference:,.0f} events/s",
        ratio=f"{stored.ratio:.2f} × ({stored.lowest:.2f} to {stored.highest:.2f})",
        must_be=f"≥ {AT_LEAST:g} ×",
        met=stored.ratio >= AT_LEAST,
    )


async def _round(home: House, connection: asyncpg.Connection, count: int) -> Round:
    """Events stored in a second, beside compaction and alone."""
    await connection.execute(_LOCK)
    waiting = await _backlog(home, count)
    alone = count / await _stored(home, waiting)
    waiting = await _backlog(home, count)
    await until(lambda: connection.fetchval(_WAITS), "the day is to be compacted", within_s=WITHIN_S)
    before = await connection.fetchval(_COMPACTED)
    await connection.execute(_UNLOCK)
    beside = count / await _stored(home, waiting)

    async def compacted() -> bool:
        return bool(await connection.fetchval(_COMPACTED) >= before + count)

    await until(compacted, "the events of before are in segments", within_s=WITHIN_S)
    return Round(beside, alone)


async def _backlog(home: House, count: int) -> int:
    """Messages that wait until :func:`_stored`."""
    events = Events(f"bench-{uuid.uuid4().hex[:8]}")
    until_ = datetime.now(UTC) - timedelta(seconds=5)
    messages = list(events.history(count, size=MESSAGE_EVENTS, per_s=PER_S, until=until_))
    later = datetime.now(UTC) + timedelta(hours=1)
    await home.admin.js.pause_consumer(STREAM, DURABLE, later.strftime("%Y-%m-%dT%H:%M:%SZ"))
    await fill(home, messages)
    return len(messages)


async def _stored(home: House, waiting: int) -> float:
    """How long a backlog takes, in seconds."""
    await home.admin.js.resume_consumer(STREAM, DURABLE)
    began = await first_delivery(home, STREAM, DURABLE, waiting)
    await until(lambda: settled(home, STREAM, DURABLE), "everything is stored and acked", every_s=0.01, within_s=WITHIN_S)
    return time.perf_counter() - began
