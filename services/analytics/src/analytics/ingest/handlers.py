"""Request handlers of the bus: decode messages, refuse what is bad, hand the rest to the writer, which stores and acknowledges.

Dead letters are sent beside the decoding of further messages: they are round trips, and nobody waits for another's.
"""

from __future__ import annotations

import asyncio
import logging

from analytics.ingest.deliveries import Acknowledger, Delivery
from analytics.ingest.registration import Registration
from analytics.ingest.signal import Signal
from analytics.ingest.tenants import Tenants
from analytics.ingest.writer import Writer
from analytics.overflow import Overflows
from drishti.bus.deliveries import Message
from drishti.errors import BusUnavailable, InvalidPayload, InvalidSubject
from drishti.messages import subjects

log = logging.getLogger(__name__)

PUT_ITEMS = 1_000
"""Items that are handed to the writer at once: it need not wait until a whole fetch is decoded."""

LARGE_BYTES = 64 * 1024
"""A message from this size on is decoded in a thread: a megabyte takes long enough for others to notice."""


class Handlers:
    """Takes the messages of every signal, as the bus delivers them."""

    def __init__(
        self,
        writer: Writer,
        acknowledger: Acknowledger,
        overflows: Overflows,
        tenants: Tenants,
        registration: Registration,
    ) -> None:
        self._writer = writer
        self._acknowledger = acknowledger
        self._overflows = overflows
        self._tenants = tenants
        self._registration = registration

    async def take(self, signal: Signal, messages: list[Message]) -> None:
        """Decodes ``messages`` of ``signal`` and hands their items to the writer; waits while that has enough to do."""
        ready: list[Delivery] = []
        size = 0
        async with asyncio.TaskGroup() as sending:
            for msg in messages:
                await asyncio.sleep(0)  # decoding a fetch takes a while: the writer gets its turn in between
                delivery = await self._decode(signal, msg, sending)
                if delivery is None:
                    continue
                ready.append(delivery)
                size += len(delivery.items)
                if size >= PUT_ITEMS:
                    await self._writer.put(ready)
                    ready, size = [], 0
            if ready:
                await self._writer.put(ready)

    async def _decode(self, signal: Signal, msg: Message, sending: asyncio.TaskGroup) -> Delivery | None:
        """The items of ``msg``; ``None`` where there are none: then a task of ``sending`` answers the message."""
        try:
            tenant = subjects.parse(msg.subject).tenant
            traceparent = msg.headers.get("traceparent") if msg.headers else None
            payload = signal.payload_of(msg.headers, msg.data)
            arguments = (tenant, payload, msg.metadata.timestamp, traceparent)
            if len(msg.data) < LARGE_BYTES:
                items, refusals = signal.decode(*arguments)
            else:
                items, refusals = await asyncio.to_thread(signal.decode, *arguments)
        except (InvalidSubject, InvalidPayload) as error:
            sending.create_task(self._acknowledger.refuse(msg, str(error)))
            return None
        except Exception as error:
            # A bug in a decoder: the others of the batch must not wait for it.
            await self._acknowledger.fail(msg, error)
            return None
        if any(refusal.payload is None for refusal in refusals):
            self._overflows.note("items", refusals[0].items, tenant=tenant)
            sending.create_task(self._acknowledger.refuse(msg, refusals[0].reason))
            return None
        if items and not self._tenants.admits(tenant, msg.metadata.timestamp.timestamp()):
            self._overflows.note("tenants", 1, tenant=tenant)
            sending.create_task(self._acknowledger.refuse(msg, self._tenants.refusal(tenant)))
            return None
        if items and signal.open_metrics:
            try:
                items = await self._registration.admit(tenant, items)
            except BusUnavailable as error:
                log.warning("metrics wait for the registry", extra={"reason": str(error)})
                sending.create_task(self._acknowledger.redeliver(msg))
                return None
            except Exception as error:
                await self._acknowledger.fail(msg, error)
                return None
        delivery = Delivery(signal, msg, items, refusals)
        if not items:  # nothing that is a metric here
            sending.create_task(self._acknowledger.stored(msg, refusals))
            return None
        return delivery
