"""Series have ids, and one limit over all replicas: equal with plain SQL over the rows, however they come."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from analytics.errors import DatabaseAway
from analytics.storage import sql
from analytics.storage.carrying import Carrying
from analytics.storage.database import Database
from analytics.storage.store import Store
from drishti.settings import Secret
from rigs.stored_events import COUNTED_BY_ROLLUPS, COUNTED_BY_ROWS, EventBatch, Happened, counts
from rigs.waiting import wait_until

KEPT = {"1s": 2.0, "1m": 30.0, "1h": 730.0}
HOUR = 3600


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    await Database(Secret(postgres_url)).migrate()
    found = await asyncpg.connect(postgres_url)
    try:
        yield found
    finally:
        await found.close()


def store_of(url: str, limit: int) -> Store:
    return Store(Database(Secret(url)), max_series=limit, kept_days=KEPT)


async def record(store: Store, tenant: str, events: Sequence[Happened]) -> int:
    """As the writer does it: what failed is tried again. Returns how many went to ``other``."""
    while True:
        try:
            return (await store.record(EventBatch(tenant, events))).overflowed
        except DatabaseAway:
            await asyncio.sleep(0.01)


def case(seed: int) -> tuple[random.Random, int, int, list[Happened]]:
    """Replicas, a limit, and events of up to three hours with some of them twice."""
    rng = random.Random(seed)
    replicas, limit = rng.randint(1, 3), rng.choice((1, 3, 8, 20))
    now = int(datetime.now(UTC).timestamp()) // HOUR * HOUR
    kinds = rng.randint(1, 16)
    events = [
        Happened(uuid.uuid4().bytes, f"kind{rng.randrange(kinds)}", now - rng.randrange(2 * HOUR + 60) // rng.choice((1, 60)))
        for _ in range(rng.randint(1, 120))
    ]
    events += rng.choices(events, k=len(events) // 3)
    rng.shuffle(events)
    return rng, replicas, limit, events


@pytest.mark.parametrize("seed", range(24))
async def test_any_batches_of_any_replicas_give_what_the_rows_say(
    postgres_url: str, connection: asyncpg.Connection, seed: int
) -> None:
    rng, replicas, limit, events = case(seed)
    tenant = f"t{seed}"
    stores = [store_of(postgres_url, limit) for _ in range(replicas)]
    overflowed: list[int] = []

    async def work(place: int, mine: list[Happened]) -> None:
        while mine:
            size = rng.randint(1, 40)
            batch, mine = mine[:size], mine[size:]
            overflowed.append(await record(stores[place], tenant, batch))
            if rng.random() < 0.2:
                await stores[place].forget_quiet()
                for _ in range(rng.choice((1, 2, 4, 13))):
                    await stores[place].forget_quiet_windows()
            if rng.random() < 0.1:  # it dies, and another one takes its place
                await stores[place].close()
                stores[place] = store_of(postgres_url, limit)

    try:
        async with asyncio.TaskGroup() as tasks:
            for place in range(replicas):
                tasks.create_task(work(place, events[place::replicas]))
    finally:
        for store in stores:
            await store.close()
    happened = await counts(connection, COUNTED_BY_ROWS, tenant)
    kept = await counts(connection, COUNTED_BY_ROLLUPS, tenant)
    assert happened.keys() == kept.keys()
    assert sum(sum(by.values()) for (resolution, _), by in happened.items() if resolution == "1h") == len(
        {event.key for event in events}
    )
    named: dict[datetime, set[str]] = {}
    for (resolution, start), by in kept.items():
        truth = happened[resolution, start]
        assert sum(by.values()) == sum(truth.values())
        assert all(count <= truth[kind] for kind, count in by.items() if kind != "other")
        named.setdefault(start.replace(minute=0, second=0), set()).update(by.keys() - {"other"})
    for hour, kinds in named.items():
        there = happened["1h", hour]
        assert len(kinds) == min(limit, len(there)), "one limit over all replicas and resolutions"
        if len(there) <= limit:
            assert all(by == happened[key] for key, by in kept.items() if key[1].replace(minute=0, second=0) == hour)
    assert sum(overflowed) == sum(by.get("other", 0) for (resolution, _), by in kept.items() if resolution == "1h")


async def test_a_series_that_one_replica_admitted_has_its_rows_with_every_other(
    postgres_url: str, connection: asyncpg.Connection
) -> None:
    at = int(datetime.now(UTC).timestamp())
    one, other = store_of(postgres_url, 2), store_of(postgres_url, 2)

    async def say(store: Store, *kinds: str) -> int:
        return await record(store, "t", [Happened(uuid.uuid4().bytes, kind, at) for kind in kinds])

    try:
        assert await say(other, "a") == 0
        assert await say(one, "a", "b") == 0
        assert await say(other, "c", "b", "a") == 1
        assert await say(one, "c", "b") == 1
    finally:
        await one.close()
        await other.close()
    kept = await counts(connection, COUNTED_BY_ROLLUPS, "t")
    assert list(kept.values()) == [{"a": 3, "b": 3, "other": 2}] * 3
    assert await connection.fetchval("SELECT count(*) FROM series") == 3


async def test_an_hour_whose_admissions_are_forgotten_keeps_its_series(
    postgres_url: str, connection: asyncpg.Connection
) -> None:
    at = int(datetime.now(UTC).timestamp())
    for kinds, wanted in ((("a", "b", "c"), 1), (("c", "b"), 1)):
        store = store_of(postgres_url, 2)
        batch = [Happened(uuid.uuid4().bytes, kind, at) for kind in kinds]
        assert await record(store, "t", batch) == wanted
        await store.close()
        await connection.execute("DELETE FROM admissions")
    kept = await counts(connection, COUNTED_BY_ROLLUPS, "t")
    assert list(kept.values()) == [{"a": 1, "b": 2, "other": 2}] * 3


_OLD_PUT = """
INSERT INTO rollups AS r (
    writer, resolution, tenant, metric, window_start, labels, count, errors, sum, min, max, histogram, uniques, exemplar
)
SELECT $1, * FROM unnest(
    $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::jsonb[], $7::bigint[], $8::bigint[], $9::float8[],
    $10::float8[], $11::float8[], $12::bytea[], $13::bytea[], $14::text[]
)
ON CONFLICT (resolution, tenant, metric, window_start, labels, writer) DO UPDATE SET
    count = excluded.count, errors = excluded.errors, sum = excluded.sum, min = excluded.min, max = excluded.max,
    histogram = excluded.histogram, uniques = excluded.uniques, exemplar = excluded.exemplar
"""
_ALL = """
SELECT resolution, tenant, metric, window_start, labels, writer, count, errors, sum, min, max, histogram, uniques, exemplar
FROM rollups WHERE tenant = 'old' ORDER BY 1, 3, 4, 5, 6
"""


async def _old_database(url: str, hour: datetime) -> asyncpg.Connection:
    """A database as the version before left it, with two writers' rollups at all resolutions."""
    connection = await asyncpg.connect(url)
    await connection.execute(sql.queries()["make_migrations_table"])
    for step in sql.migrations():
        if step.version < 8:
            await connection.execute(step.text)
            await connection.execute(sql.queries()["add_migration"], step.version, step.name, step.checksum)
    day = hour.replace(hour=0)
    for back in range(3):
        starts = day - timedelta(days=back)
        for parent in ("rollups_1s", "rollups_1m"):
            name, ends = f"{parent}_{starts:%Y%m%d}", starts + timedelta(days=1)
            await connection.execute("SELECT make_partition($1, $2, $3, $4, '')", parent, name, starts, ends)
        month = starts.replace(day=1)
        ends = (month + timedelta(days=32)).replace(day=1)
        await connection.execute("SELECT make_partition('rollups_1h', $1, $2, $3, '')", f"rollups_1h_{month:%Y%m}", month, ends)
    await _old_write(connection, uuid.uuid4(), hour)
    await _old_write(connection, uuid.uuid4(), hour)
    return connection


async def _old_write(connection: asyncpg.Connection, writer: uuid.UUID, hour: datetime) -> None:
    widths = {"1s": timedelta(seconds=1), "1m": timedelta(minutes=1), "1h": timedelta(hours=1)}
    starts = [(r, hour - n * width) for r, width in widths.items() for n in range(40)]
    rows = [
        (r, "old", metric, start, f'{{"service": "{service}"}}', 3, 1, 2.5, 0.5, 1.5, b"\x01\x02", None, "trace")
        for r, start in starts
        for metric in ("one", "two")
        for service in ("a", "b", "c")
    ]
    await connection.execute(_OLD_PUT, writer, *(list(column) for column in zip(*rows, strict=True)))


async def test_what_was_stored_before_series_had_ids_is_there_at_any_time_and_carried_over(postgres_url: str) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    database = Database(Secret(postgres_url))
    old = await _old_database(postgres_url, hour)
    store = store_of(postgres_url, 100)
    try:
        before = [tuple(row) for row in await old.fetch(_ALL)]
        assert len(before) == 2 * 40 * 3 * 6
        await database.migrate()
        assert [tuple(row) for row in await old.fetch(_ALL)] == before
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):  # passing, for a replica of before: it gives it back
            await _old_write(old, uuid.uuid4(), hour)
        stop = asyncio.Event()
        carrying = Carrying(database)
        carrying._pages = 1
        task = asyncio.create_task(carrying.run(stop))
        for n in range(5):
            happened = [Happened(uuid.uuid4().bytes, f"kind{k}", int(hour.timestamp()) + n) for k in range(20)]
            assert await record(store, "new", happened) == 0
            assert [tuple(row) for row in await old.fetch(_ALL)] == before, "each row once, whenever one asks"
            if n == 2:  # it dies on its way, and another replica goes on
                task.cancel()
                await asyncio.wait((task,))
                task = asyncio.create_task(Carrying(database).run(stop))
        await wait_until(task.done)
        task.result()
        assert [tuple(row) for row in await old.fetch(_ALL)] == before
        assert await old.fetchval("SELECT to_regclass('rollups_before_series')") is None
        kept = await counts(old, COUNTED_BY_ROLLUPS, "new")
        assert sum(kept["1h", hour].values()) == 100
        assert await old.fetchval("SELECT count(*) FROM series") == 6 + 20
        partition = "SELECT make_partition('rollups_1s', 'rollups_1s_next', $1::timestamptz, $1::timestamptz, '')"
        assert not await old.fetchval(partition, hour), "a replica of before asks for it, and goes on to what it gives back"
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
            await _old_write(old, uuid.uuid4(), hour)
        await Carrying(database).run(stop)  # nothing is left to do
    finally:
        await store.close()
        await old.close()
