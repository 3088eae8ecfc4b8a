"""Paths by HTTP: what was stored is counted at once, as SQL counts it, and a wrong question is told what to change."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from drishti.events import AnalyticsEvent
from drishti_local.servers import NatsServer
from rigs.analytics import event
from rigs.product_questions import Asker, asking

HOUR_MS = 3_600_000
END_MS = int(time.time()) * 1000
RANGE = {"from": END_MS - 48 * HOUR_MS, "to": END_MS}

PATHS_SQL = """
WITH after AS (
    SELECT user_id, time, data ->> 'page' AS page,
        CASE WHEN time - lag(time) OVER w <= interval '30 minutes' THEN 0 ELSE 1 END AS begins
    FROM events WHERE tenant = $1 WINDOW w AS (PARTITION BY user_id ORDER BY time, data ->> 'page')
), numbered AS (
    SELECT *, sum(begins) OVER (PARTITION BY user_id ORDER BY time, page) AS session FROM after
), single AS (
    SELECT *, page IS DISTINCT FROM lag(page) OVER (PARTITION BY user_id, session ORDER BY time, page) AS kept FROM numbered
), placed AS (
    SELECT *, row_number() OVER (PARTITION BY user_id, session ORDER BY time, page) AS place FROM single WHERE kept
)
SELECT user_id, session, array_agg(page ORDER BY place), array_agg(extract(epoch FROM time) * 1000 ORDER BY place)
FROM placed WHERE place <= 3 GROUP BY user_id, session
"""


@pytest.fixture
async def asker(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Asker]:
    async with asking(own_nats, postgres_url, RANGE) as asker:
        yield asker


def viewed(user: int, ms: int, page: str, **data: Any) -> AnalyticsEvent:
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return event(event_type="page_view", user_id=f"user {user}", timestamp=at, data={"page": page, **data})


async def test_paths_are_those_of_sql(asker: Asker) -> None:
    chance = random.Random(4)
    events = [
        viewed(chance.randrange(10), RANGE["from"] + chance.randrange(47 * HOUR_MS), f"/{chance.randrange(4)}", status=500)
        for _ in range(1_000)
    ]
    for place in range(0, len(events), 500):
        await asker.analytics.publish(*events[place : place + 500])
        await asker.analytics.wait_settled()
        rows = await asker.rows(PATHS_SQL)
        answer = await asker.answer("/paths", node="page", max_steps=3)
        assert (answer["paths"], answer["users"]) == (len(rows), len({row[0] for row in rows}))
        nodes = answer["nodes"]
        for node in nodes:
            own = [row for row in rows if row[2][node["step"] : node["step"] + 1] == [node["name"]]]
            assert node["count"] == len(own)
        assert sum(edge["count"] for edge in answer["edges"]) == sum(len(row[2]) - 1 for row in rows)
        for edge in answer["edges"]:
            source, target = nodes[edge["source"]], nodes[edge["target"]]
            at = source["step"]
            own = [row for row in rows if row[2][at : at + 2] == [source["name"], target["name"]]]
            times = sorted(round(row[3][at + 1]) - round(row[3][at]) for row in own)
            found = edge["count"], edge["users"], edge["median_ms"], edge["error_rate"]
            assert found == (len(own), len({row[0] for row in own}), times[(len(times) - 1) // 2], 1.0)
            edge_of = {"step": at, "name": source["name"], "next_name": target["name"]}
        users = await asker.answer("/paths/users", node="page", max_steps=3, **edge_of)
        assert set(users["users"]) == {row[0] for row in own}
        whole = [row[2] for row in rows]
        assert all(path["count"] == whole.count(path["steps"]) for path in answer["top_paths"])
        assert answer["top_paths"][0]["count"] == max(map(whole.count, whole))


async def test_what_is_asked_wrongly_is_told_what_to_change(asker: Asker) -> None:
    await asker.analytics.publish(viewed(1, RANGE["from"] + 1, "/tea/1"))
    await asker.analytics.wait_settled()
    grouped = await asker.answer("/paths", node="page", group=[{"pattern": "/tea/*", "name": "tea"}])
    assert [(node["step"], node["name"], node["count"]) for node in grouped["nodes"]] == [(0, "tea", 1)]

    assert (await asker.refused("/paths", 404, "node", node="pagge"))["nearest"] == ["page"]
    anchor = {"event_type": "page_view"}
    await asker.refused("/paths", 404, "start.event_type", start={"event_type": "page_vew"})
    await asker.refused("/paths", 422, "start", start={})
    await asker.refused("/paths", 422, "end", start=anchor, end=anchor)
    await asker.refused("/paths", 422, "window_s", window_s=0)
    await asker.refused("/paths", 422, "max_steps", max_steps=1_000_000)
    await asker.refused("/paths", 422, "group.0.pattern", group=[{"pattern": ""}])
    await asker.refused("/paths", 404, "latency", latency="took")
    await asker.refused("/paths", 422, "from", **{"from": RANGE["to"], "to": RANGE["from"]})
    await asker.refused("/paths/users", 422, "step", step=5, name="page_view")
    await asker.refused("/paths/users", 422, "step", step=1, end=anchor, name="page_view")
