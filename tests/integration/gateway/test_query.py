"""Questions over HTTP to whoever answers ``query.v1.metrics``, and what is said when nobody does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from nats.aio.msg import Msg

from drishti.bus.connection import connect
from drishti.events import Query, QueryAnswer, QueryFailure, QuerySeries, encode
from drishti_local.servers import NatsServer
from rigs.gateway import Rig, running
from rigs.nats_clients import settled

TIMEOUT_S = 0.3


@pytest.fixture
async def rig(own_nats: NatsServer) -> AsyncIterator[Rig]:
    async with running(own_nats, query_timeout_s=TIMEOUT_S) as rig:
        yield rig


class Analytics:
    """Answers with ``answer``, or not at all; keeps what was asked."""

    def __init__(self) -> None:
        self.answer: QueryAnswer | QueryFailure | None = None
        self.asked: list[Query] = []
        self.headers: list[dict[str, str]] = []

    async def take(self, msg: Msg) -> None:
        self.asked.append(msgspec.json.decode(msg.data, type=Query))
        self.headers.append(dict(msg.headers or {}))
        if self.answer is not None:
            status = "error" if isinstance(self.answer, QueryFailure) else "ok"
            await msg._client.publish(msg.reply, encode(self.answer), headers={"Drishti-Status": status})


@pytest.fixture
async def analytics(own_nats: NatsServer) -> AsyncIterator[Analytics]:
    bus = await connect(own_nats.settings("analytics"), name="analytics")
    result = Analytics()
    await bus.nc.subscribe("query.v1.metrics", queue="analytics", cb=result.take)
    for _ in range(2):  # nats-py writes a PING before the SUB that still waits; a second one is behind both
        await settled(bus.nc)
    yield result
    await bus.close()


async def ask(rig: Rig, **parameters: str) -> tuple[int, Any]:
    url = f"{rig.url}/api/analytics/query"
    async with rig.http.get(url, params=parameters, headers={"x-api-key": rig.admin}) as answer:
        return answer.status, await answer.json()


async def test_question_and_answer_pass_as_they_are(rig: Rig, analytics: Analytics) -> None:
    analytics.answer = QueryAnswer(
        metric="events",
        aggregate="count",
        unit="{event}",
        from_ms=1_764_000_000_000,
        to_ms=1_764_000_060_000,
        resolution="1m",
        source="rollups",
        as_of=1_764_000_061_000,
        series=[QuerySeries(labels={"event_type": "x"}, total=5.0, points=[(1_764_000_000_000, 5.0), (1, None)])],
    )
    parameters = {"from": "2025-11-24T16:00:00Z", "to": "1764000060000", "group_by": "event_type", "service": "shop"}
    status, answer = await ask(rig, metric="events", aggregate="count", **parameters)
    assert (status, answer) == (200, json.loads(encode(analytics.answer)))
    assert {"from", "to", "as_of", "series"} <= answer.keys()
    asked = analytics.asked[0]
    assert (asked.tenant, asked.metric, asked.aggregate) == (rig.tenant, "events", "count")
    assert (asked.from_ms, asked.to_ms, asked.group_by) == (1_764_000_000_000, 1_764_000_060_000, ["event_type"])
    assert asked.filters == {"service": "shop"}


@pytest.mark.parametrize(
    ("code", "status"), [("invalid", 422), ("timeout", 504), ("unavailable", 503), ("of_a_later_version", 503)]
)
async def test_failure_names_the_field(rig: Rig, analytics: Analytics, code: Any, status: int) -> None:
    analytics.answer = QueryFailure(code=code, error="no such metric", field="metric")
    assert await ask(rig, metric="nothing", aggregate="count") == (status, {"error": "no such metric", "field": "metric"})


async def test_absence_of_analytics_is_said_at_once(rig: Rig) -> None:
    status, answer = await ask(rig, metric="events", aggregate="count")
    assert (status, answer) == (503, {"error": "analytics is not there at the moment"})


async def test_silence_is_a_timeout_in_clear_words(rig: Rig, analytics: Analytics) -> None:
    status, answer = await ask(rig, metric="events", aggregate="count")
    assert (status, answer) == (504, {"error": "analytics gave no answer within 0.3 s"})


async def test_wrong_parameter_is_refused_here(rig: Rig, analytics: Analytics) -> None:
    status, answer = await ask(rig, metric="events", aggregate="count", resolution="5s")
    assert (status, answer["field"]) == (400, "resolution")
    assert analytics.asked == []
