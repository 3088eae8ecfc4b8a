"""Metrics out of events and KPIs from HTTP to the answer: defined, counted live, filled with history, asked, refused."""

from __future__ import annotations

import asyncio
import json
import random
import string
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest

from drishti import cli
from drishti.events import AnalyticsEvent
from drishti_local.servers import NatsServer
from rigs import gateway
from rigs.analytics import Rig, event, rig
from rigs.waiting import wait_until

METRICS = "/api/analytics/metrics/"
KPI = {"kind": "derived", "unit": "%", "expression": "100 * count(feedback where liked = true) / count(feedback)"}
PARTS = ["count(", "a", ")", " where ", "=", "1", "/", "'", "\\", *string.punctuation, "value(liked)"]
HOSTILE_NAMES = ["'; DROP TABLE events; --", 'a"b\\c', "$.x ? (@ > 1)", "ключ", "x" * 128, "{}", "a.b.c", "__class__"]


class Api:
    def __init__(self, http: gateway.Rig, analytics: Rig, key: str) -> None:
        self._http, self._analytics, self._key = http, analytics, key

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"x-api-key": self._key}
        async with self._http.http.request(method, self._http.url + path, data=data, headers=headers) as answer:
            return answer.status, await answer.json()

    async def define(self, name: str, document: object) -> tuple[int, Any]:
        return await self.call("PUT", METRICS + quote(name, safe=""), document)

    async def value(self, metric: str, aggregate: str) -> float | None:
        body = {"from": "now-3h", "to": "now+1h", "questions": [{"metric": metric, "aggregate": aggregate}]}
        status, answer = await self.call("POST", "/api/analytics/query", body)
        assert status == 200, answer
        series = answer["answers"][0]["series"]
        return series[0]["total"] if series else None

    async def filled(self, metric: str) -> bool:
        status, answer = await self.call("GET", METRICS + metric)
        assert status == 200
        return bool(answer.get("backfill", {}).get("state") == "done")


async def test_what_is_defined_over_http_is_counted_and_can_be_asked(own_nats: NatsServer, postgres_url: str) -> None:
    async with rig(own_nats, postgres_url) as world, world.running(), gateway.running(own_nats) as http:
        api = Api(http, world, await http.key("editor", world.tenant))
        await world.publish(*(event(f"a{n}", "feedback", data={"liked": n % 4 == 0, "stars": n % 5}) for n in range(40)))
        await wait_until(world.rows, equals=40)
        status, answer = await api.define("liked", KPI)
        assert status == 201, answer
        stars = {"kind": "distribution", "source": {"event": "feedback", "value": "stars"}}
        status, answer = await api.define("stars", stars)
        assert status == 201, answer
        assert answer["source"] == {"event": "feedback", "value": "stars"}
        await wait_until(lambda: api.filled("liked"))
        await wait_until(lambda: api.filled("stars"))
        await world.publish(*(event(f"b{n}", "feedback", data={"liked": True, "stars": 5}) for n in range(10)))
        await wait_until(world.rows, equals=50)
        assert await api.value("liked", "value") == 100 * 20 / 50
        expression = "value(liked) + count(feedback where liked = true)"
        body = {"from": "now-3h", "to": "now+1h", "questions": [{"expression": expression}]}
        status, answer = await api.call("POST", "/api/analytics/query", body)
        assert (status, answer["answers"][0]["series"][0]["total"]) == (200, 40 + 20), answer
        status, answer = await api.call("GET", "/api/analytics/query?metric=liked&aggregate=value")
        assert (status, answer["unit"], answer["series"][0]["total"]) == (200, KPI["unit"], 40), answer
        status, answer = await api.call("GET", "/api/analytics/query?metric=liked&aggregate=count")
        assert (status, answer["field"], answer["error"]) == (422, "aggregate", "liked has value, not 'count'"), answer
        body["questions"] = [{"expression": "value(liked)"}, {"metric": "liked", "aggregate": "value"}]
        status, answer = await api.call("POST", "/api/analytics/query", body)
        assert [one["unit"] for one in answer["answers"]] == [KPI["unit"]] * 2
        body["questions"] = [{"metric": "liked", "aggregate": "value", "group_by": ["country"]}]
        status, answer = await api.call("POST", "/api/analytics/query", body)
        assert (status, answer["field"]) == (422, "questions.0.group_by")
        assert "define metrics on the events" in answer["error"]
        assert await api.value("stars", "sum") == 80 + 50
        status, answer = await api.define("liked", KPI | {"expression": "count(feedback) / value(liked)"})
        assert (status, answer["field"], answer["character"]) == (422, "expression", 24)
        for n, name in enumerate(HOSTILE_NAMES):
            source = {"event": "feedback", "where": f"{json.dumps(name)} = 1", "value": name, "dimensions": {name: name}}
            status, answer = await api.define(f"hostile{n}", {"kind": "distribution", "dimensions": [name], "source": source})
            assert status == 201, (name, answer)
            await wait_until(lambda n=n: api.filled(f"hostile{n}"))
        await world.publish(event("c", "feedback", data=dict.fromkeys(HOSTILE_NAMES, 1)))
        await wait_until(world.rows, equals=51)
        assert [await api.value(f"hostile{n}", "sum") for n in range(len(HOSTILE_NAMES))] == [1] * len(HOSTILE_NAMES)
        rng = random.Random(3)
        for _ in range(150):
            text = "".join(rng.choices(PARTS, k=8))
            status, answer = await api.define("fuzz", {"kind": "derived", "expression": text, "revision": 0})
            assert status in (200, 201, 409, 422), (text, answer)
            counted = {"kind": "counter", "source": {"event": "a", "where": text}, "revision": 0}
            status, answer = await api.define("fuzz2", counted)
            assert status in (200, 201, 409, 422), (text, answer)


_BY_HOUR = """
SELECT (extract(epoch FROM date_trunc('hour', time)) * 1000)::bigint AS hour,
       100.0::float8 * count(*) FILTER (WHERE data -> 'liked' = 'true') / count(*) AS share
FROM events WHERE tenant = $1 AND event_type = 'feedback' GROUP BY 1 ORDER BY 1
"""


def opinions(numbers: range, prefix: str) -> list[AnalyticsEvent]:
    now = datetime.now(UTC)
    return [
        event(
            f"{prefix}{n}",
            "feedback",
            data={"liked": n % 7 < n % 5, "stars": n % 5},
            timestamp=now - timedelta(minutes=5 + n * 7 % 400, seconds=n % 60),
        )
        for n in numbers
    ]


async def test_the_history_of_a_kpi_ends_in_what_plain_sql_says_of_the_rows(
    own_nats: NatsServer, postgres_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with rig(own_nats, postgres_url) as world, world.running(), world.running(), gateway.running(own_nats) as http:
        api = Api(http, world, await http.key("editor", world.tenant))
        await world.publish(*opinions(range(600), "early"))
        await wait_until(world.rows, equals=600)
        status, answer = await api.define("liked", KPI)
        assert status == 201, answer
        seen: list[dict[str, Any]] = []
        late = 0
        while not seen or seen[-1]["state"] != "done":
            await world.publish(*opinions(range(late, late + 20), "late"))  # of hours that are filled and that are not
            late += 20
            status, answer = await api.call("GET", METRICS + "liked")
            assert status == 200
            seen += [answer["backfill"]] if "backfill" in answer else []
        assert [one["percent"] for one in seen] == sorted(one["percent"] for one in seen)
        assert (seen[-1]["percent"], seen[0]["metric"]) == (100, "liked")
        assert 600 <= seen[-1]["rows"] <= 600 + late
        await wait_until(world.rows, equals=600 + late)
        connection = await asyncpg.connect(postgres_url)
        try:
            wanted = [tuple(record) for record in await connection.fetch(_BY_HOUR, world.tenant)]
        finally:
            await connection.close()
        questions = [{"metric": "liked", "aggregate": "value"}]
        body = {"from": "now-9h", "to": "now+1h", "resolution": "1h", "questions": questions}
        status, answer = await api.call("POST", "/api/analytics/query", body)
        assert status == 200, answer
        points = [tuple(point) for point in answer["answers"][0]["series"][0]["points"] if point[1] is not None]
        assert points == wanted
        monkeypatch.setenv("DRISHTI_NATS_URL", own_nats.url("admin"))
        assert await asyncio.to_thread(cli.main, ["metrics", "show", "--wait", "--tenant", world.tenant, "liked"]) == 0
        assert f"# history filled, from {seen[-1]['rows']} events" in capsys.readouterr().out
