"""``/api/analytics/query`` over HTTP to the answer: what is asked is what plain SQL says over the raw rows."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import asyncpg
import pytest

from drishti_local.servers import NatsServer, PostgresServer
from rigs import gateway
from rigs.analytics import Rig, event, now_ms, request, rig

QUERY = "/api/analytics/query"
HOUR = 3_600_000
SERVICES = ("wisdom", "shop", "cart")
ROUTES = ("/ask", "/pay", "/list", "/find", 'a"b\\c')
STATUSES = (200, 204, 404, 500, 503)


class World(NamedTuple):
    """An analytics and a gateway on one bus, and requests of some hours in the database."""

    analytics: Rig
    http: gateway.Rig
    viewer: str
    begins: int
    sql: asyncpg.Connection

    async def get(self, **parameters: Any) -> tuple[int, Any]:
        url, headers = self.http.url + QUERY, {"x-api-key": self.viewer}
        async with self.http.http.get(url, params={k: str(v) for k, v in parameters.items()}, headers=headers) as answer:
            return answer.status, await answer.json()

    async def post(self, body: Any) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.http.http.post(self.http.url + QUERY, data=data, headers={"x-api-key": self.viewer}) as answer:
            return answer.status, await answer.json()

    async def value(self, sql: str, *values: Any) -> Any:
        return await self.sql.fetchval(sql, self.analytics.tenant, *values)


@pytest.fixture(scope="module")
async def world(nats_server: NatsServer, nats_url: str, postgres_server: PostgresServer) -> AsyncIterator[World]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(postgres_server.url())
    await admin.execute(f"CREATE DATABASE {name}")
    url = postgres_server.url(name)
    try:
        async with rig(nats_server, url) as analytics, analytics.running(), gateway.running(nats_server) as http:
            begins = (now_ms() // HOUR - 4) * HOUR
            await _fill(analytics, begins)
            viewer = await http.key("viewer", analytics.tenant)
            sql = await asyncpg.connect(url)
            yield World(analytics, http, viewer, begins, sql)
            await sql.close()
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


async def _fill(analytics: Rig, begins: int) -> None:
    """Requests and events over four hours; durations are whole numbers, whose sums are exact."""
    rng = random.Random(5)
    for n, service in enumerate(SERVICES):
        await analytics.publish_requests(
            *(
                request(
                    f"r{n}-{i}",
                    service=service,
                    route=rng.choice(ROUTES),
                    status=rng.choice(STATUSES),
                    duration_ms=float(rng.randint(1, 2000)),
                    timestamp=_at(begins + rng.randrange(4 * HOUR)),
                    user_id=f"u{rng.randrange(40)}",
                )
                for i in range(400)
            )
        )
    await analytics.publish(
        *(
            event(
                f"e{i}",
                "feedback",
                timestamp=_at(begins + rng.randrange(4 * HOUR)),
                user_id=f"u{i % 30}",
                data={"satisfaction": i % 6},
            )
            for i in range(200)
        )
    )
    await analytics.wait_settled()


def _at(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


async def test_one_expression_from_http_to_the_answer(world: World) -> None:
    status, answer = await world.get(
        expression='100 * errors(requests where service = "wisdom") / count(requests where service = "wisdom")',
        **{"from": world.begins, "to": world.begins + 4 * HOUR},
    )
    assert status == 200, answer
    wanted = await world.value(
        "SELECT 100.0 * count(*) FILTER (WHERE status >= 500) / count(*) FROM requests WHERE tenant = $1 AND service = 'wisdom'"
    )
    assert answer["series"][0]["total"] == pytest.approx(float(wanted))
    assert answer["source"] == "rollup_1m"


async def test_the_metric_form_over_relative_instants(world: World) -> None:
    status, answer = await world.get(
        metric="request_duration_ms", aggregate="p99.9", group_by="service", top=2, **{"from": "now-6h", "to": "now"}
    )
    assert status == 200, answer
    assert [series["labels"]["service"] for series in answer["series"]][-1] == "other"
    assert answer["merged"] == 1
