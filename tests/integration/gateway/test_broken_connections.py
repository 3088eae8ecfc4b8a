"""What a viewer shows equals what the service has, after every broken socket and after a killed service: both, for real."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from conftest import BusFor
from drishti.bus.connection import Bus
from drishti.events import Frame
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from rigs import dashboard_service, gateway
from rigs.aggregates import aggregate
from rigs.dashboard_service import Service, now_second, publish, wait_ready
from rigs.gateway import Rig
from rigs.programs import program
from rigs.waiting import wait_until

pytestmark = pytest.mark.usefixtures("nats_url")
"""The streams are declared."""

USER = "dashboard-stream"
CUTS = 100
SEED = 20261128
MOST_BYTES = 8_000
"""After how many bytes a connection is cut at most: in handshakes, in the middle of frames, and after some."""


@pytest.fixture
async def analytics(bus_for: BusFor) -> Bus:
    return await bus_for("analytics")


class Cutter:
    """A TCP proxy that cuts the connection by which the last of ``left`` further bytes came from the server; ``None``: none."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.left: int | None = None
        self.cuts = 0
        self.port = 0

    async def __aenter__(self) -> Cutter:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._to)
        upwards = asyncio.create_task(self._pump(reader, server_writer))
        downwards = asyncio.create_task(self._pump(server_reader, writer, cutting=True))
        await asyncio.wait((upwards, downwards), return_when=asyncio.FIRST_COMPLETED)
        for task in (upwards, downwards):
            task.cancel()
        for one in (writer, server_writer):
            one.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, cutting: bool = False) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(4096):
                if cutting and self.left is not None:
                    data, after = data[: self.left], len(data)
                    self.left -= len(data)
                    if len(data) < after or not self.left:
                        self.left = None
                        self.cuts += 1
                        writer.write(data)
                        await writer.drain()
                        return
                writer.write(data)
                await writer.drain()


class Page:
    """A viewer as the page is one: it reconnects after every close, and says which frame it has."""

    def __init__(self, rig: Rig, port: int) -> None:
        self._url = f"ws://127.0.0.1:{port}/api/dashboard/ws/system_overview"
        self._headers = {"Authorization": f"Bearer {rig.admin}"}
        self._position = ""
        self._resuming = False
        self.epochs: list[str] = []
        self.resumed = 0
        self.snapshots = 0
        self.lines: dict[str, dict[int, float | None]] = {}

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Page]:
        task = asyncio.create_task(self._run())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.wait((task,))

    async def _run(self) -> None:
        while True:
            query = f"?since={self._position}" if self._position else ""
            self._resuming = bool(query)
            with contextlib.suppress(OSError, ConnectionClosed, EOFError, TimeoutError, InvalidHandshake):
                async with connect(self._url + query, additional_headers=self._headers, max_size=None) as socket:
                    while True:
                        self._take(msgspec.json.decode(await socket.recv(), type=Frame))
            await asyncio.sleep(0.01)

    def _take(self, frame: Frame) -> None:
        if frame.type == "snapshot":
            self.snapshots += 1
            self.lines.clear()
        else:
            assert self.epochs[-1] == frame.epoch, "an update goes on from a frame of the same run"
            self.resumed += self._resuming
        self._resuming = False
        if not self.epochs or self.epochs[-1] != frame.epoch:
            self.epochs.append(frame.epoch)
        for name, points in frame.data.series.items():
            self.lines.setdefault(name, {}).update(points)
        self._position = f"{frame.epoch}:{frame.seq}"

    async def wait_equal(self, rig: Rig) -> None:
        """Waits until the page has the points that the server has, no more and no fewer."""

        async def equal() -> bool:
            expected = await state(rig)
            return bool(expected) and {name: line for name, line in self.lines.items() if line} == expected

        await wait_until(equal, seen=lambda: {name: sorted(line)[-3:] for name, line in self.lines.items()})


async def state(rig: Rig) -> dict[str, dict[int, float | None]]:
    """The lines that the server has, through the gateway."""
    url, headers = f"{rig.url}/api/dashboard/state/system_overview", {"authorization": f"Bearer {rig.admin}"}
    async with rig.http.get(url, headers=headers) as answer:
        if answer.status != 200:
            return {}
        frame = msgspec.json.decode(await answer.read(), type=Frame)
    return {name: dict(points) for name, points in frame.data.series.items() if points}


def windows(tenant: str, start: int, revision: int) -> list[Any]:
    """New numbers of some seconds: of the newest, and of earlier ones again."""
    services: list[tuple[dict[str, str], dict[str, Any]]] = [({"service": f"s{n}"}, {"count": revision + n}) for n in range(5)]
    series: list[tuple[dict[str, str], dict[str, Any]]] = [({}, {"count": revision}), *services]
    at = int(time.time() * 1000)
    starts = {start + revision % 40 * 1000, start + revision % 7 * 1000}
    return [aggregate("requests", s, series, revision=revision, tenant=tenant, published_at=at) for s in sorted(starts)]


async def test_after_each_of_many_random_cuts_a_viewer_has_what_the_server_has(nats_server: NatsServer, analytics: Bus) -> None:
    chance = random.Random(SEED)
    async with (
        dashboard_service.running(nats_server.settings(USER)) as stream,
        gateway.running(nats_server, dashboard_url=f"http://127.0.0.1:{stream.port}") as rig,
        Cutter(int(rig.url.rpartition(":")[2])) as cutter,
    ):
        await wait_ready(stream)
        page = Page(rig, cutter.port)
        start, revision = now_second() - 60_000, 0
        async with page.open():
            while cutter.cuts < CUTS:
                cutter.left = round(MOST_BYTES ** chance.random())
                while cutter.left is not None:
                    revision += 1
                    await publish(analytics, *windows(rig.tenant, start, revision))
                    await asyncio.sleep(0.02)  # paces what is published; nothing is concluded from it
                await page.wait_equal(rig)
            assert page.resumed, "none of the broken sockets went on from its frame"


async def test_after_kill_9_of_the_service_its_viewers_have_everything_again(nats_server: NatsServer, analytics: Bus) -> None:
    settings, port = nats_server.settings(USER), free_port()
    environ = {
        **{k: v for k, v in os.environ.items() if not k.startswith("OTEL_")},
        "DRISHTI_NATS_URL": settings.url,
        "NATS_USER": settings.user,
        "NATS_PASSWORD": settings.password.reveal(),
        "DASHBOARD_STREAM_PORT": str(port),
    }
    command = (sys.executable, "-m", "dashboard_stream")
    async with gateway.running(nats_server, dashboard_url=f"http://127.0.0.1:{port}") as rig:
        pages = [Page(rig, int(rig.url.rpartition(":")[2])) for _ in range(3)]
        async with contextlib.AsyncExitStack() as stack:
            start = now_second() - 60_000
            async with contextlib.AsyncExitStack() as first:
                process = await first.enter_async_context(program(*command, env=environ))
                await wait_ready(Service(port, asyncio.Event()))
                for page in pages:
                    await stack.enter_async_context(page.open())
                await publish(analytics, *windows(rig.tenant, start, 1))
                for page in pages:
                    await page.wait_equal(rig)
                process.kill()
                await process.wait()
            # What is published while nobody reads it is not lost: it is history for the next one.
            await publish(analytics, *windows(rig.tenant, start, 2))
            async with program(*command, env=environ):
                for page in pages:
                    await wait_until(lambda page=page: len(page.epochs) == 2)
                    assert page.snapshots == 2, "the first frame of the new run has the history"
                await publish(analytics, *windows(rig.tenant, start, 3))
                for page in pages:
                    await page.wait_equal(rig)
                assert all(page.lines["requests.rate"].values() for page in pages)
