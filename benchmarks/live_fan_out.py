"""What a thousand viewers of one dashboard cost, and whether those who read nothing cost the others something."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator
from statistics import median

from benchmarks import live_reference, live_viewers
from benchmarks.processes import ROOT, Running, call, ready, running
from benchmarks.services import House, house
from benchmarks.session import Session
from benchmarks.table import Result
from drishti.events import Aggregate, AggregateSeries, encode
from drishti.messages import catalogue, subjects
from drishti_local.ports import free_port
from drishti_local.spec import Spec

CPU_AT_MOST = 1.5
P99_AT_MOST = 1.5
STALLED_P99_AT_MOST = 1.2
STALLED_VIEWERS = 2_000
STALLED = 50
SERVICES = 7
"""With so many services a frame of the dashboard has some two kilobytes."""

ROUNDS = 3
WARM_UP_S = 3.0
DASHBOARD = "/api/dashboard/ws/system_overview"


async def viewers(session: Session) -> Result:
    """A thousand viewers through the gateway, by turns with the reference."""
    options = session.options
    ours, reference = [], []
    async with _feeding(session) as feeding:
        for number in range(1, ROUNDS + 1):
            ours.append(await feeding.measure(options.viewers))
            reference.append(await _reference(session, options.viewers, options.viewer_seconds, ours[-1].frame_bytes))
            session.say(f"viewers: {number} of {ROUNDS}: {ours[-1].cpu_us:.1f} µs, {reference[-1].cpu_us:.1f} µs")
    cpu = median(a.cpu_us / b.cpu_us for a, b in zip(ours, reference, strict=True))
    p99 = median(a.p99_ms / b.p99_ms for a, b in zip(ours, reference, strict=True))
    return Result(
        name="viewers",
        what="a frame to one of many viewers of a dashboard: CPU of gateway and dashboard-stream; built → read",
        sizes=f"{options.viewers:,} viewers, frames of {median(d.frame_bytes for d in ours):,.0f} bytes, 10/s",
        ours=_figures(ours),
        reference=f"{_figures(reference)} (broadcast of `websockets`)",
        ratio=f"CPU {cpu:.2f}, p99 {p99:.2f}",
        must_be=f"CPU ≤ {CPU_AT_MOST:g} ×, p99 ≤ {P99_AT_MOST:g} ×",
        met=cpu <= CPU_AT_MOST and p99 <= P99_AT_MOST,
        notes=[f"gateway and dashboard-stream had {median(d.share for d in ours):.0%} of a core together"],
    )


async def stalled(session: Session) -> Result:
    """Two thousand viewers, with some and with none among them who read nothing."""
    some, none = [], []
    async with _feeding(session) as feeding:
        for number in range(1, ROUNDS + 1):
            some.append(await feeding.measure(STALLED_VIEWERS, STALLED))
            none.append(await feeding.measure(STALLED_VIEWERS))
            session.say(f"viewers-stalled: {number} of {ROUNDS}: p99 {some[-1].p99_ms:.0f} ms, {none[-1].p99_ms:.0f} ms")
    p99 = median(a.p99_ms / b.p99_ms for a, b in zip(some, none, strict=True))
    share = median(d.share for d in none)
    return Result(
        name="viewers-stalled",
        what="the same beside viewers who read nothing",
        sizes=f"{STALLED} stalled of {STALLED_VIEWERS:,} viewers",
        ours=_figures(some),
        reference=f"{_figures(none)} (none stalled)",
        ratio=f"p99 {p99:.2f}",
        must_be=f"p99 ≤ {STALLED_P99_AT_MOST:g} ×, both services within one core",
        met=p99 <= STALLED_P99_AT_MOST and share <= 1.0,
        notes=[f"gateway and dashboard-stream had {share:.0%} of a core together"],
    )


class _Feeding:
    """Gateway and dashboard-stream, with new numbers ten times a second."""

    def __init__(self, port: int, processes: list[Running], seconds: float) -> None:
        self._port = port
        self._processes = processes
        self._seconds = seconds

    async def measure(self, count: int, stalled: int = 0) -> live_viewers.Done:
        return await call(
            "benchmarks.live_viewers",
            live_viewers.Job(
                port=self._port,
                path=DASHBOARD,
                viewers=count,
                stalled=stalled,
                seconds=self._seconds,
                warm_up_s=WARM_UP_S,
                processes=[process.pid for process in self._processes],
            ),
            live_viewers.Done,
        )


@contextlib.asynccontextmanager
async def _feeding(session: Session) -> AsyncIterator[_Feeding]:
    async with house(session.folder(f"viewers-{free_port()}")) as h:
        dashboard = h.program(catalogue.DASHBOARD, environ=os.environ)
        gateway = h.program(catalogue.GATEWAY, environ=os.environ, dashboard_port=dashboard.port)
        async with h.service(dashboard) as stream, h.service(gateway) as entry:
            feeding = asyncio.create_task(_feed(h))
            try:
                yield _Feeding(gateway.port, [stream, entry], session.options.viewer_seconds)
            finally:
                feeding.cancel()
                await asyncio.wait((feeding,))


async def _feed(h: House) -> None:
    """New numbers of the running second, ten times a second."""
    due, revision = time.monotonic(), 0
    while True:
        revision += 1
        start = int(time.time()) * 1000
        for metric in ("requests", "llm_calls"):
            series = [AggregateSeries(labels={"service": f"service-{n}"}, count=revision + n) for n in range(SERVICES)]
            aggregate = Aggregate(
                tenant="default",
                metric=metric,
                unit="1",
                resolution="1s",
                window_start=start,
                revision=revision,
                published_at=int(time.time() * 1000),
                series=[AggregateSeries(labels={}, count=revision), *series],
            )
            await h.admin.publish(subjects.aggregates("default", "1s", metric), encode(aggregate))
        due += live_reference.EVERY_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def _reference(session: Session, count: int, seconds: float, size: int) -> live_viewers.Done:
    port = free_port()
    spec = Spec(
        argv=[sys.executable, "-m", "benchmarks.live_reference"],
        env={**os.environ, "REFERENCE_PORT": str(port), "REFERENCE_BYTES": str(size)},
        cwd=ROOT,
    )
    with running("reference", spec, session.folder(f"reference-{port}")) as program:
        await ready(program, port)
        job = live_viewers.Job(
            port=port, path="/", viewers=count, seconds=seconds, warm_up_s=WARM_UP_S, processes=[program.pid]
        )
        return await call("benchmarks.live_viewers", job, live_viewers.Done)


def _figures(rounds: list[live_viewers.Done]) -> str:
    cpu, p50, p99 = (median(getattr(d, name) for d in rounds) for name in ("cpu_us", "p50_ms", "p99_ms"))
    return f"{cpu:.1f} µs, p50 {p50:.0f} ms, p99 {p99:.0f} ms"
