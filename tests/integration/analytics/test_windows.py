"""Windows, tenants, retention and migrations: what is in which number, for how long, and who makes the tables."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics

from analytics.errors import MigrationConflict
from analytics.storage import sql
from analytics.storage.database import Database
from drishti.events import QueryAnswer
from drishti.settings import Secret
from drishti_local.servers import NatsServer
from rigs.analytics import Rig, event, now_ms, request, rig
from rigs.waiting import wait_until


async def test_a_late_event_corrects_its_windows_in_a_new_revision_and_in_answers(world: Rig) -> None:
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=90)
    start = int(at.timestamp() * 1000)
    async with world.running(), world.aggregates("*", "events") as seen:

        def published(resolution: str, count: int) -> list[tuple[int, bool]]:
            window = start // {"1s": 1000, "1m": 60_000}[resolution] * {"1s": 1000, "1m": 60_000}[resolution]
            return [
                (a.revision, a.final)
                for a, _ in seen
                if (a.resolution, a.window_start, a.series[0].count) == (resolution, window, count)
            ]

        await world.publish(event("one", timestamp=at))
        for resolution in ("1s", "1m"):
            await wait_until(lambda r=resolution: any(final for _, final in published(r, 1)), seen=seen)
        await world.publish(event("late", timestamp=at + timedelta(milliseconds=700)))
        for resolution in ("1s", "1m"):
            await wait_until(lambda r=resolution: published(r, 2), seen=seen)
            (before, _), (after, final) = published(resolution, 1)[-1], published(resolution, 2)[0]
            assert final, "a closed window stays closed"
            assert after > before
        answer = await world.ask("events", "count", resolution="1s")
        assert isinstance(answer, QueryAnswer)
        assert answer.series[0].points == [(start, 2)]


async def test_an_open_window_is_published_as_it_grows_and_once_final(world: Rig) -> None:
    async with world.running(), world.aggregates(metric="requests") as seen:
        at = datetime.fromtimestamp(int(time.time()) + 2, UTC)  # a second that no pause of this machine makes over too early
        for n in range(4):
            await world.publish_requests(request(f"r{n}", timestamp=at))
            await wait_until(lambda n=n: any(a.series[0].count == n + 1 for a, _ in seen), seen=seen)
        await wait_until(lambda: any(a.final for a, _ in seen), seen=seen)
    window = [a for a, _ in seen if a.window_start == int(at.timestamp() * 1000)]
    assert [a.final for a in window].count(True) == 1
    assert window[-1].final
    assert window[-1].series[0].count == 4
    revisions = [a.revision for a in window]
    assert revisions == sorted(set(revisions))
    assert all(a.published_at <= now_ms() for a in window)


async def test_silence_of_an_active_counter_is_published_as_zero(world: Rig) -> None:
    async with world.running(), world.aggregates(metric="events") as seen:
        await world.publish(event("one"))

        def silent() -> bool:
            return any(a.final and all(s.count == 0 for s in a.series) for a, _ in seen)

        await wait_until(silent, seen=seen)
    (zero, *_) = [a for a, _ in seen if a.final and a.series[0].count == 0]
    assert [s.labels for s in zero.series] == [{}, {"event_type": "dharma_query"}]


async def test_silence_is_not_published_of_a_time_in_which_nobody_listened(world: Rig) -> None:
    async with world.running():
        await world.publish(event("before", timestamp=datetime.now(UTC) - timedelta(seconds=30)))
        await world.wait_settled()
    started = now_ms()
    async with world.running(), world.aggregates(metric="events") as seen:
        await wait_until(lambda: any(a.final and a.series[0].count == 0 for a, _ in seen), seen=seen)
    silent = [a.window_start for a, _ in seen if a.series[0].count == 0]
    assert min(silent) > started - 1000


async def test_tenants_never_mix(own_nats: NatsServer, postgres_url: str) -> None:
    async with (
        rig(own_nats, postgres_url) as one,
        rig(own_nats, postgres_url) as other,
        one.running(),
        one.aggregates(metric="events") as of_one,
        other.aggregates(metric="events") as of_other,
    ):
        await one.publish(*(event(f"same-{n}", user_id=f"u{n}", data={"topic": "karma"}) for n in range(3)))
        await other.publish(*(event(f"same-{n}", user_id=f"u{n}", data={"topic": "breath"}) for n in range(5)))
        await one.publish_requests(request("same", duration_ms=10.0))
        await other.publish_requests(request("same", duration_ms=99.0))
        await one.wait_exact(events=3, requests=1)
        await other.wait_exact(events=5, requests=1)
        for world, users, duration, topic in ((one, 3, 10, "karma"), (other, 5, 99, "breath")):
            assert await world.total("active_users", "uniques") == pytest.approx(users)
            assert await world.total("request_duration_ms", "max") == duration
            answer = await world.ask("topics", "count", group_by=["topic"])
            assert isinstance(answer, QueryAnswer)
            assert [s.labels["topic"] for s in answer.series] == [topic]
        for seen, tenant, count in ((of_one, one.tenant, 3), (of_other, other.tenant, 5)):
            await wait_until(lambda seen=seen, count=count: any(a.series[0].count == count for a, _ in seen), seen=seen)
            assert {a.tenant for a, _ in seen} == {tenant}


async def test_series_beyond_the_limit_are_counted_together(world: Rig) -> None:
    async with world.running(max_series=5):
        at = datetime.now(UTC) - timedelta(minutes=1)
        await world.publish(*(event(data={"topic": f"t{n}"}, timestamp=at) for n in range(4)))
        await world.wait_settled()
        await world.publish(*(event(data={"topic": f"t{n}"}, timestamp=at) for n in range(20)))
        await world.wait_settled()
        answer = await world.ask("topics", "count", group_by=["topic"])
        assert isinstance(answer, QueryAnswer)
        totals = {s.labels["topic"]: s.total for s in answer.series}
        assert sum(totals.values()) == 24, "nothing is lost"
        assert totals == {"t0": 2, "t1": 2, "t2": 2, "t3": 2, "t4": 1, "other": 15}


async def test_partitions_whose_time_is_over_are_dropped_and_old_ids_forgotten(world: Rig) -> None:
    await Database(Secret(world.database_url)).migrate()
    now = datetime.now(UTC)
    connection = await asyncpg.connect(world.database_url)
    try:
        for parent, days, dropped in (
            ("events", 9, True),
            ("events", 7, False),
            ("requests", 9, True),
            ("cells_1s", 4, True),
            ("cells_1m", 4, False),
        ):
            day = (now - timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
            name = f"{parent}_{day:%Y%m%d}"
            await connection.execute("SELECT make_partition($1, $2, $3, $4, '')", parent, name, day, day + timedelta(days=1))
            if parent == "events":
                row = "INSERT INTO events (tenant, event_id, event_type, time) VALUES ($1, $2, 'x', $3)"
                await connection.execute(row, world.tenant, f"{dropped}", day)
        await connection.execute("CREATE TABLE events_20200101 (mine text)")
        today = await connection.fetchval("SELECT max(day) FROM seen_days")
        for n in range(10):
            day = today + timedelta(days=n + 1)  # opened 9 - n days ago
            await connection.execute("SELECT open_seen_day($1)", day)
            await connection.execute("INSERT INTO seen (id, day) VALUES ($1, $2)", bytes([n]), day)
            opened = "UPDATE seen_days SET opened_at = $2 WHERE day = $1"
            await connection.execute(opened, day, now - timedelta(days=9 - n))
        async with world.running(events_days=8.0, rollups_1s_days=2.0):
            await wait_until(lambda: _partition_is_gone(connection, f"cells_1s_{now - timedelta(days=4):%Y%m%d}"))
            await wait_until(lambda: _seen(connection, 5))
        kept = [row["id"] for row in await connection.fetch("SELECT id FROM seen ORDER BY id")]
        assert kept == [bytes([n]) for n in range(5, 10)], "those of four days, and of the day that began before"
        names = {row["relname"] for row in await connection.fetch("SELECT relname FROM pg_class WHERE relkind = 'r'")}
        assert f"events_{now - timedelta(days=9):%Y%m%d}" not in names
        assert f"requests_{now - timedelta(days=9):%Y%m%d}" not in names
        assert f"events_{now - timedelta(days=7):%Y%m%d}" in names
        assert f"cells_1m_{now - timedelta(days=4):%Y%m%d}" in names
        assert f"events_{now + timedelta(days=1):%Y%m%d}" in names, "made ahead"
        assert {f"seen_{today + timedelta(days=n):%Y%m%d}" for n in range(6)}.isdisjoint(names), "dropped, not emptied"
        assert "events_20200101" in names, "a table of somebody else with such a name is left alone"
        assert await connection.fetchval("SELECT event_id FROM events") == "False"
    finally:
        await connection.close()


async def _partition_is_gone(connection: asyncpg.Connection, name: str) -> bool:
    return await connection.fetchval("SELECT to_regclass($1) IS NULL", name)


async def _seen(connection: asyncpg.Connection, count: int) -> bool:
    return await connection.fetchval("SELECT count(*) FROM seen") == count


async def test_an_event_of_weeks_ago_gets_its_partition_and_its_place_in_what_is_still_kept(world: Rig) -> None:
    at = datetime.now(UTC) - timedelta(days=20)
    async with world.running():
        await world.publish(event("old", timestamp=at))
        await world.wait_settled()
        assert await world.rows() == 1
        around = {"from_ms": int(at.timestamp() * 1000) - 60_000, "to_ms": int(at.timestamp() * 1000) + 60_000}
        for resolution in ("1m", "1h"):
            assert await world.total("events", "count", resolution=resolution, **around) == 1
        failure = await world.ask("events", "count", resolution="1s", **around)
        assert not isinstance(failure, QueryAnswer)
        assert failure.field == "resolution"


async def test_replicas_that_start_together_migrate_once(world: Rig) -> None:
    async with asyncio.TaskGroup() as tasks:
        made = [tasks.create_task(Database(Secret(world.database_url)).migrate()) for _ in range(4)]
    assert sorted(len(task.result()) for task in made) == [0, 0, 0, len(sql.migrations())]
    assert await world.fetchval("SELECT count(*) FROM migrations") == len(sql.migrations())


async def test_a_database_that_another_version_made_is_refused(world: Rig) -> None:
    database = Database(Secret(world.database_url))
    await database.migrate()
    connection = await asyncpg.connect(world.database_url)
    try:
        await connection.execute("INSERT INTO migrations (version, name, checksum) VALUES (9999, 'future', 'x')")
        with pytest.raises(MigrationConflict, match="9999"):
            await database.migrate()
        await connection.execute("DELETE FROM migrations WHERE version = 9999")
        await connection.execute("UPDATE migrations SET checksum = 'another' WHERE version = 1")
        with pytest.raises(MigrationConflict, match="0001_events_and_rollups was changed"):
            await database.migrate()
    finally:
        await connection.close()


def _metrics(service: str, at: datetime, *, cpu: float, memory: int) -> bytes:
    message = ResourceMetrics()
    message.resource.attributes.add(key="service.name").value.string_value = service
    metrics = message.scope_metrics.add().metrics
    nanoseconds = int(at.timestamp() * 1e9)
    metrics.add(name="process.cpu.utilization").gauge.data_points.add(time_unix_nano=nanoseconds, as_double=cpu)
    metrics.add(name="process.memory.usage").sum.data_points.add(time_unix_nano=nanoseconds, as_int=memory)
    metrics.add(name="http.server.duration").gauge.data_points.add(time_unix_nano=nanoseconds, as_double=1.0)
    return message.SerializeToString()


async def test_otlp_metrics_become_cpu_and_memory_by_service(world: Rig) -> None:
    at = datetime.now(UTC) - timedelta(seconds=30)
    async with world.running(), world.aggregates(metric="cpu_utilization") as seen:
        for n, service in enumerate(("gateway", "predictor")):
            for second in range(3):
                payload = _metrics(service, at + timedelta(seconds=second), cpu=0.25 * (second + 1), memory=1000 * (n + 1))
                for _ in range(2):  # an exporter that retries
                    await world.admin.publish(f"metrics.v1.{world.tenant}.{service}", payload)
        await world.wait_settled()
        assert await world.total("cpu_utilization", "max") == 0.75
        assert await world.total("cpu_utilization", "avg") == 0.5
        assert await world.total("memory_usage_bytes", "avg", filters={"service": "predictor"}) == 2000
        answer = await world.ask("memory_usage_bytes", "max", group_by=["service"], resolution="1s")
        assert isinstance(answer, QueryAnswer)
        assert {s.labels["service"]: len(s.points) for s in answer.series} == {"gateway": 3, "predictor": 3}
        await wait_until(lambda: any(s.labels == {"service": "gateway"} for a, _ in seen for s in a.series), seen=seen)
    count = "SELECT sum(count) FROM rollups WHERE tenant = $1 AND resolution = '1h' AND metric = 'cpu_utilization'"
    assert await world.fetchval(count, world.tenant) == 6, "what an exporter sent twice counts once"
