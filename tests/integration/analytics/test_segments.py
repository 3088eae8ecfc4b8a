"""Segments and the rows beyond them are always the rows of ``events``: whoever writes, however late, whatever is killed."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from analytics.product.segments import compaction
from analytics.product.segments.compaction import compact, drop_segments, due_days
from analytics.product.segments.reading import ProductReading, TooManyRows, UserIds
from analytics.storage import sql
from analytics.storage.database import Database, Session
from analytics.storage.partitions import Partitions
from analytics.storage.tables import Table, partition_for
from drishti.settings import Secret
from drishti_local.servers import PostgresServer
from rigs.analytics import Rig, event
from rigs.compacting import compact_what_is_due, replicas_that_are_killed
from rigs.programs import outcome
from rigs.waiting import wait_until

DAY_MS = 86_400_000
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = [FIRST + timedelta(days=n) for n in range(3)]
FIRST_MS = int(FIRST.timestamp()) * 1000
TENANTS = ("ada", "eve")
EVENTS = Table("events")

BY_ROWS = """
SELECT hashtextextended(user_id, 0) AS user, (extract(epoch FROM time) * 1000)::bigint AS ms, event_type, service,
    data ->> 'topic' AS topic, (data ->> 'price')::float8 AS price, count(*)::int AS n
FROM events WHERE tenant = $1 AND user_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6
"""

IDS_BY_ROWS = """
SELECT DISTINCT hashtextextended(user_id, 0) AS hash, user_id FROM events WHERE tenant = $1 AND user_id IS NOT NULL
"""

Rows = Counter[tuple[Any, ...]]


@pytest.fixture
async def database(postgres_url: str) -> Database:
    database = Database(Secret(postgres_url))
    await database.migrate()
    async with await database.connect(name="test") as session:
        await Partitions().make(session, [partition_for(EVENTS, day) for day in DAYS])
    return database


@pytest.fixture
async def sql_connection(database: Database, postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


def rows(chance: random.Random, count: int, *, tenant: str = "") -> list[tuple[Any, ...]]:
    found = []
    for _ in range(count):
        data: dict[str, Any] = {}
        if chance.random() < 0.7:
            data["topic"] = chance.choice(["tea", "cups", "\u00fc"])
        if chance.random() < 0.5:
            data["price"] = chance.choice([1, 2.5, -3])
        at = FIRST + timedelta(milliseconds=chance.choice([0, DAY_MS - 1, DAY_MS, chance.randrange(3 * DAY_MS)]))
        user = None if chance.random() < 0.05 else f"user {chance.randrange(40)}"
        found.append(
            (
                tenant or chance.choice(TENANTS),
                uuid.uuid4().hex,
                chance.choice(["view", "buy"]),
                at,
                user,
                chance.choice(["shop", None]),
                json.dumps(data) if data else None,
            )
        )
    return found


COLUMNS = ("tenant", "event_id", "event_type", "time", "user_id", "service", "data")


async def read(session: Session, tenant: str, **limits: Any) -> Rows:
    """What segments and rows beyond them say."""
    found: Rows = Counter()
    reading = ProductReading(
        session,
        tenant,
        from_ms=FIRST_MS,
        to_ms=FIRST_MS + 3 * DAY_MS,
        columns=["service", "data.topic", "data.price"],
        **limits,
    )
    async for days in reading.buckets():
        for day in days:
            users, columns = day.segment.of_rows().tolist(), day.segment.columns
            for row, user in enumerate(users):
                values: list[Any] = [user, day.start_ms + int(day.segment.t[row])]
                for name in ("event_type", "service", "data.topic"):
                    code = int(columns[name].codes[row]) if name in columns else 0
                    values.append(columns[name].values[code - 1] if code else None)
                price = columns.get("data.price")
                number = float("nan") if price is None or price.numbers is None else float(price.numbers[row])
                found[*values, None if number != number else number] += 1
    return found


async def assert_exact(session: Session) -> int:
    """In one snapshot, for each tenant, reading is SQL over rows."""
    total = 0
    async with session.snapshot():
        for tenant in TENANTS:
            wanted = Counter({tuple(row)[:-1]: row["n"] for row in await session.fetch_composed(BY_ROWS, tenant)})
            assert await read(session, tenant) == wanted
            total += wanted.total()
            users = {row["hash"]: row["user_id"] for row in await session.fetch_composed(IDS_BY_ROWS, tenant)}
            assert await UserIds(session, tenant).of(users) == users
    return total


async def add(connection: asyncpg.Connection, some: list[tuple[Any, ...]]) -> None:
    await connection.copy_records_to_table("events", records=some, columns=COLUMNS)


async def test_events_are_read_once_before_and_after_each_compaction(
    database: Database, sql_connection: asyncpg.Connection
) -> None:
    chance = random.Random(1)
    async with await database.connect(name="test") as session:
        for _ in range(4):
            await add(sql_connection, rows(chance, 300))
            await assert_exact(session)
            for day in chance.sample(DAYS, 2):
                await compact(session, day)
                await assert_exact(session)
        assert await sql_connection.fetchval("SELECT sum(rows) FROM segments WHERE col = 'users'") > 500


@pytest.mark.parametrize("seed", range(3))
async def test_any_order_of_writers_compactions_kills_and_questions(
    database: Database, postgres_url: str, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Three writers that hold transactions open and roll some back, and one to three replicas whose connections are cut at any
    moment."""
    monkeypatch.setattr(compaction, "AGE_S", 0.0)
    monkeypatch.setattr(compaction, "ROWS_IN_MEMORY", 40)
    chance = random.Random(seed)
    written = 0

    async def write() -> None:
        nonlocal written
        connection = await asyncpg.connect(postgres_url)
        for _ in range(12):
            transaction = connection.transaction()
            await transaction.start()
            some = rows(chance, chance.randrange(1, 40))
            for part in (some[::2], some[1::2]):
                await add(connection, part)
                await asyncio.sleep(chance.random() * 0.03)  # others go on meanwhile
            if chance.random() < 0.2:
                await transaction.rollback()
            else:
                await transaction.commit()
                written += sum(1 for row in some if row[4] is not None)
        await connection.close()

    async with replicas_that_are_killed(database, postgres_url, chance, 1 + seed, assert_exact):
        await asyncio.gather(*(write() for _ in range(3)))
    async with await database.connect(name="test") as session:
        assert await assert_exact(session) == written
        await compact_what_is_due(database)
        assert await assert_exact(session) == written


async def test_an_event_of_a_transaction_that_commits_late_is_not_left_behind(
    database: Database, postgres_url: str, sql_connection: asyncpg.Connection
) -> None:
    late = await asyncpg.connect(postgres_url)
    transaction = late.transaction()
    await transaction.start()
    await add(late, rows(random.Random(2), 30, tenant="ada"))
    await add(sql_connection, rows(random.Random(3), 50, tenant="ada"))  # a later transaction that is over before
    async with await database.connect(name="test") as session:
        for day in DAYS:
            await compact(session, day)
        before = await assert_exact(session)
        await transaction.commit()
        after = await assert_exact(session)
        assert after > before
        for day in DAYS:
            await compact(session, day)
        assert await assert_exact(session) == after
        assert await due_days(session) == []
    await late.close()


async def test_rows_that_do_not_fit_into_memory_are_read_by_bucket(
    database: Database, sql_connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analytics.product.segments.reading.ROWS_IN_MEMORY", 40)
    await add(sql_connection, rows(random.Random(4), 200))
    async with await database.connect(name="test") as session:
        assert await assert_exact(session) > 100
        monkeypatch.setattr("analytics.product.segments.reading.ROWS_IN_MEMORY", 2)
        with pytest.raises(TooManyRows):
            await assert_exact(session)


async def test_rows_of_before_the_migration_are_read_and_compacted(postgres_url: str) -> None:
    """A database of the schema before, with events."""
    connection = await asyncpg.connect(postgres_url)
    database = Database(Secret(postgres_url))
    before = [migration for migration in sql.migrations() if migration.version < 20]
    for migration in before:
        await connection.execute(migration.text)
    await connection.execute(sql.queries()["make_migrations_table"])
    for migration in before:
        added = sql.queries()["add_migration"]
        await connection.execute(added, migration.version, migration.name, migration.checksum)
    async with await database.connect(name="test") as session:
        await Partitions().make(session, [partition_for(EVENTS, day) for day in DAYS])
        await add(connection, rows(random.Random(5), 200))
        assert "0020_segments" in await database.migrate()
        old = await assert_exact(session)
        await add(connection, rows(random.Random(6), 100))
        assert await assert_exact(session) > old
        for day in DAYS:
            await compact(session, day)
        assert await assert_exact(session) > old
        assert await due_days(session) == []
        assert await connection.fetchval("SELECT count(*) FROM events WHERE xid IS NULL") == 200
    await connection.close()


async def test_segments_go_with_the_events_of_their_day(database: Database, sql_connection: asyncpg.Connection) -> None:
    await add(sql_connection, rows(random.Random(7), 200))
    async with await database.connect(name="test") as session:
        for day in DAYS:
            await compact(session, day)
        await Partitions().maintain(session, DAYS[2], {EVENTS: DAYS[1]}, DAYS[0] - timedelta(days=9), {EVENTS: drop_segments})
        days = [row[0] for row in await sql_connection.fetch("SELECT DISTINCT day FROM segments ORDER BY day")]
        assert days == [DAYS[1].date(), DAYS[2].date()]
        assert await sql_connection.fetchval("SELECT count(*) FROM segment_marks") == 2
        await assert_exact(session)
        left = "SELECT count(DISTINCT (tenant, user_id)) FROM events WHERE user_id IS NOT NULL"
        assert await sql_connection.fetchval("SELECT count(*) FROM user_ids") == await sql_connection.fetchval(left)


SPEND_TRANSACTIONS = """
DO $$ BEGIN FOR n IN 1..20000 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$
"""


async def test_a_restored_dump_is_read_by_rows_until_it_is_compacted_again(
    database: Database, sql_connection: asyncpg.Connection, postgres_url: str, own_postgres: PostgresServer, tmp_path: Path
) -> None:
    """The cluster that it is restored to has given out fewer transactions than the one that it comes from."""
    await sql_connection.execute("SET synchronous_commit = off")
    await sql_connection.execute(SPEND_TRANSACTIONS)
    await add(sql_connection, rows(random.Random(8), 200))
    async with await database.connect(name="test") as session:
        await compact(session, DAYS[0])
        await compact(session, DAYS[1])
        stored = await assert_exact(session)
    await _restore(postgres_url, own_postgres.url(), tmp_path)
    restored = Database(Secret(own_postgres.url()))
    writer = await asyncpg.connect(own_postgres.url())
    async with await restored.connect(name="test") as session:
        assert await assert_exact(session) == stored
        await add(writer, rows(random.Random(9), 100))
        more = await assert_exact(session)
        assert more > stored
        for day in DAYS:
            await compact(session, day)
        assert await assert_exact(session) == more
        await add(writer, rows(random.Random(10), 100))
        most = await assert_exact(session)
        for day in DAYS:
            await compact(session, day)
        assert await assert_exact(session) == most
        assert await writer.fetchval("SELECT sum(rows) FROM segments WHERE col = 'users'") == most
        assert await due_days(session) == []
    await writer.close()


async def _restore(from_url: str, to_url: str, tmp_path: Path) -> None:
    pg_dump, psql = shutil.which("pg_dump"), shutil.which("psql")
    if not (pg_dump and psql):
        pytest.skip("no pg_dump on this machine")
    dump = tmp_path / "dump.sql"
    for command in (
        [pg_dump, "--no-owner", f"--file={dump}", from_url],
        [psql, "--quiet", "--set=ON_ERROR_STOP=1", f"--file={dump}", to_url],
    ):
        status, _, errors = await outcome(*command)
        assert status == 0, errors


async def test_marks_of_another_cluster_mean_nothing_even_where_more_transactions_were_given_out(
    database: Database, sql_connection: asyncpg.Connection
) -> None:
    await add(sql_connection, rows(random.Random(11), 200))
    async with await database.connect(name="test") as session:
        for day in DAYS:
            await compact(session, day)
        await add(sql_connection, rows(random.Random(12), 100))
        # As after a dump: events that were stored here before anything was compacted again are below the mark.
        await sql_connection.execute(
            "UPDATE segment_marks SET cluster = cluster + 1, below = (SELECT max(xid) + 1 FROM events)"
        )
        await assert_exact(session)
        for day in DAYS:
            await compact(session, day)
        assert await assert_exact(session) == await sql_connection.fetchval(
            "SELECT sum(rows) FROM segments WHERE col = 'users'"
        )


async def test_rows_of_a_compacted_day_are_read_by_no_question(database: Database, sql_connection: asyncpg.Connection) -> None:
    """Also before any vacuum: every block has its summary."""
    for day in ("20260301", "20260302"):
        await sql_connection.execute(f"ALTER TABLE events_{day} SET (autovacuum_enabled = false)")
    await add(sql_connection, rows(random.Random(4), 15_000, tenant="ada"))  # many more blocks than have one summary
    summarize = "SELECT brin_summarize_new_values('events_20260302_xid_idx'::regclass)"
    async with await database.connect(name="test") as session:
        for day in DAYS[1:]:
            await compact(session, day)
    assert await sql_connection.fetchval(summarize) == 0
    assert await sql_connection.fetchval(summarize.replace("20260302", "20260301")) > 0, "of the day that was not compacted"


async def test_a_running_analytics_compacts_what_it_stores(world: Rig) -> None:
    async with world.running():
        await world.publish(*(event(f"e{n}", user_id=f"u{n % 7}") for n in range(70)))
        connection = await asyncpg.connect(world.database_url)
        count = "SELECT coalesce(sum(rows), 0)::int FROM segments WHERE col = 'users' AND tenant = $1"
        await wait_until(lambda: connection.fetchval(count, world.tenant), equals=70)
        await connection.close()


IN_SEGMENTS = "SELECT coalesce(sum(rows), 0)::int FROM segments WHERE col = 'users'"

ENDED = """
SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'analytics segments'
"""

WAITS = """
SELECT count(*)::int FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'analytics segments' AND wait_event_type = 'Lock'
"""


async def test_a_process_that_is_killed_amid_compacting_leaves_everything_exact_and_the_next_one_goes_on(world: Rig) -> None:
    chance = random.Random(3)
    database = Database(Secret(world.database_url))
    await database.migrate()
    connection = await asyncpg.connect(world.database_url)
    async with await database.connect(name="test") as session:
        await Partitions().make(session, [partition_for(EVENTS, day) for day in DAYS])
        for _ in range(2):
            await add(connection, rows(chance, 600))
            await connection.execute("UPDATE segment_marks SET at = at - interval '1 hour'")  # they are due
            marks = await connection.fetch("SELECT * FROM segment_marks ORDER BY day")
            async with connection.transaction():
                await connection.execute("LOCK TABLE segments IN SHARE MODE")  # who makes segments waits, who reads does not
                async with world.process(ANALYTICS_EVENTS_DAYS="3650") as process:
                    await wait_until(lambda: connection.fetchval(WAITS), equals=1, within=180)
                    await assert_exact(session)
                    process.kill()
                    await process.wait()
                await assert_exact(session)
            await wait_until(lambda: connection.fetchval(ENDED), equals=0)
            assert await connection.fetch("SELECT * FROM segment_marks ORDER BY day") == marks, (
                "killed too late to prove anything"
            )
            total = await assert_exact(session)
            async with world.process(ANALYTICS_EVENTS_DAYS="3650"):
                await wait_until(lambda: connection.fetchval(IN_SEGMENTS), equals=total)
            assert await assert_exact(session) == total
    await connection.close()
