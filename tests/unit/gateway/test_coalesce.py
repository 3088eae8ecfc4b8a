"""Group commit: every event once, every caller told the fate of its own event, nothing waits for a timer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from drishti.errors import BusUnavailable
from gateway.ingest.coalesce import MAX_EVENTS, Coalescer
from gateway.ingest.parsing import EVENT_BYTES, MESSAGE_BYTES, Message


def message(event_id: str, event_type: str = "x", size: int = 0) -> Message:
    payload = json.dumps({"event_id": event_id, "event_type": event_type, "data": {"t": "t" * size}}).encode()
    return Message(event_type, payload, (event_id,), (None,))


class Bus:
    """Takes messages when it is let, or fails."""

    def __init__(self) -> None:
        self.stored: list[tuple[str, Message]] = []
        self.open = asyncio.Event()
        self.failing = False
        self.in_flight = 0

    async def publish(self, tenant: str, sent: Message) -> None:
        self.in_flight += 1
        await self.open.wait()
        self.in_flight -= 1
        if self.failing:
            raise BusUnavailable("no ack")
        self.stored.append((tenant, sent))


def ids(bus: Bus) -> list[list[str]]:
    return [list(sent.ids) for _, sent in bus.stored]


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_events_that_arrive_while_one_is_on_its_way_become_one_message() -> None:
    bus = Bus()
    coalescer = Coalescer(bus.publish)
    first = asyncio.create_task(coalescer.store("acme", message("0")))
    await turns()
    assert bus.in_flight == 1, "an idle lane sends at once"
    others = [asyncio.create_task(coalescer.store("acme", message(str(i)))) for i in range(1, 20)]
    await turns()
    assert not first.done()
    assert bus.in_flight == 1
    bus.open.set()
    await asyncio.gather(first, *others)
    assert ids(bus) == [["0"], [str(i) for i in range(1, 20)]]
    assert [e["event_id"] for e in json.loads(bus.stored[1][1].payload)] == [str(i) for i in range(1, 20)]


async def test_tenants_and_types_never_share_a_message() -> None:
    bus = Bus()
    bus.open.set()
    coalescer = Coalescer(bus.publish)
    sent = [(t, message(f"{t}{k}{i}", k)) for t in ("a", "b") for k in ("x", "y") for i in range(10)]
    await asyncio.gather(*(coalescer.store(tenant, m) for tenant, m in sent))
    for tenant, stored in bus.stored:
        assert all(i.startswith(tenant + stored.event_type) for i in stored.ids)
    assert sum(len(m.ids) for _, m in bus.stored) == 40


async def test_no_message_is_larger_than_promised() -> None:
    bus = Bus()
    coalescer = Coalescer(bus.publish)
    sizes = [EVENT_BYTES - 100] * 5 + [10] * (MAX_EVENTS + 50)
    tasks = [asyncio.create_task(coalescer.store("a", message(str(i), size=s))) for i, s in enumerate(sizes)]
    bus.open.set()
    await asyncio.gather(*tasks)
    assert max(len(m.payload) for _, m in bus.stored) <= MESSAGE_BYTES
    assert max(len(m.ids) for _, m in bus.stored) <= MAX_EVENTS
    assert [i for part in ids(bus) for i in part] == [str(i) for i in range(len(sizes))]


async def test_failure_is_told_to_all_who_wait_and_the_lane_lives_on() -> None:
    bus = Bus()
    bus.failing = True
    coalescer = Coalescer(bus.publish)
    first = asyncio.create_task(coalescer.store("a", message("0")))
    await turns()
    queued = [asyncio.create_task(coalescer.store("a", message(str(i)))) for i in range(1, 5)]
    await turns()
    bus.open.set()
    results: list[Any] = await asyncio.gather(first, *queued, return_exceptions=True)
    assert [type(r) for r in results] == [BusUnavailable] * 5
    bus.failing = False
    await coalescer.store("a", message("9"))
    assert ids(bus) == [["9"]]


async def test_caller_that_left_does_not_take_its_event_back() -> None:
    bus = Bus()
    coalescer = Coalescer(bus.publish)
    tasks = [asyncio.create_task(coalescer.store("a", message(str(i)))) for i in range(3)]
    await turns()
    tasks[1].cancel()
    await turns()
    bus.open.set()
    await asyncio.gather(tasks[0], tasks[2])
    assert sorted(i for part in ids(bus) for i in part) == ["0", "1", "2"]


async def test_wait_empty_returns_when_all_is_stored() -> None:
    bus = Bus()
    coalescer = Coalescer(bus.publish)
    await coalescer.wait_empty()
    task = asyncio.create_task(coalescer.store("a", message("0")))
    await turns()
    emptied = asyncio.create_task(coalescer.wait_empty())
    await turns()
    assert not emptied.done()
    bus.open.set()
    await emptied
    await task


@pytest.mark.parametrize("wave", [1, 7, 300])
async def test_every_event_is_in_exactly_one_message(wave: int) -> None:
    bus = Bus()
    bus.open.set()
    coalescer = Coalescer(bus.publish)
    tasks = []
    for i in range(1000):
        tasks.append(asyncio.create_task(coalescer.store("a", message(str(i)))))
        if i % wave == 0:
            await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert [i for part in ids(bus) for i in part] == [str(i) for i in range(1000)]
    assert coalescer.events == 1000
