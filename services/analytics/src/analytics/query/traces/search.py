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

MAX_SERVICES = 50
"""Services of a trace that the list names, those with the most spans."""


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
        by_trace: defaultdict[bytes, list[Record]] = defaultdict(list)
        around = min(times) - AROUND, max(times) + AROUND
        for record in await session.fetch("traces_in_brief", list(known), list(matched), *around, MAX_SERVICES):
            by_trace[record["trace_id"]].append(record)
        # What a trace has is read a moment after it was found: in between, its hour may have gone.
        return [_brief(by_trace[trace_id], span, known) for trace_id, span in matched.items() if trace_id in by_trace]


def _brief(services: Sequence[Record], matched: Record, known: Mapping[int, Operation]) -> FoundTrace:
    """One line of the list, of the services that have most of the trace."""
    whole = services[0]
    is_below, started_us, _, duration_ns, operation_id = whole["first_of_all"]
    operation = known[operation_id]
    own = known[matched["operation"]]
    return FoundTrace(
        trace_id=whole["trace_id"].hex(),
        service=operation.service,
        operation=operation.operation,
        start_ms=started_us / 1000,
        duration_ms=duration_ns / 1e6,
        spans=whole["all_spans"],
        errors=whole["all_errors"],
        services=[
            ServiceSpans(service=record["service"], spans=record["spans"], errors=record["errors"]) for record in services
        ],
        further_services=whole["services"] - len(services),
        matched=FoundSpan(
            span_id=matched["span_id"].hex(),
            service=own.service,
            operation=own.operation,
            start_ms=_ms(matched["started"]),
            duration_ms=matched["duration_ns"] / 1e6,
            status=Status(matched["status"]).name.lower(),  # type: ignore[arg-type]  # the names are those
        ),
        missing_root=bool(is_below),
    )


def _ms(at: datetime) -> float:
    return round(at.timestamp() * 1000, 3)
