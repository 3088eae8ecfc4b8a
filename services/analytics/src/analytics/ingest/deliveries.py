"""Messages on their way through analytics, and their three answers: acknowledged once stored, dead-lettered, redelivered."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from analytics.ingest.items import Item, Refusal
from analytics.ingest.signal import Signal
from analytics.overflow import Overflows
from drishti.bus.connection import Bus
from drishti.bus.deliveries import Message, acknowledge, redeliver, terminate
from drishti.errors import BusRefused, BusUnavailable

log = logging.getLogger(__name__)

MAX_FAILURES = 5
"""At most this many failures of this program per message before it is dead-lettered. Outages do not count."""

RETRY_S = 1.0
REMEMBERED = 10_000

LARGE_BYTES = 64 * 1024
LARGE_AT_ONCE = 4
"""Dead letters of at least that size that are sent at once: each is in memory several times over."""


class Delivery(NamedTuple):
    """A message of ``signal``, the items in it that are to be stored, and those that are refused once the others are."""

    signal: Signal
    msg: Message
    items: list[Item]
    refusals: list[Refusal]


class Acknowledger:
    """Answers messages. Nothing here raises: what the bus gets no answer to, it delivers again."""

    def __init__(self, bus: Bus, overflows: Overflows) -> None:
        self._bus = bus
        self._overflows = overflows
        self._failures: OrderedDict[tuple[str, int], int] = OrderedDict()
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)
        self.refused = 0
        self.bugs = 0

    async def stored(self, msg: Message, refusals: Sequence[Refusal]) -> None:
        """The items of ``msg`` are stored: puts the refused ones on DEAD and acknowledges it, or has it redelivered where DEAD
        cannot be reached."""
        if refusals and not await self._refuse_items(msg, refusals):
            await self.redeliver(msg)
            return
        try:
            await acknowledge(msg)
        except BusUnavailable as error:
            log.info("ack not sent, the message comes again", extra={"reason": str(error)})

    async def redeliver(self, msg: Message, delay_s: float = RETRY_S) -> None:
        """Asks the bus to deliver ``msg`` again after ``delay_s``."""
        try:
            await redeliver(msg, delay_s)
        except BusUnavailable as error:
            log.info("nak not sent, the message comes again later", extra={"reason": str(error)})

    async def refuse(self, msg: Message, reason: str) -> None:
        """Puts ``msg`` on DEAD and terminates it; where DEAD cannot be reached, it is redelivered."""
        if not await self._refuse_items(msg, [Refusal(reason, None)]):
            await self.redeliver(msg)
            return
        try:
            await terminate(msg)
        except BusUnavailable as error:
            log.info("term not sent, the message comes again", extra={"reason": str(error)})

    async def fail(self, msg: Message, error: Exception, refusals: list[Refusal] | None = None) -> None:
        """``msg`` alone made this program fail: a bug. It is redelivered some more times and then dead-lettered, or only
        ``refusals`` of it where the rest is stored."""
        self.bugs += 1
        meta = msg.metadata
        position = (meta.stream, meta.sequence.stream)
        failures = self._failures.pop(position, 0) + 1
        log.error("message failed", exc_info=error, extra={"subject": msg.subject, "sequence": position[1], "tries": failures})
        if failures >= MAX_FAILURES and refusals and all(refusal.payload is not None for refusal in refusals):
            await self.stored(msg, refusals)
            return
        if failures >= MAX_FAILURES:
            await self.refuse(msg, f"failed {failures} times, at last by {type(error).__name__}: {error}")
            return
        self._failures[position] = failures
        if len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)
        await self.redeliver(msg, RETRY_S * 2 ** (failures - 1))

    async def _refuse_items(self, msg: Message, refusals: Sequence[Refusal]) -> bool:
        """Puts bad items of ``msg`` on DEAD, without answering the message; whether that worked for all of them."""
        return all([await self._refuse_item(msg, refusal) for refusal in refusals])

    async def _refuse_item(self, msg: Message, refusal: Refusal) -> bool:
        large = len(msg.data if refusal.payload is None else refusal.payload) >= LARGE_BYTES
        try:
            async with self._large if large else contextlib.nullcontext():
                await self._bus.refuse(msg, refusal.reason, by=self._bus.name, payload=refusal.payload)
        except BusRefused as error:  # the same every time: the message must not come again for ever
            self._overflows.note("unpublishable", 1)
            log.error("dead letter is lost", extra={"subject": msg.subject, "reason": str(error)})  # noqa: TRY400 - that is why
        except BusUnavailable as error:
            log.warning("refusal waits for the bus", extra={"subject": msg.subject, "reason": str(error)})
            return False
        else:
            self.refused += 1
        return True
