"""A funnel over a month of events, against DuckDB over Parquet of the same events, in one run; and what compaction costs.

Four steps within seven days, a condition on the first, by country. Ours: the question as analytics answers it, bucket
by bucket out of segments in PostgreSQL, with the processor time of PostgreSQL. The reference: DuckDB with two threads,
files by day and user, a running maximum of starts in a window for each step. Both must count the same users at every
step. The clock of the processor counts, for it does not depend on what else the machine does.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import duckdb
import psutil

from analytics.product.segments import compaction
from analytics.query.product.counting import ProductCounting
from analytics.query.product.funnels import FunnelAnswers
from analytics.query.sessions import Sessions
from analytics.storage.database import Database
from analytics.storage.partitions import Partitions
from analytics.storage.tables import Table, partition_for
from benchmarks import figures
from benchmarks.figures import Round
from benchmarks.processes import BenchmarkFailed
from benchmarks.session import Session
from benchmarks.storage import database
from benchmarks.table import Result
from drishti.messages.product.conditions import PropertyCondition
from drishti.messages.product.funnels import FunnelAnswer, FunnelQuery, FunnelStep
from drishti.settings import Secret
from drishti_local.servers import PostgresServer

AT_MOST, COMPACTION_US = 0.5, 20.0
DAYS, TYPES, USER_EVENTS = 30, 25, 10
WINDOW_S = 7 * 86_400
STEPS = ("t0", "t1", "t2", "t3")
TENANT = "default"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
EVENTS = Table("events")

_FILL = f"""
INSERT INTO events (tenant, event_id, event_type, time, user_id, session_id, service, version, data)
SELECT 'default', $1::text || '-' || n, 't' || floor({TYPES} * random() ^ 2)::int,
    $2::timestamptz + random() * interval '86399 seconds', 'user ' || u, 's' || u, 'shop', (u % 3)::text,
    jsonb_build_object('page', 'p' || floor(40 * random())::int, 'country', 'c' || u % 60, 'device', 'd' || u % 4,
        'plan', 'free', 'price', floor(1000 * random())::int, 'topic', 't' || floor(100 * random())::int)
FROM (SELECT n, floor($4::float8 * random() ^ 2)::bigint AS u FROM generate_series(1, $3::bigint) AS n) AS happened
"""

_CSV = """
SELECT user_id, event_type, (extract(epoch FROM time) * 1000)::bigint AS ms, data ->> 'page' AS page,
    data ->> 'country' AS country FROM events WHERE time >= $1 AND time < $2
"""

_REFERENCE = """
WITH matching AS (
    SELECT user_id AS u, ms, country, CASE event_type WHEN 't0' THEN 1 WHEN 't1' THEN 2 WHEN 't2' THEN 3 ELSE 4 END AS k
    FROM read_parquet('{files}')
    WHERE event_type IN ('t1', 't2', 't3') OR (event_type = 't0' AND page < 'p2')
), two AS (
    SELECT *, CASE WHEN k = 1 THEN ms END AS s1,
        max(CASE WHEN k = 1 THEN ms END) OVER w AS l1 FROM matching
    WINDOW w AS (PARTITION BY u ORDER BY ms, k ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), three AS (
    SELECT *, CASE WHEN k = 2 AND ms - l1 <= {window} THEN l1 END AS s2 FROM two
), four AS (
    SELECT *, max(s2) OVER (PARTITION BY u ORDER BY ms, k ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS l2 FROM three
), five AS (
    SELECT *, CASE WHEN k = 3 AND ms - l2 <= {window} THEN l2 END AS s3 FROM four
), six AS (
    SELECT *, max(s3) OVER (PARTITION BY u ORDER BY ms, k ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS l3 FROM five
), users AS (
    SELECT u, any_value(country) AS country, count(s1) > 0 AS one, count(s2) > 0 AS two, count(s3) > 0 AS three,
        count(CASE WHEN k = 4 AND ms - l3 <= {window} THEN 1 END) > 0 AS four
    FROM six GROUP BY u
)
SELECT country, count(*) FILTER (one), count(*) FILTER (two), count(*) FILTER (three), count(*) FILTER (four)
FROM users WHERE one GROUP BY country ORDER BY country
"""

Counts = dict[str | None, list[int]]


async def funnel(session: Session) -> Result:
    options = session.options
    folder = session.folder("funnel")
    postgres = PostgresServer(folder / "postgres")
    try:
        await asyncio.to_thread(postgres.start)
        async with database(postgres) as url:
            await _fill(session, url, options.funnel_events)
            compacting_us = await _compact(postgres, url) / options.funnel_events * 1e6
            session.say(f"funnel: compacted, {compacting_us:.1f} µs an event")
            await asyncio.to_thread(_parquet, await _export(url, folder), folder)
            rounds, sample_s, wall_s = await _rounds(postgres, url, folder, options.funnel_rounds)
            size = await _size(url)
    finally:
        await asyncio.to_thread(postgres.stop)
    compared = figures.compare(rounds)
    return Result(
        name="funnel",
        what="a funnel of 4 steps within 7 days, with a condition, by country",
        sizes=f"{options.funnel_events:,} events of {options.funnel_events // USER_EVENTS:,} users, {DAYS} days; "
        f"{len(rounds)} rounds, warm",
        ours=f"{compared.ours:.2f} s CPU, {wall_s:.2f} s; compaction {compacting_us:.1f} µs CPU an event",
        reference=f"DuckDB {duckdb.__version__} over Parquet: {compared.reference:.2f} s CPU",
        ratio=f"{compared.ratio:.2f} × ({compared.lowest:.2f} to {compared.highest:.2f})",
        must_be=f"≤ {AT_MOST:g} × its CPU, compaction ≤ {COMPACTION_US:g} µs",
        met=compared.ratio <= AT_MOST and compacting_us <= COMPACTION_US,
        notes=[
            "both count the same users of every country at every step",
            f"of a sixteenth of the users: {sample_s:.2f} s",
            f"segments take {size / options.funnel_events:.1f} bytes an event on disk",
        ],
    )


def _postgres_s(postgres: PostgresServer) -> float:
    """Processor time of all its processes, also of those that have ended: autovacuum's come and go."""
    if postgres.process is None:
        raise BenchmarkFailed("postgresql is not there")
    root = psutil.Process(postgres.process.pid)
    own = root.cpu_times()
    there = [process.cpu_times() for process in root.children(recursive=True)]
    ended = own.children_user + own.children_system
    return float(own.user + own.system + ended + sum(times.user + times.system for times in there))


async def _fill(session: Session, url: str, events: int) -> None:
    db = Database(Secret(url))
    await db.migrate()
    async with await db.connect(name="bench") as made:
        days = [FIRST + timedelta(days=n) for n in range(DAYS)]
        await Partitions().make(made, [partition_for(EVENTS, day) for day in days])
    connection = await asyncpg.connect(url)
    for n, day in enumerate(days):
        await connection.execute(_FILL, str(n), day, events // DAYS, float(events // USER_EVENTS), timeout=600)
    await connection.execute("VACUUM ANALYZE events", timeout=600)
    await connection.close()
    session.say(f"funnel: {events:,} events are there")


async def _compact(postgres: PostgresServer, url: str) -> float:
    """Seconds of processor time for all days."""
    async with await Database(Secret(url)).connect(name="segments", statement_s=600) as made:
        await made.value("compress_fast")
        begun = time.process_time() + _postgres_s(postgres)
        for day in await compaction.due_days(made):
            await compaction.compact(made, day)
        return time.process_time() + _postgres_s(postgres) - begun


async def _export(url: str, folder: Path) -> Path:
    csv = folder / "csv"
    csv.mkdir()
    connection = await asyncpg.connect(url)
    for n in range(DAYS):
        day = FIRST + timedelta(days=n)
        await connection.copy_from_query(
            _CSV, day, day + timedelta(days=1), output=csv / f"{n:02}.csv", format="csv", header=True, timeout=600
        )
    await connection.close()
    return csv


def _parquet(csv: Path, folder: Path) -> None:
    with duckdb.connect() as duck:
        for file in sorted(csv.iterdir()):
            target = folder / f"{file.stem}.parquet"
            duck.execute(f"COPY (SELECT * FROM read_csv('{file}') ORDER BY user_id, ms) TO '{target}'")


async def _rounds(postgres: PostgresServer, url: str, folder: Path, count: int) -> tuple[list[Round], float, float]:
    sessions = Sessions(Database(Secret(url)))
    answers = FunnelAnswers(ProductCounting(sessions, answer_s=600.0))
    asked = FunnelQuery(
        tenant=TENANT,
        from_ms=int(FIRST.timestamp()) * 1000,
        to_ms=int((FIRST + timedelta(days=DAYS)).timestamp()) * 1000,
        steps=[FunnelStep(event_type=name) for name in STEPS],
        window_s=WINDOW_S,
        breakdown="country",
        limit=100,
    )
    asked.steps[0].where = [PropertyCondition(property="page", op="in", values=_pages())]
    sample = FunnelQuery(**{name: getattr(asked, name) for name in FunnelQuery.__struct_fields__} | {"sample": True})
    rounds, walls = [], []
    try:
        await answers.answer(asked)
        with duckdb.connect(config={"threads": 2}) as duck:
            await asyncio.to_thread(_reference, duck, folder)
            for _ in range(count):
                at, cpu = time.perf_counter(), time.process_time() + _postgres_s(postgres)
                answer = await answers.answer(asked)
                ours = time.process_time() + _postgres_s(postgres) - cpu
                walls.append(time.perf_counter() - at)
                cpu = time.process_time()
                wanted = await asyncio.to_thread(_reference, duck, folder)
                rounds.append(Round(ours, time.process_time() - cpu))
                if _counts(answer) != wanted:
                    raise BenchmarkFailed(f"DuckDB counts {wanted}, and analytics {_counts(answer)}")
        at = time.perf_counter()
        await answers.answer(sample)
        return rounds, time.perf_counter() - at, figures.quantile(walls, 0.5)
    finally:
        await sessions.close()


def _pages() -> list[str]:
    """Those before ``p2``."""
    return [page for page in (f"p{n}" for n in range(40)) if page < "p2"]


def _reference(duck: Any, folder: Path) -> Counts:
    query = _REFERENCE.format(files=folder / "*.parquet", window=WINDOW_S * 1000)
    return {row[0]: list(row[1:]) for row in duck.execute(query).fetchall()}


def _counts(answer: FunnelAnswer) -> Counts:
    return {group.value: [step.users for step in group.steps] for group in answer.groups}


async def _size(url: str) -> int:
    connection = await asyncpg.connect(url)
    size: int = await connection.fetchval("SELECT pg_total_relation_size('segments')")
    await connection.close()
    return size
