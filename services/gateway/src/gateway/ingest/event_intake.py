"""What becomes of a request's events, whichever format they came in: read, stored, and part of the caller's trace."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from opentelemetry.trace import Span, SpanKind, get_current_span

from drishti.errors import BusRefused, BusUnavailable
from drishti.messages import attributes, catalogue
from drishti.telemetry import spans, trace_context
from gateway.asgi import Headers, Scope
from gateway.ingest.admission import NO_ANSWER, Admission, publish_all, unpublishable
from gateway.ingest.bodies import Held
from gateway.ingest.coalesce import Coalescer
from gateway.ingest.parsing import ParsedEvents

log = logging.getLogger(__name__)

Read = Callable[[datetime, str | None], ParsedEvents]
"""The messages of a request that arrives at an instant; events without a trace context of their own get the one given."""


class EventIntake:
    """Stores the events of requests. ``traced``: whether spans of this process go anywhere."""

    def __init__(self, admission: Admission, *, traced: bool) -> None:
        self._admission = admission
        self._traced = traced
        self.coalescer = Coalescer(admission.publisher.events)

    async def take(self, scope: Scope, headers: Headers, tenant: str, size: int, held: Held, read: Read) -> ParsedEvents:
        """What ``read`` makes of a body of ``size`` bytes, once JetStream has all of it; raises
        :class:`~gateway.errors.Refused`."""
        try:
            if self._traced and get_current_span().is_recording():
                return await self._take_traced(tenant, size, held, read)
            context = _kept(scope) if b"traceparent" in headers else None
            parsed = await self._admission.read_events(tenant, size, lambda now: read(now, context))
            await self._store(tenant, parsed, held)
        except BusRefused as error:
            raise unpublishable(error, tenant) from None
        except BusUnavailable as error:
            log.warning("events are not stored", extra={"tenant": tenant, "reason": str(error)})
            raise NO_ANSWER from error
        return parsed

    async def _take_traced(self, tenant: str, size: int, held: Held, read: Read) -> ParsedEvents:
        """The same within a PRODUCER span, which events without a context of their own continue."""
        about = {
            attributes.MESSAGING_SYSTEM: attributes.NATS,
            attributes.MESSAGING_DESTINATION: catalogue.EVENTS,
            attributes.MESSAGING_OPERATION_TYPE: "send",
            attributes.MESSAGING_OPERATION_NAME: "publish",
            attributes.TENANT: tenant,
        }
        with spans.span("publish EVENTS", kind=SpanKind.PRODUCER, attributes=about) as span:
            context = spans.traceparent_of(span)
            parsed = await self._admission.read_events(tenant, size, lambda now: read(now, context))
            _describe(span, parsed)
            await self._store(tenant, parsed, held)
        return parsed

    async def _store(self, tenant: str, parsed: ParsedEvents, held: Held) -> None:
        messages = parsed.messages
        held.at_least(sum(len(message.payload) for message in messages))
        if parsed.single and messages:
            await self.coalescer.store(tenant, messages[0])
        elif len(messages) == 1:
            await self._admission.publisher.events(tenant, messages[0])
        elif messages:
            await publish_all(len(messages), (self._admission.publisher.events(tenant, message) for message in messages))


def _kept(scope: Scope) -> str | None:
    """The caller's context, where its trace is kept: without spans of our own it goes on as it came."""
    context = trace_context.context_of(scope["headers"])
    return None if context is None else spans.traceparent_of(get_current_span(context))


def _describe(span: Span, parsed: ParsedEvents) -> None:
    if span.is_recording():
        span.set_attribute(attributes.MESSAGING_BATCH_COUNT, parsed.accepted)
        for link in spans.links([t for message in parsed.messages for t in message.traceparents]):
            span.add_link(link.context)
