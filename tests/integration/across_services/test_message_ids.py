"""Ids are of the whole stream: none that somebody used before makes a message vanish, and a retry is one message."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import nats
import pytest
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from drishti.analytics import Analytics, AnalyticsEvent
from drishti.bus.publish import AckedPublisher
from drishti.messages import subjects
from drishti.sdk.producer import Producer
from drishti.sdk.transports import NatsTransport
from drishti_local.servers import NatsServer
from rigs.gateway import Rig, event, running


@pytest.fixture
async def gateway(nats_server: NatsServer, nats_url: str) -> AsyncIterator[Rig]:
    async with running(nats_server) as found:
        yield found


@pytest.fixture
async def producer(nats_server: NatsServer, nats_url: str) -> AsyncIterator[JetStreamContext]:
    """Another sender, which knows what a sender can know."""
    client = await nats.connect(nats_server.url("producer"))
    yield client.jetstream()
    await client.close()


async def use_up(producer: JetStreamContext, subject: str, idents: list[str]) -> None:
    for ident in idents:
        await producer.publish(subject, b"{}", headers={"Nats-Msg-Id": ident})


def guesses(tenant: str, ids: list[str]) -> list[str]:
    """What ids of messages could be drawn from, if they were drawn from the events."""
    text = "\0".join((tenant, *ids)).encode()
    return [*ids, *(f"{tenant}/{i}" for i in ids), hashlib.blake2b(text, digest_size=16).hexdigest()]


async def test_events_of_the_gateway_are_stored_whatever_ids_a_producer_used_up(
    gateway: Rig, producer: JetStreamContext
) -> None:
    ids = [uuid.uuid4().hex for _ in range(3)]
    await use_up(producer, "events.v1.other.x", guesses(gateway.tenant, ids))
    assert (await gateway.post("/api/events", [event(i) for i in ids]))[0] == 202
    subject = subjects.events(gateway.tenant, "dharma_query")
    assert len(await gateway.messages("EVENTS", subject)) == 1


async def test_the_next_id_does_not_follow_from_the_last(gateway: Rig, producer: JetStreamContext) -> None:
    """JetStream tells the last id of a stream to whoever expects a wrong one."""
    expected = {"Nats-Expected-Last-Msg-Id": "wrong"}
    for stream, subject in (("EVENTS", "events.v1.other.x"), ("REQUESTS", "requests.v1.other.x")):
        assert (await gateway.post("/api/events", event()))[0] == 202
        with pytest.raises(nats.js.errors.APIError) as refused:
            await producer.publish(subject, b"{}", headers=expected)
        last = str(refused.value.description).rpartition(" ")[2]
        await use_up(producer, subject, [f"{last.rpartition('-')[0]}-{number}" for number in range(50)])
        assert (await gateway.post("/api/events", event(event_type=f"after_{stream.lower()}")))[0] == 202
        found = await gateway.messages("EVENTS", subjects.events(gateway.tenant, f"after_{stream.lower()}"))
        assert len(found) == 1


async def test_a_repetition_through_the_gateway_is_one_message_and_a_correction_another(gateway: Rig) -> None:
    first = event("same")
    for body in (first, first, first | {"data": {"corrected": True}}):
        assert (await gateway.post("/api/events", body))[0] == 202
    assert len(await gateway.messages("EVENTS", subjects.events(gateway.tenant, "dharma_query"))) == 2


async def test_events_of_the_sdk_are_stored_whatever_ids_another_producer_used_up(
    nats_server: NatsServer, producer: JetStreamContext, nats_admin: Any
) -> None:
    tenant, ident = f"t{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    await use_up(producer, "events.v1.other.x", guesses(tenant, [ident]))
    async with Analytics(nats_url=nats_server.url("producer"), tenant=tenant) as analytics:
        analytics.track(AnalyticsEvent(event_id=ident, event_type="feedback"))
        assert await analytics.flush(20)
        assert (analytics.statistics().sent, analytics.statistics().ids_taken) == (1, 0)
    assert await count(nats_admin, f"events.v1.{tenant}.feedback") == 1


class Deaf(AckedPublisher):
    """Does not hear the first ack."""

    deaf = True

    async def publish(self, subject: str, payload: bytes, headers: dict[str, str] | None, timeout_s: float) -> int:
        return await super().publish(subject, payload, headers, 1.0 if self.deaf else timeout_s)

    async def _receive(self, msg: Msg) -> None:
        if self.deaf:
            self.deaf = False
            return
        await super()._receive(msg)


class Careless(NatsTransport):
    """Sends its first batch under an id that was used before."""

    used = ""

    async def send(self, batch_id: str, items: list[Any]) -> list[Any]:
        first, self.used = self.used, ""
        return await super().send(first or batch_id, items)


def client(made: NatsTransport) -> Analytics:
    analytics = Analytics(nats_url="nats://nowhere.invalid")
    analytics._producer = Producer(lambda: made, analytics._counts, capacity=10, linger_s=0)
    return analytics


async def count(admin: Any, subject: str) -> int:
    info = await admin.js.stream_info("EVENTS", subjects_filter=subject)
    return sum((info.state.subjects or {}).values())


async def test_a_retry_after_a_lost_ack_is_stored_and_counted_once(nats_server: NatsServer, nats_admin: Any) -> None:
    kind, made = f"t{uuid.uuid4().hex[:8]}", NatsTransport(nats_server.settings("producer"), "test")
    made._publisher = Deaf(made._nc)
    async with client(made) as analytics:
        analytics.track(AnalyticsEvent(event_id="e", event_type=kind))
        assert await analytics.flush(20)
        counts = analytics.statistics()
    assert (counts.sent, counts.retries, counts.ids_taken) == (1, 1, 0)
    assert await count(nats_admin, f"events.v1.default.{kind}") == 1


async def test_a_batch_whose_id_is_another_senders_is_stored_under_a_new_one(
    nats_server: NatsServer, producer: JetStreamContext, nats_admin: Any
) -> None:
    kind, used = f"t{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    await use_up(producer, "events.v1.other.x", [used])
    made = Careless(nats_server.settings("producer"), "test")
    made.used = used
    async with client(made) as analytics:
        analytics.track(AnalyticsEvent(event_id="e", event_type=kind))
        assert await analytics.flush(20)
        counts = analytics.statistics()
    assert (counts.sent, counts.retries, counts.ids_taken) == (1, 0, 1)
    (stored,) = [await nats_admin.js.get_last_msg("EVENTS", f"events.v1.default.{kind}")]
    assert json.loads(stored.data)["event_id"] == "e"
