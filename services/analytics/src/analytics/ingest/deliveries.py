"""Messages on their way through analytics, and their three endings: stored and acked, refused to DEAD, or asked for again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from typing import NamedTuple

from analytics.ingest.items import Item, Refusal
from analytics.overflow import Overflows
from drishti.bus.connection import Bus
from drishti.bus.deliveries import Message, acknowledge, redeliver, terminate
from drishti.errors import BusRefused, BusUnavailable

log = logging.getLogger(__name__)

MAX_TRIES = 5
"""So often may a message make this program fail before it is refused. Outages do not count: they are nobody's fault."""

RETRY_S = 1.0
REMEMBERED = 10_000

LARGE_BYTES = 64 * 1024
LARGE_AT_ONCE = 4
"""Dead letters from that size on that are on their way at once: each is in memory several times over."""


class Delivery(NamedTuple):
    """A message, the items in it that are to be stored, and those that are refused once the others are."""

    msg: Message
    items: list[Item]
    refusals: list[Refusal]


class Endings:
    """Ends messages. Nothing here raises: what the bus does not hear, it delivers again."""

    def __init__(self, bus: Bus, overflows: Overflows) -> None:
        self._bus = bus
        self._overflows = overflows
        self._failures: OrderedDict[tuple[str, int], int] = OrderedDict()
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)
        self.refused = 0
        self.bugs = 0

    async def stored(self, delivery: Delivery) -> None:
        """The items are stored: puts the others on DEAD and ends the message. Where DEAD cannot be reached, it comes again."""
        if delivery.refusals and not await self._refuse_items(delivery.msg, delivery.refusals):
            await self.again(delivery.msg)
            return
        try:
            await acknowledge(delivery.msg)
        except BusUnavailable as error:
            log.info("ack not sent, the message comes again", extra={"reason": str(error)})

    async def again(self, msg: Message, delay_s: float = RETRY_S) -> None:
        """Not this time."""
        try:
            await redeliver(msg, delay_s)
        except BusUnavailable as error:
            log.info("nak not sent, the message comes again later", extra={"reason": str(error)})

    async def refuse(self, msg: Message, reason: str) -> None:
        """Puts ``msg`` on DEAD and ends it; where DEAD cannot be reached, it comes again."""
        if not await self._refuse_items(msg, [Refusal(reason, None)]):
            await self.again(msg)
            return
        try:
            await terminate(msg)
        except BusUnavailable as error:
            log.info("term not sent, the message comes again", extra={"reason": str(error)})

    async def fail(self, msg: Message, error: Exception, refusals: list[Refusal] | None = None) -> None:
        """``msg`` alone made this program fail: a bug. It has some more tries, then it is refused, or only ``refusals`` of it
        where the rest is stored."""
        self.bugs += 1
        meta = msg.metadata
        name = (meta.stream, meta.sequence.stream)
        tries = self._failures.pop(name, 0) + 1
        log.error("message failed", exc_info=error, extra={"subject": msg.subject, "sequence": name[1], "tries": tries})
        if tries >= MAX_TRIES and refusals and all(refusal.payload is not None for refusal in refusals):
            await self.stored(Delivery(msg, [], refusals))
            return
        if tries >= MAX_TRIES:
            await self.refuse(msg, f"failed {tries} times, at last by {type(error).__name__}: {error}")
            return
        self._failures[name] = tries
        if len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)
        await self.again(msg, RETRY_S * 2 ** (tries - 1))

    async def _refuse_items(self, msg: Message, refusals: list[Refusal]) -> bool:
        """Puts bad items of ``msg`` on DEAD; whether nothing of it is to be tried again. The message itself is not ended."""
        return all([await self._refuse_item(msg, refusal) for refusal in refusals])

    async def _refuse_item(self, msg: Message, refusal: Refusal) -> bool:
        large = len(msg.data if refusal.payload is None else refusal.payload) >= LARGE_BYTES
        try:
            async with self._large if large else contextlib.nullcontext():
                await self._bus.refuse(msg, refusal.reason, by=self._bus.name, payload=refusal.payload)
        except BusRefused as error:  # the same every time: the message must not come again for ever
            self._overflows.note("unpublishable", 1)
            log.error("dead letter is lost", extra={"subject": msg.subject, "reason": str(error)})  # noqa: TRY400
        except BusUnavailable as error:
            log.warning("refusal waits for the bus", extra={"subject": msg.subject, "reason": str(error)})
            return False
        else:
            self.refused += 1
        return True
