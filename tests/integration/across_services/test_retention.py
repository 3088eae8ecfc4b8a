"""Retention by HTTP is what SQL finds in the rows, in any time zone, and a wrong question is told what to change."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from drishti.events import AnalyticsEvent
from drishti_local.servers import NatsServer
from rigs import analytics as analytics_rig
from rigs.analytics import event
from rigs.product_questions import Asker, asking

DAY_MS = 86_400_000
NOW_MS = int(time.time()) * 1000
TYPES = ("page_view", "dharma_query", "feedback")
RANGE = {"from": NOW_MS - 20 * DAY_MS, "to": NOW_MS}
TZ = "America/New_York"

# The first period of each user, and those in which they came back, by the calendar of PostgreSQL.
CELLS = """
WITH own AS (
    SELECT user_id, event_type, data, date_trunc($2, time, $3) AS period FROM events WHERE tenant = $1 AND user_id IS NOT NULL
), started AS (
    SELECT user_id, min(period) AS cohort FROM own WHERE event_type = 'page_view' GROUP BY user_id
), returned AS (
    SELECT DISTINCT user_id, period FROM own WHERE event_type = 'feedback' AND data ->> 'topic' = 'tea'
)
SELECT (date_part('epoch', cohort) * 1000)::bigint AS cohort, (date_part('epoch', period) * 1000)::bigint AS period, count(*)
FROM started LEFT JOIN returned USING (user_id) GROUP BY 1, 2
"""
SIZES = """
SELECT (date_part('epoch', date_trunc($2, first, $3)) * 1000)::bigint AS cohort, count(*) FROM (
    SELECT min(time) AS first FROM events WHERE tenant = $1 AND event_type = 'page_view' GROUP BY user_id
) AS started GROUP BY 1
"""


@pytest.fixture
async def asker(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Asker]:
    async with asking(own_nats, postgres_url, RANGE) as asker:
        yield asker


def happened(user: int, event_type: str, ms: int, **data: Any) -> AnalyticsEvent:
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return event(event_type=event_type, user_id=f"user {user}", timestamp=at, data=data, version=f"{user % 3}.0")


async def publish(analytics: analytics_rig.Rig, users: int, events: int) -> None:
    chance = random.Random(7)
    for event_type in TYPES:
        made = [
            happened(
                chance.randrange(users),
                event_type,
                NOW_MS - chance.randrange(1, 25 * DAY_MS),
                topic=chance.choice(["tea", "cup"]),
            )
            for _ in range(events)
        ]
        await analytics.publish(*made)
    await analytics.wait_settled()


@pytest.mark.parametrize(("interval", "tz"), [("day", TZ), ("week", "UTC"), ("week", TZ), ("month", "Asia/Kathmandu")])
async def test_retention_is_what_sql_finds_in_the_rows(asker: Asker, interval: str, tz: str) -> None:
    await publish(asker.analytics, users=80, events=200)
    connection = await asyncpg.connect(asker.analytics.database_url)
    sizes = dict(await connection.fetch(SIZES, asker.analytics.tenant, interval, tz))
    cells = {
        (row["cohort"], row["period"]): row["count"]
        for row in await connection.fetch(CELLS, asker.analytics.tenant, interval, tz)
    }
    await connection.close()

    question = {
        "start": {"event_types": ["page_view"]},
        "return": {"event_types": ["feedback"], "where": [{"property": "topic", "value": "tea"}]},
        "interval": interval,
        "tz": tz,
        "periods": 30,
    }
    answer = await asker.answer("/retention", **question)
    cohorts = {cohort["from"]: cohort for cohort in answer["cohorts"]}
    assert sum(sizes.values()) >= sum(cohort["size"] for cohort in answer["cohorts"]) > 0
    begins = list(cohorts)
    for place, (begin, cohort) in enumerate(cohorts.items()):
        assert cohort["size"] == sizes.get(begin, 0)
        begun = begins[place:]
        assert cohort["users"] == [cohort["size"], *(cells.get((begin, period), 0) for period in begun[1:])][: len(begun)]
        assert cohort["complete"] == len(begun) - 1  # the period that runs now
        assert cohort["shares"][0] == (1.0 if cohort["size"] else None)
    assert answer["total"]["users"][-1] == answer["total"]["sizes"][-1] == 0
    assert answer["kept_from"] <= NOW_MS - 20 * DAY_MS
    assert datetime.fromtimestamp(answer["from"] / 1000, ZoneInfo(tz)).hour == 0

    by_version = await asker.answer("/retention", **question, breakdown="version", limit=2)
    assert [group["value"] for group in by_version["groups"]][-1] == "other"
    for place, cohort in enumerate(answer["cohorts"]):
        groups = [group["cohorts"][place] for group in by_version["groups"]]
        assert [sum(users) for users in zip(*(group["users"] for group in groups), strict=True)] == cohort["users"]

    largest = max(answer["cohorts"][:-1], key=lambda cohort: int(cohort["size"]), default=answer["cohorts"][0])
    if len(largest["users"]) > 1:
        chosen = {**question, "cohort_from": largest["from"], "cell": 1, "limit": 1000}
        retained = await asker.answer("/retention/users", **chosen)
        lost = await asker.answer("/retention/users", **chosen, outcome="lost")
        assert retained["total"] == len(retained["users"]) == largest["users"][1]
        assert lost["total"] == largest["size"] - retained["total"]
        assert not {*lost["users"]} & {*retained["users"]}
        if "breakdown" in question:
            place = answer["cohorts"].index(largest)
            of_groups: set[str] = set()
            for group in (group for group in answer["groups"] if not group.get("other")):
                value = {"without_value": True} if group["value"] is None else {"value": group["value"]}
                of_group = await asker.answer("/retention/users", **chosen, **value)
                assert of_group["total"] == group["cohorts"][place]["users"][1]
                assert {*of_group["users"]} <= {*retained["users"]} - of_groups
                of_groups |= {*of_group["users"]}


async def test_what_is_asked_wrongly_is_told_what_to_change(asker: Asker) -> None:
    await publish(asker.analytics, users=3, events=10)

    async def refused(code: int, field: str, path: str = "/retention", **document: Any) -> dict[str, Any]:
        return await asker.refused(path, code, field, **document)

    answer = await refused(404, "start.event_types.0", start={"event_types": ["page_vew"]})
    assert answer["nearest"] == ["page_view"]
    await refused(404, "return.event_types.1", **{"return": {"event_types": ["feedback", "'; DROP TABLE events"]}})
    await refused(404, "return.where.0.property", **{"return": {"where": [{"property": "topics", "value": "x"}]}})
    await refused(404, "where.0.property", where=[{"property": "\u202e", "value": "x"}])
    await refused(404, "breakdown", breakdown="no_such_thing")
    await refused(422, "tz", tz="Mars/Olympus")
    await refused(422, "interval", interval="hour")
    await refused(422, "periods", periods=0)
    await refused(422, "brackets", kind="bracketed")
    await refused(422, "brackets", brackets=["1-3"])
    await refused(422, "brackets.1", kind="bracketed", brackets=["1-3", "3-4"])
    await refused(422, "brackets.0", kind="bracketed", brackets=["5-3"])
    await refused(422, "brackets.0", kind="bracketed", brackets=["1,3"])
    await refused(422, "start.steps", start={"steps": []})
    await refused(422, "from", **{"from": NOW_MS, "to": NOW_MS - 1})
    await refused(422, "from", **{"from": 0, "to": NOW_MS})
    await refused(422, "from", **{"from": NOW_MS - 300 * DAY_MS, "to": NOW_MS, "interval": "day"})
    await refused(422, "from", **{"from": NOW_MS - 300 * DAY_MS, "to": NOW_MS - 299 * DAY_MS})
    await refused(422, "limit", breakdown="topic", limit=100, periods=92, interval="day")
    await refused(422, "cohort_from", "/retention/users", cohort_from=1)
    begins = (await asker.answer("/retention", recurring=True))["cohorts"][0]["from"]
    await refused(422, "cell", "/retention/users", cohort_from=begins, cell=8)
    await refused(422, "outcome", "/retention/users", cohort_from=begins, outcome="gone")
    await refused(422, "breakdown", "/retention/users", cohort_from=begins, value="x")
    await refused(
        422, "without_value", "/retention/users", cohort_from=begins, breakdown="topic", value="x", without_value=True
    )
