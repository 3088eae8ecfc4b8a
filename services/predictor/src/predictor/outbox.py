"""Insights on their way to the bus: in order, until each is confirmed.

Nothing is published while ``allowed`` says no (no lease: others may speak for our series), and what a partition has waiting is
thrown away when the partition goes to another replica, which will say it from the same messages.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Container

from drishti import subjects
from drishti.bus import Bus
from drishti.errors import BusUnavailable
from drishti.events import Insight, encode
from predictor import insights

log = logging.getLogger(__name__)

OUTBOX = 2000
"""Insights that wait for the bus. When it is full the oldest gives way, and the log says so."""

RETRY_S = 1.0
HELD_S = 0.1
"""How often is looked whether publishing is allowed again."""


class Outbox:
    """``put_nowait`` from the event loop, :meth:`run` beside it."""

    def __init__(self, bus: Bus, *, allowed: Callable[[], bool] = lambda: True) -> None:
        self._bus = bus
        self._allowed = allowed
        self._waiting: deque[tuple[int, Insight, str | None]] = deque()
        self._arrived = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self.dropped = 0

    def put_nowait(self, partition: int, insight: Insight, traceparent: str | None = None) -> None:
        if len(self._waiting) >= OUTBOX:
            self._waiting.popleft()
            self.dropped += 1
            if self.dropped % 100 == 1:
                log.warning("outbox is full, the oldest insight is dropped", extra={"dropped": self.dropped})
        self._waiting.append((partition, insight, traceparent))
        self._empty.clear()
        self._arrived.set()

    def discard(self, partitions: Container[int]) -> set[int]:
        """Throws away what waits of ``partitions``; returns those of which something did."""
        unsaid = {number for number, _, _ in self._waiting if number in partitions}
        self._waiting = deque(item for item in self._waiting if item[0] not in unsaid)
        if not self._waiting:
            self._empty.set()
        return unsaid

    async def run(self) -> None:
        """Publishes for ever; what was not confirmed is sent again (the bus drops repetitions)."""
        while True:
            await self._arrived.wait()
            while self._waiting:
                if not self._allowed():
                    await asyncio.sleep(HELD_S)
                    continue
                _, insight, traceparent = item = self._waiting[0]
                if not await self._publish(insight, traceparent):
                    await asyncio.sleep(RETRY_S)
                elif self._waiting and self._waiting[0] is item:
                    self._waiting.popleft()
            self._arrived.clear()
            self._empty.set()

    async def wait_empty(self) -> None:
        await self._empty.wait()

    async def _publish(self, insight: Insight, traceparent: str | None) -> bool:
        subject = subjects.insights(insight.tenant, insight.kind, insight.metric)
        headers = {"traceparent": traceparent} if traceparent else None
        try:
            await self._bus.publish(subject, encode(insight), msg_id=insights.message_id(insight), headers=headers)
        except BusUnavailable as error:
            log.warning("insight waits for the bus", extra={"reason": str(error), "waiting": len(self._waiting)})
            return False
        return True
