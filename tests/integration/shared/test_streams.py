"""The bus is declared once, as the catalogue has it; again changes nothing; all that differs is reported, and left alone."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drishti.bus import streams
from drishti.bus.connection import Bus, connect
from drishti.errors import BusConflict
from drishti.messages.catalogue import BUCKETS, MESSAGES, OBJECT_STORES
from drishti_local.servers import NatsServer

EVERYTHING = {
    *(f"stream {message.stream}" for message in MESSAGES),
    *(f"consumer {message.stream}/{durable.name}" for message in MESSAGES for durable in message.durables),
    *(f"key-value bucket {name}" for name in BUCKETS),
    *(f"object store {name}" for name in OBJECT_STORES),
}


@pytest.fixture
async def admin(server_folder: Path) -> AsyncIterator[Bus]:
    """The admin of a NATS on which nothing is declared yet."""
    server = NatsServer(server_folder / f"nats-{uuid.uuid4().hex[:8]}")
    server.start()
    bus = await connect(server.settings("admin"), name="admin")
    try:
        yield bus
    finally:
        await bus.close()
        server.stop()
        shutil.rmtree(server.home.path, ignore_errors=True)


async def test_the_first_time_makes_everything_and_the_second_nothing(admin: Bus) -> None:
    assert set(await streams.declare(admin.js)) == EVERYTHING
    assert await streams.declare(admin.js) == []
    for message in MESSAGES:
        config = (await admin.js.stream_info(message.stream)).config
        assert config.subjects == [message.wildcard]
        assert (config.max_age, config.max_bytes) == (message.max_age_s, message.max_bytes)
        assert config.storage == "file"
        assert config.discard == "old"


async def test_two_may_declare_at_once(admin: Bus) -> None:
    first, second = await asyncio.gather(streams.declare(admin.js), streams.declare(admin.js))
    assert {*first, *second} == EVERYTHING
    assert await streams.declare(admin.js) == []


async def test_what_is_missing_is_made_beside_what_is_there(admin: Bus) -> None:
    await streams.declare(admin.js)
    await admin.publish("events.v1.default.kept", b"{}")
    await admin.js.delete_consumer("EVENTS", "analytics-events")
    await admin.js.delete_stream("DEAD")
    await admin.js.delete_key_value("api_keys")
    made = await streams.declare(admin.js)
    assert set(made) == {"consumer EVENTS/analytics-events", "stream DEAD", "key-value bucket api_keys"}
    assert (await admin.js.stream_info("EVENTS")).state.messages == 1


async def test_every_difference_is_reported_at_once_and_nothing_is_changed(admin: Bus) -> None:
    await streams.declare(admin.js)
    events = (await admin.js.stream_info("EVENTS")).config
    events.max_age, events.duplicate_window = 3600.0, 60.0
    await admin.js.update_stream(events)
    requests = (await admin.js.stream_info("REQUESTS")).config
    requests.max_bytes = 1 << 20
    await admin.js.update_stream(requests)
    consumer = (await admin.js.consumer_info("METRICS", "analytics-metrics")).config
    consumer.ack_wait = 5.0
    await admin.js.add_consumer("METRICS", consumer)
    await admin.js.delete_stream("DEAD")

    with pytest.raises(BusConflict) as caught:
        await streams.declare(admin.js)

    _, *reported = str(caught.value).splitlines()
    assert [line.strip() for line in reported] == [
        "stream EVENTS: max_age is 3600.0, the catalogue says 259200.0",
        "stream EVENTS: duplicate_window is 60.0, the catalogue says 120.0",
        "stream REQUESTS: max_bytes is 1048576, the catalogue says 1073741824",
        "consumer METRICS/analytics-metrics: ack_wait is 5.0, the catalogue says 30.0",
    ]
    assert "DEAD" not in {info.config.name for info in await admin.js.streams_info()}
    assert (await admin.js.stream_info("EVENTS")).config.max_age == 3600.0


async def test_what_the_catalogue_leaves_open_is_the_servers_own_business(admin: Bus) -> None:
    await streams.declare(admin.js)
    config = (await admin.js.stream_info("INSIGHTS")).config
    config.max_msgs = 100_000
    await admin.js.update_stream(config)
    assert await streams.declare(admin.js) == []
    assert (await admin.js.stream_info("INSIGHTS")).config.max_msgs == 100_000
