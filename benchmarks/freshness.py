"""How soon an open dashboard counts an event that the gateway has accepted, with everything on this machine."""

from __future__ import annotations

import uuid

from benchmarks import live, stack
from benchmarks.processes import call
from benchmarks.session import Session
from benchmarks.table import Result

P50_AT_MOST_MS = 150.0
P99_AT_MOST_MS = 300.0
WARM_UP_S = 5.0


async def freshness(session: Session) -> Result:
    options = session.options
    async with stack.running(stack.local("run"), session.folder("freshness") / "home") as run:
        session.say(f"freshness: {options.live_rate:,} events/s for {options.live_seconds:g} s")
        job = live.Job(
            port=run.ports["GATEWAY_PORT"],
            key=run.client_env()["DRISHTI_API_KEY"],
            rate=options.live_rate,
            events=options.live_events,
            seconds=options.live_seconds + WARM_UP_S,
            warm_up_s=WARM_UP_S,
            connections=options.connections,
            prefix=f"live-{uuid.uuid4().hex[:8]}",
        )
        done = await call("benchmarks.live", job, live.Done)
    return Result(
        name="freshness",
        what=f"event accepted → WebSocket frame, at {options.live_rate:,} events/s, load and viewers included",
        sizes=f"{done.counted:,} events in requests of {options.live_events}, 5 types, 3 dashboards open",
        ours=f"p50 {done.p50_ms:.0f} ms, p99 {done.p99_ms:.0f} ms, most {done.most_ms:.0f} ms",
        must_be=f"p50 ≤ {P50_AT_MOST_MS:g} ms, p99 ≤ {P99_AT_MOST_MS:g} ms",
        met=done.p50_ms <= P50_AT_MOST_MS and done.p99_ms <= P99_AT_MOST_MS,
        notes=[
            f"the 202 came after p50 {done.accept_p50_ms:.1f} ms, p99 {done.accept_p99_ms:.1f} ms; "
            f"requests were sent at most {done.late_ms:.0f} ms late",
            f"all {done.sent:,} events were counted, each once; {done.frames} frames on the followed dashboard",
        ],
    )
