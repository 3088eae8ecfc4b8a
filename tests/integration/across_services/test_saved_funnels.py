"""Saved funnels by HTTP and WebSocket: their results come by themselves, and are those of the question, whatever is stored by
whichever replica."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from analytics.publish.shares import PARTITIONS
from drishti.messages import subjects
from drishti.messages.catalogue import FUNNEL_RESULTS_BUCKET, bucket_stream
from drishti.messages.frames import Frame
from drishti.messages.product.saved_funnels import FunnelResult
from drishti_local.servers import NatsServer
from rigs import dashboard_service
from rigs.analytics import Rig, event, status_of
from rigs.compacting import compacted
from rigs.product_questions import Asker, asking
from rigs.waiting import wait_until

DAY_MS = 86_400_000
STEPS = [{"event_type": "page_view"}, {"event_type": "dharma_query"}, {"event_type": "feedback"}]
FUNNEL = {"steps": STEPS, "window_s": 86_400, "breakdown": "topic", "days": 3}
TYPES = ("page_view", "dharma_query", "feedback", "identify")


@pytest.fixture
async def asker(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Asker]:
    async with asking(own_nats, postgres_url, {}) as asker:
        yield asker


async def publish(analytics: Rig, chance: random.Random, events: int = 40) -> None:
    """Some events of the last days in any order, some of them twice; some join ids."""
    now_ms = int(time.time() * 1000)
    for event_type in TYPES:
        made = []
        for _ in range(events if event_type != "identify" else 2):
            at = datetime.fromtimestamp((now_ms - chance.randrange(2 * DAY_MS)) / 1000, UTC)
            data = {"topic": chance.choice(["tea", "cup"])}
            if event_type == "identify":
                data = {"anonymous_id": f"phone {chance.randrange(20)}"}
            user = f"{chance.choice(['user', 'phone'] if event_type != 'identify' else ['user'])} {chance.randrange(20)}"
            made.append(event(event_type=event_type, user_id=user, timestamp=at, data=data))
        await analytics.publish(*made, *chance.sample(made, len(made) // 4))


async def result(asker: Asker, name: str = "tea") -> dict[str, Any]:
    """The newest, without when it was counted; empty where there is none."""
    status, found = await asker.get(f"/saved-funnels/{name}")
    assert status == 200, found
    newest = found.get("result", {})
    return {key: value for key, value in newest.get("answer", {}).items() if key != "as_of"} or newest


async def asked(asker: Asker, funnel: dict[str, Any] = FUNNEL) -> dict[str, Any]:
    """What the question says of the same days."""
    tomorrow = (int(time.time() * 1000) // DAY_MS + 1) * DAY_MS
    question = {key: value for key, value in funnel.items() if key != "days"}
    answer = await asker.answer("/funnel", **question, **{"from": tomorrow - funnel["days"] * DAY_MS, "to": tomorrow})
    return {key: value for key, value in answer.items() if key != "as_of"}


async def is_current(asker: Asker, funnel: dict[str, Any] = FUNNEL, name: str = "tea") -> bool:
    return await result(asker, name) == await asked(asker, funnel)


async def test_results_are_those_of_the_question_after_whatever_is_stored(asker: Asker) -> None:
    chance = random.Random(5)
    await publish(asker.analytics, chance)
    await asker.analytics.wait_settled()
    other = {**FUNNEL, "order": "any", "unit": "session", "breakdown": "", "days": 1}
    await asker.changed("/saved-funnels/tea", title="Tea", funnel=FUNNEL)
    await asker.changed("/saved-funnels/any", funnel=other)
    before = {}
    for turn in range(4):
        await wait_until(lambda: is_current(asker))
        await wait_until(lambda: is_current(asker, other, "any"))
        assert await result(asker) != before
        before = await result(asker)
        await publish(asker.analytics, chance)
        await asker.analytics.wait_settled()
        if turn % 2:
            await compacted(asker.analytics)
    assert before["steps"][0]["users"] > before["steps"][2]["users"] > 0


async def test_a_saved_funnel_is_changed_by_its_revision_and_is_forgotten_when_deleted(asker: Asker) -> None:
    await publish(asker.analytics, random.Random(1))
    await asker.analytics.wait_settled()
    first = await asker.changed("/saved-funnels/tea", title="Tea", description="To feedback", funnel=FUNNEL)
    assert (first["title"], first["description"], first["funnel"]) == ("Tea", "To feedback", FUNNEL)
    await asker.refused_change("/saved-funnels/tea", 409, "revision", funnel=FUNNEL)
    shorter = FUNNEL | {"steps": STEPS[:2]}
    second = await asker.changed("/saved-funnels/tea", funnel=shorter, revision=first["revision"])
    await wait_until(lambda: is_current(asker, shorter))
    _, listed = await asker.get("/saved-funnels")
    assert [(one["name"], one["funnel"], "result" in one) for one in listed["funnels"]] == [("tea", shorter, False)]
    await asker.refused_change("/saved-funnels/tea/delete", 409, "revision", revision=first["revision"])
    await asker.changed("/saved-funnels/tea/delete", revision=second["revision"])
    status, answer = await asker.get("/saved-funnels/tea")
    assert (status, answer["field"]) == (404, "name")


async def test_what_is_saved_wrongly_is_told_what_to_change(asker: Asker) -> None:
    await publish(asker.analytics, random.Random(1))
    await asker.analytics.wait_settled()

    async def refused(code: int, field: str, **funnel: Any) -> None:
        await asker.refused_change("/saved-funnels/wrong", code, field, funnel=FUNNEL | funnel)

    await refused(422, "funnel.steps", steps=STEPS[:1])
    await refused(404, "funnel.steps.1.event_type", steps=[STEPS[0], {"event_type": "feedbak"}])
    await refused(404, "funnel.breakdown", breakdown="topics")
    await refused(422, "funnel.window_s", window_s=0)
    await refused(422, "funnel.days", days=0)
    await refused(422, "funnel.account", unit="account")
    await asker.refused_change("/saved-funnels/wrong", 422, "funnel")
    for place in range(50):
        await asker.changed(f"/saved-funnels/f{place}", funnel=FUNNEL)
    await asker.refused_change("/saved-funnels/wrong", 422, "name", funnel=FUNNEL)


async def test_of_a_funnel_that_cannot_be_counted_the_result_says_why(asker: Asker) -> None:
    await publish(asker.analytics, random.Random(1))
    await asker.analytics.wait_settled()
    cohort = await asker.changed("/cohorts/some", users=["user 1"])
    await asker.changed("/saved-funnels/tea", funnel=FUNNEL | {"cohort": "some"})
    await wait_until(lambda: is_current(asker, FUNNEL | {"cohort": "some"}))
    await asker.changed("/cohorts/some/delete", revision=cohort["revision"])
    await publish(asker.analytics, random.Random(2))

    async def failed() -> bool:
        return "there is no cohort of that name" in (await result(asker)).get("error", "")

    await wait_until(failed)


@contextlib.asynccontextmanager
async def results_published(analytics: Rig) -> AsyncIterator[list[FunnelResult]]:
    """Every result of the tenant that comes to the bus from now on."""
    seen: list[FunnelResult] = []

    async def take(msg: Any) -> None:
        seen.append(msgspec.json.decode(msg.data, type=FunnelResult))

    subject = subjects.bucket_entry(FUNNEL_RESULTS_BUCKET, f"{analytics.tenant}.>")
    stop, ready = asyncio.Event(), asyncio.Event()
    reading = asyncio.create_task(
        analytics.admin.replay(
            bucket_stream(FUNNEL_RESULTS_BUCKET),
            subjects=[subject],
            start=datetime.now(UTC),
            handler=take,
            stop=stop,
            ready=ready,
        )
    )
    await ready.wait()
    try:
        yield seen
    finally:
        stop.set()
        await reading


async def test_of_several_replicas_one_counts_a_funnel_and_another_goes_on_when_it_is_killed(asker: Asker) -> None:
    analytics, chance = asker.analytics, random.Random(3)
    await analytics.redeliver_after(1)
    await publish(analytics, chance)
    await analytics.wait_settled()
    for name in "abcdef":
        await asker.changed(f"/saved-funnels/{name}", funnel=FUNNEL)

    async def shares(*ports: int) -> bool:
        known = [(await status_of(port, "/statistics") or (0, {}))[1].get("partitions", 0) for port in ports]
        return all(known) and sum(known) < PARTITIONS

    async def all_current() -> bool:
        return all([await is_current(asker, name=name) for name in "abcdef"])

    async with results_published(analytics) as seen, analytics.running() as one, analytics.process() as killed:
        await wait_until(lambda: shares(one))
        for _ in range(3):
            await publish(analytics, chance)
            await analytics.wait_settled()
            await wait_until(all_current)
        killed.kill()
        await killed.wait()
        await publish(analytics, chance)
        await analytics.wait_settled()
        await wait_until(all_current)
        for name in "abcdef":
            of_one = [found for found in seen if found.name == name]
            assert [found.as_of for found in of_one] == sorted({found.as_of for found in of_one}), "each is newer than the last"


async def test_a_panel_of_a_saved_funnel_moves_when_events_come(asker: Asker, own_nats: NatsServer) -> None:
    analytics = asker.analytics
    await publish(analytics, random.Random(4))
    await analytics.wait_settled()
    await asker.changed("/saved-funnels/tea", funnel=FUNNEL)
    await wait_until(lambda: is_current(asker))
    panel = {"kind": "funnel", "title": "Tea", "steps": STEPS, "saved": "tea"}
    document = {"name": "funnels", "title": "Funnels", "panels": [panel]}
    async with dashboard_service.running(own_nats.settings("dashboard-stream")) as dashboard:
        await dashboard_service.wait_ready(dashboard)
        path = "/api/dashboard/dashboards/funnels"
        status, _, body = await dashboard.ask("PUT", path, document, X_Drishti_Tenant=analytics.tenant)
        assert status in (200, 201), body

        def users(frame: Frame) -> int | None:
            shown = frame.data.funnels.get("tea")
            return None if shown is None or shown.answer is None else shown.answer.steps[0].users

        async with dashboard.connect("funnels", analytics.tenant) as socket:
            first = await dashboard_service.frame_with(socket, lambda frame: users(frame) is not None)
            there = users(first)
            assert first.type == "snapshot"
            for n in range(3):
                await analytics.publish(event(event_type="page_view", user_id=f"new {n}", data={"topic": "tea"}))
                more = (there or 0) + n + 1
                await dashboard_service.frame_with(socket, lambda frame, more=more: users(frame) == more)
