"""Finds the traces that have a span which meets conditions: newest first or slowest first, a page at a time.

How this works
--------------
The range is searched in slices (:mod:`analytics.traces.slices`), from its end on, until there are enough or the time is over. A
trace stands where its newest (or slowest) matching span stands; a page goes on behind the last span of the page before, and a
trace that has a matching span before that was on an earlier page.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

import msgspec

from analytics.errors import StatementTimeout
from analytics.query.traces import conditions
from analytics.query.traces.conditions import Conditions, Resolved, instant
from analytics.storage.database import Session
from analytics.storage.rows import Record
from analytics.traces.slices import Slice, Slices
from drishti.errors import QueryError
from drishti.messages import subjects
from drishti.messages.field_types import any_of
from drishti.messages.traces import SpanConditions, TraceAggregate, TraceSearch

READ = 4
"""Spans that are read for each trace that is wanted: several of one trace may match."""

LONGER = 4
"""Where that is not enough, so many times as many are read next."""

MOST_READ = 20_000

MOST_KNOWN = 2_000
"""Traces that are distinguished while spans of others are read."""

_BEHIND_ALL = "f" * 16


class Operation(NamedTuple):
    """What an id of ``span_operations`` means."""

    service: str
    operation: str
    kind: int


class Position(msgspec.Struct, array_like=True):
    """Where a page ends: at a span, by its start in microseconds, its duration and its id."""

    started_us: int
    duration_ns: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    span_id: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}$(?!\n)")]


async def operations_of(session: Session, asked: SpanConditions) -> tuple[dict[int, Operation], list[int]]:
    """All operations of the tenant, and the ids of those that are asked for."""
    records = await session.fetch("operations_of_tenant", asked.tenant)
    known = {record["id"]: Operation(record["service"], record["operation"], record["kind"]) for record in records}
    kind = conditions.kind_of(asked)
    services = {subjects.token(service) for service in any_of(asked.service, asked.services)}
    operations = frozenset(any_of(asked.operation, asked.operations))
    without = set(asked.without_service)
    wanted = [
        key
        for key, one in known.items()
        if (not services or one.service in services)
        and one.service not in without
        and (not operations or one.operation in operations)
        and (kind is None or one.kind == kind)
    ]
    return known, wanted


async def attributes_of(session: Session, asked: SpanConditions) -> list[list[Resolved]]:
    """The conditions on attributes, with what is stored once and meets them: of each inner list any. Raises
    :class:`QueryError`."""
    resolved = []
    for alternatives in conditions.attribute_conditions(asked):
        found = []
        for condition in alternatives:
            text, parameters = conditions.ids_statement(condition, asked.tenant)
            found.append(Resolved(condition, [record["id"] for record in await session.fetch_composed(text, *parameters)]))
        resolved.append(found)
    return resolved


class Found(NamedTuple):
    """Traces with their first matching span, and where the next page begins. ``searched_from``: where the time was over before
    the whole range was searched, what of it was: from there on."""

    matched: dict[bytes, Record]
    following: Position | None = None
    searched_from: datetime | None = None


async def find(
    session: Session, asked: TraceSearch | TraceAggregate, matching: Conditions, after: Position | None = None
) -> Found:
    """Up to ``limit`` traces behind ``after``."""
    begin, end = instant(asked.from_ms), instant(asked.to_ms)
    if asked.order == "slowest":
        return await _slowest(session, asked, matching, after, Slices(begin, end))
    if after is not None:
        end = min(end, instant(after.started_us / 1000) + timedelta(microseconds=1))
    return await _newest(session, asked, matching, after, Slices(begin, end))


async def _newest(
    session: Session, asked: TraceSearch | TraceAggregate, matching: Conditions, after: Position | None, slices: Slices
) -> Found:
    """A slice after the other, until there are enough."""
    found: dict[bytes, Record] = {}
    known: dict[bytes, None] = {}
    last = after
    try:
        for piece in slices:
            full, most = True, asked.limit * READ
            while full and len(found) < asked.limit:
                records = await _page(session, asked, matching, piece, last, most, slices.left_s, without=known)
                full = len(records) == most
                most = min(MOST_READ, most * LONGER)  # few traces have nearly all of the spans
                seen_before = await _seen_before(session, asked, matching, records, after)
                _know(known, records)
                for record in records:
                    trace_id = record["trace_id"]
                    if trace_id not in found and trace_id not in seen_before:
                        if len(found) == asked.limit:
                            return Found(found, last)
                        found[trace_id] = record
                    last = _at(record)
                if full and slices.over and last is not None:
                    return Found(found, last, instant(last.started_us / 1000))
            if len(found) == asked.limit:
                return Found(found, last if full or piece.start > instant(asked.from_ms) else None)
    except StatementTimeout:
        if slices.untouched:
            raise
    if slices.whole:
        return Found(found)
    return Found(found, _end_of(slices.read_from), slices.read_from)


async def _slowest(
    session: Session, asked: TraceSearch | TraceAggregate, matching: Conditions, after: Position | None, slices: Slices
) -> Found:
    """The slowest of all slices: in further ones only spans are looked at that are as slow as the slowest known so far."""
    slowest: list[Record] = []
    try:
        for piece in slices:
            last, full, most = after, True, asked.limit * READ
            known: dict[bytes, None] = {}
            while full:
                at_least = slowest[asked.limit]["duration_ns"] if len(slowest) > asked.limit else 0
                records = await _page(session, asked, matching, piece, last, most, slices.left_s, at_least, without=known)
                _know(known, records)
                full = len(records) == most
                most = min(MOST_READ, most * LONGER)
                seen_before = await _seen_before(session, asked, matching, records, after)
                first: dict[bytes, Record] = {}
                for record in sorted([*slowest, *records], key=_slowest_first):
                    if record["trace_id"] not in seen_before:
                        first.setdefault(record["trace_id"], record)
                slowest = list(first.values())[: asked.limit + 1]
                if full and slices.over:
                    break
                if records:
                    last = _at(records[-1])
            if full:
                break  # the time is over amid a slice
    except StatementTimeout:
        if not slowest:
            raise
    found = {record["trace_id"]: record for record in slowest[: asked.limit]}
    following = _at(slowest[asked.limit - 1]) if len(slowest) > asked.limit else None
    return Found(found, following, None if slices.whole else slices.read_from)


def _know(known: dict[bytes, None], records: Sequence[Record]) -> None:
    """Of the traces of ``records``, whose first span is found, further ones need not be read: some have thousands."""
    known.update((record["trace_id"], None) for record in records[: MOST_KNOWN - len(known)] if len(known) < MOST_KNOWN)


def _slowest_first(record: Record) -> tuple[int, bytes]:
    return -record["duration_ns"], record["span_id"]


async def _page(
    session: Session,
    asked: TraceSearch | TraceAggregate,
    matching: Conditions,
    piece: Slice,
    last: Position | None,
    most: int,
    within_s: float,
    at_least_ns: int = 0,
    *,
    without: Mapping[bytes, None],
) -> Sequence[Record]:
    """Up to ``most`` matching spans of ``piece`` behind ``last`` that took ``at_least_ns`` and are of other traces than
    ``without``."""
    more = conditions.copy(matching)
    if without:
        more.add(f"s.trace_id <> ALL ({more.parameter(list(without))}::bytea[])")
    more.add(f"s.started >= {more.parameter(piece.start)} AND s.started < {more.parameter(piece.end)}")
    if at_least_ns:
        more.add(f"s.duration_ns >= {more.parameter(at_least_ns)}::bigint")
    if last is not None:
        more.add(_behind(more, asked.order, last))
    order = "s.started DESC, s.span_id" if asked.order == "newest" else "s.duration_ns DESC, s.span_id"
    return await session.fetch_composed(
        f"SELECT s.trace_id, s.span_id, s.operation, s.started, s.duration_ns, s.status FROM all_spans AS s "  # noqa: S608
        f"WHERE {more.where} ORDER BY {order} LIMIT {more.parameter(most)}",
        *more.parameters,
        within_s=within_s,
    )


async def _seen_before(
    session: Session,
    asked: TraceSearch | TraceAggregate,
    matching: Conditions,
    records: Sequence[Record],
    after: Position | None,
) -> set[bytes]:
    """The traces of ``records`` that have a matching span at or before the end of the page before."""
    if after is None or not records:
        return set()
    more = conditions.copy(matching)
    ids = list({record["trace_id"] for record in records})
    more.add(f"s.trace_id = ANY ({more.parameter(ids)}::bytea[])")
    more.add(f"s.started >= {more.parameter(instant(asked.from_ms))} AND s.started < {more.parameter(instant(asked.to_ms))}")
    more.add(f"NOT ({_behind(more, asked.order, after)})")
    earlier = await session.fetch_composed(
        f"SELECT DISTINCT s.trace_id FROM all_spans AS s WHERE {more.where}",  # noqa: S608
        *more.parameters,
    )
    return {record["trace_id"] for record in earlier}


def _behind(more: Conditions, order: str, position: Position) -> str:
    """The condition that a span comes after ``position``."""
    span_id = more.parameter(bytes.fromhex(position.span_id))
    if order == "newest":
        at = more.parameter(instant(position.started_us / 1000))
        return f"s.started < {at} OR (s.started = {at} AND s.span_id > {span_id}::bytea)"
    duration = more.parameter(position.duration_ns)
    return f"s.duration_ns < {duration}::bigint OR (s.duration_ns = {duration}::bigint AND s.span_id > {span_id}::bytea)"


def _at(record: Record) -> Position:
    return Position(round(record["started"].timestamp() * 1e6), record["duration_ns"], record["span_id"].hex())


def _end_of(read_from: datetime) -> Position:
    """Behind all spans from ``read_from`` on."""
    return Position(round(read_from.timestamp() * 1e6), 0, _BEHIND_ALL)


def cursor_of(position: Position) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def position_of(cursor: str) -> Position | None:
    if not cursor:
        return None
    try:
        position = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=Position)
        instant(position.started_us / 1000)
    except (msgspec.MsgspecError, binascii.Error, ValueError, OverflowError, OSError):
        raise QueryError("is not one that an answer gave", field="cursor") from None
    return position
