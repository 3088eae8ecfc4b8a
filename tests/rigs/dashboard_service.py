"""A dashboard-stream that runs, and a browser's stand-in, for the tests."""

from __future__ import annotations

import asyncio
import contextlib
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from email.message import Message
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as websocket_connect
from websockets.exceptions import ConnectionClosed

from dashboard_stream.app import serve
from dashboard_stream.settings import DashboardSettings
from drishti.bus.connection import Bus
from drishti.events import Aggregate, Frame, encode
from drishti.messages import subjects
from drishti.settings import BusSettings
from drishti_local.ports import free_port
from rigs.waiting import DEADLINE_S, wait_until


class Service:
    """The address of a running dashboard-stream."""

    def __init__(self, port: int, stop: asyncio.Event) -> None:
        self.port = port
        self.stop = stop

    def connect(self, name: str = "system_overview", tenant: str = "default", **headers: str) -> Any:
        """A WebSocket, as the gateway would open it for a browser."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        url = f"ws://127.0.0.1:{self.port}/api/dashboard/ws/{name}"
        return websocket_connect(url, additional_headers={"X-Drishti-Tenant": tenant} | named, compression=None)

    async def get(self, path: str, **headers: str) -> tuple[int, Message, bytes]:
        """Status, headers and body of ``path``; redirects are followed."""
        return await self.ask("GET", path, **headers)

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Message, bytes]:
        """The same with another method; ``body`` is sent as JSON, or as it is where it is bytes."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        data = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, named, method=method)
        return await asyncio.to_thread(_open, request)


def _open(request: urllib.request.Request) -> tuple[int, Message, bytes]:
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


@contextlib.asynccontextmanager
async def running(bus: BusSettings, *, epoch: str = "e1", **settings: Any) -> AsyncIterator[Service]:
    """The whole service in this loop, until the block ends."""
    stop, ready = asyncio.Event(), asyncio.Event()
    configured = DashboardSettings(**{"port": free_port(), "bus": bus, **settings})
    task = asyncio.create_task(serve(configured, stop, epoch=epoch, ready=ready))
    try:
        async with asyncio.timeout(DEADLINE_S):
            await ready.wait()
        yield Service(configured.port, stop)
    finally:
        stop.set()
        async with asyncio.timeout(DEADLINE_S):
            await task


async def publish(bus: Bus, *aggregates: Aggregate, headers: dict[str, str] | None = None) -> None:
    """As analytics does, several at once."""
    await asyncio.gather(
        *(bus.publish(subjects.aggregates(a.tenant, a.resolution, a.metric), encode(a), headers=headers) for a in aggregates)
    )


async def frame(socket: ClientConnection) -> Frame:
    """The next frame."""
    async with asyncio.timeout(DEADLINE_S):
        return msgspec.json.decode(await socket.recv(), type=Frame)


async def frame_with(socket: ClientConnection, condition: Callable[[Frame], bool]) -> Frame:
    """The next frame that fits; fails with the last one seen."""
    seen = None
    try:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                seen = msgspec.json.decode(await socket.recv(), type=Frame)
                if condition(seen):
                    return seen
    except TimeoutError:
        raise AssertionError(f"no such frame; the last was {str(seen)[:2000]}") from None


def has_point(name: str, start: int, value: float) -> Callable[[Frame], bool]:
    """Whether a frame carries this point."""
    return lambda f: (start, value) in f.data.series.get(name, [])


def has_value(name: str, value: float) -> Callable[[Frame], bool]:
    return lambda f: f.data.values.get(name) == value


async def close_code(socket: ClientConnection) -> int | None:
    """Reads to the end; the code with which the server closed, ``None`` where it just went away."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                await socket.recv()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


async def wait_ready(service: Service) -> None:
    """Waits until the service says that it is ready."""

    async def answer() -> object:
        try:
            status, _, body = await service.get("/readyz")
        except OSError as error:  # it does not listen yet
            return error
        return status if status == 200 else body

    await wait_until(answer, "the service to be ready", equals=200)


def now_second() -> int:
    """The start of the running second."""
    return int(time.time()) * 1000
