"""Engagement by HTTP: each user's score, and what it is made of, is that of SQL over the rows, day by day of a calendar."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from drishti_local.servers import NatsServer
from rigs.analytics import event
from rigs.product_questions import Asker, asking

DAY_MS = 86_400_000
NOW_MS = int(time.time()) * 1000
TZ = "America/New_York"
RANGE = {"from": NOW_MS - 6 * DAY_MS, "to": NOW_MS, "tz": TZ, "window_days": 10}
QUESTION = {
    "activity": {"event_types": ["page_view", "dharma_query"]},
    "where": [{"property": "bot", "op": "!=", "value": "true"}],
    "satisfaction": {"property": "stars", "event_types": ["feedback"], "low": 1, "high": 5},
    "breakdown": "plan",
}

SCORES = """
WITH own AS (
    SELECT user_id, event_type, data, date_trunc('milliseconds', time) AS at, (time AT TIME ZONE $3)::date AS day
    FROM events WHERE tenant = $1 AND user_id IS NOT NULL AND time < $2::timestamptz
        AND (time AT TIME ZONE $3)::date > (($2::timestamptz - interval '1 millisecond') AT TIME ZONE $3)::date - 10
), active AS (
    SELECT user_id, max(at) AS last, count(DISTINCT day) AS days, count(*) AS events FROM own
    WHERE event_type IN ('page_view', 'dharma_query') AND data ->> 'bot' IS DISTINCT FROM 'true' GROUP BY user_id
), rated AS (
    SELECT user_id, avg(least(5, greatest(1, (data ->> 'stars')::float8))) AS mean, count(*) AS ratings FROM own
    WHERE event_type = 'feedback' AND data ? 'stars' GROUP BY user_id
), parts AS (
    SELECT user_id, last, days, events, coalesce(ratings, 0) AS ratings, mean,
        power(2, -extract(epoch FROM $2::timestamptz - last)::float8 / 86400 / 7) AS recency,
        1 - power(2, -days / 4.0::float8) AS frequency,
        1 - power(2, -(events::float8 / days) / 5) AS depth,
        (mean - 1) / 4 AS satisfaction
    FROM active LEFT JOIN rated USING (user_id)
)
SELECT user_id,
    CASE WHEN satisfaction IS NULL THEN 100 * (0.3 * recency + 0.3 * frequency + 0.2 * depth) / 0.8
        ELSE 100 * (0.3 * recency + 0.3 * frequency + 0.2 * depth + 0.2 * satisfaction) END AS score,
    (extract(epoch FROM last) * 1000)::bigint, days, events, ratings, mean,
    (SELECT data ->> 'plan' FROM own AS o WHERE o.user_id = p.user_id AND o.event_type IN ('page_view', 'dharma_query')
        AND o.data ->> 'bot' IS DISTINCT FROM 'true' AND o.data ->> 'plan' IS NOT NULL ORDER BY at DESC LIMIT 1)
FROM parts AS p ORDER BY user_id
"""


@pytest.fixture
async def asker(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Asker]:
    async with asking(own_nats, postgres_url, RANGE) as asker:
        yield asker


async def publish(asker: Asker) -> None:
    chance = random.Random(11)
    for event_type in ("page_view", "dharma_query", "feedback"):
        made = []
        for number in range(350):
            user = int(chance.triangular(0, 60, 0))
            data: dict[str, Any] = {"bot": chance.random() < 0.1}
            if event_type == "feedback" and chance.random() < 0.8:
                data["stars"] = chance.choice([0, 1, 2.5, 4, 5, 7])
            elif chance.random() < 0.3:
                data["plan"] = chance.choice(["free", "patron"])
            at = datetime.fromtimestamp((NOW_MS - chance.randrange(1, 18 * DAY_MS)) / 1000, UTC)
            made.append(
                event(event_type=event_type, user_id=f"user {user}", timestamp=at, data=data, event_id=f"{event_type}{number}")
            )
        await asker.analytics.publish(*made)
    await asker.analytics.wait_settled()


async def test_scores_are_what_sql_finds_in_the_rows(asker: Asker) -> None:
    await publish(asker)
    answer = await asker.answer("/engagement", **QUESTION)
    points = answer["series"]
    assert (len(points) >= 6, points[-1]["at"]) == (True, NOW_MS)
    assert {point["at"] for point in points[:-1]} == {point["start"] for point in points[1:]}
    for point in points:
        rows = await asker.rows(SCORES, datetime.fromtimestamp(point["at"] / 1000, UTC), TZ)
        assert (point["users"], point["rated"]) == (len(rows), sum(row[5] > 0 for row in rows))
        assert point["mean"] == pytest.approx(sum(row[1] for row in rows) / len(rows), abs=0.005)

        listed = await asker.answer("/engagement/users", **QUESTION, at=point["at"], limit=1000)
        assert (listed["total"], listed["at"]) == (len(rows), point["at"])
        scores = [user["score"] for user in listed["users"]]
        assert scores == sorted(scores)
        found = {user["user_id"]: user for user in listed["users"]}
        for user_id, score, last, days, events, ratings, mean, _ in rows:
            user = found[user_id]
            assert user["score"] == pytest.approx(score, abs=0.0051)
            assert [user[name] for name in ("last_ms", "active_days", "events", "ratings")] == [last, days, events, ratings]
            assert user.get("mean_rating") == (None if mean is None else pytest.approx(mean))
            own = [user[name] for name in ("recency", "frequency", "depth", "satisfaction") if user.get(name)]
            assert len(own) == (4 if ratings else 3)
            assert sum(part["points"] for part in own) == pytest.approx(score, abs=1e-6)

    last = [row for row in await asker.rows(SCORES, datetime.fromtimestamp(NOW_MS / 1000, UTC), TZ)]
    groups = {group["value"]: group for group in answer["groups"]}
    assert set(groups) == {"free", "patron", None}
    for value, group in groups.items():
        own_scores = [row[1] for row in last if row[7] == value]
        assert (group["users"], sum(bin["users"] for bin in group["distribution"])) == (len(own_scores), len(own_scores))
        assert group["mean"] == pytest.approx(sum(own_scores) / len(own_scores), abs=0.005)
        chosen = {"without_value": True} if value is None else {"value": value}
        assert (await asker.answer("/engagement/users", **QUESTION, **chosen))["total"] == len(own_scores)
    folded = await asker.answer("/engagement", **QUESTION, limit=1)
    assert [group["users"] for group in folded["groups"]] == [
        max(group["users"] for group in groups.values()),
        len(last) - max(group["users"] for group in groups.values()),
    ]
    for one in answer["distribution"]:
        behind = await asker.answer("/engagement/users", **QUESTION, from_score=one["from_score"], to_score=one["to_score"])
        assert behind["total"] == one["users"]
    best = await asker.answer("/engagement/users", **QUESTION, order="highest", limit=3)
    assert [user["score"] for user in best["users"]] == pytest.approx(sorted(row[1] for row in last)[::-1][:3], abs=0.0051)

    chosen_users = {row[0] for row in last[::3]}
    await asker.changed("/cohorts/chosen", users=sorted(chosen_users))
    of_cohort = await asker.answer("/engagement", **QUESTION, cohort="chosen")
    compared = await asker.answer("/engagement", **QUESTION | {"breakdown": "cohort:chosen"})
    sides = {group["value"]: group for group in compared["groups"]}
    for inside, answered in ((True, of_cohort), (True, sides["true"]), (False, sides["false"])):
        own_scores = [row[1] for row in last if (row[0] in chosen_users) == inside]
        assert answered["users"] == len(own_scores)
        assert answered["mean"] == pytest.approx(sum(own_scores) / len(own_scores), abs=0.005)
    listed = await asker.answer("/engagement/users", **QUESTION, cohort="chosen", limit=1000)
    assert {user["user_id"] for user in listed["users"]} == chosen_users

    everything = await asker.answer("/engagement", activity=QUESTION["activity"], where=QUESTION["where"])
    assert (everything["rated"], everything["parts"].get("satisfaction")) == (0, None)
    only_recent = {"recency": 1, "frequency": 0, "depth": 0, "satisfaction": 0}
    recent = await asker.answer("/engagement", **QUESTION, weights=only_recent)
    assert recent["mean"] == pytest.approx(recent["parts"]["recency"], abs=0.005)


async def test_what_is_asked_wrongly_is_told_what_to_change(asker: Asker) -> None:
    at = datetime.fromtimestamp((NOW_MS - 3_600_000) / 1000, UTC)
    await asker.analytics.publish(event(event_type="page_view", user_id="one", timestamp=at, data={"stars": 5}))
    await asker.analytics.wait_settled()

    async def refused(code: int, field: str, path: str = "/engagement", **document: Any) -> dict[str, Any]:
        return await asker.refused(path, code, field, **document)

    alone = await asker.answer("/engagement")
    assert (alone["users"], alone["series"][-1]["users"]) == (1, 1)
    assert (await refused(404, "activity.event_types.0", activity={"event_types": ["page_vew"]}))["nearest"] == ["page_view"]
    assert (await refused(404, "satisfaction.property", satisfaction={"property": "star"}))["nearest"] == ["stars"]
    await refused(404, "satisfaction.event_types.0", satisfaction={"property": "stars", "event_types": ["; DROP TABLE events"]})
    await refused(404, "breakdown", breakdown="\u202e")
    await refused(404, "where.0.property", where=[{"property": "no", "value": "x"}])
    await refused(404, "cohort", cohort="nobody")
    await refused(422, "satisfaction.low", satisfaction={"property": "stars", "low": 5, "high": 5})
    await refused(422, "weights", weights={"recency": 0, "frequency": 0, "depth": 0, "satisfaction": 1})
    await refused(422, "weights.recency", weights={"recency": -1})
    await refused(422, "halves.active_days", halves={"active_days": 0})
    await refused(422, "window_days", window_days=0)
    await refused(422, "tz", tz="Mars/Olympus")
    await refused(422, "interval", interval="hour")
    await refused(422, "from", **{"from": NOW_MS, "to": NOW_MS - 1})
    await refused(422, "from", **{"from": NOW_MS + DAY_MS, "to": NOW_MS + 2 * DAY_MS})
    await refused(422, "from", **{"from": NOW_MS - 500 * DAY_MS})
    await refused(422, "from", **{"from": NOW_MS - 90 * DAY_MS, "to": NOW_MS - 89 * DAY_MS})
    await refused(422, "limit", **{"from": NOW_MS - 300 * DAY_MS, "breakdown": "stars", "limit": 100})
    await refused(422, "at", "/engagement/users", at=NOW_MS - 5)
    await refused(422, "order", "/engagement/users", order="best")
    await refused(422, "breakdown", "/engagement/users", value="free")
    await refused(422, "without_value", "/engagement/users", breakdown="stars", value="5", without_value=True)
    await refused(422, "from_score", "/engagement/users", from_score=50, to_score=50)
    await refused(422, "to_score", "/engagement/users", to_score=101)
