"""Questions that cannot be answered get a typed failure that names the field, whatever was sent."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from drishti.events import QueryFailure
from drishti_local.servers import NatsServer, PostgresServer
from rigs.analytics import Rig, now_ms, rig


@pytest.fixture(scope="module")
async def asked(nats_server: NatsServer, nats_url: str, postgres_server: PostgresServer) -> AsyncIterator[Rig]:
    """One analytics for all questions: they change nothing."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(postgres_server.url())
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        async with rig(nats_server, postgres_server.url(name)) as world, world.running():
            yield world
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


@pytest.mark.parametrize(
    ("question", "field", "words"),
    [
        ({"metric": "nonsense"}, "metric", "there is no metric"),
        ({"aggregate": "p95"}, "aggregate", "events has count"),
        ({"group_by": ["color"]}, "group_by", "event_type, service"),
        ({"filters": {"color": "red"}}, "color", "cannot filter"),
        ({"from_ms": 2_000_000_000_000, "to_ms": 1_000_000_000_000}, "from", "before `to`"),
        ({"from_ms": -1}, "from", "between 1970 and 2100"),
        ({"from_ms": 0, "resolution": "1s"}, "resolution", "shorter range"),
        ({"resolution": "1d"}, "resolution", "1d"),
        ({"tenant": "No Token"}, "tenant", ""),
        ({"from_ms": "yesterday"}, "from", ""),
    ],
)
async def test_a_wrong_question_is_answered_with_the_field_that_is_wrong(
    asked: Rig, question: dict[str, Any], field: str, words: str
) -> None:
    known = {"tenant": asked.tenant, "metric": "events", "aggregate": "count", "from": now_ms() - 60_000, "to": now_ms()}
    renamed = {{"from_ms": "from", "to_ms": "to"}.get(name, name): value for name, value in question.items()}
    failure = await asked.question(json.dumps(known | renamed).encode())
    assert isinstance(failure, QueryFailure)
    assert (failure.code, failure.field) == ("invalid", field)
    assert words in failure.error


async def test_bytes_that_are_no_question_get_an_answer(asked: Rig) -> None:
    for payload in (b"", b"{", b"[]", b"\xff", b"[" * 5000):
        failure = await asked.question(payload)
        assert isinstance(failure, QueryFailure)
        assert failure.code == "invalid"


async def test_a_filter_value_that_no_text_can_have_is_an_invalid_question(asked: Rig) -> None:
    failure = await asked.ask("events", "count", filters={"event_type": "a\0b"})
    assert isinstance(failure, QueryFailure)
    assert failure.code == "invalid"
    assert await asked.total("events", "count") == 0
