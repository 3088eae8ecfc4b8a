"""A server within limits, in this process, and sockets that speak to it byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from drishti.service.http import server as http_server
from drishti.service.http.limits import Closed, Connections, HttpLimits
from drishti.service.lifecycle import serve_http
from drishti_local.ports import free_port
from rigs.waiting import DEADLINE_S

HOST = b"Host: localhost\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
CHUNKED = b"POST /echo HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)

PATIENT = HttpLimits(idle_s=2.0)
HASTY = HttpLimits(header_s=2.0, body_s=2.0, idle_s=2.0, answer_s=2.0)
"""Limits of time that a test can wait for, and that a busy machine keeps."""


class Said(NamedTuple):
    """All that the server sent until it closed the connection."""

    data: bytes
    seconds: float

    @property
    def statuses(self) -> list[int]:
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", self.data)]


class Peer:
    """One connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._began = time.monotonic()

    async def send(self, *parts: bytes) -> None:
        """Sends each part in a segment of its own, as far as the server takes them."""
        with contextlib.suppress(ConnectionError):
            for part in parts:
                self.writer.write(part)
                await self.writer.drain()
                await asyncio.sleep(0.01)

    async def until_closed(self) -> Said:
        data = bytearray()
        async with asyncio.timeout(DEADLINE_S):
            with contextlib.suppress(ConnectionError):
                while piece := await self.reader.read(65536):
                    data += piece
        return Said(bytes(data), time.monotonic() - self._began)

    async def answer(self) -> bytes:
        """The head of the next answer and its body, which must have a length."""
        async with asyncio.timeout(DEADLINE_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
            fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if b": " in line)
            return head + await self.reader.readexactly(int(fields.get(b"content-length", b"0")))


class Server:
    """The running server; ``closed`` counts what it closed and why."""

    def __init__(self, port: int, connections: Connections) -> None:
        self.port = port
        self.connections = connections

    @property
    def closed(self) -> dict[Closed, int]:
        return dict(self.connections.closed)

    @contextlib.asynccontextmanager
    async def peer(self, *parts: bytes) -> AsyncIterator[Peer]:
        peer = Peer(*await asyncio.open_connection("127.0.0.1", self.port))
        try:
            await peer.send(*parts)
            yield peer
        finally:
            peer.writer.transport.abort()

    async def said(self, *parts: bytes) -> Said:
        async with self.peer(*parts) as peer:
            return await peer.until_closed()


class Application:
    """``/`` reads nothing, ``/echo`` its body, ``/slow`` waits, ``/large`` is long, ``/ws`` returns what it gets."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.app = Starlette(
            routes=[
                Route("/", self._hello, methods=["GET", "POST"]),
                Route("/echo", self._echo, methods=["GET", "POST"]),
                Route("/slow", self._slow),
                Route("/large", self._large),
                WebSocketRoute("/ws", self._socket),
                WebSocketRoute("/feed", self._feed),
            ]
        )

    async def _hello(self, _request: Request) -> Response:
        return PlainTextResponse("hello")

    async def _echo(self, request: Request) -> Response:
        try:
            body = await request.body()
        except ClientDisconnect:
            return Response(status_code=499)
        return JSONResponse({"bytes": len(body), "headers": dict(request.headers)})

    async def _slow(self, _request: Request) -> Response:
        await self.go_on.wait()
        return PlainTextResponse("slow")

    async def _large(self, _request: Request) -> Response:
        return PlainTextResponse("x" * 20_000_000)

    async def _socket(self, websocket: WebSocket) -> None:
        await websocket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await websocket.send_text(await websocket.receive_text())

    async def _feed(self, websocket: WebSocket) -> None:
        await websocket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await websocket.send_text("x" * 65536)


@contextlib.asynccontextmanager
async def serving(limits: HttpLimits = PATIENT, application: Application | None = None) -> AsyncIterator[Server]:
    """A server of ``application`` with ``limits``."""
    port, stop, ready = free_port(), asyncio.Event(), asyncio.Event()
    connections = Connections(limits)
    app = (application or Application()).app
    task = asyncio.create_task(serve_http(app, host="127.0.0.1", port=port, stop=stop, ready=ready, connections=connections))
    async with asyncio.timeout(DEADLINE_S):
        await asyncio.wait((asyncio.create_task(ready.wait()), task), return_when=asyncio.FIRST_COMPLETED)
    try:
        yield Server(port, connections)
    finally:
        stop.set()
        async with asyncio.timeout(DEADLINE_S + http_server.GRACE_S):
            await task
