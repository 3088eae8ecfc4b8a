"""Properties of users and accounts by HTTP: questions use the value of the time of each event, whenever it became known."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from drishti.events import AnalyticsEvent
from drishti_local.servers import NatsServer
from rigs.analytics import event
from rigs.compacting import compacted
from rigs.product_questions import Asker, asking

NOW_MS = int(time.time()) * 1000
HOUR_MS = 3_600_000
RANGE = {"from": NOW_MS - 48 * HOUR_MS, "to": NOW_MS + 1}
STEPS = [{"event_type": "view"}, {"event_type": "buy"}]


@pytest.fixture
async def asker(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Asker]:
    async with asking(own_nats, postgres_url, RANGE) as asker:
        yield asker


def at(hours_ago: float, user: str | None, event_type: str, **data: Any) -> AnalyticsEvent:
    when = datetime.fromtimestamp((NOW_MS - hours_ago * HOUR_MS) / 1000, UTC)
    return event(event_type=event_type, user_id=user, timestamp=when, data=data)


async def publish(asker: Asker, *events: AnalyticsEvent) -> None:
    await asker.analytics.publish(*events)
    await asker.analytics.wait_settled()


async def groups(asker: Asker, name: str) -> dict[str | None, list[int]]:
    answer = await asker.answer("/funnel", steps=STEPS, breakdown=name)
    return {group["value"]: [step["users"] for step in group["steps"]] for group in answer["groups"]}


async def views(asker: Asker, **condition: str) -> set[str]:
    return set((await asker.answer("/sessions/users", event_types=["view"], where=[condition], limit=1000))["users"])


async def test_questions_use_the_value_of_the_time_of_each_event(asker: Asker) -> None:
    await publish(
        asker,
        at(30, "ada", "identify", set={"plan": "free", "age": 36}, set_once={"first": "ad"}),
        at(20, "ada", "view"),
        at(10, "ada", "identify", set={"plan": "pro"}, set_once={"first": "mail"}),
        at(5, "ada", "view", page="/price"),
        at(4, "ada", "buy"),
        at(25, "bob", "view"),
        at(3, "bob", "page_view", set={"plan": "free"}),
    )
    for _ in range(2):
        assert await groups(asker, "user.plan") == {"pro": [1, 1], None: [1, 0]}
        assert await groups(asker, "user.age") == {"36": [1, 1], None: [1, 0]}
        assert await views(asker, property="user.plan", value="free") == {"ada"}
        assert await views(asker, property="user.first", value="mail") == set()
        assert await views(asker, property="user.age", op=">", value="35") == {"ada"}
        await compacted(asker.analytics)
    late = at(26, "bob", "identify", set={"plan": "team"})
    await publish(asker, late, late, at(6, "ada", "set_properties", unset=["plan"]))
    assert await groups(asker, "user.plan") == {"team": [1, 0], None: [1, 1]}
    _, ada = await asker.get("/person", user_id="ada")
    assert ada["properties"] == {"age": "36", "first": "ad"}
    assert (await asker.get("/person", user_id="bob"))[1]["properties"] == {"plan": "free"}
    assert {"user.plan", "user.first"} <= set((await asker.get("/event-names"))[1]["properties"])


async def test_the_changes_of_all_ids_of_a_person_count(asker: Asker) -> None:
    await publish(asker, at(9, "device", "page_view", set={"source": "ad"}), at(8, "ada", "view"), at(7, "eve", "view"))
    assert await views(asker, property="user.source", value="ad") == set()
    await publish(asker, at(6, "ada", "identify", anonymous_id="device"))
    for _ in range(2):
        assert await views(asker, property="user.source", value="ad") == {"ada"}
        assert (await asker.get("/person", user_id="ada"))[1]["properties"] == {"source": "ad"}
        await compacted(asker.analytics)


async def test_accounts_are_those_of_the_latest_group(asker: Asker) -> None:
    await publish(
        asker,
        at(30, None, "group", group_type="company", group_id="c1", set={"size": "small"}),
        at(29, "ada", "group", group_id="c1"),
        at(28, "ada", "view"),
        at(20, "eve", "group", group_type="group", group_id="c1", set={"size": "large"}),
        at(15, "ada", "view"),
        at(14, "ada", "buy"),
        at(13, "bob", "view"),
    )
    assert await groups(asker, "account.size") == {"large": [1, 1], None: [1, 0]}
    assert await views(asker, property="account.size", value="small") == {"ada"}
    assert (await asker.get("/person", user_id="ada"))[1]["account"] == "c1"
    await publish(asker, at(16, "ada", "group", group_id="c2", set={"size": "tiny"}))
    assert await groups(asker, "account.size") == {"tiny": [1, 1], None: [1, 0]}


async def test_cohorts_and_rules_use_them_and_unknown_ones_are_told_the_nearest(asker: Asker) -> None:
    await publish(asker, at(9, "ada", "identify", set={"role": "staff"}), at(8, "ada", "view"), at(7, "eve", "view"))
    condition = {"did": {"event_types": ["view"], "where": [{"property": "user.role", "value": "staff"}]}}
    assert (await asker.change("/cohorts/team", condition=condition))[0] == 200
    assert (await asker.answer("/activity", cohort="team"))["users"] == 1
    rule = {"name": "staff", "where": [{"property": "user.role", "value": "staff"}]}
    assert (await asker.change("/people/exclusion", rules=[rule], revision=0))[0] == 200
    found = await asker.answer("/sessions/users")
    assert (found["users"], found["excluded_users"]) == (["eve"], 1)
    answer = await asker.refused("/funnel", 404, "breakdown", steps=STEPS[:1] * 2, breakdown="user.rol")
    assert answer["nearest"] == ["user.role"]
    await asker.refused("/activity", 404, "where.0.property", where=[{"property": "account.role", "value": "x"}])
