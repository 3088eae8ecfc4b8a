"""The load on an endpoint, in a process of its own: ``python -m benchmarks.load`` reads a :class:`Job`, writes a :class:`Done`.

All requests are made beforehand. Each connection sends its next one as soon as it has the last one's answer (a closed loop); by
gRPC as many calls are under way over one connection, as exporters have it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

import grpc
import grpc.aio
import msgspec
import uvloop
from msgspec import Struct

from benchmarks import figures, http, span_payloads
from benchmarks.payloads import Events

EVENT_TYPE = "dharma_query"


class Job(Struct, kw_only=True):
    """``requests`` requests with ``events`` events each (1: one event, not an array), over ``connections`` connections.

    With ``spans`` they are export requests with that many spans each instead; ``grpc``: by gRPC, to the method ``path``.
    """

    spans: int = 0
    grpc: bool = False
    port: int
    path: str
    headers: dict[str, str]
    connections: int
    requests: int
    events: int
    prefix: str


class Done(Struct, kw_only=True):
    """What it took, and how many answers were not 200 or 202, with the first of those."""

    seconds: float
    p50_ms: float
    p99_ms: float
    body_bytes: int
    failed: int
    first_failure: str = ""


async def run(job: Job) -> Done:
    bodies = _bodies(job)
    times: list[float] = []
    failures: list[str] = []
    seconds = await (_by_grpc if job.grpc else _by_http)(job, bodies, times, failures)
    return Done(
        seconds=seconds,
        p50_ms=figures.quantile(times, 0.5) * 1000,
        p99_ms=figures.quantile(times, 0.99) * 1000,
        body_bytes=sum(map(len, bodies)) // len(bodies),
        failed=len(failures),
        first_failure=failures[0] if failures else "",
    )


def _bodies(job: Job) -> list[bytes]:
    if job.spans:
        return span_payloads.exports(job.requests, job.spans)
    events = Events(job.prefix)
    return [events.one(EVENT_TYPE) if job.events == 1 else events.batch(EVENT_TYPE, job.events) for _ in range(job.requests)]


async def _by_http(job: Job, bodies: list[bytes], times: list[float], failures: list[str]) -> float:
    """The seconds from the first request to the last answer."""
    media_type = "application/x-protobuf" if job.spans else "application/json"
    requests = iter([http.post(job.path, body, job.headers, media_type) for body in bodies])
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[None] = loop.create_future()
    connections = await http.connect(job.port, job.connections, finished)

    def drive(connection: http.Connection) -> None:
        request = next(requests, None)
        if request is None:
            if len(times) == job.requests and not finished.done():
                finished.set_result(None)
            return
        sent = time.perf_counter()

        def done(status: int, body: bytes) -> None:
            times.append(time.perf_counter() - sent)
            if status not in (200, 202):
                failures.append(f"{status}: {body[:200].decode(errors='replace')}")
            drive(connection)

        connection.send(request, done)

    began = time.perf_counter()
    for connection in connections:
        drive(connection)
    await finished
    seconds = time.perf_counter() - began
    for connection in connections:
        connection.close()
    return seconds


async def _by_grpc(job: Job, bodies: list[bytes], times: list[float], failures: list[str]) -> float:
    """The same by gRPC's own client."""
    rest = iter(bodies)
    metadata = tuple(job.headers.items())

    async def drive(call: Callable[..., Awaitable[bytes]]) -> None:
        for body in rest:
            sent = time.perf_counter()
            try:
                await call(body, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                failures.append(f"{error.code().name}: {error.details()}")
            times.append(time.perf_counter() - sent)

    async with grpc.aio.insecure_channel(f"127.0.0.1:{job.port}") as channel:
        await channel.channel_ready()
        began = time.perf_counter()
        await asyncio.gather(*(drive(channel.unary_unary(job.path)) for _ in range(job.connections)))
        return time.perf_counter() - began


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(run(msgspec.json.decode(sys.stdin.buffer.read(), type=Job)))))
