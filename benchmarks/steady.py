"""Memory of analytics while ten thousand events come every second, for ten minutes: it must stay as it is.

The events are on the bus as the gateway publishes them, and analytics stores, counts and compacts them, all of one day. The
resident memory is read twice a second. In the end every event must be a row, and nearly all must be in segments.
"""

from __future__ import annotations

import asyncio
import statistics
import time
import uuid
from datetime import UTC, datetime

import asyncpg

from benchmarks import storage
from benchmarks.payloads import TYPES, Events
from benchmarks.processes import BenchmarkFailed, until
from benchmarks.series import BEHIND_S, GROWS_AT_MOST, SETTLED, growth_of, sampled
from benchmarks.services import house
from benchmarks.session import Session
from benchmarks.storage import DURABLE, MESSAGE_EVENTS, STREAM
from benchmarks.table import Result
from drishti.bus.connection import Bus
from drishti.messages import subjects
from drishti.messages.catalogue import ANALYTICS
from drishti.messages.subjects import DEFAULT_TENANT
from drishti_local.servers import PostgresServer

AT_MOST_MB = 350.0

_STORED = "SELECT count(*) FROM events"
_COMPACTED = "SELECT coalesce(sum(rows), 0)::bigint FROM segments WHERE col = 'users'"


async def steady(session: Session) -> Result:
    seconds, rate = session.options.steady_seconds, session.options.steady_rate
    folder = session.folder("steady")
    postgres = PostgresServer(folder / "postgres")
    try:
        await asyncio.to_thread(postgres.start)
        async with house(folder / "nats") as home, storage.database(postgres) as url:
            program = home.program(ANALYTICS, database_url=url, environ={"OTEL_METRICS_EXPORTER": "none"})
            async with home.service(program) as analytics:
                before, spent = analytics.memory_mb(), analytics.cpu_s()
                sending = _Sending(home.admin, rate)
                samples = await sampled(session, analytics, seconds, sending.send)
                began = time.monotonic()
                await until(lambda: storage.settled(home, STREAM, DURABLE), "every event is stored", within_s=BEHIND_S)
                behind, spent = time.monotonic() - began, analytics.cpu_s() - spent
                connection = await asyncpg.connect(url)
                try:
                    stored, compacted = await connection.fetchval(_STORED), await connection.fetchval(_COMPACTED)
                finally:
                    await connection.close()
    finally:
        await asyncio.to_thread(postgres.stop)
    if stored != sending.sent:
        raise BenchmarkFailed(f"analytics stored {stored:,} of {sending.sent:,} events")
    most, median, growth = max(samples), statistics.median(samples), growth_of(samples)
    return Result(
        name="steady",
        what=f"memory of analytics at {rate:,} events/s",
        sizes=f"{stored:,} events in {seconds:g} s, in messages of {MESSAGE_EVENTS}",
        ours=f"{most:.0f} MB at most, {median:.0f} MB in the median, {growth:+.1%} from {SETTLED:.0%} of the time to its end",
        reference=f"{before:.0f} MB before the first",
        must_be=f"≤ {AT_MOST_MB:g} MB, ≤ {GROWS_AT_MOST:+.0%}",
        met=most <= AT_MOST_MB and growth <= GROWS_AT_MOST,
        notes=[
            f"{spent / stored * 1e6:.0f} µs CPU of analytics an event; the last one was stored after {behind:.1f} s",
            f"{compacted / stored:.0%} of all were in segments then",
        ],
    )


class _Sending:
    """Messages of one type each, by turns."""

    def __init__(self, bus: Bus, rate: float) -> None:
        self._bus = bus
        self._every_s = MESSAGE_EVENTS / rate
        self._events = Events(f"bench-{uuid.uuid4().hex[:8]}")
        self._due = time.monotonic()
        self.sent = 0

    async def send(self) -> float:
        """Sends the next one; returns when the one after is due, whatever this one took."""
        kind = TYPES[self.sent // MESSAGE_EVENTS % len(TYPES)]
        now = datetime.now(UTC)
        payload = b"[" + b",".join(self._events.one(kind, now) for _ in range(MESSAGE_EVENTS)) + b"]"
        await self._bus.publish(subjects.events(DEFAULT_TENANT, kind), payload)
        self.sent += MESSAGE_EVENTS
        self._due += self._every_s
        return self._due
