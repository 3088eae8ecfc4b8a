"""Answers searches for traces: a page of them, each in brief."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from analytics.query.service_names import names_of
from analytics.query.sessions import Sessions
from analytics.query.traces import conditions
from analytics.query.traces.finding import Operation, attributes_of, cursor_of, find, operations_of, position_of
from analytics.spans.span import Status
from analytics.storage import rows
from analytics.storage.database import Session
from analytics.storage.rows import Record
from drishti.messages.traces import FoundSpan, FoundTrace, ServiceSpans, TraceList, TraceSearch

AROUND = timedelta(hours=1)
"""Spans of a found trace are looked for so long before and after what was found of it."""


class TraceSearches:
    """Answers ``query.v1.traces``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: TraceSearch) -> TraceList:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        after = position_of(asked.cursor)
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            as_of = await session.value("clock")
            known, wanted = await operations_of(session, asked)
            matching = conditions.conditions(asked, wanted, await attributes_of(session, asked))
            found = TraceList(from_ms=asked.from_ms, to_ms=asked.to_ms, as_of=as_of, traces=[])
            if not wanted:
                return found
            matched, following, searched_from = await find(session, asked, matching, after)
            found.traces = await self._in_brief(session, known, matched)
            if following is not None:
                found.cursor = cursor_of(following)
            if searched_from is not None:
                found.searched_from = rows.epoch_ms(searched_from)
            services = {one.service for trace in found.traces for one in trace.services}
            found.service_names = await names_of(session, asked.tenant, services)
            return found

    async def _in_brief(
        self, session: Session, known: Mapping[int, Operation], matched: Mapping[bytes, Record]
    ) -> list[FoundTrace]:
        if not matched:
            return []
        times = [record["started"] for record in matched.values()]
        records = await session.fetch("traces_in_brief", list(known), list(matched), min(times) - AROUND, max(times) + AROUND)
        by_trace: defaultdict[bytes, list[Record]] = defaultdict(list)
        for record in records:
            by_trace[record["trace_id"]].append(record)
        return [_brief(trace_id, by_trace[trace_id], span, known) for trace_id, span in matched.items()]


def _brief(trace_id: bytes, parts: Sequence[Record], matched: Record, known: Mapping[int, Operation]) -> FoundTrace:
    """One line of the list, of what each operation has in the trace."""
    roots = [part for part in parts if part["root_started"] is not None]
    first = min(roots, key=lambda part: part["root_started"]) if roots else min(parts, key=lambda part: part["started"])
    services: dict[str, ServiceSpans] = {}
    for part in parts:
        service = known[part["operation"]].service
        one = services.setdefault(service, ServiceSpans(service=service, spans=0, errors=0))
        one.spans += part["spans"]
        one.errors += part["errors"]
    operation = known[first["operation"]]
    own = known[matched["operation"]]
    return FoundTrace(
        trace_id=trace_id.hex(),
        service=operation.service,
        operation=operation.operation,
        start_ms=_ms(first["root_started"] or first["started"]),
        duration_ms=(first["root_duration_ns"] if roots else first["duration_ns"]) / 1e6,
        spans=sum(one.spans for one in services.values()),
        errors=sum(one.errors for one in services.values()),
        services=sorted(services.values(), key=lambda one: (-one.spans, one.service)),
        matched=FoundSpan(
            span_id=matched["span_id"].hex(),
            service=own.service,
            operation=own.operation,
            start_ms=_ms(matched["started"]),
            duration_ms=matched["duration_ns"] / 1e6,
            status=Status(matched["status"]).name.lower(),  # type: ignore[arg-type]  # the names are those
        ),
        missing_root=not roots,
    )


def _ms(at: datetime) -> float:
    return round(at.timestamp() * 1000, 3)
