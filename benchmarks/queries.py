"""Twelve questions of a dashboard over 30 days of minutes, against the same over one day.

What 10 million events come to is copied into the rollups as analytics would have written it: a row for each series and minute,
and for each series and hour, with histograms and sketches. Each question goes over the bus to analytics, one after the other;
the clock runs from the request to the decoded answer.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import numpy as np

from analytics.rollup import uniques
from analytics.rollup.histogram import Histogram
from analytics.storage.tables import CELL_COLUMNS
from benchmarks import figures
from benchmarks.processes import BenchmarkFailed
from benchmarks.services import house
from benchmarks.session import Session
from benchmarks.storage import database
from benchmarks.table import Result
from drishti.bus.connection import Bus, connect
from drishti.events import AnswerSet, Question, QuestionSet, encode
from drishti.messages import subjects
from drishti.messages.catalogue import ANALYTICS, GATEWAY
from drishti_local.servers import PostgresServer

DAYS = 30
EVENTS = 10_000_000
AT_MOST, P95_MS = 3.0, 50.0
TENANT = "default"
SHAPES = 64
"""Different histograms and sketches, which cells have in turn."""

SERVICES, MODELS, TYPES = ("wisdom", "shop", "cart"), ("small", "large"), ("page_view", "search", "feedback", "purchase")
_SERVED = [
    {"service": service, "route": route, "status": status}
    for service in SERVICES
    for route, status in (("/a", "200"), ("/b", "200"), ("/b", "500"))
]
SERIES: dict[str, tuple[list[dict[str, str]], str]] = {
    "requests": (_SERVED, ""),
    "request_duration_ms": (_SERVED, "histogram"),
    "events": ([{"event_type": kind, "service": "shop"} for kind in TYPES], ""),
    "llm_duration_ms": ([{"model": model} for model in MODELS], "histogram"),
    "cache_requests": ([{"cache": "answers", "result": result} for result in ("hit", "miss")], ""),
    "active_users": ([{}], "uniques"),
    "cpu_utilization": ([{"service": service} for service in SERVICES], ""),
}
"""The series of each metric, and what their cells hold beside counts."""

QUESTIONS = (
    Question(metric="requests", aggregate="rate"),
    Question(metric="requests", aggregate="error_rate", group_by=["service"]),
    Question(metric="request_duration_ms", aggregate="p95"),
    Question(metric="request_duration_ms", aggregate="p99", group_by=["service"], top=2),
    Question(metric="request_duration_ms", aggregate="p50", where='service = "wisdom" and status prefix "2"'),
    Question(metric="events", aggregate="count", group_by=["event_type"]),
    Question(metric="llm_duration_ms", aggregate="avg", group_by=["model"]),
    Question(metric="llm_duration_ms", aggregate="p95"),
    Question(metric="active_users", aggregate="uniques"),
    Question(expression='100 * errors(requests where service = "shop") / count(requests where service = "shop")'),
    Question(metric="cache_requests", aggregate="hit_rate"),
    Question(metric="cpu_utilization", aggregate="avg", group_by=["service"]),
)

_decoder = msgspec.json.Decoder(AnswerSet)


async def queries(session: Session) -> Result:
    rounds = session.options.query_rounds
    folder = session.folder("queries")
    postgres = PostgresServer(folder / "postgres")
    try:
        await asyncio.to_thread(postgres.start)
        async with house(folder / "nats") as home, database(postgres) as url:
            program = home.program(ANALYTICS, database_url=url, environ={"OTEL_METRICS_EXPORTER": "none"})
            async with home.service(program):
                end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
                rows = await fill(url, end)
                session.say(f"queries: {rows:,} rows of rollups")
                bus = await connect(home.nats.settings(GATEWAY), name=GATEWAY)
                try:
                    month = await _ask(bus, end, DAYS, rounds)
                    day = await _ask(bus, end, 1, rounds)
                finally:
                    await bus.close()
    finally:
        await asyncio.to_thread(postgres.stop)
    worst = max(figures.quantile(times, 0.95) for times in (*month, *day))
    per_question = [figures.quantile(long, 0.5) / figures.quantile(short, 0.5) for long, short in zip(month, day, strict=True)]
    sums = [sum(figures.quantile(times, 0.5) for times in side) for side in (month, day)]
    ratio = sums[0] / sums[1]
    return Result(
        name="queries",
        what=f"{len(QUESTIONS)} dashboard questions over {DAYS} days of minutes",
        sizes=f"{EVENTS:,} events as {rows:,} rows of rollups by minute and hour; {rounds} rounds, one question at a time",
        ours=f"{sums[0]:.0f} ms for all, p95 of the slowest {worst:.0f} ms",
        reference=f"the same over one day: {sums[1]:.0f} ms for all",
        ratio=f"{ratio:.2f} × ({min(per_question):.2f} to {max(per_question):.2f} each)",
        must_be=f"≤ {AT_MOST:g} ×, p95 ≤ {P95_MS:g} ms each",
        met=ratio <= AT_MOST and worst <= P95_MS,
        notes=[
            f"{question.expression or f'{question.aggregate}({question.metric})'}"
            f"{' by ' + ', '.join(question.group_by) if question.group_by else ''}: p50 and p95 over {DAYS} days "
            f"{figures.quantile(long, 0.5):.1f} and {figures.quantile(long, 0.95):.1f} ms, over one day "
            f"{figures.quantile(short, 0.5):.1f} and {figures.quantile(short, 0.95):.1f} ms"
            for question, long, short in zip(QUESTIONS, month, day, strict=True)
        ],
    )


async def fill(url: str, end: datetime) -> int:
    """Rollups by minute and hour of the days before ``end``; returns how many rows."""
    connection = await asyncpg.connect(url)
    try:
        begins = end - timedelta(days=DAYS)
        for n in range(DAYS + 1):
            day = (begins + timedelta(days=n)).replace(hour=0)
            await connection.execute(
                "SELECT make_partition('cells_1m', $1, $2, $3, '')", f"cells_1m_{day:%Y%m%d}", day, day + timedelta(days=1)
            )
            month = day.replace(day=1)
            following = (month + timedelta(days=32)).replace(day=1)
            await connection.execute(
                "SELECT make_partition('cells_1h', $1, $2, $3, '')", f"cells_1h_{month:%Y%m}", month, following
            )
        count = 0
        ids = await _ids(connection)
        for width, table in ((timedelta(minutes=1), "cells_1m"), (timedelta(hours=1), "cells_1h")):
            await connection.copy_records_to_table(table, records=_rows(ids, begins, end, width), columns=CELL_COLUMNS)
            count += await connection.fetchval(f"SELECT count(*) FROM {table}")
            await connection.execute(f"VACUUM (ANALYZE) {table}")
        await connection.execute("VACUUM (ANALYZE) series, metric_ids")
        return count
    finally:
        await connection.close()


async def _ids(connection: asyncpg.Connection) -> dict[str, tuple[int, list[int]]]:
    """The id of each metric, and those of its series."""
    tokens = list(SERIES)
    await connection.execute(
        "INSERT INTO metric_ids (tenant, metric) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING", TENANT, tokens
    )
    ids_of: dict[str, tuple[int, list[int]]] = {}
    for token, (all_labels, _) in SERIES.items():
        metric = await connection.fetchval("SELECT id FROM metric_ids WHERE metric = $1", token)
        texts = [msgspec.json.encode(labels).decode() for labels in all_labels]
        series = await connection.fetch(
            "SELECT id FROM series_ids($1::integer[], $2::jsonb[]) ORDER BY place", [metric] * len(texts), texts
        )
        ids_of[token] = metric, [row["id"] for row in series]
    return ids_of


def _rows(
    ids: dict[str, tuple[int, list[int]]], begins: datetime, end: datetime, width: timedelta
) -> Iterator[tuple[Any, ...]]:
    rng = np.random.default_rng(1)
    windows = (end - begins) // width
    count = sum(len(labels) for labels, _ in SERIES.values())
    each = max(1, round(EVENTS / windows / count))
    histograms = [Histogram.of(rng.lognormal(4, 0.7, each)).to_bytes() for _ in range(SHAPES)]
    sketches = [uniques.sketch(f"u{n}" for n in rng.integers(0, 5_000, each)) for _ in range(SHAPES)]
    writer = uuid.uuid4()
    for token, (_, holds) in SERIES.items():
        metric, series = ids[token]
        for place in range(windows):
            at = begins + place * width
            for number, one in enumerate(series):
                shape = (place + number) % SHAPES
                yield (
                    writer, metric, at, one, each, each // 50, each * 70.0, 1.0, 2_000.0,
                    histograms[shape] if holds == "histogram" else None, sketches[shape] if holds == "uniques" else None, None,
                )  # fmt: skip


async def _ask(bus: Bus, end: datetime, days: int, rounds: int) -> list[list[float]]:
    """Milliseconds of each question in each round, after one that does not count."""
    to_ms = int(end.timestamp() * 1000)
    from_ms = to_ms - days * 86_400_000
    times: list[list[float]] = [[] for _ in QUESTIONS]
    for number in range(rounds + 1):
        for question, taken in zip(QUESTIONS, times, strict=True):
            asked = QuestionSet(tenant=TENANT, questions=[question], from_ms=from_ms, to_ms=to_ms)
            began = time.perf_counter()
            reply = await bus.request(subjects.query("query"), encode(asked), timeout_s=30)
            if (reply.headers or {}).get("Drishti-Status") != "ok":
                raise BenchmarkFailed(f"{question} was not answered: {reply.data[:500]!r}")
            answer = _decoder.decode(reply.data)
            if number:
                taken.append((time.perf_counter() - began) * 1000)
            _check(answer, question)
    return times


def _check(answer: AnswerSet, question: Question) -> None:
    """Every step has a point, or the figure means nothing."""
    steps = (answer.to_ms - answer.from_ms) // (60_000 if answer.resolution == "1m" else 3_600_000)
    lengths: Sequence[int] = [len(series.points) for series in answer.answers[0].series]
    if set(lengths) != {steps}:
        raise BenchmarkFailed(f"{question}: {lengths} points where {steps} must be")
