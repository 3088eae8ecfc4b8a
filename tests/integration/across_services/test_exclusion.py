"""Rules by HTTP that leave people out: they hold at once, for all of history, and the answers say how many are missing."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from drishti.events import AnalyticsEvent
from drishti_local.servers import NatsServer
from rigs.compacting import compacted
from rigs.product_questions import Asker, asking, happened

DAY_MS = 86_400_000
END_MS = int(time.time()) // 86_400 * DAY_MS
RANGE = {"from": END_MS - 3 * DAY_MS, "to": END_MS}
STEPS = [{"event_type": "page_view"}, {"event_type": "feedback"}]
RULES = [
    {"name": "bots", "bots": True},
    {"name": "our own", "where": [{"property": "user_id", "op": "prefix", "value": "staff-"}]},
    {"name": "tests", "where": [{"property": "plan", "value": "test"}, {"property": "event_type", "value": "signup"}]},
    {"name": "named", "where": [{"property": "user_id", "op": "in", "values": ["user 1", "device of nobody"]}]},
]
OUT_SQL = """
SELECT DISTINCT user_id FROM events WHERE tenant = $1 AND (
    data ->> 'user_agent' = 'curl/8.5.0' OR user_id LIKE 'staff-%' OR user_id = 'user 1'
    OR (data ->> 'plan' = 'test' AND event_type = 'signup')
) AND time >= to_timestamp($2::bigint / 1000.0) AND time < to_timestamp($3::bigint / 1000.0)
"""
USERS_SQL = """
SELECT DISTINCT user_id FROM events WHERE tenant = $1 AND event_type = 'page_view'
AND time >= to_timestamp($2::bigint / 1000.0) AND time < to_timestamp($3::bigint / 1000.0)
"""


@pytest.fixture
async def asker(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Asker]:
    async with asking(own_nats, postgres_url, RANGE) as asker:
        yield asker


def some_events(chance: random.Random) -> list[AnalyticsEvent]:
    found = []
    for _ in range(800):
        user = f"{'staff-' if chance.random() < 0.05 else 'user '}{chance.randrange(60)}"
        event_type = chance.choice(["page_view", "page_view", "feedback", "signup"])
        data = {"plan": "test" if chance.random() < 0.03 else "free"}
        if chance.random() < 0.5:
            data["user_agent"] = "curl/8.5.0" if chance.random() < 0.02 else "Mozilla/5.0 (X11; Linux x86_64) Firefox/127.0"
        found.append(happened(user, event_type, RANGE["from"] + chance.randrange(3 * DAY_MS), **data))
    return found


async def check(asker: Asker, *, excluding: bool) -> None:
    between = (RANGE["from"], RANGE["to"])
    out = {row[0] for row in await asker.rows(OUT_SQL, *between)} if excluding else set()
    everybody = {row[0] for row in await asker.rows(USERS_SQL, *between)}
    funnel = await asker.answer("/funnel", steps=STEPS, window_s=3 * 86_400)
    assert funnel["steps"][0]["users"] == len(everybody - out)
    assert funnel.get("excluded_users", 0) == len(out)
    sessions = await asker.answer("/sessions/users", event_types=["page_view"], limit=1000)
    assert set(sessions["users"]) == everybody - out
    assert sessions.get("excluded_users", 0) == len(out)
    retention = await asker.answer("/retention", interval="day")
    assert retention.get("excluded_users", 0) == len(out)


async def test_rules_hold_at_once_for_all_of_history_and_answers_say_how_many_are_left_out(asker: Asker) -> None:
    chance = random.Random(4)
    for stage in range(3):
        await asker.analytics.publish(*some_events(chance))
        await asker.analytics.wait_settled()
        _, stored = await asker.get("/people/exclusion")
        status, changed = await asker.change("/people/exclusion", rules=[], revision=stored["revision"])
        assert (status, changed["revision"], changed["rules"]) == (200, stored["revision"] + 1, [])
        await check(asker, excluding=False)
        status, changed = await asker.change("/people/exclusion", rules=RULES, revision=changed["revision"])
        assert status == 200, changed
        assert (await asker.get("/people/exclusion")) == (200, changed)
        await check(asker, excluding=True)
        if stage == 1:
            await compacted(asker.analytics)
            await check(asker, excluding=True)


async def test_whoever_was_a_bot_before_the_login_is_left_out_as_one_person(asker: Asker) -> None:
    at = RANGE["from"] + 1
    await asker.analytics.publish(
        happened("device", "page_view", at, user_agent="Googlebot/2.1"), happened("ada", "page_view", at)
    )
    await asker.analytics.wait_settled()
    assert (await asker.change("/people/exclusion", rules=RULES[:1], revision=0))[0] == 200
    assert (await asker.answer("/sessions/users"))["users"] == ["ada"]
    await asker.analytics.publish(happened("ada", "identify", at, anonymous_id="device"))
    await asker.analytics.wait_settled()
    found = await asker.answer("/sessions/users")
    assert (found["users"], found["excluded_users"]) == ([], 1)


async def test_wrong_rules_are_refused_and_of_two_who_change_them_one_wins(asker: Asker) -> None:
    async def refused(field: str, *rules: dict[str, Any], revision: int = 0, status: int = 422) -> None:
        answered, answer = await asker.change("/people/exclusion", rules=list(rules), revision=revision)
        assert (answered, answer.get("field")) == (status, field), answer

    await refused("rules.0.where", {"name": "nothing"})
    await refused("rules.1.name", RULES[0], RULES[0])
    await refused("rules.0.where.0.op", {"name": "x", "where": [{"property": "user_id", "op": "!=", "value": "ada"}]})
    await refused("rules.0.where.0.value", {"name": "x", "where": [{"property": "user_id", "op": "prefix"}]})
    await refused("rules.0.where.0.value", {"name": "x", "where": [{"property": "n", "op": "<", "value": "tea"}]})
    of_cohort = [{"property": "cohort:some", "value": "true"}]
    await refused("rules.0.where.0.property", {"name": "x", "where": of_cohort})
    await refused("rules", *({"name": str(n), "bots": True} for n in range(51)))
    for revision in (7, 2**31, 10**30):
        await refused("revision", RULES[0], revision=revision, status=409)
    assert (await asker.get("/people/exclusion")) == (200, {"rules": [], "revision": 0})
    assert (await asker.change("/people/exclusion", rules=RULES[:1], revision=0))[0] == 200
    await refused("revision", RULES[1], status=409)
    assert (await asker.post("/people/exclusion", rules=RULES, revision=1))[0] == 403


async def test_one_event_with_very_many_properties_does_not_hide_what_a_rule_is_about(asker: Asker) -> None:
    rule = {"name": "own", "where": [{"property": "staff", "value": "true"}]}
    assert (await asker.change("/people/exclusion", rules=[rule, {"name": "bots", "bots": True}], revision=0))[0] == 200
    at = RANGE["from"] + 1
    await asker.analytics.publish(happened("ada", "page_view", at, **{f"a{number}": 1 for number in range(1_500)}))
    await asker.analytics.wait_settled()
    await asker.analytics.publish(happened("bob", "page_view", at, staff=True))
    await asker.analytics.wait_settled()
    await compacted(asker.analytics)
    found = await asker.answer("/sessions/users")
    assert (found["users"], found.get("excluded_users")) == (["ada"], 1)
