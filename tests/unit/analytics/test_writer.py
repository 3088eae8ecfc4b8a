"""The writer: bounded, in order, and each message to its own ending whatever the store says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from analytics.errors import DatabaseAway, Unstorable
from analytics.ingest.deliveries import Delivery
from analytics.ingest.items import Item, Refusal
from analytics.ingest.signals.events import SIGNAL as EVENTS
from analytics.ingest.writer import LIGHT, LIGHT_ROWS, MAX_FAILURES, TURN_ITEMS, Writer
from analytics.overflow import Overflows
from analytics.storage.store import Batch, Recorded
from drishti.events import AnalyticsEvent, encode


@dataclass
class FakeStore:
    """Stores unless an item's key is in ``wrong``; ``gate`` holds it up."""

    wrong: dict[str, Exception] = field(default_factory=dict)
    stored: list[list[str]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    waited: int = 0
    rows_each: int = 0
    tries: int = 0

    async def record(self, batch: Batch) -> Recorded:
        self.asked.set()
        self.tries += 1
        await self.gate.wait()
        keys = [key.decode() for key in batch.keys]
        for key in keys:
            if key in self.wrong:
                raise self.wrong[key]
        self.stored.append(keys)
        return Recorded(len(keys), 0, 0, len(keys) * self.rows_each)

    async def wait_ready(self) -> None:
        self.waited += 1


@dataclass
class FakeAcknowledger:
    """Notes how each message ended."""

    ended: list[tuple[str, Any]] = field(default_factory=list)
    letters: list[Refusal] = field(default_factory=list)

    async def stored(self, msg: Any, refusals: Sequence[Refusal]) -> None:
        self.ended.append(("stored", msg))
        self.letters += refusals

    async def redeliver(self, msg: Any, delay_s: float = 0) -> None:
        self.ended.append(("again", msg))

    async def refuse(self, msg: Any, reason: str) -> None:
        self.ended.append(("refused", msg))

    async def fail(self, msg: Any, error: Exception, refusals: list[Refusal] | None = None) -> None:
        self.ended.append(("failed", msg))
        self.letters += refusals or []


class FakeMsg(str):
    """Known by its name; holds the events whose keys it was made of."""

    data = b""
    headers = None


def delivery(name: str, *keys: str) -> Delivery:
    bodies = [AnalyticsEvent(event_id=key, event_type="t") for key in keys or (name,)]
    msg = FakeMsg(name)
    msg.data = encode(bodies if len(bodies) > 1 else bodies[0])
    items = [Item(body.event_id.encode(), "t", None, 0, body, None) for body in bodies]  # type: ignore[arg-type]
    return Delivery(EVENTS, msg, items, [])  # type: ignore[arg-type]


class World:
    def __init__(self, batch_items: int = 10, **wrong: Exception) -> None:
        self.store = FakeStore(wrong)
        self.acknowledger = FakeAcknowledger()
        self.writer = Writer(self.store, self.acknowledger, Overflows(), batch_items=batch_items)  # type: ignore[arg-type]

    async def run(self, *deliveries: Delivery) -> list[tuple[str, Any]]:
        """Stores ``deliveries`` as one batch, to the end."""
        self.store.gate.set()
        await self.writer.put(list(deliveries))
        await self.writer.finish()
        await self.writer.run()
        return self.acknowledger.ended


async def test_a_batch_is_stored_at_once_and_its_messages_are_acked_afterwards() -> None:
    world = World()
    assert await world.run(delivery("a", "1", "2"), delivery("b")) == [("stored", "a"), ("stored", "b")]
    assert world.store.stored == [["1", "2", "b"]]
    assert world.writer.stored == 3


async def test_when_the_database_is_away_everything_comes_again_and_nothing_is_tried_before_it_answers() -> None:
    world = World(b=DatabaseAway("away"))
    assert await world.run(delivery("a"), delivery("b")) == [("again", "a"), ("again", "b")]
    assert world.store.waited == 1


async def test_one_message_that_cannot_be_stored_is_refused_and_the_others_are_stored() -> None:
    world = World(b=Unstorable("too deep"))
    assert await world.run(*map(delivery, "abc")) == [("stored", "a"), ("refused", "b"), ("stored", "c")]


async def test_of_a_message_only_the_items_that_cannot_be_stored_are_refused_by_their_place() -> None:
    world = World(k3=Unstorable("too deep"), k8=Unstorable("too long"))
    keys = [f"k{n}" for n in range(10)]
    assert await world.run(delivery("a"), delivery("many", *keys)) == [("stored", "a"), ("stored", "many")]
    assert sorted(key for part in world.store.stored for key in part) == sorted({"a", *keys} - {"k3", "k8"})
    assert [(letter.reason, json.loads(letter.payload or b"")["event_id"]) for letter in world.acknowledger.letters] == [
        ("item 3: too deep", "k3"),
        ("item 8: too long", "k8"),
    ]


async def test_a_message_of_bad_items_alone_is_refused_whole_after_a_bounded_number_of_tries() -> None:
    keys = [f"k{n}" for n in range(500)]
    world = World(**dict.fromkeys(keys, Unstorable("bad")))
    assert await world.run(delivery("many", *keys)) == [("refused", "many")]
    assert world.store.tries < MAX_FAILURES + 10


async def test_of_a_message_in_which_one_item_shows_a_bug_the_others_are_stored_and_it_comes_again() -> None:
    world = World(k3=ValueError("bug"))
    keys = [f"k{n}" for n in range(10)]
    assert await world.run(delivery("many", *keys)) == [("failed", "many")]
    assert sorted(key for part in world.store.stored for key in part) == sorted({*keys} - {"k3"})
    assert [letter.reason for letter in world.acknowledger.letters] == ["item 3: bug"]


async def test_when_the_database_goes_while_bad_items_are_searched_for_the_message_comes_again() -> None:
    world = World(k3=Unstorable("bad"), k7=DatabaseAway("away"))
    assert await world.run(delivery("many", *(f"k{n}" for n in range(8))), delivery("b")) == [
        ("again", "many"),
        ("again", "b"),
    ]
    assert world.acknowledger.letters == []


async def test_one_message_that_shows_a_bug_is_failed_and_the_others_are_stored() -> None:
    world = World(b=ValueError("bug"))
    assert await world.run(*map(delivery, "abc")) == [("stored", "a"), ("failed", "b"), ("stored", "c")]


async def test_when_the_database_goes_while_messages_are_tried_one_by_one_the_rest_comes_again() -> None:
    world = World(b=Unstorable("bad"), c=DatabaseAway("away"))
    assert await world.run(*map(delivery, "abcd")) == [("stored", "a"), ("refused", "b"), ("again", "c"), ("again", "d")]


async def test_who_puts_waits_while_a_full_batch_is_waiting() -> None:
    world = World(batch_items=2)
    running = asyncio.create_task(world.writer.run())
    await world.writer.put([delivery("a", "1", "2")])
    await world.store.asked.wait()
    await world.writer.put([delivery("b", "3", "4")])
    third = asyncio.create_task(world.writer.put([delivery("c")]))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not third.done()
    world.store.gate.set()
    await third
    await world.writer.finish()
    await running
    assert world.store.stored == [["1", "2"], ["3", "4"], ["c"]]


async def test_a_batch_is_taken_from_the_tenants_in_turn() -> None:
    world = World(batch_items=2 * TURN_ITEMS + 1)
    for number in range(4):
        await world.writer.put([delivery(f"flood{number}", *(f"{number}-{n}" for n in range(TURN_ITEMS // 2)))])
    items = [Item(b"calm", "calm", None, 0, AnalyticsEvent(event_id="calm", event_type="t"), None)]  # type: ignore[arg-type]
    await world.writer.put([Delivery(EVENTS, "calm", items, [])])  # type: ignore[arg-type]
    assert world.writer.waiting == 2 * TURN_ITEMS + 1
    world.store.gate.set()
    await world.writer.finish()
    await world.writer.run()
    assert [msg for _, msg in world.acknowledger.ended] == ["flood0", "flood1", "calm", "flood2", "flood3"]


async def test_items_that_change_many_rows_come_in_smaller_batches_until_they_do_no_more() -> None:
    world = World(batch_items=10_000)
    world.store.rows_each = 20
    world.store.gate.set()

    async def store(count: int) -> list[int]:
        """The batches in which so many messages of 500 items are stored."""
        before = len(world.store.stored)
        for message in range(count):
            await world.writer.put([delivery("m", *(f"{message}-{n}" for n in range(500)))])
        await world.writer.finish()
        await world.writer.run()
        return [len(keys) for keys in world.store.stored[before:]]

    assert await store(20) == [10_000]
    assert await store(3) == [500, 500, 500], "10,000 rows of rollups each"
    world.store.rows_each = 0
    assert await store(20) == [500, 1_000, 2_000, 4_000, 2_500]


async def test_items_that_change_few_rows_each_are_stored_many_at_once() -> None:
    world = World(batch_items=50_000)
    world.store.rows_each = LIGHT
    world.store.gate.set()
    await world.writer.finish()
    for count in (100, 41):
        for message in range(count):
            await world.writer.put([delivery("m", *(f"{count}-{message}-{n}" for n in range(500)))])
        await world.writer.run()
    assert [len(keys) for keys in world.store.stored] == [50_000, LIGHT_ROWS // LIGHT, LIGHT_ROWS // LIGHT, 500]


async def test_an_abandoned_writer_gives_back_what_waits_and_what_still_comes() -> None:
    world = World(batch_items=1)
    await world.writer.put([delivery("a")])
    blocked = asyncio.create_task(world.writer.put([delivery("b")]))
    await asyncio.sleep(0)
    await world.writer.abandon()
    await blocked
    await world.writer.put([delivery("c")])
    assert world.acknowledger.ended == [("again", "a"), ("again", "b"), ("again", "c")]
