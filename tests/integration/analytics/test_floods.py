"""What one tenant floods analytics with costs only that tenant: bounded, exact in sum, and counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from benchmarks import explorer_floods
from drishti.bus.connection import Bus
from drishti.errors import BusRefused
from drishti.events import Aggregate, QueryAnswer, encode
from drishti.messages import subjects
from drishti_local.servers import NatsServer
from rigs.analytics import Rig, event, now_ms, request, rig, status_of
from rigs.waiting import wait_until


@pytest.fixture
async def flood(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Rig]:
    async with rig(own_nats, postgres_url) as found:
        yield found


@pytest.fixture
async def calm(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Rig]:
    async with rig(own_nats, postgres_url) as found:
        yield found


async def statistics(port: int) -> dict[str, Any]:
    _, found = await status_of(port, "/statistics", 200) or (0, {})
    return found


def by_type(aggregate: Aggregate) -> dict[str, int]:
    return {series.labels["event_type"]: series.count for series in aggregate.series if "event_type" in series.labels}


async def test_new_names_without_end_are_published_as_other_and_every_sum_is_exact(flood: Rig, calm: Rig) -> None:
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=30)
    count = 3_000
    async with (
        flood.running(max_series=400, published_series=50) as port,
        flood.aggregates(metric="events") as seen,
        calm.aggregates(metric="events") as others,
    ):
        kinds = [event(event_type=f"kind{n:04d}".ljust(64, "x"), timestamp=at + timedelta(seconds=n % 3)) for n in range(count)]
        await asyncio.gather(*(flood.admin.publish(f"events.v1.{flood.tenant}.{k.event_type}", encode(k)) for k in kinds))
        await calm.publish(event("calm", timestamp=at))

        def final() -> dict[int, Aggregate]:
            """The last revision of each window."""
            return {a.window_start: a for a, _ in seen if a.final and a.series[0].count}

        await wait_until(
            lambda: sum(a.series[0].count for a in final().values()) == count, seen=lambda: [len(a.series) for a, _ in seen]
        )
        await wait_until(lambda: any(by_type(a) == {"dharma_query": 1} for a, _ in others), seen=others)
        for aggregate in final().values():
            counts = by_type(aggregate)
            assert len(counts) <= 51
            assert sum(counts.values()) == aggregate.series[0].count
            assert counts["other"] > 0
        found = await statistics(port)
        assert found["overflow_published_series"] > 0
        assert found["overflow_series"] == found["overflowed"] > 0
        assert found["active_series"] <= 60
        assert await flood.total("events", "count") == count
        assert await flood.total("events", "count", filters={"event_type": "other"}) > 0
        assert await calm.total("events", "count") == 1
        answer = await flood.ask("events", "count", group_by=["event_type"], resolution="1s")
        assert isinstance(answer, QueryAnswer) or "series" in answer.error


async def test_a_message_that_the_bus_will_never_take_holds_up_no_other_one(
    flood: Rig, calm: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = Bus.publish

    async def refusing(self: Bus, subject: str, payload: bytes, **more: Any) -> int:
        if subject.startswith(f"aggregates.v1.{flood.tenant}."):
            raise BusRefused(f"{subject}: too large", too_large=True)
        return await publish(self, subject, payload, **more)

    monkeypatch.setattr(Bus, "publish", refusing)
    async with flood.running() as port, calm.aggregates(metric="events") as seen:
        await flood.publish(event("a"), event("b"))
        await wait_until(lambda: _counted(port, "overflow_unpublishable"))
        await calm.publish(event("calm"))
        await wait_until(lambda: any(a.final and a.series[0].count == 1 for a, _ in seen), seen=seen)
        assert await flood.total("events", "count") == 2, "it is stored, and answers have it"


async def _counted(port: int, name: str) -> bool:
    return bool((await statistics(port)).get(name))


OF_ONE_EVENT = 6
"""Windows that an event changes: of two metrics, at three resolutions."""


async def test_a_flood_that_waits_delays_the_numbers_of_others_by_its_turn_only(flood: Rig, calm: Rig) -> None:
    """All waits on the bus before analytics starts; the calm tenant's message is behind it."""
    at = datetime.now(UTC) - timedelta(hours=2)
    for part in range(10):
        await flood.publish_requests(
            *(
                request(f"r{part}-{n}", route=f"/r/{part}/{n}", duration_ms=n, timestamp=at + timedelta(seconds=10 * n + part))
                for n in range(500)
            )
        )
    await calm.publish(event("calm"))
    async with flood.running(max_series=10_000) as port, calm.aggregates(metric="events") as seen:
        await wait_until(lambda: any(a.series[0].count == 1 for a, _ in seen), seen=seen)
        # The calm tenant's own minute and hour wait for their turn at nearly every look.
        while (await statistics(port))["waiting_windows"] > OF_ONE_EVENT:
            sent = now_ms()
            await calm.publish(event())
            await wait_until(lambda sent=sent: any(a.published_at >= sent for a, _ in seen), seen=lambda: len(seen))
        await flood.wait_exact(requests=5_000)
        assert (await statistics(port))["overflow_waiting_windows"] == 0


async def test_tenants_that_a_sender_makes_up_take_no_place_from_those_who_are_counted(flood: Rig, calm: Rig) -> None:
    async with flood.running():
        await calm.publish(event("before"))
        await calm.wait_exact(events=1)
    # The made-up ones are on the bus before the tenant that was counted until now sends again.
    made_up = [f"{flood.tenant}-{n}" for n in range(60)]
    await asyncio.gather(*(flood.admin.publish(f"events.v1.{name}.x", encode([event()])) for name in made_up))
    async with flood.running(max_tenants=5) as port, calm.aggregates(metric="events") as seen:
        await calm.publish(event("after"))
        await wait_until(lambda: any(a.series[0].count for a, _ in seen), seen=seen)
        await calm.wait_exact(events=2)
        await wait_until(lambda: _counted(port, "overflow_tenants"))
        found = await statistics(port)
        assert found["overflow_tenants"] >= len(made_up) - 4
        await wait_until(lambda: _refused(port, found["overflow_tenants"]))


async def _refused(port: int, count: int) -> bool:
    return int((await statistics(port))["refused"]) >= count


async def test_the_explorer_answers_about_traces_that_are_larger_than_an_answer(flood: Rig) -> None:
    """The minutes are not added up yet: what is left out is said."""
    traces = 3
    async with flood.running():
        begin = await explorer_floods.fill(flood.database_url, flood.tenant, lambda _: None, traces=traces, huge=12_000)
        answers: dict[str, Any] = {}
        for name, (query, question) in explorer_floods.questions(flood.tenant, begin, traces).items():

            async def answered(query: str = query, question: Any = question) -> Any:
                """Again where a busy machine had no time for it."""
                reply = await flood.gateway.request(subjects.query(query), encode(question), timeout_s=30)
                content = msgspec.json.decode(reply.data)
                status = (reply.headers or {})["Drishti-Status"]
                assert status == "ok" or content["code"] in ("timeout", "unavailable"), (query, content)
                return content if status == "ok" else None

            answers[name] = await wait_until(answered, name)
        (large,) = [one for one in answers["slowest"]["traces"] if one["trace_id"] == explorer_floods.trace_id(traces)]
        assert large["spans"] == 12_000
        assert len(large["services"]) == 50
        assert large["further_services"] > 1_000
        assert answers["the large trace"]["truncated"]
        assert answers["large compared"]["truncated"]
        assert answers["map"]["complete_to"] < answers["map"]["to"]
