"""Answers one trace: its spans as a tree, the critical path, and what its user did at about that time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from analytics.computing import computed
from analytics.query.service_names import names_of
from analytics.query.sessions import Sessions
from analytics.query.traces.conditions import instant
from analytics.spans import clock_skew
from analytics.spans.critical_path import critical_path
from analytics.spans.span import Span, SpanKind, Status
from analytics.spans.trace import Origin, Trace, assemble
from analytics.storage import rows, span_rows
from analytics.storage.database import Session
from analytics.storage.rows import Record
from analytics.storage.span_reading import read_spans
from drishti.errors import QueryError
from drishti.messages.traces import (
    CriticalSection,
    SpanKindName,
    StatusName,
    TraceAnswer,
    TraceEvent,
    TraceLink,
    TraceQuery,
    TraceSpan,
    UserEvent,
)

MAX_SPANS = 2_000
"""Spans in one answer, the first ones; with ordinary attributes so many fit a reply."""

MAX_BYTES = 900_000
"""Of an answer: when it would be more, attributes, events and links go from the end on."""

SHORT = 40
"""Characters of each name where even these are too much."""

NO_SUCH_TRACE = "there is no such trace: its spans have not come, or are no longer kept"

MAX_EVENTS = 100
AROUND = timedelta(minutes=5)
"""What a user did so long before and after a trace is shown with it."""

INLINE_SPANS = 200

KINDS: Mapping[SpanKind, SpanKindName] = {kind: kind.name.lower() for kind in SpanKind}  # type: ignore[misc]
STATUSES: Mapping[Status, StatusName] = {status: status.name.lower() for status in Status}  # type: ignore[misc]
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class TraceAnswers:
    """Answers ``query.v1.trace``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: TraceQuery) -> TraceAnswer:
        """Raises :class:`QueryError` (``unknown``), :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        trace_id = bytes.fromhex(asked.trace_id)
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            records, cut = await read_spans(session, "spans_of_trace", asked.tenant, trace_id, MAX_SPANS + 1)
            if not records:
                raise QueryError(NO_SUCH_TRACE, code="unknown", field="trace_id")
            shown = records[:MAX_SPANS]
            answer, spans = await computed(lambda: _answer(shown), in_thread=len(records) > INLINE_SPANS)
            answer.truncated = answer.truncated or cut or len(records) > MAX_SPANS
            answer.kept = [record["reason"] for record in await session.fetch("kept_reasons", asked.tenant, trace_id)]
            answer.service_names = await names_of(session, asked.tenant, {span.service for span in answer.spans})
            answer.events = await events_around(session, asked.tenant, answer.trace_id, spans, shown)
            await computed(lambda: fit(answer), in_thread=len(records) > INLINE_SPANS)
            return answer


async def events_around(
    session: Session, tenant: str, trace_id: str, spans: Sequence[Span], records: Sequence[Record]
) -> list[UserEvent]:
    """The events of a trace, and of its users and sessions at about its time."""
    users = sorted({record["user_id"] for record in records if record["user_id"]})
    sessions = sorted({record["session_id"] for record in records if record["session_id"]})
    start = instant(min(span.start_ns for span in spans) / 1e6)
    end = instant(max(span.end_ns for span in spans) / 1e6)
    found = await session.fetch("events_of_trace", tenant, trace_id, users, sessions, start - AROUND, end + AROUND, MAX_EVENTS)
    return [
        UserEvent(
            event_id=record["event_id"],
            event_type=record["event_type"],
            time_ms=rows.epoch_ms(record["time"]),
            user_id=record["user_id"],
            session_id=record["session_id"],
            data={} if record["data"] is None else _decode(record["data"]),
            in_trace=record["in_trace"],
        )
        for record in found
    ]


def _answer(records: Sequence[Record]) -> tuple[TraceAnswer, list[Span]]:
    spans = [span_rows.span_of(record) for record in records]
    return answer_of(assemble(spans)), spans


def answer_of(trace: Trace) -> TraceAnswer:
    """The answer but for what is not in the spans."""
    times = clock_skew.correct(trace)
    path = critical_path(trace, trace.root, times)
    own, waiting = path.own_ns(), path.waiting_ns()
    resources: dict[int, int] = {}
    shown: list[TraceSpan] = []
    for position, depth in trace.walk():
        span = trace.spans[position]
        resource = resources.setdefault(span.resource.key, len(resources))
        shown.append(
            TraceSpan(
                span_id=span.span_id.hex(),
                parent_id=None if span.parent_id is None else span.parent_id.hex(),
                depth=depth,
                service=span.service,
                name=span.name,
                operation=span.operation,
                kind=KINDS[span.kind],
                start_ms=_ms(times.starts[position]),
                duration_ms=span.duration_ns / 1e6,
                self_ms=(own.get(position, 0) + waiting.get(position, 0)) / 1e6,
                moved_ms=times.moved.get(position, 0) / 1e6,
                missing_parent=trace.origins.get(position) is Origin.PARENT_MISSING,
                status=STATUSES[span.status],
                message=span.status_message,
                attributes=dict(span.attributes),
                events=events_of(span),
                links=links_of(span),
                resource=resource,
                scope=span.scope.name,
                trace_state=span.trace_state,
            )
        )
    by_key = {span.resource.key: dict(span.resource.attributes) for span in trace.spans}
    root = trace.root
    return TraceAnswer(
        trace_id=trace.trace_id.hex(),
        root=trace.spans[root].span_id.hex(),
        start_ms=_ms(times.starts[root]),
        duration_ms=trace.spans[root].duration_ns / 1e6,
        errors=sum(1 for span in trace.spans if span.is_error),
        spans=shown,
        resources=[by_key[key] for key in resources],
        critical_path=[
            CriticalSection(
                span_id=trace.spans[section.position].span_id.hex(),
                start_ms=_ms(section.start_ns),
                end_ms=_ms(section.end_ns),
                waiting=section.waiting,
            )
            for section in path.sections
        ],
        duplicates=trace.duplicates,
    )


def events_of(span: Span) -> list[TraceEvent]:
    return [TraceEvent(time_ms=_ms(event.time_ns), name=event.name, attributes=dict(event.attributes)) for event in span.events]


def links_of(span: Span) -> list[TraceLink]:
    return [
        TraceLink(trace_id=link.trace_id.hex(), span_id=link.span_id.hex(), attributes=dict(link.attributes))
        for link in span.links
    ]


def fit(answer: TraceAnswer) -> None:
    """Takes away what a reply could not carry, the least of use first: data of the user's events, details of the last spans,
    attributes of resources, the ends of long names, and at last spans."""
    encode = msgspec.json.Encoder().encode
    size = len(encode(answer))
    for event in reversed(answer.events):
        if size <= MAX_BYTES:
            return
        answer.truncated = True
        size -= len(encode(event.data))
        event.data = {}
    for span in reversed(answer.spans):
        if size <= MAX_BYTES:
            return
        answer.truncated = True
        before = len(encode(span))
        span.attributes, span.events, span.links = {}, [], []
        span.message = span.message[:200]
        size -= before - len(encode(span))
    for place in reversed(range(len(answer.resources))):
        if size <= MAX_BYTES:
            return
        size -= len(encode(answer.resources[place]))
        answer.resources[place] = {}
    for span in answer.spans if size > MAX_BYTES else ():
        span.name, span.operation = span.name[:SHORT], span.operation[:SHORT]
        span.scope, span.trace_state, span.message = span.scope[:SHORT], "", ""
    while answer.spans and len(encode(answer)) > MAX_BYTES:  # of very many steps and services
        answer.service_names = {}
        del answer.spans[-max(1, len(answer.spans) // 10) :]
        shown = {span.span_id for span in answer.spans}
        answer.critical_path = [section for section in answer.critical_path if section.span_id in shown]


def _ms(ns: int) -> float:
    return ns // 1_000 / 1_000
