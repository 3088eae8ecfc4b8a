"""The load on an endpoint, in a process of its own: ``python -m benchmarks.load`` reads a :class:`Job`, writes a :class:`Done`.

All requests are made beforehand. Each connection sends its next one as soon as it has the last one's answer (a closed loop).
"""

from __future__ import annotations

import asyncio
import sys
import time

import msgspec
import uvloop
from msgspec import Struct

from benchmarks import figures, http
from benchmarks.payloads import Events

EVENT_TYPE = "dharma_query"


class Job(Struct, kw_only=True):
    """``requests`` requests with ``events`` events each (1: one event, not an array), over ``connections`` connections."""

    port: int
    path: str
    headers: dict[str, str]
    connections: int
    requests: int
    events: int
    prefix: str


class Done(Struct, kw_only=True):
    """What it took, and how many answers were not 202, with the first of those."""

    seconds: float
    p50_ms: float
    p99_ms: float
    body_bytes: int
    failed: int
    first_failure: str = ""


async def run(job: Job) -> Done:
    events = Events(job.prefix)
    bodies = [events.one(EVENT_TYPE) if job.events == 1 else events.batch(EVENT_TYPE, job.events) for _ in range(job.requests)]
    requests = iter([http.post(job.path, body, job.headers) for body in bodies])
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[None] = loop.create_future()
    connections = await http.connect(job.port, job.connections, finished)
    times: list[float] = []
    failures: list[str] = []

    def drive(connection: http.Connection) -> None:
        request = next(requests, None)
        if request is None:
            if len(times) == job.requests and not finished.done():
                finished.set_result(None)
            return
        sent = time.perf_counter()

        def done(status: int, body: bytes) -> None:
            times.append(time.perf_counter() - sent)
            if status != 202:
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
    return Done(
        seconds=seconds,
        p50_ms=figures.quantile(times, 0.5) * 1000,
        p99_ms=figures.quantile(times, 0.99) * 1000,
        body_bytes=sum(map(len, bodies)) // len(bodies),
        failed=len(failures),
        first_failure=failures[0] if failures else "",
    )


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(run(msgspec.json.decode(sys.stdin.buffer.read(), type=Job)))))
