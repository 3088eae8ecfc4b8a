"""Another chance for what was refused: on a real bus, before the real analytics."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from analytics_rig import Rig, event, now_ms, rig
from drishti import dead, subjects
from drishti.dead import Dead
from drishti.events import DeadLetter, encode
from drishti_local.servers import NatsServer


@pytest.fixture
async def world(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Rig]:
    async with rig(own_nats, postgres_url) as found:
        yield found


async def waiting(world: Rig) -> list[Dead]:
    """The letters on DEAD once analytics has nothing more to do."""
    await world.wait_settled()
    return [entry async for entry in dead.letters(world.admin.js)]


async def test_what_is_still_poison_comes_back_as_a_new_letter_and_does_not_loop(world: Rig) -> None:
    subject = subjects.events(world.tenant, "feedback")
    poison = b'{"event_id": 7, "event_type": "feedback"}'
    async with world.running():
        await world.admin.publish(subject, poison, msg_id="first", headers={"x-trail": "kept"})
        (first,) = await waiting(world)
        assert await dead.replay(world.admin, first) == (first, "")
        (second,) = await waiting(world)
        await world.publish(event("good", "feedback"))
        await world.wait_exact(events=1)
        assert await waiting(world) == [second]
    assert second.number > first.number
    assert second.letter.sequence > first.letter.sequence
    assert (second.letter.payload, second.letter.reason) == (poison, first.letter.reason)
    assert (second.letter.subject, second.letter.headers["x-trail"]) == (subject, "kept")


async def test_what_is_no_poison_any_more_counts_once_however_often_it_is_replayed(world: Rig) -> None:
    """As after an update of analytics; the second replay is that of a command that was ended before it took the letter away."""
    subject = subjects.events(world.tenant, "feedback")
    letter = DeadLetter(
        subject=subject,
        stream="EVENTS",
        sequence=1,
        reason="data: unknown to that version",
        refused_by="analytics",
        at=now_ms(),
        payload=encode([event("a", "feedback"), event("b", "feedback")]),
        headers={"Nats-Msg-Id": "batch-1"},
    )
    async with world.running():
        await world.admin.publish(subjects.dead(subject), encode(letter))
        (entry,) = await waiting(world)
        await dead.replay(world.admin, entry)
        await world.wait_exact(events=2)
        assert await waiting(world) == []

        await world.admin.publish(subjects.dead(subject), encode(letter))
        (again,) = await waiting(world)
        await dead.replay(world.admin, again)
        await world.wait_exact(events=2)
        assert await world.total("events", "count") == 2
    assert (await world.admin.js.stream_info("EVENTS")).state.messages == 2
