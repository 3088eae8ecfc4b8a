"""Another chance for what was refused: on a real bus, before the real analytics."""

from __future__ import annotations

from typing import Any

import nats
import pytest

from drishti.bus import dead_letters, streams
from drishti.bus.dead_letters import Dead
from drishti.events import DeadLetter, encode
from drishti.messages import subjects
from drishti_local.servers import NatsServer
from rigs.analytics import Rig, event, now_ms


async def waiting(world: Rig) -> list[Dead]:
    """The letters on DEAD once analytics has nothing more to do."""
    await world.wait_settled()
    return [entry async for entry in dead_letters.letters(world.admin.js)]


async def test_what_is_still_poison_comes_back_as_a_new_letter_and_does_not_loop(world: Rig) -> None:
    subject = subjects.events(world.tenant, "feedback")
    poison = b'{"event_id": 7, "event_type": "feedback"}'
    async with world.running():
        await world.admin.publish(subject, poison, msg_id="first", headers={"x-trail": "kept"})
        (first,) = await waiting(world)
        assert await dead_letters.replay(world.admin, first) == (first, "")
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
        await dead_letters.replay(world.admin, entry)
        await world.wait_exact(events=2)
        assert await waiting(world) == []

        await world.admin.publish(subjects.dead(subject), encode(letter))
        (again,) = await waiting(world)
        await dead_letters.replay(world.admin, again)
        await world.wait_exact(events=2)
        assert await world.total("events", "count") == 2
    assert (await world.admin.js.stream_info("EVENTS")).state.messages == 2


def letter_of(world: Rig, payload: bytes, **fields: Any) -> DeadLetter:
    known = {"stream": "EVENTS", "sequence": 1, "reason": "mended since", "refused_by": "analytics", "at": now_ms()}
    return DeadLetter(**{"subject": subjects.events(world.tenant, "feedback"), "payload": payload, **known, **fields})


async def one_letter(world: Rig, letter: DeadLetter) -> Dead:
    await world.admin.publish(subjects.dead("events.v1.any.feedback"), encode(letter))
    return [entry async for entry in dead_letters.letters(world.admin.js)][-1]


async def test_no_id_that_a_producer_used_before_makes_a_replay_vanish(world: Rig, own_nats: NatsServer) -> None:
    subject = subjects.events(world.tenant, "feedback")
    entry = await one_letter(world, letter_of(world, encode(event("mended", "feedback")), headers={"Nats-Msg-Id": "original"}))
    client = await nats.connect(own_nats.url("producer"))
    try:
        for ident in ("original", "mended", f"{world.tenant}/mended", *(f"replay/DEAD/{n}" for n in range(entry.number + 2))):
            await client.jetstream().publish(subject, b"{}", headers={"Nats-Msg-Id": ident})
    finally:
        await client.close()
    before = (await world.admin.js.stream_info("EVENTS")).state.messages
    assert await dead_letters.replay(world.admin, entry) == (entry, "")
    assert (await world.admin.js.stream_info("EVENTS")).state.messages == before + 1
    async with world.running():
        await world.wait_exact(events=1)


async def test_the_same_number_of_a_dead_that_was_made_anew_is_replayed_too(world: Rig) -> None:
    for name in ("first", "second"):
        entry = await one_letter(world, letter_of(world, encode(event(name, "feedback"))))
        assert entry.number == 1
        assert await dead_letters.replay(world.admin, entry) == (entry, "")
        await world.admin.js.delete_stream("DEAD")
        await streams.declare(world.admin.js)
    assert (await world.admin.js.stream_info("EVENTS")).state.messages == 2


async def test_a_letter_stays_where_the_stream_holds_another_message_under_its_number(world: Rig) -> None:
    stored = await world.admin.publish(subjects.events(world.tenant, "feedback"), b"another")
    entry = await one_letter(world, letter_of(world, b"beginning", truncated=True, sequence=stored))
    assert "is another one now" in (await dead_letters.replay(world.admin, entry)).problem
    assert [kept async for kept in dead_letters.letters(world.admin.js)] == [entry]


async def test_two_replays_at_once_both_end_well_and_everything_counts_once(world: Rig) -> None:
    for n in range(20):
        await one_letter(world, letter_of(world, encode([event(f"{n}", "feedback")])))
    result = [entry async for entry in dead_letters.letters(world.admin.js)]
    for first, second in zip(result, result, strict=True):
        assert await dead_letters.replay(world.admin, first) == (first, "")
        assert await dead_letters.replay(world.admin, second) == (second, "")
    async with world.running():
        await world.wait_exact(events=20)
        assert await waiting(world) == []


@pytest.mark.parametrize("subject", ["events.v1.default.*", "events.v1.default.\ufffd", "events.v1.default." + "x" * 600])
async def test_a_letter_whose_subject_no_message_may_have_stays(world: Rig, subject: str) -> None:
    entry = await one_letter(world, letter_of(world, b"{}", subject=subject))
    assert "is no subject that a message can be published to" in (await dead_letters.replay(world.admin, entry)).problem
    assert await waiting(world) == [entry]


async def test_headers_that_no_client_may_send_do_not_stop_a_replay(world: Rig) -> None:
    headers = {"x-trail": "kept", "a b": "1", "ü": "1", "nats-ttl": "1s", "Nats-Rollup": "all", "Status": "503"}
    entry = await one_letter(world, letter_of(world, encode(event("a", "feedback")), headers=headers))
    assert await dead_letters.replay(world.admin, entry) == (entry, "")
    info = await world.admin.js.stream_info("EVENTS")
    assert (await world.admin.js.get_msg("EVENTS", seq=info.state.last_seq)).headers == {"x-trail": "kept"}
