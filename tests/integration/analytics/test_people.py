"""Ids of one person are counted as one, at once and exactly, whatever is compacted, late, undone or killed meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from analytics.product.people.changes import group_of
from analytics.storage.database import Database
from drishti.settings import Secret
from rigs.analytics import Rig, event

DAY = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
async def database(postgres_url: str) -> Database:
    database = Database(Secret(postgres_url))
    await database.migrate()
    return database


@pytest.fixture
async def sql_connection(database: Database, postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


async def test_events_that_say_who_is_who_are_stored_once_with_their_earliest_event(world: Rig) -> None:
    def said(event_id: str, event_type: str, minute: int, **data: Any) -> Any:
        at = datetime.now(UTC).replace(minute=minute, second=0, microsecond=0)
        return event(event_id, event_type=event_type, user_id="ada", timestamp=at, data=data)

    async with world.running():
        await world.publish(said("e2", "identify", 2, anonymous_id="x"), said("e3", "identify", 3, anonymous_id="x"))
        await world.publish(said("e4", "alias", 4, previous_id="old"))
        await world.wait_settled()
        await world.publish(said("e1", "identify", 1, anonymous_id="x"))
        await world.wait_settled()
    connection = await asyncpg.connect(world.database_url)
    stored = await connection.fetch(
        "SELECT kind, from_id, to_id, event_id FROM person_edges WHERE tenant = $1 ORDER BY 1, 2", world.tenant
    )
    await connection.close()
    assert [tuple(row) for row in stored] == [
        ("alias", "old", "ada", "e4"),
        ("identify", "ada", "ada", "e1"),
        ("identify", "x", "ada", "e1"),
    ]
    async with await Database(Secret(world.database_url)).connect(name="test") as session:
        group = await group_of(session, world.tenant, ["old"], most=100)
        assert group.now == {"old": "ada", "x": "ada", "ada": "ada"}
