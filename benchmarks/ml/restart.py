"""How soon a predictor judges again: after a restart, and when it takes over from one that was killed.

Four metrics of 250 watched series each, as windows of one second: a quarter of an hour of them is published as fast as it goes
and learnt by a predictor, which is then ended by SIGTERM. From then on the windows come as they do live, one a second, three
seconds after their end. A series that begins with the new process is reported as such (``learning``) with the first window that
is judged: the time from the start of the process to that insight on the bus is what is measured, everything included.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from nats.aio.msg import Msg

from benchmarks import processes
from benchmarks.ml.measure import Measure
from benchmarks.services import House, house
from drishti.bus.connection import Bus
from drishti.events import Aggregate, AggregateSeries, AnomalyInsight, encode
from drishti.messages import catalogue, subjects
from drishti_local.ports import free_port
from predictor.replicas import assignment

if TYPE_CHECKING:
    from benchmarks.ml.public import Session

METRICS = {
    "requests": ("service", 124),
    "request_duration_ms": ("service", 124),
    "llm_duration_ms": ("model", 124),
    "events": ("event_type", 249),
}
"""Label and number of its values; the total is one more, and all but ``events`` are watched in two fields: 1,000 series."""

HISTORY_S = 900
LATE_S = 4.0
"""When a window of one second is published, after its beginning."""

LEARN_S = 300.0
"""How long the quarter of an hour may take to learn."""

AT_MOST_S = 10.0
TENANT = "default"
MARKED = "requests"


class _Traffic:
    """The windows of :data:`METRICS`; :meth:`mark` makes a series that is there from the next window on."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._rng = np.random.default_rng(4)
        self._marks: list[str] = []
        self._reported: dict[str, asyncio.Event] = {}
        self._next = int(time.time() - LATE_S) - HISTORY_S

    def mark(self, name: str) -> asyncio.Event:
        """The event is set when an insight tells of the series."""
        self._marks.append(name)
        self._reported[name] = asyncio.Event()
        return self._reported[name]

    async def catch_up(self) -> None:
        while self._next <= time.time() - LATE_S:
            await asyncio.gather(*(self._publish(metric, self._next) for metric in METRICS))
            self._next += 1

    async def run(self, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as tasks:
            wanted = [f"insights.v1.{TENANT}.anomaly.{MARKED}"]
            tasks.create_task(
                self._bus.replay(catalogue.INSIGHTS, subjects=wanted, start=datetime.now(UTC), handler=self._hear, stop=stop)
            )
            while not stop.is_set():
                await self.catch_up()
                await asyncio.sleep(0.05)

    async def _publish(self, metric: str, second: int) -> None:
        label, count = METRICS[metric]
        names = [f"{label}-{i}" for i in range(count)] + (self._marks if metric == MARKED else [])
        series = [self._series({}), *(self._series({label: name}) for name in names)]
        window = Aggregate(
            tenant=TENANT,
            metric=metric,
            unit="ms" if metric.endswith("_ms") else f"{{{metric}}}",
            resolution="1s",
            window_start=second * 1000,
            revision=second * 1000 + 3000,
            final=True,
            published_at=second * 1000 + 3000,
            series=series,
        )
        await self._bus.publish(subjects.aggregates(TENANT, "1s", metric), encode(window))

    def _series(self, labels: dict[str, str]) -> AggregateSeries:
        count = int(self._rng.integers(3, 9))
        p50, p95 = 100 + 20 * self._rng.random(), 300 + 60 * self._rng.random()
        return AggregateSeries(
            labels=labels, count=count, errors=0, sum=count * p50, min=20.0, max=p95, p50=p50, p95=p95, p99=p95
        )

    async def _hear(self, msg: Msg) -> None:
        insight = msgspec.json.decode(msg.data, type=AnomalyInsight)
        for name in insight.labels.values():
            if name in self._reported:
                self._reported[name].set()


def restart(run: Session) -> list[Measure]:
    """Two lines: a restart in order, and a takeover after SIGKILL."""
    return asyncio.run(_restart(run))


async def _restart(run: Session) -> list[Measure]:
    async with house(run.folder / "restart") as at_home, _traffic(at_home.admin) as traffic:
        run.say("restart: a quarter of an hour is to be learnt")
        with _started(at_home, "learning"):
            learnt = await _until_reported(traffic.mark("learnt"))
        run.say(f"restart: learnt within {learnt:.1f} s")
        with _started(at_home, "restarted"):
            again = await _until_reported(traffic.mark("restarted"))
            run.say(f"restart: first score after {again:.1f} s")
            with _started(at_home, "second"):
                over = await _taken_over(at_home, traffic)
    run.say(f"restart: taken over within {over:.1f} s")
    return [
        _measure("restart with 1,000 series: to the first score", again),
        _measure("takeover of a killed replica, 1,000 series: to the first score of its own", over),
    ]


async def _taken_over(at_home: House, traffic: _Traffic) -> float:
    """Kills who owns the marked metric and waits until the other one judges it."""
    number = assignment.partition(subjects.aggregates(TENANT, "1s", MARKED))

    living: dict[str, int] = {}

    async def both() -> bool:
        living.update(await _roll(at_home.admin))
        return len(living) == 2

    await processes.until(both, "two replicas")
    await _until_reported(traffic.mark("divided"))
    os.kill(living[assignment.owner(number, living)], 9)
    return await _until_reported(traffic.mark("taken over"))


async def _roll(bus: Bus) -> dict[str, int]:
    """The replicas' process ids by name."""
    stream = f"KV_{catalogue.PREDICTORS_BUCKET}"
    info = await bus.js.stream_info(stream, subjects_filter=f"$KV.{catalogue.PREDICTORS_BUCKET}.>")
    pids = {}
    for subject in info.state.subjects or ():
        value = (await bus.js.get_last_msg(stream, subject)).data
        if value:
            pids[subject.rsplit(".", 1)[1]] = int(msgspec.json.decode(value)["pid"])
    return pids


async def _until_reported(reported: asyncio.Event) -> float:
    began = time.monotonic()
    try:
        async with asyncio.timeout(LEARN_S):
            await reported.wait()
    except TimeoutError:
        raise processes.BenchmarkFailed(f"no score within {LEARN_S:g} s") from None
    return time.monotonic() - began


@contextlib.asynccontextmanager
async def _traffic(bus: Bus) -> AsyncIterator[_Traffic]:
    traffic, stop = _Traffic(bus), asyncio.Event()
    await traffic.catch_up()
    running = asyncio.create_task(traffic.run(stop))
    yield traffic
    stop.set()
    await running


def _started(at_home: House, name: str) -> contextlib.AbstractContextManager[processes.Running]:
    """The predictor, with everything as the local run has it; ended by SIGTERM."""
    environ = {"OTEL_SDK_DISABLED": "true"}
    spec = at_home.program("predictor", environ=environ).spec
    spec = dataclasses.replace(spec, env={**spec.env, "PREDICTOR_HEALTH_PORT": str(free_port())})
    return processes.running(f"predictor-{name}", spec, at_home.nats.home.logs)


def _measure(what: str, seconds: float) -> Measure:
    return Measure(
        what=what,
        comparison="",
        at_least=f"≤ {AT_MOST_S:g} s",
        aim="",
        measured=f"{seconds:.1f} s",
        met=seconds <= AT_MOST_S,
    )
