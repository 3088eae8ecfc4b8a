"""The request handlers of data, events and OTLP: read, check, store, answer; nothing is answered before it is stored."""

from __future__ import annotations

import logging
import time

from opentelemetry.trace import Span, SpanKind, get_current_span

from drishti.bus.keys import Principal
from drishti.errors import BusRefused, BusUnavailable
from drishti.messages import attributes, catalogue
from drishti.telemetry import spans, trace_context
from gateway.access.keys import authenticate
from gateway.answers import JSON, Answer, json, refusal_headers
from gateway.asgi import OWN_SERVICE, TENANT, Headers, Receive, Scope
from gateway.errors import Refused
from gateway.ingest import parsing
from gateway.ingest.admission import NO_ANSWER, Admission, publish_all, unpublishable
from gateway.ingest.bodies import Held, read_body
from gateway.ingest.coalesce import Coalescer
from gateway.ingest.otlp_intake import OtlpIntake
from gateway.otlp import exports

log = logging.getLogger(__name__)

NDJSON = b"application/x-ndjson"
PROTOBUF = b"application/x-protobuf"

_GRPC_CODES = {400: 3, 401: 16, 403: 7, 408: 4, 413: 3, 415: 3, 429: 8, 503: 14}
"""HTTP status → ``google.rpc.Code``, as OTLP pairs them."""


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
            if self._traced and get_current_span().is_recording():
                parsed = await self._take_traced(principal, body, lines)
            else:
                context = _kept(scope) if b"traceparent" in headers else None
                parsed = await admission.read_events(principal.tenant, body, lines=lines, traceparent=context)
                await self._store(principal.tenant, parsed)
        except BusRefused as error:
            raise unpublishable(error, principal.tenant) from None
        except BusUnavailable as error:
            log.warning("events are not stored", extra={"tenant": principal.tenant, "reason": str(error)})
            raise NO_ANSWER from error
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
            await publish_all(len(messages), (self._admission.publisher.events(tenant, message) for message in messages))


class OtlpHandler:
    """``POST /v1/traces``, ``/v1/metrics`` or ``/v1/logs``, by OTLP/HTTP: 200 exactly, errors as ``google.rpc.Status``."""

    def __init__(self, intake: OtlpIntake) -> None:
        self._intake = intake

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
        intake = self._intake
        sender = intake.authenticate(headers)
        scope[TENANT] = sender.tenant
        scope[OWN_SERVICE] = sender.role == "service"
        held = intake.enter()
        try:
            body = await read_body(headers, receive, intake.sizes, held, intake.inflater, sender.tenant)
            export = await intake.store(sender, body, held, headers, json=is_json)
        finally:
            intake.leave(held)
        body = exports.response(intake.signal, export, json=is_json)
        return Answer(200, body, JSON if is_json else PROTOBUF)


_ONE_ACCEPTED = json(202, {"accepted": 1, "rejected": []})


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
