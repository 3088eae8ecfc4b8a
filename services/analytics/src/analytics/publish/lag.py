"""Asks the bus how far this service's consumers have got; see :mod:`analytics.publish.watermark` for what it means."""

from __future__ import annotations

import asyncio
import logging
import time

import nats.errors

from analytics.publish.watermark import Progress
from drishti.bus.connection import Bus
from drishti.messages.catalogue import ANALYTICS, MESSAGES

log = logging.getLogger(__name__)

ASK_EVERY_S = 0.4
ASK_TIMEOUT_S = 2.0

CONSUMERS = [
    (message.stream, durable.name)
    for message in MESSAGES
    for durable in message.durables
    if durable.name.startswith(f"{ANALYTICS}-")
]


class Lag:
    """``watch`` until cancelled; ``stored_until`` at any time."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._progress = {consumer: Progress() for consumer in CONSUMERS}

    def stored_until(self, now: int) -> int:
        """Everything that reached the bus before this instant is stored (epoch ms)."""
        return min(progress.until(now) for progress in self._progress.values())

    async def watch(self) -> None:
        while True:
            await asyncio.gather(*(self._ask(stream, durable) for stream, durable in CONSUMERS))
            await asyncio.sleep(ASK_EVERY_S)

    async def _ask(self, stream: str, durable: str) -> None:
        asked = int(time.time() * 1000)
        try:
            info = await self._bus.js.consumer_info(stream, durable, timeout=ASK_TIMEOUT_S)
        except (nats.errors.Error, TimeoutError) as error:
            # Finals wait meanwhile; the consumer itself says loudly when the bus is away.
            log.debug("no word of a consumer", extra={"consumer": durable, "reason": str(error)})
            return
        pending = info.num_pending or 0
        delivered = info.delivered.stream_seq if info.delivered else 0
        acked = info.ack_floor.stream_seq if info.ack_floor else 0
        idle = not pending and not info.num_ack_pending
        self._progress[stream, durable].sample(asked, newest=delivered + pending, acked=acked, idle=idle)
