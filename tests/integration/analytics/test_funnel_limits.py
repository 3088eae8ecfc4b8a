"""A funnel that takes too long, or that nobody waits for any longer, ends: its statement, its session and its arithmetic."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from analytics.product.counting.day import Day
from analytics.product.counting.funnels.counts import FunnelCounts, count_bucket
from analytics.product.counting.funnels.definition import Funnel
from analytics.product.segments import reading
from analytics.product.segments.compaction import compact
from analytics.product.stored_cohorts import stored_cohorts
from analytics.query.product import funnels
from analytics.query.product.counting import ProductCounting
from analytics.query.product.funnels import FunnelAnswers
from analytics.query.sessions import Sessions
from analytics.storage.database import Database
from analytics.storage.partitions import Partitions
from analytics.storage.tables import Table, partition_for
from drishti.errors import QueryError
from drishti.messages.product.funnels import FunnelQuery, FunnelStep
from drishti.settings import Secret
from rigs.waiting import DEADLINE_S, wait_until

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
FIRST_MS = int(FIRST.timestamp()) * 1000
DAYS = [FIRST + timedelta(days=n) for n in range(2)]
USERS = 200

ADD = """
INSERT INTO events (tenant, event_id, event_type, time, user_id)
SELECT 'ada', event_type || n, event_type, $1::timestamptz + at, 'user ' || n
FROM generate_series(1, $2::int) AS n, (VALUES ('view', interval '1 hour'), ('buy', interval '25 hours')) AS e (event_type, at)
"""

RUNNING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'analytics questions'
"""

Running = Callable[[str], Awaitable[int]]

ASKED = FunnelQuery(
    tenant="ada",
    from_ms=FIRST_MS,
    to_ms=FIRST_MS + 86_400_000,
    window_s=86_400,
    steps=[FunnelStep(event_type="view"), FunnelStep(event_type="buy")],
)


@pytest.fixture
async def database(postgres_url: str) -> Database:
    database = Database(Secret(postgres_url))
    await database.migrate()
    async with await database.connect(name="test") as session:
        await Partitions().make(session, [partition_for(Table("events"), day) for day in DAYS])
    return database


@pytest.fixture
async def sql_connection(database: Database, postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(ADD, FIRST, USERS)
    yield connection
    await connection.close()


@pytest.fixture
async def running(sql_connection: asyncpg.Connection, postgres_url: str) -> AsyncIterator[Running]:
    """How many sessions of questions there are, of those that also meet a condition."""
    watching = await asyncpg.connect(postgres_url)  # outside of any transaction, in which the view would never change
    yield lambda condition: watching.fetchval(f"{RUNNING} AND {condition}")
    await watching.close()


@pytest.fixture
async def sessions(database: Database) -> AsyncIterator[Sessions]:
    sessions = Sessions(database)
    yield sessions
    await sessions.close()


async def users(answers: FunnelAnswers) -> list[int]:
    return [step.users for step in (await answers.answer(ASKED)).steps]


async def test_a_funnel_whose_time_is_over_ends_in_the_database_too(
    sessions: Sessions, sql_connection: asyncpg.Connection, database: Database, running: Running
) -> None:
    async with await database.connect(name="test") as session:
        for day in DAYS:
            await compact(session, day)
    async with sql_connection.transaction():
        await sql_connection.execute("LOCK TABLE segments IN ACCESS EXCLUSIVE MODE")  # its statement waits for this
        task = asyncio.create_task(users(FunnelAnswers(ProductCounting(sessions, stored_cohorts(), answer_s=3.0))))
        await wait_until(lambda: running("wait_event_type = 'Lock'"), equals=1)
        with pytest.raises(QueryError, match="takes too long: ask for a shorter range") as raised:
            await task
        assert raised.value.code == "timeout"
        await wait_until(lambda: running("true"), equals=0)
    assert await users(FunnelAnswers(ProductCounting(sessions, stored_cohorts()))) == [USERS, USERS]


async def test_a_funnel_that_is_cancelled_ends_in_the_database_too(
    sessions: Sessions, sql_connection: asyncpg.Connection, running: Running
) -> None:
    async with sql_connection.transaction():
        await sql_connection.execute("LOCK TABLE segments IN ACCESS EXCLUSIVE MODE")
        task = asyncio.create_task(users(FunnelAnswers(ProductCounting(sessions, stored_cohorts(), answer_s=DEADLINE_S))))
        await wait_until(lambda: running("wait_event_type = 'Lock'"), equals=1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await wait_until(lambda: running("true"), equals=0)
    assert await users(FunnelAnswers(ProductCounting(sessions, stored_cohorts()))) == [USERS, USERS]


async def test_no_bucket_is_begun_after_the_time_is_over(
    sessions: Sessions, sql_connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, ended = [], threading.Event(), threading.Event()

    def slow(funnel: Funnel, days: Iterable[Day], counts: FunnelCounts) -> None:
        begun.append(len(begun))
        go_on.wait(DEADLINE_S)
        count_bucket(funnel, days, counts)
        ended.set()

    with monkeypatch.context() as patched:
        patched.setattr(funnels, "count_bucket", slow)
        with pytest.raises(QueryError):
            await users(FunnelAnswers(ProductCounting(sessions, stored_cohorts(), answer_s=2.0)))
        go_on.set()
        if begun:
            await wait_until(ended.is_set)
    assert len(begun) <= 1
    assert await users(FunnelAnswers(ProductCounting(sessions, stored_cohorts()))) == [USERS, USERS]


async def test_a_range_of_too_many_events_that_are_not_compacted_is_refused_until_they_are(
    sessions: Sessions, sql_connection: asyncpg.Connection, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an upgrade: everything that was stored is still rows."""
    monkeypatch.setattr(reading, "ROWS_IN_MEMORY", 10)
    answers = FunnelAnswers(ProductCounting(sessions, stored_cohorts()))

    async def refused(share: str) -> None:
        with pytest.raises(QueryError, match=f"still being compacted, {share} of its days") as raised:
            await answers.answer(ASKED)
        assert raised.value.code == "unavailable"

    await refused("0%")
    async with await database.connect(name="test") as session:
        await compact(session, DAYS[0])
        await refused("50%")
        await compact(session, DAYS[1])
    assert await users(answers) == [USERS, USERS]
