"""The request handlers of data, events and OTLP: read, check, store, answer; nothing is answered before it is stored."""

from __future__ import annotations

import time

from gateway.access.keys import authenticate
from gateway.answers import JSON, Answer, json, refusal_headers
from gateway.asgi import OWN_SERVICE, TENANT, Headers, Receive, Scope
from gateway.errors import Refused
from gateway.ingest import event_formats
from gateway.ingest.admission import Admission
from gateway.ingest.bodies import Held, read_body
from gateway.ingest.event_intake import EventIntake
from gateway.ingest.otlp_intake import OtlpIntake
from gateway.otlp import exports

PROTOBUF = b"application/x-protobuf"

_GRPC_CODES = {400: 3, 401: 16, 403: 7, 408: 4, 413: 3, 415: 3, 429: 8, 503: 14}
"""HTTP status → ``google.rpc.Code``, as OTLP pairs them."""


class EventsHandler:
    """``POST /api/events``: events of ours, and CloudEvents."""

    def __init__(self, admission: Admission, intake: EventIntake) -> None:
        self._admission = admission
        self._intake = intake

    async def __call__(self, scope: Scope, headers: Headers, receive: Receive) -> Answer:
        admission = self._admission
        principal = authenticate(admission.ring, headers, "producer")
        scope[TENANT] = principal.tenant
        parse = event_formats.parser(headers, max_events=admission.max_events, max_bytes=admission.sizes.inflated)
        admission.require_room()
        admission.rates.check(principal.id, time.monotonic())
        admission.budget.enter()
        held = Held(admission.budget)
        try:
            body = await read_body(headers, receive, admission.sizes, held, admission.inflater, principal.tenant)
            parsed = await self._intake.take(
                scope,
                headers,
                principal.tenant,
                len(body),
                held,
                lambda now, traceparent: parse(body, now=now, traceparent=traceparent),
            )
        finally:
            admission.budget.leave(held.count)
        admission.rates.spend(principal.id, parsed.accepted, time.monotonic())
        if parsed.accepted == 1 and not parsed.rejected:
            return _ONE_ACCEPTED
        return json(202 if parsed.accepted else 422, {"accepted": parsed.accepted, "rejected": parsed.rejected})


class OtlpHandler:
    """``POST /v1/traces``, ``/v1/metrics`` or ``/v1/logs``, by OTLP/HTTP: 200 exactly, errors as ``google.rpc.Status``."""

    def __init__(self, intake: OtlpIntake) -> None:
        self._intake = intake

    async def __call__(self, scope: Scope, headers: Headers, receive: Receive) -> Answer:
        media_type = event_formats.media_type(headers)
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


def _status_answer(refused: Refused, is_json: bool) -> Answer:
    code = _GRPC_CODES.get(refused.status, 2)
    headers = refusal_headers(refused)
    if is_json:
        return json(refused.status, {"code": code, "message": refused.message}, headers)
    return Answer(refused.status, exports.status(code, refused.message), PROTOBUF, headers)
