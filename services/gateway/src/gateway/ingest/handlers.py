"""The request handlers of data, events and OTLP: read, check, store, answer; nothing is answered before it is stored."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from opentelemetry import metrics
from opentelemetry.trace import Span, SpanKind, get_current_span

from drishti.bus.keys import KeyRing, Principal
from drishti.errors import BusRefused, BusUnavailable, InvalidPayload
from drishti.messages import attributes, catalogue
from drishti.service.disk import Disk
from drishti.telemetry import spans, trace_context
from gateway.access.keys import authenticate
from gateway.answers import JSON, Answer, json, refusal_headers
from gateway.asgi import TENANT, Headers, Receive, Scope
from gateway.errors import RETRY_AFTER_S, Refused
from gateway.ingest import parsing
from gateway.ingest.bodies import Held, Sizes, read_body
from gateway.ingest.coalesce import Coalescer
from gateway.ingest.fair import Reader
from gateway.ingest.limits import Budget, Rates
from gateway.ingest.publishing import IngestPublisher
from gateway.metrics.limits import MetricLimits
from gateway.otlp import exports
from gateway.settings import GatewaySettings

log = logging.getLogger(__name__)

NDJSON = b"application/x-ndjson"
PROTOBUF = b"application/x-protobuf"

_GRPC_CODES = {400: 3, 401: 16, 403: 7, 408: 4, 413: 3, 415: 3, 429: 8, 503: 14}
"""HTTP status → ``google.rpc.Code``, as OTLP pairs them."""

READ_INLINE_BYTES = 64 * 1024
"""A larger body is read in a thread: 4 MB of events or 20 MB of an export may take a second, in which others must be served."""

PUBLISHED_AT_ONCE = 64
"""Messages of one request that are on their way at once. Ten thousand tasks begun together would stop the event loop."""

NO_ROOM_RETRY_S = 2

_NO_ANSWER = Refused(503, "the bus did not confirm; send it again", retry_after_s=RETRY_AFTER_S)


class Admission:
    """What both handlers share: keys, limits and the publisher."""

    def __init__(
        self, settings: GatewaySettings, ring: KeyRing, publisher: IngestPublisher, disk: Disk, limits: MetricLimits
    ) -> None:
        self.disk = disk
        self._limits = limits
        self._beyond = metrics.get_meter("drishti.gateway").create_counter(
            attributes.GATEWAY_OTLP_BEYOND_LIMITS,
            "{data_point}",
            "OTLP data points rejected because of a limit of their tenant",
        )
        self.ring = ring
        self.publisher = publisher
        self.max_events = settings.events
        self.sizes = Sizes(settings.body_bytes, settings.inflated_bytes)
        self.budget = Budget(settings.in_flight_bytes, settings.in_flight_requests)
        self.rates = Rates(settings.events_per_s)
        self.otlp_sizes = Sizes(settings.otlp_body_bytes, settings.otlp_inflated_bytes)
        self.otlp_budget = Budget(settings.otlp_in_flight_bytes, settings.in_flight_requests)
        self.inflater = Reader("inflate")
        self._events_reader = Reader("events")
        self._otlp_reader = Reader("otlp")

    def require_room(self) -> None:
        """Raises :class:`Refused` while the bus or the database has too little room on its disk to keep more."""
        if self.disk.full:
            raise Refused(503, f"nothing is taken in: {self.disk.full}", retry_after_s=NO_ROOM_RETRY_S)

    async def read_events(self, tenant: str, body: bytes, *, lines: bool, traceparent: str | None) -> parsing.ParsedEvents:
        """The messages of a request's body; raises :class:`Refused` where it holds too many events."""
        now = datetime.now(UTC)
        read = partial(parsing.parse, body, lines=lines, now=now, max_events=self.max_events, traceparent=traceparent)
        return read() if len(body) <= READ_INLINE_BYTES else await self._events_reader.read(tenant, read)

    async def read_export(self, tenant: str, signal: exports.Signal, body: bytes, *, json: bool) -> exports.Export:
        """The messages of an export request; raises :class:`InvalidPayload`."""
        limits = self._limits.of(tenant) if signal == "metrics" else None
        read = partial(exports.read, signal, body, json=json, limits=limits)
        export = read() if len(body) <= READ_INLINE_BYTES else await self._otlp_reader.read(tenant, read)
        if export.beyond:
            self._beyond.add(export.beyond, {attributes.TENANT: tenant})
        return export


class EventsHandler:
    """``POST /api/events``. ``traced``: whether spans of this process go anywhere."""

    def __init__(self, admission: Admission, *, traced: bool) -> None:
        self._admission = admission
        self._traced = traced
        self.coalescer = Coalescer(admission.publisher.events)

    async def __call__(self, scope: Scope, headers: Headers, receive: Receive) -> Answer:
        admission = self._admission
        principal = authenticate(admission.ring, headers, "producer")
        scope[TENANT] = principal.tenant
        lines = _is_ndjson(headers)
        admission.require_room()
        admission.rates.check(principal.id, time.monotonic())
        admission.budget.enter()
        held = Held(admission.budget)
        try:
            body = await read_body(headers, receive, admission.sizes, held, admission.inflater, principal.tenant)
            if self._traced:
                parsed = await self._take_traced(principal, body, lines)
            else:
                context = _kept(scope) if b"traceparent" in headers else None
                parsed = await admission.read_events(principal.tenant, body, lines=lines, traceparent=context)
                await self._store(principal.tenant, parsed)
        except BusRefused as error:
            raise _unpublishable(error, principal.tenant) from None
        except BusUnavailable as error:
            log.warning("events are not stored", extra={"tenant": principal.tenant, "reason": str(error)})
            raise _NO_ANSWER from error
        finally:
            admission.budget.leave(held.count)
        admission.rates.spend(principal.id, parsed.accepted, time.monotonic())
        if parsed.accepted == 1 and not parsed.rejected:
            return _ONE_ACCEPTED
        return json(202 if parsed.accepted else 422, {"accepted": parsed.accepted, "rejected": parsed.rejected})

    async def _take_traced(self, principal: Principal, body: bytes, lines: bool) -> parsing.ParsedEvents:
        """The same within a PRODUCER span, which events without a context of their own continue."""
        about = {
            attributes.MESSAGING_SYSTEM: attributes.NATS,
            attributes.MESSAGING_DESTINATION: catalogue.EVENTS,
            attributes.MESSAGING_OPERATION_TYPE: "send",
            attributes.MESSAGING_OPERATION_NAME: "publish",
            attributes.TENANT: principal.tenant,
        }
        with spans.span("publish EVENTS", kind=SpanKind.PRODUCER, attributes=about) as span:
            context = spans.traceparent_of(span)
            parsed = await self._admission.read_events(principal.tenant, body, lines=lines, traceparent=context)
            _describe(span, parsed)
            await self._store(principal.tenant, parsed)
        return parsed

    async def _store(self, tenant: str, parsed: parsing.ParsedEvents) -> None:
        messages = parsed.messages
        if parsed.single and messages:
            await self.coalescer.store(tenant, messages[0])
        elif len(messages) == 1:
            await self._admission.publisher.events(tenant, messages[0])
        elif messages:
            await _all(len(messages), (self._admission.publisher.events(tenant, message) for message in messages))


class OtlpHandler:
    """``POST /v1/traces``, ``/v1/metrics`` or ``/v1/logs``, by OTLP/HTTP: 200 exactly, errors as ``google.rpc.Status``."""

    def __init__(self, admission: Admission, signal: exports.Signal) -> None:
        self._admission = admission
        self._signal = signal
        publisher = admission.publisher
        publish = {"traces": publisher.spans, "metrics": publisher.metrics, "logs": publisher.logs}
        self._publish: Callable[[str, str, bytes], Coroutine[Any, Any, None]] = publish[signal]

    async def __call__(self, scope: Scope, headers: Headers, receive: Receive) -> Answer:
        media_type = _media_type(headers)
        is_json = media_type == JSON
        try:
            if not is_json and media_type != PROTOBUF:
                raise Refused(415, "the content type must be application/x-protobuf or application/json")
            return await self._take(scope, headers, receive, is_json)
        except Refused as refused:
            return _status_answer(refused, is_json)

    async def _take(self, scope: Scope, headers: Headers, receive: Receive, is_json: bool) -> Answer:
        admission = self._admission
        principal = authenticate(admission.ring, headers, "producer")
        scope[TENANT] = tenant = principal.tenant
        admission.require_room()
        admission.otlp_budget.enter()
        held = Held(admission.otlp_budget)
        try:
            body = await read_body(headers, receive, admission.otlp_sizes, held, admission.inflater, tenant)
            export = await admission.read_export(tenant, self._signal, body, json=is_json)
            held.at_least(sum(len(part.payload) for part in export.parts))
            await _all(len(export.parts), (self._publish(tenant, part.service, part.payload) for part in export.parts))
        except InvalidPayload as error:
            raise Refused(400, str(error)) from None
        except BusRefused as error:
            raise _unpublishable(error, tenant) from None
        except BusUnavailable as error:
            log.warning(f"{self._signal} are not stored", extra={"tenant": tenant, "reason": str(error)})
            raise _NO_ANSWER from error
        finally:
            admission.otlp_budget.leave(held.count)
        if export.reason:
            log.info(
                "otlp data rejected or warned of", extra={"tenant": tenant, "count": export.rejected, "reason": export.reason}
            )
        body = exports.response(self._signal, export, json=is_json)
        return Answer(200, body, JSON if is_json else PROTOBUF)


_ONE_ACCEPTED = json(202, {"accepted": 1, "rejected": []})


def _unpublishable(error: BusRefused, tenant: str) -> Refused:
    """The answer where the bus will never take a message: the same request would end the same."""
    log.warning("the bus refused a message", extra={"tenant": tenant, "reason": str(error)})
    if error.too_large:
        return Refused(
            413, "one event, or the data of one service, is larger than a message on the bus may be: send less at once"
        )
    return Refused(422, "the bus does not take this message")


async def _all(count: int, publishing: Iterator[Coroutine[Any, Any, None]]) -> None:
    """Waits for all ``count``, some at once, then raises the first failure: an answer goes out only when nothing of the request
    is on its way. After a failure no further one is begun: the sender sends the whole again."""
    failures: list[Exception] = []

    async def work() -> None:
        for coroutine in publishing:
            try:
                await coroutine
            except Exception as error:
                failures.append(error)
            if failures:
                return

    await asyncio.gather(*(work() for _ in range(min(count, PUBLISHED_AT_ONCE))))
    if failures:
        raise failures[0]


def _media_type(headers: Headers) -> bytes:
    return headers.get(b"content-type", JSON).partition(b";")[0].strip().lower()


def _is_ndjson(headers: Headers) -> bool:
    media_type = _media_type(headers)
    if media_type == JSON:
        return False
    if media_type == NDJSON:
        return True
    raise Refused(415, "the content type must be application/json or application/x-ndjson")


def _kept(scope: Scope) -> str | None:
    """The caller's context, where its trace is kept: without spans of our own it goes on as it came."""
    context = trace_context.context_of(scope["headers"])
    return None if context is None else spans.traceparent_of(get_current_span(context))


def _describe(span: Span, parsed: parsing.ParsedEvents) -> None:
    if span.is_recording():
        span.set_attribute(attributes.MESSAGING_BATCH_COUNT, parsed.accepted)
        for link in spans.links([t for message in parsed.messages for t in message.traceparents]):
            span.add_link(link.context)


def _status_answer(refused: Refused, is_json: bool) -> Answer:
    code = _GRPC_CODES.get(refused.status, 2)
    headers = refusal_headers(refused)
    if is_json:
        return json(refused.status, {"code": code, "message": refused.message}, headers)
    return Answer(refused.status, exports.status(code, refused.message), PROTOBUF, headers)
