"""The gateway against a bare endpoint: single events, and batches. Both answer after JetStream's ack."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Mapping
from typing import NamedTuple

from benchmarks import bare, figures, load
from benchmarks.figures import Round
from benchmarks.processes import ROOT, BenchmarkFailed, Running, call, ready, running
from benchmarks.services import House, house
from benchmarks.session import Session
from benchmarks.table import Result
from drishti.messages.catalogue import EVENTS, GATEWAY
from drishti_local.ports import free_port
from drishti_local.programs import Program
from drishti_local.spec import Spec

SINGLE_AT_LEAST = 0.6
BATCHES_AT_LEAST = 0.75
WARM_UP_REQUESTS = 500


class _Side(NamedTuple):
    """One of the two that take turns."""

    name: str
    process: Running
    port: int
    path: str
    headers: Mapping[str, str]


class _Measured(NamedTuple):
    per_s: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    body_bytes: int


async def single(session: Session) -> Result:
    return await _compare(session, "single", "single events", session.options.single_requests, 1, SINGLE_AT_LEAST)


async def batches(session: Session) -> Result:
    options = session.options
    what = f"batches of {options.batch_events}"
    return await _compare(session, "batches", what, options.batch_requests, options.batch_events, BATCHES_AT_LEAST)


async def _compare(session: Session, name: str, what: str, requests: int, events: int, at_least: float) -> Result:
    options = session.options
    measured: dict[str, list[_Measured]] = {"gateway": [], "bare": []}
    async with house(session.folder(name)) as home:
        ours = home.program(GATEWAY, environ={})
        port = free_port()
        with running("bare", _bare_spec(ours, port), home.nats.home.logs) as reference:
            async with home.service(ours) as gateway:
                await ready(reference, port, bare.PATH)
                sides = [
                    _Side("gateway", gateway, ours.port, "/api/events", {"authorization": f"Bearer {home.key}"}),
                    _Side("bare", reference, port, bare.PATH, {}),
                ]
                for side in sides:
                    await _measure(home, side, options.connections, WARM_UP_REQUESTS, events)
                for number in range(1, options.rounds + 1):
                    for side in sides:
                        measured[side.name].append(await _measure(home, side, options.connections, requests, events))
                    sides.reverse()
                    last = {side: measured[side][-1] for side in measured}
                    session.say(
                        f"{name} {number}/{options.rounds}: gateway {last['gateway'].per_s:,.0f} requests/s "
                        f"({last['gateway'].cpu_us:.0f} µs CPU), bare {last['bare'].per_s:,.0f} ({last['bare'].cpu_us:.0f} µs)"
                    )
    return _result(name, what, measured["gateway"], measured["bare"], requests, events, options.connections, at_least)


async def _measure(home: House, side: _Side, connections: int, requests: int, events: int) -> _Measured:
    await home.admin.js.purge_stream(EVENTS)
    job = load.Job(
        port=side.port,
        path=side.path,
        headers=dict(side.headers),
        connections=connections,
        requests=requests,
        events=events,
        prefix=uuid.uuid4().hex,
    )
    side.process.check()
    before = side.process.cpu_s()
    done = await call("benchmarks.load", job, load.Done)
    cpu_s = side.process.cpu_s() - before
    if done.failed:
        raise BenchmarkFailed(f"{side.name}: {done.failed} of {requests} answers were not 202; the first: {done.first_failure}")
    return _Measured(requests / done.seconds, cpu_s / requests * 1e6, done.p50_ms, done.p99_ms, done.body_bytes)


def _bare_spec(gateway: Program, port: int) -> Spec:
    """The bare endpoint in the gateway's environment, so that both have the same interpreter, libraries and bus user."""
    return Spec(argv=[sys.executable, "-m", "benchmarks.bare"], env={**gateway.spec.env, "BARE_PORT": str(port)}, cwd=ROOT)


def _result(
    name: str,
    what: str,
    ours: list[_Measured],
    bare_: list[_Measured],
    requests: int,
    events: int,
    connections: int,
    at_least: float,
) -> Result:
    wall = figures.compare([Round(a.per_s, b.per_s) for a, b in zip(ours, bare_, strict=True)])
    cpu = figures.compare([Round(a.cpu_us, b.cpu_us) for a, b in zip(ours, bare_, strict=True)])
    latency = [figures.compare([Round(a[i], b[i]) for a, b in zip(ours, bare_, strict=True)]) for i in (2, 3)]
    size = f"{ours[0].body_bytes:,} B" if events == 1 else f"{ours[0].body_bytes / 1000:.0f} kB"
    per_s = f"{wall.ours:,.0f} requests/s" + (f" = {wall.ours * events / 1000:,.0f}k events/s" if events > 1 else "")
    return Result(
        name=name,
        what=f"gateway, {what}, acked",
        sizes=f"{len(ours)} × {requests:,} requests of {size}, {connections} connections",
        ours=f"{per_s}, {cpu.ours:.0f} µs CPU each",
        reference=f"bare Starlette endpoint, one JetStream publish: {wall.reference:,.0f} requests/s, {cpu.reference:.0f} µs",
        ratio=f"{wall.ratio:.2f} × ({wall.lowest:.2f} to {wall.highest:.2f})",
        must_be=f"≥ {at_least} ×",
        met=wall.ratio >= at_least,
        notes=[
            f"processor time of the serving process: {cpu.ratio:.2f} × the reference's ({cpu.lowest:.2f} to {cpu.highest:.2f})",
            f"answer after p50 {latency[0].ours:.1f} ms, p99 {latency[1].ours:.1f} ms; "
            f"the reference's {latency[0].reference:.1f} ms, {latency[1].reference:.1f} ms",
        ],
    )
