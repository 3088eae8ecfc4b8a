"""A predictor in the test's process, on a connection to a real bus; what it publishes; and what it reads."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from nats.aio.msg import Msg

from drishti.bus.connection import Bus
from drishti.events import Aggregate, Insight, encode
from drishti.messages import subjects
from drishti.settings import BusSettings
from predictor.app import Predictor
from predictor.settings import PredictorSettings
from rigs.waiting import DEADLINE_S


@contextlib.asynccontextmanager
async def predictor_on(bus: Bus, *, now: Callable[[], float] = time.time, **settings: Any) -> AsyncIterator[Predictor]:
    """A predictor with these settings, which has read the history; ``now`` is the clock of its machine."""
    stop = asyncio.Event()
    predictor = Predictor(PredictorSettings(bus=BusSettings(), **settings), bus, now=now)
    task = asyncio.create_task(predictor.run(stop))
    try:
        async with asyncio.timeout(DEADLINE_S):
            await predictor.ready.wait()
        yield predictor
    finally:
        stop.set()
        async with asyncio.timeout(DEADLINE_S):
            await task


@contextlib.asynccontextmanager
async def insights_of(bus: Bus, tenant: str) -> AsyncIterator[list[tuple[Insight, Msg]]]:
    """All insights of ``tenant``, as they come."""
    came: list[tuple[Insight, Msg]] = []
    stop = asyncio.Event()

    async def take(msg: Msg) -> None:
        came.append((msgspec.json.decode(msg.data, type=Insight), msg))

    wanted = [f"insights.v1.{tenant}.>"]
    task = asyncio.create_task(bus.replay("INSIGHTS", subjects=wanted, start=datetime.now(UTC), handler=take, stop=stop))
    yield came
    stop.set()
    await task


async def publish(bus: Bus, windows: list[Aggregate], headers: dict[str, str] | None = None) -> None:
    for aggregate in windows:
        subject = subjects.aggregates(aggregate.tenant, aggregate.resolution, aggregate.metric)
        await bus.publish(subject, encode(aggregate), headers=headers)
