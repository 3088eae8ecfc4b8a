"""Cumulative streams of metrics count exactly, whatever happens to those who count: kill -9, redelivery, two replicas."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import asyncpg
import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, ResourceMetrics

from analytics.storage import cell_tables
from drishti.messages import subjects
from rigs.analytics import Rig
from rigs.waiting import wait_until

CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
STREAMS, EXPORTS = 40, 60
BUCKETS = (1, 2, 3)


def export(number: int, start_ns: int, *, streams: int = STREAMS, name: str = "jobs") -> bytes:
    """The totals of a program after ``number`` exports: each adds 3 to every counter, and 6 observations."""
    message = ResourceMetrics()
    message.resource.attributes.add(key="service.name").value.string_value = "worker"
    metrics = message.scope_metrics.add().metrics
    at_ns = start_ns + number * 1_000_000_000
    jobs = metrics.add(name=name, unit="{job}").sum
    times = metrics.add(name=f"{name}.time", unit="s").histogram
    jobs.is_monotonic = True
    for data in (jobs, times):
        data.aggregation_temporality = CUMULATIVE
    for stream in range(streams):
        for data in (jobs, times):
            point = data.data_points.add(time_unix_nano=at_ns, start_time_unix_nano=start_ns)
            point.attributes.add(key="queue").value.int_value = stream
        jobs.data_points[-1].as_int = 3 * number
        point = times.data_points[-1]
        point.count, point.sum = 6 * number, 9.0 * number
        point.explicit_bounds.extend((1.0, 2.0))
        point.bucket_counts.extend(number * held for held in BUCKETS)
    return message.SerializeToString()


async def send(world: Rig, *payloads: bytes) -> None:
    for payload in payloads:
        await world.admin.publish(subjects.metrics(world.tenant, "worker"), payload)


async def check(world: Rig, exports: int, *, streams: int = STREAMS, name: str = "jobs") -> None:
    """Rollups of every resolution hold what ``exports`` exports recorded, in all and of each stream."""
    connection = await asyncpg.connect(world.database_url)
    query = """
        SELECT resolution, metric, labels->>'queue' AS queue, sum(count)::bigint AS count, sum(sum) AS sum
        FROM rollups WHERE tenant = $1 AND metric = ANY ($2) GROUP BY 1, 2, 3
    """
    try:
        found = await connection.fetch(query, world.tenant, [name, f"{name}-time"])
    finally:
        await connection.close()
    jobs, times = (3 * exports, 3.0 * exports), (6 * exports, 9.0 * exports)
    assert {(row["count"], row["sum"]) for row in found if row["metric"] == name} == {jobs}
    assert {(row["count"], row["sum"]) for row in found if row["metric"] != name} == {times}
    assert len(found) == 3 * 2 * streams
    assert await world.total(f"{name}-time", "p50") is not None


def soon_ns() -> int:
    """A start that analytics, which began before, knows of; the exports lie in the seconds around now."""
    return time.time_ns() + 1_000_000


async def test_kill_9_in_mid_stream_loses_and_doubles_nothing(world: Rig) -> None:
    await world.redeliver_after(1)
    sending: asyncio.Task[None] | None = None
    stored = killed_amid = 0

    async def more() -> bool:
        """What is redelivered after a kill may be older than what is stored, and then rightly adds no row."""
        return (await world.rows("rollups")) > stored or await world.settled()

    for _ in range(3):
        async with world.process(ANALYTICS_BATCH_ITEMS="250") as process:
            if sending is None:
                start_ns = soon_ns()
                sending = asyncio.create_task(send(world, *(export(n, start_ns) for n in range(1, EXPORTS + 1))))
            await wait_until(more)
            process.kill()
            await process.wait()
        killed_amid += not await world.settled()
        stored = await world.rows("rollups")
    assert sending is not None
    assert killed_amid, "killed too late to prove anything"
    await sending
    async with AsyncExitStack() as replicas:
        for _ in range(2):
            await replicas.enter_async_context(world.process())
        await world.wait_settled()
        await check(world, EXPORTS)


async def test_exports_that_come_twice_and_out_of_order_add_nothing(world: Rig) -> None:
    async with AsyncExitStack() as replicas:
        for _ in range(2):
            await replicas.enter_async_context(world.running())
        start_ns = soon_ns()
        exports = [export(n, start_ns, streams=5) for n in range(1, 9)]
        order = [0, 0, 2, 1, 1, 5, 3, 4, 7, 6, 7, 5]
        await asyncio.gather(*(send(world, exports[n]) for n in order))
        await world.wait_settled()
        await check(world, 8, streams=5)
    async with world.running():  # what began before a restart goes on after it
        await send(world, export(12, start_ns, streams=5))
        await world.wait_settled()
        await check(world, 12, streams=5)


async def test_a_stream_that_began_before_analytics_knew_is_counted_from_then_on(world: Rig) -> None:
    async with world.running():
        start_ns = time.time_ns() - 3_600_000_000_000
        await send(world, *(export(n, start_ns, streams=2) for n in (3590, 3595, 3600)))
        await world.wait_settled()
        await check(world, 10, streams=2)
        known = await world.rows("metric_streams")
        assert known == 4


async def test_a_batch_whose_cells_go_to_the_database_in_slices_is_stored_whole(
    world: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cell_tables, "ROWS_AT_ONCE", 7)
    async with world.running():
        start_ns = soon_ns()
        for number in range(1, 4):
            await send(world, export(number, start_ns))
            await world.wait_settled()
        await check(world, 3)


async def test_streams_beyond_the_limit_of_series_count_as_other(world: Rig) -> None:
    async with world.running(max_series=10):
        start_ns = soon_ns()
        await send(world, export(1, start_ns, streams=30), export(2, start_ns, streams=30))
        await world.wait_settled()
        assert await world.total("jobs", "count") == 2 * 3 * 30
        answer = await world.ask("jobs", "count", group_by=["queue"], resolution="1h")
        series = {one.labels["queue"]: one.total for one in answer.series}  # type: ignore[union-attr]
        assert len(series) == 11
        assert series["other"] == 2 * 3 * 20
        answer = await world.ask("jobs", "count", group_by=["service"], resolution="1h")
        assert {one.labels["service"] for one in answer.series} == {"worker", "other"}  # type: ignore[union-attr]


async def test_totals_that_the_database_merges_are_published_as_exactly_as_rows_are(world: Rig) -> None:
    async with AsyncExitStack() as replicas:
        for _ in range(2):  # a window has rows of two writers
            await replicas.enter_async_context(world.running())
        seen = await replicas.enter_async_context(world.aggregates("1h", "jobs-time"))
        start_ns = soon_ns()
        for number in range(1, 7):
            await send(world, export(number, start_ns, streams=5))
        await world.wait_settled()

        def totals() -> dict[int, tuple[int, float | None]]:
            """The last one of each hour: a test may run across two."""
            return {a.window_start: (a.series[0].count, a.series[0].sum) for a, _ in seen}

        await wait_until(lambda: sum(count for count, _ in totals().values()) == 6 * 6 * 5, seen=seen)
        assert sum(total or 0 for _, total in totals().values()) == 9.0 * 6 * 5
        for aggregate, _ in seen:
            (series,) = aggregate.series
            assert series.labels == {}
            assert None not in (series.p50, series.p95)
            assert (series.min or 0) <= (series.p50 or 0) <= (series.p95 or 0) <= (series.max or 0)
