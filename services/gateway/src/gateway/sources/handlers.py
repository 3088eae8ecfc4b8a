"""The request handlers of what SDKs of other products post: the same keys, limits and messages as ``POST /api/events``."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import NamedTuple

from opentelemetry.metrics import Counter, Meter

from drishti.bus.keys import Principal
from drishti.messages import attributes
from gateway.access.keys import authenticate_text, key_of, key_of_basic
from gateway.answers import Answer
from gateway.asgi import TENANT, Headers, Receive, Scope
from gateway.errors import Refused
from gateway.ingest.admission import Admission
from gateway.ingest.bodies import Held, inflated, read_body
from gateway.ingest.event_intake import EventIntake
from gateway.ingest.limits import Budget
from gateway.ingest.parsing import ParsedEvents, parse_translated
from gateway.sources import answers, forms, posthog, segment
from gateway.sources.batches import Batch
from gateway.sources.paths import POSTHOG_PATHS, SEGMENT_PATHS

log = logging.getLogger(__name__)

KEYLESS_SHARE = 4
"""A quarter of what may be in flight is for requests whose key is in the body: they are read before anybody is known."""

NOBODY = ""
"""Whose turn it is while such a request is read: all of them are one sender among the tenants."""


class Source(NamedTuple):
    """One kind of SDK. ``batch_of`` finds events, at most so many, and key in a body, beside which came the query of the
    address."""

    name: str
    batch_of: Callable[[bytes, bytes, int], tuple[Batch, str | None]]
    event_of: Callable[[Batch, int, bytes], bytes]
    answer: Callable[[ParsedEvents], Answer]
    refusal: Callable[[Refused], Answer]


class SourceHandler:
    """``POST`` of one address of ``source``. ``keyless`` is the budget of requests that bring their key in the body."""

    def __init__(self, source: Source, admission: Admission, intake: EventIntake, keyless: Budget, rejected: Counter) -> None:
        self._source = source
        self._admission = admission
        self._intake = intake
        self._keyless = keyless
        self._rejected = rejected

    async def __call__(self, scope: Scope, headers: Headers, receive: Receive) -> Answer:
        try:
            return await self._take(scope, headers, receive)
        except Refused as refused:
            return self._source.refusal(refused)

    async def _take(self, scope: Scope, headers: Headers, receive: Receive) -> Answer:
        admission, source = self._admission, self._source
        key = key_of_basic(headers) or key_of(headers)
        principal = None
        if key is not None or not admission.ring.loaded.is_set():
            principal = self._admit(scope, key)
        admission.require_room()
        reads_as = NOBODY if principal is None else principal.tenant
        budget = self._keyless if principal is None else admission.budget
        budget.enter()
        held = Held(budget)
        try:
            body = await read_body(headers, receive, admission.sizes, held, admission.inflater, reads_as)
            if forms.is_gzip(body):
                body = await inflated(body, b"gzip", admission.sizes, held, admission.inflater, reads_as)
            query = scope.get("query_string", b"")
            most = admission.max_events
            batch, found = await admission.read_events(reads_as, len(body), lambda _now: source.batch_of(body, query, most))
            if principal is None:
                principal = self._admit(scope, found.encode("utf-8", "replace") if found else None)
            request = batch._replace(request=secrets.token_hex(8))
            take = partial(_parse, source, request, most, 2 * admission.sizes.inflated)
            parsed = await self._intake.take(scope, headers, principal.tenant, len(body), held, take)
        finally:
            budget.leave(held.count)
        admission.rates.spend(principal.id, parsed.accepted, time.monotonic())
        if parsed.rejected:
            self._count(principal.tenant, len(parsed.rejected))
        return source.answer(parsed)

    def _admit(self, scope: Scope, key: bytes | None) -> Principal:
        principal = authenticate_text(self._admission.ring, key, "producer")
        scope[TENANT] = principal.tenant
        self._admission.rates.check(principal.id, time.monotonic())
        return principal

    def _count(self, tenant: str, count: int) -> None:
        name = self._source.name
        self._rejected.add(count, {attributes.TENANT: tenant, attributes.SOURCE: name})
        log.info("events of an SDK are not valid", extra={"tenant": tenant, "source": name, "count": count})


def _parse(
    source: Source, batch: Batch, max_events: int, max_bytes: int, now: datetime, traceparent: str | None
) -> ParsedEvents:
    arrived = batch._replace(received_at=now)
    return parse_translated(
        arrived.items,
        partial(source.event_of, arrived),
        now=now,
        max_events=max_events,
        max_bytes=max_bytes,
        traceparent=traceparent,
        single=arrived.single,
    )


def handlers(admission: Admission, intake: EventIntake, meter: Meter) -> dict[str, SourceHandler]:
    """The handler of each address, with and without a slash at its end."""
    rejected = meter.create_counter(
        attributes.GATEWAY_SOURCES_REJECTED, "{event}", "events of other products' SDKs that were not valid"
    )
    settings = admission.settings
    keyless = Budget(settings.in_flight_bytes // KEYLESS_SHARE, max(1, settings.in_flight_requests // KEYLESS_SHARE))
    posthogs = Source("posthog", _posthog_batch, posthog.event_of, answers.posthog, answers.posthog_refusal)
    sources = dict.fromkeys(POSTHOG_PATHS, posthogs)
    for path, kind in SEGMENT_PATHS.items():
        batch_of = partial(_segment_batch, kind)
        sources[path] = Source("segment", batch_of, segment.event_of, answers.segment, answers.segment_refusal)
    made = {path: SourceHandler(source, admission, intake, keyless, rejected) for path, source in sources.items()}
    return {**made, **{f"{path}/": handler for path, handler in made.items()}}


def _posthog_batch(body: bytes, query: bytes, max_events: int) -> tuple[Batch, str | None]:
    return posthog.batch_of(forms.unwrapped(body), max_events, sent_at=forms.timestamp_of(query))


def _segment_batch(kind: str, body: bytes, _query: bytes, max_events: int) -> tuple[Batch, str | None]:
    return segment.batch_of(body, kind, max_events)
