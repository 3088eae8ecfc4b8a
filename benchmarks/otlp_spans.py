"""Export requests of spans through the gateway, by HTTP and by gRPC, against endpoints that publish the body unread.

The reference for HTTP is that of ``batches``; for gRPC it is gRPC's own server with one JetStream publish for each call. Both
take turns. Bodies are those of one service each with as many spans as ``batches`` has events, and no two are the same: a
message that is sent again is stored once.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

from benchmarks import bare, figures, load
from benchmarks.figures import Round
from benchmarks.processes import ROOT, BenchmarkFailed, Running, call, ready, running
from benchmarks.services import House, house
from benchmarks.session import Options, Session
from benchmarks.table import Result
from drishti.messages import subjects
from drishti.messages.catalogue import GATEWAY, SPANS
from drishti_local.ports import free_port
from drishti_local.spec import Spec

AT_LEAST = 0.75
WARM_UP_REQUESTS = 50
GRPC_PATH = f"/{bare.GRPC_SERVICE}/Export"


class _Side(NamedTuple):
    """One of the two that take turns."""

    name: str
    process: Running
    port: int
    path: str
    headers: dict[str, str]


class _Measured(NamedTuple):
    per_s: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    body_bytes: int


async def by_http(session: Session) -> Result:
    return await _compare(session, "otlp-spans", grpc=False)


async def by_grpc(session: Session) -> Result:
    return await _compare(session, "otlp-spans-grpc", grpc=True)


async def _compare(session: Session, name: str, *, grpc: bool) -> Result:
    options = session.options
    requests = options.span_requests
    measured: dict[str, list[_Measured]] = {"gateway": [], "bare": []}
    async with house(session.folder(name)) as home:
        ours = home.program(GATEWAY, environ={})
        port, grpc_port = free_port(), free_port()
        env = {
            **ours.spec.env,
            "BARE_PORT": str(port),
            "BARE_GRPC_PORT": str(grpc_port),
            "BARE_SUBJECT": subjects.spans("default", "service-0"),
        }
        spec = Spec(argv=[sys.executable, "-m", "benchmarks.bare"], env=env, cwd=ROOT)
        with running("bare", spec, home.nats.home.logs) as reference:
            async with home.service(ours) as gateway:
                await ready(reference, port, bare.PATH)
                key = {"authorization": f"Bearer {home.key}"}
                sides = (
                    [
                        _Side("gateway", gateway, int(ours.spec.env["GATEWAY_OTLP_GRPC_PORT"]), GRPC_PATH, key),
                        _Side("bare", reference, grpc_port, GRPC_PATH, {}),
                    ]
                    if grpc
                    else [
                        _Side("gateway", gateway, ours.port, "/v1/traces", key),
                        _Side("bare", reference, port, bare.PATH, {}),
                    ]
                )
                for side in sides:
                    await _measure(home, side, options, WARM_UP_REQUESTS, grpc=grpc)
                for number in range(1, options.rounds + 1):
                    for side in sides:
                        measured[side.name].append(await _measure(home, side, options, requests, grpc=grpc))
                    sides.reverse()
                    last = {side: measured[side][-1] for side in measured}
                    session.say(
                        f"{name} {number}/{options.rounds}: gateway {last['gateway'].per_s:,.0f} spans/s "
                        f"({last['gateway'].cpu_us:.2f} µs CPU each), bare {last['bare'].per_s:,.0f} "
                        f"({last['bare'].cpu_us:.2f} µs)"
                    )
    return _result(name, measured["gateway"], measured["bare"], options, grpc=grpc)


async def _measure(home: House, side: _Side, options: Options, requests: int, *, grpc: bool) -> _Measured:
    await home.admin.js.purge_stream(SPANS)
    job = load.Job(
        port=side.port,
        path=side.path,
        headers=side.headers,
        connections=options.connections,
        requests=requests,
        events=0,
        spans=options.span_batch,
        grpc=grpc,
        prefix="",
    )
    side.process.check()
    before = side.process.cpu_s()
    done = await call("benchmarks.load", job, load.Done)
    cpu_s = side.process.cpu_s() - before
    if done.failed:
        raise BenchmarkFailed(f"{side.name}: {done.failed} of {requests} requests failed; the first: {done.first_failure}")
    stored = (await home.admin.js.stream_info(SPANS)).state.messages
    if stored != requests:
        raise BenchmarkFailed(f"{side.name}: {stored} messages are on SPANS after {requests} requests")
    spans = requests * options.span_batch
    return _Measured(spans / done.seconds, cpu_s / spans * 1e6, done.p50_ms, done.p99_ms, done.body_bytes)


def _result(name: str, ours: list[_Measured], bare_: list[_Measured], options: Options, *, grpc: bool) -> Result:
    wall = figures.compare([Round(a.per_s, b.per_s) for a, b in zip(ours, bare_, strict=True)])
    cpu = figures.compare([Round(a.cpu_us, b.cpu_us) for a, b in zip(ours, bare_, strict=True)])
    latency = [figures.compare([Round(a[i], b[i]) for a, b in zip(ours, bare_, strict=True)]) for i in (2, 3)]
    reference = "gRPC's own server" if grpc else "bare Starlette endpoint"
    return Result(
        name=name,
        what=f"OTLP spans through the gateway, by {'gRPC' if grpc else 'HTTP'}, acked",
        sizes=f"{len(ours)} × {options.span_requests:,} requests of {options.span_batch} spans, "
        f"{ours[0].body_bytes / 1000:.0f} kB, {options.connections} at once",
        ours=f"{wall.ours:,.0f} spans/s, {cpu.ours:.1f} µs CPU each",
        reference=f"{reference}, one JetStream publish: {wall.reference:,.0f} spans/s, {cpu.reference:.1f} µs",
        ratio=f"{wall.ratio:.2f} × ({wall.lowest:.2f} to {wall.highest:.2f})",
        must_be=f"≥ {AT_LEAST} ×",
        met=wall.ratio >= AT_LEAST,
        notes=[
            f"processor time of the serving process: {cpu.ratio:.2f} × the reference's ({cpu.lowest:.2f} to {cpu.highest:.2f})",
            f"answer after p50 {latency[0].ours:.1f} ms, p99 {latency[1].ours:.1f} ms; "
            f"the reference's {latency[0].reference:.1f} ms, {latency[1].reference:.1f} ms",
        ],
    )
