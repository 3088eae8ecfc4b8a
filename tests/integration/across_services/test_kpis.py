"""Metrics out of events and KPIs from HTTP to the answer: defined, counted live, filled with history, asked, refused."""

from __future__ import annotations

import json
import random
import string
from typing import Any
from urllib.parse import quote

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
