"""The gateway's server of gRPC with a method that echoes, in this process, and sockets that speak HTTP/2 to it by frames."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import NamedTuple

from hpack import Decoder, Encoder

from drishti.service.http.limits import Connections, HttpLimits
from drishti_local.ports import free_port
from gateway.asgi import Headers
from gateway.errors import Refused
from gateway.grpc import frames
from gateway.grpc.frames import Kind
from gateway.grpc.server import serve_grpc
from rigs.waiting import DEADLINE_S

ECHO, REFUSES, FAILS = b"/test.Echo/Echo", b"/test.Echo/Refuse", b"/test.Echo/Fail"
MOST_BYTES = 1_000_000


class Application:
    """What the server calls. ``ended``: the status of every call that is over; ``held``: bytes of those that are not."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended: list[int] = []
        self.held: dict[object, int] = {}
        self.go_on = asyncio.Event()
        self.go_on.set()

    def open(self, fields: Headers, _headers: Iterable[tuple[bytes, bytes]]) -> EchoCall:
        if fields[b":path"] == REFUSES:
            raise Refused(429, "too much: 100 % \u2713", retry_after_s=2.5)
        self.begun += 1
        return EchoCall(self, fails=fields[b":path"] == FAILS)


class EchoCall:
    most_bytes = MOST_BYTES

    def __init__(self, application: Application, *, fails: bool) -> None:
        self._application = application
        self._fails = fails

    def hold(self, count: int) -> None:
        self._application.held[self] = count

    async def answer(self, message: bytes, coding: bytes) -> bytes:
        await self._application.go_on.wait()
        if self._fails:
            raise RuntimeError("a bug")
        return coding + message

    def end(self, status: int) -> None:
        self._application.held.pop(self, None)
        self._application.ended.append(status)


class Frame(NamedTuple):
    kind: int
    flags: int
    stream: int
    payload: bytes


class Peer:
    """One connection. ``headers`` of an answer are decoded as they come."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.encoder = Encoder()
        self.decoder = Decoder()

    async def send(self, *parts: bytes) -> None:
        """As far as the server takes them."""
        with contextlib.suppress(ConnectionError):
            for part in parts:
                self.writer.write(part)
                await self.writer.drain()

    async def greet(self, **settings: int) -> None:
        await self.send(frames.PREFACE + frames.settings((frames.Setting[name], value) for name, value in settings.items()))

    def request(self, stream: int, path: bytes = ECHO, *, ends: bool = False, **fields: str) -> bytes:
        """HEADERS of a call; ``fields`` with ``_`` for ``-`` go with it, or replace what is there."""
        all_fields = {
            ":method": "POST", ":scheme": "http", ":path": path.decode(), ":authority": "test",
            "content-type": "application/grpc", "te": "trailers",
        }  # fmt: skip
        all_fields |= {name.replace("__", ":").replace("_", "-"): value for name, value in fields.items()}
        block = self.encoder.encode([(name, value) for name, value in all_fields.items() if value])
        return frames.frame(Kind.HEADERS, stream, block, frames.END_HEADERS | (frames.END_STREAM if ends else 0))

    async def frame(self) -> Frame:
        """The next frame; raises ``IncompleteReadError`` where the connection has ended."""
        async with asyncio.timeout(DEADLINE_S):
            head = await self.reader.readexactly(frames.HEADER_BYTES)
            payload = await self.reader.readexactly(int.from_bytes(head[:3], "big"))
        return Frame(head[3], head[4], int.from_bytes(head[5:], "big"), payload)

    async def next(self, kind: Kind, stream: int | None = None) -> Frame:
        """The next frame of ``kind``, whatever comes before."""
        while True:
            frame = await self.frame()
            if frame.kind == kind and stream in (None, frame.stream):
                return frame

    async def answer(self, stream: int) -> dict[str, str]:
        """All headers and trailers of the answer to ``stream``; its message is ``message``."""
        result: dict[str, str] = {}
        data = b""
        while True:
            frame = await self.frame()
            if frame.kind == Kind.HEADERS:
                fields = dict(self.decoder.decode(frame.payload))
                if frame.stream == stream:
                    result |= fields  # type: ignore[arg-type]  # texts, as they were not asked for raw
            if frame.stream == stream and frame.kind == Kind.DATA:
                data += frame.payload
            if frame.stream == stream and frame.flags & frames.END_STREAM:
                return {**result, "message": data[5:].decode("latin-1")}

    async def ends(self) -> list[Frame]:
        """All that comes until the server closes."""
        result = []
        while True:
            try:
                result.append(await self.frame())
            except (asyncio.IncompleteReadError, ConnectionError):
                return result

    async def error(self) -> int:
        """The code with which the server ends the connection."""
        for frame in await self.ends():
            if frame.kind == Kind.GOAWAY:
                return int.from_bytes(frame.payload[4:8], "big")
        raise AssertionError("the connection ended without GOAWAY")


def data(stream: int, payload: bytes, *, ends: bool = False) -> bytes:
    return frames.frame(Kind.DATA, stream, payload, frames.END_STREAM if ends else 0)


def message(content: bytes, *, compressed: bool = False) -> bytes:
    return bytes([compressed]) + len(content).to_bytes(4, "big") + content


class Server:
    """A running one. ``stop`` begins its end, ``task`` is it."""

    def __init__(self, port: int, connections: Connections, application: Application) -> None:
        self.port = port
        self.connections = connections
        self.application = application
        self.stop = asyncio.Event()
        self.task: asyncio.Task[None]

    @contextlib.asynccontextmanager
    async def peer(self, *, greeted: bool = True, **settings: int) -> AsyncIterator[Peer]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        peer = Peer(reader, writer)
        try:
            if greeted:
                await peer.greet(**settings)
            yield peer
        finally:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def serving(limits: HttpLimits | None = None) -> AsyncIterator[Server]:
    limits = limits or HttpLimits()
    server = Server(free_port(), Connections(limits), Application())
    methods = dict.fromkeys((ECHO, REFUSES, FAILS), server.application.open)
    ready = asyncio.Event()
    server.task = asyncio.create_task(
        serve_grpc(methods, host="127.0.0.1", port=server.port, stop=server.stop, connections=server.connections, ready=ready)
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            await ready.wait()
        yield server
    finally:
        server.stop.set()
        server.application.go_on.set()
        async with asyncio.timeout(DEADLINE_S):
            await server.task
