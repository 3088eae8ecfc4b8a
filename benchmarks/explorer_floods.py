"""Questions of the explorer to a tenant that floods: how long each takes, and what another tenant waits meanwhile.

The spans lie in PostgreSQL as analytics stores them, all of them in the newest minutes, which no job adds up yet, as if they
still changed: 200 traces of 10,000 spans over 5,000 operations of 2,000 services, and one trace of 100,000 spans. PostgreSQL
draws the numbers from a fixed seed. Each question is asked by the bus as the gateway does, one after the other; meanwhile the
health port of analytics is asked all the time, which answers at once while the event loop is free: the longest of these answers
is the longest stall.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import asyncpg
import httpx

from analytics.storage import span_rows
from analytics.storage.minute_tables import SPAN_CHANGES
from analytics.storage.tables import partition_for
from benchmarks import figures
from benchmarks.services import house
from benchmarks.session import Session
from benchmarks.storage import database
from benchmarks.table import Result
from drishti.bus.connection import Bus, connect
from drishti.messages import subjects
from drishti.messages.catalogue import ANALYTICS, GATEWAY
from drishti.messages.subjects import DEFAULT_TENANT
from drishti_local.servers import PostgresServer

SERVICES, OPERATIONS = 2_000, 5_000
TRACES, SPANS = 200, 10_000
MINUTES = 10
"""In which the traces begin."""

ROUNDS = 3

HUGE = 100_000
"""Spans of the one large trace."""

P95_MS, MOST_MS, STALL_MS = 1_000.0, 3_000.0, 250.0

_LOOKUPS = """
INSERT INTO span_operations (id, tenant, service, operation, kind, scope, scope_version)
SELECT o, $1, 'service-' || o % $2, 'GET /r' || o, 2 + o % 2, 'bench', '1' FROM generate_series(1, $3) o
"""
_RESOURCES = """
INSERT INTO span_resources (id, attributes)
SELECT s, jsonb_build_object('service.name', 'service-' || s, 'host.name', 'host-' || s % 50) FROM generate_series(0, $1 - 1) s
"""
_COMMON = """
INSERT INTO span_attributes (id, tenant, name, attributes)
SELECT o, $1, 'GET /r' || o, jsonb_build_object('http.request.method', 'GET', 'http.route', '/r' || o)
FROM generate_series(1, $2) o
"""
_SPANS = """
INSERT INTO spans (
    operation, resource, common, started, duration_ns, start_ns, flags, status, trace_id, span_id, parent_id, attributes
)
SELECT op, op % $6, op, $1::timestamptz + g * interval '30 s' / $4, 30000000000 - g * (30000000000 / $4) / 2, 0, 1,
    (random() < 0.001)::int * 2, decode(md5('t' || $2::int), 'hex'), substr(decode(md5($2::int || 's' || g), 'hex'), 1, 8),
    CASE WHEN g = 0 THEN NULL ELSE substr(decode(md5($2::int || 's' || g / 3), 'hex'), 1, 8) END,
    jsonb_build_object('customer', 'c' || floor(random() * 1000)::int)
FROM (
    SELECT g, CASE WHEN g = 0 THEN 1 + $3::int % 20 ELSE 1 + floor(random() * $5)::int END AS op
    FROM generate_series(0, $4 - 1) AS g
) AS drawn
"""
_CHANGES = """
INSERT INTO span_changes (minute, tenant, at)
SELECT $1::timestamptz + g * interval '1 min', $2, now() + interval '1 hour' FROM generate_series(0, $3) g
"""


class Asked(NamedTuple):
    """Milliseconds of each asking, by question, and what was not answered, with the reason."""

    times: Mapping[str, list[float]]
    failed: list[str]


async def explorer_floods(session: Session) -> Result:
    folder = session.folder("explorer-floods")
    postgres = PostgresServer(folder / "postgres")
    try:
        await asyncio.to_thread(postgres.start)
        async with house(folder / "nats") as home, database(postgres) as url:
            program = home.program(ANALYTICS, database_url=url, environ={"OTEL_METRICS_EXPORTER": "none"})
            async with home.service(program):
                pass  # it makes the tables
            begin = await fill(url, DEFAULT_TENANT, session.say)
            async with home.service(program):
                bus = await connect(home.nats.settings(GATEWAY), name=GATEWAY)
                try:
                    async with stalls(program.port) as found:
                        asked = await ask(bus, DEFAULT_TENANT, begin, rounds=ROUNDS)
                finally:
                    await bus.close()
    finally:
        await asyncio.to_thread(postgres.stop)
    everything = [ms for times in asked.times.values() for ms in times]
    p95, most, stall = figures.quantile(everything, 0.95), max(everything), max(found)
    return Result(
        name="explorer-floods",
        what=f"questions of the explorer to a tenant with {TRACES} traces of {SPANS:,} spans and one of {HUGE:,}, all in the "
        "newest minutes",
        sizes=f"{OPERATIONS:,} operations, {SERVICES:,} services; {len(asked.times)} questions × {ROUNDS}, one at a time",
        ours=f"p95 {p95:.0f} ms, longest {most:.0f} ms; longest stall of the event loop {stall:.0f} ms",
        must_be=f"p95 ≤ {P95_MS:g} ms, longest ≤ {MOST_MS:g} ms, stall ≤ {STALL_MS:g} ms",
        met=not asked.failed and p95 <= P95_MS and most <= MOST_MS and stall <= STALL_MS,
        notes=[line(name, times) for name, times in asked.times.items()] + asked.failed,
    )


def line(name: str, times: list[float]) -> str:
    return f"{name}: p50 {figures.quantile(times, 0.5):.0f} ms, longest {max(times):.0f} ms"


async def fill(url: str, tenant: str, say: Callable[[str], None], *, traces: int = TRACES, huge: int = HUGE) -> datetime:
    """Stores everything; returns when the first trace begins."""
    begin = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=MINUTES)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT setseed(0.5)")
        await connection.execute(_LOOKUPS, tenant, SERVICES, OPERATIONS)
        await connection.execute(_RESOURCES, SERVICES)
        await connection.execute(_COMMON, tenant, OPERATIONS)
        for table in (span_rows.SPANS, SPAN_CHANGES):
            for hour in range(3):
                partition = partition_for(table, begin + timedelta(hours=hour))
                await connection.execute(
                    "SELECT make_partition($1, $2, $3, $4, '')", table.name, partition.name, partition.starts, partition.ends
                )
        for number in range(traces):
            at = begin + timedelta(minutes=MINUTES) / traces * number
            await connection.execute(_SPANS, at, number, number, SPANS, OPERATIONS, SERVICES)
            if number % 50 == 49:
                say(f"explorer-floods: {(number + 1) * SPANS:,} spans")
        await connection.execute(_SPANS, begin + timedelta(minutes=MINUTES - 2), traces, traces, huge, OPERATIONS, SERVICES)
        await connection.execute(_CHANGES, begin, tenant, MINUTES)
        await connection.execute("VACUUM (ANALYZE) spans, span_operations, span_attributes")
    finally:
        await connection.close()
    return begin


async def ask(bus: Bus, tenant: str, begin: datetime, *, rounds: int, traces: int = TRACES) -> Asked:
    """Asks everything so often."""
    times: dict[str, list[float]] = {}
    failed: list[str] = []
    for _ in range(rounds):
        for name, (query, asked) in questions(tenant, begin, traces).items():
            began = time.perf_counter()
            reply = await bus.request(subjects.query(query), json.dumps(asked).encode(), timeout_s=60)
            times.setdefault(name, []).append((time.perf_counter() - began) * 1000)
            if (reply.headers or {}).get("Drishti-Status") != "ok":
                failed.append(f"{name} was not answered: {reply.data[:200]!r}")
    return Asked(times, failed)


def questions(tenant: str, begin: datetime, traces: int) -> dict[str, tuple[str, dict[str, Any]]]:
    """The name in the catalogue and what is asked, by a name of our own."""
    from_ms, to_ms = (int((begin + timedelta(minutes=minutes)).timestamp() * 1000) for minutes in (0, MINUTES + 1))
    window: dict[str, Any] = {"tenant": tenant, "from": from_ms, "to": to_ms}
    huge, one, other = (trace_id(number) for number in (traces, 0, 1))
    return {
        "map": ("service_map", window),
        "map of one service": ("service_map", {**window, "service": "service-7"}),
        "bottlenecks": ("bottlenecks", window),
        "queues": ("queues", window),
        "root cause": ("root_cause", {**window, "from": to_ms - 180_000}),
        "the large trace": ("trace", {"tenant": tenant, "trace_id": huge}),
        "a trace": ("trace", {"tenant": tenant, "trace_id": one}),
        "traces compared": ("trace_comparison", {"tenant": tenant, "left": one, "right": other}),
        "large compared": ("trace_comparison", {"tenant": tenant, "left": huge, "right": other}),
        "aggregate": ("trace_aggregate", window),
        "shared by failing": ("shared", window),
        "shared by slow": ("shared", {**window, "bad": "slow"}),
        "search": ("traces", window),
        "slowest": ("traces", {**window, "order": "slowest"}),
        "facets": ("trace_facets", window),
        "errors": ("errors", window),
    }


def trace_id(number: int) -> str:
    """That of the trace of this number, as it is stored."""
    return hashlib.md5(f"t{number}".encode(), usedforsecurity=False).hexdigest()


@contextlib.asynccontextmanager
async def stalls(port: int) -> AsyncIterator[list[float]]:
    """How long the health port takes to answer, in milliseconds, asked all the time while the block lasts."""
    taken: list[float] = []

    async def watch() -> None:
        async with httpx.AsyncClient(timeout=30) as client:
            while True:
                began = time.perf_counter()
                await client.get(f"http://127.0.0.1:{port}/healthz")
                taken.append((time.perf_counter() - began) * 1000)
                await asyncio.sleep(0.01)

    task = asyncio.create_task(watch())
    try:
        yield taken
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
