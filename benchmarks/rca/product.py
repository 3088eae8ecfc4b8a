"""A recorded day through the product: gateway, bus, analytics and PostgreSQL, as ``make run`` starts them.

The day is sent as OTLP requests of one minute each, its times moved by whole minutes so that it ended just now. Metrics go
first, then log records, then spans: a minute is counted once its spans are quiet, with the log records that are stored by then.
When all is stored and no minute waits to be counted, ``GET /api/analytics/root-cause`` is asked of every fault, as a person
would: from when it began, for three minutes.

The clock runs from the opening of the archives until the last answer. Memory is the resident one of analytics, read twice a
second.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import aiohttp
import asyncpg
import msgspec
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

from benchmarks import storage
from benchmarks.processes import ROOT, BenchmarkFailed, Running, until
from benchmarks.rca import converter
from benchmarks.rca.nezha import Day, Fault
from benchmarks.rca.scoring import WINDOW_S, share
from benchmarks.services import House, house
from benchmarks.session import Session
from benchmarks.table import Result
from drishti.messages import catalogue, subjects
from drishti.messages.catalogue import ANALYTICS, GATEWAY
from drishti.messages.root_causes import RootCauseAnswer
from drishti_local.servers import PostgresServer

AT_MOST_S = 300.0
AT_MOST_MB = 500.0
TOP_1, TOP_3 = 90.0, 95.0
"""Percent."""

ENDED_S = 60
"""The day ends that long ago, or up to a minute more."""

AT_ONCE = 4
"""Requests."""

SUSPECTS = 20
"""Of an answer; a service beyond them has no rank."""

TRACES, LOGS, METRICS = "/v1/traces", "/v1/logs", "/v1/metrics"

MINUTE_NS = 60 * 10**9
STORED_WITHIN_S = 600.0
MEMORY_EVERY_S = 0.5

Export = tuple[str, bytes]
"""The path and the body of a request."""


class Ranked(NamedTuple):
    """``place`` is the rank of the true service, 0 where it is not among the suspects."""

    fault: Fault
    place: int
    answer: RootCauseAnswer


class Run(NamedTuple):
    """What came of a day. ``sent`` counts the spans, log records and data points that were taken, by the path they went to;
    ``stored`` the spans in PostgreSQL; seconds are those since the beginning."""

    day: str
    ranked: list[Ranked]
    sent: Counter[str]
    stored: int
    posted_s: float
    counted_s: float
    done_s: float
    peak_mb: float


def folder_of(given: Path | None) -> Path:
    """The day that is given, or that of ``NEZHA``, or the one that lies in ``DRISHTI_DATA``."""
    data = Path(os.environ.get("DRISHTI_DATA") or ROOT.parent / "shared" / "data")
    return given or Path(os.environ.get("NEZHA") or data / "nezha")


async def rca(session: Session) -> Result:
    """The row of the table."""
    return result(await ranked(session, folder_of(None)))


def result(run: Run) -> Result:
    top_1, top_3 = share(run.ranked, 1), share(run.ranked, 3)
    spans = run.sent[TRACES]
    return Result(
        name="rca",
        what="a recorded day through the product: root causes of its faults",
        sizes=f"{run.day}: {spans:,} spans, {run.sent[LOGS]:,} log records, {run.sent[METRICS]:,} data points; "
        f"{len(run.ranked)} faults",
        ours=f"top-1 {top_1:.1f} %, top-3 {top_3:.1f} %; loaded and ranked in {run.done_s:.0f} s; "
        f"analytics at most {run.peak_mb:.0f} MB",
        must_be=f"≥ {TOP_1:g} %, ≥ {TOP_3:g} %; ≤ {AT_MOST_S:g} s; ≤ {AT_MOST_MB:g} MB",
        met=run.stored == spans and top_1 >= TOP_1 and top_3 >= TOP_3 and run.done_s <= AT_MOST_S and run.peak_mb <= AT_MOST_MB,
        notes=[
            f"taken by the gateway after {run.posted_s:.0f} s, stored and every minute counted after {run.counted_s:.0f} s, "
            f"all faults ranked after {run.done_s:.0f} s; {run.stored:,} spans are stored"
        ],
    )


async def ranked(session: Session, folder: Path, tell: Callable[[Ranked], None] | None = None) -> Run:
    """Runs the day of ``folder``; ``tell`` gets what becomes of each fault."""
    place = session.folder("rca")
    postgres = PostgresServer(place / "postgres")
    try:
        await asyncio.to_thread(postgres.start)
        async with house(place / "nats") as home, storage.database(postgres) as url:
            analytics = home.program(ANALYTICS, database_url=url, environ={"OTEL_METRICS_EXPORTER": "none"})
            gateway = home.program(GATEWAY, environ={"OTEL_METRICS_EXPORTER": "none"})
            async with home.service(analytics) as process, home.service(gateway), peak_memory(process) as peak_mb:
                headers = {"authorization": f"Bearer {home.key}"}
                async with aiohttp.ClientSession(f"http://127.0.0.1:{gateway.port}", headers=headers) as http:
                    began = time.monotonic()
                    with tempfile.TemporaryDirectory(dir=place) as scratch:
                        day = await asyncio.to_thread(Day, folder, Path(scratch))
                        ended_ns = await asyncio.to_thread(day.ended_ns)
                        shift_ns = shift(ended_ns, time.time_ns())
                        sent = await _send(http, home, day, shift_ns, ended_ns)
                    posted_s = time.monotonic() - began
                    session.say(
                        f"rca: the gateway took {sent.total():,} spans, log records and data points in {posted_s:.0f} s"
                    )
                    stored = await _until_counted(home, url)
                    counted_s = time.monotonic() - began
                    session.say(f"rca: stored and counted after {counted_s:.0f} s")
                    found = []
                    for fault in day.faults():
                        found.append(await ask(http, fault, shift_ns))
                        if tell is not None:
                            tell(found[-1])
                    done_s = time.monotonic() - began
        return Run(day.name, found, sent, stored, posted_s, counted_s, done_s, max(peak_mb))
    finally:
        await asyncio.to_thread(postgres.stop)


def shift(ended_ns: int, now_ns: int) -> int:
    """By how much a day that ended at ``ended_ns`` is moved, in nanoseconds: whole minutes, so that each stays what it was."""
    return (now_ns - ENDED_S * 10**9 - ended_ns) // MINUTE_NS * MINUTE_NS


def metrics(day: Day, shift_ns: int, ended_ns: int) -> Iterator[tuple[Export, int]]:
    """Requests with the number of their data points; nothing after the end of the spans."""
    for rows in day.gauges():
        moved = [row._replace(time_ns=row.time_ns + shift_ns) for row in rows if row.time_ns < ended_ns]
        messages = converter.gauges(moved)
        points = sum(len(metric.gauge.data_points) for one in messages for s in one.scope_metrics for metric in s.metrics)
        yield (METRICS, ExportMetricsServiceRequest(resource_metrics=messages).SerializeToString()), points


def logs(day: Day, shift_ns: int) -> Iterator[tuple[Export, int]]:
    """Requests with the number of their log records."""
    for rows in day.logs():
        messages = converter.logs(row._replace(time_ns=row.time_ns + shift_ns) for row in rows)
        yield (LOGS, ExportLogsServiceRequest(resource_logs=messages).SerializeToString()), len(rows)


def spans(day: Day, shift_ns: int) -> Iterator[tuple[Export, int]]:
    """Requests with the number of their spans, those that cannot be right among them."""
    for rows in day.spans():
        moved = [row._replace(start_ns=row.start_ns + shift_ns, end_ns=row.end_ns + shift_ns) for row in rows]
        messages = converter.spans(moved)
        yield (TRACES, ExportTraceServiceRequest(resource_spans=messages).SerializeToString()), len(rows)


async def ask(http: aiohttp.ClientSession, fault: Fault, shift_ns: int) -> Ranked:
    """What the product says about a fault."""
    from_ms = fault.at_s * 1000 + shift_ns // 10**6
    parameters = {"from": from_ms, "to": from_ms + WINDOW_S * 1000, "limit": SUSPECTS}
    async with http.get("/api/analytics/root-cause", params=parameters) as got:
        body = await got.read()
        if got.status != 200:
            raise BenchmarkFailed(f"the root cause of {fault} is not answered: {got.status} {body.decode(errors='replace')}")
    answer = msgspec.json.decode(body, type=RootCauseAnswer)
    if answer.complete_to < answer.to_ms:
        raise BenchmarkFailed(f"minutes of {fault} were not counted: complete to {answer.complete_to} of {answer.to_ms}")
    services = [suspect.service for suspect in answer.suspects]
    true = subjects.token(fault.service)
    return Ranked(fault, services.index(true) + 1 if true in services else 0, answer)


def line(ranked: Ranked) -> str:
    """A fault and its suspects, in a line."""
    fault, answer = ranked.fault, ranked.answer
    first = "  ".join(f"{suspect.service} {suspect.score:.0f}" for suspect in answer.suspects[:3])
    at = datetime.fromtimestamp(fault.at_s, UTC)
    said = f"{at:%H:%M:%S}  {fault.kind:15}{fault.service:30}rank {ranked.place or '-':<3} {answer.traces:6} traces"
    return f"{said}   {first} {answer.note}"


@contextlib.asynccontextmanager
async def peak_memory(process: Running) -> AsyncIterator[Sequence[float]]:
    """The resident memory of a process in megabytes, as it was while the block lasted."""
    seen = [process.memory_mb()]

    async def watch() -> None:
        while True:
            await asyncio.sleep(MEMORY_EVERY_S)
            seen.append(process.memory_mb())

    watching = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        watching.cancel()


async def _send(http: aiohttp.ClientSession, home: House, day: Day, shift_ns: int, ended_ns: int) -> Counter[str]:
    sent: Counter[str] = Counter()
    await _post(http, metrics(day, shift_ns, ended_ns), sent)
    await _post(http, logs(day, shift_ns), sent)
    await _until_acknowledged(home, "logs")
    await _post(http, spans(day, shift_ns), sent)
    return sent


async def _post(http: aiohttp.ClientSession, exports: Iterator[tuple[Export, int]], sent: Counter[str]) -> None:
    """Sends all; ``sent`` gets how many items were taken. Raises :class:`BenchmarkFailed` for a request that is not."""
    reading = asyncio.Lock()

    async def one() -> None:
        while True:
            async with reading:
                export = await asyncio.to_thread(next, exports, None)
            if export is None:
                return
            (path, body), count = export
            async with http.post(path, data=body, headers={"content-type": "application/x-protobuf"}) as got:
                answer = await got.read()
                if got.status != 200:
                    raise BenchmarkFailed(f"{path}: {got.status} {answer[:500].decode(errors='replace')}")
            sent[path] += count
            if path == TRACES:
                sent[path] -= ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans

    await asyncio.gather(*(one() for _ in range(AT_ONCE)))


async def _until_acknowledged(home: House, signal: str) -> None:
    stream, durable = catalogue.consumer(ANALYTICS, signal)
    what = f"{signal} are stored"
    await until(lambda: storage.settled(home, stream, durable), what, every_s=0.2, within_s=STORED_WITHIN_S)


async def _until_counted(home: House, url: str) -> int:
    """Waits until all is stored and no minute waits to be counted; returns how many spans are stored."""
    for signal in ("metrics", "logs", "spans"):
        await _until_acknowledged(home, signal)
    connection = await asyncpg.connect(url)
    try:

        async def counted() -> bool:
            return not await connection.fetchval("SELECT EXISTS (SELECT FROM span_changes)")

        await until(counted, "minutes are counted", every_s=0.5, within_s=STORED_WITHIN_S)
        return int(await connection.fetchval("SELECT count(*) FROM spans"))
    finally:
        await connection.close()
