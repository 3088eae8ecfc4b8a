"""Definitions of metrics in a real bucket: live in another process' registry, races, rights, and a bucket that is gone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
import nats.errors
import pytest

from conftest import BusFor
from drishti.bus import streams
from drishti.bus.connection import Bus
from drishti.bus.documents import Conflict, TooMany
from drishti.errors import BusUnavailable
from drishti.measures.definition_checks import InvalidDefinition
from drishti.measures.definitions import Kind, MetricDefinition
from drishti.measures.registry import BUCKET, MetricRegistry, PackSwitch, opened
from drishti.messages import catalogue
from drishti_local.servers import NatsServer
from rigs.nats_clients import settled
from rigs.waiting import wait_until

QUEUE = MetricDefinition(name="queue.depth", kind=Kind.GAUGE, unit="{message}", description="messages that wait")
TOKEN = "queue-depth"


@contextlib.asynccontextmanager
async def registry_of(bus_for: BusFor, user: str) -> AsyncIterator[MetricRegistry]:
    """The metrics as one service knows them, on a connection of its own."""
    async with opened(await bus_for(user), timeout_s=20) as registry:
        yield registry


@pytest.fixture
async def gateway(bus_for: BusFor) -> AsyncIterator[MetricRegistry]:
    async with registry_of(bus_for, "gateway") as registry:
        yield registry


@pytest.mark.parametrize("reader", [catalogue.ANALYTICS, catalogue.PREDICTOR, catalogue.DASHBOARD])
async def test_a_change_is_live_in_every_service_without_a_restart(
    bus_for: BusFor, gateway: MetricRegistry, reader: str
) -> None:
    tenant = f"live-{reader}"
    async with registry_of(bus_for, reader) as other:
        revision = await gateway.put(tenant, QUEUE, 0)
        await wait_until(lambda: other.revision(tenant, TOKEN) == revision)
        assert other.get(tenant, TOKEN) == gateway.get(tenant, TOKEN) == QUEUE
        await gateway.delete(tenant, TOKEN, revision)
        await wait_until(lambda: other.get(tenant, TOKEN) is None)
        assert gateway.get(tenant, TOKEN) is None


async def test_of_two_writers_with_one_revision_exactly_one_wins(bus_for: BusFor, gateway: MetricRegistry) -> None:
    async with registry_of(bus_for, "analytics") as other:
        for first in (0, await gateway.put("race", QUEUE, 0)):
            tenant = "race" if first else "race-new"
            await wait_until(lambda tenant=tenant, first=first: other.revision(tenant, TOKEN) == first)  # type: ignore[misc]
            mine, theirs = (msgspec.structs.replace(QUEUE, description=text) for text in ("mine", "theirs"))
            results = await asyncio.gather(
                gateway.put(tenant, mine, first), other.put(tenant, theirs, first), return_exceptions=True
            )
            won = [result for result in results if isinstance(result, int)]
            lost = [result for result in results if isinstance(result, Conflict)]
            assert (len(won), len(lost)) == (1, 1), results
            assert (lost[0].expected, lost[0].revision) == (first, won[0])
            assert lost[0].current == (mine if results[0] == won[0] else theirs)


async def test_a_writer_who_is_behind_is_told_both_versions(bus_for: BusFor, gateway: MetricRegistry) -> None:
    revision = await gateway.put("behind", QUEUE, 0)
    with pytest.raises(Conflict) as caught:
        await gateway.put("behind", QUEUE, 0)
    assert (caught.value.current, caught.value.revision) == (QUEUE, revision)
    with pytest.raises(Conflict):
        await gateway.delete("behind", TOKEN, revision + 1)
    await gateway.delete("behind", TOKEN, revision)
    with pytest.raises(Conflict) as caught:
        await gateway.delete("behind", TOKEN, revision)
    assert (caught.value.current, caught.value.revision) == (None, 0)
    with pytest.raises(Conflict):
        await gateway.delete("behind", TOKEN, 0)
    again = await gateway.put("behind", QUEUE, 0)
    assert again > revision


async def test_names_with_one_token_are_not_both_metrics(gateway: MetricRegistry) -> None:
    await gateway.put("token", QUEUE, 0)
    with pytest.raises(InvalidDefinition, match=r"'queue\.depth'"):
        await gateway.put("token", msgspec.structs.replace(QUEUE, name="queue-depth"), 0)
    with pytest.raises(InvalidDefinition, match="built in"):
        await gateway.put("token", msgspec.structs.replace(QUEUE, name="requests"), 0)


async def test_a_pack_is_switched_and_the_other_tenant_keeps_what_it_has(gateway: MetricRegistry) -> None:
    await gateway.put_pack("packed", "wisdom", enabled=True)
    await gateway.put_pack("packed", "wisdom", enabled=False)
    await gateway.put_pack("packed", "wisdom", enabled=True)
    assert gateway.view("packed").packs == {"wisdom"}
    assert gateway.view("other").packs == frozenset()
    with pytest.raises(Conflict) as caught:
        await gateway.put_pack("packed", "wisdom", enabled=False, expected_revision=0)
    assert caught.value.current == PackSwitch(True)
    with pytest.raises(InvalidDefinition, match="there are wisdom"):
        await gateway.put_pack("packed", "wisdom.>", enabled=True)


@pytest.mark.parametrize("tenant", ["", "*", ">", "a.b", "Acme", "a\r\nb", "x" * 65])
async def test_what_is_no_tenant_writes_nothing(gateway: MetricRegistry, tenant: str) -> None:
    with pytest.raises(InvalidDefinition):
        await gateway.put(tenant, QUEUE, 0)


async def test_there_is_a_most_of_definitions_and_of_deleted_names(
    gateway: MetricRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    from drishti.measures import registry as module

    monkeypatch.setattr(module, "MAX_DEFINITIONS", 2)
    monkeypatch.setattr(module, "MAX_REMOVED", 2)
    for name in ("a", "b"):
        await gateway.put("full", msgspec.structs.replace(QUEUE, name=name), 0)
    with pytest.raises(TooMany, match="2 is the most"):
        await gateway.put("full", QUEUE, 0)
    await gateway.put("full", msgspec.structs.replace(QUEUE, name="a"), gateway.revision("full", "a"))
    for name in ("a", "b"):
        await gateway.delete("full", name, gateway.revision("full", name))
    with pytest.raises(TooMany, match="deleted within a day"):
        await gateway.put("full", QUEUE, 0)
    await gateway.put("full", msgspec.structs.replace(QUEUE, name="a"), 0)  # takes no further room
    await gateway.put("another", QUEUE, 0)


@pytest.mark.parametrize("user", [catalogue.PREDICTOR, catalogue.DASHBOARD])
async def test_services_that_only_read_cannot_write(bus_for: BusFor, gateway: MetricRegistry, user: str) -> None:
    async with registry_of(bus_for, user) as reader:
        with pytest.raises(BusUnavailable):
            await reader.put("forbidden", QUEUE, 0)
    assert gateway.get("forbidden", TOKEN) is None


async def test_a_producer_reads_and_writes_nothing(bus_for: BusFor, gateway: MetricRegistry) -> None:
    producer = await bus_for(catalogue.PRODUCER)
    await producer.nc.publish(f"$KV.{BUCKET}.victim.{TOKEN}", msgspec.json.encode(QUEUE))
    with contextlib.suppress(nats.errors.Error):
        await settled(producer.nc)
    revision = await gateway.put("marker", QUEUE, 0)
    assert gateway.revision("marker", TOKEN) == revision
    assert gateway.get("victim", TOKEN) is None
    with pytest.raises(nats.errors.Error):
        await producer.nc.request(f"$JS.API.DIRECT.GET.KV_{BUCKET}.$KV.{BUCKET}.marker.{TOKEN}", timeout=0.5)


async def test_a_deleted_bucket_leaves_what_is_known_and_a_new_one_counts_from_its_beginning(own_nats: NatsServer) -> None:
    from drishti.bus.connection import connect

    bus: Bus = await connect(own_nats.settings("gateway"), name="gateway")
    admin: Bus = await connect(own_nats.settings("admin"), name="admin")
    try:
        async with opened(bus, timeout_s=20) as registry:
            await registry.put("acme", QUEUE, 0)
            await registry.put("acme", msgspec.structs.replace(QUEUE, name="second"), 0)
            await admin.js.delete_key_value(BUCKET)
            await wait_until(lambda: bus.unreadable())
            assert registry.get("acme", TOKEN) == QUEUE
            with pytest.raises(BusUnavailable):
                await registry.put("acme", QUEUE, registry.revision("acme", TOKEN))
            await streams.declare(admin.js)
            kv = await admin.kv(BUCKET)
            await kv.put(f"acme.{TOKEN}", b"garbage")
            await kv.put("acme.third", msgspec.json.encode(msgspec.structs.replace(QUEUE, name="third")))
            await wait_until(lambda: registry.get("acme", "third"))
            assert registry.get("acme", TOKEN) is None
            assert registry.get("acme", "second") is None
            assert registry.skipped == 1
            await registry.put("acme", QUEUE, 0)  # garbage is in nobody's way
            assert registry.get("acme", TOKEN) == QUEUE
    finally:
        await bus.close()
        await admin.close()
