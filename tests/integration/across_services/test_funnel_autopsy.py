"""The autopsy of a funnel by HTTP: what goes with leaving is named with users and traces, and nothing where nothing differs."""

from __future__ import annotations

import time
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
USERS = 240
STEPS = [{"event_type": "page_view"}, {"event_type": "dharma_query"}]
QUESTION = {"steps": STEPS, "step": 2, "window_s": 3_600, "from": NOW_MS - 48 * HOUR_MS, "to": NOW_MS}


def trace(user: int) -> str:
    return f"{user + 1:032x}"


def events() -> list[AnalyticsEvent]:
    """Every second user meets a slow page, and three of four of them leave; of the others one of four does. Sides are tossed by
    what has nothing to do with it."""
    sent = []
    for user in range(USERS):
        slow, left = user % 2 == 0, user // 2 % 4 < (3 if user % 2 == 0 else 1)
        at = NOW_MS - 20 * HOUR_MS - user * 1_000
        data: dict[str, Any] = {"load_ms": 4_000 + user if slow else 200 + user, "side": "left" if user // 8 % 2 else "right"}
        sent.append(happened(user, "page_view", at, data))
        if not left:
            sent.append(happened(user, "dharma_query", at + 120_000, {"side": data["side"]}))
    return sent


def happened(user: int, event_type: str, ms: int, data: dict[str, Any]) -> AnalyticsEvent:
    at = datetime.fromtimestamp(ms / 1000, UTC)
    traceparent = f"00-{trace(user)}-{user + 1:016x}-01"
    return event(event_type=event_type, user_id=f"user {user}", timestamp=at, data=data, traceparent=traceparent)


@pytest.fixture
async def ask(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Any]:
    async with (
        analytics_rig.rig(own_nats, postgres_url) as analytics,
        analytics.running(),
        gateway_rig.running(own_nats) as gateway,
    ):
        key = {"authorization": f"Bearer {await gateway.key('viewer', analytics.tenant)}"}

        async def posted(path: str, document: dict[str, Any]) -> tuple[int, Any]:
            async with gateway.http.post(f"{gateway.url}/api/analytics{path}", json=document, headers=key) as answer:
                return answer.status, await answer.json()

        for event_type in ("page_view", "dharma_query"):
            await analytics.publish(*(one for one in events() if one.event_type == event_type))
        await analytics.wait_settled()

        async def reached() -> list[int]:
            _, answer = await posted("/funnel", {name: value for name, value in QUESTION.items() if name != "step"})
            return [step["users"] for step in answer.get("steps", [])]

        await wait_until(reached, equals=[USERS, USERS // 2])
        yield lambda **document: posted("/funnel/autopsy", QUESTION | document)


async def test_what_differs_is_told_with_users_traces_and_no_causes(ask: Any) -> None:
    status, answer = await ask()
    assert status == 200, answer
    assert (answer["went_on"], answer["left"], answer["not_yet"]) == (USERS // 2, USERS // 2, 0)
    assert {one["property"] for one in answer["differences"]} == {"load_ms"}
    first = next(one for one in answer["differences"] if one["difference"] < 0)
    assert first["moment"] == "step"
    assert first["from_value"] >= 4_000
    assert first["having"]["share"] < 0.3 < 0.55 < first["others"]["share"]
    assert first["low"] < first["difference"] < first["high"] < 0
    assert first["corrected_p"] < 0.01
    slow = {f"user {user}": trace(user) for user in range(0, USERS, 2) if user // 2 % 4 < 3}
    assert first["users"]
    assert set(first["users"]) <= {*slow}
    assert set(first["trace_ids"]) == {slow[user] for user in first["users"]}
    assert "not causes" in answer["text"][-1]

    status, answer = await ask(properties=["side", "version"])
    assert (status, answer.get("differences")) == (200, None)
    assert answer["tried"] > 0
    assert answer["text"][-1].startswith("Nothing differs")

    status, answer = await ask(window_s=90 * 24 * 3_600)
    assert (answer["not_yet"], answer["tried"]) == (USERS, 0)
    assert answer["text"][-1].startswith("Nothing can be compared")

    async def refused(code: int, field: str, **document: Any) -> None:
        status, answer = await ask(**document)
        assert (status, answer.get("field")) == (code, field), answer

    await refused(422, "step", step=1)
    await refused(422, "step", step=3)
    await refused(422, "unit", unit="session")
    await refused(422, "breakdown", breakdown="side")
    await refused(422, "around_s", around_s=0)
    await refused(422, "min_users", min_users=1)
    await refused(404, "properties.0", properties=["sidee"])
    await refused(404, "steps.1.event_type", steps=[STEPS[0], {"event_type": "dharma_qery"}])
    await refused(422, "from", **{"from": NOW_MS})
