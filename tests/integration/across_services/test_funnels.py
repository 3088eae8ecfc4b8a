"""Funnels by HTTP: what was stored is counted at once and exactly, and a wrong question is told what to change."""

from __future__ import annotations

import itertools
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from drishti.events import AnalyticsEvent
from drishti_local.servers import NatsServer
from rigs import analytics as analytics_rig
from rigs import gateway as gateway_rig
from rigs.analytics import event
from rigs.waiting import wait_until

NOW_MS = int(time.time()) * 1000
HOUR_MS = 3_600_000
TYPES = ("page_view", "dharma_query", "feedback")
STEPS = [{"event_type": name} for name in TYPES]
RANGE = {"from": NOW_MS - 48 * HOUR_MS, "to": NOW_MS}


class Asker:
    def __init__(self, analytics: analytics_rig.Rig, gateway: gateway_rig.Rig, key: str) -> None:
        self.analytics = analytics
        self._gateway = gateway
        self._key = key

    async def ask(self, **document: Any) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {self._key}"}
        url = f"{self._gateway.url}/api/analytics/funnel"
        async with self._gateway.http.post(url, json=RANGE | document, headers=headers) as answer:
            return answer.status, await answer.json()

    async def users(self, **document: Any) -> list[int]:
        status, answer = await self.ask(**document)
        return [step["users"] for step in answer["steps"]] if status == 200 else [status]


@pytest.fixture
async def asker(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Asker]:
    async with (
        analytics_rig.rig(own_nats, postgres_url) as analytics,
        analytics.running(),
        gateway_rig.running(own_nats) as gateway,
    ):
        yield Asker(analytics, gateway, await gateway.key("viewer", analytics.tenant))


def happened(user: int, event_type: str, ms: int, **data: Any) -> AnalyticsEvent:
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return event(event_type=event_type, user_id=f"user {user}", timestamp=at, data=data, version=f"{user % 3}.0")


def three_steps(events: list[AnalyticsEvent], window_ms: int) -> list[int]:
    """Users by the step that they reached, by trying every three events of each."""
    by_user = defaultdict(list)
    for one in events:
        by_user[one.user_id].append((one.timestamp.timestamp() * 1000, TYPES.index(one.event_type)))  # type: ignore[union-attr]
    reached = [0, 0, 0]
    for mine in by_user.values():
        for depth in range(3):
            reached[depth] += any(
                [kind for _, kind in chosen] == list(range(depth + 1)) and chosen[-1][0] - chosen[0][0] <= window_ms
                for chosen in itertools.combinations(sorted(mine), depth + 1)
            )
    return reached


async def test_a_funnel_counts_what_was_stored_and_is_compacted_meanwhile(asker: Asker) -> None:
    chance = random.Random(5)
    events = [
        happened(chance.randrange(60), chance.choice(TYPES), NOW_MS - chance.randrange(1, 47 * HOUR_MS), topic="tea", n=user)
        for user in range(400)
    ]
    for place in range(0, 400, 100):
        of_type = sorted(events[place : place + 100], key=lambda one: one.event_type)
        for _, some in itertools.groupby(of_type, key=lambda one: one.event_type):
            await asker.analytics.publish(*some)
        await asker.analytics.wait_settled()
        for hours in (1, 6, 48):
            wanted = three_steps(events[: place + 100], hours * HOUR_MS)
            assert await asker.users(steps=STEPS, window_s=hours * 3600) == wanted

    status, answer = await asker.ask(steps=STEPS, breakdown="version", window_s=48 * 3600)
    assert status == 200
    assert {group["value"] for group in answer["groups"]} == {"0.0", "1.0", "2.0"}
    totals = [step["users"] for step in answer["steps"]]
    assert [sum(group["steps"][n]["users"] for group in answer["groups"]) for n in range(3)] == totals
    assert answer["times"]["p50_ms"] <= answer["times"]["p90_ms"] <= 48 * HOUR_MS

    status, sample = await asker.ask(steps=STEPS, sample=True, window_s=48 * 3600)
    assert (status, sample["sampled"]) == (200, 1 / 16)
    assert sample["steps"][0]["users"] < totals[0]

    none = {"event_type": "dharma_query", "where": [{"property": "topic", "value": "cups"}]}
    assert (await asker.users(steps=[STEPS[0], none]))[1] == 0
    some = {"event_type": "dharma_query", "where": [{"property": "n", "op": ">=", "value": "0"}]}
    assert await asker.users(steps=[STEPS[0], some]) == await asker.users(steps=STEPS[:2])


async def test_what_is_asked_wrongly_is_told_what_to_change(asker: Asker) -> None:
    await asker.analytics.publish(happened(1, "page_view", NOW_MS - HOUR_MS, topic="tea"))
    await asker.analytics.publish(happened(1, "feedback", NOW_MS - HOUR_MS, rating=5))
    await asker.analytics.wait_settled()
    two = [{"event_type": "page_view"}, {"event_type": "feedback"}]
    await wait_until(lambda: asker.users(steps=two), equals=[1, 1])

    async def refused(code: int, field: str, **document: Any) -> dict[str, Any]:
        status, answer = await asker.ask(**{"steps": two} | document)
        assert (status, answer.get("field", "")) == (code, field), answer
        assert answer["error"]
        return dict(answer)

    def where(**condition: Any) -> list[dict[str, Any]]:
        return [two[0], {"event_type": "feedback", "where": [condition]}]

    answer = await refused(404, "steps.0.event_type", steps=[{"event_type": "page_vew"}, two[1]])
    assert answer["nearest"] == ["page_view"]
    answer = await refused(404, "steps.1.where.0.property", steps=where(property="ratin", value="5"))
    assert answer["nearest"] == ["rating"]
    await refused(404, "breakdown", breakdown="no_such_thing")
    await refused(422, "window_s", window_s=0)
    await refused(422, "window_s", window_s=10**9)
    await refused(422, "steps", steps=[])
    await refused(422, "steps", steps=[two[0]])
    await refused(422, "steps", steps=two * 500)
    await refused(422, "steps", steps="page_view")
    await refused(422, "steps.0.filters", steps=[{"event_type": "page_view", "filters": []}, two[1]])
    await refused(422, "steps.1.where.0.value", steps=where(property="rating", op=">", value="much"))
    await refused(422, "steps.1.where.0.value", steps=where(property="rating", op=">", value="1e999"))
    await refused(422, "steps.1.where.0.value", steps=where(property="rating", op="exists", value="5"))
    await refused(422, "steps.1.where.0.values", steps=where(property="rating", op="in"))
    await refused(422, "steps.1.where.0.op", steps=where(property="rating", op="like", value="5"))
    await refused(422, "from", **{"from": NOW_MS, "to": NOW_MS - 1})
    await refused(422, "from", **{"from": NOW_MS - 9_000 * HOUR_MS, "to": NOW_MS - 8_900 * HOUR_MS})
    await refused(422, "limit", limit=0)
    await refused(422, "steps.0.event_type", steps=[{"event_type": "a\0b"}, two[1]])
    for name in ("'; DROP TABLE events; --", "\u202e", "x" * 205, "data.", "users", "t", "omitted"):
        await refused(404, "breakdown", breakdown=name)
