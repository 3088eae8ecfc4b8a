"""A producer and a viewer in one process, by one clock.

``python -m benchmarks.live`` reads a :class:`Job` and writes a :class:`Done`.

Events are sent at a steady rate, whatever the answers take (an open loop); three dashboards are open meanwhile. What is
followed is the rate of events by the second on ``user_analytics``: the sum of its points shows of each single event whether a
frame counts it.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections import deque

import msgspec
import uvloop
from msgspec import Struct
from websockets.asyncio.client import connect as open_socket

from benchmarks import figures, http
from benchmarks.payloads import TYPES, Events

RATE = "events.rate"
WATCHED = "user_analytics"
DASHBOARDS = ("system_overview", "user_analytics", "dharma_insights")
SETTLE_S = 15.0
TICK_S = 0.005


class Job(Struct, kw_only=True):
    """``rate`` events a second for ``seconds``, ``events`` in a request; the first ``warm_up_s`` do not count."""

    port: int
    key: str
    rate: int
    events: int
    seconds: float
    warm_up_s: float
    connections: int
    prefix: str


class Done(Struct, kw_only=True):
    """Milliseconds from the 202 to the frame, over ``counted`` events; ``frames`` came in all."""

    p50_ms: float
    p99_ms: float
    most_ms: float
    accept_p50_ms: float
    accept_p99_ms: float
    sent: int
    counted: int
    frames: int
    late_ms: float
    """How much later than planned the latest request was sent: the load's own honesty."""


class _Data(Struct):
    series: dict[str, list[tuple[int, float | None]]]


class _Frame(Struct):
    data: _Data


class _Viewer:
    """What the watched dashboard shows, and when."""

    def __init__(self) -> None:
        self.shown: list[tuple[float, float]] = []
        self.frames = 0
        self._seconds: dict[int, float] = {}
        self._decoder = msgspec.json.Decoder(_Frame)
        self._came = asyncio.Condition()

    async def wait_total(self, total: float) -> None:
        """Returns when the dashboard shows ``total`` events or more."""
        async with self._came:
            await self._came.wait_for(lambda: self.shown and self.shown[-1][1] >= total)

    async def watch(self, port: int, dashboard: str) -> None:
        url = f"ws://127.0.0.1:{port}/api/dashboard/ws/{dashboard}"
        async with open_socket(url, max_size=None, compression=None) as socket:
            async for text in socket:
                now = time.perf_counter()
                if dashboard != WATCHED:
                    continue
                self.frames += 1
                for second, rate in self._decoder.decode(text).data.series.get(RATE, ()):
                    self._seconds[second] = rate or 0.0
                self.shown.append((now, sum(self._seconds.values())))
                async with self._came:
                    self._came.notify_all()


async def run(job: Job) -> Done:
    viewer = _Viewer()
    async with asyncio.TaskGroup() as tasks:
        watching = [tasks.create_task(viewer.watch(job.port, dashboard)) for dashboard in DASHBOARDS]
        await viewer.wait_total(0)
        before = viewer.shown[-1][1]
        accepted, times, late = await _produce(job)
        sent = sum(count for _, count in accepted)
        with contextlib.suppress(TimeoutError):  # what is missing then is reported below
            async with asyncio.timeout(SETTLE_S):
                await viewer.wait_total(before + sent)
        for task in watching:
            task.cancel()
    shown = [(at, total - before) for at, total in viewer.shown]
    if shown[-1][1] != sent:
        raise SystemExit(f"{sent} events were accepted, the dashboard shows {shown[-1][1]:g}")
    measured = figures.delays(accepted, shown)
    counted = measured[int(job.warm_up_s * job.rate) :]
    return Done(
        p50_ms=figures.quantile(counted, 0.5) * 1000,
        p99_ms=figures.quantile(counted, 0.99) * 1000,
        most_ms=max(counted) * 1000,
        accept_p50_ms=figures.quantile(times, 0.5) * 1000,
        accept_p99_ms=figures.quantile(times, 0.99) * 1000,
        sent=sent,
        counted=len(counted),
        frames=viewer.frames,
        late_ms=late * 1000,
    )


async def _produce(job: Job) -> tuple[list[tuple[float, int]], list[float], float]:
    """Sends everything; returns when how many were accepted, how long each answer took, and the greatest lateness."""
    events = Events(job.prefix)
    count = int(job.rate * job.seconds / job.events)
    headers = {"authorization": f"Bearer {job.key}"}
    requests = []
    for number in range(count):
        kind = TYPES[number % len(TYPES)]
        body = events.one(kind) if job.events == 1 else events.batch(kind, job.events)
        requests.append(http.post("/api/events", body, headers))
    finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    connections = await http.connect(job.port, job.connections, finished)
    idle = deque(connections)
    accepted: list[tuple[float, int]] = []
    times: list[float] = []
    late = 0.0
    began = time.perf_counter()
    for number, request in enumerate(requests):
        due = began + number * job.events / job.rate
        while (now := time.perf_counter()) < due or not idle:
            if finished.done():
                finished.result()
            await asyncio.sleep(max(TICK_S if not idle else 0.0, min(TICK_S, due - now)))
        late = max(late, now - due)
        _send(idle, request, job.events, accepted, times, finished)
    while len(accepted) < count:
        if finished.done():
            finished.result()
        await asyncio.sleep(TICK_S)
    for connection in connections:
        connection.close()
    return accepted, times, late


def _send(
    idle: deque[http.Connection],
    request: bytes,
    events: int,
    accepted: list[tuple[float, int]],
    times: list[float],
    finished: asyncio.Future[None],
) -> None:
    connection = idle.popleft()
    sent = time.perf_counter()

    def done(status: int, body: bytes) -> None:
        now = time.perf_counter()
        if status != 202:
            with contextlib.suppress(asyncio.InvalidStateError):
                finished.set_exception(http.BadAnswer(f"{status}: {body[:200].decode(errors='replace')}"))
        accepted.append((now, events))
        times.append(now - sent)
        idle.append(connection)

    connection.send(request, done)


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(run(msgspec.json.decode(sys.stdin.buffer.read(), type=Job)))))
