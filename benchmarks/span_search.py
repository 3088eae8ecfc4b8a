"""Searches among five million stored spans, and one trace of a thousand of them, as a person asks who looks for something.

The spans lie in PostgreSQL as analytics stores them: 20 services with 25 operations each, traces of ten spans over six hours,
durations as of real services, attributes that many have in common and one that is the span's own. The searches are of one
service, with a shortest duration (the 50th, 90th or 99th percentile) and an attribute (one that a fifth of the spans has, or
one in a thousand); each asks for the newest twenty traces, by the bus as the gateway does.
"""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec

from analytics.storage import span_rows
from analytics.storage.tables import partition_for
from benchmarks import figures
from benchmarks.processes import BenchmarkFailed
from benchmarks.services import house
from benchmarks.session import Session
from benchmarks.storage import database
from benchmarks.table import Result
from drishti.bus.connection import Bus, connect
from drishti.events import encode
from drishti.messages import subjects
from drishti.messages.catalogue import ANALYTICS, GATEWAY
from drishti.messages.subjects import DEFAULT_TENANT
from drishti.messages.traces import TraceAnswer, TraceList, TraceQuery, TraceSearch
from drishti_local.servers import PostgresServer

SERVICES, OPERATIONS = 20, 25
HOURS = 6
SEARCH_MS, TRACE_MS = 300.0, 50.0
LARGE = 1_000
"""Spans of the large trace."""

QUANTILES_MS = {0.5: 55.0, 0.9: 134.0, 0.99: 278.0}
"""Of a lognormal distribution of mean 4 and deviation 0.7."""

_SETS = 5

_LOOKUPS = """
INSERT INTO span_operations (id, tenant, service, operation, kind, scope, scope_version)
SELECT s * 1000 + o, $1, 'service-' || s, 'GET /r' || o, 2, 'bench', '1'
FROM generate_series(0, $2 - 1) s, generate_series(0, $3 - 1) o
"""
_RESOURCE = 'INSERT INTO span_resources (id, attributes) VALUES (1, \'{"service.name": "bench"}\')'
_COMMON = """
INSERT INTO span_attributes (id, tenant, name, attributes)
SELECT (s * 1000 + o) * 10 + c, $1, 'GET /r' || o,
    jsonb_build_object('http.request.method', 'GET', 'http.route', '/r' || o, 'region', 'r' || c)
FROM generate_series(0, $2 - 1) s, generate_series(0, $3 - 1) o, generate_series(0, $4 - 1) c
"""
_SPANS = """
INSERT INTO spans (
    operation, resource, common, started, duration_ns, start_ns, flags, status, trace_id, span_id, parent_id, attributes
)
SELECT op, 1, op * 10 + floor(random() * $6)::int, at, ns, 0, 1, (random() < 0.02)::int * 2, decode(md5((g / 10)::text), 'hex'),
    substr(decode(md5('s' || g), 'hex'), 1, 8),
    CASE WHEN g % 10 = 0 THEN NULL ELSE substr(decode(md5('s' || g / 10 * 10), 'hex'), 1, 8) END,
    jsonb_build_object('customer', 'c' || floor(random() * 1000)::int)
FROM (
    SELECT g, floor(random() * $4)::bigint * 1000 + floor(random() * $5)::bigint AS op,
        $1::timestamptz + (g - $2) * $7::interval AS at,
        (exp(4 + 0.7 * sqrt(-2 * ln(1 - random())) * cos(6.283185 * random())) * 1e6)::bigint AS ns
    FROM generate_series($2::bigint, $3::bigint - 1) AS g
) AS drawn
"""
_LARGE = """
INSERT INTO spans (
    operation, resource, common, started, duration_ns, start_ns, flags, status, trace_id, span_id, parent_id, attributes
)
SELECT 1001, 1, 10010, $1::timestamptz + g * interval '1 ms', ($3 - g) * 1000000::bigint, 0, 1, 0, $2,
    substr(decode(md5('l' || g), 'hex'), 1, 8),
    CASE WHEN g = 0 THEN NULL ELSE substr(decode(md5('l' || g / 2), 'hex'), 1, 8) END,
    jsonb_build_object('customer', 'c' || g, 'url.path', '/things/' || g)
FROM generate_series(0, $3 - 1) AS g
"""


async def search(session: Session) -> Result:
    rounds, count = session.options.query_rounds, session.options.searched_spans
    folder = session.folder("span-search")
    postgres = PostgresServer(folder / "postgres")
    try:
        await asyncio.to_thread(postgres.start)
        async with house(folder / "nats") as home, database(postgres) as url:
            program = home.program(ANALYTICS, database_url=url, environ={"OTEL_METRICS_EXPORTER": "none"})
            async with home.service(program):
                end = datetime.now(UTC).replace(second=0, microsecond=0)
                large = bytes(range(16))
                await _fill(session, url, end, count, large)
                bus = await connect(home.nats.settings(GATEWAY), name=GATEWAY)
                try:
                    searches = await _search(bus, end, rounds)
                    one = await _trace(bus, large, rounds)
                finally:
                    await bus.close()
    finally:
        await asyncio.to_thread(postgres.stop)
    everything = [ms for times in searches.values() for ms in times]
    p95, one_p95 = figures.quantile(everything, 0.95), figures.quantile(one, 0.95)
    return Result(
        name="span-search",
        what=f"searches among {count:,} spans by service, duration and attribute; one trace of {LARGE:,}",
        sizes=f"{SERVICES} services, {SERVICES * OPERATIONS} operations, {HOURS} h; {len(searches)} searches × {rounds}, "
        "one at a time",
        ours=f"search p50 {figures.quantile(everything, 0.5):.0f} ms, p95 {p95:.0f} ms; trace p95 {one_p95:.0f} ms",
        must_be=f"p95 ≤ {SEARCH_MS:g} ms; ≤ {TRACE_MS:g} ms",
        met=p95 <= SEARCH_MS and one_p95 <= TRACE_MS,
        notes=[
            f"{name}: p50 {figures.quantile(times, 0.5):.0f} ms, p95 {figures.quantile(times, 0.95):.0f} ms"
            for name, times in searches.items()
        ],
    )


async def _fill(session: Session, url: str, end: datetime, count: int, large: bytes) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_LOOKUPS, DEFAULT_TENANT, SERVICES, OPERATIONS)
        await connection.execute(_RESOURCE)
        await connection.execute(_COMMON, DEFAULT_TENANT, SERVICES, OPERATIONS, _SETS)
        begins = end - timedelta(hours=HOURS)
        for hour in range(HOURS + 1):
            partition = partition_for(span_rows.SPANS, begins + timedelta(hours=hour))
            await connection.execute(
                "SELECT make_partition('spans', $1, $2, $3, '')", partition.name, partition.starts, partition.ends
            )
        apart = timedelta(hours=HOURS) / count
        for start in range(0, count, count // 10):
            stop = min(count, start + count // 10)
            at = begins + apart * start
            await connection.execute(_SPANS, at, start, stop, SERVICES, OPERATIONS, _SETS, apart)
            session.say(f"span-search: {stop:,} spans")
        await connection.execute(_LARGE, end - timedelta(hours=1), large, LARGE)
        await connection.execute("VACUUM (ANALYZE) spans, span_operations, span_attributes")
    finally:
        await connection.close()


async def _search(bus: Bus, end: datetime, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each kind of search, of another service each time."""
    chance = random.Random(1)
    to_ms = int(end.timestamp() * 1000)
    times: dict[str, list[float]] = {}
    for quantile, ms in QUANTILES_MS.items():
        for name, attribute in (("a common attribute", "region=r3"), ("a rare attribute", "customer=c{}")):
            taken = times.setdefault(f"{name}, slower than {quantile:.0%}", [])
            for _ in range(rounds):
                asked = TraceSearch(
                    tenant=DEFAULT_TENANT,
                    from_ms=to_ms - HOURS * 3_600_000,
                    to_ms=to_ms,
                    service=f"service-{chance.randrange(SERVICES)}",
                    min_duration_ms=ms,
                    attribute=[attribute.format(chance.randrange(1000))],
                )
                began = time.perf_counter()
                reply = await bus.request(subjects.query("traces"), encode(asked), timeout_s=30)
                taken.append((time.perf_counter() - began) * 1000)
                if (reply.headers or {}).get("Drishti-Status") != "ok":
                    raise BenchmarkFailed(f"{asked} was not answered: {reply.data[:500]!r}")
                found = msgspec.json.decode(reply.data, type=TraceList)
                if "common" in name and len(found.traces) != asked.limit:
                    raise BenchmarkFailed(f"{asked} found {len(found.traces)} traces")
    return times


async def _trace(bus: Bus, trace_id: bytes, rounds: int) -> list[float]:
    taken = []
    for number in range(rounds + 1):
        asked = TraceQuery(tenant=DEFAULT_TENANT, trace_id=trace_id.hex())
        began = time.perf_counter()
        reply = await bus.request(subjects.query("trace"), encode(asked), timeout_s=30)
        if number:
            taken.append((time.perf_counter() - began) * 1000)
        found = msgspec.json.decode(reply.data, type=TraceAnswer)
        if len(found.spans) != LARGE:
            raise BenchmarkFailed(f"a trace of {LARGE} spans has {len(found.spans)}")
    return taken
