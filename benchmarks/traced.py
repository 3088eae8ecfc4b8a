"""What ``@trace_dharma_operation`` costs on an async function, against OpenTelemetry's own decorator.

Both run in one process of their own, one right after the other in each round, with the SDK's provider and a processor that does
nothing. What counts is processor time. The function returns at once, so what is measured is the tracing alone. Sampled
means that every span is recorded; unsampled, that the sampler drops every trace.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

from benchmarks import figures
from benchmarks.figures import Round
from benchmarks.processes import BenchmarkFailed
from benchmarks.session import Session
from benchmarks.table import Result

AT_MOST = 1.1
CALLS = 5_000
ROUNDS = 25
SAMPLED, UNSAMPLED = "sampled", "unsampled"

Call = Callable[[int], Awaitable[int]]


async def sampled(session: Session) -> Result:
    return await _row(session, SAMPLED)


async def unsampled(session: Session) -> Result:
    return await _row(session, UNSAMPLED)


async def _row(session: Session, how: str) -> Result:
    rounds = await _measured(how)
    cost = figures.compare(rounds)
    session.say(f"traced {how}: {cost.ours:.2f} µs a call, OpenTelemetry's decorator {cost.reference:.2f} µs")
    return Result(
        name=f"traced-{how}",
        what=f"`@trace_dharma_operation` on an async function, {how}",
        sizes=f"{len(rounds)} × {CALLS:,} calls of each",
        ours=f"{cost.ours:.1f} µs CPU a call",
        reference=f"OpenTelemetry's decorator: {cost.reference:.1f} µs",
        ratio=f"{cost.ratio:.2f} × ({cost.lowest:.2f} to {cost.highest:.2f})",
        must_be=f"≤ {AT_MOST} ×",
        met=cost.ratio <= AT_MOST,
    )


async def _measured(how: str) -> list[Round]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks.traced", how, stdout=pipe, stderr=pipe)
    said, errors = await process.communicate()
    if process.returncode:
        raise BenchmarkFailed(f"the traced functions could not be measured: {errors.decode()}")
    return [Round(*pair) for pair in json.loads(said)]


def main(arguments: Sequence[str]) -> int:
    """The process that is measured: prints processor microseconds a call, ours and theirs, of each round."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

    from drishti.tracing import trace_dharma_operation

    provider = TracerProvider(sampler=ALWAYS_ON if arguments[0] == SAMPLED else ALWAYS_OFF, shutdown_on_exit=False)
    provider.add_span_processor(SpanProcessor())
    trace.set_tracer_provider(provider)

    async def guidance(number: int) -> int:
        return number

    ours: Call = trace_dharma_operation("guidance")(guidance)
    theirs: Call = trace.get_tracer("benchmarks").start_as_current_span("guidance")(guidance)

    async def measure() -> list[tuple[float, float]]:
        await _us(ours), await _us(theirs)  # warm
        return [(await _us(ours), await _us(theirs)) for _ in range(ROUNDS)]

    print(json.dumps(asyncio.run(measure())))
    return 0


async def _us(function: Call) -> float:
    began = time.process_time_ns()
    for number in range(CALLS):
        await function(number)
    return (time.process_time_ns() - began) / CALLS / 1000


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
