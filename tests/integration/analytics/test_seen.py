"""An item counts once, also where it is sent again on another day: keys lie in a partition for each day of arrival."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta

import asyncpg
import pytest

from analytics.errors import DuplicateKey
from analytics.storage import sql
from analytics.storage.database import Database, Session
from drishti.settings import Secret
from rigs.analytics import Rig, event
from rigs.waiting import wait_until


@pytest.fixture
async def connection(world: Rig) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database with today's schema."""
    await Database(Secret(world.database_url)).migrate()
    connection = await asyncpg.connect(world.database_url)
    yield connection
    await connection.close()


async def open_next_day(connection: asyncpg.Connection) -> date:
    """As midnight does."""
    day: date = await connection.fetchval("SELECT max(day) + 1 FROM seen_days")
    assert await connection.fetchval("SELECT open_seen_day($1)", day)
    return day


def keys(numbers: range) -> list[bytes]:
    return [n.to_bytes(16, "big") for n in numbers]


async def session(world: Rig) -> Session:
    return await Database(Secret(world.database_url)).connect(name="test", generic=True)


async def test_an_event_that_comes_again_days_later_changes_nothing(world: Rig, connection: asyncpg.Connection) -> None:
    async with world.running():
        await world.publish(*(event(f"e{n}") for n in range(50)))
        await world.wait_exact(events=50)
        for day in range(1, 4):
            await open_next_day(connection)
            await world.publish(*(event(f"e{n}") for n in range(50 * day, 50 * day + 50)))  # a batch of new ones alone
            await world.wait_settled()
            await world.publish(*(event(f"e{n}") for n in range(50 * day + 50)))  # those of all days
            await world.wait_settled()
        await world.wait_exact(events=200)
        by_day = [row[0] for row in await connection.fetch("SELECT count(*) FROM seen GROUP BY day ORDER BY day")]
        assert by_day == [50, 50, 50, 50]


async def test_the_next_day_begins_when_no_batch_of_the_last_one_is_open(world: Rig, connection: asyncpg.Connection) -> None:
    """Two replicas store one id at midnight: the second finds what the first had not yet committed when the day ended."""
    opening = await asyncpg.connect(world.database_url)
    waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    async with await session(world) as one, await session(world) as other:
        async with one.transaction():
            await one.value("add_new_to_seen", keys(range(3)))
            midnight = asyncio.create_task(open_next_day(opening))
            await wait_until(lambda: connection.fetchval(waits))
            second = asyncio.create_task(_add_all(other, keys(range(2, 5))))
            await wait_until(lambda: _is(connection, waits, 2))
            assert not midnight.done()
        day = await midnight
        with pytest.raises(DuplicateKey):
            await second
        async with other.transaction():
            await other.value("hold_event_metrics")
            new = {record["id"] for record in await other.fetch("add_to_seen", keys(range(1, 5)))}
        assert new == set(keys(range(3, 5)))
        assert await connection.fetchval("SELECT count(*) FROM seen WHERE day = $1", day) == 2
        assert await connection.fetchval("SELECT count(*) FROM seen") == 5
    await opening.close()


async def _add_all(session: Session, wanted: list[bytes]) -> None:
    async with session.transaction():
        await session.value("add_new_to_seen", wanted)


async def _is(connection: asyncpg.Connection, query: str, count: int) -> bool:
    return bool(await connection.fetchval(query) == count)


async def test_replicas_count_once_through_midnights_kill_9_and_redelivery(world: Rig, connection: asyncpg.Connection) -> None:
    async with world.running(batch_items=20), world.process(ANALYTICS_BATCH_ITEMS="20") as process:
        await world.redeliver_after(1.0)
        for day in range(3):
            async with asyncio.TaskGroup() as tasks:
                for part in range(10):
                    first = day * 150 + part * 20
                    tasks.create_task(world.publish(*(event(f"e{n}") for n in range(first, first + 40))))
            await open_next_day(connection)
            if day == 1:
                process.kill()
        await world.wait_exact(events=2 * 150 + 220)


async def test_keys_of_the_earlier_schema_are_found_and_go_with_their_day(world: Rig) -> None:
    connection = await asyncpg.connect(world.database_url)
    try:
        await connection.execute(sql.queries()["make_migrations_table"])
        for migration in sql.migrations():
            if migration.version < 7:
                await connection.execute(migration.text)
                done = (migration.version, migration.name, migration.checksum)
                await connection.execute(sql.queries()["add_migration"], *done)
        await connection.executemany("INSERT INTO seen (id) VALUES ($1)", [(key,) for key in keys(range(100))])
        assert "0007_seen_by_days" in await Database(Secret(world.database_url)).migrate()
        async with await session(world) as writer:
            with pytest.raises(DuplicateKey):
                await _add_all(writer, keys(range(99, 120)))
            await _add_all(writer, keys(range(100, 120)))
            day = await open_next_day(connection)
            with pytest.raises(DuplicateKey):
                await _add_all(writer, keys(range(99, 101)))
            await _add_all(writer, keys(range(120, 130)))
            assert await connection.fetchval("SELECT count(*) FROM seen") == 130
            with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="newer version"):  # as an earlier replica does
                await connection.execute("INSERT INTO seen (id) VALUES ('\\x01')")
            async with writer.transaction():
                (record,) = await writer.fetch("expired_seen_days", await connection.fetchval("SELECT now()"))
                assert record["day"] == day - timedelta(days=1)
                assert await writer.value("drop_seen_day", record["day"])
        assert await connection.fetchval("SELECT count(*) FROM seen") == 10
    finally:
        await connection.close()
