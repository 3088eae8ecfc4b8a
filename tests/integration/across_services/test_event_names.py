"""What questions about users can name, and the users there are, by HTTP: of what is in segments and of what is not yet."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from drishti_local.servers import NatsServer
from rigs.product_questions import Asker, asking, happened
from rigs.waiting import wait_until

NOW_MS = int(time.time()) * 1000
DAY_MS = 86_400_000


@pytest.fixture
async def asker(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Asker]:
    async with asking(own_nats, postgres_url, {}) as asker:
        yield asker


async def users(asker: Asker, **parameters: str) -> list[str]:
    status, answer = await asker.get("/users", **parameters)
    assert status == 200, answer
    return [user["user_id"] for user in answer["users"]]


async def test_names_and_users_are_listed_whether_they_are_compacted_or_not(asker: Asker) -> None:
    assert await users(asker) == []
    status, names = await asker.get("/event-names")
    assert (status, names["event_types"], names["properties"]) == (200, [], ["event_type", "service", "version"])

    old = NOW_MS - 3 * DAY_MS
    for user in ("ann", "bob", "a%", "a_c", "änn"):
        await asker.analytics.publish(happened(user, "page_view", old, page="/tea", service="in data", **{"data.x": 1}))
    await asker.analytics.wait_settled()
    await wait_until(lambda: asker.analytics.fetchval("SELECT count(*) FROM user_ids"), equals=5)
    await asker.analytics.publish(happened("bob", "feedback", NOW_MS, rating=5), happened("anna", "feedback", NOW_MS, rating=5))
    await asker.analytics.wait_settled()

    status, names = await asker.get("/event-names")
    assert names["event_types"] == ["feedback", "page_view"]
    assert names["properties"] == ["data.data.x", "data.service", "event_type", "page", "rating", "service", "version"]

    assert await users(asker) == ["anna", "bob", "a%", "a_c", "ann", "änn"]
    assert await users(asker, prefix="a") == ["a%", "a_c", "ann", "anna"]
    assert await users(asker, prefix="a", limit="3") == ["a%", "a_c", "ann"]
    assert await users(asker, prefix="a%") == ["a%"]
    assert await users(asker, prefix="a_") == ["a_c"]
    assert await users(asker, prefix="bob") == ["bob"]
    assert await users(asker, prefix="z") == []
    _, some = await asker.get("/users", limit="2")
    assert some["more"] is True
    days = {user["user_id"]: user["last_day"] for user in (await asker.get("/users"))[1]["users"]}
    assert (days["bob"], days["ann"]) == tuple(
        datetime.fromtimestamp(ms / 1000, UTC).date().isoformat() for ms in (NOW_MS, old)
    )

    for parameters in ({"limit": "0"}, {"limit": "201"}, {"prefix": "x" * 257}, {"prefix": "a\0b"}, {"begins": "a"}):
        status, answer = await asker.get("/users", **parameters)
        assert (status, answer["field"]) == (422, next(iter(parameters))), answer


async def test_a_list_of_users_has_each_person_once_and_says_which_id_was_found(asker: Asker) -> None:
    old = NOW_MS - 2 * DAY_MS
    devices = [f"device {n:02}" for n in range(30)]
    await asker.analytics.publish(
        *(happened(device, "page_view", NOW_MS) for device in devices),
        happened("bob", "page_view", old),
        happened("dan", "page_view", old),
    )
    await asker.analytics.wait_settled()
    assert len(await users(asker, prefix="device")) == 30
    known = [happened("zoe", "identify", NOW_MS + n, anonymous_id=device) for n, device in enumerate(devices[1:])]
    await asker.analytics.publish(*known)
    await asker.analytics.wait_settled()

    async def check() -> None:
        assert await users(asker) == ["device 00", "zoe", "bob", "dan"]
        assert await users(asker, limit="3") == ["device 00", "zoe", "bob"]
        _, found = await asker.get("/users", prefix="device", limit="5")
        shown = [(user["user_id"], user.get("matched")) for user in found["users"]]
        assert (shown, found.get("more", False)) == ([("device 00", None), ("zoe", "device 01")], False)
        _, found = await asker.get("/users", prefix="d", limit="2")
        assert ([user["user_id"] for user in found["users"]], found["more"]) == (["dan", "device 00"], True)

    await check()
    pending = "SELECT count(*) FROM person_edges WHERE pending"
    await wait_until(lambda: asker.analytics.fetchval(pending), equals=0)
    await check()
