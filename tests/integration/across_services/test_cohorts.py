"""Cohorts by HTTP: who is in one is what SQL finds in the rows, whatever question uses it, and a wrong one is told what to
change."""

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
from rigs.product_questions import Asker, asking

DAY_MS = 86_400_000
NOW_MS = int(time.time()) * 1000
RANGE = {"from": NOW_MS - 20 * DAY_MS, "to": NOW_MS}
STEPS = [{"event_type": "page_view"}, {"event_type": "feedback"}]
TEA = [{"property": "topic", "value": "tea"}]
FREQUENT = {"did": {"event_types": ["page_view"], "where": TEA, "from": "now-10d", "at_least": 2}}
HAPPY = {"metric": {"function": "mean", "property": "rating", "op": ">=", "value": 3, "event_types": ["feedback"]}}
CHOSEN = {"all": [{"any": [FREQUENT, HAPPY]}, {"not": {"did": {"event_types": ["dharma_query"], "from": "now-3d"}}}]}

MEMBERS = """
SELECT user_id FROM events WHERE tenant = $1 GROUP BY user_id HAVING (
    count(*) FILTER (
        WHERE event_type = 'page_view' AND data ->> 'topic' = 'tea' AND time >= $2::timestamptz - '10 days'::interval
    ) >= 2
    OR avg((data ->> 'rating')::float) FILTER (WHERE event_type = 'feedback') >= 3
) AND count(*) FILTER (WHERE event_type = 'dharma_query' AND time >= $2::timestamptz - '3 days'::interval) = 0
ORDER BY 1
"""
VIEWERS = """
SELECT DISTINCT user_id FROM events WHERE tenant = $1 AND event_type = 'page_view' AND time >= $2 AND time < $3 ORDER BY 1
"""


@pytest.fixture
async def asker(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Asker]:
    async with asking(own_nats, postgres_url, RANGE) as asker:
        yield asker


async def publish(asker: Asker, users: int, events: int) -> None:
    """No event lies within an hour of where a relative range begins."""
    chance = random.Random(11)
    for event_type in ("page_view", "dharma_query", "feedback"):
        made = []
        for _ in range(events):
            ms = NOW_MS - chance.randrange(20) * DAY_MS - chance.randrange(2, 22) * DAY_MS // 24
            data = {"topic": chance.choice(["tea", "cup"])} | (
                {"rating": chance.randrange(1, 6)} if event_type == "feedback" else {}
            )
            at = datetime.fromtimestamp(ms / 1000, UTC)
            made.append(event(event_type=event_type, user_id=f"user {chance.randrange(users)}", timestamp=at, data=data))
        await asker.analytics.publish(*made)
    await asker.analytics.wait_settled()


async def test_members_are_those_that_sql_finds_and_every_question_can_be_about_them(asker: Asker) -> None:
    await publish(asker, users=60, events=150)
    at = datetime.fromtimestamp(NOW_MS / 1000, UTC)
    members = [row[0] for row in await asker.rows(MEMBERS, at)]
    viewers = {row[0] for row in await asker.rows(VIEWERS, *(datetime.fromtimestamp(RANGE[end] / 1000, UTC) for end in RANGE))}
    assert 5 < len(members) < 40

    cohort = await asker.changed("/cohorts/chosen", title="Chosen", condition=CHOSEN)
    assert (cohort["kind"], cohort["condition"], cohort["title"]) == ("live", CHOSEN, "Chosen")
    status, listed = await asker.get("/cohorts/chosen/users", limit="1000")
    assert (status, sorted(listed["users"]), listed["total"]) == (200, members, len(members)), listed

    everybody = await asker.answer("/funnel", steps=STEPS)
    of_cohort = await asker.answer("/funnel", steps=STEPS, cohort="chosen")
    assert everybody["steps"][0]["users"] == len(viewers)
    assert of_cohort["steps"][0]["users"] == len(viewers & {*members})
    told_apart = await asker.answer("/funnel", steps=STEPS, breakdown="cohort:chosen")
    by_value = {group["value"]: [step["users"] for step in group["steps"]] for group in told_apart["groups"]}
    assert by_value["true"] == [step["users"] for step in of_cohort["steps"]]
    assert [sum(users) for users in zip(*by_value.values(), strict=True)] == [step["users"] for step in everybody["steps"]]
    others = [{"property": "cohort:chosen", "value": "false"}]
    without = await asker.answer("/funnel", steps=[{**step, "where": others} for step in STEPS])
    assert [step["users"] for step in without["steps"]] == by_value["false"]

    retention = {"interval": "week", "recurring": True, "start": {"event_types": ["page_view"]}}
    kept = await asker.answer("/retention", **retention, cohort="chosen")
    by_cohort = await asker.answer("/retention", **retention, breakdown="cohort:chosen")
    assert next(group["cohorts"] for group in by_cohort["groups"] if group["value"] == "true") == kept["cohorts"]

    # Other questions, and the lists of users behind numbers, by the other way of saying the same.
    for path, question in (
        ("/sessions", {"where": []}),
        ("/sessions/users", {"limit": 100}),
        ("/paths", {"start": STEPS[0]}),
        ("/paths/users", {"start": STEPS[0], "step": 0, "name": "page_view", "limit": 100}),
        ("/retention/users", retention | {"cohort_from": kept["cohorts"][1]["from"], "cell": 1, "limit": 100}),
        ("/dose-response", {"dose": STEPS[1], "outcome": {"kind": "return"}, "within_s": 86_400}),
    ):
        about = await asker.answer(path, **question, cohort="chosen")
        if "users" in about and isinstance(about["users"], list):
            of_all = await asker.answer(path, **question)
            assert [*about["users"]] == [user for user in of_all["users"] if user in members], path
        assert {**about, "as_of": 0} != {**await asker.answer(path, **question), "as_of": 0}, path

    # A static one of the same users, and one of some of them and of somebody who never was there.
    frozen = await asker.changed("/cohorts/frozen", users_of="chosen")
    assert (frozen["kind"], frozen["user_count"], sorted(frozen["users"])) == ("static", len(members), members)
    await asker.changed("/cohorts/some", users=[*members[:3], members[0], "nobody"])
    _, some = await asker.get("/cohorts/some/users")
    assert (some["total"], sorted(some["users"])) == (3, members[:3])
    _, overlap = await asker.get("/cohorts/frozen/overlap", other="some")
    assert (overlap["users"], overlap["other_users"], overlap["both"]) == (len(members), 3, 3)
    assert (await asker.answer("/funnel", steps=STEPS, cohort="frozen"))["steps"] == of_cohort["steps"]


@pytest.mark.parametrize("is_compacted", [False, True])
async def test_a_person_is_in_a_cohort_by_what_all_of_their_ids_did(asker: Asker, is_compacted: bool) -> None:
    def happened(user: str, event_type: str, hours: int, **data: Any) -> AnalyticsEvent:
        at = datetime.fromtimestamp(NOW_MS / 1000 - hours * 3600, UTC)
        return event(event_type=event_type, user_id=user, timestamp=at, data=data)

    async def users(cohort: str) -> list[str]:
        _, listed = await asker.get(f"/cohorts/{cohort}/users")
        return sorted(listed["users"])

    views = [happened(f"phone {n}", "page_view", 5) for n in range(5)]
    await asker.analytics.publish(*views, *(happened(f"ada {n}", "feedback", 3) for n in range(5)))
    await asker.analytics.wait_settled()
    both = {"all": [{"did": {"event_types": ["page_view"]}}, {"did": {"event_types": ["feedback"]}}]}
    await asker.changed("/cohorts/both", condition=both)
    await asker.changed("/cohorts/phones", users=["phone 1", "phone 2", "phone 4"])
    if is_compacted:
        await compacted(asker.analytics)
    assert (await users("both"), await users("phones")) == ([], ["phone 1", "phone 2", "phone 4"])

    await asker.analytics.publish(*(happened(f"ada {n}", "identify", 2, anonymous_id=f"phone {n}") for n in range(3)))
    await asker.analytics.wait_settled()
    for _ in range(2):
        assert (await users("both"), await users("phones")) == (["ada 0", "ada 1", "ada 2"], ["ada 1", "ada 2", "phone 4"])
        answer = await asker.answer("/funnel", steps=STEPS, cohort="phones")
        assert [step["users"] for step in answer["steps"]] == [3, 2]
        told_apart = await asker.answer("/funnel", steps=STEPS, breakdown="cohort:both")
        by_value = {group["value"]: [step["users"] for step in group["steps"]] for group in told_apart["groups"]}
        assert by_value == {"true": [3, 3], "false": [2, 0]}
        await compacted(asker.analytics)

    undone = {"kind": "identify", "from_id": "phone 1", "to_id": "ada 1"}
    assert (await asker.change("/people/undo", **undone))[0] == 200
    for _ in range(2):
        assert (await users("both"), await users("phones")) == (["ada 0", "ada 2"], ["ada 2", "phone 1", "phone 4"])
        await compacted(asker.analytics)


async def test_a_cohort_is_changed_by_its_revision_and_counts_at_once(asker: Asker) -> None:
    empty = await asker.changed("/cohorts/empty", users=["user 1"])
    for path, parameters in (("/cohorts/empty/users", {}), ("/cohorts/empty/overlap", {"other": "empty"})):
        status, answer = await asker.get(path, **parameters)
        assert (status, answer.get("field")) == (422, None), answer
    await asker.changed("/cohorts/empty/delete", revision=empty["revision"])

    await publish(asker, users=5, events=20)
    viewed, asked = ({"did": {"event_types": [name]}} for name in ("page_view", "dharma_query"))
    first = await asker.changed("/cohorts/some", condition=viewed)
    await asker.refused_change("/cohorts/some", 409, "revision", condition=asked)
    second = await asker.changed("/cohorts/some", condition=asked, revision=first["revision"])
    assert second["revision"] > first["revision"]
    assert (await asker.get("/cohorts/some"))[1]["condition"] == asked
    await asker.changed("/cohorts/other", users=["user 1"])
    _, listed = await asker.get("/cohorts")
    assert [(one["name"], one.get("user_count"), "users" in one) for one in listed["cohorts"]] == [
        ("other", 1, False),
        ("some", None, False),
    ]
    await asker.refused_change("/cohorts/some/delete", 409, "revision", revision=first["revision"])
    await asker.changed("/cohorts/some/delete", revision=second["revision"])
    assert (await asker.get("/cohorts/some"))[0] == 404
    await asker.refused("/funnel", 404, "cohort", steps=STEPS, cohort="some")


async def test_what_is_asked_wrongly_is_told_what_to_change(asker: Asker) -> None:
    await publish(asker, users=3, events=10)
    await asker.changed("/cohorts/tea_drinkers", condition=FREQUENT)

    unknown = await asker.refused("/funnel", 404, "cohort", steps=STEPS, cohort="tea_drinker")
    assert unknown["nearest"] == ["tea_drinkers"]
    await asker.refused("/funnel", 404, "cohort", steps=STEPS, cohort="'; DROP TABLE events")
    await asker.refused("/funnel", 404, "breakdown", steps=STEPS, breakdown="cohort:tea_drinker")
    field = "steps.1.where.0.property"
    await asker.refused(
        "/funnel", 404, field, steps=[STEPS[0], STEPS[1] | {"where": [{"property": "cohort:", "op": "exists"}]}]
    )
    for place in range(9):
        await asker.changed(f"/cohorts/c{place}", users=["user 1"])
    many = [STEPS[0] | {"where": [{"property": f"cohort:c{place}", "value": "true"} for place in range(9)]}, STEPS[1]]
    status, answer = await asker.post("/funnel", steps=many)
    assert (status, answer["field"][:14]) == (422, "steps.0.where.")
    for path in ("/cohorts/tea_drinker", "/cohorts/tea_drinker/users"):
        status, answer = await asker.get(path)
        assert (status, answer["field"], answer["nearest"]) == (404, "name", ["tea_drinkers"])
    status, answer = await asker.get("/cohorts/tea_drinkers/overlap", other="tea")
    assert (status, answer["field"]) == (404, "other")

    async def refused(code: int, field: str, **document: Any) -> None:
        await asker.refused_change("/cohorts/wrong", code, field, **document)

    did, metric = FREQUENT["did"], HAPPY["metric"]
    await refused(422, "condition")
    await refused(422, "condition", condition=FREQUENT, users=["user 1"])
    await refused(422, "condition", condition={})
    await refused(422, "condition", condition=FREQUENT | HAPPY)
    await refused(422, "condition.all.0", condition={"all": [{}]})
    await refused(422, "condition.did.sequence", condition={"did": did | {"sequence": 1}})
    await refused(422, "condition.not.did.at_most", condition={"not": {"did": did | {"at_most": 1}}})
    await refused(422, "condition.did.at_least", condition={"did": {"at_least": 0}})
    await refused(422, "condition.did.from", condition={"did": did | {"from": "yesterday"}})
    await refused(422, "condition.did.from", condition={"did": did | {"from": "now", "to": "now-1d"}})
    await refused(404, "condition.any.0.did.event_types.0", condition={"any": [{"did": {"event_types": ["page_vew"]}}]})
    await refused(404, "condition.did.where.0.property", condition={"did": {"where": [{"property": "topics", "value": "x"}]}})
    within = {"did": {"where": [{"property": "cohort:tea_drinkers", "value": "true"}]}}
    await refused(422, "condition.did.where.0.property", condition=within)
    await refused(404, "condition.metric.property", condition={"metric": metric | {"property": "ratings"}})
    await refused(422, "condition.metric.function", condition={"metric": metric | {"function": "median"}})
    await refused(422, "condition.all", condition={"all": [FREQUENT] * 21})
    await refused(422, "condition", condition={"all": [{"all": [FREQUENT] * 11}, {"any": [FREQUENT] * 10}]})
    deep: dict[str, Any] = FREQUENT
    for _ in range(6):
        deep = {"not": deep}
    await refused(422, "condition.not.not.not.not.not.not", condition=deep)
    await refused(422, "users", users=[])
    await refused(422, "users.0", users=["x" * 257])
    await refused(404, "users_of", users_of="nobody")
    await asker.refused_change("/cohorts/Wrong", 422, "name", condition=FREQUENT)
