"""Answers traces of many spans without their details, which spans have a text in these, and one span with all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from analytics.computing import computed
from analytics.query.service_names import names_of
from analytics.query.sessions import Sessions
from analytics.query.traces.one import INLINE_SPANS, KINDS, NO_SUCH_TRACE, STATUSES, events_around, events_of, links_of
from analytics.spans import clock_skew
from analytics.spans.critical_path import critical_path
from analytics.spans.span import Span
from analytics.spans.trace import Origin, Trace, assemble
from analytics.storage import span_rows
from analytics.storage.rows import Record
from drishti.errors import QueryError
from drishti.messages.trace_outlines import (
    FailedSpan,
    OutlineAnswer,
    OutlineQuery,
    PathSections,
    SpanAnswer,
    SpanQuery,
    SpanSearchAnswer,
    SpanSearchQuery,
)

MAX_SPANS = 10_000
"""Spans in one outline, the first ones."""

MAX_BYTES = 900_000
"""Of an answer: when it would be more, user events' data, ends of names, sections of the path and at last spans go."""

NAME, SHORT = 200, 40
"""Characters of each name, and where even these are too many."""

_encode = msgspec.json.Encoder().encode
_COLUMNS = ("span_ids", "depths", "of_service", "of_name", "starts_ms", "durations_ms", "self_ms")


class OutlineAnswers:
    """Answers ``query.v1.trace_outline``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: OutlineQuery) -> OutlineAnswer:
        """Raises :class:`QueryError` (``unknown``), :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        trace_id = bytes.fromhex(asked.trace_id)
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            records = await session.fetch("outline_of_trace", asked.tenant, trace_id, MAX_SPANS + 1)
            if not records:
                raise QueryError(NO_SUCH_TRACE, code="unknown", field="trace_id")
            shown = records[:MAX_SPANS]
            many = len(records) > INLINE_SPANS
            answer, spans = await computed(lambda: _answer(shown), in_thread=many)
            answer.truncated = len(records) > MAX_SPANS
            answer.kept = [record["reason"] for record in await session.fetch("kept_reasons", asked.tenant, trace_id)]
            answer.service_names = await names_of(session, asked.tenant, set(answer.services))
            answer.events = await events_around(session, asked.tenant, answer.trace_id, spans, shown)
            await computed(lambda: fit(answer), in_thread=many)
            return answer


class SpanSearches:
    """Answers ``query.v1.span_search``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: SpanSearchQuery) -> SpanSearchAnswer:
        """Of a trace that is not there, no span. Raises :class:`TooManyWaiting`, :class:`StatementTimeout` and
        :class:`DatabaseAway`."""
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            trace_id = bytes.fromhex(asked.trace_id)
            records = await session.fetch("spans_of_trace_with_text", asked.tenant, trace_id, MAX_SPANS, asked.text)
        return SpanSearchAnswer(trace_id=trace_id.hex(), span_ids=[record["span_id"].hex() for record in records])


class SpanAnswers:
    """Answers ``query.v1.span``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: SpanQuery) -> SpanAnswer:
        """Raises :class:`QueryError` (``unknown``), :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        ids = bytes.fromhex(asked.trace_id), bytes.fromhex(asked.span_id)
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            records = await session.fetch("span_of_trace", asked.tenant, *ids)
        if not records:
            raise QueryError("there is no such span in this trace, or it is no longer kept", code="unknown", field="span_id")
        return span_answer(span_rows.span_of(records[0]))


def _answer(records: Sequence[Record]) -> tuple[OutlineAnswer, list[Span]]:
    spans = [span_rows.span_of(record) for record in records]
    messages = {record["span_id"]: record["message"] for record in records if record["message"]}
    return outline_of(assemble(spans), messages), spans


def outline_of(trace: Trace, messages: Mapping[bytes, str]) -> OutlineAnswer:
    """The outline but for what is not in the spans. ``messages`` are those of failed spans, by their ids."""
    times = clock_skew.correct(trace)
    path = critical_path(trace, trace.root, times)
    own, waiting = path.own_ns(), path.waiting_ns()
    start_ns = times.starts[trace.root]
    services: dict[str, int] = {}
    names: dict[str, int] = {}
    places: dict[int, int] = {}
    found = OutlineAnswer(
        trace_id=trace.trace_id.hex(),
        root=trace.spans[trace.root].span_id.hex(),
        start_ms=start_ns // 1_000 / 1_000,
        duration_ms=trace.spans[trace.root].duration_ns / 1e6,
        services=[], names=[], span_ids=[], depths=[], of_service=[], of_name=[], starts_ms=[], durations_ms=[], self_ms=[],
        failed=[],
        critical_path=PathSections(places=[], from_ms=[], to_ms=[], waiting=[]),
        duplicates=trace.duplicates,
        missing_parent=[],
    )  # fmt: skip
    for position, depth in trace.walk():
        span = trace.spans[position]
        place = places[position] = len(found.span_ids)
        found.span_ids.append(span.span_id.hex())
        found.depths.append(depth)
        found.of_service.append(services.setdefault(span.service, len(services)))
        found.of_name.append(names.setdefault(span.name[:NAME], len(names)))
        found.starts_ms.append(_ms(times.starts[position] - start_ns))
        found.durations_ms.append(_ms(span.duration_ns))
        found.self_ms.append(_ms(own.get(position, 0) + waiting.get(position, 0)))
        if span.is_error:
            found.failed.append(FailedSpan(place=place, message=messages.get(span.span_id, "")))
        if trace.origins.get(position) is Origin.PARENT_MISSING:
            found.missing_parent.append(place)
    found.services, found.names = list(services), list(names)
    for section in path.sections:
        found.critical_path.places.append(places[section.position])
        found.critical_path.from_ms.append(_ms(section.start_ns - start_ns))
        found.critical_path.to_ms.append(_ms(section.end_ns - start_ns))
        found.critical_path.waiting.append(int(section.waiting))
    return found


def fit(answer: OutlineAnswer) -> None:
    """Takes away what a reply could not carry, the least of use first."""
    if len(_encode(answer)) <= MAX_BYTES:
        return
    for event in answer.events:
        event.data = {}
    if len(_encode(answer)) > MAX_BYTES:
        answer.names = [name[:SHORT] for name in answer.names]
        for one in answer.failed:
            one.message = one.message[:SHORT]
    while len(_encode(answer)) > MAX_BYTES and len(answer.critical_path.places) > len(answer.span_ids) // 10:
        _shorten(answer)
    while answer.span_ids and len(_encode(answer)) > MAX_BYTES:
        _cut(answer, len(answer.span_ids) - max(1, len(answer.span_ids) // 10))


def _shorten(answer: OutlineAnswer) -> None:
    """Leaves out the shorter half of the sections of the critical path."""
    path = answer.critical_path
    ranked = sorted(range(len(path.places)), key=lambda place: path.from_ms[place] - path.to_ms[place])
    kept = sorted(ranked[: len(ranked) // 2])
    answer.shortened_path = True
    answer.critical_path = PathSections(
        places=[path.places[place] for place in kept],
        from_ms=[path.from_ms[place] for place in kept],
        to_ms=[path.to_ms[place] for place in kept],
        waiting=[path.waiting[place] for place in kept],
    )


def _cut(answer: OutlineAnswer, spans: int) -> None:
    """Leaves the first ``spans`` spans, and what belongs to them."""
    for column in _COLUMNS:
        del getattr(answer, column)[spans:]
    names = sorted(set(answer.of_name))
    at = {name: place for place, name in enumerate(names)}
    answer.names, answer.of_name = [answer.names[name] for name in names], [at[name] for name in answer.of_name]
    answer.failed = [one for one in answer.failed if one.place < spans]
    answer.missing_parent = [place for place in answer.missing_parent if place < spans]
    path = answer.critical_path
    kept = [place for place, of in enumerate(path.places) if of < spans]
    answer.critical_path = PathSections(
        places=[path.places[place] for place in kept],
        from_ms=[path.from_ms[place] for place in kept],
        to_ms=[path.to_ms[place] for place in kept],
        waiting=[path.waiting[place] for place in kept],
    )
    answer.truncated = True


def span_answer(span: Span) -> SpanAnswer:
    """All that ``span`` says, as much as a reply carries."""
    answer = SpanAnswer(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=None if span.parent_id is None else span.parent_id.hex(),
        service=span.service,
        name=span.name,
        operation=span.operation,
        kind=KINDS[span.kind],
        start_ms=span.start_ns // 1_000 / 1_000,
        duration_ms=span.duration_ns / 1e6,
        status=STATUSES[span.status],
        message=span.status_message,
        attributes=dict(span.attributes),
        events=events_of(span),
        links=links_of(span),
        resource=dict(span.resource.attributes),
        scope=span.scope.name,
        trace_state=span.trace_state,
    )
    for part in ("links", "events", "resource", "attributes"):
        if len(_encode(answer)) <= MAX_BYTES:
            break
        setattr(answer, part, [] if part in ("links", "events") else {})
        answer.truncated = True
    return answer


def _ms(ns: int) -> float:
    """Milliseconds, to the nanosecond below one, and to the microsecond above: shorter texts of what is drawn alike."""
    return ns / 1e6 if -1_000_000 < ns < 1_000_000 else round(ns / 1e6, 3)
