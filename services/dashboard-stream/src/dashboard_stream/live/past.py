"""Reads the past of what a dashboard needs that was just opened: from the bus, one metric and resolution at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from dashboard_stream.live.handlers import Handlers
from dashboard_stream.live.history import LENGTH, Missing
from dashboard_stream.live.hub import Hub
from drishti.bus.connection import Bus
from drishti.events import RESOLUTION_MS
from drishti.messages import subjects
from drishti.messages.catalogue import AGGREGATES

LOOK_S = 0.1
AT_ONCE = 8
"""Readings at one time: each has a consumer on the bus."""

MARGIN_S = 5.0
"""What leaves the history while it is read is not read."""

READ_S = 60.0
"""A reading that takes longer, since the bus is away, is given up: what is live counts on."""


class Past:
    """Reads what the hub misses, while :meth:`run` does."""

    def __init__(self, bus: Bus, hub: Hub, handlers: Handlers, *, now: Callable[[], float]) -> None:
        self._bus = bus
        self._hub = hub
        self._handlers = handlers
        self._now = now
        self._room = asyncio.Semaphore(AT_ONCE)

    async def run(self, stop: asyncio.Event) -> None:
        """Looks for what is missing, and reads it, until ``stop``."""
        async with asyncio.TaskGroup() as tasks:
            while not stop.is_set():
                wanted: dict[tuple[str, str, str], list[Missing]] = {}
                for tenant, missing in self._hub.take_missing():
                    wanted.setdefault((tenant, missing.metric, missing.resolution), []).append(missing)
                for (tenant, metric, _), together in wanted.items():
                    await self._room.acquire()
                    tasks.create_task(self._read(tenant, together, stop), name=f"past of {metric}")
                try:
                    async with asyncio.timeout(LOOK_S):
                        await stop.wait()
                except TimeoutError:
                    continue

    async def _read(self, tenant: str, together: Sequence[Missing], stop: asyncio.Event) -> None:
        """All of it, or as much as comes in time: what is there then is what is shown. ``together`` is of one metric and
        resolution, which is read once."""
        missing = together[0]
        read, enough = asyncio.Event(), asyncio.Event()
        back_s = LENGTH[missing.resolution] * RESOLUTION_MS[missing.resolution] / 1000 - MARGIN_S
        replay = asyncio.create_task(
            self._bus.replay(
                AGGREGATES,
                subjects=[subjects.aggregates(tenant, missing.resolution, missing.metric)],
                start=datetime.fromtimestamp(self._now() - back_s, UTC),
                handler=self._handlers.take_aggregate,
                stop=enough,
                ready=read,
            )
        )
        waits = [asyncio.create_task(event.wait()) for event in (read, stop)]
        try:
            await asyncio.wait(waits, timeout=READ_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            enough.set()
            await replay
            for one in together:
                self._hub.filled(tenant, one)
            self._room.release()
