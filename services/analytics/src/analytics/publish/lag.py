"""Asks the bus for the lag of this service's consumers; see :mod:`analytics.publish.watermark` for what it means."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from analytics.publish.watermark import Watermark
from drishti.bus.connection import Bus
from drishti.errors import BusUnavailable

log = logging.getLogger(__name__)

ASK_EVERY_S = 0.4
ASK_TIMEOUT_S = 2.0


class Lag:
    """``watch`` until cancelled; ``stored_until`` at any time."""

    def __init__(self, bus: Bus, consumers: Sequence[tuple[str, str]]) -> None:
        self._bus = bus
        self._watermarks = {consumer: Watermark() for consumer in consumers}

    def stored_until(self, now: int) -> int:
        """Everything that reached the bus before this instant is stored (epoch ms)."""
        return min(watermark.until(now) for watermark in self._watermarks.values())

    async def ask(self) -> None:
        """Asks once, each consumer for :data:`ASK_TIMEOUT_S` at most."""
        await asyncio.gather(*(self._ask(stream, durable) for stream, durable in self._watermarks))

    async def watch(self) -> None:
        while True:
            await self.ask()
            await asyncio.sleep(ASK_EVERY_S)

    async def _ask(self, stream: str, durable: str) -> None:
        asked = int(time.time() * 1000)
        try:
            consumer = await self._bus.progress(stream, durable, timeout_s=ASK_TIMEOUT_S)
        except BusUnavailable as error:
            # Finals wait meanwhile; the consumer itself says loudly when the bus is away.
            log.debug("position of a consumer is not known", extra={"consumer": durable, "reason": str(error)})
            return
        newest = consumer.delivered + consumer.waiting
        idle = not consumer.waiting and not consumer.unacknowledged
        self._watermarks[stream, durable].sample(asked, newest=newest, acked=consumer.acknowledged, idle=idle)
