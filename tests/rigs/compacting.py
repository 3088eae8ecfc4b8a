"""Brings events and merges of ids into segments: at once, or by replicas that are killed while others ask."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from typing import Any

import asyncpg

from analytics.product.people.applying import apply_edges
from analytics.product.segments.compaction import Compaction, compact, due_days, rewriting
from analytics.product.segments.reading import days_with_events
from analytics.storage.database import Database, Session
from drishti.settings import Secret
from rigs.analytics import Rig
from rigs.waiting import wait_until

_CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'analytics segments'
"""


async def compacted(analytics: Rig) -> None:
    """All days of events are in segments, and so is what edges of the tenant say."""
    async with await Database(Secret(analytics.database_url)).connect(name="test") as session:
        async with rewriting(session):
            while await apply_edges(session, analytics.tenant):
                pass
        for day in await days_with_events(session, date.min, date.max):
            async with rewriting(session):
                await compact(session, day)


@contextlib.asynccontextmanager
async def replicas_that_are_killed(
    database: Database, url: str, chance: random.Random, replicas: int, check: Callable[[Session], Awaitable[Any]]
) -> AsyncIterator[None]:
    """Replicas compact, their connections are cut at any moment, and ``check`` is asked all the time; that is no failure of a
    replica."""
    stop = asyncio.Event()

    async def kill() -> None:
        connection = await asyncpg.connect(url)
        while not stop.is_set():
            await asyncio.sleep(chance.random() * 0.1)
            await connection.execute(_CUT)  # in the midst of whatever it does
        await connection.close()

    async def ask() -> None:
        async with await database.connect(name="question") as session:
            while not stop.is_set():
                await check(session)

    running = [_compaction(database) for _ in range(replicas)]
    async with asyncio.TaskGroup() as tasks:
        for replica in running:
            tasks.create_task(replica.run(stop))
        tasks.create_task(kill())
        tasks.create_task(ask())
        yield
        stop.set()
    assert [replica.failed for replica in running] == [0] * replicas


async def compact_what_is_due(database: Database) -> None:
    """One replica compacts until nothing is due."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_compaction(database).run(stop))
        await wait_until(lambda: _nothing_is_due(database))
        stop.set()


def _compaction(database: Database) -> Compaction:
    return Compaction(database, lambda: 0, every_s=0.01)


async def _nothing_is_due(database: Database) -> bool:
    async with await database.connect(name="test") as session:
        return not await due_days(session) and not await session.fetch("tenants_with_pending_edges", 1)
