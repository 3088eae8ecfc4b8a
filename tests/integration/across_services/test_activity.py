"""Activity by HTTP is what SQL finds in the rows, in any time zone, and a wrong question is told what to change."""

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
from rigs.compacting import compacted
from rigs.product_questions import Asker, asking, happened

DAY_MS = 86_400_000
NOW_MS = int(time.time()) * 1000
RANGE = {"from": NOW_MS - 8 * DAY_MS, "to": NOW_MS}
TZ = "America/New_York"

# The state of each user in each period since the one before the first, by the calendar of PostgreSQL.
STATES = """
WITH own AS (
    SELECT user_id, date_trunc($2, time, $3) AS period,
        event_type = 'view' AND coalesce(data ->> 'topic' = 'tea', false) AS meant FROM events WHERE tenant = $1
), firsts AS (SELECT user_id, min(period) AS first FROM own GROUP BY user_id),
active AS (SELECT DISTINCT user_id, period FROM own WHERE meant),
next AS (
    SELECT user_id, period, lag(period) OVER w AS before, lead(period) OVER w AS after FROM active
    WINDOW w AS (PARTITION BY user_id ORDER BY period)
)
SELECT (date_part('epoch', period) * 1000)::bigint, user_id, CASE WHEN first = period THEN 'new'
    WHEN before = date_trunc($2, period - interval '1 hour', $3) THEN 'returning' ELSE 'resurrected' END
FROM next JOIN firsts USING (user_id)
"""
DAYS = """
SELECT (date_part('epoch', day) * 1000)::bigint, count(DISTINCT user_id) FILTER (WHERE time >= day),
    count(DISTINCT user_id) FILTER (WHERE time >= ((day AT TIME ZONE $2) - interval '6 days') AT TIME ZONE $2),
    count(DISTINCT user_id)
FROM (SELECT DISTINCT date_trunc('day', time, $2) AS day FROM events WHERE tenant = $1) AS days JOIN events
    ON time < ((day AT TIME ZONE $2) + interval '1 day') AT TIME ZONE $2
    AND time >= ((day AT TIME ZONE $2) - interval '29 days') AT TIME ZONE $2
WHERE tenant = $1 AND event_type = 'view' AND data ->> 'topic' = 'tea' GROUP BY day
"""
ASKED = {"event_types": ["view"], "where": [{"property": "topic", "value": "tea"}]}


@pytest.fixture
async def asker(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Asker]:
    async with asking(own_nats, postgres_url, RANGE) as asker:
        yield asker


def some_events(chance: random.Random) -> list[AnalyticsEvent]:
    return [
        happened(
            f"user {chance.randrange(150)}", chance.choice(["view", "vote"]), NOW_MS - chance.randrange(1, 25 * DAY_MS),
            topic=chance.choice(["tea", "cup"]),
        )
        for _ in range(600)
    ]  # fmt: skip


async def check(asker: Asker, interval: str, tz: str) -> None:
    rows = await asker.rows(STATES, interval, tz)
    answer = await asker.answer("/activity", interval=interval, tz=tz, **ASKED)
    active: dict[int, set[str]] = {}
    for period in answer["periods"]:
        mine = [row for row in rows if row[0] == period["from"]]
        for state in ("new", "returning", "resurrected"):
            assert period[state] == sum(row[2] == state for row in mine), (period, state)
        active[period["from"]] = {row[1] for row in mine}
        assert period["active"] == len(mine) == period["new"] + period["returning"] + period["resurrected"]
        if before := next(
            (begins for begins in active if begins != period["from"] and _ends(answer, begins) == period["from"]), None
        ):
            assert period["dormant"] == len(active[before] - active[period["from"]])
            listed = await asker.answer(
                "/activity/users", interval=interval, tz=tz, period_from=period["from"], state="dormant", limit=1000, **ASKED
            )
            assert set(listed["users"]) == active[before] - active[period["from"]]
    assert answer["users"] == len(set().union(*active.values()))
    by_day = {row[0]: list(row[1:]) for row in await asker.rows(DAYS, tz)}
    for day in answer["days"]:
        assert [day["active"], day["last_7"], day["last_30"]] == by_day.get(day["from"], [0, 0, 0])
    shares = [day["active"] / day["last_30"] for day in answer["days"] if day.get("complete") and day["last_30"]]
    assert answer["stickiness"] == pytest.approx(sum(shares) / len(shares))


def _ends(answer: Any, begins: int) -> int:
    return int(next(period["to"] for period in answer["periods"] if period["from"] == begins))


async def test_activity_is_that_of_sql_before_between_and_after_compactions(asker: Asker) -> None:
    chance = random.Random(2)
    for stage in range(3):
        await asker.analytics.publish(*some_events(chance))
        await asker.analytics.wait_settled()
        await check(asker, "day", "UTC")
        await check(asker, "week" if stage else "day", TZ)
        if stage == 1:
            await compacted(asker.analytics)
            await check(asker, "day", TZ)
    month = await asker.answer("/activity", interval="month", breakdown="topic", limit=1)
    assert (len(month["groups"]), month["more_values"]) == (1, 1)
    first = month["groups"][0]
    alone = await asker.answer("/activity", interval="month", where=[{"property": "topic", "value": first["value"]}])
    assert (first["users"], first["periods"]) == (alone["users"], alone["periods"])
    sample = await asker.answer("/activity", sample=True)
    assert 0 < sample["users"] < alone["users"]
    assert sample["sampled"] == 1 / 16


async def test_who_was_here_before_the_login_is_not_new(asker: Asker) -> None:
    today = NOW_MS // DAY_MS * DAY_MS
    days_ago = {"device": 12, "ada": 2, "eve": 2}
    await asker.analytics.publish(*(happened(user, "view", today - days * DAY_MS) for user, days in days_ago.items()))
    await asker.analytics.wait_settled()
    given = {"from": today - 2 * DAY_MS, "to": today - DAY_MS}
    (period,) = (await asker.answer("/activity", **given))["periods"]
    assert (period["new"], period["resurrected"]) == (2, 0)
    known = event(
        event_type="identify",
        user_id="ada",
        timestamp=datetime.fromtimestamp(today / 1000, UTC),
        data={"anonymous_id": "device"},
    )
    await asker.analytics.publish(known)
    await asker.analytics.wait_settled()
    for _ in range(2):
        (period,) = (await asker.answer("/activity", **given))["periods"]
        assert (period["new"], period["resurrected"]) == (1, 1)
        await compacted(asker.analytics)


async def test_what_is_asked_wrongly_is_told_what_to_change(asker: Asker) -> None:
    await asker.analytics.publish(happened("user 1", "view", NOW_MS - DAY_MS, topic="tea"))
    await asker.analytics.wait_settled()
    assert (await asker.answer("/activity"))["users"] == 1
    answer = await asker.refused("/activity", 404, "event_types.0", event_types=["veiw"])
    assert answer["nearest"] == ["view"]
    await asker.refused("/activity", 404, "where.0.property", where=[{"property": "topik", "value": "tea"}])
    await asker.refused("/activity", 404, "breakdown", breakdown="'; DROP TABLE events")
    await asker.refused("/activity", 422, "tz", tz="Mars/Olympus")
    await asker.refused("/activity", 422, "interval", interval="year")
    await asker.refused("/activity", 422, "from", **{"from": NOW_MS - 500 * DAY_MS})
    await asker.refused("/activity", 422, "from", **{"from": NOW_MS, "to": NOW_MS - 1})
    await asker.refused("/activity/users", 422, "period_from", period_from=1)
    await asker.refused("/activity/users", 422, "state", period_from=1, state="gone")
    await asker.refused("/activity/users", 422, "breakdown", period_from=1, breakdown="topic")
    await asker.refused("/activity", 404, "cohort", cohort="nobody")
    in_years = NOW_MS + 1_000 * DAY_MS
    await asker.refused("/activity", 422, "from", **{"from": in_years, "to": in_years + DAY_MS})


async def test_a_property_that_is_not_kept_by_user_is_not_said_to_be_missing(asker: Asker) -> None:
    many = {f"p{number:03}": number for number in range(250)}
    await asker.analytics.publish(happened("user 1", "view", NOW_MS - DAY_MS, **many))
    await asker.analytics.wait_settled()
    assert (await asker.answer("/activity", breakdown="p249"))["users"] == 1
    await compacted(asker.analytics)
    assert (await asker.answer("/activity", breakdown="p000"))["users"] == 1
    answer = await asker.refused("/activity", 422, "breakdown", breakdown="p249")
    assert "too many properties" in answer["error"]
    assert (await asker.refused("/activity", 404, "breakdown", breakdown="p00"))["nearest"]
    await asker.analytics.publish(happened("user 2", "view", NOW_MS - DAY_MS, **{f"q{number}": 1 for number in range(1_500)}))
    await asker.analytics.wait_settled()
    await compacted(asker.analytics)
    answer = await asker.refused("/activity", 404, "breakdown", breakdown="q1499")
    assert "as far as is known" in answer["error"]
    await asker.changed("/people/exclusion", rules=[{"name": "programs", "bots": True}], revision=0)
    assert (await asker.answer("/activity"))["users"] == 2


async def test_one_event_with_very_many_properties_hides_no_others(asker: Asker) -> None:
    for number, day in enumerate((3, 2)):
        await asker.analytics.publish(happened(f"user {number}", "view", NOW_MS - day * DAY_MS, topic="tea"))
        await asker.analytics.wait_settled()
        await compacted(asker.analytics)
    await asker.analytics.publish(happened("user 3", "view", NOW_MS - DAY_MS, **{f"a{number}": 1 for number in range(1_500)}))
    await asker.analytics.wait_settled()
    await compacted(asker.analytics)
    answer = await asker.answer("/activity", breakdown="topic")
    assert {group["value"]: group["users"] for group in answer["groups"]} == {"tea": 2, None: 1}
