"""A month of events by user, the same for all rows of a run that ask what users did: in PostgreSQL, compacted, and as Parquet.

Every tenth of the events is a user of their own, so everybody is active. Users come in sessions of one to nine events, some
minutes apart: everybody has one, the others belong to few (Zipf, exponent 0.85). Of 25 types the first is a fifth of all
events; six properties, of which one is a number. Everything follows from the hash of a number, so that each run has the same
events. DuckDB makes them, and writes a file for each day, sorted by user and time; the same are copied into PostgreSQL.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import duckdb
import msgspec

from analytics.product.segments import compaction
from analytics.storage.database import Database
from analytics.storage.partitions import Partitions
from analytics.storage.tables import Table, partition_for
from benchmarks.processes import BenchmarkFailed, postgres_s
from benchmarks.session import Session
from drishti.settings import Secret
from drishti_local.servers import PostgresServer

DAYS, TYPES, PAGES, COUNTRIES = 30, 25, 40, 60
USER_EVENTS = 10
"""Events for each user."""
SESSION_EVENTS = 5
"""Events of a session on the average."""
TENANT = "default"
FIRST = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday."""
FIRST_MS = int(FIRST.timestamp()) * 1000
LAST_MS = FIRST_MS + DAYS * 86_400_000
EVENTS = Table("events")

COPIES = 2
"""Days that are copied at once."""
BYTES = 700
"""Disk that an event takes at most, with all its copies."""

_COLUMNS = ("tenant", "event_id", "event_type", "time", "user_id", "session_id", "service", "version", "data")

_MAKE = f"""
CREATE MACRO chance(n, salt) AS hash(n, salt) / 18446744073709551616.0;
CREATE TABLE happened AS
WITH sessions AS (
    SELECT s, chance(s, 1) * {DAYS * 86_400_000 - 200_000} AS begins,
        1 + floor({2 * SESSION_EVENTS - 1} * chance(s, 2))::INT AS events,
        CASE WHEN s < $users THEN s
            ELSE least($users, floor(pow((pow($users, 0.15) - 1) * chance(s, 3) + 1, 1 / 0.15))::BIGINT) - 1 END AS u
    FROM range($events // {SESSION_EVENTS} + $events // 100) AS made (s)
), steps AS (
    SELECT s * 16 + k AS n, u, s, (begins + k * 240000 + 200000 * chance(s * 16 + k, 4))::BIGINT AS since
    FROM sessions, unnest(range(events)) AS step (k)
)
SELECT 'user ' || u AS user_id, 's' || s AS session_id, n, {FIRST_MS} + since AS ms,
    't' || floor({TYPES} * pow(chance(n, 5), 2))::INT AS event_type, 'p' || floor({PAGES} * chance(n, 6))::INT AS page,
    'c' || u % {COUNTRIES} AS country, 'd' || u % 4 AS device, 'free' AS plan, floor(1000 * chance(n, 7))::INT AS price,
    't' || floor(100 * chance(n, 8))::INT AS topic, (u % 3)::VARCHAR AS version
FROM steps WHERE since < {DAYS * 86_400_000} ORDER BY s, n LIMIT $events
"""

_DAY = "FROM happened WHERE ms >= {start} AND ms < {start} + 86400000"

_PARQUET = f"COPY (SELECT * EXCLUDE (n, session_id) {_DAY} ORDER BY user_id, ms) TO '{{file}}'"

_CSV = f"""
COPY (
    SELECT '{TENANT}', n, event_type, make_timestamptz(ms * 1000), user_id, session_id, 'shop', version,
        json_object('page', page, 'country', country, 'device', device, 'plan', plan, 'price', price, 'topic', topic)
    {_DAY} ORDER BY ms
) TO '{{file}}' (HEADER false)
"""

_SETTLE = ("VACUUM ANALYZE events", "CHECKPOINT")
"""What autovacuum does within minutes of so many rows, among it the summaries of block ranges."""


class Made(msgspec.Struct, frozen=True):
    """What making ``events`` took: ``compacting_s`` of processor time; ``segment_bytes`` on disk."""

    events: int
    compacting_s: float
    segment_bytes: int


@dataclass(frozen=True, kw_only=True)
class ProductData:
    """``events`` of ``users``; ``files`` names all files of Parquet for DuckDB."""

    postgres: PostgresServer
    events: int
    users: int
    files: str
    made: Made

    @property
    def sizes(self) -> str:
        return f"{self.events:,} events of {self.users:,} users, {DAYS} days"


@contextlib.asynccontextmanager
async def product_data(session: Session) -> AsyncIterator[ProductData]:
    """The data, with PostgreSQL up while the block lasts; made by the first row of a run that asks for it."""
    events = session.options.funnel_events
    folder = session.product_folder()
    record = folder / "made.json"
    postgres = PostgresServer(folder / "postgres")
    try:
        await asyncio.to_thread(postgres.start)
        if not record.exists():
            record.write_bytes(msgspec.json.encode(await _make(session, postgres, folder, events)))
        made = msgspec.json.decode(record.read_bytes(), type=Made)
        if made.events != events:
            raise BenchmarkFailed(f"{folder} has {made.events:,} events, and not {events:,}")
        await Database(Secret(postgres.url())).migrate()
        yield ProductData(
            postgres=postgres, events=events, users=events // USER_EVENTS, files=str(folder / "*.parquet"), made=made
        )
    finally:
        await asyncio.to_thread(postgres.stop)


def pid_of(postgres: PostgresServer) -> int:
    """Its main process."""
    if postgres.process is None:
        raise BenchmarkFailed("postgresql is not there")
    return postgres.process.pid


async def _make(session: Session, postgres: PostgresServer, folder: Path, events: int) -> Made:
    if (free := shutil.disk_usage(folder).free) < events * BYTES:
        raise BenchmarkFailed(f"{events:,} events take {events * BYTES / 1e9:.0f} GB of disk, {free / 1e9:.0f} are free")
    database = Database(Secret(postgres.url()))
    await database.migrate()
    days = [FIRST + timedelta(days=n) for n in range(DAYS)]
    async with await database.connect(name="bench") as made:
        await Partitions().make(made, [partition_for(EVENTS, day) for day in days])
    files = await asyncio.to_thread(_make_files, folder, events)
    session.say(f"product: {events:,} events are in files")
    turns = asyncio.Semaphore(COPIES)
    async with asyncio.TaskGroup() as tasks:
        for file in files:
            tasks.create_task(_copy(postgres, file, turns))
    async with await database.connect(name="bench", statement_s=600) as made:
        for statement in _SETTLE:
            await made.run_script(statement)
        session.say(f"product: {events:,} events are in PostgreSQL")
        await made.value("compress_fast")
        begun = time.process_time() + postgres_s(pid_of(postgres))
        for day in await compaction.due_days(made):
            await compaction.compact(made, day)
        compacting = time.process_time() + postgres_s(pid_of(postgres)) - begun
        session.say(f"product: compacted, {compacting / events * 1e6:.1f} µs an event")
        await made.run_script("VACUUM ANALYZE segments")
        size = (await made.fetch_composed("SELECT pg_total_relation_size('segments') AS size"))[0]["size"]
    return Made(events, compacting, size)


def _make_files(folder: Path, events: int) -> list[Path]:
    """Those that PostgreSQL copies."""
    files = []
    with duckdb.connect(folder / "events.duckdb", config={"threads": 2, "memory_limit": "4GB"}) as duck:
        duck.execute("SET TimeZone = 'UTC'")
        for statement in _MAKE.strip().split(";\n"):
            if "$events" in statement:
                duck.execute(statement, {"events": events, "users": events // USER_EVENTS})
            else:
                duck.execute(statement)
        found = duck.execute("SELECT count(*) FROM happened").fetchone()
        if found is None or found[0] != events:
            raise BenchmarkFailed(f"{found} events were made instead of {events:,}")
        for n in range(DAYS):
            start = FIRST_MS + n * 86_400_000
            duck.execute(_PARQUET.format(start=start, file=folder / f"{n:02}.parquet"))
            files.append(folder / f"{n:02}.csv")
            duck.execute(_CSV.format(start=start, file=files[-1]))
    (folder / "events.duckdb").unlink()
    return files


async def _copy(postgres: PostgresServer, file: Path, turns: asyncio.Semaphore) -> None:
    async with turns:
        connection = await asyncpg.connect(postgres.url())
        try:
            await connection.copy_to_table("events", source=file, columns=_COLUMNS, format="csv", timeout=900)
        finally:
            await connection.close()
    await asyncio.to_thread(file.unlink)
