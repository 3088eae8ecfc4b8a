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
from rigs.analytics import event
from rigs.product_questions import Asker, asking
from rigs.waiting import wait_until

NOW_MS = int(time.time()) * 1000
HOUR_MS = 3_600_000
TYPES = ("page_view", "dharma_query", "feedback")
STEPS = [{"event_type": name} for name in TYPES]
RANGE = {"from": NOW_MS - 48 * HOUR_MS, "to": NOW_MS}


@pytest.fixture
async def asker(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Asker]:
    async with asking(own_nats, postgres_url, RANGE) as asker:
        yield asker


async def users(asker: Asker, **document: Any) -> list[int]:
    """How many users got to each step, or why that is not answered."""
    status, answer = await asker.post("/funnel", **document)
    return [step["users"] for step in answer["steps"]] if status == 200 else [status]


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
            assert await users(asker, steps=STEPS, window_s=hours * 3600) == wanted

    status, answer = await asker.post("/funnel", steps=STEPS, breakdown="version", window_s=48 * 3600)
    assert status == 200
    assert {group["value"] for group in answer["groups"]} == {"0.0", "1.0", "2.0"}
    totals = [step["users"] for step in answer["steps"]]
    assert [sum(group["steps"][n]["users"] for group in answer["groups"]) for n in range(3)] == totals
    assert answer["times"]["p50_ms"] <= answer["times"]["p90_ms"] <= 48 * HOUR_MS

    status, sample = await asker.post("/funnel", steps=STEPS, sample=True, window_s=48 * 3600)
    assert (status, sample["sampled"]) == (200, 1 / 16)
    assert sample["steps"][0]["users"] < totals[0]

    none = {"event_type": "dharma_query", "where": [{"property": "topic", "value": "cups"}]}
    assert (await users(asker, steps=[STEPS[0], none]))[1] == 0
    some = {"event_type": "dharma_query", "where": [{"property": "n", "op": ">=", "value": "0"}]}
    assert await users(asker, steps=[STEPS[0], some]) == await users(asker, steps=STEPS[:2])


async def test_strict_steps_sessions_accounts_and_exclusions_are_those_of_what_was_sent(asker: Asker) -> None:
    start = NOW_MS - 24 * HOUR_MS
    by_user = {
        1: [(0, "page_view"), (1, "feedback")],
        2: [(0, "page_view"), (1, "dharma_query"), (2, "feedback")],
        3: [(0, "page_view"), (HOUR_MS, "feedback")],
        4: [(0, "feedback"), (1, "page_view")],
    }
    for event_type in TYPES:
        happens = [(user, ms) for user, mine in by_user.items() for ms, kind in mine if kind == event_type]
        sent = [happened(user, event_type, start + ms, company=f"company {user % 2}", topic="tea") for user, ms in happens]
        await asker.analytics.publish(*sent)
    await asker.analytics.wait_settled()
    two = [{"event_type": "page_view"}, {"event_type": "feedback"}]
    await wait_until(lambda: users(asker, steps=two), equals=[4, 3])
    assert await users(asker, steps=two, order="strict") == [4, 2]
    assert await users(asker, steps=two, order="any") == [4, 4]
    assert await users(asker, steps=two, unit="session") == [4, 2]
    assert await users(asker, steps=two, unit="session", gap_s=3_600) == [4, 3]
    assert await users(asker, steps=two, unit="account", account="company") == [2, 2]
    assert await users(asker, steps=two, exclusions=[{"event_type": "dharma_query"}]) == [3, 2]
    _, answer = await asker.post("/funnel", steps=two, exclusions=[{"event_type": "dharma_query"}])
    assert answer["met_exclusion"] == 1

    async def behind(**document: Any) -> tuple[int, set[str]]:
        status, answer = await asker.post("/funnel/users", **{"steps": two, "step": 2} | document)
        assert status == 200, answer
        return answer["total"], set(answer["users"])

    assert await behind() == (3, {"user 1", "user 2", "user 3"})
    assert await behind(outcome="dropped") == (1, {"user 4"})
    assert await behind(order="strict", outcome="dropped") == (2, {"user 2", "user 4"})
    assert await behind(breakdown="company", value="company 1") == (2, {"user 1", "user 3"})
    total, whose = await behind(unit="account", account="company", step=1)
    assert total == 2
    assert whose in ({"user 1", "user 4"}, {"user 3", "user 4"}), (
        "the latest start counts; users 1 and 3 started at one instant"
    )
    assert await behind(breakdown="company") == (3, {"user 1", "user 2", "user 3"})
    assert (await behind(breakdown="company", value="company 9", sample=True))[0] == 0, "a sample need not have every value"
    total, some = await behind(step=1, limit=2)
    assert (total, len(some)) == (4, 2)

    async def refused(code: int, field: str, path: str = "/funnel", **document: Any) -> None:
        status, answer = await asker.post(path, **{"steps": two} | document)
        assert (status, answer.get("field", "")) == (code, field), answer

    between = {"event_type": "dharma_query"}
    await refused(422, "exclusions", order="strict", exclusions=[between])
    await refused(422, "exclusions.0.from_step", exclusions=[between | {"from_step": 2, "to_step": 2}])
    await refused(422, "exclusions.0.to_step", exclusions=[between | {"to_step": 3}])
    await refused(422, "exclusions.0.from_step", order="any", steps=[*two, between], exclusions=[between | {"from_step": 2}])
    await refused(404, "exclusions.0.event_type", exclusions=[{"event_type": "dharma_qery"}])
    await refused(404, "exclusions.0.where.0.property", exclusions=[between | {"where": [{"property": "no_such_thing"}]}])
    await refused(422, "exclusions", exclusions=[between] * 5)
    await refused(422, "order", order="backwards")
    await refused(422, "unit", unit="device")
    await refused(422, "account", unit="account")
    await refused(422, "account", account="company")
    await refused(404, "account", unit="account", account="no_such_thing")
    await refused(422, "sample", unit="account", account="company", sample=True)
    await refused(422, "gap_s", unit="session", gap_s=0)
    await refused(422, "steps.0.event_type", order="any", steps=[two[0]] * 6)
    await refused(422, "step", "/funnel/users")
    await refused(422, "step", "/funnel/users", step=3)
    await refused(422, "step", "/funnel/users", step=1, outcome="dropped")
    await refused(422, "outcome", "/funnel/users", step=1, outcome="lost")
    await refused(422, "breakdown", "/funnel/users", step=1, value="tea")
    await refused(422, "breakdown", "/funnel/users", step=1, without_value=True)
    await refused(422, "without_value", "/funnel/users", step=1, breakdown="topic", value="tea", without_value=True)
    await refused(404, "without_value", "/funnel/users", step=1, breakdown="topic", without_value=True)
    await refused(404, "value", "/funnel/users", step=1, breakdown="topic", value="coffee")
    await refused(422, "limit", "/funnel/users", step=1, limit=1_001)


async def test_what_is_asked_wrongly_is_told_what_to_change(asker: Asker) -> None:
    await asker.analytics.publish(happened(1, "page_view", NOW_MS - HOUR_MS, topic="tea"))
    await asker.analytics.publish(happened(1, "feedback", NOW_MS - HOUR_MS, rating=5))
    await asker.analytics.wait_settled()
    two = [{"event_type": "page_view"}, {"event_type": "feedback"}]
    await wait_until(lambda: users(asker, steps=two), equals=[1, 1])

    async def refused(code: int, field: str, **document: Any) -> dict[str, Any]:
        status, answer = await asker.post("/funnel", **{"steps": two} | document)
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
