"""Messages from the bus: decode, refuse what is bad, hand the rest to the writer, which stores and acks.

What is refused ends beside the decoding of the others: dead letters are round trips, and nobody waits for another's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from analytics.ingest.decode import Decoded, decode_events, decode_requests
from analytics.ingest.deliveries import Delivery, Endings
from analytics.ingest.items import Family
from analytics.ingest.signals.metrics import decode_metrics
from analytics.ingest.tenants import Tenants
from analytics.ingest.writer import Writer
from analytics.overflow import Overflows
from drishti.bus.deliveries import Message
from drishti.errors import InvalidSubject
from drishti.messages import subjects

Decoder = Callable[[str, bytes, datetime, str | None], Decoded]

DECODERS: dict[Family, Decoder] = {
    Family.EVENTS: decode_events,
    Family.REQUESTS: decode_requests,
    Family.METRICS: decode_metrics,
}


PUT_ITEMS = 1_000
"""So many items go to the writer at once: it need not wait until a whole fetch is decoded."""

LARGE_BYTES = 64 * 1024
"""A message from this size on is decoded in a thread: a megabyte takes long enough for others to notice."""


class Handlers:
    """Each method takes the messages of one stream, as the bus hands them over."""

    def __init__(self, writer: Writer, endings: Endings, overflows: Overflows, tenants: Tenants) -> None:
        self._writer = writer
        self._overflows = overflows
        self._endings = endings
        self._tenants = tenants

    async def take_events(self, messages: list[Message]) -> None:
        await self._take(Family.EVENTS, messages)

    async def take_requests(self, messages: list[Message]) -> None:
        await self._take(Family.REQUESTS, messages)

    async def take_metrics(self, messages: list[Message]) -> None:
        await self._take(Family.METRICS, messages)

    async def _take(self, family: Family, messages: list[Message]) -> None:
        ready: list[Delivery] = []
        size = 0
        async with asyncio.TaskGroup() as ending:
            for msg in messages:
                await asyncio.sleep(0)  # decoding a fetch takes a while: the writer gets its turn in between
                delivery = await self._decode(family, msg, ending)
                if delivery is None:
                    continue
                ready.append(delivery)
                size += len(delivery.items)
                if size >= PUT_ITEMS:
                    await self._writer.put(ready)
                    ready, size = [], 0
            if ready:
                await self._writer.put(ready)

    async def _decode(self, family: Family, msg: Message, ending: asyncio.TaskGroup) -> Delivery | None:
        """The items of ``msg``; ``None`` where there are none and ``ending`` ends the message."""
        try:
            tenant = subjects.parse(msg.subject).tenant
            traceparent = msg.headers.get("traceparent") if msg.headers else None
            arguments = (tenant, msg.data, msg.metadata.timestamp, traceparent)
            if len(msg.data) < LARGE_BYTES:
                items, refusals = DECODERS[family](*arguments)
            else:
                items, refusals = await asyncio.to_thread(DECODERS[family], *arguments)
        except InvalidSubject as error:
            ending.create_task(self._endings.refuse(msg, str(error)))
            return None
        except Exception as error:
            # A bug in a decoder: the others of the batch must not wait for it.
            await self._endings.fail(msg, error)
            return None
        if any(refusal.payload is None for refusal in refusals):
            self._overflows.note("items", refusals[0].items, tenant=tenant)
            ending.create_task(self._endings.refuse(msg, refusals[0].reason))
            return None
        if items and not self._tenants.admits(tenant, msg.metadata.timestamp.timestamp()):
            self._overflows.note("tenants", 1, tenant=tenant)
            ending.create_task(self._endings.refuse(msg, self._tenants.refusal(tenant)))
            return None
        delivery = Delivery(msg, items, refusals)
        if not items:  # nothing that is a metric here
            ending.create_task(self._endings.stored(delivery))
            return None
        return delivery
