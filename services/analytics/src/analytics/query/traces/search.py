"""Finds traces by their spans: newest first or slowest first, a page at a time.

How this works
--------------
The newest are looked for in slices of time that get longer, from the end of the range on: mostly the first ones hold enough. A
trace stands where its newest (or slowest) matching span stands; a page goes on behind the last span of the page before, and a
trace that has a matching span before that was on an earlier page.
"""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from analytics.query.sessions import Sessions
from analytics.query.traces import conditions
from analytics.query.traces.conditions import Conditions, Resolved, instant
from analytics.spans.span import Status
from analytics.storage.database import Session
from analytics.storage.rows import Record
from drishti.errors import QueryError
from drishti.messages.traces import FoundSpan, FoundTrace, ServiceSpans, TraceFacets, TraceList, TraceSearch

FIRST_SLICE = timedelta(seconds=30)
LONGER = 4
"""Each slice is so many times as long as the one before."""

READ = 4
"""Spans that are read for each trace that is wanted: several of one trace may match."""

MOST_READ = 20_000

AROUND = timedelta(hours=1)
"""Spans of a found trace are looked for so long before and after what was found of it."""


class Operation(NamedTuple):
    """What an id of ``span_operations`` means."""

    service: str
    operation: str
    kind: int


class Position(msgspec.Struct, array_like=True):
    """Where a page ends: at a span, by its start in microseconds, its duration and its id."""

    started_us: int
    duration_ns: int
    span_id: str


async def operations_of(session: Session, asked: TraceSearch | TraceFacets) -> tuple[dict[int, Operation], list[int]]:
    """All operations of the tenant, and the ids of those that are asked for."""
    records = await session.fetch("operations_of_tenant", asked.tenant)
    known = {record["id"]: Operation(record["service"], record["operation"], record["kind"]) for record in records}
    kind = conditions.kind_of(asked)
    wanted = [
        key
        for key, one in known.items()
        if (not asked.service or one.service == asked.service)
        and (not asked.operation or one.operation == asked.operation)
        and (kind is None or one.kind == kind)
    ]
    return known, wanted


async def attributes_of(session: Session, asked: TraceSearch | TraceFacets) -> list[Resolved]:
    """The conditions on attributes, with what is stored once and meets them; raises :class:`QueryError`."""
    resolved = []
    for condition in conditions.attribute_conditions(asked):
        text, parameters = conditions.ids_statement(condition, asked.tenant)
        resolved.append(Resolved(condition, [record["id"] for record in await session.fetch_composed(text, *parameters)]))
    return resolved


class TraceSearches:
    """Answers ``query.v1.traces``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: TraceSearch) -> TraceList:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        after = _position(asked.cursor)
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            as_of = await session.value("clock")
            known, wanted = await operations_of(session, asked)
            matching = conditions.conditions(asked, wanted, await attributes_of(session, asked))
            found = TraceList(from_ms=asked.from_ms, to_ms=asked.to_ms, as_of=as_of, traces=[])
            if not wanted:
                return found
            matched, last = await self._matched(session, asked, matching, after)
            found.traces = await self._in_brief(session, known, matched)
            if last is not None:
                found.cursor = _cursor(last)
            services = sorted({one.service for trace in found.traces for one in trace.services})
            records = await session.fetch("service_names", asked.tenant, services)
            found.service_names = {record["service"]: record["name"] for record in records}
            return found

    async def _matched(
        self, session: Session, asked: TraceSearch, matching: Conditions, after: Position | None
    ) -> tuple[dict[bytes, Record], Position | None]:
        """Up to ``limit`` traces with their first matching span, and where the next page begins."""
        found: dict[bytes, Record] = {}
        last = after
        begin, end = instant(asked.from_ms), instant(asked.to_ms)
        slowest = asked.order == "slowest"
        if after is not None and not slowest:
            end = min(end, instant(after.started_us / 1000) + timedelta(microseconds=1))
        width = FIRST_SLICE
        while begin < end:
            start = begin if slowest else max(begin, end - width)
            full, most = True, asked.limit * READ
            while full and len(found) < asked.limit:
                records = await self._page(session, asked, matching, (start, end), last, most)
                full = len(records) == most
                most = min(MOST_READ, most * LONGER)  # few traces have nearly all of the spans
                seen_before = await self._seen_before(session, asked, matching, records, after)
                for record in records:
                    trace_id = record["trace_id"]
                    if trace_id not in found and trace_id not in seen_before:
                        if len(found) == asked.limit:
                            return found, last
                        found[trace_id] = record
                    last = _at(record)
            if len(found) == asked.limit and (full or start > begin):
                return found, last
            end, width = start, width * LONGER
        return found, None

    async def _page(
        self,
        session: Session,
        asked: TraceSearch,
        matching: Conditions,
        times: tuple[datetime, datetime],
        last: Position | None,
        most: int,
    ) -> Sequence[Record]:
        """Up to ``most`` matching spans behind ``last``."""
        more = _copied(matching)
        start, end = times
        more.add(f"s.started >= {more.parameter(start)} AND s.started < {more.parameter(end)}")
        if last is not None:
            more.add(_behind(more, asked.order, last))
        order = "s.started DESC, s.span_id" if asked.order == "newest" else "s.duration_ns DESC, s.span_id"
        return await session.fetch_composed(
            f"SELECT s.trace_id, s.span_id, s.operation, s.started, s.duration_ns, s.status FROM all_spans AS s "  # noqa: S608
            f"WHERE {more.where} ORDER BY {order} LIMIT {more.parameter(most)}",
            *more.parameters,
        )

    async def _seen_before(
        self, session: Session, asked: TraceSearch, matching: Conditions, records: Sequence[Record], after: Position | None
    ) -> set[bytes]:
        """The traces of ``records`` that have a matching span at or before the end of the page before."""
        if after is None or not records:
            return set()
        more = _copied(matching)
        ids = list({record["trace_id"] for record in records})
        more.add(f"s.trace_id = ANY ({more.parameter(ids)}::bytea[])")
        more.add(
            f"s.started >= {more.parameter(instant(asked.from_ms))} AND s.started < {more.parameter(instant(asked.to_ms))}"
        )
        more.add(f"NOT ({_behind(more, asked.order, after)})")
        earlier = await session.fetch_composed(
            f"SELECT DISTINCT s.trace_id FROM all_spans AS s WHERE {more.where}",  # noqa: S608
            *more.parameters,
        )
        return {record["trace_id"] for record in earlier}

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


def _behind(more: Conditions, order: str, position: Position) -> str:
    """The condition that a span comes after ``position``."""
    span_id = more.parameter(bytes.fromhex(position.span_id))
    if order == "newest":
        at = more.parameter(instant(position.started_us / 1000))
        return f"s.started < {at} OR (s.started = {at} AND s.span_id > {span_id}::bytea)"
    duration = more.parameter(position.duration_ns)
    return f"s.duration_ns < {duration}::bigint OR (s.duration_ns = {duration}::bigint AND s.span_id > {span_id}::bytea)"


def _copied(matching: Conditions) -> Conditions:
    copied = Conditions()
    copied.parts, copied.parameters = [f"({part})" for part in matching.parts], list(matching.parameters)
    return copied


def _at(record: Record) -> Position:
    return Position(round(record["started"].timestamp() * 1e6), record["duration_ns"], record["span_id"].hex())


def _cursor(position: Position) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def _position(cursor: str) -> Position | None:
    if not cursor:
        return None
    try:
        position = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=Position)
        bytes.fromhex(position.span_id)
        instant(position.started_us / 1000)
    except (msgspec.MsgspecError, binascii.Error, ValueError, OverflowError, OSError):
        raise QueryError("is not one that an answer gave", field="cursor") from None
    return position


def _ms(at: datetime) -> float:
    return round(at.timestamp() * 1000, 3)
