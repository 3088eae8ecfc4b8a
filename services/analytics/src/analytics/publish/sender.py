"""Sends messages to AGGREGATES. A message that the bus will never take is counted and passed over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from opentelemetry.trace import SpanKind

from analytics.overflow import Overflows
from analytics.publish.publications import Publication, PublishedExemplars
from analytics.publish.schedule import Schedule
from analytics.storage import rows
from drishti.bus.connection import Bus
from drishti.errors import BusRefused, BusUnavailable
from drishti.messages import attributes, subjects
from drishti.messages.catalogue import AGGREGATES, OPEN_REVISION_TTL_S
from drishti.telemetry import spans

log = logging.getLogger(__name__)

AT_ONCE = 64
"""Publications in flight: more gain nothing and fill the client's buffer."""


class Sender:
    """Reports to ``schedule`` what is published. ``bus_away``: since :meth:`begin_round` a message found the bus away."""

    def __init__(self, bus: Bus, schedule: Schedule, exemplars: PublishedExemplars, overflows: Overflows) -> None:
        self._bus = bus
        self._schedule = schedule
        self._exemplars = exemplars
        self._overflows = overflows
        self._logged = False
        self.bus_away = False

    def begin_round(self) -> None:
        self.bus_away = False

    def end_round(self) -> None:
        """The bus was there: when it is away the next time, the log says so."""
        self._logged = False

    async def send(self, messages: Iterable[Publication], now: int) -> int:
        """How many of ``messages`` the bus has."""
        slots = asyncio.Semaphore(AT_ONCE)
        return sum(await asyncio.gather(*(self._send(message, now, slots) for message in messages)))

    async def _send(self, message: Publication, now: int, slots: asyncio.Semaphore) -> bool:
        due, window = message.due, message.due.window
        subject = subjects.aggregates(window.tenant, window.resolution, rows.token_of(window.metric))
        ttl_s = None if due.final else OPEN_REVISION_TTL_S
        async with slots:
            if self.bus_away:  # the others need not find out one by one, each by its own timeout
                return False
            try:
                await self._publish(subject, window.tenant, message.payload, ttl_s, message.exemplar)
            except BusUnavailable as error:
                self.bus_away = True
                if not self._logged:
                    self._logged = True
                    log.warning("aggregates wait for the bus", extra={"reason": str(error)})
                return False
            except BusRefused as error:  # the same every time: it must not be due for ever
                self._overflows.note("unpublishable", 1, tenant=window.tenant)
                log.debug("aggregate is passed over", extra={"subject": subject, "reason": str(error)})
                self._schedule.published(due, message.revision, now, rows=message.rows)
                return False
        if message.exemplar is not None:
            self._exemplars.add(window.metric, message.exemplar)
        self._schedule.published(due, message.revision, now, rows=message.rows)
        return True

    async def _publish(self, subject: str, tenant: str, payload: bytes, ttl_s: float | None, exemplar: str | None) -> None:
        if exemplar is None:
            await self._bus.publish(subject, payload, ttl_s=ttl_s)
            return
        about = {
            attributes.MESSAGING_SYSTEM: attributes.NATS,
            attributes.MESSAGING_DESTINATION: AGGREGATES,
            attributes.MESSAGING_OPERATION_TYPE: "send",
            attributes.TENANT: tenant,
        }
        with spans.span("publish AGGREGATES", kind=SpanKind.PRODUCER, parent=spans.extract(exemplar), attributes=about) as span:
            headers = {"traceparent": spans.traceparent_of(span) or exemplar}
            await self._bus.publish(subject, payload, ttl_s=ttl_s, headers=headers)
