"""Ids of one person are counted as one, at once and exactly, whatever is compacted, late, undone or killed meanwhile."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from analytics.product.people.applying import apply_edges
from analytics.product.people.changes import group_of
from analytics.product.people.merging import Edge, persons
from analytics.product.segments import compaction
from analytics.product.segments.compaction import compact
from analytics.product.segments.own_ids import own_ids
from analytics.product.segments.reading import ProductReading, TooManyMerges, UserIds
from analytics.product.stored_cohorts import stored_cohorts
from analytics.query.product.counting import ProductCounting
from analytics.query.product.people import PersonAnswers
from analytics.query.sessions import Sessions
from analytics.storage.database import Database, Session
from analytics.storage.partitions import Partitions
from analytics.storage.tables import Table, partition_for
from drishti.errors import QueryError
from drishti.messages.product.people import PersonQuery
from drishti.settings import Secret
from rigs.analytics import Rig, event
from rigs.compacting import compact_what_is_due, replicas_that_are_killed

DAY_MS = 86_400_000
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = [FIRST + timedelta(days=n) for n in range(3)]
FIRST_MS = int(FIRST.timestamp()) * 1000
EVENTS = Table("events")
TENANTS = ("ada", "eve")
IDS = 30

ROWS = """
SELECT hashtextextended(user_id, 0) AS own, user_id, (extract(epoch FROM time) * 1000)::bigint AS ms, data ->> 'topic' AS topic
FROM events WHERE tenant = $1 AND user_id IS NOT NULL
"""
ALL_EDGES = "SELECT kind, from_id, to_id, at, event_id, undone_at FROM person_edges WHERE tenant = $1"
HASHES = "SELECT id, hashtextextended(id, 0) AS hash FROM unnest($1::text[]) AS g (id)"
UNDO = """
UPDATE person_edges SET undone_at = CASE WHEN undone_at IS NULL THEN now() END, pending = true
WHERE (tenant, kind, from_id, to_id) IN (SELECT tenant, kind, from_id, to_id FROM person_edges ORDER BY random() LIMIT 1)
"""
COLUMNS = ("tenant", "event_id", "event_type", "time", "user_id", "data")

Rows = Counter[tuple[int, int, int, str | None]]


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


def some_id(chance: random.Random) -> str:
    return f"id {chance.randrange(IDS)}"


async def add_events(connection: asyncpg.Connection, chance: random.Random, count: int) -> None:
    rows = []
    for _ in range(count):
        at = FIRST + timedelta(milliseconds=chance.randrange(3 * DAY_MS))
        data = json.dumps({"topic": chance.choice("abc")}) if chance.random() < 0.8 else None
        rows.append((chance.choice(TENANTS), uuid.uuid4().hex, "view", at, some_id(chance), data))
    await connection.copy_records_to_table("events", records=rows, columns=COLUMNS)


async def add_edges(session: Session, chance: random.Random, count: int) -> None:
    rows = set()
    for _ in range(count):
        tenant, user = chance.choice(TENANTS), some_id(chance)
        at, event_id = FIRST + timedelta(seconds=chance.randrange(1000)), uuid.uuid4().hex
        if chance.random() < 0.3:
            rows.add((tenant, "alias", some_id(chance), user, at, event_id))
        else:
            rows |= {(tenant, "identify", user, user, at, event_id), (tenant, "identify", some_id(chance), user, at, event_id)}
    by_key = {row[:4]: row for row in rows if row[2] != row[3] or row[1] == "identify"}
    await session.value("put_person_edges", *map(list, zip(*by_key.values(), strict=True)))


async def wanted_rows(session: Session, tenant: str) -> tuple[Rows, dict[int, str]]:
    """What the edges say by the definition, out of all of them; and the ids of persons by their hashes."""
    edges = [
        Edge(r["kind"], r["from_id"], r["to_id"], int(r["at"].timestamp() * 1000), r["event_id"], r["undone_at"] is not None)
        for r in await session.fetch_composed(ALL_EDGES, tenant)
    ]
    person = persons(edges)
    rows = await session.fetch_composed(ROWS, tenant)
    who = {person.get(row["user_id"], row["user_id"]) for row in rows}
    hashes = {row["id"]: row["hash"] for row in await session.fetch_composed(HASHES, sorted(who))}
    found: Rows = Counter()
    for row in rows:
        found[hashes[person.get(row["user_id"], row["user_id"])], row["own"], row["ms"], row["topic"]] += 1
    return found, {value: name for name, value in hashes.items()}


async def read(session: Session, tenant: str, *, sample: bool = False) -> Rows:
    """What is counted; each person is in one part of all."""
    found: Rows = Counter()
    earlier: set[int] = set()
    reading = ProductReading(session, tenant, from_ms=FIRST_MS, to_ms=FIRST_MS + 3 * DAY_MS, columns=["data.topic"])
    async for days in reading.buckets(sample=sample):
        assert [day.start_ms for day in days] == sorted({day.start_ms for day in days})
        users: set[int] = set()
        for day in days:
            topics = day.segment.columns.get("data.topic")
            own = own_ids(day.segment).tolist()
            for row, user in enumerate(day.segment.of_rows().tolist()):
                code = int(topics.codes[row]) if topics is not None else 0
                topic = topics.values[code - 1] if topics is not None and code else None
                found[user, own[row], day.start_ms + int(day.segment.t[row]), topic] += 1
                users.add(user)
        assert not users & earlier
        earlier |= users
    return found


async def assert_exact(session: Session) -> None:
    """In one snapshot, whoever is counted is who the edges say."""
    async with session.snapshot():
        for tenant in TENANTS:
            wanted, names = await wanted_rows(session, tenant)
            assert await read(session, tenant) == wanted
            sampled = Counter({row: count for row, count in wanted.items() if row[0] >> 60 == 0})
            assert await read(session, tenant, sample=True) == sampled
            assert await UserIds(session, tenant).of(names) == names


async def apply_all(session: Session, *, at_once: int = 3) -> None:
    for tenant in TENANTS:
        while await apply_edges(session, tenant, at_once=at_once):
            pass


@pytest.mark.parametrize("seed", range(4))
async def test_persons_are_who_the_edges_say_before_between_and_after_compactions(
    database: Database, sql_connection: asyncpg.Connection, seed: int
) -> None:
    chance = random.Random(seed)
    async with await database.connect(name="test") as session:
        for _ in range(14):
            what = chance.randrange(5)
            if what == 0:
                await add_events(sql_connection, chance, 60)
            elif what == 1:
                await add_edges(session, chance, chance.randrange(1, 6))
            elif what == 2:
                await sql_connection.execute(UNDO)
            elif what == 3:
                await compact(session, chance.choice(DAYS))
            else:
                await apply_edges(session, chance.choice(TENANTS), at_once=chance.randrange(1, 9))
            await assert_exact(session)
        await apply_all(session)
        for day in DAYS:
            await compact(session, day)
        await assert_exact(session)
        assert await sql_connection.fetchval("SELECT count(*) FROM person_edges WHERE pending") == 0


async def test_all_that_is_undone_leaves_segments_as_they_were(database: Database, sql_connection: asyncpg.Connection) -> None:
    chance = random.Random(7)
    await add_events(sql_connection, chance, 300)
    stored = "SELECT tenant, day, bucket, col, rows, data, dictionary, numbers FROM segments ORDER BY 1, 2, 3, 4"
    async with await database.connect(name="test") as session:
        for day in DAYS:
            await compact(session, day)
        before = await sql_connection.fetch(stored)
        await add_edges(session, chance, 40)
        await apply_all(session)
        await assert_exact(session)
        assert await sql_connection.fetchval("SELECT count(*) FROM person_ids") > 10
        assert await sql_connection.fetch(stored) != before
        await sql_connection.execute("UPDATE person_edges SET undone_at = now(), pending = true")
        await assert_exact(session)
        await apply_all(session)
        await assert_exact(session)
        assert await sql_connection.fetchval("SELECT count(*) FROM person_ids") == 0
        assert {tuple(row)[:5] for row in await sql_connection.fetch(stored)} == {tuple(row)[:5] for row in before}


@pytest.mark.parametrize("replicas", [1, 2, 3])
async def test_merges_while_others_write_compact_are_killed_and_ask(
    database: Database, postgres_url: str, monkeypatch: pytest.MonkeyPatch, replicas: int
) -> None:
    monkeypatch.setattr(compaction, "AGE_S", 0.0)
    chance = random.Random(replicas)

    async def write() -> None:
        connection = await asyncpg.connect(postgres_url)
        async with await database.connect(name="writer") as session:
            for _ in range(10):
                async with session.transaction():
                    await add_edges(session, chance, 4)
                    await asyncio.sleep(chance.random() * 0.02)  # others go on meanwhile
                await add_events(connection, chance, 20)
                if chance.random() < 0.4:
                    await connection.execute(UNDO)
        await connection.close()

    async with replicas_that_are_killed(database, postgres_url, chance, replicas, assert_exact):
        await asyncio.gather(*(write() for _ in range(3)))
    await compact_what_is_due(database)
    async with await database.connect(name="test") as session:
        await assert_exact(session)


async def test_more_merges_than_fit_into_memory_are_refused_until_they_are_applied(
    database: Database, sql_connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analytics.product.segments.reading.MOST_EDGES", 5)
    await add_events(sql_connection, random.Random(8), 100)
    async with await database.connect(name="test") as session:
        await add_edges(session, random.Random(9), 20)
        with pytest.raises(TooManyMerges):
            await assert_exact(session)
        await apply_all(session)
        await assert_exact(session)


def settled(said: list[tuple[int, str]], undone_s: int | None) -> tuple[int, str] | None:
    """The event that an edge counts from: the earliest, of those since it was undone; ``None``: there is none since then."""
    return min((one for one in said if undone_s is None or one[0] > undone_s), default=None)


@pytest.mark.parametrize("seed", range(3))
async def test_an_edge_that_was_undone_joins_again_by_what_happens_later_alone_in_whatever_order_that_comes(
    database: Database, sql_connection: asyncpg.Connection, seed: int
) -> None:
    chance = random.Random(seed)
    said = [(chance.randrange(40), f"event {n}") for n in range(8)]
    undone_s = 20
    first = [one for one in said if one[0] <= undone_s][:2] or [(0, "first")]
    async with await database.connect(name="test") as session:

        async def put(events: list[tuple[int, str]]) -> None:
            rows = [("ada", "identify", "x", "user", FIRST + timedelta(seconds=at), name) for at, name in events]
            await session.value("put_person_edges", *map(list, zip(*rows, strict=True)))

        await put(first)
        known = list(first)
        undone = FIRST + timedelta(seconds=undone_s)
        await sql_connection.execute("UPDATE person_edges SET undone_at = $1", undone)
        while said:
            batch = [said.pop(chance.randrange(len(said))) for _ in range(min(len(said), chance.randrange(1, 4)))]
            known += batch
            await put(batch)
            row = await sql_connection.fetchrow("SELECT at, event_id, undone FROM person_edges")
            assert row is not None
            wanted = settled(known, undone_s)
            assert row["undone"] == (wanted is None)
            if wanted is not None:
                assert (row["at"], row["event_id"]) == (FIRST + timedelta(seconds=wanted[0]), wanted[1])


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
    sessions = Sessions(Database(Secret(world.database_url)))
    answer = await PersonAnswers(sessions, ProductCounting(sessions, stored_cohorts())).answer(
        PersonQuery(tenant=world.tenant, user_id="old")
    )
    assert (answer.person_id, answer.ids, answer.events) == ("ada", ["ada", "old", "x"], 4)
    assert answer.last_ms is not None
    assert answer.first_ms is not None
    assert answer.last_ms - answer.first_ms == 180_000
    with pytest.raises(QueryError):
        await PersonAnswers(sessions, ProductCounting(sessions, stored_cohorts())).answer(
            PersonQuery(tenant=world.tenant, user_id="nobody")
        )
    await sessions.close()
