"""The ids of the gateway's messages: nobody else can use one up, and a repetition is distinguished from everything else."""

from __future__ import annotations

from typing import Any

import pytest

from drishti.errors import DuplicateMessage
from drishti.service.disk import Disk
from gateway.ingest.parsing import Message
from gateway.ingest.publishing import IngestPublisher
from gateway.link import Link


class Bus:
    """Stores a message by its id, as a stream does."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}

    async def publish(self, subject: str, payload: bytes, *, msg_id: str, headers: dict[str, str], timeout_s: float) -> int:
        if msg_id in self.stored:
            raise DuplicateMessage(subject, 1)
        self.stored[msg_id] = payload
        return len(self.stored)


def publisher(bus: Bus, secret: bytes = b"s") -> IngestPublisher:
    link = Link()
    anything: Any = bus
    link.set(anything)
    return IngestPublisher(link, Disk(()), secret)


def message(payload: bytes = b"{}", event_type: str = "x") -> Message:
    return Message(event_type, payload, ["a"], [])


async def test_a_repetition_is_stored_once_and_counted() -> None:
    bus = Bus()
    publishing = publisher(bus)
    for _ in range(3):
        await publishing.events("acme", message())
    await publishing.requests("acme", "gateway", b"[]", "p-1")
    await publishing.requests("acme", "gateway", b"[]", "p-1")
    assert (len(bus.stored), publishing.repeated) == (2, 3)


@pytest.mark.parametrize(
    ("tenant", "other"),
    [("globex", message()), ("acme", message(b"{ }")), ("acme", message(event_type="y"))],
    ids=["tenant", "payload", "type"],
)
async def test_what_differs_is_stored_even_where_the_events_have_the_same_ids(tenant: str, other: Message) -> None:
    bus = Bus()
    publishing = publisher(bus)
    await publishing.events("acme", message())
    await publishing.events(tenant, other)
    assert (len(bus.stored), publishing.repeated) == (2, 0)


async def test_ids_of_two_processes_have_nothing_in_common() -> None:
    bus = Bus()
    for publishing in (publisher(bus, b"1"), publisher(bus, b"2")):
        await publishing.events("acme", message())
        await publishing.requests("acme", "gateway", b"[]", "p-1")
        assert publishing.repeated == 0
    assert len(bus.stored) == 4
    assert not any("p-1" in ident for ident in bus.stored)


@pytest.mark.parametrize("signal", ["spans", "metrics", "logs"])
async def test_telemetry_has_the_same_id_from_every_process_and_no_other_telemetry_has_it(signal: str) -> None:
    bus = Bus()
    one, other = (getattr(publisher(bus, secret), signal) for secret in (b"1", b"2"))
    for store in (one, other):
        await store("acme", "shop", b"payload")
    assert len(bus.stored) == 1
    # also where payload and tenant would be the same bytes one after the other
    for number, (tenant, payload) in enumerate((("globex", b"payload"), ("acme", b"payloae"), ("me", b"payload\0ac")), start=2):
        await one(tenant, "shop", payload)
        assert len(bus.stored) == number
    assert {len(ident) for ident in bus.stored} == {32}
