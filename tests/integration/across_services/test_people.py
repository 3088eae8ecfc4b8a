"""People by HTTP: who logs in is one person from the first visit on, and whoever was joined by mistake can be parted again."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from drishti_local.servers import NatsServer
from rigs.compacting import compacted
from rigs.product_questions import Asker, asking, happened

NOW_MS = int(time.time()) * 1000
HOUR_MS = 3_600_000
RANGE = {"from": NOW_MS - 24 * HOUR_MS, "to": NOW_MS + 1}
FUNNEL = {"steps": [{"event_type": "page_view"}, {"event_type": "feedback"}]}
MERGE = {"kind": "identify", "from_id": "device", "to_id": "ada"}


@pytest.fixture
async def asker(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Asker]:
    async with asking(own_nats, postgres_url, RANGE) as asker:
        yield asker


async def converts(asker: Asker) -> list[int]:
    return [step["users"] for step in (await asker.answer("/funnel", **FUNNEL))["steps"]]


async def states(asker: Asker, user: str = "ada") -> dict[tuple[str, str], str]:
    status, answer = await asker.get("/people/merges", user_id=user)
    assert status == 200, answer
    return {(merge["from_id"], merge["to_id"]): merge["state"] for merge in answer["merges"]}


@pytest.mark.parametrize("when", ["before", "after", "between"])
async def test_a_funnel_converts_across_an_identify_until_that_is_undone_and_said_again(asker: Asker, when: str) -> None:
    async def may_compact(*stages: str) -> None:
        if when in stages:
            await compacted(asker.analytics)

    await asker.analytics.publish(
        happened("device", "page_view", NOW_MS - 3 * HOUR_MS), happened("ada", "feedback", NOW_MS - HOUR_MS)
    )
    await asker.analytics.wait_settled()
    await may_compact("after", "between")
    assert await converts(asker) == [1, 0]
    await asker.analytics.publish(happened("ada", "identify", NOW_MS - 2 * HOUR_MS, anonymous_id="device"))
    await asker.analytics.wait_settled()
    await may_compact("after")
    assert await converts(asker) == [1, 1]
    assert await states(asker) == {("device", "ada"): "joined"}

    status, undone = await asker.change("/people/undo", **MERGE)
    assert (status, undone["state"]) == (200, "undone")
    assert await converts(asker) == [1, 0]
    await may_compact("after", "between")
    assert await converts(asker) == [1, 0]
    assert await asker.change("/people/undo", **MERGE) == (200, undone)
    assert await states(asker) == await states(asker, "device") == {("device", "ada"): "undone"}
    assert (await asker.get("/person", user_id="device"))[1]["ids"] == ["device"]

    late = happened("ada", "identify", undone["undone_ms"] - HOUR_MS // 2, anonymous_id="device")
    await asker.analytics.publish(late)
    await asker.analytics.wait_settled()
    assert await converts(asker) == [1, 0]
    later = happened("ada", "identify", undone["undone_ms"] + 1, anonymous_id="device")
    await asker.analytics.publish(late, later)
    await asker.analytics.wait_settled()
    await may_compact("after", "between")
    assert await converts(asker) == [1, 1]
    (merge,) = (await asker.get("/people/merges", user_id="device"))[1]["merges"]
    assert (merge["state"], merge["at_ms"]) == ("joined", undone["undone_ms"] + 1)


async def test_merges_are_listed_page_by_page_and_say_which_join_nothing(asker: Asker) -> None:
    said = [happened("ada", "identify", NOW_MS - HOUR_MS + n, anonymous_id=f"device {n}") for n in range(7)]
    await asker.analytics.publish(*said, happened("eve", "identify", NOW_MS - 1, anonymous_id="device 3"))
    await asker.analytics.publish(happened("ada", "alias", NOW_MS, previous_id="old"))
    await asker.analytics.wait_settled()
    joined = {(f"device {n}", "ada"): "joined" for n in range(7)} | {("old", "ada"): "joined"}
    assert await states(asker) == joined | {("device 3", "eve"): "ignored"}
    found: list[Any] = []
    cursor = ""
    for _ in range(3):
        _, answer = await asker.get("/people/merges", user_id="old", limit="3", **({"cursor": cursor} if cursor else {}))
        found += answer["merges"]
        cursor = answer.get("cursor", "")
    assert (cursor, len(found), answer["person_id"]) == ("", 9, "ada")
    assert [merge["from_id"] for merge in found] == sorted(merge["from_id"] for merge in found)

    status, answer = await asker.get("/people/merges", user_id="ada", cursor="no cursor")
    assert (status, answer["field"]) == (422, "cursor")
    assert (await asker.get("/people/merges", user_id="nobody"))[0] == 404
    status, answer = await asker.change("/people/undo", kind="identify", from_id="nobody", to_id="ada")
    assert (status, answer["field"]) == (404, "from_id")
    assert (await asker.change("/people/undo", kind="guess", from_id="old", to_id="ada"))[0] == 422
    status, _ = await asker.post("/people/undo", kind="alias", from_id="old", to_id="ada")
    assert status == 403
