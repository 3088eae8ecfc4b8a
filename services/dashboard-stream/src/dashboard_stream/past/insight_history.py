"""Reads what models said over a past range from the bus, which keeps it for 30 days: for one request, and not beyond it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import NamedTuple

from dashboard_stream.live.insights import Event
from dashboard_stream.past.insight_versions import InsightVersions
from drishti.bus.connection import Bus
from drishti.bus.deliveries import Message
from drishti.errors import BusUnavailable, DrishtiError, InvalidPayload, UnknownKind
from drishti.events import AnomalyInsight, InsightDecoder
from drishti.messages import subjects
from drishti.messages.catalogue import INSIGHTS
from drishti.messages.insights import SYSTEM_KINDS

BEFORE_MS = 120_000
"""So much before the range is read: whatever is open then is published again every half minute."""

MOST_READ = 100_000
"""Messages; of a longer history the part that comes first is answered, and that it is not all."""

READ_S = 10.0
AT_ONCE = 4
WAITING = 16
"""Requests that wait for their turn: one more is refused."""


class TooManyRequests(DrishtiError):
    """As many histories are being read as there is room for."""


class InsightHistory(NamedTuple):
    """``problem`` says why it is not all; empty: it is."""

    insights: list[Event]
    problem: str


class InsightReader:
    """Reads histories, :data:`AT_ONCE` at one time."""

    def __init__(self) -> None:
        self._bus: Bus | None = None
        self._room = asyncio.Semaphore(AT_ONCE)
        self._asked = 0

    def connect(self, bus: Bus) -> None:
        self._bus = bus

    async def read(self, tenant: str, begin_ms: int, end_ms: int) -> InsightHistory:
        """What was said of ``tenant`` within the range. Raises :class:`BusUnavailable` and :class:`TooManyRequests`."""
        if self._bus is None or not self._bus.nc.is_connected:
            raise BusUnavailable("not connected to NATS")
        if self._asked >= AT_ONCE + WAITING:
            raise TooManyRequests("too many histories are being read: try again in a moment")
        self._asked += 1
        try:
            async with self._room:
                return await self._read(self._bus, tenant, begin_ms, end_ms)
        finally:
            self._asked -= 1

    async def _read(self, bus: Bus, tenant: str, begin_ms: int, end_ms: int) -> InsightHistory:
        versions, decoder = InsightVersions(), InsightDecoder()
        read, stop = asyncio.Event(), asyncio.Event()
        count, too_many = 0, False

        async def take(message: Message) -> None:
            nonlocal count, too_many
            published_at = int(message.metadata.timestamp.timestamp() * 1000)
            count += 1
            too_many = count > MOST_READ
            if published_at > end_ms or too_many:
                read.set()
                return
            try:
                versions.take(decoder.decode(message.data), published_at)
            except (UnknownKind, InvalidPayload):
                return  # counted and logged where it is shown as it comes

        system = [subjects.insights(tenant, kind) for kind in SYSTEM_KINDS]
        replaying = asyncio.create_task(
            bus.replay(
                INSIGHTS,
                subjects=[subjects.series_insights(AnomalyInsight.kind, tenant=tenant), *system],
                start=datetime.fromtimestamp(max(0, begin_ms - BEFORE_MS) / 1000, UTC),
                handler=take,
                stop=stop,
                ready=read,
            )
        )
        problem = ""
        try:
            async with asyncio.timeout(READ_S):
                await read.wait()
        except TimeoutError:
            problem = f"what models said could not be read within {READ_S:g} s"
        finally:
            stop.set()
            await replaying
        if too_many:
            problem = f"only the first {MOST_READ} messages of what models said were read: choose a shorter range"
        elif versions.left_off:
            problem = f"{versions.left_off} earlier states of anomalies and incidents are left off"
        return InsightHistory(versions.within(begin_ms, end_ms), problem)
