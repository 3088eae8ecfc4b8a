"""One slow client beside fast ones, with sockets written by hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import msgspec
import pytest

from dashboard_stream.live.channel import Channel
from dashboard_stream.live.clients import Broadcaster, Client
from dashboard_stream.live.hub import Hub
from drishti.events import Frame
from rigs.aggregates import NOW_MS, aggregate, second
from rigs.waiting import wait_until


class Socket:
    """A connection whose buffer is full while ``writable`` is clear, as uvicorn's: it waits first and writes then."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.writable = asyncio.Event()
        self.writable.set()
        self.broken = False

    async def send(self, message: MutableMapping[str, Any]) -> None:
        await self.writable.wait()
        if self.broken:
            raise OSError("connection reset")
        self.frames.append(msgspec.json.decode(message["text"], type=Frame))


class Rig:
    def __init__(self, slow_s: float = 10.0) -> None:
        self.hub = Hub("e1")
        channel = self.hub.channel("default", "system_overview")
        assert channel is not None
        self.channel: Channel = channel
        self.broadcaster = Broadcaster(state=dict, now=lambda: NOW_MS / 1000, slow_s=slow_s)
        self.at = -100

    def join(self) -> tuple[Socket, Client]:
        socket = Socket()
        client = Client(socket.send)
        self.broadcaster.join(self.channel, client)
        return socket, client

    def change(self) -> None:
        self.at += 1
        self.hub.take_aggregate(aggregate("requests", second(self.at), {"count": 1}), NOW_MS)
        self.broadcaster.wake()

    def round(self) -> None:
        self.change()
        self.broadcaster.send_changes(self.channel)


@pytest.fixture
def rig() -> Rig:
    return Rig()


@contextlib.asynccontextmanager
async def running(rig: Rig) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(rig.broadcaster.run(stop))
    yield
    stop.set()
    async with asyncio.timeout(5):
        await task


async def test_a_client_gets_a_snapshot_and_then_every_update(rig: Rig) -> None:
    rig.change()
    socket, _ = rig.join()
    rig.round()
    rig.round()
    assert [(f.type, f.seq) for f in socket.frames] == [("snapshot", 0), ("update", 1), ("update", 2)]


async def test_a_client_that_does_not_read_costs_the_others_nothing(rig: Rig) -> None:
    slow, client = rig.join()
    fast, _ = rig.join()
    slow.writable.clear()
    for _ in range(5):
        rig.round()  # no await: whatever the fast client has by now, it did not wait for
    assert [f.seq for f in fast.frames] == [0, 1, 2, 3, 4, 5]
    assert [f.seq for f in slow.frames] == [0]
    assert client.blocked


async def test_a_client_that_reads_again_gets_what_it_missed_in_one_frame(rig: Rig) -> None:
    socket, client = rig.join()
    socket.writable.clear()
    for _ in range(5):
        rig.round()
    socket.writable.set()
    await wait_until(lambda: not client.blocked)
    rig.broadcaster.send_changes(rig.channel)
    assert [f.seq for f in socket.frames] == [0, 1, 5]
    assert [at for at, _ in socket.frames[-1].data.series["requests.rate"]] == [second(n) for n in range(-98, -94)]
    assert rig.broadcaster.skipped == 3


async def test_a_client_that_reads_again_does_not_wait_for_the_next_change(rig: Rig) -> None:
    socket, _ = rig.join()
    socket.writable.clear()
    rig.round()
    rig.round()
    async with running(rig):
        socket.writable.set()
        await wait_until(lambda: socket.frames[-1].seq == 2)


async def test_a_client_that_stays_blocked_is_given_up() -> None:
    rig = Rig(slow_s=0.05)
    socket, client = rig.join()
    socket.writable.clear()
    async with running(rig):
        rig.change()
        async with asyncio.timeout(5):
            await client.gone.wait()
    assert client.ended == "slow"
    assert rig.broadcaster.closed_slow == 1
    await client.cancel()
    assert not client.blocked
    assert [f.seq for f in socket.frames] == [0]


async def test_a_broken_connection_is_left_alone(rig: Rig) -> None:
    socket, client = rig.join()
    other, _ = rig.join()
    socket.broken = True
    rig.round()
    rig.round()
    assert client.gone.is_set()
    assert client.ended is None
    assert [f.seq for f in other.frames] == [0, 1, 2]


async def test_a_connection_that_breaks_while_it_is_blocked_is_left_alone(rig: Rig) -> None:
    socket, client = rig.join()
    socket.writable.clear()
    rig.round()
    socket.broken = True
    socket.writable.set()
    async with asyncio.timeout(5):
        await client.gone.wait()
    assert client.ended is None


async def test_changes_of_one_moment_travel_together_and_frames_go_out_without_changes_too(rig: Rig) -> None:
    socket, _ = rig.join()
    async with running(rig):
        for _ in range(14):
            rig.change()
        await wait_until(lambda: len(socket.frames) == 3)
    assert [f.seq for f in socket.frames] == [0, 1, 2]
    assert len(socket.frames[1].data.series["requests.rate"]) == 14
    assert socket.frames[2].data.series == {}
    assert set(socket.frames[2].data.values) == set(socket.frames[0].data.values) | set(socket.frames[1].data.values)


async def test_a_channel_that_the_last_client_left_remembers_nothing(rig: Rig) -> None:
    _, client = rig.join()
    rig.broadcaster.leave(rig.channel, client)
    assert rig.broadcaster.clients == 0
    rig.change()
    assert not rig.channel.changed
