"""Many viewers of one address in one process, and what the servers behind it spend meanwhile.

``python -m benchmarks.live_viewers`` reads a :class:`Job` and writes a :class:`Done`. A viewer looks for one thing in each
frame: ``"ts":``, the milliseconds at which it was built, by the clock of this machine. Some viewers may read
nothing at all after the handshake.
"""

from __future__ import annotations

import asyncio
import re
import socket
import sys
import time
from typing import cast

import msgspec
import psutil
import uvloop
from msgspec import Struct

from benchmarks import figures

HANDSHAKES_AT_ONCE = 50
SMALL_BUFFER = 4096
_TS = re.compile(rb'"ts":(\d+)')
_SNAPSHOT = b'"type":"snapshot"'


class Job(Struct, kw_only=True):
    """``viewers``, of which ``stalled`` read nothing; ``processes``: whose CPU counts, for ``seconds`` after ``warm_up_s``."""

    port: int
    path: str
    viewers: int
    seconds: float
    warm_up_s: float
    processes: list[int]
    stalled: int = 0


class Done(Struct, kw_only=True):
    """Of the frames that came in the time that counts. ``share``: of one core, that the processes had."""

    frames: int
    frame_bytes: int
    cpu_us: float
    share: float
    p50_ms: float
    p99_ms: float
    closed: int


class _Viewer(asyncio.Protocol):
    """One WebSocket client that speaks as little as it may."""

    def __init__(self, log: _Log, port: int, path: str) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._log = log
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ).encode()
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        data = self._data + data if self._data else data
        start = 0
        if not self.opened.done():
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._data = data
                return
            if b" 101 " not in data[:20]:
                self.opened.set_exception(ConnectionError(data[:200].decode(errors="replace")))
                return
            self.opened.set_result(None)
            start = end + 4
        while len(data) - start >= 2:
            size, head = data[start + 1], 2
            if size == 126:
                size, head = int.from_bytes(data[start + 2 : start + 4], "big"), 4
            elif size == 127:
                size, head = int.from_bytes(data[start + 2 : start + 10], "big"), 10
            end = start + head + size
            if len(data) < end:
                break
            self._take(data[start] & 15, data[start + head : end])
            start = end
        self._data = data[start:]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == 1:
            self._log.take(payload)
        elif opcode == 9:
            self.transport.write(bytes((0x8A, 0x80 | len(payload), 0, 0, 0, 0)) + payload)

    def connection_lost(self, exc: Exception | None) -> None:
        self._log.closed += 1
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("closed during the handshake"))


class _Log:
    def __init__(self) -> None:
        self.counts = False
        self.delays: list[float] = []
        self.bytes = 0
        self.closed = 0

    def take(self, payload: bytes) -> None:
        if not self.counts or _SNAPSHOT in payload[:40]:
            return
        found = _TS.search(payload)
        if found is not None:
            self.delays.append(time.time() * 1000 - int(found[1]))
            self.bytes += len(payload)


async def run(job: Job) -> Done:
    loop = asyncio.get_running_loop()
    log = _Log()
    viewers = []
    stalled = [await _stall(job) for _ in range(job.stalled)]
    for start in range(0, job.viewers - job.stalled, HANDSHAKES_AT_ONCE):
        some = []
        for _ in range(min(HANDSHAKES_AT_ONCE, job.viewers - job.stalled - start)):
            _, viewer = await loop.create_connection(lambda: _Viewer(log, job.port, job.path), "127.0.0.1", job.port)
            some.append(viewer)
        for viewer in some:
            await viewer.opened
        viewers += some
    await asyncio.sleep(job.warm_up_s)
    processes = [psutil.Process(pid) for pid in job.processes]
    before, began = _cpu_s(processes), time.perf_counter()
    log.counts = True
    await asyncio.sleep(job.seconds)
    log.counts = False
    cpu_s, took = _cpu_s(processes) - before, time.perf_counter() - began
    closed = log.closed
    for viewer in viewers:
        viewer.transport.abort()
    for raw in stalled:
        raw.close()
    return Done(
        frames=len(log.delays),
        frame_bytes=round(log.bytes / max(1, len(log.delays))),
        cpu_us=cpu_s * 1e6 / max(1, len(log.delays)),
        share=cpu_s / took,
        p50_ms=figures.quantile(log.delays, 0.5),
        p99_ms=figures.quantile(log.delays, 0.99),
        closed=closed,
    )


async def _stall(job: Job) -> socket.socket:
    """A viewer that answers the first ping and then never reads again, with room for a few frames."""
    loop = asyncio.get_running_loop()
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    raw.setblocking(False)
    await loop.sock_connect(raw, ("127.0.0.1", job.port))
    request = (
        f"GET {job.path} HTTP/1.1\r\nHost: localhost:{job.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    await loop.sock_sendall(raw, request.encode())
    answer = b""
    while b"\r\n\r\n" not in answer or len(answer.partition(b"\r\n\r\n")[2]) < 6:
        if not (piece := await loop.sock_recv(raw, 512)):
            raise ConnectionError(answer.decode(errors="replace") or "closed during the handshake")
        answer += piece
    ping = answer.partition(b"\r\n\r\n")[2]
    if ping[0] & 15 == 9:
        await loop.sock_sendall(raw, bytes((0x8A, 0x80 | ping[1], 0, 0, 0, 0)) + ping[2 : 2 + ping[1]])
    return raw


def _cpu_s(processes: list[psutil.Process]) -> float:
    return sum(times.user + times.system for times in (process.cpu_times() for process in processes))


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(run(msgspec.json.decode(sys.stdin.buffer.read(), type=Job)))))
